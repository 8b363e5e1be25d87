package registrar_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/match"
)

// itemsOf reads what a line of match's hand-made cases says of a person:
// given / family / birth / sex / address / postcode / telephone or e-mail / number.
func itemsOf(line string) (items []registrar.Item) {
	at := append(strings.Split(line, "/"), make([]string, 8)...)
	for i := range at {
		at[i] = strings.TrimSpace(at[i])
	}
	add := func(i registrar.Item) {
		i.Source = "person"
		items = append(items, i)
	}
	given, family := strings.Split(at[0], "="), strings.Split(at[1], "=")
	for i := range max(len(given), len(family)) {
		n := registrar.Name{Given: given[min(i, len(given)-1)], Family: family[min(i, len(family)-1)]}
		if strings.HasPrefix(n.Given, "?") {
			n = registrar.Name{Whole: n.Given[1:]}
		}
		if n != (registrar.Name{}) {
			add(registrar.Item{Name: &n})
		}
	}
	if date, _, approximate := strings.Cut(at[2], "~"); date != "" {
		b := registrar.Birth{Date: date}
		if approximate {
			b.Within = 2
		}
		add(registrar.Item{Birth: &b})
	}
	if at[3] != "" {
		add(registrar.Item{Sex: at[3]})
	}
	if at[4]+at[5] != "" {
		add(registrar.Item{Address: &registrar.Address{Lines: at[4], Postcode: at[5]}})
	}
	switch {
	case strings.Contains(at[6], "@"):
		add(registrar.Item{Email: at[6]})
	case at[6] != "":
		add(registrar.Item{Phone: at[6]})
	}
	if at[7] != "" {
		add(registrar.Item{Identifier: &registrar.Identifier{Scheme: "health", Value: at[7]}})
	}
	return items
}

// REG-01, AUT-02, AUT-03, E2E-09: twins, siblings, father and son, namesakes and people
// who changed their names, each case in a register of its own: the service answers as the
// matcher does, names nobody where it is not sure, and enters every outcome.
func TestTheServiceAnswersTheHandMadeCases(t *testing.T) {
	t.Parallel()
	h := setup(t)
	var cases []struct {
		Name, Evidence, Want string
		Register             []string
	}
	text, err := os.ReadFile("match/testdata/outcomes.json")
	must(t, err)
	must(t, json.Unmarshal(text, &cases))
	if len(cases) < 50 {
		t.Errorf("there are %d cases, not fifty", len(cases))
	}
	prior := match.Prior(100_000)
	model, err := prior.Encode()
	must(t, err)
	counted, refused := map[match.Kind]int{}, 0
	for n, c := range cases {
		id := ident.Register(fmt.Sprintf("case-%d", n))
		h.open(id)
		// As in a register of a whole county, of which these are some.
		_, err := h.admin.ExecContext(t.Context(), "insert into registrar.models (register_id, version, at, entries, model) values ($1, $2, now(), 100000, $3)", id, prior.Version, string(model))
		must(t, err)
		entries := map[registrar.Entry]int{}
		for place, line := range c.Register {
			r, err := h.registrar.Register(t.Context(), keeper, id, itemsOf(line))
			if err != nil { // of two with one number, REG-10 has the second refused
				t.Logf("%s: %v", c.Name, err)
				continue
			}
			entries[r.Entry] = place
		}
		evidence := itemsOf(c.Evidence)
		r, err := h.registrar.Recognise(t.Context(), keeper, id, why, evidence)
		if len(evidence) == 0 { // the service does not even compare
			wantKind(t, err, fault.Invalid)
			refused++
			continue
		}
		must(t, err)
		got := string(r.Outcome)
		if r.Outcome == match.Determined {
			got = fmt.Sprintf("%s %d", got, entries[r.Entry])
		} else if r.Entry != "" || r.Statement != "" || r.Confidence != match.NoConfidence {
			t.Errorf("%s: %s names somebody", c.Name, got)
		}
		if got != c.Want {
			t.Errorf("%s: %s, want %s", c.Name, got, c.Want)
		}
		counted[r.Outcome]++
		t.Logf("%-16s %s", r.Outcome, c.Name)
	}
	if n := h.count("select count(*) from registrar.recognitions"); n != len(cases)-refused || refused > 1 || len(counted) != 3 {
		t.Errorf("%d recognitions are on record of %d, %d refused: %v", n, len(cases), refused, counted)
	}
}
