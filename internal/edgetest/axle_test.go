package edgetest_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
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
	sum := sha256.Sum256([]byte(message))
	return h.signs(vouching, "federation", attest.TypAxleVoucher, attest.AxleVoucher{
		Claims: h.claims("relmgr"), Hub: northvale, Keys: h.publicOf(asTheHub), Message: base64.RawURLEncoding.EncodeToString(sum[:]),
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

// axleGood are the good requests of other hubs.
func (b *bench) axleGood() { b.good["answerPeer"] = b.byNorthvale(b.fromNorthvale("GP-00042")) }

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of what tells nothing
	tellsNothing["answerPeer"] = "asked by another hub: that hidden equals absent is TestHiddenEqualsAbsentForAnotherHub"
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
