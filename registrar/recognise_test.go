package registrar_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/match"
)

var why = registrar.Asking{Purpose: "support", Reason: "asked", Case: "2026/1"}

func lives(house, street, postcode string) registrar.Item {
	return registrar.Item{Source: "person", Address: &registrar.Address{House: house, Lines: street, Postcode: postcode}}
}

func number(scheme, value string) registrar.Item {
	return registrar.Item{Source: "document", Identifier: &registrar.Identifier{Scheme: scheme, Value: value}}
}

// ask is a recognition by the practice's doctor.
func (h *hub) ask(id ident.Register, given ...registrar.Item) registrar.Recognition {
	h.t.Helper()
	r, err := h.registrar.Recognise(h.t.Context(), doctor, id, why, given)
	must(h.t, err)
	return r
}

// REG-01, AUT-05, REG-03: the same evidence names the entry, evidence of nobody names
// none; a level of confidence and the kinds of data stand in both.
func TestEvidenceOfOnePersonNamesTheirEntryAndOfNobodyNone(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	known := []registrar.Item{name("Zsófia", "Ådahl"), born("1987-04-05"), lives("7", "Mill Lane", "ZZ1 1ZZ"), number("passport", "ZZ7391739")}
	h.enter("town", known...)
	h.enter("town", name("Amara", "Okonkwo"), born("1990-12-31"), lives("9", "Hill Road", "ZZ9 9ZZ"))
	r := h.ask("town", known...)
	if r.Outcome != match.Determined || r.Entry == "" || r.Confidence != match.High || !slices.Equal(r.Types, []string{"demographic"}) || r.Helps != nil {
		t.Errorf("the same evidence: %+v", r)
	}
	r = h.ask("town", name("Ferdinand", "Lacroix"), born("1944-02-29"), lives("1", "Quay", "YY1 1YY"), number("passport", "YY0011223"))
	if r.Outcome != match.OverDetermined || r.Entry != "" || r.Confidence != match.NoConfidence {
		t.Errorf("evidence of somebody who is not registered: %+v", r)
	}
	// In letters of no script of theirs, with a slip, a day and month turned.
	r = h.ask("town", name("Zsofia", "Aadahl"), born("1987-05-04"), lives("7", "Mill Ln", "ZZ1 1ZZ"), number("passport", "ZZ7391739"))
	if r.Outcome != match.Determined {
		t.Errorf("with slips of the pen: %+v", r)
	}
	if n := h.count("select count(*) from registrar.acts where kind = 'recognise'"); n != 3 {
		t.Errorf("%d acts for three recognitions", n)
	}
}

// AUT-02: evidence that fits twins names neither, and what would help is said by what
// was given alone.
func TestEvidenceThatFitsTwoNamesNeither(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	home := lives("3", "Mill Lane", "ZZ1 1ZZ")
	h.enter("town", name("Ada", "Byron"), born("2015-12-10"), home)
	h.enter("town", name("Ida", "Byron"), born("2015-12-10"), home)
	r := h.ask("town", name("", "Byron"), born("2015-12-10"), home)
	if r.Outcome != match.UnderDetermined || r.Entry != "" || len(r.Helps) == 0 || !slices.Contains(r.Helps, match.AGivenName) {
		t.Errorf("what fits twins: %+v", r)
	}
	none := h.ask("town", name("", "Nobody"), born("2001-01-01"), lives("8", "No Road", "YY8 8YY"))
	if none.Outcome != r.Outcome || !slices.Equal(none.Helps, r.Helps) {
		t.Errorf("of nobody: %+v, of twins %+v: what helps must not tell", none, r)
	}
}

// AUT-03: a real person's evidence with one wrong item excludes everybody.
func TestEvidenceWithOneWrongItemExcludesEverybody(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	h.enter("town", name("Amara", "Okonkwo"), born("1990-12-31"), lives("9", "Hill Road", "ZZ9 9ZZ"), number("passport", "AA1234567"))
	r := h.ask("town", name("Amara", "Okonkwo"), born("1962-05-17"), lives("9", "Hill Road", "ZZ9 9ZZ"), number("passport", "AA1234567"))
	if r.Outcome != match.OverDetermined || r.Entry != "" {
		t.Errorf("with another date of birth: %+v", r)
	}
}

