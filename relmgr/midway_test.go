package relmgr_test

import (
	"testing"
	"time"

	"github.com/fame-hub/fame/relmgr"
)

// PUB-12, invariant 8: a consent that is withdrawn in the middle of an enquiry, after it
// has read and before it has been recorded. It is answered as it was when it read, on
// record with that time; whoever asks from then on is told nothing, and whoever was
// told hears on the next beat that it is over.
func TestAConsentIsWithdrawnInTheMiddleOfAnEnquiry(t *testing.T) {
	b := setup(t)
	rel := b.relationship(t, "gp", gpChild)
	must(t)(b.Publish(t.Context(), b.as("gp"), rel))
	b.publish(t, "social", socialChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery") // and the handle is made

	held, err := b.admin.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Rollback()
	if _, err := held.Exec("lock table relmgr.enquiries in exclusive mode"); err != nil {
		t.Fatal(err)
	}
	b.wait(time.Second)
	began := b.clock()
	answered := make(chan relmgr.Answer, 1)
	go func() {
		answer, err := b.Enquire(t.Context(), b.as("social"), relmgr.Question{
			Own: socialChild, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child",
		})
		if err != nil {
			t.Error(err)
		}
		answered <- answer
	}()
	for n := 0; n == 0; time.Sleep(time.Millisecond) { // it has read, and waits to be recorded
		n = b.count(t, "select count(*) from pg_locks where not granted and relation = 'relmgr.enquiries'::regclass")
	}
	b.wait(time.Second)
	b.says(t, "insert into consent.withdrawals (consent_id, act_id, at, evidence) values ($2, $1, $3, 'signed-form')", rel.Consents[0], b.clock())
	if err := held.Rollback(); err != nil {
		t.Fatal(err)
	}
	answer := <-answered
	wantTold(t, answer, "riverside-surgery")
	var at time.Time
	if err := b.admin.QueryRow("select at from relmgr.enquiries where enquiry_id = $1", answer.ID).Scan(&at); err != nil || !at.Equal(began) {
		t.Errorf("it is recorded with the time %s, %v: want %s, before the withdrawal", at, err, began)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""))
	b.beat(t)
	wantNotices(t, b.notices(t, "social", "social-care"), "LMN-00042 -riverside-surgery")
}
