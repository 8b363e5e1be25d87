package pgtest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/migrate"
	"github.com/fame-hub/fame/internal/pgtest"
)

func TestEachHubIsItsOwn(t *testing.T) {
	t.Parallel()
	a, b := pgtest.New(t), pgtest.New(t)
	mark(t, a)
	if n := pending(t, b); n != 0 {
		t.Errorf("the other hub holds %d commitments, want 0", n)
	}
	if n := pending(t, a); n != 1 {
		t.Errorf("the hub holds %d commitments, want 1", n)
	}
}

func TestEveryDutyLogsInAsItself(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	for _, duty := range migrate.Duties {
		var who string
		if err := h.DB(t, duty).QueryRow("select current_user").Scan(&who); err != nil {
			t.Fatalf("%s: %v", duty, err)
		}
		if want := migrate.Login("pgtest", duty); who != want {
			t.Errorf("%s logs in as %s, want %s", duty, who, want)
		}
		have, want, err := migrate.Version(t.Context(), h.DB(t, duty))
		if err != nil || have != want || want == 0 {
			t.Errorf("%s: version %d of %d (%v), want the newest", duty, have, want, err)
		}
	}
}

func TestWallsHoldInsideATest(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	mark(t, h)
	_, err := h.DB(t, "registrar").Exec("select * from ledger.pending")
	if !pg.CrossedWall(err) {
		t.Errorf("the registrar read the ledger's inbox: got %v, want insufficient privilege", err)
	}
}

func TestCloneAdmitsOnlyTheLogins(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	var open bool
	err := h.Admin(t).QueryRow(`select has_database_privilege('public', current_database(), 'connect')`).Scan(&open)
	if err != nil || open {
		t.Errorf("public may connect: %v (%v), want false", open, err)
	}
}

func TestDumpShowsWhatIsStored(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	mark(t, h)
	if dump := h.Dump(t); !strings.Contains(dump, strings.Repeat("ab", 32)) {
		t.Errorf("the dump of %d bytes lacks the row that was stored", len(dump))
	}
}

func BenchmarkNew(b *testing.B) {
	pgtest.New(b)
	for b.Loop() {
		pgtest.New(b)
	}
}

func mark(t *testing.T, h *pgtest.Hub) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, err := h.DB(t, "registrar").ExecContext(ctx,
		"insert into ledger.pending (commitment) values (decode(repeat('ab', 32), 'hex'))")
	if err != nil {
		t.Fatal(err)
	}
}

func pending(t *testing.T, h *pgtest.Hub) (n int) {
	t.Helper()
	if err := h.Admin(t).QueryRow("select count(*) from ledger.pending").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
