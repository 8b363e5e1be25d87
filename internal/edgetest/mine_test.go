package edgetest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/api/export"
	"github.com/fame-hub/fame/internal/attest"
)

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of what tells nothing
	for op, why := range map[string]string{
		"listComplaints":       "names nobody: what there is rests on what people complained of themselves",
		"acknowledgeComplaint": "likewise", "answerComplaint": "likewise",
	} {
		tellsNothing[op] = why
	}
	for _, op := range []string{"listMyRelationships", "listMyEnquiries", "listMyActs", "listMyDecisions", "objectAsMyself", "confirmAsMyself", "listMyComplaints", "complain",
		"listMyWord", "giveConsent", "takeBackConsent", "hideRelationship", "showRelationship", "leaveOutAgency", "letInAgency", "listMyLinks"} {
		tellsNothing[op] = "shows a person what is theirs; that what is concealed from them is absent is TestWhatIsConcealedFromAPersonIsAbsent"
	}
}

// asMyself is a person's own request with a proof for the duty that serves it.
func (h *hub) asMyself(person, method, target string, body any, change ...func(*attest.Subject)) request {
	h.t.Helper()
	duty, _, _ := strings.Cut(strings.TrimPrefix(target, "/"), "/")
	r := bearing(h.myProofs(person, "?sensitive=true", change...)[duty].(string), method, target)
	if body != nil {
		r.body = encode(h.t, body)
	}
	return r
}

// ofMine is a person's own answer.
func (h *hub) ofMine(person, target string) object {
	h.t.Helper()
	a := h.send(h.asMyself(person, "GET", target, nil))
	var said object
	h.must(json.Unmarshal(a.body, &said))
	if a.status != 200 {
		h.t.Fatalf("%s: %d %s", target, a.status, a.body)
	}
	return said
}

// mineGood are the good requests of a person.
func (b *bench) mineGood() {
	b.t.Helper()
	b.attach("dr-patel", "gp-riverside", "GP-73970", "Ida Moor")
	b.impose("LMN-73970", object{})
	b.attach("mr-lindqvist", "social-care", "LMN-73970", "Ida Moor")
	proof := b.myProofs("Ida Moor", "")["relmgr"].(string)
	imposed := b.ofMine("Ida Moor", "/relmgr/v1/me/acts")["acts"].([]any)
	var act, handle string
	for _, a := range imposed {
		if a.(object)["kind"] == "publish" {
			act = a.(object)["act"].(string)
		}
	}
	handle = b.ofMine("Ida Moor", "/relmgr/v1/me/relationships")["relationships"].([]any)[0].(object)["handle"].(string)
	complain := func() string {
		r := b.asMyself("Ida Moor", "POST", "/relmgr/v1/me/complaints", object{"handle": handle, "topic": "sharing", "act": act})
		a := b.send(r)
		var said object
		b.must(json.Unmarshal(a.body, &said))
		if a.status != 201 {
			b.t.Fatalf("complain: %d %s", a.status, a.body)
		}
		return said["complaint"].(string)
	}
	b.complaint, b.answeredComplaint = complain(), complain()
	b.ok("gov-ellis", "POST", "/relmgr/v1/complaints/"+b.answeredComplaint+"/answer", object{"outcome": "upheld", "reason": "risk-of-harm"})
	b.wordGood(handle)
	b.linksOfMineGood()
	b.heldGood()
	b.keepGood()
	b.attach("dr-patel", "gp-riverside", "GP-73973", "Ida Moor")
	b.publishTogether("dr-patel", "gp-riverside", "GP-73973")
	waiting := b.waitsFor("Ida Moor")
	for op, r := range map[string]request{
		"listMyRelationships":  bearing(proof, "GET", "/relmgr/v1/me/relationships"),
		"listMyEnquiries":      bearing(proof, "GET", "/relmgr/v1/me/enquiries"),
		"listMyActs":           bearing(proof, "GET", "/relmgr/v1/me/acts"),
		"listMyDecisions":      bearing(proof, "GET", "/relmgr/v1/me/decisions"),
		"listMyComplaints":     bearing(proof, "GET", "/relmgr/v1/me/complaints"),
		"listMyLinks":          bearing(b.myProofs("Ida Moor", "")["idmgr"].(string), "GET", "/idmgr/v1/me/links"),
		"objectAsMyself":       bearing(proof, "POST", "/relmgr/v1/me/objections").saying(string(render(object{"act": act, "reason": "subject-asked"}))),
		"confirmAsMyself":      b.asMyself("Ida Moor", "POST", "/relmgr/v1/me/confirmations", object{"act": waiting}),
		"complain":             bearing(proof, "POST", "/relmgr/v1/me/complaints").saying(string(render(object{"handle": handle, "topic": "rectification"}))),
		"listComplaints":       {as: "gov-ellis", target: "/relmgr/v1/complaints"},
		"acknowledgeComplaint": {as: "gov-ellis", target: "/relmgr/v1/complaints/" + b.complaint + "/acknowledgement", body: render(object{"reason": "risk-of-harm"})},
		"answerComplaint":      {as: "gov-ellis", target: "/relmgr/v1/complaints/" + b.complaint + "/answer", body: render(object{"outcome": "not-upheld", "reason": "risk-of-harm"})},
	} {
		b.good[op] = r
	}
}

