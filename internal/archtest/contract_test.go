package archtest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// node is a part of openapi.yaml.
type node = map[string]any

// contract is openapi.yaml, as it is read by whoever writes a client.
type contract struct{ doc node }

func loadContract(t *testing.T) contract {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var c contract
	if err := yaml.Unmarshal(text, &c.doc); err != nil {
		t.Fatal(err)
	}
	return c
}

// follow returns what n refers to, and the name of that.
func (c contract) follow(n node) (node, string) {
	name := ""
	for {
		ref, ok := n["$ref"].(string)
		if !ok {
			return n, name
		}
		name = ref[strings.LastIndex(ref, "/")+1:]
		at := c.doc
		for _, part := range strings.Split(ref, "/")[1:] {
			at = at[part].(node)
		}
		n = at
	}
}

// member is one member of a schema, wherever in it.
type member struct {
	field  string // its name
	schema node
	parent node   // the object that has it
	name   string // what the contract calls its schema, if anything
}

// members calls yield for each member of the schema n, the same schema once.
func (c contract) members(n node, seen map[string]bool, yield func(member)) {
	n, name := c.follow(n)
	if name != "" {
		if seen[name] {
			return
		}
		seen[name] = true
	}
	if properties, ok := n["properties"].(node); ok {
		for field, of := range properties {
			schema, called := c.follow(of.(node))
			yield(member{field, schema, n, called})
			c.members(of.(node), seen, yield)
		}
	}
	for _, inner := range []string{"items", "additionalProperties"} {
		if of, ok := n[inner].(node); ok {
			c.members(of, seen, yield)
		}
	}
	for _, several := range []string{"oneOf", "allOf", "anyOf"} {
		of, _ := n[several].([]any)
		for _, one := range of {
			c.members(one.(node), seen, yield)
		}
	}
}

// operations calls yield for each operation of a duty.
func (c contract) operations(duty string, yield func(id string, operation node)) {
	for path, methods := range c.doc["paths"].(node) {
		for method, of := range methods.(node) {
			if operation, ok := of.(node); ok && method != "parameters" && strings.HasPrefix(path, "/"+duty+"/") {
				yield(operation["operationId"].(string), operation)
			}
		}
	}
}

func bodyOf(of any) []node {
	var all []node
	if of, ok := of.(node); ok {
		content, _ := of["content"].(node)
		for _, media := range content {
			if schema, ok := media.(node)["schema"].(node); ok {
				all = append(all, schema)
			}
		}
	}
	return all
}

// open are the strings of a request that neither a list, a form nor a pattern
// bounds here: the pattern of a local identifier is its column's.
var open = []string{"LocalIdentifier"}

// checkNoNotes reports what a duty's requests leave room to write.
func checkNoNotes(c contract, duty string) (all []violation) {
	personal := []string{"name", "given", "family", "born", "birth", "date_of_birth", "address", "postcode", "phone", "email", "sex", "note", "notes", "text", "comment"}
	c.operations(duty, func(id string, operation node) {
		for _, schema := range bodyOf(operation["requestBody"]) {
			c.members(schema, map[string]bool{}, func(m member) {
				if slices.Contains(personal, m.field) {
					all = append(all, breach("%s takes %s: who somebody is belongs to a registrar, what happened to the agency's own records", id, m.field))
				}
				if m.parent["additionalProperties"] != false && m.parent["oneOf"] == nil {
					all = append(all, breach("%s takes members beside %s that it does not know: write additionalProperties: false", id, m.field))
				}
				if m.schema["type"] == "string" && m.schema["enum"] == nil && m.schema["pattern"] == nil && m.schema["format"] == nil && !slices.Contains(open, m.name) {
					all = append(all, breach("%s takes any text as %s: give it a list, a format or a pattern", id, m.field))
				}
				if most, _ := m.schema["maxLength"].(int); m.schema["type"] == "string" && m.schema["enum"] == nil && m.schema["format"] == nil && (most == 0 || most > 10_000) {
					all = append(all, breach("%s takes %s of any length: write maxLength", id, m.field))
				}
			})
		}
	})
	return all
}

