package edgetest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
)

// values are requests of the right form that say what cannot be: codes of no
// list, other people's columns, what is taken already, what a step stops.
func (b *bench) values() (rows []row) {
	add := func(name, kind string, r request, marks ...string) {
		rows = append(rows, row{name: name, request: r, kind: kind, marks: marks})
	}
	b.identifiers(add)
	b.caseloads(add)
	b.imposedOrClosed(add)
	b.codes(add)
	b.earlierDates(add)
	b.taken(add)
	b.imports(add)
	b.registers(add)
	b.notices(add)
	b.notMine(add)
	b.periods(add)
	rows = append(rows, b.recognitions()...)
	rows = append(rows, b.commonClients()...)
	rows = append(rows, b.representing()...)
	rows = append(rows, b.links(add)...)
	rows = append(rows, b.recourses(add)...)
	b.peers(add)
	b.axles(add)
	b.disputes(add)
	b.directory(add)
	b.marks(add)
	b.ties(add)
	b.passes(add)
	b.signIns(add)
	rows = append(rows, b.notAllowed()...)
	return append(rows, b.stopped()...)
}

// earlierDates are dates that cannot be asked about, and answers to one that are
// not to be approved or read.
func (b *bench) earlierDates(add func(string, string, request, ...string)) {
	for name, at := range map[string]string{
		"to come": b.until(time.Hour * 1000), "far away": "9999-12-31T23:59:59.999999999Z", "before the hub began": "2026-01-01T00:00:00Z",
		"of the year 1": "0001-01-01T00:00:00Z", "in another zone, to come": "2999-01-01T00:00:00+14:00",
	} {
		add("askAsOf: a date "+name, "invalid", b.but("askAsOf", at, "as_of"), at)
	}
	for _, at := range []string{"", marker, "2026-11-20", "2026-02-30T00:00:00Z", "2026-11-20T25:00:00Z", "2026-11-20 09:00:00"} {
		add("askAsOf: no date", "malformed", b.but("askAsOf", at, "as_of"))
	}
	approve, read := b.good["approveAsOf"], b.good["readAsOf"]
	of := func(r request, ref string) request {
		return r.at(strings.NewReplacer(b.asked, ref, b.approved, ref).Replace(r.target))
	}
	by := func(r request, who string) request { r.as = who; return r }
	add("approveAsOf: one's own", "forbidden", of(approve, b.mine), b.mine)
	add("approveAsOf: a second time", "conflict", of(approve, b.approved), b.approved)
	add("approveAsOf: another agency's", "not-known", by(approve, "dr-brandt"), b.asked)
	add("approveAsOf: an act of another kind", "not-known", of(approve, b.correlating), b.correlating)
	add("readAsOf: before it is approved", "conflict", of(read, b.asked), b.asked)
	add("readAsOf: by who approved it", "not-known", by(read, "ms-novak"), b.approved)
	add("readAsOf: by another agency", "not-known", by(read, "dr-patel"), b.approved)
	add("readAsOf: an act of another kind", "not-known", of(read, b.correlating), b.correlating)
}

// identifiers and columns, for every operation that takes one.
func (b *bench) identifiers(add func(string, string, request, ...string)) {
	for _, op := range []string{"findHandle", "publishRelationship", "openPairing", "correlate", "enquire", "keepApart", "disputeIdentity", "declareInterest", "askAsOf", "attachAnchor"} {
		add(op+": a column of no partnership", "forbidden", b.but(op, marker, "column"))
		for _, column := range []string{"police-riverside", "clinic-bridge", "shelter"} {
			add(op+": somebody else's column", "forbidden", b.but(op, column, "column"))
		}
		r := b.good[op]
		r.as = "admin-reyes" // also without any role that may keep apart or dispute
		add(op+": a member of the agency, not of the column", "forbidden", r)
		for _, identifier := range []string{
			marker, "GP-1234", "GP-123456", " GP-12345", "GP-12345 ", "gp-12345", "GP‑12345", "GP-١٢٣٤٥", "GP-1234５",
			"Amina Brook", "GP-12345;" + marker, "12345", "%", "*",
		} {
			add(op+": an identifier of another form", "invalid", b.but(op, identifier, "identifier"), "amina", "gp-1234５", "gp-١٢٣٤٥", "gp‑12345")
		}
	}
}

// caseloads that are not the caller's to move.
func (b *bench) caseloads(add func(string, string, request, ...string)) {
	add("moveCaseload: without the role", "forbidden", b.as("moveCaseload", "dr-patel"))
	for _, column := range []string{marker, "social-care", "police-riverside"} {
		add("moveCaseload: from a column of nobody's or another agency's", "forbidden", b.but("moveCaseload", column, "from"))
		add("moveCaseload: to a column of nobody's or another agency's", "forbidden", b.but("moveCaseload", column, "to"))
	}
	add("moveCaseload: to the column that it comes from", "invalid", b.but("moveCaseload", "gp-riverside", "from"))
	add("moveCaseload: a reason of no list", "invalid", b.but("moveCaseload", marker, "reason"))
	for _, identifier := range []string{"PT9999", "GP-12345", marker} {
		add("moveCaseload: somebody whom the column does not publish", "invalid", b.but("moveCaseload", identifier, "relationships", 0, "identifier"))
	}
	for _, as := range []string{marker, "PT7391", gpIdentifier + "0"} {
		add("moveCaseload: a new name of another form", "invalid", b.but("moveCaseload", as, "relationships", 0, "as"))
	}
	add("moveCaseload: somebody whom the column publishes already", "conflict", b.but("moveCaseload", "GP-00042", "relationships", 0, "as"))
	for op, later := range map[string]string{"publishRelationship": "2027-01-01T00:00:00Z", "setRelationshipStatus": "9999-12-31T23:59:59Z"} {
		add(op+": since a time to come", "invalid", b.but(op, later, "since"))
		add(op+": since long ago", "invalid", b.but(op, "0001-01-01T00:00:00Z", "since"))
	}
	for _, op := range []string{"publishRelationship", "correlate"} {
		add(op+": the subject's act without evidence", "invalid", b.but(op, "subject", "mode"))
		add(op+": evidence of nobody's act", "invalid", b.but(op, "signed-form", "evidence"))
	}
}

