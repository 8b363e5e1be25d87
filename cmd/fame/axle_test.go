package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// said is a JSON object that came back, of that status.
func (a answer) said(t *testing.T, status int) (body map[string]any) {
	t.Helper()
	if err := json.Unmarshal(a.body, &body); err != nil || a.status != status {
		t.Fatalf("%d %s, want %d", a.status, a.body, status)
	}
	return body
}

// joined has the governance officers of two hubs confirm one agreement, by which those of
// them that are named pass questions on.
func joined(t *testing.T, one, other *town, relays ...string) {
	t.Helper()
	agreement := map[string]any{
		"code": "two-counties", "title": "What the two counties ask each other", "purposes": []string{"co-ordinate-care", "safeguarding"}, "roles": []string{"gp", "social-worker", "safeguarding-lead"},
		"minutes": 10, "until": time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339),
	}
	if len(relays) > 0 {
		agreement["relays"] = relays
	}
	for _, side := range []struct {
		at, of *town
		body   map[string]any
	}{{one, other, map[string]any{"entity": other.made.Hub, "agreement": agreement}}, {other, one, map[string]any{"entity": one.made.Hub}}} {
		peers := side.at.Federation.URL + "/federation/v1/peers"
		peer := side.at.send(t, "gov-ellis", http.MethodPost, peers, side.body).said(t, http.StatusCreated)["peer"].(map[string]any)
		side.at.send(t, "gov-ellis", http.MethodPost, peers+"/"+peer["peer"].(string)+"/confirmation",
			map[string]any{"agreement": peer["digest"], "fingerprints": peer["fingerprints"]}).said(t, http.StatusOK)
	}
}

// neighbours are towns whose surgeries use one scheme, and whose children's agreement
// holds with each other.
func neighbours(t *testing.T, names ...string) []*town {
	t.Helper()
	hubtest.Dir(t, "first")
	p := hubtest.NewPostgres(t)
	var towns []*town
	for _, name := range names {
		towns = append(towns, metHub(t, p, name).explained(t))
	}
	for _, w := range towns {
		w.borders(t, towns, func(map[string]any) {})
	}
	for i, one := range towns {
		for _, other := range towns[i+1:] {
			joined(t, one, other)
		}
	}
	return towns
}

// borders applies the partnership with its neighbours in it, and a change.
func (w *town) borders(t *testing.T, towns []*town, edit func(doc map[string]any)) {
	t.Helper()
	w.change(t, func(doc map[string]any) {
		var hubs []string
		for _, other := range towns {
			if other != w {
				hubs = append(hubs, other.made.Hub)
			}
		}
		for _, a := range doc["agreements"].([]any) {
			if a := a.(map[string]any); a["code"] == "riverside-children" {
				a["peers"] = hubs
			}
		}
		for _, c := range doc["columns"].([]any) {
			if c := c.(map[string]any); c["id"] == "gp-riverside" || c["id"] == "social-care" {
				c["scheme"], c["pattern"], c["example"] = "national-number", "[0-9]{10}", "1234567890"
			}
		}
		doc["partnership"].(map[string]any)["areas"] = []string{w.Name}
		edit(doc)
	})
}

// tellsHubs has the surgery publish somebody, on a consent and a decision that name hubs
// beside the partnership.
func (w *town) tellsHubs(t *testing.T, number string, hubs ...string) (act, consent string) {
	t.Helper()
	who := w.known("Nora Pike "+number, map[ident.Column]string{"gp-riverside": number})
	body := w.relationship(t, who, "gp-riverside")
	d := body["decision"].(map[string]any)
	if len(hubs) > 0 {
		proof, err := w.storyteller().proof(t.Context(), w.signedIn(t, "dr-patel"), who, "gp-riverside")
		if err != nil {
			t.Fatal(err)
		}
		consent = w.send(t, "dr-patel", http.MethodPost, w.Consent.URL+"/consent/v1/consents", map[string]any{
			"proof": proof, "explicit": true, "audience": map[string]any{"peers": hubs}, "purposes": d["purposes"], "aspects": d["aspects"],
			"until": time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339), "evidence": "signed-form", "wording": "leaflet-3",
		}).said(t, http.StatusCreated)["consent"].(string)
		d["audience"], d["consents"] = map[string]any{"peers": hubs}, []string{consent}
	}
	return w.send(t, "dr-patel", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/relationships", body).said(t, http.StatusCreated)["act"].(string), consent
}

