package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

// light is another hub as far as the asking one can tell: it states what a hub states,
// opens and verifies what it is sent, and answers, signed and sealed. No duty, database or
// beat stands behind it, so what it takes is the axle's own.
type light struct {
	url    string
	delay  time.Duration
	asking string // the hub that asks,
	keys   attest.KeySet
	to     attest.Recipients
	about  []byte // and what is stated of it

	provider seal.Provider
	signer   *attest.Signer
	opener   *attest.Opener
	server   *http.Server
}

const (
	signs seal.KeyID = "sign/light/1"
	opens seal.KeyID = "agree/light/1"
)

func newLight(ctx context.Context, dir string, delay time.Duration) (*light, error) {
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	if err != nil {
		return nil, err
	}
	for id, kind := range map[seal.KeyID]seal.KeyKind{signs: seal.KindSign, opens: seal.KindAgree} {
		if _, _, err := keys.Ensure(ctx, id, kind); err != nil {
			return nil, err
		}
	}
	at, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &light{url: "http://" + at.Addr().String(), delay: delay, provider: keys}
	l.signer = attest.NewSigner(keys, signs, l.url)
	if l.opener, err = attest.NewOpener(ctx, keys, opens); err != nil {
		return nil, err
	}
	l.server = &http.Server{Handler: l, ReadHeaderTimeout: time.Minute}
	go func() { _ = l.server.Serve(at) }() // until it is closed
	return l, nil
}

// knows has it state that it has agreed with the asking hub.
func (l *light) knows(ctx context.Context, hub string, keys seal.Provider, a federation.Agreement) (err error) {
	if l.keys, err = attest.PublicKeys(ctx, keys, federation.SigningKey); err != nil {
		return err
	}
	if l.to, err = attest.RecipientKeys(ctx, keys, federation.OpenerKey); err != nil {
		return err
	}
	l.asking = hub
	l.about, err = json.Marshal(a)
	return err
}

func (l *light) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, media, err := l.answer(r)
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", media)
	_, _ = w.Write(body) // the asker may be gone
}

func (l *light) answer(r *http.Request) (body []byte, media string, err error) {
	ctx := r.Context()
	now := time.Now()
	s := entity.Statement{Issuer: l.url, Subject: l.url, IssuedAt: now.Unix(), Expires: now.Add(10 * time.Minute).Unix()}
	switch {
	case r.URL.Path == entity.WellKnown:
		own, err := attest.PublicKeys(ctx, l.provider, signs)
		if err != nil {
			return nil, "", err
		}
		to, err := attest.RecipientKeys(ctx, l.provider, opens)
		if err != nil {
			return nil, "", err
		}
		if s.Keys, err = stated(own); err != nil {
			return nil, "", err
		}
		jwks, err := json.Marshal(to)
		if err != nil {
			return nil, "", err
		}
		s.Metadata = entity.Metadata{
			entity.FederationEntity: {"federation_fetch_endpoint": l.url + federation.Prefix + "/fetch"},
			entity.Hub:              {"version": 1, "log_key": "light+00000000+AQ==", "jwks": json.RawMessage(jwks)},
		}
	case strings.HasSuffix(r.URL.Path, "/fetch"):
		s.Subject, s.Agreement = l.asking, l.about
		if s.Keys, err = stated(l.keys); err != nil {
			return nil, "", err
		}
	default:
		body, err := l.take(ctx, r.Body)
		return body, "application/json", err
	}
	text, err := l.signer.SignPublic(ctx, entity.Typ, s)
	return []byte(text), entity.ContentType, err
}

func stated(set attest.KeySet) (*entity.Keys, error) {
	text, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	keys, err := entity.ParseKeys(text)
	return &keys, err
}

// take opens, verifies and answers a message, as late as it is told.
func (l *light) take(ctx context.Context, from io.Reader) ([]byte, error) {
	var body struct {
		Message string `json:"message"`
	}
	if err := json.NewDecoder(from).Decode(&body); err != nil {
		return nil, err
	}
	signed, err := l.opener.Unseal(ctx, body.Message)
	if err != nil {
		return nil, err
	}
	var m attest.AxleMessage
	err = attest.NewVerifier(l.asking, l.keys.Fixed, time.Now).Verify(ctx, signed, attest.Expect{Typ: attest.TypAxleMessage, Audience: l.url, MaxLifetime: attest.AxleLife}, &m)
	if err != nil {
		return nil, err
	}
	time.Sleep(l.delay)
	at := time.Now().Unix()
	text, err := l.signer.Sign(ctx, attest.TypAxleAnswer, federation.AxleAnswer{
		Claims:  attest.Claims{Audience: l.asking, IssuedAt: at, Expires: at + 60, ID: ident.NewAct().String()},
		ReplyTo: m.ID, Outcome: "answered", Providers: []federation.AxleProvider{},
	})
	if err != nil {
		return nil, err
	}
	sealed, err := l.to.Seal(text)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{"message": sealed})
}
