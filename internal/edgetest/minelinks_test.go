package edgetest_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of what tells nothing
	for _, op := range []string{"endMyLink", "listMyEffects"} {
		tellsNothing[op] = "shows a person what is theirs; that what they are not told of is absent is tested in idmgr"
	}
	tellsNothing["notifyThroughLink"] = "reads no row: what it says rests on the caller, the terms and the link"
}

// linkedTo is a link of the surgery's that rests on the word of whoever has that
// identifier; notify names what the other side is to hear of.
func (b *bench) linkedTo(gp string, notify ...string) (link, proof string) {
	b.t.Helper()
	proof = b.managersProof("dr-patel", "gp-riverside", gp)
	o := b.linking()
	if o["proof"] = proof; len(notify) > 0 {
		o["notify"] = notify
	}
	opened := b.ok("dr-patel", "POST", "/idmgr/v1/links", o)
	b.ok("mr-lindqvist", "POST", "/idmgr/v1/acceptances", object{"proof": b.socialProof, "code": opened["code"], "reason": "working-with-person"})
	return opened["link"].(string), proof
}

// linksOfMineGood are the good requests about a person's own links, and what reaches
// their other side.
func (b *bench) linksOfMineGood() {
	b.t.Helper()
	mine, _ := b.linkedTo("GP-73970")
	b.good["endMyLink"] = b.asMyself("Ida Moor", "POST", "/idmgr/v1/me/links/"+mine+"/end", nil)
	b.good["listMyEffects"] = b.asMyself("Ida Moor", "GET", "/idmgr/v1/me/effects", nil)
	link, proof := b.linkedTo("GP-73975", "joint-assessment")
	b.good["notifyThroughLink"] = request{as: "dr-patel", target: "/idmgr/v1/links/" + link + "/notifications",
		body: render(object{"proof": proof, "notification": seedID, "event": "joint-assessment"})}
	// On a proxy's word it is a link too.
	o := b.linking()
	o["agreed"] = object{"evidence": "signed-form", "wording": "leaflet-3", "competent": false,
		"proxy": object{"authority": "special-guardian", "evidence": "document-seen", "until": b.until(7 * 24 * time.Hour)}}
	b.ok("dr-patel", "POST", "/idmgr/v1/links", o)
}

// linksNotMine are ends and notifications that are not the caller's to make.
func (b *bench) linksNotMine(add func(string, string, request, ...string)) {
	theirs, _ := b.linkedTo("GP-73971")
	add("endMyLink: somebody else's", "not-known", b.good["endMyLink"].at("/idmgr/v1/me/links/"+theirs+"/end"), theirs)
	add("endMyLink: one that is none", "not-known", b.good["endMyLink"].at("/idmgr/v1/me/links/"+seedID+"/end"), seedID)
	add("notifyThroughLink: an event of no list", "invalid", b.but("notifyThroughLink", marker, "event"))
	add("notifyThroughLink: a proof that is for another duty", "invalid", b.but("notifyThroughLink", b.gpProof, "proof"), b.gpProof)
	add("notifyThroughLink: a link that is none", "not-known", b.good["notifyThroughLink"].at("/idmgr/v1/links/"+seedID+"/notifications"))
	add("notifyThroughLink: a link of another handle", "not-known", b.good["notifyThroughLink"].at("/idmgr/v1/links/"+theirs+"/notifications"), theirs)
	for _, op := range []string{"openLink", "renewLink"} {
		add(op+": to tell of what is on no list", "invalid", b.but(op, []any{marker}, "notify"))
		proxy := func(until string, competent bool) object {
			return object{"evidence": "signed-form", "wording": "leaflet-3", "competent": competent,
				"proxy": object{"authority": "special-guardian", "evidence": "document-seen", "until": until}}
		}
		add(op+": by a proxy of somebody who can decide", "invalid", b.but(op, proxy(b.until(time.Hour), true), "agreed"))
		add(op+": by a proxy whose authority has ended", "invalid", b.but(op, proxy("2020-01-01T00:00:00Z", false), "agreed"))
	}
}

