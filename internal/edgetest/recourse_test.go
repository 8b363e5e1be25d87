package edgetest_test

import (
	"time"
)

// withRecourse has both sides of Riverside's agreement rely on managers of their own.
func withRecourse(doc map[string]any) {
	withClosedColumn(doc)
	entryOf(doc, "agreements", "code", "riverside-children")["trust"] = object{"model": "four-cornered"}
}

// rulesOf are a manager's: one that grants to social care, and one that withholds from it.
func (h *hub) rulesOf(authority string) object {
	return object{"reason": "working-with-person", "rules": []object{
		{"rule": "tell-social-care", "effect": "grant", "audience": object{"columns": []string{"social-care"}}, "purposes": []string{"co-ordinate-care"},
			"reasons": []string{}, "authority": authority, "until": h.until(300 * 24 * time.Hour)},
		{"rule": "keep-from-social-care", "effect": "withhold", "audience": object{"agencies": []string{"riverside-social-care"}}, "purposes": []string{},
			"reasons": []string{"working-with-person"}, "authority": authority, "until": h.until(300 * 24 * time.Hour)},
	}}
}

// live drafts rules and has them go live.
func (h *hub) live(as string, rules object) {
	h.t.Helper()
	v := h.ok(as, "POST", "/idmgr/v1/rules", rules)["version"]
	h.ok(as, "POST", "/idmgr/v1/rules/"+text(v)+"/activation", object{"reason": "working-with-person"})
}

// granting is what the surgery sends to grant what a rule says, for the proof's handle.
func (h *hub) granting(proof string) object {
	d := h.decision("gp-riverside", agreed{}, "")
	for _, member := range []string{"purposes", "aspects", "audience", "until", "consents"} {
		delete(d, member)
	}
	d["ground"] = "explicit-consent"
	return object{
		"proof": proof, "rule": "tell-social-care", "aspects": []string{"relationship"}, "until": h.until(30 * 24 * time.Hour), "decision": d,
		"agreed": object{"evidence": "spoken-and-noted", "wording": "leaflet-3", "competent": true},
	}
}

func (h *hub) withholding(proof string) object {
	return object{"proof": proof, "rule": "keep-from-social-care", "until": h.until(30 * 24 * time.Hour), "reason": "working-with-person"}
}

// managersProof is relmgr's, for idmgr, that somebody brings a handle.
func (h *hub) managersProof(as, column, identifier string) string {
	h.t.Helper()
	return h.ok(as, "POST", "/relmgr/v1/handles", object{"column": column, "identifier": identifier})["proofs"].(object)["idmgr"].(string)
}

// caseOf opens the case of a joint correlation that the surgery takes back before it
// has confirmed it, and returns what an agency calls it.
func (h *hub) caseOf(social, gp, as string) string {
	h.t.Helper()
	h.publish("dr-patel", "gp-riverside", gp, agreed{})
	h.joint(social, gp)
	h.withdrawAct("dr-brandt", h.act("dr-brandt", "gp-riverside", gp, "correlate"))
	var newest object
	for _, c := range h.ok(as, "GET", "/idmgr/v1/cases", nil)["cases"].([]any) {
		if c := c.(object); c["state"] == "waiting" && (newest == nil || c["opened"].(string) >= newest["opened"].(string)) {
			newest = c
		}
	}
	if newest == nil {
		h.t.Fatalf("%s sees no case", as)
	}
	return newest["case"].(string)
}

func text(v any) string { return string(render(v)) }

