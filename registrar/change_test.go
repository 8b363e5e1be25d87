package registrar_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/match"
)

func (h *hub) look(id ident.Register, entry registrar.Entry) registrar.Subject {
	h.t.Helper()
	p, err := h.registrar.Look(h.t.Context(), keeper, id, entry, "asked")
	must(h.t, err)
	return p
}

func (h *hub) change(id ident.Register, entry registrar.Entry, c registrar.Change) error {
	h.t.Helper()
	c.Reason = "asked"
	_, err := h.registrar.Change(h.t.Context(), keeper, id, entry, c)
	return err
}

func (h *hub) items(entry registrar.Entry, kind string) (all []registrar.Kept) {
	h.t.Helper()
	for _, k := range h.look("town", entry).Items {
		if k.Kind == kind {
			all = append(all, k)
		}
	}
	return all
}

// REG-21: a person who has changed their name is recognised by either; the entry's
// confidence falls until the new one is verified, and its next review comes sooner.
func TestAChangedNameIsAnActAndTheFormerOneStillFinds(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	seen := noon.AddDate(0, -1, 0)
	old, birth := name("Amara", "Okonkwo"), born("1990-12-31")
	old.Source, old.VerifiedAt, birth.VerifiedAt = "document", &seen, &seen
	entry := h.enter("town", old, birth, number("passport", "AA1234567"))
	before := h.look("town", entry)
	must(t, h.change("town", entry, registrar.Change{Kind: registrar.ChangeName, Supersedes: []ident.ItemID{h.items(entry, "name")[0].ID},
		Items: []registrar.Item{{Source: "person", Name: &registrar.Name{Given: "Amara", Family: "Featherstonehaugh", Use: "married", From: "2026-05-01"}}}}))
	after := h.look("town", entry)
	names := h.items(entry, "name")
	if len(names) != 2 || before.Confidence != match.Medium || after.Confidence != match.Low || !after.NextReview.Before(before.NextReview) && !after.NextReview.Equal(before.NextReview) {
		t.Errorf("before %s %v, after %s %v with names %+v", before.Confidence, before.NextReview, after.Confidence, after.NextReview, names)
	}
	for _, family := range []string{"Okonkwo", "Featherstonehaugh"} {
		if r := h.ask("town", name("Amara", family), born("1990-12-31"), number("passport", "AA1234567")); r.Outcome != match.Determined {
			t.Errorf("as %s: %+v", family, r)
		}
	}
	var verify []ident.ItemID
	for _, k := range names {
		if k.Name.Use == "former" {
			if k.Name.Until != "2026-05-01" {
				t.Errorf("the former name is %+v", k.Name)
			}
			continue
		}
		verify = append(verify, k.ID)
	}
	must(t, h.change("town", entry, registrar.Change{Kind: registrar.Verify, Supersedes: verify}))
	if n := h.count("select count(*) from registrar.acts where kind in ('change-name', 'verify')"); n != 2 {
		t.Errorf("%d acts", n)
	}
}

// Twins who are not born yet have an entry each; one is born, and then has a date and
// a name of their own.
func TestAnUnbornChildIsBornLater(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	unborn := registrar.Item{Source: "relative", Unborn: &registrar.Unborn{Due: "2027-02", Of: 2}}
	parent := registrar.Item{Source: "relative", Parent: &registrar.Parent{Name: registrar.Name{Given: "Ilka", Family: "Byron"}}}
	first, second := h.enter("town", unborn, parent), h.enter("town", unborn, parent)
	if first == second {
		t.Fatal("two unborn children have one entry")
	}
	*h.now = noon.AddDate(0, 3, 0)
	birth := registrar.Change{Kind: registrar.Born, Items: []registrar.Item{born("2027-02-20"), name("Ada", "Byron")}}
	must(t, h.change("town", first, birth))
	if len(h.items(first, "unborn")) != 0 || len(h.items(second, "unborn")) != 1 || len(h.items(first, "birth")) != 1 {
		t.Error("the one who was born is not told from the other")
	}
	wantKind(t, h.change("town", first, birth), fault.Conflict)
}

