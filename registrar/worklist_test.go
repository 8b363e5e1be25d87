package registrar_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/match"
)

func (h *hub) search() {
	h.t.Helper()
	for more := true; more; {
		var err error
		more, err = h.registrar.Search(h.t.Context())
		must(h.t, err)
	}
}

func (h *hub) tasks(open bool) []registrar.Task {
	h.t.Helper()
	_, tasks, err := h.registrar.Worklist(h.t.Context(), keeper, "town", open, "asked")
	must(h.t, err)
	return tasks
}

func (h *hub) resolve(task ident.TaskID, outcome string, survivor registrar.Entry) error {
	h.t.Helper()
	_, err := h.registrar.Resolve(h.t.Context(), keeper, "town", task, registrar.Resolution{Outcome: outcome, Survivor: survivor, Reason: "asked"})
	return err
}

// published are the statements that relmgr is to suspend.
func (h *hub) published() int {
	h.t.Helper()
	var n int
	must(h.t, h.DB(h.t, "relmgr").QueryRowContext(h.t.Context(), "select count(*) from registrar.published_repairs where registrar = 'county'").Scan(&n))
	return n
}

// twice enters one person twice, with a slip, and returns both entries.
func (h *hub) twice() (one, two registrar.Entry) {
	h.t.Helper()
	h.open("town")
	one = h.enter("town", name("Philippa", "Featherstonehaugh"), born("1971-06-24"), lives("12", "Mill Lane", "ZZ1 1ZZ"))
	two = h.enter("town", name("Philipa", "Featherstonehaugh"), born("1971-06-24"), lives("12", "Mill Lane", "ZZ1 1ZZ"), registrar.Item{Source: "person", Phone: "01632 960 711"})
	return one, two
}

