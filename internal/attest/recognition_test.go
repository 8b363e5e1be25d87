package attest

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"
)

const agreeID = seal.KeyID("agree/relmgr/1")

// newRecipient returns a provider with a key that agrees, its public half as
// others know it, and its opener.
func newRecipient(t testing.TB) (Recipients, *Opener) {
	t.Helper()
	dir := t.TempDir()
	p, err := seal.CreateFile(filepath.Join(dir, "keys.age"), filepath.Join(dir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.Ensure(ctx, agreeID, seal.KindAgree); err != nil {
		t.Fatal(err)
	}
	r, err := RecipientKeys(ctx, p, agreeID)
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewOpener(ctx, p, agreeID)
	if err != nil {
		t.Fatal(err)
	}
	return r, o
}

func recognitionAtNoon(secret string) Recognition {
	return Recognition{
		Audience: audience, Practitioner: "ed-nurse", Agency: "hospital", Level: "medium", Types: []string{"demographic"}, Secret: secret,
		IssuedAt: noon, Expires: noon.Add(5 * time.Minute),
	}
}

// E2E-05: a recognition carries the subject's secret of the hub to relmgr alone.
func TestRecognition(t *testing.T) {
	s, v := newSigner(t)
	r, o := newRecipient(t)
	secret := NewHubSecret([32]byte{1, 2, 3}, 2)
	jwe, err := r.Encrypt(secret)
	if err != nil {
		t.Fatal(err)
	}
	want := recognitionAtNoon(jwe)
	token, err := s.SignRecognition(ctx, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.VerifyRecognition(ctx, token, audience, 5*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID.IsZero() {
		t.Error("no id was drawn")
	}
	want.Issuer, want.ID = issuer, got.ID
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("VerifyRecognition = %+v, want %+v", got, want)
	}
	opened, err := o.Open(ctx, got.Secret)
	if err != nil || opened.Bytes() != secret.Bytes() || opened.Epoch() != 2 {
		t.Errorf("Open: %v", err)
	}
	if strings.Contains(token, b64([]byte{1, 2, 3})) {
		t.Error("the secret stands in the token")
	}
	again, err := s.SignRecognition(ctx, recognitionAtNoon(jwe))
	if err != nil {
		t.Fatal(err)
	}
	if two, err := v.VerifyRecognition(ctx, again, audience, 5*time.Minute); err != nil || two.ID == got.ID {
		t.Errorf("two recognitions have one id: %v", err)
	}
	for name, refused := range map[string]func() error{
		"another audience": func() error {
			_, err := v.VerifyRecognition(ctx, token, "https://other.example/relmgr", 5*time.Minute)
			return err
		},
		"a shorter life": func() error { _, err := v.VerifyRecognition(ctx, token, audience, 4*time.Minute); return err },
		"as a subject's": func() error { _, err := v.VerifySubject(ctx, token, audience, 5*time.Minute); return err },
		"as a common client's": func() error {
			_, err := v.VerifyCommonClient(ctx, token, audience, 5*time.Minute)
			return err
		},
		"keys of another": func() error {
			_, stranger := newSigner(t)
			_, err := stranger.VerifyRecognition(ctx, token, audience, 5*time.Minute)
			return err
		},
		"once expired": func() error {
			set, err := PublicKeys(ctx, s.provider, signID)
			if err != nil {
				return err
			}
			_, err = NewVerifier(issuer, set.Fixed, clock(noon.Add(5*time.Minute))).VerifyRecognition(ctx, token, audience, 5*time.Minute)
			return err
		},
	} {
		if err := refused(); !errors.Is(err, ErrStatement) {
			t.Errorf("%s: %v, want ErrStatement", name, err)
		}
	}
}

func TestRecognitionIsComplete(t *testing.T) {
	s, v := newSigner(t)
	for name, change := range map[string]func(*Recognition){
		"no audience":     func(r *Recognition) { r.Audience = "" },
		"no practitioner": func(r *Recognition) { r.Practitioner = "" },
		"no agency":       func(r *Recognition) { r.Agency = "" },
		"no level":        func(r *Recognition) { r.Level = "" },
		"no types":        func(r *Recognition) { r.Types = nil },
		"no secret":       func(r *Recognition) { r.Secret = "" },
		"no times":        func(r *Recognition) { r.IssuedAt, r.Expires = time.Time{}, time.Time{} },
		"issuer":          func(r *Recognition) { r.Issuer = "https://evil.example" },
	} {
		r := recognitionAtNoon("x")
		change(&r)
		if _, err := s.SignRecognition(ctx, r); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
	whole := func() map[string]any {
		return map[string]any{
			"aud": audience, "iat": noon.Unix(), "exp": noon.Unix() + 60, "jti": ident.NewRecognition().String(), "practitioner": "p",
			"agency": "a", "level": "low", "types": []string{"demographic"}, "secret": "x",
		}
	}
	for name, change := range map[string]func(map[string]any){
		"nothing missing":    func(map[string]any) {},
		"no jti":             func(c map[string]any) { delete(c, "jti") },
		"a jti of no form":   func(c map[string]any) { c["jti"] = "1" },
		"no practitioner":    func(c map[string]any) { delete(c, "practitioner") },
		"no agency":          func(c map[string]any) { c["agency"] = nil },
		"agency in capitals": func(c map[string]any) { delete(c, "agency"); c["Agency"] = "a" },
		"types one text":     func(c map[string]any) { c["types"] = "demographic" },
		"no secret":          func(c map[string]any) { delete(c, "secret") },
	} {
		c := whole()
		change(c)
		token, err := s.Sign(ctx, TypRecognition, c)
		if err != nil {
			t.Fatal(err)
		}
		_, err = v.VerifyRecognition(ctx, token, audience, time.Minute)
		if complete := name == "nothing missing"; complete != (err == nil) || !complete && !errors.Is(err, ErrStatement) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSubjectStatement(t *testing.T) {
	s, v := newSigner(t)
	whole := Subject{Audience: audience, Level: "medium", ACR: "two-factors", Secret: "x", Authority: "special-guardian", Scope: []string{"see"}, IssuedAt: noon, Expires: noon.Add(10 * time.Minute)}
	token, err := s.SignSubject(ctx, whole)
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.VerifySubject(ctx, token, audience, 10*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	want := whole
	want.Issuer, want.ID = issuer, got.ID
	if !reflect.DeepEqual(got, want) || got.ID.IsZero() {
		t.Errorf("VerifySubject = %+v, want %+v", got, want)
	}
	if _, err := v.VerifySubject(ctx, token, audience, 9*time.Minute); !errors.Is(err, ErrStatement) {
		t.Errorf("lives too long: %v", err)
	}
	if _, err := v.VerifyRecognition(ctx, token, audience, 10*time.Minute); !errors.Is(err, ErrStatement) {
		t.Errorf("as a recognition: %v", err)
	}
	for name, change := range map[string]func(*Subject){
		"no audience": func(p *Subject) { p.Audience = "" },
		"no level":    func(p *Subject) { p.Level = "" },
		"no acr":      func(p *Subject) { p.ACR = "" },
		"no secret":   func(p *Subject) { p.Secret = "" },
	} {
		p := whole
		change(&p)
		if _, err := s.SignSubject(ctx, p); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

// jweOf writes a JWE as another program would, with whatever header, to the
// recipient.
func jweOf(t testing.TB, r Recipients, plain string, alg jose.KeyAlgorithm, enc jose.ContentEncryption, opts *jose.EncrypterOptions) string {
	t.Helper()
	kid, err := thumbprint(r.keys[0])
	if err != nil {
		t.Fatal(err)
	}
	e, err := jose.NewEncrypter(enc, jose.Recipient{Algorithm: alg, Key: r.keys[0], KeyID: kid}, opts)
	if err != nil {
		t.Fatal(err)
	}
	jwe, err := e.Encrypt([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwe.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestForgedSecrets(t *testing.T) {
	r, o := newRecipient(t)
	stranger, _ := newRecipient(t)
	secret := `{"secret":"` + b64(bytes.Repeat([]byte{7}, 32)) + `","epoch":1}`
	good := jweOf(t, r, secret, jose.ECDH_ES_A256KW, jose.A256GCM, nil)
	parts := strings.Split(good, ".")
	rawHeader, err := base64.RawURLEncoding.DecodeString(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	header := func(change func(map[string]any)) string {
		var h map[string]any
		if err := json.Unmarshal(rawHeader, &h); err != nil {
			t.Fatal(err)
		}
		change(h)
		b, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(append([]string{b64(b)}, parts[1:]...), ".")
	}
	epk := func(change func(map[string]any)) string {
		return header(func(h map[string]any) { change(h["epk"].(map[string]any)) })
	}
	flipped := func(i int) string {
		p := append([]string{}, parts...)
		raw, err := base64.RawURLEncoding.DecodeString(p[i])
		if err != nil {
			t.Fatal(err)
		}
		raw[0] ^= 1
		p[i] = b64(raw)
		return strings.Join(p, ".")
	}
	other, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point := other.PublicKey().Bytes()
	for _, tc := range []struct{ name, jwe, reason string }{
		{"good", good, ""},
		{"to a stranger", jweOf(t, stranger, secret, jose.ECDH_ES_A256KW, jose.A256GCM, nil), "another key"},
		{"ECDH-ES without a wrapped key", jweOf(t, r, secret, jose.ECDH_ES, jose.A256GCM, nil), "base64url"},
		{"ECDH-ES+A128KW", jweOf(t, r, secret, jose.ECDH_ES_A128KW, jose.A256GCM, nil), "not encrypted by"},
		{"A128GCM", jweOf(t, r, secret, jose.ECDH_ES_A256KW, jose.A128GCM, nil), "not encrypted by"},
		{"A256CBC-HS512", jweOf(t, r, secret, jose.ECDH_ES_A256KW, jose.A256CBC_HS512, nil), "not encrypted by"},
		{"compressed", jweOf(t, r, secret, jose.ECDH_ES_A256KW, jose.A256GCM, &jose.EncrypterOptions{Compression: jose.DEFLATE}), "other than"},
		{"a typ", jweOf(t, r, secret, jose.ECDH_ES_A256KW, jose.A256GCM, (&jose.EncrypterOptions{}).WithType("JWT")), "other than"},
		{"alg none", header(func(h map[string]any) { h["alg"] = "none" }), "not encrypted by"},
		{"alg dir", header(func(h map[string]any) { h["alg"] = "dir" }), "not encrypted by"},
		{"alg a list", header(func(h map[string]any) { h["alg"] = []string{algSecret} }), "not encrypted by"},
		{"alg absent", header(func(h map[string]any) { delete(h, "alg") }), "other than"},
		{"kid of another", header(func(h map[string]any) { h["kid"] = "x" }), "another key"},
		{"kid empty", header(func(h map[string]any) { h["kid"] = "" }), "not encrypted by"},
		{"apu", header(func(h map[string]any) { h["apu"] = "QQ" }), "other than"},
		{"crit for kid", header(func(h map[string]any) { delete(h, "kid"); h["crit"] = []string{"exp"} }), "not encrypted by"},
		{"epk absent", header(func(h map[string]any) { delete(h, "epk"); h["jwk"] = 1 }), "ephemeral"},
		{"epk with a private part", epk(func(k map[string]any) { k["d"] = k["x"] }), "ephemeral"},
		{"epk of P-384", epk(func(k map[string]any) { k["crv"] = "P-384" }), "ephemeral"},
		{"epk of X25519", epk(func(k map[string]any) { k["kty"], k["crv"] = "OKP", "X25519" }), "ephemeral"},
		{"epk not on the curve", epk(func(k map[string]any) { k["y"] = k["x"] }), "ephemeral"},
		{"epk nothing", epk(func(k map[string]any) { k["x"], k["y"] = b64(make([]byte, 32)), b64(make([]byte, 32)) }), "ephemeral"},
		{"epk short", epk(func(k map[string]any) { k["x"] = "AA" }), "ephemeral"},
		{"epk padded", epk(func(k map[string]any) { k["x"] = k["x"].(string) + "=" }), "ephemeral"},
		{"epk another's", epk(func(k map[string]any) { k["x"], k["y"] = b64(point[1:33]), b64(point[33:]) }), "does not open"},
		{"wrapped key altered", flipped(1), "does not open"},
		{"nonce altered", flipped(2), "does not open"},
		{"text altered", flipped(3), "does not open"},
		{"tag altered", flipped(4), "does not open"},
		{"header altered, same meaning", header(func(map[string]any) {}) + "", ""},
		{"wrapped key of nothing", strings.Join([]string{parts[0], "AA", parts[2], parts[3], parts[4]}, "."), "does not open"},
		{"four parts", strings.Join(parts[:4], "."), "compact"},
		{"six parts", good + ".AA", "compact"},
		{"an empty part", strings.Join([]string{parts[0], "", parts[2], parts[3], parts[4]}, "."), "base64url"},
		{"a line break", good + "\n", "base64url"},
		{"loose last bits", loosen(good), ""},
		{"JSON", `{"protected":"` + parts[0] + `"}`, "compact"},
		{"over 8 KiB", good + strings.Repeat("A", MaxSize), "too long"},
		{"empty", "", "compact"},

		{"no JSON", jweOf(t, r, "secret", jose.ECDH_ES_A256KW, jose.A256GCM, nil), "epoch"},
		{"a short secret", jweOf(t, r, `{"secret":"AAAA","epoch":1}`, jose.ECDH_ES_A256KW, jose.A256GCM, nil), "epoch"},
		{"no epoch", jweOf(t, r, `{"secret":"`+b64(make([]byte, 32))+`"}`, jose.ECDH_ES_A256KW, jose.A256GCM, nil), "epoch"},
		{"epoch nought", jweOf(t, r, `{"secret":"`+b64(make([]byte, 32))+`","epoch":0}`, jose.ECDH_ES_A256KW, jose.A256GCM, nil), "epoch"},
		{"epoch twice", jweOf(t, r, `{"secret":"`+b64(make([]byte, 32))+`","epoch":1,"epoch":1}`, jose.ECDH_ES_A256KW, jose.A256GCM, nil), "epoch"},
		{"more than that", jweOf(t, r, `{"secret":"`+b64(make([]byte, 32))+`","epoch":1,"name":"x"}`, jose.ECDH_ES_A256KW, jose.A256GCM, nil), "epoch"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := o.Open(ctx, tc.jwe)
			switch tc.name { // what depends on how the bytes fell
			case "loose last bits":
				if err != nil && !errors.Is(err, ErrStatement) {
					t.Errorf("Open: %v", err)
				}
				return
			case "header altered, same meaning": // the header is authenticated as it was sent
				if string(rawHeader) != jsonOf(t, rawHeader) {
					tc.reason = "does not open"
				}
			}
			if tc.reason == "" {
				if err != nil || got.Bytes() != [32]byte(bytes.Repeat([]byte{7}, 32)) || got.Epoch() != 1 {
					t.Errorf("Open: %v", err)
				}
				return
			}
			if !errors.Is(err, ErrStatement) || !strings.Contains(err.Error(), tc.reason) {
				t.Errorf("Open: %v, want ErrStatement for %q", err, tc.reason)
			}
			if got.Bytes() != [32]byte{} {
				t.Error("refused, yet a secret comes back")
			}
		})
	}
}

func jsonOf(t *testing.T, raw []byte) string {
	t.Helper()
	var h map[string]any
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Whatever is encrypted to a key opens with it, by go-jose's own decrypter and by
// one that never sees the key.
func TestSecretsOpen(t *testing.T) {
	r, o := newRecipient(t)
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		secret := NewHubSecret([32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "secret")), rapid.IntRange(1, 1<<30).Draw(t, "epoch"))
		jwe, err := r.Encrypt(secret)
		if err != nil {
			t.Fatal(err)
		}
		got, err := o.Open(ctx, jwe)
		if err != nil || got.Bytes() != secret.Bytes() || got.Epoch() != secret.Epoch() {
			t.Fatalf("Open: %v", err)
		}
		if jwe, err = (Recipients{[]*ecdsa.PublicKey{&private.PublicKey}}).Encrypt(secret); err != nil {
			t.Fatal(err)
		}
		parsed, err := jose.ParseEncryptedCompact(jwe, []jose.KeyAlgorithm{jose.ECDH_ES_A256KW}, []jose.ContentEncryption{jose.A256GCM})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parsed.Decrypt(private); err != nil {
			t.Fatalf("go-jose: %v", err)
		}
	})
}

func TestHubSecretsPrintMasked(t *testing.T) {
	secret := NewHubSecret([32]byte(bytes.Repeat([]byte{0xab}, 32)), 1)
	var out strings.Builder
	for _, v := range []any{secret, &secret, struct{ S HubSecret }{secret}, struct{ s HubSecret }{secret}, []HubSecret{secret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			fmt.Fprintf(&out, verb, v)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("v", "v", v)
		b, _ := json.Marshal(v)
		out.Write(b)
	}
	for _, form := range []string{"abab", "ABAB", "171 171", "171,171", "0xab", string(bytes.Repeat([]byte{0xab}, 4))} {
		if strings.Contains(out.String(), form) {
			t.Errorf("a secret is printed as %q", form)
		}
	}
	for name, s := range map[string]HubSecret{"nothing": {}, "epoch nought": NewHubSecret([32]byte{1}, 0)} {
		r, _ := newRecipient(t)
		if _, err := r.Encrypt(s); err == nil {
			t.Errorf("%s is encrypted", name)
		}
	}
	if _, err := (Recipients{}).Encrypt(secret); err == nil {
		t.Error("encrypted to nobody")
	}
}

func TestRecipientFile(t *testing.T) {
	r, o := newRecipient(t)
	older, _ := newRecipient(t)
	both := Recipients{append(append([]*ecdsa.PublicKey{}, r.keys...), older.keys...)}
	path := filepath.Join(t.TempDir(), "recognitions.jwks")
	if err := WriteKeySet(path, both); err != nil {
		t.Fatal(err)
	}
	got, err := LoadRecipients(path)
	if err != nil || len(got.keys) != 2 {
		t.Fatalf("LoadRecipients: %v", err)
	}
	jwe, err := got.Encrypt(NewHubSecret([32]byte{1}, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.Open(ctx, jwe); err != nil {
		t.Errorf("not encrypted to the first, the newest: %v", err)
	}
	if _, err := LoadKeySet(path); err == nil {
		t.Error("keys to encrypt to are taken for keys that sign")
	}
	set, err := NewKeySet(&newForger(t).key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteKeySet(path, set); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadRecipients(path); err == nil {
		t.Error("keys that sign are taken for keys to encrypt to")
	}
	for _, none := range []string{`{"keys":[]}`, `{}`, ``, `[]`} {
		if _, err := ParseRecipients([]byte(none)); err == nil {
			t.Errorf("%s is a set of keys to encrypt to", none)
		}
	}
}

// FuzzRecognition: what a registrar signs of whatever claims either lacks nothing
// or is refused, and nothing but ErrStatement comes back.
func FuzzRecognition(f *testing.F) {
	forged := fixedForger(f)
	v := forged.verifier(f)
	id := "6f9619ff-8b86-4011-b42d-00cf4fc964ff"
	whole := payload("jti", `"`+id+`"`, "practitioner", `"p"`, "agency", `"a"`, "level", `"low"`, "types", `["demographic"]`, "secret", `"x"`)
	f.Add(whole)
	f.Add(payload())
	f.Add(strings.Replace(whole, `"p"`, `""`, 1))
	f.Add(strings.Replace(whole, `["demographic"]`, `[]`, 1))
	f.Fuzz(func(t *testing.T, claims string) {
		r, err := v.VerifyRecognition(ctx, forged.sign(forged.header("typ", `"`+TypRecognition+`"`), claims), audience, 5*time.Minute)
		if err != nil {
			if !errors.Is(err, ErrStatement) {
				t.Fatalf("unexpected error: %v", err)
			}
			return
		}
		if r.Issuer != issuer || r.Audience != audience || r.ID.IsZero() || r.Practitioner == "" || r.Agency == "" || r.Level == "" || len(r.Types) == 0 || r.Secret == "" {
			t.Fatalf("accepted: %s", claims)
		}
	})
}

// FuzzSecret: nothing opens that was not encrypted, and nothing but ErrStatement
// comes back.
func FuzzSecret(f *testing.F) {
	r, o := newRecipient(f)
	good, err := r.Encrypt(NewHubSecret([32]byte{1}, 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good + ".")
	f.Add(strings.Replace(good, ".", "..", 1))
	f.Fuzz(func(t *testing.T, jwe string) {
		s, err := o.Open(ctx, jwe)
		if err != nil && !errors.Is(err, ErrStatement) {
			t.Fatalf("unexpected error: %v", err)
		}
		if err == nil && s.Bytes() != [32]byte{1} {
			t.Fatal("opens what was never encrypted")
		}
	})
}

func BenchmarkOpenSecret(b *testing.B) {
	r, o := newRecipient(b)
	jwe, err := r.Encrypt(NewHubSecret([32]byte{1}, 1))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := o.Open(ctx, jwe); err != nil {
			b.Fatal(err)
		}
	}
}
