package leaf

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gowebpki/jcs"

	"github.com/fame-hub/fame/internal/seal"
)

const domain = "fame leaf v1\n"

// Leaf is what one record leaves behind.
type Leaf struct {
	Commitment []byte // SHA-256, 32 bytes, for ledger.pending and the answer
	Sealed     []byte // salt and canonical record, encrypted
	WrappedKey []byte // the data key of Sealed, wrapped by the duty's key
}

// ErrAltered means that a sealed record does not hash to its commitment.
var ErrAltered = errors.New("leaf: the record does not match its commitment")

// Of seals the record under the duty's key and commits to it. id is the
// record's own: it binds the sealed copy to its place, so that two cannot be
// swapped.
func Of(ctx context.Context, keys seal.Provider, key seal.KeyID, id [16]byte, record any) (Leaf, error) {
	body, err := json.Marshal(record)
	if err != nil {
		return Leaf{}, fmt.Errorf("leaf: %w", err)
	}
	if inOrder, ok := canonical(body); ok {
		body = inOrder
	} else if body, err = jcs.Transform(body); err != nil {
		return Leaf{}, fmt.Errorf("leaf: %w", err)
	}
	var salt [32]byte
	rand.Read(salt[:])
	sealed, err := seal.SealRecord(ctx, keys, key, id, salt, body)
	if err != nil {
		return Leaf{}, fmt.Errorf("leaf: %w", err)
	}
	return Leaf{Commitment: commit(salt, body), Sealed: sealed.Body, WrappedKey: sealed.Wrapped}, nil
}

// Open decrypts a sealed record, checks it against its commitment and decodes
// it into record. ErrAltered says that either was changed.
func Open(ctx context.Context, keys seal.Provider, key seal.KeyID, id [16]byte, l Leaf, record any) error {
	salt, body, err := seal.OpenRecord(ctx, keys, key, id, seal.Record{Wrapped: l.WrappedKey, Body: l.Sealed})
	if err != nil {
		return fmt.Errorf("leaf: %w", err)
	}
	if string(commit(salt, body)) != string(l.Commitment) {
		return ErrAltered
	}
	return json.Unmarshal(body, record)
}

func commit(salt [32]byte, body []byte) []byte {
	h := sha256.New()
	h.Write([]byte(domain))
	h.Write(salt[:])
	h.Write(body)
	return h.Sum(nil)
}
