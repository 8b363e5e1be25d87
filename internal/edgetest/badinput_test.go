package edgetest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// row is one line of the table: a request, and how it must be refused.
type row struct {
	name string
	request
	kind   string   // a section of docs/problems.md
	status int      // where it is not the section's own
	marks  []string // what must not come back, besides the marker and the identifiers
	writes []string // what it may write: what the design says of a recorded refusal
}

// What the design says that a refusal of a step leaves (design.md sections 3
// and 4): one enquiry, or one act with its decision and the reference under
// which the caller's agency finds it; the key of its content; its leaf.
var (
	refusedEnquiry = []string{"ledger.pending +1", "relmgr.content_keys +1", "relmgr.enquiries +1"}
	refusedAct     = []string{
		"ledger.pending +1", "relmgr.act_references +1", "relmgr.acts +1", "relmgr.content_keys +1", "relmgr.decisions +1",
	}
	refusedAttachment = []string{"ledger.pending +1", "relmgr.act_references +1", "relmgr.acts +1", "relmgr.content_keys +1"}
)

// Identifiers that the table sends. None may come back, or stand in a log.
const (
	gpIdentifier     = "GP-73914"
	schoolIdentifier = "S073914"
	socialIdentifier = "LMN-73914"
)

// bench is a hub with everything that the good request of each operation needs.
type bench struct {
	*hub
	contract *contract
	statuses map[string]int
	good     map[string]request // by operation

	publishing, correlating   string // acts, as their agency knows them
	gpHandle, gpProof         string
	socialProof               string // for idmgr
	link, linkCode            string
	asking                    *hubtest.OtherHub // a peer in force
	ours, ended               string            // disputes with another hub: filed here, and answered here
	revoked                   string            // a trust mark
	recourse, ruledOn         string            // cases: waiting, as an adjudicator knows it, and ruled on, as a party does
	unruled, adjudged         string            // the same two, as the other does
	idmgrProof, schoolProof   string
	consent, schoolConsent    string
	policeConsent, exclusion  string
	block, theirs, dispute    string
	review, declaration       string
	imposed, objection        string
	approval, bulk, batch     string
	request, answered         string
	question, delivery        string
	overridden                string // an act, as its agency knows it
	code, apartCode           string
	asked, approved, mine     string // acts that ask about an earlier date: waiting, approved, the reviewer's own
	recognition               string
	check, failed             string // checks of the person's birth: good, and known to be wrong
	person                    string // an entry of the register town, as its keeper's agency knows it
	authenticator             string // what that person has enrolled
	document                  object
	erasable                  string // an entry
	own, twin, overlay, pair2 string // a recognition of the keeper's, an entry, and tasks: decided, and open

	complaint, answeredComplaint string // one that waits, and one that does not

	last     map[string]content // what there was when it was last looked at
	unlooked []string           // the rows tried since, each to write nothing
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{hub: newHub(t, setting{document: func(doc map[string]any) { withRecourse(doc); withNorthvale(doc) }}), contract: readContract(t), statuses: documented(t)}
	for _, name := range []string{"leaver-one", "leaver-two"} {
		b.register(name)
	}
	b.registerAndEnd("gone")

	var consent string
	b.publishing, consent = b.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	b.consent = consent
	code, _ := b.pair("dr-patel", "gp-riverside", "GP-00042")
	b.correlating, _ = b.correlate("mr-lindqvist", "social-care", "LMN-00042", code)
	b.exclusion = b.exclude("dr-patel", "gp-riverside", "GP-00042", "riverside-police")

	b.contact()
	b.block = b.hub.block("dr-patel", "gp-riverside", "GP-00043", "block")
	b.theirs = b.act("dr-patel", "gp-riverside", "GP-00042", "correlate")
	b.publish("dr-patel", "gp-patel", "PT7391", agreed{})
	b.overridden = b.hub.override("GP-00047")
	b.dispute = b.hub.dispute("mr-lindqvist", "social-care", "LMN-00044")
	b.imposed = b.impose("LMN-00048")
	b.ok("dr-brandt", "POST", "/relmgr/v1/columns/gp-old/export", object{"reason": "work-ended"})
	b.objection = b.ok("mr-lindqvist", "POST", "/relmgr/v1/acts/"+b.impose("LMN-00049")+"/objections", object{
		"reason": "subject-asked", "evidence": "signed-form"})["act"].(string)
	b.ok("mr-lindqvist", "POST", "/relmgr/v1/enquiries", object{
		"column": "social-care", "identifier": "LMN-00045", "purpose": "co-ordinate-care", "reason": "risk-of-harm", "concerning": "child", "emergency": true,
	})
	b.review = b.ok("ms-novak", "GET", "/relmgr/v1/reviews?"+why, nil)["reviews"].([]any)[0].(object)["review"].(string)
	b.declaration = b.ok("mr-lindqvist", "POST", "/relmgr/v1/declarations", object{
		"column": "social-care", "identifier": "LMN-00045", "interest": "conflict",
	})["declaration"].(string)

	b.approval = b.ok("dr-lund", "POST", "/relmgr/v1/approvals", b.approving())["act"].(string)
	b.bulk = b.ok("dr-brandt", "POST", "/relmgr/v1/imports", object{"approval": b.approval, "file": strings.Repeat("0", 64)})["import"].(string)
	b.ok("dr-brandt", "POST", "/relmgr/v1/imports/"+b.bulk+"/parts", object{"first": 1, "last": 9, "relationships": []object{importLine(1, "GP-70001")}})
	paired := b.approving()
	paired["deed"] = "correlate"
	b.batch = b.ok("dr-brandt", "POST", "/relmgr/v1/imports", object{
		"approval": b.ok("dr-lund", "POST", "/relmgr/v1/approvals", paired)["act"], "file": strings.Repeat("0", 64)})["import"].(string)
	b.asked, b.approved, b.mine = b.askAsOf("mr-lindqvist", "LMN-00042"), b.askAsOf("mr-lindqvist", "LMN-00042"), b.askAsOf("ms-novak", "LMN-00042")
	b.ok("ms-novak", "POST", "/relmgr/v1/as-of-enquiries/"+b.approved+"/approval", object{"reason": "risk-of-harm"})

	b.publish("mr-lindqvist", "social-care", "LMN-73950", agreed{}) // to be erased
	b.ok("ms-novak", "POST", "/relmgr/v1/declarations", object{
		"column": "social-care", "identifier": "LMN-73950", "interest": "conflict", "practitioner": "mr-lindqvist"})
	b.hub.ask("LMN-73950", "")
	found := b.ok("dr-patel", "POST", "/relmgr/v1/handles", object{"column": "gp-riverside", "identifier": gpIdentifier})
	b.gpHandle = found["handle"].(string)
	proofs := found["proofs"].(object)
	b.gpProof, b.idmgrProof = proofs["consent"].(string), proofs["idmgr"].(string)
	_, b.schoolProof = b.handle("ms-okafor", "school-pastoral", schoolIdentifier)
	gpConsent := b.hub.consent("dr-patel", "gp-riverside", gpIdentifier, agreed{})
	b.policeConsent = b.hub.consent("pc-dunne", "police-riverside", "P/0042/26", agreed{})
	b.code, b.schoolConsent = b.pair("ms-okafor", "school-pastoral", schoolIdentifier)
	b.apartCode, _ = b.pair("ms-okafor", "school-pastoral", "S000043")
	socialConsent := b.hub.consent("mr-lindqvist", "social-care", socialIdentifier, agreed{})
	b.request = b.toAsk("dr-patel", b.gpProof)
	b.answered = b.toAsk("dr-patel", b.gpProof)
	b.ok("dr-patel", "POST", "/consent/v1/requests/"+b.answered+"/answer", object{"answer": "refused", "evidence": "spoken-and-noted"})
	b.document = b.ok("gov-ellis", "GET", "/governance/v1/partnership", nil)["document"].(object)
	changed := plain(t, b.document).(object)
	changed["partnership"].(object)["name"] = "Riverside, renamed"

	b.good = map[string]request{
		"findHandle":          {as: "dr-patel", target: "/relmgr/v1/handles", body: render(plain(t, object{"column": "gp-riverside", "identifier": gpIdentifier}))},
		"publishRelationship": {as: "dr-patel", target: "/relmgr/v1/relationships", body: render(plain(t, b.relationship("gp-riverside", gpIdentifier, agreed{}, gpConsent)))},
		"approveImport":       {as: "dr-lund", target: "/relmgr/v1/approvals", body: render(plain(t, b.approving()))},
		"startImport":         {as: "dr-brandt", target: "/relmgr/v1/imports", body: render(object{"approval": b.approval, "file": strings.Repeat("a", 64)})},
		"importPart": {as: "dr-brandt", target: "/relmgr/v1/imports/" + b.bulk + "/parts", body: render(plain(t, object{
			"first": 10, "last": 20, "relationships": []object{importLine(12, "GP-70002")}}))},
		"listImportRefusals": {as: "dr-brandt", target: "/relmgr/v1/imports/" + b.bulk + "/refusals"},
		"openPairing": {as: "dr-patel", target: "/relmgr/v1/pairings", body: render(plain(t, object{
			"column": "gp-riverside", "identifier": gpIdentifier, "decision": b.decision("gp-riverside", agreed{}, gpConsent)}))},
		"correlate":           {as: "mr-lindqvist", target: "/relmgr/v1/correlations", body: render(plain(t, b.correlation("social-care", socialIdentifier, b.code, socialConsent)))},
		"separate":            {as: "mr-lindqvist", target: "/relmgr/v1/separations", body: render(plain(t, object{"correlations": []string{b.correlating}, "reason": "not-the-same-person"}))},
		"withdrawAct":         {as: "dr-patel", target: "/relmgr/v1/acts/" + b.publishing + "/withdrawal", body: render(object{"reason": "work-ended"})},
		"requestContact":      {as: "mr-lindqvist", target: "/relmgr/v1/enquiries/" + b.question + "/contact-requests", body: render(object{"contact": "desk"})},
		"listContactReplies":  {as: "mr-lindqvist", target: "/relmgr/v1/enquiries/" + b.question + "/contact-requests"},
		"listRecent":          {as: "mr-lindqvist", target: "/relmgr/v1/enquiries?column=social-care&limit=2"},
		"listWaiting":         {as: "mr-lindqvist", target: "/relmgr/v1/waiting?column=social-care&" + why},
		"listContactRequests": {as: "dr-patel", target: "/relmgr/v1/contact-requests?column=gp-riverside"},
		"replyToContactRequest": {as: "dr-patel", target: "/relmgr/v1/contact-requests/" + b.delivery + "/reply", body: render(plain(t, object{
			"reply": "share", "reason": "working-with-person", "detriment": "not-considered", "contact": "desk",
			"decision": b.decision("gp-riverside", agreed{}, b.hub.consent("dr-patel", "gp-riverside", "GP-00046", agreed{}))}))},
		"confirmSamePerson": {as: "dr-patel", target: "/relmgr/v1/correlations/" + b.theirs + "/confirmation", body: render(object{"reason": "same-person-found"})},
		"keepApart": {as: "mr-lindqvist", target: "/relmgr/v1/keep-aparts", body: render(plain(t, object{
			"column": "social-care", "identifier": socialIdentifier, "pairing": b.apartCode, "reason": "subject-asked"}))},
		"disputeIdentity": {as: "mr-lindqvist", target: "/relmgr/v1/disputes", body: render(object{
			"column": "social-care", "identifier": socialIdentifier, "reason": "not-the-same-person"})},
		"settleDispute": {as: "mr-lindqvist", target: "/relmgr/v1/disputes/" + b.dispute + "/settlement", body: render(plain(t, object{
			"holds": []string{}, "reason": "same-person-found"}))},
		"setRelationshipStatus": {as: "dr-patel", target: "/relmgr/v1/relationships/" + b.publishing + "/status", body: render(object{
			"status": "suspend", "reason": "work-ended"})},
		"recordObjection": {as: "mr-lindqvist", target: "/relmgr/v1/acts/" + b.imposed + "/objections", body: render(object{
			"reason": "subject-asked", "evidence": "spoken-and-noted"})},
		"reviewTelling": {as: "mr-lindqvist", target: "/relmgr/v1/acts/" + b.imposed + "/telling", body: render(plain(t, object{
			"reason": "risk-of-harm", "not_told": object{"risk": "risk-to-the-subject", "review_by": b.until(30 * 24 * time.Hour)}}))},
		"listUntold":     {as: "ms-novak", target: "/relmgr/v1/tellings?" + why},
		"listRepairs":    {as: "ms-novak", target: "/relmgr/v1/repairs?" + why},
		"listObjections": {as: "ms-novak", target: "/relmgr/v1/objections?" + why},
		"ruleOnObjection": {as: "mr-lindqvist", target: "/relmgr/v1/objections/" + b.objection + "/ruling", body: render(object{
			"outcome": "upheld", "reason": "subject-asked"})},
		"returnColumn":  {as: "dr-brandt", target: "/relmgr/v1/columns/gp-old/export", body: render(object{"reason": "work-ended"})},
		"destroyColumn": {as: "dr-brandt", target: "/relmgr/v1/columns/gp-old/destruction", body: render(object{"reason": "work-ended"})},
		"eraseRelationship": {as: "mr-lindqvist", target: "/relmgr/v1/erasures", body: render(object{
			"column": "social-care", "identifier": "LMN-73950", "reason": "subject-asked", "evidence": "signed-form"})},
		"moveCaseload": {as: "dr-brandt", target: "/relmgr/v1/caseloads", body: render(plain(t, object{
			"from": "gp-patel", "to": "gp-riverside", "reason": "work-ended", "relationships": []object{{"identifier": "PT7391", "as": "GP-73910"}}}))},
		"askAsOf": {as: "mr-lindqvist", target: "/relmgr/v1/as-of-enquiries", body: render(object{
			"column": "social-care", "identifier": socialIdentifier, "as_of": b.until(-time.Minute), "purpose": "co-ordinate-care",
			"reason": "working-with-person", "concerning": "child", "transaction": "joint-assessment", "case": "2026/0412"})},
		"listAsOf":     {as: "ms-novak", target: "/relmgr/v1/as-of-enquiries?" + why},
		"approveAsOf":  {as: "ms-novak", target: "/relmgr/v1/as-of-enquiries/" + b.asked + "/approval", body: render(object{"reason": "risk-of-harm"})},
		"readAsOf":     {as: "mr-lindqvist", target: "/relmgr/v1/as-of-enquiries/" + b.approved + "/answer"},
		"listReviews":  {as: "ms-novak", target: "/relmgr/v1/reviews?" + why},
		"judgeEnquiry": {as: "ms-novak", target: "/relmgr/v1/reviews/" + b.review + "/outcome", body: render(object{"outcome": "justified", "reason": "risk-of-harm"})},
		"declareInterest": {as: "ms-novak", target: "/relmgr/v1/declarations", body: render(object{
			"column": "social-care", "identifier": socialIdentifier, "interest": "conflict", "practitioner": "mr-lindqvist"})},
		"endDeclaration": {as: "ms-novak", target: "/relmgr/v1/declarations/" + b.declaration + "/end", body: render(object{"reason": "work-ended"})},
		"blockRelationship": {as: "dr-patel", target: "/consent/v1/blocks", body: render(object{
			"proof": b.gpProof, "reach": "block", "warning": "effect-on-care-1", "evidence": "electronic"})},
		"withdrawBlock": {as: "dr-patel", target: "/consent/v1/blocks/" + b.block + "/withdrawal", body: render(object{"evidence": "electronic"})},
		"findAct":       {as: "dr-patel", target: "/relmgr/v1/acts/" + b.publishing + "?" + why},
		"listActs":      {as: "dr-patel", target: "/relmgr/v1/acts?" + why + "&handle=" + b.gpHandle},
		"listDecisions": {as: "dr-brandt", target: "/relmgr/v1/decisions?" + why + "&state=standing&rests_on=riverside-children"},
		"judgeOverride": {as: "guardian-lowe", target: "/relmgr/v1/decisions/" + b.overridden + "/review", body: render(object{"outcome": "justified", "reason": "risk-of-harm"})},
		"attachAnchor": {as: "dr-patel", target: "/relmgr/v1/anchors", body: render(object{
			"column": "gp-riverside", "identifier": gpIdentifier, "recognition": b.recognised("dr-patel", "Iris Moor"), "reason": "same-person-found"})},
		"enquire": {as: "dr-patel", target: "/relmgr/v1/enquiries", body: render(object{
			"column": "gp-riverside", "identifier": gpIdentifier, "purpose": "co-ordinate-care", "reason": "working-with-person",
			"concerning": "child", "transaction": "joint-assessment", "case": "2026/0412", "scope": "agency"})},
		"captureConsent": {as: "dr-patel", target: "/consent/v1/consents", body: render(plain(t, object{
			"proof": b.gpProof, "explicit": true, "audience": object{"agencies": []string{"hillside-school"}}, "purposes": []string{"co-ordinate-care"},
			"aspects": []string{"relationship"}, "until": "2027-06-01T00:00:00Z", "evidence": "signed-form", "wording": "leaflet-3", "understanding": "told-back",
			"proxy":      object{"authority": "parental-responsibility", "evidence": "own-records", "until": "2027-05-01T00:00:00Z"},
			"competence": object{"presumed": "not-competent"}}))},
		"requestConsent": {as: "dr-patel", target: "/consent/v1/requests", body: render(plain(t, object{
			"proof": b.gpProof, "explicit": true, "audience": object{"agencies": []string{"hillside-school"}}, "purposes": []string{"co-ordinate-care"},
			"aspects": []string{"relationship"}, "until": "2027-06-01T00:00:00Z"}))},
		"listConsentRequests": {as: "dr-patel", target: "/consent/v1/requests?column=gp-riverside"},
		"answerConsentRequest": {as: "dr-patel", target: "/consent/v1/requests/" + b.request + "/answer", body: render(object{
			"answer": "given", "evidence": "signed-form", "wording": "leaflet-3", "understanding": "advocate"})},
		"findConsent":      {as: "dr-patel", target: "/consent/v1/consents/" + b.consent},
		"receiptOfConsent": {as: "dr-patel", target: "/consent/v1/consents/" + b.consent + "/receipt"},
		"tryDecision":      {as: "dr-patel", target: "/consent/v1/decisions", body: render(plain(t, object{"holder": b.trial()}))},
		"withdrawConsent":  {as: "dr-patel", target: "/consent/v1/consents/" + b.consent + "/withdrawal", body: render(object{"evidence": "electronic"})},
		"excludeAgency": {as: "dr-patel", target: "/consent/v1/exclusions", body: render(object{
			"proof": b.gpProof, "agency": "riverside-police", "evidence": "electronic"})},
		"withdrawExclusion":  {as: "dr-patel", target: "/consent/v1/exclusions/" + b.exclusion + "/withdrawal", body: render(object{"evidence": "electronic"})},
		"readPartnership":    {as: "gov-ellis", target: "/governance/v1/partnership"},
		"applyPartnership":   {as: "gov-ellis", target: "/governance/v1/partnership", body: render(changed)},
		"listServices":       {as: "dr-patel", target: "/governance/v1/services"},
		"readDataMap":        {target: "/governance/v1/data-map"},
		"signIn":             {as: "dr-patel", target: "/governance/v1/sign-ins"},
		"listPractitioners":  {as: "admin-reyes", target: "/governance/v1/agencies/riverside-gp/practitioners"},
		"listGovernanceActs": {as: "gov-ellis", target: "/governance/v1/acts"},
		"registerPractitioner": {as: "admin-reyes", target: "/governance/v1/agencies/riverside-gp/practitioners", body: render(plain(t, object{
			"practitioner": "newcomer", "issuer": "local", "subject": "newcomer", "roles": []string{"gp"}, "providers": []string{"riverside-surgery"},
			"until": "2027-06-01T00:00:00Z"}))},
		"endPractitioner": {as: "admin-reyes", target: "/governance/v1/agencies/riverside-gp/practitioners/leaver-one/end"},
	}
	b.registerGood()
	b.commonGood()
	b.representGood()
	b.linkGood()
	b.recourseGood()
	b.meGood()
	b.noticesGood()
	b.mineGood()
	b.axleGood()
	b.peersGood()
	b.directoryGood()
	b.marksGood()
	b.overseeGood()
	for _, op := range b.contract.operations {
		r, ok := b.good[op.id]
		if !ok {
			t.Fatalf("the table has no good request for %s: add one, and its bad ones follow", op.id)
		}
		if r.method = op.method; (op.body != nil) != (r.body != nil) {
			t.Fatalf("the good request for %s does not fit openapi.yaml", op.id)
		}
		b.good[op.id] = r
	}
	b.logs.take()
	return b
}

