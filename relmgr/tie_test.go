package relmgr_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// tied is a hub of which somebody's handle is tied to one at northvale.
type tied struct {
	northvale
	act       relmgr.Receipt
	reference string // as northvale knows it
	consent   ident.ConsentID
	child     relmgr.Own
}

// offer is the caller's side of a tie to northvale, on a consent that names it.
func (n northvale) offer(t *testing.T, who string, o relmgr.Own) relmgr.Tying {
	t.Helper()
	r := n.b.relationship(t, who, o)
	if _, err := n.b.admin.Exec(`update consent.consents set audience_kind = 'peers', audience = array[$2] where consent_id = $1`, r.Consents[0], northvaleHub); err != nil {
		t.Fatal(err)
	}
	r.Audience = decide.Audience{Kind: decide.ToPeers, Names: []string{northvaleHub}}
	return relmgr.Tying{Own: o, Hub: northvaleHub, Reason: "working-with-person", Proposal: r.Proposal}
}

// letter is one of northvale's.
func (n northvale) letter(t *testing.T, body map[string]any) error {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	message := got[string](t)(attest.NewSigner(n.keys, hubKey, northvaleHub).Sign(t.Context(), attest.TypAxleMessage, attest.AxleMessage{
		Claims: n.claims(n.b.terms.Partnership.Hub, "l"), Kind: "letter", Version: 1, Letter: &attest.AxleLetter{Duty: "relmgr", ID: ident.NewAct().String(), Body: string(text)},
	}))
	return n.b.TakeLetter(t.Context(), n.b.terms, n.vouch(t, message), message)
}

func (n northvale) takes(t *testing.T, body map[string]any) {
	t.Helper()
	if err := n.letter(t, body); err != nil {
		t.Fatal(err)
	}
}

// letters are what northvale is still to be told; taken, it has been.
func (n northvale) letters(t *testing.T, take bool) (bodies []map[string]any) {
	t.Helper()
	read := func(taken ...string) []relmgr.Letter {
		return got[[]relmgr.Letter](t)(n.b.Letters(t.Context(), n.vouch(t, "letters"), taken))
	}
	var taken []string
	for _, l := range read() {
		body := map[string]any{}
		if err := json.Unmarshal([]byte(l.Body), &body); err != nil || l.Hub != northvaleHub {
			t.Fatalf("%+v %v", l, err)
		}
		bodies, taken = append(bodies, body), append(taken, l.ID.String())
	}
	if take {
		read(taken...)
	}
	return bodies
}

// along is a question of northvale's along ties.
func (n northvale) along(references ...string) attest.AxleQuestion {
	q := n.question("")
	q.Scheme, q.Ties = "", references
	return q
}

// tie has the surgery publish somebody and tie them to somebody at northvale.
func (n northvale) tie(t *testing.T, reference string) tied {
	t.Helper()
	child := own("gp-riverside", "943 476 5919")
	n.publishTo(t, "gp", child, northvaleHub)
	offer := n.offer(t, "gp-manager", child)
	made := got[relmgr.Tied](t)(n.b.TieTo(t.Context(), n.b.as("gp-manager"), offer))
	n.takes(t, map[string]any{"reference": reference, "code": made.Code})
	return tied{n, made.Receipt, reference, offer.Consents[0], child}
}

// sends are the ties that the surgery's own question for a purpose names to northvale.
func (x tied) sends(t *testing.T, purpose string) []string {
	t.Helper()
	a := got[relmgr.Answer](t)(x.b.Enquire(t.Context(), x.b.as("gp"), relmgr.Question{
		Own: x.child, Purpose: purpose, Reason: "working-with-person", Concerning: "child", Scope: relmgr.OfTheFederation,
	}))
	for _, o := range a.Orders {
		if o.Hub != northvaleHub {
			continue
		}
		set := got[attest.KeySet](t)(attest.PublicKeys(t.Context(), x.b.keys, relmgr.SigningKey))
		var order attest.AxleOrder
		if err := attest.NewVerifier("relmgr", set.Fixed, x.b.clock).Verify(t.Context(), o.Order, attest.Expect{Typ: attest.TypAxleOrder, Audience: "federation", MaxLifetime: attest.AxleLife}, &order); err != nil {
			t.Fatal(err)
		}
		if order.Tied == "" {
			return nil
		}
		keys := got[attest.KeySet](t)(attest.ParseKeySet(order.Keys))
		q := got[attest.AxleQuestion](t)(attest.NewVerifier(x.b.terms.Partnership.Hub, keys.Fixed, x.b.clock).VerifyQuestion(t.Context(), order.Tied, o.Hub))
		if q.Identifier != "" || q.Scheme != "" {
			t.Errorf("an identifier crosses: %+v", q)
		}
		return q.Ties
	}
	t.Fatal("northvale is not asked")
	return nil
}

