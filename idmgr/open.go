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

// Opening is what somebody proposes to link, and on which decision.
type Opening struct {
	Proof    string // relmgr's, that the caller brings this handle
	To       ident.Column
	Hub      string   // in place of To: another hub (IDM-19)
	Contact  string   // by which route of the own column the other side may turn to it
	Uses     int      // how often it may be asked through; 0: until its end
	Notify   []string // of which transactions the other side is to hear (IDM-09)
	Proposal Proposal
	Agreed   *Agreed // what the person agreed to; nil where the ground is not consent
}

// Proposal is what a named person puts to the four steps. It names one purpose
// (IDM-02).
type Proposal struct {
	Agreement, Power, Purpose string
	Aspects                   []string
	Until                     time.Time
	Necessary, Safeguards     bool
	Aim                       string
	Ground                    decide.Ground
	Reason                    string
	Conditions                decide.Conditions
	Review                    time.Time
	Concerning                decide.Concerning
	Welfare                   bool
	Detriment                 decide.Detriment
	Order, OrderReference     string
}

// Agreed says how the person's word for this very link was recorded (IDM-04). It is
// kept with the link and nowhere else: a consent in the consent duty would tell
// relmgr of it.
type Agreed struct {
	Evidence string `json:"evidence"`
	Wording  string `json:"wording"` // the version of the words that the person was shown
	// Competent says that whoever recorded it has assessed that the person can decide
	// this for themselves (LEG-21).
	Competent bool `json:"competent"`
	// Proxy is by what authority somebody else gave their word for a person who cannot,
	// and only then. Who, stays in the agency's own records.
	Proxy *Proxy `json:"proxy,omitempty"`
}

// Proxy is that somebody else decided for the person: by what authority, shown how, and
// until when it goes. What rests on it ends with it.
type Proxy struct {
	Authority string    `json:"authority"`
	Evidence  string    `json:"evidence"`
	Until     time.Time `json:"until"`
}

// narrow ends what rests on somebody's word with the authority to give it.
func (a *Agreed) narrow(until time.Time) time.Time {
	if a != nil && a.Proxy != nil && a.Proxy.Until.Before(until) {
		return exact(a.Proxy.Until)
	}
	return until
}

// Opened is a link that waits for its other side.
type Opened struct {
	Link ident.LinkID
	Code string // to be spoken; one use
	Ends time.Time
	Receipt
}

// codeEnds is until when a code waits to be spoken: as long as a pairing's.
func codeEnds(t *decide.Terms, at time.Time) time.Time {
	return at.Add(time.Duration(t.Settings.PairingMinutes) * time.Minute)
}

// Open records a link for the handle that the proof names, towards one column,
// for one purpose and until an end, on a decision that walks the four steps, and
// returns a code for the other side. Nothing is published, and nobody is told.
//
// Errors: Invalid for a proof that is not the caller's, for a column that is no
// other's, and for terms that cannot be used; DecisionRefused, recorded, with the
// step that stopped it.
func (s *Service) Open(ctx context.Context, who decide.Caller, o Opening) (_ Opened, err error) {
	defer fault.Wrap(&err, "idmgr.Open")
	at := s.now()
	from, t, err := s.propose(ctx, who, o, at)
	if err != nil {
		return Opened{}, err
	}
	id := ident.NewLink()
	code := spoken.NewCode()
	receipt, told, err := s.journal.write(ctx, func() (*record, error) {
		if t.Decision.StoppedAt() > 0 {
			return s.refuse(who, t.Decision, at)
		}
		t.Code, t.CodeEnds = string(code), codeEnds(who.Terms, at)
		r := s.begin(opened, who, t.Decision.Role, at)
		r.Link, r.Side, r.Terms = id, &from, &t
		return r, nil
	})
	if err != nil {
		return Opened{}, err
	}
	if told != nil {
		return Opened{}, told
	}
	return Opened{id, code.Grouped(), t.CodeEnds, receipt}, nil
}

