package registrar

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"errors"
	"log/slog"
	"runtime"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/signin"
)

// AccountsKey wraps the data keys of sign-in numbers and of the seeds of one-time
// codes.
const AccountsKey seal.KeyID = "duty/registrar/accounts"

// The kinds of act of accounts.
const (
	issueCode          = "issue-enrolment-code"
	useCode            = "use-enrolment-code"
	enrolAuthenticator = "enrol-authenticator"
	revokeOne          = "revoke-authenticator"
	signIn             = "sign-in"
)

const (
	// CodeLife is how long an enrolment code can be used: as long as it takes to go
	// home with it in a pocket would be too long, a telephone call is enough.
	CodeLife = 15 * time.Minute
	// SessionLife is how long somebody stays signed in at the registrar. An agency
	// that wants it fresher says so (max_age).
	SessionLife = time.Hour
	// freshFor is how new the proof must be with which somebody changes what proves
	// who they are.
	freshFor = 15 * time.Minute
	// mostPasskeys bounds the keys of one account.
	mostPasskeys = 20
)

// AccountsConfig is what Accounts stand on. All of it is required but Passkeys.
type AccountsConfig struct {
	Service *Service
	// Terms are the partnership's, as they are now.
	Terms func(context.Context) (*decide.Terms, error)
	// Passkeys of the origin that serves the pages. Nil where there can be none, as
	// at an address in numbers.
	Passkeys *signin.Passkeys
	// Logger is told of security events, without saying whose.
	Logger *slog.Logger
}

// Accounts is how subjects prove who they are: what they enrolled, and their
// sessions. Success gives no access to anything (AUT-01). It is safe for concurrent
// use, and any number of processes may serve the same database.
type Accounts struct {
	*Service
	terms    func(context.Context) (*decide.Terms, error)
	secrets  *signin.Secrets
	passkeys *signin.Passkeys
	log      *slog.Logger
}

// NewAccounts returns them, or an error that says what the configuration lacks. The
// keys that MakeKeys makes must be there.
func NewAccounts(ctx context.Context, c AccountsConfig) (*Accounts, error) {
	if c.Service == nil || c.Terms == nil || c.Logger == nil {
		return nil, errors.New("registrar: accounts need Service, Terms and Logger")
	}
	// As many secrets at a time as there are processors: more would only take memory.
	secrets, err := signin.NewSecrets(ctx, c.Service.keys, runtime.GOMAXPROCS(0))
	if err != nil {
		return nil, err
	}
	return &Accounts{Service: c.Service, terms: c.Terms, secrets: secrets, passkeys: c.Passkeys, log: c.Logger}, nil
}

// Kind is a kind of authenticator.
type Kind string

// The kinds, as the database knows them.
const (
	SecretKind      Kind = "secret"
	OneTimeCodeKind Kind = "one-time-code"
	PasskeyKind     Kind = "passkey"
)

// Authenticator is what somebody has enrolled.
type Authenticator struct {
	ID         ident.AuthenticatorID
	Kind       Kind
	EnrolledAt time.Time
	RevokedAt  time.Time // zero while it is in force
}

// IssuedCode is an enrolment code, shown once to who asked for it.
type IssuedCode struct {
	Code  signin.Code
	Until time.Time
	Receipt
}

// accountDeed is what an act about an account did: each member but Kept is a row of
// one table, as in deed.
type accountDeed struct {
	Kept     *looked               `json:"kept,omitempty"` // by one who keeps the register: whose, and why
	Code     *codeDeed             `json:"code,omitempty"`
	Used     ident.UntypedID       `json:"used,omitzero"`
	Account  *ownerDeed            `json:"account,omitempty"`
	Enrolled *enrolledDeed         `json:"enrolled,omitempty"`
	Revoked  ident.AuthenticatorID `json:"revoked,omitzero"`
	Named    []named               `json:"named,omitempty"`
	SignedIn *signedIn             `json:"signed_in,omitempty"`
}

type codeDeed struct {
	Code    ident.UntypedID `json:"code"`
	Subject ident.Subject   `json:"subject"`
	Until   time.Time       `json:"until"`
}

type ownerDeed struct {
	Account ident.AccountID `json:"account"`
	Subject ident.Subject   `json:"subject"`
}

// enrolledDeed holds of a passkey what stands in clear: a key that is swapped is seen.
type enrolledDeed struct {
	Authenticator  ident.AuthenticatorID `json:"authenticator"`
	Account        ident.AccountID       `json:"account"`
	Kind           Kind                  `json:"kind"`
	Credential     string                `json:"credential,omitempty"` // in hexadecimal
	PublicKey      string                `json:"public_key,omitempty"`
	BackupEligible bool                  `json:"backup_eligible,omitempty"`
}

// signedIn is at which agency somebody signed in, and how.
type signedIn struct {
	Account ident.AccountID `json:"account"`
	Agency  ident.Agency    `json:"agency"`
	Client  string          `json:"client"`
	Methods []signin.Method `json:"methods"`
	At      time.Time       `json:"at"` // of the proof
}

