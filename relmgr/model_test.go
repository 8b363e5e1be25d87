package relmgr_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/relmgr"
)

// The plain model: what the index should say of six identifiers, two in each of
// three columns, told as simply as can be. It holds acts and works everything
// out from them; no row, no projection and no lock is in it.

const (
	people    = 6
	shortLife = 10 * time.Minute
	longLife  = 300 * 24 * time.Hour
)

// columnOf is the column of an identifier: 0 social care, 1 the surgery, 2 the
// school.
func columnOf(x int) int { return x % 3 }

var (
	managers  = [3]string{"social", "gp-manager", "school"}
	providers = [3]string{"childrens-assessment", "riverside-surgery", "school-pastoral-lead"}
	agencies  = [3]string{"riverside-social-care", "riverside-gp", "hillside-school"}
	inOrder   = [3]int{2, 1, 0} // of columns in an answer: by their agencies' codes
)

// op is one thing that somebody does.
type op struct {
	do     string // see step
	x, y   int    // identifiers
	short  bool   // on the consent that lapses soon
	joint  bool
	act    string // an earlier act or code, by its key
	by     int    // the column whose manager acts
	drop   string // of a settlement: the correlation that does not hold
	kind   relmgr.Kind
	reach  string
	urgent bool
	holds  []string // of a settlement: the correlations that do
}

// side is a decision, as far as it can lapse.
type agreedBy struct {
	consent int // of identifier consent/2
	until   time.Time
}

// made is an act that is not only an undoing; undoings have kind and undoes.
type made struct {
	kind             relmgr.Kind
	by               int
	a, b             int // ends; a alone for a publication or dispute
	sides            [2]agreedBy
	undoes           []string
	joint, confirmed bool
}

type model struct {
	now      time.Time
	ends     [2 * people]time.Time // of consents
	gone     [2 * people]bool
	hidden   [people]string // reaches, joined
	excluded [people][3]bool
	codes    map[string]made
	acts     map[string]made
	order    []string
	placed   map[string]bool
	barred   map[string]bool
}

func newModel(now time.Time) *model {
	m := &model{now: now, codes: map[string]made{}, acts: map[string]made{}, placed: map[string]bool{}, barred: map[string]bool{}}
	for x := range people {
		m.ends[2*x], m.ends[2*x+1] = now.Add(longLife), now.Add(shortLife)
	}
	return m
}

func (m *model) clone() *model {
	c := *m
	c.codes, c.acts, c.placed, c.barred = maps.Clone(m.codes), maps.Clone(m.acts), maps.Clone(m.placed), maps.Clone(m.barred)
	c.order = slices.Clone(m.order)
	return &c
}

func consentOf(x int, short bool) int {
	if short {
		return 2*x + 1
	}
	return 2 * x
}

func (m *model) live(d agreedBy) bool { return !m.gone[d.consent] && m.now.Before(d.until) }

// decided is a decision on a consent, or none where a step stops it.
func (m *model) decided(x int, short bool) (agreedBy, bool) {
	d := agreedBy{consentOf(x, short), m.ends[consentOf(x, short)]}
	return d, m.live(d)
}

func (m *model) inEffect(key string) bool {
	for k, a := range m.acts {
		if slices.Contains(a.undoes, key) && m.inEffect(k) {
			return false
		}
	}
	return true
}

// wanted says that what an act makes should be in the index, so far as undoings
// and bars go.
func (m *model) wanted(key string) bool {
	switch a := m.acts[key]; a.kind {
	case relmgr.Publish, relmgr.KeepApart, relmgr.Dispute:
		return m.inEffect(key)
	case relmgr.Correlate:
		return m.inEffect(key) && !m.barred[key] && (!a.joint || a.confirmed)
	default:
		return false
	}
}

// project brings what is placed to what is wanted. It reports a conflict: two
// publications of one identifier.
func (m *model) project() (conflict bool) {
	for key := range m.placed {
		if !m.wanted(key) {
			delete(m.placed, key)
		}
	}
	for _, key := range m.order {
		if m.placed[key] || !m.wanted(key) {
			continue
		}
		a := m.acts[key]
		switch {
		case a.kind == relmgr.Publish && m.published(a.a) != "":
			return true
		case a.kind == relmgr.Correlate:
			m.placed[key] = true
			if m.contradicts(m.component(a.a, func(string) bool { return true })) {
				delete(m.placed, key)
				m.barred[key] = true
			}
		default:
			m.placed[key] = true
		}
	}
	return false
}

func (m *model) published(x int) string {
	for key := range m.placed {
		if a := m.acts[key]; a.kind == relmgr.Publish && a.a == x {
			return key
		}
	}
	return ""
}

func (m *model) disputed(x int) bool {
	for key := range m.placed {
		if a := m.acts[key]; a.kind == relmgr.Dispute && a.a == x {
			return true
		}
	}
	return false
}

