package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fame-hub/fame/api/bearer"
	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/ident"
)

// relationship is what a column's own person would publish of somebody, on a
// consent captured just now, as it goes over the wire.
func (w *town) relationship(t *testing.T, who riverside.Person, column ident.Column) map[string]any {
	t.Helper()
	client := w.signedIn(t, desks[column].publisher)
	decision, mode, err := w.storyteller().decide(t.Context(), client, who, column, "riverside-children")
	if err != nil {
		t.Fatal(err)
	}
	text, err := decision.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return map[string]any{
		"column": column, "identifier": who.Identifiers[column], "role": offering[column].Role, "mode": mode, "reason": "working-with-person",
		"offers":   []any{map[string]any{"kind": "will-co-ordinate", "transactions": []string{"joint-assessment"}, "contact": "desk"}, map[string]any{"kind": "wants-to-be-informed", "contact": "mail"}},
		"decision": d,
	}
}

// E2E-01 (PUB-01, PUB-02, IDX-08, ACT-01, ACT-02, LEG-01): the GP publishes an
// offer for somebody, with a decision. The act is recorded whole; without a
// decision, or with one that a step stops, nothing is published; nobody but the
// GP's own column learns of the act or the identifier. The subject's own list
// of disclosures comes with the registrar.
func TestE2E01TheGPPublishesAnOffer(t *testing.T) {
	w := everyday(t)
	who := w.known("Fiona Abbot", map[ident.Column]string{"gp-riverside": "GP-60001"})
	published := w.Relmgr.URL + "/relmgr/v1/relationships"
	body := w.relationship(t, who, "gp-riverside")

	without := func(edit func(body, decision map[string]any)) answer {
		var copied map[string]any
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &copied); err != nil {
			t.Fatal(err)
		}
		edit(copied, copied["decision"].(map[string]any))
		return w.send(t, "dr-patel", http.MethodPost, published, copied)
	}
	for name, a := range map[string]answer{
		"no decision": without(func(b, _ map[string]any) { delete(b, "decision") }),
		"no ground":   without(func(_, d map[string]any) { delete(d, "ground") }),
		"no power":    without(func(_, d map[string]any) { delete(d, "power") }),
		"no reason":   without(func(b, _ map[string]any) { delete(b, "reason") }),
		"no offer":    without(func(b, _ map[string]any) { b["offers"] = []any{} }),
	} {
		if a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if p := a.problem(t, a.status); len(p.Errors) == 0 {
			t.Errorf("%s: the problem names no place: %s", name, a.body)
		}
		if bytes.Contains(a.body, []byte("GP-60001")) {
			t.Errorf("%s: the problem repeats the identifier: %s", name, a.body)
		}
	}
	for name, refused := range map[string]struct {
		step int
		answer
	}{
		"a power that the surgery does not hold": {1, without(func(_, d map[string]any) { d["power"] = "children-act-1989-s47" })},
		"more than is necessary": {2, without(func(_, d map[string]any) {
			d["proportionality"] = map[string]any{"necessary": false, "safeguards": true, "aim": "protect-health"}
		})},
		"consent as the ground, and no consent": {3, without(func(_, d map[string]any) { delete(d, "consents") })},
		"no condition of the law":               {4, without(func(_, d map[string]any) { d["conditions"] = map[string]any{"ordinary": "no-such-condition"} })},
	} {
		if p := refused.problem(t, http.StatusForbidden); p.Type != "docs/problems.md#decision-refused" || p.Step != refused.step {
			t.Errorf("%s: stopped by %s at step %d, want step %d: %s", name, p.Type, p.Step, refused.step, p.Detail)
		}
	}
	if a, _ := w.ask(t, "dr-patel", "gp-riverside", "GP-60001", ""); a.Published {
		t.Error("after nothing but refusals the relationship is published")
	}

	done := w.send(t, "dr-patel", http.MethodPost, published, body)
	var receipt struct{ Act, Commitment string }
	if err := json.Unmarshal(done.body, &receipt); err != nil || done.status != http.StatusCreated {
		t.Fatalf("publish: %d %s", done.status, done.body)
	}
	gp := w.signedIn(t, "dr-patel")
	act, err := gp.relmgr.FindAct(t.Context(), relmgroas.FindActParams{Act: relmgroas.ID(receipt.Act), Purpose: "co-ordinate-care", Reason: "working-with-person"})
	if err != nil {
		t.Fatal(bearer.Told(err))
	}
	d, decided := act.Decision.Get()
	steps := 0
	for _, s := range d.Steps {
		if s.Answer == "passed" && s.Question != "" {
			steps++
		}
	}
	if act.Kind != "publish" || !act.Own || act.Agency != "riverside-gp" || act.Practitioner.Value != "dr-patel" || act.Role.Value != "gp" ||
		act.Mode.Value != "supplier-with-consent" || act.Reason.Value != "working-with-person" || act.Ground.Value != "explicit-consent" ||
		act.Agreement.Value != "riverside-children" || string(act.Commitment.Value) != receipt.Commitment || act.At.IsZero() ||
		!decided || len(d.Steps) != 4 || steps != 4 || d.Power != relmgroas.NewOptCode("children-act-2004-s10") || len(d.Consents) != 1 || d.TermsVersion == 0 {
		text, _ := act.MarshalJSON()
		t.Errorf("the act is recorded as %s", text)
	}
	leaf, err := hex.DecodeString(receipt.Commitment)
	if err != nil {
		t.Fatal(err)
	}
	var pending int
	if err := w.Admin(t).QueryRowContext(t.Context(), "select count(*) from "+leaves+" p where commitment = $1", leaf).Scan(&pending); err != nil || pending != 1 {
		t.Errorf("the ledger has the commitment %d times, %v", pending, err)
	}

	acts, why := w.Relmgr.URL+"/relmgr/v1/acts/", "?purpose=co-ordinate-care&reason=working-with-person"
	unknown := w.send(t, "mr-lindqvist", http.MethodGet, acts+ident.NewReference().String()+why, nil)
	unknown.problem(t, http.StatusNotFound)
	for _, other := range []string{"mr-lindqvist", "ms-okafor", "nurse-tran", "dr-ferrari"} { // the last is of the surgery and not of its column
		wantSame(t, "the GP's act and an unknown one, to "+other, w.send(t, other, http.MethodGet, acts+receipt.Act+why, nil), unknown)
	}
	if a, _ := w.ask(t, "mr-lindqvist", "social-care", "LMN-60001", ""); len(a.Providers) > 0 {
		t.Errorf("nobody has correlated anything, and social care is told of %v", providersOf(a))
	}
	w.send(t, "mr-lindqvist", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/enquiries", enquiry("gp-riverside", "GP-60001", "")).problem(t, http.StatusForbidden)
	w.send(t, "dr-patel", http.MethodPost, published, w.relationship(t, who, "gp-riverside")).problem(t, http.StatusConflict)
}

