package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/hubtest"
)

// listed are the addresses that a hub's directory lists, in its order.
func (w *town) listed(t *testing.T, query string) (all []string) {
	t.Helper()
	said := w.send(t, "dr-patel", http.MethodGet, w.Federation.URL+"/federation/v1/directory?"+query, nil).said(t, http.StatusOK)
	if said["complete"] != true {
		t.Fatalf("%s has not heard of all: %v", w.Name, said)
	}
	for _, e := range said["entries"].([]any) {
		all = append(all, e.(map[string]any)["address"].(string))
	}
	return all
}

// lists waits until a directory lists exactly that.
func (w *town) lists(t *testing.T, query string, want ...string) {
	t.Helper()
	hubtest.Eventually(t, w.Name+" lists "+query, func() error {
		if got := w.listed(t, query); !slices.Equal(got, want) {
			return fmt.Errorf("%q, want %q", got, want)
		}
		return nil
	})
}

// aDesk is a service that a partnership shares.
func aDesk(code string) map[string]any {
	r := map[string]any{}
	for _, part := range []string{"ownership", "design", "operation", "capacity", "performance"} {
		r[part] = "riverside-gp"
	}
	return map[string]any{"code": code, "title": "A desk", "function": "Answers the telephone", "published": true, "responsible": r}
}

// FED-19, FED-24, FED-34: what one hub publishes, every hub lists; withdrawn, it is gone from all,
// within what they agreed. Registrars are found by area and level, and a question about
// somebody from one area is not put to hubs that know nobody there. Who answers for each part of a
// shared service is named, at the hub and among hubs.
func hubsPublish(t *testing.T, towns []*town) {
	home, school, carer := towns[0], towns[1], towns[2]
	name := func(w *town, kind, code string) string { return w.made.Hub + "/names/" + kind + "/" + code }
	var all []string
	for _, w := range towns {
		all = append(all, name(w, "services", "joint-desk"))
	}
	slices.Sort(all)
	more := slices.Sorted(slices.Values(append(slices.Clone(all), name(carer, "services", "night-desk"))))
	carer.borders(t, towns, func(doc map[string]any) { doc["services"] = append(doc["services"].([]any), aDesk("night-desk")) })
	for _, w := range towns {
		w.lists(t, "kind=service", more...)
	}
	said := home.send(t, "dr-patel", http.MethodGet, home.Federation.URL+"/federation/v1/directory?kind=service", nil).said(t, http.StatusOK)
	for _, e := range said["entries"].([]any) {
		wantEverybody(t, e.(map[string]any))
	}
	shared := carer.send(t, "dr-patel", http.MethodGet, carer.Governance.URL+"/governance/v1/services", nil).said(t, http.StatusOK)["shared"].([]any)
	if len(shared) != 8 { // six duties, and two desks
		t.Errorf("%d shared services", len(shared))
	}
	for _, e := range shared {
		wantEverybody(t, e.(map[string]any))
	}
	carer.borders(t, towns, func(map[string]any) {})
	for _, w := range towns {
		w.lists(t, "kind=service", all...)
	}

	// Registrars: the nearest level first.
	reaches := map[*town][2]string{home: {"sub-regional", "riverside"}, school: {"national", ""}, carer: {"regional", "north"}}
	for w, of := range reaches {
		w.borders(t, towns, func(doc map[string]any) {
			r := doc["registrars"].([]any)[0].(map[string]any)
			if r["reach"] = of[0]; of[1] != "" {
				r["areas"] = []string{of[1]}
			}
		})
		w.send(t, "gov-ellis", http.MethodPost, w.Federation.URL+"/federation/v1/admissions", map[string]any{
			"registrar": registrarCode, "usage": w.made.Hub + "/federation/v1/usage", "floor": map[string]any{"recall_per_mille": 900, "latency_ms": 50, "errors_per_mille": 10},
		}).said(t, http.StatusCreated)
	}
	at := func(w *town) string { return name(w, "registrars", string(registrarCode)) }
	for _, w := range towns {
		w.lists(t, "kind=registrar", at(home), at(carer), at(school))
		w.lists(t, "area=north", at(carer), at(school))
		w.lists(t, "area=riverside&reach=sub-regional", at(home))
		w.lists(t, "area=elsewhere&reach=regional")
	}

	o := hubtest.Fame(t, "", "peers", "published", "--area", "north", "--url", home.Federation.URL, "--token", home.token(t, "dr-patel"))
	if o.Code != 0 || !strings.Contains(o.Stdout, at(carer)) || strings.Contains(o.Stdout, at(home)) {
		t.Errorf("fame peers published: %d %s%s", o.Code, o.Stdout, o.Stderr)
	}

	// The hubs of an area alone are asked.
	q := enquiry("gp-riverside", "9434765838", "")
	q["scope"] = "federation"
	var orders []string
	for _, o := range school.send(t, "dr-patel", http.MethodPost, school.Relmgr.URL+"/relmgr/v1/enquiries", q).said(t, http.StatusOK)["orders"].([]any) {
		orders = append(orders, o.(map[string]any)["order"].(string))
	}
	for _, h := range school.send(t, "dr-patel", http.MethodPost, school.Federation.URL+"/federation/v1/enquiries", map[string]any{"orders": orders, "area": carer.Name}).said(t, http.StatusOK)["hubs"].([]any) {
		h := h.(map[string]any)
		if want := map[string]string{home.made.Hub: "not-covered", carer.made.Hub: "answered"}[h["hub"].(string)]; h["outcome"] != want {
			t.Errorf("%v, want %s", h, want)
		}
	}
}

