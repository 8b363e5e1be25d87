package lookup

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/npmtest"
)

// peer is @cloudflare/voprf-ts in a process of its own.
type peer struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

func newPeer(t *testing.T) *peer {
	t.Helper()
	dir := npmtest.Installed(t, "RFC 9497 against another implementation", filepath.Join("testdata", "voprf-ts"))
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
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil && t.Context().Err() == nil {
			t.Errorf("the peer ended: %v", err)
		}
	})
	return &peer{t, in, bufio.NewReader(out)}
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
