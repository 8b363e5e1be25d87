package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// carriesOut is the role in which the hub does what an adjudicator ruled.
const carriesOut = "ruling"

// upheld is the ruling that whoever disputed is right.
const upheld = "upheld"

// TakeRulings carries out rulings that nobody can appeal against any more, and returns
// how many it did (TRU-05). On a dispute: dismissed, the correlations that were disputed
// hold again; upheld, they end. On a joint act that the other side refused: upheld, the
// refusal is undone and the act waits for that side again, which nobody confirms for it;
// dismissed, the refusal stands. On an emergency that nobody reviewed it is the review:
// upheld, it was justified; dismissed, it was not. Each is an act of the hub that names
// the case; the adjudicator stands in the identity manager's own. Two who run this at
// once carry a ruling out once, and what somebody has seen to since is left alone.
func (s *Service) TakeRulings(ctx context.Context) (taken int, err error) {
	defer fault.Wrap(&err, "relmgr.TakeRulings")
	rulings, err := s.q.ListBindingRulings(ctx, s.db, s.stamp())
	if err != nil {
		return 0, pg.Fault(err)
	}
	for _, r := range rulings {
		done, err := s.carryOutRuling(ctx, r)
		if err != nil {
			return taken, err
		}
		if done {
			taken++
		}
	}
	refused, err := s.q.ListRefusalsOverruled(ctx, s.db, s.stamp())
	if err != nil {
		return taken, pg.Fault(err)
	}
	for _, r := range refused {
		done, err := s.overrule(ctx, r)
		if err != nil {
			return taken, err
		}
		if done {
			taken++
		}
	}
	judged, err := s.q.ListJudgedByRuling(ctx, s.db, s.stamp())
	if err != nil {
		return taken, pg.Fault(err)
	}
	for _, r := range judged {
		done, err := s.judgedBy(ctx, r)
		if err != nil {
			return taken, err
		}
		if done {
			taken++
		}
	}
	return taken, nil
}

// ruledOn starts the act by which the hub carries out a ruling on what is an agency's.
func (s *Service) ruledOn(ctx context.Context, kind Kind, agency ident.Agency, of ident.CaseID) (*deed, error) {
	terms, err := s.rules(ctx)
	if err != nil {
		return nil, err
	}
	return &deed{
		Act: ident.NewAct(), Kind: kind, At: s.stamp(), Practitioner: theHub, Agency: agency, Role: carriesOut, TermsVersion: terms.version,
		Ruling: of, shownTo: []ident.Agency{agency},
	}, nil
}

// concerns adds to a deed what it undoes, with the handles that this is about and those
// who may know of it.
func (s *Service) concerns(ctx context.Context, tx *sql.Tx, d *deed, acts ...ident.ActID) error {
	for _, act := range acts {
		d.Undoes = append(d.Undoes, act)
		handles, err := s.handlesOf(ctx, tx, act)
		if err != nil {
			return err
		}
		for _, h := range handles {
			if !slices.Contains(d.Handles, h) {
				d.Handles = append(d.Handles, h)
			}
		}
		agencies, err := s.q.ListActAgencies(ctx, tx, act)
		if err != nil {
			return pg.Fault(err)
		}
		d.shownTo = append(d.shownTo, agencies...)
	}
	return nil
}

// overrule undoes the refusal of a joint act.
func (s *Service) overrule(ctx context.Context, r relmgrdb.ListRefusalsOverruledRow) (done bool, err error) {
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		done = false
		act := ident.ActID(r.ActID)
		handles, err := s.handlesOf(ctx, tx, act)
		if err != nil {
			return err
		}
		if _, err := s.lockRows(ctx, tx, handles); err != nil {
			return err
		}
		stand, err := s.q.ListRefusalsOf(ctx, tx, act)
		if err != nil {
			return pg.Fault(err)
		}
		if !slices.Contains(stand, r.RefusalID) {
			return nil
		}
		d, err := s.ruledOn(ctx, Settle, r.AgencyID, ident.CaseID(r.CaseID))
		if err != nil {
			return err
		}
		if err := s.concerns(ctx, tx, d, r.RefusalID); err != nil {
			return err
		}
		_, err = s.enact(ctx, tx, d)
		done = err == nil
		return err
	})
	return done && err == nil, err
}

// judgedBy records the ruling on an emergency as its review.
func (s *Service) judgedBy(ctx context.Context, r relmgrdb.ListJudgedByRulingRow) (done bool, err error) {
	d, err := s.ruledOn(ctx, Judge, r.AgencyID, ident.CaseID(r.CaseID))
	if err != nil {
		return false, err
	}
	d.Reviews, d.Cause, d.Outcome = r.EnquiryID, Cause(r.Cause), "not-justified"
	if r.Outcome == upheld {
		d.Outcome = "justified"
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if _, err := s.record(ctx, tx, d); err != nil {
			return err
		}
		return s.q.RecordReviewOutcome(ctx, tx, relmgrdb.RecordReviewOutcomeParams{ReviewID: r.ReviewID, ActID: d.Act, Outcome: d.Outcome})
	})
	if pg.Constraint(err) == "review_outcomes_pkey" { // somebody has judged it meanwhile
		return false, nil
	}
	return err == nil, pg.Fault(err)
}

func (s *Service) carryOutRuling(ctx context.Context, r relmgrdb.ListBindingRulingsRow) (done bool, err error) {
	dispute := ident.ActID(r.DisputeID)
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		done = false
		if _, err := s.lockRows(ctx, tx, []ident.HandleID{r.HandleID}); err != nil {
			return err
		}
		agency, err := s.q.FindDispute(ctx, tx, dispute)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return pg.Fault(err)
		}
		d, err := s.ruledOn(ctx, Settle, agency, ident.CaseID(r.CaseID))
		if err != nil {
			return err
		}
		ends := []ident.ActID{dispute}
		if r.Outcome == upheld {
			acts, err := s.q.ListCorrelatingActs(ctx, tx, r.HandleID)
			if err != nil {
				return pg.Fault(err)
			}
			undoings, err := s.q.ListUndoings(ctx, tx, texts(acts))
			if err != nil {
				return pg.Fault(err)
			}
			for _, a := range acts {
				if inEffect(a, undoings) {
					ends = append(ends, a)
				}
			}
		}
		if err := s.concerns(ctx, tx, d, ends...); err != nil {
			return err
		}
		_, err = s.enact(ctx, tx, d)
		done = err == nil
		return err
	})
	return done && err == nil, err
}
