package edgetest_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/relmgr"
)

// signedIn is the registrar's statement that a person has signed in, as recognised
// makes one of somebody whom it has recognised.
func (h *hub) signedIn(person string, change ...func(*attest.Subject)) string {
	h.t.Helper()
	to, err := attest.RecipientKeys(h.t.Context(), h.keys["relmgr"], relmgr.AgreementKey)
	h.must(err)
	secret, err := to.Encrypt(attest.NewHubSecret(sha256.Sum256([]byte(person)), 1))
	h.must(err)
	s := attest.Subject{
		Audience: hubID + "/relmgr", Level: "medium", ACR: "two-factors", Secret: secret, IssuedAt: h.now(), Expires: h.now().Add(10 * time.Minute),
	}
	for _, c := range change {
		c(&s)
	}
	token, err := h.registrar.SignSubject(h.t.Context(), s)
	h.must(err)
	return token
}

// bearing is a request of somebody who bears that in place of a token.
func bearing(token, method, target string) request {
	return request{method: method, target: target, header: http.Header{"Authorization": {"Bearer " + token}}}
}

// myProofs are the proofs that relmgr gives a person, by duty.
func (h *hub) myProofs(person, query string, change ...func(*attest.Subject)) object {
	h.t.Helper()
	a := h.send(bearing(h.signedIn(person, change...), "GET", "/relmgr/v1/me/handles"+query))
	if a.status != 200 {
		h.t.Fatalf("my handles: %d %s", a.status, a.body)
	}
	var said object
	h.must(json.Unmarshal(a.body, &said))
	return said["proofs"].(object)
}

// claimed is what a proof says, unverified.
func claimed(t testing.TB, token any) (claims object) {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token.(string), ".")[1])
	must(t, err)
	must(t, json.Unmarshal(payload, &claims))
	return claims
}

func columnsOf(t testing.TB, token any) (columns []string) {
	t.Helper()
	for _, h := range claimed(t, token)["handles"].([]any) {
		columns = append(columns, h.(object)["column"].(string))
	}
	return columns
}

// meGood are the requests of a person who has signed in.
func (b *bench) meGood() {
	long := func(s *attest.Subject) { s.Expires = s.IssuedAt.Add(10 * time.Minute) }
	b.good["findMyHandles"] = bearing(b.signedIn("Iris Moor", long), "GET", "/relmgr/v1/me/handles?sensitive=true")
}

// statements of who has signed in that are none.
func (b *bench) signIns(add func(string, string, request, ...string)) {
	good := b.signedIn("Iris Moor")
	other, err := seal.CreateFile(b.t.TempDir()+"/keys", b.t.TempDir()+"/identity")
	b.must(err)
	b.must(registrar.MakeKeys(b.t.Context(), other, registrarCode))
	forged, err := attest.NewSigner(other, registrar.SigningKey(registrarCode), registrarCode).SignSubject(b.t.Context(), attest.Subject{
		Audience: hubID + "/relmgr", Level: "medium", ACR: "two-factors", Secret: marker, IssuedAt: b.now(), Expires: b.now().Add(time.Minute)})
	b.must(err)
	for name, token := range map[string]string{
		"another registrar's of that name": forged,
		"a recognition":                    b.recognised("dr-patel", "Iris Moor"),
		"a proof of a handle":              b.gpProof,
		"a proof of relmgr's own":          b.myProofs("Iris Moor", "")["relmgr"].(string),
		"cut off":                          good[:len(good)-9],
		"for another hub":                  b.signedIn("Iris Moor", func(s *attest.Subject) { s.Audience = "https://elsewhere.example/relmgr" }),
		"for another duty":                 b.signedIn("Iris Moor", func(s *attest.Subject) { s.Audience = hubID + "/consent" }),
		"expired": b.signedIn("Iris Moor", func(s *attest.Subject) {
			s.IssuedAt, s.Expires = b.now().Add(-time.Hour), b.now().Add(-time.Minute)
		}),
		"of a year":              b.signedIn("Iris Moor", func(s *attest.Subject) { s.Expires = b.now().AddDate(1, 0, 0) }),
		"with a secret in clear": b.signedIn("Iris Moor", func(s *attest.Subject) { s.Secret = marker }),
		"of a level that is none": b.signedIn("Iris Moor", func(s *attest.Subject) {
			s.Level = marker
		}),
		"signed in like nobody": b.signedIn("Iris Moor", func(s *attest.Subject) { s.ACR = marker }),
	} {
		add("findMyHandles: a statement that is "+name, "unauthenticated", bearing(token, "GET", "/relmgr/v1/me/handles"), token)
	}
	add("findMyHandles: sensitive columns by a password alone", "step-up",
		bearing(b.signedIn("Iris Moor", func(s *attest.Subject) { s.ACR = "one-factor" }), "GET", "/relmgr/v1/me/handles?sensitive=true"))
}

