package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Keys rotate on a running hub (DCP-10, design.md section 9). What happens here
// is the hub's upkeep, done by whoever runs it with the duty's key file: it
// changes under which key something stands, and nothing of what anybody decided.
// Each step is one transaction, so whoever is killed in any of them, or meets
// another at the same, is carried on by whoever comes next.
//
// A column's tokens. An epoch begins: from the commit on every writer stores a
// token of the old epoch and one of the new in the same row, and the two unique
// indexes hold any two writers to one handle. Handles of before are filled. When
// none is left, look-ups switch to the new epoch and writers store it alone; the
// old tokens are taken out and their key is retired. A process that has not
// heard reads the epoch with each row it reads, and starts over; what it tries to
// store is refused by a trigger, and tried anew.
//
// An agency's wrapping key. New handles are wrapped by the newest key, the data
// keys of all others are wrapped anew by it, and the old key is retired.
//
// A retired key is destroyed when the backups that need it are gone.

// batchOfKeys is how many handles one transaction of a rotation changes: they
// are locked while it runs.
const batchOfKeys = 256

// Progress is told how far a rotation is.
type Progress func(step string, done, of int)

// RotateTokens brings a column to its next token key, or carries on a rotation
// that was begun. Enquiries and publications go on meanwhile. It needs the keys of
// every agency that controls the column's handles. The old key is retired.
func (s *Service) RotateTokens(ctx context.Context, column ident.Column, tell Progress) (err error) {
	defer fault.Wrap(&err, "relmgr.RotateTokens")
	e, err := s.q.FindEpochs(ctx, s.db, relmgrdb.FindEpochsParams{ColumnID: column})
	if err != nil {
		return pg.Fault(err)
	}
	target := e.Writing
	if retired, err := s.retired(ctx, seal.ColumnKey(column, int(e.Reading)-1)); err != nil {
		return err
	} else if e.Reading == e.Writing && (e.Reading == 1 || retired) {
		target++
	}
	if _, err := s.q.FindKeyCheck(ctx, s.db, string(seal.ColumnKey(column, int(e.Reading)))); errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.Invalid, "column %s has no key yet: there is nothing to rotate, or its name is another", column)
	} else if err != nil {
		return pg.Fault(err)
	}
	for {
		if e, err = s.q.FindEpochs(ctx, s.db, relmgrdb.FindEpochsParams{ColumnID: column}); err != nil {
			return pg.Fault(err)
		}
		switch {
		case e.Writing < target:
			tell("begin", 0, 1)
			err = s.beginTokens(ctx, column, e.Reading)
		case e.Reading < target:
			err = s.fillTokens(ctx, column, target, tell)
		default:
			return s.emptySlot(ctx, column, target, tell)
		}
		if err != nil {
			return err
		}
	}
}

// beginTokens has every writer store tokens of the next epoch too.
func (s *Service) beginTokens(ctx context.Context, column ident.Column, reading int32) error {
	if err := s.keys.ensure(ctx, seal.ColumnKey(column, int(reading)+1), seal.KindMAC); err != nil {
		return err
	}
	return s.changeEpochs(ctx, func(tx *sql.Tx) error {
		return s.q.BeginTokenEpoch(ctx, tx, relmgrdb.BeginTokenEpochParams{ColumnID: column, Reading: reading})
	})
}

// changeEpochs changes an epoch while nobody is storing a handle: those who did
// have committed, and those who will see the change.
func (s *Service) changeEpochs(ctx context.Context, change func(*sql.Tx) error) error {
	return pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if err := s.q.WaitBriefly(ctx, tx); err != nil {
			return err
		}
		if err := s.q.LockEpochs(ctx, tx); pg.Busy(err) {
			return pg.ErrRetry
		} else if err != nil {
			return err
		}
		return change(tx)
	})
}

