package consent

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// Request is what a person has agreed to, as a practitioner records it: what,
// how, why, with whom and until when (PUB-05).
type Request struct {
	Proof    string // relmgr's, that the caller brings this handle
	Explicit bool   // LEG-14
	Audience decide.Audience
	Purposes []string
	Aspects  []string
	Until    time.Time
	Evidence Evidence
	Wording  string // the version of the words that the person was shown

	Understanding Understanding
	Proxy         *Proxy      // nil: the person decided
	Competence    *Competence // nil: nothing is recorded of it
}

// Captured names a new consent and the act that captured it.
type Captured struct {
	Consent ident.ConsentID
	Receipt
}

// Consent is what a consent says, for those who may read it back. It names no
// handle.
type Consent struct {
	ID       ident.ConsentID
	Explicit bool
	Audience decide.Audience
	Purposes []string
	Aspects  []string
	From     time.Time
	Until    time.Time
	Evidence Evidence
	Wording  string
	// Understanding was made sure of by whoever captured it.
	Understanding Understanding
	CapturedBy    ident.Agency // the agency that controls the column it was captured for
	Withdrawn     time.Time    // zero while it is not withdrawn
	// WithdrawnBy is the evidence of the withdrawal.
	WithdrawnBy Evidence

	Proxy      *Proxy      // nil: the person decided
	Competence *Competence // nil: nothing is recorded of it

	// What the log keeps of the acts that captured and withdrew it.
	Commitment, WithdrawnCommitment []byte
}

// Capture records a consent for the handle that the proof names, in force from
// now on.
//
// It answers Forbidden when the caller may not publish under any agreement of
// their agency, and Invalid for a proof that is not the caller's, the same for
// every reason, or for a value that cannot be used. No consent is stored
// without its act.
func (s *Service) Capture(ctx context.Context, caller decide.Caller, req Request) (captured Captured, err error) {
	defer fault.Wrap(&err, "consent.Capture")
	at := s.now()
	role, err := mayPublish(caller, at)
	if err != nil {
		return Captured{}, err
	}
	handle, column, err := s.proved(ctx, caller, req.Proof, at)
	if err != nil {
		return Captured{}, err
	}
	if err := req.check(caller.Terms, at); err != nil {
		return Captured{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		r := begin(capture, caller, role, at)
		r.Handle, r.Held = handle, column.Agency
		captured, err = s.capture(ctx, tx, &r, column.ID, &req, caller.Terms)
		return err
	})
	return captured, err
}

// capture puts a consent and its act into tx. r has who, when and for which
// handle; req has been checked.
func (s *Service) capture(ctx context.Context, tx *sql.Tx, r *record, column ident.Column, req *Request, terms *decide.Terms) (Captured, error) {
	r.Evidence, r.Consent, r.Agreed = req.Evidence, ident.NewConsent(), req.agreed(column, terms)
	receipt, err := s.append(ctx, tx, r)
	if err != nil {
		return Captured{}, err
	}
	if err := s.queries.InsertConsent(ctx, tx, consentRow(r)); err != nil {
		return Captured{}, err
	}
	return Captured{Consent: r.Consent, Receipt: receipt}, s.storeProxy(ctx, tx, r.Consent, r.Agreed)
}

// agreed is what the request is about, as an act records it.
func (r *Request) agreed(column ident.Column, terms *decide.Terms) *agreed {
	audience := r.Audience
	if audience.Names == nil {
		audience.Names = []string{}
	}
	a := &agreed{
		Column: column, Explicit: r.Explicit, Audience: audience,
		Purposes: r.Purposes, Aspects: r.Aspects, Until: exact(r.Until), Wording: r.Wording, Understanding: r.Understanding,
	}
	a.narrow(r.Proxy, r.Competence, terms)
	return a
}

// check says what of the request cannot be used.
func (r *Request) check(terms *decide.Terms, at time.Time) error {
	var c checks
	c.terms(r, terms, at)
	c.evidence(r.Evidence)
	c.wording(r.Wording)
	c.understanding(r.Understanding, terms)
	c.proxy(r.Proxy, r.Competence, terms, at)
	return c.fault()
}

// errConsentNotKnown is the one answer for an id that names nothing and for
// one that the caller may not know of.
func errConsentNotKnown() error {
	return fault.New(fault.NotKnown, "no consent that your agency captured has this id: use the id of its receipt")
}

// Find returns a consent to colleagues at the agency that controls its column,
// and to whoever captured it. To all others it is NotKnown, as is an id that
// names nothing.
func (s *Service) Find(ctx context.Context, caller decide.Caller, id ident.ConsentID) (found Consent, err error) {
	defer fault.Wrap(&err, "consent.Find")
	row, err := s.queries.FindConsent(ctx, s.db, consentdb.FindConsentParams{
		ConsentID: id, CallerAgency: caller.Agency, Caller: caller.Practitioner,
	})
	if errors.Is(err, sql.ErrNoRows) {
		return Consent{}, errConsentNotKnown()
	}
	if err != nil {
		return Consent{}, pg.Fault(err)
	}
	return consentOf(row), nil
}

// Withdraw ends a consent at once: published_consents shows it withdrawn from
// the commit on (PUB-12). It is as easy as capturing: whoever may publish at
// the agency that captured it, with evidence and nothing more, no proof of the
// handle and no time limit.
//
// A consent has one withdrawal. Asking again, or twice at once, is no error and
// makes no second act: every caller gets the receipt of the first. Unknown and
// another agency's are the same NotKnown.
func (s *Service) Withdraw(ctx context.Context, caller decide.Caller, id ident.ConsentID, evidence Evidence) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "consent.Withdraw")
	return s.end(ctx, caller, evidence, s.withdrawal(id, errConsentNotKnown(), func(tx *sql.Tx, r *record) error {
		row, err := s.queries.FindConsent(ctx, tx, consentdb.FindConsentParams{
			ConsentID: id, CallerAgency: caller.Agency, Caller: caller.Practitioner,
		})
		r.Handle, r.Held, r.Consent = row.HandleID, row.AgencyID, id
		return err
	}))
}

// withdrawal ends one consent, which find finds.
func (s *Service) withdrawal(id ident.ConsentID, unknown error, find func(*sql.Tx, *record) error) ending {
	return ending{
		kind: withdraw, unknown: unknown, find: find,
		first: func(ctx context.Context, tx *sql.Tx) (Receipt, error) {
			first, err := s.queries.FindWithdrawal(ctx, tx, id)
			return Receipt{Act: first.ActID, Commitment: first.Commitment}, err
		},
		insert: func(ctx context.Context, tx *sql.Tx, r *record) (int64, error) {
			return s.queries.InsertWithdrawal(ctx, tx, consentdb.InsertWithdrawalParams{
				ConsentID: id, ActID: r.Act, At: r.At, Evidence: string(r.Evidence),
			})
		},
	}
}
