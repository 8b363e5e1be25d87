package signin

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/seal"
)

const passphrase = "correct horse battery staple"

func keys(t testing.TB) seal.Provider {
	t.Helper()
	dir := t.TempDir()
	f, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	must(t, err)
	for _, id := range []seal.KeyID{SecretsKey, NamesKey} {
		_, _, err = f.Ensure(context.Background(), id, seal.KindMAC)
		must(t, err)
	}
	return f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// REG-07: what is stored of a secret is a salted slow hash under a key that is kept
// elsewhere, and the one secret alone matches it.
func TestASecretIsKeptAsASlowHashUnderAKeyKeptElsewhere(t *testing.T) {
	t.Parallel()
	provider := keys(t)
	s, err := NewSecrets(t.Context(), provider, 1)
	must(t, err)
	one, err := s.Hash(t.Context(), passphrase)
	must(t, err)
	two, err := s.Hash(t.Context(), passphrase)
	must(t, err)
	if one == two || !strings.HasPrefix(one, "$argon2id$v=19$m=19456,t=2,p=1$") || strings.Contains(one, "correct") {
		t.Errorf("stored %q and %q", one, two)
	}
	for given, want := range map[string]bool{
		passphrase: true, "correct horse battery stapl": false, "": false, strings.ToUpper(passphrase): false, strings.Repeat("x", 10_000): false,
	} {
		matches, stale, err := s.Verify(t.Context(), one, given)
		if err != nil || matches != want || stale {
			t.Errorf("%.20q: matches %v, stale %v, %v", given, matches, stale, err)
		}
	}
	if matches, _, err := s.Verify(t.Context(), "", passphrase); matches || err != nil {
		t.Errorf("somebody who is not there: %v %v", matches, err)
	}
	// The same hash under another key is noise.
	other, err := NewSecrets(t.Context(), keys(t), 1)
	must(t, err)
	if matches, _, err := other.Verify(t.Context(), one, passphrase); matches || err != nil {
		t.Errorf("under another key: %v %v", matches, err)
	}
	// Unicode's ways to write one letter are one letter.
	accented, err := s.Hash(t.Context(), "Caf\u00e9 au lait, s'il vous plait")
	must(t, err)
	if matches, _, err := s.Verify(t.Context(), accented, "Cafe\u0301 au lait, s'il vous plait"); !matches || err != nil {
		t.Errorf("typed on another keyboard: %v %v", matches, err)
	}
}

func TestAHashOfOldCostsIsToBeMadeAgain(t *testing.T) {
	t.Parallel()
	s, err := NewSecrets(t.Context(), keys(t), 1)
	must(t, err)
	h, err := s.Hash(t.Context(), passphrase)
	must(t, err)
	p, salt, sum, err := parse(h)
	must(t, err)
	if p != current || len(salt) != saltSize || len(sum) != hashSize {
		t.Errorf("%+v", p)
	}
	cheap := params{memory: 8, passes: 1, threads: 1}
	sum, err = s.derive(t.Context(), cheap, salt, passphrase)
	must(t, err)
	old := strings.Replace(h, "m=19456,t=2,p=1", "m=8,t=1,p=1", 1)
	old = old[:strings.LastIndexByte(old, '$')+1] + base64.RawStdEncoding.EncodeToString(sum)
	if matches, stale, err := s.Verify(t.Context(), old, passphrase); !matches || !stale || err != nil {
		t.Errorf("matches %v, stale %v, %v", matches, stale, err)
	}
}

// Whoever can write to the table cannot have the process take all of its memory, and
// what is no hash is an error, never a match.
func TestWhatIsNoHashIsRefused(t *testing.T) {
	t.Parallel()
	s, err := NewSecrets(t.Context(), keys(t), 1)
	must(t, err)
	good, err := s.Hash(t.Context(), passphrase)
	must(t, err)
	for _, bad := range []string{
		"x", "$argon2id$", strings.Replace(good, "m=19456", "m=4194304", 1), strings.Replace(good, "t=2", "t=0", 1), strings.Replace(good, "t=2", "t=99", 1),
		strings.Replace(good, "p=1", "p=0", 1), strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		good + "$", good[:len(good)-4], strings.Replace(good, "m=19456", "m=019456", 1), strings.Replace(good, "m=19456", "m=-1", 1),
	} {
		if matches, _, err := s.Verify(t.Context(), bad, passphrase); matches || err == nil {
			t.Errorf("%q: %v %v", bad, matches, err)
		}
	}
}

// No more hash at a time than there are turns, and who waits too long is told so.
func TestNoMoreHashAtATimeThanThereAreTurns(t *testing.T) {
	t.Parallel()
	s, err := NewSecrets(t.Context(), keys(t), 1)
	must(t, err)
	s.turns <- struct{}{} // somebody is at it
	ctx, cancel := context.WithCancel(t.Context())
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if _, _, err := s.Verify(ctx, "", passphrase); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("while another hashes: %v", err)
		}
	})
	cancel()
	waiting.Wait()
	<-s.turns
	if _, err := s.Hash(t.Context(), passphrase); err != nil {
		t.Error(err)
	}
}

