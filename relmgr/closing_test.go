package relmgr_test

import (
	"slices"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// closes is the partnership with one column closed from now on.
func (b *bundle) closes(column ident.Column) {
	terms := *b.terms
	terms.Columns = slices.Clone(terms.Columns)
	at := b.clock()
	for i := range terms.Columns {
		if terms.Columns[i].ID == column {
			terms.Columns[i].Closes = &at
		}
	}
	b.terms = terms.Index()
}

// COL-08, E2E-12: a column that is closed is told of no more; its data goes back
// to its own agency, whole, and is destroyed then; the acts stay, and the column
// may open again, with nothing.
func TestAClosedColumnIsReturnedAndDestroyed(t *testing.T) {
	b := setup(t)
	open := b.terms
	published := b.publish(t, "gp", gpChild)
	b.publish(t, "social", socialChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	b.ask(t, "gp", own("gp-riverside", "GP-00099"), "")
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	back := func(who string, after ident.HandleID, limit int) ([]relmgr.Held, ident.HandleID, error) {
		return b.ReturnColumn(t.Context(), b.as(who), "gp-riverside", "work-ended", after, limit)
	}
	_, _, err := back("gp-manager", ident.HandleID{}, 10)
	wantKind(t, err, fault.Forbidden) // open

	b.closes("gp-riverside")
	wantTold(t, b.ask(t, "social", socialChild, ""))
	_, err = b.Enquire(t.Context(), b.as("gp"), relmgr.Question{Own: gpChild, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"})
	wantKind(t, err, fault.Forbidden)
	for _, who := range []string{"gp", "social", "school"} { // without the role; another agency's
		_, _, err := back(who, ident.HandleID{}, 10)
		wantKind(t, err, fault.Forbidden)
		_, err = b.DestroyColumn(t.Context(), b.as(who), "gp-riverside", "work-ended")
		wantKind(t, err, fault.Forbidden)
	}
	_, err = b.DestroyColumn(t.Context(), b.as("gp-manager"), "gp-riverside", "work-ended")
	wantKind(t, err, fault.Conflict) // not returned yet

	first, next, err := back("gp-manager", ident.HandleID{}, 1)
	if err != nil || len(first) != 1 || next.IsZero() {
		t.Fatalf("%v, next %v, %v", first, next, err)
	}
	_, err = b.DestroyColumn(t.Context(), b.as("gp-manager"), "gp-riverside", "work-ended")
	wantKind(t, err, fault.Conflict) // not to the last page
	rest, next, err := back("gp-manager", next, 1)
	if err != nil || !next.IsZero() {
		t.Fatalf("next %v, %v", next, err)
	}
	got := map[string]bool{}
	for _, h := range append(first, rest...) {
		got[string(h.Identifier)] = h.Published
	}
	if len(got) != 2 || !got["GP-00042"] || got["GP-00099"] {
		t.Errorf("returned %d people, published: %v", len(got), got["GP-00042"])
	}

	acts := b.count(t, `select count(*) from relmgr.acts`)
	b.wait(time.Minute)
	cert, err := b.DestroyColumn(t.Context(), b.as("gp-manager"), "gp-riverside", "work-ended")
	if err != nil || cert.Handles != 2 || cert.Relationships != 1 || !cert.At.Equal(b.clock()) || !cert.ReturnedAt.Before(cert.At) || cert.Act.IsZero() {
		t.Fatalf("certificate %+v, %v", cert, err)
	}
	if again, err := b.DestroyColumn(t.Context(), b.as("gp-manager"), "gp-riverside", "work-ended"); err != nil || again.Act != cert.Act || again.Handles != 2 {
		t.Errorf("a second time it is certified as %+v, %v", again, err)
	}
	if n := b.count(t, `select count(*) from relmgr.acts`); n != acts+1 {
		t.Errorf("%d acts, want the %d from before and the certificate", n, acts)
	}
	for what, query := range map[string]string{
		"identifiers that can be opened": `select count(*) from relmgr.handles where column_id = 'gp-riverside' and (sealed <> '' or wrapped_key <> '' or wrapped_by <> '')`,
		"cells":                          `select count(*) from relmgr.cells where column_id = 'gp-riverside'`,
	} {
		if n := b.count(t, query); n != 0 {
			t.Errorf("%d %s are left", n, what)
		}
	}
	rowsAreComponents(t, b.admin)

	// Opened again, the column knows nobody, and none of its old acts is its own.
	b.terms = open
	if a := b.ask(t, "gp", gpChild, ""); a.Published || len(a.Providers) > 0 {
		t.Errorf("opened again, the column still knows %+v", a)
	}
	_, err = b.WithdrawAct(t.Context(), b.as("gp"), published.Act, "work-ended", "")
	wantKind(t, err, fault.NotKnown)
	wantTold(t, b.ask(t, "social", socialChild, ""))
	b.publish(t, "gp", gpChild)
	wantTold(t, b.ask(t, "social", socialChild, "")) // on a row of its own
	b.correlate(t, "social", socialChild, "gp", gpChild)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	rowsAreComponents(t, b.admin)

	// What came since is not covered by the first certificate, and what is
	// destroyed is not returned again.
	b.closes("gp-riverside")
	_, err = b.DestroyColumn(t.Context(), b.as("gp-manager"), "gp-riverside", "work-ended")
	wantKind(t, err, fault.Conflict)
	if held, next, err := back("gp-manager", ident.HandleID{}, 10); err != nil || len(held) != 1 || held[0].Identifier != "GP-00042" || !next.IsZero() {
		t.Errorf("closed again, it holds %+v, next %v, %v", held, next, err)
	}
}
