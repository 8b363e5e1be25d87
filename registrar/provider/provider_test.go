package provider_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/registrar"
)

const (
	gpBack     = "http://localhost:9/gp/back"
	schoolBack = "http://localhost:9/school/back"
)

func at(t *testing.T, o object, name string) any {
	t.Helper()
	inner, ok := o[name]
	if !ok {
		t.Fatalf("no %s in %v", name, o)
	}
	return inner
}

// REG-25, AUT-14, issue "The registrar", point 5: a certified relying party signs a
// person in, without script; each agency is told another sub, how, and when.
func TestARelyingPartyThatIsNotOursSignsAPersonIn(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	gp, school := s.relyingParty("gp-portal", gpBack), s.relyingParty("school-portal", schoolBack)
	b := s.browser()
	b.enrol(s)
	b.submit("sign-out")

	b.get(gp.begin(object{"scope": "openid recognition", "login_hint": "zsofia@mail.example"}))
	b.shows("Riverside Surgery", "Sign-in number")
	b.submit("secret", "number", b.number, "secret", "not the password")
	b.shows("There is a problem", "not right")
	b.submit("secret", "number", b.number, "secret", passphrase)
	b.shows("Enter a code from your app")
	b.submit("code", "code", "000000")
	b.shows("not the one that your app shows")
	b.submit("code", "code", b.shown(0))
	if !strings.HasPrefix(b.back, gpBack+"?") {
		t.Fatalf("the browser is at %s: %s", b.at, b.page)
	}
	first := b.back
	said := gp.finish(first)
	claims, _ := at(t, said, "claims").(object)
	if claims["acr"] != "two-factors" || len(claims["amr"].([]any)) != 3 || claims["iss"] != s.issuer || claims["aud"] != "gp-portal" || claims["auth_time"] == nil {
		t.Errorf("claims %v", claims)
	}
	info := at(t, said, "userinfo").(object)
	if info["sub"] != claims["sub"] {
		t.Errorf("userinfo %v", info)
	}
	s.states(info["recognition"], "two-factors")
	if again := gp.step(object{"do": "replay", "url": first}); again["error"] != "invalid_grant" {
		t.Errorf("the code a second time: %v", again)
	}

	// The other agency: nothing is asked again, and its sub is another.
	b.get(school.begin(nil))
	other := school.finish(b.back)
	theirs := at(t, other, "claims").(object)
	if theirs["sub"] == claims["sub"] || theirs["sub"] == nil {
		t.Errorf("two agencies are told %v and %v", claims["sub"], theirs["sub"])
	}
	if at(t, other, "userinfo").(object)["recognition"] != nil {
		t.Error("a statement is given that was not asked for")
	}
	// The same agency is told the same, and it is what its practitioners call the entry.
	b.get(gp.begin(nil))
	if again := at(t, gp.finish(b.back), "claims").(object); again["sub"] != claims["sub"] {
		t.Error("an agency's sub changes")
	}
	admin := s.Admin(t)
	var entries, acts int
	must(t, admin.QueryRow("select count(*) from registrar.entries where entry in ($1, $2)", claims["sub"], theirs["sub"]).Scan(&entries))
	must(t, admin.QueryRow("select count(*) from registrar.acts where kind = 'sign-in'").Scan(&acts))
	if entries != 2 || acts != 3 {
		t.Errorf("%d entries, %d acts", entries, acts)
	}

	// Sign-out: asked first, then done, then back; the hint may be of any age.
	b.get(gp.step(object{"do": "leave", "parameters": object{"post_logout_redirect_uri": "http://localhost:9/gp/out", "state": "s"}})["url"].(string))
	b.shows("Do you want to sign out?")
	b.submit("leave")
	if b.back != "http://localhost:9/gp/out?state=s" {
		t.Errorf("after signing out: %s %s", b.back, b.page)
	}
	b.get(gp.begin(object{"prompt": "none"}))
	if !strings.Contains(b.back, "error=login_required") {
		t.Errorf("with prompt=none and nobody signed in: %s", b.back)
	}
	for _, secret := range []string{"zsofia@mail", passphrase, strings.ReplaceAll(b.number, " ", ""), string(s.person)} {
		if strings.Contains(s.log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

// states checks what the hub's relationship manager is told of who has signed in, and
// that nobody else can read whom it is of.
func (s *site) states(statement any, acr string) {
	s.t.Helper()
	token, _ := statement.(string)
	keys, err := attest.PublicKeys(s.t.Context(), s.keys, registrar.SigningKey(code))
	must(s.t, err)
	said, err := attest.NewVerifier(string(code), keys.Fixed, time.Now).VerifySubject(s.t.Context(), token, "https://hub.example/relmgr", 5*time.Minute)
	if err != nil || said.ACR != acr || said.Level != "low" {
		s.t.Fatalf("%+v, %v", said, err)
	}
	opener, err := attest.NewOpener(s.t.Context(), s.keys, agreement)
	must(s.t, err)
	secret, err := opener.Open(s.t.Context(), said.Secret)
	if must(s.t, err); secret.Bytes() == [32]byte{} {
		s.t.Error("the statement is of nobody")
	}
}

// AUT-01, SUB-01: where people sign in that is no portal, nobody is given the statement
// with which to ask as them.
func TestOnlyAPortalIsToldWhomToAskAs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	school := s.relyingParty("school-portal", schoolBack)
	b := s.browser()
	b.enrol(s)
	b.get(school.begin(object{"scope": "openid recognition"}))
	if strings.Contains(b.back, "error=") {
		if !strings.Contains(b.back, "error=invalid_scope") {
			t.Errorf("sent back with %s", b.back)
		}
		return
	}
	if info := at(t, school.finish(b.back), "userinfo").(object); info["recognition"] != nil {
		t.Error("the school is given a statement of who has signed in")
	}
}

// AUT-14: a session that is not enough is told what is needed, and goes on to it; one
// that is too old, or that is to be made anew, is made anew.
func TestARelyingPartyAsksForMore(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	gp, school := s.relyingParty("gp-portal", gpBack), s.relyingParty("school-portal", schoolBack)
	b := s.browser()
	b.enrol(s)
	b.submit("sign-out")
	b.get(school.begin(nil)) // a password is enough there
	b.submit("secret", "number", b.number, "secret", passphrase)
	if claims := at(t, school.finish(b.back), "claims").(object); claims["acr"] != "one-factor" {
		t.Errorf("claims %v", claims)
	}
	b.get(gp.begin(object{"prompt": "none"}))
	if !strings.Contains(b.back, "error=unmet_authentication_requirements") {
		t.Errorf("too little, and nothing may be asked: %s", b.back)
	}
	b.get(gp.begin(nil)) // needs two: asks for the code alone
	b.shows("Enter a code from your app")
	b.submit("code", "code", b.shown(0))
	if claims := at(t, gp.finish(b.back), "claims").(object); claims["acr"] != "two-factors" {
		t.Errorf("after step-up: %v", claims)
	}
	b.get(gp.begin(object{"acr_values": "phishing-resistant"}))
	b.shows("This site needs a passkey")
	b.submit("cancel")
	if !strings.Contains(b.back, "error=access_denied") {
		t.Errorf("who does not want to: %s", b.back)
	}
	b.get(gp.begin(object{"prompt": "login"}))
	b.shows("Sign-in number")
	time.Sleep(2100 * time.Millisecond) // so that the proof is older than max_age
	b.get(gp.begin(object{"max_age": "1"}))
	b.shows("Sign-in number")
	b.get(gp.begin(object{"max_age": "3600"}))
	if said := gp.finish(b.back); said["claims"] == nil {
		t.Errorf("new enough: %v", said)
	}
}

// What a relying party, or somebody who says to be one, must not do.
func TestARelyingPartyIsHeldToWhatIsRegistered(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	gp := s.relyingParty("gp-portal", gpBack)
	b := s.browser()
	b.enrol(s)
	good := gp.begin(nil)
	changed := func(name, value string) string {
		u, err := url.Parse(good)
		must(t, err)
		q := u.Query()
		if q.Set(name, value); value == "" {
			q.Del(name)
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	for _, uri := range []string{gpBack + "/", gpBack + "?x=1", "http://localhost:9/GP/back", "https://evil.example/back", schoolBack, "", "javascript:alert(1)"} {
		b.get(changed("redirect_uri", uri))
		if b.back != "" || b.status != http.StatusBadRequest {
			t.Errorf("redirect to %q: %d %s", uri, b.status, b.back)
		}
	}
	b.get(changed("client_id", "nobody"))
	if b.back != "" || b.status != http.StatusBadRequest || strings.Contains(b.page, "nobody") {
		t.Errorf("a client that is none: %d %s", b.status, b.page)
	}
	for _, c := range []struct{ name, value, want string }{
		{"code_challenge", "", "invalid_request"}, {"code_challenge_method", "plain", "invalid_request"}, {"response_type", "token", "invalid_request"},
		{"scope", "profile", "invalid_scope"}, {"scope", "", "invalid_request"}, {"acr_values", "nothing", "invalid_request"}, {"response_type", "code id_token", "invalid_request"},
	} {
		b.get(changed(c.name, c.value))
		if !strings.Contains(b.back, "error="+c.want) {
			t.Errorf("%s %q: %d %s", c.name, c.value, b.status, b.back)
		}
	}
	// A wrong verifier: nothing, and the code is burnt.
	b.get(gp.begin(nil))
	if said := gp.step(object{"do": "finish", "url": b.back, "verifier": strings.Repeat("x", 50)}); said["error"] != "invalid_grant" {
		t.Errorf("a wrong verifier: %v", said)
	}
	if said := gp.finish(b.back); said["error"] == nil {
		t.Errorf("after a wrong verifier: %v", said)
	}
	// Without the site's key a code is worth nothing.
	b.get(gp.begin(nil))
	back, err := url.Parse(b.back)
	must(t, err)
	for what, form := range map[string]url.Values{
		"no proof":    {"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "client_id": {"gp-portal"}, "redirect_uri": {gpBack}},
		"a secret":    {"grant_type": {"authorization_code"}, "code": {back.Query().Get("code")}, "client_id": {"gp-portal"}, "client_secret": {""}, "redirect_uri": {gpBack}},
		"credentials": {"grant_type": {"client_credentials"}, "client_id": {"gp-portal"}},
	} {
		resp, err := http.PostForm(s.issuer+"/token", form)
		must(t, err)
		resp.Body.Close()
		if resp.StatusCode < 400 || resp.StatusCode > 499 {
			t.Errorf("%s: %d", what, resp.StatusCode)
		}
	}
	// An agency that is taken out of the partnership is no relying party any more.
	s.mu.Lock()
	after := *s.terms
	after.Version++
	after.Registrars = append(after.Registrars[:0:0], after.Registrars...)
	after.Registrars[0].RelyingParties = nil
	s.terms = &after
	s.mu.Unlock()
	b.get(good)
	if b.back != "" || b.status != http.StatusBadRequest {
		t.Errorf("a site that was taken out: %d %s", b.status, b.back)
	}
}

// REG-07: what is revoked ends what an agency was given of it, at the next request.
func TestARevokedAuthenticatorEndsWhatARelyingPartyHas(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	gp := s.relyingParty("gp-portal", gpBack)
	b := s.browser()
	b.enrol(s)
	b.get(gp.begin(nil))
	fetched := at(t, gp.finish(b.back), "access_token").(string)
	userinfo := func() int {
		r, err := http.NewRequest(http.MethodGet, s.issuer+"/userinfo", nil)
		must(t, err)
		r.Header.Set("Authorization", "Bearer "+fetched)
		resp, err := http.DefaultClient.Do(r)
		must(t, err)
		resp.Body.Close()
		return resp.StatusCode
	}
	if userinfo() != http.StatusOK {
		t.Fatal("the access token does not open userinfo")
	}
	b.get(gp.begin(nil))
	waiting := b.back
	all, err := s.accounts.Authenticators(t.Context(), s.keeper, "town", s.person)
	must(t, err)
	for _, a := range all {
		if a.Kind == registrar.SecretKind {
			_, err := s.accounts.Revoke(t.Context(), s.keeper, "town", s.person, a.ID, "asked")
			must(t, err)
		}
	}
	if got := userinfo(); got == http.StatusOK {
		t.Error("the access token still opens userinfo")
	}
	if said := gp.finish(waiting); said["error"] != "invalid_grant" {
		t.Errorf("a code that waited: %v", said)
	}
	b.get(gp.begin(object{"prompt": "none"}))
	if !strings.Contains(b.back, "error=login_required") {
		t.Errorf("the browser is still signed in: %s", b.back)
	}
}

// A request is one browser's and has one answer; another site's page cannot answer it,
// and no page can be framed or run a script of its own.
func TestAPageIsSafeFromOtherSites(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	gp := s.relyingParty("gp-portal", gpBack)
	b := s.browser()
	b.enrol(s)
	b.submit("sign-out")
	b.get(gp.begin(nil))
	policy := b.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self' http://localhost:9;"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy %q lacks %s", policy, want)
		}
	}
	if strings.Contains(b.page, "style=") || regexp.MustCompile(`<script[^>]*>[^<]`).MatchString(b.page) || regexp.MustCompile(` on[a-z]+="`).MatchString(b.page) {
		t.Error("something is inline")
	}
	for name, c := range b.jar {
		if !strings.HasPrefix(name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("cookie %+v", c)
		}
	}
	action, form := b.form("secret")
	form.Set("number", b.number)
	form.Set("secret", passphrase)
	send := func(browser *browser, site, origin string) int {
		r, err := http.NewRequest(http.MethodPost, action, strings.NewReader(form.Encode()))
		must(t, err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if site != "" {
			r.Header.Set("Sec-Fetch-Site", site)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		browser.got(browser.client.Do(r))
		return browser.status
	}
	if got := send(b, "cross-site", ""); got != http.StatusForbidden {
		t.Errorf("from another site: %d", got)
	}
	if got := send(b, "", "https://evil.example"); got != http.StatusForbidden {
		t.Errorf("from another origin, by an old browser: %d", got)
	}
	thief := s.browser()
	if got := send(thief, "same-origin", ""); got != http.StatusForbidden || len(thief.jar) != 0 {
		t.Errorf("from another browser: %d", got)
	}
	// Another site may send somebody here, and cannot have them signed in as somebody else.
	forged := url.Values{"step": {"secret"}, "number": {b.number}, "secret": {passphrase}}
	u, err := url.Parse(gp.begin(nil))
	must(t, err)
	for name, v := range u.Query() {
		forged[name] = v
	}
	u.RawQuery = ""
	r, err := http.NewRequest(http.MethodPost, u.String(), strings.NewReader(forged.Encode()))
	must(t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	victim := s.browser()
	victim.got(victim.client.Do(r))
	victim.shows("Sign-in number")
	for name := range victim.jar {
		if name == "__Host-fame-county" {
			t.Error("another site signs a browser in")
		}
	}
	// Answered once.
	b.get(action)
	b.submit("secret", "number", b.number, "secret", passphrase)
	b.submit("code", "code", b.shown(0))
	if !strings.Contains(b.back, "code=") {
		t.Fatalf("not answered: %s", b.page)
	}
	if got := send(b, "same-origin", ""); got != http.StatusBadRequest || b.back != "" && strings.Contains(b.back, "code=") && got != http.StatusBadRequest {
		t.Errorf("answered again: %d %s", got, b.back)
	}
	for _, path := range []string{"/account/../../x", "/static/../doc.go", "/static/", "/authorize/none", "/logout/none", "/nothing"} {
		b.get(s.issuer + path)
		if b.status < 400 || b.status > 499 {
			t.Errorf("%s: %d", path, b.status)
		}
	}
}

// What is published is enough for a relying party, and the signing key is not in it.
func TestDiscoveryAndKeysArePublished(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	b.get(s.issuer + "/.well-known/openid-configuration")
	b.shows(`"issuer":"`+s.issuer+`"`, `"code_challenge_methods_supported":["S256"]`, `"subject_types_supported":["pairwise"]`, `"private_key_jwt"`,
		`"end_session_endpoint"`, `"acr_values_supported":["one-factor","two-factors","phishing-resistant"]`, `"response_types_supported":["code"]`)
	b.get(s.issuer + "/jwks")
	b.shows(`"kty":"EC"`, `"alg":"ES256"`)
	if strings.Contains(b.page, `"d":`) {
		t.Error("the private key is published")
	}
	old := b.page
	// Rotation: the next key signs, and both are published until the old one is destroyed.
	_, _, err := s.keys.Ensure(t.Context(), registrar.ProviderKey(code, 2), "sign")
	must(t, err)
	b.get(s.issuer + "/jwks")
	if strings.Count(b.page, `"kid"`) != 2 {
		t.Errorf("after rotation: %s", b.page)
	}
	gp := s.relyingParty("gp-portal", gpBack)
	b.enrol(s)
	b.get(gp.begin(nil))
	if said := gp.finish(b.back); said["claims"] == nil {
		t.Errorf("signed with the new key: %v", said)
	}
	must(t, s.keys.Destroy(t.Context(), registrar.ProviderKey(code, 1)))
	b.get(s.issuer + "/jwks")
	if strings.Count(b.page, `"kid"`) != 1 || b.page == old {
		t.Errorf("after the old one was destroyed: %s", b.page)
	}
}
