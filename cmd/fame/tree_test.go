package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/hubtest"
)

// regions are two regions of two hubs each: hubs of hubs, with a federation duty and what it
// needs, and leaves that have met their region and nobody else.
type regions struct {
	north, south *town
	leaves       []*town // of the north, then of the south
}

func newRegions(t *testing.T) regions {
	t.Helper()
	hubtest.Dir(t, "first")
	p := hubtest.NewPostgres(t)
	var r regions
	for _, name := range []string{"north", "south"} {
		w := metHub(t, p, name).explained(t)
		for _, d := range []*hubtest.Process{w.Registrar, w.Consent, w.Idmgr, w.Relmgr} {
			d.Kill(t) // nobody is registered or published there
		}
		if name == "north" {
			r.north = w
		} else {
			r.south = w
		}
	}
	for _, name := range []string{"northa", "northb", "southa", "southb"} {
		r.leaves = append(r.leaves, metHub(t, p, name).explained(t))
	}
	for _, w := range r.leaves {
		w.borders(t, r.leaves, func(map[string]any) {})
	}
	for i, w := range r.leaves {
		region := []*town{r.north, r.south}[i/2]
		joined(t, w, region, region.made.Hub)
	}
	joined(t, r.north, r.south, r.north.made.Hub, r.south.made.Hub)
	return r
}

