package registrar

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/signin"
)

// codeUnusable is the answer about a code that cannot be used, for whatever reason.
func codeUnusable() error {
	return fault.New(fault.Unauthenticated, "this code cannot be used: check it, or ask the registrar for another")
}

// UseCode is the first step of a person: the code that they were handed, used up by
// this, for a session in which they can enrol. The first code also makes their account
// and draws its number. Two at once with one code: one gets a session. Whoever dies
// after this asks for another code. Errors: Unauthenticated, RateLimited.
func (s *Accounts) UseCode(ctx context.Context, typed string, from netip.Prefix) (t Ticket, err error) {
	defer fault.Wrap(&err, "registrar.UseCode")
	at := s.now()
	counted, err := s.around(ctx, from, at)
	if err != nil {
		return "", err
	}
	code, ok := signin.ParseCode(typed)
	if !ok {
		return "", errors.Join(codeUnusable(), s.failed(ctx, counted, guessingAround, at, ident.AccountID{}))
	}
	token, err := code.Token(ctx, s.keys)
	if err != nil {
		return "", err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		found, err := s.queries.FindEnrolmentCode(ctx, tx, registrardb.FindEnrolmentCodeParams{Token: token[:], Now: at})
		if errors.Is(err, sql.ErrNoRows) {
			return codeUnusable()
		}
		if err != nil {
			return err
		}
		a, err := s.own(ctx, useCode, found.SubjectID, at)
		if err != nil {
			return err
		}
		d := accountDeed{Used: found.CodeID}
		of, err := s.accountOf(ctx, tx, found.SubjectID)
		if err != nil {
			return err
		}
		if of.fresh {
			d.Account = &ownerDeed{of.id, found.SubjectID}
		}
		a.Deed = &d
		if _, err := s.Append(ctx, tx, &a); err != nil {
			return err
		}
		if of.fresh {
			n, err := s.queries.InsertAccount(ctx, tx, registrardb.InsertAccountParams{
				AccountID: of.id, SubjectID: found.SubjectID, ActID: a.ID, Token: of.token, Sealed: of.sealed, WrappedKey: of.wrapped,
			})
			if err != nil {
				return err
			}
			if n == 0 {
				return pg.ErrRetry // two codes of one person, used at once: they share the account
			}
		}
		n, err := s.queries.UseEnrolmentCode(ctx, tx, registrardb.UseEnrolmentCodeParams{CodeID: found.CodeID, ActID: a.ID})
		if err != nil {
			return err
		}
		if n == 0 {
			return codeUnusable()
		}
		// The registrar's way through: who was kept out by another's guesses is not any more.
		waits, err := s.waitsOf(ctx, of.token, of.id)
		if err != nil {
			return err
		}
		if err := s.queries.ForgetTries(ctx, tx, waits); err != nil {
			return err
		}
		t, err = s.open(ctx, tx, Session{Account: of.id, Methods: []signin.Method{signin.Enrolment}, At: at, Until: at.Add(freshFor)}, "")
		return err
	})
	if fault.KindOf(err) == fault.Unauthenticated {
		return "", errors.Join(err, s.failed(ctx, counted, guessingAround, at, ident.AccountID{}))
	}
	if err != nil {
		return "", err
	}
	return t, s.takeBack(ctx, counted)
}

// owned is an account and its number, sealed.
type owned struct {
	id                     ident.AccountID
	token, sealed, wrapped []byte
	fresh                  bool
}

// accountOf is the account of a subject, or a new one that is not stored yet.
func (s *Accounts) accountOf(ctx context.Context, tx *sql.Tx, subject ident.Subject) (owned, error) {
	row, err := s.queries.FindAccount(ctx, tx, subject)
	if err == nil {
		return owned{id: row.AccountID, token: row.Token, sealed: row.Sealed, wrapped: row.WrappedKey}, nil
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return owned{}, err
	}
	number, id := signin.NewNumber(), ident.NewAccount()
	token, err := number.Token(ctx, s.keys)
	if err != nil {
		return owned{}, err
	}
	sealed, wrapped, err := s.seal(ctx, [16]byte(id), []byte(number))
	return owned{id: id, token: token[:], sealed: sealed, wrapped: wrapped, fresh: true}, err
}

// seal encrypts a value in its place, under a data key of its own.
func (s *Accounts) seal(ctx context.Context, place [16]byte, value []byte) (sealed, wrapped []byte, err error) {
	dek := seal.NewDEK()
	if sealed, err = seal.Seal(dek, place[:], value); err != nil {
		return nil, nil, err
	}
	wrapped, err = s.keys.Wrap(ctx, AccountsKey, place[:], dek)
	return sealed, wrapped, err
}

func (s *Accounts) unseal(ctx context.Context, place [16]byte, sealed, wrapped []byte) ([]byte, error) {
	dek, err := s.keys.Unwrap(ctx, AccountsKey, place[:], wrapped)
	if err != nil {
		return nil, err
	}
	return seal.Open(dek, place[:], sealed)
}

