package match

import (
	"reflect"
	"strings"
	"testing"
)

func TestTextOfAnyScriptIsFoldedToOneAlphabet(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  O'Brien ": "obrien", "SMITH-JONES": "smith jones", "Łukasz Żółć": "lukasz zolc", "Сергей": "sergei",
		"Nguyễn Văn Ánh": "nguyen van anh", "王小明": "wang xiao ming", "ﬁnn": "finn", "not known": "", "N/A": "", "\x00\xff": "",
	} {
		if got := fold(in); got != want {
			t.Errorf("fold(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestTransliterationsSoundAlike(t *testing.T) {
	t.Parallel()
	for _, group := range [][]string{
		{"mohammed", "muhammad", "mukhammad", "mohamed", fold("محمد")}, {"hussein", "husain", fold("حسين")},
		{"catherine", "kathryn", "katarina"}, {"smith", "smyth", "schmidt"}, {"yusuf", "yousef"}, {"stephen", "steven", "stefan"},
	} {
		for _, n := range group[1:] {
			if skeleton(n) != skeleton(group[0]) {
				t.Errorf("%s sounds %q, %s %q", group[0], skeleton(group[0]), n, skeleton(n))
			}
		}
	}
}

func TestAPackedFormIsTheSameWhenUnpackedIntoAnother(t *testing.T) {
	t.Parallel()
	var into Form
	for _, c := range outcomes(t) {
		for _, line := range append(c.Register, c.Evidence) {
			f := Normalise(of(line))
			into.unpack(f.pack())
			if !reflect.DeepEqual(f.Keys(), into.Keys()) || f.pack() != into.pack() {
				t.Errorf("%q: unpacked it is another", line)
			}
		}
	}
}

func TestDatesAreReadAsFarAsTheyAreKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		order DateOrder
		want  Date
	}{
		{"1971-06-24", YearFirst, Date{1971, 6, 24, 0}}, {"19710624", YearFirst, Date{1971, 6, 24, 0}}, {"24/06/1971", DayFirst, Date{1971, 6, 24, 0}},
		{"1971-06-24", DayFirst, Date{1971, 6, 24, 0}}, {"24061971", DayFirst, Date{1971, 6, 24, 0}}, {"1971-06", YearFirst, Date{1971, 6, 0, 0}},
		{"06/1971", DayFirst, Date{1971, 6, 0, 0}}, {"1971", DayFirst, Date{1971, 0, 0, 0}}, {"19319924", YearFirst, Date{1931, 99, 24, 0}},
		{"06/24/1971", MonthFirst, Date{1971, 6, 24, 0}}, {"24 June 1971", DayFirst, Date{1971, 6, 24, 0}}, {"Jun 24, 1971", MonthFirst, Date{1971, 6, 24, 0}},
		{"24th Jun 1971", DayFirst, Date{1971, 6, 24, 0}}, {"1971-06-24T00:00:00Z", YearFirst, Date{1971, 6, 24, 0}}, {"", YearFirst, Date{}}, {"soon", YearFirst, Date{}},
		{"99999-1-1", YearFirst, Date{}}, {strings.Repeat("9", 1000), YearFirst, Date{}}, {"t", DayFirst, Date{}}, {"0", DayFirst, Date{}},
	} {
		if got := ParseDate(c.text, c.order); got != c.want {
			t.Errorf("%.40q: %v, want %v", c.text, got, c.want)
		}
	}
}

// REG-11, REG-12.
func TestAnEmptyRecordIsEmptyAndARecordOfOneNameIsNot(t *testing.T) {
	t.Parallel()
	blanks := Record{
		Names: []Name{{" ", "\t", ""}}, Births: []Date{{}}, Sex: "?", Addresses: []Address{{" ", " ", "", "", "-"}},
		Phones: []string{"", "000000"}, Emails: []string{" "}, Identifiers: []Identifier{{"x", "0000000"}},
	}
	if f := Normalise(blanks); !f.Empty() || len(f.Keys()) > 0 {
		t.Errorf("blanks made %+v", f)
	}
	if f := Normalise(Record{Names: []Name{{Parts: "Farida"}}}); f.Empty() || len(f.Keys()) == 0 {
		t.Error("one name made nothing to find it by")
	}
}
