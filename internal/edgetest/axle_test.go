package edgetest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/api/export"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr"
)

// The hub that asks along an axle, and the keys with which this hub's own federation
// duty vouches for it.
const (
	northvale  = "https://northvale.example"
	vouching   = seal.KeyID("sign/federation/1")
	asTheHub   = seal.KeyID("sign/northvale/1")
	asTheForce = seal.KeyID("sign/northvale-police/1")
)

// otherHub makes those keys once, and returns the file of those that vouch.
func (h *hub) otherHub() string {
	h.t.Helper()
	file := filepath.Join(filepath.Dir(h.handleKeys), "federation.jwks")
	if h.keys["northvale"] == nil {
		keys, err := seal.CreateFile(file+".keys", file+".identity")
		h.must(err)
		for _, id := range []seal.KeyID{vouching, asTheHub, asTheForce} {
			_, _, err := keys.Ensure(context.Background(), id, seal.KindSign)
			h.must(err)
		}
		set, err := attest.PublicKeys(context.Background(), keys, vouching)
		h.must(err)
		h.must(attest.WriteKeySet(file, set))
		h.keys["northvale"] = keys
	}
	return file
}

// trustOwnFederation has relmgr accept the federation duty's own vouchers too.
func (h *hub) trustOwnFederation() {
	h.t.Helper()
	theirs, err := h.keys["northvale"].Public(context.Background(), vouching)
	h.must(err)
	own, err := h.keys["federation"].Public(context.Background(), federation.SigningKey)
	h.must(err)
	set, err := attest.NewKeySet(theirs, own)
	h.must(err)
	h.must(attest.WriteKeySet(h.otherHub(), set))
}

func (h *hub) signs(key seal.KeyID, issuer, typ string, claims any) string {
	h.t.Helper()
	token, err := attest.NewSigner(h.keys["northvale"], key, issuer).Sign(context.Background(), typ, claims)
	h.must(err)
	return token
}

func (h *hub) publicOf(key seal.KeyID) json.RawMessage {
	h.t.Helper()
	set, err := attest.PublicKeys(context.Background(), h.keys["northvale"], key)
	h.must(err)
	b, err := json.Marshal(set)
	h.must(err)
	return b
}

func (h *hub) claims(audience string) attest.Claims {
	at := h.now().Unix()
	return attest.Claims{Audience: audience, IssuedAt: at, Expires: at + 120, ID: ident.NewAct().String()}
}

// fromNorthvale is a message of that hub with a question.
func (h *hub) fromNorthvale(identifier string, change ...func(*attest.AxleQuestion)) string {
	h.t.Helper()
	q := attest.AxleQuestion{
		Claims: h.claims(hubID), Agency: "northvale-police", AgencyName: "Northvale Police", Role: "police-officer", Power: "children-act-2004-s10",
		Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Scheme: "national-number", Identifier: identifier,
	}
	for _, c := range change {
		c(&q)
	}
	return h.signs(asTheHub, northvale, attest.TypAxleMessage, attest.AxleMessage{
		Claims: h.claims(hubID), Kind: "enquiry", Version: 1, Keys: h.publicOf(asTheForce), Question: h.signs(asTheForce, northvale, attest.TypAxleQuestion, q),
	})
}

func (h *hub) vouch(message string) string {
	h.t.Helper()
	return h.vouchTo("relmgr", message)
}

func (h *hub) vouchTo(duty, message string) string {
	h.t.Helper()
	sum := sha256.Sum256([]byte(message))
	return h.signs(vouching, "federation", attest.TypAxleVoucher, attest.AxleVoucher{
		Claims: h.claims(duty), Hub: northvale, Keys: h.publicOf(asTheHub), Message: base64.RawURLEncoding.EncodeToString(sum[:]),
		Purposes: []string{"co-ordinate-care"}, Roles: []string{"police-officer"},
	})
}

// byNorthvale carries a message to relmgr as the federation duty does.
func (h *hub) byNorthvale(message string) request {
	h.t.Helper()
	r := bearing(h.vouch(message), "POST", "/relmgr/v1/axle-enquiries")
	r.body = encode(h.t, object{"message": message})
	return r
}

