package consent

import (
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

const (
	// RecordsKey is the key under which this duty's acts are sealed. Whoever
	// wires the duty makes it (seal.KindWrap) before the first act.
	RecordsKey seal.KeyID = "duty/consent/records"

	// ProofAudience is the audience of the proofs that this duty accepts.
	ProofAudience = "consent"

	// LongestYears bounds a consent. What somebody agreed to longer ago than
	// this is asked again: agreement that nobody has renewed does not inform
	// anyone of what is shared today (PUB-05).
	LongestYears = 2

	// mostCodes bounds purposes and aspects, mostNames an audience, as in
	// openapi.yaml.
	mostCodes = 20
	mostNames = 50
)

// Config is what the duty needs. All of it is required.
type Config struct {
	// DB is open as the consent role.
	DB *sql.DB
	// Keys holds RecordsKey and ReceiptsKey.
	Keys seal.Provider
	// Proofs trusts relmgr's key for handle proofs, and only that.
	Proofs *attest.Verifier
	// Now is the clock.
	Now func() time.Time
}

// Service is the consent duty. It is safe for concurrent use.
type Service struct {
	db       *sql.DB
	queries  *consentdb.Queries
	keys     seal.Provider
	receipts *attest.Signer
	proofs   *attest.Verifier
	clock    func() time.Time
}

// New returns the duty, or an error that says what the Config lacks.
func New(c Config) (*Service, error) {
	switch {
	case c.DB == nil:
		return nil, errors.New("consent: set DB: open the database as the consent role")
	case c.Keys == nil:
		return nil, errors.New("consent: set Keys: the provider that holds " + string(RecordsKey) + " and " + string(ReceiptsKey))
	case c.Proofs == nil:
		return nil, errors.New("consent: set Proofs: the verifier of relmgr's handle proofs")
	case c.Now == nil:
		return nil, errors.New("consent: set Now: the clock, such as time.Now")
	}
	return &Service{
		db: c.DB, queries: consentdb.New(), keys: c.Keys, receipts: attest.NewSigner(c.Keys, ReceiptsKey, "consent"), proofs: c.Proofs, clock: c.Now,
	}, nil
}

// now is the instant of one request, as exact as the database keeps it: what
// an act commits to and what is stored are the same.
func (s *Service) now() time.Time { return exact(s.clock()) }

func exact(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// Receipt names an act and the commitment under which the ledger keeps it.
type Receipt struct {
	Act        ident.ActID
	Commitment []byte // 32 bytes
}

// Evidence says how somebody's word was recorded. Every consent, exclusion and
// withdrawal has some, explicit consent above all (LEG-14); there is no kind
// that means none.
type Evidence string

// The kinds of evidence, as in openapi.yaml.
const (
	SignedForm         Evidence = "signed-form"
	SpokenAndNoted     Evidence = "spoken-and-noted"
	RecordedCall       Evidence = "recorded-call"
	Electronic         Evidence = "electronic"
	InterpreterPresent Evidence = "interpreter-present"
)

var evidenceKinds = []Evidence{SignedForm, SpokenAndNoted, RecordedCall, Electronic, InterpreterPresent}

// Understanding says how whoever recorded a consent made sure that the person
// understood what they agree to; empty: it is not recorded (PUB-11).
type Understanding string

// The ways, as in openapi.yaml.
const (
	ToldBack          Understanding = "told-back"
	QuestionsAnswered Understanding = "questions-answered"
	WithInterpreter   Understanding = "interpreter"
	WithAdvocate      Understanding = "advocate"
)

var understandings = []Understanding{ToldBack, QuestionsAnswered, WithInterpreter, WithAdvocate}

// mayPublish returns the role in which the caller acts: one that an agreement
// in force lists under roles.publish and to which the caller's agency is a
// party. It depends on the caller and the terms alone, so its refusal is
// explained: Forbidden.
func mayPublish(caller decide.Caller, at time.Time) (string, error) {
	if role, ok := roleOf(caller, at, func(r *decide.AgreementRoles) []string { return r.Publish }); ok {
		return role, nil
	}
	return "", fault.New(fault.Forbidden, "consents and exclusions are for those who may publish: hold a role that an "+
		"agreement in force, to which your agency is a party, lists under roles.publish")
}

// roleOf returns a role that an agreement in force lists, to which the caller's agency is
// a party.
func roleOf(caller decide.Caller, at time.Time, listed func(*decide.AgreementRoles) []string) (string, bool) {
	if caller.Terms.FindAgency(caller.Agency, at) != nil {
		for i := range caller.Terms.Agreements {
			a := caller.Terms.FindAgreement(caller.Terms.Agreements[i].Code, at)
			if a == nil || !slices.Contains(a.Parties, caller.Agency) {
				continue
			}
			if role, ok := caller.RoleAmong(listed(&a.Roles)); ok {
				return role, true
			}
		}
	}
	return "", false
}
