package relmgr_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// block hides a handle, as the consent duty would.
func (b *bundle) block(t *testing.T, handle ident.HandleID, reach string) ident.BlockID {
	t.Helper()
	id := ident.NewBlock()
	_, err := b.admin.Exec(`insert into consent.blocks (block_id, act_id, handle_id, agency_id, reach, warning, starts_at, evidence)
		select $1, act_id, $2, 'x', $3, 'w1', $4, 'signed-form' from consent.acts limit 1`, id, handle, reach, b.clock())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (b *bundle) emergency(t *testing.T, who string, o relmgr.Own) relmgr.Answer {
	t.Helper()
	a, err := b.Enquire(t.Context(), b.as(who), relmgr.Question{
		Own: o, Purpose: "co-ordinate-care", Reason: "risk-of-harm", Concerning: "child", Emergency: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// E2E-11, PUB-08, PUB-09, A-07: a block gives way to a recorded emergency and to
// nothing else; creator-only to nothing.
func TestABlockGivesWayToAnEmergencyAndCreatorOnlyToNothing(t *testing.T) {
	b := setup(t)
	b.trio(t)
	wantTold(t, b.ask(t, "social", socialChild, ""), "school-pastoral-lead", "riverside-surgery")
	blocked := b.block(t, b.handle(t, "gp", gpChild), "block")
	b.block(t, b.handle(t, "school", schoolChild), "creator-only")
	wantTold(t, b.ask(t, "social", socialChild, ""))
	wantTold(t, b.emergency(t, "social", socialChild), "riverside-surgery")
	wantTold(t, b.ask(t, "social", socialChild, ""))
	if _, err := b.admin.Exec(`insert into consent.unblocks (block_id, act_id, at, evidence)
		select block_id, act_id, $2, 'signed-form' from consent.blocks where block_id = $1`, blocked, b.clock()); err != nil {
		t.Fatal(err)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
}

// QRY-05, QRY-10: only a role that the agreement names declares an emergency, and
// each opens a review, found or not, that somebody else of the agency judges once.
func TestEveryEmergencyIsReviewed(t *testing.T) {
	b := setup(t)
	_, err := b.Enquire(t.Context(), b.as("school"), relmgr.Question{
		Own: schoolChild, Purpose: "co-ordinate-care", Reason: "risk-of-harm", Concerning: "child", Emergency: true,
	})
	wantKind(t, err, fault.DecisionRefused)
	a := b.emergency(t, "social", socialChild)
	b.ask(t, "social", socialChild, "") // no emergency, no review
	_, _, err = b.ListReviews(t.Context(), b.as("social"), ident.ReviewID{}, 10, looking)
	wantKind(t, err, fault.Forbidden)
	b.wait(73 * time.Hour)
	waiting := b.reviews(t, "lead", relmgr.Emergency)
	if len(waiting) != 1 || waiting[0].Enquiry != a.ID || waiting[0].Practitioner != "mr-lindqvist" || !waiting[0].Overdue || waiting[0].Told != 0 {
		t.Fatalf("waiting: %+v", waiting)
	}
	_, err = b.JudgeEnquiry(t.Context(), b.as("gp-lead"), waiting[0].ID, "justified", "risk-of-harm")
	wantKind(t, err, fault.NotKnown) // another agency's
	must(t)(b.JudgeEnquiry(t.Context(), b.as("lead"), waiting[0].ID, "justified", "risk-of-harm"))
	_, err = b.JudgeEnquiry(t.Context(), b.as("lead"), waiting[0].ID, "not-justified", "risk-of-harm")
	wantKind(t, err, fault.Conflict)
	if waiting = b.reviews(t, "lead", relmgr.Emergency); len(waiting) != 0 {
		t.Errorf("a judged emergency still waits: %+v", waiting)
	}
}

// QRY-10: emergencies are counted when they are recorded, found or not, and
// nothing else is.
func TestEmergenciesAreCounted(t *testing.T) {
	b := setup(t)
	registry := prometheus.NewRegistry()
	s, err := relmgr.New(t.Context(), relmgr.Config{DB: b.hub.DB(t, "relmgr"), Keys: b.keys, Now: b.clock, Metrics: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, emergency := range []bool{true, false, true} {
		if _, err := s.Enquire(t.Context(), b.as("social"), relmgr.Question{
			Own: socialChild, Purpose: "co-ordinate-care", Reason: "risk-of-harm", Concerning: "child", Emergency: emergency,
		}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.Enquire(t.Context(), b.as("school"), relmgr.Question{ // refused: the role may not
		Own: schoolChild, Purpose: "co-ordinate-care", Reason: "risk-of-harm", Concerning: "child", Emergency: true,
	})
	wantKind(t, err, fault.DecisionRefused)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "fame_emergencies_total" && f.GetMetric()[0].GetCounter().GetValue() == 2 {
			return
		}
	}
	t.Errorf("counted %v, want 2 emergencies", families)
}
