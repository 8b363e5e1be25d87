package decide

import (
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// Step numbers (LEG-01).
const (
	StepPower           = 1
	StepProportionality = 2
	StepConfidentiality = 3
	StepCondition       = 4
)

// Answer is what one step came to.
type Answer string

// The answers.
const (
	Passed   Answer = "passed"
	Failed   Answer = "failed"
	NotAsked Answer = "not-asked"
)

// Step is one of the four, answered. Because says in words what to do about a
// failure; it names terms of the partnership only.
type Step struct {
	Number  int    `json:"step"`
	Answer  Answer `json:"answer"`
	Because string `json:"because,omitempty"`
}

// AudienceKind says how a standing decision names those it discloses to.
type AudienceKind string

// The kinds of audience.
const (
	ToPartnership AudienceKind = "partnership" // every party to the agreement
	ToAgencies    AudienceKind = "agencies"
	ToColumns     AudienceKind = "columns"
	ToPeers       AudienceKind = "peers" // every party to the agreement, and these hubs (FED-31)
)

// Audience is to whom. Names are agency or column codes, none for the whole
// partnership, and hubs for peers.
type Audience struct {
	Kind  AudienceKind `json:"kind"`
	Names []string     `json:"names"`
}

// Includes reports whether the column is in the audience.
func (a Audience) Includes(c *Column) bool { return a.includes(c.ID, c.Agency) }

// includes reports whether the column of that agency is in the audience.
func (a Audience) includes(column ident.Column, agency ident.Agency) bool {
	switch a.Kind {
	case ToPartnership, ToPeers:
		return true
	case ToAgencies:
		return slices.Contains(a.Names, string(agency))
	case ToColumns:
		return slices.Contains(a.Names, string(column))
	default:
		return false
	}
}

// intersect narrows a by b. Agencies meet columns by who controls them; peers are a
// partnership and more.
func (t *Terms) intersect(a, b Audience) Audience {
	switch {
	case a.Kind == ToPeers && b.Kind == ToPeers:
		if hubs := keep(a.Names, func(n string) bool { return slices.Contains(b.Names, n) }); len(hubs) > 0 {
			return Audience{ToPeers, hubs}
		}
		return Audience{ToPartnership, []string{}}
	case a.Kind == ToPeers:
		return b
	case b.Kind == ToPeers:
		return a
	case a.Kind == ToPartnership:
		return b
	case b.Kind == ToPartnership:
		return a
	case a.Kind == b.Kind:
		return Audience{a.Kind, keep(a.Names, func(n string) bool { return slices.Contains(b.Names, n) })}
	case a.Kind == ToAgencies:
		return t.intersect(b, a)
	default: // a names columns, b agencies
		return Audience{ToColumns, keep(a.Names, func(n string) bool {
			c := t.columns[ident.Column(n)]
			return c != nil && slices.Contains(b.Names, string(c.Agency))
		})}
	}
}

func keep(list []string, ok func(string) bool) []string {
	out := []string{}
	for _, s := range list {
		if ok(s) {
			out = append(out, s)
		}
	}
	return out
}

// Deed is what a holder's decision is for: it fixes which roles may decide.
type Deed string

// The deeds.
const (
	Publishing  Deed = "publish"
	Correlating Deed = "correlate"
	Pairing     Deed = "pair"  // the other side of a correlation: whoever may publish may pair
	Linking     Deed = "link"  // a private link to one column: whoever may publish may make one
	Granting    Deed = "grant" // a manager's grant: likewise
	// Approving is for an authority who lets others publish many (ACT-04). Where
	// the ground is consent, the consents come with what is published.
	Approving Deed = "approve"
)

// Concerning says whom a decision or a question is about, as the person who
// asks or decides has it. It is stated each time, never read from a stored age.
type Concerning string

// Whom it may concern.
const (
	Child    Concerning = "child"
	Adult    Concerning = "adult"
	Unborn   Concerning = "unborn"
	NotKnown Concerning = "not-known"
)

// Detriment is what the holder found when it weighed whether sharing would do a
// child more harm than not sharing (Children Act 2004 s.16LA).
type Detriment string

// The answers to the detriment question.
const (
	NotConsidered     Detriment = "not-considered"
	MoreDetrimental   Detriment = "sharing-is-more-detrimental"
	NoMoreDetrimental Detriment = "sharing-is-not-more-detrimental"
)

// Override is that a named person shares although consent was refused or is
// absent (LEG-15): on what risk, and whether telling the person would raise it.
// Role, reason, scope and review are the proposal's own.
type Override struct {
	Risk    string  `json:"risk"`
	Telling Telling `json:"telling"`
}

// Telling says what it would do to tell the person of the override.
type Telling string

// The two.
const (
	TellingIsSafe     Telling = "safe"
	TellingRaisesRisk Telling = "raises-risk"
)

// Proposal is what a named person of the holding agency puts to the four steps.
type Proposal struct {
	Deed       Deed
	Mode       Mode
	Column     *Column
	Agreement  string
	Power      string
	Purposes   []string
	Aspects    []string
	Audience   Audience
	Necessary  bool
	Safeguards bool
	Aim        string
	Ground     Ground
	Reason     string
	Consents   []Consent
	Conditions Conditions
	Until      time.Time

	Review     time.Time // when it is looked at again; zero: as late as may be
	Concerning Concerning
	Welfare    bool // the child's safety and welfare was considered (LEG-23)
	Detriment  Detriment
	Confidence Confidence // of the registrar's statement that a correlation rests on, empty for none
	Order      string     // the kind of an order whose reference is kept as evidence
	Override   *Override

	// Facts about the very handle: its person's last word was a refusal, or it is
	// hidden from everybody without exception.
	Refused     bool
	CreatorOnly bool
}

// Consent is what a decision must know of a consent that it names. Mine says
// that it is for the very handle that the decision is about.
type Consent struct {
	ID       ident.ConsentID
	Mine     bool
	Explicit bool
	Audience Audience
	Purposes []string
	Aspects  []string
	Starts   time.Time
	Ends     time.Time
	Withdrew *time.Time
}

// LiveAt reports whether the consent stands at that instant.
func (c Consent) LiveAt(at time.Time) bool {
	return within(at, &c.Starts, &c.Ends) && within(at, nil, c.Withdrew)
}

// Decision is a recorded answer: the four steps and, where they passed, what
// was decided after the ground narrowed it.
type Decision struct {
	Steps        [4]Step   `json:"steps"`
	Role         string    `json:"role"`
	Agreement    string    `json:"agreement"`
	Power        string    `json:"power"`
	Ground       Ground    `json:"ground"`
	Purposes     []string  `json:"purposes"`
	Aspects      []string  `json:"aspects"`
	Audience     Audience  `json:"audience"`
	Until        time.Time `json:"until"`
	TermsVersion int64     `json:"terms_version"`
	Profile      string    `json:"profile"`

	// What the deciding person stated for each step.
	Mode       Mode       `json:"mode,omitempty"`
	Necessary  bool       `json:"necessary,omitempty"`
	Safeguards bool       `json:"safeguards,omitempty"`
	Aim        string     `json:"aim,omitempty"`
	Review     time.Time  `json:"review,omitzero"`
	Concerning Concerning `json:"concerning,omitempty"`
	Welfare    bool       `json:"welfare,omitempty"`
	Detriment  Detriment  `json:"detriment,omitempty"`
	Order      string     `json:"order,omitempty"`
	Override   *Override  `json:"override,omitempty"`
	Conditions Conditions `json:"conditions"`
}

// StoppedAt is the step that failed, 0 for a permitted decision.
func (d *Decision) StoppedAt() int {
	for _, s := range d.Steps {
		if s.Answer == Failed {
			return s.Number
		}
	}
	return 0
}

// Because is the reason of the step that failed.
func (d *Decision) Because() string {
	if n := d.StoppedAt(); n > 0 {
		return d.Steps[n-1].Because
	}
	return ""
}

// walk asks the steps in order and stops at the first that gives a reason.
func (d *Decision) walk(steps [4]func() string) {
	stopped := false
	for i, ask := range steps {
		d.Steps[i] = Step{Number: i + 1, Answer: NotAsked}
		if stopped {
			continue
		}
		if because := ask(); because != "" {
			d.Steps[i].Answer, d.Steps[i].Because, stopped = Failed, because, true
			continue
		}
		d.Steps[i].Answer = Passed
	}
}

// Hold takes a proposal of the actor through the four steps. The result is a
// decision to record either way (LEG-18). It never fails for want of a fact:
// what is absent fails its step.
func (t *Terms) Hold(actor Actor, p Proposal, at time.Time) Decision {
	d := Decision{
		Agreement: p.Agreement, Power: p.Power, Ground: p.Ground, Purposes: p.Purposes, Aspects: p.Aspects,
		Audience: p.Audience, Until: p.Until, TermsVersion: t.Version, Profile: t.Profile.ID,
		Mode: p.Mode, Necessary: p.Necessary, Safeguards: p.Safeguards, Aim: p.Aim, Review: p.Review, Concerning: p.Concerning,
		Welfare: p.Welfare, Detriment: p.Detriment, Order: p.Order, Override: p.Override, Conditions: p.Conditions,
	}
	d.walk([4]func() string{
		func() string { return t.power(actor, &p, &d, at) },
		func() string { return t.proportionality(&p, &d, at) },
		func() string { return t.confidentiality(actor, &p, &d, at) },
		func() string { return t.condition(&p) },
	})
	return d
}

// WantsConsent reports whether a proposal that names no consent lacks nothing
// else: with one that covers it, every step would pass (PUB-10).
func (t *Terms) WantsConsent(actor Actor, p Proposal, at time.Time) bool {
	if !p.Ground.OnConsent() || len(p.Consents) > 0 {
		return false
	}
	p.Consents = []Consent{{
		Mine: true, Explicit: true, Audience: p.Audience, Purposes: p.Purposes, Aspects: p.Aspects, Starts: at, Ends: p.Until,
	}}
	d := t.Hold(actor, p, at)
	return d.StoppedAt() == 0
}

// power is step 1: an agreement in force lets this role do this for these
// purposes, the agency has the power, and no bar stands in the way. Consent
// does not help here (LEG-04).
func (t *Terms) power(actor Actor, p *Proposal, d *Decision, at time.Time) string {
	a := t.FindAgreement(p.Agreement, at)
	if a == nil {
		return "name an agreement that is in force"
	}
	if !slices.Contains(a.Parties, p.Column.Agency) {
		return "the agency that controls the column is no party to this agreement"
	}
	if because := a.mayDo(actor, p, d); because != "" {
		return because
	}
	if p.Deed == Correlating && !p.Confidence.Reaches(a.StatementLevel) {
		return fmt.Sprintf("this agreement correlates only on a registrar's statement of at least %s confidence: ask the registrar for one", a.StatementLevel)
	}
	if !slices.Contains(a.Modes, p.Mode) {
		return fmt.Sprintf("this agreement does not allow that mode of act: use one of %v", a.Modes)
	}
	if !subset(p.Purposes, a.Purposes) || !subset(p.Aspects, a.Aspects) {
		return fmt.Sprintf("stay within the agreement's purposes %v and aspects %v", a.Purposes, a.Aspects)
	}
	if because := t.holdsPower(a, p.Power, p.Column.Agency, p.Purposes, at); because != "" {
		return because
	}
	if !at.Before(p.Until) {
		return "say until when, as a time that is still to come"
	}
	if a.Ends != nil && a.Ends.Before(d.Until) {
		d.Until = *a.Ends
	}
	return t.audienceAllowed(a, p, at)
}

// mayDo finds the role in which the actor does it, and keeps it.
func (a *Agreement) mayDo(actor Actor, p *Proposal, d *Decision) string {
	roles := a.Roles.Publish
	switch p.Deed {
	case Correlating:
		roles = a.Roles.Correlate
	case Approving:
		roles = a.Roles.Approve
	}
	role, ok := actor.RoleAmong(roles)
	if !ok {
		return fmt.Sprintf("this agreement lets only these roles do it: %v", roles)
	}
	if p.Mode == Imposed && p.Deed != Approving { // the higher role may be one that does nothing else
		if role, ok = actor.RoleAmong(a.Roles.Impose); !ok {
			return fmt.Sprintf("this agreement lets only these roles impose: %v", a.Roles.Impose)
		}
	}
	d.Role = role
	return ""
}

// holdsPower checks that the power is one of the agreement's, in force, held
// by the agency's kind, and serves every purpose (LEG-02).
func (t *Terms) holdsPower(a *Agreement, power string, agency ident.Agency, purposes []string, at time.Time) string {
	pw, ag := t.powers[power], t.FindAgency(agency, at)
	switch {
	case pw == nil || !slices.Contains(a.Powers, power):
		return fmt.Sprintf("no power: name one of this agreement's: %v", a.Powers)
	case !within(at, pw.Starts, pw.Ends):
		return "no power: it is not in force now; name its successor"
	case ag == nil || !slices.Contains(pw.Kinds, ag.Kind):
		return "no power: agencies of this kind do not hold it"
	case !subset(purposes, pw.Purposes):
		return fmt.Sprintf("no power: it serves only %v", pw.Purposes)
	}
	return ""
}

// audienceAllowed checks that everyone named is a party and that no bar names
// them. A whole-partnership audience is refused by a bar on every recipient, and
// narrowed by the others when it is disclosed.
func (t *Terms) audienceAllowed(a *Agreement, p *Proposal, at time.Time) string {
	for _, purpose := range p.Purposes {
		if bar := t.barToAll(p.Column.Agency, purpose, at); bar != nil {
			return "a statutory bar forbids it: " + bar.Code
		}
	}
	if p.Audience.Kind == ToPeers {
		return t.peersAllowed(a, p, at)
	}
	for _, name := range p.Audience.Names {
		agency := ident.Agency(name)
		if p.Audience.Kind == ToColumns {
			c := t.FindColumn(ident.Column(name), at)
			if c == nil {
				return "name columns that are open"
			}
			agency = c.Agency
		}
		if !slices.Contains(a.Parties, agency) {
			return fmt.Sprintf("stay within the agreement's parties %v", a.Parties)
		}
		for _, purpose := range p.Purposes {
			if bar := t.bar(p.Column.Agency, agency, purpose, at); bar != nil {
				return "a statutory bar forbids it: " + bar.Code
			}
		}
	}
	return ""
}

// bar returns the first bar in force on disclosure from one agency to another
// for the purpose (LEG-03).
func (t *Terms) bar(from, to ident.Agency, purpose string, at time.Time) *Bar {
	for i := range t.Bars {
		b := &t.Bars[i]
		if within(at, b.Starts, b.Ends) && t.kindAmong(b.FromKinds, from) && t.kindAmong(b.ToKinds, to) &&
			(len(b.Purposes) == 0 || slices.Contains(b.Purposes, purpose)) {
			return b
		}
	}
	return nil
}

// barToAll returns the first bar in force on disclosure from the agency to
// anybody at all for the purpose (LEG-03).
func (t *Terms) barToAll(from ident.Agency, purpose string, at time.Time) *Bar {
	for i := range t.Bars {
		b := &t.Bars[i]
		if len(b.ToKinds) == 0 && within(at, b.Starts, b.Ends) && t.kindAmong(b.FromKinds, from) &&
			(len(b.Purposes) == 0 || slices.Contains(b.Purposes, purpose)) {
			return b
		}
	}
	return nil
}

func (t *Terms) kindAmong(kinds []string, agency ident.Agency) bool {
	if len(kinds) == 0 {
		return true
	}
	a := t.agencies[agency]
	return a != nil && slices.Contains(kinds, a.Kind)
}

// proportionality is step 2: the deciding person says that the means are
// necessary, the safeguards adequate and the aim well defined (LEG-06), that a
// child's welfare was considered (LEG-23), and when it is looked at again.
func (t *Terms) proportionality(p *Proposal, d *Decision, at time.Time) string {
	switch {
	case !p.Necessary:
		return "disproportionate: something less would do"
	case !p.Safeguards:
		return "disproportionate: the safeguards are not adequate"
	case !Has(t.Codes.Aims, p.Aim):
		return fmt.Sprintf("name a well-defined aim: %v", codes(t.Codes.Aims))
	case (p.Concerning == Child || p.Concerning == Unborn) && !p.Welfare:
		return "consider the child's safety and welfare, and say that you did"
	}
	return t.review(p, d, at)
}

// review keeps when the decision is looked at again: as stated, or else as late
// as may be. From that instant on it stands no longer.
func (t *Terms) review(p *Proposal, d *Decision, at time.Time) string {
	days := t.ReviewWithin(p.Agreement, p.Override != nil)
	last := at.AddDate(0, 0, days)
	switch {
	case p.Review.IsZero() && p.Override != nil:
		return "an override needs a review date: say when it is looked at again"
	case p.Review.IsZero() && (days == 0 || d.Until.Before(last)):
		d.Review = d.Until
	case p.Review.IsZero():
		d.Review = last
	case !at.Before(p.Review):
		return "say when it is looked at again, as a time that is still to come"
	case days > 0 && p.Review.After(last):
		return fmt.Sprintf("look at it again sooner: within %d days", days)
	}
	return ""
}

// ReviewWithin is within how many days a decision under the agreement is looked
// at again, 0 for no bound: what the law profile asks, or the agreement where
// that is sooner. A bound holds for decisions made from then on.
func (t *Terms) ReviewWithin(agreement string, override bool) int {
	days := t.Profile.ReviewDays
	if override {
		days = t.Profile.OverrideDays
	}
	if a := t.agreements[agreement]; a != nil && a.ReviewDays > 0 && (days == 0 || a.ReviewDays < days) {
		days = a.ReviewDays
	}
	return days
}

// confidentiality is step 3: the ground is one that the agreement allows, fits
// the mode and the column, and has its evidence (LEG-07). Consents narrow what
// is decided to their intersection.
func (t *Terms) confidentiality(actor Actor, p *Proposal, d *Decision, at time.Time) string {
	a := t.agreements[p.Agreement]
	switch {
	case !slices.Contains(a.Grounds, p.Ground):
		return fmt.Sprintf("this agreement allows only these grounds: %v", a.Grounds)
	case p.Column.Sensitive && !fitsSensitive(p.Ground):
		return fmt.Sprintf("a sensitive column needs the ground %s or %s", ExplicitConsent, SignificantHarm)
	case (p.Mode == WithConsent || p.Mode == BySubject) && !p.Ground.OnConsent():
		return "this mode rests on a consent: name one, or use another mode"
	case p.Mode == Imposed && p.Ground.OnConsent():
		return "an imposed act rests on no consent: name another ground, or use another mode"
	case p.Ground == CourtOrder && !Has(t.Profile.Orders, p.Order):
		return fmt.Sprintf("name the order and its reference: one of %v", codes(t.Profile.Orders))
	case p.Ground != CourtOrder && p.Order != "":
		return "this ground does not rest on an order: leave the order out"
	case p.Override != nil:
		return t.overriding(a, actor, p, d)
	case p.Ground.OnConsent() && p.Deed == Approving:
		return ""
	case p.Ground.OnConsent():
		return t.consented(p, d, at)
	case p.Ground != NotConfidential && !Has(t.Codes.Reasons, p.Reason):
		return fmt.Sprintf("this ground needs a reason: %v", codes(t.Codes.Reasons))
	case len(p.Consents) > 0:
		return "this ground does not rest on consent: leave the consents out"
	case p.Ground == DutyToShare:
		return t.duty(p)
	case p.Refused && !p.Ground.compelled():
		return "the person has refused: respect that, or override it for a risk that outweighs it"
	}
	return ""
}

// duty asks for a duty that binds the column, and for the answer to its
// question. Where sharing does more harm there is no duty: the refusal is the
// record of not sharing (LEG-18).
func (t *Terms) duty(p *Proposal) string {
	if because := t.unbound(p.Power, p.Column); because != "" {
		return because
	}
	switch q := t.Profile.Duty; {
	case !slices.Contains(q.Concerning, p.Concerning):
		return fmt.Sprintf("say whom the decision concerns: this duty is about %v", q.Concerning)
	case p.Detriment == MoreDetrimental:
		return "sharing would be more detrimental than not sharing, so the duty does not ask for it: do not share"
	case p.Detriment != NoMoreDetrimental:
		return "answer first: " + q.Question
	}
	return ""
}

// unbound says why the power is no duty that binds the column.
func (t *Terms) unbound(power string, c *Column) string {
	switch pw := t.powers[power]; {
	case t.Profile.Duty == nil:
		return "the law profile knows no duty to share: use another ground"
	case pw == nil || !pw.Duty.binds(c):
		return "this power is no duty that binds your column: name one that does, or use another ground"
	}
	return ""
}

// Bound returns the question of a duty to share that binds the column for the
// purpose and such a person at that instant, empty where none does.
func (t *Terms) Bound(c *Column, purpose string, about Concerning, at time.Time) string {
	q := t.Profile.Duty
	if q == nil || !slices.Contains(q.Concerning, about) {
		return ""
	}
	for i := range t.Powers {
		pw := &t.Powers[i]
		if within(at, pw.Starts, pw.Ends) && slices.Contains(pw.Purposes, purpose) && pw.Duty.binds(c) {
			return q.Question
		}
	}
	return ""
}

// overriding asks for every part of an override: somebody in the role for it, on
// a risk and for a reason, for those who need to know and nobody else (LEG-15,
// LEG-16, LEG-20). It is step 3's: a missing power or a bar has stopped the
// proposal before.
func (t *Terms) overriding(a *Agreement, actor Actor, p *Proposal, d *Decision) string {
	o := p.Override
	switch {
	case !p.Ground.overrides() || len(p.Consents) > 0:
		return fmt.Sprintf("an override rests on no consent, and on the ground %s or %s", SignificantHarm, PublicInterest)
	case p.Mode != Imposed:
		return "an override is an imposed act: use that mode"
	case !Has(t.Codes.Reasons, p.Reason):
		return fmt.Sprintf("an override needs a reason: %v", codes(t.Codes.Reasons))
	case p.CreatorOnly:
		return "the person hides this without exception: nothing overrides that"
	case !Has(t.Codes.Risks, o.Risk):
		return fmt.Sprintf("assess the risk and name it: %v", codes(t.Codes.Risks))
	case o.Telling != TellingIsSafe && o.Telling != TellingRaisesRisk:
		return fmt.Sprintf("say whether telling the person raises the risk: %s or %s", TellingIsSafe, TellingRaisesRisk)
	case p.Audience.Kind == ToPartnership || p.Audience.Kind == ToPeers:
		return "name the agencies or columns that need to know, and nobody else"
	}
	role, ok := actor.RoleAmong(a.Roles.Override)
	if !ok {
		return fmt.Sprintf("this agreement lets only these roles override a refusal: %v", a.Roles.Override)
	}
	d.Role = role
	return ""
}

func fitsSensitive(g Ground) bool { return g == ExplicitConsent || g == SignificantHarm }

// consented narrows the decision by every consent it names.
func (t *Terms) consented(p *Proposal, d *Decision, at time.Time) string {
	if len(p.Consents) == 0 {
		return "name the consents that this ground rests on"
	}
	for _, c := range p.Consents {
		switch {
		case !c.Mine:
			return "name consents that were captured for this very identifier"
		case !c.LiveAt(at):
			return "a consent named here is not in force: ask for a new one"
		case p.Ground == ExplicitConsent && !c.Explicit:
			return "explicit consent is needed, and a consent named here is not explicit"
		}
		d.Audience = t.intersect(d.Audience, c.Audience)
		d.Purposes = keep(d.Purposes, func(s string) bool { return slices.Contains(c.Purposes, s) })
		d.Aspects = keep(d.Aspects, func(s string) bool { return slices.Contains(c.Aspects, s) })
		if c.Ends.Before(d.Until) {
			d.Until = c.Ends
		}
	}
	if len(d.Purposes) == 0 || len(d.Aspects) == 0 || d.Audience.Kind != ToPartnership && len(d.Audience.Names) == 0 {
		return "the consents leave nothing to disclose: ask for one that covers this audience, purpose and aspect"
	}
	return ""
}

// condition is step 4: one condition of the law profile, and a further one
// where the data is sensitive (LEG-09).
func (t *Terms) condition(p *Proposal) string {
	return t.conditionsMet(p.Conditions, p.Column.Sensitive, p.Ground)
}

// conditionsMet asks for consent where a condition is consent, and for the
// explicit kind where the condition says so (LEG-14).
func (t *Terms) conditionsMet(c Conditions, sensitive bool, ground Ground) string {
	ordinary := find(t.Profile.Ordinary, c.Ordinary)
	if ordinary == nil {
		return fmt.Sprintf("name a condition of profile %s: %v", t.Profile.ID, conditionCodes(t.Profile.Ordinary))
	}
	if because := ordinary.met(ground); because != "" {
		return because
	}
	if c.Sensitive == "" && !sensitive {
		return ""
	}
	further := find(t.Profile.Sensitive, c.Sensitive)
	if further == nil {
		return fmt.Sprintf("sensitive data needs a further condition of profile %s: %v", t.Profile.ID, conditionCodes(t.Profile.Sensitive))
	}
	return further.met(ground)
}

func (p *ProfileCondition) met(ground Ground) string {
	switch {
	case p.NeedsExplicit && ground != ExplicitConsent:
		return "this condition is explicit consent: name such consents, or another condition"
	case p.OnConsent() && !ground.OnConsent():
		return "this condition is consent: name the consents, or another condition"
	}
	return ""
}

func find(list []ProfileCondition, code string) *ProfileCondition {
	for i := range list {
		if list[i].Code == code {
			return &list[i]
		}
	}
	return nil
}

func conditionCodes(list []ProfileCondition) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.Code
	}
	return out
}

func codes(list []Code) []string {
	out := make([]string, len(list))
	for i, c := range list {
		out[i] = c.Code
	}
	return out
}

func subset(some, all []string) bool {
	return len(some) > 0 && !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}