// E2E-13, FED-08, FED-17, FED-18, FED-19: a fourth hub joins three, by acts of officers alone: no document of theirs
// is edited and nothing is restarted. What it publishes they list, signed; its registrar, below what it undertook, is
// flagged at every hub, then suspended, and restored when it is at it again.
func aFourthHubJoins(t *testing.T, towns []*town) {
	fourth := metHub(t, towns[0].Postgres, "fourth").explained(t)
	for _, w := range towns {
		joined(t, w, fourth)
	}
	fourth.change(t, func(doc map[string]any) {
		doc["partnership"].(map[string]any)["areas"] = []string{"east"}
		doc["services"] = append(doc["services"].([]any), aDesk("night-desk"))
		doc["registrars"].([]any)[0].(map[string]any)["areas"] = []string{"east"}
	})
	own := func(kind, code string) string { return fourth.made.Hub + "/names/" + kind + "/" + code }
	for _, w := range towns {
		hubtest.Eventually(t, w.Name+" lists what the fourth publishes", func() error {
			if got := w.listed(t, "kind=service"); !slices.Contains(got, own("services", "night-desk")) {
				return fmt.Errorf("%q", got)
			}
			return nil
		})
		resp, err := http.Get(w.made.Hub + "/federation/v1/resolve?sub=" + fourth.made.Hub + "&trust_anchor=" + w.made.Hub)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s does not show what the fourth is: %d", w.Name, resp.StatusCode)
		}
	}
	fourth.send(t, "gov-ellis", http.MethodPost, fourth.Federation.URL+"/federation/v1/admissions", map[string]any{
		"registrar": registrarCode, "usage": fourth.made.Hub + "/federation/v1/usage", "floor": map[string]any{"recall_per_mille": 900, "latency_ms": 50, "errors_per_mille": 10},
	}).said(t, http.StatusCreated)
	for _, step := range []struct {
		recall int
		status string
	}{{950, "admitted"}, {100, "flagged"}, {100, "suspended"}, {950, "admitted"}} {
		said := fourth.send(t, "ms-abara", http.MethodPost, fourth.Federation.URL+"/federation/v1/admissions/"+string(registrarCode)+"/quality", map[string]any{
			"recall_per_mille": step.recall, "latency_ms": 20, "errors_per_mille": 1, "per_minute": 6000, "measured": 500,
		}).said(t, http.StatusOK)
		if said["status"] != step.status {
			t.Errorf("%v, want %s", said, step.status)
		}
		for _, w := range towns {
			hubtest.Eventually(t, w.Name+" sees that it is "+step.status, func() error {
				for _, e := range w.send(t, "dr-patel", http.MethodGet, w.Federation.URL+"/federation/v1/directory?kind=registrar&area=east", nil).said(t, http.StatusOK)["entries"].([]any) {
					if e := e.(map[string]any); e["address"] == own("registrars", string(registrarCode)) && e["status"] == step.status {
						return nil
					}
				}
				return fmt.Errorf("not %s", step.status)
			})
		}
	}
	fourth.Federation.Kill(t) // the three go on
	for _, d := range fourth.Duties() {
		if d != fourth.Federation {
			d.Kill(t)
		}
	}
}

