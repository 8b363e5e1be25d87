package relmgr_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/lookup"
	"github.com/fame-hub/fame/relmgr"
)

// stepMessage is one message of a look-up, on a question.
func (n northvale) stepMessage(t *testing.T, q attest.AxleQuestion, step attest.AxleStep) string {
	t.Helper()
	sign := got[string](t)
	q.Identifier = ""
	return sign(attest.NewSigner(n.keys, hubKey, northvaleHub).Sign(t.Context(), attest.TypAxleMessage, attest.AxleMessage{
		Claims: n.claims(n.b.terms.Partnership.Hub, "m"), Kind: "look-up", Version: 1, Keys: n.jwks(t, agencyKey), LookUp: &step,
		Question: sign(attest.NewSigner(n.keys, agencyKey, northvaleHub).Sign(t.Context(), attest.TypAxleLookUp, q)),
	}))
}

// step has the message answered.
func (n northvale) step(t *testing.T, q attest.AxleQuestion, step attest.AxleStep) (relmgr.LookUpAnswer, error) {
	t.Helper()
	message := n.stepMessage(t, q, step)
	return n.b.LookUpForPeer(t.Context(), n.b.terms, n.vouch(t, message), message)
}

// statedKey is the key that the federation duty would state.
func (n northvale) statedKey(t *testing.T) (epoch int, key []byte) {
	t.Helper()
	if err := n.b.hub.DB(t, "federation").QueryRow("select epoch, public_key from relmgr.look_up_key").Scan(&epoch, &key); err != nil {
		t.Fatal(err)
	}
	return epoch, key
}

// looksUp is a whole private look-up: whether there is anything to tell, and the number of
// rows that came back.
func (n northvale) looksUp(t *testing.T, number string, change ...func(*attest.AxleQuestion)) (found bool, rows int) {
	t.Helper()
	q := n.question(number)
	for _, c := range change {
		c(&q)
	}
	epoch, key := n.statedKey(t)
	asker := got[*lookup.Asker](t)(lookup.Ask(key, []lookup.Identifier{{Scheme: q.Scheme, Number: number}}))
	first := got[relmgr.LookUpAnswer](t)(n.step(t, q, attest.AxleStep{Epoch: epoch, Blinded: asker.Blinded()[0]}))
	if first.Outcome != relmgr.PeerEvaluated || len(first.Commitment) != 32 {
		t.Fatalf("%+v", first)
	}
	values := got[[]lookup.Value](t)(asker.Values([][]byte{first.Evaluated}, first.Proof))
	for page := 0; ; page++ {
		a := got[relmgr.LookUpAnswer](t)(n.step(t, q, attest.AxleStep{Epoch: epoch, Prefix: values[0].Tag.Prefix(first.Bits), Page: page}))
		if a.Outcome != relmgr.PeerLookedUp || len(a.Rows) != lookup.BucketSize {
			t.Fatalf("%+v", a)
		}
		_, here := values[0].Open(a.Rows)
		found, rows = found || here, rows+len(a.Rows)
		if !a.More {
			return found, rows
		}
	}
}

func (n northvale) tend(t *testing.T) {
	t.Helper()
	if err := n.b.TendLookUps(t.Context(), n.b.terms); err != nil {
		t.Fatal(err)
	}
}

