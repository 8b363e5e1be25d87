package relmgr

import (
	"context"
	"database/sql"
	"time"

	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// What has ended is kept as long as the partnership's settings say, and erased then
// (LEG-29): the rule is the partnership's, its version stands in the act. Nothing that
// a person decided is undone by it (invariant 10): a handle for which anything is in
// force is left alone, and of the rest the contents go, as in an erasure.
//
// Each step is a transaction with its act. Two who run it at once take different
// records, and whoever is killed is carried on by the next.

// Expire is the act by which a rule of retention erases. No person makes it.
const Expire Kind = "expire"

// theHub is who acts where no person does.
const (
	theHub    = "the-hub"
	retention = "retention"
)

const (
	mostExpired  = 256    // leaves that one act names
	expiredPage  = 20_000 // records that are found at once
	handlesPage  = 2_000  // handles that are looked at, at once
	replaysBatch = 5_000
)

// expiry is what an act of retention says of its rule.
type expiry struct {
	EndedDays     int32 `json:"ended_days,omitempty"`
	EnquiriesDays int32 `json:"enquiries_days,omitempty"`
	RefusalsDays  int32 `json:"refusals_days,omitempty"`
}

// Retained is what a pass of retention erased, or is due to.
type Retained struct {
	Identifiers     int // whose relationships ended long ago
	Records         int // contents of enquiries, refusals and what a law had kept
	IdempotencyKeys int
}

// rules are the settings as instants: what ended before is due. A rule that the
// terms do not have is before all time.
type rules struct {
	version                                 int64
	says                                    expiry
	ended, enquiries, refusals, idempotency time.Time
}

func (s *Service) rules(ctx context.Context) (r rules, err error) {
	v, err := s.q.FindRetention(ctx, s.db)
	if err != nil {
		return r, pg.Fault(err)
	}
	now := s.stamp()
	before := func(days int32) time.Time {
		if days == 0 {
			return time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
		}
		return now.AddDate(0, 0, -int(days))
	}
	return rules{
		version: v.Version, says: expiry{v.Ended, v.Enquiries, v.Refusals},
		ended: before(v.Ended), enquiries: before(v.Enquiries), refusals: before(v.Refusals), idempotency: before(v.Idempotency),
	}, nil
}

// listExpired finds a page of records whose contents have been kept long enough.
func (s *Service) listExpired(ctx context.Context, r rules) (ids []ident.UntypedID, err error) {
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if err := s.q.TakeTime(ctx, tx); err != nil {
			return pg.Fault(err)
		}
		ids, err = s.q.ListExpired(ctx, tx, relmgrdb.ListExpiredParams{
			EnquiriesBefore: r.enquiries, RefusalsBefore: r.refusals, EndedBefore: r.ended, PageSize: expiredPage,
		})
		return pg.Fault(err)
	})
	return ids, err
}

// Due counts what is past its time and erases nothing. Records are counted up to a
// page of them.
func (s *Service) Due(ctx context.Context) (due Retained, err error) {
	defer fault.Wrap(&err, "relmgr.Due")
	r, err := s.rules(ctx)
	if err != nil {
		return due, err
	}
	err = s.eachEnded(ctx, r, func(relmgrdb.ListEndedRow) error { due.Identifiers++; return nil })
	if err != nil {
		return due, err
	}
	records, err := s.listExpired(ctx, r)
	if err != nil {
		return due, err
	}
	keys, err := s.q.CountReplays(ctx, s.db, r.idempotency)
	due.Records, due.IdempotencyKeys = len(records), int(keys)
	return due, pg.Fault(err)
}

// Retain erases what is past its time. With an error, what it returns is what was
// erased until then.
func (s *Service) Retain(ctx context.Context) (done Retained, err error) {
	defer fault.Wrap(&err, "relmgr.Retain")
	r, err := s.rules(ctx)
	if err != nil {
		return done, err
	}
	err = s.eachEnded(ctx, r, func(h relmgrdb.ListEndedRow) error {
		gone, err := s.expireHandle(ctx, r, h)
		if gone {
			done.Identifiers++
		}
		return err
	})
	if err != nil {
		return done, err
	}
	for found := expiredPage; found == expiredPage; {
		ids, err := s.listExpired(ctx, r)
		if err != nil {
			return done, err
		}
		found = len(ids)
		for len(ids) > 0 {
			n := min(len(ids), mostExpired)
			gone, err := s.expireRecords(ctx, r, ids[:n])
			if err != nil {
				return done, err
			}
			done.Records, ids = done.Records+gone, ids[n:]
		}
	}
	for n := int64(replaysBatch); n == replaysBatch; done.IdempotencyKeys += int(n) {
		if n, err = s.q.DeleteReplays(ctx, s.db, relmgrdb.DeleteReplaysParams{Before: r.idempotency, PageSize: replaysBatch}); err != nil {
			return done, pg.Fault(err)
		}
	}
	s.retained.Set(float64(s.now().Unix()))
	return done, nil
}

