package match

import (
	"slices"
	"strconv"
	"strings"
)

// Record is what is known or claimed of a person, as typed and uncleaned. Every
// field may be empty: what is missing says nothing, for or against (REG-11,
// REG-12). Lists are for values that hold side by side or one after the other
// (a name before and after marriage), and the best fitting one counts.
//
// A field may hold anything. Text beyond maxText bytes and values beyond the
// limits below are not read.
type Record struct {
	Names       []Name
	Births      []Date
	Sex         string // "female", "male" or a first letter of these; all else is as missing
	Addresses   []Address
	Phones      []string
	Emails      []string
	Identifiers []Identifier
}

// Name is one name of a person. Parts whose role is known stand in Given and
// Family; Parts holds a whole name of which only the order as written is known.
// The roles are hints: a comparison also tries the name the other way round.
type Name struct {
	Given, Family, Parts string
}

// Date is a date of birth as far as it is known: a zero is not known. Month and
// Day are as they were written, possible or not, so that a slip of the pen can
// still be recognised. Within says by how many years the year may be wrong.
type Date struct {
	Year, Month, Day, Within int
}

// Address is where a person lives or lived. Lines holds the street and what else
// comes before the locality, in any order; the house number may stand in it.
type Address struct {
	House, Lines, Locality, Region, Postcode string
}

// Identifier is a number or code that some scheme gave to the person.
type Identifier struct {
	Scheme, Value string
}

// The limits of a record, which bound the time and memory of whatever is done
// with it.
const (
	maxText   = 256 // bytes of a field
	maxPart   = 32  // bytes of a part of a name
	maxParts  = 6   // parts of a name
	maxValues = 4   // names, addresses, telephone numbers, e-mail addresses
	maxNumber = 8   // identifiers
)

// DateOrder is the order in which a date is written.
type DateOrder uint8

// The orders. A date that begins with four digits has its year first in all of them.
const (
	YearFirst DateOrder = iota
	DayFirst
	MonthFirst
)

// ParseDate reads a date as people write it: 1971-06-24, 19710624, 1971-06 and 1971
// in all orders, 24/06/1971, 24061971 and 24 June 1971 with the day first. What
// cannot be read is the zero Date, which is a missing one.
func ParseDate(text string, order DateOrder) Date {
	if len(text) > 40 {
		return Date{}
	}
	var groups []string
	for _, g := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
		if g[0] >= 'a' { // a month by its name, or nothing
			at := strings.Index(months, g[:min(3, len(g))])
			if len(g) < 3 || at%3 != 0 {
				continue
			}
			if g = strconv.Itoa(at/3 + 1); order == MonthFirst && len(groups) > 0 {
				order = DayFirst
			}
		}
		g, _, _ = strings.Cut(g, "t") // 24t00 in a time of day, 24th
		groups = append(groups, strings.TrimRight(g, "abcdefghijklmnopqrsuvwxyz"))
	}
	if len(groups) > 0 && len(groups[0]) == 8 {
		g := groups[0]
		if order == YearFirst {
			groups = []string{g[:4], g[4:6], g[6:]}
		} else {
			groups = []string{g[:2], g[2:4], g[4:]}
		}
	}
	if len(groups) == 0 || len(groups) > 6 {
		return Date{}
	}
	groups = groups[:min(len(groups), 3)]
	if len(groups[0]) != 4 && order != YearFirst {
		slices.Reverse(groups)
		if order == MonthFirst && len(groups) == 3 {
			groups[1], groups[2] = groups[2], groups[1]
		}
	}
	var d Date
	for i, into := range []*int{&d.Year, &d.Month, &d.Day} {
		if i < len(groups) && len(groups[i]) <= 4 {
			*into, _ = strconv.Atoi(groups[i])
		}
	}
	return d.bounded()
}

const months = "janfebmaraprmayjunjulaugsepoctnovdec"

// bounded is the date with what no calendar could mean set to not known.
func (d Date) bounded() Date {
	if d.Year < 1 || d.Year > 9999 {
		return Date{}
	}
	if d.Month < 1 || d.Month > 99 {
		d.Month, d.Day = 0, 0
	}
	if d.Day < 1 || d.Day > 99 {
		d.Day = 0
	}
	d.Within = min(max(d.Within, 0), 99)
	return d
}
