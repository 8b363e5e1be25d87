package relmgr_test

import (
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// rules is an adjudicator ruling on a dispute, as the identity manager's tables have
// it: binding from then on.
func (b *bundle) rules(t *testing.T, dispute ident.ActID, outcome string, binds time.Time) (of ident.CaseID) {
	t.Helper()
	of = ident.CaseOf("dispute", ident.UntypedID(dispute), ident.UntypedID{})
	if _, err := b.admin.ExecContext(t.Context(), `
		set session_replication_role = replica;
		insert into idmgr.cases (case_id, source, source_id, at, agencies) values ('`+of.String()+`', 'dispute', '`+dispute.String()+`', now(), '{}') on conflict do nothing;
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
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			n, err := b.TakeRulings(t.Context())
			if err != nil && fault.KindOf(err) != fault.Unavailable {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			taken += n
		})
	}
	all.Wait()
	return taken
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
			b.rules(t, dispute, outcome, b.clock().Add(time.Hour))
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
			b.rules(t, dispute, outcome, b.clock())
			must(t)(b.SettleDispute(t.Context(), b.as("gp-manager"), made.Act, nil, "same-person-found"))
			if n := b.carriedOut(t); n != 0 {
				t.Errorf("what somebody has settled is ruled on: %d", n)
			}
		})
	}
}
