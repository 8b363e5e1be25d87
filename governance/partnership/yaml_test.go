package partnership_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
)

func TestFromYAMLKeepsTextAsItIsWritten(t *testing.T) {
	for yaml, want := range map[string]string{
		"a: 2026-01-31":            `{"a":"2026-01-31"}`,
		"a: 2026-01-31T00:00:00Z":  `{"a":"2026-01-31T00:00:00Z"}`,
		"a: 007":                   `{"a":"007"}`,
		"a: 1_000":                 `{"a":"1_000"}`,
		"a: 0x1f":                  `{"a":"0x1f"}`,
		"a: .inf":                  `{"a":".inf"}`,
		"a: 12":                    `{"a":12}`,
		"a: '12'":                  `{"a":"12"}`,
		"a: yes":                   `{"a":"yes"}`,
		"a: TRUE":                  `{"a":true}`,
		"a:":                       `{"a":null}`,
		"a: []":                    `{"a":[]}`,
		"a: {b: [1, two]}":         `{"a":{"b":[1,"two"]}}`,
		"a: &x [1]\nb: *x":         `{"a":[1],"b":[1]}`,
		"a: |\n  P/[0-9]\n":        `{"a":"P/[0-9]\n"}`,
		"---\na: \"<\\u0000\\t>\"": `{"a":"\u003c\u0000\t\u003e"}`,
		"1: x":                     `{"1":"x"}`,
	} {
		js, _, err := partnership.FromYAML([]byte(yaml))
		if err != nil || string(js) != want {
			t.Errorf("%q: %s, %v; want %s", yaml, js, err, want)
		}
	}
}

func TestFromYAMLRefuses(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'i'; c++ {
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 9), ", "))
	}
	for _, c := range []struct {
		name, yaml string
		line       int
		say        string
	}{
		{"nothing", "", 0, "empty"},
		{"only a remark", "# nothing\n", 0, "empty"},
		{"a key twice", "a: 1\nb:\n  c: 1\n  d: 2\n  c: vermilion\n", 5, "line 3 already"},
		{"a tab", "a:\n  - b\n\t- vermilion\n", 3, "not with tabs"},
		{"not closed", "a: 1\nb: [1, 2\nc: vermilion\n", 0, "cannot be read"},
		{"an unknown alias", "a: *vermilion\n", 0, "cannot be read"},
		{"two documents", "a: 1\n---\nb: vermilion\n", 2, "one document"},
		{"a merge key", "a: &a {b: 1}\nc:\n  <<: *a\n", 3, "merge keys"},
		{"a tag", "a: !!binary vermilion\n", 1, "tag"},
		{"a tag of one's own", "a: !vermilion {b: 1}\n", 1, "tag"},
		{"a key that is a list", "a: 1\n? [vermilion]\n: 2\n", 2, "plain name"},
		{"an alias inside itself", "a: &a\n  - *a\n", 2, "inside what it names"},
		{"a bomb", bomb, 3, "100 aliases"},
		{"too many levels", strings.Repeat("[", 100) + strings.Repeat("]", 100), 1, "no more levels"},
		{"too large", "a: " + strings.Repeat("v", partnership.MaxSize), 0, "4 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			js, lines, err := partnership.FromYAML([]byte(c.yaml))
			if fault.KindOf(err) != fault.Malformed || js != nil {
				t.Fatalf("want a refusal, got %s, %v", js, err)
			}
			if lines("/anything") < 1 {
				t.Error("lines must answer also after a refusal")
			}
			if !strings.Contains(err.Error(), c.say) || c.line > 0 && !strings.Contains(err.Error(), fmt.Sprintf(" line %d: ", c.line)) {
				t.Errorf("want line %d saying %q, got %v", c.line, c.say, err)
			}
			if strings.Contains(err.Error(), "vermilion") {
				t.Errorf("the error repeats the text: %v", err)
			}
		})
	}
}

// A few aliases of a large list are as bad as many of a small one.
func TestFromYAMLCountsWhatAliasesStandFor(t *testing.T) {
	text := "a: &a [" + strings.TrimSuffix(strings.Repeat("x, ", 10_000), ", ") + "]\nb: [" +
		strings.TrimSuffix(strings.Repeat("*a, ", 99), ", ") + "]\n"
	if _, _, err := partnership.FromYAML([]byte(text)); fault.KindOf(err) != fault.Malformed {
		t.Errorf("want a refusal, got %v", err)
	}
}

