package relmgr_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// asked is what came of an enquiry that was made in the background.
type asked struct {
	answer relmgr.Answer
	err    error
}

func (b *bundle) asks(ctx context.Context, who string, o relmgr.Own, emergency bool) <-chan asked {
	got := make(chan asked, 1)
	go func() {
		a, err := b.Enquire(ctx, b.as(who), relmgr.Question{
			Own: o, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Emergency: emergency,
		})
		got <- asked{a, err}
	}()
	return got
}

// inThisDatabase narrows pg_locks, which shows the whole server: the databases of
// other tests are clones of one template and have the same oids.
const inThisDatabase = ` and database = (select oid from pg_database where datname = current_database())`

// hold has the next batch wait, until release; what is asked meanwhile waits
// behind it. It returns once that batch, an enquiry of its own, is being written.
func (b *bundle) hold(t *testing.T) (held <-chan asked, release func()) {
	t.Helper()
	tx, err := b.admin.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("lock table ledger.pending in access exclusive mode"); err != nil {
		t.Fatal(err)
	}
	held = b.asks(t.Context(), "social", own("social-care", "LMN-00001"), false)
	b.eventually(t, "the appender waits for the lock", func() bool {
		return b.count(t, `select count(*) from pg_locks where not granted and relation = 'ledger.pending'::regclass`+inThisDatabase) == 1
	})
	return held, func() {
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
}

func (b *bundle) eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 2000 {
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("never: %s", what)
}

// recorded checks that an answer's enquiry is stored whole, once.
func (b *bundle) recorded(t *testing.T, a relmgr.Answer) {
	t.Helper()
	if n := b.count(t, fmt.Sprintf(`select count(*) from relmgr.enquiries e
		join relmgr.content_keys k on k.record_id = e.enquiry_id join ledger.pending p on p.commitment = e.commitment
		where e.enquiry_id = '%s' and e.commitment = '\x%s'`, a.ID, hex.EncodeToString(a.Commitment))); n != 1 {
		t.Errorf("an enquiry that was answered is stored %d times", n)
	}
}

// QRY-11, design.md section 5 (6): many at once are one transaction, each is
// stored whole with what it disclosed, and each gets its own answer.
func TestManyAtOnceAreRecordedTogether(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	before := b.count(t, `select count(*) from relmgr.enquiries`)
	held, release := b.hold(t)
	const many = 40
	var all []<-chan asked
	for i := range many {
		o := socialChild
		if i%2 == 1 {
			o = own("social-care", fmt.Sprintf("LMN-8%04d", i))
		}
		all = append(all, b.asks(t.Context(), "social", o, i == 4))
	}
	b.eventually(t, "all wait", func() bool { return b.Waiting() == many })
	release()
	ids := map[ident.EnquiryID]bool{}
	for i, got := range append(all, held) {
		a := <-got
		if a.err != nil {
			t.Fatal(a.err)
		}
		ids[a.answer.ID] = true
		b.recorded(t, a.answer)
		if i < many && i%2 == 0 {
			wantTold(t, a.answer, "riverside-surgery")
		} else {
			wantTold(t, a.answer)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.enquiries`) - before; n != many+1 || len(ids) != n {
		t.Errorf("%d enquiries recorded, %d ids, want %d", n, len(ids), many+1)
	}
	if n := b.count(t, `select count(distinct xmin::text) from relmgr.enquiries where enquiry_id in (select enquiry_id from relmgr.disclosures)
		or handle_id in (select handle_id from relmgr.handles where column_id = 'social-care')`); n != 2 {
		t.Errorf("they are %d transactions, want 2: the one held and the rest", n)
	}
	if n := b.count(t, `select count(*) from relmgr.disclosures`); n != many/2 {
		t.Errorf("%d disclosures recorded, want %d", n, many/2)
	}
	if n := b.count(t, `select count(*) from relmgr.reviews r join relmgr.enquiries e using (enquiry_id) where e.emergency
		and r.agency_id = e.agency_id and r.opened_at = e.at and r.due_at > e.at`); n != 1 {
		t.Errorf("%d reviews opened, want 1", n)
	}
}

// Invariant 2: several who ask at once about one identifier never seen make one
// handle, in one batch and in two processes, and each enquiry is recorded.
func TestAskingTogetherAboutANewIdentifierMakesOneHandle(t *testing.T) {
	b := setup(t)
	held, release := b.hold(t)
	other := *b
	other.Service = b.another(t)
	var all []<-chan asked
	for range 6 {
		all = append(all, b.asks(t.Context(), "social", socialChild, false))
	}
	b.eventually(t, "all wait", func() bool { return b.Waiting() == 6 })
	for range 6 {
		all = append(all, other.asks(t.Context(), "social", socialChild, false))
	}
	b.eventually(t, "the other process's batch waits too", func() bool {
		return b.count(t, `select count(*) from pg_locks where not granted and relation = 'ledger.pending'::regclass`+inThisDatabase) == 2
	})
	release()
	for _, got := range append(all, held) {
		a := <-got
		if a.err != nil {
			t.Fatal(a.err)
		}
		b.recorded(t, a.answer)
	}
	if n := b.count(t, `select count(*) from relmgr.enquiries`); n != 13 {
		t.Errorf("%d enquiries recorded, want 13", n)
	}
	if n := b.count(t, `select count(*) from relmgr.handles`); n != 2 {
		t.Errorf("%d handles, want 2: the one held and the one asked about", n)
	}
	if n := b.count(t, `select count(*) from ledger.pending`); n != 13 {
		t.Errorf("%d leaves, want 13", n)
	}
}

// One who leaves before the enquiry is being recorded leaves nothing; one who
// leaves while it is has asked, and was not told.
func TestLeavingBeforeTheAnswer(t *testing.T) {
	b := setup(t)
	ctx, leave := context.WithCancel(t.Context())
	held, release := b.hold(t)
	waits := b.asks(ctx, "social", socialChild, false)
	b.eventually(t, "it waits", func() bool { return b.Waiting() == 1 })
	leave()
	wantKind(t, (<-waits).err, fault.Unavailable)
	release()
	if a := <-held; a.err != nil {
		t.Error(a.err)
	}
	// Close returns when the appender has dealt with all that waited.
	b.Close()
	if n := b.count(t, `select count(*) from relmgr.enquiries`); n != 1 {
		t.Errorf("%d enquiries recorded, want the one held", n)
	}
	wantKind(t, (<-b.asks(t.Context(), "social", socialChild, false)).err, fault.Unavailable)
	if n := b.count(t, `select count(*) from relmgr.enquiries`); n != 1 {
		t.Errorf("%d enquiries recorded after the end", n)
	}
}

// While the database is away every enquiry is Unavailable and none is half
// there; afterwards the same service records again.
func TestEnquiriesWhileTheDatabaseIsAway(t *testing.T) {
	b := setup(t)
	b.ask(t, "social", socialChild, "")
	held, release := b.hold(t)
	var all []<-chan asked
	for i := range 8 {
		all = append(all, b.asks(t.Context(), "social", own("social-care", fmt.Sprintf("LMN-8%04d", i)), false))
	}
	b.eventually(t, "all wait", func() bool { return b.Waiting() == 8 })
	admin := only(t, b.admin)
	b.away(t, admin, true)
	release()
	for _, got := range append(all, held) {
		wantKind(t, (<-got).err, fault.Unavailable)
	}
	wantKind(t, (<-b.asks(t.Context(), "social", socialChild, false)).err, fault.Unavailable)
	if n := b.count(t, `select (select count(*) from relmgr.enquiries) + (select count(*) from ledger.pending) + (select count(*) from relmgr.handles)`); n != 3 {
		t.Errorf("%d rows, want the three of the enquiry before", n)
	}
	b.away(t, admin, false)
	b.recorded(t, b.ask(t, "social", socialChild, ""))
}

// only is one connection of the superuser, whom away keeps.
func only(t *testing.T, db *sql.DB) *sql.Conn {
	t.Helper()
	c, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// away ends the duty's connections and lets it have no new ones, or lets it.
func (b *bundle) away(t *testing.T, admin *sql.Conn, away bool) {
	t.Helper()
	limit := "-1"
	if away {
		limit = "0"
	}
	var name string
	if err := admin.QueryRowContext(t.Context(), "select current_database()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.ExecContext(t.Context(), "alter database "+name+" connection limit "+limit); err != nil {
		t.Fatal(err)
	}
	if away {
		if _, err := admin.ExecContext(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
			where datname = current_database() and usename <> current_user`); err != nil {
			t.Fatal(err)
		}
	}
}
