package consentapi

import (
	"context"
	"errors"
	"fmt"

	fame "github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/serve"
)

// proofIssuer is whose handle proofs consent accepts: relmgr's, and no other's.
const proofIssuer = "relmgr"

// Wire builds the consent duty's process.
func Wire(_ context.Context, p *process.Process) (process.Part, error) {
	if p.Config.HandleKeys == "" {
		return process.Part{}, errors.New("configuration: handle_keys is required: the public keys of relmgr's handle proofs")
	}
	// Read anew for each proof: a rotated key needs no restart.
	keys := func(context.Context) (attest.KeySet, error) { return attest.LoadKeySet(p.Config.HandleKeys) }
	if _, err := keys(context.Background()); err != nil {
		return process.Part{}, fmt.Errorf("handle_keys: %w", err)
	}
	service, err := consent.New(consent.Config{
		DB: p.DB, Keys: p.Keys, Proofs: attest.NewVerifier(proofIssuer, keys, p.Now), Now: p.Now,
	})
	if err != nil {
		return process.Part{}, err
	}
	edge, ready, err := api.ForProcess(p, fame.OpenAPI, nil)
	if err != nil {
		return process.Part{}, err
	}
	handler, err := New(Config{Service: service, Edge: edge})
	return process.Part{Prefix: Prefix, Handler: handler, Ready: []serve.Check{ready}}, err
}
