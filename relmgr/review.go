package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Judge is the act of a reviewer who has looked at an enquiry.
const Judge Kind = "review"

// reviewWithin is how soon an enquiry is looked at (QRY-05, QRY-10): after it was
// made, or after the week whose sample it is in.
const reviewWithin = 72 * time.Hour

// Cause says why an enquiry is reviewed.
type Cause string

// The causes. One enquiry may have a review for each.
const (
	Emergency Cause = "emergency" // opened with the enquiry, found or not found
	Flagged   Cause = "flag"      // the asker has an interest of their own
	Sampled   Cause = "sample"    // drawn at random
)

// Review is an enquiry that nobody has judged yet for that cause. It says how
// many were told of, found or not found, and no more: a reviewer need not be a
// member of the column, so they see neither the identifier nor the answer.
type Review struct {
	ID           ident.ReviewID
	Cause        Cause
	Interest     Interest            // of one that is flagged
	Declaration  ident.DeclarationID // likewise
	Enquiry      ident.EnquiryID
	At           time.Time
	Due          time.Time
	Overdue      bool
	Practitioner ident.Practitioner
	Role         string
	Column       ident.Column // none of another hub's
	Hub          string       // that asked along an axle, empty for this partnership's own
	Purpose      string
	Reason       string
	Concerning   string
	Reads        string // what was read, empty of a question
	Case         Case
	Told         int
}

// reviewers lists the roles that may review their own agency's enquiries.
func reviewers(who decide.Caller) []string {
	return rolesIn(who, func(a decide.Agreement) []string { return a.Roles.Review })
}

// rolesIn lists what the agreements of the caller's agency name, each role once.
func rolesIn(who decide.Caller, named func(decide.Agreement) []string) []string {
	var roles []string
	for _, a := range who.Terms.Agreements {
		if slices.Contains(a.Parties, who.Agency) {
			roles = append(roles, named(a)...)
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

// reviewing is the caller's role as a reviewer.
func reviewing(who decide.Caller) (string, error) {
	roles := reviewers(who)
	role, ok := who.RoleAmong(roles)
	if !ok {
		return "", fault.New(fault.Forbidden, "this needs one of the roles %v", roles)
	}
	return role, nil
}

// judging is the role in which somebody reviews and says why, of the reasons of the
// partnership.
func judging(who decide.Caller, reason string) (string, error) {
	if err := declaredReason(who.Terms, reason); err != nil {
		return "", err
	}
	return reviewing(who)
}

// ListReviews lists the enquiries of the caller's agency that wait for review,
// oldest first, after the one of the cursor; next is zero on the last page. What
// is flagged and what weekly samples are due is found out now: the enquiries
// themselves neither know nor cost anything of it. Nobody is shown the review of
// their own enquiry, or they could tell that it was flagged. The read is recorded as
// an enquiry itself first.
func (s *Service) ListReviews(ctx context.Context, who decide.Caller, after ident.ReviewID, limit int, why Why) (out []Review, next ident.ReviewID, err error) {
	defer fault.Wrap(&err, "relmgr.ListReviews")
	role, err := reviewing(who)
	if err != nil {
		return nil, next, err
	}
	if err := why.check(who.Terms); err != nil {
		return nil, next, err
	}
	if !after.IsZero() {
		if _, err := s.review(ctx, s.db, who, after); fault.KindOf(err) == fault.NotKnown {
			return nil, next, fault.At("/cursor", "give the next of the page before")
		} else if err != nil {
			return nil, next, err
		}
	}
	now := s.stamp()
	declared, err := s.declared(ctx, s.db, who.Agency)
	if err != nil {
		return nil, next, err
	}
	if err := s.openFlagged(ctx, who.Agency, declared); err != nil {
		return nil, next, err
	}
	if err := s.drawSamples(ctx, who, now); err != nil {
		return nil, next, err
	}
	rows, err := s.q.ListReviews(ctx, s.db, relmgrdb.ListReviewsParams{
		AgencyID: who.Agency, Reader: string(who.Practitioner), FromStart: after.IsZero(), AfterReview: ident.UntypedID(after),
		PageSize: int32(limit) + 1,
	})
	if err != nil {
		return nil, next, pg.Fault(err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].ReviewID
	}
	var shown []ident.ReviewID
	for _, r := range rows {
		v := Review{
			ID: r.ReviewID, Cause: Cause(r.Cause), Enquiry: r.EnquiryID, At: r.At.UTC(), Due: r.DueAt.UTC(), Overdue: now.After(r.DueAt),
			Practitioner: r.PractitionerID, Role: r.Role, Column: ident.Column(r.ColumnID), Hub: r.Peer, Purpose: r.Purpose, Reason: r.Reason,
			Concerning: r.Concerning, Reads: r.Reads, Told: int(r.Told),
		}
		if len(r.WrappedKey) > 0 { // its record is not erased
			var e enquiry
			if err := leaf.Open(ctx, s.keys.keys, recordsKey, r.EnquiryID, leaf.Leaf{Commitment: r.Commitment, Sealed: r.Sealed, WrappedKey: r.WrappedKey}, &e); err != nil {
				return nil, next, err
			}
			v.Case = e.Case
		}
		if i := slices.IndexFunc(declared, func(d declaration) bool { return d.flags(r.PractitionerID, r.HandleID, r.At) }); v.Cause == Flagged && i >= 0 {
			v.Interest, v.Declaration = declared[i].Interest, declared[i].Declaration
		}
		out, shown = append(out, v), append(shown, r.ReviewID)
	}
	if err := s.recordRead(ctx, who, reading{Role: role, Reads: readReviews, Shown: texts(shown)}, why, now); err != nil {
		return nil, ident.ReviewID{}, err
	}
	return out, next, nil
}

// review finds a review of the caller's agency. One of the caller's own enquiry
// is one that does not exist.
func (s *Service) review(ctx context.Context, db relmgrdb.DBTX, who decide.Caller, id ident.ReviewID) (relmgrdb.FindReviewRow, error) {
	r, err := s.q.FindReview(ctx, db, relmgrdb.FindReviewParams{ReviewID: id, AgencyID: who.Agency, Reader: string(who.Practitioner)})
	if errors.Is(err, sql.ErrNoRows) {
		return r, fault.New(fault.NotKnown, "no review of your agency has that id: list them with GET /relmgr/v1/reviews; somebody else reviews what you asked")
	} else if err != nil {
		return r, pg.Fault(err)
	}
	return r, nil
}

// JudgeEnquiry records what a reviewer of the asker's agency made of an enquiry,
// once for each cause. Nobody reviews their own.
func (s *Service) JudgeEnquiry(ctx context.Context, who decide.Caller, id ident.ReviewID, outcome, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.JudgeEnquiry")
	at := s.stamp()
	role, err := judging(who, reason)
	if err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		r, err := s.review(ctx, tx, who, id)
		if err != nil {
			return err
		}
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		d := begin(who, Judge, role, at)
		d.Reason, d.Reviews, d.Cause, d.Outcome = reason, r.EnquiryID, Cause(r.Cause), outcome
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		err = s.q.RecordReviewOutcome(ctx, tx, relmgrdb.RecordReviewOutcomeParams{ReviewID: id, ActID: d.Act, Outcome: outcome})
		if pg.Constraint(err) == "review_outcomes_pkey" {
			return fault.New(fault.Conflict, "somebody has judged this already")
		} else if err != nil {
			return pg.Fault(err)
		}
		return nil
	})
	return s.orEarlier(ctx, receipt, err)
}