// what is imposed, and columns that close, are for those of the higher role in
// the agency that imposed, and of the agency that controls.
func (b *bench) imposedOrClosed(add func(string, string, request, ...string)) {
	for _, op := range []string{"listUntold", "listObjections"} {
		add(op+": without the higher role", "forbidden", b.as(op, "dr-patel"))
	}
	add("reviewTelling: without the higher role", "forbidden", b.as("reviewTelling", "dr-patel"))
	add("reviewTelling: another agency's", "not-known", b.as("reviewTelling", "dr-brandt"))
	add("reviewTelling: by whoever kept it", "forbidden", func() request {
		r := b.good["reviewTelling"]
		r.as = "ms-novak"
		return r
	}())
	add("recordObjection: another agency's", "not-known", b.as("recordObjection", "dr-patel"))
	add("recordObjection: to what was agreed", "not-known", b.good["recordObjection"].at("/relmgr/v1/acts/"+b.correlating+"/objections"), b.correlating)
	add("ruleOnObjection: another agency's", "not-known", b.as("ruleOnObjection", "dr-brandt"))
	add("ruleOnObjection: by whoever imposed", "forbidden", b.as("ruleOnObjection", "ms-novak"))
	for _, by := range []string{"2020-01-01T00:00:00Z", "2027-11-20T09:00:00Z"} {
		add("reviewTelling: looked at again in the past, or too late", "invalid", b.but("reviewTelling", by, "not_told", "review_by"))
	}
	add("publishRelationship: kept from a subject who agreed", "invalid",
		b.but("publishRelationship", object{"risk": "risk-to-the-subject", "review_by": b.until(24 * time.Hour)}, "not_told"))
	for _, op := range []string{"returnColumn", "destroyColumn"} {
		add(op+": without the role", "forbidden", b.as(op, "dr-patel"))
		for _, column := range []string{"gp-riverside", "police-riverside", marker} {
			r := b.good[op]
			add(op+": a column that is open, another agency's or nobody's", "forbidden", r.at(strings.Replace(r.target, "gp-old", column, 1)))
		}
		add(op+": a reason of no list", "invalid", b.but(op, marker, "reason"))
	}
}

