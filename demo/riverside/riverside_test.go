package riverside_test

import (
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/ident"
)

var at = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func load(t *testing.T) (partnership.Document, *decide.Terms) {
	t.Helper()
	js, _, err := partnership.FromYAML(riverside.Partnership())
	if err != nil {
		t.Fatal(err)
	}
	doc, err := partnership.Parse(js, at)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	return doc, doc.Terms(1)
}

func people(t *testing.T) []riverside.Person {
	t.Helper()
	list, err := riverside.People()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAllFiveKindsOfProviderHeadAColumn(t *testing.T) {
	_, terms := load(t)
	seen := map[decide.ProviderKind]bool{}
	for i := range terms.Columns {
		seen[terms.ProviderOf(&terms.Columns[i]).Kind] = true
	}
	for _, kind := range []decide.ProviderKind{decide.NamedPerson, decide.Role, decide.Team, decide.Unit, decide.WholeAgency} {
		if !seen[kind] {
			t.Errorf("no column is headed by a provider of kind %s", kind)
		}
	}
}

// An identifier fits its own column and no other, so that a story that mixes
// columns up fails at once.
func TestIdentifiersFitTheirColumnAlone(t *testing.T) {
	_, terms := load(t)
	used := map[string]string{}
	for _, p := range people(t) {
		if len(p.Identifiers) == 0 {
			t.Errorf("%s: known to nobody", p.Name)
		}
		for column, id := range p.Identifiers {
			if terms.FindColumn(column, at) == nil {
				t.Errorf("%s: no open column %s", p.Name, column)
			}
			for _, c := range terms.Columns {
				fits := regexp.MustCompile(`\A(?:` + c.Pattern + `)\z`).MatchString(id)
				if fits != (c.ID == column) {
					t.Errorf("%s: identifier of %s fits the pattern of %s: %v", p.Name, column, c.ID, fits)
				}
			}
			if other, twice := used[id]; twice {
				t.Errorf("%s and %s share an identifier", p.Name, other)
			}
			used[id] = p.Name
		}
	}
}

// member returns a practitioner who acts for the column now in one of the roles.
func member(doc partnership.Document, c *decide.Column, roles []string) *decide.Actor {
	for _, p := range doc.Practitioners {
		a := decide.Actor{Practitioner: p.ID, Agency: p.Agency, Roles: p.Roles, Providers: p.Providers}
		if _, ok := a.RoleAmong(roles); ok && a.MemberOf(c) && (p.Ends == nil || at.Before(*p.Ends)) {
			return &a
		}
	}
	return nil
}

func TestPublicationsCanBeMade(t *testing.T) {
	doc, terms := load(t)
	for _, p := range people(t) {
		for _, pub := range p.Publishes {
			c := terms.FindColumn(pub.Column, at)
			if c == nil || p.Identifiers[pub.Column] == "" {
				t.Errorf("%s: publishes in %s, which does not know them", p.Name, pub.Column)
				continue
			}
			if member(doc, c, []string{pub.Role}) == nil {
				t.Errorf("%s: nobody acts for %s as %s", p.Name, pub.Column, pub.Role)
			}
			for _, o := range pub.Offers {
				if !slices.Contains([]string{"will-co-ordinate", "will-make-available", "wants-to-be-informed"}, o.Kind) || c.Route(o.Contact) == nil {
					t.Errorf("%s: an offer of %s is of no kind or has no contact", p.Name, pub.Column)
				}
				for _, code := range o.Transactions {
					if !decide.Has(terms.Codes.Transactions, code) {
						t.Errorf("%s: no transaction %s", p.Name, code)
					}
				}
			}
		}
		for _, agency := range p.Excludes {
			if terms.FindAgency(agency, at) == nil {
				t.Errorf("%s: excludes no member", p.Name)
			}
		}
	}
}

func TestCorrelationsCanBeMade(t *testing.T) {
	doc, terms := load(t)
	for _, p := range people(t) {
		for _, pair := range p.Correlates {
			a, b := terms.FindColumn(pair[0], at), terms.FindColumn(pair[1], at)
			if a == nil || b == nil || p.Identifiers[a.ID] == "" || p.Identifiers[b.ID] == "" {
				t.Errorf("%s: correlates columns that do not know them", p.Name)
				continue
			}
			if !slices.ContainsFunc(terms.Agreements, func(g decide.Agreement) bool {
				return slices.Contains(g.Parties, a.Agency) && slices.Contains(g.Parties, b.Agency) && member(doc, a, g.Roles.Correlate) != nil
			}) {
				t.Errorf("%s: no agreement lets anybody of %s correlate with %s", p.Name, a.ID, b.ID)
			}
		}
	}
}

// Every column can publish with consent and without, correlate where it has a
// relationship manager, and ask: stories need no special cases. The exception is
// a named person without the higher role, who imposes nothing.
func TestEveryColumnCanDecideAndAsk(t *testing.T) {
	doc, terms := load(t)
	for i := range terms.Columns {
		c := &terms.Columns[i]
		for _, ground := range []decide.Ground{decide.ExplicitConsent, decide.SignificantHarm} {
			alone := terms.ProviderOf(c).Kind == decide.NamedPerson && !ground.OnConsent()
			if canPublish(doc, terms, c, ground) == alone {
				t.Errorf("%s on the ground %s: can publish is %v", c.ID, ground, alone)
			}
		}
		asked := false
		for _, p := range terms.Codes.Purposes {
			for _, g := range terms.Agreements {
				if actor := member(doc, c, g.Roles.Enquire); actor != nil {
					q := decide.Question{Column: c, Purpose: p.Code, Reason: "working-with-person"}
					answer := terms.Ask(*actor, q, at)
					asked = asked || answer.StoppedAt() == 0
				}
			}
		}
		if !asked {
			t.Errorf("%s cannot ask for any purpose", c.ID)
		}
	}
}

func canPublish(doc partnership.Document, terms *decide.Terms, c *decide.Column, ground decide.Ground) bool {
	for _, g := range terms.Agreements {
		for _, power := range g.Powers {
			for _, purpose := range g.Purposes {
				p := decide.Proposal{
					Deed: decide.Publishing, Column: c, Agreement: g.Code, Power: power, Ground: ground,
					Purposes: []string{purpose}, Aspects: g.Aspects[:1], Audience: decide.Audience{Kind: decide.ToPartnership},
					Necessary: true, Safeguards: true, Aim: "protect-rights", Reason: "risk-of-harm",
					Conditions: decide.Conditions{Ordinary: "art6-public-task", Sensitive: "sch1-safeguarding-at-risk"},
					Until:      at.AddDate(1, 0, 0), Mode: decide.Imposed,
				}
				roles := g.Roles.Impose
				if ground.OnConsent() {
					p.Mode, roles = decide.WithConsent, g.Roles.Publish
					p.Consents = []decide.Consent{{
						ID: ident.NewConsent(), Mine: true, Explicit: true, Audience: p.Audience, Purposes: p.Purposes,
						Aspects: p.Aspects, Starts: at, Ends: at.AddDate(1, 0, 0),
					}}
				}
				if actor := member(doc, c, roles); actor != nil {
					if d := terms.Hold(*actor, p, at); d.StoppedAt() == 0 {
						return true
					}
				}
			}
		}
	}
	return false
}

func TestTheStoriesAreThere(t *testing.T) {
	known := map[string]riverside.Person{}
	for _, p := range people(t) {
		known[p.Name] = p
	}
	if amina := known["Amina Brook"].Identifiers; amina["gp-riverside"] != "GP-00042" || amina["social-care"] != "LMN-00042" || len(amina) != 4 {
		t.Error("the child of the first stories is not as the stories have her")
	}
	if chloe := known["Chloe Marsh"]; len(chloe.Identifiers) != 2 || len(chloe.Correlates) != 0 {
		t.Error("the girl known to clinic and school must not be correlated")
	}
	if yusuf := known["Yusuf"].Identifiers; len(yusuf) != 2 || yusuf["shelter"] == "" || yusuf["clinic-bridge"] == "" {
		t.Error("Yusuf is known to the shelter and the clinic alone")
	}
	if n := len(known); n < 28 || n > 35 {
		t.Errorf("%d people, about thirty wanted", n)
	}
}

// The copy that a caller gets is their own.
func TestPartnershipIsACopy(t *testing.T) {
	clear(riverside.Partnership())
	load(t)
}