// myself are requests of a person about what is not theirs, and answers that are not the
// officer's to give.
func (b *bench) notMine(add func(string, string, request, ...string)) {
	b.publish("dr-patel", "gp-riverside", "GP-73971", agreed{})
	b.attach("dr-patel", "gp-riverside", "GP-73971", "Ivo Moor")
	theirs := b.ofMine("Ivo Moor", "/relmgr/v1/me/acts")["acts"].([]any)[0].(object)["act"].(string)
	theirHandle := b.ofMine("Ivo Moor", "/relmgr/v1/me/relationships")["relationships"].([]any)[0].(object)["handle"].(string)
	b.word(add, theirHandle)
	b.linksNotMine(add)
	b.heldBad(add)
	b.keepBad(add)
	own := ""
	for _, a := range b.ofMine("Ida Moor", "/relmgr/v1/me/acts")["acts"].([]any) {
		if a := a.(object); a["kind"] == "attach-anchor" {
			own = a["act"].(string)
		}
	}
	add("objectAsMyself: to an act about somebody else", "not-known", b.but("objectAsMyself", theirs, "act"), theirs)
	add("objectAsMyself: to no act", "not-known", b.but("objectAsMyself", seedID, "act"), seedID)
	add("objectAsMyself: to what was not imposed", "invalid", b.but("objectAsMyself", own, "act"), own)
	add("objectAsMyself: a reason of no list", "invalid", b.but("objectAsMyself", marker, "reason"))
	add("confirmAsMyself: what is about somebody else", "not-known", b.but("confirmAsMyself", theirs, "act"), theirs)
	add("confirmAsMyself: no act", "not-known", b.but("confirmAsMyself", seedID, "act"), seedID)
	add("confirmAsMyself: what does not wait", "invalid", b.but("confirmAsMyself", own, "act"), own)
	add("complain: about somebody else", "not-known", b.but("complain", theirHandle, "handle"), theirHandle)
	add("complain: of an act about somebody else", "not-known", b.but("complain", theirs, "act"), theirs)
	for _, op := range []string{"listMyEnquiries", "listMyActs", "listMyDecisions"} {
		r := b.good[op]
		proof := b.myProofs("Ida Moor", "", func(s *attest.Subject) { s.ACR = "one-factor" })["relmgr"].(string)
		add(op+": sensitive columns by a password alone", "step-up", bearing(proof, "GET", r.target+"?sensitive=true"))
		add(op+": a proof for another duty", "unauthenticated", bearing(b.myProofs("Ida Moor", "")["consent"].(string), "GET", r.target))
	}
	for _, op := range []string{"acknowledgeComplaint", "answerComplaint"} {
		add(op+": by no officer", "forbidden", b.as(op, "dr-patel"))
		add(op+": a reason of no list", "invalid", b.but(op, marker, "reason"))
		add(op+": one that is none", "not-known", b.good[op].at(strings.Replace(b.good[op].target, b.complaint, seedID, 1)), seedID)
	}
	add("listComplaints: by no officer", "forbidden", b.as("listComplaints", "dr-patel"))
	add("answerComplaint: a second time", "conflict", b.good["answerComplaint"].at("/relmgr/v1/complaints/"+b.answeredComplaint+"/answer"), b.answeredComplaint)
}

