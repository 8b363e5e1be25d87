package edgetest_test

import "strings"

// apartGood makes records of people who become new ones, and is the good requests about
// them.
func (b *bench) apartGood() {
	b.t.Helper()
	why := object{"reason": "risk-of-harm"}
	of := func(record, what string) string { return ofTown + "/set-apart/" + record + what }
	record := func(confirmed bool) string {
		r := b.ok(keeper, "POST", ofTown+"/subjects/"+b.person+"/set-apart", why)["act"].(string)
		if confirmed {
			b.ok(secondKeeper, "POST", of(r, "/confirmation"), why)
		}
		return r
	}
	opened := record(true)
	b.ok(keeper, "POST", of(opened, "/openings"), why)
	b.ok(keeper, "POST", of(opened, "/subject"), object{"items": goodItems()[:2]})
	for op, r := range map[string]request{
		"setApart":      {as: keeper, target: ofTown + "/subjects/" + b.person + "/set-apart", body: render(why)},
		"confirmApart":  {as: secondKeeper, target: of(record(false), "/confirmation"), body: render(why)},
		"registerApart": {as: secondKeeper, target: of(record(true), "/subject"), body: render(plain(b.t, object{"items": goodItems()[:3]}))},
		"openApart":     {as: secondKeeper, target: of(opened, "/openings"), body: render(why)},
	} {
		b.good[op] = r
	}
}

// setApart are records that are none, and what takes another person.
func (b *bench) setApart(add func(string, string, request, ...string)) {
	for _, op := range []string{"setApart", "confirmApart", "registerApart", "openApart"} {
		add(op+": by somebody who keeps no register", "forbidden", b.as(op, "mr-lindqvist"))
		r := b.good[op]
		add(op+": a register that is none", "not-known", r.at(strings.Replace(r.target, "town", marker, 1)))
		if op != "registerApart" {
			add(op+": a reason of no list", "invalid", b.but(op, marker, "reason"))
		}
		if op != "setApart" {
			add(op+": a record that is none", "not-known", r.at(ofTown+"/set-apart/"+seedID+r.target[strings.LastIndex(r.target, "/"):]), seedID)
		}
	}
	add("setApart: an entry that is none", "not-known", b.good["setApart"].at(ofTown+"/subjects/"+strings.Repeat("a", 26)+"/set-apart"))
	add("confirmApart: one's own", "forbidden", b.as("confirmApart", keeper))
	recordOf := func(op string) string { return strings.Split(b.good[op].target, "/")[6] }
	confirm := b.good["confirmApart"]
	add("confirmApart: a second time", "conflict", confirm.at(ofTown+"/set-apart/"+recordOf("registerApart")+"/confirmation"))
	enter := b.good["registerApart"]
	add("registerApart: before it is confirmed", "conflict", enter.at(ofTown+"/set-apart/"+recordOf("confirmApart")+"/subject"))
	add("registerApart: a second time", "conflict", enter.at(ofTown+"/set-apart/"+recordOf("openApart")+"/subject"))
	add("registerApart: an identifier that another has", "conflict", b.but("registerApart", plain(b.t, goodItems()[7]), "items", 0))
	add("registerApart: born on no day", "invalid", b.but("registerApart", "2001-02-29", "items", 2, "birth", "date"), "2001-02-29")
}
