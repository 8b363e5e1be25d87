package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/fame-hub/fame/internal/pg/private"
)

// A short campaign loses nothing, and prints its result; the program itself
// fails otherwise. The seed kills PostgreSQL, a duty and the sequencer.
func TestAShortCampaignLosesNothing(t *testing.T) {
	if _, err := private.Version(t.Context()); errors.Is(err, private.ErrNoBinaries) && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: %v", err)
	}
	t.Chdir("../..") // where the programs are built from
	var out, table bytes.Buffer
	if err := run(t.Context(), []string{"-rounds", "3", "-clients", "2", "-seed", "1"}, &out, &table); err != nil {
		t.Fatalf("%v\n%s", err, table.String())
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Rounds != 3 || r.Acknowledged < 100 || r.Proved != r.Acknowledged || r.Lost != 0 || r.Duplicated != 0 || r.Verify != "ok" {
		t.Errorf("%+v", r)
	}
	for _, kind := range []string{"publish", "pair", "correlate", "withdraw", "import", "consent", "enquiry"} {
		if r.Of[kind] == 0 {
			t.Errorf("nothing of kind %s was acknowledged: %v", kind, r.Of)
		}
	}
}