// heard is what each hub says, by its address.
type heard struct {
	complete bool
	hubs     map[string]map[string]any
	took     time.Duration
}

func (h heard) told(t *testing.T, w *town) (agencies []string) {
	t.Helper()
	said, ok := h.hubs[w.made.Hub]
	if !ok || said["answered"] != true {
		t.Fatalf("%s has not answered: %v", w.Name, said)
	}
	for _, p := range said["providers"].([]any) {
		agencies = append(agencies, p.(map[string]any)["agency_name"].(string))
	}
	return agencies
}

func wantToldBy(t *testing.T, h heard, w *town, want ...string) {
	t.Helper()
	if got := h.told(t, w); !slices.Equal(got, want) {
		t.Errorf("%s tells of %q, want %q: %v", w.Name, got, want, h.hubs[w.made.Hub])
	}
}

// asksAll asks the partnership and all hubs, and returns the orders too.
func (w *town) asksAll(t *testing.T, who, number string, change ...func(map[string]any)) (h heard, orders []string) {
	t.Helper()
	q := enquiry("gp-riverside", number, "")
	q["scope"] = "federation"
	for _, c := range change {
		c(q)
	}
	a := w.send(t, who, http.MethodPost, w.Relmgr.URL+"/relmgr/v1/enquiries", q).said(t, http.StatusOK)
	for _, o := range a["orders"].([]any) {
		orders = append(orders, o.(map[string]any)["order"].(string))
	}
	return w.carries(t, who, orders), orders
}

func (w *town) carries(t *testing.T, who string, orders []string) heard {
	t.Helper()
	began := time.Now()
	said := w.send(t, who, http.MethodPost, w.Federation.URL+"/federation/v1/enquiries", map[string]any{"orders": orders}).said(t, http.StatusOK)
	h := heard{complete: said["complete"].(bool), hubs: map[string]map[string]any{}, took: time.Since(began)}
	for _, v := range said["hubs"].([]any) {
		h.hubs[v.(map[string]any)["hub"].(string)] = v.(map[string]any)
	}
	return h
}

