package relmgr_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// The time after which every delivery has come, and after which every one is
// overdue.
const (
	delivered = 30 * time.Minute
	overdue   = 48 * time.Hour
)

// please has somebody ask about a person and then ask to be contacted.
func (b *bundle) please(t *testing.T, who string, o relmgr.Own) (ident.EnquiryID, relmgr.Receipt) {
	t.Helper()
	a := b.ask(t, who, o, "")
	return a.ID, must(t)(b.RequestContact(t.Context(), b.as(who), a.ID, "desk"))
}

// inbox is what has reached a column by now.
func (b *bundle) inbox(t *testing.T, who string, column ident.Column) []relmgr.Delivered {
	t.Helper()
	requests, _, err := b.ListContactRequests(t.Context(), b.as(who), relmgr.Inbox{Column: column, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return requests
}

// sharing is a holder's reply that tells the asker of it.
func (b *bundle) sharing(t *testing.T, who string, o relmgr.Own, to ident.DeliveryID) relmgr.ContactReply {
	t.Helper()
	p := b.proposal(t, who, o)
	return relmgr.ContactReply{
		Delivery: to, Reply: relmgr.Share, Reason: "risk-of-harm", Detriment: "sharing-is-not-more-detrimental", Contact: "mail", Proposal: &p,
	}
}

func declining(to ident.DeliveryID) relmgr.ContactReply {
	return relmgr.ContactReply{Delivery: to, Reply: relmgr.NotShare, Reason: "subject-asked", Detriment: "sharing-is-more-detrimental"}
}

// replies are the providers that told the asker of themselves.
func (b *bundle) replies(t *testing.T, who string, enquiry ident.EnquiryID) []string {
	t.Helper()
	replies, err := b.ListContactReplies(t.Context(), b.as(who), enquiry)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, r := range replies {
		out = append(out, string(r.Reply)+" "+string(r.ID)+" "+r.Contact.Code)
	}
	return out
}

// hidden has social care stand on one row with the school and with the surgery,
// which tells social care alone: the school never hears of the surgery.
func (b *bundle) hidden(t *testing.T) relmgr.Receipt {
	t.Helper()
	rel := b.relationship(t, "gp", gpChild)
	rel.Audience = decide.Audience{Kind: decide.ToAgencies, Names: []string{"riverside-social-care"}}
	must(t)(b.Publish(t.Context(), b.as("gp"), rel))
	b.publish(t, "social", socialChild)
	r := b.correlate(t, "social", socialChild, "gp", gpChild)
	b.correlate(t, "social", socialChild, "school", schoolChild)
	wantTold(t, b.ask(t, "school", schoolChild, ""), "childrens-assessment")
	return r
}

// leaves counts what a call writes that does not depend on who is reached.
const leaves = `select (select count(*) from ledger.pending) + 100 * (select count(*) from relmgr.acts)
	+ 10000 * (select count(*) from relmgr.act_handles) + 1000000 * (select count(*) from relmgr.act_references)`

// QRY-11: for a person whom nobody knows, whose holders are hidden or whose
// holders are visible, asking to be contacted gives the same answer and leaves
// the same trace.
func TestAContactRequestTellsTheAskerNothing(t *testing.T) {
	b := setup(t)
	b.hidden(t)
	trace := []int{}
	for who, o := range map[string]relmgr.Own{
		"police": own("police-riverside", "P/0042/26"), // nobody knows
		"school": schoolChild,                          // one hidden, one visible
		"social": socialChild,                          // visible
		"plain":  own("social-care", "LMN-77777"),      // nobody knows
	} {
		enquiry := b.ask(t, who, o, "").ID
		before := b.count(t, leaves)
		r := must(t)(b.RequestContact(t.Context(), b.as(who), enquiry, "desk"))
		trace = append(trace, b.count(t, leaves)-before)
		if r.Act.IsZero() || len(r.Commitment) != 32 {
			t.Errorf("%s: the answer is incomplete", who)
		}
		if n := b.replies(t, who, enquiry); len(n) != 0 {
			t.Errorf("%s is told of %v", who, n)
		}
	}
	if n := slices.Compact(slices.Sorted(slices.Values(trace))); len(n) != 1 || n[0] != 1010101 {
		t.Errorf("the traces differ, or are not one leaf and one act: %v", trace)
	}
}

// IDX-09, DCP-11: a hidden holder is reached too. Each is addressed by its own
// identifier, and shares no value about the person with the asker or another.
func TestAContactRequestReachesHiddenHoldersUnderTheirOwnIdentifier(t *testing.T) {
	b := setup(t)
	b.hidden(t)
	enquiry, r := b.please(t, "school", schoolChild)
	b.wait(delivered)
	gp, social := b.inbox(t, "gp", "gp-riverside"), b.inbox(t, "social", "social-care")
	if len(gp) != 1 || len(social) != 1 || len(b.inbox(t, "school", "school-pastoral")) != 0 {
		t.Fatalf("reached %d of the surgery, %d of social care, want one each and not the asker", len(gp), len(social))
	}
	if gp[0].Identifier != "GP-00042" || social[0].Identifier != "LMN-00042" || gp[0].Handle != b.handle(t, "gp", gpChild) {
		t.Error("a holder is not addressed by its own identifier")
	}
	if a := gp[0].Asker; a.ID != "school-pastoral-lead" || a.Contact.Code != "desk" || gp[0].Purpose != "co-ordinate-care" || gp[0].Concerning != "child" {
		t.Errorf("the holder does not learn who asks and why: %+v", a)
	}
	shown, err := json.Marshal(gp)
	if err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []string{
		"S000042", "LMN-00042", enquiry.String(), r.Act.String(), hex.EncodeToString(r.Commitment), b.handle(t, "school", schoolChild).String(),
		social[0].Delivery.String(), social[0].Handle.String(), social[0].At.Format(time.RFC3339Nano),
	} {
		if strings.Contains(string(shown), foreign) {
			t.Errorf("the surgery is shown a value that is another's: %d characters", len(foreign))
		}
	}
	if _, err := b.FindAct(t.Context(), b.as("gp"), r.Act, looking); fault.KindOf(err) != fault.NotKnown {
		t.Errorf("the asker's act is shown to a holder: %v", err)
	}
	if a, err := b.FindAct(t.Context(), b.as("school"), r.Act, looking); err != nil || a.Kind != relmgr.Contact {
		t.Errorf("the asker does not find its own act: %v", err)
	}
	if _, _, err := b.ListContactRequests(t.Context(), b.as("school"), relmgr.Inbox{Column: "gp-riverside", Limit: 1}); fault.KindOf(err) != fault.Forbidden {
		t.Errorf("somebody else's column is listed: %v", err)
	}
}

// QRY-11: a delivery comes at an instant of its own, between one minute and
// thirty, and is not there before it.
func TestADeliveryComesAtATimeOfItsOwn(t *testing.T) {
	b := setup(t)
	b.hidden(t)
	b.please(t, "school", schoolChild)
	b.wait(time.Minute - time.Microsecond)
	if len(b.inbox(t, "gp", "gp-riverside")) != 0 {
		t.Error("delivered before its time")
	}
	b.wait(delivered)
	seen := b.inbox(t, "gp", "gp-riverside")[0]
	b.now.Store(seen.At.Add(-time.Microsecond).UnixMicro())
	if len(b.inbox(t, "gp", "gp-riverside")) != 0 {
		t.Error("delivered before its time")
	}
	if _, err := b.ReplyToContact(t.Context(), b.as("gp"), declining(seen.Delivery)); fault.KindOf(err) != fault.NotKnown {
		t.Errorf("answered before it was delivered: %v", err)
	}
	b.wait(time.Microsecond)
	if len(b.inbox(t, "gp", "gp-riverside")) != 1 {
		t.Error("not delivered at its time")
	}
	if !seen.Due.Equal(seen.At.Add(overdue)) {
		t.Error("due at another time than two days after the delivery")
	}
	if n := b.count(t, `select count(distinct deliver_at) from relmgr.deliveries`); n != 2 {
		t.Errorf("two deliveries at %d times", n)
	}
}

// PUB-07, E2E-03: whom the person leaves out, on either side, is not reached,
// and an exclusion takes effect on what has been sent.
func TestAnExcludedAgencyIsNotReached(t *testing.T) {
	for name, c := range map[string]struct {
		who      string
		own      relmgr.Own
		excluded string
		social   int
	}{
		"a holder that is left out": {"school", schoolChild, "riverside-gp", 1},
		"an asker that is left out": {"gp", gpChild, "hillside-school", 0},
	} {
		for _, when := range []string{"before", "after"} {
			t.Run(name+", "+when, func(t *testing.T) {
				b := setup(t)
				b.hidden(t)
				h := b.handle(t, c.who, c.own)
				if when == "before" {
					b.exclude(t, h, c.excluded)
				}
				b.please(t, "school", schoolChild)
				if n := b.count(t, `select count(*) from relmgr.deliveries`); when == "before" && n != c.social {
					t.Errorf("%d deliveries stored, want %d", n, c.social)
				}
				b.wait(delivered)
				if when == "after" {
					if len(b.inbox(t, "gp", "gp-riverside")) != 1 {
						t.Fatal("not delivered to begin with")
					}
					b.exclude(t, h, c.excluded)
				}
				if gp, social := len(b.inbox(t, "gp", "gp-riverside")), len(b.inbox(t, "social", "social-care")); gp != 0 || social != c.social {
					t.Errorf("reached %d of the surgery and %d of social care, want none and %d", gp, social, c.social)
				}
			})
		}
	}
}

// IDX-10, IDX-18, LEG-03: kept apart, disputed, separated, ended, or no party to
// an agreement under which the asker may ask: not reached.
func TestWhoIsNotOnTheRowIsNotReached(t *testing.T) {
	for name, change := range map[string]func(b *bundle, t *testing.T, joined relmgr.Receipt){
		"a dispute": func(b *bundle, t *testing.T, _ relmgr.Receipt) {
			must(t)(b.DisputeIdentity(t.Context(), b.as("gp"), gpChild, "not-the-same-person"))
		},
		"a contradiction": func(b *bundle, t *testing.T, _ relmgr.Receipt) {
			must(t)(b.KeepApart(t.Context(), b.as("school"), relmgr.Apart{Own: schoolChild, Code: b.code(t, "gp", gpChild), Reason: "subject-asked"}))
		},
		"a separation": func(b *bundle, t *testing.T, joined relmgr.Receipt) {
			must(t)(b.Separate(t.Context(), b.as("social"), []ident.ReferenceID{joined.Act}, "not-the-same-person"))
		},
		"a consent withdrawn on which the correlation rests": func(b *bundle, t *testing.T, _ relmgr.Receipt) {
			_, err := b.admin.Exec(`insert into consent.withdrawals (consent_id, act_id, at, evidence)
				select c.consent_id, c.act_id, $1, 'signed-form' from relmgr.correlations k
				  join relmgr.decision_consents d on d.decision_id = k.decision_b
				  join consent.consents c on c.consent_id = d.consent_id
				 where c.handle_id = $2`, b.clock(), b.handle(t, "gp", gpChild))
			if err != nil {
				t.Fatal(err)
			}
		},
		"no common agreement": func(b *bundle, _ *testing.T, _ relmgr.Receipt) {
			terms := *b.terms
			terms.Agreements = slices.Clone(terms.Agreements)
			for i := range terms.Agreements {
				terms.Agreements[i].Parties = slices.DeleteFunc(slices.Clone(terms.Agreements[i].Parties), func(a ident.Agency) bool { return a == "riverside-gp" })
			}
			b.terms = terms.Index()
		},
		"a bar": func(b *bundle, _ *testing.T, _ relmgr.Receipt) {
			terms := *b.terms
			terms.Bars = append(slices.Clone(terms.Bars), decide.Bar{Code: "schools-and-surgeries", FromKinds: []string{"school"}, ToKinds: []string{"health-gp"}})
			b.terms = terms.Index()
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			joined := b.hidden(t)
			change(b, t, joined)
			b.please(t, "school", schoolChild)
			b.wait(delivered)
			if n := b.count(t, `select count(*) from relmgr.deliveries where column_id = 'gp-riverside'`); n != 0 {
				t.Errorf("the surgery is reached %d times", n)
			}
		})
	}
}

// IDX-10, IDX-18: a holder who would not be reached any more, by a separation, a
// dispute of either end or a row that contradicts itself, no longer has what was
// sent, and the asker no longer has the answer. With the dispute it comes back.
func TestWhatEndsACorrelationTakesBackWhatWasSent(t *testing.T) {
	for name, end := range map[string]func(b *bundle, t *testing.T, joined relmgr.Receipt) (back relmgr.Receipt, who string){
		"a separation": func(b *bundle, t *testing.T, joined relmgr.Receipt) (relmgr.Receipt, string) {
			return must(t)(b.Separate(t.Context(), b.as("social"), []ident.ReferenceID{joined.Act}, "not-the-same-person")), "social"
		},
		"a dispute by the holder": func(b *bundle, t *testing.T, _ relmgr.Receipt) (relmgr.Receipt, string) {
			return must(t)(b.DisputeIdentity(t.Context(), b.as("gp-manager"), gpChild, "not-the-same-person")), "gp-manager"
		},
		"a dispute by the asker": func(b *bundle, t *testing.T, _ relmgr.Receipt) (relmgr.Receipt, string) {
			return must(t)(b.DisputeIdentity(t.Context(), b.as("school"), schoolChild, "not-the-same-person")), "school"
		},
		"a contradiction": func(b *bundle, t *testing.T, _ relmgr.Receipt) (relmgr.Receipt, string) {
			return must(t)(b.KeepApart(t.Context(), b.as("school"), relmgr.Apart{Own: schoolChild, Code: b.code(t, "gp", gpChild), Reason: "subject-asked"})), "school"
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			joined := b.hidden(t)
			enquiry, _ := b.please(t, "school", schoolChild)
			b.wait(delivered)
			sent := b.inbox(t, "gp", "gp-riverside")[0]
			must(t)(b.ReplyToContact(t.Context(), b.as("gp"), b.sharing(t, "gp", gpChild, sent.Delivery)))
			if got := b.replies(t, "school", enquiry); len(got) != 1 {
				t.Fatalf("told of %v", got)
			}
			back, who := end(b, t, joined)
			if len(b.inbox(t, "gp", "gp-riverside")) != 0 || len(b.replies(t, "school", enquiry)) != 0 {
				t.Error("what rested on the correlation goes on")
			}
			must(t)(b.WithdrawAct(t.Context(), b.as(who), back.Act, "entered-by-mistake", ""))
			if len(b.inbox(t, "gp", "gp-riverside")) != 1 || len(b.replies(t, "school", enquiry)) != 1 {
				t.Error("what was sent does not come back")
			}
		})
	}
}

