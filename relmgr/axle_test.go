package relmgr_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr"
)

// northvale is a hub that the partnership has an agreement with, and its voucher here.
type northvale struct {
	b          *bundle
	keys       seal.Provider
	federation seal.Provider // of the bundle's own hub
	agreed     []string      // purposes; nil: two
}

const (
	northvaleHub = "https://northvale.example"
	elsewhereHub = "https://elsewhere.example"
	hubKey       = seal.KeyID("sign/federation/1")
	agencyKey    = seal.KeyID("sign/axle/northvale-police/1")
)

func keysWith(t *testing.T, ids ...seal.KeyID) seal.Provider {
	t.Helper()
	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if _, _, err := keys.Ensure(t.Context(), id, seal.KindSign); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// withNorthvale gives the bundle an agreement with another hub, and the columns of the
// surgery and of social care a scheme.
func withNorthvale(t *testing.T) northvale {
	t.Helper()
	b := setup(t)
	terms := *b.terms
	terms.Agreements = append([]decide.Agreement{}, terms.Agreements...)
	for i := range terms.Agreements {
		if terms.Agreements[i].Code == "riverside-children" {
			terms.Agreements[i].Peers = []string{northvaleHub, elsewhereHub}
		}
	}
	terms.Columns = append([]decide.Column{}, terms.Columns...)
	for i := range terms.Columns {
		if id := terms.Columns[i].ID; id == "gp-riverside" || id == "social-care" {
			terms.Columns[i].Scheme, terms.Columns[i].Pattern = "national-number", ".+"
		}
	}
	b.terms = terms.Index()
	n := northvale{b: b, keys: keysWith(t, hubKey, agencyKey), federation: keysWith(t, hubKey)}
	set, err := attest.PublicKeys(t.Context(), n.federation, hubKey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := relmgr.New(t.Context(), relmgr.Config{DB: b.hub.DB(t, "relmgr"), Keys: b.keys, Now: b.clock, Federation: attest.NewVerifier("federation", set.Fixed, b.clock)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	b.Service = s
	return n
}

func (n northvale) jwks(t *testing.T, id seal.KeyID) json.RawMessage {
	t.Helper()
	set, err := attest.PublicKeys(t.Context(), n.keys, id)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (n northvale) claims(audience, id string) attest.Claims {
	at := n.b.clock().Unix()
	return attest.Claims{Audience: audience, IssuedAt: at, Expires: at + 60, ID: id}
}

func got[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (n northvale) question(identifier string) attest.AxleQuestion {
	return attest.AxleQuestion{
		Claims: n.claims(n.b.terms.Partnership.Hub, "q-"+ident.NewAct().String()), Agency: "northvale-police", AgencyName: "Northvale Police", Role: "police-officer",
		Power: "children-act-2004-s10", Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Scheme: "national-number", Identifier: identifier,
	}
}

// carry is the hub's message with the question, and the voucher for it.
func (n northvale) carry(t *testing.T, q attest.AxleQuestion) (voucher, message string) {
	t.Helper()
	sign := got[string](t)
	inner := sign(attest.NewSigner(n.keys, agencyKey, northvaleHub).Sign(t.Context(), attest.TypAxleQuestion, q))
	message = sign(attest.NewSigner(n.keys, hubKey, northvaleHub).Sign(t.Context(), attest.TypAxleMessage, attest.AxleMessage{
		Claims: n.claims(n.b.terms.Partnership.Hub, "m"), Kind: "enquiry", Version: 1, Keys: n.jwks(t, agencyKey), Question: inner,
	}))
	return n.vouch(t, message), message
}

func (n northvale) vouch(t *testing.T, message string) string {
	t.Helper()
	sum := sha256.Sum256([]byte(message))
	return got[string](t)(attest.NewSigner(n.federation, hubKey, "federation").Sign(t.Context(), attest.TypAxleVoucher, attest.AxleVoucher{
		Claims: n.claims("relmgr", "v"), Hub: northvaleHub, Keys: n.jwks(t, hubKey), Message: base64.RawURLEncoding.EncodeToString(sum[:]),
		Purposes: n.purposes(), Roles: []string{"police-officer", "gp"},
	}))
}

func (n northvale) purposes() []string {
	if n.agreed != nil {
		return n.agreed
	}
	return []string{"co-ordinate-care", "safeguarding"}
}

func (n northvale) ask(t *testing.T, q attest.AxleQuestion) relmgr.PeerAnswer {
	t.Helper()
	voucher, message := n.carry(t, q)
	return got[relmgr.PeerAnswer](t)(n.b.AnswerPeer(t.Context(), n.b.terms, voucher, message))
}

// publishTo publishes with a decision, and a consent, that name those hubs too.
func (n northvale) publishTo(t *testing.T, who string, o relmgr.Own, hubs ...string) relmgr.Receipt {
	t.Helper()
	r := n.b.relationship(t, who, o)
	r.Audience = decide.Audience{Kind: decide.ToPeers, Names: hubs}
	if _, err := n.b.admin.Exec(`update consent.consents set audience_kind = 'peers', audience = $2 where consent_id = $1`, r.Consents[0], "{"+strings.Join(hubs, ",")+"}"); err != nil {
		t.Fatal(err)
	}
	return got[relmgr.Receipt](t)(n.b.Publish(t.Context(), n.b.as(who), r))
}

func wantAgencies(t *testing.T, a relmgr.PeerAnswer, want ...string) {
	t.Helper()
	got := []string{}
	for _, p := range a.Providers {
		got = append(got, p.AgencyName)
	}
	if a.Outcome != relmgr.PeerAnswered || strings.Join(got, ",") != strings.Join(want, ",") {
		t.Errorf("%s %q, want %q (%s)", a.Outcome, got, want, a.Because)
	}
}

// FED-31, QRY-04, FED-27, PUB-12: another hub is told what the holder's own decision names
// it for, and no more; a hub that is not named, and one whose consent was withdrawn, are
// told nothing from the next request on.
func TestAnotherHubIsToldWhatTheHolderDecidedToTellIt(t *testing.T) {
	n := withNorthvale(t)
	b := n.b
	child := own("gp-riverside", "943 476 5919")
	wantAgencies(t, n.ask(t, n.question("943 476 5919")))
	b.publish(t, "gp", own("gp-riverside", "111"))
	wantAgencies(t, n.ask(t, n.question("111"))) // told to the partnership alone
	n.publishTo(t, "gp", child, northvaleHub)
	n.publishTo(t, "social", own("social-care", "943 476 5919"), elsewhereHub)
	a := n.ask(t, n.question("943 476 5919"))
	wantAgencies(t, a, b.terms.AgencyName("riverside-gp"))
	if len(a.Commitment) != 32 || a.Providers[0].Contact.Value == "" {
		t.Errorf("%+v", a)
	}
	var consent ident.ConsentID
	if err := b.admin.QueryRow(`select dc.consent_id from relmgr.decision_consents dc join relmgr.disclosures using (decision_id)`).Scan(&consent); err != nil {
		t.Fatal(err)
	}
	b.withdraw(t, consent)
	wantAgencies(t, n.ask(t, n.question("943 476 5919")))

	for query, want := range map[string]int{
		`select count(*) from relmgr.enquiries where peer = '` + northvaleHub + `' and peer_outcome = 'answered' and handle_id is null`: 4,
		`select count(*) from relmgr.disclosures d join relmgr.enquiries e using (enquiry_id) where e.peer is not null`:                 1,
		`select count(*) from relmgr.peer_requests`: 4,
		`select count(*) from ledger.pending p join relmgr.enquiries e on e.commitment = p.commitment where e.peer is not null`: 4,
	} {
		if got := b.count(t, query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

// QRY-11, FED-31: a question leaves nothing of whom it was about where nobody is found.
func TestAHubThatDoesNotKnowThePersonKeepsNothingOfThem(t *testing.T) {
	n := withNorthvale(t)
	before := n.b.count(t, `select count(*) from relmgr.handles`)
	wantAgencies(t, n.ask(t, n.question("943 476 5870")))
	if count := n.b.count(t, `select count(*) from relmgr.handles`); count != before {
		t.Errorf("%d handles, want %d", count, before)
	}
}

// The agreements with the hub stop a request before anything is looked up, and say why;
// the refusal is recorded. What the officers agreed holds besides (FED-31, FED-36).
func TestWhatTheHubsHaveNotAgreedIsStoppedAndRecorded(t *testing.T) {
	n := withNorthvale(t)
	n.publishTo(t, "gp", own("gp-riverside", "222"), northvaleHub)
	for name, change := range map[string]func(*attest.AxleQuestion){
		"a purpose that the officers did not agree": func(q *attest.AxleQuestion) { q.Purpose = "direct-care" },
		"a role that the officers did not agree":    func(q *attest.AxleQuestion) { q.Role = "teacher" },
		"an emergency in a role that declares none": func(q *attest.AxleQuestion) { q.Role, q.Emergency = "gp", true },
	} {
		q := n.question("222")
		change(&q)
		if q.Role == "gp" { // which may declare one here
			for i := range n.b.terms.Agreements {
				n.b.terms.Agreements[i].Roles.Emergency = []string{"social-worker"}
			}
		}
		if a := n.ask(t, q); a.Outcome != relmgr.PeerStopped || a.Because == "" || len(a.Providers) != 0 || len(a.Commitment) != 32 {
			t.Errorf("%s: %+v", name, a)
		}
	}
	q := n.question("222")
	q.Purpose = "a-purpose-of-theirs"
	if a := n.ask(t, q); a.Outcome != relmgr.PeerNotUnderstood || a.Commitment != nil {
		t.Errorf("%+v", a)
	}
	if count := n.b.count(t, `select count(*) from relmgr.enquiries where peer_outcome = 'stopped' and stopped_at = 1`); count != 3 {
		t.Errorf("%d refusals", count)
	}
}

// FED-36: what this partnership calls otherwise goes by its shared name, both ways, with the
// officers' agreement in shared names; what is mapped to another name, or to none, is not
// understood, and its own word for it never crosses.
func TestLocalCodesGoByTheirSharedNamesBetweenHubs(t *testing.T) {
	n := withNorthvale(t)
	b := n.b
	terms := *b.terms
	terms.Codes.Purposes = append([]decide.Code{}, terms.Codes.Purposes...)
	for i := range terms.Codes.Purposes {
		if terms.Codes.Purposes[i].Code == "co-ordinate-care" {
			terms.Codes.Purposes[i].Shared = "care-v2"
		}
	}
	b.terms = terms.Index()
	n.publishTo(t, "gp", own("gp-riverside", "333-1"), northvaleHub)
	ask := func(purpose string) relmgr.PeerAnswer {
		q := n.question("333-1")
		q.Purpose = purpose
		return n.ask(t, q)
	}
	n.agreed = []string{"care-v2", "safeguarding"}
	for _, v := range []string{"care-v1", "co-ordinate-care"} {
		if a := ask(v); a.Outcome != relmgr.PeerNotUnderstood {
			t.Errorf("%s: %+v", v, a)
		}
	}
	wantAgencies(t, ask("care-v2"), b.terms.AgencyName("riverside-gp"))
	if count := b.count(t, "select count(*) from relmgr.enquiries where peer is not null and purpose = 'co-ordinate-care'"); count != 1 {
		t.Errorf("%d are recorded in the partnership's own words", count)
	}
	a := got[relmgr.Answer](t)(b.Enquire(t.Context(), b.as("gp"), relmgr.Question{
		Own: own("gp-riverside", "333-1"), Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Scope: relmgr.OfTheFederation,
	}))
	set := got[attest.KeySet](t)(attest.PublicKeys(t.Context(), b.keys, relmgr.SigningKey))
	var order attest.AxleOrder
	if err := attest.NewVerifier("relmgr", set.Fixed, b.clock).Verify(t.Context(), a.Orders[0].Order, attest.Expect{Typ: attest.TypAxleOrder, Audience: "federation", MaxLifetime: attest.AxleLife}, &order); err != nil {
		t.Fatal(err)
	}
	keys := got[attest.KeySet](t)(attest.ParseKeySet(order.Keys))
	asked := got[attest.AxleQuestion](t)(attest.NewVerifier(b.terms.Partnership.Hub, keys.Fixed, b.clock).VerifyQuestion(t.Context(), order.Question, order.Hub))
	if asked.Purpose != "care-v2" || order.Scheme != "national-number" {
		t.Errorf("%+v", asked)
	}
}

// A request serves once: of two who bring it at once one is told, and the other's refusal
// is recorded.
func TestARequestOfAnotherHubServesOnce(t *testing.T) {
	n := withNorthvale(t)
	n.publishTo(t, "gp", own("gp-riverside", "333"), northvaleHub)
	voucher, message := n.carry(t, n.question("333"))
	var all sync.WaitGroup
	outcomes := make([]relmgr.PeerAnswer, 6)
	for i := range outcomes {
		all.Go(func() {
			a, err := n.b.AnswerPeer(t.Context(), n.b.terms, voucher, message)
			if err != nil {
				t.Error(err)
			}
			outcomes[i] = a
		})
	}
	all.Wait()
	told := 0
	for _, a := range outcomes {
		if len(a.Providers) > 0 {
			told++
		} else if a.Outcome != relmgr.PeerUsedBefore {
			t.Errorf("%+v", a)
		}
	}
	if told != 1 || n.b.count(t, `select count(*) from relmgr.enquiries where peer_outcome = 'used-before'`) != 5 || n.b.count(t, `select count(*) from relmgr.disclosures`) != 1 {
		t.Errorf("told %d times", told)
	}
}

// What does not verify gets no answer and leaves no record: another's voucher, one for
// another message, a message of another hub's key, a question of another agency's, of
// another hub, or one that is over.
func TestWhatDoesNotVerifyIsNotAnswered(t *testing.T) {
	n := withNorthvale(t)
	n.publishTo(t, "gp", own("gp-riverside", "444"), northvaleHub)
	voucher, message := n.carry(t, n.question("444"))
	_, other := n.carry(t, n.question("444"))
	forger := northvale{b: n.b, keys: n.keys, federation: keysWith(t, hubKey)}
	liar := northvale{b: n.b, keys: keysWith(t, hubKey, agencyKey), federation: n.federation}
	_, forged := liar.carry(t, liar.question("444"))
	elsewhere := n.question("444")
	elsewhere.Audience = elsewhereHub
	_, misled := n.carry(t, elsewhere)
	for name, tc := range map[string]struct {
		voucher, message string
		kind             fault.Kind
	}{
		"a voucher of another key":          {forger.vouch(t, message), message, fault.Unauthenticated},
		"a voucher for another message":     {voucher, other, fault.Invalid},
		"no voucher":                        {"", message, fault.Unauthenticated},
		"a message of another key":          {n.vouch(t, forged), forged, fault.Invalid},
		"a question for another hub":        {n.vouch(t, misled), misled, fault.Invalid},
		"a message that is none":            {n.vouch(t, "a.b.c"), "a.b.c", fault.Invalid},
		"a voucher in place of the message": {n.vouch(t, voucher), voucher, fault.Invalid},
	} {
		_, err := n.b.AnswerPeer(t.Context(), n.b.terms, tc.voucher, tc.message)
		if fault.KindOf(err) != tc.kind {
			t.Errorf("%s: %v", name, err)
		}
	}
	n.b.wait(3 * time.Minute)
	if _, err := n.b.AnswerPeer(t.Context(), n.b.terms, n.vouch(t, message), message); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an old message: %v", err)
	}
	if count := n.b.count(t, `select count(*) from relmgr.enquiries where peer is not null`); count != 0 {
		t.Errorf("%d are recorded", count)
	}
}

// QRY-12, QRY-04: with the scope of the federation an asker is given an order for each hub
// of the agreements under which they may ask; the record names each by its one-use id.
func TestAQuestionForOtherHubsIsRecordedWithEachRequest(t *testing.T) {
	n := withNorthvale(t)
	b := n.b
	q := relmgr.Question{Own: own("gp-riverside", "555"), Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Scope: relmgr.OfTheFederation}
	a, err := b.Enquire(t.Context(), b.as("gp"), q)
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Orders) != 2 || a.Orders[0].Hub != elsewhereHub || a.Orders[1].Hub != northvaleHub {
		t.Fatalf("%+v", a.Orders)
	}
	set := got[attest.KeySet](t)(attest.PublicKeys(t.Context(), b.keys, relmgr.SigningKey))
	var order attest.AxleOrder
	if err := attest.NewVerifier("relmgr", set.Fixed, b.clock).Verify(t.Context(), a.Orders[1].Order, attest.Expect{Typ: attest.TypAxleOrder, Audience: "federation", MaxLifetime: attest.AxleLife}, &order); err != nil {
		t.Fatal(err)
	}
	keys := got[attest.KeySet](t)(attest.ParseKeySet(order.Keys))
	asked := got[attest.AxleQuestion](t)(attest.NewVerifier(b.terms.Partnership.Hub, keys.Fixed, b.clock).VerifyQuestion(t.Context(), order.Question, northvaleHub))
	if order.Subject != "dr-patel" || asked.Agency != "riverside-gp" || asked.Role != "gp" || asked.Identifier != "555" || asked.ID != order.ID {
		t.Errorf("%+v %+v", order, asked)
	}
	q.Own = relmgr.Own{Column: "gp-patel", Identifier: "PT1234"}
	if a := got[relmgr.Answer](t)(b.Enquire(t.Context(), b.as("patel"), q)); len(a.Orders) != 0 {
		t.Errorf("from a column without a scheme, of somebody whom no tie leads on: %+v", a.Orders)
	}
}
