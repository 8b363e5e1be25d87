package relmgr

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Kind says what an act does.
type Kind string

// The kinds.
const (
	Publish   Kind = "publish"
	Pair      Kind = "pair"
	Correlate Kind = "correlate"
	Separate  Kind = "separate"
	Withdraw  Kind = "withdraw"
	Refuse    Kind = "refuse" // a proposal that a step stopped (LEG-18)
	KeepApart Kind = "keep-apart"
	Dispute   Kind = "dispute"
	Settle    Kind = "settle"  // says which of a disputed handle's correlations hold
	Confirm   Kind = "confirm" // the other side says that it is the same person, or the person that they publish it too
	Contact   Kind = "contact" // please contact me
	Reply     Kind = "reply"   // a holder's answer to that
	Move      Kind = "move"    // one relationship of a caseload, to another column
	Tell      Kind = "tell"    // whether the subject is to be told of an imposed act
	Object    Kind = "object"  // the subject objects to an imposed act
	Rule      Kind = "rule"    // what the higher role made of that
	Export    Kind = "export"  // a page of a closed column, returned to its agency
	Destroy   Kind = "destroy" // the certificate of what of it was destroyed
	Erase     Kind = "erase"   // what the hub held of an identifier is gone
)

// Receipt is what the maker of an act is given: their agency's reference, and
// the commitment under which the ledger keeps the act.
type Receipt struct {
	Act        ident.ReferenceID
	Commitment []byte
}

// deed is an act about to be recorded. Its JSON is the canonical content that
// the commitment covers, so every member is part of the record.
type deed struct {
	Act          ident.ActID        `json:"act"`
	Kind         Kind               `json:"kind"`
	At           time.Time          `json:"at"`
	Practitioner ident.Practitioner `json:"practitioner"`
	Agency       ident.Agency       `json:"agency"`
	Role         string             `json:"role"`
	Mode         decide.Mode        `json:"mode,omitempty"`
	Reason       string             `json:"reason,omitempty"`
	Agreement    string             `json:"agreement,omitempty"`
	Ground       decide.Ground      `json:"ground,omitempty"`
	TermsVersion int64              `json:"terms_version"`
	Since        *time.Time         `json:"since,omitempty"`    // when it became so, where that is another time than At
	Evidence     Evidence           `json:"evidence,omitempty"` // of an act of the subject
	Handles      []ident.HandleID   `json:"handles,omitempty"`
	Decisions    []sided            `json:"decisions,omitempty"`
	Undoes       []ident.ActID      `json:"undoes,omitempty"`
	Offers       []Offer            `json:"offers,omitempty"`
	ProviderRole string             `json:"provider_role,omitempty"`
	Pairing      ident.ActID        `json:"pairing,omitzero"` // the act that opened the pairing used

	// Of a correlation on a registrar's statement, which uses the maker's own
	// pairing as well.
	Statement  *stated     `json:"statement,omitempty"`
	OwnPairing ident.ActID `json:"own_pairing,omitzero"`

	// Of an anchor that is attached, and of a recognition that was refused.
	Recognition *recognised `json:"recognition,omitempty"`
	Anchor      *anchored   `json:"anchor,omitempty"`

	Tie *tie `json:"tie,omitempty"`

	Repairs  string          `json:"repairs,omitempty"` // the registrar whose mistake this is
	Ruling   ident.CaseID    `json:"ruling,omitzero"`   // the case whose ruling this carries out
	Confirms ident.ActID     `json:"confirms,omitzero"`
	Reviews  ident.EnquiryID `json:"reviews,omitzero"`
	Cause    Cause           `json:"cause,omitempty"`
	Outcome  string          `json:"outcome,omitempty"`

	Judges []ident.DecisionID `json:"judges,omitempty"` // overrides
	// Barred lists the correlations that a keep-apart kept from effect in this
	// act, itself or restored ones. Nobody is shown it.
	Barred []ident.ActID `json:"barred,omitempty"`

	// Of a contact request and of a reply. Nobody is shown the deliveries.
	Enquiry    ident.EnquiryID  `json:"enquiry,omitzero"`
	Asking     *decide.Decision `json:"asking,omitempty"` // the asker's own four steps
	Contact    string           `json:"contact,omitempty"`
	Deliveries []delivery       `json:"deliveries,omitempty"`
	Delivery   ident.DeliveryID `json:"delivery,omitzero"`
	Reply      ReplyKind        `json:"reply,omitempty"`
	Detriment  decide.Detriment `json:"detriment,omitempty"`

	Moved *moved `json:"moved,omitempty"`
	// Of an approval, and of what was imported under one.
	Approves   *Approval          `json:"approves,omitempty"`
	Approval   ident.ActID        `json:"approval,omitzero"`
	ApprovedBy ident.Practitioner `json:"approved_by,omitempty"`
	Import     ident.ImportID     `json:"import,omitzero"`
	Line       int                `json:"line,omitempty"`

	Telling  *Telling     `json:"telling,omitempty"`
	TellsOf  ident.ActID  `json:"tells_of,omitzero"`
	Objects  ident.ActID  `json:"objects_to,omitzero"`
	RulesOn  ident.ActID  `json:"rules_on,omitzero"`
	Returned *returned    `json:"returned,omitempty"`
	Erasure  *erasure     `json:"erasure,omitempty"`
	Erases   *leaf.Erased `json:"erases,omitempty"`
	Expiry   *expiry      `json:"expiry,omitempty"`
	Hush     *hush        `json:"silence,omitempty"`

	Complaint *complained `json:"complaint,omitempty"`

	AsOf   *asOf       `json:"as_of,omitempty"`
	Allows ident.ActID `json:"allows,omitzero"` // the act that asks about an earlier date

	// pairs are the ends of what the act projects; uses is the pairing whose code
	// brought them together.
	pairs [][2]ident.HandleID
	uses  ident.PairingID
	// usesOwn is the maker's own pairing, used up with it.
	usesOwn ident.PairingID
	// roots are the kinds of the acts undone.
	roots []Kind
	// shownTo lists the agencies that may know of the act, its maker's first.
	shownTo []ident.Agency
}

