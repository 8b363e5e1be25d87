package edgetest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fame-hub/fame"
	"github.com/fame-hub/fame/api"
	"gopkg.in/yaml.v3"
)

// contract is openapi.yaml, as far as bad input is made from it.
type contract struct {
	document   object
	operations []operation // in the order of their ids
}

type operation struct {
	id, method, template string
	parameters           []object
	body                 object // its schema, nil for none
	bears                string // the security scheme: oidc for a practitioner's token, empty where anybody may ask
}

func readContract(t testing.TB) *contract {
	t.Helper()
	c := new(contract)
	if err := yaml.Unmarshal(fame.OpenAPI, &c.document); err != nil {
		t.Fatal(err)
	}
	for template, item := range c.document["paths"].(object) {
		if strings.HasPrefix(template, "/log/v1/") {
			continue // plain text in the forms of C2SP, without a token: api/governanceapi and governance/ledger test it
		}
		for method, given := range item.(object) {
			op := given.(object)
			if open, ok := op["security"].([]any); ok && len(open) == 0 && method == "get" && !strings.HasPrefix(template, "/governance/") {
				continue // what the hub states to whoever asks: TestWhatAHubStatesToWhoeverAsks
			}
			if body, ok := op["requestBody"].(object); ok && body["content"].(object)["application/json"] == nil {
				continue // a form, which the specification of trust marks asks for: likewise
			}
			o := operation{id: op["operationId"].(string), method: strings.ToUpper(method), template: template, bears: "oidc"}
			if other, ok := op["security"].([]any); ok {
				o.bears = "" // nothing, unless it says what
				for _, scheme := range other {
					for o.bears = range scheme.(object) {
					}
				}
			}
			parameters, _ := op["parameters"].([]any)
			for _, p := range parameters {
				o.parameters = append(o.parameters, c.resolve(p))
			}
			if body, ok := op["requestBody"].(object); ok {
				o.body = c.resolve(body["content"].(object)["application/json"].(object)["schema"])
			}
			c.operations = append(c.operations, o)
		}
	}
	slices.SortFunc(c.operations, func(a, b operation) int { return strings.Compare(a.id, b.id) })
	return c
}

// resolve follows a $ref.
func (c *contract) resolve(v any) object {
	s := v.(object)
	ref, ok := s["$ref"].(string)
	if !ok {
		return s
	}
	var at any = c.document
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		at = at.(object)[part]
	}
	return c.resolve(at)
}

// methodsOf lists what the path of a template takes.
func (c *contract) methodsOf(template string) (methods []string) {
	for method := range c.document["paths"].(object)[template].(object) {
		methods = append(methods, strings.ToUpper(method))
	}
	return methods
}

// documented is the status of each kind of problem, as docs/problems.md says
// it: the number that a section begins with.
func documented(t testing.TB) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "problems.md"))
	if err != nil {
		t.Fatal(err)
	}
	statuses := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^## ([a-z-]+)\n\n([0-9]{3})\b`).FindAllSubmatch(text, -1) {
		statuses[string(m[1])], _ = strconv.Atoi(string(m[2]))
	}
	return statuses
}

// mutation is a body that differs from a good one in one place.
type mutation struct {
	name string
	body []byte
}

// Characters and bytes that no string may hold, as they stand between quotes.
var harmful = []struct{ name, text string }{
	{"a NUL", `\u0000`}, {"a raw NUL", "\x00"}, {"a raw control character", "\x01"}, {"an escape character", `\u001b`},
	{"a line feed", `\n`}, {"a raw tab", "\t"}, {"a raw DEL", "\x7f"}, {"a C1 control", "\u0085"},
	{"a raw right-to-left override", "\u202e"}, {"a right-to-left override", `\u202E`}, {"an isolate", `\u2066`},
	{"a left-to-right mark", "\u200e"}, {"a high surrogate alone", `\ud83d`}, {"a low surrogate alone", `\ude00`},
	{"surrogates in the wrong order", `\ude00\ud83d`}, {"a byte that is not UTF-8", "\xff"},
	{"an overlong slash", "\xc0\xaf"}, {"a surrogate as UTF-8", "\xed\xa0\x80"}, {"a bad escape", `\x41`}, {"half an escape", `\u00`},
}

