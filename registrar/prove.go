package registrar

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/signin"
)

const (
	// secretFor is how long a secret that has been typed waits for the code after it.
	secretFor = 10 * time.Minute
	// ceremonyLife is how long a device may take.
	ceremonyLife = 5 * time.Minute
)

// wrong is the answer to everything that does not prove who somebody is.
func wrong(what string) error { return fault.New(fault.Unauthenticated, "%s", what) }

// ProveBySecret opens a session for who knows the secret of the account that the
// number names. A number that is nobody's fails as a wrong secret does, after the same
// work. Errors: Unauthenticated, RateLimited.
func (s *Accounts) ProveBySecret(ctx context.Context, typed, secret string, from netip.Prefix) (t Ticket, err error) {
	defer fault.Wrap(&err, "registrar.ProveBySecret")
	const isWrong = "The sign-in number or the password is not right"
	at := s.now()
	around, err := s.around(ctx, from, at)
	if err != nil {
		return "", err
	}
	number, ok := signin.ParseNumber(typed)
	if !ok {
		return "", errors.Join(wrong(isWrong), s.failed(ctx, around, guessingAround, at, ident.AccountID{}))
	}
	token, err := number.Token(ctx, s.keys)
	if err != nil {
		return "", err
	}
	counted, err := s.count(ctx, signin.PerAuthenticator, at, secretThrottle(token[:]))
	if err != nil {
		return "", err
	}
	found, err := s.queries.FindSecret(ctx, s.db, token[:])
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", pg.Fault(err)
	}
	matches, stale, err := s.secrets.Verify(ctx, found.Hash, secret)
	if err != nil {
		return "", err
	}
	if !matches {
		return "", errors.Join(wrong(isWrong), s.failed(ctx, around, guessingAround, at, found.AccountID),
			s.failed(ctx, counted, guessing, at, found.AccountID))
	}
	var renewed string
	if stale {
		if renewed, err = s.secrets.Hash(ctx, secret); err != nil {
			return "", err
		}
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if renewed != "" {
			if err := s.queries.ReplaceHash(ctx, tx, registrardb.ReplaceHashParams{AuthenticatorID: found.AuthenticatorID, Hash: renewed, Old: found.Hash}); err != nil {
				return err
			}
		}
		if err := s.queries.ForgetTries(ctx, tx, [][]byte{counted.throttle[:]}); err != nil {
			return err
		}
		t, err = s.open(ctx, tx, Session{
			Account: found.AccountID, Methods: []signin.Method{signin.Secret}, Authenticators: []ident.AuthenticatorID{found.AuthenticatorID},
			At: at, Until: at.Add(SessionLife),
		}, "")
		return err
	})
	if err != nil {
		return "", err
	}
	return t, s.takeBack(ctx, around)
}

// ProveByCode adds a one-time code to a session that a secret has just opened. Each
// code is good once, and of two at once one wins: the database says which (AUT-13).
// Errors: Unauthenticated, RateLimited.
func (s *Accounts) ProveByCode(ctx context.Context, t Ticket, typed string, from netip.Prefix) (next Ticket, err error) {
	defer fault.Wrap(&err, "registrar.ProveByCode")
	const isWrong = "The code is not the one that your app shows now"
	at := s.now()
	of, err := s.FindSession(ctx, t)
	if err != nil {
		return "", err
	}
	if !slices.Contains(of.Methods, signin.Secret) || of.At.Add(secretFor).Before(at) {
		return "", errSignedOut()
	}
	around, err := s.around(ctx, from, at)
	if err != nil {
		return "", err
	}
	counted, err := s.count(ctx, signin.PerAuthenticator, at, codeThrottle(of.Account))
	if err != nil {
		return "", err
	}
	found, err := s.queries.FindSeed(ctx, s.db, of.Account)
	if errors.Is(err, sql.ErrNoRows) {
		return "", wrong(isWrong)
	}
	if err != nil {
		return "", pg.Fault(err)
	}
	raw, err := s.unseal(ctx, [16]byte(found.AuthenticatorID), found.Sealed, found.WrappedKey)
	if err != nil {
		return "", err
	}
	step, ok := signin.Seed(raw).Step(typed, at)
	if !ok {
		return "", errors.Join(wrong(isWrong), s.failed(ctx, around, guessingAround, at, of.Account),
			s.failed(ctx, counted, guessing, at, of.Account))
	}
	used := false
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		n, err := s.queries.UseStep(ctx, tx, registrardb.UseStepParams{AuthenticatorID: found.AuthenticatorID, Step: step})
		if err != nil {
			return err
		}
		if used = n == 0; used {
			return nil
		}
		if err := s.queries.ForgetTries(ctx, tx, [][]byte{counted.throttle[:]}); err != nil {
			return err
		}
		next, err = s.open(ctx, tx, Session{
			Account: of.Account, Methods: []signin.Method{signin.Secret, signin.OneTimeCode},
			Authenticators: append(slices.Clone(of.Authenticators), found.AuthenticatorID), At: at, Until: at.Add(SessionLife),
		}, t)
		return err
	})
	if err != nil {
		return "", err
	}
	if used {
		return "", errors.Join(wrong("This code has been used: wait for the next one"), s.event(ctx, codeUsedAgain, at, of.Account))
	}
	return next, s.takeBack(ctx, around)
}

