package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/go-jose/go-jose/v4"
)

// Identity is what a verified token says: who, by which of the partnership's
// issuers, until when.
type Identity struct {
	Issuer  string // its name in the terms
	Subject string
	// Claims holds the claims that the issuer's mappings name, and no other.
	Claims  map[string]any
	Expires time.Time
}

// The bounds of a token and of what is remembered of them.
const (
	maxToken      = 8 << 10
	maxSubject    = 255
	skew          = time.Minute // how far nbf and iat may lie ahead
	verifiedSize  = 10_000
	verifiedFor   = 10 * time.Minute // a key that its issuer takes back counts no longer than that
	refusedSize   = 10_000
	refusedFor    = time.Minute
	maxIssuerKeys = 4 // tried for a token without a key id
)

// signingAlgs are the algorithms that a token may be signed with. Neither none
// nor a shared secret is among them.
var signingAlgs = []jose.SignatureAlgorithm{jose.ES256, jose.RS256, jose.PS256, jose.EdDSA}

var signingAlgNames = []string{oidc.ES256, oidc.RS256, oidc.PS256, oidc.EdDSA}

// Authenticator verifies tokens of the issuers that the terms name. It keeps
// the issuers' keys and which tokens it has verified; whether their bearer is
// still registered is not its to say.
type Authenticator struct {
	now    func() time.Time
	log    *slog.Logger
	client *http.Client

	verified *lru[[sha256.Size]byte, verifiedToken]
	refused  *lru[[sha256.Size]byte, time.Time] // bad signatures, until when

	mu   sync.Mutex
	keys map[string]*issuerKeys // by the issuer's URL
}

// verifiedToken is a token that verified under that version of the terms.
type verifiedToken struct {
	id      Identity
	version int64
	until   time.Time
}

// NewAuthenticator makes one. The transport reaches the issuers.
func NewAuthenticator(now func() time.Time, log *slog.Logger, transport http.RoundTripper) *Authenticator {
	return &Authenticator{
		now: now, log: log, client: newIssuerClient(transport),
		verified: newLRU[[sha256.Size]byte, verifiedToken](verifiedSize),
		refused:  newLRU[[sha256.Size]byte, time.Time](refusedSize),
		keys:     make(map[string]*issuerKeys),
	}
}

// errOtherTerms is the cause of a refusal that newer terms could lift.
var errOtherTerms = errors.New("the terms name no such issuer or audience")

// Verify returns who the token names, if one of the issuers in the terms
// signed it for the hub and its time has come and not passed.
//
// It wants a compact JWS signed with one of signingAlgs; typ absent, JWT or
// at+jwt; exp, with no leeway; nbf and iat at most a minute ahead; sub of 1 to
// 255 bytes; aud to be the issuer's audience, and where it is several, azp to
// be it too. It remembers what it verified, by hash, and asks nobody again
// while the terms stay the same. Errors are Unauthenticated, or Unavailable
// when the issuer cannot be reached.
func (a *Authenticator) Verify(ctx context.Context, terms *decide.Terms, token string) (Identity, error) {
	if len(token) > maxToken {
		return Identity{}, refuse("the token is longer than %d bytes: ask for one with fewer claims", maxToken)
	}
	now := a.now()
	hash := sha256.Sum256([]byte(token))
	if v, ok := a.verified.get(hash); ok {
		if v.version == terms.Version && now.Before(v.until) {
			return v.id, nil
		}
		a.verified.drop(hash)
	}
	if until, ok := a.refused.get(hash); ok && now.Before(until) {
		return Identity{}, badSignature()
	}
	id, err := a.verify(ctx, terms, token, now)
	if err != nil {
		if errors.Is(err, errBadSignature) {
			a.refused.put(hash, now.Add(refusedFor))
		}
		return Identity{}, err
	}
	until := now.Add(verifiedFor)
	if id.Expires.Before(until) {
		until = id.Expires
	}
	a.verified.put(hash, verifiedToken{id, terms.Version, until})
	return id, nil
}

func (a *Authenticator) verify(ctx context.Context, terms *decide.Terms, token string, now time.Time) (Identity, error) {
	jws, err := jose.ParseSignedCompact(token, signingAlgs)
	if err != nil {
		return Identity{}, refuse("this is not a token signed with %s: sign in again", strings.Join(signingAlgNames, ", "))
	}
	header := jws.Signatures[0].Protected
	// The parser knows one critical header, b64, and a JWT must not use it (RFC 7797 section 7).
	if _, critical := header.ExtraHeaders["crit"]; critical {
		return Identity{}, refuse("the token has a critical header, and this hub knows none: sign in again")
	}
	if !typeAllowed(header.ExtraHeaders[jose.HeaderType]) {
		return Identity{}, refuse("the token is of another type: send an access or ID token")
	}
	issuer := unverifiedIssuer(token)
	if !slices.ContainsFunc(terms.Issuers, func(i decide.Issuer) bool { return i.Issuer == issuer }) {
		return Identity{}, refuse("the token is of no issuer of this partnership: sign in with one of its issuers").Because(errOtherTerms)
	}

	set := &signature{keys: a.keysOf(issuer, terms), jws: jws}
	verified, err := oidc.NewVerifier(issuer, set, &oidc.Config{
		SkipClientIDCheck:    true, // admits looks closer
		SupportedSigningAlgs: signingAlgNames,
		Now:                  func() time.Time { return now },
	}).Verify(ctx, token)
	if set.err != nil {
		return Identity{}, set.err
	}
	if _, ok := errors.AsType[*oidc.TokenExpiredError](err); ok || err == nil && !now.Before(verified.Expiry) {
		return Identity{}, refuse("the token has expired: sign in again")
	}
	if err != nil {
		return Identity{}, refuse("the token's claims cannot be read: sign in again")
	}
	return admit(terms, verified, now)
}

