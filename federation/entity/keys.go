package entity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	stdjson "encoding/json"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
)

const (
	maxKeys    = 32
	minRSABits = 2048
)

// Keys are the public keys that an entity signs its statements with, each under its
// kid. It does not change.
type Keys struct{ list []jose.JSONWebKey }

// NewKeys makes keys of public JSON Web Keys.
func NewKeys(list ...jose.JSONWebKey) (Keys, error) {
	b, err := stdjson.Marshal(jose.JSONWebKeySet{Keys: list})
	if err != nil {
		return Keys{}, refused("not a key set")
	}
	return ParseKeys(b)
}

// ParseKeys reads a JWKS. Keys of kinds that are not known here are left out; a
// private key, one without kid and a kid that comes twice have the whole set refused.
func ParseKeys(b []byte) (Keys, error) {
	var k Keys
	return k, k.UnmarshalJSON(b)
}

// UnmarshalJSON is ParseKeys.
func (k *Keys) UnmarshalJSON(b []byte) error {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	var all any // finds repeated members at any depth
	if len(b) > MaxSize || json.Unmarshal(b, &all) != nil || json.Unmarshal(b, &raw) != nil || len(raw.Keys) == 0 || len(raw.Keys) > maxKeys {
		return refused("not a key set with one to %d keys", maxKeys)
	}
	k.list = nil
	seen := map[string]bool{}
	for _, text := range raw.Keys {
		var members map[string]any
		if json.Unmarshal(text, &members) != nil {
			return refused("a key is no JSON object")
		}
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
			if _, ok := members[private]; ok {
				return refused("the key set holds a private key")
			}
		}
		kid, _ := members["kid"].(string)
		if kid == "" || seen[kid] {
			return refused("a key has no kid, or one that another has")
		}
		seen[kid] = true
		var key jose.JSONWebKey
		if stdjson.Unmarshal(text, &key) == nil && key.Valid() && key.IsPublic() && strong(key) && (key.Use == "" || key.Use == "sig") {
			k.list = append(k.list, key)
		}
	}
	if len(k.list) == 0 {
		return refused("the key set holds no key that signs")
	}
	return nil
}

// MarshalJSON writes a JWKS.
func (k Keys) MarshalJSON() ([]byte, error) { return stdjson.Marshal(jose.JSONWebKeySet{Keys: k.list}) }

// IDs are the kids, in order.
func (k Keys) IDs() []string {
	var ids []string
	for _, key := range k.list {
		ids = append(ids, key.KeyID)
	}
	slices.Sort(ids)
	return ids
}

// Fingerprints are the RFC 7638 thumbprints, in order: what two people compare.
func (k Keys) Fingerprints() []string {
	var all []string
	for _, key := range k.list {
		if sum, err := key.Thumbprint(crypto.SHA256); err == nil {
			all = append(all, base64url(sum))
		}
	}
	slices.Sort(all)
	return all
}

// Same reports whether both are the same keys.
func (k Keys) Same(other Keys) bool {
	return slices.Equal(k.Fingerprints(), other.Fingerprints()) && slices.Equal(k.IDs(), other.IDs())
}

// Join is the keys of all sets, each once. A kid that two different keys have is refused.
func Join(sets ...Keys) (all Keys, err error) {
	for _, set := range sets {
		for _, key := range set.list {
			one := Keys{[]jose.JSONWebKey{key}}
			if !one.Within(all) {
				all.list = append(all.list, key)
			}
		}
	}
	return NewKeys(all.list...)
}

// Within reports whether each of the keys is one of the others.
func (k Keys) Within(others Keys) bool {
	known := others.Fingerprints()
	for _, f := range k.Fingerprints() {
		if !slices.Contains(known, f) {
			return false
		}
	}
	return true
}

// Verify returns what a compact JWS of that typ says, if one of the keys signed it.
func (k Keys) Verify(text, typ string) ([]byte, error) {
	h, err := headerOf(text)
	if err != nil {
		return nil, err
	}
	if h.Type != typ {
		return nil, refused("a statement of another type")
	}
	at := slices.IndexFunc(k.list, func(key jose.JSONWebKey) bool { return key.KeyID == h.KeyID })
	if at < 0 {
		return nil, refused("signed by no key that is known to be the issuer's")
	}
	key := k.list[at]
	if key.Algorithm != "" && key.Algorithm != h.Algorithm || !makes(key, jose.SignatureAlgorithm(h.Algorithm)) {
		return nil, refused("the key does not make signatures of that algorithm")
	}
	jws, err := jose.ParseSignedCompact(text, algorithms)
	if err != nil {
		return nil, refused("not a compact JWS of a known algorithm")
	}
	payload, err := jws.Verify(key.Key)
	if err != nil {
		return nil, refused("the signature is not the issuer's")
	}
	return payload, nil
}

// makes reports whether a key of that kind makes signatures of that algorithm.
func makes(key jose.JSONWebKey, alg jose.SignatureAlgorithm) bool {
	switch public := key.Key.(type) {
	case *ecdsa.PublicKey:
		switch alg {
		case jose.ES256:
			return public.Curve == elliptic.P256()
		case jose.ES384:
			return public.Curve == elliptic.P384()
		case jose.ES512:
			return public.Curve == elliptic.P521()
		}
	case ed25519.PublicKey:
		return alg == jose.EdDSA
	case *rsa.PublicKey:
		return strings.HasPrefix(string(alg), "RS") || strings.HasPrefix(string(alg), "PS")
	}
	return false
}

func strong(key jose.JSONWebKey) bool {
	public, ok := key.Key.(*rsa.PublicKey)
	return !ok || public.N.BitLen() >= minRSABits && public.N.BitLen() <= 8192
}
