package consent

import (
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// checks gathers what is wrong with a request, so that one answer names every
// place. It keeps pointers and advice, never values.
type checks []fault.Field

func (c *checks) that(ok bool, pointer, advice string) {
	if !ok {
		*c = append(*c, fault.Field{Pointer: pointer, Detail: advice})
	}
}

// fault is nil when nothing was found, else Invalid.
func (c checks) fault() error {
	if len(c) == 0 {
		return nil
	}
	f := fault.New(fault.Invalid, "correct what is listed under errors")
	f.Fields = c
	return f
}

// terms checks what, why, with whom and until when.
func (c *checks) terms(r *Request, terms *decide.Terms, at time.Time) {
	c.audience(r.Audience, terms, at)
	c.codes(r.Purposes, terms.Codes.Purposes, "/purposes")
	c.codes(r.Aspects, terms.Codes.Aspects, "/aspects")
	c.until(exact(r.Until), at)
}

// evidence checks that there is evidence of a known kind.
func (c *checks) evidence(e Evidence) {
	c.that(slices.Contains(evidenceKinds, e), "/evidence", fmt.Sprintf("say how it was recorded: one of %v", evidenceKinds))
}

// understanding checks that it is said how the person was found to understand,
// where the partnership asks for it.
func (c *checks) understanding(u Understanding, terms *decide.Terms) {
	c.that(u == "" && !terms.Settings.NeedsUnderstanding || slices.Contains(understandings, u),
		"/understanding", fmt.Sprintf("say how you made sure that the person understands: one of %v", understandings))
}

// codes checks that a list names something, nothing twice, and only what the
// partnership's closed list holds.
func (c *checks) codes(given []string, list []decide.Code, pointer string) {
	known := !slices.ContainsFunc(given, func(s string) bool { return !decide.Has(list, s) })
	c.that(known && counted(given, mostCodes), pointer,
		fmt.Sprintf("name 1 to %d codes of the partnership's list, each once", mostCodes))
}

// audience checks that everyone named is a member agency or an open column.
func (c *checks) audience(a decide.Audience, terms *decide.Terms, at time.Time) {
	switch a.Kind {
	case decide.ToPartnership:
		c.that(len(a.Names) == 0, "/audience", "the whole partnership takes no names: leave them out")
	case decide.ToAgencies:
		known := !slices.ContainsFunc(a.Names, func(n string) bool { return terms.FindAgency(ident.Agency(n), at) == nil })
		c.that(known && counted(a.Names, mostNames), "/audience/agencies",
			fmt.Sprintf("name 1 to %d member agencies, each once", mostNames))
	case decide.ToColumns:
		known := !slices.ContainsFunc(a.Names, func(n string) bool { return terms.FindColumn(ident.Column(n), at) == nil })
		c.that(known && counted(a.Names, mostNames), "/audience/columns",
			fmt.Sprintf("name 1 to %d open columns, each once", mostNames))
	case decide.ToPeers:
		c.that(terms.HasAudience(a) && counted(a.Names, mostNames), "/audience/peers",
			fmt.Sprintf("name 1 to %d hubs of the partnership's agreements, each once", mostNames))
	default:
		c.that(false, "/audience", "name the partnership, agencies, columns or other hubs")
	}
}

// until checks the end: still to come, and not beyond LongestYears.
func (c *checks) until(t, at time.Time) {
	c.that(t.After(at) && !t.After(at.AddDate(LongestYears, 0, 0)), "/until",
		fmt.Sprintf("name a time that is still to come and at most %d years away", LongestYears))
}

// wording checks that the version of the words shown has the shape of a code.
func (c *checks) wording(s string) {
	c.that(isCode(s), "/wording",
		"name the version of the words shown: 1 to 63 of a-z, 0-9 and hyphen, not starting with a hyphen")
}

// isCode reports what the database's domain governance.code accepts.
func isCode(s string) bool {
	for _, r := range []byte(s) {
		if r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 63 && s[0] != '-'
}

// counted reports whether a list has 1 to most members, all different.
func counted(list []string, most int) bool {
	return len(list) >= 1 && len(list) <= most && len(slices.Compact(slices.Sorted(slices.Values(list)))) == len(list)
}
