package relmgr

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Relied is a decision that something in the index rests on. It names nobody:
// whoever may see the act finds it by its reference.
type Relied struct {
	Act          ident.ReferenceID
	Kind         Kind
	At           time.Time
	Practitioner ident.Practitioner
	Role         string
	TermsVersion int64
	Profile      string
	Telling      decide.Telling // of an override
	Because      string         // what it rested on and no longer holds, empty where it stands
	decide.Standing
}

// DecisionState says which decisions to list.
type DecisionState string

// The states. Unjudged are overrides that nobody has judged, standing or not.
const (
	Suspended DecisionState = "suspended"
	Standing  DecisionState = "standing"
	Unjudged  DecisionState = "override"
)

// Reliance says which decisions to list.
type Reliance struct {
	State   DecisionState
	RestsOn string // an agreement, power, condition, kind of order or law profile; empty: any
	After   ident.DecisionID
	Limit   int
}

// What one call reads at most: it looks through pageRead decisions at a time,
// and gives what it has found when it has looked through mostPages of them.
const (
	pageRead  = 200
	mostPages = 20
)

// ListDecisions lists decisions of the caller's agency and whether they stand
// under the terms of now (LEG-27). Nothing here depends on what another party
// has done, save what undid the act, which is known to both: a correlation that
// was barred is listed as any other. A page may be short, or empty, and have a
// next. The read is recorded as an enquiry itself first.
func (s *Service) ListDecisions(ctx context.Context, who decide.Caller, which Reliance, why Why) (out []Relied, next ident.DecisionID, err error) {
	defer fault.Wrap(&err, "relmgr.ListDecisions")
	role, err := managing(who)
	if err != nil {
		return nil, next, err
	}
	if err := why.check(who.Terms); err != nil {
		return nil, next, err
	}
	at := s.stamp()
	if out, next, err = s.relied(ctx, who, which, at); err != nil {
		return nil, ident.DecisionID{}, err
	}
	shown := make([]ident.ReferenceID, len(out))
	for i, d := range out {
		shown[i] = d.Act
	}
	if err := s.recordRead(ctx, who, reading{Role: role, Reads: readReviews, List: listDecisions, Shown: texts(shown)}, why, at); err != nil {
		return nil, ident.DecisionID{}, err
	}
	return out, next, nil
}

// managing is the caller's role among those that correlate or review under an
// agreement of their agency.
func managing(who decide.Caller) (string, error) {
	roles := rolesIn(who, func(a decide.Agreement) []string { return slices.Concat(a.Roles.Correlate, a.Roles.Review) })
	role, ok := who.RoleAmong(roles)
	if !ok {
		return "", fault.New(fault.Forbidden, "this needs one of the roles %v", roles)
	}
	return role, nil
}

// relied looks for what is asked for, and says where to go on.
func (s *Service) relied(ctx context.Context, who decide.Caller, which Reliance, at time.Time) (out []Relied, next ident.DecisionID, err error) {
	for range mostPages {
		rows, err := s.q.ListRelied(ctx, s.db, relmgrdb.ListReliedParams{
			AgencyID: who.Agency, At: at, RestsOn: which.RestsOn, Overrides: which.State == Unjudged,
			FromStart: which.After.IsZero(), AfterDecision: ident.UntypedID(which.After), PageSize: pageRead,
		})
		if err != nil {
			return nil, next, pg.Fault(err)
		}
		acts := make([]ident.ActID, len(rows))
		for i, r := range rows {
			acts[i] = r.ActID
		}
		undoings, err := s.q.ListUndoings(ctx, s.db, texts(acts))
		if err != nil {
			return nil, next, pg.Fault(err)
		}
		for _, r := range rows {
			d := reliedOn(r)
			d.Because = who.Terms.Suspended(d.Standing, at)
			if !inEffect(r.ActID, undoings) || which.State == Suspended && d.Because == "" || which.State == Standing && d.Because != "" {
				continue
			}
			if len(out) == which.Limit {
				return out, which.After, nil
			}
			out, which.After = append(out, d), r.DecisionID
		}
		if len(rows) < pageRead {
			return out, ident.DecisionID{}, nil
		}
		which.After = rows[len(rows)-1].DecisionID
	}
	return out, which.After, nil
}

func reliedOn(r relmgrdb.ListReliedRow) Relied {
	return Relied{
		Act: r.ReferenceID, Kind: Kind(r.Kind), At: r.At.UTC(), Practitioner: r.PractitionerID, Role: r.Role,
		TermsVersion: r.TermsVersion, Profile: r.Profile, Telling: decide.Telling(r.Telling),
		Standing: decide.Standing{
			Column: r.ColumnID, Agreement: r.Agreement, Power: r.Power, Ground: decide.Ground(r.Ground), Purposes: r.Purposes,
			Audience: decide.Audience{Kind: decide.AudienceKind(r.AudienceKind), Names: r.Audience}, Until: r.Until.UTC(), Consented: r.Consented,
			Mode: decide.Mode(r.Mode), Aspects: r.Aspects, Conditions: decide.Conditions{Ordinary: r.Ordinary, Sensitive: r.Sensitive},
			Review: r.ReviewAt.UTC(), Risk: r.Risk, Rejected: r.Outcome == "not-justified",
		},
	}
}

// JudgeOverride records what a reviewer of the deciding agency made of an
// override, once (LEG-15). Nobody reviews their own. Not justified, it discloses
// nothing from then on.
func (s *Service) JudgeOverride(ctx context.Context, who decide.Caller, act ident.ReferenceID, outcome, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.JudgeOverride")
	at := s.stamp()
	role, err := judging(who, reason)
	if err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		overrides, err := s.q.FindOverrides(ctx, tx, relmgrdb.FindOverridesParams{ReferenceID: act, AgencyID: who.Agency})
		if err != nil {
			return pg.Fault(err)
		}
		if len(overrides) == 0 {
			return fault.New(fault.NotKnown, "no override of your agency has that reference: list them with GET /relmgr/v1/decisions?state=override")
		}
		d := begin(who, Judge, role, at)
		d.Reason, d.Outcome = reason, outcome
		for _, o := range overrides {
			if o.PractitionerID == who.Practitioner {
				return fault.New(fault.Forbidden, "somebody else has to review your override")
			}
			d.Judges = append(d.Judges, o.DecisionID)
		}
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		for _, o := range d.Judges {
			err := s.q.RecordOverrideOutcome(ctx, tx, relmgrdb.RecordOverrideOutcomeParams{DecisionID: o, ActID: d.Act, Outcome: outcome})
			if pg.Constraint(err) == "override_outcomes_pkey" {
				return fault.New(fault.Conflict, "somebody has reviewed this override already")
			} else if err != nil {
				return pg.Fault(err)
			}
		}
		return nil
	})
	return s.orEarlier(ctx, receipt, err)
}
