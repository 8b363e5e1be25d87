package relmgr_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

func (b *bundle) erase(t *testing.T, who string, o relmgr.Own) relmgr.Erased {
	t.Helper()
	z, err := b.Erase(t.Context(), b.as(who), relmgr.Erasure{Own: o, Reason: "subject-asked"})
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// contentsLeft counts what an agency recorded about a handle and can still be
// opened.
const contentsLeft = `select count(*) from relmgr.content_keys k where k.record_id in (
	select a.act_id from relmgr.acts a join relmgr.act_handles ah using (act_id) where ah.handle_id = '%[1]s' and a.agency_id = '%[2]s' and a.kind <> 'erase'
	union select e.enquiry_id from relmgr.enquiries e where e.handle_id = '%[1]s' and e.agency_id = '%[2]s')`

func left(h ident.HandleID, agency string) string {
	return strings.NewReplacer("%[1]s", h.String(), "%[2]s", agency).Replace(contentsLeft)
}

// SUB-06, LEG-29, design.md section 9: an erasure takes the identifier, what finds
// it and the contents of what its agency recorded; acts, who asked and who was told
// stay. The handle connects what others joined, and neither lists nor answers. What
// is asked next under the identifier is asked about somebody never seen.
func TestAnErasureTakesWhatIdentifiesAndLeavesWhatHappened(t *testing.T) {
	b := setup(t)
	published := b.publish(t, "gp", gpChild)
	b.publish(t, "social", socialChild)
	b.publish(t, "school", schoolChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	b.correlate(t, "school", schoolChild, "gp", gpChild)
	wantTold(t, b.ask(t, "social", socialChild, ""), "school-pastoral-lead", "riverside-surgery")
	b.ask(t, "gp", gpChild, "")
	if _, err := b.Declare(t.Context(), b.as("gp"), gpChild, relmgr.Household, ""); err != nil {
		t.Fatal(err)
	}
	open, err := b.OpenPairing(t.Context(), b.as("gp"), gpChild, b.proposal(t, "gp", gpChild))
	if err != nil {
		t.Fatal(err)
	}
	was := b.handle(t, "gp", gpChild)
	acts, enquiries, disclosures := b.count(t, `select count(*) from relmgr.acts`), b.count(t, `select count(*) from relmgr.enquiries`), b.count(t, `select count(*) from relmgr.disclosures`)
	theirs := b.count(t, left(was, "riverside-social-care")) + b.count(t, left(was, "hillside-school"))

	b.wait(time.Minute)
	z := b.erase(t, "gp-manager", gpChild)
	// publish, two pairings used and one open, an enquiry, a declaration
	if z.Records != 6 || z.Column != "gp-riverside" || !z.At.Equal(b.clock()) || !z.CompleteAt.Equal(z.At.AddDate(0, 0, 30)) || z.Act.IsZero() || z.Keeps != "" {
		t.Errorf("certificate %+v", z)
	}
	var signed map[string]any
	parts := strings.Split(z.Certificate, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(payload, &signed)
	}
	if err != nil || len(parts) != 3 || signed["act"] != z.Act.String() || signed["records"] != 6.0 || signed["agency"] != "riverside-gp" || strings.Contains(string(payload), "00042") {
		t.Errorf("signed %s, %v", payload, err)
	}
	for what, query := range map[string]string{
		"identifiers":       `select count(*) from relmgr.handles where handle_id = '` + was.String() + `' and (token is not null or token_b is not null or sealed <> '' or wrapped_key <> '' or wrapped_by <> '')`,
		"cells":             `select count(*) from relmgr.cells where handle_id = '` + was.String() + `'`,
		"offers":            `select count(*) from relmgr.offers o join relmgr.act_handles ah using (act_id) where ah.handle_id = '` + was.String() + `'`,
		"contents":          left(was, "riverside-gp"),
		"declarations":      `select count(*) from relmgr.content_keys k join relmgr.declarations d on d.declaration_id = k.record_id`,
		"leaves not named":  `select abs(6 - count(*)) from relmgr.erased`,
		"acts that went":    `select ` + strconv.Itoa(acts+1) + ` - count(*) from relmgr.acts`,
		"enquiries gone":    `select ` + strconv.Itoa(enquiries) + ` - count(*) from relmgr.enquiries`,
		"disclosures gone":  `select ` + strconv.Itoa(disclosures) + ` - count(*) from relmgr.disclosures`,
		"of others, erased": `select ` + strconv.Itoa(theirs) + ` - (` + left(was, "riverside-social-care") + `) - (` + left(was, "hillside-school") + `)`,
	} {
		if n := b.count(t, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	rowsAreComponents(t, b.admin)
	wantTold(t, b.ask(t, "social", socialChild, ""), "school-pastoral-lead") // through the vertex

	// Nothing of it can be read or undone, and its code brings nobody together.
	_, _, err = b.ListActs(t.Context(), b.as("gp"), was, ident.ReferenceID{}, 10, looking)
	wantKind(t, err, fault.NotKnown)
	_, err = b.FindAct(t.Context(), b.as("gp"), published.Act, looking)
	wantKind(t, err, fault.NotKnown)
	_, err = b.Reveal(t.Context(), b.as("gp"), was)
	wantKind(t, err, fault.NotKnown)
	_, err = b.WithdrawAct(t.Context(), b.as("gp"), published.Act, "work-ended", "")
	wantKind(t, err, fault.NotKnown)
	_, err = b.Correlate(t.Context(), b.as("social"), b.correlation(t, "social", own("social-care", "LMN-00077"), open.Code))
	wantKind(t, err, fault.PairingUnusable)

	// Asked for again it is somebody never seen, as who never was.
	_, err = b.Erase(t.Context(), b.as("gp-manager"), relmgr.Erasure{Own: gpChild, Reason: "subject-asked"})
	wantKind(t, err, fault.Invalid)
	if a, never := b.ask(t, "gp", gpChild, ""), b.ask(t, "gp", own("gp-riverside", "GP-00078"), ""); a.Published || len(a.Providers) != len(never.Providers) {
		t.Errorf("the surgery is told %+v", a)
	}
	if now := b.handle(t, "gp", gpChild); now == was {
		t.Error("the identifier found the erased handle")
	}
	b.publish(t, "gp", gpChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	wantTold(t, b.ask(t, "social", socialChild, ""), "school-pastoral-lead", "riverside-surgery")
	b.erase(t, "gp-manager", gpChild) // the second handle, too
	rowsAreComponents(t, b.admin)
}

// SUB-06: what a law obliges to keep stays, on record; what is under review is not
// erased; and only those who may correlate erase, of their own columns.
func TestAnErasureIsLimitedOrRefused(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	b.publish(t, "social", socialChild)
	b.correlate(t, "social", socialChild, "gp", gpChild)
	was := b.handle(t, "gp", gpChild)
	e := relmgr.Erasure{Own: gpChild, Reason: "subject-asked", Keeps: "everything", Obligation: "legal-claims"}
	for _, who := range []string{"gp", "social", "patel-manager"} {
		_, err := b.Erase(t.Context(), b.as(who), e)
		wantKind(t, err, fault.Forbidden)
	}
	_, err := b.Erase(t.Context(), b.as("gp-manager"), relmgr.Erasure{Own: gpChild, Reason: "no-such-reason"})
	wantKind(t, err, fault.Invalid)

	// Refused, on record, as often as it is.
	contents := b.count(t, `select count(*) from relmgr.content_keys`)
	for range 2 {
		z, err := b.Erase(t.Context(), b.as("gp-manager"), e)
		if err != nil || z.Records != 0 || z.Keeps != "everything" || z.Obligation != "legal-claims" {
			t.Fatalf("%+v, %v", z, err)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.content_keys`); n != contents+2 || b.handle(t, "gp", gpChild) != was {
		t.Errorf("%d contents, want %d and those of the refusals", n, contents)
	}
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")

	// An emergency is judged first.
	if _, err := b.Enquire(t.Context(), b.as("gp"), relmgr.Question{Own: gpChild, Purpose: "co-ordinate-care", Reason: "risk-of-harm", Concerning: "child", Emergency: true}); err != nil {
		t.Fatal(err)
	}
	e.Keeps, e.Obligation = "records", "legal-obligation"
	_, err = b.Erase(t.Context(), b.as("gp-manager"), e)
	wantKind(t, err, fault.Conflict)
	reviews, _, err := b.ListReviews(t.Context(), b.as("gp-second"), ident.ReviewID{}, 10, looking)
	if err != nil || len(reviews) != 1 {
		t.Fatalf("%+v, %v", reviews, err)
	}
	if _, err := b.JudgeEnquiry(t.Context(), b.as("gp-second"), reviews[0].ID, "justified", "risk-of-harm"); err != nil {
		t.Fatal(err)
	}

	// Limited: the identifier goes and the records stay.
	kept := b.count(t, left(was, "riverside-gp"))
	z, err := b.Erase(t.Context(), b.as("gp-manager"), e)
	if err != nil || z.Records != 0 || z.Keeps != "records" {
		t.Fatalf("%+v, %v", z, err)
	}
	if n := b.count(t, left(was, "riverside-gp")); n != kept {
		t.Errorf("%d records can be opened, want all %d", n, kept)
	}
	if n := b.count(t, `select count(*) from relmgr.handles where wrapped_by = '' and handle_id = '`+was.String()+`'`); n != 1 {
		t.Error("the identifier is still there")
	}
	wantTold(t, b.ask(t, "social", socialChild, ""))
	_, err = b.Erase(t.Context(), b.as("gp-manager"), e)
	wantKind(t, err, fault.Invalid)
}

// Once by its idempotency key, however often it is sent, also when the identifier
// has meanwhile been given to somebody else.
func TestAnErasureIsMadeOnceByItsKey(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	once := b.Once("dr-brandt", "eraseRelationship", "a-key-of-an-erasure", []byte("body"))
	var first relmgr.Erased
	var wait sync.WaitGroup
	var mu sync.Mutex
	for range 4 {
		wait.Go(func() {
			z, err := once.Erase(t.Context(), b.as("gp-manager"), relmgr.Erasure{Own: gpChild, Reason: "subject-asked"})
			mu.Lock()
			defer mu.Unlock()
			if err != nil || !first.Act.IsZero() && (z.Act != first.Act || z.Records != first.Records) {
				t.Errorf("%+v, %v", z, err)
			}
			first = z
		})
	}
	wait.Wait()
	b.publish(t, "gp", gpChild)
	if z, err := once.Erase(t.Context(), b.as("gp-manager"), relmgr.Erasure{Own: gpChild, Reason: "subject-asked"}); err != nil || z.Act != first.Act {
		t.Errorf("%+v, %v", z, err)
	}
	if n := b.count(t, `select count(*) from relmgr.cells`); n != 1 {
		t.Errorf("%d relationships, want the new one", n)
	}
}

// An erasure that fails in its last step has erased nothing, and is made again.
func TestAnErasureThatDiesHalfWayErasesNothing(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", gpChild)
	b.ask(t, "gp", gpChild, "")
	whole := `select (select count(*) from relmgr.acts) + (select count(*) from relmgr.content_keys) + (select count(*) from relmgr.offers)
		+ (select count(*) from relmgr.cells) + (select count(*) from relmgr.erased) + (select count(*) from ledger.pending)`
	before := b.count(t, whole)
	if _, err := b.admin.Exec(`create function public.die() returns trigger language plpgsql as $$ begin raise 'the process ends here'; end $$;
		create trigger die before update on relmgr.handles for each row when (new.wrapped_by = '') execute function public.die()`); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Erase(t.Context(), b.as("gp-manager"), relmgr.Erasure{Own: gpChild, Reason: "subject-asked"}); err == nil {
		t.Fatal("it did not fail")
	}
	if n := b.count(t, whole); n != before {
		t.Errorf("%d rows, want the %d of before", n, before)
	}
	if _, err := b.admin.Exec(`drop function public.die cascade`); err != nil {
		t.Fatal(err)
	}
	b.erase(t, "gp-manager", gpChild)
}

// Whoever publishes, pairs, correlates, declares or asks at the same time as
// somebody erases comes before the erasure, and is erased with the rest, or after
// it, about somebody never seen: no act is left that names an erased handle and can
// be opened, no erased handle has a cell, and nobody is refused for it.
func TestAnErasureAndTheOthersComeOneAfterTheOther(t *testing.T) {
	b := setup(t)
	b.publish(t, "social", socialChild)
	b.handle(t, "gp", gpChild)
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	did := make(chan string, 4096)
	run := func(name string, allowed []fault.Kind, do func(s *relmgr.Service) error) {
		s := b.another(t)
		clients.Go(func() {
			for ctx.Err() == nil {
				err := do(s)
				ok := err == nil
				for _, k := range allowed {
					ok = ok || fault.KindOf(err) == k
				}
				if !ok && ctx.Err() == nil {
					t.Errorf("%s: %v", name, err)
				}
				if err == nil {
					select {
					case did <- name:
					default:
					}
				}
			}
		})
	}
	welfare := relmgr.Proposal{
		Agreement: "riverside-children", Power: power["gp-riverside"], Purposes: []string{"co-ordinate-care"}, Aspects: []string{"relationship"},
		Audience: decide.Audience{Kind: decide.ToPartnership, Names: []string{}}, Necessary: true, Safeguards: true, Aim: "protect-health",
		Ground: "significant-harm", Reason: "risk-of-harm", Conditions: decide.Conditions{Ordinary: "art6-public-task"}, Until: b.until(),
	}
	r := b.relationship(t, "gp", gpChild)
	r.Mode, r.Proposal = decide.Imposed, welfare
	busy := []fault.Kind{fault.Unavailable}
	run("publish", append(busy, fault.Conflict), func(s *relmgr.Service) error {
		_, err := s.Publish(ctx, b.as("gp-lead"), r)
		return err
	})
	run("pair", busy, func(s *relmgr.Service) error {
		p, err := s.OpenPairing(ctx, b.as("gp-lead"), gpChild, welfare)
		if err != nil {
			return err
		}
		social, lead := welfare, b.as("lead")
		social.Power, lead.Roles = power["social-care"], append(lead.Roles, "relationship-manager")
		_, err = s.Correlate(ctx, lead, relmgr.Correlation{Own: socialChild, Code: p.Code, Mode: decide.Imposed, Reason: "same-person-found", Proposal: social})
		if fault.KindOf(err) == fault.PairingUnusable { // erased in between
			return nil
		}
		return err
	})
	run("declare", busy, func(s *relmgr.Service) error {
		_, err := s.Declare(ctx, b.as("gp"), gpChild, relmgr.Household, "")
		time.Sleep(20 * time.Millisecond) // an erasure reads them all
		return err
	})
	run("ask", busy, func(s *relmgr.Service) error {
		_, err := s.Enquire(ctx, b.as("gp"), relmgr.Question{Own: gpChild, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"})
		return err
	})
	erased := 0
	for began := time.Now(); erased < 25 && time.Since(began) < 40*time.Second; {
		_, err := b.Erase(t.Context(), b.as("gp-manager"), relmgr.Erasure{Own: gpChild, Reason: "subject-asked"})
		switch {
		case err == nil:
			erased++
		case fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.Unavailable:
			t.Fatal(err)
		}
	}
	stop()
	clients.Wait()
	close(did)
	counts := map[string]int{}
	for name := range did {
		counts[name]++
	}
	if len(counts) != 4 || erased == 0 {
		t.Errorf("%d erasures, and %v", erased, counts)
	}
	t.Logf("%d erasures, and %v", erased, counts)
	for what, query := range map[string]string{
		"acts that name an erased handle and can be opened": `select count(*) from relmgr.acts a join relmgr.act_handles ah using (act_id) join relmgr.handles h using (handle_id)
			join relmgr.content_keys k on k.record_id = a.act_id where h.wrapped_by = '' and a.agency_id = 'riverside-gp' and a.kind <> 'erase'`,
		"cells of erased handles": `select count(*) from relmgr.cells c join relmgr.handles h using (handle_id) where h.wrapped_by = ''`,
		"second handles":          `select count(*) from (select from relmgr.handles where column_id = 'gp-riverside' and wrapped_by <> '' having count(*) > 1) x`,
	} {
		if n := b.count(t, query); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	rowsAreComponents(t, b.admin)
}

// ACT-03, LEG-18: whoever is refused by a step of the decision is given the commitment
// of the one record that it left, of a question and of a proposal alike.
func TestARefusedAskerHoldsProofOfTheRefusal(t *testing.T) {
	b := setup(t)
	proof := func(err error, table string) {
		t.Helper()
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Kind != fault.DecisionRefused || len(f.Commitment) != 32 {
			t.Fatalf("%v, %+v", err, f)
		}
		if n := b.count(t, `select count(*) from `+table+` r join ledger.pending p on p.commitment = r.commitment where r.commitment = decode('`+hex.EncodeToString(f.Commitment)+`', 'hex')`); n != 1 {
			t.Errorf("%d records of %s have the commitment that was told", n, table)
		}
	}
	clerk := b.as("clerk")
	_, err := b.Enquire(t.Context(), clerk, relmgr.Question{Own: gpChild, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child"})
	proof(err, "relmgr.enquiries")
	r := b.relationship(t, "gp", gpChild)
	r.Power = "education-act-2002-s175"
	_, err = b.Publish(t.Context(), b.as("gp"), r)
	proof(err, "relmgr.acts")
}
