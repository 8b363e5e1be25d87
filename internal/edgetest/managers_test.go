package edgetest_test

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/api/idmgrapi"
	"github.com/fame-hub/fame/idmgr"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/internal/serve"
	"github.com/fame-hub/fame/relmgr"
	"github.com/go-jose/go-jose/v4"
	"github.com/prometheus/client_golang/prometheus"
)

// fourCornered is Riverside whose agencies each have a manager of their own.
func fourCornered(doc map[string]any) {
	withOldColumn(doc)
	entryOf(doc, "agreements", "code", "riverside-children")["trust"] = object{"model": "four-cornered"}
}

// others are the second managers of hubs that have one: their addresses.
var others sync.Map

// ofAnother has f send to another identity manager of the hub, which carries out what
// people say themselves. It is a process's worth of its own: another key file.
func (h *hub) ofAnother(f func()) {
	h.t.Helper()
	at, ok := others.Load(h)
	if !ok {
		dir := h.t.TempDir()
		keys, err := seal.CreateFile(filepath.Join(dir, "own.keys"), filepath.Join(dir, "own.identity"))
		h.must(err)
		p := &process.Process{
			Config: process.Config{Duty: "idmgr", Hub: hubID, HandleKeys: h.handleKeys, Manager: "own-word"},
			DB:     h.base.DB(h.t, "idmgr"), Keys: keys, Now: h.now, Logger: slog.New(slog.DiscardHandler), Registry: prometheus.NewRegistry(),
		}
		h.t.Cleanup(func() { p.Close() })
		part, err := idmgrapi.Wire(h.t.Context(), p)
		h.must(err)
		server := httptest.NewServer(serve.Mount(nil, part.Handlers()))
		h.t.Cleanup(server.Close)
		others.Store(h, server.URL)
		at = server.URL
	}
	was := h.url
	h.url = at.(string)
	defer func() { h.url = was }()
	f()
}

// ruled has a manager's rules be live, once.
func (h *hub) ruled(as, authority string) {
	h.t.Helper()
	for _, v := range h.ok(as, "GET", "/idmgr/v1/rules", nil)["versions"].([]any) {
		if v.(object)["in_effect"] == true {
			return
		}
	}
	h.live(as, h.rulesOf(authority))
}

// grant has the person's own manager grant social care the surgery's relationship, and
// returns the token.
func (h *hub) grant(gp string) (token, effect string) {
	h.t.Helper()
	g := h.granting(h.managersProof("dr-patel", "gp-riverside", gp))
	g["evidence"] = "spoken-and-noted"
	h.ofAnother(func() {
		h.ruled("jo-shelter", "instruction")
		made := h.ok("dr-patel", "POST", "/idmgr/v1/grants", g)
		token, effect = made["token"].(string), made["effect"].(string)
	})
	return token, effect
}

// withhold has the service's manager keep it from social care.
func (h *hub) withhold(gp string) (effect string) {
	h.t.Helper()
	h.ruled("ms-novak", "policy")
	return h.ok("dr-patel", "POST", "/idmgr/v1/withholdings", h.withholding(h.managersProof("dr-patel", "gp-riverside", gp)))["effect"].(string)
}

var elsewhere = agreed{audience: object{"agencies": []string{"hillside-school"}}}

// What identity managers keep back is one more way to hide.
var scenesOfManagers = []scene{
	{name: "withheld by an identity manager", own: "joined", emergency: true, prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.withhold(gp) }
	}},
	{name: "granted by one manager and withheld by another, to one who does not bear the grant", own: "joined", emergency: true, asks: true,
		prepare: func(h *hub, social, gp string) func() {
			related(h, social, gp, elsewhere)
			h.grant(gp)
			return func() {
				h.withhold(gp)
				h.ask(social, "") // the first to ask is told nothing, and the case is noted
			}
		}},
	{name: "granted, and the grant withdrawn", own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, elsewhere)
		_, effect := h.grant(gp)
		return func() {
			h.ofAnother(func() {
				h.ok("dr-patel", "POST", "/idmgr/v1/grants/"+effect+"/withdrawal", object{"reason": "subject-asked"})
			})
		}
	}},
	{name: "a grant of a relationship whose consent is withdrawn", own: "joined", prepare: func(h *hub, social, gp string) func() {
		_, consent, _, _ := related(h, social, gp, elsewhere)
		h.grant(gp)
		return func() { h.withdrawConsent("dr-patel", consent) }
	}},
	{name: "granted, and blocked by the person", own: "joined", emergency: true, prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, elsewhere)
		h.grant(gp)
		return func() { h.block("dr-patel", "gp-riverside", gp, "block") }
	}},
	{name: "a private link of the asker's own", own: "", prepare: func(h *hub, social, gp string) func() {
		h.linked(gp, "mr-lindqvist", "social-care", social)
		return nil
	}},
	{name: "a private link of two others", own: "joined", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, elsewhere)
		h.linked(gp, "ms-okafor", "school-pastoral", schoolOf(gp))
		return nil
	}},
}

