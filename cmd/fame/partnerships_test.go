package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// valleyDocument is a partnership that has nothing in common with Riverside but one
// member.
func valleyDocument(h hub) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join("testdata", "older-people.yaml"))
	if err != nil {
		return nil, err
	}
	js, _, err := partnership.FromYAML(bytes.ReplaceAll(text, []byte("ISSUER"), []byte(h.localIssuer())))
	return js, err
}

// valleys are the columns of the valley, one for each kind of provider and one for the
// surgery, with who acts for it.
var valleys = []struct {
	column             ident.Column
	who, id, told, kin string
}{
	{"gp-riverside", "dr-patel", "GP-60700", "riverside-surgery", "agency"},
	{"evans", "nurse-evans", "60701", "nurse-evans", "named-person"},
	{"discharge", "mr-price", "60702", "discharge-lead", "role"},
	{"falls", "ms-bowen", "60703", "falls-team", "team"},
	{"memory", "mr-price", "60704", "memory-clinic", "unit"},
	{"tea", "mrs-tegan", "60705", "tea-and-company", "agency"},
}

func valleyDecision(column ident.Column) map[string]any {
	power := "social-services-act-2014"
	if column == "tea" {
		power = "objects"
	}
	return map[string]any{
		"agreement": "home-again", "power": power, "purposes": []string{"come-home"}, "aspects": []string{"relationship"}, "audience": map[string]any{"partnership": true},
		"proportionality": map[string]any{"necessary": true, "safeguards": true, "aim": "health"}, "ground": "public-interest", "reason": "caring-for-person",
		"conditions": map[string]any{"ordinary": "art6-public-task"}, "until": time.Now().AddDate(1, 0, 0).UTC().Truncate(time.Second),
	}
}

func valleyEnquiry(column ident.Column, identifier string) map[string]any {
	return map[string]any{"column": column, "identifier": identifier, "purpose": "come-home", "reason": "caring-for-person", "concerning": "adult"}
}

