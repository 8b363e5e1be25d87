package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/fame-hub/fame/internal/hubtest"
)

// E2E-09 (AUT-04, REG-21): an impostor is recognised as somebody, and the surgery has
// itself found by that. It reports the recognition as wrong; a keeper decides; the index
// suspends what rested on it by an act, lists it to the surgery, and the hub verifies.
func TestE2E09AnImpostorsRecognitionIsRepairedInTheIndex(t *testing.T) {
	w := everyday(t)
	items := []map[string]any{
		{"name": map[string]any{"given": "Leocadia", "family": "Quarterman"}}, {"birth": map[string]any{"date": "1949-09-30"}},
		{"identifier": map[string]any{"scheme": "passport", "value": "ZR7391740"}},
	}
	evidence := []map[string]any{{"name": items[0]["name"]}, {"birth": items[1]["birth"]}, {"identifier": items[2]["identifier"]}}
	w.secret("what an impostor pretended to", "Leocadia", "leocadia", "Quarterman", "quarterman", "1949-09-30", "ZR7391740")
	w.register(t, "repaired", false, items, evidence)
	said := w.tellRegistrar(t, "dr-patel", "/registers/repaired/recognitions", map[string]any{"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": evidence})
	if said["outcome"] != "determined" || said["recognition"] == nil {
		t.Fatalf("the impostor is answered %v", said)
	}
	var attached recorded
	w.done(t, "dr-patel", http.MethodPost, "/anchors", map[string]any{
		"column": "gp-riverside", "identifier": "GP-60909", "recognition": said["recognition"], "reason": "same-person-found"}, &attached)
	type listed struct {
		Repairs []struct{ Repair, Suspends, Kind string }
	}
	repairs := func() (l listed) {
		w.done(t, "dr-brandt", http.MethodGet, "/repairs?purpose=co-ordinate-care&reason=working-with-person", nil, &l)
		return l
	}
	if l := repairs(); len(l.Repairs) != 0 {
		t.Fatalf("before anything was wrong the surgery is shown %+v", l)
	}
	w.tellRegistrar(t, "dr-patel", "/registers/repaired/reports", map[string]any{"kind": "misdetermined", "recognition": said["id"], "reason": "not-the-same-person"})
	var tasks struct {
		Tasks []struct{ Task, Kind string }
	}
	if a := w.send(t, "ms-abara", http.MethodGet, w.Registrar.URL+"/registrar/v1/registers/repaired/tasks?reason=working-with-person", nil); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	} else if err := json.Unmarshal(a.body, &tasks); err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks.Tasks {
		if task.Kind == "misdetermined" {
			w.tellRegistrar(t, "ms-abara", "/registers/repaired/tasks/"+task.Task+"/resolutions", map[string]any{"outcome": "wrong", "reason": "not-the-same-person"})
		}
	}
	hubtest.Eventually(t, "the index has taken it up", func() error {
		l := repairs()
		if len(l.Repairs) != 1 {
			return errors.New("nothing is listed")
		}
		if l.Repairs[0].Suspends != attached.Act || l.Repairs[0].Kind != "attach-anchor" {
			return fmt.Errorf("%+v", l)
		}
		return nil
	})
	w.verifies(t)
	// It is the same person all the same: somebody withdraws the repair.
	var undone recorded
	w.done(t, "dr-patel", http.MethodPost, "/acts/"+repairs().Repairs[0].Repair+"/withdrawal", map[string]any{"reason": "same-person-found"}, &undone)
	if l := repairs(); len(l.Repairs) != 0 {
		t.Errorf("what somebody has looked at is listed: %+v", l)
	}
	w.verifies(t)
}