// contact makes a delivered contact request, and a question that one can follow.
func (b *bench) contact() {
	related(b.hub, "LMN-00046", "GP-00046", agreed{})
	ask := func() string {
		a := b.hub.ask("LMN-00046", "")
		var answer object
		b.must(json.Unmarshal(a.body, &answer))
		return answer["id"].(string)
	}
	b.ok("mr-lindqvist", "POST", "/relmgr/v1/enquiries/"+ask()+"/contact-requests", object{"contact": "desk"})
	b.clock.pass(31 * time.Minute)
	requests := b.ok("dr-patel", "GET", "/relmgr/v1/contact-requests?column=gp-riverside", nil)["requests"].([]any)
	if len(requests) != 1 {
		b.t.Fatalf("%d contact requests were delivered, want 1", len(requests))
	}
	b.delivery = requests[0].(object)["delivery"].(string)
	b.question = ask()
}

// askAsOf asks what was so a minute ago.
func (h *hub) askAsOf(as, social string) string {
	h.t.Helper()
	return h.ok(as, "POST", "/relmgr/v1/as-of-enquiries", toAskAsOf(asked{social: social}, h.until(-time.Minute)))["act"].(string)
}

func toAskAsOf(p asked, at string) object { return toAsk(p, object{"as_of": at}) }

