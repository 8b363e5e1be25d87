package signin

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
)

// Seed is what a device that shows one-time codes and the registrar have in common
// (RFC 6238). It cannot be hashed, since it has to be known to be checked: seal it.
type Seed [20]byte

// NewSeed draws a seed.
func NewSeed() Seed {
	var s Seed
	_, _ = rand.Read(s[:])
	return s
}

// Format writes a mask, whatever the verb.
func (Seed) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "[secret]") }

const (
	codePeriod = 30 // seconds
	codeDrift  = 1  // periods that a device's clock may be off
)

var base32NoPad = base32.StdEncoding.WithPadding(base32.NoPadding)

// Spelt is the seed as a person types it into their device, in groups of four.
func (s Seed) Spelt() string {
	text := base32NoPad.EncodeToString(s[:])
	grouped := text[:4]
	for i := 4; i < len(text); i += 4 {
		grouped += " " + text[i:min(i+4, len(text))]
	}
	return grouped
}

// ParseSeed reads a seed that was spelt.
func ParseSeed(spelt string) (s Seed, ok bool) {
	if len(spelt) > 64 {
		return s, false
	}
	raw, err := base32NoPad.DecodeString(strings.ReplaceAll(spelt, " ", ""))
	if err != nil || len(raw) != len(s) {
		return s, false
	}
	return Seed(raw), true
}

// URI is the seed as a device reads it from a picture. The issuer names the
// registrar; account is what the person's device calls the entry.
func (s Seed) URI(issuer, account string) string {
	return (&url.URL{Scheme: "otpauth", Host: "totp", Path: "/" + issuer + ":" + account, RawQuery: url.Values{
		"secret": {base32NoPad.EncodeToString(s[:])}, "issuer": {issuer}, "period": {"30"}, "digits": {"6"}, "algorithm": {"SHA1"},
	}.Encode()}).String()
}

// Step returns the period that a typed code belongs to, if it is one of the seed's
// around now. Each step is good once: the caller refuses one that is not later than
// the last (RFC 6238 section 5.2).
func (s Seed) Step(typed string, now time.Time) (step int64, ok bool) {
	digits, ok := onlyDigits(typed, 6)
	if !ok {
		return 0, false
	}
	secret := base32NoPad.EncodeToString(s[:])
	at := now.Unix() / codePeriod
	// All are compared, so that the time tells nothing of which.
	for _, candidate := range []int64{at - codeDrift, at, at + codeDrift} {
		matches, err := hotp.ValidateCustom(string(digits), uint64(candidate), secret,
			hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && matches {
			step = candidate
		}
	}
	return step, step != 0
}

// CodeAt is the code of a seed at a time, as a device shows it.
func (s Seed) CodeAt(at time.Time) (string, error) {
	return hotp.GenerateCodeCustom(base32NoPad.EncodeToString(s[:]), uint64(at.Unix()/codePeriod),
		hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
}