// E2E-24, E2E-05, QRY-04, QRY-12, FED-25, FED-27, FED-31, PUB-06, PUB-12: a child lives in one
// county, goes to school in a second and is cared for in a third. Each hub answers by its own
// decisions alone; consent to one more is enough for that one; withdrawn, none is told.
func TestE2E24HubsAskEachOtherAndEachDecides(t *testing.T) {
	towns := neighbours(t, "home", "school", "carer")
	home, school, carer := towns[0], towns[1], towns[2]
	const child, hidden, stranger = "9434765919", "9434765870", "9434765838"

	// Consent to the one neighbour only.
	act, _ := home.tellsHubs(t, child, school.made.Hub)
	home.tellsHubs(t, hidden)
	h, _ := school.asksAll(t, "dr-patel", child)
	wantToldBy(t, h, home, "Riverside Surgery")
	wantToldBy(t, h, carer)
	if !h.complete {
		t.Errorf("%+v", h)
	}
	p := h.hubs[home.made.Hub]["providers"].([]any)[0].(map[string]any)
	if len(p) != 2 || p["contact"].(map[string]any)["value"] != "01632 960101" {
		t.Errorf("a hub is told %v: a name and a route, and no more", p)
	}
	h, _ = carer.asksAll(t, "dr-patel", child)
	wantToldBy(t, h, home)
	none := h.hubs[home.made.Hub]
	for _, number := range []string{hidden, stranger} {
		h, _ = carer.asksAll(t, "dr-patel", number)
		wantToldBy(t, h, home)
		delete(none, "commitment")
		got := h.hubs[home.made.Hub]
		delete(got, "commitment")
		if fmt.Sprint(got) != fmt.Sprint(none) {
			t.Errorf("%v and %v are told apart", got, none)
		}
	}

	// One more neighbour, without registering anew.
	home.send(t, "dr-patel", http.MethodPost, home.Relmgr.URL+"/relmgr/v1/acts/"+act+"/withdrawal", map[string]any{"reason": "subject-asked"}).said(t, http.StatusAccepted)
	_, consent := home.tellsHubs(t, child, school.made.Hub, carer.made.Hub)
	h, orders := carer.asksAll(t, "dr-patel", child)
	wantToldBy(t, h, home, "Riverside Surgery")

	// An order serves once, and for whoever was given it.
	again := carer.carries(t, "dr-patel", orders)
	if said := again.hubs[home.made.Hub]; said["outcome"] != "used-before" || len(said["providers"].([]any)) != 0 {
		t.Errorf("an order that was used: %v", said)
	}
	carer.send(t, "mr-lindqvist", http.MethodPost, carer.Federation.URL+"/federation/v1/enquiries", map[string]any{"orders": orders}).problem(t, http.StatusUnprocessableEntity)

	// Both logs hold both ends: the id that the asker's record has is the one that the
	// other hub's exchange and record have, under a commitment that its log keeps.
	var commitment []byte
	if err := carer.Admin(t).QueryRowContext(t.Context(), `select commitment from federation.exchanges where outgoing and hub = $1 and outcome = 'answered' order by at desc limit 1`, home.made.Hub).Scan(&commitment); err != nil {
		t.Fatal(err)
	}
	var peer string
	if err := home.Admin(t).QueryRowContext(t.Context(), `select peer from relmgr.enquiries where commitment = $1`, commitment).Scan(&peer); err != nil || peer != carer.made.Hub {
		t.Errorf("%q %v", peer, err)
	}

	// Withdrawn: from the next question on, everywhere.
	home.send(t, "dr-patel", http.MethodPost, home.Consent.URL+"/consent/v1/consents/"+consent+"/withdrawal", map[string]any{"evidence": "signed-form"}).said(t, http.StatusCreated)
	for _, w := range []*town{school, carer} {
		h, _ = w.asksAll(t, "dr-patel", child)
		wantToldBy(t, h, home)
	}

	// No hub keeps anything of whom others asked about.
	for _, w := range towns {
		for number, what := range map[string]string{child: "the child", stranger: "the stranger"} {
			if strings.Contains(string(w.Postgres.Dump(t, w.Name)), number) {
				t.Errorf("the dump of %s holds the number of %s", w.Name, what)
			}
		}
		for _, d := range w.Duties() {
			if strings.Contains(string(d.Log.Bytes()), child) {
				t.Errorf("%s logs the number", d.Name)
			}
		}
	}
	t.Run("what hubs publish", func(t *testing.T) { hubsPublish(t, towns) })
	t.Run("a fourth hub joins", func(t *testing.T) { aFourthHubJoins(t, towns) })
	t.Run("one client at three levels", func(t *testing.T) { levelsAreOneForm(t, school) })
	t.Run("an emergency", func(t *testing.T) { emergencyElsewhere(t, home, school) })
	t.Run("a practitioner sees on the portal what each hub says", func(t *testing.T) { hubsAreAskedOnThePortal(t, home, school) })
	t.Run("a hub that is dead costs nobody else anything", func(t *testing.T) { deadPeer(t, home, school, carer) })
	t.Run("suspended, it is told nothing from the next request on", func(t *testing.T) { suspendedPeer(t, home, school, carer) })
	t.Run("tied across hubs", func(t *testing.T) { tiedAcrossHubs(t, home, school) })
	t.Run("a tie that ends while the other hub is away", func(t *testing.T) { endedWhileAway(t, towns) })
	t.Run("linked privately across hubs", func(t *testing.T) { linkedAcrossHubs(t, home, school) })
	t.Run("privately", func(t *testing.T) { privately(t, towns) })
	t.Run("somebody sees who asked at every hub", func(t *testing.T) { reach(t, towns) })
	t.Run("a dispute between two hubs", func(t *testing.T) { disputed(t, home, school) })
	t.Run("officers dispute and answer on the portal", func(t *testing.T) { disputedOnThePortal(t, home, school) })
	t.Run("messages that nobody understands", func(t *testing.T) { notUnderstood(t, towns) })
}