// codes of no list, wherever a code stands.
func (b *bench) codes(add func(string, string, request, ...string)) {
	for _, p := range [][]any{
		{"attachAnchor", "reason"}, {"enquire", "purpose"}, {"enquire", "reason"}, {"enquire", "transaction"},
		{"publishRelationship", "role"}, {"publishRelationship", "reason"},
		{"publishRelationship", "offers", 0, "contact"}, {"publishRelationship", "offers", 0, "transactions", 0},
		{"correlate", "reason"}, {"separate", "reason"}, {"withdrawAct", "reason"}, {"keepApart", "reason"}, {"disputeIdentity", "reason"},
		{"settleDispute", "reason"}, {"confirmSamePerson", "reason"}, {"setRelationshipStatus", "reason"}, {"judgeEnquiry", "reason"}, {"endDeclaration", "reason"}, {"declareInterest", "practitioner"},
		{"askAsOf", "purpose"}, {"askAsOf", "reason"}, {"askAsOf", "transaction"}, {"approveAsOf", "reason"}, {"registerPractitioner", "issuer"},
		{"registerPractitioner", "roles", 0}, {"registerPractitioner", "providers", 0},
		{"excludeAgency", "agency"}, {"approveImport", "reason"},
	} {
		add(fmt.Sprintf("%v: a code of no list", p), "invalid", b.but(p[0].(string), marker, p[1:]...))
	}
	for _, op := range []string{"publishRelationship", "openPairing", "correlate", "approveImport"} {
		for _, p := range [][]any{{"agreement"}, {"power"}, {"purposes", 0}, {"aspects", 0}, {"proportionality", "aim"}, {"reason"}} {
			add(fmt.Sprintf("%s: a decision with a code of no list at %v", op, p), "invalid", b.but(op, marker, append([]any{"decision"}, p...)...))
		}
		for _, to := range []string{"agencies", "columns"} {
			add(op+": an audience of nobody", "invalid", b.but(op, object{to: []any{marker}}, "decision", "audience"))
		}
	}
	for _, op := range []string{"publishRelationship", "openPairing", "correlate"} {
		add(op+": an order of no kind known", "invalid", b.but(op, object{"kind": marker, "reference": "ZC26C00123"}, "decision", "order"), "zc26c00123")
		add(op+": an order with words in it", "malformed", b.but(op, object{"kind": "court-order", "reference": "re: " + marker + "\n"}, "decision", "order"))
		add(op+": an order without its reference", "malformed", b.but(op, object{"kind": "court-order"}, "decision", "order"))
		add(op+": an override for a risk of no list", "invalid", b.but(op, object{"risk": marker, "telling": "safe"}, "decision", "override"))
		add(op+": an override with words in it", "malformed", b.but(op, object{"risk": "danger-to-life", "telling": "safe", "note": marker}, "decision", "override"))
		add(op+": about somebody of that age", "malformed", b.but(op, 11, "decision", "concerning"))
		add(op+": a review on a day that is none", "malformed", b.but(op, "2026-02-30T00:00:00Z", "decision", "proportionality", "review"))
	}
	add("a dry run with an order of no kind known", "invalid", b.but("tryDecision", marker, "holder", "order"))
	add("a dry run with an override for a risk of no list", "invalid", b.but("tryDecision", object{"risk": marker}, "holder", "override"))
	add("judging an override for a reason of no list", "invalid", b.but("judgeOverride", marker, "reason"))
	add("judging an override with another outcome", "malformed", b.but("judgeOverride", marker, "outcome"))
	for _, query := range []string{"state=" + marker, "limit=0", "limit=101", "cursor=" + marker, "cursor=" + strings.Repeat("-", 36), "rests_on=" + strings.ToUpper(marker)} {
		add("a list of decisions with "+query, "malformed", b.good["listDecisions"].at("/relmgr/v1/decisions?"+why+"&"+query))
	}
	for _, p := range [][]any{
		{"column"}, {"role"}, {"agreement"}, {"power"}, {"purposes", 0}, {"aspects", 0}, {"proportionality", "aim"}, {"reason"},
		{"consents", 0, "purposes", 0}, {"consents", 0, "aspects", 0},
	} {
		add(fmt.Sprintf("a dry run with a code of no list at %v", p), "invalid", b.but("tryDecision", marker, append([]any{"holder"}, p...)...))
	}
	for _, at := range [][]any{{"holder", "audience"}, {"holder", "consents", 0, "audience"}} {
		for _, to := range []string{"agencies", "columns"} {
			add(fmt.Sprintf("a dry run for an audience of nobody at %v", at), "invalid", b.but("tryDecision", object{to: []any{marker}}, at...))
		}
	}
	asks := object{"column": "gp-riverside", "purpose": "co-ordinate-care", "reason": "working-with-person", "transaction": "joint-assessment"}
	for name := range asks {
		add("a dry run of an enquiry with a code of no list at "+name, "invalid", b.but("tryDecision", object{"asker": seedWith(asks, object{name: marker})}))
	}
	add("a dry run about an identifier", "malformed", b.but("tryDecision", gpIdentifier, "holder", "identifier"))
	for _, op := range []string{"captureConsent", "requestConsent"} {
		for _, p := range [][]any{{"purposes", 0}, {"aspects", 0}, {"audience", "agencies", 0}} {
			add(fmt.Sprintf("%s: a code of no list at %v", op, p), "invalid", b.but(op, marker, p...))
		}
		add(op+": an audience of no column", "invalid", b.but(op, object{"columns": []any{marker}}, "audience"))
		add(op+": a consent that is over", "invalid", b.but(op, b.now().Add(-time.Hour).UTC().Format(time.RFC3339), "until"))
		add(op+": a consent for ever", "invalid", b.but(op, "2099-01-01T00:00:00Z", "until"))
	}
	add("a proxy for somebody competent", "invalid", b.but("captureConsent", object{"presumed": "not-competent", "assessed": "competent"}, "competence"))
	add("no proxy for somebody not competent", "invalid", b.but("captureConsent", gone, "proxy"))
	add("a proxy whose authority is over", "invalid", b.but("captureConsent", "2020-01-01T00:00:00Z", "proxy", "until"))
	add("a date of birth", "malformed", b.but("captureConsent", "2015-04-01", "competence", "born"))
	add("a refusal by a proxy", "invalid", b.but("answerConsentRequest", object{"answer": "refused", "evidence": "electronic",
		"proxy": object{"authority": "parental-responsibility", "evidence": "own-records", "until": "2027-05-01T00:00:00Z"}}))
	for name, answer := range map[string]object{
		"given without evidence": {"answer": "given", "wording": "leaflet-3"}, "given without words": {"answer": "given", "evidence": "signed-form"},
		"given with a reason":      {"answer": "given", "evidence": "signed-form", "wording": "leaflet-3", "reason": "risk-of-harm"},
		"refused and understood":   {"answer": "refused", "evidence": "electronic", "understanding": "told-back"},
		"refused without evidence": {"answer": "refused"}, "refused with words": {"answer": "refused", "evidence": "electronic", "wording": "leaflet-3"},
		"refused for a reason of no list": {"answer": "refused", "evidence": "electronic", "reason": marker},
		"not asked without a reason":      {"answer": "not-asked"}, "not asked for a reason of no list": {"answer": "not-asked", "reason": marker},
		"not asked with evidence": {"answer": "not-asked", "reason": "risk-of-harm", "evidence": "electronic"},
	} {
		add("a request "+name, "invalid", b.but("answerConsentRequest", answer))
	}
	add("an exclusion of one's own agency", "invalid", b.but("excludeAgency", "riverside-gp", "agency"))
	for _, op := range []string{"captureConsent", "requestConsent", "excludeAgency", "blockRelationship"} {
		forged := b.gpProof[:strings.LastIndex(b.gpProof, ".")+1] + strings.Repeat("A", 86)
		none := part(object{"alg": "none", "typ": "fame-handle-proof+jwt"}) + "." + strings.Split(b.gpProof, ".")[1] + ".AAAA"
		for name, proof := range map[string]string{
			"somebody else's": b.schoolProof, "for another duty": b.idmgrProof, "forged": forged, "unsigned": none,
			"made up": strings.Repeat(marker+".", 2) + strings.Repeat(marker, 12), "one's own token": b.token("dr-patel"),
		} {
			add(op+": a proof that is "+name, "invalid", b.but(op, proof, "proof"), proof)
		}
	}
	for _, code := range []string{"000 000 00", "AAAAAAAAB", "4K7-M2P-9X", "UUUUUUUUU", strings.Repeat("0", 24)} {
		add("a pairing code misheard", "invalid", b.but("correlate", code, "pairing"), code)
		add("a pairing code misheard, to keep apart", "invalid", b.but("keepApart", code, "pairing"), code)
	}
	unused := "0000000" + "00" // its check character is right, and nobody has opened it
	add("a pairing code that nobody has opened", "pairing-unusable", b.but("correlate", unused, "pairing"), unused)
	add("a pairing code that nobody has opened, to keep apart", "pairing-unusable", b.but("keepApart", unused, "pairing"), unused)
	b.statements(add)
	add("keeping apart by nothing", "invalid", b.but("keepApart", gone, "pairing"))
	add("keeping apart by both", "invalid", b.but("keepApart", []any{b.correlating}, "correlations"), b.correlating)
	add("a pairing code with words in it", "malformed", b.but("correlate", "read out: "+b.code, "pairing"), b.code)
}

