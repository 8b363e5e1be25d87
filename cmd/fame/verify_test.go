package main

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// verifies wants `fame verify` to find nothing.
func (w *town) verifies(t *testing.T) {
	t.Helper()
	wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "verify"), 0, "Nothing is broken.")
}

// ACT-03, ACT-09: the command passes on a hub that people have used; with one
// byte of one stored act changed it names the act and fails; and without a
// duty's keys it says what it could not check.
func TestFameVerify(t *testing.T) {
	w := newTown(t, cluster(t), "verified")
	who := w.known("Mary Stone", map[ident.Column]string{"gp-riverside": "GP-60901", "social-care": "LMN-60901"})
	who.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}}
	w.relate(t, who)
	w.ask(t, "dr-patel", "gp-riverside", "GP-60901", "")
	w.verifies(t)
	var told struct {
		Records  map[string]int
		Opened   int
		Findings []struct{ Place, What string }
	}
	wantJSON(t, hubtest.Fame(t, "", "--dir", w.Dir, "--json", "verify"), &told)
	if told.Records["relmgr act"] < 4 || told.Records["enquiry"] != 1 || told.Opened == 0 || len(told.Findings) != 0 {
		t.Errorf("verified %+v", told)
	}

	keys := filepath.Join(w.Dir, "keys", "consent.keys")
	if err := os.Rename(keys, keys+".away"); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "verify"), 0, "NOT CHECKED", "what the records of consent say")
	if err := os.Rename(keys+".away", keys); err != nil {
		t.Fatal(err)
	}

	var act string
	if err := w.Admin(t).QueryRowContext(t.Context(), `update relmgr.acts set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)
		where act_id = (select act_id from relmgr.acts where kind = 'correlate') returning act_id`).Scan(&act); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "verify"), 1, "BROKEN  relmgr act "+act+": its sealed copy does not open")
}

// PUB-12, LEG-14, design.md section 5: whoever holds a receipt checks it offline
// with the hub's public keys alone, and with a proof that the log has the act.
func TestFameVerifyReceipt(t *testing.T) {
	w := everyday(t)
	who := w.known("Nora Field", map[ident.Column]string{"gp-riverside": "GP-60902"})
	w.relate(t, who)
	var consent string
	if err := w.Admin(t).QueryRowContext(t.Context(), `select consent_id from consent.consents where column_id = 'gp-riverside' order by starts_at desc limit 1`).Scan(&consent); err != nil {
		t.Fatal(err)
	}
	a := w.send(t, "dr-patel", http.MethodGet, w.Consent.URL+"/consent/v1/consents/"+consent+"/receipt", nil)
	dir := t.TempDir()
	file := func(name string, text []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var answer struct{ Receipt string }
	if err := json.Unmarshal(a.body, &answer); err != nil || answer.Receipt == "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	receipts := filepath.Join(w.Dir, "keys", "receipts.jwks")
	check := func(path string, more ...string) hubtest.Outcome {
		return hubtest.Fame(t, "", append([]string{"--dir", dir, "verify", "receipt", path, "--keys", receipts}, more...)...)
	}
	wantOutcome(t, check(file("answer.json", a.body)), 0, "has not been changed", consent, "nothing proves")
	whole := file("receipt.jws", []byte(answer.Receipt+"\n"))
	wantOutcome(t, check(whole), 0, "has not been changed")

	var told struct {
		Events []struct{ Commitment []byte }
	}
	wantJSON(t, hubtest.Fame(t, "", "--json", "verify", "receipt", whole, "--keys", receipts), &told)
	var proof []byte
	hubtest.Eventually(t, "the consent's act has its position", func() error {
		resp, err := http.Get(w.Governance.URL + "/log/v1/proofs/inclusion?commitment=" + hex.EncodeToString(told.Events[0].Commitment))
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		proof, err = io.ReadAll(resp.Body)
		if err == nil && resp.StatusCode != http.StatusOK {
			err = errStillReady(resp.StatusCode)
		}
		return err
	})
	logKey := filepath.Join(w.Dir, "keys", "log.vkey")
	good := file("act.tlog-proof", proof)
	wantOutcome(t, check(whole, "--proof", good, "--log-key", logKey), 0, "the log has it, at position")

	parts := strings.Split(answer.Receipt, ".")
	for name, wrong := range map[string]string{
		"changed claims": parts[0] + "." + strings.Replace(parts[1], parts[1][20:21], string(parts[1][20]^1), 1) + "." + parts[2],
		"no signature":   parts[0] + "." + parts[1] + ".",
		"nothing":        "", "half an answer": "{", "not a receipt": "a.b.c",
	} {
		if o := check(file("wrong", []byte(wrong))); o.Code != 1 || o.Stdout != "" {
			t.Errorf("%s: %d %s%s", name, o.Code, o.Stdout, o.Stderr)
		}
	}
	for name, wrong := range map[string][]byte{
		"another index": []byte(strings.Replace(string(proof), "\nindex ", "\nindex 1", 1)),
		"no checkpoint": []byte(strings.SplitAfter(string(proof), "\n\n")[0]), "nothing": nil,
		"another log": []byte(strings.ReplaceAll(string(proof), "127.0.0.1:8400/log/v1", "hub.example/log/v1")),
	} {
		if o := check(whole, "--proof", file("wrong.tlog-proof", wrong), "--log-key", logKey); o.Code != 1 {
			t.Errorf("%s: %d %s%s", name, o.Code, o.Stdout, o.Stderr)
		}
	}
	// The hub's other published keys sign no receipts.
	if o := hubtest.Fame(t, "", "verify", "receipt", whole, "--keys", filepath.Join(w.Dir, "keys", "handles.jwks")); o.Code != 1 {
		t.Errorf("handle keys: %d %s", o.Code, o.Stdout)
	}
}