// linked has the surgery and somebody else bring their identifiers together in a
// private link, which nobody but they know of.
func (h *hub) linked(gp, as, column, identifier string) (link string) {
	h.t.Helper()
	d := h.granting("")["decision"]
	o := h.ok("dr-patel", "POST", "/idmgr/v1/links", object{
		"proof": h.managersProof("dr-patel", "gp-riverside", gp), "to": column, "contact": "desk", "purpose": "co-ordinate-care", "aspects": []string{"relationship"},
		"until": h.until(30 * 24 * time.Hour), "decision": d, "agreed": object{"evidence": "spoken-and-noted", "wording": "leaflet-3", "competent": true},
	})
	h.ok(as, "POST", "/idmgr/v1/acceptances", object{"proof": h.managersProof(as, column, identifier), "code": o["code"], "reason": "working-with-person"})
	return o["link"].(string)
}

// IDM-07, IDM-08, IDM-12 to 14, QRY-11, invariant 5: what identity managers keep back,
// and a private link, cannot be told from what is not there, by any operation.
func TestWhatManagersKeepBackCannotBeToldFromWhatIsNotThere(t *testing.T) {
	t.Parallel()
	h, l := watched(t, setting{document: fourCornered})
	table := &table{hub: h, l: l, probes: probes, all: thorough(), absent: map[string]map[string]observed{}}
	for _, s := range scenesOfManagers {
		table.play(s)
	}
}

// IDM-10, IDM-14, TRU-04: only who bears the grant that clashes hears of it; of anybody
// else, and once it is over, they see what others do.
func TestOnlyTheBearerOfAClashingGrantHearsThatItIsEscalated(t *testing.T) {
	t.Parallel()
	h, _ := watched(t, setting{document: fourCornered})
	related(h, "LMN-00011", "GP-00011", elsewhere)
	related(h, "LMN-00012", "GP-00012", elsewhere)
	token, effect := h.grant("GP-00011")
	other, _ := h.grant("GP-00012")
	enquire := func(identifier, grant string) (status int, escalated any, told int) {
		t.Helper()
		q := toAsk(asked{social: identifier}, nil)
		if grant != "" {
			q["grant"] = grant
		}
		r := post(h, "/relmgr/v1/enquiries", q)
		r.as = asker
		a := h.send(r)
		if a.status != 200 {
			return a.status, nil, 0
		}
		var body object
		h.must(json.Unmarshal(a.body, &body))
		return a.status, body["escalated"], len(body["providers"].([]any))
	}
	want := func(what, identifier, grant string, status int, escalated bool, told int) {
		t.Helper()
		s, e, n := enquire(identifier, grant)
		if s != status || (e != nil) != escalated || n != told {
			t.Errorf("%s: %d, escalated %v, told of %d", what, s, e, n)
		}
	}
	want("granted", "LMN-00011", token, 200, false, 1)
	withholding := h.withhold("GP-00011")
	want("withheld, bearing it", "LMN-00011", token, 200, true, 0)
	want("withheld, bearing nothing", "LMN-00011", "", 200, false, 0)
	want("withheld, bearing another's", "LMN-00011", other, 200, false, 0)
	want("somebody else, bearing it", "LMN-00012", token, 200, false, 1)
	want("nobody, bearing it", "LMN-00019", token, 200, false, 0)
	h.ok("dr-patel", "POST", "/idmgr/v1/withholdings/"+withholding+"/withdrawal", object{"reason": "work-ended"})
	want("withheld no more", "LMN-00011", token, 200, false, 1)
	h.ofAnother(func() {
		h.ok("dr-patel", "POST", "/idmgr/v1/grants/"+effect+"/withdrawal", object{"reason": "work-ended"})
	})
	want("granted no more, bearing it", "LMN-00011", token, 403, false, 0)
	want("granted no more", "LMN-00011", "", 200, false, 0)
	// The case of what is over is settled.
	for _, c := range h.ok("adj-amin", "GET", "/idmgr/v1/cases", nil)["cases"].([]any) {
		if c.(object)["state"] != "settled" {
			t.Errorf("a clash that is over: %v", c)
		}
	}
}

