package relmgr_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// IDX-08, LEG-01, LEG-04: publishing is a disclosure, so a decision that a step
// stops publishes nothing and is recorded (LEG-18), naming nobody unless it asks
// for a consent.
func TestARefusedPublicationLeavesOnlyItsRefusal(t *testing.T) {
	b := setup(t)
	naming := 0
	for name, spoil := range map[string]func(*relmgr.Relationship){
		"1 no power":         func(r *relmgr.Relationship) { r.Power = "children-act-1989-s47" },
		"1 wrong purpose":    func(r *relmgr.Relationship) { r.Purposes = []string{"homelessness-duty"} },
		"2 disproportionate": func(r *relmgr.Relationship) { r.Necessary = false },
		"3 no consent":       func(r *relmgr.Relationship) { r.Consents = nil },
		"3 another's consent": func(r *relmgr.Relationship) {
			r.Consents = []ident.ConsentID{b.consent(t, b.handle(t, "gp", own("gp-riverside", "GP-00001")), true)}
		},
		"4 no condition": func(r *relmgr.Relationship) { r.Conditions = decide.Conditions{Ordinary: "none-such"} },
	} {
		r := b.relationship(t, "gp", gpChild)
		spoil(&r)
		acts, decisions := b.count(t, `select count(*) from relmgr.acts`), b.count(t, `select count(*) from relmgr.decisions`)
		_, err := b.Publish(t.Context(), b.as("gp"), r)
		wantKind(t, err, fault.DecisionRefused)
		if step := "step " + name[:1]; !strings.Contains(err.Error(), step) {
			t.Errorf("%s: refused with %v, want %s", name, err, step)
		}
		if strings.Contains(err.Error(), "GP-00042") {
			t.Errorf("%s: the refusal repeats the identifier", name)
		}
		if n := b.count(t, `select count(*) from relmgr.acts where kind = 'refuse'`); b.count(t, `select count(*) from relmgr.acts`) != acts+1 || n == 0 {
			t.Errorf("%s: the refusal is not recorded once", name)
		}
		if b.count(t, `select count(*) from relmgr.decisions where outcome = 'refused'`) != decisions+1 {
			t.Errorf("%s: the refused decision is not recorded once", name)
		}
		if name == "3 no consent" {
			naming++ // it asks for the consent that is all it lacks (PUB-10)
		}
		if n := b.count(t, `select count(*) from relmgr.decisions where handle_id is not null`); n != naming {
			t.Errorf("%s: %d refused decisions name a handle, want %d", name, n, naming)
		}
	}
	if b.count(t, `select count(*) from relmgr.cells`) != 0 || b.count(t, `select count(*) from relmgr.act_handles`) != 0 {
		t.Error("a refused publication left a cell or a handle of an act")
	}
}

// A refused proposal for an identifier that the hub has never met does not even
// make its handle.
func TestARefusalMakesNoHandle(t *testing.T) {
	b := setup(t)
	r := b.relationship(t, "gp", gpChild)
	r.Own = own("gp-riverside", "GP-77777")
	_, err := b.Publish(t.Context(), b.as("gp"), r)
	wantKind(t, err, fault.DecisionRefused)
	if n := b.count(t, `select count(*) from relmgr.handles`); n != 1 {
		t.Errorf("%d handles, want the one of the consent only", n)
	}
}

// A-14, PUB-14: a sensitive column publishes on explicit consent or significant harm.
func TestASensitiveColumnNeedsExplicitConsent(t *testing.T) {
	b := setup(t)
	r := b.relationship(t, "clinic", own("clinic-bridge", "C00014K"))
	r.Ground = decide.ImpliedConsent
	_, err := b.Publish(t.Context(), b.as("clinic"), r)
	wantKind(t, err, fault.DecisionRefused)
	r.Ground = decide.ExplicitConsent
	if _, err := b.Publish(t.Context(), b.as("clinic"), r); err != nil {
		t.Fatal(err)
	}
}

