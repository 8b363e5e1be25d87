package decide_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
)

// LEG-01, LEG-11, LEG-18: the asker's side is a decision of its own, recorded
// with the role, the power and the terms it rested on.
func TestAQuestionThatMeetsEveryStepIsPermitted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change      func(*world)
		role, power string
	}{
		"a teacher": {func(*world) {}, "teacher", "care-act"},
		"a doctor of the surgery": {func(w *world) {
			w.asks, w.asker.Agency, w.asker.Roles = "gp-list", "gp", []string{"cleaner", "doctor"}
		}, "doctor", "care-act"},
		"a police officer, by the power that is theirs": {func(w *world) {
			w.asks, w.asker.Agency, w.asker.Roles = "police-files", "police", []string{"officer"}
		}, "officer", "police-act"},
		"a power further down the list that alone serves the purpose": {func(w *world) {
			w.agreement("sharing").Powers = []string{"narrow-act", "care-act"}
		}, "teacher", "care-act"},
		"the first of two powers": {func(w *world) {
			w.agreement("sharing").Powers = []string{"narrow-act", "care-act"}
			w.question.Purpose = "safeguarding"
		}, "teacher", "narrow-act"},
		"a transaction": {func(w *world) { w.question.Transaction = "referral" }, "teacher", "care-act"},
		"receiving without a further condition": {func(w *world) {
			w.agreement("sharing").Receiving.Sensitive = ""
		}, "teacher", "care-act"},
		"somebody of another agency, in a team whose column the school controls": {func(w *world) {
			w.asker.Agency = "charity"
		}, "teacher", "care-act"},
		"beside a bar on other askers": {func(w *world) { w.bar(decide.Bar{ToKinds: []string{"police"}}) }, "teacher", "care-act"},
		"beside a bar for another purpose": {func(w *world) {
			w.bar(decide.Bar{ToKinds: []string{"education"}, Purposes: []string{"safeguarding"}})
		}, "teacher", "care-act"},
		"beside a bar on some holders, of which the asker may not be told": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"health"}, ToKinds: []string{"education"}})
		}, "teacher", "care-act"},
		"no case, where the agreement asks for none": {func(w *world) { w.question.NoCase = true }, "teacher", "care-act"},
		"a case, or one's own publication, where the agreement asks for it": {func(w *world) {
			w.agreement("sharing").NeedsCase = true
		}, "teacher", "care-act"},
		"no case, in an emergency": {func(w *world) {
			a := w.agreement("sharing")
			a.NeedsCase, a.Roles.Emergency, w.question.NoCase, w.question.Emergency = true, []string{"teacher"}, true, true
		}, "teacher", "care-act"},
		"after a bar":  {func(w *world) { w.bar(decide.Bar{ToKinds: []string{"education"}, Ends: on(noon)}) }, "teacher", "care-act"},
		"before a bar": {func(w *world) { w.bar(decide.Bar{ToKinds: []string{"education"}, Starts: on(justAfter(noon))}) }, "teacher", "care-act"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			c.change(w)
			a := w.ask(noon)
			wantStopped(t, a.Decision, 0)
			if !slices.Equal(a.Agreements, []string{"sharing"}) || a.Column != w.question.Column || a.Purpose != w.question.Purpose {
				t.Errorf("may be answered under %v as %v for %s", a.Agreements, a.Column, a.Purpose)
			}
			if a.Role != c.role || a.Power != c.power || a.Agreement != "sharing" || a.TermsVersion != 7 || a.Profile != "law" ||
				!slices.Equal(a.Purposes, []string{w.question.Purpose}) || !slices.Equal(a.Aspects, []string{"involvement", "health"}) {
				t.Errorf("recorded %+v", a.Decision)
			}
		})
	}
}

