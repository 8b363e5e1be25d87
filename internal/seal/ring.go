package seal

import (
	"bytes"
	"cmp"
	"crypto"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
)

// key is one secret with what is derived from it. It does not change.
type key struct {
	masked
	kind   KeyKind
	secret hidden
	check  [8]byte
	aead   func() cipher.AEAD      // KindWrap; a func for the reason that hidden is one
	signer *signer                 // KindSign
	noter  *noter                  // KindNote
	agree  func() *ecdh.PrivateKey // KindAgree; a func as aead is
}

func newKey(kind KeyKind) (*key, error) {
	var secret [32]byte
	if kind == KindSign || kind == KindAgree {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		raw, err := private.Bytes()
		if err != nil {
			return nil, err
		}
		copy(secret[:], raw)
	} else {
		_, _ = rand.Read(secret[:])
	}
	return keyFrom(kind, secret)
}

func keyFrom(kind KeyKind, secret [32]byte) (*key, error) {
	k := &key{kind: kind, secret: hide(secret)}
	const label = "fame key check"
	switch kind {
	case KindMAC, KindWrap:
		mac := hmac.New(sha256.New, secret[:])
		mac.Write([]byte(label))
		copy(k.check[:], mac.Sum(nil))
		if kind == KindWrap {
			aead := newAEAD(&secret)
			k.aead = func() cipher.AEAD { return aead }
		}
	case KindSign:
		private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), secret[:])
		if err != nil {
			return nil, errKeyFile
		}
		public, err := private.PublicKey.Bytes()
		if err != nil {
			return nil, errKeyFile
		}
		sum := sha256.Sum256(append([]byte(label), public...))
		copy(k.check[:], sum[:])
		k.signer = &signer{key: private}
	case KindNote:
		private := ed25519.NewKeyFromSeed(secret[:])
		sum := sha256.Sum256(append([]byte(label), private.Public().(ed25519.PublicKey)...))
		copy(k.check[:], sum[:])
		k.noter = &noter{key: private}
	case KindAgree:
		private, err := ecdh.P256().NewPrivateKey(secret[:])
		if err != nil {
			return nil, errKeyFile
		}
		sum := sha256.Sum256(append([]byte(label), private.PublicKey().Bytes()...))
		copy(k.check[:], sum[:])
		k.agree = func() *ecdh.PrivateKey { return private }
	default:
		return nil, errKeyFile
	}
	return k, nil
}

// signer hides the private key from whoever is handed a crypto.Signer.
type signer struct {
	masked
	key *ecdsa.PrivateKey
}

// Public returns a *ecdsa.PublicKey.
func (s *signer) Public() crypto.PublicKey { return &s.key.PublicKey }

// Sign signs a SHA-256 digest.
func (s *signer) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts == nil || opts.HashFunc() != crypto.SHA256 || len(digest) != sha256.Size {
		return nil, errDigest
	}
	return s.key.Sign(r, digest, opts)
}

// noter hides the private key from whoever is handed a crypto.Signer.
type noter struct {
	masked
	key ed25519.PrivateKey
}

// Public returns an ed25519.PublicKey.
func (n *noter) Public() crypto.PublicKey { return n.key.Public() }

// Sign signs a message whole.
func (n *noter) Sign(r io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts == nil || opts.HashFunc() != 0 {
		return nil, errMessage
	}
	return n.key.Sign(r, message, opts)
}

// ring is what a key file holds at one moment. It does not change.
type ring struct {
	keys      map[KeyID]*key
	destroyed map[KeyID]struct{}
}

// get returns a key of the kind; a kind of "" accepts any.
func (r *ring) get(id KeyID, kind KeyKind) (*key, error) {
	k, ok := r.keys[id]
	if !ok {
		if _, gone := r.destroyed[id]; gone {
			return nil, about(id, ErrDestroyed)
		}
		return nil, about(id, ErrNoKey)
	}
	if kind != "" && k.kind != kind {
		return nil, about(id, ErrKind)
	}
	return k, nil
}

func (r *ring) with(id KeyID, k *key) *ring {
	keys := maps.Clone(r.keys)
	keys[id] = k
	return &ring{keys, r.destroyed}
}

func (r *ring) without(id KeyID) *ring {
	keys, destroyed := maps.Clone(r.keys), maps.Clone(r.destroyed)
	delete(keys, id)
	destroyed[id] = struct{}{}
	return &ring{keys, destroyed}
}

// follows returns nil if r can have come from old by making and destroying
// keys, and ErrKeyChanged if a key was lost, swapped or brought back.
func (r *ring) follows(old *ring) error {
	for id, was := range old.keys {
		is, ok := r.keys[id]
		_, gone := r.destroyed[id]
		if !ok && !gone || ok && (is.kind != was.kind || *is.secret() != *was.secret()) {
			return about(id, ErrKeyChanged)
		}
	}
	for id := range old.destroyed {
		if _, gone := r.destroyed[id]; !gone {
			return about(id, ErrKeyChanged)
		}
	}
	return nil
}

var (
	errDigest     = errors.New("seal: refused: sign a SHA-256 digest")
	errMessage    = errors.New("seal: refused: sign the message itself, with no hash")
	errKeyFile    = errors.New("seal: the key file's content is not what this program writes: restore it from a backup")
	errKeyVersion = errors.New("seal: the key file was written by another version of this program: use that version")
)

const ringVersion = 1

type ringJSON struct {
	Version   int       `json:"version"`
	Keys      []keyJSON `json:"keys"`
	Destroyed []KeyID   `json:"destroyed"`
}

type keyJSON struct {
	ID     KeyID   `json:"id"`
	Kind   KeyKind `json:"kind"`
	Secret []byte  `json:"secret"`
}

// encode writes the ring in its one form: keys and ids in order, no spaces.
func (r *ring) encode() ([]byte, error) {
	out := ringJSON{Version: ringVersion, Keys: []keyJSON{}, Destroyed: []KeyID{}}
	for id, k := range r.keys {
		out.Keys = append(out.Keys, keyJSON{id, k.kind, k.secret()[:]})
	}
	slices.SortFunc(out.Keys, func(a, b keyJSON) int { return cmp.Compare(a.ID, b.ID) })
	for id := range r.destroyed {
		out.Destroyed = append(out.Destroyed, id)
	}
	slices.Sort(out.Destroyed)
	return json.Marshal(out)
}

// parseRing reads the one form that encode writes and refuses all else:
// unknown or repeated members, unknown kinds, an id that is there twice, or
// both there and destroyed.
func parseRing(b []byte) (*ring, error) {
	var in ringJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, errKeyFile // the cause may quote the content
	}
	if in.Version != ringVersion {
		return nil, errKeyVersion
	}
	r := &ring{map[KeyID]*key{}, map[KeyID]struct{}{}}
	for _, id := range in.Destroyed {
		if !id.valid() {
			return nil, errKeyFile
		}
		r.destroyed[id] = struct{}{}
	}
	for _, kj := range in.Keys {
		_, gone := r.destroyed[kj.ID]
		if gone || !kj.ID.valid() || len(kj.Secret) != 32 {
			return nil, errKeyFile
		}
		k, err := keyFrom(kj.Kind, [32]byte(kj.Secret))
		if err != nil {
			return nil, err
		}
		r.keys[kj.ID] = k
	}
	canonical, err := r.encode()
	if err != nil || !bytes.Equal(b, canonical) {
		return nil, errKeyFile
	}
	return r, nil
}
