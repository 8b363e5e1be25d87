package governance

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// Identity is what a verified token says of who signs in.
type Identity struct {
	Issuer  string         // the issuer's name in the partnership, not its URL
	Subject string         // hashed at once, stored nowhere
	Claims  map[string]any // as decoded from the token
	Expires time.Time      // of the token
}

// SignIn says who the person is in the register of users (REG-13). Whoever is
// registered by hand or by an agency is told so, without an act. For all others
// the issuer's mappings are applied: they are registered, or registered anew,
// with what their claims map to until the mappings' hours are over.
//
// Where several mappings fit, the first says the agency, and those of other
// agencies are left out; a role that two of them give ends with the later.
// Claims that map to nothing end what earlier ones gave.
//
// It returns NotRegistered for whoever no mapping fits, and for whoever was
// ended by hand or by name: signing in brings nobody back whom a person has
// ended. The text is the same for all of them.
func (s *Service) SignIn(ctx context.Context, id Identity) (_ User, err error) {
	defer fault.Wrap(&err, "governance.SignIn")
	if id.Issuer == "" || id.Subject == "" || !id.Expires.After(s.now()) {
		return User{}, fault.New(fault.Unauthenticated, "sign in again with an issuer of the partnership")
	}
	hash := hashSignIn(id.Issuer, id.Subject)
	now := s.now()
	if u, ok, err := s.userWho(ctx, s.db, now, withSignIn(id.Issuer, hash)); err != nil {
		return User{}, err
	} else if ok && !u.mayEnterByClaims() {
		return s.settled(u, now)
	}
	var user User
	err = s.change(ctx, func(tx *sql.Tx, now time.Time) (err error) {
		user, err = s.enter(ctx, tx, now, id, hash)
		return err
	})
	if err == nil && user.Practitioner == "" { // what they had may have been ended: that is kept
		return User{}, notRegistered()
	}
	return user, err
}

// mayEnterByClaims reports whether claims have a say in the registration.
func (u registered) mayEnterByClaims() bool { return u.source() == Claims && !u.barred() }

// settled is the answer for whoever a person registered, or ended.
func (s *Service) settled(u registered, now time.Time) (User, error) {
	if u.live(now) {
		return u.user(), nil
	}
	return User{}, notRegistered()
}

func notRegistered() error {
	return fault.New(fault.NotRegistered,
		"you are not in the register of users: ask an administrator of your agency to register you")
}

// signInContent is what a sign-in act keeps sealed: no subject and no claim.
type signInContent struct {
	Issuer    string                        `json:"issuer"`
	Roles     map[string]*time.Time         `json:"roles"`
	Providers map[ident.Provider]*time.Time `json:"providers"`
}

// enter applies the mappings to what is registered now. The zero User means
// that nobody is registered after it.
func (s *Service) enter(ctx context.Context, tx *sql.Tx, now time.Time, id Identity, hash []byte) (User, error) {
	terms, err := s.termsIn(ctx, tx)
	if err != nil {
		return User{}, err
	}
	u, known, err := s.userWho(ctx, tx, now, withSignIn(id.Issuer, hash))
	if err != nil {
		return User{}, err
	}
	if known && !u.mayEnterByClaims() {
		if u.live(now) {
			return u.user(), nil
		}
		return User{}, nil
	}
	want, fits := mapped(terms, id, now)
	if !fits && (!known || u.ended(now)) {
		return User{}, nil
	}
	st := step{renew: true}
	if known {
		st.was = &u
	}
	act := Act{ID: ident.NewAct(), Kind: kindSignIn, At: now, Version: terms.Version}
	if fits {
		want.Issuer, want.Hash, want.Source = id.Issuer, hash, Claims
		want.Practitioner, want.From = memberCode(), now
		if known {
			want.Practitioner = u.PractitionerID
			if !u.ended(now) && u.AgencyID == want.Agency {
				want.From = u.StartsAt
			}
		}
		st.want = &want.entry
		act.Practitioner, act.Agency, act.Role = want.Practitioner, want.Agency, want.first
	} else {
		act.Practitioner, act.Agency, act.Role = u.PractitionerID, u.AgencyID, lastRole(u)
	}
	act, err = s.append(ctx, tx, act, signInContent{Issuer: id.Issuer, Roles: want.Roles, Providers: want.Providers})
	if err != nil {
		return User{}, err
	}
	if err := s.take(ctx, tx, act, []step{st}); err != nil || !fits {
		return User{}, err
	}
	user := want.user()
	user.Commitment = act.Commitment
	return user, nil
}

// lastRole is a role in which somebody acts who is about to have none.
func lastRole(u registered) string {
	if len(u.Roles) == 0 {
		return "none"
	}
	return u.Roles[0]
}

// claimed is what claims map to; first is the role that the first mapping
// names first.
type claimed struct {
	entry
	first string
}

// mapped applies the mappings of the identity's issuer; ok is false where none
// fits.
func mapped(t *decide.Terms, id Identity, now time.Time) (c claimed, ok bool) {
	i := slices.IndexFunc(t.Issuers, func(i decide.Issuer) bool { return i.Name == id.Issuer })
	if i < 0 {
		return claimed{}, false
	}
	issuer := t.Issuers[i]
	c.Roles, c.Providers = map[string]*time.Time{}, map[ident.Provider]*time.Time{}
	for _, m := range issuer.Mappings {
		foreign := issuer.Agency != "" && m.Agency != issuer.Agency
		if foreign || c.Agency != "" && m.Agency != c.Agency ||
			t.FindAgency(m.Agency, now) == nil || !holds(id.Claims[m.Claim], m.Value) {
			continue
		}
		end := now.Add(time.Duration(m.Hours) * time.Hour)
		if c.Agency == "" {
			c.Agency, c.first = m.Agency, m.Roles[0]
		}
		for _, r := range m.Roles {
			c.Roles[r] = later(c.Roles[r], end)
		}
		for _, p := range m.Providers {
			c.Providers[p] = later(c.Providers[p], end)
		}
		c.Until = later(c.Until, end)
	}
	return c, c.Agency != ""
}

// holds reports whether a claim is the value, or a list that has it.
func holds(claim any, value string) bool {
	switch c := claim.(type) {
	case string:
		return c == value
	case []string:
		return slices.Contains(c, value)
	case []any:
		return slices.ContainsFunc(c, func(v any) bool { s, ok := v.(string); return ok && s == value })
	}
	return false
}

func later(a *time.Time, b time.Time) *time.Time {
	if a != nil && a.After(b) {
		return a
	}
	return &b
}

// memberCode draws the code of somebody who registers by claims: it tells
// nothing of them.
func memberCode() ident.Practitioner {
	var b [8]byte
	rand.Read(b[:])
	return ident.Practitioner("m-" + hex.EncodeToString(b[:]))
}
