package idmgr_test

import (
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/idmgr"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// person is somebody who has signed in, and whose handles those are.
func (h *hub) person(authority string, handles ...ident.HandleID) decide.Subject {
	who := decide.Subject{Terms: h.terms, Registrar: "county", SignIn: decide.TwoFactors, Authority: authority}
	for i, id := range handles {
		who.Handles = append(who.Handles, decide.SubjectHandle{Handle: id, Column: []ident.Column{school.column, clinic.column}[i%2]})
	}
	return who
}

func (h *hub) myLinks(who decide.Subject) []idmgr.MyLink {
	h.Helper()
	all, err := h.MyLinks(h.Context(), who)
	h.must(err)
	return all
}

// IDM-20: the person ends a link that rests on their word: nobody is told anything through
// it from the next question on, both parties see that it has ended, and however many
// end it at once there is one end.
func TestThePersonEndsTheirLinkAtOnce(t *testing.T) {
	h := setup(t)
	link, pupil, patient := h.linked()
	_, err := h.EndMine(t.Context(), h.person("", ident.NewHandle()), link)
	h.wants(err, fault.NotKnown)
	before := h.count()
	second := h.open(manager)
	receipts := make(chan idmgr.Receipt, 6)
	var all sync.WaitGroup
	for i := range 6 {
		s := []*idmgr.Service{h.Service, second}[i%2]
		all.Go(func() {
			r, err := s.EndMine(t.Context(), h.person("", pupil, patient), link)
			if err != nil {
				t.Error(err)
			}
			receipts <- r
		})
	}
	all.Wait()
	first := <-receipts
	for range 5 {
		if r := <-receipts; r.Act != first.Act || len(r.Commitment) != 32 {
			t.Errorf("one end has the receipts %v and %v", first.Act, r.Act)
		}
	}
	if n := h.count() - before; n != 1 {
		t.Errorf("%d records of one end", n)
	}
	_, err = h.ask(link, patient)
	h.wants(err, fault.NotKnown)
	for who, of := range map[ident.Practitioner]ident.Column{"ms-okafor": school.column, "nurse-tran": clinic.column} {
		links, err := h.Links(t.Context(), h.as(who), of)
		h.must(err)
		if len(links) != 1 || links[0].State != idmgr.Ended {
			t.Errorf("%s sees %+v", who, links)
		}
	}
}

// byProxy has an opening rest on the word of somebody with authority.
func byProxy(until time.Time) func(*idmgr.Opening) {
	return func(o *idmgr.Opening) {
		o.Agreed = &idmgr.Agreed{
			Evidence: "signed-form", Wording: "v1", Proxy: &idmgr.Proxy{Authority: "parental-responsibility", Evidence: "document-seen", Until: until},
		}
	}
}

// LEG-21, SUB-12, IDM-02: somebody with recorded authority gives their word for a person
// who cannot: the link ends with the authority, however long it was to be, and it is not
// made where the person can decide, where the authority is over or where nobody says how
// it was shown.
func TestALinkOnAProxysWordEndsWithTheirAuthority(t *testing.T) {
	h := setup(t)
	link, pupil, patient := h.linked(byProxy(h.clock().AddDate(0, 0, 7)))
	_, err := h.ask(link, patient)
	h.must(err)
	if l := h.myLinks(h.person("", pupil)); len(l) != 1 || !l[0].Until.Equal(h.clock().AddDate(0, 0, 7)) {
		t.Errorf("it is until %+v, want the authority's end", l)
	}
	for name, change := range map[string]func(*idmgr.Agreed){
		"somebody who can decide": func(a *idmgr.Agreed) { a.Competent = true },
		"an authority that ended": func(a *idmgr.Agreed) { a.Proxy.Until = h.clock() },
		"no authority":            func(a *idmgr.Agreed) { a.Proxy.Authority = "" },
		"authority not shown":     func(a *idmgr.Agreed) { a.Proxy.Evidence = "" },
		"nobody's word":           func(a *idmgr.Agreed) { a.Proxy = nil },
	} {
		o := h.opening(ident.NewHandle())
		byProxy(h.clock().AddDate(0, 0, 7))(&o)
		change(o.Agreed)
		if _, err := h.Open(t.Context(), h.as("ms-okafor"), o); err == nil || fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	h.wait(7 * 24 * time.Hour)
	_, err = h.ask(link, patient)
	h.wants(err, fault.NotKnown)
}

// E2E-04, SUB-12: a parent who acts for a child sees and ends what rests on a proxy's
// word, and neither sees nor ends what the child decided: to them it is what is not there.
func TestAParentSeesNothingOfWhatTheChildDecided(t *testing.T) {
	h := setup(t)
	own, pupil, _ := h.linked()
	proxys, other, _ := h.linked(byProxy(h.clock().AddDate(0, 0, 7)))
	parent := h.person("parental-responsibility", pupil, ident.NewHandle(), other)
	if l := h.myLinks(parent); len(l) != 1 || l[0].ID != proxys {
		t.Errorf("the parent sees %+v", l)
	}
	if l := h.myLinks(h.person("", pupil, ident.NewHandle(), other)); len(l) != 2 {
		t.Errorf("the child sees %+v", l)
	}
	_, hidden := h.EndMine(t.Context(), parent, own)
	_, nothing := h.EndMine(t.Context(), parent, ident.NewLink())
	if h.wants(hidden, fault.NotKnown); hidden.Error() != nothing.Error() {
		t.Errorf("%v beside %v tells that there is a link", hidden, nothing)
	}
	_, err := h.EndMine(t.Context(), parent, proxys)
	h.must(err)
}

// IDM-09: what the link says the nurse is to hear of, and nothing else, reaches her once,
// under her own handle, while the link is live; it is on record, and nobody else sees it.
func TestTheOtherSideIsNotifiedOnceOfWhatTheLinkNames(t *testing.T) {
	h := setup(t)
	events := h.terms.Codes.Transactions
	if len(events) < 2 {
		t.Fatal("the partnership has too few transactions to tell them apart")
	}
	named, other := events[0].Code, events[1].Code
	link, pupil, patient := h.linked(func(o *idmgr.Opening) { o.Notify = []string{named} })
	proof := h.proof("ms-okafor", school, pupil)
	tell := func(s *idmgr.Service, id ident.NoticeID, event string) (idmgr.Receipt, error) {
		return s.Notify(t.Context(), h.as("ms-okafor"), link, proof, id, event)
	}
	before, id := h.count(), ident.NewNotice()
	first, err := tell(h.Service, id, named)
	h.must(err)
	again, err := tell(h.open(manager), id, named) // by another process: the answer was lost
	h.must(err)
	if again.Act != first.Act || h.count() != before+1 {
		t.Errorf("one notification has acts %v and %v, and %d records", first.Act, again.Act, h.count()-before)
	}
	_, err = tell(h.Service, ident.NewNotice(), other)
	h.wants(err, fault.Invalid)
	_, err = h.Notify(t.Context(), h.as("nurse-tran"), link, h.proof("nurse-tran", clinic, patient), ident.NewNotice(), named)
	h.wants(err, fault.NotKnown) // the opener tells
	_, err = h.Notify(t.Context(), h.as("ms-okafor"), ident.NewLink(), proof, ident.NewNotice(), named)
	h.wants(err, fault.NotKnown)
	seen := func() (all []idmgr.Notice) {
		links, err := h.Links(t.Context(), h.as("nurse-tran"), clinic.column)
		h.must(err)
		if len(links) != 1 || links[0].Handle != patient {
			t.Fatalf("the nurse sees %+v", links)
		}
		return links[0].Notices
	}
	if n := seen(); len(n) != 1 || n[0].Event != named {
		t.Errorf("the nurse is notified of %+v", n)
	}
	_, err = h.End(t.Context(), h.as("nurse-tran"), link, "working-with-person")
	h.must(err)
	if n := seen(); len(n) != 0 {
		t.Errorf("after its end the nurse sees %+v", n)
	}
	_, err = tell(h.Service, ident.NewNotice(), named)
	h.wants(err, fault.NotKnown)
}

// effect is a manager's on a handle, under a rule of that authority, as its acts would
// have left it.
func (h *hub) effect(m ident.Idmgr, kind, authority string, handle ident.HandleID, column ident.Column, mode string) (id ident.EffectID) {
	h.Helper()
	id = ident.NewEffect()
	rule := kind + "-" + authority
	_, err := h.admin.ExecContext(h.Context(), `
		with act as (
			insert into idmgr.acts (act_id, kind, at, manager, practitioner_id, agency_id, role, terms_version, commitment, sealed)
			select gen_random_uuid(), k, $7, $1, 'x', 'x', 'x', 1, '\x00', '\x00' from unnest(array['draft', '`+kind+`']) k returning act_id, kind
		), version as (
			insert into idmgr.rule_sets (manager, version, act_id)
			select $1, 1 + (select count(*) from idmgr.rule_sets), act_id from act where kind = 'draft' returning version
		), rule as (
			insert into idmgr.rules (manager, version, rule, kind, audience_kind, audience, purposes, reasons, authority, until)
			select $1, version, '`+rule+`', '`+kind+`', 'partnership', '{}', '{co-ordinate-care}', '{}', $2, $7 + interval '90 days' from version
		)
		insert into idmgr.effects (effect_id, act_id, manager, kind, rule, version, handle_id, column_id, starts_at, ends_at, token_hash, agreement, power, ground,
			mode, aspects, ordinary, review_at, audience_kind, audience, purposes, reasons, until)
		select $3::uuid, act_id, $1, '`+kind+`', '`+rule+`', version, $4, $5, $7, $7 + interval '30 days', case when '`+kind+`' = 'grant' then convert_to($3::uuid::text, 'UTF8') end, '', '', '',
			$6, '{}', '', $7 + interval '30 days', 'partnership', '{}', '{co-ordinate-care}', '{}', $7 + interval '30 days' from act, version where kind <> 'draft'`,
		m, authority, id, handle, column, mode, h.clock())
	h.must(err)
	return id
}

// clashed has two effects meet, as relmgr notes it, and opens the case.
func (h *hub) clashed(grant, withholding ident.EffectID) {
	h.Helper()
	_, err := h.admin.ExecContext(h.Context(), "insert into relmgr.clashes (grant_id, withholding_id, at) values ($1, $2, $3)", grant, withholding, h.clock())
	h.must(err)
	h.must(h.Sweep(h.Context(), h.terms))
}

// SUB-01, IDM-20, TRU-04: a person sees what a manager does on their handles and the
// case that came of it; what an order or a power without their word has done is absent,
// with its case, and so is somebody else's. Whoever acts for them sees no instruction
// of theirs.
func TestAPersonSeesWhatManagersDoForThem(t *testing.T) {
	h := setup(t)
	mine, theirs := ident.NewHandle(), ident.NewHandle()
	grant := h.effect(manager, "grant", "instruction", mine, school.column, "supplier-with-consent")
	kept := h.effect(manager, "withhold", "policy", mine, school.column, "")
	ordered := h.effect(manager, "withhold", "order", mine, school.column, "")
	imposed := h.effect(manager, "grant", "policy", mine, school.column, "imposed")
	h.effect(manager, "grant", "instruction", theirs, school.column, "supplier-with-consent")
	h.effect(another, "grant", "instruction", mine, school.column, "supplier-with-consent")
	h.clashed(grant, kept)
	h.clashed(grant, ordered)
	h.clashed(imposed, kept)
	see := func(who decide.Subject) (ids map[ident.EffectID]bool, cases []idmgr.MyCase) {
		t.Helper()
		effects, cases, err := h.MyEffects(t.Context(), who)
		h.must(err)
		ids = map[ident.EffectID]bool{}
		for _, e := range effects {
			ids[e.Effect] = true
			if e.Column != school.column || e.Manager != manager || e.State != idmgr.Live {
				t.Errorf("shown %+v", e)
			}
		}
		return ids, cases
	}
	ids, cases := see(h.person("", mine))
	if len(ids) != 2 || !ids[grant] || !ids[kept] {
		t.Errorf("the person sees %v", ids)
	}
	if len(cases) != 1 || cases[0].State != "waiting" || cases[0].Words == "" || cases[0].Level == "" {
		t.Errorf("the person sees the cases %+v", cases)
	}
	// By another manager of the hub it is the same case.
	_, other, err := h.open(another).MyEffects(t.Context(), h.person("", mine))
	h.must(err)
	if len(other) != 1 || other[0].Case != cases[0].Case {
		t.Errorf("another manager shows %+v, beside %+v", other, cases)
	}
	if ids, cases := see(h.person("parental-responsibility", mine)); len(ids) != 1 || !ids[kept] || len(cases) != 0 {
		t.Errorf("a parent sees %v and %+v", ids, cases)
	}
	if ids, cases := see(h.person("", ident.NewHandle())); len(ids) != 0 || len(cases) != 0 {
		t.Errorf("somebody else sees %v and %+v", ids, cases)
	}
	h.wait(31 * 24 * time.Hour)
	effects, _, err := h.MyEffects(t.Context(), h.person("", mine))
	h.must(err)
	if len(effects) != 2 || effects[0].State != idmgr.Over {
		t.Errorf("what is over is shown as %+v", effects)
	}
}
