package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Judge is the act of a reviewer who has looked at an emergency.
const Judge Kind = "review"

// reviewWithin is how soon an emergency is looked at (QRY-05, QRY-10).
const reviewWithin = 72 * time.Hour

// Review is an emergency that nobody has judged yet. It says how many were told
// of, found or not found, and no more: a reviewer need not be a member of the
// column, so they see neither the identifier nor the answer.
type Review struct {
	Enquiry      ident.EnquiryID
	At           time.Time
	Due          time.Time
	Overdue      bool
	Practitioner ident.Practitioner
	Role         string
	Column       ident.Column
	Purpose      string
	Reason       string
	Concerning   string
	Told         int
}

// reviewers lists the roles that may review their own agency's emergencies.
func reviewers(who decide.Caller) []string {
	var roles []string
	for _, a := range who.Terms.Agreements {
		if slices.Contains(a.Parties, who.Agency) {
			roles = append(roles, a.Roles.Review...)
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// ListReviews lists the emergencies of the caller's agency that wait for review,
// oldest first.
func (s *Service) ListReviews(ctx context.Context, who decide.Caller, limit int) (out []Review, err error) {
	defer fault.Wrap(&err, "relmgr.ListReviews")
	roles := reviewers(who)
	if _, ok := who.RoleAmong(roles); !ok {
		return nil, fault.New(fault.Forbidden, "reviewing emergencies needs one of the roles %v", roles)
	}
	rows, err := s.q.ListReviews(ctx, s.db, relmgrdb.ListReviewsParams{AgencyID: who.Agency, PageSize: int32(limit)})
	if err != nil {
		return nil, pg.Fault(err)
	}
	now := s.stamp()
	for _, r := range rows {
		out = append(out, Review{
			Enquiry: r.EnquiryID, At: r.OpenedAt.UTC(), Due: r.DueAt.UTC(), Overdue: now.After(r.DueAt),
			Practitioner: r.PractitionerID, Role: r.Role, Column: r.ColumnID, Purpose: r.Purpose, Reason: r.Reason,
			Concerning: r.Concerning, Told: int(r.Told),
		})
	}
	return out, nil
}

// JudgeEmergency records what a reviewer of the asker's agency made of an
// emergency, once. Nobody reviews their own.
func (s *Service) JudgeEmergency(ctx context.Context, who decide.Caller, enquiry ident.EnquiryID, outcome, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.JudgeEmergency")
	at := s.stamp()
	if !decide.Has(who.Terms.Codes.Reasons, reason) {
		return Receipt{}, fault.At("/reason", "name a reason of the partnership's list")
	}
	roles := reviewers(who)
	role, ok := who.RoleAmong(roles)
	if !ok {
		return Receipt{}, fault.New(fault.Forbidden, "reviewing emergencies needs one of the roles %v", roles)
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		r, err := s.q.FindReview(ctx, tx, relmgrdb.FindReviewParams{EnquiryID: enquiry, AgencyID: who.Agency})
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotKnown, "no emergency of your agency has that id: list them with GET /relmgr/v1/reviews")
		} else if err != nil {
			return pg.Fault(err)
		}
		if r.PractitionerID == who.Practitioner {
			return fault.New(fault.Forbidden, "somebody else has to review your emergency")
		}
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		d := begin(who, Judge, role, at)
		d.Reason, d.Reviews, d.Outcome = reason, enquiry, outcome
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		err = s.q.RecordReviewOutcome(ctx, tx, relmgrdb.RecordReviewOutcomeParams{EnquiryID: enquiry, ActID: d.Act, Outcome: outcome})
		if pg.Constraint(err) == "review_outcomes_pkey" {
			return fault.New(fault.Conflict, "somebody has reviewed this emergency already")
		} else if err != nil {
			return pg.Fault(err)
		}
		return nil
	})
	return s.orEarlier(ctx, receipt, err)
}
