package main

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// half is a way in which something could be half there: a query that counts
// what is, and a statement that would make some, for the test of the query.
type half struct{ what, count, breaks string }

// leaves are the commitments that wait for their position and those that have one.
const leaves = `(select commitment from ledger.pending union all select commitment from ledger.leaves)`

// halves are all of them. Everything that is recorded is recorded in one
// transaction, so whatever was killed, none of these may ever be found.
var halves = []half{
	{"an act of the index without its content key", `select count(*) from relmgr.acts a where not exists (select from relmgr.content_keys k where k.record_id = a.act_id)`,
		`delete from relmgr.content_keys where record_id = (select act_id from relmgr.acts limit 1)`},
	{"an enquiry without its content key", `select count(*) from relmgr.enquiries e where not exists (select from relmgr.content_keys k where k.record_id = e.enquiry_id)`,
		`delete from relmgr.content_keys where record_id = (select enquiry_id from relmgr.enquiries limit 1)`},
	{"a content key without its record", `select count(*) from relmgr.content_keys k where not exists (select from relmgr.acts a where a.act_id = k.record_id)
		and not exists (select from relmgr.enquiries e where e.enquiry_id = k.record_id)`,
		`delete from relmgr.enquiries where enquiry_id = (select enquiry_id from relmgr.enquiries limit 1)`},
	{"an act without its leaf", `select count(*) from relmgr.acts a where not exists (select from ` + leaves + ` p where p.commitment = a.commitment)`,
		`with p as (delete from ledger.pending) delete from ledger.leaves where commitment = (select commitment from relmgr.acts limit 1)`},
	{"an enquiry without its leaf", `select count(*) from relmgr.enquiries e where not exists (select from ` + leaves + ` p where p.commitment = e.commitment)`,
		`with p as (delete from ledger.pending) delete from ledger.leaves where commitment = (select commitment from relmgr.enquiries limit 1)`},
	{"a leaf without its record", `select count(*) from ` + leaves + ` p where p.commitment not in (
		select commitment from relmgr.acts union all select commitment from relmgr.enquiries union all select commitment from relmgr.declarations
		union all select commitment from consent.acts union all select commitment from governance.acts
		union all select commitment from registrar.acts union all select commitment from idmgr.records union all select commitment from idmgr.acts)`,
		`insert into ledger.pending values (sha256('nothing'))`},
	{"an act that nobody is shown", `select count(*) from relmgr.acts a where not exists (select from relmgr.act_references r where r.act_id = a.act_id and r.agency_id = a.agency_id)`,
		`delete from relmgr.act_references where act_id = (select act_id from relmgr.acts limit 1)`},
	{"a disclosing act without a decision", `select count(*) from relmgr.acts a where kind in ('publish', 'pair', 'correlate', 'refuse')
		and not exists (select from relmgr.decisions d where d.act_id = a.act_id)`,
		`delete from relmgr.decisions where act_id = (select act_id from relmgr.acts where kind = 'publish' limit 1)`},
	{"a decision without an act", `select count(*) from relmgr.decisions d where not exists (select from relmgr.acts a where a.act_id = d.act_id)`,
		`delete from relmgr.acts where act_id = (select act_id from relmgr.decisions limit 1)`},
	{"an act about nobody", `select count(*) from relmgr.acts a where kind in ('publish', 'pair', 'correlate')
		and not exists (select from relmgr.act_handles h where h.act_id = a.act_id)`,
		`delete from relmgr.act_handles where act_id = (select act_id from relmgr.acts where kind = 'pair' limit 1)`},
	{"a cell without its act and its decision", `select count(*) from relmgr.cells c where not exists (
		select from relmgr.acts a join relmgr.decisions d on d.act_id = a.act_id and d.handle_id = c.handle_id
		 where a.act_id = c.act_id and a.kind = 'publish' and d.decision_id = c.decision_id and d.outcome = 'permitted')`,
		`delete from relmgr.decisions where decision_id = (select decision_id from relmgr.cells limit 1)`},
	{"a publication that nobody undid, without its cell", `select count(*) from relmgr.acts a where kind = 'publish'
		and not exists (select from relmgr.cells c where c.act_id = a.act_id) and not exists (select from relmgr.undoings u where u.undoes = a.act_id)`,
		`delete from relmgr.cells where handle_id = (select handle_id from relmgr.cells limit 1)`},
	{"a publication without an offer", `select count(*) from relmgr.acts a where kind = 'publish' and not exists (select from relmgr.offers o where o.act_id = a.act_id)`,
		`delete from relmgr.offers where act_id = (select act_id from relmgr.offers limit 1)`},
	{"a correlation that nobody undid, without its edge", `select count(*) from relmgr.acts a where kind = 'correlate'
		and not exists (select from relmgr.correlations c where c.act_id = a.act_id) and not exists (select from relmgr.undoings u where u.undoes = a.act_id)`,
		`delete from relmgr.correlations where act_id = (select act_id from relmgr.correlations limit 1)`},
	{"a correlation that used no code", `select count(*) from relmgr.acts a where kind = 'correlate' and not exists (select from relmgr.pairings_used u where u.act_id = a.act_id)`,
		`delete from relmgr.pairings_used where act_id = (select act_id from relmgr.correlations limit 1)`},
	{"a pairing act without its code", `select count(*) from relmgr.acts a where kind = 'pair' and not exists (select from relmgr.pairings p where p.act_id = a.act_id)`,
		`delete from relmgr.pairings where act_id = (select act_id from relmgr.pairings limit 1)`},
	{"a disclosure without its enquiry", `select count(*) from relmgr.disclosures d where not exists (select from relmgr.enquiries e where e.enquiry_id = d.enquiry_id)`,
		`delete from relmgr.enquiries where enquiry_id = (select enquiry_id from relmgr.disclosures limit 1)`},
	{"two handles of one row that no correlations join, or of two rows that some do", `with recursive reach as (
		  select handle_id as a, handle_id as b from relmgr.handles
		  union
		  select r.a, case when c.handle_a = r.b then c.handle_b else c.handle_a end
		    from reach r join relmgr.correlations c on r.b in (c.handle_a, c.handle_b)
		), component as (select a, min(b::text) as least from reach group by a)
		select count(*) from (select row_id from component c join relmgr.handles h on h.handle_id = c.a group by row_id having count(distinct least) > 1
		  union all select null from component c join relmgr.handles h on h.handle_id = c.a group by least having count(distinct row_id) > 1) x`,
		`update relmgr.handles set row_id = gen_random_uuid() where handle_id = (select handle_a from relmgr.correlations limit 1)`},
}

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}

