package governance

import (
	"context"
	_ "embed"
	"slices"
	"strings"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// dataMap says of each table of the database what it holds and who controls that.
//
//go:embed data-map.tsv
var dataMap string

// Category is a kind of data that the hub stores, and who answers for it as
// controller (DCP-06).
type Category struct {
	Duty  string // the schema that it stands in
	Code  string
	About string // person, practitioner or nobody
	Holds string // in words
	// Controllers are the members that answer for it, or who answers for the hub.
	// A category that nobody could answer for is stored nowhere, and is left out.
	Controllers []string
}

// DataMap is what a hub says of itself to people.
type DataMap struct {
	Categories []Category
	// Managers are the identity managers, each with the name of the member that answers
	// for it (IDM-18).
	Managers []ListedIdmgr
}

// ListedIdmgr is an identity manager, as those whom it is about may turn to it.
type ListedIdmgr struct {
	decide.Idmgr
	AgencyName string
}

// DataMap lists what the hub stores and who answers for it, to anybody: whoever
// the data is about need not be known here to find whom to ask.
func (s *Service) DataMap(ctx context.Context) (all DataMap, err error) {
	defer fault.Wrap(&err, "governance.DataMap")
	t, err := s.termsIn(ctx, s.db)
	if err != nil {
		return DataMap{}, err
	}
	for _, m := range t.Managers {
		all.Managers = append(all.Managers, ListedIdmgr{m, t.AgencyName(m.Agency)})
	}
	for line := range strings.Lines(dataMap) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSpace(line), "\t") // as internal/archtest holds it to be
		c := Category{Duty: f[0], Code: f[1], About: f[2], Holds: f[5], Controllers: s.controllers(t, f[3])}
		if len(c.Controllers) > 0 {
			all.Categories = append(all.Categories, c)
		}
	}
	return all, nil
}

func (s *Service) controllers(t *decide.Terms, of string) (names []string) {
	var agencies []ident.Agency
	switch of {
	case "column":
		for _, c := range t.Columns {
			agencies = append(agencies, c.Agency)
		}
	case "actor":
		for _, a := range t.Agencies {
			agencies = append(agencies, a.ID)
		}
	case "register":
		for _, r := range t.Registrars {
			agencies = append(agencies, r.Agency)
		}
	case "manager":
		for _, m := range t.Managers {
			agencies = append(agencies, m.Agency)
		}
	case "hub":
		for _, d := range s.services {
			if d.Duty == "governance" {
				names = append(names, d.Responsible)
			}
		}
	}
	for _, a := range t.Agencies {
		if slices.Contains(agencies, a.ID) {
			names = append(names, a.Name)
		}
	}
	return names
}
