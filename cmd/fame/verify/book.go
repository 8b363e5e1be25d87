package verify

import (
	"context"
	"database/sql"
)

// checkBook names what went between hubs, by its own account, after the book was begun, and
// is in no line of it.
func (v *verification) checkBook(ctx context.Context) error {
	loose, err := all(ctx, v.federation, `select e.exchange_id from federation.exchanges e
		where e.record_id is null and e.at >= (select min(b.at) from federation.book b) order by 1`,
		func(r *sql.Rows, e *id) error { return r.Scan(e) })
	if err != nil {
		return err
	}
	for _, e := range loose {
		if err := v.found("exchange "+e.String(), "no line of the book has it"); err != nil {
			return err
		}
	}
	return nil
}