// sided is one side's decision within an act.
type sided struct {
	ID       ident.DecisionID  `json:"decision"`
	Handle   ident.HandleID    `json:"handle"`
	Consents []ident.ConsentID `json:"consents"`
	// OrderReference is the evidence of an order. It is in the sealed record only.
	OrderReference string `json:"order_reference,omitempty"`
	decide.Decision

	// wants says that it was refused for want of a consent alone.
	wants bool
	// against says that the person has refused.
	against bool
}

// begin starts an act of the caller.
func begin(who decide.Caller, kind Kind, role string, at time.Time) *deed {
	return &deed{
		Act: ident.NewAct(), Kind: kind, At: at, Practitioner: who.Practitioner, Agency: who.Agency, Role: role,
		TermsVersion: who.Terms.Version, shownTo: []ident.Agency{who.Agency},
	}
}

// record writes the act, its commitment, and everything that it is about. It
// is the only way into the acts table.
func (s *Service) record(ctx context.Context, tx *sql.Tx, d *deed) (Receipt, error) {
	l, err := s.leafOf(ctx, d.Act, d)
	if err != nil {
		return Receipt{}, err
	}
	if err := s.q.RecordAct(ctx, tx, relmgrdb.RecordActParams{
		ActID: d.Act, Kind: string(d.Kind), At: d.At, PractitionerID: d.Practitioner, AgencyID: d.Agency, Role: d.Role,
		Mode: string(d.Mode), Reason: d.Reason, Agreement: d.Agreement, Ground: string(d.Ground), ProviderRole: d.ProviderRole,
		Since: nullTime(d.Since), Evidence: string(d.Evidence), TermsVersion: d.TermsVersion, Commitment: l.Commitment, Sealed: l.Sealed, WrappedKey: l.WrappedKey,
		ApprovalID: ident.UntypedID(d.Approval),
	}); err != nil {
		return Receipt{}, pg.Fault(err)
	}
	if err := s.bind(ctx, tx, d); err != nil {
		return Receipt{}, err
	}
	for _, h := range d.Handles {
		if err := s.q.RecordActHandle(ctx, tx, relmgrdb.RecordActHandleParams{ActID: d.Act, HandleID: h}); err != nil {
			return Receipt{}, pg.Fault(err)
		}
	}
	for _, u := range d.Undoes {
		if err := s.q.RecordUndoing(ctx, tx, relmgrdb.RecordUndoingParams{ActID: d.Act, Undoes: u}); err != nil {
			return Receipt{}, pg.Fault(err)
		}
	}
	if err := s.q.RecordBarred(ctx, tx, relmgrdb.RecordBarredParams{ActIds: texts(d.Barred), BarredIn: ident.UntypedID(d.Act)}); err != nil {
		return Receipt{}, pg.Fault(err)
	}
	if !d.Confirms.IsZero() {
		if err := s.q.RecordConfirmation(ctx, tx, relmgrdb.RecordConfirmationParams{ActID: d.Act, Confirms: d.Confirms}); err != nil {
			return Receipt{}, pg.Fault(err)
		}
	}
	for i := range d.Decisions {
		if err := s.recordDecision(ctx, tx, d, &d.Decisions[i]); err != nil {
			return Receipt{}, err
		}
	}
	if err := s.useUp(ctx, tx, d); err != nil {
		return Receipt{}, err
	}
	if err := s.keepTie(ctx, tx, d); err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Commitment: l.Commitment}
	slices.Sort(d.shownTo[1:])
	for i, agency := range slices.Compact(d.shownTo) {
		ref := ident.NewReference()
		if i == 0 {
			receipt.Act = ref
		}
		if err := s.q.RecordReference(ctx, tx, relmgrdb.RecordReferenceParams{ReferenceID: ref, ActID: d.Act, AgencyID: agency}); err != nil {
			return Receipt{}, pg.Fault(err)
		}
	}
	return receipt, nil
}

