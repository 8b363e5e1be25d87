package idmgr

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/idmgr/internal/idmgrdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// What a manager kept of a link, of a question that was told nothing and of a case is erased
// once it has been over for as long as the partnership says (LEG-29). It is counted by
// months: rows that look alike lose their contents with all that ended in the same month, so
// that when one does tells nobody which rows were one link's (docs/decisions/0116).

// retention is the role of the acts that a rule makes.
const retention = "retention"

// mostExpired is of how many cases one act erases the reasons.
const mostExpired = 256

// Retain erases what this manager kept of its links, and what the hub kept of its cases, that
// have been over for as long as the terms say; for good where they do not say. n records lost
// their contents. Two who run at once take different ones, and whoever is killed is carried
// on by the next. With an error, n is what was erased until then.
func (s *Service) Retain(ctx context.Context, terms *decide.Terms) (n int, err error) {
	defer fault.Wrap(&err, "idmgr.Retain")
	days := terms.Settings.KeepLinksDays
	if days == 0 {
		return 0, nil
	}
	at := s.now()
	before := monthOf(at.AddDate(0, 0, -days))
	for {
		found, err := s.expireMonth(ctx, terms, before, at)
		if n += found; err != nil {
			return n, err
		}
		if found == 0 {
			break
		}
	}
	for found := 1; found > 0; n += found {
		if found, err = s.expireCases(ctx, terms, before, at); err != nil {
			return n, err
		}
	}
	return n, nil
}

// monthOf is the first instant of a month.
func monthOf(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC) }

// expireMonth erases what was over by the end of the earliest month that has anything to
// erase and ended before an instant, by one record of the journal.
func (s *Service) expireMonth(ctx context.Context, terms *decide.Terms, before, at time.Time) (n int, err error) {
	j := s.journal
	j.mu.Lock()
	defer j.mu.Unlock()
	err = pg.InTx(ctx, j.db, func(tx *sql.Tx) error {
		n = 0
		if err := j.q.WaitForTurn(ctx, tx); err != nil {
			return err
		}
		if err := j.readOn(ctx, tx); err != nil {
			return err
		}
		first := j.earliest()
		if first.IsZero() || !first.Before(before) {
			return nil
		}
		r := &record{
			Act: ident.NewAct(), Manager: s.manager, Kind: expired, At: at, Practitioner: theHub, Agency: ident.Agency(theHub), Role: retention,
			TermsVersion: terms.Version, KeptDays: terms.Settings.KeepLinksDays, Before: monthOf(first).AddDate(0, 1, 0),
		}
		taken, err := j.q.TakeRecords(ctx, tx, j.overBy(r.Before))
		if err != nil {
			return err
		}
		named, err := s.left(ctx, tx, r.Act, taken)
		if err != nil {
			return err
		}
		r.Erases = leaf.ErasedOf(named.Commitments, named.Rests)
		if _, err := j.append(ctx, tx, r); err != nil {
			return err
		}
		n = len(taken)
		return j.q.NameErased(ctx, tx, named)
	})
	if err != nil {
		return 0, err
	}
	return n, j.readOn(ctx, j.db) // which forgets them
}

// expireCases erases why steps of a page of cases were made, by one act.
func (s *Service) expireCases(ctx context.Context, terms *decide.Terms, before, at time.Time) (n int, err error) {
	err = pg.InTx(ctx, s.journal.db, func(tx *sql.Tx) error {
		taken, err := s.q.TakeCases(ctx, tx, idmgrdb.TakeCasesParams{Before: before, Most: mostExpired})
		if n = len(taken); err != nil || n == 0 {
			return err
		}
		a := &act{
			Act: ident.NewAct(), Kind: expired, At: at, Manager: s.manager, Practitioner: theHub, Agency: ident.Agency(theHub), Role: retention,
			TermsVersion: terms.Version, KeptDays: terms.Settings.KeepLinksDays,
		}
		named, err := s.left(ctx, tx, a.Act, taken)
		if err != nil {
			return err
		}
		a.Erases = leaf.ErasedOf(named.Commitments, named.Rests)
		if _, err := s.record(ctx, tx, a); err != nil {
			return err
		}
		return s.q.NameErased(ctx, tx, named)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// left is what an act names of those whose keys were taken.
func (s *Service) left(ctx context.Context, tx *sql.Tx, by ident.ActID, taken []ident.UntypedID) (named idmgrdb.NameErasedParams, err error) {
	named.ActID = ident.UntypedID(by)
	rows, err := s.q.ListLeft(ctx, tx, taken)
	for _, l := range rows {
		named.Commitments, named.Rests = append(named.Commitments, l.Commitment), append(named.Rests, l.Rest)
	}
	return named, err
}

// overAt is from when on nothing can come of the link any more; what was recorded of it later
// changes nothing.
func (l *link) overAt() time.Time {
	at := l.terms.Decision.Until
	for _, t := range []struct {
		counts bool
		at     time.Time
	}{{!l.ended.IsZero(), l.ended}, {l.left() == 0, l.used}, {!l.isTaken(), l.terms.CodeEnds}} {
		if t.counts && t.at.Before(at) {
			at = t.at
		}
	}
	return at
}

// earliest is when the first of what is in memory was over, zero for nothing.
func (j *journal) earliest() (first time.Time) {
	sooner := func(t time.Time) {
		if first.IsZero() || t.Before(first) {
			first = t
		}
	}
	for _, l := range j.links {
		sooner(l.overAt())
	}
	for _, r := range j.loose {
		sooner(r.at)
	}
	return first
}

// overBy are the records of what was over before an instant.
func (j *journal) overBy(before time.Time) (ids []ident.UntypedID) {
	for _, l := range j.links {
		if l.overAt().Before(before) {
			ids = append(ids, l.records...)
		}
	}
	for _, r := range j.loose {
		if r.at.Before(before) {
			ids = append(ids, r.id)
		}
	}
	return ids
}

// forget takes what was over before an instant out of memory: its contents are gone.
func (j *journal) forget(before time.Time) {
	for id, l := range j.links {
		if l.overAt().Before(before) {
			delete(j.links, id)
			delete(j.codes, l.terms.Code)
			if l.far != nil {
				delete(j.fars, *l.far)
			}
		}
	}
	j.loose = slices.DeleteFunc(j.loose, func(r loose) bool { return r.at.Before(before) })
}
