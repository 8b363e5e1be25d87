package relmgr

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// epoch of the keys in use; rotation adds the next beside it.
const epoch = 1

// keyring makes keys when they are first used and remembers in the database
// which they were: a token made with another key would give a person a second
// handle, so a key file that differs is refused.
type keyring struct {
	keys seal.Provider
	db   *sql.DB
	q    *relmgrdb.Queries
	good sync.Map // seal.KeyID → struct{}: confirmed against the database
}

// confirmAll checks every key that this database was filled with.
func (k *keyring) confirmAll(ctx context.Context) error {
	checks, err := k.q.ListKeyChecks(ctx, k.db)
	if err != nil {
		return pg.Fault(err)
	}
	for _, c := range checks {
		if err := seal.Confirm(ctx, k.keys, seal.KeyID(c.KeyID), c.CheckValue); err != nil {
			return fmt.Errorf("relmgr: key %s: %w", c.KeyID, err)
		}
		k.good.Store(seal.KeyID(c.KeyID), struct{}{})
	}
	return nil
}

// ensure makes the key if this database has never used it. Two processes that
// race end with one key and one check value.
func (k *keyring) ensure(ctx context.Context, id seal.KeyID, kind seal.KeyKind) error {
	if _, ok := k.good.Load(id); ok {
		return nil
	}
	known, err := k.q.FindKeyCheck(ctx, k.db, string(id))
	if errors.Is(err, sql.ErrNoRows) {
		check, _, err := k.keys.Ensure(ctx, id, kind)
		if err != nil {
			return fmt.Errorf("relmgr: key %s: %w", id, err)
		}
		if err := k.q.KeepKeyCheck(ctx, k.db, relmgrdb.KeepKeyCheckParams{KeyID: string(id), CheckValue: check}); err != nil {
			return pg.Fault(err)
		}
		known, err = k.q.FindKeyCheck(ctx, k.db, string(id))
		if err != nil {
			return pg.Fault(err)
		}
		if !bytes.Equal(known, check) {
			return fmt.Errorf("relmgr: key %s: %w", id, seal.ErrKeyChanged)
		}
	} else if err != nil {
		return pg.Fault(err)
	} else if err := seal.Confirm(ctx, k.keys, id, known); err != nil {
		return fmt.Errorf("relmgr: key %s: %w", id, err)
	}
	k.good.Store(id, struct{}{})
	return nil
}

// token is the look-up value of an identifier in its column.
func (k *keyring) token(ctx context.Context, column ident.Column, identifier string) ([]byte, error) {
	id := seal.ColumnKey(column, epoch)
	if err := k.ensure(ctx, id, seal.KindMAC); err != nil {
		return nil, err
	}
	sum, err := seal.Token(ctx, k.keys, id, column, identifier)
	if err != nil {
		return nil, fmt.Errorf("relmgr: token: %w", err)
	}
	return sum[:], nil
}

// newHandle seals an identifier for a handle that may turn out to be new. The
// sealed value opens with the controlling agency's key only (DCP-10).
func (k *keyring) newHandle(ctx context.Context, c *decide.Column, token []byte, identifier string) (relmgrdb.KeepHandleParams, error) {
	p := relmgrdb.KeepHandleParams{HandleID: ident.NewHandle(), ColumnID: c.ID, Token: token, RowID: ident.NewRow()}
	h, err := k.sealFor(ctx, c, p.HandleID, identifier)
	p.Sealed, p.WrappedKey, p.WrappedBy = h.sealed, h.wrappedKey, h.wrappedBy
	return p, err
}

// sealFor seals an identifier for its handle under a new data key, wrapped by the
// key of the agency that controls the column.
func (k *keyring) sealFor(ctx context.Context, c *decide.Column, handle ident.HandleID, identifier string) (sealed, error) {
	wrapper := seal.AgencyKey(c.Agency, epoch)
	h := sealed{handle: handle, wrappedBy: string(wrapper)}
	if err := k.ensure(ctx, wrapper, seal.KindWrap); err != nil {
		return h, err
	}
	dek, aad := seal.NewDEK(), handle[:]
	var err error
	if h.sealed, err = seal.Seal(dek, aad, []byte(identifier)); err != nil {
		return h, fmt.Errorf("relmgr: seal: %w", err)
	}
	if h.wrappedKey, err = k.keys.Wrap(ctx, wrapper, aad, dek); err != nil {
		return h, fmt.Errorf("relmgr: wrap: %w", err)
	}
	return h, nil
}

// mac is a keyed hash for what must be found again but not read.
func (k *keyring) mac(ctx context.Context, id seal.KeyID, text string) ([]byte, error) {
	sum, err := k.keys.MAC(ctx, id, []byte(text))
	if err != nil {
		return nil, fmt.Errorf("relmgr: mac: %w", err)
	}
	return sum[:], nil
}

// Reveal opens the identifier of a handle for a member of its column, with the
// key of the agency that controls the column and no other (DCP-10, DCP-11).
func (s *Service) Reveal(ctx context.Context, who decide.Caller, handle ident.HandleID) (_ string, err error) {
	defer fault.Wrap(&err, "relmgr.Reveal")
	h, err := s.q.FindSealed(ctx, s.db, handle)
	if errors.Is(err, sql.ErrNoRows) {
		return "", unknownHandle()
	} else if err != nil {
		return "", pg.Fault(err)
	}
	c, err := s.column(who, h.ColumnID, s.stamp())
	if err != nil {
		return "", unknownHandle()
	}
	text, err := s.keys.open(ctx, c, sealed{handle, h.Sealed, h.WrappedKey, h.WrappedBy})
	return string(text), err
}

// sealed is a handle's identifier as it is stored.
type sealed struct {
	handle     ident.HandleID
	sealed     []byte
	wrappedKey []byte
	wrappedBy  string
}

// open reads the identifier of a handle of the column. Whoever calls it has
// checked that the caller may act for the column.
func (k *keyring) open(ctx context.Context, c *decide.Column, h sealed) (Identifier, error) {
	wrapper := seal.AgencyKey(c.Agency, epoch)
	if string(wrapper) != h.wrappedBy {
		return "", fmt.Errorf("relmgr: a handle of column %s is wrapped by another agency's key", c.ID)
	}
	dek, err := k.keys.Unwrap(ctx, wrapper, h.handle[:], h.wrappedKey)
	if err != nil {
		return "", fmt.Errorf("relmgr: unwrap: %w", err)
	}
	text, err := seal.Open(dek, h.handle[:], h.sealed)
	return Identifier(text), err
}

func unknownHandle() error {
	return fault.New(fault.NotKnown, "no handle of yours has that id: ask POST /relmgr/v1/handles for it")
}