// AUT-07, AUT-14, SUB-01, A-14, design.md section 4 "Sign in as a subject": a person
// who has signed in is given, for each duty, a proof of the handles at which they were
// recognised, and of no others; sensitive ones where they ask, with two factors;
// concealed ones never, and nothing shows that they are there.
func TestWhoHasSignedInIsGivenProofsOfTheirHandles(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	h.attach("dr-patel", "gp-riverside", "GP-00042", "Iris Moor")
	h.attach("dr-patel", "gp-riverside", "GP-00043", "Ivo Moor")
	// Social care has imposed itself, and the person is not told.
	h.impose("LMN-00042", object{"not_told": object{"risk": "prejudice-to-an-inquiry", "review_by": h.until(time.Hour)}})
	h.attach("mr-lindqvist", "social-care", "LMN-00042", "Iris Moor")

	before := h.snapshot()
	proofs := h.myProofs("Iris Moor", "")
	if got := written(before, h.snapshot()); len(got) > 0 {
		t.Errorf("asking for proofs writes %v", got)
	}
	seen := map[string]bool{}
	for duty, token := range proofs {
		if got := columnsOf(t, token); fmt.Sprint(got) != "[gp-riverside]" {
			t.Errorf("%s is told of %v", duty, got)
		}
		claims := claimed(t, token)
		if claims["aud"] != duty || claims["iss"] != "relmgr" || claims["registrar"] != registrarCode || claims["acr"] != "two-factors" || seen[claims["jti"].(string)] {
			t.Errorf("%s: %v", duty, claims)
		}
		seen[claims["jti"].(string)] = true
		if claims["sub"] != nil {
			t.Errorf("%s is told something that two proofs have in common: %v", duty, claims)
		}
	}
	// Somebody with nothing, and somebody with nothing but what is concealed, look the same.
	for _, nobody := range []string{"Nobody", "Ida Moor"} {
		if nobody == "Ida Moor" {
			h.impose("LMN-00050", object{"not_told": object{"risk": "prejudice-to-an-inquiry", "review_by": h.until(time.Hour)}})
			h.attach("mr-lindqvist", "social-care", "LMN-00050", nobody)
		}
		a := h.send(bearing(h.signedIn(nobody), "GET", "/relmgr/v1/me/handles?sensitive=true"))
		var said object
		h.must(json.Unmarshal(a.body, &said))
		if a.status != 200 || said["next"] != nil || len(columnsOf(t, said["proofs"].(object)["relmgr"])) != 0 {
			t.Errorf("%s: %d %s", nobody, a.status, a.body)
		}
	}
}

