package edgetest_test

import (
	"strings"
	"time"
)

// linking is what dr-patel sends to open a link to social care.
func (b *bench) linking() object {
	b.t.Helper()
	d := b.decision("gp-riverside", agreed{}, b.consent)
	for _, member := range []string{"purposes", "aspects", "audience", "until", "consents"} {
		delete(d, member)
	}
	d["ground"] = "explicit-consent"
	return object{
		"proof": b.idmgrProof, "to": "social-care", "contact": "desk", "purpose": "co-ordinate-care", "aspects": []string{"relationship"},
		"until": b.until(30 * 24 * time.Hour), "uses": 500, "decision": d,
		"agreed": object{"evidence": "spoken-and-noted", "wording": "leaflet-3", "competent": true},
	}
}

// linkGood makes a link of two parties, and the good requests about it.
func (b *bench) linkGood() {
	b.t.Helper()
	b.socialProof = b.ok("mr-lindqvist", "POST", "/relmgr/v1/handles", object{"column": "social-care", "identifier": "LMN-00048"})["proofs"].(object)["idmgr"].(string)
	open := func() object { return b.ok("dr-patel", "POST", "/idmgr/v1/links", b.linking()) }
	accept := func(code any) object {
		return object{"proof": b.socialProof, "code": code, "reason": "working-with-person"}
	}
	linked := func() string {
		o := open()
		b.ok("mr-lindqvist", "POST", "/idmgr/v1/acceptances", accept(o["code"]))
		return o["link"].(string)
	}
	b.link = linked()
	b.linkCode = open()["code"].(string)
	for op, r := range map[string]request{
		"openLink":       {as: "dr-patel", target: "/idmgr/v1/links", body: render(plain(b.t, b.linking()))},
		"listLinks":      {as: "dr-patel", target: "/idmgr/v1/links?column=gp-riverside"},
		"acceptLink":     {as: "mr-lindqvist", target: "/idmgr/v1/acceptances", body: render(accept(b.linkCode))},
		"renewLink":      {as: "dr-patel", target: "/idmgr/v1/links/" + b.link + "/renewal", body: render(plain(b.t, b.linking()))},
		"endLink":        {as: "dr-patel", target: "/idmgr/v1/links/" + linked() + "/end", body: render(object{"reason": "work-ended"})},
		"askThroughLink": {as: "mr-lindqvist", target: "/idmgr/v1/enquiries", body: render(object{"link": b.link, "proof": b.socialProof, "purpose": "co-ordinate-care", "reason": "working-with-person"})},
	} {
		b.good[op] = r
	}
}

// links are what is no link, and what is not the caller's.
func (b *bench) links(add func(string, string, request, ...string)) (recorded []row) {
	record := func(name, kind string, r request, marks ...string) {
		recorded = append(recorded, row{name: name, request: r, kind: kind, marks: marks, writes: []string{"idmgr.content_keys +1", "idmgr.records +1", "ledger.pending +1"}})
	}
	for _, op := range []string{"openLink", "acceptLink", "renewLink", "askThroughLink"} {
		for name, proof := range map[string]string{
			"somebody else's": b.schoolProof, "for another duty": b.gpProof, "made up": strings.Repeat(marker+".", 2) + strings.Repeat(marker, 12),
		} {
			add(op+": a proof that is "+name, "invalid", b.but(op, proof, "proof"), proof)
		}
	}
	for _, op := range []string{"openLink", "renewLink"} {
		for _, p := range [][]any{{"to"}, {"contact"}, {"purpose"}, {"aspects", 0}, {"decision", "agreement"}, {"decision", "power"}} {
			add(op+": a code of no list", "invalid", b.but(op, marker, p...))
		}
		add(op+": to oneself", "invalid", b.but(op, "gp-riverside", "to"))
		add(op+": without an end to come", "invalid", b.but(op, "2020-01-01T00:00:00Z", "until"))
		add(op+": without an end in sight", "invalid", b.but(op, "2099-01-01T00:00:00Z", "until"))
		add(op+": on consent without the person's word", "invalid", b.but(op, gone, "agreed"))
		add(op+": on the word of somebody who cannot decide", "invalid", b.but(op, false, "agreed", "competent"))
		add(op+": on another ground with the person's word", "invalid", b.but(op, "public-interest", "decision", "ground"))
		record(op+": that is not necessary", "decision-refused", b.but(op, false, "decision", "proportionality", "necessary"))
	}
	for _, op := range []string{"acceptLink", "endLink", "askThroughLink"} {
		add(op+": a reason of no list", "invalid", b.but(op, marker, "reason"))
	}
	for _, code := range []string{"000 000 00", "AAAAAAAAB", "UUUUUUUUU"} {
		add("acceptLink: a code misheard", "invalid", b.but("acceptLink", code, "code"), code)
	}
	add("acceptLink: a code that nobody has opened", "invalid", b.but("acceptLink", "000000000", "code"), "000000000")
	add("askThroughLink: a purpose of no list", "invalid", b.but("askThroughLink", marker, "purpose"))
	record("askThroughLink: for a purpose that it was not made for", "forbidden", b.but("askThroughLink", "safeguarding", "purpose"))
	record("askThroughLink: a link that is none", "not-known", b.but("askThroughLink", seedID, "link"), seedID)
	add("endLink: a link that is none", "not-known", b.good["endLink"].at("/idmgr/v1/links/"+seedID+"/end"))
	add("renewLink: a link that is none", "not-known", b.good["renewLink"].at("/idmgr/v1/links/"+seedID+"/renewal"))
	add("endLink: somebody else's", "not-known", b.as("endLink", "ms-okafor"))
	add("listLinks: of a column of somebody else's", "forbidden", b.as("listLinks", "ms-okafor"))
	add("listLinks: of no column", "forbidden", b.good["listLinks"].at("/idmgr/v1/links?column="+marker))
	return recorded
}
