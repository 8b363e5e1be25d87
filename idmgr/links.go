package idmgr

import (
	"context"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/spoken"
)

// Acceptance is the other side of a link.
type Acceptance struct {
	Proof  string // relmgr's, that the caller brings this handle
	Code   string // as it was heard
	Reason string

	Hub     string // at which it was opened; empty: at this one
	Purpose string // of one that was opened there,
	Until   time.Time
}

// Link is a link as one of its parties sees it. It names the party's own handle
// alone.
type Link struct {
	ID      ident.LinkID
	Handle  ident.HandleID
	Opened  bool // by the reader's side; else accepted
	State   State
	Purpose string
	Aspects []string
	Until   time.Time
	Left    int // uses; -1: no bound
	// With is the other side: for the opener who accepted, once somebody has.
	With *Party
	// Reason is why it was ended.
	Reason string
	// Hub is the other hub to which the link leads, or at which it was opened.
	Hub string
	// Notices are what the opener has said has happened, the newest first, while it is
	// live.
	Notices []Notice
}

// Notice is something that the other side of a link was to hear of.
type Notice struct {
	Event string
	At    time.Time
}

// Party is the other side of a link, as it may be turned to.
type Party struct {
	Provider *decide.Provider
	Agency   string
	Contact  *decide.ContactRoute // nil of whoever accepted
}

// State is how a link stands at an instant.
type State string

// The states.
const (
	Waiting State = "waiting"
	Live    State = "live"
	Ended   State = "ended" // by a party
	Over    State = "over"  // by its time, its uses, or a code that nobody used
)

// Answer is what may be told through a link.
type Answer struct {
	Party
	Purpose    string
	Aspects    []string
	Until      time.Time
	Left       int // uses after this one; -1: no bound
	Commitment []byte
}

// over reports whether nothing can come of the link any more.
func (l *link) over(at time.Time) bool {
	st := l.state(at)
	return st == Ended || st == Over
}

func (l *link) state(at time.Time) State {
	switch {
	case !l.ended.IsZero():
		return Ended
	case !at.Before(l.terms.Decision.Until), l.left() == 0, !l.isTaken() && !at.Before(l.terms.CodeEnds):
		return Over
	case !l.isTaken():
		return Waiting
	}
	return Live
}

// isTaken reports whether it has its other side, here or at another hub.
func (l *link) isTaken() bool { return l.to != nil || l.far != nil }

// left is how often it may still be asked through, -1 for no bound.
func (l *link) left() int {
	if l.terms.Uses == 0 {
		return -1
	}
	return max(0, l.terms.Uses-l.uses)
}

// standing is the opener's decision as those who ask are held to it. The person's
// word lives and ends with the link.
func (l *link) standing() decide.Standing {
	d := &l.terms.Decision
	return decide.Standing{
		Column: l.from.Column, Agreement: d.Agreement, Power: d.Power, Ground: d.Ground, Purposes: d.Purposes, Audience: d.Audience,
		Until: d.Until, Consented: true, Mode: d.Mode, Aspects: d.Aspects, Conditions: d.Conditions, Review: d.Review,
	}
}

// notThere is the one answer about a link that is none, that is over, or that the
// caller may not know of.
func notThere() error {
	return fault.New(fault.NotKnown, "there is no such link that you may know of")
}

// Accept brings the other side of a link whose code was spoken. The caller is a
// member of the column that the link leads to, and passes the asker's four steps for
// its purpose. A code that nobody spoke, that was used, that is for another column
// or on which today's terms tell this caller nothing gives one answer, Invalid.
func (s *Service) Accept(ctx context.Context, who decide.Caller, a Acceptance) (_ ident.LinkID, _ Receipt, err error) {
	defer fault.Wrap(&err, "idmgr.Accept")
	at := s.now()
	if err := s.serves(who.Terms); err != nil {
		return ident.LinkID{}, Receipt{}, err
	}
	code, ok := spoken.ParseCode(a.Code)
	if !ok {
		return ident.LinkID{}, Receipt{}, fault.At("/code", "the code was misheard or mistyped: ask for it to be read out again")
	}
	if !decide.Has(who.Terms.Codes.Reasons, a.Reason) {
		return ident.LinkID{}, Receipt{}, fault.At("/reason", "name a reason of the partnership's list")
	}
	own, column, err := s.proved(ctx, who, a.Proof, at)
	if err != nil {
		return ident.LinkID{}, Receipt{}, err
	}
	if a.Hub != "" {
		return s.take(ctx, who, a, code, own, column, at)
	}
	var id ident.LinkID
	receipt, told, err := s.journal.write(ctx, func() (*record, error) {
		unusable := fault.At("/code", "the code cannot be used: ask for a new one")
		l := s.journal.links[s.journal.codes[string(code)]]
		if l == nil || l.state(at) != Waiting || l.terms.To != own.Column || l.from.Handle == own.Handle {
			return nil, unusable
		}
		asking := who.Terms.Ask(who.Actor, decide.Question{Column: column, Purpose: l.terms.Decision.Purposes[0], Reason: a.Reason}, at)
		if asking.StoppedAt() > 0 {
			return s.refuse(who, asking.Decision, at)
		}
		if s.attached(who.Terms, l.from.Column) != nil || !who.Terms.Discloses(l.standing(), &asking, at) {
			return nil, unusable
		}
		id = l.id
		r := s.begin(accepted, who, asking.Role, at)
		r.Link, r.Side, r.Reason, r.Decision = id, &own, a.Reason, &asking.Decision
		return r, nil
	})
	if err == nil {
		err = told
	}
	return id, receipt, err
}

