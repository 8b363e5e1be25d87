package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// parties are two identity managers of one hub, and those who turn to them.
type parties struct {
	*town
	own     *hubtest.Process // the person's own
	service *hubtest.Process
}

// post sends to a manager, and decodes what must succeed.
func (w parties) post(t *testing.T, at *hubtest.Process, who, path string, body any) map[string]any {
	t.Helper()
	a := w.send(t, who, http.MethodPost, at.URL+"/idmgr/v1"+path, body)
	out := map[string]any{}
	if err := json.Unmarshal(a.body, &out); err != nil || a.status != http.StatusCreated {
		t.Fatalf("%s: POST %s: %d %s", who, path, a.status, a.body)
	}
	return out
}

// cases are what somebody sees of cases at a manager.
func (w parties) cases(t *testing.T, at *hubtest.Process, who string) (all []map[string]any) {
	t.Helper()
	a := w.send(t, who, http.MethodGet, at.URL+"/idmgr/v1/cases", nil)
	var page struct{ Cases []map[string]any }
	if err := json.Unmarshal(a.body, &page); err != nil || a.status != http.StatusOK {
		t.Fatalf("%s: %d %s", who, a.status, a.body)
	}
	return page.Cases
}

func (w parties) live(t *testing.T, at *hubtest.Process, who, effect, authority string) {
	t.Helper()
	d := w.post(t, at, who, "/rules", map[string]any{"reason": "subject-asked", "rules": []any{map[string]any{
		"rule": "the-school", "effect": effect, "audience": map[string]any{"agencies": []string{"hillside-school"}}, "purposes": []string{"co-ordinate-care"},
		"authority": authority, "until": time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339)}}})
	w.post(t, at, who, fmt.Sprintf("/rules/%v/activation", d["version"]), map[string]any{"reason": "subject-asked"})
}

// themself is the person whom the surgery knows by an identifier, entered in a register,
// recognised by the surgery and signed in at the registrar.
func (w parties) themself(t *testing.T, given, family, gp string) *ownPages {
	t.Helper()
	w.tellRegistrar(t, "ms-abara", "/registers", map[string]any{"register": "people", "title": "People", "contact": "desk", "scope": "All", "self_registered": false})
	items := []map[string]any{
		{"name": map[string]any{"given": given, "family": family}}, {"birth": map[string]any{"date": time.Now().AddDate(-30, 0, -9).Format(time.DateOnly)}},
		{"identifier": map[string]any{"scheme": "passport", "value": "JR0060601"}},
	}
	evidence := []map[string]any{{"name": items[0]["name"]}, {"birth": items[1]["birth"]}, {"identifier": items[2]["identifier"]}}
	for _, i := range items {
		i["source"] = "person"
	}
	entry := w.tellRegistrar(t, "ms-abara", "/registers/people/subjects", map[string]any{"items": items})["subject"].(string)
	found := w.tellRegistrar(t, "dr-patel", "/registers/people/recognitions", map[string]any{"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": evidence})
	var attached recorded
	w.done(t, "dr-patel", http.MethodPost, "/anchors", map[string]any{"column": "gp-riverside", "identifier": gp, "recognition": found["recognition"], "reason": "same-person-found"}, &attached)
	code := w.tellRegistrar(t, "ms-abara", "/registers/people/subjects/"+entry+"/enrolment-codes", map[string]any{"reason": "subject-asked"})
	return w.signsIn(t, code["code"].(string))
}

