package api

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/fame-hub/fame/api/internal/edgedb"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"golang.org/x/sync/singleflight"
)

// termsCache keeps the terms at one version, the last that was asked for. A
// version never changes, so a copy of it is never old.
type termsCache struct {
	db     edgedb.DBTX
	q      *edgedb.Queries
	last   atomic.Pointer[decide.Terms]
	flight singleflight.Group
}

// newest returns the terms in force: one query, two after a change.
func (c *termsCache) newest(ctx context.Context) (*decide.Terms, error) {
	version, err := c.q.NewestTerms(ctx, c.db)
	if err != nil {
		return nil, fmt.Errorf("find the newest terms: %w", pg.Fault(err))
	}
	return c.at(ctx, version)
}

// loadTimeout bounds the reading of a new version, which no single request owns.
const loadTimeout = 5 * time.Second

// at returns the terms at that version, read once however many ask.
func (c *termsCache) at(ctx context.Context, version int64) (*decide.Terms, error) {
	if version == 0 {
		f := fault.New(fault.Unavailable, "the hub has no partnership yet: apply one with fame apply")
		f.RetryAfter = 30 * time.Second
		return nil, f
	}
	if t := c.last.Load(); t != nil && t.Version == version {
		return t, nil
	}
	load := c.flight.DoChan(strconv.FormatInt(version, 10), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		document, err := c.q.FindTerms(ctx, c.db, version)
		if err != nil {
			return nil, fmt.Errorf("read the terms: %w", pg.Fault(err))
		}
		t := new(decide.Terms)
		if err := json.Unmarshal(document, t); err != nil {
			return nil, fmt.Errorf("read the terms: %w", err)
		}
		t.Version = version
		c.last.Store(t.Index())
		return t, nil
	})
	select {
	case <-ctx.Done():
		return nil, pg.Fault(ctx.Err())
	case r := <-load:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*decide.Terms), nil
	}
}
