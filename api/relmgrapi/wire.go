package relmgrapi

import (
	"context"
	"log/slog"
	"sync"

	fame "github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/serve"
	"github.com/fame-hub/fame/relmgr"
)

// Wire builds the relationship manager's process.
func Wire(ctx context.Context, p *process.Process) (process.Part, error) {
	service, err := relmgr.New(ctx, relmgr.Config{DB: p.DB, Keys: p.Keys, Now: p.Now, Gate: p.Gate, Federation: p.Vouchers(), Metrics: p.Registry})
	if err != nil {
		return process.Part{}, err
	}
	p.AtClose(service.Close)
	edge, ready, err := api.ForProcess(p, fame.OpenAPI, map[string]int64{"importPart": api.MaxPart})
	if err != nil {
		return process.Part{}, err
	}
	edge.TrustSubjects("relmgr", service.OwnProofs())
	handler, err := New(edge, service, p.Now)
	return process.Part{Prefix: Prefix, Handler: handler, Ready: []serve.Check{ready}, Run: func(ctx context.Context) {
		var listening sync.WaitGroup
		listening.Go(func() { service.Listen(ctx) })
		listening.Go(func() { notify(ctx, service, edge, p.Logger) })
		listening.Go(func() { repair(ctx, service, p.Logger) })
		listening.Go(func() { tendLookUps(ctx, service, edge, p.Logger) })
		listening.Go(func() { tendTies(ctx, service, edge, p.Logger) })
		api.Retain(ctx, p.Logger, retain(service))
		listening.Wait()
	}}, err
}

// retain is a pass of retention.
func retain(service *relmgr.Service) func(context.Context) ([]slog.Attr, error) {
	return func(ctx context.Context) ([]slog.Attr, error) {
		done, err := service.Retain(ctx)
		if done == (relmgr.Retained{}) {
			return nil, err
		}
		return []slog.Attr{slog.Int("identifiers", done.Identifiers), slog.Int("records", done.Records), slog.Int("idempotency_keys", done.IdempotencyKeys)}, err
	}
}
