package relmgr_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/relmgr"
)

// change gives the hub terms of its own, a version later.
func (b *bundle) change(t *testing.T, by func(*decide.Terms)) {
	t.Helper()
	text, err := json.Marshal(b.terms)
	if err != nil {
		t.Fatal(err)
	}
	next := new(decide.Terms)
	if err := json.Unmarshal(text, next); err != nil {
		t.Fatal(err)
	}
	next.Version++
	by(next)
	b.terms = next.Index()
}

func needCases(terms *decide.Terms) {
	for i := range terms.Agreements {
		terms.Agreements[i].NeedsCase = true
	}
}

func (b *bundle) askFor(t *testing.T, who string, o relmgr.Own, named relmgr.Case) (relmgr.Answer, error) {
	t.Helper()
	return b.Enquire(t.Context(), b.as(who), relmgr.Question{
		Own: o, Purpose: "co-ordinate-care", Reason: "new-referral", Concerning: "child", Case: named,
	})
}

// QRY-08, QRY-09, LEG-18: where the agreement asks for it, a question about
// somebody whom the asker's own column does not publish names a case. The
// refusal is recorded, and looks nobody up.
func TestWhoDoesNotPublishThePersonNamesACase(t *testing.T) {
	b := setup(t)
	b.change(t, needCases)
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	_, err := b.askFor(t, "social", socialChild, "")
	wantKind(t, err, fault.DecisionRefused)
	if n := b.count(t, `select count(*) from relmgr.enquiries where stopped_at = 2 and handle_id is null`); n != 1 {
		t.Errorf("%d refusals are recorded, want 1 at step 2", n)
	}
	a, err := b.askFor(t, "social", socialChild, "2026/0412")
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, a, "riverside-surgery")
	wantTold(t, b.emergency(t, "social", socialChild), "riverside-surgery") // no case in an emergency
	if _, err := b.askFor(t, "gp", gpChild, ""); err != nil {
		t.Errorf("the surgery publishes the person, and is asked for a case: %v", err)
	}
	b.wait(400 * 24 * time.Hour) // its decision has lapsed: it no longer says who the person is to it
	_, err = b.askFor(t, "gp", gpChild, "")
	wantKind(t, err, fault.DecisionRefused)
}

// Of two agreements the one that asks for a case answers only with one.
func TestWithoutACaseOnlyTheOtherAgreementAnswers(t *testing.T) {
	b := setup(t)
	b.change(t, func(terms *decide.Terms) {
		for i := range terms.Agreements {
			if terms.Agreements[i].Code == "riverside-children" {
				terms.Agreements[i].NeedsCase = true
			}
		}
	})
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	a, err := b.askFor(t, "social", socialChild, "") // under the other agreement, which tells nothing here
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, a)
	if a, err = b.askFor(t, "social", socialChild, "2026/0412"); err != nil {
		t.Fatal(err)
	}
	wantTold(t, a, "riverside-surgery")
}