// recourseGood makes rules, effects and cases, and the good requests about them.
func (b *bench) recourseGood() {
	b.t.Helper()
	b.live("ms-novak", b.rulesOf("policy"))
	grant := b.ok("dr-patel", "POST", "/idmgr/v1/grants", b.granting(b.idmgrProof))["effect"].(string)
	withholding := b.ok("dr-patel", "POST", "/idmgr/v1/withholdings", b.withholding(b.idmgrProof))["effect"].(string)
	b.ok("dr-patel", "POST", "/idmgr/v1/grants", b.granting(b.idmgrProof))
	b.ok("dr-patel", "POST", "/idmgr/v1/withholdings", b.withholding(b.idmgrProof))
	draft := text(b.ok("ms-novak", "POST", "/idmgr/v1/rules", b.rulesOf("policy"))["version"])
	b.recourse = b.caseOf("LMN-73961", "GP-73961", "adj-amin")
	b.adjudged = b.caseOf("LMN-73962", "GP-73962", "adj-amin")
	b.ok("adj-amin", "POST", "/idmgr/v1/cases/"+b.adjudged+"/rulings", object{"outcome": "dismissed", "reason": "same-person-found"})
	for _, c := range b.ok("dr-patel", "GET", "/idmgr/v1/cases", nil)["cases"].([]any) {
		switch c := c.(object); c["state"] {
		case "ruled":
			b.ruledOn = c["case"].(string)
		case "waiting":
			b.unruled = c["case"].(string)
		}
	}
	reason := render(object{"reason": "work-ended"})
	for op, r := range map[string]request{
		"draftRules":          {as: "ms-novak", target: "/idmgr/v1/rules", body: render(plain(b.t, b.rulesOf("policy")))},
		"listRules":           {as: "ms-okafor", target: "/idmgr/v1/rules"},
		"activateRules":       {as: "ms-novak", target: "/idmgr/v1/rules/" + draft + "/activation", body: reason},
		"grantAccess":         {as: "dr-patel", target: "/idmgr/v1/grants", body: render(plain(b.t, b.granting(b.idmgrProof)))},
		"listGrants":          {as: "dr-patel", target: "/idmgr/v1/grants?column=gp-riverside"},
		"withdrawGrant":       {as: "dr-patel", target: "/idmgr/v1/grants/" + grant + "/withdrawal", body: reason},
		"withholdAccess":      {as: "dr-patel", target: "/idmgr/v1/withholdings", body: render(plain(b.t, b.withholding(b.idmgrProof)))},
		"listWithholdings":    {as: "dr-patel", target: "/idmgr/v1/withholdings?column=gp-riverside"},
		"withdrawWithholding": {as: "dr-patel", target: "/idmgr/v1/withholdings/" + withholding + "/withdrawal", body: reason},
		"listCases":           {as: "adj-amin", target: "/idmgr/v1/cases"},
		"ruleOnCase":          {as: "adj-amin", target: "/idmgr/v1/cases/" + b.recourse + "/rulings", body: render(object{"outcome": "upheld", "reason": "same-person-found"})},
		"appealCase":          {as: "dr-patel", target: "/idmgr/v1/cases/" + b.ruledOn + "/appeals", body: render(object{"reason": "subject-asked"})},
	} {
		b.good[op] = r
	}
}

