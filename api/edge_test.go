package api_test

import (
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/lib/pq"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestTheCallerIsWhoTheRegisterSaysNow(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	a := h.enquire()
	a.is(t, 200, "")
	c := h.duty.caller
	if c.Practitioner != "jo" || c.Agency != "gp" || !slices.Equal(c.Roles, []string{"practitioner"}) ||
		!slices.Equal(c.Providers, []ident.Provider{"front-desk"}) || c.Terms.Version != 1 || h.duty.terms != c.Terms {
		t.Errorf("caller %+v", c)
	}
	if h.duty.id.Issuer != "everyone" || h.duty.id.Subject != "jo" {
		t.Errorf("identity %+v", h.duty.id)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	b := h.send("POST", "/relmgr/v1/enquiries", enquiry, http.Header{"X-Request-Id": {"LMN-00042"}})
	if id := b.header.Get("X-Request-Id"); len(id) != 32 || id == a.header.Get("X-Request-Id") {
		t.Errorf("request id %q", id)
	}
}

func TestALeaverIsRefusedAtOnceThoughTheTokenIsRemembered(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	h.enquire().is(t, 200, "")
	h.exec(`update governance.practitioners set ends_at = $1`, h.clock.now())
	a := h.enquire()
	a.is(t, 403, "not-registered")
	if !strings.Contains(a.problem.Detail, "/governance/v1/sign-ins") {
		t.Errorf("detail %q", a.problem.Detail)
	}
	h.exec(`update governance.practitioners set ends_at = $1`, h.clock.now().Add(time.Minute))
	h.enquire().is(t, 200, "")
}

func TestARevokedRoleIsGoneWithTheNextRequest(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	h.enquire().is(t, 200, "")
	h.exec(`update governance.roles_held set ends_at = $1`, h.clock.now())
	h.enquire().is(t, 200, "")
	if len(h.duty.caller.Roles) != 0 {
		t.Errorf("roles %v", h.duty.caller.Roles)
	}
}

func TestChangedTermsHoldFromTheNextRequestOn(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	h.enquire().is(t, 200, "")

	late := newIssuer(t)
	token := sign(t, late.newKey(t, "k1"), "JWT", late.claims(h.clock.now(), nil))
	as := http.Header{"Authorization": {"Bearer " + token}}
	h.send("POST", "/relmgr/v1/enquiries", enquiry, as).is(t, 401, "unauthenticated")
	h.terms.Issuers = append(h.terms.Issuers, decide.Issuer{Name: "late", Issuer: late.url, Audience: "fame"})
	h.apply()
	h.send("POST", "/relmgr/v1/enquiries", enquiry, as).is(t, 403, "not-registered") // known by now, and nobody

	h.terms.Issuers = h.terms.Issuers[1:]
	h.apply()
	h.enquire().is(t, 401, "unauthenticated") // jo's token is remembered, jo's issuer is gone
}

func TestAnAgencyThatLeftHasNobodyHere(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	left := h.clock.now()
	h.terms.Agencies[0].Ends = &left
	h.apply()
	h.enquire().is(t, 403, "forbidden")
}

func TestAnIssuerSpeaksForItsOwnAgencyAlone(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	h.terms.Issuers[0].Agency = "school"
	h.apply()
	h.enquire().is(t, 403, "forbidden")
}

// AUT-10: issuers stand side by side, each relied on as far as the partnership does: a role
// that asks for more does not count of who signs in through it, and with none left they are
// refused. An issuer that is taken out of the document is none from the next request on.
func TestEachIssuerIsReliedOnAsFarAsThePartnershipDoes(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	second := newIssuer(t)
	strong := sign(t, second.newKey(t, "k2"), "JWT", second.claims(h.clock.now(), nil))
	hash := api.SubjectHash("agency", "jo")
	h.exec(`insert into governance.practitioners (practitioner_id, agency_id, issuer, subject_hash, source, starts_at, act_id)
		values ('jo-too', 'gp', 'agency', $1, 'by-hand', $2, $3)`, hash[:], h.clock.now(), h.act)
	for _, role := range []string{"practitioner", "reviewer"} {
		h.exec(`insert into governance.roles_held (practitioner_id, role, starts_at, ends_at, act_id) values ('jo-too', $1, $2, null, $3)`, role, h.clock.now(), h.act)
	}
	h.exec(`insert into governance.roles_held (practitioner_id, role, starts_at, ends_at, act_id) values ('jo', 'reviewer', $1, null, $2)`, h.clock.now(), h.act)
	h.terms.Issuers[0].Level = decide.LowConfidence
	h.terms.Issuers = append(h.terms.Issuers, decide.Issuer{Name: "agency", Issuer: second.url, Audience: "fame", Level: decide.HighConfidence})
	roles := func(token string) (int, []string) {
		t.Helper()
		h.duty.caller = decide.Caller{}
		a := h.send("POST", "/relmgr/v1/enquiries", enquiry, http.Header{"Authorization": {"Bearer " + token}})
		all := slices.Clone(h.duty.caller.Roles)
		slices.Sort(all)
		return a.status, all
	}
	want := func(when, token string, status int, want ...string) {
		t.Helper()
		if got, all := roles(token); got != status || !slices.Equal(all, want) {
			t.Errorf("%s: %d %v, want %d %v", when, got, all, status, want)
		}
	}
	h.apply()
	want("no role asks for anything, by one", h.token, 200, "practitioner", "reviewer")
	want("by the other", strong, 200, "practitioner", "reviewer")
	h.terms.Settings.RoleLevels = []decide.RoleLevel{{Role: "reviewer", Level: decide.MediumConfidence}}
	h.apply()
	want("reviewers need more than that", h.token, 200, "practitioner")
	want("and have it by the other", strong, 200, "practitioner", "reviewer")
	h.terms.Settings.RoleLevels = append(h.terms.Settings.RoleLevels, decide.RoleLevel{Role: "practitioner", Level: decide.HighConfidence})
	h.apply()
	want("nothing counts by an issuer that is relied on too little", h.token, 403)
	want("and by the other all does", strong, 200, "practitioner", "reviewer")
	h.terms.Issuers = h.terms.Issuers[:1]
	h.apply()
	want("the other is taken out", strong, 401)
}

func TestAuthenticateOnlyLetsInWhoIsNotRegistered(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	h.duty.open = true
	h.enquire().is(t, 200, "")
	if !h.duty.known {
		t.Error("jo is registered and no caller")
	}
	h.exec(`update governance.practitioners set ends_at = $1`, h.clock.now())
	h.enquire().is(t, 200, "")
	if h.duty.known || h.duty.id.Subject != "jo" || h.duty.terms == nil {
		t.Errorf("caller %t, identity %+v", h.duty.known, h.duty.id)
	}
	h.send("POST", "/relmgr/v1/enquiries", enquiry, http.Header{"Authorization": {"Bearer x.y.z"}}).is(t, 401, "unauthenticated")
}

func TestAHubWithoutTermsIsUnavailable(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	h.exec(`delete from governance.terms`)
	a := h.enquire()
	a.is(t, 503, "unavailable")
	if a.header.Get("Retry-After") == "" {
		t.Error("without Retry-After")
	}
}

func TestTheAuthorizationHeaderIsOneBearerToken(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for name, c := range map[string]struct {
		values []string
		status int
	}{
		"lower case":    {[]string{"bearer " + h.token}, 200},
		"none":          {nil, 401},
		"two":           {[]string{"Bearer " + h.token, "Bearer " + h.token}, 401},
		"two in one":    {[]string{"Bearer " + h.token + ", Bearer " + h.token}, 401},
		"another":       {[]string{"Basic am86am8="}, 401},
		"empty":         {[]string{"Bearer "}, 401},
		"no scheme":     {[]string{h.token}, 401},
		"forged":        {[]string{"Bearer " + h.token[:len(h.token)-6] + "AAAAAA"}, 401},
		"nearly 16 KiB": {[]string{"Bearer " + strings.Repeat("x", 15<<10)}, 401},
	} {
		a := h.send("POST", "/relmgr/v1/enquiries", enquiry, http.Header{"Authorization": c.values})
		if a.status != c.status || c.status == 401 && a.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %d %v", name, a.status, a.header)
		}
	}
}

