package match

import (
	"slices"
	"sync"
)

// Pair is two records that may be one person's, for a person to decide on: nothing
// is ever joined because of it.
type Pair struct {
	A, B        int32
	Probability float64
}

// Likely is how probable a pair must be to be put before a person.
const Likely = 0.5

// Duplicates are the pairs of the register that are likely to be one person's
// (REG-10), best first.
func (ix *Index) Duplicates(m *Model) []Pair {
	return ix.pairs(m, nil)
}

// Links are the pairs of a record of ix and a record of other (A, B) that are likely
// to be one person's, best first.
func (ix *Index) Links(m *Model, other *Index) []Pair {
	return ix.pairs(m, other)
}

func (ix *Index) pairs(m *Model, other *Index) (all []Pair) {
	probes := other
	if probes == nil {
		probes = ix
	}
	var mu sync.Mutex
	each(probes.Len(), 256, func(from, to int) {
		var local []Pair
		var a, b Form
		var c compared
		var found Found
		for i := from; i < to; i++ {
			probes.Form(i, &a)
			ix.Candidates(&a, &found)
			for _, j := range found.Records {
				if other == nil && int(j) >= i {
					continue
				}
				ix.Form(int(j), &b)
				compareForms(&a, &b, &c)
				if p := m.probability(&c); p >= Likely {
					local = append(local, Pair{j, int32(i), p})
				}
			}
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, local...)
	})
	slices.SortFunc(all, func(p, q Pair) int {
		switch {
		case p.Probability > q.Probability:
			return -1
		case p.Probability < q.Probability:
			return 1
		case p.A != q.A:
			return int(p.A) - int(q.A)
		}
		return int(p.B) - int(q.B)
	})
	return all
}

// OneToOne keeps of pairs, best first, those that leave each record in at most one:
// right where neither side holds anybody twice.
func OneToOne(pairs []Pair) (kept []Pair) {
	var a, b = map[int32]bool{}, map[int32]bool{}
	for _, p := range pairs {
		if !a[p.A] && !b[p.B] {
			a[p.A], b[p.B] = true, true
			kept = append(kept, p)
		}
	}
	return kept
}