// E2E-02 (QRY-01, QRY-02, QRY-09, IDX-05, IDX-09, DCP-11, XCU-05): a social worker asks, with
// the client that is generated from openapi.yaml,
// with whom medication can be reviewed for the person they know as LMN-60002.
// The surgery is told of, with role and contact route and never its own
// identifier; the school, which does not offer it, is not; the question is in
// the audit. The subject's own list comes with the registrar.
func TestE2E02ASocialWorkerAsksWithWhomToReviewMedication(t *testing.T) {
	w := everyday(t)
	const abc, lmn = "GP-60002", "LMN-60002"
	who := w.known("George Bishop", map[ident.Column]string{"gp-riverside": abc, "social-care": lmn, "school-pastoral": "S060002"})
	who.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}, {"social-care", "school-pastoral"}}
	w.relate(t, who)

	a, raw := w.ask(t, "mr-lindqvist", "social-care", lmn, "medication-review")
	wantTold(t, a, "riverside-surgery")
	p := a.Providers[0]
	if p.Role != "General practitioner" || p.AgencyName != "Riverside Surgery" || len(p.Offers) != 1 || p.Offers[0].Kind != "will-co-ordinate" ||
		p.Offers[0].Contact.Value != "01632 960101" || p.Offers[0].Contact.Hours == "" {
		t.Errorf("the surgery is told of as %+v", p)
	}
	if a.Known != "yes" || !a.Complete || !a.Published {
		t.Errorf("the answer says %s, complete %v, published %v", a.Known, a.Complete, a.Published)
	}
	both, _ := w.ask(t, "mr-lindqvist", "social-care", lmn, "")
	wantTold(t, both, "school-pastoral-lead", "riverside-surgery")
	none, _ := w.ask(t, "mr-lindqvist", "social-care", lmn, "hospital-discharge")
	wantTold(t, none)
	// Each addresses the other by an identifier of its own; a third column cannot.
	back, _ := w.ask(t, "dr-patel", "gp-riverside", abc, "")
	wantTold(t, back, "school-pastoral-lead", "childrens-assessment")
	third, _ := w.ask(t, "pc-dunne", "police-riverside", "P/6002/26", "")
	wantTold(t, third)

	// Not in any byte that has ever come back to somebody of another column,
	// headers, receipts and proofs among them.
	search := looking(map[string]string{abc: "the surgery's identifier"})
	for _, other := range []string{"mr-lindqvist", "ms-okafor", "pc-dunne"} {
		for _, found := range search.In("what "+other+" received", w.wire(t, other).Received()) {
			t.Error(found)
		}
	}
	if len(search.In("what the surgery sent", w.sentBy(t, "dr-patel"))) == 0 {
		t.Error("the search does not find the identifier where it is")
	}

	admin := w.Admin(t)
	var practitioner, agency, purpose, reason, transaction, commitment string
	err := admin.QueryRowContext(t.Context(), `select practitioner_id, agency_id, purpose, reason, transaction, encode(commitment, 'hex')
		from relmgr.enquiries where enquiry_id = $1 and stopped_at is null`, string(a.ID)).Scan(&practitioner, &agency, &purpose, &reason, &transaction, &commitment)
	if err != nil || practitioner != "mr-lindqvist" || agency != "riverside-social-care" || purpose != "co-ordinate-care" ||
		reason != "working-with-person" || transaction != "medication-review" || commitment != string(a.Commitment) {
		t.Errorf("the audit says %s of %s, %s, %s, %s, %s: %v", practitioner, agency, purpose, reason, transaction, commitment, err)
	}
	var disclosed, rests string
	err = admin.QueryRowContext(t.Context(), `select h.column_id, d.agency_id from relmgr.disclosures x
		join relmgr.handles h on h.handle_id = x.handle_id join relmgr.decisions d on d.decision_id = x.decision_id
		where x.enquiry_id = $1`, string(a.ID)).Scan(&disclosed, &rests)
	if err != nil || disclosed != "gp-riverside" || rests != "riverside-gp" {
		t.Errorf("the audit says that %q was disclosed on a decision of %q: %v", disclosed, rests, err)
	}
	if bytes.Contains(raw.body, []byte(lmn)) {
		t.Error("the answer repeats the asker's own identifier")
	}
}