// Renew gives an accepted or waiting link new terms, by a fresh decision of whoever
// may bring its first handle. Its other side stays. What is over cannot be
// renewed. Errors are Open's, and NotKnown.
func (s *Service) Renew(ctx context.Context, who decide.Caller, id ident.LinkID, o Opening) (_ Receipt, err error) {
	defer fault.Wrap(&err, "idmgr.Renew")
	at := s.now()
	from, t, err := s.propose(ctx, who, o, at)
	if err != nil {
		return Receipt{}, err
	}
	receipt, told, err := s.journal.write(ctx, func() (*record, error) {
		l := s.journal.links[id]
		if l == nil || l.from != from || l.over(at) {
			return nil, notThere()
		}
		if t.To != l.terms.To || t.Hub != l.terms.Hub {
			return nil, fault.At("/to", "a link leads to one column for good: open another one")
		}
		if t.Decision.StoppedAt() > 0 {
			return s.refuse(who, t.Decision, at)
		}
		if t.Uses > 0 {
			t.Uses += l.uses
		}
		r := s.begin(renewed, who, t.Decision.Role, at)
		r.Link, r.Side, r.Terms = id, &from, &t
		return r, nil
	})
	if err == nil {
		err = told
	}
	return receipt, err
}

// propose takes an opening through the four steps of its holder.
func (s *Service) propose(ctx context.Context, who decide.Caller, o Opening, at time.Time) (side, terms, error) {
	if err := s.serves(who.Terms); err != nil {
		return side{}, terms{}, err
	}
	from, column, err := s.proved(ctx, who, o.Proof, at)
	if err != nil {
		return side{}, terms{}, err
	}
	if err := o.check(who.Terms, s.manager, column, at); err != nil {
		return side{}, terms{}, err
	}
	audience := decide.Audience{Kind: decide.ToColumns, Names: []string{string(o.To)}}
	if o.Hub != "" {
		audience = decide.Audience{Kind: decide.ToPeers, Names: []string{o.Hub}}
	}
	put := o.Proposal.put(decide.Linking, column, []string{o.Proposal.Purpose}, audience, o.Agreed.narrow(exact(o.Proposal.Until)), o.Agreed, at)
	return from, terms{
		To: o.To, Hub: o.Hub, Contact: o.Contact, Uses: o.Uses, Notify: o.Notify, Agreed: o.Agreed, Order: o.Proposal.OrderReference, Decision: who.Terms.Hold(who.Actor, put, at),
	}, nil
}

// put is the proposal as the four steps see it. The person's word, where there is
// one, is for exactly this.
func (p *Proposal) put(deed decide.Deed, column *decide.Column, purposes []string, to decide.Audience, until time.Time, agreed *Agreed, at time.Time) decide.Proposal {
	put := decide.Proposal{
		Deed: deed, Mode: decide.Imposed, Column: column, Agreement: p.Agreement, Power: p.Power,
		Purposes: purposes, Aspects: p.Aspects, Audience: to, Necessary: p.Necessary, Safeguards: p.Safeguards,
		Aim: p.Aim, Ground: p.Ground, Reason: p.Reason, Conditions: p.Conditions, Until: until, Review: exact(p.Review),
		Concerning: p.Concerning, Welfare: p.Welfare, Detriment: p.Detriment, Order: p.Order,
	}
	if agreed != nil {
		put.Mode = decide.WithConsent
		put.Consents = []decide.Consent{{
			ID: ident.NewConsent(), Mine: true, Explicit: true, Audience: to, Purposes: purposes, Aspects: p.Aspects, Starts: at, Ends: until,
		}}
	}
	return put
}

// evidence are the ways in which somebody's word is recorded, as for consents.
var evidence = []string{"signed-form", "spoken-and-noted", "recorded-call", "electronic", "interpreter-present"}

// longestYears bounds a link, as it does a consent.
const longestYears = 2

