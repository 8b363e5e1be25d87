//go:build goexperiment.jsonv2

package federation

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	oidfed "github.com/go-oidfed/lib"
	"github.com/go-oidfed/lib/jwx"
	"github.com/lestrrat-go/jwx/v4/jwa"

	"github.com/fame-hub/fame/federation/entity"
)

// federation is three entities below one server: an anchor, a region and a leaf. Each signs with
// a key of its own, by whichever of the two implementations the test gives it.
type federation struct {
	t     *testing.T
	url   string
	keys  map[string]*ecdsa.PrivateKey
	above map[string]string
	sign  func(name string, claims map[string]any) string
}

func newFederation(t *testing.T) *federation {
	t.Helper()
	f := &federation{t: t, keys: map[string]*ecdsa.PrivateKey{}, above: map[string]string{"leaf": "region", "region": "anchor"}}
	for _, name := range []string{"anchor", "region", "leaf"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		f.keys[name] = key
	}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *federation) id(name string) string { return f.url + "/" + name }

func (f *federation) jwks(name string) map[string]any {
	b, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: &f.keys[name].PublicKey, KeyID: f.kid(name), Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		f.t.Fatal(err)
	}
	var set map[string]any
	if err := json.Unmarshal(b, &set); err != nil {
		f.t.Fatal(err)
	}
	return set
}

// kid is the partner's own name for the key, so that both sign under the same.
func (f *federation) kid(name string) string {
	set, err := jwx.KeyToJWKS(f.keys[name].Public(), jwa.ES256())
	if err != nil {
		f.t.Fatal(err)
	}
	key, _ := set.Key(0)
	kid, _ := key.KeyID()
	return kid
}

func (f *federation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	now := time.Now()
	claims := map[string]any{"iss": f.id(name), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	switch {
	case f.keys[name] != nil && "/"+rest == entity.WellKnown:
		claims["sub"], claims["jwks"] = f.id(name), f.jwks(name)
		claims["metadata"] = map[string]any{
			"federation_entity": map[string]any{"federation_fetch_endpoint": f.id(name) + "/fetch", "organization_name": name},
			"fame_hub":          map[string]any{"version": 1, "log_key": name},
		}
		if above := f.above[name]; above != "" {
			claims["authority_hints"] = []string{f.id(above)}
		}
	case rest == "fetch":
		_, subject, _ := strings.Cut(strings.TrimPrefix(r.URL.Query().Get("sub"), f.url), "/")
		if f.above[subject] != name {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		claims["sub"], claims["jwks"] = f.id(subject), f.jwks(subject)
		claims["constraints"] = map[string]any{"max_path_length": 1}
		claims["metadata_policy"] = map[string]any{"federation_entity": map[string]any{"organization_name": map[string]any{"essential": true}}}
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", entity.ContentType)
	_, _ = w.Write([]byte(f.sign(name, claims)))
}

// ourSide is a statement through our own type, so that what it cannot say is not said, signed
// with the key of whom.
func (f *federation) ourSide(t *testing.T, name, whose string, claims map[string]any) string {
	t.Helper()
	b, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	var s entity.Statement
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: f.keys[whose], KeyID: f.kid(name)}}, (&jose.SignerOptions{}).WithType(entity.Typ))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Issue 7: go-oidfed/lib finds and verifies a chain of three that our side has signed.
func TestThePartnerVerifiesOurChain(t *testing.T) {
	f := newFederation(t)
	f.sign = func(name string, claims map[string]any) string { return f.ourSide(t, name, name, claims) }
	resolver := oidfed.TrustResolver{TrustAnchors: oidfed.NewTrustAnchorsFromEntityIDs(f.id("anchor")), StartingEntity: f.id("leaf")}
	chains := resolver.ResolveToValidChains()
	if len(chains) != 1 || len(chains[0]) != 4 {
		t.Fatalf("the partner found %d chains", len(chains))
	}
}

// ... and our side one that it has signed.
func TestOurSideVerifiesThePartnersChain(t *testing.T) {
	f := newFederation(t)
	f.sign = func(name string, claims map[string]any) string {
		text, err := jwx.NewEntityStatementSigner(jwx.NewSingleKeyVersatileSigner(f.keys[name], jwa.ES256())).JWT(claims)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	b, err := json.Marshal(f.jwks("anchor"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := entity.ParseKeys(b)
	if err != nil {
		t.Fatal(err)
	}
	c, err := entity.Build(context.Background(), entity.NewFetcher(true, nil), f.id("leaf"), []entity.Anchor{{Entity: f.id("anchor"), Keys: keys}}, time.Now())
	if err != nil || len(c.Statements) != 4 || c.Metadata[entity.Hub]["log_key"] != "leaf" {
		t.Fatalf("%+v, %v", c, err)
	}
}
