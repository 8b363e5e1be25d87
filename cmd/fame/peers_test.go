package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/localissuer"
	"github.com/fame-hub/fame/web"
)

// metHub is a hub that others find at its own address, with Riverside's partnership.
func metHub(t *testing.T, p *hubtest.Postgres, name string) *town {
	t.Helper()
	w := &town{people: map[string]*person{}, wires: map[string]*hubtest.Wire{}, tokens: map[string]string{}, secrets: map[string]string{}}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	w.mux, w.made = mux, hub{hubFile: hubFile{Name: name, Listen: server.Listener.Addr().String()}}
	var err error
	if w.issuer, err = localissuer.Open(filepath.Join(hubtest.Dir(t, "issuer"), "issuer.key"), w.made.localIssuer()); err != nil {
		t.Fatal(err)
	}
	mux.Handle("/issuer/", w.issuer.SignInHandler("/issuer", localissuer.SignIn{
		Client: audience, RedirectURIs: []string{server.URL + web.Prefix + "/sign-in/local/back"}, People: players, Now: time.Now,
	}))
	w.Hub = hubtest.NewHub(t, p, name, "", hubtest.Governor(w.issuer.URL()+"#governor"))
	w.made.dir, w.made.Hub = w.Hub.Dir, w.Hub.URL
	if w.document, err = riversideDocument(w.made); err != nil {
		t.Fatal(err)
	}
	w.apply(t, "governor", w.document)
	return w
}

// peers runs fame peers as the hub's governance officer, and gives its answer.
func (w *town) peers(t *testing.T, code int, args ...string) map[string]any {
	t.Helper()
	o := hubtest.Fame(t, "", append(append([]string{"--json", "peers"}, args...), "--url", w.Federation.URL, "--token", w.token(t, "gov-ellis"))...)
	if o.Code != code {
		t.Fatalf("fame peers %v: %d\n%s%s", args, o.Code, o.Stdout, o.Stderr)
	}
	answer := map[string]any{}
	if code == 0 {
		if err := json.Unmarshal([]byte(o.Stdout), &answer); err != nil {
			t.Fatalf("%v: %s", err, o.Stdout)
		}
	}
	return answer
}

// stands is how the hub says that it and the other stand.
func (w *town) stands(t *testing.T, other *town) (here, there string) {
	t.Helper()
	for _, p := range w.peers(t, 0, "list")["peers"].([]any) {
		if p := p.(map[string]any); p["entity"] == other.URL {
			return p["state"].(string), p["theirs"].(string)
		}
	}
	return "", ""
}

// joins has each of two hubs confirm the other: the first proposes, the second takes it.
func joins(t *testing.T, w, other *town) {
	t.Helper()
	agreement := filepath.Join(t.TempDir(), "agreement.yaml")
	text := []byte("code: neighbours\ntitle: Two counties\npurposes: [co-ordinate-care]\nroles: [gp, social-worker]\nminutes: 1\nuntil: " +
		time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339) + "\n")
	if err := os.WriteFile(agreement, text, 0o600); err != nil {
		t.Fatal(err)
	}
	shown := w.peers(t, 0, "join", other.URL, "-f", agreement)
	if shown["state"] != "invited" {
		t.Fatalf("%v", shown)
	}
	w.peers(t, 1, "join", other.URL, "--fingerprint=-"+strings.Repeat("A", 42))
	w.peers(t, 0, "join", other.URL, "--fingerprint="+other.fingerprint(t))
	theirs := other.peers(t, 0, "join", w.URL)
	if theirs["digest"] != shown["digest"] {
		t.Fatalf("%v was taken, %v was proposed", theirs["digest"], shown["digest"])
	}
	other.peers(t, 0, "join", w.URL, "--fingerprint="+w.fingerprint(t))
}

// fingerprint is what a hub's own people read out.
func (w *town) fingerprint(t *testing.T) string {
	t.Helper()
	keys, err := entity.ParseKeys([]byte(published(t, w.Hub, "hub.jwks")))
	if err != nil {
		t.Fatal(err)
	}
	return keys.Fingerprints()[0]
}

// E2E-13, FED-16, FED-17, FED-29, TRU-07: a hub as it is installed joins others that nobody edits or
// restarts, and serves its own partnership all the while; what the one states of the other ends at once when it is suspended, is there again when it is readmitted, and
// the other, and all of its local work, goes on while the one is away.
func TestAHubJoinsOthersAndIsSuspendedAndReadmitted(t *testing.T) {
	p := cluster(t)
	north, south := metHub(t, p, "joins_north"), metHub(t, p, "joins_south")
	north.Explain(t)
	south.Explain(t)
	joins(t, north, south)
	statement := func(of, about *town) int {
		resp, err := http.Get(of.URL + "/federation/v1/fetch?sub=" + about.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if statement(north, south) != http.StatusOK || statement(south, north) != http.StatusOK {
		t.Fatal("both have confirmed, and one states nothing")
	}
	for _, pair := range [][2]*town{{north, south}, {south, north}} {
		hubtest.Eventually(t, pair[0].Name+" sees that the other has confirmed", func() error {
			if _, there := pair[0].stands(t, pair[1]); there != "confirmed" {
				return errors.New(there)
			}
			return nil
		})
	}
	// A third joins both; nobody else is touched.
	third := metHub(t, p, "joins_third")
	third.Explain(t)
	joins(t, third, north)
	joins(t, south, third)
	north.peers(t, 0, "suspend", south.URL, "--reason", "work-ended")
	if statement(north, south) != http.StatusNotFound || statement(north, third) != http.StatusOK {
		t.Error("a suspension ends what is stated of that peer, at once, and of no other")
	}
	north.peers(t, 1, "suspend", south.URL, "--reason", "work-ended")
	north.peers(t, 0, "readmit", south.URL, "--reason", "work-ended")
	if here, _ := north.stands(t, south); here != "confirmed" || statement(north, south) != http.StatusOK {
		t.Errorf("readmitted: %s", here)
	}
	south.peers(t, 0, "leave", north.URL, "--reason", "work-ended")
	if statement(south, north) != http.StatusNotFound {
		t.Error("who has left still states it")
	}
	// FED-21: what is not this axle goes on.
	south.Federation.Kill(t)
	if here, _ := north.stands(t, third); here != "confirmed" {
		t.Errorf("another peer's end: %s", here)
	}
	south.Federation.Start(t)
	o := hubtest.Fame(t, "", "--dir", north.Dir, "verify", "hub")
	if o.Code != 0 {
		t.Errorf("fame verify: %s%s", o.Stdout, o.Stderr)
	}
}
