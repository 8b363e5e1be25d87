package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/hubtest"
)

// personFile writes a CSV of n people, some of whom cannot be entered, and returns the
// lines of those.
func personFile(t *testing.T, n int) (name string, wrong []int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("given,family,birth,house,street,postcode,phone,scheme,number\n")
	for i := range n {
		birth, phone, number := fmt.Sprintf("19%02d-%02d-%02d", i%90+10, i%12+1, i%28+1), "+44 1632 960001", fmt.Sprintf("ZX%06d", i)
		switch i % 499 {
		case 50: // told by the registrar
			birth, wrong = "1971-02-30", append(wrong, i+2)
		case 150: // told by the client
			birth, wrong = "yesterday", append(wrong, i+2)
		case 250: // another's number
			number, wrong = fmt.Sprintf("ZX%06d", i-1), append(wrong, i+2)
		case 350:
			phone, wrong = "=1+1", append(wrong, i+2)
		}
		fmt.Fprintf(&b, "Given%c%d,Family%d,%s,%d,Mill Lane,ZZ%d 1ZZ,%s,passport,%s\n", 'a'+i%26, i%701, i%1009, birth, i%80, i%90, phone, number)
	}
	name = filepath.Join(t.TempDir(), "people.csv")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name, wrong
}

// ACT-04, REG-10, XCU-07, invariants 1, 2 and 6: while people are entered from a file
// the client, the registrar and PostgreSQL are killed with -9 at moments that nobody
// chose. Run again, the same command goes on; at the end each line of the file has been
// entered once, by an act that says who approved it, or is told as wrong.
func TestARegisterImportSurvivesTheDeathOfEverythingItRunsOn(t *testing.T) {
	w := fragile(t)
	const many = 4000
	w.apply(t, "gov-ellis", w.document) // with the hub's own registrar
	w.tellRegistrar(t, "ms-abara", "/registers", map[string]any{"register": "bulk", "title": "People", "contact": "desk", "scope": "All", "self_registered": false})
	o := hubtest.Fame(t, "", "--json", "register", "approve", "bulk", "--people", fmt.Sprint(many), "--until", time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339),
		"--reason", "working-with-person", "--url", w.Registrar.URL, "--token", w.token(t, "ms-abara"))
	var approval struct{ Act string }
	if err := json.Unmarshal([]byte(o.Stdout), &approval); err != nil || o.Code != 0 {
		t.Fatalf("fame register approve: %d %v\n%s%s", o.Code, err, o.Stdout, o.Stderr)
	}
	file, wrong := personFile(t, many)
	args := []string{"register", "import", "bulk", file, "--url", w.Registrar.URL, "--approval", approval.Act, "--part", "50"}
	as := func(who string) []string { return append(args, "--token", w.token(t, who)) }
	if o := hubtest.Fame(t, "", as("ms-abara")...); o.Code != 1 || !strings.Contains(o.Stderr, "takes two people") {
		t.Errorf("who approved imports: %d\n%s%s", o.Code, o.Stdout, o.Stderr)
	}
	admin := w.Admin(t)
	parts := func() (n int) {
		// PostgreSQL may be away for a moment.
		hubtest.Eventually(t, "the parts are counted", func() error {
			return admin.QueryRowContext(t.Context(), "select count(*) from registrar.import_parts").Scan(&n)
		})
		return n
	}
	var client *hubtest.Process
	interrupted := 0
	for kill := range 8 {
		if client == nil {
			client = hubtest.FameProcess(t, "", as("mr-quill")...)
			client.Begin(t)
		}
		from := parts()
		hubtest.Eventually(t, "the import goes on", func() error {
			if n := parts(); n < from+3 {
				return fmt.Errorf("%d parts, as many as before or hardly more", n)
			}
			return nil
		})
		time.Sleep(rand.N(30 * time.Millisecond))
		switch kill {
		case 1, 4:
			w.Registrar.Kill(t)
			w.Registrar.Start(t)
		case 3, 6:
			w.Postgres.Kill(t)
			time.Sleep(rand.N(100 * time.Millisecond))
			w.Postgres.Start(t)
			w.Registrar.WaitReady(t)
		default:
			client.Kill(t)
			client = nil
		}
		if parts() < many/50 {
			interrupted++
		}
	}
	if client != nil {
		client.Kill(t)
	}
	if interrupted < 8 {
		t.Errorf("%d kills came before the import was over, want all 8", interrupted)
	}
	o = hubtest.Fame(t, "", as("mr-quill")...)
	want := fmt.Sprintf("%d people are entered. %d lines entered nobody.", many-len(wrong), len(wrong))
	if o.Code != 1 || !strings.Contains(o.Stdout, want) || !strings.Contains(o.Stdout, "Going on from line") {
		t.Errorf("fame register import: %d\n%s%s", o.Code, o.Stdout, o.Stderr)
	}
	for _, line := range wrong {
		if !strings.Contains(o.Stdout, fmt.Sprintf("  line %d: ", line)) {
			t.Errorf("line %d is not told", line)
		}
	}
	if told := strings.Count(o.Stdout, "\n  line "); told != len(wrong) {
		t.Errorf("%d lines are told as wrong, want %d", told, len(wrong))
	}
	for _, kind := range []string{"/birth/date", "/identifier", "/phone: begins as a formula"} {
		if !strings.Contains(o.Stdout, kind) {
			t.Errorf("nothing is told of %s:\n%s", kind, o.Stdout)
		}
	}
	for what, query := range map[string]string{
		"people":             "select count(*) from registrar.subjects where register_id = 'bulk'",
		"acts that enter":    "select count(*) from registrar.acts where kind = 'register' and practitioner_id = 'mr-quill'",
		"lines that entered": "select count(distinct act_id) from registrar.import_lines where act_id is not null",
		"keys of people":     "select count(*) from registrar.subject_keys k join registrar.subjects s using (subject_id) where s.register_id = 'bulk'",
		"profiles":           "select count(*) from registrar.profiles k join registrar.subjects s using (subject_id) where s.register_id = 'bulk'",
		"numbers":            "select count(*) from registrar.identifiers n join registrar.items i using (item_id) join registrar.subjects s using (subject_id) where s.register_id = 'bulk'",
		"contents of acts":   "select count(*) from registrar.content_keys k join registrar.acts a on a.act_id = k.record_id where a.kind = 'register' and a.practitioner_id = 'mr-quill'",
	} {
		var n int
		if err := admin.QueryRow(query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n != many-len(wrong) {
			t.Errorf("%d %s, want %d", n, what, many-len(wrong))
		}
	}
	w.verifies(t)

	// Once more from the start: nothing is left to do.
	before := parts()
	if again := hubtest.Fame(t, "", as("mr-quill")...); !strings.Contains(again.Stdout, want) || parts() != before {
		t.Errorf("the import was run again after its end: %d parts more, and it said\n%s", parts()-before, again.Stdout)
	}
	w.tokensAreReplaced(t, "bulk", knownFromFile)
}

