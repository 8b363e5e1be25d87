package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/localissuer"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/private"
	"github.com/fame-hub/fame/internal/process"
)

const (
	name  = "crashing" // of the hub and its database
	hubID = "https://riverside.fame.example"
	// limit bounds every wait: a loaded machine is slow, not broken.
	limit = 90 * time.Second
)

// What is killed.
const relmgr, consent, governance, postgres = "relmgr", "consent", "governance", "postgres"

var duties = []string{governance, relmgr, consent}

type counter = atomic.Int64

// hub is the programs of a hub, one process per duty, and its PostgreSQL.
type hub struct {
	dir      string
	server   *private.Server
	issuer   *localissuer.Issuer
	web      *http.Server
	admin    *sql.DB // reconnects when PostgreSQL is back
	running  map[string]*duty
	answered map[string]*counter // answers of each duty
}

// duty is one process.
type duty struct {
	url  string
	cmd  *exec.Cmd
	done chan struct{}
}

func (h *hub) path(parts ...string) string {
	return filepath.Join(append([]string{h.dir}, parts...)...)
}

// start builds the programs, makes a hub with `fame init`, starts its duties and
// applies Riverside with longer identifiers and without limits.
func (h *hub) start(ctx context.Context) (err error) {
	build := exec.CommandContext(ctx, "go", "build", "-o", h.path("bin")+string(filepath.Separator), "./cmd/fame", "./cmd/governance", "./cmd/relmgr", "./cmd/consent")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w: %s", err, out)
	}
	if err := os.Mkdir(h.path("pg"), 0o711); err != nil {
		return err
	}
	if err := h.startPostgres(ctx); err != nil {
		return err
	}
	if err := h.serveIssuer(ctx); err != nil {
		return err
	}
	first, err := pg.Open(ctx, h.server.AdminDSN("postgres"))
	if err != nil {
		return err
	}
	defer first.Close()
	if _, err := first.ExecContext(ctx, "create database "+name); err != nil {
		return err
	}
	if h.admin, err = pg.OpenPool(ctx, h.server.AdminDSN(name), pg.Pool{Application: "bench", StatementTimeout: -1, MaxOpen: 2}); err != nil {
		return err
	}
	if _, err := h.fame(ctx, "init", "--name", name, "--hub", hubID, "--governor", h.issuer.URL()+"#governor", "--database", h.server.AdminDSN(name)); err != nil {
		return err
	}
	h.running = map[string]*duty{}
	for _, of := range duties {
		file := h.path("hub", of+".yaml")
		c, err := process.Load(file, of)
		if err != nil {
			return err
		}
		if c.Listen, err = freePort(ctx); err != nil {
			return err
		}
		c.Metrics, c.BehindProxy = "", true // no bound for one address: everybody asks from this one
		if err := c.Save(file); err != nil {
			return err
		}
		h.running[of] = &duty{url: "http://" + c.Listen}
		if err := h.startDuty(of); err != nil {
			return err
		}
	}
	if err := h.ready(ctx, duties...); err != nil {
		return err
	}
	text := riverside.Partnership()
	for _, change := range [][2]string{
		{"http://127.0.0.1:8400/issuer", h.issuer.URL()}, {"requests_per_minute: 600", "requests_per_minute: 100000"},
		{`"GP-[0-9]{5}"`, `"GP-[0-9]{9}"`}, {`"GP-12345"`, `"GP-123456789"`},
		{`"LMN-[0-9]{5}"`, `"LMN-[0-9]{9}"`}, {`"LMN-12345"`, `"LMN-123456789"`},
		{`"S[0-9]{6}"`, `"S[0-9]{9}"`}, {`"S123456"`, `"S123456789"`},
	} {
		text = bytes.ReplaceAll(text, []byte(change[0]), []byte(change[1]))
	}
	file := h.path("partnership.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	token, err := h.token("governor")
	if err != nil {
		return err
	}
	_, err = h.fame(ctx, "apply", "--url", h.running[governance].url, "--token", token, "-f", file)
	return err
}

// serveIssuer serves the keys of those who sign in, on loopback.
func (h *hub) serveIssuer(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	if h.issuer, err = localissuer.Open(h.path("issuer.key"), "http://"+l.Addr().String()+"/issuer"); err != nil {
		l.Close()
		return err
	}
	h.web = &http.Server{Handler: h.issuer.Handler("/issuer"), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = h.web.Serve(l) }() // until close
	return nil
}

// token signs somebody in for as long as any campaign lasts.
func (h *hub) token(subject string) (string, error) {
	return h.issuer.Token(subject, "fame", time.Now(), 24*time.Hour, nil)
}

