package edgetest_test

import (
	"encoding/json"
	"strings"
	"testing"
)

// recognise asks the register of the town who somebody is.
func (h *hub) recognise(as string, evidence []object) object {
	h.t.Helper()
	return h.ok(as, "POST", "/registrar/v1/registers/town/recognitions", object{
		"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": evidence})
}

// E2E-05, its recognition half; REG-25, AUT-02, QRY-01: somebody is brought in whom nobody
// here knows. Too little evidence stops with what would help; enough is a
// recognition that finds each column whose member had the same person recognised,
// once, for whoever it was made.
func TestE2E05AStrangerIsRecognisedAndFoundWhereTheyAreKnown(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	town := goodRegister("town")
	delete(town, "serves")
	h.ok("ms-abara", "POST", "/registrar/v1/registers", town)
	h.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects", object{"items": goodItems()})
	h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	h.publish("ms-okafor", "school-pastoral", "S000042", agreed{})
	calls := map[string]string{}
	for who, column := range map[string]string{"dr-patel": "gp-riverside", "ms-okafor": "school-pastoral"} {
		known := h.recognise(who, goodEvidence())
		calls[known["subject"].(string)] = column
		h.ok(who, "POST", "/relmgr/v1/anchors", object{
			"column": column, "identifier": map[string]string{"gp-riverside": "GP-00042", "school-pastoral": "S000042"}[column],
			"recognition": known["recognition"], "reason": "same-person-found"})
	}
	if len(calls) != 2 {
		t.Errorf("two agencies call the person the same: %v", calls)
	}

	little := h.recognise(asker, []object{{"name": object{"given": "Zsófia"}}})
	if _, carries := little["recognition"]; carries || little["outcome"] == "determined" || len(little["helps"].([]any)) == 0 {
		t.Errorf("on a given name: %v", little)
	}
	known := h.recognise(asker, goodEvidence())
	if known["outcome"] != "determined" {
		t.Fatalf("%v", known)
	}
	q := toAsk(asked{}, object{"recognition": known["recognition"]})
	delete(q, "identifier")
	r := post(h, "/relmgr/v1/enquiries", q)
	r.as = "ms-novak"
	if a := h.send(r); a.status != 422 || !strings.Contains(string(a.body), "made for somebody else") {
		t.Errorf("stolen: %d %s", a.status, a.body)
	}
	answer := h.ok(asker, "POST", "/relmgr/v1/enquiries", q)
	var found []string
	for _, p := range answer["providers"].([]any) {
		found = append(found, p.(object)["agency"].(string))
	}
	if answer["known"] != "yes" || strings.Join(found, " ") != "hillside-school riverside-gp" {
		t.Errorf("known %v, at %v", answer["known"], found)
	}
	r.as = asker
	if a := h.send(r); a.status != 422 || !strings.Contains(string(a.body), "has been used") {
		t.Errorf("used again: %d %s", a.status, a.body)
	}
	js, err := json.Marshal(answer)
	h.must(err)
	for _, private := range []string{"GP-00042", "S000042", "Zsófia"} {
		if strings.Contains(string(js), private) {
			t.Errorf("the answer holds %s", private)
		}
	}
}