// E2E-06 (IDM-11 to IDM-14, TRU-03 to TRU-05, TRU-09): somebody's own identity manager
// holds their word that the school may know of the surgery, and a service's holds a
// rule that it may not. Whoever bears the grant hears "escalated" with a case, and
// everybody else what an absent person gives; both owners, the adjudicator and the
// surgery, who tells the person, see the one case in their own words; the adjudicator
// rules for the grant and the next request succeeds; the service appeals, and the
// higher ruling binds. All of it is acts, and none is lost where a process is killed
// between two steps.
func TestE2E06TwoManagersClashAndAnAdjudicatorRules(t *testing.T) {
	town := newTown(t, cluster(t), "recourse").explained(t)
	town.change(t, func(doc map[string]any) {
		withCode(list(doc, "agreements"), "riverside-children")["trust"] = map[string]any{"model": "four-cornered"}
	})
	w := parties{town: town, service: town.Idmgr, own: town.Manager(t, "own-word")}
	const gp, school, nobody = "GP-60601", "S060601", "S060699"
	who := w.known("Joan Ridge", map[ident.Column]string{"gp-riverside": gp, "school-pastoral": school})
	published := w.relationship(t, who, "gp-riverside")
	published["decision"].(map[string]any)["audience"] = map[string]any{"agencies": []string{"riverside-social-care"}}
	if a := w.send(t, "dr-patel", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/relationships", published); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if _, err := w.storyteller().correlate(t.Context(), who, "school-pastoral", "gp-riverside"); err != nil {
		t.Fatal(err)
	}
	absent := func(bearing any) answer {
		t.Helper()
		return w.bears(t, "ms-okafor", nobody, bearing)
	}
	known := func(what string, who string, bearing any, want ...string) answer {
		t.Helper()
		a := w.bears(t, who, school, bearing)
		if got := titles(t, a); strings.Join(got, ",") != strings.Join(want, ",") {
			t.Fatalf("%s: %s is told of %v, want %v: %s", what, who, got, want, a.body)
		}
		return a
	}
	wantSame(t, "before: hidden and absent", known("before", "ms-okafor", nil), absent(nil))

	w.live(t, w.own, "jo-shelter", "grant", "instruction")
	w.live(t, w.service, "ms-novak", "withhold", "policy")
	proof := func() string { return w.managersProof(t, "dr-patel", "gp-riverside", gp) }
	granted := w.post(t, w.own, "dr-patel", "/grants", map[string]any{
		"proof": proof(), "rule": "the-school", "aspects": []string{"relationship"}, "until": time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339),
		"evidence": "spoken-and-noted", "agreed": map[string]any{"evidence": "spoken-and-noted", "wording": "what-the-school-is-told", "competent": true},
		"decision": map[string]any{
			"agreement": "riverside-children", "power": "children-act-2004-s10", "ground": "explicit-consent",
			"proportionality": map[string]any{"necessary": true, "safeguards": true, "aim": "protect-health"}, "conditions": map[string]any{"ordinary": "art6-public-task"}},
	})
	token := granted["token"]
	if strings.Contains(token.(string), gp) || strings.Count(token.(string), ".") != 2 {
		t.Error("the grant is no signed token, or names the person")
	}
	known("granted", "ms-okafor", nil, "riverside-surgery") // managers who agree make no case
	if all := w.cases(t, w.own, "adj-amin"); len(all) != 0 {
		t.Fatalf("managers who agree, and %v", all)
	}
	withheld := w.post(t, w.service, "dr-patel", "/withholdings", map[string]any{
		"proof": proof(), "rule": "the-school", "until": time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339), "reason": "working-with-person"})

	// Whoever bears none sees what an absent person gives; so does its bearer, of others.
	wantSame(t, "withheld, bearing nothing", known("withheld", "ms-okafor", nil), absent(nil))
	wantSame(t, "an absent person, to the bearer", absent(token), absent(nil))
	heard := escalated(t, known("withheld", "ms-okafor", token))
	if heard == "" {
		t.Fatal("the bearer of the grant does not hear that it is escalated")
	}
	if again := escalated(t, known("withheld", "mrs-hale", token)); again != heard {
		t.Errorf("the same clash is case %q and then %q", heard, again)
	}
	w.send(t, "dr-patel", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/enquiries", w.bearing("gp-riverside", gp, token)).problem(t, http.StatusForbidden)

	// The process dies between the clash and the case: nothing is lost, and it is one.
	w.service.Kill(t)
	w.own.Kill(t)
	w.service.Start(t)
	w.own.Start(t)
	seen := map[string]map[string]any{}
	for _, reader := range []struct {
		who, as string
		at      *hubtest.Process
	}{{"adj-amin", "adjudicator", w.service}, {"ms-novak", "owner", w.service}, {"jo-shelter", "owner", w.own}, {"dr-patel", "holder", w.own}} {
		all := w.cases(t, reader.at, reader.who)
		if len(all) != 1 || all[0]["as"] != reader.as || all[0]["state"] != "waiting" || all[0]["source"] != "clash" {
			t.Fatalf("%s sees %v", reader.who, all)
		}
		for other, c := range seen {
			if c["case"] == all[0]["case"] && reader.who != other {
				t.Errorf("%s and %s are shown one value", other, reader.who)
			}
		}
		seen[reader.who] = all[0]
	}
	if seen["ms-novak"]["words"] == seen["dr-patel"]["words"] || seen["dr-patel"]["grant"] != nil || seen["dr-patel"]["managers"] != nil || seen["dr-patel"]["handle"] == nil ||
		seen["adj-amin"]["grant"] != granted["effect"] || seen["adj-amin"]["withholding"] != withheld["effect"] || len(seen["adj-amin"]["managers"].([]any)) != 2 {
		t.Errorf("they are shown %v", seen)
	}
	// The person, signed in, sees the same case, in words and by a reference of their own.
	person := w.themself(t, "Joan", "Ridge", gp)
	sees := func(what, state, outcome string) {
		t.Helper()
		e := w.copied(t, person.says().Recognition)
		if len(e.Cases) != 1 || len(e.Effects) != 1 || e.Effects[0].Kind != "withhold" || string(e.Cases[0].State) != state || string(e.Cases[0].Outcome.Value) != outcome || e.Cases[0].Words == "" {
			t.Fatalf("%s: the person sees %+v and %+v", what, e.Effects, e.Cases)
		}
		for who, c := range seen {
			if c["case"] == string(e.Cases[0].Case) || c["words"] == e.Cases[0].Words {
				t.Errorf("the person and %s are shown one value, or one text", who)
			}
		}
	}
	sees("withheld", "waiting", "")
	for _, other := range []string{"ms-okafor", "mrs-hale", "mr-lindqvist", "pc-dunne", "gov-ellis"} {
		if all := w.cases(t, w.service, other); len(all) != 0 {
			t.Errorf("%s sees %v", other, all)
		}
	}

	rule := func(who, ref, outcome string) answer {
		t.Helper()
		return w.send(t, who, http.MethodPost, w.service.URL+"/idmgr/v1/cases/"+ref+"/rulings", map[string]any{"outcome": outcome, "reason": "subject-asked"})
	}
	appeal := func(who, ref string) answer {
		t.Helper()
		return w.send(t, who, http.MethodPost, w.service.URL+"/idmgr/v1/cases/"+ref+"/appeals", map[string]any{"reason": "public-interest"})
	}
	ref := func(who string) string { return seen[who]["case"].(string) }
	rule("ms-novak", ref("ms-novak"), "withhold").problem(t, http.StatusForbidden)
	rule("adj-costa", ref("adj-amin"), "grant").problem(t, http.StatusForbidden) // not yet before the panel
	appeal("ms-novak", ref("ms-novak")).problem(t, http.StatusConflict)
	if a := rule("adj-amin", ref("adj-amin"), "grant"); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	w.service.Kill(t) // what was ruled stands
	w.service.Start(t)
	rule("adj-amin", ref("adj-amin"), "withhold").problem(t, http.StatusConflict)
	if escalated(t, known("ruled for the grant", "ms-okafor", token, "riverside-surgery")) != "" {
		t.Error("what has been ruled on is escalated still")
	}
	known("ruled for the grant", "mrs-hale", nil, "riverside-surgery")
	sees("ruled for the grant", "ruled", "grant")

	appeal("jo-shelter", ref("jo-shelter")).problem(t, http.StatusForbidden) // it did not go against them
	if a := appeal("ms-novak", ref("ms-novak")); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if again := escalated(t, known("appealed", "ms-okafor", token)); again != heard {
		t.Errorf("appealed, the bearer hears %q, and heard %q", again, heard)
	}
	wantSame(t, "appealed, bearing nothing", known("appealed", "ms-okafor", nil), absent(nil))
	rule("adj-amin", ref("adj-amin"), "grant").problem(t, http.StatusForbidden)
	if a := rule("adj-costa", ref("adj-amin"), "withhold"); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	wantSame(t, "ruled on by the panel, to the bearer", known("the panel", "ms-okafor", token), absent(nil))
	appeal("jo-shelter", ref("jo-shelter")).problem(t, http.StatusConflict)
	sees("ruled on by the panel", "final", "withhold")

	all := w.cases(t, w.service, "adj-costa")
	var kinds []string
	for _, st := range all[0]["steps"].([]any) {
		kinds = append(kinds, st.(map[string]any)["kind"].(string))
	}
	if len(all) != 1 || all[0]["state"] != "final" || all[0]["outcome"] != "withhold" || strings.Join(kinds, " ") != "open rule appeal rule" {
		t.Errorf("the case came to %v", all)
	}
	var acts, leaves int
	if err := w.Admin(t).QueryRowContext(t.Context(), `select count(*), count(*) filter (where exists (select from ledger.leaves l where l.commitment = a.commitment)
		or exists (select from ledger.pending p where p.commitment = a.commitment)) from idmgr.acts a`).Scan(&acts, &leaves); err != nil || acts != 10 || leaves != acts {
		t.Errorf("%d acts and %d leaves: %v", acts, leaves, err)
	}

	w.post(t, w.own, "dr-patel", "/grants/"+granted["effect"].(string)+"/withdrawal", map[string]any{"reason": "subject-asked"})
	w.send(t, "ms-okafor", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/enquiries", w.bearing("school-pastoral", school, token)).problem(t, http.StatusForbidden)
	w.own.Stop(t) // stopping one manager leaves the other
	w.post(t, w.service, "dr-patel", "/withholdings/"+withheld["effect"].(string)+"/withdrawal", map[string]any{"reason": "work-ended"})
	wantSame(t, "with neither", known("with neither", "ms-okafor", nil), absent(nil))
	w.verifies(t)

	// Whose act it is stands in clear: one of this manager's that does not open is missed.
	var altered string
	if err := w.Admin(t).QueryRowContext(t.Context(), `update idmgr.acts set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)
		where act_id = (select act_id from idmgr.acts where manager = 'local-links' and kind = 'withhold') returning act_id`).Scan(&altered); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "verify"), 1, "BROKEN  manager's act "+altered+": its sealed copy does not open")
}

