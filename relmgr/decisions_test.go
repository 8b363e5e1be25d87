package relmgr_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr"
)

// refusal puts a person's no where relmgr reads it, as the consent duty would.
func (b *bundle) refusal(t *testing.T, handle ident.HandleID) {
	t.Helper()
	act, request := ident.NewAct(), ident.NewRequest()
	for _, q := range []struct {
		text string
		args []any
	}{
		{`insert into consent.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
		  values ($1, 'refuse', $2, 'x', 'x', 'gp', 1, '\x00', '\x00')`, []any{act, b.clock()}},
		{`insert into consent.requests (request_id, act_id, handle_id, column_id, agency_id, explicit, audience_kind, audience, purposes, aspects, ends_at, asked_at)
		  values ($1, $2, $3, 'x', 'x', true, 'partnership', '{}', '{co-ordinate-care}', '{relationship}', $4, $5)`,
			[]any{request, act, handle, b.until(), b.clock()}},
		{`insert into consent.answers (request_id, act_id, at, answer) values ($1, $2, $3, 'refused')`, []any{request, act, b.clock()}},
	} {
		if _, err := b.admin.Exec(q.text, q.args...); err != nil {
			t.Fatal(err)
		}
	}
}

// needless is a proposal on a ground that needs no consent, for social care.
func (b *bundle) needless(ground decide.Ground) relmgr.Proposal {
	return relmgr.Proposal{
		Agreement: "riverside-children", Power: "children-act-2004-s10", Purposes: []string{"co-ordinate-care"}, Aspects: []string{"relationship"},
		Audience:  decide.Audience{Kind: decide.ToAgencies, Names: []string{"riverside-social-care"}},
		Necessary: true, Safeguards: true, Aim: "protect-rights", Ground: ground, Reason: "risk-of-harm",
		Conditions: decide.Conditions{Ordinary: "art6-public-task"}, Until: b.until(),
	}
}

// overriding is a whole override.
func (b *bundle) overriding() relmgr.Proposal {
	p := b.needless(decide.SignificantHarm)
	p.Review, p.Concerning, p.Welfare = b.clock().AddDate(0, 0, 14), decide.Child, true
	p.Override = &decide.Override{Risk: "significant-harm-to-child", Telling: decide.TellingRaisesRisk}
	return p
}

func (b *bundle) publishing(t *testing.T, p relmgr.Proposal) relmgr.Relationship {
	t.Helper()
	r := b.relationship(t, "gp", own("gp-riverside", "GP-09999")) // its consent is another's
	r.Own, r.Mode, r.Proposal = gpChild, decide.Imposed, p
	return r
}

// overridden has the surgery publish and correlate in spite of a refusal.
func (b *bundle) overridden(t *testing.T) relmgr.Receipt {
	t.Helper()
	b.refusal(t, b.handle(t, "gp", gpChild))
	b.wait(time.Second)
	r := must(t)(b.Publish(t.Context(), b.as("gp-lead"), b.publishing(t, b.overriding())))
	pairing, err := b.OpenPairing(t.Context(), b.as("gp-lead"), gpChild, b.overriding())
	if err != nil {
		t.Fatal(err)
	}
	must(t)(b.Correlate(t.Context(), b.as("social"), b.correlation(t, "social", socialChild, pairing.Code)))
	return r
}

func (b *bundle) list(t *testing.T, who string, state relmgr.DecisionState, restsOn string) []relmgr.Relied {
	t.Helper()
	out, next, err := b.ListDecisions(t.Context(), b.as(who), relmgr.Reliance{State: state, RestsOn: restsOn, Limit: 100}, looking)
	if err != nil || !next.IsZero() {
		t.Fatal(next, err)
	}
	return out
}

