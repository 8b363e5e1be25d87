package edgetest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// asked is somebody whom a probe is about: social care's identifier, the
// surgery's, and what the probe did before anything was hidden.
type asked struct{ social, gp, transaction, before string }

// probe is one way to call one operation about a person, as social care does.
// An operation that is added to openapi.yaml needs one here, or a reason in
// tellsNothing.
type probe struct {
	operation string
	how       string // which of several ways; may be empty
	as        string // empty: social care's relationship manager
	// tells says that the answer of a person who is known differs: the oracle
	// must see it. For all others even the control is the same.
	tells, emergency bool
	// earlier says that the probe asks about a time before anything was hidden.
	earlier bool
	// stranger says that the probe finds the other side by a recognition, whatever
	// joins it to the asker's.
	stranger bool
	// alone says that the probe changes what is joined or published, so that it
	// has a person to itself; all others follow one another on one person.
	alone bool
	// both says that the other side takes part after all is hidden, if it can.
	both bool
	// reached says that somebody else on the row asks to be contacted: whom a
	// subject leaves out is not reached, and does not know that anybody asked.
	reached bool
	// own says that the answer lists what the asker's agency did itself, so that
	// it is compared with the same history only. All others are the same for
	// every history.
	own bool
	// counts says that the answer counts what the asker's agency did, questions too,
	// so that it is no match for a scene that has it ask once more.
	counts bool
	// whole says that the probe is of no transaction, so that it is no match for a
	// scene in which one hides.
	whole bool
	// stores compares also what was written, where no other party's state decides
	// what that is.
	stores bool
	// before runs while there is something to tell, ready after it was hidden.
	before func(h *hub, p asked) string
	ready  func(h *hub, p asked) request
}

func (p probe) name() string { return strings.TrimSuffix(p.operation+", "+p.how, ", ") }

const asker, askers = "mr-lindqvist", "social-care"

// tellsNothing are the operations that no probe calls, each with the reason.
var tellsNothing = map[string]string{
	"approveImport":        "knows no subject",
	"startImport":          "knows no subject: how many lines were published or refused is importPart's to tell",
	"readPartnership":      "knows no subject",
	"applyPartnership":     "knows no subject",
	"listServices":         "knows no subject",
	"readDataMap":          "knows no subject",
	"signIn":               "knows no subject",
	"listPractitioners":    "knows no subject",
	"registerPractitioner": "knows no subject",
	"endPractitioner":      "knows no subject",
	"listGovernanceActs":   "knows no subject",
	"createRegister":       "knows no subject",
	"listRegisters":        "knows no subject",
	"registerSubject":      "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"findSubject":          "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"changeSubject":        "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"recognise":            "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"explainRecognition":   "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"checkRecord":          "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"checkItem":            "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"failCheck":            "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"issueEnrolmentCode":   "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"listAuthenticators":   "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"revokeAuthenticator":  "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"listSecurityEvents":   "knows no subject",
	"findMyHandles":        "asked by the person: that what is concealed leaves no gap is tested in relmgr and by TestWhoHasSignedIn",
	"openLink":             "reads no row: what it says rests on the caller, the terms and the link",
	"acceptLink":           "likewise; that one code cannot be told from another is tested in idmgr",
	"renewLink":            "likewise",
	"endLink":              "likewise",
	"listLinks":            "likewise",
	"listWaiting":          "of a whole column, what listActs shows of each: it rests on the acts of both sides, never on what hides or bars, and a duplicate on what an enquiry tells of both; tested in relmgr",
	"askThroughLink":       "likewise; that a link which is none cannot be told from another's is tested in idmgr",
	"draftRules":           "knows no subject: it counts kinds of enquiry, whatever they were answered",
	"listRules":            "knows no subject",
	"activateRules":        "knows no subject",
	"grantAccess":          "reads no row: what it says rests on the caller, the terms and the manager's rules",
	"listGrants":           "likewise: what the caller's own column did",
	"withdrawGrant":        "likewise",
	"withholdAccess":       "likewise",
	"listWithholdings":     "likewise",
	"withdrawWithholding":  "likewise",
	"admitRegistrar":       "knows no subject",
	"publishQuality":       "knows no subject",
	"removeRegistrar":      "knows no subject",
	"listPeers":            "knows no subject",
	"invitePeer":           "knows no subject",
	"confirmPeer":          "knows no subject",
	"suspendPeer":          "knows no subject",
	"readmitPeer":          "knows no subject",
	"leavePeer":            "knows no subject",
	"listCases":            "for adjudicators and for those whose own effect or act is in it; that it tells a bearer nothing is tested in recourse",
	"ruleOnCase":           "likewise",
	"appealCase":           "likewise",
	"eraseSubject":         "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"shieldSubject":        "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"outcomeOfRecognition": "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"reportToRegistrar":    "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"listTasks":            "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"takeTask":             "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"resolveTask":          "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"reopenTask":           "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"setApart":             "the registrar's, which knows of no relationship; that the two look like strangers is tested in registrar",
	"confirmApart":         "likewise",
	"registerApart":        "likewise",
	"openApart":            "likewise",
	"listRepairs":          "lists acts that the asker's agency is shown anyway, by what a registrar says of its own statements",
	"coverRegister":        "knows no subject",
	"approveEntries":       "knows no subject",
	"startEntries":         "knows no subject",
	"enterPart":            "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"listEntryRefusals":    "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"registerQuality":      "the registrar's, which knows of no relationship: nothing that the index hides could show",

	"askCommonClient":       "the registrar's, which knows of no relationship: nothing that the index hides could show",
	"answerCommonClient":    "likewise",
	"outcomeOfCommonClient": "likewise",
	"assessCompetence":      "likewise",
	"recordRepresentative":  "likewise",
	"endRepresentative":     "likewise",
}

func post(h *hub, target string, body object) request {
	return request{method: "POST", target: target, body: encode(h.t, body)}
}

func get(target string) request { return request{method: "GET", target: target} }

// replayed sends a request under an idempotency key, and returns it to be sent
// again. Its body comes first, since a pairing code is in it.
func replayed(h *hub, r request) string {
	h.t.Helper()
	r.header = http.Header{"Idempotency-Key": {"replay-of-a-write-01"}}
	r.as = asker
	if a := h.send(r); a.status >= 300 {
		h.t.Fatalf("%s: %d %s", r.target, a.status, a.body)
	}
	return string(r.body)
}

func again(target string) func(*hub, asked) request {
	return func(_ *hub, p asked) request {
		return request{method: "POST", target: target, body: []byte(p.before), header: http.Header{"Idempotency-Key": {"replay-of-a-write-01"}}}
	}
}

