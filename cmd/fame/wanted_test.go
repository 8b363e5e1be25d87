package main

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"

	"github.com/fame-hub/fame/internal/ident"
)

// PUB-10: a proposal that lacks nothing but a consent starts a request for it.
// Whatever dies between the two duties, and however many look at once, it is
// one request; when it is given, its maker completes what waited for it.
func TestAProposalThatLacksAConsentAsksForIt(t *testing.T) {
	w := fragile(t)
	who := w.known("Vera Lund", map[ident.Column]string{"gp-riverside": "GP-61010"})
	body := w.relationship(t, who, "gp-riverside")
	decision := body["decision"].(map[string]any)
	delete(decision, "consents")
	publish := func() answer {
		t.Helper()
		return w.send(t, "dr-patel", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/relationships", body)
	}
	refused := func() string {
		t.Helper()
		a := publish()
		p := a.problem(t, http.StatusForbidden)
		var asks struct {
			Request string `json:"consent_request"`
		}
		if err := json.Unmarshal(a.body, &asks); err != nil || p.Step != 3 {
			t.Fatalf("%s", a.body)
		}
		return asks.Request
	}
	request := refused()
	if request == "" || refused() != request {
		t.Fatalf("the same asked twice is not one request: %q", request)
	}
	w.Relmgr.Kill(t)
	w.Consent.Kill(t)
	w.Consent.Start(t)

	listed := func() (n int) {
		t.Helper()
		a := w.send(t, "dr-patel", http.MethodGet, w.Consent.URL+"/consent/v1/requests?column=gp-riverside&limit=100", nil)
		var open struct{ Requests []struct{ Request string } }
		if err := json.Unmarshal(a.body, &open); err != nil || a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
		for _, r := range open.Requests {
			if r.Request == request {
				n++
			}
		}
		return n
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if n := listed(); n != 1 {
				t.Errorf("the request is listed %d times", n)
			}
		})
	}
	wg.Wait()
	var acts int
	if err := w.Admin(t).QueryRowContext(t.Context(), `select count(*) from consent.acts a join consent.requests r using (act_id) where r.request_id = $1 and a.practitioner_id = 'dr-patel'`, request).Scan(&acts); err != nil || acts != 1 {
		t.Errorf("%d acts of the one who proposed, %v", acts, err)
	}
	w.send(t, "mr-lindqvist", http.MethodPost, w.Consent.URL+"/consent/v1/requests/"+request+"/answer", map[string]any{
		"answer": "refused", "evidence": "signed-form"}).problem(t, http.StatusNotFound)
	a := w.send(t, "dr-patel", http.MethodPost, w.Consent.URL+"/consent/v1/requests/"+request+"/answer", map[string]any{
		"answer": "given", "evidence": "signed-form", "wording": "leaflet-3"})
	var got struct{ Consent string }
	if err := json.Unmarshal(a.body, &got); err != nil || got.Consent == "" {
		t.Fatalf("answer: %d %s", a.status, a.body)
	}
	w.Relmgr.Start(t)
	decision["consents"] = []string{got.Consent}
	if a := publish(); a.status != http.StatusCreated {
		t.Fatalf("with the consent: %d %s", a.status, a.body)
	}

	// What lacks more than a consent asks for nothing.
	body["identifier"] = "GP-61011"
	delete(decision, "consents")
	decision["conditions"] = map[string]any{"ordinary": "no-such-condition"}
	if request := refused(); request != "" {
		t.Error("what lacks more than a consent has one asked for")
	}
}
