package decide_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
)

// LEG-01, LEG-17, LEG-18: what passes all four steps, at once, is recorded with the
// answers and with the versions it rested on.
func TestAProposalThatMeetsEveryStepIsPermitted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*world)
		role   string
		ground decide.Ground
	}{
		"in the public interest": {func(*world) {}, "doctor", decide.PublicInterest},
		"required by law":        {func(w *world) { w.Ground = decide.RequiredByLaw }, "doctor", decide.RequiredByLaw},
		"not confidential, where no reason is needed": {func(w *world) {
			w.Ground, w.Reason = decide.NotConfidential, ""
		}, "doctor", decide.NotConfidential},
		"with explicit consent": {(*world).onConsent, "doctor", decide.ExplicitConsent},
		"by the subject": {func(w *world) {
			w.onConsent()
			w.Mode = decide.BySubject
		}, "doctor", decide.ExplicitConsent},
		"jointly, with consent": {func(w *world) {
			w.onConsent()
			w.Mode = decide.Joint
		}, "doctor", decide.ExplicitConsent},
		"with implied consent": {func(w *world) {
			w.onConsent()
			w.Ground, w.Consents[0].Explicit = decide.ImpliedConsent, false
		}, "doctor", decide.ImpliedConsent},
		"with implied consent, an explicit one being more than enough": {func(w *world) {
			w.onConsent()
			w.Ground = decide.ImpliedConsent
		}, "doctor", decide.ImpliedConsent},
		"imposed by the higher role": {(*world).imposed, "lead", decide.SignificantHarm},
		"a pairing, by whoever may publish": {func(w *world) {
			w.Deed = decide.Pairing
		}, "doctor", decide.PublicInterest},
		"a correlation, by who may correlate": {func(w *world) {
			w.Deed, w.actor.Roles = decide.Correlating, []string{"doctor", "manager"}
		}, "manager", decide.PublicInterest},
		"of a sensitive column, at risk of significant harm": {(*world).ofTheClinic, "doctor", decide.SignificantHarm},
		"of a sensitive column, with explicit consent": {func(w *world) {
			w.ofTheClinic()
			w.onConsent()
		}, "doctor", decide.ExplicitConsent},
		"on conditions that are consent": {func(w *world) {
			w.onConsent()
			w.Conditions = decide.Conditions{Ordinary: "agreed", Sensitive: "agreed-explicitly"}
		}, "doctor", decide.ExplicitConsent},
		"on an ordinary condition that is consent, and an implied one": {func(w *world) {
			w.onConsent()
			w.Ground, w.Conditions.Ordinary = decide.ImpliedConsent, "agreed"
		}, "doctor", decide.ImpliedConsent},
		"to columns": {func(w *world) {
			w.Audience = decide.Audience{Kind: decide.ToColumns, Names: []string{"school-roll"}}
		}, "doctor", decide.PublicInterest},
		"under an agreement without dates": {func(w *world) {
			w.agreement("sharing").Starts, w.agreement("sharing").Ends = nil, nil
		}, "doctor", decide.PublicInterest},
		"at the agreement's first instant": {func(w *world) { w.agreement("sharing").Starts = on(noon) }, "doctor", decide.PublicInterest},
		"at the power's first instant":     {func(w *world) { w.powerOf("care-act").Starts = on(noon) }, "doctor", decide.PublicInterest},
		"at the power's last instant":      {func(w *world) { w.powerOf("care-act").Ends = on(justAfter(noon)) }, "doctor", decide.PublicInterest},
		"beside a bar on others": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"health"}, ToKinds: []string{"police"}})
		}, "doctor", decide.PublicInterest},
		"beside a bar on other holders": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"police"}, ToKinds: []string{"education"}})
		}, "doctor", decide.PublicInterest},
		"beside a bar for another purpose": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"health"}, Purposes: []string{"billing"}})
		}, "doctor", decide.PublicInterest},
		"after a bar": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"health"}, Ends: on(noon)})
		}, "doctor", decide.PublicInterest},
		"before a bar": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"health"}, Starts: on(justAfter(noon))})
		}, "doctor", decide.PublicInterest},
		"to the partnership, which bars on some recipients only narrow": {func(w *world) {
			w.Audience = decide.Audience{Kind: decide.ToPartnership}
			w.bar(decide.Bar{FromKinds: []string{"health"}, ToKinds: []string{"police"}})
		}, "doctor", decide.PublicInterest},
		"to the partnership, beside bars on everybody that do not concern it": {func(w *world) {
			w.Audience = decide.Audience{Kind: decide.ToPartnership}
			w.bar(decide.Bar{FromKinds: []string{"police"}})
			w.bar(decide.Bar{Purposes: []string{"billing"}})
			w.bar(decide.Bar{FromKinds: []string{"health"}, Ends: on(noon)})
		}, "doctor", decide.PublicInterest},
		"resting on a consent that is withdrawn later": {func(w *world) {
			w.onConsent()
			w.Consents[0].Withdrew = on(justAfter(noon))
		}, "doctor", decide.ExplicitConsent},
		"resting on a consent in its first instant": {func(w *world) {
			w.onConsent()
			w.Consents[0].Starts = noon
		}, "doctor", decide.ExplicitConsent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			c.change(w)
			d := w.hold(noon)
			wantStopped(t, d, 0)
			if d.Because() != "" {
				t.Errorf("a permitted decision gives a reason to refuse: %q", d.Because())
			}
			if d.Role != c.role || d.Ground != c.ground || d.Agreement != "sharing" || d.Power != "care-act" ||
				d.TermsVersion != 7 || d.Profile != "law" {
				t.Errorf("recorded %+v", d)
			}
			if !slices.Equal(d.Purposes, w.Purposes) || !slices.Equal(d.Aspects, w.Aspects) ||
				!reflect.DeepEqual(d.Audience, w.Audience) || !d.Until.Equal(day(30)) {
				t.Errorf("recorded %+v, want what was proposed", d)
			}
		})
	}
}

