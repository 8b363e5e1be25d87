package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// What is imposed on a subject is told them unless a risk is recorded, which
// somebody else looks at again by a date; they may object, and one of the higher
// role who did not impose it rules (ACT-06, E2E-26).

const (
	// longestSilence is how far ahead the next look at a risk may be put.
	longestSilence = 90 * 24 * time.Hour
	// ruleWithin is how soon an objection is ruled on.
	ruleWithin = 28 * 24 * time.Hour
)

// Risk is why a subject is not to be told of what was imposed on them.
type Risk string

// Telling says whether the subject is to be told of an imposed act: told where
// Risk is empty. What is not told has a date by which somebody else looks again.
type Telling struct {
	Risk     Risk      `json:"risk,omitempty"`
	ReviewBy time.Time `json:"review_by,omitzero"`
}

// check refuses a silence on what is not imposed, and one without an end.
func (t *Telling) check(m decide.Mode, at time.Time) error {
	switch {
	case t == nil:
		return nil
	case m != decide.Imposed:
		return fault.At("/not_told", "leave it out: only what is imposed may be kept from the subject")
	case !t.ReviewBy.After(at) || t.ReviewBy.After(at.Add(longestSilence)):
		return fault.At("/not_told/review_by", "say by when somebody else looks at the risk again: within 90 days")
	}
	return nil
}

// toldOf is what is recorded of an act in that mode: nil unless it is imposed.
func toldOf(m decide.Mode, t *Telling) *Telling {
	if m != decide.Imposed {
		return nil
	}
	if t == nil {
		return &Telling{}
	}
	return &Telling{Risk: t.Risk, ReviewBy: t.ReviewBy.UTC().Truncate(time.Microsecond)}
}

// toTell keeps what the deed says of telling the subject, if it says anything.
func (s *Service) toTell(ctx context.Context, tx *sql.Tx, d *deed, of ident.ActID, handle ident.HandleID) error {
	if d.Telling == nil {
		return nil
	}
	p := relmgrdb.RecordTellingParams{
		ActID: d.Act, TellsOf: of, HandleID: handle, AgencyID: d.Agency, At: d.At, Told: d.Telling.Risk == "", Risk: string(d.Telling.Risk),
	}
	if !p.Told {
		p.ReviewBy = sql.NullTime{Time: d.Telling.ReviewBy, Valid: true}
	}
	if err := s.q.RecordTelling(ctx, tx, p); err != nil {
		return pg.Fault(err)
	}
	return nil
}

// Untold is an imposed act of which the subject is not to be told.
type Untold struct {
	Act          ident.ReferenceID
	Kind         Kind
	At           time.Time
	Practitioner ident.Practitioner // who said so last
	Role         string
	Risk         Risk
	ReviewBy     time.Time
	Overdue      bool
}

// ListUntold lists what the caller's agency has imposed and keeps from the
// subject, what waits longest for somebody to look again first. The read is
// recorded as an enquiry itself first.
func (s *Service) ListUntold(ctx context.Context, who decide.Caller, limit int, why Why) (out []Untold, err error) {
	defer fault.Wrap(&err, "relmgr.ListUntold")
	at := s.stamp()
	role, err := higher(who, at)
	if err != nil {
		return nil, err
	}
	if err := why.check(who.Terms); err != nil {
		return nil, err
	}
	rows, err := s.q.ListTellings(ctx, s.db, relmgrdb.ListTellingsParams{AgencyID: who.Agency, PageSize: int32(limit)})
	if err != nil {
		return nil, pg.Fault(err)
	}
	var shown []ident.ReferenceID
	for _, r := range rows {
		shown = append(shown, r.ReferenceID)
		out = append(out, Untold{
			Act: r.ReferenceID, Kind: Kind(r.Kind), At: r.At.UTC(), Practitioner: r.PractitionerID, Role: r.Role,
			Risk: Risk(r.Risk.String), ReviewBy: r.ReviewBy.Time.UTC(), Overdue: !at.Before(r.ReviewBy.Time),
		})
	}
	if err := s.recordRead(ctx, who, reading{Role: role, Reads: readReviews, List: listUntold, Shown: texts(shown)}, why, at); err != nil {
		return nil, err
	}
	return out, nil
}

