package relmgr

import (
	"context"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

const (
	// LeastPeople is the fewest people of whom a count says anything. With fewer there is
	// no line, as with nobody: that one was told of on a court order would be about them.
	LeastPeople = 10
	// longestPeriod is the longest that is counted at once.
	longestPeriod = 92
)

// Oversight is what governance officers are told of the index in numbers.
type Oversight struct {
	Disclosures []relmgrdb.CountDisclosuresRow
	Waiting     []relmgrdb.CountWaitingRow
}

// Oversee counts, for a governance officer, the people who were told of from one day to
// another, and what waits for reviewers. Only days that are past are counted, so that
// nobody watches a count move. It names nobody, and is no enquiry (LEG-27, QRY-10).
func (s *Service) Oversee(ctx context.Context, who decide.Caller, from, until time.Time) (out Oversight, err error) {
	defer fault.Wrap(&err, "relmgr.Oversee")
	if _, ok := who.RoleAmong([]string{officer}); !ok {
		return out, fault.New(fault.Forbidden, "these counts are for the partnership's governance officers")
	}
	now := s.stamp()
	ends := until.AddDate(0, 0, 1)
	switch {
	case ends.After(now):
		return out, fault.At("/until", "choose a day before today: only whole days are counted")
	case until.Before(from):
		return out, fault.At("/until", "choose a last day that is not before the first")
	case ends.After(from.AddDate(0, 0, longestPeriod)):
		return out, fault.At("/from", "choose at most %d days", longestPeriod)
	}
	if out.Disclosures, err = s.q.CountDisclosures(ctx, s.db, relmgrdb.CountDisclosuresParams{Starts: from, Ends: ends, Least: LeastPeople}); err != nil {
		return out, pg.Fault(err)
	}
	out.Waiting, err = s.q.CountWaiting(ctx, s.db, now)
	return out, pg.Fault(err)
}
