package consentapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/api/consentapi"
	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
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
	relmgr *attest.Signer
}

// setup serves the duty for alice and sue, who may publish for gp and school.
func setup(t *testing.T) *hub {
	t.Helper()
	iss := newIssuer(t)
	p := pgtest.New(t)
	terms := decide.Terms{
		Version: 1,
		Issuers: []decide.Issuer{{Name: "everyone", Issuer: iss.URL(), Audience: "fame"}},
		Codes: decide.Codes{
			Purposes: []decide.Code{{Code: "support"}}, Aspects: []decide.Code{{Code: "involvement"}},
			Aims: []decide.Code{{Code: "safety"}}, Reasons: []decide.Code{{Code: "working"}}},
		Profile: decide.Profile{ID: "uk-current", Questions: [4]string{"Is there a power?", "Is it proportionate?", "Is it confidential?", "Which condition?"},
			Ordinary: []decide.ProfileCondition{{Code: "public-task"}}},
		Powers:    []decide.Power{{Code: "act", Kinds: []string{"health"}, Purposes: []string{"support"}}},
		Agencies:  []decide.Agency{{ID: "gp", Kind: "health"}, {ID: "school"}, {ID: "police"}},
		Providers: []decide.Provider{{ID: "gp-desk", Agency: "gp"}, {ID: "school-office", Agency: "school"}},
		Columns: []decide.Column{
			{ID: "gp-people", Provider: "gp-desk", Agency: "gp"}, {ID: "school-roll", Provider: "school-office", Agency: "school"}},
		Agreements: []decide.Agreement{{
			Code: "early-help", Parties: []ident.Agency{"gp", "school"}, StatementLevel: decide.HighConfidence,
			Roles:    decide.AgreementRoles{Publish: []string{"practitioner"}, Impose: []string{"practitioner"}, Correlate: []string{"practitioner"}},
			Purposes: []string{"support"}, Powers: []string{"act"}, Aspects: []string{"involvement"},
			Modes: []decide.Mode{decide.Imposed}, Grounds: []decide.Ground{decide.NotConfidential}}},
	}
	document, err := json.Marshal(terms)
	must(t, err)
	admin, act, since := p.Admin(t), ident.NewAct(), time.Now().Add(-time.Hour)
	run := func(statement string, args ...any) {
		t.Helper()
		_, err := admin.ExecContext(t.Context(), statement, args...)
		must(t, err)
	}
	run(`insert into governance.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
		values ($1, 'initialise', $2, 'alice', 'gp', 'governance-officer', 1, '', '')`, act, since)
	run(`insert into governance.terms (version, act_id, applied_at, document, applied) values (1, $1, $2, $3, '{}')`, act, since, string(document))
	for name, at := range map[string][3]string{
		"alice": {"gp", "practitioner", "gp-desk"}, "sue": {"school", "practitioner", "school-office"}, "rita": {"gp", "receptionist", "gp-desk"},
	} {
		hash := api.SubjectHash("everyone", name)
		run(`insert into governance.practitioners (practitioner_id, agency_id, issuer, subject_hash, source, starts_at, act_id)
			values ($1, $2, 'everyone', $3, 'by-hand', $4, $5)`, name, at[0], hash[:], since, act)
		run(`insert into governance.roles_held (practitioner_id, role, starts_at, act_id) values ($1, $2, $3, $4)`, name, at[1], since, act)
		run(`insert into governance.memberships (practitioner_id, provider_id, starts_at, act_id) values ($1, $2, $3, $4)`, name, at[2], since, act)
	}

	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	must(t, err)
	for id, kind := range map[seal.KeyID]seal.KeyKind{consent.RecordsKey: seal.KindWrap, consent.ReceiptsKey: seal.KindSign, "sign/relmgr": seal.KindSign} {
		_, _, err := keys.Ensure(t.Context(), id, kind)
		must(t, err)
	}
	public, err := attest.PublicKeys(t.Context(), keys, "sign/relmgr")
	must(t, err)
	db := p.DB(t, "consent")
	service, err := consent.New(consent.Config{
		DB: db, Keys: keys, Now: time.Now, Proofs: attest.NewVerifier(hubURL, public.Fixed, time.Now)})
	must(t, err)
	edge, err := api.New(api.Config{
		DB: db, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), OpenAPI: fame.OpenAPI})
	must(t, err)
	handler, err := consentapi.New(consentapi.Config{Service: service, Edge: edge})
	must(t, err)
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return &hub{t, srv.URL, iss, attest.NewSigner(keys, "sign/relmgr", hubURL)}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// as is the generated client, signed in as somebody.
func (h *hub) as(name string) *consentoas.Client {
	h.t.Helper()
	c, err := consentoas.NewClient(h.url, bearer(h.token(name, nil)))
	must(h.t, err)
	return c
}

