package api_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/go-jose/go-jose/v4"
)

func kindOf(err error) fault.Kind {
	if err == nil {
		return "accepted"
	}
	return fault.KindOf(err)
}

func TestATokenIsTakenOnlyWhenEverythingFits(t *testing.T) {
	t.Parallel()
	c, i := newClock(), newIssuer(t)
	key := i.newKey(t, "k1")
	stranger, _ := newKey(t, "k1")
	unknown, _ := newKey(t, "k9")
	other := newIssuer(t)
	otherKey := other.newKey(t, "k1")
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Key.(jose.JSONWebKey).Key.(*ecdsa.PrivateKey).Public())
	if err != nil {
		t.Fatal(err)
	}
	now := c.now()
	changed := func(name string, value any) map[string]any { return i.claims(now, map[string]any{name: value}) }
	good := sign(t, key, "JWT", i.claims(now, nil))
	for _, test := range []struct {
		name, token string
		want        fault.Kind
	}{
		{"a good token", good, "accepted"},
		{"without typ", sign(t, key, "", i.claims(now, nil)), "accepted"},
		{"an access token", sign(t, key, "at+jwt", i.claims(now, nil)), "accepted"},
		{"one of a list of audiences, and azp", sign(t, key, "JWT", i.claims(now, map[string]any{"aud": []string{"x", "fame"}, "azp": "fame"})), "accepted"},
		{"a minute ahead", sign(t, key, "JWT", changed("nbf", now.Add(time.Minute).Unix())), "accepted"},
		{"a last second", sign(t, key, "JWT", changed("exp", now.Unix()+1)), "accepted"},

		{"alg none", unsigned(`{"alg":"none"}`, good, ""), fault.Unauthenticated},
		{"alg None with the old signature", unsigned(`{"alg":"None"}`, good, parts(good)[2]), fault.Unauthenticated},
		{"HS256 under the public key", sign(t, jose.SigningKey{Algorithm: jose.HS256, Key: jose.JSONWebKey{Key: public, KeyID: "k1"}}, "JWT", i.claims(now, nil)), fault.Unauthenticated},
		{"ES256 claimed for RSA", sign(t, jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: weak, KeyID: "k1"}}, "JWT", i.claims(now, nil)), fault.Unauthenticated},
		{"wrong audience", sign(t, key, "JWT", changed("aud", "other")), fault.Unauthenticated},
		{"no audience", sign(t, key, "JWT", changed("aud", nil)), fault.Unauthenticated},
		{"several audiences without azp", sign(t, key, "JWT", changed("aud", []string{"fame", "x"})), fault.Unauthenticated},
		{"several audiences, azp of another", sign(t, key, "JWT", i.claims(now, map[string]any{"aud": []string{"fame", "x"}, "azp": "x"})), fault.Unauthenticated},
		{"expired", sign(t, key, "JWT", changed("exp", now.Unix())), fault.Unauthenticated},
		{"without expiry", sign(t, key, "JWT", changed("exp", nil)), fault.Unauthenticated},
		{"not valid yet", sign(t, key, "JWT", changed("nbf", now.Add(62*time.Second).Unix())), fault.Unauthenticated},
		{"issued in the future", sign(t, key, "JWT", changed("iat", now.Add(62*time.Second).Unix())), fault.Unauthenticated},
		{"a logout token", sign(t, key, "logout+jwt", i.claims(now, nil)), fault.Unauthenticated},
		{"without sub", sign(t, key, "JWT", changed("sub", nil)), fault.Unauthenticated},
		{"an endless sub", sign(t, key, "JWT", changed("sub", strings.Repeat("x", 256))), fault.Unauthenticated},
		{"a sub that is a number", sign(t, key, "JWT", changed("sub", 7)), fault.Unauthenticated},
		{"unknown issuer", sign(t, otherKey, "JWT", other.claims(now, nil)), fault.Unauthenticated},
		{"another's issuer in iss", sign(t, otherKey, "JWT", i.claims(now, nil)), fault.Unauthenticated},
		{"unknown kid", sign(t, unknown, "JWT", i.claims(now, nil)), fault.Unauthenticated},
		{"forged signature", sign(t, stranger, "JWT", i.claims(now, nil)), fault.Unauthenticated},
		{"another payload under the old signature", parts(good)[0] + "." + parts(sign(t, stranger, "JWT", changed("sub", "sam")))[1] + "." + parts(good)[2], fault.Unauthenticated},
		{"over-long", sign(t, key, "JWT", changed("pad", strings.Repeat("x", 9000))), fault.Unauthenticated},
		{"a critical header", unsigned(`{"alg":"ES256","kid":"k1","crit":["x"],"x":1}`, good, parts(good)[2]), fault.Unauthenticated},
		{"the JSON form", `{"payload":"` + parts(good)[1] + `","protected":"` + parts(good)[0] + `","signature":"` + parts(good)[2] + `"}`, fault.Unauthenticated},
		{"rubbish", "rubbish", fault.Unauthenticated},
		{"nothing", "", fault.Unauthenticated},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			id, err := newAuthenticator(c).Verify(context.Background(), i.terms(1), test.token)
			if kindOf(err) != test.want {
				t.Fatalf("got %v", err)
			}
			if err == nil {
				if id.Issuer != "everyone" || id.Subject != "jo" || len(id.Claims) != 0 {
					t.Errorf("got %+v", id)
				}
				return
			}
			f, _ := errors.AsType[*fault.Error](err)
			if f.Detail == "" || test.token != "" && strings.Contains(err.Error(), test.token) {
				t.Errorf("the refusal says %q", err)
			}
		})
	}
}

