package main

import (
	"crypto"
	"crypto/ed25519"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	f_note "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/seal"
)

// published is a public key that `fame init` has written.
func published(t *testing.T, h *hubtest.Hub, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(h.Dir, "keys", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// witnessedBy has one hub witness the other, and the other it.
func witnessedBy(t *testing.T, h, by *hubtest.Hub) {
	t.Helper()
	h.Governance.Stop(t)
	c := h.Config(t, "governance")
	c.Metrics = hubtest.FreePort(t)
	c.Log = process.Log{
		Peers:     []string{published(t, by, "log.vkey")},
		Witnesses: []process.Witness{{URL: by.Governance.URL + "/log/v1", Key: published(t, by, "witness.vkey")}}, Quorum: 1,
	}
	if err := c.Save(filepath.Join(h.Dir, "governance.yaml")); err != nil {
		t.Fatal(err)
	}
	h.Governance.Start(t)
}

func fetched(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s (%v)", url, resp.StatusCode, body, err)
	}
	return string(body)
}

// cosigned is the checkpoint of one hub once the other has cosigned it at a size.
func cosigned(t *testing.T, h, by *hubtest.Hub, size int) string {
	t.Helper()
	log, err := note.NewVerifier(published(t, h, "log.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	witness, err := f_note.NewVerifierForCosignatureV1(published(t, by, "witness.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	var signed string
	hubtest.Eventually(t, by.Name+" cosigns "+h.Name, func() error {
		signed = fetched(t, h.Governance.URL+"/log/v1/checkpoint")
		n, err := note.Open([]byte(signed), note.VerifierList(log, witness))
		if err != nil {
			return err
		}
		if len(n.Sigs) != 2 || !strings.Contains(n.Text, fmt.Sprintf("\n%d\n", size)) {
			return fmt.Errorf("%d signatures on %q", len(n.Sigs), n.Text)
		}
		return nil
	})
	return signed
}

// forged is a checkpoint that a hub's own key signs over a tree it does not have.
func forged(t *testing.T, h *hubtest.Hub, size int, root string) string {
	t.Helper()
	c := h.Config(t, "governance")
	keys, err := seal.OpenFile(c.Keys, c.Identity)
	if err != nil {
		t.Fatal(err)
	}
	key, err := keys.NoteSigner(t.Context(), "note/log/1")
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(published(t, h, "log.vkey"))
	if err != nil || !key.Public().(ed25519.PublicKey).Equal(key.Public()) {
		t.Fatal(err)
	}
	signed, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", v.Name(), size, root)}, signing{v, key})
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

type signing struct {
	note.Verifier
	key crypto.Signer
}

func (s signing) Sign(msg []byte) ([]byte, error) { return s.key.Sign(nil, msg, crypto.Hash(0)) }

// ACT-09, design.md section 5: two hubs witness each other; a log that tells a
// second story is refused, and the hub that sees it raises the alert, keeps the
// evidence and records it by an act, once.
func TestTwoHubsWitnessEachOther(t *testing.T) {
	p := cluster(t)
	north := hubtest.NewHub(t, p, "north", "https://north.example", "https://issuer.example#governor")
	south := hubtest.NewHub(t, p, "south", "https://south.example", "https://issuer.example#governor")
	north.Explain(t)
	south.Explain(t)
	witnessedBy(t, north, south)
	witnessedBy(t, south, north)
	cosigned(t, north, south, 1)
	cosigned(t, south, north, 1)
	// A duty leaves more.
	if _, err := north.As(t, "relmgr").ExecContext(t.Context(), "insert into ledger.pending select sha256(int8send(i)) from generate_series(1, 4) i"); err != nil {
		t.Fatal(err)
	}
	honest := cosigned(t, north, south, 5)

	send := func(body string) (int, string) {
		t.Helper()
		resp, err := http.Post(south.Governance.URL+"/log/v1/add-checkpoint", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, resp.Header.Get("Content-Type") + " " + string(text)
	}
	other := "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
	fork := forged(t, north, 5, other)
	for range 2 {
		if status, told := send("old 5\n\n" + fork); status != 409 || told != "text/x.tlog.size 5\n" {
			t.Errorf("another root of the same size: %d %s", status, told)
		}
	}
	if status, told := send("old 5\n" + other + "\n\n" + forged(t, north, 9, other)); status != 422 {
		t.Errorf("a tree that did not grow out of it: %d %s", status, told)
	}
	for body, want := range map[string]int{
		"old 5\n\n" + strings.ReplaceAll(fork, "north.example", "nobody.example"): 404,
		"old 5\n\n" + strings.Replace(fork, other, "A"+other[1:], 1):              403,
		"old 6\n\n" + fork: 400, "old 5\n\n": 400, "": 400, strings.Repeat("x", 70<<10): 413,
		"old 5\n\n" + honest: 200,
	} {
		if status, told := send(body); status != want {
			t.Errorf("%.60q: %d %s, want %d", body, status, told, want)
		}
	}
	var acts, kept int
	if err := south.Admin(t).QueryRowContext(t.Context(), `select (select count(*) from governance.acts where kind = 'split-view'), (select count(*) from ledger.split_views)`).Scan(&acts, &kept); err != nil {
		t.Fatal(err)
	}
	if acts != 2 || kept != 2 {
		t.Errorf("%d acts and %d pieces of evidence of two forks", acts, kept)
	}
	if metrics := fetched(t, "http://"+south.Config(t, "governance").Metrics+"/metrics"); !strings.Contains(metrics, "fame_log_split_views_total 3") {
		t.Error("the metric does not tell of three sights of a fork")
	}
	if log := string(south.Governance.Log.Bytes()); strings.Count(log, `"alert":"split-view"`) != 3 {
		t.Error("the log does not tell of three sights of a fork")
	}
	cosigned(t, south, north, 3) // the acts are in south's log, and north has seen it
	wantOutcome(t, hubtest.Fame(t, "", "--dir", south.Dir, "verify"), 0, "Nothing is broken.")
	if _, err := south.Admin(t).ExecContext(t.Context(), "update ledger.cosignatures set line = overlay(line placing case when substr(line, 60, 1) = 'A' then 'B' else 'A' end from 60 for 1) where number = 1"); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, hubtest.Fame(t, "", "--dir", south.Dir, "verify"), 1, "BROKEN  checkpoint 1: a cosignature of north.example/log/v1/witness does not verify")
}
