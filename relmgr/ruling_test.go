package relmgr_test

import (
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// rules is an adjudicator ruling on what became a case, as the identity manager's tables
// have it: binding from then on.
func (b *bundle) rules(t *testing.T, source string, id ident.UntypedID, outcome string, binds time.Time) (of ident.CaseID) {
	t.Helper()
	of = ident.CaseOf(source, id, ident.UntypedID{})
	if _, err := b.admin.ExecContext(t.Context(), `
		set session_replication_role = replica;
		insert into idmgr.cases (case_id, source, source_id, at, agencies) values ('`+of.String()+`', '`+source+`', '`+id.String()+`', now(), '{}') on conflict do nothing;
		insert into idmgr.case_steps (case_id, ordinal, act_id, kind, level, at, due_at, outcome)
			select '`+of.String()+`', n, gen_random_uuid(), case n when 0 then 'open' else 'rule' end, 0, now(), '`+binds.Format(time.RFC3339Nano)+`', case n when 1 then '`+outcome+`' end
			  from generate_series(0, 1) n;
		set session_replication_role = origin`); err != nil {
		t.Fatal(err)
	}
	return of
}

// carriedOut is how many rulings several processes carry out that are at it at once.
func (b *bundle) carriedOut(t *testing.T) (taken int) {
	t.Helper()
	return atOnce(t, b.TakeRulings)
}

// TRU-05: a ruling on a dispute is carried out once nobody can appeal any more, once
// however many are at it: dismissed, what was disputed holds again; upheld, it ends.
// What somebody has settled by then is left as it is.
func TestARulingOnADisputeIsCarriedOutWhenItBinds(t *testing.T) {
	for outcome, want := range map[string][]string{"dismissed": {"hillside-pastoral", "riverside-surgery"}, "upheld": nil} {
		t.Run(outcome, func(t *testing.T) {
			b := setup(t)
			b.keeps(t, 0, 0, 0, 0) // terms of some version
			b.trio(t)
			must(t)(b.DisputeIdentity(t.Context(), b.as("social"), socialChild, "not-the-same-person"))
			wantTold(t, b.ask(t, "social", socialChild, ""))
			var dispute ident.ActID
			if err := b.admin.QueryRow("select act_id from relmgr.disputes").Scan(&dispute); err != nil {
				t.Fatal(err)
			}
			b.rules(t, "dispute", ident.UntypedID(dispute), outcome, b.clock().Add(time.Hour))
			if n := b.carriedOut(t); n != 0 {
				t.Errorf("%d rulings are carried out while they can be appealed against", n)
			}
			b.wait(2 * time.Hour)
			if n := b.carriedOut(t) + b.carriedOut(t); n != 1 {
				t.Errorf("one ruling is carried out %d times", n)
			}
			if want == nil {
				wantTold(t, b.ask(t, "social", socialChild, ""))
			} else if got := told(b.ask(t, "social", socialChild, "")); len(got) != len(want) {
				t.Errorf("dismissed, %v are told of", got)
			}
			if n := b.count(t, "select count(*) from relmgr.disputes"); n != 0 {
				t.Errorf("%d disputes are left", n)
			}
			undone := map[string]int{"dismissed": 1, "upheld": 3}[outcome]
			if n := b.count(t, "select count(*) from relmgr.undoings u join relmgr.acts a on a.act_id = u.act_id where a.kind = 'settle' and a.practitioner_id = 'the-hub' and a.role = 'ruling'"); n != undone {
				t.Errorf("the hub's act undoes %d acts, want %d", n, undone)
			}
			if n := b.count(t, "select count(*) from relmgr.act_references r join relmgr.acts a on a.act_id = r.act_id where a.kind = 'settle'"); n == 0 {
				t.Error("nobody is shown the act")
			}
			// Another, settled by its own people before the ruling binds.
			made := must(t)(b.DisputeIdentity(t.Context(), b.as("gp-manager"), gpChild, "not-the-same-person"))
			if err := b.admin.QueryRow("select act_id from relmgr.disputes").Scan(&dispute); err != nil {
				t.Fatal(err)
			}
			b.rules(t, "dispute", ident.UntypedID(dispute), outcome, b.clock())
			must(t)(b.SettleDispute(t.Context(), b.as("gp-manager"), made.Act, nil, "same-person-found"))
			if n := b.carriedOut(t); n != 0 {
				t.Errorf("what somebody has settled is ruled on: %d", n)
			}
		})
	}
}

// refused is a joint correlation that the other side took back before it was confirmed,
// by its people or as the person said it; and its act.
func (b *bundle) refused(t *testing.T, evidence relmgr.Evidence) (proposed relmgr.Receipt, act ident.ActID) {
	t.Helper()
	b.keeps(t, 0, 0, 0, 0) // terms of some version
	b.publish(t, "gp", gpChild)
	b.publish(t, "social", socialChild)
	c := b.correlation(t, "social", socialChild, b.code(t, "gp", gpChild))
	c.Mode = decide.Joint
	proposed = must(t)(b.Correlate(t.Context(), b.as("social"), c))
	if err := b.admin.QueryRow("select act_id from relmgr.acts where kind = 'correlate'").Scan(&act); err != nil {
		t.Fatal(err)
	}
	must(t)(b.WithdrawAct(t.Context(), b.as("gp-manager"), b.referenceOf(t, "riverside-gp", proposed.Act), "not-the-same-person", evidence))
	if n := b.count(t, "select count(*) from relmgr.escalations where source = 'joint-refused' and source_id = '"+act.String()+"'"); n != 1 {
		t.Fatalf("%d escalations of a joint act that was refused", n)
	}
	return proposed, act
}

// TRU-05, ACT-06: a refusal that a ruling finds wrong is undone once, when nobody can
// appeal any more: the act waits for the other side again, which joins nobody before it
// confirms and may refuse anew. One that is found right stands, and so does the person's own.
func TestARulingOnARefusedJointActPutsItBeforeTheOtherSideAgain(t *testing.T) {
	for name, c := range map[string]struct {
		outcome  string
		evidence relmgr.Evidence
		again    bool
	}{"upheld": {"upheld", "", true}, "dismissed": {"dismissed", "", false}, "upheld against the person": {"upheld", "signed-form", false}} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			proposed, act := b.refused(t, c.evidence)
			b.rules(t, "joint-refused", ident.UntypedID(act), c.outcome, b.clock().Add(time.Hour))
			if n := b.carriedOut(t); n != 0 {
				t.Errorf("%d rulings are carried out while they can be appealed against", n)
			}
			b.wait(2 * time.Hour)
			want := 0
			if c.again {
				want = 1
			}
			if n := b.carriedOut(t) + b.carriedOut(t); n != want {
				t.Errorf("a ruling is carried out %d times, want %d", n, want)
			}
			wantTold(t, b.ask(t, "social", socialChild, "")) // nobody was made to join
			if n := b.count(t, "select count(*) from relmgr.acts where kind = 'settle' and practitioner_id = 'the-hub' and role = 'ruling'"); n != want {
				t.Errorf("%d acts of the hub, want %d", n, want)
			}
			must(t)(b.ConfirmSamePerson(t.Context(), b.as("gp-manager"), b.referenceOf(t, "riverside-gp", proposed.Act), "same-person-found"))
			if !c.again { // what was refused stays so
				wantTold(t, b.ask(t, "social", socialChild, ""))
				return
			}
			wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
			// Taken back later, it is not put there again.
			must(t)(b.WithdrawAct(t.Context(), b.as("gp-manager"), b.referenceOf(t, "riverside-gp", proposed.Act), "not-the-same-person", ""))
			if n := b.carriedOut(t); n != 0 {
				t.Errorf("a ruling is carried out again: %d", n)
			}
		})
	}
}

