package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// timings are how long enquiries took about people of whom nothing may be told,
// and about people of whom nothing is there.
type timings struct{ Hidden, Absent []time.Duration }

// auc is how often somebody who guesses from one answer's time is right, if they
// guess as well as can be done by a threshold: 0.5 is a coin.
func (t timings) auc() float64 {
	type one struct {
		took   time.Duration
		hidden bool
	}
	var all []one
	for _, d := range t.Hidden {
		all = append(all, one{d, true})
	}
	for _, d := range t.Absent {
		all = append(all, one{d, false})
	}
	slices.SortFunc(all, func(a, b one) int { return cmp.Compare(a.took, b.took) })
	// Mann and Whitney: the mean rank of those hidden, those that took the same
	// sharing theirs.
	var ranks float64
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].took == all[i].took {
			j++
		}
		for _, o := range all[i:j] {
			if o.hidden {
				ranks += float64(i+j+1) / 2
			}
		}
		i = j
	}
	n, m := float64(len(t.Hidden)), float64(len(t.Absent))
	auc := (ranks - n*(n+1)/2) / (n * m)
	return max(auc, 1-auc)
}

// people of each sort, who are asked about again and again.
const timed = 200

// conceal hides the surgery on the first rows by withdrawn consent, and takes it
// away from the next. The asker's own side is the same in both.
func (h *hub) conceal(ctx context.Context) error {
	const far = `(select h.handle_id from bench.people p join relmgr.handles o using (token) join relmgr.handles h using (row_id)
		where p.n %s and h.column_id = 'gp-riverside')`
	hidden, absent := fmt.Sprintf(far, fmt.Sprintf("<= %d", timed)), fmt.Sprintf(far, fmt.Sprintf("between %d and %d", timed+1, 2*timed))
	for _, text := range []string{
		"set session_replication_role = replica",
		"insert into consent.withdrawals select consent_id, gen_random_uuid(), '" + day.Format(time.RFC3339) + "', 'spoken-and-noted' " +
			"from consent.consents where handle_id in " + hidden,
		"delete from relmgr.correlations where handle_b in " + absent,
		"delete from relmgr.cells where handle_id in " + absent,
		"update relmgr.handles set row_id = gen_random_uuid() where handle_id in " + absent,
		"set session_replication_role = origin",
		"analyse consent.withdrawals",
	} {
		if _, err := h.admin.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// timingCommand makes this program the one client of -timing.
const timingCommand = "timing"

// serveTiming asks one question after the other, in an order of chance.
func serveTiming(ctx context.Context, in io.Reader, out io.Writer) error {
	var j job
	if err := json.NewDecoder(in).Decode(&j); err != nil {
		return err
	}
	c, err := j.Askers.dial(ctx)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	var t timings
	for i := range j.Calls + j.Calls/10 {
		hidden := rand.N(2) == 0
		n := 1 + rand.N(timed)
		if !hidden {
			n += timed
		}
		started := time.Now()
		if err := c.about(n, false); err != nil {
			return err
		}
		took := time.Since(started)
		switch {
		case i < j.Calls/10: // warming up
		case hidden:
			t.Hidden = append(t.Hidden, took)
		default:
			t.Absent = append(t.Absent, took)
		}
	}
	return json.NewEncoder(out).Encode(t)
}

// timingReport is the last line of stdout with -timing.
type timingReport struct {
	AUC        float64 `json:"auc"`
	Calls      int     `json:"calls"`
	Hidden     float64 `json:"hidden_p50_ms"`
	Absent     float64 `json:"absent_p50_ms"`
	Rows       int     `json:"rows"`
	LoadBefore float64 `json:"load_before"`
}

// time has one client ask calls times.
func (a *askers) time(ctx context.Context, calls int) (timingReport, error) {
	self, err := os.Executable()
	if err != nil {
		return timingReport{}, err
	}
	given, err := json.Marshal(job{Askers: *a, Calls: calls})
	if err != nil {
		return timingReport{}, err
	}
	cmd := exec.CommandContext(ctx, self, timingCommand)
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(given)), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return timingReport{}, err
	}
	var t timings
	if err := json.Unmarshal(out, &t); err != nil {
		return timingReport{}, err
	}
	middle := func(all []time.Duration) float64 {
		return loaded{latencies: slices.Sorted(slices.Values(all))}.quantile(0.5)
	}
	return timingReport{AUC: t.auc(), Calls: calls, Hidden: middle(t.Hidden), Absent: middle(t.Absent), Rows: a.Rows}, nil
}
