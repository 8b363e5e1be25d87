package relmgr

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Shown is an act as one agency is shown it: under a reference drawn for that
// agency, with its own side of the decision and nothing of another's.
type Shown struct {
	Act          ident.ReferenceID
	Kind         Kind
	At           time.Time // the day alone, in UTC, unless Own
	Agency       ident.Agency
	Own          bool
	Practitioner ident.Practitioner // empty unless Own
	Role         string             // empty unless Own
	Mode         decide.Mode
	Reason       string     // empty unless Own
	Evidence     Evidence   // empty unless Own
	Since        *time.Time // nil unless Own, and said
	Agreement    string
	Effect       string // of the agreement: permit or mandate (IDX-14)
	Ground       decide.Ground
	Aspects      []string
	Undoes       []ident.ReferenceID
	Withdrawn    bool
	Decision     *ShownDecision
	Commitment   []byte // empty unless Own
	// Approval and who made it, of what was imported under one (ACT-04).
	Approval   ident.ReferenceID
	ApprovedBy ident.Practitioner
	// Registrar stated that it is one person, this surely, from these kinds of data;
	// empty where a code was used.
	Registrar string
	Level     decide.Confidence
	Types     []string
}

// ShownDecision is one side's decision, read back.
type ShownDecision struct {
	Steps        [4]decide.Step
	Questions    [4]string
	Agreement    string
	Power        string
	Ground       decide.Ground
	Purposes     []string
	Aspects      []string
	Consents     []ident.ConsentID
	Until        time.Time
	TermsVersion int64
	Profile      string

	Aim        string
	Review     time.Time
	Conditions decide.Conditions
	Detriment  decide.Detriment
	Order      string
	Override   *decide.Override
}

// FindAct shows one act to a member of a column that it is about (ACT-01). An
// act that the agency may not know of is one that does not exist. The read is
// recorded as an enquiry first.
func (s *Service) FindAct(ctx context.Context, who decide.Caller, ref ident.ReferenceID, why Why) (_ Shown, err error) {
	defer fault.Wrap(&err, "relmgr.FindAct")
	if err := why.check(who.Terms); err != nil {
		return Shown{}, err
	}
	a, err := s.q.ShowAct(ctx, s.db, relmgrdb.ShowActParams{ReferenceID: ref, AgencyID: who.Agency})
	if errors.Is(err, sql.ErrNoRows) {
		return Shown{}, unknownAct()
	} else if err != nil {
		return Shown{}, pg.Fault(err)
	}
	if Kind(a.Kind) == Approve { // which is about no person
		return s.show(ctx, who, relmgrdb.ListActsRow(a))
	}
	h, err := s.mayRead(ctx, who, a.ActID)
	if err != nil {
		return Shown{}, err
	}
	shown, err := s.show(ctx, who, relmgrdb.ListActsRow(a))
	if err != nil {
		return Shown{}, err
	}
	r := reading{Reads: readAct, Column: h.ColumnID, Handle: h.HandleID, Shown: texts([]ident.ActID{a.ActID})}
	if err := s.recordRead(ctx, who, r, why, s.stamp()); err != nil {
		return Shown{}, err
	}
	return shown, nil
}

// mayRead returns a handle that the act is about and of whose column the caller
// is a member.
func (s *Service) mayRead(ctx context.Context, who decide.Caller, act ident.ActID) (relmgrdb.ListActHandlesRow, error) {
	handles, err := s.q.ListActHandles(ctx, s.db, act)
	if err != nil {
		return relmgrdb.ListActHandlesRow{}, pg.Fault(err)
	}
	for _, h := range handles {
		if _, err := s.column(who, h.ColumnID, s.stamp()); err == nil && !h.Destroyed {
			return h, nil
		}
	}
	return relmgrdb.ListActHandlesRow{}, unknownAct()
}