// but is the good request of an operation with another value in one place.
func (b *bench) but(op string, v any, path ...any) request {
	r := b.good[op]
	var body any
	b.must(json.Unmarshal(r.body, &body))
	r.body = render(replace(body, path, v))
	return r
}

func (b *bench) as(op, who string) request {
	r := b.good[op]
	r.as = who
	return r
}

func (r request) at(target string) request { r.target = target; return r }
func (r request) with(header http.Header) request {
	all := http.Header{}
	maps.Copy(all, r.header)
	maps.Copy(all, header)
	r.header = all
	return r
}

func (r request) saying(body string) request { r.body = []byte(body); return r }
func (r request) by(method string) request   { r.method = method; return r }
func (r request) unsigned(authorization ...string) request {
	r.as = ""
	r.header = http.Header{"Authorization": authorization}
	return r
}

var requestID = regexp.MustCompile(`^[0-9a-f]{32}$`)

// try sends one row and judges what comes back, what was written and what was
// logged.
func (b *bench) try(r row) {
	b.t.Helper()
	wrong := func(format string, args ...any) {
		b.t.Helper()
		b.t.Errorf("%s (%s %.100q): %s", r.name, r.method, r.target, fmt.Sprintf(format, args...))
	}
	if len(r.writes) > 0 || len(b.unlooked) >= unlookedAt {
		b.look()
	}
	if b.last == nil { // nothing happens between two rows
		b.last = b.snapshot()
	}
	a := b.send(r.request)
	logged := b.logs.take()

	status := r.status
	if status == 0 {
		status = b.statuses[r.kind]
	}
	if status < 400 || status > 499 {
		b.t.Fatalf("%s: docs/problems.md gives no 4xx status for %q", r.name, r.kind)
	}
	if a.status != status {
		wrong("answered %d %.300s, want %d %s", a.status, a.body, status, r.kind)
	}
	var p api.Problem
	strict := json.NewDecoder(bytes.NewReader(a.body))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&p); err != nil || a.header.Get("Content-Type") != "application/problem+json" {
		wrong("no problem: %v %v %.300q", err, a.header, a.body)
	}
	if p.Type != "docs/problems.md#"+r.kind || p.Status != a.status || p.Title == "" || p.Detail == "" {
		wrong("the problem is %s, want one of kind %s that says what to do", a.body, r.kind)
	}
	if id := a.header.Get("X-Request-Id"); !requestID.MatchString(id) || p.Request != id {
		wrong("X-Request-Id %q, the problem's request %q", id, p.Request)
	}
	challenge := map[bool]string{a.status == http.StatusUnauthorized: "Bearer"}[true]
	if r.kind == "step-up" {
		challenge = `Bearer error="insufficient_user_authentication", acr_values="two-factors"`
	}
	if a.header.Get("WWW-Authenticate") != challenge {
		wrong("%d with WWW-Authenticate %q", a.status, a.header.Get("WWW-Authenticate"))
	}
	if (a.status == http.StatusMethodNotAllowed) != (a.header.Get("Allow") != "") {
		wrong("%d with Allow %q", a.status, a.header.Get("Allow"))
	}
	marks := append([]string{marker, gpIdentifier, schoolIdentifier, socialIdentifier}, r.marks...)
	if token := b.tokenOf(r.request); token != "" {
		marks = append(marks, token)
	}
	for _, mark := range marks {
		if where := holds(a, mark); where != "" {
			wrong("%s repeats what was sent (%.40q): %.300s", where, mark, a.body)
		}
		if strings.Contains(strings.ToLower(logged), strings.ToLower(mark)) {
			wrong("the log holds what was sent (%.40q): %.500s", mark, logged)
		}
	}
	if strings.Contains(logged, `"level":"ERROR"`) {
		wrong("the log has an error: %s", logged)
	}
	if len(r.writes) == 0 {
		b.unlooked = append(b.unlooked, r.name)
		return
	}
	before := b.last
	b.last = b.snapshot()
	if got := written(before, b.last); !slices.Equal(got, r.writes) {
		wrong("wrote %q, want %q", got, r.writes)
	}
}

