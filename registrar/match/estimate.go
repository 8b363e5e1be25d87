package match

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
)

const (
	randomPairs = 1 << 20 // from which it is learnt how strangers compare, fewer in a small register
	probed      = 20_000  // records whose candidates are looked at
	counted     = 200_000 // records whose values are counted
	commonFrom  = 5       // so often a value must be met to have a frequency of its own
	rounds      = 30      // of expectation and maximisation, at most
)

// Estimate learns a model from a register, without labels: how strangers compare
// from random pairs, how one person's records compare by expectation-maximisation
// over the candidates (Fellegi and Sunter 1969; Dempster, Laird and Rubin 1977;
// Winkler 1988). The records looked up are those of probes if it is not nil, as when
// a file is linked to the register, and otherwise the register's own. The same
// input gives the same model.
func Estimate(ix, probes *Index, version string) *Model {
	e := estimate{ix: ix, probes: probes, own: probes == nil}
	if e.own {
		e.probes = ix
	}
	m := Prior(ix.Len())
	m.Version = version
	if ix.Len() == 0 || e.probes.Len() == 0 {
		return m
	}
	rareRaw := e.countValues(m)
	e.comparePairs(m)
	values := m.Values
	m.Values = frequent
	for range rounds {
		if e.round(m) < 1e-3 {
			break
		}
	}
	m.Values = values
	for f := range fields {
		if weighty[f] && rareRaw[f] > 0 {
			m.Rare[f] = max(min(rareRaw[f], m.U[f][1]), 1e-6)
		} else {
			m.Rare[f] = m.U[f][1]
		}
	}
	return m
}

// frequent stands for the frequencies of names while patterns are counted: a name
// that one in a hundred has, one in a thousand, and any rarer. Without it namesakes
// of a common name would be learnt from as if they were one person.
var frequent = map[uint32]float32{1: 1. / 40, 2: 1. / 300, 3: 1. / 4000}

// countedAs is the pattern, and how frequent the names are if they are the same.
func (m *Model) countedAs(c *compared) uint64 {
	often := func(f Field) uint64 {
		if c.pattern[f] != nameSame || c.value[f] == 0 {
			return 0
		}
		switch v := m.Values[c.value[f]]; {
		case v >= 0.01:
			return 1
		case v >= 0.001:
			return 2
		}
		return 3
	}
	return often(Given)<<62 | often(Family)<<60 | c.packed()
}

func countedPattern(v uint64) (c compared) {
	c.pattern = unpackPattern(v)
	c.value[Given], c.value[Family] = uint32(v>>62), uint32(v>>60&3)
	return c
}

type estimate struct {
	ix, probes *Index
	own        bool
	looked     int // probes whose candidates were compared
	candidates tally
	random     tally
}

// tally is how often each pattern was met.
type tally map[uint64]float64

// countValues fills the frequencies of common values, and returns how likely two
// strangers are to share a value that is not common.
func (e *estimate) countValues(m *Model) (rareRaw [fields]float64) {
	n := e.ix.Len()
	step := max(1, n/counted)
	var counts [fields]map[uint32]uint32
	var totals [fields]float64
	for f := range counts {
		counts[f] = map[uint32]uint32{}
	}
	count := func(f Field, value string) {
		if value != "" {
			counts[f][hash(f, value)]++
			totals[f]++
		}
	}
	var form Form
	for i := 0; i < n; i += step {
		e.ix.Form(i, &form)
		for j := range form.names {
			given, family := form.names[j].view(0)
			for _, p := range given {
				count(Given, p)
			}
			for _, p := range family {
				count(Family, p)
			}
		}
		for _, d := range form.births {
			if d.Month > 0 && d.Day > 0 && d.Within == 0 {
				count(Birth, dateText(d))
			}
		}
		for _, p := range form.places {
			count(Postcode, p.postcode)
			count(Street, p.street)
			count(Locality, p.locality)
		}
		for _, p := range form.phones {
			count(Phone, p)
		}
		for _, p := range form.emails {
			count(Email, p)
		}
	}
	m.Values = map[uint32]float32{}
	for f := range fields {
		var pairs, rare float64
		for v, c := range counts[f] {
			if c >= commonFrom {
				m.Values[v] = float32(float64(c) / totals[f])
			} else {
				pairs += float64(c) * float64(c-1)
				rare += float64(c)
			}
		}
		if rare > 0 && totals[f] > 1 {
			rareRaw[f] = max(pairs, 1) / rare / (totals[f] - 1)
		}
	}
	return rareRaw
}

