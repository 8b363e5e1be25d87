package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/hubtest"
)

// SUS-04: a hub that an earlier release made, with everything that its demo did,
// is served by this release over the same database and keys. Its acts are shown as
// they were, it goes on, and fame verify finds its old records and its index as
// whole as the new ones.
func TestAHubOfAnEarlierReleaseIsUpgradedWithItsData(t *testing.T) {
	dir := filepath.Join(hubtest.Dir(t, "upgrade"), "hub")
	if err := copyFiles("testdata/upgrade", dir, "", func(string) bool { return true }); err != nil {
		t.Fatal(err)
	}
	// A checkout knows nothing of modes.
	for _, pattern := range []string{"*", "keys/*"} {
		names, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
				if err := os.Chmod(name, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := os.Chmod(dir, 0o711); err != nil { // as root the database runs as another user
		t.Fatal(err)
	}
	h, err := openHub(dir)
	if err != nil {
		t.Fatal(err)
	}
	h.load(t, filepath.Join(dir, "0010.sql.gz"))

	// Its records name that address, as its own and as its issuer's: no other will
	// do. Another run of this test holds it for a while only.
	hubtest.Eventually(t, h.Listen+" is free (the earlier release's hub is served there and nowhere else: stop what listens on it)", func() error {
		l, err := net.Listen("tcp", h.Listen)
		if err != nil {
			return err
		}
		return l.Close()
	})
	up := hubtest.FameProcess(t, h.Hub, "--dir", dir, "up")
	up.Start(t)
	in := func(args ...string) hubtest.Outcome {
		return hubtest.Fame(t, "", append([]string{"--dir", dir}, args...)...)
	}
	var old, after int
	db := h.database(t)
	defer db.Close()
	count := func(n *int) {
		t.Helper()
		if err := db.QueryRow(`select count(*) from relmgr.acts`).Scan(n); err != nil {
			t.Fatal(err)
		}
	}
	if count(&old); old < 120 {
		t.Fatalf("%d acts of the earlier release are there, want all", old)
	}
	// What an agency did then is shown to it now.
	token, err := h.token("dr-patel", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPerson(h.Hub, h.Hub, h.Hub, token)
	if err != nil {
		t.Fatal(err)
	}
	handle, err := p.relmgr.FindHandle(t.Context(), &relmgroas.HandleRequest{Column: "gp-riverside", Identifier: "GP-00042"})
	if err != nil {
		t.Fatal(err)
	}
	acts, err := p.relmgr.ListActs(t.Context(), relmgroas.ListActsParams{Handle: handle.Handle, Purpose: "co-ordinate-care", Reason: "working-with-person"})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[relmgroas.ActKind]int{}
	for _, a := range acts.Acts {
		kinds[a.Kind]++
	}
	if kinds["publish"] == 0 || kinds["correlate"] == 0 {
		t.Errorf("the acts of the earlier release are shown as %v", kinds)
	}
	wantOutcome(t, in("ask", "--as", "dr-patel", "--column", "gp-riverside", "--purpose", "co-ordinate-care", "--reason", "working-with-person", "GP-00042"), 0, "")
	// The hub goes on, with what the new release brings.
	document, err := riversideDocument(h)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "partnership.json")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, in("apply", "--as", "gov-ellis", "-f", file), 0, "is in force")
	approval := hubtest.Fame(t, approvalOf(20), "--dir", dir, "--json", "approve", "--as", "dr-lund", "-")
	var act struct{ Act string }
	if err := json.Unmarshal([]byte(approval.Stdout), &act); err != nil {
		t.Fatalf("fame approve: %s%s", approval.Stdout, approval.Stderr)
	}
	var csv strings.Builder
	csv.WriteString("column,identifier,role,offer,contact\n")
	for n := range 20 {
		fmt.Fprintf(&csv, "gp-riverside,GP-%05d,gp,will-co-ordinate,desk\n", 71_000+n)
	}
	if err := os.WriteFile(file, []byte(csv.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, in("import", "--as", "dr-brandt", "--approval", act.Act, file), 0, "20 relationships are published")
	if count(&after); after != old+21 {
		t.Errorf("%d acts, want the %d of the earlier release, the approval and 20 publications", after, old)
	}
	hubtest.Eventually(t, "the ledger has everything", func() error {
		var waiting int
		if err := db.QueryRow(`select count(*) from ledger.pending`).Scan(&waiting); err != nil || waiting > 0 {
			return fmt.Errorf("%d commitments wait (%v)", waiting, err)
		}
		return nil
	})
	wantOutcome(t, in("verify"), 0, "Nothing is broken")
	up.Stop(t)
	wantOutcome(t, in("verify"), 0, "Nothing is broken")
}

// load makes the hub's database of a dump.
func (h hub) load(t *testing.T, dump string) {
	t.Helper()
	server, err := h.startPrivate(context.Background(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	}()
	packed, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	text, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	cmd := server.Tool(t.Context(), "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--dbname="+h.Name)
	cmd.Stdin = text
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v: %s", err, out)
	}
}

// Issue "The registrar", point 6: a hub whose registrar was made before there were
// recognitions to carry is given the keys that they are encrypted to; and one whose relmgr
// was made before there were other hubs, those of its own federation duty.
func TestMigratingCompletesTheDutiesOfBefore(t *testing.T) {
	w := everyday(t)
	alone := w.Config(t, "relmgr")
	alone.FederationKeys = ""
	if err := alone.Save(filepath.Join(w.Dir, "relmgr.yaml")); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w.Dir, "registrar.yaml")
	before := w.Config(t, "registrar")
	old := before
	old.RecognitionKeys = ""
	if err := old.Save(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(before.RecognitionKeys); err != nil {
		t.Fatal(err)
	}
	for range 2 { // a second time changes nothing
		o := hubtest.Fame(t, "", "--dir", w.Dir, "migrate", "--database", shared.postgres.AdminDSN("everyday"))
		if o.Code != 0 {
			t.Fatalf("fame migrate: %d %s", o.Code, o.Stderr)
		}
		after := w.Config(t, "registrar")
		if _, err := attest.LoadRecipients(after.RecognitionKeys); err != nil || after.Registrar != before.Registrar || after.Database != before.Database {
			t.Errorf("%v, %+v", err, after.Registrar)
		}
		relmgr := w.Config(t, "relmgr")
		if _, err := attest.LoadKeySet(relmgr.FederationKeys); err != nil || relmgr.Database != alone.Database {
			t.Errorf("relmgr takes vouchers by %q: %v", relmgr.FederationKeys, err)
		}
		for _, duty := range []string{"registrar", "relmgr"} { // or the directory could not be moved
			text, err := os.ReadFile(filepath.Join(w.Dir, duty+".yaml"))
			if err != nil || strings.Contains(string(text), w.Dir) {
				t.Errorf("%s.yaml names the directory that it is in: %v", duty, err)
			}
		}
	}
}
