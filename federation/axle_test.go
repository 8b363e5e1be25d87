package federation_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

// axled is a hub with axles, whose relmgr is one that the test plays: what it signs, and
// what it answers.
type axled struct {
	*bundle
	*federation.Axles
	relmgr *attest.Signer
	agency json.RawMessage

	openAxles func(*federation.Service) *federation.Axles // anew, as after a restart
}

const relmgrKey, axleDeadline = seal.KeyID("sign/relmgr/1"), 8 * time.Second

func withAxles(t *testing.T, relmgr http.HandlerFunc) axled {
	t.Helper()
	b := setup(t)
	if _, _, err := b.keys.Ensure(t.Context(), relmgrKey, seal.KindSign); err != nil {
		t.Fatal(err)
	}
	set, err := attest.PublicKeys(t.Context(), b.keys, relmgrKey)
	b.must(err)
	text, err := json.Marshal(set)
	b.must(err)
	inside := httptest.NewServer(relmgr)
	t.Cleanup(inside.Close)
	open := func(s *federation.Service) *federation.Axles {
		return must(federation.NewAxles(t.Context(), s, federation.AxleConfig{
			Orders: attest.NewVerifier("relmgr", set.Fixed, b.now), Relmgr: inside.URL, Deadline: axleDeadline,
			Transport: entity.NewFetcher(false, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}).Transport(),
		}))
	}
	return axled{b, open(b.Service), attest.NewSigner(b.keys, relmgrKey, "relmgr"), text, open}
}

// peered makes hubs of those names peers in force.
func (a axled) peered(names ...string) {
	a.t.Helper()
	for _, name := range names {
		a.confirmed(name)
		a.theirs(name, a.agreement())
	}
}

func (a axled) claims(audience string) attest.Claims {
	at := a.now().Unix()
	return attest.Claims{Audience: audience, IssuedAt: at, Expires: at + 60, ID: ident.NewAct().String()}
}

// order is relmgr's, for dr-patel, to a hub.
func (a axled) order(name string, change ...func(*attest.AxleOrder)) string {
	a.t.Helper()
	o := attest.AxleOrder{Claims: a.claims("federation"), Hub: a.other.Entity(name), Agency: "riverside-gp", Keys: a.agency, Question: "a.b.c"}
	o.Subject = "dr-patel"
	for _, c := range change {
		c(&o)
	}
	token, err := a.relmgr.Sign(a.t.Context(), attest.TypAxleOrder, o)
	a.must(err)
	return token
}

var patel = decide.Caller{Actor: decide.Actor{Practitioner: "dr-patel", Agency: "riverside-gp"}}

func (a axled) asks(orders ...string) map[string]federation.PeerSays {
	a.t.Helper()
	says, err := a.Ask(a.t.Context(), patel, orders, "")
	a.must(err)
	out := map[string]federation.PeerSays{}
	for _, s := range says {
		out[strings.TrimPrefix(s.Hub, a.other.URL+"/")] = s
	}
	return out
}

// sealedFor is what other hubs encrypt to.
func (a axled) sealedFor() attest.Recipients {
	a.t.Helper()
	to, err := attest.RecipientKeys(a.t.Context(), a.keys, federation.OpenerKey)
	a.must(err)
	return to
}

// honest is an answer to a message.
func (a axled) honest(m attest.AxleMessage) federation.AxleAnswer {
	return federation.AxleAnswer{
		Claims: a.claims(here), ReplyTo: m.ID, Outcome: "answered", Providers: []federation.AxleProvider{{AgencyName: "The mill's surgery", Contact: decide.ContactRoute{Kind: "telephone", Value: "01632 960900"}}},
	}
}

// opened is a message as a hub that verifies it reads it.
func (a axled) opened(name, signed string) (m attest.AxleMessage) {
	a.t.Helper()
	set, err := attest.PublicKeys(a.t.Context(), a.keys, federation.SigningKey)
	a.must(err)
	a.must(attest.NewVerifier(here, set.Fixed, a.now).Verify(a.t.Context(), signed, attest.Expect{Typ: attest.TypAxleMessage, Audience: a.other.Entity(name), MaxLifetime: attest.AxleLife}, &m))
	return m
}

func (a axled) count(query string) (n int) {
	a.t.Helper()
	a.must(a.base.Admin(a.t).QueryRow(query).Scan(&n))
	return n
}