// LEG-15, LEG-16, LEG-18: after a refusal nothing but an override discloses, and
// an override that lacks a part is a refusal, recorded and without a handle.
func TestARefusalIsRespectedUnlessAllOfAnOverrideIsThere(t *testing.T) {
	b := setup(t)
	b.refusal(t, b.handle(t, "gp", gpChild))
	b.wait(time.Second)
	for name, c := range map[string]struct {
		who   string
		spoil func(*relmgr.Proposal)
	}{
		"3 no override":   {"gp-lead", func(p *relmgr.Proposal) { p.Override = nil }},
		"3 no risk":       {"gp-lead", func(p *relmgr.Proposal) { p.Override.Risk = "" }},
		"3 no telling":    {"gp-lead", func(p *relmgr.Proposal) { p.Override.Telling = "" }},
		"3 no reason":     {"gp-lead", func(p *relmgr.Proposal) { p.Reason = "" }},
		"3 no scope":      {"gp-lead", func(p *relmgr.Proposal) { p.Audience = decide.Audience{Kind: decide.ToPartnership, Names: []string{}} }},
		"2 no review":     {"gp-lead", func(p *relmgr.Proposal) { p.Review = time.Time{} }},
		"2 a late review": {"gp-lead", func(p *relmgr.Proposal) { p.Review = b.clock().AddDate(0, 0, 29) }},
		"1 no role":       {"gp", func(*relmgr.Proposal) {}},
		"1 no power":      {"gp-lead", func(p *relmgr.Proposal) { p.Power = "children-act-1989-s47" }},
	} {
		p := b.overriding()
		c.spoil(&p)
		before := b.count(t, `select count(*) from relmgr.decisions where outcome = 'refused' and handle_id is null and risk is null`)
		_, err := b.Publish(t.Context(), b.as(c.who), b.publishing(t, p))
		wantKind(t, err, fault.DecisionRefused)
		if !strings.Contains(err.Error(), "step "+name[:1]) {
			t.Errorf("%s: %v", name, err)
		}
		if b.count(t, `select count(*) from relmgr.decisions where outcome = 'refused' and handle_id is null and risk is null`) != before+1 {
			t.Errorf("%s: the refusal is not recorded once", name)
		}
	}
	b.block(t, b.handle(t, "gp", gpChild), "creator-only")
	_, err := b.Publish(t.Context(), b.as("gp-lead"), b.publishing(t, b.overriding()))
	wantKind(t, err, fault.DecisionRefused)
	if !strings.Contains(err.Error(), "nothing overrides that") {
		t.Errorf("creator-only: %v", err)
	}
	// A consent given after all ends the refusal.
	b.wait(time.Second)
	b.consentFrom(t, b.handle(t, "gp", gpChild))
	must(t)(b.Publish(t.Context(), b.as("gp-lead"), b.publishing(t, b.needless(decide.SignificantHarm))))
}

// consentFrom captures a consent as of now.
func (b *bundle) consentFrom(t *testing.T, h ident.HandleID) {
	t.Helper()
	id := b.consent(t, h, true)
	if _, err := b.admin.Exec(`update consent.consents set starts_at = $2 where consent_id = $1`, id, b.clock()); err != nil {
		t.Fatal(err)
	}
}

// LEG-15, LEG-20: an override tells those whom it names once: for an hour, so that
// an answer that was lost can be asked for again, and then no more. It tells
// nobody else, and two who ask at once are both told.
func TestAnOverrideTellsEachOfThoseItNamesOnce(t *testing.T) {
	b := setup(t)
	b.overridden(t)
	b.correlate(t, "social", socialChild, "school", schoolChild)
	wantTold(t, b.ask(t, "school", schoolChild, ""))
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			a, err := b.Enquire(t.Context(), b.as("social"), relmgr.Question{
				Own: socialChild, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"})
			if err != nil || len(a.Providers) != 1 {
				t.Errorf("told of %d, %v", len(a.Providers), err)
			}
		})
	}
	all.Wait()
	if n := b.count(t, `select count(*) from relmgr.override_uses`); n != 1 {
		t.Errorf("used %d times", n)
	}
	b.wait(time.Hour - time.Second)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	b.wait(time.Second)
	wantTold(t, b.ask(t, "social", socialChild, ""))
}