// sentBy is every byte that somebody has sent.
func (w *town) sentBy(t *testing.T, who string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, e := range w.wire(t, who).All() {
		b.Write(e.Sent)
	}
	return b.Bytes()
}

// E2E-03 (QRY-03, PUB-07, QRY-11): four columns are on a row, and the person
// has excluded one agency. Whoever else asks is told of two others; the
// excluded one is told nothing and told of to nobody; and byte by byte neither
// answer differs from that about somebody whom it never knew.
func TestE2E03WhoElseIsWorkingWithThePerson(t *testing.T) {
	w := everyday(t)
	four := w.known("Hannah Crane", map[ident.Column]string{
		"gp-riverside": "GP-60031", "school-pastoral": "S060031", "social-care": "LMN-60031", "police-riverside": "P/6031/26",
	})
	four.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}, {"social-care", "school-pastoral"}, {"social-care", "police-riverside"}}
	w.relate(t, four)
	before, open := w.ask(t, "mr-lindqvist", "social-care", "LMN-60031", "")
	wantTold(t, before, "school-pastoral-lead", "riverside-surgery", "police-safeguarding")
	if err := w.storyteller().exclude(t.Context(), four, "gp-riverside", "riverside-police"); err != nil {
		t.Fatal(err)
	}

	// Somebody who is on the same three columns, and whom the police never knew.
	three := w.known("Ivan Drew", map[ident.Column]string{"gp-riverside": "GP-60032", "school-pastoral": "S060032", "social-care": "LMN-60032"})
	three.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}, {"social-care", "school-pastoral"}}
	w.relate(t, three)
	// Somebody whom the police alone know, and publish.
	alone := w.known("Julia Eden", map[ident.Column]string{"police-riverside": "P/6033/26"})
	w.relate(t, alone)
	// Somebody like the first, but the police have published nothing.
	silent := w.known("Karl Finch", map[ident.Column]string{"gp-riverside": "GP-60034", "school-pastoral": "S060034", "social-care": "LMN-60034", "police-riverside": "P/6034/26"})
	silent.Correlates, silent.Excludes = four.Correlates, []ident.Agency{"riverside-police"}
	silent.Publishes = slices.DeleteFunc(silent.Publishes, func(p riverside.Publication) bool { return p.Column == "police-riverside" })
	w.relate(t, silent)

	for _, asker := range []struct {
		who    string
		column ident.Column
		two    []string
	}{
		{"mr-lindqvist", "social-care", []string{"school-pastoral-lead", "riverside-surgery"}},
		{"dr-patel", "gp-riverside", []string{"school-pastoral-lead", "childrens-assessment"}},
		{"ms-okafor", "school-pastoral", []string{"riverside-surgery", "childrens-assessment"}},
	} {
		a, with := w.ask(t, asker.who, asker.column, four.Identifiers[asker.column], "")
		wantTold(t, a, asker.two...)
		_, never := w.ask(t, asker.who, asker.column, three.Identifiers[asker.column], "")
		wantSame(t, "to "+asker.who+", a row with an excluded agency and one that never had it", with, never)
		_, with = w.ask(t, asker.who, asker.column, four.Identifiers[asker.column], "welfare-check")
		_, never = w.ask(t, asker.who, asker.column, three.Identifiers[asker.column], "welfare-check")
		wantSame(t, "to "+asker.who+", the same about a transaction that only the excluded agency and the surgery offer", with, never)
	}
	for name, q := range map[string][2]string{
		"somebody whom the police publish and who excludes them, and one whom only the police know": {"P/6031/26", "P/6033/26"},
		"somebody whom the police do not publish and who excludes them, and a number never seen":    {"P/6034/26", "P/6099/26"},
	} {
		for _, transaction := range []string{"", "joint-assessment"} {
			a, excluded := w.ask(t, "pc-dunne", "police-riverside", q[0], transaction)
			wantTold(t, a)
			_, absent := w.ask(t, "pc-dunne", "police-riverside", q[1], transaction)
			wantSame(t, name, excluded, absent)
		}
	}
	// The comparison sees what it should: the same row without the exclusion.
	_, now := w.ask(t, "mr-lindqvist", "social-care", "LMN-60031", "")
	if open.masked() == now.masked() {
		t.Error("the answers before and after the exclusion look the same")
	}
	if !strings.Contains(now.masked(), "# commitment") || anyID.MatchString(now.masked()) {
		t.Errorf("the mask hides too much or too little:\n%s", now.masked())
	}
}

