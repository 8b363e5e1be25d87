package decide_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func day(n int) time.Time { return noon.AddDate(0, 0, n) }

func on(t time.Time) *time.Time { return &t }

// justAfter is the first instant that is no longer t.
func justAfter(t time.Time) time.Time { return t.Add(time.Nanosecond) }

func justBefore(t time.Time) time.Time { return t.Add(-time.Nanosecond) }

// world is a small partnership, with a proposal of the surgery and a question
// of the school that both pass: a test changes one thing and looks at what
// follows.
type world struct {
	terms *decide.Terms
	actor decide.Actor
	decide.Proposal
	column ident.Column // the proposal's

	asker    decide.Actor
	question decide.Question
	asks     ident.Column // the question's
	standing decide.Standing
}

func newWorld() *world {
	w := &world{
		terms: terms(),
		actor: decide.Actor{Practitioner: "dr-green", Agency: "gp", Roles: []string{"cleaner", "doctor"}, Providers: []ident.Provider{"gp-desk"}},
		Proposal: decide.Proposal{
			Deed: decide.Publishing, Mode: decide.Joint, Agreement: "sharing", Power: "care-act",
			Purposes: []string{"support", "safeguarding"}, Aspects: []string{"involvement", "health"},
			Audience:  decide.Audience{Kind: decide.ToAgencies, Names: []string{"school", "clinic"}},
			Necessary: true, Safeguards: true, Aim: "protect", Ground: decide.PublicInterest, Reason: "referral",
			Conditions: decide.Conditions{Ordinary: "task"}, Until: day(30),
		},
		column: "gp-list",
		asker:  decide.Actor{Practitioner: "ms-brown", Agency: "school", Roles: []string{"teacher"}, Providers: []ident.Provider{"school-office"}},
		question: decide.Question{
			Purpose: "support", Reason: "referral",
		},
		asks: "school-roll",
		standing: decide.Standing{
			Column: "gp-list", Agreement: "sharing", Power: "care-act", Ground: decide.PublicInterest,
			Purposes: []string{"support", "safeguarding"}, Until: day(30), Consented: true,
			Audience: decide.Audience{Kind: decide.ToAgencies, Names: []string{"school", "clinic"}},
			Mode:     decide.Joint, Aspects: []string{"involvement"}, Conditions: decide.Conditions{Ordinary: "task", Sensitive: "care"}, Review: day(30),
		},
	}
	return w
}

// onConsent makes the proposal rest on one explicit consent that covers it.
func (w *world) onConsent() {
	w.Mode, w.Ground, w.Reason = decide.WithConsent, decide.ExplicitConsent, ""
	w.Consents = []decide.Consent{{
		ID: ident.NewConsent(), Mine: true, Explicit: true, Audience: decide.Audience{Kind: decide.ToPartnership},
		Purposes: []string{"support", "safeguarding", "billing"}, Aspects: []string{"involvement", "health", "notes"},
		Starts: day(-1), Ends: day(40),
	}}
}

// imposed makes the proposal an imposed act of somebody who may impose.
func (w *world) imposed() {
	w.Mode, w.Ground, w.actor.Roles = decide.Imposed, decide.SignificantHarm, []string{"lead"}
}

// bound makes the proposal, and what stands, rest on a duty to share.
func (w *world) bound() {
	w.agreement("sharing").Powers = append(w.agreement("sharing").Powers, "duty-act")
	w.standing.Ground, w.standing.Power = decide.DutyToShare, "duty-act"
	w.Ground, w.Power, w.Detriment, w.Concerning, w.Welfare = decide.DutyToShare, "duty-act", decide.NoMoreDetrimental, decide.Child, true
}

// ordered makes it rest on an order.
func (w *world) ordered() { w.Ground, w.Order = decide.CourtOrder, "order" }

// overridden makes it override the person's refusal.
func (w *world) overridden() {
	w.imposed()
	w.Refused, w.Review = true, day(7)
	w.Override = &decide.Override{Risk: "harm-to-child", Telling: decide.TellingRaisesRisk}
}