// signature is go-oidc's way to the keys. It keeps what it found wrong, since
// go-oidc passes on the words alone.
type signature struct {
	keys *issuerKeys
	jws  *jose.JSONWebSignature
	err  error
}

// VerifySignature tries the issuer's keys on the token parsed before.
func (s *signature) VerifySignature(ctx context.Context, _ string) ([]byte, error) {
	header := s.jws.Signatures[0].Protected
	keys, err := s.keys.find(ctx, header.KeyID, header.Algorithm)
	switch {
	case err != nil:
		s.err = err
		return nil, err
	case len(keys) == 0:
		s.err = refuse("the token's key is not one that its issuer publishes: sign in again")
		return nil, s.err
	}
	for i := range keys[:min(len(keys), maxIssuerKeys)] {
		if payload, err := s.jws.Verify(&keys[i]); err == nil {
			return payload, nil
		}
	}
	s.err = badSignature()
	return nil, s.err
}

// admit checks the claims of a token whose signature is good against the
// issuer's entries in the terms.
func admit(terms *decide.Terms, token *oidc.IDToken, now time.Time) (Identity, error) {
	var all map[string]any
	var claims struct {
		AuthorisedParty string       `json:"azp"`
		NotBefore       *json.Number `json:"nbf"`
		IssuedAt        *json.Number `json:"iat"`
	}
	if err := errors.Join(token.Claims(&claims), token.Claims(&all)); err != nil {
		return Identity{}, refuse("the token's claims cannot be read: sign in again")
	}
	for _, at := range []*json.Number{claims.NotBefore, claims.IssuedAt} {
		if at == nil {
			continue
		}
		seconds, err := at.Float64()
		if err != nil || seconds > float64(now.Add(skew).Unix()) {
			return Identity{}, refuse("the token is not valid yet: check the clocks, then sign in again")
		}
	}
	if n := len(token.Subject); n == 0 || n > maxSubject || !utf8.ValidString(token.Subject) {
		return Identity{}, refuse("the token names nobody: its sub must have 1 to %d bytes", maxSubject)
	}
	for _, entry := range terms.Issuers {
		if entry.Issuer != token.Issuer || !slices.Contains(token.Audience, entry.Audience) ||
			len(token.Audience) > 1 && claims.AuthorisedParty != entry.Audience {
			continue
		}
		id := Identity{Issuer: entry.Name, Subject: token.Subject, Expires: token.Expiry}
		for _, m := range entry.Mappings {
			if value, ok := all[m.Claim]; ok {
				if id.Claims == nil {
					id.Claims = make(map[string]any)
				}
				id.Claims[m.Claim] = value
			}
		}
		return id, nil
	}
	return Identity{}, refuse("the token was made for somebody else: sign in for this hub's audience").Because(errOtherTerms)
}

// keysOf returns the keys of an issuer in the terms, and forgets those of
// issuers that are no longer there.
func (a *Authenticator) keysOf(issuer string, terms *decide.Terms) *issuerKeys {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, ok := a.keys[issuer]
	if !ok {
		for old := range a.keys {
			if !slices.ContainsFunc(terms.Issuers, func(i decide.Issuer) bool { return i.Issuer == old }) {
				delete(a.keys, old)
			}
		}
		k = newIssuerKeys(issuer, a)
		a.keys[issuer] = k
	}
	return k
}

// typeAllowed reports whether a token of that typ may sign its bearer in. The
// type keeps other JWTs of an issuer, such as logout tokens, from doing so.
func typeAllowed(typ any) bool {
	if typ == nil {
		return true
	}
	s, _ := typ.(string)
	return strings.EqualFold(s, "JWT") || strings.EqualFold(s, "at+jwt") || strings.EqualFold(s, "application/at+jwt")
}

// unverifiedIssuer reads iss to choose whose keys to try; go-oidc checks it
// again once the signature is good.
func unverifiedIssuer(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

func refuse(format string, args ...any) *fault.Error {
	return fault.New(fault.Unauthenticated, format, args...)
}

var errBadSignature = errors.New("no key of the issuer made the signature")

func badSignature() *fault.Error {
	return refuse("the token's signature does not verify: sign in again").Because(errBadSignature)
}