type bearer string

func (b bearer) Subject(context.Context, consentoas.OperationName) (consentoas.Subject, error) {
	return consentoas.Subject{Token: string(b)}, nil
}

func (b bearer) Oidc(context.Context, consentoas.OperationName) (consentoas.Oidc, error) {
	return consentoas.Oidc{Token: string(b)}, nil
}

func (h *hub) proof(who ident.Practitioner, agency ident.Agency, column ident.Column) consentoas.HandleProof {
	h.t.Helper()
	token, err := h.relmgr.SignHandleProof(h.t.Context(), attest.HandleProof{
		Audience: consent.ProofAudience, Subject: who, Agency: agency, Column: column, Handle: ident.NewHandle(),
		IssuedAt: time.Now(), Expires: time.Now().Add(5 * time.Minute),
	})
	must(h.t, err)
	return consentoas.HandleProof(token)
}

func (h *hub) request() *consentoas.ConsentRequest {
	return &consentoas.ConsentRequest{
		Proof: h.proof("alice", "gp", "gp-people"), Explicit: true, Audience: consentoas.Audience{Agencies: []consentoas.Code{"school"}},
		Purposes: []consentoas.Code{"support"}, Aspects: []consentoas.Code{"involvement"},
		Until: time.Now().AddDate(1, 0, 0).UTC().Truncate(time.Second), Evidence: "signed-form", Wording: "leaflet-v3",
	}
}

// problem returns the problem that an operation was answered with.
func problem(t *testing.T, err error, status int) consentoas.Problem {
	t.Helper()
	p, ok := errors.AsType[*consentoas.ProblemStatusCode](err)
	if !ok || p.StatusCode != status {
		t.Fatalf("got %v, want a problem of status %d", err, status)
	}
	return p.Response
}

func TestNewWantsServiceAndEdge(t *testing.T) {
	t.Parallel()
	for _, c := range []consentapi.Config{{}, {Service: new(consent.Service)}, {Edge: new(api.Edge)}} {
		if _, err := consentapi.New(c); err == nil {
			t.Errorf("made from %+v", c)
		}
	}
}

func TestAConsentIsCapturedReadBackAndWithdrawn(t *testing.T) {
	t.Parallel()
	h := setup(t)
	alice := h.as("alice")
	for _, audience := range []consentoas.Audience{
		{Agencies: []consentoas.Code{"school"}},
		{Columns: []consentoas.Code{"school-roll"}},
		{Partnership: consentoas.NewOptAudiencePartnership(true)},
	} {
		req := h.request()
		req.Audience = audience
		receipt, err := alice.CaptureConsent(t.Context(), req)
		must(t, err)
		got, err := alice.FindConsent(t.Context(), consentoas.FindConsentParams{Consent: receipt.Consent})
		must(t, err)
		from := got.From
		if time.Since(from).Abs() > time.Minute {
			t.Errorf("in force from %v", from)
		}
		want := &consentoas.Consent{
			Consent: receipt.Consent, Explicit: true, Audience: audience, Purposes: req.Purposes, Aspects: req.Aspects,
			From: from, Until: req.Until, Evidence: "signed-form", Wording: "leaflet-v3", CapturedBy: "gp",
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("\n got %+v\nwant %+v", got, want)
		}
		params := consentoas.WithdrawConsentParams{Consent: receipt.Consent}
		first, err := alice.WithdrawConsent(t.Context(), &consentoas.ConsentWithdrawalRequest{Evidence: "recorded-call"}, params)
		must(t, err)
		second, err := alice.WithdrawConsent(t.Context(), &consentoas.ConsentWithdrawalRequest{Evidence: "signed-form"}, params)
		must(t, err)
		if *first != *second || first.Consent != receipt.Consent || first.Act == receipt.Act {
			t.Errorf("withdrawn as %+v, then as %+v", first, second)
		}
		got, err = alice.FindConsent(t.Context(), consentoas.FindConsentParams{Consent: receipt.Consent})
		must(t, err)
		if !got.Withdrawn.Set {
			t.Error("not read back as withdrawn")
		}
	}
}

