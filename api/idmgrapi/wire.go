package idmgrapi

import (
	"context"
	"log/slog"
	"sync"
	"time"

	fame "github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/idmgr"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/serve"
)

// Wire builds an identity manager's process.
func Wire(ctx context.Context, p *process.Process) (process.Part, error) {
	proofs, err := p.HandleProofs()
	if err != nil {
		return process.Part{}, err
	}
	service, err := idmgr.New(ctx, idmgr.Config{
		Manager: ident.Idmgr(p.Config.Manager), DB: p.DB, Keys: p.Keys, Proofs: proofs, Federation: p.Vouchers(), Now: p.Now, Metrics: p.Registry,
	})
	if err != nil {
		return process.Part{}, err
	}
	edge, ready, err := api.ForProcess(p, fame.OpenAPI, nil)
	if err != nil {
		return process.Part{}, err
	}
	edge.NameNobody()
	edge.TrustSubjects("idmgr", proofs)
	handler, err := New(edge, service, p.Now)
	return process.Part{Prefix: Prefix, Handler: handler, Ready: []serve.Check{ready}, Run: func(ctx context.Context) {
		var retaining sync.WaitGroup
		retaining.Go(func() { api.Retain(ctx, p.Logger, retain(service, edge)) })
		sweep(ctx, edge, service, p.Logger)
		retaining.Wait()
	}}, err
}

// retain is a pass of retention. How much went is nobody's to read in a log.
func retain(service *idmgr.Service, edge *api.Edge) func(context.Context) ([]slog.Attr, error) {
	return func(ctx context.Context) ([]slog.Attr, error) {
		terms, err := edge.Terms(ctx)
		if err != nil {
			return nil, err
		}
		_, err = service.Retain(ctx, terms)
		return nil, err
	}
}

// sweepEvery is how often a process goes through the cases. Whoever lists or rules on
// them has it done at once.
const sweepEvery = time.Minute

// sweep opens, moves up and settles cases, until ctx ends.
func sweep(ctx context.Context, edge *api.Edge, service *idmgr.Service, log *slog.Logger) {
	for next := time.NewTimer(sweepEvery); ; next.Reset(sweepEvery) {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		terms, err := edge.Terms(ctx)
		if err == nil {
			err = service.Sweep(ctx, terms)
		}
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "cases cannot go on", "alert", "case-overdue", "cause", err.Error())
		}
	}
}
