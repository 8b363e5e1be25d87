package decide

import (
	"errors"
	"slices"
	"time"

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

// Brings returns the column for which a proof of a handle names the caller, or why
// it is of no use: the caller in person, at their agency of now, and a member of the
// open column now. A membership that has ended since it was signed counts for nothing.
// The reason is for the log: it is told nobody.
func (c Caller) Brings(subject ident.Practitioner, agency ident.Agency, column ident.Column, at time.Time) (*Column, error) {
	open := c.Terms.FindColumn(column, at)
	switch {
	case subject != c.Practitioner:
		return nil, errors.New("the proof is another practitioner's")
	case agency != c.Agency:
		return nil, errors.New("the proof is for the caller at another agency")
	case open == nil:
		return nil, errors.New("the proof's column is not in the terms, or closed")
	case !c.MemberOf(open):
		return nil, errors.New("the caller is no member of the proof's column now")
	}
	return open, nil
}
