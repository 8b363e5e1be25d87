package edgetest_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A write that another party's state decides answers alike, whatever that state
// is: status, headers, body and the statements behind it. What it stores differs,
// where nobody outside the database sees it.

// circumstance is a state of the other party that decides what a write comes to.
type circumstance struct {
	name    string
	prepare func(h *hub, social, gp string)
}

// circumstances are of social care's identifier and the surgery's, the first
// being that neither has anything to do with the other.
var circumstances = []circumstance{
	{"nothing between them", func(*hub, string, string) {}},
	{"the other side publishes", func(h *hub, _, gp string) { h.publish("dr-patel", "gp-riverside", gp, agreed{}) }},
	{"correlated already, and known", func(h *hub, social, gp string) { related(h, social, gp, agreed{}) }},
	{"correlated already, and the other side hidden", func(h *hub, social, gp string) {
		related(h, social, gp, agreed{})
		h.block("dr-patel", "gp-riverside", gp, "creator-only")
	}},
	{"the other side disputes", func(h *hub, social, gp string) {
		related(h, social, gp, agreed{})
		h.dispute("dr-patel", "gp-riverside", gp)
	}},
	{"the asker's agency excluded", func(h *hub, social, gp string) {
		related(h, social, gp, agreed{})
		h.exclude("dr-patel", "gp-riverside", gp, "riverside-social-care")
	}},
	{"kept apart", func(h *hub, social, gp string) {
		code, _ := h.pair("dr-patel", "gp-riverside", gp)
		h.ok("mr-lindqvist", "POST", "/relmgr/v1/keep-aparts", object{"column": "social-care", "identifier": social, "pairing": code, "reason": "subject-asked"})
	}},
	{"the other side on a row with others", func(h *hub, _, gp string) {
		school := "S8" + gp[len(gp)-5:]
		h.publish("ms-okafor", "school-pastoral", school, agreed{})
		code, _ := h.pair("ms-okafor", "school-pastoral", school)
		h.correlate("dr-brandt", "gp-riverside", gp, code)
	}},
}

// writes are the operations, each as social care's relationship manager sends it.
var writes = map[string]func(h *hub, social, gp string) request{
	"correlate": func(h *hub, social, gp string) request {
		code, _ := h.pair("dr-patel", "gp-riverside", gp)
		consent := h.consent("mr-lindqvist", "social-care", social, agreed{})
		return request{target: "/relmgr/v1/correlations", body: encode(h.t, h.correlation("social-care", social, code, consent))}
	},
	"keepApart": func(h *hub, social, gp string) request {
		h.handle("mr-lindqvist", "social-care", social)
		code, _ := h.pair("dr-patel", "gp-riverside", gp)
		return request{target: "/relmgr/v1/keep-aparts", body: encode(h.t, object{
			"column": "social-care", "identifier": social, "pairing": code, "reason": "subject-asked"})}
	},
	"disputeIdentity": func(h *hub, social, _ string) request {
		h.handle("mr-lindqvist", "social-care", social)
		return request{target: "/relmgr/v1/disputes", body: encode(h.t, object{
			"column": "social-care", "identifier": social, "reason": "not-the-same-person"})}
	},
	"requestContact": func(h *hub, social, _ string) request {
		id := drawn.FindString(string(h.ask(social, "").body))
		return request{target: "/relmgr/v1/enquiries/" + id + "/contact-requests", body: encode(h.t, object{"contact": "desk"})}
	},
}

// QRY-11, IDX-10, IDX-18, invariant 5: whether a write is in effect, waits or is
// barred cannot be told from its answer nor from the work behind it.
func TestWhatAWriteCameToCannotBeToldFromItsAnswer(t *testing.T) {
	t.Parallel()
	l := new(listener)
	h := newHub(t, setting{open: func(h *hub, duty string) *sql.DB {
		if duty == "relmgr" {
			return overheard(t, h.base.DSN(duty), l)
		}
		return h.base.DB(t, duty)
	}})
	n := 60_000
	for op, write := range writes {
		var first observed
		for i, c := range circumstances {
			n++
			social, gp := fmt.Sprintf("LMN-%05d", n), fmt.Sprintf("GP-%05d", n)
			c.prepare(h, social, gp)
			r := write(h, social, gp)
			r.as, r.method = "mr-lindqvist", "POST"
			h.token("mr-lindqvist")
			h.warm()
			l.take()
			a := h.send(r)
			seen := observed{status: a.status, body: drawn.ReplaceAllString(string(a.body), "…"), length: len(a.body), statements: l.take()}
			for name, values := range a.header {
				if name != "Date" && name != "X-Request-Id" {
					seen.headers = append(seen.headers, name+": "+strings.Join(values, ", "))
				}
			}
			slices.Sort(seen.headers)
			if i == 0 {
				if first = seen; seen.status != 202 || len(seen.statements) < 5 {
					t.Fatalf("%s, %s: %+v %s", op, c.name, seen, a.body)
				}
				continue
			}
			if found := differences(first, seen); len(found) > 0 {
				t.Errorf("%s: %q can be told from %q:\n%s", op, c.name, circumstances[0].name, strings.Join(found, "\n"))
			}
		}
	}
}
