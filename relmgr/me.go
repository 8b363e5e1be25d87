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

// What a person who has signed in is shown of themself, and what they do there. All of
// it is found by the handles that relmgr's own proof names; what they are lawfully not
// told of is left out by the queries, with all that follows from it, so that neither a
// count nor a page shows a gap (ACT-10). Looking is no act.

// thePerson acts where the person does, without a practitioner or an agency.
const thePerson = "the-person"

// Look says which part of a list a person is shown.
type Look struct {
	// Sensitive asks for what sensitive columns did, too, which takes two factors.
	Sensitive bool
	Limit     int
}

// unseen are the columns that the person did not ask to be shown: the sensitive ones
// in which no handle of the proof is. A-14.
func unseen(who decide.Subject, l Look) ([]string, error) {
	if l.Sensitive && !who.SignIn.Reaches(decide.TwoFactors) {
		return nil, fault.NeedsStepUp(string(decide.TwoFactors))
	}
	out := []string{}
	for _, c := range who.Terms.Columns {
		if c.Sensitive && !l.Sensitive {
			out = append(out, string(c.ID))
		}
	}
	return out, nil
}

func handlesOfSubject(who decide.Subject) []string {
	out := make([]string, len(who.Handles))
	for i, h := range who.Handles {
		out[i] = h.Handle.String()
	}
	return out
}

// MyRelationship is what one column holds of a person.
type MyRelationship struct {
	relmgrdb.ListMyRelationshipsRow
	Provider   decide.Provider
	Agency     ident.Agency // that controls the column
	AgencyName string
}

// ListMyRelationships shows a person who holds something of them in the index, and on
// what decision (SUB-01).
func (s *Service) ListMyRelationships(ctx context.Context, who decide.Subject) (out []MyRelationship, err error) {
	defer fault.Wrap(&err, "relmgr.ListMyRelationships")
	rows, err := s.q.ListMyRelationships(ctx, s.db, handlesOfSubject(who))
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		c := who.Terms.Column(r.ColumnID)
		if c == nil {
			continue
		}
		out = append(out, MyRelationship{ListMyRelationshipsRow: r, Provider: *who.Terms.ProviderOf(c), Agency: c.Agency, AgencyName: who.Terms.AgencyName(c.Agency)})
	}
	return out, nil
}

// MyEnquiry is who asked about a person, or was told of them, why, and what they learned.
type MyEnquiry = relmgrdb.ListMyEnquiriesRow

// ListMyEnquiries shows a person who asked about them, newest first, after the enquiry
// of the cursor; next is zero on the last page (SUB-09).
func (s *Service) ListMyEnquiries(ctx context.Context, who decide.Subject, l Look, after ident.EnquiryID) (rows []MyEnquiry, next ident.EnquiryID, err error) {
	defer fault.Wrap(&err, "relmgr.ListMyEnquiries")
	hidden, err := unseen(who, l)
	if err != nil {
		return nil, next, err
	}
	rows, err = s.q.ListMyEnquiries(ctx, s.db, relmgrdb.ListMyEnquiriesParams{
		Handles: handlesOfSubject(who), Unseen: hidden, FromStart: after.IsZero(), AfterEnquiry: ident.UntypedID(after), PageSize: int32(l.Limit) + 1,
	})
	if err != nil {
		return nil, next, pg.Fault(err)
	}
	if len(rows) > l.Limit {
		rows = rows[:l.Limit]
		next = rows[l.Limit-1].EnquiryID
	}
	return rows, next, nil
}

// MyAct is something that was done about a person.
type MyAct = relmgrdb.ListMyActsRow

// ListMyActs shows a person the acts about them that they may know of, newest first
// (ACT-10).
func (s *Service) ListMyActs(ctx context.Context, who decide.Subject, l Look, after ident.ActID) (rows []MyAct, next ident.ActID, err error) {
	defer fault.Wrap(&err, "relmgr.ListMyActs")
	hidden, err := unseen(who, l)
	if err != nil {
		return nil, next, err
	}
	rows, err = s.q.ListMyActs(ctx, s.db, relmgrdb.ListMyActsParams{
		Handles: handlesOfSubject(who), At: s.stamp(), Unseen: hidden, FromStart: after.IsZero(), AfterAct: ident.UntypedID(after), PageSize: int32(l.Limit) + 1,
	})
	if err != nil {
		return nil, next, pg.Fault(err)
	}
	if len(rows) > l.Limit {
		rows = rows[:l.Limit]
		next = rows[l.Limit-1].ActID
	}
	return rows, next, nil
}

// MyDecision is one side's four steps about a person.
type MyDecision struct {
	relmgrdb.ListMyDecisionsRow
	Steps     [4]decide.Step
	Questions [4]string
}

// ListMyDecisions shows a person what was decided about them, refusals too, in an order
// that tells nothing.
func (s *Service) ListMyDecisions(ctx context.Context, who decide.Subject, l Look, after ident.DecisionID) (out []MyDecision, next ident.DecisionID, err error) {
	defer fault.Wrap(&err, "relmgr.ListMyDecisions")
	hidden, err := unseen(who, l)
	if err != nil {
		return nil, next, err
	}
	rows, err := s.q.ListMyDecisions(ctx, s.db, relmgrdb.ListMyDecisionsParams{
		Handles: handlesOfSubject(who), At: s.stamp(), Unseen: hidden, FromStart: after.IsZero(), AfterDecision: ident.UntypedID(after), PageSize: int32(l.Limit) + 1,
	})
	if err != nil {
		return nil, next, pg.Fault(err)
	}
	if len(rows) > l.Limit {
		rows = rows[:l.Limit]
		next = rows[l.Limit-1].DecisionID
	}
	for _, r := range rows {
		d := MyDecision{ListMyDecisionsRow: r, Questions: who.Terms.Profile.Questions}
		if err := json.Unmarshal(r.Steps, &d.Steps); err != nil {
			return nil, next, err
		}
		out = append(out, d)
	}
	return out, next, nil
}

