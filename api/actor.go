package api

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/api/internal/edgedb"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// SubjectHash is under which the register of users knows a person: SHA-256 of
// the issuer's name in the terms, a zero byte, and the sub of their tokens.
func SubjectHash(issuer, subject string) [sha256.Size]byte {
	return sha256.Sum256([]byte(issuer + "\x00" + subject))
}

// Secure verifies the token and finds its bearer in the register of users. It
// is what a duty's generated SecurityHandler calls; Caller and IdentityOf read
// the context that it returns. The operation, its first argument, is not looked
// at: every one needs a registered person.
//
// Whether the person is registered, with which roles and memberships, and on
// which terms, is asked anew each time (design.md section 4); what is
// remembered is only that the token verified. Errors: Unauthenticated,
// NotRegistered, Forbidden where the agency is no member now, RateLimited,
// Unavailable.
func (e *Edge) Secure(ctx context.Context, _, token string) (context.Context, error) {
	who, err := e.identify(ctx, token)
	if err != nil {
		return nil, err
	}
	if !who.registered {
		return nil, fault.New(fault.NotRegistered, "ask your agency's administrator to register you, "+
			"or POST /governance/v1/sign-ins if your issuer's claims are mapped")
	}
	return who.into(ctx), nil
}

// AuthenticateOnly is Secure for an operation that is open to people who are
// not registered yet, such as governance's signIn. For them IdentityOf is
// there and Caller is not.
func (e *Edge) AuthenticateOnly(ctx context.Context, _, token string) (context.Context, error) {
	who, err := e.identify(ctx, token)
	if err != nil {
		return nil, err
	}
	return who.into(ctx), nil
}

// Bearing lets in whoever bears a registrar's statement of who has signed in: relmgr
// judges it, by StatementOf. Each statement has its own limit. Errors: RateLimited,
// Unavailable.
func (e *Edge) Bearing(ctx context.Context, _, statement string) (context.Context, error) {
	terms, err := e.admitted(ctx, "statement\x00"+statement)
	if err != nil {
		return nil, err
	}
	return context.WithValue(context.WithValue(ctx, termsKey, terms), statementKey, statement), nil
}

// TrustSubjects has SecureSubject accept relmgr's proofs that are made for this duty.
// Call it before serving.
func (e *Edge) TrustSubjects(duty string, proofs *attest.Verifier) {
	e.subjectDuty, e.subjectProofs = duty, proofs
}

// SecureSubject verifies relmgr's proof of the handles of a person who has signed in,
// for the operations that they do as themself: SubjectOf reads the context that it
// returns. A column that has closed since takes its handles with it. No token of a
// practitioner, of the registrar's provider or for another duty will do (AUT-01,
// AUT-07). Errors: Unauthenticated, RateLimited, Unavailable.
func (e *Edge) SecureSubject(ctx context.Context, operation, proof string) (context.Context, error) {
	again := fault.New(fault.Unauthenticated, "ask GET /relmgr/v1/me/handles for proofs, and send the one for this duty")
	if e.subjectProofs == nil {
		return nil, again
	}
	p, err := e.subjectProofs.VerifySubjectProof(ctx, proof, e.subjectDuty)
	if errors.Is(err, attest.ErrStatement) {
		return nil, again.Because(err)
	}
	if err != nil {
		return nil, err
	}
	terms, err := e.admitted(ctx, "proof\x00"+proof)
	if err != nil {
		return nil, err
	}
	who := decide.Subject{Terms: terms, Registrar: p.Registrar, Level: decide.Confidence(p.Level), SignIn: decide.SignIn(p.ACR), Authority: p.Authority, Scope: p.Scope}
	if !who.Level.Known() || !who.SignIn.Known() || terms.FindRegistrar(p.Registrar) == nil {
		return nil, again
	}
	if scope := scopeOf(operation); !who.May(scope) {
		return nil, fault.New(fault.Forbidden, "your authority for this person does not go as far as to %s for them: the registrar that recorded it says how far it goes", scope)
	}
	now := e.now()
	for _, h := range p.Handles {
		if terms.FindColumn(h.Column, now) != nil {
			who.Handles = append(who.Handles, decide.SubjectHandle(h))
		}
	}
	return context.WithValue(context.WithValue(ctx, termsKey, terms), subjectKey, who), nil
}

// scopeOf is what somebody's authority for a person must go as far as for an operation:
// to see for what lists or finds, to decide for all else (SUB-12).
func scopeOf(operation string) string {
	if strings.HasPrefix(operation, "List") || strings.HasPrefix(operation, "Find") {
		return decide.ToSee
	}
	return decide.ToDecide
}

// admitted counts a request of somebody who is no practitioner, by what they bear, and
// returns the terms in force.
func (e *Edge) admitted(ctx context.Context, bears string) (*decide.Terms, error) {
	terms, err := e.terms.newest(ctx)
	if err != nil {
		return nil, err
	}
	return terms, e.people.take(sha256.Sum256([]byte(bears)), perMinuteOf(terms), e.now())
}

// Terms returns the terms that the request was authenticated on, and the
// newest ones for a request that has no verified token yet. Errors are
// Unavailable, also while the hub has no partnership.
func (e *Edge) Terms(ctx context.Context) (*decide.Terms, error) {
	if t, ok := ctx.Value(termsKey).(*decide.Terms); ok {
		return t, nil
	}
	return e.terms.newest(ctx)
}

