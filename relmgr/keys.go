package relmgr

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// keyring makes keys when they are first used and remembers in the database
// which they were: a token made with another key would give a person a second
// handle, so a key file that differs is refused.
type keyring struct {
	keys seal.Provider
	db   *sql.DB
	q    *relmgrdb.Queries
	good sync.Map // seal.KeyID → struct{}: confirmed against the database
	// epochs is what this process last heard of a column's epochs. It may be old:
	// what is read says so, and what is written is refused (relmgr/rotate.go).
	epochs sync.Map // ident.Column → epochs
	// anchorEpoch is the newest of anchors, likewise; zero is not known.
	anchorEpoch atomic.Int32
	// records is the epoch of the key that this process wraps contents by.
	records atomic.Int32
}

// epochs says which keys serve a column: its tokens are looked up by one epoch
// and written in all up to another, and new data keys are wrapped in a third.
type epochs struct {
	agency                     ident.Agency
	reading, writing, wrapping int32
}

// tokens are the look-up values of an identifier in the epochs of its column:
// odd ones in a, even ones in b. They are of no use once another epoch is read.
type tokens struct {
	a, b    []byte
	reading int32
	writing int32
}

// read is the one that is looked up.
func (t tokens) read() []byte {
	if t.reading%2 == 1 {
		return t.a
	}
	return t.b
}

// finds reports whether a handle with the two slots is found by the tokens.
func (t tokens) finds(a, b []byte) bool {
	return t.a != nil && bytes.Equal(t.a, a) || t.b != nil && bytes.Equal(t.b, b)
}

// outdated reports whether what was to be stored is of epochs that are no
// longer in use; nothing was stored, and a new look finds those that are.
func outdated(err error) bool { return pg.Constraint(err) == "handle_is_of_the_epochs_in_use" }

// current are the epochs of a column.
func (k *keyring) current(ctx context.Context, c *decide.Column) (epochs, error) {
	if known, ok := k.epochs.Load(c.ID); ok && known.(epochs).agency == c.Agency {
		return known.(epochs), nil
	}
	e, err := k.q.FindEpochs(ctx, k.db, relmgrdb.FindEpochsParams{ColumnID: c.ID, AgencyID: c.Agency})
	if err != nil {
		return epochs{}, pg.Fault(err)
	}
	known := epochs{c.Agency, e.Reading, e.Writing, e.Wrapping}
	k.epochs.Store(c.ID, known)
	return known, nil
}

// forget has the epochs of a column looked up again.
func (k *keyring) forget(column ident.Column) { k.epochs.Delete(column) }

// confirmAll checks every key that this database was filled with.
func (k *keyring) confirmAll(ctx context.Context) error {
	checks, err := k.q.ListKeys(ctx, k.db)
	if err != nil {
		return pg.Fault(err)
	}
	for _, c := range checks {
		if c.Retired {
			continue
		}
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

// tokens are the look-up values of an identifier in its column.
func (k *keyring) tokens(ctx context.Context, c *decide.Column, identifier string) (tokens, error) {
	for again := false; ; again = true {
		e, err := k.current(ctx, c)
		if err != nil {
			return tokens{}, err
		}
		t, err := k.tokensOf(ctx, c.ID, e, identifier)
		if errors.Is(err, seal.ErrNoKey) && !again { // this process has not heard that its epoch ended
			k.forget(c.ID)
			continue
		}
		return t, err
	}
}

func (k *keyring) tokensOf(ctx context.Context, column ident.Column, e epochs, identifier string) (tokens, error) {
	t := tokens{reading: e.reading, writing: e.writing}
	for n := e.reading; n <= e.writing; n++ {
		id := seal.ColumnKey(column, int(n))
		if err := k.ensure(ctx, id, seal.KindMAC); err != nil {
			return tokens{}, err
		}
		sum, err := seal.Token(ctx, k.keys, id, column, identifier)
		if err != nil {
			return tokens{}, fmt.Errorf("relmgr: token: %w", err)
		}
		if n%2 == 1 {
			t.a = sum[:]
		} else {
			t.b = sum[:]
		}
	}
	return t, nil
}

// newHandle seals an identifier for a handle that may turn out to be new. The
// sealed value opens with the controlling agency's key only (DCP-10).
func (k *keyring) newHandle(ctx context.Context, c *decide.Column, t tokens, identifier string) (relmgrdb.KeepHandleParams, error) {
	p := relmgrdb.KeepHandleParams{HandleID: ident.NewHandle(), ColumnID: c.ID, Token: t.a, TokenB: t.b, TokenEpoch: t.writing, RowID: ident.NewRow()}
	h, err := k.sealFor(ctx, c, p.HandleID, identifier)
	p.Sealed, p.WrappedKey, p.WrappedBy = h.sealed, h.wrappedKey, h.wrappedBy
	return p, err
}

// sealFor seals an identifier for its handle under a new data key, wrapped by the
// newest key of the agency that controls the column. Forbidden says that the
// agency's key has been revoked.
func (k *keyring) sealFor(ctx context.Context, c *decide.Column, handle ident.HandleID, identifier string) (sealed, error) {
	for again := false; ; again = true {
		e, err := k.current(ctx, c)
		if err != nil {
			return sealed{}, err
		}
		h, err := k.sealBy(ctx, seal.AgencyKey(c.Agency, int(e.wrapping)), handle, identifier)
		if errors.Is(err, seal.ErrNoKey) && !again {
			k.forget(c.ID)
			continue
		}
		if errors.Is(err, seal.ErrDestroyed) {
			return h, revoked().Because(err)
		}
		return h, err
	}
}

func (k *keyring) sealBy(ctx context.Context, wrapper seal.KeyID, handle ident.HandleID, identifier string) (sealed, error) {
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

func revoked() *fault.Error {
	return fault.New(fault.Forbidden, "your agency's key has been revoked: what it calls people can neither be read nor kept until it has a new one; ask whoever runs the hub")
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

// open reads the identifier of a handle of the column, with whichever key of
// the column's agency wraps it. Whoever calls it has checked that the caller may
// act for the column. Forbidden says that the agency's key has been revoked.
func (k *keyring) open(ctx context.Context, c *decide.Column, h sealed) (Identifier, error) {
	if !strings.HasPrefix(h.wrappedBy, "agency/"+string(c.Agency)+"/") {
		return "", fmt.Errorf("relmgr: a handle of column %s is wrapped by another agency's key", c.ID)
	}
	id, err := k.unseal(ctx, h)
	if errors.Is(err, seal.ErrDestroyed) {
		return "", revoked().Because(err)
	}
	return id, err
}

func (k *keyring) unseal(ctx context.Context, h sealed) (Identifier, error) {
	dek, err := k.keys.Unwrap(ctx, seal.KeyID(h.wrappedBy), h.handle[:], h.wrappedKey)
	if err != nil {
		return "", fmt.Errorf("relmgr: unwrap: %w", err)
	}
	text, err := seal.Open(dek, h.handle[:], h.sealed)
	return Identifier(text), err
}

func unknownHandle() error {
	return fault.New(fault.NotKnown, "no handle of yours has that id: ask POST /relmgr/v1/handles for it")
}
