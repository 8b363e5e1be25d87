package verify

import (
	"context"
	"database/sql"
)

// checkTies: a tie is its act's, and live while that is in effect; one that is over has no
// reference any more, and those of a handle whose data was erased are gone with it.
func (v *verification) checkTies(ctx context.Context, h *history, want index) error {
	type tie struct {
		act                      id
		live, referred, orphaned bool
	}
	ties, err := all(ctx, v.relmgr, `select coalesce(t.act_id, r.act_id), coalesce(t.live, false), r.act_id is not null, t.act_id is null
		from relmgr.ties t full join relmgr.tie_references r on r.act_id = t.act_id order by 1`,
		func(r *sql.Rows, t *tie) error { return r.Scan(&t.act, &t.live, &t.referred, &t.orphaned) })
	if err != nil {
		return err
	}
	there := map[id]bool{}
	for _, t := range ties {
		there[t.act] = true
		place := "tie of act " + t.act.String()
		switch {
		case t.orphaned || h.acts[t.act].kind != "tie":
			err = v.found(place, "no act made it")
		case t.live != want.ties[t.act]:
			err = v.found(place, "the acts come to the opposite")
		case t.referred && !t.live:
			err = v.found(place, "it is over, and its reference is still there")
		}
		if err != nil {
			return err
		}
	}
	erased, err := all(ctx, v.relmgr, `select handle_id from relmgr.erasures where keeps is distinct from 'everything'`, func(r *sql.Rows, h *id) error { return r.Scan(h) })
	if err != nil {
		return err
	}
	gone := map[id]bool{}
	for _, handle := range erased {
		gone[handle] = true
	}
	for _, a := range h.acts {
		if a.kind != "tie" || there[a.id] || len(h.handles[a.id]) == 1 && gone[h.handles[a.id][0]] {
			continue
		}
		if err := v.found("tie of act "+a.id.String(), "the act made it, and it is not there"); err != nil {
			return err
		}
	}
	return nil
}
