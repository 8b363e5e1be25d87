package decide_test

import (
	"slices"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"pgregory.net/rapid"
)

// LEG-07, LEG-15 to 17, LEG-23: what has the evidence of its ground is permitted,
// in the role that it needs, and recorded with what it rests on.
func TestAGroundWithItsEvidenceIsPermitted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		role   string
	}{
		"a duty of the agency": {(*world).bound, "doctor"},
		"a duty of the column alone": {func(w *world) {
			w.bound()
			w.powerOf("duty-act").Duty = &decide.Duty{Columns: []ident.Column{"gp-list"}}
		}, "doctor"},
		"a duty about somebody unborn": {func(w *world) {
			w.bound()
			w.Concerning = decide.Unborn
		}, "doctor"},
		"a duty in spite of a refusal": {func(w *world) {
			w.bound()
			w.Refused = true
		}, "doctor"},
		"an order": {(*world).ordered, "doctor"},
		"an order of another kind, in spite of a refusal": {func(w *world) {
			w.ordered()
			w.Order, w.Refused = "summons", true
		}, "doctor"},
		"required by law in spite of a refusal": {func(w *world) { w.Ground, w.Refused = decide.RequiredByLaw, true }, "doctor"},
		"an explicit consent given after all": {func(w *world) {
			w.onConsent()
			w.Refused = true
		}, "doctor"},
		"an override": {(*world).overridden, "lead"},
		"an override of absent consent, safe to tell": {func(w *world) {
			w.overridden()
			w.Refused, w.Override.Telling = false, decide.TellingIsSafe
		}, "lead"},
		"an override in the public interest, to a column": {func(w *world) {
			w.overridden()
			w.Ground, w.Audience = decide.PublicInterest, decide.Audience{Kind: decide.ToColumns, Names: []string{"school-roll"}}
		}, "lead"},
		"an override in a role of its own": {func(w *world) {
			w.overridden()
			w.actor.Roles = []string{"lead", "nurse"}
			w.agreement("sharing").Roles.Override = []string{"nurse"}
		}, "nurse"},
		"an override when it is correlated": {func(w *world) {
			w.overridden()
			w.Deed, w.actor.Roles = decide.Correlating, []string{"manager", "lead"}
		}, "lead"},
		"about a child whose welfare was considered": {func(w *world) { w.Concerning, w.Welfare = decide.Child, true }, "doctor"},
		"about an adult": {func(w *world) { w.Concerning = decide.Adult }, "doctor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			c.change(w)
			d := w.hold(noon)
			wantStopped(t, d, 0)
			if d.Role != c.role || d.Mode != w.Mode || d.Aim != "protect" || !d.Necessary || !d.Safeguards || d.Conditions != w.Conditions ||
				d.Detriment != w.Detriment || d.Order != w.Order || d.Override != w.Override || d.Concerning != w.Concerning || d.Welfare != w.Welfare {
				t.Errorf("recorded %+v", d)
			}
		})
	}
}

