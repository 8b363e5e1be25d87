package verify

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/fame-hub/fame/internal/ident"
)

type id = ident.UntypedID

// act is what of an act the index comes from.
type act struct {
	id         id
	kind, mode string
	role       string // of a publication
}

// pair is two ids that belong together.
type pair struct{ a, b id }

// history is every act of the index, as rows without an order.
type history struct {
	acts       map[id]act
	undoneBy   map[id][]id
	undoes     map[id][]id
	barred     map[id]bool
	confirmed  map[id]bool
	handles    map[id][]id   // of an act
	decisions  map[id][]pair // of an act: decision, handle
	ends       map[id][4]id  // of a correlating act: both handles, both decisions
	inEffectAt map[id]bool   // worked out so far
}

// inEffect: an act is in effect unless an act in effect undoes it.
func (h *history) inEffect(of id) bool {
	if known, ok := h.inEffectAt[of]; ok {
		return known
	}
	h.inEffectAt[of] = true // acts undo earlier acts only; a circle would be a finding of the records
	effect := true
	for _, by := range h.undoneBy[of] {
		if h.inEffect(by) {
			effect = false
			break
		}
	}
	h.inEffectAt[of] = effect
	return effect
}

// index is what the acts come to. Each entry is what would stand in a row.
type index struct {
	cells        map[id]string // by handle
	correlations map[id]string // by act
	keepAparts   map[string]bool
	disputes     map[string]bool
	attachments  map[id]id // the handle, by act
	ties         map[id]bool
	joins        []pair
}

// replay works the index out from the acts alone. Their order does not matter:
// what a keep-apart barred was recorded with the act that it barred.
func (h *history) replay() index {
	out := index{cells: map[id]string{}, correlations: map[id]string{}, keepAparts: map[string]bool{}, disputes: map[string]bool{}, attachments: map[id]id{}, ties: map[id]bool{}}
	for _, a := range h.acts {
		if !h.inEffect(a.id) || h.barred[a.id] {
			continue
		}
		if a.mode == "joint" && (a.kind == "publish" || a.kind == "correlate") && !h.confirmed[a.id] {
			continue
		}
		switch a.kind {
		case "publish":
			for _, d := range h.decisions[a.id] {
				out.cells[d.b] = fmt.Sprint(a.id, d.a, a.role)
			}
		case "correlate":
			e := h.ends[a.id]
			out.correlations[a.id] = fmt.Sprint(e)
			out.joins = append(out.joins, pair{e[0], e[1]})
		case "keep-apart":
			for _, p := range h.apart(a.id) {
				out.keepAparts[fmt.Sprint(a.id, least(p))] = true
			}
		case "dispute":
			for _, handle := range h.handles[a.id] {
				out.disputes[fmt.Sprint(a.id, handle)] = true
			}
		case "attach-anchor":
			for _, handle := range h.handles[a.id] {
				out.attachments[a.id] = handle
			}
		case "tie":
			out.ties[a.id] = true
		}
	}
	return out
}

// apart are the pairs that a keep-apart names: the ends of the correlations
// that it ended, or its own two handles.
func (h *history) apart(of id) (out []pair) {
	for _, u := range h.undoes[of] {
		e := h.ends[u]
		out = append(out, pair{e[0], e[1]})
	}
	if len(out) == 0 && len(h.handles[of]) == 2 {
		out = []pair{{h.handles[of][0], h.handles[of][1]}}
	}
	return out
}

// least is a pair without an order.
func least(p pair) pair {
	if p.b.String() < p.a.String() {
		return pair{p.b, p.a}
	}
	return p
}

