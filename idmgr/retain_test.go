package idmgr_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fame-hub/fame/idmgr"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

func (h *hub) retains(s *idmgr.Service) int {
	h.Helper()
	n, err := s.Retain(h.Context(), h.terms)
	h.must(err)
	return n
}

func (h *hub) rows(query string) (n int) {
	h.Helper()
	h.must(h.admin.QueryRow("select count(*) from " + query).Scan(&n))
	return n
}

// LEG-29, IDM-07: what a manager kept of a link goes with all that was over in the same month,
// when it has been over for as long as the partnership says, and not before; the rows stay, and look
// as they did. What is live is not touched, in this process and in every other.
func TestWhatIsOverIsForgottenByTheMonth(t *testing.T) {
	h := setup(t) // on 20 November 2026
	second := h.open(manager)
	gone, pupil, patient := h.linked()
	_, err := h.ask(gone, patient)
	h.must(err)
	_, err = h.ask(ident.NewLink(), patient) // of none
	h.wants(err, fault.NotKnown)
	_, err = h.End(t.Context(), h.as("nurse-tran"), gone, "working-with-person")
	h.must(err)
	h.wait(14 * 24 * time.Hour) // 4 December
	later, _, _ := h.linked()
	_, err = h.End(t.Context(), h.as("nurse-tran"), later, "working-with-person")
	h.must(err)
	h.wait(80 * 24 * time.Hour) // 22 February 2027
	live, _, alive := h.linked()

	if n := h.retains(h.Service); n != 0 {
		t.Fatalf("%d erased without a rule", n)
	}
	h.terms.Settings.KeepLinksDays = 80
	before := h.count()
	if n := h.retains(h.Service); n != 5 {
		t.Errorf("%d erased of what was over in November, want five records", n)
	}
	if h.count() != before+1 || h.rows("idmgr.erased") != 5 || h.rows("idmgr.content_keys") != before+1-5 {
		t.Errorf("%d rows of %d, %d leaves, %d keys", h.count(), before, h.rows("idmgr.erased"), h.rows("idmgr.content_keys"))
	}
	if n := h.retains(second); n != 0 {
		t.Errorf("another process erases %d more", n)
	}
	for name, s := range map[string]*idmgr.Service{"the one that erased": h.Service, "another": second, "one that begins anew": h.open(manager)} {
		links, err := s.Links(t.Context(), h.as("nurse-tran"), clinic.column)
		h.must(err)
		if len(links) != 2 {
			t.Errorf("%s shows %d links", name, len(links))
		}
		_, err = s.End(t.Context(), h.as("nurse-tran"), gone, "working-with-person")
		h.wants(err, fault.NotKnown)
		if _, err = s.Ask(t.Context(), h.as("nurse-tran"), live, h.proof("nurse-tran", clinic, alive), "co-ordinate-care", "working-with-person"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if mine, err := s.MyLinks(t.Context(), h.person("", pupil, patient)); err != nil || len(mine) != 0 {
			t.Errorf("%s shows the person %v, %v", name, mine, err)
		}
	}
	h.wait(30 * 24 * time.Hour) // 24 March: the month of the later one is past
	if n := h.retains(second); n != 3 {
		t.Errorf("%d erased of what was over in December, want three records", n)
	}
}

// A code that nobody used, a link that ran out and one that was used up are over as one that was
// ended is.
func TestALinkIsOverByItsTimeItsUsesOrAnUnusedCode(t *testing.T) {
	h := setup(t)
	h.terms.Settings.KeepLinksDays = 30
	_, err := h.Open(t.Context(), h.as("ms-okafor"), h.opening(ident.NewHandle())) // nobody takes it up: one
	h.must(err)
	once, _, patient := h.linked(func(o *idmgr.Opening) { o.Uses = 1 }) // and is asked through: three
	_, err = h.ask(once, patient)
	h.must(err)
	h.linked()                  // for a month: two
	h.wait(60 * 24 * time.Hour) // 19 January 2027
	if n := h.retains(h.Service); n != 4 {
		t.Errorf("%d erased of what was over in November, want four records", n)
	}
	h.wait(12 * 24 * time.Hour) // 31 January: of December's last only 30 days later
	if n := h.retains(h.Service); n != 2 {
		t.Errorf("%d erased of what ran out in December, want two records", n)
	}
}

// However many processes erase at once, and whoever records meanwhile, each record is taken
// once and every leaf that went is named; another manager's are left alone.
func TestARecordIsErasedOnce(t *testing.T) {
	h := setup(t)
	link, _, _ := h.linked()
	_, err := h.End(t.Context(), h.as("nurse-tran"), link, "working-with-person")
	h.must(err)
	h.wait(80 * 24 * time.Hour)
	h.terms.Settings.KeepLinksDays = 30
	services := []*idmgr.Service{h.Service, h.open(manager), h.open(manager), h.open(another)}
	live, _, patient := h.linked()
	var erased atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			n, err := services[i%4].Retain(t.Context(), h.terms)
			if err != nil {
				t.Error(err)
			}
			erased.Add(int32(n))
		})
		all.Go(func() {
			if _, err := services[i%3].Ask(t.Context(), h.as("nurse-tran"), live, h.proof("nurse-tran", clinic, patient), "co-ordinate-care", "working-with-person"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if erased.Load() != 3 || h.rows("idmgr.erased") != 3 || h.rows("idmgr.records r where not exists (select from idmgr.content_keys k where k.record_id = r.record_id)") != 3 {
		t.Errorf("%d erased, %d leaves named", erased.Load(), h.rows("idmgr.erased"))
	}
}

// Nothing becomes of a case but that its reasons go with their keys.
func TestTheReasonsOfACaseGoWithTheirKeysAlone(t *testing.T) {
	h := setup(t)
	tx, err := h.admin.Begin()
	h.must(err)
	for _, s := range []string{
		"set local session_replication_role = replica",
		`insert into idmgr.cases (case_id, source, source_id, at, agencies) values ('00000000-0000-4000-8000-000000000001', 'dispute', gen_random_uuid(), '2026-01-01', '{riverside-gp}'),
		   ('00000000-0000-4000-8000-000000000002', 'dispute', gen_random_uuid(), '2026-01-01', '{riverside-gp}')`,
		`insert into idmgr.case_steps (case_id, ordinal, act_id, kind, level, at, due_at, outcome, reason)
		   select c.case_id, o, gen_random_uuid(), case o when 0 then 'open' else 'rule' end, 0, '2026-01-01', '2026-02-01', case o when 1 then 'upheld' end, case o when 1 then 'risk-of-harm' end
		     from idmgr.cases c, generate_series(0, 1) o where o = 0 or c.case_id = '00000000-0000-4000-8000-000000000001'`,
		`insert into idmgr.acts (act_id, kind, at, manager, practitioner_id, agency_id, role, terms_version, commitment, sealed)
		   select act_id, kind, at, 'local-links', 'x', 'riverside-gp', 'clerk', 1, sha256(act_id::text::bytea), '' from idmgr.case_steps`,
		`insert into idmgr.content_keys (record_id, wrapped) select act_id, '' from idmgr.case_steps`,
	} {
		_, err := tx.Exec(s)
		h.must(err)
	}
	h.must(tx.Commit())
	for _, s := range []string{"update idmgr.case_steps set reason = 'erased'", "update idmgr.cases set agencies = '{}'"} {
		if _, err := h.db.Exec(s); err == nil {
			t.Errorf("%s: done while the keys are there", s)
		}
	}
	h.terms.Settings.KeepLinksDays = 30
	if n := h.retains(h.Service); n != 2 {
		t.Errorf("%d erased, want both steps of the case that was ruled on", n)
	}
	if h.rows("idmgr.cases where agencies = '{}'") != 1 || h.rows("idmgr.case_steps where reason = 'erased' and outcome = 'upheld'") != 1 || h.rows("idmgr.erased") != 2 {
		t.Error("what is left says something else")
	}
	if n := h.retains(h.open(another)); n != 0 {
		t.Errorf("%d erased twice", n)
	}
	if _, err := h.db.Exec("update idmgr.case_steps set reason = 'working-with-person' where reason = 'erased'"); err == nil {
		t.Error("a reason was put back")
	}
}