// TRU-01, TRU-02, TRU-06, TRU-08, TRU-09: under one agreement after the other, by a change
// of the document alone: four-cornered, any manager's grant counts; direct, none does,
// and nothing was lost; with a third party nothing is told that it has not granted, and to whom
// one turns stands in every answer.
func TestTheModelOfTrustIsTheAgreements(t *testing.T) {
	t.Parallel()
	h, _ := watched(t, setting{document: fourCornered})
	related(h, "LMN-00021", "GP-00021", elsewhere)
	related(h, "LMN-00022", "GP-00022", agreed{})
	h.grant("GP-00021")
	trust := func(v any) {
		t.Helper()
		h.change(func(doc object) {
			a := entry(t, doc, "agreements", "code", "riverside-children")
			if delete(a, "trust"); v != nil {
				a["trust"] = v
			}
		})
	}
	told := func(identifier string) (n int, recourse any) {
		t.Helper()
		a := h.ok(asker, "POST", "/relmgr/v1/enquiries", toAsk(asked{social: identifier}, nil))
		return len(a["providers"].([]any)), a["recourse"]
	}
	for _, step := range []struct {
		what             string
		trust            any
		granted, decided int
		recourse         bool
	}{
		{"four-cornered", object{"model": "four-cornered"}, 1, 1, false},
		{"direct", nil, 0, 1, false},
		{"with the granting third party", object{"model": "third-party", "party": "own-word"}, 1, 0, true},
		{"with another third party", object{"model": "third-party", "party": "local-links"}, 0, 0, true},
		{"four-cornered again", object{"model": "four-cornered"}, 1, 1, false},
	} {
		trust(step.trust)
		granted, _ := told("LMN-00021")
		decided, _ := told("LMN-00022")
		nobody, recourse := told("LMN-00029")
		if granted != step.granted || decided != step.decided || nobody != 0 || (recourse != nil) != step.recourse {
			t.Errorf("%s: told of %d by the grant, of %d by the holder's decision, of %d of nobody; recourse %v", step.what, granted, decided, nobody, recourse)
		}
	}
}

// IDM-13, IDM-15: a service's rule keeps from the reasons below its threshold; a draft is
// tried against what was asked, and changes nothing until it goes live; then a person who
// is under it is kept by what it says now.
func TestARuleIsTriedBeforeItGoesLiveAndFollowedAfter(t *testing.T) {
	t.Parallel()
	h, _ := watched(t, setting{document: fourCornered})
	related(h, "LMN-00031", "GP-00031", agreed{})
	h.withhold("GP-00031")
	ask := func(reason string) int {
		t.Helper()
		return len(h.ok(asker, "POST", "/relmgr/v1/enquiries", toAsk(asked{social: "LMN-00031"}, object{"reason": reason}))["providers"].([]any))
	}
	if ask("working-with-person") != 0 || ask("risk-of-harm") != 1 {
		t.Error("the threshold of the rule is not kept")
	}
	draft := h.rulesOf("policy")
	draft["rules"].([]object)[1]["reasons"] = []string{"risk-of-harm"}
	d := h.ok("ms-novak", "POST", "/idmgr/v1/rules", draft)
	seen := map[string]object{}
	for _, p := range d["predicted"].([]any) {
		if p := p.(object); p["column"] == askers && p["emergency"] == false {
			seen[p["reason"].(string)] = p
		}
	}
	holds := func(list any, rule string) bool {
		for _, r := range list.([]any) {
			if r == rule {
				return true
			}
		}
		return false
	}
	const rule = "keep-from-social-care"
	if low, high := seen["working-with-person"], seen["risk-of-harm"]; low == nil || high == nil || !holds(low["now"], rule) || holds(low["then"], rule) ||
		holds(high["now"], rule) || !holds(high["then"], rule) || low["enquiries"].(float64) < 1 {
		t.Errorf("the draft would have come to %v", d["predicted"])
	}
	if ask("risk-of-harm") != 1 {
		t.Error("a draft is followed before it is live")
	}
	h.ok("ms-novak", "POST", "/idmgr/v1/rules/"+text(d["version"])+"/activation", object{"reason": "working-with-person"})
	if ask("working-with-person") != 1 || ask("risk-of-harm") != 0 {
		t.Error("what went live is not followed")
	}
	d = h.ok("ms-novak", "POST", "/idmgr/v1/rules", object{"reason": "work-ended", "rules": []object{}})
	h.ok("ms-novak", "POST", "/idmgr/v1/rules/"+text(d["version"])+"/activation", object{"reason": "work-ended"})
	if ask("risk-of-harm") != 1 {
		t.Error("a rule that is gone withholds still")
	}
}