// XCU-01, XCU-09, COL-01, COL-02, COL-05, COL-06, IDX-06: one installation serves two
// partnerships that are unlike in everything, by their documents alone. In the second
// a provider of each of the five kinds stands at the head of a column, a charity's like
// a hospital's, and each is found by all others; no agency's own system is running. The surgery, which is in both under
// one name and with one identifier for somebody, finds in neither what it did in the
// other, and no login of one hub reaches the other's database.
func TestOneInstallationServesTwoUnlikePartnershipsApart(t *testing.T) {
	w := everyday(t)
	v := newPartnership(t, cluster(t), "valley", valleyDocument).explained(t)

	var codes []string
	for _, c := range valleys {
		made := v.send(t, c.who, http.MethodPost, v.Relmgr.URL+"/relmgr/v1/relationships", map[string]any{
			"column": c.column, "identifier": c.id, "role": "carer", "mode": "imposed", "reason": "caring-for-person", "decision": valleyDecision(c.column),
			"offers": []any{map[string]any{"kind": "will-co-ordinate", "transactions": []string{"discharge"}, "contact": "desk"}},
		})
		if made.status != http.StatusCreated {
			t.Fatalf("a provider that is a %s publishes: %d %s", c.kin, made.status, made.body)
		}
		if c.column == "gp-riverside" {
			continue
		}
		paired := v.send(t, c.who, http.MethodPost, v.Relmgr.URL+"/relmgr/v1/pairings", map[string]any{"column": c.column, "identifier": c.id, "decision": valleyDecision(c.column)})
		var p struct{ Code string }
		if err := json.Unmarshal(paired.body, &p); err != nil || p.Code == "" {
			t.Fatalf("pair: %d %s", paired.status, paired.body)
		}
		codes = append(codes, p.Code)
	}
	for _, code := range codes {
		joined := v.send(t, "dr-patel", http.MethodPost, v.Relmgr.URL+"/relmgr/v1/correlations", map[string]any{
			"column": "gp-riverside", "identifier": "GP-60700", "pairing": code, "mode": "imposed", "reason": "same-person", "decision": valleyDecision("gp-riverside")})
		if joined.status != http.StatusAccepted {
			t.Fatalf("correlate: %d %s", joined.status, joined.body)
		}
	}
	for _, c := range valleys {
		var want []string
		for _, other := range valleys {
			if other.column != c.column {
				want = append(want, other.told)
			}
		}
		raw := v.send(t, c.who, http.MethodPost, v.Relmgr.URL+"/relmgr/v1/enquiries", valleyEnquiry(c.column, c.id))
		a := new(relmgroas.Answer)
		if err := a.UnmarshalJSON(raw.body); err != nil {
			t.Fatalf("a %s asks: %d %s", c.kin, raw.status, raw.body)
		}
		got := providersOf(a)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || !a.Published {
			t.Errorf("a %s is told of %v, want %v", c.kin, got, want)
		}
	}

	// The other partnership, where the same surgery calls the same person the same.
	told, _ := w.ask(t, "dr-patel", "gp-riverside", "GP-60700", "")
	wantTold(t, told)
	if told.Published {
		t.Error("what the surgery published in one partnership is published in the other")
	}
	who := w.known("Gwen Vale", map[ident.Column]string{"gp-riverside": "GP-60710", "social-care": "LMN-60710"})
	who.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}}
	w.relate(t, who)
	a := new(relmgroas.Answer)
	raw := v.send(t, "dr-patel", http.MethodPost, v.Relmgr.URL+"/relmgr/v1/enquiries", valleyEnquiry("gp-riverside", "GP-60710"))
	if err := a.UnmarshalJSON(raw.body); err != nil || len(a.Providers) > 0 || a.Published {
		t.Errorf("what Riverside knows is told in the valley: %s", raw.body)
	}
	v.send(t, "mr-lindqvist", http.MethodPost, v.Relmgr.URL+"/relmgr/v1/enquiries", valleyEnquiry("gp-riverside", "GP-60710")).problem(t, http.StatusForbidden)

	for _, pair := range [][2]*hubtest.Hub{{w.Hub, v.Hub}, {v.Hub, w.Hub}} {
		for _, duty := range []string{"governance", "relmgr", "consent", "registrar", "idmgr"} {
			own := pair[0].Config(t, duty).Database
			other := strings.Replace(own, "dbname='"+pair[0].Name+"'", "dbname='"+pair[1].Name+"'", 1)
			if own == other {
				t.Fatalf("the database of %s is named in another way: %s", duty, pair[0].Name)
			}
			hubtest.Open(t, own) // reaches its own
			if db, err := pg.Open(t.Context(), other); err == nil || !strings.Contains(err.Error(), "insufficient_privilege") {
				t.Errorf("%s of %s reaches the database of %s: %v, %v", duty, pair[0].Name, pair[1].Name, db, err)
			}
		}
	}
}