// E2E-05 (its enquiry half), QRY-05, QRY-10, PUB-08: what the person blocks is told to another hub in a declared
// emergency alone, and both hubs open a review of it. The person is known by a number of the scheme; of one
// who is recognised across hubs, see unconscious.
func emergencyElsewhere(t *testing.T, home, school *town) {
	const number = "9434765854"
	home.tellsHubs(t, number, school.made.Hub)
	who := home.known("Nora Pike "+number, map[ident.Column]string{"gp-riverside": number})
	proof, err := home.storyteller().proof(t.Context(), home.signedIn(t, "dr-patel"), who, "gp-riverside")
	if err != nil {
		t.Fatal(err)
	}
	home.send(t, "dr-patel", http.MethodPost, home.Consent.URL+"/consent/v1/blocks", map[string]any{
		"proof": proof, "reach": "block", "warning": "effect-on-care-1", "evidence": "spoken-and-noted",
	}).said(t, http.StatusCreated)
	ask := func(emergency bool) heard {
		h, _ := school.asksAll(t, "mr-lindqvist", number, func(q map[string]any) {
			q["column"], q["emergency"], q["reason"] = "social-care", emergency, "risk-of-harm"
		})
		return h
	}
	wantToldBy(t, ask(false), home)
	wantToldBy(t, ask(true), home, "Riverside Surgery")
	for _, w := range []struct {
		*town
		peer string
	}{{home, "e.peer = '" + school.made.Hub + "'"}, {school, "e.peer is null"}} {
		var reviews int
		if err := w.Admin(t).QueryRowContext(t.Context(), "select count(*) from relmgr.reviews v join relmgr.enquiries e using (enquiry_id) where v.cause = 'emergency' and "+w.peer).Scan(&reviews); err != nil || reviews != 1 {
			t.Errorf("%s has %d reviews: %v", w.Name, reviews, err)
		}
	}
}

// Invariant 11, QRY-04: with a peer's federation duty killed the others answer, the answer
// says that one has not, and after a few tries it is not waited for.
func deadPeer(t *testing.T, home, school, carer *town) {
	const number = "9434765846"
	home.tellsHubs(t, number, school.made.Hub)
	carer.Federation.Kill(t)
	for range 4 {
		h, _ := school.asksAll(t, "dr-patel", number)
		wantToldBy(t, h, home, "Riverside Surgery")
		if said := h.hubs[carer.made.Hub]; h.complete || said["answered"] != false || said["outcome"] != nil {
			t.Errorf("%v: %v", h.complete, said)
		}
	}
	// Its own people ask on (invariant 11).
	if a, _ := carer.ask(t, "dr-patel", "gp-riverside", number, ""); a.Known != "nothing-to-tell" {
		t.Errorf("%+v", a)
	}
	// And with one's own federation duty dead, too.
	school.Federation.Kill(t)
	if a, _ := school.ask(t, "dr-patel", "gp-riverside", number, ""); a.Known != "nothing-to-tell" {
		t.Errorf("%+v", a)
	}
	carer.Federation.Start(t)
	school.Federation.Start(t)
	h, _ := school.asksAll(t, "dr-patel", number)
	wantToldBy(t, h, home, "Riverside Surgery")
	wantToldBy(t, h, carer)
}

