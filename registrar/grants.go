package registrar

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// Grant is what somebody let an agency have by signing in, until the agency has
// fetched it. Body is the provider's own, sealed here.
type Grant struct {
	ID, Code       string
	Account        ident.AccountID
	Authenticators []ident.AuthenticatorID
	Body           []byte
	Until          time.Time
	Redeemed       bool
	Revoked        bool
}

// kept is the hash under which what a browser or an agency holds is found. Each kind
// of thing is apart from the others.
func kept(what, value string) []byte {
	sum := sha256.Sum256([]byte("fame/" + what + "/1\x00" + value))
	return sum[:]
}

// gone is the answer about what is not there, or is over.
func gone() error { return fault.New(fault.NotKnown, "this is over: begin again") }

// found reads a look-up: what is not there is NotKnown.
func found(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return gone()
	}
	return pg.Fault(err)
}

// KeepSignIn keeps an agency's request to sign somebody in, until it is answered.
func (s *Accounts) KeepSignIn(ctx context.Context, id string, body []byte, until time.Time) error {
	key := kept("request", id)
	sealed, wrapped, err := s.seal(ctx, [16]byte(key), body)
	if err != nil {
		return err
	}
	return pg.Fault(s.queries.KeepSignIn(ctx, s.db, registrardb.KeepSignInParams{SignIn: key, Sealed: sealed, WrappedKey: wrapped, EndsAt: until}))
}

// FindSignIn is a request that has no answer yet, or NotKnown.
func (s *Accounts) FindSignIn(ctx context.Context, id string) ([]byte, error) {
	key := kept("request", id)
	row, err := s.queries.FindSignIn(ctx, s.db, registrardb.FindSignInParams{SignIn: key, Now: s.now()})
	if err != nil {
		return nil, found(err)
	}
	return s.unseal(ctx, [16]byte(key), row.Sealed, row.WrappedKey)
}

// EndSignIn answers a request: of two at once, the first alone.
func (s *Accounts) EndSignIn(ctx context.Context, id string) (first bool, err error) {
	n, err := s.queries.EndSignIn(ctx, s.db, kept("request", id))
	return n > 0, pg.Fault(err)
}

// MakeGrant keeps what an agency may fetch with the code.
func (s *Accounts) MakeGrant(ctx context.Context, g Grant) error {
	key := kept("grant", g.ID)
	sealed, wrapped, err := s.seal(ctx, [16]byte(key), g.Body)
	if err != nil {
		return err
	}
	return pg.Fault(s.queries.InsertGrant(ctx, s.db, registrardb.InsertGrantParams{
		GrantID: key, Code: kept("code", g.Code), AccountID: g.Account, Authenticators: untyped(g.Authenticators),
		Sealed: sealed, WrappedKey: wrapped, EndsAt: g.Until,
	}))
}

// FindGrant is a grant by its id or, if that is empty, its code. One whose
// authenticator has been revoked is NotKnown.
func (s *Accounts) FindGrant(ctx context.Context, id, code string) (Grant, error) {
	row, err := s.queries.FindGrant(ctx, s.db, registrardb.FindGrantParams{GrantID: kept("grant", id), Code: kept("code", code), Now: s.now()})
	if err != nil {
		return Grant{}, found(err)
	}
	body, err := s.unseal(ctx, [16]byte(row.GrantID), row.Sealed, row.WrappedKey)
	return Grant{ID: id, Code: code, Account: row.AccountID, Body: body, Redeemed: row.Redeemed, Revoked: row.Revoked}, err
}

// Redeem uses a code up: Conflict for whoever is not the first.
func (s *Accounts) Redeem(ctx context.Context, id string) error {
	n, err := s.queries.RedeemGrant(ctx, s.db, kept("grant", id))
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "this code has been redeemed")
	}
	return pg.Fault(err)
}

// RevokeGrant ends a grant and the tokens of it; again says that a code was used a
// second time, which is recorded (RFC 6749 section 4.1.2).
func (s *Accounts) RevokeGrant(ctx context.Context, id string, again bool, of ident.AccountID) error {
	if err := s.queries.RevokeGrant(ctx, s.db, kept("grant", id)); err != nil {
		return pg.Fault(err)
	}
	if again {
		return s.event(ctx, redeemedAgain, s.now(), of)
	}
	return nil
}

// KeepToken keeps an access token of a grant.
func (s *Accounts) KeepToken(ctx context.Context, token, grant string, body []byte, until time.Time) error {
	key := kept("token", token)
	sealed, wrapped, err := s.seal(ctx, [16]byte(key), body)
	if err != nil {
		return err
	}
	return pg.Fault(s.queries.InsertAccessToken(ctx, s.db, registrardb.InsertAccessTokenParams{
		Token: key, GrantID: kept("grant", grant), Sealed: sealed, WrappedKey: wrapped, EndsAt: until,
	}))
}

// FindToken is an access token that is in force, or NotKnown.
func (s *Accounts) FindToken(ctx context.Context, token string) ([]byte, error) {
	key := kept("token", token)
	row, err := s.queries.FindAccessToken(ctx, s.db, registrardb.FindAccessTokenParams{Token: key, Now: s.now()})
	if err != nil {
		return nil, found(err)
	}
	return s.unseal(ctx, [16]byte(key), row.Sealed, row.WrappedKey)
}

// UseAssertion takes an agency's signed assertion, once: Conflict after that (AUT-13).
func (s *Accounts) UseAssertion(ctx context.Context, id string, until time.Time) error {
	n, err := s.queries.UseAssertion(ctx, s.db, registrardb.UseAssertionParams{Assertion: kept("assertion", id), EndsAt: until})
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "this assertion has been used")
	}
	return pg.Fault(err)
}

// Release tells an agency that a person has signed in: by what that agency alone
// calls them, and by an act, since the registrar alone can map the two (REG-25).
func (s *Accounts) Release(ctx context.Context, of Session, agency ident.Agency, client string) (entry Entry, err error) {
	defer fault.Wrap(&err, "registrar.Release")
	at := s.now()
	if entry, err = s.entry(ctx, of.Subject, agency); err != nil {
		return "", err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a, err := s.own(ctx, signIn, of.Subject, at)
		if err != nil {
			return err
		}
		d := accountDeed{SignedIn: &signedIn{of.Account, agency, client, of.Methods, of.At}}
		known, err := s.queries.HasEntry(ctx, tx, registrardb.HasEntryParams{SubjectID: of.Subject, AgencyID: agency})
		if err != nil {
			return err
		}
		if !known {
			d.Named = []named{{of.Subject, agency, entry}}
		}
		a.Deed = &d
		if _, err := s.Append(ctx, tx, &a); err != nil || known {
			return err
		}
		n, err := s.queries.NameEntry(ctx, tx, registrardb.NameEntryParams{Entry: string(entry), SubjectID: of.Subject, AgencyID: agency, ActID: a.ID})
		if err == nil && n == 0 {
			return pg.ErrRetry // named at the same time
		}
		return err
	})
	return entry, err
}