func toCorrelate(h *hub, p asked) request {
	code, _ := h.pair("dr-patel", "gp-riverside", p.gp)
	return post(h, "/relmgr/v1/correlations", h.correlation(askers, p.social, code, h.consent(asker, askers, p.social, agreed{})))
}

func toCorrelateStated(h *hub, p asked) request {
	statement := h.stated(h.reference("dr-patel", "gp-riverside", p.gp), h.reference(asker, askers, p.social))
	return post(h, "/relmgr/v1/correlations", h.byStatement(asker, askers, p.social, statement))
}

func toPublish(h *hub, p asked) request {
	return post(h, "/relmgr/v1/relationships", h.relationship(askers, p.social, agreed{}, h.consent(asker, askers, p.social, agreed{})))
}

// toImport is a line of a file of social care, under an approval of its own.
func toImport(h *hub, p asked) request {
	h.consent(asker, askers, p.social, agreed{}) // the person's last word is not no
	a := h.approving()
	a["columns"] = []string{askers}
	approval := h.ok("mrs-egan", "POST", "/relmgr/v1/approvals", a)["act"]
	bulk := h.ok("ms-novak", "POST", "/relmgr/v1/imports", object{"approval": approval, "file": strings.Repeat("b", 64)})["import"].(string)
	l := importLine(7, p.social)
	l["column"], l["role"] = askers, "social-worker"
	return post(h, "/relmgr/v1/imports/"+bulk+"/parts", object{"first": 7, "last": 8, "relationships": []object{l}})
}

// toImportPaired is a line of a batch that correlates, under an approval of its own.
func toImportPaired(h *hub, member, value string, p asked) request {
	h.consent(asker, askers, p.social, agreed{}) // the person's last word is not no
	a := h.approving()
	a["columns"], a["deed"] = []string{askers}, "correlate"
	approval := h.ok("mrs-egan", "POST", "/relmgr/v1/approvals", a)["act"]
	bulk := h.ok(asker, "POST", "/relmgr/v1/imports", object{"approval": approval, "file": strings.Repeat("c", 64)})["import"].(string)
	l := object{"line": 7, "column": askers, "identifier": p.social, member: value}
	return post(h, "/relmgr/v1/imports/"+bulk+"/parts", object{"first": 7, "last": 8, "correlations": []object{l}})
}

func toImportCode(h *hub, p asked) request {
	code, _ := h.pair("dr-patel", "gp-riverside", p.gp)
	return toImportPaired(h, "pairing", code, p)
}

// sendPart sends a part, and returns where to and what, to be sent again.
func sendPart(h *hub, r request) string {
	h.t.Helper()
	r.as = asker
	if a := h.send(r); a.status != 200 || !strings.Contains(string(a.body), `"act"`) {
		h.t.Fatalf("import: %d %s", a.status, a.body)
	}
	return r.target + " " + string(r.body)
}

func toKeepApart(h *hub, p asked) request {
	h.handle(asker, askers, p.social)
	code, _ := h.pair("dr-patel", "gp-riverside", p.gp)
	return post(h, "/relmgr/v1/keep-aparts", object{"column": askers, "identifier": p.social, "pairing": code, "reason": "subject-asked"})
}

func toWithdraw(h *hub, act string) request {
	return post(h, "/relmgr/v1/acts/"+act+"/withdrawal", object{"reason": "work-ended"})
}