func TestASecretMustBeLongAndNothingElse(t *testing.T) {
	t.Parallel()
	for secret, ok := range map[string]bool{
		passphrase: true, "twelve chars": true, "eleven char": false, strings.Repeat("ab", 40): false, "äöüß ñandú ñ": true,
		strings.Repeat("abcde", 26): false, "tab\tin the middle": false, "not utf-8 \xff ......": false, "": false,
	} {
		if said := CheckSecret(secret); (said == "") != ok || secret != "" && strings.Contains(said, secret) {
			t.Errorf("%q: %q", secret, said)
		}
	}
}

func TestANumberIsReadAsPeopleWriteItAndASlipIsSeen(t *testing.T) {
	t.Parallel()
	for range 200 {
		n := NewNumber()
		for _, typed := range []string{string(n), n.Grouped(), " " + strings.ReplaceAll(n.Grouped(), " ", "-") + " "} {
			if got, ok := ParseNumber(typed); !ok || got != n {
				t.Fatalf("%q is read as %q, %v", typed, got, ok)
			}
		}
		for i := range n {
			for d := byte('0'); d <= '9'; d++ {
				slip := []byte(n)
				if slip[i] == d {
					continue
				}
				slip[i] = d
				if _, ok := ParseNumber(string(slip)); ok {
					t.Fatalf("%s for %s passes", slip, n)
				}
			}
		}
	}
	for _, typed := range []string{"", "1", "١٢٣٤٥٦٧٨٩٠١٢", "1234567890123", "123456789o12", strings.Repeat("1", 1<<20)} {
		if _, ok := ParseNumber(typed); ok {
			t.Errorf("%.20q is a number", typed)
		}
	}
}

func TestACodeIsReadAsItIsSpoken(t *testing.T) {
	t.Parallel()
	seen := map[Code]bool{}
	for range 200 {
		c := NewCode()
		seen[c] = true
		spoken := strings.NewReplacer("0", "o", "1", "l").Replace(strings.ToLower(c.Grouped()))
		if got, ok := ParseCode(" " + spoken); !ok || got != c {
			t.Fatalf("%q is read as %q, not %q", spoken, got, c)
		}
	}
	if len(seen) != 200 {
		t.Error("codes repeat")
	}
	for _, typed := range []string{"", "ABCDE-FGHJ", "ABCDE-FGHJKM", "ABCDE-FGHJU", "ABCDE-FGHJé", strings.Repeat("A", 1<<20)} {
		if _, ok := ParseCode(typed); ok {
			t.Errorf("%.20q is a code", typed)
		}
	}
}

