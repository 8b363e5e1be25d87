package partnership

import (
	"slices"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
)

// personal are claims that tell people apart. A mapping is for groups: a
// document that named people by such a claim would be a list of them.
var personal = []string{"sub", "email", "name", "preferred_username", "nickname", "upn", "oid", "phone_number"}

func (c *checker) eachIssuer() {
	list := c.doc.Issuers
	unique(c, list, func(i decide.Issuer) string { return i.Name },
		func(i int) []any { return in("issuers", i, "name") }, "name")
	unique(c, list, func(i decide.Issuer) [2]string { return [2]string{i.Issuer, i.Audience} },
		func(i int) []any { return in("issuers", i, "issuer") }, "issuer and audience")
	for i, issuer := range list {
		c.secure(issuer.Issuer, in("issuers", i, "issuer"))
		if issuer.Agency != "" {
			c.refer(c.agencyCodes, string(issuer.Agency), in("issuers", i, "agency"))
		}
		unique(c, issuer.Mappings, func(m decide.Mapping) [2]string { return [2]string{m.Claim, m.Value} },
			func(j int) []any { return in("issuers", i, "mappings", j, "value") }, "claim and value")
		for j, m := range issuer.Mappings {
			c.mapping(in("issuers", i, "mappings", j), issuer, m)
		}
	}
}

func (c *checker) mapping(place []any, issuer decide.Issuer, m decide.Mapping) {
	at := func(field string) []any { return append(place[:len(place):len(place)], field) }
	if slices.Contains(personal, m.Claim) {
		c.add(at("claim"), "name a claim that says what somebody is, such as groups; register single people under practitioners")
	}
	referAll(c, c.roles, m.Roles, at("roles"))
	if !c.refer(c.agencyCodes, string(m.Agency), at("agency")) {
		return
	}
	if issuer.Agency != "" && m.Agency != issuer.Agency {
		c.add(at("agency"), "name the agency of the issuer: it speaks for no other")
	}
	c.memberships(m.Providers, m.Agency, "", at("providers"))
}

func (c *checker) eachPractitioner() {
	list := c.doc.Practitioners
	unique(c, list, func(p Practitioner) ident.Practitioner { return p.ID },
		func(i int) []any { return in("practitioners", i, "id") }, "id")
	unique(c, list, func(p Practitioner) [2]string { return [2]string{p.Issuer, p.Subject} },
		func(i int) []any { return in("practitioners", i, "subject") }, "issuer and subject")
	for i, p := range list {
		c.period(p.Starts, p.Ends, "practitioners", i)
		referAll(c, c.roles, p.Roles, in("practitioners", i, "roles"))
		issuer := c.refer(c.issuerNames, p.Issuer, in("practitioners", i, "issuer"))
		if !c.refer(c.agencyCodes, string(p.Agency), in("practitioners", i, "agency")) {
			continue
		}
		if issuer {
			if only := c.issuers[p.Issuer].Agency; only != "" && only != p.Agency {
				c.add(in("practitioners", i, "agency"), "name the agency of the practitioner's issuer, or an issuer that speaks for this agency")
			}
		}
		c.memberships(p.Providers, p.Agency, p.ID, in("practitioners", i, "providers"))
	}
}

// memberships checks that people of the agency may act for the providers. Who
// is empty for a mapping, which speaks of a group.
func (c *checker) memberships(providers []ident.Provider, agency ident.Agency, who ident.Practitioner, place []any) {
	for j, id := range providers {
		at := append(place[:len(place):len(place)], j)
		if !c.refer(c.providerCodes, string(id), at) {
			continue
		}
		p := c.providers[id]
		switch {
		case !reaches(p, agency):
			c.add(at, "name a provider of the same agency, or a team that spans it")
		case p.Kind == decide.NamedPerson && p.Person != who:
			c.add(at, "leave this out: a provider of kind named-person is that person alone")
		}
	}
}

// counts reports whether an issuer is relied on enough for an officer to govern.
func (c *checker) counts(issuer string) bool {
	terms := decide.Terms{Issuers: c.doc.Issuers, Settings: c.doc.Settings}
	return c.issuers[issuer] != nil && terms.Counts(GovernanceOfficer, issuer)
}

// governed checks that the partnership does not lock itself out: somebody who
// may apply the next document can sign in at that instant.
func (c *checker) governed() {
	for _, p := range c.doc.Practitioners {
		agency := c.agencies[p.Agency]
		if slices.Contains(p.Roles, GovernanceOfficer) && c.counts(p.Issuer) && within(c.at, p.Starts, p.Ends) &&
			agency != nil && within(c.at, agency.Starts, agency.Ends) {
			return
		}
	}
	for _, issuer := range c.doc.Issuers {
		for _, m := range issuer.Mappings {
			agency := c.agencies[m.Agency]
			if slices.Contains(m.Roles, GovernanceOfficer) && c.counts(issuer.Name) && agency != nil && within(c.at, agency.Starts, agency.Ends) {
				return
			}
		}
	}
	c.add(in("practitioners"), "add a practitioner with the role %s who can sign in now, or an issuer's mapping that gives it: "+
		"without one nobody could apply another document", GovernanceOfficer)
}