// imports are approvals and parts that cannot be used.
func (b *bench) imports(add func(string, string, request, ...string)) {
	id := ident.NewAct().String()
	add("an approval of another agency's column", "forbidden", b.but("approveImport", "social-care", "columns", 0))
	add("an approval of a column of no partnership", "forbidden", b.but("approveImport", marker, "columns", 0))
	add("an approval that is over", "invalid", b.but("approveImport", "2020-01-01T00:00:00Z", "until"))
	add("an approval of a joint act", "invalid", b.but("approveImport", "joint", "mode"))
	add("an approval of the subject's own acts", "invalid", b.but("approveImport", "subject", "mode"))
	add("an approval of no deed", "malformed", b.but("approveImport", "dispute", "deed"))
	add("an approval that names consents", "invalid", b.but("approveImport", []any{b.consent}, "decision", "consents"), b.consent)
	add("an import without an approval", "not-known", b.but("startImport", id, "approval"), id)
	add("an import approved by what is no approval", "not-known", b.but("startImport", b.publishing, "approval"), b.publishing)
	add("an import of one's own approval", "forbidden", b.as("startImport", "dr-lund"), b.approval)
	for _, op := range []string{"startImport", "importPart", "listImportRefusals"} {
		add(op+": of another agency", "not-known", b.as(op, "ms-novak"), b.approval, b.bulk)
		add(op+": by a member of no column of it", "forbidden", b.as(op, "dr-ferrari"), b.approval, b.bulk)
	}
	add("a part that ends before it begins", "invalid", b.but("importPart", 9, "last"))
	add("a line of another part", "invalid", b.but("importPart", 21, "relationships", 0, "line"))
	add("a part with another end than before", "conflict", b.good["importPart"].saying(`{"first":1,"last":8,"relationships":[]}`))
	paired := func(more object) object {
		return seedWith(object{"line": 12, "column": "gp-riverside", "identifier": "GP-70003", "pairing": "0000000" + "00"}, more)
	}
	saying := func(at request, members object) request {
		return at.saying(string(encode(b.t, seedWith(object{"first": 10, "last": 20}, members))))
	}
	good := b.good["importPart"]
	batch := good.at("/relmgr/v1/imports/" + b.batch + "/parts")
	add("correlations under an approval of relationships", "invalid", saying(good, object{"correlations": []object{paired(nil)}}))
	add("relationships under an approval of correlations", "invalid", saying(batch, object{"relationships": []object{importLine(12, "GP-70003")}}))
	add("relationships and correlations", "invalid", saying(batch, object{"correlations": []object{paired(nil)}, "relationships": []object{importLine(12, "GP-70003")}}))
	add("a correlation of another part", "invalid", saying(batch, object{"correlations": []object{paired(object{"line": 21})}}))
	add("a correlation twice", "invalid", saying(batch, object{"correlations": []object{paired(nil), paired(nil)}}))
	for name, more := range map[string]object{
		"a code with words in it": {"pairing": "read out: " + marker}, "a code that is none": {"pairing": "0"}, "a statement that is none": {"statement": marker},
		"a line below one": {"line": 0}, "a line that is no number": {"line": "12"}, "a consent that is none": {"consents": []any{marker}},
		"a name": {"name": "Amina Brook"}, "an act of its own": {"mode": "imposed"}, "no identifier": {"identifier": ""}, "null": {"pairing": nil},
		"two agencies' identifiers": {"other": object{"column": "social-care", "identifier": socialIdentifier}},
	} {
		add("a correlation in a batch with "+name, "malformed", saying(batch, object{"correlations": []object{paired(more)}}))
	}
	many := make([]object, 101)
	for i := range many {
		many[i] = paired(object{"line": 10 + i})
	}
	add("too many correlations", "malformed", saying(batch, object{"last": 200, "correlations": many}))
}