// LEG-15: every override waits for somebody else of the agency, who judges it
// once; not justified, it tells nobody from then on. What telling would do is
// recorded.
func TestEveryOverrideIsReviewed(t *testing.T) {
	b := setup(t)
	published := b.overridden(t)
	waiting := b.list(t, "gp-manager", relmgr.Unjudged, "")
	if len(waiting) != 2 || waiting[0].Risk != "significant-harm-to-child" || waiting[0].Telling != decide.TellingRaisesRisk || waiting[0].Because != "" {
		t.Fatalf("waiting: %+v", waiting)
	}
	if n := len(b.list(t, "social", relmgr.Unjudged, "")); n != 0 {
		t.Errorf("another agency is shown %d", n)
	}
	_, err := b.JudgeOverride(t.Context(), b.as("social"), published.Act, "justified", "risk-of-harm")
	wantKind(t, err, fault.Forbidden)
	_, err = b.JudgeOverride(t.Context(), b.as("lead"), published.Act, "justified", "risk-of-harm")
	wantKind(t, err, fault.NotKnown) // another agency's
	_, err = b.JudgeOverride(t.Context(), b.as("gp-lead"), published.Act, "justified", "risk-of-harm")
	wantKind(t, err, fault.Forbidden) // one's own
	reviewer := b.as("gp-lead")
	reviewer.Practitioner = "dr-other"
	_, err = b.JudgeOverride(t.Context(), reviewer, published.Act, "justified", "none-such")
	wantKind(t, err, fault.Invalid)
	_, err = b.JudgeOverride(t.Context(), reviewer, ident.NewReference(), "justified", "risk-of-harm")
	wantKind(t, err, fault.NotKnown)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	var all sync.WaitGroup
	outcomes := make(chan error, 2)
	for range 2 {
		all.Go(func() {
			_, err := b.JudgeOverride(t.Context(), reviewer, published.Act, "not-justified", "risk-of-harm")
			outcomes <- err
		})
	}
	all.Wait()
	first, second := <-outcomes, <-outcomes
	if first == nil {
		first = second
	} else if second != nil {
		t.Errorf("neither judged it: %v, %v", first, second)
	}
	wantKind(t, first, fault.Conflict)
	wantTold(t, b.ask(t, "social", socialChild, ""))
	if left := b.list(t, "gp-manager", relmgr.Unjudged, ""); len(left) != 1 || left[0].Kind != relmgr.Correlate {
		t.Errorf("still waiting: %+v", left)
	}
	if s := b.list(t, "gp-manager", relmgr.Suspended, ""); len(s) != 1 || s[0].Because != "its review found the override not justified" {
		t.Errorf("suspended: %+v", s)
	}
}

// LEG-27, LEG-05: what rested on a term that changed, or on a review that has
// passed, ends at once and is listed, to the agency's own people in the role, with
// why; what a barred correlation rests on is listed as what any other does.
func TestWhatRestsOnAChangedTermEndsAndIsListed(t *testing.T) {
	b := setup(t)
	b.trio(t)
	standing := func() int { return len(b.list(t, "gp-manager", relmgr.Standing, "")) }
	if n, m := standing(), len(b.list(t, "gp-manager", relmgr.Suspended, "")); n != 2 || m != 0 { // published, and correlated with social care
		t.Fatalf("%d stand and %d are suspended", n, m)
	}
	_, _, err := b.ListDecisions(t.Context(), b.as("gp"), relmgr.Reliance{State: relmgr.Suspended, Limit: 10}, looking)
	wantKind(t, err, fault.Forbidden)
	for name, c := range map[string]struct {
		change  func(*decide.Terms)
		restsOn string
		because string
	}{
		"a power": {func(t *decide.Terms) {
			i := slices.IndexFunc(t.Powers, func(p decide.Power) bool { return p.Code == "children-act-2004-s10" })
			ends := b.clock()
			t.Powers[i].Ends = &ends
		}, "children-act-2004-s10", "no power: it is not in force now"},
		"a mode":      {func(t *decide.Terms) { t.Agreements[0].Modes = []decide.Mode{decide.Imposed} }, "riverside-children", "no longer allows that mode"},
		"an aspect":   {func(t *decide.Terms) { t.Agreements[0].Aspects = []string{"health"} }, "riverside-children", "purposes and aspects"},
		"a condition": {func(t *decide.Terms) { t.Profile.Ordinary = t.Profile.Ordinary[1:] }, "art6-consent", "name a condition of profile uk-current"},
		"a bar": {func(t *decide.Terms) {
			t.Bars = append(t.Bars, decide.Bar{Code: "new-bar", FromKinds: []string{"health-gp"}})
		}, "", "a statutory bar forbids it: new-bar"},
	} {
		old := b.terms
		b.terms = changed(t, old, c.change)
		if got := told(b.ask(t, "school", schoolChild, "")); slices.Contains(got, "riverside-surgery") {
			t.Errorf("%s: still tells of the surgery: %v", name, got)
		}
		list := b.list(t, "gp-manager", relmgr.Suspended, c.restsOn)
		if len(list) != 2 || standing() != 0 {
			t.Errorf("%s: %d are suspended and %d stand", name, len(list), standing())
		}
		for _, d := range list {
			if !strings.Contains(d.Because, c.because) || d.Practitioner != "dr-patel" || d.Column != "gp-riverside" || d.TermsVersion != 1 {
				t.Errorf("%s: %+v", name, d)
			}
		}
		if n := len(b.list(t, "gp-manager", relmgr.Suspended, "localism-act-2011-s1")); n != 0 {
			t.Errorf("%s: %d rest on what nothing rests on", name, n)
		}
		b.terms = old
	}
	wantTold(t, b.ask(t, "school", schoolChild, ""), "riverside-surgery", "childrens-assessment")
	b.now.Store(b.until().AddDate(0, 0, 0).UnixMicro())
	if list := b.list(t, "gp-manager", relmgr.Suspended, ""); len(list) != 2 {
		t.Errorf("a year later %d are suspended", len(list))
	}
}

