package edgetest_test

import (
	"sync"
	"testing"
)

// publishTogether publishes somebody jointly with them: it waits for them.
func (h *hub) publishTogether(as, column, identifier string) (act string) {
	h.t.Helper()
	r := h.relationship(column, identifier, agreed{}, h.consent(as, column, identifier, agreed{}))
	r["mode"] = "joint"
	return h.ok(as, "POST", "/relmgr/v1/relationships", r)["act"].(string)
}

// waitsFor is the publication that waits for a person, as they are shown it.
func (h *hub) waitsFor(person string) (act string) {
	h.t.Helper()
	for _, a := range h.ofMine(person, "/relmgr/v1/me/acts")["acts"].([]any) {
		if a := a.(object); a["kind"] == "publish" && a["mode"] == "joint" {
			act = a["act"].(string)
		}
	}
	if act == "" {
		h.t.Fatal("nothing waits for " + person)
	}
	return act
}

// PUB-03: what an agency publishes together with the person is in the index once the
// person has confirmed it, and not before; both are its publishers; of two who confirm
// at once one does, and both hold the same receipt.
func TestAJointPublicationWaitsForThePerson(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	const gp, social = "GP-73974", "LMN-73974"
	h.attach("dr-patel", "gp-riverside", gp, "Ida Moor")
	reference := h.publishTogether("dr-patel", "gp-riverside", gp)
	code, _ := h.pair("dr-patel", "gp-riverside", gp)
	h.correlate("mr-lindqvist", "social-care", social, code)
	known := func() string {
		h.t.Helper()
		return h.ok("mr-lindqvist", "POST", "/relmgr/v1/enquiries", object{
			"column": "social-care", "identifier": social, "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "child"})["known"].(string)
	}
	if got := known(); got != "nothing-to-tell" {
		t.Fatalf("before the person has confirmed: %s", got)
	}
	if held := h.ofMine("Ida Moor", "/relmgr/v1/me/relationships")["relationships"].([]any)[0].(object); held["published"] != false {
		t.Errorf("the person is shown %v", held)
	}

	act := h.waitsFor("Ida Moor")
	confirm := h.asMyself("Ida Moor", "POST", "/relmgr/v1/me/confirmations", object{"act": act})
	var receipts [2]string
	var both sync.WaitGroup
	for i := range receipts {
		both.Go(func() {
			if a := h.send(confirm); a.status == 201 {
				receipts[i] = string(a.body)
			}
		})
	}
	both.Wait()
	if receipts[0] == "" || receipts[0] != receipts[1] {
		t.Errorf("two at once were given %q and %q", receipts[0], receipts[1])
	}
	if got := known(); got != "yes" {
		t.Errorf("the person has confirmed: %s", got)
	}
	var publishers []any
	for _, a := range h.ofMine("Ida Moor", "/relmgr/v1/me/acts")["acts"].([]any) {
		if a := a.(object); a["kind"] == "publish" || a["kind"] == "confirm" {
			publishers = append(publishers, a["practitioner"])
		}
	}
	if len(publishers) != 2 || publishers[0] != "the-person" || publishers[1] != "dr-patel" {
		t.Errorf("published by %v", publishers)
	}

	h.ok("dr-patel", "POST", "/relmgr/v1/acts/"+reference+"/withdrawal", object{"reason": "work-ended"})
	if got := known(); got != "nothing-to-tell" {
		t.Errorf("the agency has withdrawn it: %s", got)
	}
	a := h.send(confirm)
	if got := known(); a.status != 201 || string(a.body) != receipts[0] || got != "nothing-to-tell" {
		t.Errorf("confirmed again: %d %s, %s", a.status, a.body, got)
	}
}
