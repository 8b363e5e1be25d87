package relmgr_test

import (
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

// IDX-05, ACT-08: only a role that the agreement lets correlate may, and it is
// refused before the code is looked at.
func TestOnlyARelationshipManagerCorrelates(t *testing.T) {
	b := setup(t)
	p, err := b.OpenPairing(t.Context(), b.as("gp"), gpChild, b.proposal(t, "gp", gpChild))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Correlate(t.Context(), b.as("plain"), b.correlation(t, "plain", socialChild, p.Code))
	wantKind(t, err, fault.DecisionRefused)
	_, err = b.Correlate(t.Context(), b.as("plain"), b.correlation(t, "plain", socialChild, relmgr.NewCode()))
	wantKind(t, err, fault.DecisionRefused)
	if _, err = b.Correlate(t.Context(), b.as("social"), b.correlation(t, "social", socialChild, p.Code)); err != nil {
		t.Fatal(err)
	}
}

// a code is for one use, for minutes, and says only that it cannot be used.
func TestACodeWorksOnceAndForMinutes(t *testing.T) {
	b := setup(t)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	p, err := b.OpenPairing(t.Context(), b.as("gp"), gpChild, b.proposal(t, "gp", gpChild))
	if err != nil {
		t.Fatal(err)
	}
	c := b.correlation(t, "social", socialChild, p.Code)
	if _, err := b.Correlate(t.Context(), b.as("social"), c); err != nil {
		t.Fatal(err)
	}
	_, used := b.Correlate(t.Context(), b.as("social"), c)
	wantKind(t, used, fault.PairingUnusable)

	p, _ = b.OpenPairing(t.Context(), b.as("gp"), gpChild, b.proposal(t, "gp", gpChild))
	b.wait(time.Duration(b.terms.Settings.PairingMinutes) * time.Minute)
	c.Code = p.Code
	_, expired := b.Correlate(t.Context(), b.as("social"), c)
	wantKind(t, expired, fault.PairingUnusable)
	c.Code = relmgr.NewCode()
	_, unknown := b.Correlate(t.Context(), b.as("social"), c)
	if used.Error() != expired.Error() || expired.Error() != unknown.Error() {
		t.Errorf("a used, an expired and an unknown code are told apart:\n%v\n%v\n%v", used, expired, unknown)
	}
}

// A code survives the telephone: case, spaces and look-alikes do not matter, and
// a character heard wrong is found by the check character.
func TestACodeIsHeardOverTheTelephone(t *testing.T) {
	b := setup(t)
	p, err := b.OpenPairing(t.Context(), b.as("gp"), gpChild, b.proposal(t, "gp", gpChild))
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.ReplaceAll(p.Code, " ", "")
	for i := range plain {
		wrong := []byte(plain)
		wrong[i] = "23"[boolInt(wrong[i] == '2')]
		_, err := b.Correlate(t.Context(), b.as("social"), b.correlation(t, "social", socialChild, string(wrong)))
		wantKind(t, err, fault.Invalid)
	}
	heard := strings.ToLower(strings.NewReplacer("0", "o", "1", "l").Replace(plain[:4] + "-" + plain[4:]))
	if _, err := b.Correlate(t.Context(), b.as("social"), b.correlation(t, "social", socialChild, heard)); err != nil {
		t.Fatalf("%v", err)
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Of two who use one code at once, one succeeds.
func TestOfTwoWhoUseACodeAtOnceOneSucceeds(t *testing.T) {
	b := setup(t)
	p, err := b.OpenPairing(t.Context(), b.as("gp"), gpChild, b.proposal(t, "gp", gpChild))
	if err != nil {
		t.Fatal(err)
	}
	c := b.correlation(t, "social", socialChild, p.Code)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() { _, errs[i] = b.Correlate(t.Context(), b.as("social"), c) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if fault.KindOf(err) != fault.PairingUnusable {
			t.Errorf("got %v, want PairingUnusable", err)
		}
	}
	if won != 1 || b.count(t, `select count(*) from relmgr.acts where kind = 'correlate'`) != 1 {
		t.Errorf("%d succeeded, want one, with one act", won)
	}
}

// ACT-01, ACT-02, IDX-13, IDX-14, DCP-11: an act says who, in which role, why,
// on what; each agency knows it by a reference of its own and sees its own side.
func TestAnActIsShownToEachAgencyInItsOwnTerms(t *testing.T) {
	b := setup(t)
	r := b.correlate(t, "social", socialChild, "gp", gpChild)
	mine, err := b.FindAct(t.Context(), b.as("social"), r.Act, looking)
	if err != nil {
		t.Fatal(err)
	}
	if mine.Practitioner != "mr-lindqvist" || mine.Role != "relationship-manager" || mine.Reason != "same-person-found" ||
		mine.Mode != decide.WithConsent || mine.Agreement != "riverside-children" || mine.Effect != "permit" || !mine.Own ||
		!slices.Equal(mine.Aspects, []string{"relationship"}) || mine.Decision == nil || len(mine.Commitment) != 32 {
		t.Errorf("the act does not say all it should: %+v", mine)
	}
	for i, step := range mine.Decision.Steps {
		if step.Answer != decide.Passed || step.Number != i+1 || mine.Decision.Questions[i] == "" {
			t.Errorf("step %d of the decision is not kept: %+v", i+1, step)
		}
	}
	acts, _, err := b.ListActs(t.Context(), b.as("gp"), b.handle(t, "gp", gpChild), ident.ReferenceID{}, 10, looking)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(acts, func(a relmgr.Shown) bool { return a.Kind == relmgr.Correlate })
	if i < 0 {
		t.Fatal("the other side does not see the correlation")
	}
	theirs := acts[i]
	if theirs.Act == mine.Act || theirs.Own || theirs.Practitioner != "" || theirs.Reason != "" || len(theirs.Commitment) != 0 {
		t.Errorf("the other side is shown more than its own: %+v", theirs)
	}
	if theirs.Decision == nil || theirs.Decision.Consents[0] == mine.Decision.Consents[0] {
		t.Error("the other side does not see its own decision, or sees mine")
	}
	_, err = b.FindAct(t.Context(), b.as("school"), r.Act, looking)
	_, unknown := b.FindAct(t.Context(), b.as("school"), ident.NewReference(), looking)
	if err == nil || unknown == nil || err.Error() != unknown.Error() {
		t.Errorf("somebody else's act and no act are told apart: %v, %v", err, unknown)
	}
}

// IDX-12, ACT-07: separating and withdrawing are new acts; withdrawing an undo
// restores what it undid, to any depth.
func TestUndoingIsUndone(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	made := b.correlate(t, "social", socialChild, "gp", gpChild)
	see := func(want ...string) { t.Helper(); wantTold(t, b.ask(t, "social", socialChild, ""), want...) }
	see("riverside-surgery")

	apart, err := b.Separate(t.Context(), b.as("social"), []ident.ReferenceID{made.Act}, "not-the-same-person")
	if err != nil {
		t.Fatal(err)
	}
	see()
	restored, err := b.WithdrawAct(t.Context(), b.as("social"), apart.Act, "entered-by-mistake", "")
	if err != nil {
		t.Fatal(err)
	}
	see("riverside-surgery")
	if _, err := b.WithdrawAct(t.Context(), b.as("social"), restored.Act, "entered-by-mistake", ""); err != nil {
		t.Fatal(err)
	}
	see()
	if n := b.count(t, `select count(distinct row_id) from relmgr.handles`); n != 2 {
		t.Errorf("two people on %d rows", n)
	}
	a, err := b.FindAct(t.Context(), b.as("social"), made.Act, looking)
	if err != nil || !a.Withdrawn {
		t.Errorf("the correlation is not shown as undone: %+v, %v", a, err)
	}
}

// A relationship that was withdrawn is gone with the next question, and back when
// the withdrawal is withdrawn, unless a new one was published since.
func TestAPublicationIsWithdrawnAndRestored(t *testing.T) {
	b := setup(t)
	made := b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	undo, err := b.WithdrawAct(t.Context(), b.as("gp"), made.Act, "work-ended", "")
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""))
	again, err := b.WithdrawAct(t.Context(), b.as("gp"), undo.Act, "entered-by-mistake", "")
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	if _, err := b.WithdrawAct(t.Context(), b.as("gp"), again.Act, "work-ended", ""); err != nil {
		t.Fatal(err)
	}
	b.publish(t, "gp", gpChild)
	_, err = b.WithdrawAct(t.Context(), b.as("gp"), undo.Act, "entered-by-mistake", "")
	wantKind(t, err, fault.Conflict)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
}

// ACT-05: who may undo is fixed by what was done and by whom.
func TestWhoMayUndo(t *testing.T) {
	b := setup(t)
	published := b.publish(t, "gp", gpChild)
	made := b.correlate(t, "social", socialChild, "gp", gpChild)
	for name, c := range map[string]struct {
		who  string
		act  ident.ReferenceID
		kind fault.Kind
	}{
		"another agency's publication":  {"social", published.Act, fault.NotKnown},
		"a third agency's correlation":  {"school", made.Act, fault.NotKnown},
		"without the role":              {"plain", made.Act, fault.Forbidden},
		"an act that is not":            {"social", ident.NewReference(), fault.NotKnown},
		"as a clerk of the same agency": {"clerk", published.Act, fault.Forbidden},
	} {
		_, err := b.WithdrawAct(t.Context(), b.as(c.who), c.act, "work-ended", "")
		if fault.KindOf(err) != c.kind {
			t.Errorf("%s: got %v, want %s", name, err, c.kind)
		}
	}
	_, err := b.Separate(t.Context(), b.as("gp"), []ident.ReferenceID{published.Act}, "work-ended")
	wantKind(t, err, fault.Invalid)
	if n := b.count(t, `select count(*) from relmgr.undoings`); n != 0 {
		t.Errorf("refused undoings left %d traces", n)
	}
}

// QRY-11, invariant 8: a consent withdrawn ends, with the next question, the
// cell and the correlation that rest on it and nothing else.
func TestWithdrawnConsentEndsWhatRestsOnItAtOnce(t *testing.T) {
	b := setup(t)
	school := own("school-pastoral", "S000042")
	rel := b.relationship(t, "gp", gpChild)
	if _, err := b.Publish(t.Context(), b.as("gp"), rel); err != nil {
		t.Fatal(err)
	}
	b.publish(t, "school", school)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	b.correlate(t, "social", socialChild, "school", school)
	wantTold(t, b.ask(t, "social", socialChild, ""), "school-pastoral-lead", "riverside-surgery")
	b.withdraw(t, rel.Consents[0])
	wantTold(t, b.ask(t, "social", socialChild, ""), "school-pastoral-lead")
	// The surgery still asks, and is told: it withdrew what it tells, not what it is told.
	wantTold(t, b.ask(t, "gp", gpChild, ""), "school-pastoral-lead")
}

// PUB-07, E2E-03: the one whom a person leaves out is not seen and does not see.
func TestAnExcludedAgencyIsNotSeenAndDoesNotSee(t *testing.T) {
	b := setup(t)
	school := own("school-pastoral", "S000042")
	b.publish(t, "gp", gpChild)
	b.publish(t, "school", school)
	b.publish(t, "social", socialChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	b.correlate(t, "social", socialChild, "school", school)
	wantTold(t, b.ask(t, "school", school, ""), "riverside-surgery", "childrens-assessment")
	b.exclude(t, b.handle(t, "gp", gpChild), "hillside-school")
	wantTold(t, b.ask(t, "school", school, ""))
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	wantTold(t, b.ask(t, "gp", gpChild, ""), "childrens-assessment")
}

// PUB-06: an audience of one agency is that agency's alone, for the cell and for
// the correlation that leads to it.
func TestAnAudienceIsObeyed(t *testing.T) {
	b := setup(t)
	school := own("school-pastoral", "S000042")
	rel := b.relationship(t, "gp", gpChild)
	rel.Audience = decide.Audience{Kind: decide.ToAgencies, Names: []string{"riverside-social-care"}}
	if _, err := b.Publish(t.Context(), b.as("gp"), rel); err != nil {
		t.Fatal(err)
	}
	b.publish(t, "social", socialChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	b.correlate(t, "social", socialChild, "school", school)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	wantTold(t, b.ask(t, "school", school, ""), "childrens-assessment")
}

// A correlation joins only for those to whom both its sides disclose it.
func TestACorrelationJoinsOnlyForItsAudience(t *testing.T) {
	b := setup(t)
	school := own("school-pastoral", "S000042")
	b.publish(t, "gp", gpChild)
	narrow := b.proposal(t, "gp", gpChild)
	narrow.Audience = decide.Audience{Kind: decide.ToAgencies, Names: []string{"riverside-social-care"}}
	p, err := b.OpenPairing(t.Context(), b.as("gp"), gpChild, narrow)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Correlate(t.Context(), b.as("social"), b.correlation(t, "social", socialChild, p.Code)); err != nil {
		t.Fatal(err)
	}
	b.correlate(t, "social", socialChild, "school", school)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	wantTold(t, b.ask(t, "school", school, ""))
}

// QRY-02, PUB-04: with a transaction, only those who offer it; it is one of the
// partnership's list.
func TestATransactionFindsWhoOffersIt(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	wantTold(t, b.ask(t, "social", socialChild, "joint-assessment"), "riverside-surgery")
	wantTold(t, b.ask(t, "social", socialChild, "health-check"))
	rel := b.relationship(t, "gp", own("gp-riverside", "GP-00043"))
	rel.Offers[0].Transactions = []string{"joint-assessment", "dowsing"}
	_, err := b.Publish(t.Context(), b.as("gp"), rel)
	wantKind(t, err, fault.Invalid)
}

// LEG-27, invariant 8: a decision's end is an instant, not a sweep.
func TestADecisionLapsesAtItsInstant(t *testing.T) {
	b := setup(t)
	rel := b.relationship(t, "gp", gpChild)
	rel.Until = b.clock().Add(time.Hour)
	if _, err := b.Publish(t.Context(), b.as("gp"), rel); err != nil {
		t.Fatal(err)
	}
	b.correlate(t, "social", socialChild, "gp", gpChild)
	b.wait(time.Hour - time.Microsecond)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	b.wait(time.Microsecond)
	wantTold(t, b.ask(t, "social", socialChild, ""))
}

// Invariant 4: two agencies that put together what each is shown of one act find
// no value in both that other acts of the day do not have.
func TestAnotherAgencysActIsShownWithItsDayAlone(t *testing.T) {
	b := setup(t)
	b.wait(7 * time.Hour)
	mine, err := b.FindAct(t.Context(), b.as("social"), b.correlate(t, "social", socialChild, "gp", gpChild).Act, looking)
	if err != nil {
		t.Fatal(err)
	}
	acts, _, err := b.ListActs(t.Context(), b.as("gp"), b.handle(t, "gp", gpChild), ident.ReferenceID{}, 50, looking)
	if err != nil {
		t.Fatal(err)
	}
	theirs := acts[slices.IndexFunc(acts, func(a relmgr.Shown) bool { return a.Kind == relmgr.Correlate })]
	if want := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC); theirs.Own || !theirs.At.Equal(want) || mine.At.Equal(want) {
		t.Errorf("the maker is shown %v, the other side %v, want %v", mine.At, theirs.At, want)
	}
	if theirs.Act == mine.Act || theirs.Commitment != nil || theirs.Practitioner != "" {
		t.Errorf("both are shown %+v", theirs)
	}
}
