package relmgr

import (
	"context"
	"database/sql"
	"slices"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// An act is in effect unless an act in effect undoes it. What acts in effect
// project is stored (cells, correlations, keep-aparts, disputes); this file
// brings it up to date when an act is made.

// carryOut enacts a deed, unless an earlier request with its idempotency key has.
func (s *Service) carryOut(ctx context.Context, tx *sql.Tx, d *deed) (Receipt, error) {
	if receipt, done, err := s.earlier(ctx, tx); err != nil || done {
		return receipt, err
	}
	return s.enact(ctx, tx, d)
}

// enact records an act and brings the projection of everything that it undoes,
// and of itself, to what is in effect then. Rows are locked first, so that two
// who act on one person do it one after the other.
func (s *Service) enact(ctx context.Context, tx *sql.Tx, d *deed) (Receipt, error) {
	locked, err := s.lockRows(ctx, tx, d.Handles)
	if err != nil {
		return Receipt{}, err
	}
	plan, err := s.plan(ctx, tx, d)
	if err != nil {
		return Receipt{}, err
	}
	if d.Barred, err = s.bars(ctx, tx, locked, plan); err != nil {
		return Receipt{}, err
	}
	receipt, err := s.record(ctx, tx, d)
	if err != nil {
		return Receipt{}, err
	}
	if err := s.apply(ctx, tx, plan, d.Barred); err != nil {
		return Receipt{}, err
	}
	return receipt, s.project(ctx, tx, locked)
}

// change places or removes what one act projects.
type change struct {
	act   ident.ActID
	kind  Kind
	place bool
	pairs [][2]ident.HandleID // ends, of a correlation or keep-aparts
}

// plan lists what changes when the act is made: everything that it undoes, to
// any depth, whose effect is no longer what is stored.
func (s *Service) plan(ctx context.Context, tx *sql.Tx, d *deed) ([]change, error) {
	affected := slices.Clone(d.Undoes)
	if !d.Confirms.IsZero() {
		affected = append(affected, d.Confirms)
	}
	for i := 0; i < len(affected); i++ {
		undone, err := s.q.ListUndoneActs(ctx, tx, affected[i])
		if err != nil {
			return nil, pg.Fault(err)
		}
		for _, u := range undone {
			if !slices.Contains(affected, u.ActID) {
				affected = append(affected, u.ActID)
			}
		}
	}
	undoings, err := s.q.ListUndoings(ctx, tx, texts(affected))
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, u := range d.Undoes {
		undoings = append(undoings, relmgrdb.ListUndoingsRow{ActID: d.Act, Undoes: u})
	}
	var out []change
	for _, act := range affected {
		p, err := s.q.FindProjection(ctx, tx, act)
		if err != nil {
			return nil, pg.Fault(err)
		}
		if !makes(Kind(p.Kind)) {
			continue
		}
		// What follows reads the same for an act that was barred as for one that
		// was not: whoever undoes it does not learn from the work which it was.
		place := inEffect(act, undoings) && !p.Barred
		if waits(Kind(p.Kind), p.Mode) && d.Confirms != act {
			confirmed, err := s.confirmed(ctx, tx, act)
			if err != nil {
				return nil, err
			}
			place = place && confirmed
		}
		c := change{act: act, kind: Kind(p.Kind), place: place}
		if c.pairs, err = s.pairs(ctx, tx, c); err != nil {
			return nil, err
		}
		if place == p.Placed {
			continue
		}
		out = append(out, c)
	}
	if d.Kind == KeepApart || d.Kind == Dispute || d.Kind == Correlate {
		out = append(out, change{act: d.Act, kind: d.Kind, place: d.Mode != decide.Joint, pairs: d.pairs})
	}
	// What goes, before what comes: a restored correlation is judged by the
	// keep-aparts that are in effect then.
	slices.SortStableFunc(out, func(a, b change) int {
		switch {
		case a.place == b.place:
			return 0
		case b.place:
			return -1
		default:
			return 1
		}
	})
	return out, nil
}

// waits reports whether such an act is in effect only once it is confirmed: a joint
// correlation by the other side, a joint publication by the person (ACT-06, PUB-03).
func waits(kind Kind, mode string) bool {
	return decide.Mode(mode) == decide.Joint && (kind == Correlate || kind == Publish)
}

// confirmed reports whether an act that waits has been confirmed.
func (s *Service) confirmed(ctx context.Context, tx *sql.Tx, act ident.ActID) (bool, error) {
	by, err := s.q.ListConfirmations(ctx, tx, act)
	if err != nil {
		return false, pg.Fault(err)
	}
	return len(by) > 0, nil
}

// pairs are the ends of what an earlier act projects.
func (s *Service) pairs(ctx context.Context, tx *sql.Tx, c change) ([][2]ident.HandleID, error) {
	var of []ident.ActID
	switch c.kind {
	case Correlate:
		of = []ident.ActID{c.act}
	case KeepApart:
		undone, err := s.q.ListUndoneActs(ctx, tx, c.act)
		if err != nil {
			return nil, pg.Fault(err)
		}
		for _, u := range undone {
			of = append(of, u.ActID)
		}
		if len(of) == 0 { // by a code: the two handles of the act
			handles, err := s.handlesOf(ctx, tx, c.act)
			if err != nil {
				return nil, err
			}
			return [][2]ident.HandleID{{handles[0], handles[1]}}, nil
		}
	case Dispute:
		handles, err := s.handlesOf(ctx, tx, c.act)
		if err != nil {
			return nil, err
		}
		return [][2]ident.HandleID{{handles[0]}}, nil
	}
	var out [][2]ident.HandleID
	for _, act := range of {
		ends, err := s.q.FindEnds(ctx, tx, act)
		if err != nil {
			return nil, pg.Fault(err)
		}
		out = append(out, [2]ident.HandleID{ends.HandleA, ends.HandleB})
	}
	return out, nil
}

func (s *Service) handlesOf(ctx context.Context, tx *sql.Tx, act ident.ActID) ([]ident.HandleID, error) {
	rows, err := s.q.ListActHandles(ctx, tx, act)
	if err != nil {
		return nil, pg.Fault(err)
	}
	out := make([]ident.HandleID, len(rows))
	for i, r := range rows {
		out[i] = r.HandleID
	}
	return out, nil
}

// bars lists the correlations of the plan that would bring both ends of a
// keep-apart in effect onto one row. Nobody is told that they were barred.
func (s *Service) bars(ctx context.Context, tx *sql.Tx, locked []relmgrdb.LockRowsRow, plan []change) ([]ident.ActID, error) {
	ids := make([]ident.HandleID, len(locked))
	for i, h := range locked {
		ids[i] = h.HandleID
	}
	aparts, err := s.q.ListKeepAparts(ctx, tx, texts(ids))
	if err != nil {
		return nil, pg.Fault(err)
	}
	edges, err := s.q.ListCorrelationsAmong(ctx, tx, texts(ids))
	if err != nil {
		return nil, pg.Fault(err)
	}
	gone := map[ident.ActID]bool{}
	for _, c := range plan {
		if !c.place {
			gone[c.act] = true
		}
	}
	var apart [][2]ident.HandleID
	for _, k := range aparts {
		if !gone[k.ActID] {
			apart = append(apart, [2]ident.HandleID{k.HandleA, k.HandleB})
		}
	}
	g := graph{}
	for _, e := range edges {
		if !gone[e.ActID] {
			g.connect(e.HandleA, e.HandleB)
		}
	}
	var barred []ident.ActID
	for _, c := range plan {
		switch {
		case !c.place:
		case c.kind == KeepApart:
			apart = append(apart, c.pairs...)
		case c.kind == Correlate:
			reach := append(g.reach(c.pairs[0][0]), g.reach(c.pairs[0][1])...)
			if slices.ContainsFunc(apart, func(k [2]ident.HandleID) bool {
				return slices.Contains(reach, k[0]) && slices.Contains(reach, k[1])
			}) {
				barred = append(barred, c.act)
				continue
			}
			g.connect(c.pairs[0][0], c.pairs[0][1])
		}
	}
	return barred, nil
}

// apply stores what the plan came to. The statements are the same whatever that
// is: an act that another party's state barred does the work of one that it did
// not.
func (s *Service) apply(ctx context.Context, tx *sql.Tx, plan []change, barred []ident.ActID) error {
	var out []ident.ActID
	var in relmgrdb.PutInParams
	var untied relmgrdb.UntieParams
	for _, c := range plan {
		act := c.act.String()
		switch {
		case !c.place:
			out = append(out, c.act)
			if c.kind == Tie {
				untied.ActIds = append(untied.ActIds, act)
			}
		case slices.Contains(barred, c.act):
		case c.kind == Publish:
			in.Publications = append(in.Publications, act)
		case c.kind == Correlate:
			in.Correlations = append(in.Correlations, act)
		case c.kind == AttachAnchor:
			in.Attachments = append(in.Attachments, act)
		case c.kind == KeepApart:
			for _, k := range c.pairs {
				in.ApartActs, in.ApartA, in.ApartB = append(in.ApartActs, act), append(in.ApartA, k[0].String()), append(in.ApartB, k[1].String())
			}
		case c.kind == Dispute:
			in.Disputes, in.Disputed = append(in.Disputes, act), append(in.Disputed, c.pairs[0][0].String())
		}
	}
	if err := s.q.TakeOut(ctx, tx, texts(out)); err != nil {
		return pg.Fault(err)
	}
	if len(untied.ActIds) > 0 {
		if err := s.untie(ctx, tx, untied, s.stamp()); err != nil {
			return err
		}
	}
	err := s.q.PutIn(ctx, tx, in)
	if pg.Constraint(err) == "cells_pkey" {
		return alreadyPublished()
	} else if err != nil {
		return pg.Fault(err)
	}
	return nil
}

// inEffect reports whether no act in effect undoes this one. Acts undo earlier
// acts only, so it ends.
func inEffect(act ident.ActID, undoings []relmgrdb.ListUndoingsRow) bool {
	return !slices.ContainsFunc(undoings, func(u relmgrdb.ListUndoingsRow) bool {
		return u.Undoes == act && inEffect(u.ActID, undoings)
	})
}
