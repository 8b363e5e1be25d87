package registrarapi

import (
	"context"

	fame "github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/serve"
	"github.com/fame-hub/fame/registrar"
)

// Wire builds the registrar duty's process.
func Wire(_ context.Context, p *process.Process) (process.Part, error) {
	service, err := registrar.New(registrar.Config{
		Registrar: ident.Registrar(p.Config.Registrar), DB: p.DB, Keys: p.Keys, Now: p.Now, Registerer: p.Registry, SecondLevel: p.Config.SecondLevel,
	})
	if err != nil {
		return process.Part{}, err
	}
	edge, ready, err := api.ForProcess(p, fame.OpenAPI, nil)
	if err != nil {
		return process.Part{}, err
	}
	handler, err := New(Config{Service: service, Edge: edge})
	run := func(ctx context.Context) {
		service.Run(ctx, func(err error) { p.Logger.ErrorContext(ctx, "a model could not be estimated", "err", err.Error()) })
	}
	return process.Part{Prefix: Prefix, Handler: handler, Ready: []serve.Check{ready}, Run: run}, err
}