// IDX-03, COL-03: an identifier is checked against its own column's pattern and
// usable by that column's members alone.
func TestAnIdentifierBelongsToItsColumn(t *testing.T) {
	b := setup(t)
	for name, c := range map[string]struct {
		who  string
		own  relmgr.Own
		kind fault.Kind
	}{
		"somebody else's column":   {"gp", socialChild, fault.Forbidden},
		"a column that is not":     {"gp", own("no-such", "GP-00042"), fault.Forbidden},
		"a typing error":           {"gp", own("gp-riverside", "GP-0004"), fault.Invalid},
		"a line break at the end":  {"gp", own("gp-riverside", "GP-00042\n"), fault.Invalid},
		"a name":                   {"gp", own("gp-riverside", "Amina Brook"), fault.Invalid},
		"another column's pattern": {"gp", own("gp-riverside", "LMN-00042"), fault.Invalid},
	} {
		_, err := b.FindHandle(t.Context(), b.as(c.who), c.own)
		if fault.KindOf(err) != c.kind {
			t.Errorf("%s: got %v, want %s", name, err, c.kind)
		}
		if err != nil && strings.Contains(err.Error(), string(c.own.Identifier)) {
			t.Errorf("%s: the error repeats the identifier", name)
		}
	}
	if b.count(t, `select count(*) from relmgr.handles`) != 0 {
		t.Error("a refused identifier left a handle")
	}
}

// PUB-01, A-13: offers are closed codes.
func TestOffersAreClosedCodes(t *testing.T) {
	b := setup(t)
	for name, spoil := range map[string]func(*relmgr.Relationship){
		"transaction": func(r *relmgr.Relationship) { r.Offers[0].Transactions = []string{"no-such"} },
		"contact":     func(r *relmgr.Relationship) { r.Offers[0].Contact = "no-such" },
		"role":        func(r *relmgr.Relationship) { r.Role = "no-such" },
		"reason":      func(r *relmgr.Relationship) { r.Reason = "no-such" },
	} {
		r := b.relationship(t, "gp", gpChild)
		spoil(&r)
		_, err := b.Publish(t.Context(), b.as("gp"), r)
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: got %v, want Invalid", name, err)
		}
	}
}

// Invariant 2: one live cell per handle, one handle per identifier, whoever
// races.
func TestOfManyWhoPublishAtOnceOneSucceeds(t *testing.T) {
	b := setup(t)
	const many = 8
	r := b.relationship(t, "gp", gpChild)
	var wg sync.WaitGroup
	errs := make([]error, many)
	for i := range many {
		wg.Go(func() { _, errs[i] = b.Publish(t.Context(), b.as("gp"), r) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if fault.KindOf(err) != fault.Conflict {
			t.Errorf("got %v, want Conflict", err)
		}
	}
	if won != 1 || b.count(t, `select count(*) from relmgr.cells`) != 1 || b.count(t, `select count(*) from relmgr.acts where kind = 'publish'`) != 1 {
		t.Errorf("%d published, want one, with one act and one cell", won)
	}
}

// Invariant 2, ACT-01: many who ask for one new identifier at once get one
// handle, and each enquiry names it.
func TestOneHandlePerIdentifierUnderAnyConcurrency(t *testing.T) {
	b := setup(t)
	other := b.another(t)
	var wg sync.WaitGroup
	for i := range 24 {
		s := b.Service
		if i%2 == 0 {
			s = other
		}
		wg.Go(func() {
			_, err := s.Enquire(t.Context(), b.as("social"), relmgr.Question{Own: socialChild, Purpose: "co-ordinate-care", Reason: "new-referral", Concerning: "child"})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := b.count(t, `select count(*) from relmgr.handles`); n != 1 {
		t.Errorf("%d handles for one identifier", n)
	}
	if n := b.count(t, `select count(*) from relmgr.enquiries`); n != 24 {
		t.Errorf("%d enquiries recorded, want 24", n)
	}
	if n := b.count(t, `select count(*) from ledger.pending p join relmgr.enquiries e on e.commitment = p.commitment`); n != 24 {
		t.Errorf("%d commitments of enquiries in the ledger's inbox, want 24", n)
	}
}
