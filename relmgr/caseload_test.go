package relmgr_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// patel is Dr Patel's own list, which his surgery takes over.
var patelChild = own("gp-patel", "PT0042")

func handover(items ...relmgr.CaseloadItem) relmgr.Caseload {
	return relmgr.Caseload{From: "gp-patel", To: "gp-riverside", Reason: "work-ended", Items: items}
}

// caseload has Dr Patel publish somebody whom social care knows too, and gives
// back the publication.
func (b *bundle) caseload(t *testing.T) relmgr.Receipt {
	t.Helper()
	published := b.publish(t, "patel", patelChild)
	b.publish(t, "social", socialChild)
	b.correlate(t, "social", socialChild, "patel", patelChild)
	return published
}

// IDX-12, COL-08: a relationship that moves is told of by its new column from the
// next request on, to the same people, on the decision of whoever took it; the
// old column knows nothing of it any more, and every act is still there.
func TestACaseloadMovesWithEverythingThatRestsOnIt(t *testing.T) {
	b := setup(t)
	published := b.caseload(t)
	wantTold(t, b.ask(t, "social", socialChild, ""), "dr-patel-list")
	decision := b.count(t, `select count(*) from relmgr.decisions`)

	done, err := b.MoveCaseload(t.Context(), b.as("gp-manager"), handover(relmgr.CaseloadItem{Identifier: "PT0042", As: "GP-00042"}))
	if err != nil || len(done) != 1 {
		t.Fatalf("%d receipts, %v", len(done), err)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	wantTold(t, b.ask(t, "gp", gpChild, ""), "childrens-assessment")
	if a := b.ask(t, "patel", patelChild, ""); a.Published || len(a.Providers) > 0 {
		t.Errorf("the column that handed over still has it: %+v", a)
	}
	if n := b.count(t, `select count(*) from relmgr.decisions`); n != decision {
		t.Errorf("%d decisions, want the %d from before", n, decision)
	}
	if got, err := b.Reveal(t.Context(), b.as("gp"), b.handle(t, "gp", gpChild)); err != nil || got != "GP-00042" {
		t.Errorf("the identifier opens as %q, %v", got, err)
	}
	acts, _, err := b.ListActs(t.Context(), b.as("gp"), b.handle(t, "gp", gpChild), ident.ReferenceID{}, 50, looking)
	if err != nil || len(acts) != 4 || !slices.ContainsFunc(acts, func(a relmgr.Shown) bool { return a.Act == published.Act }) {
		t.Errorf("the history is %+v, %v", acts, err)
	}
	_, _, err = b.ListActs(t.Context(), b.as("social"), b.handle(t, "gp", gpChild), ident.ReferenceID{}, 50, looking)
	wantKind(t, err, fault.NotKnown)
	rowsAreComponents(t, b.admin)

	// What is withdrawn and restored comes back in the new column.
	gone := must(t)(b.WithdrawAct(t.Context(), b.as("gp"), published.Act, "work-ended", ""))
	wantTold(t, b.ask(t, "social", socialChild, ""))
	must(t)(b.WithdrawAct(t.Context(), b.as("gp"), gone.Act, "entered-by-mistake", ""))
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")

	// A move is not undone but made again, the other way.
	_, err = b.WithdrawAct(t.Context(), b.as("gp-manager"), done[0].Act, "entered-by-mistake", "")
	wantKind(t, err, fault.Invalid)
	_, err = b.MoveCaseload(t.Context(), b.as("patel-manager"), relmgr.Caseload{
		From: "gp-riverside", To: "gp-patel", Reason: "entered-by-mistake", Items: []relmgr.CaseloadItem{{Identifier: "GP-00042", As: "PT0042"}}})
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""), "dr-patel-list")
	rowsAreComponents(t, b.admin)
}

