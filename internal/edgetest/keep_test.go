package edgetest_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/idmgr"
	"github.com/fame-hub/fame/internal/attest"
)

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of probes
	probes = append(probes, probe{operation: "eraseWord", alone: true, own: true, counts: true, ready: func(h *hub, p asked) request {
		h.ok(asker, "POST", "/consent/v1/consents/"+h.consent(asker, askers, p.social, agreed{})+"/withdrawal", object{"evidence": "electronic"})
		return post(h, "/consent/v1/erasures", object{"proof": h.proofOf(p), "reason": "subject-asked"})
	}})
}

// hasEnded is a person of the surgery who has ended all that they ever said.
func (h *hub) hasEnded(identifier string) (proof string) {
	h.t.Helper()
	consent := h.proxied(identifier)
	h.ok("dr-patel", "POST", "/consent/v1/consents/"+consent+"/reviews", object{"outcome": "withhold", "reason": "risk-of-harm"})
	h.ok("dr-patel", "POST", "/consent/v1/consents/"+consent+"/withdrawal", object{"evidence": "electronic"})
	h.ok("dr-patel", "POST", "/consent/v1/exclusions/"+h.exclude("dr-patel", "gp-riverside", identifier, "riverside-police")+"/withdrawal", object{"evidence": "electronic"})
	h.ok("dr-patel", "POST", "/consent/v1/blocks/"+h.block("dr-patel", "gp-riverside", identifier, "block")+"/withdrawal", object{"evidence": "electronic"})
	_, proof = h.handle("dr-patel", "gp-riverside", identifier)
	h.ok("dr-patel", "POST", "/consent/v1/requests/"+h.toAsk("dr-patel", proof)+"/answer", object{"answer": "refused", "evidence": "spoken-and-noted"})
	return proof
}

// keepGood is the good request to erase.
func (b *bench) keepGood() {
	b.t.Helper()
	b.good["eraseWord"] = request{as: "dr-brandt", target: "/consent/v1/erasures", body: render(object{
		"proof": b.eraserProof(), "reason": "subject-asked", "evidence": "signed-form"})}
}

// eraserProof is the proof of who may correlate at the surgery, for a person with something
// to erase.
func (b *bench) eraserProof() string {
	b.t.Helper()
	b.hub.hasEnded("GP-73981")
	_, proof := b.handle("dr-brandt", "gp-riverside", "GP-73981")
	return proof
}

// keepBad are erasures that are nobody's to make.
func (b *bench) keepBad(add func(string, string, request, ...string)) {
	add("eraseWord: a reason of no list", "invalid", b.but("eraseWord", marker, "reason"))
	add("eraseWord: an obligation that is none", "malformed", b.but("eraseWord", marker, "obligation"))
	add("eraseWord: evidence that is none", "malformed", b.but("eraseWord", marker, "evidence"))
	add("eraseWord: somebody else's proof", "invalid", b.but("eraseWord", b.schoolProof, "proof"), b.schoolProof)
	add("eraseWord: a proof for another duty", "invalid", b.but("eraseWord", b.idmgrProof, "proof"), b.idmgrProof)
	add("eraseWord: by nobody who may correlate", "forbidden", b.as("eraseWord", "gov-ellis"))
}

// SUB-06, LEG-29: who signs in is shown that what they said was erased, and not what it was.
func TestAPersonIsShownThatTheirWordsWereErased(t *testing.T) {
	t.Parallel()
	h := newHub(t, setting{})
	h.publish("dr-patel", "gp-riverside", "GP-00042", agreed{})
	h.attach("dr-patel", "gp-riverside", "GP-00042", "Iris Moor")
	h.hasEnded("GP-00042")
	_, proof := h.handle("dr-brandt", "gp-riverside", "GP-00042")
	z := h.ok("dr-brandt", "POST", "/consent/v1/erasures", object{"proof": proof, "reason": "subject-asked", "evidence": "signed-form"})
	if n, _ := z["records"].(float64); n < 8 {
		t.Errorf("it erased %v", z)
	}
	shown := h.ofMine("Iris Moor", "/consent/v1/me/consents")
	if n := len(shown["erased"].([]any)); n != 3 || len(shown["exclusions"].([]any))+len(shown["blocks"].([]any)) != 0 {
		t.Errorf("the person is shown %v", shown)
	}
}

// keptByLaw leaves an erasure that a law forbade.
func (b *bench) keptByLaw() {
	b.t.Helper()
	_, proof := b.handle("dr-brandt", "gp-riverside", "GP-73982")
	b.ok("dr-brandt", "POST", "/consent/v1/erasures", object{"proof": proof, "reason": "subject-asked", "obligation": "legal-claims"})
}

// erasedWords is of how many acts of consent the contents are erased.
func (b *bench) erasedWords() (n int) {
	b.t.Helper()
	b.must(b.admin.QueryRow("select count(*) from consent.erased").Scan(&n))
	return n
}

