package idmgrapi

import (
	"context"

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
		Manager: ident.Idmgr(p.Config.Manager), DB: p.DB, Keys: p.Keys, Proofs: proofs, Now: p.Now,
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
	handler, err := New(edge, service)
	return process.Part{Prefix: Prefix, Handler: handler, Ready: []serve.Check{ready}}, err
}
