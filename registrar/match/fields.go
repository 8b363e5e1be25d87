package match

import (
	"strconv"
	"strings"
)

// Field is one thing that two records are compared by.
type Field uint8

// The fields, in the order in which an explanation lists them.
const (
	Given Field = iota
	Middle
	Family
	Order
	Birth
	Sex
	Postcode
	House
	Street
	StreetThere // the street of two who share the postcode
	Locality
	Region
	Phone
	Email
	Number
	fields // how many there are
)

// maxLevel is the highest level of any field.
const maxLevel = 7

// fieldNames and levelNames are what an explanation says. A level's meaning is
// fixed by the code of its comparison below; only its weight is estimated.
var fieldNames = [fields]string{
	"given-name", "middle-name", "family-name", "order-of-names", "birth", "sex", "postcode", "house", "street",
	"street-in-postcode", "locality", "region", "telephone", "e-mail", "identifier",
}

var levelNames = [fields][]string{
	Given:       {"missing", "same", "variant", "one-letter-off", "similar", "initial", "different"},
	Middle:      {"missing", "same", "variant", "one-letter-off", "similar", "initial", "different"},
	Family:      {"missing", "same", "part-of-it", "one-letter-off", "similar", "initial", "different"},
	Order:       {"missing", "as-written", "turned"},
	Birth:       {"missing", "same", "slip", "same-month", "same-year", "two-parts-same", "close", "different"},
	Sex:         {"missing", "same", "different"},
	Postcode:    {"missing", "same", "slip", "area", "different"},
	House:       {"missing", "same", "slip", "different"},
	Street:      {"missing", "same", "most", "some", "different"},
	StreetThere: {"missing", "same", "most", "some", "different"},
	Locality:    {"missing", "same", "similar", "different"},
	Region:      {"missing", "same", "slip", "different"},
	Phone:       {"missing", "same", "slip", "different"},
	Email:       {"missing", "same", "slip", "similar", "different"},
	Number:      {"missing", "same", "slip", "two-slips", "different"},
}

// String is the field's name in explanations.
func (f Field) String() string { return fieldNames[f] }

// levels is how many levels the field has besides missing.
func (f Field) levels() int { return len(levelNames[f]) - 1 }

const (
	birthSame  = 1
	birthSlip  = 2
	birthMonth = 3
	birthYear  = 4
	birthMost  = 5
	birthClose = 6
	birthOther = 7
	numberSame = 1
	numberSlip = 2
	numberElse = 4
	sexOther   = 2

	emailSimilar = 3
)

// named reports whether a part of a name agrees.
func named(level uint8) bool { return level != 0 && level <= nameSimilar }

// pattern is the level of each field, 0 where either record says nothing.
type pattern [fields]uint8

// packed is a pattern as one number, to count patterns by.
func (p *pattern) packed() (v uint64) {
	for _, l := range p {
		v = v<<4 | uint64(l)
	}
	return v
}

func unpackPattern(v uint64) (p pattern) {
	for i := fields; i > 0; i-- {
		p[i-1] = uint8(v & 15)
		v >>= 4
	}
	return p
}

// compared is what laying two forms against each other found: levels and, where
// the level is the best, the value that both have, for its frequency.
type compared struct {
	pattern
	value [fields]uint32
}

// compareForms lays two forms against each other. Of several values the best
// fitting pair counts. It is symmetric but for ties.
func compareForms(a, b *Form, c *compared) {
	*c = compared{}
	c.names(a, b)
	best := uint8(0)
	for _, d := range a.births {
		for _, e := range b.births {
			if l := compareDates(d, e); best == 0 || l < best {
				best = l
				if l == birthSame {
					c.value[Birth] = hash(Birth, dateText(d))
				}
			}
		}
	}
	c.pattern[Birth] = best
	if a.sex != 0 && b.sex != 0 {
		c.pattern[Sex] = 1
		if a.sex != b.sex {
			c.pattern[Sex] = sexOther
		}
	}
	c.places(a, b)
	for _, p := range a.phones {
		for _, q := range b.phones {
			c.better(Phone, comparePhones(p, q), p)
		}
	}
	for _, p := range a.emails {
		for _, q := range b.emails {
			c.better(Email, compareEmails(p, q), p)
		}
	}
	if p := c.pattern[Email]; p == emailSimilar && (named(c.pattern[Given]) || named(c.pattern[Family])) {
		c.pattern[Email] = 0 // addresses are made of names, and say nothing beyond them
	}
	for _, p := range a.numbers {
		for _, q := range b.numbers {
			if p.scheme == q.scheme {
				c.better(Number, compareNumbers(p.value, q.value), "")
			}
		}
	}
}

