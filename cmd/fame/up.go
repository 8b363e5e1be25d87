package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/api/consentapi"
	"github.com/fame-hub/fame/api/federationapi"
	"github.com/fame-hub/fame/api/governanceapi"
	"github.com/fame-hub/fame/api/idmgrapi"
	"github.com/fame-hub/fame/api/registrarapi"
	"github.com/fame-hub/fame/api/relmgrapi"
	"github.com/fame-hub/fame/internal/localissuer"
	"github.com/fame-hub/fame/internal/pg/migrate"
	"github.com/fame-hub/fame/internal/pg/private"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/serve"
	"github.com/fame-hub/fame/web"
)

// wires are the duties that `fame up` runs, each by the constructor that its own
// process uses.
var wires = map[string]process.Wire{
	"governance": governanceapi.Wire,
	"relmgr":     relmgrapi.Wire,
	"consent":    consentapi.Wire,
	"registrar":  registrarapi.Wire,
	"idmgr":      idmgrapi.Wire,
	"federation": federationapi.Wire,
}

type upCommand struct {
	Name    string `help:"The hub's short name: letters, digits and underscores." default:"hub"`
	Listen  string `help:"Where to serve. Only a new hub takes it; an old one keeps its own." default:"127.0.0.1:8400"`
	Metrics string `help:"Where to serve /metrics, a private address. Left out: nowhere."`
	Verbose bool   `help:"Write a log line for every request."`
}

// Run makes the hub if there is none, with a local issuer, and serves it until
// it is told to stop.
func (c *upCommand) Run(ctx context.Context, all *cli, out *printer) error {
	h, err := openHub(all.Dir)
	fresh := errors.Is(err, fs.ErrNotExist)
	if fresh {
		h = hub{dir: all.Dir, hubFile: hubFile{Name: c.Name, Hub: "http://" + c.Listen, Listen: c.Listen, Private: true}}
	} else if err != nil {
		return err
	}
	level := slog.LevelWarn
	if c.Verbose {
		level = slog.LevelInfo
	}
	return h.serve(ctx, serving{
		fresh: fresh, metrics: c.Metrics, log: serve.Logger(os.Stderr, level),
		ready: func() error { return c.banner(h, fresh, out) },
	})
}

func (c *upCommand) banner(h hub, fresh bool, out *printer) error {
	out.say("FAME hub %q is up.", h.Name)
	out.say("  serves     %s  (operations: openapi.yaml; /healthz, /readyz)", h.Hub)
	out.say("  pages      %s%s/", h.Hub, web.Prefix)
	if h.hasLocalIssuer() {
		dir := ""
		if h.dir != ".fame" {
			dir = " --dir " + relative(h.dir)
		}
		out.say("  sign in    fame%s token --as governor", dir)
		if fresh {
			out.say("  next       fame%s apply --as governor -f partnership.yaml   (start from demo/riverside/partnership.yaml, with your own hub and issuer in it)", dir)
		}
	} else {
		out.say("  sign in    with a token of an issuer that the partnership names")
	}
	out.say("")
	out.say("All duties run in this one process. What does not hold here:")
	out.say("  the wall of code  a fault in one duty can reach another's memory")
	out.say("  the wall of keys  this process can open every duty's key file")
	out.say("The wall of the database holds: each duty logs in with its own role.")
	out.say("For all three, run governance, relmgr, consent, registrar, idmgr and federation as processes of their own (`fame init`).")
	return out.result(map[string]any{"hub": h.Hub, "name": h.Name, "dir": h.dir, "local_issuer": h.hasLocalIssuer()})
}

func relative(dir string) string {
	if wd, err := os.Getwd(); err == nil {
		if r, err := filepath.Rel(wd, dir); err == nil {
			return r
		}
	}
	return dir
}

