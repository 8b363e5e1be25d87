package relmgr_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// ACT-06, SUB-02: the subject is told of what is imposed on them unless a risk is
// recorded, by whom and until when; somebody else looks at it again, and what
// nobody has looked at in time is listed as overdue.
func TestWhatIsImposedIsToldUnlessARiskIsRecorded(t *testing.T) {
	b := setup(t)
	toTell := func() int { return b.count(t, `select count(*) from relmgr.to_tell`) }
	b.impose(t, "gp-lead", own("gp-riverside", "GP-00071"))
	if n := toTell(); n != 1 {
		t.Fatalf("%d acts to tell of, want 1", n)
	}
	silent := b.imposed(t, "gp-lead", own("gp-riverside", "GP-00072"))
	silent.Telling = &relmgr.Telling{Risk: "risk-to-somebody-else", ReviewBy: b.clock().Add(24 * time.Hour)}
	kept := must(t)(b.Publish(t.Context(), b.as("gp-lead"), silent))
	list, err := b.ListUntold(t.Context(), b.as("gp-lead"), 10, looking)
	if err != nil || toTell() != 1 || len(list) != 1 || list[0].Act != kept.Act || list[0].Risk != "risk-to-somebody-else" ||
		list[0].Practitioner != "dr-brandt" || list[0].Overdue {
		t.Fatalf("kept from the subject: %+v, %v", list, err)
	}
	// Only what is imposed, and not for ever.
	for _, by := range []time.Duration{0, -time.Hour, 91 * 24 * time.Hour} {
		silent.Telling = &relmgr.Telling{Risk: "risk-to-the-subject", ReviewBy: b.clock().Add(by)}
		_, err := b.Publish(t.Context(), b.as("gp-lead"), silent)
		wantKind(t, err, fault.Invalid)
	}
	agreed := b.relationship(t, "gp", own("gp-riverside", "GP-00073"))
	agreed.Telling = &relmgr.Telling{Risk: "risk-to-the-subject", ReviewBy: b.clock().Add(time.Hour)}
	_, err = b.Publish(t.Context(), b.as("gp"), agreed)
	wantKind(t, err, fault.Invalid)

	b.wait(25 * time.Hour)
	if list, _ = b.ListUntold(t.Context(), b.as("gp-lead"), 10, looking); len(list) != 1 || !list[0].Overdue {
		t.Errorf("nobody has looked again, and the list is %+v", list)
	}
	longer := &relmgr.Telling{Risk: "risk-to-somebody-else", ReviewBy: b.clock().Add(time.Hour)}
	_, err = b.ReviewTelling(t.Context(), b.as("gp-lead"), kept.Act, longer, "risk-of-harm")
	wantKind(t, err, fault.Forbidden) // who judged it last
	_, err = b.ReviewTelling(t.Context(), b.as("gp"), kept.Act, longer, "risk-of-harm")
	wantKind(t, err, fault.Forbidden) // not the higher role
	_, err = b.ReviewTelling(t.Context(), b.as("lead"), kept.Act, nil, "risk-of-harm")
	wantKind(t, err, fault.NotKnown) // another agency's
	must(t)(b.ReviewTelling(t.Context(), b.as("gp-second"), kept.Act, longer, "risk-of-harm"))
	if list, _ = b.ListUntold(t.Context(), b.as("gp-lead"), 10, looking); len(list) != 1 || list[0].Overdue || list[0].Practitioner != "dr-second" {
		t.Errorf("looked at again, the list is %+v", list)
	}
	b.wait(time.Second)
	must(t)(b.ReviewTelling(t.Context(), b.as("gp-second"), kept.Act, nil, "subject-asked"))
	if list, _ = b.ListUntold(t.Context(), b.as("gp-lead"), 10, looking); len(list) != 0 || toTell() != 2 {
		t.Errorf("they are to be told, and the list is %+v", list)
	}
}