func toAsk(p asked, more object) object {
	q := object{"column": askers, "identifier": p.social, "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "not-known"}
	for name, v := range more {
		q[name] = v
	}
	if p.transaction != "" {
		q["transaction"] = p.transaction
	}
	return q
}

func (h *hub) enquiry(p asked, more object) string {
	h.t.Helper()
	return h.ok(asker, "POST", "/relmgr/v1/enquiries", toAsk(p, more))["id"].(string)
}

// reviews are what waits for social care's lead, at most a page of it.
func (h *hub) reviews() (out []object) {
	h.t.Helper()
	for _, r := range h.ok("ms-novak", "GET", "/relmgr/v1/reviews?"+why, nil)["reviews"].([]any) {
		out = append(out, r.(object))
	}
	return out
}

// judgeAll has social care's lead judge everything that waits.
func (h *hub) judgeAll() {
	h.t.Helper()
	for waiting := h.reviews(); len(waiting) > 0; waiting = h.reviews() {
		for _, r := range waiting {
			h.ok("ms-novak", "POST", "/relmgr/v1/reviews/"+r["review"].(string)+"/outcome", object{"outcome": "justified", "reason": "risk-of-harm"})
		}
	}
}

// instant is now, which has passed when the next request comes.
func (h *hub) instant() string { return h.now().UTC().Format(time.RFC3339Nano) }

// approveAll has social care's lead approve whatever is asked about earlier dates.
func (h *hub) approveAll() {
	h.t.Helper()
	for {
		waiting := h.ok("ms-novak", "GET", "/relmgr/v1/as-of-enquiries?"+why, nil)["asked"].([]any)
		if len(waiting) == 0 {
			return
		}
		for _, w := range waiting {
			h.ok("ms-novak", "POST", "/relmgr/v1/as-of-enquiries/"+w.(object)["act"].(string)+"/approval", object{"reason": "risk-of-harm"})
		}
	}
}

func toReadAsOf(h *hub, p asked, at string) request {
	act := h.ok(asker, "POST", "/relmgr/v1/as-of-enquiries", toAskAsOf(p, at))["act"].(string)
	h.ok("ms-novak", "POST", "/relmgr/v1/as-of-enquiries/"+act+"/approval", object{"reason": "risk-of-harm"})
	return get("/relmgr/v1/as-of-enquiries/" + act + "/answer")
}

// toImpose correlates by a person's leave that was given last, on another ground,
// and the person is not told of it.
func toImpose(h *hub, p asked) request {
	h.consent(asker, askers, p.social, agreed{})
	code, _ := h.pair("dr-patel", "gp-riverside", p.gp)
	c := h.correlation(askers, p.social, code, "")
	c["mode"], c["not_told"] = "imposed", object{"risk": "risk-to-somebody-else", "review_by": h.until(20 * 24 * time.Hour)}
	d := c["decision"].(object)
	delete(d, "consents")
	d["ground"], d["reason"] = "significant-harm", "risk-of-harm"
	return post(h, "/relmgr/v1/correlations", c)
}

const inbox = "/relmgr/v1/contact-requests?column=" + askers + "&limit=1"

// waiting is the newest contact request that has reached social care, if nobody has
// answered it, and whether there is an older one.
func (h *hub) waiting() (delivery string, older bool) {
	h.t.Helper()
	page := h.ok(asker, "GET", inbox, nil)
	for _, r := range page["requests"].([]any) {
		if r := r.(object); r["replied"] == false {
			delivery = r["delivery"].(string)
		}
	}
	return delivery, page["next"] != nil
}

// contacted has the police ask to be contacted about a person whom they and social
// care have on one row, and returns what has reached social care, empty for nothing.
// What came before is answered.
func (h *hub) contacted(p asked) (delivery string) {
	h.t.Helper()
	for n := 0; ; n++ { // two at least: a first one has none behind it
		delivery, older := h.waiting()
		if delivery == "" && older {
			break
		}
		if delivery == "" {
			h.toContact(asked{social: fmt.Sprintf("LMN-9990%d", n)})
			continue
		}
		h.ok(asker, "POST", "/relmgr/v1/contact-requests/"+delivery+"/reply", object{"reply": "not-share", "reason": "risk-of-harm", "detriment": "not-considered"})
	}
	h.toContact(p)
	delivery, _ = h.waiting()
	return delivery
}

func (h *hub) toContact(p asked) {
	h.t.Helper()
	const police, column = "pc-dunne", "police-riverside"
	identifier := "P/" + p.social[len(p.social)-4:] + "/26"
	h.publish(asker, askers, p.social, agreed{})
	code, _ := h.pair(police, column, identifier)
	h.correlate(asker, askers, p.social, code)
	q := toAsk(p, object{"column": column, "identifier": identifier})
	delete(q, "transaction")
	id := h.ok(police, "POST", "/relmgr/v1/enquiries", q)["id"].(string)
	h.ok(police, "POST", "/relmgr/v1/enquiries/"+id+"/contact-requests", object{"contact": "desk"})
	h.clock.pass(31 * time.Minute)
}

func (h *hub) imposeJoin(p asked) string { return h.done(toImpose(h, p)) }

// done sends a request as social care's relationship manager, and returns the act.
func (h *hub) done(r request) string {
	h.t.Helper()
	var body object
	h.must(json.Unmarshal(r.body, &body))
	return h.ok(asker, r.method, r.target, body)["act"].(string)
}

func toObject(h *hub, act string) request {
	return post(h, "/relmgr/v1/acts/"+act+"/objections", object{"reason": "subject-asked", "evidence": "spoken-and-noted"})
}

// settleAll has social care's lead tell of all that is kept from subjects, rule on
// all that they object to and judge all overrides, so that what comes next stands
// alone in their lists.
func (h *hub) settleAll() {
	h.t.Helper()
	each := func(target, list, id string, then func(string)) {
		for waiting := h.ok("ms-novak", "GET", target+why, nil)[list].([]any); len(waiting) > 0; waiting = h.ok("ms-novak", "GET", target+why, nil)[list].([]any) {
			for _, w := range waiting {
				then(w.(object)[id].(string))
			}
		}
	}
	each("/relmgr/v1/tellings?", "acts", "act", func(act string) {
		h.ok("ms-novak", "POST", "/relmgr/v1/acts/"+act+"/telling", object{"reason": "work-ended"})
	})
	each("/relmgr/v1/objections?", "objections", "objection", func(act string) {
		h.ok("ms-novak", "POST", "/relmgr/v1/objections/"+act+"/ruling", object{"outcome": "dismissed", "reason": "risk-of-harm"})
	})
	each("/relmgr/v1/decisions?state=override&", "decisions", "act", func(act string) {
		h.ok("sc-second", "POST", "/relmgr/v1/decisions/"+act+"/review", object{"outcome": "justified", "reason": "risk-of-harm"})
	})
}

func toAttach(h *hub, p asked) request {
	h.handle(asker, askers, p.social)
	return post(h, "/relmgr/v1/anchors", object{
		"column": askers, "identifier": p.social, "recognition": h.recognised(asker, p.gp), "reason": "same-person-found"})
}

// attachSurgery has the surgery attach what the registrar says of the person, who
// is called there as here.
func (h *hub) attachSurgery(p asked) string { return h.attach("dr-patel", "gp-riverside", p.gp, p.gp) }

// overrideJoin has social care's lead open a pairing in spite of what the person
// says, and the surgery use it. It returns the correlation, as social care knows it.
func (h *hub) overrideJoin(p asked) string {
	h.t.Helper()
	d := h.decision(askers, agreed{audience: object{"agencies": []string{"riverside-gp"}}, review: 20 * 24 * time.Hour})
	delete(d, "consents")
	d["ground"], d["reason"], d["concerning"], d["welfare"] = "significant-harm", "risk-of-harm", "child", true
	d["override"] = object{"risk": "significant-harm-to-child", "telling": "raises-risk"}
	code := h.ok("ms-novak", "POST", "/relmgr/v1/pairings", object{"column": askers, "identifier": p.social, "decision": d})["code"].(string)
	h.correlate("dr-brandt", "gp-riverside", p.gp, code)
	return h.act(asker, askers, p.social, "correlate")
}

// oldColumn is a column of social care's that only these probes open and close.
const oldColumn = "drop-in"

// withOldColumn adds it, a second reviewer, since nobody judges their own, and
// somebody at the surgery who may take over from another column.
func withOldColumn(doc map[string]any) {
	old := maps.Clone(entryOf(doc, "columns", "id", askers))
	old["id"], old["pattern"], old["example"] = oldColumn, "DI-[0-9]{5}", "DI-12345"
	doc["columns"] = append(doc["columns"].([]any), old)
	second := maps.Clone(entryOf(doc, "practitioners", "id", "ms-novak"))
	second["id"], second["subject"] = "sc-second", "sc-second"
	doc["practitioners"] = append(doc["practitioners"].([]any), second)
	patel := entryOf(doc, "practitioners", "id", "dr-patel")
	patel["roles"] = append(patel["roles"].([]any), "relationship-manager")
}

// closeWith puts one person into the old column, as if nobody had ever been
// there, joins them to the surgery's, and closes it.
func (h *hub) closeWith(p asked) {
	h.t.Helper()
	const only = "DI-00001"
	close := func(document object) {
		entry(h.t, document, "columns", "id", oldColumn)["closes"] = h.until(-time.Second)
	}
	h.change(close)
	h.export()
	h.ok(asker, "POST", "/relmgr/v1/columns/"+oldColumn+"/destruction", object{"reason": "work-ended"})
	h.change(func(document object) { delete(entry(h.t, document, "columns", "id", oldColumn), "closes") })
	h.publish(asker, oldColumn, only, agreed{})
	code, _ := h.pair("dr-patel", "gp-riverside", p.gp)
	h.correlate(asker, oldColumn, only, code)
	h.change(close)
}

func (h *hub) export() {
	h.t.Helper()
	h.ok(asker, "POST", "/relmgr/v1/columns/"+oldColumn+"/export", object{"reason": "work-ended"})
}

func (h *hub) proofOf(p asked) string {
	_, proof := h.handle(asker, askers, p.social)
	return proof
}

var probes = []probe{
	{operation: "enquire", tells: true, stores: true, ready: func(h *hub, p asked) request {
		return post(h, "/relmgr/v1/enquiries", toAsk(p, nil))
	}},
	{operation: "enquire", how: "about a transaction", tells: true, ready: func(h *hub, p asked) request {
		return post(h, "/relmgr/v1/enquiries", toAsk(p, object{"transaction": "joint-assessment"}))
	}},
	{operation: "enquire", how: "in an emergency", tells: true, emergency: true, stores: true, ready: func(h *hub, p asked) request {
		return post(h, "/relmgr/v1/enquiries", toAsk(p, object{"reason": "risk-of-harm", "emergency": true}))
	}},
	{operation: "enquire", how: "about a stranger", tells: true, stranger: true, stores: true, before: (*hub).attachSurgery, ready: func(h *hub, p asked) request {
		q := toAsk(p, object{"recognition": h.recognised(asker, p.gp)})
		delete(q, "identifier")
		return post(h, "/relmgr/v1/enquiries", q)
	}},
	{operation: "attachAnchor", alone: true, ready: toAttach},
	{operation: "attachAnchor", how: "of somebody whom the other side attached", alone: true, before: (*hub).attachSurgery, ready: toAttach},
	{operation: "findHandle", ready: func(h *hub, p asked) request {
		h.handle(asker, askers, p.social)
		return post(h, "/relmgr/v1/handles", object{"column": askers, "identifier": p.social})
	}},
	{operation: "publishRelationship", alone: true, ready: toPublish},
	{operation: "publishRelationship", alone: true, how: "replayed", ready: again("/relmgr/v1/relationships"), before: func(h *hub, p asked) string { return replayed(h, toPublish(h, p)) }},
	{operation: "importPart", as: "ms-novak", alone: true, ready: toImport},
	{operation: "listImportRefusals", as: "ms-novak", alone: true, ready: func(h *hub, p asked) request {
		r := toImport(h, p)
		r.as = "ms-novak"
		if a := h.send(r); a.status != 200 {
			h.t.Fatalf("import: %d %s", a.status, a.body)
		}
		return get(strings.TrimSuffix(r.target, "parts") + "refusals")
	}},
	{operation: "importPart", how: "of a correlation by a code", alone: true, both: true, ready: toImportCode},
	{operation: "importPart", how: "of a correlation by a statement", alone: true, both: true, ready: func(h *hub, p asked) request {
		return toImportPaired(h, "statement", h.stated(h.reference("dr-patel", "gp-riverside", p.gp), h.reference(asker, askers, p.social)), p)
	}},
	{operation: "importPart", how: "of a correlation, again", alone: true, before: func(h *hub, p asked) string { return sendPart(h, toImportCode(h, p)) },
		ready: func(h *hub, p asked) request {
			target, body, _ := strings.Cut(p.before, " ")
			return request{method: "POST", target: target, body: []byte(body)}
		}},
	{operation: "listImportRefusals", how: "of a correlation", alone: true, both: true, ready: func(h *hub, p asked) request {
		target, _, _ := strings.Cut(sendPart(h, toImportCode(h, p)), " ")
		return get(strings.TrimSuffix(target, "parts") + "refusals")
	}},
	{operation: "setRelationshipStatus", alone: true, ready: func(h *hub, p asked) request {
		act, _ := h.publish(asker, askers, p.social, agreed{})
		return post(h, "/relmgr/v1/relationships/"+act+"/status", object{"status": "suspend", "reason": "work-ended"})
	}},
	{operation: "moveCaseload", alone: true, ready: func(h *hub, p asked) request {
		h.publish(asker, askers, p.social, agreed{})
		return post(h, "/relmgr/v1/caseloads", object{
			"from": askers, "to": "early-help", "reason": "work-ended", "relationships": []object{{"identifier": p.social, "as": "EH-" + p.social[len(p.social)-4:]}}})
	}},
	{operation: "eraseRelationship", alone: true, own: true, counts: true, ready: func(h *hub, p asked) request {
		h.publish(asker, askers, p.social, agreed{})
		return post(h, "/relmgr/v1/erasures", object{"column": askers, "identifier": p.social, "reason": "subject-asked"})
	}},
	{operation: "eraseRelationship", alone: true, own: true, counts: true, how: "keeping the records", ready: func(h *hub, p asked) request {
		h.handle(asker, askers, p.social)
		return post(h, "/relmgr/v1/erasures", object{"column": askers, "identifier": p.social, "reason": "subject-asked",
			"keeps": object{"what": "records", "obligation": "legal-claims"}})
	}},
	{operation: "openPairing", ready: func(h *hub, p asked) request {
		consent := h.consent(asker, askers, p.social, agreed{})
		return post(h, "/relmgr/v1/pairings", object{"column": askers, "identifier": p.social, "decision": h.decision(askers, agreed{}, consent)})
	}},
	{operation: "correlate", alone: true, both: true, ready: toCorrelate},
	{operation: "correlate", alone: true, both: true, how: "by a statement", ready: toCorrelateStated},
	{operation: "correlate", alone: true, how: "replayed", ready: again("/relmgr/v1/correlations"), before: func(h *hub, p asked) string { return replayed(h, toCorrelate(h, p)) }},
	{operation: "separate", alone: true, both: true, ready: func(h *hub, p asked) request {
		act, _ := joined(h, p.social, p.gp)
		return post(h, "/relmgr/v1/separations", object{"correlations": []string{act}, "reason": "not-the-same-person"})
	}},
	{operation: "confirmSamePerson", alone: true, both: true, ready: func(h *hub, p asked) request {
		code, _ := h.pair(asker, askers, p.social)
		c := h.correlation("gp-riverside", p.gp, code, h.consent("dr-patel", "gp-riverside", p.gp, agreed{}))
		c["mode"] = "joint"
		h.ok("dr-brandt", "POST", "/relmgr/v1/correlations", c)
		return post(h, "/relmgr/v1/correlations/"+h.act(asker, askers, p.social, "correlate")+"/confirmation", object{"reason": "same-person-found"})
	}},
	{operation: "keepApart", alone: true, both: true, ready: toKeepApart},
	{operation: "keepApart", alone: true, how: "replayed", ready: again("/relmgr/v1/keep-aparts"), before: func(h *hub, p asked) string { return replayed(h, toKeepApart(h, p)) }},
	{operation: "keepApart", alone: true, both: true, how: "by a correlation", ready: func(h *hub, p asked) request {
		act, _ := joined(h, p.social, p.gp)
		return post(h, "/relmgr/v1/keep-aparts", object{"correlations": []string{act}, "reason": "subject-asked"})
	}},
	{operation: "disputeIdentity", alone: true, ready: func(h *hub, p asked) request {
		h.handle(asker, askers, p.social)
		return post(h, "/relmgr/v1/disputes", object{"column": askers, "identifier": p.social, "reason": "not-the-same-person"})
	}},
	{operation: "settleDispute", alone: true, own: true, ready: func(h *hub, p asked) request {
		act := h.dispute(asker, askers, p.social)
		return post(h, "/relmgr/v1/disputes/"+act+"/settlement", object{"holds": []string{}, "reason": "same-person-found"})
	}},
	{operation: "listActs", alone: true, own: true, ready: func(h *hub, p asked) request {
		handle, _ := h.handle(asker, askers, p.social)
		return get("/relmgr/v1/acts?" + why + "&handle=" + handle)
	}},
	{operation: "findAct", alone: true, both: true, ready: func(h *hub, p asked) request {
		act, _ := joined(h, p.social, p.gp)
		return get("/relmgr/v1/acts/" + act + "?" + why)
	}},
	{operation: "withdrawAct", alone: true, both: true, how: "of a correlation", ready: func(h *hub, p asked) request {
		act, _ := joined(h, p.social, p.gp)
		return toWithdraw(h, act)
	}},
	{operation: "withdrawAct", alone: true, both: true, how: "of the withdrawal of a correlation", ready: func(h *hub, p asked) request {
		act, _ := joined(h, p.social, p.gp)
		return toWithdraw(h, h.ok(asker, "POST", "/relmgr/v1/acts/"+act+"/withdrawal", object{"reason": "work-ended"})["act"].(string))
	}},
	{operation: "withdrawAct", alone: true, both: true, how: "of a keep-apart", ready: func(h *hub, p asked) request {
		r := toKeepApart(h, p)
		var body object
		h.must(json.Unmarshal(r.body, &body))
		return toWithdraw(h, h.ok(asker, r.method, r.target, body)["act"].(string))
	}},
	{operation: "withdrawAct", alone: true, how: "of a dispute", ready: func(h *hub, p asked) request {
		return toWithdraw(h, h.dispute(asker, askers, p.social))
	}},
	{operation: "requestContact", ready: func(h *hub, p asked) request {
		return post(h, "/relmgr/v1/enquiries/"+h.enquiry(p, nil)+"/contact-requests", object{"contact": "desk"})
	}},
	{operation: "requestContact", how: "after an enquiry of before", before: func(h *hub, p asked) string { return h.enquiry(p, nil) }, ready: func(h *hub, p asked) request {
		return post(h, "/relmgr/v1/enquiries/"+p.before+"/contact-requests", object{"contact": "desk"})
	}},
	{operation: "requestContact", how: "for a second time", before: func(h *hub, p asked) string {
		id := h.enquiry(p, nil)
		h.ok(asker, "POST", "/relmgr/v1/enquiries/"+id+"/contact-requests", object{"contact": "desk"})
		return id
	}, ready: func(h *hub, p asked) request {
		return post(h, "/relmgr/v1/enquiries/"+p.before+"/contact-requests", object{"contact": "desk"})
	}},
	{operation: "listContactReplies", ready: func(h *hub, p asked) request {
		id := h.enquiry(p, nil)
		h.ok(asker, "POST", "/relmgr/v1/enquiries/"+id+"/contact-requests", object{"contact": "desk"})
		return get("/relmgr/v1/enquiries/" + id + "/contact-requests")
	}},
	{operation: "listRecent", own: true, ready: func(h *hub, p asked) request {
		h.enquiry(p, nil)
		return get("/relmgr/v1/enquiries?limit=1&column=" + askers)
	}},
	{operation: "listContactRequests", alone: true, own: true, reached: true, ready: func(h *hub, p asked) request {
		h.contacted(p)
		return get(inbox)
	}},
	{operation: "replyToContactRequest", alone: true, own: true, reached: true, ready: func(h *hub, p asked) request {
		if delivery := h.contacted(p); delivery != "" {
			return post(h, "/relmgr/v1/contact-requests/"+delivery+"/reply", object{"reply": "call-me", "reason": "working-with-person", "detriment": "not-considered", "contact": "desk",
				"decision": h.decision(askers, agreed{}, h.consent(asker, askers, p.social, agreed{}))})
		}
		return get(inbox)
	}},
	{operation: "listReviews", as: "ms-novak", tells: true, emergency: true, ready: func(h *hub, p asked) request {
		h.judgeAll()
		h.enquiry(p, object{"reason": "risk-of-harm", "emergency": true})
		return get("/relmgr/v1/reviews?" + why)
	}},
	{operation: "judgeEnquiry", as: "ms-novak", ready: func(h *hub, p asked) request {
		h.judgeAll()
		h.enquiry(p, object{"reason": "risk-of-harm", "emergency": true})
		return post(h, "/relmgr/v1/reviews/"+h.reviews()[0]["review"].(string)+"/outcome", object{"outcome": "justified", "reason": "risk-of-harm"})
	}},
	{operation: "askAsOf", ready: func(h *hub, p asked) request {
		return post(h, "/relmgr/v1/as-of-enquiries", toAskAsOf(p, h.instant()))
	}},
	{operation: "listAsOf", as: "ms-novak", ready: func(h *hub, p asked) request {
		h.approveAll()
		p.transaction = "" // which the list repeats
		h.ok(asker, "POST", "/relmgr/v1/as-of-enquiries", toAskAsOf(p, h.instant()))
		return get("/relmgr/v1/as-of-enquiries?" + why)
	}},
	{operation: "approveAsOf", as: "ms-novak", ready: func(h *hub, p asked) request {
		act := h.ok(asker, "POST", "/relmgr/v1/as-of-enquiries", toAskAsOf(p, h.instant()))["act"].(string)
		return post(h, "/relmgr/v1/as-of-enquiries/"+act+"/approval", object{"reason": "risk-of-harm"})
	}},
	{operation: "readAsOf", tells: true, stores: true, ready: func(h *hub, p asked) request { return toReadAsOf(h, p, h.instant()) }},
	{operation: "readAsOf", how: "of before it was hidden", tells: true, earlier: true, before: func(h *hub, _ asked) string { return h.instant() },
		ready: func(h *hub, p asked) request { return toReadAsOf(h, p, p.before) }},
	{operation: "recordObjection", alone: true, both: true, ready: func(h *hub, p asked) request { return toObject(h, h.imposeJoin(p)) }},
	{operation: "recordObjection", alone: true, how: "to an act of before", before: (*hub).imposeJoin, ready: func(h *hub, p asked) request {
		return toObject(h, p.before)
	}},
	{operation: "reviewTelling", alone: true, both: true, as: "ms-novak", ready: func(h *hub, p asked) request {
		return post(h, "/relmgr/v1/acts/"+h.imposeJoin(p)+"/telling", object{"reason": "work-ended"})
	}},
	{operation: "listUntold", alone: true, both: true, as: "ms-novak", ready: func(h *hub, p asked) request {
		h.settleAll()
		h.imposeJoin(p)
		return get("/relmgr/v1/tellings?" + why)
	}},
	{operation: "listObjections", alone: true, both: true, as: "ms-novak", ready: func(h *hub, p asked) request {
		h.settleAll()
		h.done(toObject(h, h.imposeJoin(p)))
		return get("/relmgr/v1/objections?" + why)
	}},
	{operation: "ruleOnObjection", alone: true, both: true, as: "ms-novak", ready: func(h *hub, p asked) request {
		act := h.done(toObject(h, h.imposeJoin(p)))
		return post(h, "/relmgr/v1/objections/"+act+"/ruling", object{"outcome": "upheld", "reason": "subject-asked"})
	}},
	{operation: "ruleOnObjection", alone: true, how: "to an act of before", as: "ms-novak", before: (*hub).imposeJoin, ready: func(h *hub, p asked) request {
		return post(h, "/relmgr/v1/objections/"+h.done(toObject(h, p.before))+"/ruling", object{"outcome": "upheld", "reason": "subject-asked"})
	}},
	{operation: "listDecisions", alone: true, both: true, as: "ms-novak", ready: func(h *hub, p asked) request {
		h.settleAll()
		h.overrideJoin(p)
		return get("/relmgr/v1/decisions?state=override&" + why)
	}},
	{operation: "judgeOverride", alone: true, both: true, as: "sc-second", ready: func(h *hub, p asked) request {
		return post(h, "/relmgr/v1/decisions/"+h.overrideJoin(p)+"/review", object{"outcome": "not-justified", "reason": "risk-of-harm"})
	}},
	{operation: "returnColumn", alone: true, both: true, ready: func(h *hub, p asked) request {
		h.closeWith(p)
		return post(h, "/relmgr/v1/columns/"+oldColumn+"/export", object{"reason": "work-ended"})
	}},
	{operation: "destroyColumn", alone: true, both: true, ready: func(h *hub, p asked) request {
		h.closeWith(p)
		h.export()
		return post(h, "/relmgr/v1/columns/"+oldColumn+"/destruction", object{"reason": "work-ended"})
	}},
	{operation: "declareInterest", ready: func(h *hub, p asked) request {
		return post(h, "/relmgr/v1/declarations", object{"column": askers, "identifier": p.social, "interest": "household"})
	}},
	{operation: "endDeclaration", as: "ms-novak", ready: func(h *hub, p asked) request {
		d := h.ok(asker, "POST", "/relmgr/v1/declarations", object{"column": askers, "identifier": p.social, "interest": "conflict"})
		return post(h, "/relmgr/v1/declarations/"+d["declaration"].(string)+"/end", object{"reason": "work-ended"})
	}},
	{operation: "captureConsent", ready: func(h *hub, p asked) request {
		return post(h, "/consent/v1/consents", object{
			"proof": h.proofOf(p), "explicit": true, "audience": object{"partnership": true}, "purposes": []string{"co-ordinate-care"},
			"aspects": []string{"relationship"}, "until": h.until(24 * 3600e9), "evidence": "signed-form", "wording": "leaflet-3"})
	}},
	{operation: "findConsent", ready: func(h *hub, p asked) request {
		return get("/consent/v1/consents/" + h.consent(asker, askers, p.social, agreed{}))
	}},
	{operation: "receiptOfConsent", ready: func(h *hub, p asked) request {
		return get("/consent/v1/consents/" + h.consent(asker, askers, p.social, agreed{}) + "/receipt")
	}},
	{operation: "withdrawConsent", ready: func(h *hub, p asked) request {
		return post(h, "/consent/v1/consents/"+h.consent(asker, askers, p.social, agreed{})+"/withdrawal", object{"evidence": "electronic"})
	}},
	{operation: "excludeAgency", alone: true, ready: func(h *hub, p asked) request {
		return post(h, "/consent/v1/exclusions", object{"proof": h.proofOf(p), "agency": "riverside-gp", "evidence": "electronic"})
	}},
	{operation: "withdrawExclusion", ready: func(h *hub, p asked) request {
		return post(h, "/consent/v1/exclusions/"+h.exclude(asker, askers, p.social, "riverside-police")+"/withdrawal", object{"evidence": "electronic"})
	}},
	{operation: "blockRelationship", alone: true, ready: func(h *hub, p asked) request {
		return post(h, "/consent/v1/blocks", object{"proof": h.proofOf(p), "reach": "block", "warning": "effect-on-care-1", "evidence": "electronic"})
	}},
	{operation: "withdrawBlock", ready: func(h *hub, p asked) request {
		return post(h, "/consent/v1/blocks/"+h.block(asker, askers, p.social, "block")+"/withdrawal", object{"evidence": "electronic"})
	}},
	{operation: "requestConsent", ready: func(h *hub, p asked) request {
		return post(h, "/consent/v1/requests", object{
			"proof": h.proofOf(p), "explicit": true, "audience": object{"partnership": true}, "purposes": []string{"co-ordinate-care"},
			"aspects": []string{"relationship"}, "until": h.until(24 * 3600e9)})
	}},
	{operation: "answerConsentRequest", ready: func(h *hub, p asked) request {
		return post(h, "/consent/v1/requests/"+h.toAsk(asker, h.proofOf(p))+"/answer", object{"answer": "refused", "evidence": "spoken-and-noted"})
	}},
	{operation: "listConsentRequests", ready: func(h *hub, p asked) request {
		for _, r := range h.ok(asker, "GET", "/consent/v1/requests?column="+askers, nil)["requests"].([]any) {
			h.ok(asker, "POST", "/consent/v1/requests/"+r.(object)["request"].(string)+"/answer", object{"answer": "refused", "evidence": "spoken-and-noted"})
		}
		h.toAsk(asker, h.proofOf(p))
		return get("/consent/v1/requests?column=" + askers)
	}},
	{operation: "tryDecision", ready: func(h *hub, p asked) request {
		trial := h.trial()
		trial["column"], trial["power"], trial["role"] = askers, powers[askers], "social-worker"
		return post(h, "/consent/v1/decisions", object{"holder": trial})
	}},
}

// ask asks about one of social care's identifiers.
func (h *hub) ask(social, transaction string) answer {
	h.t.Helper()
	r := post(h, "/relmgr/v1/enquiries", toAsk(asked{social: social, transaction: transaction}, nil))
	r.as = asker
	return h.send(r)
}

// table is the scenes and histories against the probes, on one hub.
type table struct {
	*hub
	l      *listener
	probes []probe
	people int
	scenes int
	all    bool                           // every probe in every scene; else each in its share of them
	absent map[string]map[string]observed // by history and probe
}

// somebody is a person whom nobody has named yet.
func (t *table) somebody() asked {
	t.people++
	return asked{social: fmt.Sprintf("LMN-%05d", t.people), gp: fmt.Sprintf("GP-%05d", t.people)}
}

// try makes the probe's observation of somebody of whom all has been prepared.
func (t *table) try(p probe, who asked) observed {
	t.t.Helper()
	r := p.ready(t.hub, who)
	if r.as = p.as; r.as == "" {
		r.as = asker
	}
	return t.observe(t.l, r, p.stores)
}

// cast chooses the probes, gives each its person, prepares them, and has each do
// what comes before anything is hidden. It returns what hides them.
func (t *table) cast(s scene, takesPart func(i int, p probe) bool) (who map[int]asked, hides []func()) {
	t.t.Helper()
	who = map[int]asked{}
	var shared asked
	for i, p := range t.probes {
		if !takesPart(i, p) {
			continue
		}
		who[i] = shared
		if p.alone || shared.social == "" {
			who[i] = t.somebody()
			if hide := s.prepare(t.hub, who[i].social, who[i].gp); hide != nil {
				hides = append(hides, hide)
			}
		}
		if !p.alone {
			shared = asked{social: who[i].social, gp: who[i].gp}
		}
	}
	for i, p := range t.probes {
		if w, cast := who[i]; cast {
			if p.before != nil {
				w.before = p.before(t.hub, w)
			}
			w.transaction = s.transaction
			who[i] = w
		}
	}
	return who, hides
}

// ofAbsent is what each of these probes observes of somebody whom no other
// agency publishes.
func (t *table) ofAbsent(history string, of map[int]asked) map[string]observed {
	t.t.Helper()
	make, ok := histories[history]
	if !ok {
		t.t.Fatalf("no history is called %q", history)
	}
	all := t.absent[history]
	if all == nil {
		all = map[string]observed{}
		t.absent[history] = all
	}
	who, _ := t.cast(scene{prepare: func(h *hub, social, gp string) func() { make(h, social, gp); return nil }}, func(i int, p probe) bool {
		_, seen := all[p.name()]
		_, needed := of[i]
		return needed && !seen
	})
	for i, p := range t.probes {
		if _, cast := who[i]; !cast {
			continue
		}
		seen := t.try(p, who[i])
		if seen.status >= 300 || len(seen.statements) == 0 || len(seen.metrics) == 0 || len(seen.logs) == 0 {
			t.t.Errorf("%s, %q: nothing was observed: %+v", p.name(), history, seen)
		}
		all[p.name()] = seen
		if history == "" || p.own {
			continue
		}
		if found := differences(t.ofAbsent("", of)[p.name()], seen); len(found) > 0 {
			t.t.Errorf("%s: somebody who is absent, %q, can be told from one never seen:\n%s", p.name(), history, strings.Join(found, "\n"))
		}
	}
	return all
}

// share is in how many scenes once a probe is tried, unless all are: those that need a
// person of their own take longer.
func share(p probe) int {
	if p.alone {
		return 8
	}
	return 2
}

// play prepares one scene for every probe, hides, and probes.
func (t *table) play(s scene) {
	t.t.Helper()
	t.scenes++
	who, hides := t.cast(s, func(i int, p probe) bool {
		return !(p.both && s.silent) && !(p.reached && s.leftOut) && !(p.counts && s.asks) && !(p.whole && s.transaction != "") && (t.all || i == 0 || (i+t.scenes)%share(p) == 0)
	})
	if hides != nil {
		if a := t.ask(who[0].social, s.transaction); !strings.Contains(string(a.body), `"known":"yes"`) {
			t.t.Errorf("%s: there is nothing to hide: %d %s", s.name, a.status, a.body)
		}
	}
	absent := t.ofAbsent(s.own, who) // before a column is closed to everybody
	for _, hide := range hides {
		hide()
	}
	if s.together != nil {
		defer s.together(t.hub)()
	}
	for i, p := range t.probes {
		w, cast := who[i]
		if !cast {
			continue
		}
		seen := t.try(p, w)
		found := differences(absent[p.name()], seen)
		switch {
		case p.tells && s.known || p.emergency && s.emergency || p.earlier && s.over || p.stranger && s.found:
			if report := strings.Join(found, "\n"); !strings.Contains(report, "body:") {
				t.t.Errorf("%s, %s: there is something to tell, and the comparison reports %q", p.name(), s.name, report)
			}
		case len(found) > 0:
			t.t.Errorf("%s: %q can be told from somebody absent:\n%s", p.name(), s.name, strings.Join(found, "\n"))
		}
	}
}

// QRY-11, PUB-07, PUB-12, IDX-10, IDX-12, IDX-18, COL-03, invariant 5: whatever
// the reason for which nothing is told, the answer of every operation, its
// status and headers, the statements behind it, and what metrics and logs say of
// it are those of somebody who is not there. What a write came to (in effect,
// waiting, barred) is a scene like the others. A known provider is seen by the
// comparison. `make oracle` tries every pair of scene and probe.
func TestWhatIsHiddenCannotBeToldFromWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for name, plays := range map[string]func(scene) bool{
		"what was joined": func(s scene) bool { return s.own == "joined" }, "all else": func(s scene) bool { return s.own != "joined" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, l := watched(t, setting{document: withOldColumn})
			table := &table{hub: h, l: l, probes: probes, all: thorough(), absent: map[string]map[string]observed{}}
			for _, s := range scenes {
				if plays(s) {
					table.play(s)
				}
			}
		})
	}
}

