package edgetest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// fuzzed posts what the fuzzer makes to one operation, as somebody who may. The
// handler is the one of production, edge included, and so is the database.
//
// Whatever arrives, the answer is not the hub's own fault: its status is under
// 500. Nor is it 401 or 429, or the body would not have been looked at.
func fuzzed(f *testing.F, op, as, target string, seeds ...any) {
	f.Helper()
	var method, template string
	c := readContract(f)
	for _, o := range c.operations {
		if o.id == op {
			method, template = o.method, o.template
		}
	}
	if method == "" {
		f.Fatalf("openapi.yaml has no operation %s", op)
	}
	if !templateOf(template).MatchString(target) {
		f.Fatalf("%s is not a path of %s", target, template)
	}
	h := newHub(f, setting{})
	open := goodRegister("town")
	delete(open, "serves")
	h.ok("ms-abara", "POST", "/registrar/v1/registers", open)
	var handler http.Handler
	for _, part := range h.parts {
		if strings.HasPrefix(target, part.Prefix+"/") {
			handler = part.Handler
		}
	}
	for _, seed := range seeds {
		f.Add(encode(f, seed))
	}
	for _, text := range []string{"", "{}", "[]", "null", `""`, `{"a":{"a":{"a":[1,2,{}]}}}`, "\xff\xfe", `{"column":"\u0000"}`, `{"column":"\ud800"}`} {
		f.Add([]byte(text))
	}
	var other *hubtest.OtherHub
	if op == "recogniseForPeer" {
		other = h.met("asking")
		h.takesWord(other, "asking")
	}
	bearer := func() string {
		if duty, _, myself := strings.Cut(target[1:], "/v1/me/"); myself {
			return h.myProofs(as, "")[duty].(string)
		}
		switch op {
		case "answerPeer", "lookUpForPeer", "takeLetter":
			return h.vouch("a.b.c")
		case "collectLetters":
			return h.vouch("letters")
		case "takeLinkLetter":
			return h.vouchTo("idmgr", "a.b.c")
		case "collectLinkLetters":
			return h.vouchTo("idmgr", "letters")
		case "recogniseForPeer":
			return h.passed(other, "asking", func(*attest.Pass) {})
		}
		return h.token(as)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		h.t = t
		defer func() { h.t = f }()
		h.clock.pass(time.Second) // nobody has to wait
		r := httptest.NewRequest(method, target, bytes.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+bearer())
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		logged := h.logs.take()
		switch {
		case w.Code >= 500, w.Code == http.StatusUnauthorized, w.Code == http.StatusTooManyRequests, strings.Contains(logged, `"level":"ERROR"`):
			t.Errorf("answered %d %s, logged %s", w.Code, w.Body, logged)
		case w.Code >= 400 && w.Header().Get("Content-Type") != "application/problem+json":
			t.Errorf("%d is no problem: %v %s", w.Code, w.Header(), w.Body)
		case !json.Valid(w.Body.Bytes()):
			t.Errorf("%d is no JSON: %s", w.Code, w.Body)
		}
	})
}

// QRY-11, IDX-04: each operation that takes a body has a fuzz target.
func TestEveryBodyIsFuzzed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("fuzz_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range readContract(t).operations {
		target := "func Fuzz" + strings.ToUpper(op.id[:1]) + op.id[1:] + "(f *testing.F) {"
		if has := bytes.Contains(text, []byte(target)) && bytes.Contains(text, []byte(`fuzzed(f, "`+op.id+`"`)); has != (op.body != nil) {
			t.Errorf("%s takes a body: %t, is fuzzed: %t", op.id, op.body != nil, has)
		}
	}
}

// templateOf is what paths of a template look like.
func templateOf(template string) *regexp.Regexp {
	return regexp.MustCompile(`^` + regexp.MustCompile(`\{[a-z]+\}`).ReplaceAllString(template, `[^/]+`) + `$`)
}

// seedDecision is a decision of the right form.
func seedDecision(ground string) object {
	return object{
		"agreement": "riverside-children", "power": "children-act-2004-s10", "purposes": []string{"co-ordinate-care"}, "aspects": []string{"relationship"},
		"audience":        object{"agencies": []string{"hillside-school"}},
		"proportionality": object{"necessary": true, "safeguards": true, "aim": "protect-health"},
		"ground":          ground, "reason": "risk-of-harm", "conditions": object{"ordinary": "art6-public-task"}, "until": "2027-06-01T00:00:00Z",
	}
}

var (
	seedID    = ident.NewAct().String()
	seedProof = strings.Repeat("eyJhbGciOiJFUzI1NiJ9", 3) + "." + strings.Repeat("e30", 20) + "." + strings.Repeat("A", 86)
	// seedStatement has the form of a registrar's, and nobody's signature.
	seedStatement = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImZhbWUtY29tbW9uLWNsaWVudCtqd3QifQ.eyJpc3MiOiJjb3VudHkifQ." + strings.Repeat("A", 86)
	seedOwn       = object{"column": "gp-riverside", "identifier": gpIdentifier}
)