// IDM-03, IDM-01: a private link stands in its manager's journal and nowhere in the index,
// whose rows it leaves as they were; and it helps with no correlation of its two handles:
// that is made as any other, by a code, a decision on each side and an act.
func TestAPrivateLinkIsNoCorrelationAndBecomesNone(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	h.publish("mr-lindqvist", "social-care", "LMN-00042", agreed{})
	index := func() (rows string) {
		h.must(h.admin.QueryRow(`select json_build_array((select json_agg(x order by x.handle_id) from relmgr.handles x), (select json_agg(x) from relmgr.cells x),
			(select count(*) from relmgr.correlations), (select count(*) from relmgr.acts))::text`).Scan(&rows))
		return rows
	}
	was, before := index(), h.snapshot()
	link := h.linked("GP-00042", "mr-lindqvist", "social-care", "LMN-00042")
	if index() != was {
		t.Error("a private link has changed the index")
	}
	for _, w := range written(before, h.snapshot()) {
		if !strings.HasPrefix(w, "idmgr.") && !strings.HasPrefix(w, "ledger.") {
			t.Errorf("a private link writes %s", w)
		}
	}
	c := h.correlation("social-care", "LMN-00042", link[:9], h.consent("mr-lindqvist", "social-care", "LMN-00042", agreed{}))
	r := post(h, "/relmgr/v1/correlations", c)
	r.as = "mr-lindqvist"
	if a := h.send(r); a.status != 422 {
		t.Errorf("correlating by a link: %d %s", a.status, a.body)
	}
	h.ok("mr-lindqvist", "POST", "/idmgr/v1/links/"+link+"/end", object{"reason": "work-ended"})
	code, _ := h.pair("dr-patel", "gp-riverside", "GP-00042")
	h.correlate("mr-lindqvist", "social-care", "LMN-00042", code)
	if got := written(before, h.snapshot()); !slices.Contains(got, "relmgr.correlations +1") || index() == was {
		t.Errorf("a correlation of the two writes %v", got)
	}
}

// E2E-06, TRU-04, SUB-01: the person whom a clash is about sees both effects and the one case, in
// words for them, at either manager, and what it came to; so does nobody else who has signed
// in. Somebody who acts for them sees no instruction of theirs, and no case.
func TestAPersonSeesTheCaseThatIsAboutThem(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{document: fourCornered})
	related(h, "LMN-00011", "GP-00011", elsewhere)
	h.attach("dr-patel", "gp-riverside", "GP-00011", "Iris Moor")
	h.publish("dr-patel", "gp-riverside", "GP-00012", agreed{})
	h.attach("dr-patel", "gp-riverside", "GP-00012", "Ivo Moor")
	token, _ := h.grant("GP-00011")
	h.withhold("GP-00011")
	q := toAsk(asked{social: "LMN-00011"}, nil)
	q["grant"] = token
	r := post(h, "/relmgr/v1/enquiries", q)
	if r.as = asker; h.send(r).status != 200 {
		t.Fatal("nobody asked")
	}
	seen := func(person string) (kinds []string, cases []any) {
		t.Helper()
		for _, at := range []func(func()){func(f func()) { f() }, h.ofAnother} {
			// Proofs are relmgr's, whichever manager is asked.
			mine := h.asMyself(person, "GET", "/idmgr/v1/me/effects", nil)
			at(func() {
				a := h.send(mine)
				var said object
				h.must(json.Unmarshal(a.body, &said))
				if a.status != 200 {
					t.Fatalf("%s: %d %s", person, a.status, a.body)
				}
				for _, e := range said["effects"].([]any) {
					kinds = append(kinds, e.(object)["kind"].(string))
				}
				cases = append(cases, said["cases"].([]any)...)
			})
		}
		return kinds, cases
	}
	if kinds, cases := seen("Iris Moor"); !slices.Equal(kinds, []string{"withhold", "grant"}) || len(cases) != 0 {
		t.Errorf("before it is a case the person sees %v and %v", kinds, cases)
	}
	ref := h.ok("adj-amin", "GET", "/idmgr/v1/cases", nil)["cases"].([]any)[0].(object)["case"].(string)
	_, cases := seen("Iris Moor")
	if len(cases) != 2 || !reflect.DeepEqual(cases[0], cases[1]) || cases[0].(object)["state"] != "waiting" || cases[0].(object)["case"] == ref {
		t.Errorf("the person sees %v", cases)
	}
	h.ok("adj-amin", "POST", "/idmgr/v1/cases/"+ref+"/rulings", object{"outcome": "grant", "reason": "subject-asked"})
	if _, cases := seen("Iris Moor"); len(cases) != 2 || cases[0].(object)["state"] != "ruled" || cases[0].(object)["outcome"] != "grant" {
		t.Errorf("once it is ruled on the person sees %v", cases)
	}
	if kinds, cases := seen("Ivo Moor"); len(kinds) != 0 || len(cases) != 0 {
		t.Errorf("somebody else sees %v and %v", kinds, cases)
	}
}
