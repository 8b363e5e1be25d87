package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Undoing is a new act that names what it undoes; the history stays (ACT-07).
// An act is in effect unless an act in effect undoes it, to any depth, so that
// withdrawing an undo restores what it undid.

// Separate ends correlations that the caller's agency is party to (IDX-12).
// Separating what has already ended records the act and changes nothing.
func (s *Service) Separate(ctx context.Context, who decide.Caller, correlations []ident.ReferenceID, reason string) (Receipt, error) {
	return s.undo(ctx, who, Separate, correlations, reason)
}

// WithdrawAct undoes one act of the caller's agency, or a correlation that it
// is party to.
func (s *Service) WithdrawAct(ctx context.Context, who decide.Caller, act ident.ReferenceID, reason string) (Receipt, error) {
	return s.undo(ctx, who, Withdraw, []ident.ReferenceID{act}, reason)
}

func (s *Service) undo(ctx context.Context, who decide.Caller, kind Kind, refs []ident.ReferenceID, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.undo")
	at := s.stamp()
	if !decide.Has(who.Terms.Codes.Reasons, reason) {
		return Receipt{}, fault.At("/reason", "name a reason of the partnership's list")
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		d := begin(who, kind, "", at)
		d.Reason = reason
		for _, ref := range refs {
			if err := s.mayUndo(ctx, tx, who, d, ref); err != nil {
				return err
			}
		}
		// Rows first, so that two who undo at once do it one after the other.
		locked, err := s.lockRows(ctx, tx, d.Handles)
		if err != nil {
			return err
		}
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		if err := s.replay(ctx, tx, d.Undoes); err != nil {
			return err
		}
		return s.project(ctx, tx, locked)
	})
	return receipt, err
}

// mayUndo checks that the caller may undo the act behind a reference, and adds
// it, its handles and those who may know of it to the deed. A reference that
// is not the agency's own is one that does not exist.
func (s *Service) mayUndo(ctx context.Context, tx *sql.Tx, who decide.Caller, d *deed, ref ident.ReferenceID) error {
	a, err := s.q.FindActByReference(ctx, tx, relmgrdb.FindActByReferenceParams{ReferenceID: ref, AgencyID: who.Agency})
	if errors.Is(err, sql.ErrNoRows) {
		return unknownAct()
	} else if err != nil {
		return pg.Fault(err)
	}
	handles, err := s.q.ListActHandles(ctx, tx, a.ActID)
	if err != nil {
		return pg.Fault(err)
	}
	if !slices.ContainsFunc(handles, func(h relmgrdb.ListActHandlesRow) bool {
		_, err := s.column(who, h.ColumnID, d.At)
		return err == nil
	}) {
		return unknownAct()
	}
	root, err := s.root(ctx, tx, a.ActID, Kind(a.Kind))
	if err != nil {
		return err
	}
	if err := editable(d.Kind, Kind(a.Kind), a.AgencyID == who.Agency); err != nil {
		return err
	}
	roles := editors(who, root)
	role, ok := who.RoleAmong(roles)
	if !ok {
		return fault.New(fault.Forbidden, "undoing this needs one of the roles %v", roles)
	}
	d.Role = role
	d.Undoes = append(d.Undoes, a.ActID)
	for _, h := range handles {
		if !slices.Contains(d.Handles, h.HandleID) {
			d.Handles = append(d.Handles, h.HandleID)
		}
	}
	agencies, err := s.q.ListActAgencies(ctx, tx, a.ActID)
	if err != nil {
		return pg.Fault(err)
	}
	d.shownTo = append(d.shownTo, agencies...)
	return nil
}

// root is the kind of act that an undoing is in the end about.
func (s *Service) root(ctx context.Context, tx *sql.Tx, act ident.ActID, kind Kind) (Kind, error) {
	for kind == Withdraw || kind == Separate {
		undone, err := s.q.ListUndoneActs(ctx, tx, act)
		if err != nil {
			return "", pg.Fault(err)
		}
		act, kind = undone[0].ActID, Kind(undone[0].Kind)
	}
	return kind, nil
}

// editable refuses what cannot be undone that way, or by that agency (ACT-05): a
// correlation is undone by either of its agencies, everything else by its own.
func editable(how, what Kind, own bool) error {
	switch {
	case how == Separate && what != Correlate:
		return fault.At("/correlations", "name correlations only: withdraw other acts")
	case what == Pair || what == Refuse:
		return fault.New(fault.Invalid, "this act cannot be undone: a pairing ends by itself, a correlation made with it can be withdrawn")
	case what != Correlate && !own:
		return fault.New(fault.Forbidden, "only the agency that made this act may undo it")
	}
	return nil
}

// editors lists the roles that may undo an act of a kind: those that may make
// one, under any agreement of the agency.
func editors(who decide.Caller, kind Kind) []string {
	var roles []string
	for _, a := range who.Terms.Agreements {
		switch {
		case !slices.Contains(a.Parties, who.Agency):
		case kind == Publish:
			roles = append(roles, a.Roles.Publish...)
		default:
			roles = append(roles, a.Roles.Correlate...)
		}
	}
	slices.Sort(roles)
	return slices.Compact(roles)
}

func unknownAct() error {
	return fault.New(fault.NotKnown, "no act of yours has that reference: list them with GET /relmgr/v1/acts")
}

// replay brings the projection of these acts, and of everything that they undo,
// to what is in effect now.
func (s *Service) replay(ctx context.Context, tx *sql.Tx, acts []ident.ActID) error {
	for _, act := range acts {
		undone, err := s.q.ListUndoneActs(ctx, tx, act)
		if err != nil {
			return pg.Fault(err)
		}
		inner := make([]ident.ActID, len(undone))
		for i, u := range undone {
			inner[i] = u.ActID
		}
		if err := s.replay(ctx, tx, inner); err != nil {
			return err
		}
		if err := s.showEffect(ctx, tx, act); err != nil {
			return err
		}
	}
	return nil
}

// showEffect places or removes what one publishing or correlating act projects.
func (s *Service) showEffect(ctx context.Context, tx *sql.Tx, act ident.ActID) error {
	undoings, err := s.q.ListUndoings(ctx, tx, texts([]ident.ActID{act}))
	if err != nil {
		return pg.Fault(err)
	}
	stored, err := s.q.FindProjection(ctx, tx, act)
	if err != nil {
		return pg.Fault(err)
	}
	effective := inEffect(act, undoings)
	switch {
	case stored.Kind == string(Publish) && effective && !stored.Placed:
		err = s.q.RestoreCell(ctx, tx, act)
		if pg.Constraint(err) == "cells_pkey" {
			return alreadyPublished()
		}
	case stored.Kind == string(Publish) && !effective:
		_, err = s.q.RemoveCell(ctx, tx, act)
	case stored.Kind == string(Correlate) && effective && !stored.Placed:
		err = s.q.RestoreCorrelation(ctx, tx, act)
	case stored.Kind == string(Correlate) && !effective:
		err = s.q.RemoveCorrelations(ctx, tx, texts([]ident.ActID{act}))
	}
	if err != nil {
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
