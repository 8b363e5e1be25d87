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

// Undoing is a new act that names what it undoes; the history stays (ACT-07).
// An act is in effect unless an act in effect undoes it, to any depth, so that
// withdrawing an undo restores what it undid.

// Separate ends correlations that the caller's agency is party to (IDX-12).
// Separating what has already ended records the act and changes nothing.
func (s *Service) Separate(ctx context.Context, who decide.Caller, correlations []ident.ReferenceID, reason string) (Receipt, error) {
	return s.undo(ctx, who, Separate, correlations, reason, nil)
}

// WithdrawAct undoes one act of the caller's agency, or a correlation that it
// is party to. With evidence it is the subject's own withdrawal, which nobody
// undoes but the subject.
func (s *Service) WithdrawAct(ctx context.Context, who decide.Caller, act ident.ReferenceID, reason string, evidence Evidence) (Receipt, error) {
	return s.undo(ctx, who, Withdraw, []ident.ReferenceID{act}, reason, func(d *deed) { d.bySubject(evidence) })
}

// Statuses that a published relationship can be given. Each is an undoing of the
// publication under a name of its own; Active withdraws the one in effect.
const (
	Suspend      Kind = "suspend"
	End          Kind = "end"
	AskedInError Kind = "asked-in-error"
)

// SetStatus suspends or ends a relationship that the caller's column publishes, or
// says that it was published in error (IDX-12, IDX-15). To make it active again,
// withdraw the act that this returns. from is when it came about, nil for not
// said; it changes nothing of what was answered before the act.
func (s *Service) SetStatus(ctx context.Context, who decide.Caller, publication ident.ReferenceID, status Kind, reason string, from *time.Time) (Receipt, error) {
	from, err := since(from, s.stamp())
	if err != nil {
		return Receipt{}, err
	}
	return s.undo(ctx, who, status, []ident.ReferenceID{publication}, reason, func(d *deed) { d.Since = from })
}

func (s *Service) undo(ctx context.Context, who decide.Caller, kind Kind, refs []ident.ReferenceID, reason string, more func(*deed)) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.undo")
	at := s.stamp()
	if err := declaredReason(who.Terms, reason); err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		d := begin(who, kind, "", at)
		d.Reason = reason
		if more != nil {
			more(d)
		}
		for _, ref := range refs {
			if err := s.mayUndo(ctx, tx, who, d, ref); err != nil {
				return err
			}
		}
		receipt, err = s.carryOut(ctx, tx, d)
		return err
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
	made, err := s.root(ctx, tx, relmgrdb.ListUndoneActsRow{ActID: a.ActID, Kind: a.Kind, Mode: a.Mode, Agreement: a.Agreement})
	if err != nil {
		return err
	}
	if Kind(made.Kind) != Approve && !slices.ContainsFunc(handles, func(h relmgrdb.ListActHandlesRow) bool {
		_, err := s.column(who, h.ColumnID, d.At)
		return err == nil && !h.Destroyed
	}) {
		return unknownAct()
	}
	if Kind(made.Kind) == Tie && !makes(Kind(a.Kind)) {
		return fault.New(fault.Invalid, "a tie that has ended is over at both hubs: make another with POST /relmgr/v1/ties")
	}
	if err := editable(d.Kind, Kind(a.Kind), a.AgencyID == who.Agency); err != nil {
		return err
	}
	if !makes(Kind(a.Kind)) && decide.Mode(a.Mode) == decide.BySubject && d.Mode != decide.BySubject {
		return fault.New(fault.Forbidden, "the subject withdrew this, so only the subject may undo it: record what they said, with its evidence")
	}
	roles := editors(who, Kind(made.Kind))
	if decide.Mode(made.Mode) == decide.Imposed && Kind(made.Kind) != Approve {
		roles = imposers(who, made.Agreement)
	}
	role, ok := who.RoleAmong(roles)
	if !ok {
		return fault.New(fault.Forbidden, "undoing this needs one of the roles %v", roles)
	}
	d.Role = role
	d.Undoes, d.roots = append(d.Undoes, a.ActID), append(d.roots, Kind(a.Kind))
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

// makes reports whether acts of the kind make something, rather than undo.
func makes(kind Kind) bool {
	switch kind {
	case Separate, Withdraw, Settle, Suspend, End, AskedInError, Rule, Repair, Untie:
		return false
	default:
		return true
	}
}

// root is the act that an undoing is in the end about.
func (s *Service) root(ctx context.Context, tx *sql.Tx, act relmgrdb.ListUndoneActsRow) (relmgrdb.ListUndoneActsRow, error) {
	for !makes(Kind(act.Kind)) {
		undone, err := s.q.ListUndoneActs(ctx, tx, act.ActID)
		if err != nil {
			return act, pg.Fault(err)
		}
		act = undone[0]
	}
	return act, nil
}

// imposers lists the roles that may undo what was imposed under an agreement:
// the higher ones that may impose, on either side (ACT-05, ACT-06).
func imposers(who decide.Caller, agreement string) []string {
	if a := who.Terms.Agreement(agreement); a != nil && slices.Contains(a.Parties, who.Agency) {
		return a.Roles.Impose
	}
	return nil
}

// editable refuses what cannot be undone that way, or by that agency (ACT-05): a
// correlation is undone by either of its agencies, everything else by its own.
func editable(how, what Kind, own bool) error {
	switch {
	case (how == Separate || how == KeepApart) && what != Correlate:
		return fault.At("/correlations", "name correlations only: withdraw other acts")
	case (how == Suspend || how == End || how == AskedInError) && what != Publish:
		return fault.New(fault.NotKnown, "no publication of yours has that reference: list them with GET /relmgr/v1/acts")
	case what == Move:
		return fault.New(fault.Invalid, "a move cannot be undone: move the relationship back with POST /relmgr/v1/caseloads")
	case what == Erase || what == Expire:
		return fault.New(fault.Invalid, "an erasure cannot be undone: what it erased is gone")
	case what == AskAsOf || what == ApproveAsOf:
		return fault.New(fault.Invalid, "this act cannot be undone: it ends by itself")
	case what == Tell || what == Object || what == Rule:
		return fault.New(fault.Invalid, "this act stands: say anew whether the subject is told, object anew, or impose anew")
	case what == Pair || what == Refuse || what == Confirm || what == Contact:
		return fault.New(fault.Invalid, "this act cannot be undone: a pairing ends by itself, a contact request has been sent, and a correlation that was made or confirmed can be withdrawn")
	case what != Correlate && !own:
		return fault.New(fault.Forbidden, "only the agency that made this act may undo it")
	}
	return nil
}

// editors lists the roles that may undo an act of a kind: those that may make
// one, under any agreement of the agency.
func editors(who decide.Caller, kind Kind) []string {
	return rolesIn(who, func(a decide.Agreement) []string {
		switch kind {
		case Publish, Reply, AttachAnchor, Silence:
			return a.Roles.Publish
		case Approve:
			return a.Roles.Approve
		default:
			return a.Roles.Correlate
		}
	})
}

func unknownAct() error {
	return fault.New(fault.NotKnown, "no act of yours has that reference: list them with GET /relmgr/v1/acts")
}
