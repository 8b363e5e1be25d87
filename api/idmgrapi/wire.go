package idmgrapi

import (
	"context"
	"log/slog"
	"sync"
	"time"

	fame "github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/consent/decide"
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
		retaining.Go(func() { api.Retain(ctx, p.Logger, edge.ByTerms(unsaid(service))) })
		sweep(ctx, edge, service, p.Logger)
		retaining.Wait()
	}}, err
}

// unsaid is the retention of a manager: how much went is nobody's to read in a log.
func unsaid(service *idmgr.Service) func(context.Context, *decide.Terms) (int, error) {
	return func(ctx context.Context, t *decide.Terms) (int, error) {
		_, err := service.Retain(ctx, t)
		return 0, err
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