func (v *verification) readHistory(ctx context.Context) (*history, error) {
	h := &history{
		acts: map[id]act{}, undoneBy: map[id][]id{}, undoes: map[id][]id{}, barred: map[id]bool{}, confirmed: map[id]bool{},
		handles: map[id][]id{}, decisions: map[id][]pair{}, ends: map[id][4]id{}, inEffectAt: map[id]bool{},
	}
	two := func(query string, keep func(a, b id)) error {
		rows, err := all(ctx, v.relmgr, query, func(r *sql.Rows, p *pair) error { return r.Scan(&p.a, &p.b) })
		for _, p := range rows {
			keep(p.a, p.b)
		}
		return err
	}
	acts, err := all(ctx, v.relmgr, "select act_id, kind, coalesce(mode, ''), coalesce(provider_role, '') from relmgr.acts",
		func(r *sql.Rows, a *act) error { return r.Scan(&a.id, &a.kind, &a.mode, &a.role) })
	if err != nil {
		return nil, err
	}
	for _, a := range acts {
		h.acts[a.id] = a
	}
	for _, read := range []struct {
		query string
		keep  func(a, b id)
	}{
		{"select act_id, undoes from relmgr.undoings", func(a, b id) {
			h.undoneBy[b], h.undoes[a] = append(h.undoneBy[b], a), append(h.undoes[a], b)
		}},
		{"select act_id, barred_in from relmgr.barred", func(a, _ id) { h.barred[a] = true }},
		{"select act_id, confirms from relmgr.confirmations", func(_, b id) { h.confirmed[b] = true }},
		{"select act_id, handle_id from relmgr.act_handles", func(a, b id) { h.handles[a] = append(h.handles[a], b) }},
	} {
		if err := two(read.query, read.keep); err != nil {
			return nil, err
		}
	}
	type four [5]id
	ends, err := all(ctx, v.relmgr, `select d.act_id, d.handle_id, p.handle_id, d.decision_id, p.decision_id from relmgr.decisions d
		join relmgr.pairings_used u on u.act_id = d.act_id and not u.own join relmgr.pairings p on p.pairing_id = u.pairing_id where d.handle_id is not null`,
		func(r *sql.Rows, e *four) error { return r.Scan(&e[0], &e[1], &e[2], &e[3], &e[4]) })
	if err != nil {
		return nil, err
	}
	for _, e := range ends {
		h.ends[e[0]] = [4]id(e[1:])
	}
	type three [3]id
	decisions, err := all(ctx, v.relmgr, `select d.act_id, d.decision_id, d.handle_id from relmgr.decisions d
		join relmgr.acts a on a.act_id = d.act_id where a.kind = 'publish' and d.handle_id is not null`,
		func(r *sql.Rows, e *three) error { return r.Scan(&e[0], &e[1], &e[2]) })
	if err != nil {
		return nil, err
	}
	for _, d := range decisions {
		h.decisions[d[0]] = append(h.decisions[d[0]], pair{d[1], d[2]})
	}
	return h, nil
}

// checkIndex compares the stored projections with what the acts come to.
func (v *verification) checkIndex(ctx context.Context) error {
	h, err := v.readHistory(ctx)
	if err != nil {
		return err
	}
	want := h.replay()
	if err := v.checkCells(ctx, want); err != nil {
		return err
	}
	type edge [5]id
	edges, err := all(ctx, v.relmgr, "select act_id, handle_a, handle_b, decision_a, decision_b from relmgr.correlations order by act_id",
		func(r *sql.Rows, e *edge) error { return r.Scan(&e[0], &e[1], &e[2], &e[3], &e[4]) })
	if err != nil {
		return err
	}
	for _, e := range edges {
		place := "correlation of act " + e[0].String()
		switch made, ok := want.correlations[e[0]]; {
		case !ok:
			err = v.found(place, "the acts do not come to it")
		case made != fmt.Sprint([4]id(e[1:])):
			err = v.found(place, "it joins others, or rests on other decisions, than its act says")
		}
		if err != nil {
			return err
		}
		delete(want.correlations, e[0])
	}
	for a := range want.correlations {
		if err := v.found("correlation of act "+a.String(), "the acts come to it, and it is not there"); err != nil {
			return err
		}
	}
	for _, p := range []struct {
		what, query string
		want        map[string]bool
	}{
		{"keep-apart", "select act_id, least(handle_a, handle_b), greatest(handle_a, handle_b) from relmgr.keep_aparts order by act_id", want.keepAparts},
		{"dispute", "select act_id, handle_id, null from relmgr.disputes order by act_id", want.disputes},
	} {
		type row struct {
			act, a id
			b      *id
		}
		rows, err := all(ctx, v.relmgr, p.query, func(r *sql.Rows, to *row) error { return r.Scan(&to.act, &to.a, &to.b) })
		if err != nil {
			return err
		}
		for _, r := range rows {
			key := fmt.Sprint(r.act, r.a)
			if r.b != nil {
				key = fmt.Sprint(r.act, pair{r.a, *r.b})
			}
			if !p.want[key] {
				if err := v.found(p.what+" of act "+r.act.String(), "the acts do not come to it"); err != nil {
					return err
				}
			}
			delete(p.want, key)
		}
		for key := range p.want {
			if err := v.found(p.what+" of act "+key[:36], "the acts come to it, and it is not there"); err != nil {
				return err
			}
		}
	}
	if err := v.checkAttachments(ctx, h, want); err != nil {
		return err
	}
	if err := v.checkTies(ctx, h, want); err != nil {
		return err
	}
	if err := v.checkRows(ctx, want.joins); err != nil {
		return err
	}
	return v.checkDuplicates(ctx)
}

