package attest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/fame-hub/fame/internal/seal"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // case-sensitive, and refuses repeated members
)

// KeySet holds the public keys of one issuer by kid, the RFC 7638 thumbprint.
// It does not change. The zero KeySet holds none.
type KeySet struct {
	keys map[string]*ecdsa.PublicKey
}

const (
	maxKeySetSize = 64 << 10
	maxKeys       = 64
)

var errKeySet = errors.New("attest: not a key set: write a JWKS (RFC 7517) of public P-256 keys, each with its RFC 7638 thumbprint as kid, use sig and alg ES256")

// NewKeySet makes a set of P-256 keys.
func NewKeySet(keys ...*ecdsa.PublicKey) (KeySet, error) {
	s := KeySet{make(map[string]*ecdsa.PublicKey, len(keys))}
	for _, k := range keys {
		if k == nil {
			return KeySet{}, errKeySet
		}
		kid, err := thumbprint(k)
		if err != nil {
			return KeySet{}, err
		}
		s.keys[kid] = k
	}
	return s, nil
}

// PublicKeys makes the set of the public halves of a provider's KindSign keys.
func PublicKeys(ctx context.Context, p seal.Provider, ids ...seal.KeyID) (KeySet, error) {
	keys := make([]*ecdsa.PublicKey, 0, len(ids))
	for _, id := range ids {
		k, err := p.Public(ctx, id)
		if err != nil {
			return KeySet{}, err
		}
		keys = append(keys, k)
	}
	return NewKeySet(keys...)
}

// Fixed returns the set to a Verifier at every call.
func (s KeySet) Fixed(context.Context) (KeySet, error) { return s, nil }

// KeyIDs returns the kids in order.
func (s KeySet) KeyIDs() []string { return slices.Sorted(maps.Keys(s.keys)) }

// MarshalJSON writes a JWKS, keys in the order of their kids.
func (s KeySet) MarshalJSON() ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, kid := range s.KeyIDs() {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: s.keys[kid], KeyID: kid, Algorithm: string(jose.ES256), Use: "sig"})
	}
	return stdjson.Marshal(set)
}

// ParseKeySet reads a JWKS. It refuses the whole set for a key that is private
// or symmetric, of another type, curve, use or algorithm, without its
// thumbprint as kid, or there twice: an issuer's set is either understood or not.
func ParseKeySet(b []byte) (KeySet, error) {
	keys, err := parsePublic(b, "sig", string(jose.ES256), errKeySet)
	if err != nil {
		return KeySet{}, err
	}
	return NewKeySet(keys...)
}

// parsePublic reads a JWKS of P-256 keys for one use and algorithm, in their
// order.
func parsePublic(b []byte, use, alg string, malformed error) ([]*ecdsa.PublicKey, error) {
	if len(b) > maxKeySetSize {
		return nil, malformed
	}
	var raw struct {
		Keys []map[string]any `json:"keys"`
	}
	var all any // finds repeated members at any depth
	if json.Unmarshal(b, &all) != nil || json.Unmarshal(b, &raw) != nil || raw.Keys == nil || len(raw.Keys) > maxKeys {
		return nil, malformed
	}
	for _, members := range raw.Keys {
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
			if _, ok := members[private]; ok {
				return nil, errors.New("attest: the key set holds a private key: take it out of every place it was published to, and replace that key")
			}
		}
	}
	var set jose.JSONWebKeySet
	if json.Unmarshal(b, &set) != nil || len(set.Keys) != len(raw.Keys) {
		return nil, malformed
	}
	keys, seen := make([]*ecdsa.PublicKey, 0, len(set.Keys)), map[string]bool{}
	for _, k := range set.Keys {
		public, ok := k.Key.(*ecdsa.PublicKey)
		if !ok || k.Algorithm != "" && k.Algorithm != alg || k.Use != "" && k.Use != use {
			return nil, malformed
		}
		kid, err := thumbprint(public)
		if err != nil || seen[kid] || k.KeyID != kid {
			return nil, malformed
		}
		keys, seen[kid] = append(keys, public), true
	}
	return keys, nil
}

// LoadKeySet reads a JWKS file.
func LoadKeySet(path string) (KeySet, error) { return load(path, ParseKeySet) }

func load[S any](path string, parse func([]byte) (S, error)) (S, error) {
	var none S
	f, err := os.Open(path)
	if err != nil {
		return none, fmt.Errorf("attest: key set: %w", err)
	}
	defer func() { _ = f.Close() }()
	b, err := io.ReadAll(io.LimitReader(f, maxKeySetSize+1))
	if err != nil {
		return none, fmt.Errorf("attest: key set: %w", err)
	}
	s, err := parse(b)
	if err != nil {
		return none, fmt.Errorf("%w (file %q)", err, path)
	}
	return s, nil
}

// WriteKeySet replaces a JWKS file, whole or not at all, readable by all.
func WriteKeySet[S KeySet | Recipients](path string, s S) (err error) {
	b, err := stdjson.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("attest: key set: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".keyset-*")
	if err != nil {
		return fmt.Errorf("attest: key set: %w", err)
	}
	_, err = f.Write(append(b, '\n'))
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("attest: key set: %w", errors.Join(err, os.Remove(f.Name())))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("attest: key set: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// thumbprint returns the kid of a P-256 key.
func thumbprint(public crypto.PublicKey) (string, error) {
	k, ok := public.(*ecdsa.PublicKey)
	if !ok || k.Curve != elliptic.P256() {
		return "", errKeySet
	}
	jwk := jose.JSONWebKey{Key: k}
	sum, err := jwk.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", errKeySet
	}
	return base64.RawURLEncoding.EncodeToString(sum), nil
}
