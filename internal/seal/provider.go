package seal

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/subtle"
	"errors"
	"fmt"
)

// Provider holds keys and uses them; it never gives a secret one out. All
// methods are safe for concurrent use. Every method but Ensure returns
// ErrNoKey for a key that is not there: none makes one on the side.
type Provider interface {
	// Ensure makes the key unless it exists, durably, and returns its check
	// value and whether this call made it. Callers that race, in whatever
	// process, end with the same key. It returns ErrKind if the id exists
	// with another kind, and ErrDestroyed if the id has been destroyed.
	Ensure(ctx context.Context, id KeyID, kind KeyKind) (check []byte, created bool, err error)

	// Check returns the key's check value: the same for as long as the id
	// names the same key, different for any other key, and of no use for
	// finding the key.
	Check(ctx context.Context, id KeyID) ([]byte, error)

	// MAC returns HMAC-SHA-256 of msg under a KindMAC key. The caller
	// separates its domains, as Token does.
	MAC(ctx context.Context, id KeyID, msg []byte) ([32]byte, error)

	// Wrap encrypts a data key under a KindWrap key. The aad must not be empty.
	Wrap(ctx context.Context, id KeyID, aad []byte, dek DEK) ([]byte, error)

	// Unwrap returns the data key that Wrap encrypted under the same id and
	// aad, and ErrOpen for anything else.
	Unwrap(ctx context.Context, id KeyID, aad, wrapped []byte) (DEK, error)

	// Signer returns a signer for a KindSign key. It signs SHA-256 digests,
	// as ASN.1 DER. Take it for one use: it outlives Destroy.
	Signer(ctx context.Context, id KeyID) (crypto.Signer, error)

	// NoteSigner returns a signer for a KindNote key. It signs messages
	// whole, with Ed25519. Take it for one use: it outlives Destroy.
	NoteSigner(ctx context.Context, id KeyID) (crypto.Signer, error)

	// Public returns the public half of a KindSign key.
	Public(ctx context.Context, id KeyID) (*ecdsa.PublicKey, error)

	// Agree returns what a KindAgree key and another party's public key have in
	// common, the x coordinate of ECDH over P-256, and ErrUsage for no key or one
	// of another curve. Derive keys from it; it is as secret as they are.
	Agree(ctx context.Context, id KeyID, other *ecdh.PublicKey) ([32]byte, error)

	// AgreeKey returns the public half of a KindAgree key.
	AgreeKey(ctx context.Context, id KeyID) (*ecdh.PublicKey, error)

	// Destroy removes the key for good and retires its id. Destroying a key
	// twice is no error. What the provider's medium and its backups still
	// hold is the operator's to destroy.
	Destroy(ctx context.Context, id KeyID) error
}

// The errors of this package. They name at most a key id.
var (
	// ErrNoKey: the provider does not hold the key.
	ErrNoKey = errors.New("seal: no such key: restore the key file that belongs to this database")
	// ErrDestroyed: the key was destroyed and its id is retired. It is also
	// an ErrNoKey.
	ErrDestroyed error = &destroyedError{}
	// ErrKind: the key exists for another use.
	ErrKind = errors.New("seal: the key is of another kind: use an id of its own for each kind")
	// ErrKeyID: not a key id.
	ErrKeyID = errors.New("seal: not a key id: write segments of letters, digits, '.', '_' and '-' joined by '/'")
	// ErrKeyChanged: the key under this id is not the one that was used before.
	ErrKeyChanged = errors.New("seal: the key is not the one used before: restore the key file that belongs to this database")
	// ErrOpen: a sealed value or wrapped key does not open, because the key or
	// the row is another or the bytes were altered. It does not say which.
	ErrOpen = errors.New("seal: does not open: wrong key, wrong row, or altered bytes")
	// ErrUsage: the caller passed a value that seals nothing or binds nothing.
	ErrUsage = errors.New("seal: refused: pass a data key, associated data that names the row, and a value within the limit")
)

type destroyedError struct{}

func (*destroyedError) Error() string {
	return "seal: the key has been destroyed: use the id of the next epoch"
}

func (*destroyedError) Is(target error) bool { return target == ErrNoKey }

// Confirm returns nil if the provider's key has the stored check value,
// ErrNoKey if it is gone and ErrKeyChanged if it is another. Call it for every
// stored check value before using the keys.
func Confirm(ctx context.Context, p Provider, id KeyID, stored []byte) error {
	check, err := p.Check(ctx, id)
	if err != nil {
		return err
	}
	if len(stored) == 0 || subtle.ConstantTimeCompare(check, stored) != 1 {
		return about(id, ErrKeyChanged)
	}
	return nil
}

// about names the key that err is about; an id that is not well formed is
// not repeated.
func about(id KeyID, err error) error {
	if !id.valid() {
		return ErrKeyID
	}
	return fmt.Errorf("%w (key %s)", err, string(id))
}
