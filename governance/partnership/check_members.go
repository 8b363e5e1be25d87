package partnership

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
)

func (c *checker) eachAgency() {
	unique(c, c.doc.Agencies, func(a decide.Agency) ident.Agency { return a.ID },
		func(i int) []any { return in("agencies", i, "id") }, "id")
	for i, a := range c.doc.Agencies {
		c.period(a.Starts, a.Ends, "agencies", i)
		if a.Webhook != "" {
			c.secure(a.Webhook, in("agencies", i, "webhook"))
		}
	}
}

// eachRegistrar checks that whatever a registrar signs can be verified, and is
// told from what another signs.
func (c *checker) eachRegistrar() {
	unique(c, c.doc.Registrars, func(r decide.Registrar) string { return r.Code },
		func(i int) []any { return in("registrars", i, "code") }, "code")
	seen, clients := map[string]bool{}, map[string]bool{}
	for i, r := range c.doc.Registrars {
		for j, other := range r.CoveredBy {
			if other == r.Code || !slices.ContainsFunc(c.doc.Registrars, func(r decide.Registrar) bool { return r.Code == other }) {
				c.add(in("registrars", i, "covered_by", j), "name another registrar of the document")
			}
		}
		for j, p := range r.RelyingParties {
			c.relyingParty(p, clients, "registrars", i, "relying_parties", j)
		}
		c.refer(c.agencyCodes, string(r.Agency), in("registrars", i, "agency"))
		referAll(c, c.roles, r.Roles, in("registrars", i, "roles"))
		for j, k := range r.Keys {
			place := in("registrars", i, "keys", j)
			if seen[k.Kid] {
				c.add(place, "leave this out: a registrar has this key already")
			}
			seen[k.Kid] = true
			if _, err := attest.KeysOf(k); err != nil {
				c.add(place, "write a public P-256 key as a JWK, with its RFC 7638 thumbprint as kid, use sig and alg ES256")
			}
		}
	}
}

// eachService checks that somebody answers for every part of what members share (FED-34).
func (c *checker) eachService() {
	unique(c, c.doc.Services, func(s decide.SharedService) string { return s.Code },
		func(i int) []any { return in("services", i, "code") }, "code")
	for i, s := range c.doc.Services {
		r := s.Responsible
		for part, agency := range map[string]ident.Agency{
			"ownership": r.Ownership, "design": r.Design, "operation": r.Operation, "capacity": r.Capacity, "performance": r.Performance,
		} {
			c.refer(c.agencyCodes, string(agency), in("services", i, "responsible", part))
		}
	}
}

// relyingParty checks that people are sent back to nobody else, and that whoever says
// to be the site can be told from it. A site on one's own machine needs no TLS.
func (c *checker) relyingParty(p decide.RelyingParty, clients map[string]bool, place ...any) {
	at := func(more ...any) []any { return in(append(slices.Clone(place), more...)...) }
	if clients[p.Client] {
		c.add(at("client"), "write another code: a relying party has this one already")
	}
	clients[p.Client] = true
	c.refer(c.agencyCodes, string(p.Agency), at("agency"))
	for name, uris := range map[string][]string{"redirect_uris": p.RedirectURIs, "signed_out_uris": p.SignedOutURIs} {
		for i, uri := range uris {
			u, err := url.Parse(uri)
			if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && isOwnMachine(u.Hostname())) {
				c.add(at(name, i), "write an https address without a fragment; http is for localhost alone")
			}
		}
	}
	for i, k := range p.Keys {
		if _, err := attest.KeysOf(k); err != nil {
			c.add(at("keys", i), "write a public P-256 key as a JWK, with its RFC 7638 thumbprint as kid, use sig and alg ES256")
		}
	}
}

func isOwnMachine(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1"
}

func (c *checker) eachManager() {
	unique(c, c.doc.Managers, func(m decide.Idmgr) ident.Idmgr { return m.Code },
		func(i int) []any { return in("managers", i, "code") }, "code")
	for i, m := range c.doc.Managers {
		c.refer(c.agencyCodes, string(m.Agency), in("managers", i, "agency"))
		referAll(c, c.roles, m.Roles, in("managers", i, "roles"))
		referAll(c, c.columnCodes, m.Columns, in("managers", i, "columns"))
	}
}

func (c *checker) eachProvider() {
	unique(c, c.doc.Providers, func(p decide.Provider) ident.Provider { return p.ID },
		func(i int) []any { return in("providers", i, "id") }, "id")
	registered := byKey(c.doc.Practitioners, func(p *Practitioner) ident.Practitioner { return p.ID })
	for i, p := range c.doc.Providers {
		c.refer(c.agencyCodes, string(p.Agency), in("providers", i, "agency"))
		c.span(i, p)
		c.person(i, p, registered[p.Person])
	}
}

// span checks who a team spans; no other kind spans anything (COL-03).
func (c *checker) span(i int, p decide.Provider) {
	if p.Kind != decide.Team && len(p.Agencies) > 0 {
		c.add(in("providers", i, "agencies"), "leave this out: only a provider of kind team spans agencies")
		return
	}
	referAll(c, c.agencyCodes, p.Agencies, in("providers", i, "agencies"))
	for j, a := range p.Agencies {
		if a == p.Agency {
			c.add(in("providers", i, "agencies", j), "leave this out: the provider's own agency is part of the team already")
		}
	}
}

