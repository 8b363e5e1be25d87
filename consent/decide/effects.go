package decide

import (
	"slices"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// TrustModel says how the parties to an agreement come to rely on each other
// (TRU-01 to 03). It is chosen per agreement, and each act keeps the version of the
// terms that says which it was made under (TRU-06).
type TrustModel string

// The models.
const (
	// DirectTrust: they rely on each other; no grant of an identity manager counts.
	DirectTrust TrustModel = "direct"
	// ThirdPartyTrust: both rely on one manager. Nothing is told unless it has granted
	// it, and to whom one turns stands in every answer.
	ThirdPartyTrust TrustModel = "third-party"
	// FourCorneredTrust: each side has a manager of its own. Only where one grants what
	// another withholds does an adjudicator hear of it (TRU-09).
	FourCorneredTrust TrustModel = "four-cornered"
)

// Trust is the model of an agreement, and on whom both rely.
type Trust struct {
	Model TrustModel  `json:"model"`
	Party ident.Idmgr `json:"party,omitempty"` // of third-party
}

// model is the agreement's: direct where it names none.
func (a *Agreement) model() TrustModel {
	if a.Trust == nil {
		return DirectTrust
	}
	return a.Trust.Model
}

// counts reports whether a manager's grant has a part in what is told under the
// agreement.
func (a *Agreement) counts(m ident.Idmgr) bool {
	switch a.model() {
	case ThirdPartyTrust:
		return a.Trust.Party == m
	case FourCorneredTrust:
		return true
	}
	return false
}

// Grants reports whether the manager may grant anything under the agreement of that
// code.
func (t *Terms) Grants(agreement string, m ident.Idmgr) bool {
	a := t.agreements[agreement]
	return a != nil && a.counts(m)
}

// Level is where a case is ruled on: registered adjudicators, by the roles that they
// hold at one agency, and how long they have. The last level is the final owner.
type Level struct {
	Title  string       `json:"title"`
	Agency ident.Agency `json:"agency"`
	Roles  []string     `json:"roles"`
	Days   int          `json:"days"`        // for a ruling; then the case moves up
	Appeal int          `json:"appeal_days"` // within which the next level may be asked
}

// Recourses are whom an asker may turn to about answers under agreements on whose
// third party both sides rely (TRU-02). They rest on the asker and the terms alone.
func (t *Terms) Recourses(to *Asking) (all []string) {
	for _, code := range to.Agreements {
		if a := t.agreements[code]; a.model() == ThirdPartyTrust {
			if m := t.FindManager(a.Trust.Party); m != nil && !slices.Contains(all, m.Appeal) {
				all = append(all, m.Appeal)
			}
		}
	}
	return all
}

// Effect is what an identity manager has in force on a handle. A grant is a decision
// of its own; a withholding hides from whom it names, for what, and gives way to a
// recorded emergency.
type Effect struct {
	ID       ident.EffectID
	Manager  ident.Idmgr
	Withhold bool
	Standing Standing // of a withholding: audience, purposes (none: any) and end alone
	Reasons  []string // none: any
	YieldsTo []ident.EffectID
}

// Clash is a grant of one manager against a withholding of another.
type Clash struct{ Grant, Withholding ident.EffectID }

// Outcome is what the effects on a published handle came to for one asker.
type Outcome struct {
	Told    bool
	By      []ident.EffectID // grants and withholdings that decided it (IDM-16)
	Clashes []Clash
}

// Weigh decides whether a published relationship is told to an asker, from the
// holder's own decision and what managers have in force on the handle. A grant tells
// more people of what the holder's decision publishes, never more than stands; a
// withholding hides; where two managers contradict each other it is withheld until a
// ruling says which gives way (IDM-14). A manager does not contradict itself: its
// withholding holds.
func (t *Terms) Weigh(s Standing, effects []Effect, to *Asking, at time.Time) Outcome {
	var grants, withholdings []*Effect
	for i := range effects {
		switch e := &effects[i]; {
		case e.Withhold && t.withholds(e, to, at):
			withholdings = append(withholdings, e)
		case !e.Withhold && t.grants(e, to, at):
			grants = append(grants, e)
		}
	}
	out := Outcome{Told: t.discloses(s, grants, to, at)}
	for _, g := range grants {
		out.By = append(out.By, g.ID)
	}
	for _, w := range withholdings {
		beaten := false
		for _, g := range grants {
			beaten = beaten || slices.Contains(w.YieldsTo, g.ID)
		}
		if beaten {
			continue
		}
		out.Told, out.By = false, append(out.By, w.ID)
		for _, g := range grants {
			a := t.agreements[g.Standing.Agreement]
			if a.model() == FourCorneredTrust && g.Manager != w.Manager && !slices.Contains(g.YieldsTo, w.ID) {
				out.Clashes = append(out.Clashes, Clash{g.ID, w.ID})
			}
		}
	}
	// What the holder's own decision does not publish to anybody clashes with nobody.
	if !t.Stands(s, at) {
		out.Clashes = nil
	}
	return out
}

// discloses is the holder's own decision with the grants that widen it. Under an
// agreement on whose third party both rely it takes that party's grant.
func (t *Terms) discloses(s Standing, grants []*Effect, to *Asking, at time.Time) bool {
	if !t.Stands(s, at) || s.Spent {
		return false
	}
	if len(grants) > 0 {
		return true
	}
	return t.Discloses(s, to, at) && t.agreements[s.Agreement].model() != ThirdPartyTrust
}

func (t *Terms) grants(e *Effect, to *Asking, at time.Time) bool {
	m := t.FindManager(e.Manager)
	return m != nil && m.Serves(e.Standing.Column) && t.Grants(e.Standing.Agreement, e.Manager) &&
		anyOr(e.Reasons, to.Reason) && t.Discloses(e.Standing, to, at)
}

// withholds leaves the manager's own standing aside: that one was taken out of the
// partnership does not open what it kept.
func (t *Terms) withholds(e *Effect, to *Asking, at time.Time) bool {
	return !to.Emergency && at.Before(e.Standing.Until) && e.Standing.Audience.includes(to.Column.ID, to.Column.Agency) &&
		anyOr(e.Standing.Purposes, to.Purpose) && anyOr(e.Reasons, to.Reason)
}

// Withholds reports whether a withholding of those terms hides from the asker; for
// what is told of an earlier date.
func (t *Terms) Withholds(e Effect, to *Asking, at time.Time) bool {
	return e.Withhold && t.withholds(&e, to, at)
}

func anyOr(list []string, one string) bool { return len(list) == 0 || slices.Contains(list, one) }

// Rule is one rule of a manager's set, in its closed vocabulary: what it does, to
// whom, for which purposes and reasons, on which authority, and until when.
type Rule struct {
	Code      string    `json:"rule"`
	Withhold  bool      `json:"withhold"`
	Audience  Audience  `json:"audience"`
	Purposes  []string  `json:"purposes"`
	Reasons   []string  `json:"reasons"`
	Authority string    `json:"authority"`
	Until     time.Time `json:"until"`
}

// Predict says what a rule would come to for an enquiry of a column, and nothing of
// any person: whether it would meet it at all.
func (t *Terms) Predict(r Rule, column ident.Column, purpose, reason string, emergency bool, at time.Time) bool {
	c := t.columns[column]
	return c != nil && at.Before(r.Until) && !(r.Withhold && emergency) && r.Audience.includes(c.ID, c.Agency) &&
		anyOr(r.Purposes, purpose) && anyOr(r.Reasons, reason)
}
