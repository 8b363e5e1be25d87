//go:build goexperiment.jsonv2

package federation

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/fame-hub/fame/internal/npmtest"
)

// Issue 7: npm's @openid-federation/core finds and verifies a chain of three that our side has
// signed, and applies its policy; one of whose statements is signed with another's key it
// does not.
func TestAnotherPartnerVerifiesOurChain(t *testing.T) {
	dir := npmtest.Installed(t, "entity statements against @openid-federation/core", filepath.Join("testdata", "openid-federation-core"))
	f := newFederation(t)
	var forged string
	f.sign = func(name string, claims map[string]any) string {
		key := name
		if name == forged {
			key = "leaf"
		}
		return f.ourSide(t, name, key, claims)
	}
	judge := func() (said struct {
		Error  string
		Chains []struct {
			Statements [][2]string
			Metadata   map[string]map[string]any
		}
	}) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "node", "judge.mjs", f.id("leaf"), f.id("anchor"))
		cmd.Dir, cmd.Stderr = dir, os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &said); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return said
	}
	said := judge()
	if said.Error != "" || len(said.Chains) != 1 || len(said.Chains[0].Statements) < 3 || said.Chains[0].Metadata["federation_entity"]["organization_name"] != "leaf" {
		t.Fatalf("%+v", said)
	}
	if forged = "region"; len(judge().Chains) != 0 {
		t.Error("a chain is taken of which one statement is signed with another's key")
	}
}
