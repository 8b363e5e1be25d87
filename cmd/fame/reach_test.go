package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
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
	"github.com/fame-hub/fame/internal/ident"
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
	home.Federation.Kill(t) // what others state is looked at anew
	home.Federation.Start(t)
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

// ottoline is whom these tests are about, in the home county's register.
var ottoline = people("Ottoline", "1984-11-30")

// recognisedAt is what another hub's registrar says to a practitioner, who has a pass of their own hub's.
func recognisedAt(t *testing.T, asker, at *town, who string, evidence []map[string]any) map[string]any {
	t.Helper()
	pass := asker.send(t, who, http.MethodPost, asker.Federation.URL+"/federation/v1/passes", map[string]any{"hub": at.made.Hub, "purpose": "co-ordinate-care"}).said(t, http.StatusOK)["pass"].(string)
	return recognisedBy(t, at, pass, evidence).said(t, http.StatusOK)
}

func recognisedBy(t *testing.T, at *town, pass string, evidence []map[string]any) answer {
	t.Helper()
	text, err := json.Marshal(map[string]any{"purpose": "co-ordinate-care", "reason": "risk-of-harm", "evidence": given(evidence)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, at.Registrar.URL+"/registrar/v1/registers/people/axle-recognitions", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+pass)
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: body}
}

// E2E-05, QRY-01, QRY-04, QRY-05, QRY-10, PUB-08, FED-13, FED-31: somebody is brought in unconscious, in the county of the third
// hub. The register is the first hub's. What is known of them first is too little: the register says what would help, and
// there is nothing to ask with. With more it determines one person; an emergency is asked about at every hub by its
// word alone, each by what it was told itself. What the person has blocked is told under the emergency, and only
// then; both hubs review it, and the person sees it when they sign in.
func unconscious(t *testing.T, towns []*town, own *ownPages) {
	home, school, carer := towns[0], towns[1], towns[2]
	const number = "9434765943"
	who := home.known("Nora Pike "+number, map[ident.Column]string{"gp-riverside": number})
	home.tellsHubs(t, number, carer.made.Hub)
	r := home.tellRegistrar(t, "dr-patel", "/registers/people/recognitions", map[string]any{"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": given(ottoline)})
	home.send(t, "dr-patel", http.MethodPost, home.Relmgr.URL+"/relmgr/v1/anchors", map[string]any{
		"column": "gp-riverside", "identifier": number, "recognition": r["recognition"], "reason": "same-person-found"}).said(t, http.StatusAccepted)
	proof, err := home.storyteller().proof(t.Context(), home.signedIn(t, "dr-patel"), who, "gp-riverside")
	if err != nil {
		t.Fatal(err)
	}
	block := func() string {
		return home.send(t, "dr-patel", http.MethodPost, home.Consent.URL+"/consent/v1/blocks", map[string]any{
			"proof": proof, "reach": "block", "warning": "effect-on-care-1", "evidence": "spoken-and-noted",
		}).said(t, http.StatusCreated)["block"].(string)
	}

	// A first name is too little.
	little := recognisedAt(t, carer, home, "mr-lindqvist", []map[string]any{{"name": map[string]any{"given": "Philippa"}}})
	if little["outcome"] != "under-determined" || little["recognition"] != nil || little["elsewhere"] != nil || little["subject"] != nil || len(little["helps"].([]any)) == 0 {
		t.Fatalf("%v", little)
	}
	// What her bag holds is enough.
	asks := func(emergency bool) (heard, string, map[string]any) {
		t.Helper()
		who, column := "dr-patel", "gp-riverside"
		if emergency {
			who, column = "mr-lindqvist", "social-care"
		}
		found := recognisedAt(t, carer, home, who, ottoline)
		if found["outcome"] != "determined" || found["subject"] != nil {
			t.Fatalf("%v", found)
		}
		q := map[string]any{
			"column": column, "recognition": found["recognition"], "elsewhere": found["elsewhere"], "scope": "federation", "purpose": "co-ordinate-care",
			"reason": "risk-of-harm", "concerning": "adult", "emergency": emergency,
		}
		a := carer.send(t, who, http.MethodPost, carer.Relmgr.URL+"/relmgr/v1/enquiries", q).said(t, http.StatusOK)
		var orders []string
		for _, o := range a["orders"].([]any) {
			orders = append(orders, o.(map[string]any)["order"].(string))
		}
		return carer.carries(t, who, orders), a["known"].(string), q
	}
	h, known, _ := asks(false)
	wantToldBy(t, h, home, "Riverside Surgery")
	if known != "nothing-to-tell" || !h.complete {
		t.Errorf("at home %s, and %+v", known, h)
	}
	wantToldBy(t, h, school) // which knows them, and tells the partnership alone

	blocked := block()
	h, _, _ = asks(false)
	wantToldBy(t, h, home)
	h, _, q := asks(true)
	wantToldBy(t, h, home, "Riverside Surgery")
	if p := h.hubs[home.made.Hub]["providers"].([]any)[0].(map[string]any); p["contact"].(map[string]any)["value"] != "01632 960101" {
		t.Errorf("a route to nobody: %v", p)
	}
	for _, w := range []struct {
		*town
		peer string
	}{{home, "e.peer = '" + carer.made.Hub + "'"}, {carer, "e.peer is null"}} {
		var reviews int
		if err := w.Admin(t).QueryRowContext(t.Context(), "select count(*) from relmgr.reviews v join relmgr.enquiries e using (enquiry_id) where v.cause = 'emergency' and "+w.peer).Scan(&reviews); err != nil || reviews != 1 {
			t.Errorf("%s has %d reviews: %v", w.Name, reviews, err)
		}
	}

	// A recognition serves once at each hub, whoever's question carries it.
	carer.send(t, "mr-lindqvist", http.MethodPost, carer.Relmgr.URL+"/relmgr/v1/enquiries", q).problem(t, http.StatusUnprocessableEntity)
	// It is of no use to another practitioner, nor is the word to one hub at another.
	found := recognisedAt(t, carer, home, "mr-lindqvist", ottoline)
	q["recognition"], q["elsewhere"] = found["recognition"], found["elsewhere"]
	q["column"] = "gp-riverside"
	carer.send(t, "dr-patel", http.MethodPost, carer.Relmgr.URL+"/relmgr/v1/enquiries", q).problem(t, http.StatusUnprocessableEntity)
	q["column"] = "social-care"
	both := found["elsewhere"].([]any)
	one, two := both[0].(map[string]any), both[1].(map[string]any)
	one["recognition"], two["recognition"] = two["recognition"], one["recognition"]
	a := carer.send(t, "mr-lindqvist", http.MethodPost, carer.Relmgr.URL+"/relmgr/v1/enquiries", q).said(t, http.StatusOK)
	var orders []string
	for _, o := range a["orders"].([]any) {
		orders = append(orders, o.(map[string]any)["order"].(string))
	}
	if h := carer.carries(t, "mr-lindqvist", orders); h.complete || h.hubs[home.made.Hub]["answered"] != false || h.hubs[school.made.Hub]["answered"] != false {
		t.Errorf("a word to one hub is taken by another: %+v", h)
	}
	// A pass is for one registrar: this hub's own takes none of its own hub's, and nobody's token.
	pass := carer.send(t, "mr-lindqvist", http.MethodPost, carer.Federation.URL+"/federation/v1/passes", map[string]any{"hub": school.made.Hub, "purpose": "co-ordinate-care"}).said(t, http.StatusOK)["pass"].(string)
	recognisedBy(t, home, pass, ottoline).problem(t, http.StatusUnauthorized)
	recognisedBy(t, home, carer.token(t, "mr-lindqvist"), ottoline).problem(t, http.StatusUnauthorized)

	// She is told: her own page shows the emergency, and from where it was asked.
	home.send(t, "dr-patel", http.MethodPost, home.Consent.URL+"/consent/v1/blocks/"+blocked+"/withdrawal", map[string]any{"evidence": "spoken-and-noted"}).said(t, http.StatusCreated)
	e := home.copied(t, own.says().Recognition)
	emergencies := 0
	for _, asked := range e.Enquiries {
		if asked.Emergency && string(asked.Hub.Or("")) == carer.made.Hub {
			emergencies++
		}
	}
	if emergencies != 1 {
		t.Errorf("she is told of %d emergencies: %+v", emergencies, e.Enquiries)
	}
	// Nothing of who she is has left the register.
	for _, w := range towns {
		dump := string(w.Postgres.Dump(t, w.Name))
		for _, secret := range []string{"Ottoline", "FFOttoline"} {
			if strings.Contains(dump, secret) {
				t.Errorf("the dump of %s holds %s", w.Name, secret)
			}
		}
		for _, d := range w.Duties() {
			if strings.Contains(string(d.Log.Bytes()), "Ottoline") {
				t.Errorf("%s logs her name", d.Name)
			}
		}
	}
	for _, w := range []*town{home, carer} {
		w.verifies(t)
	}
}