// LEG-01, LEG-02, LEG-03, LEG-09, LEG-11, LEG-24, QRY-08: what the asker's own
// side lacks stops the question before any look-up, and is explained.
func TestAQuestionStopsAtTheFirstStepThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*world)
		step    int
		because string
	}{
		"an agency without any agreement": {func(w *world) { w.asks = "charity-list" }, 1, "no party to any agreement: ask your governance officer"},
		"no agreements at all":            {func(w *world) { w.terms.Agreements = nil }, 1, "no party to any agreement"},
		"an agreement over now":           {func(w *world) { w.agreement("sharing").Ends = on(noon) }, 1, "the agreement is not in force"},
		"an agreement to come":            {func(w *world) { w.agreement("sharing").Starts = on(justAfter(noon)) }, 1, "the agreement is not in force"},
		"no role":                         {func(w *world) { w.asker.Roles = nil }, 1, "lets only these roles ask: [teacher doctor nurse officer]"},
		"a role that only publishes":      {func(w *world) { w.asker.Roles = []string{"lead"} }, 1, "lets only these roles ask"},
		"a purpose outside the agreement": {func(w *world) { w.question.Purpose = "billing" }, 1, "this one covers [support safeguarding]"},
		"no purpose":                      {func(w *world) { w.question.Purpose = "" }, 1, "this one covers [support safeguarding]"},
		"a bar on the asker's kind":       {func(w *world) { w.bar(decide.Bar{ToKinds: []string{"education"}}) }, 1, "a statutory bar forbids asking: the-bar"},
		"a bar on the asker's kind for the purpose": {func(w *world) {
			w.bar(decide.Bar{ToKinds: []string{"education"}, Purposes: []string{"support"}})
		}, 1, "a statutory bar forbids asking: the-bar"},
		"a bar on the purpose, for everybody": {func(w *world) { w.bar(decide.Bar{Purposes: []string{"support"}}) }, 1, "a statutory bar forbids asking: the-bar"},
		"a bar in its first instant": {func(w *world) {
			w.bar(decide.Bar{ToKinds: []string{"education"}, Starts: on(noon)})
		}, 1, "a statutory bar forbids asking: the-bar"},
		"an agreement without the agency's powers": {func(w *world) { w.agreement("sharing").Powers = []string{"police-act", "undeclared-act"} }, 1, "no power: your agency holds none"},
		"a power for other purposes only":          {func(w *world) { w.agreement("sharing").Powers = []string{"narrow-act"} }, 1, "no power: your agency holds none"},
		"a power repealed now":                     {func(w *world) { w.powerOf("care-act").Ends = on(noon) }, 1, "no power: your agency holds none"},
		"a power to come":                          {func(w *world) { w.powerOf("care-act").Starts = on(justAfter(noon)) }, 1, "no power: your agency holds none"},
		"an agency that has left":                  {func(w *world) { w.agencyOf("school").Ends = on(noon) }, 1, "no power: your agency holds none"},
		"no reason":                                {func(w *world) { w.question.Reason = "" }, 2, "say why you need to know: [referral]"},
		"no case, where the agreement asks for one": {func(w *world) {
			w.agreement("sharing").NeedsCase, w.question.NoCase = true, true
		}, 2, "name the case of yours that the question is for"},
		"a reason outside the list": {func(w *world) { w.question.Reason = "curiosity" }, 2, "say why you need to know: [referral]"},
		"no condition of receiving": {func(w *world) {
			w.agreement("sharing").Receiving = decide.Conditions{}
		}, 4, "name a condition of profile law: [task agreed]"},
		"a condition of receiving that another profile had": {func(w *world) {
			w.terms.Profile.Ordinary = []decide.ProfileCondition{{Code: "duty"}}
		}, 4, "name a condition of profile law: [duty]"},
		"a further condition of receiving that another profile had": {func(w *world) {
			w.terms.Profile.Sensitive = nil
		}, 4, "sensitive data needs a further condition"},
		"a condition of receiving that is consent": {func(w *world) {
			w.agreement("sharing").Receiving.Ordinary = "agreed"
		}, 4, "this condition is consent"},
		"a further condition of receiving that is consent": {func(w *world) {
			w.agreement("sharing").Receiving.Sensitive = "agreed-explicitly"
		}, 4, "this condition is explicit consent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			c.change(w)
			a := w.ask(noon)
			wantStopped(t, a.Decision, c.step)
			if !strings.Contains(a.Because(), c.because) {
				t.Errorf("because %q, want %q", a.Because(), c.because)
			}
			if len(a.Agreements) > 0 {
				t.Errorf("may be answered under %v", a.Agreements)
			}
			if a.TermsVersion != 7 || a.Profile != "law" || !slices.Equal(a.Purposes, []string{w.question.Purpose}) {
				t.Errorf("the refusal is recorded as %+v", a.Decision)
			}
		})
	}
}