// AUT-01, AUT-07: what a person has from the registrar's provider opens no duty: not its
// tokens, not the statement anywhere but at relmgr, not one duty's proof at another. And
// no practitioner's token opens what is a person's.
func TestAPersonsTokensOpenNothingElse(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	h.attach("dr-patel", "gp-riverside", "GP-00042", "Iris Moor")
	statement, proofs := h.signedIn("Iris Moor"), h.myProofs("Iris Moor", "")
	for _, target := range []string{
		"/relmgr/v1/acts?" + why, "/consent/v1/requests?column=gp-riverside", "/idmgr/v1/links?column=gp-riverside", "/governance/v1/services", "/registrar/v1/registers",
	} {
		for name, token := range map[string]string{
			"the statement": statement, "relmgr's proof": proofs["relmgr"].(string), "consent's proof": proofs["consent"].(string), "idmgr's proof": proofs["idmgr"].(string),
		} {
			if a := h.send(bearing(token, "GET", target)); a.status != 401 {
				t.Errorf("%s with %s: %d %s", target, name, a.status, a.body)
			}
		}
	}
	for name, token := range map[string]string{"a practitioner's token": h.token("dr-patel"), "relmgr's proof": proofs["relmgr"].(string)} {
		if a := h.send(bearing(token, "GET", "/relmgr/v1/me/handles")); a.status != 401 {
			t.Errorf("my handles with %s: %d %s", name, a.status, a.body)
		}
	}
}

// E2E-17, AUT-07, REG-25, the whole way: a person is entered, recognised where agencies
// know them, enrols, signs in, and what the registrar states of them opens at relmgr the
// handles that its recognitions were attached to, and nothing at all of anybody else.
func TestWhatTheRegistrarStatesOfASignInFindsWhatItsRecognitionsAnchored(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	town := goodRegister("town")
	delete(town, "serves")
	h.ok("ms-abara", "POST", "/registrar/v1/registers", town)
	entry := h.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects", object{"items": goodItems()})["subject"]
	other := h.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects", object{"items": []object{{"source": "person", "name": object{"whole": "Somebody Else"}}}})["subject"]
	h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	h.ok("dr-patel", "POST", "/relmgr/v1/anchors", object{
		"column": "gp-riverside", "identifier": "GP-00042", "recognition": h.recognise("dr-patel", goodEvidence())["recognition"], "reason": "same-person-found"})

	ctx := t.Context()
	to, err := attest.RecipientKeys(ctx, h.keys["relmgr"], relmgr.AgreementKey)
	h.must(err)
	service, err := registrar.New(registrar.Config{Registrar: registrarCode, DB: h.base.DB(t, "registrar"), Keys: h.keys["registrar"], Now: h.now,
		Registerer: prometheus.NewRegistry(), Recipients: to})
	h.must(err)
	accounts, err := registrar.NewAccounts(ctx, registrar.AccountsConfig{
		Service: service, Logger: slog.New(slog.DiscardHandler),
		Terms: func(context.Context) (*decide.Terms, error) {
			return &decide.Terms{Version: 1, Partnership: decide.Partnership{Hub: hubID}, Settings: decide.Settings{StatementMinutes: 10}}, nil
		},
	})
	h.must(err)
	states := func(entry any) string {
		t.Helper()
		code := h.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects/"+entry.(string)+"/enrolment-codes", object{"reason": "working-with-person"})["code"].(string)
		ticket, err := accounts.UseCode(ctx, code, netip.Prefix{})
		h.must(err)
		ticket, err = accounts.EnrolSecret(ctx, ticket, "a heron on the mill pond")
		h.must(err)
		session, err := accounts.FindSession(ctx, ticket)
		h.must(err)
		said, err := accounts.StateSubject(ctx, session)
		h.must(err)
		return said.Own
	}
	for who, want := range map[string]string{states(entry): "[gp-riverside]", states(other): "[]"} {
		a := h.send(bearing(who, "GET", "/relmgr/v1/me/handles"))
		var said object
		h.must(json.Unmarshal(a.body, &said))
		if a.status != 200 || fmt.Sprint(columnsOf(t, said["proofs"].(object)["consent"])) != want {
			t.Errorf("%d %s, want %s", a.status, a.body, want)
		}
	}
}
