package edgetest_test

import "strings"

// ofOfficers are the operations of other duties that a governance officer may do, and why.
var ofOfficers = map[string]string{
	"acknowledgeComplaint": "complaints are put to the officers", "answerComplaint": "complaints are put to the officers",
	"listComplaints": "complaints are put to the officers",
	"listCases":      "those that are before officers, if the partnership's recourse has such a level",
	"listRegisters":  "every member sees what the registers are", "listRules": "every member sees by which rules managers act",
	"tryDecision": "hypothetical, about nobody",
}

// onBehalf tries, as a governance officer and as the one who set the hub up, every
// operation that a member of an agency may do. DCP-09: who runs a partnership
// neither publishes nor decides, reads or ends anything for a member. Nor does
// anybody with the keys of the federation's carrier or of the log, who are not users
// at all (DCP-05).
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
