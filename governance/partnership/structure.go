package partnership

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/fame-hub/fame/internal/fault"
)

// Schema is the text of partnership.schema.json (JSON Schema 2020-12), which
// editors and other programs may use; Parse holds documents to it.
//
//go:embed partnership.schema.json
var Schema []byte

// schema is the compiled schema beside its plain form, whose descriptions say
// what to write.
var schema = sync.OnceValue(func() compiled {
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		panic(err)
	}
	const name = "partnership.schema.json"
	c := jsonschema.NewCompiler()
	c.RegisterFormat(&jsonschema.Format{Name: "date-time", Validate: isInstant})
	c.RegisterFormat(&jsonschema.Format{Name: "date", Validate: isDate})
	c.AssertFormat()
	if err := c.AddResource(name, plain); err != nil {
		panic(err)
	}
	return compiled{c.MustCompile(name), plain}
})

type compiled struct {
	*jsonschema.Schema
	plain any
}

var errForm = errors.New("not of this form")

// isInstant accepts what the Go types will: a form of RFC 3339 that is a little
// stricter than the library's.
func isInstant(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	var t time.Time
	if t.UnmarshalText([]byte(s)) != nil {
		return errForm
	}
	// What is brought to UTC must still have a year of four digits.
	if y := t.UTC().Year(); y < 1 || y > 9999 {
		return errForm
	}
	return nil
}

func isDate(v any) error {
	if s, ok := v.(string); ok {
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return errForm
		}
	}
	return nil
}

// structure holds a decoded document to the schema.
func structure(value any) []fault.Field {
	err := schema().Validate(value)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []fault.Field{{Detail: "write a document that fits partnership.schema.json"}}
	}
	var problems []fault.Field
	for _, leaf := range leaves(invalid) {
		problems = append(problems, fields(leaf)...)
	}
	return problems
}

func leaves(e *jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(e.Causes) == 0 {
		return []*jsonschema.ValidationError{e}
	}
	var all []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		all = append(all, leaves(cause)...)
	}
	return all
}

// fieldName is what a name of a field looks like. Another key could hold
// anything, so it is not repeated, not even in a pointer.
var fieldName = regexp.MustCompile(`^[a-z_]{1,30}$`)

// fields says where a violation stands and what to write instead. None of the
// library's own words are used: they repeat the value.
func fields(e *jsonschema.ValidationError) []fault.Field {
	path := make([]any, len(e.InstanceLocation))
	for i, t := range e.InstanceLocation {
		path[i] = t
	}
	here := pointer(path...)
	at := schema().lookup(e.SchemaURL)
	var out []fault.Field
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			out = append(out, fault.Field{Pointer: here + pointer(name), Detail: "add this field: " + at.property(name).description()})
		}
	case *kind.AdditionalProperties:
		detail := "leave this field out; here may stand " + strings.Join(at.properties(), ", ")
		for _, name := range k.Properties {
			p := here
			if fieldName.MatchString(name) {
				p += pointer(name)
			}
			out = append(out, fault.Field{Pointer: p, Detail: detail})
		}
	case *kind.UniqueItems:
		out = append(out, fault.Field{Pointer: here + pointer(k.Duplicates[1]), Detail: "leave this out: it stands in the list already"})
	default:
		out = append(out, fault.Field{Pointer: here, Detail: at.instead(e.ErrorKind)})
	}
	return out
}

var typeNames = map[string]string{
	"string": "text, in quotes where it could be read as something else", "integer": "a whole number", "boolean": "true or false",
	"object": "an object with its fields", "array": "a list",
}

// instead says what to write where a value does not fit.
func (s plain) instead(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "write " + typeNames[k.Want[0]]
	case *kind.Enum:
		return "write one of " + strings.Trim(fmt.Sprint(k.Want), "[]")
	case *kind.Minimum, *kind.Maximum:
		return fmt.Sprintf("write a whole number from %v to %v", s["minimum"], s["maximum"])
	case *kind.MinItems:
		return fmt.Sprintf("give at least %d", k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("give at most %d", k.Want)
	case *kind.Pattern, *kind.Format, *kind.MinLength, *kind.MaxLength:
		return "write " + s.description() + s.example()
	default:
		return "write what partnership.schema.json describes"
	}
}

// plain is one object of the schema as it stands in the file.
type plain map[string]any

// lookup finds the object that a schema location names.
func (c compiled) lookup(location string) plain {
	_, fragment, _ := strings.Cut(location, "#")
	at := c.plain
	for _, t := range tokens(fragment) {
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[t]
	}
	object, _ := at.(map[string]any)
	return object
}

func (s plain) property(name string) plain {
	all, _ := s["properties"].(map[string]any)
	one, _ := all[name].(map[string]any)
	return one
}

func (s plain) properties() []string {
	all, _ := s["properties"].(map[string]any)
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// description is the schema's own, as the rest of a sentence.
func (s plain) description() string {
	text, _ := s["description"].(string)
	first, size := utf8.DecodeRuneInString(text)
	return strings.TrimSuffix(string(unicode.ToLower(first))+text[size:], ".")
}

func (s plain) example() string {
	if list, ok := s["examples"].([]any); ok && len(list) > 0 {
		return fmt.Sprintf(", for example %v", list[0])
	}
	return ""
}
