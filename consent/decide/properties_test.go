package decide_test

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"pgregory.net/rapid"
)

// What is drawn from. The universe is small, so that what is drawn meets.
var (
	allAgencies   = []string{"gp", "school", "police"}
	allColumns    = []string{"gp-list", "school-roll", "police-files", "second-list"}
	allKinds      = []string{"health", "education"}
	allPurposes   = []string{"support", "safeguarding"}
	allAspects    = []string{"involvement", "health"}
	allPowers     = []string{"care-act", "other-act"}
	allAgreements = []string{"sharing", "other"}
	allRoles      = []string{"doctor", "lead"}
	allModes      = []decide.Mode{decide.BySubject, decide.WithConsent, decide.Joint, decide.Imposed}
	allGrounds    = []decide.Ground{decide.NotConfidential, decide.ExplicitConsent, decide.ImpliedConsent, decide.PublicInterest,
		decide.SignificantHarm, decide.RequiredByLaw}
)

// draw takes values, mostly such that they fit.
type draw struct{ *rapid.T }

// most is true nearly always, and is what a failing case shrinks to.
func (d draw) most(what string) bool { return rapid.IntRange(0, 15).Draw(d.T, what) < 15 }

// mostOf is a list without a few of its members.
func mostOf[S ~string, V ~string](d draw, list []S, what string) []V {
	out := []V{}
	for _, s := range list {
		if d.most(what) {
			out = append(out, V(s))
		}
	}
	return out
}

// fewOf is a list of a few of the members, often of none.
func fewOf(d draw, list []string, what string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(string) bool { return rapid.IntRange(0, 3).Draw(d.T, what) > 0 })
}

func one[V any](d draw, list []V, what string) V { return rapid.SampledFrom(list).Draw(d.T, what) }

// starts and ends are absent, or near noon, or exactly there.
func (d draw) starts(what string) *time.Time {
	if d.most(what) {
		return nil
	}
	return on(noon.Add(time.Duration(rapid.IntRange(-1, 1).Draw(d.T, what)) * time.Nanosecond))
}

func (d draw) ends(what string) *time.Time { return d.starts(what) }

func (d draw) audience(what string) decide.Audience {
	switch kind := one(d, []decide.AudienceKind{decide.ToPartnership, decide.ToAgencies, decide.ToColumns}, what); kind {
	case decide.ToAgencies:
		return decide.Audience{Kind: kind, Names: mostOf[string, string](d, allAgencies, what)}
	case decide.ToColumns:
		return decide.Audience{Kind: kind, Names: mostOf[string, string](d, allColumns, what)}
	default:
		return decide.Audience{Kind: kind, Names: []string{}}
	}
}

func (d draw) further(what string) string {
	if d.most(what) {
		return "care"
	}
	return ""
}

func (d draw) bar() decide.Bar {
	return decide.Bar{
		Code: "a-bar", FromKinds: fewOf(d, allKinds, "bar from"), ToKinds: fewOf(d, allKinds, "bar to"),
		Purposes: fewOf(d, allPurposes, "bar purposes"), Starts: d.starts("bar starts"), Ends: d.ends("bar ends"),
	}
}

