package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/api/bearer"
	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/ident"
)

// acknowledged is what the hub has said is done, by the id that it gave.
type acknowledged struct {
	mu              sync.Mutex
	enquiries, acts map[string]string // id → commitment, empty where only the id was told
	answers         atomic.Int64
	lost            atomic.Int64
	// unexpected are failures that a hub under repair may not give.
	unexpected []string
}

func (a *acknowledged) enquiry(id relmgroas.ID, c relmgroas.Commitment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.enquiries[string(id)] = string(c)
	a.answers.Add(1)
}

func (a *acknowledged) act(id relmgroas.ID, c relmgroas.Commitment) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.acts[string(id)] = string(c)
	a.answers.Add(1)
}

// failed sorts a failure: while things are killed, requests get no answer, or
// 503, and what was stored unseen is met again as a conflict. All else is a
// defect.
func (a *acknowledged) failed(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	a.lost.Add(1)
	if p, ok := errors.AsType[*bearer.Problem](err); ok {
		switch p.Status {
		case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusConflict:
			return
		}
	} else if _, ok := errors.AsType[net.Error](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.unexpected = append(a.unexpected, what+": "+err.Error())
}

// workload is one client: it publishes people of its own, brings some of them together
// with another column, and asks, as fast as it is answered.
type workload struct {
	manager, other       string // the manager imposes and correlates; the other reads out the code
	column, second       ident.Column
	identifier, atSecond func(n int) string
}

func (w *town) work(ctx context.Context, c workload, done *acknowledged) {
	s := w.storyteller()
	for n := 0; ctx.Err() == nil; n++ {
		who := riverside.Person{
			Imposed: "significant-harm", Reason: "risk-of-harm",
			Identifiers: map[ident.Column]string{c.column: c.identifier(n), c.second: c.atSecond(n)},
		}
		steps := []func() error{
			func() error {
				r, err := s.publish(ctx, who, offering[c.column])
				if err == nil {
					done.act(r.Act, r.Commitment)
				}
				return err
			},
			func() error {
				a, err := s.ask(ctx, c.manager, c.column, c.identifier(n), "")
				if err == nil {
					done.enquiry(a.ID, a.Commitment)
				}
				return err
			},
			func() error {
				a, err := s.ask(ctx, c.other, c.second, c.atSecond(n), "")
				if err == nil {
					done.enquiry(a.ID, a.Commitment)
				}
				return err
			},
		}
		if n%2 == 0 {
			steps = append(steps, func() error {
				ref, err := s.correlate(ctx, who, c.column, c.second)
				if err != nil {
					return err
				}
				done.act(ref, "") // the storyteller passes on the reference alone
				return nil
			}, func() error {
				a, err := s.ask(ctx, c.other, c.second, c.atSecond(n), "")
				if err == nil {
					done.enquiry(a.ID, a.Commitment)
				}
				return err
			})
		}
		for _, step := range steps {
			if err := step(); err != nil {
				done.failed(ctx, c.manager, err)
				select {
				case <-ctx.Done():
				case <-time.After(10 * time.Millisecond):
				}
			}
		}
	}
}

// XCU-07, IDX-08, ACT-03, design.md section 5 (6): four clients publish, correlate and
// ask while relmgr and governance, whose sequencer writes the log, are killed with -9
// three times each, at moments that nobody chose, and PostgreSQL twice. What was
// acknowledged is there afterwards, with its commitment in the log or waiting for
// its position, nothing at all is half there, and the hub verifies.
func TestNothingAcknowledgedIsLostWhenProcessesAreKilled(t *testing.T) {
	w := fragile(t)
	done := &acknowledged{enquiries: map[string]string{}, acts: map[string]string{}}
	number := func(format string, from int) func(int) string {
		return func(n int) string { return fmt.Sprintf(format, from+n) }
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var clients sync.WaitGroup
	for _, c := range []workload{
		{manager: "dr-brandt", other: "ms-novak", column: "gp-riverside", second: "social-care", identifier: number("GP-%05d", 70_000), atSecond: number("LMN-%05d", 70_000)},
		{manager: "mrs-hale", other: "ms-novak", column: "school-pastoral", second: "social-care", identifier: number("S%06d", 80_000), atSecond: number("LMN-%05d", 80_000)},
		{manager: "dr-brandt", other: "mrs-hale", column: "gp-riverside", second: "school-pastoral", identifier: number("GP-%05d", 90_000), atSecond: number("S%06d", 90_000)},
		{manager: "mrs-hale", other: "dr-brandt", column: "school-pastoral", second: "gp-riverside", identifier: number("S%06d", 60_000), atSecond: number("GP-%05d", 60_000)},
	} {
		clients.Go(func() { w.work(ctx, c, done) })
	}
	// Between two kills the hub must have answered some more: then each kill
	// falls among requests, however slow the machine is.
	answered := func() {
		t.Helper()
		from := done.answers.Load()
		within, end := context.WithTimeout(ctx, time.Minute)
		defer end()
		for done.answers.Load() < from+40 {
			select {
			case <-within.Done():
				t.Fatalf("only %d answers in a minute after a restart; failures: %v", done.answers.Load()-from, done.unexpected)
			case <-time.After(5 * time.Millisecond):
			}
		}
		time.Sleep(rand.N(150 * time.Millisecond))
	}
	// The first time before anything is in order: columns and agencies are given
	// their keys by their first request.
	time.Sleep(rand.N(100 * time.Millisecond))
	for kill := range 8 {
		if kill > 0 {
			answered()
		}
		if kill == 3 || kill == 6 {
			w.Postgres.Kill(t)
			time.Sleep(rand.N(100 * time.Millisecond))
			w.Postgres.Start(t) // the processes stay, and find it again
			w.Relmgr.WaitReady(t)
			continue
		}
		if kill%2 == 1 { // the sequencer, in the middle of what the clients leave
			w.Governance.Kill(t)
			w.Governance.Start(t)
			continue
		}
		w.Relmgr.Kill(t)
		w.Relmgr.Start(t)
	}
	answered()
	stop()
	clients.Wait()

	if len(done.unexpected) > 0 {
		t.Errorf("%d requests failed as none should, the first: %s", len(done.unexpected), done.unexpected[0])
	}
	if done.lost.Load() == 0 {
		t.Error("no request was in the way of any kill: nothing was tried")
	}
	admin := w.Admin(t)
	missing := wantKept(t, admin, "enquiry", done.enquiries, `select enquiry_id::text, commitment, exists (select from `+leaves+` p where p.commitment = e.commitment)
		from relmgr.enquiries e where enquiry_id = any($1::uuid[])`)
	missing += wantKept(t, admin, "act", done.acts, `select r.reference_id::text, a.commitment, exists (select from `+leaves+` p where p.commitment = a.commitment)
		from relmgr.act_references r join relmgr.acts a on a.act_id = r.act_id where r.reference_id = any($1::uuid[])`)
	if missing > 0 {
		t.Errorf("%d acknowledged records are gone", missing)
	}
	wantWhole(t, admin)
	w.verifies(t)
	t.Logf("%d enquiries and %d acts acknowledged, %d requests without an answer", len(done.enquiries), len(done.acts), done.lost.Load())
}

// wantKept compares what was acknowledged with what is stored, and returns how
// much is not.
func wantKept(t *testing.T, db *sql.DB, what string, want map[string]string, query string) (missing int) {
	t.Helper()
	if len(want) < 50 {
		t.Fatalf("only %d of kind %s were acknowledged", len(want), what)
	}
	ids := []string{}
	for id := range want {
		ids = append(ids, id)
	}
	rows, err := db.QueryContext(t.Context(), query, pq.Array(ids))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := 0
	for rows.Next() {
		var id string
		var commitment []byte
		var pending bool
		if err := rows.Scan(&id, &commitment, &pending); err != nil {
			t.Fatal(err)
		}
		if want[id] != "" && hex.EncodeToString(commitment) != want[id] || !pending {
			t.Errorf("%s %s is stored with another commitment than was acknowledged, or without its leaf (%v)", what, id, pending)
		}
		found++
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return len(want) - found
}
