package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The bounds of a connection. The edge gives a request ten seconds (api.
// DefaultTimeout), so an answer has left or failed before writeTimeout.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10

	// DefaultDrain is how long requests under way may take to end.
	DefaultDrain = 10 * time.Second
)

// Config says what a process serves.
type Config struct {
	Listen string // the public address, host:port
	// MetricsListen is the private address of /metrics; empty: none.
	MetricsListen string
	Handler       http.Handler
	Ready         []Check
	Registry      *prometheus.Registry // required with MetricsListen
	Logger        *slog.Logger
	// Drain bounds the wait for requests under way. Zero: DefaultDrain.
	Drain time.Duration
	// OnListening is told the addresses once both accept connections.
	OnListening func(Addresses)
}

// Addresses are what the servers listen on; Metrics is nil where there is none.
type Addresses struct{ Public, Metrics net.Addr }

// Run serves until ctx is done, then says that it is not ready, takes no more
// requests, and waits for those under way. It returns nil after an orderly
// stop, and an error when it cannot listen, when a server fails, or when
// requests were cut off because Drain was over.
func Run(ctx context.Context, c Config) error {
	if c.Handler == nil || c.Logger == nil {
		return errors.New("serve: Handler and Logger are required")
	}
	if c.MetricsListen != "" && c.Registry == nil {
		return errors.New("serve: MetricsListen needs a Registry")
	}
	if c.Drain == 0 {
		c.Drain = DefaultDrain
	}
	public, err := listen(ctx, c.Listen)
	if err != nil {
		return err
	}
	defer public.Close() // again after Shutdown: it does nothing then
	ready := newReadiness(c.Ready, c.Logger)
	servers := []*http.Server{newServer(Mount(c.Handler, map[string]http.Handler{
		"/healthz": http.HandlerFunc(healthz), "/readyz": ready,
	}), c.Logger)}
	listeners := []net.Listener{public}
	addresses := Addresses{Public: public.Addr()}
	if c.MetricsListen != "" {
		private, err := listen(ctx, c.MetricsListen)
		if err != nil {
			return err
		}
		defer private.Close()
		metrics := Mount(nil, map[string]http.Handler{
			"/metrics": promhttp.HandlerFor(c.Registry, promhttp.HandlerOpts{Registry: c.Registry}),
		})
		servers, listeners = append(servers, newServer(metrics, c.Logger)), append(listeners, private)
		addresses.Metrics = private.Addr()
	}

	failed := make(chan error, len(servers))
	for i, s := range servers {
		go func() { failed <- s.Serve(listeners[i]) }()
	}
	c.Logger.InfoContext(ctx, "listening", "public", addresses.Public.String(), "metrics", text(addresses.Metrics))
	if c.OnListening != nil {
		c.OnListening(addresses)
	}
	select {
	case err = <-failed:
		err = fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	ready.stop()
	return errors.Join(err, stop(servers, c.Drain))
}

// stop ends the servers, the public one first, within the time to drain.
func stop(servers []*http.Server, drain time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	var failed error
	for _, s := range servers {
		if err := s.Shutdown(ctx); err != nil {
			failed = errors.Join(failed, fmt.Errorf("serve: requests were cut off: %w", err), s.Close())
		}
	}
	return failed
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve: choose another address: %w", err)
	}
	return l, nil
}

func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

func text(a net.Addr) string {
	if a == nil {
		return "none"
	}
	return a.String()
}
