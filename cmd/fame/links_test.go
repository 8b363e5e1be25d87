package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// E2E-04 (IDM-01, IDM-02, IDM-04, IDM-07, IDM-08, IDX-10, LEG-21, LEG-28): a girl of fourteen,
// made up, is known to her school and to a clinic, on rows that nobody joins. She
// confides in her teacher, who passes one thing on to the nurse by a private link. The
// index answers as before, whoever asks; nobody else sees the link; it ends.
func TestE2E04ATeacherPassesOneThingOnAndTheIndexKnowsNothing(t *testing.T) {
	w := everyday(t)
	who := w.known("Ada Reed", map[ident.Column]string{"school-pastoral": "S620041", "clinic-bridge": "C62004X"})
	for _, column := range []ident.Column{"school-pastoral", "clinic-bridge"} {
		if a := w.send(t, desks[column].publisher, http.MethodPost, w.Relmgr.URL+"/relmgr/v1/relationships", w.relationship(t, who, column)); a.status != http.StatusCreated {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	index := func() {
		t.Helper()
		told, _ := w.ask(t, "ms-okafor", "school-pastoral", "S620041", "")
		wantTold(t, told)
		told, _ = w.ask(t, "nurse-tran", "clinic-bridge", "C62004X", "")
		wantTold(t, told)
	}
	index() // (a)

	send := func(name, path string, body map[string]any, status int, into any) {
		t.Helper()
		a := w.send(t, name, http.MethodPost, w.Idmgr.URL+"/idmgr/v1"+path, body)
		if a.status != status {
			t.Fatalf("%s: POST %s: %d %s", name, path, a.status, a.body)
		}
		for _, secret := range []string{"S620041", "C62004X"} {
			if bytes.Contains(a.body, []byte(secret)) {
				t.Errorf("%s is told an identifier: %s", name, a.body)
			}
		}
		if into != nil {
			if err := json.Unmarshal(a.body, into); err != nil {
				t.Fatal(err)
			}
		}
	}
	proof := func(name, column, identifier string) string {
		t.Helper()
		a := w.send(t, name, http.MethodPost, w.Relmgr.URL+"/relmgr/v1/handles", map[string]any{"column": column, "identifier": identifier})
		var h struct{ Proofs struct{ Idmgr string } }
		if err := json.Unmarshal(a.body, &h); err != nil || a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return h.Proofs.Idmgr
	}
	pupil, patient := proof("ms-okafor", "school-pastoral", "S620041"), proof("nurse-tran", "clinic-bridge", "C62004X")
	opening := func(until time.Time) map[string]any {
		return map[string]any{
			"proof": pupil, "to": "clinic-bridge", "contact": "desk", "purpose": "co-ordinate-care", "aspects": []string{"relationship"},
			"until":  until.UTC().Format(time.RFC3339Nano),
			"agreed": map[string]any{"evidence": "spoken-and-noted", "wording": "told-what-is-passed-on", "competent": true},
			"decision": map[string]any{
				"agreement": "riverside-children", "power": "education-act-2002-s175", "ground": "explicit-consent", "concerning": "child", "welfare": true,
				"proportionality": map[string]any{"necessary": true, "safeguards": true, "aim": "protect-health"},
				"conditions":      map[string]any{"ordinary": "art6-public-task"},
			},
		}
	}
	without := opening(time.Now().Add(time.Hour))
	delete(without, "agreed")
	send("ms-okafor", "/links", without, http.StatusUnprocessableEntity, nil)

	link := func(until time.Time) map[string]any {
		t.Helper()
		var opened struct{ Link, Code string }
		send("ms-okafor", "/links", opening(until), http.StatusCreated, &opened)
		send("nurse-tran", "/acceptances", map[string]any{"proof": patient, "code": opened.Code, "reason": "working-with-person"}, http.StatusCreated, nil)
		return map[string]any{"link": opened.Link, "proof": patient, "purpose": "co-ordinate-care", "reason": "working-with-person"}
	}
	asking := link(time.Now().Add(time.Hour))
	var told struct {
		With struct {
			Agency  string
			Contact struct{ Value string }
		}
		Aspects []string
	}
	send("nurse-tran", "/enquiries", asking, http.StatusOK, &told) // (b)
	if told.With.Agency != "Hillside School" || told.With.Contact.Value != "01632 960103" || len(told.Aspects) != 1 {
		t.Errorf("the nurse is told %+v", told)
	}
	index()
	for _, name := range []string{"dr-patel", "mr-lindqvist"} { // from every other seat it is not there
		a := w.send(t, name, http.MethodGet, w.Idmgr.URL+"/idmgr/v1/links?column=school-pastoral", nil)
		a.problem(t, http.StatusForbidden)
		send(name, "/links/"+asking["link"].(string)+"/end", map[string]any{"reason": "work-ended"}, http.StatusNotFound, nil)
	}

	other := maps.Clone(asking)
	other["purpose"] = "safeguarding"
	send("nurse-tran", "/enquiries", other, http.StatusForbidden, nil)
	send("ms-okafor", "/links/"+asking["link"].(string)+"/end", map[string]any{"reason": "work-ended"}, http.StatusCreated, nil) // (c)
	send("nurse-tran", "/enquiries", asking, http.StatusNotFound, nil)
	end := time.Now().Add(3 * time.Second)
	short := link(end)
	for time.Now().Before(end) {
		time.Sleep(100 * time.Millisecond)
	}
	send("nurse-tran", "/enquiries", short, http.StatusNotFound, nil)
	index()
	w.verifies(t)
}