// PUB-08, PUB-09, invariant 5: what a person has hidden stays hidden when its
// relationship moves, and a suspended one stays suspended.
func TestWhatIsHiddenMovesHidden(t *testing.T) {
	for name, hide := range map[string]func(*testing.T, *bundle, relmgr.Receipt){
		"creator-only": func(t *testing.T, b *bundle, _ relmgr.Receipt) {
			b.block(t, b.handle(t, "patel", patelChild), "creator-only")
		},
		"excluded": func(t *testing.T, b *bundle, _ relmgr.Receipt) {
			b.exclude(t, b.handle(t, "patel", patelChild), "riverside-social-care")
		},
		"disputed": func(t *testing.T, b *bundle, _ relmgr.Receipt) {
			must(t)(b.DisputeIdentity(t.Context(), b.as("patel"), patelChild, "not-the-same-person"))
		},
		"suspended": func(t *testing.T, b *bundle, p relmgr.Receipt) {
			must(t)(b.SetStatus(t.Context(), b.as("patel"), p.Act, relmgr.Suspend, "work-ended", nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			hide(t, b, b.caseload(t))
			wantTold(t, b.ask(t, "social", socialChild, ""))
			if _, err := b.MoveCaseload(t.Context(), b.as("gp-manager"), handover(relmgr.CaseloadItem{Identifier: "PT0042", As: "GP-00042"})); err != nil {
				t.Fatal(err)
			}
			wantTold(t, b.ask(t, "social", socialChild, ""))
			rowsAreComponents(t, b.admin)
		})
	}
}

// ACT-04, IDX-12: all move or none does, each by its own act; the same batch with
// the same key is carried out once, also when it comes twice at once.
func TestACaseloadMovesWholeAndOnce(t *testing.T) {
	b := setup(t)
	var items []relmgr.CaseloadItem
	for i := range 5 {
		b.publish(t, "patel", own("gp-patel", fmt.Sprintf("PT%04d", i)))
		items = append(items, relmgr.CaseloadItem{Identifier: relmgr.Identifier(fmt.Sprintf("PT%04d", i)), As: relmgr.Identifier(fmt.Sprintf("GP-%05d", i))})
	}
	before := b.count(t, `select count(*) from relmgr.acts`)
	// One of six is published by nobody: nothing moves.
	_, err := b.MoveCaseload(t.Context(), b.as("gp-manager"), handover(append(items, relmgr.CaseloadItem{Identifier: "PT9999", As: "GP-99999"})...))
	wantKind(t, err, fault.Invalid)
	if b.count(t, `select count(*) from relmgr.acts`) != before || b.count(t, `select count(*) from relmgr.cells where column_id = 'gp-riverside'`) != 0 {
		t.Fatal("a batch that was refused has moved something")
	}
	// The new column has only asked about one of them: that is no history.
	b.ask(t, "gp", own("gp-riverside", "GP-00003"), "")

	var wg sync.WaitGroup
	all := make([][]relmgr.Receipt, 4)
	for i, s := range []*relmgr.Service{b.Service, b.another(t), b.Service, b.Service} {
		wg.Go(func() {
			got, err := s.Once("dr-brandt", "moveCaseload", "hand-over", nil).MoveCaseload(t.Context(), b.as("gp-manager"), handover(items...))
			if err != nil {
				t.Error(err)
			}
			all[i] = got
		})
	}
	wg.Wait()
	for _, got := range all {
		if fmt.Sprint(got) != fmt.Sprint(all[0]) || len(got) != 5 {
			t.Errorf("one batch has two sets of receipts")
		}
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind = 'move'`); n != 5 {
		t.Errorf("%d moves, want 5", n)
	}
	for i := range 5 {
		if a := b.ask(t, "gp", own("gp-riverside", fmt.Sprintf("GP-%05d", i)), ""); !a.Published {
			t.Errorf("number %d is not published by the new column", i)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.handles h join relmgr.cells c using (handle_id) where c.column_id <> h.column_id`); n != 0 {
		t.Errorf("%d cells are in another column than their handle", n)
	}
}

// IDX-12, COL-03: who may not, and what cannot be, is refused before anything moves.
func TestACaseloadMovesInsideOneAgencyOnly(t *testing.T) {
	b := setup(t)
	b.caseload(t)
	one := relmgr.CaseloadItem{Identifier: "PT0042", As: "GP-00042"}
	for name, c := range map[string]struct {
		who  string
		from ident.Column
		to   ident.Column
		item relmgr.CaseloadItem
		kind fault.Kind
	}{
		"without the role":               {"gp", "gp-patel", "gp-riverside", one, fault.Forbidden},
		"into a column of another's":     {"gp-manager", "gp-patel", "social-care", relmgr.CaseloadItem{Identifier: "PT0042", As: "LMN-00001"}, fault.Forbidden},
		"out of another agency":          {"gp-manager", "social-care", "gp-riverside", relmgr.CaseloadItem{Identifier: "LMN-00042", As: "GP-00042"}, fault.Forbidden},
		"out of no column":               {"gp-manager", "nowhere", "gp-riverside", one, fault.Forbidden},
		"into the same":                  {"gp-manager", "gp-riverside", "gp-riverside", relmgr.CaseloadItem{Identifier: "GP-00042"}, fault.Invalid},
		"with a mistyped name":           {"gp-manager", "gp-patel", "gp-riverside", relmgr.CaseloadItem{Identifier: "PT0042", As: "GP-1"}, fault.Invalid},
		"without a name where one needs": {"gp-manager", "gp-patel", "gp-riverside", relmgr.CaseloadItem{Identifier: "PT0042"}, fault.Invalid},
		"somebody unknown":               {"gp-manager", "gp-patel", "gp-riverside", relmgr.CaseloadItem{Identifier: "PT0043", As: "GP-00043"}, fault.Invalid},
	} {
		_, err := b.MoveCaseload(t.Context(), b.as(c.who), relmgr.Caseload{From: c.from, To: c.to, Reason: "work-ended", Items: []relmgr.CaseloadItem{c.item}})
		if err == nil || fault.KindOf(err) != c.kind {
			t.Errorf("%s: %v, want %s", name, err, c.kind)
		}
	}
	_, err := b.MoveCaseload(t.Context(), b.as("gp-manager"), handover(one, one))
	wantKind(t, err, fault.Invalid)
	_, err = b.MoveCaseload(t.Context(), b.as("gp-manager"), handover(one, relmgr.CaseloadItem{Identifier: "PT0042", As: "GP-00044"}))
	wantKind(t, err, fault.Invalid)
	// Somebody whom the new column publishes already.
	b.publish(t, "gp", gpChild)
	_, err = b.MoveCaseload(t.Context(), b.as("gp-manager"), handover(one))
	wantKind(t, err, fault.Conflict)
	wantTold(t, b.ask(t, "social", socialChild, ""), "dr-patel-list")
}

// COL-07, DCP-07: nothing moves between a sensitive column and another, to where it
// could not be answered for, or over somebody of whom the column knows anything
// already: a consent, a refusal, an exclusion or a block is a history.
func TestACaseloadDoesNotMoveOverAHistory(t *testing.T) {
	b := setup(t)
	b.caseload(t)
	move := func() error {
		_, err := b.MoveCaseload(t.Context(), b.as("gp-manager"), handover(relmgr.CaseloadItem{Identifier: "PT0042", As: "GP-00042"}))
		return err
	}
	terms := b.terms
	column := func(t *decide.Terms, id ident.Column) *decide.Column {
		return &t.Columns[slices.IndexFunc(t.Columns, func(c decide.Column) bool { return c.ID == id })]
	}
	b.change(t, func(t *decide.Terms) { column(t, "gp-riverside").Sensitive = true })
	wantKind(t, move(), fault.Invalid)
	b.terms = terms
	b.change(t, func(t *decide.Terms) { column(t, "gp-riverside").Contacts = column(t, "gp-riverside").Contacts[1:] })
	wantKind(t, move(), fault.Invalid)
	b.terms = terms
	handle := b.handle(t, "gp", gpChild)
	record := func(text string, args ...any) {
		t.Helper()
		if _, err := b.admin.Exec(text, args...); err != nil {
			t.Fatal(err)
		}
	}
	consent := b.consent(t, handle, true)
	wantKind(t, move(), fault.Conflict)
	record(`delete from consent.consents where consent_id = $1`, consent)
	b.refusal(t, handle)
	wantKind(t, move(), fault.Conflict)
	record(`delete from consent.answers; delete from consent.requests`)
	b.exclude(t, handle, "riverside-police")
	wantKind(t, move(), fault.Conflict)
	record(`delete from consent.exclusions`)
	block := b.block(t, handle, "block")
	wantKind(t, move(), fault.Conflict)
	record(`delete from consent.blocks where block_id = $1`, block)
	if err := move(); err != nil { // what was asked of the handle is none
		t.Fatal(err)
	}
}

// Invariants 2 and 3 under concurrency: caseloads go to and fro between two
// columns while others ask, correlate and publish; in the end everything is in
// one place, and whoever was told was told of a column that had it.
func TestCaseloadsMoveWhileOthersWrite(t *testing.T) {
	b := setup(t)
	b.caseload(t)
	var x, y []relmgr.Proposal
	for i := range 4 {
		x, y = append(x, b.proposal(t, "social", social(i))), append(y, b.proposal(t, "gp", own("gp-riverside", fmt.Sprintf("GP-8000%d", i))))
	}
	var wg sync.WaitGroup
	for w := range 2 {
		s := b.another(t)
		wg.Go(func() {
			for range 8 {
				_, err := s.MoveCaseload(t.Context(), b.as("gp-manager"), handover(relmgr.CaseloadItem{Identifier: "PT0042", As: "GP-00042"}))
				back := relmgr.Caseload{From: "gp-riverside", To: "gp-patel", Reason: "entered-by-mistake", Items: []relmgr.CaseloadItem{{Identifier: "GP-00042", As: "PT0042"}}}
				if w == 1 {
					_, err = s.MoveCaseload(t.Context(), b.as("patel-manager"), back)
				}
				if kind := fault.KindOf(err); err != nil && kind != fault.Invalid && kind != fault.Unavailable {
					t.Error(err)
				}
			}
		})
	}
	for w := range 3 {
		wg.Go(func() {
			for i := range 12 {
				got := told(b.ask(t, "social", socialChild, ""))
				if len(got) != 1 || got[0] != "dr-patel-list" && got[0] != "riverside-surgery" {
					t.Errorf("told of %v", got)
				}
				o := own("gp-riverside", fmt.Sprintf("GP-8000%d", (i+w)%4))
				p, err := b.OpenPairing(t.Context(), b.as("gp"), o, y[(i+w)%4])
				if err == nil {
					_, err = b.Correlate(t.Context(), b.as("social"), relmgr.Correlation{
						Own: social(w), Code: p.Code, Mode: decide.WithConsent, Reason: "same-person-found", Proposal: x[w],
					})
				}
				if err != nil && fault.KindOf(err) != fault.Unavailable {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	rowsAreComponents(t, b.admin)
	if n := b.count(t, `select count(*) from relmgr.handles h join relmgr.cells c using (handle_id) where c.column_id <> h.column_id`); n != 0 {
		t.Errorf("%d cells are in another column than their handle", n)
	}
}

// IDX-15: an act may say since when something is so, which is not when it was
// recorded, and never in the future.
func TestAnActSaysSinceWhen(t *testing.T) {
	b := setup(t)
	began, ended := b.clock().AddDate(-1, 0, 0).UTC(), b.clock().AddDate(0, -1, 0).UTC()
	r := b.relationship(t, "gp", gpChild)
	r.Since = &began
	published := must(t)(b.Publish(t.Context(), b.as("gp"), r))
	over := must(t)(b.SetStatus(t.Context(), b.as("gp"), published.Act, relmgr.End, "work-ended", &ended))
	for ref, want := range map[ident.ReferenceID]time.Time{published.Act: began, over.Act: ended} {
		a, err := b.FindAct(t.Context(), b.as("gp"), ref, looking)
		if err != nil || a.Since == nil || !a.Since.Equal(want) || !a.At.Equal(b.clock()) {
			t.Errorf("%s: since %v at %s, %v; want since %s", a.Kind, a.Since, a.At, err, want)
		}
	}
	for _, wrong := range []time.Time{b.clock().Add(6 * time.Minute), b.clock().AddDate(-300, 0, 0)} {
		r.Since = &wrong
		_, err := b.Publish(t.Context(), b.as("gp"), r)
		wantKind(t, err, fault.Invalid)
		_, err = b.SetStatus(t.Context(), b.as("gp"), published.Act, relmgr.Suspend, "work-ended", &wrong)
		wantKind(t, err, fault.Invalid)
	}
}

// ACT-05, ACT-06: an act of the subject has evidence; what the subject withdrew
// only the subject restores; what was imposed only the higher role undoes.
func TestEachModeFixesWhoMayUndo(t *testing.T) {
	b := setup(t)
	r := b.relationship(t, "gp", gpChild)
	r.Mode = decide.BySubject
	_, err := b.Publish(t.Context(), b.as("gp"), r)
	wantKind(t, err, fault.Invalid)
	r.Evidence = "signed-form"
	published := must(t)(b.Publish(t.Context(), b.as("gp"), r))
	r.Mode = decide.WithConsent
	_, err = b.Publish(t.Context(), b.as("gp"), r)
	wantKind(t, err, fault.Invalid)

	// The agency may always stop what it publishes (PUB-13), and start it again.
	halted := must(t)(b.WithdrawAct(t.Context(), b.as("gp"), published.Act, "work-ended", ""))
	must(t)(b.WithdrawAct(t.Context(), b.as("gp"), halted.Act, "entered-by-mistake", ""))
	// What the person stops stays stopped until they say otherwise.
	stopped := must(t)(b.WithdrawAct(t.Context(), b.as("gp"), published.Act, "subject-asked", "spoken-and-noted"))
	_, err = b.WithdrawAct(t.Context(), b.as("gp"), stopped.Act, "entered-by-mistake", "")
	wantKind(t, err, fault.Forbidden)
	must(t)(b.WithdrawAct(t.Context(), b.as("gp"), stopped.Act, "subject-asked", "spoken-and-noted"))
	if !b.ask(t, "gp", gpChild, "").Published {
		t.Error("the person's second thought has not restored it")
	}
	// Nobody else undoes any of it.
	_, err = b.WithdrawAct(t.Context(), b.as("social"), published.Act, "work-ended", "spoken-and-noted")
	wantKind(t, err, fault.NotKnown)

	imposed := b.impose(t, "gp-lead", own("gp-riverside", "GP-00077"))
	_, err = b.WithdrawAct(t.Context(), b.as("gp"), imposed.Act, "work-ended", "")
	wantKind(t, err, fault.Forbidden)
	undone := must(t)(b.WithdrawAct(t.Context(), b.as("gp-lead"), imposed.Act, "work-ended", ""))
	_, err = b.WithdrawAct(t.Context(), b.as("gp"), undone.Act, "entered-by-mistake", "")
	wantKind(t, err, fault.Forbidden)
}

// impose publishes without the person's consent.
func (b *bundle) impose(t *testing.T, who string, o relmgr.Own) relmgr.Receipt {
	t.Helper()
	return must(t)(b.Publish(t.Context(), b.as(who), b.imposed(t, who, o)))
}

func (b *bundle) imposed(t *testing.T, who string, o relmgr.Own) relmgr.Relationship {
	t.Helper()
	r := b.relationship(t, who, o)
	r.Role, r.Mode, r.Reason = "gp", decide.Imposed, "risk-of-harm"
	r.Ground, r.Proposal.Reason, r.Consents = decide.SignificantHarm, "risk-of-harm", nil
	r.Conditions.Ordinary = "art6-public-task"
	return r
}
