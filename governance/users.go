package governance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"maps"
	"slices"
	"time"

	"github.com/fame-hub/fame/governance/internal/governancedb"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// Source says how somebody came into the register of users.
type Source string

// The sources.
const (
	ByHand    Source = "by-hand"   // named in the partnership document
	Claims    Source = "claims"    // by signing in with a claim that an issuer's mapping names
	Delegated Source = "delegated" // by an administrator of their agency
)

// User is one person as the register of users has them. Roles and Providers
// are those that have not ended. Until is nil while no end is known.
type User struct {
	Practitioner ident.Practitioner
	Agency       ident.Agency
	Roles        []string
	Providers    []ident.Provider
	From         time.Time
	Until        *time.Time
	Source       Source
	// Commitment is what the ledger keeps of the act that an operation made; nil
	// where it made none.
	Commitment []byte
}

// hashSignIn is all that is stored of who signs in: SHA-256 over the issuer's
// name in the partnership and the subject there. An issuer that is renamed is
// another one.
func hashSignIn(issuer, subject string) []byte {
	h := sha256.New()
	h.Write([]byte(issuer))
	h.Write([]byte{0})
	h.Write([]byte(subject))
	return h.Sum(nil)
}

// released is what stays of a sign-in that has gone over to another
// registration: whoever knows the subject finds the old one by it, and no
// token matches it.
func released(u registered) []byte {
	h := sha256.New()
	h.Write([]byte("fame released sign-in\n"))
	h.Write([]byte(u.PractitionerID))
	h.Write([]byte{0})
	h.Write(u.SubjectHash)
	return h.Sum(nil)
}

// registered is a row of the register, whoever is or was in it.
type registered struct{ governancedb.ListUsersRow }

// ended reports whether the registration is over.
func (u registered) ended(now time.Time) bool { return u.EndsAt.Valid && !u.EndsAt.Time.After(now) }

// live reports whether every duty accepts the person now.
func (u registered) live(now time.Time) bool { return !u.StartsAt.After(now) && !u.ended(now) }

// barred reports whether a person ended the registration by name, which
// nothing undoes but a registration anew.
func (u registered) barred() bool { return u.LastAct == kindEnd }

func (u registered) source() Source { return Source(u.Source) }

// users reads the register. Every condition that is empty is none.
func (s *Service) users(ctx context.Context, db governancedb.DBTX, now time.Time, c governancedb.ListUsersParams) ([]registered, error) {
	c.At = now
	rows, err := s.q.ListUsers(ctx, db, c)
	if err != nil {
		return nil, pg.Fault(err)
	}
	users := make([]registered, len(rows))
	for i, r := range rows {
		users[i] = registered{r}
	}
	return users, nil
}

// userWho is users for a condition that at most one row meets.
func (s *Service) userWho(ctx context.Context, db governancedb.DBTX, now time.Time, c governancedb.ListUsersParams) (u registered, ok bool, err error) {
	users, err := s.users(ctx, db, now, c)
	if err != nil || len(users) == 0 {
		return registered{}, false, err
	}
	return users[0], true, nil
}

func withCode(p ident.Practitioner) governancedb.ListUsersParams {
	return governancedb.ListUsersParams{Practitioner: sql.NullString{String: string(p), Valid: true}}
}

func withSignIn(issuer string, hash []byte) governancedb.ListUsersParams {
	return governancedb.ListUsersParams{Issuer: sql.NullString{String: issuer, Valid: true}, SubjectHash: hash}
}

func ofAgency(a ident.Agency) governancedb.ListUsersParams {
	return governancedb.ListUsersParams{Agency: sql.NullString{String: string(a), Valid: true}}
}

// entry is how one person is to stand in the register. Each role and each
// provider has its own end, nil for none.
type entry struct {
	Practitioner ident.Practitioner
	Agency       ident.Agency
	Issuer       string
	Hash         []byte
	Source       Source
	From         time.Time
	Until        *time.Time
	Roles        map[string]*time.Time
	Providers    map[ident.Provider]*time.Time
}

// until gives every code the same end.
func until[K comparable](codes []K, end *time.Time) map[K]*time.Time {
	m := make(map[K]*time.Time, len(codes))
	for _, c := range codes {
		m[c] = end
	}
	return m
}

func (e entry) user() User {
	return User{
		Practitioner: e.Practitioner, Agency: e.Agency,
		Roles:     slices.Sorted(maps.Keys(e.Roles)),
		Providers: slices.Sorted(maps.Keys(e.Providers)),
		From:      e.From, Until: e.Until, Source: e.Source,
	}
}

// step is one person's part of a change: what they were, nil for somebody new,
// and what they are to be. A nil entry ends them; release takes their sign-in
// away, for the one who gets it; renew moves the end of what goes on.
type step struct {
	was            *registered
	want           *entry
	release, renew bool
}

