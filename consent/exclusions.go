package consent

import (
	"context"
	"database/sql"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// ExclusionRequest is whom a person wants left out (PUB-07).
type ExclusionRequest struct {
	Proof    string // relmgr's, that the caller brings this handle
	Agency   ident.Agency
	Evidence Evidence
}

// Excluded names a new exclusion and the act that recorded it.
type Excluded struct {
	Exclusion ident.ExclusionID
	Receipt
}

// Exclude records that the person whom the proof's handle stands for wants one
// agency left out, from now on. That it works in both directions is relmgr's
// to see to.
//
// It answers as Capture does. An agency that is no member, the caller's own
// and the one that controls the column are Invalid. The same agency may be
// excluded twice; each exclusion ends by itself.
func (s *Service) Exclude(ctx context.Context, caller decide.Caller, req ExclusionRequest) (excluded Excluded, err error) {
	defer fault.Wrap(&err, "consent.Exclude")
	at := s.now()
	role, err := mayPublish(caller, at)
	if err != nil {
		return Excluded{}, err
	}
	handle, column, err := s.proved(ctx, caller, req.Proof, at)
	if err != nil {
		return Excluded{}, err
	}
	if err := req.check(caller, column, at); err != nil {
		return Excluded{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		r := begin(exclude, caller, role, at)
		r.Handle, r.Held, r.Evidence = handle, column.Agency, req.Evidence
		r.Exclusion, r.Excluded = ident.NewExclusion(), req.Agency
		excluded, err = s.leaveOut(ctx, tx, &r)
		return err
	})
	return excluded, err
}

// leaveOut puts an exclusion and its act into tx. r has who, when, whom and for which
// handle.
func (s *Service) leaveOut(ctx context.Context, tx *sql.Tx, r *record) (Excluded, error) {
	receipt, err := s.append(ctx, tx, r)
	if err != nil {
		return Excluded{}, err
	}
	return Excluded{Exclusion: r.Exclusion, Receipt: receipt}, s.queries.InsertExclusion(ctx, tx, exclusionRow(r))
}

// check says what of the request cannot be used.
func (r *ExclusionRequest) check(caller decide.Caller, column *decide.Column, at time.Time) error {
	var c checks
	another := r.Agency != caller.Agency && r.Agency != column.Agency
	c.that(another && caller.Terms.FindAgency(r.Agency, at) != nil, "/agency",
		"name a member agency that is neither your own nor the column's")
	c.evidence(r.Evidence)
	return c.fault()
}

// Include ends an exclusion at once, under Withdraw's rules: whoever may
// publish at the agency that recorded it, with evidence and nothing more; the
// second time and two at once get the first one's receipt; unknown and another
// agency's are the same NotKnown.
func (s *Service) Include(ctx context.Context, caller decide.Caller, id ident.ExclusionID, evidence Evidence) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "consent.Include")
	return s.end(ctx, caller, evidence, s.inclusion(id, unknown("exclusion"), func(tx *sql.Tx, r *record) error {
		row, err := s.queries.FindExclusion(ctx, tx, consentdb.FindExclusionParams{
			ExclusionID: id, CallerAgency: caller.Agency, Caller: caller.Practitioner,
		})
		r.Handle, r.Held, r.Exclusion, r.Excluded = row.HandleID, row.AgencyID, id, row.Excluded
		return err
	}))
}

// inclusion ends one exclusion, which find finds.
func (s *Service) inclusion(id ident.ExclusionID, unknown error, find func(*sql.Tx, *record) error) ending {
	return ending{
		kind: include, unknown: unknown, find: find,
		first: func(ctx context.Context, tx *sql.Tx) (Receipt, error) {
			first, err := s.queries.FindInclusion(ctx, tx, id)
			return Receipt{Act: first.ActID, Commitment: first.Commitment}, err
		},
		insert: func(ctx context.Context, tx *sql.Tx, r *record) (int64, error) {
			return s.queries.InsertInclusion(ctx, tx, consentdb.InsertInclusionParams{
				ExclusionID: id, ActID: r.Act, At: r.At, Evidence: string(r.Evidence),
			})
		},
	}
}