func TestAnAgencyIsExcludedAndLetInAgain(t *testing.T) {
	t.Parallel()
	h := setup(t)
	alice := h.as("alice")
	out, err := alice.ExcludeAgency(t.Context(), &consentoas.ExclusionRequest{
		Proof: h.proof("alice", "gp", "gp-people"), Agency: "police", Evidence: "electronic"})
	must(t, err)
	params := consentoas.WithdrawExclusionParams{Exclusion: out.Exclusion}
	first, err := alice.WithdrawExclusion(t.Context(), &consentoas.ConsentWithdrawalRequest{Evidence: "electronic"}, params)
	must(t, err)
	second, err := alice.WithdrawExclusion(t.Context(), &consentoas.ConsentWithdrawalRequest{Evidence: "electronic"}, params)
	must(t, err)
	if *first != *second || first.Exclusion != out.Exclusion {
		t.Errorf("let in as %+v, then as %+v", first, second)
	}
	_, err = alice.ExcludeAgency(t.Context(), &consentoas.ExclusionRequest{
		Proof: h.proof("alice", "gp", "gp-people"), Agency: "gp", Evidence: "electronic"})
	if p := problem(t, err, http.StatusUnprocessableEntity); len(p.Errors) != 1 || p.Errors[0].Pointer != "/agency" {
		t.Errorf("%+v", p)
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	t.Parallel()
	h := setup(t)
	_, err := h.as("nobody").CaptureConsent(t.Context(), h.request())
	problem(t, err, http.StatusForbidden)

	_, err = h.as("rita").CaptureConsent(t.Context(), h.request())
	if p := problem(t, err, http.StatusForbidden); !strings.Contains(p.Detail.Value, "roles.publish") {
		t.Errorf("%+v", p)
	}
	_, err = h.as("sue").CaptureConsent(t.Context(), h.request()) // alice's proof
	if p := problem(t, err, http.StatusUnprocessableEntity); p.Detail.Value != "ask POST /relmgr/v1/handles for a new proof" {
		t.Errorf("%+v", p)
	}
	req := h.request()
	req.Purposes = []consentoas.Code{"zz-unheard-of"}
	_, err = h.as("alice").CaptureConsent(t.Context(), req)
	if p := problem(t, err, http.StatusUnprocessableEntity); len(p.Errors) != 1 || p.Errors[0].Pointer != "/purposes" {
		t.Errorf("%+v", p)
	}
}

// The two answers differ in nothing but the request's own id.
func TestAnothersConsentAndNoneAreOneAnswer(t *testing.T) {
	t.Parallel()
	h := setup(t)
	receipt, err := h.as("alice").CaptureConsent(t.Context(), h.request())
	must(t, err)
	token := h.token("sue", nil)
	ask := func(method, path, body string) string {
		req, err := http.NewRequestWithContext(t.Context(), method, h.url+path, strings.NewReader(body))
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		must(t, err)
		id := res.Header.Get("X-Request-Id")
		if res.StatusCode != http.StatusNotFound || id == "" {
			t.Errorf("%s: %s %s", method, res.Status, text)
		}
		res.Header.Del("X-Request-Id")
		res.Header.Del("Date")
		headers, err := json.Marshal(res.Header)
		must(t, err)
		return string(headers) + strings.ReplaceAll(string(text), id, "")
	}
	for method, rest := range map[string][2]string{"GET": {"", ""}, "POST": {"/withdrawal", `{"evidence":"signed-form"}`}} {
		path := consentapi.Prefix + "/consents/"
		if a, b := ask(method, path+string(receipt.Consent)+rest[0], rest[1]), ask(method, path+ident.NewConsent().String()+rest[0], rest[1]); a != b {
			t.Errorf("%s tells them apart:\n%s\n%s", method, a, b)
		}
	}
}

func TestWhatIsNotTheContractsFormIsMalformed(t *testing.T) {
	t.Parallel()
	h := setup(t)
	token := h.token("alice", nil)
	proof := string(h.proof("alice", "gp", "gp-people"))
	good := `{"proof":"` + proof + `","explicit":true,"audience":{"partnership":true},"purposes":["support"],"aspects":["involvement"],` +
		`"until":"` + time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339) + `","evidence":"signed-form","wording":"w1"}`
	consents := consentapi.Prefix + "/consents"
	for name, c := range map[string]struct {
		method, path, body string
		status             int
	}{
		"as it should be":     {"POST", consents, good, http.StatusCreated},
		"two audiences":       {"POST", consents, strings.Replace(good, `{"partnership":true}`, `{"partnership":true,"agencies":["gp"]}`, 1), http.StatusBadRequest},
		"no audience":         {"POST", consents, strings.Replace(good, `{"partnership":true}`, `{}`, 1), http.StatusBadRequest},
		"not the partnership": {"POST", consents, strings.Replace(good, `{"partnership":true}`, `{"partnership":false}`, 1), http.StatusBadRequest},
		"no evidence":         {"POST", consents, strings.Replace(good, "signed-form", "none", 1), http.StatusBadRequest},
		"a free note":         {"POST", consents, strings.Replace(good, `"explicit"`, `"note":"x","explicit"`, 1), http.StatusBadRequest},
		"no id":               {"GET", consents + "/zz", "", http.StatusBadRequest},
		"an id in capitals":   {"GET", consents + "/" + strings.ToUpper("0190a3f4-6c1e-4a5b-9c7d-2f8e1b3a5d6f"), "", http.StatusBadRequest},
		"no such path":        {"GET", consentapi.Prefix + "/acts", "", http.StatusNotFound},
		"no such method":      {"DELETE", consents + "/0190a3f4-6c1e-4a5b-9c7d-2f8e1b3a5d6f", "", http.StatusMethodNotAllowed},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, h.url+c.path, strings.NewReader(c.body))
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+token)
		if c.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		must(t, err)
		if res.StatusCode != c.status || strings.Contains(string(text), proof) {
			t.Errorf("%s: %s %s", name, res.Status, text)
		}
		if c.status >= 400 && res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s", name, res.Header.Get("Content-Type"))
		}
	}
}