// Ask tells whoever accepted a link who is at its other end, about what and how to
// reach them, under the asker's own handle (IDM-08). Each answer is recorded before
// it is given, and counts as a use. A link that is none, somebody else's, over, for
// another handle, or on which today's terms tell this caller nothing, is NotKnown,
// and recorded all the same; so is the use of one's own for a purpose that it was not
// made for, which is Forbidden (LEG-28).
func (s *Service) Ask(ctx context.Context, who decide.Caller, id ident.LinkID, proof, purpose, reason string) (_ Answer, err error) {
	defer fault.Wrap(&err, "idmgr.Ask")
	at := s.now()
	if err := s.serves(who.Terms); err != nil {
		return Answer{}, err
	}
	if !decide.Has(who.Terms.Codes.Purposes, purpose) {
		return Answer{}, fault.At("/purpose", "name a purpose of the partnership's list")
	}
	if !decide.Has(who.Terms.Codes.Reasons, reason) {
		return Answer{}, fault.At("/reason", "name a reason of the partnership's list")
	}
	own, column, err := s.proved(ctx, who, proof, at)
	if err != nil {
		return Answer{}, err
	}
	var answer Answer
	var question ident.ActID // of one that another hub answers
	receipt, told, err := s.journal.write(ctx, func() (*record, error) {
		question = ident.ActID{}
		l := s.journal.links[id]
		mine := l != nil && l.to != nil && *l.to == own
		if mine {
			asking := who.Terms.Ask(who.Actor, decide.Question{Column: column, Purpose: l.terms.Decision.Purposes[0], Reason: reason}, at)
			if asking.StoppedAt() > 0 {
				return s.refuse(who, asking.Decision, at)
			}
			if purpose != l.terms.Decision.Purposes[0] {
				r := s.begin(asked, who, "", at) // no use of it
				r.Side, r.Reason = &own, reason
				return r, fault.New(fault.Forbidden, "the link was made for another purpose: use it for that alone, or have one opened for this")
			}
			if l.far != nil && l.state(at) == Live {
				if _, err := s.mayAsk(who, column, purpose, reason, l.far.Hub, at); err != nil {
					return nil, err
				}
				r := s.begin(asked, who, asking.Role, at)
				r.Link, r.Side, r.Reason, r.Decision = id, &own, reason, &asking.Decision
				r.Letter = l.far.write(shared(who.Terms, farLetter{Asks: true, Role: asking.Role, Purpose: purpose, Reason: reason}), at, askingLives)
				question, answer.Until = r.Act, l.terms.Decision.Until
				s.journal.waiting[question] = nil
				return r, nil
			}
			if l.far == nil && l.state(at) == Live && s.attached(who.Terms, l.from.Column) == nil && who.Terms.Discloses(l.standing(), &asking, at) {
				answer = l.tell(who.Terms)
				r := s.begin(asked, who, asking.Role, at)
				r.Link, r.Side, r.Reason, r.Decision = id, &own, reason, &asking.Decision
				return r, nil
			}
		}
		r := s.begin(asked, who, "", at)
		r.Side, r.Reason = &own, reason
		return r, notThere()
	})
	if err == nil {
		err = told
	}
	if err != nil {
		return Answer{}, err
	}
	if !question.IsZero() {
		own := answer.Until
		if answer, err = s.await(ctx, question); err != nil {
			return Answer{}, err
		}
		if own.Before(answer.Until) {
			answer.Until = own
		}
		answer.Purpose = purpose
	}
	answer.Commitment = receipt.Commitment
	return answer, nil
}

// tell is what the next use tells. The opener's column is open: the terms just
// disclosed from it.
func (l *link) tell(t *decide.Terms) Answer {
	c := t.Column(l.from.Column)
	a := Answer{
		Party:   Party{Provider: t.ProviderOf(c), Agency: t.AgencyName(c.Agency), Contact: c.Route(l.terms.Contact)},
		Purpose: l.terms.Decision.Purposes[0], Aspects: l.terms.Decision.Aspects, Until: l.terms.Decision.Until, Left: l.left(),
	}
	if a.Left > 0 {
		a.Left--
	}
	return a
}

