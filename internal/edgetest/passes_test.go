package edgetest_test

import (
	"context"
	"encoding/json"

	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/hubtest"
)

// passed is a pass of another hub's, for one of its practitioners to this hub's registrar.
func (b *bench) passed(other *hubtest.OtherHub, name string, change func(*attest.Pass)) string {
	b.t.Helper()
	c := b.claims(attest.PassAudience(hubID))
	p := attest.Pass{Claims: c, Practitioner: "dr-north", Agency: "northvale-surgery", Role: "gp", Purpose: "co-ordinate-care"}
	change(&p)
	signed, err := other.Signer(name).Sign(context.Background(), attest.TypPass, p)
	b.must(err)
	return signed
}

// passesGood has an agreement name the peer, which takes the registrar's word, and makes the good requests.
func (b *bench) passesGood(other *hubtest.OtherHub, name string) {
	b.t.Helper()
	names := func(document object) {
		a := entry(b.t, document, "agreements", "code", "riverside-children")
		peers, _ := a["peers"].([]any)
		a["peers"] = append(peers, other.Entity(name))
	}
	b.change(names)
	var document object // that is applied as a good request, too
	apply := b.good["applyPartnership"]
	b.must(json.Unmarshal(apply.body, &document))
	names(document)
	apply.body = render(document)
	b.good["applyPartnership"] = apply
	to, err := attest.RecipientKeys(context.Background(), b.keys["federation"], federation.OpenerKey)
	b.must(err)
	jwks, err := json.Marshal(to)
	b.must(err)
	_, err = b.admin.ExecContext(context.Background(), "insert into federation.admitted_elsewhere (hub, registrar, known_as, jwks, minutes) values ($1, $2, 'theirs', $3, 5)", other.Entity(name), registrarCode, string(jwks))
	b.must(err)
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
