package relmgr

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
	"github.com/lib/pq"
)

// table stands in for the database: it keeps what is written, each batch a
// list of reasons, and holds the appender up while told to.
type table struct {
	mu      sync.Mutex
	batches [][]string
	fail    func(reasons []string) error
	late    string        // the reason of one whose handle was made in the meantime
	gate    chan struct{} // nil: open
}

func (w *table) write(_ context.Context, p relmgrdb.RecordEnquiriesParams) (written []ident.EnquiryID, err error) {
	if w.gate != nil {
		<-w.gate
	}
	if w.fail != nil {
		if err := w.fail(p.Reasons); err != nil {
			return nil, err
		}
	}
	var reasons []string
	for i, id := range p.EnquiryIds {
		if p.Reasons[i] == w.late {
			continue
		}
		parsed, err := ident.ParseEnquiry(id)
		if err != nil {
			return nil, err
		}
		written, reasons = append(written, parsed), append(reasons, p.Reasons[i])
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.batches = append(w.batches, reasons)
	return written, nil
}

func named(name, token string) entry {
	e := entry{token: []byte(token)}
	e.Enquiry, e.Handle, e.Column, e.Reason = ident.NewEnquiry(), ident.NewHandle(), "social-care", name
	return e
}

// hand appends in the background, in the order of calls.
func hand(ctx context.Context, a *appender, e entry) <-chan error {
	got := make(chan error, 1)
	go func() { got <- a.append(ctx, e) }()
	synctest.Wait()
	return got
}

// What waits while a batch is written is the next batch, in the order of
// tokens, and of one new identifier only the first is written.
func TestWhatWaitsIsOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &table{gate: make(chan struct{})}
		a := newAppender(w.write)
		first := hand(t.Context(), a, named("first", "m"))
		var waits []<-chan error
		for _, e := range []entry{named("z", "z"), named("b", "b"), named("b again", "b"), named("a", "a")} {
			waits = append(waits, hand(t.Context(), a, e))
		}
		leaving, leave := context.WithCancel(t.Context())
		left := hand(leaving, a, named("left", "c"))
		leave()
		if err := <-left; fault.KindOf(err) != fault.Unavailable {
			t.Errorf("one who left got %v", err)
		}
		close(w.gate)
		if err := <-first; err != nil {
			t.Error(err)
		}
		for i, want := range []error{nil, nil, errReadAgain, nil} {
			if got := <-waits[i]; got != want {
				t.Errorf("%d: got %v, want %v", i, got, want)
			}
		}
		a.close()
		want := [][]string{{"first"}, {"a", "b", "z"}}
		if !slices.EqualFunc(w.batches, want, slices.Equal) {
			t.Errorf("written: %q, want %q", w.batches, want)
		}
	})
}