// cases are those that somebody sees, by where they came from.
func (h *hub) cases(as string) map[string][]object {
	h.t.Helper()
	all := map[string][]object{}
	for _, c := range h.ok(as, "GET", "/idmgr/v1/cases", nil)["cases"].([]any) {
		c := c.(object)
		all[c["source"].(string)] = append(all[c["source"].(string)], c)
	}
	return all
}

func (h *hub) tryRuling(as, ref, outcome string) int {
	r := post(h, "/idmgr/v1/cases/"+ref+"/rulings", object{"outcome": outcome, "reason": "subject-asked"})
	r.as = as
	return h.send(r).status
}

func (h *hub) tryAppeal(as, ref string) int {
	r := post(h, "/idmgr/v1/cases/"+ref+"/appeals", object{"reason": "subject-asked"})
	r.as = as
	return h.send(r).status
}

// TRU-04, TRU-05, A-09: a case moves up where nobody rules in time, once each time, and
// ends at the final owner, where it waits and is counted; an appeal after its deadline, or
// against the final owner, is none; the parties do not rule.
func TestACaseMovesUpToTheFinalOwnerAndStaysThere(t *testing.T) {
	t.Parallel()
	h, _ := watched(t, setting{document: fourCornered})
	const day = 24 * time.Hour
	first := h.caseOf("LMN-00041", "GP-00041", "adj-amin")
	if h.tryRuling("adj-costa", first, "upheld") != 403 {
		t.Error("the panel rules before it is asked")
	}
	h.clock.pass(15 * day)
	if c := h.cases("adj-amin")["joint-refused"][0]; c["state"] != "waiting" || c["level"] != "The appeal panel of the partnership" || len(c["steps"].([]any)) != 2 {
		t.Errorf("after its first deadline: %v", c)
	}
	h.clock.pass(90 * day)
	if c := h.cases("adj-amin")["joint-refused"][0]; c["state"] != "waiting" || len(c["steps"].([]any)) != 2 {
		t.Errorf("long after the last deadline: %v", c)
	}
	if h.measure()["idmgr fame_cases_overdue"] != 1 {
		t.Error("a case that waits past its last deadline is not counted")
	}
	if h.tryRuling("adj-amin", first, "upheld") != 403 {
		t.Error("the first level rules on what has moved up")
	}
	if h.tryRuling("adj-costa", first, "upheld") != 201 || h.tryRuling("adj-costa", first, "dismissed") != 409 {
		t.Error("the final owner does not rule, once")
	}
	party := h.cases("dr-patel")["joint-refused"][0]
	if party["as"] != "party" || party["state"] != "final" || party["steps"] != nil {
		t.Errorf("a party sees %v", party)
	}
	if h.tryAppeal("dr-patel", party["case"].(string)) != 409 {
		t.Error("there is an appeal against the final owner")
	}

	second := h.caseOf("LMN-00042", "GP-00042", "adj-amin")
	if h.tryRuling("adj-amin", second, "dismissed") != 201 {
		t.Error("the first level does not rule")
	}
	var ours string
	for _, c := range h.cases("dr-patel")["joint-refused"] {
		if c["state"] == "ruled" {
			ours = c["case"].(string)
		}
	}
	h.clock.pass(15 * day)
	if h.tryAppeal("dr-patel", ours) != 409 {
		t.Error("an appeal after its deadline is taken")
	}
}

