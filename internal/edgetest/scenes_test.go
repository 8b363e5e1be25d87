package edgetest_test

import (
	"slices"
	"testing"
	"time"
)

// scene is one reason for which an asker is told nothing. It prepares the index
// around social care's identifier. A later way to hide is one scene more.
type scene struct {
	name string
	// own is what the asker's agency itself knows of what was done: one of
	// histories, empty for nothing. What is hidden must look like somebody with
	// this history whom nobody else has published.
	own string
	// prepare makes what is to be hidden, and returns what hides it: nil where
	// what was made is hidden from the start. In between there is something to
	// tell, and the test asks.
	prepare func(h *hub, social, gp string) (hide func())
	// together hides everybody of the scene at once, and returns what ends that.
	together    func(h *hub) (undo func())
	transaction string // asked for, where the scene is about one
	// silent says that the other side can do nothing any more.
	silent bool
	// asks says that the asker asks once more than of somebody absent.
	asks bool
	// leftOut says that the subject leaves the asker's agency out of the whole row.
	leftOut bool
	// known says that there is something to tell, emergency that there is in an
	// emergency: the oracle must see it.
	known, emergency bool
	// found says that only what joins the two is hidden: by a recognition the other
	// side is found all the same.
	found bool
	// over says that what there was to tell has ended and is not hidden: an
	// earlier date tells it (design.md section 11).
	over bool
}

// related publishes the surgery's relationship and correlates it with social
// care's identifier. It returns what a scene may take back.
func related(h *hub, social, gp string, a agreed) (published, publishedOn, correlated, correlatedOn string) {
	published, publishedOn = h.publish("dr-patel", "gp-riverside", gp, a)
	correlated, correlatedOn = joined(h, social, gp)
	return published, publishedOn, correlated, correlatedOn
}

func joined(h *hub, social, gp string) (correlated, correlatedOn string) {
	code, _ := h.pair("dr-patel", "gp-riverside", gp)
	return h.correlate("mr-lindqvist", "social-care", social, code)
}

func (h *hub) withdrawConsent(as, consent string) {
	h.t.Helper()
	h.ok(as, "POST", "/consent/v1/consents/"+consent+"/withdrawal", object{"evidence": "spoken-and-noted"})
}

func (h *hub) withdrawAct(as, act string) {
	h.t.Helper()
	h.ok(as, "POST", "/relmgr/v1/acts/"+act+"/withdrawal", object{"reason": "work-ended"})
}

func (h *hub) separate(correlated string) {
	h.t.Helper()
	h.ok("mr-lindqvist", "POST", "/relmgr/v1/separations", object{"correlations": []string{correlated}, "reason": "not-the-same-person"})
}

func (h *hub) keepApart(social, gp string) {
	h.t.Helper()
	code, _ := h.pair("dr-patel", "gp-riverside", gp)
	h.ok("mr-lindqvist", "POST", "/relmgr/v1/keep-aparts", object{"column": "social-care", "identifier": social, "pairing": code, "reason": "subject-asked"})
}

func (h *hub) status(published, status string) {
	h.t.Helper()
	h.ok("dr-patel", "POST", "/relmgr/v1/relationships/"+published+"/status", object{"status": status, "reason": "work-ended"})
}

func (h *hub) joint(social, gp string) {
	h.t.Helper()
	code, _ := h.pair("dr-patel", "gp-riverside", gp)
	c := h.correlation("social-care", social, code, h.consent("mr-lindqvist", "social-care", social, agreed{}))
	c["mode"] = "joint"
	h.ok("mr-lindqvist", "POST", "/relmgr/v1/correlations", c)
}

// change changes the partnership document, and returns what takes it back.
func (h *hub) change(edit func(document object)) (undo func()) {
	h.t.Helper()
	read := func() object {
		return h.ok("gov-ellis", "GET", "/governance/v1/partnership", nil)["document"].(object)
	}
	was, now := read(), read()
	edit(now)
	h.ok("gov-ellis", "PUT", "/governance/v1/partnership", now)
	return func() { h.ok("gov-ellis", "PUT", "/governance/v1/partnership", was) }
}

// destroySurgery closes the surgery's column and has all that it holds returned
// and destroyed. It returns what opens it again, with nothing in it.
func (h *hub) destroySurgery() (reopen func()) {
	h.t.Helper()
	reopen = h.change(func(document object) {
		entry(h.t, document, "columns", "id", "gp-riverside")["closes"] = h.until(-time.Second)
	})
	body := object{"reason": "work-ended"}
	for {
		next, more := h.ok("dr-brandt", "POST", "/relmgr/v1/columns/gp-riverside/export", body)["next"]
		if !more {
			break
		}
		body["cursor"] = next
	}
	h.ok("dr-brandt", "POST", "/relmgr/v1/columns/gp-riverside/destruction", object{"reason": "work-ended"})
	return reopen
}

