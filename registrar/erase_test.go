package registrar_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/match"
)

func (h *hub) erase(entry registrar.Entry, obligation string) (registrar.Erased, error) {
	h.t.Helper()
	return h.registrar.Erase(h.t.Context(), keeper, "town", entry, obligation, "asked")
}

// SUB-06, LEG-29: who is erased is as if never entered, to everybody who asks, and their
// number is free for whoever has it. That it happened stays.
func TestWhoIsErasedWasNeverThere(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	known := []registrar.Item{name("Amara", "Okonkwo"), born("1990-12-31"), number("passport", "AA1234567")}
	entry := h.enter("town", known...)
	asked := h.ask("town", known...)
	never := h.ask("town", name("Never", "Entered"), born("1961-01-01"), number("passport", "ZZ7654321"))
	z, err := h.erase(entry, "")
	must(t, err)
	if z.Records != 1 || !z.CompleteAt.Equal(noon.AddDate(0, 0, 30)) || z.Certificate == "" {
		t.Errorf("the certificate is %+v", z)
	}
	gone := h.ask("town", known...)
	if gone.Outcome != never.Outcome || gone.Entry != "" || gone.Statement != never.Statement {
		t.Errorf("of who was erased: %+v, of who never was there: %+v", gone, never)
	}
	_, err = h.registrar.Look(t.Context(), keeper, "town", entry, "asked")
	wantKind(t, err, fault.NotKnown)
	_, err = h.registrar.Change(t.Context(), keeper, "town", entry, registrar.Change{Kind: registrar.Correct, Items: []registrar.Item{lives("9", "Hill Road", "ZZ9 9ZZ")}, Reason: "asked"})
	wantKind(t, err, fault.NotKnown)
	_, err = h.registrar.Explain(t.Context(), keeper, "town", asked.ID, "asked")
	wantKind(t, err, fault.NotKnown)
	_, err = h.registrar.OutcomeOf(t.Context(), doctor, "town", asked.ID)
	wantKind(t, err, fault.NotKnown)
	_, err = h.registrar.Report(t.Context(), keeper, "town", registrar.Report{Kind: registrar.Misdetermined, Recognition: asked.ID, Reason: "asked"})
	wantKind(t, err, fault.NotKnown)
	_, err = h.erase(entry, "")
	wantKind(t, err, fault.NotKnown)
	for _, table := range []string{"subject_keys", "profiles", "tokens", "identifiers", "unsearched"} {
		if n := h.count("select count(*) from registrar." + table); n != 0 {
			t.Errorf("%d rows of %s are left", n, table)
		}
	}
	if n := h.count("select count(*) from registrar.acts where kind in ('register', 'recognise')"); n != 4 {
		t.Errorf("%d acts are left", n)
	}
	if again := h.enter("town", known...); again == entry {
		t.Error("who is entered anew has the reference of who was erased")
	}
	if r := h.ask("town", known...); r.Outcome != match.Determined {
		t.Errorf("who was entered anew: %+v", r)
	}
}

// A law may oblige to keep what is there: then nothing goes, and that it was asked for is on
// record with the reason why not.
func TestWhatALawObligesToKeepStays(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	entry := h.enter("town", name("Amara", "Okonkwo"), born("1990-12-31"))
	_, err := h.erase(entry, "a-whim")
	wantKind(t, err, fault.Invalid)
	for range 2 {
		z, err := h.erase(entry, "legal-claims")
		must(t, err)
		if z.Obligation != "legal-claims" || z.Records != 0 {
			t.Errorf("what is kept: %+v", z)
		}
	}
	_, err = h.registrar.Look(t.Context(), keeper, "town", entry, "asked")
	must(t, err)
	_, err = h.erase(entry, "")
	must(t, err)
}