// FED-35, FED-22, FED-31, QRY-04: a question of a leaf reaches the leaves of the other region through
// the regions, which are hubs like any. Each leaf answers by its own decisions; each hub on the way verifies the
// one before it and its standing, passes on by what it has agreed, and records both ends; none of them learns
// whom it is about, or what was answered. What is hidden is absent there too, and a hub has answered or has not.
func TestE2EAQuestionGoesFromALeafOfOneRegionToALeafOfTheOther(t *testing.T) {
	r := newRegions(t)
	asker, sibling, told, untold := r.leaves[0], r.leaves[1], r.leaves[2], r.leaves[3]
	const child, hidden, stranger = "9434765919", "9434765870", "9434765838"
	told.tellsHubs(t, child, asker.made.Hub)
	told.tellsHubs(t, hidden, untold.made.Hub)
	hubtest.Eventually(t, "every leaf is reached", func() error {
		if h, _ := asker.asksAll(t, "dr-patel", stranger); !h.complete {
			return fmt.Errorf("%v", h.hubs)
		}
		return nil
	})
	h, _ := asker.asksAll(t, "dr-patel", child)
	wantToldBy(t, h, told, "Riverside Surgery")
	wantToldBy(t, h, untold)
	wantToldBy(t, h, sibling)
	if len(h.hubs) != 3 || !h.complete {
		t.Errorf("%+v", h)
	}
	var forms []string
	for _, number := range []string{hidden, stranger} {
		h, _ = asker.asksAll(t, "dr-patel", number)
		wantToldBy(t, h, told)
		said := h.hubs[told.made.Hub]
		delete(said, "commitment")
		forms = append(forms, fmt.Sprint(said))
	}
	if forms[0] != forms[1] {
		t.Errorf("%q: hidden and absent are told apart", forms)
	}

	// The other way, and of one whom the leaf next door has told of.
	h, _ = untold.asksAll(t, "dr-patel", hidden)
	wantToldBy(t, h, told, "Riverside Surgery")
	wantToldBy(t, h, asker)

	// Both ends are recorded at every hub on the way.
	for _, step := range []struct {
		at       *town
		outgoing bool
		hub      *town
		kind     string
		want     string
	}{
		{asker, true, r.north, "relay", "passed-on"}, {r.north, false, asker, "relay", "passed-on"},
		{r.north, true, r.south, "relay", "passed-on"}, {r.south, false, r.north, "relay", "passed-on"},
		{r.south, true, told, "relay", "passed-on"}, {told, false, r.south, "relay", "passed-on"},
		{told, false, asker, "enquiry", "answered"}, {asker, true, told, "enquiry", "answered"},
	} {
		if n := step.at.exchanged(t, step.outgoing, step.hub, step.kind, step.want); n < 3 {
			t.Errorf("%s has %d of %s with %s, outgoing %v", step.at.Name, n, step.kind, step.hub.Name, step.outgoing)
		}
	}
	for _, w := range []*town{r.north, r.south} {
		for what, text := range map[string]string{"the dump": string(w.Postgres.Dump(t, w.Name)), "the log": string(w.Federation.Log.Bytes())} {
			for _, known := range []string{child, hidden, stranger} {
				if strings.Contains(text, known) {
					t.Errorf("%s of %s, which passed it on, holds %s", what, w.Name, known)
				}
			}
		}
		if n := w.exchanged(t, false, asker, "enquiry", "answered"); n != 0 {
			t.Errorf("%s read %d questions that were not for it", w.Name, n)
		}
	}

	t.Run("privately", func(t *testing.T) {
		asker.borders(t, r.leaves, func(doc map[string]any) {
			for _, a := range doc["agreements"].([]any) {
				if a := a.(map[string]any); a["code"] == "riverside-children" {
					a["private_look_up"] = "first"
				}
			}
		})
		hubtest.Eventually(t, "the tags are made", func() error {
			h, _ := asker.asksAll(t, "dr-patel", child)
			if said := h.hubs[told.made.Hub]; said["answered"] != true || len(said["providers"].([]any)) != 1 {
				return fmt.Errorf("%v", said)
			}
			return nil
		})
		if n := told.exchanged(t, false, asker, "look-up", "looked-up"); n == 0 {
			t.Error("no look-up came")
		}
		asker.borders(t, r.leaves, func(map[string]any) {})
	})

	// Each hub on the way decides: a region that suspends a leaf passes nothing on to it, and
	// whoever asks learns that it has not answered.
	turned := func(w, of *town, turn, reason string) {
		t.Helper()
		peers := w.Federation.URL + "/federation/v1/peers"
		for _, p := range w.send(t, "gov-ellis", http.MethodGet, peers, nil).said(t, http.StatusOK)["peers"].([]any) {
			if p := p.(map[string]any); p["entity"] == of.made.Hub {
				w.send(t, "gov-ellis", http.MethodPost, peers+"/"+p["peer"].(string)+"/"+turn, map[string]any{"reason": reason}).said(t, http.StatusOK)
			}
		}
	}
	silent := func(what string, silent ...*town) {
		t.Helper()
		h, _ := asker.asksAll(t, "dr-patel", child)
		for _, w := range r.leaves[1:] {
			said := h.hubs[w.made.Hub]
			if want := !slices.Contains(silent, w); said["answered"] != want || !want && said["outcome"] != nil {
				t.Errorf("%s: %s: %v", what, w.Name, said)
			}
		}
	}
	turned(r.south, told, "suspension", "risk-of-harm")
	silent("suspended by its region", told)
	turned(r.south, told, "readmission", "work-ended")
	hubtest.Eventually(t, "readmitted", func() error {
		if h, _ := asker.asksAll(t, "dr-patel", child); !h.complete {
			return fmt.Errorf("%v", h.hubs)
		}
		return nil
	})
	turned(r.north, asker, "suspension", "risk-of-harm")
	silent("the asker suspended by its own region", sibling, told, untold)
	turned(r.north, asker, "readmission", "work-ended")
	hubtest.Eventually(t, "the asker readmitted", func() error {
		if h, _ := asker.asksAll(t, "dr-patel", child); !h.complete {
			return fmt.Errorf("%v", h.hubs)
		}
		return nil
	})
	// A region that is down takes its own leaves with it, and nobody else.
	r.south.Federation.Kill(t)
	silent("the other region is down", told, untold)
	r.south.Federation.Start(t)
	o := hubtest.Fame(t, "", "--dir", r.north.Dir, "verify", "hub")
	if o.Code != 0 {
		t.Errorf("fame verify: %s%s", o.Stdout, o.Stderr)
	}
}

// exchanged counts what went between a hub and another.
func (w *town) exchanged(t *testing.T, outgoing bool, hub *town, kind, outcome string) (n int) {
	t.Helper()
	if err := w.Admin(t).QueryRowContext(t.Context(), "select count(*) from federation.exchanges where outgoing = $1 and hub = $2 and kind = $3 and outcome = $4",
		outgoing, hub.made.Hub, kind, outcome).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
