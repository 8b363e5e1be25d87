package partnership

import (
	"encoding/json"
	"maps"
	"slices"
)

// Change is one difference between two documents.
type Change struct {
	Change  string // add, remove or replace
	Pointer string // members of lists by their id, code or name, not their place
	From    string // the value in force, as JSON; empty for add
	To      string // the value of the new document, as JSON; empty for remove
}

// The kinds of change.
const (
	Add     = "add"
	Remove  = "remove"
	Replace = "replace"
)

// hidden stands for what a practitioner is called by an issuer.
const hidden = "(hidden)"

// Diff lists what applying new where old is in force changes, in reading
// order. Moving a member within its list is no change. That a practitioner's
// subject differs is said; what it was and is, is not.
func Diff(old, new Document) []Change {
	var d differ
	from, to := tree(old), tree(new)
	for _, section := range sections {
		d.value([]any{section}, from[section], to[section])
	}
	return d.changes
}

// tree is the document as plain JSON values.
func tree(doc Document) map[string]any {
	b, err := json.Marshal(doc)
	if err != nil {
		// Only a time beyond year 9999 has no JSON form, and Parse refuses it.
		panic(err)
	}
	var t map[string]any
	if err := json.Unmarshal(b, &t); err != nil {
		panic(err)
	}
	return t
}

type differ struct{ changes []Change }

// value compares what stands at one place; nil is an absent value.
func (d *differ) value(at []any, from, to any) {
	if object, ok := from.(map[string]any); ok {
		if other, ok := to.(map[string]any); ok {
			d.object(at, object, other)
			return
		}
	}
	before, isList := from.([]any)
	after, isListToo := to.([]any)
	if isList && isListToo || isList && to == nil || isListToo && from == nil {
		d.list(at, before, after)
		return
	}
	d.note(at, from, to)
}

func (d *differ) object(at []any, from, to map[string]any) {
	names := maps.Clone(from)
	maps.Copy(names, to)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d.value(append(at[:len(at):len(at)], name), from[name], to[name])
	}
}

// list compares members that have the same key: what went or changed in the
// old order, then what came in the new one.
func (d *differ) list(at []any, from, to []any) {
	before, after := keyed(from), keyed(to)
	for _, m := range from {
		k := key(m)
		d.value(append(at[:len(at):len(at)], k), before[k], after[k])
	}
	for _, m := range to {
		k := key(m)
		if _, had := before[k]; !had {
			d.value(append(at[:len(at):len(at)], k), nil, after[k])
		}
	}
}

func keyed(list []any) map[string]any {
	m := make(map[string]any, len(list))
	for _, v := range list {
		m[key(v)] = v
	}
	return m
}

// key is what tells a member of a list from the others.
func key(member any) string {
	object, ok := member.(map[string]any)
	if !ok {
		s, _ := member.(string)
		return s
	}
	for _, name := range []string{"id", "code", "name", "kid"} {
		if s, ok := object[name].(string); ok {
			return s
		}
	}
	claim, _ := object["claim"].(string)
	value, _ := object["value"].(string)
	return claim + "=" + value
}

// note records a difference between two values that are not looked into.
func (d *differ) note(at []any, from, to any) {
	before, after := render(from), render(to)
	if before == after {
		return
	}
	c := Change{Pointer: pointer(at...), From: render(cover(at, from)), To: render(cover(at, to))}
	switch {
	case from == nil:
		c.Change = Add
	case to == nil:
		c.Change = Remove
	default:
		c.Change = Replace
	}
	d.changes = append(d.changes, c)
}

// cover hides a practitioner's subject.
func cover(at []any, v any) any {
	if v == nil || at[0] != "practitioners" {
		return v
	}
	if len(at) == 3 && at[2] == "subject" {
		return hidden
	}
	if object, ok := v.(map[string]any); ok && len(at) == 2 {
		object = maps.Clone(object)
		object["subject"] = hidden
		return object
	}
	return v
}

// render writes a value as JSON; an absent one as nothing.
func render(v any) string {
	if v == nil {
		return ""
	}
	b, _ := json.Marshal(v) // it came from JSON
	return string(b)
}
