package lookup

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// peer is @cloudflare/voprf-ts in a process of its own.
type peer struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// unable skips the test, or fails it where continuous integration has promised what it needs.
func unable(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf("NOT TRIED: "+format, args...)
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		unable(t, "there is no npm: install Node.js 20 or newer")
	}
	dir := installed(t)
	cmd := exec.CommandContext(t.Context(), "node", "peer.mjs")
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		unable(t, "node does not start: %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil && t.Context().Err() == nil {
			t.Errorf("the peer ended: %v", err)
		}
	})
	return &peer{t, in, bufio.NewReader(out)}
}

// installed is a directory with the peer and its packages, kept from one run to the next.
func installed(t *testing.T) string {
	t.Helper()
	from := os.DirFS(filepath.Join("testdata", "voprf-ts"))
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	fresh := t.TempDir()
	if err := os.CopyFS(fresh, from); err != nil {
		t.Fatal(err)
	}
	hash := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json", "peer.mjs"} {
		text, err := os.ReadFile(filepath.Join(fresh, name))
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(text)
	}
	dir := filepath.Join(cache, "fame-voprf-ts", hex.EncodeToString(hash.Sum(nil)[:8]))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = fresh
	if out, err := cmd.CombinedOutput(); err != nil {
		unable(t, "npm cannot install its packages: %v: %s", err, out)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	beside, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(beside, os.DirFS(fresh)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(beside, dir); err != nil {
		if _, err := os.Stat(dir); err != nil { // unless somebody was faster
			t.Fatal(err)
		}
	}
	return dir
}

// ask has the peer do something.
func (p *peer) ask(request map[string]any) (answer struct {
	Key, Proof, Error           string
	Blinded, Evaluated, Outputs []string
}) {
	p.t.Helper()
	line, err := json.Marshal(request)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.t.Fatal(err)
	}
	if line, err = p.out.ReadBytes('\n'); err != nil {
		p.t.Fatal(err)
	}
	if err := json.Unmarshal(line, &answer); err != nil {
		p.t.Fatalf("%s: %v", line, err)
	}
	return answer
}

func hexed(all [][]byte) []string {
	out := make([]string, len(all))
	for i, b := range all {
		out[i] = hex.EncodeToString(b)
	}
	return out
}

func unhexed(t *testing.T, all ...string) [][]byte {
	t.Helper()
	var h hexes
	if err := h.UnmarshalText([]byte(strings.Join(all, ","))); err != nil {
		t.Fatal(err)
	}
	return h
}

// An implementation that is not ours asks our hub, answers it, and comes to the same
// values; and each catches the other at another key. @cloudflare/voprf-ts 1.0.0.
func TestAnotherImplementationComesToTheSameValues(t *testing.T) {
	t.Parallel()
	p := newPeer(t)
	ids := []Identifier{nhs(1), nhs(2), {"driving-licence", "Ä ü"}}
	var inputs [][]byte
	var values []Value
	a := answerer(t, 1)
	for _, id := range ids {
		in, err := id.input()
		if err != nil {
			t.Fatal(err)
		}
		inputs, values = append(inputs, in), append(values, valueOf(t, a, id))
	}

	blinded := p.ask(map[string]any{"do": "blind", "key": hex.EncodeToString(a.PublicKey()), "inputs": hexed(inputs)})
	evaluated, proof, err := a.Evaluate(unhexed(t, blinded.Blinded...))
	if err != nil {
		t.Fatalf("their question: %v %s", err, blinded.Error)
	}
	finalized := p.ask(map[string]any{"do": "finalize", "evaluated": hexed(evaluated), "proof": hex.EncodeToString(proof)})
	for i, out := range unhexed(t, finalized.Outputs...) {
		if v, err := split(out); err != nil || v != values[i] {
			t.Errorf("they come to another value of %v: %v", ids[i], err)
		}
	}
	others, theirs, err := answerer(t, 2).Evaluate(unhexed(t, blinded.Blinded...))
	if err != nil {
		t.Fatal(err)
	}
	if r := p.ask(map[string]any{"do": "finalize", "evaluated": hexed(others), "proof": hex.EncodeToString(theirs)}); r.Error == "" {
		t.Error("they do not notice another key")
	}

	seed, info := bytes.Repeat([]byte{7}, SeedSize), []byte("fame look-up 1 epoch \x00\x00\x00\x01")
	if key := p.ask(map[string]any{"do": "key", "seed": hex.EncodeToString(seed), "info": hex.EncodeToString(info)}).Key; key != hex.EncodeToString(a.PublicKey()) {
		t.Errorf("they derive the key %s", key)
	}
	q, err := Ask(a.PublicKey(), ids)
	if err != nil {
		t.Fatal(err)
	}
	answer := p.ask(map[string]any{"do": "evaluate", "blinded": hexed(q.Blinded())})
	got, err := q.Values(unhexed(t, answer.Evaluated...), unhexed(t, answer.Proof)[0])
	if err != nil {
		t.Fatalf("their answer: %v %s", err, answer.Error)
	}
	for i := range got {
		if got[i] != values[i] {
			t.Errorf("we come to another value of %v by their answer", ids[i])
		}
	}
	other, err := Ask(answerer(t, 2).PublicKey(), ids)
	if err != nil {
		t.Fatal(err)
	}
	answer = p.ask(map[string]any{"do": "evaluate", "blinded": hexed(other.Blinded())})
	if _, err := other.Values(unhexed(t, answer.Evaluated...), unhexed(t, answer.Proof)[0]); !errors.Is(err, ErrProof) {
		t.Errorf("their answer by another key: %v", err)
	}
}
