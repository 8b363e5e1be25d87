package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// tellRegistrar posts to the town's registrar as somebody, and returns what comes back.
func (w *town) tellRegistrar(t *testing.T, as, path string, body map[string]any) map[string]any {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.Registrar.URL+"/registrar/v1"+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.token(t, as))
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(said, &out); err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s", as, path, resp.StatusCode, said)
	}
	return out
}

// secret keeps what somebody is known by among what must not be found.
func (w *town) secret(what string, values ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range values {
		w.secrets[v] = what
	}
}

// register has the town's registrar enter people and recognise one of them.
func (w *town) register(t *testing.T, code string, selfRegistered bool, items, evidence []map[string]any) map[string]any {
	t.Helper()
	w.apply(t, "gov-ellis", w.document) // with the hub's own registrar
	w.tellRegistrar(t, "ms-abara", "/registers", map[string]any{
		"register": code, "title": "People", "contact": "desk", "scope": "All", "self_registered": selfRegistered,
	})
	for _, i := range items {
		i["source"] = "person"
	}
	w.tellRegistrar(t, "ms-abara", "/registers/"+code+"/subjects", map[string]any{"items": items})
	return w.tellRegistrar(t, "mr-lindqvist", "/registers/"+code+"/recognitions", map[string]any{
		"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": evidence,
	})
}

// E2E-10, the registrar's part (REG-11, REG-12, REG-18): a night shelter's own list, and
// a person with one name, no number and a year of birth; the list says what it is, and
// asks for no more.
func TestE2E10AShelterKeepsItsOwnListOfPeopleWithoutPapers(t *testing.T) {
	w := everyday(t)
	one := map[string]any{"name": map[string]any{"whole": "Quirinius"}}
	w.secret("the name of a person without papers", "Quirinius", "quirinius")
	got := w.register(t, "shelter-list", true, []map[string]any{one, {"birth": map[string]any{"date": "1971", "within": 2}}},
		[]map[string]any{{"name": map[string]any{"whole": "Quirinius"}}})
	if got["self_registered"] != true || got["outcome"] != "under-determined" || got["confidence"] != "none" || got["subject"] != nil {
		t.Errorf("one name is answered %v", got)
	}
	if helps := fmt.Sprint(got["helps"]); helps == "[]" {
		t.Error("nothing is said of what would help")
	}
}

// E2E-27, the registrar's part: people are entered and recognised, and what they are
// known by joins what the last test of the town looks for.
func TestE2E27ARegistersPeopleAreAmongWhatIsLookedFor(t *testing.T) {
	w := everyday(t)
	items := func() []map[string]any {
		return []map[string]any{
			{"name": map[string]any{"given": "Thessalonike", "family": "Brandywine-Quux"}}, {"birth": map[string]any{"date": "1961-07-23", "place": "Unterammergau"}},
			{"address": map[string]any{"house": "7391", "lines": "Zwetschgenweg", "postcode": "ZZ73 9ZZ"}}, {"phone": "01632 739173"},
			{"email": "thessalonike@mail.example"}, {"identifier": map[string]any{"scheme": "passport", "value": "ZQ7391739"}},
		}
	}
	w.secret("what somebody in a register is known by", "Thessalonike", "thessalonike", "Brandywine", "brandywine", "1961-07-23", "Unterammergau",
		"Zwetschgenweg", "zwetschgenweg", "ZZ73 9ZZ", "01632 739173", "632739173", "thessalonike@mail.example", "ZQ7391739", "zq7391739")
	got := w.register(t, "people", false, items(), items())
	if got["outcome"] != "determined" || got["confidence"] != "high" || got["subject"] == nil {
		t.Errorf("the same evidence is answered %v", got)
	}
}