// unlookedAt is how many rows are tried before what they have written is looked for:
// it takes the database longer than all of them.
const unlookedAt = 20

// look judges whether the rows since the last look have written nothing.
func (b *bench) look() {
	b.t.Helper()
	if len(b.unlooked) == 0 {
		return
	}
	before := b.last
	b.last = b.snapshot()
	if got := written(before, b.last); len(got) > 0 {
		b.t.Errorf("one of these wrote %q:\n%s", got, strings.Join(b.unlooked, "\n"))
	}
	b.unlooked = nil
}

func (b *bench) tokenOf(r request) string {
	if r.as != "" {
		return b.token(r.as)
	}
	_, token, _ := strings.Cut(http.Header(r.header).Get("Authorization"), " ")
	if len(token) < 8 {
		return ""
	}
	return token
}

// holds says where an answer has the mark, whatever its case.
func holds(a answer, mark string) string {
	mark = strings.ToLower(mark)
	for name, values := range a.header {
		if strings.Contains(strings.ToLower(name+": "+strings.Join(values, ", ")), mark) {
			return "the header " + http.CanonicalHeaderKey(name)
		}
	}
	if strings.Contains(strings.ToLower(string(a.body)), mark) {
		return "the body"
	}
	return ""
}

// QRY-11, IDX-04, ACT-01, DCP-03: input that is not what openapi.yaml asks for
// is refused with a problem that repeats nothing of it, leaves nothing behind
// and is not logged.
func TestBadInputIsRefusedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	total := 0
	for _, group := range []struct {
		name string
		make func() []row // when it is their turn: some live for minutes
	}{
		{"shape of bodies", func() []row { return some(b.shapes()) }},
		{"form of bodies", func() []row { return some(b.forms()) }},
		{"targets", func() []row { return some(b.targets()) }},
		{"tokens", func() []row { return some(b.tokenRows()) }},
		{"values", b.values},
		{"partnership documents", b.documents},
	} {
		rows := group.make()
		b.last = nil // making them may have written
		b.logs.take()
		for _, r := range rows {
			b.try(r)
		}
		b.look()
		t.Logf("%s: %d rows", group.name, len(rows))
		total += len(rows)
	}
	if total < 150 {
		t.Errorf("the table has %d rows", total)
	}
	b.onBehalf()
	b.mapped()
	// What was refused above was refused for what was wrong with it: the same
	// requests, put right, are accepted. The reads go first, since others end
	// what they read.
	for _, first := range []bool{true, false} {
		for _, op := range b.contract.operations {
			if r := b.good[op.id]; (op.method == "GET") == first {
				if a := b.send(r); a.status >= 300 {
					t.Errorf("the good request for %s is refused: %d %s", op.id, a.status, a.body)
				}
			}
		}
	}
	// And looking at the tables would have shown it.
	if got := written(b.last, b.snapshot()); len(got) < 10 {
		t.Errorf("the good requests have changed %v alone", got)
	}
}

