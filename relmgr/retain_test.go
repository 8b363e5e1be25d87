package relmgr_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// keeps puts terms in force that keep things for some days.
func (b *bundle) keeps(t *testing.T, ended, enquiries, refusals, idempotency int) {
	t.Helper()
	js := `{"settings": {"keep_ended_days": ` + strconv.Itoa(ended) + `, "keep_enquiries_days": ` + strconv.Itoa(enquiries) +
		`, "keep_refusals_days": ` + strconv.Itoa(refusals) + `, "keep_idempotency_days": ` + strconv.Itoa(idempotency) + `}}`
	if _, err := b.admin.Exec(`insert into governance.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
		values ($1, 'apply', now(), 'x', 'x', 'x', 1, '\x00', '\x00')`, ident.NewAct()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.admin.Exec(`insert into governance.terms (version, act_id, applied_at, applied, document)
		select coalesce((select max(version) from governance.terms), 0) + 1, (select act_id from governance.acts limit 1), now(), '{}', $1::jsonb`, js); err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) retain(t *testing.T) relmgr.Retained {
	t.Helper()
	due, err := b.Due(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done, err := b.Retain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if done.Identifiers == 0 && done != due { // an identifier takes its records along
		t.Errorf("%+v was due, and %+v was erased", due, done)
	}
	return done
}

const day = 24 * time.Hour

// LEG-29: with the clock past what the partnership keeps, the contents are gone from
// the stores, by an act that names its leaves, and the acts remain without them. What is in
// force, under review or disputed stays (invariant 10), however old.
func TestWhatHasEndedGoesWhenItsTimeIsOver(t *testing.T) {
	b := setup(t)
	b.keeps(t, 100, 30, 40, 7)
	once := b.Once("dr-patel", "publishRelationship", "a-key-of-a-publication", []byte("body"))
	published, err := once.Publish(t.Context(), b.as("gp"), b.relationship(t, "gp", gpChild))
	if err != nil {
		t.Fatal(err)
	}
	b.publish(t, "social", socialChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	disputed, askedOnly, over := own("gp-riverside", "GP-00050"), own("gp-riverside", "GP-00051"), own("gp-riverside", "GP-00052")
	b.publish(t, "gp", disputed)
	if _, err := b.DisputeIdentity(t.Context(), b.as("gp-manager"), disputed, "not-the-same-person"); err != nil {
		t.Fatal(err)
	}
	b.ask(t, "gp", askedOnly, "")
	ended := b.publish(t, "gp", over)
	if _, err := b.SetStatus(t.Context(), b.as("gp"), ended.Act, relmgr.End, "work-ended", nil); err != nil {
		t.Fatal(err)
	}
	refused := b.relationship(t, "gp", own("gp-riverside", "GP-00053"))
	refused.Power = "education-act-2002-s175"
	if _, err := b.Publish(t.Context(), b.as("gp"), refused); err == nil {
		t.Fatal("not refused")
	}
	emergency := relmgr.Question{Own: own("gp-riverside", "GP-00054"), Purpose: "co-ordinate-care", Reason: "risk-of-harm", Concerning: "child", Emergency: true}
	if _, err := b.Enquire(t.Context(), b.as("gp"), emergency); err != nil {
		t.Fatal(err)
	}
	b.ask(t, "social", socialChild, "")

	if got := b.retain(t); got != (relmgr.Retained{}) {
		t.Errorf("on the first day %+v was erased", got)
	}
	b.wait(8 * day)
	if got := b.retain(t); got != (relmgr.Retained{IdempotencyKeys: 1}) {
		t.Errorf("after eight days %+v was erased", got)
	}
	b.wait(23 * day) // two enquiries; the emergency waits for its review
	if got := b.retain(t); got != (relmgr.Retained{Records: 2}) {
		t.Errorf("after a month %+v was erased", got)
	}
	b.wait(10 * day) // the refusal
	if got := b.retain(t); got != (relmgr.Retained{Records: 1}) {
		t.Errorf("after 41 days %+v was erased", got)
	}
	acts := b.count(t, `select count(*) from relmgr.acts`)
	b.wait(60 * day) // who was asked about, and whose relationship ended
	consent := b.count(t, `select count(*) from consent.withdrawals`)
	for _, h := range []relmgr.Own{over} { // the consents of before have run out, or been withdrawn
		if _, err := b.admin.Exec(`insert into consent.withdrawals (consent_id, act_id, at, evidence)
			select consent_id, act_id, $1, 'signed-form' from consent.consents where handle_id = $2`, b.clock(), b.handle(t, "gp", h)); err != nil {
			t.Fatal(err)
		}
	}
	if n := b.count(t, `select count(*) from consent.withdrawals`); n == consent {
		t.Fatal("no consent was withdrawn")
	}
	if got := b.retain(t); got != (relmgr.Retained{Identifiers: 2}) {
		t.Errorf("after a hundred days %+v was erased", got)
	}
	if n := b.count(t, `select count(*) from relmgr.acts`); n != acts+2 {
		t.Errorf("%d acts, want the %d of before and one for each identifier", n, acts)
	}
	for what, query := range map[string]string{
		"identifiers that were erased twice or not at all": `select abs(2 - count(*)) from relmgr.handles where wrapped_by = ''`,
		"acts that name other leaves than are gone": `select count(*) from relmgr.erased x where exists (select from relmgr.content_keys k
			join relmgr.acts a on a.act_id = k.record_id where a.commitment = x.commitment)`,
		"emergencies without their content": `select count(*) from relmgr.enquiries e where e.emergency and not exists (select from relmgr.content_keys k where k.record_id = e.enquiry_id)`,
	} {
		if n := b.count(t, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	a := b.ask(t, "social", socialChild, "")
	wantTold(t, a, "riverside-surgery") // in force
	if shown, err := b.FindAct(t.Context(), b.as("gp"), published.Act, looking); err != nil || shown.Kind != relmgr.Publish {
		t.Errorf("%+v, %v", shown, err)
	}
	b.wait(3000 * day) // all has run out, save what a person disputes
	for range 2 {
		if got := b.retain(t); got.Identifiers > 0 && b.count(t, `select count(*) from relmgr.disputes`) != 1 {
			t.Errorf("%+v", got)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.handles h join relmgr.disputes x using (handle_id) where h.wrapped_by <> ''`); n != 1 {
		t.Error("what is disputed was erased")
	}
}

// Two who run it at once, and one that is killed between its steps, erase each content
// once: no leaf is named twice and no content goes without its leaf.
func TestTwoRunnersOfRetentionEraseEachContentOnce(t *testing.T) {
	b := setup(t)
	b.keeps(t, 100, 30, 40, 7)
	for n := range 60 {
		b.ask(t, "gp", own("gp-riverside", "GP-1"+strconv.Itoa(1000+n)), "")
	}
	b.wait(200 * day)
	var wait sync.WaitGroup
	for range 3 {
		s := b.another(t)
		wait.Go(func() {
			if _, err := s.Retain(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for what, query := range map[string]string{
		"contents of enquiries":   `select count(*) from relmgr.content_keys k join relmgr.enquiries e on e.enquiry_id = k.record_id`,
		"identifiers":             `select count(*) from relmgr.handles where wrapped_by <> ''`,
		"leaves too many or few":  `select abs(60 - count(*)) from relmgr.erased`,
		"erasures too many":       `select count(*) - 60 from relmgr.erasures`,
		"acts that erase nothing": `select count(*) from relmgr.acts a where a.kind = 'expire' and not exists (select from relmgr.erased x where x.act_id = a.act_id) and not exists (select from relmgr.erasures z where z.act_id = a.act_id)`,
	} {
		if n := b.count(t, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}
