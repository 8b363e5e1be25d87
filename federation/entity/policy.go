package entity

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Policy is a metadata policy: operators by entity type and parameter (section 6.1).
type Policy map[string]Rules

// Rules are what a policy says of one entity type: operators by parameter.
type Rules map[string]Operators

// Operators are those of one parameter, with their values.
type Operators map[string]any

// The operators, in the order in which they are applied (section 6.1.3.1).
const (
	opValue      = "value"
	opAdd        = "add"
	opDefault    = "default"
	opOneOf      = "one_of"
	opSubsetOf   = "subset_of"
	opSupersetOf = "superset_of"
	opEssential  = "essential"
)

// check refuses a policy that cannot be understood: an operator that is critical and not
// known (section 6.1.3.2), a value of another type than its operator takes, or a
// combination that contradicts itself.
func (p Policy) check(critical []string) error {
	if len(critical) > 0 { // the specification's own may not be listed, and no other is known
		return refused("a critical policy operator is none that is understood here")
	}
	for _, rules := range p {
		if err := rules.check(); err != nil {
			return err
		}
	}
	return nil
}

func (r Rules) check() error {
	for parameter, ops := range r {
		if parameter == "" || len(ops) == 0 {
			return refused("a policy without a parameter or an operator")
		}
		if err := ops.check(parameter); err != nil {
			return err
		}
	}
	return nil
}

// check holds the operators of one parameter to their types and to each other.
func (o Operators) check(parameter string) error {
	for op, v := range o {
		switch op {
		case opAdd, opOneOf, opSubsetOf, opSupersetOf:
			list, ok := v.([]any)
			if !ok {
				return refused("%s takes a list", op)
			}
			for _, item := range list {
				switch item.(type) {
				case string, float64, map[string]any:
				default:
					return refused("%s takes a list of strings, numbers or objects", op)
				}
			}
			if op == opOneOf && len(list) == 0 {
				return refused("nothing is left of one_of")
			}
		case opDefault:
			if v == nil {
				return refused("default takes a value")
			}
		case opEssential:
			if _, ok := v.(bool); !ok {
				return refused("essential is true or false")
			}
		}
	}
	value, hasValue := o[opValue]
	_, oneOf := o[opOneOf]
	within := func(a, b string) bool { return contains(listOf(o[b], parameter), listOf(o[a], parameter)) }
	has := func(ops ...string) bool {
		for _, op := range ops {
			if _, ok := o[op]; !ok {
				return false
			}
		}
		return true
	}
	switch {
	case oneOf && (has(opAdd) || has(opSubsetOf) || has(opSupersetOf)):
		return refused("one_of stands beside an operator for lists")
	case hasValue && value == nil && (has(opDefault) || has(opAdd) || o[opEssential] == true):
		return refused("a value that is null stands beside an operator that needs one")
	case has(opValue, opAdd) && !within(opAdd, opValue):
		return refused("what add adds is not in value")
	case hasValue && oneOf && !slices.ContainsFunc(o[opOneOf].([]any), func(one any) bool { return same(one, value) }):
		return refused("value is not in one_of")
	case has(opValue, opSubsetOf) && !within(opValue, opSubsetOf):
		return refused("value is not within subset_of")
	case has(opValue, opSupersetOf) && !within(opSupersetOf, opValue):
		return refused("value does not hold superset_of")
	case has(opAdd, opSubsetOf) && !within(opAdd, opSubsetOf):
		return refused("what add adds is not within subset_of")
	case has(opSupersetOf, opSubsetOf) && !within(opSupersetOf, opSubsetOf):
		return refused("subset_of does not hold superset_of")
	}
	return nil
}

// Merge is what a superior's policy and one further down the chain come to: it can only
// grow stricter (section 6.1.4.1). A conflict has the whole chain refused.
func (p Policy) Merge(below Policy) (Policy, error) {
	out := Policy{}
	for of, rules := range p {
		out[of] = maps.Clone(rules)
	}
	for of, rules := range below {
		merged, err := out[of].merge(rules)
		if err != nil {
			return nil, err
		}
		out[of] = merged
	}
	return out, nil
}

func (r Rules) merge(below Rules) (Rules, error) {
	out := maps.Clone(r)
	if out == nil {
		out = Rules{}
	}
	for parameter, ops := range below {
		merged, err := out[parameter].merge(ops, parameter)
		if err != nil {
			return nil, err
		}
		out[parameter] = merged
	}
	return out, out.check()
}