// ListActs shows the acts on one of the caller's own handles, newest first,
// after the act of the cursor. next is zero on the last page. The read is recorded
// as an enquiry first.
func (s *Service) ListActs(ctx context.Context, who decide.Caller, handle ident.HandleID, after ident.ReferenceID, limit int, why Why) (acts []Shown, next ident.ReferenceID, err error) {
	defer fault.Wrap(&err, "relmgr.ListActs")
	if err := why.check(who.Terms); err != nil {
		return nil, next, err
	}
	column, err := s.q.FindHandleColumn(ctx, s.db, handle)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, next, unknownHandle()
	} else if err != nil {
		return nil, next, pg.Fault(err)
	}
	if _, err := s.column(who, column, s.stamp()); err != nil {
		return nil, next, unknownHandle()
	}
	if !after.IsZero() {
		_, err := s.q.FindActByReference(ctx, s.db, relmgrdb.FindActByReferenceParams{ReferenceID: after, AgencyID: who.Agency})
		if errors.Is(err, sql.ErrNoRows) {
			return nil, next, fault.At("/cursor", "give the next of the page before")
		} else if err != nil {
			return nil, next, pg.Fault(err)
		}
	}
	rows, err := s.q.ListActs(ctx, s.db, relmgrdb.ListActsParams{
		AgencyID: who.Agency, HandleID: handle, FromStart: after.IsZero(), AfterReference: ident.UntypedID(after),
		PageSize: int32(limit) + 1,
	})
	if err != nil {
		return nil, next, pg.Fault(err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].ReferenceID
	}
	var shown []ident.ActID
	for _, r := range rows {
		a, err := s.show(ctx, who, r)
		if err != nil {
			return nil, next, err
		}
		acts, shown = append(acts, a), append(shown, r.ActID)
	}
	r := reading{Reads: readActs, Column: column, Handle: handle, Shown: texts(shown)}
	if err := s.recordRead(ctx, who, r, why, s.stamp()); err != nil {
		return nil, ident.ReferenceID{}, err
	}
	return acts, next, nil
}

func (s *Service) show(ctx context.Context, who decide.Caller, r relmgrdb.ListActsRow) (Shown, error) {
	a := Shown{
		Act: r.ReferenceID, Kind: Kind(r.Kind), At: r.At.UTC(), Agency: r.AgencyID, Own: r.AgencyID == who.Agency,
		Mode: decide.Mode(r.Mode), Agreement: r.Agreement, Ground: decide.Ground(r.Ground),
		Registrar: r.Registrar, Level: decide.Confidence(r.Level), Types: r.Types,
	}
	if a.Own {
		a.Practitioner, a.Role, a.Reason, a.Commitment = r.PractitionerID, r.Role, r.Reason, r.Commitment
		a.Evidence = Evidence(r.Evidence)
		if r.Since.Valid {
			since := r.Since.Time.UTC()
			a.Since = &since
		}
	} else {
		a.Ground = "" // the other side's ground is the other side's
		// No value is shown to two agencies (invariant 4): the instant of an act
		// would tell two who put their lists together which entries are one person.
		a.At = a.At.Truncate(24 * time.Hour)
	}
	approvers, err := s.q.ListApprovers(ctx, s.db, relmgrdb.ListApproversParams{AgencyID: who.Agency, ActIds: texts([]ident.ActID{r.ActID})})
	if err != nil {
		return a, pg.Fault(err)
	}
	for _, by := range approvers {
		a.Approval, a.ApprovedBy = by.ReferenceID, by.PractitionerID
	}
	if ag := who.Terms.Agreement(r.Agreement); ag != nil {
		a.Effect = ag.Effect
	}
	undone, err := s.q.ListUndone(ctx, s.db, relmgrdb.ListUndoneParams{AgencyID: who.Agency, ActID: r.ActID})
	if err != nil {
		return a, pg.Fault(err)
	}
	a.Undoes = undone
	undoings, err := s.q.ListUndoings(ctx, s.db, texts([]ident.ActID{r.ActID}))
	if err != nil {
		return a, pg.Fault(err)
	}
	a.Withdrawn = !inEffect(r.ActID, undoings)
	decisions, err := s.q.ListOwnDecisions(ctx, s.db, relmgrdb.ListOwnDecisionsParams{ActID: ident.UntypedID(r.ActID), AgencyID: who.Agency})
	if err != nil {
		return a, pg.Fault(err)
	}
	for _, d := range decisions {
		shown, err := showDecision(who.Terms, d)
		if err != nil {
			return a, err
		}
		a.Decision, a.Aspects = &shown, shown.Aspects
	}
	return a, nil
}

func showDecision(t *decide.Terms, d relmgrdb.ListOwnDecisionsRow) (ShownDecision, error) {
	out := ShownDecision{
		Questions: t.Profile.Questions, Agreement: d.Agreement, Power: d.Power, Ground: decide.Ground(d.Ground),
		Purposes: d.Purposes, Aspects: d.Aspects, Until: d.Until.UTC(), TermsVersion: d.TermsVersion, Profile: d.Profile,
		Aim: d.Aim, Review: d.ReviewAt.UTC(), Conditions: decide.Conditions{Ordinary: d.Ordinary, Sensitive: d.Sensitive},
		Detriment: decide.Detriment(d.Detriment), Order: d.OrderKind,
	}
	if d.Risk != "" {
		out.Override = &decide.Override{Risk: d.Risk, Telling: decide.Telling(d.Telling)}
	}
	if err := json.Unmarshal(d.Steps, &out.Steps); err != nil {
		return out, err
	}
	for _, c := range d.Consents {
		id, err := ident.ParseConsent(c)
		if err != nil {
			return out, err
		}
		out.Consents = append(out.Consents, id)
	}
	return out, nil
}