// thorough says that a longer run was asked for.
func thorough() bool { return os.Getenv("FAME_THOROUGH") != "" }

// some are a ninth of the rows, which follow from openapi.yaml and are many; all of
// them where FAME_THOROUGH is set (make bad-input).
func some(rows []row) (chosen []row) {
	if thorough() {
		return rows
	}
	for i := 0; i < len(rows); i += 9 {
		chosen = append(chosen, rows[i])
	}
	return chosen
}

// shapes are bodies that break the schema in one place.
func (b *bench) shapes() (rows []row) {
	for _, op := range b.contract.operations {
		if op.body == nil || op.body["properties"] == nil {
			continue
		}
		var body any
		b.must(json.Unmarshal(b.good[op.id].body, &body))
		for _, m := range b.contract.mutate(op.body, body) {
			rows = append(rows, row{name: op.id + ": " + m.name, request: b.good[op.id].saying(string(m.body)), kind: "malformed"})
		}
	}
	return rows
}

// forms are bodies that are not one JSON text of the right type, and bodies
// where none belongs.
func (b *bench) forms() (rows []row) {
	for _, op := range b.contract.operations {
		good := b.good[op.id]
		add := func(name, kind string, r request) {
			rows = append(rows, row{name: op.id + ": " + name, request: r, kind: kind})
		}
		if op.body == nil {
			add("a body where none is taken", "malformed", good.saying(`{"diagnosis":"`+marker+`"}`))
			add("text where no body is taken", "malformed", good.saying(marker))
			continue
		}
		whole := string(good.body)
		for name, body := range map[string]string{
			"no JSON": marker, "an empty text": " ", "a string": `"` + marker + `"`, "an array": `[` + whole + `]`, "null": "null", "a number": "7391",
			"cut off": whole[:len(whole)-1], "cut off in a string": `{"` + marker, "garbage after it": whole + marker,
			"a second value": whole + whole, "a comma too many": whole[:len(whole)-1] + ",}", "a comment": "/* " + marker + " */" + whole,
			"a byte order mark": "\ufeff" + whole, "single quotes": `{'` + marker + `':1}`, "a NUL after it": whole + "\x00",
			"UTF-16": "\xff\xfe{\x00}\x00", "NaN": `{"` + marker + `":NaN}`, "a huge number": `{"` + marker + `":1e999}`,
			"deep objects": strings.Repeat(`{"`+marker+`":`, 40) + "1" + strings.Repeat("}", 40),
			"deep arrays":  strings.Repeat("[", 60_000),
			"a form":       "column=" + marker,
		} {
			add(name, "malformed", good.saying(body))
		}
		add("no body", "malformed", good.saying(""))
		for name, header := range map[string]http.Header{
			"plain text": {"Content-Type": {"text/plain"}}, "XML": {"Content-Type": {"application/xml"}}, "no type": {"Content-Type": {""}},
			"a made-up type": {"Content-Type": {"application/" + marker}}, "a parameter": {"Content-Type": {"application/json; profile=" + marker}},
			"another charset": {"Content-Type": {"application/json; charset=" + marker}}, "two types": {"Content-Type": {"application/json", "application/json"}},
			"a form's type": {"Content-Type": {"multipart/form-data; boundary=" + marker}}, "a patch": {"Content-Type": {"application/merge-patch+json"}},
			"an encoding": {"Content-Encoding": {"gzip"}}, "an unknown encoding": {"Content-Encoding": {marker}},
		} {
			add(name, "malformed", good.with(header))
		}
		size := largest(op.id)
		huge := good.saying(`{"diagnosis":"` + strings.Repeat(marker, size/len(marker)+1) + `"}`)
		add("too large", "too-large", huge)
		huge.stream = true
		add("too large, of a length not told", "too-large", huge)
	}
	return rows
}

