package partnership_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fame-hub/fame/governance/partnership"
)

func TestDiff(t *testing.T) {
	type change = partnership.Change
	cases := []struct {
		name  string
		spoil func(d tree)
		want  []change
	}{
		{"nothing", func(tree) {}, nil},
		{
			"a field of a member",
			func(d tree) { d.set("/columns/0/pattern", "G[P]-[0-9]{5}") },
			[]change{{"replace", "/columns/gp-riverside/pattern", `"GP-[0-9]{5}"`, `"G[P]-[0-9]{5}"`}},
		},
		{
			"a field that was absent",
			func(d tree) { d.set("/columns/0/closes", "2027-01-01T01:00:00+01:00") },
			[]change{{"add", "/columns/gp-riverside/closes", "", `"2027-01-01T00:00:00Z"`}},
		},
		{
			"a field taken away",
			func(d tree) { d.set("/columns/6/sensitive", nil) },
			[]change{{"remove", "/columns/clinic-bridge/sensitive", "true", ""}},
		},
		{
			"a setting",
			func(d tree) { d.set("/settings/pairing_minutes", 5) },
			[]change{{"replace", "/settings/pairing_minutes", "10", "5"}},
		},
		{
			"a setting left to its default",
			func(d tree) { d.set("/settings/pairing_minutes", nil) },
			nil,
		},
		{
			"a member of a list of codes",
			func(d tree) { d.set("/agreements/3/parties/-", "bridge-clinic") },
			[]change{{"add", "/agreements/riverside-community-safety/parties/bridge-clinic", "", `"bridge-clinic"`}},
		},
		{
			"a contact, by its code",
			func(d tree) { d.set("/columns/0/contacts/1/hours", "Never") },
			[]change{{"replace", "/columns/gp-riverside/contacts/mail/hours", `"Read on working days"`, `"Never"`}},
		},
		{
			"a mapping, by its claim and value",
			func(d tree) { d.set("/issuers/1/mappings/0/hours", 8) },
			[]change{{"replace", "/issuers/county/mappings/groups=children-social-workers/hours", "12", "8"}},
		},
		{
			"an entry of a closed list",
			func(d tree) { d.set("/codes/aims/-", map[string]any{"code": "morals", "title": "Morals"}) },
			[]change{{"add", "/codes/aims/morals", "", `{"code":"morals","title":"Morals"}`}},
		},
		{
			"a member moved, which is none",
			func(d tree) {
				slices.Reverse(d["columns"].([]any))
				slices.Reverse(d["practitioners"].([]any))
			},
			nil,
		},
		{
			"a member renamed, which is two",
			func(d tree) { d.set("/bars/2/code", "others-do-not-enforce") },
			[]change{
				{"remove", "/bars/schools-and-charities-do-not-enforce", `{"citation":"A restriction made up for the demo","code":"schools-and-charities-do-not-enforce","purposes":["immigration-enforcement"],"title":"Schools and charities take no part in immigration enforcement","to_kinds":["school","voluntary"]}`, ""},
				{"add", "/bars/others-do-not-enforce", "", `{"citation":"A restriction made up for the demo","code":"others-do-not-enforce","purposes":["immigration-enforcement"],"title":"Schools and charities take no part in immigration enforcement","to_kinds":["school","voluntary"]}`},
			},
		},
		{
			"a subject",
			func(d tree) { d.set("/practitioners/0/subject", "vermilion") },
			[]change{{"replace", "/practitioners/dr-patel/subject", `"(hidden)"`, `"(hidden)"`}},
		},
		{
			"a practitioner",
			func(d tree) {
				d.set("/practitioners/-", map[string]any{
					"id": "dr-new", "agency": "riverside-gp", "issuer": "local", "subject": "vermilion", "roles": []any{"gp"}, "providers": []any{},
				})
			},
			[]change{{"add", "/practitioners/dr-new", "", `{"agency":"riverside-gp","id":"dr-new","issuer":"local","providers":[],"roles":["gp"],"subject":"(hidden)"}`}},
		},
		{
			"several, in reading order",
			func(d tree) {
				d.set("/practitioners/0/ends", "2027-01-01T00:00:00Z")
				d.set("/partnership/name", "Riverside")
				d.set("/agencies/0/name", "Surgery")
			},
			[]change{
				{"replace", "/partnership/name", `"Riverside Partnership"`, `"Riverside"`},
				{"replace", "/agencies/riverside-gp/name", `"Riverside Surgery"`, `"Surgery"`},
				{"add", "/practitioners/dr-patel/ends", "", `"2027-01-01T00:00:00Z"`},
			},
		},
	}
	old := parse(t, riverside(t))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := riversideTree(t)
			c.spoil(d)
			doc := parse(t, d.json(t))
			got := partnership.Diff(old, doc)
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			// The other way round everything is undone.
			if back := partnership.Diff(doc, old); len(back) != len(got) {
				t.Errorf("%d changes there, %d back", len(got), len(back))
			}
		})
	}
}

// The first document is all additions, and none shows a subject.
func TestDiffFromNothing(t *testing.T) {
	d := riversideTree(t)
	d.set("/practitioners/0/subject", "vermilion")
	changes := partnership.Diff(partnership.Document{}, parse(t, d.json(t)))
	b, err := json.Marshal(changes)
	if err != nil {
		t.Fatal(err)
	}
	if len(changes) < 100 || strings.Contains(string(b), "vermilion") {
		t.Errorf("%d changes, or a subject among them", len(changes))
	}
	for _, c := range changes {
		if c.Change != "add" && !strings.HasPrefix(c.Pointer, "/partnership/") && !strings.HasPrefix(c.Pointer, "/settings/") {
			t.Errorf("%+v", c)
		}
	}
}