// said is what a person is told by every list of theirs, with what is drawn anew masked.
func (h *hub) said(person string) string {
	h.t.Helper()
	var all strings.Builder
	for _, list := range []string{"relationships", "enquiries", "acts", "decisions", "complaints"} {
		for _, target := range []string{"", "?sensitive=true&limit=1", "?limit=2"} {
			if (list == "relationships" || list == "complaints") && target != "" {
				continue
			}
			a := h.send(h.asMyself(person, "GET", "/relmgr/v1/me/"+list+target, nil))
			headers := a.header.Clone()
			for _, name := range []string{"Date", "X-Request-Id"} {
				headers.Del(name)
			}
			fmt.Fprintln(&all, list, a.status, headers, masked(string(a.body)))
		}
	}
	return all.String()
}

// SUB-01, SUB-09, ACT-10: a person sees who holds what of them, who asked and what they
// were told, what was done and decided; objects to what was imposed; complains, is
// acknowledged and answered. All of it is theirs and nobody else's.
func TestAPersonSeesWhoKnowsThemAndWhoAsked(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	h.attach("dr-patel", "gp-riverside", "GP-00042", "Iris Moor")
	imposed := h.impose("LMN-00042", object{})
	h.attach("mr-lindqvist", "social-care", "LMN-00042", "Iris Moor")
	code, _ := h.pair("dr-patel", "gp-riverside", "GP-00042")
	h.correlate("mr-lindqvist", "social-care", "LMN-00042", code)
	h.publish("dr-patel", "gp-riverside", "GP-00099", agreed{}) // somebody else
	if a := h.ask("LMN-00042", ""); !strings.Contains(string(a.body), `"known":"yes"`) {
		t.Fatalf("%s", a.body)
	}
	h.ask("LMN-00077", "") // about somebody else

	list := h.ofMine("Iris Moor", "/relmgr/v1/me/relationships")["relationships"].([]any)
	var columns []string
	for _, r := range list {
		r := r.(object)
		columns = append(columns, r["column"].(string))
		if r["published"] != true || r["until"] == nil || r["audience"] == nil {
			t.Errorf("a relationship is %v", r)
		}
	}
	if !slices.Equal(columns, []string{"gp-riverside", "social-care"}) {
		t.Errorf("known to %v", columns)
	}
	enquiries := h.ofMine("Iris Moor", "/relmgr/v1/me/enquiries")["enquiries"].([]any)
	if len(enquiries) != 1 {
		t.Fatalf("asked about %v", enquiries)
	}
	if e := enquiries[0].(object); e["practitioner"] != asker || e["agency"] != "riverside-social-care" || e["purpose"] != "co-ordinate-care" || fmt.Sprint(e["told_of"]) != "[gp-riverside]" {
		t.Errorf("the enquiry is %v", e)
	}
	kinds := map[string]int{}
	var act string
	for _, a := range h.ofMine("Iris Moor", "/relmgr/v1/me/acts")["acts"].([]any) {
		a := a.(object)
		kinds[a["kind"].(string)]++
		if a["mode"] == "imposed" {
			act = a["act"].(string)
		}
	}
	if fmt.Sprint(kinds) != "map[attach-anchor:2 correlate:1 pair:1 publish:2]" {
		t.Errorf("the acts are %v", kinds)
	}
	if d := h.ofMine("Iris Moor", "/relmgr/v1/me/decisions")["decisions"].([]any); len(d) != 4 {
		t.Errorf("%d decisions, want 4", len(d))
	}
	// Objecting twice is one objection, which the agency that imposed it finds and rules on.
	var first object
	for range 2 {
		a := h.send(h.asMyself("Iris Moor", "POST", "/relmgr/v1/me/objections", object{"act": act, "reason": "subject-asked"}))
		var got object
		h.must(json.Unmarshal(a.body, &got))
		if a.status != 201 || first != nil && got["act"] != first["act"] {
			t.Fatalf("%d %s", a.status, a.body)
		}
		first = got
	}
	open := h.ok("ms-novak", "GET", "/relmgr/v1/objections?"+why, nil)["objections"].([]any)
	if len(open) != 1 || open[0].(object)["imposed"] != imposed {
		t.Fatalf("the objections are %v, to %s", open, imposed)
	}
	h.ok(asker, "POST", "/relmgr/v1/objections/"+open[0].(object)["objection"].(string)+"/ruling", object{"outcome": "upheld", "reason": "subject-asked"})
	if list := h.ofMine("Iris Moor", "/relmgr/v1/me/relationships")["relationships"].([]any); list[1].(object)["published"] != false {
		t.Errorf("what was imposed stands: %v", list[1])
	}
}