// higher returns the caller's role among those that may impose under an agreement
// of their agency.
func higher(who decide.Caller, at time.Time) (string, error) {
	roles := rolesIn(who, func(a decide.Agreement) []string {
		if who.Terms.FindAgreement(a.Code, at) == nil {
			return nil
		}
		return a.Roles.Impose
	})
	role, ok := who.RoleAmong(roles)
	if !ok {
		return "", fault.New(fault.Forbidden, "what is imposed is for one of the roles %v", roles)
	}
	return role, nil
}

// ReviewTelling says anew whether the subject is to be told of an imposed act of
// the caller's agency: nil tells them. Whoever kept it from them last cannot
// keep it from them again, but may tell.
func (s *Service) ReviewTelling(ctx context.Context, who decide.Caller, act ident.ReferenceID, t *Telling, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.ReviewTelling")
	at := s.stamp()
	if err := declaredReason(who.Terms, reason); err != nil {
		return Receipt{}, err
	}
	if err := t.check(decide.Imposed, at); err != nil {
		return Receipt{}, err
	}
	role, err := higher(who, at)
	if err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		now, err := s.q.FindTelling(ctx, tx, relmgrdb.FindTellingParams{ReferenceID: act, AgencyID: who.Agency})
		if errors.Is(err, sql.ErrNoRows) {
			return unknownAct()
		} else if err != nil {
			return pg.Fault(err)
		}
		if t != nil && now.PractitionerID == who.Practitioner {
			return fault.New(fault.Forbidden, "somebody else has to look at the risk: you judged it last")
		}
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		d := begin(who, Tell, role, at)
		d.Reason, d.TellsOf, d.Telling, d.Handles = reason, now.TellsOf, toldOf(decide.Imposed, t), []ident.HandleID{now.HandleID}
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		return s.toTell(ctx, tx, d, now.TellsOf, now.HandleID)
	})
	return receipt, err
}

// RecordObjection records that the subject objects to what was imposed on them,
// as they said it to a member of a column that the act is about. The agency that
// imposed it rules. The act stays in effect until then.
func (s *Service) RecordObjection(ctx context.Context, who decide.Caller, act ident.ReferenceID, reason string, evidence Evidence) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.RecordObjection")
	at := s.stamp()
	if err := declaredReason(who.Terms, reason); err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		imposed, err := s.q.FindImposed(ctx, tx, relmgrdb.FindImposedParams{ReferenceID: act, AgencyID: who.Agency})
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotKnown, "nothing imposed that you may know of has that reference: list acts with GET /relmgr/v1/acts")
		} else if err != nil {
			return pg.Fault(err)
		}
		if _, err := s.mayRead(ctx, who, imposed.ActID); err != nil {
			return err
		}
		roles := slices.Concat(editors(who, Publish), editors(who, Correlate))
		role, ok := who.RoleAmong(roles)
		if !ok {
			return fault.New(fault.Forbidden, "recording an objection needs one of the roles %v", roles)
		}
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		d := begin(who, Object, role, at)
		d.bySubject(evidence)
		d.Reason, d.Objects = reason, imposed.ActID
		if d.Handles, err = s.handlesOf(ctx, tx, imposed.ActID); err != nil {
			return err
		}
		d.shownTo = append(d.shownTo, imposed.AgencyID)
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		if err := s.q.RecordObjection(ctx, tx, relmgrdb.RecordObjectionParams{
			ActID: d.Act, ObjectsTo: imposed.ActID, AgencyID: imposed.AgencyID, At: at, DueAt: at.Add(ruleWithin),
		}); err != nil {
			return pg.Fault(err)
		}
		return nil
	})
	return receipt, err
}

