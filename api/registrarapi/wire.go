package registrarapi

import (
	"context"
	"net/http"
	"net/netip"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	fame "github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/internal/serve"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/provider"
	"github.com/fame-hub/fame/registrar/signin"
)

// Wire builds the registrar duty's process.
func Wire(ctx context.Context, p *process.Process) (process.Part, error) {
	var to attest.Recipients
	if p.Config.RecognitionKeys != "" {
		var err error
		if to, err = attest.LoadRecipients(p.Config.RecognitionKeys); err != nil {
			return process.Part{}, err
		}
	}
	if err := registrar.MakeLaterKeys(ctx, p.Keys); err != nil {
		return process.Part{}, err
	}
	service, err := registrar.New(registrar.Config{
		Registrar: ident.Registrar(p.Config.Registrar), DB: p.DB, Keys: p.Keys, Now: p.Now, Registerer: p.Registry, SecondLevel: p.Config.SecondLevel,
		Recipients: to,
	})
	if err != nil {
		return process.Part{}, err
	}
	edge, ready, err := api.ForProcess(p, fame.OpenAPI, map[string]int64{"enterPart": api.MaxPart})
	if err != nil {
		return process.Part{}, err
	}
	run := func(ctx context.Context) {
		service.Run(ctx, func(err error) { p.Logger.ErrorContext(ctx, "a model could not be estimated", "err", err.Error()) })
	}
	accounts, err := registrar.NewAccounts(ctx, registrar.AccountsConfig{
		Service: service, Terms: edge.Terms, Passkeys: passkeys(p), Logger: p.Logger,
	})
	if err != nil {
		return process.Part{}, err
	}
	covered, err := covers(p, to)
	if err != nil {
		return process.Part{}, err
	}
	handler, err := New(Config{Service: service, Covered: covered, Accounts: accounts, Edge: edge})
	if err != nil {
		return process.Part{}, err
	}
	code := ident.Registrar(p.Config.Registrar)
	op, err := provider.New(provider.Config{
		Accounts: accounts, Registrar: code, Hub: p.Config.Hub, Terms: edge.Terms, Keys: p.Keys, Now: p.Now, Logger: p.Logger,
		From: func(r *http.Request) netip.Prefix { return from(r, p.Config.BehindProxy) },
	})
	if err != nil {
		return process.Part{}, err
	}
	return process.Part{
		Prefix: Prefix, Handler: handler, Ready: []serve.Check{ready},
		Also: map[string]http.Handler{provider.Prefix(code): edge.Open(provider.Prefix(code), op.Operation, op)}, Run: func(ctx context.Context) {
			beside(ctx, run, accounts.Run, func(ctx context.Context) { api.Retain(ctx, p.Logger, edge.ByTerms(service.Retain)) })
		},
	}, nil
}

// covers are the duties of the registrars that this process stands in for.
func covers(p *process.Process, to attest.Recipients) (all []*registrar.Service, err error) {
	for _, c := range p.Config.Covers {
		keys := p.Keys
		if c.Keys != "" {
			if keys, err = seal.OpenFile(c.Keys, c.Identity); err != nil {
				return nil, err
			}
		}
		one, err := registrar.New(registrar.Config{
			Registrar: ident.Registrar(c.Registrar), StandIn: ident.Registrar(p.Config.Registrar), DB: p.DB, Keys: keys, Now: p.Now, Recipients: to,
			Registerer: prometheus.WrapRegistererWithPrefix("covered_", prometheus.WrapRegistererWith(prometheus.Labels{"registrar": c.Registrar}, p.Registry)),
		})
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

// from is whose address a try counts for, as the edge counts it. Behind a proxy all
// would be the proxy's, which sets its own limits.
func from(r *http.Request, behindProxy bool) netip.Prefix {
	if behindProxy {
		return netip.Prefix{}
	}
	return api.AddressOf(r)
}

// passkeys are those of the hub's own origin. At an address in numbers, as while
// trying a hub out, browsers make none, and people sign in without.
func passkeys(p *process.Process) *signin.Passkeys {
	made, err := signin.NewPasskeys(p.Config.Hub, "Sign in")
	if err != nil {
		p.Logger.Warn("no passkeys here", "cause", err.Error())
	}
	return made
}

// beside runs all of them until ctx is done.
func beside(ctx context.Context, all ...func(context.Context)) {
	var running sync.WaitGroup
	for _, run := range all {
		running.Go(func() { run(ctx) })
	}
	running.Wait()
}
