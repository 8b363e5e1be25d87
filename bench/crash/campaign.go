package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// imported is what the numbers of imported people begin at; each other client
// has numbers of its own below it.
const imported = 500_000_000

// campaign is a hub under load.
type campaign struct {
	hub          *hub
	tokens       map[string]string
	importing    string // the import's id
	parts        counter
	acknowledged records
	proofs       *proofs
	unanswered   counter
	doubled      counter

	chance  *rand.Rand
	stop    context.CancelFunc
	clients sync.WaitGroup
	proving sync.WaitGroup
	ended   atomic.Bool // no more will be acknowledged
	placed  int         // how many of those acknowledged are known to have their position

	mu         sync.Mutex
	unexpected []error
}

// newCampaign puts the load on the hub.
func newCampaign(ctx context.Context, h *hub, seed uint64, enquirers int) (*campaign, error) {
	c := &campaign{hub: h, tokens: map[string]string{}, chance: rand.New(rand.NewPCG(seed, 0))}
	for _, who := range []string{gp.who, school.who, social.who, "dr-patel", "dr-lund"} {
		var err error
		if c.tokens[who], err = h.token(who); err != nil {
			return nil, err
		}
	}
	var err error
	if c.proofs, err = newProofs(h); err != nil {
		return nil, err
	}
	var approved, opened receipt
	if err := c.do(ctx, relmgr, "/relmgr/v1/approvals", "dr-lund", "", object{
		"columns": []string{gp.column}, "mode": "imposed", "reason": "risk-of-harm", "relationships": 100_000_000,
		"until": time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339), "decision": decision(gp.power),
	}, &approved); err != nil {
		return nil, fmt.Errorf("approve: %w", err)
	}
	c.acknowledged.add("approve", approved.Act, approved.Commitment)
	sum := sha256.Sum256([]byte("a file without an end"))
	if err := c.do(ctx, relmgr, "/relmgr/v1/imports", gp.who, "", object{"approval": approved.Act, "file": hex.EncodeToString(sum[:])}, &opened); err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	c.importing = opened.Import

	working, stop := context.WithCancel(ctx)
	c.stop = stop
	for i, pair := range [][2]side{{gp, social}, {school, social}, {gp, school}, {school, gp}} {
		c.client(working, "write", func(n int) error { return c.write(working, pair[0], pair[1], (i+1)*10_000_000+n) })
	}
	c.client(working, "import", func(n int) error { return c.importPart(working, n) })
	c.client(working, "consent", func(n int) error { return c.agree(working, 60_000_000+n) })
	for range enquirers {
		c.client(working, "ask", func(int) error {
			return c.ask(working, gp, imported+1+rand.IntN(int(c.parts.Load())*partLines+1))
		})
	}
	for i := range provers {
		c.proving.Go(func() { c.prove(ctx, i) })
	}
	return c, nil
}

// client does something again and again until the end.
func (c *campaign) client(ctx context.Context, what string, do func(n int) error) {
	c.clients.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			if err := do(n); err != nil && ctx.Err() == nil {
				c.wrong(fmt.Errorf("%s: %w", what, err))
				if what == "import" {
					n-- // its lines are numbered
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
	})
}

func (c *campaign) wrong(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unexpected = append(c.unexpected, err)
}

// told is the first of each sort of what went wrong.
func (c *campaign) told() (all []error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	sorts := map[string]bool{}
	for _, err := range c.unexpected {
		sort, _, _ := strings.Cut(err.Error(), "{")
		if !sorts[sort] && len(all) < 10 {
			sorts[sort] = true
			all = append(all, err)
		}
	}
	return all
}

// round is one kill and what came of it.
type round struct {
	killed          string
	after           time.Duration // of the moment when the load had gone on
	ready, position time.Duration
}

// round waits until the load goes on, kills one part at a moment drawn by lot,
// starts it again, and waits until whatever had been acknowledged has its
// position.
func (c *campaign) round(ctx context.Context) (r round, err error) {
	from := map[string]int64{relmgr: c.hub.answered[relmgr].Load() + 40, consent: c.hub.answered[consent].Load() + 1}
	if err := eventually(ctx, "the load goes on", func() error {
		for of, want := range from {
			if have := c.hub.answered[of].Load(); have < want {
				return fmt.Errorf("%s has given %d answers too few: %w", of, want-have, errors.Join(c.told()...))
			}
		}
		return nil
	}); err != nil {
		return r, err
	}
	r.killed = []string{relmgr, consent, governance, postgres}[c.chance.IntN(4)]
	r.after = time.Duration(c.chance.IntN(300_000)) * time.Microsecond
	away := time.Duration(c.chance.IntN(100_000)) * time.Microsecond
	time.Sleep(r.after)
	begun := time.Now()
	if err := c.hub.kill(r.killed); err != nil {
		return r, err
	}
	time.Sleep(away)
	if err := c.hub.restart(ctx, r.killed); err != nil {
		return r, err
	}
	r.ready = time.Since(begun)
	begun = time.Now()
	if err := c.positioned(ctx); err != nil {
		return r, err
	}
	r.position = time.Since(begun)
	return r, c.proofs.grew(ctx)
}

// end takes the load off, waits until the log has everything, and compares
// what was acknowledged with what is there.
func (c *campaign) end(ctx context.Context, r *report) error {
	c.stop()
	c.clients.Wait()
	c.ended.Store(true)
	if r == nil {
		return errors.Join(c.told()...)
	}
	if err := c.positioned(ctx); err != nil {
		return err
	}
	c.proving.Wait()
	if err := c.proofs.grew(ctx); err != nil {
		return err
	}
	if err := c.count(ctx, r); err != nil {
		return err
	}
	r.Verify = "ok"
	if out, err := c.hub.fame(ctx, "verify"); err != nil {
		r.Verify = "broken"
		c.wrong(fmt.Errorf("%w: %s", err, out))
	}
	for _, p := range c.hub.panics() {
		c.wrong(p)
	}
	r.Unanswered, r.Proved, r.Unexpected = c.unanswered.Load(), int(c.proofs.held.Load()), len(c.unexpected)
	return nil
}