// person checks that a named person is named and has an end, and that no
// other kind has a person.
func (c *checker) person(i int, p decide.Provider, registered *Practitioner) {
	switch {
	case p.Kind != decide.NamedPerson && p.Person != "":
		c.add(in("providers", i, "person"), "leave this out: only a provider of kind named-person is a person")
	case p.Kind != decide.NamedPerson:
	case p.Person == "":
		c.add(in("providers", i, "person"), "name the practitioner who is this provider: kind named-person needs one")
	case registered != nil && registered.Agency != p.Agency:
		c.add(in("providers", i, "person"), "name a practitioner of the provider's own agency")
	}
	if p.Kind == decide.NamedPerson && p.Ends == nil {
		c.add(in("providers", i, "ends"), "write when this person's caseload ends or is reviewed: kind named-person needs it")
	}
}

// reaches reports whether people of the agency may act for the provider.
func reaches(p *decide.Provider, agency ident.Agency) bool {
	if p.Agency == agency {
		return true
	}
	for _, a := range p.Agencies {
		if p.Kind == decide.Team && a == agency {
			return true
		}
	}
	return false
}

func (c *checker) eachColumn() {
	unique(c, c.doc.Columns, func(col decide.Column) ident.Column { return col.ID },
		func(i int) []any { return in("columns", i, "id") }, "id")
	for i, col := range c.doc.Columns {
		provider := c.refer(c.providerCodes, string(col.Provider), in("columns", i, "provider"))
		agency := c.refer(c.agencyCodes, string(col.Agency), in("columns", i, "agency"))
		if provider && agency && !reaches(c.providers[col.Provider], col.Agency) {
			c.add(in("columns", i, "agency"), "name the agency of the column's provider, or one of the agencies that its team spans")
		}
		c.pattern(i, col)
		c.contacts(i, col)
	}
}

// pattern checks that a column says what its identifiers look like, and that
// its example is one.
func (c *checker) pattern(i int, col decide.Column) {
	place := in("columns", i, "pattern")
	if _, err := regexp.Compile(col.Pattern); err != nil {
		c.add(place, "write a regular expression in the syntax of RE2, for example [A-Z]{2}[0-9]{5}")
		return
	}
	whole, err := regexp.Compile(`\A(?:` + col.Pattern + `)\z`)
	if err != nil {
		c.add(place, "write a shorter regular expression")
		return
	}
	if matchesAnything(whole) {
		c.add(place, "write what an identifier looks like, so that a typing error can be refused: this lets anything pass")
		return
	}
	if !whole.MatchString(col.Example) {
		c.add(in("columns", i, "example"), "write a made-up identifier that the whole of the column's pattern matches")
	}
}

// noIdentifier begins with what no agency writes in an identifier. A pattern
// that accepts it, or nothing at all, tells no identifier from a slip.
const noIdentifier = "☃~ ?é/☃~ ?é/☃~ ?é/☃~ ?é/☃~ ?é/☃~ ?é/☃~ ?é/☃~ ?é/☃~ ?é/☃~ ?é/☃~ ?é"

func matchesAnything(whole *regexp.Regexp) bool {
	if whole.MatchString("") {
		return true
	}
	probe := []rune(noIdentifier)
	for n := 1; n <= len(probe); n++ {
		if whole.MatchString(string(probe[:n])) {
			return true
		}
	}
	return false
}

// What each kind of contact looks like.
var contactForms = map[string]struct {
	form    *regexp.Regexp
	instead string
}{
	"telephone": {regexp.MustCompile(`^\+?[0-9][0-9 ()-]{4,29}$`), "write a telephone number in digits and spaces, for example 01632 960000"},
	"email":     {regexp.MustCompile(`^[^\s@]+@[^\s@]+$`), "write an address for mail, for example desk@agency.example"},
	"page":      {regexp.MustCompile(`^https://[^\s]+$`), "write the address of a page that begins with https://"},
}

func (c *checker) contacts(i int, col decide.Column) {
	unique(c, col.Contacts, func(r decide.ContactRoute) string { return r.Code },
		func(j int) []any { return in("columns", i, "contacts", j, "code") }, "code")
	for j, r := range col.Contacts {
		if f, ok := contactForms[r.Kind]; ok && !f.form.MatchString(r.Value) {
			c.add(in("columns", i, "contacts", j, "value"), "%s", f.instead)
		}
		// A day has begun somewhere fourteen hours before it begins in UTC.
		if day, err := time.Parse(time.DateOnly, r.Confirmed); err == nil && day.After(c.at.Add(14*time.Hour)) {
			c.add(in("columns", i, "contacts", j, "confirmed"), "write the day on which it was last found to work, not one to come")
		}
	}
}

// loopback is where plain http is no danger: nothing leaves the machine.
var loopback = regexp.MustCompile(`^http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?(/|$)`)

// secure checks that an address is https, or on the machine itself.
func (c *checker) secure(address string, place []any) {
	if !strings.HasPrefix(address, "https://") && !loopback.MatchString(address) {
		c.add(place, "write an address that begins with https://; plain http is for the machine itself only")
	}
}
