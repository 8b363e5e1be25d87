package entity

import (
	"encoding/base64"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // case-sensitive, and refuses repeated members
)

// What statements are called, as the typ of their header and as media types.
const (
	Typ         = "entity-statement+jwt"
	ContentType = "application/" + Typ
)

// Bounds of what is read.
const (
	MaxSize     = 64 << 10
	MaxLifetime = 400 * 24 * time.Hour
	Leeway      = 60 * time.Second // how far clocks may differ, for iat alone
	maxHints    = 64
	maxMarks    = 32
)

// ErrRefused is in every error about what a statement says: it was read and is not
// accepted.
var ErrRefused = errors.New("entity: statement refused")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Statement is an entity statement (section 3): of an entity about itself, its
// configuration, or of a superior about it. It marshals to its claims.
type Statement struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Keys     *Keys  `json:"jwks,omitempty"`

	Metadata         Metadata            `json:"metadata,omitempty"`
	AuthorityHints   []string            `json:"authority_hints,omitempty"`
	AnchorHints      []string            `json:"trust_anchor_hints,omitempty"`
	Policy           Policy              `json:"metadata_policy,omitempty"`
	PolicyCritical   []string            `json:"metadata_policy_crit,omitempty"`
	Constraints      *Constraints        `json:"constraints,omitempty"`
	Critical         []string            `json:"crit,omitempty"`
	TrustMarks       []MarkOf            `json:"trust_marks,omitempty"`
	TrustMarkIssuers map[string][]string `json:"trust_mark_issuers,omitempty"`
	TrustMarkOwners  map[string]Owner    `json:"trust_mark_owners,omitempty"`
	SourceEndpoint   string              `json:"source_endpoint,omitempty"`

	// Agreement is ours, of a hub about its peer: what both have confirmed. Nobody
	// else needs to understand it.
	Agreement stdjson.RawMessage `json:"fame_agreement,omitempty"`
}

// Metadata is what is said of an entity, by its types and their parameters.
type Metadata map[string]map[string]any

// MarkOf is a trust mark as a configuration carries it.
type MarkOf struct {
	Type string `json:"trust_mark_type"`
	Mark string `json:"trust_mark"`
}

// Ends is when the statement does.
func (s *Statement) Ends() time.Time { return time.Unix(s.Expires, 0).UTC() }

// IsConfiguration reports whether it is an entity's statement about itself.
func (s *Statement) IsConfiguration() bool { return s.Issuer == s.Subject }

// OpenConfiguration verifies what an entity states about itself: it is signed by one of
// the keys that it states. Whether those are the entity's is for others to say: a
// superior, or somebody who knows a key of theirs.
func OpenConfiguration(text, entity string, now time.Time) (*Statement, error) {
	payload, err := payloadOf(text)
	if err != nil {
		return nil, err
	}
	s, err := read(payload)
	if err != nil {
		return nil, err
	}
	if s.Keys == nil {
		return nil, refused("a configuration states the entity's keys")
	}
	return open(text, entity, entity, *s.Keys, now)
}

// OpenAbout verifies what a superior states about an entity, by the superior's keys.
func OpenAbout(text, issuer, subject string, keys Keys, now time.Time) (*Statement, error) {
	if issuer == subject {
		return nil, refused("a superior states something about somebody else")
	}
	return open(text, issuer, subject, keys, now)
}

func open(text, issuer, subject string, keys Keys, now time.Time) (*Statement, error) {
	payload, err := keys.Verify(text, Typ)
	if err != nil {
		return nil, err
	}
	s, err := read(payload)
	if err != nil {
		return nil, err
	}
	if s.Issuer != issuer || s.Subject != subject {
		return nil, refused("of another issuer, or about another subject")
	}
	if err := lives(s.IssuedAt, s.Expires, now); err != nil {
		return nil, err
	}
	return s, s.check()
}

// lives holds the times of a statement to the clock.
func lives(issued, expires int64, now time.Time) error {
	switch {
	case issued <= 0 || expires <= issued || expires-issued > int64(MaxLifetime/time.Second):
		return refused("its times are none that a statement has")
	case now.Unix() >= expires:
		return refused("expired")
	case issued > now.Add(Leeway).Unix():
		return refused("issued in the future")
	}
	return nil
}

// known are the claims that the specification defines for entity statements: none of
// them may be listed as critical (section 3.1.1).
var known = []string{
	"iss", "sub", "iat", "exp", "jwks", "metadata", "authority_hints", "trust_anchor_hints", "metadata_policy", "metadata_policy_crit", "constraints",
	"crit", "trust_marks", "trust_mark_issuers", "trust_mark_owners", "source_endpoint", "aud", "trust_anchor", "trust_chain", "peer_trust_chain",
}

