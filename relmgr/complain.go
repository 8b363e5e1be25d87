package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A person complains of what one agency does with what it holds of them, or asks for it
// to be put right. The partnership's governance officers answer; no agency is shown
// that there is a complaint (SUB-06, SUB-08).

const (
	// acknowledgeWithin is how soon a complaint is acknowledged (DPA 2018 s.164A).
	acknowledgeWithin = 30 * 24 * time.Hour
	// officer is the role, which every partnership has, that answers complaints.
	officer = "governance-officer"
)

// The kinds of act about complaints.
const (
	Complain    Kind = "complain"
	Acknowledge Kind = "acknowledge"
	AnswerOne   Kind = "answer"
)

// complained is what an act says of a complaint.
type complained struct {
	Complaint     ident.ComplaintID `json:"complaint"`
	Agency        ident.Agency      `json:"agency,omitempty"`
	Handle        ident.HandleID    `json:"handle,omitzero"`
	About         ident.ActID       `json:"about,omitzero"`
	Topic         string            `json:"topic,omitempty"`
	AcknowledgeBy time.Time         `json:"acknowledge_by,omitzero"`
	Outcome       string            `json:"outcome,omitempty"`
}

// Complaint is what a person is given of a complaint of theirs.
type Complaint struct {
	ID            ident.ComplaintID
	AcknowledgeBy time.Time
	Commitment    []byte
}

// Complain records a complaint of the agency that holds one of the person's handles,
// about an act or about all of it. A handle or an act that is not theirs is NotKnown.
func (s *Service) Complain(ctx context.Context, who decide.Subject, handle ident.HandleID, act ident.ActID, topic string) (out Complaint, err error) {
	defer fault.Wrap(&err, "relmgr.Complain")
	at := s.stamp()
	c := who.Terms.Column(who.Column(handle))
	if c == nil {
		return out, fault.New(fault.NotKnown, "no handle of yours has that id: list them with GET /relmgr/v1/me/relationships")
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if !act.IsZero() {
			if _, err := s.myAct(ctx, tx, who, act, at); err != nil {
				return err
			}
		}
		d := asPerson(who, Complain, at, thePerson)
		d.Handles = []ident.HandleID{handle}
		d.Complaint = &complained{Complaint: ident.NewComplaint(), Agency: c.Agency, Handle: handle, About: act, Topic: topic, AcknowledgeBy: at.Add(acknowledgeWithin)}
		r, err := s.record(ctx, tx, d)
		if err != nil {
			return err
		}
		out = Complaint{d.Complaint.Complaint, d.Complaint.AcknowledgeBy, r.Commitment}
		return pg.Fault(s.q.RecordComplaint(ctx, tx, relmgrdb.RecordComplaintParams{
			ComplaintID: out.ID, ActID: d.Act, AgencyID: c.Agency, HandleID: handle, About: ident.UntypedID(act), Topic: topic, At: at, AcknowledgeBy: out.AcknowledgeBy,
		}))
	})
	return out, err
}

// MyComplaint is a complaint and what became of it.
type MyComplaint = relmgrdb.ListMyComplaintsRow

// ListMyComplaints shows a person theirs, oldest first.
func (s *Service) ListMyComplaints(ctx context.Context, who decide.Subject) (out []MyComplaint, err error) {
	defer fault.Wrap(&err, "relmgr.ListMyComplaints")
	out, err = s.q.ListMyComplaints(ctx, s.db, handlesOfSubject(who))
	return out, pg.Fault(err)
}

// OpenComplaint is one that nobody has answered. It names nobody.
type OpenComplaint struct {
	relmgrdb.ListComplaintsRow
	Overdue bool // not acknowledged in time
}

// ListComplaints shows governance officers what waits for them, oldest first, after the
// complaint of the cursor; next is zero on the last page.
func (s *Service) ListComplaints(ctx context.Context, who decide.Caller, after ident.ComplaintID, limit int) (out []OpenComplaint, next ident.ComplaintID, err error) {
	defer fault.Wrap(&err, "relmgr.ListComplaints")
	if err := officers(who); err != nil {
		return nil, next, err
	}
	rows, err := s.q.ListComplaints(ctx, s.db, relmgrdb.ListComplaintsParams{
		FromStart: after.IsZero(), AfterComplaint: ident.UntypedID(after), PageSize: int32(limit) + 1,
	})
	if err != nil {
		return nil, next, pg.Fault(err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].ComplaintID
	}
	now := s.stamp()
	for _, r := range rows {
		out = append(out, OpenComplaint{r, !r.AcknowledgedAt.Valid && !now.Before(r.AcknowledgeBy)})
	}
	return out, next, nil
}

func officers(who decide.Caller) error {
	if _, ok := who.RoleAmong([]string{officer}); !ok {
		return fault.New(fault.Forbidden, "complaints are for the partnership's governance officers")
	}
	return nil
}

// AcknowledgeComplaint says to the person that their complaint is being looked at, once.
func (s *Service) AcknowledgeComplaint(ctx context.Context, who decide.Caller, id ident.ComplaintID, reason string) (Receipt, error) {
	return s.stepOn(ctx, who, Acknowledge, "acknowledged", id, "", reason)
}

// AnswerComplaint tells the person what came of it, once.
func (s *Service) AnswerComplaint(ctx context.Context, who decide.Caller, id ident.ComplaintID, outcome, reason string) (Receipt, error) {
	return s.stepOn(ctx, who, AnswerOne, "answered", id, outcome, reason)
}

// stepOn records one step on a complaint by a governance officer of another agency
// than the one complained of.
func (s *Service) stepOn(ctx context.Context, who decide.Caller, kind Kind, step string, id ident.ComplaintID, outcome, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.stepOn")
	at := s.stamp()
	if err := officers(who); err != nil {
		return receipt, err
	}
	if err := declaredReason(who.Terms, reason); err != nil {
		return receipt, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		c, err := s.q.FindComplaint(ctx, tx, id)
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotKnown, "no complaint has that id: list them with GET /relmgr/v1/complaints")
		} else if err != nil {
			return pg.Fault(err)
		}
		if c.AgencyID == who.Agency {
			return fault.New(fault.Forbidden, "your own agency is complained of: somebody of another agency has to answer")
		}
		d := begin(who, kind, officer, at)
		d.Reason, d.Handles, d.Complaint = reason, []ident.HandleID{c.HandleID}, &complained{Complaint: id, Outcome: outcome}
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		err = s.q.RecordComplaintStep(ctx, tx, relmgrdb.RecordComplaintStepParams{ComplaintID: id, Step: step, ActID: d.Act, At: at, Outcome: outcome, Reason: reason})
		if pg.Constraint(err) == "complaint_steps_pkey" {
			return fault.New(fault.Conflict, "somebody has done that already")
		}
		return pg.Fault(err)
	})
	return receipt, err
}

// Overdue reports whether a complaint has not been acknowledged in time, and shows it on
// a gauge that says no more.
func (s *Service) Overdue(ctx context.Context) (overdue bool, err error) {
	defer fault.Wrap(&err, "relmgr.Overdue")
	if overdue, err = s.q.FindOverdueComplaint(ctx, s.db, s.stamp()); err != nil {
		return false, pg.Fault(err)
	}
	s.complaints.Set(map[bool]float64{true: 1}[overdue])
	return overdue, nil
}