// SUB-08: a complaint is acknowledged within 30 days or an alert says so; it is answered by
// an officer of another agency, with an outcome, and no agency is shown it.
func TestAComplaintIsAcknowledgedAndAnswered(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	h.attach("dr-patel", "gp-riverside", "GP-00042", "Iris Moor")
	handle := h.ofMine("Iris Moor", "/relmgr/v1/me/relationships")["relationships"].([]any)[0].(object)["handle"].(string)
	a := h.send(h.asMyself("Iris Moor", "POST", "/relmgr/v1/me/complaints", object{"handle": handle, "topic": "rectification"}))
	var made object
	h.must(json.Unmarshal(a.body, &made))
	if a.status != 201 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	if acts := fmt.Sprint(h.ok("dr-patel", "GET", "/relmgr/v1/acts?"+why+"&handle="+handle, nil)); strings.Contains(acts, "complain") {
		t.Errorf("the agency complained of is shown it: %s", acts)
	}
	waiting := func() object {
		list := h.ok("gov-ellis", "GET", "/relmgr/v1/complaints", nil)["complaints"].([]any)
		if len(list) != 1 {
			return nil
		}
		return list[0].(object)
	}
	if w := waiting(); w["complaint"] != made["complaint"] || w["overdue"] != false || w["handle"] != nil {
		t.Errorf("the officer is shown %v", w)
	}
	h.clock.pass(31 * 24 * time.Hour)
	if w := waiting(); w["overdue"] != true {
		t.Errorf("after 31 days: %v", w)
	}
	h.ok("gov-ellis", "POST", "/relmgr/v1/complaints/"+made["complaint"].(string)+"/acknowledgement", object{"reason": "subject-asked"})
	if w := waiting(); w["overdue"] != false || w["acknowledged"] == nil {
		t.Errorf("acknowledged: %v", w)
	}
	h.ok("gov-ellis", "POST", "/relmgr/v1/complaints/"+made["complaint"].(string)+"/answer", object{"outcome": "partly-upheld", "reason": "subject-asked"})
	if w := waiting(); w != nil {
		t.Errorf("answered, and still waits: %v", w)
	}
	told := h.ofMine("Iris Moor", "/relmgr/v1/me/complaints")["complaints"].([]any)
	if len(told) != 1 || told[0].(object)["outcome"] != "partly-upheld" || told[0].(object)["answered"] == nil {
		t.Errorf("the person is told %v", told)
	}
}