func TestRequestsThatTheContractDoesNotNameAreRefused(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	const id = "0190a3f4-6c1e-4a5b-9c7d-2f8e1b3a5d60"
	for name, c := range map[string]struct {
		method, path, body string
		header             http.Header
		status             int
		kind, pointer      string
	}{
		"no such path":            {"GET", "/relmgr/v1/LMN-00042", "", nil, 404, "not-known", ""},
		"another duty":            {"GET", "/consent/v1/consents/" + id, "", nil, 404, "not-known", ""},
		"the prefix alone":        {"GET", "/relmgr/v1", "", nil, 404, "not-known", ""},
		"an empty part":           {"GET", "/relmgr/v1/acts/", "", nil, 404, "not-known", ""},
		"another method":          {"DELETE", "/relmgr/v1/acts", "", nil, 405, "malformed", ""},
		"options":                 {"OPTIONS", "/relmgr/v1/acts", "", nil, 405, "malformed", ""},
		"not implemented":         {"GET", "/relmgr/v1/acts?purpose=p&reason=r&handle=" + id, "", nil, 501, "not-served", ""},
		"an unknown parameter":    {"GET", "/relmgr/v1/acts?handle=" + id + "&LMN-00042=1", "", nil, 400, "malformed", ""},
		"a parameter too many":    {"POST", "/relmgr/v1/enquiries?trace=1", enquiry, nil, 400, "malformed", ""},
		"a parameter twice":       {"GET", "/relmgr/v1/acts?handle=" + id + "&handle=" + id, "", nil, 400, "malformed", ""},
		"a parameter of bad form": {"GET", "/relmgr/v1/acts?handle=LMN-00042", "", nil, 400, "malformed", ""},
		"a parameter left out":    {"GET", "/relmgr/v1/acts", "", nil, 400, "malformed", ""},
		"a limit out of range":    {"GET", "/relmgr/v1/acts?limit=42424242&handle=" + id, "", nil, 400, "malformed", ""},
		"NUL in the query":        {"GET", "/relmgr/v1/acts?handle=%00", "", nil, 400, "malformed", ""},
		"a bad escape":            {"GET", "/relmgr/v1/acts?handle=%zz", "", nil, 400, "malformed", ""},
		"NUL in the path":         {"GET", "/relmgr/v1/acts/a%00b", "", nil, 400, "malformed", ""},
		"bidi in the path":        {"GET", "/relmgr/v1/acts/a%E2%80%AEb", "", nil, 400, "malformed", ""},
		"no UTF-8 in the path":    {"GET", "/relmgr/v1/acts/a%FFb", "", nil, 400, "malformed", ""},
		"an escaped slash":        {"GET", "/relmgr/v1/acts/a%2Fwithdrawal", "", nil, 400, "malformed", ""},
		"a path of bad form":      {"GET", "/relmgr/v1/acts/LMN-00042", "", nil, 400, "malformed", ""},
		"a body where none is":    {"GET", "/relmgr/v1/acts?handle=" + id, "{}", nil, 400, "malformed", ""},
		"no body":                 {"POST", "/relmgr/v1/enquiries", "", nil, 400, "malformed", ""},
		"another type":            {"POST", "/relmgr/v1/enquiries", enquiry, http.Header{"Content-Type": {"text/plain"}}, 400, "malformed", ""},
		"another charset":         {"POST", "/relmgr/v1/enquiries", enquiry, http.Header{"Content-Type": {"application/json; charset=latin1"}}, 400, "malformed", ""},
		"two types":               {"POST", "/relmgr/v1/enquiries", enquiry, http.Header{"Content-Type": {"application/json", "application/json"}}, 400, "malformed", ""},
		"compressed":              {"POST", "/relmgr/v1/enquiries", enquiry, http.Header{"Content-Encoding": {"gzip"}}, 400, "malformed", ""},
		"too large":               {"POST", "/relmgr/v1/enquiries", `{"identifier":"` + strings.Repeat("x", 70000) + `"}`, nil, 413, "too-large", ""},
		"a member twice":          {"POST", "/relmgr/v1/enquiries", `{"column":"a",` + enquiry[1:], nil, 400, "malformed", "/column"},
		"an unknown member":       {"POST", "/relmgr/v1/enquiries", `{"LMN-00042":"a",` + enquiry[1:], nil, 400, "malformed", ""},
		"a member left out":       {"POST", "/relmgr/v1/enquiries", strings.Replace(enquiry, `"purpose":"safeguarding",`, "", 1), nil, 400, "malformed", "/purpose"},
		"a member of bad form":    {"POST", "/relmgr/v1/enquiries", strings.Replace(enquiry, "riverside-gp", "LMN 00042", 1), nil, 400, "malformed", "/column"},
		"a member of bad type":    {"POST", "/relmgr/v1/enquiries", strings.Replace(enquiry, `"LMN-00042"`, "42424242", 1), nil, 400, "malformed", "/identifier"},
		"a code of no list":       {"POST", "/relmgr/v1/enquiries", strings.Replace(enquiry, `"child"`, `"LMN-00042"`, 1), nil, 400, "malformed", "/concerning"},
		"no JSON":                 {"POST", "/relmgr/v1/enquiries", `LMN-00042`, nil, 400, "malformed", ""},
		"an array":                {"POST", "/relmgr/v1/enquiries", `["LMN-00042"]`, nil, 400, "malformed", ""},
		"deep in a decision":      {"POST", "/relmgr/v1/pairings", pairingWithout(`"necessary":true,`), nil, 400, "malformed", "/decision/proportionality/necessary"},
		"deep in a list":          {"POST", "/relmgr/v1/pairings", strings.Replace(pairingWithout(""), `["a","b"]`, `["a","LMN 00042"]`, 1), nil, 400, "malformed", "/decision/purposes/1"},
		"nothing wrong":           {"POST", "/relmgr/v1/pairings", pairingWithout(""), nil, 501, "not-served", ""},
	} {
		a := h.send(c.method, c.path, c.body, c.header)
		if a.status != c.status || c.kind != "" && a.problem.Type != "docs/problems.md#"+c.kind {
			t.Errorf("%s: got %d %s, want %d %s", name, a.status, a.text, c.status, c.kind)
		}
		if c.pointer != "" && (len(a.problem.Errors) == 0 || a.problem.Errors[0].Pointer != c.pointer) {
			t.Errorf("%s: got %s, want %s", name, a.text, c.pointer)
		}
		if c.status != 501 && a.problem.Detail == "" {
			t.Errorf("%s: does not say what to do", name)
		}
		for _, sent := range []string{"LMN", "42424242", "latin1", "trace"} {
			if strings.Contains(a.text, sent) {
				t.Errorf("%s: the answer repeats the input: %s", name, a.text)
			}
		}
		if c.status == 405 && (a.header.Get("Allow") != "GET" || a.header.Get("Access-Control-Allow-Methods") != "") {
			t.Errorf("%s: %v", name, a.header)
		}
	}
	for _, sent := range []string{"LMN", "42424242", h.token, "/relmgr", id, "127.0.0.1"} {
		if strings.Contains(h.logs.String(), sent) {
			t.Errorf("the log holds %q", sent)
		}
	}
	if !strings.Contains(h.logs.String(), `"operation":"enquire"`) || strings.Count(h.logs.String(), `"practitioner":"jo"`) == 0 {
		t.Error("the log does not say what was done by whom")
	}
}

