package edgetest_test

import (
	"encoding/json"
	"strings"
	"time"
)

// The keepers of the town's register: an import takes two.
const keeper, secondKeeper = "ms-abara", "mr-quill"

const ofTown = "/registrar/v1/registers/town"

// entriesGood imports people into the town's register, and is the good requests about
// that.
func (b *bench) entriesGood() {
	b.t.Helper()
	approving := object{"people": 5, "until": b.until(24 * time.Hour), "reason": "working-with-person"}
	approval := b.ok(keeper, "POST", ofTown+"/approvals", approving)["act"].(string)
	start := object{"approval": approval, "file": strings.Repeat("0", 64)}
	bulk := ofTown + "/imports/" + b.ok(secondKeeper, "POST", ofTown+"/imports", start)["import"].(string)
	b.ok(secondKeeper, "POST", bulk+"/parts", object{"first": 1, "last": 9, "entries": []object{entryLine(2, "Line Two"), entryLine(3, " ")}})
	for op, r := range map[string]request{
		"approveEntries":    {as: keeper, target: ofTown + "/approvals", body: render(plain(b.t, approving))},
		"startEntries":      {as: secondKeeper, target: ofTown + "/imports", body: render(plain(b.t, start))},
		"enterPart":         {as: secondKeeper, target: bulk + "/parts", body: render(plain(b.t, object{"first": 10, "last": 20, "entries": []object{entryLine(12, "Line Twelve")}}))},
		"listEntryRefusals": {as: secondKeeper, target: bulk + "/refusals"},
	} {
		b.good[op] = r
	}
}

// entryLine is a line of a file that holds a person of one name.
func entryLine(line int, name string) object {
	return object{"line": line, "items": []object{{"source": "agency-record", "name": object{"whole": name}}}}
}

// entries are approvals and parts that cannot be used.
func (b *bench) entries(add func(string, string, request, ...string)) {
	var start object
	b.must(json.Unmarshal(b.good["startEntries"].body, &start))
	approval := start["approval"].(string)
	add("approveEntries: a reason of no list", "invalid", b.but("approveEntries", marker, "reason"))
	add("approveEntries: one that is over", "invalid", b.but("approveEntries", "2020-01-01T00:00:00Z", "until"))
	add("startEntries: without an approval", "not-known", b.but("startEntries", seedID, "approval"), seedID)
	add("startEntries: of one's own approval", "forbidden", b.as("startEntries", keeper), approval)
	add("enterPart: of one's own approval", "forbidden", b.as("enterPart", keeper))
	for _, op := range []string{"enterPart", "listEntryRefusals"} {
		r := b.good[op]
		add(op+": an import that is none", "not-known", r.at(ofTown+"/imports/"+seedID+r.target[strings.LastIndex(r.target, "/"):]), seedID)
	}
	for _, op := range []string{"approveEntries", "startEntries", "enterPart", "listEntryRefusals"} {
		add(op+": by somebody who keeps no register", "forbidden", b.as(op, "mr-lindqvist"))
		r := b.good[op]
		add(op+": a register that is none", "not-known", r.at(strings.Replace(r.target, "town", marker, 1)))
	}
	add("enterPart: an end before its beginning", "invalid", b.but("enterPart", 9, "last"))
	add("enterPart: a line of another part", "invalid", b.but("enterPart", 9, "entries", 0, "line"))
	add("enterPart: a line behind its end", "invalid", b.but("enterPart", 21, "entries", 0, "line"))
	again := func(entries []object, last int) request {
		return b.but("enterPart", 1, "first").saying(string(render(plain(b.t, object{"first": 1, "last": last, "entries": entries}))))
	}
	add("enterPart: a part that had another end", "conflict", again([]object{entryLine(10, "Ten")}, 10))
	many := make([]object, 5)
	for n := range many {
		many[n] = entryLine(30+n, "One Too Many")
	}
	add("enterPart: more people than are approved", "forbidden", b.good["enterPart"].saying(string(render(plain(b.t, object{"first": 30, "last": 40, "entries": many})))))
}
