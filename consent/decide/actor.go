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

// SignIn is how strongly a person signs in with a registrar: the `acr` of its
// provider.
type SignIn string

// The strengths, the weakest first.
const (
	OneFactor         SignIn = "one-factor"
	TwoFactors        SignIn = "two-factors"
	PhishingResistant SignIn = "phishing-resistant"
)

var signIns = []SignIn{OneFactor, TwoFactors, PhishingResistant}

// Known reports whether it is one of the strengths.
func (s SignIn) Known() bool { return slices.Contains(signIns, s) }

// Reaches reports whether it is at or above the least that is asked for.
func (s SignIn) Reaches(least SignIn) bool {
	return slices.Index(signIns, s) >= slices.Index(signIns, least)
}

// Subject is a person who has signed in and asks as themself: what every method of
// theirs is given (AUT-07). It names their handles that they may know of, of columns
// that are open now, and nothing that two duties or two sign-ins have in common.
type Subject struct {
	Terms     *Terms
	Registrar string     // who says that it is they
	Level     Confidence // how well the registrar knows them
	SignIn    SignIn
	Handles   []SubjectHandle
	// Authority is by what right somebody else has signed in and acts for the person,
	// who cannot decide for themself; empty for the person (SUB-12). Scope is how far.
	Authority string
	Scope     []string
}

// The scopes of an authority.
const (
	ToSee    = "see"
	ToDecide = "decide"
)

// May reports whether who asks may do what takes that scope: the person may do
// everything, somebody with authority what it goes as far as.
func (s Subject) May(scope string) bool { return s.Authority == "" || slices.Contains(s.Scope, scope) }

// SubjectHandle is one handle of a person, and its column.
type SubjectHandle struct {
	Handle ident.HandleID `json:"handle"`
	Column ident.Column   `json:"column"`
}

// Column returns the column in which the person has that handle, empty for a handle
// that is not theirs, or none that they may know of.
func (s Subject) Column(h ident.HandleID) ident.Column {
	for _, own := range s.Handles {
		if own.Handle == h {
			return own.Column
		}
	}
	return ""
}
