package partnership_test

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
)

var at = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// riverside is the demo's partnership as JSON: a document with everything in it.
func riverside(t testing.TB) []byte {
	t.Helper()
	js, err := riversideOnce()
	if err != nil {
		t.Fatal(err)
	}
	return js
}

var riversideOnce = sync.OnceValues(func() ([]byte, error) {
	text, err := os.ReadFile("../../demo/riverside/partnership.yaml")
	if err != nil {
		return nil, err
	}
	js, _, err := partnership.FromYAML(text)
	return js, err
})

func parse(t testing.TB, js []byte) partnership.Document {
	t.Helper()
	doc, err := partnership.Parse(js, at)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	return doc
}

// tree is a document in plain values, to be spoilt.
type tree map[string]any

func riversideTree(t testing.TB) tree {
	t.Helper()
	var d tree
	if err := json.Unmarshal(riverside(t), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d tree) json(t testing.TB) []byte {
	t.Helper()
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// set writes a value at a pointer; "-" appends to a list, nil removes a field.
func (d tree) set(pointer string, value any) {
	var put func(at any, path []string) any
	put = func(at any, path []string) any {
		if len(path) == 0 {
			return value
		}
		switch v := at.(type) {
		case map[string]any:
			if len(path) == 1 && value == nil {
				delete(v, path[0])
				return v
			}
			v[path[0]] = put(v[path[0]], path[1:])
			return v
		case []any:
			if path[0] == "-" {
				return append(v, value)
			}
			i, _ := strconv.Atoi(path[0])
			v[i] = put(v[i], path[1:])
			return v
		default:
			panic("no such place: " + pointer)
		}
	}
	put(map[string]any(d), strings.Split(pointer[1:], "/"))
}

func problems(t testing.TB, err error) []fault.Field {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("want a fault, got %v", err)
	}
	return f.Fields
}

// What Parse returns is stored as JSON, parsed again and compared: all three
// must be the same.
func TestADocumentSurvivesStorage(t *testing.T) {
	first := parse(t, riverside(t))
	stored, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	if again := parse(t, stored); !reflect.DeepEqual(first, again) {
		t.Error("a stored document parses to another one")
	}
}

func TestSettingsAndListsThatMayBeAbsentHaveDefaults(t *testing.T) {
	d := riversideTree(t)
	d.set("/settings", nil)
	d.set("/bars", nil)
	doc := parse(t, d.json(t))
	if s := doc.Settings; s.PairingMinutes != 10 || s.HandleProofMins != 10 || s.RequestsPerMinute != 600 || s.ReviewSamplePercent != 1 {
		t.Errorf("settings %+v", s)
	}
	if doc.Bars == nil {
		t.Error("absent bars must be an empty list, since null is no list")
	}
	d.set("/settings", map[string]any{"pairing_minutes": 5})
	if s := parse(t, d.json(t)).Settings; s.PairingMinutes != 5 || s.RequestsPerMinute != 600 {
		t.Errorf("settings %+v", s)
	}
}

func TestTimesAreBroughtToUTC(t *testing.T) {
	d := riversideTree(t)
	d.set("/agencies/0/starts", "2025-04-01T01:00:00+01:00")
	if got := *parse(t, d.json(t)).Agencies[0].Starts; got.Location() != time.UTC || got.Hour() != 0 {
		t.Errorf("starts %v", got)
	}
}

func TestTermsAreIndexedAndHoldTheProfile(t *testing.T) {
	terms := parse(t, riverside(t)).Terms(7)
	if terms.Version != 7 || terms.Profile.ID != "uk-current" || len(terms.Profile.Ordinary) == 0 {
		t.Errorf("version %d, profile %q", terms.Version, terms.Profile.ID)
	}
	if terms.FindColumn("gp-riverside", at) == nil || terms.FindAgreement("riverside-children", at) == nil {
		t.Error("terms are not indexed")
	}
}

// One round of mending is enough: everything wrong is listed, in reading order,
// up to a bound.
func TestProblemsAreCollected(t *testing.T) {
	d := riversideTree(t)
	d.set("/practitioners/0/agency", "elsewhere")
	d.set("/agencies/1/id", "riverside-gp")
	d.set("/columns/2/example", "not it")
	_, err := partnership.Parse(d.json(t), at)
	list := problems(t, err)
	if len(list) < 4 || list[0].Pointer != "/agencies/1/id" || fault.KindOf(err) != fault.Invalid {
		t.Errorf("problems %+v", list)
	}
	last := list[len(list)-1]
	if !strings.HasPrefix(last.Pointer, "/practitioners/") {
		t.Errorf("out of reading order: %+v", list)
	}
	for range 80 {
		d.set("/agencies/-", map[string]any{"id": "riverside-gp", "name": "Twice", "kind": "school"})
	}
	if _, err = partnership.Parse(d.json(t), at); len(problems(t, err)) != 50 {
		t.Errorf("%d problems listed, want 50", len(problems(t, err)))
	}
}

func TestLawProfiles(t *testing.T) {
	if got := partnership.LawProfiles(); !reflect.DeepEqual(got, []string{"seed-2006", "uk-current"}) {
		t.Fatalf("profiles %v", got)
	}
	for _, id := range partnership.LawProfiles() {
		p, _ := partnership.LawProfile(id)
		seen := map[string]bool{}
		for _, c := range append(p.Ordinary, p.Sensitive...) {
			if seen[c.Code] || c.Code == "" || c.Title == "" || len(c.Code) > 63 {
				t.Errorf("%s: condition %q is there twice or not whole", id, c.Code)
			}
			seen[c.Code] = true
			if strings.Contains(c.Code, "consent") != c.OnConsent() || strings.Contains(c.Code, "explicit") != c.NeedsExplicit {
				t.Errorf("%s: condition %q, needs_consent and needs_explicit do not agree", id, c.Code)
			}
		}
		if p.ID != id || p.Title == "" || len(p.Ordinary) == 0 || len(p.Sensitive) == 0 {
			t.Errorf("%s is not whole", id)
		}
		for i, q := range p.Questions {
			if !strings.HasSuffix(q, "?") {
				t.Errorf("%s: step %d has no question", id, i+1)
			}
		}
	}
	if _, ok := partnership.LawProfile("none"); ok {
		t.Error("a profile that nobody wrote")
	}
}

// What a caller does to a profile does not reach the next caller.
func TestLawProfileIsACopy(t *testing.T) {
	p, _ := partnership.LawProfile("uk-current")
	clear(p.Ordinary)
	if q, _ := partnership.LawProfile("uk-current"); q.Ordinary[0].Code == "" {
		t.Error("the built-in profile was changed")
	}
}
