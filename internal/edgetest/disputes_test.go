package edgetest_test

import (
	"strings"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// disputesGood has a peer file a dispute and leaves one of ours, and makes the good requests
// about them.
func (b *bench) disputesGood(other *hubtest.OtherHub, name string) {
	b.t.Helper()
	files := func() string {
		id := ident.NewAct().String()
		b.ok("", "POST", "/federation/v1/messages", object{"message": b.sealedBy(other, name, attest.AxleMessage{Kind: "dispute", Version: 1, Dispute: &attest.AxleDispute{
			Dispute: id, About: "wrong-answer", Reason: "work-ended", At: b.now().Unix(),
		}})})
		return id
	}
	var peer string
	for _, p := range b.ok("dr-patel", "GET", "/federation/v1/peers", nil)["peers"].([]any) {
		if p := p.(object); p["entity"] == other.Entity(name) {
			peer = p["peer"].(string)
		}
	}
	filing := "/federation/v1/peers/" + peer + "/disputes"
	b.ours = b.ok("gov-ellis", "POST", filing, object{"about": "no-answer", "reason": "work-ended"})["dispute"].(object)["dispute"].(string)
	b.ended = files()
	b.ok("gov-ellis", "POST", "/federation/v1/disputes/"+b.ended+"/answer", object{"outcome": "settled", "reason": "work-ended"})
	b.good["fileDispute"] = request{as: "gov-ellis", target: filing, body: encode(b.t, object{"about": "conduct", "reason": "work-ended"})}
	b.good["answerDispute"] = request{as: "gov-ellis", target: "/federation/v1/disputes/" + files() + "/answer", body: encode(b.t, object{"outcome": "upheld", "reason": "work-ended"})}
	b.good["listDisputes"] = request{as: "gov-ellis", target: "/federation/v1/disputes?limit=5"}
}

// disputes are ones that nobody filed or that have ended, and who may not say so.
func (b *bench) disputes(add func(string, string, request, ...string)) {
	for _, op := range []string{"fileDispute", "answerDispute", "listDisputes"} {
		add(op+": by somebody who is no governance officer", "forbidden", b.as(op, "dr-patel"))
	}
	add("fileDispute: a peer that is none", "not-known", b.good["fileDispute"].at("/federation/v1/peers/"+seedID+"/disputes"), seedID)
	add("fileDispute: an exchange of nobody's", "invalid", b.but("fileDispute", seedID, "exchange"), seedID)
	add("fileDispute: against a hub that was only invited", "conflict", b.good["fileDispute"].at(strings.Replace(b.good["confirmPeer"].target, "confirmation", "disputes", 1)))
	for _, op := range []string{"fileDispute", "answerDispute"} {
		add(op+": a reason of no list", "invalid", b.but(op, marker, "reason"))
	}
	add("answerDispute: one that is none", "not-known", b.good["answerDispute"].at("/federation/v1/disputes/"+seedID+"/answer"), seedID)
	add("answerDispute: one of one's own", "conflict", b.good["answerDispute"].at("/federation/v1/disputes/"+b.ours+"/answer"), b.ours)
	add("answerDispute: a second time", "conflict", b.good["answerDispute"].at("/federation/v1/disputes/"+b.ended+"/answer"), b.ended)
}

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of what tells nothing
	for _, op := range []string{"fileDispute", "answerDispute", "listDisputes"} {
		tellsNothing[op] = "about a hub: knows no subject"
		ofOfficers[op] = "what hubs dispute is between their officers, and holds nothing of a person"
	}
}
