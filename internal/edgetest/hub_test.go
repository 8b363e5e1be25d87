package edgetest_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fame-hub/fame/api/consentapi"
	"github.com/fame-hub/fame/api/federationapi"
	"github.com/fame-hub/fame/api/governanceapi"
	"github.com/fame-hub/fame/api/idmgrapi"
	"github.com/fame-hub/fame/api/registrarapi"
	"github.com/fame-hub/fame/api/relmgrapi"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/governance"
	"github.com/fame-hub/fame/governance/ledger"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/localissuer"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/internal/serve"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/relmgr"
	"github.com/prometheus/client_golang/prometheus"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const (
	audience = "fame"
	hubID    = "https://riverside.fame.example"
	// marker stands wherever input may be anything. It fits the pattern of a
	// code and the name of a field, so that no rule about form hides an echo.
	marker = "zqmarkerzq"
	// step is how much later each request arrives than the one before. It keeps
	// the limit of the one address that all requests come from out of the way:
	// 100 a second (api.DefaultAddressPerMinute).
	step = 25 * time.Millisecond
)

// setting is how a hub differs from Riverside as it stands.
type setting struct {
	perMinute int                               // requests per practitioner; zero: more than any test sends
	document  func(map[string]any)              // changes the partnership document
	now       func() time.Time                  // nil: the test's own clock
	open      func(h *hub, duty string) *sql.DB // opens a database; nil: as pgtest does
	wrap      func(http.Handler) http.Handler   // stands between the server and the duties; nil: nothing does
}

// hub is a running hub, in which Riverside has been applied.
type hub struct {
	t          testing.TB
	base       *pgtest.Hub
	admin      *sql.DB
	url        string
	parts      map[string]process.Part         // by duty
	registries map[string]*prometheus.Registry // by duty
	keys       map[string]seal.Provider        // by duty
	readers    map[string]*sql.DB              // of fame verify, by duty
	issuer     *localissuer.Issuer
	registrar  *attest.Signer    // signs as county-register
	key        *ecdsa.PrivateKey // the issuer's
	clock      *clock
	now        func() time.Time
	logs       *logs
	client     *http.Client
	look       *sql.Stmt // the query of snapshot
	handleKeys string    // the public keys of relmgr's proofs of handles

	mu     sync.Mutex
	tokens map[string]minted
}

type minted struct {
	token string
	at    time.Time
}

func newHub(t testing.TB, s setting) *hub {
	t.Helper()
	h := &hub{
		t: t, base: pgtest.New(t), clock: newClock(), logs: new(logs), parts: map[string]process.Part{},
		registries: map[string]*prometheus.Registry{}, keys: map[string]seal.Provider{}, readers: map[string]*sql.DB{},
		client: &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		tokens: map[string]minted{},
	}
	h.admin = h.base.Admin(t)
	if h.now = s.now; h.now == nil {
		h.now = h.clock.now
	}
	if s.open == nil {
		s.open = func(h *hub, duty string) *sql.DB { return h.base.DB(t, duty) }
	}
	h.openIssuer()
	h.wire(s)
	h.serve(s)
	if s.perMinute == 0 {
		s.perMinute = 100_000
	}
	h.apply(s)
	return h
}

// openIssuer serves the local issuer on a port of its own, as `fame up` does on
// the hub's.
func (h *hub) openIssuer() {
	h.t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	h.t.Cleanup(server.Close)
	file := filepath.Join(h.t.TempDir(), "issuer.key")
	issuer, err := localissuer.Open(file, server.URL+"/issuer")
	h.must(err)
	h.issuer, handler = issuer, issuer.Handler("/issuer")
	text, err := os.ReadFile(file)
	h.must(err)
	block, _ := pem.Decode(text)
	h.key, err = x509.ParseECPrivateKey(block.Bytes)
	h.must(err)
}

