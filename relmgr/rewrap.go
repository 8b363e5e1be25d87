package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// The key that wraps the keys of contents rotates too, so that a backup of before
// an erasure opens nothing once the old key is destroyed. What is wrapped says by
// which epoch, so that readers need to hear of nothing. Writers look every few
// seconds which is the newest; one that has not heard writes by the old one, which
// still opens. No lock keeps it from that, for every enquiry would take it: the old key
// is destroyed only when nothing is left under it, and not before everybody who
// could still be writing by it has been answered.

// hearRecords is how often a process looks for a newer epoch; forgetRecords is
// longer than that and the longest request together.
const (
	hearRecords   = 5 * time.Second
	forgetRecords = time.Minute
)

// leafOf seals and commits to a record, under the newest key that this process knows
// of.
func (s *Service) leafOf(ctx context.Context, id [16]byte, record any) (leaf.Leaf, error) {
	l, err := leaf.Of(ctx, s.keys.keys, seal.RecordKey(recordsKey, int(s.keys.records.Load())), id, record)
	if errors.Is(err, seal.ErrNoKey) { // destroyed since this process looked
		if err := s.keys.hear(ctx); err != nil {
			return leaf.Leaf{}, err
		}
		return leaf.Of(ctx, s.keys.keys, seal.RecordKey(recordsKey, int(s.keys.records.Load())), id, record)
	}
	return l, err
}

// hear looks which epoch contents are wrapped by, and has its key at hand.
func (k *keyring) hear(ctx context.Context) error {
	epoch, err := k.q.FindRecordEpoch(ctx, k.db)
	if err != nil {
		return pg.Fault(err)
	}
	if k.records.Load() == epoch {
		return nil
	}
	if err := k.ensure(ctx, seal.RecordKey(recordsKey, int(epoch)), seal.KindWrap); err != nil {
		return err
	}
	k.records.Store(epoch)
	return nil
}

// Listen hears of newer keys for contents until ctx ends. Each process of the duty
// runs it. While the database is away it goes on with what it knows.
func (s *Service) Listen(ctx context.Context) {
	tick := time.NewTicker(hearRecords)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = s.keys.hear(ctx)
		}
	}
}

// RewrapRecords brings the index's records to their next key and wraps the key of
// every content with it, or carries on what was begun. The old key is retired.
func (s *Service) RewrapRecords(ctx context.Context, tell Progress) (err error) {
	defer fault.Wrap(&err, "relmgr.RewrapRecords")
	epoch, err := s.q.FindRecordEpoch(ctx, s.db)
	if err != nil {
		return pg.Fault(err)
	}
	left := func() (int, error) {
		n, err := s.q.CountRecords(ctx, s.db, relmgrdb.CountRecordsParams{Prefix: seal.RecordPrefix(int(epoch))})
		return int(n), pg.Fault(err)
	}
	old, err := s.earlierRecordKeys(ctx, epoch)
	if err != nil {
		return err
	}
	n, err := left()
	if err != nil {
		return err
	}
	if n == 0 && len(old) == 0 {
		tell("begin", 0, 1)
		old = []seal.KeyID{seal.RecordKey(recordsKey, int(epoch))}
		epoch++
		if err := s.keys.ensure(ctx, seal.RecordKey(recordsKey, int(epoch)), seal.KindWrap); err != nil {
			return err
		}
		if err := s.q.BeginRecordEpoch(ctx, s.db, relmgrdb.BeginRecordEpochParams{Epoch: epoch, BegunAt: s.stamp()}); err != nil {
			return pg.Fault(err)
		}
	}
	if err := s.keys.hear(ctx); err != nil {
		return err
	}
	err = s.passes(ctx, "rewrap", left, tell, func(tx *sql.Tx, after ident.HandleID) (ident.HandleID, int, error) {
		rows, err := s.q.ListRecordsToRewrap(ctx, tx, relmgrdb.ListRecordsToRewrapParams{
			Prefix: seal.RecordPrefix(int(epoch)), FromStart: after.IsZero(), AfterRecord: ident.UntypedID(after), PageSize: batchOfKeys,
		})
		if err != nil || len(rows) == 0 {
			return after, 0, pg.Fault(err)
		}
		var p relmgrdb.RewrapRecordsParams
		for _, r := range rows {
			wrapped, err := seal.RewrapRecord(ctx, s.keys.keys, recordsKey, int(epoch), r.RecordID, r.Wrapped)
			if err != nil {
				return after, 0, err
			}
			p.RecordIds, p.Wrapped = append(p.RecordIds, r.RecordID.String()), append(p.Wrapped, wrapped)
		}
		return ident.HandleID(rows[len(rows)-1].RecordID), len(rows), pg.Fault(s.q.RewrapRecords(ctx, tx, p))
	})
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := s.retire(ctx, id, false); err != nil {
			return err
		}
	}
	return nil
}

// recordEpochOf is the epoch of a key of records, zero for another key.
func recordEpochOf(id seal.KeyID) int {
	rest, ours := strings.CutPrefix(string(id), string(recordsKey))
	if ours && rest == "" {
		return 1
	}
	n, err := strconv.Atoi(strings.TrimPrefix(rest, "/"))
	if !ours || err != nil {
		return 0
	}
	return n
}

// earlierRecordKeys are the keys of records before an epoch that are not retired.
func (s *Service) earlierRecordKeys(ctx context.Context, before int32) (out []seal.KeyID, err error) {
	keys, err := s.q.ListKeys(ctx, s.db)
	for _, k := range keys {
		if n := recordEpochOf(seal.KeyID(k.KeyID)); n > 0 && n < int(before) && !k.Retired {
			out = append(out, seal.KeyID(k.KeyID))
		}
	}
	return out, pg.Fault(err)
}

// givenUp refuses to destroy a key of records that something is still wrapped by, or
// that somebody may still be writing by.
func (s *Service) givenUp(ctx context.Context, k Key) error {
	if s.stamp().Before(k.RetiredAt.Add(forgetRecords)) {
		return fault.New(fault.Conflict, "%s was in use until a moment ago: destroy it in a minute", k.ID)
	}
	n, err := s.q.CountRecords(ctx, s.db, relmgrdb.CountRecordsParams{Prefix: seal.RecordPrefix(recordEpochOf(k.ID)), Same: true})
	if err != nil {
		return pg.Fault(err)
	} else if n > 0 {
		return fault.New(fault.Conflict, "%s still wraps the keys of %d records: rewrap them first with fame keys records", k.ID, n)
	}
	return nil
}