// COL-08, IDX-15: nor can somebody whom the other side moved to another column, or
// whose column it had destroyed, be told, by asking or by what one imposed,
// overrode or closed oneself.
func TestWhomAColumnMovedOrDestroyedCannotBeToldFromWhoIsNotThere(t *testing.T) {
	t.Parallel()
	h, l := watched(t, setting{document: withOldColumn})
	ops := []string{"enquire", "recordObjection", "reviewTelling", "listUntold", "listObjections", "ruleOnObjection", "listDecisions", "judgeOverride", "returnColumn", "destroyColumn"}
	some := slices.DeleteFunc(slices.Clone(probes), func(p probe) bool { return !slices.Contains(ops, p.operation) })
	table := &table{hub: h, l: l, probes: some, all: thorough(), absent: map[string]map[string]observed{}}
	for _, s := range scenesOfColumns {
		table.play(s)
	}
}

// QRY-11: where an agreement asks for a case, the refusal of a question without
// one depends on the asker's own column alone: it is the same whoever is known
// elsewhere, shown or hidden.
func TestAskingForACaseTellsNothingOfOthers(t *testing.T) {
	t.Parallel()
	h, l := watched(t, setting{document: func(doc map[string]any) {
		for _, a := range doc["agreements"].([]any) {
			a.(map[string]any)["needs_case"] = true
		}
	}})
	table := &table{hub: h, l: l}
	var first observed
	for i, s := range scenes {
		who := table.somebody()
		if hide := s.prepare(h, who.social, who.gp); hide != nil {
			hide()
		}
		who.transaction = s.transaction
		seen := table.try(probes[0], who)
		if i == 0 {
			if first = seen; seen.status != 403 || !strings.Contains(seen.body, "name the case") || !slices.Contains(seen.wrote, "relmgr.enquiries +1") {
				t.Fatalf("%s: %+v", s.name, seen)
			}
		}
		if found := differences(first, seen); len(found) > 0 {
			t.Errorf("%s can be told from %s:\n%s", s.name, scenes[0].name, strings.Join(found, "\n"))
		}
	}
}