// COL-01, COL-02, REG-16, XCU-10: a column has exactly one provider of the register, of one
// of the five kinds, and its agency is a member; nothing is allowed to all, for all or about
// all, since there is no code for it.
func TestADocumentThatNamesWhatIsNotRegisteredIsRefused(t *testing.T) {
	w := everyday(t)
	agreement := func(change func(a map[string]any)) func(map[string]any) {
		return func(doc map[string]any) { change(list(doc, "agreements")[0].(map[string]any)) }
	}
	column := func(change func(c map[string]any)) func(map[string]any) {
		return func(doc map[string]any) { change(list(doc, "columns")[0].(map[string]any)) }
	}
	for name, edit := range map[string]func(map[string]any){
		"a column without a provider":          column(func(c map[string]any) { delete(c, "provider") }),
		"a column of two providers":            column(func(c map[string]any) { c["provider"] = []any{"riverside-surgery", "dr-patel-list"} }),
		"a column of an unregistered provider": column(func(c map[string]any) { c["provider"] = "somebody-else" }),
		"a column of an unregistered agency":   column(func(c map[string]any) { c["agency"] = "somebody-else" }),
		"a provider of a sixth kind":           func(doc map[string]any) { list(doc, "providers")[0].(map[string]any)["kind"] = "machine" },
		"a provider of an unregistered agency": func(doc map[string]any) { list(doc, "providers")[0].(map[string]any)["agency"] = "somebody-else" },
		"an agreement for all purposes":        agreement(func(a map[string]any) { a["purposes"] = []any{"*"} }),
		"an agreement for no purpose":          agreement(func(a map[string]any) { a["purposes"] = []any{} }),
		"an agreement about all aspects":       agreement(func(a map[string]any) { a["aspects"] = []any{"all"} }),
		"an agreement about no aspect":         agreement(func(a map[string]any) { a["aspects"] = []any{} }),
		"an agreement of everybody":            agreement(func(a map[string]any) { a["parties"] = []any{"*"} }),
		"any role may ask":                     agreement(func(a map[string]any) { a["roles"].(map[string]any)["enquire"] = []any{"*"} }),
		"a role that is not in the codes asks": agreement(func(a map[string]any) { a["roles"].(map[string]any)["enquire"] = []any{"all"} }),
		"a power for all purposes":             func(doc map[string]any) { list(doc, "powers")[0].(map[string]any)["purposes"] = []any{"*"} },
		"a user in every role":                 func(doc map[string]any) { list(doc, "practitioners")[0].(map[string]any)["roles"] = []any{"*"} },
	} {
		var doc map[string]any
		if err := json.Unmarshal(w.document, &doc); err != nil {
			t.Fatal(err)
		}
		edit(doc)
		got := w.send(t, "gov-ellis", http.MethodPut, w.Governance.URL+"/governance/v1/partnership?dry_run=true", doc)
		if got.status != http.StatusBadRequest && got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %.200s", name, got.status, got.body)
		}
	}
	if got := w.send(t, "gov-ellis", http.MethodPut, w.Governance.URL+"/governance/v1/partnership?dry_run=true", json.RawMessage(w.document)); got.status != http.StatusOK {
		t.Errorf("the document as it is: %d %.200s", got.status, got.body)
	}
}

// XCU-17, XCU-02: a policy, a column, a purpose and a rule of the partnership are changed by
// a governance officer over HTTP, and each change is an act that shows what was and what is.
func TestEachChangeOfTheTermsIsAnActWithBeforeAndAfter(t *testing.T) {
	v := newPartnership(t, cluster(t), "dale", valleyDocument).explained(t)
	said, err := os.ReadFile(filepath.Join("..", "..", "docs", "what-you-decide.md"))
	if err != nil {
		t.Fatal(err)
	}
	type act struct {
		Kind, Practitioner, Role, Commitment string
		Changes                              []struct{ Change, Pointer, From, To string }
	}
	acts := func() []act {
		var page struct{ Acts []act }
		got := v.send(t, "office-rees", http.MethodGet, v.Governance.URL+"/governance/v1/acts", nil)
		if err := json.Unmarshal(got.body, &page); err != nil {
			t.Fatalf("%d %s", got.status, got.body)
		}
		return page.Acts
	}
	doc := map[string]any{}
	if err := json.Unmarshal(v.document, &doc); err != nil {
		t.Fatal(err)
	}
	for part := range doc {
		if !strings.Contains(string(said), "`"+part+"`") {
			t.Errorf("docs/what-you-decide.md does not say who decides on %s", part)
		}
	}
	for _, c := range []struct {
		what, pointer, from, to string
		edit                    func()
	}{
		{"a policy", "/agreements/home-again/review", `"2029-01-01"`, `"2028-01-01"`, func() { list(doc, "agreements")[0].(map[string]any)["review"] = "2028-01-01" }},
		{"a column", "/columns/tea/pattern", `"[0-9]{5}"`, `"[0-9]{6}"`, func() {
			tea := list(doc, "columns")[5].(map[string]any)
			tea["pattern"], tea["example"] = "[0-9]{6}", "123456"
		}},
		{"a purpose", "/codes/purposes/company/title", `"Keep company"`, `"Keep somebody company"`, func() {
			list(doc["codes"].(map[string]any), "purposes")[1].(map[string]any)["title"] = "Keep somebody company"
		}},
		{"a rule", "/settings/pairing_minutes", "30", "20", func() { doc["settings"].(map[string]any)["pairing_minutes"] = 20 }},
	} {
		before := len(acts())
		c.edit()
		if got := v.send(t, "office-rees", http.MethodPut, v.Governance.URL+"/governance/v1/partnership", doc); got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", c.what, got.status, got.body)
		}
		now := acts()
		if len(now) != before+1 || now[0].Kind != "apply" || now[0].Practitioner != "office-rees" || now[0].Role != "governance-officer" || now[0].Commitment == "" {
			t.Fatalf("%s: %d acts in place of %d, the newest %+v", c.what, len(now), before, now[0])
		}
		if !slices.ContainsFunc(now[0].Changes, func(d struct{ Change, Pointer, From, To string }) bool {
			return d.Change == "replace" && d.Pointer == c.pointer && d.From == c.from && d.To == c.to
		}) {
			t.Errorf("%s: the act shows %+v", c.what, now[0].Changes)
		}
	}
}

