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

// TakeRulings carries out rulings on disputes that nobody can appeal against any more,
// and returns how many it did (TRU-05): dismissed, the correlations that were disputed
// hold again; upheld, they end. Each is an act of the hub that names the case; the
// adjudicator stands in the identity manager's own. Two who run this at once settle a
// dispute once, and one that somebody has settled since is left alone.
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
	return taken, nil
}

func (s *Service) carryOutRuling(ctx context.Context, r relmgrdb.ListBindingRulingsRow) (done bool, err error) {
	terms, err := s.rules(ctx)
	if err != nil {
		return false, err
	}
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
		d := &deed{
			Act: ident.NewAct(), Kind: Settle, At: s.stamp(), Practitioner: theHub, Agency: agency, Role: carriesOut,
			TermsVersion: terms.version, Undoes: []ident.ActID{dispute}, Ruling: ident.CaseID(r.CaseID), shownTo: []ident.Agency{agency},
		}
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
					d.Undoes = append(d.Undoes, a)
				}
			}
		}
		for _, act := range d.Undoes {
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
		_, err = s.enact(ctx, tx, d)
		done = err == nil
		return err
	})
	return done && err == nil, err
}
