package consent_test

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// person is one person of gp's column, and who proves them.
type person struct {
	h      *hub
	handle ident.HandleID
	who    decide.Caller
}

func (h *hub) person() person {
	return person{h, ident.NewHandle(), reasoned(alice)}
}

func (p person) proof() string {
	return p.h.sign(p.who, "gp-people", func(v *attest.HandleProof) { v.Handle = p.handle })
}

func (p person) agrees(change func(*consent.Request)) consent.Captured {
	p.h.t.Helper()
	req := p.h.yes(p.who, "gp-people")
	req.Proof = p.proof()
	change(&req)
	got, err := p.h.consent.Capture(p.h.t.Context(), p.who, req)
	must(p.h.t, err)
	return got
}

func (p person) erase(obligation string) (consent.Erased, error) {
	return p.h.consent.Erase(p.h.t.Context(), p.who, consent.Erasure{Proof: p.proof(), Reason: "subject-asked", Evidence: consent.SignedForm, Obligation: obligation})
}

func (p person) mine() consent.Mine {
	p.h.t.Helper()
	m, err := p.h.consent.ListMine(p.h.t.Context(), decide.Subject{Terms: p.who.Terms, Handles: []decide.SubjectHandle{{Handle: p.handle, Column: "gp-people"}}})
	must(p.h.t, err)
	return m
}

// says has the person say one of everything that can end, and end it: a consent by proxy that
// somebody looked at, a lapsed one, an exclusion, a block, a request that was refused and one
// that was given. It returns how many acts that took.
func (p person) says() int {
	t, h := p.h.t, p.h
	t.Helper()
	ctx, before := t.Context(), h.count("consent.acts")
	proxied := p.agrees(func(r *consent.Request) {
		r.Proxy, r.Competence, r.Understanding = h.parent(h.now.AddDate(1, 0, 0)), &consent.Competence{Assessed: consent.NotCompetent}, consent.ToldBack
	})
	_, err := h.consent.Review(ctx, p.who, proxied.Consent, consent.Withhold, "risk-to-child")
	must(t, err)
	_, err = h.consent.Withdraw(ctx, p.who, proxied.Consent, consent.RecordedCall)
	must(t, err)
	p.agrees(func(r *consent.Request) { r.Until = h.now.Add(time.Hour) })
	x, err := h.consent.Exclude(ctx, p.who, consent.ExclusionRequest{Proof: p.proof(), Agency: "police", Evidence: consent.SpokenAndNoted})
	must(t, err)
	b, err := h.consent.Block(ctx, p.who, consent.BlockRequest{Proof: p.proof(), Reach: consent.CreatorOnly, Warning: "effect-on-care", Evidence: consent.SignedForm})
	must(t, err)
	for _, answer := range []consent.Answer{given, {Outcome: consent.WasRefused, Evidence: consent.SignedForm, Reason: "subject-asked"}} {
		req := h.yes(p.who, "gp-people")
		req.Proof, req.Evidence, req.Wording = p.proof(), "", ""
		req.Until = h.now.Add(time.Hour)
		asked, err := h.consent.Ask(ctx, p.who, req)
		must(t, err)
		_, err = h.consent.Answer(ctx, p.who, asked.Request, answer)
		must(t, err)
	}
	_, err = h.consent.Include(ctx, p.who, x.Exclusion, consent.SignedForm)
	must(t, err)
	_, err = h.consent.Unblock(ctx, p.who, b.Block, consent.SignedForm)
	must(t, err)
	*h.now = h.now.Add(2 * time.Hour)
	return h.count("consent.acts") - before
}

// kept are words that only the contents of what the person said hold.
var kept = []string{"leaflet-v3", "involvement", "effect-on-care", "spoken-and-noted", "recorded-call", "parental-responsibility", "told-back", "risk-to-child"}

// said counts them in a dump, beside the schema's own.
func (h *hub) said() map[string]int {
	h.t.Helper()
	dump, n := h.Dump(h.t), map[string]int{}
	for _, w := range kept {
		n[w] = strings.Count(dump, w)
	}
	return n
}

