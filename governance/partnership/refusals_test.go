package partnership_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
)

// Each case spoils one place of a good document and expects the refusal there. Among them
// a column of an agency, or of a provider, that is not registered (REG-16, COL-01): with
// both registered it is the good one.
func TestRefusals(t *testing.T) {
	entry := func(code string) map[string]any { return map[string]any{"code": code, "title": "Words"} }
	cases := []struct {
		name  string
		set   string // where to write
		value any    // what; nil removes the field
		want  string // pointer of the refusal; empty: the same as set
		say   string // what the detail must hold
	}{
		// Structure.
		{name: "a required section is missing", set: "/agencies", want: "/agencies", say: "add this field"},
		{name: "a required field is missing", set: "/columns/0/pattern", say: "add this field: a regular expression"},
		{name: "a field that is not known", set: "/columns/0/colour", value: "vermilion", say: "leave this field out"},
		{name: "a key that could be anything", set: "/columns/0/Mary Smith", value: "vermilion", want: "/columns/0", say: "leave this field out"},
		{name: "a number under such a key", set: "/columns/0/Mary Smith", value: 1.5, want: "/columns/0", say: "a whole number"},
		{name: "version is not the document's", set: "/version", value: 3, say: "leave this field out"},
		{name: "profile is named, not given", set: "/profile", value: entry("own-law"), say: "leave this field out"},
		{name: "a code with capitals", set: "/agencies/0/id", value: "Riverside_GP!", say: "write a code"},
		{name: "a code that is too long", set: "/agencies/0/kind", value: strings.Repeat("k", 64), say: "write a code"},
		{name: "a title with a control character", set: "/agencies/0/name", value: "Surgery\u202egp", say: "write words on one line"},
		{name: "a title with a NUL, which jsonb refuses", set: "/agencies/0/name", value: "Surgery\x00", say: "write words on one line"},
		{name: "an empty title", set: "/agencies/0/name", value: "", say: "write words on one line"},
		{name: "null for a list", set: "/bars/0/purposes/0", value: 17, say: "write text"},
		{name: "a number for an example", set: "/columns/0/example", value: 123456, say: "in quotes"},
		{name: "a fraction", set: "/settings/pairing_minutes", value: 10.5, say: "a whole number"},
		{name: "a huge number", set: "/settings/pairing_minutes", value: 1e300, say: "a whole number"},
		{name: "a setting below its bound", set: "/settings/pairing_minutes", value: 0, say: "from 1 to 60"},
		{name: "a setting above its bound", set: "/settings/requests_per_minute", value: 100001, say: "from 10 to 100000"},
		{name: "a sixth kind of provider", set: "/providers/0/kind", value: "department", say: "write one of named-person role team unit agency"},
		{name: "no contact", set: "/columns/0/contacts", value: []any{}, say: "give at least 1"},
		{name: "a date for a time", set: "/agencies/0/starts", value: "2026-05-06", say: "write a time"},
		{name: "a time that is none", set: "/agencies/0/starts", value: "2026-02-31T00:00:00Z", say: "write a time"},
		{name: "a leap second", set: "/agencies/0/starts", value: "2016-12-31T23:59:60Z", say: "write a time"},
		{name: "a year that UTC does not have", set: "/agencies/0/ends", value: "9999-12-31T23:59:59-10:00", say: "write a time"},
		{name: "a review that is no date", set: "/agreements/0/review", value: "next spring", say: "write a date"},
		{name: "a mode that is none", set: "/agreements/0/modes/0", value: "by-stealth", say: "write one of subject"},
		{name: "a ground that is none", set: "/agreements/0/grounds/0", value: "convenience", say: "write one of not-confidential"},
		{name: "an effect that is none", set: "/agreements/0/effect", value: "suggest", say: "permit mandate"},
		{name: "an agreement of nobody", set: "/agreements/0/parties", value: []any{}, say: "give at least 1"},
		{name: "a party twice", set: "/agreements/0/parties/-", value: "riverside-gp", want: "/agreements/0/parties/5", say: "leave this out"},
		{name: "a subject that is no text", set: "/practitioners/0/subject", value: true, say: "write text"},

		// Addresses.
		{name: "a hub on plain http", set: "/partnership/hub", value: "http://riverside.fame.test", say: "https://"},
		{name: "an issuer on plain http", set: "/issuers/0/issuer", value: "http://127.0.0.1.evil.test/x", say: "https://"},
		{name: "a contact that is no telephone number", set: "/columns/0/contacts/0/value", value: "ask at the door", say: "telephone number"},
		{name: "a contact that is no mail address", set: "/columns/0/contacts/1/value", value: "ask at the door", say: "for mail"},
		{name: "a contact confirmed in the future", set: "/columns/0/contacts/0/confirmed", value: "2027-01-01", say: "not one to come"},

		// Codes that are each other's.
		{name: "an agency twice", set: "/agencies/1/id", value: "riverside-gp", say: "the same id"},
		{name: "a provider twice", set: "/providers/1/id", value: "riverside-surgery", say: "the same id"},
		{name: "a column twice", set: "/columns/1/id", value: "gp-riverside", say: "the same id"},
		{name: "a contact twice", set: "/columns/0/contacts/1/code", value: "desk", say: "the same code"},
		{name: "a power twice", set: "/powers/1/code", value: "children-act-2004-s10", say: "the same code"},
		{name: "a bar twice", set: "/bars/1/code", value: "no-immigration-use-of-health", say: "the same code"},
		{name: "an agreement twice", set: "/agreements/1/code", value: "riverside-children", say: "the same code"},
		{name: "a purpose twice", set: "/codes/purposes/1/code", value: "co-ordinate-care", say: "the same code"},
		{name: "an issuer twice", set: "/issuers/1/name", value: "local", say: "the same name"},
		{name: "a service twice", set: "/services/1/code", value: "relmgr", say: "the same code"},
		{name: "a practitioner twice", set: "/practitioners/1/id", value: "dr-patel", say: "the same id"},
		{name: "one sign-in for two people", set: "/practitioners/1/subject", value: "dr-patel", say: "the same issuer and subject"},

		// FED-34: nobody's place is left empty.
		{name: "a part of a service for which nobody answers", set: "/services/0/responsible/capacity", say: "add this field"},
		{name: "a part of a service that is blank", set: "/services/0/responsible/design", value: "", say: "write a code"},
		{name: "a part of a service for which no member answers", set: "/services/1/responsible/performance", value: "vermilion", say: "name an agency"},
		{name: "an area twice", set: "/partnership/areas", value: []any{"north", "north"}, want: "/partnership/areas/1", say: "leave this out"},

		// References.
		{name: "an agency that is no member (provider)", set: "/providers/0/agency", value: "vermilion", say: "riverside-gp, hillside-school"},
		{name: "an agency that is no member (team)", set: "/providers/4/agencies/0", value: "vermilion", say: "name an agency"},
		{name: "a team that spans its own agency", set: "/providers/4/agencies/0", value: "riverside-social-care", say: "part of the team already"},
		{name: "a unit that spans agencies", set: "/providers/3/agencies", value: []any{"riverside-gp"}, say: "only a provider of kind team"},
		{name: "a column of no provider", set: "/columns/0/provider", value: "vermilion", say: "name a provider"},
		{name: "a column of no agency", set: "/columns/0/agency", value: "vermilion", say: "name an agency"},
		{name: "a column that another agency controls", set: "/columns/0/agency", value: "hillside-school", say: "the agency of the column's provider"},
		{name: "a power that a kind unknown holds", set: "/powers/0/kinds/0", value: "vermilion", say: "a kind that an agency has"},
		{name: "a power for a purpose unknown", set: "/powers/0/purposes/0", value: "vermilion", say: "safeguarding"},
		{name: "a bar from a kind unknown", set: "/bars/0/from_kinds/0", value: "vermilion", say: "a kind that an agency has"},
		{name: "a bar to a kind unknown", set: "/bars/2/to_kinds/0", value: "vermilion", say: "a kind that an agency has"},
		{name: "a bar for a purpose unknown", set: "/bars/0/purposes/0", value: "vermilion", say: "codes.purposes"},
		{name: "a bar on everything", set: "/bars/-", value: map[string]any{"code": "all", "title": "All", "citation": "None"}, want: "/bars/3", say: "bar everything"},
		{name: "a party that is no member", set: "/agreements/0/parties/0", value: "vermilion", say: "name an agency"},
		{name: "an agreement on a purpose unknown", set: "/agreements/0/purposes/0", value: "vermilion", say: "codes.purposes"},
		{name: "an agreement on an aspect unknown", set: "/agreements/0/aspects/0", value: "vermilion", say: "codes.aspects"},
		{name: "an agreement on a power unknown", set: "/agreements/0/powers/0", value: "vermilion", say: "name a power, such as"},
		{name: "an enquiring role unknown", set: "/agreements/0/roles/enquire/0", value: "vermilion", say: "codes.roles"},
		{name: "a publishing role unknown", set: "/agreements/0/roles/publish/0", value: "vermilion", say: "codes.roles"},
		{name: "a correlating role unknown", set: "/agreements/0/roles/correlate/0", value: "vermilion", say: "codes.roles"},
		{name: "an imposing role unknown", set: "/agreements/0/roles/impose/0", value: "vermilion", say: "codes.roles"},
		{name: "an overriding role unknown", set: "/agreements/0/roles/override/0", value: "vermilion", say: "codes.roles"},
		{name: "overriding where no risk is listed", set: "/codes/risks", say: "list the risks"},
		{name: "overriding that nobody reviews", set: "/agreements/0/roles/review", say: "emergencies and overrides"},
		{name: "a risk twice", set: "/codes/risks/1/code", value: "significant-harm-to-child", say: "the same code"},
		{name: "a duty of no agency known", set: "/powers/2/duty/agencies/0", value: "vermilion", say: "name an agency"},
		{name: "a duty of no column known", set: "/powers/2/duty", value: map[string]any{"columns": []any{"vermilion"}}, want: "/powers/2/duty/columns/0", say: "name a column"},
		{name: "a duty that binds nobody", set: "/powers/2/duty", value: map[string]any{}, say: "list agencies or columns"},
		{name: "a review later than the law profile's", set: "/agreements/0/review_days", value: 367, say: "366 at most"},
		{name: "an approving role unknown", set: "/agreements/0/roles/approve/0", value: "vermilion", say: "codes.roles"},
		{name: "imposing without a higher role", set: "/agreements/0/roles/impose", say: "higher roles"},
		{name: "a practitioner of no agency", set: "/practitioners/0/agency", value: "vermilion", say: "name an agency"},
		{name: "a practitioner of no issuer", set: "/practitioners/0/issuer", value: "vermilion", say: "name an issuer: local, county"},
		{name: "a practitioner with a role unknown", set: "/practitioners/0/roles/0", value: "vermilion", say: "codes.roles"},
		{name: "a practitioner of no provider", set: "/practitioners/0/providers/0", value: "vermilion", say: "name a provider"},
		{name: "a level for no role", set: "/settings/role_levels", value: []any{object{"role": "vermilion", "level": "low"}}, want: "/settings/role_levels/0/role", say: "codes.roles"},
		{name: "two levels for one role", set: "/settings/role_levels", value: []any{object{"role": "gp", "level": "low"}, object{"role": "gp", "level": "high"}}, want: "/settings/role_levels/1/role", say: "the same role"},
		{name: "officers who cannot sign in well enough", set: "/settings/role_levels", value: []any{object{"role": "governance-officer", "level": "high"}}, want: "/practitioners", say: "nobody could apply"},
		{name: "an issuer of no agency", set: "/issuers/0/agency", value: "vermilion", say: "name an agency"},
		{name: "a mapping to no agency", set: "/issuers/1/mappings/0/agency", value: "vermilion", say: "name an agency"},
		{name: "a mapping to a role unknown", set: "/issuers/1/mappings/0/roles/0", value: "vermilion", say: "codes.roles"},
		{name: "a mapping to no provider", set: "/issuers/1/mappings/0/providers/0", value: "vermilion", say: "name a provider"},

		// Patterns.
		{name: "a pattern that RE2 cannot read", set: "/columns/0/pattern", value: "(?=GP)[0-9", say: "RE2"},
		{name: "a pattern that closes what it did not open", set: "/columns/0/pattern", value: "GP-1)|(2345", say: "RE2"},
		{name: "a pattern that lets anything pass", set: "/columns/0/pattern", value: ".*", say: "lets anything pass"},
		{name: "a pattern that lets any line pass", set: "/columns/0/pattern", value: `[^\n]{1,64}`, say: "lets anything pass"},
		{name: "a pattern that lets nothing pass for something", set: "/columns/0/pattern", value: "(GP-[0-9]{5})?", say: "lets anything pass"},
		{name: "an example that does not fit", set: "/columns/0/example", value: "xGP-12345x", say: "made-up identifier"},

		// Persons, teams, dates.
		{name: "a named person without a person", set: "/providers/1/person", say: "needs one"},
		{name: "a named person without an end", set: "/providers/1/ends", say: "needs it"},
		{name: "a named person of another agency", set: "/providers/1/person", value: "ms-okafor", say: "of the provider's own agency"},
		{name: "a role that is a person", set: "/providers/2/person", value: "ms-okafor", say: "only a provider of kind named-person"},
		{name: "a member of another agency's provider", set: "/practitioners/0/providers/0", value: "night-shelter", say: "or a team that spans it"},
		{name: "a second member of a named person", set: "/practitioners/1/providers/-", value: "dr-patel-list", want: "/practitioners/1/providers/1", say: "that person alone"},
		{name: "an issuer that speaks for another agency", set: "/practitioners/0/issuer", value: "county", want: "/practitioners/0/agency", say: "practitioner's issuer"},
		{name: "a mapping for another agency", set: "/issuers/1/mappings/0/agency", value: "riverside-gp", say: "speaks for no other"},
		{name: "a mapping by who somebody is", set: "/issuers/1/mappings/0/claim", value: "preferred_username", say: "such as groups"},
		{name: "an agency that ends before it begins", set: "/agencies/0/ends", value: "2020-01-01T00:00:00Z", say: "after starts"},
		{name: "an agreement that ends as it begins", set: "/agreements/2/ends", value: "2026-10-01T00:00:00Z", say: "after starts"},
		{name: "a power that ends before it begins", set: "/powers/0/ends", value: "2001-01-01T00:00:00Z", say: "after starts"},

		// Law.
		{name: "a law profile that is none", set: "/partnership/law_profile", value: "lex-mercatoria", say: "seed-2006, uk-current"},
		{name: "a condition that is none", set: "/agreements/0/receiving/ordinary", value: "art6-whim", say: "art6-public-task"},
		{name: "a further condition that is none", set: "/agreements/0/receiving/sensitive", value: "art9-whim", say: "art9-vital-interests"},
		{name: "receiving on consent", set: "/agreements/0/receiving/ordinary", value: "art6-consent", say: "not consent"},
		{name: "a power that is over", set: "/agreements/0/powers/0", value: "health-act-1999-s31", say: "successor"},

		// Government.
		{name: "no role of governance officer", set: "/codes/roles/11/code", value: "somebody-else", want: "/codes/roles", say: "add the role governance-officer"},
		{name: "no role of agency administrator", set: "/codes/roles/10/code", value: "somebody-else", want: "/codes/roles", say: "add the role agency-administrator"},
		{name: "nobody governs", set: "/practitioners", value: []any{}, say: "add a practitioner with the role governance-officer"},
	}
	if len(cases) < 40 {
		t.Fatalf("%d cases, at least 40 wanted", len(cases))
	}
	good := string(riverside(t))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := riversideTree(t)
			d.set(c.set, c.value)
			_, err := partnership.Parse(d.json(t), at)
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("want a refusal, got %v", err)
			}
			want := c.want
			if want == "" {
				want = c.set
			}
			found := false
			for _, p := range problems(t, err) {
				found = found || p.Pointer == want && strings.Contains(p.Detail, c.say)
				// A code that the document declares may be offered in another place.
				s, _ := c.value.(string)
				if s != "" && (p.Pointer == want || !strings.Contains(good, s) && !strings.HasPrefix(c.set, "/codes/")) && strings.Contains(p.Detail, s) {
					t.Errorf("the detail repeats the value: %+v", p)
				}
			}
			if !found {
				t.Errorf("want %q saying %q, got %+v", want, c.say, problems(t, err))
			}
			if s := fmt.Sprint(c.value); strings.Contains(err.Error(), s) && len(s) > 4 {
				t.Errorf("the error repeats the value: %v", err)
			}
		})
	}
}