// LEG-01, LEG-02, LEG-03, LEG-25, LEG-26, LEG-39, IDX-07: step 1 stops what has no
// agreement, no role, no power beside its agreement, an aspect that the agreement
// does not list, or a bar in its way, and says what to do.
func TestStepOneStopsWhatNobodyHasThePowerFor(t *testing.T) {
	t.Parallel()
	stops(t, decide.StepPower, map[string]stop{
		"an unknown agreement":  {func(w *world) { w.Agreement = "nothing" }, "name an agreement that is in force"},
		"no agreement":          {func(w *world) { w.Agreement = "" }, "name an agreement that is in force"},
		"an agreement over now": {func(w *world) { w.agreement("sharing").Ends = on(noon) }, "name an agreement that is in force"},
		"an agreement to come":  {func(w *world) { w.agreement("sharing").Starts = on(justAfter(noon)) }, "name an agreement that is in force"},
		"an agency that is no party": {func(w *world) {
			w.agreement("sharing").Parties = without(w.agreement("sharing").Parties, "gp")
		}, "no party"},
		"a column of no party's": {func(w *world) { w.column = "charity-list" }, "no party"},
		"no role":                {func(w *world) { w.actor.Roles = nil }, "only these roles do it: [doctor nurse lead]"},
		"a role that only asks": {func(w *world) {
			w.actor.Roles = []string{"teacher"}
		}, "only these roles do it: [doctor nurse lead]"},
		"a correlation by who only publishes": {func(w *world) { w.Deed = decide.Correlating }, "only these roles do it: [manager]"},
		"a pairing by who only correlates": {func(w *world) {
			w.Deed, w.actor.Roles = decide.Pairing, []string{"manager"}
		}, "only these roles do it: [doctor nurse lead]"},
		"imposed without the higher role": {func(w *world) { w.Mode = decide.Imposed }, "only these roles impose: [lead]"},
		"imposed by a higher role that may not publish": {func(w *world) {
			w.imposed()
			w.agreement("sharing").Roles.Publish = []string{"doctor"}
		}, "only these roles do it: [doctor]"},
		"imposed by who may correlate and not impose": {func(w *world) {
			w.imposed()
			w.Deed, w.actor.Roles = decide.Correlating, []string{"manager"}
		}, "only these roles impose: [lead]"},
		"imposed where correlating has no higher role": {func(w *world) {
			w.imposed()
			w.Deed = decide.Correlating
		}, "only these roles do it: [manager]"},
		"a mode that the agreement does not allow": {func(w *world) {
			w.agreement("sharing").Modes = []decide.Mode{decide.Imposed, decide.BySubject}
		}, "use one of [imposed subject]"},
		"an unknown mode":                 {func(w *world) { w.Mode = "whim" }, "use one of [subject"},
		"a purpose outside the agreement": {func(w *world) { w.Purposes = []string{"support", "billing"} }, "purposes [support safeguarding]"},
		"no purpose":                      {func(w *world) { w.Purposes = nil }, "purposes [support safeguarding]"},
		"an aspect outside the agreement": {func(w *world) { w.Aspects = []string{"health", "notes"} }, "aspects [involvement health]"},
		"no aspect":                       {func(w *world) { w.Aspects = []string{} }, "aspects [involvement health]"},
		"no power named":                  {func(w *world) { w.Power = "" }, "no power: name one of this agreement's: [care-act"},
		"an unknown power":                {func(w *world) { w.Power = "nothing" }, "no power: name one of this agreement's: [care-act"},
		"a power that the agreement names and nobody declares": {func(w *world) { w.Power = "undeclared-act" }, "no power: name one of this agreement's"},
		"a power of no agreement's":                            {func(w *world) { w.Power = "other-act" }, "no power: name one of this agreement's: [care-act"},
		"a repealed power":                                     {func(w *world) { w.Power = "repealed-act" }, "no power: it is not in force now; name its successor"},
		"a power to come":                                      {func(w *world) { w.Power = "coming-act" }, "no power: it is not in force now"},
		"a power of another kind of agency":                    {func(w *world) { w.Power = "police-act" }, "no power: agencies of this kind do not hold it"},
		"an agency that has left":                              {func(w *world) { w.agencyOf("gp").Ends = on(noon) }, "no power: agencies of this kind do not hold it"},
		"an agency that has not joined yet":                    {func(w *world) { w.agencyOf("gp").Starts = on(justAfter(noon)) }, "no power: agencies of this kind do not hold it"},
		"a power that serves one of the purposes only":         {func(w *world) { w.Power = "narrow-act" }, "no power: it serves only [safeguarding]"},
		"a time that is over":                                  {func(w *world) { w.Until = justBefore(noon) }, "say until when"},
		"a time that is now":                                   {func(w *world) { w.Until = noon }, "say until when"},
		"no time":                                              {func(w *world) { w.Until = time.Time{} }, "say until when"},
		"an audience outside the parties": {func(w *world) {
			w.Audience.Names = []string{"school", "charity"}
		}, "stay within the agreement's parties [gp school police clinic]"},
		"an audience of nobody known": {func(w *world) { w.Audience.Names = []string{"nobody"} }, "stay within the agreement's parties"},
		"a column outside the parties": {func(w *world) {
			w.Audience = decide.Audience{Kind: decide.ToColumns, Names: []string{"school-roll", "charity-list"}}
		}, "stay within the agreement's parties"},
		"a column that is closed": {func(w *world) {
			w.Audience = decide.Audience{Kind: decide.ToColumns, Names: []string{"school-roll", "old-roll"}}
		}, "name columns that are open"},
		"a column of a named person who has left": {func(w *world) {
			w.Audience = decide.Audience{Kind: decide.ToColumns, Names: []string{"nora-list"}}
			w.providerOf("nora").Ends = on(noon)
		}, "name columns that are open"},
		"a column that nobody has": {func(w *world) {
			w.Audience = decide.Audience{Kind: decide.ToColumns, Names: []string{"nothing"}}
		}, "name columns that are open"},
		"a bar from the holder's kind": {func(w *world) { w.bar(decide.Bar{FromKinds: []string{"police", "health"}}) }, "a statutory bar forbids it: the-bar"},
		"a bar to an asker's kind":     {func(w *world) { w.bar(decide.Bar{ToKinds: []string{"education"}}) }, "a statutory bar forbids it: the-bar"},
		"a bar to one of the audience": {func(w *world) {
			w.Audience.Names = []string{"clinic", "police"}
			w.bar(decide.Bar{ToKinds: []string{"police"}})
		}, "a statutory bar forbids it: the-bar"},
		"a bar to a column's agency": {func(w *world) {
			w.Audience = decide.Audience{Kind: decide.ToColumns, Names: []string{"police-files"}}
			w.bar(decide.Bar{ToKinds: []string{"police"}})
		}, "a statutory bar forbids it: the-bar"},
		"a bar for one of the purposes": {func(w *world) { w.bar(decide.Bar{Purposes: []string{"safeguarding"}}) }, "a statutory bar forbids it: the-bar"},
		"a bar by all three": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"health"}, ToKinds: []string{"education"}, Purposes: []string{"support"}})
		}, "a statutory bar forbids it: the-bar"},
		"a bar in its first instant": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"health"}, Starts: on(noon)})
		}, "a statutory bar forbids it: the-bar"},
		"a bar in its last instant": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"health"}, Ends: on(justAfter(noon))})
		}, "a statutory bar forbids it: the-bar"},
		"a bar on every recipient, and the whole partnership": {func(w *world) {
			w.Audience = decide.Audience{Kind: decide.ToPartnership}
			w.bar(decide.Bar{FromKinds: []string{"health"}, Purposes: []string{"safeguarding"}})
		}, "a statutory bar forbids it: the-bar"},
	})
}