func (c *compared) better(f Field, level uint8, value string) {
	if c.pattern[f] == 0 || level < c.pattern[f] {
		c.pattern[f] = level
		if level == 1 && value != "" {
			c.value[f] = hash(f, value)
		}
	}
}

func (c *compared) names(a, b *Form) {
	best := sameName{score: -1 << 30}
	for i := range a.names {
		for j := range b.names {
			if s := compareNames(&a.names[i], &b.names[j]); s.score > best.score {
				best = s
			}
		}
	}
	c.pattern[Given], c.pattern[Middle], c.pattern[Family] = best.given, best.middle, best.family
	if best.given != 0 && best.given < nameInitial || best.family != 0 && best.family < nameInitial {
		c.pattern[Order] = best.order
	}
	if best.givenPart != "" {
		c.value[Given] = hash(Given, best.givenPart)
	}
	if best.familyPart != "" {
		c.value[Family] = hash(Family, best.familyPart)
	}
}

func (c *compared) places(a, b *Form) {
	best := -1 << 30
	for i := range a.places {
		for j := range b.places {
			p, q := &a.places[i], &b.places[j]
			var levels [5]uint8
			levels[0] = comparePostcodes(p.postcode, q.postcode)
			levels[1] = compareHouses(p.house, q.house)
			levels[2] = compareStreets(p.street, q.street)
			levels[3] = compareLocalities(p.locality, q.locality)
			levels[4] = compareRegions(p.region, q.region)
			score := 0
			for _, l := range levels {
				if l != 0 {
					score += 4 - int(l)
				}
			}
			if score <= best {
				continue
			}
			best = score
			for k, text := range [5]string{p.postcode, p.house, p.street, p.locality, p.region} {
				f := placeFields[k]
				c.pattern[f], c.value[f] = levels[k], 0
				if levels[k] == 1 {
					c.value[f] = hash(f, text)
				}
			}
		}
	}
	// One place is inside the other: who shares a postcode often shares the street,
	// and who shares either is in the same town. That is not said twice.
	there := c.pattern[Postcode] == 1
	if there || c.pattern[Street] == 1 {
		for _, f := range [2]Field{Locality, Region} {
			if c.pattern[f] == 1 {
				c.pattern[f] = 0
			}
		}
	}
	if there {
		c.pattern[StreetThere], c.pattern[Street] = c.pattern[Street], 0
	}
}

var placeFields = [5]Field{Postcode, House, Street, Locality, Region}

// hash names a value of a field in the tables of frequencies: FNV-1a, 32 bits.
func hash(f Field, value string) uint32 {
	h := uint32(2166136261)
	h = (h ^ uint32(f)) * 16777619
	for i := 0; i < len(value); i++ {
		h = (h ^ uint32(value[i])) * 16777619
	}
	if h == 0 {
		return 1
	}
	return h
}

func dateText(d Date) string { return strconv.Itoa((d.Year*100+d.Month)*100 + d.Day) }

