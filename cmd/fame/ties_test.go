package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// toldTo has a desk of the town record a consent that names hubs, and returns the decision
// that rests on it, with what else a relationship says.
func (w *town) toldTo(t *testing.T, column ident.Column, number string, hubs ...string) (body map[string]any, consent string) {
	t.Helper()
	who := w.known("Nora Pike "+number, map[ident.Column]string{column: number})
	body = w.relationship(t, who, column)
	d := body["decision"].(map[string]any)
	consent = w.consents(t, column, who, d, hubs)
	d["audience"], d["consents"] = map[string]any{"peers": hubs}, []string{consent}
	return body, consent
}

func (w *town) consents(t *testing.T, column ident.Column, who riverside.Person, d map[string]any, hubs []string) string {
	t.Helper()
	publisher := desks[column].publisher
	proof, err := w.storyteller().proof(t.Context(), w.signedIn(t, publisher), who, column)
	if err != nil {
		t.Fatal(err)
	}
	return w.send(t, publisher, http.MethodPost, w.Consent.URL+"/consent/v1/consents", map[string]any{
		"proof": proof, "explicit": true, "audience": map[string]any{"peers": hubs}, "purposes": d["purposes"], "aspects": d["aspects"],
		"until": time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339), "evidence": "signed-form", "wording": "leaflet-3",
	}).said(t, http.StatusCreated)["consent"].(string)
}

// tie is one side of a tie, as the hub of that side has it.
type tie struct {
	*town
	column       ident.Column
	number       string
	publishing   string // the act, and the consents that it and the tie rest on
	act, consent string
}

// publishes has the desk publish somebody to a hub.
func (w *town) publishes(t *testing.T, column ident.Column, number, hub string) tie {
	t.Helper()
	body, _ := w.toldTo(t, column, number, hub)
	act := w.send(t, desks[column].publisher, http.MethodPost, w.Relmgr.URL+"/relmgr/v1/relationships", body).said(t, http.StatusCreated)["act"].(string)
	return tie{town: w, column: column, number: number, publishing: act}
}

// ties states one side of a tie; without a code it returns one.
func (x *tie) ties(t *testing.T, hub, code string) string {
	t.Helper()
	body, consent := x.toldTo(t, x.column, x.number, hub)
	req := map[string]any{"column": x.column, "identifier": x.number, "hub": hub, "reason": "working-with-person", "decision": body["decision"]}
	if code != "" {
		req["code"] = code
	}
	said := x.send(t, desks[x.column].manager, http.MethodPost, x.Relmgr.URL+"/relmgr/v1/ties", req).said(t, http.StatusAccepted)
	x.act, x.consent = said["act"].(string), consent
	code, _ = said["code"].(string)
	return code
}

// asks has the desk ask the partnership and all hubs about its own, by somebody whose role
// the hubs have agreed.
func (x tie) asks(t *testing.T) heard {
	t.Helper()
	h, _ := x.asksAll(t, desks[x.column].lead, x.number, func(q map[string]any) { q["column"] = x.column })
	return h
}

func (x tie) withdraws(t *testing.T) {
	t.Helper()
	x.send(t, desks[x.column].publisher, http.MethodPost, x.Consent.URL+"/consent/v1/consents/"+x.consent+"/withdrawal", map[string]any{"evidence": "signed-form"}).said(t, http.StatusCreated)
}

