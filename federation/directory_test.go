package federation_test

import (
	"context"
	"regexp"
	"slices"
	"testing"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/registers"
)

// on is the hub on other terms.
func (b *bundle) on(edit func(*decide.Terms)) *federation.Service {
	b.t.Helper()
	terms := registrarTerms()
	edit(terms)
	c := b.config(b.keys)
	c.Terms = func(context.Context) (*decide.Terms, error) { return terms, nil }
	s, err := federation.New(b.t.Context(), c)
	b.must(err)
	return s
}

func ranked(t *decide.Terms) {
	t.Registrars[0].Reach, t.Registrars[0].Areas = decide.National, nil
	t.Registrars[1].Reach, t.Registrars[1].Areas = decide.SubRegional, []string{"north"}
	r := decide.Responsible{Ownership: "gp", Design: "gp", Operation: "gp", Capacity: "gp", Performance: "gp"}
	t.Services = []decide.SharedService{{Code: "desk", Title: "A desk", Function: "Answers", Published: true, Responsible: r}, {Code: "own", Title: "Another", Function: "Answers", Responsible: r}}
}

// FED-24: a registrar is found by the area that it names and by its level, the nearest first; one of
// national reach is found for every area, and one that does not say for none.
func TestRegistrarsAreFoundByAreaAndLevel(t *testing.T) {
	b := setup(t)
	b.admit("town")
	b.admit("mill")
	s := b.on(ranked)
	town, mill := registers.Name(here, "registrars", "town"), registers.Name(here, "registrars", "mill")
	for _, c := range []struct {
		want federation.Sought
		all  []string
	}{
		{federation.Sought{}, []string{registers.Name(here, "services", "desk"), mill, town}},
		{federation.Sought{Kind: "registrar"}, []string{mill, town}},
		{federation.Sought{Area: "north"}, []string{mill, town}},
		{federation.Sought{Area: "south"}, []string{town}},
		{federation.Sought{Area: "north", Reach: "sub-regional"}, []string{mill}},
		{federation.Sought{Reach: "regional"}, nil},
		{federation.Sought{Kind: "service", Area: "north"}, nil},
	} {
		found, complete, err := s.Directory(t.Context(), c.want)
		b.must(err)
		var got []string
		for _, e := range found {
			got = append(got, e.Address)
		}
		if !complete || !slices.Equal(got, c.all) {
			t.Errorf("%+v finds %q, want %q", c.want, got, c.all)
		}
	}
	if found, _, err := b.Directory(t.Context(), federation.Sought{Area: "north"}); err != nil || len(found) != 0 {
		t.Errorf("who does not say where it registers people is found: %v %v", found, err)
	}
}

// FED-04: an address among hubs is a hub's, a kind of thing and a code. Neither another name nor
// another level, area or place in a list changes it, and none of those is in it; hubs of hubs have
// addresses like all.
func TestAnAddressSaysNothingOfRankAndOutlivesItsName(t *testing.T) {
	b := setup(t)
	b.admit("town")
	b.admit("mill")
	addresses := func(s *federation.Service) (all []string) {
		text, err := s.Registrars(t.Context(), "")
		b.must(err)
		r, err := registers.Open([]string{text}, here, b.own(), b.now())
		b.must(err)
		for _, e := range r.Entries {
			all = append(all, e.Space)
		}
		return append(all, slices.Concat(r.Services, r.ColumnKinds, r.Transactions)...)
	}
	before := addresses(b.on(ranked))
	after := addresses(b.on(func(t *decide.Terms) {
		ranked(t)
		t.Partnership.Name, t.Partnership.Areas = "Another name", []string{"elsewhere"}
		slices.Reverse(t.Registrars)
		slices.Reverse(t.Services)
		for i := range t.Registrars {
			t.Registrars[i].Title, t.Registrars[i].Reach, t.Registrars[i].Areas = "Another name", decide.Regional, []string{"elsewhere"}
		}
		for i := range t.Services {
			t.Services[i].Title = "Another name"
		}
	}))
	if !slices.Equal(before, after) {
		t.Errorf("renamed, %q are %q", before, after)
	}
	form := regexp.MustCompile(`^` + regexp.QuoteMeta(here) + `/names/[a-z]+/[a-z-]+$`)
	for _, a := range before {
		if !form.MatchString(a) || regexp.MustCompile(`regional|national|north|[0-9]`).MatchString(a) {
			t.Errorf("%s says more than whose it is, what and which", a)
		}
	}
}
