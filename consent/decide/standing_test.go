package decide_test

import (
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
)

// LEG-24, LEG-26, LEG-27, IDX-07: whatever the terms no longer hold ends what
// rested on it, at once and without a sweep.
func TestADecisionStandsOnlyWhileTheTermsHoldWhatItRestedOn(t *testing.T) {
	t.Parallel()
	if w := newWorld(); !w.stands(noon) || !w.discloses(noon) {
		t.Fatal("what nothing has changed does not stand")
	}
	for name, change := range map[string]func(*world){
		"its time is over":          func(w *world) { w.standing.Until = noon },
		"a consent of it is gone":   func(w *world) { w.standing.Consented = false },
		"no such agreement is left": func(w *world) { w.terms.Agreements = nil },
		"the agreement is over":     func(w *world) { w.agreement("sharing").Ends = on(noon) },
		"the agreement has been put off": func(w *world) {
			w.agreement("sharing").Starts = on(justAfter(noon))
		},
		"the holder left the agreement": func(w *world) {
			w.agreement("sharing").Parties = without(w.agreement("sharing").Parties, "gp")
		},
		"the agreement dropped the ground": func(w *world) {
			w.agreement("sharing").Grounds = without(w.agreement("sharing").Grounds, decide.PublicInterest)
		},
		"the agreement dropped the power": func(w *world) {
			w.agreement("sharing").Powers = without(w.agreement("sharing").Powers, "care-act")
		},
		"the power is undeclared":              func(w *world) { w.powerOf("care-act").Code = "renamed-act" },
		"the power is repealed":                func(w *world) { w.powerOf("care-act").Ends = on(noon) },
		"the power has been put off":           func(w *world) { w.powerOf("care-act").Starts = on(justAfter(noon)) },
		"the holder's kind lost the power":     func(w *world) { w.powerOf("care-act").Kinds = []string{"education"} },
		"the power lost one of the purposes":   func(w *world) { w.powerOf("care-act").Purposes = []string{"support"} },
		"the holder became of another kind":    func(w *world) { w.agencyOf("gp").Kind = "voluntary" },
		"the holder left":                      func(w *world) { w.agencyOf("gp").Ends = on(noon) },
		"the holder is no longer known":        func(w *world) { w.agencyOf("gp").ID = "renamed" },
		"the column is closed":                 func(w *world) { w.columnOf("gp-list").Closes = on(noon) },
		"the column is no longer known":        func(w *world) { w.columnOf("gp-list").ID = "renamed" },
		"the column went to an agency outside": func(w *world) { w.columnOf("gp-list").Agency = "charity" },
		"the provider is no longer known":      func(w *world) { w.providerOf("gp-desk").ID = "renamed" },
		"the provider ended":                   func(w *world) { w.providerOf("gp-desk").Ends = on(noon) },
		"the column became sensitive":          func(w *world) { w.columnOf("gp-list").Sensitive = true },
		"a named person's caseload ended":      func(w *world) { w.standing.Column, w.providerOf("nora").Ends = "nora-list", on(noon) },
		"it names no purpose":                  func(w *world) { w.standing.Purposes = nil },
		"it names no aspect":                   func(w *world) { w.standing.Aspects = nil },
		"its review has passed":                func(w *world) { w.standing.Review = noon },
		"the agreement dropped the mode": func(w *world) {
			w.agreement("sharing").Modes = without(w.agreement("sharing").Modes, decide.Joint)
		},
		"the agreement dropped one of the purposes": func(w *world) { w.agreement("sharing").Purposes = []string{"support"} },
		"the agreement dropped an aspect":           func(w *world) { w.agreement("sharing").Aspects = []string{"health"} },
		"the profile dropped the condition":         func(w *world) { w.terms.Profile.Ordinary = w.terms.Profile.Ordinary[1:] },
		"the profile dropped the further condition": func(w *world) { w.terms.Profile.Sensitive = w.terms.Profile.Sensitive[1:] },
		"the condition became one of consent":       func(w *world) { w.terms.Profile.Ordinary[0].NeedsConsent = true },
		"the further condition became one of explicit consent": func(w *world) {
			w.standing.Ground, w.terms.Profile.Sensitive[0].NeedsExplicit = decide.ImpliedConsent, true
		},
		"it was made before conditions were recorded": func(w *world) { w.standing.Conditions = decide.Conditions{} },
		"the duty no longer binds": func(w *world) {
			w.bound()
			w.powerOf("duty-act").Duty = nil
		},
		"the duty binds others": func(w *world) {
			w.bound()
			w.powerOf("duty-act").Duty.Agencies = []ident.Agency{"school"}
		},
		"the profile knows the duty no longer": func(w *world) {
			w.bound()
			w.terms.Profile.Duty = nil
		},
		"its review found the override not justified": func(w *world) { w.standing.Risk, w.standing.Rejected = "harm-to-child", true },
		"nobody may override any more": func(w *world) {
			w.standing.Risk, w.agreement("sharing").Roles.Override = "harm-to-child", nil
		},
		"nobody may override for that risk any more": func(w *world) { w.standing.Risk, w.terms.Codes.Risks = "harm-to-child", nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			change(w)
			if w.stands(noon) {
				t.Error("the decision still stands")
			}
			if asking := newWorld().ask(noon); w.terms.Discloses(w.standing, &asking, noon) {
				t.Error("the decision still discloses")
			}
		})
	}
}

