package provider_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/npmtest"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/provider"
	"github.com/fame-hub/fame/registrar/signin"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	passphrase = "a heron on the mill pond"
	code       = ident.Registrar("county")
	agreement  = seal.KeyID("agree/relmgr/1")
)

// site is a registrar that serves sign-in pages, from two processes on one database,
// with two agencies' sites as relying parties.
type site struct {
	*pgtest.Hub
	t         *testing.T
	url       string
	issuer    string
	keys      *seal.File
	relmgr    attest.Recipients
	registrar *registrar.Service
	accounts  *registrar.Accounts
	keeper    decide.Caller
	person    registrar.Entry
	dir       string
	log       *bytes.Buffer

	mu    sync.Mutex
	terms *decide.Terms
	turn  int // which of the processes serves the next request
}

// relyingKeys are the sites' own, by client.
func (s *site) relyingKey(client string) (jose.JSONWebKey, decide.PublicKey) {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(s.t, err)
	jwk := jose.JSONWebKey{Key: key, Algorithm: "ES256", Use: "sig"}
	thumb, err := jwk.Thumbprint(5)
	must(s.t, err)
	jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumb)
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{jwk}})
	must(s.t, err)
	must(s.t, os.WriteFile(filepath.Join(s.dir, client+".jwks"), text, 0o600))
	public := jwk.Public()
	text, err = public.MarshalJSON()
	must(s.t, err)
	var k decide.PublicKey
	must(s.t, json.Unmarshal(text, &k))
	return jwk, k
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{Hub: pgtest.New(t), t: t, dir: t.TempDir(), log: new(bytes.Buffer)}
	var err error
	s.keys, err = seal.CreateFile(filepath.Join(s.dir, "keys"), filepath.Join(s.dir, "identity"))
	must(t, err)
	must(t, registrar.MakeKeys(t.Context(), s.keys, code))
	_, _, err = s.keys.Ensure(t.Context(), agreement, seal.KindAgree)
	must(t, err)
	s.relmgr, err = attest.RecipientKeys(t.Context(), s.keys, agreement)
	must(t, err)
	_, gp := s.relyingKey("gp-portal")
	_, school := s.relyingKey("school-portal")
	s.terms = (&decide.Terms{
		Version: 3, Agencies: []decide.Agency{{ID: "council"}, {ID: "gp"}, {ID: "school"}},
		Registrars: []decide.Registrar{{Code: string(code), Agency: "council", Roles: []string{"keeper"}, RelyingParties: []decide.RelyingParty{
			{Client: "gp-portal", Title: "Riverside Surgery", Agency: "gp", RedirectURIs: []string{"http://localhost:9/gp/back"},
				SignedOutURIs: []string{"http://localhost:9/gp/out"}, Keys: []decide.PublicKey{gp}, Portal: true},
			{Client: "school-portal", Title: "Hillside School", Agency: "school", RedirectURIs: []string{"http://localhost:9/school/back"},
				Keys: []decide.PublicKey{school}, Level: "one-factor"},
		}}},
		Codes:       decide.Codes{Reasons: []decide.Code{{Code: "asked"}}},
		Partnership: decide.Partnership{Hub: "https://hub.example"}, Settings: decide.Settings{StatementMinutes: 5},
	}).Index()
	s.keeper = decide.Caller{Actor: decide.Actor{Practitioner: "kim", Agency: "council", Roles: []string{"keeper"}}, Terms: s.terms}
	s.serve()
	_, err = s.registrar.CreateRegister(t.Context(), s.keeper, registrar.Register{ID: "town", Title: "People", Contact: "desk", Scope: "all"})
	must(t, err)
	made, err := s.registrar.Register(t.Context(), s.keeper, "town", []registrar.Item{{Source: "person", Name: &registrar.Name{Given: "Zsófia"}}})
	must(t, err)
	s.person = made.Entry
	return s
}

