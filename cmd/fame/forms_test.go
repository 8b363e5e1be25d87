package main

import (
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/web"
)

// visitor is a browser without script, at the demo's hub but for the portal, which is one
// of the test's own with a clock that can be set.
type visitor struct {
	t      *testing.T
	hub    string
	client *http.Client
	portal *web.Portal
	last   [2]shown // what came of the form that was sent last, and of it from a second tab
	led    string   // where the form that was sent last led
	number string   // with which somebody signs in as themself

	mu   sync.Mutex
	now  time.Time
	sent []string // what the portal asked duties to do, each with who asked and what was sent
}

func newVisitor(t *testing.T, hub string) *visitor {
	t.Helper()
	return newVisitorOf(t, hub, web.Config{
		Public: hub, Hub: "Riverside", Duties: web.Duties{Relmgr: hub, Consent: hub, Governance: hub, Registrar: hub, Idmgrs: []string{hub}, Federation: hub},
		Agencies: []web.Agency{{Name: "local", Title: "Sign in at the local issuer", Issuer: hub + "/issuer", Client: audience}},
	})
}

func newVisitorOf(t *testing.T, hub string, c web.Config) *visitor {
	t.Helper()
	v := &visitor{t: t, hub: hub, now: time.Now()}
	c.Now, c.Logger, c.Transport = v.clock, slog.New(slog.DiscardHandler), recorder{v}
	portal, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v.portal = portal
	v.client = &http.Client{Transport: v, Jar: jar, Timeout: time.Minute}
	return v
}

func (v *visitor) clock() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

func (v *visitor) later(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
}

// RoundTrip serves the portal's pages here, and asks the hub for the rest.
func (v *visitor) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(r.URL.Path, web.Prefix) {
		return http.DefaultTransport.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.RequestURI(), r.Body)
	in.Header, in.Host = r.Header, r.URL.Host
	v.portal.ServeHTTP(w, in)
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

// shown is a page.
type shown struct {
	status int
	at     string // the path at which it ended
	text   string
	next   string // where whoever signs in first goes on to
}

func (v *visitor) got(resp *http.Response, err error) shown {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return shown{resp.StatusCode, resp.Request.URL.Path, string(text), resp.Request.URL.Query().Get("to")}
}

func (v *visitor) get(path string) shown {
	v.t.Helper()
	return v.got(v.client.Get(v.hub + path))
}

func (v *visitor) post(path string, form url.Values) shown {
	v.t.Helper()
	return v.got(v.client.PostForm(v.hub+path, form))
}

// signIn signs in as somebody of the demo, and returns the page that this leads to.
func (v *visitor) signIn(name, to string) shown {
	v.t.Helper()
	s := v.get("/portal/sign-in/local?to=" + url.QueryEscape(to))
	f := s.forms()
	if len(f) != 1 {
		v.t.Fatalf("no form to sign in with at %s: %d %s", s.at, s.status, s.text)
	}
	values := f[0].hidden()
	values.Set("person", name)
	return v.post("/issuer/authorize", values)
}

var (
	formsOf  = regexp.MustCompile(`(?s)<form[^>]* action="([^"]*)"[^>]*>(.*?)</form>`)
	inputOf  = regexp.MustCompile(`<input ([^>]*)>`)
	selectOf = regexp.MustCompile(`<(?:select|textarea) ([^>]*)>`)
	attrOf   = regexp.MustCompile(`([a-z]+)="([^"]*)"`)
)

// aForm is a form as it stands on a page.
type aForm struct {
	action string
	inputs []map[string]string
}

func (s shown) forms() (all []aForm) {
	for _, m := range formsOf.FindAllStringSubmatch(s.text, -1) {
		f := aForm{action: html.UnescapeString(m[1])}
		for kind, tags := range map[string][][]string{"text": inputOf.FindAllStringSubmatch(m[2], -1), "select": selectOf.FindAllStringSubmatch(m[2], -1)} {
			for _, tag := range tags {
				in := map[string]string{"type": kind}
				for _, a := range attrOf.FindAllStringSubmatch(tag[1], -1) {
					in[a[1]] = html.UnescapeString(a[2])
				}
				f.inputs = append(f.inputs, in)
			}
		}
		all = append(all, f)
	}
	return all
}

// hidden is what the form sends whatever is typed.
func (f aForm) hidden() url.Values {
	v := url.Values{}
	for _, in := range f.inputs {
		if in["type"] == "hidden" {
			v.Add(in["name"], in["value"])
		}
	}
	return v
}