// Only whoever asked may ask to be contacted, within a day, once; and nobody can
// tell somebody else's enquiry from none.
func TestAContactRequestFollowsAnEnquiryOfOnesOwn(t *testing.T) {
	b := setup(t)
	b.hidden(t)
	enquiry := b.ask(t, "social", socialChild, "").ID
	_, unknown := b.RequestContact(t.Context(), b.as("social"), ident.NewEnquiry(), "desk")
	wantKind(t, unknown, fault.NotKnown)
	for _, who := range []string{"plain", "school"} { // a colleague, and somebody else
		_, err := b.RequestContact(t.Context(), b.as(who), enquiry, "desk")
		if err == nil || err.Error() != unknown.Error() {
			t.Errorf("%s: somebody else's enquiry and none are told apart: %v", who, err)
		}
		if _, err := b.ListContactReplies(t.Context(), b.as(who), enquiry); fault.KindOf(err) != fault.NotKnown {
			t.Errorf("%s is shown replies to somebody else: %v", who, err)
		}
	}
	_, err := b.RequestContact(t.Context(), b.as("social"), enquiry, "no-such-route")
	wantKind(t, err, fault.Invalid)
	before := b.count(t, leaves)
	first := must(t)(b.RequestContact(t.Context(), b.as("social"), enquiry, "desk"))
	again := must(t)(b.RequestContact(t.Context(), b.as("social"), enquiry, "mail"))
	if first.Act != again.Act || string(first.Commitment) != string(again.Commitment) || b.count(t, leaves) != before+1010101 {
		t.Error("a second call is another request")
	}
	late := b.ask(t, "social", socialChild, "").ID
	b.wait(24 * time.Hour)
	_, err = b.RequestContact(t.Context(), b.as("social"), late, "desk")
	if err == nil || err.Error() != unknown.Error() {
		t.Errorf("an enquiry of yesterday is followed up: %v", err)
	}
	// A refused enquiry looked nothing up.
	_, err = b.Enquire(t.Context(), b.as("clerk"), relmgr.Question{Own: gpChild, Purpose: "co-ordinate-care", Reason: "new-referral", Concerning: "child"})
	wantKind(t, err, fault.DecisionRefused)
	var refused ident.EnquiryID
	if err := b.admin.QueryRow(`select enquiry_id from relmgr.enquiries where stopped_at is not null`).Scan(&refused); err != nil {
		t.Fatal(err)
	}
	_, err = b.RequestContact(t.Context(), b.as("clerk"), refused, "desk")
	wantKind(t, err, fault.NotKnown)
}

