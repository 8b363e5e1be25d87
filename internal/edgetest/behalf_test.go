package edgetest_test

import (
	"encoding/json"
	"slices"
	"strings"
)

// ofOfficers are the operations of other duties that a governance officer may do, and why.
var ofOfficers = map[string]string{
	"acknowledgeComplaint": "complaints are put to the officers", "answerComplaint": "complaints are put to the officers",
	"listComplaints": "complaints are put to the officers",
	"listCases":      "those that are before officers, if the partnership's recourse has such a level",
	"listRegisters":  "every member sees what the registers are", "listRules": "every member sees by which rules managers act",
	"tryDecision": "hypothetical, about nobody",
	"listPeers":   "with whom the hub is joined is the officers' to decide, and everybody's to see",
	"invitePeer":  "likewise", "confirmPeer": "likewise", "suspendPeer": "likewise", "readmitPeer": "likewise", "leavePeer": "likewise",
	"admitRegistrar": "which registrars are in the register is theirs too", "removeRegistrar": "likewise",
}

// onBehalf tries, as a governance officer and as the one who set the hub up, every
// operation that a member of an agency may do. DCP-09: who runs a partnership
// neither publishes nor decides, reads or ends anything for a member.
func (b *bench) onBehalf() {
	b.t.Helper()
	before := b.snapshot()
	for _, op := range b.contract.operations {
		if op.bears != "oidc" || strings.HasPrefix(op.template, "/governance/") || ofOfficers[op.id] != "" {
			continue
		}
		for _, who := range []string{"gov-ellis", "governor"} {
			if a := b.send(b.as(op.id, who)); a.status < 400 || a.status > 499 {
				b.t.Errorf("%s does %s for a member: %d %.300s", who, op.id, a.status, a.body)
			}
		}
	}
	if got := written(before, b.snapshot()); len(got) > 0 {
		b.t.Errorf("an officer's requests for members wrote %v", got)
	}
}

// mapped asks, as nobody, what the hub stores. IDM-18: each identity manager is there, with
// who answers for it, what it is for and to whom one turns. DCP-06: anybody finds whom to ask
// about each kind of data, and those are members of this partnership, or its officers.
func (b *bench) mapped() {
	b.t.Helper()
	a := b.send(b.good["readDataMap"])
	var answer struct {
		Categories []struct {
			Duty, Category string
			Controllers    []string
		}
		Managers []struct {
			Manager, Title, Purpose, Appeal string
			AgencyName                      string `json:"agency_name"`
		}
	}
	b.must(json.Unmarshal(a.body, &answer))
	names := []string{"its officers"}
	for _, agency := range b.document["agencies"].([]any) {
		names = append(names, agency.(object)["name"].(string))
	}
	for _, c := range answer.Categories {
		for _, who := range c.Controllers {
			if !slices.Contains(names, who) {
				b.t.Errorf("%s of %s is controlled by %q, who is nobody here", c.Category, c.Duty, who)
			}
		}
		if len(c.Controllers) == 0 {
			b.t.Errorf("nobody answers for %s of %s", c.Category, c.Duty)
		}
	}
	for _, m := range answer.Managers {
		if m.Manager == "" || m.Title == "" || m.Purpose == "" || m.Appeal == "" || !slices.Contains(names, m.AgencyName) {
			b.t.Errorf("people are told of a manager %+v", m)
		}
	}
	if len(answer.Managers) != len(b.document["managers"].([]any)) {
		b.t.Errorf("people are told of %d managers", len(answer.Managers))
	}
	if len(answer.Categories) < 30 {
		b.t.Errorf("%d kinds of data in a hub of every duty", len(answer.Categories))
	}
}
