package main

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/hubtest"
)

// tokensAreReplaced replaces the keys by which the registrar finds the people of a register
// and reads what it knows of them (DCP-10), while people are recognised; the tool is killed
// with -9 at moments that nobody chose, and the registrar once. Everybody is found at each
// step, and afterwards without the old keys. known is the evidence of the n-th of them.
func (w *town) tokensAreReplaced(t *testing.T, register string, known func(n int) []map[string]any) {
	t.Helper()
	asked := 0
	found := func(n int) {
		t.Helper()
		for range n {
			asked++
			got := w.tellRegistrar(t, "mr-lindqvist", "/registers/"+register+"/recognitions", map[string]any{
				"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": known(asked),
			})
			if got["outcome"] != "determined" {
				t.Fatalf("somebody is found no more: %v after %d", got["outcome"], asked)
			}
		}
	}
	found(2)
	for what, say := range map[string]string{"tokens": "finds people by its new key", "people": "is under its new key"} {
		keys := []string{"--dir", w.Dir, "keys", what}
		for round := range 4 {
			tool := hubtest.FameCommand(t, keys...)
			if err := tool.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(rand.N(300 * time.Millisecond))
			found(1)
			_ = tool.Process.Kill()
			_ = tool.Wait()
			if round == 2 {
				w.Registrar.Kill(t)
				w.Registrar.Start(t)
			}
			found(2)
		}
		wantOutcome(t, hubtest.Fame(t, "", keys...), 0, say)
		found(2)
	}
	wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "keys", "list"), 0, "duty/registrar/tokens/2", "duty/registrar/subjects/2", "retired, to be destroyed after")
	for _, old := range []string{"duty/registrar/tokens/1", "duty/registrar/subjects/1"} {
		wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "keys", "destroy", "--early", old), 0, "destroyed "+old)
	}
	found(2)
	w.Registrar.Kill(t) // it starts without the destroyed keys
	w.Registrar.Start(t)
	found(2)
	var left int
	if err := w.Admin(t).QueryRow(`select (select count(*) from registrar.profiles p, registrar.token_epochs e where p.oldest <> e.reading or p.newest <> e.reading)
		+ (select count(*) from registrar.subject_keys where wrapped_by = 'duty/registrar/subjects/1')`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d stand by old keys, %v", left, err)
	}
	w.verifies(t)
}

// knownFromFile is the evidence of the n-th person of personFile who was entered as they are.
func knownFromFile(n int) []map[string]any {
	i := 7*n + 1
	for i%499%50 == 0 || i%499 == 249 {
		i++
	}
	return []map[string]any{
		{"name": map[string]any{"given": fmt.Sprintf("Given%c%d", 'a'+i%26, i%701), "family": fmt.Sprintf("Family%d", i%1009)}},
		{"birth": map[string]any{"date": fmt.Sprintf("19%02d-%02d-%02d", i%90+10, i%12+1, i%28+1)}},
		{"identifier": map[string]any{"scheme": "passport", "value": fmt.Sprintf("ZX%06d", i)}},
	}
}
