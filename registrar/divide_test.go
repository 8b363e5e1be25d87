package registrar_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/match"
)

// of are the tasks of a kind.
func (h *hub) of(kind registrar.TaskKind, open bool) (all []registrar.Task) {
	h.t.Helper()
	h.search()
	for _, t := range h.tasks(open) {
		if t.Kind == kind {
			all = append(all, t)
		}
	}
	return all
}

// REG-10: an entry whose items can hardly be of one person is put before a keeper, once,
// and not one whose items differ by a slip.
func TestAnEntryThatContradictsItselfIsPutBeforeAPerson(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	for doing, items := range map[string][]registrar.Item{
		"a slip":                      {name("Ann", "Quick"), born("1971-06-24"), born("1971-06-25")},
		"day and month changed round": {name("Bo", "Quick"), born("1971-06-11"), born("1971-11-06")},
		"a year that is about right":  {name("Cy", "Quick"), born("1971"), {Source: "person", Birth: &registrar.Birth{Date: "1973-05-05", Within: 2}}},
		"a renewed passport":          {name("Di", "Quick"), number("passport", "AA1000001"), number("passport", "AA1000002")},
		"a former name":               {name("Ed", "Quick"), name("Ed", "Slow"), born("1980-01-01")},
	} {
		h.enter("town", items...)
		if tasks := h.of(registrar.Overlay, true); len(tasks) != 0 {
			t.Errorf("%s: %+v", doing, tasks)
		}
	}
	for n, items := range [][]registrar.Item{
		{name("Fay", "Moor"), born("1971-06-24"), born("1998-12-03")},
		{name("Gus", "Moor"), born("1971"), born("1998-12-03")},
		{name("Hal", "Moor"), number("nhs", "1"), number("nhs", "2"), {Source: "document", Sex: "female"}, {Source: "document", Sex: "male"}},
	} {
		entry := h.enter("town", items...)
		tasks := h.of(registrar.Overlay, true)
		if len(tasks) != n+1 || !slices.ContainsFunc(tasks, func(t registrar.Task) bool { return len(t.Entries) == 1 && t.Entries[0] == entry && t.Priority > 50 }) {
			t.Fatalf("%+v: the worklist is %+v", items, tasks)
		}
		for _, task := range tasks {
			if task.Entries[0] == entry {
				must(t, h.change("town", entry, registrar.Change{Kind: registrar.Correct, Items: []registrar.Item{{Source: "person", Phone: "01632 960 711"}}}))
			}
		}
	}
	if n := len(h.of(registrar.Overlay, true)); n != 3 {
		t.Errorf("%d overlays are put: entries that were changed are put again", n)
	}
	task := h.of(registrar.Overlay, true)[0]
	must(t, h.resolve(task.ID, "one-person", ""))
	must(t, h.change("town", task.Entries[0], registrar.Change{Kind: registrar.Correct, Items: []registrar.Item{{Source: "person", Phone: "01632 960 712"}}}))
	if n := len(h.of(registrar.Overlay, true)); n != 2 {
		t.Errorf("%d overlays are open: what a person decided is proposed again", n)
	}
}

// divide says whose what is.
func (h *hub) divide(task ident.TaskID, items ...ident.ItemID) error {
	h.t.Helper()
	_, err := h.registrar.Resolve(h.t.Context(), keeper, "town", task, registrar.Resolution{Outcome: "two-people", Items: items, Reason: "asked"})
	return err
}

