package relmgr_test

import (
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// QRY-09, ACT-01: reading the acts on somebody, one act, what has escalated, what
// waits for review, what was decided or imposed and what is objected to are
// enquiries too: each with its purpose, its reason and
// a leaf of its own, before anything is shown. What is refused, or not there,
// leaves nothing.
func TestReadsOfWhatIsRecordedAreEnquiries(t *testing.T) {
	b := setup(t)
	r := b.publish(t, "gp", gpChild)
	handle := b.handle(t, "gp", gpChild)
	lead := b.as("lead")
	reads := map[string]func(relmgr.Why) error{
		"untold": func(why relmgr.Why) error { _, err := b.ListUntold(t.Context(), lead, 10, why); return err },
		"objections": func(why relmgr.Why) error {
			_, err := b.ListObjections(t.Context(), lead, 10, why)
			return err
		},
		"decisions": func(why relmgr.Why) error {
			_, _, err := b.ListDecisions(t.Context(), lead, relmgr.Reliance{State: relmgr.Standing, Limit: 10}, why)
			return err
		},
		"acts": func(why relmgr.Why) error {
			_, _, err := b.ListActs(t.Context(), b.as("gp"), handle, ident.ReferenceID{}, 10, why)
			return err
		},
		"act": func(why relmgr.Why) error { _, err := b.FindAct(t.Context(), b.as("gp"), r.Act, why); return err },
		"reviews": func(why relmgr.Why) error {
			_, _, err := b.ListReviews(t.Context(), lead, ident.ReviewID{}, 10, why)
			return err
		},
		"contact-requests": func(why relmgr.Why) error {
			_, _, err := b.ListContactRequests(t.Context(), lead, relmgr.Inbox{Column: "social-care", Escalated: true, Limit: 10, Why: why})
			return err
		},
	}
	recorded := func(what string) int {
		if what == "untold" || what == "objections" || what == "decisions" { // in clear they are reviews
			what = "reviews"
		}
		return b.count(t, `select count(*) from relmgr.enquiries e join ledger.pending p using (commitment) join relmgr.content_keys k on k.record_id = e.enquiry_id
			where e.reads = '`+what+`' and e.purpose = 'safeguarding' and e.reason = 'risk-of-harm'
			and (e.handle_id is not null) = (e.reads in ('act', 'acts'))`)
	}
	for what, read := range reads {
		for _, wrong := range []relmgr.Why{{}, {Purpose: "curiosity", Reason: "risk-of-harm"}, {Purpose: "safeguarding", Reason: "curiosity"}} {
			wantKind(t, read(wrong), fault.Invalid)
		}
		if n := b.count(t, `select count(*) from relmgr.enquiries`); n != 0 {
			t.Fatalf("%s: refused reads left %d enquiries", what, n)
		}
	}
	_, err := b.FindAct(t.Context(), b.as("gp"), ident.NewReference(), looking)
	wantKind(t, err, fault.NotKnown)
	if n := b.count(t, `select count(*) from relmgr.enquiries`); n != 0 {
		t.Fatalf("a read of nothing left %d enquiries", n)
	}
	for what, read := range reads {
		before := recorded(what)
		for range 2 {
			if err := read(relmgr.Why{Purpose: "safeguarding", Reason: "risk-of-harm"}); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		if n := recorded(what) - before; n != 2 {
			t.Errorf("%s: two reads are recorded %d times", what, n)
		}
	}
}

// A read that cannot be recorded shows nothing.
func TestWhatCannotBeRecordedIsNotRead(t *testing.T) {
	b := setup(t)
	r := b.publish(t, "gp", gpChild)
	handle := b.handle(t, "gp", gpChild)
	b.emergency(t, "social", socialChild)
	silent := b.imposed(t, "gp-lead", own("gp-riverside", "GP-00072"))
	silent.Telling = &relmgr.Telling{Risk: "risk-to-somebody-else", ReviewBy: b.clock().Add(24 * time.Hour)}
	kept := must(t)(b.Publish(t.Context(), b.as("gp-lead"), silent))
	must(t)(b.RecordObjection(t.Context(), b.as("gp"), kept.Act, "subject-asked", "spoken-and-noted"))
	if _, err := b.admin.Exec(`revoke insert on ledger.pending from fame_relmgr`); err != nil {
		t.Fatal(err)
	}
	if a, err := b.FindAct(t.Context(), b.as("gp"), r.Act, looking); err == nil || !a.Act.IsZero() {
		t.Errorf("shown %+v, %v", a, err)
	}
	if acts, next, err := b.ListActs(t.Context(), b.as("gp"), handle, ident.ReferenceID{}, 1, looking); err == nil || acts != nil || !next.IsZero() {
		t.Errorf("shown %+v, %v", acts, err)
	}
	if reviews, next, err := b.ListReviews(t.Context(), b.as("lead"), ident.ReviewID{}, 1, looking); err == nil || reviews != nil || !next.IsZero() {
		t.Errorf("shown %+v, %v", reviews, err)
	}
	if untold, err := b.ListUntold(t.Context(), b.as("gp-lead"), 1, looking); err == nil || untold != nil {
		t.Errorf("shown %+v, %v", untold, err)
	}
	if objections, err := b.ListObjections(t.Context(), b.as("gp-lead"), 1, looking); err == nil || objections != nil {
		t.Errorf("shown %+v, %v", objections, err)
	}
	which := relmgr.Reliance{State: relmgr.Standing, Limit: 1}
	if decisions, next, err := b.ListDecisions(t.Context(), b.as("gp-manager"), which, looking); err == nil || decisions != nil || !next.IsZero() {
		t.Errorf("shown %+v, %v", decisions, err)
	}
}

// Whoever reads the acts on themselves is flagged as whoever asks about
// themselves, and a read can be drawn into the sample; it is nothing to follow up.
func TestAReadIsReviewedLikeAQuestion(t *testing.T) {
	b := setup(t)
	b.declare(t, "social", socialChild, relmgr.Self, "")
	if _, _, err := b.ListActs(t.Context(), b.as("social"), b.handle(t, "social", socialChild), ident.ReferenceID{}, 10, looking); err != nil {
		t.Fatal(err)
	}
	got := b.reviews(t, "lead")
	if len(got) != 1 || got[0].Cause != relmgr.Flagged || got[0].Reads != "acts" || got[0].Column != "social-care" {
		t.Fatalf("a reviewer is shown %+v", got)
	}
	_, err := b.RequestContact(t.Context(), b.as("social"), got[0].Enquiry, "desk")
	wantKind(t, err, fault.NotKnown)
	b.wait(14 * 24 * time.Hour)
	if got = b.reviews(t, "lead", relmgr.Sampled); len(got) != 1 || got[0].Reads != "acts" {
		t.Errorf("drawn: %+v", got)
	}
}