func parts(token string) []string { return strings.Split(token, ".") }

func unsigned(header, token, signature string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + parts(token)[1] + "." + signature
}

func TestForgedTokensDoNotHammerTheIssuer(t *testing.T) {
	t.Parallel()
	c, i := newClock(), newIssuer(t)
	key := i.newKey(t, "k1")
	a, terms := newAuthenticator(c), i.terms(1)
	forger, _ := newKey(t, "k1")
	var all sync.WaitGroup
	for n := range 200 {
		kid := "k1"
		if n%2 == 0 {
			kid = fmt.Sprintf("made-up-%d", n)
		}
		signer := forger
		signer.Key = jose.JSONWebKey{Key: forger.Key.(jose.JSONWebKey).Key, KeyID: kid}
		token := sign(t, signer, "JWT", i.claims(c.now(), map[string]any{"sub": fmt.Sprint(n)}))
		all.Go(func() {
			if _, err := a.Verify(context.Background(), terms, token); kindOf(err) != fault.Unauthenticated {
				t.Errorf("forged: %v", err)
			}
		})
	}
	all.Wait()
	if n := i.fetches.Load(); n > 2 {
		t.Errorf("200 forged tokens made %d fetches of the keys, want 2 at most", n)
	}
	if n := i.discoveries.Load(); n != 1 {
		t.Errorf("and %d of the discovery document", n)
	}
	if _, err := a.Verify(context.Background(), terms, sign(t, key, "JWT", i.claims(c.now(), nil))); err != nil {
		t.Errorf("an honest token after them: %v", err)
	}
}

func TestAVerifiedTokenIsRememberedUntilItExpires(t *testing.T) {
	t.Parallel()
	c, i := newClock(), newIssuer(t)
	key := i.newKey(t, "k1")
	a, terms := newAuthenticator(c), i.terms(1)
	token := sign(t, key, "JWT", i.claims(c.now(), map[string]any{"exp": c.now().Add(5 * time.Minute).Unix(), "groups": []string{"gp"}}))
	id, err := a.Verify(context.Background(), terms, token)
	if err != nil {
		t.Fatal(err)
	}
	if len(id.Claims) != 1 || id.Claims["groups"] == nil {
		t.Errorf("claims %v, want the mapped one alone", id.Claims)
	}
	i.down.Store(true)
	for range 3 {
		if _, err := a.Verify(context.Background(), terms, token); err != nil {
			t.Fatal(err)
		}
	}
	c.pass(5 * time.Minute)
	if _, err := a.Verify(context.Background(), terms, token); kindOf(err) != fault.Unauthenticated {
		t.Errorf("after its expiry: %v", err)
	}
}

func TestAnIssuerThatLeavesTheTermsCountsNoMore(t *testing.T) {
	t.Parallel()
	c, i := newClock(), newIssuer(t)
	token := sign(t, i.newKey(t, "k1"), "JWT", i.claims(c.now(), nil))
	a := newAuthenticator(c)
	if _, err := a.Verify(context.Background(), i.terms(1), token); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Verify(context.Background(), (&decide.Terms{Version: 2}).Index(), token); kindOf(err) != fault.Unauthenticated {
		t.Errorf("the issuer is gone and its token is taken: %v", err)
	}
	renamed := i.terms(3)
	renamed.Issuers[0].Audience = "elsewhere"
	if _, err := a.Verify(context.Background(), renamed, token); kindOf(err) != fault.Unauthenticated {
		t.Errorf("the audience has changed and the old token is taken: %v", err)
	}
}