// serve starts two processes behind one port: each request is the other's.
func (s *site) serve() {
	s.t.Helper()
	var processes []http.Handler
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.turn++
		h := processes[s.turn%len(processes)]
		s.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	server.Start()
	s.t.Cleanup(server.Close)
	s.url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	for range 2 {
		db := s.Hub.DB(s.t, "registrar")
		service, err := registrar.New(registrar.Config{
			Registrar: code, DB: db, Keys: s.keys, Now: time.Now, Registerer: prometheus.NewRegistry(), Recipients: s.relmgr,
		})
		must(s.t, err)
		passkeys, err := signin.NewPasskeys(s.url, "County registrar")
		must(s.t, err)
		log := slog.New(slog.NewTextHandler(&locked{to: s.log}, nil))
		accounts, err := registrar.NewAccounts(s.t.Context(), registrar.AccountsConfig{Service: service, Terms: s.now, Passkeys: passkeys, Logger: log})
		must(s.t, err)
		p, err := provider.New(provider.Config{
			Accounts: accounts, Registrar: code, Hub: s.url, Terms: s.now, Keys: s.keys, Now: time.Now, Logger: log,
			From: func(*http.Request) netip.Prefix { return netip.Prefix{} },
		})
		must(s.t, err)
		s.registrar, s.accounts, s.issuer = service, accounts, p.Issuer()
		processes = append(processes, p)
	}
}

// locked is a writer that several may use.
type locked struct {
	mu sync.Mutex
	to io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(b)
}

func (s *site) now(context.Context) (*decide.Terms, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.terms, nil
}

func (s *site) code() string {
	s.t.Helper()
	made, err := s.accounts.IssueCode(s.t.Context(), s.keeper, "town", s.person, "asked")
	must(s.t, err)
	return made.Code.Grouped()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// jar keeps cookies whatever they ask for: a test's http.Client would send none that
// is Secure to localhost, as browsers do.
type jar map[string]*http.Cookie

func (j jar) SetCookies(_ *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		if j[c.Name] = c; c.MaxAge < 0 {
			delete(j, c.Name)
		}
	}
}

func (j jar) Cookies(u *url.URL) (all []*http.Cookie) {
	if u.Port() == "9" {
		return nil
	}
	for _, c := range j {
		all = append(all, c)
	}
	return all
}

// browser goes where it is sent, without script, until it is sent to a relying party.
type browser struct {
	t      *testing.T
	client *http.Client
	jar    jar
	at     string // the page's address
	page   string
	status int
	header http.Header
	back   string // where a relying party was to be asked
	seed   signin.Seed
	number string
}

func (s *site) browser() *browser {
	b := &browser{t: s.t, jar: jar{}}
	b.client = &http.Client{Jar: b.jar, Timeout: time.Minute, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if r.URL.Port() == "9" {
			b.back = r.URL.String()
			return http.ErrUseLastResponse
		}
		if len(via) > 5 {
			return fmt.Errorf("round and round")
		}
		return nil
	}}
	return b
}