// E2E-11 (PUB-08, PUB-09, QRY-05, QRY-11): the surgery and the clinic know
// somebody, who has the one blocked and the other kept to itself, after a warning
// of which the text's code is stored. Social care is answered as about somebody
// never seen; in an emergency it is told of the surgery, and that is recorded and
// reviewed; the clinic stays hidden. Taking the block back shows the
// surgery again.
func TestE2E11BlockCreatorOnlyAndTheEmergencyException(t *testing.T) {
	w := everyday(t)
	const abc, clinic, lmn = "GP-60011", "C60011A", "LMN-60011"
	who := w.known("Lena Gray", map[ident.Column]string{"gp-riverside": abc, "clinic-bridge": clinic, "social-care": lmn})
	who.Correlates = [][2]ident.Column{{"social-care", "gp-riverside"}, {"social-care", "clinic-bridge"}}
	w.relate(t, who)
	before, open := w.ask(t, "mr-lindqvist", "social-care", lmn, "")
	wantTold(t, before, "bridge-street-clinic", "riverside-surgery")
	// Somebody whom social care publishes, and who is on a row with nobody.
	alone := w.known("Mona Hill", map[ident.Column]string{"social-care": "LMN-60012"})
	w.relate(t, alone)

	hide := func(as string, column ident.Column, reach, warning string) string {
		t.Helper()
		proof, err := w.storyteller().proof(t.Context(), w.signedIn(t, as), who, column)
		if err != nil {
			t.Fatal(err)
		}
		a := w.send(t, as, http.MethodPost, w.Consent.URL+"/consent/v1/blocks", map[string]any{
			"proof": proof, "reach": reach, "warning": warning, "evidence": "spoken-and-noted",
		})
		var receipt struct{ Block string }
		if err := json.Unmarshal(a.body, &receipt); err != nil || a.status != http.StatusCreated {
			t.Fatalf("%s: %d %s", reach, a.status, a.body)
		}
		return receipt.Block
	}
	block := hide("dr-patel", "gp-riverside", "block", "effect-on-care-1")
	only := hide("nurse-tran", "clinic-bridge", "creator-only", "nobody-sees-it-2")
	admin := w.Admin(t)
	for id, want := range map[string]string{block: "block effect-on-care-1", only: "creator-only nobody-sees-it-2"} {
		var stored string
		err := admin.QueryRowContext(t.Context(), "select reach || ' ' || warning from consent.blocks where block_id = $1", id).Scan(&stored)
		if err != nil || stored != want {
			t.Errorf("stored is %q, want %q: %v", stored, want, err)
		}
	}

	for _, transaction := range []string{"", "joint-assessment"} {
		a, hidden := w.ask(t, "mr-lindqvist", "social-care", lmn, transaction)
		wantTold(t, a)
		_, absent := w.ask(t, "mr-lindqvist", "social-care", "LMN-60012", transaction)
		wantSame(t, "somebody whose two relationships are hidden, and somebody who has none", hidden, absent)
		if hidden.masked() == open.masked() {
			t.Error("the answers before and after look the same")
		}
	}
	if a, _ := w.ask(t, "dr-patel", "gp-riverside", abc, ""); !a.Published {
		t.Error("the surgery's own relationship is hidden from the surgery")
	}

	emergency := func(identifier string) (*relmgroas.Answer, answer) {
		t.Helper()
		q := enquiry("social-care", identifier, "")
		q["emergency"], q["reason"] = true, "risk-of-harm"
		raw := w.send(t, "mr-lindqvist", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/enquiries", q)
		a := new(relmgroas.Answer)
		if err := a.UnmarshalJSON(raw.body); err != nil || raw.status != http.StatusOK {
			t.Fatalf("in an emergency: %d %s", raw.status, raw.body)
		}
		return a, raw
	}
	a, _ := emergency(lmn)
	wantTold(t, a, "riverside-surgery")
	none, nothing := emergency("LMN-60012")
	wantTold(t, none)
	if _, asked := w.ask(t, "mr-lindqvist", "social-care", "LMN-60012", ""); asked.masked() != nothing.masked() {
		t.Error("an emergency that finds nothing can be told from a question that finds nothing")
	}
	for name, e := range map[string]struct {
		id   relmgroas.ID
		told int
	}{"one that found the surgery": {a.ID, 1}, "one that found nothing": {none.ID, 0}} {
		var told int
		err := admin.QueryRowContext(t.Context(), `select (select count(*) from relmgr.disclosures d where d.enquiry_id = e.enquiry_id)
			from relmgr.enquiries e join relmgr.reviews r on r.enquiry_id = e.enquiry_id where e.emergency and e.enquiry_id = $1`, string(e.id)).Scan(&told)
		if err != nil || told != e.told {
			t.Errorf("%s: recorded for review with %d disclosures, want %d: %v", name, told, e.told, err)
		}
		listed := w.send(t, "ms-novak", http.MethodGet, w.Relmgr.URL+"/relmgr/v1/reviews?purpose=co-ordinate-care&reason=working-with-person&limit=100", nil)
		if listed.status != http.StatusOK || !bytes.Contains(listed.body, []byte(e.id)) {
			t.Errorf("%s: social care's reviewer is not shown it: %d %s", name, listed.status, listed.body)
		}
	}

	back := w.send(t, "dr-patel", http.MethodPost, w.Consent.URL+"/consent/v1/blocks/"+block+"/withdrawal", map[string]any{"evidence": "spoken-and-noted"})
	if back.status >= 300 {
		t.Fatalf("taking the block back: %d %s", back.status, back.body)
	}
	now, _ := w.ask(t, "mr-lindqvist", "social-care", lmn, "")
	wantTold(t, now, "riverside-surgery")
}

// E2E-10, the index's half (IDX-01, IDX-10, COL-06): a night shelter, a charity, with its own list
// knows somebody by a bed and one name. It publishes, brings the person together with the
// clinic, and asks. That the entry is self-registered is the registrar's to say.
func TestE2E10AShelterAndSomebodyWithNoNumber(t *testing.T) {
	w := everyday(t)
	who := w.known("Abelard", map[ident.Column]string{"shelter": "bed-610", "clinic-bridge": "C60010Z"})
	who.Correlates = [][2]ident.Column{{"shelter", "clinic-bridge"}}
	w.relate(t, who)
	a, _ := w.ask(t, "sam-shelter", "shelter", "bed-610", "")
	wantTold(t, a, "bridge-street-clinic")
	if !a.Published || a.Providers[0].Offers[0].Contact.Value != "01632 960107" {
		t.Errorf("the shelter is told %+v", a)
	}
	back, _ := w.ask(t, "nurse-tran", "clinic-bridge", "C60010Z", "housing-referral")
	wantTold(t, back, "night-shelter")
	nobody, _ := w.ask(t, "sam-shelter", "shelter", "bed-611", "")
	wantTold(t, nobody)
}
