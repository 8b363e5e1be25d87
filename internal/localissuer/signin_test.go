package localissuer_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/localissuer"
)

// issuer is one that serves its pages, with a clock that can be set.
type issuer struct {
	*localissuer.Issuer
	url string
	mu  sync.Mutex
	at  time.Time
}

const back = "http://portal.example/back"

func serve(t *testing.T, people ...localissuer.Person) *issuer {
	t.Helper()
	i := &issuer{at: time.Now()}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	i.url = server.URL + "/issuer"
	opened, err := localissuer.Open(filepath.Join(t.TempDir(), "issuer.key"), i.url)
	if err != nil {
		t.Fatal(err)
	}
	i.Issuer = opened
	mux.Handle("/issuer/", opened.SignInHandler("/issuer", localissuer.SignIn{Client: "fame", RedirectURIs: []string{back}, People: people, Now: func() time.Time {
		i.mu.Lock()
		defer i.mu.Unlock()
		return i.at
	}}))
	return i
}

func request() url.Values {
	sum := sha256.Sum256([]byte("the verifier"))
	return url.Values{"client_id": {"fame"}, "redirect_uri": {back}, "response_type": {"code"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
}

// sign posts the page's form, and returns the code that it leads to, or the status.
func (i *issuer) sign(t *testing.T, form url.Values) (code string, status int) {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.PostForm(i.url+"/authorize", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	to, err := url.Parse(resp.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return to.Query().Get("code"), resp.StatusCode
}

func (i *issuer) redeem(t *testing.T, code string, change ...string) (token string, status int) {
	t.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back}, "client_id": {"fame"}, "code_verifier": {"the verifier"}}
	for n := 0; n+1 < len(change); n += 2 {
		form.Set(change[n], change[n+1])
	}
	resp, err := http.PostForm(i.url+"/token", form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		ID string `json:"id_token"`
	}
	_ = json.Unmarshal(text, &said)
	return said.ID, resp.StatusCode
}

func with(v url.Values, pairs ...string) url.Values {
	for n := 0; n+1 < len(pairs); n += 2 {
		v.Set(pairs[n], pairs[n+1])
	}
	return v
}

// Outside a demonstration nobody signs in who cannot read the issuer's key: the page
// takes a token that only such a person has, and no name.
func TestNobodySignsInWithoutATokenOfTheIssuer(t *testing.T) {
	t.Parallel()
	i, other := serve(t), serve(t)
	good, err := i.Token("governor", "fame", time.Now(), time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := other.Token("governor", "fame", time.Now(), time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := i.Token("governor", "another", time.Now(), time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	old, err := i.Token("governor", "fame", time.Now().Add(-2*time.Hour), time.Hour, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]url.Values{
		"a name": with(request(), "person", "governor"), "nothing": request(), "rubbish": with(request(), "proof", "x.y.z"), "another issuer's": with(request(), "proof", foreign),
		"another audience's": with(request(), "proof", elsewhere), "an old one": with(request(), "proof", old), "a name beside": with(request(), "proof", foreign, "person", "governor"),
	} {
		if code, status := i.sign(t, form); code != "" || status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d, code %q", name, status, code)
		}
	}
	code, status := i.sign(t, with(request(), "proof", " "+good+"\n"))
	if status != http.StatusSeeOther || code == "" {
		t.Fatalf("a good token: %d", status)
	}
	if token, status := i.redeem(t, code); status != http.StatusOK || strings.Count(token, ".") != 2 {
		t.Errorf("its code: %d %q", status, token)
	}
}

// A code is good once, for a minute, for whoever asked for it, and goes nowhere else.
func TestACodeIsForWhoeverAskedForItOnce(t *testing.T) {
	t.Parallel()
	i := serve(t, localissuer.Person{Name: "dr-patel", Title: "dr-patel"})
	fresh := func() string {
		t.Helper()
		code, status := i.sign(t, with(request(), "person", "dr-patel"))
		if status != http.StatusSeeOther {
			t.Fatal(status)
		}
		return code
	}
	for name, change := range map[string][]string{
		"another verifier": {"code_verifier", "guessed"}, "another redirect": {"redirect_uri", "http://elsewhere.example/"}, "another client": {"client_id", "x"}, "another grant": {"grant_type", "password"},
	} {
		code := fresh()
		if token, status := i.redeem(t, code, change...); token != "" || status != http.StatusBadRequest {
			t.Errorf("%s: %d %q", name, status, token)
		}
		if token, _ := i.redeem(t, code); token != "" {
			t.Errorf("%s: the code is good afterwards", name)
		}
	}
	code := fresh()
	var wait sync.WaitGroup
	var mu sync.Mutex
	given := 0
	for range 8 {
		wait.Go(func() {
			if token, _ := i.redeem(t, code); token != "" {
				mu.Lock()
				given++
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	if given != 1 {
		t.Errorf("a code was redeemed %d times", given)
	}
	code = fresh()
	i.mu.Lock()
	i.at = i.at.Add(2 * time.Minute)
	i.mu.Unlock()
	if token, _ := i.redeem(t, code); token != "" {
		t.Error("a code outlives its minute")
	}
	for name, form := range map[string]url.Values{
		"another place": with(request(), "person", "dr-patel", "redirect_uri", back+"/more"), "another client": with(request(), "person", "dr-patel", "client_id", "x"),
		"no PKCE": with(request(), "person", "dr-patel", "code_challenge_method", "plain"), "no code": with(request(), "person", "dr-patel", "response_type", "id_token"),
	} {
		if code, status := i.sign(t, form); code != "" || status != http.StatusBadRequest {
			t.Errorf("%s: %d, code %q", name, status, code)
		}
	}
	if code, status := i.sign(t, with(request(), "person", "governor")); code != "" || status != http.StatusUnprocessableEntity {
		t.Errorf("somebody who is not of the demonstration: %d, code %q", status, code)
	}
}