// MyReceipt is what a person is given of an act of their own: its id, which no agency
// is shown.
type MyReceipt struct {
	Act        ident.ActID
	Commitment []byte
}

// asPerson starts an act of a person who has signed in, to be known by these agencies.
func asPerson(who decide.Subject, kind Kind, at time.Time, shownTo ...ident.Agency) *deed {
	d := &deed{Act: ident.NewAct(), Kind: kind, At: at, Practitioner: thePerson, Agency: thePerson, Role: thePerson, TermsVersion: who.Terms.Version, shownTo: shownTo}
	d.bySubject("electronic")
	return d
}

// ObjectAsMyself records that a person objects to what was imposed on them; the agency
// that imposed it rules. Before it has, objecting again gives the same receipt. What is
// not theirs, or is kept from them, is NotKnown (SUB-02).
func (s *Service) ObjectAsMyself(ctx context.Context, who decide.Subject, act ident.ActID, reason string) (out MyReceipt, err error) {
	defer fault.Wrap(&err, "relmgr.ObjectAsMyself")
	at := s.stamp()
	if err := declaredReason(who.Terms, reason); err != nil {
		return out, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a, err := s.myAct(ctx, tx, who, act, at)
		if err != nil {
			return err
		}
		if decide.Mode(a.Mode) != decide.Imposed || Kind(a.Kind) != Publish && Kind(a.Kind) != Correlate {
			return fault.At("/act", "name what was imposed on you: against anything else, withdraw your consent, or complain")
		}
		if _, err := s.lockRows(ctx, tx, []ident.HandleID{a.HandleID}); err != nil { // two at once: one after the other
			return err
		}
		before, err := s.q.FindMyObjection(ctx, tx, relmgrdb.FindMyObjectionParams{ObjectsTo: act, PractitionerID: thePerson})
		if err == nil {
			out = MyReceipt{before.ActID, before.Commitment}
			return nil
		} else if !errors.Is(err, sql.ErrNoRows) {
			return pg.Fault(err)
		}
		d := asPerson(who, Object, at, a.AgencyID)
		d.Reason, d.Objects = reason, act
		if d.Handles, err = s.handlesOf(ctx, tx, act); err != nil {
			return err
		}
		r, err := s.record(ctx, tx, d)
		if err != nil {
			return err
		}
		out = MyReceipt{d.Act, r.Commitment}
		return pg.Fault(s.q.RecordObjection(ctx, tx, relmgrdb.RecordObjectionParams{
			ActID: d.Act, ObjectsTo: act, AgencyID: a.AgencyID, At: at, DueAt: at.Add(ruleWithin),
		}))
	})
	return out, err
}

// ConfirmAsMyself has a person confirm a publication that an agency makes together with
// them, which is in effect from then on (PUB-03). Doing so again gives the same receipt.
// What is not theirs, or is kept from them, is NotKnown; where the column has published
// them otherwise meanwhile it is Conflict.
func (s *Service) ConfirmAsMyself(ctx context.Context, who decide.Subject, act ident.ActID) (out MyReceipt, err error) {
	defer fault.Wrap(&err, "relmgr.ConfirmAsMyself")
	at := s.stamp()
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a, err := s.myAct(ctx, tx, who, act, at)
		if err != nil {
			return err
		}
		if decide.Mode(a.Mode) != decide.Joint || Kind(a.Kind) != Publish {
			return fault.At("/act", "name a publication that waits for you: its mode is joint")
		}
		if _, err := s.lockRows(ctx, tx, []ident.HandleID{a.HandleID}); err != nil { // two at once: one after the other
			return err
		}
		before, err := s.q.FindMyConfirmation(ctx, tx, act)
		if err == nil {
			out = MyReceipt{before.ActID, before.Commitment}
			return nil
		} else if !errors.Is(err, sql.ErrNoRows) {
			return pg.Fault(err)
		}
		d := asPerson(who, Confirm, at, a.AgencyID)
		d.Confirms, d.Handles = act, []ident.HandleID{a.HandleID}
		r, err := s.enact(ctx, tx, d)
		out = MyReceipt{d.Act, r.Commitment}
		return err
	})
	return out, err
}

// myAct is an act about the person that they may know of.
func (s *Service) myAct(ctx context.Context, db relmgrdb.DBTX, who decide.Subject, act ident.ActID, at time.Time) (relmgrdb.FindMyActRow, error) {
	a, err := s.q.FindMyAct(ctx, db, relmgrdb.FindMyActParams{ActID: act, Handles: handlesOfSubject(who), At: at})
	if errors.Is(err, sql.ErrNoRows) {
		return a, fault.New(fault.NotKnown, "no act about you that you may know of has that id: list them with GET /relmgr/v1/me/acts")
	}
	return a, pg.Fault(err)
}
