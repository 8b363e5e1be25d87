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
	for _, c := range outcomes {
		for _, line := range append(c.register, c.evidence) {
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
		text     string
		dayFirst bool
		want     Date
	}{
		{"1971-06-24", false, Date{1971, 6, 24, 0}}, {"19710624", false, Date{1971, 6, 24, 0}}, {"24/06/1971", true, Date{1971, 6, 24, 0}},
		{"24061971", true, Date{1971, 6, 24, 0}}, {"1971-06", false, Date{1971, 6, 0, 0}}, {"06/1971", true, Date{1971, 6, 0, 0}},
		{"1971", true, Date{1971, 0, 0, 0}}, {"19319924", false, Date{1931, 99, 24, 0}}, {"", false, Date{}}, {"soon", false, Date{}},
		{"99999-1-1", false, Date{}}, {strings.Repeat("9", 1000), false, Date{}}, {"1971-06-24T00:00:00Z", false, Date{1971, 6, 24, 0}},
	} {
		if got := ParseDate(c.text, c.dayFirst); got != c.want {
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
