package relmgr

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Approve is the act of an authority that lets others of its agency import.
const Approve Kind = "approve"

// Approval is what an authority approves (ACT-04): how many relationships of which
// columns may be published until when, or how many correlations of them made, and
// the decision that each rests on. It makes none by itself.
type Approval struct {
	// Deed is Correlating, or empty for publications. As it is recorded, so that
	// approvals of before it was asked for say what they say.
	Deed          decide.Deed    `json:"deed,omitempty"`
	Columns       []ident.Column `json:"columns"`
	Mode          decide.Mode    `json:"mode"`
	Reason        string         `json:"reason"`
	Relationships int            `json:"relationships"`
	Until         time.Time      `json:"until"`
	Proposal      `json:"proposal"`
}

// ApproveImport records the approval of a named authority of the agency that
// controls the columns. It walks the four steps for each of them, so that what no
// line could pass is refused here; where the ground is consent, each line brings
// its own. Withdrawing the act ends the approval.
func (s *Service) ApproveImport(ctx context.Context, who decide.Caller, a Approval) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.ApproveImport")
	at := s.stamp()
	a.Until = a.Until.UTC().Truncate(time.Microsecond)
	if err := declaredReason(who.Terms, a.Reason); err != nil {
		return Receipt{}, err
	}
	switch {
	case a.Mode == decide.Joint && a.Deed != decide.Correlating:
		return Receipt{}, fault.At("/mode", "a joint publication waits for each person: use another mode")
	case a.Mode == decide.BySubject:
		return Receipt{}, fault.At("/mode", "what the subject said or signed is recorded for each person: use another mode")
	case len(a.Consents) > 0:
		return Receipt{}, fault.At("/decision/consents", "leave the consents out: each line names its own")
	case a.Order != "":
		return Receipt{}, fault.At("/decision/order", "an order is about one person: publish what it orders by itself")
	case a.Override != nil:
		return Receipt{}, fault.At("/decision/override", "a person's wish is overridden for one person: publish that by itself")
	case !at.Before(a.Until):
		return Receipt{}, fault.At("/until", "say until when, as a time that is still to come")
	}
	if err := known(who.Terms, a.Proposal); err != nil {
		return Receipt{}, err
	}
	d := begin(who, Approve, "", at)
	d.Mode, d.Reason, d.Agreement, d.Ground, d.Approves = a.Mode, a.Reason, a.Agreement, a.Ground, &a
	for _, id := range a.Columns {
		c := who.Terms.FindColumn(id, at)
		if c == nil || c.Agency != who.Agency {
			return Receipt{}, fault.New(fault.Forbidden, "name columns that your agency controls")
		}
		d.Decisions = append(d.Decisions, sided{
			ID: ident.NewDecision(), Decision: who.Terms.Hold(who.Actor, proposalOf(c, decide.Approving, a.Mode, a.Proposal, personal{}), at),
		})
	}
	terms, err := json.Marshal(a.Proposal)
	if err != nil {
		return Receipt{}, err
	}
	var refused error
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		refused = nil
		for _, v := range d.Decisions {
			if v.StoppedAt() > 0 {
				refused, err = s.refuse(ctx, tx, who, a.Mode, v, at)
				return err
			}
			d.Role = v.Role
		}
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		return pg.Fault(s.q.RecordApproval(ctx, tx, relmgrdb.RecordApprovalParams{
			ApprovalID: d.Act, Deed: string(a.Deed), Columns: codesOf(a.Columns),
			Mode: string(a.Mode), Reason: a.Reason, Relationships: int32(a.Relationships), EndsAt: a.Until, Proposal: terms,
		}))
	})
	if err == nil {
		err = refused
	}
	return receipt, err
}

func codesOf(columns []ident.Column) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = string(c)
	}
	return out
}

// approval is what an import may do, and for whom.
type approval struct {
	act     ident.ActID
	by      ident.Practitioner
	columns []string
	ends    time.Time
}

// standing refuses an import without an approval in force by somebody else: it
// was withdrawn, is over, or is the caller's own. Whoever imports is a member of a
// column that it covers.
func (s *Service) standing(ctx context.Context, db relmgrdb.DBTX, who decide.Caller, a approval, at time.Time) error {
	undoings, err := s.q.ListUndoings(ctx, db, texts([]ident.ActID{a.act}))
	if err != nil {
		return pg.Fault(err)
	}
	switch {
	case !inEffect(a.act, undoings):
		return fault.New(fault.Forbidden, "the approval was withdrawn: have the import approved anew")
	case !at.Before(a.ends):
		return fault.New(fault.Forbidden, "the approval is over: have the import approved anew")
	case a.by == who.Practitioner:
		return fault.New(fault.Forbidden, "somebody else has to import what you approved")
	}
	for _, id := range a.columns {
		if _, err := s.column(who, ident.Column(id), at); err == nil {
			return nil
		}
	}
	return fault.New(fault.Forbidden, "you are a member of no column that the approval covers")
}