// LEG-27, PUB-10: listed is what something rests on: a decision whose consent is
// withdrawn is suspended; one that was refused, for want of a consent or else, and
// a pairing that nobody used, or used to keep apart, are none.
func TestWhatNothingRestsOnIsNotListed(t *testing.T) {
	b := setup(t)
	r := b.relationship(t, "gp", gpChild)
	must(t)(b.Publish(t.Context(), b.as("gp"), r))
	wanting := b.relationship(t, "gp", own("gp-riverside", "GP-00043"))
	wanting.Consents = nil
	_, err := b.Publish(t.Context(), b.as("gp"), wanting)
	wantKind(t, err, fault.DecisionRefused)
	if n := b.count(t, `select count(*) from relmgr.decisions where outcome = 'refused' and handle_id is not null`); n != 1 {
		t.Fatalf("%d refusals name the handle of whom to ask", n)
	}
	b.code(t, "gp", own("gp-riverside", "GP-00044"))
	must(t)(b.KeepApart(t.Context(), b.as("social"), relmgr.Apart{Own: socialChild, Code: b.code(t, "gp", own("gp-riverside", "GP-00045")), Reason: "subject-asked"}))
	if list := b.list(t, "gp-manager", relmgr.Standing, ""); len(list) != 1 || list[0].Kind != relmgr.Publish {
		t.Errorf("standing are %+v", list)
	}
	if list := b.list(t, "gp-manager", relmgr.Suspended, ""); len(list) != 0 {
		t.Errorf("suspended are %+v", list)
	}
	b.withdraw(t, r.Consents[0])
	if list := b.list(t, "gp-manager", relmgr.Suspended, ""); len(list) != 1 || list[0].Kind != relmgr.Publish {
		t.Errorf("with the consent withdrawn, suspended are %+v", list)
	}
}

// changed are the terms with a change.
func changed(t *testing.T, old *decide.Terms, change func(*decide.Terms)) *decide.Terms {
	t.Helper()
	out := *old
	out.Powers, out.Bars, out.Agreements = slices.Clone(old.Powers), slices.Clone(old.Bars), slices.Clone(old.Agreements)
	change(&out)
	return out.Index()
}

