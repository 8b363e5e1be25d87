package api_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pgtest"
	ht "github.com/ogen-go/ogen/http"
	"github.com/prometheus/client_golang/prometheus"
)

// hub is a partnership of one agency with jo in it, a duty that says who
// calls, and the edge between them.
type hub struct {
	t        *testing.T
	clock    *clock
	issuer   *issuer
	admin    *sql.DB
	act      ident.ActID
	terms    *decide.Terms
	edge     *api.Edge
	server   *httptest.Server
	registry *prometheus.Registry
	logs     *logs
	duty     *duty
	token    string // jo's, good for an hour
}

func setup(t *testing.T, change func(*api.Config)) *hub {
	t.Helper()
	base := pgtest.New(t)
	h := &hub{
		t: t, clock: newClock(), issuer: newIssuer(t), admin: base.Admin(t), act: ident.NewAct(),
		registry: prometheus.NewRegistry(), logs: new(logs), duty: new(duty),
	}
	h.token = sign(t, h.issuer.newKey(t, "k1"), "JWT", h.issuer.claims(h.clock.now(), nil))
	h.terms = h.issuer.terms(1)
	h.terms.Agencies = []decide.Agency{{ID: "gp", Name: "Riverside"}, {ID: "school", Name: "Hill Road"}}
	h.exec(`insert into governance.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
		values ($1, 'initialise', $2, 'jo', 'gp', 'governance-officer', 1, '', '')`, h.act, h.clock.now())
	h.apply()
	h.register("jo", "gp")

	config := api.Config{
		DB: base.DB(t, "relmgr"), Now: h.clock.now, Logger: slog.New(slog.NewJSONHandler(h.logs, nil)),
		Registerer: h.registry, OpenAPI: fame.OpenAPI,
	}
	if change != nil {
		change(&config)
	}
	var err error
	if h.edge, err = api.New(config); err != nil {
		t.Fatal(err)
	}
	h.duty.edge = h.edge
	server, err := relmgroas.NewServer(h.duty, h.duty, relmgroas.WithErrorHandler(h.edge.ErrorHandler),
		relmgroas.WithNotFound(h.edge.NotFound), relmgroas.WithMethodNotAllowed(h.edge.MethodNotAllowed))
	if err != nil {
		t.Fatal(err)
	}
	h.server = httptest.NewServer(h.edge.Handler("/relmgr/v1", server))
	t.Cleanup(h.server.Close)
	return h
}

func (h *hub) exec(query string, args ...any) {
	h.t.Helper()
	if _, err := h.admin.ExecContext(h.t.Context(), query, args...); err != nil {
		h.t.Fatal(err)
	}
}

// apply stores the terms as their next version.
func (h *hub) apply() {
	h.t.Helper()
	document, err := json.Marshal(h.terms)
	if err != nil {
		h.t.Fatal(err)
	}
	h.exec(`insert into governance.terms (version, act_id, applied_at, document, applied)
		select coalesce(max(version), 0) + 1, $1, $2, $3, '{}' from governance.terms`, h.act, h.clock.now(), string(document))
}

// register enters a person, in two roles (of which one has ended) and two
// providers (of which one has not begun), from now on.
func (h *hub) register(name, agency string) {
	h.t.Helper()
	hash, now := api.SubjectHash("everyone", name), h.clock.now()
	h.exec(`insert into governance.practitioners (practitioner_id, agency_id, issuer, subject_hash, source, starts_at, act_id)
		values ($1, $2, 'everyone', $3, 'by-hand', $4, $5)`, name, agency, hash[:], now, h.act)
	h.exec(`insert into governance.roles_held (practitioner_id, role, starts_at, ends_at, act_id)
		values ($1, 'practitioner', $2, null, $3), ($1, 'locum', $2, $2, $3)`, name, now, h.act)
	h.exec(`insert into governance.memberships (practitioner_id, provider_id, starts_at, act_id)
		values ($1, 'front-desk', $2, $4), ($1, 'night-desk', $3, $4)`, name, now, now.Add(time.Hour), h.act)
}