func (b *browser) got(resp *http.Response, err error) {
	b.t.Helper()
	must(b.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(b.t, err)
	b.page, b.status, b.header, b.at = html.UnescapeString(string(text)), resp.StatusCode, resp.Header, resp.Request.URL.String()
}

func (b *browser) get(address string) {
	b.t.Helper()
	b.back = ""
	b.got(b.client.Get(address))
}

// submit sends the form that has the step, as it stands on the page, with what is
// typed into it.
func (b *browser) submit(step string, typed ...string) {
	b.t.Helper()
	b.back = ""
	action, form := b.form(step)
	for i := 0; i+1 < len(typed); i += 2 {
		form.Set(typed[i], typed[i+1])
	}
	r, err := http.NewRequest(http.MethodPost, action, strings.NewReader(form.Encode()))
	must(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	b.got(b.client.Do(r))
}

var (
	forms  = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)"[^>]*>(.*?)</form>`)
	inputs = regexp.MustCompile(`<(?:input|button)[^>]*name="([^"]*)"[^>]*value="([^"]*)"`)
)

func (b *browser) form(step string) (action string, form url.Values) {
	b.t.Helper()
	base, err := url.Parse(b.at)
	must(b.t, err)
	for _, m := range forms.FindAllStringSubmatch(b.page, -1) {
		form = url.Values{}
		has := false
		for _, i := range inputs.FindAllStringSubmatch(m[2], -1) {
			form.Set(i[1], i[2])
			has = has || i[1] == "step" && i[2] == step
		}
		if has {
			form.Set("step", step)
			to, err := base.Parse(m[1])
			must(b.t, err)
			return to.String(), form
		}
	}
	b.t.Fatalf("%s has no form for %s: %d %s", b.at, step, b.status, b.page)
	return "", nil
}

func (b *browser) shows(words ...string) {
	b.t.Helper()
	for _, w := range words {
		if !strings.Contains(b.page, w) {
			b.t.Errorf("the page does not say %q: %d %s", w, b.status, b.page)
		}
	}
}

// enrol sets a password and an app up, with a code of the registrar, on the pages.
func (b *browser) enrol(s *site) {
	b.t.Helper()
	b.get(s.issuer + "/account/code")
	b.submit("enrolment", "code", strings.ToLower(s.code()))
	b.shows("Your sign-in number is")
	b.number = regexp.MustCompile(`id="sign-in-number">([0-9 ]+)<`).FindStringSubmatch(b.page)[1]
	b.submit("new-secret", "secret", passphrase, "again", passphrase)
	b.submit("app")
	seed, ok := signin.ParseSeed(regexp.MustCompile(`id="seed">([A-Z2-7 ]+)<`).FindStringSubmatch(b.page)[1])
	if !ok {
		b.t.Fatal("the page shows no seed")
	}
	b.seed = seed
	b.submit("new-app", "code", b.shown(-30*time.Second)) // so that the code of now is still good
	b.shows("App that shows codes", "Password")
}

func (b *browser) shown(offset time.Duration) string {
	b.t.Helper()
	c, err := b.seed.CodeAt(time.Now().Add(offset))
	must(b.t, err)
	return c
}

// relyingParty is panva's openid-client, run by Node (testdata/openid-client).
type relyingParty struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

type object = map[string]any

func (rp *relyingParty) step(order object) object {
	rp.t.Helper()
	text, err := json.Marshal(order)
	must(rp.t, err)
	_, err = rp.in.Write(append(text, '\n'))
	must(rp.t, err)
	line, err := rp.out.ReadString('\n')
	must(rp.t, err)
	var answer object
	must(rp.t, json.Unmarshal([]byte(line), &answer))
	return answer
}

// begin is the address to which the relying party sends a browser.
func (rp *relyingParty) begin(parameters object) string {
	rp.t.Helper()
	answer := rp.step(object{"do": "begin", "parameters": parameters})
	if answer["url"] == nil {
		rp.t.Fatalf("the relying party does not begin: %v", answer)
	}
	return answer["url"].(string)
}

// notOurs is what the tests with other people's software try.
const notOurs = "signing in from a site that is not ours"

func (rp *relyingParty) finish(back string) object {
	return rp.step(object{"do": "finish", "url": back})
}

func (s *site) relyingParty(client, redirect string) *relyingParty {
	s.t.Helper()
	version, err := exec.Command("node", "--version").Output()
	if err != nil {
		npmtest.Unable(s.t, notOurs, fmt.Sprintf("there is no node (%v): install Node 20 or newer, and type `go test -run RelyingParty ./registrar/provider`", err))
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 20 {
		npmtest.Unable(s.t, notOurs, fmt.Sprintf("node is %s: install Node 20 or newer, and type `go test -run RelyingParty ./registrar/provider`", bytes.TrimSpace(version)))
	}
	dir := s.t.TempDir()
	must(s.t, os.Symlink(filepath.Join(npmtest.Installed(s.t, notOurs, filepath.Join("testdata", "openid-client")), "node_modules"), filepath.Join(dir, "node_modules")))
	text, err := os.ReadFile(filepath.Join("testdata", "openid-client", "client.mjs"))
	must(s.t, err)
	must(s.t, os.WriteFile(filepath.Join(dir, "client.mjs"), text, 0o600))
	cmd := exec.Command("node", "client.mjs", s.issuer, client, redirect, filepath.Join(s.dir, client+".jwks"))
	cmd.Dir = dir
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	must(s.t, err)
	out, err := cmd.StdoutPipe()
	must(s.t, err)
	must(s.t, cmd.Start())
	s.t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
		if s.t.Failed() && complaint.Len() > 0 {
			s.t.Logf("the relying party complained: %s", complaint.String())
		}
	})
	return &relyingParty{t: s.t, in: in, out: bufio.NewReader(out)}
}
