package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// fetch reads the discovery document, again once the keys are old, and the
// JWK set that it names.
func (k *issuerKeys) fetch(ctx context.Context) error {
	k.mu.Lock()
	from, old := k.from, k.at.IsZero() || k.now().Sub(k.at) >= keysFresh
	k.mu.Unlock()
	if from == "" || old {
		if err := checkAddress(k.issuer, true); err != nil {
			return err
		}
		provider, err := oidc.NewProvider(oidc.ClientContext(ctx, k.client), k.issuer)
		if err != nil {
			return fmt.Errorf("discovery: %w", err)
		}
		var found struct {
			Keys string `json:"jwks_uri"`
		}
		if err := provider.Claims(&found); err != nil {
			return fmt.Errorf("discovery: %w", err)
		}
		// Only an issuer on this machine may send us to this machine.
		if err := checkAddress(found.Keys, isLoopback(k.issuer)); err != nil {
			return err
		}
		from = found.Keys
	}
	keys, err := fetchKeys(ctx, k.client, from)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.from, k.keys, k.at = from, keys, k.now()
	return nil
}

// fetchKeys reads a JWK set and keeps the keys that may sign: public, strong
// enough, not meant for encryption. Keys that cannot be read are left out, for
// issuers publish kinds that we do not know.
func fetchKeys(ctx context.Context, client *http.Client, from string) ([]jose.JSONWebKey, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("keys: the issuer answers %d", resp.StatusCode)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&set); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		var key jose.JSONWebKey
		if json.Unmarshal(raw, &key) == nil && signs(&key) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func signs(key *jose.JSONWebKey) bool {
	if key.Use != "" && key.Use != "sig" || !key.Valid() {
		return false
	}
	switch public := key.Key.(type) {
	case *ecdsa.PublicKey:
		return public.Curve == elliptic.P256()
	case *rsa.PublicKey:
		return public.N.BitLen() >= minRSABits
	case ed25519.PublicKey:
		return true
	}
	return false
}

// makes reports whether a key of that kind makes signatures of that algorithm.
func makes(key *jose.JSONWebKey, alg string) bool {
	switch key.Key.(type) {
	case *ecdsa.PublicKey:
		return alg == oidc.ES256
	case *rsa.PublicKey:
		return alg == oidc.RS256 || alg == oidc.PS256
	case ed25519.PublicKey:
		return alg == oidc.EdDSA
	}
	return false
}

// checkAddress wants https, or http on this machine where that is allowed.
func checkAddress(address string, local bool) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "":
		return errors.New("an issuer's address is not a plain URL")
	case u.Scheme == "https" && (local || !isLoopback(address)):
		return nil
	case u.Scheme == "http" && local && isLoopback(address):
		return nil
	}
	return errors.New("an issuer is reached by https alone, save on this machine")
}

func isLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.Unmap().IsLoopback()
}

// newIssuerClient makes the client that reaches issuers: bounded in time and
// size, and following no redirect, which could lead anywhere.
func newIssuerClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout:   fetchTimeout,
		Transport: limited{transport},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
	}
}

// limited cuts every answer off at fetchLimit, so that what is longer does not
// parse.
type limited struct{ http.RoundTripper }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, fetchLimit), resp.Body}
	return resp, nil
}

// clip bounds what a foreign server can write into the log.
func clip(s string) string { return s[:min(len(s), 200)] }
