package relmgr_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// informed publishes with the wish to be informed.
func (b *bundle) informed(t *testing.T, who string, o relmgr.Own) relmgr.Receipt {
	t.Helper()
	rel := b.relationship(t, who, o)
	rel.Offers = append(rel.Offers, relmgr.Offer{Kind: "wants-to-be-informed", Transactions: []string{}, Contact: "desk"})
	return must(t)(b.Publish(t.Context(), b.as(who), rel))
}

// beat lets the next beat come, and makes its notices.
func (b *bundle) beat(t *testing.T) {
	t.Helper()
	b.wait(time.Hour + time.Second)
	if err := b.Notify(t.Context(), b.terms); err != nil {
		t.Fatal(err)
	}
}

// notices are what a column has to read, as "+who -who" each.
func (b *bundle) notices(t *testing.T, who string, column ident.Column) []string {
	t.Helper()
	list, _, err := b.ListNotices(t.Context(), b.as(who), relmgr.NoticesOf{Column: column, Why: looking, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, n := range list {
		line := string(n.Identifier)
		for _, p := range n.Providers {
			line += " +" + string(p.ID)
		}
		for _, g := range n.Gone {
			line += " -" + string(g.ID)
		}
		if len(n.Commitment) != 32 || n.At.Truncate(time.Hour) != n.At {
			t.Errorf("%s: no commitment, or a time of its own: %v", line, n.At)
		}
		out = append(out, line)
	}
	return out
}

func wantNotices(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("the notices are %q, want %q", got, want)
	}
}

// QRY-13, IDX-09: who wants to be informed hears on the next beat of whom asking
// would tell them now, under their own identifier; nobody else does, and nobody
// before the beat.
func TestWhoWantsToBeInformedHearsOfWhatTheyMayBeTold(t *testing.T) {
	b := setup(t)
	b.informed(t, "social", socialChild)
	b.beat(t)
	wantNotices(t, b.notices(t, "social", "social-care"))
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	if err := b.Notify(t.Context(), b.terms); err != nil { // within the beat
		t.Fatal(err)
	}
	wantNotices(t, b.notices(t, "social", "social-care"))
	b.beat(t)
	wantNotices(t, b.notices(t, "social", "social-care"), "LMN-00042 +riverside-surgery")
	wantNotices(t, b.notices(t, "social", "social-care"), "LMN-00042 +riverside-surgery") // the answer may have been lost
	wantNotices(t, b.notices(t, "gp", "gp-riverside"))                                    // it did not ask to be
	b.beat(t)
	if n := b.count(t, "select count(*) from relmgr.notices where read_at is null"); n != 0 {
		t.Errorf("%d notices tell again what was read", n)
	}
	if n := b.count(t, "select count(*) from relmgr.changes"); n != 0 {
		t.Errorf("%d changes are left", n)
	}
	if n := b.count(t, `select count(*) from relmgr.disclosures d join relmgr.enquiries e on e.enquiry_id = d.enquiry_id
		where e.reads = 'notices' and e.handle_id is not null`); n != 2 {
		t.Errorf("the readings disclosed %d times, want 2: each is an enquiry about the person", n)
	}
	_, _, err := b.ListNotices(t.Context(), b.as("gp"), relmgr.NoticesOf{Column: "social-care", Why: looking, Limit: 9})
	wantKind(t, err, fault.Forbidden)
}

// QRY-11, PUB-07..09, PUB-12: what is hidden or withdrawn by the time of the beat, or
// of the reading, is in no notice; nor is one for a purpose that it is not told for.
func TestWhatIsHiddenByThenIsInNoNotice(t *testing.T) {
	for name, hide := range map[string]func(t *testing.T, b *bundle, published relmgr.Receipt, consent ident.ConsentID){
		"the relationship has ended": func(t *testing.T, b *bundle, published relmgr.Receipt, _ ident.ConsentID) {
			must(t)(b.SetStatus(t.Context(), b.as("gp"), published.Act, relmgr.End, "work-ended", nil))
		},
		"the consent is withdrawn": func(t *testing.T, b *bundle, _ relmgr.Receipt, consent ident.ConsentID) {
			b.says(t, "insert into consent.withdrawals (consent_id, act_id, at, evidence) values ($2, $1, $3, 'signed-form')", consent, b.clock())
		},
		"the agency is left out": func(t *testing.T, b *bundle, _ relmgr.Receipt, _ ident.ConsentID) {
			b.says(t, `insert into consent.exclusions (act_id, exclusion_id, handle_id, agency_id, excluded, starts_at, evidence)
				values ($1, $2, $3, 'x', 'riverside-social-care', $4, 'signed-form')`, ident.NewExclusion(), b.handle(t, "gp", gpChild), b.clock())
		},
		"it is silent": func(t *testing.T, b *bundle, _ relmgr.Receipt, _ ident.ConsentID) {
			must(t)(b.KeepSilent(t.Context(), b.as("gp"), gpChild, "risk-to-the-subject", b.clock().AddDate(0, 1, 0), "risk-of-harm"))
		},
		"it is erased": func(t *testing.T, b *bundle, _ relmgr.Receipt, _ ident.ConsentID) {
			if _, err := b.Erase(t.Context(), b.as("gp-manager"), relmgr.Erasure{Own: gpChild, Reason: "subject-asked"}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, when := range []string{"before the beat", "before the reading"} {
			t.Run(name+", "+when, func(t *testing.T) {
				b := setup(t)
				b.informed(t, "social", socialChild)
				rel := b.relationship(t, "gp", gpChild)
				published := must(t)(b.Publish(t.Context(), b.as("gp"), rel))
				b.correlate(t, "social", socialChild, "gp", gpChild)
				if when == "before the reading" {
					b.beat(t)
					if b.count(t, "select count(*) from relmgr.notices") == 0 {
						t.Fatal("there is no notice to hide")
					}
				}
				hide(t, b, published, rel.Consents[0])
				if when == "before the beat" {
					b.beat(t)
				}
				wantNotices(t, b.notices(t, "social", "social-care"))
				b.beat(t)
				wantNotices(t, b.notices(t, "social", "social-care"))
				if n := b.count(t, "select count(*) from relmgr.notices"); n != 0 {
					t.Errorf("%d notices of nothing wait", n)
				}
			})
		}
	}
}

// SUB-06, LEG-33: whoever was told of what is rectified, blocked, erased or destroyed hears
// that it is told of no more, whether they asked to be informed or not, and not which
// of these it was; once, and each under its own identifier.
func TestEveryRecipientHearsThatWhatTheyWereToldIsOver(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, b *bundle, published relmgr.Receipt){
		"rectified": func(t *testing.T, b *bundle, published relmgr.Receipt) {
			must(t)(b.SetStatus(t.Context(), b.as("gp"), published.Act, relmgr.AskedInError, "not-the-same-person", nil))
		},
		"blocked": func(t *testing.T, b *bundle, _ relmgr.Receipt) {
			b.says(t, `insert into consent.blocks (act_id, block_id, handle_id, agency_id, reach, warning, starts_at, evidence)
				values ($1, $2, $3, 'x', 'block', 'v1', $4, 'signed-form')`, ident.NewBlock(), b.handle(t, "gp", gpChild), b.clock())
		},
		"erased": func(t *testing.T, b *bundle, _ relmgr.Receipt) {
			if _, err := b.Erase(t.Context(), b.as("gp-manager"), relmgr.Erasure{Own: gpChild, Reason: "subject-asked"}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			published := b.publish(t, "gp", gpChild)
			b.correlate(t, "social", socialChild, "gp", gpChild)
			b.correlate(t, "school", schoolChild, "gp", gpChild)
			b.beat(t)
			wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
			wantTold(t, b.ask(t, "plain", own("social-care", "LMN-00099"), ""))
			end(t, b, published)
			b.beat(t)
			wantNotices(t, b.notices(t, "social", "social-care"), "LMN-00042 -riverside-surgery")
			wantNotices(t, b.notices(t, "school", "school-pastoral")) // never told
			b.beat(t)
			if n := b.count(t, "select count(*) from relmgr.notices where read_at is null"); n != 0 {
				t.Errorf("%d are told a second time", n)
			}
			if n := b.count(t, "select count(*) from relmgr.retractions"); n != 1 {
				t.Errorf("%d disclosures were taken back, want 1", n)
			}
		})
	}
}

// says puts what a person says where relmgr reads it, by an act of consent made now,
// as the consent duty would.
func (b *bundle) says(t *testing.T, insert string, args ...any) {
	t.Helper()
	act := ident.NewAct()
	_, err := b.admin.Exec(`insert into consent.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
		values ($1, 'block', $2, 'x', 'x', 'gp', 1, '\x00', '\x00')`, act, b.clock())
	if err == nil {
		_, err = b.admin.Exec(insert, append([]any{act}, args...)...)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A silence ends when somebody withdraws it, or at its review; then the next change
// tells what it kept back. It is for those who work with the person, within 90 days.
func TestASilenceEndsAtItsReviewOrWhenItIsWithdrawn(t *testing.T) {
	b := setup(t)
	b.informed(t, "social", socialChild)
	b.publish(t, "gp", gpChild)
	hush := must(t)(b.KeepSilent(t.Context(), b.as("gp"), gpChild, "risk-to-the-subject", b.clock().AddDate(0, 1, 0), "risk-of-harm"))
	b.correlate(t, "social", socialChild, "gp", gpChild)
	b.beat(t)
	wantNotices(t, b.notices(t, "social", "social-care"))
	wantTold(t, b.ask(t, "plain", own("social-care", "LMN-00042"), "joint-assessment"), "riverside-surgery") // it hides nothing
	b.informed(t, "school", schoolChild)
	b.correlate(t, "school", schoolChild, "gp", gpChild)
	b.beat(t)
	wantNotices(t, b.notices(t, "school", "school-pastoral"), "S000042 +childrens-assessment")
	must(t)(b.WithdrawAct(t.Context(), b.as("gp"), hush.Act, "work-ended", ""))
	b.beat(t)
	// What was read is decided anew when it is read again.
	wantNotices(t, b.notices(t, "school", "school-pastoral"), "S000042 +riverside-surgery +childrens-assessment", "S000042 +riverside-surgery")

	for _, by := range []time.Time{b.clock(), b.clock().AddDate(0, 0, 91)} {
		_, err := b.KeepSilent(t.Context(), b.as("gp"), gpChild, "risk-to-the-subject", by, "risk-of-harm")
		wantKind(t, err, fault.Invalid)
	}
	_, err := b.KeepSilent(t.Context(), b.as("clerk"), gpChild, "risk-to-the-subject", b.clock().AddDate(0, 1, 0), "risk-of-harm")
	wantKind(t, err, fault.Forbidden)
}

// Two processes at once make one notice, and one that dies has lost nothing: what it
// took and did not bring about is there for the next.
func TestTwoProcessesMakeOneNoticeAndADeadOneLosesNothing(t *testing.T) {
	b := setup(t)
	b.informed(t, "social", socialChild)
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	if err := b.Notify(t.Context(), b.terms); err != nil { // which hears what consent says
		t.Fatal(err)
	}
	b.wait(time.Hour)
	dying, err := b.hub.DB(t, "relmgr").BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dying.Exec("delete from relmgr.changes"); err != nil {
		t.Fatal(err)
	}
	if err := b.Notify(t.Context(), b.terms); err != nil { // others are at it
		t.Fatal(err)
	}
	wantNotices(t, b.notices(t, "social", "social-care"))
	if err := dying.Rollback(); err != nil {
		t.Fatal(err)
	}
	// One that fails half-way leaves what it took.
	if _, err := b.admin.Exec("alter table relmgr.notices add constraint broken check (tries < 0) not valid"); err != nil {
		t.Fatal(err)
	}
	if err := b.Notify(t.Context(), b.terms); err == nil {
		t.Error("nothing failed")
	}
	if _, err := b.admin.Exec("alter table relmgr.notices drop constraint broken"); err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 4)
	for range 4 {
		s := b.another(t)
		go func() { errs <- s.Notify(t.Context(), b.terms) }()
	}
	for range 4 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	wantNotices(t, b.notices(t, "social", "social-care"), "LMN-00042 +riverside-surgery")
}

// webhooked are the terms with an address for an agency's notices.
func (b *bundle) webhooked(address string) *decide.Terms {
	t := *b.terms
	t.Agencies = append([]decide.Agency{}, t.Agencies...)
	for i := range t.Agencies {
		if t.Agencies[i].ID == "riverside-social-care" {
			t.Agencies[i].Webhook = address
		}
	}
	return t.Index()
}

// What is claimed and never arrives is claimed again, later each time, by whoever is
// there; what has arrived, or was read meanwhile, is not.
func TestWhatDoesNotArriveIsSentAgain(t *testing.T) {
	b := setup(t)
	terms := b.webhooked("http://127.0.0.1:1/")
	b.terms = terms
	b.informed(t, "social", socialChild)
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	b.beat(t)
	claim := func(s *relmgr.Service) []relmgr.Parcel {
		t.Helper()
		p, err := s.ClaimNotices(t.Context(), terms)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first := claim(b.Service)
	if len(first) != 1 || first[0].Agency != "riverside-social-care" || len(first[0].Events) != 1 || first[0].Events[0].Column != "social-care" {
		t.Fatalf("claimed %+v", first)
	}
	if again := claim(b.Service); len(again) != 0 {
		t.Errorf("claimed twice at once: %+v", again)
	}
	b.wait(time.Minute)
	other := b.another(t) // the first one died with it
	if again := claim(other); len(again) != 1 || again[0].Events[0] != first[0].Events[0] {
		t.Fatalf("after a minute another process claims %+v", again)
	}
	b.wait(time.Minute)
	if again := claim(other); len(again) != 0 {
		t.Errorf("the second delay is as long as the first")
	}
	for range 8 {
		b.wait(7 * time.Hour)
		claim(other)
	}
	if stuck, err := b.Undelivered(t.Context()); err != nil || !stuck {
		t.Errorf("nothing is said of what is sent in vain: %v", err)
	}
	if err := other.Arrived(t.Context(), first[0]); err != nil {
		t.Fatal(err)
	}
	b.wait(7 * time.Hour)
	if again := claim(other); len(again) != 0 {
		t.Errorf("what arrived is sent again")
	}
	if stuck, err := b.Undelivered(t.Context()); err != nil || stuck {
		t.Errorf("what arrived is said to be sent in vain: %v", err)
	}
	wantNotices(t, b.notices(t, "social", "social-care"), "LMN-00042 +riverside-surgery")
}
