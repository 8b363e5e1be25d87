package relmgr

import (
	"context"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Recent is an enquiry as whoever made it finds it again: what they asked, never what
// they were told, which is decided anew each time (invariant 8).
type Recent struct {
	ID          ident.EnquiryID
	At          time.Time
	Identifier  Identifier // empty where it was refused or about a stranger, and where it is erased or has left the column
	Purpose     string
	Reason      string
	Concerning  string
	Transaction string
	Emergency   bool
	StoppedAt   int // the step that refused it, 0 for none
}

// ListRecent lists what the caller has asked themself from one of their columns, newest
// first, after the enquiry of the cursor; next is zero on the last page. It rests on the
// caller's own records alone, and so tells nothing that hides and is no enquiry.
func (s *Service) ListRecent(ctx context.Context, who decide.Caller, column ident.Column, after ident.EnquiryID, limit int) (all []Recent, next ident.EnquiryID, err error) {
	defer fault.Wrap(&err, "relmgr.ListRecent")
	c, err := s.column(who, column, s.stamp())
	if err != nil {
		return nil, next, err
	}
	rows, err := s.q.ListRecent(ctx, s.db, relmgrdb.ListRecentParams{
		PractitionerID: who.Practitioner, AgencyID: who.Agency, ColumnID: c.ID, FromStart: after.IsZero(), AfterEnquiry: ident.UntypedID(after), PageSize: int32(limit) + 1,
	})
	if err != nil {
		return nil, next, pg.Fault(err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].EnquiryID
	}
	for _, r := range rows {
		one := Recent{
			ID: r.EnquiryID, At: r.At.UTC(), Purpose: r.Purpose, Reason: r.Reason, Concerning: r.Concerning, Transaction: r.Transaction, Emergency: r.Emergency, StoppedAt: int(r.StoppedAt),
		}
		if r.WrappedBy != "" {
			if one.Identifier, err = s.keys.open(ctx, c, sealed{r.HandleID, r.Sealed, r.WrappedKey, r.WrappedBy}); err != nil {
				return nil, next, err
			}
		}
		all = append(all, one)
	}
	return all, next, nil
}

// Waiting is an act that waits for somebody, and whom of the caller's own it is about.
type Waiting struct {
	What       Wait
	Act        ident.ReferenceID
	At         time.Time // the day alone, in UTC, of another agency's act
	Handle     ident.HandleID
	Identifier Identifier
	Twin       *Twin // of a duplicate
}

// Wait says what an act waits for.
type Wait string

// The kinds. Which it is depends on acts that the caller's agency is shown anyway
// (GET /relmgr/v1/acts), never on what bars them; a duplicate on what it is told of both.
const (
	Disputed  Wait = "disputed"   // somebody says which correlations hold: until then they answer nobody (IDX-18)
	ToConfirm Wait = "to-confirm" // the other side's joint correlation waits for this one's word (ACT-06)
	Proposed  Wait = "proposed"   // this side's joint correlation waits for the other's
	Together  Wait = "published"  // a joint publication waits for the person's (PUB-03)
	Duplicate Wait = "duplicate"  // the column has one person under two identifiers, or two people are taken for one (IDX-12)
)

// waitsFor is how long a joint act is listed: what nobody has confirmed by then, nobody
// will, and the decisions that it rests on are over or due for review.
const waitsFor = 366 * 24 * time.Hour

// mostListed bounds the list: whoever has more deals with the oldest first.
const mostListed = 200

// ListWaiting lists what waits in a column of the caller's, oldest first, and whether
// there is more. The read is recorded as an enquiry first.
func (s *Service) ListWaiting(ctx context.Context, who decide.Caller, column ident.Column, why Why) (all []Waiting, more bool, err error) {
	defer fault.Wrap(&err, "relmgr.ListWaiting")
	at := s.stamp()
	if err := why.check(who.Terms); err != nil {
		return nil, false, err
	}
	c, err := s.column(who, column, at)
	if err != nil {
		return nil, false, err
	}
	rows, err := s.q.ListCases(ctx, s.db, relmgrdb.ListCasesParams{AgencyID: string(who.Agency), ColumnID: c.ID, Since: at.Add(-waitsFor), PageSize: mostListed + 1})
	if err != nil {
		return nil, false, pg.Fault(err)
	}
	if more = len(rows) > mostListed; more {
		rows = rows[:mostListed]
	}
	var acts []ident.ActID
	for _, r := range rows {
		acts = append(acts, r.ActID)
	}
	undoings, err := s.q.ListUndoings(ctx, s.db, texts(acts))
	if err != nil {
		return nil, false, pg.Fault(err)
	}
	for _, r := range rows {
		if !inEffect(r.ActID, undoings) {
			continue
		}
		id, err := s.keys.open(ctx, c, sealed{r.HandleID, r.Sealed, r.WrappedKey, r.WrappedBy})
		if err != nil {
			return nil, false, err
		}
		one := Waiting{What: Wait(r.What), Act: r.ReferenceID, At: r.At.UTC(), Handle: r.HandleID, Identifier: id}
		if one.What == ToConfirm {
			one.At = one.At.Truncate(24 * time.Hour) // no instant is shown to two agencies (invariant 4)
		}
		all = append(all, one)
	}
	twice, joins, err := s.duplicates(ctx, who, c, why, at)
	if err != nil {
		return nil, false, err
	}
	acts, all = append(acts, joins...), append(all, twice...)
	slices.SortStableFunc(all, func(a, b Waiting) int { return a.At.Compare(b.At) })
	if len(all) > mostListed {
		all, more = all[:mostListed], true
	}
	return all, more, s.recordRead(ctx, who, reading{Reads: readCases, Column: c.ID, Shown: texts(acts)}, why, at)
}