// FED-31, QRY-11: a private look-up finds exactly whom an identified question would be told
// of. Whoever is not to be told of to this hub, blocks it or has withdrawn is as absent as
// who was never here, from the next question on. Nothing stored names who was looked up.
func TestAPrivateLookUpFindsWhomAnIdentifiedQuestionWouldBeToldOf(t *testing.T) {
	n := withNorthvale(t)
	b := n.b
	n.tend(t)
	n.publishTo(t, "gp", own("gp-riverside", "told"), northvaleHub)
	n.publishTo(t, "gp", own("gp-riverside", "elsewhere"), elsewhereHub)
	b.publish(t, "gp", own("gp-riverside", "at-home"))
	n.publishTo(t, "gp", own("gp-riverside", "withdrawn"), northvaleHub)
	n.publishTo(t, "social", own("social-care", "twice"), northvaleHub)
	n.publishTo(t, "gp", own("gp-riverside", "twice"), northvaleHub)
	if found, _ := n.looksUp(t, "told"); found {
		t.Error("found before its tag was made")
	}
	n.tend(t)
	for _, number := range []string{"told", "elsewhere", "at-home", "withdrawn", "twice", "never-heard-of"} {
		want := len(n.ask(t, n.question(number)).Providers) > 0
		if found, _ := n.looksUp(t, number); found != want || want != (number == "told" || number == "withdrawn" || number == "twice") {
			t.Errorf("%s: found %t, an identified question is told %t", number, found, want)
		}
	}
	b.wait(time.Minute)
	n.ask(t, n.question("withdrawn"))
	var consent ident.ConsentID
	if err := b.admin.QueryRow(`select dc.consent_id from relmgr.decision_consents dc join relmgr.disclosures using (decision_id) join relmgr.enquiries e using (enquiry_id) order by e.at desc limit 1`).Scan(&consent); err != nil {
		t.Fatal(err)
	}
	b.withdraw(t, consent)
	if found, _ := n.looksUp(t, "withdrawn"); found {
		t.Error("found after the consent was withdrawn")
	}
	if b.count(t, "select count(*) from relmgr.disclosures d join relmgr.enquiries e using (enquiry_id) where e.peer_outcome in ('evaluated', 'looked-up')") != 0 {
		t.Error("a look-up names whom it was about")
	}
	// Two tags of one person, of two columns, have nothing in common.
	if shared := b.count(t, `select count(*) from relmgr.look_up_tags a join relmgr.handles ha using (handle_id), relmgr.look_up_tags b join relmgr.handles hb using (handle_id)
		where a.handle_id < b.handle_id and (a.place = b.place and ha.column_id <> hb.column_id or a.sealed = b.sealed)`); shared != 0 {
		t.Errorf("%d pairs of tags share a value", shared)
	}
	if leaves := b.count(t, "select count(*) from relmgr.enquiries e join ledger.pending p on p.commitment = e.commitment where e.peer_outcome in ('evaluated', 'looked-up')"); leaves != 16 {
		t.Errorf("%d steps are recorded, want 16", leaves)
	}
}

// A question serves once for each step: of those who bring it at once one is answered.
func TestAStepOfALookUpServesOnce(t *testing.T) {
	n := withNorthvale(t)
	n.tend(t)
	epoch, key := n.statedKey(t)
	asker := got[*lookup.Asker](t)(lookup.Ask(key, []lookup.Identifier{{Scheme: "national-number", Number: "1"}}))
	q := n.question("1")
	answers := make([]relmgr.LookUpAnswer, 5)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			a, err := n.step(t, q, attest.AxleStep{Epoch: epoch, Blinded: asker.Blinded()[0]})
			if err != nil {
				t.Error(err)
			}
			answers[i] = a
		})
	}
	all.Wait()
	evaluated := 0
	for _, a := range answers {
		if a.Outcome == relmgr.PeerEvaluated {
			evaluated++
		} else if a.Outcome != relmgr.PeerUsedBefore || a.Evaluated != nil {
			t.Errorf("%+v", a)
		}
	}
	if evaluated != 1 {
		t.Errorf("evaluated %d times", evaluated)
	}
}