func (o Operators) merge(below Operators, parameter string) (Operators, error) {
	out := maps.Clone(o)
	if out == nil {
		out = Operators{}
	}
	for op, v := range below {
		was, both := out[op]
		if !both {
			out[op] = v
			continue
		}
		a, _ := was.([]any)
		b, _ := v.([]any)
		switch op {
		case opAdd, opSupersetOf:
			out[op] = union(a, b)
		case opOneOf, opSubsetOf:
			out[op] = intersection(a, b)
		case opEssential:
			out[op] = was == true || v == true
		case opValue, opDefault:
			if !same(was, v) {
				return nil, refused("two superiors give another %s", op)
			}
		}
	}
	return out, nil
}

// Apply is the metadata as the policy leaves it, or a refusal where it does not comply
// (section 6.1.4.2). Entity types of which the entity states nothing stay absent.
func (p Policy) Apply(metadata Metadata) (Metadata, error) {
	out := Metadata{}
	for of, parameters := range metadata {
		applied, err := p[of].Apply(parameters)
		if err != nil {
			return nil, err
		}
		out[of] = applied
	}
	return out, nil
}

// Apply is Policy.Apply for one entity type.
func (r Rules) Apply(parameters map[string]any) (map[string]any, error) {
	out := maps.Clone(parameters)
	if out == nil {
		out = map[string]any{}
	}
	for parameter, ops := range r {
		v, there := out[parameter]
		v, there, err := ops.apply(parameter, v, there)
		if err != nil {
			return nil, err
		}
		if there {
			out[parameter] = v
		} else {
			delete(out, parameter)
		}
	}
	return out, nil
}

// apply goes through the operators in their order.
func (o Operators) apply(parameter string, v any, there bool) (any, bool, error) {
	if value, ok := o[opValue]; ok {
		v, there = value, value != nil
	}
	if add, ok := o[opAdd].([]any); ok {
		if !there {
			v, there = asBefore(parameter, nil, add), true
		} else {
			v = asBefore(parameter, v, union(listOf(v, parameter), add))
		}
	}
	if d, ok := o[opDefault]; ok && !there {
		v, there = d, true
	}
	if oneOf, ok := o[opOneOf].([]any); ok && there {
		if !slices.ContainsFunc(oneOf, func(one any) bool { return same(one, v) }) {
			return nil, false, refused("a parameter is none of one_of")
		}
	}
	if subset, ok := o[opSubsetOf].([]any); ok && there {
		left := intersection(listOf(v, parameter), subset)
		v = asBefore(parameter, v, left) // an empty list is one, too
	}
	if superset, ok := o[opSupersetOf].([]any); ok && there {
		if !contains(listOf(v, parameter), superset) {
			return nil, false, refused("a parameter does not hold all of superset_of")
		}
	}
	if o[opEssential] == true && !there {
		return nil, false, refused("an essential parameter is absent")
	}
	return v, there, nil
}

// spaced are parameters whose lists are written as one string with spaces.
const spaced = "scope"

// listOf is a parameter as a list; one that is a single value is a list of it.
func listOf(v any, parameter string) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	case string:
		if parameter == spaced {
			list := []any{}
			for _, word := range strings.Fields(v) {
				list = append(list, word)
			}
			return list
		}
	}
	return []any{v}
}

// asBefore writes a list as the parameter was written.
func asBefore(parameter string, was any, list []any) any {
	if _, ok := was.(string); parameter != spaced || !ok && was != nil {
		return list
	}
	words := make([]string, len(list))
	for i, word := range list {
		words[i], _ = word.(string)
	}
	return strings.Join(words, " ")
}

// same compares values; of lists the order does not matter.
func same(a, b any) bool {
	x, ok := a.([]any)
	y, also := b.([]any)
	if ok && also {
		return contains(x, y) && contains(y, x)
	}
	return reflect.DeepEqual(a, b)
}

func contains(all, some []any) bool {
	for _, one := range some {
		if !slices.ContainsFunc(all, func(other any) bool { return same(one, other) }) {
			return false
		}
	}
	return true
}

func union(a, b []any) []any {
	out := slices.Clone(a)
	for _, one := range b {
		if !contains(out, []any{one}) {
			out = append(out, one)
		}
	}
	return out
}

func intersection(a, b []any) []any {
	out := []any{}
	for _, one := range a {
		if contains(b, []any{one}) {
			out = append(out, one)
		}
	}
	return out
}
