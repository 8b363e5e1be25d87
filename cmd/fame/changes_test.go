package main

import (
	"net/http"
	"slices"
	"testing"

	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/ident"
)

// list is a list of the document, and set puts another in its place.
func list(doc map[string]any, name string) []any { return doc[name].([]any) }

// withCode is the member of a list with that code or id.
func withCode(all []any, code string) map[string]any {
	for _, m := range all {
		m := m.(map[string]any)
		if m["code"] == code || m["id"] == code {
			return m
		}
	}
	return nil
}

func without(all []any, drop string) []any {
	return slices.DeleteFunc(slices.Clone(all), func(v any) bool {
		m, ok := v.(map[string]any)
		return v == any(drop) || ok && (m["code"] == drop || m["id"] == drop)
	})
}

// COL-04, ACT-01, LEG-01, design.md section 5 (8): what governance changes holds from the next
// request on, at every duty, with the token that somebody already has and
// without a restart: a leaver is nobody, a purpose that is gone is answered no
// more, and a new column is used at once. The hub is a second one on the same
// cluster, and the first one's token is worth nothing there.
func TestAChangeOfThePartnershipHoldsFromTheNextRequestOn(t *testing.T) {
	w := newTown(t, cluster(t), "changing").explained(t)
	who := w.known("Noah Inge", map[ident.Column]string{"gp-riverside": "GP-60401", "social-care": "LMN-60401"})
	who.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}}
	w.relate(t, who)
	enquiries := w.Relmgr.URL + "/relmgr/v1/enquiries"

	// A leaver.
	w.ask(t, "ms-okafor", "school-pastoral", "S060401", "")
	w.change(t, func(doc map[string]any) { doc["practitioners"] = without(list(doc, "practitioners"), "ms-okafor") })
	refused := w.send(t, "ms-okafor", http.MethodPost, enquiries, enquiry("school-pastoral", "S060401", "")).problem(t, http.StatusForbidden)
	if refused.Type != "docs/problems.md#not-registered" {
		t.Errorf("the leaver is told %+v", refused)
	}
	w.send(t, "ms-okafor", http.MethodGet, w.Governance.URL+"/governance/v1/services", nil).problem(t, http.StatusForbidden)
	w.apply(t, "gov-ellis", w.document)
	w.ask(t, "ms-okafor", "school-pastoral", "S060401", "")

	// One who is ended by their agency's administrator.
	end := w.send(t, "admin-reyes", http.MethodPost, w.Governance.URL+"/governance/v1/agencies/riverside-gp/practitioners/dr-ferrari/end", nil)
	if end.status != http.StatusOK {
		t.Fatalf("end: %d %s", end.status, end.body)
	}
	w.send(t, "dr-ferrari", http.MethodPost, enquiries, enquiry("early-help", "EH-6040", "")).problem(t, http.StatusForbidden)

	// A purpose that leaves the agreement.
	told, open := w.ask(t, "mr-lindqvist", "social-care", "LMN-60401", "")
	wantTold(t, told, "riverside-surgery")
	w.change(t, func(doc map[string]any) {
		doc["practitioners"] = without(list(doc, "practitioners"), "dr-ferrari")
		for _, code := range []string{"riverside-children", "riverside-homeless"} {
			a := withCode(list(doc, "agreements"), code)
			a["purposes"] = without(a["purposes"].([]any), "co-ordinate-care")
		}
	})
	stopped := w.send(t, "mr-lindqvist", http.MethodPost, enquiries, enquiry("social-care", "LMN-60401", "")).problem(t, http.StatusForbidden)
	if stopped.Type != "docs/problems.md#decision-refused" || stopped.Step != 1 {
		t.Errorf("without the purpose the asker is told %+v", stopped)
	}
	// Only from the agreement that the surgery's decision names: the asker may
	// still ask, under another, and is told nothing.
	w.change(t, func(doc map[string]any) {
		doc["practitioners"] = without(list(doc, "practitioners"), "dr-ferrari")
		a := withCode(list(doc, "agreements"), "riverside-children")
		a["purposes"] = without(a["purposes"].([]any), "co-ordinate-care")
	})
	told, closed := w.ask(t, "mr-lindqvist", "social-care", "LMN-60401", "")
	wantTold(t, told)
	w.change(t, func(doc map[string]any) { doc["practitioners"] = without(list(doc, "practitioners"), "dr-ferrari") })
	_, again := w.ask(t, "mr-lindqvist", "social-care", "LMN-60401", "")
	wantSame(t, "answers before and after the purpose was away", open, again)
	if open.masked() == closed.masked() {
		t.Error("the purpose made no difference")
	}

	// A new column of a new provider.
	annexe := riverside.Person{Imposed: "significant-harm", Reason: "risk-of-harm", Identifiers: map[ident.Column]string{"annexe": "AX-001", "social-care": "LMN-60401"}}
	post := map[string]any{"column": "annexe", "identifier": "AX-001"}
	w.send(t, "dr-brandt", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/handles", post).problem(t, http.StatusForbidden)
	w.change(t, func(doc map[string]any) {
		people := without(list(doc, "practitioners"), "dr-ferrari")
		brandt := withCode(people, "dr-brandt")
		brandt["providers"] = append(brandt["providers"].([]any), "surgery-annexe")
		doc["practitioners"] = people
		doc["providers"] = append(list(doc, "providers"), map[string]any{"id": "surgery-annexe", "kind": "unit", "title": "The surgery's annexe", "agency": "riverside-gp"})
		doc["columns"] = append(list(doc, "columns"), map[string]any{
			"id": "annexe", "provider": "surgery-annexe", "agency": "riverside-gp", "pattern": "AX-[0-9]{3}", "example": "AX-123",
			"contacts": []any{map[string]any{"code": "desk", "kind": "telephone", "value": "01632 960199", "hours": "Any time", "confirmed": "2026-01-02"}},
		})
	})
	desks["annexe"] = desk{publisher: "dr-brandt", lead: "dr-brandt", manager: "dr-brandt", children: "children-act-2004-s10"}
	defer delete(desks, "annexe")
	s := w.storyteller()
	if _, err := s.publish(t.Context(), annexe, riverside.Publication{Column: "annexe", Role: "gp", Offers: offering["school-pastoral"].Offers}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.correlate(t.Context(), annexe, "annexe", "social-care"); err != nil {
		t.Fatal(err)
	}
	told, _ = w.ask(t, "mr-lindqvist", "social-care", "LMN-60401", "")
	wantTold(t, told, "riverside-surgery", "surgery-annexe")

	// The other hub of the cluster knows neither its people nor their tokens.
	elsewhere := everyday(t)
	theirs := elsewhere.token(t, "mr-lindqvist")
	w.tokens["a stranger"] = theirs
	w.send(t, "a stranger", http.MethodPost, enquiries, enquiry("social-care", "LMN-60401", "")).problem(t, http.StatusUnauthorized)
	a, _ := elsewhere.ask(t, "mr-lindqvist", "social-care", "LMN-60401", "")
	wantTold(t, a)
	wantWhole(t, w.Admin(t))
}
