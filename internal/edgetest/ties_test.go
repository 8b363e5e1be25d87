package edgetest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
)

// tying is what somebody of the surgery states of somebody at Northvale.
func (h *hub) tying(identifier string) object {
	h.t.Helper()
	toNorthvale := agreed{audience: object{"peers": []string{northvale}}}
	consent := h.consent("dr-patel", "gp-riverside", identifier, toNorthvale)
	return object{"column": "gp-riverside", "identifier": identifier, "hub": northvale, "reason": "working-with-person", "decision": h.decision("gp-riverside", toNorthvale, consent)}
}

// letterOf is a letter of Northvale's, as the federation duty carries it to relmgr.
func (h *hub) letterOf(body object) request {
	h.t.Helper()
	r := h.byNorthvale(h.signs(asTheHub, northvale, attest.TypAxleMessage, attest.AxleMessage{
		Claims: h.claims(hubID), Kind: "letter", Version: 1, Letter: &attest.AxleLetter{Duty: "relmgr", ID: ident.NewAct().String(), Body: string(encode(h.t, body))},
	}))
	r.target = "/relmgr/v1/axle-letters/received"
	return r
}

// tied ties somebody of the surgery to a reference of Northvale's.
func (h *hub) tied(identifier, reference string) (act string) {
	h.t.Helper()
	made := h.ok("dr-brandt", "POST", "/relmgr/v1/ties", h.tying(identifier))
	h.takesLetter(object{"reference": reference, "code": made["code"]})
	return made["act"].(string)
}

func (h *hub) takesLetter(body object) {
	h.t.Helper()
	if a := h.send(h.letterOf(body)); a.status != 204 {
		h.t.Fatalf("%d %s", a.status, a.body)
	}
}

// tiesGood leaves a tie that stands, and makes the good requests about ties.
func (b *bench) tiesGood() {
	b.t.Helper()
	b.tied("GP-73960", "of-northvale")
	b.good["tie"] = request{as: "dr-brandt", target: "/relmgr/v1/ties", body: encode(b.t, b.tying("GP-73961"))}
	b.good["collectLetters"] = bearing(b.vouch("letters"), "POST", "/relmgr/v1/axle-letters")
	collect := b.good["collectLetters"]
	collect.body = encode(b.t, object{"taken": []string{seedID}})
	b.good["collectLetters"] = collect
	b.good["takeLetter"] = b.letterOf(object{"reference": "nobody's", "ended": true})
	collect = bearing(b.vouchTo("idmgr", "letters"), "POST", "/idmgr/v1/axle-letters")
	collect.body = encode(b.t, object{"told": []object{{"letter": seedID, "reply": "e30"}}})
	b.good["collectLinkLetters"] = collect
	b.good["takeLinkLetter"] = b.linkLetterOf(object{"reference": "nobody's", "ended": true})
}

// linkLetterOf is a letter of Northvale's about a private link, as the federation duty carries
// it to a manager.
func (h *hub) linkLetterOf(body object) request {
	h.t.Helper()
	message := h.signs(asTheHub, northvale, attest.TypAxleMessage, attest.AxleMessage{
		Claims: h.claims(hubID), Kind: "letter", Version: 1, Letter: &attest.AxleLetter{Duty: "idmgr", ID: ident.NewAct().String(), Body: string(encode(h.t, body))},
	})
	r := bearing(h.vouchTo("idmgr", message), "POST", "/idmgr/v1/axle-letters/received")
	r.body = encode(h.t, object{"message": message})
	return r
}

