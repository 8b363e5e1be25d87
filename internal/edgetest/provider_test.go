package edgetest_test

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fame-hub/fame/internal/npmtest"
)

// provider is panva's oidc-provider, run by Node: an implementation of OpenID
// Connect that shares nothing with the hub's (testdata/oidc-provider).
type provider struct {
	t      *testing.T
	dir    string // server.mjs beside its node_modules
	issuer string
	stop   func()
}

const secret = "only for tests"

// notOurs is what these tests try.
const notOurs = "tokens of an OpenID Provider that is not ours"

func newProvider(t *testing.T) *provider {
	t.Helper()
	version, err := exec.Command("node", "--version").Output()
	if err != nil {
		npmtest.Unable(t, notOurs, fmt.Sprintf("there is no node (%v): install Node 20 or newer, and type `go test -run Provider ./internal/edgetest`", err))
	}
	major, _, _ := strings.Cut(strings.TrimPrefix(string(version), "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < 20 {
		npmtest.Unable(t, notOurs, fmt.Sprintf("node is %s: install Node 20 or newer, and type `go test -run Provider ./internal/edgetest`", bytes.TrimSpace(version)))
	}
	p := &provider{t: t, dir: t.TempDir()}
	must(t, os.Symlink(filepath.Join(npmtest.Installed(t, notOurs, filepath.Join("testdata", "oidc-provider")), "node_modules"), filepath.Join(p.dir, "node_modules")))
	text, err := os.ReadFile(filepath.Join("testdata", "oidc-provider", "server.mjs"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(p.dir, "server.mjs"), text, 0o600))
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// start starts it with new keys, on the port that it had before if it had one.
func (p *provider) start(name string) {
	p.t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(p.t, err)
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	must(p.t, err)
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: ec, KeyID: name + "-ec", Algorithm: "ES256", Use: "sig"}, {Key: rs, KeyID: name + "-rsa", Algorithm: "RS256", Use: "sig"},
	}})
	must(p.t, err)
	file := filepath.Join(p.dir, name+".jwks")
	must(p.t, os.WriteFile(file, keys, 0o600))
	port := "0"
	if p.issuer != "" {
		at, err := url.Parse(p.issuer)
		must(p.t, err)
		port = at.Port()
	}
	cmd := exec.Command("node", "server.mjs", port, file)
	cmd.Dir = p.dir
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	in, err := cmd.StdinPipe()
	must(p.t, err)
	out, err := cmd.StdoutPipe()
	must(p.t, err)
	must(p.t, cmd.Start())
	stopped := false
	p.stop = func() {
		if stopped {
			return
		}
		stopped = true
		in.Close() // it ends by itself
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
	}
	p.t.Cleanup(p.stop)
	first := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(out).ReadString('\n')
		first <- line
		io.Copy(io.Discard, out)
	}()
	select {
	case line := <-first:
		var said struct{ Issuer string }
		if err := json.Unmarshal([]byte(line), &said); err != nil || said.Issuer == "" {
			p.stop()
			p.t.Fatalf("the provider said %q and complained %s", line, complaint.String())
		}
		p.issuer = said.Issuer
	case <-time.After(time.Minute):
		p.t.Fatal("the provider does not start")
	}
}

// post sends a form to its token endpoint.
func (p *provider) post(form url.Values) map[string]any {
	p.t.Helper()
	resp, err := http.PostForm(p.issuer+"/token", form)
	must(p.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(p.t, err)
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil || resp.StatusCode != http.StatusOK {
		p.t.Fatalf("the provider's token endpoint: %d %s", resp.StatusCode, text)
	}
	return out
}

// accessToken is one for a system, for a resource; opaque where there is none.
func (p *provider) accessToken(resource string) string {
	p.t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"surgery-system"}, "client_secret": {secret}}
	if resource != "" {
		form.Set("resource", resource)
	}
	return p.post(form)["access_token"].(string)
}

// idToken signs a person in, as a browser would: authorization code with PKCE.
func (p *provider) idToken(client, person string) string {
	p.t.Helper()
	jar, err := cookiejar.New(nil)
	must(p.t, err)
	verifier := rand.Text() + rand.Text()
	challenge := sha256.Sum256([]byte(verifier))
	back := "https://" + client + ".example/signed-in"
	var code string
	arrived := errors.New("arrived")
	browser := &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if strings.HasPrefix(r.URL.String(), back) {
			code = r.URL.Query().Get("code")
			return arrived
		}
		if len(via) > 10 {
			return errors.New("round and round")
		}
		return nil
	}}
	resp, err := browser.Get(p.issuer + "/auth?" + url.Values{
		"client_id": {client}, "response_type": {"code"}, "scope": {"openid"}, "redirect_uri": {back}, "login_hint": {person},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"}, "state": {rand.Text()},
	}.Encode())
	if resp != nil {
		defer resp.Body.Close()
	}
	if !errors.Is(err, arrived) || code == "" {
		p.t.Fatalf("the provider signs nobody in: %v", err)
	}
	return p.post(url.Values{
		"grant_type": {"authorization_code"}, "client_id": {client}, "client_secret": {secret}, "code": {code}, "redirect_uri": {back},
		"code_verifier": {verifier},
	})["id_token"].(string)
}