// LEG-05: a review that the deciding person stated ends the decision at its
// instant, and a page that is full says where the next begins.
func TestAReviewThatHasPassedEndsTheDecision(t *testing.T) {
	b := setup(t)
	for i, id := range []string{"GP-00042", "GP-00043", "GP-00044"} {
		r := b.relationship(t, "gp", own("gp-riverside", id))
		r.Proposal.Review = b.clock().AddDate(0, i+1, 0)
		must(t)(b.Publish(t.Context(), b.as("gp"), r))
	}
	b.now.Store(b.clock().AddDate(0, 2, 0).UnixMicro())
	seen := map[ident.ReferenceID]bool{}
	in := relmgr.Reliance{State: relmgr.Suspended, Limit: 1}
	for {
		page, next, err := b.ListDecisions(t.Context(), b.as("gp-manager"), in, looking)
		if err != nil || len(page) > 1 {
			t.Fatal(len(page), err)
		}
		for _, d := range page {
			if d.Because != "its review date has passed: look at it again and decide anew" || seen[d.Act] {
				t.Errorf("%+v", d)
			}
			seen[d.Act] = true
		}
		if next.IsZero() {
			break
		}
		in.After = next
	}
	if len(seen) != 2 {
		t.Errorf("%d reviews have passed, want 2", len(seen))
	}
	for act := range seen { // decided anew, the old publication withdrawn
		must(t)(b.WithdrawAct(t.Context(), b.as("gp"), act, "work-ended", ""))
	}
	if n := len(b.list(t, "gp-manager", relmgr.Suspended, "")); n != 0 {
		t.Errorf("%d withdrawn ones are listed", n)
	}
}

// QRY-11: a correlation that another party's keep-apart barred is listed to its
// own side as one that took effect.
func TestABarredCorrelationsDecisionIsListedAsAnyOther(t *testing.T) {
	b := setup(t)
	b.trio(t)
	before := len(b.list(t, "gp-manager", relmgr.Standing, ""))
	other := own("gp-riverside", "GP-00055")
	b.publish(t, "gp", other)
	stranger := own("social-care", "LMN-00055")
	apart, err := b.OpenPairing(t.Context(), b.as("school"), schoolChild, b.proposal(t, "school", schoolChild))
	if err != nil {
		t.Fatal(err)
	}
	must(t)(b.KeepApart(t.Context(), b.as("social"), relmgr.Apart{Own: stranger, Code: apart.Code, Reason: "not-the-same-person"}))
	p, err := b.OpenPairing(t.Context(), b.as("social"), stranger, b.proposal(t, "social", stranger))
	if err != nil {
		t.Fatal(err)
	}
	must(t)(b.Correlate(t.Context(), b.as("gp-manager"), b.correlation(t, "gp", gpChild, p.Code)))
	if n := b.count(t, `select count(*) from relmgr.barred`); n != 1 {
		t.Fatalf("%d correlations are barred, want 1", n)
	}
	if n := len(b.list(t, "gp-manager", relmgr.Standing, "")); n != before+2 {
		t.Errorf("%d stand, want %d", n, before+2)
	}
}

// LEG-07, LEG-18: a court's order is evidence: its kind is recorded, its reference
// is in the sealed record and nowhere in clear.
func TestAnOrdersReferenceIsSealed(t *testing.T) {
	b := setup(t)
	const reference = "ZC26C00777"
	p := b.needless(decide.CourtOrder)
	_, err := b.Publish(t.Context(), b.as("gp-lead"), b.publishing(t, p))
	wantKind(t, err, fault.DecisionRefused)
	p.Order = "whim"
	_, err = b.Publish(t.Context(), b.as("gp-lead"), b.publishing(t, p))
	wantKind(t, err, fault.Invalid)
	p.Order, p.OrderReference = "court-order", reference
	receipt := must(t)(b.Publish(t.Context(), b.as("gp-lead"), b.publishing(t, p)))
	a, err := b.FindAct(t.Context(), b.as("gp"), receipt.Act, looking)
	if err != nil || a.Decision.Order != "court-order" || a.Decision.Ground != decide.CourtOrder {
		t.Fatalf("%+v %v", a.Decision, err)
	}
	if n := b.count(t, `select count(*) from relmgr.decisions where order_kind = 'court-order' and outcome = 'permitted'`); n != 1 {
		t.Errorf("the kind of order is recorded %d times", n)
	}
	if strings.Contains(b.hub.Dump(t), reference) {
		t.Error("the dump holds the reference")
	}
	var id ident.ActID
	var l leaf.Leaf
	if err := b.admin.QueryRow(`select a.act_id, a.commitment, a.sealed, k.wrapped from relmgr.acts a
		join relmgr.content_keys k on k.record_id = a.act_id where a.kind = 'publish'`).Scan(&id, &l.Commitment, &l.Sealed, &l.WrappedKey); err != nil {
		t.Fatal(err)
	}
	var record struct {
		Decisions []struct {
			Reference  string            `json:"order_reference"`
			Conditions decide.Conditions `json:"conditions"`
			Review     time.Time         `json:"review"`
			Aim        string            `json:"aim"`
		} `json:"decisions"`
	}
	if err := leaf.Open(t.Context(), b.keys, seal.KeyID("duty/relmgr/records"), id, l, &record); err != nil {
		t.Fatal(err)
	}
	if d := record.Decisions[0]; d.Reference != reference || d.Conditions.Ordinary != "art6-public-task" || d.Review.IsZero() || d.Aim != "protect-rights" {
		t.Errorf("sealed is %+v", record)
	}
}