// REG-25, REG-09: two agencies that recognise one person are given references that
// have nothing in common, each its own every time.
func TestEachAgencyHasItsOwnReferenceForAnEntry(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	known := []registrar.Item{name("Amara", "Okonkwo"), born("1990-12-31"), number("passport", "AA1234567")}
	own := h.enter("town", known...)
	first := h.ask("town", known...).Entry
	school, err := h.registrar.Recognise(t.Context(), tutor, "town", why, known)
	must(t, err)
	if again := h.ask("town", known...).Entry; again != first || first == own || first == school.Entry || school.Entry == own {
		t.Errorf("the council says %s, the practice %s and %s, the school %s", own, first, again, school.Entry)
	}
	// Both at once draw one reference and two acts.
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if r, err := h.registrar.Recognise(t.Context(), clerk, "town", why, known); err != nil || r.Entry != own {
				t.Errorf("the council's clerk: %+v, %v", r, err)
			}
		})
	}
	wg.Wait()
	if n := h.count("select count(*) from registrar.entries"); n != 3 {
		t.Errorf("%d references for three agencies", n)
	}
	// And an agency's reference says nothing to another.
	_, err = h.registrar.CheckRecord(t.Context(), tutor, "town", first, why, known)
	wantKind(t, err, fault.NotKnown)
}

// AUT-06: the other question, about one entry and no other.
func TestWhetherARecordRefersToAPersonIsAskedOfThatEntryAlone(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	known := []registrar.Item{name("Amara", "Okonkwo"), born("1990-12-31"), number("passport", "AA1234567")}
	h.enter("town", known...)
	entry := h.ask("town", known...).Entry
	for want, given := range map[string][]registrar.Item{
		registrar.SamePerson:    known,
		registrar.NotThatPerson: {name("Ferdinand", "Okonkwo"), born("1955-01-02")},
		registrar.CannotSay:     {name("", "Okonkwo")},
	} {
		c, err := h.registrar.CheckRecord(t.Context(), doctor, "town", entry, why, given)
		must(t, err)
		if c.Answer != want {
			t.Errorf("%v: %+v, want %s", given, c, want)
		}
	}
	if n := h.count("select count(*) from registrar.acts where kind = 'check-record'"); n != 3 {
		t.Errorf("%d acts for three checks", n)
	}
}

// Ten thousand people of one name cost what sixty do: the block is not read, nobody is
// named, and an identifier still finds one of them.
func TestAThousandPeopleOfOneNameAreOneFullBlock(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	known := []registrar.Item{name("John", "Smith"), born("1970-01-01")}
	h.enter("town", known...)
	_, err := h.admin.ExecContext(t.Context(), `
		with s as (insert into registrar.subjects select gen_random_uuid(), register_id, act_id from registrar.subjects, generate_series(1, 10000) returning subject_id)
		insert into registrar.tokens select t.token, s.subject_id from s, registrar.tokens t`)
	must(t, err)
	if r := h.ask("town", known...); r.Outcome != match.UnderDetermined || r.Entry != "" {
		t.Errorf("a name that ten thousand have: %+v", r)
	}
	known = append(known, number("passport", "AA1234567"))
	h.enter("town", known...)
	if r := h.ask("town", known...); r.Outcome != match.Determined || r.Confidence != match.High {
		t.Errorf("one of them by a passport: %+v", r)
	}
}

// Whatever is written, in any script and of any size, is answered and bounded.
func TestEvidenceMayBeAnything(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	var scripts []string
	for _, table := range unicode.Scripts {
		if len(table.R16) > 0 {
			scripts = append(scripts, strings.Repeat(string(rune(table.R16[0].Lo)), 3))
		}
	}
	h.enter("town", name("Ada", "Byron"), born("1990-12-31"))
	for n := 0; n < len(scripts); n += 10 {
		given := []registrar.Item{born("1990-12-31")}
		for _, s := range scripts[n:min(n+10, len(scripts))] {
			given = append(given, registrar.Item{Name: &registrar.Name{Whole: s}})
		}
		h.ask("town", given...)
	}
	big := strings.Repeat("Å ", 1<<19)
	h.ask("town", registrar.Item{Name: &registrar.Name{Given: big, Family: big}}, born("0001-99-99"), born("9999-00-31"),
		registrar.Item{Address: &registrar.Address{Lines: big, Postcode: big}})
	for _, nothing := range [][]registrar.Item{{{Name: &registrar.Name{Given: "  "}}}, {{Phone: "----------"}}, {{Birth: &registrar.Birth{Date: "0000"}}}, {{}}, nil} {
		_, err := h.registrar.Recognise(t.Context(), doctor, "town", why, nothing)
		wantKind(t, err, fault.Invalid)
	}
}