// given is evidence as it is asked with, without its source.
func given(evidence []map[string]any) (out []map[string]any) {
	for _, e := range evidence {
		one := maps.Clone(e)
		delete(one, "source")
		out = append(out, one)
	}
	return out
}

// SUB-09, FED-09, SUS-02: somebody signs in once, with one registrar, and sees on one page who asked about
// them at each hub that takes its word. A hub takes the statement that was made for it, and no other's; one that is
// down is named as not having answered, and costs the page no more than its deadline; nobody keeps what was gathered.
func reach(t *testing.T, towns []*town) {
	home, school, carer := towns[0], towns[1], towns[2]
	admits(t, home, towns)
	home.atOneAddress(t)
	own := home.enrols(t, ottoline)
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

	// At the school somebody knows them, and has attached what the home county's registrar said.
	const pupil = "9434765935"
	school.tellsHubs(t, pupil)
	school.send(t, "dr-patel", http.MethodPost, school.Relmgr.URL+"/relmgr/v1/anchors", map[string]any{
		"column": "gp-riverside", "identifier": pupil, "recognition": recognisedAt(t, school, home, "dr-patel", ottoline)["recognition"], "reason": "same-person-found",
	}).said(t, http.StatusAccepted)
	school.send(t, "dr-brandt", http.MethodPost, school.Relmgr.URL+"/relmgr/v1/enquiries", enquiry("gp-riverside", pupil, "")).said(t, http.StatusOK)
	b.open("/portal/me/elsewhere")
	b.sees("Riverside Surgery", "Co-ordinate care and support", "It has nobody to tell you of who asked about you")
	b.seesNot("Has not answered")
	b.looks("me-elsewhere-asked")
	if text := b.fetched("/portal/me/copy/my-data.json"); !strings.Contains(text, `"elsewhere"`) || !strings.Contains(text, school.made.Hub) {
		t.Errorf("the copy lacks what the school says: %.300s", text)
	}
	t.Run("E2E-05", func(t *testing.T) { unconscious(t, towns, own) })

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
