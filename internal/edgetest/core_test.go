package edgetest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/pg"
)

// What requirements ask of all the duties together, on one hub. The parts end with
// nothing changed.
//
// AUT-08: without a token no operation says anything but that it wants one.
// REG-08: a register takes no service content, nor has it a place for any.
// REG-15: the register of subjects is apart: no other duty reads it, and what a subject
// signs in with is no practitioner's token.
// COL-02: each kind of provider stands in answers with its offers (a named person's
// caseload has tests of its own); a sixth is refused.
// AUT-12: without an agreement nobody learns, says or joins anything of relationships;
// with agreements again, they do.
func TestWhatTheRequirementsAskOfTheWholeEdge(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	t.Run("AUT-08", func(t *testing.T) {
		for _, op := range b.contract.operations {
			if op.bears == "" {
				continue // a published description, or sealed for this hub and signed by another
			}
			if a := b.send(b.good[op.id].unsigned()); a.status != 401 {
				t.Errorf("%s without a token is answered %d", op.id, a.status)
			}
		}
	})
	t.Run("REG-08", func(t *testing.T) {
		for _, content := range []string{"diagnosis", "school", "notes", "practitioner"} {
			for _, op := range []string{"registerSubject", "changeSubject"} {
				for _, at := range [][]any{{content}, {"items", 0, content}, {"items", 0, "name", content}} {
					if a := b.send(b.but(op, "asthma", at...)); a.status != 400 || strings.Contains(string(a.body), "asthma") {
						t.Errorf("%s with %s is answered %d %s", op, at, a.status, a.body)
					}
				}
			}
		}
		var columns []string
		for _, c := range b.columns("registrar.items") {
			columns = append(columns, c.name)
		}
		if !slices.Equal(columns, []string{"item_id", "subject_id", "act_id", "kind", "sealed"}) {
			t.Errorf("an item has the columns %v", columns)
		}
		var kinds string
		b.must(b.admin.QueryRow("select pg_get_constraintdef(oid) from pg_constraint where conname = 'item_kind_is_known'").Scan(&kinds))
		for _, content := range []string{"service", "relationship", "diagnosis", "school", "agency", "note"} {
			if strings.Contains(kinds, content) {
				t.Errorf("an item may be a %s", content)
			}
		}
	})
	t.Run("REG-15", func(t *testing.T) {
		for _, duty := range []string{"governance", "relmgr", "consent", "idmgr", "federation"} {
			if _, err := b.base.DB(t, duty).ExecContext(t.Context(), "select from registrar.subjects"); !pg.CrossedWall(err) {
				t.Errorf("%s reads the register of subjects: %v", duty, err)
			}
		}
		proof := b.myProofs("Iris Moor", "")["relmgr"].(string)
		for _, op := range []string{"enquire", "publishRelationship", "registerSubject", "listTasks", "readPartnership"} {
			if r, there := b.good[op]; !there {
				t.Errorf("there is no %s", op)
			} else if a := b.send(r.unsigned("Bearer " + proof)); a.status != 401 {
				t.Errorf("who is in the register of subjects is answered %d at %s", a.status, op)
			}
		}
	})
	t.Run("COL-02", func(t *testing.T) {
		related(b.hub, "LMN-00091", "GP-00091", agreed{})
		for _, kind := range []string{"role", "team", "unit", "agency"} {
			undo := b.change(func(document object) { entry(b.t, document, "providers", "id", "riverside-surgery")["kind"] = kind })
			told := b.ok(asker, "POST", "/relmgr/v1/enquiries", toAsk(asked{social: "LMN-00091"}, nil))["providers"].([]any)
			if len(told) != 1 || told[0].(object)["kind"] != kind || len(told[0].(object)["offers"].([]any)) == 0 {
				t.Errorf("a %s stands in the answer as %v", kind, told)
			}
			undo()
		}
		document := b.ok("gov-ellis", "GET", "/governance/v1/partnership", nil)["document"].(object)
		entry(b.t, document, "providers", "id", "riverside-surgery")["kind"] = "department"
		if a := b.send(request{as: "gov-ellis", method: "PUT", target: "/governance/v1/partnership", body: encode(t, document)}); a.status != 422 && a.status != 400 {
			t.Errorf("a sixth kind is answered %d %s", a.status, a.body)
		}
	})
	t.Run("AUT-12", func(t *testing.T) {
		undo := b.change(func(document object) { document["agreements"] = []any{} })
		for _, op := range []string{
			"enquire", "requestContact", "askAsOf", "askThroughLink", "listNotices", "listDecisions", "listReviews", "listRepairs",
			"publishRelationship", "openPairing", "correlate", "keepApart", "separate", "disputeIdentity", "attachAnchor", "openLink", "acceptLink", "grantAccess",
		} {
			if a := b.send(b.good[op]); a.status != 403 && a.status != 422 { // 422: the agreement that is named is none
				t.Errorf("without any agreement %s is answered %d", op, a.status)
			}
		}
		undo()
		if a := b.send(b.good["enquire"]); a.status != 200 {
			t.Errorf("with agreements again an enquiry is answered %d", a.status)
		}
	})
}
