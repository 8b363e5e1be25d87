package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/api/export"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/provider"
	"github.com/fame-hub/fame/web"
)

// ownPages is somebody's way through the registrar's pages and back to the portal, whose
// key file signs for it as its process does.
type ownPages struct {
	t       *testing.T
	w       *town
	cookies []*http.Cookie
	access  string
	info    string // userinfo's address
	number  string // with which they sign in
}

// send goes to an address of the hub, which in a town is the registrar's own, and returns
// the page or where it leads.
func (p *ownPages) send(method, address, bearer string, form url.Values) (text, leads string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, strings.Replace(address, p.w.made.Hub, p.w.Registrar.URL, 1), strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	for _, c := range p.cookies { // a browser sends them to its own machine, which a jar does not
		r.AddCookie(c)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	if resp.StatusCode >= 400 {
		p.t.Fatalf("%s %s: %d %.300s", method, r.URL.Path, resp.StatusCode, body)
	}
	p.cookies = append(resp.Cookies(), p.cookies...)
	if leads = resp.Header.Get("Location"); strings.HasPrefix(leads, "/") {
		leads = p.w.made.Hub + leads
	}
	return string(body), leads
}

// signsIn enrols somebody by a keeper's code and has them sign in at the portal.
func (w *town) signsIn(t *testing.T, code string) *ownPages {
	t.Helper()
	p := &ownPages{t: t, w: w}
	at := w.made.Hub + provider.Prefix(registrarCode)
	page, _ := p.send(http.MethodPost, at+"/account/code", "", url.Values{"step": {"enrolment"}, "code": {code}})
	number := regexp.MustCompile(`id="sign-in-number">([0-9 ]+)<`).FindStringSubmatch(html.UnescapeString(page))
	if number == nil {
		t.Fatalf("the page names no sign-in number: %.300s", page)
	}
	p.number = number[1]
	p.send(http.MethodPost, at+"/account", "", url.Values{"step": {"new-secret"}, "secret": {member.password}, "again": {member.password}})

	var found struct {
		Issuer, AuthorizationEndpoint, TokenEndpoint, UserinfoEndpoint string
	}
	text, _ := p.send(http.MethodGet, at+"/.well-known/openid-configuration", "", nil)
	if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "_endpoint", "Endpoint")), &found); err != nil {
		t.Fatal(err)
	}
	verifier, back := rand.Text()+rand.Text(), web.RedirectURI(w.made.Hub)
	sum := sha256.Sum256([]byte(verifier))
	_, leads := p.send(http.MethodGet, found.AuthorizationEndpoint+"?"+url.Values{
		"response_type": {"code"}, "client_id": {portalClient}, "redirect_uri": {back}, "scope": {"openid recognition"}, "state": {rand.Text()}, "nonce": {rand.Text()},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}.Encode(), "", nil)
	for range 5 {
		if leads == "" || strings.HasPrefix(leads, back) {
			break
		}
		_, leads = p.send(http.MethodGet, leads, "", nil)
	}
	returned, err := url.Parse(leads)
	if err != nil || returned.Query().Get("code") == "" {
		t.Fatalf("nobody is sent back to the portal: %q", leads)
	}
	keys, err := seal.OpenFile(w.made.path("keys", "portal.keys"), w.made.path("keys", "portal.identity"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	assertion, err := attest.NewSigner(keys, web.SigningKey, portalClient).Sign(context.Background(), "JWT", attest.Claims{
		Issuer: portalClient, Subject: portalClient, Audience: found.Issuer, IssuedAt: now.Unix(), Expires: now.Add(time.Minute).Unix(), ID: rand.Text(),
	})
	if err != nil {
		t.Fatal(err)
	}
	text, _ = p.send(http.MethodPost, found.TokenEndpoint, "", url.Values{
		"grant_type": {"authorization_code"}, "code": {returned.Query().Get("code")}, "redirect_uri": {back}, "code_verifier": {verifier}, "client_id": {portalClient},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion},
	})
	var tokens struct {
		Access string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(text), &tokens); err != nil || tokens.Access == "" {
		t.Fatalf("no access token: %v", err)
	}
	p.access, p.info = tokens.Access, found.UserinfoEndpoint
	return p
}

// says is what the registrar says now of who has signed in.
func (p *ownPages) says() (said struct {
	Recognition string
	Needs       bool `json:"needs_representative"`
	Represents  []struct {
		Authority, Recognition string
		Scope                  []string
	}
	Elsewhere []struct{ Hub, Recognition string }
},
) {
	p.t.Helper()
	text, _ := p.send(http.MethodGet, p.info, p.access, nil)
	if err := json.Unmarshal([]byte(text), &said); err != nil {
		p.t.Fatal(err)
	}
	return said
}