// taken is what does not fit what is recorded already.
// recognitions are of a registrar, for a question or an anchor, and not what they
// should be. One that is somebody else's, or was used, leaves a record of that.
func (b *bench) recognitions() (rows []row) {
	b.t.Helper()
	ask := func(recognition any) request {
		return b.replaced(b.but("enquire", gone, "identifier"), []any{"recognition"}, recognition)
	}
	attach := func(recognition any) request { return b.but("attachAnchor", recognition, "recognition") }
	good := b.recognised("dr-patel", "Iris Moor")
	forms := map[string]string{
		"forged":   good[:strings.LastIndex(good, ".")+1] + strings.Repeat("A", 86),
		"unsigned": part(object{"alg": "none", "typ": attest.TypRecognition}) + "." + strings.Split(good, ".")[1] + ".AAAA",
		"made up":  strings.Repeat(marker+".", 2) + strings.Repeat(marker, 12), "a proof of a handle": b.gpProof,
		"one's own token": b.token("dr-patel"), "a statement": b.stated("AZ4LT3QK5W2M7HXJ6BDR2UNVEC", "AZ4LT3QK5W2M7HXJ6BDR2UNVED"),
		"for another hub":  b.recognised("dr-patel", "Iris Moor", func(r *attest.Recognition) { r.Audience = "https://elsewhere.example/relmgr" }),
		"for another duty": b.recognised("dr-patel", "Iris Moor", func(r *attest.Recognition) { r.Audience = hubID + "/consent" }),
		"expired": b.recognised("dr-patel", "Iris Moor", func(r *attest.Recognition) {
			r.IssuedAt, r.Expires = b.now().Add(-time.Hour), b.now().Add(-time.Minute)
		}),
		"of a year":              b.recognised("dr-patel", "Iris Moor", func(r *attest.Recognition) { r.Expires = b.now().AddDate(1, 0, 0) }),
		"with a secret in clear": b.recognised("dr-patel", "Iris Moor", func(r *attest.Recognition) { r.Secret = marker }),
	}
	add := func(name, kind string, r request, writes []string, marks ...string) {
		rows = append(rows, row{name: name, request: r, kind: kind, marks: marks, writes: writes})
	}
	for name, recognition := range forms {
		add("a question with a recognition that is "+name, "invalid", ask(recognition), nil, recognition)
		add("an anchor by a recognition that is "+name, "invalid", attach(recognition), nil, recognition)
	}
	for _, recognition := range []any{"recognised: " + good, good + ".x", "", strings.Repeat("A", 9000), 7, nil, object{"jwt": good}} {
		add("a question with a recognition of no form", "malformed", ask(recognition), nil)
		add("an anchor by a recognition of no form", "malformed", attach(recognition), nil)
	}
	add("a question by nothing", "invalid", b.but("enquire", gone, "identifier"), nil)
	add("a question by an identifier and a recognition", "invalid", b.but("enquire", good, "recognition"), nil, good)
	add("an anchor without the role", "forbidden", func() request { r := attach(good); r.as = "clerk-ito"; return r }(), nil, good)
	for _, whose := range []string{"mr-lindqvist", "ms-novak"} {
		stolen := b.recognised(whose, "Iris Moor")
		add("a question with a recognition of somebody else's", "invalid", ask(stolen), refusedEnquiry, stolen, whose)
		add("an anchor by a recognition of somebody else's", "invalid", attach(stolen), refusedAttachment, stolen, whose)
	}
	used := b.recognised("dr-patel", "Ivo Moor")
	var body any
	b.must(json.Unmarshal(ask(used).body, &body))
	b.ok("dr-patel", "POST", "/relmgr/v1/enquiries", body)
	add("a question with a recognition that was used", "invalid", ask(used), refusedEnquiry, used)
	add("an anchor by a recognition that was used", "invalid", attach(used), refusedAttachment, used)
	clerk := ask(b.recognised("dr-patel", "Iris Moor"))
	clerk.as = "clerk-ito"
	add("a question by a clerk about a stranger", "decision-refused", clerk, refusedEnquiry)
	return rows
}

// statements are of a registrar, for a correlation, and not what they should be.
func (b *bench) statements(add func(string, string, request, ...string)) {
	b.t.Helper()
	const nobodys = "AZ4LT3QK5W2M7HXJ6BDR2UNVEC"
	with := func(statement string) request {
		r := b.but("correlate", statement, "statement")
		var body any
		b.must(json.Unmarshal(r.body, &body))
		r.body = render(replace(body, []any{"pairing"}, gone))
		return r
	}
	mine := b.reference("mr-lindqvist", "social-care", socialIdentifier)
	good := b.stated(b.reference("dr-patel", "gp-riverside", "GP-00043"), mine)
	add("a correlation by nothing", "invalid", b.but("correlate", gone, "pairing"))
	add("a correlation by a code and a statement", "invalid", b.but("correlate", good, "statement"), good)
	elsewhere, err := b.registrar.SignCommonClient(b.t.Context(), attest.CommonClient{
		Audience: "https://elsewhere.example/relmgr", References: [2]string{nobodys, mine}, Level: "high", Types: []string{"demographic"},
		IssuedAt: b.now(), Expires: b.now().Add(time.Minute),
	})
	b.must(err)
	for name, statement := range map[string]string{
		"forged":   good[:strings.LastIndex(good, ".")+1] + strings.Repeat("A", 86),
		"unsigned": part(object{"alg": "none", "typ": attest.TypCommonClient}) + "." + strings.Split(good, ".")[1] + ".AAAA",
		"made up":  strings.Repeat(marker+".", 2) + strings.Repeat(marker, 12), "a proof of a handle": b.gpProof,
		"one's own token": b.token("mr-lindqvist"), "for another hub": elsewhere,
	} {
		add("a statement that is "+name, "invalid", with(statement), statement)
	}
	add("a statement with words in it", "malformed", with("stated: "+good), good)
	add("a statement about pairings that nobody has opened", "pairing-unusable", with(b.stated(nobodys, mine)), nobodys, mine)
	add("a statement about others' pairings", "pairing-unusable",
		with(b.stated(b.reference("dr-patel", "gp-riverside", "GP-00043"), b.reference("mrs-hale", "school-pastoral", "S900043"))))
}

