package pg

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/fame-hub/fame/internal/fault"
)

// ErrRetry is what the closure of InTx returns when something that it read
// before it took its locks has changed since: everything is rolled back and
// the closure runs again.
var ErrRetry = errors.New("what was read before locking has changed")

// attempts is how often InTx runs its closure before it gives up; firstPause
// and longestPause bound the jittered wait between two of them.
const (
	attempts     = 8
	firstPause   = 4 * time.Millisecond
	longestPause = 250 * time.Millisecond
)

// retryAfter is what a caller is told to wait when the database is busy or away.
const retryAfter = time.Second

// InTx runs fn inside one READ COMMITTED transaction of db, which Open made,
// and commits when fn returns nil.
//
// The closure may run more than once: after a serialisation failure (40001),
// a deadlock (40P01) or ErrRetry everything is rolled back and fn runs again,
// eight times at most, so fn must change nothing but the database and must
// start each run from nothing. A fn that hides a failed statement and returns
// nil gets an Internal error, for nothing was stored.
//
// What fn returns comes back as Fault gives it; a fault stays as it is. When
// the eight runs are over, or the database goes away, the error is
// Unavailable. When it goes away during the commit itself nobody knows whether
// the change was stored; the detail says so, and the closure is not run again.
func InTx(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) error {
	var err error
	pause := firstPause
	for attempt := range attempts {
		if attempt > 0 {
			if wait(ctx, rand.N(pause)+time.Millisecond) != nil {
				return Fault(ctx.Err())
			}
			pause = min(2*pause, longestPause)
		}
		if err = once(ctx, db, fn); !retriable(err) {
			return Fault(err)
		}
	}
	return busy().Because(bare(err))
}

// once runs fn in one transaction. A rollback that fails changes nothing: the
// server forgets what is not committed.
func once(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing; after a panic it must
	if err := fn(tx); err != nil {
		return err
	}
	err = tx.Commit()
	if err != nil && lost(err) {
		unknown := fault.New(fault.Unavailable,
			"the database went away while this was being stored: look whether it was before trying again")
		unknown.RetryAfter = retryAfter
		return unknown.Because(bare(err))
	}
	return err
}

func retriable(err error) bool {
	if errors.Is(err, ErrRetry) {
		return true
	}
	c := sqlState(err)
	return c == serialisationFailure || c == deadlockDetected
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