// QRY-04, FED-31: hubs that are slow, dead, lying or of another time cost nobody else
// anything: each answered or it did not, whatever it did, and which is recorded.
func TestAHubAnsweredOrItDidNot(t *testing.T) {
	a := withAxles(t, nil)
	dead := "dead"
	names := []string{"honest", "slow", "refusing", "garbled", "replying-to-another", "for-another", "late", "ahead", "a-little-ahead", "another's-key", "bare", "older", "inventing", "unreachable", "talkative", "unproven"}
	var plain []string
	for _, name := range names {
		plain = append(plain, strings.ReplaceAll(name, "'", ""))
	}
	a.peered(plain...)
	a.peered(dead)
	impostor, err := seal.CreateFile(t.TempDir()+"/keys", t.TempDir()+"/identity")
	a.must(err)
	_, _, err = impostor.Ensure(t.Context(), "sign/x/1", seal.KindSign)
	a.must(err)
	to, ended := a.sealedFor(), make(chan struct{})
	t.Cleanup(func() { close(ended) })
	a.other.Takes(func(name, signed string) (string, int) {
		answer := a.honest(a.opened(name, signed))
		switch name {
		case "slow":
			<-ended
		case "refusing":
			return "", http.StatusUnprocessableEntity
		case "garbled":
			return "aaaa.bbbb.cccc", http.StatusOK
		case "replying-to-another":
			answer.ReplyTo = "another"
		case "for-another":
			answer.Audience = "https://elsewhere.example"
		case "late":
			answer.IssuedAt, answer.Expires = answer.IssuedAt-900, answer.IssuedAt-800
		case "ahead":
			answer.IssuedAt, answer.Expires = answer.IssuedAt+120, answer.IssuedAt+180
		case "a-little-ahead":
			answer.IssuedAt, answer.Expires = answer.IssuedAt+20, answer.IssuedAt+80
		case "anothers-key":
			text, err := attest.NewSigner(impostor, "sign/x/1", a.other.Entity(name)).Sign(t.Context(), attest.TypAxleAnswer, answer)
			if err != nil {
				return "", http.StatusInternalServerError
			}
			sealed, err := to.Seal(text)
			if err != nil {
				return "", http.StatusInternalServerError
			}
			return sealed, http.StatusOK
		case "bare": // signed, and not sealed
			text, err := a.other.Signer(name).Sign(t.Context(), attest.TypAxleAnswer, answer)
			if err != nil {
				return "", http.StatusInternalServerError
			}
			return text, http.StatusOK
		case "inventing":
			answer.Outcome = "known-to-everybody"
		case "unreachable":
			answer.Providers[0].Contact.Kind = "pigeon"
		case "talkative":
			answer.Providers = slices.Repeat(answer.Providers, 9)
		case "unproven":
			answer.Commitment = "trust me"
		case "older":
			answer.Outcome, answer.Because, answer.Providers = "returned", "not understood", nil
		case dead:
			return "", http.StatusServiceUnavailable
		}
		return a.other.Says(t, name, attest.TypAxleAnswer, answer, to), http.StatusOK
	})
	var orders []string
	for _, name := range append(plain, dead, "no-peer") {
		orders = append(orders, a.order(name))
	}
	says := a.asks(orders...)
	for name, s := range says {
		want := name == "honest" || name == "a-little-ahead" || name == "older"
		if s.Answered != want || (len(s.Answer.Providers) > 0) != (want && name != "older") {
			t.Errorf("%s: %+v", name, s)
		}
	}
	if s := says["older"]; s.Answer.Outcome != "returned" {
		t.Errorf("%+v", s)
	}
	if n := a.count(`select count(*) from federation.exchanges where outgoing and outcome = 'no-answer'`); n != len(orders)-3 {
		t.Errorf("%d of %d are recorded as unanswered", n, len(orders)-3)
	}
}

// A hub that is silent three times in a row is left alone, and asked again after a while.
func TestASilentHubIsLeftAloneForAWhile(t *testing.T) {
	a := withAxles(t, nil)
	a.peered("mill")
	asked := 0
	to := a.sealedFor()
	silent := true
	a.other.Takes(func(name, signed string) (string, int) {
		asked++
		if silent {
			return "", http.StatusUnprocessableEntity
		}
		return a.other.Says(t, name, attest.TypAxleAnswer, a.honest(a.opened(name, signed)), to), http.StatusOK
	})
	for range 5 {
		if a.asks(a.order("mill"))["mill"].Answered {
			t.Fatal("a refusal is an answer")
		}
	}
	if asked != 3 {
		t.Errorf("asked %d times", asked)
	}
	silent = false
	a.pass(31 * time.Second)
	if !a.asks(a.order("mill"))["mill"].Answered {
		t.Error("not asked again")
	}
}