func (d draw) terms() *decide.Terms {
	t := &decide.Terms{
		Version: 3,
		Codes: decide.Codes{Purposes: listed(allPurposes...), Aspects: listed(allAspects...), Reasons: listed("referral"),
			Aims: listed("protect"), Roles: listed(allRoles...)},
		Profile: decide.Profile{ID: "law",
			Ordinary:  []decide.ProfileCondition{{Code: "task"}, {Code: "agreed", NeedsConsent: true}},
			Sensitive: []decide.ProfileCondition{{Code: "care"}, {Code: "agreed-explicitly", NeedsExplicit: true}}},
	}
	for _, id := range allAgencies {
		t.Agencies = append(t.Agencies, decide.Agency{ID: ident.Agency(id), Kind: one(d, allKinds, "kind"),
			Starts: d.starts("joins"), Ends: d.ends("leaves")})
	}
	for i, id := range allColumns {
		agency := ident.Agency(allAgencies[i%len(allAgencies)])
		t.Providers = append(t.Providers, decide.Provider{ID: ident.Provider(id), Agency: agency, Ends: d.ends("caseload")})
		t.Columns = append(t.Columns, decide.Column{ID: ident.Column(id), Provider: ident.Provider(id), Agency: agency,
			Sensitive: !d.most("plain"), Closes: d.ends("closes")})
	}
	for _, code := range allPowers {
		t.Powers = append(t.Powers, decide.Power{Code: code, Kinds: mostOf[string, string](d, allKinds, "power's kinds"),
			Purposes: mostOf[string, string](d, allPurposes, "power's purposes"), Starts: d.starts("power starts"), Ends: d.ends("power ends")})
	}
	if !d.most("no bar") {
		t.Bars = append(t.Bars, d.bar())
	}
	for _, code := range allAgreements {
		t.Agreements = append(t.Agreements, decide.Agreement{
			Code: code, Parties: mostOf[string, ident.Agency](d, allAgencies, "parties"),
			Purposes: mostOf[string, string](d, allPurposes, "purposes"), Powers: mostOf[string, string](d, allPowers, "powers"),
			Aspects: mostOf[string, string](d, allAspects, "aspects"), Modes: mostOf[decide.Mode, decide.Mode](d, allModes, "modes"),
			Grounds: mostOf[decide.Ground, decide.Ground](d, allGrounds, "grounds"),
			Roles: decide.AgreementRoles{
				Enquire: mostOf[string, string](d, allRoles, "enquire"), Publish: mostOf[string, string](d, allRoles, "publish"),
				Correlate: mostOf[string, string](d, allRoles, "correlate"), Impose: mostOf[string, string](d, allRoles, "impose"),
			},
			Receiving: decide.Conditions{Ordinary: "task", Sensitive: d.further("receiving")},
			Starts:    d.starts("agreement starts"), Ends: d.ends("agreement ends"),
		})
	}
	return t.Index()
}

func (d draw) actor(column *decide.Column) decide.Actor {
	return decide.Actor{Practitioner: "somebody", Agency: column.Agency, Roles: mostOf[string, string](d, allRoles, "roles")}
}

func (d draw) consent() decide.Consent {
	c := decide.Consent{
		ID: ident.ConsentID{1}, Mine: d.most("mine"), Explicit: d.most("explicit"), Audience: d.audience("consent to"),
		Purposes: mostOf[string, string](d, allPurposes, "consent purposes"), Aspects: mostOf[string, string](d, allAspects, "consent aspects"),
		Starts: day(-1), Ends: day(rapid.IntRange(1, 6).Draw(d.T, "consent ends")),
	}
	if !d.most("kept") {
		c.Withdrew = d.ends("withdrawn")
	}
	return c
}

func (d draw) proposal(t *decide.Terms) decide.Proposal {
	p := decide.Proposal{
		Deed: one(d, []decide.Deed{decide.Publishing, decide.Correlating, decide.Pairing}, "deed"), Mode: decide.Joint,
		Column: &t.Columns[rapid.IntRange(0, len(t.Columns)-1).Draw(d.T, "column")], Agreement: one(d, allAgreements, "agreement"),
		Power: one(d, allPowers, "power"), Purposes: mostOf[string, string](d, allPurposes, "proposed purposes"),
		Aspects: mostOf[string, string](d, allAspects, "proposed aspects"), Audience: d.audience("audience"),
		Necessary: d.most("necessary"), Safeguards: d.most("safeguards"), Aim: "protect", Ground: one(d, allGrounds, "ground"),
		Reason: "referral", Conditions: decide.Conditions{Ordinary: "task", Sensitive: d.further("further")},
		Until: day(rapid.IntRange(1, 5).Draw(d.T, "until")),
	}
	if !d.most("to come") {
		p.Until = noon
	}
	if !d.most("joint") {
		p.Mode = one(d, allModes, "mode")
	}
	if !d.most("reason") {
		p.Reason = ""
	}
	if p.Ground.OnConsent() {
		for range rapid.IntRange(0, 2).Draw(d.T, "consents") {
			p.Consents = append(p.Consents, d.consent())
		}
	}
	return p
}

// question is one that the asker's side passes more often than not.
func (d draw) question(t *decide.Terms) decide.Question {
	return decide.Question{Column: &t.Columns[rapid.IntRange(0, len(t.Columns)-1).Draw(d.T, "asks")],
		Purpose: one(d, allPurposes, "asks for"), Reason: "referral"}
}

