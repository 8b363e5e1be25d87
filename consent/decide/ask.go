package decide

import (
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// Question is what a practitioner asks, as far as a decision may depend on it:
// never an identifier.
type Question struct {
	Column      *Column
	Purpose     string
	Reason      string
	Transaction string // empty: who else works with the person
	Emergency   bool   // life or limb: what is blocked may be told, and a review opens
	// NoCase says that the asker's own column does not publish the person, and
	// that no case is named.
	NoCase bool
}

// Asking is the asker's side of an enquiry: its decision, and every agreement
// under which the asker may receive an answer. What a holder decided under
// another agreement does not reach this asker.
type Asking struct {
	Decision
	Column     *Column // of another hub's asker an empty one
	Peer       string  // the hub that asks along an axle; empty: one of this partnership
	Purpose    string
	Reason     string
	Emergency  bool
	Agreements []string
}

// Ask takes a question through the asker's own four steps (LEG-11: receipt is
// processing too). It depends on the asker and the terms alone, so its failures
// may be explained. Where several agreements fit, the decision recorded is that
// of the first that passes, or else the one that came furthest.
func (t *Terms) Ask(actor Actor, q Question, at time.Time) Asking {
	asking := Asking{Column: q.Column, Purpose: q.Purpose, Reason: q.Reason, Emergency: q.Emergency}
	best := -1
	for i := range t.Agreements {
		a := &t.Agreements[i]
		if !slices.Contains(a.Parties, q.Column.Agency) {
			continue
		}
		d := t.askUnder(a, actor, q, at)
		reached := d.StoppedAt()
		if reached == 0 {
			asking.Agreements = append(asking.Agreements, a.Code)
			reached = len(d.Steps) + 1
		}
		if reached > best {
			asking.Decision, best = d, reached
		}
	}
	if best < 0 {
		d := Decision{TermsVersion: t.Version, Profile: t.Profile.ID, Purposes: []string{q.Purpose}}
		d.walk([4]func() string{func() string { return "your agency is no party to any agreement: ask your governance officer" }, nil, nil, nil})
		asking.Decision = d
	}
	return asking
}

func (t *Terms) askUnder(a *Agreement, actor Actor, q Question, at time.Time) Decision {
	d := Decision{
		Agreement: a.Code, Purposes: []string{q.Purpose}, Aspects: a.Aspects,
		TermsVersion: t.Version, Profile: t.Profile.ID, Conditions: a.Receiving,
	}
	d.walk([4]func() string{
		func() string { return t.askingPower(a, actor, q, &d, at) },
		func() string {
			if !Has(t.Codes.Reasons, q.Reason) {
				return fmt.Sprintf("say why you need to know: %v", codes(t.Codes.Reasons))
			}
			if a.NeedsCase && q.NoCase && !q.Emergency {
				return "your column does not publish this person: name the case of yours that the question is for"
			}
			return ""
		},
		// A party's people are bound by the agreement's own duty of confidence.
		func() string { return "" },
		func() string { return t.conditionsMet(a.Receiving, a.Receiving.Sensitive != "", d.Ground) },
	})
	return d
}

func (t *Terms) askingPower(a *Agreement, actor Actor, q Question, d *Decision, at time.Time) string {
	if !within(at, a.Starts, a.Ends) {
		return "the agreement is not in force"
	}
	role, ok := actor.RoleAmong(a.Roles.Enquire)
	if !ok {
		return fmt.Sprintf("this agreement lets only these roles ask: %v", a.Roles.Enquire)
	}
	d.Role = role
	if q.Emergency {
		if d.Role, ok = actor.RoleAmong(a.Roles.Emergency); !ok {
			return fmt.Sprintf("this agreement lets only these roles declare an emergency: %v", a.Roles.Emergency)
		}
	}
	if !slices.Contains(a.Purposes, q.Purpose) {
		return fmt.Sprintf("no agreement of your agency covers this purpose; this one covers %v", a.Purposes)
	}
	for _, bar := range t.Bars {
		if within(at, bar.Starts, bar.Ends) && len(bar.FromKinds) == 0 && t.kindAmong(bar.ToKinds, q.Column.Agency) &&
			(len(bar.Purposes) == 0 || slices.Contains(bar.Purposes, q.Purpose)) {
			return "a statutory bar forbids asking: " + bar.Code
		}
	}
	if d.Power = t.powerUnder(a, q.Column.Agency, q.Purpose, at); d.Power == "" {
		return "no power: your agency holds none of this agreement's powers for this purpose"
	}
	return ""
}

// powerUnder is the first of the agreement's powers that the agency holds for the
// purpose, empty for none.
func (t *Terms) powerUnder(a *Agreement, agency ident.Agency, purpose string, at time.Time) string {
	for _, power := range a.Powers {
		if t.holdsPower(a, power, agency, []string{purpose}, at) == "" {
			return power
		}
	}
	return ""
}

// Right is on what two agencies may tell each other that they work with one person,
// and which aspects that covers (QRY-07).
type Right struct {
	Agreement string   `json:"agreement"`
	Powers    []string `json:"powers"` // of each, in the order of the two
	Purpose   string   `json:"purpose"`
	Aspects   []string `json:"aspects"`
}

// RightBetween is the right of two who may both ask, nil for none: one agreement under
// which both may for one purpose, no bar either way, and no sensitive column, which
// says whom it knows on explicit consent alone. It depends on the terms and on
// both agencies, never on a person.
func (t *Terms) RightBetween(x, y *Asking, at time.Time) *Right {
	if x.Purpose != y.Purpose || x.Column.Sensitive || y.Column.Sensitive ||
		t.bar(x.Column.Agency, y.Column.Agency, x.Purpose, at) != nil || t.bar(y.Column.Agency, x.Column.Agency, x.Purpose, at) != nil {
		return nil
	}
	for _, code := range x.Agreements {
		a := t.FindAgreement(code, at)
		if a == nil || !slices.Contains(y.Agreements, code) {
			continue
		}
		r := &Right{Agreement: code, Purpose: x.Purpose, Aspects: a.Aspects}
		for _, side := range []*Asking{x, y} {
			if power := t.powerUnder(a, side.Column.Agency, side.Purpose, at); power != "" {
				r.Powers = append(r.Powers, power)
			}
		}
		if len(r.Powers) == 2 {
			return r
		}
	}
	return nil
}

// Standing is a holder's decision as it stands in the index, with whether the
// consents it rests on still live.
type Standing struct {
	Column    ident.Column
	Agreement string
	Power     string
	Ground    Ground
	Purposes  []string
	Audience  Audience
	Until     time.Time
	Consented bool // true where no consent is needed, or all named ones live

	Mode       Mode
	Aspects    []string
	Conditions Conditions
	Review     time.Time
	Risk       string // of an override, empty for none
	Spent      bool   // an override that has told this asker already
	Rejected   bool   // an override that its review found not justified
}

// Stands reports whether the decision is in force at that instant: its time is
// not over, its review has not passed, its consents live, and the terms still
// hold what each step rested on (LEG-27). A lapse ends it at that instant, not
// at a sweep.
func (t *Terms) Stands(s Standing, at time.Time) bool { return t.lapsed(&s, at) == "" }

// Suspended says in words what a decision rested on and no longer holds, empty
// where it stands whole (LEG-27). A bar on one of those it names suspends it
// towards them only.
func (t *Terms) Suspended(s Standing, at time.Time) string {
	if because := t.lapsed(&s, at); because != "" {
		return because
	}
	p := Proposal{Column: t.columns[s.Column], Purposes: s.Purposes, Audience: s.Audience}
	return t.audienceAllowed(t.agreements[s.Agreement], &p, at)
}

func (t *Terms) lapsed(s *Standing, at time.Time) string {
	column := t.FindColumn(s.Column, at)
	a := t.FindAgreement(s.Agreement, at)
	switch {
	case column == nil:
		return "its column has closed, or its agency has left"
	case a == nil:
		return "its agreement is not in force"
	case !at.Before(s.Until):
		return "its time is over"
	case !at.Before(s.Review):
		return "its review date has passed: look at it again and decide anew"
	case !s.Consented:
		return "a consent that it rests on is not in force"
	case !slices.Contains(a.Parties, column.Agency):
		return "the agency is no longer a party to its agreement"
	case !slices.Contains(a.Modes, s.Mode):
		return "its agreement no longer allows that mode of act"
	case !subset(s.Purposes, a.Purposes) || !subset(s.Aspects, a.Aspects):
		return "its agreement no longer covers all its purposes and aspects"
	case !slices.Contains(a.Grounds, s.Ground):
		return "its agreement no longer allows its ground"
	case column.Sensitive && !fitsSensitive(s.Ground):
		return "its column has become sensitive, and its ground does not fit"
	case s.Rejected:
		return "its review found the override not justified"
	case s.Risk != "" && (len(a.Roles.Override) == 0 || !Has(t.Codes.Risks, s.Risk)):
		return "its agreement no longer lets anybody override a refusal for that risk"
	}
	if s.Ground == DutyToShare {
		if because := t.unbound(s.Power, column); because != "" {
			return because
		}
	}
	if because := t.holdsPower(a, s.Power, column.Agency, s.Purposes, at); because != "" {
		return because
	}
	return t.conditionsMet(s.Conditions, column.Sensitive, s.Ground)
}

// Reaches reports whether a contact request of this asker may be delivered to a
// holder, whatever that holder has decided: being reached tells the asker
// nothing, and the holder weighs the answer. Both are parties to an agreement
// under which the asker may ask, and no bar stands between them, either way: a
// request discloses too. own is what the asker's column publishes, nil for
// nothing; that a sensitive column knows the person goes only to those whom it
// tells already.
func (t *Terms) Reaches(holder *Column, from *Asking, own *Standing, at time.Time) bool {
	party := func(code string) bool {
		return slices.Contains(t.agreements[code].Parties, holder.Agency)
	}
	if from.Column.Sensitive && (own == nil || !t.Stands(*own, at) || !party(own.Agreement) ||
		!slices.Contains(own.Purposes, from.Purpose) || !own.Audience.includes(holder.ID, holder.Agency)) {
		return false
	}
	return slices.ContainsFunc(from.Agreements, party) &&
		t.bar(holder.Agency, from.Column.Agency, from.Purpose, at) == nil &&
		t.bar(from.Column.Agency, holder.Agency, from.Purpose, at) == nil
}

// Discloses reports whether a standing decision answers this asker: both sides
// under one agreement (LEG-11), for the purpose, to the audience, with no bar.
// What a sensitive column holds is received on a further condition only (LEG-09);
// the asker's own steps cannot ask for it, as they know no holder.
// An override tells each of those it names once (LEG-15).
func (t *Terms) Discloses(s Standing, to *Asking, at time.Time) bool {
	holder := t.columns[s.Column]
	return !s.Spent && t.Stands(s, at) &&
		slices.Contains(to.Agreements, s.Agreement) &&
		slices.Contains(s.Purposes, to.Purpose) &&
		s.Audience.tells(to) &&
		(!holder.Sensitive || t.agreements[s.Agreement].Receiving.Sensitive != "") &&
		t.barred(holder.Agency, to, at) == nil
}