// Number is the sign-in number of who holds the ticket, to be shown to them.
func (s *Accounts) Number(ctx context.Context, of Session) (signin.Number, error) {
	row, err := s.queries.FindOwner(ctx, s.db, of.Account)
	if err != nil {
		return "", pg.Fault(err)
	}
	number, err := s.unseal(ctx, [16]byte(of.Account), row.Sealed, row.WrappedKey)
	return signin.Number(number), err
}

// Enrolled lists what who holds the ticket has enrolled.
func (s *Accounts) Enrolled(ctx context.Context, of Session) ([]Authenticator, error) {
	return s.enrolled(ctx, of.Account)
}

// CanUse are the kinds that an account has in force.
func (s *Accounts) CanUse(ctx context.Context, of Session) ([]Kind, error) {
	rows, err := s.queries.ListKindsInForce(ctx, s.db, of.Account)
	if err != nil {
		return nil, pg.Fault(err)
	}
	kinds := make([]Kind, len(rows))
	for i, r := range rows {
		kinds[i] = Kind(r)
	}
	return kinds, nil
}

// MayEnrol reports whether a session is one in which its holder may change what
// proves who they are: just begun with a code of the registrar, or with two factors.
func (s *Accounts) MayEnrol(of Session) bool {
	fresh := of.At.Add(freshFor).After(s.now())
	return fresh && (slices.Contains(of.Methods, signin.Enrolment) || of.Level() >= signin.TwoFactors)
}

// EnrolSecret makes a secret the one that its owner signs in with, in place of any
// other, which ends. The session grows by it: who has just chosen it knows it.
// Errors: Unauthenticated, Forbidden for a session that may not, Invalid in words for
// the person.
func (s *Accounts) EnrolSecret(ctx context.Context, t Ticket, secret string) (_ Ticket, err error) {
	defer fault.Wrap(&err, "registrar.EnrolSecret")
	if said := signin.CheckSecret(secret); said != "" {
		return "", fault.At("/secret", "%s", said)
	}
	hash, err := s.secrets.Hash(ctx, secret)
	if err != nil {
		return "", err
	}
	return s.enrol(ctx, t, SecretKind, signin.Secret, func(*enrolledDeed) error { return nil }, func(tx *sql.Tx, act ident.ActID, d *enrolledDeed) error {
		return s.queries.InsertSecret(ctx, tx, registrardb.InsertSecretParams{AuthenticatorID: ident.UntypedID(d.Authenticator), AccountID: ident.UntypedID(d.Account), ActID: ident.UntypedID(act), Hash: hash})
	})
}

// EnrolSeed makes a device the one whose one-time codes count, in place of any other,
// once its owner has typed a code of it. Errors: those of EnrolSecret.
func (s *Accounts) EnrolSeed(ctx context.Context, t Ticket, seed signin.Seed, typed string) (_ Ticket, err error) {
	defer fault.Wrap(&err, "registrar.EnrolSeed")
	step, ok := seed.Step(typed, s.now())
	if !ok {
		return "", fault.At("/code", "The code is not the one that your app shows now")
	}
	var sealed, wrapped []byte
	return s.enrol(ctx, t, OneTimeCodeKind, signin.OneTimeCode, func(d *enrolledDeed) (err error) {
		sealed, wrapped, err = s.seal(ctx, [16]byte(d.Authenticator), seed[:])
		return err
	}, func(tx *sql.Tx, act ident.ActID, d *enrolledDeed) error {
		return s.queries.InsertSeed(ctx, tx, registrardb.InsertSeedParams{
			AuthenticatorID: ident.UntypedID(d.Authenticator), AccountID: ident.UntypedID(d.Account), ActID: ident.UntypedID(act), Sealed: sealed, WrappedKey: wrapped, LastStep: step,
		})
	})
}

// AskForKey begins to make a passkey: options are for the browser, the ceremony is
// what its page sends back with the answer. Errors: those of EnrolSecret.
func (s *Accounts) AskForKey(ctx context.Context, t Ticket) (options []byte, ceremony Ticket, err error) {
	defer fault.Wrap(&err, "registrar.AskForKey")
	of, err := s.enrolling(ctx, t)
	if err != nil {
		return nil, "", err
	}
	have, _, err := s.keysOf(ctx, s.db, of.Account)
	if err != nil {
		return nil, "", err
	}
	if s.passkeys == nil {
		return nil, "", fault.New(fault.NotServed, "no passkeys are used here")
	}
	options, state, err := s.passkeys.AskForKey([16]byte(of.Account), have)
	if err != nil {
		return nil, "", err
	}
	ceremony, err = s.ask(ctx, state)
	return options, ceremony, err
}

