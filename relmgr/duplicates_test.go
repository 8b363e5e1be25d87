package relmgr_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// twins are the pairs of identifiers that are listed as duplicates.
func (b *bundle) twins(t *testing.T, who string, column ident.Column) (all [][2]relmgr.Identifier) {
	t.Helper()
	got, more, err := b.ListWaiting(t.Context(), b.as(who), column, looking)
	if err != nil || more {
		t.Fatal(more, err)
	}
	for _, w := range got {
		if w.What != relmgr.Duplicate {
			continue
		}
		all = append(all, [2]relmgr.Identifier{w.Identifier, w.Twin.Identifier})
	}
	return all
}

func (b *bundle) wantTwins(t *testing.T, who string, column ident.Column, want ...[2]relmgr.Identifier) {
	t.Helper()
	if got := b.twins(t, who, column); !slices.Equal(got, want) {
		t.Errorf("%s sees duplicates %v, want %v", who, got, want)
	}
}

var socialTwice = [2]relmgr.Identifier{social(0).Identifier, social(1).Identifier}

// twice has social care know one person of the surgery under two identifiers.
func (b *bundle) twice(t *testing.T) (published relmgr.Receipt) {
	t.Helper()
	published = b.publish(t, "gp", gpChild)
	b.correlate(t, "social", social(0), "gp", gpChild)
	b.correlate(t, "social", social(1), "gp", gpChild)
	return published
}

// IDX-12, IDX-02: whom a column has twice on one row its members are shown, and nobody else is,
// until what joins the two is separated, or disputed, or one of the two is erased.
func TestWhomAColumnHasTwiceItsMembersAreShown(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	first := b.correlate(t, "social", social(0), "gp", gpChild)
	b.wantTwins(t, "social", "social-care")
	second := b.correlate(t, "gp-manager", gpChild, "social", social(1))
	b.wantTwins(t, "social", "social-care", socialTwice)
	b.wantTwins(t, "gp", "gp-riverside")

	got, _, err := b.ListWaiting(t.Context(), b.as("social"), "social-care", looking)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if own := b.referenceOf(t, "riverside-social-care", second.Act); got[0].Act != first.Act || got[0].Twin.Act != own {
		t.Errorf("it names acts %v and %v, not %v and %v", got[0].Act, got[0].Twin.Act, first.Act, own)
	}
	mirrorsRows(t, b.admin)

	undone := must(t)(b.WithdrawAct(t.Context(), b.as("social"), first.Act, "not-the-same-person", ""))
	b.wantTwins(t, "social", "social-care")
	mirrorsRows(t, b.admin)
	must(t)(b.WithdrawAct(t.Context(), b.as("social"), undone.Act, "entered-by-mistake", ""))
	b.wantTwins(t, "social", "social-care", socialTwice)
	dispute := must(t)(b.DisputeIdentity(t.Context(), b.as("social"), social(1), "not-the-same-person"))
	b.wantTwins(t, "social", "social-care")
	must(t)(b.WithdrawAct(t.Context(), b.as("social"), dispute.Act, "entered-by-mistake", ""))
	b.wantTwins(t, "social", "social-care", socialTwice)
	mirrorsRows(t, b.admin)
}

// QRY-11, IDX-10, invariant 5: a duplicate is told by nothing but what an enquiry about both would
// tell: where somebody on the way is hidden or not published, or two are kept apart, there is none.
func TestADuplicateShowsNothingThatHides(t *testing.T) {
	for name, hide := range map[string]func(t *testing.T, b *bundle, published ident.ReferenceID){
		"its publication is over": func(t *testing.T, b *bundle, published ident.ReferenceID) {
			must(t)(b.WithdrawAct(t.Context(), b.as("gp"), published, "work-ended", ""))
		},
		"the person hides who is between": func(t *testing.T, b *bundle, _ ident.ReferenceID) { b.block(t, b.handle(t, "gp", gpChild), "block") },
		"the person hides one of the two": func(t *testing.T, b *bundle, _ ident.ReferenceID) {
			b.block(t, b.handle(t, "social", social(1)), "block")
		},
		"two on the row are kept apart": func(t *testing.T, b *bundle, _ ident.ReferenceID) {
			must(t)(b.KeepApart(t.Context(), b.as("social"), relmgr.Apart{Own: social(0), Code: b.code(t, "gp", gpChild), Reason: "subject-asked"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			published := b.twice(t).Act
			b.wantTwins(t, "social", "social-care", socialTwice)
			hide(t, b, published)
			b.wantTwins(t, "social", "social-care")
		})
	}
}

// Invariants 1 and 5: what others have joined between them, and do not tell the column of, makes no duplicate.
func TestWhatOthersJoinBetweenThemMakesNoDuplicateUntold(t *testing.T) {
	for told, want := range map[bool][][2]relmgr.Identifier{false: nil, true: {socialTwice}} {
		t.Run(map[bool]string{false: "kept from the column", true: "told to all"}[told], func(t *testing.T) {
			b := setup(t)
			b.publish(t, "gp", gpChild)
			b.publish(t, "school", schoolChild)
			b.correlate(t, "social", social(0), "gp", gpChild)
			b.correlate(t, "social", social(1), "school", schoolChild)
			c := b.correlation(t, "school", schoolChild, b.code(t, "gp", gpChild))
			if !told {
				c.Audience = decide.Audience{Kind: decide.ToAgencies, Names: []string{"riverside-gp"}}
			}
			must(t)(b.Correlate(t.Context(), b.as("school"), c))
			b.wantTwins(t, "social", "social-care", want...)
		})
	}
}

// Two who join the person at once leave what one after the other would.
func TestTwoWhoJoinOnePersonAtOnceMakeADuplicate(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	var ready []relmgr.Correlation
	for i := range 2 {
		ready = append(ready, b.correlation(t, "social", social(i), b.code(t, "gp", gpChild)))
	}
	done := make(chan error)
	who, ctx := b.as("social"), context.WithoutCancel(t.Context())
	for _, c := range ready {
		go func() {
			_, err := b.Correlate(ctx, who, c)
			done <- err
		}()
	}
	for range ready {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	mirrorsRows(t, b.admin)
	b.wantTwins(t, "social", "social-care", socialTwice)
}

// mirrorsRows compares the projection of duplicates with the handles that it follows from.
func mirrorsRows(t interface{ Fatalf(string, ...any) }, admin *sql.DB) {
	var differ int
	err := admin.QueryRow(`with twice as (
		select row_id, handle_id, column_id from (select *, count(*) over (partition by row_id, column_id) as n from relmgr.handles) h where n > 1)
		select (select count(*) from (select * from twice except select row_id, handle_id, column_id from relmgr.duplicates) x)
		     + (select count(*) from (select row_id, handle_id, column_id from relmgr.duplicates except select * from twice) y)`).Scan(&differ)
	if err != nil || differ != 0 {
		t.Fatalf("%d duplicates differ from the rows (%v)", differ, err)
	}
}