// comparePairs compares random pairs, and a sample of records with their
// candidates, and counts the patterns.
func (e *estimate) comparePairs(m *Model) {
	e.random, e.candidates = tally{}, tally{}
	n, probes := e.ix.Len(), e.probes.Len()
	var mu sync.Mutex
	add := func(to, local tally) {
		mu.Lock()
		defer mu.Unlock()
		for p, c := range local {
			to[p] += c
		}
	}
	if n > 1 || !e.own {
		each(min(randomPairs, 128*n)/1024, 8, func(from, to int) {
			chance := rand.New(rand.NewPCG(uint64(from), 1))
			local := tally{}
			var a, b Form
			var c compared
			for range (to - from) * 1024 {
				i, j := chance.IntN(probes), chance.IntN(n)
				if e.own && i == j {
					continue
				}
				e.probes.Form(i, &a)
				e.ix.Form(j, &b)
				compareForms(&a, &b, &c)
				local[m.countedAs(&c)]++
			}
			add(e.random, local)
		})
	}
	e.looked = min(probes, probed)
	each(e.looked, 64, func(from, to int) {
		local := tally{}
		var a, b Form
		var c compared
		var found Found
		for k := from; k < to; k++ {
			i := int(int64(k) * int64(probes) / int64(e.looked))
			e.probes.Form(i, &a)
			e.ix.Candidates(&a, &found)
			for _, j := range found.Records {
				if e.own && int(j) == i {
					continue
				}
				e.ix.Form(int(j), &b)
				compareForms(&a, &b, &c)
				local[m.countedAs(&c)]++
			}
		}
		add(e.candidates, local)
	})
}

// round does one round of expectation and maximisation and returns the largest
// change.
func (e *estimate) round(m *Model) float64 {
	var same, other [fields][maxLevel + 1]float64
	var sameTotal, otherTotal [fields]float64
	size := float64(m.Entries)
	expect := func(packed uint64) (p pattern, one, kin float64) {
		c := countedPattern(packed)
		r := m.ratio(&c)
		o, without := r.odds(m.Odds, m.Household, size), r.odds(m.Odds, 0, size)
		// Of what is not one person, the part that is not strangers either.
		return c.pattern, o / (1 + o), (1 - o/without) / (1 + o)
	}
	total, household := 0.0, 0.0
	for _, packed := range slices.Sorted(maps.Keys(e.candidates)) {
		p, one, kin := expect(packed)
		n := e.candidates[packed]
		total += n * one
		household += n * kin
		if p[Given] <= nameNear {
			// Who shares one given name is likelier to share the next: they come from
			// the same language. Strangers are counted where it matters.
			other[Middle][p[Middle]] += n * (1 - one)
		}
		other[StreetThere][p[StreetThere]] += n * (1 - one) // random pairs hardly ever share a postcode
		for f, l := range p {
			same[f][l] += n * one
		}
	}
	for _, packed := range slices.Sorted(maps.Keys(e.random)) {
		p, one, _ := expect(packed)
		n := e.random[packed]
		for f, l := range p {
			if f := Field(f); f != Middle && f != StreetThere {
				other[f][l] += n * (1 - one)
			}
		}
	}
	change := 0.0
	set := func(old *float64, v float64) {
		change = max(change, math.Abs(v-*old))
		*old = v
	}
	for f := range fields {
		for l := 1; l <= f.levels(); l++ {
			sameTotal[f] += same[f][l]
			otherTotal[f] += other[f][l]
		}
		for l := 1; l <= f.levels(); l++ {
			set(&m.M[f][l], (same[f][l]+priorMatches*prior[f][l-1])/(sameTotal[f]+priorMatches))
			set(&m.U[f][l], max((other[f][l]+20*strangers[f][l-1])/(otherTotal[f]+20), 0.5/randomPairs))
		}
	}
	for f, limit := range limits {
		last := Field(f).levels()
		if v := m.M[f][last]; limit > 0 && v > limit {
			for l := 1; l < last; l++ {
				m.M[f][l] *= (1 - limit) / (1 - v)
			}
			m.M[f][last] = limit
		}
	}
	set(&m.Odds, max((total+0.02)/(float64(e.looked)+1), 1e-3)) // never so few that none would be looked for
	if !e.own {
		m.Odds = min(m.Odds, 1) // a register holds each person at most once (REG-10)
	}
	m.Household = (household + priorRecords*cautious) / (float64(e.looked) + priorRecords)
	return change
}
