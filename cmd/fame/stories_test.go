package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	consentoas "github.com/fame-hub/fame/api/consentoas"
	governanceoas "github.com/fame-hub/fame/api/governanceoas"
	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/localissuer"
)

// The stories of this package are told over running processes: the programs as
// they are built, one process per duty, as a partnership would run them
// . The hub is made by `fame init`, its partnership is applied by
// `fame apply`, and everybody in a story asks over HTTP with a token of their
// own.
func TestMain(m *testing.M) { hubtest.Main(m) }

// town is a hub of the Riverside partnership and the people who use it.
type town struct {
	*hubtest.Hub
	issuer   *localissuer.Issuer
	made     hub // as the demo's document takes it
	document []byte
	mux      *http.ServeMux // what is served at made.Listen
	pages    bool           // the portal is

	mu      sync.Mutex
	people  map[string]*person
	wires   map[string]*hubtest.Wire // of each person
	tokens  map[string]string
	secrets map[string]string // what no dump and no log may hold, and what it is
}

// newTown makes a hub called name and applies the Riverside partnership to it.
func newTown(t *testing.T, p *hubtest.Postgres, name string) *town {
	t.Helper()
	return newPartnership(t, p, name, riversideDocument)
}

// newPartnership is newTown with another document.
func newPartnership(t *testing.T, p *hubtest.Postgres, name string, document func(hub) ([]byte, error)) *town {
	t.Helper()
	w := &town{people: map[string]*person{}, wires: map[string]*hubtest.Wire{}, tokens: map[string]string{}, secrets: map[string]string{}}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux) // as long as the town: until the tests end
	at := server.Listener.Addr().String()
	w.made = hub{hubFile: hubFile{Name: name, Hub: "http://127.0.0.1:8400", Listen: at}}
	var err error
	if w.issuer, err = localissuer.Open(filepath.Join(hubtest.Dir(t, "issuer"), "issuer.key"), w.made.localIssuer()); err != nil {
		t.Fatal(err)
	}
	mux.Handle("/issuer/", w.issuer.Handler("/issuer"))
	w.Hub = hubtest.NewHub(t, p, name, w.made.Hub, hubtest.Governor(w.issuer.URL()+"#governor"))
	w.made.dir = w.Hub.Dir
	if w.document, err = document(w.made); err != nil {
		t.Fatal(err)
	}
	w.apply(t, "governor", w.document)
	return w
}

// The towns that several stories share: everyday, and one whose database and
// processes are killed.
var shared struct {
	everyday, fragile sync.Once
	postgres          *hubtest.Postgres
	town, broken      *town
}

// cluster is the PostgreSQL of all towns but the fragile one.
func cluster(t *testing.T) *hubtest.Postgres {
	t.Helper()
	everyday(t)
	return shared.postgres
}

// everyday is the town in which people go about their work.
func everyday(t *testing.T) *town {
	t.Helper()
	hubtest.Dir(t, "first") // skips where there is no PostgreSQL
	shared.everyday.Do(func() {
		shared.postgres = hubtest.NewPostgres(t)
		shared.town = newTown(t, shared.postgres, "everyday")
	})
	return shared.town.explained(t)
}

// fragile is the town in which things break.
func fragile(t *testing.T) *town {
	t.Helper()
	hubtest.Dir(t, "first")
	shared.fragile.Do(func() { shared.broken = newTown(t, hubtest.NewPostgres(t), "fragile") })
	return shared.broken.explained(t)
}

// explained has the town explain itself if t fails.
func (w *town) explained(t *testing.T) *town {
	t.Helper()
	if w == nil {
		t.Fatal("the town was not made: see the first story that needed it")
	}
	w.Explain(t)
	return w
}

// apply applies a document as somebody, with the fame tool.
func (w *town) apply(t *testing.T, who string, document []byte, flags ...string) hubtest.Outcome {
	t.Helper()
	o := hubtest.Fame(t, "", append([]string{"apply", "--url", w.Governance.URL, "--token", w.token(t, who), "-f", w.file(t, document)}, flags...)...)
	if o.Code != 0 {
		t.Fatalf("fame apply: %d\n%s%s", o.Code, o.Stdout, o.Stderr)
	}
	return o
}

