package relmgr

import (
	"context"
	"database/sql"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A registrar that finds a recognition or a statement of its own to be wrong, by the act
// of a person, publishes its id. What rests on it here, an anchor or a correlation, is
// suspended by an act of the hub that names what it undoes, and listed until somebody
// of the agency that made it withdraws that act or ends for good what it suspends
// (AUT-04). Where the registrar takes its word back first, the hub withdraws its act; what
// a person has decided since stands. An enquiry whose answer rested on it has been answered: its agency's
// reviewers are given it.

// Repair is the act by which what rested on a registrar's mistake is suspended. The
// person who decided stands in the registrar's own act.
const Repair Kind = "repair"

// repairing is the role in which the hub suspends.
const repairing = "repair"

// RepairedReview is the cause of a review of an enquiry that rested on a registrar's
// mistake.
const RepairedReview Cause = "repair"

// TakeRepairs suspends what rests on what registrars have found to be wrong, and was
// not taken up before, and lifts what rests on nothing wrong any more; it returns how
// much that was. Each is a transaction of its own, which two who run this at once make
// once, and whoever dies is carried on by the next.
func (s *Service) TakeRepairs(ctx context.Context) (taken int, err error) {
	defer fault.Wrap(&err, "relmgr.TakeRepairs")
	// Read first: what is suspended by now was wrong then, so what is not wrong below has
	// been taken back.
	suspended, err := s.q.ListSuspended(ctx, s.db)
	if err != nil {
		return 0, pg.Fault(err)
	}
	wrong, err := s.q.ListPublishedRepairs(ctx, s.db)
	if err != nil {
		return 0, pg.Fault(err)
	}
	isWrong := map[string]bool{} // statements, and the hashes of recognitions
	const page = 1000
	for len(wrong) > 0 {
		n := min(len(wrong), page)
		var p relmgrdb.ListRelyingParams
		for _, w := range wrong[:n] {
			statement := string(w.Registrar) + "\n" + w.StatementID.String()
			hash, err := s.keys.mac(ctx, recognitionKey, statement)
			if err != nil {
				return taken, err
			}
			isWrong[statement], isWrong[string(hash)] = true, true
			p.Registrars, p.Statements = append(p.Registrars, string(w.Registrar)), append(p.Statements, w.StatementID.String())
			p.Hashes = append(p.Hashes, hash)
		}
		wrong = wrong[n:]
		relying, err := s.q.ListRelying(ctx, s.db, p)
		if err != nil {
			return taken, pg.Fault(err)
		}
		for _, r := range relying {
			done, err := s.repair(ctx, r)
			if err != nil {
				return taken, err
			}
			if done {
				taken++
			}
		}
	}
	for _, r := range suspended {
		if isWrong[r.Registrar+"\n"+r.StatementID] || isWrong[string(r.RecognitionHash)] {
			continue
		}
		done, err := s.lift(ctx, r)
		if err != nil {
			return taken, err
		}
		if done {
			taken++
		}
	}
	return taken, nil
}

// lift withdraws a repair, unless another did, or a person looked, just now.
func (s *Service) lift(ctx context.Context, r relmgrdb.ListSuspendedRow) (done bool, err error) {
	terms, err := s.rules(ctx)
	if err != nil {
		return false, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		n, err := s.q.LiftRepair(ctx, tx, relmgrdb.LiftRepairParams{RecordID: r.RecordID, ActID: r.ActID})
		if done = n > 0; err != nil || !done {
			return pg.Fault(err)
		}
		repair := ident.ActID(r.ActID)
		handles, err := s.handlesOf(ctx, tx, repair)
		if err != nil {
			return err
		}
		agencies, err := s.q.ListActAgencies(ctx, tx, repair)
		if err != nil {
			return pg.Fault(err)
		}
		_, err = s.enact(ctx, tx, &deed{
			Act: ident.NewAct(), Kind: Withdraw, At: s.stamp(), Practitioner: theHub, Agency: ident.Agency(r.AgencyID), Role: repairing,
			TermsVersion: terms.version, Handles: handles, Undoes: []ident.ActID{repair}, shownTo: agencies,
		})
		return err
	})
	return done && err == nil, err
}

