package archtest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Members that say who asserted the values beside or below them, when, and on what.
var (
	saysWho = []string{
		"practitioner", "agency", "by", "by_myself", "recorded_by", "registrar", "captured_by", "asked_by", "hub", "manager", "authority", "provider", "own",
	}
	saysWhen = []string{"at", "from", "since", "asked_at", "recorded_at", "applied_at", "opened", "starts", "filed", "found_at", "measured", "enrolled_at", "confirmed", "until", "live_at"}
	saysWhat = []string{
		"act", "decision", "enquiry", "commitment", "consent", "request", "case", "certificate", "version", "terms_version", "statement", "recognition", "link", "complaint", "notice",
		"review", "task", "delivery", "import", "approval", "exclusion", "block", "effect", "grant", "withholding", "digest", "declaration", "dispute", "objection", "item", "id",
	}
	// paging says nothing of anybody.
	paging = []string{"next", "more", "complete"}
)

// unsourced calls yield for each object of an answer that somebody reads, that has values of
// its own, and that does not say who asserted them, when and on what, and nor does what it
// stands in.
func unsourced(c contract, yield func(object string)) {
	type known struct{ who, when, what bool }
	var walk func(n node, path string, k known, above []string)
	walk = func(n node, path string, k known, above []string) {
		n, name := c.follow(n)
		if name != "" {
			if slices.Contains(above, name) {
				return
			}
			path, above = name, append(slices.Clone(above), name)
		}
		if properties, ok := n["properties"].(node); ok {
			values := false
			for field, of := range properties {
				k.who, k.when, k.what = k.who || slices.Contains(saysWho, field), k.when || slices.Contains(saysWhen, field), k.what || slices.Contains(saysWhat, field)
				schema, _ := c.follow(of.(node))
				_, object := schema["properties"]
				values = values || !object && schema["type"] != "array" && !slices.Contains(paging, field)
			}
			if values && !(k.who && k.when && k.what) {
				yield(path)
			}
			for field, of := range properties {
				walk(of.(node), path+"."+field, k, above)
			}
		}
		for _, inner := range []string{"items", "additionalProperties"} {
			if of, ok := n[inner].(node); ok {
				walk(of, path, k, above)
			}
		}
		for _, several := range []string{"oneOf", "allOf", "anyOf"} {
			list, _ := n[several].([]any)
			for _, of := range list {
				walk(of.(node), path, k, above)
			}
		}
	}
	for _, item := range c.doc["paths"].(node) {
		read, ok := item.(node)["get"].(node)
		if !ok {
			continue
		}
		for code, response := range read["responses"].(node) {
			if code == "default" {
				continue
			}
			response, _ := c.follow(response.(node))
			for _, schema := range bodyOf(response) {
				walk(schema, read["operationId"].(string), known{}, nil)
			}
		}
	}
}

// SUS-16: of any value that somebody is shown it is said who asserted it, when and on what: beside
// it, or in docs/provenance.tsv where that is found.
func TestEveryValueSaysWhoAssertedItWhenAndOnWhat(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "provenance.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if object, where, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && !strings.HasPrefix(line, "#") {
			if found[object] != "" || where == "" {
				t.Errorf("docs/provenance.tsv names %s twice, or says nothing of it", object)
			}
			found[object] = where
		}
	}
	used := map[string]bool{}
	missing := map[string]bool{}
	unsourced(loadContract(t), func(object string) {
		used[object] = true
		if found[object] == "" && !missing[object] {
			missing[object] = true
			t.Errorf("%s says not who asserted its values, when and on what: say it there, or in docs/provenance.tsv where it is found", object)
		}
	})
	for object := range found {
		if !used[object] {
			t.Errorf("docs/provenance.tsv names %s, which says it itself, or is in no answer", object)
		}
	}
	if len(used) == 0 {
		t.Error("nothing was found: this test cannot fail")
	}
}