// EnrolKey stores the passkey that a device made. Errors: those of EnrolSecret.
func (s *Accounts) EnrolKey(ctx context.Context, t, ceremony Ticket, response []byte) (_ Ticket, err error) {
	defer fault.Wrap(&err, "registrar.EnrolKey")
	of, err := s.enrolling(ctx, t)
	if err != nil {
		return "", err
	}
	state, err := s.answered(ctx, ceremony)
	if err != nil {
		return "", err
	}
	key, err := s.passkeys.AcceptKey([16]byte(of.Account), state, response)
	if err != nil {
		return "", fault.At("/passkey", "Your device did not make a passkey that can be used here").Because(err)
	}
	return s.enrol(ctx, t, PasskeyKind, signin.Passkey, func(d *enrolledDeed) error {
		d.Credential, d.PublicKey, d.BackupEligible = hex.EncodeToString(key.ID), hex.EncodeToString(key.Public), key.BackupEligible
		return nil
	}, func(tx *sql.Tx, act ident.ActID, d *enrolledDeed) error {
		return s.queries.InsertKey(ctx, tx, registrardb.InsertKeyParams{
			AuthenticatorID: ident.UntypedID(d.Authenticator), AccountID: ident.UntypedID(d.Account), ActID: ident.UntypedID(act),
			Credential: key.ID, PublicKey: key.Public, BackupEligible: key.BackupEligible, SignCount: int64(key.SignCount),
		})
	})
}

// enrolling is a session in which its holder may enrol.
func (s *Accounts) enrolling(ctx context.Context, t Ticket) (Session, error) {
	of, err := s.FindSession(ctx, t)
	if err != nil {
		return Session{}, err
	}
	if !s.MayEnrol(of) {
		return Session{}, fault.New(fault.Forbidden, "sign in again with two factors, or with a code of the registrar, to change how you sign in")
	}
	return of, nil
}

// enrol is the act of a subject who enrols: what they had of the kind ends, save
// passkeys, which may be several. Two at once: the second ends what the first made.
func (s *Accounts) enrol(ctx context.Context, t Ticket, kind Kind, method signin.Method, prepare func(*enrolledDeed) error,
	store func(*sql.Tx, ident.ActID, *enrolledDeed) error,
) (next Ticket, err error) {
	at := s.now()
	of, err := s.enrolling(ctx, t)
	if err != nil {
		return "", err
	}
	d := enrolledDeed{Account: of.Account, Authenticator: ident.NewAuthenticator(), Kind: kind}
	if err := prepare(&d); err != nil {
		return "", err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if kind == PasskeyKind {
			if have, _, err := s.keysOf(ctx, tx, of.Account); err != nil {
				return err
			} else if len(have) >= mostPasskeys {
				return fault.At("/passkey", "You have %d passkeys: remove one first", mostPasskeys)
			}
		} else if err := s.makeWay(ctx, tx, of, kind, at); err != nil {
			return err
		}
		a, err := s.own(ctx, enrolAuthenticator, of.Subject, at)
		if err != nil {
			return err
		}
		a.Deed = &accountDeed{Enrolled: &d}
		if _, err := s.Append(ctx, tx, &a); err != nil {
			return err
		}
		if err := store(tx, a.ID, &d); err != nil {
			return err
		}
		// What of an earlier one the session rested on has just ended.
		after := Session{Account: of.Account, At: at, Until: at.Add(SessionLife)}
		for _, m := range of.Methods {
			if m != method {
				after.Methods = append(after.Methods, m)
			}
		}
		after.Methods = append(after.Methods, method)
		for _, id := range of.Authenticators {
			if in, err := s.queries.IsInForce(ctx, tx, id); err != nil {
				return err
			} else if in {
				after.Authenticators = append(after.Authenticators, id)
			}
		}
		after.Authenticators = append(after.Authenticators, d.Authenticator)
		next, err = s.open(ctx, tx, after, t)
		return err
	})
	return next, err
}

// makeWay ends what an account has of a kind that it can have one of.
func (s *Accounts) makeWay(ctx context.Context, tx *sql.Tx, of Session, kind Kind, at time.Time) error {
	old, err := s.queries.FindInForce(ctx, tx, registrardb.FindInForceParams{AccountID: of.Account, Kind: string(kind)})
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.revokeOwn(ctx, tx, of, old, at)
}

// RevokeOwn ends an authenticator of who holds the ticket, at once. Errors:
// Unauthenticated, Forbidden for a session that may not, NotKnown.
func (s *Accounts) RevokeOwn(ctx context.Context, t Ticket, id ident.AuthenticatorID) (err error) {
	defer fault.Wrap(&err, "registrar.RevokeOwn")
	of, err := s.enrolling(ctx, t)
	if err != nil {
		return err
	}
	at := s.now()
	return pg.InTx(ctx, s.db, func(tx *sql.Tx) error { return s.revokeOwn(ctx, tx, of, id, at) })
}

func (s *Accounts) revokeOwn(ctx context.Context, tx *sql.Tx, of Session, id ident.AuthenticatorID, at time.Time) error {
	a, err := s.own(ctx, revokeOne, of.Subject, at)
	if err != nil {
		return err
	}
	a.Deed = &accountDeed{Revoked: id}
	if _, err := s.Append(ctx, tx, &a); err != nil {
		return err
	}
	return s.revoke(ctx, tx, a.ID, of.Account, id)
}