func (h half) found(t *testing.T, db querier) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), h.count).Scan(&n); err != nil {
		t.Fatalf("%s: %v", h.what, err)
	}
	return n
}

// wantWhole fails if anything in the hub's database is half there.
func wantWhole(t *testing.T, db querier) {
	t.Helper()
	for _, h := range halves {
		if n := h.found(t, db); n > 0 {
			t.Errorf("half there: %s, %d times", h.what, n)
		}
	}
}

// ACT-01, IDX-08, design.md section 5: after all that people have done in the
// town, nothing is half there; and each check finds what it looks for.
func TestNothingIsHalfThere(t *testing.T) {
	w := everyday(t)
	who := w.known("Laura Gray", map[ident.Column]string{"gp-riverside": "GP-60201", "social-care": "LMN-60201"})
	who.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}}
	w.relate(t, who)
	w.ask(t, "dr-patel", "gp-riverside", "GP-60201", "")
	admin := w.Admin(t)
	wantWhole(t, admin)
	hubtest.Eventually(t, "every commitment has its position", func() (err error) { // so that the sequencer moves none meanwhile
		var n int
		if err = admin.QueryRowContext(t.Context(), "select count(*) from ledger.pending").Scan(&n); err == nil && n > 0 {
			err = fmt.Errorf("%d wait", n)
		}
		return err
	})
	for _, h := range halves {
		tx, err := admin.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []string{"set local session_replication_role = replica", h.breaks} { // the superuser, past every constraint
			if _, err := tx.ExecContext(t.Context(), q); err != nil {
				t.Fatalf("%s: %v", h.what, err)
			}
		}
		if h.found(t, tx) == 0 {
			t.Errorf("%s is not found where it is", h.what)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
}