// checkDuplicates: they are the handles that share a row with another of their column.
func (v *verification) checkDuplicates(ctx context.Context) error {
	wrong, err := all(ctx, v.relmgr, `with twice as (
		  select row_id, handle_id, column_id from (select *, count(*) over (partition by row_id, column_id) as n from relmgr.handles) h where n > 1),
		noted as (select row_id, handle_id, column_id from relmgr.duplicates)
		select handle_id from ((table twice except table noted) union (table noted except table twice)) x order by 1`,
		func(r *sql.Rows, h *id) error { return r.Scan(h) })
	if err != nil {
		return err
	}
	for _, h := range wrong {
		if err := v.found("duplicate "+h.String(), "the rows do not come to it, or they do and it is not there"); err != nil {
			return err
		}
	}
	return nil
}

// checkAttachments: an anchor is attached by an act, and finds its handle while one
// is in effect. Those of a handle whose data was destroyed are gone with it.
func (v *verification) checkAttachments(ctx context.Context, h *history, want index) error {
	destroyed, err := all(ctx, v.relmgr, `select handle_id from relmgr.handles where sealed = ''`, func(r *sql.Rows, h *id) error { return r.Scan(h) })
	if err != nil {
		return err
	}
	erased := map[id]bool{}
	for _, handle := range destroyed {
		erased[handle] = true
	}
	type attachment struct {
		act, anchor id
		handle      *id
		live        bool
	}
	rows, err := all(ctx, v.relmgr, `select t.act_id, t.anchor_id, a.handle_id, t.live from relmgr.attachments t
		left join relmgr.anchors a on a.anchor_id = t.anchor_id order by t.act_id`,
		func(r *sql.Rows, t *attachment) error { return r.Scan(&t.act, &t.anchor, &t.handle, &t.live) })
	if err != nil {
		return err
	}
	there := map[id]bool{}
	for _, t := range rows {
		there[t.act] = true
		handle, live := want.attachments[t.act]
		place := "attachment of act " + t.act.String()
		switch {
		case h.acts[t.act].kind != "attach-anchor":
			err = v.found(place, "no act made it")
		case t.handle == nil:
			err = v.found(place, "its anchor is gone")
		case live != t.live:
			err = v.found(place, "the acts come to the opposite")
		case live && handle != *t.handle:
			err = v.found(place, "its anchor is another handle's than its act says")
		case erased[*t.handle]:
			err = v.found(place, "its handle was erased, and its anchor was not")
		}
		if err != nil {
			return err
		}
	}
	for _, a := range h.acts {
		if a.kind != "attach-anchor" || there[a.id] || len(h.handles[a.id]) == 1 && erased[h.handles[a.id][0]] {
			continue
		}
		if err := v.found("attachment of act "+a.id.String(), "the act made it, and it is not there"); err != nil {
			return err
		}
	}
	bare, err := all(ctx, v.relmgr, `select a.anchor_id from relmgr.anchors a
		where not exists (select from relmgr.attachments t where t.anchor_id = a.anchor_id) order by 1`,
		func(r *sql.Rows, a *id) error { return r.Scan(a) })
	if err != nil {
		return err
	}
	for _, a := range bare {
		if err := v.found("anchor "+a.String(), "no act attaches it"); err != nil {
			return err
		}
	}
	// Whoever took a used recognition out could use it again: a record has each.
	unused, err := all(ctx, v.relmgr, `select r.record_id from (select u.record_id from relmgr.recognitions_used u union all select p.enquiry_id from relmgr.peer_requests p) r
		where not exists (select from relmgr.acts a where a.act_id = r.record_id)
		  and not exists (select from relmgr.enquiries e where e.enquiry_id = r.record_id) order by 1`,
		func(r *sql.Rows, u *id) error { return r.Scan(u) })
	if err != nil {
		return err
	}
	for _, u := range unused {
		if err := v.found("recognition used in "+u.String(), "no record has it"); err != nil {
			return err
		}
	}
	return nil
}

