package consent

import (
	"context"
	"database/sql"
	"errors"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
)

// ending is how one kind of thing that a person said ends: what is the same for
// a consent, an exclusion and a block stands in end.
type ending struct {
	kind    string // of the act
	unknown error  // for an id that names nothing, or nothing that the caller may know of
	// find puts what is to end into the record, or returns sql.ErrNoRows.
	find func(tx *sql.Tx, r *record) error
	// first returns the receipt of the end that it has, or sql.ErrNoRows.
	first func(ctx context.Context, tx *sql.Tx) (Receipt, error)
	// insert stores the end unless there is one: then it inserts no row.
	insert func(ctx context.Context, tx *sql.Tx, r *record) (int64, error)
}

// end ends it at once. It is as easy as saying it was: whoever may publish at
// the agency that recorded it, with evidence and nothing more (PUB-12).
//
// Everything ends once. Asking again, or twice at once, is no error and makes no
// second act: every caller gets the receipt of the first.
func (s *Service) end(ctx context.Context, caller decide.Caller, evidence Evidence, e ending) (receipt Receipt, err error) {
	at := s.now()
	role, err := mayPublish(caller, at)
	if err != nil {
		return Receipt{}, err
	}
	var c checks
	c.evidence(evidence)
	if err := c.fault(); err != nil {
		return Receipt{}, err
	}
	r := begin(e.kind, caller, role, at)
	r.Evidence = evidence
	return s.finish(ctx, r, e)
}

// finish ends it by an act that has been begun.
func (s *Service) finish(ctx context.Context, begun record, e ending) (receipt Receipt, err error) {
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		r := begun // the closure may run again
		if err := e.find(tx, &r); errors.Is(err, sql.ErrNoRows) {
			return e.unknown
		} else if err != nil {
			return err
		}
		if receipt, err = e.first(ctx, tx); !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if receipt, err = s.append(ctx, tx, &r); err != nil {
			return err
		}
		n, err := e.insert(ctx, tx, &r)
		return firstOnly(n, err)
	})
	return receipt, err
}

// firstOnly turns an insertion that found another there into a rerun: the act
// of this one is rolled back, and the rerun reads the first one's receipt.
func firstOnly(inserted int64, err error) error {
	if err == nil && inserted == 0 {
		return pg.ErrRetry
	}
	return err
}

// unknown is the one answer for an id that names nothing and for one that the
// caller may not know of.
func unknown(what string) error {
	return fault.New(fault.NotKnown, "no %s that your agency recorded has this id: use the id of its receipt", what)
}
