package api

import (
	"context"

	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/serve"
)

// ForProcess makes the Edge of a duty's process, and the check of its readiness:
// that it can read the partnership. maxBodies is that of a Config. Errors are New's.
func ForProcess(p *process.Process, openAPI []byte, maxBodies map[string]int64) (*Edge, serve.Check, error) {
	e, err := New(Config{
		DB: p.DB, Now: p.Now, Logger: p.Logger, Registerer: p.Registry, OpenAPI: openAPI,
		MaxBodies: maxBodies, AddressPerMinute: p.AddressPerMinute(), Gate: p.Gate,
	})
	if err != nil {
		return nil, serve.Check{}, err
	}
	ready := func(ctx context.Context) error { _, err := e.Terms(ctx); return err }
	return e, serve.Check{Name: p.Config.Duty + " partnership", Do: ready}, nil
}
