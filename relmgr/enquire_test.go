package relmgr_test

import "testing"

// IDX-01, IDX-08, QRY-01, QRY-03: what is published and correlated is told,
// what is only published is not.
func TestAnEnquiryTellsOfCorrelatedPublishedRelationships(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	wantTold(t, b.ask(t, "social", socialChild, ""))
	b.correlate(t, "social", socialChild, "gp", gpChild)
	a := b.ask(t, "social", socialChild, "")
	wantTold(t, a, "riverside-surgery")
	if a.Published {
		t.Error("social care publishes nothing, and the answer says it does")
	}
	if got := a.Providers[0].Offers[0].Contact.Value; got == "" {
		t.Error("the offer has no contact route")
	}
	wantTold(t, b.ask(t, "gp", gpChild, ""))
}