// TRU-03: what becomes a case beside a clash, and is settled when it is seen to where it
// came from: a dispute that nobody settles, an emergency that nobody reviews.
func TestWhatIsSeenToWhereItCameFromIsSettled(t *testing.T) {
	t.Parallel()
	h, _ := watched(t, setting{document: fourCornered})
	related(h, "LMN-00051", "GP-00051", agreed{})
	dispute := h.dispute("mr-lindqvist", "social-care", "LMN-00051")
	h.ok(asker, "POST", "/relmgr/v1/enquiries", toAsk(asked{social: "LMN-00052"}, object{"emergency": true, "reason": "risk-of-harm"}))
	if all := h.cases("adj-amin"); len(all) != 0 {
		t.Errorf("before anything is due: %v", all)
	}
	h.clock.pass(15 * 24 * time.Hour)
	all := h.cases("adj-amin")
	if len(all["dispute"]) != 1 || len(all["emergency-unreviewed"]) != 1 || len(all) != 2 {
		t.Fatalf("what is due: %v", all)
	}
	if h.tryRuling("adj-amin", all["dispute"][0]["case"].(string), "grant") != 422 {
		t.Error("a dispute is ruled on as if it were a clash")
	}
	h.judgeAll()
	h.ok("mr-lindqvist", "POST", "/relmgr/v1/disputes/"+dispute+"/settlement", object{"holds": []string{}, "reason": "same-person-found"})
	all = h.cases("adj-amin")
	for _, source := range []string{"dispute", "emergency-unreviewed"} {
		if len(all[source]) != 1 || all[source][0]["state"] != "settled" {
			t.Errorf("%s, seen to: %v", source, all[source])
		}
	}
	// TRU-05: another is ruled on, and relmgr does what was ruled once it binds.
	related(h, "LMN-00053", "GP-00053", agreed{})
	h.dispute("mr-lindqvist", "social-care", "LMN-00053")
	h.clock.pass(15 * 24 * time.Hour)
	for _, c := range h.cases("adj-amin")["dispute"] {
		if c["state"] == "waiting" {
			if got := h.tryRuling("adj-amin", c["case"].(string), "dismissed"); got != 201 {
				t.Errorf("ruling on the dispute is answered %d", got)
			}
		}
	}
	knows := func() bool { return strings.Contains(string(h.ask("LMN-00053", "").body), "riverside-surgery") }
	carried := func(want int) {
		t.Helper()
		s, err := relmgr.New(t.Context(), relmgr.Config{DB: h.base.DB(t, "relmgr"), Keys: h.keys["relmgr"], Now: h.now})
		h.must(err)
		defer s.Close()
		if n, err := s.TakeRulings(t.Context()); err != nil || n != want {
			t.Errorf("%d rulings are carried out, %v: want %d", n, err, want)
		}
	}
	carried(0)
	if knows() {
		t.Error("before the ruling binds what is disputed is told")
	}
	h.clock.pass(45 * 24 * time.Hour)
	carried(1)
	if !knows() {
		t.Error("after the dispute was dismissed nobody is told")
	}
}

