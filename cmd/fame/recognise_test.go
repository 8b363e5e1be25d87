package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
)

// FED-30, REG-22: registers of two registrars, each its own process with its own keys, are
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
	w.noNumberInCommon(t, health.URL)
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

// noNumberInCommon has one person entered in the registers of both registrars, and found
// in the index by either's word (REG-22, REG-25): what they call the person differs, for one
// agency and for two; the one's word finds nothing that only the other's was attached to; and
// nothing that either says of them is said by the other.
func (w *town) noNumberInCommon(t *testing.T, health string) {
	t.Helper()
	w.secret("what somebody in two registers is known by", "Tolliver", "FFTolliver")
	registers := []string{w.Registrar.URL + "/registrar/v1/registers/people", health + "/registrar/v1/registers/patients"}
	tell := func(who, url string, body map[string]any) (out map[string]any) {
		t.Helper()
		a := w.send(t, who, http.MethodPost, url, body)
		if err := json.Unmarshal(a.body, &out); err != nil || a.status >= 300 {
			t.Fatalf("%s %s: %d %s", who, url, a.status, a.body)
		}
		return out
	}
	said := map[string]string{} // by whom to whom
	recognised := func(who string, n int) string {
		t.Helper()
		r := tell(who, registers[n]+"/recognitions", map[string]any{"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": people("Tolliver", "1972-02-02")})
		if r["outcome"] != "determined" {
			t.Fatalf("%s is answered %v", who, r["outcome"])
		}
		subject := r["subject"].(string)
		from := fmt.Sprint(who, " by register ", n)
		for other, s := range said {
			if s == subject && other != from {
				t.Errorf("%s and %s have one number for a person", from, other)
			}
		}
		said[from] = subject
		return r["recognition"].(string)
	}
	knows := func(n int) bool {
		t.Helper()
		var answer struct{ Published bool }
		w.done(t, "dr-patel", http.MethodPost, "/enquiries", map[string]any{"column": "gp-riverside", "recognition": recognised("dr-patel", n),
			"purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "adult"}, &answer)
		return answer.Published
	}
	for n := range registers {
		items := people("Tolliver", "1972-02-02")
		for _, i := range items {
			i["source"] = "person"
		}
		tell("ms-abara", registers[n]+"/subjects", map[string]any{"items": items})
		recognised("mr-lindqvist", n)
	}
	const number = "GP-22022"
	if _, err := w.storyteller().publish(t.Context(), imposed(map[ident.Column]string{"gp-riverside": number}), offering["gp-riverside"]); err != nil {
		t.Fatal(err)
	}
	for n, want := range [][2]bool{{false, false}, {true, false}, {true, true}} {
		for by := range registers {
			if got := knows(by); got != want[by] {
				t.Errorf("attached by %d of the registrars, the word of registrar %d finds the person: %v, want %v", n, by, got, want[by])
			}
		}
		if n < len(registers) {
			var attached recorded
			w.done(t, "dr-patel", http.MethodPost, "/anchors", map[string]any{
				"column": "gp-riverside", "identifier": number, "recognition": recognised("dr-patel", n), "reason": "same-person-found"}, &attached)
		}
	}
}

func people(family, birth string) []map[string]any {
	return []map[string]any{
		{"name": map[string]any{"given": "Philippa", "family": family}}, {"birth": map[string]any{"date": birth}},
		{"identifier": map[string]any{"scheme": "passport", "value": "FF" + family}},
	}
}
