package partnership

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"

	"github.com/fame-hub/fame/internal/fault"
)

// maxDepth is deeper than any document that fits the schema.
const maxDepth = 16

// wholeNumber is the only kind of number in a document. Larger ones, and
// fractions, are refused before anything computes with them.
var wholeNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,8})$`)

// decoder reads JSON into plain values and notes what encoding/json would let
// pass: a key given twice, of which it keeps the last, and text after the end.
type decoder struct {
	json     *json.Decoder
	problems []fault.Field
}

// decode reads one JSON value. Where there are problems the value is not to be
// used.
func decode(text []byte) (any, []fault.Field) {
	if len(text) > MaxSize {
		return nil, []fault.Field{{Detail: "write a document of at most 4 MiB"}}
	}
	d := &decoder{json: json.NewDecoder(bytes.NewReader(text))}
	d.json.UseNumber()
	value, ok := d.value(nil)
	if ok {
		if _, err := d.json.Token(); err != io.EOF {
			d.add(nil, "write one JSON object and nothing after it")
		}
	}
	return value, d.problems
}

// add notes a problem. The pointer stops above a key that is no name of a field.
func (d *decoder) add(path []any, detail string) {
	for i, token := range path {
		if key, ok := token.(string); ok && !fieldName.MatchString(key) {
			path = path[:i]
			break
		}
	}
	d.problems = append(d.problems, fault.Field{Pointer: pointer(path...), Detail: detail})
}

// value reads the next value; false means that reading cannot go on.
func (d *decoder) value(path []any) (any, bool) {
	token, err := d.json.Token()
	if err != nil {
		d.add(path, "write JSON: what stands here, or right after it, cannot be read as that")
		return nil, false
	}
	if len(path) > maxDepth {
		d.add(path[:maxDepth], "write no more levels than the schema has")
		return nil, false
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return d.object(path)
		}
		return d.list(path)
	case json.Number:
		if !wholeNumber.MatchString(t.String()) {
			d.add(path, "write a whole number of at most nine digits, or quote what is meant as text")
		}
		return t, true
	default:
		return t, true
	}
}

func (d *decoder) object(path []any) (any, bool) {
	object := map[string]any{}
	for d.json.More() {
		token, err := d.json.Token()
		key, isKey := token.(string)
		if err != nil || !isKey {
			d.add(path, "write JSON: what stands in this object cannot be read as that")
			return nil, false
		}
		if _, twice := object[key]; twice {
			d.add(path, "give every field once: one stands here twice")
		}
		v, ok := d.value(append(path[:len(path):len(path)], key))
		if !ok {
			return nil, false
		}
		object[key] = v
	}
	return object, d.end(path)
}

func (d *decoder) list(path []any) (any, bool) {
	list := []any{}
	for d.json.More() {
		v, ok := d.value(append(path[:len(path):len(path)], len(list)))
		if !ok {
			return nil, false
		}
		list = append(list, v)
	}
	return list, d.end(path)
}

// end reads the closing bracket.
func (d *decoder) end(path []any) bool {
	if _, err := d.json.Token(); err != nil {
		d.add(path, "write JSON: this is not closed")
		return false
	}
	return true
}