// read reads the claims, without verifying anything. Members that nobody defined are
// ignored, unless the statement says that they are critical.
func read(payload []byte) (*Statement, error) {
	if !utf8.Valid(payload) {
		return nil, refused("the claims are not UTF-8")
	}
	var all map[string]any // finds repeated members at any depth
	if json.Unmarshal(payload, &all) != nil || all == nil {
		return nil, refused("the claims are not one JSON object without repeated members")
	}
	s := new(Statement)
	if json.Unmarshal(payload, s) != nil {
		return nil, refused("a claim is of another type than the specification gives it")
	}
	for _, name := range []string{"crit", "metadata_policy_crit"} {
		if list, ok := all[name].([]any); ok && len(list) == 0 {
			return nil, refused("%s is there and empty", name)
		}
	}
	for name, v := range all {
		if v == nil && slices.Contains(known, name) {
			return nil, refused("a claim is null")
		}
	}
	if len(s.Critical) > 0 {
		return nil, refused("a critical claim is none that is understood here")
	}
	return s, nil
}

// check holds the claims to where they may stand (section 3.1).
func (s *Statement) check() error {
	if err := errors.Join(CheckID(s.Issuer), CheckID(s.Subject)); err != nil {
		return err
	}
	own := s.IsConfiguration()
	switch {
	case own && (s.Policy != nil || s.PolicyCritical != nil || s.Constraints != nil || s.SourceEndpoint != ""):
		return refused("a configuration holds what only a superior may state")
	case own && s.Keys == nil:
		return refused("a configuration states the entity's keys")
	case !own && (s.AuthorityHints != nil || s.AnchorHints != nil || s.TrustMarkIssuers != nil || s.TrustMarkOwners != nil):
		return refused("a superior states what only the entity itself may")
	case own && s.AuthorityHints != nil && len(s.AuthorityHints) == 0:
		return refused("authority_hints is there and empty")
	case len(s.AuthorityHints) > maxHints || len(s.AnchorHints) > maxHints || len(s.TrustMarks) > maxMarks:
		return refused("more hints or marks than anybody follows")
	}
	for _, hint := range slices.Concat(s.AuthorityHints, s.AnchorHints) {
		if err := CheckID(hint); err != nil {
			return err
		}
	}
	if err := s.Constraints.check(); err != nil {
		return err
	}
	if err := s.Policy.check(s.PolicyCritical); err != nil {
		return err
	}
	for _, owner := range s.TrustMarkOwners {
		if owner.Keys == nil {
			return refused("the owner of a kind of mark is named without keys")
		}
		if err := CheckID(owner.Subject); err != nil {
			return err
		}
	}
	for of, parameters := range s.Metadata {
		if of == "" || parameters == nil {
			return refused("metadata of no type, or of none")
		}
		for _, v := range parameters {
			if v == nil {
				return refused("a metadata parameter is null")
			}
		}
	}
	return nil
}

// CheckID refuses what is no entity identifier (section 1.2): an https URL with a host
// and, if need be, a port and a path. http is for one's own machine alone.
func CheckID(id string) error {
	u, err := url.Parse(id)
	switch {
	case err != nil || len(id) > 2048 || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Opaque != "" || strings.ContainsAny(id, "?# \t\r\n\\"):
		return refused("an entity identifier is the https URL of a host, without query and fragment")
	case u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return refused("an entity is reached by https alone, save on this machine")
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// ReadStatement reads what a statement says, unverified: of one that Verify has accepted.
func ReadStatement(text string) (*Statement, error) {
	payload, err := payloadOf(text)
	if err != nil {
		return nil, err
	}
	return read(payload)
}

// payloadOf is what a JWS says, unverified.
func payloadOf(text string) ([]byte, error) {
	if _, err := headerOf(text); err != nil {
		return nil, err
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err != nil {
		return nil, refused("not a compact JWS")
	}
	return payload, nil
}

// header is the protected header of a statement.
type header struct {
	Algorithm string `json:"alg"`
	Type      string `json:"typ"`
	KeyID     string `json:"kid"`
}

// headerOf checks the form of a compact JWS and its header, before any cryptography.
func headerOf(text string) (h header, err error) {
	if len(text) > MaxSize {
		return h, refused("over %d KiB", MaxSize>>10)
	}
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return h, refused("not a compact JWS")
	}
	for _, part := range parts {
		if _, err := base64.RawURLEncoding.Strict().DecodeString(part); err != nil || part == "" || strings.ContainsAny(part, "\r\n") {
			return h, refused("a part is not canonical base64url")
		}
	}
	raw, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil || !utf8.Valid(raw) {
		return h, refused("the header is no JSON")
	}
	var all map[string]any
	if json.Unmarshal(raw, &all) != nil || json.Unmarshal(raw, &h) != nil || all == nil {
		return h, refused("the header is not one JSON object without repeated members")
	}
	for _, name := range []string{"crit", "b64", "jwk", "jku", "x5u", "x5c", "zip"} {
		if _, ok := all[name]; ok {
			return h, refused("the header asks for what is not done here")
		}
	}
	if h.KeyID == "" || h.Algorithm == "" {
		return h, refused("the header names no key or no algorithm")
	}
	return h, nil
}

// algorithms are those that a federation's keys may sign with.
var algorithms = []jose.SignatureAlgorithm{jose.ES256, jose.ES384, jose.ES512, jose.EdDSA, jose.PS256, jose.PS384, jose.PS512, jose.RS256, jose.RS384, jose.RS512}