// what a sensitive column decided on explicit consent or significant harm
// goes on standing.
func TestASensitiveColumnStandsOnItsTwoGroundsOnly(t *testing.T) {
	t.Parallel()
	for ground, want := range map[decide.Ground]bool{
		decide.ExplicitConsent: true, decide.SignificantHarm: true, decide.ImpliedConsent: false,
		decide.PublicInterest: false, decide.RequiredByLaw: false, decide.NotConfidential: false, decide.CourtOrder: false,
	} {
		w := newWorld()
		w.columnOf("gp-list").Sensitive, w.standing.Ground = true, ground
		if w.stands(noon) != want || w.discloses(noon) != want {
			t.Errorf("%s: stands %v, discloses %v, want %v", ground, w.stands(noon), w.discloses(noon), want)
		}
	}
}

// LEG-27, IDX-07: what ends ends at its instant, what starts is in at its.
func TestADecisionStandsUpToTheInstantAtWhichItLapses(t *testing.T) {
	t.Parallel()
	boundary := day(5)
	for name, set := range map[string]func(*world, *time.Time){
		"its own time":              func(w *world, at *time.Time) { w.standing.Until = *at },
		"its review":                func(w *world, at *time.Time) { w.standing.Review = *at },
		"the end of the agreement":  func(w *world, at *time.Time) { w.agreement("sharing").Ends = at },
		"the end of the power":      func(w *world, at *time.Time) { w.powerOf("care-act").Ends = at },
		"the end of the membership": func(w *world, at *time.Time) { w.agencyOf("gp").Ends = at },
		"the close of the column":   func(w *world, at *time.Time) { w.columnOf("gp-list").Closes = at },
		"the end of the caseload": func(w *world, at *time.Time) {
			w.standing.Column, w.providerOf("nora").Ends = "nora-list", at
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			set(w, &boundary)
			if !w.stands(justBefore(boundary)) || !w.discloses(justBefore(boundary)) {
				t.Error("over before its instant")
			}
			if w.stands(boundary) || w.discloses(boundary) {
				t.Error("not over at its instant")
			}
		})
	}
	for name, set := range map[string]func(*world){
		"the start of the agreement":  func(w *world) { w.agreement("sharing").Starts = &boundary },
		"the start of the power":      func(w *world) { w.powerOf("care-act").Starts = &boundary },
		"the start of the membership": func(w *world) { w.agencyOf("gp").Starts = &boundary },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			set(w)
			if w.stands(justBefore(boundary)) || w.discloses(justBefore(boundary)) {
				t.Error("in before its instant")
			}
			if !w.stands(boundary) || !w.discloses(boundary) {
				t.Error("not in at its instant")
			}
		})
	}
	w := newWorld()
	w.bar(decide.Bar{FromKinds: []string{"health"}, Starts: on(day(5)), Ends: on(day(6))})
	for at, want := range map[time.Time]bool{justBefore(day(5)): true, day(5): false, justBefore(day(6)): false, day(6): true} {
		if w.discloses(at) != want {
			t.Errorf("a bar of the sixth day: at %v discloses %v", at, !want)
		}
	}
}