// entry is the entry of a list of the document that has a value in a member.
func entry(t testing.TB, document object, list, by, value string) object {
	t.Helper()
	e := entryOf(document, list, by, value)
	if e == nil {
		t.Fatalf("%s has no %s", list, value)
	}
	return e
}

func entryOf(document object, list, by, value string) object {
	for _, item := range document[list].([]any) {
		if e := item.(object); e[by] == value {
			return e
		}
	}
	return nil
}

// joinedBySchool has the school bring its own identifier together with social
// care's, which publishes nothing.
func (h *hub) joinedBySchool(social, gp string) {
	h.t.Helper()
	code, _ := h.pair("mr-lindqvist", "social-care", social)
	h.correlate("mrs-hale", "school-pastoral", schoolOf(gp), code)
}

func schoolOf(gp string) string { return "S9" + gp[len(gp)-5:] }

// histories are what the asker's agency may have done, or been shown, about
// somebody whom no other agency has published.
var histories = map[string]func(h *hub, social, gp string){
	"":       func(*hub, string, string) {},
	"joined": func(h *hub, social, gp string) { joined(h, social, gp) },
	"joined, on a consent that is gone": func(h *hub, social, gp string) {
		_, consent := joined(h, social, gp)
		h.withdrawConsent("mr-lindqvist", consent)
	},
	"joined, and withdrawn": func(h *hub, social, gp string) {
		correlated, _ := joined(h, social, gp)
		h.withdrawAct("mr-lindqvist", correlated)
	},
	"joined, and separated": func(h *hub, social, gp string) {
		correlated, _ := joined(h, social, gp)
		h.separate(correlated)
	},
	"joined, and withdrawn by the other side": func(h *hub, social, gp string) {
		joined(h, social, gp)
		h.withdrawAct("dr-brandt", h.act("dr-brandt", "gp-riverside", gp, "correlate"))
	},
	"joined, and disputed": func(h *hub, social, gp string) {
		joined(h, social, gp)
		h.dispute("mr-lindqvist", "social-care", social)
	},
	"joined, and kept apart": func(h *hub, social, gp string) {
		joined(h, social, gp)
		h.keepApart(social, gp)
	},
	"kept apart, and joined": func(h *hub, social, gp string) {
		h.keepApart(social, gp)
		joined(h, social, gp)
	},
	"joined by the school, and joined": func(h *hub, social, gp string) {
		h.joinedBySchool(social, gp)
		joined(h, social, gp)
	},
	"joint": func(h *hub, social, gp string) { h.joint(social, gp) },
	"joined with two": func(h *hub, social, gp string) {
		joined(h, social, gp)
		code, _ := h.pair("ms-okafor", "school-pastoral", schoolOf(gp))
		h.correlate("mr-lindqvist", "social-care", social, code)
	},
}

