package attest

import (
	"context"
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fame-hub/fame/internal/seal"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/cryptosigner"
	"github.com/go-jose/go-jose/v4/json" // case-sensitive, and refuses repeated members
)

const (
	// MaxSize is the most bytes that a statement may have.
	MaxSize = 8 << 10
	// Leeway is how far in the future iat and nbf may lie, for clocks that
	// differ. There is none for exp.
	Leeway = 30 * time.Second
)

// ErrStatement is returned for a statement that is not accepted, wrapped with
// a reason for the log.
var ErrStatement = errors.New("attest: statement refused")

func refused(reason string) error { return fmt.Errorf("%w: %s", ErrStatement, reason) }

// Claims are the members of every statement. Embed them in the struct of a
// statement type. Times are whole seconds since 1970.
type Claims struct {
	Issuer    string `json:"iss"`
	Subject   string `json:"sub,omitempty"`
	Audience  string `json:"aud"`
	IssuedAt  int64  `json:"iat"`
	NotBefore int64  `json:"nbf"`
	Expires   int64  `json:"exp"`
	ID        string `json:"jti,omitempty"`
}

// Signer signs statements of one issuer.
type Signer struct {
	provider seal.Provider
	key      seal.KeyID
	issuer   string
}

// NewSigner returns a signer that signs as issuer with a KindSign key.
func NewSigner(p seal.Provider, key seal.KeyID, issuer string) *Signer {
	return &Signer{p, key, issuer}
}

// Issuer returns the issuer that the signer signs as.
func (s *Signer) Issuer() string { return s.issuer }

// Sign returns the compact JWS of claims, which marshal to a JSON object. An
// iss that is absent or "" becomes the signer's; an nbf that is absent or 0 the
// iat. Sign refuses what no Verifier would accept: claims of another issuer,
// without aud, iat or exp, that expire before they are issued, or that are too
// large.
func (s *Signer) Sign(ctx context.Context, typ string, claims any) (string, error) {
	payload, err := s.payload(claims)
	if err != nil {
		return "", err
	}
	token, err := s.sign(ctx, typ, payload)
	if err == nil && len(token) > MaxSize {
		return "", errors.New("attest: not signed: the statement is over 8 KiB: say less in it")
	}
	return token, err
}

// SignLasting returns the compact JWS of claims that are for whoever is shown
// them, for as long as somebody keeps them, such as a receipt: they have neither
// aud nor exp, so that no Verifier accepts them as a statement. Whoever reads them
// tells them by their type.
func (s *Signer) SignLasting(ctx context.Context, typ string, claims any) (string, error) {
	payload, err := stdjson.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("attest: not signed: %w", err)
	}
	return s.sign(ctx, typ, payload)
}

// SignPublic returns the compact JWS of claims that are for everybody until they
// expire, such as an entity statement: they have an exp and no aud, so that no
// Verifier accepts them as a statement to one party. Whoever reads them tells them by
// their type, and bounds their size.
func (s *Signer) SignPublic(ctx context.Context, typ string, claims any) (string, error) {
	return s.SignLasting(ctx, typ, claims)
}

// sign is ES256, with the key's RFC 7638 thumbprint as kid, as in the published
// set.
func (s *Signer) sign(ctx context.Context, typ string, payload []byte) (string, error) {
	if typ == "" {
		return "", errors.New("attest: not signed: name the type of the statement")
	}
	key, err := s.provider.Signer(ctx, s.key)
	if err != nil {
		return "", err
	}
	opaque := cryptosigner.Opaque(key)
	kid, err := thumbprint(key.Public())
	if err != nil {
		return "", err
	}
	opts := (&jose.SignerOptions{}).WithType(jose.ContentType(typ)).WithHeader("kid", kid)
	js, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: opaque}, opts)
	if err != nil {
		return "", fmt.Errorf("attest: not signed: %w", err)
	}
	signed, err := js.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("attest: not signed: %w", err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("attest: not signed: %w", err)
	}
	return token, nil
}

// payload marshals claims, fills in iss and nbf and checks the rest.
func (s *Signer) payload(claims any) ([]byte, error) {
	b, err := stdjson.Marshal(claims)
	if err != nil {
		return nil, fmt.Errorf("attest: not signed: %w", err)
	}
	var members map[string]stdjson.RawMessage
	if err := json.Unmarshal(b, &members); err != nil || members == nil {
		return nil, errors.New("attest: not signed: the claims must marshal to a JSON object without repeated members")
	}
	if iss, ok := members["iss"]; !ok || string(iss) == `""` {
		if members["iss"], err = stdjson.Marshal(s.issuer); err != nil {
			return nil, err
		}
	}
	if nbf, ok := members["nbf"]; (!ok || string(nbf) == "0") && members["iat"] != nil {
		members["nbf"] = members["iat"]
	}
	if b, err = stdjson.Marshal(members); err != nil {
		return nil, fmt.Errorf("attest: not signed: %w", err)
	}
	r, reason := parseRegistered(b)
	switch {
	case reason != "":
		return nil, errors.New("attest: not signed: " + reason)
	case s.issuer == "" || *r.Issuer != s.issuer:
		return nil, errors.New("attest: not signed: the issuer must be the signer's own")
	case *r.Audience == "":
		return nil, errors.New("attest: not signed: name the audience")
	case *r.Expires <= *r.IssuedAt:
		return nil, errors.New("attest: not signed: the statement must expire after it is issued")
	}
	return b, nil
}