// IDX-07, LEG-03, LEG-09, LEG-11, QRY-08: a decision that stands answers only
// who is in its audience, for its purposes, under one agreement of both sides,
// with no bar between them.
func TestADecisionThatStandsAnswersOnlyWhomItNames(t *testing.T) {
	t.Parallel()
	// sensitive makes the decision one of a sensitive column.
	sensitive := func(w *world) {
		w.columnOf("gp-list").Sensitive, w.standing.Ground = true, decide.SignificantHarm
	}
	officer := func(w *world) {
		w.asks, w.asker.Agency, w.asker.Roles = "police-files", "police", []string{"officer"}
	}
	to := func(kind decide.AudienceKind, names ...string) func(*world) {
		return func(w *world) { w.standing.Audience = decide.Audience{Kind: kind, Names: names} }
	}
	// other adds another agreement with the same parties.
	other := func(w *world) *decide.Agreement {
		a := *w.agreement("sharing")
		a.Code = "other"
		w.terms.Agreements = append(w.terms.Agreements, a)
		return w.agreement("other")
	}
	for name, c := range map[string]struct {
		change func(*world)
		want   bool
	}{
		"an agency named":                         {func(*world) {}, true},
		"an agency not named":                     {officer, false},
		"an agency, named as a column":            {to(decide.ToColumns, "school"), false},
		"a column named":                          {to(decide.ToColumns, "clinic-list", "school-roll"), true},
		"a column not named":                      {to(decide.ToColumns, "clinic-list"), false},
		"a column, named as an agency":            {to(decide.ToAgencies, "school-roll"), false},
		"everybody":                               {to(decide.ToPartnership), true},
		"nobody":                                  {to(decide.ToAgencies), false},
		"an audience of a kind that nobody knows": {to("whoever", "school", "school-roll"), false},
		"everybody, and an agency outside the agreement": {func(w *world) {
			to(decide.ToPartnership)(w)
			w.asks, w.asker.Agency = "charity-list", "charity"
			other(w).Parties = []ident.Agency{"charity", "gp"}
			w.terms.Powers[0].Kinds = append(w.terms.Powers[0].Kinds, "voluntary")
		}, false},
		"another purpose of the decision":      {func(w *world) { w.question.Purpose = "safeguarding" }, true},
		"a purpose that the decision left out": {func(w *world) { w.standing.Purposes = []string{"safeguarding"} }, false},
		"a role that may no longer ask":        {func(w *world) { w.agreement("sharing").Roles.Enquire = []string{"doctor"} }, false},
		"an asker without a reason":            {func(w *world) { w.question.Reason = "" }, false},
		"an asker that left the agreement": {func(w *world) {
			w.agreement("sharing").Parties = without(w.agreement("sharing").Parties, "school")
		}, false},
		"an asker that left":        {func(w *world) { w.agencyOf("school").Ends = on(noon) }, false},
		"an asker without a power":  {func(w *world) { w.powerOf("care-act").Kinds = []string{"health"} }, false},
		"receiving on no condition": {func(w *world) { w.agreement("sharing").Receiving = decide.Conditions{} }, false},
		"a sensitive column":        {sensitive, true},
		"a sensitive column, received on no further condition": {func(w *world) {
			sensitive(w)
			w.agreement("sharing").Receiving.Sensitive = ""
		}, false},
		"a column that is not sensitive, received on no further condition": {func(w *world) {
			w.agreement("sharing").Receiving.Sensitive = ""
		}, true},
		"a sensitive column, received on a further condition of another agreement": {func(w *world) {
			sensitive(w)
			other(w)
			w.agreement("sharing").Receiving.Sensitive = ""
		}, false},
		"both sides under another agreement": {func(w *world) {
			other(w)
			w.standing.Agreement = "other"
		}, true},
		"the holder under an agreement under which the asker may not ask": {func(w *world) {
			other(w).Roles.Enquire = []string{"doctor"}
			w.standing.Agreement = "other"
		}, false},
		"the holder under an agreement to which the asker is no party": {func(w *world) {
			other(w).Parties = []ident.Agency{"gp", "clinic"}
			w.standing.Agreement = "other"
		}, false},
		"the asker under an agreement to which the holder is no party": {func(w *world) {
			other(w).Parties = []ident.Agency{"school", "clinic"}
			w.agreement("sharing").Roles.Enquire = []string{"doctor"}
		}, false},
		"a bar between the two":    {func(w *world) { w.bar(decide.Bar{FromKinds: []string{"health"}, ToKinds: []string{"education"}}) }, false},
		"a bar from the holder":    {func(w *world) { w.bar(decide.Bar{FromKinds: []string{"health"}}) }, false},
		"a bar to the asker":       {func(w *world) { w.bar(decide.Bar{ToKinds: []string{"education"}}) }, false},
		"a bar on the purpose":     {func(w *world) { w.bar(decide.Bar{Purposes: []string{"support"}}) }, false},
		"a bar on another purpose": {func(w *world) { w.bar(decide.Bar{Purposes: []string{"safeguarding"}}) }, true},
		"a bar from others":        {func(w *world) { w.bar(decide.Bar{FromKinds: []string{"police"}}) }, true},
		"a bar to others":          {func(w *world) { w.bar(decide.Bar{FromKinds: []string{"health"}, ToKinds: []string{"police"}}) }, true},
		"everybody, with a bar to others": {func(w *world) {
			to(decide.ToPartnership)(w)
			w.bar(decide.Bar{FromKinds: []string{"health"}, ToKinds: []string{"police"}})
		}, true},
		"everybody, with a bar between the two": {func(w *world) {
			to(decide.ToPartnership)(w)
			officer(w)
			w.bar(decide.Bar{FromKinds: []string{"health"}, ToKinds: []string{"police"}})
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			c.change(w)
			if !w.stands(noon) {
				t.Fatal("the decision does not stand, so this row tests nothing")
			}
			if w.discloses(noon) != c.want {
				t.Errorf("discloses %v, want %v", !c.want, c.want)
			}
		})
	}
}

// QRY-11: what a decision costs is little beside the one read.
func BenchmarkDiscloses(b *testing.B) {
	w := newWorld()
	for range 50 {
		w.bar(decide.Bar{FromKinds: []string{"police"}, ToKinds: []string{"education"}, Purposes: []string{"billing"}})
	}
	asking := w.ask(noon)
	for b.Loop() {
		if !w.terms.Discloses(w.standing, &asking, noon) {
			b.Fatal("nothing disclosed")
		}
	}
}
