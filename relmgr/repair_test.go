package relmgr_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// findsWrong is a registrar's keeper deciding that a recognition was wrong, as the
// registrar's tables have it.
func (b *bundle) findsWrong(t *testing.T, r registrar, recognition ident.RecognitionID) {
	t.Helper()
	if _, err := b.admin.ExecContext(t.Context(), `
		set session_replication_role = replica;
		insert into registrar.registers (register_id, registrar, act_id, title, contact, scope, self_registered, serves)
			values ('`+r.code+`', '`+r.code+`', gen_random_uuid(), 'People', 'desk', 'All', false, '{}') on conflict do nothing;
		with task as (
			insert into registrar.tasks (task_id, kind, register_id, subject_a, recognition_id, found_at, priority)
			values (gen_random_uuid(), 'misdetermined', '`+r.code+`', gen_random_uuid(), '`+recognition.String()+`', now(), 100) returning task_id
		), decided as (
			insert into registrar.resolutions (act_id, task_id, outcome) select gen_random_uuid(), task_id, 'wrong' from task
		)
		insert into registrar.recognitions (recognition_id, act_id, register_id, subject_id, outcome, confidence, model)
			values ('`+recognition.String()+`', gen_random_uuid(), '`+r.code+`', gen_random_uuid(), 'determined', 'medium', 'm');
		set session_replication_role = origin`); err != nil {
		t.Fatal(err)
	}
}

// take takes up what registrars have found to be wrong, as several processes at once do.
func (b *bundle) take(t *testing.T) (taken int) {
	t.Helper()
	return atOnce(t, b.TakeRepairs)
}

// atOnce has several processes do something at once, and returns how much they did.
func atOnce(t *testing.T, do func(context.Context) (int, error)) (done int) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			n, err := do(t.Context())
			if err != nil && fault.KindOf(err) != fault.Unavailable {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			done += n
		})
	}
	all.Wait()
	return done
}

func (b *bundle) repairs(t *testing.T, who string) []relmgr.SuspendedAct {
	t.Helper()
	list, err := b.ListRepairs(t.Context(), b.as(who), 50, relmgr.Why{Purpose: "co-ordinate-care", Reason: "working-with-person"})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// E2E-09, AUT-04: what rests on a recognition that a registrar finds to be wrong is
// suspended once, by however many processes: an anchor finds nobody any more, who was
// told something by it is reviewed, and it is listed until somebody of the agency puts
// it in force again or ends it for good. What rests on other recognitions stays.
func TestE2E09WhatRestsOnARegistrarsMistakeIsSuspendedUntilAPersonLooks(t *testing.T) {
	b := setup(t)
	b.keeps(t, 0, 0, 0, 0) // terms of some version
	county, health := b.withRegistrar(t, "county-register"), b.withRegistrar(t, "health-register")
	b.publish(t, "gp", gpChild)
	b.publish(t, "school", schoolChild)
	wrong, asked := b.recognition(t, county, "gp", "Iris Moor"), b.recognition(t, county, "social", "Iris Moor")
	attached, err := b.AttachAnchor(t.Context(), b.as("gp"), relmgr.Attachment{Own: gpChild, Recognition: county.recognises(t, wrong), Reason: "same-person-found"})
	if err != nil {
		t.Fatal(err)
	}
	b.attach(t, county, "school", schoolChild, "Iris Moor")
	told, err := b.Enquire(t.Context(), b.as("social"), stranger("social-care", county.recognises(t, asked)))
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, told, "school-pastoral-lead", "riverside-surgery")
	if n := b.take(t); n != 0 {
		t.Errorf("before anything was wrong %d records were taken up", n)
	}
	b.findsWrong(t, health, wrong.ID) // another registrar's of the same id is not this one
	if n := b.take(t); n != 0 {
		t.Errorf("by another registrar's mistake %d records were taken up", n)
	}
	if _, err := b.admin.Exec("set session_replication_role = replica; delete from registrar.tasks; delete from registrar.recognitions; set session_replication_role = origin"); err != nil {
		t.Fatal(err)
	}
	b.findsWrong(t, county, asked.ID)
	b.findsWrong(t, county, ident.NewRecognition()) // nobody relied on it
	wantTold(t, b.askAbout(t, county, "social", "social-care", "Iris Moor"), "school-pastoral-lead", "riverside-surgery")
	if n := b.take(t); n != 1 {
		t.Errorf("%d records were taken up for one enquiry", n)
	}
	if n := b.count(t, "select count(*) from relmgr.reviews where cause = 'repair' and agency_id = 'riverside-social-care'"); n != 1 {
		t.Errorf("%d reviews of what was told by it", n)
	}
	b.findsWrong(t, county, wrong.ID)
	if n := b.take(t) + b.take(t); n != 1 {
		t.Errorf("%d records were taken up for one anchor", n)
	}
	wantTold(t, b.askAbout(t, county, "social", "social-care", "Iris Moor"), "school-pastoral-lead")
	list := b.repairs(t, "gp")
	if len(list) != 1 || list[0].Kind != relmgr.AttachAnchor || list[0].Suspends != attached.Act || len(b.repairs(t, "school")) != 0 {
		t.Fatalf("the surgery is shown %+v", list)
	}
	if n := b.count(t, "select count(*) from relmgr.acts where kind = 'repair' and practitioner_id = 'the-hub' and agency_id = 'riverside-gp'"); n != 1 {
		t.Errorf("%d acts", n)
	}
	// Somebody has looked: it is the same person all the same.
	if _, err := b.WithdrawAct(t.Context(), b.as("gp"), list[0].Repair, "same-person-found", ""); err != nil {
		t.Fatal(err)
	}
	if n := b.take(t); n != 0 || len(b.repairs(t, "gp")) != 0 {
		t.Errorf("what somebody has looked at is taken up again: %d", n)
	}
	wantTold(t, b.askAbout(t, county, "social", "social-care", "Iris Moor"), "school-pastoral-lead", "riverside-surgery")
}