// SUB-06, LEG-29: what is over loses its contents by one act that names each leaf; that it
// was said, from when to when, stays. What is in force is not touched, and neither is
// anybody else's.
func TestWhatIsOverIsErasedAndThatItWasSaidStays(t *testing.T) {
	t.Parallel()
	h := setup(t)
	p := h.person()
	nothing := h.said()
	acts := p.says()
	for w, n := range h.said() {
		if n <= nothing[w] {
			t.Fatalf("%s is not there: this test looks in the wrong place", w)
		}
	}
	keys := h.count("consent.content_keys")
	z, err := p.erase("")
	must(t, err)
	if z.Records != acts || z.Column != "gp-people" || !z.CompleteAt.Equal(h.now.AddDate(0, 0, 30)) || strings.Count(z.Certificate, ".") != 2 {
		t.Errorf("of %d acts it erased %+v", acts, z)
	}
	if left := h.said(); !maps.Equal(left, nothing) {
		t.Errorf("%v are still there, before it was said %v", left, nothing)
	}
	if n := h.count("consent.content_keys"); n != keys-acts+1 || h.count("consent.erased") != acts || h.count("consent.acts") != acts+1 {
		t.Errorf("%d keys are left of %d", n, keys)
	}
	m := p.mine()
	if len(m.Consents)+len(m.Exclusions)+len(m.Blocks) != 0 || len(m.Erased) != 5 {
		t.Errorf("the person is shown %+v", m)
	}
	for _, e := range m.Erased {
		if e.EndedAt.Before(e.StartsAt) || !e.ErasedAt.Equal(*h.now) {
			t.Errorf("what is left says %+v", e)
		}
	}
	again, err := p.erase("")
	must(t, err)
	if again.Records != 0 {
		t.Errorf("the second time %d are erased", again.Records)
	}

	inForce := p.agrees(func(*consent.Request) {})
	theirs := h.person()
	theirs.says()
	if z, err = p.erase(""); err != nil || z.Records != 0 {
		t.Errorf("%+v, %v: in force, and another's", z, err)
	}
	if _, err := h.consent.Find(t.Context(), p.who, inForce.Consent); err != nil {
		t.Error(err)
	}
	if m := theirs.mine(); len(m.Consents) != 3 {
		t.Errorf("another person has %d consents left", len(m.Consents))
	}
}

// What was erased is to everybody as what never was: whoever has its id can neither read,
// end nor answer it, and the duty's page to relmgr names nobody whom it left out.
func TestWhatWasErasedCannotBeHad(t *testing.T) {
	t.Parallel()
	h := setup(t)
	p := h.person()
	c := p.agrees(func(r *consent.Request) { r.Proxy = h.parent(h.now.AddDate(1, 0, 0)) })
	x, err := h.consent.Exclude(t.Context(), p.who, consent.ExclusionRequest{Proof: p.proof(), Agency: "police", Evidence: consent.SignedForm})
	must(t, err)
	req := h.yes(p.who, "gp-people")
	req.Proof, req.Evidence, req.Wording, req.Until = p.proof(), "", "", h.now.Add(time.Hour)
	asked, err := h.consent.Ask(t.Context(), p.who, req)
	must(t, err)
	_, err = h.consent.Withdraw(t.Context(), p.who, c.Consent, consent.SignedForm)
	must(t, err)
	_, err = h.consent.Include(t.Context(), p.who, x.Exclusion, consent.SignedForm)
	must(t, err)
	*h.now = h.now.Add(2 * time.Hour)
	_, err = p.erase("")
	must(t, err)

	_, err = h.consent.Find(t.Context(), p.who, c.Consent)
	wantFault(t, err, fault.NotKnown)
	_, err = h.consent.Withdraw(t.Context(), p.who, c.Consent, consent.SignedForm)
	wantFault(t, err, fault.NotKnown)
	_, err = h.consent.Review(t.Context(), p.who, c.Consent, consent.Release, "subject-asked")
	wantFault(t, err, fault.NotKnown)
	_, err = h.consent.Include(t.Context(), p.who, x.Exclusion, consent.SignedForm)
	wantFault(t, err, fault.NotKnown)
	_, err = h.consent.Answer(t.Context(), p.who, asked.Request, given)
	wantFault(t, err, fault.NotKnown)
	if h.count("consent.published_exclusions") != 0 || h.count("consent.published_erased where ended_at is not null") != 1 || h.count("consent.published_consents where withdrawn_at is not null and audience = '{}'") != 1 {
		t.Error("relmgr is told something else")
	}
}

