package federation

import (
	"context"
	"time"

	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
)

// lookEvery is how often peers are looked after beside the requests.
const lookEvery = 5 * time.Second

// Run looks after peers until ctx ends, so that what changes there is seen here without
// anybody's question, and no question waits for a statement to be fetched.
func (s *Service) Run(ctx context.Context) {
	for next := time.NewTimer(0); ; next.Reset(lookEvery) {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		if err := s.Refresh(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "peers cannot be looked after", "cause", err.Error())
		}
	}
}

// Refresh asks each peer that this side has confirmed what it states now, where what it stated
// has lived half of its life or nothing is known. One that is away or states nothing stops
// no other: Peer says so to whoever needs it.
func (s *Service) Refresh(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "federation.Refresh")
	rows, err := s.q.ListPeers(ctx, s.db)
	if err != nil {
		return pg.Fault(err)
	}
	for _, row := range rows {
		if ctx.Err() != nil || !inForce(row.Ours) {
			continue
		}
		if p, err := s.relaying(ctx, row); err == nil {
			err = s.hearReach(ctx, p, lookEvery)
			if err != nil {
				s.log.InfoContext(ctx, "a peer does not say whom it passes questions on to", "hub", row.EntityID, "cause", err.Error())
			}
		}
		if !s.stale(row) {
			continue
		}
		_, _, _ = s.asking.Do(row.EntityID, func() (any, error) {
			ctx, cancel := context.WithTimeout(ctx, lookTimeout)
			defer cancel()
			return s.look(ctx, row)
		})
	}
	return nil
}

// relaying is a peer that has agreed to pass questions on.
func (s *Service) relaying(ctx context.Context, row federationdb.FederationPeersInForce) (Peer, error) {
	if agreed, _, err := agreementOf([]byte(row.Document)); err != nil || !agreed.relaysAt(row.EntityID) {
		return Peer{}, errNoPeer()
	}
	return s.direct(ctx, row.EntityID)
}

// stale reports whether what is known of a peer is not enough for long.
func (s *Service) stale(row federationdb.FederationPeersInForce) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.seen[row.EntityID]
	return !ok || k.ordinal != row.Ordinal || s.now().After(k.peer.Expires.Add(-k.peer.Agreement.Bound()/2))
}
