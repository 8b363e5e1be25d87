package entity

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Constraints are what a superior allows below it (section 6.2).
type Constraints struct {
	MaxPathLength *int               `json:"max_path_length,omitempty"`
	Naming        *NamingConstraints `json:"naming_constraints,omitempty"`
	// EntityTypes are those that a subordinate may be; federation_entity is always
	// one. Nil: any.
	EntityTypes *[]string `json:"allowed_entity_types,omitempty"`
}

// NamingConstraints are which hosts may be below (RFC 5280, section 4.2.1.10, for URIs):
// one host, or with a leading dot everything below a domain.
type NamingConstraints struct {
	Permitted []string `json:"permitted,omitempty"`
	Excluded  []string `json:"excluded,omitempty"`
}

func (c *Constraints) check() error {
	switch {
	case c == nil:
		return nil
	case c.MaxPathLength != nil && *c.MaxPathLength < 0:
		return refused("max_path_length is less than none")
	case c.EntityTypes != nil && slices.Contains(*c.EntityTypes, FederationEntity):
		return refused("allowed_entity_types names federation_entity, which is always allowed")
	}
	if c.Naming != nil {
		for _, name := range slices.Concat(c.Naming.Permitted, c.Naming.Excluded) {
			if name == "" || strings.ContainsAny(name, "/:@ *") {
				return refused("a naming constraint is neither a host nor a domain")
			}
		}
	}
	return nil
}

// allows refuses a subordinate that the constraints do not: between is how many
// intermediates stand between whoever sets them and the subject of the chain.
func (c *Constraints) allows(subject string, between int) error {
	if c == nil {
		return nil
	}
	if c.MaxPathLength != nil && between > *c.MaxPathLength {
		return refused("more intermediates than a superior allows")
	}
	if c.Naming == nil {
		return nil
	}
	u, err := url.Parse(subject)
	if err != nil {
		return refused("not an entity identifier")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if _, err := netip.ParseAddr(host); err == nil && !slices.Contains(c.Naming.Permitted, host) {
		return refused("an address without a name stands below a naming constraint") // RFC 5280: it cannot be said to be within a domain
	}
	matches := func(name string) bool {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, ".") {
			return strings.HasSuffix(host, name)
		}
		return host == name
	}
	if slices.ContainsFunc(c.Naming.Excluded, matches) || len(c.Naming.Permitted) > 0 && !slices.ContainsFunc(c.Naming.Permitted, matches) {
		return refused("a superior does not allow that name below it")
	}
	return nil
}

// types is the metadata without the types that the constraints do not allow.
func (c *Constraints) types(m Metadata) Metadata {
	if c == nil || c.EntityTypes == nil {
		return m
	}
	out := Metadata{}
	for of, parameters := range m {
		if of == FederationEntity || slices.Contains(*c.EntityTypes, of) {
			out[of] = parameters
		}
	}
	return out
}
