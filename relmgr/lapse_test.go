package relmgr_test

import (
	"testing"
	"time"

	"github.com/fame-hub/fame/relmgr"
)

// told correlates social care with the surgery and asks, so that it has been told of it.
func (b *bundle) told(t *testing.T, change func(*relmgr.Relationship)) {
	t.Helper()
	rel := b.relationship(t, "gp", gpChild)
	if change != nil {
		change(&rel)
	}
	must(t)(b.Publish(t.Context(), b.as("gp"), rel))
	b.correlate(t, "social", socialChild, "gp", gpChild)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	b.beat(t)
}

// QRY-13, SUB-06, PUB-12: whoever was told hears on the next beat that it is over by its
// date, whichever part of it that was the date of; not before, and once.
func TestWhatEndsByItsDateIsANotice(t *testing.T) {
	const day = 24 * time.Hour
	for name, lapse := range map[string]func(t *testing.T, b *bundle, end time.Time){
		"the holder's decision": func(t *testing.T, b *bundle, end time.Time) {
			b.told(t, func(r *relmgr.Relationship) { r.Proposal.Until = end })
		},
		"its review": func(t *testing.T, b *bundle, end time.Time) {
			b.told(t, nil)
			b.sets(t, "update relmgr.decisions d set review_at = $1 from relmgr.cells c where c.decision_id = d.decision_id", end)
		},
		"a side of the correlation": func(t *testing.T, b *bundle, end time.Time) {
			b.told(t, nil)
			b.sets(t, "update relmgr.decisions d set until = $1 from relmgr.correlations c where c.decision_b = d.decision_id", end)
		},
		"the person's consent": func(t *testing.T, b *bundle, end time.Time) {
			b.told(t, nil)
			b.sets(t, "update consent.consents set ends_at = $1", end)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			end := b.clock().Add(30 * day)
			lapse(t, b, end)
			b.wait(29*day - 2*time.Hour)
			b.beat(t)
			wantNotices(t, b.notices(t, "social", "social-care"))
			b.wait(end.Sub(b.clock())) // over now, and the beat is to come
			if err := b.Notify(t.Context(), b.terms); err != nil {
				t.Fatal(err)
			}
			wantTold(t, b.ask(t, "social", socialChild, ""))
			b.beat(t)
			wantNotices(t, b.notices(t, "social", "social-care"), "LMN-00042 -riverside-surgery")
			b.beat(t)
			if n := b.count(t, "select count(*) from relmgr.notices where read_at is null"); n != 0 {
				t.Errorf("%d notices tell it a second time", n)
			}
			if n := b.count(t, "select count(*) from relmgr.changes"); n != 0 {
				t.Errorf("%d changes are left", n)
			}
		})
	}
}

// sets moves a date where the test cannot wait for the duty that owns it, or an act would
// be a change of its own.
func (b *bundle) sets(t *testing.T, update string, end time.Time) {
	t.Helper()
	if _, err := b.admin.ExecContext(t.Context(), update, end); err != nil {
		t.Fatal(err)
	}
}

// IDM-10, IDM-12: where a manager's withholding ends by its date, whoever wants to be
// informed hears of whom they may be told now.
func TestTheEndOfAWithholdingIsANotice(t *testing.T) {
	b := setup(t)
	b.informed(t, "social", socialChild)
	b.publish(t, "gp", gpChild)
	until := b.clock().AddDate(0, 0, 10)
	b.withheld(t, b.handle(t, "gp", gpChild), "gp-riverside", until)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	b.beat(t)
	wantNotices(t, b.notices(t, "social", "social-care"))
	b.wait(until.Sub(b.clock()))
	b.beat(t)
	wantNotices(t, b.notices(t, "social", "social-care"), "LMN-00042 +riverside-surgery")
}

// LEG-15, IDX-09: what happened during a silence is told when its review date has come,
// and what ends during one is told to nobody.
func TestASilenceKeepsWhatLapsesAndEndsByItsDate(t *testing.T) {
	b := setup(t)
	b.told(t, func(r *relmgr.Relationship) { r.Proposal.Until = b.clock().AddDate(0, 0, 20) })
	review := b.clock().AddDate(0, 0, 40)
	must(t)(b.KeepSilent(t.Context(), b.as("gp"), gpChild, "risk-to-the-subject", review, "risk-of-harm"))
	b.wait(30 * 24 * time.Hour)
	b.beat(t)
	wantNotices(t, b.notices(t, "social", "social-care"))
	b.wait(review.Sub(b.clock()))
	b.beat(t)
	wantNotices(t, b.notices(t, "social", "social-care"), "LMN-00042 -riverside-surgery")
}

// A process that dies while it looks has noted nothing, or all; however many look at
// once, what ended is noted once; one whose clock is behind notes nothing again.
func TestALapseIsNotedOnceWhoeverDies(t *testing.T) {
	b := setup(t)
	b.told(t, func(r *relmgr.Relationship) { r.Proposal.Until = b.clock().AddDate(0, 0, 20) })
	b.wait(21 * 24 * time.Hour)
	broken := func(sql string) {
		t.Helper()
		if _, err := b.admin.ExecContext(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	broken("alter table relmgr.changes add constraint broken check (change_id < 0) not valid")
	if err := b.Notify(t.Context(), b.terms); err == nil {
		t.Error("nothing failed")
	}
	broken("alter table relmgr.changes drop constraint broken")
	// What is noted waits here, so that it can be counted.
	broken("create table relmgr.noted (handle_id uuid); create function relmgr.note() returns trigger language plpgsql security definer as $$ begin insert into relmgr.noted values (new.handle_id); return new; end $$")
	broken("create trigger noted before insert on relmgr.changes for each row execute function relmgr.note()")
	errs := make(chan error, 4)
	for range 4 {
		s := b.another(t)
		go func() { errs <- s.Notify(t.Context(), b.terms) }()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	b.beat(t)
	if n := b.count(t, "select count(*) from relmgr.noted n where n.handle_id = '"+b.handle(t, "gp", gpChild).String()+"'"); n != 1 {
		t.Errorf("what ended is noted %d times", n)
	}
	wantNotices(t, b.notices(t, "social", "social-care"), "LMN-00042 -riverside-surgery")
}