func (w *town) file(t *testing.T, document []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "partnership.yaml")
	if err := os.WriteFile(name, document, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// change applies the partnership with one change.
func (w *town) change(t *testing.T, edit func(map[string]any)) {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(w.document, &doc); err != nil {
		t.Fatal(err)
	}
	edit(doc)
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	w.apply(t, "gov-ellis", text)
}

// token signs somebody in at the town's issuer.
func (w *town) token(t *testing.T, name string) string {
	t.Helper()
	token, err := w.sign(name)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func (w *town) sign(name string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if token := w.tokens[name]; token != "" {
		return token, nil
	}
	token, err := w.issuer.Token(name, audience, time.Now(), time.Hour, nil)
	if err == nil {
		w.tokens[name] = token
		w.secrets[token] = "a token of " + name
	}
	return token, err
}

// as is somebody's clients, over a wire that keeps what goes over it.
func (w *town) as(name string) (*person, error) {
	token, err := w.sign(name)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.people[name]; p != nil {
		return p, nil
	}
	wire := hubtest.NewWire()
	client := &http.Client{Transport: wire, Timeout: 30 * time.Second}
	p := new(person)
	var errs [3]error
	p.relmgr, errs[0] = relmgroas.NewClient(w.Relmgr.URL, bearer.Relmgr(token), relmgroas.WithClient(client))
	p.consent, errs[1] = consentoas.NewClient(w.Consent.URL, bearer.Consent(token), consentoas.WithClient(client))
	p.governance, errs[2] = governanceoas.NewClient(w.Governance.URL, bearer.Governance(token), governanceoas.WithClient(client))
	w.people[name], w.wires[name] = p, wire
	return p, errors.Join(errs[:]...)
}

// signedIn is as, for a test.
func (w *town) signedIn(t *testing.T, name string) *person {
	t.Helper()
	p, err := w.as(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// wire is what has gone to somebody and come back.
func (w *town) wire(t *testing.T, name string) *hubtest.Wire {
	t.Helper()
	w.signedIn(t, name)
	return w.wires[name]
}

// storyteller plays the people of this town.
func (w *town) storyteller() *storyteller {
	return &storyteller{now: time.Now, consents: map[relmgroas.LocalIdentifier]consentoas.ID{}, as: w.as}
}

// keepSecret has the dump searched for what the agencies know of somebody.
func (w *town) keepSecret(p riverside.Person) riverside.Person {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets[p.Name] = "a person's name"
	for column, identifier := range p.Identifiers {
		w.secrets[identifier] = "an identifier of " + string(column)
	}
	return p
}

// offering is the offer of each column of Riverside in these stories.
var offering = map[ident.Column]riverside.Publication{
	"gp-riverside": {Column: "gp-riverside", Role: "gp", Offers: []riverside.Offer{
		{Kind: "will-co-ordinate", Transactions: []string{"joint-assessment", "medication-review"}, Contact: "desk"},
		{Kind: "wants-to-be-informed", Transactions: []string{"welfare-check"}, Contact: "mail"},
	}},
	"school-pastoral":  {Column: "school-pastoral", Role: "teacher", Offers: []riverside.Offer{{Kind: "will-make-available", Transactions: []string{"school-support-plan"}, Contact: "desk"}}},
	"social-care":      {Column: "social-care", Role: "social-worker", Offers: []riverside.Offer{{Kind: "will-co-ordinate", Transactions: []string{"joint-assessment"}, Contact: "desk"}}},
	"police-riverside": {Column: "police-riverside", Role: "police-officer", Offers: []riverside.Offer{{Kind: "wants-to-be-informed", Transactions: []string{"welfare-check"}, Contact: "desk"}}},
	"clinic-bridge":    {Column: "clinic-bridge", Role: "clinic-nurse", Offers: []riverside.Offer{{Kind: "will-make-available", Transactions: []string{"health-check"}, Contact: "desk"}}},
	"shelter":          {Column: "shelter", Role: "shelter-worker", Offers: []riverside.Offer{{Kind: "will-co-ordinate", Transactions: []string{"housing-referral"}, Contact: "desk"}}},
}

// known is somebody whom columns know under these identifiers, and who has
// agreed that they publish it.
func (w *town) known(name string, identifiers map[ident.Column]string) riverside.Person {
	p := riverside.Person{Name: name, Identifiers: identifiers}
	for column := range identifiers {
		p.Publishes = append(p.Publishes, offering[column])
	}
	slices.SortFunc(p.Publishes, func(a, b riverside.Publication) int { return strings.Compare(string(a.Column), string(b.Column)) })
	return w.keepSecret(p)
}

// relate publishes, correlates and excludes as is said of somebody.
func (w *town) relate(t *testing.T, p riverside.Person) {
	t.Helper()
	if err := w.storyteller().relate(t.Context(), p); err != nil {
		t.Fatalf("%s: %v", p.Name, err)
	}
}

// answer is what came back, byte by byte.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send sends a request as somebody, as it is.
func (w *town) send(t *testing.T, who, method, url string, body any) answer {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	a, err := w.trySend(t.Context(), who, method, url, text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (w *town) trySend(ctx context.Context, who, method, url string, body []byte) (a answer, err error) {
	token, err := w.sign(who)
	if err != nil {
		return a, err
	}
	if _, err := w.as(who); err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	w.mu.Lock()
	wire := w.wires[who]
	w.mu.Unlock()
	resp, err := (&http.Client{Transport: wire, Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.status, a.header = resp.StatusCode, resp.Header
	a.body, err = io.ReadAll(resp.Body)
	return a, err
}

// problem reads the answer as a problem of that status.
func (a answer) problem(t *testing.T, status int) bearer.Problem {
	t.Helper()
	var p bearer.Problem
	if a.status != status || a.header.Get("Content-Type") != "application/problem+json" || json.Unmarshal(a.body, &p) != nil || p.Status != status {
		t.Fatalf("got %d %s, want a problem of status %d", a.status, a.body, status)
	}
	return p
}

// enquiry is a question as it goes over the wire.
func enquiry(column ident.Column, identifier, transaction string) map[string]any {
	q := map[string]any{
		"column": column, "identifier": identifier, "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "not-known",
	}
	if transaction != "" {
		q["transaction"] = transaction
	}
	return q
}

// ask asks, and wants an answer.
func (w *town) ask(t *testing.T, who string, column ident.Column, identifier, transaction string) (*relmgroas.Answer, answer) {
	t.Helper()
	raw := w.send(t, who, http.MethodPost, w.Relmgr.URL+"/relmgr/v1/enquiries", enquiry(column, identifier, transaction))
	if raw.status != http.StatusOK {
		t.Fatalf("%s asks in %s: %d %s", who, column, raw.status, raw.body)
	}
	a := new(relmgroas.Answer)
	if err := a.UnmarshalJSON(raw.body); err != nil {
		t.Fatal(err)
	}
	return a, raw
}

// providersOf lists the providers of an answer.
func providersOf(a *relmgroas.Answer) []string {
	out := []string{}
	for _, p := range a.Providers {
		out = append(out, string(p.Provider))
	}
	return out
}

func wantTold(t *testing.T, a *relmgroas.Answer, want ...string) {
	t.Helper()
	if got := providersOf(a); !slices.Equal(got, append([]string{}, want...)) {
		t.Fatalf("told of %v, want %v", got, want)
	}
}

var (
	anyID         = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	anyCommitment = regexp.MustCompile(`[0-9a-f]{64}`)
	anyRequest    = regexp.MustCompile(`"request":"[^"]*"`)
)

// masked is the whole answer, headers too, without what is drawn anew for each:
// ids, commitments and the time.
func (a answer) masked() string {
	h := a.header.Clone()
	for _, name := range []string{"Date", "X-Request-Id"} {
		if h.Get(name) != "" {
			h.Set(name, "drawn anew")
		}
	}
	var b strings.Builder
	fmt.Fprintln(&b, a.status)
	_ = h.Write(&b)
	body := anyRequest.ReplaceAll(a.body, []byte(`"request":"#"`))
	body = anyCommitment.ReplaceAll(body, []byte("# commitment"))
	b.Write(anyID.ReplaceAll(body, []byte("# id")))
	return b.String()
}

// wantSame compares two answers byte by byte.
func wantSame(t *testing.T, what string, a, b answer) {
	t.Helper()
	if x, y := a.masked(), b.masked(); x != y {
		t.Errorf("%s differ:\n%s\n---\n%s", what, x, y)
	}
}