// ofTheClinic makes the proposal one of a sensitive column.
func (w *world) ofTheClinic() {
	w.column, w.actor.Agency, w.actor.Providers = "clinic-list", "clinic", []ident.Provider{"clinic-desk"}
	w.Ground, w.Conditions.Sensitive = decide.SignificantHarm, "care"
	w.Audience.Names = []string{"school"}
}

func (w *world) hold(at time.Time) decide.Decision {
	w.terms.Index()
	w.Column = w.columnOf(w.column)
	return w.terms.Hold(w.actor, w.Proposal, at)
}

func (w *world) ask(at time.Time) decide.Asking {
	w.terms.Index()
	w.question.Column = w.columnOf(w.asks)
	return w.terms.Ask(w.asker, w.question, at)
}

func (w *world) discloses(at time.Time) bool {
	asking := w.ask(at)
	return w.terms.Discloses(w.standing, &asking, at)
}

func (w *world) stands(at time.Time) bool { return w.terms.Index().Stands(w.standing, at) }

func (w *world) agreement(code string) *decide.Agreement {
	return &w.terms.Agreements[slices.IndexFunc(w.terms.Agreements, func(a decide.Agreement) bool { return a.Code == code })]
}

func (w *world) powerOf(code string) *decide.Power {
	return &w.terms.Powers[slices.IndexFunc(w.terms.Powers, func(p decide.Power) bool { return p.Code == code })]
}

func (w *world) columnOf(id ident.Column) *decide.Column {
	return &w.terms.Columns[slices.IndexFunc(w.terms.Columns, func(c decide.Column) bool { return c.ID == id })]
}

func (w *world) agencyOf(id ident.Agency) *decide.Agency {
	return &w.terms.Agencies[slices.IndexFunc(w.terms.Agencies, func(a decide.Agency) bool { return a.ID == id })]
}

func (w *world) providerOf(id ident.Provider) *decide.Provider {
	return &w.terms.Providers[slices.IndexFunc(w.terms.Providers, func(p decide.Provider) bool { return p.ID == id })]
}

// bar adds one, in force unless it is given dates.
func (w *world) bar(b decide.Bar) {
	b.Code = "the-bar"
	w.terms.Bars = append(w.terms.Bars, b)
}

func without[T comparable](list []T, gone T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return v == gone })
}

// listed are codes, each its own title.
func listed(names ...string) []decide.Code {
	out := make([]decide.Code, len(names))
	for i, n := range names {
		out[i] = decide.Code{Code: n, Title: n}
	}
	return out
}