// check says what of an opening cannot be used, before anything is decided.
func (o *Opening) check(t *decide.Terms, manager ident.Idmgr, own *decide.Column, at time.Time) error {
	to := t.FindColumn(o.To, at)
	switch {
	case (o.To == "") == (o.Hub == ""):
		return fault.At("/to", "say where the link leads: to a column or to another hub, one of the two")
	case o.Hub != "" && len(o.Notify) > 0:
		return fault.At("/notify", "a link to another hub tells nobody of what happens: leave it out")
	case o.Hub != "" && !slices.ContainsFunc(t.Agreements, func(a decide.Agreement) bool { return slices.Contains(a.Peers, o.Hub) }):
		return fault.At("/hub", "name a hub of one of the partnership's agreements")
	case o.Hub == "" && to == nil:
		return fault.At("/to", "name an open column of the partnership")
	case o.Hub == "" && to.ID == own.ID:
		return fault.At("/to", "a link leads to another column: name that")
	case o.Hub == "" && t.FindManager(manager) != nil && !t.FindManager(manager).Serves(o.To):
		return fault.At("/to", "name a column to which this identity manager is attached")
	case own.Route(o.Contact) == nil:
		return fault.At("/contact", "name a contact route of your own column")
	case !decide.Has(t.Codes.Purposes, o.Proposal.Purpose):
		return fault.At("/purpose", "name a purpose of the partnership's list")
	case o.Uses < 0:
		return fault.At("/uses", "say how often it may be used, or leave it out")
	case len(o.Notify) > 0 && !decide.HasAll(t.Codes.Transactions, o.Notify):
		return fault.At("/notify", "name transactions of the partnership's list")
	}
	return o.Proposal.check(t, o.Agreed, at)
}

// check says what of a proposal cannot be used, before anything is decided.
func (p *Proposal) check(t *decide.Terms, agreed *Agreed, at time.Time) error {
	until := exact(p.Until)
	switch {
	case !t.HasAgreement(p.Agreement):
		return fault.At("/decision/agreement", "name one of the partnership's agreements")
	case !t.HasPower(p.Power):
		return fault.At("/decision/power", "name one of the partnership's powers")
	case len(p.Aspects) == 0 || !decide.HasAll(t.Codes.Aspects, p.Aspects):
		return fault.At("/aspects", "name what is passed on: aspects of the partnership's list")
	case !decide.Has(t.Codes.Aims, p.Aim):
		return fault.At("/decision/proportionality/aim", "name an aim of the partnership's list")
	case p.Reason != "" && !decide.Has(t.Codes.Reasons, p.Reason):
		return fault.At("/decision/reason", "name a reason of the partnership's list")
	case p.Order != "" && !decide.Has(t.Profile.Orders, p.Order):
		return fault.At("/decision/order/kind", "name a kind of order of the law profile, and its reference")
	case !until.After(at) || until.After(at.AddDate(longestYears, 0, 0)):
		return fault.At("/until", "say until when: within %d years, and still to come", longestYears)
	case p.Ground.OnConsent() != (agreed != nil):
		return fault.At("/agreed", "record the person's word where the ground is their consent, and only there")
	case agreed != nil:
		return agreed.check(at)
	}
	return nil
}

func (a *Agreed) check(at time.Time) error {
	switch p := a.Proxy; {
	case !slices.Contains(evidence, a.Evidence) || a.Wording == "":
		return fault.At("/agreed", "say how their word was recorded, and in which words")
	case a.Competent == (p != nil):
		return fault.At("/agreed", "say that you found the person able to decide this; where they are not, by what authority somebody else decided for them")
	case p == nil:
		return nil
	case p.Authority == "" || p.Evidence == "":
		return fault.At("/agreed/proxy", "name the authority, and how it was shown")
	case !exact(p.Until).After(at):
		return fault.At("/agreed/proxy/until", "name a time that is still to come: an authority that has ended gives no word")
	}
	return nil
}

// refuse is the record of a decision that a step stopped, which names no link and
// no handle, and what the caller is told.
func (s *Service) refuse(who decide.Caller, d decide.Decision, at time.Time) (*record, error) {
	r := s.begin(refused, who, d.Role, at)
	d.Audience = decide.Audience{Kind: decide.ToPartnership, Names: []string{}}
	r.Decision = &d
	return r, stoppedBy(d)
}

// stoppedBy says which of the caller's own steps failed.
func stoppedBy(d decide.Decision) error {
	f := fault.New(fault.DecisionRefused, "step %d: %s", d.StoppedAt(), d.Because())
	f.Step = d.StoppedAt()
	return f
}
