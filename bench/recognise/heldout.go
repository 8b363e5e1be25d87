package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/fame-hub/fame/registrar/match"
)

const (
	registered = 20_000 // people of the lot who are in the register
	seen       = 5_000  // of these, who are seen again
	strangers  = 1_000  // people who are seen and not in the register
)

// heldOut is how people drawn by lot are recognised, who had no part in making the
// defaults.
type heldOut struct {
	Name     string             `json:"name"`
	Proposed scored             `json:"proposed"`
	Known    outcomes           `json:"recognised_registered"`
	Unknown  outcomes           `json:"recognised_unregistered"`
	ByOrigin map[string]float64 `json:"recall_by_origin"`
	ByLack   map[string]float64 `json:"recall_by_missing_field"`
}

// outcomes counts recognitions.
type outcomes struct {
	Right int `json:"determined_right"`
	Wrong int `json:"determined_wrong"`
	Under int `json:"under_determined"`
	Over  int `json:"over_determined"`
}

// draw is the register, and the people looked up in it, as badly written down as h
// says, with the origins of their names.
func (h hardship) draw() (l *loaded, from []string) {
	t := town{registered}
	a, b := new(people), new(people)
	for i := range registered {
		a.records = append(a.records, t.person(i).record)
		a.whose = append(a.whose, strconv.Itoa(i))
	}
	chance := rand.New(rand.NewPCG(31, 7))
	for i := range seen + strangers {
		who := i*3%registered + i/seen*registered // those after seen are registered nowhere
		p := t.person(who)
		b.records = append(b.records, h.again(chance, t, p))
		b.whose = append(b.whose, strconv.Itoa(who))
		from = append(from, p.origin)
	}
	return index(a, b, true), from
}

func (h hardship) title() string { return "by lot, " + h.name }

// measure scores the links that are proposed, and recognises everybody.
func (h hardship) measure(l *loaded, m *match.Model, from []string, without []step) heldOut {
	a, b := l.a, l.b
	r := heldOut{Name: h.title(), Proposed: l.score(m, without), ByOrigin: map[string]float64{}, ByLack: map[string]float64{}}
	r.Proposed.Name = r.Name

	links := match.OneToOne(l.ix.Links(m, l.other))
	found := map[int32]bool{}
	for _, p := range links {
		found[p.B] = a.whose[p.A] == b.whose[p.B]
	}
	type share struct{ found, all float64 }
	origin, lack := map[string]share{}, map[string]share{}
	add := func(to map[string]share, key string, ok bool) {
		s := to[key]
		s.all++
		if ok {
			s.found++
		}
		to[key] = s
	}
	for i := range seen {
		ok := found[int32(i)]
		add(origin, from[i], ok)
		rec := b.records[i]
		nothing := true
		for _, f := range []struct {
			name string
			lack bool
		}{{"birth", len(rec.Births) == 0}, {"address", len(rec.Addresses) == 0}, {"telephone and e-mail", len(rec.Phones)+len(rec.Emails) == 0}} {
			if f.lack {
				add(lack, f.name, ok)
				nothing = false
			}
		}
		if nothing {
			add(lack, "none", ok)
		}
	}
	for k, s := range origin {
		r.ByOrigin[k] = s.found / s.all
	}
	for k, s := range lack {
		r.ByLack[k] = s.found / s.all
	}

	var c match.Found
	for i := range b.records {
		evidence := b.form(i)
		l.ix.Candidates(evidence, &c)
		var candidates []*match.Form
		for _, j := range c.Records {
			candidates = append(candidates, a.form(int(j)))
		}
		out := m.Recognise(evidence, candidates, c.Full, registered)
		of := &r.Known
		if i >= seen {
			of = &r.Unknown
		}
		switch {
		case out.Kind == match.UnderDetermined:
			of.Under++
		case out.Kind == match.OverDetermined:
			of.Over++
		case a.whose[c.Records[out.Candidate]] == b.whose[i]:
			of.Right++
		default:
			of.Wrong++
		}
	}
	return r
}

func (r *heldOut) print() {
	r.Proposed.print()
	fmt.Printf("  recognised: registered %+v, unregistered %+v\n", r.Known, r.Unknown)
	for _, by := range []map[string]float64{r.ByOrigin, r.ByLack} {
		var keys []string
		for k := range by {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		fmt.Print("  recall:")
		for _, k := range keys {
			fmt.Printf("  %s %.3f", k, by[k])
		}
		fmt.Println()
	}
}
