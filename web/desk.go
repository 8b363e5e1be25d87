package web

import (
	"strconv"
	"time"
)

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