// QRY-11's counterpart for a person, ACT-10, LEG-15, E2E-16: of what they are lawfully not
// told there is no trace in any list of theirs: no row, no count, no page, no act that
// follows from it, no enquiry, no telling what it was told. Auditors see ground and end.
func TestWhatIsConcealedFromAPersonIsAbsent(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{document: withOldColumn})
	hide := object{"not_told": object{"risk": "risk-to-somebody-else", "review_by": h.until(30 * 24 * time.Hour)}}
	n := 0
	// somebody makes a person with a surgery, and whatever more there is to conceal.
	somebody := func(more func(name, gp, social string)) string {
		n++
		name, gp, social := fmt.Sprintf("Person %d", n), fmt.Sprintf("GP-%05d", n), fmt.Sprintf("LMN-%05d", n)
		h.publish("dr-patel", "gp-riverside", gp, agreed{})
		h.attach("dr-patel", "gp-riverside", gp, name)
		more(name, gp, social)
		return name
	}
	plain := h.said(somebody(func(string, string, string) {}))
	imposeJoin := func(name, gp, social string) {
		code, _ := h.pair("dr-patel", "gp-riverside", gp)
		h.consent(asker, askers, social, agreed{})
		c := h.correlation("social-care", social, code, "")
		c["mode"] = "imposed"
		c["not_told"] = hide["not_told"]
		d := c["decision"].(object)
		delete(d, "consents")
		d["ground"], d["reason"] = "significant-harm", "risk-of-harm"
		h.ok(asker, "POST", "/relmgr/v1/correlations", c)
	}
	for what, more := range map[string]func(name, gp, social string){
		"an imposed relationship": func(name, _, social string) {
			h.impose(social, hide)
			h.attach(asker, askers, social, name)
		},
		"an imposed relationship, and what was asked from it": func(name, gp, social string) {
			h.impose(social, hide)
			h.attach(asker, askers, social, name)
			imposeJoin(name, gp, social)
			h.ask(social, "")
		},
		"an override of which telling would raise the risk, and what was joined on it": func(_, gp, social string) {
			h.overrideJoin(asked{social: social, gp: gp})
		},
		"a silence": func(_, gp, _ string) {
			h.ok("dr-patel", "POST", "/relmgr/v1/silences", h.silence("gp-riverside", gp))
		},
		"an imposed relationship that was objected to in somebody's hearing": func(name, _, social string) {
			act := h.impose(social, hide)
			h.attach(asker, askers, social, name)
			h.ok(asker, "POST", "/relmgr/v1/acts/"+act+"/objections", object{"reason": "subject-asked", "evidence": "spoken-and-noted"})
		},
	} {
		name := somebody(more)
		if got := h.said(name); got != plain {
			t.Errorf("%s can be told:\n%s\nwithout it:\n%s", what, got, plain)
		}
	}
	// The control: told, it is there.
	if got := h.said(somebody(func(name, _, social string) {
		h.impose(social, object{})
		h.attach(asker, askers, social, name)
	})); got == plain {
		t.Error("the comparison finds nothing")
	}
	untold := h.ok("ms-novak", "GET", "/relmgr/v1/tellings?"+why, nil)["acts"].([]any)
	if len(untold) < 3 || untold[0].(object)["risk"] != "risk-to-somebody-else" || untold[0].(object)["review_by"] == nil {
		t.Errorf("those who look at it again see %v", untold)
	}
}

// myself sends a person's own request, and returns the answer.
func (h *hub) myself(person, method, target string, body any) object {
	h.t.Helper()
	a := h.send(h.asMyself(person, method, target, body))
	var said object
	h.must(json.Unmarshal(a.body, &said))
	if a.status >= 300 {
		h.t.Fatalf("%s: %d %s", target, a.status, a.body)
	}
	return said
}

func giving(h *hub, handle string) object {
	return object{"handle": handle, "explicit": true, "audience": object{"partnership": true}, "purposes": []string{"co-ordinate-care"},
		"aspects": []string{"relationship"}, "until": h.until(24 * time.Hour), "wording": "leaflet-3"}
}

// wordGood are the good requests of a person to consent.
func (b *bench) wordGood(handle string) {
	b.t.Helper()
	const who, base = "Ida Moor", "/consent/v1/me/"
	consent := b.myself(who, "POST", base+"consents", giving(b.hub, handle))["consent"].(string)
	block := b.myself(who, "POST", base+"blocks", object{"handle": handle, "reach": "block", "warning": "effect-on-care-1"})["block"].(string)
	exclusion := b.myself(who, "POST", base+"exclusions", object{"handle": handle, "agency": "riverside-police"})["exclusion"].(string)
	proof := b.myProofs(who, "")["consent"].(string)
	say := func(target string, body object) request {
		return bearing(proof, "POST", base+target).saying(string(render(plain(b.t, body))))
	}
	for op, r := range map[string]request{
		"listMyWord":       bearing(proof, "GET", base+"consents"),
		"giveConsent":      say("consents", giving(b.hub, handle)),
		"takeBackConsent":  bearing(proof, "POST", base+"consents/"+consent+"/withdrawal"),
		"hideRelationship": say("blocks", object{"handle": handle, "reach": "creator-only", "warning": "effect-on-care-1"}),
		"showRelationship": bearing(proof, "POST", base+"blocks/"+block+"/withdrawal"),
		"leaveOutAgency":   say("exclusions", object{"handle": handle, "agency": "riverside-police"}),
		"letInAgency":      bearing(proof, "POST", base+"exclusions/"+exclusion+"/withdrawal"),
	} {
		b.good[op] = r
	}
}