func (d draw) standing(t *decide.Terms) decide.Standing {
	return decide.Standing{
		Column: t.Columns[rapid.IntRange(0, len(t.Columns)-1).Draw(d.T, "holder")].ID, Agreement: one(d, allAgreements, "stands under"),
		Power: one(d, allPowers, "stands on"), Ground: one(d, allGrounds, "ground"), Audience: d.audience("audience"),
		Purposes:  mostOf[string, string](d, allPurposes, "stands for"),
		Until:     noon.Add(time.Duration(one(d, []int{1, 2, 3, 0}, "until")) * time.Nanosecond),
		Consented: d.most("consented"), Mode: one(d, allModes, "stands in"), Aspects: mostOf[string, string](d, allAspects, "stands with"),
		Conditions: decide.Conditions{Ordinary: "task", Sensitive: d.further("stands on a further")},
		Review:     noon.Add(time.Duration(one(d, []int{1, 2, 3, 0}, "review")) * time.Nanosecond),
	}
}

// case_ is one pair of sides, in terms that may be replaced by newer ones.
type case_ struct {
	holder   decide.Actor
	proposal decide.Proposal
	asker    decide.Actor
	question decide.Question
}

// tells takes a proposal from its decision to the answer, as the index does:
// the whole of it under the same terms.
func (c case_) tells(t *decide.Terms) bool {
	holder, asks := t.FindColumn(c.proposal.Column.ID, noon), t.FindColumn(c.question.Column.ID, noon)
	if holder == nil || asks == nil {
		return false
	}
	c.proposal.Column, c.question.Column = holder, asks
	d := t.Hold(c.holder, c.proposal, noon)
	if d.StoppedAt() > 0 {
		return false
	}
	return answers(t, decide.Standing{
		Column: holder.ID, Agreement: d.Agreement, Power: d.Power, Ground: d.Ground, Purposes: d.Purposes,
		Audience: d.Audience, Until: d.Until, Consented: true, Mode: d.Mode, Aspects: d.Aspects, Conditions: d.Conditions, Review: d.Review,
	}, c.asker, c.question)
}

// answers asks under these terms and looks whether the decision answers.
func answers(t *decide.Terms, s decide.Standing, asker decide.Actor, q decide.Question) bool {
	if q.Column = t.FindColumn(q.Column.ID, noon); q.Column == nil {
		return false
	}
	asking := t.Ask(asker, q, noon)
	return t.Discloses(s, &asking, noon)
}

// LEG-02, LEG-03, LEG-11, LEG-24, IDX-07: whatever is disclosed stands, under an
// agreement in force to which both sides are party, for a purpose and to an
// audience that the decision names.
func TestWhatIsDisclosedStandsUnderOneAgreementOfBothSides(t *testing.T) {
	t.Parallel()
	disclosed := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		terms := d.terms()
		s, q := d.standing(terms), d.question(terms)
		asking := terms.Ask(d.actor(q.Column), q, noon)
		if !terms.Discloses(s, &asking, noon) {
			return
		}
		disclosed++
		if !terms.Stands(s, noon) {
			rt.Fatal("disclosed, and does not stand")
		}
		if asking.StoppedAt() != 0 {
			rt.Fatal("disclosed to an asker whose own side was stopped")
		}
		holder, a := terms.FindColumn(s.Column, noon), terms.FindAgreement(s.Agreement, noon)
		if holder == nil || a == nil {
			rt.Fatal("disclosed from a closed column, or under an agreement out of force")
		}
		if !slices.Contains(a.Parties, holder.Agency) || !slices.Contains(a.Parties, q.Column.Agency) || !slices.Contains(asking.Agreements, a.Code) {
			rt.Fatalf("disclosed from %s to %s under %+v", holder.Agency, q.Column.Agency, a)
		}
		if !slices.Contains(a.Purposes, q.Purpose) || !slices.Contains(s.Purposes, q.Purpose) || !slices.Contains(a.Powers, s.Power) {
			rt.Fatalf("disclosed for %s, on %s, under %+v", q.Purpose, s.Power, a)
		}
		if !member(s.Audience, q.Column) || !s.Consented || !noon.Before(s.Until) {
			rt.Fatalf("disclosed to %s: %+v", q.Column.ID, s)
		}
		if holder.Sensitive && (a.Receiving.Sensitive == "" || s.Ground != decide.ExplicitConsent && s.Ground != decide.SignificantHarm) {
			rt.Fatalf("disclosed a sensitive column on %s, received on %+v", s.Ground, a.Receiving)
		}
		if b := barred(terms, holder.Agency, q); b != nil {
			rt.Fatalf("disclosed in spite of %+v", b)
		}
	})
	if disclosed == 0 {
		t.Error("nothing was ever disclosed, so nothing was tested")
	}
}

