package edgetest_test

import (
	"maps"
	"slices"

	"github.com/fame-hub/fame/internal/hubtest"
)

// seedAgreement is what two hubs may agree.
var seedAgreement = object{
	"code": "two-counties", "title": "Riverside and its neighbour", "purposes": []string{"co-ordinate-care"}, "roles": []string{"gp"},
	"minutes": 10, "until": "2027-06-01T00:00:00Z",
}

// seedAdmission is what a registrar is admitted on, seedQuality what its keeper publishes.
func seedAdmission(registrar string) object {
	return object{"registrar": registrar, "usage": hubID + "/federation/v1/usage", "floor": object{"recall_per_mille": 900, "latency_ms": 50, "errors_per_mille": 10}}
}

var seedQuality = object{"recall_per_mille": 100, "latency_ms": 20, "errors_per_mille": 1, "per_minute": 6000, "measured": 500}

// peersGood makes peers in each state, and the good requests about them.
func (b *bench) peersGood() {
	b.t.Helper()
	other := hubtest.NewOtherHub(b.t, b.now)
	invited := func(name string) object {
		return b.ok("gov-ellis", "POST", "/federation/v1/peers", object{"entity": other.Entity(name), "agreement": seedAgreement})["peer"].(object)
	}
	confirming := func(p object) object { return object{"agreement": p["digest"], "fingerprints": p["fingerprints"]} }
	at := func(p object, path string) string { return "/federation/v1/peers/" + p["peer"].(string) + "/" + path }
	reason := object{"reason": "work-ended"}
	waiting, confirmed, suspended := invited("waiting"), invited("confirmed"), invited("suspended")
	for _, p := range []object{confirmed, suspended} {
		b.ok("gov-ellis", "POST", at(p, "confirmation"), confirming(p))
	}
	b.ok("gov-ellis", "POST", at(suspended, "suspension"), reason)
	b.ok("gov-ellis", "POST", "/federation/v1/admissions", seedAdmission(registrarCode))
	maps.Copy(b.good, map[string]request{
		"admitRegistrar":  {as: "gov-ellis", target: "/federation/v1/admissions", body: render(plain(b.t, seedAdmission(millCode)))},
		"publishQuality":  {as: keeper, target: "/federation/v1/admissions/" + registrarCode + "/quality", body: render(plain(b.t, seedQuality))},
		"removeRegistrar": {as: "gov-ellis", target: "/federation/v1/admissions/" + registrarCode + "/removal", body: render(reason)},
		"listPeers":       {as: "dr-patel", target: "/federation/v1/peers"},
		"invitePeer":      {as: "gov-ellis", target: "/federation/v1/peers", body: render(plain(b.t, object{"entity": other.Entity("another"), "agreement": seedAgreement}))},
		"confirmPeer":     {as: "gov-ellis", target: at(waiting, "confirmation"), body: render(plain(b.t, confirming(waiting)))},
		"suspendPeer":     {as: "gov-ellis", target: at(confirmed, "suspension"), body: render(reason)},
		"readmitPeer":     {as: "gov-ellis", target: at(suspended, "readmission"), body: render(reason)},
		"leavePeer":       {as: "gov-ellis", target: at(invited("leaving"), "end"), body: render(reason)},
	})
}

// peers are what is no peer, and who may not say so.
func (b *bench) peers(add func(string, string, request, ...string)) {
	for _, op := range []string{"invitePeer", "confirmPeer", "suspendPeer", "readmitPeer", "leavePeer"} {
		add(op+": by somebody who is no governance officer", "forbidden", b.as(op, "dr-patel"))
	}
	for op, path := range map[string]string{"confirmPeer": "confirmation", "suspendPeer": "suspension", "readmitPeer": "readmission", "leavePeer": "end"} {
		add(op+": a peer that is none", "not-known", b.good[op].at("/federation/v1/peers/"+seedID+"/"+path), seedID)
	}
	for _, op := range []string{"suspendPeer", "readmitPeer", "leavePeer"} {
		add(op+": a reason of no list", "invalid", b.but(op, marker, "reason"))
	}
	add("suspendPeer: one that is not confirmed", "conflict", b.good["suspendPeer"].at(b.good["confirmPeer"].target[:len(b.good["confirmPeer"].target)-len("confirmation")]+"suspension"))
	add("admitRegistrar: by somebody who is no governance officer", "forbidden", b.as("admitRegistrar", "dr-patel"))
	add("removeRegistrar: by somebody who is no governance officer", "forbidden", b.as("removeRegistrar", "dr-patel"))
	add("publishQuality: by somebody who keeps no register of it", "forbidden", b.as("publishQuality", "dr-patel"))
	add("admitRegistrar: one of no list", "invalid", b.but("admitRegistrar", marker, "registrar"))
	add("admitRegistrar: without a feed", "invalid", b.but("admitRegistrar", "http://"+marker+".example", "usage"))
	add("admitRegistrar: one that is in", "conflict", b.but("admitRegistrar", registrarCode, "registrar"))
	add("publishQuality: one of no list", "not-known", b.good["publishQuality"].at("/federation/v1/admissions/"+marker+"/quality"))
	add("removeRegistrar: one that is not in", "not-known", b.good["removeRegistrar"].at("/federation/v1/admissions/"+millCode+"/removal"))
	add("removeRegistrar: a reason of no list", "invalid", b.but("removeRegistrar", marker, "reason"))
	add("invitePeer: itself", "invalid", b.but("invitePeer", hubID, "entity"))
	add("invitePeer: without https", "invalid", b.but("invitePeer", "http://"+marker+".example", "entity"))
	add("invitePeer: where nobody is", "invalid", b.but("invitePeer", "https://127.0.0.1:1/"+marker, "entity"))
	add("invitePeer: an end that is past", "invalid", b.but("invitePeer", "2020-01-01T00:00:00Z", "agreement", "until"))
	add("invitePeer: with nothing to agree on", "invalid", b.but("invitePeer", gone, "agreement"))
	add("confirmPeer: another agreement", "invalid", b.but("confirmPeer", "00"+string(slices.Repeat([]byte("a"), 62)), "agreement"))
	add("confirmPeer: another fingerprint", "invalid", b.but("confirmPeer", string(slices.Repeat([]byte("A"), 43)), "fingerprints", 0))
}
