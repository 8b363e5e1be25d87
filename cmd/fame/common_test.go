package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// E2E-07 and E2E-08, QRY-07, AUT-09, REG-25, IDX-02, as processes: two agencies have
// one person recognised at the town's registrar. Without a right they are refused, on
// record; with one they are told yes, on what right, and no more; and what that
// registrar states lets one of them correlate, which takes an act. Each keeps its own
// identifier, and the registrar is told neither.
func TestE2E07And08TwoAgenciesAskWhetherTheyHaveACommonClient(t *testing.T) {
	w := newTown(t, cluster(t), "common")
	evidence := func(family string) []map[string]any {
		return []map[string]any{
			{"name": map[string]any{"given": "Philippa", "family": family}}, {"birth": map[string]any{"date": "1988-02-11"}},
			{"identifier": map[string]any{"scheme": "passport", "value": "CC" + family}},
		}
	}
	w.register(t, "people", false, evidence("Quillfeather"), evidence("Quillfeather"))
	w.secret("what somebody in a register is known by", "Quillfeather", "CCQuillfeather")
	other := evidence("Underbough")
	for _, i := range other {
		i["source"] = "person"
	}
	w.tellRegistrar(t, "ms-abara", "/registers/people/subjects", map[string]any{"items": other})

	who := w.known("Philippa Quillfeather", map[ident.Column]string{"gp-riverside": "GP-62808", "social-care": "LMN-62808"})
	w.relate(t, who)
	recognised := func(as, family string) any {
		t.Helper()
		got := w.tellRegistrar(t, as, "/registers/people/recognitions", map[string]any{
			"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": evidence(family)})
		if got["outcome"] != "determined" {
			t.Fatalf("%v", got)
		}
		return got["id"]
	}
	decision := map[string]any{
		"agreement": "riverside-children", "purposes": []string{"co-ordinate-care"}, "aspects": []string{"relationship"},
		"audience": map[string]any{"partnership": true}, "proportionality": map[string]any{"necessary": true, "safeguards": true, "aim": "protect-health"},
		"power": "children-act-2004-s10", "ground": "significant-harm", "reason": "risk-of-harm",
		"conditions": map[string]any{"ordinary": "art6-public-task"}, "until": time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339),
	}
	side := func(column string, recognition any, more map[string]any) map[string]any {
		q := map[string]any{"column": column, "recognition": recognition, "purpose": "co-ordinate-care", "reason": "working-with-person", "case": "2026/0412"}
		maps.Copy(q, more)
		return q
	}
	together := func(family string, gp, social map[string]any) (answer, map[string]any) {
		t.Helper()
		asked := w.tellRegistrar(t, "dr-patel", "/common-clients", side("gp-riverside", recognised("dr-patel", "Quillfeather"), gp))
		q := side("social-care", recognised("mr-lindqvist", family), social)
		q["code"] = asked["code"]
		return w.send(t, "mr-lindqvist", http.MethodPost, w.Registrar.URL+"/registrar/v1/common-clients/answers", q), asked
	}
	outcome := func(asked map[string]any) string {
		t.Helper()
		return string(w.send(t, "dr-patel", http.MethodGet, w.Registrar.URL+"/registrar/v1/common-clients/"+asked["act"].(string), nil).body)
	}

	// No agreement has both as parties. Whoever it is, the answer is the same.
	w.change(t, func(doc map[string]any) {
		all := doc["agreements"].([]any)
		own := maps.Clone(all[0].(map[string]any))
		own["code"], own["parties"] = "surgery-and-school", []any{"riverside-gp", "hillside-school"}
		for _, a := range all {
			a := a.(map[string]any)
			a["parties"] = slices.DeleteFunc(slices.Clone(a["parties"].([]any)), func(p any) bool { return p == "riverside-gp" })
		}
		doc["agreements"] = append(all, own)
	})
	for _, family := range []string{"Quillfeather", "Underbough"} {
		a, asked := together(family, nil, nil)
		a.problem(t, http.StatusForbidden)
		if got := outcome(asked); got != `{"answer":"waiting"}` {
			t.Errorf("whoever asked is told %s", got)
		}
	}

	// The right obtained: yes with the right, no with nothing.
	w.apply(t, "gov-ellis", w.document)
	if a, asked := together("Underbough", nil, nil); a.status != http.StatusOK || outcome(asked) != `{"answer":"no"}` {
		t.Errorf("of two people: %d %s; whoever asked: %s", a.status, a.body, outcome(asked))
	}
	var gp, social struct{ Reference string }
	w.done(t, "dr-brandt", http.MethodPost, "/pairings", map[string]any{"column": "gp-riverside", "identifier": "GP-62808", "decision": decision}, &gp)
	w.done(t, "mr-lindqvist", http.MethodPost, "/pairings", map[string]any{"column": "social-care", "identifier": "LMN-62808", "decision": decision}, &social)
	a, asked := together("Quillfeather", map[string]any{"reference": gp.Reference}, map[string]any{"reference": social.Reference})
	var said struct {
		Answer, Statement string
		Right             struct {
			Agreement string
			Powers    []string
			Aspects   []string
		}
	}
	if err := json.Unmarshal(a.body, &said); err != nil || said.Answer != "yes" || said.Right.Agreement != "riverside-children" || len(said.Right.Powers) != 2 || len(said.Right.Aspects) == 0 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if got := outcome(asked); got == string(a.body) {
		t.Error("whoever asked is given the statement too")
	}
	told, _ := w.ask(t, "mr-lindqvist", "social-care", "LMN-62808", "")
	wantTold(t, told) // an answer correlates nobody
	body := map[string]any{"column": "social-care", "identifier": "LMN-62808", "mode": "imposed", "reason": "same-person-found", "decision": decision, "statement": said.Statement}
	if a := w.send(t, "mr-lindqvist", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/correlations", body); a.status != http.StatusAccepted {
		t.Fatalf("%d %s", a.status, a.body)
	}
	told, _ = w.ask(t, "mr-lindqvist", "social-care", "LMN-62808", "")
	wantTold(t, told, "riverside-surgery")
	w.verifies(t)
}