// TRU-04: however many meet it and take it in at once, a clash is one case; of two who
// rule on it at once one does.
func TestAClashIsOneCaseHoweverManyAreAtIt(t *testing.T) {
	t.Parallel()
	h, _ := watched(t, setting{document: func(doc map[string]any) {
		fourCornered(doc)
		for _, name := range []string{"adj-two", "adj-three"} {
			more := maps.Clone(entryOf(doc, "practitioners", "id", "adj-amin"))
			more["id"], more["subject"] = name, name
			doc["practitioners"] = append(doc["practitioners"].([]any), more)
		}
	}})
	related(h, "LMN-00061", "GP-00061", elsewhere)
	h.grant("GP-00061")
	h.withhold("GP-00061")
	together := func(n int, f func(i int) int) map[int]int {
		t.Helper()
		statuses, wait := make([]int, n), sync.WaitGroup{}
		for i := range n {
			wait.Go(func() { statuses[i] = f(i) })
		}
		wait.Wait()
		counts := map[int]int{}
		for _, s := range statuses {
			counts[s]++
		}
		return counts
	}
	who := []string{"adj-amin", "adj-two", "adj-three"}
	for _, name := range append(who, asker) {
		h.token(name)
	}
	ask := post(h, "/relmgr/v1/enquiries", toAsk(asked{social: "LMN-00061"}, nil))
	ask.as = asker
	if got := together(8, func(int) int { return h.send(ask).status }); got[200] != 8 {
		t.Errorf("eight ask at once: %v", got)
	}
	if got := together(9, func(i int) int { return h.send(request{as: who[i%3], method: "GET", target: "/idmgr/v1/cases"}).status }); got[200] != 9 {
		t.Errorf("nine take it in at once: %v", got)
	}
	all := h.cases("adj-amin")["clash"]
	if len(all) != 1 {
		t.Fatalf("one clash: %v", all)
	}
	if got := together(3, func(i int) int { return h.tryRuling(who[i], all[0]["case"].(string), "withhold") }); got[201] != 1 || got[409] != 2 {
		t.Errorf("three rule at once: %v", got)
	}
	var cases, steps, acts int
	h.must(h.admin.QueryRow(`select (select count(*) from idmgr.cases), (select count(*) from idmgr.case_steps), (select count(*) from idmgr.acts where kind in ('open', 'rule'))`).Scan(&cases, &steps, &acts))
	if cases != 1 || steps != 2 || acts != 2 {
		t.Errorf("%d cases of %d steps and %d acts", cases, steps, acts)
	}
}

// TRU-05: nobody rules who is a party to it, whatever the document says of their role:
// it waits for its deadline, and for the next level.
func TestAPartyDoesNotRule(t *testing.T) {
	t.Parallel()
	h, _ := watched(t, setting{document: func(doc map[string]any) {
		fourCornered(doc)
		first := doc["recourse"].([]any)[0].(object)
		first["agency"], first["roles"] = "riverside-gp", []string{"caldicott-guardian"}
	}})
	ref := h.caseOf("LMN-00071", "GP-00071", "dr-patel")
	if got := h.cases("guardian-lowe"); len(got) != 0 || h.tryRuling("guardian-lowe", ref, "upheld") != 403 {
		t.Errorf("the surgery's own guardian sees %v, and may rule", got)
	}
	h.clock.pass(15 * 24 * time.Hour)
	if got := h.tryRuling("adj-costa", h.cases("adj-costa")["joint-refused"][0]["case"].(string), "upheld"); got != 201 {
		t.Errorf("after the deadline the next level rules: %d", got)
	}
}

// IDM-10, IDM-17: a grant verifies with any JOSE library and the manager's public key,
// has an audience and an end, and names no handle and nobody.
func TestAGrantIsAStatementThatOthersCanVerify(t *testing.T) {
	t.Parallel()
	h, _ := watched(t, setting{document: fourCornered})
	h.publish("dr-patel", "gp-riverside", "GP-00081", agreed{})
	h.ruled("ms-novak", "policy")
	made := h.ok("dr-patel", "POST", "/idmgr/v1/grants", h.granting(h.managersProof("dr-patel", "gp-riverside", "GP-00081")))
	key, err := h.keys["idmgr"].Signer(t.Context(), idmgr.SigningKey(managerCode))
	h.must(err)
	token, err := jose.ParseSignedCompact(made["token"].(string), []jose.SignatureAlgorithm{jose.ES256})
	h.must(err)
	payload, err := token.Verify(key.Public())
	h.must(err)
	var claims object
	h.must(json.Unmarshal(payload, &claims))
	ends, err := time.Parse(time.RFC3339, made["until"].(string))
	h.must(err)
	if claims["iss"] != managerCode || claims["aud"] != "relmgr" || claims["jti"] != made["effect"] || claims["exp"] != float64(ends.Unix()) || claims["sub"] != nil || claims["handle"] != nil {
		t.Errorf("the grant says %s", payload)
	}
}
