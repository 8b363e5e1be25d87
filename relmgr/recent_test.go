package relmgr_test

import (
	"slices"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// QRY-09, DCP-11: a practitioner finds again what they asked, page by page and newest
// first, as their own column calls people; nobody finds what others asked, and no read of
// acts is among it.
func TestAPractitionerFindsTheirOwnEnquiriesAgain(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	var asked []ident.EnquiryID
	for range 3 {
		asked = append([]ident.EnquiryID{b.ask(t, "social", socialChild, "").ID}, asked...)
		b.wait(time.Second)
	}
	b.ask(t, "plain", socialChild, "") // a colleague's
	b.ask(t, "gp", gpChild, "")        // another agency's
	if _, _, err := b.ListActs(t.Context(), b.as("social"), b.handle(t, "social", socialChild), ident.ReferenceID{}, 10, looking); err != nil {
		t.Fatal(err)
	}
	var got []ident.EnquiryID
	var after ident.EnquiryID
	for pages := 0; ; pages++ {
		page, next, err := b.ListRecent(t.Context(), b.as("social"), "social-care", after, 2)
		if err != nil || pages > 2 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, e := range page {
			if e.Identifier != socialChild.Identifier || e.Purpose != "co-ordinate-care" || e.StoppedAt != 0 {
				t.Errorf("%+v", e)
			}
			got = append(got, e.ID)
		}
		if after = next; next.IsZero() {
			break
		}
	}
	if !slices.Equal(got, asked) {
		t.Errorf("%v, want %v", got, asked)
	}
	theirs, _, err := b.ListRecent(t.Context(), b.as("gp"), "gp-riverside", ident.EnquiryID{}, 10)
	if err != nil || len(theirs) != 1 {
		t.Fatalf("%v %v", theirs, err)
	}
	if page, next, err := b.ListRecent(t.Context(), b.as("social"), "social-care", theirs[0].ID, 10); err != nil || len(page) > 0 || !next.IsZero() {
		t.Errorf("from somebody else's enquiry on: %v %v", page, err)
	}
	_, _, err = b.ListRecent(t.Context(), b.as("social"), "gp-riverside", ident.EnquiryID{}, 10)
	wantKind(t, err, fault.Forbidden)
}

// IDX-18, ACT-06, ACT-07: what waits is listed for both sides until somebody has done what it
// waits for, undone or not; reading it is recorded.
func TestWhatWaitsIsListedUntilItIsDone(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	waits := func(who string, column ident.Column) (all []relmgr.Wait) {
		t.Helper()
		got, more, err := b.ListWaiting(t.Context(), b.as(who), column, looking)
		if err != nil || more {
			t.Fatal(more, err)
		}
		for _, w := range got {
			all = append(all, w.What)
		}
		return all
	}
	want := func(who string, column ident.Column, what ...relmgr.Wait) {
		t.Helper()
		if got := waits(who, column); !slices.Equal(got, what) {
			t.Errorf("%s sees %v wait, want %v", who, got, what)
		}
	}
	want("social", "social-care")
	c := b.correlation(t, "social", socialChild, b.code(t, "gp", gpChild))
	c.Mode = decide.Joint
	made := must(t)(b.Correlate(t.Context(), b.as("social"), c))
	want("social", "social-care", relmgr.Proposed)
	want("gp", "gp-riverside", relmgr.ToConfirm)

	undone := must(t)(b.WithdrawAct(t.Context(), b.as("social"), made.Act, "entered-by-mistake", ""))
	want("gp", "gp-riverside")
	again := must(t)(b.WithdrawAct(t.Context(), b.as("social"), undone.Act, "entered-by-mistake", ""))
	want("gp", "gp-riverside", relmgr.ToConfirm)
	third := must(t)(b.WithdrawAct(t.Context(), b.as("social"), again.Act, "entered-by-mistake", ""))
	want("gp", "gp-riverside")
	must(t)(b.WithdrawAct(t.Context(), b.as("social"), third.Act, "entered-by-mistake", ""))
	must(t)(b.ConfirmSamePerson(t.Context(), b.as("gp"), b.referenceOf(t, "riverside-gp", made.Act), "same-person-found"))
	want("gp", "gp-riverside")
	want("social", "social-care")

	dispute := must(t)(b.DisputeIdentity(t.Context(), b.as("social"), socialChild, "not-the-same-person"))
	want("social", "social-care", relmgr.Disputed)
	want("gp", "gp-riverside") // whose it is not to know
	must(t)(b.SettleDispute(t.Context(), b.as("social"), dispute.Act, nil, "not-the-same-person"))
	want("social", "social-care")

	before := b.count(t, `select count(*) from relmgr.enquiries where reads = 'cases'`)
	waits("social", "social-care")
	if n := b.count(t, `select count(*) from relmgr.enquiries where reads = 'cases'`); n != before+1 {
		t.Errorf("a read was recorded %d times", n-before)
	}
	_, _, err := b.ListWaiting(t.Context(), b.as("social"), "gp-riverside", looking)
	wantKind(t, err, fault.Forbidden)
	_, _, err = b.ListWaiting(t.Context(), b.as("social"), "social-care", relmgr.Why{})
	wantKind(t, err, fault.Invalid)
}

// QRY-11, IDX-10, invariant 5: what waits is the same whether or not a keep-apart of somebody
// else's bars it, or the other side is hidden from whoever looks.
func TestWhatWaitsTellsNothingOfWhatBarsOrHides(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, b *bundle){
		"published":       func(t *testing.T, b *bundle) { b.publish(t, "gp", gpChild) },
		"never published": func(*testing.T, *bundle) {},
		"kept apart through the school": func(t *testing.T, b *bundle) {
			b.publish(t, "gp", gpChild)
			b.publish(t, "school", schoolChild)
			b.correlate(t, "social", socialChild, "school", schoolChild)
			must(t)(b.KeepApart(t.Context(), b.as("school"), relmgr.Apart{Own: schoolChild, Code: b.code(t, "gp", gpChild), Reason: "subject-asked"}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			before(t, b)
			c := b.correlation(t, "social", socialChild, b.code(t, "gp", gpChild))
			c.Mode = decide.Joint
			made := must(t)(b.Correlate(t.Context(), b.as("social"), c))
			got, more, err := b.ListWaiting(t.Context(), b.as("social"), "social-care", looking)
			if err != nil || more || len(got) != 1 || got[0].What != relmgr.Proposed || got[0].Act != made.Act || got[0].Identifier != socialChild.Identifier {
				t.Fatalf("%+v %v", got, err)
			}
			must(t)(b.ConfirmSamePerson(t.Context(), b.as("gp"), b.referenceOf(t, "riverside-gp", made.Act), "same-person-found"))
			if got, _, err := b.ListWaiting(t.Context(), b.as("social"), "social-care", looking); err != nil || len(got) != 0 {
				t.Errorf("confirmed: %+v %v", got, err)
			}
		})
	}
}