// often are those of harmful that every string of every body is tried with; the
// others are tried on one string of each body.
var often = []string{"a NUL", "a raw right-to-left override", "a low surrogate alone", "a byte that is not UTF-8"}

// mutate makes bodies that differ from good in one place and break the schema.
func (c *contract) mutate(schema object, good any) []mutation {
	w := &walker{contract: c, root: good}
	w.visit(schema, good, nil)
	return w.found
}

type walker struct {
	contract *contract
	root     any
	harmed   bool // whether one string has been tried with all that is harmful
	found    []mutation
}

// raw is JSON that stands in a value as it is written.
type raw string

func (r raw) MarshalJSON() ([]byte, error) { return []byte(r), nil }

// with is the body with another value in one place; gone takes it out.
func (w *walker) with(path []any, v any) []byte { return render(replace(w.root, path, v)) }

var gone = new(int)

func (w *walker) add(path []any, what string, v any) {
	w.found = append(w.found, mutation{what + " at " + pointer(path), w.with(path, v)})
}

func pointer(path []any) string {
	var b strings.Builder
	for _, p := range path {
		fmt.Fprintf(&b, "/%v", p)
	}
	return b.String() + " "
}

// replace copies v with another value at the path.
func replace(v any, path []any, other any) any {
	if len(path) == 0 {
		return other
	}
	switch v := v.(type) {
	case object:
		out := object{}
		for name, member := range v {
			out[name] = member
		}
		name := path[0].(string)
		if out[name] = replace(v[name], path[1:], other); out[name] == any(gone) {
			delete(out, name)
		}
		return out
	case []any:
		out := slices.Clone(v)
		out[path[0].(int)] = replace(out[path[0].(int)], path[1:], other)
		return out
	}
	return other
}

// render is encoding/json, which would not let raw bytes through.
func render(v any) []byte {
	var b bytes.Buffer
	var write func(any)
	write = func(v any) {
		switch v := v.(type) {
		case raw:
			b.WriteString(string(v))
		case object:
			names := make([]string, 0, len(v))
			for name := range v {
				names = append(names, name)
			}
			slices.Sort(names)
			b.WriteByte('{')
			for i, name := range names {
				if i > 0 {
					b.WriteByte(',')
				}
				b.WriteString(strconv.Quote(name) + ":")
				write(v[name])
			}
			b.WriteByte('}')
		case []any:
			b.WriteByte('[')
			for i, item := range v {
				if i > 0 {
					b.WriteByte(',')
				}
				write(item)
			}
			b.WriteByte(']')
		default:
			text, err := json.Marshal(v)
			if err != nil {
				panic(err)
			}
			b.Write(text)
		}
	}
	write(v)
	return b.Bytes()
}