// Quotas per peer, purpose and practitioner (docs/threat-model.md): of those who ask at once
// no more are answered than the quota leaves; another purpose, and another day, have their own.
func TestQuotasBoundWhatADictionaryAttackLearns(t *testing.T) {
	n := withNorthvale(t)
	n.b.terms.Settings.Quotas = decide.Quotas{PeerQuestions: 2, PeerLookUps: 1, LookUps: 1}
	for i := range n.b.terms.Agreements {
		if n.b.terms.Agreements[i].Code == "riverside-children" {
			n.b.terms.Agreements[i].LookUp = decide.LookUpFirst
		}
	}
	n.b.terms.Index()
	n.tend(t)
	epoch, key := n.statedKey(t)
	outcomes := func(purpose string) map[relmgr.PeerOutcome]int {
		out := map[relmgr.PeerOutcome]int{}
		var all sync.WaitGroup
		var one sync.Mutex
		for range 4 {
			all.Go(func() {
				asker, err := lookup.Ask(key, []lookup.Identifier{{Scheme: "national-number", Number: "1"}})
				if err != nil {
					t.Error(err)
					return
				}
				q := n.question("")
				q.Purpose = purpose
				a, err := n.step(t, q, attest.AxleStep{Epoch: epoch, Blinded: asker.Blinded()[0]})
				if err != nil {
					t.Error(err)
				}
				one.Lock()
				defer one.Unlock()
				out[a.Outcome]++
			})
		}
		all.Wait()
		return out
	}
	want := fmt.Sprint(map[relmgr.PeerOutcome]int{relmgr.PeerEvaluated: 2, relmgr.PeerOverQuota: 2}) // two steps are one look-up
	for _, purpose := range []string{"co-ordinate-care", "safeguarding"} {
		if got := fmt.Sprint(outcomes(purpose)); got != want {
			t.Errorf("%s: %s, want %s", purpose, got, want)
		}
	}
	for i, want := range []relmgr.PeerOutcome{relmgr.PeerAnswered, relmgr.PeerAnswered, relmgr.PeerOverQuota} {
		if a := n.ask(t, n.question("1")); a.Outcome != want || len(a.Commitment) != 32 {
			t.Errorf("question %d: %+v", i+1, a)
		}
	}
	// The practitioner's own quota, which no other hub could hold them to: it does not know them.
	q := relmgr.Question{Own: own("gp-riverside", "1"), Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Scope: relmgr.OfTheFederation}
	if _, err := n.b.Enquire(t.Context(), n.b.as("gp"), q); err != nil {
		t.Fatal(err)
	}
	if _, err := n.b.Enquire(t.Context(), n.b.as("gp"), q); fault.KindOf(err) != fault.RateLimited {
		t.Errorf("%v", err)
	}
	q.Scope = ""
	if _, err := n.b.Enquire(t.Context(), n.b.as("gp"), q); err != nil {
		t.Errorf("the partnership can be asked all the same: %v", err)
	}
	n.b.wait(24 * time.Hour)
	if got := fmt.Sprint(outcomes("co-ordinate-care")); got != want {
		t.Errorf("the next day: %s", got)
	}
}

// Under an agreement of private look-ups alone no identifier crosses, either way: an
// identified question is stopped, and the order for the hub carries none to be sent.
func TestUnderAnAgreementOfLookUpsAloneNoIdentifierCrosses(t *testing.T) {
	n := withNorthvale(t)
	b := n.b
	for i := range b.terms.Agreements {
		if b.terms.Agreements[i].Code == "riverside-children" {
			b.terms.Agreements[i].LookUp = decide.LookUpOnly
		}
	}
	b.terms.Index()
	n.tend(t)
	n.publishTo(t, "gp", own("gp-riverside", "told"), northvaleHub)
	n.tend(t)
	if found, _ := n.looksUp(t, "told"); !found {
		t.Error("not found")
	}
	if a := n.ask(t, n.question("told")); a.Outcome != relmgr.PeerStopped || len(a.Providers) != 0 || !strings.Contains(a.Because, "private look-ups alone") {
		t.Errorf("%+v", a)
	}
	q := relmgr.Question{Own: own("gp-riverside", "told"), Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Scope: relmgr.OfTheFederation}
	a := got[relmgr.Answer](t)(b.Enquire(t.Context(), b.as("gp"), q))
	set := got[attest.KeySet](t)(attest.PublicKeys(t.Context(), b.keys, relmgr.SigningKey))
	var order attest.AxleOrder
	if err := attest.NewVerifier("relmgr", set.Fixed, b.clock).Verify(t.Context(), a.Orders[0].Order, attest.Expect{Typ: attest.TypAxleOrder, Audience: "federation", MaxLifetime: attest.AxleLife}, &order); err != nil {
		t.Fatal(err)
	}
	if order.Question != "" || order.LookUp == nil {
		t.Fatalf("%+v", order)
	}
	keys := got[attest.KeySet](t)(attest.ParseKeySet(order.Keys))
	asked := got[attest.AxleQuestion](t)(attest.NewVerifier(b.terms.Partnership.Hub, keys.Fixed, b.clock).VerifyLookUp(t.Context(), order.LookUp.Question, order.Hub))
	if asked.Identifier != "" || strings.Contains(order.LookUp.Question, "told") {
		t.Errorf("%+v", asked)
	}
}

