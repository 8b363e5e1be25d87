package match

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// Every person in this file is invented for it.

// of reads a record from what a person would write on one line:
// given / family / birth / sex / address / postcode / telephone or e-mail / number.
// What is not known is left out; = between two values of one place makes them two.
func of(line string) (r Record) {
	at := strings.Split(line, "/")
	for i := range at {
		at[i] = strings.TrimSpace(at[i])
	}
	at = append(at, make([]string, 8)...)
	given, family := strings.Split(at[0], "="), strings.Split(at[1], "=")
	for i := range max(len(given), len(family)) {
		n := Name{Given: given[min(i, len(given)-1)], Family: family[min(i, len(family)-1)]}
		if strings.HasPrefix(n.Given, "?") {
			n = Name{Parts: n.Given[1:]}
		}
		if n != (Name{}) {
			r.Names = append(r.Names, n)
		}
	}
	if at[2] != "" {
		d, _, approximate := strings.Cut(at[2], "~")
		date := ParseDate(d, YearFirst)
		if approximate {
			date.Within = 2
		}
		r.Births = []Date{date}
	}
	r.Sex = at[3]
	if at[4]+at[5] != "" {
		r.Addresses = []Address{{Lines: at[4], Postcode: at[5]}}
	}
	if strings.Contains(at[6], "@") {
		r.Emails = []string{at[6]}
	} else if at[6] != "" {
		r.Phones = []string{at[6]}
	}
	if at[7] != "" {
		r.Identifiers = []Identifier{{"health", at[7]}}
	}
	return r
}

// outcome is one hand-made case of testdata/outcomes.json: who is registered, what is
// shown, and what must come of it. "determined 0" is the first of the register. The
// registrar's own test drives the same over the service.
type outcome struct {
	Name     string
	Register []string
	Evidence string
	Want     string
}

const (
	twinA = "Amelia / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT / 0113 4960001 / 4857773456"
	twinB = "Rosalind / Hartnell / 2014-03-09 / f / 12 Weavers Row / LS9 4QT / 0113 4960001 / 4857773464"
)

func outcomes(t *testing.T) (all []outcome) {
	t.Helper()
	text, err := os.ReadFile("testdata/outcomes.json")
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// recognise is what the registrar does: look up the candidates by keys, compare
// them, decide.
func recognise(m *Model, register []*Form, evidence *Form) Outcome {
	ix := NewIndex(len(register), func(i int) *Form { return register[i] })
	var found Found
	ix.Candidates(evidence, &found)
	candidates := make([]*Form, len(found.Records))
	for i, r := range found.Records {
		candidates[i] = register[r]
	}
	out := m.Recognise(evidence, candidates, found.Full, len(register))
	if out.Candidate >= 0 {
		out.Candidate = int(found.Records[out.Candidate])
	}
	return out
}

// REG-01, AUT-02, AUT-03, E2E-09.
func TestWhomTheEvidenceIsOf(t *testing.T) {
	t.Parallel()
	all := outcomes(t)
	if len(all) < 50 {
		t.Errorf("there are %d cases, not fifty", len(all))
	}
	m := Prior(100_000)
	for _, c := range all {
		var register []*Form
		for _, line := range c.Register {
			register = append(register, Normalise(of(line)))
		}
		evidence := Normalise(of(c.Evidence))
		out := recognise(m, register, evidence)
		got := string(out.Kind)
		if out.Kind == Determined {
			got = fmt.Sprintf("%s %d", got, out.Candidate)
		}
		if got != c.Want {
			t.Errorf("%s: %s, want %s", c.Name, got, c.Want)
			for _, e := range out.Explanations {
				t.Logf("  %d: %.6f of %.1f bits, kin %q, contradicts %v, %v", e.Candidate, e.Probability, e.Bits, e.Kin, e.Contradicts, e.Fields)
			}
		}
	}
}
