package edgetest_test

import (
	"cmp"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// LEG-07, LEG-15: what a decision says belongs to its ground. An order is named for
// no other ground, an override rests on no consent, and no other ground names
// one: a dry run, a publication, a pairing and a correlation say the same, and
// what is refused is a refusal, whatever else of it would pass.
func TestWhatBelongsToAnotherGroundIsRefused(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	const identifier = "GP-00042"
	consent := h.consent("dr-brandt", "gp-riverside", identifier, agreed{})
	code, _ := h.pair("mr-lindqvist", "social-care", "LMN-00042")
	order := object{"kind": "court-order", "reference": "ZC26C00123"}
	override := object{"risk": "significant-harm-to-child", "telling": "raises-risk"}
	named := object{"agencies": []string{"riverside-social-care"}}
	harm := func(d object) {
		delete(d, "consents")
		d["ground"], d["reason"] = "significant-harm", "risk-of-harm"
	}
	overriding := func(d object) {
		harm(d)
		d["override"], d["audience"], d["concerning"], d["welfare"] = override, named, "child", true
		d["proportionality"].(object)["review"] = h.until(20 * 24 * time.Hour)
	}
	for name, c := range map[string]struct {
		change func(d object)
		want   string
	}{
		"an order on consent":                  {func(d object) { d["order"] = order }, "this ground does not rest on an order"},
		"an order at a risk of harm":           {func(d object) { harm(d); d["order"] = order }, "this ground does not rest on an order"},
		"an order and an override":             {func(d object) { overriding(d); d["order"] = order }, "this ground does not rest on an order"},
		"a court order that is not named":      {func(d object) { harm(d); d["ground"], d["reason"] = "court-order", "court-order" }, "name the order and its reference"},
		"consents at a risk of harm":           {func(d object) { harm(d); d["consents"] = []string{consent} }, "this ground does not rest on consent"},
		"an override that names consents":      {func(d object) { overriding(d); d["consents"] = []string{consent} }, "an override rests on no consent"},
		"an override of what the law requires": {func(d object) { overriding(d); d["ground"], d["reason"] = "required-by-law", "duty-to-share" }, "an override rests on no consent"},
		"an override on a consent that it names": {func(d object) {
			d["override"], d["audience"] = override, named
			d["proportionality"].(object)["review"] = h.until(20 * 24 * time.Hour)
		}, ""},
		"an override on a consent of nobody": {func(d object) {
			d["override"], d["audience"] = override, named
			delete(d, "consents")
			d["proportionality"].(object)["review"] = h.until(20 * 24 * time.Hour)
		}, ""},
	} {
		// An override on consent is refused by the first rule that it breaks: the
		// mode's, or the override's own.
		want := cmp.Or(c.want, "rests on no consent")
		made := func() object { d := h.decision("gp-riverside", agreed{}, consent); c.change(d); return d }
		mode := "supplier-with-consent"
		if d := made(); d["ground"] != "explicit-consent" || d["override"] != nil {
			mode = "imposed"
		}
		trial := made()
		trial["column"], trial["role"], trial["mode"], trial["deed"] = "gp-riverside", "safeguarding-lead", mode, "publish"
		if trial["order"] != nil {
			trial["order"] = "court-order"
		}
		if trial["consents"] != nil {
			trial["consents"] = h.trial()["consents"]
		}
		var dry struct {
			Permitted bool
			Steps     []struct{ Because string }
		}
		a := h.send(request{as: "dr-brandt", method: "POST", target: "/consent/v1/decisions", body: encode(t, object{"holder": trial})})
		if err := json.Unmarshal(a.body, &dry); err != nil || a.status != 200 || dry.Permitted || !strings.Contains(string(a.body), want) {
			t.Errorf("%s, as a dry run: %d %s, want %q", name, a.status, a.body, want)
		}
		published := h.relationship("gp-riverside", identifier, agreed{}, consent)
		published["mode"], published["decision"] = mode, made()
		correlated := h.correlation("gp-riverside", identifier, code, consent)
		correlated["mode"], correlated["decision"] = mode, made()
		for target, body := range map[string]object{
			"/relmgr/v1/relationships": published,
			"/relmgr/v1/pairings":      {"column": "gp-riverside", "identifier": identifier, "decision": made()},
			"/relmgr/v1/correlations":  correlated,
		} {
			a := h.send(request{as: "dr-brandt", method: "POST", target: target, body: encode(t, body)})
			if a.status != 403 || !strings.Contains(string(a.body), `"step":3`) || !strings.Contains(string(a.body), want) {
				t.Errorf("%s, to %s: %d %s, want %q", name, target, a.status, a.body, want)
			}
		}
	}
	var projected int
	h.must(h.admin.QueryRow(`select (select count(*) from relmgr.cells) + (select count(*) from relmgr.correlations)`).Scan(&projected))
	if projected != 0 {
		t.Errorf("refused, and %d relationships and correlations are in the index", projected)
	}
}
