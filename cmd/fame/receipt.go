package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/fame-hub/fame/cmd/fame/verify"
)

type verifyReceiptCommand struct {
	File   string   `arg:"" help:"The receipt: the compact JWS, or the answer that it came in."`
	Keys   string   `help:"The hub's published receipt keys (keys/receipts.jwks). Left out: those of the hub's directory." type:"existingfile"`
	Proof  []string `help:"A proof that the log has the receipt's acts, from GET /log/v1/proofs/inclusion; one for each act." type:"existingfile"`
	LogKey string   `help:"The log's public key (keys/log.vkey). Left out: that of the hub's directory." type:"existingfile"`
}

// Run checks a receipt, and the proofs that came with it.
func (c *verifyReceiptCommand) Run(_ context.Context, all *cli, out *printer) error {
	h := hub{dir: all.Dir}
	text, err := readAtMost(c.File, 1<<20)
	if err != nil {
		return err
	}
	if text = bytes.TrimSpace(text); bytes.HasPrefix(text, []byte("{")) {
		var answer struct{ Receipt string }
		if err := json.Unmarshal(text, &answer); err != nil {
			return errors.New("the file is neither a compact JWS nor the answer with a receipt in it")
		}
		text = []byte(answer.Receipt)
	}
	keys, err := readAtMost(orElse(c.Keys, h.path("keys", "receipts.jwks")), 1<<20)
	if err != nil {
		return err
	}
	r, err := verify.CheckReceipt(string(text), keys)
	if err != nil {
		return err
	}
	for _, file := range c.Proof {
		proof, err := readAtMost(file, 1<<20)
		if err != nil {
			return err
		}
		vkey, err := readAtMost(orElse(c.LogKey, h.path("keys", "log.vkey")), 1<<12)
		if err != nil {
			return err
		}
		if err := r.CheckProof(proof, strings.TrimSpace(string(vkey))); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	out.say("The receipt was signed by %s with the published key, and has not been changed.", r.Issuer)
	out.say("Consent %s", r.Consent)
	for _, e := range r.Events {
		logged := "nothing proves that the log has it: ask /log/v1/proofs/inclusion?commitment=" + hex.EncodeToString(e.Commitment)
		if e.Position >= 0 {
			logged = fmt.Sprintf("the log has it, at position %d of %d", e.Position, e.Size)
		}
		out.say("  %s  %-9s  %s", e.Time.Format("2006-01-02 15:04:05Z07:00"), e.State, logged)
	}
	return out.result(r)
}

func orElse(given, otherwise string) string {
	if given == "" {
		return otherwise
	}
	return given
}

// readAtMost reads a file that somebody else has written.
func readAtMost(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s is too large to be what it should be", path)
	}
	return b, err
}