// LEG-11, LEG-09: both sides of what was disclosed record their conditions: the
// holder's in its act, the asker's in its enquiry.
func TestBothSidesOfADisclosureRecordTheirConditions(t *testing.T) {
	b := setup(t)
	b.overridden(t)
	a := b.ask(t, "social", socialChild, "")
	wantTold(t, a, "riverside-surgery")
	var l leaf.Leaf
	if err := b.admin.QueryRow(`select e.commitment, e.sealed, k.wrapped from relmgr.enquiries e
		join relmgr.content_keys k on k.record_id = e.enquiry_id where e.enquiry_id = $1`, a.ID).Scan(&l.Commitment, &l.Sealed, &l.WrappedKey); err != nil {
		t.Fatal(err)
	}
	var record struct {
		Decision struct {
			Conditions decide.Conditions `json:"conditions"`
			Power      string            `json:"power"`
		} `json:"decision"`
	}
	if err := leaf.Open(t.Context(), b.keys, seal.KeyID("duty/relmgr/records"), a.ID, l, &record); err != nil {
		t.Fatal(err)
	}
	if got := record.Decision; got.Conditions != (decide.Conditions{Ordinary: "art6-public-task", Sensitive: "sch1-safeguarding-at-risk"}) || got.Power == "" {
		t.Errorf("the asker's side is sealed as %+v", got)
	}
	if n := b.count(t, `select count(*) from relmgr.disclosures x join relmgr.decisions d on d.decision_id = x.decision_id
		where d.ordinary = 'art6-public-task' and d.agency_id = 'riverside-gp' and d.risk is not null`); n != 1 {
		t.Errorf("the holder's side is recorded %d times", n)
	}
}

// L-10, LEG-18: the duty to share is a ground of its own for those whom the terms
// list; its question is answered and recorded, whether they share or not.
func TestTheDutyToShareNeedsItsQuestionAnswered(t *testing.T) {
	b := setup(t)
	duty := func(answer decide.Detriment) relmgr.Proposal {
		p := b.needless(decide.DutyToShare)
		p.Agreement, p.Power, p.Purposes = "riverside-safeguarding-duty", "children-act-2004-s16la", []string{"safeguarding"}
		p.Concerning, p.Welfare, p.Detriment = decide.Child, true, answer
		return p
	}
	for _, answer := range []decide.Detriment{"", decide.NotConsidered, decide.MoreDetrimental} {
		_, err := b.Publish(t.Context(), b.as("gp-lead"), b.publishing(t, duty(answer)))
		wantKind(t, err, fault.DecisionRefused)
	}
	if n := b.count(t, `select count(*) from relmgr.decisions where outcome = 'refused' and detriment = 'sharing-is-more-detrimental'`); n != 1 {
		t.Errorf("not to share, since it would do more harm, is recorded %d times", n)
	}
	must(t)(b.Publish(t.Context(), b.as("gp-lead"), b.publishing(t, duty(decide.NoMoreDetrimental))))
	if n := b.count(t, `select count(*) from relmgr.decisions where outcome = 'permitted' and detriment = 'sharing-is-not-more-detrimental' and ground = 'duty-to-share'`); n != 1 {
		t.Errorf("to share is recorded %d times", n)
	}
}