// TRU-07: home suspends school; school's next question is not taken, the others' are.
func suspendedPeer(t *testing.T, home, school, carer *town) {
	const number = "9434765846" // told to school before
	peers := home.Federation.URL + "/federation/v1/peers"
	var id string
	for _, p := range home.send(t, "gov-ellis", http.MethodGet, peers, nil).said(t, http.StatusOK)["peers"].([]any) {
		if p := p.(map[string]any); p["entity"] == school.made.Hub {
			id = p["peer"].(string)
		}
	}
	home.send(t, "gov-ellis", http.MethodPost, peers+"/"+id+"/suspension", map[string]any{"reason": "risk-of-harm"}).said(t, http.StatusOK)
	h, _ := school.asksAll(t, "dr-patel", number)
	if said := h.hubs[home.made.Hub]; said["answered"] != false || h.complete {
		t.Errorf("%v", said)
	}
	wantToldBy(t, h, carer)
	home.send(t, "gov-ellis", http.MethodPost, peers+"/"+id+"/readmission", map[string]any{"reason": "work-ended"}).said(t, http.StatusOK)
	h, _ = school.asksAll(t, "dr-patel", number)
	wantToldBy(t, h, home, "Riverside Surgery")
}

// FED-31, QRY-04: under an agreement of private look-ups a hub that does not know the person is
// asked nothing that names them, and answers as one does that has nothing to tell; who is
// known is asked about by the identifier, or, under one of look-ups alone, never. What either
// hub records of it names no person that is not theirs.
func privately(t *testing.T, towns []*town) {
	home, school := towns[0], towns[1]
	const known, hidden, stranger = "9434765900", "9434765870", "9434765811"
	agree := func(w *town, how string) {
		t.Helper()
		w.borders(t, towns, func(doc map[string]any) {
			for _, a := range doc["agreements"].([]any) {
				if a := a.(map[string]any); a["code"] == "riverside-children" {
					a["private_look_up"] = how
				}
			}
		})
	}
	count := func(w *town, query string, args ...any) (n int) {
		t.Helper()
		if err := w.Admin(t).QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	home.tellsHubs(t, known, school.made.Hub)
	for count(home, "select count(*) from relmgr.look_up_key") != 1 || count(home, "select count(*) from relmgr.look_up_due") != 0 {
		select { // until the tags are made
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
	agree(school, "first")
	outcomes := func() (identified, private int) {
		const of = "select count(*) from relmgr.enquiries where peer = $1 and peer_outcome "
		return count(home, of+"in ('answered', 'stopped')", school.made.Hub), count(home, of+"in ('evaluated', 'looked-up')", school.made.Hub)
	}
	for number, want := range map[string]int{known: 1, hidden: 0, stranger: 0} {
		identified, private := outcomes()
		h, _ := school.asksAll(t, "dr-patel", number)
		var told []string
		if want > 0 {
			told = []string{"Riverside Surgery"}
		}
		wantToldBy(t, h, home, told...)
		if i, p := outcomes(); i-identified != want || p-private != 2 {
			t.Errorf("%d questions by identifier and %d steps of a look-up, want %d and 2: %v", i-identified, p-private, want, h.hubs[home.made.Hub])
		}
	}
	agree(school, "only")
	agree(home, "only")
	identified, _ := outcomes()
	h, _ := school.asksAll(t, "dr-patel", known)
	if said := h.hubs[home.made.Hub]; said["outcome"] != "matched" || len(said["providers"].([]any)) != 0 {
		t.Errorf("%v", said)
	}
	h, _ = school.asksAll(t, "dr-patel", stranger)
	if said := h.hubs[home.made.Hub]; said["outcome"] != "answered" {
		t.Errorf("%v", said)
	}
	if i, _ := outcomes(); i != identified {
		t.Errorf("%d identified questions under an agreement of look-ups alone", i-identified)
	}
	if strings.Contains(string(home.Postgres.Dump(t, home.Name)), stranger) {
		t.Error("home's dump holds the stranger's number")
	}
	if n := count(school, "select count(*) from federation.exchanges where kind = 'look-up' and outcome = 'looked-up' and hub = $1 and commitment is not null", home.made.Hub); n != 5 {
		t.Errorf("%d look-ups are in school's book, want 5", n)
	}
}

// E2E-14, FED-05, FED-06, FED-07, FED-36: what a hub does not understand is returned, discarded or
// escalated, as it has chosen, and which is recorded; an escalation that goes in a circle
// ends at a final owner.
func notUnderstood(t *testing.T, towns []*town) {
	home, school, carer := towns[0], towns[1], towns[2]
	local := func(doc map[string]any) { // a purpose that only school knows
		doc["codes"].(map[string]any)["purposes"] = append(doc["codes"].(map[string]any)["purposes"].([]any), map[string]any{"code": "holiday-club", "title": "Holiday club"})
		for _, a := range doc["agreements"].([]any) {
			if a := a.(map[string]any); a["code"] == "riverside-children" {
				a["purposes"] = append(a["purposes"].([]any), "holiday-club")
			}
		}
		for _, p := range doc["powers"].([]any) {
			if p := p.(map[string]any); p["code"] == "children-act-2004-s10" {
				p["purposes"] = append(p["purposes"].([]any), "holiday-club")
			}
		}
	}
	school.borders(t, towns, local)
	became := func(w *town) (list []string) {
		t.Helper()
		rows, err := w.Admin(t).QueryContext(t.Context(), "select became || ' ' || hops from federation.unknown_messages order by at, hops")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			list = append(list, s)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return list
	}
	policy := func(w *town, unknown string, to ...string) {
		t.Helper()
		w.borders(t, towns, func(doc map[string]any) {
			s := doc["settings"].(map[string]any)
			s["unknown_messages"] = unknown
			if len(to) > 0 {
				s["escalate_to"] = to
			}
			if w == school {
				local(doc)
			}
		})
	}
	policy(carer, "discard")
	policy(home, "return")
	asks := func() heard {
		h, _ := school.asksAll(t, "dr-patel", "9434765919", func(q map[string]any) { q["purpose"] = "holiday-club" })
		return h
	}
	h := asks()
	if home, carer := h.hubs[home.made.Hub]["outcome"], h.hubs[carer.made.Hub]["outcome"]; home != "returned" || carer != "discarded" {
		t.Errorf("home %v, carer %v", home, carer)
	}
	// Home escalates to carer, and carer to home: a circle.
	policy(home, "escalate", carer.made.Hub)
	policy(carer, "escalate", home.made.Hub)
	h = asks()
	if home, carer := h.hubs[home.made.Hub]["outcome"], h.hubs[carer.made.Hub]["outcome"]; home != "escalated" || carer != "escalated" {
		t.Errorf("home %v, carer %v", home, carer)
	}
	all := append(became(home), became(carer)...)
	slices.Sort(all)
	if want := []string{"discarded 0", "owned 4", "owned 4", "passed-on 0", "passed-on 0", "passed-on 1", "passed-on 1", "passed-on 2", "passed-on 2", "passed-on 3", "passed-on 3", "returned 0"}; !slices.Equal(all, want) {
		t.Errorf("%q, want %q", all, want)
	}
	// Its final owners find it, and nobody else.
	list := home.send(t, "gov-ellis", http.MethodGet, home.Federation.URL+"/federation/v1/escalations", nil).said(t, http.StatusOK)["escalations"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["kind"] != "enquiry" || list[0].(map[string]any)["sender"] != school.made.Hub {
		t.Errorf("%v", list)
	}
	home.send(t, "dr-patel", http.MethodGet, home.Federation.URL+"/federation/v1/escalations", nil).problem(t, http.StatusForbidden)
	// The next one up is down: it ends where it came.
	carer.Federation.Kill(t)
	asks()
	if now := became(home); now[len(now)-1] != "owned 0" {
		t.Errorf("%q", now)
	}
}
