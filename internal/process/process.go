package process

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/batch"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/migrate"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/internal/serve"
)

// Process is one duty, opened: what its Wire builds on.
type Process struct {
	Config   Config
	DB       *sql.DB
	Keys     seal.Provider
	Now      func() time.Time
	Logger   *slog.Logger
	Registry *prometheus.Registry
	Gate     batch.Gate // for what is asked of the database for many at once

	closers []func()
}

// Part is a duty, wired: what it serves and when it is ready.
type Part struct {
	Prefix  string
	Handler http.Handler
	Ready   []serve.Check
	// Also serves further prefixes.
	Also map[string]http.Handler
	// Run goes on beside the requests, until its context is done. Nil: nothing.
	Run func(context.Context)
}

// Handlers are those of every prefix.
func (p Part) Handlers() map[string]http.Handler {
	all := maps.Clone(p.Also)
	if all == nil {
		all = map[string]http.Handler{}
	}
	all[p.Prefix] = p.Handler
	return all
}

// Wire builds a duty on its process. It is the one list that says what the
// duty is made of.
type Wire func(context.Context, *Process) (Part, error)

// gcPercent has the heap grow fivefold before it is collected, where GOGC says
// nothing else: a duty holds a few MiB, and collecting them each time that they
// double took a quarter of what an enquiry costs the process.
const gcPercent = 400

// Open opens the duty's pool and keys. Close gives the pool back.
func Open(ctx context.Context, c Config, log *slog.Logger, registry *prometheus.Registry) (*Process, error) {
	if os.Getenv("GOGC") == "" { //nolint:forbidigo // Go's own setting: where somebody chose one, it holds
		debug.SetGCPercent(gcPercent)
	}
	keys, err := seal.OpenFile(c.Keys, c.Identity)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Duty, err)
	}
	db, err := pg.OpenPool(ctx, c.Database, pg.Pool{Application: "fame " + c.Duty})
	if err != nil {
		return nil, fmt.Errorf("%s: open the database: %w", c.Duty, err)
	}
	return &Process{Config: c, DB: db, Keys: keys, Now: time.Now, Logger: log, Registry: registry, Gate: batch.NewGate()}, nil
}

// AddressPerMinute is how many requests a minute one address may send: zero for
// the edge's own bound, negative for none.
func (p *Process) AddressPerMinute() int {
	if p.Config.BehindProxy {
		return -1
	}
	return 0
}

// proofIssuer is as whom relmgr signs proofs of handles.
const proofIssuer = "relmgr"

// HandleProofs trusts relmgr's proofs of handles and nothing else. The keys are read
// anew for each proof, so that a rotated key needs no restart.
func (p *Process) HandleProofs() (*attest.Verifier, error) {
	if p.Config.HandleKeys == "" {
		return nil, errors.New("configuration: handle_keys is required: the public keys of relmgr's handle proofs")
	}
	keys := func(context.Context) (attest.KeySet, error) { return attest.LoadKeySet(p.Config.HandleKeys) }
	if _, err := keys(context.Background()); err != nil {
		return nil, fmt.Errorf("handle_keys: %w", err)
	}
	return attest.NewVerifier(proofIssuer, keys, p.Now), nil
}

// Vouchers trusts what the hub's own federation duty signs, nil where the configuration
// names no keys of one. They are read anew each time, as those of proofs are.
func (p *Process) Vouchers() *attest.Verifier {
	if p.Config.FederationKeys == "" {
		return nil
	}
	return attest.NewVerifier("federation", func(context.Context) (attest.KeySet, error) { return attest.LoadKeySet(p.Config.FederationKeys) }, p.Now)
}

// AtClose has Close run f first: what a Wire starts ends with the process, after
// the last request and before the pool. Only a Wire calls it.
func (p *Process) AtClose(f func()) { p.closers = append(p.closers, f) }

// Start runs what a part does beside the requests, until Close.
func (p *Process) Start(part Part) {
	if part.Run == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		part.Run(ctx)
	}()
	p.AtClose(func() { cancel(); <-ended })
}

// Close ends what the Wire started, the last first, and gives the pool back.
func (p *Process) Close() error {
	for _, f := range slices.Backward(p.closers) {
		f()
	}
	return p.DB.Close()
}

// Ready are the checks that every duty has: the database answers, with the
// schema of this release.
func (p *Process) Ready() []serve.Check {
	return []serve.Check{
		{Name: p.Config.Duty + " database", Do: func(ctx context.Context) error { return pg.Fault(p.DB.PingContext(ctx)) }},
		{Name: p.Config.Duty + " schema", Do: func(ctx context.Context) error {
			have, want, err := migrate.Version(ctx, p.DB)
			if err != nil {
				return pg.Fault(err)
			}
			if have != want {
				return fault.New(fault.Unavailable, "the schema is at version %d and this release needs %d: run `fame migrate`", have, want)
			}
			return nil
		}},
	}
}

// NewRegistry makes a registry with the process's own metrics.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Main runs one duty as a process of its own: --config FILE, JSON logs on
// stderr, until SIGINT or SIGTERM. It exits 1 with what to do when it cannot.
func Main(duty string, wire Wire) {
	if err := run(duty, wire, os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", duty, err)
		os.Exit(1)
	}
}

func run(duty string, wire Wire, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet(duty, flag.ContinueOnError)
	flags.SetOutput(stderr)
	path := flags.String("config", duty+".yaml", "the duty's configuration file, as `fame init` writes it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	c, err := Load(*path, duty)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := serve.Logger(stderr, slog.LevelInfo)
	p, err := Open(ctx, c, log, NewRegistry())
	if err != nil {
		return err
	}
	defer p.Close()
	part, err := wire(ctx, p)
	if err != nil {
		return err
	}
	p.Start(part)
	return serve.Run(ctx, serve.Config{
		Listen: c.Listen, MetricsListen: c.Metrics, Handler: serve.Mount(nil, part.Handlers()), Ready: append(p.Ready(), part.Ready...),
		Registry: p.Registry, Logger: p.Logger,
	})
}