// Look-ups of numbers and codes are keyed and apart: a dump tells neither, and a code
// is never found as a number.
func TestWhatIsTypedIsLookedUpByAKeyedHash(t *testing.T) {
	t.Parallel()
	provider := keys(t)
	number, err := Number("482109375526").Token(t.Context(), provider)
	must(t, err)
	code, err := Code("482109375526").Token(t.Context(), provider)
	must(t, err)
	again, err := Number("482109375526").Token(t.Context(), provider)
	must(t, err)
	elsewhere, err := Number("482109375526").Token(t.Context(), keys(t))
	must(t, err)
	if number == code || number != again || number == elsewhere {
		t.Error("tokens are alike that differ, or differ that are alike")
	}
}

// RFC 6238 appendix B, for SHA-1, of whose eight digits a device shows the last six.
func TestOneTimeCodesAreThoseOfTheRFC(t *testing.T) {
	t.Parallel()
	seed := Seed([]byte("12345678901234567890"))
	for at, want := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130",
	} {
		code, err := seed.CodeAt(time.Unix(at, 0))
		step, ok := seed.Step(code[:3]+" "+code[3:], time.Unix(at, 0))
		if err != nil || code != want || !ok || step != at/30 {
			t.Errorf("at %d: %s, step %d, %v %v; want %s", at, code, step, ok, err, want)
		}
		for _, drift := range []int64{-30, 30} {
			if step, ok := seed.Step(code, time.Unix(at+drift, 0)); !ok || step != at/30 {
				t.Errorf("a clock that is %d s off: %d %v", drift, step, ok)
			}
		}
		for _, drift := range []int64{-90, 90} {
			if _, ok := seed.Step(code, time.Unix(at+drift, 0)); ok {
				t.Errorf("a clock that is %d s off passes", drift)
			}
		}
	}
	for _, typed := range []string{"", "28708", "2870822", "abcdef", "٢٨٧٠٨٢"} {
		if _, ok := seed.Step(typed, time.Unix(59, 0)); ok {
			t.Errorf("%q passes", typed)
		}
	}
	if text := fmt.Sprintf("%v %s %+v %d %x %q", seed, seed, seed, seed, seed, seed); strings.Contains(text, "12345") || strings.Contains(text, "49") || strings.Contains(text, "3132") {
		t.Errorf("a seed prints as %s", text)
	}
	if uri := seed.URI("County registrar", "4821"); !strings.HasPrefix(uri, "otpauth://totp/County%20registrar:4821?") || !strings.Contains(uri, "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ") {
		t.Error(uri)
	}
}

// AUT-13: guessing grows slow, and nobody is shut out for longer than minutes.
func TestWaitsGrowAndEnd(t *testing.T) {
	t.Parallel()
	for _, throttle := range []Throttle{PerAuthenticator, PerAddress} {
		last := time.Duration(0)
		for n := range 10_000 {
			w := throttle.Wait(n)
			if w < last || w > throttle.Longest || n < throttle.Free && w != 0 || n >= throttle.Free && w < throttle.First {
				t.Fatalf("after %d failures: %s, before %s", n, w, last)
			}
			last = w
		}
		if last != throttle.Longest {
			t.Errorf("the longest wait is %s", last)
		}
		waits := throttle.Waits()
		for n, w := range waits {
			if w != throttle.Wait(n+1) {
				t.Errorf("waits[%d] is %s", n, w)
			}
		}
		if waits[len(waits)-1] != throttle.Longest {
			t.Error("the last of the waits is not the longest")
		}
	}
}

// AUT-14.
func TestLevelsGrowWithWhatWasUsed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		used  []Method
		level Level
		amr   string
	}{
		{nil, NoLevel, ""}, {[]Method{Enrolment}, NoLevel, ""}, {[]Method{OneTimeCode}, NoLevel, "otp"}, {[]Method{Secret}, OneFactor, "pwd"},
		{[]Method{Secret, OneTimeCode}, TwoFactors, "pwd otp mfa"}, {[]Method{Passkey}, PhishingResistant, "pop user mfa"},
		{[]Method{Secret, Passkey}, PhishingResistant, "pwd pop user mfa"},
	} {
		if got := LevelOf(c.used); got != c.level || strings.Join(AMR(c.used), " ") != c.amr {
			t.Errorf("%v: %v, %v", c.used, got, AMR(c.used))
		}
	}
	for _, l := range Levels {
		if got, ok := ParseLevel(l.String()); !ok || got != l {
			t.Errorf("%v is read as %v", l, got)
		}
	}
	if _, ok := ParseLevel(""); ok || Level(7).String() != "" || !slices.IsSorted(Levels) {
		t.Error("levels that are none")
	}
}