// Notify tells the accepting side of a live link that something has happened of which the
// link says that it is to hear, by whoever may bring the opener's handle (IDM-09). It is
// there once: the same notification again gives the first one's receipt. NotKnown is
// Ask's, and nothing is recorded of it.
func (s *Service) Notify(ctx context.Context, who decide.Caller, id ident.LinkID, proof string, notification ident.NoticeID, event string) (_ Receipt, err error) {
	defer fault.Wrap(&err, "idmgr.Notify")
	at := s.now()
	if err := s.serves(who.Terms); err != nil {
		return Receipt{}, err
	}
	if !decide.Has(who.Terms.Codes.Transactions, event) {
		return Receipt{}, fault.At("/event", "name a transaction of the partnership's list")
	}
	own, _, err := s.proved(ctx, who, proof, at)
	if err != nil {
		return Receipt{}, err
	}
	var first Receipt
	receipt, told, err := s.journal.write(ctx, func() (*record, error) {
		l := s.journal.links[id]
		if l == nil || l.from != own || l.state(at) != Live || !who.Terms.Stands(l.standing(), at) {
			return nil, notThere()
		}
		for _, n := range l.notices {
			if n.ID == notification {
				first = n.receipt
				return nil, nil
			}
		}
		if !slices.Contains(l.terms.Notify, event) {
			return nil, fault.At("/event", "name one of the events of which the link says that the other side is to hear")
		}
		r := s.begin(notified, who, l.terms.Decision.Role, at)
		r.Link, r.Side, r.Notice = id, &own, &notice{notification, event}
		return r, nil
	})
	if err == nil {
		err = told
	}
	if first.Commitment != nil {
		receipt = first
	}
	return receipt, err
}

// End ends a link at once, by either party: a member of either side's column. It
// may be said again, and stays as it was first. Whoever is neither is told NotKnown.
func (s *Service) End(ctx context.Context, who decide.Caller, id ident.LinkID, reason string) (_ Receipt, err error) {
	defer fault.Wrap(&err, "idmgr.End")
	at := s.now()
	if !decide.Has(who.Terms.Codes.Reasons, reason) {
		return Receipt{}, fault.At("/reason", "name a reason of the partnership's list")
	}
	receipt, told, err := s.journal.write(ctx, func() (*record, error) {
		l := s.journal.links[id]
		if l == nil || !l.partyOf(who, at) {
			return nil, notThere()
		}
		if !l.ended.IsZero() {
			return nil, fault.New(fault.Conflict, "the link has been ended")
		}
		r := s.begin(ended, who, "", at)
		r.Link, r.Reason, r.Letter = id, reason, l.ending(at)
		return r, nil
	})
	if err == nil {
		err = told
	}
	return receipt, err
}

// partyOf reports whether the caller is a member, now, of the column of either side.
func (l *link) partyOf(who decide.Caller, at time.Time) bool {
	for _, s := range []*side{&l.from, l.to} {
		if s == nil {
			continue
		}
		if c := who.Terms.FindColumn(s.Column, at); c != nil && who.MemberOf(c) {
			return true
		}
	}
	return false
}

// Links are those of a column that the caller is a member of, the newest first,
// whatever became of them. It reads and records nothing: they are the column's own.
func (s *Service) Links(ctx context.Context, who decide.Caller, column ident.Column) (all []Link, err error) {
	defer fault.Wrap(&err, "idmgr.Links")
	at := s.now()
	c := who.Terms.FindColumn(column, at)
	if c == nil || !who.MemberOf(c) {
		return nil, fault.New(fault.Forbidden, "you are not a member of that column: name a column that your agency has put you in")
	}
	if err := s.attached(who.Terms, column); err != nil {
		return nil, err
	}
	s.journal.mu.Lock()
	defer s.journal.mu.Unlock()
	if err := s.journal.readOn(ctx, s.journal.db); err != nil {
		return nil, err
	}
	for _, l := range s.journal.of(column) {
		all = append(all, l.seen(who.Terms, column, at))
	}
	return all, nil
}

// seen is the link as a member of one of its columns sees it.
func (l *link) seen(t *decide.Terms, column ident.Column, at time.Time) Link {
	d := &l.terms.Decision
	v := Link{
		ID: l.id, Handle: l.from.Handle, Opened: l.from.Column == column, State: l.state(at), Purpose: d.Purposes[0], Aspects: d.Aspects,
		Until: d.Until, Left: l.left(), Reason: l.reason, Hub: l.terms.Hub,
	}
	if v.State == Live {
		for _, n := range slices.Backward(l.notices) {
			v.Notices = append(v.Notices, Notice{n.Event, n.at})
		}
	}
	other := l.to
	if !v.Opened {
		v.Handle, other = l.to.Handle, &l.from
	}
	if other == nil {
		return v
	}
	if c := t.Column(other.Column); c != nil { // the partnership may have taken it out since
		v.With = &Party{Provider: t.ProviderOf(c), Agency: t.AgencyName(c.Agency)}
	}
	return v
}
