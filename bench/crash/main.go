// Crash shows that nothing acknowledged is lost, doubled or half done when
// what a hub is made of dies.
//
// A hub runs as a partnership runs it: the built programs, one process per
// duty, on a PostgreSQL of its own with fsync on. Writers publish, correlate,
// withdraw, import and capture consents, and enquirers ask, each as fast as
// they are answered. In each round relmgr, consent, governance with the
// sequencer, or PostgreSQL is killed with -9 and started again; which, and how
// long after the hub was whole again, is drawn from a seed. Writers send what
// was not answered again, under the same idempotency key where the operation
// takes one.
//
// An answer that gives the id or the commitment of an act or enquiry
// acknowledges it. In each round everything that was acknowledged before the
// kill must get its position, and the served checkpoint must have grown out of
// the last one; meanwhile the inclusion of every acknowledged commitment is
// proved with the log's public key. In the end each must be found in the
// database exactly once, beside exactly one leaf, and `fame verify` must pass.
// Whoever was asked to do a thing once must have done it once.
//
// Type, in a clone of the repository:
//
//	go run ./bench/crash [-rounds 100] [-clients 8] [-seed N] [-dir DIR]
//
// Rounds go to stderr, the result as JSON to the last line of stdout; the exit
// code is 1 if anything was lost or is wrong. kill -9 does not take the power
// away: what the operating system had taken in is still written.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "crash:", err)
		stop()
		os.Exit(1)
	}
}

// report is the last line of stdout.
type report struct {
	Acknowledged int            `json:"acknowledged"`
	Of           map[string]int `json:"of"` // acknowledged, by kind
	Lost         int            `json:"lost"`
	Duplicated   int            `json:"duplicated"`
	Verify       string         `json:"verify"`
	Proved       int            `json:"proved"` // inclusion proofs that hold
	Rounds       int            `json:"rounds"`
	Killed       map[string]int `json:"killed"`
	Unanswered   int64          `json:"unanswered"` // requests that met a kill, sent again
	Unexpected   int            `json:"unexpected"` // answers that no kill explains
	// Of all rounds, from the kill, and from readiness.
	ReadyMedian    float64 `json:"ready_seconds_median"`
	ReadyMost      float64 `json:"ready_seconds_most"`
	PositionMedian float64 `json:"position_seconds_median"`
	PositionMost   float64 `json:"position_seconds_most"`
	Seconds        float64 `json:"seconds"`
	Seed           uint64  `json:"seed"`
	CPUs           int     `json:"cpus"`
	LoadBefore     string  `json:"load_before"`
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("crash", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rounds := flags.Int("rounds", 100, "kills")
	clients := flags.Int("clients", 8, "enquirers, beside four writers, an importer and somebody who captures consents")
	seed := flags.Uint64("seed", rand.Uint64(), "what is killed, and when, follows from it")
	parent := flags.String("dir", "", "an existing directory to make the hub's own in (default: the system's temporary one)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *rounds < 1 || *clients < 1 || *clients > 64 {
		return errors.New("give flags only, with 1 round or more and 1 to 64 clients")
	}
	loadBefore, _ := os.ReadFile("/proc/loadavg")
	dir, err := os.MkdirTemp(*parent, "fame-crash-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // as root the database runs as another user
		return err
	}
	h := &hub{dir: dir, answered: map[string]*counter{relmgr: {}, consent: {}, governance: {}}}
	defer func() { err = errors.Join(err, h.close()) }()
	if err := h.start(ctx); err != nil {
		return err
	}
	r := report{Rounds: *rounds, Seed: *seed, CPUs: runtime.NumCPU(), LoadBefore: string(bytes.TrimSpace(loadBefore)), Killed: map[string]int{}}
	fmt.Fprintf(stderr, "seed %d\n%5s %-10s %8s %8s %9s %12s\n", *seed, "round", "killed", "after ms", "ready s", "position s", "acknowledged")
	began := time.Now()
	c, err := newCampaign(ctx, h, *seed, *clients)
	if err != nil {
		return err
	}
	var ready, position []float64
	for n := range *rounds {
		done, err := c.round(ctx)
		if err != nil {
			return errors.Join(fmt.Errorf("round %d: %w", n+1, err), c.end(ctx, nil))
		}
		r.Killed[done.killed]++
		ready, position = append(ready, done.ready.Seconds()), append(position, done.position.Seconds())
		fmt.Fprintf(stderr, "%5d %-10s %8d %8.2f %9.2f %12d\n", n+1, done.killed, done.after.Milliseconds(), done.ready.Seconds(), done.position.Seconds(), c.acknowledged.len())
	}
	if err := c.end(ctx, &r); err != nil {
		return err
	}
	r.ReadyMedian, r.ReadyMost = median(ready), slices.Max(ready)
	r.PositionMedian, r.PositionMost = median(position), slices.Max(position)
	r.Seconds = time.Since(began).Seconds()
	if err := json.NewEncoder(stdout).Encode(r); err != nil {
		return err
	}
	if r.Lost+r.Duplicated+r.Unexpected > 0 || r.Verify != "ok" || r.Proved != r.Acknowledged {
		return errors.Join(append([]error{errors.New("the hub did not keep what it had acknowledged, or is not whole")}, c.told()...)...)
	}
	return nil
}

func median[T cmp.Ordered](all []T) T {
	s := slices.Sorted(slices.Values(all))
	return s[len(s)/2]
}