func (w *town) rows(t *testing.T, table string) (n int) {
	t.Helper()
	if err := w.Admin(t).QueryRowContext(t.Context(), "select count(*) from "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// tieUp ties somebody of the surgery at one hub to somebody of social care at the other, and
// waits for both to be told of along the tie.
func tieUp(t *testing.T, one, other *town, numbers ...string) (a, b tie) {
	t.Helper()
	a, b = one.publishes(t, "gp-riverside", numbers[0], other.made.Hub), other.publishes(t, "social-care", numbers[1], one.made.Hub)
	wantToldBy(t, a.asks(t), other) // nothing before: their numbers are not the same
	wantToldBy(t, b.asks(t), one)
	b.ties(t, one.made.Hub, a.ties(t, other.made.Hub, ""))
	hubtest.Eventually(t, "the tie leads on", func() error {
		if got := a.asks(t).told(t, other); len(got) != 1 {
			return fmt.Errorf("told of %q", got)
		}
		return nil
	})
	wantToldBy(t, a.asks(t), other, "Riverside Council children's social care")
	wantToldBy(t, b.asks(t), one, "Riverside Surgery")
	return a, b
}

// untied says that neither is told anything along the tie any more.
func untied(t *testing.T, a, b tie) {
	t.Helper()
	wantToldBy(t, a.asks(t), b.town)
	wantToldBy(t, b.asks(t), a.town)
}

// overAtBoth waits until neither hub has anything left of the tie but its acts.
func overAtBoth(t *testing.T, a, b tie, left int) {
	t.Helper()
	hubtest.Eventually(t, "both hubs have heard that the tie has ended", func() error {
		for _, w := range []*town{a.town, b.town} {
			if n := w.rows(t, "relmgr.tie_references"); n != left {
				return fmt.Errorf("%s has the references of %d ties, want %d", w.Name, n, left)
			}
			if n := w.rows(t, "relmgr.letters"); n != 0 {
				return fmt.Errorf("%s has %d letters to tell", w.Name, n)
			}
		}
		return nil
	})
}

// FED-13, QRY-12, FED-31, PUB-12, IDX-05: practitioners of two hubs, who call somebody differently, tie what
// they call them by a code that one tells the other. Each hub keeps its own row and learns nothing of
// the other's; each answers by its own decisions; ended at one side, it is over at both, also
// for a hub that was away.
func tiedAcrossHubs(t *testing.T, home, school *town) {
	a, b := tieUp(t, home, school, "9434766001", "9434766002")
	for _, side := range []struct {
		at    *town
		other tie
	}{{home, b}, {school, a}} {
		if strings.Contains(string(side.at.Postgres.Dump(t, side.at.Name)), side.other.number) {
			t.Errorf("the dump of %s holds what the other hub calls them", side.at.Name)
		}
		for _, d := range side.at.Duties() {
			if strings.Contains(string(d.Log.Bytes()), side.other.number) {
				t.Errorf("%s of %s logs what the other hub calls them", d.Name, side.at.Name)
			}
		}
	}
	// A code that nobody made gives what a code does that was made.
	lost := home.publishes(t, "gp-riverside", "9434766003", school.made.Hub)
	lost.ties(t, school.made.Hub, "000 000 000")
	hubtest.Eventually(t, "the other hub has taken the letter", func() error {
		if n := home.rows(t, "relmgr.letters"); n != 0 {
			return fmt.Errorf("%d letters", n)
		}
		return nil
	})
	wantToldBy(t, lost.asks(t), school)
	home.send(t, "dr-brandt", http.MethodPost, home.Relmgr.URL+"/relmgr/v1/acts/"+lost.act+"/withdrawal", map[string]any{"reason": "work-ended"}).said(t, http.StatusAccepted)

	// By an act of one side, while the other is there.
	b.send(t, "mr-lindqvist", http.MethodPost, b.Relmgr.URL+"/relmgr/v1/acts/"+b.act+"/withdrawal", map[string]any{"reason": "work-ended"}).said(t, http.StatusAccepted)
	untied(t, a, b)
	overAtBoth(t, a, b, 0)
	for _, w := range []*town{home, school} {
		w.verifies(t)
	}
}

// PUB-12, FED-13, FED-12, QRY-04, QRY-11, invariant 8: whatever a tie, or what is told to a hub, rests on ends while
// that hub, or the own hub's way to it, is away. When it is back neither side tells anything that rests
// on it, from its first question on; and it has heard of the end within the bound that is declared
// for one that is back, which is a letter's next turn.
func endedWhileAway(t *testing.T, towns []*town) {
	home, school := towns[0], towns[1]
	closes := func(w *town, column string) {
		w.borders(t, towns, func(doc map[string]any) {
			withCode(list(doc, "columns"), column)["closes"] = time.Now().Add(-time.Second).UTC().Format(time.RFC3339)
		})
	}
	for i, c := range []struct {
		name   string
		away   *town
		end    func(a tie)
		closed bool // the column, from which nobody asks any more
	}{
		{name: "the consent is withdrawn", away: school, end: func(a tie) { a.withdraws(t) }},
		{name: "the consent is withdrawn, and the own hub is cut off", away: home, end: func(a tie) { a.withdraws(t) }},
		{name: "the tie is withdrawn", away: school, end: func(a tie) {
			a.send(t, "dr-brandt", http.MethodPost, a.Relmgr.URL+"/relmgr/v1/acts/"+a.act+"/withdrawal", map[string]any{"reason": "work-ended"}).said(t, http.StatusAccepted)
		}},
		{name: "the column is closed", away: school, end: func(a tie) { closes(a.town, "gp-riverside") }, closed: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := tieUp(t, home, school, fmt.Sprintf("94347660%d1", i+1), fmt.Sprintf("94347660%d2", i+1))
			shared := fmt.Sprintf("94347660%d3", i+1) // whom both hubs call so
			_, consent := home.tellsHubs(t, shared, school.made.Hub)
			byNumber := func() heard {
				h, _ := school.asksAll(t, "dr-patel", shared)
				return h
			}
			wantToldBy(t, byNumber(), home, "Riverside Surgery")
			c.away.Federation.Kill(t)
			c.end(a)
			if !c.closed {
				home.send(t, "dr-patel", http.MethodPost, home.Consent.URL+"/consent/v1/consents/"+consent+"/withdrawal", map[string]any{"evidence": "signed-form"}).said(t, http.StatusCreated)
			}
			if !c.closed && c.away == school && a.asks(t).complete {
				t.Error("the hub that was killed has answered")
			}
			c.away.Federation.Start(t)
			hubtest.Eventually(t, "the hubs answer each other again", func() error {
				h := b.asks(t)
				if said := h.hubs[home.made.Hub]; said["answered"] != true {
					return fmt.Errorf("%v", said)
				}
				if got := h.told(t, home); len(got) > 0 { // the first that is answered is told nothing
					t.Fatalf("told of %q", got)
				}
				return nil
			})
			wantToldBy(t, byNumber(), home)
			overAtBoth(t, a, b, 0)
			if c.closed {
				home.borders(t, towns, func(map[string]any) {}) // it opens again: what ended is over
			}
			untied(t, a, b)
		})
	}
	for _, w := range []*town{home, school} {
		w.verifies(t)
	}
}
