package consent_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// lawful is alice under terms that let a decision pass all four steps.
func lawful() decide.Caller {
	c := alice
	t := terms()
	t.Agencies[0].Kind, t.Agencies[1].Kind = "health", "education"
	t.Codes.Aims = []decide.Code{{Code: "protect-health"}}
	t.Codes.Reasons = []decide.Code{{Code: "working-with-person"}}
	t.Codes.Roles = []decide.Code{{Code: "practitioner"}, {Code: "receptionist"}}
	t.Codes.Transactions = []decide.Code{{Code: "joint-assessment"}}
	t.Powers = []decide.Power{{Code: "children-act", Kinds: []string{"health", "education"}, Purposes: []string{"support"}}}
	t.Profile = decide.Profile{
		ID: "uk-current", Questions: [4]string{"Is there a power?", "Is it proportionate?", "Is it confidential?", "On which condition?"},
		Ordinary: []decide.ProfileCondition{{Code: "art6-public-task"}},
	}
	a := &t.Agreements[1]
	a.Powers, a.Purposes, a.Aspects = []string{"children-act"}, []string{"support"}, []string{"involvement", "contact"}
	a.Modes, a.Grounds = []decide.Mode{decide.WithConsent}, []decide.Ground{decide.ExplicitConsent}
	a.Receiving = decide.Conditions{Ordinary: "art6-public-task"}
	c.Terms = t.Index()
	return c
}

func (h *hub) holder() consent.Trial {
	to := decide.Audience{Kind: decide.ToAgencies, Names: []string{"school"}}
	return consent.Trial{Column: "gp-people", Holder: &decide.Proposal{
		Deed: decide.Publishing, Mode: decide.WithConsent, Agreement: "early-help", Power: "children-act",
		Purposes: []string{"support"}, Aspects: []string{"involvement", "contact"}, Audience: decide.Audience{Kind: decide.ToPartnership},
		Necessary: true, Safeguards: true, Aim: "protect-health", Ground: decide.ExplicitConsent,
		Conditions: decide.Conditions{Ordinary: "art6-public-task"}, Until: h.now.AddDate(1, 0, 0),
		Consents: []decide.Consent{{
			Explicit: true, Audience: to, Purposes: []string{"support"}, Aspects: []string{"involvement"}, Ends: h.now.AddDate(0, 1, 0)}},
	}}
}

// LEG-01, LEG-07, A-01: a dry run answers as the decision itself would, and
// says what would be disclosed once the supposed consents have narrowed it.
func TestATrialSaysWhatADecisionWouldDisclose(t *testing.T) {
	t.Parallel()
	h := setup(t)
	got, err := h.consent.TryDecision(lawful(), h.holder())
	must(t, err)
	if !got.Permitted() || !got.Discloses || got.Role != "practitioner" || got.Profile != "uk-current" || got.TermsVersion != 7 {
		t.Errorf("not permitted, or not as what: %+v", got)
	}
	to := decide.Audience{Kind: decide.ToAgencies, Names: []string{"school"}}
	if !reflect.DeepEqual(got.Audience, to) || !slices.Equal(got.Aspects, []string{"involvement"}) || !got.Until.Equal(h.now.AddDate(0, 1, 0)) {
		t.Errorf("the consents do not narrow it: %+v", got.Decision)
	}
	asks := consent.Trial{Column: "school-roll", Role: "receptionist", Asker: &decide.Question{Purpose: "support", Reason: "working-with-person"}}
	got, err = h.consent.TryDecision(lawful(), asks)
	must(t, err)
	if !got.Permitted() || got.Discloses || !slices.Equal(got.Agreements, []string{"early-help"}) {
		t.Errorf("the asker's side: %+v", got)
	}
}

// LEG-01: the steps stop at the first that fails, in words.
func TestATrialStopsWhereTheDecisionWould(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for _, c := range []struct {
		name   string
		change func(*consent.Trial)
		step   int
		words  string
	}{
		{"a role that may not", func(tr *consent.Trial) { tr.Role = "receptionist" }, 1, "only these roles"},
		{"not necessary", func(tr *consent.Trial) { tr.Holder.Necessary = false }, 2, "something less would do"},
		{"implied consent", func(tr *consent.Trial) { tr.Holder.Consents[0].Explicit = false }, 3, "explicit consent is needed"},
		{"no consent", func(tr *consent.Trial) { tr.Holder.Consents = nil }, 3, "name the consents"},
		{"a consent that is over", func(tr *consent.Trial) { tr.Holder.Consents[0].Ends = *h.now }, 3, "not in force"},
		{"no condition", func(tr *consent.Trial) { tr.Holder.Conditions.Ordinary = "none" }, 4, "name a condition"},
		{"an agency of no agreement", func(tr *consent.Trial) { tr.Column = "police-list" }, 1, "no party"},
	} {
		trial := h.holder()
		c.change(&trial)
		got, err := h.consent.TryDecision(lawful(), trial)
		must(t, err)
		if got.StoppedAt() != c.step || !strings.Contains(got.Because(), c.words) || got.Discloses {
			t.Errorf("%s: stopped at %d: %s", c.name, got.StoppedAt(), got.Because())
		}
	}
}