// largest is how many bytes the body of an operation may have.
func largest(operation string) int {
	switch operation {
	case "applyPartnership":
		return 4 << 20
	case "importPart", "enterPart":
		return 1 << 20
	}
	return api.DefaultMaxBody
}

// ACT-04, REG-11: what fits the contract's bound is taken: a part of an import in the size
// in which `fame` sends it was too large once.
func TestABodyMayBeAsLargeAsTheContractSays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, op := range []string{"applyPartnership", "importPart", "enterPart", "recognise"} {
		r := b.good[op]
		r.body = append(bytes.Clone(r.body), bytes.Repeat([]byte(" "), largest(op)-len(r.body))...)
		if got := b.send(r); got.status >= http.StatusBadRequest {
			t.Errorf("%s with %d bytes: %d %s", op, len(r.body), got.status, got.body)
		}
	}
}

// targets are paths, queries and methods that openapi.yaml does not have.
func (b *bench) targets() (rows []row) {
	add := func(name, kind string, r request, marks ...string) {
		rows = append(rows, row{name: name, request: r, kind: kind, marks: marks})
	}
	for _, op := range b.contract.operations {
		good := b.good[op.id]
		takes := b.contract.methodsOf(op.template)
		for _, other := range b.contract.operations { // whose last segment may be anything
			if path, _, _ := strings.Cut(good.target, "?"); templateOf(other.template).MatchString(path) {
				takes = append(takes, other.method)
			}
		}
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", strings.ToUpper(marker)} {
			if !slices.Contains(takes, method) {
				rows = append(rows, row{name: op.id + ": the method " + method, request: good.by(method), kind: "malformed", status: http.StatusMethodNotAllowed})
			}
		}
		path, query, _ := strings.Cut(good.target, "?")
		for _, extra := range []string{marker + "=1", "diagnosis=" + marker, marker, "=" + marker, "%00=1", "access_token=" + marker, "%zz", "a;b=" + marker} {
			add(op.id+": the query "+extra, "malformed", good.at(path+"?"+strings.Trim(query+"&"+extra, "&")))
		}
		for _, p := range op.parameters {
			name, pattern := p["name"].(string), b.contract.resolve(p["schema"])
			if p["in"] == "path" {
				b.badPaths(op, name, pattern, add)
			} else {
				b.badQueries(op, name, pattern, add)
			}
		}
	}
	for _, prefix := range []string{"/relmgr/v1", "/consent/v1", "/governance/v1"} {
		for _, path := range []string{
			"", "/", "/" + marker, "/" + marker + "/" + marker, "/../" + marker, "//acts", "/acts//withdrawal", "/./acts", "/acts;" + marker,
			"/enquiries/" + marker + "/answers", "/me/answers", "/consents", "/acts.json", "/.env", "/.git/config",
		} {
			r := b.good["listServices"].at(prefix + path)
			switch prefix + path {
			case "/consent/v1/consents":
				rows = append(rows, row{name: "a collection that is not listed", request: r, kind: "malformed", status: http.StatusMethodNotAllowed})
				continue
			}
			add("the path "+path, "not-known", r)
		}
		add("an escaped slash", "malformed", b.good["listServices"].at(prefix+"%2facts"))
	}
	return rows
}

