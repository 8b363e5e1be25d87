package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
)

// FED-30: registers of two registrars, each its own process with its own keys, are
// asked in one go; each one's part is shown, and so is it when they disagree or when
// one of them is away, which keeps nobody from the other's.
func TestRegistersOfSeveralRegistrarsAreAskedTogether(t *testing.T) {
	w := newTown(t, cluster(t), "several")
	w.register(t, "people", false, people("Featherwick", "1990-05-05"), people("Featherwick", "1990-05-05"))
	w.secret("what somebody in a register is known by", "Featherwick", "FFFeatherwick")

	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "health.keys"), filepath.Join(dir, "identity"))
	if err == nil {
		err = registrar.MakeKeys(t.Context(), keys, "health-registrar")
	}
	if err != nil {
		t.Fatal(err)
	}
	set, err := attest.PublicKeys(t.Context(), keys, registrar.SigningKey("health-registrar"))
	if err != nil {
		t.Fatal(err)
	}
	w.change(t, func(doc map[string]any) {
		var public struct{ Keys []any }
		if text, err := json.Marshal(set); err != nil || json.Unmarshal(text, &public) != nil {
			t.Fatal(err)
		}
		own := doc["registrars"].([]any)[0].(map[string]any)
		doc["registrars"] = append(doc["registrars"].([]any), map[string]any{
			"code": "health-registrar", "title": "The health register", "agency": own["agency"], "roles": own["roles"], "keys": public.Keys,
		})
	})
	config := w.Config(t, "registrar")
	config.Listen, config.Registrar = hubtest.FreePort(t), "health-registrar"
	config.Keys, config.Identity = filepath.Join(dir, "health.keys"), filepath.Join(dir, "identity")
	health := w.Another(t, "health", config)
	health.WaitReady(t)
	for path, body := range map[string]map[string]any{"/registers": {"register": "patients", "title": "Patients", "contact": "desk", "scope": "All", "self_registered": false}} {
		if a := w.send(t, "ms-abara", http.MethodPost, health.URL+"/registrar/v1"+path, body); a.status != http.StatusCreated {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	items := people("Featherwick", "1961-09-30") // the same number, and another date of birth
	for _, i := range items {
		i["source"] = "person"
	}
	if a := w.send(t, "ms-abara", http.MethodPost, health.URL+"/registrar/v1/registers/patients/subjects", map[string]any{"items": items}); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}

	ask := func(evidence []map[string]any) (c combined) {
		t.Helper()
		text, err := json.Marshal(evidence)
		if err != nil {
			t.Fatal(err)
		}
		o := hubtest.Fame(t, string(text), "--json", "recognise", "--url", w.Registrar.URL, "--token", w.token(t, "mr-lindqvist"), "--purpose", "co-ordinate-care",
			"--reason", "working-with-person", "--register", "people", "--register", health.URL+"/registrar/v1/registers/patients")
		if o.Code != 0 || json.Unmarshal([]byte(o.Stdout), &c) != nil || len(c.Parts) != 2 {
			t.Fatalf("%d %s %s", o.Code, o.Stdout, o.Stderr)
		}
		return c
	}
	outcomes := func(c combined) (all [2]string) {
		for n, p := range c.Parts {
			if all[n] = p.Failed; p.Found != nil {
				all[n] = string(p.Found.Outcome)
			}
		}
		return all
	}
	c := ask(people("Featherwick", "1990-05-05"))
	if got := outcomes(c); c.Outcome != theyDisagree || !c.Complete || got != [2]string{"determined", "over-determined"} {
		t.Errorf("they say %v, which comes to %s", got, c.Outcome)
	}
	if !c.Parts[0].Found.Recognition.Set || c.Parts[1].Found.Recognition.Set {
		t.Error("what can be carried to the index is not the one's who finds somebody alone")
	}
	c = ask([]map[string]any{{"name": map[string]any{"given": "Philippa"}}})
	if got := outcomes(c); c.Outcome != nobodySays || got != [2]string{"under-determined", "under-determined"} {
		t.Errorf("of little: they say %v, which comes to %s", got, c.Outcome)
	}
	health.Stop(t)
	c = ask(people("Featherwick", "1990-05-05"))
	if c.Outcome != allDetermined || c.Complete || c.Parts[1].Failed == "" {
		t.Errorf("with one of them away: %+v", c)
	}
}

func people(family, birth string) []map[string]any {
	return []map[string]any{
		{"name": map[string]any{"given": "Philippa", "family": family}}, {"birth": map[string]any{"date": birth}},
		{"identifier": map[string]any{"scheme": "passport", "value": "FF" + family}},
	}
}