// LEG-04, IDX-07, A-01: a consent that covers everything opens nothing where
// there is no power or a bar.
func TestConsentDoesNotHelpWithoutAPower(t *testing.T) {
	t.Parallel()
	stops(t, decide.StepPower, map[string]stop{
		"no power":         {consenting(func(w *world) { w.Power = "" }), "no power"},
		"a repealed power": {consenting(func(w *world) { w.Power = "repealed-act" }), "no power"},
		"another's power":  {consenting(func(w *world) { w.Power = "police-act" }), "no power"},
		"no agreement":     {consenting(func(w *world) { w.Agreement = "" }), "name an agreement"},
		"a purpose outside the agreement, inside the consent": {consenting(func(w *world) {
			w.Purposes = []string{"billing"}
		}), "stay within the agreement's purposes"},
		"an aspect outside the agreement, inside the consent": {consenting(func(w *world) {
			w.Aspects = []string{"notes"}
		}), "stay within the agreement's purposes"},
		"a bar": {consenting(func(w *world) { w.bar(decide.Bar{FromKinds: []string{"health"}}) }), "a statutory bar"},
	})
}

// LEG-05, LEG-06: all three answers of step 2 are required.
func TestStepTwoStopsWhatIsDisproportionate(t *testing.T) {
	t.Parallel()
	stops(t, decide.StepProportionality, map[string]stop{
		"not necessary":                  {func(w *world) { w.Necessary = false }, "disproportionate: something less would do"},
		"safeguards that are inadequate": {func(w *world) { w.Safeguards = false }, "disproportionate: the safeguards are not adequate"},
		"no aim":                         {func(w *world) { w.Aim = "" }, "name a well-defined aim: [protect]"},
		"an aim outside the list":        {func(w *world) { w.Aim = "curiosity" }, "name a well-defined aim: [protect]"},
		"no answer at all, with consent": {consenting(func(w *world) {
			w.Necessary, w.Safeguards, w.Aim = false, false, ""
		}), "disproportionate"},
	})
}