// What JSON itself leaves open is closed before the schema sees it.
func TestUnreadableJSONIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":             "",
		"not JSON":            "agencies: vermilion",
		"a list":              `["vermilion"]`,
		"not closed":          `{"agencies": [`,
		"something after it":  `{} {}`,
		"a field twice":       `{"agencies": [], "agencies": []}`,
		"a field twice below": `{"partnership": {"name": "a", "name": "b"}}`,
		"too deep":            strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"a number to choke":   `{"settings": {"pairing_minutes": 1e999999999}}`,
		"too large":           `{"x": "` + strings.Repeat("v", partnership.MaxSize) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := partnership.Parse([]byte(text), at)
			if fault.KindOf(err) != fault.Invalid || len(problems(t, err)) == 0 {
				t.Fatalf("want a refusal, got %v", err)
			}
			if strings.Contains(err.Error(), "vermilion") {
				t.Errorf("the error repeats the text: %v", err)
			}
		})
	}
}

// A governance officer who has left, or has not come yet, governs nothing.
func TestSomebodyMustBeAbleToGovernNow(t *testing.T) {
	d := riversideTree(t)
	d.set("/practitioners/17/ends", "2026-11-01T00:00:00Z")
	d.set("/practitioners/18/starts", "2027-01-01T00:00:00Z")
	_, err := partnership.Parse(d.json(t), at)
	if fault.KindOf(err) != fault.Invalid || problems(t, err)[0].Pointer != "/practitioners" {
		t.Fatalf("want a refusal, got %v", err)
	}
	d.set("/issuers/1/mappings/-", map[string]any{
		"claim": "groups", "value": "partnership-office", "agency": "riverside-social-care",
		"roles": []any{"governance-officer"}, "providers": []any{}, "hours": 8,
	})
	parse(t, d.json(t))
}

// A power that is still to begin, or an agreement that is over with its power,
// stands: both are dated.
func TestDatedPowersStand(t *testing.T) {
	d := riversideTree(t)
	d.set("/powers/0/starts", "2030-01-01T00:00:00Z")
	parse(t, d.json(t))

	d = riversideTree(t)
	d.set("/powers/0/ends", "2026-06-01T00:00:00Z")
	if _, err := partnership.Parse(d.json(t), at); problems(t, err)[0].Pointer != "/agreements/0/powers/0" {
		t.Errorf("want a refusal of the power, got %v", err)
	}
	d.set("/agreements/0/ends", "2026-07-01T00:00:00Z")
	parse(t, d.json(t))
}
