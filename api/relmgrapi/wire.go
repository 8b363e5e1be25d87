package relmgrapi

import (
	"context"

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
	service, err := relmgr.New(ctx, relmgr.Config{DB: p.DB, Keys: p.Keys, Now: p.Now, Gate: p.Gate, Metrics: p.Registry})
	if err != nil {
		return process.Part{}, err
	}
	p.AtClose(service.Close)
	edge, ready, err := api.ForProcess(p, fame.OpenAPI, map[string]int64{"importPart": maxPart})
	if err != nil {
		return process.Part{}, err
	}
	handler, err := New(edge, service, p.Now)
	return process.Part{Prefix: Prefix, Handler: handler, Ready: []serve.Check{ready}}, err
}
