package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/ident"
)

// changedBy is a copy of a body with changes in its decision.
func changedBy(t *testing.T, body map[string]any, edit func(body, decision map[string]any)) map[string]any {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var copied map[string]any
	if err := json.Unmarshal(text, &copied); err != nil {
		t.Fatal(err)
	}
	edit(copied, copied["decision"].(map[string]any))
	return copied
}

// decode reads what came back with a status.
func decode[V any](t *testing.T, a answer, status int) (v V) {
	t.Helper()
	if err := json.Unmarshal(a.body, &v); err != nil || a.status != status {
		t.Fatalf("%d %s, want %d", a.status, a.body, status)
	}
	return v
}

type listed struct{ Decisions []reliedOn }

type reliedOn struct {
	Act, Kind, Practitioner, Because string
	Stands                           bool
	Override                         *struct{ Risk, Telling string }
}

// E2E-15 (LEG-01 to 09, LEG-18, LEG-24, LEG-27): with a valid explicit consent and no
// power the surgery's publication is refused at step 1; with the power it is
// stopped at steps 2, 3 and 4 in turn. Every refusal is kept with the answers of
// its steps. What is published at last ends at once when the power goes, and is
// listed with why.
func TestE2E15WithoutThePowerConsentIsNoUse(t *testing.T) {
	w := newTown(t, cluster(t), "gate").explained(t)
	who := w.known("Quentin Marsh", map[ident.Column]string{"gp-riverside": "GP-61501", "social-care": "LMN-61501"})
	who.Publishes = slices.DeleteFunc(who.Publishes, func(p riverside.Publication) bool { return p.Column == "gp-riverside" })
	who.Correlates = [][2]ident.Column{{"social-care", "gp-riverside"}}
	w.relate(t, who)
	published := w.Relmgr.URL + "/relmgr/v1/relationships"
	body := w.relationship(t, who, "gp-riverside")
	withoutPower := func(doc map[string]any) {
		power := withCode(list(doc, "powers"), "children-act-2004-s10")
		power["kinds"] = without(power["kinds"].([]any), "health-gp")
	}
	refused := func(step int, because string, edit func(body, decision map[string]any)) {
		t.Helper()
		p := w.send(t, "dr-patel", http.MethodPost, published, changedBy(t, body, edit)).problem(t, http.StatusForbidden)
		if p.Type != "docs/problems.md#decision-refused" || p.Step != step || !strings.Contains(p.Detail, because) {
			t.Errorf("stopped at step %d: %s; want step %d, %q", p.Step, p.Detail, step, because)
		}
	}
	as := func(decision map[string]any, member string, change map[string]any) {
		was := maps.Clone(decision[member].(map[string]any))
		maps.Copy(was, change)
		decision[member] = was
	}

	w.change(t, withoutPower)
	refused(1, "no power", func(_, _ map[string]any) {})
	w.apply(t, "gov-ellis", w.document)
	refused(2, "something less would do", func(_, d map[string]any) { as(d, "proportionality", map[string]any{"necessary": false}) })
	refused(2, "within 366 days", func(_, d map[string]any) {
		d["until"] = time.Now().AddDate(3, 0, 0).UTC().Format(time.RFC3339)
		as(d, "proportionality", map[string]any{"review": time.Now().AddDate(2, 0, 0).UTC().Format(time.RFC3339)})
	})
	refused(2, "safety and welfare", func(_, d map[string]any) { d["concerning"] = "child" })
	refused(3, "name the consents", func(_, d map[string]any) { delete(d, "consents") })
	refused(3, "only these grounds", func(_, d map[string]any) {
		d["ground"], d["reason"] = "not-confidential", "working-with-person"
	})
	refused(4, "name a condition", func(_, d map[string]any) { d["conditions"] = map[string]any{"ordinary": "art6-none-such"} })
	refused(4, "further condition", func(_, d map[string]any) {
		d["conditions"] = map[string]any{"ordinary": "art6-public-task", "sensitive": "art9-none-such"}
	})

	admin := w.Admin(t)
	rows, err := admin.QueryContext(t.Context(), `select d.stopped_at, count(*), count(p.commitment), count(d.handle_id), count(distinct a.practitioner_id), bool_and(jsonb_array_length(d.steps) = 4)
		from relmgr.decisions d join relmgr.acts a on a.act_id = d.act_id left join `+leaves+` p on p.commitment = a.commitment
		where d.outcome = 'refused' and a.kind = 'refuse' group by 1 order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	kept := map[int]int{}
	for rows.Next() {
		var step, n, committed, handles, people int
		var whole bool
		if err := rows.Scan(&step, &n, &committed, &handles, &people, &whole); err != nil {
			t.Fatal(err)
		}
		// Only the refusal for want of a consent names the handle: it asked for one.
		if kept[step] = n; committed != n || handles != map[int]int{3: 1}[step] || people != 1 || !whole {
			t.Errorf("step %d: of %d refusals %d are committed to, %d name somebody, by %d people", step, n, committed, handles, people)
		}
	}
	if err := rows.Err(); err != nil || !maps.Equal(kept, map[int]int{1: 1, 2: 3, 3: 2, 4: 2}) {
		t.Errorf("refusals kept by step: %v, %v", kept, err)
	}

	act := decode[struct{ Act string }](t, w.send(t, "dr-patel", http.MethodPost, published, body), http.StatusCreated).Act
	told, _ := w.ask(t, "mr-lindqvist", "social-care", "LMN-61501", "")
	wantTold(t, told, "riverside-surgery")
	decisions := w.Relmgr.URL + "/relmgr/v1/decisions?purpose=safeguarding&reason=risk-of-harm&rests_on=children-act-2004-s10"
	if l := decode[listed](t, w.send(t, "dr-brandt", http.MethodGet, decisions, nil), http.StatusOK); len(l.Decisions) != 0 {
		t.Errorf("suspended before anything changed: %+v", l)
	}
	w.change(t, withoutPower)
	told, _ = w.ask(t, "mr-lindqvist", "social-care", "LMN-61501", "")
	wantTold(t, told)
	l := decode[listed](t, w.send(t, "dr-brandt", http.MethodGet, decisions, nil), http.StatusOK)
	if len(l.Decisions) != 2 || !slices.ContainsFunc(l.Decisions, func(d reliedOn) bool {
		return d.Act == act && d.Kind == "publish" && !d.Stands && strings.Contains(d.Because, "no power")
	}) {
		t.Errorf("listed: %+v", l)
	}
	w.send(t, "dr-patel", http.MethodGet, decisions, nil).problem(t, http.StatusForbidden)
	w.apply(t, "gov-ellis", w.document)
	told, _ = w.ask(t, "mr-lindqvist", "social-care", "LMN-61501", "")
	wantTold(t, told, "riverside-surgery")
	wantWhole(t, admin)
}

// E2E-16 without notices (LEG-11 to 17, LEG-20, LEG-23): a parent refuses, and the
// surgery's lead judges that a child is at risk. Without role, reason, risk,
// scope or review the override is refused; whole, it tells social care once and
// nobody else, opens a review that somebody else judges, and records both sides'
// conditions and that telling would raise the risk. It makes up for no power.
func TestE2E16ARefusalIsOverriddenForAChildAtRisk(t *testing.T) {
	w := everyday(t)
	who := w.known("Rosa Nettle", map[ident.Column]string{"gp-riverside": "GP-61601", "social-care": "LMN-61601", "school-pastoral": "S061601"})
	who.Publishes = slices.DeleteFunc(who.Publishes, func(p riverside.Publication) bool { return p.Column == "gp-riverside" })
	who.Correlates = [][2]ident.Column{{"social-care", "school-pastoral"}}
	w.relate(t, who)
	admin := w.Admin(t)

	// The parent refuses.
	proof, err := w.storyteller().proof(t.Context(), w.signedIn(t, "dr-patel"), who, "gp-riverside")
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().AddDate(1, 0, 0).UTC().Truncate(time.Second).Format(time.RFC3339)
	request := decode[struct{ Request string }](t, w.send(t, "dr-patel", http.MethodPost, w.Consent.URL+"/consent/v1/requests", map[string]any{
		"proof": proof, "explicit": true, "audience": map[string]any{"agencies": []string{"riverside-social-care"}}, "purposes": []string{"co-ordinate-care"},
		"aspects": []string{"relationship"}, "until": until,
	}), http.StatusCreated).Request
	decode[struct{ Answer string }](t, w.send(t, "dr-patel", http.MethodPost, w.Consent.URL+"/consent/v1/requests/"+request+"/answer", map[string]any{
		"answer": "refused", "evidence": "spoken-and-noted",
	}), http.StatusCreated)
	said := func() (n int) {
		if err := admin.QueryRowContext(t.Context(), `select count(*) from consent.acts`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := said()

	decision := map[string]any{
		"agreement": "riverside-children", "power": "children-act-2004-s10", "purposes": []string{"co-ordinate-care"}, "aspects": []string{"relationship"},
		"audience": map[string]any{"agencies": []string{"riverside-social-care"}}, "ground": "significant-harm", "reason": "risk-of-harm",
		"proportionality": map[string]any{"necessary": true, "safeguards": true, "aim": "protect-rights",
			"review": time.Now().AddDate(0, 0, 14).UTC().Truncate(time.Second).Format(time.RFC3339)},
		"conditions": map[string]any{"ordinary": "art6-recognised-safeguarding"}, "until": until, "concerning": "child", "welfare": true,
		"override": map[string]any{"risk": "significant-harm-to-child", "telling": "raises-risk"},
	}
	body := map[string]any{
		"column": "gp-riverside", "identifier": "GP-61601", "role": "gp", "mode": "imposed", "reason": "risk-of-harm", "decision": decision,
		"offers": []any{map[string]any{"kind": "will-co-ordinate", "transactions": []string{"strategy-discussion"}, "contact": "desk"}},
	}
	published := w.Relmgr.URL + "/relmgr/v1/relationships"
	for name, c := range map[string]struct {
		by   string
		step int
		edit func(body, decision map[string]any)
	}{
		"no override": {"dr-brandt", 3, func(_, d map[string]any) { delete(d, "override") }},
		"no risk":     {"dr-brandt", 3, func(_, d map[string]any) { d["override"] = map[string]any{"telling": "raises-risk"} }},
		"no word on telling": {"dr-brandt", 3, func(_, d map[string]any) {
			d["override"] = map[string]any{"risk": "significant-harm-to-child"}
		}},
		"no reason":    {"dr-brandt", 3, func(_, d map[string]any) { delete(d, "reason") }},
		"no scope":     {"dr-brandt", 3, func(_, d map[string]any) { d["audience"] = map[string]any{"partnership": true} }},
		"no review":    {"dr-brandt", 2, func(_, d map[string]any) { delete(d["proportionality"].(map[string]any), "review") }},
		"no welfare":   {"dr-brandt", 2, func(_, d map[string]any) { delete(d, "welfare") }},
		"no role":      {"dr-patel", 1, func(_, _ map[string]any) {}},
		"no power":     {"dr-brandt", 1, func(_, d map[string]any) { d["power"] = "children-act-1989-s47" }},
		"no condition": {"dr-brandt", 4, func(_, d map[string]any) { d["conditions"] = map[string]any{"ordinary": "art6-consent"} }},
		"a statutory bar": {"dr-brandt", 1, func(_, d map[string]any) {
			d["agreement"], d["purposes"], d["power"] = "riverside-community-safety", []string{"immigration-enforcement"}, "immigration-asylum-1999-s20"
		}},
	} {
		p := w.send(t, c.by, http.MethodPost, published, changedBy(t, body, c.edit)).problem(t, http.StatusForbidden)
		if p.Type != "docs/problems.md#decision-refused" || p.Step != c.step {
			t.Errorf("%s: stopped at step %d, want %d: %s", name, p.Step, c.step, p.Detail)
		}
	}

	// Whole: published, and brought together with social care's own.
	act := decode[struct{ Act string }](t, w.send(t, "dr-brandt", http.MethodPost, published, body), http.StatusCreated).Act
	code := decode[struct{ Code string }](t, w.send(t, "dr-brandt", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/pairings", map[string]any{
		"column": "gp-riverside", "identifier": "GP-61601", "decision": decision,
	}), http.StatusCreated).Code
	theirs := changedBy(t, body, func(_, d map[string]any) {
		delete(d, "override")
		delete(d["proportionality"].(map[string]any), "review")
		d["audience"] = map[string]any{"agencies": []string{"riverside-gp"}}
	})["decision"]
	decode[struct{ Act string }](t, w.send(t, "mr-lindqvist", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/correlations", map[string]any{
		"column": "social-care", "identifier": "LMN-61601", "pairing": code, "mode": "imposed", "reason": "same-person-found", "decision": theirs,
	}), http.StatusAccepted)
	told, _ := w.ask(t, "mr-lindqvist", "social-care", "LMN-61601", "strategy-discussion")
	wantTold(t, told, "riverside-surgery")
	school, _ := w.ask(t, "ms-okafor", "school-pastoral", "S061601", "")
	wantTold(t, school, "childrens-assessment")

	// Both sides' justification stands behind that one answer.
	var holder, risk, telling, asker string
	if err := admin.QueryRowContext(t.Context(), `select d.ordinary, d.risk, d.telling, e.agency_id from relmgr.disclosures x
		join relmgr.decisions d on d.decision_id = x.decision_id join relmgr.enquiries e on e.enquiry_id = x.enquiry_id
		where d.risk is not null and x.enquiry_id = $1`, string(told.ID)).Scan(&holder, &risk, &telling, &asker); err != nil ||
		holder != "art6-recognised-safeguarding" || risk != "significant-harm-to-child" || telling != "raises-risk" || asker != "riverside-social-care" {
		t.Errorf("recorded: %s, %s, %s to %s: %v", holder, risk, telling, asker, err)
	}
	shown := decode[struct {
		Mode, Ground string
		Decision     struct {
			Conditions struct{ Ordinary string }
			Override   struct{ Risk, Telling string }
			Review     time.Time
		}
	}](t, w.send(t, "dr-brandt", http.MethodGet, w.Relmgr.URL+"/relmgr/v1/acts/"+act+"?purpose=co-ordinate-care&reason=working-with-person", nil), http.StatusOK)
	if shown.Mode != "imposed" || shown.Ground != "significant-harm" || shown.Decision.Conditions.Ordinary != "art6-recognised-safeguarding" ||
		shown.Decision.Override.Telling != "raises-risk" || shown.Decision.Review.IsZero() {
		t.Errorf("the act is shown as %+v", shown)
	}

	// Once: when the hour is over in which a lost answer can be asked for again,
	// social care is told no more.
	wantTold(t, first(w.ask(t, "mr-lindqvist", "social-care", "LMN-61601", "strategy-discussion")), "riverside-surgery")
	if _, err := admin.ExecContext(t.Context(), `update relmgr.override_uses set first_at = first_at - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	wantTold(t, first(w.ask(t, "mr-lindqvist", "social-care", "LMN-61601", "strategy-discussion")))

	// The review, by somebody else of the surgery.
	waiting := w.Relmgr.URL + "/relmgr/v1/decisions?purpose=safeguarding&reason=risk-of-harm&state=override"
	l := decode[listed](t, w.send(t, "guardian-lowe", http.MethodGet, waiting, nil), http.StatusOK)
	if len(l.Decisions) != 2 || l.Decisions[0].Override == nil || l.Decisions[0].Override.Telling != "raises-risk" || l.Decisions[0].Practitioner != "dr-brandt" {
		t.Errorf("waiting for review: %+v", l)
	}
	review := w.Relmgr.URL + "/relmgr/v1/decisions/" + act + "/review"
	judged := map[string]any{"outcome": "justified", "reason": "risk-of-harm"}
	w.send(t, "dr-brandt", http.MethodPost, review, judged).problem(t, http.StatusForbidden)
	w.send(t, "ms-novak", http.MethodPost, review, judged).problem(t, http.StatusNotFound)
	decode[struct{ Act string }](t, w.send(t, "guardian-lowe", http.MethodPost, review, judged), http.StatusCreated)
	w.send(t, "guardian-lowe", http.MethodPost, review, judged).problem(t, http.StatusConflict)
	if l := decode[listed](t, w.send(t, "guardian-lowe", http.MethodGet, waiting, nil), http.StatusOK); len(l.Decisions) != 1 || l.Decisions[0].Kind != "correlate" {
		t.Errorf("still waiting: %+v", l)
	}

	// Nothing of it went where the family is asked and told.
	if n := said(); n != before {
		t.Errorf("the consent duty recorded %d acts of it", n-before)
	}
	wantWhole(t, admin)
}

func first[A, B any](a A, _ B) A { return a }