// REG-13, REG-14, AUT-10: real tokens of an independent OpenID Provider are accepted for
// what they say beside the hub's own issuer's, refused for another audience, and go on
// being accepted when the provider changes its keys. A system that signs in by itself is
// registered with its issuer, its enquiries name it, and its next call fails when it is
// registered no more; so do all of an issuer's that is relied on too little.
func TestTokensOfAProviderThatIsNotOurs(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.start("first")
	h := newHub(t, setting{now: time.Now, document: func(doc map[string]any) {
		issuers := doc["issuers"].([]any)
		for _, i := range issuers {
			if county := i.(object); county["name"] == "county" {
				county["issuer"], county["audience"] = p.issuer, "portal" // its mapping stays
			}
		}
		doc["issuers"] = append(issuers, object{"name": "systems", "issuer": p.issuer, "audience": audience})
		doc["practitioners"] = append(doc["practitioners"].([]any), object{
			"id": "dr-interop", "agency": "riverside-gp", "issuer": "systems", "subject": "surgery-system", "roles": []string{"gp"},
			"providers": []string{"riverside-surgery"},
		})
	}})
	enquire := func(token, column, identifier string) answer {
		return h.send(request{method: "POST", target: "/relmgr/v1/enquiries", header: http.Header{"Authorization": {"Bearer " + token}},
			body: encode(t, object{
				"column": column, "identifier": identifier, "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "child",
			})})
	}
	want := func(what string, a answer, status int) {
		t.Helper()
		if a.status != status {
			t.Errorf("%s: %d %s, want %d", what, a.status, a.body, status)
		}
	}
	const resource, elsewhere = "https://riverside.fame.example/", "https://elsewhere.example/"

	access := p.accessToken(resource)
	want("an access token (at+jwt, ES256)", enquire(access, "gp-riverside", gpIdentifier), 200)
	want("an access token for another audience", enquire(p.accessToken(elsewhere), "gp-riverside", gpIdentifier), 401)
	want("an opaque access token", enquire(p.accessToken(""), "gp-riverside", gpIdentifier), 401)
	parts := strings.Split(access, ".")
	want("a changed access token", enquire(parts[0]+"."+part(object{"iss": p.issuer, "aud": audience, "sub": "surgery-system", "exp": time.Now().Add(time.Hour).Unix()})+"."+parts[2], "gp-riverside", gpIdentifier), 401)

	worker := p.idToken("portal", "social-lee")
	signIn := func(token string) answer {
		return h.send(request{method: "POST", target: "/governance/v1/sign-ins", header: http.Header{"Authorization": {"Bearer " + token}}})
	}
	want("an ID token (RS256) before its bearer has signed in", enquire(worker, "social-care", socialIdentifier), 403)
	want("signing in by a mapped claim", signIn(worker), 200)
	want("the same ID token after that", enquire(worker, "social-care", socialIdentifier), 200)
	want("somebody whose claims are not mapped", signIn(p.idToken("portal", "lee")), 403)
	want("an ID token for another client", signIn(p.idToken("elsewhere", "social-lee")), 401)

	// The provider comes back with other keys. A token that nobody has shown yet
	// was signed with the old ones.
	late := p.accessToken(resource)
	p.stop()
	want("a token that was verified before, while the provider is away", enquire(access, "gp-riverside", gpIdentifier), 200)
	p.start("second")
	want("an access token of the new key", enquire(p.accessToken(resource), "gp-riverside", gpIdentifier), 200)
	want("an ID token of the new key", enquire(p.idToken("portal", "social-lee"), "social-care", socialIdentifier), 200)
	want("a token of the old key", enquire(late, "gp-riverside", gpIdentifier), 401)
	token := p.accessToken(resource)
	rely := h.change(func(doc object) {
		doc["settings"].(object)["role_levels"] = []any{object{"role": "gp", "level": "medium"}}
		for _, i := range doc["issuers"].([]any) {
			if i.(object)["name"] == "local" {
				i.(object)["level"] = "high"
			}
		}
	})
	want("a system whose issuer is relied on too little", enquire(token, "gp-riverside", gpIdentifier), 403)
	want("a role that counts through another issuer", enquire(h.token("dr-patel"), "gp-riverside", gpIdentifier), 200)
	rely()
	want("the system when it is relied on again", enquire(token, "gp-riverside", gpIdentifier), 200)
	var asked int
	h.must(h.admin.QueryRow(`select count(*) from relmgr.enquiries where practitioner_id = 'dr-interop'`).Scan(&asked))
	if asked != 4 {
		t.Errorf("%d enquiries name the system that asked, want 4", asked)
	}
	h.change(func(doc object) {
		doc["practitioners"] = slices.DeleteFunc(doc["practitioners"].([]any), func(p any) bool { return p.(object)["id"] == "dr-interop" })
	})
	want("a system that is registered no more", enquire(token, "gp-riverside", gpIdentifier), 403)
	if logged := h.logs.take(); strings.Contains(logged, access) || strings.Contains(logged, "social-lee") || strings.Contains(logged, gpIdentifier) {
		t.Errorf("the log holds what was sent: %s", logged)
	}
}
