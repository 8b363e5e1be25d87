package seal

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/ident"
	"pgregory.net/rapid"
)

const (
	macID   KeyID = "column/gp-riverside/1"
	wrapID  KeyID = "agency/gp-practice/1"
	signID  KeyID = "sign/relmgr"
	agreeID KeyID = "agree/relmgr/1"
)

// newTestFile makes a provider that holds one key of each kind.
func newTestFile(t testing.TB) *File {
	t.Helper()
	dir := t.TempDir()
	f, err := CreateFile(filepath.Join(dir, "keys.age"), filepath.Join(dir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	for id, kind := range map[KeyID]KeyKind{macID: KindMAC, wrapID: KindWrap, signID: KindSign, agreeID: KindAgree} {
		if _, created, err := f.Ensure(context.Background(), id, kind); err != nil || !created {
			t.Fatalf("Ensure(%s) = created %t, %v", id, created, err)
		}
	}
	return f
}

func TestSealOpens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dek := NewDEK()
		aad := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "aad")
		plain := rapid.SliceOfN(rapid.Byte(), 0, 100).Draw(t, "plain")
		sealed, err := Seal(dek, aad, plain)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Open(dek, aad, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("Open = %x, %v; want %x", got, err, plain)
		}

		altered := bytes.Clone(sealed)
		altered[rapid.IntRange(0, len(sealed)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		refuseOpen(t, "a flipped bit", dek, aad, altered)
		refuseOpen(t, "truncated", dek, aad, sealed[:rapid.IntRange(0, len(sealed)-1).Draw(t, "cut")])
		refuseOpen(t, "extended", dek, aad, append(bytes.Clone(sealed), 0))
		refuseOpen(t, "another aad", dek, append(bytes.Clone(aad), 0), sealed)
		refuseOpen(t, "another key", NewDEK(), aad, sealed)
	})
}

func refuseOpen(t interface{ Fatalf(string, ...any) }, name string, dek DEK, aad, sealed []byte) {
	if got, err := Open(dek, aad, sealed); !errors.Is(err, ErrOpen) || got != nil {
		t.Fatalf("%s: Open = %x, %v; want ErrOpen", name, got, err)
	}
}

func TestSealHidesLength(t *testing.T) {
	dek, aad := NewDEK(), []byte("handle")
	for n, want := range map[int]int{0: 32, 1: 32, 10: 32, 31: 32, 32: 64, 63: 64, 64: 96, MaxPlaintext: MaxPlaintext + 32} {
		sealed, err := Seal(dek, aad, bytes.Repeat([]byte{0x80}, n))
		if err != nil || len(sealed) != want+sealOverhead {
			t.Errorf("Seal of %d bytes = %d bytes, %v; want %d", n, len(sealed), err, want+sealOverhead)
		}
		if got, err := Open(dek, aad, sealed); err != nil || len(got) != n {
			t.Errorf("Open of %d bytes = %d bytes, %v", n, len(got), err)
		}
	}
}

func TestSealNeverRepeats(t *testing.T) {
	dek := NewDEK()
	seen := map[string]bool{}
	for range 1000 {
		sealed, err := Seal(dek, []byte("handle"), []byte("9434765919"))
		if err != nil || seen[string(sealed)] {
			t.Fatalf("Seal repeats itself or fails: %v", err)
		}
		seen[string(sealed)] = true
	}
}

func TestSealRefusesMisuse(t *testing.T) {
	ctx, p, dek, aad := context.Background(), newTestFile(t), NewDEK(), []byte("a")
	sealed, err := Seal(dek, aad, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"Seal, no key":         func() error { _, err := Seal(DEK{}, aad, nil); return err },
		"Seal, no aad":         func() error { _, err := Seal(dek, nil, nil); return err },
		"Seal, too long":       func() error { _, err := Seal(dek, aad, make([]byte, MaxPlaintext+1)); return err },
		"Open, no key":         func() error { _, err := Open(DEK{}, aad, sealed); return err },
		"Open, no aad":         func() error { _, err := Open(dek, nil, sealed); return err },
		"Wrap, no key":         func() error { _, err := p.Wrap(ctx, wrapID, aad, DEK{}); return err },
		"Wrap, no aad":         func() error { _, err := p.Wrap(ctx, wrapID, nil, dek); return err },
		"Unwrap, no aad":       func() error { _, err := p.Unwrap(ctx, wrapID, nil, sealed); return err },
		"Token, no column":     func() error { _, err := Token(ctx, p, macID, "", "1"); return err },
		"Token, no identifier": func() error { _, err := Token(ctx, p, macID, "c", ""); return err },
		"SealRecord, no id": func() error {
			_, err := SealRecord(ctx, p, wrapID, ident.ActID{}, [32]byte{}, nil)
			return err
		},
	} {
		if err := call(); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: %v, want ErrUsage", name, err)
		}
	}
}

