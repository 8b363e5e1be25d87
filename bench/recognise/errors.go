package main

import (
	"math/rand/v2"
	"strings"

	"github.com/fame-hub/fame/registrar/match"
)

// hardship is how badly a second observation of somebody was written down: the
// chance of each kind of error, in a hundred.
type hardship struct {
	name                                             string
	typing, reading, missing, moved, married, turned int
}

var hardships = []hardship{
	{"light", 10, 2, 5, 10, 2, 2},
	{"medium", 25, 8, 15, 25, 5, 5},
	{"heavy", 50, 15, 35, 40, 10, 10},
}

// misreadings are what a scanner takes for something else.
var misreadings = [][2]string{{"m", "rn"}, {"rn", "m"}, {"cl", "d"}, {"l", "1"}, {"o", "0"}, {"h", "b"}, {"e", "c"}, {"ri", "n"}, {"vv", "w"}, {"i", "l"}, {"5", "S"}, {"8", "B"}}

func (h hardship) typo(chance *rand.Rand, s string) string {
	if s == "" {
		return s
	}
	if chance.IntN(100) < h.reading {
		m := choose(chance, misreadings)
		s = strings.Replace(s, m[0], m[1], 1)
	}
	if chance.IntN(100) >= h.typing {
		return s
	}
	r := []rune(s)
	at := chance.IntN(len(r))
	letter := rune('a' + chance.IntN(26))
	if r[at] >= '0' && r[at] <= '9' {
		letter = rune('0' + chance.IntN(10))
	}
	switch chance.IntN(4) {
	case 0:
		r = append(r[:at], append([]rune{letter}, r[at:]...)...)
	case 1:
		r = append(r[:at], r[at+1:]...)
	case 2:
		r[at] = letter
	default:
		if at+1 < len(r) {
			r[at], r[at+1] = r[at+1], r[at]
		}
	}
	return string(r)
}

// again is how somebody is written down the second time.
func (h hardship) again(chance *rand.Rand, t town, p one) match.Record {
	hit := func(percent int) bool { return chance.IntN(100) < percent }
	o := origins[0]
	for i := range origins {
		if origins[i].name == p.origin {
			o = origins[i]
		}
	}
	r := p.record
	n := r.Names[0]
	given := strings.Fields(n.Given)
	if len(given) > 1 && hit(40) { // middle name dropped or an initial
		if hit(50) {
			given = given[:1]
		} else {
			given[1] = given[1][:1]
		}
	}
	for i, g := range given {
		given[i] = respelt(chance, &o, g)
	}
	n.Given, n.Family = strings.Join(given, " "), respelt(chance, &o, n.Family)
	if r.Sex == "f" && hit(h.married) {
		if hit(30) {
			n.Family += "-" + o.familyName(chance)
		} else {
			n.Family = o.familyName(chance)
		}
	}
	if o.twoFamilies && hit(40) {
		n.Family, _, _ = strings.Cut(n.Family, " ")
	}
	n.Given, n.Family = h.typo(chance, n.Given), h.typo(chance, n.Family)
	switch {
	case o.script != "" && hit(25):
		n.Given, n.Family = written(o.script, n.Given), written(o.script, n.Family)
	case o.familyFirst && hit(30), hit(h.turned):
		n.Given, n.Family = n.Family, n.Given
	case hit(10):
		n = match.Name{Parts: n.Given + " " + n.Family}
	}
	if hit(h.missing / 3) {
		n.Given = ""
	}
	r.Names = []match.Name{n}

	d := r.Births[0]
	switch {
	case hit(h.turned) && d.Day <= 12:
		d.Day, d.Month = d.Month, d.Day
	case hit(h.typing / 4):
		d.Year += choose(chance, []int{-1, 1, -10, 10, 9, -9})
	case hit(h.typing / 4):
		d.Day = 1 + chance.IntN(28)
	case hit(h.missing / 3):
		d.Day, d.Month = 0, 0
	}
	r.Births = []match.Date{d}
	a := r.Addresses[0]
	if hit(h.moved) {
		a = t.address(chance)
	}
	a.Lines, a.Locality = h.typo(chance, a.Lines), h.typo(chance, a.Locality)
	a.Postcode = h.typo(chance, a.Postcode)
	if hit(h.missing) {
		a.Postcode = a.Postcode[:min(3, len(a.Postcode))]
	}
	r.Addresses = []match.Address{a}
	if hit(h.moved) {
		r.Phones = nil
	} else {
		r.Phones = []string{h.typo(chance, r.Phones[0])}
	}
	for _, drop := range []func(){
		func() { r.Births = nil }, func() { r.Sex = "" }, func() { r.Addresses = nil }, func() { r.Phones = nil }, func() { r.Emails = nil },
	} {
		if hit(h.missing) {
			drop()
		}
	}
	r.Identifiers = nil
	return r
}

// respelt is another accepted spelling of a name, half of the time.
func respelt(chance *rand.Rand, o *origin, name string) string {
	for _, line := range o.spelling {
		all := strings.Split(line, "=")
		for _, s := range all {
			if s == name && chance.IntN(2) == 0 {
				return choose(chance, all)
			}
		}
	}
	return name
}

var scripts = map[string]*strings.Replacer{
	"cyrillic": strings.NewReplacer("sz", "ш", "cz", "ч", "zh", "ж", "kh", "х", "ch", "ч", "sh", "ш", "yu", "ю", "ya", "я", "a", "а", "b", "б", "c", "ц", "d", "д", "e", "е", "f", "ф", "g", "г",
		"h", "г", "i", "и", "j", "й", "k", "к", "l", "л", "m", "м", "n", "н", "o", "о", "p", "п", "r", "р", "s", "с", "t", "т", "u", "у", "v", "в", "w", "в", "x", "кс", "y", "ы", "z", "з"),
	"greek": strings.NewReplacer("th", "θ", "ch", "χ", "ps", "ψ", "ou", "ου", "a", "α", "b", "β", "c", "κ", "d", "δ", "e", "ε", "f", "φ", "g", "γ", "h", "η", "i", "ι", "j", "τζ", "k", "κ", "l", "λ",
		"m", "μ", "n", "ν", "o", "ο", "p", "π", "r", "ρ", "s", "σ", "t", "τ", "u", "υ", "v", "β", "w", "γου", "x", "ξ", "y", "υ", "z", "ζ"),
}

func written(script, name string) string { return scripts[script].Replace(strings.ToLower(name)) }
