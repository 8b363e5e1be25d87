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

// Apart says which two to keep apart: the caller's identifier and the one behind
// a code, or the ends of correlations that the caller's agency is party to.
type Apart struct {
	Own
	Code         string
	Correlations []ident.ReferenceID
	Reason       string
}

// KeepApart bars every later correlation that would bring the two onto one row,
// and ends the correlations that it names (IDX-10). The answer is the same
// whether or not something else still connects them; a row that holds both ends
// answers nobody until a person separates them.
func (s *Service) KeepApart(ctx context.Context, who decide.Caller, a Apart) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.KeepApart")
	at := s.stamp()
	if err := declaredReason(who.Terms, a.Reason); err != nil {
		return Receipt{}, err
	}
	if (a.Code == "") == (len(a.Correlations) == 0) {
		return Receipt{}, fault.At("/pairing", "give a pairing code or correlations, one of the two")
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		d := begin(who, KeepApart, "", at)
		d.Reason = a.Reason
		if a.Code == "" {
			if err := s.apartByCorrelations(ctx, tx, who, d, a.Correlations); err != nil {
				return err
			}
			receipt, err = s.carryOut(ctx, tx, d)
			return err
		}
		roles := editors(who, Correlate)
		role, ok := who.RoleAmong(roles)
		if !ok {
			return fault.New(fault.Forbidden, "keeping two apart needs one of the roles %v", roles)
		}
		d.Role = role
		h, err := s.own(ctx, tx, who, a.Own, at)
		if err != nil {
			return err
		}
		receipt, err = s.withOther(ctx, tx, d, &h, who.Terms, a.Code)
		return err
	})
	return s.orEarlier(ctx, receipt, err)
}

func (s *Service) apartByCorrelations(ctx context.Context, tx *sql.Tx, who decide.Caller, d *deed, refs []ident.ReferenceID) error {
	for _, ref := range refs {
		if err := s.mayUndo(ctx, tx, who, d, ref); err != nil {
			return err
		}
	}
	for _, act := range d.Undoes {
		ends, err := s.q.FindEnds(ctx, tx, act)
		if err != nil {
			return pg.Fault(err)
		}
		d.pairs = append(d.pairs, [2]ident.HandleID{ends.HandleA, ends.HandleB})
	}
	return nil
}

// DisputeIdentity says that what the index joins to the caller's identifier may
// be somebody else. All its correlations answer nobody until the dispute is
// settled or withdrawn (IDX-18). Only the caller's agency is shown the act.
func (s *Service) DisputeIdentity(ctx context.Context, who decide.Caller, o Own, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.DisputeIdentity")
	at := s.stamp()
	if err := declaredReason(who.Terms, reason); err != nil {
		return Receipt{}, err
	}
	roles := slices.Concat(editors(who, Publish), editors(who, Correlate))
	role, ok := who.RoleAmong(roles)
	if !ok {
		return Receipt{}, fault.New(fault.Forbidden, "disputing needs one of the roles %v", roles)
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		h, err := s.own(ctx, tx, who, o, at)
		if err != nil {
			return err
		}
		if err := s.keep(ctx, tx, &h); err != nil {
			return err
		}
		d := begin(who, Dispute, role, at)
		d.Reason = reason
		d.Handles, d.pairs = []ident.HandleID{h.handle}, [][2]ident.HandleID{{h.handle}}
		receipt, err = s.carryOut(ctx, tx, d)
		return err
	})
	return receipt, err
}