// LEG-07, LEG-14, A-14, ACT-06: a ground passes with its evidence only, and
// only where the agreement, the mode and the column allow it.
func TestStepThreeStopsWhatIsConfidential(t *testing.T) {
	t.Parallel()
	stops(t, decide.StepConfidentiality, map[string]stop{
		"a ground that the agreement does not allow": {func(w *world) {
			w.agreement("sharing").Grounds = []decide.Ground{decide.ExplicitConsent, decide.RequiredByLaw}
		}, "only these grounds: [explicit-consent required-by-law]"},
		"no ground":         {func(w *world) { w.Ground = "" }, "only these grounds"},
		"an unknown ground": {func(w *world) { w.Ground = "curiosity" }, "only these grounds"},
		"a sensitive column in the public interest": {func(w *world) {
			w.ofTheClinic()
			w.Ground = decide.PublicInterest
		}, "a sensitive column needs the ground explicit-consent or significant-harm"},
		"a sensitive column as the law requires": {func(w *world) {
			w.ofTheClinic()
			w.Ground = decide.RequiredByLaw
		}, "a sensitive column needs"},
		"a sensitive column as not confidential": {func(w *world) {
			w.ofTheClinic()
			w.Ground = decide.NotConfidential
		}, "a sensitive column needs"},
		"a sensitive column with implied consent": {func(w *world) {
			w.ofTheClinic()
			w.onConsent()
			w.Ground = decide.ImpliedConsent
		}, "a sensitive column needs"},
		"with consent, on another ground": {func(w *world) { w.Mode = decide.WithConsent }, "this mode rests on a consent"},
		"by the subject, on another ground": {func(w *world) {
			w.Mode, w.Ground = decide.BySubject, decide.NotConfidential
		}, "this mode rests on a consent"},
		"imposed, on consent": {func(w *world) {
			w.onConsent()
			w.imposed()
			w.Ground = decide.ExplicitConsent
		}, "an imposed act rests on no consent"},
		"imposed, on implied consent": {func(w *world) {
			w.onConsent()
			w.imposed()
			w.Ground = decide.ImpliedConsent
		}, "an imposed act rests on no consent"},
		"no consent named": {consenting(func(w *world) { w.Consents = nil }), "name the consents that this ground rests on"},
		"no consent named, implied": {consenting(func(w *world) {
			w.Ground, w.Consents = decide.ImpliedConsent, nil
		}), "name the consents that this ground rests on"},
		"a consent for somebody else":    {consenting(func(w *world) { w.Consents[0].Mine = false }), "captured for this very identifier"},
		"a consent that nobody has":      {consenting(func(w *world) { w.Consents = []decide.Consent{{ID: ident.NewConsent()}} }), "captured for this very identifier"},
		"a consent withdrawn now":        {consenting(func(w *world) { w.Consents[0].Withdrew = on(noon) }), "not in force: ask for a new one"},
		"a consent withdrawn long ago":   {consenting(func(w *world) { w.Consents[0].Withdrew = on(day(-1)) }), "not in force: ask for a new one"},
		"a consent that ends now":        {consenting(func(w *world) { w.Consents[0].Ends = noon }), "not in force: ask for a new one"},
		"a consent that has not begun":   {consenting(func(w *world) { w.Consents[0].Starts = justAfter(noon) }), "not in force: ask for a new one"},
		"an implied consent, not enough": {consenting(func(w *world) { w.Consents[0].Explicit = false }), "explicit consent is needed"},
		"one of two consents withdrawn": {consenting(func(w *world) {
			w.Consents = append(w.Consents, w.Consents[0])
			w.Consents[1].Withdrew = on(noon)
		}), "not in force: ask for a new one"},
		"one of two consents for somebody else": {consenting(func(w *world) {
			w.Consents = append(w.Consents, w.Consents[0])
			w.Consents[1].Mine = false
		}), "captured for this very identifier"},
		"one of two consents implied": {consenting(func(w *world) {
			w.Consents = append(w.Consents, w.Consents[0])
			w.Consents[1].Explicit = false
		}), "explicit consent is needed"},
		"a consent to another purpose": {consenting(func(w *world) { w.Consents[0].Purposes = []string{"billing"} }), "the consents leave nothing to disclose"},
		"a consent to another aspect":  {consenting(func(w *world) { w.Consents[0].Aspects = []string{"notes"} }), "the consents leave nothing to disclose"},
		"a consent to another audience": {consenting(func(w *world) {
			w.Consents[0].Audience = decide.Audience{Kind: decide.ToAgencies, Names: []string{"police"}}
		}), "the consents leave nothing to disclose"},
		"a consent to another agency's column": {consenting(func(w *world) {
			w.Consents[0].Audience = decide.Audience{Kind: decide.ToColumns, Names: []string{"police-files", "nothing"}}
		}), "the consents leave nothing to disclose"},
		"consents that share no audience": {consenting(func(w *world) {
			w.Consents = append(w.Consents, w.Consents[0])
			w.Consents[0].Audience = decide.Audience{Kind: decide.ToAgencies, Names: []string{"school"}}
			w.Consents[1].Audience = decide.Audience{Kind: decide.ToAgencies, Names: []string{"clinic"}}
		}), "the consents leave nothing to disclose"},
		"consents that share no purpose": {consenting(func(w *world) {
			w.Consents = append(w.Consents, w.Consents[0])
			w.Consents[0].Purposes, w.Consents[1].Purposes = []string{"support"}, []string{"safeguarding"}
		}), "the consents leave nothing to disclose"},
		"no reason for the public interest": {func(w *world) { w.Reason = "" }, "this ground needs a reason: [referral]"},
		"a reason outside the list":         {func(w *world) { w.Reason = "curiosity" }, "this ground needs a reason: [referral]"},
		"no reason for significant harm": {func(w *world) {
			w.imposed()
			w.Reason = ""
		}, "this ground needs a reason"},
		"no reason for what the law requires": {func(w *world) { w.Ground, w.Reason = decide.RequiredByLaw, "" }, "this ground needs a reason"},
		"consents beside another ground": {consenting(func(w *world) {
			w.Mode, w.Ground, w.Reason = decide.Joint, decide.PublicInterest, "referral"
		}), "leave the consents out"},
		"consents beside what is not confidential": {consenting(func(w *world) {
			w.Mode, w.Ground = decide.Joint, decide.NotConfidential
		}), "leave the consents out"},
	})
}

