package idmgr

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/idmgr/internal/idmgrdb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// A case is what people or rules could not settle between them. It is ruled on at the
// first of the partnership's levels of recourse, moves up where nobody rules in time
// or somebody appeals, and ends at the last, the final owner (TRU-03 to 05, A-09).
// Every step is an act, and its place in the order is a primary key: whoever dies
// between two steps leaves a case that the next pass carries on, and two who are at it
// at once do not both write.

// clashes is the source of cases that come from a grant and a withholding.
const clashes = "clash"

// theHub makes the steps that nobody decides: a case is opened, or moves up, because
// its time has come. It rules on none.
const (
	theHub = ident.Practitioner("hub")
	clerk  = "docket"
)

// docket counts cases that wait.
type docket struct {
	waiting *prometheus.GaugeVec // by source and level
	oldest  *prometheus.GaugeVec
	overdue prometheus.Gauge
	ran     prometheus.Gauge
}

func newDocket(r prometheus.Registerer) docket {
	f := promauto.With(r)
	return docket{
		waiting: f.NewGaugeVec(prometheus.GaugeOpts{Name: "fame_cases_waiting", Help: "Cases that wait for a ruling, by where they came from and at which level."}, []string{"source", "level"}),
		oldest:  f.NewGaugeVec(prometheus.GaugeOpts{Name: "fame_cases_oldest_timestamp_seconds", Help: "When the oldest case that waits was opened."}, []string{"source", "level"}),
		overdue: f.NewGauge(prometheus.GaugeOpts{Name: "fame_cases_overdue", Help: "Cases whose deadline has passed: those at the final owner stay so."}),
		ran:     f.NewGauge(prometheus.GaugeOpts{Name: "fame_cases_pass_timestamp_seconds", Help: "When this process last went through the cases to the end."}),
	}
}

// Sweep opens a case for everything that has become due, moves up what nobody ruled
// on in time and settles what has been seen to since. It may run anywhere, any number
// at once, and be killed anywhere.
func (s *Service) Sweep(ctx context.Context, t *decide.Terms) (err error) {
	defer fault.Wrap(&err, "idmgr.Sweep")
	if len(t.Recourse) == 0 || s.serves(t) != nil {
		return nil
	}
	at := s.now()
	for again := true; again; {
		due, err := s.q.ListEscalations(ctx, s.journal.db, at)
		if err != nil {
			return pg.Fault(err)
		}
		for _, e := range due {
			if err := s.open(ctx, t, e, at); err != nil {
				return err
			}
		}
		again = len(due) == mostDue
	}
	overdue, err := s.q.ListOverdue(ctx, s.journal.db, idmgrdb.ListOverdueParams{At: at, LastLevel: int32(len(t.Recourse)) - 1})
	if err != nil {
		return pg.Fault(err)
	}
	for _, d := range overdue {
		next := standing{Case: d.CaseID, Ordinal: d.Ordinal, Level: d.Level}.next(movesUp)
		next.Level++
		next.Due = at.AddDate(0, 0, t.Recourse[next.Level].Days)
		if err := s.proceed(ctx, t, next, at); err != nil {
			return err
		}
	}
	over, err := s.q.ListSettled(ctx, s.journal.db)
	if err != nil {
		return pg.Fault(err)
	}
	for _, d := range over {
		if err := s.proceed(ctx, t, settles(d.CaseID, d.Ordinal, d.Level, at), at); err != nil {
			return err
		}
	}
	gone, err := s.q.ListWithdrawnClashes(ctx, s.journal.db, at)
	if err != nil {
		return pg.Fault(err)
	}
	for _, d := range gone {
		if err := s.proceed(ctx, t, settles(d.CaseID, d.Ordinal, d.Level, at), at); err != nil {
			return err
		}
	}
	return s.count(ctx, at)
}

// mostDue is how many are taken over at once.
const mostDue = 100

// caseStep is a step about to be made.
type caseStep struct {
	step
	kind string
}

