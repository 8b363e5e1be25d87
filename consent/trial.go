package consent

import (
	"slices"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// Trial is a decision that nobody has made: the terms of one side, never a
// person.
type Trial struct {
	Column ident.Column // any of the partnership's
	Role   string       // empty: the caller's own roles
	// Exactly one of the two. Holder's Column and Consents' Mine and Starts are
	// TryDecision's to set.
	Holder *decide.Proposal
	Asker  *decide.Question
}

// Tried is what the four steps came to.
type Tried struct {
	decide.Decision
	Questions  [4]string // the law profile's words for the steps
	Agreements []string  // the asker's side: under which it may receive
	Discloses  bool      // the holder's side: all steps passed, and the decision says to whom
	Asks       *Asks     // the holder's side
}

// Asks is what the law profile and the agreement ask of a holder's decision.
type Asks struct {
	ReviewDays, OverrideDays int
	Duty                     string // the question of a duty to share, empty where the profile knows none
	Orders                   []string
	Presumption              *decide.Presumption // nil where the profile makes none
}

func asks(t *decide.Terms, agreement string) *Asks {
	a := &Asks{
		ReviewDays: t.ReviewWithin(agreement, false), OverrideDays: t.ReviewWithin(agreement, true), Orders: []string{},
		Presumption: t.Presumes(),
	}
	if d := t.Profile.Duty; d != nil {
		a.Duty = d.Question
	}
	for _, o := range t.Profile.Orders {
		a.Orders = append(a.Orders, o.Code)
	}
	return a
}

// TryDecision takes a trial through the four steps under the terms in force,
// as publishing and asking do, and records nothing: it reads no database. Any
// column may be named, in any role of the partnership's list, since terms are
// no secret among members and nobody is decided about.
//
// It answers Invalid for codes that the partnership has not declared, as the
// index does, and for a column that is not open. A step that fails is an
// answer and not an error.
func (s *Service) TryDecision(caller decide.Caller, trial Trial) (tried Tried, err error) {
	defer fault.Wrap(&err, "consent.TryDecision")
	at, terms := s.now(), caller.Terms
	if (trial.Holder == nil) == (trial.Asker == nil) {
		return Tried{}, fault.New(fault.Invalid, "say which side decides: the holder or the asker")
	}
	side := "/holder"
	if trial.Asker != nil {
		side = "/asker"
	}
	column := terms.FindColumn(trial.Column, at)
	var c checks
	c.that(column != nil, side+"/column", "name an open column of the partnership")
	c.that(trial.Role == "" || decide.Has(terms.Codes.Roles, trial.Role), side+"/role", "name a role of the partnership's list, or none for your own")
	if trial.Holder != nil {
		c.proposal(trial.Holder, terms)
	} else {
		c.question(trial.Asker, terms)
	}
	if err := c.fault(); err != nil {
		return Tried{}, err
	}

	actor := caller.Actor
	if trial.Role != "" {
		actor.Roles = []string{trial.Role}
	}
	if trial.Holder != nil {
		p := *trial.Holder
		p.Column, p.Until, p.Review, p.Consents = column, exact(p.Until), exact(p.Review), slices.Clone(p.Consents)
		for i := range p.Consents {
			p.Consents[i].Mine, p.Consents[i].Starts = true, at
		}
		tried.Decision = terms.Hold(actor, p, at)
		tried.Discloses, tried.Asks = tried.Permitted(), asks(terms, p.Agreement)
	} else {
		q := *trial.Asker
		q.Column = column
		asking := terms.Ask(actor, q, at)
		tried.Decision, tried.Agreements = asking.Decision, asking.Agreements
	}
	tried.Questions = terms.Profile.Questions
	return tried, nil
}

// proposal holds a holder's codes against the partnership's lists. What a step
// asks (is the agreement in force, the power held, the audience a party) is
// the step's to answer.
func (c *checks) proposal(p *decide.Proposal, t *decide.Terms) {
	c.that(t.HasAgreement(p.Agreement), "/holder/agreement", "name one of the partnership's agreements")
	c.that(t.HasPower(p.Power), "/holder/power", "name one of the partnership's powers")
	c.that(decide.HasAll(t.Codes.Purposes, p.Purposes), "/holder/purposes", "name purposes of the partnership's list")
	c.that(decide.HasAll(t.Codes.Aspects, p.Aspects), "/holder/aspects", "name aspects of the partnership's list")
	c.that(decide.Has(t.Codes.Aims, p.Aim), "/holder/proportionality/aim", "name an aim of the partnership's list")
	c.that(p.Reason == "" || decide.Has(t.Codes.Reasons, p.Reason), "/holder/reason", "name a reason of the partnership's list")
	c.that(p.Order == "" || decide.Has(t.Profile.Orders, p.Order), "/holder/order", "name a kind of order of the law profile")
	c.that(p.Override == nil || p.Override.Risk == "" || decide.Has(t.Codes.Risks, p.Override.Risk), "/holder/override/risk", "name a risk of the partnership's list")
	c.that(t.HasAudience(p.Audience), "/holder/audience", "name members and columns of the partnership")
	known := !slices.ContainsFunc(p.Consents, func(s decide.Consent) bool {
		return !decide.HasAll(t.Codes.Purposes, s.Purposes) || !decide.HasAll(t.Codes.Aspects, s.Aspects) || !t.HasAudience(s.Audience)
	})
	c.that(known, "/holder/consents", "describe them with purposes, aspects, members and columns of the partnership")
}

func (c *checks) question(q *decide.Question, t *decide.Terms) {
	c.that(decide.Has(t.Codes.Purposes, q.Purpose), "/asker/purpose", "name a purpose of the partnership's list")
	c.that(decide.Has(t.Codes.Reasons, q.Reason), "/asker/reason", "name a reason of the partnership's list")
	c.that(q.Transaction == "" || decide.Has(t.Codes.Transactions, q.Transaction), "/asker/transaction", "name a transaction of the partnership's list")
}

// Permitted reports whether all four steps passed.
func (t *Tried) Permitted() bool { return t.StoppedAt() == 0 }