// LEG-08, LEG-09, LEG-14: one condition of the law profile, and a further one
// where the data is sensitive; a condition that is consent needs one.
func TestStepFourStopsWhatMeetsNoCondition(t *testing.T) {
	t.Parallel()
	stops(t, decide.StepCondition, map[string]stop{
		"no condition":               {func(w *world) { w.Conditions = decide.Conditions{} }, "name a condition of profile law: [task agreed]"},
		"an unknown condition":       {func(w *world) { w.Conditions.Ordinary = "whim" }, "name a condition of profile law: [task agreed]"},
		"a further one in its place": {func(w *world) { w.Conditions.Ordinary = "care" }, "name a condition of profile law"},
		"a condition of another profile": {func(w *world) {
			w.terms.Profile = decide.Profile{ID: "new-law", Ordinary: []decide.ProfileCondition{{Code: "duty"}}}
		}, "name a condition of profile new-law: [duty]"},
		"a condition that is consent, on another ground": {func(w *world) { w.Conditions.Ordinary = "agreed" }, "this condition is consent"},
		"a sensitive column on one condition only": {func(w *world) {
			w.ofTheClinic()
			w.Conditions.Sensitive = ""
		}, "sensitive data needs a further condition of profile law: [care agreed-explicitly]"},
		"an unknown further condition": {func(w *world) {
			w.ofTheClinic()
			w.Conditions.Sensitive = "whim"
		}, "sensitive data needs a further condition of profile law"},
		"an unknown further condition that nothing asked for": {func(w *world) {
			w.Conditions.Sensitive = "task"
		}, "sensitive data needs a further condition of profile law"},
		"a further condition that is consent, on another ground": {func(w *world) {
			w.ofTheClinic()
			w.Conditions.Sensitive = "agreed-explicitly"
		}, "this condition is explicit consent"},
		"a further condition that is explicit consent, on implied consent": {consenting(func(w *world) {
			w.Ground, w.Conditions.Sensitive = decide.ImpliedConsent, "agreed-explicitly"
		}), "this condition is explicit consent"},
	})
}

