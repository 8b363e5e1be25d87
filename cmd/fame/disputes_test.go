package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/hubtest"
)

// TRU-10: a dispute that one hub files while the other is away is told when it is back, timed
// at both, answered once by the other's officers, and its outcome reaches the one that filed
// it, also across a crash of either; both logs have both ends.
func disputed(t *testing.T, home, school *town) {
	only := func(w *town) map[string]any {
		t.Helper()
		list := w.peers(t, 0, "disputes")["disputes"].([]any)
		if len(list) == 0 {
			return map[string]any{}
		}
		return list[0].(map[string]any)
	}
	until := func(w *town, what, name string, want any) map[string]any {
		t.Helper()
		hubtest.Eventually(t, what, func() error {
			if got := only(w)[name]; got != want {
				return fmt.Errorf("%s is %v, want %v", name, got, want)
			}
			return nil
		})
		return only(w)
	}
	school.Federation.Kill(t)
	filed := home.peers(t, 0, "dispute", school.made.Hub, "--about", "no-answer", "--reason", "risk-of-harm")["dispute"].(map[string]any)
	home.Federation.Kill(t)
	school.Federation.Start(t)
	home.Federation.Start(t)
	until(home, "the other hub has taken the dispute", "told", true)
	there := only(school)
	for _, name := range []string{"dispute", "about", "reason", "at", "due"} {
		if there[name] != filed[name] || filed[name] == nil {
			t.Errorf("%s: %v where it was filed, %v there", name, filed[name], there[name])
		}
	}
	at, err := time.Parse(time.RFC3339, there["at"].(string))
	if err != nil || there["due"] != at.AddDate(0, 0, 28).Format(time.RFC3339) || there["hub"] != home.made.Hub || there["filed"] != "there" || there["outcome"] != nil {
		t.Errorf("%v %v", there, err)
	}
	id := filed["dispute"].(string)
	home.peers(t, 1, "answer", id, "--outcome", "upheld", "--reason", "work-ended")
	school.peers(t, 0, "answer", id, "--outcome", "settled", "--reason", "work-ended")
	school.peers(t, 1, "answer", id, "--outcome", "dismissed", "--reason", "work-ended")
	ended := until(home, "the outcome has come", "outcome", "settled")
	if ended["outcome_reason"] != "work-ended" || ended["ended"] == nil {
		t.Errorf("%v", ended)
	}
	until(school, "the hub that filed it has taken the outcome", "told", true)
	for _, w := range []*town{home, school} {
		w.verifies(t)
	}
}
