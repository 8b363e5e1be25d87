package decide_test

import (
	"slices"
	"testing"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
)

// QRY-11, LEG-03, A-14: a contact request of the school reaches the surgery
// whatever the surgery decided, save where no agreement or a bar stands between
// them, or where it would tell what a sensitive column keeps.
func TestAContactRequestReachesAHolderWhateverItDecided(t *testing.T) {
	t.Parallel()
	sensitive := func(w *world) { w.columnOf("school-roll").Sensitive = true }
	of := func(change func(*decide.Standing)) func(*world) {
		return func(w *world) {
			sensitive(w)
			w.standing.Column, w.standing.Ground = "school-roll", decide.SignificantHarm
			w.standing.Audience.Names = []string{"gp"}
			change(&w.standing)
		}
	}
	for name, c := range map[string]struct {
		change func(*world)
		want   bool
	}{
		"a holder that discloses":           {func(*world) {}, true},
		"a holder that discloses to others": {func(w *world) { w.standing.Audience.Names = []string{"clinic"} }, true},
		"a sensitive holder":                {func(w *world) { w.columnOf("gp-list").Sensitive = true }, true},
		"no party": {func(w *world) {
			w.agreement("sharing").Parties = without(w.agreement("sharing").Parties, "gp")
		}, false},
		"an asker that may not ask": {func(w *world) { w.asker.Roles = nil }, false},
		"parties to one that the asker may not ask under": {func(w *world) {
			other := *w.agreement("sharing")
			other.Code, other.Roles.Enquire = "other", []string{"nobody"}
			w.agreement("sharing").Parties = without(other.Parties, "gp")
			w.terms.Agreements = append(w.terms.Agreements, other)
		}, false},
		"a bar on the holder's telling": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"health"}, ToKinds: []string{"education"}})
		}, false},
		"a bar on the asker's telling": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"education"}, ToKinds: []string{"health"}})
		}, false},
		"a bar for another purpose": {func(w *world) {
			w.bar(decide.Bar{FromKinds: []string{"education"}, Purposes: []string{"billing"}})
		}, true},
		"a bar that is over":                       {func(w *world) { w.bar(decide.Bar{FromKinds: []string{"education"}, Ends: on(noon)}) }, true},
		"a sensitive asker that publishes nothing": {sensitive, false},
		"a sensitive asker that tells the holder":  {of(func(*decide.Standing) {}), true},
		"a sensitive asker that tells the holder's list": {of(func(s *decide.Standing) {
			s.Audience = decide.Audience{Kind: decide.ToColumns, Names: []string{"gp-list"}}
		}), true},
		"a sensitive asker that tells others":      {of(func(s *decide.Standing) { s.Audience.Names = []string{"police"} }), false},
		"a sensitive asker whose decision is over": {of(func(s *decide.Standing) { s.Until = noon }), false},
		"a sensitive asker whose consent is gone":  {of(func(s *decide.Standing) { s.Consented = false }), false},
		"a sensitive asker for another purpose":    {of(func(s *decide.Standing) { s.Purposes = []string{"safeguarding"} }), false},
		"a sensitive asker that tells the partnership, to a party of another agreement": {func(w *world) {
			other := *w.agreement("sharing")
			other.Code = "other"
			w.agreement("sharing").Parties = []ident.Agency{"school", "police"}
			w.terms.Agreements = append(w.terms.Agreements, other)
			of(func(s *decide.Standing) { s.Audience = decide.Audience{Kind: decide.ToPartnership} })(w)
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			c.change(w)
			asking := w.ask(noon)
			var own *decide.Standing
			if w.standing.Column == "school-roll" {
				own = &w.standing
			}
			if got := w.terms.Reaches(w.columnOf("gp-list"), &asking, own, noon); got != c.want {
				t.Errorf("reached: %v, want %v (agreements %v)", got, c.want, slices.Clone(asking.Agreements))
			}
		})
	}
}