type stop struct {
	change  func(*world)
	because string
}

// consenting is a change to the proposal that rests on consent.
func consenting(change func(*world)) func(*world) {
	return func(w *world) {
		w.onConsent()
		change(w)
	}
}

// stops checks that each change is stopped at that step and explained, that
// nothing after it is asked, and that a refusal is recorded as what was
// proposed, under the terms it was refused on (LEG-01, LEG-18).
func stops(t *testing.T, step int, rows map[string]stop) {
	t.Helper()
	for name, c := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			c.change(w)
			d := w.hold(noon)
			wantStopped(t, d, step)
			if !strings.Contains(d.Because(), c.because) {
				t.Errorf("because %q, want %q", d.Because(), c.because)
			}
			if d.Agreement != w.Agreement || d.Power != w.Power || d.Ground != w.Ground || d.TermsVersion != 7 || d.Profile != w.terms.Profile.ID {
				t.Errorf("the refusal is recorded as %+v", d)
			}
		})
	}
}

// LEG-01: the steps stand in their order, so that the first of many failures is
// the one that is told.
func TestTheFirstOfManyFailuresIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld()
	failures := []func(){
		func() { w.Conditions = decide.Conditions{} },
		func() { w.Reason = "" },
		func() { w.Necessary = false },
		func() { w.Power = "" },
	}
	for i, fail := range failures {
		fail()
		wantStopped(t, w.hold(noon), len(failures)-i)
	}
}

