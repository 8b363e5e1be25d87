package hubtest

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/private"
	"github.com/lib/pq"
)

// Postgres is a durable PostgreSQL of the test's own, which survives being
// killed as a partnership's would.
type Postgres struct {
	Log    *Log
	dir    string
	server *private.Server
}

// NewPostgres starts one over an empty directory. It runs until Main ends.
func NewPostgres(t testing.TB) *Postgres {
	t.Helper()
	p := &Postgres{Log: new(Log), dir: Dir(t, "pg")}
	p.Start(t)
	atEnd(func() { _ = p.server.Stop() })
	return p
}

// Start starts it, also over what an earlier life left.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	// The backends of a postmaster that was killed hold the data for a moment.
	Eventually(t, "PostgreSQL starts", func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		p.server, err = private.Start(ctx, private.Config{Dir: p.dir, Log: p.Log})
		return err
	})
}

// Stop stops it in order.
func (p *Postgres) Stop(t testing.TB) {
	t.Helper()
	if err := p.server.Stop(); err != nil {
		t.Fatal(err)
	}
}

// Kill ends it as kill -9 of the postmaster does: what its backends were doing
// ends with them, uncommitted.
func (p *Postgres) Kill(t testing.TB) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.Data(), "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || pid <= 1 {
		t.Fatalf("postmaster.pid begins with %q", first)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-p.server.Done()
	p.Stop(t) // gives the directory back
}

// Data is the directory of the data files.
func (p *Postgres) Data() string { return filepath.Join(p.dir, "data") }

// AdminDSN says how the superuser reaches a database.
func (p *Postgres) AdminDSN(database string) string { return p.server.AdminDSN(database) }

// Make makes an empty database.
func (p *Postgres) Make(t testing.TB, database string) {
	t.Helper()
	if _, err := p.Admin(t, "postgres").ExecContext(t.Context(), "create database "+pq.QuoteIdentifier(database)); err != nil {
		t.Fatal(err)
	}
}

// Admin opens a database as the superuser, whom no grant holds back. It is
// closed when t ends.
func (p *Postgres) Admin(t testing.TB, database string) *sql.DB {
	t.Helper()
	return Open(t, p.AdminDSN(database))
}

// Open opens a database. It is closed when t ends.
func Open(t testing.TB, dsn string) *sql.DB {
	t.Helper()
	db, err := pg.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Dump is a whole database as pg_dump writes it for the superuser: what
// somebody who has stolen it would read.
func (p *Postgres) Dump(t testing.TB, database string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := p.server.Tool(ctx, "pg_dump", "--dbname="+database)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		t.Fatalf("pg_dump: %v: %s", err, complaint.String())
	}
	return out.Bytes()
}

// Load fills an empty database with what Dump wrote.
func (p *Postgres) Load(t testing.TB, database string, dump []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := p.server.Tool(ctx, "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname="+database)
	cmd.Stdin = bytes.NewReader(dump)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("psql: %v: %s", err, out)
	}
}