func (x tied) tend(t *testing.T) {
	t.Helper()
	if next, err := x.b.TendTies(t.Context(), x.b.terms, ident.UntypedID{}); err != nil || next != (ident.UntypedID{}) {
		t.Fatal(next, err)
	}
}

// FED-13, IDX-16, PUB-12: a tie leads another hub's question to the row here, and the question
// here to the other hub, as far as the decisions reach; no identifier crosses; a code serves once.
func TestATieLeadsBothHubsToTheSamePerson(t *testing.T) {
	n := withNorthvale(t)
	x := n.tie(t, "reference-of-theirs")
	wantAgencies(t, n.ask(t, n.along(x.reference)), "Riverside Surgery")
	if got := x.sends(t, "co-ordinate-care"); len(got) != 1 || got[0] != x.reference {
		t.Errorf("the question names %q", got)
	}
	if got := x.sends(t, "safeguarding"); len(got) != 0 { // the tie's own decision is not for it
		t.Errorf("for another purpose the question names %q", got)
	}
	other := n.along(x.reference)
	other.Purpose = "safeguarding" // within the agreement, and not of the tie's decision
	wantAgencies(t, n.ask(t, other))

	// Nobody's reference, and the reference in another hub's name.
	wantAgencies(t, n.ask(t, n.along("nobody's")))

	// What is not published to the hub is not told, tie or not.
	hidden := own("gp-riverside", "943 476 5870")
	n.b.publish(t, "gp", hidden)
	made := got[relmgr.Tied](t)(n.b.TieTo(t.Context(), n.b.as("gp-manager"), n.offer(t, "gp-manager", hidden)))
	n.takes(t, map[string]any{"reference": "another", "code": made.Code})
	wantAgencies(t, n.ask(t, n.along("another")))
	n.takes(t, map[string]any{"reference": "again", "code": made.Code})
	if refs := n.b.count(t, "select count(*) from relmgr.tie_references"); refs != 2 {
		t.Errorf("%d references: a code serves once", refs)
	}
}

// FED-13: the second side of a tie has the other hub told its code and a reference, until it
// has taken them or the code is over; the answer says nothing of what became of it.
func TestTheSecondSideOfATieTellsTheOtherHubUntilTheCodeIsOver(t *testing.T) {
	n := withNorthvale(t)
	child := own("gp-riverside", "943 476 5919")
	offer := n.offer(t, "gp-manager", child)
	offer.Code = "4k7 m2p 9xt"
	if _, err := n.b.TieTo(t.Context(), n.b.as("gp-manager"), offer); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a code that was misheard: %v", err)
	}
	first := got[relmgr.Tied](t)(n.b.TieTo(t.Context(), n.b.as("gp-manager"), n.offer(t, "gp-manager", child)))
	offer.Code = first.Code // any that is well formed: it is the other hub's to know
	second := got[relmgr.Tied](t)(n.b.TieTo(t.Context(), n.b.as("gp-manager"), offer))
	if second.Code != "" || len(second.Commitment) != 32 {
		t.Errorf("%+v", second)
	}
	for range 2 {
		told := n.letters(t, false)
		if len(told) != 1 || told[0]["code"] == nil || told[0]["reference"] == nil {
			t.Fatalf("%v", told)
		}
	}
	n.b.wait(time.Duration(n.b.terms.Settings.PairingMinutes)*time.Minute + time.Second)
	n.letters(t, true)
	if told := n.letters(t, false); len(told) != 0 {
		t.Errorf("after the code is over: %v", told)
	}
	// The first side's code is over as well.
	n.takes(t, map[string]any{"reference": "late", "code": first.Code})
	wantAgencies(t, n.ask(t, n.along("late")))
}

