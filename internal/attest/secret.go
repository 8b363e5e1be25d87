package attest

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/binary"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/fame-hub/fame/internal/seal"
	"github.com/go-jose/go-jose/v4"
	josecipher "github.com/go-jose/go-jose/v4/cipher"
	"github.com/go-jose/go-jose/v4/json" // case-sensitive, and refuses repeated members
)

// HubSecret is what a registrar keeps for one subject and one hub, in one epoch
// of its key: what a hub derives its anchors from. It prints as a mask and
// marshals to nothing.
type HubSecret struct {
	secret func() [32]byte // a func, since fmt follows what it can
	epoch  int
}

// NewHubSecret is the secret of an epoch, which is 1 or later.
func NewHubSecret(secret [32]byte, epoch int) HubSecret {
	return HubSecret{func() [32]byte { return secret }, epoch}
}

// Bytes returns the secret itself; of the zero HubSecret, zeros.
func (s HubSecret) Bytes() [32]byte {
	if s.secret == nil {
		return [32]byte{}
	}
	return s.secret()
}

// Epoch returns the epoch of the registrar's key.
func (s HubSecret) Epoch() int { return s.epoch }

// Format writes a mask, whatever the verb.
func (HubSecret) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[secret]") }

// LogValue returns a mask.
func (HubSecret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// Recipients are the public keys of one party that others encrypt to, the newest
// first. The zero Recipients are none.
type Recipients struct{ keys []*ecdsa.PublicKey }

// IsZero reports whether there is nobody to encrypt to.
func (r Recipients) IsZero() bool { return len(r.keys) == 0 }

const algSecret = string(jose.ECDH_ES_A256KW)

var errRecipients = errors.New("attest: not a set of keys to encrypt to: write a JWKS (RFC 7517) of public P-256 keys, each with its RFC 7638 thumbprint as kid, use enc and alg ECDH-ES+A256KW, the newest first")

// RecipientKeys makes the set of the public halves of a provider's KindAgree keys,
// the newest first.
func RecipientKeys(ctx context.Context, p seal.Provider, ids ...seal.KeyID) (Recipients, error) {
	var r Recipients
	for _, id := range ids {
		k, err := p.AgreeKey(ctx, id)
		if err != nil {
			return Recipients{}, err
		}
		public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), k.Bytes())
		if err != nil {
			return Recipients{}, fmt.Errorf("attest: key set: %w", err)
		}
		r.keys = append(r.keys, public)
	}
	return r, nil
}

// MarshalJSON writes a JWKS.
func (r Recipients) MarshalJSON() ([]byte, error) {
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{}}
	for _, k := range r.keys {
		kid, err := thumbprint(k)
		if err != nil {
			return nil, err
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k, KeyID: kid, Algorithm: algSecret, Use: "enc"})
	}
	return stdjson.Marshal(set)
}

// ParseRecipients reads a JWKS of keys to encrypt to, as strictly as ParseKeySet,
// and refuses one that holds none.
func ParseRecipients(b []byte) (Recipients, error) {
	keys, err := parsePublic(b, "enc", algSecret, errRecipients)
	if err != nil {
		return Recipients{}, err
	}
	if len(keys) == 0 {
		return Recipients{}, errRecipients
	}
	return Recipients{keys}, nil
}

// LoadRecipients reads a JWKS file of keys to encrypt to.
func LoadRecipients(path string) (Recipients, error) { return load(path, ParseRecipients) }

// The secret as it is encrypted.
type secretJSON struct {
	Secret string `json:"secret"` // 32 bytes, base64url
	Epoch  int    `json:"epoch"`
}

// Encrypt returns a compact JWE (ECDH-ES+A256KW, A256GCM) of the secret to the
// newest key.
func (r Recipients) Encrypt(s HubSecret) (string, error) {
	if len(r.keys) == 0 || s.secret == nil || s.epoch < 1 {
		return "", errors.New("attest: not encrypted: give a recipient, and a secret with its epoch")
	}
	kid, err := thumbprint(r.keys[0])
	if err != nil {
		return "", err
	}
	e, err := jose.NewEncrypter(jose.A256GCM, jose.Recipient{Algorithm: jose.ECDH_ES_A256KW, Key: r.keys[0], KeyID: kid}, nil)
	if err != nil {
		return "", fmt.Errorf("attest: not encrypted: %w", err)
	}
	secret := s.Bytes()
	b, err := stdjson.Marshal(secretJSON{base64.RawURLEncoding.EncodeToString(secret[:]), s.epoch})
	if err != nil {
		return "", fmt.Errorf("attest: not encrypted: %w", err)
	}
	jwe, err := e.Encrypt(b)
	if err != nil {
		return "", fmt.Errorf("attest: not encrypted: %w", err)
	}
	return jwe.CompactSerialize()
}

// Opener decrypts what was encrypted to a provider's KindAgree keys, which stay
// in the provider.
type Opener struct {
	provider seal.Provider
	keys     map[string]seal.KeyID // by kid
}

