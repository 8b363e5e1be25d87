package pgtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/migrate"
	"github.com/fame-hub/fame/internal/pg/private"
	"github.com/lib/pq"
)

const (
	template = "fame_template"
	hubName  = "pgtest" // logins are pgtest_<duty>; every clone admits them

	// limit bounds each of this package's own steps.
	limit = 2 * time.Minute
)

// Hub is the database of one test.
type Hub struct {
	server   *private.Server
	database string
}

// process is what the tests of one process share.
var process struct {
	once   sync.Once
	dir    string
	server *private.Server
	admin  *sql.DB
	err    error
	made   atomic.Int64
}

// New makes a database that is gone when t ends. It costs about 20 ms, and
// the first one in a process about 300 ms more.
func New(t testing.TB) *Hub {
	t.Helper()
	process.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		process.err = serve(ctx)
	})
	if errors.Is(process.err, private.ErrNoBinaries) && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: %v", process.err)
	}
	if process.err != nil {
		t.Fatalf("pgtest: %v", process.err)
	}
	h := &Hub{process.server, fmt.Sprintf("hub_%d", process.made.Add(1))}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if err := h.clone(ctx); err != nil {
		t.Fatalf("pgtest: make %s: %v", h.database, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		if _, err := process.admin.ExecContext(ctx, "drop database "+h.database+" with (force)"); err != nil {
			t.Errorf("pgtest: drop %s: %v", h.database, err)
		}
	})
	return h
}

// Main runs the tests, stops the server and removes its directory. A package
// may call it from TestMain; without it the server ends with the process all the
// same, and the next process removes the directory.
func Main(m *testing.M) {
	code := m.Run()
	if process.server != nil {
		if process.admin != nil {
			process.admin.Close()
		}
		if err := errors.Join(process.server.Stop(), os.RemoveAll(process.dir)); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// clone copies the template. Grants inside a database are copied with it; who
// may connect is not.
func (h *Hub) clone(ctx context.Context) error {
	_, err := process.admin.ExecContext(ctx, "create database "+h.database+" template "+template+" strategy file_copy")
	if err != nil {
		return err
	}
	_, err = process.admin.ExecContext(ctx, admit(h.database))
	return err
}

func admit(database string) string {
	var logins []string
	for _, duty := range migrate.Duties {
		logins = append(logins, pq.QuoteIdentifier(migrate.Login(hubName, duty)))
	}
	return "revoke connect on database " + database + " from public; " +
		"grant connect on database " + database + " to " + strings.Join(logins, ", ")
}

// DSN says how duty reaches the database, as the login that production uses.
func (h *Hub) DSN(duty string) string {
	return h.server.DSN(h.database, migrate.Login(hubName, duty), password(duty))
}

// AdminDSN says how the superuser reaches the database.
func (h *Hub) AdminDSN() string { return h.server.AdminDSN(h.database) }

// DB opens the database as duty's production login. It is closed when t ends.
func (h *Hub) DB(t testing.TB, duty string) *sql.DB {
	t.Helper()
	return open(t, h.DSN(duty))
}

// Admin opens the database as the superuser, whom no grant holds back: for
// looking, not for what a duty does. It is closed when t ends.
func (h *Hub) Admin(t testing.TB) *sql.DB {
	t.Helper()
	return open(t, h.AdminDSN())
}

func open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	db, err := pg.Open(ctx, dsn)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Dump returns the whole database as pg_dump writes it for the superuser:
// what somebody who has stolen it would read.
func (h *Hub) Dump(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := h.server.Tool(ctx, "pg_dump", "--dbname="+h.database)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("pgtest: pg_dump: %v: %s", err, complaint.String())
	}
	return out.String()
}

// password need not be a secret: nobody else can reach the socket.
func password(duty string) string { return "only for tests: " + duty }
