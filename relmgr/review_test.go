package relmgr_test

import (
	"fmt"
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

// reviews lists what waits for a reviewer, of some causes or of all, page by
// page of two.
func (b *bundle) reviews(t *testing.T, who string, causes ...relmgr.Cause) (all []relmgr.Review) {
	t.Helper()
	var after ident.ReviewID
	for {
		page, next, err := b.ListReviews(t.Context(), b.as(who), after, 2, looking)
		if err != nil || len(page) > 2 {
			t.Fatalf("a page of %d, %v", len(page), err)
		}
		for _, r := range page {
			if len(causes) == 0 || slices.Contains(causes, r.Cause) {
				all = append(all, r)
			}
		}
		if after = next; next.IsZero() {
			return all
		}
	}
}

func (b *bundle) declare(t *testing.T, who string, o relmgr.Own, interest relmgr.Interest, about ident.Practitioner) relmgr.Declared {
	t.Helper()
	d, err := b.Declare(t.Context(), b.as(who), o, interest, about)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// registered puts somebody in the register of users, as governance would.
func (b *bundle) registered(t *testing.T, who ident.Practitioner, agency ident.Agency) {
	t.Helper()
	if _, err := b.admin.Exec(`with act as (
		insert into governance.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
		values ($1, 'register-practitioner', $2, 'x', 'x', 'x', 1, '\x00', '\x00'))
		insert into governance.practitioners (practitioner_id, agency_id, issuer, subject_hash, source, starts_at, act_id)
		values ($3::text, $4, 'local', sha256(convert_to($3::text, 'UTF8')), 'by-hand', $2, $1)`, ident.NewAct(), b.clock(), who, agency); err != nil {
		t.Fatal(err)
	}
}

// QRY-08, QRY-10: enquiries about oneself, one's household or a declared conflict,
// made before or after it was declared, come to the reviewers of the agency, and
// to nobody else.
func TestWhatSomebodyAsksAboutThemselvesComesToTheReviewers(t *testing.T) {
	b := setup(t)
	me, home, client := own("social-care", "LMN-00001"), own("social-care", "LMN-00002"), own("social-care", "LMN-00003")
	early := b.ask(t, "social", me, "")
	b.declare(t, "social", me, relmgr.Self, "")
	b.declare(t, "social", me, relmgr.Self, "") // once more is no error, and no second review
	b.declare(t, "social", home, relmgr.Household, "")
	b.declare(t, "plain", client, relmgr.Conflict, "")
	late := b.ask(t, "social", home, "")
	b.ask(t, "social", client, "") // somebody else's conflict
	b.ask(t, "plain", me, "")
	of := func(who string) map[ident.EnquiryID]relmgr.Review {
		found := map[ident.EnquiryID]relmgr.Review{}
		for _, r := range b.reviews(t, who) {
			if r.Cause != relmgr.Flagged || !found[r.Enquiry].ID.IsZero() {
				t.Fatalf("%s is shown %+v", who, r)
			}
			found[r.Enquiry] = r
		}
		return found
	}
	got := of("lead")
	if len(got) != 2 || got[early.ID].Interest != relmgr.Self || got[late.ID].Interest != relmgr.Household || got[late.ID].Practitioner != "mr-lindqvist" ||
		!got[late.ID].Due.Equal(got[late.ID].At.Add(72*time.Hour)) {
		t.Fatalf("the reviewer is shown %+v", got)
	}
	if other := of("gp-lead"); len(other) != 0 {
		t.Errorf("another agency's reviewer is shown %+v", other)
	}
	must(t)(b.JudgeEnquiry(t.Context(), b.as("lead"), got[early.ID].ID, "not-justified", "risk-of-harm"))
	if got = of("lead"); len(got) != 1 {
		t.Errorf("after one is judged %+v wait", got)
	}
}

// Nobody can tell from reviews that an enquiry of theirs was flagged, or judges it.
func TestNobodyIsShownOrJudgesTheReviewOfTheirOwnEnquiry(t *testing.T) {
	b := setup(t)
	b.declare(t, "lead", socialChild, relmgr.Self, "")
	b.emergency(t, "lead", socialChild)
	if own := b.reviews(t, "lead"); len(own) != 0 {
		t.Errorf("shown of one's own: %+v", own)
	}
	second := b.as("lead")
	second.Practitioner = "ms-second"
	others, _, err := b.ListReviews(t.Context(), second, ident.ReviewID{}, 10, looking)
	if err != nil || len(others) != 2 {
		t.Fatalf("another reviewer is shown %+v, %v", others, err)
	}
	for _, r := range others {
		_, err := b.JudgeEnquiry(t.Context(), b.as("lead"), r.ID, "justified", "risk-of-harm")
		_, unknown := b.JudgeEnquiry(t.Context(), b.as("lead"), ident.ReviewID(ident.NewAct()), "justified", "risk-of-harm")
		if err == nil || err.Error() != unknown.Error() {
			t.Errorf("judging one's own: %v; what is not there: %v", err, unknown)
		}
	}
}

// A reviewer declares for somebody of their agency, and ends what was declared,
// but not of themselves; enquiries from before the end stay flagged.
func TestAReviewerDeclaresForColleaguesAndEndsWhatIsNotTheirOwn(t *testing.T) {
	b := setup(t)
	b.registered(t, "mr-lindqvist", "riverside-social-care")
	b.registered(t, "dr-patel", "riverside-gp")
	_, err := b.Declare(t.Context(), b.as("plain"), socialChild, relmgr.Self, "mr-lindqvist")
	wantKind(t, err, fault.Forbidden)
	for _, stranger := range []ident.Practitioner{"dr-patel", "nobody"} {
		_, err = b.Declare(t.Context(), b.as("lead"), socialChild, relmgr.Self, stranger)
		wantKind(t, err, fault.Invalid)
	}
	_, err = b.Declare(t.Context(), b.as("lead"), gpChild, relmgr.Self, "")
	wantKind(t, err, fault.Forbidden) // another's column
	d := b.declare(t, "lead", socialChild, relmgr.Conflict, "mr-lindqvist")
	b.ask(t, "social", socialChild, "")
	b.wait(time.Minute)
	_, err = b.EndDeclaration(t.Context(), b.as("social"), d.Declaration, "work-ended")
	wantKind(t, err, fault.Forbidden)
	_, err = b.EndDeclaration(t.Context(), b.as("gp-lead"), d.Declaration, "work-ended")
	wantKind(t, err, fault.NotKnown)
	mine := b.declare(t, "lead", socialChild, relmgr.Self, "")
	_, err = b.EndDeclaration(t.Context(), b.as("lead"), mine.Declaration, "work-ended")
	wantKind(t, err, fault.NotKnown)
	if _, err = b.EndDeclaration(t.Context(), b.as("lead"), d.Declaration, "work-ended"); err != nil {
		t.Fatal(err)
	}
	_, err = b.EndDeclaration(t.Context(), b.as("lead"), d.Declaration, "work-ended")
	wantKind(t, err, fault.Conflict)
	b.ask(t, "social", socialChild, "")
	if got := b.reviews(t, "lead"); len(got) != 1 || got[0].Declaration != d.Declaration || got[0].Interest != relmgr.Conflict {
		t.Errorf("%d flagged, want the one from before the end: %+v", len(got), got)
	}
}

// DCP-03: no dump says who a practitioner is as a subject, and no act on the
// handle shows colleagues that anything was declared.
func TestADeclarationIsSealedAndShownToNobodyOnTheHandle(t *testing.T) {
	b := setup(t)
	b.declare(t, "plain", socialChild, relmgr.Household, "")
	h := b.handle(t, "plain", socialChild).String()
	if n := b.count(t, `select count(*) from relmgr.declarations d where d::text like '%`+h+`%' or d::text like '%household%'`); n != 0 {
		t.Error("the declaration names its handle, or how, in clear")
	}
	if n := b.count(t, `select count(*) from relmgr.acts`); n != 0 {
		t.Errorf("%d acts are recorded", n)
	}
	if n := b.count(t, `select count(*) from ledger.pending p join relmgr.declarations d using (commitment)`); n != 1 {
		t.Errorf("the declaration has %d leaves, want 1", n)
	}
}

// QRY-10: a review shows the case as the asker named it, to the asker's agency.
func TestAReviewShowsTheCase(t *testing.T) {
	b := setup(t)
	b.declare(t, "social", socialChild, relmgr.Conflict, "")
	if _, err := b.askFor(t, "social", socialChild, "2026/0412"); err != nil {
		t.Fatal(err)
	}
	if got := b.reviews(t, "lead"); len(got) != 1 || got[0].Case != "2026/0412" {
		t.Errorf("shown %+v", got)
	}
	if _, err := b.admin.Exec(`delete from relmgr.content_keys k using relmgr.enquiries e where k.record_id = e.enquiry_id`); err != nil {
		t.Fatal(err)
	}
	if got := b.reviews(t, "lead"); len(got) != 1 || got[0].Case != "" {
		t.Errorf("of an erased record is shown %+v", got)
	}
}

// QRY-10: of each week that is over a share of an agency's enquiries is drawn,
// rounded up, once, and the same whoever draws: two processes at once, or one
// after the draw of another has died.
func TestAWeeksSampleIsDrawnOnceAndIsTheSameWhoeverDraws(t *testing.T) {
	b := setup(t)
	b.change(t, func(terms *decide.Terms) { terms.Settings.ReviewSamplePercent = 10 })
	b.now.Store(time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC).UnixMicro()) // a Monday
	for i := range 21 {
		b.ask(t, "social", own("social-care", fmt.Sprintf("LMN-%05d", i)), "")
		b.wait(time.Hour)
	}
	b.ask(t, "gp", gpChild, "")
	if early := b.reviews(t, "lead"); len(early) != 0 {
		t.Fatalf("%d drawn before the week is over", len(early))
	}
	b.now.Store(time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC).UnixMicro())
	// A draw that dies half-way leaves nothing.
	if _, err := b.admin.Exec(`create function public.die() returns trigger language plpgsql as $$ begin raise 'dies'; end $$;
		create trigger die before insert on relmgr.reviews for each row execute function public.die()`); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.ListReviews(t.Context(), b.as("lead"), ident.ReviewID{}, 10, looking); err == nil {
		t.Fatal("the draw did not die")
	}
	if n := b.count(t, `select count(*) from relmgr.samples`); n != 0 {
		t.Errorf("a draw that died left %d samples", n)
	}
	if _, err := b.admin.Exec(`drop trigger die on relmgr.reviews`); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for _, s := range []*relmgr.Service{b.Service, b.another(t), b.another(t), b.another(t)} {
		wait.Go(func() {
			if _, _, err := s.ListReviews(t.Context(), b.as("lead"), ident.ReviewID{}, 10, looking); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	first := b.reviews(t, "lead")
	if len(first) != 3 { // a tenth of 21, rounded up
		t.Fatalf("%d drawn, want 3", len(first))
	}
	due := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	for _, r := range first {
		if r.Cause != relmgr.Sampled || r.Practitioner != "mr-lindqvist" || !r.Due.Equal(due) {
			t.Errorf("drawn %+v", r)
		}
	}
	// Drawn again from nothing, it is the same.
	if _, err := b.admin.Exec(`delete from relmgr.reviews; delete from relmgr.samples`); err != nil {
		t.Fatal(err)
	}
	drawn := func(rs []relmgr.Review) (ids []string) {
		for _, r := range rs {
			ids = append(ids, r.Enquiry.String())
		}
		slices.Sort(ids)
		return ids
	}
	again := *b
	again.Service = b.another(t)
	if x, y := drawn(first), drawn(again.reviews(t, "lead")); !slices.Equal(x, y) {
		t.Errorf("drawn %v, and again %v", x, y)
	}
	// Weeks in which nobody read the list are drawn later, each.
	for range 2 {
		b.wait(7 * 24 * time.Hour)
		b.ask(t, "social", socialChild, "")
	}
	b.wait(7 * 24 * time.Hour)
	if got := b.reviews(t, "lead"); len(got) != 5 {
		t.Errorf("%d wait, want the 3 of before and 1 of each of two weeks", len(got))
	}
	if n := b.count(t, `select count(*) from relmgr.samples where agency_id = 'riverside-social-care'`); n != 3+1 {
		t.Errorf("%d weeks drawn, want 4", n)
	}
}

// Nobody can choose: an asker's enquiries are in the sample by a hash under a key
// that is not in the database.
func TestTheSeedOfASampleNeedsTheKey(t *testing.T) {
	b := setup(t)
	b.ask(t, "social", socialChild, "")
	b.wait(14 * 24 * time.Hour)
	b.reviews(t, "lead")
	if n := b.count(t, `select count(*) from relmgr.samples where octet_length(seed) = 32 and seed <> sha256((agency_id || E'\n' || week)::bytea)`); n == 0 {
		t.Error("the seed follows from what the database holds")
	}
	if n := b.count(t, `select count(*) from relmgr.key_checks where key_id = 'duty/relmgr/samples'`); n != 1 {
		t.Error("the database is not bound to the key")
	}
}

// Reviews page by random ids, of one's own agency alone.
func TestReviewsPageByACursorOfTheirOwnAgency(t *testing.T) {
	b := setup(t)
	for i := range 5 {
		b.emergency(t, "social", own("social-care", fmt.Sprintf("LMN-%05d", i)))
	}
	b.emergency(t, "gp", gpChild)
	got := b.reviews(t, "lead")
	if len(got) != 5 || !slices.IsSortedFunc(got, func(x, y relmgr.Review) int {
		if c := x.At.Compare(y.At); c != 0 {
			return c
		}
		return strings.Compare(x.ID.String(), y.ID.String())
	}) {
		t.Errorf("%d reviews in the order of %+v", len(got), got)
	}
	for _, cursor := range []ident.ReviewID{got[0].ID, ident.ReviewID(ident.NewAct())} {
		_, _, err := b.ListReviews(t.Context(), b.as("gp-lead"), cursor, 2, looking)
		wantKind(t, err, fault.Invalid)
	}
}

// QRY-10: whoever may review by an agreement of other agencies reviews nothing here.
func TestAReviewerIsOneOfAnAgreementOfTheirOwnAgency(t *testing.T) {
	b := setup(t)
	who := b.as("lead")
	who.Roles = []string{"inspector"}
	review := func(parties ...ident.Agency) error {
		who.Terms = changed(t, b.terms, func(t *decide.Terms) {
			t.Agreements[0].Parties, t.Agreements[0].Roles.Review = parties, who.Roles
		})
		_, _, err := b.ListReviews(t.Context(), who, ident.ReviewID{}, 10, looking)
		return err
	}
	wantKind(t, review("riverside-gp", "hillside-school"), fault.Forbidden)
	if err := review("riverside-gp", who.Agency); err != nil {
		t.Error(err)
	}
}