var scenes = []scene{
	{name: "an identifier never seen", prepare: func(*hub, string, string) func() { return nil }},
	{name: "a handle that nothing is correlated with", prepare: func(h *hub, social, _ string) func() {
		h.handle("mr-lindqvist", "social-care", social)
		return nil
	}},
	{name: "asked about before", asks: true, prepare: func(h *hub, social, _ string) func() {
		h.ask(social, "")
		return nil
	}},
	{name: "the other side's relationship published, and not correlated", found: true, prepare: func(h *hub, social, gp string) func() {
		h.handle("mr-lindqvist", "social-care", social)
		h.publish("dr-patel", "gp-riverside", gp, agreed{})
		return nil
	}},
	{name: "the other side on a row with others", found: true, prepare: func(h *hub, _, gp string) func() {
		h.publish("ms-okafor", "school-pastoral", schoolOf(gp), agreed{})
		code, _ := h.pair("ms-okafor", "school-pastoral", schoolOf(gp))
		h.correlate("dr-brandt", "gp-riverside", gp, code)
		return nil
	}},
	{name: "correlated, and nothing published", own: "joined", prepare: func(h *hub, social, gp string) func() {
		joined(h, social, gp)
		return nil
	}},
	{name: "the consent of the other side's publication withdrawn", own: "joined", prepare: func(h *hub, social, gp string) func() {
		_, consent, _, _ := related(h, social, gp, agreed{})
		return func() { h.withdrawConsent("dr-patel", consent) }
	}},
	{name: "the consent of the other side's pairing withdrawn", found: true, own: "joined", prepare: func(h *hub, social, gp string) func() {
		h.publish("dr-patel", "gp-riverside", gp, agreed{})
		code, consent := h.pair("dr-patel", "gp-riverside", gp)
		h.correlate("mr-lindqvist", "social-care", social, code)
		return func() { h.withdrawConsent("dr-patel", consent) }
	}},
	{name: "the consent of one's own correlation withdrawn", found: true, own: "joined, on a consent that is gone", prepare: func(h *hub, social, gp string) func() {
		_, _, _, consent := related(h, social, gp, agreed{})
		return func() { h.withdrawConsent("mr-lindqvist", consent) }
	}},
	{name: "the other side's publication withdrawn", over: true, own: "joined", prepare: func(h *hub, social, gp string) func() {
		published, _, _, _ := related(h, social, gp, agreed{})
		return func() { h.withdrawAct("dr-patel", published) }
	}},
	{name: "the other side's publication withdrawn, restored and withdrawn", over: true, own: "joined", prepare: func(h *hub, social, gp string) func() {
		published, _, _, _ := related(h, social, gp, agreed{})
		h.withdrawAct("dr-patel", published)
		h.withdrawAct("dr-patel", h.act("dr-patel", "gp-riverside", gp, "withdraw"))
		return func() { h.withdrawAct("dr-patel", published) }
	}},
	{name: "the asker's agency excluded, at the other side", leftOut: true, own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.exclude("dr-patel", "gp-riverside", gp, "riverside-social-care") }
	}},
	{name: "the other agency excluded, at the asker's side", own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.exclude("mr-lindqvist", "social-care", social, "riverside-gp") }
	}},
	{name: "an audience of another agency", own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{audience: object{"agencies": []string{"hillside-school"}}})
		return nil
	}},
	{name: "an audience of another column", own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{audience: object{"columns": []string{"early-help"}}})
		return nil
	}},
	{name: "the correlation withdrawn by its maker", found: true, over: true, own: "joined, and withdrawn", prepare: func(h *hub, social, gp string) func() {
		_, _, correlated, _ := related(h, social, gp, agreed{})
		return func() { h.withdrawAct("mr-lindqvist", correlated) }
	}},
	{name: "the correlation withdrawn by the other side", found: true, over: true, own: "joined, and withdrawn by the other side", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.withdrawAct("dr-brandt", h.act("dr-brandt", "gp-riverside", gp, "correlate")) }
	}},
	{name: "separated", found: true, own: "joined, and separated", prepare: func(h *hub, social, gp string) func() {
		_, _, correlated, _ := related(h, social, gp, agreed{})
		return func() { h.separate(correlated) }
	}},
	{name: "published for another purpose", own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{purpose: "safeguarding"})
		return nil
	}},
	{name: "the standing decision lapsed", over: true, own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{life: time.Minute})
		return func() { h.clock.pass(2 * time.Minute) }
	}},
	{name: "the other side's review date passed", over: true, own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{review: time.Minute})
		return func() { h.clock.pass(2 * time.Minute) }
	}},
	{name: "an override that has told the asker once", asks: true, own: "joined", together: func(h *hub) func() {
		h.clock.pass(61 * time.Minute)
		return func() {}
	}, prepare: func(h *hub, social, gp string) func() {
		h.override(gp)
		joined(h, social, gp)
		return func() { h.ask(social, "") }
	}},
	{name: "an override found not justified", own: "joined", prepare: func(h *hub, social, gp string) func() {
		act := h.override(gp)
		joined(h, social, gp)
		return func() {
			h.ok("guardian-lowe", "POST", "/relmgr/v1/decisions/"+act+"/review", object{"outcome": "not-justified", "reason": "risk-of-harm"})
		}
	}},
	{name: "a transaction that nobody offers", own: "joined", transaction: "hospital-discharge", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return nil
	}},
	{name: "two other columns on the row, both hidden", over: true, own: "joined with two", prepare: func(h *hub, social, gp string) func() {
		_, consent, _, _ := related(h, social, gp, agreed{})
		published, _ := h.publish("ms-okafor", "school-pastoral", schoolOf(gp), agreed{})
		code, _ := h.pair("ms-okafor", "school-pastoral", schoolOf(gp))
		h.correlate("mr-lindqvist", "social-care", social, code)
		return func() {
			h.withdrawConsent("dr-patel", consent)
			h.withdrawAct("ms-okafor", published)
		}
	}},
	{name: "blocked by the person", own: "joined", emergency: true, prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.block("dr-patel", "gp-riverside", gp, "block") }
	}},
	{name: "creator-only", own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.block("dr-patel", "gp-riverside", gp, "creator-only") }
	}},
	{name: "blocked and creator-only", own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() {
			h.block("dr-patel", "gp-riverside", gp, "block")
			h.block("dr-patel", "gp-riverside", gp, "creator-only")
		}
	}},
	{name: "disputed by the asker's side", found: true, own: "joined, and disputed", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.dispute("mr-lindqvist", "social-care", social) }
	}},
	{name: "disputed by the other side", found: true, own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.dispute("dr-patel", "gp-riverside", gp) }
	}},
	{name: "suspended by the other side", over: true, own: "joined", prepare: func(h *hub, social, gp string) func() {
		published, _, _, _ := related(h, social, gp, agreed{})
		return func() { h.status(published, "suspend") }
	}},
	{name: "ended by the other side", over: true, own: "joined", prepare: func(h *hub, social, gp string) func() {
		published, _, _, _ := related(h, social, gp, agreed{})
		return func() { h.status(published, "end") }
	}},
	{name: "asked in error, says the other side", own: "joined", prepare: func(h *hub, social, gp string) func() {
		published, _, _, _ := related(h, social, gp, agreed{})
		return func() { h.status(published, "asked-in-error") }
	}},
	{name: "erased by the other side", own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.erase("dr-brandt", "gp-riverside", gp) }
	}},
	{name: "kept apart, and the correlation barred", found: true, own: "kept apart, and joined", prepare: func(h *hub, social, gp string) func() {
		h.publish("dr-patel", "gp-riverside", gp, agreed{})
		h.keepApart(social, gp)
		joined(h, social, gp)
		return nil
	}},
	{name: "kept apart by others, and the correlation barred", found: true, own: "joined by the school, and joined", prepare: func(h *hub, social, gp string) func() {
		h.publish("dr-patel", "gp-riverside", gp, agreed{})
		h.joinedBySchool(social, gp)
		code, _ := h.pair("ms-okafor", "school-pastoral", schoolOf(gp))
		h.ok("dr-brandt", "POST", "/relmgr/v1/keep-aparts", object{"column": "gp-riverside", "identifier": gp, "pairing": code, "reason": "subject-asked"})
		joined(h, social, gp)
		return nil
	}},
	{name: "kept apart on one row", own: "joined, and kept apart", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.keepApart(social, gp) }
	}},
	{name: "joint, and not confirmed", found: true, own: "joint", prepare: func(h *hub, social, gp string) func() {
		h.publish("dr-patel", "gp-riverside", gp, agreed{})
		h.joint(social, gp)
		return nil
	}},
	{name: "the other side's column closed", own: "joined", silent: true, together: func(h *hub) func() {
		return h.change(func(document object) {
			entry(h.t, document, "columns", "id", "gp-riverside")["closes"] = h.until(-time.Second)
		})
	}, prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() {}
	}},
	{name: "the agreement without the power of the other side's publication", own: "joined", together: func(h *hub) func() {
		return h.change(func(document object) {
			agreement := entry(h.t, document, "agreements", "code", "riverside-children")
			agreement["powers"] = slices.DeleteFunc(agreement["powers"].([]any), func(p any) bool { return p == "nhs-act-2006-s83" })
		})
	}, prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{power: "nhs-act-2006-s83"})
		return func() {}
	}},
	{name: "the other side's column made sensitive, for which nobody here has a condition", own: "joined", silent: true, together: func(h *hub) func() {
		return h.change(func(document object) {
			entry(h.t, document, "columns", "id", "gp-riverside")["sensitive"] = true
			delete(entry(h.t, document, "agreements", "code", "riverside-children")["receiving"].(object), "sensitive")
		})
	}, prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() {}
	}},
	{name: "CONTROL: somebody is known", own: "joined", known: true, prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return nil
	}},
}

