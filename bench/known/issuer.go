package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// audience is what the tokens name as theirs.
const audience = "fame"

// issuer is an OpenID Provider of this process alone: cmd/fame has the only
// right to internal/localissuer, which keeps its key in a file.
type issuer struct {
	url    string
	key    *ecdsa.PrivateKey
	server *http.Server
}

// newIssuer serves discovery and the key set on loopback.
func newIssuer(ctx context.Context) (*issuer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &issuer{url: "http://" + l.Addr().String() + "/issuer", key: key}
	mux := http.NewServeMux()
	answer := func(v any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v) // whoever asked has gone
		}
	}
	mux.HandleFunc("GET /issuer/.well-known/openid-configuration", answer(map[string]any{
		"issuer": i.url, "jwks_uri": i.url + "/keys", "authorization_endpoint": i.url + "/not-served",
		"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
	}))
	mux.HandleFunc("GET /issuer/keys", answer(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{
		{Key: key.Public(), KeyID: "known", Algorithm: "ES256", Use: "sig"},
	}}))
	i.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = i.server.Serve(l) }() // until close
	return i, nil
}

func (i *issuer) close() error { return i.server.Close() }

// token signs somebody in for a day.
func (i *issuer) token(subject string, at time.Time) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: "known"}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(jwt.Claims{
		Issuer: i.url, Subject: subject, Audience: jwt.Audience{audience}, IssuedAt: jwt.NewNumericDate(at),
		NotBefore: jwt.NewNumericDate(at), Expiry: jwt.NewNumericDate(at.Add(24 * time.Hour)),
	}).Serialize()
}