// LEG-11: an asker may be answered under every agreement that its own side
// passes, and the first of them is recorded.
func TestEveryAgreementThatPassesIsListedAndTheFirstIsRecorded(t *testing.T) {
	t.Parallel()
	fails := map[int]func(*decide.Agreement){
		0: func(*decide.Agreement) {},
		1: func(a *decide.Agreement) { a.Purposes = []string{"billing"} },
		4: func(a *decide.Agreement) { a.Receiving.Ordinary = "" },
	}
	for name, c := range map[string]struct {
		steps    [3]int // at which the agreements a, b and c stop
		listed   []string
		recorded string
		stopped  int
	}{
		"all pass":                         {[3]int{0, 0, 0}, []string{"a", "b", "c"}, "a", 0},
		"all but the first pass":           {[3]int{1, 0, 0}, []string{"b", "c"}, "b", 0},
		"all but the second pass":          {[3]int{0, 4, 0}, []string{"a", "c"}, "a", 0},
		"the last alone passes":            {[3]int{4, 1, 0}, []string{"c"}, "c", 0},
		"none passes, the last got on":     {[3]int{1, 1, 4}, nil, "c", 4},
		"none passes, the first got on":    {[3]int{4, 1, 1}, nil, "a", 4},
		"none passes, two got equally far": {[3]int{1, 4, 4}, nil, "b", 4},
		"none passes the first step":       {[3]int{1, 1, 1}, nil, "a", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			base := w.terms.Agreements[0]
			w.terms.Agreements = nil
			for i, code := range []string{"a", "b", "c"} {
				a := base
				a.Code = code
				fails[c.steps[i]](&a)
				w.terms.Agreements = append(w.terms.Agreements, a)
			}
			foreign := base
			foreign.Code, foreign.Parties = "foreign", []ident.Agency{"gp", "police"}
			w.terms.Agreements = append([]decide.Agreement{foreign}, w.terms.Agreements...)
			got := w.ask(noon)
			wantStopped(t, got.Decision, c.stopped)
			if !slices.Equal(got.Agreements, c.listed) || got.Agreement != c.recorded {
				t.Errorf("listed %v, recorded %s; want %v, %s", got.Agreements, got.Agreement, c.listed, c.recorded)
			}
		})
	}
}

// PUB-08, QRY-05: an emergency is declared by who may ask and may declare one,
// in the role that may, and sets no other part of the asker's side aside.
func TestAnEmergencyIsDeclaredByWhoMayAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		roles, emergency []string
		change           func(*world)
		role, because    string
	}{
		"a role that asks and declares":          {[]string{"teacher"}, []string{"teacher"}, func(*world) {}, "teacher", ""},
		"one role to ask and another to declare": {[]string{"teacher", "lead"}, []string{"lead"}, func(*world) {}, "lead", ""},
		"a role that only asks":                  {[]string{"teacher"}, []string{"lead"}, func(*world) {}, "", "declare an emergency: [lead]"},
		"an agreement without any":               {[]string{"teacher", "lead"}, nil, func(*world) {}, "", "declare an emergency: []"},
		"a role that only declares":              {[]string{"lead"}, []string{"lead"}, func(*world) {}, "", "lets only these roles ask"},
		"a bar on the asker": {[]string{"teacher"}, []string{"teacher"}, func(w *world) {
			w.bar(decide.Bar{ToKinds: []string{"education"}})
		}, "", "a statutory bar forbids asking"},
		"no power": {[]string{"teacher"}, []string{"teacher"}, func(w *world) { w.agreement("sharing").Powers = nil }, "", "no power"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.question.Emergency, w.asker.Roles, w.agreement("sharing").Roles.Emergency = true, c.roles, c.emergency
			c.change(w)
			a := w.ask(noon)
			if c.because != "" {
				wantStopped(t, a.Decision, decide.StepPower)
				if !strings.Contains(a.Because(), c.because) {
					t.Errorf("because %q, want %q", a.Because(), c.because)
				}
				return
			}
			wantStopped(t, a.Decision, 0)
			if a.Role != c.role || !a.Emergency {
				t.Errorf("recorded as %s, emergency %v; want as %s", a.Role, a.Emergency, c.role)
			}
		})
	}
	if newWorld().ask(noon).Emergency {
		t.Error("an ordinary question is an emergency")
	}
}
