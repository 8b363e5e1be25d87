package registrar

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// Who can decide for themself acts alone, and nobody acts for them. For who cannot, an
// adult with authority does, as far as it goes (LEG-21, SUB-12). Whether somebody can is
// presumed by their age, from the law profile's, and an assessment outweighs that.

// The kinds of act.
const (
	assessCompetence     = "assess-competence"
	recordRepresentative = "record-representative"
	endRepresentative    = "end-representative"
)

// longestAssessed bounds how long an assessment or an authority may hold unseen.
const longestAssessed = 18 * 366 * 24 * time.Hour

// Assessment is what somebody found of a person's competence, until when it holds.
type Assessment struct {
	Competent bool
	Until     time.Time
	Reason    string
}

// Representation is by what right one person acts for another, and how far.
type Representation struct {
	Representative Entry // of the same register
	Authority      string
	Evidence       string
	Scope          []string // see, decide
	Until          time.Time
	Reason         string
}

// assessed, and represented, are the rows of their acts.
type assessed struct {
	Subject   ident.Subject `json:"subject"`
	Competent bool          `json:"competent"`
	Until     time.Time     `json:"until"`
}

type represented struct {
	Subject        ident.Subject `json:"subject"`
	Representative ident.Subject `json:"representative"`
	Authority      string        `json:"authority"`
	Evidence       string        `json:"evidence"`
	Scope          []string      `json:"scope"`
	Until          time.Time     `json:"until"`
}

// representDeed is what an act about somebody's competence, or who acts for them, did.
type representDeed struct {
	Assessed         *assessed     `json:"assessed,omitempty"`
	Represented      *represented  `json:"represented,omitempty"`
	EndsRepresenting []ident.ActID `json:"ends_representing,omitempty"`
}

// Assess records whether a person can decide for themself: it outweighs what is
// presumed by age, from the next request on, until it ends or the next one. Errors:
// Forbidden for all who do not keep the register, NotKnown, Invalid.
func (s *Service) Assess(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, a Assessment) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.Assess")
	return s.aboutPerson(ctx, caller, id, entry, a.Reason, a.Until, assessCompetence, func(tx *sql.Tx, subject ident.Subject, d *deed) (func(ident.ActID) error, error) {
		d.Assessed = &assessed{subject, a.Competent, exact(a.Until)}
		return func(act ident.ActID) error {
			return s.queries.Assess(ctx, tx, registrardb.AssessParams{ActID: act, SubjectID: subject, Competent: a.Competent, EndsAt: d.Assessed.Until})
		}, nil
	})
}

// RecordRepresentative records by what authority somebody of the same register acts for
// a person. It has effect while the person cannot decide for themself, and no longer
// than it says. Errors are Assess's.
func (s *Service) RecordRepresentative(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, r Representation) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.RecordRepresentative")
	return s.aboutPerson(ctx, caller, id, entry, r.Reason, r.Until, recordRepresentative, func(tx *sql.Tx, subject ident.Subject, d *deed) (func(ident.ActID) error, error) {
		other, err := s.find(ctx, tx, caller, id, r.Representative)
		if err != nil {
			return nil, err
		}
		if other.SubjectID == subject {
			return nil, fault.At("/representative", "name somebody else: nobody represents themself")
		}
		scope := slices.Sorted(slices.Values(r.Scope))
		d.Represented = &represented{subject, other.SubjectID, r.Authority, r.Evidence, scope, exact(r.Until)}
		return func(act ident.ActID) error {
			return s.queries.RecordRepresentative(ctx, tx, registrardb.RecordRepresentativeParams{
				ActID: act, SubjectID: subject, RepresentativeID: other.SubjectID, Authority: r.Authority, Evidence: r.Evidence, Scope: scope, EndsAt: d.Represented.Until,
			})
		}, nil
	})
}