// fillTokens gives every handle of the column its token of the epoch, and then
// has that epoch looked up.
func (s *Service) fillTokens(ctx context.Context, column ident.Column, epoch int32, tell Progress) error {
	key := seal.ColumnKey(column, int(epoch))
	if err := s.keys.ensure(ctx, key, seal.KindMAC); err != nil {
		return err
	}
	left := func() (int, error) {
		n, err := s.q.CountToFill(ctx, s.db, relmgrdb.CountToFillParams{ColumnID: column, Epoch: epoch})
		return int(n), pg.Fault(err)
	}
	err := s.passes(ctx, "fill", left, tell, func(tx *sql.Tx, after ident.HandleID) (ident.HandleID, int, error) {
		rows, err := s.q.ListToFill(ctx, tx, relmgrdb.ListToFillParams{
			ColumnID: column, Epoch: epoch, FromStart: after.IsZero(), AfterHandle: ident.UntypedID(after), PageSize: batchOfKeys,
		})
		if err != nil || len(rows) == 0 {
			return after, 0, pg.Fault(err)
		}
		p := relmgrdb.FillTokensParams{Epoch: epoch}
		for _, r := range rows {
			identifier, err := s.keys.unseal(ctx, sealed{r.HandleID, r.Sealed, r.WrappedKey, r.WrappedBy})
			if errors.Is(err, seal.ErrDestroyed) {
				return after, 0, fault.New(fault.Conflict, "the key of an agency that controls the column has been revoked: what it calls people cannot be read, so its tokens cannot be made anew").Because(err)
			} else if err != nil {
				return after, 0, err
			}
			token, err := seal.Token(ctx, s.keys.keys, key, column, string(identifier))
			if err != nil {
				return after, 0, err
			}
			p.HandleIds, p.Tokens = append(p.HandleIds, r.HandleID.String()), append(p.Tokens, token[:])
		}
		return rows[len(rows)-1].HandleID, len(rows), pg.Fault(s.q.FillTokens(ctx, tx, p))
	})
	if err != nil {
		return err
	}
	// None is left, and none can come: whoever stored one without this epoch had
	// committed before the epoch began.
	return s.changeEpochs(ctx, func(tx *sql.Tx) error {
		return s.q.SwitchTokenEpoch(ctx, tx, relmgrdb.SwitchTokenEpochParams{ColumnID: column, Reading: epoch - 1})
	})
}

// emptySlot takes the tokens of the epoch before out, and retires their key.
func (s *Service) emptySlot(ctx context.Context, column ident.Column, epoch int32, tell Progress) error {
	left := func() (int, error) {
		n, err := s.q.CountToEmpty(ctx, s.db, relmgrdb.CountToEmptyParams{ColumnID: column, Epoch: epoch})
		return int(n), pg.Fault(err)
	}
	err := s.passes(ctx, "empty", left, tell, func(tx *sql.Tx, after ident.HandleID) (ident.HandleID, int, error) {
		done, err := s.q.EmptySlot(ctx, tx, relmgrdb.EmptySlotParams{
			Epoch: epoch, ColumnID: column, FromStart: after.IsZero(), AfterHandle: ident.UntypedID(after), PageSize: batchOfKeys,
		})
		for _, h := range done { // in no order
			if after.String() < h.String() {
				after = h
			}
		}
		return after, len(done), pg.Fault(err)
	})
	if err != nil {
		return err
	}
	return s.retire(ctx, seal.ColumnKey(column, int(epoch)-1), false)
}

// passes runs batches until nothing is left.
func (s *Service) passes(ctx context.Context, step string, left func() (int, error), tell Progress, batch pg.Batch[ident.HandleID]) error {
	return pg.Passes(ctx, s.db, left, func(done, of int) { tell(step, done, of) }, batch)
}

