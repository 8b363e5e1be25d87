package partnership

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// checker judges the meaning of a document whose structure is right.
type checker struct {
	doc      *Document
	at       time.Time
	problems []fault.Field

	agencies  map[ident.Agency]*decide.Agency
	providers map[ident.Provider]*decide.Provider
	issuers   map[string]*decide.Issuer
	powers    map[string]*decide.Power

	// The closed lists that references are held to.
	agencyCodes, providerCodes, issuerNames, kinds, powerCodes, purposes, aspects, roles, columnCodes *closed
	ordinary, sensitive                                                                               *closed
}

// check returns every problem of meaning.
func check(doc *Document, at time.Time) []fault.Field {
	c := &checker{doc: doc, at: at}
	c.collect()
	c.partnership()
	c.codes()
	c.eachIssuer()
	c.eachAgency()
	c.eachRegistrar()
	c.eachManager()
	c.eachProvider()
	c.eachColumn()
	c.eachPower()
	c.eachBar()
	c.eachAgreement()
	c.recourse()
	c.eachService()
	c.eachPractitioner()
	c.governed()
	return c.problems
}

// collect gathers what the document declares.
func (c *checker) collect() {
	d := c.doc
	c.agencies = byKey(d.Agencies, func(a *decide.Agency) ident.Agency { return a.ID })
	c.providers = byKey(d.Providers, func(p *decide.Provider) ident.Provider { return p.ID })
	c.issuers = byKey(d.Issuers, func(i *decide.Issuer) string { return i.Name })
	c.powers = byKey(d.Powers, func(p *decide.Power) string { return p.Code })

	code := func(e decide.Code) string { return e.Code }
	c.agencyCodes = closedOf("an agency", d.Agencies, func(a decide.Agency) string { return string(a.ID) })
	c.kinds = closedOf("a kind that an agency has", d.Agencies, func(a decide.Agency) string { return a.Kind })
	c.providerCodes = closedOf("a provider", d.Providers, func(p decide.Provider) string { return string(p.ID) })
	c.issuerNames = closedOf("an issuer", d.Issuers, func(i decide.Issuer) string { return i.Name })
	c.powerCodes = closedOf("a power", d.Powers, func(p decide.Power) string { return p.Code })
	c.purposes = closedOf("a purpose of codes.purposes", d.Codes.Purposes, code)
	c.aspects = closedOf("an aspect of codes.aspects", d.Codes.Aspects, code)
	c.roles = closedOf("a role of codes.roles", d.Codes.Roles, code)
	c.columnCodes = closedOf("a column", d.Columns, func(k decide.Column) string { return string(k.ID) })

	profile, _ := LawProfile(d.Partnership.LawProfile)
	condition := func(p decide.ProfileCondition) string { return p.Code }
	withoutConsent := decide.ProfileCondition.OnConsent
	// Whoever receives has no consent of the subject's to show, so that a
	// condition that is consent would refuse every enquiry.
	c.ordinary = closedOf("a condition for ordinary data of the law profile that is not consent",
		slices.DeleteFunc(profile.Ordinary, withoutConsent), condition)
	c.sensitive = closedOf("a condition for sensitive data of the law profile that is not consent",
		slices.DeleteFunc(profile.Sensitive, withoutConsent), condition)
}

func byKey[K comparable, V any](list []V, key func(*V) K) map[K]*V {
	m := make(map[K]*V, len(list))
	for i := range list {
		m[key(&list[i])] = &list[i]
	}
	return m
}

// add notes a problem at the place that the tokens name.
func (c *checker) add(place []any, format string, args ...any) {
	c.problems = append(c.problems, fault.Field{Pointer: pointer(place...), Detail: fmt.Sprintf(format, args...)})
}

// in names a place.
func in(tokens ...any) []any { return tokens }

// closed is a closed list that the document declares.
type closed struct {
	what  string // with its article, for "name ..."
	codes []string
	known map[string]bool
	names string // how a refusal names it, made when first needed
}

func closedOf[V any](what string, list []V, code func(V) string) *closed {
	l := &closed{what: what, known: make(map[string]bool, len(list))}
	for _, v := range list {
		if s := code(v); !l.known[s] {
			l.known[s] = true
			l.codes = append(l.codes, s)
		}
	}
	return l
}

// maxOptions is how many codes a refusal offers.
const maxOptions = 10

// instead says what may be named.
func (l *closed) instead() string {
	switch {
	case l.names != "":
	case len(l.codes) == 0:
		l.names = "name " + l.what + "; the document declares none yet"
	case len(l.codes) > maxOptions:
		l.names = fmt.Sprintf("name %s, such as %s", l.what, strings.Join(l.codes[:maxOptions], ", "))
	default:
		l.names = fmt.Sprintf("name %s: %s", l.what, strings.Join(l.codes, ", "))
	}
	return l.names
}

// refer holds one reference to a closed list and reports whether it resolves.
func (c *checker) refer(l *closed, code string, place []any) bool {
	if !l.known[code] {
		c.add(place, "%s", l.instead())
		return false
	}
	return true
}

// referAll holds a list of references to a closed list.
func referAll[S ~string](c *checker, l *closed, codes []S, place []any) {
	for i, code := range codes {
		c.refer(l, string(code), append(place[:len(place):len(place)], i))
	}
}

// unique holds the members of a list to keys of their own.
func unique[V any, K comparable](c *checker, list []V, key func(V) K, place func(i int) []any, what string) {
	seen := make(map[K]bool, len(list))
	for i, v := range list {
		if k := key(v); seen[k] {
			c.add(place(i), "write another: an earlier member of this list has the same %s", what)
		} else {
			seen[k] = true
		}
	}
}

// period holds two dates to their order.
func (c *checker) period(starts, ends *time.Time, place ...any) {
	if starts != nil && ends != nil && !starts.Before(*ends) {
		c.add(append(place, "ends"), "write a time that is after starts")
	}
}

// within reports starts ≤ at < ends, an absent bound being open.
func within(at time.Time, starts, ends *time.Time) bool {
	return (starts == nil || !at.Before(*starts)) && !over(at, ends)
}

// over reports whether what ends then has ended.
func over(at time.Time, ends *time.Time) bool { return ends != nil && !at.Before(*ends) }