// AUT-09, AUT-04: a correlation on a registrar's statement that was wrong is suspended
// for both its sides, and each of their agencies is shown it; ended for good, it is
// listed no more.
func TestACorrelationOnAWrongStatementIsSuspendedForBothSides(t *testing.T) {
	b := setup(t)
	b.keeps(t, 0, 0, 0, 0) // terms of some version
	county := b.withRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	b.publish(t, "social", socialChild)
	mineOpened, theirsOpened := b.pairing(t, "social", socialChild), b.pairing(t, "gp", gpChild)
	x := b.correlation(t, "social", socialChild, "")
	x.Statement = b.statement(t, county, mineOpened.Reference, theirsOpened.Reference)
	c, err := b.Correlate(t.Context(), b.as("social"), x)
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	var id ident.RecognitionID
	if err := b.admin.QueryRow("select statement_id from relmgr.statements").Scan(&id); err != nil {
		t.Fatal(err)
	}
	b.findsWrong(t, county, id)
	if n := b.take(t); n != 1 {
		t.Fatalf("%d records were taken up", n)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""))
	mine, theirs := b.repairs(t, "social"), b.repairs(t, "gp")
	if len(mine) != 1 || len(theirs) != 1 || mine[0].Suspends != c.Act || mine[0].Repair == theirs[0].Repair || mine[0].Kind != relmgr.Correlate {
		t.Fatalf("the sides are shown %+v and %+v", mine, theirs)
	}
	b.now.Add(time.Hour.Microseconds())
	if _, err := b.Separate(t.Context(), b.as("social"), []ident.ReferenceID{c.Act}, "not-the-same-person"); err != nil {
		t.Fatal(err)
	}
	if len(b.repairs(t, "social"))+len(b.repairs(t, "gp")) != 0 {
		t.Error("what was ended for good is still listed")
	}
	wantTold(t, b.ask(t, "social", socialChild, ""))
}

// takesBack is a registrar's keeper taking back what they decided last.
func (b *bundle) takesBack(t *testing.T) {
	t.Helper()
	if _, err := b.admin.ExecContext(t.Context(), `
		set session_replication_role = replica;
		insert into registrar.reopenings (resolution_id, act_id) select act_id, gen_random_uuid() from registrar.resolutions on conflict do nothing;
		set session_replication_role = origin`); err != nil {
		t.Fatal(err)
	}
}

// decidesAgain is a registrar's keeper deciding anew what was taken back.
func (b *bundle) decidesAgain(t *testing.T) {
	t.Helper()
	if _, err := b.admin.ExecContext(t.Context(), `
		set session_replication_role = replica;
		insert into registrar.resolutions (act_id, task_id, outcome) select gen_random_uuid(), task_id, 'wrong' from registrar.tasks;
		set session_replication_role = origin`); err != nil {
		t.Fatal(err)
	}
}

// AUT-04, invariant 10: a repair is lifted, once however many look at once, when its
// registrar takes its word back, and made anew when it is found wrong again. What a
// person has put in force again by then, or has ended, stays as they left it.
func TestARepairIsLiftedWhenItsRegistrarTakesItsWordBack(t *testing.T) {
	b := setup(t)
	b.keeps(t, 0, 0, 0, 0) // terms of some version
	county := b.withRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	wrong := b.recognition(t, county, "gp", "Iris Moor")
	attached, err := b.AttachAnchor(t.Context(), b.as("gp"), relmgr.Attachment{Own: gpChild, Recognition: county.recognises(t, wrong), Reason: "same-person-found"})
	if err != nil {
		t.Fatal(err)
	}
	took := func(want int, doing string, told ...string) {
		t.Helper()
		if n := b.take(t); n != want {
			t.Errorf("%s: %d records were taken up, want %d", doing, n, want)
		}
		if n := b.take(t); n != 0 {
			t.Errorf("%s: taken up again", doing)
		}
		wantTold(t, b.askAbout(t, county, "social", "social-care", "Iris Moor"), told...)
	}
	took(0, "before anything was wrong", "riverside-surgery")
	b.findsWrong(t, county, wrong.ID)
	took(1, "found wrong")
	b.takesBack(t)
	took(1, "taken back", "riverside-surgery")
	if len(b.repairs(t, "gp")) != 0 {
		t.Error("what is in force again is listed")
	}
	if n := b.count(t, "select count(*) from relmgr.acts where kind = 'withdraw' and practitioner_id = 'the-hub' and agency_id = 'riverside-gp'"); n != 1 {
		t.Errorf("%d acts of the hub say so", n)
	}
	b.decidesAgain(t)
	took(1, "found wrong again")
	list := b.repairs(t, "gp")
	if len(list) != 1 || list[0].Suspends != attached.Act {
		t.Fatalf("the surgery is shown %+v", list)
	}
	if _, err := b.WithdrawAct(t.Context(), b.as("gp"), list[0].Repair, "same-person-found", ""); err != nil {
		t.Fatal(err)
	}
	took(0, "put in force by a person", "riverside-surgery")
	b.takesBack(t)
	took(0, "taken back after a person looked", "riverside-surgery")
	b.decidesAgain(t)
	took(0, "found wrong after a person looked", "riverside-surgery")
	if _, err := b.WithdrawAct(t.Context(), b.as("gp"), attached.Act, "subject-asked", ""); err != nil {
		t.Fatal(err)
	}
	took(0, "ended by a person")
}