// An operation that is new to openapi.yaml has to be probed, or excused.
func TestEveryOperationIsProbedOrExcused(t *testing.T) {
	t.Parallel()
	c := readContract(t)
	if missing := unprobed(c, probes, tellsNothing); len(missing) > 0 {
		t.Errorf("add a probe to probes, or a reason to tellsNothing, for %v", missing)
	}
	if got := unprobed(c, probes[1:], nil); !slices.Contains(got, "signIn") {
		t.Errorf("without excuses %v are missed: an operation that nothing calls is not found", got)
	}
	known := map[string]bool{}
	for _, op := range c.operations {
		known[op.id] = true
	}
	for _, p := range probes {
		if !known[p.operation] || tellsNothing[p.operation] != "" {
			t.Errorf("%s is probed, and is excused or no operation", p.operation)
		}
	}
	for id := range tellsNothing {
		if !known[id] {
			t.Errorf("%s is excused, and no operation", id)
		}
	}
	own := map[string]bool{}
	for _, s := range scenes {
		own[s.own] = true
	}
	if len(own) != len(histories) {
		t.Errorf("%d histories, of which the scenes use %d", len(histories), len(own))
	}
}

func unprobed(c *contract, probes []probe, excused map[string]string) (missing []string) {
	for _, op := range c.operations {
		if excused[op.id] == "" && !slices.ContainsFunc(probes, func(p probe) bool { return p.operation == op.id }) {
			missing = append(missing, op.id)
		}
	}
	return missing
}

