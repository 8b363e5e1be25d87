package edgetest_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/api"
)

// REG-13: a practitioner who asks more often than the partnership allows waits,
// is told for how long, leaves nothing behind, and keeps nobody else waiting.
func TestAPractitionerWhoAsksTooOftenWaitsAloneAndLeavesNothing(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{perMinute: 30}) // six at once
	ask := func(as string) answer {
		return h.send(request{as: as, method: "POST", target: "/relmgr/v1/enquiries", body: encode(t, object{
			"column": map[string]string{"dr-patel": "gp-riverside", "mr-lindqvist": "social-care"}[as], "identifier": map[string]string{
				"dr-patel": gpIdentifier, "mr-lindqvist": socialIdentifier}[as],
			"purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "child",
		})})
	}
	for range 6 {
		if a := ask("dr-patel"); a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	before := h.snapshot()
	a := ask("dr-patel")
	var p api.Problem
	if err := json.Unmarshal(a.body, &p); err != nil || a.status != documented(t)["rate-limited"] || p.Type != "docs/problems.md#rate-limited" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if got := written(before, h.snapshot()); len(got) > 0 {
		t.Errorf("wrote %v", got)
	}
	if where := holds(a, gpIdentifier); where != "" {
		t.Errorf("%s repeats the identifier", where)
	}
	wait, err := strconv.Atoi(a.header.Get("Retry-After"))
	if err != nil || wait < 1 || wait > 60 {
		t.Fatalf("Retry-After %q", a.header.Get("Retry-After"))
	}
	if a := ask("mr-lindqvist"); a.status != http.StatusOK {
		t.Errorf("somebody else waits too: %d %s", a.status, a.body)
	}
	h.clock.pass(time.Duration(wait) * time.Second)
	if a := ask("dr-patel"); a.status != http.StatusOK {
		t.Errorf("still waiting after Retry-After: %d %s", a.status, a.body)
	}
}

// QRY-11: what no duty serves is a problem too, and repeats nothing.
func TestPathsOfNoDutyAreProblemsThatRepeatNothing(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	for _, target := range []string{
		"/", "/" + marker, "//" + marker, "/relmgr/../" + marker, "/relmgr/v2/" + marker, "/relmgr/v1x", "/registrar/v1/" + marker, "/metrics",
		"/debug/pprof/" + marker, "/./relmgr/v1/acts?" + marker, "/RELMGR/v1/" + marker, "/%00" + marker,
	} {
		a := h.send(request{as: "dr-patel", method: "GET", target: target})
		if a.status != http.StatusNotFound || a.header.Get("Content-Type") != "application/problem+json" ||
			!strings.Contains(string(a.body), `docs/problems.md#not-known`) {
			t.Errorf("%s: %d %v %s", target, a.status, a.header, a.body)
		}
		if where := holds(a, marker); where != "" {
			t.Errorf("%s: %s repeats it", target, where)
		}
	}
	if strings.Contains(h.logs.take(), marker) {
		t.Error("the log holds a path")
	}
}