func (b *bench) badPaths(op operation, name string, schema object, add func(string, string, request, ...string)) {
	good := b.good[op.id]
	path, query, asks := strings.Cut(good.target, "?")
	if asks {
		query = "?" + query
	}
	at := func(value string) request {
		parts, given := strings.Split(op.template, "/"), strings.Split(path, "/")
		for i := range parts {
			if parts[i] == "{"+name+"}" {
				given[i] = value
			}
		}
		return good.at(strings.Join(given, "/") + query)
	}
	bad := []string{
		strings.ToUpper(marker), "%00", marker + "%00", marker + "%0a", "%e2%80%ae" + marker, "%ff" + marker, "a%2fb" + marker,
		"a%5c" + marker, "%2e%2e%2f" + marker, "%ed%a0%80", "*" + marker, "%27%3b" + marker, "%20" + marker, strings.Repeat(marker, 30),
		"%25" + "00" + marker, marker + "%c2%85", "%3cscript%3e" + marker,
	}
	if schema["minLength"] == 36 {
		id := ident.NewAct().String()
		bad = append(bad, marker, strings.ToUpper(id[:35])+"F", id[:35], id+"0", strings.ReplaceAll(id, "-", ""), "{"+id[:34]+"}", "urn:uuid:"+id)
		add(op.id+": the id nil", "not-known", at("00000000-0000-0000-0000-000000000000"))
		add(op.id+": an id of nothing", "not-known", at(id), id)
		if op.id == "findConsent" || op.id == "withdrawConsent" || op.id == "receiptOfConsent" {
			add(op.id+": another agency's consent", "not-known", at(b.policeConsent), b.policeConsent)
		}
		if op.id == "findAct" || op.id == "withdrawAct" {
			add(op.id+": another agency's act", "not-known", at(b.correlating), b.correlating)
		}
	}
	for _, value := range bad {
		add(op.id+": "+name+" "+value, "malformed", at(value))
	}
	add(op.id+": no "+name, "not-known", at(""))
}