// Nobody erases what a law obliges to keep, what is under review or what another agency
// controls, and a rule of retention comes no further.
func TestWhatIsKeptStays(t *testing.T) {
	t.Parallel()
	h := setup(t)
	p := h.person()
	acts := p.says()
	z, err := p.erase("legal-claims")
	must(t, err)
	if z.Records != 0 || z.Obligation != "legal-claims" {
		t.Errorf("what is kept: %+v", z)
	}
	_, err = p.erase("a-whim")
	wantFault(t, err, fault.Invalid)
	receptionist := p
	receptionist.who.Actor = rita.Actor
	_, err = receptionist.erase("")
	wantFault(t, err, fault.Forbidden)
	school := reasoned(sam)
	_, err = h.consent.Erase(t.Context(), school, consent.Erasure{Proof: h.proof(school, "team-list"), Reason: "subject-asked"})
	wantFault(t, err, fault.Forbidden)

	rules := *p.who.Terms
	rules.Settings.KeepConsentsDays = 30
	*h.now = h.now.AddDate(1, 0, 0)
	if n, err := h.consent.Retain(t.Context(), &rules); n != 0 || err != nil {
		t.Fatalf("%d were erased that a law keeps, %v", n, err)
	}
	other := h.person()
	more := other.says()
	h.review(other.handle)
	_, err = other.erase("")
	wantFault(t, err, fault.Conflict)
	*h.now = h.now.AddDate(1, 0, 0)
	if n, err := h.consent.Retain(t.Context(), &rules); n != 0 || err != nil {
		t.Fatalf("%d were erased that are under review, %v", n, err)
	}
	h.run(`insert into relmgr.rulings (act_id, objection_id, outcome) select act_id, act_id, 'dismissed' from relmgr.objections`)
	if n, err := h.consent.Retain(t.Context(), &rules); n != more || err != nil {
		t.Errorf("%d of %d were erased, %v", n, more, err)
	}
	if z, err = p.erase(""); err != nil || z.Records != acts {
		t.Errorf("asked again, without the obligation: %+v, %v", z, err)
	}
}

func (h *hub) run(statement string, args ...any) {
	h.t.Helper()
	tx, err := h.admin.BeginTx(h.t.Context(), nil)
	must(h.t, err)
	_, err = tx.ExecContext(h.t.Context(), "set local session_replication_role = replica")
	must(h.t, err)
	_, err = tx.ExecContext(h.t.Context(), statement, args...)
	must(h.t, err)
	must(h.t, tx.Commit())
}

// review leaves an objection of the person's to something on a handle, as relmgr does.
func (h *hub) review(handle ident.HandleID) {
	h.t.Helper()
	act := ident.NewAct()
	h.run(`insert into relmgr.act_handles (act_id, handle_id) values ($1, $2)`, act, handle)
	h.run(`insert into relmgr.objections (act_id, objects_to, agency_id, at, due_at) values ($1, $1, 'gp', now(), now())`, act)
}