// REG-10: a likely pair is put before a person, once; resolved as the same person one
// entry survives and the other resolves to it, with all that is known of both; taken
// back, they are two again. Both stand in the history.
func TestADuplicateIsResolvedByAPersonAndTakenBack(t *testing.T) {
	t.Parallel()
	h := setup(t)
	one, two := h.twice()
	h.search()
	h.search()
	tasks := h.tasks(true)
	if len(tasks) != 1 || tasks[0].Kind != registrar.Duplicate || len(tasks[0].Entries) != 2 || tasks[0].Compared == nil || tasks[0].Priority < 50 {
		t.Fatalf("the worklist is %+v", tasks)
	}
	task := tasks[0].ID
	wantKind(t, h.resolve(task, "same-person", ""), fault.Invalid)
	wantKind(t, h.resolve(task, "wrong", ""), fault.Invalid)
	given := []registrar.Item{name("Philippa", "Featherstonehaugh"), born("1971-06-24"), lives("12", "Mill Lane", "ZZ1 1ZZ")}
	if r := h.ask("town", given...); r.Outcome == match.Determined {
		t.Errorf("while there are two, the evidence is of one: %+v", r)
	}
	// Two who decide at once: one does.
	var decided, refused atomic.Int32
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			switch err := h.resolve(task, "same-person", one); {
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
	if decided.Load() != 1 || refused.Load() != 2 {
		t.Errorf("%d decided, %d were refused", decided.Load(), refused.Load())
	}
	if a, b := h.look("town", one), h.look("town", two); len(a.Items) != 7 || len(b.Items) != 7 {
		t.Errorf("%d and %d items are known of the one person, want 7", len(a.Items), len(b.Items))
	}
	first := h.ask("town", given...)
	byPhone := h.ask("town", append(given, registrar.Item{Phone: "01632 960 711"})...)
	if first.Outcome != match.Determined || byPhone.Outcome != match.Determined || first.Entry != byPhone.Entry {
		t.Errorf("the one person is recognised as %+v and %+v", first, byPhone)
	}
	proposed := func(open bool) (n int) {
		h.search()
		for _, t := range h.tasks(open) {
			if t.Kind == registrar.Duplicate {
				n++
			}
		}
		return n
	}
	if proposed(true) != 0 {
		t.Error("what was decided is proposed again")
	}
	_, err := h.registrar.Reopen(t.Context(), other, "town", task, "asked")
	must(t, err)
	if a, b := h.look("town", one), h.look("town", two); len(a.Items) != 3 || len(b.Items) != 4 {
		t.Errorf("%d and %d items after it was taken back", len(a.Items), len(b.Items))
	}
	must(t, h.resolve(task, "not-the-same-person", ""))
	if proposed(true) != 0 || proposed(false) != 1 {
		t.Error("not the same person is proposed again")
	}
	if n := h.count("select count(*) from registrar.acts where kind in ('resolve', 'reopen')"); n != 3 {
		t.Errorf("%d acts for two decisions, one of them taken back", n)
	}
}

// AUT-15: what only came close is accepted by nobody but a person, whose name and
// reason are in the act; then whoever asked is told.
func TestWhatComesCloseIsAcceptedByAPersonAlone(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	h.enter("town", name("Philippa", "Featherstonehaugh"), born("1971-06-24"), lives("12", "Mill Lane", "ZZ1 1ZZ"))
	r := h.ask("town", name("P", "Featherstonehaugh"), born("1971-06"), lives("12", "Mill Lane", "ZZ1 1ZZ"))
	if r.Outcome != match.UnderDetermined || r.Entry != "" {
		t.Fatalf("what comes close: %+v", r)
	}
	tasks := h.tasks(true)
	if len(tasks) != 1 || tasks[0].Kind != registrar.Review || tasks[0].Recognition != r.ID {
		t.Fatalf("the worklist is %+v", tasks)
	}
	e, err := h.registrar.Explain(t.Context(), keeper, "town", r.ID, "asked")
	must(t, err)
	if len(e.Evidence) != 3 {
		t.Errorf("the reviewer is shown %+v", e)
	}
	if o, err := h.registrar.OutcomeOf(t.Context(), doctor, "town", r.ID); err != nil || o.Entry != "" || o.Decided != "" {
		t.Errorf("before anybody decided: %+v, %v", o, err)
	}
	_, err = h.registrar.Resolve(t.Context(), doctor, "town", tasks[0].ID, registrar.Resolution{Outcome: "accepted", Reason: "asked"})
	wantKind(t, err, fault.Forbidden)
	must(t, h.resolve(tasks[0].ID, "accepted", ""))
	o, err := h.registrar.OutcomeOf(t.Context(), doctor, "town", r.ID)
	if err != nil || o.Outcome != match.Determined || o.Decided != "accepted" || o.Entry == "" {
		t.Errorf("after it was accepted: %+v, %v", o, err)
	}
	_, err = h.registrar.OutcomeOf(t.Context(), tutor, "town", r.ID)
	wantKind(t, err, fault.NotKnown)
	if n := h.count("select count(*) from registrar.acts where kind = 'resolve' and practitioner_id = 'kim'"); n != 1 {
		t.Errorf("%d acts of the reviewer", n)
	}
}

// E2E-09, AUT-04: whoever made a recognition reports that it was wrong; those who keep
// the register decide, and what relied on it is published for relmgr to suspend, ids
// alone, until that is taken back.
func TestE2E09AWrongRecognitionIsReportedDecidedAndPublished(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	known := []registrar.Item{name("Amara", "Okonkwo"), born("1990-12-31"), number("passport", "AA1234567")}
	h.enter("town", known...)
	impostor := h.ask("town", known...)
	said := registrar.Report{Kind: registrar.Misdetermined, Recognition: impostor.ID, Reason: "asked"}
	_, err := h.registrar.Report(t.Context(), tutor, "town", said)
	wantKind(t, err, fault.NotKnown) // somebody else's recognition
	for range 2 {                    // reported twice, put once
		_, err = h.registrar.Report(t.Context(), doctor, "town", said)
		must(t, err)
	}
	tasks := h.tasks(true)
	if len(tasks) != 1 || tasks[0].Kind != registrar.Misdetermined || h.published() != 0 {
		t.Fatalf("the worklist is %+v, %d repairs are published", tasks, h.published())
	}
	must(t, h.resolve(tasks[0].ID, "wrong", ""))
	o, err := h.registrar.OutcomeOf(t.Context(), doctor, "town", impostor.ID)
	must(t, err)
	if h.published() != 1 || o.Decided != "wrong" || o.Entry != "" || o.Confidence != match.NoConfidence {
		t.Errorf("%d repairs are published; whoever asked is told %+v", h.published(), o)
	}
	_, err = h.registrar.Reopen(t.Context(), keeper, "town", tasks[0].ID, "asked")
	must(t, err)
	if h.published() != 0 {
		t.Error("what was taken back is still published")
	}
	if _, err := h.DB(t, "relmgr").ExecContext(t.Context(), "select 1 from registrar.recognitions"); !pg.CrossedWall(err) {
		t.Errorf("relmgr may look at recognitions: %v", err)
	}
	// An entry that is two people's: all that was recognised by it is suspended.
	own := h.tasks(true)[0].Entries[0]
	_, err = h.registrar.Report(t.Context(), keeper, "town", registrar.Report{Kind: registrar.Overlay, Entry: own, Reason: "asked"})
	must(t, err)
	overlay := h.tasks(true)
	n := slices.IndexFunc(overlay, func(t registrar.Task) bool { return t.Kind == registrar.Overlay })
	must(t, h.resolve(overlay[n].ID, "two-people", ""))
	if h.published() != 1 {
		t.Errorf("%d repairs of an entry that was two people's", h.published())
	}
	_, err = h.registrar.Report(t.Context(), doctor, "town", registrar.Report{Kind: registrar.Overlay, Entry: own, Reason: "asked"})
	wantKind(t, err, fault.Forbidden)
}

// Who is shielded is recognised by nobody, and so is an entry that may be theirs, until
// a person says that it is not.
func TestAShieldIsInheritedByWhoMayBeTheSame(t *testing.T) {
	t.Parallel()
	h := setup(t)
	one, two := h.twice()
	h.search()
	task := h.tasks(true)[0].ID
	_, err := h.registrar.Shield(t.Context(), keeper, "town", one, true, "asked")
	must(t, err)
	_, err = h.registrar.Shield(t.Context(), keeper, "town", one, true, "asked")
	wantKind(t, err, fault.Conflict)
	given := []registrar.Item{name("Philipa", "Featherstonehaugh"), born("1971-06-24"), lives("12", "Mill Lane", "ZZ1 1ZZ"), {Phone: "01632 960 711"}}
	shielded := h.ask("town", given...)
	nobody := h.ask("town", name("Nobody", "Here"), born("1955-01-02"), lives("99", "No Road", "YY9 9YY"), registrar.Item{Phone: "01632 960 999"})
	if shielded.Outcome != nobody.Outcome || shielded.Entry != "" || !slices.Equal(shielded.Helps, nobody.Helps) {
		t.Errorf("of the shielded: %+v, of nobody: %+v", shielded, nobody)
	}
	must(t, h.resolve(task, "not-the-same-person", ""))
	if r := h.ask("town", given...); r.Outcome != match.Determined {
		t.Errorf("after it was found to be another: %+v", r)
	}
	_, err = h.registrar.Shield(t.Context(), keeper, "town", one, false, "asked")
	must(t, err)
	_ = two
}

// REG-20: a register says how it does, to those who keep it, and whether that is what
// it undertakes.
func TestARegisterSaysHowItDoes(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.twice()
	h.search()
	h.ask("town", name("", "Featherstonehaugh"))
	q, err := h.registrar.Quality(t.Context(), keeper, "town")
	must(t, err)
	if q.Counts["recognition under-determined"] != 1 || q.Counts["duplicate open"] != 1 || q.Measured != 1 || q.Breach {
		t.Errorf("quality is %+v", q)
	}
	_, err = h.registrar.Quality(t.Context(), doctor, "town")
	wantKind(t, err, fault.Forbidden)
}