// manages runs the identity manager's retention as of an instant: n records lost their
// contents.
func (b *bench) manages(at time.Time, days int) (n int) {
	b.t.Helper()
	s, err := idmgr.New(b.t.Context(), idmgr.Config{
		Manager: managerCode, DB: b.base.DB(b.t, "idmgr"), Keys: b.keys["idmgr"], Proofs: attest.NewVerifier("", nil, b.now), Now: func() time.Time { return at },
	})
	b.must(err)
	n, err = s.Retain(b.t.Context(), &decide.Terms{Version: 1, Settings: decide.Settings{KeepLinksDays: days}})
	b.must(err)
	return n
}

// forgotten is of how many records and acts of identity managers the contents are erased.
func (b *bench) forgotten() (n int) {
	b.t.Helper()
	b.must(b.admin.QueryRow("select count(*) from idmgr.erased").Scan(&n))
	return n
}

// SUS-16: from any value that a practitioner, a person, an officer or a keeper is shown, the
// one who asserted it, when and on what is found by the operations that they have: an answer
// to its decision, a decision to its act, an act to its leaf and to the version of the terms,
// and a version to the officer who applied it.
func TestAnyValueLeadsToWhoAssertedItWhenAndOnWhat(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	h := b.hub
	act, _ := h.publish("dr-patel", "gp-riverside", "GP-73985", agreed{})
	h.attach("dr-patel", "gp-riverside", "GP-73985", "Iris Moor")
	asserted := func(what string, o object, members ...string) {
		t.Helper()
		for _, m := range members {
			if v := o[m]; v == nil || v == "" {
				t.Errorf("%s says nothing of %s: %v", what, m, o)
			}
		}
	}
	// The person: what is held of them, by which act and decision, under which terms.
	acts, decisions := map[any]object{}, map[any]object{}
	for _, a := range h.ofMine("Iris Moor", "/relmgr/v1/me/acts")["acts"].([]any) {
		acts[a.(object)["act"]] = a.(object)
	}
	for _, d := range h.ofMine("Iris Moor", "/relmgr/v1/me/decisions")["decisions"].([]any) {
		decisions[d.(object)["act"]] = d.(object)
	}
	versions := map[any]bool{}
	for _, r := range h.ofMine("Iris Moor", "/relmgr/v1/me/relationships")["relationships"].([]any) {
		r := r.(object)
		if r["published"] != true {
			continue
		}
		asserted("a relationship's act", acts[r["act"]], "practitioner", "agency", "role", "at", "commitment")
		asserted("its decision", decisions[r["act"]], "practitioner", "agency", "at", "agreement", "power", "ground", "terms_version", "profile")
		versions[decisions[r["act"]]["terms_version"]] = true
	}
	for _, a := range acts {
		asserted("an act", a, "practitioner", "agency", "role", "at", "commitment")
	}
	for _, c := range h.ofMine("Iris Moor", "/consent/v1/me/consents")["consents"].([]any) {
		asserted("a consent", c.(object), "from", "evidence", "wording")
	}
	// The officer: each version of the terms by whom.
	applied := map[any]object{}
	for _, a := range h.ok("gov-ellis", "GET", "/governance/v1/acts", nil)["acts"].([]any) {
		asserted("an act of governance", a.(object), "practitioner", "agency", "role", "at", "commitment")
		if v := a.(object)["version"]; v != nil && (a.(object)["kind"] == "apply" || a.(object)["kind"] == "initialise") {
			applied[v] = a.(object)
		}
	}
	for v := range versions {
		asserted("the version of the terms", applied[v], "practitioner", "at")
	}
	if v := h.ok("gov-ellis", "GET", "/governance/v1/partnership", nil)["version"]; applied[v] == nil {
		t.Errorf("version %v of the partnership was applied by nobody", v)
	}
	// The practitioner: of what they hold themself.
	own := h.ok("dr-patel", "GET", "/relmgr/v1/acts/"+act+"?"+why, nil)
	asserted("one's own act", own, "practitioner", "agency", "role", "at", "ground", "agreement", "decision")
	answered := h.ask("LMN-00046", "")
	var asked object
	h.must(json.Unmarshal(answered.body, &asked))
	asserted("an answer", asked, "id", "commitment")
	for _, p := range asked["providers"].([]any) {
		asserted("a provider", p.(object), "provider", "agency")
	}
	// Who keeps a register: of each item of a person.
	for _, i := range h.ok("ms-abara", "GET", "/registrar/v1/registers/town/subjects/"+b.person+"?reason=working-with-person", nil)["items"].([]any) {
		asserted("an item", i.(object), "recorded_by", "recorded_at", "act", "source")
	}
	if len(acts) == 0 || len(versions) == 0 {
		t.Errorf("%d acts and %d versions were walked", len(acts), len(versions))
	}
}