// LEG-29: after the partnership's days contents go, and not before; without the setting
// nothing does. Of three who run at once each takes what the others have not.
func TestContentsAreKeptAsLongAsThePartnershipSays(t *testing.T) {
	t.Parallel()
	h := setup(t)
	p := h.person()
	acts := p.says()
	live := p.agrees(func(r *consent.Request) { r.Until = h.now.AddDate(2, 0, 0) })
	rules := *p.who.Terms
	*h.now = h.now.AddDate(0, 0, 40)
	if n, err := h.consent.Retain(t.Context(), &rules); n != 0 || err != nil {
		t.Fatalf("%d erased without a rule, %v", n, err)
	}
	rules.Settings.KeepConsentsDays = 41
	if n, err := h.consent.Retain(t.Context(), &rules); n != 0 || err != nil {
		t.Fatalf("%d erased before their time, %v", n, err)
	}
	*h.now = h.now.AddDate(0, 0, 2)
	var erased atomic.Int32
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			n, err := h.consent.Retain(t.Context(), &rules)
			if err != nil {
				t.Error(err)
			}
			erased.Add(int32(n))
		})
	}
	wg.Wait()
	if int(erased.Load()) != acts || h.count("consent.erased") != acts {
		t.Errorf("%d of %d were erased", erased.Load(), acts)
	}
	if _, err := h.consent.Find(t.Context(), p.who, live.Consent); err != nil {
		t.Error(err)
	}
	if n, err := h.consent.Retain(t.Context(), &rules); n != 0 || err != nil {
		t.Errorf("a second pass erased %d, %v", n, err)
	}
}

// LEG-29: where relmgr has erased whom a handle stood for, nobody can end what was said of
// them any more: it goes with the next pass, in force or not, with no rule at all.
func TestWhatIsLeftOfAnErasedHandleGoes(t *testing.T) {
	t.Parallel()
	h := setup(t)
	p, other := h.person(), h.person()
	for _, who := range []person{p, other} {
		who.agrees(func(*consent.Request) {})
		_, err := h.consent.Exclude(t.Context(), who.who, consent.ExclusionRequest{Proof: who.proof(), Agency: "police", Evidence: consent.SignedForm})
		must(t, err)
	}
	h.run(`insert into relmgr.erasures (act_id, handle_id, column_id, complete_at) values (gen_random_uuid(), $1, 'gp-people', now())`, p.handle)
	if n, err := h.consent.Retain(t.Context(), p.who.Terms); n != 2 || err != nil {
		t.Errorf("%d were erased, %v", n, err)
	}
	if m := other.mine(); len(m.Consents) != 1 || len(m.Exclusions) != 1 {
		t.Errorf("another's are %+v", m)
	}
}

// Of two who erase at once, and one who ends something meanwhile, each act is named once,
// and no key is taken without.
func TestAnActIsErasedOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	p := h.person()
	acts := p.says()
	late := p.agrees(func(r *consent.Request) { r.Until = h.now.Add(time.Minute) })
	*h.now = h.now.Add(time.Hour)
	var erased atomic.Int32
	var wg sync.WaitGroup
	for n := range 6 {
		wg.Go(func() {
			if n == 3 {
				if _, err := h.consent.Withdraw(t.Context(), p.who, late.Consent, consent.SignedForm); err != nil && fault.KindOf(err) != fault.NotKnown {
					t.Error(err)
				}
				return
			}
			z, err := p.erase("")
			if err != nil {
				t.Error(err)
			}
			erased.Add(int32(z.Records))
		})
	}
	wg.Wait()
	z, err := p.erase("")
	must(t, err)
	all := int(erased.Load()) + z.Records
	if all != acts+1 && all != acts+2 || h.count("consent.erased") != all || h.count("consent.content_keys") != 6 {
		t.Errorf("%d were erased of %d, and %d keys are left", all, acts+1, h.count("consent.content_keys"))
	}
}

// The database takes what stands in clear with the key, whoever deletes it, and no duty can
// change it otherwise: a half-way erasure is none.
func TestTheKeyAndWhatStandsInClearGoTogether(t *testing.T) {
	t.Parallel()
	h := setup(t)
	p := h.person()
	c := p.agrees(func(*consent.Request) {})
	tx, err := h.db.BeginTx(t.Context(), nil)
	must(t, err)
	_, err = tx.ExecContext(t.Context(), "delete from consent.content_keys where record_id = $1", c.Act)
	must(t, err)
	var says string
	must(t, tx.QueryRowContext(t.Context(), "select wording from consent.consents").Scan(&says))
	if says != "erased" {
		t.Errorf("without its key it still says %s", says)
	}
	must(t, tx.Rollback())
	if m := p.mine(); len(m.Consents) != 1 || !slices.Equal(m.Consents[0].Purposes, []string{"support"}) {
		t.Errorf("after a rollback it says %+v", m)
	}
}