// LEG-07, IDX-08, A-01: a decision on the ground of consent comes to what all
// its consents cover, and to nothing more.
func TestConsentsNarrowADecisionToWhatAllOfThemCover(t *testing.T) {
	t.Parallel()
	agencies := func(names ...string) decide.Audience {
		return decide.Audience{Kind: decide.ToAgencies, Names: names}
	}
	columns := func(names ...string) decide.Audience {
		return decide.Audience{Kind: decide.ToColumns, Names: names}
	}
	everybody := decide.Audience{Kind: decide.ToPartnership}
	for name, c := range map[string]struct {
		proposed decide.Audience
		consents []decide.Audience
		want     decide.Audience
	}{
		"everybody by everybody":         {everybody, []decide.Audience{everybody}, everybody},
		"everybody by agencies":          {everybody, []decide.Audience{agencies("school")}, agencies("school")},
		"everybody by columns":           {everybody, []decide.Audience{columns("school-roll")}, columns("school-roll")},
		"agencies by everybody":          {agencies("school"), []decide.Audience{everybody}, agencies("school")},
		"agencies by agencies":           {agencies("school", "clinic"), []decide.Audience{agencies("gp", "clinic")}, agencies("clinic")},
		"agencies by columns":            {agencies("school"), []decide.Audience{columns("clinic-list", "school-roll", "nothing")}, columns("school-roll")},
		"columns by agencies":            {columns("clinic-list", "school-roll"), []decide.Audience{agencies("school")}, columns("school-roll")},
		"columns by columns":             {columns("clinic-list", "school-roll"), []decide.Audience{columns("school-roll", "gp-list")}, columns("school-roll")},
		"columns by everybody":           {columns("clinic-list"), []decide.Audience{everybody}, columns("clinic-list")},
		"agencies by agencies, twice":    {agencies("gp", "school", "clinic"), []decide.Audience{agencies("gp", "school"), agencies("school", "clinic")}, agencies("school")},
		"everybody by agencies, columns": {everybody, []decide.Audience{agencies("school", "gp"), columns("school-roll", "clinic-list")}, columns("school-roll")},
		"everybody by columns, agencies": {everybody, []decide.Audience{columns("school-roll", "clinic-list"), agencies("school", "gp")}, columns("school-roll")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.onConsent()
			w.Audience = c.proposed
			one := w.Consents[0]
			w.Consents = nil
			for _, a := range c.consents {
				one.Audience = a
				w.Consents = append(w.Consents, one)
			}
			d := w.hold(noon)
			wantStopped(t, d, 0)
			if d.Audience.Kind != c.want.Kind || !slices.Equal(d.Audience.Names, c.want.Names) {
				t.Errorf("narrowed to %v, want %v", d.Audience, c.want)
			}
		})
	}
}

