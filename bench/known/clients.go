package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// clientsCommand, as the only argument, makes this program the clients of
// another run of it: a process of their own, so that what they cost is not taken
// for the hub's.
const clientsCommand = "clients"

// job is what the clients are given on stdin.
type job struct {
	Askers askers
	Load   load
	Calls  int // of -timing
}

// asked is what came of a load. The clients print it after a line when they
// begin to count, and one when they end.
type asked struct {
	Throughput    float64
	P50, P99      float64 // milliseconds
	CPU           time.Duration
	HubCPU, DBCPU time.Duration `json:"-"`
	Counted       int
}

// each is what one enquiry took of a duration.
func (a asked) each(d time.Duration) float64 {
	if a.Counted == 0 {
		return 0
	}
	return float64(d.Microseconds()) / float64(a.Counted)
}

const beginLine, endLine = "begin", "end"

// serveClients is the clients' process.
func serveClients(ctx context.Context, in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	var before, after time.Duration
	got, err := j.Askers.ask(ctx, j.Load, func(line string) {
		if line == beginLine {
			before = ownCPU()
		} else {
			after = ownCPU()
		}
		fmt.Fprintln(out, line)
	})
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(asked{
		Throughput: got.throughput, P50: got.quantile(0.5), P99: got.quantile(0.99), CPU: after - before, Counted: len(got.latencies),
	})
}

// put has clients in a process of their own put the load on the hub, and says
// what that took of each process.
func (a *askers) put(ctx context.Context, l load, db *database) (r asked, err error) {
	self, err := os.Executable()
	if err != nil {
		return asked{}, err
	}
	given, err := json.Marshal(job{Askers: *a, Load: l})
	if err != nil {
		return asked{}, err
	}
	cmd := exec.CommandContext(ctx, self, clientsCommand)
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(given)), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return asked{}, err
	}
	if err := cmd.Start(); err != nil {
		return asked{}, err
	}
	var hub, dbs [2]time.Duration
	lines := bufio.NewReader(out)
	for i, want := range []string{beginLine, endLine} {
		line, errLine := lines.ReadString('\n')
		if strings.TrimSpace(line) != want {
			return asked{}, errors.Join(fmt.Errorf("the clients did not %s", want), errLine, cmd.Wait())
		}
		if i == 0 { // what asking takes is not counted
			dbs[i], hub[i] = db.cpu(), ownCPU()
		} else {
			hub[i], dbs[i] = ownCPU(), db.cpu()
		}
	}
	err = json.NewDecoder(lines).Decode(&r)
	r.HubCPU, r.DBCPU = hub[1]-hub[0], dbs[1]-dbs[0]
	return r, errors.Join(err, cmd.Wait())
}
