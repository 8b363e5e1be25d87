package decide

import (
	"slices"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// Another hub asks along an axle, and is told what this hub's own decisions name it
// for (FED-31). Who its agencies are this partnership does not know: a bar on any kind
// of recipient is a bar on a hub.

// FromPeer is what another hub asks, as far as a decision may depend on it.
type FromPeer struct {
	Hub       string
	Role      string // in which its practitioner asks, of the codes that the two hubs share
	Purpose   string
	Reason    string
	Emergency bool
	Private   bool // a look-up that names nobody
	Agreed    Agreed
}

// Agreed is what the governance officers of two hubs have agreed: what is outside it does
// not cross, whatever a partnership's own agreements say.
type Agreed struct{ Purposes, Roles []string }

// AskedBy takes another hub's question through the steps that depend on the agreements
// with it alone: one in force that names the hub, the role and the purpose. What a
// holder decided under another agreement does not reach this asker. The asker's own
// power is its own hub's to judge.
func (t *Terms) AskedBy(q FromPeer, at time.Time) Asking {
	asking := Asking{Column: &Column{}, Peer: q.Hub, Purpose: q.Purpose, Reason: q.Reason, Emergency: q.Emergency}
	d := Decision{Purposes: []string{q.Purpose}, Role: q.Role, TermsVersion: t.Version, Profile: t.Profile.ID}
	because := "no agreement with this hub is in force"
	if !slices.Contains(q.Agreed.Purposes, q.Purpose) || !slices.Contains(q.Agreed.Roles, q.Role) {
		because = "what the hubs have agreed does not cover that purpose and role"
		q.Hub = ""
	}
	for i := range t.Agreements {
		a := &t.Agreements[i]
		if !slices.Contains(a.Peers, q.Hub) || !within(at, a.Starts, a.Ends) {
			continue
		}
		roles := a.Roles.Enquire
		if q.Emergency {
			roles = a.Roles.Emergency
		}
		switch {
		case !slices.Contains(roles, q.Role):
			because = "no agreement with this hub lets that role ask so"
		case !slices.Contains(a.Purposes, q.Purpose):
			because = "no agreement with this hub covers that purpose"
		case a.LookUp == LookUpOnly && !q.Private:
			because = "the agreement with this hub has each other asked by private look-ups alone"
		default:
			asking.Agreements = append(asking.Agreements, a.Code)
		}
	}
	if len(asking.Agreements) > 0 {
		because, d.Agreement = "", asking.Agreements[0]
	}
	proportionate := func() string {
		if !Has(t.Codes.Reasons, q.Reason) {
			return "the reason is none that the hubs share"
		}
		return ""
	}
	passed := func() string { return "" }
	d.walk([4]func() string{func() string { return because }, proportionate, passed, passed})
	asking.Decision = d
	return asking
}

// PeersOf are the hubs that an asker may ask along axles, each once, in order.
func (t *Terms) PeersOf(asking *Asking) (hubs []string) {
	for _, code := range asking.Agreements {
		hubs = append(hubs, t.agreements[code].Peers...)
	}
	slices.Sort(hubs)
	return slices.Compact(hubs)
}

// LookUpAt says how the asker has the hub asked: of several agreements the strictest.
func (t *Terms) LookUpAt(asking *Asking, hub string) (how LookUp) {
	for _, code := range asking.Agreements {
		if a := t.agreements[code]; slices.Contains(a.Peers, hub) && (how == "" || a.LookUp == LookUpOnly) {
			how = a.LookUp
		}
	}
	return how
}

// ColumnsOf are the columns, open at that instant, whose identifiers are of the shared
// scheme.
func (t *Terms) ColumnsOf(scheme string, at time.Time) (columns []*Column) {
	for i := range t.Columns {
		if c := &t.Columns[i]; scheme != "" && c.Scheme == scheme && t.FindColumn(c.ID, at) != nil {
			columns = append(columns, c)
		}
	}
	return columns
}

// tells reports whether the audience takes in the asker.
func (a Audience) tells(to *Asking) bool {
	if to.Peer != "" {
		return a.Kind == ToPeers && slices.Contains(a.Names, to.Peer)
	}
	return a.includes(to.Column.ID, to.Column.Agency)
}

// barred returns the first bar in force on telling the asker.
func (t *Terms) barred(from ident.Agency, to *Asking, at time.Time) *Bar {
	if to.Peer != "" {
		return t.barToPeers(from, to.Purpose, at)
	}
	return t.bar(from, to.Column.Agency, to.Purpose, at)
}

// barToPeers returns the first bar in force on disclosure from the agency to anybody
// whose kind a bar may name.
func (t *Terms) barToPeers(from ident.Agency, purpose string, at time.Time) *Bar {
	for i := range t.Bars {
		b := &t.Bars[i]
		if within(at, b.Starts, b.Ends) && t.kindAmong(b.FromKinds, from) && (len(b.Purposes) == 0 || slices.Contains(b.Purposes, purpose)) {
			return b
		}
	}
	return nil
}

// peersAllowed checks that every hub named is one of the agreement's, and that no bar
// stands in the way.
func (t *Terms) peersAllowed(a *Agreement, p *Proposal, at time.Time) string {
	if !subset(p.Audience.Names, a.Peers) {
		return "stay within the hubs that the agreement names, or tell the partnership alone"
	}
	for _, purpose := range p.Purposes {
		if bar := t.barToPeers(p.Column.Agency, purpose, at); bar != nil {
			return "a statutory bar forbids telling other hubs: " + bar.Code
		}
	}
	return ""
}