func (w parties) bearing(column ident.Column, identifier string, token any) map[string]any {
	q := enquiry(column, identifier, "")
	if token != nil {
		q["grant"] = token
	}
	return q
}

// bears asks in the school's column, bearing a grant or nothing.
func (w parties) bears(t *testing.T, who, identifier string, token any) answer {
	t.Helper()
	a := w.send(t, who, http.MethodPost, w.Relmgr.URL+"/relmgr/v1/enquiries", w.bearing("school-pastoral", identifier, token))
	if a.status != http.StatusOK {
		t.Fatalf("%s asks: %d %s", who, a.status, a.body)
	}
	return a
}

func (w parties) managersProof(t *testing.T, who string, column ident.Column, identifier string) string {
	t.Helper()
	a := w.send(t, who, http.MethodPost, w.Relmgr.URL+"/relmgr/v1/handles", map[string]any{"column": column, "identifier": identifier})
	var h struct{ Proofs struct{ Idmgr string } }
	if err := json.Unmarshal(a.body, &h); err != nil || a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return h.Proofs.Idmgr
}

func titles(t *testing.T, a answer) (all []string) {
	t.Helper()
	var told struct{ Providers []struct{ Provider string } }
	if err := json.Unmarshal(a.body, &told); err != nil {
		t.Fatal(err)
	}
	for _, p := range told.Providers {
		all = append(all, p.Provider)
	}
	return all
}

func escalated(t *testing.T, a answer) string {
	t.Helper()
	var told struct{ Escalated string }
	if err := json.Unmarshal(a.body, &told); err != nil {
		t.Fatal(err)
	}
	return told.Escalated
}
