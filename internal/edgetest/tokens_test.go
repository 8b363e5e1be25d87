package edgetest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// forge makes tokens that are nearly good ones of dr-patel.
type forge struct {
	*hub
	kid string
}

func newForge(h *hub) forge {
	token, err := jose.ParseSignedCompact(h.token("dr-patel"), []jose.SignatureAlgorithm{jose.ES256})
	h.must(err)
	return forge{h, token.Signatures[0].Protected.KeyID}
}

// claims are those of a good token for dr-patel but for what is given; nil
// takes a claim out. One claim says the marker.
func (f forge) claims(changed object) object {
	now := f.now()
	c := object{
		"iss": f.issuer.URL(), "aud": audience, "sub": "dr-patel", "iat": now.Unix(), "nbf": now.Unix(),
		"exp": now.Add(time.Hour).Unix(), "name": marker, "roles": []string{"governance-officer"},
	}
	for name, value := range changed {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

// sign signs claims with a key, under a header that may be changed too.
func (f forge) sign(key *ecdsa.PrivateKey, header, claims object) string {
	f.t.Helper()
	options := &jose.SignerOptions{ExtraHeaders: map[jose.HeaderKey]any{"typ": "JWT"}}
	for name, value := range header {
		options.ExtraHeaders[jose.HeaderKey(name)] = value
	}
	kid, _ := options.ExtraHeaders["kid"].(string)
	if kid == "" {
		kid = f.kid
	}
	delete(options.ExtraHeaders, "kid")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, options)
	f.must(err)
	jws, err := signer.Sign(encode(f.t, claims))
	f.must(err)
	token, err := jws.CompactSerialize()
	f.must(err)
	return token
}

func part(v any) string {
	text, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(text)
}

// hmacSigned is a token signed with what everybody may know: a public key.
func (f forge) hmacSigned(secret []byte, claims object) string {
	body := part(object{"alg": "HS256", "typ": "JWT", "kid": f.kid}) + "." + part(claims)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(body))
	return body + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// bad are tokens that nobody may enter with, by what is wrong with them.
func (f forge) bad() map[string]string {
	f.t.Helper()
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	f.must(err)
	der, err := x509.MarshalPKIXPublicKey(f.key.Public())
	f.must(err)
	jwk, err := json.Marshal(jose.JSONWebKey{Key: f.key.Public(), KeyID: f.kid, Algorithm: "ES256", Use: "sig"})
	f.must(err)
	good := f.sign(f.key, nil, f.claims(nil))
	parts := strings.Split(good, ".")
	now := f.now()
	with := func(changed object) string { return f.sign(f.key, nil, f.claims(changed)) }
	headed := func(header object) string { return f.sign(f.key, header, f.claims(nil)) }
	return map[string]string{
		"somebody else's key":             f.sign(other, nil, f.claims(nil)),
		"a key that it brings along":      f.sign(other, object{"jwk": jose.JSONWebKey{Key: other.Public()}}, f.claims(nil)),
		"a key that it points to":         f.sign(other, object{"jku": "https://" + marker + ".example/keys"}, f.claims(nil)),
		"a key that nobody publishes":     f.sign(other, object{"kid": marker}, f.claims(nil)),
		"a key id that is a path":         f.sign(other, object{"kid": "../../" + marker}, f.claims(nil)),
		"another signature":               parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"another payload":                 parts[0] + "." + part(f.claims(object{"sub": "gov-ellis"})) + "." + parts[2],
		"no signature":                    parts[0] + "." + parts[1] + ".",
		"two parts":                       parts[0] + "." + parts[1],
		"four parts":                      good + "." + parts[2],
		"alg none":                        part(object{"alg": "none", "typ": "JWT"}) + "." + part(f.claims(nil)) + ".",
		"alg None":                        part(object{"alg": "None", "typ": "JWT"}) + "." + part(f.claims(nil)) + "." + parts[2],
		"no alg":                          part(object{"typ": "JWT"}) + "." + part(f.claims(nil)) + "." + parts[2],
		"HS256 with the public key (PEM)": f.hmacSigned(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), f.claims(nil)),
		"HS256 with the public key (DER)": f.hmacSigned(der, f.claims(nil)),
		"HS256 with the public key (JWK)": f.hmacSigned(jwk, f.claims(nil)),
		"HS256 with an empty key":         f.hmacSigned(nil, f.claims(nil)),
		"a critical header":               headed(object{"crit": []string{marker}, marker: true}),
		"not base64 encoded":              headed(object{"b64": false, "crit": []string{"b64"}}),
		"typ of a logout":                 headed(object{"typ": "logout+jwt"}),
		"typ of a handle proof":           headed(object{"typ": "fame-handle-proof+jwt"}),
		"typ of a DPoP proof":             headed(object{"typ": "dpop+jwt"}),
		"typ made up":                     headed(object{"typ": marker}),
		"typ no text":                     headed(object{"typ": 1}),
		"expired":                         with(object{"exp": now.Add(-time.Second).Unix()}),
		"expires now":                     with(object{"exp": now.Unix()}),
		"without an end":                  with(object{"exp": nil}),
		"an end that is no number":        with(object{"exp": marker}),
		"not valid yet":                   with(object{"nbf": now.Add(time.Hour).Unix()}),
		"issued in the future":            with(object{"iat": now.Add(time.Hour).Unix()}),
		"another audience":                with(object{"aud": marker}),
		"no audience":                     with(object{"aud": nil}),
		"audience in capitals":            with(object{"aud": "FAME"}),
		"two audiences, nobody's party":   with(object{"aud": []string{audience, marker}}),
		"two audiences, another's party":  with(object{"aud": []string{audience, marker}, "azp": marker}),
		"an unknown issuer":               with(object{"iss": "https://" + marker + ".example"}),
		"the issuer with a slash":         with(object{"iss": f.issuer.URL() + "/"}),
		"the issuer with a dot":           with(object{"iss": f.issuer.URL() + "/."}),
		"no issuer":                       with(object{"iss": nil}),
		"an issuer that is a list":        with(object{"iss": []string{f.issuer.URL()}}),
		"nobody":                          with(object{"sub": nil}),
		"an empty subject":                with(object{"sub": ""}),
		"a subject that is a number":      with(object{"sub": 7391}),
		"a subject that is too long":      with(object{"sub": strings.Repeat("z", 256)}),
		"too long":                        with(object{"name": strings.Repeat(marker, 900)}),
		"an encrypted token":              strings.Repeat(part(object{"alg": "dir", "enc": "A256GCM"})+".", 5) + "x",
		"no token at all":                 marker,
		"dots":                            "...",
		"a token in JSON":                 `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
	}
}

// tokenRows are requests by somebody whom the hub does not know, or no longer.
func (b *bench) tokenRows() (rows []row) {
	f := newForge(b.hub)
	bad := f.bad()
	add := func(name, kind string, r request) { rows = append(rows, row{name: name, request: r, kind: kind}) }
	enquire := b.good["enquire"]
	for name, token := range bad {
		add("a token with "+name, "unauthenticated", enquire.unsigned("Bearer "+token))
	}
	good := f.sign(f.key, nil, f.claims(nil))
	for name, authorization := range map[string][]string{
		"two headers":               {"Bearer " + good, "Bearer " + good},
		"a good and a bad header":   {"Bearer " + good, "Bearer " + marker},
		"two tokens in one header":  {"Bearer " + good + ", Bearer " + good},
		"a token and a parameter":   {"Bearer " + good + " " + marker},
		"another scheme":            {"Basic " + base64.StdEncoding.EncodeToString([]byte(marker+":"+marker))},
		"DPoP":                      {"DPoP " + good},
		"no scheme":                 {good},
		"no token":                  {"Bearer"},
		"an empty token":            {"Bearer "},
		"an empty header":           {""},
		"a tab before the token":    {"Bearer\t" + good},
		"two spaces before it":      {"Bearer  " + good},
		"a scheme that is too long": {"BearerBearer " + good},
	} {
		add(name, "unauthenticated", enquire.unsigned(authorization...))
	}
	cookie := enquire.unsigned()
	cookie.header["Cookie"] = []string{"access_token=" + good + "; " + marker + "=1"}
	add("a token in a cookie", "unauthenticated", cookie)
	add("a token in the query", "unauthenticated", enquire.unsigned().at(enquire.target+"?access_token="+good))
	for _, op := range b.contract.operations {
		if op.bears == "" {
			continue // anybody may ask, whatever they carry
		}
		add(op.id+": no token", "unauthenticated", b.good[op.id].unsigned())
		for _, name := range []string{"somebody else's key", "alg none", "HS256 with the public key (PEM)", "expired", "another audience", "an unknown issuer", "typ of a handle proof"} {
			add(op.id+": a token with "+name, "unauthenticated", b.good[op.id].unsigned("Bearer "+bad[name]))
		}
		add(op.id+": relmgr's own proof as a token", "unauthenticated", b.good[op.id].unsigned("Bearer "+b.gpProof))
		if op.bears != "oidc" {
			for _, who := range []string{marker, "dr-patel"} {
				add(op.id+": the token of "+who, "unauthenticated", b.good[op.id].unsigned("Bearer "+b.token(who)))
			}
			continue
		}
		add(op.id+": somebody who is not registered", "not-registered", b.as(op.id, marker))
		add(op.id+": somebody who has been ended", "not-registered", b.as(op.id, "gone"))
		add(op.id+": somebody whose time is over", "not-registered", b.as(op.id, "mr-harte"))
	}
	return rows
}

// REG-13, DCP-07: the table of bad tokens starts from a good one.
func TestTheForgedTokensDifferFromOneThatIsAccepted(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	f := newForge(h)
	ask := request{method: "GET", target: "/governance/v1/services"}
	for name, token := range map[string]string{
		"as it is":               f.sign(f.key, nil, f.claims(nil)),
		"typ of an access token": f.sign(f.key, object{"typ": "at+jwt"}, f.claims(nil)),
		"two audiences":          f.sign(f.key, nil, f.claims(object{"aud": []string{audience, marker}, "azp": audience})),
		"without iat and nbf":    f.sign(f.key, nil, f.claims(object{"iat": nil, "nbf": nil})),
		"nearly expired":         f.sign(f.key, nil, f.claims(object{"exp": f.now().Add(2 * time.Second).Unix()})),
	} {
		if a := h.send(ask.unsigned("Bearer " + token)); a.status != 200 {
			t.Errorf("a good token, %s, is refused: %d %s", name, a.status, a.body)
		}
		if a := h.send(ask.unsigned("bearer " + token)); a.status != 200 {
			t.Errorf("a good token, %s, is refused in lower case: %d %s", name, a.status, a.body)
		}
	}
}