// useUp takes what can be used once: whoever comes second gets PairingUnusable.
// A statement's two pairings are taken in the order of their ids, so that two who
// use it at once, one from each side, do not wait for each other.
func (s *Service) useUp(ctx context.Context, tx *sql.Tx, d *deed) error {
	used := []relmgrdb.UsePairingParams{{PairingID: d.uses, ActID: d.Act}, {PairingID: d.usesOwn, ActID: d.Act, Own: true}}
	slices.SortFunc(used, func(a, b relmgrdb.UsePairingParams) int { return bytes.Compare(a.PairingID[:], b.PairingID[:]) })
	for _, u := range used {
		if u.PairingID.IsZero() {
			continue
		}
		err := s.q.UsePairing(ctx, tx, u)
		if pg.Constraint(err) == "pairings_used_pkey" {
			return unusable()
		} else if err != nil {
			return pg.Fault(err)
		}
	}
	if d.Anchor != nil {
		err := s.q.UseRecognition(ctx, tx, relmgrdb.UseRecognitionParams{RecognitionHash: d.Recognition.Hash, RecordID: ident.UntypedID(d.Act)})
		if err != nil {
			return pg.Fault(err)
		}
		if err := s.keepAnchor(ctx, tx, d); err != nil {
			return err
		}
	}
	if d.Statement == nil {
		return nil
	}
	err := s.q.RecordStatement(ctx, tx, relmgrdb.RecordStatementParams{
		ActID: d.Act, Registrar: d.Statement.Registrar, StatementID: d.Statement.ID, Level: string(d.Statement.Level), Types: d.Statement.Types,
	})
	if pg.Constraint(err) == "statement_is_used_once" {
		return unusable()
	} else if err != nil {
		return pg.Fault(err)
	}
	return nil
}

func (s *Service) recordDecision(ctx context.Context, tx *sql.Tx, d *deed, v *sided) error {
	steps, err := json.Marshal(v.Steps)
	if err != nil {
		return err
	}
	p := relmgrdb.RecordDecisionParams{
		DecisionID: v.ID, ActID: d.Act, HandleID: v.Handle, PractitionerID: d.Practitioner, AgencyID: d.Agency,
		Outcome: "permitted", Steps: steps, Agreement: v.Agreement, Power: v.Power, Ground: string(v.Ground),
		Purposes: v.Purposes, Aspects: v.Aspects, AudienceKind: string(v.Audience.Kind), Audience: v.Audience.Names,
		Until: v.Until, TermsVersion: v.TermsVersion, Profile: v.Profile, Mode: string(v.Mode), Aim: v.Aim, ReviewAt: v.Review,
		Detriment: string(v.Detriment), OrderKind: v.Order,
	}
	if p.ReviewAt.IsZero() { // stopped before it was set
		p.ReviewAt = v.Until
	}
	if n := v.StoppedAt(); n > 0 {
		p.Outcome, p.StoppedAt = "refused", sql.NullInt16{Int16: int16(n), Valid: true}
	} else { // closed codes by now: what a refused proposal names may be anything
		p.Ordinary, p.Sensitive = v.Conditions.Ordinary, v.Conditions.Sensitive
		if o := v.Override; o != nil {
			p.Risk, p.Telling = o.Risk, string(o.Telling)
		}
	}
	if err := s.q.RecordDecision(ctx, tx, p); err != nil {
		return pg.Fault(err)
	}
	if err := s.q.RecordDecisionConsents(ctx, tx, relmgrdb.RecordDecisionConsentsParams{
		DecisionID: ident.UntypedID(v.ID), ConsentIds: texts(v.Consents),
	}); err != nil {
		return pg.Fault(err)
	}
	return nil
}

// Evidence says how what the subject did was recorded, until subjects can do it
// themselves.
type Evidence string

// bySubject makes the deed the subject's own, which somebody else records.
func (d *deed) bySubject(e Evidence) {
	if e != "" {
		d.Mode, d.Evidence = decide.BySubject, e
	}
}

// evidenced checks that an act of the subject has evidence, and no other act.
func evidenced(m decide.Mode, e Evidence) error {
	if (m == decide.BySubject) != (e != "") {
		return fault.At("/evidence", "an act of the subject needs evidence of what the subject said or signed, and no other act takes it")
	}
	return nil
}

// fastClock is how far ahead of the hub's a caller's clock may be.
const fastClock = 5 * time.Minute

// since checks from when something is said to be so: the past, or now.
func since(t *time.Time, at time.Time) (*time.Time, error) {
	if t == nil {
		return nil, nil
	}
	u := t.UTC().Truncate(time.Microsecond)
	if u.After(at.Add(fastClock)) || u.Year() < 1900 {
		return nil, fault.At("/since", "say since when it has been so: a time that has come")
	}
	return &u, nil
}

func nullTime(t *time.Time) sql.NullTime {
	if t == nil {
		return sql.NullTime{}
	}
	return sql.NullTime{Time: *t, Valid: true}
}

// texts are ids as an array parameter takes them.
func texts[K any](ids []ident.ID[K]) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = id.String()
	}
	return out
}
