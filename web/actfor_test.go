package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/api/relmgroas"
)

// aParent has signed in at a portal of which no duty runs.
func aParent(t *testing.T) (p *Portal, s *session, get func(path string) *httptest.ResponseRecorder) {
	t.Helper()
	c := &clock{at: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	p, err := New(Config{
		Public: "http://hub.test", Hub: "Test", Now: c.now, Logger: quiet, Registrar: &Registrar{Title: "the registrar", Issuer: "http://registrar.test", Client: "portal"},
		Duties: Duties{Relmgr: "http://127.0.0.1:1", Consent: "http://127.0.0.1:1", Governance: "http://127.0.0.1:1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	said := []statedFor{{Authority: "parental-responsibility", Scope: []string{"see", "decide"}}, {Authority: "parental-responsibility", Scope: []string{"see"}}, {Authority: "special-guardian", Scope: []string{"see"}}}
	who := &user{party: registrarName, subject: "x", Name: "You", sensitive: true, until: c.now().Add(time.Hour), proofs: []relmgroas.MyHandlesProofs{{Relmgr: "own"}}}
	for i, one := range said {
		who.represents = append(who.represents, &represented{id: one.Authority + one.Scope[len(one.Scope)-1], words: saidOf(said, i), decide: len(one.Scope) > 1, proofs: []relmgroas.MyHandlesProofs{{Relmgr: "another's"}}})
	}
	s = p.sessions.begin(who)
	return p, s, func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: s.id})
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		return w
	}
}

// Those by the same authority are counted, nothing else tells them apart; what is asked is
// asked with that person's proofs, never with the sensitive ones of who has signed in; and
// whose file it is belongs to the session, so that what another session chooses changes nothing (LEG-21, SUB-12).
func TestWhoeverActsForAnotherAsksWithTheirProofsAlone(t *testing.T) {
	t.Parallel()
	p, s, get := aParent(t)
	page := get("/portal/me/for").Body.String()
	for _, words := range []string{"for whom you have parental responsibility (1 of 2)", "for whom you have parental responsibility (2 of 2)", "for whom you are special guardian<"} {
		if !strings.Contains(page, words) {
			t.Errorf("the page does not say %q: %s", words, page)
		}
	}
	other := p.sessions.begin(s.who)
	s.actFor("parental-responsibilitydecide", s.who.represents)
	if u := s.user(); u.proofs[0].Relmgr != "another's" || u.sensitive || !u.mayDecide() {
		t.Errorf("acts with %v, sensitive %v", u.proofs, u.sensitive)
	}
	if u := other.user(); u.acting != nil || u.proofs[0].Relmgr != "own" || !u.sensitive {
		t.Error("another session acts for somebody too")
	}
	if page := get("/portal/me").Body.String(); !strings.Contains(page, "You act for somebody for whom you have parental responsibility (1 of 2).") || strings.Contains(page, "sensitive=yes") {
		t.Errorf("the start page does not say so: %s", page)
	}
	s.actFor("own", s.who.represents)
	if page := get("/portal/me").Body.String(); strings.Contains(page, "You act for") || s.user().proofs[0].Relmgr != "own" {
		t.Error("it has not stopped")
	}
}

// Every page with a form about the person takes more than to see: none is left out, and
// none is refused to who may decide. That no duty runs shows that no duty is asked first.
func TestWhoMaySeeIsShownNoFormOfThePersons(t *testing.T) {
	t.Parallel()
	p, s, get := aParent(t)
	id := "0190a3f4-6c1e-4a5b-9c7d-2f8e1b3a5d60"
	for _, path := range p.Forms() {
		if !strings.HasPrefix(path, "/portal/me/") || path == Prefix+forPath {
			continue
		}
		path = strings.NewReplacer("{handle}", id, "{id}", id, "{act}", id).Replace(path)
		s.actFor("special-guardiansee", s.who.represents)
		if w := get(path); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "does not go as far as to decide for them") {
			t.Errorf("%s answers %d to who may see", path, w.Code)
		}
		s.actFor("parental-responsibilitydecide", s.who.represents)
		if w := get(path); w.Code == http.StatusForbidden {
			t.Errorf("%s answers %d to who may decide", path, w.Code)
		}
	}
}

// Who cannot decide for themself is told what to do, and nothing of who acts for them.
func TestWhoCannotDecideForThemselfIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	p, _, _ := aParent(t)
	w := httptest.NewRecorder()
	p.notSignedIn(w, httptest.NewRequest(http.MethodGet, "/portal/sign-in/registrar/back", nil), cannotAlone())
	for _, words := range []string{"Somebody has to sign in for you", "Ask them to sign in here", "If nobody does that for you"} {
		if !strings.Contains(w.Body.String(), words) {
			t.Errorf("the page does not say %q: %s", words, w.Body)
		}
	}
}