// wantEverybody wants five names, none of them blank.
func wantEverybody(t *testing.T, service map[string]any) {
	t.Helper()
	r, _ := service["responsible"].(map[string]any)
	if got := slices.Sorted(maps.Keys(r)); !slices.Equal(got, []string{"capacity", "design", "operation", "ownership", "performance"}) {
		t.Errorf("%v", service)
	}
	for part, who := range r {
		if name, _ := who.(string); strings.TrimSpace(name) == "" {
			t.Errorf("nobody answers for the %s of %v", part, service)
		}
	}
}

// FED-22: an agency's own work, the partnership's and the federation's take one client: the
// same token, the same forms, and for the same mistake the same problem.
func levelsAreOneForm(t *testing.T, w *town) {
	levels := map[string]struct {
		good     func() answer
		url      string // of something posted there
		get      string
		required string // a member that its body must have
	}{
		"agency": {func() answer {
			return w.send(t, "gov-ellis", http.MethodGet, w.Consent.URL+"/consent/v1/requests", nil)
		}, w.Relmgr.URL + "/relmgr/v1/handles", w.Relmgr.URL + "/relmgr/v1/none", "column"},
		"partnership": {func() answer {
			return w.send(t, "gov-ellis", http.MethodGet, w.Governance.URL+"/governance/v1/services", nil)
		}, w.Governance.URL + "/governance/v1/agencies/riverside-gp/practitioners", w.Governance.URL + "/governance/v1/none", "practitioner"},
		"federation": {func() answer {
			return w.send(t, "gov-ellis", http.MethodGet, w.Federation.URL+"/federation/v1/directory", nil)
		}, w.Federation.URL + "/federation/v1/peers", w.Federation.URL + "/federation/v1/none", "entity"},
	}
	seen := map[string]map[string]string{}
	for level, l := range levels {
		if a := l.good(); level != "agency" && (a.status != http.StatusOK || a.header.Get("Content-Type") != "application/json; charset=utf-8") {
			t.Errorf("%s: %d %s %s", level, a.status, a.header.Get("Content-Type"), a.body)
		}
		for mistake, r := range map[string]struct{ method, url, token, body string }{
			"no token":             {http.MethodPost, l.url, "", "{}"},
			"a token of nobody's":  {http.MethodPost, l.url, "a.b.c", "{}"},
			"no JSON":              {http.MethodPost, l.url, w.token(t, "gov-ellis"), "{"},
			"a member too many":    {http.MethodPost, l.url, w.token(t, "gov-ellis"), `{"colour":"vermilion"}`},
			"nothing of what must": {http.MethodPost, l.url, w.token(t, "gov-ellis"), `{}`},
			"no such path":         {http.MethodGet, l.get, w.token(t, "gov-ellis"), ""},
			"no such method":       {http.MethodDelete, l.url, w.token(t, "gov-ellis"), ""},
		} {
			req, err := http.NewRequestWithContext(t.Context(), r.method, r.url, strings.NewReader(r.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			if r.token != "" {
				req.Header.Set("Authorization", "Bearer "+r.token)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			var p struct {
				Type   string
				Title  string
				Status int
			}
			if err != nil || json.Unmarshal(text, &p) != nil || p.Status != resp.StatusCode || p.Type == "" {
				t.Errorf("%s, %s: %d %s %v", level, mistake, resp.StatusCode, text, err)
			}
			if seen[mistake] == nil {
				seen[mistake] = map[string]string{}
			}
			seen[mistake][fmt.Sprint(resp.StatusCode, resp.Header.Get("Content-Type"), resp.Header.Get("WWW-Authenticate"), p.Type, p.Title)] = level
		}
	}
	for mistake, forms := range seen {
		if len(forms) != 1 {
			t.Errorf("%s: %v", mistake, forms)
		}
	}
}
