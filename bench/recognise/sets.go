package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/registrar/match"
)

// loaded is a set in memory: a register, and for two files the other one, whose
// records are looked up in it.
type loaded struct {
	a, b      *people
	ix, other *match.Index // other is nil where the register is searched for duplicates
	oneToOne  bool
	took      time.Duration
}

func (s set) load(dir string) (*loaded, error) {
	as, err := parseColumns(s.columns)
	if err != nil {
		return nil, err
	}
	t, err := parseTruth(s.truth)
	if err != nil {
		return nil, err
	}
	var all []*people
	for _, file := range s.files {
		p, err := readPeople(filepath.Join(dir, file), as, t)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	if len(all) == 1 {
		return index(all[0], nil, s.oneToOne), nil
	}
	return index(all[0], all[1], s.oneToOne), nil
}

func index(a, b *people, oneToOne bool, without ...match.Pass) *loaded {
	start := time.Now()
	l := &loaded{a: a, b: b, oneToOne: oneToOne, ix: match.NewIndex(len(a.records), a.form, without...)}
	if b == nil {
		l.b = a
	} else {
		l.other = match.NewIndex(len(b.records), b.form, without...)
	}
	l.took = time.Since(start)
	return l
}

func (l *loaded) estimate() *match.Model {
	start := time.Now()
	m := match.Estimate(l.ix, l.other, "bench")
	l.took += time.Since(start)
	return m
}

// scored is the result of one set.
type scored struct {
	Name     string  `json:"name"`
	Records  int     `json:"records"`
	Pairwise score   `json:"pairwise"`
	Groups   *score  `json:"pairwise_of_groups,omitempty"`
	BCubed   bcubed  `json:"b_cubed"`
	Ceiling  float64 `json:"recall_ceiling"`
	PerProbe float64 `json:"candidates_per_record"`
	Seconds  float64 `json:"seconds"`
	OneToOne bool    `json:"one_to_one"`
	Target   string  `json:"target,omitempty"`
	Met      *bool   `json:"target_met,omitempty"`
}

// score proposes pairs with the model and compares them with the truth.
func (l *loaded) score(m *match.Model, without []step) scored {
	changed := *m
	var passes []match.Pass
	for _, s := range without {
		if s.change != nil {
			s.change(&changed)
		} else {
			passes = append(passes, s.pass)
		}
	}
	if len(passes) > 0 {
		again := index(l.a, l.second(), l.oneToOne, passes...)
		again.took = l.took
		l = again
	}
	start := time.Now()
	var pairs []match.Pair
	if l.other == nil {
		pairs = l.ix.Duplicates(&changed)
	} else {
		pairs = l.ix.Links(&changed, l.other)
		if l.oneToOne {
			pairs = match.OneToOne(pairs)
		}
	}
	took := l.took + time.Since(start)

	s := scored{Records: len(l.a.records), OneToOne: l.oneToOne, Seconds: took.Seconds()}
	truths, reachable, candidates := l.ceiling()
	right := 0
	for _, p := range pairs {
		if l.a.whose[p.A] == l.b.whose[p.B] {
			right++
		}
	}
	s.Pairwise = pairwise(len(pairs), right, truths)
	s.Ceiling, s.PerProbe = part(reachable, truths), float64(candidates)/float64(max(1, len(l.b.records)))
	whose, shift := l.a.whose, int32(0)
	if l.other != nil {
		s.Records += len(l.b.records)
		shift = int32(len(l.a.whose))
		whose = slices.Concat(l.a.whose, l.b.whose)
	}
	group := components(len(whose), pairs, shift)
	s.BCubed = bCubed(group, whose)
	if l.other == nil {
		of := groupPairs(group, whose, truths)
		s.Groups = &of
	}
	return s
}

func (l *loaded) second() *people {
	if l.other == nil {
		return nil
	}
	return l.b
}

// ceiling counts the true pairs, those among them that are candidates at all, and
// the candidates.
func (l *loaded) ceiling() (truths, reachable, candidates int) {
	of := map[string][]int32{}
	for i, w := range l.a.whose {
		of[w] = append(of[w], int32(i))
	}
	var f match.Form
	var found match.Found
	probes := l.ix
	if l.other != nil {
		probes = l.other
	}
	for i, w := range l.b.whose {
		probes.Form(i, &f)
		l.ix.Candidates(&f, &found)
		candidates += len(found.Records)
		for _, j := range of[w] {
			if l.other == nil && int(j) >= i {
				continue
			}
			truths++
			if slices.Contains(found.Records, j) {
				reachable++
			}
		}
	}
	return truths, reachable, candidates
}

func groupPairs(group []int, whose []string, truths int) score {
	type both struct {
		g int
		w string
	}
	size, common := map[int]int{}, map[both]int{}
	for i, g := range group {
		size[g]++
		common[both{g, whose[i]}]++
	}
	proposed, right := 0, 0
	for _, n := range size {
		proposed += n * (n - 1) / 2
	}
	for _, n := range common {
		right += n * (n - 1) / 2
	}
	return pairwise(proposed, right, truths)
}

func (s *scored) print() {
	fmt.Printf("%-26s precision %.4f recall %.4f F1 %.4f (%d wrong, %d missed of %d)  B-cubed %.4f %.4f %.4f  ceiling %.4f  %.0f candidates  %.1f s",
		s.Name, s.Pairwise.Precision, s.Pairwise.Recall, s.Pairwise.F1, s.Pairwise.Wrong, s.Pairwise.Missed, s.Pairwise.True,
		s.BCubed.Precision, s.BCubed.Recall, s.BCubed.F1, s.Ceiling, s.PerProbe, s.Seconds)
	if s.OneToOne {
		fmt.Print("  one-to-one")
	}
	if s.Met != nil {
		fmt.Printf("  target %s: %v", s.Target, *s.Met)
	}
	fmt.Println()
	if s.Groups != nil {
		fmt.Printf("%-26s precision %.4f recall %.4f F1 %.4f (%d wrong, %d missed)\n", "  as groups", s.Groups.Precision, s.Groups.Recall, s.Groups.F1, s.Groups.Wrong, s.Groups.Missed)
	}
}

// step is something that matching does and that can be left out: a pass of the
// candidates, or what a change of the model takes away.
type step struct {
	name   string
	pass   match.Pass
	change func(m *match.Model)
}

func steps() (all []step) {
	for p := range match.Passes {
		all = append(all, step{name: "pass-" + p.String(), pass: p})
	}
	worst := func(f match.Field, levels ...int) func(m *match.Model) {
		return func(m *match.Model) {
			last := 0
			for l, v := range m.M[f] {
				if v > 0 {
					last = l
				}
			}
			for _, l := range levels {
				m.M[f][l], m.U[f][l] = m.M[f][last], m.U[f][last]
			}
		}
	}
	return append(all,
		step{name: "estimation", change: func(m *match.Model) { *m = *match.Prior(m.Entries) }},
		step{name: "frequencies", change: func(m *match.Model) {
			m.Values = nil
			for f := range m.Rare {
				m.Rare[f] = m.U[f][1]
			}
		}},
		step{name: "kin", change: func(m *match.Model) { m.Household = 1e-9 }},
		step{name: "nicknames", change: worst(match.Given, 2)},
		step{name: "double-barrelled", change: worst(match.Family, 2)},
		step{name: "misspelt-names", change: func(m *match.Model) { worst(match.Given, 3)(m); worst(match.Family, 3)(m) }},
		step{name: "similar-names", change: func(m *match.Model) { worst(match.Given, 4)(m); worst(match.Family, 4)(m) }},
		step{name: "turned-names", change: func(m *match.Model) { m.M[match.Order][2] = 1e-9 }},
		step{name: "slips-in-dates", change: worst(match.Birth, 2, 5, 6)},
		step{name: "partial-addresses", change: func(m *match.Model) {
			worst(match.Postcode, 2, 3)(m)
			worst(match.House, 2)(m)
			worst(match.Street, 2, 3)(m)
			worst(match.StreetThere, 2, 3)(m)
			worst(match.Locality, 2)(m)
		}},
		step{name: "similar-e-mail", change: worst(match.Email, 2, 3)},
	)
}

func stepsNamed(flag string) (left []step, err error) {
	if flag == "" {
		return nil, nil
	}
	all := steps()
	for name := range strings.SplitSeq(flag, ",") {
		i := slices.IndexFunc(all, func(s step) bool { return s.name == name })
		if i < 0 {
			var names []string
			for _, s := range all {
				names = append(names, s.name)
			}
			return nil, fmt.Errorf("-without %q: there are %s", name, strings.Join(names, ", "))
		}
		left = append(left, all[i])
	}
	return left, nil
}

// ablated is what is lost without one step.
type ablated struct {
	Set       string  `json:"set"`
	Without   string  `json:"without"`
	Precision float64 `json:"precision"`
	Recall    float64 `json:"recall"`
	F1        float64 `json:"f1"`
	Ceiling   float64 `json:"recall_ceiling"`
}

// ablate scores the set with each step left out, one at a time.
func (l *loaded) ablate(name string, m *match.Model, whole scored) (all []ablated) {
	for _, s := range steps() {
		got := l.score(m, []step{s})
		fmt.Printf("  without %-22s precision %+.4f recall %+.4f F1 %+.4f ceiling %+.4f\n", s.name,
			got.Pairwise.Precision-whole.Pairwise.Precision, got.Pairwise.Recall-whole.Pairwise.Recall,
			got.Pairwise.F1-whole.Pairwise.F1, got.Ceiling-whole.Ceiling)
		all = append(all, ablated{name, s.name, got.Pairwise.Precision, got.Pairwise.Recall, got.Pairwise.F1, got.Ceiling})
	}
	return all
}