func seedWith(base, more object) object {
	out := object{}
	for _, o := range []object{base, more} {
		for name, v := range o {
			out[name] = v
		}
	}
	return out
}

// The targets: one for each operation that takes a body.

func FuzzFindHandle(f *testing.F) {
	fuzzed(f, "findHandle", "dr-patel", "/relmgr/v1/handles", seedOwn)
}

func FuzzPublishRelationship(f *testing.F) {
	fuzzed(f, "publishRelationship", "dr-brandt", "/relmgr/v1/relationships", seedWith(seedOwn, object{
		"role": "gp", "mode": "imposed", "reason": "risk-of-harm", "decision": seedDecision("significant-harm"),
		"offers": []object{{"kind": "will-co-ordinate", "transactions": []string{"joint-assessment"}, "contact": "desk"}},
	}), seedWith(seedOwn, object{
		"role": "gp", "mode": "imposed", "reason": "risk-of-harm", "offers": []object{{"kind": "will-co-ordinate", "contact": "desk"}},
		"decision": seedWith(seedDecision("court-order"), object{
			"order": object{"kind": "court-order", "reference": "ZC26C00123"}, "override": object{"risk": "danger-to-life", "telling": "safe"},
			"concerning": "child", "welfare": true, "detriment": "not-considered",
		}),
	}))
}

func FuzzOpenPairing(f *testing.F) {
	fuzzed(f, "openPairing", "dr-brandt", "/relmgr/v1/pairings", seedWith(seedOwn, object{"decision": seedDecision("significant-harm")}),
		seedWith(seedOwn, object{"decision": seedWith(seedDecision("explicit-consent"), object{"consents": []string{seedID}})}))
}

func FuzzCorrelate(f *testing.F) {
	fuzzed(f, "correlate", "dr-brandt", "/relmgr/v1/correlations", seedWith(seedOwn, object{
		"pairing": "000 000 000", "mode": "imposed", "reason": "same-person-found", "decision": seedDecision("significant-harm"),
	}), seedWith(seedOwn, object{
		"statement": seedStatement, "mode": "imposed", "reason": "same-person-found", "decision": seedDecision("significant-harm"),
	}))
}

func FuzzSeparate(f *testing.F) {
	fuzzed(f, "separate", "mr-lindqvist", "/relmgr/v1/separations", object{"correlations": []string{seedID}, "reason": "not-the-same-person"})
}

func FuzzEraseRelationship(f *testing.F) {
	fuzzed(f, "eraseRelationship", "dr-brandt", "/relmgr/v1/erasures", seedWith(seedOwn, object{"reason": "subject-asked", "evidence": "signed-form"}),
		seedWith(seedOwn, object{"reason": "subject-asked", "keeps": object{"what": "records", "obligation": "legal-claims"}}))
}

func FuzzWithdrawAct(f *testing.F) {
	fuzzed(f, "withdrawAct", "dr-patel", "/relmgr/v1/acts/"+seedID+"/withdrawal", object{"reason": "work-ended"})
}