// LEG-07, LEG-12, LEG-15, LEG-16, LEG-20: a ground without its evidence stops at
// step 3, and a refusal is respected unless every part of an override is there.
func TestAGroundWithoutItsEvidenceIsRefused(t *testing.T) {
	t.Parallel()
	from := func(first, then func(*world)) func(*world) {
		return func(w *world) {
			first(w)
			then(w)
		}
	}
	bound := func(then func(*world)) func(*world) { return from((*world).bound, then) }
	overridden := func(then func(*world)) func(*world) { return from((*world).overridden, then) }
	stops(t, decide.StepConfidentiality, map[string]stop{
		"a duty that is a power alone":      {bound(func(w *world) { w.Power = "care-act" }), "no duty that binds your column"},
		"a duty of others":                  {bound(func(w *world) { w.powerOf("duty-act").Duty.Agencies = nil }), "no duty that binds your column"},
		"a duty that the profile lacks":     {bound(func(w *world) { w.terms.Profile.Duty = nil }), "the law profile knows no duty to share"},
		"a duty about an adult":             {bound(func(w *world) { w.Concerning = decide.Adult }), "this duty is about [child unborn]"},
		"a duty about nobody stated":        {bound(func(w *world) { w.Concerning = "" }), "this duty is about [child unborn]"},
		"the question not answered":         {bound(func(w *world) { w.Detriment = "" }), "answer first: Would it do more harm?"},
		"the question not considered":       {bound(func(w *world) { w.Detriment = decide.NotConsidered }), "answer first: Would it do more harm?"},
		"the question answered with yes":    {bound(func(w *world) { w.Detriment = decide.MoreDetrimental }), "do not share"},
		"a duty without a reason":           {bound(func(w *world) { w.Reason = "" }), "this ground needs a reason"},
		"a duty with consents":              {bound(func(w *world) { w.Consents = []decide.Consent{{}} }), "leave the consents out"},
		"a duty with an order":              {bound(func(w *world) { w.Order = "order" }), "leave the order out"},
		"an order that is not named":        {func(w *world) { w.Ground = decide.CourtOrder }, "name the order and its reference: one of [order summons]"},
		"an order that the profile lacks":   {func(w *world) { w.Ground, w.Order = decide.CourtOrder, "wish" }, "name the order"},
		"an order without a reason":         {from((*world).ordered, func(w *world) { w.Reason = "" }), "this ground needs a reason"},
		"an order on another ground":        {func(w *world) { w.Order = "order" }, "leave the order out"},
		"a refusal, in the public interest": {func(w *world) { w.Refused = true }, "the person has refused: respect that"},
		"a refusal, for significant harm":   {func(w *world) { w.Refused, w.Ground = true, decide.SignificantHarm }, "the person has refused: respect that"},
		"a refusal, of what is not confidential": {func(w *world) {
			w.Refused, w.Ground = true, decide.NotConfidential
		}, "the person has refused: respect that"},
		"an override without a reason":        {overridden(func(w *world) { w.Reason = "" }), "an override needs a reason"},
		"an override for a reason of no list": {overridden(func(w *world) { w.Reason = "whim" }), "an override needs a reason"},
		"an override that tells in a way of its own": {overridden(func(w *world) {
			w.Override.Telling = "perhaps"
		}), "say whether telling the person raises the risk"},
		"an override without a risk":    {overridden(func(w *world) { w.Override.Risk = "" }), "assess the risk and name it: [harm-to-child]"},
		"an override for another risk":  {overridden(func(w *world) { w.Override.Risk = "whim" }), "assess the risk"},
		"an override silent on telling": {overridden(func(w *world) { w.Override.Telling = "" }), "say whether telling the person raises the risk"},
		"an override to everybody": {overridden(func(w *world) {
			w.Audience = decide.Audience{Kind: decide.ToPartnership}
		}), "name the agencies or columns that need to know"},
		"an override by another role": {overridden(func(w *world) {
			w.agreement("sharing").Roles.Override = []string{"nurse"}
		}), "only these roles override a refusal: [nurse]"},
		"an override where nobody may":        {overridden(func(w *world) { w.agreement("sharing").Roles.Override = nil }), "only these roles override"},
		"an override that is not imposed":     {overridden(func(w *world) { w.Mode = decide.Joint }), "an override is an imposed act"},
		"an override of what is creator-only": {overridden(func(w *world) { w.CreatorOnly = true }), "nothing overrides that"},
		"an override that names consents":     {overridden(func(w *world) { w.Consents = []decide.Consent{{}} }), "an override rests on no consent"},
		"an override on explicit consent": {func(w *world) {
			w.onConsent()
			w.Override, w.Review = &decide.Override{Risk: "harm-to-child", Telling: decide.TellingIsSafe}, day(7)
		}, "an override rests on no consent"},
		"an override of a duty": {overridden(func(w *world) {
			w.bound()
		}), "an override rests on no consent"},
		"an order on explicit consent": {func(w *world) {
			w.onConsent()
			w.Order = "order"
		}, "leave the order out"},
		"an override on another ground":           {overridden(func(w *world) { w.Ground = decide.RequiredByLaw }), "an override rests on no consent, and on the ground significant-harm or public-interest"},
		"an override of what is not confidential": {overridden(func(w *world) { w.Ground = decide.NotConfidential }), "an override rests on no consent"},
	})
}

// LEG-02, LEG-03, LEG-04: an override helps in step 3 alone: it makes up for no
// power, lifts no bar, and needs its condition.
func TestAnOverrideMakesUpForNothingButConsent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		step   int
	}{
		"no power":             {func(w *world) { w.Power = "repealed-act" }, decide.StepPower},
		"a bar":                {func(w *world) { w.bar(decide.Bar{FromKinds: []string{"health"}, ToKinds: []string{"education"}}) }, decide.StepPower},
		"no agreement":         {func(w *world) { w.agreement("sharing").Ends = on(noon) }, decide.StepPower},
		"out of proportion":    {func(w *world) { w.Necessary = false }, decide.StepProportionality},
		"no condition":         {func(w *world) { w.Conditions = decide.Conditions{} }, decide.StepCondition},
		"a condition, consent": {func(w *world) { w.Conditions.Ordinary = "agreed" }, decide.StepCondition},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.overridden()
			c.change(w)
			wantStopped(t, w.hold(noon), c.step)
		})
	}
}

