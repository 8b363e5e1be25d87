package relmgr_test

import (
	"testing"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/relmgr"
)

// Invariant 5: what a person hid or left out on a date is absent from the answer of
// that date, though they have taken it back since.
func TestWhatWasHiddenThenIsAbsentThoughItIsShownToday(t *testing.T) {
	b := setup(t)
	b.began(t)
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	before := b.tick()
	b.exclude(t, b.handle(t, "gp", gpChild), "riverside-social-care")
	excluded := b.tick()
	if _, err := b.admin.Exec(`insert into consent.inclusions select exclusion_id, act_id, $1, 'signed-form' from consent.exclusions`, b.clock()); err != nil {
		t.Fatal(err)
	}
	between := b.tick()
	b.block(t, b.handle(t, "gp", gpChild), "block")
	blocked := b.tick()
	if _, err := b.admin.Exec(`insert into consent.unblocks select block_id, act_id, $1, 'signed-form' from consent.blocks`, b.clock()); err != nil {
		t.Fatal(err)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	wantTold(t, b.asOf(t, socialChild, before), "riverside-surgery")
	wantTold(t, b.asOf(t, socialChild, between), "riverside-surgery")
	wantTold(t, b.asOf(t, socialChild, excluded))
	wantTold(t, b.asOf(t, socialChild, blocked))
	// And though what it said is erased since (LEG-29): it hides from everybody then.
	for _, erased := range []string{"delete from consent.content_keys", "update consent.exclusions set excluded = 'erased', evidence = 'erased'",
		"update consent.blocks set warning = 'erased', evidence = 'erased'"} {
		if _, err := b.admin.Exec(erased); err != nil {
			t.Fatal(err)
		}
	}
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	wantTold(t, b.asOf(t, socialChild, before), "riverside-surgery")
	wantTold(t, b.asOf(t, socialChild, excluded))
	wantTold(t, b.asOf(t, socialChild, blocked))
}

// ACT-06: a joint correlation joined nobody before it was confirmed.
func TestAnEarlierDateIsBeforeTheConfirmation(t *testing.T) {
	b := setup(t)
	b.began(t)
	b.publish(t, "gp", gpChild)
	c := b.correlation(t, "social", socialChild, b.code(t, "gp", gpChild))
	c.Mode = decide.Joint
	made := must(t)(b.Correlate(t.Context(), b.as("social"), c))
	waiting := b.tick()
	must(t)(b.ConfirmSamePerson(t.Context(), b.as("gp"), b.referenceOf(t, "riverside-gp", made.Act), "same-person-found"))
	joined := b.tick()
	wantTold(t, b.asOf(t, socialChild, joined), "riverside-surgery")
	wantTold(t, b.asOf(t, socialChild, waiting))
}

// An override tells once and at its own time, also where the publication alone
// rests on it.
func TestAnEarlierDateTellsOfNoPublicationByOverride(t *testing.T) {
	b := setup(t)
	b.began(t)
	r := b.relationship(t, "gp", gpChild)
	r.Mode, r.Proposal = decide.Imposed, b.overriding()
	must(t)(b.Publish(t.Context(), b.as("gp-lead"), r))
	b.correlate(t, "social", socialChild, "gp", gpChild)
	at := b.tick()
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	wantTold(t, b.asOf(t, socialChild, at))
}

// Invariant 5: whom a person leaves out is left out of an earlier date wherever they
// say so: on a row of then, on the asker's of today, or on that of whoever would be
// told of. So is a row that contradicts itself today.
func TestAnEarlierDateHeedsEveryRowThatItTouches(t *testing.T) {
	pupil := own("school-pastoral", "S000042")
	for name, c := range map[string]struct {
		then, since func(t *testing.T, b *bundle, joined relmgr.Receipt) relmgr.Receipt
		on          string // whom the exclusion leaves out
	}{
		"the row of then": {
			func(t *testing.T, b *bundle, _ relmgr.Receipt) relmgr.Receipt {
				return b.correlate(t, "social", socialChild, "school", pupil)
			},
			func(t *testing.T, b *bundle, with relmgr.Receipt) relmgr.Receipt {
				return must(t)(b.WithdrawAct(t.Context(), b.as("social"), with.Act, "work-ended", ""))
			}, "riverside-gp",
		},
		"the asker's row of today": {
			func(_ *testing.T, _ *bundle, joined relmgr.Receipt) relmgr.Receipt { return joined },
			func(t *testing.T, b *bundle, with relmgr.Receipt) relmgr.Receipt {
				must(t)(b.WithdrawAct(t.Context(), b.as("social"), with.Act, "work-ended", ""))
				return b.correlate(t, "social", socialChild, "school", pupil)
			}, "riverside-gp",
		},
		"the others' row of today": {
			func(_ *testing.T, _ *bundle, joined relmgr.Receipt) relmgr.Receipt { return joined },
			func(t *testing.T, b *bundle, with relmgr.Receipt) relmgr.Receipt {
				must(t)(b.WithdrawAct(t.Context(), b.as("social"), with.Act, "work-ended", ""))
				return b.correlate(t, "gp-manager", gpChild, "school", pupil)
			}, "riverside-social-care",
		},
		"the others' row, which contradicts itself today": {
			func(_ *testing.T, _ *bundle, joined relmgr.Receipt) relmgr.Receipt { return joined },
			func(t *testing.T, b *bundle, with relmgr.Receipt) relmgr.Receipt {
				must(t)(b.WithdrawAct(t.Context(), b.as("social"), with.Act, "work-ended", ""))
				return b.correlate(t, "gp-manager", gpChild, "school", pupil)
			}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			b.began(t)
			b.publish(t, "gp", gpChild)
			with := c.then(t, b, b.correlate(t, "social", socialChild, "gp", gpChild))
			at := b.tick()
			c.since(t, b, with)
			wantTold(t, b.asOf(t, socialChild, at), "riverside-surgery")
			if c.on != "" {
				b.exclude(t, b.handle(t, "school", pupil), c.on)
			} else {
				must(t)(b.KeepApart(t.Context(), b.as("gp-manager"), relmgr.Apart{Own: gpChild, Code: b.code(t, "school", pupil), Reason: "subject-asked"}))
			}
			wantTold(t, b.asOf(t, socialChild, at))
		})
	}
}
