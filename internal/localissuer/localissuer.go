package localissuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Issuer signs tokens as one issuer URL.
type Issuer struct {
	url string
	key *ecdsa.PrivateKey
	kid string
}

// Open reads the issuer's key file, making it if there is none. A key file
// that others may read is refused.
func Open(path, url string) (*Issuer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = create(path); err != nil {
			return nil, err
		}
	} else if err != nil {
		return nil, fmt.Errorf("local issuer: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("local issuer: %s can be read by others: type `chmod 600 %s`", path, path)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("local issuer: %s is not a key file: remove it and a new one is made", path)
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("local issuer: %s is not a key file: remove it and a new one is made", path)
	}
	return newIssuer(url, key)
}

func create(path string) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
	return text, os.WriteFile(path, text, 0o600)
}

func newIssuer(url string, key *ecdsa.PrivateKey) (*Issuer, error) {
	thumb, err := (&jose.JSONWebKey{Key: key.Public()}).Thumbprint(crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return &Issuer{url: url, key: key, kid: fmt.Sprintf("%x", thumb[:8])}, nil
}

// URL is the issuer's identifier.
func (i *Issuer) URL() string { return i.url }

// Token signs a token for a subject, for an audience, from at until at+life.
// The claims are added to it as they are.
func (i *Issuer) Token(subject, audience string, at time.Time, life time.Duration, claims map[string]any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: i.key, KeyID: i.kid}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Claims(jwt.Claims{
		Issuer: i.url, Subject: subject, Audience: jwt.Audience{audience}, IssuedAt: jwt.NewNumericDate(at),
		NotBefore: jwt.NewNumericDate(at), Expiry: jwt.NewNumericDate(at.Add(life)),
	}).Serialize()
}

// Handler serves discovery and the key set below the path that the issuer's
// URL ends in (OpenID Connect Discovery 1.0 section 4).
func (i *Issuer) Handler(path string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path+"/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		write(w, i.discovery())
	})
	mux.HandleFunc("GET "+path+"/keys", func(w http.ResponseWriter, _ *http.Request) {
		write(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: i.key.Public(), KeyID: i.kid, Algorithm: "ES256", Use: "sig"}}})
	})
	return mux
}

func (i *Issuer) discovery() map[string]any {
	return map[string]any{
		"issuer": i.url, "jwks_uri": i.url + "/keys", "authorization_endpoint": i.url + "/not-served",
		"response_types_supported": []string{"id_token"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
	}
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the reader has gone
}
