package partnership_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/partnership"
)

type object = map[string]any

func schemaTree(t *testing.T) object {
	t.Helper()
	var root object
	if err := json.Unmarshal(partnership.Schema, &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// resolve follows a reference inside the schema.
func resolve(root, at object) object {
	ref, ok := at["$ref"].(string)
	if !ok {
		return at
	}
	return root["$defs"].(object)[strings.TrimPrefix(ref, "#/$defs/")].(object)
}

// The schema and the Go types name the same fields, all the way down; what Go
// may omit, the schema does not require.
func TestSchemaAndTypesAgree(t *testing.T) {
	root := schemaTree(t)
	var agree func(at string, typ reflect.Type, s object)
	agree = func(at string, typ reflect.Type, s object) {
		s = resolve(root, s)
		switch {
		case typ.Kind() == reflect.Pointer:
			agree(at, typ.Elem(), s)
		case typ.Kind() == reflect.Slice:
			if s["type"] != "array" || s["maxItems"] == nil {
				t.Errorf("%s: the schema has no bounded list", at)
				return
			}
			agree(at+"[]", typ.Elem(), s["items"].(object))
		case typ == reflect.TypeFor[time.Time]():
			if s["format"] != "date-time" {
				t.Errorf("%s: the schema has no time", at)
			}
		case typ.Kind() == reflect.Struct:
			agreeOnFields(t, at, typ, s, agree)
		}
	}
	agree("", reflect.TypeFor[partnership.Document](), root)
}

func agreeOnFields(t *testing.T, at string, typ reflect.Type, s object, agree func(string, reflect.Type, object)) {
	t.Helper()
	properties, _ := s["properties"].(object)
	required, _ := s["required"].([]any)
	unseen := maps.Clone(properties)
	for f := range fieldsOf(typ) {
		name, option, _ := strings.Cut(f.Tag.Get("json"), ",")
		here := at + "/" + name
		property, ok := properties[name].(object)
		if !ok {
			t.Errorf("%s: in the types, not in the schema", here)
			continue
		}
		delete(unseen, name)
		if option == "omitempty" && slices.Contains(required, any(name)) {
			t.Errorf("%s: the types may omit it, the schema requires it", here)
		}
		agree(here, f.Type, property)
	}
	for name := range unseen {
		t.Errorf("%s/%s: in the schema, not in the types", at, name)
	}
	if s["additionalProperties"] != false {
		t.Errorf("%s: the schema lets unknown fields pass", at)
	}
}

func fieldsOf(typ reflect.Type) func(yield func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for f := range typ.Fields() {
			if f.IsExported() && f.Tag.Get("json") != "" && !yield(f) {
				return
			}
		}
	}
}

// Every field of the terms that a partnership decides is in the document.
func TestDocumentHoldsAllTermsButVersionAndProfile(t *testing.T) {
	in := map[string]reflect.Type{}
	for f := range fieldsOf(reflect.TypeFor[partnership.Document]()) {
		in[f.Tag.Get("json")] = f.Type
	}
	for f := range fieldsOf(reflect.TypeFor[decide.Terms]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "version" && name != "profile" && in[name] != f.Type {
			t.Errorf("%s: not in the document, or of another type", name)
		}
	}
}

// Terms copies every section; a new one that it forgot would be empty.
func TestTermsCopyEverySection(t *testing.T) {
	doc := parse(t, riverside(t))
	terms := reflect.ValueOf(*doc.Terms(1))
	for f := range fieldsOf(reflect.TypeFor[decide.Terms]()) {
		if terms.FieldByName(f.Name).IsZero() {
			t.Errorf("%s is empty", f.Name)
		}
	}
}

func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
	root := schemaTree(t)
	var walk func(at string, s object)
	walk = func(at string, s object) {
		if d, _ := s["description"].(string); d == "" || !strings.HasSuffix(d, ".") {
			t.Errorf("%s: no description", at)
		}
		for _, within := range []string{"properties", "$defs"} {
			list, _ := s[within].(object)
			for name, v := range list {
				walk(at+"/"+name, v.(object))
			}
		}
	}
	walk("", root)
}

func TestClosedSetsAreThoseOfTheTypes(t *testing.T) {
	root := schemaTree(t)
	list := func(def, property string) []any {
		p := root["$defs"].(object)[def].(object)["properties"].(object)[property].(object)
		if items, ok := p["items"].(object); ok {
			p = items
		}
		return p["enum"].([]any)
	}
	for _, c := range []struct {
		def, property string
		want          []any
	}{
		{"provider", "kind", strs(decide.NamedPerson, decide.Role, decide.Team, decide.Unit, decide.WholeAgency)},
		{"agreement", "modes", strs(decide.BySubject, decide.WithConsent, decide.Joint, decide.Imposed)},
		{"agreement", "grounds", strs(decide.NotConfidential, decide.ExplicitConsent, decide.ImpliedConsent, decide.PublicInterest, decide.SignificantHarm, decide.RequiredByLaw,
			decide.DutyToShare, decide.CourtOrder)},
	} {
		if got := list(c.def, c.property); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s.%s: %v, want %v", c.def, c.property, got, c.want)
		}
	}
}

func strs[S ~string](list ...S) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// The defaults that the schema states are the ones that Parse fills in.
func TestDefaultsAreThoseOfTheSchema(t *testing.T) {
	d := riversideTree(t)
	d.set("/settings", nil)
	b, err := json.Marshal(parse(t, d.json(t)).Settings)
	if err != nil {
		t.Fatal(err)
	}
	var got object
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for name, p := range schemaTree(t)["$defs"].(object)["settings"].(object)["properties"].(object) {
		if got[name] != p.(object)["default"] {
			t.Errorf("%s: %v, the schema says %v", name, got[name], p.(object)["default"])
		}
	}
}
