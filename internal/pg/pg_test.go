package pg_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestOpenSetsTheSession(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	db, err := pg.OpenPool(t.Context(), h.DSN("relmgr"), pg.Pool{Application: "relmgr", StatementTimeout: 1500 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for setting, want := range map[string]string{
		"search_path": "", "TimeZone": "UTC", "application_name": "relmgr", "statement_timeout": "1500ms",
		"transaction_isolation": "read committed", "idle_in_transaction_session_timeout": "1min",
	} {
		var got string
		if err := db.QueryRow("select current_setting($1)", setting).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %q (%v), want %q", setting, got, err, want)
		}
	}
	var now time.Time
	if err := db.QueryRow("select now()").Scan(&now); err != nil || now.Location() != time.UTC {
		t.Errorf("times come back in %v (%v), want UTC", now.Location(), err)
	}
}

func TestOpenTakesTheTimeoutOfTheDSN(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	for _, c := range []struct {
		name, dsn string
		pool      pg.Pool
		want      string
	}{
		{"nothing said", h.AdminDSN(), pg.Pool{}, "10s"},
		{"the DSN says", h.AdminDSN() + " statement_timeout=4s", pg.Pool{}, "4s"},
		{"the pool says", h.AdminDSN() + " statement_timeout=4s", pg.Pool{StatementTimeout: time.Second}, "1s"},
		{"no bound", h.AdminDSN(), pg.Pool{StatementTimeout: -1}, "0"},
	} {
		db, err := pg.OpenPool(t.Context(), c.dsn, c.pool)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var got string
		if err := db.QueryRow("show statement_timeout").Scan(&got); err != nil || got != c.want {
			t.Errorf("%s: statement_timeout is %q (%v), want %q", c.name, got, err, c.want)
		}
		db.Close()
	}
}

func TestQueryThatForgetsItsSchemaFails(t *testing.T) {
	t.Parallel()
	admin := pgtest.New(t).Admin(t)
	exec(t, admin, "create table public.forgotten ()")
	if _, err := admin.Exec("select * from forgotten"); err == nil {
		t.Error("a query without a schema found its table")
	}
}

func TestOpenNeverShowsTheDSN(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"postgres://fame:hunter2@%zz/db", "host=x password='hunter2", "password hunter2", "port=hunter2",
		"host=/nowhere user=u password=hunter2 dbname=d",
	} {
		_, err := pg.Open(t.Context(), dsn)
		if err == nil {
			t.Fatal("opened nothing")
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

func TestOpenSaysUnavailableWhenNobodyListens(t *testing.T) {
	t.Parallel()
	_, err := pg.Open(t.Context(), "host=/nowhere user=u dbname=d")
	if fault.KindOf(err) != fault.Unavailable {
		t.Errorf("got %v, want Unavailable", err)
	}
}

func TestInTxCommitsWhatItStores(t *testing.T) {
	t.Parallel()
	db := things(t)
	if err := pg.InTx(t.Context(), db, put("a")); err != nil {
		t.Fatal(err)
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d things are stored, want 1", n)
	}
}

func TestInTxRollsBackOnErrorAndOnPanic(t *testing.T) {
	t.Parallel()
	db := things(t)
	mine := errors.New("mine")
	err := pg.InTx(t.Context(), db, func(tx *sql.Tx) error {
		exec(t, tx, "insert into public.things values ('a')")
		return mine
	})
	if !errors.Is(err, mine) {
		t.Errorf("got %v, want the closure's own error", err)
	}
	func() {
		defer func() { recover() }()
		pg.InTx(t.Context(), db, func(tx *sql.Tx) error {
			exec(t, tx, "insert into public.things values ('a')")
			panic("at the disco")
		})
		t.Error("the panic was swallowed")
	}()
	if n := count(t, db); n != 0 {
		t.Errorf("%d things are stored, want none", n)
	}
	if open := db.Stats().InUse; open != 0 {
		t.Errorf("%d connections are still in use, want none", open)
	}
}

func TestInTxRunsAgainWhenToldTo(t *testing.T) {
	t.Parallel()
	db := things(t)
	runs := 0
	err := pg.InTx(t.Context(), db, func(tx *sql.Tx) error {
		exec(t, tx, "insert into public.things values ('a')") // would clash if the last run had left it
		if runs++; runs < 4 {
			return pg.ErrRetry
		}
		return nil
	})
	if err != nil || runs != 4 || count(t, db) != 1 {
		t.Errorf("%d runs, %d things, %v; want 4 runs and 1 thing", runs, count(t, db), err)
	}
}

func TestInTxRunsAgainAfterSerialisationFailure(t *testing.T) {
	t.Parallel()
	db := things(t)
	runs := 0
	err := pg.InTx(t.Context(), db, func(tx *sql.Tx) error {
		if runs++; runs == 1 {
			_, err := tx.Exec("do $$ begin raise exception 'x' using errcode = '40001'; end $$")
			return pg.Fault(err) // even when the closure has already read it
		}
		return put("a")(tx)
	})
	if err != nil || runs != 2 || count(t, db) != 1 {
		t.Errorf("%d runs, %v; want 2 runs and no error", runs, err)
	}
}

func TestInTxRunsAgainAfterDeadlock(t *testing.T) {
	t.Parallel()
	db := things(t)
	exec(t, db, "insert into public.things values ('a'), ('b')")
	touch := "update public.things set name = name where name = $1"
	meet := make(chan struct{}, 2)
	both := func(first, second string) error {
		runs := 0
		return pg.InTx(t.Context(), db, func(tx *sql.Tx) error {
			if _, err := tx.Exec(touch, first); err != nil {
				return err
			}
			if runs++; runs == 1 {
				meet <- struct{}{}
				for len(meet) < 2 {
					time.Sleep(time.Millisecond)
				}
			}
			_, err := tx.Exec(touch, second)
			return err
		})
	}
	other := make(chan error)
	go func() { other <- both("b", "a") }()
	if err := errors.Join(both("a", "b"), <-other); err != nil {
		t.Errorf("a deadlock was not tried again: %v", err)
	}
}

func TestInTxGivesUpAsUnavailable(t *testing.T) {
	t.Parallel()
	db := things(t)
	runs := 0
	err := pg.InTx(t.Context(), db, func(*sql.Tx) error { runs++; return pg.ErrRetry })
	f, ok := errors.AsType[*fault.Error](err)
	if !ok || f.Kind != fault.Unavailable || f.RetryAfter != time.Second || !errors.Is(err, pg.ErrRetry) {
		t.Errorf("got %v, want Unavailable after a second, because of ErrRetry", err)
	}
	if runs != 8 {
		t.Errorf("the closure ran %d times, want 8", runs)
	}
}

func TestInTxStopsWhenTheCallerGoes(t *testing.T) {
	t.Parallel()
	db := things(t)
	ctx, cancel := context.WithCancel(t.Context())
	runs := 0
	err := pg.InTx(ctx, db, func(*sql.Tx) error { runs++; cancel(); return pg.ErrRetry })
	if fault.KindOf(err) != fault.Unavailable || runs != 1 {
		t.Errorf("%d runs, %v; want 1 run and Unavailable", runs, err)
	}
}

func TestInTxNeverCommitsWhatTheClosureHides(t *testing.T) {
	t.Parallel()
	db := things(t)
	err := pg.InTx(t.Context(), db, func(tx *sql.Tx) error {
		exec(t, tx, "insert into public.things values ('a')")
		tx.Exec("insert into public.things values ('a')") // fails, and nobody looks
		return nil
	})
	if err == nil || fault.KindOf(err) != fault.Internal {
		t.Errorf("got %v, want Internal", err)
	}
	if n := count(t, db); n != 0 {
		t.Errorf("%d things are stored, want none", n)
	}
}

func TestInTxSaysWhenNobodyKnows(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	db, other := h.DB(t, "relmgr"), h.Admin(t)
	runs := 0
	err := pg.InTx(t.Context(), db, func(tx *sql.Tx) error {
		runs++
		var pid int
		if err := tx.QueryRow("select pg_backend_pid()").Scan(&pid); err != nil {
			return err
		}
		exec(t, other, "select pg_terminate_backend($1, 5000)", pid)
		return nil
	})
	if fault.KindOf(err) != fault.Unavailable || runs != 1 || !strings.Contains(err.Error(), "look whether") {
		t.Errorf("%d runs, %v; want 1 run and Unavailable that says to look", runs, err)
	}
	if err := pg.InTx(t.Context(), db, func(tx *sql.Tx) error { return nil }); err != nil {
		t.Errorf("the pool does not recover: %v", err)
	}
}

type execer interface {
	Exec(string, ...any) (sql.Result, error)
}

func exec(t *testing.T, db execer, statement string, args ...any) {
	t.Helper()
	if _, err := db.Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

// things is a database with one table of names.
func things(t *testing.T) *sql.DB {
	t.Helper()
	db := pgtest.New(t).Admin(t)
	exec(t, db, `create table public.things (
		name text constraint things_name primary key constraint things_short check (length(name) < 20),
		part_of text constraint things_part_of references public.things)`)
	return db
}

func put(name string) func(*sql.Tx) error {
	return func(tx *sql.Tx) error {
		_, err := tx.Exec("insert into public.things values ($1)", name)
		return err
	}
}

func count(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRow("select count(*) from public.things").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
