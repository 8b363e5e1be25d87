package decide

import (
	"slices"

	"github.com/fame-hub/fame/internal/ident"
)

// Actor is a registered user as the register of users has them at this
// instant: a named person of one agency, with the roles and the memberships
// held now (REG-13). Without one nothing is decided: a decision's author is
// never "system" (DCP-07).
type Actor struct {
	Practitioner ident.Practitioner
	Agency       ident.Agency
	Roles        []string
	Providers    []ident.Provider
}

// MemberOf reports whether the actor acts for the column's provider now.
func (a Actor) MemberOf(c *Column) bool { return slices.Contains(a.Providers, c.Provider) }

// RoleAmong returns the first of the actor's roles that the list names.
func (a Actor) RoleAmong(roles []string) (string, bool) {
	for _, r := range a.Roles {
		if slices.Contains(roles, r) {
			return r, true
		}
	}
	return "", false
}

// AnyRole is a role to name in the record of a refusal: the first that the
// actor holds.
func (a Actor) AnyRole() string {
	if len(a.Roles) == 0 {
		return "none"
	}
	return a.Roles[0]
}

// Caller is who asks and on which terms: what every service method is given.
type Caller struct {
	Actor
	Terms *Terms
}