// The dead stay known, with no review to come, and die once.
func TestADeathIsRecordedOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	entry := h.enter("town", name("Amara", "Okonkwo"), born("1930-12-31"))
	death := registrar.Change{Kind: registrar.Died, Items: []registrar.Item{{Source: "document", Death: &registrar.Death{Date: "2026-11-01"}}}}
	var worked atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			switch err := h.change("town", entry, death); fault.KindOf(err) {
			case fault.Conflict:
			default:
				if err != nil {
					t.Error(err)
				}
				worked.Add(1)
			}
		})
	}
	wg.Wait()
	if p := h.look("town", entry); worked.Load() != 1 || !p.NextReview.IsZero() || len(p.Items) != 3 {
		t.Errorf("%d deaths; the entry is %+v", worked.Load(), p)
	}
}

// REG-10: an identifier is one person's in a register, whoever comes first, and free
// again when it was superseded.
func TestAnIdentifierIsOnePersonsInARegister(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	h.open("city")
	passport := number("passport", "AA1234567")
	var entered atomic.Int32
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			_, err := h.registrar.Register(t.Context(), keeper, "town", []registrar.Item{name("Ada", "Byron"), passport})
			if err == nil {
				entered.Add(1)
			} else {
				wantKind(t, err, fault.Conflict)
			}
		})
	}
	wg.Wait()
	if n := h.count("select count(*) from registrar.subjects"); entered.Load() != 1 || n != 1 {
		t.Errorf("%d were told that they entered, and %d are there", entered.Load(), n)
	}
	h.enter("city", passport) // another register's own
	entry := h.ask("town", name("Ada", "Byron"), passport)
	_ = entry
	own := registrar.Entry("")
	must(t, h.admin.QueryRow("select e.entry from registrar.entries e join registrar.subjects s using (subject_id) where s.register_id = 'town' and e.agency_id = 'council'").Scan(&own))
	must(t, h.change("town", own, registrar.Change{Kind: registrar.Correct, Supersedes: []ident.ItemID{h.items(own, "identifier")[0].ID}}))
	h.enter("town", name("Ida", "Byron"), passport)
}

// What cannot be changed so is refused, and the entry stays as it was.
func TestAChangeThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	entry := h.enter("town", name("Ada", "Byron"))
	has := h.items(entry, "name")[0].ID
	for what, c := range map[string]registrar.Change{
		"of no kind":                     {Kind: "merge"},
		"nothing":                        {Kind: registrar.Correct},
		"nothing left":                   {Kind: registrar.Correct, Supersedes: []ident.ItemID{has}},
		"an item of nobody":              {Kind: registrar.Correct, Supersedes: []ident.ItemID{ident.NewItem()}, Items: []registrar.Item{born("1990")}},
		"a name that is a date":          {Kind: registrar.ChangeName, Items: []registrar.Item{born("1990")}},
		"a death among others":           {Kind: registrar.Died, Items: []registrar.Item{born("1990"), {Source: "person", Death: &registrar.Death{Date: "2020"}}}},
		"a death to come":                {Kind: registrar.Died, Items: []registrar.Item{{Source: "person", Death: &registrar.Death{Date: "2030"}}}},
		"a verification of new items":    {Kind: registrar.Verify, Supersedes: []ident.ItemID{has}, Items: []registrar.Item{born("1990")}},
		"a verification of nothing":      {Kind: registrar.Verify},
		"a birth without a date":         {Kind: registrar.Born, Items: []registrar.Item{name("Ada", "")}},
		"a death that is only corrected": {Kind: registrar.Correct, Items: []registrar.Item{{Source: "person", Death: &registrar.Death{Date: "2020"}}}},
	} {
		if err := h.change("town", entry, c); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	wantKind(t, h.change("town", "aaaaaaaaaaaaaaaaaaaaaaaaaa", registrar.Change{Kind: registrar.Correct, Items: []registrar.Item{born("1990")}}), fault.NotKnown)
	if got := h.look("town", entry).Items; len(got) != 1 || got[0].ID != has {
		t.Errorf("the entry is %+v", got)
	}
}
