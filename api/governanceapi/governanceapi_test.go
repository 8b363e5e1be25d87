package governanceapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/api/governanceapi"
	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/governance"
	"github.com/fame-hub/fame/internal/localissuer"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/internal/seal"
)

const hubURL = "https://hub.example"

// newIssuer is an OpenID Provider of the test's own.
func newIssuer(t *testing.T) *localissuer.Issuer {
	t.Helper()
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	i, err := localissuer.Open(filepath.Join(t.TempDir(), "issuer.pem"), srv.URL)
	must(t, err)
	mux.Handle("/", i.Handler(""))
	return i
}

func (h *hub) token(subject string, more map[string]any) string {
	h.t.Helper()
	token, err := h.issuer.Token(subject, "fame", time.Now(), time.Hour, more)
	must(h.t, err)
	return token
}

type hub struct {
	t      *testing.T
	url    string
	issuer *localissuer.Issuer
}

// setup serves a hub that fame init has just made for olive.
func setup(t *testing.T) *hub {
	t.Helper()
	iss, dir := newIssuer(t), t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	must(t, err)
	db := pgtest.New(t).DB(t, "governance")
	service, err := governance.New(governance.Config{DB: db, Keys: keys, Now: time.Now, Hub: hubURL,
		Services: []governance.ServiceDescription{{Duty: "governance", Function: "keeps the register of users",
			Responsible: "Riverside Council", Status: "controller", Address: hubURL + "/governance/v1"}}})
	must(t, err)
	must(t, service.Initialise(t.Context(), governance.Governor{Issuer: iss.URL(), Audience: "fame", Subject: "sub-olive"}, hubURL, "Riverside"))
	edge, err := api.New(api.Config{DB: db, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
		OpenAPI: fame.OpenAPI, MaxBodies: governanceapi.MaxBodies()})
	must(t, err)
	handler, err := governanceapi.New(governanceapi.Config{Service: service, Edge: edge})
	must(t, err)
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return &hub{t, srv.URL, iss}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type bearer string

func (b bearer) Oidc(context.Context, governanceoas.OperationName) (governanceoas.Oidc, error) {
	return governanceoas.Oidc{Token: string(b)}, nil
}

// as is the generated client, signed in as somebody, with groups where given.
func (h *hub) as(subject string, groups ...string) *governanceoas.Client {
	h.t.Helper()
	more := map[string]any{}
	if len(groups) > 0 {
		more["groups"] = groups
	}
	c, err := governanceoas.NewClient(h.url, bearer(h.token(subject, more)))
	must(h.t, err)
	return c
}

// problem returns the problem that an operation was answered with.
func problem(t *testing.T, err error, status int, kind string) governanceoas.Problem {
	t.Helper()
	p, ok := errors.AsType[*governanceoas.ProblemStatusCode](err)
	if !ok || p.StatusCode != status || !strings.HasSuffix(p.Response.Type, "#"+kind) {
		t.Fatalf("got %v, want a problem of status %d, %s", err, status, kind)
	}
	return p.Response
}

// document is the first one with an agency, its administrator and a mapping.
func (h *hub) document() governanceoas.PartnershipDocument {
	h.t.Helper()
	in, err := h.as("sub-olive").ReadPartnership(h.t.Context())
	must(h.t, err)
	edit := func(section, add string) {
		h.t.Helper()
		var list []json.RawMessage
		must(h.t, json.Unmarshal(in.Document[section], &list))
		b, err := json.Marshal(append(list, json.RawMessage(add)))
		must(h.t, err)
		in.Document[section] = b
	}
	edit("agencies", `{"id":"gp","name":"Surgery","kind":"health"}`)
	edit("providers", `{"id":"gp-desk","kind":"unit","title":"Desk","agency":"gp"}`)
	edit("practitioners", `{"id":"ada","agency":"gp","issuer":"governor","subject":"sub-ada","roles":["agency-administrator"],"providers":[]}`)
	in.Document["issuers"] = []byte(`[{"name":"governor","issuer":"` + h.issuer.URL() + `","audience":"fame","mappings":[
		{"claim":"groups","value":"surgery","agency":"gp","roles":["doctor"],"providers":["gp-desk"],"hours":8}]}]`)
	in.Document["codes"] = []byte(strings.Replace(string(in.Document["codes"]), `"roles":[`, `"roles":[{"code":"doctor","title":"Doctor"},`, 1))
	return in.Document
}

func TestNewWantsServiceAndEdge(t *testing.T) {
	t.Parallel()
	for _, c := range []governanceapi.Config{{}, {Service: new(governance.Service)}, {Edge: new(api.Edge)}} {
		if _, err := governanceapi.New(c); err == nil {
			t.Errorf("made from %+v", c)
		}
	}
}

func TestAPartnershipFromItsFirstDayOn(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ctx := t.Context()
	olive := h.as("sub-olive")
	me, err := olive.SignIn(ctx)
	must(t, err)
	if me.Practitioner != "governor" || me.Source.Value != "by-hand" || me.Until.IsSet() {
		t.Errorf("signed in as %+v", me)
	}
	_, err = h.as("sub-ada").ReadPartnership(ctx)
	problem(t, err, 403, "not-registered")

	doc := h.document()
	dry, err := olive.ApplyPartnership(ctx, doc, governanceoas.ApplyPartnershipParams{DryRun: governanceoas.NewOptBool(true)})
	must(t, err)
	if dry.Applied || dry.Version != 1 || dry.Act.IsSet() || len(dry.Changes) == 0 {
		t.Errorf("dry run: %+v", dry)
	}
	change, err := olive.ApplyPartnership(ctx, doc, governanceoas.ApplyPartnershipParams{})
	must(t, err)
	if !change.Applied || change.Version != 2 || !change.Act.IsSet() || len(change.Commitment.Value) != 64 || len(change.Changes) != len(dry.Changes) {
		t.Errorf("applied: %+v", change)
	}
	again, err := olive.ApplyPartnership(ctx, doc, governanceoas.ApplyPartnershipParams{})
	must(t, err)
	if again.Applied || again.Version != 2 || len(again.Changes) != 0 {
		t.Errorf("applied again: %+v", again)
	}

	ada := h.as("sub-ada")
	user, err := ada.RegisterPractitioner(ctx, &governanceoas.PractitionerRequest{
		Practitioner: "dora", Issuer: "governor", Subject: "sub-dora", Roles: []governanceoas.Code{"doctor"},
		Providers: []governanceoas.Code{"gp-desk"}, Until: governanceoas.NewOptDateTime(time.Now().Add(time.Hour)),
	}, governanceoas.RegisterPractitionerParams{Agency: "gp"})
	must(t, err)
	if user.Practitioner != "dora" || !user.Until.IsSet() || user.Source.Value != "delegated" {
		t.Errorf("registered: %+v", user)
	}
	_, err = ada.RegisterPractitioner(ctx, &governanceoas.PractitionerRequest{
		Practitioner: "eve", Issuer: "governor", Subject: "sub-dora", Roles: []governanceoas.Code{"doctor"}, Providers: []governanceoas.Code{},
	}, governanceoas.RegisterPractitionerParams{Agency: "gp"})
	if p := problem(t, err, 409, "conflict"); strings.Contains(p.Detail.Value, "dora") {
		t.Errorf("%q says whose sign-in it is", p.Detail.Value)
	}
	_, err = olive.RegisterPractitioner(ctx, &governanceoas.PractitionerRequest{
		Practitioner: "eve", Issuer: "governor", Subject: "sub-eve", Roles: []governanceoas.Code{"doctor"}, Providers: []governanceoas.Code{},
	}, governanceoas.RegisterPractitionerParams{Agency: "gp"})
	problem(t, err, 403, "forbidden")

	services, err := h.as("sub-dora").ListServices(ctx)
	must(t, err)
	if len(services.Services) != 1 || services.Services[0].Status != "controller" {
		t.Errorf("services %+v", services)
	}
	carl := h.as("sub-carl", "surgery", "cricket")
	_, err = carl.ListServices(ctx)
	problem(t, err, 403, "not-registered")
	member, err := carl.SignIn(ctx)
	must(t, err)
	if member.Agency != "gp" || len(member.Roles) != 1 || member.Roles[0] != "doctor" || member.Source.Value != "claims" {
		t.Errorf("signed in as %+v", member)
	}
	_, err = carl.ListServices(ctx)
	must(t, err)
	_, err = h.as("sub-nobody", "cricket").SignIn(ctx)
	problem(t, err, 403, "not-registered")

	users, err := ada.ListPractitioners(ctx, governanceoas.ListPractitionersParams{Agency: "gp"})
	must(t, err)
	if len(users.Users) != 3 {
		t.Errorf("%d users of the agency, want ada, dora and the one by claims", len(users.Users))
	}
	for subject, code := range map[string]governanceoas.Code{"sub-dora": "dora", "sub-carl": member.Practitioner} {
		_, err = ada.EndPractitioner(ctx, governanceoas.EndPractitionerParams{Agency: "gp", Practitioner: code})
		must(t, err)
		leaver := h.as(subject, "surgery")
		_, err = leaver.ListServices(ctx) // the very next request
		problem(t, err, 403, "not-registered")
		_, err = leaver.SignIn(ctx)
		problem(t, err, 403, "not-registered")
	}

	var kinds []string
	params := governanceoas.ListGovernanceActsParams{Limit: governanceoas.NewOptInt(4)}
	for {
		page, err := olive.ListGovernanceActs(ctx, params)
		must(t, err)
		for _, a := range page.Acts {
			kinds = append(kinds, string(a.Kind))
		}
		if params.Cursor = page.Next; !page.Next.IsSet() {
			break
		}
	}
	if got := strings.Join(kinds, " "); got != "end-practitioner end-practitioner sign-in register-practitioner apply initialise" {
		t.Errorf("acts %s", got)
	}
	_, err = olive.ListGovernanceActs(ctx, governanceoas.ListGovernanceActsParams{Cursor: governanceoas.NewOptCursor("------------------------------------")})
	problem(t, err, 400, "malformed")
}

func TestARefusedDocumentSaysWhereAndNeverWhat(t *testing.T) {
	t.Parallel()
	h := setup(t)
	doc := h.document()
	doc["providers"] = []byte(`[{"id":"gp-desk","kind":"secret-kind","title":"Desk","agency":"secret-agency"}]`)
	_, err := h.as("sub-olive").ApplyPartnership(t.Context(), doc, governanceoas.ApplyPartnershipParams{})
	p := problem(t, err, 422, "invalid")
	b, err := p.MarshalJSON()
	must(t, err)
	if len(p.Errors) == 0 || strings.Contains(string(b), "secret") {
		t.Errorf("%s", b)
	}
}

func TestNothingIsServedWithoutAToken(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for _, path := range []string{"GET /governance/v1/partnership", "POST /governance/v1/sign-ins", "GET /governance/v1/acts", "GET /governance/v1/services"} {
		method, where, _ := strings.Cut(path, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, h.url+where, nil)
		must(t, err)
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		must(t, err)
		if res.StatusCode != http.StatusUnauthorized || !strings.Contains(string(body), "unauthenticated") {
			t.Errorf("%s without a token: %d %s", path, res.StatusCode, body)
		}
	}
}