// NewOpener returns an opener of what was encrypted to any of the keys.
func NewOpener(ctx context.Context, p seal.Provider, ids ...seal.KeyID) (*Opener, error) {
	r, err := RecipientKeys(ctx, p, ids...)
	if err != nil {
		return nil, err
	}
	o := &Opener{p, map[string]seal.KeyID{}}
	for i, k := range r.keys {
		kid, err := thumbprint(k)
		if err != nil {
			return nil, err
		}
		o.keys[kid] = ids[i]
	}
	return o, nil
}

// Open returns the secret of a compact JWE. It accepts exactly what Encrypt
// writes: the header holds alg, enc, kid and epk and no more, so there is no
// compression, no party information and no choice of algorithm. All else gives
// ErrStatement; an error of the provider is returned as it is.
func (o *Opener) Open(ctx context.Context, jwe string) (HubSecret, error) {
	plain, err := o.open(ctx, jwe, MaxSize)
	if err != nil {
		return HubSecret{}, err
	}
	var s secretJSON
	var members map[string]any
	if json.Unmarshal(plain, &members) != nil || len(members) != 2 || json.Unmarshal(plain, &s) != nil || s.Epoch < 1 || !canonicalBase64(s.Secret) {
		return HubSecret{}, refused("the secret is not one with its epoch")
	}
	raw, err := base64.RawURLEncoding.DecodeString(s.Secret)
	if err != nil || len(raw) != 32 {
		return HubSecret{}, refused("the secret is not one with its epoch")
	}
	return NewHubSecret([32]byte(raw), s.Epoch), nil
}

func (o *Opener) open(ctx context.Context, jwe string, most int) ([]byte, error) {
	kid, peer, err := parseSecretHeader(jwe, most)
	if err != nil {
		return nil, err
	}
	id, ok := o.keys[kid]
	if !ok {
		return nil, refused("the secret is encrypted to another key")
	}
	shared, err := o.provider.Agree(ctx, id, peer)
	if err != nil {
		return nil, err
	}
	parsed, err := jose.ParseEncryptedCompact(jwe, []jose.KeyAlgorithm{jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, refused("the secret is no compact JWE")
	}
	plain, err := parsed.Decrypt(agreed(shared))
	if err != nil {
		return nil, refused("the secret does not open")
	}
	return plain, nil
}

// agreed unwraps the content key with what ECDH came to (RFC 7518, 4.6.2).
type agreed [32]byte

// DecryptKey implements jose.OpaqueKeyDecrypter.
func (z agreed) DecryptKey(encrypted []byte, _ jose.Header) ([]byte, error) {
	prefixed := func(s string) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(s))), s...) }
	kek := make([]byte, 32)
	kdf := josecipher.NewConcatKDF(crypto.SHA256, z[:], prefixed(algSecret), prefixed(""), prefixed(""), binary.BigEndian.AppendUint32(nil, 256), nil)
	if _, err := io.ReadFull(kdf, kek); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(kek)
	if err != nil {
		return nil, err
	}
	return josecipher.KeyUnwrap(block, encrypted)
}

// parseSecretHeader checks the form of the JWE and its header, before any
// cryptography, and returns the kid and the sender's ephemeral key.
func parseSecretHeader(jwe string, most int) (kid string, peer *ecdh.PublicKey, err error) {
	if len(jwe) > most {
		return "", nil, refused("the secret is too long")
	}
	parts := strings.Split(jwe, ".")
	if len(parts) != 5 {
		return "", nil, refused("the secret is no compact JWE")
	}
	for _, part := range parts {
		if !canonicalBase64(part) {
			return "", nil, refused("a part of the secret is not canonical base64url")
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return "", nil, refused("a part of the secret is not canonical base64url")
	}
	var all, epk map[string]any
	if json.Unmarshal(raw, &all) != nil || len(all) != 4 {
		return "", nil, refused("the secret's header holds other than alg, enc, kid and epk")
	}
	text := func(from map[string]any, name string) string { s, _ := from[name].(string); return s }
	if epk, _ = all["epk"].(map[string]any); len(epk) != 4 || text(epk, "kty") != "EC" || text(epk, "crv") != "P-256" {
		return "", nil, refused("the secret's ephemeral key is not of P-256")
	}
	if text(all, "alg") != algSecret || text(all, "enc") != string(jose.A256GCM) || text(all, "kid") == "" {
		return "", nil, refused("the secret is not encrypted by ECDH-ES+A256KW and A256GCM to a named key")
	}
	point := []byte{4}
	for _, name := range []string{"x", "y"} {
		half, err := base64.RawURLEncoding.DecodeString(text(epk, name))
		if err != nil || len(half) != 32 || !canonicalBase64(text(epk, name)) {
			return "", nil, refused("the secret's ephemeral key is not of P-256")
		}
		point = append(point, half...)
	}
	if peer, err = ecdh.P256().NewPublicKey(point); err != nil {
		return "", nil, refused("the secret's ephemeral key is not of P-256")
	}
	return text(all, "kid"), peer, nil
}
