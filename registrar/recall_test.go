package registrar_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/registrar"
)

// REG-20: a register says how it finds its own people without one field of what is known
// of them, and by the script of their names; where everybody can see it, only of many
// and in large steps. It recognises nobody by it and records nothing of anybody.
func TestARegisterSaysWhomItFindsLessWell(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	registry := prometheus.NewRegistry()
	service, err := registrar.New(registrar.Config{Registrar: "county", DB: h.db, Keys: h.keys, Now: func() time.Time { return *h.now }, Registerer: registry})
	must(t, err)
	hidden := h.enter("town", name("Hidden", "Entirely"), born("1950-01-01"), lives("1", "No Street", "AA1 1AA"))
	_, err = h.registrar.Shield(t.Context(), keeper, "town", hidden, true, "asked")
	must(t, err)
	const many = 55
	for n := range many {
		family := string([]rune{rune('A' + n%26)}) + fmt.Sprintf("%cmbervale", "aeiou"[n%5])
		given := []string{"Barna", "Cele", "Dovi", "Ferdi", "Gusta", "Hilde", "Ima", "Jora", "Kriszti", "Lumi", "Mordo"}[n%11] + []string{"bert", "stine", "mund", "wyck", "gard"}[n/11]
		h.enter("town", name(given, family), born(fmt.Sprintf("19%02d-%02d-%02d", 20+n, n%12+1, n%28+1)),
			lives(fmt.Sprint(n+1), "Mill Lane", fmt.Sprintf("ZZ%d %dZZ", n%40+1, n%9+1)))
	}
	for n := range 5 {
		h.enter("town", name("索菲亚", string([]rune{rune('李' + n)})), born(fmt.Sprintf("1980-05-%02d", n+1)))
	}
	acts := h.count("select count(*) from registrar.acts")
	must(t, service.MeasureRecall(t.Context()))
	if n := h.count("select count(*) from registrar.acts") - acts; n != 0 {
		t.Errorf("measuring made %d acts", n)
	}
	q, err := service.Quality(t.Context(), keeper, "town")
	must(t, err)
	got := map[string]registrar.Recall{}
	for _, r := range q.Recall {
		got[r.Of] = r
	}
	for of, want := range map[string]struct {
		tried       int
		least, most float64
	}{
		"without address": {many, 0.9, 1}, "name in latin": {many, 0.9, 1}, "name in han": {5, 0, 1},
		// What a family shares determines nobody.
		"without given name": {many + 5, 0, 0},
		"without birth":      {many + 5, 0, 0},
	} {
		if r := got[of]; r.Tried != want.tried || r.Share < want.least || r.Share > want.most {
			t.Errorf("%s: %+v, want %+v", of, r, want)
		}
	}
	if _, there := got["without identifier"]; there {
		t.Error("what nobody has is left out of somebody")
	}
	families, err := registry.Gather()
	must(t, err)
	shown := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "fame_registrar_recall_share" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "of" {
					shown[l.GetValue()] = m.GetGauge().GetValue()
				}
			}
		}
	}
	if _, there := shown["name in han"]; there || len(shown) < 4 {
		t.Errorf("the metrics show %v", shown)
	}
	for of, v := range shown {
		if math.Abs(v*10-math.Round(v*10)) > 1e-9 {
			t.Errorf("%s is shown as %v, which is no tenth", of, v)
		}
	}
}
