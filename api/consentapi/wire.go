package consentapi

import (
	"context"

	fame "github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/serve"
)

// Wire builds the consent duty's process.
func Wire(_ context.Context, p *process.Process) (process.Part, error) {
	proofs, err := p.HandleProofs()
	if err != nil {
		return process.Part{}, err
	}
	service, err := consent.New(consent.Config{
		DB: p.DB, Keys: p.Keys, Proofs: proofs, Now: p.Now,
	})
	if err != nil {
		return process.Part{}, err
	}
	edge, ready, err := api.ForProcess(p, fame.OpenAPI, nil)
	if err != nil {
		return process.Part{}, err
	}
	edge.TrustSubjects("consent", proofs)
	handler, err := New(Config{Service: service, Edge: edge})
	return process.Part{Prefix: Prefix, Handler: handler, Ready: []serve.Check{ready}, Run: func(ctx context.Context) {
		api.Retain(ctx, p.Logger, edge.ByTerms(service.Retain))
	}}, err
}
