package governance

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// Registration is what an agency's administrator says of a practitioner. From
// nil is now; Until nil is no end yet.
type Registration struct {
	Practitioner ident.Practitioner
	Issuer       string // its name in the partnership
	Subject      string // hashed at once, stored nowhere
	Roles        []string
	Providers    []ident.Provider
	From, Until  *time.Time
}

// registerContent is what such an act keeps sealed: no subject.
type registerContent struct {
	Practitioner ident.Practitioner   `json:"practitioner"`
	Issuer       string               `json:"issuer,omitempty"`
	Roles        []string             `json:"roles"`
	Providers    []ident.Provider     `json:"providers"`
	From         time.Time            `json:"from"`
	Until        *time.Time           `json:"until"`
	InPlaceOf    []ident.Practitioner `json:"in_place_of,omitempty"`
}

// Register enters a practitioner of an agency into the register of users, for
// an administrator of that very agency (DCP-09, REG-13). It can grant every
// role but governance-officer and agency-administrator, at the agency's own
// providers and at teams that span it.
//
// A code is used once, also after its bearer has left. A sign-in can be
// registered again once its registration has ended, by whichever agency the
// person now works for.
//
// Errors are Forbidden; Invalid, naming the place; and Conflict for a code or a
// sign-in that is taken, which does not say by whom.
func (s *Service) Register(ctx context.Context, c decide.Caller, agency ident.Agency, r Registration) (_ User, err error) {
	defer fault.Wrap(&err, "governance.Register")
	if err := needAdministrator(c, agency); err != nil {
		return User{}, err
	}
	hash := hashSignIn(r.Issuer, r.Subject)
	var user User
	err = s.change(ctx, func(tx *sql.Tx, now time.Time) error {
		terms, err := s.termsIn(ctx, tx)
		if err != nil {
			return err
		}
		want, err := r.entry(terms, agency, now)
		if err != nil {
			return err
		}
		want.Hash = hash
		if _, taken, err := s.userWho(ctx, tx, now, withCode(r.Practitioner)); err != nil {
			return err
		} else if taken {
			return conflict("/practitioner", "choose another code: this one is taken, or was")
		}
		content := registerContent{
			Practitioner: r.Practitioner, Issuer: r.Issuer, Roles: want.user().Roles, Providers: want.user().Providers,
			From: want.From, Until: want.Until,
		}
		steps := []step{{want: &want}}
		holder, held, err := s.userWho(ctx, tx, now, withSignIn(r.Issuer, hash))
		switch {
		case err != nil:
			return err
		case held && !holder.ended(now):
			return conflict("/subject", "this sign-in is registered already: it can be registered anew when that has ended")
		case held:
			steps = append(steps, step{was: &holder, release: true})
			content.InPlaceOf = []ident.Practitioner{holder.PractitionerID}
		}
		act := by(c, kindRegister, administrator, now)
		act.Version = terms.Version
		if act, err = s.append(ctx, tx, act, content); err != nil {
			return err
		}
		user = want.user()
		user.Commitment = act.Commitment
		return s.take(ctx, tx, act, steps)
	})
	if err != nil {
		return User{}, err
	}
	return user, nil
}

// entry judges a registration by the terms. Every place that is wrong is named.
func (r Registration) entry(t *decide.Terms, agency ident.Agency, now time.Time) (entry, error) {
	var wrong []fault.Field
	refuse := func(pointer, detail string) { wrong = append(wrong, fault.Field{Pointer: pointer, Detail: detail}) }

	if t.FindAgency(agency, now) == nil {
		return entry{}, fault.New(fault.Forbidden, "your agency is not a member of the partnership now: ask a governance officer")
	}
	if len(r.Roles) == 0 {
		refuse("/roles", "name at least one role of codes.roles")
	}
	for i, role := range r.Roles {
		if at := "/roles/" + strconv.Itoa(i); role == officer || role == administrator {
			refuse(at, "leave this out: only the partnership document grants "+officer+" and "+administrator)
		} else if !decide.Has(t.Codes.Roles, role) {
			refuse(at, "name a role of codes.roles in the partnership document")
		}
	}
	for i, id := range r.Providers {
		at := "/providers/" + strconv.Itoa(i)
		j := slices.IndexFunc(t.Providers, func(p decide.Provider) bool { return p.ID == id && reaches(p, agency) })
		switch {
		case j < 0:
			refuse(at, "name a provider of the agency, or a team that spans it")
		case t.Providers[j].Kind == decide.NamedPerson && t.Providers[j].Person != r.Practitioner:
			refuse(at, "leave this out: a provider of kind named-person is that person alone")
		}
	}
	i := slices.IndexFunc(t.Issuers, func(i decide.Issuer) bool { return i.Name == r.Issuer })
	if i < 0 || t.Issuers[i].Agency != "" && t.Issuers[i].Agency != agency {
		refuse("/issuer", "name an issuer of the partnership that speaks for people of the agency")
	}
	if r.Subject == "" || strings.HasPrefix(r.Subject, "(hidden") {
		refuse("/subject", "write the sub of the person's tokens")
	}
	e := entry{
		Practitioner: r.Practitioner, Agency: agency, Issuer: r.Issuer, Source: Delegated, From: now,
	}
	if r.From != nil && r.From.After(now) {
		e.From = exact(*r.From)
	}
	if r.Until != nil {
		end := exact(*r.Until)
		if e.Until = &end; !end.After(e.From) {
			refuse("/until", "write a time that is after from, and to come")
		}
	}
	if len(wrong) > 0 {
		f := fault.New(fault.Invalid, "%s", wrong[0].Detail)
		f.Fields = wrong
		return entry{}, f
	}
	e.Roles, e.Providers = until(r.Roles, e.Until), until(r.Providers, e.Until)
	return e, nil
}