// member says in other words than the package's whether an audience has a column.
func member(a decide.Audience, c *decide.Column) bool {
	return a.Kind == decide.ToPartnership || a.Kind == decide.ToAgencies && slices.Contains(a.Names, string(c.Agency)) ||
		a.Kind == decide.ToColumns && slices.Contains(a.Names, string(c.ID))
}

// barred is a bar in force at noon whose every list names the case.
func barred(t *decide.Terms, from ident.Agency, q decide.Question) *decide.Bar {
	names := func(list []string, what string) bool { return len(list) == 0 || slices.Contains(list, what) }
	for i, b := range t.Bars {
		if (b.Starts == nil || !b.Starts.After(noon)) && (b.Ends == nil || b.Ends.After(noon)) &&
			names(b.FromKinds, t.FindAgency(from, noon).Kind) && names(b.ToKinds, t.FindAgency(q.Column.Agency, noon).Kind) &&
			names(b.Purposes, q.Purpose) {
			return &t.Bars[i]
		}
	}
	return nil
}

// LEG-07, A-01: one more consent never opens anything: it adds no member of the
// audience, no purpose, no aspect and no time.
func TestOneMoreConsentNeverOpensAnything(t *testing.T) {
	t.Parallel()
	narrowed := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		w := newWorld()
		w.onConsent()
		w.Audience = d.audience("audience")
		w.agreement("sharing").Parties = []ident.Agency{"gp", "school", "police"}
		w.terms.Columns = append(w.terms.Columns, decide.Column{ID: "second-list", Provider: "gp-desk", Agency: "gp"})
		if rapid.Bool().Draw(rt, "implied") {
			w.Ground = decide.ImpliedConsent
		}
		w.Consents = nil
		for range rapid.IntRange(1, 3).Draw(rt, "consents") {
			w.Consents = append(w.Consents, d.consent())
		}
		before := w.hold(noon)
		place := rapid.IntRange(0, len(w.Consents)).Draw(rt, "place")
		w.Consents = slices.Insert(slices.Clone(w.Consents), place, d.consent())
		after := w.hold(noon)
		if after.StoppedAt() > 0 {
			return
		}
		if before.StoppedAt() > 0 {
			rt.Fatalf("one more consent permits what was refused: %s", before.Because())
		}
		narrowed++
		for i := range w.terms.Columns {
			if c := &w.terms.Columns[i]; member(after.Audience, c) && !member(before.Audience, c) {
				rt.Fatalf("one more consent adds %s: %v became %v", c.ID, before.Audience, after.Audience)
			}
			for _, consent := range w.Consents {
				if c := &w.terms.Columns[i]; member(after.Audience, c) && !(member(consent.Audience, c) && member(w.Audience, c)) {
					rt.Fatalf("discloses to %s, which %v proposed to %v leaves out", c.ID, consent.Audience, w.Audience)
				}
			}
		}
		for _, p := range after.Purposes {
			if !slices.Contains(before.Purposes, p) {
				rt.Fatalf("one more consent adds the purpose %s", p)
			}
		}
		for _, a := range after.Aspects {
			if !slices.Contains(before.Aspects, a) {
				rt.Fatalf("one more consent adds the aspect %s", a)
			}
		}
		if after.Until.After(before.Until) {
			rt.Fatalf("one more consent adds time: %v became %v", before.Until, after.Until)
		}
	})
	if narrowed == 0 {
		t.Error("no consent was ever added to a permitted decision, so nothing was tested")
	}
}

// LEG-01, LEG-18: whatever is put to the steps, on either side, they are walked
// in their order up to the first that fails, and what is recorded is never more
// than what was proposed.
func TestNoStepIsAnsweredAfterOneThatFailed(t *testing.T) {
	t.Parallel()
	reached := map[int]int{}
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		terms := d.terms()
		p, q := d.proposal(terms), d.question(terms)
		holder, asker := d.actor(p.Column), d.actor(q.Column)
		if !d.most("asks with a reason") {
			q.Reason = ""
		}
		held := terms.Hold(holder, p, noon)
		reached[held.StoppedAt()]++
		walked(rt, held)
		if held.StoppedAt() == 0 {
			if len(held.Purposes) == 0 || len(held.Aspects) == 0 || !noon.Before(held.Until) || held.Until.After(p.Until) {
				rt.Fatalf("permitted what is empty or over: %+v", held)
			}
			if !slices.Contains(holder.Roles, held.Role) || holder.Agency != p.Column.Agency {
				rt.Fatalf("permitted in the role %q of %v", held.Role, holder.Roles)
			}
			for i := range terms.Columns {
				if c := &terms.Columns[i]; member(held.Audience, c) && !member(p.Audience, c) {
					rt.Fatalf("proposed to %v, decided to %v", p.Audience, held.Audience)
				}
			}
		}
		if again := terms.Hold(holder, p, noon); !reflect.DeepEqual(held, again) {
			rt.Fatalf("the same proposal decided twice: %+v, %+v", held, again)
		}
		asked := terms.Ask(asker, q, noon)
		walked(rt, asked.Decision)
		if (asked.StoppedAt() == 0) != (len(asked.Agreements) > 0) {
			rt.Fatalf("stopped at %d, and may be answered under %v", asked.StoppedAt(), asked.Agreements)
		}
	})
	if reached[0] == 0 || len(reached) == 1 {
		t.Errorf("proposals were stopped at %v only, so little was tested", reached)
	}
}

