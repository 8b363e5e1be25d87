package consent_test

import (
	"sync"
	"testing"

	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// given is a consent that change makes what it is, and the person whom it is about.
func (h *hub) given(change func(*consent.Request)) (consent.Captured, decide.Subject) {
	h.t.Helper()
	req := h.yes(alice, "gp-people")
	change(&req)
	got, err := h.consent.Capture(h.t.Context(), alice, req)
	must(h.t, err)
	var handle ident.HandleID
	must(h.t, h.admin.QueryRowContext(h.t.Context(), "select handle_id from consent.consents where consent_id = $1", got.Consent).Scan(&handle))
	return got, decide.Subject{Terms: alice.Terms, Handles: []decide.SubjectHandle{{Handle: handle, Column: "gp-people"}}}
}

func (h *hub) byProxy(req *consent.Request) {
	req.Proxy, req.Competence = h.parent(h.now.AddDate(0, 2, 0)), &consent.Competence{Assessed: consent.NotCompetent}
}

func (h *hub) mine(who decide.Subject) []consentdb.ListMyConsentsRow {
	h.t.Helper()
	m, err := h.consent.ListMine(h.t.Context(), who)
	must(h.t, err)
	return m.Consents
}

// SUB-01, SUB-13, E2E-17: somebody else's part in a consent is held from the person until
// somebody of the agency that controls it has looked: left out with the reason, or told,
// and what was left out can be told later. Each is an act. Who is of another agency finds nothing.
func TestSomebodyElsesPartIsHeldUntilAPersonHasLooked(t *testing.T) {
	t.Parallel()
	h := setup(t)
	who := reasoned(alice)
	got, person := h.given(h.byProxy)
	plain, _ := h.given(func(*consent.Request) {})
	want := func(held, reason, authority string) {
		t.Helper()
		c := h.mine(person)
		if len(c) != 1 || c[0].Held != held || c[0].HeldFor != reason || c[0].ProxyAuthority != authority {
			t.Errorf("the person is shown %+v, want held %q for %q, authority %q", c, held, reason, authority)
		}
	}
	listed := func(want int) {
		t.Helper()
		all, err := h.consent.ListHeld(t.Context(), who, "gp-people")
		must(t, err)
		if len(all) != want || want > 0 && (all[0].Consent != got.Consent || all[0].Authority != consent.ParentalResponsibility) {
			t.Errorf("held is %+v", all)
		}
	}
	want("waiting", "", "")
	listed(1)
	for name, c := range map[string]struct {
		who             decide.Caller
		id              ident.ConsentID
		outcome, reason string
		kind            fault.Kind
	}{
		"another agency's":          {reasoned(sue), got.Consent, "release", "risk-to-child", fault.NotKnown},
		"the person's own word":     {who, plain.Consent, "release", "risk-to-child", fault.NotKnown},
		"no consent":                {who, ident.NewConsent(), "release", "risk-to-child", fault.NotKnown},
		"by nobody who may publish": {reasoned(rita), got.Consent, "release", "risk-to-child", fault.Forbidden},
		"a reason of no list":       {who, got.Consent, "release", "because", fault.Invalid},
		"an outcome of no list":     {who, got.Consent, "burn", "risk-to-child", fault.Invalid},
	} {
		if _, err := h.consent.Review(t.Context(), c.who, c.id, c.outcome, c.reason); err == nil || fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := h.consent.ListHeld(t.Context(), reasoned(sue), "gp-people")
	wantFault(t, err, fault.Forbidden)
	before := h.count("consent.acts")
	_, err = h.consent.Review(t.Context(), who, got.Consent, "withhold", "risk-to-child")
	must(t, err)
	want("withheld", "risk-to-child", "")
	listed(1)
	_, err = h.consent.Review(t.Context(), who, got.Consent, "withhold", "risk-to-child")
	wantFault(t, err, fault.Conflict)
	var all sync.WaitGroup
	for range 4 { // two at once: one tells
		all.Go(func() {
			if _, err := h.consent.Review(t.Context(), who, got.Consent, "release", "subject-asked"); err != nil && fault.KindOf(err) != fault.Conflict {
				t.Error(err)
			}
		})
	}
	all.Wait()
	want("", "risk-to-child", "parental-responsibility")
	listed(0)
	_, err = h.consent.Review(t.Context(), who, got.Consent, "withhold", "risk-to-child")
	wantFault(t, err, fault.Conflict)
	if n := h.count("consent.acts") - before; n != 2 || h.count("consent.reviews") != 2 {
		t.Errorf("%d acts and %d reviews of one told after it was left out", n, h.count("consent.reviews"))
	}
}

// SUB-12, E2E-04, LEG-21: whoever acts for a person is shown what a proxy agreed to, and
// nothing that the person gave themself or was able to decide, which they cannot take back
// either: to them it is what is not there.
func TestWhoeverActsForAPersonIsShownNothingThatThePersonDecided(t *testing.T) {
	t.Parallel()
	h := setup(t)
	proxys, one := h.given(h.byProxy)
	own, other := h.given(func(r *consent.Request) {
		r.Competence = &consent.Competence{Presumed: consent.NotCompetent, Assessed: consent.Competent}
	})
	who := decide.Subject{Terms: alice.Terms, Handles: append(one.Handles, other.Handles...)}
	if c := h.mine(who); len(c) != 2 {
		t.Errorf("the person is shown %+v", c)
	}
	who.Authority, who.Scope = "parental-responsibility", []string{decide.ToSee, decide.ToDecide}
	if c := h.mine(who); len(c) != 1 || c[0].ConsentID != proxys.Consent {
		t.Errorf("a parent is shown %+v", c)
	}
	_, hidden := h.consent.TakeBack(t.Context(), who, own.Consent)
	_, nothing := h.consent.TakeBack(t.Context(), who, ident.NewConsent())
	if got, want := wantFault(t, hidden, fault.NotKnown), wantFault(t, nothing, fault.NotKnown); got != want {
		t.Errorf("%q beside %q tells that there is a consent", got, want)
	}
	_, err := h.consent.TakeBack(t.Context(), who, proxys.Consent)
	must(t, err)
}