// Rewrap brings an agency to its next wrapping key and wraps the data key of
// every live handle of its columns with it, or carries on what was begun. The old
// key is retired.
func (s *Service) Rewrap(ctx context.Context, agency ident.Agency, tell Progress) (err error) {
	defer fault.Wrap(&err, "relmgr.Rewrap")
	e, err := s.q.FindEpochs(ctx, s.db, relmgrdb.FindEpochsParams{AgencyID: agency})
	if err != nil {
		return pg.Fault(err)
	}
	old, err := s.wrappers(ctx, agency, e.Wrapping)
	if err != nil {
		return err
	}
	if len(old) == 0 {
		if _, err := s.q.FindKeyCheck(ctx, s.db, string(seal.AgencyKey(agency, int(e.Wrapping)))); errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.Invalid, "agency %s has no key yet: there is nothing to rewrap, or its name is another", agency)
		} else if err != nil {
			return pg.Fault(err)
		}
		tell("begin", 0, 1)
		if err := s.keys.ensure(ctx, seal.AgencyKey(agency, int(e.Wrapping)+1), seal.KindWrap); err != nil {
			return err
		}
		if err := s.changeEpochs(ctx, func(tx *sql.Tx) error {
			return s.q.BeginWrappingEpoch(ctx, tx, relmgrdb.BeginWrappingEpochParams{AgencyID: agency, Epoch: e.Wrapping})
		}); err != nil {
			return err
		}
		if old, err = s.wrappers(ctx, agency, e.Wrapping+1); err != nil {
			return err
		}
		e.Wrapping++
	}
	by := seal.AgencyKey(agency, int(e.Wrapping))
	if err := s.keys.ensure(ctx, by, seal.KindWrap); err != nil {
		return err
	}
	left := func() (int, error) {
		n, err := s.q.CountWrapped(ctx, s.db, old)
		return int(n), pg.Fault(err)
	}
	err = s.passes(ctx, "rewrap", left, tell, func(tx *sql.Tx, after ident.HandleID) (ident.HandleID, int, error) {
		rows, err := s.q.ListToRewrap(ctx, tx, relmgrdb.ListToRewrapParams{
			KeyIds: old, FromStart: after.IsZero(), AfterHandle: ident.UntypedID(after), PageSize: batchOfKeys,
		})
		if err != nil || len(rows) == 0 {
			return after, 0, pg.Fault(err)
		}
		p := relmgrdb.RewrapParams{WrappedBy: string(by)}
		for _, r := range rows {
			dek, err := s.keys.keys.Unwrap(ctx, seal.KeyID(r.WrappedBy), r.HandleID[:], r.WrappedKey)
			if err != nil {
				return after, 0, fmt.Errorf("relmgr: unwrap: %w", err)
			}
			wrapped, err := s.keys.keys.Wrap(ctx, by, r.HandleID[:], dek)
			if err != nil {
				return after, 0, fmt.Errorf("relmgr: wrap: %w", err)
			}
			p.HandleIds, p.WrappedKeys = append(p.HandleIds, r.HandleID.String()), append(p.WrappedKeys, wrapped)
		}
		return rows[len(rows)-1].HandleID, len(rows), pg.Fault(s.q.Rewrap(ctx, tx, p))
	})
	if err != nil {
		return err
	}
	for _, id := range old {
		if err := s.retire(ctx, seal.KeyID(id), false); err != nil {
			return err
		}
	}
	return nil
}

// wrappers are the agency's keys before an epoch that are not retired.
func (s *Service) wrappers(ctx context.Context, agency ident.Agency, before int32) ([]string, error) {
	keys, err := s.q.ListKeys(ctx, s.db)
	if err != nil {
		return nil, pg.Fault(err)
	}
	out := []string{}
	for _, k := range keys {
		epoch, ours := strings.CutPrefix(k.KeyID, "agency/"+string(agency)+"/")
		if n, err := strconv.Atoi(epoch); ours && err == nil && n < int(before) && !k.Retired {
			out = append(out, k.KeyID)
		}
	}
	return out, nil
}

// RevokeAgency destroys every key that wraps data keys of an agency, now: what
// its columns call people is unreadable to everybody, for good, also in backups
// without a copy of the keys. Its people are told so when they ask; others
// notice nothing. A later Rewrap gives the agency a new key to begin with again.
func (s *Service) RevokeAgency(ctx context.Context, agency ident.Agency) (err error) {
	defer fault.Wrap(&err, "relmgr.RevokeAgency")
	e, err := s.q.FindEpochs(ctx, s.db, relmgrdb.FindEpochsParams{AgencyID: agency})
	if err != nil {
		return pg.Fault(err)
	}
	keys, err := s.wrappers(ctx, agency, e.Wrapping+1)
	if err != nil {
		return err
	}
	for _, id := range keys {
		if err := s.retire(ctx, seal.KeyID(id), true); err != nil {
			return err
		}
	}
	all, err := s.q.ListKeys(ctx, s.db) // and those that a backup was to have kept
	if err != nil {
		return pg.Fault(err)
	}
	known := false
	for _, k := range all {
		if strings.HasPrefix(k.KeyID, "agency/"+string(agency)+"/") {
			known = true
			if err := s.keys.keys.Destroy(ctx, seal.KeyID(k.KeyID)); err != nil {
				return fmt.Errorf("relmgr: destroy: %w", err)
			}
		}
	}
	if !known {
		return fault.New(fault.Invalid, "agency %s has no key: its name may be another", agency)
	}
	return nil
}

