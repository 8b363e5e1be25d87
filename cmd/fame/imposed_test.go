package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// done sends what must succeed and decodes the answer into out.
func (w *town) done(t *testing.T, who, method, path string, body, out any) {
	t.Helper()
	a := w.send(t, who, method, w.Relmgr.URL+"/relmgr/v1"+path, body)
	if a.status >= 300 {
		t.Fatalf("%s: %s %s: %d %s", who, method, path, a.status, a.body)
	}
	if err := json.Unmarshal(a.body, out); err != nil {
		t.Fatal(err)
	}
}

type recorded struct{ Act string }

// E2E-26 (ACT-06, SUB-02), without appeals: a correlation is imposed under a
// power, which takes the higher role; the subject is to be told unless a risk is
// recorded; they object, somebody else of the higher role rules, and the ruling
// is recorded and ends what was imposed.
func TestE2E26AnImposedActIsToldObjectedToAndRuledOn(t *testing.T) {
	w := everyday(t)
	who := w.known("Iris Moor", map[ident.Column]string{"gp-riverside": "GP-62601", "social-care": "LMN-62601"})
	w.relate(t, who)
	decision := map[string]any{
		"agreement": "riverside-children", "purposes": []string{"co-ordinate-care"}, "aspects": []string{"relationship"},
		"audience": map[string]any{"partnership": true}, "proportionality": map[string]any{"necessary": true, "safeguards": true, "aim": "protect-health"},
		"power": "children-act-2004-s10", "ground": "significant-harm", "reason": "risk-of-harm",
		"conditions": map[string]any{"ordinary": "art6-public-task"}, "until": time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339),
	}
	impose := func(manager string, notTold any) answer {
		var code struct{ Code string }
		w.done(t, "dr-brandt", http.MethodPost, "/pairings", map[string]any{"column": "gp-riverside", "identifier": "GP-62601", "decision": decision}, &code)
		body := map[string]any{
			"column": "social-care", "identifier": "LMN-62601", "pairing": code.Code, "mode": "imposed", "reason": "same-person-found", "decision": decision,
		}
		if notTold != nil {
			body["not_told"] = notTold
		}
		return w.send(t, manager, http.MethodPost, w.Relmgr.URL+"/relmgr/v1/correlations", body)
	}
	impose("dr-patel", nil).problem(t, http.StatusForbidden) // no member of the column, and no higher role
	soon := time.Now().Add(20 * 24 * time.Hour).UTC().Format(time.RFC3339)
	a := impose("mr-lindqvist", map[string]any{"risk": "risk-to-somebody-else", "review_by": soon})
	var imposed recorded
	if err := json.Unmarshal(a.body, &imposed); err != nil || a.status != http.StatusAccepted {
		t.Fatalf("impose: %d %s", a.status, a.body)
	}
	told, _ := w.ask(t, "mr-lindqvist", "social-care", "LMN-62601", "")
	wantTold(t, told, "riverside-surgery")

	toTell := func() (n int) {
		t.Helper()
		if err := w.Admin(t).QueryRowContext(t.Context(), `select count(*) from relmgr.to_tell x
			join relmgr.act_references r on r.act_id = x.act_id where r.reference_id = $1`, imposed.Act).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	var kept struct {
		Acts []struct{ Act, Risk, Practitioner string }
	}
	w.done(t, "ms-novak", http.MethodGet, "/tellings?purpose=safeguarding&reason=risk-of-harm&limit=100", nil, &kept)
	if !slices.ContainsFunc(kept.Acts, func(x struct{ Act, Risk, Practitioner string }) bool {
		return x.Act == imposed.Act && x.Risk == "risk-to-somebody-else" && x.Practitioner == "mr-lindqvist"
	}) || toTell() != 0 {
		t.Errorf("with a risk on record, kept from the subject: %+v, to tell: %d", kept, toTell())
	}
	telling := "/acts/" + imposed.Act + "/telling"
	w.send(t, "mr-lindqvist", http.MethodPost, w.Relmgr.URL+"/relmgr/v1"+telling, map[string]any{
		"reason": "risk-of-harm", "not_told": map[string]any{"risk": "risk-to-somebody-else", "review_by": soon}}).problem(t, http.StatusForbidden)
	var ignored recorded
	w.done(t, "ms-novak", http.MethodPost, telling, map[string]any{"reason": "work-ended"}, &ignored)
	if toTell() != 1 {
		t.Error("the risk is gone, and the subject is not to be told")
	}

	var objection recorded
	w.done(t, "mr-lindqvist", http.MethodPost, "/acts/"+imposed.Act+"/objections", map[string]any{"reason": "subject-asked", "evidence": "spoken-and-noted"}, &objection)
	var open struct {
		Objections []struct{ Objection, Imposed string }
	}
	w.done(t, "ms-novak", http.MethodGet, "/objections?purpose=safeguarding&reason=risk-of-harm&limit=100", nil, &open)
	if !slices.ContainsFunc(open.Objections, func(o struct{ Objection, Imposed string }) bool {
		return o.Objection == objection.Act && o.Imposed == imposed.Act
	}) {
		t.Fatalf("no review is open: %+v", open)
	}
	ruling := "/objections/" + objection.Act + "/ruling"
	w.send(t, "mr-lindqvist", http.MethodPost, w.Relmgr.URL+"/relmgr/v1"+ruling, map[string]any{"outcome": "dismissed", "reason": "risk-of-harm"}).problem(t, http.StatusForbidden)
	var ruled recorded
	w.done(t, "ms-novak", http.MethodPost, ruling, map[string]any{"outcome": "upheld", "reason": "subject-asked"}, &ruled)
	told, _ = w.ask(t, "mr-lindqvist", "social-care", "LMN-62601", "")
	wantTold(t, told)
	var shown struct {
		Kind, Practitioner string
		Undoes             []string
	}
	w.done(t, "mr-lindqvist", http.MethodGet, "/acts/"+ruled.Act+"?purpose=co-ordinate-care&reason=working-with-person", nil, &shown)
	if shown.Kind != "rule" || shown.Practitioner != "ms-novak" || !slices.Contains(shown.Undoes, imposed.Act) {
		t.Errorf("the adjudication is recorded as %+v", shown)
	}
}

