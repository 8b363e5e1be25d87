package edgetest_test

import "github.com/fame-hub/fame/relmgr"

// repaired leaves an anchor and an enquiry that rested on recognitions which turned out
// to be wrong, one more of each that the registrar took back, and what relmgr made of it.
func (b *bench) repaired() {
	b.t.Helper()
	s, err := relmgr.New(b.t.Context(), relmgr.Config{DB: b.base.DB(b.t, "relmgr"), Keys: b.keys["relmgr"], Now: b.now})
	b.must(err)
	defer s.Close()
	tasks := "/registrar/v1/registers/town/tasks"
	decide := func(recognition any) (task string) {
		b.ok("dr-patel", "POST", "/registrar/v1/registers/town/reports", object{"kind": "misdetermined", "recognition": recognition, "reason": "not-the-same-person"})
		for _, t := range b.ok(keeper, "GET", tasks+"?reason=working-with-person", nil)["tasks"].([]any) {
			if t := t.(object); t["kind"] == "misdetermined" && t["recognition"] == recognition {
				task = t["task"].(string)
			}
		}
		b.ok(keeper, "POST", tasks+"/"+task+"/resolutions", object{"outcome": "wrong", "reason": "not-the-same-person"})
		return task
	}
	for _, identifier := range []string{"GP-00061", "GP-00062", ""} {
		r := b.recognise("dr-patel", goodEvidence())
		if identifier != "" {
			b.ok("dr-patel", "POST", "/relmgr/v1/anchors", object{
				"column": "gp-riverside", "identifier": identifier, "recognition": r["recognition"], "reason": "same-person-found"})
		} else {
			q := toAsk(asked{}, object{"recognition": r["recognition"], "column": "gp-riverside", "case": "2026/0413"})
			delete(q, "identifier")
			b.ok("dr-patel", "POST", "/relmgr/v1/enquiries", q)
		}
		task := decide(r["id"])
		if identifier == "GP-00062" {
			_, err := s.TakeRepairs(b.t.Context())
			b.must(err)
			b.ok(keeper, "POST", tasks+"/"+task+"/reopening", object{"reason": "entered-by-mistake"})
		}
	}
	taken, err := s.TakeRepairs(b.t.Context())
	b.must(err)
	if taken != 2 { // the enquiry, and what is lifted
		b.t.Fatalf("%d repairs were taken up", taken)
	}
}