// LEG-07, PUB-15: purposes, aspects and time are narrowed as the audience is, and the
// proposal itself stays as it was put.
func TestConsentsNarrowPurposesAspectsAndTime(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.onConsent()
	w.Consents = append(w.Consents, w.Consents[0])
	w.Consents[0].Purposes, w.Consents[0].Ends = []string{"safeguarding", "billing"}, day(9)
	w.Consents[1].Aspects, w.Consents[1].Ends = []string{"notes", "health"}, day(8)
	d := w.hold(noon)
	wantStopped(t, d, 0)
	if !slices.Equal(d.Purposes, []string{"safeguarding"}) || !slices.Equal(d.Aspects, []string{"health"}) || !d.Until.Equal(day(8)) {
		t.Errorf("narrowed to purposes %v, aspects %v, until %v", d.Purposes, d.Aspects, d.Until)
	}
	if len(w.Purposes) != 2 || len(w.Aspects) != 2 || !w.Until.Equal(day(30)) {
		t.Errorf("the proposal became %+v", w.Proposal)
	}
}

// IDX-14: no decision outlives the agreement that it is made under.
func TestNoDecisionOutlivesItsAgreement(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ ends, until, want time.Time }{
		"sooner than the proposal": {day(3), day(4), day(3)},
		"with the proposal":        {day(4), day(4), day(4)},
		"later than the proposal":  {day(5), day(4), day(4)},
	} {
		w := newWorld()
		w.agreement("sharing").Ends, w.Until = &c.ends, c.until
		d := w.hold(noon)
		wantStopped(t, d, 0)
		if !d.Until.Equal(c.want) {
			t.Errorf("an agreement that ends %s: until %v, want %v", name, d.Until, c.want)
		}
	}
}

// LEG-01, LEG-18: the record keeps every answer, in words that other programs
// read.
func TestTheRecordKeepsEveryAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.Necessary = false
	text, err := json.Marshal(w.hold(noon).Steps)
	if err != nil {
		t.Fatal(err)
	}
	const want = `[{"step":1,"answer":"passed"},` +
		`{"step":2,"answer":"failed","because":"disproportionate: something less would do"},` +
		`{"step":3,"answer":"not-asked"},{"step":4,"answer":"not-asked"}]`
	if string(text) != want {
		t.Errorf("recorded %s, want %s", text, want)
	}
}
