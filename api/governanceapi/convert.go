package governanceapi

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/governance"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

func inForce(in governance.InForce) (*governanceoas.PartnershipInForce, error) {
	text, err := json.Marshal(in.Document)
	if err != nil {
		return nil, fmt.Errorf("governanceapi: %w", err)
	}
	out := &governanceoas.PartnershipInForce{Version: in.Version}
	return out, out.Document.UnmarshalJSON(text)
}

func changeOf(c governance.Change) *governanceoas.PartnershipChange {
	out := &governanceoas.PartnershipChange{
		Applied: c.Applied, Version: c.Version, Changes: changesOf(c.Changes),
	}
	if c.Applied {
		out.Act.SetTo(governanceoas.ID(c.Act.String()))
		out.Commitment.SetTo(commitment(c.Commitment))
	}
	return out
}

func changesOf(all []partnership.Change) []governanceoas.TermChange {
	out := make([]governanceoas.TermChange, len(all))
	for i, ch := range all {
		out[i] = governanceoas.TermChange{Change: governanceoas.TermChangeChange(ch.Change), Pointer: ch.Pointer, From: text(ch.From), To: text(ch.To)}
	}
	return out
}

func servicesOf(list []governance.ServiceDescription, shared []governance.SharedService) *governanceoas.Services {
	out := &governanceoas.Services{Services: make([]governanceoas.ServicesServicesItem, len(list)), Shared: make([]governanceoas.SharedService, len(shared))}
	for i, s := range shared {
		out.Shared[i] = governanceoas.SharedService{
			Service: governanceoas.Code(s.Code), Title: s.Title, Function: s.Function, Published: s.Published, Responsible: governanceoas.Responsible(s.Responsible),
		}
	}
	for i, s := range list {
		out.Services[i] = governanceoas.ServicesServicesItem(s)
	}
	return out
}

func dataMapOf(m governance.DataMap) *governanceoas.DataMap {
	out := &governanceoas.DataMap{
		Categories: make([]governanceoas.DataMapCategoriesItem, len(m.Categories)), Managers: make([]governanceoas.DataMapManagersItem, len(m.Managers)),
	}
	for i, m := range m.Managers {
		out.Managers[i] = governanceoas.DataMapManagersItem{
			Manager: governanceoas.Code(m.Code), Title: m.Title, AgencyName: m.AgencyName, Purpose: m.Purpose, Appeal: m.Appeal,
		}
	}
	for i, c := range m.Categories {
		out.Categories[i] = governanceoas.DataMapCategoriesItem{
			Duty: c.Duty, Category: c.Code, About: governanceoas.DataMapCategoriesItemAbout(c.About), Holds: c.Holds, Controllers: c.Controllers,
		}
	}
	return out
}

func userOf(u governance.User) *governanceoas.User {
	out := &governanceoas.User{
		Practitioner: governanceoas.Code(u.Practitioner), Agency: governanceoas.Code(u.Agency),
		Roles: codes(u.Roles), Providers: codes(u.Providers), From: u.From,
	}
	if u.Until != nil {
		out.Until.SetTo(*u.Until)
	}
	if u.Commitment != nil {
		out.Commitment.SetTo(hex.EncodeToString(u.Commitment))
	}
	if u.Source != "" {
		out.Source.SetTo(governanceoas.UserSource(u.Source))
	}
	return out
}

func usersOf(list []governance.User) *governanceoas.Users {
	out := &governanceoas.Users{Users: make([]governanceoas.User, len(list))}
	for i, u := range list {
		out.Users[i] = *userOf(u)
	}
	return out
}

func registrationOf(r *governanceoas.PractitionerRequest) governance.Registration {
	out := governance.Registration{
		Practitioner: ident.Practitioner(r.Practitioner), Issuer: string(r.Issuer), Subject: r.Subject,
		Roles: make([]string, len(r.Roles)), Providers: make([]ident.Provider, len(r.Providers)),
		From: instant(r.From), Until: instant(r.Until),
	}
	for i, c := range r.Roles {
		out.Roles[i] = string(c)
	}
	for i, c := range r.Providers {
		out.Providers[i] = ident.Provider(c)
	}
	return out
}

func pageOf(p governance.ActPage) *governanceoas.GovernanceActPage {
	out := &governanceoas.GovernanceActPage{Acts: make([]governanceoas.GovernanceActPageActsItem, len(p.Acts))}
	for i, a := range p.Acts {
		out.Acts[i] = governanceoas.GovernanceActPageActsItem{
			Act: governanceoas.ID(a.ID.String()), Kind: governanceoas.GovernanceActPageActsItemKind(a.Kind), At: a.At,
			Practitioner: governanceoas.Code(a.Practitioner), Agency: governanceoas.Code(a.Agency),
			Role: governanceoas.Code(a.Role), Version: governanceoas.NewOptInt64(a.Version), Commitment: commitment(a.Commitment),
			Changes: changesOf(a.Changes),
		}
	}
	if !p.Next.IsZero() {
		out.Next.SetTo(governanceoas.Cursor(p.Next.String()))
	}
	return out
}

// cursorOf reads a cursor, whose form openapi.yaml says less strictly.
func cursorOf(c governanceoas.OptCursor) (ident.ActID, error) {
	var id ident.ActID
	if !c.IsSet() {
		return id, nil
	}
	if err := id.UnmarshalText([]byte(c.Value)); err != nil {
		return id, fault.New(fault.Malformed, "give the next of the page before as cursor, or no cursor for the first page").Because(err)
	}
	return id, nil
}

func commitment(b []byte) governanceoas.Commitment {
	return governanceoas.Commitment(hex.EncodeToString(b))
}

func codes[S ~string](list []S) []governanceoas.Code {
	out := make([]governanceoas.Code, len(list))
	for i, c := range list {
		out[i] = governanceoas.Code(c)
	}
	return out
}

func text(s string) (out governanceoas.OptString) {
	if s != "" {
		out.SetTo(s)
	}
	return out
}

func instant(t governanceoas.OptDateTime) *time.Time {
	if !t.IsSet() {
		return nil
	}
	return &t.Value
}