// Key is a key that the database was filled with.
type Key struct {
	ID           seal.KeyID
	Retired      bool // nothing is made with it any more
	Revoked      bool
	RetiredAt    time.Time
	DestroyAfter time.Time // of a retired one
	Destroyed    bool      // the key file no longer has it
}

// Keys lists the duty's keys.
func (s *Service) Keys(ctx context.Context) (out []Key, err error) {
	defer fault.Wrap(&err, "relmgr.Keys")
	rows, err := s.q.ListKeys(ctx, s.db)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		k := Key{
			ID: seal.KeyID(r.KeyID), Retired: r.Retired, Revoked: r.Revoked, RetiredAt: r.RetiredAt.Time.UTC(), DestroyAfter: r.DestroyAfter.Time.UTC(),
		}
		if _, err := s.keys.keys.Check(ctx, k.ID); errors.Is(err, seal.ErrDestroyed) {
			k.Destroyed = true
		} else if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// DestroyRetired destroys the retired keys whose time has come, which completes
// the erasures of what they alone still opened in backups, and returns them. One
// that is named is destroyed before its time. A key that still wraps something is
// left.
func (s *Service) DestroyRetired(ctx context.Context, early ...seal.KeyID) (gone []seal.KeyID, err error) {
	defer fault.Wrap(&err, "relmgr.DestroyRetired")
	keys, err := s.Keys(ctx)
	if err != nil {
		return nil, err
	}
	for _, id := range early {
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.ID == id && k.Retired }) {
			return nil, fault.New(fault.Invalid, "%s is no retired key: rotate first, and list them with fame keys list", id)
		}
	}
	for _, k := range keys {
		if !k.Retired || k.Destroyed || s.stamp().Before(k.DestroyAfter) && !slices.Contains(early, k.ID) {
			continue
		}
		if recordEpochOf(k.ID) > 0 {
			if err := s.givenUp(ctx, k); err != nil {
				return gone, err
			}
		} else if n, err := s.q.CountWrapped(ctx, s.db, []string{string(k.ID)}); err != nil {
			return gone, pg.Fault(err)
		} else if n > 0 && !k.Revoked {
			return gone, fault.New(fault.Conflict, "%s still wraps the keys of %d handles: rewrap first", k.ID, n)
		}
		if err := s.keys.keys.Destroy(ctx, k.ID); err != nil {
			return gone, fmt.Errorf("relmgr: destroy: %w", err)
		}
		gone = append(gone, k.ID)
	}
	return gone, nil
}

// retire has nothing made with a key any more, and has it kept as long as
// backups are; a revoked one is not.
func (s *Service) retire(ctx context.Context, id seal.KeyID, revoked bool) error {
	days, err := s.q.FindBackupDays(ctx, s.db)
	if err != nil {
		return pg.Fault(err)
	}
	p := relmgrdb.RetireKeyParams{KeyID: string(id), RetiredAt: s.stamp(), Revoked: revoked}
	p.DestroyAfter = p.RetiredAt
	if !revoked {
		p.DestroyAfter = p.RetiredAt.AddDate(0, 0, int(days))
	}
	return pg.Fault(s.q.RetireKey(ctx, s.db, p))
}

func (s *Service) retired(ctx context.Context, id seal.KeyID) (bool, error) {
	keys, err := s.q.ListKeys(ctx, s.db)
	return slices.ContainsFunc(keys, func(k relmgrdb.ListKeysRow) bool { return k.KeyID == string(id) && k.Retired }), pg.Fault(err)
}
