package registrar

import (
	"strconv"
	"strings"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// Item is one datum by which a person is recognised, with where it is from (REG-03,
// REG-04): exactly one of Name to Death.
type Item struct {
	Source     string      `json:"source"`
	VerifiedAt *time.Time  `json:"verified_at,omitempty"` // when somebody saw that it is so
	Name       *Name       `json:"name,omitempty"`
	Birth      *Birth      `json:"birth,omitempty"`
	Sex        string      `json:"sex,omitempty"`
	Address    *Address    `json:"address,omitempty"`
	Phone      string      `json:"phone,omitempty"`
	Email      string      `json:"email,omitempty"`
	Identifier *Identifier `json:"identifier,omitempty"`
	Parent     *Parent     `json:"parent,omitempty"`
	Biometric  *Biometric  `json:"biometric,omitempty"`
	Unborn     *Unborn     `json:"unborn,omitempty"`
	Death      *Death      `json:"death,omitempty"`
}

// Name is one name of a person; several may hold side by side.
type Name struct {
	Given  string `json:"given,omitempty"`
	Family string `json:"family,omitempty"`
	Whole  string `json:"whole,omitempty"` // where nobody knows which part is which
	Use    string `json:"use,omitempty"`
	From   string `json:"from,omitempty"` // a date as far as it is known
	Until  string `json:"until,omitempty"`
}

// Birth is when, as far as it is known, and where.
type Birth struct {
	Date   string `json:"date"`
	Within int    `json:"within,omitempty"` // by how many years the year may be wrong
	Place  string `json:"place,omitempty"`
}

// Address is where a person lives or lived.
type Address struct {
	House    string `json:"house,omitempty"`
	Lines    string `json:"lines,omitempty"`
	Locality string `json:"locality,omitempty"`
	Region   string `json:"region,omitempty"`
	Postcode string `json:"postcode,omitempty"`
	From     string `json:"from,omitempty"`
	Until    string `json:"until,omitempty"`
}

// Identifier is a number that some scheme gave to the person. None is ever needed
// (REG-12).
type Identifier struct {
	Scheme string `json:"scheme"`
	Value  string `json:"value"`
}

// Parent is a parent's name and occupation.
type Parent struct {
	Name       Name   `json:"name"`
	Occupation string `json:"occupation,omitempty"`
}

// Biometric is where a biometric is kept, never the biometric (REG-06).
type Biometric struct {
	Method    string `json:"method"`
	Reference string `json:"reference"`
}

// Unborn is a child that is not born yet; each of several has an entry of its own.
type Unborn struct {
	Due string `json:"due"`
	Of  int    `json:"of,omitempty"` // how many are expected
}

// Death is when, as far as it is known.
type Death struct {
	Date string `json:"date"`
}

// kind is which of the members the item has, "" unless it is exactly one.
func (i *Item) kind() (kind string) {
	for _, k := range []struct {
		name string
		has  bool
	}{
		{"name", i.Name != nil}, {"birth", i.Birth != nil}, {"sex", i.Sex != ""}, {"address", i.Address != nil}, {"phone", i.Phone != ""},
		{"email", i.Email != ""}, {"identifier", i.Identifier != nil}, {"parent", i.Parent != nil}, {"biometric", i.Biometric != nil},
		{"unborn", i.Unborn != nil}, {"death", i.Death != nil},
	} {
		switch {
		case k.has && kind != "":
			return ""
		case k.has:
			kind = k.name
		}
	}
	return kind
}

// TypeOf says of which of the three types a datum is, by its kind (REG-03).
// Performative ones are package signin's.
func TypeOf(kind string) string {
	if kind == "biometric" {
		return "biometric"
	}
	return "demographic"
}

// items checks what openapi.yaml cannot say. at is now: nothing was seen later.
func (c *checks) items(all []Item, at time.Time) {
	for n, i := range all {
		c.that(i.kind() != "", "give exactly one datum: name, birth, sex, address, phone, email, identifier, parent, biometric, unborn or death", "/items/%d", n)
		c.that(i.VerifiedAt == nil || !i.VerifiedAt.After(at), "name a time that has come", "/items/%d/verified_at", n)
		if i.Name != nil {
			c.name(i.Name, "/items/"+strconv.Itoa(n)+"/name")
		}
		if i.Parent != nil {
			c.name(&i.Parent.Name, "/items/"+strconv.Itoa(n)+"/parent/name")
		}
		if i.Birth != nil {
			c.that(IsDate(i.Birth.Date) && i.Birth.Date <= at.AddDate(1, 0, 0).Format(time.DateOnly),
				"write a date of the calendar that is no more than a year ahead, or leave out the day", "/items/%d/birth/date", n)
		}
		if i.Unborn != nil {
			c.that(IsDate(i.Unborn.Due) && i.Unborn.Due >= at.AddDate(-1, 0, 0).Format("2006") && i.Unborn.Due <= at.AddDate(1, 0, 0).Format(time.DateOnly),
				"write a date of the calendar within a year of today", "/items/%d/unborn/due", n)
		}
		if i.Death != nil {
			c.that(IsDate(i.Death.Date) && i.Death.Date <= at.Format(time.DateOnly), "write a date of the calendar that has come", "/items/%d/death/date", n)
		}
		if a := i.Address; a != nil {
			c.that(a.House+a.Lines+a.Locality+a.Region+a.Postcode != "", "write an address, or leave it out", "/items/%d/address", n)
			c.period(a.From, a.Until, "/items/"+strconv.Itoa(n)+"/address")
		}
	}
}

func (c *checks) name(n *Name, at string) {
	c.that(strings.TrimSpace(n.Given+n.Family+n.Whole) != "", "write a name: given, family or whole", "%s", at)
	c.that(n.Whole == "" || n.Given+n.Family == "", "write the name whole or in parts, not both", "%s/whole", at)
	c.period(n.From, n.Until, at)
}

func (c *checks) period(from, until, at string) {
	c.that(from == "" || IsDate(from), "write a date of the calendar, or leave out the day", "%s/from", at)
	c.that(until == "" || IsDate(until) && (from == "" || until >= from[:min(len(from), len(until))]), "write a date of the calendar that does not come before from", "%s/until", at)
}

// IsDate reports whether it is a year, a month or a day of the calendar.
func IsDate(s string) bool {
	for _, form := range []string{"2006", "2006-01", time.DateOnly} {
		if len(s) == len(form) {
			t, err := time.Parse(form, s)
			return err == nil && t.Year() > 0
		}
	}
	return false
}

// Kept is an item as it is kept.
type Kept struct {
	ID         ident.ItemID
	Kind       string
	RecordedAt time.Time
	// RecordedBy is who recorded it, by which act (SUS-16): a keeper, or the person.
	RecordedBy ident.Practitioner
	Act        ident.ActID
	Item
}
