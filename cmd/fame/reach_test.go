package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/web"
)

// homesRegistrar is what other hubs call the registrar of the first.
const homesRegistrar = "home-register"

// admits has each other hub take the word of the first hub's registrar: it stands in their
// partnership documents under a code of their own, and their officers admit it.
func admits(t *testing.T, home *town, towns []*town) {
	t.Helper()
	text, err := os.ReadFile(home.made.path("keys", "registrar.jwks"))
	if err != nil {
		t.Fatal(err)
	}
	var public struct{ Keys []any }
	if err := json.Unmarshal(text, &public); err != nil {
		t.Fatal(err)
	}
	for _, w := range towns {
		w.borders(t, towns, func(doc map[string]any) {
			if w == home { // its portal is at two addresses
				for _, p := range doc["registrars"].([]any)[0].(map[string]any)["relying_parties"].([]any) {
					p := p.(map[string]any)
					p["redirect_uris"] = append(p["redirect_uris"].([]any), web.RedirectURI("http://"+w.made.Listen))
				}
				return
			}
			doc["registrars"] = append(doc["registrars"].([]any), map[string]any{
				"code": homesRegistrar, "title": "The home county's register", "agency": "riverside-social-care", "roles": []string{"register-officer"}, "keys": public.Keys,
			})
		})
		if w != home {
			w.send(t, "gov-ellis", http.MethodPost, w.Federation.URL+"/federation/v1/admissions", map[string]any{
				"registrar": homesRegistrar, "usage": w.made.Hub, "floor": map[string]any{"recall_per_mille": 900, "latency_ms": 500, "errors_per_mille": 10},
			}).said(t, http.StatusCreated)
		}
	}
	for _, w := range towns { // what others state is looked at anew
		w.Federation.Kill(t)
		w.Federation.Start(t)
	}
	db := home.Admin(t)
	hubtest.Eventually(t, "the other hubs are seen to admit the registrar", func() error {
		var n int
		if err := db.QueryRowContext(t.Context(), "select count(*) from federation.admitting where known_as = $1", homesRegistrar).Scan(&n); err != nil {
			return err
		}
		if n != len(towns)-1 {
			return fmt.Errorf("%d do", n)
		}
		return nil
	})
}

var errNotYet = errors.New("not yet")

// atOneAddress has people's browsers reach the registrar at the address of the portal, as a proxy does.
func (w *town) atOneAddress(t *testing.T) {
	t.Helper()
	c := w.Config(t, "registrar")
	c.Hub = "http://" + w.made.Listen
	if err := c.Save(filepath.Join(w.Dir, "registrar.yaml")); err != nil {
		t.Fatal(err)
	}
	w.Registrar.Kill(t)
	w.Registrar.Start(t)
	to, err := url.Parse(w.Registrar.URL)
	if err != nil {
		t.Fatal(err)
	}
	w.mux.Handle("/registrar/", &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }})
}

// enrols enters somebody in the home register, and has them enrol by a keeper's code.
func (w *town) enrols(t *testing.T, items []map[string]any) *ownPages {
	t.Helper()
	w.tellRegistrar(t, "ms-abara", "/registers", map[string]any{"register": "people", "title": "People", "contact": "desk", "scope": "All", "self_registered": false})
	for _, i := range items {
		i["source"] = "person"
	}
	entry := w.tellRegistrar(t, "ms-abara", "/registers/people/subjects", map[string]any{"items": items})["subject"].(string)
	code := w.tellRegistrar(t, "ms-abara", "/registers/people/subjects/"+entry+"/enrolment-codes", map[string]any{"reason": "subject-asked"})["code"].(string)
	return w.signsIn(t, code)
}

// SUB-09, FED-09, SUS-02: somebody signs in once, with one registrar, and sees on one page who asked about
// them at each hub that takes its word. A hub takes the statement that was made for it, and no other's; one that is
// down is named as not having answered, and costs the page no more than its deadline; nobody keeps what was gathered.
func reach(t *testing.T, towns []*town) {
	home, school, carer := towns[0], towns[1], towns[2]
	admits(t, home, towns)
	home.atOneAddress(t)
	own := home.enrols(t, people("Ottoline", "1984-11-30"))
	b := home.portal(t)
	b.own = own.number
	b.signInAsMyself()
	b.follow("Who asked")
	b.follow("Who asked at other hubs")
	b.sees("It has nobody to tell you of who asked about you", strings.TrimPrefix(school.made.Hub, "http://"), strings.TrimPrefix(carer.made.Hub, "http://"))
	b.seesNot("Has not answered", "Not every other hub has answered")
	b.looks("me-elsewhere")
	carer.Federation.Kill(t)
	b.open("/portal/me/elsewhere")
	b.sees("Not every other hub has answered", "Has not answered", "Somebody may have asked about you there")
	b.looks("me-elsewhere-away")
	carer.Federation.Start(t)

	// Each statement is for one hub alone, and says nothing to any other.
	said := own.says()
	for _, s := range said.Elsewhere {
		for _, w := range towns {
			_, err := usageAt(t, w, s.Recognition)
			if (err == nil) != (s.Hub == w.made.Hub) {
				t.Errorf("%s answers %v to the statement made for %s", w.Name, err, s.Hub)
			}
		}
	}
	if len(said.Elsewhere) != 2 {
		t.Errorf("statements are made for %d other hubs", len(said.Elsewhere))
	}
	for _, w := range []*town{school, carer} {
		if _, err := usageAt(t, w, said.Recognition); err == nil {
			t.Errorf("%s takes the statement that was made for the own hub", w.Name)
		}
	}
	// From the next sign-in on, none is made for a hub that takes the registrar's word no more.
	school.send(t, "gov-ellis", http.MethodPost, school.Federation.URL+"/federation/v1/admissions/"+homesRegistrar+"/removal", map[string]any{"reason": "work-ended"}).said(t, http.StatusOK)
	home.Federation.Kill(t)
	home.Federation.Start(t)
	hubtest.Eventually(t, "the school is seen to take its word no more", func() error {
		if said := own.says().Elsewhere; len(said) != 1 || said[0].Hub != carer.made.Hub {
			return errNotYet
		}
		return nil
	})
}

// usageAt is what a hub's usage feed tells the bearer of a statement.
func usageAt(t *testing.T, w *town, statement string) (*federationoas.UsageFeed, error) {
	t.Helper()
	f, err := federationoas.NewClient(w.Federation.URL, bearer.Federation(statement))
	if err != nil {
		t.Fatal(err)
	}
	return f.ReadUsage(t.Context())
}
