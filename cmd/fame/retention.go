package main

import (
	"context"

	"github.com/fame-hub/fame/relmgr"
)

// retentionCommand does by hand what relmgr does four times a day.
type retentionCommand struct {
	Now bool `name:"run" help:"Erase it. Left out: it is counted, and nothing is erased."`
}

// Run counts what is due, or erases it.
func (c *retentionCommand) Run(ctx context.Context, all *cli, out *printer) error {
	return withKeys(ctx, all, func(s *relmgr.Service) error {
		do, words := s.Due, "are past their time: fame retention --run erases them"
		if c.Now {
			do, words = s.Retain, "erased"
		}
		r, err := do(ctx)
		if err != nil {
			return err
		}
		out.say("%d identifiers, the contents of %d records and %d idempotency keys %s.", r.Identifiers, r.Records, r.IdempotencyKeys, words)
		return out.result(map[string]int{"identifiers": r.Identifiers, "records": r.Records, "idempotency_keys": r.IdempotencyKeys})
	})
}