// registered are the claims that every statement must have; a pointer tells an
// absent one.
type registered struct {
	Issuer    *string `json:"iss"`
	Audience  *string `json:"aud"`
	IssuedAt  *int64  `json:"iat"`
	NotBefore *int64  `json:"nbf"`
	Expires   *int64  `json:"exp"`
}

// maxTime keeps sums of times far from overflow: the year 36812.
const maxTime = int64(1) << 40

// parseRegistered reads the claims that every statement must have, or returns
// the reason why it cannot. It refuses members repeated at any depth.
func parseRegistered(payload []byte) (r registered, reason string) {
	if !utf8.Valid(payload) {
		return r, "the claims are not UTF-8"
	}
	var all map[string]any
	if err := json.Unmarshal(payload, &all); err != nil || all == nil {
		return r, "the claims are not one JSON object without repeated members"
	}
	if err := json.Unmarshal(payload, &r); err != nil {
		return r, "iss and aud must be single strings, iat, nbf and exp whole numbers"
	}
	if r.Issuer == nil || r.Audience == nil || r.IssuedAt == nil || r.NotBefore == nil || r.Expires == nil {
		return r, "iss, aud, iat, nbf and exp are required"
	}
	for _, t := range []int64{*r.IssuedAt, *r.NotBefore, *r.Expires} {
		if t <= 0 || t > maxTime {
			return r, "iat, nbf or exp is out of range"
		}
	}
	return r, ""
}

// Verifier verifies the statements of one issuer.
type Verifier struct {
	issuer string
	keys   func(context.Context) (KeySet, error)
	now    func() time.Time
}

// NewVerifier returns a verifier of what issuer signs with its keys. The keys
// are asked for at each call: keep them in memory. KeySet.Fixed serves a set
// that does not change; now is time.Now outside tests.
func NewVerifier(issuer string, keys func(context.Context) (KeySet, error), now func() time.Time) *Verifier {
	return &Verifier{issuer, keys, now}
}

// Issuer returns the issuer that the verifier trusts.
func (v *Verifier) Issuer() string { return v.issuer }

// Expect says what a statement must be. Every field is required.
type Expect struct {
	Typ         string        // exactly the header's typ
	Audience    string        // exactly the aud claim
	MaxLifetime time.Duration // the most that exp may lie after iat
}

// Verify reads a statement that meets every expectation into claims, a pointer
// to a struct; members that the struct does not name are ignored, as RFC 7519
// asks. All else gives ErrStatement, and what claims then holds is of no use; an
// error of the verifier's keys is returned as it is.
func (v *Verifier) Verify(ctx context.Context, token string, want Expect, claims any) error {
	if v.issuer == "" || want.Typ == "" || want.Audience == "" || want.MaxLifetime <= 0 {
		return refused("the verifier must expect an issuer, a type, an audience and a lifetime")
	}
	kid, err := parseHeader(token, want.Typ)
	if err != nil {
		return err
	}
	set, err := v.keys(ctx)
	if err != nil {
		return err
	}
	key, ok := set.keys[kid]
	if !ok {
		return refused("no key of the issuer has this kid")
	}
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return refused("not a compact ES256 JWS")
	}
	payload, err := jws.Verify(key)
	if err != nil {
		return refused("the signature is not the issuer's")
	}
	r, reason := parseRegistered(payload)
	if reason != "" {
		return refused(reason)
	}
	now := v.now()
	latest := now.Add(Leeway).Unix()
	switch {
	case *r.Issuer != v.issuer:
		return refused("another issuer")
	case *r.Audience != want.Audience:
		return refused("for another audience")
	case now.Unix() >= *r.Expires:
		return refused("expired")
	case *r.IssuedAt > latest:
		return refused("issued in the future")
	case *r.NotBefore > latest:
		return refused("not valid yet")
	case *r.Expires <= *r.IssuedAt:
		return refused("expires before it is issued")
	case *r.Expires-*r.IssuedAt > int64(want.MaxLifetime/time.Second):
		return refused("lives too long")
	}
	if err := json.Unmarshal(payload, claims); err != nil {
		return refused("the claims are not those of its type")
	}
	return nil
}

// parseHeader checks the form of the token and its header, before any
// cryptography, and returns the kid.
func parseHeader(token, typ string) (kid string, err error) {
	if len(token) > MaxSize {
		return "", refused("over 8 KiB")
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", refused("not a compact JWS")
	}
	for _, part := range parts {
		if !canonicalBase64(part) {
			return "", refused("a part is not canonical base64url")
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		return "", refused("a part is not canonical base64url")
	}
	var header map[string]string
	if !utf8.Valid(raw) || json.Unmarshal(raw, &header) != nil {
		return "", refused("the header is not one JSON object of strings without repeated members")
	}
	for name := range header {
		if name != "alg" && name != "kid" && name != "typ" {
			return "", refused("the header holds more than alg, kid and typ")
		}
	}
	switch {
	case header["alg"] != string(jose.ES256):
		return "", refused("the algorithm is not ES256")
	case header["typ"] != typ:
		return "", refused("a statement of another type")
	case header["kid"] == "":
		return "", refused("no kid")
	}
	return header["kid"], nil
}

// canonicalBase64 reports whether s is not empty and the one unpadded base64url
// text of what it decodes to. The decoder alone skips line breaks.
func canonicalBase64(s string) bool {
	if s == "" || strings.ContainsAny(s, "\r\n") {
		return false
	}
	_, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil
}
