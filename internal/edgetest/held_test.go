package edgetest_test

import (
	"encoding/json"
	"testing"
	"time"
)

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of what tells nothing
	for op, why := range map[string]string{
		"listHeld": "what of the caller's own agency's a person has not been told: it rests on consents alone", "reviewHeld": "likewise",
	} {
		tellsNothing[op] = why
	}
}

// proxied is a consent of the surgery's in which somebody else has a part.
func (h *hub) proxied(identifier string) (consent string) {
	h.t.Helper()
	_, proof := h.handle("dr-patel", "gp-riverside", identifier)
	return h.ok("dr-patel", "POST", "/consent/v1/consents", object{
		"proof": proof, "explicit": true, "audience": object{"partnership": true}, "purposes": []string{"co-ordinate-care"}, "aspects": []string{"relationship"},
		"until": h.until(30 * 24 * time.Hour), "evidence": "signed-form", "wording": "leaflet-3",
		"proxy":      object{"authority": "special-guardian", "evidence": "document-seen", "until": h.until(20 * 24 * time.Hour)},
		"competence": object{"assessed": "not-competent"},
	})["consent"].(string)
}

// heldGood are the good requests about what is held from people.
func (b *bench) heldGood() {
	b.t.Helper()
	b.good["listHeld"] = request{as: "dr-patel", target: "/consent/v1/held?column=gp-riverside"}
	b.good["reviewHeld"] = request{as: "dr-patel", target: "/consent/v1/consents/" + b.proxied("GP-73976") + "/reviews",
		body: render(object{"outcome": "withhold", "reason": "risk-of-harm"})}
}

// heldBad are reviews that are not the caller's to make.
func (b *bench) heldBad(add func(string, string, request, ...string)) {
	add("reviewHeld: a reason of no list", "invalid", b.but("reviewHeld", marker, "reason"))
	add("reviewHeld: another agency's", "not-known", b.as("reviewHeld", "mr-lindqvist"))
	add("reviewHeld: one that is none", "not-known", b.good["reviewHeld"].at("/consent/v1/consents/"+seedID+"/reviews"), seedID)
	add("reviewHeld: of what the person said alone", "not-known", b.good["reviewHeld"].at("/consent/v1/consents/"+b.consent+"/reviews"), b.consent)
	add("reviewHeld: by nobody who may publish", "forbidden", b.as("reviewHeld", "gov-ellis"))
	add("listHeld: by nobody who may publish", "forbidden", b.as("listHeld", "gov-ellis"))
	add("listHeld: of a column of somebody else's", "forbidden", b.as("listHeld", "mr-lindqvist"))
	add("listHeld: of no column", "forbidden", b.good["listHeld"].at("/consent/v1/held?column="+marker))
}

// SUB-01, SUB-13, E2E-17: in what a person who signs in is shown, somebody else's part is held
// until a person of the agency has looked.
func TestAPersonIsShownSomebodyElsesPartOnceItIsReleased(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	h.attach("dr-patel", "gp-riverside", "GP-00042", "Iris Moor")
	consent := h.proxied("GP-00042")
	shown := func() (held, proxy any) {
		t.Helper()
		for _, c := range h.ofMine("Iris Moor", "/consent/v1/me/consents")["consents"].([]any) {
			if c := c.(object); c["consent"] == consent {
				return c["held"], c["proxy"]
			}
		}
		t.Fatal("the consent is not shown")
		return nil, nil
	}
	for _, step := range []struct{ outcome, held, proxy string }{
		{"", `{"state":"waiting"}`, "null"}, {"withhold", `{"reason":"risk-of-harm","state":"withheld"}`, "null"}, {"release", "null", `"special-guardian"`},
	} {
		if step.outcome != "" {
			h.ok("dr-patel", "POST", "/consent/v1/consents/"+consent+"/reviews", object{"outcome": step.outcome, "reason": "risk-of-harm"})
		}
		held, proxy := shown()
		if got, err := json.Marshal([]any{held, proxy}); err != nil || string(got) != "["+step.held+","+step.proxy+"]" {
			t.Errorf("after %q the person is shown %s, %v", step.outcome, got, err)
		}
	}
}