// REG-11, REG-12, A-13: each typing error in a file of people is told with its line and
// place and repeats nothing; whatever a line holds, the lines around it are read.
func TestATypingErrorInAFileOfPeopleIsToldByItsLine(t *testing.T) {
	const columns = "given,family,name,birth,within,sex,house,street,postcode,phone,email,scheme,number,source\n"
	const good = "Ilka,Ådahl,,1987-04,1,female,7,Mill Lane,ZZ1 1ZZ,+44 1632 960711,i@mail.example,passport,Z1,person\n"
	const object = `{"items":[{"source":"person","name":{"whole":"Ilka"}}]}` + "\n"
	for name, c := range map[string]struct {
		line, say string
		json      bool
	}{
		"nothing but commas":      {line: ",,,,,,,,,,,,,", say: "nothing by which a person is known"},
		"a day in words":          {line: "SECRET,,,the first of May,,,,,,,,,,", say: "/items/1/birth/date"},
		"a day turned round":      {line: "SECRET,,,31/12/1980,,,,,,,,,,", say: "/items/1/birth/date"},
		"years in letters":        {line: "SECRET,,,1980,SECRET,,,,,,,,,", say: "/within"},
		"years without a year":    {line: "SECRET,,,,2,,,,,,,,,", say: "/items/1/birth/date"},
		"a sex of no list":        {line: "SECRET,,,,,SECRET,,,,,,,,", say: "/items/1/sex"},
		"a telephone of letters":  {line: "SECRET,,,,,,,,,SECRET,,,,", say: "/items/1/phone"},
		"an e-mail without an at": {line: "SECRET,,,,,,,,,,SECRET,,,", say: "/items/1/email"},
		"a number of no scheme":   {line: "SECRET,,,,,,,,,,,,SECRET,", say: "/items/1/identifier/scheme"},
		"a source of no list":     {line: "SECRET,,,,,,,,,,,,,hearsay", say: "/items/0/source"},
		"a formula":               {line: "=SECRET,,,,,,,,,,,,,", say: "/given: begins as a formula"},
		"a formula for a number":  {line: "+SECRET,,,,,,,,,,,,,", say: "formula"},
		"a megabyte":              {line: strings.Repeat("SECRET", 1<<20/6) + ",,,,,,,,,,,,,", say: "longer than"},
		"a long name":             {line: strings.Repeat("SECRET", 200) + ",,,,,,,,,,,,,", say: "/items/0/name/given"},
		"Latin-1":                 {line: "SECRET\xe9,,,,,,,,,,,,,", say: "not UTF-8"},
		"another direction":       {line: "SECRET\u202e,,,,,,,,,,,,,", say: "direction of writing"},
		"a diagnosis":             {json: true, line: `{"items":[{"source":"person","name":{"whole":"SECRET"},"diagnosis":"SECRET"}]}`, say: "members items"},
		"no items":                {json: true, line: `{"items":[]}`, say: "/items:"},
		"another line's number":   {json: true, line: `{"line":7,"items":[{"source":"person","sex":"male"}]}`, say: "members items"},
	} {
		text, at := columns+good+c.line+"\n"+good, 3
		if c.json {
			text, at = object+c.line+"\n"+object, 2
		}
		l, err := newLines(strings.NewReader(text), registrations, c.json)
		if err != nil {
			t.Fatal(err)
		}
		read := 0
		for {
			e, err := l.next()
			if err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			switch read++; {
			case e.number == at && (!strings.Contains(e.wrong, c.say) || strings.Contains(e.wrong, "SECRET")):
				t.Errorf("%s is told as %q, want %q", name, e.wrong, c.say)
			case e.number != at && (e.wrong != "" || len(e.person.Items) == 0):
				t.Errorf("beside %s line %d is %q with %d items", name, e.number, e.wrong, len(e.person.Items))
			}
		}
		if read != 3 {
			t.Errorf("%s: %d lines were read", name, read)
		}
	}
}

