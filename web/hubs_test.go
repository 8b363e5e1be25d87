package web

import (
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/api/relmgroas"
)

// QRY-03, QRY-04: a hub that did not answer is said to have not answered, and never looks as
// one that knows nobody; while one is waited for, the page leads to itself.
func TestAHubThatDidNotAnswerIsSaidAsSuch(t *testing.T) {
	t.Parallel()
	says := func(hubs ...elsewhere) (*page, string) {
		pg := &page{}
		showHubsOf(pg, asked{Answer: &relmgroas.Answer{ID: "a"}, Elsewhere: hubs})
		var lines []string
		for _, c := range pg.Cards {
			lines = append(lines, c.Lines...)
		}
		return pg, strings.Join(lines, " ")
	}
	nothing := elsewhere{Hub: "https://north.example", Done: true, Says: &federationoas.PeerSays{Answered: true}}
	silent := elsewhere{Hub: "https://south.example", Done: true}
	waiting := elsewhere{Hub: "https://west.example"}
	pg, text := says(nothing, silent, waiting)
	if pg.Notice != "2 of 3 other hubs have been heard. The others have a few seconds." || len(pg.Buttons) != 1 || !strings.Contains(text, "Waiting for its answer") {
		t.Errorf("%q %v %s", pg.Notice, pg.Buttons, text)
	}
	if pg, text = says(nothing, silent); pg.Notice != "Not every other hub has answered." || len(pg.Buttons) != 0 || strings.Count(text, "It has not answered") != 1 || strings.Count(text, "It has nothing that it can tell you") != 1 {
		t.Errorf("%q %v %s", pg.Notice, pg.Buttons, text)
	}
	if pg, _ = says(nothing); pg.Notice != "All other hubs have answered." {
		t.Error(pg.Notice)
	}
}

// Answers that come at once, while a page reads them, are all there in the end.
func TestHubsThatAnswerAtOnceAreAllHeard(t *testing.T) {
	t.Parallel()
	s := &session{}
	a := asked{Answer: &relmgroas.Answer{ID: "a"}}
	for n := range 20 {
		a.Elsewhere = append(a.Elsewhere, elsewhere{Hub: strings.Repeat("h", n+1)})
	}
	s.remember(a)
	var wait sync.WaitGroup
	for n := range 20 {
		wait.Go(func() { s.heard("a", elsewhere{Hub: strings.Repeat("h", n+1), Done: true}) })
		wait.Go(func() {
			if got, ok := s.answer("a"); ok {
				showHubsOf(&page{}, got)
			}
		})
	}
	wait.Wait()
	got, _ := s.answer("a")
	if slices.ContainsFunc(got.Elsewhere, func(e elsewhere) bool { return !e.Done }) {
		t.Errorf("%+v", got.Elsewhere)
	}
}

// ACT-04: lines are counted as an editor counts them, what a spreadsheet would run is
// refused, and nothing that stands in the file is repeated.
func TestAFileIsReadLineByLine(t *testing.T) {
	t.Parallel()
	good := "gp,A-1,gp,will-co-ordinate,desk"
	all, wrong, err := readLines([]byte("\ufeffcolumn,identifier,role,offer,contact\r\n" + good + "\r\n\n" + `gp,"=1+1",gp,will-co-ordinate,desk` + "\ngp,@x,gp,will-co-ordinate,desk\ngp,A-2\n" + `gp,"A,gp` + "\ngp,,gp,will-co-ordinate,desk\n" + good))
	if err != nil || len(all) != 2 || all[0].Line != 2 || all[1].Line != 9 {
		t.Fatalf("%v %v %v", all, wrong, err)
	}
	var lines []int
	for _, w := range wrong {
		lines = append(lines, w.line)
		if strings.Contains(w.why, "1+1") || strings.Contains(w.why, "@x") || strings.Contains(w.why, "A-2") {
			t.Errorf("line %d: %s", w.line, w.why)
		}
	}
	if !slices.Equal(lines, []int{4, 5, 6, 7, 8}) {
		t.Errorf("%v are wrong: %v", lines, wrong)
	}
	for name, text := range map[string]string{
		"empty": "", "no header": "\n", "another header": "a,b\n", "a column twice": "column,column\n", "one that lacks": "column,identifier\n", "bytes": "\xff\xfe",
	} {
		if _, _, err := readLines([]byte(text)); err == nil {
			t.Errorf("a file with %s is read", name)
		}
	}
}
