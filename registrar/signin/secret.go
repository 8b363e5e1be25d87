package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/seal"
)

// SecretsKey is the KindMAC key that every secret passes before it is hashed: a
// dump without it is of no use to a guesser. It is never replaced, since a secret
// can be hashed again only when its owner types it.
const SecretsKey seal.KeyID = "duty/registrar/secrets"

// The bounds of a secret, in characters. Length is all that is asked of it, as
// NIST SP 800-63B section 5.1.1 advises: rules of composition make secrets alike.
const (
	ShortestSecret = 12
	LongestSecret  = 128
)

// params are argon2id's costs. They stand in the hash, so that they can be raised:
// what was hashed with others is hashed again when its owner signs in.
type params struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// current are the first of the costs that OWASP's Password Storage Cheat Sheet
// gives for argon2id: 22 ms of one core, and 19 MiB.
var current = params{memory: 19 << 10, passes: 2, threads: 1}

const (
	saltSize = 16
	hashSize = 32

	// The most that a stored hash may ask for. Nothing writes more than current;
	// whoever can write to the table must not be able to exhaust the process.
	mostMemory = 256 << 10
	mostPasses = 16
)

// Secrets hashes and verifies. It is safe for concurrent use, and no more run at a
// time than it was made for: each takes its memory for as long as it lasts.
type Secrets struct {
	keys  seal.Provider
	turns chan struct{}
	none  string // a hash that nothing matches, for those who are not there
}

// NewSecrets makes one that hashes atOnce secrets at a time. SecretsKey must be
// there.
func NewSecrets(ctx context.Context, keys seal.Provider, atOnce int) (*Secrets, error) {
	if keys == nil || atOnce < 1 {
		return nil, errors.New("signin: secrets need keys and at least one turn")
	}
	s := &Secrets{keys: keys, turns: make(chan struct{}, atOnce)}
	var err error
	s.none, err = s.Hash(ctx, rand.Text())
	return s, err
}

// CheckSecret says what is wrong with a secret that somebody chooses, in words for
// them; "" if nothing is.
func CheckSecret(secret string) string {
	n := utf8.RuneCountInString(secret)
	switch {
	case !utf8.ValidString(secret) || strings.ContainsFunc(secret, unicode.IsControl):
		return "Your password has a character that cannot be typed everywhere"
	case n < ShortestSecret:
		return fmt.Sprintf("Your password must have %d characters or more", ShortestSecret)
	case n > LongestSecret:
		return fmt.Sprintf("Your password must have %d characters or fewer", LongestSecret)
	case distinct(secret) < 5:
		return "Your password must not repeat so few characters"
	}
	return ""
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, c := range s {
		seen[c] = true
	}
	return len(seen)
}

// Hash returns what is stored of a secret, in the PHC string format.
func (s *Secrets) Hash(ctx context.Context, secret string) (string, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the process instead
	sum, err := s.derive(ctx, current, salt, secret)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, current.memory, current.passes, current.threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// Verify reports whether the secret is the one that stored was made of, and
// whether it is to be hashed again because the costs have changed. An empty stored
// matches nothing and takes as long: whoever asks learns nothing of who is there.
func (s *Secrets) Verify(ctx context.Context, stored, secret string) (matches, stale bool, err error) {
	there := stored != ""
	if !there {
		stored = s.none
	}
	p, salt, want, err := parse(stored)
	if err != nil {
		return false, false, err
	}
	if utf8.RuneCountInString(secret) > LongestSecret {
		secret, there = "", false
	}
	got, err := s.derive(ctx, p, salt, secret)
	if err != nil {
		return false, false, err
	}
	matches = subtle.ConstantTimeCompare(got, want) == 1 && there
	return matches, matches && p != current, nil
}

// derive waits for its turn. Whoever waits longer than they care to is told to come
// again.
func (s *Secrets) derive(ctx context.Context, p params, salt []byte, secret string) ([]byte, error) {
	keyed, err := s.keys.MAC(ctx, SecretsKey, []byte("fame/secret/1\x00"+norm.NFKC.String(secret)))
	if err != nil {
		return nil, err
	}
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
	case <-ctx.Done():
		return nil, fault.New(fault.Unavailable, "too many people are signing in: try again in a moment").Because(ctx.Err())
	}
	return argon2.IDKey(keyed[:], salt, p.passes, p.memory, p.threads, hashSize), nil
}

var errHash = errors.New("signin: a stored secret cannot be read: restore the table from a backup")

// parse reads what Hash wrote.
func parse(stored string) (p params, salt, sum []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, errHash
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.threads); n != 3 || err != nil {
		return p, nil, nil, errHash
	}
	if parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", p.memory, p.passes, p.threads) ||
		p.memory < 8*uint32(p.threads) || p.memory > mostMemory || p.passes < 1 || p.passes > mostPasses || p.threads < 1 {
		return p, nil, nil, errHash
	}
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil || len(salt) < 8 || len(salt) > 64 {
		return p, nil, nil, errHash
	}
	sum, err = base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(sum) != hashSize {
		return p, nil, nil, errHash
	}
	return p, salt, sum, nil
}
