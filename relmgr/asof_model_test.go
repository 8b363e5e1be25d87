package relmgr_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fame-hub/fame/relmgr"
)

// disowned says that an act in effect says of another that it should not have been.
func (m *model) disowned(key string) bool {
	return slices.ContainsFunc(m.order, func(k string) bool {
		a := m.acts[k]
		return slices.Contains([]relmgr.Kind{relmgr.Separate, relmgr.Settle, relmgr.AskedInError}, a.kind) &&
			slices.Contains(a.undoes, key) && m.inEffect(k)
	})
}

// toldOf is whom an asker is told of an earlier date, of which was is the model:
// those who were told of then, less what is hidden or disowned now.
func (m *model) toldOf(was *model, x int) string {
	live := func(d agreedBy) bool { return was.live(d) && m.live(d) }
	disputed := func(y int) bool { return was.disputed(y) || m.disputed(y) }
	in := was.component(x, func(key string) bool {
		a := was.acts[key]
		return live(a.sides[0]) && live(a.sides[1]) && !disputed(a.a) && !disputed(a.b) && !m.disowned(key)
	})
	everybody := func(string) bool { return true }
	today := m.component(x, everybody)
	if was.contradicts(in) || m.contradicts(in) || m.contradicts(today) {
		return ""
	}
	out := []string{}
	for _, column := range inOrder {
		for y := range people {
			around := m.component(y, everybody)
			p := was.published(y)
			if columnOf(y) != column || column == columnOf(x) || !in[y] || p == "" || m.disowned(p) || !live(was.acts[p].sides[0]) ||
				m.hidden[y] != "" || m.contradicts(around) {
				continue
			}
			left := false
			for z := range people {
				left = left || (in[z] || today[z] || around[z]) && (m.excluded[z][column] || m.excluded[z][columnOf(x)])
			}
			if !left {
				out = append(out, providers[column])
			}
		}
	}
	return strings.Join(out, " ")
}

// Design.md section 11, IDX-15, invariant 5: after any history, what an agency is
// told of any earlier instant is what the plain model was told then, less what
// the model hides now.
func TestAnEarlierDateIsWhatThePlainModelWasToldThen(t *testing.T) {
	b := setup(t)
	b.began(t)
	l := b.timeline(t)
	var asked, answered, less int
	rapid.Check(t, func(rt *rapid.T) {
		w, err := l.world(t.Context())
		if err != nil {
			rt.Fatalf("%v", err)
		}
		m := newModel(w.clock())
		choose := func(n int, what string) int { return rapid.IntRange(0, n-1).Draw(rt, what) }
		type instant struct {
			at    time.Time
			model *model
		}
		var instants []instant
		second := func() {
			w.now.Add(time.Second.Microseconds())
			m.now = m.now.Add(time.Second)
		}
		do := func(o op) (key string) {
			said, key, err := w.do(t.Context(), o)
			if err != nil {
				rt.Fatalf("%+v: %v", o, err)
			}
			if want := m.step(o, key); said != want {
				rt.Fatalf("%+v: said %q, and the model says %q", o, said, want)
			}
			second()
			instants = append(instants, instant{w.clock(), m.clone()})
			second()
			return key
		}
		// So that there is somebody to tell of: left to chance, it is one in hundreds.
		for x := range 3 {
			do(op{do: "publish", x: x, short: choose(4, "short") == 0})
		}
		for _, x := range []int{1, 2} {
			do(op{do: "correlate", x: 0, act: do(op{do: "pair", y: x}), joint: choose(6, "joint") == 0})
		}
		for range choose(8, "steps") + 1 {
			do(next(choose, m))
			for range choose(2, "ask") {
				x, i := []int{0, 1, 0, 4}[choose(4, "asker")], instants[choose(len(instants), "instant")]
				a, err := w.earlier(t.Context(), x, i.at)
				if err != nil {
					rt.Fatalf("%v", err)
				}
				got, want := strings.Join(told(a), " "), m.toldOf(i.model, x)
				if got != want || a.Published != (i.model.published(x) != "") {
					rt.Fatalf("identifier %d of %v: told %q, published %v; the model says %q", x, i.at, got, a.Published, want)
				}
				asked++
				if got != "" {
					answered++
				}
				if want != i.model.told(x, false) {
					less++
				}
			}
		}
	})
	if t.Logf("%d asked, %d told of somebody, %d told less than then", asked, answered, less); answered == 0 || less == 0 {
		t.Error("nobody was told of anybody, or nothing was hidden since: nothing was tried")
	}
}

// earlier asks about an earlier instant, has it approved and reads the answer.
func (w *world) earlier(ctx context.Context, x int, at time.Time) (relmgr.Answer, error) {
	asker := w.as(managers[columnOf(x)])
	r, err := w.s.AskAsOf(ctx, asker, earlier(w.owns[x], at))
	if err != nil {
		return relmgr.Answer{}, err
	}
	if _, err := w.s.ApproveAsOf(ctx, w.as([]string{"lead", "guardian"}[columnOf(x)]), r.Act, "risk-of-harm"); err != nil {
		return relmgr.Answer{}, err
	}
	return w.s.ReadAsOf(ctx, asker, r.Act)
}