func TestNobodyIsServedUnsigned(t *testing.T) {
	t.Parallel()
	h := setup(t)
	c, err := consentoas.NewClient(h.url, bearer("not.a.token"))
	must(t, err)
	_, err = c.CaptureConsent(t.Context(), h.request())
	problem(t, err, http.StatusUnauthorized)
	_, err = c.FindConsent(t.Context(), consentoas.FindConsentParams{Consent: "0190a3f4-6c1e-4a5b-9c7d-2f8e1b3a5d60"})
	problem(t, err, http.StatusUnauthorized)
}

// LEG-01, AUT-09: a dry run answers each step with the law profile's question, and a
// step that fails is an answer.
func TestADecisionIsTriedWithoutBeingMade(t *testing.T) {
	t.Parallel()
	h := setup(t)
	got, err := h.as("rita").TryDecision(t.Context(), &consentoas.DryRunRequest{Asker: consentoas.NewOptAskerTrial(consentoas.AskerTrial{
		Column: "gp-people", Purpose: "support", Reason: "working"})})
	must(t, err)
	if got.Permitted || len(got.Steps) != 4 || got.Steps[0].Answer != "failed" || got.Steps[0].Because.Or("") == "" ||
		got.Steps[0].Question != "Is there a power?" || got.Steps[1].Answer != "not-asked" || got.Discloses.Set {
		t.Errorf("the asker's steps are %+v", got)
	}
	holder := consentoas.HolderTrial{
		Column: "gp-people", Mode: "imposed", Agreement: "early-help", Power: "act", Purposes: []consentoas.Code{"support"},
		Aspects: []consentoas.Code{"involvement"}, Audience: consentoas.Audience{Agencies: []consentoas.Code{"school"}},
		Proportionality: consentoas.Proportionality{Necessary: true, Safeguards: true, Aim: "safety"}, Ground: "not-confidential",
		Conditions: consentoas.Conditions{Ordinary: "public-task"}, Until: time.Now().Add(time.Hour),
	}
	got, err = h.as("alice").TryDecision(t.Context(), &consentoas.DryRunRequest{Holder: consentoas.NewOptHolderTrial(holder)})
	must(t, err)
	if !got.Permitted || got.Role.Or("") != "practitioner" || len(got.Discloses.Value.Audience.Agencies) != 1 || got.TermsVersion != 1 {
		t.Errorf("the holder's steps are %+v", got)
	}
	holder.Deed.SetTo(consentoas.HolderTrialDeedCorrelate)
	for level, want := range map[consentoas.Confidence]bool{"": false, "medium": false, "high": true, "very-high": true} {
		if holder.Statement.SetTo(level); level == "" {
			holder.Statement.Reset()
		}
		got, err = h.as("alice").TryDecision(t.Context(), &consentoas.DryRunRequest{Holder: consentoas.NewOptHolderTrial(holder)})
		must(t, err)
		if got.Permitted != want {
			t.Errorf("on a statement of level %q: %+v", level, got)
		}
	}
	_, err = h.as("alice").TryDecision(t.Context(), &consentoas.DryRunRequest{})
	problem(t, err, http.StatusBadRequest)
}