// take makes the steps true in tx, each under the act. Sign-ins are given up
// first, so that two people can change places.
func (s *Service) take(ctx context.Context, tx *sql.Tx, act Act, steps []step) error {
	for _, st := range steps {
		if !st.release {
			continue
		}
		err := s.q.ReleaseSignIn(ctx, tx, governancedb.ReleaseSignInParams{
			SubjectHash: released(*st.was), PractitionerID: st.was.PractitionerID,
		})
		if err != nil {
			return err
		}
	}
	for _, st := range steps {
		if err := s.takeOne(ctx, tx, act, st); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) takeOne(ctx context.Context, tx *sql.Tx, act Act, st step) error {
	switch {
	case st.want == nil && act.Kind != kindEnd && st.was.ended(act.At):
		return nil // it ended before; no more than its sign-in is given up
	case st.want == nil:
		err := s.q.EndPractitioner(ctx, tx, governancedb.EndPractitionerParams{
			At: act.At, ActID: act.ID, PractitionerID: st.was.PractitionerID,
		})
		if err != nil {
			return err
		}
		return s.grant(ctx, tx, act, step{was: st.was, want: &entry{Practitioner: st.was.PractitionerID}})
	case st.was == nil:
		err := s.q.AddPractitioner(ctx, tx, governancedb.AddPractitionerParams{
			PractitionerID: st.want.Practitioner, AgencyID: st.want.Agency, Issuer: st.want.Issuer,
			SubjectHash: st.want.Hash, Source: string(st.want.Source), StartsAt: st.want.From,
			EndsAt: nullTime(st.want.Until), ActID: act.ID,
		})
		if err != nil {
			return err
		}
		return s.grant(ctx, tx, act, step{was: &registered{}, want: st.want})
	}
	err := s.q.ChangePractitioner(ctx, tx, governancedb.ChangePractitionerParams{
		AgencyID: st.want.Agency, Issuer: st.want.Issuer, SubjectHash: st.want.Hash, StartsAt: st.want.From,
		EndsAt: nullTime(st.want.Until), ActID: act.ID, PractitionerID: st.was.PractitionerID,
	})
	if err != nil {
		return err
	}
	return s.grant(ctx, tx, act, st)
}

// grant writes one person's roles and memberships under an act.
func (s *Service) grant(ctx context.Context, tx *sql.Tx, act Act, st step) error {
	was, want, t := st.was, st.want, termOf(act, st)
	err := spread(was.Roles, want.Roles, t, func(role string, end *time.Time) error {
		return s.q.EndRole(ctx, tx, governancedb.EndRoleParams{
			EndsAt: nullTime(end), ActID: act.ID, PractitionerID: want.Practitioner, Role: role, At: act.At,
		})
	}, func(role string, end *time.Time) error {
		return s.q.AddRole(ctx, tx, governancedb.AddRoleParams{
			PractitionerID: want.Practitioner, Role: role, StartsAt: t.from, EndsAt: nullTime(end), ActID: act.ID,
		})
	})
	if err != nil {
		return err
	}
	return spread(was.Providers, want.Providers, t, func(provider ident.Provider, end *time.Time) error {
		return s.q.EndMembership(ctx, tx, governancedb.EndMembershipParams{
			EndsAt: nullTime(end), ActID: act.ID, PractitionerID: want.Practitioner, ProviderID: provider, At: act.At,
		})
	}, func(provider ident.Provider, end *time.Time) error {
		return s.q.AddMembership(ctx, tx, governancedb.AddMembershipParams{
			PractitionerID: want.Practitioner, ProviderID: provider, StartsAt: t.from, EndsAt: nullTime(end), ActID: act.ID,
		})
	})
}

// term is how what somebody holds goes over to what they are to hold.
type term struct {
	at, from time.Time // when the change is made, and when what is new begins
	anew     bool      // nothing goes on: what stays ends and begins again
	renewed  bool      // what goes on has another end
}

// termOf: another agency or another beginning is another term of office.
func termOf(act Act, st step) term {
	t := term{at: act.At, from: st.want.From, renewed: st.renew}
	if t.from.Before(act.At) {
		t.from = act.At
	}
	t.anew = st.was.AgencyID != st.want.Agency || !st.was.StartsAt.Equal(st.want.From)
	return t
}

// spread ends what is held and not wanted, moves the end of what goes on, and
// begins what is wanted and not held.
func spread[K ~string](held []string, want map[K]*time.Time, t term, end, begin func(K, *time.Time) error) error {
	for _, code := range held {
		until, goesOn := want[K(code)]
		if goesOn = goesOn && !t.anew; !goesOn {
			until = &t.at
		} else if !t.renewed {
			continue
		}
		if err := end(K(code), until); err != nil {
			return err
		}
	}
	for _, code := range slices.Sorted(maps.Keys(want)) {
		if !t.anew && slices.Contains(held, string(code)) {
			continue
		}
		if err := begin(code, want[code]); err != nil {
			return err
		}
	}
	return nil
}

// heldBy reports whether the sign-in is that row's.
func (u registered) heldBy(issuer string, hash []byte) bool {
	return u.Issuer == issuer && bytes.Equal(u.SubjectHash, hash)
}