// answer is what came back.
type answer struct {
	status  int
	header  http.Header
	text    string
	problem api.Problem
}

// send sends a request; header values replace those of a good request, and an
// empty one leaves the header out.
func (h *hub) send(method, path, body string, header http.Header) answer {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.token)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for name, values := range header {
		r.Header[name] = values
	}
	resp, err := h.server.Client().Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if resp.StatusCode >= 400 {
		if err := json.Unmarshal(text, &a.problem); err != nil || resp.Header.Get("Content-Type") != "application/problem+json" {
			h.t.Fatalf("%d is no problem: %v %s", resp.StatusCode, resp.Header, text)
		}
		if a.problem.Status != resp.StatusCode || a.problem.Request != resp.Header.Get("X-Request-Id") {
			h.t.Errorf("the problem does not fit its answer: %d %v %+v", resp.StatusCode, resp.Header, a.problem)
		}
	}
	return a
}

const enquiry = `{"column":"riverside-gp","identifier":"LMN-00042","purpose":"safeguarding","reason":"referral","concerning":"child"}`

func (h *hub) enquire() answer {
	h.t.Helper()
	return h.send("POST", "/relmgr/v1/enquiries", enquiry, nil)
}

// is checks status and kind.
func (a answer) is(t *testing.T, status int, kind string) {
	t.Helper()
	if a.status != status || kind != "" && a.problem.Type != "docs/problems.md#"+kind {
		t.Errorf("got %d %s, want %d %s", a.status, a.text, status, kind)
	}
}

// duty answers enquiries with who asked, and does not implement the rest.
type duty struct {
	relmgroas.Handler
	edge   *api.Edge
	open   bool // let people in who are not registered
	fails  func() error
	mu     sync.Mutex
	caller decide.Caller
	id     api.Identity
	known  bool
	terms  *decide.Terms
}

func (d *duty) HandleSubject(ctx context.Context, op relmgroas.OperationName, t relmgroas.Subject) (context.Context, error) {
	return d.edge.SecureSubject(ctx, op, t.Token)
}

func (*duty) HandlePeer(ctx context.Context, _ relmgroas.OperationName, _ relmgroas.Peer) (context.Context, error) {
	return ctx, nil
}

func (d *duty) HandleOidc(ctx context.Context, op relmgroas.OperationName, t relmgroas.Oidc) (context.Context, error) {
	if d.open {
		return d.edge.AuthenticateOnly(ctx, op, t.Token)
	}
	return d.edge.Secure(ctx, op, t.Token)
}

func (d *duty) NewError(ctx context.Context, err error) *relmgroas.ProblemStatusCode {
	res := new(relmgroas.ProblemStatusCode)
	res.StatusCode = d.edge.Problem(ctx, err, &res.Response)
	return res
}

func (d *duty) Enquire(ctx context.Context, _ *relmgroas.EnquiryRequest) (*relmgroas.Answer, error) {
	if d.fails != nil {
		return nil, d.fails()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.caller, d.known = api.Caller(ctx)
	d.id, _ = api.IdentityOf(ctx)
	d.terms, _ = d.edge.Terms(ctx)
	return &relmgroas.Answer{
		ID: "0190a3f4-6c1e-4a5b-9c7d-2f8e1b3a5d60", Known: relmgroas.AnswerKnownNothingToTell,
		Meaning: "x", Complete: true, Providers: []relmgroas.AnsweredProvider{},
		Commitment: relmgroas.Commitment(strings.Repeat("0", 64)),
	}, nil
}

func (d *duty) OpenPairing(context.Context, *relmgroas.PairingRequest) (*relmgroas.Pairing, error) {
	return nil, ht.ErrNotImplemented
}

func (d *duty) ListActs(context.Context, relmgroas.ListActsParams) (*relmgroas.ActPage, error) {
	return nil, ht.ErrNotImplemented
}

func (d *duty) FindAct(context.Context, relmgroas.FindActParams) (*relmgroas.Act, error) {
	return nil, ht.ErrNotImplemented
}

// logs is a buffer that several may write.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