// TRU-05, QRY-05: a ruling on an emergency that nobody reviewed is its review, once; one
// that somebody has judged meanwhile is left as it is.
func TestARulingOnAnUnreviewedEmergencyIsItsReview(t *testing.T) {
	for outcome, want := range map[string]string{"upheld": "justified", "dismissed": "not-justified"} {
		t.Run(outcome, func(t *testing.T) {
			b := setup(t)
			b.keeps(t, 0, 0, 0, 0) // terms of some version
			b.emergency(t, "social", socialChild)
			b.emergency(t, "social", socialChild)
			reviews := b.reviews(t, "lead")
			if len(reviews) != 2 {
				t.Fatalf("%d reviews", len(reviews))
			}
			for _, r := range reviews {
				b.rules(t, "emergency-unreviewed", ident.UntypedID(r.ID), outcome, b.clock().Add(time.Hour))
			}
			if n := b.carriedOut(t); n != 0 {
				t.Errorf("%d rulings are carried out while they can be appealed against", n)
			}
			b.wait(2 * time.Hour)
			must(t)(b.JudgeEnquiry(t.Context(), b.as("lead"), reviews[0].ID, "more-needed", "risk-of-harm"))
			if n := b.carriedOut(t) + b.carriedOut(t); n != 1 {
				t.Errorf("one ruling is carried out %d times", n)
			}
			if n := b.count(t, "select count(*) from relmgr.review_outcomes o join relmgr.acts a on a.act_id = o.act_id where o.review_id = '"+
				reviews[1].ID.String()+"' and o.outcome = '"+want+"' and a.practitioner_id = 'the-hub'"); n != 1 {
				t.Errorf("the ruling is no review that says %s", want)
			}
			if left := b.reviews(t, "lead"); len(left) != 0 {
				t.Errorf("%+v still waits", left)
			}
		})
	}
}