// bearer is whom a token names, and what the register says of them now.
type bearer struct {
	id         Identity
	terms      *decide.Terms
	registered bool
	caller     decide.Caller
}

func (b bearer) into(ctx context.Context) context.Context {
	ctx = context.WithValue(ctx, identityKey, b.id)
	ctx = context.WithValue(ctx, termsKey, b.terms)
	if b.registered {
		ctx = context.WithValue(ctx, callerKey, b.caller)
	}
	return ctx
}

// maxTermsChanges is how many changes of the terms one request outlasts.
const maxTermsChanges = 3

// identify verifies the token under the newest terms and finds its bearer. The
// usual request costs one query, which tells the newest version too and is
// shared with those who come at the same time; only when that is not the one in
// hand are the terms read, and all is done again.
func (e *Edge) identify(ctx context.Context, token string) (bearer, error) {
	terms := e.terms.last.Load()
	if terms == nil {
		var err error
		if terms, err = e.terms.newest(ctx); err != nil {
			return bearer{}, err
		}
	}
	for range maxTermsChanges {
		id, err := e.authenticator.Verify(ctx, terms, token)
		if err != nil && errors.Is(err, errOtherTerms) { // perhaps the terms have changed
			newest, errNewest := e.terms.newest(ctx)
			if errNewest != nil {
				return bearer{}, errNewest
			}
			if newest.Version != terms.Version {
				terms = newest
				continue
			}
		}
		if err != nil {
			return bearer{}, err
		}
		hash := SubjectHash(id.Issuer, id.Subject)
		now := e.now().UTC()
		if err := e.people.take(hash, perMinuteOf(terms), now); err != nil {
			return bearer{}, err
		}
		found, err := e.users.Ask(ctx, sought{at: now, issuer: id.Issuer, subject: hash})
		if err != nil {
			return bearer{}, fmt.Errorf("find the caller: %w", pg.Fault(err))
		}
		if found.Version == terms.Version {
			return bearerOf(ctx, bearer{id: id, terms: terms}, found, now)
		}
		if terms, err = e.terms.at(ctx, found.Version); err != nil {
			return bearer{}, err
		}
	}
	f := fault.New(fault.Unavailable, "the partnership's terms are changing: try again")
	f.RetryAfter = time.Second
	return bearer{}, f
}

// sought is whom the register of users is asked for, and as at when.
type sought struct {
	at      time.Time
	issuer  string
	subject [sha256.Size]byte
}

// mostSought is how many are asked for at once.
const mostSought = 256

// findUsers asks the register for everybody at once.
func (e *Edge) findUsers(ctx context.Context, all []sought) ([]edgedb.FindUsersRow, error) {
	var p edgedb.FindUsersParams
	for i, s := range all {
		p.Numbers = append(p.Numbers, int32(i))
		p.Ats = append(p.Ats, s.at)
		p.Issuers = append(p.Issuers, s.issuer)
		p.SubjectHashes = append(p.SubjectHashes, s.subject[:])
	}
	rows, err := e.q.FindUsers(ctx, e.db, p)
	if err != nil {
		return nil, pg.Fault(err)
	}
	found := make([]edgedb.FindUsersRow, len(all))
	for _, r := range rows {
		found[r.N] = r
	}
	return found, nil
}

// bearerOf makes the caller of what the register says, if their agency is a
// member now and their issuer may speak for it. Roles for which the issuer is not relied on enough do not
// count (AUT-10).
func bearerOf(ctx context.Context, b bearer, found edgedb.FindUsersRow, now time.Time) (bearer, error) {
	if found.Practitioner == "" {
		return b, nil
	}
	b.registered = true
	b.caller = decide.Caller{Terms: b.terms, Actor: decide.Actor{
		Practitioner: ident.Practitioner(found.Practitioner),
		Agency:       ident.Agency(found.Agency),
		Roles:        slices.Clone(found.Roles),
		Providers:    make([]ident.Provider, len(found.Providers)),
	}}
	for i, p := range found.Providers {
		b.caller.Providers[i] = ident.Provider(p)
	}
	requestOf(ctx).practitioner = b.caller.Practitioner
	if b.terms.FindAgency(b.caller.Agency, now) == nil {
		return bearer{}, fault.New(fault.Forbidden, "your agency is not a member of the partnership now: ask its administrator")
	}
	for _, issuer := range b.terms.Issuers {
		if issuer.Name == b.id.Issuer && issuer.Agency != "" && issuer.Agency != b.caller.Agency {
			return bearer{}, fault.New(fault.Forbidden, "your issuer speaks for another agency: sign in with one of your own agency")
		}
	}
	b.caller.Roles = slices.DeleteFunc(b.caller.Roles, func(role string) bool { return !b.terms.Counts(role, b.id.Issuer) })
	if len(b.caller.Roles) == 0 && len(found.Roles) > 0 {
		return bearer{}, fault.New(fault.Forbidden, "the partnership does not rely on your issuer enough for any of your roles: sign in with another")
	}
	return b, nil
}

// defaultPerMinute holds where the terms set none.
const defaultPerMinute = 600

func perMinuteOf(terms *decide.Terms) int {
	if n := terms.Settings.RequestsPerMinute; n > 0 {
		return n
	}
	return defaultPerMinute
}
