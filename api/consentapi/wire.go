package consentapi

import (
	"context"
	"log/slog"

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
		api.Retain(ctx, p.Logger, retain(service, edge))
	}}, err
}

// retain is a pass of retention.
func retain(service *consent.Service, edge *api.Edge) func(context.Context) ([]slog.Attr, error) {
	return func(ctx context.Context) ([]slog.Attr, error) {
		terms, err := edge.Terms(ctx)
		if err != nil {
			return nil, err
		}
		n, err := service.Retain(ctx, terms)
		if n == 0 {
			return nil, err
		}
		return []slog.Attr{slog.Int("records", n)}, err
	}
}