// word are things that a person may not say, or not of what is somebody else's.
func (b *bench) word(add func(string, string, request, ...string), theirHandle string) {
	for _, op := range []string{"giveConsent", "hideRelationship", "leaveOutAgency"} {
		add(op+": for somebody else's handle", "not-known", b.but(op, theirHandle, "handle"), theirHandle)
		add(op+": for no handle", "not-known", b.but(op, seedID, "handle"), seedID)
	}
	add("giveConsent: a purpose of no list", "invalid", b.but("giveConsent", marker, "purposes", 0))
	add("giveConsent: for good", "invalid", b.but("giveConsent", "2999-01-01T00:00:00Z", "until"))
	add("leaveOutAgency: one that is none", "invalid", b.but("leaveOutAgency", marker, "agency"))
	for op, other := range map[string]string{"takeBackConsent": b.consent, "showRelationship": b.block, "letInAgency": b.exclusion} {
		r := b.good[op]
		parts := strings.Split(r.target, "/")
		for _, id := range []string{other, seedID} {
			parts[5] = id
			add(op+": somebody else's, or nobody's", "not-known", r.at(strings.Join(parts, "/")), id)
		}
	}
}

// PUB-07, PUB-08, PUB-09, PUB-12: what a person says themself is obeyed from the next
// request on, and can be taken back as easily, whoever recorded it.
func TestWhatAPersonSaysThemselfIsObeyedAtOnce(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	_, consent := h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	h.attach("dr-patel", "gp-riverside", "GP-00042", "Iris Moor")
	code, _ := h.pair("dr-patel", "gp-riverside", "GP-00042")
	h.correlate(asker, askers, "LMN-00042", code)
	known := func() bool { return strings.Contains(string(h.ask("LMN-00042", "").body), `"known":"yes"`) }
	if !known() {
		t.Fatal("there is nothing to hide")
	}
	const who, base = "Iris Moor", "/consent/v1/me/"
	handle := h.ofMine(who, "/relmgr/v1/me/relationships")["relationships"].([]any)[0].(object)["handle"].(string)
	for _, reach := range []string{"block", "creator-only"} {
		block := h.myself(who, "POST", base+"blocks", object{"handle": handle, "reach": reach, "warning": "effect-on-care-1"})["block"].(string)
		if known() {
			t.Errorf("%s hides nothing", reach)
		}
		h.myself(who, "POST", base+"blocks/"+block+"/withdrawal", nil)
		if !known() {
			t.Errorf("%s was taken back, and hides", reach)
		}
	}
	out := h.myself(who, "POST", base+"exclusions", object{"handle": handle, "agency": "riverside-social-care"})["exclusion"].(string)
	if known() {
		t.Error("an agency that was left out is told")
	}
	h.myself(who, "POST", base+"exclusions/"+out+"/withdrawal", nil)
	if !known() {
		t.Error("an agency that was let in again is not told")
	}
	first := h.myself(who, "POST", base+"consents/"+consent+"/withdrawal", nil) // which a practitioner recorded
	if again := h.myself(who, "POST", base+"consents/"+consent+"/withdrawal", nil); fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("withdrawn twice: %v and %v", first, again)
	}
	if known() {
		t.Error("what rested on the consent is told")
	}
	h.myself(who, "POST", base+"consents", giving(h, handle))
	word := h.ofMine(who, base+"consents")
	own := 0
	for _, c := range word["consents"].([]any) {
		if c := c.(object); c["by_myself"] == true {
			own++
		} else if c["consent"] == consent && c["withdrawn"] == nil {
			t.Errorf("%v is not shown as withdrawn", c)
		}
	}
	if own != 1 || len(word["blocks"].([]any)) != 2 || len(word["exclusions"].([]any)) != 1 {
		t.Errorf("the person's word is %v", word)
	}
}