// SettleDispute says which of a disputed handle's correlations hold; the others
// end. It names every one of them: what it leaves out is separated.
func (s *Service) SettleDispute(ctx context.Context, who decide.Caller, dispute ident.ReferenceID, hold []ident.ReferenceID, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.SettleDispute")
	at := s.stamp()
	if err := declaredReason(who.Terms, reason); err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		d := begin(who, Settle, "", at)
		d.Reason = reason
		if err := s.mayUndo(ctx, tx, who, d, dispute); err != nil {
			return err
		}
		if !slices.ContainsFunc(d.roots, func(k Kind) bool { return k == Dispute }) {
			return fault.New(fault.NotKnown, "no dispute of yours has that reference: list them with GET /relmgr/v1/acts")
		}
		refs, err := s.correlationsOf(ctx, tx, who.Agency, d.Handles[0])
		if err != nil {
			return err
		}
		for _, h := range hold {
			if !slices.ContainsFunc(refs, func(r relmgrdb.ListReferencesRow) bool { return r.ReferenceID == h }) {
				return fault.At("/holds", "name correlations of the disputed identifier, as GET /relmgr/v1/acts lists them")
			}
		}
		for _, r := range refs {
			if slices.Contains(hold, r.ReferenceID) {
				continue
			}
			if err := s.mayUndo(ctx, tx, who, d, r.ReferenceID); err != nil {
				return err
			}
		}
		receipt, err = s.carryOut(ctx, tx, d)
		return err
	})
	return receipt, err
}

// correlationsOf are one agency's references of the correlations of a handle that
// nothing undoes. Those that a keep-apart barred are among them: what may be
// named, and what the work is, must not tell which they are.
func (s *Service) correlationsOf(ctx context.Context, tx *sql.Tx, agency ident.Agency, handle ident.HandleID) ([]relmgrdb.ListReferencesRow, error) {
	acts, err := s.q.ListCorrelatingActs(ctx, tx, handle)
	if err != nil {
		return nil, pg.Fault(err)
	}
	undoings, err := s.q.ListUndoings(ctx, tx, texts(acts))
	if err != nil {
		return nil, pg.Fault(err)
	}
	acts = slices.DeleteFunc(acts, func(a ident.ActID) bool { return !inEffect(a, undoings) })
	refs, err := s.q.ListReferences(ctx, tx, relmgrdb.ListReferencesParams{ActIds: texts(acts), AgencyID: agency})
	if err != nil {
		return nil, pg.Fault(err)
	}
	return refs, nil
}

// ConfirmSamePerson is the other side's word that a correlation is right (IDX-18).
// A joint correlation answers nobody before it (ACT-06). The side that made the
// correlation cannot confirm it.
func (s *Service) ConfirmSamePerson(ctx context.Context, who decide.Caller, correlation ident.ReferenceID, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.ConfirmSamePerson")
	at := s.stamp()
	if err := declaredReason(who.Terms, reason); err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a, err := s.q.FindActByReference(ctx, tx, relmgrdb.FindActByReferenceParams{ReferenceID: correlation, AgencyID: who.Agency})
		if errors.Is(err, sql.ErrNoRows) || err == nil && Kind(a.Kind) != Correlate {
			return unknownAct()
		} else if err != nil {
			return pg.Fault(err)
		}
		ends, err := s.q.FindEnds(ctx, tx, a.ActID)
		if err != nil {
			return pg.Fault(err)
		}
		// The other side is whose code was used.
		column, err := s.q.FindHandleColumn(ctx, tx, ends.HandleB)
		if err != nil {
			return pg.Fault(err)
		}
		if _, err := s.column(who, column, at); err != nil {
			return fault.New(fault.Forbidden, "only the other side of a correlation may confirm it")
		}
		roles := slices.Concat(editors(who, Publish), editors(who, Correlate))
		role, ok := who.RoleAmong(roles)
		if !ok {
			return fault.New(fault.Forbidden, "confirming needs one of the roles %v", roles)
		}
		d := begin(who, Confirm, role, at)
		d.Reason, d.Confirms = reason, a.ActID
		d.Handles = []ident.HandleID{ends.HandleA, ends.HandleB}
		agencies, err := s.q.ListActAgencies(ctx, tx, a.ActID)
		if err != nil {
			return pg.Fault(err)
		}
		d.shownTo = append(d.shownTo, agencies...)
		receipt, err = s.carryOut(ctx, tx, d)
		return err
	})
	return receipt, err
}
