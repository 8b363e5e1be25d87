package decide_test

import (
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
)

// IDX-07, LEG-26: what is found is what is there at that instant; what was ever
// declared keeps its name.
func TestWhatIsFoundIsWhatIsThereAtThatInstant(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.agencyOf("charity").Starts, w.agencyOf("charity").Ends = on(day(1)), on(day(2))
	w.agreement("sharing").Starts, w.agreement("sharing").Ends = on(day(1)), on(day(2))
	w.columnOf("old-roll").Closes = on(day(2))
	terms := w.terms.Index()
	for name, c := range map[string]struct {
		found func(at time.Time) bool
		since bool // whether it has a start
	}{
		"an agency":            {func(at time.Time) bool { return terms.FindAgency("charity", at) != nil }, true},
		"an agency's column":   {func(at time.Time) bool { return terms.FindColumn("charity-list", at) != nil }, true},
		"an agreement":         {func(at time.Time) bool { return terms.FindAgreement("sharing", at) != nil }, true},
		"a column that closes": {func(at time.Time) bool { return terms.FindColumn("old-roll", at) != nil }, false},
	} {
		if c.found(justBefore(day(1))) == c.since || !c.found(day(1)) || !c.found(justBefore(day(2))) || c.found(day(2)) {
			t.Errorf("%s is not found from its start up to its end", name)
		}
	}
	if terms.FindAgency("nobody", noon) != nil || terms.FindColumn("nothing", noon) != nil || terms.FindAgreement("nothing", noon) != nil {
		t.Error("something unknown is found")
	}
	if terms.Agreement("sharing") == nil || !terms.HasAgreement("sharing") || terms.Agreement("nothing") != nil || terms.HasAgreement("nothing") {
		t.Error("an agreement out of force is not known by its code")
	}
	if !terms.HasPower("repealed-act") || terms.HasPower("nothing") {
		t.Error("a power out of force is not known by its code")
	}
	if terms.AgencyName("charity") != "The Charity" || terms.AgencyName("nobody") != "nobody" {
		t.Error("an agency is not called by its name")
	}
	if p := terms.ProviderOf(terms.FindColumn("nora-list", noon)); p == nil || p.ID != "nora" {
		t.Errorf("the head of Nora's column is %v", p)
	}
}

// nothing outside the closed lists passes for a code.
func TestOnlyWhatTheListHoldsIsACode(t *testing.T) {
	t.Parallel()
	list := []decide.Code{{Code: "support", Title: "Support at home"}, {Code: "untitled"}}
	if !decide.Has(list, "support") || decide.Has(list, "Support") || decide.Has(list, "") || decide.Has(nil, "support") {
		t.Error("Has")
	}
	if !decide.HasAll(list, []string{"untitled", "support"}) || decide.HasAll(list, []string{"support", "billing"}) || !decide.HasAll(list, nil) {
		t.Error("HasAll")
	}
	for code, want := range map[string]string{"support": "Support at home", "untitled": "untitled", "billing": "billing"} {
		if got := decide.TitleOf(list, code); got != want {
			t.Errorf("%s is called %q, want %q", code, got, want)
		}
	}
	c := decide.Column{Contacts: []decide.ContactRoute{{Code: "desk"}, {Code: "mail", Value: "desk@gp.example"}}}
	if r := c.Route("mail"); r == nil || r.Value != "desk@gp.example" || c.Route("page") != nil {
		t.Error("Route")
	}
}

// an audience names members and columns of the partnership only.
func TestAnAudienceNamesMembersAndColumnsOnly(t *testing.T) {
	t.Parallel()
	terms := newWorld().terms.Index()
	for _, c := range []struct {
		kind  decide.AudienceKind
		names []string
		want  bool
	}{
		{decide.ToPartnership, nil, true},
		{decide.ToAgencies, []string{"gp", "charity"}, true},
		{decide.ToAgencies, []string{"gp", "gp-list"}, false},
		{decide.ToColumns, []string{"gp-list", "old-roll"}, true},
		{decide.ToColumns, []string{"gp-list", "gp"}, false},
	} {
		if terms.HasAudience(decide.Audience{Kind: c.kind, Names: c.names}) != c.want {
			t.Errorf("%s %v: want %v", c.kind, c.names, c.want)
		}
	}
}

// REG-13, LEG-18: the register says for whom an actor acts and as what.
func TestAnActorActsAsTheRegisterHasThem(t *testing.T) {
	t.Parallel()
	a := decide.Actor{Roles: []string{"doctor", "lead"}, Providers: []ident.Provider{"gp-desk"}}
	if !a.MemberOf(&decide.Column{Provider: "gp-desk"}) || a.MemberOf(&decide.Column{Provider: "school-office"}) {
		t.Error("MemberOf")
	}
	if role, ok := a.RoleAmong([]string{"lead", "doctor"}); !ok || role != "doctor" {
		t.Errorf("the first role held among those asked for is %q, %v", role, ok)
	}
	if role, ok := a.RoleAmong([]string{"teacher"}); ok {
		t.Errorf("holds the role %q, which nobody gave", role)
	}
	if a.AnyRole() != "doctor" || (decide.Actor{}).AnyRole() != "none" {
		t.Error("AnyRole")
	}
}

// A column that is closed is still found by whoever asks for it as it was.
func TestAColumnIsFoundWhetherOpenOrNot(t *testing.T) {
	t.Parallel()
	terms := newWorld().terms.Index()
	if c := terms.Column("old-roll"); c == nil || c.ID != "old-roll" || terms.FindColumn("old-roll", noon) != nil {
		t.Errorf("a closed column is found as %+v", c)
	}
	if terms.Column("nothing") != nil {
		t.Error("a column that is not there is found")
	}
}

// LEG-14: a condition of step 4 is the person's consent in either kind.
func TestAConditionIsConsentInEitherKind(t *testing.T) {
	t.Parallel()
	for p, want := range map[decide.ProfileCondition]bool{
		{}: false, {NeedsConsent: true}: true, {NeedsExplicit: true}: true, {NeedsConsent: true, NeedsExplicit: true}: true,
	} {
		if p.OnConsent() != want {
			t.Errorf("%+v: want %v", p, want)
		}
	}
}