const origin = "https://hub.example"

// device is a virtual authenticator with the site that it is at.
type device struct {
	t             testing.TB
	site          virtualwebauthn.RelyingParty
	authenticator virtualwebauthn.Authenticator
	credential    virtualwebauthn.Credential
}

func newDevice(t testing.TB, account [16]byte, verified bool) *device {
	return &device{
		t: t, site: virtualwebauthn.RelyingParty{Name: "Sign in", ID: "hub.example", Origin: origin},
		authenticator: virtualwebauthn.NewAuthenticatorWithOptions(virtualwebauthn.AuthenticatorOptions{UserHandle: account[:], UserNotVerified: !verified}),
		credential:    newKey(),
	}
}

func (d *device) create(options []byte) []byte {
	d.t.Helper()
	parsed, err := virtualwebauthn.ParseAttestationOptions(string(options))
	must(d.t, err)
	d.authenticator.AddCredential(d.credential)
	return []byte(virtualwebauthn.CreateAttestationResponse(d.site, d.authenticator, d.credential, *parsed))
}

func (d *device) prove(options []byte) []byte {
	d.t.Helper()
	parsed, err := virtualwebauthn.ParseAssertionOptions(string(options))
	must(d.t, err)
	return []byte(virtualwebauthn.CreateAssertionResponse(d.site, d.authenticator, d.credential, *parsed))
}

