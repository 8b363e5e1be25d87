package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// DCP-10, design.md section 5 (2): the token key of a column and the wrapping key of
// its agency rotate while clients publish, correlate and ask, and the tool and
// relmgr are killed with -9 in the middle of it, again and again. What was
// acknowledged is there, nobody has two handles, and the hub verifies.
func TestKeysRotateUnderLoadWhileToolAndRelmgrAreKilled(t *testing.T) {
	w := fragile(t)
	done := &acknowledged{enquiries: map[string]string{}, acts: map[string]string{}}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	number := func(format string, from int) func(int) string {
		return func(n int) string { return fmt.Sprintf(format, from+n) }
	}
	var clients sync.WaitGroup
	for _, c := range []workload{
		{manager: "dr-brandt", other: "ms-novak", column: "gp-riverside", second: "social-care", identifier: number("GP-%05d", 30_000), atSecond: number("LMN-%05d", 30_000)},
		{manager: "mrs-hale", other: "dr-brandt", column: "school-pastoral", second: "gp-riverside", identifier: number("S%06d", 40_000), atSecond: number("GP-%05d", 40_000)},
	} {
		clients.Go(func() { w.work(ctx, c, done) })
	}
	answered := func(n int64) {
		t.Helper()
		from := done.answers.Load()
		hubtest.Eventually(t, "more answers", func() error {
			if got := done.answers.Load() - from; got < n {
				return fmt.Errorf("%d of %d; %v", got, n, done.unexpected)
			}
			return nil
		})
	}
	answered(60)
	keys := func(args ...string) []string { return append([]string{"--dir", w.Dir, "keys"}, args...) }
	// Killed at moments that nobody chose, then carried on to the end.
	for round, command := range [][]string{keys("rotate", "gp-riverside"), keys("rewrap", "riverside-gp"), keys("records"), keys("rotate", "gp-riverside")} {
		killed := 0
		for range 6 {
			tool := hubtest.FameCommand(t, command...)
			if err := tool.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(rand.N(250 * time.Millisecond))
			if err := tool.Process.Kill(); err == nil {
				killed++
			}
			_ = tool.Wait()
			answered(5)
		}
		w.Relmgr.Kill(t)
		w.Relmgr.Start(t)
		answered(10)
		wantOutcome(t, hubtest.Fame(t, "", command...), 0, "new key")
		t.Logf("round %d: killed %d times", round, killed)
		answered(10)
	}
	wantOutcome(t, hubtest.Fame(t, "", keys("list")...), 0, "retired, to be destroyed after")
	wantOutcome(t, hubtest.Fame(t, "", keys("destroy")...), 0, "0 keys destroyed")
	wantOutcome(t, hubtest.Fame(t, "", keys("destroy", "--early", "column/gp-riverside/1")...), 0, "destroyed column/gp-riverside/1")
	answered(20)
	w.Relmgr.Kill(t) // it starts without the destroyed key
	w.Relmgr.Start(t)
	answered(20)
	stop()
	clients.Wait()
	if len(done.unexpected) > 0 {
		t.Errorf("%d requests failed as none should, the first: %s", len(done.unexpected), done.unexpected[0])
	}
	admin := w.Admin(t)
	var left, old, handles int
	if err := admin.QueryRow(`select count(*) filter (where token is not null and token_b is not null), count(*) filter (where wrapped_by = 'agency/riverside-gp/1'), count(*)
		from relmgr.handles where column_id = 'gp-riverside'`).Scan(&left, &old, &handles); err != nil {
		t.Fatal(err)
	}
	if left != 0 || old != 0 || handles < 20 {
		t.Errorf("of %d handles %d have the tokens of two epochs and %d are under the old key", handles, left, old)
	}
	// Each person has the one handle that was made first.
	people := map[ident.HandleID]string{}
	for n := range 10 {
		who := fmt.Sprintf("GP-%05d", 30_000+n)
		var h struct{ Handle ident.HandleID }
		w.done(t, "dr-brandt", "POST", "/handles", map[string]string{"column": "gp-riverside", "identifier": who}, &h)
		if people[h.Handle] != "" {
			t.Error("two people have one handle")
		}
		people[h.Handle] = who
	}
	var now int
	if err := admin.QueryRow(`select count(*) from relmgr.handles where column_id = 'gp-riverside'`).Scan(&now); err != nil || now != handles {
		t.Errorf("%d handles were made for people who had one (%v)", now-handles, err)
	}
	missing := wantKept(t, admin, "act", done.acts, `select r.reference_id::text, a.commitment, exists (select from `+leaves+` p where p.commitment = a.commitment)
		from relmgr.act_references r join relmgr.acts a on a.act_id = r.act_id where r.reference_id = any($1::uuid[])`)
	if missing > 0 {
		t.Errorf("%d acknowledged acts are gone", missing)
	}
	wantWhole(t, admin)
	w.verifies(t)
}

// Revoking asks first, and says what it does not know.
func TestRevokingAKeyAsksFirst(t *testing.T) {
	w := fragile(t)
	o := hubtest.Fame(t, "", "--dir", w.Dir, "keys", "revoke", "bridge-clinic")
	if o.Code != 1 || !strings.Contains(o.Stderr, "--yes") {
		t.Errorf("%+v", o)
	}
	wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "keys", "revoke", "nobody", "--yes"), 1, "has no key")
	wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "keys", "rotate", "nowhere"), 1, "nothing to rotate")
}