// component is whom the placed correlations that follow lets through connect.
func (m *model) component(from int, follow func(key string) bool) (in [people]bool) {
	in[from] = true
	for again := true; again; {
		again = false
		for key := range m.placed {
			if a := m.acts[key]; a.kind == relmgr.Correlate && in[a.a] != in[a.b] && follow(key) {
				in[a.a], in[a.b], again = true, true, true
			}
		}
	}
	return in
}

// contradicts reports whether both ends of a keep-apart are among these.
func (m *model) contradicts(in [people]bool) bool {
	for key := range m.placed {
		if a := m.acts[key]; a.kind == relmgr.KeepApart && in[a.a] && in[a.b] {
			return true
		}
	}
	return false
}

// told is whom an asker is told of.
func (m *model) told(x int, urgent bool) string {
	in := m.component(x, func(key string) bool {
		a := m.acts[key]
		return m.live(a.sides[0]) && m.live(a.sides[1]) && !m.disputed(a.a) && !m.disputed(a.b)
	})
	if m.contradicts(in) {
		return ""
	}
	var left [3]bool
	for y := range people {
		for agency := range left {
			left[agency] = left[agency] || in[y] && m.excluded[y][agency]
		}
	}
	out := []string{}
	for _, column := range inOrder {
		for y := range people {
			p := m.published(y)
			if columnOf(y) != column || column == columnOf(x) || !in[y] || p == "" || !m.live(m.acts[p].sides[0]) ||
				left[column] || left[columnOf(x)] || m.hidden[y] != "" && (!urgent || m.hidden[y] != "block") {
				continue
			}
			out = append(out, providers[column])
		}
	}
	return strings.Join(out, " ")
}

// correlations of an identifier that nothing undoes, barred or not.
func (m *model) correlations(x int) (keys []string) {
	for _, key := range m.order {
		if a := m.acts[key]; a.kind == relmgr.Correlate && (a.a == x || a.b == x) && m.inEffect(key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// step does one thing, and returns what is said to whoever did it. key is what
// the act or code that it makes is known by from then on. Where a step of the
// decision, or a rule, stops it, nothing has changed.
func (m *model) step(o op, key string) (said string) {
	add := func(a made) string {
		before := m.clone()
		m.acts[key] = a
		m.order = append(m.order, key)
		if m.project() {
			*m = *before
			return "conflict"
		}
		return "done"
	}
	switch o.do {
	case "publish":
		d, ok := m.decided(o.x, o.short)
		if !ok {
			return "decision-refused"
		}
		return add(made{kind: relmgr.Publish, by: columnOf(o.x), a: o.x, sides: [2]agreedBy{d}})
	case "pair":
		d, ok := m.decided(o.y, o.short)
		if !ok {
			return "decision-refused"
		}
		m.codes[key] = made{b: o.y, sides: [2]agreedBy{1: d}}
		return "done"
	case "correlate":
		d, ok := m.decided(o.x, o.short)
		if !ok {
			return "decision-refused"
		}
		c, ok := m.codes[o.act]
		if !ok {
			return "pairing-unusable"
		}
		delete(m.codes, o.act)
		return add(made{kind: relmgr.Correlate, by: columnOf(o.x), a: o.x, b: c.b, sides: [2]agreedBy{d, c.sides[1]}, joint: o.joint})
	case "keep apart":
		c, ok := m.codes[o.act]
		if !ok {
			return "pairing-unusable"
		}
		delete(m.codes, o.act)
		return add(made{kind: relmgr.KeepApart, by: columnOf(o.x), a: o.x, b: c.b})
	case "keep its ends apart":
		c := m.acts[o.act]
		return add(made{kind: relmgr.KeepApart, by: o.by, a: c.a, b: c.b, undoes: []string{o.act}})
	case "dispute":
		return add(made{kind: relmgr.Dispute, by: columnOf(o.x), a: o.x})
	case "settle":
		a := made{kind: relmgr.Settle, by: o.by, undoes: []string{o.act}}
		if o.drop != "" {
			a.undoes = append(a.undoes, o.drop)
		}
		return add(a)
	case "confirm":
		c := m.acts[o.act]
		c.confirmed = true
		m.acts[o.act] = c
		m.project()
		return "done"
	case "undo": // withdraw, separate, suspend, end, asked in error
		return add(made{kind: o.kind, by: o.by, undoes: []string{o.act}})
	case "withdraw consent":
		m.gone[consentOf(o.x, o.short)] = true
		return "done"
	case "hide":
		if m.hidden[o.x] = o.reach + m.hidden[o.x]; m.hidden[o.x] == "blockblock" {
			m.hidden[o.x] = "block"
		}
		return "done"
	case "exclude":
		m.excluded[o.x][o.by] = true
		return "done"
	case "wait":
		m.now = m.now.Add(shortLife + time.Minute)
		clear(m.codes) // a pairing ends within the same time
		return "done"
	case "ask":
		return m.told(o.x, o.urgent)
	case "look":
		return m.print()
	}
	panic(o.do)
}

// print is what is in the index, and what was barred.
func (m *model) print() string {
	return strings.Join(slices.Sorted(maps.Keys(m.placed)), " ") + " | " + strings.Join(slices.Sorted(maps.Keys(m.barred)), " ")
}