// copied is the copy that fame my-data makes of what the hub holds, by a statement.
func (w *town) copied(t *testing.T, statement string) (e export.Export) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "statement")
	if err := os.WriteFile(file, []byte(statement), 0o600); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, hubtest.Fame(t, "", "my-data", "--statement", file, "--out", dir, "--relmgr", w.Relmgr.URL, "--consent", w.Consent.URL, "--idmgr", w.Idmgr.URL), 0, "Wrote my-data.json")
	text, err := os.ReadFile(filepath.Join(dir, "my-data.json"))
	if err == nil {
		err = json.Unmarshal(text, &e)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// E2E-17 (SUB-01, SUB-12, SUB-13, LEG-21), over running processes: children of eleven, twelve
// and fifteen, a parent with authority over the youngest and one of the others' with none,
// each signs in at the registrar and asks for what the hub holds. The two who are old
// enough act alone, and are given all that the store has of them and nothing of the others;
// the youngest does through the adult, what somebody else decided for them being held; over
// a competent child no adult acts, authority or not.
func TestE2E17AChildOldEnoughAsksAloneAndTheYoungerThroughAnAdultWithAuthority(t *testing.T) {
	w := everyday(t)
	w.change(t, func(doc map[string]any) { // where twelve is the age at which somebody is presumed to understand
		doc["partnership"].(map[string]any)["jurisdiction"] = "Scotland"
	})
	defer w.apply(t, "gov-ellis", w.document)
	w.tellRegistrar(t, "ms-abara", "/registers", map[string]any{"register": "families", "title": "Families", "contact": "desk", "scope": "All", "self_registered": false})
	s := w.storyteller()
	entries, numbers := map[string]string{}, map[string]string{}
	for n, who := range []string{"Elfrida", "Twila", "Fenella", "Modesty"} {
		years := []int{11, 12, 15, 40}[n]
		number := fmt.Sprintf("GP-17%03d", n)
		items := []map[string]any{
			{"name": map[string]any{"given": who, "family": "Hartnoll-" + who}}, {"birth": map[string]any{"date": time.Now().AddDate(-years, 0, -30).Format(time.DateOnly)}},
			{"identifier": map[string]any{"scheme": "passport", "value": fmt.Sprintf("HN%07d", 1700+n)}},
		}
		evidence := []map[string]any{{"name": items[0]["name"]}, {"birth": items[1]["birth"]}, {"identifier": items[2]["identifier"]}}
		for _, i := range items {
			i["source"] = "person"
		}
		w.secret("the name of one of a family", who, "Hartnoll")
		entries[who] = w.tellRegistrar(t, "ms-abara", "/registers/families/subjects", map[string]any{"items": items})["subject"].(string)
		numbers[who] = number
		if _, err := s.publish(t.Context(), riverside.Person{
			Imposed: "significant-harm", Reason: "risk-of-harm", Identifiers: map[ident.Column]string{"gp-riverside": number},
		}, offering["gp-riverside"]); err != nil {
			t.Fatal(err)
		}
		found := w.tellRegistrar(t, "dr-patel", "/registers/families/recognitions", map[string]any{"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": evidence})
		var attached recorded
		w.done(t, "dr-patel", http.MethodPost, "/anchors", map[string]any{"column": "gp-riverside", "identifier": number, "recognition": found["recognition"], "reason": "same-person-found"}, &attached)
		if _, err := s.ask(t.Context(), "dr-brandt", "gp-riverside", number, ""); err != nil {
			t.Fatal(err)
		}
	}
	// The parent agreed for the youngest: what somebody else's word is in it is held.
	var handle struct{ Proofs struct{ Consent string } }
	w.done(t, "dr-patel", http.MethodPost, "/handles", map[string]any{"column": "gp-riverside", "identifier": numbers["Elfrida"]}, &handle)
	if a := w.send(t, "dr-patel", http.MethodPost, w.Consent.URL+"/consent/v1/consents", map[string]any{
		"proof": handle.Proofs.Consent, "explicit": true, "audience": map[string]any{"partnership": true}, "purposes": []string{"co-ordinate-care"}, "aspects": []string{"relationship"},
		"until": time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339), "evidence": "signed-form", "wording": "leaflet-3", "competence": map[string]any{"presumed": "not-competent"},
		"proxy": map[string]any{"authority": "parental-responsibility", "evidence": "document-seen", "until": time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)},
	}); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.body)
	}
	for _, child := range []string{"Elfrida", "Fenella"} { // an authority over the fifteen-year-old is recorded, and is of no use
		w.tellRegistrar(t, "ms-abara", "/registers/families/subjects/"+entries[child]+"/representatives", map[string]any{
			"representative": entries["Modesty"], "scope": []string{"see"}, "reason": "working-with-person",
			"proxy": map[string]any{"authority": "parental-responsibility", "evidence": "document-seen", "until": time.Now().AddDate(5, 0, 0).UTC().Format(time.RFC3339)},
		})
	}
	own := map[string]*ownPages{}
	for who, entry := range entries {
		code := w.tellRegistrar(t, "ms-abara", "/registers/families/subjects/"+entry+"/enrolment-codes", map[string]any{"reason": "subject-asked"})
		own[who] = w.signsIn(t, code["code"].(string))
	}
	whole := func(who string, e export.Export) {
		t.Helper()
		db := w.Admin(t)
		var h string
		var enquiries, acts, decisions int
		w.done(t, "dr-patel", http.MethodPost, "/handles", map[string]any{"column": "gp-riverside", "identifier": numbers[who]}, &struct{ Handle *string }{&h})
		if err := db.QueryRow(`select (select count(*) from relmgr.enquiries where handle_id = $1), (select count(distinct act_id) from relmgr.act_handles where handle_id = $1),
			(select count(*) from relmgr.decisions where handle_id = $1)`, h).Scan(&enquiries, &acts, &decisions); err != nil {
			t.Fatal(err)
		}
		if len(e.Relationships) != 1 || len(e.Enquiries) != enquiries || len(e.Acts) != acts || len(e.Decisions) != decisions || enquiries == 0 || acts == 0 || decisions == 0 {
			t.Errorf("%s: %d relationships, %d enquiries, %d acts and %d decisions are copied; the store has 1, %d, %d and %d",
				who, len(e.Relationships), len(e.Enquiries), len(e.Acts), len(e.Decisions), enquiries, acts, decisions)
		}
	}
	for _, who := range []string{"Twila", "Fenella"} {
		said := own[who].says()
		if said.Needs || said.Recognition == "" || len(said.Represents) != 0 {
			t.Fatalf("%s does not act alone: %+v", who, said)
		}
		e := w.copied(t, said.Recognition)
		if whole(who, e); len(e.Held) != 0 {
			t.Errorf("something is held of %s: %v", who, e.Held)
		}
	}
	if said := own["Elfrida"].says(); !said.Needs || said.Recognition != "" {
		t.Errorf("a child of eleven acts alone: %+v", said)
	}
	said := own["Modesty"].says()
	if len(said.Represents) != 1 || said.Represents[0].Authority != "parental-responsibility" {
		t.Fatalf("the parent acts for %+v", said.Represents)
	}
	whole("Modesty", w.copied(t, said.Recognition))
	e := w.copied(t, said.Represents[0].Recognition)
	if whole("Elfrida", e); len(e.Held) != 1 || len(e.Consents) != 1 {
		t.Errorf("of %d consents %d are held, want the one that somebody else gave", len(e.Consents), len(e.Held))
	}
	// Somebody of the surgery looks: it is told from then on.
	if a := w.send(t, "dr-patel", http.MethodPost, w.Consent.URL+"/consent/v1/consents/"+string(e.Consents[0].Consent)+"/reviews",
		map[string]any{"outcome": "release", "reason": "subject-asked"}); a.status != http.StatusCreated || e.Consents[0].Proxy.Set {
		t.Fatalf("%d %s, and before %v", a.status, a.body, e.Consents[0].Proxy)
	}
	if e := w.copied(t, said.Represents[0].Recognition); len(e.Held) != 0 || e.Consents[0].Proxy.Value != "parental-responsibility" {
		t.Errorf("once somebody has looked %v is held, and told is %v", e.Held, e.Consents[0].Proxy)
	}
	// The authority ends: the next word of the registrar says nothing of the child.
	w.tellRegistrar(t, "ms-abara", "/registers/families/subjects/"+entries["Elfrida"]+"/representatives/end", map[string]any{"representative": entries["Modesty"], "reason": "working-with-person"})
	if said := own["Modesty"].says(); len(said.Represents) != 0 || said.Recognition == "" {
		t.Errorf("after the authority ended: %+v", said.Represents)
	}
	w.verifies(t)
}
