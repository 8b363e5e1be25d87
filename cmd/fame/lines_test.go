package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const header = "column,identifier,role,offer,transactions,contact\n"

// readAll reads a file to its end.
func readAll(t testing.TB, text string, json bool) (all []entry, err error) {
	t.Helper()
	l, err := newLines(strings.NewReader(text), publications, json)
	if err != nil {
		return nil, err
	}
	for {
		e, err := l.next()
		if err == io.EOF {
			return all, nil
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

// IDX-03, A-13: each typing error is told with its line, repeats nothing of it,
// and leaves the lines around it readable.
func TestATypingErrorInAFileIsToldByItsLine(t *testing.T) {
	const good = "gp-riverside,GP-00001,gp,will-co-ordinate,joint-assessment health-check,desk\n"
	const object = `{"column":"gp-riverside","identifier":"GP-00001","role":"gp","offers":[{"kind":"will-co-ordinate","contact":"desk"}]}` + "\n"
	for name, c := range map[string]struct {
		line, say string
		json      bool
	}{
		"a quote left open":          {line: `gp-riverside,"GP-SECRET,gp,will-co-ordinate,,desk`, say: "no CSV"},
		"a quote inside":             {line: `gp-riverside,GP"SECRET,gp,will-co-ordinate,,desk`, say: "no CSV"},
		"a field too few":            {line: `gp-riverside,GP-SECRET,gp,will-co-ordinate,desk`, say: "5 fields, and the header 6"},
		"a field too many":           {line: `gp-riverside,GP-SECRET,gp,will-co-ordinate,,desk,SECRET`, say: "7 fields"},
		"semicolons":                 {line: `gp-riverside;GP-SECRET;gp;will-co-ordinate;;desk`, say: "1 fields"},
		"a formula":                  {line: `gp-riverside,=cmd|' /C SECRET'!A0,gp,will-co-ordinate,,desk`, say: "/identifier: begins as a formula"},
		"a formula with a plus":      {line: `gp-riverside,+SECRET,gp,will-co-ordinate,,desk`, say: "formula"},
		"a formula with a minus":     {line: `gp-riverside,GP-1,gp,will-co-ordinate,-SECRET,desk`, say: "/transactions: begins as a formula"},
		"a formula with an at":       {line: `gp-riverside,@SECRET,gp,will-co-ordinate,,desk`, say: "formula"},
		"a NUL":                      {line: "gp-riverside,GP-\x00SECRET,gp,will-co-ordinate,,desk", say: "control character"},
		"a tab":                      {line: "gp-riverside,\tGP-SECRET,gp,will-co-ordinate,,desk", say: "control character"},
		"a bare carriage return":     {line: "gp-riverside,GP-SE\rCRET,gp,will-co-ordinate,,desk", say: "control character"},
		"a mark in its midst":        {line: "gp-riverside,\ufeffGP-SECRET,gp,will-co-ordinate,,desk", say: "cannot be seen"},
		"another direction":          {line: "gp-riverside,GP-\u202eSECRET,gp,will-co-ordinate,,desk", say: "direction of writing"},
		"Latin-1":                    {line: "gp-riverside,GP-SECRET\xe9,gp,will-co-ordinate,,desk", say: "not UTF-8"},
		"too long a line":            {line: "gp-riverside," + strings.Repeat("SECRET", maxLine), say: "longer than"},
		"too long an identifier":     {line: "gp-riverside," + strings.Repeat("SECRET", 20) + ",gp,will-co-ordinate,,desk", say: "/identifier:"},
		"no identifier":              {line: "gp-riverside,,gp,will-co-ordinate,,desk", say: "/identifier:"},
		"no code":                    {line: "Gp Riverside,GP-SECRET,gp,will-co-ordinate,,desk", say: "/column:"},
		"an offer of no list":        {line: "gp-riverside,GP-SECRET,gp,will-SECRET,,desk", say: "/offers/0/kind:"},
		"a transaction twice":        {line: "gp-riverside,GP-SECRET,gp,will-co-ordinate,a a,desk", say: "/offers/0/transactions:"},
		"no JSON":                    {json: true, line: `SECRET`, say: "one JSON object"},
		"an array":                   {json: true, line: `["SECRET"]`, say: "one JSON object"},
		"half an object":             {json: true, line: `{"column":"SECRET"`, say: "one JSON object"},
		"two objects":                {json: true, line: `{} {"column":"SECRET"}`, say: "one JSON object"},
		"an empty object":            {json: true, line: `{}`, say: "members column"},
		"a member too many":          {json: true, line: strings.Replace(strings.TrimSpace(object), `{`, `{"name":"SECRET",`, 1), say: "members column"},
		"a member twice":             {json: true, line: strings.Replace(strings.TrimSpace(object), `{`, `{"column":"SECRET",`, 1), say: "each member once"},
		"a number for an identifier": {json: true, line: strings.Replace(strings.TrimSpace(object), `"GP-00001"`, `73914`, 1), say: "members column"},
		"another line's number":      {json: true, line: strings.Replace(strings.TrimSpace(object), `{`, `{"line":7,`, 1), say: "members column"},
		"no offers":                  {json: true, line: `{"column":"a","identifier":"SECRET","role":"gp","offers":[]}`, say: "/offers:"},
		"an escaped NUL":             {json: true, line: strings.Replace(strings.TrimSpace(object), `GP-0`, `SECRET\u0000`, 1), say: "one JSON object"},
	} {
		text, at := header+good+c.line+"\n\n"+good, []int{2, 3, 5}
		if c.json {
			text, at = object+c.line+"\n\n"+object, []int{1, 2, 4}
		}
		for _, end := range []string{"\n", "\r\n"} {
			all, err := readAll(t, strings.ReplaceAll(text, "\n", end), c.json)
			if err != nil || len(all) != 3 {
				t.Fatalf("%s: %d lines, %v", name, len(all), err)
			}
			for n, e := range all {
				if e.number != at[n] || (e.wrong == "") != (n != 1) {
					t.Errorf("%s: line %d is told as line %d, wrong for %q", name, at[n], e.line.Line, e.wrong)
				}
			}
			if !strings.Contains(all[1].wrong, c.say) || strings.Contains(all[1].wrong, "SECRET") {
				t.Errorf("%s: said %q, want something with %q that repeats nothing", name, all[1].wrong, c.say)
			}
		}
	}
}

// What is wrong with a file as a whole is told before anything is sent.
func TestAFileThatIsNoTableIsRefusedWhole(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "UTF-16": "\xff\xfec\x00o\x00", "UTF-16, the other way round": "\xfe\xff\x00c\x00o", "semicolons": strings.ReplaceAll(header, ",", ";"),
		"no header": "gp-riverside,GP-00001,gp,will-co-ordinate,,desk\n", "a column twice": "column," + header, "a column too few": "column,identifier\n",
		"a column of no list": "name," + header, "a header in quotes left open": `"` + header,
	} {
		if all, err := readAll(t, text, false); err == nil {
			t.Errorf("%s: read as %d lines", name, len(all))
		}
	}
}

// A spreadsheet's own CSV is read as it is, and says what NDJSON says.
func TestACSVAndAnNDJSONSayTheSame(t *testing.T) {
	sheet := "\ufeffrole,contact,identifier,column,offer,consents,transactions\r\n" +
		`gp,desk,"GP-00001","gp-riverside",will-co-ordinate,0190a3f4-6c1e-4a5b-9c7d-2f8e1b3a5d60,joint-assessment health-check`
	object := `{"column":"gp-riverside","identifier":"GP-00001","role":"gp","consents":["0190a3f4-6c1e-4a5b-9c7d-2f8e1b3a5d60"],` +
		`"offers":[{"kind":"will-co-ordinate","transactions":["joint-assessment","health-check"],"contact":"desk"}]}`
	a, err := readAll(t, sheet, false)
	if err != nil || len(a) != 1 || a[0].wrong != "" {
		t.Fatalf("%v, %v", a, err)
	}
	b, err := readAll(t, object, true)
	if err != nil || len(b) != 1 || b[0].wrong != "" {
		t.Fatalf("%v, %v", b, err)
	}
	a[0].line.Line = 1
	x, _ := a[0].line.MarshalJSON()
	y, _ := b[0].line.MarshalJSON()
	if string(x) != string(y) {
		t.Errorf("the CSV says %s, the NDJSON %s", x, y)
	}
}

// FuzzLines reads whatever comes, and wants each line told once and in order,
// nothing that openapi.yaml would refuse among what is right, and of what is wrong
// no word of the file.
func FuzzLines(f *testing.F) {
	for _, json := range []bool{false, true} {
		f.Add([]byte(""), json)
		f.Add([]byte(header+"gp-riverside,GP-00001,gp,will-co-ordinate,a b,desk\r\n\"x\"\"y\",=1,,,,\n"), json)
		f.Add([]byte("\ufeff"+header+strings.Repeat("x", maxLine)+"\n\"\n,,,,,\n"), json)
		f.Add([]byte(`{"column":"a","identifier":"b","role":"c","offers":[{"kind":"will-co-ordinate","contact":"d"}]}`+"\n{}\n[]\n{\"line\":1}\n"), json)
	}
	f.Fuzz(func(t *testing.T, text []byte, json bool) {
		all, err := readAll(t, string(text), json)
		if err != nil {
			return
		}
		last := 0
		for _, e := range all {
			if e.line.Line <= last || e.line.Line > 1+strings.Count(string(text), "\n") {
				t.Errorf("line %d after line %d", e.line.Line, last)
			}
			last = e.line.Line
			if e.wrong == "" && e.line.Validate() != nil {
				t.Error("a line that openapi.yaml refuses is taken for right")
			}
		}
	})
}

// A file may be as long as it likes: what is held of it is one line.
func TestReadingAFileHoldsOneLine(t *testing.T) {
	in, out := io.Pipe()
	go func() {
		fmt.Fprint(out, header)
		for n := range 100_000 {
			fmt.Fprintf(out, "gp-riverside,GP-%05d,gp,will-co-ordinate,joint-assessment,desk\n", n)
		}
		out.Close()
	}()
	l, err := newLines(in, publications, false)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; ; n++ {
		if _, err := l.next(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if n != 100_000 || l.in.Size() > maxLine+2 {
		t.Errorf("%d lines, with a buffer of %d bytes", n, l.in.Size())
	}
}

// The corpus of the fuzzer is kept: what it has found stays found.
func TestTheFuzzersCorpusIsThere(t *testing.T) {
	files, err := filepath.Glob("testdata/fuzz/FuzzLines/*")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d files of corpus (%v)", len(files), err)
	}
	if !slices.ContainsFunc(files, func(name string) bool {
		text, err := os.ReadFile(name)
		return err == nil && strings.Contains(string(text), "identifier")
	}) {
		t.Error("no file of the corpus has a header: the fuzzer saw no CSV")
	}
}
