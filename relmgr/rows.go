package relmgr

import (
	"context"
	"database/sql"
	"slices"

	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A row is exactly the connected component of the correlations that are not
// withdrawn. Whoever changes correlations locks every handle of the rows that
// they touch, in the order of ids. Once two handles are locked their rows stand
// still, since nobody moves a handle without locking its whole row.

// lockRows locks every handle on the rows of these handles. If a writer that was
// waited for changed those rows, the transaction starts over: locking the rest
// out of order would have two writers wait for each other until PostgreSQL
// notices.
func (s *Service) lockRows(ctx context.Context, tx *sql.Tx, handles []ident.HandleID) ([]relmgrdb.LockRowsRow, error) {
	rows, err := s.q.ListRowIDs(ctx, tx, texts(handles))
	if err != nil {
		return nil, pg.Fault(err)
	}
	locked, err := s.q.LockRows(ctx, tx, texts(rows))
	if err != nil {
		return nil, pg.Fault(err)
	}
	again, err := s.q.ListRowIDs(ctx, tx, texts(handles))
	if err != nil {
		return nil, pg.Fault(err)
	}
	now, err := s.q.LockRows(ctx, tx, texts(again))
	if err != nil {
		return nil, pg.Fault(err)
	}
	if !slices.Equal(locked, now) {
		return nil, pg.ErrRetry
	}
	return now, nil
}

// project gives every component among the locked handles a row of its own,
// moving as few handles as it can.
func (s *Service) project(ctx context.Context, tx *sql.Tx, locked []relmgrdb.LockRowsRow) error {
	ids := make([]ident.HandleID, len(locked))
	for i, h := range locked {
		ids[i] = h.HandleID
	}
	edges, err := s.q.ListCorrelationsAmong(ctx, tx, texts(ids))
	if err != nil {
		return pg.Fault(err)
	}
	g := graph{}
	for _, e := range edges {
		g.connect(e.HandleA, e.HandleB)
	}
	var move relmgrdb.MoveToRowsParams
	for _, m := range assign(locked, g) {
		for _, h := range m.handles {
			move.HandleIds, move.RowIds = append(move.HandleIds, h.String()), append(move.RowIds, m.row.String())
		}
	}
	if err := s.q.MoveToRows(ctx, tx, move); err != nil {
		return pg.Fault(err)
	}
	return nil
}

// move puts handles on a row.
type move struct {
	row     ident.RowID
	handles []ident.HandleID
}

// assign returns the moves that make rows and components the same. A component
// keeps the row of its first handle unless an earlier component has it; a row
// id that was given up is never used again.
func assign(locked []relmgrdb.LockRowsRow, g graph) []move {
	rowOf := make(map[ident.HandleID]ident.RowID, len(locked))
	for _, h := range locked {
		rowOf[h.HandleID] = h.RowID
	}
	done, taken := map[ident.HandleID]bool{}, map[ident.RowID]bool{}
	var moves []move
	for _, h := range locked {
		if done[h.HandleID] {
			continue
		}
		row := h.RowID
		if taken[row] {
			row = ident.NewRow()
		}
		taken[row] = true
		m := move{row: row}
		for _, member := range g.reach(h.HandleID) {
			done[member] = true
			if rowOf[member] != row {
				m.handles = append(m.handles, member)
			}
		}
		if len(m.handles) > 0 {
			moves = append(moves, m)
		}
	}
	return moves
}

// graph is correlations as neighbours of handles.
type graph map[ident.HandleID][]ident.HandleID

func (g graph) connect(a, b ident.HandleID) {
	g[a] = append(g[a], b)
	g[b] = append(g[b], a)
}

// reach returns the component of a handle, itself first.
func (g graph) reach(from ident.HandleID) []ident.HandleID {
	seen := map[ident.HandleID]bool{from: true}
	out := []ident.HandleID{from}
	for i := 0; i < len(out); i++ {
		for _, next := range g[out[i]] {
			if !seen[next] {
				seen[next] = true
				out = append(out, next)
			}
		}
	}
	return out
}
