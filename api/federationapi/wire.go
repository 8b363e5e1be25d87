package federationapi

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"

	fame "github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/serve"
)

// Wire builds federation's process.
func Wire(ctx context.Context, p *process.Process) (process.Part, error) {
	edge, ready, err := api.ForProcess(p, fame.OpenAPI, nil)
	if err != nil {
		return process.Part{}, err
	}
	logKey, err := os.ReadFile(p.Config.LogKey)
	if err != nil {
		return process.Part{}, fmt.Errorf("configuration: log_key is required: the public key of the hub's log, keys/log.vkey: %w", err)
	}
	client, err := newClient(p.Config)
	if err != nil {
		return process.Part{}, err
	}
	var to attest.Recipients
	if p.Config.RecognitionKeys != "" {
		if to, err = attest.LoadRecipients(p.Config.RecognitionKeys); err != nil {
			return process.Part{}, err
		}
	}
	service, err := federation.New(ctx, federation.Config{
		Hub: p.Config.Hub, DB: p.DB, Keys: p.Keys, Now: p.Now, Logger: p.Logger, Terms: edge.Terms, Client: client, LogKey: strings.TrimSpace(string(logKey)), Recognitions: to,
	})
	if err != nil {
		return process.Part{}, err
	}
	axles, err := openAxles(ctx, p, service, client)
	if err != nil {
		return process.Part{}, err
	}
	handler, err := New(edge, service, axles, p.Now)
	if err != nil {
		return process.Part{}, err
	}
	stated := NewStatements(edge, service)
	also := map[string]http.Handler{}
	for path := range statements {
		also[path] = stated
	}
	return process.Part{Prefix: federation.Prefix, Handler: handler, Ready: []serve.Check{ready}, Also: also, Run: func(ctx context.Context) {
		var both sync.WaitGroup
		defer both.Wait()
		if axles != nil {
			both.Go(func() { axles.Run(ctx) })
			both.Go(func() { axles.RunLetters(ctx) })
		}
		service.Run(ctx)
	}}, nil
}

// openAxles opens the axles, nil where the configuration does not say where relmgr is.
func openAxles(ctx context.Context, p *process.Process, service *federation.Service, client *entity.Fetcher) (*federation.Axles, error) {
	if p.Config.Relmgr == "" {
		return nil, nil
	}
	orders, err := p.HandleProofs()
	if err != nil {
		return nil, err
	}
	return federation.NewAxles(ctx, service, federation.AxleConfig{Orders: orders, Relmgr: p.Config.Relmgr, Idmgrs: p.Config.Idmgrs, Transport: client.Transport()})
}

// newClient is what fetches the statements of others: of this machine's where this hub is
// one, and of the private networks that the configuration names.
func newClient(c process.Config) (*entity.Fetcher, error) {
	var networks []netip.Prefix
	for _, n := range c.PeerNetworks {
		prefix, err := netip.ParsePrefix(n)
		if err != nil {
			return nil, fmt.Errorf("configuration: peer_networks: write networks such as 10.20.0.0/16: %w", err)
		}
		networks = append(networks, prefix)
	}
	u, err := url.Parse(c.Hub)
	local := err == nil && entity.CheckID("http://"+u.Host) == nil
	return entity.NewFetcher(local, networks), nil
}