// LEG-18, invariant 8: an asker who may no longer ask is told so, and reaches
// nobody; the refusal is recorded.
func TestAnAskerWhoLostTheRoleReachesNobody(t *testing.T) {
	b := setup(t)
	b.hidden(t)
	enquiry := b.ask(t, "school", schoolChild, "").ID
	who := b.as("school")
	who.Roles = []string{"clerk"}
	_, err := b.RequestContact(t.Context(), who, enquiry, "desk")
	wantKind(t, err, fault.DecisionRefused)
	if b.count(t, `select count(*) from relmgr.deliveries`) != 0 || b.count(t, `select count(*) from relmgr.acts where kind = 'refuse'`) != 1 {
		t.Error("a refused request is delivered, or is not recorded")
	}
}

// Of many who follow up one enquiry at once, one act is made and all get its
// receipt.
func TestOneContactRequestForAnEnquiryUnderAnyConcurrency(t *testing.T) {
	b := setup(t)
	b.hidden(t)
	processes := []*relmgr.Service{b.Service, b.another(t)}
	enquiry := b.ask(t, "school", schoolChild, "").ID
	var wg sync.WaitGroup
	receipts := make([]relmgr.Receipt, 6)
	for i := range receipts {
		wg.Go(func() {
			r, err := processes[i%2].RequestContact(t.Context(), b.as("school"), enquiry, "desk")
			if err != nil {
				t.Error(err)
			}
			receipts[i] = r
		})
	}
	wg.Wait()
	for _, r := range receipts {
		if r.Act != receipts[0].Act {
			t.Error("two requests for one enquiry")
		}
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind = 'contact'`); n != 1 {
		t.Errorf("%d acts, want one", n)
	}
}

// that a sensitive column knows the person goes only to those whom it
// tells already.
func TestASensitiveColumnReachesOnlyWhomItTells(t *testing.T) {
	b := setup(t)
	clinic := own("clinic-bridge", "C00042K")
	b.publish(t, "social", socialChild)
	b.correlate(t, "social", socialChild, "clinic", clinic)
	b.please(t, "clinic", clinic)
	if n := b.count(t, `select count(*) from relmgr.deliveries`); n != 0 {
		t.Error("a clinic that publishes nothing is made known")
	}
	b.publish(t, "clinic", clinic)
	b.please(t, "clinic", clinic)
	if n := b.count(t, `select count(*) from relmgr.deliveries`); n != 1 {
		t.Errorf("%d reached, want social care, whom the clinic tells", n)
	}
}

// LEG-18, L-10: a reply is an act of the holder, with its reason and what it
// weighed, once. One that declines never reaches the asker.
func TestAHolderWhoDeclinesLooksLikeNone(t *testing.T) {
	b := setup(t)
	b.hidden(t)
	enquiry, _ := b.please(t, "school", schoolChild)
	b.wait(delivered)
	sent := b.inbox(t, "gp", "gp-riverside")[0]
	_, err := b.ReplyToContact(t.Context(), b.as("clerk"), declining(sent.Delivery))
	wantKind(t, err, fault.Forbidden)
	_, err = b.ReplyToContact(t.Context(), b.as("social"), declining(sent.Delivery))
	_, unknown := b.ReplyToContact(t.Context(), b.as("social"), declining(ident.NewDelivery()))
	wantKind(t, err, fault.NotKnown)
	if err.Error() != unknown.Error() {
		t.Errorf("another holder's delivery and none are told apart: %v, %v", err, unknown)
	}
	r := must(t)(b.ReplyToContact(t.Context(), b.as("gp"), declining(sent.Delivery)))
	a, err := b.FindAct(t.Context(), b.as("gp"), r.Act, looking)
	if err != nil || a.Kind != relmgr.Reply || a.Reason != "subject-asked" || a.Practitioner != "dr-patel" {
		t.Errorf("the reply is not an act of the holder: %+v, %v", a, err)
	}
	if _, err := b.FindAct(t.Context(), b.as("school"), r.Act, looking); fault.KindOf(err) != fault.NotKnown {
		t.Errorf("the asker is shown the reply: %v", err)
	}
	if got := b.replies(t, "school", enquiry); len(got) != 0 {
		t.Errorf("the asker is told of %v", got)
	}
	if !b.inbox(t, "gp", "gp-riverside")[0].Replied {
		t.Error("not listed as answered")
	}
	_, err = b.ReplyToContact(t.Context(), b.as("gp"), b.sharing(t, "gp", gpChild, sent.Delivery))
	wantKind(t, err, fault.Conflict)
}

// LEG-01, IDX-09: to share is a disclosure. It takes a decision that passes the
// four steps and tells this asker, and it ends with that decision.
func TestAHolderWhoSharesIsTold(t *testing.T) {
	for _, kind := range []relmgr.ReplyKind{relmgr.Share, relmgr.CallMe} {
		t.Run(string(kind), func(t *testing.T) {
			b := setup(t)
			b.hidden(t)
			enquiry, _ := b.please(t, "school", schoolChild)
			b.wait(delivered)
			reply := b.sharing(t, "gp", gpChild, b.inbox(t, "gp", "gp-riverside")[0].Delivery)
			reply.Reply = kind
			for name, c := range map[string]struct {
				change func(*relmgr.ContactReply)
				kind   fault.Kind
			}{
				"no decision":     {func(r *relmgr.ContactReply) { r.Proposal = nil }, fault.Invalid},
				"no contact":      {func(r *relmgr.ContactReply) { r.Contact = "" }, fault.Invalid},
				"no such contact": {func(r *relmgr.ContactReply) { r.Contact = "fax" }, fault.Invalid},
				"no such reason":  {func(r *relmgr.ContactReply) { r.Reason = "no-such" }, fault.Invalid},
				"to another": {func(r *relmgr.ContactReply) {
					r.Proposal.Audience = decide.Audience{Kind: decide.ToAgencies, Names: []string{"riverside-police"}}
				}, fault.Invalid},
				"for another purpose": {func(r *relmgr.ContactReply) { r.Proposal.Purposes = []string{"safeguarding"} }, fault.Invalid},
				"a step fails":        {func(r *relmgr.ContactReply) { r.Proposal.Necessary = false }, fault.DecisionRefused},
			} {
				changed, p := reply, *reply.Proposal
				changed.Proposal = &p
				c.change(&changed)
				_, err := b.ReplyToContact(t.Context(), b.as("gp"), changed)
				if fault.KindOf(err) != c.kind {
					t.Errorf("%s: %v, want %s", name, err, c.kind)
				}
			}
			if b.count(t, `select count(*) from relmgr.replies`) != 0 || b.count(t, `select count(*) from relmgr.acts where kind = 'refuse'`) != 1 {
				t.Error("a refused reply is stored, or its refusal is not")
			}
			r := must(t)(b.ReplyToContact(t.Context(), b.as("gp"), reply))
			told := func(want ...string) {
				t.Helper()
				if got := b.replies(t, "school", enquiry); !slices.Equal(got, want) {
					t.Errorf("told of %v, want %v", got, want)
				}
			}
			told(string(kind) + " riverside-surgery mail")
			undo := must(t)(b.WithdrawAct(t.Context(), b.as("gp"), r.Act, "entered-by-mistake", ""))
			told()
			must(t)(b.WithdrawAct(t.Context(), b.as("gp"), undo.Act, "entered-by-mistake", ""))
			told(string(kind) + " riverside-surgery mail")
			b.withdraw(t, reply.Proposal.Consents[0])
			told()
		})
	}
}

// Of two who answer one request at once, one succeeds.
func TestOfTwoWhoAnswerAtOnceOneSucceeds(t *testing.T) {
	b := setup(t)
	b.hidden(t)
	b.please(t, "school", schoolChild)
	b.wait(delivered)
	reply := b.sharing(t, "gp", gpChild, b.inbox(t, "gp", "gp-riverside")[0].Delivery)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() {
			if i%2 == 0 {
				_, errs[i] = b.ReplyToContact(t.Context(), b.as("gp"), reply)
			} else {
				_, errs[i] = b.ReplyToContact(t.Context(), b.as("gp-manager"), declining(reply.Delivery))
			}
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if fault.KindOf(err) != fault.Conflict {
			t.Errorf("got %v, want Conflict", err)
		}
	}
	if won != 1 || b.count(t, `select count(*) from relmgr.acts where kind = 'reply'`) != 1 {
		t.Errorf("%d succeeded, want one, with one act", won)
	}
}

// An unanswered request escalates inside the holder's agency, to the higher role
// alone, which may answer it then.
func TestAnUnansweredRequestEscalates(t *testing.T) {
	b := setup(t)
	b.hidden(t)
	b.please(t, "school", schoolChild)
	lead := decide.Caller{Terms: b.terms, Actor: decide.Actor{Practitioner: "dr-lead", Agency: "riverside-gp", Roles: []string{"safeguarding-lead"}}}
	escalated := func(who decide.Caller) int {
		t.Helper()
		requests, _, err := b.ListContactRequests(t.Context(), who, relmgr.Inbox{Column: "gp-riverside", Escalated: true, Limit: 10, Why: looking})
		if err != nil {
			t.Fatal(err)
		}
		return len(requests)
	}
	b.wait(delivered)
	sent := b.inbox(t, "gp", "gp-riverside")[0]
	if sent.Escalated || escalated(lead) != 0 {
		t.Error("escalated before it is due")
	}
	_, err := b.ReplyToContact(t.Context(), lead, declining(sent.Delivery))
	wantKind(t, err, fault.NotKnown)
	b.now.Store(sent.Due.UnixMicro())
	if !b.inbox(t, "gp", "gp-riverside")[0].Escalated || escalated(lead) != 1 {
		t.Error("not escalated when it is due")
	}
	stranger := lead
	stranger.Agency = "riverside-police"
	for name, who := range map[string]decide.Caller{"a member": b.as("gp"), "another agency's lead": stranger, "a clerk": b.as("clerk")} {
		_, _, err := b.ListContactRequests(t.Context(), who, relmgr.Inbox{Column: "gp-riverside", Escalated: true, Limit: 10, Why: looking})
		if fault.KindOf(err) != fault.Forbidden {
			t.Errorf("%s sees what has escalated: %v", name, err)
		}
	}
	_, _, err = b.ListContactRequests(t.Context(), lead, relmgr.Inbox{Column: "gp-riverside", Limit: 10})
	wantKind(t, err, fault.Forbidden) // what has not escalated is the members'
	must(t)(b.ReplyToContact(t.Context(), lead, declining(sent.Delivery)))
	if escalated(lead) != 0 || b.inbox(t, "gp", "gp-riverside")[0].Escalated {
		t.Error("answered and still escalated")
	}
}

// Pages go from the newest to the oldest and leave nothing out.
func TestContactRequestsComeInPages(t *testing.T) {
	b := setup(t)
	b.hidden(t)
	for range 5 {
		b.please(t, "school", schoolChild)
	}
	b.wait(delivered)
	in := relmgr.Inbox{Column: "gp-riverside", Limit: 2}
	var all []relmgr.Delivered
	for range 4 {
		page, next, err := b.ListContactRequests(t.Context(), b.as("gp"), in)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page...)
		if in.After = next; next.IsZero() {
			break
		}
	}
	if len(all) != 5 || !slices.IsSortedFunc(all, func(a, b relmgr.Delivered) int { return b.At.Compare(a.At) }) {
		t.Errorf("%d requests in pages, want five, newest first", len(all))
	}
}

// DCP-03, invariant 9: what a contact request stores holds no identifier.
func TestAContactRequestStoresNoIdentifier(t *testing.T) {
	b := setup(t)
	b.hidden(t)
	b.please(t, "school", schoolChild)
	b.wait(delivered)
	must(t)(b.ReplyToContact(t.Context(), b.as("gp"), b.sharing(t, "gp", gpChild, b.inbox(t, "gp", "gp-riverside")[0].Delivery)))
	dump := strings.ToLower(b.hub.Dump(t))
	if !strings.Contains(dump, "sharing-is-not-more-detrimental") {
		t.Fatal("the dump does not hold the reply: the search would find nothing")
	}
	for _, secret := range []string{"GP-00042", "LMN-00042", "S000042"} {
		for _, form := range []string{secret, hex.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte(secret))} {
			if strings.Contains(dump, strings.ToLower(strings.TrimRight(form, "="))) {
				t.Errorf("the dump holds an identifier, as %d characters", len(form))
			}
		}
	}
}
