package registrar_test

import (
	"context"
	"sync"
	"testing"

	"github.com/fame-hub/fame/registrar"
)

// DCP-03: everybody's key is brought to the next wrapping key while people are entered and
// looked at; stopped half-way it is carried on, and nobody becomes unreadable.
func TestPeoplesKeysAreRewrappedWhileTheRegisterIsUsed(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	const many = 1200
	_, bulk := h.approve("town", 2*many)
	enter := func(first int) {
		p := registrar.ImportPart{First: first, Last: first + 599}
		for n := range 600 {
			p.Lines = append(p.Lines, lineOf(first+n, registrar.Item{Source: "person", Sex: "female"}))
		}
		_, _, err := h.registrar.ImportPart(t.Context(), other, "town", bulk, p)
		must(t, err)
	}
	enter(1)
	enter(601)
	ada := h.enter("town", name("Ada", "Byron"))
	by := func(key string) int {
		return h.count("select count(*) from registrar.subject_keys where wrapped_by = $1", key)
	}
	const first, second, third = "duty/registrar/subjects/1", "duty/registrar/subjects/2", "duty/registrar/subjects/3"
	ctx, stop := context.WithCancel(t.Context())
	if err := h.registrar.RewrapSubjects(ctx, func(done, _ int) { stop() }); err == nil {
		t.Error("what was stopped has ended")
	}
	if by(first) == 0 || by(second) == 0 {
		t.Errorf("half-way %d are under the first key and %d under the second", by(first), by(second))
	}
	var all sync.WaitGroup
	all.Go(func() { enter(1201) })
	all.Go(func() { h.look("town", ada) })
	must(t, h.registrar.RewrapSubjects(t.Context(), func(int, int) {}))
	all.Wait()
	if by(first) != 0 || by(second) != many+601 || by(third) != 0 {
		t.Errorf("%d, %d and %d are under the three keys", by(first), by(second), by(third))
	}
	if p := h.look("town", ada); len(p.Items) != 1 {
		t.Errorf("of Ada %d items are known", len(p.Items))
	}
	must(t, h.registrar.RewrapSubjects(t.Context(), func(int, int) {}))
	if by(third) != many+601 {
		t.Errorf("%d are under the third key", by(third))
	}
	h.look("town", h.enter("town", name("Zoe", "Byron")))
}