// looksUp is a step of a private look-up by Northvale.
func (h *hub) looksUp(step attest.AxleStep) request {
	h.t.Helper()
	h.must(h.another(func(s *relmgr.Service, terms *decide.Terms) error { return s.TendLookUps(context.Background(), terms) }))
	r := h.byNorthvale(h.signs(asTheHub, northvale, attest.TypAxleMessage, attest.AxleMessage{
		Claims: h.claims(hubID), Kind: "look-up", Version: 1, Keys: h.publicOf(asTheForce), LookUp: &step,
		Question: h.signs(asTheForce, northvale, attest.TypAxleLookUp, attest.AxleQuestion{
			Claims: h.claims(hubID), Agency: "northvale-police", AgencyName: "Northvale Police", Role: "police-officer", Power: "children-act-2004-s10",
			Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Scheme: "national-number",
		}),
	}))
	r.target = "/relmgr/v1/axle-look-ups"
	return r
}

// axleGood are the good requests of other hubs, and to them.
func (b *bench) axleGood() {
	b.t.Helper()
	b.good["answerPeer"] = b.byNorthvale(b.fromNorthvale("GP-00042"))
	b.good["lookUpForPeer"] = b.looksUp(attest.AxleStep{Epoch: 1, Prefix: 1})
	asked := b.ok("dr-patel", "POST", "/relmgr/v1/enquiries", object{
		"column": "gp-riverside", "identifier": "GP-00042", "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "child", "scope": "federation"})
	b.good["askPeers"] = request{as: "dr-patel", target: "/federation/v1/enquiries", body: encode(b.t, object{"orders": []any{asked["orders"].([]any)[0].(object)["order"]}})}
	b.good["readUsage"] = bearing(b.signedIn("Iris Moor", func(s *attest.Subject) { s.Expires = b.now().Add(10 * time.Minute) }), "GET", "/federation/v1/usage")
	b.good["listEscalations"] = request{as: "gov-ellis", target: "/federation/v1/escalations?limit=5"}
	other := b.met("asking")
	b.good["receiveMessage"] = request{target: "/federation/v1/messages", body: encode(b.t, object{"message": b.sealedBy(other, "asking", attest.AxleMessage{
		Kind: "a-kind-of-theirs", Version: 7,
	})})}
	b.asking = other
	b.disputesGood(other, "asking")
	b.passesGood(other, "asking")
	b.tiesGood()
}

// met is another hub that is a peer in force, by that name.
func (h *hub) met(name string) *hubtest.OtherHub {
	h.t.Helper()
	other := hubtest.NewOtherHub(h.t, h.now)
	p := h.ok("gov-ellis", "POST", "/federation/v1/peers", object{"entity": other.Entity(name), "agreement": seedAgreement})["peer"].(object)
	h.ok("gov-ellis", "POST", "/federation/v1/peers/"+p["peer"].(string)+"/confirmation", object{"agreement": p["digest"], "fingerprints": p["fingerprints"]})
	set, err := attest.PublicKeys(context.Background(), h.keys["federation"], federation.SigningKey)
	h.must(err)
	text, err := json.Marshal(set)
	h.must(err)
	keys, err := entity.ParseKeys(text)
	h.must(err)
	var agreement federation.Agreement
	h.must(json.Unmarshal(encode(h.t, seedAgreement), &agreement))
	document, err := json.Marshal(agreement)
	h.must(err)
	other.States(name, entity.Statement{Subject: hubID, Keys: &keys, Agreement: document})
	// That it has confirmed is seen, and recorded, when it is first heard of.
	first := h.sealedBy(other, name, attest.AxleMessage{Kind: "greeting", Version: 1})
	h.send(request{method: "POST", target: "/federation/v1/messages", body: encode(h.t, object{"message": first})})
	return other
}

// sealedBy is a message of that hub, sealed for this one.
func (h *hub) sealedBy(other *hubtest.OtherHub, name string, m attest.AxleMessage) string {
	h.t.Helper()
	if m.ID == "" {
		m.Claims = h.claims(hubID)
	}
	signed, err := other.Signer(name).Sign(context.Background(), attest.TypAxleMessage, m)
	h.must(err)
	return h.sealed(signed)
}

func (h *hub) sealed(signed string) string {
	h.t.Helper()
	to, err := attest.RecipientKeys(context.Background(), h.keys["federation"], federation.OpenerKey)
	h.must(err)
	jwe, err := to.Seal(signed)
	h.must(err)
	return jwe
}

// axles are messages that no peer in force has signed for this hub and now, and orders
// that are not relmgr's for who brings them.
func (b *bench) axles(add func(string, string, request, ...string)) {
	other := b.met("liar")
	stranger := hubtest.NewOtherHub(b.t, b.now)
	late, misled, from := b.claims(hubID), b.claims(hubID), b.claims(hubID)
	late.IssuedAt, late.Expires = late.IssuedAt-600, late.IssuedAt-540
	misled.Audience = "https://elsewhere.example"
	from.Issuer = ""
	for name, message := range map[string]string{
		"of a hub that is no peer":     b.sealedBy(stranger, "nobody", attest.AxleMessage{Kind: marker, Version: 1}),
		"that has expired":             b.sealedBy(other, "liar", attest.AxleMessage{Claims: late, Kind: marker, Version: 1}),
		"for another hub":              b.sealedBy(other, "liar", attest.AxleMessage{Claims: misled, Kind: marker, Version: 1}),
		"signed with another's key":    b.sealed(b.signs(asTheHub, other.Entity("liar"), attest.TypAxleMessage, attest.AxleMessage{Claims: b.claims(hubID), Kind: marker, Version: 1})),
		"that is no JWS":               b.sealed(marker),
		"whose question does not sign": b.sealedBy(other, "liar", attest.AxleMessage{Kind: "enquiry", Version: 1, Keys: b.publicOf(asTheForce), Question: marker}),
		"with no question":             b.sealedBy(other, "liar", attest.AxleMessage{Kind: "enquiry", Version: 1}),
	} {
		add("receiveMessage: a message "+name, "invalid", request{method: "POST", target: "/federation/v1/messages", body: encode(b.t, object{"message": message})}, message)
	}
	add("askPeers: somebody else's orders", "invalid", b.as("askPeers", "mr-lindqvist"))
	add("listEscalations: by somebody who is no governance officer", "forbidden", b.as("listEscalations", "dr-patel"))
}

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of what tells nothing
	tellsNothing["answerPeer"] = "asked by another hub: that hidden equals absent is TestHiddenEqualsAbsentForAnotherHub"
	tellsNothing["lookUpForPeer"] = "names nobody: that who is hidden is not in a bucket is TestAPrivateLookUpFindsWhomAnIdentifiedQuestionWouldBeToldOf"
	tellsNothing["readUsage"] = "asked by the person: it is what listMyEnquiries tells them, and no more, which TestTheUsageFeedIsWhatAPersonIsToldAtHome shows"
	tellsNothing["receiveMessage"] = "likewise, and sealed in one size"
	tellsNothing["askPeers"] = "decides nothing: it carries what other hubs decide"
	tellsNothing["listEscalations"] = "knows no subject"
	ofOfficers["listEscalations"] = "what hubs do not understand of each other is put to the officers, and holds nothing of a person"
}

// withNorthvale has the partnership's children's agreement hold with Northvale as well,
// and the surgery's identifiers be of a scheme.
func withNorthvale(doc map[string]any) {
	for _, a := range doc["agreements"].([]any) {
		if a.(object)["code"] == "riverside-children" {
			a.(object)["peers"] = []string{northvale}
		}
	}
	for _, c := range doc["columns"].([]any) {
		if c.(object)["id"] == "gp-riverside" {
			c.(object)["scheme"] = "national-number"
		}
	}
}

// QRY-11, FED-31, invariant 5 along an axle: whoever is known but not to be told of to the
// other hub, is told to the partnership alone, blocks it, or is in dispute, and whoever
// nobody has ever heard of, give one answer: status, headers, bytes and records alike.
func TestHiddenEqualsAbsentForAnotherHub(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{document: withNorthvale})
	toPeers := agreed{audience: object{"peers": []string{northvale}}}
	h.publish("dr-patel", "gp-riverside", "GP-00010", toPeers)
	h.publish("dr-patel", "gp-riverside", "GP-00011", agreed{})
	h.publish("dr-patel", "gp-riverside", "GP-00012", toPeers)
	h.block("dr-patel", "gp-riverside", "GP-00012", "block")
	_, consent := h.publish("dr-patel", "gp-riverside", "GP-00013", toPeers)
	h.ok("dr-patel", "POST", "/consent/v1/consents/"+consent+"/withdrawal", object{"evidence": "signed-form"})
	h.handle("dr-patel", "gp-riverside", "GP-00014")

	ask := func(identifier string, change ...func(*attest.AxleQuestion)) (string, []string) {
		before := h.snapshot()
		a := h.send(h.byNorthvale(h.fromNorthvale(identifier, change...)))
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		var said object
		h.must(json.Unmarshal(a.body, &said))
		said["commitment"] = strings.Repeat("0", 64)
		return string(encode(t, said)), written(before, h.snapshot())
	}
	if told, _ := ask("GP-00010"); !strings.Contains(told, "desk") && !strings.Contains(told, "contact") {
		t.Fatalf("nobody is told: %s", told)
	}
	absent, wrote := ask("GP-99999")
	if strings.Contains(absent, "contact") {
		t.Fatal(absent)
	}
	for _, hidden := range []string{"GP-00011", "GP-00012", "GP-00013", "GP-00014"} {
		got, also := ask(hidden)
		if got != absent || strings.Join(also, " ") != strings.Join(wrote, " ") {
			t.Errorf("%s: %s, wrote %v; of one who is absent %s, wrote %v", hidden, got, also, absent, wrote)
		}
	}
}

