package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/localissuer"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/provider"
	"github.com/fame-hub/fame/web"
)

// portalClient is the portal's client_id at the registrar.
const portalClient = "portal"

// makePortalKeys makes the portal's key file, where there is none.
func (h hub) makePortalKeys(ctx context.Context) error {
	file := h.path("keys", "portal.keys")
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	keys, err := seal.CreateFile(file, h.path("keys", "portal.identity"))
	if err != nil {
		return err
	}
	if _, _, err := keys.Ensure(ctx, web.SigningKey, seal.KindSign); err != nil {
		return err
	}
	set, err := attest.PublicKeys(ctx, keys, web.SigningKey)
	if err != nil {
		return err
	}
	// For the partnership document, under relying_parties of the registrar.
	return attest.WriteKeySet(h.path("keys", "portal.jwks"), set)
}

// makePortal writes the portal's configuration too: who signs in, as far as it is known,
// are those of the governor's issuer.
func (h hub) makePortal(ctx context.Context, g governor) error {
	if err := h.makePortalKeys(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(h.path("portal.yaml")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	at := func(duty string) string { return "http://" + h.config(duty, slices.Index(duties, duty)).Listen }
	f := web.File{
		Hub: "FAME hub " + h.Name, Public: h.Hub, Listen: "127.0.0.1:8421",
		Duties: web.Duties{Relmgr: at("relmgr"), Consent: at("consent"), Governance: at("governance"), Registrar: at("registrar"), Idmgrs: []string{at("idmgr")}, Federation: at("federation")},
		SignIn: []web.Agency{{Name: "local", Title: "Sign in with your agency", Issuer: g.issuer, Client: g.audience}},
		Registrar: &web.FileRegistrar{
			Title: "the registrar", Issuer: h.Hub + provider.Prefix(registrarCode), Client: portalClient,
			Keys: filepath.Join("keys", "portal.keys"), Identity: filepath.Join("keys", "portal.identity"),
		},
	}
	return f.Save(h.path("portal.yaml"))
}

// portal is the hub's own, in this process, as a client of the hub's one address.
func (h hub) portal(ctx context.Context, title string, guide *web.Guide, log *slog.Logger) (http.Handler, error) {
	// A hub that an earlier release made has none.
	if err := h.makePortal(ctx, governor{issuer: h.localIssuer(), audience: audience}); err != nil {
		return nil, err
	}
	f, err := web.Load(h.path("portal.yaml"))
	if err != nil {
		return nil, err
	}
	here := "http://" + h.Listen
	f.Duties = web.Duties{Relmgr: here, Consent: here, Governance: here, Registrar: here, Idmgrs: []string{here}, Federation: here}
	if title != "" {
		f.Hub = title
	}
	c, err := f.Config()
	if err != nil {
		return nil, err
	}
	c.Now, c.Logger, c.Guide = time.Now, log, guide
	return web.New(c)
}

// signInAtIssuer is how people sign in at the portal with the local issuer.
func (h hub) signInAtIssuer(people []localissuer.Person) localissuer.SignIn {
	return localissuer.SignIn{
		Client: audience, RedirectURIs: []string{h.Hub + web.Prefix + "/sign-in/local/back"}, People: people, Now: time.Now,
	}
}
