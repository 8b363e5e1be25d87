package edgetest_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/relmgr"
)

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of probes
	probes = append(probes,
		probe{operation: "listNotices", tells: true, alone: true, counts: true, whole: true, ready: func(h *hub, p asked) request {
			// Whom its column was told of earlier it is told is gone, as it would learn by
			// asking again (SUB-06): here it was told of nobody.
			_, err := h.admin.Exec("delete from relmgr.disclosures")
			h.must(err)
			h.informed(askers, p.social)
			h.beat()
			return get(noticesOf(askers))
		}},
		probe{operation: "keepSilent", alone: true, ready: func(h *hub, p asked) request {
			h.handle(asker, askers, p.social)
			return post(h, "/relmgr/v1/silences", h.silence(askers, p.social))
		}},
	)
}

func noticesOf(column string) string { return "/relmgr/v1/notices?column=" + column + "&" + why }

// informed publishes social care's relationship with the wish to be informed, and
// lets nothing wait that came before.
func (h *hub) informed(column, identifier string) {
	h.t.Helper()
	h.beat()
	_, err := h.admin.Exec("delete from relmgr.notices")
	h.must(err)
	r := h.relationship(column, identifier, agreed{}, h.consent(asker, column, identifier, agreed{}))
	r["offers"] = append(r["offers"].([]object), object{"kind": "wants-to-be-informed", "contact": "desk"})
	h.ok(asker, "POST", "/relmgr/v1/relationships", r)
}

func (h *hub) silence(column, identifier string) object {
	return object{"column": column, "identifier": identifier, "risk": "risk-to-the-subject", "review_by": h.until(30 * 24 * time.Hour), "reason": "risk-of-harm"}
}

// beat lets the next beat come, which another process of the duty heeds.
func (h *hub) beat() {
	h.t.Helper()
	h.clock.pass(time.Minute)
	h.must(h.another(func(s *relmgr.Service, terms *decide.Terms) error { return s.Notify(context.Background(), terms) }))
}

// another has another process of the duty do something on the terms of now.
func (h *hub) another(do func(*relmgr.Service, *decide.Terms) error) error {
	h.t.Helper()
	var document []byte
	h.must(h.admin.QueryRow("select document from governance.terms order by version desc limit 1").Scan(&document))
	terms := new(decide.Terms)
	h.must(json.Unmarshal(document, terms))
	if h.readers["relmgr"] == nil {
		h.readers["relmgr"] = h.base.DB(h.t, "relmgr")
	}
	s, err := relmgr.New(context.Background(), relmgr.Config{DB: h.readers["relmgr"], Keys: h.keys["relmgr"], Now: h.now})
	h.must(err)
	defer s.Close()
	return do(s, terms.Index())
}

// noticesGood are the good requests about notices.
func (b *bench) noticesGood() {
	b.good["listNotices"] = request{as: "mr-lindqvist", target: noticesOf("social-care")}
	b.good["keepSilent"] = request{as: "dr-patel", target: "/relmgr/v1/silences", body: render(b.silence("gp-riverside", "GP-00042"))}
}

// noticed leaves a notice that told of somebody, and one that took that back.
func (b *bench) noticed() {
	b.t.Helper()
	b.informed("social-care", "LMN-73960")
	published, _, _, _ := related(b.hub, "LMN-73960", "GP-73960", agreed{})
	b.beat()
	b.ok("mr-lindqvist", "GET", noticesOf("social-care"), nil)
	b.status(published, "end")
	b.beat()
	if list := b.ok("mr-lindqvist", "GET", noticesOf("social-care"), nil)["notices"].([]any); len(list) == 0 {
		b.t.Error("no notice was left")
	}
}

