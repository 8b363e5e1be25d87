package relmgr

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Once binds what is done next to an idempotency key: the same caller, operation
// and body with the same key make one act however often they are sent, and get
// its receipt. Nothing else is kept: each time is decided afresh on the caller's
// own side, so a replay is refused where the first would be refused now. An
// empty key binds nothing.
func (s *Service) Once(caller ident.Practitioner, operation, key string, body []byte) *Service {
	if key == "" {
		return s
	}
	h := sha256.New()
	for _, part := range [][]byte{[]byte(caller), []byte(operation), []byte(key), body} {
		sum := sha256.Sum256(part)
		h.Write(sum[:])
	}
	bound := *s
	bound.once = h.Sum(nil)
	return &bound
}

// earlier returns the receipt of an earlier act with the same key. Call it when
// the caller's own side has been decided, and before anything of another's is
// looked at: what an earlier request used up must not tell on a replay.
func (s *Service) earlier(ctx context.Context, db relmgrdb.DBTX) (r Receipt, done bool, err error) {
	if s.once == nil {
		return Receipt{}, false, nil
	}
	found, err := s.q.FindReplay(ctx, db, s.once)
	if errors.Is(err, sql.ErrNoRows) {
		return Receipt{}, false, nil
	} else if err != nil {
		return Receipt{}, false, pg.Fault(err)
	}
	return Receipt{Act: found.ReferenceID, Commitment: found.Commitment}, true, nil
}

// orEarlier is how a method ends that may collide with itself: where the same
// request was carried out between the look for an earlier one and what that one
// used up, such as a code, the collision is with its own act.
func (s *Service) orEarlier(ctx context.Context, r Receipt, err error) (Receipt, error) {
	if kind := fault.KindOf(err); err == nil || kind != fault.Conflict && kind != fault.PairingUnusable {
		return r, err
	}
	first, done, lookErr := s.earlier(ctx, s.db)
	if lookErr != nil || !done {
		return Receipt{}, err
	}
	return first, nil
}

// bind keeps the key with its act. When another request with the key was first,
// everything starts over and finds it.
func (s *Service) bind(ctx context.Context, tx *sql.Tx, d *deed) error {
	if s.once == nil || d.Kind == Refuse {
		return nil
	}
	n, err := s.q.RecordReplay(ctx, tx, relmgrdb.RecordReplayParams{KeyHash: s.once, ActID: d.Act})
	if err != nil {
		return pg.Fault(err)
	}
	if n == 0 {
		return pg.ErrRetry
	}
	return nil
}