func TestLines(t *testing.T) {
	const text = `# a remark
partnership:
  hub: https://hub.example

columns:
  - id: one
    contacts:
      - { code: desk, value: "1" }
      - code: mail
  # between
  - id: two
    "a/b~c": 3
shared: &s
  - x
again: *s
`
	_, lines, err := partnership.FromYAML([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for pointer, want := range map[string]int{
		"":                            1,
		"/partnership":                2,
		"/partnership/hub":            3,
		"/partnership/name":           2,
		"/partnership/hub/deeper":     3,
		"/columns":                    5,
		"/columns/0":                  6,
		"/columns/0/contacts/0/code":  8,
		"/columns/0/contacts/1":       9,
		"/columns/0/contacts/1/value": 9,
		"/columns/1":                  11,
		"/columns/1/id":               11,
		"/columns/1/a~1b~0c":          12,
		"/columns/7/id":               5,
		"/again":                      15,
		"/again/0":                    14,
		"/nowhere/at/all":             1,
	} {
		if got := lines(pointer); got != want {
			t.Errorf("%q: line %d, want %d", pointer, got, want)
		}
	}
}

// The two together: a refusal of Parse leads to its line in the file.
func TestARefusalLeadsToItsLine(t *testing.T) {
	text, err := os.ReadFile("../../demo/riverside/partnership.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spoilt := strings.Replace(string(text), `example: "P/1234/26"`, `example: "P-1234-26"`, 1)
	js, lines, err := partnership.FromYAML([]byte(spoilt))
	if err != nil {
		t.Fatal(err)
	}
	_, err = partnership.Parse(js, at)
	field := problems(t, err)[0]
	if got := strings.Split(spoilt, "\n")[lines(field.Pointer)-1]; !strings.Contains(got, "P-1234-26") {
		t.Errorf("%s leads to line %d: %s", field.Pointer, lines(field.Pointer), got)
	}
}

// smallest is about the smallest document that can be applied.
const smallest = `
partnership: {hub: https://h.example, name: H, jurisdiction: E, law_profile: uk-current}
issuers: [{name: i, issuer: https://i.example, audience: f}]
codes:
  purposes: [{code: p, title: P}]
  aspects: [{code: a, title: A}]
  transactions: []
  reasons: [{code: r, title: R}]
  aims: [{code: a, title: A}]
  roles: [{code: governance-officer, title: G}, {code: agency-administrator, title: A}]
agencies: [{id: a, name: A, kind: k, starts: 2026-01-01T00:00:00Z}]
providers: [{id: u, kind: unit, title: U, agency: a}]
columns:
  - {id: c, provider: u, agency: a, pattern: "x[0-9]+", example: x1, contacts: [{code: d, kind: telephone, value: "01632 960000", hours: H, confirmed: 2026-01-01}]}
powers: [{code: w, title: W, citation: C, kinds: [k], purposes: [p]}]
bars: [{code: b, title: B, citation: C, purposes: [p]}]
agreements:
  - code: g
    title: G
    parties: [a]
    purposes: [p]
    powers: [w]
    aspects: [a]
    effect: permit
    modes: [subject]
    grounds: [explicit-consent]
    roles: {enquire: [], publish: [], correlate: []}
    receiving: {ordinary: art6-public-task}
    review: 2027-01-01
practitioners: [{id: g, agency: a, issuer: i, subject: s, roles: [governance-officer], providers: []}]
`

func TestTheSmallestDocumentIsEnough(t *testing.T) {
	js, _, err := partnership.FromYAML([]byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	parse(t, js)
}

func FuzzFromYAMLAndParse(f *testing.F) {
	f.Add([]byte(smallest))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("a: [b, {c: d}]\n\t#"))
	f.Add([]byte("{\"columns\": [{\"pattern\": \"(\"}]}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		js, lines, err := partnership.FromYAML(text)
		if err != nil {
			if fault.KindOf(err) != fault.Malformed {
				t.Fatalf("not a refusal: %v", err)
			}
			js = text
		} else if !json.Valid(js) {
			t.Fatal("not JSON")
		}
		doc, err := partnership.Parse(js, at)
		if err == nil {
			doc.Terms(1)
			partnership.Diff(doc, partnership.Document{})
			return
		}
		if fault.KindOf(err) != fault.Invalid {
			t.Fatalf("not a refusal: %v", err)
		}
		for _, p := range problems(t, err) {
			lines(p.Pointer)
		}
	})
}