// walked checks the shape of every decision.
func walked(rt *rapid.T, d decide.Decision) {
	passed, failed := 0, 0
	for i, s := range d.Steps {
		switch {
		case s.Number != i+1:
			rt.Fatalf("out of order: %+v", d.Steps)
		case s.Answer != decide.Failed && s.Because != "", s.Answer == decide.Failed && s.Because == "":
			rt.Fatalf("a reason without a failure, or a failure without a reason: %+v", d.Steps)
		case s.Answer == decide.Passed && failed == 0:
			passed++
		case s.Answer == decide.Failed && failed == 0:
			failed = s.Number
		case s.Answer == decide.NotAsked && failed > 0:
		default:
			rt.Fatalf("answered after a failure, or left out without one: %+v", d.Steps)
		}
	}
	if d.StoppedAt() != failed || (d.StoppedAt() == 0) != (passed == 4) {
		rt.Fatalf("stopped at %d: %+v", d.StoppedAt(), d.Steps)
	}
}

// LEG-24, LEG-27, IDX-07: taking anything away from the terms never makes them
// disclose what they did not, neither what stands already nor what is decided
// anew.
func TestTakingAnythingFromTheTermsNeverDisclosesMore(t *testing.T) {
	t.Parallel()
	lost := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		terms := d.terms()
		s, q, p := d.standing(terms), d.question(terms), d.proposal(terms)
		c := case_{holder: d.actor(p.Column), proposal: p, asker: d.actor(q.Column), question: q}
		answered, told := answers(terms, s, c.asker, q), c.tells(terms)
		all := takings(terms)
		names := slices.Sorted(maps.Keys(all))
		for range 12 {
			what := one(d, names, "taken away")
			newer := again(rt, terms)
			all[what](newer)
			newer.Index()
			nowAnswered, nowTold := answers(newer, s, c.asker, q), c.tells(newer)
			if nowAnswered && !answered {
				rt.Fatalf("without %s a decision that stood undisclosed is disclosed", what)
			}
			if nowTold && !told {
				rt.Fatalf("without %s what was not told is told", what)
			}
			if answered && !nowAnswered || told && !nowTold {
				lost++
			}
		}
	})
	if lost == 0 {
		t.Error("nothing taken away ever ended a disclosure, so nothing was tested")
	}
}