// serving is how a hub is to be served in one process.
type serving struct {
	fresh   bool         // make the hub first, with a local issuer
	metrics string       // private address of /metrics; empty: none
	log     *slog.Logger // of the duties
	ready   func() error // called once requests are answered

	title  string               // the hub's name, on its pages
	people []localissuer.Person // whom everybody may play: the demo's
	guide  *web.Guide           // what to try: the demo's
}

// serve runs all duties of the hub in this process until ctx is done.
func (h hub) serve(ctx context.Context, s serving) (err error) {
	// The address first: a hub is not made for a port that is taken.
	probe, err := net.Listen("tcp", h.Listen)
	if err != nil {
		return fmt.Errorf("cannot serve on %s: %w: stop what is there, or give a new hub another --listen", h.Listen, err)
	}
	probe.Close()

	var databases map[string]string
	if h.Private {
		server, err := h.startPrivate(ctx, io.Discard)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		if databases, err = h.prepare(ctx, server, s.fresh); err != nil {
			return err
		}
	}
	prefixes, checks, registry := map[string]http.Handler{}, []serve.Check{}, process.NewRegistry()
	for _, duty := range duties {
		p, part, err := h.open(ctx, duty, databases[duty], s.log, registry)
		if err != nil {
			return err
		}
		defer p.Close()
		maps.Copy(prefixes, part.Handlers())
		p.Start(part)
		checks = append(append(checks, p.Ready()...), part.Ready...)
	}
	if h.hasLocalIssuer() {
		issuer, err := h.issuer()
		if err != nil {
			return err
		}
		prefixes["/issuer"] = issuer.SignInHandler("/issuer", h.signInAtIssuer(s.people))
	}
	if prefixes[web.Prefix], err = h.portal(ctx, s.title, s.guide, s.log); err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	run := serve.Run(ctx, serve.Config{
		Listen: h.Listen, MetricsListen: s.metrics, Handler: serve.Mount(nil, prefixes), Ready: checks, Registry: registry, Logger: s.log,
		OnListening: func(serve.Addresses) {
			go func() {
				if err := s.ready(); err != nil {
					stop(err)
				}
			}()
		},
	})
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return run
}

// prepare makes a new hub, which its configuration then describes, or brings an
// old one to this release and returns each duty's new connection string.
func (h hub) prepare(ctx context.Context, server *private.Server, fresh bool) (map[string]string, error) {
	if fresh {
		issuer, err := h.issuer()
		if err != nil {
			return nil, err
		}
		g := governor{issuer: issuer.URL(), subject: "governor", audience: audience}
		return nil, newHub(ctx, h, server.AdminDSN(h.Name), g)
	}
	passwords, err := h.migrate(ctx, server.AdminDSN(h.Name))
	if err != nil {
		return nil, err
	}
	if err := h.makeDuties(ctx, server.AdminDSN(h.Name), passwords); err != nil {
		return nil, err
	}
	databases := map[string]string{}
	for _, duty := range duties {
		databases[duty] = server.DSN(h.Name, migrate.Login(h.Name, duty), passwords[duty])
	}
	return databases, nil
}

// open opens one duty from its configuration. A database given wins over the
// configured one: a private server's passwords are new at each start.
func (h hub) open(ctx context.Context, duty, database string, log *slog.Logger, registry *prometheus.Registry) (*process.Process, process.Part, error) {
	c, err := process.Load(h.path(duty+".yaml"), duty)
	if err != nil {
		return nil, process.Part{}, err
	}
	if database != "" {
		c.Database = database
	}
	if c.Relmgr != "" {
		c.Relmgr = "http://" + h.Listen // here all duties are on one port
		c.Idmgrs = []string{c.Relmgr}
	}
	p, err := process.Open(ctx, c, log, registry)
	if err != nil {
		return nil, process.Part{}, err
	}
	part, err := wires[duty](ctx, p)
	if err != nil {
		return nil, process.Part{}, errors.Join(fmt.Errorf("%s: %w", duty, err), p.Close())
	}
	return p, part, nil
}
