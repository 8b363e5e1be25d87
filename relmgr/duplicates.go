package relmgr

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Twin is the other identifier of a duplicate, and the act that joins it.
type Twin struct {
	Act        ident.ReferenceID
	Handle     ident.HandleID
	Identifier Identifier
}

// way leads from one handle of a column to another; the acts at its ends are correlations of
// the column's own.
type way struct {
	from, to    ident.HandleID
	first, last ident.ActID
}

// duplicates lists whom a column has under two identifiers, as far as whoever asks for this
// purpose is told so: on the way from one to the other is nobody but whom an enquiry about either
// tells of. Whoever is hidden from them, or bars it, is as absent as if nothing were joined
// (QRY-11, IDX-10). It stops where there is more than a list holds.
func (s *Service) duplicates(ctx context.Context, who decide.Caller, c *decide.Column, why Why, at time.Time) (all []Waiting, acts []ident.ActID, err error) {
	handles, ways, err := s.ways(ctx, who, c, why, at)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range ways {
		acts = append(acts, w.first, w.last)
	}
	rows, err := s.q.ListJoins(ctx, s.db, relmgrdb.ListJoinsParams{AgencyID: who.Agency, ActIds: texts(acts)})
	if err != nil {
		return nil, nil, pg.Fault(err)
	}
	joins := map[ident.ActID]relmgrdb.ListJoinsRow{}
	for _, r := range rows {
		if r.At = r.At.UTC(); r.AgencyID != who.Agency {
			r.At = r.At.Truncate(24 * time.Hour) // no instant is shown to two agencies (invariant 4)
		}
		joins[r.ActID] = r
	}
	for _, w := range ways {
		first, last := joins[w.first], joins[w.last]
		one := Waiting{What: Duplicate, Act: first.ReferenceID, At: first.At, Handle: w.from, Twin: &Twin{Act: last.ReferenceID, Handle: w.to}}
		if last.At.After(one.At) {
			one.At = last.At
		}
		if one.Identifier, err = s.keys.open(ctx, c, handles[w.from]); err != nil {
			return nil, nil, err
		}
		if one.Twin.Identifier, err = s.keys.open(ctx, c, handles[w.to]); err != nil {
			return nil, nil, err
		}
		if w := *one.Twin; w.Identifier < one.Identifier { // not in the order of what was drawn
			one.Twin = &Twin{Act: one.Act, Handle: one.Handle, Identifier: one.Identifier}
			one.Act, one.Handle, one.Identifier = w.Act, w.Handle, w.Identifier
		}
		all = append(all, one)
	}
	return all, acts, nil
}

// ways are those between the duplicates of a column that both ends are told of, each once.
func (s *Service) ways(ctx context.Context, who decide.Caller, c *decide.Column, why Why, at time.Time) (map[ident.HandleID]sealed, []way, error) {
	put := decide.Question{Column: c, Purpose: why.Purpose, Reason: why.Reason}
	asking := who.Terms.Ask(who.Actor, put, at)
	put.NoCase = true
	ofStranger := who.Terms.Ask(who.Actor, put, at)

	var ways []way
	handles, back := map[ident.HandleID]sealed{}, map[[2]ident.HandleID]bool{}
	page := relmgrdb.ListDuplicatesParams{ColumnID: c.ID, FromStart: true, PageSize: mostPlaces}
	for len(ways) <= mostListed {
		some, err := s.q.ListDuplicates(ctx, s.db, page)
		if err != nil {
			return nil, nil, pg.Fault(err)
		}
		places := make([]place, len(some))
		for i, d := range some {
			places[i] = place{c.ID, d.Token, d.TokenB, at}
			handles[d.HandleID] = sealed{d.HandleID, d.Sealed, d.WrappedKey, d.WrappedBy}
			page.FromStart, page.AfterRow, page.AfterHandle = false, ident.UntypedID(d.RowID), ident.UntypedID(d.HandleID)
		}
		rows, err := s.readRows(ctx, s.db, places)
		if err != nil {
			return nil, nil, err
		}
		for i, r := range rows {
			from, asks := some[i].HandleID, &asking
			if r.own != from {
				return nil, nil, unavailable("the keys of the column are changing: try again")
			}
			if !r.holds(who.Terms, at) {
				asks = &ofStranger
			}
			if asks.StoppedAt() > 0 {
				continue
			}
			for _, w := range r.waysToTwins(who.Terms, asks, at) {
				if back[[2]ident.HandleID{w.to, w.from}] {
					ways = append(ways, w)
				}
				back[[2]ident.HandleID{w.from, w.to}] = true
			}
		}
		if len(some) < mostPlaces {
			break
		}
	}
	return handles, ways, nil
}

// waysToTwins are the ways from the asker's handle to others of their column, over nobody but
// those of whom the asker is told. What an override tells, it tells those who ask.
func (r row) waysToTwins(t *decide.Terms, asking *decide.Asking, at time.Time) (ways []way) {
	told := map[ident.HandleID]bool{}
	for _, d := range r.tell(t, asking, sought{}, at).disclosed {
		told[d.Handle] = !d.once
	}
	own := map[ident.HandleID]bool{}
	edges, acts := graph{}, map[[2]ident.HandleID]ident.ActID{}
	for _, both := range r.sides {
		for _, v := range both {
			own[v.handle] = own[v.handle] || v.standing.Column == asking.Column.ID && !r.hides(v.handle, asking)
		}
	}
	for act, both := range r.sides {
		if len(both) != 2 || !both[0].opens(t, asking, at) || !both[1].opens(t, asking, at) || both[0].standing.Risk != "" || both[1].standing.Risk != "" {
			continue
		}
		a, b := both[0].handle, both[1].handle
		if !own[a] && !told[a] || !own[b] && !told[b] {
			continue
		}
		if before, twice := acts[[2]ident.HandleID{a, b}]; !twice || bytes.Compare(act[:], before[:]) < 0 {
			acts[[2]ident.HandleID{a, b}], acts[[2]ident.HandleID{b, a}] = act, act
		}
		edges.connect(a, b)
	}
	for _, near := range edges { // the same way at every look
		slices.SortFunc(near, func(a, b ident.HandleID) int { return bytes.Compare(a[:], b[:]) })
	}
	reached, left := r.reached(edges)
	if !own[r.own] || left[asking.Column.Agency] {
		return nil
	}
	came := map[ident.HandleID][2]ident.HandleID{r.own: {}} // over whom, and over whom first
	for _, h := range edges.reach(r.own) {
		for _, next := range edges[h] {
			if _, been := came[next]; been || !reached[next] {
				continue
			}
			first := came[h][1]
			if h == r.own {
				first = next
			}
			came[next] = [2]ident.HandleID{h, first}
			if own[next] {
				ways = append(ways, way{r.own, next, acts[[2]ident.HandleID{r.own, first}], acts[[2]ident.HandleID{h, next}]})
			}
		}
	}
	return ways
}
