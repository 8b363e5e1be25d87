package relmgr_test

import (
	"testing"

	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// suspended are the acts that a column's notices say are suspended.
func (b *bundle) suspended(t *testing.T, who string, column ident.Column) (out []relmgr.SuspendedAct) {
	t.Helper()
	list, _, err := b.ListNotices(t.Context(), b.as(who), relmgr.NoticesOf{Column: column, Why: looking, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list {
		if len(n.Commitment) != 32 {
			t.Error("a reading without a commitment")
		}
		out = append(out, n.Suspended...)
	}
	return out
}

// AUT-04: those whose acts a registrar's mistake has suspended have a notice of it on
// the next beat, each under their own reference and once; nobody else has. Where the
// registrar takes its word back before it is read, there is nothing to tell.
func TestWhoseActsARegistrarsMistakeSuspendsHaveANotice(t *testing.T) {
	b := setup(t)
	b.keeps(t, 0, 0, 0, 0) // terms of some version
	county := b.withRegistrar(t, "county-register")
	b.publish(t, "gp", gpChild)
	b.publish(t, "social", socialChild)
	b.publish(t, "school", schoolChild)
	mine, theirs := b.pairing(t, "social", socialChild), b.pairing(t, "gp", gpChild)
	x := b.correlation(t, "social", socialChild, "")
	x.Statement = b.statement(t, county, mine.Reference, theirs.Reference)
	c, err := b.Correlate(t.Context(), b.as("social"), x)
	if err != nil {
		t.Fatal(err)
	}
	b.beat(t)
	var statement ident.RecognitionID
	if err := b.admin.QueryRow("select statement_id from relmgr.statements").Scan(&statement); err != nil {
		t.Fatal(err)
	}
	b.findsWrong(t, county, statement)
	if n := b.take(t); n != 1 {
		t.Fatalf("%d records were taken up", n)
	}
	if got := b.suspended(t, "social", "social-care"); len(got) != 0 {
		t.Errorf("before the beat %+v is told", got)
	}
	b.beat(t)
	b.takesBack(t)
	b.take(t)
	if got := append(b.suspended(t, "social", "social-care"), b.suspended(t, "gp", "gp-riverside")...); len(got) != 0 {
		t.Errorf("what was lifted by then is told: %+v", got)
	}
	b.decidesAgain(t)
	b.take(t)
	b.beat(t)
	own, others := b.suspended(t, "social", "social-care"), b.suspended(t, "gp", "gp-riverside")
	if len(own) != 1 || len(others) != 1 || own[0].Suspends != c.Act || own[0].Suspends == others[0].Suspends || own[0].Repair == others[0].Repair ||
		own[0].Kind != relmgr.Correlate || own[0].At.IsZero() {
		t.Fatalf("the sides are told %+v and %+v", own, others)
	}
	if got := b.suspended(t, "school", "school-pastoral"); len(got) != 0 {
		t.Errorf("another is told %+v", got)
	}
	if again := b.suspended(t, "social", "social-care"); len(again) != 1 || again[0] != own[0] {
		t.Errorf("an answer that may have been lost is given again as %+v", again)
	}
	if _, err := b.WithdrawAct(t.Context(), b.as("social"), own[0].Repair, "same-person-found", ""); err != nil {
		t.Fatal(err)
	}
	b.beat(t)
	if n := b.count(t, "select count(*) from relmgr.notices where read_at is null"); n != 0 {
		t.Errorf("%d notices tell of what was looked at", n)
	}
	if got := b.suspended(t, "gp", "gp-riverside"); len(got) != 0 {
		t.Errorf("what somebody has looked at is told: %+v", got)
	}
}
