package edgetest_test

import (
	"context"
	"encoding/json"

	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/hubtest"
)

// passed is a pass of another hub's, for one of its practitioners to this hub's registrar.
func (h *hub) passed(other *hubtest.OtherHub, name string, change func(*attest.Pass)) string {
	h.t.Helper()
	c := h.claims(attest.PassAudience(hubID))
	p := attest.Pass{Claims: c, Practitioner: "dr-north", Agency: "northvale-surgery", Role: "gp", Purpose: "co-ordinate-care"}
	change(&p)
	signed, err := other.Signer(name).Sign(context.Background(), attest.TypPass, p)
	h.must(err)
	return signed
}

// takesWord has an agreement name a peer, and the peer take the registrar's word. It
// returns what does the first of a document.
func (h *hub) takesWord(other *hubtest.OtherHub, name string) (names func(document object)) {
	h.t.Helper()
	names = func(document object) {
		a := entry(h.t, document, "agreements", "code", "riverside-children")
		peers, _ := a["peers"].([]any)
		a["peers"] = append(peers, other.Entity(name))
	}
	h.change(names)
	to, err := attest.RecipientKeys(context.Background(), h.keys["federation"], federation.OpenerKey)
	h.must(err)
	jwks, err := json.Marshal(to)
	h.must(err)
	_, err = h.admin.ExecContext(context.Background(), "insert into federation.admitted_elsewhere (hub, registrar, known_as, jwks, minutes) values ($1, $2, 'theirs', $3, 5)", other.Entity(name), registrarCode, string(jwks))
	h.must(err)
	return names
}

// passesGood makes the good requests, of a peer that takes the registrar's word.
func (b *bench) passesGood(other *hubtest.OtherHub, name string) {
	b.t.Helper()
	names := b.takesWord(other, name)
	var document object // that is applied as a good request, too
	apply := b.good["applyPartnership"]
	b.must(json.Unmarshal(apply.body, &document))
	names(document)
	apply.body = render(document)
	b.good["applyPartnership"] = apply
	b.good["passToRegistrar"] = request{as: "dr-patel", target: "/federation/v1/passes", body: encode(b.t, object{"hub": other.Entity(name), "purpose": "co-ordinate-care"})}
	r := bearing(b.passed(other, name, func(*attest.Pass) {}), "POST", "/registrar/v1/registers/town/axle-recognitions")
	r.body = render(plain(b.t, object{"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": goodEvidence()}))
	b.good["recogniseForPeer"] = r
}

// passes are ones to nobody, of nobody, or for something else.
func (b *bench) passes(add func(string, string, request, ...string)) {
	add("passToRegistrar: a purpose of no list", "invalid", b.but("passToRegistrar", marker, "purpose"))
	add("passToRegistrar: to a hub that no agreement names", "forbidden", b.but("passToRegistrar", "https://elsewhere.example", "hub"))
	add("passToRegistrar: to a hub that is no peer", "forbidden", b.but("passToRegistrar", northvale, "hub"))
	add("passToRegistrar: by somebody whom no agreement lets enquire", "forbidden", b.as("passToRegistrar", "admin-reyes"))
	add("recogniseForPeer: for another purpose than the pass", "invalid", b.but("recogniseForPeer", "safeguarding", "purpose"))
	add("recogniseForPeer: a reason of no list", "invalid", b.but("recogniseForPeer", marker, "reason"))
	stranger := hubtest.NewOtherHub(b.t, b.now)
	for name, change := range map[string]func(*attest.Pass){
		"for another hub": func(p *attest.Pass) { p.Audience = "https://elsewhere.example/registrar" },
		"that is over":    func(p *attest.Pass) { p.IssuedAt, p.NotBefore, p.Expires = p.IssuedAt-900, 0, p.IssuedAt-600 },
		"for nobody":      func(p *attest.Pass) { p.Practitioner = "" },
		"that lives long": func(p *attest.Pass) { p.Expires = p.IssuedAt + 86400 },
	} {
		r := b.good["recogniseForPeer"]
		r.header = bearing(b.passed(b.asking, "asking", change), "", "").header
		add("recogniseForPeer: a pass "+name, "unauthenticated", r)
	}
	r := b.good["recogniseForPeer"]
	r.header = bearing(b.passed(stranger, "asking", func(*attest.Pass) {}), "", "").header
	add("recogniseForPeer: a pass of a hub that is no peer", "unauthenticated", r)
}

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of what tells nothing
	tellsNothing["passToRegistrar"] = "about a hub and the asker: knows no subject"
	tellsNothing["recogniseForPeer"] = "the registrar's, as recognise: which knows of no relationship"
}
