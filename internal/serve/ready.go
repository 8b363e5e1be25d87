package serve

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fame-hub/fame/internal/fault"
)

// Check is one thing that a process needs to do its work. Do returns nil when
// it is there. A fault's detail is shown to whoever asks, so it says what to
// do; any other error goes to the log alone.
type Check struct {
	Name string
	Do   func(context.Context) error
}

const (
	checkTimeout = 2 * time.Second
	// checkedFor is how long a result is given again: anybody may ask, and
	// each check costs its database a query.
	checkedFor = time.Second

	seeLog = "see the process's log for the reason"
)

// readiness answers /readyz.
type readiness struct {
	checks   []Check
	log      *slog.Logger
	stopping atomic.Bool

	mu     sync.Mutex // held while the checks run: whoever asks meanwhile waits
	at     time.Time
	last   report
	failed map[string]bool
}

// report is the body of /readyz.
type report struct {
	Ready  bool     `json:"ready"`
	Checks []result `json:"checks"`
}

type result struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Do   string `json:"do,omitempty"` // what to do when it is not
}

func newReadiness(checks []Check, log *slog.Logger) *readiness {
	return &readiness{checks: checks, log: log, failed: make(map[string]bool)}
}

func (r *readiness) stop() { r.stopping.Store(true) }

// ServeHTTP answers 200 when every check passes, else 503.
func (r *readiness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if r.stopping.Load() {
		writeReport(w, report{Checks: []result{{Name: "process", Do: "ask another process: this one is stopping"}}})
		return
	}
	writeReport(w, r.now(req.Context()))
}

// now runs the checks, side by side, unless they have just run. They are not
// the asker's: one who goes away must not fail them for the others.
func (r *readiness) now(ctx context.Context) report {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.at.IsZero() && time.Since(r.at) < checkedFor {
		return r.last
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	rep := report{Ready: true, Checks: make([]result, len(r.checks))}
	errs := make([]error, len(r.checks))
	var all sync.WaitGroup
	for i, c := range r.checks {
		all.Go(func() { errs[i] = c.Do(ctx) })
	}
	all.Wait()
	for i, c := range r.checks {
		rep.Checks[i] = result{Name: c.Name, OK: errs[i] == nil}
		if errs[i] != nil {
			rep.Ready = false
			rep.Checks[i].Do = advice(errs[i])
		}
		if changed := r.failed[c.Name] != (errs[i] != nil); changed {
			r.failed[c.Name] = errs[i] != nil
			if errs[i] != nil {
				r.log.WarnContext(ctx, "not ready", "check", c.Name, "cause", errs[i].Error())
			} else {
				r.log.InfoContext(ctx, "ready again", "check", c.Name)
			}
		}
	}
	r.at, r.last = time.Now(), rep
	return rep
}

func advice(err error) string {
	if f, ok := errors.AsType[*fault.Error](err); ok && f.Kind != fault.Internal && f.Detail != "" {
		return f.Detail
	}
	return seeLog
}

// healthz says that the process runs, whatever it needs.
func healthz(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
}

func writeReport(w http.ResponseWriter, rep report) {
	status := http.StatusOK
	if !rep.Ready {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, rep)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	writeAs(w, "application/json", status, body)
}

func writeAs(w http.ResponseWriter, media string, status int, body any) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone: there is nobody left to tell
}