func (b *bench) taken(add func(string, string, request, ...string)) {
	published := b.but("publishRelationship", "GP-00042", "identifier")
	published = b.replaced(published, []any{"decision", "consents"}, []any{b.consent})
	add("published already", "conflict", published)
	add("a code that is taken", "conflict", b.but("registerPractitioner", "dr-brandt", "practitioner"))
	add("a code that was taken", "conflict", b.but("registerPractitioner", "gone", "practitioner"))
	add("a sign-in that is taken", "conflict", b.but("registerPractitioner", "dr-brandt", "subject"))
	add("a code of another agency's", "conflict", b.but("registerPractitioner", "pc-dunne", "practitioner"))
	for _, role := range []string{"governance-officer", "agency-administrator"} {
		add("a role that nobody may delegate", "invalid", b.but("registerPractitioner", role, "roles", 0))
	}
	add("another agency's provider", "invalid", b.but("registerPractitioner", "police-safeguarding", "providers", 0))
	add("a named person's own provider", "invalid", b.but("registerPractitioner", "dr-patel-list", "providers", 0))
	add("another agency's issuer", "invalid", b.but("registerPractitioner", "county", "issuer"))
	add("an end that is past", "invalid", b.but("registerPractitioner", "2020-01-01T00:00:00Z", "until"))
	add("a hidden subject", "invalid", b.but("registerPractitioner", "(hidden) "+marker, "subject"))

	id := ident.NewAct().String()
	for _, op := range []string{"settleDispute", "confirmSamePerson", "setRelationshipStatus"} {
		add(op+": another agency's act", "not-known", b.as(op, "mrs-hale"), b.dispute, b.theirs, b.publishing)
		r := b.good[op]
		for _, ref := range []string{b.dispute, b.theirs, b.publishing} {
			r.target = strings.Replace(r.target, ref, id, 1)
		}
		add(op+": an act of nobody", "not-known", r, id)
	}
	settle := b.good["settleDispute"]
	add("settling what is no dispute", "not-known", settle.at(strings.Replace(settle.target, b.dispute, b.correlating, 1)), b.correlating)
	add("a dispute that holds what is not disputed", "invalid", b.but("settleDispute", []any{b.correlating}, "holds"), b.correlating)
	status := b.good["setRelationshipStatus"]
	status.as = "dr-brandt"
	add("the status of what is no publication", "not-known", status.at(strings.Replace(status.target, b.publishing, b.theirs, 1)), b.theirs)
	add("a confirmation by the side that made it", "forbidden", b.as("confirmSamePerson", "mr-lindqvist").at("/relmgr/v1/correlations/"+b.correlating+"/confirmation"), b.correlating)
	for op, ref := range map[string]string{"judgeEnquiry": b.review, "endDeclaration": b.declaration, "judgeOverride": b.overridden} {
		r := b.good[op]
		other := "dr-brandt"
		if op == "judgeOverride" {
			other = "ms-novak"
		}
		add(op+": another agency's", "not-known", b.as(op, other), ref)
		add(op+": of nobody", "not-known", r.at(strings.Replace(r.target, ref, id, 1)), id)
	}
	add("declaring for somebody of another agency", "invalid", b.but("declareInterest", "dr-patel", "practitioner"), "dr-patel")
	for _, op := range []string{"withdrawConsent", "withdrawExclusion", "withdrawBlock"} {
		r := b.as(op, "ms-okafor")
		add(op+": another agency's", "not-known", r, b.consent, b.exclusion, b.block)
	}
	answer := b.good["answerConsentRequest"]
	add("a request that is answered", "conflict", answer.at("/consent/v1/requests/"+b.answered+"/answer"), b.answered)
	answer.as = "ms-okafor"
	add("another column's request", "not-known", answer, b.request)
	for op, ref := range map[string]string{"requestContact": b.question, "listContactReplies": b.question, "replyToContactRequest": b.delivery} {
		r := b.good[op]
		add(op+": of nobody", "not-known", r.at(strings.Replace(r.target, ref, id, 1)), id)
		add(op+": somebody else's", "not-known", b.as(op, "mrs-hale"), ref)
	}
	add("a contact route of no column", "invalid", b.but("requestContact", marker, "contact"))
	add("a reply with a reason of no list", "invalid", b.but("replyToContactRequest", marker, "reason"))
	add("a reply with a contact route of no column", "invalid", b.but("replyToContactRequest", marker, "contact"))
	add("a reply that tells without a decision", "invalid", b.but("replyToContactRequest", gone, "decision"))
	add("a reply that tells nothing, with a decision", "invalid", b.but("replyToContactRequest", "not-share", "reply"))
	add("a correlation of nobody", "not-known", b.but("separate", id, "correlations", 0), id)
	r := b.but("separate", b.publishing, "correlations", 0)
	add("another agency's act as a correlation", "not-known", r, b.publishing)
	r.as = "dr-brandt"
	add("what is no correlation", "invalid", r, b.publishing)
	add("one's own and one of nobody", "not-known", b.but("separate", []any{b.correlating, id}, "correlations"), id, b.correlating)
	end := b.good["endPractitioner"]
	add("somebody of another agency", "not-known", end.at(strings.Replace(end.target, "leaver-one", "pc-dunne", 1)), "pc-dunne")
	add("nobody", "not-known", end.at(strings.Replace(end.target, "leaver-one", marker, 1)))
}

func (b *bench) replaced(r request, path []any, v any) request {
	body := plain(b.t, jsonText(r.body))
	r.body = render(replace(body, path, v))
	return r
}

// jsonText is a JSON text that is already one.
type jsonText []byte

func (j jsonText) MarshalJSON() ([]byte, error) { return j, nil }