func TestTokenSeparatesItsInputs(t *testing.T) {
	ctx, p := context.Background(), newTestFile(t)
	const second KeyID = "column/gp-riverside/2"
	if _, _, err := p.Ensure(ctx, second, KindMAC); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ab\x00]{1,4}`)
		c1, i1 := text.Draw(t, "column 1"), text.Draw(t, "identifier 1")
		c2, i2 := text.Draw(t, "column 2"), text.Draw(t, "identifier 2")
		one := token(t, p, macID, c1, i1)
		two := token(t, p, macID, c2, i2)
		if (one == two) != (c1 == c2 && i1 == i2) {
			t.Fatalf("tokens equal: %t for (%q, %q) and (%q, %q)", one == two, c1, i1, c2, i2)
		}
		if token(t, p, second, c1, i1) == one {
			t.Fatal("two epochs make the same token")
		}
	})
}

func token(t *rapid.T, p Provider, id KeyID, column, identifier string) [32]byte {
	got, err := Token(context.Background(), p, id, ident.Column(column), identifier)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestTokenIsStable pins the encoding: a change of it loses every handle.
func TestTokenIsStable(t *testing.T) {
	k, err := keyFrom(KindMAC, [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	f := newTestFile(t)
	s := *f.state.Load()
	s.ring = s.ring.with("column/pinned/1", k)
	f.state.Store(&s)
	got, err := Token(context.Background(), f, "column/pinned/1", "gp-riverside", "9434765919")
	if err != nil {
		t.Fatal(err)
	}
	const want = "8a51e4675bf190edf01e1ce77c4853af9644c3220e422b45c80fee062ac0fb2b"
	if fmt.Sprintf("%x", got) != want {
		t.Errorf("token = %x, want %s", got, want)
	}
}

func TestWrap(t *testing.T) {
	ctx, p := context.Background(), newTestFile(t)
	const other KeyID = "agency/gp-practice/2"
	if _, _, err := p.Ensure(ctx, other, KindWrap); err != nil {
		t.Fatal(err)
	}
	dek, aad := NewDEK(), []byte("handle 1")
	wrapped, err := p.Wrap(ctx, wrapID, aad, dek)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Unwrap(ctx, wrapID, aad, wrapped)
	if err != nil || *got.key() != *dek.key() {
		t.Fatalf("Unwrap: %v", err)
	}
	for i := range wrapped {
		altered := bytes.Clone(wrapped)
		altered[i] ^= 1
		if _, err := p.Unwrap(ctx, wrapID, aad, altered); !errors.Is(err, ErrOpen) {
			t.Errorf("byte %d flipped: %v, want ErrOpen", i, err)
		}
		if _, err := p.Unwrap(ctx, wrapID, aad, wrapped[:i]); !errors.Is(err, ErrOpen) {
			t.Errorf("cut at %d: %v, want ErrOpen", i, err)
		}
	}
	if _, err := p.Unwrap(ctx, wrapID, []byte("handle 2"), wrapped); !errors.Is(err, ErrOpen) {
		t.Errorf("another handle: %v, want ErrOpen", err)
	}
	if _, err := p.Unwrap(ctx, other, aad, wrapped); !errors.Is(err, ErrOpen) {
		t.Errorf("another key: %v, want ErrOpen", err)
	}
}

func TestRecord(t *testing.T) {
	ctx, p := context.Background(), newTestFile(t)
	one, two, salt := ident.NewAct(), ident.NewAct(), [32]byte{7}
	body := []byte(`{"reason":"R3"}`)
	first, err := SealRecord(ctx, p, wrapID, one, salt, body)
	if err != nil {
		t.Fatal(err)
	}
	second, err := SealRecord(ctx, p, wrapID, two, salt, body)
	if err != nil {
		t.Fatal(err)
	}
	gotSalt, got, err := OpenRecord(ctx, p, wrapID, one, first)
	if err != nil || gotSalt != salt || !bytes.Equal(got, body) {
		t.Fatalf("OpenRecord = %x, %q, %v", gotSalt, got, err)
	}
	if len(first.Body) != 256+sealOverhead {
		t.Errorf("a short record seals to %d bytes, want %d", len(first.Body), 256+sealOverhead)
	}
	short, err := sealPadded(NewDEK(), one[:], []byte("short"), recordBucket)
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]Record{
		"of another act":       second,
		"body of another act":  {first.Wrapped, second.Body},
		"key of another act":   {second.Wrapped, first.Body},
		"no key any more":      {nil, first.Body},
		"no body":              {first.Wrapped, nil},
		"body under other key": {first.Wrapped, short},
	} {
		if _, got, err := OpenRecord(ctx, p, wrapID, one, r); !errors.Is(err, ErrOpen) || got != nil {
			t.Errorf("%s: OpenRecord = %q, %v; want ErrOpen", name, got, err)
		}
	}
	if err := p.Destroy(ctx, wrapID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := OpenRecord(ctx, p, wrapID, one, first); !errors.Is(err, ErrDestroyed) {
		t.Errorf("key destroyed: %v, want ErrDestroyed", err)
	}
}

// Two who each hold one half, and the other's public one, come to the same
// secret: RFC 7748's idea over P-256, checked against the standard library.
func TestAgree(t *testing.T) {
	ctx, f := context.Background(), newTestFile(t)
	public, err := f.AgreeKey(ctx, agreeID)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	want, err := other.ECDH(public)
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Agree(ctx, agreeID, other.PublicKey())
	if err != nil || !bytes.Equal(got[:], want) {
		t.Errorf("Agree: %v, and both sides the same %t", err, bytes.Equal(got[:], want))
	}
	curve, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		id  KeyID
		key *ecdh.PublicKey
		err error
	}{
		"no key of the other":    {agreeID, nil, ErrUsage},
		"a key of another curve": {agreeID, curve.PublicKey(), ErrUsage},
		"a key that signs":       {signID, other.PublicKey(), ErrKind},
		"a key that is not":      {"agree/none/1", other.PublicKey(), ErrNoKey},
	} {
		if _, err := f.Agree(ctx, tc.id, tc.key); !errors.Is(err, tc.err) {
			t.Errorf("%s: %v, want %v", name, err, tc.err)
		}
	}
	if _, err := f.AgreeKey(ctx, signID); !errors.Is(err, ErrKind) {
		t.Errorf("AgreeKey of a key that signs: %v", err)
	}
	if _, err := f.Signer(ctx, agreeID); !errors.Is(err, ErrKind) {
		t.Errorf("Signer of a key that agrees: %v", err)
	}
	if _, err := f.Public(ctx, agreeID); !errors.Is(err, ErrKind) {
		t.Errorf("Public of a key that agrees: %v", err)
	}
	_, path, identity := paths(f)
	again, err := OpenFile(path, identity)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := again.Agree(ctx, agreeID, other.PublicKey()); err != nil || same != got {
		t.Errorf("another process comes to another secret: %v", err)
	}
	if err := f.Destroy(ctx, agreeID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Agree(ctx, agreeID, other.PublicKey()); !errors.Is(err, ErrDestroyed) {
		t.Errorf("once destroyed: %v", err)
	}
}

// TestSecretsPrintMasked prints everything that holds a secret in every way
// that a log could and looks for the secret's bytes.
func TestSecretsPrintMasked(t *testing.T) {
	ctx, f := context.Background(), newTestFile(t)
	signer, err := f.Signer(ctx, signID)
	if err != nil {
		t.Fatal(err)
	}
	r := f.state.Load().ring
	dek := NewDEK()
	secrets := [][]byte{dek.key()[:], []byte(f.identity.String())}
	for _, k := range r.keys {
		secrets = append(secrets, k.secret()[:])
	}
	type nested struct {
		Exported DEK
		hidden   DEK
		deep     *DEK
	}
	values := []any{
		dek, &dek, nested{dek, dek, &dek}, []DEK{dek}, map[string]DEK{"a": dek},
		f, struct{ f *File }{f}, r, *r, r.keys, r.keys[macID], *r.keys[signID], *r.keys[agreeID], signer, struct{ any }{signer}, f.state.Load(),
		struct{ r ring }{*r}, struct{ k key }{*r.keys[wrapID]}, struct{ s *state }{f.state.Load()}, struct{ s crypto.Signer }{signer},
	}
	var out strings.Builder
	text, lines := slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		text.Info("value", "v", v)
		lines.Info("value", "v", v)
		b, _ := json.Marshal(v)
		out.Write(b)
	}
	// The expanded AES key begins with the key, word by word.
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		raw := r.keys[wrapID].secret()[:]
		if words := fmt.Sprintf("%d %d", order.Uint32(raw), order.Uint32(raw[4:])); strings.Contains(out.String(), words) {
			t.Error("an expanded key is printed")
		}
	}
	for _, secret := range secrets {
		decimal := strings.Trim(fmt.Sprint(secret[:8]), "[]")
		for _, form := range []string{
			string(secret[:8]), fmt.Sprintf("%x", secret[:8]), fmt.Sprintf("%X", secret[:8]),
			decimal, strings.ReplaceAll(decimal, " ", ","), strings.Trim(fmt.Sprintf("%#v", secret[:8]), "[]byte{}"),
		} {
			if strings.Contains(out.String(), form) {
				t.Errorf("a secret is printed: %.200s", out.String()[strings.Index(out.String(), form):])
			}
		}
	}
	if !strings.Contains(out.String(), mask) {
		t.Error("no mask is printed")
	}
}

func TestKeyIDs(t *testing.T) {
	for id, want := range map[KeyID]bool{
		macID: true, wrapID: true, signID: true, "duty/relmgr/records": true,
		ColumnKey("gp-riverside", 2): true, AgencyKey("gp-practice", 12): true,
		"": false, "sign": false, "/sign": false, "sign/": false, "a//b": false, "a/b c": false, "a/ä": false, "a/\x00": false,
		"a/b/c/d/e/f": true, "a/b/c/d/e/f/g": false, KeyID("a/" + strings.Repeat("b", 198)): true, KeyID("a/" + strings.Repeat("b", 199)): false,
	} {
		if id.valid() != want {
			t.Errorf("%q valid = %t, want %t", string(id), id.valid(), want)
		}
	}
	if ColumnKey("gp-riverside", 1) != macID || AgencyKey("gp-practice", 1) != wrapID {
		t.Error("constructors do not make the documented ids")
	}
	f := newTestFile(t)
	_, err := f.Check(context.Background(), "9434765919")
	if !errors.Is(err, ErrKeyID) || strings.Contains(err.Error(), "943") {
		t.Errorf("malformed id: %v, want ErrKeyID without the id", err)
	}
}

func FuzzOpen(f *testing.F) {
	dek := DEK{key: hide([32]byte{1})}
	aad := []byte("handle")
	for _, plain := range []string{"", "9434765919", strings.Repeat("x", 40)} {
		sealed, err := Seal(dek, aad, []byte(plain))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(aad, sealed)
		f.Add(aad, sealed[:len(sealed)-1])
		f.Add([]byte("other"), sealed)
	}
	seeds := map[string]bool{}
	f.Fuzz(func(t *testing.T, fuzzAAD, sealed []byte) {
		plain, err := Open(dek, fuzzAAD, sealed)
		switch {
		case err == nil && !bytes.Equal(fuzzAAD, aad):
			t.Fatal("opens under another aad")
		case err == nil && (len(sealed)-sealOverhead)%valueBucket != 0:
			t.Fatal("opens at an odd length")
		case err == nil:
			seeds[string(plain)] = true
		case !errors.Is(err, ErrOpen) && !errors.Is(err, ErrUsage):
			t.Fatalf("unexpected error: %v", err)
		}
		if len(seeds) > 3 {
			t.Fatal("something opens that was never sealed")
		}
	})
}

func FuzzKeyFile(f *testing.F) {
	r := &ring{keys: map[KeyID]*key{}, destroyed: map[KeyID]struct{}{"a/b": {}}}
	empty, _ := (&ring{}).encode()
	f.Add(empty)
	for i, kind := range []KeyKind{KindMAC, KindWrap, KindSign, KindNote, KindAgree} {
		k, err := keyFrom(kind, [32]byte{byte(i + 1)})
		if err != nil {
			f.Fatal(err)
		}
		r.keys[KeyID("k/"+string(kind))] = k
	}
	b, err := r.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(bytes.Replace(b, []byte(`"version":1`), []byte(`"version":2`), 1))
	f.Add(append(bytes.Clone(b), '\n'))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parseRing(b)
		if err != nil {
			if r != nil || !errors.Is(err, errKeyFile) && !errors.Is(err, errKeyVersion) {
				t.Fatalf("parseRing = %v, %v", r, err)
			}
			return
		}
		again, err := r.encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("not canonical: %v", err)
		}
	})
}

func BenchmarkMAC(b *testing.B) {
	ctx, p := context.Background(), newTestFile(b)
	msg := make([]byte, 64)
	for b.Loop() {
		if _, err := p.MAC(ctx, macID, msg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToken(b *testing.B) {
	ctx, p := context.Background(), newTestFile(b)
	for b.Loop() {
		if _, err := Token(ctx, p, macID, "gp-riverside", "9434765919"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	dek, aad, plain := NewDEK(), make([]byte, 16), []byte("9434765919")
	for b.Loop() {
		if _, err := Seal(dek, aad, plain); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	dek, aad := NewDEK(), make([]byte, 16)
	sealed, _ := Seal(dek, aad, []byte("9434765919"))
	for b.Loop() {
		if _, err := Open(dek, aad, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrap(b *testing.B) {
	ctx, p := context.Background(), newTestFile(b)
	dek, aad := NewDEK(), make([]byte, 16)
	for b.Loop() {
		if _, err := p.Wrap(ctx, wrapID, aad, dek); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnwrap(b *testing.B) {
	ctx, p := context.Background(), newTestFile(b)
	aad := make([]byte, 16)
	wrapped, _ := p.Wrap(ctx, wrapID, aad, NewDEK())
	for b.Loop() {
		if _, err := p.Unwrap(ctx, wrapID, aad, wrapped); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealRecord(b *testing.B) {
	ctx, p, id, body := context.Background(), newTestFile(b), ident.NewAct(), slices.Repeat([]byte("x"), 200)
	for b.Loop() {
		if _, err := SealRecord(ctx, p, wrapID, id, [32]byte{}, body); err != nil {
			b.Fatal(err)
		}
	}
}

// A note key signs messages whole, as signed notes need it, and nothing of the
// secret can be had from its signer.
func TestANoteKeySignsMessages(t *testing.T) {
	ctx, f := context.Background(), newTestFile(t)
	if _, _, err := f.Ensure(ctx, "note/log/1", KindNote); err != nil {
		t.Fatal(err)
	}
	s, err := f.NoteSigner(ctx, "note/log/1")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := s.Sign(nil, []byte("a message"), crypto.Hash(0))
	if err != nil || !ed25519.Verify(s.Public().(ed25519.PublicKey), []byte("a message"), sum) {
		t.Errorf("the signature does not verify: %v", err)
	}
	for _, opts := range []crypto.SignerOpts{nil, crypto.SHA256} {
		if _, err := s.Sign(nil, make([]byte, 32), opts); err == nil {
			t.Errorf("signed a digest with %v", opts)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v %s", s, s, s, s); strings.TrimSpace(strings.ReplaceAll(text, "[secret]", "")) != "" {
		t.Errorf("a signer prints as %s", text)
	}
	if _, err := f.NoteSigner(ctx, signID); !errors.Is(err, ErrKind) {
		t.Errorf("a signing key signs notes: %v", err)
	}
	if _, err := f.Signer(ctx, "note/log/1"); !errors.Is(err, ErrKind) {
		t.Errorf("a note key signs digests: %v", err)
	}
}