// asks reports whether there is something to fill in.
func (f aForm) asks() bool {
	for _, in := range f.inputs {
		if in["type"] != "hidden" {
			return true
		}
	}
	return false
}

// rubbish are what every field of every form is given.
var rubbish = map[string]string{
	"nothing":    "",
	"HTML":       `"><script>document.title="run"</script><img src=x onerror=alert(1)>`,
	"bidi":       "GP-\u202e24000\u202c",
	"a formula":  `=HYPERLINK("http://elsewhere.example","x")`,
	"too much":   strings.Repeat("x", 2000),
	"no text":    "\x00\xff\xfe",
	"other code": "no-such-code",
}

func askFor(identifier string, s shown) url.Values {
	values := s.forms()[1].hidden() // the first form signs out
	for k, v := range map[string]string{"column": "gp-riverside", "identifier": identifier, "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "child"} {
		values.Set(k, v)
	}
	return values
}

// Issue "The portal", "Bad input": a double click makes one act; a session that ends in
// the middle of a form loses nothing, does nothing, and keeps it for nobody else.
func formsAreSentOnce(t *testing.T, hub string) {
	v := newVisitor(t, hub)
	s := v.signIn("dr-patel", "/portal/ask")
	values := askFor("GP-00042", s)
	var wait sync.WaitGroup
	led := make([]string, 6)
	for i := range led {
		wait.Go(func() { led[i] = v.post("/portal/ask", values).at })
	}
	wait.Wait()
	for _, at := range led {
		if at != led[0] || !strings.HasPrefix(at, "/portal/enquiries/") {
			t.Errorf("one form, sent six times at once, led to %v", led)
			break
		}
	}
	if n := strings.Count(v.get("/portal/enquiries").text, "GP-00042"); n != 1 {
		t.Errorf("it asked %d times", n)
	}

	values = askFor("GP-00101", v.get("/portal/ask"))
	v.later(16 * time.Minute)
	if s = v.post("/portal/ask", values); s.at != "/portal/sign-in" || !strings.Contains(s.text, "What you had typed is kept") {
		t.Fatalf("an ended session leads to %s: %s", s.at, s.text)
	}
	s = v.signIn("dr-patel", "/portal/ask")
	if !strings.Contains(s.text, `value="GP-00101"`) || !strings.Contains(s.text, "nothing has been done") {
		t.Errorf("what was typed is gone: %s", s.text)
	}
	if strings.Contains(v.get("/portal/enquiries").text, "GP-00101") {
		t.Error("what was typed was sent")
	}
	if strings.Contains(v.get("/portal/ask").text, "GP-00101") {
		t.Error("what was typed comes back a second time")
	}
	v.later(16 * time.Minute)
	v.post("/portal/ask", values)
	if s = v.signIn("ms-okafor", "/portal/ask"); strings.Contains(s.text, "GP-00101") {
		t.Error("somebody else is shown what was typed")
	}
}

// Another site's page can send nothing, nobody is signed in by a link of somebody else's,
// and nothing leads away from the portal.
func otherSitesAreKeptOut(t *testing.T, hub string) {
	v := newVisitor(t, hub)
	s := v.signIn("dr-patel", "/portal/ask")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, hub+"/portal/ask", strings.NewReader(askFor("GP-00042", s).Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if got := v.got(v.client.Do(r)); got.status != http.StatusForbidden {
		t.Errorf("a form of another site's page: %d", got.status)
	}
	if got := v.get("/portal/sign-in/local/back?code=x&state=y"); got.status != http.StatusBadRequest {
		t.Errorf("a sign-in that was not begun here: %d", got.status)
	}
	for _, to := range []string{"https://elsewhere.example/", "//elsewhere.example/portal/", "/portal/../issuer", "/portal\\elsewhere", "javascript:alert(1)"} {
		if s := v.signIn("dr-patel", to); !strings.HasPrefix(s.at, "/portal/") || s.status != http.StatusOK {
			t.Errorf("a sign-in that goes on to %s ends at %s with %d", to, s.at, s.status)
		}
	}
	if got := v.signIn("nobody-knows", "/portal/"); got.status != http.StatusUnprocessableEntity {
		t.Errorf("somebody who is not of the demo: %d at %s", got.status, got.at)
	}
}