// notAllowed are good requests by the wrong person.
func (b *bench) notAllowed() (rows []row) {
	add := func(name string, r request, marks ...string) {
		rows = append(rows, row{name: name, request: r, kind: "forbidden", marks: marks})
	}
	for _, who := range []string{"dr-patel", "admin-reyes", "clerk-ito", "governor"} {
		kind := "forbidden"
		if who == "governor" {
			kind = "not-registered" // Riverside has replaced the first document
		}
		for _, op := range []string{"applyPartnership", "listGovernanceActs"} {
			rows = append(rows, row{name: op + " by " + who, request: b.as(op, who), kind: kind})
		}
	}
	for _, op := range []string{"listPractitioners", "registerPractitioner", "endPractitioner"} {
		for _, who := range []string{"dr-patel", "admin-moss", "pc-dunne"} {
			add(op+" by "+who, b.as(op, who))
		}
		r := b.good[op]
		add(op+" of another agency", r.at(strings.Replace(r.target, "riverside-gp", "riverside-police", 1)))
		add(op+" of an agency of nowhere", r.at(strings.Replace(r.target, "riverside-gp", marker, 1)))
	}
	add("ending somebody, by a governance officer", b.as("endPractitioner", "gov-ellis"))
	for _, op := range []string{"captureConsent", "withdrawConsent", "excludeAgency", "withdrawExclusion", "blockRelationship", "withdrawBlock", "requestConsent", "answerConsentRequest"} {
		for _, who := range []string{"clerk-ito", "gov-ellis", "admin-reyes"} {
			add(op+" by "+who, b.as(op, who))
		}
	}
	add("a withdrawal by a clerk of the agency", b.as("withdrawAct", "clerk-ito"), b.publishing)
	add("another column's contact requests", b.as("listContactRequests", "ms-okafor"))
	add("what was asked from another column", b.as("listRecent", "ms-okafor"))
	add("what waits in another column", b.as("listWaiting", "ms-okafor"))
	add("a review without the role", b.as("judgeEnquiry", "mr-lindqvist"), b.review)
	add("declaring for somebody else without the role", b.replaced(b.as("declareInterest", "mr-lindqvist"), []any{"practitioner"}, "ms-novak"))
	add("ending a declaration without the role", b.as("endDeclaration", "mr-lindqvist"), b.declaration)
	add("an approval without the role", b.as("approveAsOf", "mr-lindqvist"), b.asked)
	add("a list of what waits for approval without the role", b.as("listAsOf", "mr-lindqvist"))
	add("a list of reviews without the role", b.as("listReviews", "mr-lindqvist"))
	add("one's own override judged", b.as("judgeOverride", "dr-brandt"), b.overridden)
	add("an override judged without the role", b.as("judgeOverride", "dr-patel"), b.overridden)
	add("a list of decisions without the role", b.as("listDecisions", "dr-patel"))
	add("keeping apart without the role", b.as("keepApart", "ms-novak"))
	add("a dispute by a clerk", b.as("disputeIdentity", "clerk-ito"))
	add("a settlement without the role", b.as("settleDispute", "ms-novak"), b.dispute)
	add("a confirmation by a clerk", b.as("confirmSamePerson", "clerk-ito"), b.theirs)
	add("a status by a clerk", b.as("setRelationshipStatus", "clerk-ito"), b.publishing)
	add("a separation without the role", b.as("separate", "ms-novak"), b.correlating)
	return rows
}

// stopped are refusals by a step of the asker's own decision. They alone are
// recorded.
func (b *bench) stopped() (rows []row) {
	ask := func(name string, r request) {
		rows = append(rows, row{name: name, request: r, kind: "decision-refused", writes: refusedEnquiry})
	}
	act := func(name string, r request, marks ...string) {
		rows = append(rows, row{name: name, request: r, kind: "decision-refused", writes: refusedAct, marks: marks})
	}
	act("an approval without the role", b.as("approveImport", "dr-brandt"))
	act("a part by somebody who may not impose", b.as("importPart", "dr-patel"), b.bulk)
	ask("an enquiry by a clerk", b.as("enquire", "clerk-ito"))
	byClerk := b.but("enquire", "GP-73994", "identifier")
	byClerk.as = "clerk-ito"
	ask("an enquiry by a clerk about somebody never seen", byClerk)
	for _, purpose := range []string{"immigration-enforcement", "homelessness-duty"} {
		ask("an enquiry for "+purpose, b.but("enquire", purpose, "purpose"))
	}
	f := newForge(b.hub)
	claimed := b.good["enquire"].unsigned("Bearer " + f.sign(f.key, nil, f.claims(object{"sub": "clerk-ito", "roles": []string{"gp"}, "groups": []string{"gp"}})))
	ask("an enquiry by a clerk whose token claims a role that is not registered", claimed)

	unseen := map[string]string{"publishRelationship": "GP-73991", "openPairing": "GP-73992", "correlate": "LMN-73993"}
	for _, op := range []string{"publishRelationship", "openPairing", "correlate"} {
		// A refusal makes no handle either.
		never := b.but(op, unseen[op], "identifier")
		act(op+": somebody never seen", never, unseen[op])
		act(op+": somebody never seen, not proportionate", b.replaced(never, []any{"decision", "proportionality", "necessary"}, false), unseen[op])
		for _, p := range [][]any{{"proportionality", "necessary"}, {"proportionality", "safeguards"}} {
			act(op+": not proportionate", b.but(op, false, append([]any{"decision"}, p...)...))
		}
		unknown := ident.NewConsent().String()
		act(op+": a consent of nobody", b.but(op, []any{unknown}, "decision", "consents"), unknown)
		act(op+": a consent for another handle", b.but(op, []any{b.policeConsent}, "decision", "consents"), b.policeConsent)
		act(op+": a review that is past", b.but(op, "2020-01-01T00:00:00Z", "decision", "proportionality", "review"))
		act(op+": a review too late", b.but(op, "2029-01-01T00:00:00Z", "decision", "proportionality", "review"))
		act(op+": a child whose welfare was not considered", b.but(op, "child", "decision", "concerning"))
		act(op+": an order on the ground of consent", b.but(op, object{"kind": "court-order", "reference": "ZC26C00124"}, "decision", "order"), "zc26c00124")
		act(op+": an override that is not imposed", b.but(op, object{"risk": "danger-to-life", "telling": "safe"}, "decision", "override"))
		act(op+": no consent", b.but(op, []any{}, "decision", "consents"))
		act(op+": a power that the agency does not hold", b.but(op, "housing-act-1996-s184", "decision", "power"))
		act(op+": another agreement's power", b.but(op, "riverside-community-safety", "decision", "agreement"))
		act(op+": a condition of no law profile", b.but(op, marker, "decision", "conditions", "ordinary"))
		act(op+": an end that is past", b.but(op, "2020-01-01T00:00:00Z", "decision", "until"))
	}
	r := b.good["publishRelationship"]
	r.as, r.body = "dr-brandt", render(plain(b.t, b.overriding("GP-73995")))
	for _, part := range [][]any{{"override", "risk"}, {"override", "telling"}, {"reason"}, {"proportionality", "review"}} {
		act(fmt.Sprintf("an override without %v", part), b.replaced(r, append([]any{"decision"}, part...), gone), "gp-73995")
	}
	act("an override to everybody", b.replaced(r, []any{"decision", "audience"}, object{"partnership": true}), "gp-73995")
	act("a publication by a clerk", b.as("publishRelationship", "clerk-ito"))
	act("a correlation without the role", b.as("correlate", "ms-novak"))
	return rows
}