// REG-18: what an agency's own list says counts for a level less, and says what it is.
func TestASelfRegistersWordCountsForLess(t *testing.T) {
	t.Parallel()
	h := setup(t)
	_, err := h.registrar.CreateRegister(t.Context(), keeper, registrar.Register{ID: "shelter", Title: "Shelter", Contact: "desk", Scope: "guests", SelfRegistered: true})
	must(t, err)
	known := []registrar.Item{name("Amara", "Okonkwo"), born("1990-12-31"), number("bed", "AA1234567")}
	h.enter("shelter", known...)
	if r := h.ask("shelter", known...); r.Outcome != match.Determined || r.Confidence != match.Medium || !r.SelfRegistered {
		t.Errorf("the shelter's list says %+v", r)
	}
}

// Who may ask: those who may enquire for the purpose, at agencies that the register
// serves, and not without end (AUT-13).
func TestARegisterIsAskedByThoseWhoMayAndNotWithoutEnd(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	h.open("children", "school")
	given := []registrar.Item{name("Ada", "Byron")}
	for _, c := range []struct {
		name string
		by   func() error
		kind fault.Kind
	}{
		{"without a role that enquires", func() error {
			_, err := h.registrar.Recognise(t.Context(), caller("sid", "gp", "clerk"), "town", why, given)
			return err
		}, fault.Forbidden},
		{"for a purpose of no list", func() error {
			_, err := h.registrar.Recognise(t.Context(), doctor, "town", registrar.Asking{Purpose: "zz", Reason: "asked"}, given)
			return err
		}, fault.Invalid},
		{"a register that serves others", func() error { _, err := h.registrar.Recognise(t.Context(), doctor, "children", why, given); return err }, fault.NotKnown},
	} {
		t.Run(c.name, func(t *testing.T) { wantKind(t, c.by(), c.kind) })
	}
	h.ask("town", given...)
	_, err := h.admin.ExecContext(t.Context(), `insert into registrar.acts (act_id, kind, by_subject, at, registrar, practitioner_id, agency_id, role, terms_version, commitment, sealed)
		select gen_random_uuid(), kind, by_subject, at, registrar, practitioner_id, agency_id, role, terms_version, commitment, sealed
		  from registrar.acts, generate_series(1, 299) where kind = 'recognise'`)
	must(t, err)
	_, err = h.registrar.Recognise(t.Context(), doctor, "town", why, given)
	wantKind(t, err, fault.RateLimited)
	if _, err = h.registrar.Recognise(t.Context(), tutor, "town", why, given); err != nil {
		t.Errorf("somebody else is kept waiting: %v", err)
	}
}

// Those who keep the register are shown why, without a value of anybody.
func TestARecognitionIsExplainedToThoseWhoKeepTheRegister(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	h.enter("town", name("Amara", "Okonkwo"), born("1990-12-31"), number("passport", "AA1234567"))
	r := h.ask("town", name("Amara", "Okonkwo"), born("1990-12-31"))
	_, err := h.registrar.Explain(t.Context(), doctor, "town", r.ID, "asked")
	wantKind(t, err, fault.Forbidden)
	e, err := h.registrar.Explain(t.Context(), keeper, "town", r.ID, "asked")
	must(t, err)
	if e.Outcome != r.Outcome || e.Model != "prior" || e.Purpose != "support" || len(e.Candidates) != 1 || len(e.Candidates[0].Fields) < 3 ||
		strings.Contains(fmt.Sprint(e), "Amara") {
		t.Errorf("the explanation is %+v", e)
	}
	_, err = h.registrar.Explain(t.Context(), keeper, "town", ident.NewRecognition(), "asked")
	wantKind(t, err, fault.NotKnown)
}

// The model is estimated from the register itself, once however many do it, and a
// recognition names it.
func TestARegisterLearnsItsOwnModel(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	for n := range 120 {
		h.enter("town", name(fmt.Sprintf("Given%c%c", 'a'+n%7, 'a'+n%11), fmt.Sprintf("Fam%c%c", 'a'+n%13, 'a'+n%5)), born(fmt.Sprintf("19%02d-%02d-%02d", 50+n%40, 1+n%12, 1+n%28)))
	}
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := h.registrar.EstimateAll(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	must(t, h.registrar.EstimateAll(t.Context()))
	if n := h.count("select count(*) from registrar.models where entries = 120"); n != 1 {
		t.Errorf("%d models of one register that has not changed", n)
	}
	r := h.ask("town", name("Givenaa", "Famaa"), born("1950-01-01"))
	e, err := h.registrar.Explain(t.Context(), keeper, "town", r.ID, "asked")
	must(t, err)
	if !strings.HasPrefix(e.Model, "em-") {
		t.Errorf("the recognition rests on %s", e.Model)
	}
}