func terms() *decide.Terms {
	column := func(id ident.Column, provider ident.Provider, agency ident.Agency) decide.Column {
		return decide.Column{ID: id, Provider: provider, Agency: agency}
	}
	desk := func(id ident.Provider, agency ident.Agency) decide.Provider {
		return decide.Provider{ID: id, Kind: decide.Unit, Title: string(id), Agency: agency}
	}
	t := &decide.Terms{
		Version: 7,
		Codes: decide.Codes{
			Purposes: listed("support", "safeguarding", "billing"), Aspects: listed("involvement", "health", "notes"),
			Reasons: listed("referral"), Aims: listed("protect"), Roles: listed("doctor", "teacher", "nurse", "lead", "manager"),
			Risks: listed("harm-to-child"),
		},
		Agencies: []decide.Agency{
			{ID: "gp", Name: "The Surgery", Kind: "health"}, {ID: "school", Name: "The School", Kind: "education"},
			{ID: "police", Name: "The Police", Kind: "police"}, {ID: "clinic", Name: "The Clinic", Kind: "health"},
			{ID: "charity", Name: "The Charity", Kind: "voluntary"},
		},
		Providers: []decide.Provider{
			desk("gp-desk", "gp"), desk("school-office", "school"), desk("police-desk", "police"),
			desk("clinic-desk", "clinic"), desk("charity-desk", "charity"),
			{ID: "nora", Kind: decide.NamedPerson, Title: "Nora", Agency: "gp", Person: "nora-white", Ends: on(day(20))},
		},
		Columns: []decide.Column{
			column("gp-list", "gp-desk", "gp"), column("school-roll", "school-office", "school"),
			column("police-files", "police-desk", "police"), column("clinic-list", "clinic-desk", "clinic"),
			column("charity-list", "charity-desk", "charity"), column("nora-list", "nora", "gp"),
			column("old-roll", "school-office", "school"),
		},
		Powers: []decide.Power{
			{Code: "care-act", Kinds: []string{"health", "education"}, Purposes: []string{"support", "safeguarding"}},
			{Code: "police-act", Kinds: []string{"police"}, Purposes: []string{"support", "safeguarding"}},
			{Code: "narrow-act", Kinds: []string{"health", "education"}, Purposes: []string{"safeguarding"}},
			{Code: "repealed-act", Kinds: []string{"health"}, Purposes: []string{"support", "safeguarding"}, Ends: on(noon)},
			{Code: "coming-act", Kinds: []string{"health"}, Purposes: []string{"support", "safeguarding"}, Starts: on(justAfter(noon))},
			{Code: "other-act", Kinds: []string{"health"}, Purposes: []string{"support", "safeguarding"}},
			{Code: "duty-act", Kinds: []string{"health", "education"}, Purposes: []string{"support", "safeguarding"},
				Duty: &decide.Duty{Agencies: []ident.Agency{"gp"}, Columns: []ident.Column{"school-roll"}}},
		},
		Bars: []decide.Bar{},
		Agreements: []decide.Agreement{{
			Code: "sharing", Parties: []ident.Agency{"gp", "school", "police", "clinic"},
			Purposes: []string{"support", "safeguarding"}, Aspects: []string{"involvement", "health"},
			Powers: []string{"care-act", "police-act", "narrow-act", "repealed-act", "coming-act", "undeclared-act"},
			Modes:  []decide.Mode{decide.BySubject, decide.WithConsent, decide.Joint, decide.Imposed},
			Grounds: []decide.Ground{decide.NotConfidential, decide.ExplicitConsent, decide.ImpliedConsent, decide.PublicInterest,
				decide.SignificantHarm, decide.RequiredByLaw, decide.DutyToShare, decide.CourtOrder},
			Roles: decide.AgreementRoles{Enquire: []string{"teacher", "doctor", "nurse", "officer"}, Publish: []string{"doctor", "nurse", "lead"},
				Correlate: []string{"manager"}, Impose: []string{"lead"}, Override: []string{"lead"}},
			Receiving: decide.Conditions{Ordinary: "task", Sensitive: "care"},
			Starts:    on(day(-10)), Ends: on(day(60)),
		}},
		Profile: decide.Profile{
			ID:       "law",
			Ordinary: []decide.ProfileCondition{{Code: "task"}, {Code: "agreed", NeedsConsent: true}},
			Sensitive: []decide.ProfileCondition{
				{Code: "care"}, {Code: "agreed-explicitly", NeedsExplicit: true}},
			Duty:   &decide.DutyQuestion{Title: "The duty", Question: "Would it do more harm?", Concerning: []decide.Concerning{decide.Child, decide.Unborn}},
			Orders: listed("order", "summons"),
		},
	}
	t.Columns[3].Sensitive = true
	t.Columns[6].Closes = on(noon)
	return t
}

// again is a copy that shares nothing with the terms.
func again(t interface{ Fatal(...any) }, old *decide.Terms) *decide.Terms {
	text, err := json.Marshal(old)
	if err != nil {
		t.Fatal(err)
	}
	var out decide.Terms
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out.Index()
}

// wantStopped checks the whole record of a decision that one step stopped.
func wantStopped(t *testing.T, d decide.Decision, step int) {
	t.Helper()
	for i, s := range d.Steps {
		want := decide.Passed
		switch {
		case s.Number != i+1:
			t.Errorf("the step at place %d is numbered %d", i+1, s.Number)
		case step == 0:
		case i+1 == step:
			want = decide.Failed
		case i+1 > step:
			want = decide.NotAsked
		}
		if s.Answer != want {
			t.Errorf("step %d is %s, want %s: %s", i+1, s.Answer, want, s.Because)
		}
		if (s.Because != "") != (want == decide.Failed) {
			t.Errorf("step %d, %s, says %q", i+1, s.Answer, s.Because)
		}
	}
	if d.StoppedAt() != step {
		t.Errorf("stopped at %d, want %d", d.StoppedAt(), step)
	}
}