// EndRepresentative ends all by which one person acts for another, at once. NotKnown
// where there is nothing to end. Other errors are Assess's.
func (s *Service) EndRepresentative(ctx context.Context, caller decide.Caller, id ident.Register, entry, representative Entry, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.EndRepresentative")
	return s.aboutPerson(ctx, caller, id, entry, reason, s.now().Add(time.Hour), endRepresentative, func(tx *sql.Tx, subject ident.Subject, d *deed) (func(ident.ActID) error, error) {
		other, err := s.find(ctx, tx, caller, id, representative)
		if err != nil {
			return nil, err
		}
		d.EndsRepresenting, err = s.queries.ListRepresenting(ctx, tx, registrardb.ListRepresentingParams{Subject: ident.UntypedID(subject), Representative: ident.UntypedID(other.SubjectID)})
		if err == nil && len(d.EndsRepresenting) == 0 {
			err = notThere("representative")
		}
		return func(act ident.ActID) error {
			for _, of := range d.EndsRepresenting {
				err := s.queries.EndRepresentative(ctx, tx, registrardb.EndRepresentativeParams{Represents: of, ActID: act})
				if pg.Constraint(err) == "representatives_ended_pkey" {
					return notThere("representative") // ended at the same time
				}
				if err != nil {
					return err
				}
			}
			return nil
		}, err
	})
}

// aboutPerson is an act of one who keeps the register about an entry of it: prepare
// says what it does, and returns what does it.
func (s *Service) aboutPerson(ctx context.Context, caller decide.Caller, id ident.Register, entry Entry, reason string, until time.Time, kind string,
	prepare func(*sql.Tx, ident.Subject, *deed) (func(ident.ActID) error, error),
) (receipt Receipt, err error) {
	at := s.now()
	role, err := s.opens(ctx, caller, id, reason, func(c *checks) {
		c.that(until.After(at) && until.Before(at.Add(longestAssessed)), "name a time to come, within eighteen years", "%s/until", map[bool]string{true: "/proxy"}[kind == recordRepresentative])
	})
	if err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		found, err := s.find(ctx, tx, caller, id, entry)
		if err != nil {
			return err
		}
		d := deed{Reason: reason}
		carryOut, err := prepare(tx, found.SubjectID, &d)
		if err != nil {
			return err
		}
		a := s.Begin(kind, caller, role, at)
		a.Deed = d
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		return carryOut(a.ID)
	})
	return receipt, err
}

// competent reports whether a person can decide for themself: as was assessed last, or
// else as is presumed of their age. Where a register knows no date of birth, or the
// profile no age, nothing is presumed against anybody.
func (s *Service) competent(ctx context.Context, terms *decide.Terms, subject ident.Subject, items []Kept, at time.Time) (bool, error) {
	found, err := s.queries.FindAssessment(ctx, s.db, registrardb.FindAssessmentParams{Subject: ident.UntypedID(subject), Now: at})
	if err == nil {
		return found, nil
	} else if !errors.Is(err, sql.ErrNoRows) {
		return false, pg.Fault(err)
	}
	p := terms.Presumes()
	if p == nil {
		return true, nil
	}
	for _, k := range items {
		if k.Birth != nil {
			return oldEnough(k.Birth, p.From, at), nil
		}
	}
	return true, nil
}

// oldEnough reports whether somebody born then is surely that old: of a date that is
// not known to the day, or may be wrong by years, the latest that it can be counts.
func oldEnough(b *Birth, years int, at time.Time) bool {
	year, err := strconv.Atoi(b.Date[:min(4, len(b.Date))])
	if err != nil {
		return false
	}
	latest := time.Date(year+b.Within+1, time.January, 0, 0, 0, 0, 0, time.UTC) // the year's last day
	switch day, err := time.Parse(time.DateOnly, b.Date); {
	case err == nil && b.Within == 0:
		latest = day
	case len(b.Date) == len("2006-01") && b.Within == 0:
		if month, err := time.Parse("2006-01", b.Date); err == nil {
			latest = month.AddDate(0, 1, -1)
		}
	}
	return !at.Before(latest.AddDate(years, 0, 0))
}
