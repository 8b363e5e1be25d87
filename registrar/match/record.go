package match

import "strings"

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

// ParseDate reads a date as people write it, year first: 1971-06-24, 19710624,
// 1971-06, 1971. With dayFirst it reads 24/06/1971 and 24061971 too. What cannot
// be read is the zero Date, which is a missing one.
func ParseDate(text string, dayFirst bool) Date {
	if len(text) > 32 {
		return Date{}
	}
	var groups []string
	for _, g := range strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' }) {
		groups = append(groups, g)
	}
	if len(groups) == 1 && len(groups[0]) == 8 {
		g := groups[0]
		if dayFirst {
			groups = []string{g[:2], g[2:4], g[4:]}
		} else {
			groups = []string{g[:4], g[4:6], g[6:]}
		}
	}
	if len(groups) == 0 || len(groups) > 6 {
		return Date{}
	}
	if n := min(len(groups), 3); dayFirst && len(groups[0]) != 4 {
		groups[0], groups[n-1] = groups[n-1], groups[0]
	}
	var d Date
	for i, into := range []*int{&d.Year, &d.Month, &d.Day} {
		if i < len(groups) && len(groups[i]) <= 4 {
			for _, c := range groups[i] {
				*into = *into*10 + int(c-'0')
			}
		}
	}
	return d.bounded()
}

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
