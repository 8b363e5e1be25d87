package edgetest_test

import (
	"strings"
	"time"
)

// representGood are what those who keep a register record of who decides for whom.
func (b *bench) representGood() {
	b.t.Helper()
	entry := "/registrar/v1/registers/town/subjects/" + b.person
	child := b.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects", object{"items": []object{{"source": "person", "name": object{"whole": "Nestling"}}}})["subject"].(string)
	record := object{
		"representative": b.twin, "scope": []string{"see", "decide"}, "reason": "working-with-person",
		"proxy": object{"authority": "parental-responsibility", "evidence": "document-seen", "until": b.until(1000 * time.Hour)},
	}
	b.ok("ms-abara", "POST", "/registrar/v1/registers/town/subjects/"+child+"/representatives", record)
	b.good["assessCompetence"] = request{as: "ms-abara", target: entry + "/competence", body: render(plain(b.t, object{
		"competent": true, "until": b.until(1000 * time.Hour), "reason": "working-with-person"}))}
	b.good["recordRepresentative"] = request{as: "ms-abara", target: entry + "/representatives", body: render(plain(b.t, record))}
	b.good["endRepresentative"] = request{as: "ms-abara", target: "/registrar/v1/registers/town/subjects/" + child + "/representatives/end", body: render(plain(b.t, object{
		"representative": b.twin, "reason": "working-with-person"}))}
}

// representing is what cannot be recorded of who decides for whom.
func (b *bench) representing() (rows []row) {
	add := func(name, kind string, r request, marks ...string) {
		rows = append(rows, row{name: name, request: r, kind: kind, marks: marks})
	}
	for _, op := range []string{"assessCompetence", "recordRepresentative", "endRepresentative"} {
		add(op+": by somebody who keeps no register", "forbidden", b.as(op, "mr-lindqvist"))
		add(op+": by another agency", "forbidden", b.as(op, "dr-patel"))
		add(op+": a reason of no list", "invalid", b.but(op, marker, "reason"))
		r := b.good[op]
		add(op+": a register that is none", "not-known", r.at(strings.Replace(r.target, "town", marker, 1)))
		if op != "assessCompetence" {
			add(op+": a representative who is none", "not-known", b.but(op, strings.Repeat("a", 26), "representative"))
		}
	}
	for _, until := range []string{"2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z"} {
		add("assessCompetence: until "+until, "invalid", b.but("assessCompetence", until, "until"), until)
		add("recordRepresentative: until "+until, "invalid", b.but("recordRepresentative", until, "proxy", "until"), until)
	}
	add("recordRepresentative: by themself", "invalid", b.but("recordRepresentative", b.person, "representative"))
	add("endRepresentative: what is none", "not-known", b.but("endRepresentative", b.person, "representative"))
	return rows
}