// LEG-05, LEG-06, LEG-23: step 2 has a review date within the bound, and a
// child's welfare in it.
func TestStepTwoNeedsAReviewAndAChildsWelfare(t *testing.T) {
	t.Parallel()
	stops(t, decide.StepProportionality, map[string]stop{
		"a review that is over":    {func(w *world) { w.Review = justBefore(noon) }, "a time that is still to come"},
		"a review that is now":     {func(w *world) { w.Review = noon }, "a time that is still to come"},
		"a review too late":        {func(w *world) { w.terms.Profile.ReviewDays, w.Review = 10, justAfter(day(10)) }, "within 10 days"},
		"later than agreed":        {func(w *world) { w.agreement("sharing").ReviewDays, w.Review = 5, justAfter(day(5)) }, "within 5 days"},
		"a child not considered":   {func(w *world) { w.Concerning = decide.Child }, "consider the child's safety and welfare"},
		"unborn, not considered":   {func(w *world) { w.Concerning = decide.Unborn }, "consider the child's safety and welfare"},
		"an override, no review":   {func(w *world) { w.overridden(); w.Review = time.Time{} }, "an override needs a review date"},
		"an override, too late":    {func(w *world) { w.overridden(); w.terms.Profile.OverrideDays = 6 }, "within 6 days"},
		"an override, agreement's": {func(w *world) { w.overridden(); w.agreement("sharing").ReviewDays = 6 }, "within 6 days"},
	})
}

// LEG-06: a review that nobody states is as late as the profile, the agreement
// and the decision itself allow.
func TestAReviewNobodyStatesIsAsLateAsMayBe(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ profile, agreement, stated, want int }{
		"no bound":                      {0, 0, 0, 30},
		"the profile's":                 {10, 0, 0, 10},
		"the profile's, later":          {40, 0, 0, 30},
		"the profile's, to the day":     {30, 0, 0, 30},
		"the agreement's":               {0, 7, 0, 7},
		"the agreement's, sooner":       {10, 7, 0, 7},
		"the profile's, sooner":         {7, 10, 0, 7},
		"one stated":                    {10, 0, 3, 3},
		"one stated, at the bound":      {10, 0, 10, 10},
		"one stated, with no bound":     {0, 0, 20, 20},
		"one stated, beyond the end of": {0, 0, 40, 40},
	} {
		w := newWorld()
		w.terms.Profile.ReviewDays, w.agreement("sharing").ReviewDays = c.profile, c.agreement
		w.terms.Profile.OverrideDays = 1 // not an override's
		if c.stated > 0 {
			w.Review = day(c.stated)
		}
		d := w.hold(noon)
		wantStopped(t, d, 0)
		if !d.Review.Equal(day(c.want)) {
			t.Errorf("%s: review on %v, want %v", name, d.Review, day(c.want))
		}
	}
}

// LEG-15: an override tells each of those it names once.
func TestASpentOverrideStandsAndTellsNobodyAgain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.standing.Risk = "harm-to-child"
	if !w.stands(noon) || !w.discloses(noon) {
		t.Fatal("an override does not stand")
	}
	w.standing.Spent = true
	if !w.stands(noon) || w.discloses(noon) {
		t.Error("a spent override tells, or stands no longer")
	}
}

