package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/hubtest"
)

// brought is relmgr's proof for idmgr that somebody brings what their column calls a person.
func (w *town) brought(t *testing.T, who, column, number string) string {
	t.Helper()
	a := w.send(t, who, http.MethodPost, w.Relmgr.URL+"/relmgr/v1/handles", map[string]any{"column": column, "identifier": number})
	var h struct{ Proofs struct{ Idmgr string } }
	if err := json.Unmarshal(a.body, &h); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return h.Proofs.Idmgr
}

func (w *town) linkState(t *testing.T, who, column string, link any) any {
	t.Helper()
	for _, l := range w.send(t, who, http.MethodGet, w.Idmgr.URL+"/idmgr/v1/links?column="+column, nil).said(t, http.StatusOK)["links"].([]any) {
		if l := l.(map[string]any); l["link"] == link {
			return l["state"]
		}
	}
	return "none"
}

// IDM-19, IDM-20, IDM-07, PUB-12, invariant 8: a doctor of one hub passes one thing on to a social worker of another, by a
// private link that no index has; it works under both hubs' policies, and ended at one side, while the other
// hub is away, it tells nothing when that one is back, and is over at both.
func linkedAcrossHubs(t *testing.T, home, school *town) {
	const ours, theirs = "9434766031", "9434766032"
	index := func() { // no index has it
		t.Helper()
		h, _ := home.asksAll(t, "dr-patel", ours)
		wantToldBy(t, h, school)
	}
	opened := home.send(t, "dr-patel", http.MethodPost, home.Idmgr.URL+"/idmgr/v1/links", map[string]any{
		"proof": home.brought(t, "dr-patel", "gp-riverside", ours), "hub": school.made.Hub, "contact": "desk", "purpose": "co-ordinate-care", "aspects": []string{"relationship"},
		"until":  time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339),
		"agreed": map[string]any{"evidence": "spoken-and-noted", "wording": "told-what-is-passed-on", "competent": true},
		"decision": map[string]any{
			"agreement": "riverside-children", "power": "children-act-2004-s10", "ground": "explicit-consent", "concerning": "child", "welfare": true,
			"proportionality": map[string]any{"necessary": true, "safeguards": true, "aim": "protect-health"},
			"conditions":      map[string]any{"ordinary": "art6-public-task"},
		},
	}).said(t, http.StatusCreated)
	proof := func() string { return school.brought(t, "ms-novak", "social-care", theirs) }
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	took := school.send(t, "ms-novak", http.MethodPost, school.Idmgr.URL+"/idmgr/v1/acceptances", map[string]any{
		"proof": proof(), "code": opened["code"], "reason": "working-with-person", "hub": home.made.Hub, "purpose": "co-ordinate-care", "until": until.Format(time.RFC3339),
	}).said(t, http.StatusCreated)
	hubtest.Eventually(t, "the hub at which it was opened has been told", func() error {
		if got := home.linkState(t, "dr-patel", "gp-riverside", opened["link"]); got != "live" {
			return fmt.Errorf("it is %v", got)
		}
		return nil
	})
	ask := func() answer {
		return school.send(t, "ms-novak", http.MethodPost, school.Idmgr.URL+"/idmgr/v1/enquiries", map[string]any{
			"link": took["link"], "proof": proof(), "purpose": "co-ordinate-care", "reason": "working-with-person",
		})
	}
	told := ask().said(t, http.StatusOK)
	with := told["with"].(map[string]any)
	if with["agency"] != "Riverside Surgery" || with["contact"].(map[string]any)["value"] != "01632 960101" || told["until"] != until.Format(time.RFC3339) {
		t.Errorf("told %v", told)
	}
	index()

	home.Federation.Kill(t)
	home.send(t, "dr-patel", http.MethodPost, home.Idmgr.URL+"/idmgr/v1/links/"+opened["link"].(string)+"/end", map[string]any{"reason": "work-ended"}).said(t, http.StatusCreated)
	ask().problem(t, http.StatusServiceUnavailable) // nothing is kept there that could be told
	home.Federation.Start(t)
	hubtest.Eventually(t, "the other hub has heard that the link has ended", func() error {
		if got := school.linkState(t, "ms-novak", "social-care", took["link"]); got != "ended" {
			return fmt.Errorf("it is %v", got)
		}
		return nil
	})
	ask().problem(t, http.StatusNotFound)
	index()
	for _, w := range []*town{home, school} {
		w.verifies(t)
	}
}
