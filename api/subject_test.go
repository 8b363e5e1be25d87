package api_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

func (d *duty) HandleSignedIn(ctx context.Context, op relmgroas.OperationName, t relmgroas.SignedIn) (context.Context, error) {
	return d.edge.Bearing(ctx, op, t.Token)
}

// AUT-01, AUT-07: what a person does as themself needs relmgr's proof, made for this
// duty and for now; it gives the handles in it whose columns are open, under the terms
// of now, and no caller. Each proof has a limit of its own.
func TestAPersonEntersWithAProofForThisDutyAlone(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	closing := h.clock.now().Add(5 * time.Minute)
	h.terms.Providers = []decide.Provider{{ID: "front-desk", Agency: "gp"}, {ID: "office", Agency: "school"}}
	h.terms.Columns = []decide.Column{{ID: "gp-list", Provider: "front-desk", Agency: "gp"}, {ID: "school-roll", Provider: "office", Agency: "school", Closes: &closing}}
	h.terms.Registrars = []decide.Registrar{{Code: "county", Agency: "gp"}}
	h.terms.Settings.RequestsPerMinute = 8
	h.apply()

	keys, err := seal.CreateFile(filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "identity"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []seal.KeyID{"sign/relmgr/1", "sign/other/1"} {
		if _, _, err := keys.Ensure(t.Context(), id, seal.KindSign); err != nil {
			t.Fatal(err)
		}
	}
	trusted, err := attest.PublicKeys(t.Context(), keys, "sign/relmgr/1")
	if err != nil {
		t.Fatal(err)
	}
	gp, school := ident.NewHandle(), ident.NewHandle()
	proof := func(key seal.KeyID, change func(*attest.SubjectProof)) string {
		t.Helper()
		p := attest.SubjectProof{
			Audience: "consent", Registrar: "county", Level: "medium", ACR: "two-factors", IssuedAt: h.clock.now(), Expires: h.clock.now().Add(10 * time.Minute),
			Handles: []attest.SubjectHandle{{Handle: gp, Column: "gp-list"}, {Handle: school, Column: "school-roll"}},
		}
		if change != nil {
			change(&p)
		}
		token, err := attest.NewSigner(keys, key, "relmgr").SignSubjectProof(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := proof("sign/relmgr/1", nil)
	if _, err := h.edge.SecureSubject(t.Context(), "", good); fault.KindOf(err) != fault.Unauthenticated || err == nil {
		t.Errorf("where no person has business: %v", err)
	}
	h.edge.TrustSubjects("consent", attest.NewVerifier("relmgr", trusted.Fixed, h.clock.now))
	enter := func() (decide.Subject, error) {
		ctx, err := h.edge.SecureSubject(t.Context(), "", good)
		if err != nil {
			return decide.Subject{}, err
		}
		if _, is := api.Caller(ctx); is {
			t.Error("a person is a practitioner")
		}
		who, _ := api.SubjectOf(ctx)
		return who, nil
	}
	who, err := enter()
	if err != nil || len(who.Handles) != 2 || who.Column(school) != "school-roll" || who.Column(ident.NewHandle()) != "" ||
		who.Registrar != "county" || who.Level != decide.MediumConfidence || who.SignIn != decide.TwoFactors || who.Terms.Version < 2 {
		t.Errorf("%+v, %v", who, err)
	}

	for name, token := range map[string]string{
		"nothing": "", "a practitioner's token": h.token, "somebody else's": proof("sign/other/1", nil), "cut off": good[:len(good)-3],
		"for another duty":             proof("sign/relmgr/1", func(p *attest.SubjectProof) { p.Audience = "relmgr" }),
		"of another registrar":         proof("sign/relmgr/1", func(p *attest.SubjectProof) { p.Registrar = "town" }),
		"signed in like nobody":        proof("sign/relmgr/1", func(p *attest.SubjectProof) { p.ACR = "guessed" }),
		"known as nobody is":           proof("sign/relmgr/1", func(p *attest.SubjectProof) { p.Level = "certain" }),
		"with another's header and so": good[:strings.Index(good, ".")] + h.token[strings.Index(h.token, "."):],
	} {
		if _, err := h.edge.SecureSubject(t.Context(), "", token); err == nil || fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}

	guardian := func(scope string) string {
		return proof("sign/relmgr/1", func(p *attest.SubjectProof) { p.Authority, p.Scope = "special-guardian", []string{scope} })
	}
	for op, scope := range map[string]string{"GiveConsent": "see", "EndMyLink": "see", "Complain": "see", "": "see", "ListMyLinks": "decide"} { // SUB-12: no further than the authority goes
		if _, err := h.edge.SecureSubject(t.Context(), op, guardian(scope)); err == nil || fault.KindOf(err) != fault.Forbidden {
			t.Errorf("%s by somebody who may only %s: %v", op, scope, err)
		}
	}
	ctx, err := h.edge.SecureSubject(t.Context(), "ListMyLinks", guardian("see"))
	if other, ok := api.SubjectOf(ctx); err != nil || !ok || other.Authority != "special-guardian" || other.May(decide.ToDecide) {
		t.Errorf("somebody who acts for another: %+v, %v", other, err)
	}

	h.clock.pass(6 * time.Minute)
	if who, err = enter(); err != nil || len(who.Handles) != 1 || who.Column(school) != "" {
		t.Errorf("once a column has closed: %+v, %v", who, err)
	}
	for err = error(nil); err == nil; _, err = enter() {
	}
	if f := new(fault.Error); fault.KindOf(err) != fault.RateLimited || !errors.As(err, &f) || f.RetryAfter <= 0 {
		t.Errorf("too often: %v", err)
	}
	if _, err := h.edge.SecureSubject(t.Context(), "", proof("sign/relmgr/1", nil)); err != nil {
		t.Errorf("somebody else waits too: %v", err)
	}
	h.clock.pass(5 * time.Minute)
	if _, err = enter(); fault.KindOf(err) != fault.Unauthenticated || err == nil {
		t.Errorf("when the proof has expired: %v", err)
	}
}