// notices are feeds that are not the caller's, and silences without an end.
func (b *bench) notices(add func(string, string, request, ...string)) {
	for _, column := range []string{"gp-riverside", marker} {
		add("listNotices: of somebody else's column", "forbidden", b.good["listNotices"].at(noticesOf(column)))
	}
	for _, code := range []string{"purpose=" + marker + "&reason=working-with-person", "purpose=co-ordinate-care&reason=" + marker} {
		add("listNotices: a code of no list", "invalid", b.good["listNotices"].at("/relmgr/v1/notices?column=social-care&"+code))
	}
	add("listNotices: for a purpose that no agreement lets them ask for", "decision-refused",
		request{as: "dr-patel", method: "GET", target: "/relmgr/v1/notices?column=gp-riverside&purpose=homelessness-duty&reason=working-with-person"})
	add("listNotices: a cursor of nobody's", "invalid", b.good["listNotices"].at(noticesOf("social-care")+"&cursor="+seedID), seedID)
	for _, by := range []string{"2020-01-01T00:00:00Z", "2027-11-20T09:00:00Z"} {
		add("keepSilent: looked at again in the past, or too late", "invalid", b.but("keepSilent", by, "review_by"))
	}
	add("keepSilent: a reason of no list", "invalid", b.but("keepSilent", marker, "reason"))
	add("keepSilent: somebody else's column", "forbidden", b.but("keepSilent", "police-riverside", "column"))
	add("keepSilent: without the role", "forbidden", b.as("keepSilent", "clerk-ito"))
}

// receiver is an agency's own server.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	behave func(w http.ResponseWriter, r *http.Request)
	got    []delivered
}

type delivered struct {
	header http.Header
	body   []byte
}

func newReceiver(t *testing.T) *receiver {
	v := &receiver{}
	v.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		v.mu.Lock()
		v.got = append(v.got, delivered{r.Header.Clone(), body})
		behave := v.behave
		v.mu.Unlock()
		if behave != nil {
			behave(w, r)
		}
	}))
	t.Cleanup(v.Server.Close)
	return v
}

func (v *receiver) does(behave func(w http.ResponseWriter, r *http.Request)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.behave = behave
}

// received waits for the nth delivery.
func (v *receiver) received(t *testing.T, n int) delivered {
	t.Helper()
	for range 600 {
		v.mu.Lock()
		if len(v.got) >= n {
			defer v.mu.Unlock()
			return v.got[n-1]
		}
		v.mu.Unlock()
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("delivery %d did not come within 30 seconds", n)
	return delivered{}
}

// QRY-13, DCP-11, issue "notices": what waits is sent to the agency's address until it
// is taken, whether the server there fails, hangs, breaks off or sends us elsewhere. It
// is a batch of CloudEvents that names nobody, signed by the hub for that address and
// body. One agency's server keeps no other's waiting.
func TestANoticeIsSentUntilItIsTaken(t *testing.T) {
	t.Parallel()
	social, school, trap := newReceiver(t), newReceiver(t), newReceiver(t)
	h := newHub(t, setting{document: func(doc map[string]any) {
		entryOf(doc, "agencies", "id", "riverside-social-care")["webhook"] = social.URL + "/notices"
		entryOf(doc, "agencies", "id", "hillside-school")["webhook"] = school.URL + "/notices"
	}})
	h.informed("social-care", "LMN-00042")
	wish := h.relationship("school-pastoral", "S000042", agreed{}, h.consent("ms-okafor", "school-pastoral", "S000042", agreed{}))
	wish["offers"] = append(wish["offers"].([]object), object{"kind": "wants-to-be-informed", "contact": "desk"})
	h.ok("ms-okafor", "POST", "/relmgr/v1/relationships", wish)
	code, _ := h.pair("ms-okafor", "school-pastoral", "S000042")
	h.correlate("mr-lindqvist", "social-care", "LMN-00042", code)

	hung := make(chan struct{})
	t.Cleanup(sync.OnceFunc(func() { close(hung) }))
	social.does(func(http.ResponseWriter, *http.Request) { <-hung })
	h.clock.pass(time.Minute)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); h.parts["relmgr"].Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })

	social.received(t, 1)
	school.received(t, 1) // while the other hangs
	n := 1
	for what, behave := range map[string]func(w http.ResponseWriter, r *http.Request){
		"fails": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"sends elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, trap.URL+"/inside", http.StatusTemporaryRedirect)
		},
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(http.StatusOK)
			io.WriteString(w, "taken")
		},
	} {
		social.does(behave)
		n++
		next(t, h, social, n, what)
	}
	social.does(nil)
	n++
	next(t, h, social, n, "takes it")
	for range 3 {
		h.clock.pass(7 * time.Hour)
		time.Sleep(2500 * time.Millisecond) // the courier looks every two seconds
	}
	social.mu.Lock()
	defer social.mu.Unlock()
	if len(social.got) != n || len(trap.got) != 0 {
		t.Errorf("sent %d times, want %d; %d followed a redirect", len(social.got), n, len(trap.got))
	}
	for i, d := range social.got {
		h.wantEvent(social.URL+"/notices", d, "social-care")
		if string(d.body) != string(social.got[0].body) {
			t.Errorf("delivery %d is another notice: %s", i+1, d.body)
		}
	}
	if logged := h.logs.take(); strings.Contains(logged, social.URL) || strings.Contains(logged, "LMN-00042") {
		t.Errorf("the log tells where to or of whom: %s", logged)
	}
}

