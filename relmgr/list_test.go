package relmgr_test

import (
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// ACT-03: the acts on an identifier come newest first, each once, page by page,
// and a cursor of nothing is refused rather than taken for the end.
func TestActsAreListedPageByPage(t *testing.T) {
	b := setup(t)
	b.publish(t, "social", socialChild)
	for range 4 {
		r := must(t)(b.DisputeIdentity(t.Context(), b.as("social"), socialChild, "not-the-same-person"))
		b.wait(1)
		must(t)(b.WithdrawAct(t.Context(), b.as("social"), r.Act, "entered-by-mistake", ""))
	}
	handle := b.handle(t, "social", socialChild)
	seen := map[ident.ReferenceID]bool{}
	var after ident.ReferenceID
	var pages int
	last := b.clock().Add(1)
	for {
		acts, next, err := b.ListActs(t.Context(), b.as("social"), handle, after, 2, looking)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, a := range acts {
			if seen[a.Act] || a.At.After(last) {
				t.Errorf("%s at %s is listed twice or out of order", a.Kind, a.At)
			}
			seen[a.Act], last = true, a.At
		}
		if next.IsZero() {
			break
		}
		after = next
	}
	if len(seen) != 9 || pages != 5 {
		t.Errorf("%d acts on %d pages, want 9 on 5", len(seen), pages)
	}
	_, _, err := b.ListActs(t.Context(), b.as("social"), handle, ident.NewReference(), 2, looking)
	wantKind(t, err, fault.Invalid)
	_, _, err = b.ListActs(t.Context(), b.as("gp"), handle, ident.ReferenceID{}, 2, looking)
	wantKind(t, err, fault.NotKnown)
}
