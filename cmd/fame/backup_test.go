package main

import (
	"bytes"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/pg/private"
)

// SUS-03, SEC, LEG-31, issue "The ledger": the restore drill and the lost-key drill of
// docs/runbooks/restore.md, as they are written there. A hub is backed up while it
// serves, destroyed, and restored as it was before a mistake; then it loses its keys
// and is given them back. Each time fame verify finds nothing broken.
func TestAHubIsRestoredAsItWasBeforeAMistakeAndGetsItsKeysBack(t *testing.T) {
	at := hubtest.FreePort(t)
	dir := hubtest.Dir(t, "backup")
	h := hub{dir: filepath.Join(dir, "hub"), hubFile: hubFile{Name: "hub", Hub: "http://" + at, Listen: at}}
	to, keys, identities := filepath.Join(dir, "backups"), filepath.Join(dir, "elsewhere"), filepath.Join(dir, "safe")
	in := func(args ...string) hubtest.Outcome {
		return hubtest.Fame(t, "", append([]string{"--dir", h.dir}, args...)...)
	}
	up := hubtest.FameProcess(t, h.Hub, "--dir", h.dir, "up", "--listen", at)
	up.Start(t)
	document, err := riversideDocument(h)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "partnership.json")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, in("apply", "--as", "governor", "-f", file), 0, "is in force")
	publish := func(from, n int) {
		t.Helper()
		approval := hubtest.Fame(t, approvalOf(n), "--dir", h.dir, "approve", "--as", "dr-lund", "-")
		wantOutcome(t, approval, 0, "--approval ")
		_, ref, _ := strings.Cut(approval.Stdout, "--approval ")
		var b strings.Builder
		b.WriteString("column,identifier,role,offer,contact\n")
		for i := range n {
			fmt.Fprintf(&b, "gp-riverside,GP-%05d,gp,will-co-ordinate,desk\n", from+i)
		}
		file := filepath.Join(t.TempDir(), "surgery.csv")
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		wantOutcome(t, in("import", "--as", "dr-brandt", "--approval", strings.TrimSpace(ref), file), 0, fmt.Sprintf("%d relationships are published", n))
	}
	publish(10_000, 50)

	for _, beside := range []string{to, filepath.Join(to, "keys"), dir, filepath.Join(h.dir, "keys")} {
		wantOutcome(t, in("backup", to, "--keys", beside, "--identities", identities), 1, "apart")
		wantOutcome(t, in("backup", to, "--keys", keys, "--identities", beside), 1, "apart")
	}
	wantOutcome(t, in("backup", to), 1, "--keys")
	wantOutcome(t, in("backup", to, "--keys", keys), 1, "--identities")
	wantOutcome(t, in("backup", to, "--keys", keys, "--identities", filepath.Join(keys, "identities")), 1, "apart")
	wal := hubtest.FameProcess(t, "", "--dir", h.dir, "backup", to, "--wal")
	wal.Begin(t)
	publish(20_000, 50)
	wantOutcome(t, in("backup", to, "--keys", keys, "--identities", identities), 0, "None is of any use without the others")
	noKeysIn(t, to, h)
	for _, wrong := range []string{filepath.Join(keys, "*", "keys", "*.identity"), filepath.Join(identities, "*", "keys", "*.keys"), filepath.Join(identities, "*", "*.yaml")} {
		if found, err := filepath.Glob(wrong); err != nil || len(found) > 0 {
			t.Errorf("what opens the keys lies beside them, or they beside it: %v %v", found, err)
		}
	}

	publish(30_000, 50)
	var before time.Time
	db := h.database(t)
	if err := db.QueryRow("select clock_timestamp()").Scan(&before); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond)
	publish(40_000, 50) // the mistake
	var end string
	if err := db.QueryRow("select pg_walfile_name(pg_current_wal_lsn()) from pg_switch_wal()").Scan(&end); err != nil {
		t.Fatal(err)
	}
	hubtest.Eventually(t, "the log has been received", func() error {
		var open bool
		if err := db.QueryRow("select restart_lsn < pg_current_wal_flush_lsn() - 16 * 1024 * 1024 from pg_replication_slots where slot_name = 'fame_backup'").Scan(&open); err != nil {
			return err
		}
		if open {
			return fmt.Errorf("not up to %s", end)
		}
		return nil
	})
	db.Close()
	wal.Stop(t)
	up.Stop(t)
	if err := os.RemoveAll(h.dir); err != nil {
		t.Fatal(err)
	}

	// The restore drill.
	wantOutcome(t, in("restore", to, "--keys", keys, "--identities", identities, "--until", before.UTC().Format(time.RFC3339Nano)), 0, "Nothing is broken")
	up.Start(t)
	wantPublished(t, h, 150)
	publish(50_000, 10) // and it goes on
	wantOutcome(t, in("verify"), 0, "Nothing is broken")
	up.Stop(t)
	wantOutcome(t, in("restore", to, "--keys", keys, "--identities", identities), 1, "there already")

	// The lost-key drill: without its keys relmgr refuses to start, and nothing is
	// lost as long as there is a copy.
	lost := filepath.Join(h.dir, "keys", "relmgr.keys")
	kept, err := os.ReadFile(lost)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(lost); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, in("up"), 1, "relmgr.keys")
	wantOutcome(t, in("verify"), 0, "NOT CHECKED, for want of keys: what the records of relmgr say")
	copies, err := filepath.Glob(filepath.Join(keys, "keys-*", "keys", "relmgr.keys"))
	if err != nil || len(copies) != 1 {
		t.Fatalf("%d copies of the keys (%v)", len(copies), err)
	}
	copied, err := os.ReadFile(copies[0])
	if err != nil || len(copied) == 0 || len(kept) == 0 {
		t.Fatal("the copy of the keys is empty", err)
	}
	if err := os.WriteFile(lost, copied, 0o600); err != nil {
		t.Fatal(err)
	}
	up.Start(t)
	wantPublished(t, h, 160)
	publish(60_000, 10)
	wantOutcome(t, in("verify"), 0, "Nothing is broken")
	up.Stop(t)
}

// database opens the database of a hub that is up, as the superuser.
func (h hub) database(t *testing.T) *sql.DB {
	t.Helper()
	dsn, err := private.RunningDSN(h.path("postgres"), h.Name)
	if err != nil {
		t.Fatal(err)
	}
	return hubtest.Open(t, dsn)
}

func wantPublished(t *testing.T, h hub, want int) {
	t.Helper()
	var n int
	db := h.database(t)
	defer db.Close()
	if err := db.QueryRow(`select count(*) from relmgr.cells`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if n != want {
		t.Errorf("%d relationships are published, want %d", n, want)
	}
}

// noKeysIn wants nothing of the hub's key and identity files under a directory.
func noKeysIn(t *testing.T, dir string, h hub) {
	t.Helper()
	var secrets [][]byte
	for _, duty := range duties {
		for _, name := range []string{duty + ".keys", duty + ".identity"} {
			text, err := os.ReadFile(h.path("keys", name))
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, bytes.TrimSpace(text)[:40])
		}
	}
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, s := range secrets {
			if bytes.Contains(text, s) && !bytes.HasPrefix(s, []byte("age-encryption.org")) {
				t.Errorf("%s holds a key", path)
			}
		}
		if strings.HasSuffix(path, ".keys") || strings.HasSuffix(path, ".identity") {
			t.Errorf("%s is among the data", path)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
