package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A column closes when the partnership's document says so, and from the next
// request on nothing of it is told. Then its agency takes back what the column
// held, and has it destroyed. The acts stay, and say nothing of anybody
// (COL-08).

// Held is what a closed column knows of one person, returned to its agency.
type Held struct {
	Handle     ident.HandleID
	Identifier Identifier
	Published  bool
	Role       string // of a publication, as the rest
	Purposes   []string
	Until      time.Time
}

// returned is what an act of closing a column says of it: counts, and no person.
type returned struct {
	Column        ident.Column `json:"column"`
	Handles       int          `json:"handles"`
	Relationships int          `json:"relationships,omitempty"`
	Whole         bool         `json:"whole,omitempty"`
	ReturnedAt    time.Time    `json:"returned_at,omitzero"`
}

// Certificate says what of a column was destroyed, and when. It names nobody.
type Certificate struct {
	Receipt
	Column                 ident.Column
	ReturnedAt, At         time.Time
	Handles, Relationships int
}

// closed returns a closed column that the caller's agency controls, and the role
// in which the caller closes it.
func closed(who decide.Caller, id ident.Column, at time.Time) (*decide.Column, string, error) {
	c := who.Terms.Column(id)
	if c == nil || c.Agency != who.Agency || who.Terms.FindColumn(id, at) != nil {
		return nil, "", fault.New(fault.Forbidden, "name a closed column that your agency controls")
	}
	roles := editors(who, Correlate)
	role, ok := who.RoleAmong(roles)
	if !ok {
		return nil, "", fault.New(fault.Forbidden, "closing a column needs one of the roles %v", roles)
	}
	return c, role, nil
}

// ReturnColumn returns a page of what a closed column holds, in no order that
// tells anything, to its own agency, opened with that agency's key. Each page is
// an act. next is zero on the last one.
func (s *Service) ReturnColumn(ctx context.Context, who decide.Caller, column ident.Column, reason string, after ident.HandleID, limit int) (held []Held, next ident.HandleID, err error) {
	defer fault.Wrap(&err, "relmgr.ReturnColumn")
	at := s.stamp()
	if err := declaredReason(who.Terms, reason); err != nil {
		return nil, next, err
	}
	c, role, err := closed(who, column, at)
	if err != nil {
		return nil, next, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		held, next = nil, ident.HandleID{}
		rows, err := s.q.ListToReturn(ctx, tx, relmgrdb.ListToReturnParams{
			ColumnID: column, FromStart: after.IsZero(), AfterHandle: ident.UntypedID(after), PageSize: int32(limit) + 1,
		})
		if err != nil {
			return pg.Fault(err)
		}
		if len(rows) > limit {
			rows = rows[:limit]
			next = rows[limit-1].HandleID
		}
		for _, r := range rows {
			id, err := s.keys.open(ctx, c, sealed{r.HandleID, r.Sealed, r.WrappedKey, r.WrappedBy})
			if err != nil {
				return err
			}
			held = append(held, Held{
				Handle: r.HandleID, Identifier: id, Published: r.Published, Role: r.Role, Purposes: r.Purposes, Until: r.Until.Time.UTC(),
			})
		}
		d := begin(who, Export, role, at)
		d.Reason, d.Returned = reason, &returned{Column: column, Handles: len(held), Whole: next.IsZero()}
		if _, err := s.record(ctx, tx, d); err != nil {
			return err
		}
		if err := s.q.RecordExport(ctx, tx, relmgrdb.RecordExportParams{
			ActID: d.Act, ColumnID: column, AgencyID: who.Agency, At: at, Handles: int32(len(held)), Whole: next.IsZero(),
		}); err != nil {
			return pg.Fault(err)
		}
		return nil
	})
	return held, next, err
}

// DestroyColumn destroys what a closed column calls people, when all of it has
// been returned, and certifies it by its act. Once destroyed it answers with the
// same certificate. A column that opens again starts with nothing.
func (s *Service) DestroyColumn(ctx context.Context, who decide.Caller, column ident.Column, reason string) (cert Certificate, err error) {
	defer fault.Wrap(&err, "relmgr.DestroyColumn")
	at := s.stamp()
	if err := declaredReason(who.Terms, reason); err != nil {
		return cert, err
	}
	_, role, err := closed(who, column, at)
	if err != nil {
		return cert, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		held, err := s.q.CountHeld(ctx, tx, column)
		if err != nil {
			return pg.Fault(err)
		}
		before, err := s.q.FindDestruction(ctx, tx, relmgrdb.FindDestructionParams{ColumnID: column, AgencyID: who.Agency})
		if err == nil && held.Handles == 0 {
			cert = Certificate{
				Receipt: Receipt{Act: before.ReferenceID, Commitment: before.Commitment}, Column: column,
				ReturnedAt: before.ReturnedAt.UTC(), At: before.At.UTC(), Handles: int(before.Handles), Relationships: int(before.Relationships),
			}
			return nil
		} else if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return pg.Fault(err)
		}
		back, err := s.q.FindReturned(ctx, tx, column)
		if errors.Is(err, sql.ErrNoRows) || err == nil && !before.At.IsZero() && !back.After(before.At) {
			return fault.New(fault.Conflict, "what the column holds has not been returned to the last page: POST /relmgr/v1/columns/{column}/export first")
		} else if err != nil {
			return pg.Fault(err)
		}
		d := begin(who, Destroy, role, at)
		d.Reason = reason
		d.Returned = &returned{Column: column, Handles: int(held.Handles), Relationships: int(held.Relationships), Whole: true, ReturnedAt: back.UTC()}
		receipt, err := s.record(ctx, tx, d)
		if err != nil {
			return err
		}
		if err := s.q.RecordDestruction(ctx, tx, relmgrdb.RecordDestructionParams{
			ActID: d.Act, ColumnID: column, AgencyID: who.Agency, At: at, ReturnedAt: back, Handles: int32(held.Handles), Relationships: int32(held.Relationships),
		}); err != nil {
			return pg.Fault(err)
		}
		if err := s.q.DestroyColumn(ctx, tx, column); err != nil {
			return pg.Fault(err)
		}
		cert = Certificate{
			Receipt: receipt, Column: column, ReturnedAt: back.UTC(), At: at, Handles: int(held.Handles), Relationships: int(held.Relationships),
		}
		return nil
	})
	return cert, err
}