// plain is a value as encoding/json decodes it.
func plain(t testing.TB, v any) any {
	t.Helper()
	var out any
	if err := json.Unmarshal(encode(t, v), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func under(path []any, token any) []any { return append(slices.Clone(path), token) }

// visit breaks the schema of one value in every way that it can be broken.
func (w *walker) visit(schema object, v any, path []any) {
	schema = w.contract.resolve(schema)
	switch schema["type"] {
	case "object":
		w.wrongTypes(path, marker, 7391, true, []any{})
		w.object(schema, v.(object), path)
	case "array":
		w.wrongTypes(path, marker, 7391, true, object{"diagnosis": marker})
		w.array(schema, v.([]any), path)
	case "string":
		w.wrongTypes(path, 7391, true, []any{marker}, object{"diagnosis": marker})
		w.text(schema, v.(string), path)
	case "integer":
		w.wrongTypes(path, marker, "1", true, 1.5, []any{1}, object{"diagnosis": marker})
		w.add(path, "too small", schema["minimum"].(int)-1)
		w.add(path, "too large", schema["maximum"].(int)+1)
		w.add(path, "far too large", raw("1e300"))
	case "boolean":
		w.wrongTypes(path, marker, "true", 1, []any{true})
		if schema["enum"] != nil {
			w.add(path, "a value of no list", false)
		}
	default:
		panic(fmt.Sprintf("no way to break %v at %v: teach it to visit", schema["type"], path))
	}
}

func (w *walker) wrongTypes(path []any, values ...any) {
	for _, v := range values {
		w.add(path, fmt.Sprintf("a %T where it does not belong", v), v)
	}
	if len(path) > 0 {
		w.add(path, "null", nil)
	}
}

func (w *walker) object(schema object, v object, path []any) {
	for _, name := range []string{"diagnosis", "name", "note", "__proto__", marker} {
		w.add(under(path, name), "an unknown member", marker+" has a note about "+marker)
	}
	required, _ := schema["required"].([]any)
	properties := schema["properties"].(object)
	for name, member := range v {
		at := under(path, name)
		if slices.Contains(required, any(name)) {
			w.add(at, "left out", gone)
		}
		// The member twice: once with the marker, once as it should be.
		text := string(render(v))
		w.add(path, "given twice, "+name, raw(`{`+strconv.Quote(name)+`:"`+marker+`",`+text[1:]))
		w.visit(properties[name].(object), member, at)
	}
	for name, property := range properties {
		if _, given := v[name]; !given && len(schema) > 0 && schema["maxProperties"] == nil {
			w.add(under(path, name), "an optional member of the wrong type", wrongFor(w.contract.resolve(property)))
		}
	}
	if schema["maxProperties"] != nil {
		w.add(path, "no member", object{})
		w.add(path, "all members", object{"partnership": true, "agencies": []any{marker}, "columns": []any{marker}})
	}
}

func wrongFor(schema object) any {
	if schema["type"] == "string" {
		return []any{marker}
	}
	return marker
}

func (w *walker) array(schema object, v []any, path []any) {
	items := w.contract.resolve(schema["items"])
	if n, _ := schema["minItems"].(int); n > 0 {
		w.add(path, "empty", []any{})
	}
	if n, _ := schema["maxItems"].(int); n > 0 && items["type"] == "string" {
		many := make([]any, n+1)
		for i := range many {
			many[i] = strings.Repeat("0", 8) + "-0000-4000-8000-" + fmt.Sprintf("%012d", i) // fits a code and an id
		}
		w.add(path, "too many", many)
	} else if n > 0 && len(v) > 0 {
		many := slices.Repeat([]any{v[0]}, n+1)
		if text, err := json.Marshal(many); err == nil && len(text) < api.DefaultMaxBody { // more is refused for its size
			w.add(path, "too many", many)
		}
	}
	if schema["uniqueItems"] == true && len(v) > 0 {
		w.add(path, "an item twice", append(slices.Clone(v), v[0]))
	}
	if len(v) > 0 {
		w.visit(items, v[0], under(path, 0))
	}
}

func (w *walker) text(schema object, v string, path []any) {
	closed := schema["enum"] != nil || schema["format"] != nil
	if min, _ := schema["minLength"].(int); min > 0 || closed || schema["pattern"] != nil {
		w.add(path, "empty", "")
	}
	if max, ok := schema["maxLength"].(int); ok {
		w.add(path, "too long", strings.Repeat(marker, max/len(marker)+1))
		w.add(path, "far too long", strings.Repeat(marker, 4000))
	}
	if pattern, ok := schema["pattern"].(string); ok {
		for _, bad := range []string{strings.ToUpper(marker) + "_!", v + " ", " " + v, "\u0430\u0501\u043c\u0456\u043f" + marker} { // Cyrillic
			if !regexp.MustCompile(pattern).MatchString(bad) {
				w.add(path, "of the wrong form", bad)
			}
		}
	}
	if closed {
		w.add(path, "of no list", marker)
		w.add(path, "in capitals", strings.ToUpper(v)+"_")
	}
	if schema["format"] == "date-time" {
		for _, bad := range []string{"2026-13-45T00:00:00Z", "2027-01-01", "2027-01-01T00:00:00", "1e9", "tomorrow " + marker} {
			w.add(path, "no instant", bad)
		}
	}
	for _, h := range harmful {
		if !w.harmed || slices.Contains(often, h.name) {
			w.add(path, h.name, raw(`"`+marker+h.text+`"`))
		}
	}
	w.harmed = true
}
