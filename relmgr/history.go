package relmgr

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// history is all that ever was of the person behind one handle, as acts record
// it: what stood at an earlier instant (then) and what stands now follow from it.
type history struct {
	own      ident.HandleID
	handles  map[ident.HandleID]placed
	acts     []relmgrdb.ListMakingActsRow
	undone   map[bool][]relmgrdb.ListUndoingsRow // by whether of then; now is false
	undoes   map[ident.ActID][]ident.ActID
	disowned map[ident.ActID]bool // of which an act in effect now says that it should not have been
	standing map[ident.ActID][]relmgrdb.ListStandingsRow
	offers   map[ident.ActID][]Offer
	excluded map[ident.HandleID][]ident.Agency
	hidden   map[ident.HandleID]bool
}

// placed is where a handle was and is.
type placed struct {
	then, now ident.Column
	destroyed bool
}

// view is an asker's side at an instant.
type view struct {
	terms  *decide.Terms
	asking decide.Asking
	at     time.Time
}

// readHistory reads it as one snapshot. Which statements run does not depend on
// what they find.
func (s *Service) readHistory(ctx context.Context, own ident.HandleID, then, now time.Time) (*history, error) {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, pg.Fault(err)
	}
	defer tx.Rollback() // it wrote nothing
	h := &history{
		own: own, handles: map[ident.HandleID]placed{}, undone: map[bool][]relmgrdb.ListUndoingsRow{}, undoes: map[ident.ActID][]ident.ActID{},
		disowned: map[ident.ActID]bool{}, standing: map[ident.ActID][]relmgrdb.ListStandingsRow{}, offers: map[ident.ActID][]Offer{},
		excluded: map[ident.HandleID][]ident.Agency{}, hidden: map[ident.HandleID]bool{},
	}
	joined, err := s.q.ListEverJoined(ctx, tx, relmgrdb.ListEverJoinedParams{HandleID: ident.UntypedID(own), AsOf: then})
	if err != nil {
		return nil, pg.Fault(err)
	}
	var handles, acts, publications, correlations []string
	for _, j := range joined {
		handles = append(handles, j.HandleID.String())
		h.handles[j.HandleID] = placed{then: ident.Column(j.ColumnThen), now: j.ColumnID, destroyed: j.Destroyed}
	}
	if h.acts, err = s.q.ListMakingActs(ctx, tx, relmgrdb.ListMakingActsParams{HandleIds: handles, AsOf: then}); err != nil {
		return nil, pg.Fault(err)
	}
	for _, a := range h.acts {
		acts = append(acts, a.ActID.String())
		switch Kind(a.Kind) {
		case Publish:
			publications = append(publications, a.ActID.String())
		case Correlate:
			correlations = append(correlations, a.ActID.String())
		}
	}
	undoings, err := s.q.ListUndoingsSince(ctx, tx, relmgrdb.ListUndoingsSinceParams{ActIds: acts, AsOf: then})
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, u := range undoings {
		h.undoes[u.ActID] = append(h.undoes[u.ActID], u.Undoes)
		h.undone[false] = append(h.undone[false], relmgrdb.ListUndoingsRow{ActID: u.ActID, Undoes: u.Undoes})
		if u.Earlier {
			h.undone[true] = append(h.undone[true], relmgrdb.ListUndoingsRow{ActID: u.ActID, Undoes: u.Undoes})
		}
	}
	for _, u := range undoings {
		if u.Disowns && inEffect(u.ActID, h.undone[false]) {
			h.disowned[u.Undoes] = true
		}
	}
	standings, err := s.q.ListStandings(ctx, tx, relmgrdb.ListStandingsParams{Publications: publications, Correlations: correlations, AsOf: then, Now: now})
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, v := range standings {
		h.standing[v.ActID] = append(h.standing[v.ActID], v)
	}
	offers, err := s.q.ListOffersOf(ctx, tx, publications)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, o := range offers {
		h.offers[o.ActID] = append(h.offers[o.ActID], Offer{Kind: OfferKind(o.Kind), Transactions: o.Transactions, Contact: o.Contact})
	}
	shields, err := s.q.ListShields(ctx, tx, relmgrdb.ListShieldsParams{HandleIds: handles, AsOf: then, Now: now})
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, v := range shields {
		if v.Excluded == "" {
			h.hidden[v.HandleID] = true
		} else {
			h.excluded[v.HandleID] = append(h.excluded[v.HandleID], ident.Agency(v.Excluded))
		}
	}
	return h, nil
}

func (h *history) place(handle ident.HandleID) placed { return h.handles[handle] }

// stood reports whether what an act makes was in the index then, or is now: the
// rule by which effect.go keeps the projection.
func (h *history) stood(a relmgrdb.ListMakingActsRow, then bool) bool {
	barred, confirmed := a.Barred, a.Confirmed
	if then {
		barred, confirmed = a.BarredEarlier, a.ConfirmedEarlier
	}
	return (a.Earlier || !then) && !barred && inEffect(a.ActID, h.undone[then]) &&
		(!waits(Kind(a.Kind), a.Mode) || confirmed)
}

// of lists the acts of a kind that stood.
func (h *history) of(kind Kind, then bool) (acts []relmgrdb.ListMakingActsRow) {
	for _, a := range h.acts {
		if Kind(a.Kind) == kind && h.stood(a, then) {
			acts = append(acts, a)
		}
	}
	return acts
}

// published reports whether the asker's own handle was published then.
func (h *history) published() bool {
	return slices.ContainsFunc(h.of(Publish, true), func(a relmgrdb.ListMakingActsRow) bool { return a.Handles[0] == h.own.String() })
}