// IssueCode makes a code with which the person, and nobody else if it is handed to
// them, enrols what they will sign in with. It takes the place of one that was made
// before. It is the way through for who has lost everything, and for who is kept out
// by somebody that guesses: its use ends the wait (AUT-13). Errors: Forbidden for all
// who do not keep the register, NotKnown, Invalid.
func (s *Accounts) IssueCode(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, reason string) (made IssuedCode, err error) {
	defer fault.Wrap(&err, "registrar.IssueCode")
	at := s.now()
	code := signin.NewCode()
	token, err := code.Token(ctx, s.keys)
	if err != nil {
		return IssuedCode{}, err
	}
	receipt, err := s.keeping(ctx, caller, id, entry, reason, at, issueCode, func(_ *sql.Tx, d *accountDeed) error {
		d.Code = &codeDeed{ident.UntypedID(ident.NewAct()), d.Kept.Subject, at.Add(CodeLife)}
		return nil
	}, func(tx *sql.Tx, act ident.ActID, d *accountDeed) error {
		return s.queries.InsertEnrolmentCode(ctx, tx, registrardb.InsertEnrolmentCodeParams{
			CodeID: d.Code.Code, SubjectID: d.Code.Subject, ActID: act, Token: token[:], EndsAt: d.Code.Until,
		})
	})
	return IssuedCode{Code: code, Until: at.Add(CodeLife), Receipt: receipt}, err
}

// Revoke ends an authenticator of a subject at once: what rests on it is over with
// the next request (REG-07). Errors: Forbidden for all who do not keep the register,
// NotKnown, Invalid.
func (s *Accounts) Revoke(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, authenticator ident.AuthenticatorID, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.Revoke")
	var of ident.AccountID
	return s.keeping(ctx, caller, id, entry, reason, s.now(), revokeOne, func(tx *sql.Tx, d *accountDeed) error {
		found, err := s.queries.FindAccount(ctx, tx, d.Kept.Subject)
		if errors.Is(err, sql.ErrNoRows) {
			return notThere("authenticator")
		}
		of, d.Revoked = found.AccountID, authenticator
		return err
	}, func(tx *sql.Tx, act ident.ActID, _ *accountDeed) error {
		return s.revoke(ctx, tx, act, of, authenticator)
	})
}

// keeping is an act of one who keeps the register, about the account of an entry:
// prepare says what it does, carryOut does it.
func (s *Accounts) keeping(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, reason string, at time.Time, kind string,
	prepare func(*sql.Tx, *accountDeed) error, carryOut func(*sql.Tx, ident.ActID, *accountDeed) error,
) (receipt Receipt, err error) {
	role, err := s.mayKeep(caller)
	if err != nil {
		return Receipt{}, err
	}
	if !decide.Has(caller.Terms.Codes.Reasons, reason) {
		return Receipt{}, fault.At("/reason", "name one of the partnership's reasons")
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		found, err := s.find(ctx, tx, caller, id, entry)
		if err != nil {
			return err
		}
		a := s.Begin(kind, caller, role, at)
		d := accountDeed{Kept: &looked{id, found.SubjectID, reason}}
		if err := prepare(tx, &d); err != nil {
			return err
		}
		a.Deed = &d
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		return carryOut(tx, a.ID, &d)
	})
	return receipt, err
}

// revoke takes an authenticator out of force.
func (s *Accounts) revoke(ctx context.Context, tx *sql.Tx, act ident.ActID, of ident.AccountID, id ident.AuthenticatorID) error {
	n, err := s.queries.RevokeAuthenticator(ctx, tx, registrardb.RevokeAuthenticatorParams{
		AuthenticatorID: ident.UntypedID(id), AccountID: ident.UntypedID(of), ActID: ident.UntypedID(act),
	})
	if err == nil && n == 0 {
		err = notThere("authenticator")
	}
	return err
}

// Authenticators lists what a subject has enrolled, to one who keeps the register.
// Errors: Forbidden, NotKnown.
func (s *Accounts) Authenticators(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry) (all []Authenticator, err error) {
	defer fault.Wrap(&err, "registrar.Authenticators")
	if _, err = s.mayKeep(caller); err != nil {
		return nil, err
	}
	found, err := s.find(ctx, s.db, caller, id, entry)
	if err != nil {
		return nil, err
	}
	of, err := s.queries.FindAccount(ctx, s.db, found.SubjectID)
	if errors.Is(err, sql.ErrNoRows) {
		return []Authenticator{}, nil
	}
	if err != nil {
		return nil, pg.Fault(err)
	}
	return s.enrolled(ctx, of.AccountID)
}

