package federation

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/fame-hub/fame/federation/entity"
)

// vectors is the file that go-oidfed/lib ships, from the module cache.
func vectors(t *testing.T) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/go-oidfed/lib").Output()
	if err != nil || strings.TrimSpace(string(dir)) == "" {
		t.Skipf("NOT JUDGED: go-oidfed/lib is not in the module cache: type `go mod download` in test/federation (%v)", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "metadata-policy-test-vectors-2025-02-13.json"))
	if err != nil {
		t.Skipf("NOT JUDGED: %v", err)
	}
	return text
}

// Issue 7: each of the 2,019 published policies merges, is refused or leaves the metadata as it
// is written there.
func TestAllPublishedMetadataPoliciesComeToWhatTheySay(t *testing.T) {
	var all []struct {
		N                  int
		TA, INT, Merged    entity.Rules
		Metadata, Resolved map[string]any
		Error              string
	}
	if err := json.Unmarshal(vectors(t), &all); err != nil {
		t.Fatal(err)
	}
	good := 0
	for _, v := range all {
		got := ""
		var resolved entity.Metadata
		merged, err := entity.Policy{"x": v.TA}.Merge(entity.Policy{"x": v.INT})
		if err != nil {
			got = "invalid_policy"
		} else if resolved, err = merged.Apply(entity.Metadata{"x": v.Metadata}); err != nil {
			got = "invalid_metadata"
		}
		switch {
		case got != v.Error:
			t.Errorf("%d: %q (%v), want %q", v.N, got, err, v.Error)
		case got == "" && !same(resolved["x"], v.Resolved):
			t.Errorf("%d: %v, want %v", v.N, resolved["x"], v.Resolved)
		default:
			good++
		}
	}
	t.Logf("%d of %d", good, len(all))
	if good != 2019 {
		t.Errorf("%d of 2,019", good)
	}
}

// same compares metadata, in whatever order lists are.
func same(a, b map[string]any) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		x, list := v.([]any)
		y, also := b[k].([]any)
		if list && also {
			if len(x) != len(y) {
				return false
			}
			for _, one := range x {
				found := false
				for _, other := range y {
					found = found || reflect.DeepEqual(one, other)
				}
				if !found {
					return false
				}
			}
		} else if !reflect.DeepEqual(v, b[k]) {
			return false
		}
	}
	return true
}
