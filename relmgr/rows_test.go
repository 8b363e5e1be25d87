package relmgr_test

import (
	"database/sql"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// people are identifiers of two columns that the same two practitioners bring
// together and take apart.
func school(i int) relmgr.Own { return own("school-pastoral", fmt.Sprintf("S9%05d", i)) }
func social(i int) relmgr.Own { return own("social-care", fmt.Sprintf("LMN-9%04d", i)) }

// rowsAreComponents checks invariant 3 on what is stored: two handles share a
// row exactly when correlations connect them, and a correlation is stored
// exactly when no act in effect undoes it.
func rowsAreComponents(t interface{ Fatalf(string, ...any) }, admin *sql.DB) {
	rows := map[string]string{}
	query(t, admin, `select handle_id, row_id from relmgr.handles`, func(h, r string) { rows[h] = r })
	near := map[string][]string{}
	query(t, admin, `select handle_a, handle_b from relmgr.correlations`, func(a, b string) {
		near[a], near[b] = append(near[a], b), append(near[b], a)
	})
	seenRows := map[string]bool{}
	done := map[string]bool{}
	for h := range rows {
		if done[h] {
			continue
		}
		if seenRows[rows[h]] {
			t.Fatalf("a row holds handles that no correlation connects")
		}
		seenRows[rows[h]] = true
		for queue := []string{h}; len(queue) > 0; queue = queue[1:] {
			if done[queue[0]] {
				continue
			}
			done[queue[0]] = true
			if rows[queue[0]] != rows[h] {
				t.Fatalf("two correlated handles are on two rows")
			}
			queue = append(queue, near[queue[0]]...)
		}
	}
	// Replaying the acts gives the stored correlations (invariant 1).
	undone := map[string][]string{}
	query(t, admin, `select undoes, act_id from relmgr.undoings`, func(a, by string) { undone[a] = append(undone[a], by) })
	var inEffect func(string) bool
	inEffect = func(a string) bool { return !slices.ContainsFunc(undone[a], inEffect) }
	stored, want := map[string]bool{}, map[string]bool{}
	query(t, admin, `select act_id, '' from relmgr.correlations`, func(a, _ string) { stored[a] = true })
	query(t, admin, `select act_id, '' from relmgr.acts a where kind = 'correlate'
		and not exists (select from relmgr.barred b where b.act_id = a.act_id)
		and (mode <> 'joint' or exists (select from relmgr.confirmations c where c.confirms = a.act_id))`, func(a, _ string) {
		if inEffect(a) {
			want[a] = true
		}
	})
	// And so for cells.
	query(t, admin, `select act_id, '' from relmgr.cells`, func(a, _ string) {
		if !inEffect(a) {
			t.Fatalf("a cell stands whose publication is undone")
		}
	})
	if len(stored) != len(want) {
		t.Fatalf("%d correlations stored, the acts give %d", len(stored), len(want))
	}
	for a := range want {
		if !stored[a] {
			t.Fatalf("a correlation in effect is not stored")
		}
	}
	mirrorsRows(t, admin)
}

func query(t interface{ Fatalf(string, ...any) }, db *sql.DB, text string, each func(a, b string)) {
	rows, err := db.Query(text)
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer rows.Close()
	for rows.Next() {
		var a, b string
		if err := rows.Scan(&a, &b); err != nil {
			t.Fatalf("%v", err)
		}
		each(a, b)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%v", err)
	}
}

// IDX-02, IDX-12, invariants 1 and 3: whatever is correlated, separated,
// withdrawn and restored, in whatever order, rows are the components and the
// acts replay to the index.
func TestRowsAreTheComponentsOfAnyHistory(t *testing.T) {
	b := setup(t)
	var acts []ident.ReferenceID
	for i := range 6 {
		acts = append(acts, b.publish(t, "social", social(i)).Act)
	}
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			if rapid.IntRange(0, 5).Draw(rt, "move") == 0 {
				i := rapid.IntRange(0, 5).Draw(rt, "who")
				there, here := social(i).Identifier, relmgr.Identifier(fmt.Sprintf("EH-%04d", i))
				move := relmgr.Caseload{From: "social-care", To: "early-help", Reason: "work-ended", Items: []relmgr.CaseloadItem{{Identifier: there, As: here}}}
				if rapid.Bool().Draw(rt, "back") {
					move.From, move.To, move.Items = move.To, move.From, []relmgr.CaseloadItem{{Identifier: here, As: there}}
				}
				// It may be there already, or in the way of a namesake by now.
				if _, err := b.MoveCaseload(t.Context(), b.as("early-help"), move); err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.Conflict {
					rt.Fatalf("%v", err)
				}
				continue
			}
			if len(acts) == 0 || rapid.IntRange(0, 2).Draw(rt, "kind") == 0 {
				x, y := rapid.IntRange(0, 5).Draw(rt, "x"), rapid.IntRange(0, 5).Draw(rt, "y")
				acts = append(acts, b.correlate(t, "social", social(x), "school", school(y)).Act)
				continue
			}
			if rapid.IntRange(0, 4).Draw(rt, "apart") == 0 {
				x, y := rapid.IntRange(0, 5).Draw(rt, "x"), rapid.IntRange(0, 5).Draw(rt, "y")
				acts = append(acts, must(t)(b.KeepApart(t.Context(), b.as("social"), relmgr.Apart{
					Own: social(x), Code: b.code(t, "school", school(y)), Reason: "subject-asked",
				})).Act)
				continue
			}
			if rapid.IntRange(0, 6).Draw(rt, "imposed") == 0 {
				i := rapid.IntRange(0, 5).Draw(rt, "imposed on")
				r, err := b.Publish(t.Context(), b.as("lead"), b.imposed(t, "lead", own("social-care", fmt.Sprintf("LMN-91%03d", i))))
				if fault.KindOf(err) == fault.Conflict {
					continue // published already
				}
				objection := must(t)(b.RecordObjection(t.Context(), b.as("social"), r.Act, "subject-asked", "spoken-and-noted"))
				must(t)(b.RuleOnObjection(t.Context(), b.as("social"), objection.Act, rapid.SampledFrom([]string{relmgr.Upheld, relmgr.Dismissed}).Draw(rt, "ruled"), "subject-asked"))
				continue
			}
			act := acts[rapid.IntRange(0, len(acts)-1).Draw(rt, "act")]
			r, err := b.WithdrawAct(t.Context(), b.as("early-help"), act, "entered-by-mistake", "")
			if err != nil {
				rt.Fatalf("%v", err)
			}
			acts = append(acts, r.Act)
		}
		rowsAreComponents(rt, b.admin)
	})
}