// IDX-11, QRY-06: no case note and no personal detail can be put into the index,
// into consents or into private links: a request has only codes, times, ids, signed
// statements and what a column calls somebody.
func TestTheIndexHasNoRoomForACaseNote(t *testing.T) {
	t.Parallel()
	for _, duty := range []string{"relmgr", "consent", "idmgr"} {
		report(t, "what has room for a note will hold one", checkNoNotes(loadContract(t), duty))
	}
}

func TestTheIndexHasNoRoomForACaseNoteCanFail(t *testing.T) {
	t.Parallel()
	c := loadContract(t)
	schemas := c.doc["components"].(node)["schemas"].(node)
	schemas["EnquiryRequest"].(node)["properties"].(node)["note"] = node{"type": "string", "maxLength": 90}
	delete(schemas["ContactRequest"].(node), "additionalProperties")
	mustReport(t, checkNoNotes(c, "relmgr"), "enquire takes note", "enquire takes any text as note", "requestContact takes members beside contact")
}

// fields are the names of the members of a duty's answers.
func fields(c contract, duty string) map[string]bool {
	all := map[string]bool{}
	seen := map[string]bool{}
	c.operations(duty, func(_ string, operation node) {
		for _, response := range operation["responses"].(node) {
			r, name := c.follow(response.(node))
			if name == "Problem" { // RFC 9457's own
				continue
			}
			for _, schema := range bodyOf(r) {
				c.members(schema, seen, func(m member) { all[m.field] = true })
			}
		}
	})
	return all
}

// IDX-17: the answer to a question is whom to contact, how and for what, and no
// content: nothing but what is listed here.
func TestAnAnswerHoldsContactsAndOffersAlone(t *testing.T) {
	t.Parallel()
	c := loadContract(t)
	var got []string
	c.members(node{"$ref": "#/components/schemas/Answer"}, map[string]bool{}, func(m member) { got = append(got, m.field) })
	slices.Sort(got)
	got = slices.Compact(got)
	want := []string{
		"agency", "agency_name", "commitment", "complete", "confirmed", "contact", "escalated", "hours", "hub", "id", "kind", "known", "meaning",
		"offers", "order", "orders", "provider", "providers", "published", "recourse", "role", "title", "transactions", "value",
	}
	if !slices.Equal(got, want) {
		t.Errorf("an answer has %v, want %v and nothing else", got, want)
	}
}

// justified reads docs/reply-fields.tsv: duty, the names of members separated by
// commas, and why whoever is answered needs them.
func justified(t *testing.T) map[string]map[string]bool {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "docs/reply-fields.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]map[string]bool{}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		part := strings.Split(line, "\t")
		if len(part) != 3 || len(part[2]) < 10 {
			t.Fatalf("docs/reply-fields.tsv:%d: write the duty, the fields and why, with tabs between them", i+1)
		}
		if all[part[0]] == nil {
			all[part[0]] = map[string]bool{}
		}
		for _, f := range strings.Split(part[1], ",") {
			if all[part[0]][f] {
				t.Errorf("docs/reply-fields.tsv:%d names %s of %s again", i+1, f, part[0])
			}
			all[part[0]][f] = true
		}
	}
	return all
}

// LEG-30: nothing is answered but what somebody needs, and why stands beside it.
func TestEveryFieldOfAnAnswerIsJustified(t *testing.T) {
	t.Parallel()
	c, reasons := loadContract(t), justified(t)
	for _, duty := range []string{"relmgr", "consent", "idmgr", "registrar", "governance", "federation"} {
		got, listed := fields(c, duty), reasons[duty]
		for _, f := range slices.Sorted(maps.Keys(got)) {
			if !listed[f] {
				t.Errorf("%s answers with %s: leave it out, or say in docs/reply-fields.tsv who needs it", duty, f)
			}
		}
		for _, f := range slices.Sorted(maps.Keys(listed)) {
			if !got[f] {
				t.Errorf("%s answers with no %s any more: take it out of docs/reply-fields.tsv", duty, f)
			}
		}
		if len(got) < 10 {
			t.Error(fmt.Sprint("only ", len(got), " fields of ", duty, ": is openapi.yaml read?"))
		}
	}
}
