package relmgr_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/relmgr"
)

// Issue "The portal", governance: what was disclosed is counted in people, by ground and
// purpose, over days that are past; of fewer than ten nothing is said, as of nobody; and what
// waits for review is counted by agency. Nobody but a governance officer is told.
func TestDisclosuresAreCountedInPeopleAndNeverInFew(t *testing.T) {
	b := setup(t)
	officer := b.as("social")
	officer.Practitioner, officer.Agency, officer.Roles, officer.Providers = "gov-ellis", "partnership-office", []string{"governance-officer"}, nil
	day := func(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }
	first := day(b.clock())
	oversee := func() relmgr.Oversight {
		t.Helper()
		got, err := b.Oversee(t.Context(), officer, first, day(b.clock()).AddDate(0, 0, -1))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	for i := range relmgr.LeastPeople {
		social, gp := own("social-care", fmt.Sprintf("LMN-3%04d", i)), own("gp-riverside", fmt.Sprintf("GP-3%04d", i))
		b.publish(t, "gp", gp)
		b.correlate(t, "social", social, "gp", gp)
		if i == relmgr.LeastPeople-1 {
			b.wait(24 * time.Hour) // the tenth is told of on the second day
		}
		for range 3 { // who is asked about often is one
			if a := b.ask(t, "social", social, ""); len(a.Providers) != 1 {
				t.Fatalf("%d are told of", len(a.Providers))
			}
		}
	}
	b.ask(t, "social", own("social-care", "LMN-39999"), "") // of whom nothing is told
	if got := oversee(); len(got.Disclosures) != 0 {
		t.Errorf("of nine people and today's: %+v", got.Disclosures)
	}
	b.wait(24 * time.Hour)
	if got := oversee(); len(got.Disclosures) != 1 || got.Disclosures[0].People != relmgr.LeastPeople || got.Disclosures[0].Purpose != "co-ordinate-care" || got.Disclosures[0].Ground != "explicit-consent" {
		t.Errorf("of ten people: %+v", got.Disclosures)
	}

	// An emergency waits for its agency's reviewers, found or not; once it is judged it does not.
	if len(oversee().Waiting) != 0 {
		t.Errorf("nothing waits, and this does: %+v", oversee().Waiting)
	}
	for _, number := range []string{"LMN-30000", "LMN-39998"} {
		if _, err := b.Enquire(t.Context(), b.as("social"), relmgr.Question{
			Own: own("social-care", number), Purpose: "co-ordinate-care", Reason: "risk-of-harm", Concerning: "child", Emergency: true,
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got := oversee().Waiting; len(got) != 1 || got[0].AgencyID != "riverside-social-care" || got[0].Enquiries != 2 || got[0].EnquiriesOverdue != 0 || got[0].Overrides != 0 {
		t.Errorf("of two emergencies waits %+v", got)
	}
	b.wait(73 * time.Hour)
	if got := oversee().Waiting; len(got) != 1 || got[0].EnquiriesOverdue != 2 {
		t.Errorf("after three days waits %+v", got)
	}

	for name, c := range map[string]struct {
		who         string
		from, until time.Time
		want        fault.Kind
	}{
		"by a social worker":       {"social", first, first, fault.Forbidden},
		"today":                    {"", first, day(b.clock()), fault.Invalid},
		"to come":                  {"", first, day(b.clock()).AddDate(5, 0, 0), fault.Invalid},
		"the wrong way round":      {"", first, first.AddDate(0, 0, -1), fault.Invalid},
		"too long":                 {"", first.AddDate(0, -4, 0), first, fault.Invalid},
		"of the year 1":            {"", time.Time{}, first, fault.Invalid},
		"of the year 1 and no day": {"", time.Time{}, time.Time{}, ""},
	} {
		who := officer
		if c.who != "" {
			who = b.as(c.who)
		}
		if _, err := b.Oversee(t.Context(), who, c.from, c.until); c.want == "" && err != nil || c.want != "" && fault.KindOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