// compareDates compares two dates of birth as far as both are known.
func compareDates(a, b Date) uint8 {
	apart := a.Year - b.Year
	if apart < 0 {
		apart = -apart
	}
	switch slack := a.Within + b.Within; {
	case slack > 0 && apart <= slack:
		return birthYear
	case slack > 0:
		return birthOther
	case a.Month == 0 || b.Month == 0:
		if apart == 0 {
			return birthYear
		}
		if apart == 1 {
			return birthClose
		}
		return birthOther
	case a.Day == 0 || b.Day == 0:
		switch {
		case apart == 0 && a.Month == b.Month:
			return birthMonth
		case apart == 0:
			return birthClose
		}
		return birthOther
	case a == b:
		return birthSame
	}
	if apart == 0 && a.Month == b.Day && a.Day == b.Month {
		return birthSlip
	}
	var x, y [8]byte
	dateDigits(a, &x)
	dateDigits(b, &y)
	off, first, last := 0, -1, -1
	for i := range x {
		if x[i] != y[i] {
			if off == 0 {
				first = i
			}
			last = i
			off++
		}
	}
	if off == 1 || off == 2 && last == first+1 && x[first] == y[last] && x[last] == y[first] {
		return birthSlip
	}
	same := 0
	for _, s := range [3]bool{apart == 0, a.Month == b.Month, a.Day == b.Day} {
		if s {
			same++
		}
	}
	if same == 2 {
		return birthMost
	}
	days := (a.Year-b.Year)*365 + (a.Month-b.Month)*30 + a.Day - b.Day
	if same == 1 && off <= 3 || apart == 0 && off <= 2 || days > -62 && days < 62 {
		return birthClose
	}
	return birthOther
}

func dateDigits(d Date, into *[8]byte) {
	v := (d.Year*100+d.Month)*100 + d.Day
	for i := 7; i >= 0; i-- {
		into[i] = byte(v % 10)
		v /= 10
	}
}

func comparePostcodes(a, b string) uint8 {
	switch {
	case a == "" || b == "":
		return 0
	case a == b:
		return 1
	case len(a) > 3 && len(b) > 3 && within(a, b, 1):
		return 2
	}
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	if n >= 2 && 2*n >= max(len(a), len(b))-1 || n == min(len(a), len(b)) && n >= 2 {
		return 3
	}
	return 4
}

func compareHouses(a, b string) uint8 {
	switch {
	case a == "" || b == "":
		return 0
	case a == b:
		return 1
	case len(a) > 1 && len(b) > 1 && within(a, b, 1), strings.HasPrefix(a, b), strings.HasPrefix(b, a):
		return 2
	}
	return 3
}

func compareStreets(a, b string) uint8 {
	switch {
	case a == "" || b == "":
		return 0
	case a == b:
		return 1
	}
	switch in := contained(a, b); {
	case in >= 0.95:
		return 1
	case in >= 0.7:
		return 2
	case in >= 0.45:
		return 3
	}
	return 4
}

func compareLocalities(a, b string) uint8 {
	switch {
	case a == "" || b == "":
		return 0
	case a == b:
		return 1
	case min(len(a), len(b)) >= 4 && within(a, b, 2), dice(a, b) >= 0.6, jaroWinkler(a, b) >= 0.92:
		return 2
	}
	return 3
}

func compareRegions(a, b string) uint8 {
	switch {
	case a == "" || b == "":
		return 0
	case a == b:
		return 1
	case min(len(a), len(b)) >= 2 && within(a, b, 1):
		return 2
	}
	return 3
}

func comparePhones(a, b string) uint8 {
	switch {
	case a == b:
		return 1
	case within(a, b, 1), strings.HasSuffix(a, b), strings.HasSuffix(b, a):
		return 2
	}
	return 3
}

func compareEmails(a, b string) uint8 {
	if a == b {
		return 1
	}
	localA, localB := a[:strings.LastIndexByte(a, '@')+1], b[:strings.LastIndexByte(b, '@')+1]
	switch {
	case within(a, b, 2) && within(localA, localB, 1) && sameDigits(localA, localB):
		return 2
	case len(localA) > 6 && localA == localB, dice(a, b) >= 0.6:
		return 3
	}
	return 4
}

// sameDigits reports whether two texts have the same digits: anna84 and anna85 are
// two people's addresses and not a slip.
func sameDigits(a, b string) bool {
	digit := func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}
	return strings.Map(digit, a) == strings.Map(digit, b)
}

func compareNumbers(a, b string) uint8 {
	switch {
	case a == b:
		return 1
	case within(a, b, 1):
		return 2
	case min(len(a), len(b)) >= 6 && within(a, b, 2):
		return 3
	}
	return 4
}
