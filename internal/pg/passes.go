package pg

import (
	"context"
	"database/sql"
	"time"
)

// Batch changes some of what is left, those after an id, in one transaction, and returns
// the last of them and how many they were.
type Batch[ID any] func(tx *sql.Tx, after ID) (last ID, n int, err error)

// Passes runs batches, each to its end, until left counts nothing any more: a batch leaves
// out what others hold just now, so there may be several passes. tell is told how far it is.
func Passes[ID any](ctx context.Context, db *sql.DB, left func() (int, error), tell func(done, of int), batches ...Batch[ID]) error {
	total, err := left()
	if err != nil {
		return err
	}
	for n := total; n > 0; {
		tell(max(total-n, 0), total)
		done := total - n
		for _, batch := range batches {
			var after ID
			for some := true; some; {
				err := InTx(ctx, db, func(tx *sql.Tx) error {
					last, count, err := batch(tx, after)
					if some = count > 0; err == nil && some {
						after, done = last, done+count
					}
					return err
				})
				if err != nil {
					return err
				}
				tell(min(max(done, 0), total), total)
			}
		}
		if n, err = left(); err != nil {
			return err
		}
		if n > 0 {
			select {
			case <-ctx.Done():
				return Fault(ctx.Err())
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	tell(total, total)
	return nil
}