// standing is where a case stands.
type standing struct {
	Case           ident.CaseID
	Ordinal, Level int32
}

func (d standing) next(kind string) caseStep {
	return caseStep{step{Case: d.Case, Ordinal: d.Ordinal + 1, Level: d.Level}, kind}
}

func settles(id ident.CaseID, ordinal, level int32, at time.Time) caseStep {
	c := standing{id, ordinal, level}.next(settled)
	c.Due = at
	return c
}

// open opens a case, once: the case, its first step with its act, and what each
// agency is shown in its place.
func (s *Service) open(ctx context.Context, t *decide.Terms, e idmgrdb.ListEscalationsRow, at time.Time) error {
	id := ident.CaseOf(e.Source, e.SourceID, e.Against)
	parties, shown := e.Agencies, []string{}
	if e.Source == clashes {
		for _, effect := range []ident.UntypedID{e.SourceID, e.Against} {
			f, err := s.q.FindEffect(ctx, s.journal.db, ident.EffectID(effect))
			if err != nil {
				return pg.Fault(err)
			}
			if m := t.FindManager(f.Manager); m != nil {
				parties = append(parties, string(m.Agency))
			}
			if c := t.Column(f.ColumnID); c != nil {
				shown = append(shown, string(c.Agency))
			}
			if f.Kind == granted {
				shown = append(shown, bearers(t, f)...)
			}
		}
	}
	for _, l := range t.Recourse {
		shown = append(shown, string(l.Agency))
	}
	slices.Sort(parties)
	parties = slices.Compact(parties)
	first := caseStep{step{
		Case: id, Due: at.AddDate(0, 0, t.Recourse[0].Days), Source: e.Source, SourceID: e.SourceID, Against: e.Against, Agencies: parties,
	}, opens}
	return pg.InTx(ctx, s.journal.db, func(tx *sql.Tx) error {
		n, err := s.q.OpenCase(ctx, tx, idmgrdb.OpenCaseParams{
			CaseID: id, Source: e.Source, SourceID: e.SourceID, Against: e.Against, At: at, Agencies: parties,
		})
		if err != nil || n == 0 { // somebody else was first
			return pg.Fault(err)
		}
		if _, err := s.stepBy(ctx, tx, s.beginAct(first.kind, s.hub(t), clerk, at), first, ""); err != nil {
			return err
		}
		all := slices.Concat(parties, shown)
		slices.Sort(all)
		for _, agency := range slices.Compact(all) {
			err := s.q.InsertCaseReference(ctx, tx, idmgrdb.InsertCaseReferenceParams{
				ReferenceID: ident.ReferenceOf(id, ident.Agency(agency)), CaseID: id, AgencyID: ident.Agency(agency),
			})
			if err != nil {
				return pg.Fault(err)
			}
		}
		return nil
	})
}

// bearers are the agencies that a grant names, who may hear that it is escalated.
func bearers(t *decide.Terms, f idmgrdb.FindEffectRow) (all []string) {
	switch decide.AudienceKind(f.AudienceKind) {
	case decide.ToAgencies:
		return f.Audience
	case decide.ToColumns:
		for _, name := range f.Audience {
			if c := t.Column(ident.Column(name)); c != nil {
				all = append(all, string(c.Agency))
			}
		}
	default:
		if a := t.Agreement(f.Agreement); a != nil {
			for _, id := range a.Parties {
				all = append(all, string(id))
			}
		}
	}
	return all
}

// hub is whoever makes a step because its time has come.
func (s *Service) hub(t *decide.Terms) decide.Caller {
	return decide.Caller{Actor: decide.Actor{Practitioner: theHub, Agency: t.FindManager(s.manager).Agency}, Terms: t}
}

// proceed makes a step that nobody decides. Where somebody else was first there is
// nothing left to do.
func (s *Service) proceed(ctx context.Context, t *decide.Terms, c caseStep, at time.Time) error {
	err := pg.InTx(ctx, s.journal.db, func(tx *sql.Tx) error {
		_, err := s.stepBy(ctx, tx, s.beginAct(c.kind, s.hub(t), clerk, at), c, "")
		return err
	})
	if fault.KindOf(err) == fault.Conflict {
		return nil
	}
	return err
}