// LEG-07, LEG-14 to 17, LEG-21, LEG-23: a dry run explains every ground, review and
// override as the decision would, and says what the law profile asks.
func TestATrialExplainsGroundsReviewsAndOverrides(t *testing.T) {
	t.Parallel()
	h := setup(t)
	c := lawful()
	p, a := &c.Terms.Profile, &c.Terms.Agreements[1]
	p.ReviewDays, p.OverrideDays, p.Orders = 60, 20, []decide.Code{{Code: "court-order"}}
	p.Duty = &decide.DutyQuestion{Question: "More detrimental?", Concerning: []decide.Concerning{decide.Child}}
	p.Sensitive = []decide.ProfileCondition{{Code: "art9-explicit-consent", NeedsExplicit: true}}
	p.Competence = []decide.Presumption{{From: 16, Citation: "the Act"}}
	c.Terms.Codes.Risks, c.Terms.Codes.Reasons = []decide.Code{{Code: "harm"}}, []decide.Code{{Code: "risk"}}
	c.Terms.Powers[0].Duty = &decide.Duty{Columns: []ident.Column{"gp-people"}}
	a.Modes = append(a.Modes, decide.Imposed)
	a.Grounds = append(a.Grounds, decide.SignificantHarm, decide.DutyToShare, decide.CourtOrder)
	a.Roles.Impose, a.Roles.Override = a.Roles.Publish, a.Roles.Publish
	c.Terms.Index()
	imposed := func(ground decide.Ground) consent.Trial {
		tr := h.holder()
		tr.Holder.Mode, tr.Holder.Ground, tr.Holder.Reason, tr.Holder.Consents = decide.Imposed, ground, "risk", nil
		tr.Holder.Audience = decide.Audience{Kind: decide.ToAgencies, Names: []string{"school"}}
		return tr
	}
	override := func(change func(*decide.Proposal)) func() consent.Trial {
		return func() consent.Trial {
			tr := imposed(decide.SignificantHarm)
			tr.Holder.Refused, tr.Holder.Review = true, h.now.AddDate(0, 0, 20)
			tr.Holder.Override = &decide.Override{Risk: "harm", Telling: decide.TellingRaisesRisk}
			change(tr.Holder)
			return tr
		}
	}
	duty := func(answer decide.Detriment) func() consent.Trial {
		return func() consent.Trial {
			tr := imposed(decide.DutyToShare)
			tr.Holder.Concerning, tr.Holder.Welfare, tr.Holder.Detriment = decide.Child, true, answer
			return tr
		}
	}
	for name, want := range map[string]struct {
		trial func() consent.Trial
		step  int
		words string
	}{
		"an order":            {func() consent.Trial { tr := imposed(decide.CourtOrder); tr.Holder.Order = "court-order"; return tr }, 0, ""},
		"no order":            {func() consent.Trial { return imposed(decide.CourtOrder) }, 3, "name the order"},
		"a duty":              {duty(decide.NoMoreDetrimental), 0, ""},
		"a duty, no answer":   {duty(""), 3, "More detrimental?"},
		"a duty, more harm":   {duty(decide.MoreDetrimental), 3, "do not share"},
		"an override":         {override(func(*decide.Proposal) {}), 0, ""},
		"a refusal":           {override(func(p *decide.Proposal) { p.Override = nil }), 3, "the person has refused"},
		"no risk":             {override(func(p *decide.Proposal) { p.Override.Risk = "" }), 3, "assess the risk"},
		"hidden":              {override(func(p *decide.Proposal) { p.CreatorOnly = true }), 3, "nothing overrides that"},
		"no review":           {override(func(p *decide.Proposal) { p.Review = time.Time{} }), 2, "needs a review date"},
		"a late review":       {override(func(p *decide.Proposal) { p.Review = p.Review.Add(time.Second) }), 2, "within 20 days"},
		"a child, no welfare": {func() consent.Trial { tr := h.holder(); tr.Holder.Concerning = decide.Child; return tr }, 2, "safety and welfare"},
		"explicit, on implied": {func() consent.Trial {
			tr := imposed(decide.SignificantHarm)
			tr.Holder.Conditions.Sensitive = "art9-explicit-consent"
			return tr
		}, 4, "explicit consent"},
	} {
		got, err := h.consent.TryDecision(c, want.trial())
		must(t, err)
		if got.StoppedAt() != want.step || !strings.Contains(got.Because(), want.words) {
			t.Errorf("%s: stopped at %d: %s", name, got.StoppedAt(), got.Because())
		}
		if a := got.Asks; a == nil || a.ReviewDays != 60 || a.OverrideDays != 20 || a.Duty != "More detrimental?" || !slices.Equal(a.Orders, []string{"court-order"}) || a.Presumption.From != 16 {
			t.Errorf("%s: asks %+v", name, a)
		}
	}
	for pointer, change := range map[string]func(*decide.Proposal){
		"/holder/order":         func(p *decide.Proposal) { p.Order = identifier },
		"/holder/override/risk": func(p *decide.Proposal) { p.Override = &decide.Override{Risk: identifier} },
	} {
		tr := h.holder()
		change(tr.Holder)
		_, err := h.consent.TryDecision(c, tr)
		if seen := wantFault(t, err, fault.Invalid); !strings.Contains(seen, pointer) || strings.Contains(err.Error(), identifier) {
			t.Errorf("%s: %s", pointer, seen)
		}
	}
}