// fame runs the tool to its end.
func (h *hub) fame(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, h.path("bin", "fame"), append([]string{"--dir", h.path("hub")}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("fame %s: %w: %s", args[0], err, out)
	}
	return string(out), err
}

// startDuty begins a life of a process. Its log goes on where the last ended.
func (h *hub) startDuty(of string) error {
	d := h.running[of]
	log, err := os.OpenFile(h.path(of+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	d.cmd, d.done = exec.CommandContext(context.Background(), h.path("bin", of), "--config", h.path("hub", of+".yaml")), make(chan struct{})
	d.cmd.Stdout, d.cmd.Stderr = log, log
	if err := d.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = d.cmd.Wait() // killed
		close(d.done)
	}()
	return nil
}

// startPostgres starts it, also over what an earlier life left: the backends of
// a postmaster that was killed hold the data for a moment.
func (h *hub) startPostgres(ctx context.Context) error {
	log, err := os.OpenFile(h.path("postgres.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	return eventually(ctx, "PostgreSQL starts", func() (err error) {
		h.server, err = private.Start(ctx, private.Config{Dir: h.path("pg"), Log: log})
		return err
	})
}

// kill ends one with -9 and waits until it is gone.
func (h *hub) kill(of string) error {
	if of != postgres {
		d := h.running[of]
		select {
		case <-d.done:
			return fmt.Errorf("%s had ended of itself: %s", of, h.endOfLog(of))
		default:
		}
		if err := d.cmd.Process.Kill(); err != nil {
			return err
		}
		<-d.done
		return nil
	}
	text, err := os.ReadFile(h.path("pg", "data", "postmaster.pid"))
	if err != nil {
		return err
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil || pid <= 1 {
		return fmt.Errorf("postmaster.pid begins with %q", first)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	<-h.server.Done()
	return h.server.Stop() // gives the directory back
}

// restart starts what was killed and waits until all that needs it is ready.
func (h *hub) restart(ctx context.Context, of string) error {
	if of != postgres {
		if err := h.startDuty(of); err != nil {
			return err
		}
		return h.ready(ctx, of)
	}
	if err := h.startPostgres(ctx); err != nil {
		return err
	}
	return h.ready(ctx, duties...) // the processes stay, and find it again
}

func (h *hub) ready(ctx context.Context, of ...string) error {
	for _, one := range of {
		d := h.running[one]
		if err := eventually(ctx, one+" is ready", func() error {
			select {
			case <-d.done:
				return fmt.Errorf("%s ended: %s", one, h.endOfLog(one))
			default:
			}
			status, _, err := send(ctx, http.MethodGet, d.url+"/readyz", "", "", nil)
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("%d", status)
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// panics are the logs in which a program says that it panicked.
func (h *hub) panics() (found []error) {
	for _, of := range duties {
		text, err := os.ReadFile(h.path(of + ".log"))
		if err != nil || bytes.Contains(text, []byte("\npanic: ")) {
			found = append(found, fmt.Errorf("%s panicked, or left no log (%w)", of, err))
		}
	}
	return found
}

func (h *hub) endOfLog(of string) string {
	text, _ := os.ReadFile(h.path(of + ".log"))
	return string(text[max(0, len(text)-2000):])
}

// close ends what start began.
func (h *hub) close() (err error) {
	for _, d := range h.running {
		if d.cmd != nil && d.cmd.Process != nil {
			_ = d.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
			<-d.done
		}
	}
	if h.admin != nil {
		err = h.admin.Close()
	}
	if h.web != nil {
		err = errors.Join(err, h.web.Close())
	}
	if h.server != nil {
		err = errors.Join(err, h.server.Stop())
	}
	return err
}

// freePort is a loopback address that nobody listens on and that the system
// gives to no client: one that asks a killed server again and again could be
// given the server's own port.
func freePort(ctx context.Context) (string, error) {
	for range 100 {
		at := fmt.Sprintf("127.0.0.1:%d", 12_000+rand.IntN(20_000))
		if l, err := new(net.ListenConfig).Listen(ctx, "tcp", at); err == nil {
			return at, l.Close()
		}
	}
	return "", errors.New("no free port in a hundred tries")
}

// eventually tries until try returns nil, or the time is over.
func eventually(ctx context.Context, what string, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within %v: %w", what, limit, err)
		case <-time.After(pause):
		}
	}
}

var client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 128}}

// send sends one request and reads the whole answer.
func send(ctx context.Context, method, url, token, key string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, text, err
}