// stepBy records the act and its step.
func (s *Service) stepBy(ctx context.Context, tx *sql.Tx, a *act, c caseStep, reason string) (Receipt, error) {
	a.Case = &c.step
	a.Case.Reason = reason
	a.Case.Due = exact(a.Case.Due)
	receipt, err := s.record(ctx, tx, a)
	if err != nil {
		return Receipt{}, err
	}
	err = s.q.InsertStep(ctx, tx, idmgrdb.InsertStepParams{
		CaseID: c.Case, Ordinal: c.Ordinal, ActID: a.Act, Kind: c.kind, Level: c.Level, At: a.At, DueAt: c.Due, Outcome: c.Outcome, Reason: reason,
	})
	if pg.Constraint(err) == "case_steps_pkey" {
		return Receipt{}, fault.New(fault.Conflict, "something has become of the case meanwhile: read it again")
	} else if err != nil {
		return Receipt{}, pg.Fault(err)
	}
	return receipt, nil
}

// Outcomes of a ruling: on a clash which of the two holds, on anything else whether
// whoever turned to recourse is right.
const (
	ForGrant       = "grant"
	ForWithholding = "withhold"
	Upheld         = "upheld"
	Dismissed      = "dismissed"
)

// Rule is the adjudication of a case, with its reason, by one of the adjudicators of
// the level at which it stands, who is no party to it. Of a clash the effect that loses
// gives way to the other from the next request on (TRU-05).
func (s *Service) Rule(ctx context.Context, who decide.Caller, ref ident.ReferenceID, outcome, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "idmgr.Rule")
	at := s.now()
	err = s.onCase(ctx, who, ref, reason, func(tx *sql.Tx, c *found) error {
		level := levelOf(who.Terms, c.Level)
		role, ok := who.RoleAmong(level.Roles)
		switch {
		case !ok || who.Agency != level.Agency:
			return fault.New(fault.Forbidden, "the case is before %s: it is for those whom the partnership document lists there", level.Title)
		case !c.waits():
			return fault.New(fault.Conflict, "the case does not wait for a ruling")
		case (c.Source == clashes) != (outcome == ForGrant || outcome == ForWithholding):
			return fault.At("/outcome", "say of a clash whether the grant or the withholding holds, of anything else whether it is upheld or dismissed")
		}
		if err := s.impartial(ctx, tx, who, c); err != nil {
			return err
		}
		next := standing{c.CaseID, c.Ordinal, c.Level}.next(ruled)
		next.Outcome, next.Due = outcome, at.AddDate(0, 0, level.Appeal)
		if receipt, err = s.stepBy(ctx, tx, s.beginAct(ruled, who, role, at), next, reason); err != nil {
			return err
		}
		switch outcome {
		case ForGrant:
			err = s.q.Yield(ctx, tx, idmgrdb.YieldParams{Loser: c.Against, Winner: c.SourceID})
		case ForWithholding:
			err = s.q.Yield(ctx, tx, idmgrdb.YieldParams{Loser: c.SourceID, Winner: c.Against})
		}
		return pg.Fault(err)
	})
	return receipt, err
}

// onCase does something about a case, for a reason of the partnership's, in one
// transaction.
func (s *Service) onCase(ctx context.Context, who decide.Caller, ref ident.ReferenceID, reason string, do func(*sql.Tx, *found) error) error {
	if err := s.serves(who.Terms); err != nil {
		return err
	}
	if !decide.Has(who.Terms.Codes.Reasons, reason) {
		return fault.At("/reason", "name a reason of the partnership's list")
	}
	return pg.InTx(ctx, s.journal.db, func(tx *sql.Tx) error {
		c, err := s.find(ctx, tx, who, ref)
		if err != nil {
			return err
		}
		return do(tx, c)
	})
}