// codes that nobody has declared are refused, and repeated nowhere.
func TestATrialTakesTheListsCodesOnly(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for pointer, change := range map[string]func(*consent.Trial){
		"/holder/column":              func(tr *consent.Trial) { tr.Column = identifier },
		"/holder/role":                func(tr *consent.Trial) { tr.Role = identifier },
		"/holder/agreement":           func(tr *consent.Trial) { tr.Holder.Agreement = identifier },
		"/holder/power":               func(tr *consent.Trial) { tr.Holder.Power = identifier },
		"/holder/purposes":            func(tr *consent.Trial) { tr.Holder.Purposes = []string{identifier} },
		"/holder/aspects":             func(tr *consent.Trial) { tr.Holder.Aspects = []string{identifier} },
		"/holder/proportionality/aim": func(tr *consent.Trial) { tr.Holder.Aim = identifier },
		"/holder/reason":              func(tr *consent.Trial) { tr.Holder.Reason = identifier },
		"/holder/audience": func(tr *consent.Trial) {
			tr.Holder.Audience = decide.Audience{Kind: decide.ToColumns, Names: []string{identifier}}
		},
		"/holder/consents": func(tr *consent.Trial) { tr.Holder.Consents[0].Aspects = []string{identifier} },
		"/asker/purpose":   func(tr *consent.Trial) { tr.Holder, tr.Asker = nil, &decide.Question{Purpose: identifier} },
	} {
		trial := h.holder()
		change(&trial)
		_, err := h.consent.TryDecision(lawful(), trial)
		if seen := wantFault(t, err, fault.Invalid); !strings.Contains(seen, pointer) || strings.Contains(err.Error(), identifier) {
			t.Errorf("%s: %s", pointer, seen)
		}
	}
	_, err := h.consent.TryDecision(lawful(), consent.Trial{Column: "gp-people"})
	wantFault(t, err, fault.Invalid)
}

// A dry run is about nobody, and leaves nothing: no row of any table changes.
func TestATrialRecordsNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.capture(alice, "gp-people")
	before := h.Dump(t)
	_, err := h.consent.TryDecision(lawful(), h.holder())
	must(t, err)
	refused := h.holder()
	refused.Holder.Necessary = false
	_, err = h.consent.TryDecision(lawful(), refused)
	must(t, err)
	if !sameRows(before, h.Dump(t)) {
		t.Error("a dry run changed the database")
	}
	h.capture(alice, "gp-people")
	if sameRows(before, h.Dump(t)) {
		t.Error("a capture did not change the dump: this test cannot fail")
	}
}

// sameRows compares two dumps but for pg_dump's own restrict lines, which are
// drawn anew each time.
func sameRows(a, b string) bool {
	rows := func(dump string) []string {
		return slices.DeleteFunc(strings.Split(dump, "\n"), func(line string) bool {
			return strings.HasPrefix(line, `\restrict`) || strings.HasPrefix(line, `\unrestrict`)
		})
	}
	return slices.Equal(rows(a), rows(b))
}
