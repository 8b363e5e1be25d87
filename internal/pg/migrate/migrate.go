package migrate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	hubsql "github.com/fame-hub/fame/sql"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
)

const (
	versionTable = "migration.versions"

	// lockID is the advisory lock under which one process migrates one database.
	lockID    = 0x66616d65 // "fame"
	lockLimit = 5 * time.Minute

	// clashes is how often a statement that met another database's in the
	// cluster's catalogues is tried.
	clashes = 20
)

// source is what Up applies; tests bring their own.
type source struct {
	migrations fs.FS
	roles      string
}

func release() source {
	sub, err := fs.Sub(hubsql.Migrations, "schema")
	if err != nil {
		panic(err) // the embedded directory has that name
	}
	return source{sub, hubsql.Roles}
}

// Up applies what the database of adminDSN lacks of this release's migrations,
// then the grants, which it always applies again. It is safe to run twice, to
// run at once on one database (the second waits for the first, five minutes at
// most), and to run at once on several databases of a cluster. A migration that
// fails leaves those before it in place and says its file.
func Up(ctx context.Context, adminDSN string) error {
	return release().up(ctx, adminDSN)
}

func (s source) up(ctx context.Context, adminDSN string) (err error) {
	defer fault.Wrap(&err, "migrate")
	db, err := open(ctx, adminDSN)
	if err != nil {
		return err
	}
	defer db.Close()
	unlock, err := alone(ctx, db)
	if err != nil {
		return err
	}
	defer unlock()

	if _, err := db.ExecContext(ctx, "create schema if not exists migration"); err != nil {
		return pg.Fault(err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, s.migrations,
		goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return explain(err)
	}
	if err := persist(ctx, db, s.roles); err != nil {
		return fmt.Errorf("roles.sql: %w", plain(err))
	}
	_, err = db.ExecContext(ctx, "grant usage on schema migration to public; grant select on "+versionTable+" to public")
	return pg.Fault(err)
}

// Version returns the newest migration that the database has, 0 for none, and
// the newest that this release has. A process is ready when have >= want. Any
// role may ask.
func Version(ctx context.Context, db *sql.DB) (have, want int64, err error) {
	return release().version(ctx, db)
}

func (s source) version(ctx context.Context, db *sql.DB) (have, want int64, err error) {
	names, err := fs.Glob(s.migrations, "*.sql")
	if err != nil {
		return 0, 0, err
	}
	for _, name := range names {
		v, err := goose.NumericComponent(name)
		if err != nil {
			return 0, 0, fmt.Errorf("read the name of the migration %s: %w", name, err)
		}
		want = max(want, v)
	}
	err = db.QueryRowContext(ctx, "select coalesce(max(version_id), 0) from "+versionTable+" where is_applied").Scan(&have)
	if e := pq.As(err, "42P01", "3F000"); e != nil { // no such table: nothing was ever applied
		return 0, want, nil
	}
	return have, want, pg.Fault(err)
}

// open opens the administrator's database without a statement timeout: an
// index takes as long as it takes.
func open(ctx context.Context, adminDSN string) (*sql.DB, error) {
	return pg.OpenPool(ctx, adminDSN, pg.Pool{Application: "fame migrate", StatementTimeout: -1, MaxOpen: 3})
}

// alone waits until nobody else migrates this database. It asks again and
// again instead of waiting inside PostgreSQL, since a waiting statement's
// snapshot would hold up CREATE INDEX CONCURRENTLY of the one it waits for.
func alone(ctx context.Context, db *sql.DB) (unlock func(), err error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for end := time.Now().Add(lockLimit); ; {
		var got bool
		if err := conn.QueryRowContext(ctx, "select pg_try_advisory_lock($1)", lockID).Scan(&got); err != nil {
			conn.Close()
			return nil, pg.Fault(err)
		}
		if got {
			break
		}
		if time.Now().After(end) {
			conn.Close()
			return nil, fault.New(fault.Unavailable, "another process is still migrating this database: wait for it, or stop it")
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			conn.Close()
			return nil, pg.Fault(err)
		}
	}
	return func() {
		// The caller closes the pool next, and the lock goes with its session.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_, _ = conn.ExecContext(ctx, "select pg_advisory_unlock($1)", lockID)
		conn.Close()
	}, nil
}

// persist runs script as one transaction, again for as long as it clashes with
// another database's. The error is the driver's.
func persist(ctx context.Context, db *sql.DB, script string) error {
	if strings.TrimSpace(script) == "" {
		return nil
	}
	for attempt := 1; ; attempt++ {
		_, err := db.ExecContext(ctx, script)
		if err == nil || attempt == clashes || !clash(err) {
			return err
		}
		if err := pause(ctx, time.Duration(attempt)*(5*time.Millisecond+rand.N(10*time.Millisecond))); err != nil {
			return err
		}
	}
}

// clash reports whether err comes from two sessions in one shared catalogue:
// a role made twice, a row changed under us ("tuple concurrently updated",
// an internal error to PostgreSQL), a deadlock.
func clash(err error) bool {
	if pq.As(err, "23505", "42710", "40P01", "40001") != nil {
		return true
	}
	e := pq.As(err, "XX000")
	return e != nil && strings.HasPrefix(e.Message, "tuple concurrently ")
}

// explain says which migration failed and why.
func explain(err error) error {
	var partial *goose.PartialError
	if !errors.As(err, &partial) || partial.Failed == nil || partial.Failed.Source == nil {
		return plain(err)
	}
	return fmt.Errorf("%s: %w", partial.Failed.Source.Path, plain(partial.Err))
}

// plain is pg.Fault for those who write migrations: where PostgreSQL speaks
// of statements and names (class 42), which hold no rows, its sentence is kept.
func plain(err error) error {
	clean := pg.Fault(err)
	if e := pq.As(err); e != nil && e.Code.Class() == "42" {
		return fmt.Errorf("%s: %w", e.Message, clean)
	}
	return clean
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