func (b *bench) badQueries(op operation, name string, schema object, add func(string, string, request, ...string)) {
	path, query, _ := strings.Cut(b.good[op.id].target, "?")
	var others []string
	for _, part := range strings.Split(query, "&") {
		if part != "" && !strings.HasPrefix(part, name+"=") {
			others = append(others, part)
		}
	}
	at := func(parts ...string) request {
		return b.good[op.id].at(path + "?" + strings.Join(append(slices.Clone(others), parts...), "&"))
	}
	for _, value := range []string{"", marker, "%00", "%e2%80%ae", "%ff", marker + "%0d%0aX-Marker:1", strings.Repeat(marker, 50), "-1", "%5b%5d", "null"} {
		kind := "malformed"
		if name == "column" && (value == marker || value == "null") { // codes, of no column
			kind = "forbidden"
		}
		if (name == "purpose" || name == "reason") && (value == marker || value == "null") {
			kind = "invalid"
		}
		if name == "rests_on" && kind == "malformed" && (value == marker || value == "null") {
			continue // what a decision rested on may be in the terms no longer
		}
		add(op.id+": "+name+"="+value, kind, at(name+"="+value))
	}
	for _, again := range []string{name + "=1&" + name + "=" + marker, strings.ToUpper(name) + "=1", name + "%5b%5d=1", name + ".a=1"} {
		add(op.id+": "+again, "malformed", at(again))
	}
	if schema["type"] == "integer" {
		for _, value := range []string{"0", "100000001", "1.5", "1e1", "0x10", "9223372036854775808", "%31%20"} {
			add(op.id+": "+name+"="+value, "malformed", at(name+"="+value))
		}
	}
	if schema["minLength"] == 36 {
		id := ident.NewAct().String()
		add(op.id+": "+name+" of dashes", "malformed", at(name+"="+strings.Repeat("-", 36)))
		if op.id == "listActs" && name == "handle" {
			add(op.id+": a handle of nothing", "not-known", at("handle="+id), id)
			r := at("handle=" + b.gpHandle)
			r.as = "pc-dunne"
			add(op.id+": another column's handle", "not-known", r, b.gpHandle)
		}
		if op.id == "listGovernanceActs" || (op.id == "listActs" || op.id == "listReviews" || op.id == "listAsOf") && name == "cursor" {
			add(op.id+": a cursor of nothing", "invalid", at(name+"="+id), id)
		}
	}
	if op.id == "listConsentRequests" && name == "column" {
		for _, column := range []string{"police-riverside", "clinic-bridge"} {
			add(op.id+": somebody else's column", "forbidden", at("column="+column))
		}
		r := at("column=gp-riverside")
		r.as = "admin-reyes"
		add(op.id+": a member of the agency, not of the column", "forbidden", r)
	}
	if p := schema; op.id == "listActs" && name == "handle" || op.id == "listConsentRequests" && name == "column" {
		add(op.id+": no "+name, "malformed", at(), fmt.Sprint(p["example"]))
	}
}
