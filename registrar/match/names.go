package match

import (
	"math/bits"
	"strings"
)

// The levels of a part of a name, best first. Zero is missing, here and in all
// fields.
const (
	nameSame    = 1 + iota
	nameVariant // a nickname; of family names: one part of several is the same
	nameNear    // one letter off, or the same but for a blank
	nameSimilar // sounds alike, or two letters off
	nameInitial
	nameOther
)

// partLevel compares two parts of names.
func partLevel(a, b string, given bool) uint8 {
	switch {
	case a == b:
		return nameSame
	case len(a) == 1 || len(b) == 1:
		if a[0] == b[0] {
			return nameInitial
		}
		return nameOther
	case given && variants(a, b):
		return nameVariant
	}
	if bits.OnesCount32(letters(a)^letters(b)) > 6 {
		return nameOther // most pairs end here: too few letters in common for any of the below
	}
	shorter := min(len(a), len(b))
	switch {
	case within(a, b, 1):
		if shorter >= 4 {
			return nameNear
		}
		if shorter == 3 || a[0] == b[0] {
			return nameSimilar
		}
	case shorter >= 6 && within(a, b, 2), jaroWinkler(a, b) >= 0.9:
		return nameSimilar
	case a[0] == b[0] || shorter >= 5:
		if s := skeleton(a); len(s) >= 3 && s == skeleton(b) {
			return nameSimilar
		}
	}
	return nameOther
}

// letters is the set of letters in a name.
func letters(name string) (set uint32) {
	for i := 0; i < len(name); i++ {
		set |= 1 << (name[i] & 31)
	}
	return set
}

// bagLevel is the best level of any two parts, and which parts those are (-1
// where it was the whole against the whole).
func bagLevel(a, b []string, given bool) (level uint8, atA, atB int) {
	if len(a) == 0 || len(b) == 0 {
		return 0, -1, -1
	}
	level = nameOther
	for i, p := range a {
		for j, q := range b {
			l := partLevel(p, q, given)
			if l < level {
				level, atA, atB = l, i, j
			}
		}
	}
	if level > nameSame && len(a)+len(b) > 2 {
		whole, other := strings.Join(a, ""), strings.Join(b, "")
		if whole == other {
			return nameSame, -1, -1
		}
		if len(whole) <= 64 && len(other) <= 64 {
			if l := partLevel(whole, other, false); l < level {
				return l, -1, -1
			}
		}
	}
	return level, atA, atB
}

// sameName is what comparing two names found.
type sameName struct {
	given, middle, family, order uint8
	givenPart, familyPart        string // the part that is the same in both, "" if none
	score                        int
}

const (
	orderAsWritten = 1
	orderTurned    = 2
)

// worth ranks levels among each other, to choose how two names are laid against
// each other; the weights of a model have no part in it, so that levels are the
// same under all models.
var worth = [...]int{0, 8, 6, 6, 4, 2, -3}

func laid(givenA, familyA, givenB, familyB []string, order uint8) (s sameName) {
	s.order = order
	var i, j int
	s.given, i, j = bagLevel(givenA, givenB, true)
	if s.given == nameSame {
		if i >= 0 {
			s.givenPart = givenA[i]
		} else {
			s.givenPart = givenA[0]
		}
	}
	if s.given != 0 && i >= 0 && len(givenA) > 1 && len(givenB) > 1 {
		s.middle, _, _ = bagLevelWithout(givenA, i, givenB, j)
	}
	s.family, i, _ = bagLevel(familyA, familyB, false)
	if s.family == nameSame {
		if i >= 0 {
			s.familyPart = familyA[i]
			if len(familyA) > 1 || len(familyB) > 1 {
				if !sameParts(familyA, familyB) {
					s.family = nameVariant
				}
			}
		} else {
			s.familyPart = familyA[0]
		}
	}
	s.score = worth[s.given] + worth[s.family] + worth[s.middle]/4
	if order == orderTurned {
		s.score -= 3
	}
	return s
}

func sameParts(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for _, p := range a {
		found := false
		for _, q := range b {
			found = found || p == q
		}
		if !found {
			return false
		}
	}
	return true
}

func bagLevelWithout(a []string, i int, b []string, j int) (uint8, int, int) {
	var restA, restB [maxParts]string
	ra := append(append(restA[:0], a[:i]...), a[i+1:]...)
	rb := append(append(restB[:0], b[:j]...), b[j+1:]...)
	return bagLevel(ra, rb, true)
}

// compareNames is the best of all ways to lay two names against each other:
// as written and the other way round, and with the family name of a loose name at
// either end.
func compareNames(a, b *name) (best sameName) {
	best.score = -1 << 30
	for va := 0; va < a.views(); va++ {
		givenA, familyA := a.view(va)
		for vb := 0; vb < b.views(); vb++ {
			givenB, familyB := b.view(vb)
			if s := laid(givenA, familyA, givenB, familyB, orderAsWritten); s.score > best.score {
				best = s
			}
			if best.given == nameSame && (best.family == nameSame || best.family == 0 && len(familyA)+len(familyB) == 0) {
				return best
			}
			if s := laid(givenA, familyA, familyB, givenB, orderTurned); s.score > best.score {
				best = s
			}
		}
	}
	return best
}

func (n *name) views() int {
	if n.loose && len(n.given) > 1 {
		return 2
	}
	return 1
}

// view is given and family names as the i-th reading has them.
func (n *name) view(i int) (given, family []string) {
	last := len(n.given) - 1
	switch {
	case !n.loose || last < 1:
		return n.given, n.family
	case i == 0:
		return n.given[:last], n.given[last:]
	default:
		return n.given[1:], n.given[:1]
	}
}

// all are the parts whatever their role.
func (n *name) all(into []string) []string {
	return append(append(into, n.given...), n.family...)
}
