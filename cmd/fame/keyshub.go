package main

import (
	"context"
	"time"

	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/seal"
)

type keysHubCommand struct{}

// Run begins the change. The hub's own relmgr trusts the next key at once; federation states
// it to peers beside the one of now, signs with it after 25 hours, and forgets the one before
// after 25 more.
func (c *keysHubCommand) Run(ctx context.Context, all *cli, out *printer) error {
	h, err := openHub(all.Dir)
	if err != nil {
		return err
	}
	set, err := h.rollHubKey(ctx)
	if err != nil {
		return err
	}
	file := h.path("keys", "hub.jwks")
	if err := attest.WriteKeySet(file, set); err != nil {
		return err
	}
	out.say("%s has the next key: give it to a relmgr that runs elsewhere. Peers follow by themselves, and within 50 hours the key of now is over.", file)
	return out.result(map[string]any{"file": file})
}

func (h hub) rollHubKey(ctx context.Context) (set attest.KeySet, err error) {
	c, err := process.Load(h.path("federation.yaml"), "federation")
	if err != nil {
		return set, err
	}
	if h.Private {
		database, stop, err := h.reachPrivate(ctx)
		if err != nil {
			return set, err
		}
		defer stop()
		c.Database = database + " role='fame_federation'"
	}
	keys, err := seal.OpenFile(c.Keys, c.Identity)
	if err != nil {
		return set, err
	}
	db, err := pg.OpenPool(ctx, c.Database, pg.Pool{Application: "fame keys", MaxOpen: 1})
	if err != nil {
		return set, err
	}
	defer db.Close()
	return federation.RollKey(ctx, db, keys, time.Now())
}