// HasPasskeys reports whether devices can be asked for passkeys here.
func (s *Accounts) HasPasskeys() bool { return s.passkeys != nil }

// AskForProof begins a sign-in with a passkey, of whoever has one: options are for
// the browser, the ceremony is what its page sends back.
func (s *Accounts) AskForProof(ctx context.Context) (options []byte, ceremony Ticket, err error) {
	defer fault.Wrap(&err, "registrar.AskForProof")
	if s.passkeys == nil {
		return nil, "", fault.New(fault.NotServed, "no passkeys are used here")
	}
	options, state, err := s.passkeys.AskForProof()
	if err != nil {
		return nil, "", err
	}
	ceremony, err = s.ask(ctx, state)
	return options, ceremony, err
}

// ProveByKey opens a session for who answers with a passkey. Each question has one
// answer, and a key whose counter went back is refused: it has been copied. Errors:
// Unauthenticated, RateLimited.
func (s *Accounts) ProveByKey(ctx context.Context, ceremony Ticket, response []byte, from netip.Prefix) (t Ticket, err error) {
	defer fault.Wrap(&err, "registrar.ProveByKey")
	const isWrong = "Your passkey was not accepted"
	at := s.now()
	around, err := s.around(ctx, from, at)
	if err != nil {
		return "", err
	}
	state, err := s.answered(ctx, ceremony)
	if err != nil {
		return "", err
	}
	var of ident.AccountID
	var ids []ident.AuthenticatorID
	var have []signin.Key
	key, err := s.passkeys.AcceptProof(state, response, func(account [16]byte) ([]signin.Key, error) {
		of = account
		var err error
		have, ids, err = s.keysOf(ctx, s.db, of)
		return have, err
	})
	switch {
	case errors.Is(err, signin.ErrCopied):
		return "", errors.Join(wrong(isWrong), s.event(ctx, keyCopied, at, of))
	case errors.Is(err, signin.ErrPasskey):
		return "", errors.Join(wrong(isWrong), s.failed(ctx, around, guessingAround, at, ident.AccountID{}))
	case err != nil:
		return "", err
	}
	i := slices.IndexFunc(have, func(k signin.Key) bool { return slices.Equal(k.ID, key.ID) })
	if i < 0 {
		return "", wrong(isWrong)
	}
	copied := false
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		n, err := s.queries.CountKey(ctx, tx, registrardb.CountKeyParams{AuthenticatorID: ids[i], SignCount: int64(key.SignCount)})
		if err != nil {
			return err
		}
		if copied = n == 0; copied {
			return nil
		}
		t, err = s.open(ctx, tx, Session{
			Account: of, Methods: []signin.Method{signin.Passkey}, Authenticators: ids[i : i+1], At: at, Until: at.Add(SessionLife),
		}, "")
		return err
	})
	if err != nil {
		return "", err
	}
	if copied { // or revoked meanwhile
		return "", errors.Join(wrong(isWrong), s.event(ctx, keyCopied, at, of))
	}
	return t, s.takeBack(ctx, around)
}

// ask keeps a question to a device until it is answered.
func (s *Accounts) ask(ctx context.Context, state []byte) (Ticket, error) {
	t := newTicket()
	return t, pg.Fault(s.queries.InsertCeremony(ctx, s.db, registrardb.InsertCeremonyParams{
		Ceremony: t.hash(), State: state, EndsAt: s.now().Add(ceremonyLife),
	}))
}

// answered takes the question that is being answered: nobody answers it again.
func (s *Accounts) answered(ctx context.Context, ceremony Ticket) ([]byte, error) {
	state, err := s.queries.TakeCeremony(ctx, s.db, registrardb.TakeCeremonyParams{Ceremony: ceremony.hash(), Now: s.now()})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, wrong("This took too long, or was sent before: try again")
	}
	return state, pg.Fault(err)
}

// keysOf are the passkeys of an account that are in force, and their ids.
func (s *Accounts) keysOf(ctx context.Context, db registrardb.DBTX, of ident.AccountID) (keys []signin.Key, ids []ident.AuthenticatorID, err error) {
	rows, err := s.queries.ListKeys(ctx, db, of)
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	for _, r := range rows {
		keys = append(keys, signin.Key{ID: r.Credential, Public: r.PublicKey, BackupEligible: r.BackupEligible, SignCount: uint32(r.SignCount)})
		ids = append(ids, r.AuthenticatorID)
	}
	return keys, ids, nil
}

func secretThrottle(token []byte) string     { return "secret\x00" + string(token) }
func codeThrottle(of ident.AccountID) string { return "one-time-code\x00" + of.String() }

// waitsOf are all that an account may have to wait for.
func (s *Accounts) waitsOf(ctx context.Context, token []byte, of ident.AccountID) (waits [][]byte, err error) {
	for _, what := range []string{secretThrottle(token), codeThrottle(of)} {
		key, err := s.throttleKey(ctx, what)
		if err != nil {
			return nil, err
		}
		waits = append(waits, key[:])
	}
	return waits, nil
}

// takeBack takes back the count of a try that succeeded.
func (s *Accounts) takeBack(ctx context.Context, t try) error {
	if t.failures == 0 {
		return nil
	}
	return pg.Fault(s.queries.TakeTryBack(ctx, s.db, t.throttle[:]))
}