// apart lists the ends of the keep-aparts that stood.
func (h *history) apart(then bool) (pairs [][2]string) {
	for _, k := range h.of(KeepApart, then) {
		undone := h.undoes[k.ActID]
		if len(undone) == 0 { // by a code: the two handles of the act
			pairs = append(pairs, [2]string{k.Handles[0], k.Handles[1]})
		}
		for _, u := range undone {
			for _, a := range h.acts {
				if a.ActID == u {
					pairs = append(pairs, [2]string{a.Handles[0], a.Handles[1]})
				}
			}
		}
	}
	return pairs
}

// contradicts reports whether both ends of one of these are among those reached.
func contradicts(reached map[ident.HandleID]bool, pairs [][2]string) bool {
	in := map[string]bool{}
	for h := range reached {
		in[h.String()] = true
	}
	return slices.ContainsFunc(pairs, func(p [2]string) bool { return in[p[0]] && in[p[1]] })
}

// standings is one side's decision as of then and as of now. Now, its own time and
// review date are left out: that they have passed hides nothing of what was.
func (h *history) standings(v relmgrdb.ListStandingsRow, now time.Time) (then, today decide.Standing) {
	at := h.handles[v.HandleID]
	then = decide.Standing{
		Column: at.then, Agreement: string(v.Agreement), Power: string(v.Power), Ground: decide.Ground(v.Ground), Purposes: v.Purposes,
		Audience: decide.Audience{Kind: decide.AudienceKind(v.AudienceKind), Names: v.Audience}, Until: v.Until, Consented: v.ConsentedEarlier,
		Mode: decide.Mode(v.Mode), Aspects: v.Aspects, Conditions: decide.Conditions{Ordinary: v.Ordinary, Sensitive: v.Sensitive}, Review: v.ReviewAt,
	}
	today = then
	today.Column, today.Consented = at.now, v.Consented && !at.destroyed
	today.Until, today.Review = now.Add(time.Second), now.Add(time.Second)
	return then, today
}

// tell decides whom the asker was to be told of then and may be told of now. An
// override tells each of those it names once, at its own time, and nothing here.
func (h *history) tell(then, now view, transaction string) ([]Provider, []disclosure) {
	providers, disclosed := []Provider{}, []disclosure{}
	var disputed []string
	for _, earlier := range []bool{true, false} {
		for _, d := range h.of(Dispute, earlier) {
			disputed = append(disputed, d.Handles[0])
		}
	}
	past, today := graph{}, graph{}
	for _, e := range h.of(Correlate, false) {
		if both := h.standing[e.ActID]; len(both) == 2 {
			today.connect(both[0].HandleID, both[1].HandleID)
		}
	}
	for _, e := range h.of(Correlate, true) {
		both := h.standing[e.ActID]
		if len(both) == 2 && !h.disowned[e.ActID] && !slices.ContainsFunc(both, func(v relmgrdb.ListStandingsRow) bool {
			was, is := h.standings(v, now.at)
			return v.Risk != "" || slices.Contains(disputed, v.HandleID.String()) ||
				!side{standing: was}.opens(then.terms, &then.asking, then.at) || !side{standing: is}.opens(now.terms, &now.asking, now.at)
		}) {
			past.connect(both[0].HandleID, both[1].HandleID)
		}
	}
	reached := among(past, h.own)
	if contradicts(reached, h.apart(true)) || contradicts(reached, h.apart(false)) || contradicts(among(today, h.own), h.apart(false)) {
		return providers, disclosed
	}
	for _, p := range h.of(Publish, true) {
		if len(h.standing[p.ActID]) != 1 || h.disowned[p.ActID] {
			continue
		}
		v := h.standing[p.ActID][0]
		at := h.handles[v.HandleID]
		was, is := h.standings(v, now.at)
		column := then.terms.FindColumn(at.then, then.at)
		if v.HandleID == h.own || !reached[v.HandleID] || h.hidden[v.HandleID] || v.Risk != "" || column == nil ||
			column.ID == then.asking.Column.ID || at.now == now.asking.Column.ID ||
			!then.terms.Weigh(was, nil, &then.asking, then.at).Told || !now.terms.Weigh(is, nil, &now.asking, now.at).Told {
			continue
		}
		around := among(today, v.HandleID)
		if contradicts(around, h.apart(false)) || h.leavesOut(column.Agency, now.asking.Column.Agency, reached, around, among(today, h.own)) {
			continue
		}
		shown := present(then.terms, column, cell{role: p.ProviderRole, offers: h.offers[p.ActID]}, transaction)
		if len(shown.Offers) == 0 {
			continue
		}
		providers = append(providers, shown)
		disclosed = append(disclosed, disclosure{Handle: v.HandleID, Decision: v.DecisionID})
	}
	inOrderOfCodes(providers)
	return providers, disclosed
}

// among is the component of a handle.
func among(g graph, from ident.HandleID) map[ident.HandleID]bool {
	in := map[ident.HandleID]bool{}
	for _, h := range g.reach(from) {
		in[h] = true
	}
	return in
}

// leavesOut reports whether the subject leaves out either agency on any of these
// rows.
func (h *history) leavesOut(a, b ident.Agency, rows ...map[ident.HandleID]bool) bool {
	return slices.ContainsFunc(rows, func(row map[ident.HandleID]bool) bool {
		for handle := range row {
			if slices.Contains(h.excluded[handle], a) || slices.Contains(h.excluded[handle], b) {
				return true
			}
		}
		return false
	})
}
