package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/private"
)

// The server is this package's own: pgtest stands on what is tested here.
var server *private.Server

func TestMain(m *testing.M) { os.Exit(withServer(m)) }

func withServer(m *testing.M) int {
	base := "/dev/shm"
	if _, err := os.Stat(base); err != nil {
		base = ""
	}
	dir, err := os.MkdirTemp(base, "fame-migrate-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = os.Chmod(dir, 0o711)
	}
	if err == nil {
		server, err = private.Start(context.Background(), private.Config{Dir: dir, Fast: true})
	}
	if errors.Is(err, private.ErrNoBinaries) && os.Getenv("CI") == "" {
		fmt.Println("NOT TESTED:", err)
		return 0
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer server.Stop()
	return m.Run()
}

// small is a release of one table.
func small() source {
	return source{
		migrations: fstest.MapFS{
			"0001_notes.sql": {Data: []byte("-- +goose Up\ncreate schema notes;\ncreate table notes.notes (n int);\n")},
			"0002_more.sql":  {Data: []byte("-- +goose Up\nalter table notes.notes add m int;\n")},
		},
		roles: `do $$ begin create role small_reader nologin; exception when duplicate_object or unique_violation then null; end $$;
			grant usage on schema notes to small_reader; grant select on notes.notes to small_reader;`,
	}
}

func TestUpAppliesOnceAndTellsTheVersion(t *testing.T) {
	t.Parallel()
	dsn, s := database(t), small()
	db := connect(t, dsn)
	if have, want, err := s.version(t.Context(), db); have != 0 || want != 2 || err != nil {
		t.Errorf("before: version %d of %d (%v), want 0 of 2", have, want, err)
	}
	for range 2 {
		if err := s.up(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
	}
	if have, want, err := s.version(t.Context(), db); have != 2 || want != 2 || err != nil {
		t.Errorf("after: version %d of %d (%v), want 2 of 2", have, want, err)
	}
}

func TestUpOfThisRelease(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	if err := Up(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	have, want, err := Version(t.Context(), connect(t, dsn))
	if err != nil || have != want || have == 0 {
		t.Errorf("version %d of %d (%v), want the newest", have, want, err)
	}
}

func TestManyAtOnceOnOneDatabase(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	together(t, 4, func(int) error { return small().up(context.Background(), dsn) })
}

func TestManyAtOnceOnSeveralDatabases(t *testing.T) {
	t.Parallel()
	dsns := []string{database(t), database(t), database(t), database(t)}
	together(t, 2*len(dsns), func(i int) error {
		dsn := dsns[i%len(dsns)]
		if err := Up(context.Background(), dsn); err != nil {
			return err
		}
		return EnsureLogins(context.Background(), dsn, "crowd", everyone("pw"))
	})
}

func TestFailedMigrationNamesItsFile(t *testing.T) {
	t.Parallel()
	dsn, s := database(t), small()
	fsys := maps.Clone(s.migrations.(fstest.MapFS))
	fsys["0003_wrong.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nalter table notes.missing add k int;\n")}
	s.migrations = fsys
	err := s.up(t.Context(), dsn)
	if err == nil || !strings.Contains(err.Error(), "0003_wrong.sql") || !strings.Contains(err.Error(), `"notes.missing" does not exist`) {
		t.Errorf("got %v, want the file and what it lacks", err)
	}
	if have, _, err := s.version(t.Context(), connect(t, dsn)); have != 2 || err != nil {
		t.Errorf("version %d (%v), want 2", have, err)
	}
	delete(fsys, "0003_wrong.sql")
	if err := s.up(t.Context(), dsn); err != nil {
		t.Errorf("after a failure the lock is still held, or more: %v", err)
	}
}

func TestLoginsReachTheirOwnHubAlone(t *testing.T) {
	t.Parallel()
	one, two := database(t), database(t)
	for hub, dsn := range map[string]string{"one": one, "two": two} {
		if err := Up(t.Context(), dsn); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := EnsureLogins(t.Context(), dsn, hub, everyone(hub+" it's \\ a secret")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, duty := range Duties {
		db, err := pg.Open(t.Context(), server.DSN(name(t, one), Login("one", duty), "one it's \\ a secret "+duty))
		if err != nil {
			t.Fatalf("%s: %v", duty, err)
		}
		var groups string
		err = db.QueryRow(`select string_agg(r.rolname, ' ') from pg_auth_members m
			join pg_roles r on r.oid = m.roleid join pg_roles u on u.oid = m.member where u.rolname = current_user`).Scan(&groups)
		if err != nil || groups != "fame_"+duty {
			t.Errorf("%s is a member of %q (%v), want fame_%s", duty, groups, err, duty)
		}
		db.Close()
		if db, err := pg.Open(t.Context(), server.DSN(name(t, two), Login("one", duty), "one it's \\ a secret "+duty)); err == nil {
			db.Close()
			t.Errorf("%s of one hub reaches the other's database", duty)
		}
	}
}

func TestEnsureLoginsMendsWhatWasOpened(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	if err := errors.Join(Up(t.Context(), dsn), EnsureLogins(t.Context(), dsn, "mend", everyone("old"))); err != nil {
		t.Fatal(err)
	}
	db := connect(t, dsn)
	if _, err := db.Exec("grant fame_relmgr to mend_registrar; alter role mend_registrar createrole"); err != nil {
		t.Fatal(err)
	}
	if err := EnsureLogins(t.Context(), dsn, "mend", everyone("new")); err != nil {
		t.Fatal(err)
	}
	var open bool
	err := db.QueryRow(`select rolcreaterole or pg_has_role(rolname, 'fame_relmgr', 'member') from pg_roles where rolname = 'mend_registrar'`).Scan(&open)
	if err != nil || open {
		t.Errorf("the registrar keeps what it was lent: %v (%v)", open, err)
	}
	login, err := pg.Open(t.Context(), server.DSN(name(t, dsn), "mend_registrar", "new registrar"))
	if err != nil {
		t.Fatalf("the new password: %v", err)
	}
	login.Close()
	if _, err := pg.Open(t.Context(), server.DSN(name(t, dsn), "mend_registrar", "old registrar")); err == nil {
		t.Error("the old password still opens")
	}
}

func TestEnsureLoginsRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	dsn := database(t)
	for _, c := range []struct{ what, hub, duty, password string }{
		{"no name", "", "relmgr", "hunter2"},
		{"a quote", `x"y`, "relmgr", "hunter2"},
		{"too long", strings.Repeat("x", 41), "relmgr", "hunter2"},
		{"the groups' own name", "fame", "relmgr", "hunter2"},
		{"a reserved name", "pg_x", "relmgr", "hunter2"},
		{"the portal", "hub", "portal", "hunter2"},
		{"no password", "hub", "relmgr", ""},
		{"a password beyond ASCII", "hub", "relmgr", "hunter2é"},
	} {
		err := EnsureLogins(t.Context(), dsn, c.hub, map[string]string{c.duty: c.password})
		if fault.KindOf(err) != fault.Invalid || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v, want Invalid without the password", c.what, err)
		}
	}
}

func everyone(password string) map[string]string {
	all := map[string]string{}
	for _, duty := range Duties {
		all[duty] = password + " " + duty
	}
	return all
}

var counter struct {
	sync.Mutex
	n int
}

// database makes an empty one and returns the superuser's DSN.
func database(t *testing.T) string {
	t.Helper()
	counter.Lock()
	defer counter.Unlock()
	counter.n++
	name := fmt.Sprintf("db_%d", counter.n)
	if _, err := connect(t, server.AdminDSN("postgres")).Exec("create database " + name); err != nil {
		t.Fatal(err)
	}
	return server.AdminDSN(name)
}

func name(t *testing.T, dsn string) (name string) {
	t.Helper()
	if err := connect(t, dsn).QueryRow("select current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}

func connect(t *testing.T, dsn string) *sql.DB {
	t.Helper()
	db, err := pg.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func together(t *testing.T, n int, do func(i int) error) {
	t.Helper()
	results := make(chan error)
	for i := range n {
		go func() { results <- do(i) }()
	}
	for range n {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