// ACT-06, E2E-26, SUB-02: the subject objects; the higher role of the agency that
// imposed it rules, once, and not who imposed it. Upheld undoes it.
func TestAnObjectionIsRuledOnOnceBySomebodyElse(t *testing.T) {
	b := setup(t)
	b.publish(t, "social", socialChild)
	imposed := b.impose(t, "gp-lead", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")

	object := func() relmgr.Receipt {
		return must(t)(b.RecordObjection(t.Context(), b.as("gp"), imposed.Act, "subject-asked", "spoken-and-noted"))
	}
	objection := object()
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery") // until it is ruled on
	if a, err := b.FindAct(t.Context(), b.as("gp"), objection.Act, looking); err != nil || a.Mode != "subject" || a.Evidence != "spoken-and-noted" {
		t.Errorf("the objection is recorded as %+v, %v", a, err)
	}
	list, err := b.ListObjections(t.Context(), b.as("gp-second"), 10, looking)
	if err != nil || len(list) != 1 || list[0].Objection != objection.Act || list[0].Imposed != imposed.Act || list[0].Overdue ||
		!list[0].At.Equal(b.clock().UTC().Truncate(24*time.Hour)) {
		t.Fatalf("%+v, %v", list, err)
	}
	for who, kind := range map[string]fault.Kind{"gp-lead": fault.Forbidden, "gp": fault.Forbidden, "lead": fault.NotKnown} {
		_, err := b.RuleOnObjection(t.Context(), b.as(who), objection.Act, relmgr.Upheld, "subject-asked")
		wantKind(t, err, kind)
	}
	must(t)(b.RuleOnObjection(t.Context(), b.as("gp-second"), objection.Act, relmgr.Dismissed, "risk-of-harm"))
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	_, err = b.RuleOnObjection(t.Context(), b.as("gp-second"), objection.Act, relmgr.Upheld, "subject-asked")
	wantKind(t, err, fault.Conflict)

	// They object again. Of two who rule at once, one does.
	again := object()
	var wg sync.WaitGroup
	var mu sync.Mutex
	ruled := 0
	for _, s := range []*relmgr.Service{b.Service, b.another(t)} {
		wg.Go(func() {
			_, err := s.RuleOnObjection(t.Context(), b.as("gp-second"), again.Act, relmgr.Upheld, "subject-asked")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				ruled++
			} else if fault.KindOf(err) != fault.Conflict {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if ruled != 1 {
		t.Errorf("%d rulings, want 1", ruled)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""))
	if list, _ := b.ListObjections(t.Context(), b.as("gp-second"), 10, looking); len(list) != 0 {
		t.Errorf("ruled on, and still listed: %+v", list)
	}
	// It stands: it is no act to be withdrawn.
	_, err = b.WithdrawAct(t.Context(), b.as("gp-lead"), again.Act, "entered-by-mistake", "")
	wantKind(t, err, fault.Invalid)
	rowsAreComponents(t, b.admin)

	// What was agreed is withdrawn, not objected to; what another agency did with
	// its own, nobody else knows of.
	agreed := b.publish(t, "gp", own("gp-riverside", "GP-00078"))
	_, err = b.RecordObjection(t.Context(), b.as("gp"), agreed.Act, "subject-asked", "signed-form")
	wantKind(t, err, fault.NotKnown)
	_, err = b.RecordObjection(t.Context(), b.as("social"), imposed.Act, "subject-asked", "signed-form")
	wantKind(t, err, fault.NotKnown)
}

// ACT-06: who may keep something from the subject, object for them or rule is
// asked each time: the role under an agreement in force of the caller's own agency,
// membership of the column, a reason of the list and a date within bounds.
func TestWhatIsImposedIsGuarded(t *testing.T) {
	b := setup(t)
	silent := b.imposed(t, "gp-lead", own("gp-riverside", "GP-00072"))
	until := func(by time.Duration) *relmgr.Telling {
		return &relmgr.Telling{Risk: "risk-to-somebody-else", ReviewBy: b.clock().Add(by)}
	}
	silent.Telling = until(24 * time.Hour)
	kept := must(t)(b.Publish(t.Context(), b.as("gp-lead"), silent))
	objection := must(t)(b.RecordObjection(t.Context(), b.as("gp"), kept.Act, "subject-asked", "spoken-and-noted"))
	for _, by := range []time.Duration{0, -time.Hour, 91 * 24 * time.Hour} {
		_, err := b.ReviewTelling(t.Context(), b.as("gp-second"), kept.Act, until(by), "risk-of-harm")
		wantPointer(t, err, "/not_told/review_by")
		silent.Telling = until(by)
		_, err = b.Publish(t.Context(), b.as("gp-lead"), silent)
		wantPointer(t, err, "/not_told/review_by")
	}
	_, err := b.ReviewTelling(t.Context(), b.as("gp-second"), kept.Act, nil, "whim")
	wantPointer(t, err, "/reason")
	_, err = b.RecordObjection(t.Context(), b.as("gp"), kept.Act, "whim", "signed-form")
	wantPointer(t, err, "/reason")
	_, err = b.RuleOnObjection(t.Context(), b.as("gp-second"), objection.Act, relmgr.Upheld, "whim")
	wantPointer(t, err, "/reason")
	for who, kind := range map[string]fault.Kind{"patel": fault.NotKnown, "clerk": fault.Forbidden} {
		_, err := b.RecordObjection(t.Context(), b.as(who), kept.Act, "subject-asked", "signed-form")
		wantKind(t, err, kind)
	}
	for _, change := range []func(*decide.Agreement){
		func(a *decide.Agreement) { ended := b.clock(); a.Ends = &ended },
		func(a *decide.Agreement) { a.Parties = []ident.Agency{"riverside-police"} },
	} {
		who := b.as("gp-lead")
		terms := *who.Terms
		terms.Agreements = slices.Clone(terms.Agreements)
		for i := range terms.Agreements {
			change(&terms.Agreements[i])
		}
		who.Terms = terms.Index()
		_, err := b.ListUntold(t.Context(), who, 10, looking)
		wantKind(t, err, fault.Forbidden)
		_, err = b.ListObjections(t.Context(), who, 10, looking)
		wantKind(t, err, fault.Forbidden)
	}
}

// ACT-06, E2E-26: an objection is ruled on by the agency that imposed, also where
// another recorded it, and in the role of the very agreement.
func TestAnObjectionIsRuledOnWhereItWasImposed(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	code := b.code(t, "gp", gpChild)
	c := b.correlation(t, "social", socialChild, code)
	imposed := b.imposed(t, "social", socialChild)
	c.Mode, c.Proposal, c.Telling = decide.Imposed, imposed.Proposal, nil
	must(t)(b.Correlate(t.Context(), b.as("social"), c))
	theirs := b.shown(t, "gp", gpChild, relmgr.Correlate)
	objection := must(t)(b.RecordObjection(t.Context(), b.as("gp"), theirs.Act, "subject-asked", "spoken-and-noted"))
	for _, who := range []string{"gp-lead", "gp-second"} { // who may impose, in the agency that recorded it
		_, err := b.RuleOnObjection(t.Context(), b.as(who), objection.Act, relmgr.Upheld, "subject-asked")
		wantKind(t, err, fault.NotKnown)
	}
	list, err := b.ListObjections(t.Context(), b.as("lead"), 10, looking)
	if err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	elsewhere := b.as("lead") // the role that may impose, by another agreement alone
	elsewhere.Roles = []string{"homelessness-lead"}
	elsewhere.Terms = changed(t, b.terms, func(t *decide.Terms) {
		for i := range t.Agreements {
			if t.Agreements[i].Code == "riverside-homeless" {
				t.Agreements[i].Roles.Impose = elsewhere.Roles
				t.Agreements[i].Parties = append(slices.Clone(t.Agreements[i].Parties), "riverside-social-care")
			}
		}
	})
	if _, err := b.ListObjections(t.Context(), elsewhere, 10, looking); err != nil {
		t.Fatal(err)
	}
	_, err = b.RuleOnObjection(t.Context(), elsewhere, list[0].Objection, relmgr.Upheld, "subject-asked")
	wantKind(t, err, fault.Forbidden)
	must(t)(b.RuleOnObjection(t.Context(), b.as("lead"), list[0].Objection, relmgr.Upheld, "subject-asked"))
}

func wantPointer(t *testing.T, err error, pointer string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Pointer != pointer {
		t.Errorf("%v, want one at %s", err, pointer)
	}
}