// scenesOfColumns change whole columns, so that they have a hub to themselves.
var scenesOfColumns = []scene{
	{name: "moved to another column, and blocked there", own: "joined", emergency: true, prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() {
			h.ok("dr-patel", "POST", "/relmgr/v1/caseloads", object{
				"from": "gp-riverside", "to": "gp-patel", "reason": "work-ended", "relationships": []object{{"identifier": gp, "as": "PT" + gp[len(gp)-4:]}}})
			h.block("dr-patel", "gp-patel", "PT"+gp[len(gp)-4:], "block")
		}
	}},
	{name: "moved to a column whose person hides it from everybody", own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() {
			h.block("dr-patel", "gp-riverside", gp, "creator-only")
			h.ok("dr-patel", "POST", "/relmgr/v1/caseloads", object{
				"from": "gp-riverside", "to": "gp-patel", "reason": "work-ended", "relationships": []object{{"identifier": gp, "as": "PT" + gp[len(gp)-4:]}}})
		}
	}},
	{name: "the other side's column destroyed", own: "joined", silent: true, together: func(h *hub) func() { return h.destroySurgery() },
		prepare: func(h *hub, social, gp string) func() {
			related(h, social, gp, agreed{})
			return func() {}
		}},
	{name: "the other side's column destroyed, and opened again", own: "joined", together: func(h *hub) func() {
		h.destroySurgery()()
		return func() {}
	}, prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() {}
	}},
}
