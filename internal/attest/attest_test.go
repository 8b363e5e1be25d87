package attest

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"pgregory.net/rapid"
)

const (
	issuer   = "https://hub.example/relmgr"
	audience = "https://hub.example/consent"
	typ      = "fame-test+jwt"
	signID   = seal.KeyID("sign/relmgr")
)

var (
	ctx  = context.Background()
	noon = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	want = Expect{Typ: typ, Audience: audience, MaxLifetime: 5 * time.Minute}
)

func clock(at time.Time) func() time.Time { return func() time.Time { return at } }

// newSigner returns a signer with a key of its own and a verifier of it at noon.
func newSigner(t testing.TB) (*Signer, *Verifier) {
	t.Helper()
	dir := t.TempDir()
	p, err := seal.CreateFile(filepath.Join(dir, "keys.age"), filepath.Join(dir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Ensure(ctx, signID, seal.KindSign); err != nil {
		t.Fatal(err)
	}
	set, err := PublicKeys(ctx, p, signID)
	if err != nil {
		t.Fatal(err)
	}
	return NewSigner(p, signID, issuer), NewVerifier(issuer, set.Fixed, clock(noon))
}

// forger signs whatever header and payload it is given.
type forger struct {
	key *ecdsa.PrivateKey
	kid string
}

func newForger(t testing.TB) forger {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return forgerOf(t, key)
}

// fixedForger is the same in every fuzzing process, and so are its signatures.
func fixedForger(t testing.TB) forger {
	t.Helper()
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return forgerOf(t, key)
}

func forgerOf(t testing.TB, key *ecdsa.PrivateKey) forger {
	t.Helper()
	kid, err := thumbprint(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return forger{key, kid}
}

func (f forger) verifier(t testing.TB) *Verifier {
	t.Helper()
	set, err := NewKeySet(&f.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return NewVerifier(issuer, set.Fixed, clock(noon))
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (f forger) sign(header, payload string) string {
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	digest := sha256.Sum256([]byte(input))
	der, err := f.key.Sign(nil, digest[:], crypto.SHA256) // RFC 6979: the same each time
	if err != nil {
		panic(err)
	}
	var rs struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &rs); err != nil {
		panic(err)
	}
	sig := make([]byte, 64)
	rs.R.FillBytes(sig[:32])
	rs.S.FillBytes(sig[32:])
	return input + "." + b64(sig)
}

// header and payload write a good header and good claims; overrides replace,
// add or (with "") take out members, as raw JSON.
func (f forger) header(overrides ...string) string {
	return object([]string{"alg", `"ES256"`, "kid", `"` + f.kid + `"`, "typ", `"` + typ + `"`}, overrides)
}

func payload(overrides ...string) string {
	now := noon.Unix()
	return object([]string{
		"iss", `"` + issuer + `"`, "aud", `"` + audience + `"`,
		"iat", fmt.Sprint(now), "nbf", fmt.Sprint(now), "exp", fmt.Sprint(now + 60),
	}, overrides)
}

func object(members, overrides []string) string {
	var order []string
	values := map[string]string{}
	for _, list := range [][]string{members, overrides} {
		for i := 0; i < len(list); i += 2 {
			if _, ok := values[list[i]]; !ok {
				order = append(order, list[i])
			}
			values[list[i]] = list[i+1]
		}
	}
	var out []string
	for _, name := range order {
		if values[name] != "" {
			out = append(out, `"`+name+`":`+values[name])
		}
	}
	return "{" + strings.Join(out, ",") + "}"
}

func at(offset int64) string { return fmt.Sprint(noon.Unix() + offset) }

func TestForgedStatements(t *testing.T) {
	f, stranger := newForger(t), newForger(t)
	v := f.verifier(t)
	good := f.sign(f.header(), payload())
	parts := strings.Split(good, ".")
	der, err := x509.MarshalPKIXPublicKey(&f.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	hs256 := func(secret []byte) string {
		input := b64([]byte(f.header("alg", `"HS256"`))) + "." + b64([]byte(payload()))
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		return input + "." + b64(mac.Sum(nil))
	}
	point, err := stranger.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	jwk := fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":"%s","y":"%s"}`, b64(point[1:33]), b64(point[33:]))

	for _, tc := range []struct {
		name, token, reason string // no reason: accepted
	}{
		{"good", good, ""},
		{"unknown claim", f.sign(f.header(), payload("more", `{"a":[1]}`)), ""},
		{"issued 30 s ahead", f.sign(f.header(), payload("iat", at(30), "nbf", at(30))), ""},
		{"lives as long as allowed", f.sign(f.header(), payload("exp", at(300))), ""},
		{"expires next second", f.sign(f.header(), payload("iat", at(-60), "exp", at(1))), ""},

		{"alg none, no signature", b64([]byte(f.header("alg", `"none"`))) + "." + parts[1] + ".", "base64url"},
		{"alg none, old signature", b64([]byte(f.header("alg", `"none"`))) + "." + parts[1] + "." + parts[2], "algorithm"},
		{"alg absent", f.sign(f.header("alg", ""), payload()), "algorithm"},
		{"alg null", f.sign(f.header("alg", "null"), payload()), "algorithm"},
		{"alg in lower case", f.sign(f.header("alg", `"es256"`), payload()), "algorithm"},
		{"alg ES384", f.sign(f.header("alg", `"ES384"`), payload()), "algorithm"},
		{"HS256 with the PEM key as secret", hs256(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "algorithm"},
		{"HS256 with the DER key as secret", hs256(der), "algorithm"},

		{"kid of another", f.sign(f.header("kid", `"`+stranger.kid+`"`), payload()), "kid"},
		{"kid absent", f.sign(f.header("kid", ""), payload()), "kid"},
		{"kid a number", f.sign(f.header("kid", "1"), payload()), "header"},
		{"right kid, another's signature", stranger.sign(f.header(), payload()), "signature"},
		{"typ another", f.sign(f.header("typ", `"JWT"`), payload()), "type"},
		{"typ in capitals", f.sign(f.header("typ", `"FAME-TEST+JWT"`), payload()), "type"},
		{"typ with application/", f.sign(f.header("typ", `"application/`+typ+`"`), payload()), "type"},
		{"typ absent", f.sign(f.header("typ", ""), payload()), "type"},
		{"crit", f.sign(f.header("crit", `["exp"]`), payload()), "header"},
		{"crit empty", f.sign(f.header("crit", `[]`), payload()), "header"},
		{"crit b64", f.sign(f.header("crit", `["b64"]`, "b64", "true"), payload()), "header"},
		{"embedded jwk", stranger.sign(f.header("jwk", jwk), payload()), "header"},
		{"embedded jwk and its kid", stranger.sign(stranger.header("jwk", jwk), payload()), "header"},
		{"jku", f.sign(f.header("jku", `"https://evil.example/jwks"`), payload()), "more than"},
		{"x5u", f.sign(f.header("x5u", `"https://evil.example/x5c"`), payload()), "more than"},
		{"x5c", f.sign(f.header("x5c", `["AA"]`), payload()), "header"},
		{"cty", f.sign(f.header("cty", `"JWT"`), payload()), "more than"},
		{"header member twice", f.sign(strings.Replace(f.header(), "{", `{"alg":"none",`, 1), payload()), "header"},
		{"header not an object", f.sign(`[]`, payload()), "header"},
		{"header with more after it", f.sign(f.header()+"{}", payload()), "header"},

		{"iss another", f.sign(f.header(), payload("iss", `"https://evil.example"`)), "issuer"},
		{"iss absent", f.sign(f.header(), payload("iss", "")), "required"},
		{"iss in capitals as well", f.sign(f.header(), payload("iss", "", "ISS", `"`+issuer+`"`)), "required"},
		{"aud another", f.sign(f.header(), payload("aud", `"https://hub.example/idmgr"`)), "audience"},
		{"aud a longer one", f.sign(f.header(), payload("aud", `"`+audience+`/"`)), "audience"},
		{"aud a list", f.sign(f.header(), payload("aud", `["`+audience+`"]`)), "single strings"},
		{"aud absent", f.sign(f.header(), payload("aud", "")), "required"},
		{"aud null", f.sign(f.header(), payload("aud", "null")), "required"},

		{"expired now", f.sign(f.header(), payload("iat", at(-60), "exp", at(0))), "expired"},
		{"expired by 1 s", f.sign(f.header(), payload("iat", at(-60), "exp", at(-1))), "expired"},
		{"issued 31 s ahead", f.sign(f.header(), payload("iat", at(31))), "future"},
		{"valid 31 s ahead", f.sign(f.header(), payload("nbf", at(31))), "not valid yet"},
		{"lives 1 s too long", f.sign(f.header(), payload("exp", at(301))), "too long"},
		{"expires before issued", f.sign(f.header(), payload("iat", at(20), "exp", at(10))), "before"},
		{"exp absent", f.sign(f.header(), payload("exp", "")), "required"},
		{"iat absent", f.sign(f.header(), payload("iat", "")), "required"},
		{"nbf absent", f.sign(f.header(), payload("nbf", "")), "required"},
		{"exp a string", f.sign(f.header(), payload("exp", `"`+at(60)+`"`)), "whole numbers"},
		{"exp a fraction", f.sign(f.header(), payload("exp", at(60)+".5")), "whole numbers"},
		{"exp beyond int64", f.sign(f.header(), payload("exp", "99999999999999999999")), "whole numbers"},
		{"exp overflows a sum", f.sign(f.header(), payload("exp", "9223372036854775807")), "range"},
		{"iat negative", f.sign(f.header(), payload("iat", "-9223372036854775808")), "range"},

		{"exp twice", f.sign(f.header(), strings.Replace(payload(), "{", `{"exp":`+at(9999)+`,`, 1)), "repeated"},
		{"unknown member twice", f.sign(f.header(), payload("a", "1", `b":1,"b`, "2")), "repeated"},
		{"nested member twice", f.sign(f.header(), payload("a", `[{"b":1,"b":2}]`)), "repeated"},
		{"escaped member twice", f.sign(f.header(), payload(`\u0065xp`, at(60))), "repeated"},
		{"claims a list", f.sign(f.header(), "[]"), "object"},
		{"claims null", f.sign(f.header(), "null"), "object"},
		{"claims with more after them", f.sign(f.header(), payload()+"{}"), "object"},
		{"claims not UTF-8", f.sign(f.header(), payload("a", "\"\xff\"")), "UTF-8"},

		{"payload of another", parts[0] + "." + b64([]byte(payload("sub", `"x"`))) + "." + parts[2], "signature"},
		{"signature cut", good[:len(good)-2], "signature"},
		{"signature zero", parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)), "signature"},
		{"signature absent", parts[0] + "." + parts[1] + ".", "base64url"},
		{"payload detached", parts[0] + ".." + parts[2], "base64url"},
		{"two parts", parts[0] + "." + parts[1], "compact"},
		{"four parts", good + ".x", "compact"},
		{"padded", good + "==", "base64url"},
		{"line break", good + "\n", "base64url"},
		{"leading space", " " + good, "base64url"},
		{"loose last bits", loosen(good), "base64url"},
		{"JSON serialisation", `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, "refused"},
		{"over 8 KiB", f.sign(f.header(), payload("a", `"`+strings.Repeat("x", MaxSize)+`"`)), "8 KiB"},
		{"empty", "", "compact"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var c Claims
			err := v.Verify(ctx, tc.token, want, &c)
			if tc.reason == "" {
				if err != nil || c.Issuer != issuer || c.Audience != audience {
					t.Errorf("Verify: %v, claims %+v", err, c)
				}
				return
			}
			if !errors.Is(err, ErrStatement) || !strings.Contains(err.Error(), tc.reason) {
				t.Errorf("Verify: %v, want ErrStatement for %q", err, tc.reason)
			}
			if err != nil && strings.Contains(err.Error(), "example") {
				t.Errorf("the error carries data: %v", err)
			}
		})
	}
}

// loosen sets an unused bit in the last character: another text, same bytes.
func loosen(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last|1])
}

func TestVerifierIsComplete(t *testing.T) {
	f := newForger(t)
	good := f.sign(f.header(), payload())
	set, err := NewKeySet(&f.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	away := errors.New("keys are away")
	for name, tc := range map[string]struct {
		issuer string
		keys   func(context.Context) (KeySet, error)
		want   Expect
		err    error
	}{
		"complete":    {issuer, set.Fixed, want, nil},
		"no issuer":   {"", set.Fixed, want, ErrStatement},
		"no typ":      {issuer, set.Fixed, Expect{"", audience, time.Minute}, ErrStatement},
		"no audience": {issuer, set.Fixed, Expect{typ, "", time.Minute}, ErrStatement},
		"no lifetime": {issuer, set.Fixed, Expect{typ, audience, 0}, ErrStatement},
		"no keys":     {issuer, KeySet{}.Fixed, want, ErrStatement},
		"keys away":   {issuer, func(context.Context) (KeySet, error) { return KeySet{}, away }, want, away},
	} {
		err := NewVerifier(tc.issuer, tc.keys, clock(noon)).Verify(ctx, good, tc.want, &Claims{})
		if !errors.Is(err, tc.err) {
			t.Errorf("%s: %v, want %v", name, err, tc.err)
		}
		if tc.err == away && errors.Is(err, ErrStatement) {
			t.Error("keys that are away look like a bad statement")
		}
	}
}

func TestSign(t *testing.T) {
	s, v := newSigner(t)
	token, err := s.Sign(ctx, typ, Claims{Audience: audience, Subject: "p", IssuedAt: noon.Unix(), Expires: noon.Unix() + 60, ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	var c Claims
	if err := v.Verify(ctx, token, want, &c); err != nil {
		t.Fatal(err)
	}
	if c != (Claims{issuer, "p", audience, noon.Unix(), noon.Unix(), noon.Unix() + 60, "1"}) {
		t.Errorf("claims = %+v", c)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[0])
	if err != nil {
		t.Fatal(err)
	}
	var header map[string]string
	if err := json.Unmarshal(raw, &header); err != nil || len(header) != 3 {
		t.Fatalf("header %s: %v", raw, err)
	}
	// RFC 7638, from its text.
	public, err := s.provider.Public(ctx, signID)
	if err != nil {
		t.Fatal(err)
	}
	point, err := public.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + b64(point[1:33]) + `","y":"` + b64(point[33:]) + `"}`))
	if header["alg"] != "ES256" || header["typ"] != typ || header["kid"] != b64(sum[:]) {
		t.Errorf("header = %s", raw)
	}
}

func TestSignRefuses(t *testing.T) {
	s, _ := newSigner(t)
	now := noon.Unix()
	ok := Claims{Audience: audience, IssuedAt: now, Expires: now + 60}
	with := func(change func(*Claims)) Claims { c := ok; change(&c); return c }
	for name, tc := range map[string]struct {
		signer *Signer
		typ    string
		claims any
	}{
		"no typ":           {s, "", ok},
		"another issuer":   {s, typ, with(func(c *Claims) { c.Issuer = "https://evil.example" })},
		"no audience":      {s, typ, with(func(c *Claims) { c.Audience = "" })},
		"no iat":           {s, typ, with(func(c *Claims) { c.IssuedAt = 0 })},
		"no exp":           {s, typ, with(func(c *Claims) { c.Expires = 0 })},
		"exp before iat":   {s, typ, with(func(c *Claims) { c.Expires = now })},
		"too large":        {s, typ, with(func(c *Claims) { c.ID = strings.Repeat("x", MaxSize) })},
		"not an object":    {s, typ, []int{1}},
		"nil":              {s, typ, nil},
		"not JSON":         {s, typ, func() {}},
		"audience list":    {s, typ, map[string]any{"aud": []string{audience}, "iat": now, "exp": now + 60}},
		"repeated member":  {s, typ, json.RawMessage(`{"aud":"a","aud":"b","iat":1,"exp":2}`)},
		"no such key":      {NewSigner(s.provider, "sign/none", issuer), typ, ok},
		"no issuer at all": {NewSigner(s.provider, signID, ""), typ, ok},
	} {
		if token, err := tc.signer.Sign(ctx, tc.typ, tc.claims); err == nil || token != "" {
			t.Errorf("%s: signed", name)
		}
	}
}

func proofAtNoon() HandleProof {
	return HandleProof{
		Audience: audience, Subject: "dr-adams", Handle: ident.NewHandle(), Column: "gp-riverside", Agency: "gp-practice",
		IssuedAt: noon, Expires: noon.Add(5 * time.Minute),
	}
}

func TestHandleProof(t *testing.T) {
	s, v := newSigner(t)
	p := proofAtNoon()
	token, err := s.SignHandleProof(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.VerifyHandleProof(ctx, token, audience)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.ID) < 20 {
		t.Errorf("ID = %q", got.ID)
	}
	p.Issuer, p.ID = issuer, got.ID
	if got != p {
		t.Errorf("VerifyHandleProof = %+v, want %+v", got, p)
	}
	if _, err := v.VerifyHandleProof(ctx, token, "https://hub.example/idmgr"); !errors.Is(err, ErrStatement) {
		t.Errorf("for another duty: %v", err)
	}
	other, err := s.Sign(ctx, typ, Claims{Audience: audience, IssuedAt: noon.Unix(), Expires: noon.Unix() + 60})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.VerifyHandleProof(ctx, other, audience); !errors.Is(err, ErrStatement) {
		t.Errorf("a statement of another type: %v", err)
	}
	_, stranger := newSigner(t)
	if _, err := stranger.VerifyHandleProof(ctx, token, audience); !errors.Is(err, ErrStatement) {
		t.Errorf("to a verifier of other keys: %v", err)
	}
}

func TestHandleProofIsComplete(t *testing.T) {
	s, v := newSigner(t)
	for name, change := range map[string]func(*HandleProof){
		"no audience": func(p *HandleProof) { p.Audience = "" },
		"no subject":  func(p *HandleProof) { p.Subject = "" },
		"no handle":   func(p *HandleProof) { p.Handle = ident.HandleID{} },
		"no column":   func(p *HandleProof) { p.Column = "" },
		"no agency":   func(p *HandleProof) { p.Agency = "" },
		"no times":    func(p *HandleProof) { p.IssuedAt, p.Expires = time.Time{}, time.Time{} },
		"too long":    func(p *HandleProof) { p.Expires = noon.Add(MaxHandleProofLife + time.Second) },
		"issuer":      func(p *HandleProof) { p.Issuer = "https://evil.example" },
	} {
		p := proofAtNoon()
		change(&p)
		if _, err := s.SignHandleProof(ctx, p); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	handle := ident.NewHandle().String()
	for name, claims := range map[string]map[string]any{
		"nothing of its own": {},
		"no handle":          {"sub": "p", "jti": "1", "column": "c", "agency": "a"},
		"null handle":        {"sub": "p", "jti": "1", "column": "c", "agency": "a", "handle": nil},
		"malformed handle":   {"sub": "p", "jti": "1", "column": "c", "agency": "a", "handle": strings.ToUpper(handle)},
		"no jti":             {"sub": "p", "column": "c", "agency": "a", "handle": handle},
		"other case":         {"sub": "p", "jti": "1", "Column": "c", "agency": "a", "handle": handle},
	} {
		claims["aud"], claims["iat"], claims["exp"] = audience, noon.Unix(), noon.Unix()+60
		token, err := s.Sign(ctx, TypHandleProof, claims)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := v.VerifyHandleProof(ctx, token, audience); !errors.Is(err, ErrStatement) {
			t.Errorf("%s: %v, want ErrStatement", name, err)
		}
	}
}

// TestVerifyTimes checks the window of every statement against its definition.
func TestVerifyTimes(t *testing.T) {
	s, _ := newSigner(t)
	set, err := PublicKeys(ctx, s.provider, signID)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.Int64Range(-400, 400)
		iat, nbf, exp := noon.Unix()+offset.Draw(t, "iat"), noon.Unix()+offset.Draw(t, "nbf"), noon.Unix()+offset.Draw(t, "exp")
		if exp <= iat {
			return
		}
		token, err := s.Sign(ctx, typ, Claims{Audience: audience, IssuedAt: iat, NotBefore: nbf, Expires: exp})
		if err != nil {
			t.Fatal(err)
		}
		now := noon.Add(time.Duration(rapid.Int64Range(0, 999).Draw(t, "ms")) * time.Millisecond)
		err = NewVerifier(issuer, set.Fixed, clock(now)).Verify(ctx, token, want, &Claims{})
		valid := now.Unix() < exp && iat <= now.Unix()+30 && nbf <= now.Unix()+30 && exp-iat <= 300
		if (err == nil) != valid {
			t.Fatalf("Verify: %v, want valid %t", err, valid)
		}
	})
}

func TestKeySetFile(t *testing.T) {
	one, two := newForger(t), newForger(t)
	set, err := NewKeySet(&one.key.PublicKey, &two.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "jwks.json")
	for range 2 { // made, then replaced
		if err := WriteKeySet(path, set); err != nil {
			t.Fatal(err)
		}
	}
	got, err := LoadKeySet(path)
	if err != nil || strings.Join(got.KeyIDs(), " ") != strings.Join(set.KeyIDs(), " ") || len(got.KeyIDs()) != 2 {
		t.Fatalf("LoadKeySet = %v, %v", got.KeyIDs(), err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("%d files are left, want 1", len(left))
	}
	token := two.sign(two.header(), payload())
	if err := NewVerifier(issuer, got.Fixed, clock(noon)).Verify(ctx, token, want, &Claims{}); err != nil {
		t.Errorf("a loaded key does not verify: %v", err)
	}
	if _, err := LoadKeySet(path + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if err := WriteKeySet(filepath.Join(path, "below", "a", "file"), set); err == nil {
		t.Error("written below a file")
	}
}

func TestParseKeySet(t *testing.T) {
	f := newForger(t)
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewKeySet(&other.PublicKey); err == nil {
		t.Error("NewKeySet takes a P-384 key")
	}
	if _, err := NewKeySet(nil); err == nil {
		t.Error("NewKeySet takes nil")
	}
	point, err := f.key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	d, err := f.key.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	key := func(overrides ...string) string {
		return object([]string{
			"kty", `"EC"`, "crv", `"P-256"`, "x", `"` + b64(point[1:33]) + `"`, "y", `"` + b64(point[33:]) + `"`,
			"kid", `"` + f.kid + `"`, "use", `"sig"`, "alg", `"ES256"`,
		}, overrides)
	}
	for _, tc := range []struct {
		name, json string
		ok         bool
	}{
		{"one key", `{"keys":[` + key() + `]}`, true},
		{"none", `{"keys":[]}`, true},
		{"without use and alg", `{"keys":[` + key("use", "", "alg", "") + `]}`, true},
		{"unknown member", `{"keys":[` + key("x-note", `"a"`) + `],"more":1}`, true},
		{"private", `{"keys":[` + key("d", `"`+b64(d)+`"`) + `]}`, false},
		{"empty private member", `{"keys":[` + key("d", `""`) + `]}`, false},
		{"symmetric member", `{"keys":[` + key("k", `"AA"`) + `]}`, false},
		{"symmetric", `{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}`, false},
		{"encryption key", `{"keys":[` + key("use", `"enc"`) + `]}`, false},
		{"another alg", `{"keys":[` + key("alg", `"ES384"`) + `]}`, false},
		{"another curve", `{"keys":[` + key("crv", `"P-384"`) + `]}`, false},
		{"not on the curve", `{"keys":[` + key("y", `"`+b64(point[1:33])+`"`) + `]}`, false},
		{"no kid", `{"keys":[` + key("kid", "") + `]}`, false},
		{"another kid", `{"keys":[` + key("kid", `"relmgr"`) + `]}`, false},
		{"twice", `{"keys":[` + key() + `,` + key() + `]}`, false},
		{"repeated member", `{"keys":[` + strings.Replace(key(), "{", `{"kid":"x",`, 1) + `]}`, false},
		{"keys twice", `{"keys":[],"keys":[` + key() + `]}`, false},
		{"no keys", `{}`, false},
		{"null", `null`, false},
		{"a list", `[]`, false},
		{"more after it", `{"keys":[]}{}`, false},
		{"too many", `{"keys":[{}` + strings.Repeat(",{}", maxKeys) + `]}`, false},
		{"too large", `{"keys":[]}` + strings.Repeat(" ", maxKeySetSize), false},
		{"nothing", ``, false},
	} {
		set, err := ParseKeySet([]byte(tc.json))
		if (err == nil) != tc.ok {
			t.Errorf("%s: %v, want success %t", tc.name, err, tc.ok)
		}
		if err != nil && len(set.KeyIDs()) != 0 {
			t.Errorf("%s: refused, yet keys come back", tc.name)
		}
	}
}

func FuzzVerify(f *testing.F) {
	forged := fixedForger(f)
	v := forged.verifier(f)
	good := forged.sign(forged.header(), payload())
	f.Add(good)
	f.Add(forged.sign(forged.header("crit", `["exp"]`), payload()))
	f.Add(forged.sign(forged.header("alg", `"none"`), payload()))
	f.Add(good + ".")
	f.Fuzz(func(t *testing.T, token string) {
		var c Claims
		err := v.Verify(ctx, token, want, &c)
		if err == nil && token != good {
			t.Fatal("accepts what was never signed")
		}
		if err != nil && !errors.Is(err, ErrStatement) {
			t.Fatalf("unexpected error: %v", err)
		}
	})
}

// FuzzClaims signs whatever claims the fuzzer writes: what is accepted must
// then read the same to the standard library.
func FuzzClaims(f *testing.F) {
	forged := fixedForger(f)
	v := forged.verifier(f)
	f.Add(payload())
	f.Add(payload("exp", "1e9"))
	f.Add(payload("exp", at(301)))
	f.Add(payload("aud", "[]", "AUD", `"x"`))
	f.Fuzz(func(t *testing.T, claims string) {
		if err := v.Verify(ctx, forged.sign(forged.header(), claims), want, &Claims{}); err != nil {
			if !errors.Is(err, ErrStatement) {
				t.Fatalf("unexpected error: %v", err)
			}
			return
		}
		var members map[string]any
		if err := json.Unmarshal([]byte(claims), &members); err != nil {
			t.Fatalf("accepted, but no JSON: %v", err)
		}
		exp, _ := members["exp"].(float64)
		if members["iss"] != issuer || members["aud"] != audience || exp <= float64(noon.Unix()) || exp > float64(noon.Unix()+330) {
			t.Fatalf("accepted: %s", claims)
		}
	})
}

func FuzzParseKeySet(f *testing.F) {
	set, err := NewKeySet(&fixedForger(f).key.PublicKey)
	if err != nil {
		f.Fatal(err)
	}
	b, err := json.Marshal(set)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		set, err := ParseKeySet(b)
		if err != nil {
			return
		}
		out, err := json.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseKeySet(out); err != nil {
			t.Fatalf("does not read what it writes: %v", err)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	s, _ := newSigner(b)
	c := Claims{Audience: audience, IssuedAt: noon.Unix(), Expires: noon.Unix() + 60}
	for b.Loop() {
		if _, err := s.Sign(ctx, typ, c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	s, v := newSigner(b)
	token, err := s.Sign(ctx, typ, Claims{Audience: audience, IssuedAt: noon.Unix(), Expires: noon.Unix() + 60})
	if err != nil {
		b.Fatal(err)
	}
	var c Claims
	for b.Loop() {
		if err := v.Verify(ctx, token, want, &c); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSignHandleProof(b *testing.B) {
	s, _ := newSigner(b)
	p := proofAtNoon()
	for b.Loop() {
		if _, err := s.SignHandleProof(ctx, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyHandleProof(b *testing.B) {
	s, v := newSigner(b)
	token, err := s.SignHandleProof(ctx, proofAtNoon())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := v.VerifyHandleProof(ctx, token, audience); err != nil {
			b.Fatal(err)
		}
	}
}