// LEG-27: what suspends a decision is said in words, a bar on those it names
// included, and nothing is said of one that stands whole.
func TestWhatSuspendsADecisionIsSaidInWords(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		want   string
	}{
		"nothing":              {func(*world) {}, ""},
		"a review":             {func(w *world) { w.standing.Review = noon }, "its review date has passed: look at it again and decide anew"},
		"a power":              {func(w *world) { w.powerOf("care-act").Ends = on(noon) }, "no power: it is not in force now; name its successor"},
		"a bar":                {func(w *world) { w.bar(decide.Bar{ToKinds: []string{"education"}}) }, "a statutory bar forbids it: the-bar"},
		"a bar on all":         {func(w *world) { w.bar(decide.Bar{FromKinds: []string{"health"}}) }, "a statutory bar forbids it: the-bar"},
		"a bar on others":      {func(w *world) { w.bar(decide.Bar{ToKinds: []string{"police"}}) }, ""},
		"what rests on a duty": {(*world).bound, ""},
		"a duty that the terms no longer know": {func(w *world) {
			w.bound()
			w.terms.Powers = slices.DeleteFunc(w.terms.Powers, func(p decide.Power) bool { return p.Code == "duty-act" })
		}, "this power is no duty that binds your column: name one that does, or use another ground"},
		"a party that left": {func(w *world) {
			w.agreement("sharing").Parties = without(w.agreement("sharing").Parties, "school")
		}, "stay within the agreement's parties [gp police clinic]"},
		"a column": {func(w *world) { w.columnOf("gp-list").Closes = on(noon) }, "its column has closed, or its agency has left"},
	} {
		w := newWorld()
		c.change(w)
		if got := w.terms.Index().Suspended(w.standing, noon); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// PUB-10: a consent is asked for where it is all that is lacking, and not where
// one is named, the ground needs none, or another step fails all the same.
func TestAConsentIsWantedWhereNothingElseIsLacking(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		want   bool
	}{
		"nothing else":            {func(*world) {}, true},
		"an implied one":          {func(w *world) { w.Ground = decide.ImpliedConsent }, true},
		"one is named":            {func(w *world) { w.Consents = []decide.Consent{{}} }, false},
		"a ground that is none":   {func(w *world) { w.Mode, w.Ground, w.Reason = decide.Joint, decide.PublicInterest, "" }, false},
		"a power is lacking, too": {func(w *world) { w.Power = "duty-act" }, false},
		"it is not necessary":     {func(w *world) { w.Necessary = false }, false},
		"no condition is met":     {func(w *world) { w.Conditions.Ordinary = "whim" }, false},
	} {
		w := newWorld()
		w.onConsent()
		w.Consents = nil
		c.change(w)
		w.Column = w.columnOf(w.column)
		if got := w.terms.Index().WantsConsent(w.actor, w.Proposal, noon); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A duty to share binds those listed, for its purposes, about a child, while it
// is in force.
func TestADutyBindsWhomTheTermsList(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		about  decide.Concerning
		column ident.Column
		want   bool
	}{
		"an agency that is listed":   {func(*world) {}, decide.Child, "gp-list", true},
		"a column that is listed":    {func(*world) {}, decide.Unborn, "school-roll", true},
		"one that is not":            {func(*world) {}, decide.Child, "clinic-list", false},
		"an adult":                   {func(*world) {}, decide.Adult, "gp-list", false},
		"nobody knows whom":          {func(*world) {}, decide.NotKnown, "gp-list", false},
		"no such duty":               {func(w *world) { w.terms.Profile.Duty = nil }, decide.Child, "gp-list", false},
		"a duty over now":            {func(w *world) { w.powerOf("duty-act").Ends = on(noon) }, decide.Child, "gp-list", false},
		"a duty for another purpose": {func(w *world) { w.powerOf("duty-act").Purposes = []string{"safeguarding"} }, decide.Child, "gp-list", false},
	} {
		w := newWorld()
		c.change(w)
		got := w.terms.Index().Bound(w.columnOf(c.column), "support", c.about, noon)
		if (got == "Would it do more harm?") != c.want || (got == "") == c.want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// LEG-21: from which age somebody is presumed to decide alone is the profile's
// to say, for each jurisdiction.
func TestCompetenceIsPresumedAsTheProfileSaysForTheJurisdiction(t *testing.T) {
	t.Parallel()
	terms := &decide.Terms{}
	if terms.Presumes() != nil {
		t.Error("a profile without a presumption makes one")
	}
	terms.Profile.Competence = []decide.Presumption{{Jurisdictions: []string{"Scotland", "Jersey"}, From: 12}, {From: 16}}
	for where, want := range map[string]int{"Scotland": 12, "Jersey": 12, "England": 16, "": 16} {
		terms.Partnership.Jurisdiction = where
		if p := terms.Presumes(); p == nil || p.From != want {
			t.Errorf("%s: presumed from %+v, want %d", where, p, want)
		}
	}
	terms.Profile.Competence, terms.Partnership.Jurisdiction = terms.Profile.Competence[:1], "England"
	if terms.Presumes() != nil {
		t.Error("England is given another jurisdiction's presumption")
	}
}

// LEG-02 to 04, LEG-15, LEG-20: whatever is put to the steps, an override is
// permitted only with each of its parts, and never where the same proposal
// without a refusal and on a compelling ground would lack its power.
func TestAnOverrideIsPermittedOnlyWhole(t *testing.T) {
	t.Parallel()
	permitted := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		w := newWorld()
		w.overridden()
		some := func(what string, change func()) {
			if !d.most(what) {
				change()
			}
		}
		some("risk", func() { w.Override.Risk = "" })
		some("telling", func() { w.Override.Telling = "" })
		some("reason", func() { w.Reason = "" })
		some("review", func() { w.Review = noon })
		some("everybody", func() { w.Audience = decide.Audience{Kind: decide.ToPartnership} })
		some("role", func() { w.agreement("sharing").Roles.Override = []string{"nurse"} })
		some("mode", func() { w.Mode = decide.Joint })
		some("hidden", func() { w.CreatorOnly = true })
		some("power", func() { w.Power = one(d, []string{"police-act", "repealed-act", "other-act"}, "which") })
		some("barred", func() { w.bar(d.bar()) })
		some("ground", func() { w.Ground = one(d, allGrounds, "other ground") })
		got := w.hold(noon)
		if got.StoppedAt() > 0 {
			return
		}
		permitted++
		if w.Override.Risk == "" || w.Override.Telling == "" || w.Reason == "" || !got.Review.After(noon) || w.Audience.Kind == decide.ToPartnership ||
			got.Role != "lead" || w.Mode != decide.Imposed || w.CreatorOnly || w.Power != "care-act" ||
			w.Ground != decide.SignificantHarm && w.Ground != decide.PublicInterest {
			rt.Fatalf("an override was permitted without one of its parts: %+v", w.Proposal)
		}
		for _, name := range w.Audience.Names {
			for _, purpose := range w.Purposes {
				if b := barred(w.terms, "gp", decide.Question{Column: &decide.Column{Agency: ident.Agency(name)}, Purpose: purpose}); b != nil {
					rt.Fatalf("an override was permitted in spite of %+v", b)
				}
			}
		}
	})
	if permitted == 0 {
		t.Error("no override was ever permitted, so nothing was tested")
	}
}

// LEG-27: a decision that the steps permit stands at once, and stands no longer
// when the terms lose any one thing that the steps asked for.
func TestWhatIsPermittedStandsUntilTheTermsChange(t *testing.T) {
	t.Parallel()
	ended := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		w := newWorld()
		one(d, []func(*world){func(*world) {}, (*world).bound, (*world).ordered, (*world).overridden, (*world).onConsent, (*world).ofTheClinic}, "on what")(w)
		got := w.hold(noon)
		if got.StoppedAt() > 0 {
			rt.Fatalf("stopped: %s", got.Because())
		}
		s := decide.Standing{
			Column: w.column, Agreement: got.Agreement, Power: got.Power, Ground: got.Ground, Purposes: got.Purposes, Audience: got.Audience,
			Until: got.Until, Consented: true, Mode: got.Mode, Aspects: got.Aspects, Conditions: got.Conditions, Review: got.Review,
		}
		if got.Override != nil {
			s.Risk = got.Override.Risk
		}
		if because := w.terms.Suspended(s, noon); because != "" {
			rt.Fatalf("what was permitted is suspended at once: %s", because)
		}
		a := w.agreement("sharing")
		changes := []struct {
			name string
			make func()
		}{
			{"mode", func() { a.Modes = without(a.Modes, s.Mode) }},
			{"ground", func() { a.Grounds = without(a.Grounds, s.Ground) }},
			{"power", func() { a.Powers = without(a.Powers, s.Power) }},
			{"aspect", func() { a.Aspects = without(a.Aspects, s.Aspects[0]) }},
			{"purpose", func() { a.Purposes = without(a.Purposes, s.Purposes[0]) }},
			{"party", func() { a.Parties = without(a.Parties, w.columnOf(w.column).Agency) }},
			{"condition", func() { w.terms.Profile.Ordinary[0].Code = "renamed" }},
			{"repeal", func() { w.powerOf(s.Power).Ends = on(noon) }},
		}
		c := one(d, changes, "what changes")
		c.make()
		if w.terms.Index().Stands(s, noon) {
			rt.Fatalf("the terms lost the %s, and it still stands: %+v", c.name, s)
		}
		ended[c.name]++
	})
	if len(ended) < 8 {
		t.Errorf("only these changes were tried: %v", ended)
	}
}
