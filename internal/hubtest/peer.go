package hubtest

import (
	stdcontext "context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/seal"
)

// OtherHub is what other hubs state, each at an address of its own below one server, for
// tests of one hub that meets others. It speaks for itself alone: no duty runs behind it, and
// it may be made to say what no hub should.
type OtherHub struct {
	URL  string
	Keys entity.Keys // that it signs with
	Now  func() time.Time

	keys   seal.Provider
	signs  seal.KeyID
	server *httptest.Server

	mu      sync.Mutex
	about   map[string]entity.Statement // by name and subject
	change  func(name string, s *entity.Statement)
	asked   map[string]int
	take    Taker  // of messages; nil: they are not known
	carried string // what comes back beside an answer
}

// The keys of another hub.
const (
	otherSigns seal.KeyID = "sign/other/1"
	otherNext  seal.KeyID = "sign/other/2"
	otherOpens seal.KeyID = "agree/other/1"
)

// NewOtherHub serves what other hubs state until t ends.
func NewOtherHub(t testing.TB, now func() time.Time) *OtherHub {
	t.Helper()
	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "other.keys"), filepath.Join(dir, "other.identity"))
	if err != nil {
		t.Fatal(err)
	}
	for id, kind := range map[seal.KeyID]seal.KeyKind{otherSigns: seal.KindSign, otherNext: seal.KindSign, otherOpens: seal.KindAgree} {
		if _, _, err := keys.Ensure(t.Context(), id, kind); err != nil {
			t.Fatal(err)
		}
	}
	o := &OtherHub{Now: now, keys: keys, signs: otherSigns, about: map[string]entity.Statement{}, asked: map[string]int{}}
	if o.Keys, err = o.keySet(otherSigns); err != nil {
		t.Fatal(err)
	}
	o.server = httptest.NewServer(o)
	t.Cleanup(o.server.Close)
	o.URL = o.server.URL
	return o
}

func (o *OtherHub) keySet(ids ...seal.KeyID) (entity.Keys, error) {
	set, err := attest.PublicKeys(stdcontext.Background(), o.keys, ids...)
	if err != nil {
		return entity.Keys{}, err
	}
	b, err := json.Marshal(set)
	if err != nil {
		return entity.Keys{}, err
	}
	return entity.ParseKeys(b)
}

// Entity is the address of the hub of that name.
func (o *OtherHub) Entity(name string) string { return o.URL + "/" + name }

// States has the hub of that name state something about a subject from now on.
func (o *OtherHub) States(name string, s entity.Statement) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.about[name+" "+s.Subject] = s
}

// Ends has it state nothing about the subject any more.
func (o *OtherHub) Ends(name, subject string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.about, name+" "+subject)
}

// Changes has every statement pass through change before it is signed.
func (o *OtherHub) Changes(change func(name string, s *entity.Statement)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.change = change
}

// Renew has it state its next key beside the one that it signs with; to the end, it signs
// with the next and states that alone.
func (o *OtherHub) Renew(t testing.TB, toTheEnd bool) {
	t.Helper()
	ids := []seal.KeyID{otherSigns, otherNext}
	if toTheEnd {
		ids = ids[1:]
	}
	keys, err := o.keySet(ids...)
	if err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.Keys = keys
	if toTheEnd {
		o.signs = otherNext
	}
}

// Impersonate has it sign with another's keys, which it states as its own.
func (o *OtherHub) Impersonate(with *OtherHub) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keys, o.Keys, o.signs = with.keys, with.Keys, with.signs
}

// Asked is how often the hub of that name was asked.
func (o *OtherHub) Asked(name string) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.asked[name]
}

// Close has nobody answer there any more.
func (o *OtherHub) Close() { o.server.Close() }

// ServeHTTP answers as the hubs of its addresses do.
func (o *OtherHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.serveMessage(w, r) {
		return
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[name]++
	var s entity.Statement
	switch "/" + rest {
	case entity.WellKnown:
		s = o.configuration(name)
	case "/fetch":
		about, ok := o.about[name+" "+r.URL.Query().Get("sub")]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		s = about
		s.Issuer = o.Entity(name)
		if s.IssuedAt == 0 {
			s.IssuedAt, s.Expires = o.Now().Unix(), o.Now().Add(5*time.Minute).Unix()
		}
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if o.change != nil {
		o.change(name, &s)
	}
	text, err := attest.NewSigner(o.keys, o.signs, s.Issuer).SignPublic(r.Context(), entity.Typ, s)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", entity.ContentType)
	_, _ = w.Write([]byte(text))
}

func (o *OtherHub) configuration(name string) entity.Statement {
	to, _ := attest.RecipientKeys(stdcontext.Background(), o.keys, otherOpens)
	jwks, _ := json.Marshal(to)
	keys := o.Keys
	s := entity.Statement{
		Issuer: o.Entity(name), Subject: o.Entity(name), IssuedAt: o.Now().Unix(), Expires: o.Now().Add(time.Hour).Unix(), Keys: &keys,
		Metadata: entity.Metadata{
			entity.FederationEntity: {"federation_fetch_endpoint": o.Entity(name) + "/fetch"},
			entity.Hub:              {"version": 1, "log_key": "other.example+00000000+AQ==", "jwks": json.RawMessage(jwks)},
		},
	}
	s.Metadata = maps.Clone(s.Metadata)
	return s
}