// Appeal takes a ruling to the next level, by its deadline, by the people of the
// manager whose effect lost, or by a member of the column of either effect who records
// what the person said. It is withheld again meanwhile; the last level is not
// appealed against.
func (s *Service) Appeal(ctx context.Context, who decide.Caller, ref ident.ReferenceID, reason, evidence string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "idmgr.Appeal")
	at := s.now()
	err = s.onCase(ctx, who, ref, reason, func(tx *sql.Tx, c *found) error {
		role, err := s.mayAppeal(ctx, tx, who, c, evidence, at)
		if err != nil {
			return err
		}
		last := int32(len(who.Terms.Recourse)) - 1
		switch {
		case c.Kind != ruled:
			return fault.New(fault.Conflict, "there is no ruling to appeal against")
		case c.Level >= last:
			return fault.New(fault.Conflict, "the final owner has ruled: there is no appeal against that")
		case !at.Before(c.DueAt):
			return fault.New(fault.Conflict, "the time to appeal is over: the ruling binds")
		}
		next := standing{c.CaseID, c.Ordinal, c.Level}.next(appealed)
		next.Level++
		next.Due = at.AddDate(0, 0, who.Terms.Recourse[next.Level].Days)
		if receipt, err = s.stepBy(ctx, tx, s.beginAct(appealed, who, role, at), next, reason); err != nil {
			return err
		}
		if c.Source == clashes {
			err = s.q.Unyield(ctx, tx, idmgrdb.UnyieldParams{A: c.SourceID, B: c.Against})
		}
		return pg.Fault(err)
	})
	return receipt, err
}

// found is a case as it stands.
type found idmgrdb.FindCaseRow

func (c *found) waits() bool { return c.Kind == opens || c.Kind == movesUp || c.Kind == appealed }

// find returns the case of which the caller's agency has this reference.
func (s *Service) find(ctx context.Context, tx *sql.Tx, who decide.Caller, ref ident.ReferenceID) (*found, error) {
	row, err := s.q.FindCase(ctx, tx, idmgrdb.FindCaseParams{ReferenceID: ref, AgencyID: who.Agency})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.New(fault.NotKnown, "there is no such case that you may know of: list them with GET /idmgr/v1/cases")
	} else if err != nil {
		return nil, pg.Fault(err)
	}
	c := found(row)
	return &c, nil
}

// levelOf is where a case stands. Where the partnership has fewer levels than it had,
// it is before the final owner.
func levelOf(t *decide.Terms, level int32) decide.Level {
	if len(t.Recourse) == 0 {
		return decide.Level{Title: "nobody: the partnership document lists no recourse"}
	}
	return t.Recourse[min(int(level), len(t.Recourse)-1)]
}

// impartial refuses a party as adjudicator: the people of an agency that answers for
// either side, whoever made either effect, and whoever has ruled at a lower level.
func (s *Service) impartial(ctx context.Context, tx *sql.Tx, who decide.Caller, c *found) error {
	party := fault.New(fault.Forbidden, "somebody who is no party to the case has to rule on it")
	if slices.Contains(c.Agencies, string(who.Agency)) {
		return party
	}
	if c.Source == clashes {
		for _, id := range []ident.UntypedID{c.SourceID, c.Against} {
			e, err := s.q.FindEffect(ctx, tx, ident.EffectID(id))
			if err != nil {
				return pg.Fault(err)
			}
			if e.PractitionerID == who.Practitioner {
				return party
			}
		}
	}
	steps, err := s.q.ListCaseSteps(ctx, tx, c.CaseID)
	if err != nil {
		return pg.Fault(err)
	}
	for _, st := range steps {
		if st.Kind != movesUp && st.PractitionerID == who.Practitioner {
			return party
		}
	}
	return nil
}

