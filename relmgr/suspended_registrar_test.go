package relmgr_test

import (
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// FED-18: what a registrar recognises is not taken while the register of registrars has it
// suspended, from the next recognition on; another registrar's is, what stood stands, and when
// it is readmitted its word counts again.
func TestASuspendedRegistrarsRecognitionsAreRefused(t *testing.T) {
	b := setup(t)
	county, health := b.withRegistrar(t, "county-register"), b.withRegistrar(t, "health-register")
	o := own("gp-riverside", "GP-10001")
	b.publish(t, "gp", o)
	b.attach(t, county, "gp", o, "Iris Moor")
	ordinal := 0
	step := func(kind string) {
		t.Helper()
		act := ident.NewAct()
		ordinal++
		if _, err := b.admin.Exec(`insert into federation.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
			values ($1, $2, now(), 'the-hub', 'the-hub', 'federation', 1, '', '')`, act, kind); err != nil {
			t.Fatal(err)
		}
		if _, err := b.admin.Exec(`insert into federation.registrars (act_id, registrar, ordinal, step, terms) values ($1, 'county-register', $2, $3, $4)`,
			act, ordinal, kind, map[bool]any{true: "{}"}[kind == "admit-registrar"]); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(r registrar) bool {
		t.Helper()
		_, err := b.AttachAnchor(t.Context(), b.as("gp"), relmgr.Attachment{Own: own("gp-riverside", "GP-10002"), Recognition: b.recognised(t, r, "gp", "Ada Brook"), Reason: "same-person-found"})
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Fatal(err)
		}
		return err != nil
	}
	for _, s := range []struct {
		step string
		want bool
	}{{"admit-registrar", false}, {"flag-registrar", false}, {"suspend-registrar", true}} {
		if step(s.step); refused(county) != s.want {
			t.Errorf("%s: refused %t, want %t", s.step, !s.want, s.want)
		}
	}
	if refused(health) {
		t.Error("another registrar is refused")
	}
	if n := b.count(t, "select count(*) from relmgr.attachments where live"); n < 2 {
		t.Errorf("%d recognitions stand", n)
	}
	if step("readmit-registrar"); refused(county) {
		t.Error("refused after it was readmitted")
	}
}
