package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fame-hub/fame/registrar/match"
)

func TestPairsAndGroupsAreScoredByHand(t *testing.T) {
	t.Parallel()
	whose := []string{"a", "a", "a", "b", "b", "c"}
	pairs := []match.Pair{{A: 0, B: 1}, {A: 3, B: 5}}
	group := components(len(whose), pairs, 0)
	b := bCubed(group, whose)
	// a a | a | b c | b: precision (1+1+1+.5+.5+1)/6, recall (2/3+2/3+1/3+1/2+1/2+1)/6.
	if math.Abs(b.Precision-5.0/6) > 1e-9 || math.Abs(b.Recall-11.0/18) > 1e-9 {
		t.Errorf("B-cubed %+v", b)
	}
	if s := groupPairs(group, whose, 4); s.Pairs != 2 || s.Wrong != 1 || s.Missed != 3 || s.Precision != 0.5 || s.Recall != 0.25 {
		t.Errorf("pairs %+v", s)
	}
}

func TestAFileOfOnesOwnIsScored(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "people.csv")
	rows := "id, who, name, born, post\n"
	for _, r := range []string{
		"1, p1, Ada Lovell, 24/06/1971, AB1 2CD", "2, p1, Lovell Ada, 24/06/1971, AB1 2CD", "3, p2, Hugo Brandt, 01/02/1955, XY9 8ZW",
		"4, p3, Ida Kern, 11/12/2001, LM5 5NO", "5, p3, Ida Kerne, 11/12/2001, LM5 5NO",
	} {
		rows += r + "\n"
	}
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := some([]set{{name: "own", files: []string{file}, columns: "name=name,birth=born:dmy,postcode=post", truth: `who:p(\d)`}}, "", nil, false, false)
	if err != nil {
		t.Fatal(err)
	}
	if s := r.Sets[0]; s.Pairwise.Wrong != 0 || s.Pairwise.Missed != 0 || s.Ceiling != 1 || s.Records != 5 {
		t.Errorf("%+v", s)
	}
}

func TestAWrongFlagSaysWhatToWrite(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]string{"colour=c": "given, family", "birth=b:dym": "ymd, dmy or mdy", "given": "field=column"} {
		if _, err := parseColumns(flag); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", flag, err)
		}
	}
	for format, want := range map[string]match.DateOrder{
		"": match.YearFirst, "ymd": match.YearFirst, "%Y-%m-%d": match.YearFirst, "20060102": match.YearFirst, "dmy": match.DayFirst,
		"dd/mm/yyyy": match.DayFirst, "02/01/2006": match.DayFirst, "%m/%d/%Y": match.MonthFirst, "mm/dd/yyyy": match.MonthFirst,
	} {
		if got, err := dateOrder(format); err != nil || got != want {
			t.Errorf("format %q: %v, %v", format, got, err)
		}
	}
	if _, err := stepsNamed("magic"); err == nil || !strings.Contains(err.Error(), "frequencies") {
		t.Errorf("an unknown step: %v", err)
	}
	if _, err := parseTruth("a:("); err == nil {
		t.Error("an expression that cannot be read is taken")
	}
}