// QRY-11: one difference that is put into the hub, of each kind that is
// compared, is found, and found to be of that kind.
func TestTheOracleFindsADifferenceOfEachKind(t *testing.T) {
	t.Parallel()
	type leak func(h *hub, w *httptest.ResponseRecorder)
	var planted atomic.Pointer[leak]
	var h *hub
	wrap := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			f := planted.Swap(nil)
			if f == nil {
				next.ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			next.ServeHTTP(rec, r)
			(*f)(h, rec)
			for name, values := range rec.Header() {
				w.Header()[name] = values
			}
			w.WriteHeader(rec.Code)
			w.Write(rec.Body.Bytes())
		})
	}
	h, l := watched(t, setting{wrap: wrap})
	db := overheard(t, h.base.DSN("relmgr"), l)
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "hidden", Help: "Counts what must not be counted."})
	h.registries["relmgr"].MustRegister(counter)
	body := func(change func([]byte) []byte) leak {
		return func(_ *hub, w *httptest.ResponseRecorder) {
			text := change(bytes.Clone(w.Body.Bytes()))
			w.Body.Reset()
			w.Body.Write(text)
		}
	}
	ask := func(f leak) observed {
		r := post(h, "/relmgr/v1/enquiries", toAsk(asked{social: "LMN-00001"}, nil))
		r.as = asker
		if f != nil {
			r.plant = func() { planted.Store(&f) }
		}
		return h.observe(l, r, true)
	}
	plain := ask(nil)
	if found := differences(plain, ask(nil)); len(found) > 0 {
		t.Fatalf("the same differ in %v", found)
	}
	for what, f := range map[string]leak{
		"status":  func(_ *hub, w *httptest.ResponseRecorder) { w.Code = http.StatusAccepted },
		"headers": func(_ *hub, w *httptest.ResponseRecorder) { w.Header().Set("X-Known", "1") },
		"body": body(func(b []byte) []byte {
			return bytes.Replace(b, []byte(`"complete":true`), []byte(`"complete":TRUE`), 1)
		}),
		"length": body(func(b []byte) []byte { return append(b, ' ') }),
		"statements": func(*hub, *httptest.ResponseRecorder) {
			var n int
			if err := db.QueryRow("select 1").Scan(&n); err != nil {
				t.Error(err)
			}
		},
		"metrics": func(*hub, *httptest.ResponseRecorder) { counter.Inc() },
		"logs": func(h *hub, _ *httptest.ResponseRecorder) {
			fmt.Fprintln(h.logs, `{"level":"DEBUG","msg":"a row of two"}`)
		},
		"written": func(h *hub, _ *httptest.ResponseRecorder) {
			if _, err := h.admin.Exec(`insert into ledger.pending (commitment) values (sha256('x'))`); err != nil {
				t.Error(err)
			}
		},
	} {
		found := differences(plain, ask(f))
		want := []string{what}
		if what == "length" {
			want = []string{"body", "length"}
		}
		got := []string{}
		for _, d := range found {
			kind, _, _ := strings.Cut(d, ":")
			got = append(got, kind)
		}
		if !slices.Equal(got, want) {
			t.Errorf("a difference of %s is reported as %v", what, found)
		}
	}
}