func next(t *testing.T, h *hub, v *receiver, n int, what string) {
	t.Helper()
	t.Log("the server", what)
	time.Sleep(200 * time.Millisecond)
	h.clock.pass(7 * time.Hour)
	v.received(t, n)
}

// wantEvent checks one delivery: CloudEvents without anybody, and whose it is.
func (h *hub) wantEvent(address string, d delivered, column string) {
	h.t.Helper()
	if d.header.Get("Content-Type") != "application/cloudevents-batch+json" {
		h.t.Errorf("sent as %q", d.header.Get("Content-Type"))
	}
	var events []object
	h.must(json.Unmarshal(d.body, &events))
	for _, e := range events {
		members := slices.Sorted(maps.Keys(e))
		if fmt.Sprint(members) != "[data datacontenttype id source specversion time type]" || e["specversion"] != "1.0" || e["source"] != hubID ||
			e["type"] != "io.github.fame-hub.notice.v1" || e["data"].(object)["column"] != column || e["data"].(object)["notice"] != e["id"] || len(e["data"].(object)) != 2 {
			h.t.Errorf("an event is %v", e)
		}
	}
	set, err := attest.PublicKeys(h.t.Context(), h.keys["relmgr"], relmgr.SigningKey)
	h.must(err)
	var letter struct {
		Digest string `json:"sha256"`
		Hub    string `json:"sub"`
	}
	signed := strings.TrimPrefix(d.header.Get("Authorization"), "Bearer ")
	verify := func(audience string) error {
		return attest.NewVerifier("relmgr", set.Fixed, issuedAt(signed)).Verify(h.t.Context(), signed, attest.Expect{Typ: relmgr.TypNotice, Audience: audience, MaxLifetime: 5 * time.Minute}, &letter)
	}
	h.must(verify(address))
	digest := sha256.Sum256(d.body)
	if letter.Digest != hex.EncodeToString(digest[:]) || letter.Hub != hubID {
		h.t.Errorf("signed for another body or hub: %+v", letter)
	}
	if verify(address+"/other") == nil {
		h.t.Error("the signature is good for another address")
	}
}

// issuedAt is a clock that stands where a statement was signed.
func issuedAt(token string) func() time.Time {
	return func() time.Time {
		var c struct {
			IssuedAt int64 `json:"iat"`
		}
		parts := strings.Split(token, ".")
		if len(parts) == 3 {
			text, _ := base64.RawURLEncoding.DecodeString(parts[1])
			_ = json.Unmarshal(text, &c)
		}
		return time.Unix(c.IssuedAt, 0)
	}
}
