package governanceapi

import (
	"context"
	"net/http"

	fame "github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/governance"
	"github.com/fame-hub/fame/governance/ledger"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/serve"
)

// Wire builds governance's process.
func Wire(ctx context.Context, p *process.Process) (process.Part, error) {
	service, err := governance.New(governance.Config{
		DB: p.DB, Keys: p.Keys, Now: p.Now, Hub: p.Config.Hub, Services: services(p.Config.Services),
	})
	if err != nil {
		return process.Part{}, err
	}
	edge, ready, err := api.ForProcess(p, fame.OpenAPI, MaxBodies())
	if err != nil {
		return process.Part{}, err
	}
	handler, err := New(Config{Service: service, Edge: edge})
	if err != nil {
		return process.Part{}, err
	}
	log, err := ledger.New(ctx, ledger.Config{DB: p.DB, Keys: p.Keys, Now: p.Now, Hub: p.Config.Hub, Logger: p.Logger, Metrics: p.Registry,
		Peers: p.Config.Log.Peers, Witnesses: witnesses(p.Config.Log.Witnesses), Quorum: p.Config.Log.Quorum, Alarm: service.SplitSeen})
	if err != nil {
		return process.Part{}, err
	}
	return process.Part{
		Prefix: Prefix, Handler: handler, Ready: []serve.Check{ready},
		Also: map[string]http.Handler{ledger.Prefix: NewLog(edge, log)}, Run: log.Run,
	}, nil
}

func witnesses(in []process.Witness) []ledger.Witness {
	out := make([]ledger.Witness, len(in))
	for i, w := range in {
		out[i] = ledger.Witness(w)
	}
	return out
}

func services(in []process.Service) []governance.ServiceDescription {
	out := make([]governance.ServiceDescription, len(in))
	for i, s := range in {
		out[i] = governance.ServiceDescription(s)
	}
	return out
}