// REG-10, AUT-04, invariant 10: who decides that an entry is two people's gives the other
// one an entry of their own, by one decision of several at once. Each is recognised as
// themselves, what was recognised before is published to be suspended, they are not
// proposed to each other again, a shield covers both, and resolving them as one takes
// it all back.
func TestAnOverlayIsDividedByAPersonAndTakenBack(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	one := []registrar.Item{name("Fay", "Moor"), born("1971-06-24"), number("passport", "AA1000001")}
	two := []registrar.Item{name("Rosalind", "Featherstonehaugh"), born("1998-12-03"), number("nhs", "9434765919")}
	entry := h.enter("town", append(slices.Clone(one), two...)...)
	if r := h.ask("town", two...); r.Outcome != match.Determined {
		t.Fatalf("before anybody decided: %+v", r)
	}
	_, err := h.registrar.Shield(t.Context(), keeper, "town", entry, true, "asked")
	must(t, err)
	task := h.of(registrar.Overlay, true)[0].ID
	var theirs, all []ident.ItemID
	for _, k := range h.look("town", entry).Items {
		all = append(all, k.ID)
		if k.Name != nil && k.Name.Given == "Rosalind" || k.Birth != nil && k.Birth.Date == "1998-12-03" || k.Identifier != nil && k.Identifier.Scheme == "nhs" {
			theirs = append(theirs, k.ID)
		}
	}
	for doing, err := range map[string]error{
		"an item of another": h.divide(task, ident.NewItem()),
		"an item twice":      h.divide(task, theirs[0], theirs[0]),
		"all there is":       h.divide(task, all...),
		"of another decision": func() error {
			_, err := h.registrar.Resolve(t.Context(), keeper, "town", task, registrar.Resolution{Outcome: "one-person", Items: theirs, Reason: "asked"})
			return err
		}(),
	} {
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", doing, err)
		}
	}
	if n := h.count("select count(*) from registrar.subjects"); n != 1 || h.published() != 0 {
		t.Errorf("%d people after what was refused", n)
	}
	var decided, refused atomic.Int32
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			switch err := h.divide(task, theirs...); {
			case err == nil:
				decided.Add(1)
			case fault.KindOf(err) == fault.Conflict:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if decided.Load() != 1 || refused.Load() != 2 || h.count("select count(*) from registrar.subjects") != 2 || h.published() != 1 {
		t.Fatalf("%d decided, %d were refused, %d people, %d repairs", decided.Load(), refused.Load(), h.count("select count(*) from registrar.subjects"), h.published())
	}
	if r := h.ask("town", one...); r.Outcome == match.Determined {
		t.Errorf("a division lifted the shield: %+v", r)
	}
	if r := h.ask("town", two...); r.Outcome == match.Determined {
		t.Errorf("a division gave the other one no shield: %+v", r)
	}
	pairs := h.of(registrar.Duplicate, false)
	if len(pairs) != 1 || pairs[0].Outcome != "not-the-same-person" || len(h.of(registrar.Duplicate, true)) != 0 || len(h.of(registrar.Overlay, true)) != 0 {
		t.Fatalf("the pair is %+v", pairs)
	}
	other := pairs[0].Entries[0]
	if other == entry {
		other = pairs[0].Entries[1]
	}
	for _, e := range []registrar.Entry{entry, other} {
		_, err := h.registrar.Shield(t.Context(), keeper, "town", e, false, "asked")
		must(t, err)
	}
	if a, b := h.look("town", entry), h.look("town", other); len(a.Items) != 3 || len(b.Items) != 3 || b.Items[0].Source == "" {
		t.Errorf("%d and %d items are known of the two, want 3 of each with their sources", len(a.Items), len(b.Items))
	}
	first, second := h.ask("town", one...), h.ask("town", two...)
	if first.Outcome != match.Determined || second.Outcome != match.Determined || first.Entry == second.Entry {
		t.Errorf("the two are recognised as %+v and %+v", first, second)
	}
	// Taken back: not while they have an entry each.
	reopen := func(task ident.TaskID) error {
		_, err := h.registrar.Reopen(t.Context(), keeper, "town", task, "asked")
		return err
	}
	wantKind(t, reopen(task), fault.Conflict)
	must(t, reopen(pairs[0].ID))
	must(t, h.resolve(pairs[0].ID, "same-person", entry))
	must(t, reopen(task))
	if p := h.look("town", entry); len(p.Items) != 6 || h.published() != 0 {
		t.Errorf("%d items are known, %d repairs are published, after it was taken back", len(p.Items), h.published())
	}
	if r := h.ask("town", two...); r.Outcome != match.Determined || r.Entry != first.Entry {
		t.Errorf("after it was taken back: %+v", r)
	}
}
