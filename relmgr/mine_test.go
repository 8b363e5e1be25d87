package relmgr_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// signsIn is a registrar's statement that a person has signed in.
func (b *bundle) signsIn(t *testing.T, r registrar, person string, change ...func(*attest.Subject)) string {
	t.Helper()
	keys, err := attest.RecipientKeys(t.Context(), b.keys, relmgr.AgreementKey)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := keys.Encrypt(secretOf(person))
	if err != nil {
		t.Fatal(err)
	}
	s := attest.Subject{
		Audience: relmgr.Audience(b.terms), Level: "medium", ACR: "two-factors", Secret: secret, IssuedAt: b.clock(), Expires: b.clock().Add(5 * time.Minute),
	}
	for _, c := range change {
		c(&s)
	}
	token, err := attest.NewSigner(r.keys, "sign/registrar/1", r.code).SignSubject(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func passwordAlone(s *attest.Subject) { s.ACR = "one-factor" }

// columnsOf are the columns of the handles that a person is given proofs of, as each
// duty reads them from its own.
func (b *bundle) columnsOf(t *testing.T, m relmgr.Mine) (columns []string, next ident.HandleID) {
	t.Helper()
	p, err := b.FindMine(t.Context(), b.terms, m)
	if err != nil {
		t.Fatal(err)
	}
	for duty, token := range map[string]string{"relmgr": p.Relmgr, "consent": p.Consent, "idmgr": p.Idmgr} {
		proof, err := b.OwnProofs().VerifySubjectProof(t.Context(), token, duty)
		if err != nil {
			t.Fatal(duty, err)
		}
		now := []string{}
		for _, h := range proof.Handles {
			now = append(now, string(h.Column))
		}
		slices.Sort(now)
		if columns == nil {
			columns = now
		}
		if !slices.Equal(now, columns) {
			t.Errorf("two duties are told of %v and %v", now, columns)
		}
		for _, other := range []string{"relmgr", "consent", "idmgr", "governance"} {
			if _, err := b.OwnProofs().VerifySubjectProof(t.Context(), token, other); (err == nil) != (other == duty) {
				t.Errorf("the proof for %s at %s: %v", duty, other, err)
			}
		}
	}
	return columns, p.Next
}

func (b *bundle) mine(t *testing.T, r registrar, person string, sensitive bool) string {
	t.Helper()
	columns, _ := b.columnsOf(t, relmgr.Mine{Statement: b.signsIn(t, r, person), Sensitive: sensitive})
	return strings.Join(columns, " ")
}

// AUT-07, SUB-01, A-14: a person has the handles at which the registrar with which they
// signed in has had them recognised, while an act in effect says so and their column is
// open; those of sensitive columns when they ask for them with two factors.
func TestAPersonsHandlesAreThoseWhereTheyWereRecognised(t *testing.T) {
	b := setup(t)
	county, health := b.withRegistrar(t, "county-register"), b.withRegistrar(t, "health-register")
	clinic := own("clinic-bridge", "C12345X")
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	attached := b.attach(t, county, "school", schoolChild, "Iris Moor")
	b.attach(t, county, "gp", own("gp-riverside", "GP-00077"), "Ivo Moor")
	b.attach(t, county, "clinic", clinic, "Iris Moor")
	b.handle(t, "social", socialChild) // without an anchor

	want := func(when, columns string) {
		t.Helper()
		if got := b.mine(t, county, "Iris Moor", false); got != columns {
			t.Errorf("%s: %q, want %q", when, got, columns)
		}
	}
	want("recognised", "gp-riverside school-pastoral")
	if got := b.mine(t, county, "Iris Moor", true); got != "clinic-bridge gp-riverside school-pastoral" {
		t.Errorf("with sensitive columns: %q", got)
	}
	if got := b.mine(t, health, "Iris Moor", true); got != "" {
		t.Errorf("by another registrar: %q", got)
	}
	var fault401 *fault.Error
	_, err := b.FindMine(t.Context(), b.terms, relmgr.Mine{Statement: b.signsIn(t, county, "Nobody", passwordAlone), Sensitive: true})
	if wantKind(t, err, fault.StepUp); !errors.As(err, &fault401) || fault401.ACR != "two-factors" {
		t.Errorf("asked for sensitive columns with a password alone: %v", err)
	}
	b.columnsOf(t, relmgr.Mine{Statement: b.signsIn(t, county, "Iris Moor", passwordAlone)})

	undone := must(t)(b.WithdrawAct(t.Context(), b.as("school"), attached.Act, "work-ended", ""))
	want("undone", "gp-riverside")
	must(t)(b.WithdrawAct(t.Context(), b.as("school"), undone.Act, "work-ended", ""))
	want("done again", "gp-riverside school-pastoral")
	if err := b.another(t).RotateAnchors(t.Context(), func(string, int, int) {}); err != nil {
		t.Fatal(err)
	}
	want("by the next key of anchors", "gp-riverside school-pastoral")

	terms, ends := *b.terms, b.clock().Add(time.Hour)
	terms.Columns = slices.Clone(terms.Columns)
	for i := range terms.Columns {
		if terms.Columns[i].ID == "school-pastoral" {
			terms.Columns[i].Closes = &ends
		}
	}
	b.terms = terms.Index()
	want("about to close", "gp-riverside school-pastoral")
	b.wait(2 * time.Hour)
	want("closed", "gp-riverside")
	if _, err := b.Erase(t.Context(), b.as("gp-manager"), relmgr.Erasure{Own: gpChild, Reason: "subject-asked"}); err != nil {
		t.Fatal(err)
	}
	want("erased", "")
}

// SUB-02, ACT-06, LEG-15: what somebody is lawfully not told of is absent, from the act
// that says so until another person decides otherwise; so is an override of which
// telling would raise the risk. That a correlation is kept from them hides no handle.
func TestWhatAPersonIsNotToldOfIsAbsent(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	silent := b.imposed(t, "gp-lead", gpChild)
	silent.Telling = &relmgr.Telling{Risk: "risk-to-somebody-else", ReviewBy: b.clock().Add(24 * time.Hour)}
	kept := must(t)(b.Publish(t.Context(), b.as("gp-lead"), silent))
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	b.attach(t, county, "social", socialChild, "Iris Moor")
	want := func(when, columns string) {
		t.Helper()
		if got := b.mine(t, county, "Iris Moor", true); got != columns {
			t.Errorf("%s: %q, want %q", when, got, columns)
		}
	}
	want("kept from them", "social-care")
	b.wait(25 * time.Hour)
	want("kept from them, and overdue to be looked at", "social-care")
	must(t)(b.ReviewTelling(t.Context(), b.as("gp-second"), kept.Act, nil, "subject-asked"))
	want("to be told", "gp-riverside social-care")
	b.wait(time.Second)
	must(t)(b.ReviewTelling(t.Context(), b.as("gp-lead"), kept.Act, &relmgr.Telling{Risk: "risk-to-the-subject", ReviewBy: b.clock().Add(time.Hour)}, "risk-of-harm"))
	want("kept from them again", "social-care")
}

// LEG-15: an override of which telling would raise the risk is absent too.
func TestAnOverrideThatTellingWouldMakeWorseIsAbsent(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.overridden(t)
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	b.attach(t, county, "social", socialChild, "Iris Moor")
	if got := b.mine(t, county, "Iris Moor", true); got != "social-care" {
		t.Errorf("%q", got)
	}
}

// SUB-12, LEG-21: what is shown by an authority says so to each duty, and sensitive
// columns say whom they know to the person alone.
func TestWhoActsForAPersonIsToldOfAsSuch(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	b.attach(t, county, "clinic", own("clinic-bridge", "C12345X"), "Iris Moor")
	mother := func(s *attest.Subject) { s.Authority, s.Scope = "parental-responsibility", []string{"see"} }
	p, err := b.FindMine(t.Context(), b.terms, relmgr.Mine{Statement: b.signsIn(t, county, "Iris Moor", mother), Sensitive: true})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := b.OwnProofs().VerifySubjectProof(t.Context(), p.Consent, "consent")
	if err != nil || proof.Authority != "parental-responsibility" || !slices.Equal(proof.Scope, []string{"see"}) || len(proof.Handles) != 1 || proof.Handles[0].Column != "gp-riverside" {
		t.Errorf("%+v, %v", proof, err)
	}
	who := decide.Subject{Authority: proof.Authority, Scope: proof.Scope}
	if !who.May(decide.ToSee) || who.May(decide.ToDecide) || !(decide.Subject{}).May(decide.ToDecide) {
		t.Error("an authority goes further than its scope, or a person less far than their own")
	}
}

// A person with very many handles is given them page by page, each once.
func TestManyHandlesComeInPages(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	terms := *b.terms
	terms.Columns = slices.Clone(terms.Columns)
	surgery := terms.FindColumn("gp-riverside", b.clock())
	const most = 11
	for i := range most {
		c := *surgery
		c.ID = ident.Column(fmt.Sprintf("gp-list-%02d", i))
		terms.Columns = append(terms.Columns, c)
	}
	b.terms = terms.Index()
	for i := range most {
		for n := range 4 {
			b.attach(t, county, "gp", own(ident.Column(fmt.Sprintf("gp-list-%02d", i)), fmt.Sprintf("GP-%05d", n)), "Iris Moor")
		}
	}
	m := relmgr.Mine{Statement: b.signsIn(t, county, "Iris Moor")}
	first, next := b.columnsOf(t, m)
	m.After = next
	rest, end := b.columnsOf(t, m)
	if len(first) != attest.MaxSubjectHandles || len(rest) != 4*most-attest.MaxSubjectHandles || next.IsZero() || !end.IsZero() {
		t.Errorf("%d and %d handles, then %v and %v", len(first), len(rest), next, end)
	}
	counts := map[string]int{}
	for _, c := range slices.Concat(first, rest) {
		counts[c]++
	}
	for c, n := range counts {
		if n != 4 {
			t.Errorf("%s is there %d times", c, n)
		}
	}
}

// AUT-13: what is not a registrar's statement of this sort, for this hub and for now,
// is refused alike.
func TestWhatIsNoStatementOfWhoSignedInIsRefused(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	stranger := newRegistrar(t, "county-register")
	good := b.signsIn(t, county, "Iris Moor")
	if b.mine(t, county, "Iris Moor", false) != "" {
		t.Fatal("somebody whom nobody knows has handles")
	}
	change := func(f func(*attest.Subject)) string { return b.signsIn(t, county, "Iris Moor", f) }
	for name, token := range map[string]string{
		"nothing": "", "forged": b.signsIn(t, stranger, "Iris Moor"), "cut off": good[:len(good)-4],
		"a recognition":    b.recognised(t, county, "gp", "Iris Moor"),
		"for another hub":  change(func(s *attest.Subject) { s.Audience = "https://elsewhere.example/relmgr" }),
		"for another duty": change(func(s *attest.Subject) { s.Audience = strings.Replace(s.Audience, "relmgr", "consent", 1) }),
		"living too long":  change(func(s *attest.Subject) { s.Expires = s.IssuedAt.Add(24 * time.Hour) }),
		"a level of none":  change(func(s *attest.Subject) { s.Level = "certain" }),
		"an acr of none":   change(func(s *attest.Subject) { s.ACR = "guessed" }),
		"in clear":         change(func(s *attest.Subject) { s.Secret = "secret" }),
	} {
		if _, err := b.FindMine(t.Context(), b.terms, relmgr.Mine{Statement: token}); fault.KindOf(err) != fault.Unauthenticated || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.wait(5 * time.Minute)
	_, err := b.FindMine(t.Context(), b.terms, relmgr.Mine{Statement: good})
	wantKind(t, err, fault.Unauthenticated)
	// A registrar that is taken out of the partnership says nothing from then on.
	fresh := b.signsIn(t, county, "Iris Moor")
	terms := *b.terms
	terms.Registrars = []decide.Registrar{}
	_, err = b.FindMine(t.Context(), terms.Index(), relmgr.Mine{Statement: fresh})
	wantKind(t, err, fault.Unauthenticated)
}

// DCP-03, AUT-13: registrars are given another key to encrypt to while the index runs:
// a process that has not heard of it reads what comes by either.
func TestTheKeyThatRegistrarsEncryptToIsRotatedWhileTheIndexRuns(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	b.attach(t, county, "gp", gpChild, "Iris Moor")
	old := b.signsIn(t, county, "Iris Moor")
	to, err := b.another(t).RotateAgreement(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	newest := b.signsIn(t, county, "Iris Moor", func(s *attest.Subject) {
		if s.Secret, err = to.Encrypt(secretOf("Iris Moor")); err != nil {
			t.Fatal(err)
		}
	})
	again, err := b.RotateAgreement(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text := func(r attest.Recipients) string { b, _ := r.MarshalJSON(); return string(b) }
	if strings.Count(text(to), "kid") != 2 || strings.Count(text(again), "kid") != 3 {
		t.Errorf("registrars are given %s, then %s", text(to), text(again))
	}
	for name, token := range map[string]string{"the old key": old, "the new key": newest} {
		if columns, _ := b.columnsOf(t, relmgr.Mine{Statement: token}); len(columns) != 1 {
			t.Errorf("by %s: %v", name, columns)
		}
	}
}