// mayAppeal returns the role in which the caller may appeal.
func (s *Service) mayAppeal(ctx context.Context, tx *sql.Tx, who decide.Caller, c *found, evidence string, at time.Time) (string, error) {
	never := fault.New(fault.Forbidden, "an appeal is for whoever the ruling went against, or for the person, as they said it to a member of a column it is about")
	if c.Source != clashes {
		if slices.Contains(c.Agencies, string(who.Agency)) && evidence == "" {
			return mayPublish(who, at)
		}
		return "", never
	}
	lost := c.SourceID
	if c.Outcome == ForGrant {
		lost = c.Against
	}
	for _, id := range []ident.UntypedID{c.SourceID, c.Against} {
		e, err := s.q.FindEffect(ctx, tx, ident.EffectID(id))
		if err != nil {
			return "", pg.Fault(err)
		}
		if m := who.Terms.FindManager(e.Manager); evidence == "" && (id == lost || c.Kind != ruled) && m != nil && m.Agency == who.Agency {
			if role, ok := who.RoleAmong(m.Roles); ok {
				return role, nil
			}
		}
		if col := who.Terms.FindColumn(e.ColumnID, at); evidence != "" && col != nil && who.MemberOf(col) {
			return mayPublish(who, at)
		}
	}
	return "", never
}

// As says in which part somebody reads a case.
type As string

// The parts.
const (
	Adjudicator As = "adjudicator"
	Owner       As = "owner"  // of a manager whose effect is in it
	Holder      As = "holder" // of the column of the person's handle: to tell them
	Concerned   As = "party"  // of what is no clash
)

// Case is a case as one reader sees it, with words for that reader.
type Case struct {
	Case    ident.ReferenceID
	As      As
	Source  string
	State   string // waiting, ruled, final or settled
	Level   string
	Opened  time.Time
	Due     time.Time
	Outcome string
	Words   string
	Grant   ident.EffectID // of adjudicators and of its owner
	Against ident.EffectID // likewise
	By      []ident.Idmgr  // the two managers, to adjudicators and owners
	Handle  ident.HandleID // to a member of its column alone
	Steps   []CaseStep     // to adjudicators and owners
}

// CaseStep is one step as it is shown.
type CaseStep struct {
	Kind, Level, Outcome, Reason string
	At, Due                      time.Time
	Agency                       ident.Agency
}

// Cases are those that concern the caller, those first that are due first: as
// adjudicator of any level, as keeper of a manager whose effect is in it, or as a
// member of the column of the person, to tell them in words of their own.
func (s *Service) Cases(ctx context.Context, who decide.Caller) (all []Case, err error) {
	defer fault.Wrap(&err, "idmgr.Cases")
	if err := s.Sweep(ctx, who.Terms); err != nil {
		return nil, err
	}
	at := s.now()
	rows, err := s.q.ListCases(ctx, s.journal.db, who.Agency)
	if err != nil {
		return nil, pg.Fault(err)
	}
	for _, r := range rows {
		c := Case{
			Case: r.ReferenceID, Source: r.Source, State: caseState(who.Terms, r.Kind, r.Level, r.DueAt, at), Level: levelOf(who.Terms, r.Level).Title,
			Opened: r.OpenedAt.UTC(), Due: r.DueAt.UTC(), Outcome: r.Outcome.String,
		}
		if c.As = s.as(who, r, at, &c); c.As == "" {
			continue
		}
		c.Words = words(c, r)
		if c.As == Adjudicator || c.As == Owner {
			if c.By = managersOf(r); r.Source == clashes {
				c.Grant, c.Against = ident.EffectID(r.SourceID), ident.EffectID(r.Against)
			}
			steps, err := s.q.ListCaseSteps(ctx, s.journal.db, r.CaseID)
			if err != nil {
				return nil, pg.Fault(err)
			}
			for _, st := range steps {
				c.Steps = append(c.Steps, CaseStep{
					Kind: st.Kind, Level: levelOf(who.Terms, st.Level).Title, Outcome: st.Outcome, Reason: st.Reason,
					At: st.At.UTC(), Due: st.DueAt.UTC(), Agency: st.AgencyID,
				})
			}
		}
		all = append(all, c)
	}
	return all, nil
}