// While a person has to look at something of an entry it stays: it is the evidence. Then
// both entries of one person go at once.
func TestNobodyIsErasedUnderReview(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	known := []registrar.Item{name("Amara", "Okonkwo"), born("1990-12-31"), lives("9", "Hill Road", "ZZ9 9ZZ")}
	one := h.enter("town", known...)
	two := h.enter("town", known...)
	_, err := h.registrar.Search(t.Context())
	must(t, err)
	_, err = h.erase(one, "")
	wantKind(t, err, fault.Conflict)
	task := h.tasks(true)[0].ID
	must(t, h.resolve(task, "same-person", one))
	_, err = h.erase(two, "")
	must(t, err)
	_, err = h.registrar.Look(t.Context(), keeper, "town", one, "asked")
	wantKind(t, err, fault.NotKnown)
	if n := len(h.tasks(false)); n != 0 {
		t.Errorf("%d tasks of who was erased are shown", n)
	}
	_, err = h.registrar.Reopen(t.Context(), other, "town", task, "asked")
	wantKind(t, err, fault.NotKnown)
}

// Of several who erase at once, or change what is erased, one comes first.
func TestAPersonIsErasedOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	entry := h.enter("town", name("Amara", "Okonkwo"), born("1990-12-31"))
	var erased atomic.Int32
	var wg sync.WaitGroup
	for n := range 6 {
		wg.Go(func() {
			var err error
			if n%2 == 0 {
				if _, err = h.erase(entry, ""); err == nil {
					erased.Add(1)
				}
			} else {
				_, err = h.registrar.Change(t.Context(), keeper, "town", entry, registrar.Change{Kind: registrar.Correct, Items: []registrar.Item{lives("9", "Hill Road", "ZZ9 9ZZ")}, Reason: "asked"})
			}
			if err != nil && fault.KindOf(err) != fault.NotKnown && fault.KindOf(err) != fault.Conflict && fault.KindOf(err) != fault.Invalid {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if erased.Load() != 1 || h.count("select count(*) from registrar.subject_keys") != 0 {
		t.Errorf("erased %d times", erased.Load())
	}
}

// LEG-29: what was asked of a register, and who looked at whom, is kept as long as the
// partnership says; that it was asked stays. What somebody has to look at waits for
// them. Two who clear up at once take different records.
func TestWhatWasAskedOfARegisterIsKeptForATime(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	known := []registrar.Item{name("Amara", "Okonkwo"), born("1990-12-31"), number("passport", "AA1234567")}
	entry := h.enter("town", known...)
	asked := h.ask("town", known...)
	reported := h.ask("town", known...)
	_, err := h.registrar.Report(t.Context(), keeper, "town", registrar.Report{Kind: registrar.Misdetermined, Recognition: reported.ID, Reason: "asked"})
	must(t, err)
	_, err = h.registrar.Look(t.Context(), keeper, "town", entry, "asked")
	must(t, err)
	rules := terms()
	if n, err := h.registrar.Retain(t.Context(), rules); n != 0 || err != nil {
		t.Fatalf("%d erased without a rule, %v", n, err)
	}
	rules.Settings.KeepEnquiriesDays = 30
	*h.now = noon.AddDate(0, 0, 30)
	if n, err := h.registrar.Retain(t.Context(), rules); n != 0 || err != nil {
		t.Fatalf("%d erased on the day, %v", n, err)
	}
	*h.now = noon.AddDate(0, 0, 31)
	var erased atomic.Int32
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			n, err := h.registrar.Retain(t.Context(), rules)
			if err != nil {
				t.Error(err)
			}
			erased.Add(int32(n))
		})
	}
	wg.Wait()
	if erased.Load() != 2 || h.count("select count(*) from registrar.erased") != 2 {
		t.Errorf("%d erased, want the recognition and the look", erased.Load())
	}
	_, err = h.registrar.Explain(t.Context(), keeper, "town", asked.ID, "asked")
	wantKind(t, err, fault.NotKnown)
	_, err = h.registrar.Explain(t.Context(), keeper, "town", reported.ID, "asked")
	must(t, err)
	if o, err := h.registrar.OutcomeOf(t.Context(), doctor, "town", asked.ID); err != nil || o.Outcome != match.Determined {
		t.Errorf("what became of it: %+v, %v", o, err)
	}
}