// E2E-12 (COL-08), as far as a column closes: the partnership closes it while
// others ask; from then on it is as if nobody were there, and others go on; its
// agency takes its data back and has it destroyed, which is certified; the
// history stays, and it may open again.
func TestE2E12AColumnClosesAndItsDataGoesBack(t *testing.T) {
	w := newTown(t, cluster(t), "closing").explained(t)
	who := w.known("Otto Brill", map[ident.Column]string{"school-pastoral": "S061201", "gp-riverside": "GP-61201", "social-care": "LMN-61201"})
	who.Correlates = [][2]ident.Column{{"school-pastoral", "social-care"}, {"gp-riverside", "social-care"}}
	w.relate(t, who)
	told, _ := w.ask(t, "mr-lindqvist", "social-care", "LMN-61201", "")
	wantTold(t, told, "school-pastoral-lead", "riverside-surgery")
	w.change(t, func(doc map[string]any) {
		withCode(list(doc, "columns"), "school-pastoral")["closes"] = time.Now().Add(-time.Second).UTC().Format(time.RFC3339)
	})
	told, _ = w.ask(t, "mr-lindqvist", "social-care", "LMN-61201", "")
	wantTold(t, told, "riverside-surgery")
	w.send(t, "ms-okafor", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/enquiries", enquiry("school-pastoral", "S061201", "")).problem(t, http.StatusForbidden)

	reason := map[string]any{"reason": "work-ended"}
	w.send(t, "mr-lindqvist", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/columns/school-pastoral/export", reason).problem(t, http.StatusForbidden)
	w.send(t, "mrs-hale", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/columns/school-pastoral/destruction", reason).problem(t, http.StatusConflict)
	var back struct {
		Held []struct {
			Identifier string
			Published  bool
		}
	}
	w.done(t, "mrs-hale", http.MethodPost, "/columns/school-pastoral/export", reason, &back)
	if len(back.Held) != 1 || back.Held[0].Identifier != "S061201" || !back.Held[0].Published {
		t.Errorf("returned: %+v", back)
	}
	var cert struct {
		Act                    string
		Handles, Relationships int
	}
	w.done(t, "mrs-hale", http.MethodPost, "/columns/school-pastoral/destruction", reason, &cert)
	if cert.Handles != 1 || cert.Relationships != 1 || cert.Act == "" {
		t.Errorf("certified: %+v", cert)
	}
	if dump := string(w.Postgres.Dump(t, w.Hub.Name)); strings.Contains(dump, "S061201") {
		t.Error("the identifier is in the dump")
	}
	w.apply(t, "gov-ellis", w.document)
	a, _ := w.ask(t, "ms-okafor", "school-pastoral", "S061201", "")
	if a.Published || len(a.Providers) > 0 {
		t.Errorf("readmitted, the column still knows %+v", a)
	}
	told, _ = w.ask(t, "mr-lindqvist", "social-care", "LMN-61201", "")
	wantTold(t, told, "riverside-surgery")
}