func pairingWithout(part string) string {
	return strings.Replace(`{"column":"riverside-gp","identifier":"LMN-00042","decision":{"agreement":"a","power":"p","purposes":["a","b"],`+
		`"aspects":["a"],"audience":{"partnership":true},"proportionality":{"necessary":true,"safeguards":true,"aim":"a"},`+
		`"ground":"public-interest","conditions":{"ordinary":"a"},"until":"2027-01-01T00:00:00Z"}}`, part, "", 1)
}

func TestFaultsOfTheDutyBecomeProblemsWithTheirHeaders(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	busy := fault.New(fault.Unavailable, "try again")
	busy.RetryAfter = 3 * time.Second
	refused := fault.New(fault.DecisionRefused, "give an aim")
	refused.Step = 2
	for _, err := range []error{refused, busy, fault.At("/column", "another one")} {
		h.duty.fails = func() error { return err }
		a := h.enquire()
		f, _ := errors.AsType[*fault.Error](err)
		if a.problem.Detail != f.Detail || a.problem.Step != f.Step || len(a.problem.Errors) != len(f.Fields) {
			t.Errorf("%v: %s", err, a.text)
		}
		if f == busy && a.header.Get("Retry-After") != "3" {
			t.Errorf("%v", a.header)
		}
	}
	if strings.Contains(h.logs.String(), "internal error") {
		t.Error("a fault is logged as internal")
	}
}

