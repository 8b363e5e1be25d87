// Command portal serves a hub's pages as a process of its own. It has no database and no
// duty in it: it asks the duties as whoever signs in. Its configuration file is written
// by `fame init`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/fame-hub/fame/internal/serve"
	"github.com/fame-hub/fame/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "portal: %v\n", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("portal", flag.ContinueOnError)
	flags.SetOutput(stderr)
	path := flags.String("config", "portal.yaml", "the portal's configuration file, as `fame init` writes it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	f, err := web.Load(*path)
	if err != nil {
		return err
	}
	c, err := f.Config()
	if err != nil {
		return err
	}
	c.Now, c.Logger = time.Now, serve.Logger(stderr, slog.LevelInfo)
	p, err := web.New(c)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return serve.Run(ctx, serve.Config{
		Listen: f.Listen, MetricsListen: f.Metrics, Handler: serve.Mount(nil, map[string]http.Handler{web.Prefix: p}), Registry: registry, Logger: c.Logger,
	})
}
