package batch

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/fame-hub/fame/internal/fault"
)

const (
	mostWaiting = 1024
	// timeout bounds one statement, its wait for a connection included: who
	// waits for it is given ten seconds by the edge.
	timeout = 10 * time.Second
)

// Gate has a place for each statement that may run at a time. Those that share
// one wait for each other, and so grow: on few processors a statement that waits
// takes more along, and costs each of them less, than two abreast. It is for
// reads: what could wait for a lock would hold up everybody.
type Gate chan struct{}

// NewGate makes a gate with a place for every two processors that this process
// may use: the other is for the database's answer to be worked on.
func NewGate() Gate { return make(Gate, max(1, runtime.GOMAXPROCS(0)/2)) }

// Enter waits for a place and takes it.
func (g Gate) Enter() { g <- struct{}{} }

// Leave gives the place back.
func (g Gate) Leave() { <-g }

// Asker puts questions. It is safe for concurrent use, and holds no goroutine
// while nobody asks.
type Asker[Q, A any] struct {
	ask  func(context.Context, []Q) ([]A, error)
	most int
	gate Gate

	mu      sync.Mutex
	waiting []*waiting[Q, A]
	running int // of run, at most one for each place of the gate
}

type waiting[Q, A any] struct {
	question Q
	gone     <-chan struct{}
	answer   A
	done     chan error // room for one: nobody waits to give it
}

// New makes an Asker of ask, which answers questions in their order, all or
// none. At most so many are one batch, and each batch goes through the gate.
func New[Q, A any](most int, gate Gate, ask func(context.Context, []Q) ([]A, error)) *Asker[Q, A] {
	return &Asker[Q, A]{ask: ask, most: most, gate: gate}
}

// Ask returns the answer to q, put after Ask was called. Where a batch fails,
// each of its questions is put alone, unless the database is away. Errors are
// those of ask; ctx's own where it ends first; Unavailable at once where too
// many wait.
func (a *Asker[Q, A]) Ask(ctx context.Context, q Q) (answer A, err error) {
	w := &waiting[Q, A]{question: q, gone: ctx.Done(), done: make(chan error, 1)}
	a.mu.Lock()
	if len(a.waiting) >= mostWaiting {
		a.mu.Unlock()
		return answer, &fault.Error{Kind: fault.Unavailable, Detail: "too many are asking at once: try again", RetryAfter: time.Second}
	}
	a.waiting = append(a.waiting, w)
	if a.running < cap(a.gate) {
		a.running++
		go a.run()
	}
	a.mu.Unlock()
	select {
	case err := <-w.done:
		return w.answer, err
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// run asks what waits until nobody does. What is asked is taken behind the gate:
// whoever comes while others are asking is in it.
func (a *Asker[Q, A]) run() {
	for a.turn() {
	}
}

func (a *Asker[Q, A]) turn() (more bool) {
	a.gate.Enter()
	defer a.gate.Leave()
	batch := a.next()
	if batch == nil {
		return false
	}
	a.settle(batch)
	return true
}

// next takes what waits, without those who have gone. It returns nil, and counts
// its caller out, where there is nothing.
func (a *Asker[Q, A]) next() (batch []*waiting[Q, A]) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.waiting) > 0 {
		n := min(len(a.waiting), a.most)
		for _, w := range a.waiting[:n] {
			select {
			case <-w.gone:
			default:
				batch = append(batch, w)
			}
		}
		rest := copy(a.waiting, a.waiting[n:])
		clear(a.waiting[rest:])
		a.waiting = a.waiting[:rest]
		if batch != nil {
			return batch
		}
	}
	a.running--
	return nil
}

// settle asks, and answers everybody in the batch.
func (a *Asker[Q, A]) settle(batch []*waiting[Q, A]) {
	err := a.put(batch)
	if len(batch) == 1 || err == nil || fault.KindOf(err) == fault.Unavailable {
		finish(batch, err)
		return
	}
	for i := range batch {
		if fault.KindOf(err) != fault.Unavailable {
			err = a.put(batch[i : i+1])
		}
		finish(batch[i:i+1], err)
	}
}

// put asks once. It is bound to nobody's context: one who goes must not take the
// others' answers away. A panic is an error, in words that cannot hold what was
// asked: it must not end the process.
func (a *Asker[Q, A]) put(batch []*waiting[Q, A]) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Panicked("the question could not be put", p)
		}
	}()
	questions := make([]Q, len(batch))
	for i, w := range batch {
		questions[i] = w.question
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	answers, err := a.ask(ctx, questions)
	if err != nil {
		return err
	}
	for i, w := range batch {
		w.answer = answers[i]
	}
	return nil
}

func finish[Q, A any](batch []*waiting[Q, A], err error) {
	for _, w := range batch {
		w.done <- err
	}
}
