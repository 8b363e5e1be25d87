package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/fame-hub/fame/internal/pg/private"
)

// A short run prints its result as JSON on the last line, and every line of the
// file was published and copied: the program itself fails otherwise.
func TestAShortRunPrintsItsResult(t *testing.T) {
	if _, err := private.Version(t.Context()); errors.Is(err, private.ErrNoBinaries) && os.Getenv("CI") == "" {
		t.Skipf("NOT TESTED: %v", err)
	}
	t.Chdir("../..") // where the programs are built from
	var out, table bytes.Buffer
	if err := run(t.Context(), []string{"-lines", "500", "-rounds", "2"}, &out, &table); err != nil {
		t.Fatalf("%v\n%s", err, table.String())
	}
	var r report
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatal(err)
	}
	if r.Lines != 500 || r.Rounds != 2 || r.Ratio <= 0 || r.RatioCPU <= 0 || r.ClientRSS <= 0 || r.HubRSS <= 0 {
		t.Errorf("%+v", r)
	}
}