// repair takes up one record, unless another did just now.
func (s *Service) repair(ctx context.Context, r relmgrdb.ListRelyingRow) (done bool, err error) {
	terms, err := s.rules(ctx)
	if err != nil {
		return false, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		at := s.stamp()
		if !r.IsAct {
			n, err := s.q.TakeRepair(ctx, tx, relmgrdb.TakeRepairParams{RecordID: r.RecordID})
			if done = n > 0; err != nil || !done {
				return pg.Fault(err)
			}
			return pg.Fault(s.q.ReviewRepaired(ctx, tx, relmgrdb.ReviewRepairedParams{
				EnquiryID: ident.EnquiryID(r.RecordID), AgencyID: ident.Agency(r.AgencyID), At: at, DueAt: at.Add(reviewWithin),
			}))
		}
		act := ident.ActID(r.RecordID)
		handles, err := s.handlesOf(ctx, tx, act)
		if err != nil {
			return err
		}
		agencies, err := s.q.ListActAgencies(ctx, tx, act)
		if err != nil {
			return pg.Fault(err)
		}
		d := &deed{
			Act: ident.NewAct(), Kind: Repair, At: at, Practitioner: theHub, Agency: ident.Agency(r.AgencyID), Role: repairing,
			TermsVersion: terms.version, Handles: handles, Undoes: []ident.ActID{act}, Repairs: r.Registrar, shownTo: agencies,
		}
		if _, err := s.enact(ctx, tx, d); err != nil {
			return err
		}
		n, err := s.q.TakeRepair(ctx, tx, relmgrdb.TakeRepairParams{RecordID: r.RecordID, ActID: ident.UntypedID(d.Act)})
		if done = n > 0; err == nil && !done {
			return errTaken
		}
		return pg.Fault(err)
	})
	if err == errTaken { //nolint:errorlint // as it was returned
		return false, nil
	}
	return done, err
}

// errTaken rolls back what somebody else has just done.
var errTaken = fault.New(fault.Conflict, "another has taken this up")

// SuspendedAct is an act of the caller's agency that a repair has suspended.
type SuspendedAct struct {
	Repair   ident.ReferenceID
	At       time.Time
	Suspends ident.ReferenceID
	Kind     Kind // of the act that is suspended
}

// ListRepairs lists what registrars' mistakes have suspended of what the caller's agency
// made or is party to, and nobody has looked at, the oldest first. The read is recorded
// as an enquiry itself first.
func (s *Service) ListRepairs(ctx context.Context, who decide.Caller, limit int, why Why) (out []SuspendedAct, err error) {
	defer fault.Wrap(&err, "relmgr.ListRepairs")
	at := s.stamp()
	roles := append(editors(who, AttachAnchor), editors(who, Correlate)...)
	role, ok := who.RoleAmong(roles)
	if !ok {
		return nil, fault.New(fault.Forbidden, "what registrars' mistakes have suspended is for one of the roles %v", roles)
	}
	if err := why.check(who.Terms); err != nil {
		return nil, err
	}
	rows, err := s.q.ListRepairs(ctx, s.db, relmgrdb.ListRepairsParams{AgencyID: who.Agency, PageSize: int32(limit)})
	if err != nil {
		return nil, pg.Fault(err)
	}
	var shown []ident.ReferenceID
	for _, r := range rows {
		shown = append(shown, r.ReferenceID)
		out = append(out, SuspendedAct{Repair: r.ReferenceID, At: r.At.UTC(), Suspends: r.Suspends, Kind: Kind(r.Kind)})
	}
	if err := s.recordRead(ctx, who, reading{Role: role, Reads: readReviews, List: listRepairs, Shown: texts(shown)}, why, at); err != nil {
		return nil, err
	}
	return out, nil
}