func FuzzEnquire(f *testing.F) {
	q := seedWith(seedOwn, object{"purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "child"})
	stranger := object{"column": "gp-riverside", "recognition": seedStatement, "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "not-known"}
	fuzzed(f, "enquire", "dr-patel", "/relmgr/v1/enquiries", q, seedWith(q, object{"transaction": "joint-assessment"}), stranger)
}

func FuzzAttachAnchor(f *testing.F) {
	fuzzed(f, "attachAnchor", "dr-patel", "/relmgr/v1/anchors", seedWith(seedOwn, object{"recognition": seedStatement, "reason": "same-person-found"}))
}

func FuzzCaptureConsent(f *testing.F) {
	fuzzed(f, "captureConsent", "dr-patel", "/consent/v1/consents", object{
		"proof": seedProof, "explicit": true, "audience": object{"partnership": true}, "purposes": []string{"co-ordinate-care"},
		"aspects": []string{"relationship"}, "until": "2027-06-01T00:00:00Z", "evidence": "signed-form", "wording": "leaflet-3", "understanding": "told-back",
		"proxy":      object{"authority": "parental-responsibility", "evidence": "own-records", "until": "2027-05-01T00:00:00Z"},
		"competence": object{"presumed": "not-competent", "assessed": "not-competent"},
	})
}

func FuzzRequestConsent(f *testing.F) {
	fuzzed(f, "requestConsent", "dr-patel", "/consent/v1/requests", object{
		"proof": seedProof, "explicit": true, "audience": object{"partnership": true}, "purposes": []string{"co-ordinate-care"},
		"aspects": []string{"relationship"}, "until": "2027-06-01T00:00:00Z",
	})
}

func FuzzAnswerConsentRequest(f *testing.F) {
	fuzzed(f, "answerConsentRequest", "dr-patel", "/consent/v1/requests/"+seedID+"/answer",
		object{"answer": "given", "evidence": "signed-form", "wording": "leaflet-3"}, object{"answer": "not-asked", "reason": "risk-of-harm"})
}

func FuzzTryDecision(f *testing.F) {
	d := seedWith(seedDecision("explicit-consent"), object{"column": "gp-riverside", "mode": "supplier-with-consent", "role": "gp", "deed": "publish"})
	d["consents"] = []object{{
		"explicit": true, "audience": object{"partnership": true}, "purposes": []string{"co-ordinate-care"}, "aspects": []string{"relationship"},
		"until": "2027-06-01T00:00:00Z",
	}}
	fuzzed(f, "tryDecision", "dr-patel", "/consent/v1/decisions", object{"holder": d}, object{"asker": object{
		"column": "gp-riverside", "purpose": "co-ordinate-care", "reason": "working-with-person", "transaction": "joint-assessment", "emergency": true}})
}

func FuzzWithdrawConsent(f *testing.F) {
	fuzzed(f, "withdrawConsent", "dr-patel", "/consent/v1/consents/"+seedID+"/withdrawal", object{"evidence": "signed-form"})
}

func FuzzExcludeAgency(f *testing.F) {
	fuzzed(f, "excludeAgency", "dr-patel", "/consent/v1/exclusions", object{"proof": seedProof, "agency": "riverside-police", "evidence": "electronic"})
}

func FuzzWithdrawExclusion(f *testing.F) {
	fuzzed(f, "withdrawExclusion", "dr-patel", "/consent/v1/exclusions/"+seedID+"/withdrawal", object{"evidence": "signed-form"})
}

func FuzzApplyPartnership(f *testing.F) {
	fuzzed(f, "applyPartnership", "gov-ellis", "/governance/v1/partnership",
		object{"partnership": object{"hub": hubID, "name": "Riverside", "jurisdiction": "England", "law_profile": "uk-current"}, "agencies": []object{{"id": "a", "name": "A", "kind": "school"}}})
}

func FuzzRegisterPractitioner(f *testing.F) {
	fuzzed(f, "registerPractitioner", "admin-reyes", "/governance/v1/agencies/riverside-gp/practitioners", object{
		"practitioner": "newcomer", "issuer": "local", "subject": "newcomer", "roles": []string{"gp"}, "providers": []string{"riverside-surgery"},
		"from": "2026-12-01T00:00:00Z", "until": "2027-06-01T00:00:00Z",
	})
}

func FuzzConfirmSamePerson(f *testing.F) {
	fuzzed(f, "confirmSamePerson", "dr-patel", "/relmgr/v1/correlations/"+seedID+"/confirmation", object{"reason": "same-person-found"})
}

func FuzzKeepApart(f *testing.F) {
	fuzzed(f, "keepApart", "dr-brandt", "/relmgr/v1/keep-aparts", seedWith(seedOwn, object{"pairing": "000 000 000", "reason": "subject-asked"}),
		object{"correlations": []string{seedID}, "reason": "subject-asked"})
}

func FuzzDisputeIdentity(f *testing.F) {
	fuzzed(f, "disputeIdentity", "dr-patel", "/relmgr/v1/disputes", seedWith(seedOwn, object{"reason": "not-the-same-person"}))
}

func FuzzSettleDispute(f *testing.F) {
	fuzzed(f, "settleDispute", "dr-brandt", "/relmgr/v1/disputes/"+seedID+"/settlement", object{"holds": []string{seedID}, "reason": "same-person-found"})
}

func FuzzSetRelationshipStatus(f *testing.F) {
	fuzzed(f, "setRelationshipStatus", "dr-patel", "/relmgr/v1/relationships/"+seedID+"/status", object{"status": "suspend", "reason": "work-ended"})
}

func FuzzJudgeEnquiry(f *testing.F) {
	fuzzed(f, "judgeEnquiry", "dr-brandt", "/relmgr/v1/reviews/"+seedID+"/outcome", object{"outcome": "justified", "reason": "risk-of-harm"})
}

func FuzzJudgeOverride(f *testing.F) {
	fuzzed(f, "judgeOverride", "guardian-lowe", "/relmgr/v1/decisions/"+seedID+"/review", object{"outcome": "not-justified", "reason": "risk-of-harm"})
}

func FuzzBlockRelationship(f *testing.F) {
	fuzzed(f, "blockRelationship", "dr-patel", "/consent/v1/blocks", object{"proof": seedProof, "reach": "block", "warning": "effect-on-care-1", "evidence": "electronic"})
}

func FuzzWithdrawBlock(f *testing.F) {
	fuzzed(f, "withdrawBlock", "dr-patel", "/consent/v1/blocks/"+seedID+"/withdrawal", object{"evidence": "signed-form"})
}

func FuzzRequestContact(f *testing.F) {
	fuzzed(f, "requestContact", "dr-patel", "/relmgr/v1/enquiries/"+seedID+"/contact-requests", object{"contact": "desk"})
}

func FuzzReplyToContactRequest(f *testing.F) {
	r := object{"reply": "share", "reason": "working-with-person", "detriment": "not-considered", "contact": "desk", "decision": seedDecision("significant-harm")}
	fuzzed(f, "replyToContactRequest", "dr-patel", "/relmgr/v1/contact-requests/"+seedID+"/reply", r,
		object{"reply": "not-share", "reason": "working-with-person", "detriment": "sharing-is-more-detrimental"})
}

func FuzzMoveCaseload(f *testing.F) {
	fuzzed(f, "moveCaseload", "dr-brandt", "/relmgr/v1/caseloads", object{
		"from": "gp-patel", "to": "gp-riverside", "reason": "work-ended", "relationships": []object{{"identifier": "PT7391", "as": "GP-73910"}}})
}

func FuzzDeclareInterest(f *testing.F) {
	fuzzed(f, "declareInterest", "dr-brandt", "/relmgr/v1/declarations", seedWith(seedOwn, object{"interest": "self"}),
		seedWith(seedOwn, object{"interest": "conflict", "practitioner": "dr-patel"}))
}

func FuzzEndDeclaration(f *testing.F) {
	fuzzed(f, "endDeclaration", "dr-brandt", "/relmgr/v1/declarations/"+seedID+"/end", object{"reason": "work-ended"})
}

func FuzzRecordObjection(f *testing.F) {
	fuzzed(f, "recordObjection", "mr-lindqvist", "/relmgr/v1/acts/"+seedID+"/objections", object{"reason": "subject-asked", "evidence": "signed-form"})
}

func FuzzReviewTelling(f *testing.F) {
	fuzzed(f, "reviewTelling", "mr-lindqvist", "/relmgr/v1/acts/"+seedID+"/telling", object{"reason": "risk-of-harm"},
		object{"reason": "risk-of-harm", "not_told": object{"risk": "risk-to-the-subject", "review_by": "2026-12-20T00:00:00Z"}})
}

func FuzzRuleOnObjection(f *testing.F) {
	fuzzed(f, "ruleOnObjection", "mr-lindqvist", "/relmgr/v1/objections/"+seedID+"/ruling", object{"outcome": "upheld", "reason": "subject-asked"})
}

func FuzzReturnColumn(f *testing.F) {
	fuzzed(f, "returnColumn", "dr-brandt", "/relmgr/v1/columns/gp-old/export", object{"reason": "work-ended"}, object{"reason": "work-ended", "cursor": seedID})
}

func FuzzDestroyColumn(f *testing.F) {
	fuzzed(f, "destroyColumn", "dr-brandt", "/relmgr/v1/columns/gp-old/destruction", object{"reason": "work-ended"})
}

func FuzzApproveImport(f *testing.F) {
	fuzzed(f, "approveImport", "dr-lund", "/relmgr/v1/approvals", object{
		"deed": "correlate", "columns": []string{"gp-riverside"}, "mode": "imposed", "reason": "risk-of-harm", "relationships": 10, "until": "2027-06-01T00:00:00Z",
		"decision": seedDecision("significant-harm"),
	})
}

func FuzzStartImport(f *testing.F) {
	fuzzed(f, "startImport", "dr-brandt", "/relmgr/v1/imports", object{"approval": seedID, "file": strings.Repeat("0", 64)})
}

func FuzzImportPart(f *testing.F) {
	fuzzed(f, "importPart", "dr-brandt", "/relmgr/v1/imports/"+seedID+"/parts", object{"first": 1, "last": 2, "relationships": []object{importLine(1, gpIdentifier)}},
		object{"first": 1, "last": 2, "relationships": []object{}},
		object{"first": 1, "last": 3, "correlations": []object{{"line": 1, "column": "gp-riverside", "identifier": gpIdentifier, "pairing": "4K7 M2P 9XT"},
			{"line": 2, "column": "gp-riverside", "identifier": gpIdentifier, "statement": strings.Repeat("a", 64) + ".b.c", "consents": []string{seedID}}}})
}

func FuzzAskAsOf(f *testing.F) {
	seed := object{"as_of": "2026-11-20T08:59:00Z", "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "child"}
	fuzzed(f, "askAsOf", "dr-patel", "/relmgr/v1/as-of-enquiries", seedWith(seedOwn, seed),
		seedWith(seedOwn, seedWith(seed, object{"transaction": "joint-assessment", "case": "2026/0412", "as_of": "9999-12-31T23:59:59.999999999+14:00"})))
}

func FuzzApproveAsOf(f *testing.F) {
	fuzzed(f, "approveAsOf", "ms-novak", "/relmgr/v1/as-of-enquiries/"+seedID+"/approval", object{"reason": "risk-of-harm"})
}

func FuzzCreateRegister(f *testing.F) {
	fuzzed(f, "createRegister", "ms-abara", "/registrar/v1/registers", goodRegister("fuzzed"))
}

func FuzzRegisterSubject(f *testing.F) {
	fuzzed(f, "registerSubject", "ms-abara", "/registrar/v1/registers/town/subjects", object{"items": goodItems()},
		object{"items": []object{{"source": "person", "birth": object{"date": "2001-02-31"}}, {"source": "person"}}})
}

func FuzzChangeSubject(f *testing.F) {
	fuzzed(f, "changeSubject", "ms-abara", "/registrar/v1/registers/town/subjects/"+strings.Repeat("a", 26)+"/changes",
		object{"change": "correct", "reason": "working-with-person", "items": goodItems(), "supersedes": []string{seedID}},
		object{"change": "death", "reason": "working-with-person", "items": []object{{"source": "person", "death": object{"date": "2026"}}}})
}

func FuzzAskCommonClient(f *testing.F) {
	fuzzed(f, "askCommonClient", "dr-patel", "/registrar/v1/common-clients", seedCommon)
}

func FuzzAnswerCommonClient(f *testing.F) {
	fuzzed(f, "answerCommonClient", "dr-patel", "/registrar/v1/common-clients/answers", seedWith(seedCommon, object{"code": "000 000 000"}))
}

func FuzzAssessCompetence(f *testing.F) {
	fuzzed(f, "assessCompetence", "ms-abara", "/registrar/v1/registers/town/subjects/"+strings.Repeat("a", 26)+"/competence",
		object{"competent": true, "until": "2027-06-01T00:00:00Z", "reason": "working-with-person"})
}

func FuzzRecordRepresentative(f *testing.F) {
	fuzzed(f, "recordRepresentative", "ms-abara", "/registrar/v1/registers/town/subjects/"+strings.Repeat("a", 26)+"/representatives", object{
		"representative": strings.Repeat("b", 26), "scope": []string{"see"}, "reason": "working-with-person",
		"proxy": object{"authority": "parental-responsibility", "evidence": "document-seen", "until": "2027-06-01T00:00:00Z"}})
}

func FuzzEndRepresentative(f *testing.F) {
	fuzzed(f, "endRepresentative", "ms-abara", "/registrar/v1/registers/town/subjects/"+strings.Repeat("a", 26)+"/representatives/end",
		object{"representative": strings.Repeat("b", 26), "reason": "working-with-person"})
}

func FuzzRecognise(f *testing.F) {
	seed := object{"purpose": "co-ordinate-care", "reason": "working-with-person", "case": "2026/0412"}
	fuzzed(f, "recognise", "ms-abara", "/registrar/v1/registers/town/recognitions", seedWith(seed, object{"evidence": goodEvidence()}),
		seedWith(seed, object{"evidence": []object{{"birth": object{"date": "0001-99-99", "within": 99}}, {"name": object{"whole": "Ⅻ ﷺ ʰ"}}}}))
}

func FuzzCheckRecord(f *testing.F) {
	fuzzed(f, "checkRecord", "ms-abara", "/registrar/v1/registers/town/record-checks", object{
		"subject": strings.Repeat("a", 26), "purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": goodEvidence()})
}

func FuzzCheckItem(f *testing.F) {
	fuzzed(f, "checkItem", "ms-abara", "/registrar/v1/registers/town/subjects/"+strings.Repeat("a", 26)+"/checks",
		object{"item": seedID, "against": "births", "reason": "working-with-person"})
}

func FuzzFailCheck(f *testing.F) {
	fuzzed(f, "failCheck", "ms-abara", "/registrar/v1/registers/town/checks/"+seedID+"/failure", object{"reason": "working-with-person"})
}

func FuzzIssueEnrolmentCode(f *testing.F) {
	fuzzed(f, "issueEnrolmentCode", "ms-abara", "/registrar/v1/registers/town/subjects/mfrggzdfmztwq2lknnwg23tpob/enrolment-codes",
		object{"reason": "working-with-person"})
}

func FuzzRevokeAuthenticator(f *testing.F) {
	fuzzed(f, "revokeAuthenticator", "ms-abara", "/registrar/v1/registers/town/subjects/mfrggzdfmztwq2lknnwg23tpob/authenticators/"+seedID+"/revocation",
		object{"reason": "working-with-person"})
}

func FuzzEraseSubject(f *testing.F) {
	fuzzed(f, "eraseSubject", "ms-abara", "/registrar/v1/registers/town/subjects/"+strings.Repeat("a", 26)+"/erasure", object{"reason": "subject-asked", "obligation": "legal-claims"})
}

func FuzzShieldSubject(f *testing.F) {
	fuzzed(f, "shieldSubject", "ms-abara", "/registrar/v1/registers/town/subjects/"+strings.Repeat("a", 26)+"/shield", object{"shielded": true, "reason": "risk-of-harm"})
}

func FuzzReportToRegistrar(f *testing.F) {
	fuzzed(f, "reportToRegistrar", "ms-abara", "/registrar/v1/registers/town/reports",
		object{"kind": "misdetermined", "recognition": seedID, "reason": "risk-of-harm"},
		object{"kind": "duplicate", "subject": strings.Repeat("a", 26), "other": strings.Repeat("b", 26), "reason": "risk-of-harm"})
}

func FuzzTakeTask(f *testing.F) {
	fuzzed(f, "takeTask", "ms-abara", "/registrar/v1/registers/town/tasks/"+seedID+"/owner", object{"reason": "risk-of-harm"})
}

func FuzzResolveTask(f *testing.F) {
	fuzzed(f, "resolveTask", "ms-abara", "/registrar/v1/registers/town/tasks/"+seedID+"/resolutions",
		object{"outcome": "same-person", "survivor": strings.Repeat("a", 26), "reason": "risk-of-harm"})
}

func FuzzReopenTask(f *testing.F) {
	fuzzed(f, "reopenTask", "ms-abara", "/registrar/v1/registers/town/tasks/"+seedID+"/reopening", object{"reason": "risk-of-harm"})
}

func FuzzApproveEntries(f *testing.F) {
	fuzzed(f, "approveEntries", keeper, ofTown+"/approvals", object{"people": 5, "until": "2027-06-01T00:00:00Z", "reason": "working-with-person"})
}

func FuzzStartEntries(f *testing.F) {
	fuzzed(f, "startEntries", secondKeeper, ofTown+"/imports", object{"approval": seedID, "file": strings.Repeat("0", 64)})
}

func FuzzEnterPart(f *testing.F) {
	fuzzed(f, "enterPart", secondKeeper, ofTown+"/imports/"+seedID+"/parts",
		object{"first": 1, "last": 2, "entries": []object{{"line": 1, "items": goodItems()}, entryLine(2, "Two")}})
}

func FuzzSetApart(f *testing.F) {
	fuzzed(f, "setApart", keeper, ofTown+"/subjects/"+strings.Repeat("a", 26)+"/set-apart", object{"reason": "risk-of-harm"})
}

func FuzzConfirmApart(f *testing.F) {
	fuzzed(f, "confirmApart", secondKeeper, ofTown+"/set-apart/"+seedID+"/confirmation", object{"reason": "risk-of-harm"})
}

func FuzzRegisterApart(f *testing.F) {
	fuzzed(f, "registerApart", secondKeeper, ofTown+"/set-apart/"+seedID+"/subject", object{"items": goodItems()})
}

func FuzzOpenApart(f *testing.F) {
	fuzzed(f, "openApart", secondKeeper, ofTown+"/set-apart/"+seedID+"/openings", object{"reason": "risk-of-harm"})
}

func FuzzCoverRegister(f *testing.F) {
	fuzzed(f, "coverRegister", keeper, "/registrar/v1/registers/mill/covers", object{"until": "2026-12-01T00:00:00Z", "reason": "risk-of-harm"})
}

// seedLink is what somebody sends to open a link.
var seedLink = object{
	"proof": seedProof, "to": "social-care", "contact": "desk", "purpose": "co-ordinate-care", "aspects": []string{"relationship"},
	"until": "2027-06-01T00:00:00Z", "uses": 1,
	"agreed": object{"evidence": "signed-form", "wording": "leaflet-3", "competent": true},
	"decision": object{
		"agreement": "riverside-children", "power": "children-act-2004-s10", "ground": "explicit-consent",
		"proportionality": object{"necessary": true, "safeguards": true, "aim": "protect-health"}, "conditions": object{"ordinary": "art6-public-task"},
	},
}

func FuzzOpenLink(f *testing.F) { fuzzed(f, "openLink", "dr-patel", "/idmgr/v1/links", seedLink) }

func FuzzRenewLink(f *testing.F) {
	fuzzed(f, "renewLink", "dr-patel", "/idmgr/v1/links/"+seedID+"/renewal", seedLink)
}

func FuzzDraftRules(f *testing.F) {
	fuzzed(f, "draftRules", "ms-novak", "/idmgr/v1/rules", object{"reason": "working-with-person", "rules": []object{
		{"rule": "r", "effect": "grant", "audience": object{"columns": []string{"social-care"}}, "purposes": []string{"co-ordinate-care"},
			"reasons": []string{"risk-of-harm"}, "authority": "policy", "until": "2027-06-01T00:00:00Z"}}})
}

func FuzzActivateRules(f *testing.F) {
	fuzzed(f, "activateRules", "ms-novak", "/idmgr/v1/rules/1/activation", object{"reason": "working-with-person"})
}

func FuzzGrantAccess(f *testing.F) {
	seed := object{"proof": seedProof, "rule": "r", "aspects": []string{"relationship"}, "until": "2027-06-01T00:00:00Z", "evidence": "signed-form",
		"agreed": seedLink["agreed"], "decision": seedLink["decision"]}
	fuzzed(f, "grantAccess", "dr-patel", "/idmgr/v1/grants", seed)
}

func FuzzWithdrawGrant(f *testing.F) {
	fuzzed(f, "withdrawGrant", "dr-patel", "/idmgr/v1/grants/"+seedID+"/withdrawal", object{"reason": "work-ended"})
}

func FuzzWithholdAccess(f *testing.F) {
	fuzzed(f, "withholdAccess", "dr-patel", "/idmgr/v1/withholdings", object{"proof": seedProof, "rule": "r", "until": "2027-06-01T00:00:00Z",
		"reason": "subject-asked", "evidence": "signed-form"})
}

func FuzzWithdrawWithholding(f *testing.F) {
	fuzzed(f, "withdrawWithholding", "dr-patel", "/idmgr/v1/withholdings/"+seedID+"/withdrawal", object{"reason": "work-ended"})
}

func FuzzRuleOnCase(f *testing.F) {
	fuzzed(f, "ruleOnCase", "adj-amin", "/idmgr/v1/cases/"+seedID+"/rulings", object{"outcome": "grant", "reason": "subject-asked"})
}

func FuzzAppealCase(f *testing.F) {
	fuzzed(f, "appealCase", "ms-novak", "/idmgr/v1/cases/"+seedID+"/appeals", object{"reason": "subject-asked", "evidence": "signed-form"})
}

func FuzzAcceptLink(f *testing.F) {
	fuzzed(f, "acceptLink", "mr-lindqvist", "/idmgr/v1/acceptances", object{"proof": seedProof, "code": "000 000 000", "reason": "working-with-person"})
}

func FuzzEndLink(f *testing.F) {
	fuzzed(f, "endLink", "dr-patel", "/idmgr/v1/links/"+seedID+"/end", object{"reason": "work-ended"})
}

func FuzzNotifyThroughLink(f *testing.F) {
	fuzzed(f, "notifyThroughLink", "dr-patel", "/idmgr/v1/links/"+seedID+"/notifications", object{"proof": seedProof, "notification": seedID, "event": "joint-assessment"})
}

func FuzzEraseWord(f *testing.F) {
	fuzzed(f, "eraseWord", "dr-brandt", "/consent/v1/erasures", object{"proof": seedProof, "reason": "subject-asked", "evidence": "signed-form", "obligation": "legal-claims"})
}

func FuzzReviewHeld(f *testing.F) {
	fuzzed(f, "reviewHeld", "dr-patel", "/consent/v1/consents/"+seedID+"/reviews", object{"outcome": "withhold", "reason": "risk-of-harm"})
}

func FuzzAskThroughLink(f *testing.F) {
	fuzzed(f, "askThroughLink", "mr-lindqvist", "/idmgr/v1/enquiries", object{"link": seedID, "proof": seedProof, "purpose": "co-ordinate-care", "reason": "working-with-person"})
}

func FuzzKeepSilent(f *testing.F) {
	fuzzed(f, "keepSilent", "dr-patel", "/relmgr/v1/silences", seedWith(seedOwn, object{"risk": "risk-to-the-subject", "review_by": "2027-01-01T00:00:00Z", "reason": "risk-of-harm"}))
}

func FuzzAcknowledgeComplaint(f *testing.F) {
	fuzzed(f, "acknowledgeComplaint", "gov-ellis", "/relmgr/v1/complaints/"+seedID+"/acknowledgement", object{"reason": "subject-asked"})
}

func FuzzAnswerComplaint(f *testing.F) {
	fuzzed(f, "answerComplaint", "gov-ellis", "/relmgr/v1/complaints/"+seedID+"/answer", object{"outcome": "upheld", "reason": "subject-asked"})
}

// What people do as themselves is fuzzed as somebody of whom nothing is known.

func FuzzConfirmAsMyself(f *testing.F) {
	fuzzed(f, "confirmAsMyself", "Ida Moor", "/relmgr/v1/me/confirmations", object{"act": seedID})
}

func FuzzObjectAsMyself(f *testing.F) {
	fuzzed(f, "objectAsMyself", "Ida Moor", "/relmgr/v1/me/objections", object{"act": seedID, "reason": "subject-asked"})
}

func FuzzComplain(f *testing.F) {
	fuzzed(f, "complain", "Ida Moor", "/relmgr/v1/me/complaints", object{"handle": seedID, "act": seedID, "topic": "other"})
}

func FuzzGiveConsent(f *testing.F) {
	fuzzed(f, "giveConsent", "Ida Moor", "/consent/v1/me/consents", object{"handle": seedID, "explicit": true, "audience": object{"partnership": true},
		"purposes": []string{"co-ordinate-care"}, "aspects": []string{"relationship"}, "until": "2027-06-01T00:00:00Z", "wording": "leaflet-3"})
}

func FuzzHideRelationship(f *testing.F) {
	fuzzed(f, "hideRelationship", "Ida Moor", "/consent/v1/me/blocks", object{"handle": seedID, "reach": "creator-only", "warning": "effect-on-care-1"})
}

func FuzzLeaveOutAgency(f *testing.F) {
	fuzzed(f, "leaveOutAgency", "Ida Moor", "/consent/v1/me/exclusions", object{"handle": seedID, "agency": "riverside-police"})
}

func FuzzAnswerPeer(f *testing.F) {
	fuzzed(f, "answerPeer", "northvale", "/relmgr/v1/axle-enquiries", object{"message": strings.Repeat("a", 40) + "." + strings.Repeat("b", 40) + "." + strings.Repeat("c", 40)})
}

func FuzzTie(f *testing.F) {
	fuzzed(f, "tie", "dr-brandt", "/relmgr/v1/ties", seedWith(seedOwn, object{"hub": northvale, "reason": "working-with-person", "decision": seedWith(seedDecision("significant-harm"), object{"audience": object{"peers": []string{northvale}}})}),
		seedWith(seedOwn, object{"hub": northvale, "code": "000 000 000", "reason": "working-with-person", "decision": seedDecision("significant-harm")}))
}

func FuzzCollectLetters(f *testing.F) {
	fuzzed(f, "collectLetters", "northvale", "/relmgr/v1/axle-letters", object{"taken": []string{seedID}})
}

func FuzzCollectLinkLetters(f *testing.F) {
	fuzzed(f, "collectLinkLetters", "northvale", "/idmgr/v1/axle-letters", object{"told": []object{{"letter": seedID, "reply": "e30"}}})
}

func FuzzTakeLinkLetter(f *testing.F) {
	fuzzed(f, "takeLinkLetter", "northvale", "/idmgr/v1/axle-letters/received", object{"message": strings.Repeat("a", 40) + "." + strings.Repeat("b", 40) + "." + strings.Repeat("c", 40)})
}

func FuzzTakeLetter(f *testing.F) {
	fuzzed(f, "takeLetter", "northvale", "/relmgr/v1/axle-letters/received", object{"message": strings.Repeat("a", 40) + "." + strings.Repeat("b", 40) + "." + strings.Repeat("c", 40)})
}

func FuzzLookUpForPeer(f *testing.F) {
	fuzzed(f, "lookUpForPeer", "northvale", "/relmgr/v1/axle-look-ups", object{"message": strings.Repeat("a", 40) + "." + strings.Repeat("b", 40) + "." + strings.Repeat("c", 40)})
}

func FuzzPassToRegistrar(f *testing.F) {
	fuzzed(f, "passToRegistrar", "dr-patel", "/federation/v1/passes", object{"hub": northvale, "purpose": "co-ordinate-care"})
}

func FuzzRecogniseForPeer(f *testing.F) {
	fuzzed(f, "recogniseForPeer", "northvale", "/registrar/v1/registers/town/axle-recognitions", object{"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": goodEvidence()})
}

func FuzzInvitePeer(f *testing.F) {
	fuzzed(f, "invitePeer", "gov-ellis", "/federation/v1/peers", object{"entity": "https://127.0.0.1:1", "agreement": seedAgreement})
}

func FuzzConfirmPeer(f *testing.F) {
	fuzzed(f, "confirmPeer", "gov-ellis", "/federation/v1/peers/"+seedID+"/confirmation", object{"agreement": strings.Repeat("0", 64), "fingerprints": []string{strings.Repeat("A", 43)}})
}

func FuzzSuspendPeer(f *testing.F) {
	fuzzed(f, "suspendPeer", "gov-ellis", "/federation/v1/peers/"+seedID+"/suspension", object{"reason": "work-ended"})
}

func FuzzReadmitPeer(f *testing.F) {
	fuzzed(f, "readmitPeer", "gov-ellis", "/federation/v1/peers/"+seedID+"/readmission", object{"reason": "work-ended"})
}

func FuzzLeavePeer(f *testing.F) {
	fuzzed(f, "leavePeer", "gov-ellis", "/federation/v1/peers/"+seedID+"/end", object{"reason": "work-ended"})
}

func FuzzIssueMark(f *testing.F) {
	fuzzed(f, "issueMark", "gov-ellis", "/federation/v1/marks", seedMark("https://127.0.0.1:1"))
}

func FuzzRevokeMark(f *testing.F) {
	fuzzed(f, "revokeMark", "gov-ellis", "/federation/v1/marks/"+seedID+"/revocation", object{"reason": "work-ended"})
}

func FuzzFileDispute(f *testing.F) {
	fuzzed(f, "fileDispute", "gov-ellis", "/federation/v1/peers/"+seedID+"/disputes", object{"about": "conduct", "exchange": seedID, "reason": "work-ended"})
}

func FuzzAnswerDispute(f *testing.F) {
	fuzzed(f, "answerDispute", "gov-ellis", "/federation/v1/disputes/"+seedID+"/answer", object{"outcome": "upheld", "reason": "work-ended"})
}

func FuzzAskPeers(f *testing.F) {
	fuzzed(f, "askPeers", "dr-patel", "/federation/v1/enquiries", object{"orders": []string{strings.Repeat("a", 40) + "." + strings.Repeat("b", 40) + "." + strings.Repeat("c", 40)}})
}

func FuzzReceiveMessage(f *testing.F) {
	fuzzed(f, "receiveMessage", "dr-patel", "/federation/v1/messages", object{"message": strings.Repeat("a", 40) + "." + strings.Repeat("b", 40) + ".cc.dd." + strings.Repeat("e", 40)})
}

func FuzzAdmitRegistrar(f *testing.F) {
	fuzzed(f, "admitRegistrar", "gov-ellis", "/federation/v1/admissions", seedAdmission(registrarCode))
}

func FuzzPublishQuality(f *testing.F) {
	fuzzed(f, "publishQuality", keeper, "/federation/v1/admissions/"+registrarCode+"/quality", seedQuality)
}

func FuzzRemoveRegistrar(f *testing.F) {
	fuzzed(f, "removeRegistrar", "gov-ellis", "/federation/v1/admissions/"+registrarCode+"/removal", object{"reason": "work-ended"})
}