// DCP-03: the key over what the registrar knows of people is rotated by command while it
// runs, and who was entered before is recognised all the same.
func TestPeoplesKeysAreRotatedByCommand(t *testing.T) {
	w := everyday(t)
	person := func() []map[string]any {
		return []map[string]any{{"name": map[string]any{"given": "Wilhelmina", "family": "Oosterbaan"}}, {"birth": map[string]any{"date": "1937-03-04"}},
			{"identifier": map[string]any{"scheme": "passport", "value": "ZK7391737"}}}
	}
	w.secret("whose key was rotated", "Wilhelmina", "wilhelmina", "Oosterbaan", "oosterbaan", "1937-03-04", "ZK7391737")
	w.register(t, "rotated", false, person(), person())
	wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "keys", "people"), 0, "is under its new key")
	said := w.tellRegistrar(t, "mr-lindqvist", "/registers/rotated/recognitions", map[string]any{"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": person()})
	if said["outcome"] != "determined" {
		t.Errorf("after the rotation the answer is %v", said)
	}
	var old int
	if err := w.Admin(t).QueryRow("select count(*) from registrar.subject_keys where wrapped_by = 'duty/registrar/subjects/1'").Scan(&old); err != nil || old != 0 {
		t.Errorf("%d people are under the key of before: %v", old, err)
	}
}