// XCU-08: a second process of a duty takes half of the work, on the same database and with the same keys; when
// one of the two is killed the other goes on, and nothing of either is lost.
func TestASecondProcessOfADutySharesTheWork(t *testing.T) {
	w := everyday(t)
	c := w.Config(t, "relmgr")
	c.Listen, c.Metrics = hubtest.FreePort(t), ""
	second := w.Another(t, "relmgr-second", c)
	second.WaitReady(t)

	who := w.known("Hugo Penn", map[ident.Column]string{"gp-riverside": "GP-60720", "social-care": "LMN-60720"})
	who.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}}
	w.relate(t, who) // by the first
	count := func() (n int) {
		if err := w.Admin(t).QueryRowContext(t.Context(), "select count(*) from relmgr.enquiries e join relmgr.handles h using (handle_id) where h.column_id = 'social-care' and e.practitioner_id = 'mr-lindqvist'").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before, asked := count(), 0
	ask := func(at string) {
		raw := w.send(t, "mr-lindqvist", http.MethodPost, at+"/relmgr/v1/enquiries", enquiry("social-care", "LMN-60720", ""))
		a := new(relmgroas.Answer)
		if err := a.UnmarshalJSON(raw.body); err != nil {
			t.Fatalf("%d %s", raw.status, raw.body)
		}
		wantTold(t, a, "riverside-surgery")
		asked++
	}
	for range 10 {
		ask(w.Relmgr.URL)
		ask(second.URL)
	}
	// What one publishes the other knows at once.
	late := riverside.Person{Imposed: "significant-harm", Reason: "risk-of-harm", Identifiers: map[ident.Column]string{"gp-riverside": "GP-60721"}}
	made := w.send(t, "dr-brandt", http.MethodPost, second.URL+"/relmgr/v1/relationships", map[string]any{
		"column": "gp-riverside", "identifier": late.Identifiers["gp-riverside"], "role": "gp", "mode": "imposed", "reason": "working-with-person",
		"offers": []any{map[string]any{"kind": "wants-to-be-informed", "contact": "desk"}}, "decision": w.proposal(t, "gp-riverside"),
	})
	if made.status != http.StatusCreated {
		t.Fatalf("%d %s", made.status, made.body)
	}
	if a, _ := w.ask(t, "dr-patel", "gp-riverside", "GP-60721", ""); !a.Published {
		t.Error("what one process published the other does not know")
	}
	second.Kill(t)
	ask(w.Relmgr.URL)
	if got := count() - before; got != asked {
		t.Errorf("%d questions were answered and %d are recorded", asked, got)
	}
}
