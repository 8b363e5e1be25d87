package web

import (
	"strconv"
	"time"
)

// days is how long ago a day was: of another agency's act the day alone is known.
func (v *visit) days(at time.Time) string {
	switch n := int(v.p.Now().UTC().Truncate(24*time.Hour).Sub(at.UTC().Truncate(24*time.Hour)).Hours() / 24); n {
	case 0:
		return "today"
	case 1:
		return "yesterday"
	default:
		return strconv.Itoa(n) + " days ago"
	}
}

// age is how long ago something was, as far as anybody needs to know it.
func (v *visit) age(at time.Time) string {
	switch d := v.p.Now().Sub(at); {
	case d < time.Hour:
		return "within the last hour"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " hours ago"
	default:
		return strconv.Itoa(int(d.Hours()/24)) + " days ago"
	}
}
