package relmgr

import (
	"context"
	"database/sql"
	"errors"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Correlation states that the caller's identifier and the one behind a pairing
// code are the same individual.
type Correlation struct {
	Own
	Code   string
	Mode   decide.Mode
	Reason string
	Proposal
}

// Correlate places two identifiers on one row, by an act of a named person
// whose role the agreement lets correlate (IDX-05). The caller's own side is
// decided, and refused with reasons, before the code is looked up. Of two who
// use one code at once, one succeeds and the other gets PairingUnusable.
func (s *Service) Correlate(ctx context.Context, who decide.Caller, c Correlation) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.Correlate")
	at := s.stamp()
	code, err := normalise(c.Code)
	if err != nil {
		return Receipt{}, err
	}
	if !decide.Has(who.Terms.Codes.Reasons, c.Reason) {
		return Receipt{}, fault.At("/reason", "name a reason of the partnership's list")
	}
	hash, err := s.keys.mac(ctx, pairingKey, code)
	if err != nil {
		return Receipt{}, err
	}
	var refused error
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		h, err := s.own(ctx, tx, who, c.Own, at)
		if err != nil {
			return err
		}
		v, err := s.hold(ctx, tx, who, h, decide.Correlating, c.Mode, c.Proposal, at)
		if err != nil {
			return err
		}
		if v.StoppedAt() > 0 {
			refused, err = s.refuse(ctx, tx, who, c.Mode, v, at)
			return err
		}
		p, err := s.q.FindPairing(ctx, tx, relmgrdb.FindPairingParams{CodeHash: hash, Now: at})
		if errors.Is(err, sql.ErrNoRows) {
			return unusable()
		} else if err != nil {
			return pg.Fault(err)
		}
		if err := s.keep(ctx, tx, &h); err != nil {
			return err
		}
		if h.handle == p.HandleID {
			return fault.At("/pairing", "the code is for this very identifier: pair it with another one")
		}
		v.Handle = h.handle
		d := begin(who, Correlate, v.Role, at)
		d.Mode, d.Reason, d.Agreement, d.Ground = c.Mode, c.Reason, v.Agreement, v.Ground
		d.Handles, d.Decisions = []ident.HandleID{h.handle, p.HandleID}, []sided{v}
		d.Pairing = p.ActID
		d.shownTo = append(d.shownTo, p.AgencyID)
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		if err := s.q.UsePairing(ctx, tx, relmgrdb.UsePairingParams{PairingID: p.PairingID, ActID: d.Act}); err != nil {
			if pg.Constraint(err) == "pairings_used_pkey" {
				return unusable()
			}
			return pg.Fault(err)
		}
		return s.join(ctx, tx, relmgrdb.PlaceCorrelationParams{
			ActID: d.Act, HandleA: h.handle, HandleB: p.HandleID, DecisionA: v.ID, DecisionB: p.DecisionID,
		})
	})
	if err == nil && refused != nil {
		return Receipt{}, refused
	}
	return receipt, err
}

func unusable() error {
	return fault.New(fault.PairingUnusable, "the code cannot be used: ask the other side to open a new pairing and read out its code")
}
