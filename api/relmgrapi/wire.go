package relmgrapi

import (
	"context"
	"log/slog"
	"sync"
	"time"

	fame "github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/serve"
	"github.com/fame-hub/fame/relmgr"
)

// maxPart is how many bytes a part of an import may have.
const maxPart = 1 << 20

// Wire builds the relationship manager's process.
func Wire(ctx context.Context, p *process.Process) (process.Part, error) {
	service, err := relmgr.New(ctx, relmgr.Config{DB: p.DB, Keys: p.Keys, Now: p.Now, Gate: p.Gate, Federation: p.Vouchers(), Metrics: p.Registry})
	if err != nil {
		return process.Part{}, err
	}
	p.AtClose(service.Close)
	edge, ready, err := api.ForProcess(p, fame.OpenAPI, map[string]int64{"importPart": maxPart})
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
		retain(ctx, service, p.Logger)
		listening.Wait()
	}}, err
}

// retainEvery is how often what is past its time is erased.
const retainEvery = 6 * time.Hour

// retain erases what is past its time, until ctx ends.
func retain(ctx context.Context, service *relmgr.Service, log *slog.Logger) {
	for next := time.NewTimer(time.Minute); ; next.Reset(retainEvery) {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		done, err := service.Retain(ctx)
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "retention cannot go on", "alert", "retention-lag", "cause", err.Error())
		} else if done != (relmgr.Retained{}) {
			log.InfoContext(ctx, "erased what was past its time", "identifiers", done.Identifiers, "records", done.Records, "idempotency_keys", done.IdempotencyKeys)
		}
	}
}
