package relmgr_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// began puts the terms of these tests where governance publishes them, in force
// since an hour ago.
func (b *bundle) began(t *testing.T) {
	t.Helper()
	document, err := json.Marshal(b.terms)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.admin.Exec(`with act as (
		insert into governance.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
		values ($1, 'initialise', $2, 'x', 'x', 'x', 1, '\x00', '\x00'))
		insert into governance.terms (version, act_id, applied_at, document, applied) values (1, $1, $2, $3, '{}')`,
		ident.NewAct(), b.clock().Add(-time.Hour), string(document)); err != nil {
		t.Fatal(err)
	}
}

func earlier(o relmgr.Own, asOf time.Time) relmgr.Earlier {
	return relmgr.Earlier{Own: o, AsOf: asOf, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"}
}

func (b *bundle) askAsOf(t *testing.T, who string, o relmgr.Own, asOf time.Time) ident.ReferenceID {
	t.Helper()
	r, err := b.AskAsOf(t.Context(), b.as(who), earlier(o, asOf))
	if err != nil {
		t.Fatal(err)
	}
	return r.Act
}

// asOf asks as social care, has its lead approve and reads the answer.
func (b *bundle) asOf(t *testing.T, o relmgr.Own, asOf time.Time) relmgr.Answer {
	t.Helper()
	ref := b.askAsOf(t, "social", o, asOf)
	must(t)(b.ApproveAsOf(t.Context(), b.as("lead"), ref, "risk-of-harm"))
	a, err := b.ReadAsOf(t.Context(), b.as("social"), ref)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// tick lets a minute pass and returns the instant in its middle.
func (b *bundle) tick() time.Time {
	b.wait(30 * time.Second)
	at := b.clock()
	b.wait(30 * time.Second)
	return at
}

// Design.md section 11, ACT-01, QRY-09: what the index would have answered on a date
// is what acts made by then come to, each date its own.
func TestAnEarlierDateIsAnsweredFromTheActsMadeByThen(t *testing.T) {
	b := setup(t)
	b.began(t)
	nothing := b.tick()
	published := b.publish(t, "gp", gpChild)
	b.publish(t, "social", socialChild)
	apart := b.tick()
	joined := b.correlate(t, "social", socialChild, "gp", gpChild)
	both := b.tick()
	ended := must(t)(b.SetStatus(t.Context(), b.as("gp"), published.Act, relmgr.End, "work-ended", nil))
	after := b.tick()
	must(t)(b.WithdrawAct(t.Context(), b.as("gp"), ended.Act, "entered-by-mistake", ""))
	restored := b.tick()
	withdrawn := must(t)(b.WithdrawAct(t.Context(), b.as("social"), joined.Act, "entered-by-mistake", ""))
	taken := b.tick()
	for _, c := range []struct {
		name      string
		at        time.Time
		published bool
		want      []string
	}{
		{"before anything", nothing, false, nil}, {"published and not joined", apart, true, nil},
		{"joined", both, true, []string{"riverside-surgery"}}, {"ended", after, true, nil},
		{"the end withdrawn", restored, true, []string{"riverside-surgery"}}, {"withdrawn", taken, true, nil},
	} {
		a := b.asOf(t, socialChild, c.at)
		if got := told(a); strings.Join(got, " ") != strings.Join(c.want, " ") || a.Published != c.published {
			t.Errorf("%s: told of %v, published %v", c.name, got, a.Published)
		}
	}
	wantTold(t, b.ask(t, "social", socialChild, ""))
	must(t)(b.WithdrawAct(t.Context(), b.as("social"), withdrawn.Act, "entered-by-mistake", ""))
	if n := b.count(t, `select count(*) from relmgr.disclosures d join relmgr.enquiries e using (enquiry_id) where e.reads = 'as-of'`); n != 2 {
		t.Errorf("%d disclosures are recorded, want 2", n)
	}
	if n := b.count(t, `select count(*) from relmgr.enquiries where reads = 'as-of' and handle_id is not null`); n != 6 {
		t.Errorf("%d reads are recorded, want 6", n)
	}
}

// Invariant 5, QRY-11: what is hidden today is absent from the answer of a date at
// which it was not.
func TestWhatIsHiddenTodayIsAbsentFromAnEarlierDate(t *testing.T) {
	for name, hide := range map[string]func(t *testing.T, b *bundle, published, joined relmgr.Receipt, consents []ident.ConsentID){
		"blocked": func(t *testing.T, b *bundle, _, _ relmgr.Receipt, _ []ident.ConsentID) {
			b.block(t, b.handle(t, "gp", gpChild), "block")
		},
		"creator-only": func(t *testing.T, b *bundle, _, _ relmgr.Receipt, _ []ident.ConsentID) {
			b.block(t, b.handle(t, "gp", gpChild), "creator-only")
		},
		"the asker's agency excluded": func(t *testing.T, b *bundle, _, _ relmgr.Receipt, _ []ident.ConsentID) {
			b.exclude(t, b.handle(t, "gp", gpChild), "riverside-social-care")
		},
		"excluded on a handle that joined later": func(t *testing.T, b *bundle, _, _ relmgr.Receipt, _ []ident.ConsentID) {
			pupil := own("school-pastoral", "S000042")
			b.correlate(t, "social", socialChild, "school", pupil)
			b.exclude(t, b.handle(t, "school", pupil), "riverside-gp")
		},
		"disputed by the other side": func(t *testing.T, b *bundle, _, _ relmgr.Receipt, _ []ident.ConsentID) {
			must(t)(b.DisputeIdentity(t.Context(), b.as("gp-manager"), gpChild, "not-the-same-person"))
		},
		"kept apart": func(t *testing.T, b *bundle, _, joined relmgr.Receipt, _ []ident.ConsentID) {
			must(t)(b.KeepApart(t.Context(), b.as("social"), relmgr.Apart{Correlations: []ident.ReferenceID{joined.Act}, Reason: "subject-asked"}))
		},
		"the consent of the publication withdrawn": func(t *testing.T, b *bundle, _, _ relmgr.Receipt, c []ident.ConsentID) { b.withdraw(t, c[0]) },
		"separated": func(t *testing.T, b *bundle, _, joined relmgr.Receipt, _ []ident.ConsentID) {
			must(t)(b.Separate(t.Context(), b.as("social"), []ident.ReferenceID{joined.Act}, "not-the-same-person"))
		},
		"dropped by a settlement": func(t *testing.T, b *bundle, _, _ relmgr.Receipt, _ []ident.ConsentID) {
			dispute := must(t)(b.DisputeIdentity(t.Context(), b.as("gp-manager"), gpChild, "not-the-same-person"))
			must(t)(b.SettleDispute(t.Context(), b.as("gp-manager"), dispute.Act, nil, "not-the-same-person"))
		},
		"asked in error": func(t *testing.T, b *bundle, published, _ relmgr.Receipt, _ []ident.ConsentID) {
			must(t)(b.SetStatus(t.Context(), b.as("gp"), published.Act, relmgr.AskedInError, "work-ended", nil))
		},
		"withdrawn by the subject": func(t *testing.T, b *bundle, published, _ relmgr.Receipt, _ []ident.ConsentID) {
			must(t)(b.WithdrawAct(t.Context(), b.as("gp"), published.Act, "subject-asked", "signed-form"))
		},
		"separated by the subject": func(t *testing.T, b *bundle, _, joined relmgr.Receipt, _ []ident.ConsentID) {
			must(t)(b.WithdrawAct(t.Context(), b.as("social"), joined.Act, "subject-asked", "signed-form"))
		},
		"its column closed": func(t *testing.T, b *bundle, _, _ relmgr.Receipt, _ []ident.ConsentID) {
			b.closes("gp-riverside")
		},
		"its column destroyed, and open again": func(t *testing.T, b *bundle, _, _ relmgr.Receipt, _ []ident.ConsentID) {
			if _, err := b.admin.Exec(`update relmgr.handles set wrapped_by = '' where column_id = 'gp-riverside'`); err != nil {
				t.Fatal(err)
			}
		},
		"its column sensitive": func(t *testing.T, b *bundle, _, _ relmgr.Receipt, _ []ident.ConsentID) {
			b.change(t, func(d *decide.Terms) {
				for i := range d.Columns {
					d.Columns[i].Sensitive = d.Columns[i].Sensitive || d.Columns[i].ID == "gp-riverside"
				}
				for i := range d.Agreements {
					d.Agreements[i].Receiving.Sensitive = ""
				}
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			b.began(t)
			r := b.relationship(t, "gp", gpChild)
			published := must(t)(b.Publish(t.Context(), b.as("gp"), r))
			joined := b.correlate(t, "social", socialChild, "gp", gpChild)
			both := b.tick()
			wantTold(t, b.asOf(t, socialChild, both), "riverside-surgery")
			ref := b.askAsOf(t, "social", socialChild, both)
			must(t)(b.ApproveAsOf(t.Context(), b.as("lead"), ref, "risk-of-harm"))
			hide(t, b, published, joined, r.Consents)
			a, err := b.ReadAsOf(t.Context(), b.as("social"), ref)
			if err != nil {
				t.Fatal(err)
			}
			wantTold(t, a)
		})
	}
}

// Invariant 5: a row that held both ends of a keep-apart then, or holds them now by
// what came since, tells nothing of that time, and what rests on an override, of
// either side, does not tell a second time.
func TestAnEarlierDateTellsNothingOfWhatContradictsItself(t *testing.T) {
	b := setup(t)
	b.began(t)
	pupil := own("school-pastoral", "S000042")
	b.publish(t, "gp", gpChild)
	joined := b.correlate(t, "social", socialChild, "gp", gpChild)
	alone := b.tick()
	b.correlate(t, "social", socialChild, "school", pupil)
	apart := must(t)(b.KeepApart(t.Context(), b.as("social"), relmgr.Apart{Own: socialChild, Code: b.code(t, "school", pupil), Reason: "subject-asked"}))
	contradicted := b.tick()
	kept := must(t)(b.WithdrawAct(t.Context(), b.as("social"), apart.Act, "entered-by-mistake", ""))
	wantTold(t, b.asOf(t, socialChild, contradicted))
	wantTold(t, b.asOf(t, socialChild, alone), "riverside-surgery")
	must(t)(b.WithdrawAct(t.Context(), b.as("social"), joined.Act, "work-ended", "")) // on the row no more
	wantTold(t, b.asOf(t, socialChild, alone), "riverside-surgery")
	must(t)(b.WithdrawAct(t.Context(), b.as("social"), kept.Act, "entered-by-mistake", ""))
	wantTold(t, b.asOf(t, socialChild, alone))

	other, theirs := own("gp-riverside", "GP-00043"), own("social-care", "LMN-00043")
	b.publish(t, "gp", other)
	pairing, err := b.OpenPairing(t.Context(), b.as("gp-lead"), other, b.overriding())
	if err != nil {
		t.Fatal(err)
	}
	must(t)(b.Correlate(t.Context(), b.as("social"), b.correlation(t, "social", theirs, pairing.Code)))
	overridden := b.tick()
	wantTold(t, b.ask(t, "social", theirs, ""), "riverside-surgery")
	wantTold(t, b.asOf(t, theirs, overridden))
}

// ACT-06: what an upheld objection ended is not told of the time before it.
func TestWhatAnUpheldObjectionEndedIsNotToldOfAnEarlierDate(t *testing.T) {
	b := setup(t)
	b.began(t)
	imposed := b.impose(t, "gp-lead", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	at := b.tick()
	objection := must(t)(b.RecordObjection(t.Context(), b.as("gp"), imposed.Act, "subject-asked", "spoken-and-noted"))
	wantTold(t, b.asOf(t, socialChild, at), "riverside-surgery")
	must(t)(b.RuleOnObjection(t.Context(), b.as("gp-second"), objection.Act, relmgr.Upheld, "subject-asked"))
	wantTold(t, b.asOf(t, socialChild, at))
}

// Design.md section 11: two people of one agency, the second a reviewer, for a
// while, and the answer for the asker alone, judged as of now.
func TestAnEarlierDateNeedsTwoPeopleAndIsReadByTheFirst(t *testing.T) {
	b := setup(t)
	b.began(t)
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	both := b.tick()
	ref := b.askAsOf(t, "social", socialChild, both)
	read := func(who string, ref ident.ReferenceID) error {
		_, err := b.ReadAsOf(t.Context(), b.as(who), ref)
		return err
	}
	approve := func(who string, ref ident.ReferenceID) error {
		_, err := b.ApproveAsOf(t.Context(), b.as(who), ref, "risk-of-harm")
		return err
	}
	wantKind(t, read("social", ref), fault.Conflict)
	wantKind(t, approve("plain", ref), fault.Forbidden)
	wantKind(t, approve("gp-lead", ref), fault.NotKnown)
	own := b.askAsOf(t, "lead", socialChild, both)
	wantKind(t, approve("lead", own), fault.Forbidden)
	waiting := func() []relmgr.AskedAsOf {
		list, _, err := b.ListAsOf(t.Context(), b.as("lead"), ident.ReferenceID{}, 10, looking)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if w := waiting(); len(w) != 1 || w[0].Act != ref || w[0].Practitioner != "mr-lindqvist" || !w[0].AsOf.Equal(both) || w[0].Column != "social-care" {
		t.Fatalf("what waits for the lead: %+v", w)
	}
	var all sync.WaitGroup
	errs := make([]error, 8)
	other := b.another(t)
	for i := range errs {
		all.Go(func() {
			s := []*relmgr.Service{b.Service, other}[i%2]
			_, errs[i] = s.ApproveAsOf(t.Context(), b.as("lead"), ref, "risk-of-harm")
		})
	}
	all.Wait()
	approved := 0
	for _, err := range errs {
		if err == nil {
			approved++
		} else {
			wantKind(t, err, fault.Conflict)
		}
	}
	if approved != 1 || len(waiting()) != 0 {
		t.Fatalf("%d approved at once, and %d wait", approved, len(waiting()))
	}
	for _, who := range []string{"lead", "plain", "gp", "gp-lead"} {
		wantKind(t, read(who, ref), fault.NotKnown)
	}
	if err := read("social", ref); err != nil {
		t.Fatal(err)
	}
	// Who has left the column since reads nothing.
	gone := b.as("social")
	gone.Providers = nil
	_, err := b.ReadAsOf(t.Context(), gone, ref)
	wantKind(t, err, fault.NotKnown)
	b.wait(24 * time.Hour)
	wantKind(t, read("social", ref), fault.Conflict)
	late := b.askAsOf(t, "social", socialChild, both)
	b.wait(72 * time.Hour)
	wantKind(t, approve("lead", late), fault.Conflict)
	if len(waiting()) != 0 {
		t.Error("what is too late to approve still waits")
	}
	acts, _, err := b.ListActs(t.Context(), b.as("social"), b.handle(t, "social", socialChild), ident.ReferenceID{}, 50, looking)
	if err != nil || acts[0].Kind != relmgr.AskAsOf {
		t.Fatalf("%+v, %v", acts, err)
	}
	_, err = b.WithdrawAct(t.Context(), b.as("social"), acts[0].Act, "entered-by-mistake", "")
	wantKind(t, err, fault.Invalid)
}

// A date to come and one before the hub began are the asker's own mistakes; so is
// what they may not ask now.
func TestAnEarlierDateHasPassedSinceTheHubBegan(t *testing.T) {
	b := setup(t)
	b.began(t)
	start := b.clock()
	for _, at := range []time.Time{start, start.Add(time.Microsecond), start.AddDate(1, 0, 0), start.Add(-61 * time.Minute), {}, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		_, err := b.AskAsOf(t.Context(), b.as("social"), earlier(socialChild, at))
		wantKind(t, err, fault.Invalid)
	}
	if n := b.count(t, `select count(*) from relmgr.acts`); n != 0 {
		t.Errorf("%d acts are left of them", n)
	}
	_, err := b.AskAsOf(t.Context(), b.as("clerk"), earlier(gpChild, start.Add(-time.Minute)))
	wantKind(t, err, fault.DecisionRefused)
	if n := b.count(t, `select count(*) from relmgr.enquiries where stopped_at is not null`); n != 1 {
		t.Errorf("%d refusals are recorded, want 1", n)
	}
}

// A request that is sent again asks once, and approves once.
func TestAskingAboutAnEarlierDateAgainMakesOneAct(t *testing.T) {
	b := setup(t)
	b.began(t)
	at := b.clock().Add(-time.Minute)
	var refs []ident.ReferenceID
	for range 2 {
		r := must(t)(b.Once("mr-lindqvist", "askAsOf", "one-and-the-same-key", nil).AskAsOf(t.Context(), b.as("social"), earlier(socialChild, at)))
		refs = append(refs, r.Act)
		must(t)(b.Once("ms-novak", "approveAsOf", "one-and-the-same-key", nil).ApproveAsOf(t.Context(), b.as("lead"), r.Act, "risk-of-harm"))
	}
	if refs[0] != refs[1] {
		t.Error(fmt.Sprint("the same request made two acts: ", refs))
	}
}
