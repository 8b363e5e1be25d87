package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/go-jose/go-jose/v4"
)

// issuer is an OpenID Provider that counts what it is asked.
type issuer struct {
	url         string
	discoveries atomic.Int64
	fetches     atomic.Int64 // of the JWK set
	down        atomic.Bool
	keys        atomic.Pointer[jose.JSONWebKeySet]
	discovery   func(url string) map[string]any // nil: an honest one
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := new(issuer)
	i.keys.Store(new(jose.JSONWebKeySet))
	server := httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	if i.down.Load() {
		http.Error(w, "down", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		i.discoveries.Add(1)
		answer := map[string]any{"issuer": i.url, "jwks_uri": i.url + "/keys"}
		if i.discovery != nil {
			answer = i.discovery(i.url)
		}
		json.NewEncoder(w).Encode(answer)
	case "/keys":
		i.fetches.Add(1)
		json.NewEncoder(w).Encode(i.keys.Load())
	default:
		http.NotFound(w, r)
	}
}

// newKey makes a key, which the issuer publishes alone from then on.
func (i *issuer) newKey(t testing.TB, kid string) jose.SigningKey {
	t.Helper()
	private, public := newKey(t, kid)
	i.keys.Store(&jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}})
	return private
}

func newKey(t testing.TB, kid string) (jose.SigningKey, jose.JSONWebKey) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: k, KeyID: kid}},
		jose.JSONWebKey{Key: k.Public(), KeyID: kid, Use: "sig", Algorithm: "ES256"}
}

// claims are those of a good token for jo, changed by what is given.
func (i *issuer) claims(now time.Time, changed map[string]any) map[string]any {
	c := map[string]any{
		"iss": i.url, "aud": "fame", "sub": "jo", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "secret": "of no use here",
	}
	for name, value := range changed {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

// sign makes a token; typ is left out where it is empty.
func sign(t testing.TB, key jose.SigningKey, typ string, claims map[string]any) string {
	t.Helper()
	options := new(jose.SignerOptions)
	if typ != "" {
		options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(key, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// clock is a time that the test moves.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.at.Store(time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time        { return time.Unix(0, c.at.Load()) }
func (c *clock) pass(by time.Duration) { c.at.Add(int64(by)) }

func (i *issuer) terms(version int64) *decide.Terms {
	return (&decide.Terms{
		Version: version,
		Issuers: []decide.Issuer{{
			Name: "everyone", Issuer: i.url, Audience: "fame",
			Mappings: []decide.Mapping{{Claim: "groups", Value: "gp"}},
		}},
	}).Index()
}

func newAuthenticator(c *clock) *api.Authenticator {
	return api.NewAuthenticator(c.now, slog.New(slog.DiscardHandler), http.DefaultTransport)
}