func TestAPasskeyProvesItsOwnerOnceAndHere(t *testing.T) {
	t.Parallel()
	p, err := NewPasskeys(origin, "County registrar")
	must(t, err)
	account := [16]byte{1, 2, 3}
	d := newDevice(t, account, true)
	options, state, err := p.AskForKey(account, nil)
	must(t, err)
	made := d.create(options)
	key, err := p.AcceptKey(account, state, made)
	must(t, err)
	if _, err := p.AcceptKey([16]byte{9}, state, made); !errors.Is(err, ErrPasskey) {
		t.Errorf("for another account: %v", err)
	}
	_, otherState, err := p.AskForKey(account, nil)
	must(t, err)
	if _, err := p.AcceptKey(account, otherState, made); !errors.Is(err, ErrPasskey) {
		t.Errorf("an answer to another question: %v", err)
	}

	find := func(k ...Key) func([16]byte) ([]Key, error) {
		return func(asked [16]byte) ([]Key, error) {
			if asked != account {
				return nil, nil
			}
			return k, nil
		}
	}
	options, state, err = p.AskForProof()
	must(t, err)
	d.credential.Counter = 7
	proof := d.prove(options)
	used, err := p.AcceptProof(state, proof, find(key))
	must(t, err)
	if used.SignCount != 7 || string(used.ID) != string(key.ID) {
		t.Errorf("used %+v", used)
	}
	for what, f := range map[string]func() ([]byte, []byte, []Key){
		"an answer to another question": func() ([]byte, []byte, []Key) {
			_, other, err := p.AskForProof()
			must(t, err)
			return other, proof, []Key{key}
		},
		"a revoked key": func() ([]byte, []byte, []Key) { return state, proof, nil },
		"another's key": func() ([]byte, []byte, []Key) {
			stranger := newDevice(t, account, true)
			o, s, err := p.AskForProof()
			must(t, err)
			stranger.credential.ID = d.credential.ID
			stranger.authenticator.AddCredential(stranger.credential)
			return s, stranger.prove(o), []Key{key}
		},
		"a device that did not check its user": func() ([]byte, []byte, []Key) {
			o, s, err := p.AskForProof()
			must(t, err)
			careless := *d
			careless.authenticator.Options.UserNotVerified = true
			return s, careless.prove(o), []Key{key}
		},
		"another site": func() ([]byte, []byte, []Key) {
			o, s, err := p.AskForProof()
			must(t, err)
			phished := *d
			phished.site.Origin = "https://hub.examp1e"
			return s, phished.prove(o), []Key{key}
		},
		"nothing":  func() ([]byte, []byte, []Key) { return state, nil, []Key{key} },
		"noise":    func() ([]byte, []byte, []Key) { return state, []byte(`{"id":1}`), []Key{key} },
		"no state": func() ([]byte, []byte, []Key) { return nil, proof, []Key{key} },
	} {
		s, answer, have := f()
		if _, err := p.AcceptProof(s, answer, find(have...)); !errors.Is(err, ErrPasskey) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// A counter that goes back: the key has been copied.
	key.SignCount = 9
	options, state, err = p.AskForProof()
	must(t, err)
	if _, err := p.AcceptProof(state, d.prove(options), find(key)); !errors.Is(err, ErrCopied) {
		t.Errorf("a counter that went back: %v", err)
	}
	away := errors.New("the database is away")
	if _, err := p.AcceptProof(state, d.prove(options), func([16]byte) ([]Key, error) { return nil, away }); !errors.Is(err, away) {
		t.Errorf("where keys cannot be read: %v", err)
	}
}

func TestADeviceThatDoesNotCheckItsUserMakesNoPasskey(t *testing.T) {
	t.Parallel()
	p, err := NewPasskeys(origin, "County registrar")
	must(t, err)
	options, state, err := p.AskForKey([16]byte{1}, nil)
	must(t, err)
	if _, err := p.AcceptKey([16]byte{1}, state, newDevice(t, [16]byte{1}, false).create(options)); !errors.Is(err, ErrPasskey) {
		t.Errorf("accepted: %v", err)
	}
	for _, bad := range []string{"", "hub.example", "https://127.0.0.1:8400"} {
		if _, err := NewPasskeys(bad, "x"); bad != "https://127.0.0.1:8400" && err == nil {
			t.Errorf("passkeys at %q", bad)
		}
	}
}

func FuzzWhatIsTyped(f *testing.F) {
	for _, s := range []string{"4821 0937 5526", "7KQ4N-M2XW9", "", "\x00", "287 082"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		if n, ok := ParseNumber(typed); ok {
			if again, ok := ParseNumber(n.Grouped()); !ok || again != n {
				t.Errorf("%q is %q and then %q", typed, n, again)
			}
		}
		if c, ok := ParseCode(typed); ok {
			if again, ok := ParseCode(c.Grouped()); !ok || again != c {
				t.Errorf("%q is %q and then %q", typed, c, again)
			}
		}
		CheckSecret(typed)
		(Seed{}).Step(typed, time.Unix(1<<31, 0))
	})
}

func FuzzPasskeyAnswers(f *testing.F) {
	p, err := NewPasskeys(origin, "x")
	must(f, err)
	account := [16]byte{1}
	d := newDevice(f, account, true)
	options, made, err := p.AskForKey(account, nil)
	must(f, err)
	answer := d.create(options)
	key, err := p.AcceptKey(account, made, answer)
	must(f, err)
	options, proving, err := p.AskForProof()
	must(f, err)
	f.Add(answer)
	f.Add(d.prove(options))
	f.Add([]byte(`{}`))
	f.Fuzz(func(_ *testing.T, response []byte) {
		_, _ = p.AcceptKey(account, made, response)
		_, _ = p.AcceptProof(proving, response, func([16]byte) ([]Key, error) { return []Key{key}, nil })
	})
}

func FuzzStoredHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, stored string) {
		if p, _, _, err := parse(stored); err == nil && (p.memory > mostMemory || p.passes > mostPasses) {
			t.Errorf("%q asks for %+v", stored, p)
		}
	})
}

// newKey draws a key whose co-ordinates have 32 bytes each: of one that begins with a
// zero the library leaves that out, and no verifier takes it.
func newKey() virtualwebauthn.Credential {
	for {
		if c := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(c.Key.AttestationData()) == 77 {
			return c
		}
	}
}