// documents are partnership documents that cannot be applied.
func (b *bench) documents() (rows []row) {
	add := func(name string, r request) {
		rows = append(rows, row{name: "applyPartnership: " + name, request: r, kind: "invalid"})
	}
	but := func(v any, path ...any) request { return b.but("applyPartnership", v, path...) }
	for section := range b.document {
		// Keys with a form that no field's name has: one that looks like a field is
		// named in the pointer, so that whoever mistyped it finds it.
		for _, v := range []any{marker, 7391, true, nil, []any{marker}, object{strings.ToUpper(marker): marker}} {
			if _, isList := b.document[section].([]any); isList && v == nil {
				continue
			}
			add(fmt.Sprintf("%s is %T", section, v), but(v, section))
		}
	}
	for _, section := range []string{"partnership", "issuers", "codes", "agencies", "practitioners"} {
		add("no "+section, but(gone, section))
	}
	for _, name := range []string{"diagnosis", "patient", strings.ToUpper(marker), "a/b", "é"} {
		add("a section of another name, "+name, but(marker, name))
		add("a member of another name, "+name, but(marker, "partnership", name))
		add("an agency with a member of another name, "+name, but(marker, "agencies", 0, name))
		add("a practitioner with a member of another name, "+name, but(marker, "practitioners", 0, name))
	}
	add("another hub's", but("https://"+marker+".example", "partnership", "hub"))
	add("no law profile of that name", but(marker, "partnership", "law_profile"))
	add("an issuer without TLS", but("http://"+marker+".example", "issuers", 0, "issuer"))
	add("an issuer that is no address", but(marker, "issuers", 0, "issuer"))
	add("a code in capitals", but(strings.ToUpper(marker), "codes", "purposes", 0, "code"))
	add("a provider of no agency", but(marker, "providers", 0, "agency"))
	add("a column of no provider", but(marker, "columns", 0, "provider"))
	add("a pattern that is none", but("("+marker, "columns", 0, "pattern"))
	add("a pattern that fits everything", but(".*", "columns", 0, "pattern"))
	add("an example that does not fit", but(marker, "columns", 0, "example"))
	add("a party of no agency", but(marker, "agreements", 0, "parties", 0))
	add("a ground of no kind", but(marker, "agreements", 0, "grounds", 0))
	add("a practitioner of no agency", but(marker, "practitioners", 0, "agency"))
	add("a role of no list", but(marker, "practitioners", 0, "roles", 0))
	add("an agency twice", but(append(b.document["agencies"].([]any), b.document["agencies"].([]any)[0]), "agencies"))
	add("nobody who governs", but(b.document["practitioners"].([]any)[:1], "practitioners"))
	add("too many requests", but(1_000_000, "settings", "requests_per_minute"))
	add("a fraction", but(raw("10.5"), "settings", "pairing_minutes"))
	add("nothing", b.good["applyPartnership"].saying("{}"))
	for _, h := range harmful {
		rows = append(rows, row{
			name: "applyPartnership: " + h.name, request: but(raw(`"`+marker+h.text+`"`), "partnership", "name"), kind: "malformed",
		})
	}
	text := string(b.good["applyPartnership"].body)
	rows = append(rows,
		row{name: "applyPartnership: a section twice", request: b.good["applyPartnership"].saying(`{"bars":[],` + text[1:]), kind: "malformed"},
		row{name: "applyPartnership: a member twice", request: but(raw(`{"hub":"`+marker+`","hub":"`+hubID+`"}`), "partnership"), kind: "malformed"},
	)
	dry := func(r request) request { return r.at(r.target + "?dry_run=true") }
	add("a dry run of another hub's", dry(but("https://"+marker+".example", "partnership", "hub")))
	forbidden := dry(b.as("applyPartnership", "dr-patel"))
	return append(rows, row{name: "applyPartnership: a dry run by somebody else", request: forbidden, kind: "forbidden"})
}
