package edgetest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// commonGood are the requests of two agencies that ask whether they have a common
// client.
func (b *bench) commonGood() {
	b.t.Helper()
	side := func(column, recognition string) object {
		return object{
			"column": column, "recognition": recognition, "reference": strings.Repeat("A", 25) + strings.ToUpper(column[:1]),
			"purpose": "co-ordinate-care", "reason": "working-with-person", "case": "2026/0412",
		}
	}
	asks := side("social-care", b.recognition)
	asked := b.ok("mr-lindqvist", "POST", "/registrar/v1/common-clients", asks)
	answers := side("gp-riverside", b.recognise("dr-patel", goodEvidence())["id"].(string))
	answers["code"] = asked["code"]
	b.good["askCommonClient"] = request{as: "mr-lindqvist", target: "/registrar/v1/common-clients", body: render(plain(b.t, asks))}
	b.good["answerCommonClient"] = request{as: "dr-patel", target: "/registrar/v1/common-clients/answers", body: render(plain(b.t, answers))}
	b.good["outcomeOfCommonClient"] = request{as: "mr-lindqvist", target: "/registrar/v1/common-clients/" + asked["act"].(string)}
}

var seedCommon = object{
	"column": "gp-riverside", "recognition": seedID, "reference": strings.Repeat("A", 26), "purpose": "co-ordinate-care", "reason": "working-with-person", "case": "2026/0412",
}

var refusedCommon = []string{"ledger.pending +1", "registrar.acts +1", "registrar.content_keys +1"}

// commonClients are questions of two that cannot be asked or answered.
func (b *bench) commonClients() (rows []row) {
	add := func(name, kind string, r request, marks ...string) {
		rows = append(rows, row{name: name, request: r, kind: kind, marks: marks})
	}
	for _, op := range []string{"askCommonClient", "answerCommonClient"} {
		for _, member := range []string{"purpose", "reason"} {
			add(op+": a "+member+" of no list", "invalid", b.but(op, marker, member))
		}
		for _, column := range []string{marker, "police-riverside", "gp-old"} {
			add(op+": a column of somebody else's", "forbidden", b.but(op, column, "column"))
		}
		for _, id := range []string{seedID, b.own} { // of nobody, and of a colleague's agency
			who := b.but(op, id, "recognition")
			who.as = "dr-patel"
			who = b.in(who, "gp-riverside", "column")
			add(op+": a recognition of nobody of theirs", "not-known", who, id)
		}
		clerk := b.as(op, "clerk-ito")
		clerk = b.in(clerk, "gp-riverside", "column")
		rows = append(rows, row{name: op + ": without the role", request: clerk, kind: "decision-refused", writes: refusedCommon})
	}
	add("answerCommonClient: a code that was misheard", "invalid", b.but("answerCommonClient", "4K7 M2P 9XT", "code"), "4k7 m2p 9xt")
	add("answerCommonClient: a code of nobody's", "pairing-unusable", b.but("answerCommonClient", "000 000 000", "code"))
	add("outcomeOfCommonClient: by who answers", "not-known", b.as("outcomeOfCommonClient", "dr-patel"))
	return rows
}

// in is a request with another value in one place.
func (b *bench) in(r request, v any, path ...any) request {
	var body any
	b.must(json.Unmarshal(r.body, &body))
	r.body = render(replace(body, path, v))
	return r
}

// E2E-08, AUT-09, REG-25: over HTTP, two agencies establish by the register that they
// have a common client, and correlate on the registrar's statement, which takes an act;
// each keeps its own identifier, and the registrar has neither.
func TestE2E08ACommonClientIsEstablishedAndThenCorrelated(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	town := goodRegister("town")
	delete(town, "serves")
	h.ok("ms-abara", "POST", "/registrar/v1/registers", town)
	h.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects", object{"items": goodItems()})
	related := func() bool {
		a := h.ask("LMN-00042", "")
		if a.status != http.StatusOK {
			t.Fatalf("%d %s", a.status, a.body)
		}
		return strings.Contains(string(a.body), "riverside-gp")
	}
	h.publish("mr-lindqvist", "social-care", "LMN-00042", agreed{})
	h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	first := h.recognise("mr-lindqvist", goodEvidence())
	second := h.recognise("dr-patel", goodEvidence())
	if first["subject"] == second["subject"] {
		t.Error("two agencies call the person the same")
	}
	side := func(who, column, identifier string, recognition any) object {
		return object{"column": column, "recognition": recognition, "reference": h.reference(who, column, identifier),
			"purpose": "co-ordinate-care", "reason": "working-with-person", "case": "2026/0412"}
	}
	asked := h.ok("dr-patel", "POST", "/registrar/v1/common-clients", side("dr-patel", "gp-riverside", "GP-00042", second["id"]))
	answers := side("mr-lindqvist", "social-care", "LMN-00042", first["id"])
	answers["code"] = asked["code"]
	said := h.ok("mr-lindqvist", "POST", "/registrar/v1/common-clients/answers", answers)
	if right := said["right"].(object); said["answer"] != "yes" || right["agreement"] != "riverside-children" || len(right["aspects"].([]any)) == 0 {
		t.Fatalf("%v", said)
	}
	if told := h.ok("dr-patel", "GET", "/registrar/v1/common-clients/"+asked["act"].(string), nil); told["answer"] != "yes" || told["statement"] != nil {
		t.Errorf("whoever asked is told %v", told)
	}
	if related() {
		t.Error("an answer has correlated them")
	}
	h.ok("mr-lindqvist", "POST", "/relmgr/v1/correlations", h.byStatement("mr-lindqvist", "social-care", "LMN-00042", said["statement"].(string)))
	if !related() {
		t.Error("the statement correlates nobody")
	}
	var holding int
	h.must(h.admin.QueryRow(`select count(*) from registrar.acts a where encode(a.sealed, 'escape') ~ 'LMN-00042|GP-00042'`).Scan(&holding))
	if holding > 0 {
		t.Error("the registrar holds an agency's identifier")
	}
}