func (v *verification) checkCells(ctx context.Context, want index) error {
	// A cell ends with what its handle names: with all of a closed column by one act,
	// or by itself.
	type end struct {
		handle                      id
		gone, found, closed, erased bool
	}
	handles, err := all(ctx, v.relmgr, `select * from (select h.handle_id, h.wrapped_by = '' and h.wrapped_key = '' and h.sealed = '' as gone, coalesce(h.token, h.token_b) is not null as found,
		exists (select from relmgr.destructions d where d.column_id = h.column_id) as closed,
		exists (select from relmgr.erasures z where z.handle_id = h.handle_id and z.keeps is distinct from 'everything') as erased
		from relmgr.handles h) h where gone or erased order by 1`, func(r *sql.Rows, e *end) error { return r.Scan(&e.handle, &e.gone, &e.found, &e.closed, &e.erased) })
	if err != nil {
		return err
	}
	for _, h := range handles {
		place := "handle " + h.handle.String()
		switch {
		case h.erased && (!h.gone || h.found):
			err = v.found(place, "an act erased it, and what it was called is still there")
		case !h.erased && !h.closed:
			err = v.found(place, "what it was called is gone, and no act erased it")
		}
		if err != nil {
			return err
		}
		delete(want.cells, h.handle)
	}
	type cell struct {
		handle, act, decision id
		role                  string
		column                bool
	}
	cells, err := open(ctx, v.relmgr, "cells", `select c.handle_id, c.act_id, c.decision_id, c.role, coalesce(c.column_id = h.column_id, false)
		from relmgr.cells c left join relmgr.handles h on h.handle_id = c.handle_id order by c.handle_id`,
		func(r *sql.Rows, c *cell) error { return r.Scan(&c.handle, &c.act, &c.decision, &c.role, &c.column) })
	if err != nil {
		return err
	}
	for {
		c, err := cells.take(ctx)
		if err != nil {
			return err
		}
		if c == nil {
			break
		}
		place := "cell of handle " + c.handle.String()
		switch made, ok := want.cells[c.handle]; {
		case !ok:
			err = v.found(place, "the acts do not come to it")
		case made != fmt.Sprint(c.act, c.decision, c.role):
			err = v.found(place, "it rests on another act, decision or role than the acts come to")
		case !c.column:
			err = v.found(place, "it stands in another column than its handle")
		}
		if err != nil {
			return err
		}
		delete(want.cells, c.handle)
	}
	for handle := range want.cells {
		if err := v.found("cell of handle "+handle.String(), "the acts come to it, and it is not there"); err != nil {
			return err
		}
	}
	return nil
}

// checkRows: two handles are on one row exactly when correlations join them.
func (v *verification) checkRows(ctx context.Context, joins []pair) error {
	root := map[id]id{} // of handles that are joined to another
	var find func(id) id
	find = func(h id) id {
		up, ok := root[h]
		if !ok || up == h {
			return h
		}
		root[h] = find(up)
		return root[h]
	}
	for _, j := range joins {
		if a, b := find(j.a), find(j.b); a != b {
			root[a], root[b] = b, b
		}
	}
	handles, err := open(ctx, v.relmgr, "handles", "select handle_id, row_id from relmgr.handles order by handle_id",
		func(r *sql.Rows, p *pair) error { return r.Scan(&p.a, &p.b) })
	if err != nil {
		return err
	}
	rowOf, componentOf := map[id]id{}, map[id]id{} // by component, by row
	for {
		h, err := handles.take(ctx)
		if err != nil || h == nil {
			return err
		}
		v.Handles++
		component := find(h.a)
		place := "handle " + h.a.String()
		if row, ok := rowOf[component]; ok && row != h.b {
			err = v.found(place, "it is on another row than a handle that correlations join it to")
		} else if other, ok := componentOf[h.b]; ok && other != component {
			err = v.found(place, "it is on one row with a handle that no correlations join it to")
		}
		if err != nil {
			return err
		}
		rowOf[component], componentOf[h.b] = h.b, component
	}
}