// An order is relmgr's for one practitioner and for now, and goes to each hub once.
func TestOnlyRelmgrsOrdersAreSent(t *testing.T) {
	a := withAxles(t, nil)
	a.peered("mill")
	a.other.Takes(func(string, string) (string, int) { t.Error("something was sent"); return "", http.StatusOK })
	forged, err := attest.NewSigner(a.keys, federation.SigningKey, here).Sign(t.Context(), attest.TypAxleOrder, attest.AxleOrder{Claims: a.claims("federation"), Hub: a.other.Entity("mill"), Agency: "riverside-gp"})
	a.must(err)
	twice := a.order("mill")
	for name, orders := range map[string][]string{
		"another's":         {a.order("mill", func(o *attest.AxleOrder) { o.Subject = "mr-lindqvist" })},
		"another agency's":  {a.order("mill", func(o *attest.AxleOrder) { o.Agency = "riverside-police" })},
		"not relmgr's":      {forged},
		"none":              {"a.b.c"},
		"for another duty":  {a.order("mill", func(o *attest.AxleOrder) { o.Audience = "consent" })},
		"twice to one hub":  {twice, a.order("mill")},
		"one good, one not": {a.order("mill"), "a.b.c"},
	} {
		if _, err := a.Ask(t.Context(), patel, orders, ""); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	a.pass(3 * time.Minute)
	if _, err := a.Ask(t.Context(), patel, []string{twice}, ""); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an old one: %v", err)
	}
}

// QRY-11, FED-31: whatever relmgr answers, what leaves has one size, and what is no message
// of a peer in force gets one refusal and asks relmgr nothing.
func TestEveryAnswerHasOneSizeAndEveryRefusalIsTheSame(t *testing.T) {
	body := `{"outcome":"answered","providers":[],"commitment":"` + strings.Repeat("a", 64) + `"}`
	asked := 0
	a := withAxles(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	})
	a.peered("mill", "gone")
	message := func(name string, change ...func(*attest.AxleMessage)) string {
		m := attest.AxleMessage{Claims: a.claims(here), Kind: "enquiry", Version: 1, Keys: a.agency, Question: "a.b.c"}
		for _, c := range change {
			c(&m)
		}
		return a.other.Says(t, name, attest.TypAxleMessage, m, a.sealedFor())
	}
	empty, err := a.Receive(t.Context(), message("mill"))
	a.must(err)
	body = `{"outcome":"answered","providers":[` + strings.Repeat(`{"agency_name":"A surgery of some name","contact":{"kind":"telephone","value":"01632 960900","hours":"Monday to Friday","confirmed":"2026-01-01"}},`, 7) +
		`{"agency_name":"The last","contact":{"kind":"telephone","value":"01632 960901","hours":"always","confirmed":"2026-01-01"}}],"commitment":"` + strings.Repeat("b", 64) + `"}`
	full, err := a.Receive(t.Context(), message("mill"))
	a.must(err)
	if len(full) != len(empty) || asked != 2 {
		t.Errorf("%d bytes of eight, %d of nobody; relmgr asked %d times", len(full), len(empty), asked)
	}
	for _, p := range must(a.Peers(t.Context())) {
		if p.Entity == a.other.Entity("gone") {
			_, err := a.Suspend(t.Context(), officer(), p.ID, "work-ended")
			a.must(err)
		}
	}
	var first string
	for name, envelope := range map[string]string{
		"a suspended hub": message("gone"), "a hub that is none": message("nobody"),
		"for another hub": message("mill", func(m *attest.AxleMessage) { m.Audience = "https://elsewhere.example" }),
		"an old one":      message("mill", func(m *attest.AxleMessage) { m.IssuedAt, m.Expires = m.IssuedAt-900, m.IssuedAt-890 }),
		"a long-lived":    message("mill", func(m *attest.AxleMessage) { m.Expires += 900 }),
		"no envelope":     "a.b.c.d.e",
	} {
		_, err := a.Receive(t.Context(), envelope)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.Invalid {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if first == "" {
			first = f.Detail
		}
		if f.Detail != first {
			t.Errorf("%s: %q, not %q", name, f.Detail, first)
		}
	}
	if asked != 2 {
		t.Errorf("relmgr was asked %d times", asked)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