// One entry that cannot be stored fails alone, one whose handle came about
// reads again and keeps nobody, and a database that goes away is asked no more for this batch.
func TestABatchThatFailsIsWrittenOneByOne(t *testing.T) {
	for name, c := range map[string]struct {
		fails map[string]error
		late  string
		want  []error // of a, b, c, d
		wrote [][]string
		asked int
	}{
		"a handle made in the meantime": {
			late: "b",
			want: []error{nil, errReadAgain, nil, nil}, wrote: [][]string{{"first"}, {"a", "c", "d"}}, asked: 2,
		},
		"one that cannot be stored": {
			fails: map[string]error{"c": &pq.Error{Code: "23514", Constraint: "enquiry_concerning_is_known"}},
			want:  []error{nil, nil, fault.New(fault.Invalid, ""), nil}, wrote: [][]string{{"first"}, {"a"}, {"b"}, {"d"}}, asked: 6,
		},
		"the database away": {
			fails: map[string]error{"a": &pq.Error{Code: "57P01"}},
			want:  slices.Repeat([]error{unavailable("")}, 4), wrote: [][]string{{"first"}}, asked: 2,
		},
		"the database goes away over it": {
			fails: map[string]error{"b": &pq.Error{Code: "57P01"}, "a": &pq.Error{Code: "23514"}},
			want:  []error{fault.New(fault.Invalid, ""), unavailable(""), unavailable(""), unavailable("")}, wrote: [][]string{{"first"}}, asked: 4,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, asked := &table{gate: make(chan struct{}), late: c.late}, 0
				w.fail = func(reasons []string) error {
					asked++
					for _, r := range reasons {
						if err := c.fails[r]; err != nil {
							return err
						}
					}
					return nil
				}
				a := newAppender(w.write)
				defer a.close()
				first := hand(t.Context(), a, named("first", "m"))
				var waits []<-chan error
				for _, n := range []string{"a", "b", "c", "d"} {
					waits = append(waits, hand(t.Context(), a, named(n, n)))
				}
				close(w.gate)
				<-first
				for i, want := range c.want {
					got := <-waits[i]
					if errors.Is(got, errReadAgain) != errors.Is(want, errReadAgain) || (got == nil) != (want == nil) || fault.KindOf(got) != fault.KindOf(want) {
						t.Errorf("%d: got %v, want %v", i, got, want)
					}
				}
				if !slices.EqualFunc(w.batches, c.wrote, slices.Equal) || asked != c.asked {
					t.Errorf("written: %q in %d statements, want %q in %d", w.batches, asked, c.wrote, c.asked)
				}
			})
		})
	}
}

// Memory is bounded: one more than may wait is told to come back, at once, and
// no batch is greater than its bound.
func TestNoMoreWaitThanTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &table{gate: make(chan struct{})}
		a := newAppender(w.write)
		waits := []<-chan error{hand(t.Context(), a, named("first", "m"))}
		for i := range mostWaiting {
			waits = append(waits, hand(t.Context(), a, named("next", strconv.Itoa(i))))
		}
		err := a.append(t.Context(), named("one more", "x"))
		if f, ok := errors.AsType[*fault.Error](err); !ok || f.Kind != fault.Unavailable || f.RetryAfter != time.Second {
			t.Errorf("one more than may wait got %v", err)
		}
		close(w.gate)
		for _, got := range waits {
			if err := <-got; err != nil {
				t.Fatal(err)
			}
		}
		a.close()
		if len(w.batches) != 1+mostWaiting/mostBatch {
			t.Errorf("%d batches", len(w.batches))
		}
		for _, b := range w.batches {
			if len(b) > mostBatch {
				t.Errorf("a batch of %d", len(b))
			}
		}
	})
}

// A panic is an answer to those whose batch it was, without what they asked,
// and the next batch is written.
func TestAPanicEndsOneBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &table{}
		w.fail = func(reasons []string) error {
			if reasons[0] == "LMN-00042" {
				panic(reasons[0])
			}
			return nil
		}
		a := newAppender(w.write)
		defer a.close()
		err := <-hand(t.Context(), a, named("LMN-00042", "a"))
		if err == nil || fault.KindOf(err) != fault.Internal || strings.Contains(err.Error(), "LMN-00042") {
			t.Errorf("got %v", err)
		}
		if err := <-hand(t.Context(), a, named("b", "b")); err != nil {
			t.Error(err)
		}
	})
}

// What waits when the appender is closed is written, what comes later is
// Unavailable, and nothing runs on: the bubble would not end.
func TestClosingWritesWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &table{gate: make(chan struct{})}
		a := newAppender(w.write)
		waits := []<-chan error{
			hand(t.Context(), a, named("a", "a")), hand(t.Context(), a, named("b", "b")), hand(t.Context(), a, named("c", "c")),
		}
		go a.close()
		synctest.Wait()
		close(w.gate)
		for _, got := range waits {
			if err := <-got; err != nil {
				t.Error(err)
			}
		}
		a.close()
		if err := a.append(t.Context(), named("late", "l")); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("after the end: %v", err)
		}
		if n := len(slices.Concat(w.batches...)); n != 3 {
			t.Errorf("%d written, want 3", n)
		}
	})
}