// Objection is what a subject objects to and nobody has ruled on.
type Objection struct {
	Objection, Imposed ident.ReferenceID
	Kind               Kind // of what was imposed
	Agreement          string
	At, Due            time.Time // the day alone: another agency may have recorded it
	Overdue            bool
}

// ListObjections lists what subjects object to of what the caller's agency has
// imposed, oldest first. The read is recorded as an enquiry itself first.
func (s *Service) ListObjections(ctx context.Context, who decide.Caller, limit int, why Why) (out []Objection, err error) {
	defer fault.Wrap(&err, "relmgr.ListObjections")
	at := s.stamp()
	role, err := higher(who, at)
	if err != nil {
		return nil, err
	}
	if err := why.check(who.Terms); err != nil {
		return nil, err
	}
	rows, err := s.q.ListObjections(ctx, s.db, relmgrdb.ListObjectionsParams{AgencyID: who.Agency, PageSize: int32(limit)})
	if err != nil {
		return nil, pg.Fault(err)
	}
	var shown []ident.ReferenceID
	for _, r := range rows {
		shown = append(shown, r.ReferenceID)
		out = append(out, Objection{
			Objection: r.ReferenceID, Imposed: r.Imposed, Kind: Kind(r.Kind), Agreement: r.Agreement,
			At: r.At.UTC().Truncate(24 * time.Hour), Due: r.DueAt.UTC().Truncate(24 * time.Hour), Overdue: !at.Before(r.DueAt),
		})
	}
	if err := s.recordRead(ctx, who, reading{Role: role, Reads: readReviews, List: listObjections, Shown: texts(shown)}, why, at); err != nil {
		return nil, err
	}
	return out, nil
}

// Outcomes of a ruling.
const (
	Upheld    = "upheld"
	Dismissed = "dismissed"
)

// RuleOnObjection is the adjudication, once: upheld undoes what was imposed in the
// same act. It takes the role that may impose under the agreement, and somebody
// other than who did.
func (s *Service) RuleOnObjection(ctx context.Context, who decide.Caller, objection ident.ReferenceID, outcome, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.RuleOnObjection")
	at := s.stamp()
	if err := declaredReason(who.Terms, reason); err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		o, err := s.q.FindObjection(ctx, tx, relmgrdb.FindObjectionParams{ReferenceID: objection, AgencyID: who.Agency})
		if errors.Is(err, sql.ErrNoRows) {
			return fault.New(fault.NotKnown, "no objection to what your agency imposed has that reference: list them with GET /relmgr/v1/objections")
		} else if err != nil {
			return pg.Fault(err)
		}
		roles := imposers(who, o.Agreement)
		role, ok := who.RoleAmong(roles)
		if !ok {
			return fault.New(fault.Forbidden, "ruling on it needs one of the roles %v", roles)
		}
		if o.PractitionerID == who.Practitioner {
			return fault.New(fault.Forbidden, "somebody else has to rule on what you imposed")
		}
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		d := begin(who, Rule, role, at)
		d.Reason, d.RulesOn, d.Outcome = reason, o.ActID, outcome
		if d.Handles, err = s.handlesOf(ctx, tx, o.ObjectsTo); err != nil {
			return err
		}
		for _, of := range []ident.ActID{o.ObjectsTo, o.ActID} {
			agencies, err := s.q.ListActAgencies(ctx, tx, of)
			if err != nil {
				return pg.Fault(err)
			}
			d.shownTo = append(d.shownTo, agencies...)
		}
		if outcome == Upheld {
			d.Undoes = []ident.ActID{o.ObjectsTo}
		}
		if receipt, err = s.enact(ctx, tx, d); err != nil {
			return err
		}
		err = s.q.RecordRuling(ctx, tx, relmgrdb.RecordRulingParams{ObjectionID: o.ActID, ActID: d.Act, Outcome: outcome})
		if pg.Constraint(err) == "rulings_pkey" {
			return fault.New(fault.Conflict, "somebody has ruled on this already")
		} else if err != nil {
			return pg.Fault(err)
		}
		return nil
	})
	return s.orEarlier(ctx, receipt, err)
}
