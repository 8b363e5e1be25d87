package relmgr_test

import (
	"testing"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

var schoolChild = own("school-pastoral", "S000042")

// code has one side open a pairing.
func (b *bundle) code(t *testing.T, who string, o relmgr.Own) string {
	t.Helper()
	p, err := b.OpenPairing(t.Context(), b.as(who), o, b.proposal(t, who, o))
	if err != nil {
		t.Fatal(err)
	}
	return p.Code
}

// must is the receipt of an act that went through.
func must(t *testing.T) func(relmgr.Receipt, error) relmgr.Receipt {
	return func(r relmgr.Receipt, err error) relmgr.Receipt {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// trio has social care publish and stand on one row with the surgery and the
// school, both of which publish.
func (b *bundle) trio(t *testing.T) (gp, school relmgr.Receipt) {
	t.Helper()
	b.publish(t, "gp", gpChild)
	b.publish(t, "school", schoolChild)
	b.publish(t, "social", socialChild)
	return b.correlate(t, "social", socialChild, "gp", gpChild), b.correlate(t, "social", socialChild, "school", schoolChild)
}

// IDX-10: two who are kept apart are not joined by any later correlation, direct
// or through others, and whoever tries is told nothing.
func TestAKeepApartBarsWhatWouldJoin(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	b.publish(t, "school", schoolChild)
	kept := must(t)(b.KeepApart(t.Context(), b.as("school"), relmgr.Apart{Own: schoolChild, Code: b.code(t, "gp", gpChild), Reason: "subject-asked"}))
	b.correlate(t, "school", schoolChild, "gp", gpChild) // direct: the same receipt as ever
	wantTold(t, b.ask(t, "school", schoolChild, ""))
	b.correlate(t, "social", socialChild, "gp", gpChild)
	b.correlate(t, "social", socialChild, "school", schoolChild) // through social care
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	wantTold(t, b.ask(t, "school", schoolChild, ""))
	if n := b.count(t, `select count(*) from relmgr.barred`); n != 2 {
		t.Errorf("%d correlations barred, want 2", n)
	}
	// Barred is barred (invariant 10): the end of the keep-apart joins nobody.
	must(t)(b.WithdrawAct(t.Context(), b.as("school"), kept.Act, "subject-asked", ""))
	wantTold(t, b.ask(t, "school", schoolChild, ""))
	b.correlate(t, "school", schoolChild, "gp", gpChild)
	wantTold(t, b.ask(t, "school", schoolChild, ""), "riverside-surgery")
}

// IDX-10, IDX-12: a keep-apart inside one row ends the correlations it names.
// What else connects the two is not told, and the row answers nobody.
func TestAKeepApartEndsWhatItNames(t *testing.T) {
	b := setup(t)
	gp, _ := b.trio(t)
	must(t)(b.KeepApart(t.Context(), b.as("social"), relmgr.Apart{Correlations: []ident.ReferenceID{gp.Act}, Reason: "not-the-same-person"}))
	wantTold(t, b.ask(t, "social", socialChild, ""), "school-pastoral-lead")
	b.correlate(t, "social", socialChild, "gp", gpChild)
	wantTold(t, b.ask(t, "social", socialChild, ""), "school-pastoral-lead")
}

// A row that comes to hold both ends of a keep-apart contradicts itself: it
// answers nobody until a person separates it.
func TestAContradictoryRowAnswersNobody(t *testing.T) {
	b := setup(t)
	_, school := b.trio(t)
	must(t)(b.KeepApart(t.Context(), b.as("school"), relmgr.Apart{Own: schoolChild, Code: b.code(t, "gp", gpChild), Reason: "subject-asked"}))
	for who, o := range map[string]relmgr.Own{"social": socialChild, "gp": gpChild, "school": schoolChild} {
		wantTold(t, b.ask(t, who, o, ""))
	}
	must(t)(b.Separate(t.Context(), b.as("social"), []ident.ReferenceID{school.Act}, "not-the-same-person"))
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
}

// A keep-apart that was withdrawn and restored bars again.
func TestAKeepApartIsRestored(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	kept := must(t)(b.KeepApart(t.Context(), b.as("school"), relmgr.Apart{Own: schoolChild, Code: b.code(t, "gp", gpChild), Reason: "subject-asked"}))
	undo := must(t)(b.WithdrawAct(t.Context(), b.as("school"), kept.Act, "entered-by-mistake", ""))
	must(t)(b.WithdrawAct(t.Context(), b.as("school"), undo.Act, "entered-by-mistake", ""))
	b.correlate(t, "school", schoolChild, "gp", gpChild)
	wantTold(t, b.ask(t, "school", schoolChild, ""))
}

// A correlation that is restored is judged by the keep-aparts in effect then.
func TestARestoredCorrelationIsBarredToo(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	made := b.correlate(t, "school", schoolChild, "gp", gpChild)
	apart := must(t)(b.Separate(t.Context(), b.as("school"), []ident.ReferenceID{made.Act}, "not-the-same-person"))
	must(t)(b.KeepApart(t.Context(), b.as("school"), relmgr.Apart{Own: schoolChild, Code: b.code(t, "gp", gpChild), Reason: "subject-asked"}))
	must(t)(b.WithdrawAct(t.Context(), b.as("school"), apart.Act, "entered-by-mistake", ""))
	wantTold(t, b.ask(t, "school", schoolChild, ""))
	rowsAreComponents(t, b.admin)
}

// IDX-18: a dispute suspends all of an identifier's correlations, for everybody,
// until a person says which hold.
func TestADisputeSuspendsUntilItIsSettled(t *testing.T) {
	b := setup(t)
	gp, school := b.trio(t)
	dispute := must(t)(b.DisputeIdentity(t.Context(), b.as("plain"), socialChild, "not-the-same-person"))
	wantTold(t, b.ask(t, "social", socialChild, ""))
	wantTold(t, b.ask(t, "gp", gpChild, ""))
	_, err := b.FindAct(t.Context(), b.as("gp"), dispute.Act, looking)
	wantKind(t, err, fault.NotKnown)

	_, err = b.SettleDispute(t.Context(), b.as("plain"), dispute.Act, []ident.ReferenceID{gp.Act}, "same-person-found")
	wantKind(t, err, fault.Forbidden)
	must(t)(b.SettleDispute(t.Context(), b.as("social"), dispute.Act, []ident.ReferenceID{gp.Act}, "same-person-found"))
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	wantTold(t, b.ask(t, "school", schoolChild, ""))
	a, err := b.FindAct(t.Context(), b.as("school"), b.referenceOf(t, "hillside-school", school.Act), looking)
	if err != nil || !a.Withdrawn {
		t.Errorf("the correlation that was left out is not shown as ended: %+v, %v", a, err)
	}
}

// referenceOf is another agency's reference of an act.
func (b *bundle) referenceOf(t *testing.T, agency string, of ident.ReferenceID) (ref ident.ReferenceID) {
	t.Helper()
	err := b.admin.QueryRow(`select r.reference_id from relmgr.act_references r join relmgr.act_references o on o.act_id = r.act_id
		where o.reference_id = $1 and r.agency_id = $2`, of, agency).Scan(&ref)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// A dispute that is withdrawn was none.
func TestADisputeIsWithdrawn(t *testing.T) {
	b := setup(t)
	b.trio(t)
	dispute := must(t)(b.DisputeIdentity(t.Context(), b.as("social"), socialChild, "not-the-same-person"))
	must(t)(b.WithdrawAct(t.Context(), b.as("social"), dispute.Act, "entered-by-mistake", ""))
	wantTold(t, b.ask(t, "social", socialChild, ""), "school-pastoral-lead", "riverside-surgery")
}

// ACT-06: a joint correlation answers nobody before the other side confirms it,
// and its maker cannot do that.
func TestAJointCorrelationWaitsForTheOtherSide(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	c := b.correlation(t, "social", socialChild, b.code(t, "gp", gpChild))
	c.Mode = decide.Joint
	made := must(t)(b.Correlate(t.Context(), b.as("social"), c))
	wantTold(t, b.ask(t, "social", socialChild, ""))
	_, err := b.ConfirmSamePerson(t.Context(), b.as("social"), made.Act, "same-person-found")
	wantKind(t, err, fault.Forbidden)
	theirs := b.referenceOf(t, "riverside-gp", made.Act)
	_, err = b.ConfirmSamePerson(t.Context(), b.as("clerk"), theirs, "same-person-found")
	wantKind(t, err, fault.Forbidden)
	must(t)(b.ConfirmSamePerson(t.Context(), b.as("gp"), theirs, "same-person-found"))
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	must(t)(b.WithdrawAct(t.Context(), b.as("gp-manager"), theirs, "not-the-same-person", ""))
	wantTold(t, b.ask(t, "social", socialChild, ""))
}

// IDX-12, IDX-15: a relationship is suspended and made active again, ended, or
// called an error, by its own column.
func TestARelationshipHasAStatus(t *testing.T) {
	for _, status := range []relmgr.Kind{relmgr.Suspend, relmgr.End, relmgr.AskedInError} {
		t.Run(string(status), func(t *testing.T) {
			b := setup(t)
			made := b.publish(t, "gp", gpChild)
			b.correlate(t, "social", socialChild, "gp", gpChild)
			_, err := b.SetStatus(t.Context(), b.as("social"), b.correlate(t, "social", socialChild, "school", schoolChild).Act, status, "work-ended", nil)
			wantKind(t, err, fault.NotKnown)
			changed := must(t)(b.SetStatus(t.Context(), b.as("gp"), made.Act, status, "work-ended", nil))
			wantTold(t, b.ask(t, "social", socialChild, ""))
			must(t)(b.WithdrawAct(t.Context(), b.as("gp"), changed.Act, "entered-by-mistake", ""))
			wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
		})
	}
}