// FED-13, PUB-12, invariant 8: whatever ends a tie here ends it at once in both directions, and
// for good; the other hub is told once, until it has taken it.
func TestATieEndsAtBothHubsWithWhateverEndsItHere(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, x tied){
		"the consent that it rests on is withdrawn": func(t *testing.T, x tied) { x.b.withdraw(t, x.consent) },
		"its act is withdrawn": func(t *testing.T, x tied) {
			got[relmgr.Receipt](t)(x.b.WithdrawAct(t.Context(), x.b.as("gp-manager"), x.act.Act, "work-ended", ""))
		},
		"its handle is disputed": func(t *testing.T, x tied) {
			got[relmgr.Receipt](t)(x.b.DisputeIdentity(t.Context(), x.b.as("gp-manager"), x.child, "working-with-person"))
		},
		"its column is closed": func(_ *testing.T, x tied) { x.b.closes("gp-riverside") },
		"its agreement names the hub no more": func(t *testing.T, x tied) {
			x.b.change(t, func(terms *decide.Terms) {
				for i := range terms.Agreements {
					terms.Agreements[i].Peers = nil
				}
			})
		},
		"its time is over": func(_ *testing.T, x tied) { x.b.wait(400 * 24 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			n := withNorthvale(t)
			x := n.tie(t, "reference-of-theirs")
			wantAgencies(t, n.ask(t, n.along(x.reference)), "Riverside Surgery")
			before := n.b.terms
			end(t, x)
			if a := n.ask(t, n.along(x.reference)); len(a.Providers) != 0 {
				t.Errorf("at the next question: %+v", a)
			}
			x.tend(t)
			x.tend(t)
			told := n.letters(t, true)
			if len(told) != 1 || told[0]["reference"] != x.reference || told[0]["ended"] != true {
				t.Errorf("the other hub is told %v", told)
			}
			if left := n.letters(t, false); len(left) != 0 {
				t.Errorf("again: %v", left)
			}
			// Over for good, whatever comes back.
			n.b.terms = before
			if a := n.ask(t, n.along(x.reference)); len(a.Providers) != 0 {
				t.Errorf("when it is there again: %+v", a)
			}
		})
	}
}

// FED-13: the other hub ends it: nothing goes along it from then on, its agency sees that it has
// ended, nobody is told back, and what is said again changes nothing.
func TestATieThatTheOtherHubHasEndedIsOverHere(t *testing.T) {
	n := withNorthvale(t)
	x := n.tie(t, "reference-of-theirs")
	for range 2 {
		n.takes(t, map[string]any{"reference": x.reference, "ended": true})
	}
	wantAgencies(t, n.ask(t, n.along(x.reference)))
	if got := x.sends(t, "co-ordinate-care"); len(got) != 0 {
		t.Errorf("the question names %q", got)
	}
	if told := n.letters(t, false); len(told) != 0 {
		t.Errorf("%v", told)
	}
	if acts := n.b.count(t, "select count(*) from relmgr.acts where kind = 'untie'"); acts != 1 {
		t.Errorf("%d acts", acts)
	}
	if _, err := n.b.WithdrawAct(t.Context(), n.b.as("gp-manager"), x.act.Act, "work-ended", ""); err != nil {
		t.Errorf("an act that has come to nothing can be withdrawn: %v", err)
	}
}

// FED-13, QRY-11: what this side's policy does not let another hub follow looks like a tie that was
// never taken up: a block, an exclusion, a keep-apart do not end it.
func TestATieThatPolicyStopsLooksLikeOneThatWaits(t *testing.T) {
	n := withNorthvale(t)
	x := n.tie(t, "reference-of-theirs")
	none := n.ask(t, n.along("nobody's"))
	none.Commitment = nil
	id := n.b.block(t, n.b.handle(t, "gp", x.child), "block")
	a := n.ask(t, n.along(x.reference))
	a.Commitment = nil
	if a.Outcome != none.Outcome || a.Because != none.Because || len(a.Providers) != 0 {
		t.Errorf("%+v, where nobody is known %+v", a, none)
	}
	x.tend(t)
	if told := n.letters(t, false); len(told) != 0 {
		t.Errorf("a block is told: %v", told)
	}
	if _, err := n.b.admin.Exec(`insert into consent.unblocks select block_id, act_id, $1, 'signed-form' from consent.blocks where block_id = $2`, n.b.clock(), id); err != nil {
		t.Fatal(err)
	}
	wantAgencies(t, n.ask(t, n.along(x.reference)), "Riverside Surgery")
}

