package relmgr_test

import (
	"testing"

	"github.com/fame-hub/fame/relmgr"
)

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

// QRY-12: asked of the agency alone, the same question tells of its own columns
// alone; what it leaves out is as if it were not there.
func TestTheSameQuestionIsAskedNearAndFar(t *testing.T) {
	b := setup(t)
	surgery, doctor := gpChild, own("gp-patel", "PT0042")
	b.publish(t, "gp", surgery)
	b.publish(t, "patel", doctor)
	b.correlate(t, "social", socialChild, "gp", surgery)
	b.correlate(t, "social", socialChild, "patel", doctor)
	for scope, want := range map[relmgr.Scope][]string{
		"": {"dr-patel-list", "riverside-surgery"}, relmgr.OfTheAgency: {"dr-patel-list"},
	} {
		who, o := "social", socialChild
		if scope == relmgr.OfTheAgency {
			who, o = "gp", surgery
		}
		a, err := b.Enquire(t.Context(), b.as(who), relmgr.Question{
			Own: o, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Scope: scope,
		})
		if err != nil {
			t.Fatal(err)
		}
		wantTold(t, a, want...)
	}
	a, err := b.Enquire(t.Context(), b.as("social"), relmgr.Question{
		Own: socialChild, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Scope: relmgr.OfTheAgency,
	})
	if err != nil {
		t.Fatal(err)
	}
	wantTold(t, a)
	if n := b.count(t, `select count(*) from relmgr.disclosures d where d.enquiry_id = '`+a.ID.String()+`'`); n != 0 {
		t.Errorf("%d disclosures are recorded of what was not told", n)
	}
}
