package main

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

// E2E-08, AUT-09 (the hub's side): two agencies that never speak to each other
// hand the references of their pairings to one registrar, which signs with the
// key of a file of its own that both are of one person; on that one of them
// correlates, each finds the other, and `fame verify` finds nothing broken.
func TestE2E08ARegistrarsStatementJoinsWhatTwoAgenciesHold(t *testing.T) {
	w := newTown(t, cluster(t), "stated")
	const key = seal.KeyID("sign/registrar/1")
	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "registrar.keys"), filepath.Join(dir, "identity"))
	if err == nil {
		_, _, err = keys.Ensure(t.Context(), key, seal.KindSign)
	}
	if err != nil {
		t.Fatal(err)
	}
	set, err := attest.PublicKeys(t.Context(), keys, key)
	if err != nil {
		t.Fatal(err)
	}
	jwks, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	js, _, err := partnership.FromYAML(w.document)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	var public struct{ Keys []any }
	if err := json.Unmarshal(js, &document); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(jwks, &public); err != nil {
		t.Fatal(err)
	}
	document["registrars"] = []any{map[string]any{"code": "county-register", "title": "The county's register", "agency": "riverside-social-care", "keys": public.Keys}}
	for _, a := range document["agreements"].([]any) {
		if a := a.(map[string]any); a["code"] == "riverside-children" {
			a["statement_level"] = "high"
		}
	}
	listed, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	w.apply(t, "gov-ellis", listed)

	who := w.known("Owen Marsh", map[ident.Column]string{"gp-riverside": "GP-62801", "social-care": "LMN-62801"})
	w.relate(t, who)
	decision := map[string]any{
		"agreement": "riverside-children", "purposes": []string{"co-ordinate-care"}, "aspects": []string{"relationship"},
		"audience": map[string]any{"partnership": true}, "proportionality": map[string]any{"necessary": true, "safeguards": true, "aim": "protect-health"},
		"power": "children-act-2004-s10", "ground": "significant-harm", "reason": "risk-of-harm",
		"conditions": map[string]any{"ordinary": "art6-public-task"}, "until": time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339),
	}
	var gp, social struct{ Code, Reference string }
	w.done(t, "dr-brandt", http.MethodPost, "/pairings", map[string]any{"column": "gp-riverside", "identifier": "GP-62801", "decision": decision}, &gp)
	w.done(t, "mr-lindqvist", http.MethodPost, "/pairings", map[string]any{"column": "social-care", "identifier": "LMN-62801", "decision": decision}, &social)
	now := time.Now()
	statement, err := attest.NewSigner(keys, key, "county-register").SignCommonClient(t.Context(), attest.CommonClient{
		Audience:   document["partnership"].(map[string]any)["hub"].(string) + "/relmgr",
		References: [2]string{gp.Reference, social.Reference}, Level: "high", Types: []string{"biometric", "demographic"},
		IssuedAt: now, Expires: now.Add(5 * time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	body := map[string]any{"column": "social-care", "identifier": "LMN-62801", "mode": "imposed", "reason": "same-person-found", "decision": decision}
	correlate := func(member, value string) answer {
		delete(body, "pairing")
		body[member] = value
		return w.send(t, "mr-lindqvist", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/correlations", body)
	}
	correlate("pairing", gp.Code).problem(t, http.StatusForbidden) // the agreement asks for a statement
	if a := correlate("statement", statement); a.status != http.StatusAccepted {
		t.Fatalf("%d %s", a.status, a.body)
	}
	told, _ := w.ask(t, "mr-lindqvist", "social-care", "LMN-62801", "")
	wantTold(t, told, "riverside-surgery")
	told, _ = w.ask(t, "dr-patel", "gp-riverside", "GP-62801", "")
	wantTold(t, told, "childrens-assessment")
	correlate("statement", statement).problem(t, http.StatusConflict)
	w.verifies(t)
}
