package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/localissuer"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/provider"
	"github.com/fame-hub/fame/web"
)

// portalClient is the portal's client_id at the registrar.
const portalClient = "portal"

// portalKey signs what the portal says to the registrar. Its public half, in
// keys/portal.jwks, is for the partnership document, under relying_parties.
const portalKey seal.KeyID = "sign/portal/1"

// portalSigner opens the portal's key, making it if there is none.
func (h hub) portalSigner(ctx context.Context) (*attest.Signer, error) {
	file, identity := h.path("keys", "portal.keys"), h.path("keys", "portal.identity")
	open := seal.OpenFile
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		open = seal.CreateFile
	}
	keys, err := open(file, identity)
	if err != nil {
		return nil, err
	}
	if _, _, err := keys.Ensure(ctx, portalKey, seal.KindSign); err != nil {
		return nil, err
	}
	set, err := attest.PublicKeys(ctx, keys, portalKey)
	if err != nil {
		return nil, err
	}
	return attest.NewSigner(keys, portalKey, portalClient), attest.WriteKeySet(h.path("keys", "portal.jwks"), set)
}

// portal is the hub's own, in this process, as a client of the hub's public address.
func (h hub) portal(ctx context.Context, title string, guide *web.Guide, log *slog.Logger) (http.Handler, error) {
	signer, err := h.portalSigner(ctx)
	if err != nil {
		return nil, err
	}
	here := "http://" + h.Listen
	c := web.Config{
		Public: h.Hub, Hub: title, Now: time.Now, Logger: log, Guide: guide,
		Duties: web.Duties{Relmgr: here, Consent: here, Governance: here, Registrar: here, Idmgrs: []string{here}},
		Registrar: &web.Registrar{
			Title: "the registrar", Issuer: h.Hub + provider.Prefix(registrarCode), Client: portalClient, Signer: signer,
		},
	}
	if h.hasLocalIssuer() {
		c.Agencies = []web.Agency{{Name: "local", Title: "Sign in at the local issuer", Issuer: h.localIssuer(), Client: audience}}
	}
	return web.New(c)
}

// signInAtIssuer is how people sign in at the portal with the local issuer.
func (h hub) signInAtIssuer(people []localissuer.Person) localissuer.SignIn {
	return localissuer.SignIn{
		Client: audience, RedirectURIs: []string{h.Hub + web.Prefix + "/sign-in/local/back"}, People: people, Now: time.Now,
	}
}