// exported is what `fame my-data` brings together for a person.
func (h *hub) exported(person string) *export.Export {
	h.t.Helper()
	e, err := export.Of(h.t.Context(), export.Duties{Relmgr: h.url, Consent: h.url, Idmgrs: []string{h.url}, Client: h.client}, h.signedIn(person), true, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	h.must(err)
	return e
}

// SUB-01, E2E-17's export: each row that the store has of a person is in their export
// once, less what is concealed from them; of nobody else's there is any. It can be read
// without a script.
func TestAnExportIsWholeAgainstTheStore(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	const who = "Iris Moor"
	handles := []string{}
	known := func(as, column, identifier string) {
		h.attach(as, column, identifier, who)
		handle, _ := h.handle(as, column, identifier)
		handles = append(handles, handle)
	}
	published, _ := h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	known("dr-patel", "gp-riverside", "GP-00042")
	h.impose("LMN-00042", object{})
	known("mr-lindqvist", "social-care", "LMN-00042")
	code, _ := h.pair("dr-patel", "gp-riverside", "GP-00042")
	h.correlate(asker, askers, "LMN-00042", code)
	for range 101 { // more than a page
		h.ask("LMN-00042", "")
	}
	h.status(published, "suspend")
	h.block("dr-patel", "gp-riverside", "GP-00042", "block")
	h.exclude("dr-patel", "gp-riverside", "GP-00042", "riverside-police")
	mine := h.ofMine(who, "/relmgr/v1/me/relationships")["relationships"].([]any)[0].(object)["handle"].(string)
	h.myself(who, "POST", "/relmgr/v1/me/complaints", object{"handle": mine, "topic": "sharing"})
	h.myself(who, "POST", "/consent/v1/me/consents", giving(h, mine))
	_, proof := h.handle("dr-patel", "gp-riverside", "GP-00042")
	h.ok("dr-patel", "POST", "/consent/v1/consents", object{ // PUB-11: how it was understood is shown
		"proof": proof, "explicit": true, "audience": object{"partnership": true}, "purposes": []string{"co-ordinate-care"}, "aspects": []string{"relationship"},
		"until": h.until(time.Hour), "evidence": "signed-form", "wording": "leaflet-3", "understanding": "advocate"})
	// What is concealed is in the store, and not of the export.
	h.impose("LMN-00043", object{"not_told": object{"risk": "prejudice-to-an-inquiry", "review_by": h.until(time.Hour)}})
	h.attach("mr-lindqvist", "social-care", "LMN-00043", who)
	h.ask("LMN-00043", "")
	h.publish("dr-patel", "gp-riverside", "GP-00099", agreed{}) // somebody else

	e := h.exported(who)
	for what, c := range map[string]struct {
		query string
		got   int
	}{
		"relationships": {"select count(*) from relmgr.handles where handle_id = any($1)", len(e.Relationships)},
		"enquiries": {`select count(*) from relmgr.enquiries e where handle_id = any($1)
			or exists (select from relmgr.disclosures d where d.enquiry_id = e.enquiry_id and d.handle_id = any($1))`, len(e.Enquiries)},
		"acts":       {"select count(distinct act_id) from relmgr.act_handles where handle_id = any($1)", len(e.Acts)},
		"decisions":  {"select count(*) from relmgr.decisions where handle_id = any($1)", len(e.Decisions)},
		"complaints": {"select count(*) from relmgr.complaints where handle_id = any($1)", len(e.Complaints)},
		"consents":   {"select count(*) from consent.consents where handle_id = any($1)", len(e.Consents)},
		"exclusions": {"select count(*) from consent.exclusions where handle_id = any($1)", len(e.Exclusions)},
		"blocks":     {"select count(*) from consent.blocks where handle_id = any($1)", len(e.Blocks)},
	} {
		var want int
		h.must(h.admin.QueryRow(c.query, pq.Array(handles)).Scan(&want))
		if c.got != want || want == 0 {
			t.Errorf("%d %s are exported, and the store has %d", c.got, what, want)
		}
	}
	if !slices.ContainsFunc(e.Consents, func(c consentoas.MyConsent) bool { return c.Understanding.Value == "advocate" }) {
		t.Error("how a consent was understood is not in the export")
	}
	var js, html strings.Builder
	h.must(e.WriteJSON(&js))
	h.must(e.WriteHTML(&html))
	for _, text := range []string{js.String(), html.String()} {
		if strings.Contains(text, "prejudice-to-an-inquiry") || strings.Contains(text, "GP-00042") {
			t.Error("the export has what is concealed, or an identifier that is the agency's to open")
		}
	}
	if !strings.Contains(html.String(), "Riverside Surgery") || !strings.Contains(html.String(), "advocate") || strings.Contains(html.String(), "<script") || !json.Valid([]byte(js.String())) {
		t.Errorf("the page to read is %.300s", html.String())
	}
}

// E2E-21, LEG-34, SUB-13: what is asked about a carer for a child's sake is about the
// carer: an enquiry and a decision of their own, on their own row. It is in the carer's
// export and changes no byte of the child's.
func TestE2E21WhatIsAskedAboutACarerIsNotOfTheChild(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	h.attach("dr-patel", "gp-riverside", "GP-00042", "Child Moor")
	related(h, "LMN-00043", "GP-00043", agreed{}) // the carer, whom the surgery sees as well
	h.attach("dr-patel", "gp-riverside", "GP-00043", "Carer Moor")
	js := func(who string) string {
		var b strings.Builder
		h.must(h.exported(who).WriteJSON(&b))
		return b.String()
	}
	child, carer := js("Child Moor"), js("Carer Moor")
	q := toAsk(asked{social: "LMN-00043"}, object{"concerning": "adult", "case": "2026/0412"})
	if a := h.ok(asker, "POST", "/relmgr/v1/enquiries", q); a["known"] != "yes" {
		t.Fatalf("the carer's surgery was not told of: %v", a)
	}
	if js("Child Moor") != child {
		t.Error("the child's export says that somebody asked about the carer")
	}
	if now := js("Carer Moor"); now == carer || !strings.Contains(now, `"concerning": "adult"`) {
		t.Error("the carer's export does not say that somebody asked about them")
	}
}

// IDM-07, SUB-01: a person sees the private links that stand on their own word, from
// either of their handles; nobody else does, and the rest of their answers say nothing
// of one.
func TestAPersonSeesThePrivateLinksTheyTakePartIn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.publish("dr-patel", "gp-riverside", "GP-73980", agreed{})
	b.attach("dr-patel", "gp-riverside", "GP-73980", "Ada Moor")
	b.publish("dr-patel", "gp-riverside", "GP-73981", agreed{})
	b.attach("dr-patel", "gp-riverside", "GP-73981", "Ove Moor")
	before := b.said("Ada Moor")
	body := b.linking()
	body["proof"] = b.ok("dr-patel", "POST", "/relmgr/v1/handles", object{"column": "gp-riverside", "identifier": "GP-73980"})["proofs"].(object)["idmgr"]
	link := b.ok("dr-patel", "POST", "/idmgr/v1/links", body)["link"].(string)
	list := b.ofMine("Ada Moor", "/idmgr/v1/me/links")["links"].([]any)
	if len(list) != 1 || list[0].(object)["link"] != link || list[0].(object)["side"] != "opened" || list[0].(object)["state"] != "waiting" {
		t.Errorf("the person sees %v, want link %s", list, link)
	}
	if e := b.exported("Ada Moor"); len(e.Links) != 1 {
		t.Errorf("%d links are exported", len(e.Links))
	}
	if list := b.ofMine("Ove Moor", "/idmgr/v1/me/links")["links"].([]any); len(list) != 0 {
		t.Errorf("somebody else sees %v", list)
	}
	if b.said("Ada Moor") != before {
		t.Error("relmgr's answers say that there is a private link")
	}
}