func conflict(pointer, detail string) error {
	f := fault.New(fault.Conflict, "%s", detail)
	f.Fields = []fault.Field{{Pointer: pointer, Detail: detail}}
	return f
}

// End takes a practitioner out of the register of users, for an administrator
// of their agency. No duty accepts them from the next request on, whatever
// their token says, and signing in does not bring them back. Somebody whom an
// End has ended is shown again, without a second act.
//
// Errors are Forbidden; NotKnown for whoever is not of that agency; and
// Conflict for the last who can govern.
func (s *Service) End(ctx context.Context, c decide.Caller, agency ident.Agency, who ident.Practitioner) (_ User, err error) {
	defer fault.Wrap(&err, "governance.End")
	if err := needAdministrator(c, agency); err != nil {
		return User{}, err
	}
	var user User
	err = s.change(ctx, func(tx *sql.Tx, now time.Time) error {
		u, ok, err := s.userWho(ctx, tx, now, withCode(who))
		if err != nil {
			return err
		}
		if !ok || u.AgencyID != agency {
			return fault.New(fault.NotKnown, "no practitioner of your agency has this code: list them first")
		}
		user = u.user()
		if u.barred() {
			return nil
		}
		terms, err := s.termsIn(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.stillGoverned(ctx, tx, u, terms, now); err != nil {
			return err
		}
		act := by(c, kindEnd, administrator, now)
		act.Version = terms.Version
		if act, err = s.append(ctx, tx, act, endContent{Practitioner: who}); err != nil {
			return err
		}
		if !u.ended(now) {
			user.Until = &now
		}
		user.Roles, user.Providers, user.Commitment = []string{}, []ident.Provider{}, act.Commitment
		return s.take(ctx, tx, act, []step{{was: &u}})
	})
	if err != nil {
		return User{}, err
	}
	return user, nil
}

type endContent struct {
	Practitioner ident.Practitioner `json:"practitioner"`
}

// stillGoverned refuses to end the last who can apply a document.
func (s *Service) stillGoverned(ctx context.Context, tx *sql.Tx, leaver registered, t *decide.Terms, now time.Time) error {
	if !slices.Contains(leaver.Roles, officer) {
		return nil
	}
	for _, i := range t.Issuers {
		for _, m := range i.Mappings {
			if slices.Contains(m.Roles, officer) && t.FindAgency(m.Agency, now) != nil {
				return nil
			}
		}
	}
	users, err := s.users(ctx, tx, now, everyone)
	if err != nil {
		return err
	}
	for _, u := range users {
		if u.PractitionerID != leaver.PractitionerID && u.live(now) && slices.Contains(u.Roles, officer) &&
			t.FindAgency(u.AgencyID, now) != nil {
			return nil
		}
	}
	return fault.New(fault.Conflict,
		"this is the last %s who can sign in: have a partnership document applied that names another first", officer)
}

// Practitioners lists who is registered at an agency, now or from a later day
// on, for its administrators and for governance officers.
func (s *Service) Practitioners(ctx context.Context, c decide.Caller, agency ident.Agency) (_ []User, err error) {
	defer fault.Wrap(&err, "governance.Practitioners")
	if needAdministrator(c, agency) != nil && needOfficer(c) != nil {
		return nil, fault.New(fault.Forbidden, "this needs the role %s at that very agency, or %s", administrator, officer)
	}
	now := s.now()
	all, err := s.users(ctx, s.db, now, ofAgency(agency))
	if err != nil {
		return nil, err
	}
	users := []User{}
	for _, u := range all {
		if !u.ended(now) {
			users = append(users, u.user())
		}
	}
	return users, nil
}