func TestInternalErrorsAreLoggedOnceAndExplainedToNobody(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	for name, c := range map[string]struct {
		fails func() error
		log   string
	}{
		"unknown":  {func() error { return errors.New("a bolt is loose") }, "a bolt is loose"},
		"driver":   {func() error { return &pq.Error{Code: "22P02", Message: "bad value LMN-00042"} }, "22P02"},
		"the wall": {func() error { return &pq.Error{Code: "42501", Message: "denied LMN-00042"} }, `"alert":"crossed-wall"`},
		"a panic":  {func() error { panic("LMN-00042") }, "a panic with a value of type string"},
		"runtime":  {func() error { var none []error; return none[len(none)] }, "index out of range"},
	} {
		h.duty.fails = c.fails
		before := len(h.logs.String())
		a := h.enquire()
		a.is(t, 500, "internal")
		if a.problem.Detail != "" {
			t.Errorf("%s: %s", name, a.text)
		}
		logged := h.logs.String()[before:]
		if !strings.Contains(logged, c.log) || strings.Contains(logged, "LMN") || strings.Count(logged, `"level":"ERROR"`) != 1 ||
			!strings.Contains(logged, a.problem.Request) {
			t.Errorf("%s: logged %s", name, logged)
		}
	}
}

func TestAPractitionerWhoAsksTooOftenWaits(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	h.terms.Settings.RequestsPerMinute = 10
	h.apply()
	h.enquire().is(t, 200, "")
	h.enquire().is(t, 200, "")
	a := h.enquire()
	a.is(t, 429, "rate-limited")
	if a.header.Get("Retry-After") != "6" {
		t.Errorf("%v", a.header)
	}
	h.clock.pass(6 * time.Second)
	h.enquire().is(t, 200, "")
}