// ties are ones with a hub that is none of the agreements', or on a decision that does not
// name it, and letters that are none.
func (b *bench) ties(add func(string, string, request, ...string)) {
	add("tie: a hub of no agreement", "invalid", b.but("tie", "https://nowhere.example", "hub"), "https://nowhere.example")
	add("tie: this hub", "invalid", b.but("tie", hubID, "hub"))
	add("tie: a reason of no list", "invalid", b.but("tie", marker, "reason"))
	add("tie: a decision for the partnership alone", "invalid", b.but("tie", object{"partnership": true}, "decision", "audience"))
	add("tie: a code that was misheard", "invalid", b.but("tie", "4K7 M2P 9XT", "code"), "4K7 M2P 9XT")
	for name, body := range map[string]object{
		"that says nothing":             {},
		"with a code and an end":        {"reference": "r", "code": "4K7 M2P 9XT", "ended": true},
		"with neither a code nor that":  {"reference": marker},
		"with a reference too long":     {"reference": strings.Repeat("r", 65), "ended": true},
		"with a reference that is none": {"reference": 7, "ended": true},
	} {
		add("takeLetter: a letter "+name, "invalid", b.letterOf(body), marker)
	}
	for name, body := range map[string]object{
		"that says nothing":                 {},
		"that asks and ends":                {"reference": "r", "asks": true, "ended": true},
		"with a reference that is too long": {"reference": strings.Repeat("r", 65), "ended": true},
	} {
		add("takeLinkLetter: a letter "+name, "invalid", b.linkLetterOf(body))
	}
	stray := bearing(b.vouchTo("idmgr", "a.b.c"), "POST", "/idmgr/v1/axle-letters")
	stray.body = b.good["collectLinkLetters"].body
	add("collectLinkLetters: a voucher for something else", "invalid", stray)
	add("openLink: to a column and to another hub", "invalid", b.but("openLink", northvale, "hub"))
	add("acceptLink: of a hub of no agreement", "invalid", b.but("acceptLink", "https://nowhere.example", "hub"))
	add("acceptLink: of another hub, for no purpose", "invalid", b.but("acceptLink", northvale, "hub"))
	other := bearing(b.vouch("a.b.c"), "POST", "/relmgr/v1/axle-letters")
	other.body = b.good["collectLetters"].body
	add("collectLetters: a voucher for something else", "invalid", other)
}

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of what tells nothing
	tellsNothing["tie"] = "reads the caller's own side alone: what the other hub makes of it nobody is told, which TestATieThatTellsNothingAnswersAsOneThatNobodyMade shows"
	tellsNothing["takeLinkLetter"] = "answered as a letter about nobody, save to a question through a live link, which TestACodeOfAnotherHubTellsNothingOfWhetherItServes of idmgr shows"
	tellsNothing["collectLinkLetters"] = "for the hub's own federation duty: names nobody"
	tellsNothing["takeLetter"] = "answered with nothing, whatever it comes to"
	tellsNothing["collectLetters"] = "for the hub's own federation duty: names nobody"
}

// FED-13, QRY-11, invariant 5 along a tie: to the hub at its other end a tie to somebody who is
// blocked, in dispute, told to nobody there, or whose tie has ended answers as a reference that
// was never drawn does, and writes as much.
func TestATieThatTellsNothingAnswersAsOneThatNobodyMade(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{document: withNorthvale})
	told := agreed{audience: object{"peers": []string{northvale}}}
	for n, identifier := range []string{"GP-00010", "GP-00011", "GP-00012", "GP-00013", "GP-00014", "GP-00015"} {
		if n != 1 {
			h.publish("dr-patel", "gp-riverside", identifier, told)
		}
		act := h.tied(identifier, identifier)
		switch n {
		case 2:
			h.block("dr-patel", "gp-riverside", identifier, "block")
		case 3:
			h.dispute("dr-brandt", "gp-riverside", identifier)
		case 4:
			h.withdrawAct("dr-brandt", act)
		case 5:
			h.takesLetter(object{"reference": identifier, "ended": true})
		}
	}
	ask := func(reference string) (string, []string) {
		before := h.snapshot()
		a := h.send(h.byNorthvale(h.fromNorthvale("", func(q *attest.AxleQuestion) { q.Scheme, q.Ties = "", []string{reference} })))
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		var said object
		h.must(json.Unmarshal(a.body, &said))
		said["commitment"] = strings.Repeat("0", 64)
		return string(encode(t, said)), written(before, h.snapshot())
	}
	if said, _ := ask("GP-00010"); !strings.Contains(said, "contact") {
		t.Fatalf("nobody is told: %s", said)
	}
	absent, wrote := ask("nobody's")
	for _, reference := range []string{"GP-00011", "GP-00012", "GP-00013", "GP-00014", "GP-00015"} {
		got, also := ask(reference)
		if got != absent || strings.Join(also, " ") != strings.Join(wrote, " ") {
			t.Errorf("%s: %s, wrote %v; of one that nobody made %s, wrote %v", reference, got, also, absent, wrote)
		}
	}
}