// An epoch ends: the next is published when all its tags are there, the old one is answered
// for a while, and then its secret and its tags are gone (docs/threat-model.md). What has been
// erased has no tag, and a hub that grows gets longer prefixes.
func TestAnEpochOfLookUpsEndsAndItsSecretIsDestroyed(t *testing.T) {
	n := withNorthvale(t)
	b := n.b
	n.tend(t)
	for i := range 40 {
		n.publishTo(t, "gp", own("gp-riverside", fmt.Sprint("person-", i)), northvaleHub)
	}
	first, key := n.statedKey(t)
	n.tend(t) // makes the tags,
	n.tend(t) // sees that they are many, and begins and publishes the next
	second, _ := n.statedKey(t)
	if second != first+1 || b.count(t, "select bits from relmgr.look_up_epochs order by epoch desc limit 1") != 4 {
		t.Errorf("epoch %d after %d, %d bits", second, first, b.count(t, "select bits from relmgr.look_up_epochs order by epoch desc limit 1"))
	}
	if found, _ := n.looksUp(t, "person-7"); !found {
		t.Error("not found in the next epoch")
	}
	asker := got[*lookup.Asker](t)(lookup.Ask(key, []lookup.Identifier{{Scheme: "national-number", Number: "person-7"}}))
	if a := got[relmgr.LookUpAnswer](t)(n.step(t, n.question(""), attest.AxleStep{Epoch: first, Blinded: asker.Blinded()[0]})); a.Outcome != relmgr.PeerEvaluated {
		t.Errorf("%+v", a)
	}
	b.wait(3 * time.Hour)
	n.tend(t)
	if _, err := n.step(t, n.question(""), attest.AxleStep{Epoch: first, Blinded: asker.Blinded()[0]}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an epoch that is over: %v", err)
	}
	if left := b.count(t, fmt.Sprintf("select count(*) from relmgr.look_up_tags where epoch = %d", first)); left != 0 {
		t.Errorf("%d tags are left", left)
	}
	for _, k := range got[[]relmgr.Key](t)(b.Keys(t.Context())) {
		if k.ID == "duty/relmgr/look-ups/1" && !k.Destroyed {
			t.Error("the secret is not destroyed")
		}
	}
	if _, err := b.admin.Exec("update relmgr.handles set token = null, token_b = null, sealed = '', wrapped_key = '', wrapped_by = ''"); err != nil {
		t.Fatal(err)
	}
	if left := b.count(t, "select (select count(*) from relmgr.look_up_tags) + (select count(*) from relmgr.look_up_due)"); left != 0 {
		t.Errorf("%d tags of what was erased", left)
	}
}

// What is no step of a look-up, or names somebody, is not taken.
func TestAMalformedStepIsNotAnswered(t *testing.T) {
	n := withNorthvale(t)
	n.tend(t)
	epoch, _ := n.statedKey(t)
	for name, step := range map[string]attest.AxleStep{
		"not blinded":             {Epoch: epoch, Blinded: []byte("GP-00042")},
		"no element":              {Epoch: epoch, Blinded: make([]byte, 32)},
		"another epoch":           {Epoch: epoch + 1, Blinded: make([]byte, 32)},
		"no epoch":                {Prefix: 1},
		"a longer prefix":         {Epoch: epoch, Prefix: 1 << 20},
		"a page before the first": {Epoch: epoch, Page: -1},
		"a page after the last":   {Epoch: epoch, Page: 1 << 20},
	} {
		if _, err := n.step(t, n.question(""), step); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	voucher, message := n.carry(t, n.question("943 476 5919")) // an identified question
	if _, err := n.b.LookUpForPeer(t.Context(), n.b.terms, voucher, message); fault.KindOf(err) != fault.Invalid {
		t.Errorf("an identified question: %v", err)
	}
	if count := n.b.count(t, `select count(*) from relmgr.enquiries where peer is not null`); count != 0 {
		t.Errorf("%d are recorded", count)
	}
}