func TestARotatedKeyIsPickedUp(t *testing.T) {
	t.Parallel()
	c, i := newClock(), newIssuer(t)
	a, terms := newAuthenticator(c), i.terms(1)
	for n := range 4 {
		token := sign(t, i.newKey(t, fmt.Sprintf("k%d", n)), "JWT", i.claims(c.now(), map[string]any{"n": n}))
		if _, err := a.Verify(context.Background(), terms, token); err != nil {
			t.Fatalf("key %d: %v", n, err)
		}
		c.pass(20 * time.Second)
	}
}

func TestAWithdrawnKeyEndsTheTokensItMade(t *testing.T) {
	t.Parallel()
	c, i := newClock(), newIssuer(t)
	a, terms := newAuthenticator(c), i.terms(1)
	token := sign(t, i.newKey(t, "k1"), "JWT", i.claims(c.now(), nil))
	if _, err := a.Verify(context.Background(), terms, token); err != nil {
		t.Fatal(err)
	}
	i.newKey(t, "k2")
	c.pass(11 * time.Minute) // past verifiedFor and keysFresh: the next look starts a fetch
	a.Verify(context.Background(), terms, token)
	deadline := time.Now().Add(5 * time.Second)
	for i.fetches.Load() < 2 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond)
	}
	c.pass(11 * time.Minute)
	a.Verify(context.Background(), terms, sign(t, i.newKey(t, "k3"), "JWT", i.claims(c.now(), nil))) // waits for a fetch
	if _, err := a.Verify(context.Background(), terms, token); kindOf(err) != fault.Unauthenticated {
		t.Errorf("its key is gone and the token is taken: %v", err)
	}
}

func TestAnIssuerThatCannotBeReachedIsUnavailable(t *testing.T) {
	t.Parallel()
	c, i := newClock(), newIssuer(t)
	token := sign(t, i.newKey(t, "k1"), "JWT", i.claims(c.now(), nil))
	a, terms := newAuthenticator(c), i.terms(1)
	i.down.Store(true)
	_, err := a.Verify(context.Background(), terms, token)
	if f, _ := errors.AsType[*fault.Error](err); f == nil || f.Kind != fault.Unavailable || f.RetryAfter <= 0 {
		t.Fatalf("got %v", err)
	}
	i.down.Store(false)
	c.pass(20 * time.Second)
	if _, err := a.Verify(context.Background(), terms, token); err != nil {
		t.Errorf("it is back: %v", err)
	}
	i.down.Store(true)
	c.pass(30 * time.Minute)
	fresh := sign(t, jose.SigningKey{Algorithm: jose.ES256, Key: i.newKey(t, "k1").Key}, "JWT", i.claims(c.now(), nil))
	if _, err := a.Verify(context.Background(), terms, fresh); kindOf(err) != fault.Unauthenticated {
		t.Errorf("down for half an hour, a key it does not publish: %v", err)
	}
	c.pass(time.Hour)
	if _, err := a.Verify(context.Background(), terms, sign(t, i.newKey(t, "k1"), "JWT", i.claims(c.now(), nil))); kindOf(err) != fault.Unavailable {
		t.Errorf("down for longer than its keys may be used: %v", err)
	}
}

func TestDiscoveryMayNotLeadElsewhere(t *testing.T) {
	t.Parallel()
	for name, discovery := range map[string]func(string) map[string]any{
		"another issuer": func(url string) map[string]any {
			return map[string]any{"issuer": url + "/x", "jwks_uri": url + "/keys"}
		},
		"http to another host": func(url string) map[string]any {
			return map[string]any{"issuer": url, "jwks_uri": "http://192.0.2.1/keys"}
		},
		"a file": func(url string) map[string]any {
			return map[string]any{"issuer": url, "jwks_uri": "file:///etc/passwd"}
		},
		"nothing": func(url string) map[string]any { return map[string]any{"issuer": url} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, i := newClock(), newIssuer(t)
			i.discovery = discovery
			token := sign(t, i.newKey(t, "k1"), "JWT", i.claims(c.now(), nil))
			if _, err := newAuthenticator(c).Verify(context.Background(), i.terms(1), token); kindOf(err) != fault.Unavailable {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("an issuer by http on another host", func(t *testing.T) {
		t.Parallel()
		c, i := newClock(), newIssuer(t)
		i.url = "http://192.0.2.1"
		key, _ := newKey(t, "k1")
		if _, err := newAuthenticator(c).Verify(context.Background(), i.terms(1), sign(t, key, "JWT", i.claims(c.now(), nil))); kindOf(err) != fault.Unavailable {
			t.Errorf("got %v", err)
		}
	})
}
