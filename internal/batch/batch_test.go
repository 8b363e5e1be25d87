package batch_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/fame-hub/fame/internal/batch"
	"github.com/fame-hub/fame/internal/fault"
)

// register answers a number with its double. It holds a batch up while told to,
// and notes what it was asked.
type register struct {
	mu      sync.Mutex
	batches [][]int
	gate    chan struct{} // nil: open
	fail    func([]int) error
}

func (r *register) ask(_ context.Context, q []int) ([]int, error) {
	r.mu.Lock()
	r.batches = append(r.batches, slices.Clone(q))
	r.mu.Unlock()
	if r.gate != nil {
		<-r.gate
	}
	if r.fail != nil {
		if err := r.fail(q); err != nil {
			return nil, err
		}
	}
	answers := make([]int, len(q))
	for i, n := range q {
		answers[i] = 2 * n
	}
	return answers, nil
}

type answered struct {
	answer int
	err    error
}

// hand asks in the background, in the order of calls.
func hand(ctx context.Context, a *batch.Asker[int, int], q int) <-chan answered {
	got := make(chan answered, 1)
	go func() {
		n, err := a.Ask(ctx, q)
		got <- answered{n, err}
	}()
	synctest.Wait()
	return got
}

// design.md section 10: whatever waits while a batch is asked is the next one,
// without those who have gone, and everybody gets their own answer.
func TestWhatWaitsIsAskedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &register{gate: make(chan struct{})}
		a := batch.New(3, make(batch.Gate, 2), r.ask)
		var all []<-chan answered
		for q := range 3 {
			all = append(all, hand(t.Context(), a, q))
		}
		leaving, leave := context.WithCancel(t.Context())
		left := hand(leaving, a, 99)
		leave()
		if got := <-left; !errors.Is(got.err, context.Canceled) {
			t.Errorf("one who left got %v", got.err)
		}
		for q := 3; q < 6; q++ {
			all = append(all, hand(t.Context(), a, q))
		}
		close(r.gate)
		for q, got := range all {
			if g := <-got; g.err != nil || g.answer != 2*q {
				t.Errorf("%d: got %d, %v", q, g.answer, g.err)
			}
		}
		// Two are asked abreast, and three are the most of a batch.
		got := r.batches
		slices.SortFunc(got, slices.Compare)
		if want := [][]int{{0}, {1}, {2, 3}, {4, 5}}; !slices.EqualFunc(got, want, slices.Equal) {
			t.Errorf("asked %v, want %v", got, want)
		}
		if n, err := a.Ask(t.Context(), 7); n != 14 || err != nil {
			t.Errorf("later: got %d, %v", n, err)
		}
	})
}

// One question that cannot be answered fails alone, a panic with it; a database
// that is away is asked once for all.
func TestABatchThatFailsIsAskedOneByOne(t *testing.T) {
	bad, away := errors.New("bad"), fault.New(fault.Unavailable, "away")
	for name, c := range map[string]struct {
		fail  func([]int) error
		want  func(q int, err error) bool
		asked int
	}{
		"one that cannot be answered": {
			func(q []int) error {
				if slices.Contains(q, 2) {
					return bad
				}
				return nil
			},
			func(q int, err error) bool { return (q == 2) == errors.Is(err, bad) && (q == 2 || err == nil) }, 5,
		},
		"one that panics": {
			func(q []int) error {
				if slices.Contains(q, 2) {
					panic("LMN-00042")
				}
				return nil
			},
			func(q int, err error) bool {
				return q != 2 && err == nil || q == 2 && fault.KindOf(err) == fault.Internal && !strings.Contains(err.Error(), "LMN")
			}, 5,
		},
		"the database away": {
			func(q []int) error {
				if q[0] > 0 {
					return away
				}
				return nil
			},
			func(q int, err error) bool { return (q == 0) == (err == nil) }, 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &register{gate: make(chan struct{}), fail: c.fail}
				a := batch.New(8, make(batch.Gate, 1), r.ask)
				var all []<-chan answered
				for q := range 4 {
					all = append(all, hand(t.Context(), a, q))
				}
				close(r.gate)
				for q, got := range all {
					if g := <-got; !c.want(q, g.err) {
						t.Errorf("%d got %v", q, g.err)
					}
				}
				if len(r.batches) != c.asked {
					t.Errorf("asked %v, want %d times", r.batches, c.asked)
				}
			})
		})
	}
}

// What waits is bounded: with the database held up, the thousands that come are
// turned away at once.
func TestTooManyWhoWaitAreTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &register{gate: make(chan struct{})}
		a := batch.New(8, make(batch.Gate, 1), r.ask)
		first := hand(t.Context(), a, 0)
		var waits []<-chan answered
		for range 1024 {
			waits = append(waits, hand(t.Context(), a, 1))
		}
		_, err := a.Ask(t.Context(), 2)
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("one too many got %v", err)
		}
		close(r.gate)
		for _, w := range append(waits, first) {
			if g := <-w; g.err != nil {
				t.Error(g.err)
			}
		}
	})
}

// Those who share a gate with one place take turns, and what comes in the
// meantime goes along.
func TestThoseWhoShareAGateTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(batch.Gate, 1)
		r, other := &register{gate: make(chan struct{})}, &register{}
		a, b := batch.New(8, gate, r.ask), batch.New(8, gate, other.ask)
		all := []<-chan answered{hand(t.Context(), a, 0)}
		for q := 1; q < 4; q++ {
			all = append(all, hand(t.Context(), b, q))
		}
		if len(other.batches) > 0 {
			t.Errorf("asked abreast: %v", other.batches)
		}
		close(r.gate)
		for q, got := range all {
			if g := <-got; g.err != nil || g.answer != 2*q {
				t.Errorf("%d: got %d, %v", q, g.answer, g.err)
			}
		}
		if want := [][]int{{1, 2, 3}}; !slices.EqualFunc(other.batches, want, slices.Equal) {
			t.Errorf("asked %v, want %v", other.batches, want)
		}
	})
}