func TestAnAddressThatSendsTooMuchWaitsBeforeAnythingIsLookedAt(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *api.Config) { c.AddressPerMinute = 5 })
	bad := http.Header{"Authorization": nil}
	h.send("GET", "/relmgr/v1/nowhere", "", bad).is(t, 404, "not-known")
	h.send("GET", "/relmgr/v1/nowhere", "", bad).is(t, 429, "rate-limited")
}

func TestSingleOperationsMayTakeMore(t *testing.T) {
	t.Parallel()
	h := setup(t, func(c *api.Config) { c.MaxBody, c.MaxBodies = 10, map[string]int64{"enquire": 1000} })
	h.enquire().is(t, 200, "")
	h.send("POST", "/relmgr/v1/handles", enquiry, nil).is(t, 413, "too-large")
}

func TestMetricsCountByOperationAndClassOfStatus(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	h.enquire().is(t, 200, "")
	h.send("POST", "/relmgr/v1/enquiries", "{}", nil).is(t, 400, "malformed")
	h.send("GET", "/relmgr/v1/LMN-00042", "", nil).is(t, 404, "not-known")
	err := testutil.GatherAndCompare(h.registry, strings.NewReader(`
# HELP fame_http_requests_total Requests answered, by duty, operation and class of status.
# TYPE fame_http_requests_total counter
fame_http_requests_total{duty="relmgr",operation="enquire",status_class="2xx"} 1
fame_http_requests_total{duty="relmgr",operation="enquire",status_class="4xx"} 1
fame_http_requests_total{duty="relmgr",operation="none",status_class="4xx"} 1
`), "fame_http_requests_total")
	if err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(h.registry, "fame_http_request_seconds"); err != nil || n != 2 {
		t.Errorf("%d histograms, %v", n, err)
	}
}

func TestNewRefusesNonsense(t *testing.T) {
	t.Parallel()
	h := setup(t, nil)
	db := h.admin
	good := func() api.Config {
		return api.Config{
			DB: db, Now: time.Now, Logger: slog.New(slog.DiscardHandler), Registerer: h.registry, OpenAPI: fame.OpenAPI,
		}
	}
	if _, err := api.New(good()); err != nil {
		t.Errorf("a second edge of the process: %v", err)
	}
	for name, change := range map[string]func(*api.Config){
		"no database":          func(c *api.Config) { c.DB = nil },
		"no clock":             func(c *api.Config) { c.Now = nil },
		"no contract":          func(c *api.Config) { c.OpenAPI = nil },
		"another contract":     func(c *api.Config) { c.OpenAPI = []byte("a: 1") },
		"a limit of nothing":   func(c *api.Config) { c.MaxBodies = map[string]int64{"nothing": 1} },
		"a limit of no bytes":  func(c *api.Config) { c.MaxBodies = map[string]int64{"enquire": 0} },
		"a negative timeout":   func(c *api.Config) { c.Timeout = -1 },
		"metrics of that name": func(c *api.Config) { c.Registerer = taken() },
	} {
		c := good()
		change(&c)
		if _, err := api.New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// taken is a registry in which another metric has the name.
func taken() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(prometheus.NewGauge(prometheus.GaugeOpts{Name: "fame_http_requests_total", Help: "."}))
	return r
}