func (s *Accounts) enrolled(ctx context.Context, id ident.AccountID) ([]Authenticator, error) {
	rows, err := s.queries.ListAuthenticators(ctx, s.db, id)
	if err != nil {
		return nil, pg.Fault(err)
	}
	all := make([]Authenticator, len(rows))
	for i, r := range rows {
		all[i] = Authenticator{ID: r.AuthenticatorID, Kind: Kind(r.Kind), EnrolledAt: r.EnrolledAt.UTC()}
		if r.RevokedAt.Valid {
			all[i].RevokedAt = r.RevokedAt.Time.UTC()
		}
	}
	return all, nil
}

// SecurityEvent is what looked like an attempt to get in as somebody else (AUT-13).
type SecurityEvent struct {
	Kind string
	At   time.Time
}

// SecurityEvents are those since a time, of a year at most, the newest first and 200 at most, to those
// who keep the registrar's registers. They say what and when; who it was about the
// registrar's own record has. Errors: Forbidden.
func (s *Accounts) SecurityEvents(ctx context.Context, caller decide.Caller, since time.Time) (all []SecurityEvent, err error) {
	defer fault.Wrap(&err, "registrar.SecurityEvents")
	if _, err = s.mayKeep(caller); err != nil {
		return nil, err
	}
	if yearAgo := s.now().AddDate(-1, 0, 0); since.Before(yearAgo) {
		since = yearAgo
	}
	rows, err := s.queries.ListSecurityEvents(ctx, s.db, since)
	if err != nil {
		return nil, pg.Fault(err)
	}
	all = make([]SecurityEvent, len(rows))
	for i, r := range rows {
		all[i] = SecurityEvent{r.Kind, r.At.UTC()}
	}
	return all, nil
}

// Ticket is what a browser holds to stay signed in. The database has its hash.
type Ticket string

func newTicket() Ticket {
	var b [32]byte
	_, _ = rand.Read(b[:])
	return Ticket(base64.RawURLEncoding.EncodeToString(b[:]))
}

func (t Ticket) hash() []byte {
	sum := sha256.Sum256([]byte("fame/session/1\x00" + t))
	return sum[:]
}

// Session is somebody who has proved who they are.
type Session struct {
	Account        ident.AccountID
	Subject        ident.Subject
	Methods        []signin.Method
	Authenticators []ident.AuthenticatorID
	At             time.Time // of the last proof
	Until          time.Time
}

// Level is how sure one may be.
func (s Session) Level() signin.Level { return signin.LevelOf(s.Methods) }

// errSignedOut is what is said of a session that is none, is over, or rests on what
// has been revoked.
func errSignedOut() error { return fault.New(fault.Unauthenticated, "sign in again") }

// FindSession is who holds the ticket, as things stand now: a session whose
// authenticator has been revoked is none. Errors: Unauthenticated.
func (s *Accounts) FindSession(ctx context.Context, t Ticket) (Session, error) {
	row, err := s.queries.FindSession(ctx, s.db, registrardb.FindSessionParams{Session: t.hash(), Now: s.now()})
	if errors.Is(err, sql.ErrNoRows) {
		return Session{}, errSignedOut()
	}
	if err != nil {
		return Session{}, pg.Fault(err)
	}
	found := Session{Account: row.AccountID, Subject: row.SubjectID, At: row.At.UTC(), Until: row.EndsAt.UTC()}
	for _, m := range row.Methods {
		found.Methods = append(found.Methods, signin.Method(m))
	}
	for _, a := range row.Authenticators {
		found.Authenticators = append(found.Authenticators, ident.AuthenticatorID(a))
	}
	return found, nil
}

// SignOut ends a session at once.
func (s *Accounts) SignOut(ctx context.Context, t Ticket) error {
	return pg.Fault(s.queries.EndSession(ctx, s.db, t.hash()))
}

// open stores a session and takes the one that it grew out of away, so that a ticket
// from before a proof is worth nothing after it.
func (s *Accounts) open(ctx context.Context, tx *sql.Tx, of Session, instead Ticket) (Ticket, error) {
	t := newTicket()
	methods := make([]string, len(of.Methods))
	for i, m := range of.Methods {
		methods[i] = string(m)
	}
	if instead != "" {
		if err := s.queries.EndSession(ctx, tx, instead.hash()); err != nil {
			return "", err
		}
	}
	return t, s.queries.InsertSession(ctx, tx, registrardb.InsertSessionParams{
		Session: t.hash(), AccountID: of.Account, Methods: methods, Authenticators: untyped(of.Authenticators), At: of.At, EndsAt: of.Until,
	})
}

// own starts the act of a subject.
func (s *Accounts) own(ctx context.Context, kind string, subject ident.Subject, at time.Time) (Act, error) {
	terms, err := s.terms(ctx)
	if err != nil {
		return Act{}, err
	}
	return s.BeginOwn(kind, subject, terms.Version, at), nil
}

// untyped are ids as an array of the database takes them.
func untyped(ids []ident.AuthenticatorID) []ident.UntypedID {
	all := make([]ident.UntypedID, len(ids))
	for i, id := range ids {
		all[i] = ident.UntypedID(id)
	}
	return all
}