// wire opens the duties, each with its role and its key file.
func (h *hub) wire(s setting) {
	h.t.Helper()
	ctx, dir := context.Background(), h.t.TempDir()
	h.handleKeys = filepath.Join(dir, "handles.jwks")
	handleKeys, recognitionKeys := h.handleKeys, filepath.Join(dir, "recognitions.jwks")
	log := slog.New(slog.NewJSONHandler(h.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, duty := range []string{"governance", "relmgr", "consent", "registrar", "idmgr", "federation"} {
		keys, err := seal.CreateFile(filepath.Join(dir, duty+".keys"), filepath.Join(dir, duty+".identity"))
		h.must(err)
		h.keys[duty] = keys
		p := &process.Process{
			Config: process.Config{Duty: duty, Hub: hubID, HandleKeys: handleKeys, FederationKeys: h.otherHub()},
			DB:     s.open(h, duty), Keys: keys, Now: h.now, Logger: log.With("duty", duty), Registry: prometheus.NewRegistry(),
		}
		h.registries[duty] = p.Registry
		h.t.Cleanup(func() { p.Close() })
		var wire process.Wire
		switch duty {
		case "governance":
			wire = governanceapi.Wire
			service, err := governance.New(governance.Config{DB: p.DB, Keys: keys, Now: h.now, Hub: hubID})
			h.must(err)
			h.must(service.Initialise(ctx, governance.Governor{Issuer: h.issuer.URL(), Audience: audience, Subject: "governor"}, hubID, "riverside"))
			p.Config.Services = []process.Service{{
				Duty: "governance", Function: "keeps the partnership", Responsible: "its officers", Status: "controller", Address: hubID,
			}}
		case "relmgr":
			wire = relmgrapi.Wire
			_, _, err = keys.Ensure(ctx, relmgr.SigningKey, seal.KindSign)
			h.must(err)
			set, err := attest.PublicKeys(ctx, keys, relmgr.SigningKey)
			h.must(err)
			h.must(attest.WriteKeySet(handleKeys, set))
			_, _, err = keys.Ensure(ctx, relmgr.AgreementKey, seal.KindAgree)
			h.must(err)
			to, err := attest.RecipientKeys(ctx, keys, relmgr.AgreementKey)
			h.must(err)
			h.must(attest.WriteKeySet(recognitionKeys, to))
		case "consent":
			wire = consentapi.Wire
			_, _, err = keys.Ensure(ctx, "duty/consent/records", seal.KindWrap)
			h.must(err)
			_, _, err = keys.Ensure(ctx, "sign/consent/1", seal.KindSign)
			h.must(err)
		case "registrar":
			wire = registrarapi.Wire
			p.Config.Registrar, p.Config.RecognitionKeys = registrarCode, recognitionKeys
			var entries atomic.Int32
			births := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"confirmed":true,"reference":"B-%d"}`, entries.Add(1))
			}))
			h.t.Cleanup(births.Close)
			p.Config.SecondLevel = map[string]string{"births": births.URL}
			h.must(registrar.MakeKeys(ctx, keys, registrarCode))
			h.must(registrar.MakeKeys(ctx, keys, millCode))
			p.Config.Covers = []process.Cover{{Registrar: millCode}}
			h.registrar = attest.NewSigner(keys, registrar.SigningKey(registrarCode), registrarCode)
		case "idmgr":
			wire = idmgrapi.Wire
			p.Config.Manager = managerCode
		case "federation":
			wire = federationapi.Wire
			h.must(federation.MakeKeys(ctx, keys))
			vkey, err := ledger.VerifierKey(ctx, h.keys["governance"], hubID)
			h.must(err)
			inside := httptest.NewServer(h.parts["relmgr"].Handler)
			h.t.Cleanup(inside.Close)
			p.Config.Relmgr = inside.URL
			h.trustOwnFederation()
			p.Config.LogKey, p.Config.PeerNetworks = filepath.Join(dir, "log.vkey"), []string{"127.0.0.0/8"}
			h.must(os.WriteFile(p.Config.LogKey, []byte(vkey), 0o600))
		}
		h.parts[duty], err = wire(ctx, p)
		h.must(err)
	}
}

// serve serves them on one port, through the same server as production.
func (h *hub) serve(s setting) {
	h.t.Helper()
	prefixes := map[string]http.Handler{}
	for _, part := range h.parts {
		maps.Copy(prefixes, part.Handlers())
	}
	for prefix, handler := range prefixes {
		if s.wrap != nil {
			prefixes[prefix] = s.wrap(handler)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	listening, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- serve.Run(ctx, serve.Config{
			Listen: "127.0.0.1:0", Handler: serve.Mount(nil, prefixes), Logger: slog.New(slog.NewJSONHandler(h.logs, nil)),
			OnListening: func(a serve.Addresses) { listening <- a.Public.String() },
		})
	}()
	h.t.Cleanup(func() {
		h.client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			h.t.Errorf("the server did not end in order: %v", err)
		}
	})
	select {
	case address := <-listening:
		h.url = "http://" + address
	case err := <-ended:
		ended <- err
		h.t.Fatal(err)
	}
}

// apply applies Riverside as the governor, with this hub's issuer in it.
func (h *hub) apply(s setting) {
	h.t.Helper()
	text := bytes.ReplaceAll(riverside.Partnership(), []byte("http://127.0.0.1:8400/issuer"), []byte(h.issuer.URL()))
	js, _, err := partnership.FromYAML(text)
	h.must(err)
	var doc map[string]any
	h.must(json.Unmarshal(js, &doc))
	doc["partnership"].(map[string]any)["hub"] = hubID
	doc["settings"].(map[string]any)["requests_per_minute"] = s.perMinute
	doc["settings"].(map[string]any)["notice_minutes"] = 1
	doc["registrars"] = []any{h.describeRegistrar(), h.describeMill()}
	if s.document != nil {
		s.document(doc)
	}
	h.ok("governor", "PUT", "/governance/v1/partnership", doc)
}

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// managerCode is the hub's identity manager, as Riverside lists it.
const managerCode = "local-links"

// registrarCode is the hub's registrar.
const registrarCode = "county-register"

// describeRegistrar is what a partnership says of the hub's registrar.
func (h *hub) describeRegistrar() object {
	h.t.Helper()
	set, err := attest.PublicKeys(h.t.Context(), h.keys["registrar"], registrar.SigningKey(registrarCode))
	h.must(err)
	js, err := json.Marshal(set)
	h.must(err)
	var jwks object
	h.must(json.Unmarshal(js, &jwks))
	return object{
		"code": registrarCode, "title": "The county's register", "agency": "riverside-social-care", "keys": jwks["keys"], "roles": []string{"register-officer"},
	}
}

// stated is a registrar's statement of what two pairings opened just now are of.
func (h *hub) stated(references ...string) string {
	h.t.Helper()
	at := h.now()
	token, err := h.registrar.SignCommonClient(h.t.Context(), attest.CommonClient{
		Audience: hubID + "/relmgr", References: [2]string(references), Level: "high", Types: []string{"demographic"},
		IssuedAt: at, Expires: at.Add(5 * time.Minute),
	})
	h.must(err)
	return token
}

// agencies are those of the people who carry recognitions.
var agencies = map[string]ident.Agency{"mr-lindqvist": "riverside-social-care", "ms-novak": "riverside-social-care", "dr-patel": "riverside-gp"}

// recognised is the registrar's recognition of a person, made for somebody.
func (h *hub) recognised(as, person string, change ...func(*attest.Recognition)) string {
	h.t.Helper()
	to, err := attest.RecipientKeys(h.t.Context(), h.keys["relmgr"], relmgr.AgreementKey)
	h.must(err)
	secret, err := to.Encrypt(attest.NewHubSecret(sha256.Sum256([]byte(person)), 1))
	h.must(err)
	r := attest.Recognition{
		Audience: hubID + "/relmgr", Practitioner: ident.Practitioner(as), Agency: agencies[as], Level: "medium", Types: []string{"demographic"},
		Secret: secret, IssuedAt: h.now(), Expires: h.now().Add(5 * time.Minute),
	}
	for _, c := range change {
		c(&r)
	}
	token, err := h.registrar.SignRecognition(h.t.Context(), r)
	h.must(err)
	return token
}

// attach makes the person of an identifier found by that registrar's recognition.
func (h *hub) attach(as, column, identifier, person string) string {
	h.t.Helper()
	return h.ok(as, "POST", "/relmgr/v1/anchors", object{
		"column": column, "identifier": identifier, "recognition": h.recognised(as, person), "reason": "same-person-found"})["act"].(string)
}

// reference opens a pairing and returns what is handed to a registrar.
func (h *hub) reference(as, column, identifier string) string {
	h.t.Helper()
	return h.ok(as, "POST", "/relmgr/v1/pairings", object{
		"column": column, "identifier": identifier, "decision": h.decision(column, agreed{}, h.consent(as, column, identifier, agreed{})),
	})["reference"].(string)
}

// byStatement is a correlation on a statement in place of a code.
func (h *hub) byStatement(as, column, identifier, statement string) object {
	h.t.Helper()
	c := h.correlation(column, identifier, "", h.consent(as, column, identifier, agreed{}))
	delete(c, "pairing")
	c["statement"] = statement
	return c
}

// token is a good token of somebody, good for an hour from when it was last
// needed.
func (h *hub) token(subject string) string {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	m := h.tokens[subject]
	if now := h.now(); m.token == "" || now.Sub(m.at) > 30*time.Minute {
		token, err := h.issuer.Token(subject, audience, now, time.Hour, nil)
		h.must(err)
		m = minted{token, now}
		h.tokens[subject] = m
	}
	return m.token
}

// request is one request, as it is put on the wire.
type request struct {
	as     string // whose token; empty: none
	method string
	target string // path and query, as written
	body   []byte
	header http.Header // in place of the usual ones; nil values leave one out
	stream bool        // the body's length is not told
	plant  func()      // runs when all is measured and nothing is sent; may be nil
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

// send sends a request. All that a client may say of itself says the marker.
func (h *hub) send(r request) answer {
	h.t.Helper()
	h.clock.pass(step)
	at, err := url.Parse(h.url)
	h.must(err)
	at.Opaque = r.target // verbatim
	if strings.HasPrefix(r.target, "//") {
		at.Opaque, at.Path = "", r.target
	}
	var body io.Reader
	if len(r.body) > 0 {
		body = bytes.NewReader(r.body)
		if r.stream {
			body = io.MultiReader(body)
		}
	}
	req, err := http.NewRequestWithContext(context.Background(), r.method, h.url, body)
	h.must(err)
	req.URL = at
	for _, name := range []string{"X-Request-Id", "User-Agent", "Referer", "Origin", "Cookie", "X-Forwarded-For", "Traceparent"} {
		req.Header.Set(name, marker)
	}
	if r.as != "" {
		req.Header.Set("Authorization", "Bearer "+h.token(r.as))
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	resp, err := h.client.Do(req)
	if err != nil {
		h.t.Fatalf("%s %.80q: %v", r.method, r.target, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	h.must(err)
	return answer{resp.StatusCode, resp.Header, text}
}

// ok sends a request that must succeed, and returns its answer.
func (h *hub) ok(as, method, target string, body any) map[string]any {
	h.t.Helper()
	r := request{as: as, method: method, target: target}
	if body != nil {
		r.body = encode(h.t, body)
	}
	a := h.send(r)
	if a.status >= 300 {
		h.t.Fatalf("%s: %s %s: %d %s", as, method, target, a.status, a.body)
	}
	var out map[string]any
	h.must(json.Unmarshal(a.body, &out))
	return out
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

type object = map[string]any

// why is what reads of what is recorded are for.
const why = "purpose=co-ordinate-care&reason=working-with-person"

// powers are held under the children's agreement.
var powers = map[string]string{
	"gp-riverside": "children-act-2004-s10", "gp-patel": "children-act-2004-s10", "school-pastoral": "education-act-2002-s175",
	"social-care": "children-act-2004-s10", oldColumn: "children-act-2004-s10", "police-riverside": "children-act-2004-s10",
}

// handle is a handle of somebody's own identifier, with its proof for consent.
func (h *hub) handle(as, column, identifier string) (handle, proof string) {
	h.t.Helper()
	found := h.ok(as, "POST", "/relmgr/v1/handles", object{"column": column, "identifier": identifier})
	return found["handle"].(string), found["proofs"].(object)["consent"].(string)
}

// agreed is what a consent, and a decision on it, covers.
type agreed struct {
	audience object
	purpose  string
	power    string // empty: the column's usual one
	life     time.Duration
	review   time.Duration // 0: as late as may be
}

// consented is whom a consent lets be told: all that a decision may name.
func (a agreed) consented() object {
	if _, ok := a.audience["peers"]; ok {
		return a.audience
	}
	return object{"partnership": true}
}

func (a agreed) orUsual() agreed {
	if a.audience == nil {
		a.audience = object{"partnership": true}
	}
	if a.purpose == "" {
		a.purpose = "co-ordinate-care"
	}
	if a.life == 0 {
		a.life = 300 * 24 * time.Hour
	}
	return a
}

func (h *hub) until(life time.Duration) string {
	return h.now().Add(life).UTC().Truncate(time.Second).Format(time.RFC3339)
}

// consent captures an explicit consent for an identifier.
func (h *hub) consent(as, column, identifier string, a agreed) string {
	h.t.Helper()
	a = a.orUsual()
	_, proof := h.handle(as, column, identifier)
	return h.ok(as, "POST", "/consent/v1/consents", object{
		"proof": proof, "explicit": true, "audience": a.consented(), "purposes": []string{a.purpose},
		"aspects": []string{"relationship"}, "until": h.until(300 * 24 * time.Hour), "evidence": "signed-form", "wording": "leaflet-3",
	})["consent"].(string)
}

// decision is a holder's side that passes all four steps.
func (h *hub) decision(column string, a agreed, consents ...string) object {
	a = a.orUsual()
	proportionality := object{"necessary": true, "safeguards": true, "aim": "protect-health"}
	if a.review > 0 {
		proportionality["review"] = h.until(a.review)
	}
	return object{
		"agreement": "riverside-children", "power": cmp.Or(a.power, powers[column]), "purposes": []string{a.purpose}, "aspects": []string{"relationship"},
		"audience": a.audience, "proportionality": proportionality,
		"ground": "explicit-consent", "consents": consents, "conditions": object{"ordinary": "art6-public-task"},
		"until": h.until(a.life),
	}
}

// override has the surgery's lead publish without the person's consent, for
// social care to be told of once, and returns its act.
func (h *hub) override(identifier string) string {
	h.t.Helper()
	return h.ok("dr-brandt", "POST", "/relmgr/v1/relationships", h.overriding(identifier))["act"].(string)
}

func (h *hub) overriding(identifier string) object {
	r := h.relationship("gp-riverside", identifier, agreed{audience: object{"agencies": []string{"riverside-social-care"}}, review: 20 * 24 * time.Hour}, "")
	r["mode"] = "imposed"
	d := r["decision"].(object)
	delete(d, "consents")
	d["ground"], d["reason"], d["concerning"], d["welfare"] = "significant-harm", "risk-of-harm", "child", true
	d["override"] = object{"risk": "significant-harm-to-child", "telling": "raises-risk"}
	return r
}

var publishes = map[string]string{"gp-riverside": "gp", "gp-patel": "gp", "school-pastoral": "teacher", "social-care": "social-worker", oldColumn: "social-worker", "police-riverside": "police-officer"}

// publish publishes a relationship, and returns its act and its consent.
func (h *hub) publish(as, column, identifier string, a agreed) (act, consent string) {
	h.t.Helper()
	consent = h.consent(as, column, identifier, a)
	done := h.ok(as, "POST", "/relmgr/v1/relationships", h.relationship(column, identifier, a, consent))
	return done["act"].(string), consent
}

func (h *hub) relationship(column, identifier string, a agreed, consent string) object {
	return object{
		"column": column, "identifier": identifier, "role": publishes[column], "mode": "supplier-with-consent", "reason": "working-with-person",
		"offers":   []object{{"kind": "will-co-ordinate", "transactions": []string{"joint-assessment"}, "contact": "desk"}},
		"decision": h.decision(column, a, consent),
	}
}

func (h *hub) erase(as, column, identifier string) {
	h.t.Helper()
	h.ok(as, "POST", "/relmgr/v1/erasures", object{"column": column, "identifier": identifier, "reason": "subject-asked"})
}

// pair opens a pairing and returns its code and the consent under it.
func (h *hub) pair(as, column, identifier string) (code, consent string) {
	h.t.Helper()
	consent = h.consent(as, column, identifier, agreed{})
	return h.ok(as, "POST", "/relmgr/v1/pairings", object{
		"column": column, "identifier": identifier, "decision": h.decision(column, agreed{}, consent),
	})["code"].(string), consent
}

// correlate uses a code, and returns the act and the consent under it.
func (h *hub) correlate(as, column, identifier, code string) (act, consent string) {
	h.t.Helper()
	consent = h.consent(as, column, identifier, agreed{})
	done := h.ok(as, "POST", "/relmgr/v1/correlations", h.correlation(column, identifier, code, consent))
	return done["act"].(string), consent
}

func (h *hub) correlation(column, identifier, code, consent string) object {
	return object{
		"column": column, "identifier": identifier, "pairing": code, "mode": "supplier-with-consent", "reason": "same-person-found",
		"decision": h.decision(column, agreed{}, consent),
	}
}

func (h *hub) exclude(as, column, identifier, agency string) string {
	h.t.Helper()
	_, proof := h.handle(as, column, identifier)
	return h.ok(as, "POST", "/consent/v1/exclusions", object{
		"proof": proof, "agency": agency, "evidence": "spoken-and-noted",
	})["exclusion"].(string)
}

// impose publishes for social care without the person's consent.
func (h *hub) impose(identifier string, more ...object) string {
	h.t.Helper()
	r := h.relationship("social-care", identifier, agreed{}, "")
	d := r["decision"].(object)
	delete(d, "consents")
	d["ground"], d["reason"], r["mode"] = "significant-harm", "risk-of-harm", "imposed"
	for _, m := range more {
		maps.Copy(r, m)
	}
	return h.ok("ms-novak", "POST", "/relmgr/v1/relationships", r)["act"].(string)
}

// withClosedColumn adds a column of the surgery's that has been closed.
func withClosedColumn(doc map[string]any) {
	columns := doc["columns"].([]any)
	old := object{}
	for name, v := range columns[0].(object) {
		old[name] = v
	}
	old["id"], old["closes"] = "gp-old", "2026-11-01T00:00:00Z"
	doc["columns"] = append(columns, old)
}

// registerAndEnd registers somebody at the surgery and ends them again.
func (h *hub) registerAndEnd(name string) {
	h.t.Helper()
	h.register(name)
	h.ok("admin-reyes", "POST", "/governance/v1/agencies/riverside-gp/practitioners/"+name+"/end", nil)
}

func (h *hub) register(name string) {
	h.t.Helper()
	h.ok("admin-reyes", "POST", "/governance/v1/agencies/riverside-gp/practitioners", object{
		"practitioner": name, "issuer": "local", "subject": name, "roles": []string{"gp"}, "providers": []string{"riverside-surgery"},
	})
}

// content is what one table holds: how many rows, and a sum over them that any
// change alters.
type content struct{ rows, sum string }

// snapshot is what every table of every duty holds.
func (h *hub) snapshot() map[string]content {
	h.t.Helper()
	if h.look == nil {
		var text string
		h.must(h.admin.QueryRow(`
			select string_agg(format('select %L, count(*)::text, coalesce(sum(x.xmin::text::bigint), 0)::text from %I.%I x',
			                         schemaname || '.' || tablename, schemaname, tablename), ' union all ')
			  from pg_catalog.pg_tables where schemaname not in ('pg_catalog', 'information_schema', 'public')`).Scan(&text))
		var err error
		h.look, err = h.admin.Prepare(text)
		h.must(err)
	}
	rows, err := h.look.Query()
	h.must(err)
	defer rows.Close()
	all := map[string]content{}
	for rows.Next() {
		var table string
		var c content
		h.must(rows.Scan(&table, &c.rows, &c.sum))
		all[table] = c
	}
	h.must(rows.Err())
	return all
}

// written lists the tables that differ, each with how many rows more it has.
func written(before, after map[string]content) []string {
	out := []string{}
	for table, now := range after {
		was := before[table]
		if was == now {
			continue
		}
		var a, b json.Number = json.Number(was.rows), json.Number(now.rows)
		from, _ := a.Int64()
		to, _ := b.Int64()
		out = append(out, table+" "+signed(to-from))
	}
	slices.Sort(out)
	return out
}

func signed(n int64) string {
	text, _ := json.Marshal(n)
	if n >= 0 {
		return "+" + string(text)
	}
	return string(text)
}

// clock is a time that the test moves.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.at.Store(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time        { return time.Unix(0, c.at.Load()) }
func (c *clock) pass(by time.Duration) { c.at.Add(int64(by)) }

// logs is what all processes of the hub have logged since it was last taken.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

// block hides a column's relationship, as its person's wish.
func (h *hub) block(as, column, identifier, reach string) string {
	h.t.Helper()
	_, proof := h.handle(as, column, identifier)
	return h.ok(as, "POST", "/consent/v1/blocks", object{
		"proof": proof, "reach": reach, "warning": "effect-on-care-1", "evidence": "spoken-and-noted",
	})["block"].(string)
}

// dispute disputes what is joined to an identifier.
func (h *hub) dispute(as, column, identifier string) string {
	h.t.Helper()
	return h.ok(as, "POST", "/relmgr/v1/disputes", object{
		"column": column, "identifier": identifier, "reason": "not-the-same-person",
	})["act"].(string)
}

// act finds the caller's reference of the newest act of a kind on an identifier.
func (h *hub) act(as, column, identifier, kind string) string {
	h.t.Helper()
	handle, _ := h.handle(as, column, identifier)
	for _, a := range h.ok(as, "GET", "/relmgr/v1/acts?"+why+"&handle="+handle, nil)["acts"].([]any) {
		if act := a.(object); act["kind"] == kind {
			return act["act"].(string)
		}
	}
	h.t.Fatalf("no %s is shown to %s", kind, as)
	return ""
}

// trial is a holder's decision to try: the usual one of the gp's, on a consent
// that nobody has given.
func (h *hub) trial() object {
	d := h.decision("gp-riverside", agreed{})
	d["column"], d["mode"], d["role"], d["reason"] = "gp-riverside", "supplier-with-consent", "gp", "working-with-person"
	d["consents"] = []object{{
		"explicit": true, "audience": d["audience"], "purposes": d["purposes"], "aspects": d["aspects"], "until": h.until(24 * time.Hour),
	}}
	return d
}

// approving is an approval of imports into the surgery's column.
func (h *hub) approving() object {
	d := h.decision("gp-riverside", agreed{})
	d["ground"], d["reason"] = "significant-harm", "risk-of-harm"
	delete(d, "consents")
	return object{
		"columns": []string{"gp-riverside"}, "mode": "imposed", "reason": "risk-of-harm", "relationships": 1000, "until": h.until(30 * 24 * time.Hour),
		"decision": d,
	}
}

// importLine is a line of a file of the surgery.
func importLine(n int, identifier string) object {
	return object{
		"line": n, "column": "gp-riverside", "identifier": identifier, "role": "gp",
		"offers": []object{{"kind": "will-co-ordinate", "transactions": []string{"joint-assessment"}, "contact": "desk"}},
	}
}

// toAsk records that the person of a proof is to be asked for consent.
func (h *hub) toAsk(as, proof string) string {
	h.t.Helper()
	return h.ok(as, "POST", "/consent/v1/requests", object{
		"proof": proof, "explicit": true, "audience": object{"partnership": true}, "purposes": []string{"co-ordinate-care"},
		"aspects": []string{"relationship"}, "until": h.until(30 * 24 * time.Hour),
	})["request"].(string)
}