// takings are all the ways to take one thing from the terms, bars excepted: a
// bar is itself a taking.
func takings(t *decide.Terms) map[string]func(*decide.Terms) {
	all := map[string]func(*decide.Terms){
		"the reasons":             func(t *decide.Terms) { t.Codes.Reasons = nil },
		"the aims":                func(t *decide.Terms) { t.Codes.Aims = nil },
		"the ordinary conditions": func(t *decide.Terms) { t.Profile.Ordinary = nil },
		"the further conditions":  func(t *decide.Terms) { t.Profile.Sensitive = nil },
	}
	for i, a := range t.Agencies {
		// An agency that is no longer written down has no kind, and so no bar knows
		// it: one that leaves is given an end instead.
		all[fmt.Sprint("the agency ", a.ID)] = func(t *decide.Terms) { t.Agencies[i].Ends = on(noon) }
	}
	for i, c := range t.Columns {
		all[fmt.Sprint("the column ", c.ID)] = func(t *decide.Terms) { t.Columns = slices.Delete(t.Columns, i, i+1) }
		all[fmt.Sprint("the openness of column ", c.ID)] = func(t *decide.Terms) { t.Columns[i].Closes = on(noon) }
		all[fmt.Sprint("the plainness of column ", c.ID)] = func(t *decide.Terms) { t.Columns[i].Sensitive = true }
		all[fmt.Sprint("the provider of column ", c.ID)] = func(t *decide.Terms) { t.Providers = slices.Delete(t.Providers, i, i+1) }
	}
	for i, p := range t.Powers {
		all[fmt.Sprint("the power ", p.Code)] = func(t *decide.Terms) { t.Powers = slices.Delete(t.Powers, i, i+1) }
		all[fmt.Sprint("the force of power ", p.Code)] = func(t *decide.Terms) { t.Powers[i].Ends = on(noon) }
		each(all, "power "+p.Code+"'s kind", p.Kinds, func(t *decide.Terms) *[]string { return &t.Powers[i].Kinds })
		each(all, "power "+p.Code+"'s purpose", p.Purposes, func(t *decide.Terms) *[]string { return &t.Powers[i].Purposes })
	}
	for i, a := range t.Agreements {
		all[fmt.Sprint("the agreement ", a.Code)] = func(t *decide.Terms) { t.Agreements = slices.Delete(t.Agreements, i, i+1) }
		all[fmt.Sprint("the force of agreement ", a.Code)] = func(t *decide.Terms) { t.Agreements[i].Ends = on(noon) }
		all[fmt.Sprint("the receiving of agreement ", a.Code)] = func(t *decide.Terms) { t.Agreements[i].Receiving = decide.Conditions{} }
		each(all, a.Code+"'s party", a.Parties, func(t *decide.Terms) *[]ident.Agency { return &t.Agreements[i].Parties })
		each(all, a.Code+"'s purpose", a.Purposes, func(t *decide.Terms) *[]string { return &t.Agreements[i].Purposes })
		each(all, a.Code+"'s power", a.Powers, func(t *decide.Terms) *[]string { return &t.Agreements[i].Powers })
		each(all, a.Code+"'s aspect", a.Aspects, func(t *decide.Terms) *[]string { return &t.Agreements[i].Aspects })
		each(all, a.Code+"'s mode", a.Modes, func(t *decide.Terms) *[]decide.Mode { return &t.Agreements[i].Modes })
		each(all, a.Code+"'s ground", a.Grounds, func(t *decide.Terms) *[]decide.Ground { return &t.Agreements[i].Grounds })
		each(all, a.Code+"'s asking", a.Roles.Enquire, func(t *decide.Terms) *[]string { return &t.Agreements[i].Roles.Enquire })
		each(all, a.Code+"'s publishing", a.Roles.Publish, func(t *decide.Terms) *[]string { return &t.Agreements[i].Roles.Publish })
		each(all, a.Code+"'s correlating", a.Roles.Correlate, func(t *decide.Terms) *[]string { return &t.Agreements[i].Roles.Correlate })
		each(all, a.Code+"'s imposing", a.Roles.Impose, func(t *decide.Terms) *[]string { return &t.Agreements[i].Roles.Impose })
	}
	return all
}

// each adds the taking of each member of a list.
func each[V comparable](all map[string]func(*decide.Terms), name string, list []V, of func(*decide.Terms) *[]V) {
	for _, v := range list {
		all[fmt.Sprint(name, " ", v)] = func(t *decide.Terms) { *of(t) = without(*of(t), v) }
	}
}

// LEG-03: one more bar never discloses more, and one less never discloses less.
func TestOneMoreBarNeverDisclosesMore(t *testing.T) {
	t.Parallel()
	lost := 0
	rapid.Check(t, func(rt *rapid.T) {
		d := draw{rt}
		terms := d.terms()
		s, q, p := d.standing(terms), d.question(terms), d.proposal(terms)
		c := case_{holder: d.actor(p.Column), proposal: p, asker: d.actor(q.Column), question: q}
		answered, told := answers(terms, s, c.asker, q), c.tells(terms)
		for range 5 {
			with := again(rt, terms)
			with.Bars = slices.Insert(with.Bars, rapid.IntRange(0, len(with.Bars)).Draw(rt, "place"), d.bar())
			nowAnswered, nowTold := answers(with, s, c.asker, q), c.tells(with)
			if nowAnswered && !answered || nowTold && !told {
				rt.Fatalf("%+v opens what was closed without it", with.Bars)
			}
			if answered && !nowAnswered || told && !nowTold {
				lost++
			}
		}
	})
	if lost == 0 {
		t.Error("no bar ever ended a disclosure, so nothing was tested")
	}
}