// FED-13, IDX-05: whoever may not correlate may not tie, and the decision has to name the hub.
func TestATieTakesTheRoleAndADecisionThatNamesTheHub(t *testing.T) {
	n := withNorthvale(t)
	child := own("gp-riverside", "943 476 5919")
	offer := n.offer(t, "gp-manager", child)
	if _, err := n.b.TieTo(t.Context(), n.b.as("gp"), offer); fault.KindOf(err) != fault.DecisionRefused {
		t.Errorf("a practitioner without the role: %v", err)
	}
	for name, edit := range map[string]func(*relmgr.Tying){
		"the partnership alone":  func(o *relmgr.Tying) { o.Audience = decide.Audience{Kind: decide.ToPartnership} },
		"another hub":            func(o *relmgr.Tying) { o.Audience.Names = []string{elsewhereHub} },
		"a hub of no agreement":  func(o *relmgr.Tying) { o.Hub = "https://nowhere.example" },
		"this hub":               func(o *relmgr.Tying) { o.Hub = n.b.terms.Partnership.Hub },
		"a reason of no list":    func(o *relmgr.Tying) { o.Reason = "because" },
		"an override of refusal": func(o *relmgr.Tying) { o.Override = &decide.Override{} },
	} {
		bad := n.offer(t, "gp-manager", child)
		edit(&bad)
		if _, err := n.b.TieTo(t.Context(), n.b.as("gp-manager"), bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FED-13: of letters that bring one code at once one ties; of all that end a tie at once, each
// finds it standing or over, and the other hub is told once. Whatever dies in between has done
// all of it or nothing: each is one transaction.
func TestATieIsTiedOnceAndEndsOnceHoweverManyDoItAtOnce(t *testing.T) {
	n := withNorthvale(t)
	child := own("gp-riverside", "943 476 5919")
	n.publishTo(t, "gp", child, northvaleHub)
	offer := n.offer(t, "gp-manager", child)
	made := got[relmgr.Tied](t)(n.b.TieTo(t.Context(), n.b.as("gp-manager"), offer))
	atOnce := func(do ...func() error) {
		t.Helper()
		var all sync.WaitGroup
		for _, f := range do {
			all.Go(func() {
				if err := f(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	var letters []func() error
	for i := range 6 {
		letters = append(letters, func() error { return n.letter(t, map[string]any{"reference": fmt.Sprint("r", i), "code": made.Code}) })
	}
	atOnce(letters...)
	told := 0
	for i := range 6 {
		told += len(n.ask(t, n.along(fmt.Sprint("r", i))).Providers)
	}
	if refs := n.b.count(t, "select count(*) from relmgr.tie_references"); refs != 1 || told != 1 {
		t.Fatalf("%d references, %d told", refs, told)
	}

	n.b.withdraw(t, offer.Consents[0])
	tend := func() error {
		_, err := n.b.TendTies(t.Context(), n.b.terms, ident.UntypedID{})
		return err
	}
	atOnce(tend, tend, func() error {
		_, err := n.b.WithdrawAct(t.Context(), n.b.as("gp-manager"), made.Act, "work-ended", "")
		return err
	}, func() error { return n.letter(t, map[string]any{"reference": "r0", "ended": true}) })
	if refs := n.b.count(t, "select count(*) from relmgr.tie_references"); refs != 0 {
		t.Errorf("%d references are left", refs)
	}
	if live := n.b.count(t, "select count(*) from relmgr.ties where live"); live != 0 {
		t.Errorf("%d ties are live", live)
	}
	if unties := n.b.count(t, "select count(*) from relmgr.acts where kind = 'untie'"); unties > 1 {
		t.Errorf("the hub has untied it %d times", unties)
	}
	if told := len(n.letters(t, true)); told > 1 {
		t.Errorf("the other hub is told %d times", told)
	}
}

// FED-13, SUB-06: erasing an identifier takes its ties along, and has the other hub told.
func TestErasingAnIdentifierEndsItsTies(t *testing.T) {
	n := withNorthvale(t)
	x := n.tie(t, "reference-of-theirs")
	n.b.erase(t, "gp-manager", x.child)
	wantAgencies(t, n.ask(t, n.along(x.reference)))
	if left := n.b.count(t, "select count(*) from relmgr.ties"); left != 0 {
		t.Errorf("%d ties are left", left)
	}
	if told := n.letters(t, false); len(told) != 1 || told[0]["reference"] != x.reference || told[0]["ended"] != true {
		t.Errorf("the other hub is told %v", told)
	}
}