// stoppedAlongAnAxle leaves an exchange with another hub that no agreement names: it is told
// by which record it was refused.
func (b *bench) stoppedAlongAnAxle() {
	b.t.Helper()
	other := b.met("unnamed")
	q := attest.AxleQuestion{
		Claims: b.claims(hubID), Agency: "northvale-police", AgencyName: "Northvale Police", Role: "police-officer", Power: "children-act-2004-s10",
		Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Scheme: "national-number", Identifier: "GP-00042",
	}
	b.ok("", "POST", "/federation/v1/messages", object{"message": b.sealedBy(other, "unnamed", attest.AxleMessage{
		Kind: "enquiry", Version: 1, Keys: b.publicOf(asTheForce), Question: b.signs(asTheForce, other.Entity("unnamed"), attest.TypAxleQuestion, q),
	})})
}

// SUB-09, FED-09, QRY-05: the usage feed tells a person what they are told under me, in words, and
// nobody else; what was concealed from them leaves no trace in it, and federation keeps nothing.
func TestTheUsageFeedIsWhatAPersonIsToldAtHome(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{document: withNorthvale})
	h.publish("dr-patel", "gp-riverside", "GP-00010", agreed{audience: object{"peers": []string{northvale}}})
	h.attach("dr-patel", "gp-riverside", "GP-00010", "Ida Moor")
	h.ok("dr-patel", "POST", "/relmgr/v1/enquiries", object{
		"column": "gp-riverside", "identifier": "GP-00010", "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "child"})
	if a := h.send(h.byNorthvale(h.fromNorthvale("GP-00010"))); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	before := h.snapshot()
	feed := func(person string) (said object) {
		t.Helper()
		a := h.send(bearing(h.signedIn(person), "GET", "/federation/v1/usage"))
		if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		h.must(json.Unmarshal(a.body, &said))
		return said
	}
	said := feed("Ida Moor")
	if wrote := written(before, h.snapshot()); len(wrote) != 0 {
		t.Errorf("wrote %v", wrote)
	}
	home := h.send(bearing(h.myProofs("Ida Moor", "")["relmgr"].(string), "GET", "/relmgr/v1/me/enquiries"))
	var asked object
	h.must(json.Unmarshal(home.body, &asked))
	there, here := said["usage"].([]any), asked["enquiries"].([]any)
	if len(there) != len(here) || len(there) < 2 || said["hub"] != hubID || said["more"] != false {
		t.Fatalf("%v, at home %v", said, asked)
	}
	from := 0
	for i := range there {
		u, e := there[i].(object), here[i].(object)
		if u["commitment"] != e["commitment"] || u["agency_name"] != e["agency_name"] || u["told_of"] != float64(len(e["told_of"].([]any))) {
			t.Errorf("%v, at home %v", u, e)
		}
		if u["from"] == northvale {
			from++
		}
	}
	if from != 1 {
		t.Errorf("%d of Northvale: %v", from, there)
	}
	e := new(export.Export)
	h.must(e.Gather(t.Context(), h.client, h.url, h.signedIn("Ida Moor")))
	var page bytes.Buffer
	h.must(e.WriteHTML(&page))
	if len(e.Elsewhere) != 1 || len(e.Elsewhere[0].Usage) != len(here) || !strings.Contains(page.String(), "Who asked about you at") || !strings.Contains(page.String(), northvale) {
		t.Errorf("gathered %+v", e.Elsewhere)
	}
	if nobody := feed("Nobody At All"); len(nobody["usage"].([]any)) != 0 {
		t.Errorf("%v", nobody)
	}
	if a := h.send(bearing("a.b.c", "GET", "/federation/v1/usage")); a.status != 401 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := h.send(bearing(h.token("dr-patel"), "GET", "/federation/v1/usage")); a.status != 401 {
		t.Errorf("as a practitioner: %d %s", a.status, a.body)
	}
}