// recourses are rules that cannot be kept, effects under none, and rulings and appeals
// by those who may not.
func (b *bench) recourses(add func(string, string, request, ...string)) (recorded []row) {
	for _, op := range []string{"grantAccess", "withholdAccess"} {
		for name, proof := range map[string]string{"somebody else's": b.schoolProof, "for another duty": b.gpProof} {
			add(op+": a proof that is "+name, "invalid", b.but(op, proof, "proof"), proof)
		}
		add(op+": under no rule", "invalid", b.but(op, marker, "rule"))
		add(op+": without an end to come", "invalid", b.but(op, "2020-01-01T00:00:00Z", "until"))
		add(op+": without an end in sight", "invalid", b.but(op, "2099-01-01T00:00:00Z", "until"))
		add(op+": with evidence of an instruction that nobody gave a service", "invalid", b.but(op, "signed-form", "evidence"))
	}
	add("grantAccess: under a rule that withholds", "invalid", b.but("grantAccess", "keep-from-social-care", "rule"))
	add("withholdAccess: under a rule that grants", "invalid", b.but("withholdAccess", "tell-social-care", "rule"))
	for _, p := range [][]any{{"aspects", 0}, {"decision", "agreement"}, {"decision", "power"}} {
		add("grantAccess: a code of no list", "invalid", b.but("grantAccess", marker, p...))
	}
	add("grantAccess: on consent without the person's word", "invalid", b.but("grantAccess", gone, "agreed"))
	add("grantAccess: under an agreement whose parties rely on each other", "conflict", b.but("grantAccess", "riverside-homeless", "decision", "agreement"))
	recorded = append(recorded, row{name: "grantAccess: that is not necessary", kind: "decision-refused",
		request: b.but("grantAccess", false, "decision", "proportionality", "necessary"),
		writes:  []string{"idmgr.acts +1", "idmgr.content_keys +1", "ledger.pending +1"}})
	for _, op := range []string{"withholdAccess", "withdrawGrant", "withdrawWithholding", "draftRules", "activateRules", "ruleOnCase", "appealCase"} {
		add(op+": a reason of no list", "invalid", b.but(op, marker, "reason"))
	}
	for _, p := range [][]any{{"rules", 0, "audience", "columns", 0}, {"rules", 0, "purposes", 0}, {"rules", 1, "reasons", 0}} {
		add("draftRules: a code of no list", "invalid", b.but("draftRules", marker, p...))
	}
	add("draftRules: two rules of one code", "invalid", b.but("draftRules", "tell-social-care", "rules", 1, "rule"))
	add("draftRules: a rule without an end to come", "invalid", b.but("draftRules", "2020-01-01T00:00:00Z", "rules", 0, "until"))
	add("draftRules: a rule without an end in sight", "invalid", b.but("draftRules", "2099-01-01T00:00:00Z", "rules", 0, "until"))
	for _, op := range []string{"draftRules", "activateRules"} {
		add(op+": by somebody who does not keep the manager", "forbidden", b.as(op, "dr-brandt"))
	}
	add("activateRules: a version that is none", "not-known", b.good["activateRules"].at("/idmgr/v1/rules/999999/activation"))
	add("activateRules: a version that is over", "conflict", b.good["activateRules"].at("/idmgr/v1/rules/1/activation"))
	for _, op := range []string{"withdrawGrant", "withdrawWithholding"} {
		of := map[string]string{"withdrawGrant": "grants", "withdrawWithholding": "withholdings"}[op]
		add(op+": one that is none", "not-known", b.good[op].at("/idmgr/v1/"+of+"/"+seedID+"/withdrawal"))
		add(op+": somebody else's", "not-known", b.as(op, "ms-okafor"))
	}
	add("listGrants: of a column of somebody else's", "forbidden", b.as("listGrants", "ms-okafor"))
	add("listWithholdings: of a column of somebody else's", "forbidden", b.as("listWithholdings", "ms-okafor"))
	add("ruleOnCase: a case that is none", "not-known", b.good["ruleOnCase"].at("/idmgr/v1/cases/"+seedID+"/rulings"))
	add("ruleOnCase: by what another agency calls it", "not-known", b.as("ruleOnCase", "dr-brandt"))
	add("ruleOnCase: by an adjudicator of another level", "forbidden", b.as("ruleOnCase", "adj-costa"))
	add("ruleOnCase: whether a grant holds that is in no case", "invalid", b.but("ruleOnCase", "grant", "outcome"))
	add("ruleOnCase: ruled on before", "conflict", b.as("ruleOnCase", "adj-amin").at("/idmgr/v1/cases/"+b.adjudged+"/rulings"))
	add("appealCase: a case that is none", "not-known", b.good["appealCase"].at("/idmgr/v1/cases/"+seedID+"/appeals"))
	add("appealCase: for the person, of what is about none", "forbidden", b.but("appealCase", "signed-form", "evidence"))
	add("appealCase: before a ruling", "conflict", b.good["appealCase"].at("/idmgr/v1/cases/"+b.unruled+"/appeals"))
	add("enquire: bearing a grant of somebody's making", "forbidden", b.but("enquire", b.schoolProof, "grant"), b.schoolProof)
	return recorded
}
