package registrar_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

var third = caller("mia", "council", "keeper")

// setApart makes somebody a new person, as two keepers do.
func (h *hub) setApart(was registrar.Entry, items ...registrar.Item) (record ident.ActID, is registrar.Entry) {
	h.t.Helper()
	r, err := h.registrar.SetApart(h.t.Context(), keeper, "town", was, "asked")
	must(h.t, err)
	_, err = h.registrar.ConfirmApart(h.t.Context(), other, "town", r.Act, "asked")
	must(h.t, err)
	made, err := h.registrar.RegisterApart(h.t.Context(), keeper, "town", r.Act, items)
	must(h.t, err)
	return r.Act, made.Entry
}

// REG-10, REG-21, design.md section 3: somebody becomes a new person by two keepers,
// once, also when both enter the new one at once; one of them alone can do nothing, and
// what joins the two is told to two who ask within a day, and to nobody else.
func TestANewPersonTakesTwoAndOnlyTwoAreToldOfIt(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	h.open("city")
	was := h.enter("town", name("Philippa", "Featherstonehaugh"), born("1971-06-24"))
	items := []registrar.Item{name("Philippa", "Quill"), born("1971-06-24")}
	enter := func(as decide.Caller, record ident.ActID) error {
		_, err := h.registrar.RegisterApart(t.Context(), as, "town", record, items)
		return err
	}
	confirm := func(as decide.Caller, record ident.ActID) error {
		_, err := h.registrar.ConfirmApart(t.Context(), as, "town", record, "asked")
		return err
	}
	_, err := h.registrar.SetApart(t.Context(), clerk, "town", was, "asked")
	wantKind(t, err, fault.Forbidden)
	r, err := h.registrar.SetApart(t.Context(), keeper, "town", was, "asked")
	must(t, err)
	wantKind(t, enter(keeper, r.Act), fault.Conflict) // nobody has confirmed it
	wantKind(t, confirm(keeper, r.Act), fault.Forbidden)
	wantKind(t, confirm(clerk, r.Act), fault.Forbidden)
	wantKind(t, confirm(other, ident.NewAct()), fault.NotKnown)
	_, err = h.registrar.ConfirmApart(t.Context(), other, "city", r.Act, "asked")
	wantKind(t, err, fault.NotKnown)
	must(t, confirm(other, r.Act))
	wantKind(t, confirm(third, r.Act), fault.Conflict)
	wantKind(t, enter(third, r.Act), fault.Forbidden)

	var made, refused atomic.Int32
	var both sync.WaitGroup
	for _, as := range []decide.Caller{keeper, other} {
		both.Go(func() {
			switch err := enter(as, r.Act); {
			case err == nil:
				made.Add(1)
			case fault.KindOf(err) == fault.Conflict:
				refused.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	both.Wait()
	if made.Load() != 1 || refused.Load() != 1 || h.count("select count(*) from registrar.subjects") != 2 {
		t.Errorf("%d entered the new person, %d were refused", made.Load(), refused.Load())
	}

	open := func(as decide.Caller) registrar.Opened {
		o, err := h.registrar.OpenApart(t.Context(), as, "town", r.Act, "asked")
		must(t, err)
		return o
	}
	if o := open(keeper); o.Was != "" || o.Is != "" {
		t.Errorf("one is told %+v", o)
	}
	if o := open(keeper); o.Was != "" || o.Is != "" {
		t.Errorf("the same, asking twice, is told %+v", o)
	}
	*h.now = noon.Add(25 * time.Hour)
	if o := open(third); o.Was != "" || o.Is != "" {
		t.Errorf("a day later somebody is told %+v", o)
	}
	if o := open(other); o.Was != was || o.Is == "" || o.Is == was {
		t.Errorf("the second is told %+v", o)
	}
	_, err = h.registrar.OpenApart(t.Context(), doctor, "town", r.Act, "asked")
	wantKind(t, err, fault.Forbidden)
	if n := h.count("select count(*) from registrar.acts where kind = 'open-apart'"); n != 4 {
		t.Errorf("%d acts for asking four times", n)
	}
}

// From every seat the two look like two strangers: no search, report, task, resolution
// or count puts them together, nor through a third entry that is like both; and who asks to
// have either recognised is answered as of strangers who are like them.
func TestWhoWasSetApartLooksLikeTwoStrangersFromEverySeat(t *testing.T) {
	t.Parallel()
	before := []registrar.Item{name("Philippa", "Featherstonehaugh"), born("1971-06-24"), lives("12", "Mill Lane", "ZZ1 1ZZ")}
	after := []registrar.Item{name("Philipa", "Featherstonehaugh"), born("1971-06-24"), lives("12", "Mill Lane", "ZZ1 1ZZ"), {Source: "person", Phone: "01632 960 711"}}
	// Two strangers, as like each other, of whom nobody has searched.
	strangers := setup(t)
	strangers.open("town")
	strangers.enter("town", before...)
	strangers.enter("town", after...)
	h := setup(t)
	h.open("town")
	was := h.enter("town", before...)
	h.search()
	_, is := h.setApart(was, after...)
	for name, given := range map[string][]registrar.Item{
		"who they were": before, "who they are": after, "what both have": before[1:],
		"by the new telephone": {name("Philipa", "Featherstonehaugh"), born("1971-06-24"), {Phone: "01632 960 711"}},
	} {
		a, b := h.ask("town", given...), strangers.ask("town", given...)
		if a.Outcome != b.Outcome || a.Confidence != b.Confidence || !slices.Equal(a.Helps, b.Helps) || (a.Entry == "") != (b.Entry == "") {
			t.Errorf("%s: %+v, of strangers %+v", name, a, b)
		}
	}
	nothing := func(when string) {
		t.Helper()
		h.search()
		for _, open := range []bool{true, false} {
			for _, task := range h.tasks(open) {
				if task.Kind == registrar.Duplicate {
					t.Errorf("%s there is a task %+v", when, task)
				}
			}
		}
		q, err := h.registrar.Quality(t.Context(), keeper, "town")
		must(t, err)
		for what, n := range q.Counts {
			if strings.HasPrefix(what, "duplicate") && n > 0 {
				t.Errorf("%s quality counts %d %s", when, n, what)
			}
		}
	}
	nothing("after the search")
	must(t, h.change("town", was, registrar.Change{Kind: registrar.Correct, Reason: "asked", Items: []registrar.Item{{Source: "person", Phone: "01632 960 711"}}}))
	nothing("after they became more alike")
	reported, err := h.registrar.Report(t.Context(), third, "town", registrar.Report{Kind: registrar.Duplicate, Entry: was, Other: is, Reason: "asked"})
	must(t, err)
	if len(reported.Commitment) != 32 {
		t.Errorf("the report is answered %+v", reported)
	}
	nothing("after a report")
	// A third entry that is like both would join them.
	between := h.enter("town", after...)
	nothing("after a third entry that is like both")
	_, err = h.registrar.Report(t.Context(), third, "town", registrar.Report{Kind: registrar.Duplicate, Entry: was, Other: between, Reason: "asked"})
	must(t, err)
	_, err = h.registrar.Report(t.Context(), third, "town", registrar.Report{Kind: registrar.Duplicate, Entry: between, Other: is, Reason: "asked"})
	must(t, err)
	h.search()
	tasks := h.tasks(true)
	tasks = slices.DeleteFunc(tasks, func(t registrar.Task) bool { return t.Kind != registrar.Duplicate })
	if len(tasks) != 1 || !slices.Contains(tasks[0].Entries, was) || !slices.Contains(tasks[0].Entries, between) {
		t.Fatalf("of two reports about a third entry the worklist has %+v", tasks)
	}
	// The third turns out to be who they were: it is kept apart as well.
	must(t, h.resolve(tasks[0].ID, "same-person", was))
	_, err = h.registrar.Report(t.Context(), third, "town", registrar.Report{Kind: registrar.Duplicate, Entry: between, Other: is, Reason: "asked"})
	must(t, err)
	h.search()
	if tasks := h.tasks(true); slices.ContainsFunc(tasks, func(t registrar.Task) bool { return t.Kind == registrar.Duplicate }) {
		t.Errorf("through the third entry the worklist has %+v", tasks)
	}
}

// A task that was there before, of a third entry, joins nobody who was set apart since.
func TestATaskOfBeforeDoesNotJoinWhoWasSetApart(t *testing.T) {
	t.Parallel()
	h := setup(t)
	one, two := h.twice() // one person's, and nobody has decided yet
	h.search()
	task := h.tasks(true)[0].ID
	_, is := h.setApart(one, name("Philippa", "Featherstonehaugh"), born("1971-06-24"), lives("12", "Mill Lane", "ZZ1 1ZZ"))
	h.search()
	if tasks := h.tasks(true); len(tasks) != 1 || tasks[0].ID != task {
		t.Errorf("the worklist is %+v", tasks)
	}
	_, err := h.registrar.Report(t.Context(), third, "town", registrar.Report{Kind: registrar.Duplicate, Entry: two, Other: is, Reason: "asked"})
	must(t, err)
	if tasks := h.tasks(true); len(tasks) != 1 {
		t.Errorf("the worklist is %+v", tasks)
	}
}

// DCP-03, AUT-09: in a dump, and with every act opened, the two have nothing in common
// that two strangers with the same data have not; and a register of births that
// confirmed both by one entry joins them neither.
func TestNothingStoredJoinsWhoWasSetApart(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	old := []registrar.Item{name("Philippa", "Featherstonehaugh"), born("1971-06-24"), {Source: "person", Phone: "01632 960 711"}}
	young := []registrar.Item{name("Philippa", "Quill"), born("1971-06-24"), {Source: "person", Phone: "01632 960 711"}}
	was := h.enter("town", old...)
	h.births.entry("Philippa", "B1")
	h.check(was, "births")
	*h.now = noon.Add(time.Hour)
	record, is := h.setApart(was, young...)
	*h.now = noon.Add(2 * time.Hour)
	h.check(is, "births")
	*h.now = noon.Add(3 * time.Hour)
	s1 := h.enter("town", old...)
	h.births.entry("Philippa", "B2")
	h.check(s1, "births")
	*h.now = noon.Add(4 * time.Hour)
	s2 := h.enter("town", young...)
	h.births.entry("Philippa", "B3")
	h.check(s2, "births")
	h.search()

	stored := h.stored()
	subject := func(e registrar.Entry) (id string) {
		must(t, h.admin.QueryRow("select subject_id from registrar.entries where entry = $1", e).Scan(&id))
		return id
	}
	a, b := stored.around(subject(was)), stored.around(subject(is))
	x, y := stored.around(subject(s1)), stored.around(subject(s2))
	common := func(a, b map[string]bool) (all []string) {
		for v := range a {
			if b[v] {
				all = append(all, v)
			}
		}
		slices.Sort(all)
		return all
	}
	ours, theirs := common(a, b), common(x, y)
	for _, v := range ours {
		if !slices.Contains(theirs, v) {
			t.Errorf("both have %.80s, as no strangers have", v)
		}
	}
	if len(ours) < 5 || a[subject(is)] || b[subject(was)] {
		t.Errorf("both have %d values, among them the other's id: %v, %v", len(ours), a[subject(is)], b[subject(was)])
	}
	// Every act, opened.
	rows, err := h.admin.Query("select a.act_id, a.commitment, a.sealed, k.wrapped from registrar.acts a join registrar.content_keys k on k.record_id = a.act_id")
	must(t, err)
	defer rows.Close()
	acts := 0
	for rows.Next() {
		var act ident.ActID
		var l leaf.Leaf
		must(t, rows.Scan(&act, &l.Commitment, &l.Sealed, &l.WrappedKey))
		var said map[string]any
		must(t, leaf.Open(t.Context(), h.keys, registrar.RecordsKey, act, l, &said))
		text := fmt.Sprint(said)
		of := func(e registrar.Entry) bool {
			return strings.Contains(text, string(e)) || strings.Contains(text, subject(e))
		}
		if of(was) && of(is) {
			t.Errorf("an act of kind %s names both", said["kind"])
		}
		if (said["kind"] == "set-apart" || said["kind"] == "confirm-apart") && (of(was) || of(is)) {
			t.Errorf("an act of kind %s names one of them", said["kind"])
		}
		if of(is) && strings.Contains(text, record.String()) {
			t.Errorf("an act of kind %s names the new person and the record", said["kind"])
		}
		acts++
	}
	must(t, rows.Err())
	if acts < 8 {
		t.Errorf("%d acts were opened", acts)
	}
	// The check still counts, and one that fails lists the other no more.
	failed, err := h.registrar.FailCheck(t.Context(), keeper, "town", h.checkOf(was), "asked")
	must(t, err)
	if !slices.Equal(failed.Entries, []registrar.Entry{was}) {
		t.Errorf("with the check of who they were %d entries are listed", len(failed.Entries))
	}
}

// checkOf is the check that an entry has.
func (h *hub) checkOf(e registrar.Entry) ident.CheckID {
	h.t.Helper()
	p, err := h.registrar.Look(h.t.Context(), keeper, "town", e, "asked")
	must(h.t, err)
	return p.Checks[0].ID
}

// rows are the rows of a schema, each as the texts of its columns.
type rows [][]string

// stored is all that the registrar's schema holds.
func (h *hub) stored() (all rows) {
	h.t.Helper()
	tables, err := h.admin.Query("select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'registrar' and c.relkind = 'r'")
	must(h.t, err)
	defer tables.Close()
	var names []string
	for tables.Next() {
		var name string
		must(h.t, tables.Scan(&name))
		names = append(names, name)
	}
	must(h.t, tables.Err())
	one := func(name string) {
		found, err := h.admin.Query("select * from " + name)
		must(h.t, err)
		defer found.Close()
		columns, err := found.Columns()
		must(h.t, err)
		for found.Next() {
			values, to := make([]any, len(columns)), make([]any, len(columns))
			for n := range values {
				to[n] = &values[n]
			}
			must(h.t, found.Scan(to...))
			var row []string
			for n, v := range values {
				switch v := v.(type) {
				case nil, bool:
					continue
				case []byte:
					if len(bytes.TrimSpace(v)) > 0 {
						row = append(row, string(v))
					}
				case time.Time:
					row = append(row, "at "+v.UTC().String())
				default:
					row = append(row, columns[n]+" "+fmt.Sprint(v))
				}
			}
			all = append(all, row)
		}
		must(h.t, found.Err())
	}
	for _, name := range names {
		one(name)
	}
	return all
}

// around are the values of all rows that hold somebody's id, or an id that stands in one
// of those.
func (all rows) around(id string) map[string]bool {
	values := map[string]bool{id: true}
	for range 2 {
		near := maps.Clone(values)
		for _, row := range all {
			if slices.ContainsFunc(row, func(v string) bool { return len(v) == 36 && strings.Count(v, "-") == 4 && values[v] }) {
				for _, v := range row {
					near[v] = true
				}
			}
		}
		values = near
	}
	return values
}

// What was decided otherwise and taken back joins nobody either: two who are apart are
// never made one by way of a third.
func TestAThirdEntryIsNeverMadeOneWithBothWhoWereSetApart(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	was := h.enter("town", name("Philippa", "Featherstonehaugh"), born("1971-06-24"))
	_, is := h.setApart(was, name("Philippa", "Quill"), born("1971-06-24"))
	between := h.enter("town", name("Ada", "Mint"), born("1990-01-02"))
	report := func(a, b registrar.Entry) ident.TaskID {
		t.Helper()
		_, err := h.registrar.Report(t.Context(), keeper, "town", registrar.Report{Kind: registrar.Duplicate, Entry: a, Other: b, Reason: "asked"})
		must(t, err)
		for _, task := range h.tasks(true) {
			if slices.Contains(task.Entries, a) && slices.Contains(task.Entries, b) {
				return task.ID
			}
		}
		t.Fatal("the report put no task")
		return ident.TaskID{}
	}
	later := report(between, is)
	must(t, h.resolve(later, "not-the-same-person", ""))
	must(t, h.resolve(report(was, between), "same-person", between))
	_, err := h.registrar.Reopen(t.Context(), keeper, "town", later, "asked")
	must(t, err)
	wantKind(t, h.resolve(later, "same-person", is), fault.Conflict)
	wantKind(t, h.resolve(later, "same-person", between), fault.Conflict)
	must(t, h.resolve(later, "not-the-same-person", ""))
}