// eachEnded lists the handles for which nothing is in force any more.
func (s *Service) eachEnded(ctx context.Context, r rules, do func(relmgrdb.ListEndedRow) error) error {
	p := relmgrdb.ListEndedParams{Before: r.ended, FromStart: true, PageSize: handlesPage}
	for {
		page, err := s.q.ListEnded(ctx, s.db, p)
		if err != nil {
			return pg.Fault(err)
		}
		for _, h := range page {
			if !h.Ended {
				continue
			}
			if err := do(h); err != nil {
				return err
			}
		}
		if len(page) < handlesPage {
			return nil
		}
		p.FromStart, p.AfterHandle = false, ident.UntypedID(page[len(page)-1].HandleID)
	}
}

// begins starts an act of a rule.
func (r rules) begins(agency ident.Agency, at time.Time) *deed {
	return &deed{
		Act: ident.NewAct(), Kind: Expire, At: at, Practitioner: theHub, Agency: agency, Role: retention, TermsVersion: r.version,
		Expiry: &r.says, shownTo: []ident.Agency{agency},
	}
}

// expireHandle erases a handle for which nothing is in force, unless somebody is at
// it just now or has been since it was found: another pass comes.
func (s *Service) expireHandle(ctx context.Context, r rules, h relmgrdb.ListEndedRow) (gone bool, err error) {
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		gone = false
		if _, err := s.lockRows(ctx, tx, []ident.HandleID{h.HandleID}); err != nil {
			return err
		}
		if _, err := s.q.HoldStill(ctx, tx, texts([]ident.HandleID{h.HandleID})); pg.Busy(err) {
			return pg.ErrRetry
		} else if err != nil {
			return pg.Fault(err)
		}
		still, err := s.q.ListEnded(ctx, tx, relmgrdb.ListEndedParams{
			Before: r.ended, FromStart: true, One: ident.UntypedID(h.HandleID), PageSize: 1,
		})
		if err != nil {
			return pg.Fault(err)
		}
		if len(still) == 0 || !still[0].Ended {
			return nil
		}
		h = still[0]
		d := r.begins(ident.Agency(h.AgencyID), s.stamp())
		d.Handles = []ident.HandleID{h.HandleID}
		if _, err := s.eraseHandle(ctx, tx, d, h.HandleID, h.ColumnID, Erasure{}); err != nil {
			return err
		}
		gone = true
		return nil
	})
	if fault.KindOf(err) == fault.Unavailable && ctx.Err() == nil { // somebody is at it all the time
		return false, nil
	}
	return gone, err
}

// expireRecords takes the contents of records, by one act that names them.
func (s *Service) expireRecords(ctx context.Context, r rules, ids []ident.UntypedID) (n int, err error) {
	records := make([]string, len(ids))
	for i, id := range ids {
		records[i] = id.String()
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		n = 0
		rows, err := s.q.TakeContents(ctx, tx, records)
		if err != nil || len(rows) == 0 {
			return pg.Fault(err)
		}
		d := r.begins(theHub, s.stamp())
		gone := relmgrdb.EraseContentsParams{ActID: d.Act}
		for _, v := range rows {
			gone.RecordIds, gone.Commitments, gone.Rests = append(gone.RecordIds, v.RecordID.String()), append(gone.Commitments, v.Commitment), append(gone.Rests, v.Rest)
		}
		d.Erases = leaf.ErasedOf(gone.Commitments, gone.Rests)
		if _, err := s.record(ctx, tx, d); err != nil {
			return err
		}
		n = len(rows)
		return pg.Fault(s.q.EraseContents(ctx, tx, gone))
	})
	return n, err
}
