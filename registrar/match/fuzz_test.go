package match

import (
	"strings"
	"testing"
)

// FuzzRecognise feeds whatever bytes into every field of two records. Nothing may
// panic, no record may have more than maxKeys keys or a token longer than the text
// that is read, a form must survive being packed, and nobody may be determined on
// what is not their own.
func FuzzRecognise(f *testing.F) {
	f.Add("Anna", "Smith", "1990-02-30", "12 High Street", "LS1 4AB", "Ana", "Smyth", "19900203")
	f.Add("", " ", "\x00", "\xff\xfe", "", "", "", "0000-00-00")
	f.Add(strings.Repeat("王", 400), strings.Repeat("a ", 4000), "99999999", strings.Repeat("1 ", 900), "0", "Ω", "محمد", "1-1-1")
	f.Add("O'", "van der", "2024-13-99", "'''", "----", "St", "Mc Mc Mc", "31/12/1999")
	m := Prior(1000)
	f.Fuzz(func(t *testing.T, given, family, birth, lines, postcode, given2, family2, birth2 string) {
		record := func(given, family, birth string) *Form {
			return Normalise(Record{
				Names:  []Name{{Given: given, Family: family}, {Parts: given + " " + family}},
				Births: []Date{ParseDate(birth, YearFirst), ParseDate(birth, DayFirst)}, Sex: family,
				Addresses: []Address{{House: birth, Lines: lines, Postcode: postcode, Locality: family, Region: given}},
				Phones:    []string{birth + postcode}, Emails: []string{given + "@" + family},
				Identifiers: []Identifier{{given, birth}, {"", postcode}},
			})
		}
		a, b := record(given, family, birth), record(given2, family2, birth2)
		for _, form := range []*Form{a, b} {
			keys := form.Keys()
			if len(keys) > maxKeys {
				t.Errorf("%d keys", len(keys))
			}
			for _, k := range keys {
				if len(k.Token) > 2*maxText+2 {
					t.Errorf("a token of %d bytes in pass %s", len(k.Token), k.Pass)
				}
			}
			var again Form
			if again.unpack(form.pack()); again.pack() != form.pack() {
				t.Error("unpacked it is another")
			}
		}
		out := m.Recognise(a, []*Form{b}, [Passes]bool{}, 1)
		if out.Kind == Determined && !individual(patternOf(a, b)) {
			t.Error("determined without anything of one's own")
		}
	})
}

func patternOf(a, b *Form) *pattern {
	var c compared
	compareForms(a, b, &c)
	return &c.pattern
}