func managersOf(r idmgrdb.ListCasesRow) (all []ident.Idmgr) {
	for _, m := range []string{r.Granter, r.Withholder} {
		if m != "" {
			all = append(all, ident.Idmgr(m))
		}
	}
	return all
}

// caseState is what a case's last step makes of it.
func caseState(t *decide.Terms, kind string, level int32, due, at time.Time) string {
	switch {
	case kind == settled:
		return settled + "d"
	case kind != ruled:
		return "waiting"
	case int(level) >= len(t.Recourse)-1 || !at.Before(due):
		return "final"
	}
	return "ruled"
}

// as is the part in which the caller reads the case, empty for none: that their agency
// bears the grant is none, for only an enquiry tells its bearer.
func (s *Service) as(who decide.Caller, r idmgrdb.ListCasesRow, at time.Time, c *Case) As {
	for _, l := range who.Terms.Recourse {
		if _, ok := who.RoleAmong(l.Roles); ok && l.Agency == who.Agency && !slices.Contains(r.Agencies, string(who.Agency)) {
			return Adjudicator
		}
	}
	if r.Source != clashes {
		if _, err := mayPublish(who, at); err == nil && slices.Contains(r.Agencies, string(who.Agency)) {
			return Concerned
		}
		return ""
	}
	for _, name := range []string{r.Granter, r.Withholder} {
		if m := who.Terms.FindManager(ident.Idmgr(name)); m != nil && m.Agency == who.Agency {
			if _, ok := who.RoleAmong(m.Roles); ok {
				return Owner
			}
		}
	}
	for _, h := range []struct {
		handle ident.HandleID
		column string
	}{{r.HandleID, r.GrantedColumn}, {r.HandleB, r.WithheldColumn}} {
		if col := who.Terms.FindColumn(ident.Column(h.column), at); col != nil && who.MemberOf(col) {
			c.Handle = h.handle
			return Holder
		}
	}
	return ""
}

// became says in plain words what has become of a case.
func became(state, level string) string {
	return map[string]string{
		"waiting": " It is kept back until " + level + " has ruled, by the date given at the latest; if not, it goes to the next level.",
		"ruled":   " " + level + " has ruled. Whoever it went against may appeal until the date given.",
		"final":   " The ruling is final.",
		"settled": " It has been settled without a ruling.",
	}[state]
}

// words say to one reader, in plain words, what the case is and what they may do.
func words(c Case, r idmgrdb.ListCasesRow) string {
	now := became(c.State, c.Level)
	switch c.As {
	case Adjudicator:
		return "Two sides do not agree and ask for a ruling: read what each rests on, and say which holds and why." + now
	case Owner:
		return "What your identity manager does for somebody contradicts what another one does." + now
	case Holder:
		return "To tell the person: one of those who look after who may know about you says that somebody may know, and another says that they may not. You may say what you think." + now
	}
	return map[string]string{
		"dispute":              "It was said that an identifier is not this person's, and nobody has said since which of its correlations hold.",
		"joint-refused":        "The other side took back what it was asked to confirm together with you.",
		"emergency-unreviewed": "An emergency of your agency was not reviewed in time.",
	}[c.Source] + now
}

// count brings the metrics up to date.
func (s *Service) count(ctx context.Context, at time.Time) error {
	rows, err := s.q.CountCases(ctx, s.journal.db, at)
	if err != nil {
		return pg.Fault(err)
	}
	s.docket.waiting.Reset()
	s.docket.oldest.Reset()
	overdue := int64(0)
	for _, r := range rows {
		level := itoa(int(r.Level))
		s.docket.waiting.WithLabelValues(r.Source, level).Set(float64(r.Cases))
		s.docket.oldest.WithLabelValues(r.Source, level).Set(float64(r.Oldest.Unix()))
		overdue += r.Overdue
	}
	s.docket.overdue.Set(float64(overdue))
	s.docket.ran.Set(float64(at.Unix()))
	return nil
}