// PUB-05, PUB-12: whoever may read a consent gets its signed receipt.
func TestAReceiptIsServed(t *testing.T) {
	t.Parallel()
	h := setup(t)
	alice := h.as("alice")
	given, err := alice.CaptureConsent(t.Context(), h.request())
	must(t, err)
	got, err := alice.ReceiptOfConsent(t.Context(), consentoas.ReceiptOfConsentParams{Consent: given.Consent})
	must(t, err)
	if got.State != "given" || got.Consent != given.Consent || strings.Count(got.Receipt, ".") != 2 {
		t.Errorf("the receipt is %+v", got)
	}
	_, err = h.as("sue").ReceiptOfConsent(t.Context(), consentoas.ReceiptOfConsentParams{Consent: given.Consent})
	problem(t, err, http.StatusNotFound)
}

// PUB-10, LEG-13: a request is made, listed, answered once.
func TestAPersonIsAskedAndTheAnswerRecorded(t *testing.T) {
	t.Parallel()
	h := setup(t)
	alice := h.as("alice")
	c := h.request()
	ask := func() consentoas.ID {
		t.Helper()
		got, err := alice.RequestConsent(t.Context(), &consentoas.AskConsentRequest{
			Proof: c.Proof, Explicit: c.Explicit, Audience: c.Audience, Purposes: c.Purposes, Aspects: c.Aspects, Until: c.Until})
		must(t, err)
		return got.Request
	}
	first, second := ask(), ask()
	list, err := alice.ListConsentRequests(t.Context(), consentoas.ListConsentRequestsParams{Column: "gp-people"})
	must(t, err)
	if len(list.Requests) != 2 || list.Requests[0].AskedBy != "alice" || !list.Requests[0].Until.Equal(c.Until) {
		t.Fatalf("the list is %+v", list)
	}
	got, err := alice.AnswerConsentRequest(t.Context(), &consentoas.ConsentAnswer{
		Answer: "given", Evidence: consentoas.NewOptConsentAnswerEvidence("signed-form"), Wording: consentoas.NewOptCode("leaflet-v3"),
	}, consentoas.AnswerConsentRequestParams{Request: first})
	must(t, err)
	_, err = alice.FindConsent(t.Context(), consentoas.FindConsentParams{Consent: got.Consent.Value})
	must(t, err)
	not := &consentoas.ConsentAnswer{Answer: "not-asked", Reason: consentoas.NewOptCode("working")}
	other, err := alice.AnswerConsentRequest(t.Context(), not, consentoas.AnswerConsentRequestParams{Request: second})
	must(t, err)
	if other.Consent.Set || other.Answer != "not-asked" {
		t.Errorf("not asked: %+v", other)
	}
	_, err = alice.AnswerConsentRequest(t.Context(), not, consentoas.AnswerConsentRequestParams{Request: second})
	problem(t, err, http.StatusConflict)
	_, err = h.as("sue").ListConsentRequests(t.Context(), consentoas.ListConsentRequestsParams{Column: "gp-people"})
	problem(t, err, http.StatusForbidden)
}

// LEG-21: a proxy's authority and the person's competence are read back as
// closed codes.
func TestAProxyIsReadBack(t *testing.T) {
	t.Parallel()
	h := setup(t)
	alice, req := h.as("alice"), h.request()
	proxy := consentoas.Proxy{Authority: "court-appointed-deputy", Evidence: "document-seen", Until: time.Now().AddDate(0, 1, 0).UTC().Truncate(time.Second)}
	req.Proxy = consentoas.NewOptProxy(proxy)
	req.Competence = consentoas.NewOptCompetence(consentoas.Competence{Assessed: consentoas.NewOptCompetenceAssessed("not-competent")})
	given, err := alice.CaptureConsent(t.Context(), req)
	must(t, err)
	got, err := alice.FindConsent(t.Context(), consentoas.FindConsentParams{Consent: given.Consent})
	must(t, err)
	if got.Proxy.Value != proxy || !got.Until.Equal(proxy.Until) || got.Competence.Value.Assessed.Value != "not-competent" || got.Competence.Value.Presumed.Set {
		t.Errorf("read back: %+v %+v", got.Proxy, got.Competence)
	}
	req = h.request()
	req.Competence = consentoas.NewOptCompetence(consentoas.Competence{Assessed: consentoas.NewOptCompetenceAssessed("not-competent")})
	_, err = alice.CaptureConsent(t.Context(), req)
	problem(t, err, http.StatusUnprocessableEntity)
}
