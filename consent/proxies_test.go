package consent_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
)

func (h *hub) parent(until time.Time) *consent.Proxy {
	return &consent.Proxy{Authority: consent.ParentalResponsibility, Evidence: consent.OwnRecords, Until: until}
}

// LEG-21: consent given by a proxy says by what authority, in what is read
// back, what relmgr is shown, what is sealed and the receipt, and lapses with
// the authority.
func TestAConsentLapsesWithItsProxysAuthority(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ends := h.now.AddDate(0, 2, 0)
	req := h.yes(alice, "gp-people")
	req.Proxy, req.Competence = h.parent(ends), &consent.Competence{Presumed: consent.Competent, Assessed: consent.NotCompetent}
	got, err := h.consent.Capture(t.Context(), alice, req)
	must(t, err)
	c, err := h.consent.Find(t.Context(), alice, got.Consent)
	must(t, err)
	if !c.Until.Equal(ends) || !reflect.DeepEqual(c.Proxy, req.Proxy) || *c.Competence != (consent.Competence{Presumed: consent.Competent, Assessed: consent.NotCompetent, From: 16}) {
		t.Errorf("read back: %+v %+v %+v", c, c.Proxy, c.Competence)
	}
	var published time.Time
	var l leaf.Leaf
	must(t, h.admin.QueryRowContext(t.Context(), "select ends_at from consent.published_consents where consent_id = $1", got.Consent).Scan(&published))
	if !published.Equal(ends) {
		t.Errorf("relmgr is shown a consent until %s", published)
	}
	must(t, h.admin.QueryRowContext(t.Context(), `select a.commitment, a.sealed, k.wrapped from consent.acts a
		join consent.content_keys k on k.record_id = a.act_id`).Scan(&l.Commitment, &l.Sealed, &l.WrappedKey))
	var record struct {
		Agreed struct {
			Until      time.Time
			Proxy      *consent.Proxy
			Competence *consent.Competence
		}
	}
	must(t, leaf.Open(t.Context(), h.keys, consent.RecordsKey, got.Act, l, &record))
	if !record.Agreed.Until.Equal(ends) || !reflect.DeepEqual(record.Agreed.Proxy, req.Proxy) || record.Agreed.Competence.Assessed != consent.NotCompetent || record.Agreed.Competence.From != 16 {
		t.Errorf("sealed is %+v", record)
	}
	set, err := attest.PublicKeys(t.Context(), h.keys, consent.ReceiptsKey)
	must(t, err)
	keys, err := json.Marshal(set)
	must(t, err)
	receipt, err := h.consent.Receipt(t.Context(), alice, got.Consent)
	must(t, err)
	event := offline(t, keys, receipt.JWS)["events"].([]any)[0].(map[string]any)
	if event["authority"] != "parental-responsibility" || event["validity_until"] != ends.Format(time.RFC3339) {
		t.Errorf("the receipt says %v", event)
	}
}

// Parental responsibility ends on a birthday: an end that the consent does not
// need is not kept anywhere.
func TestALaterEndOfAnAuthorityIsNotKept(t *testing.T) {
	t.Parallel()
	h := setup(t)
	req := h.yes(alice, "gp-people")
	req.Proxy = h.parent(time.Date(2031, 8, 17, 0, 0, 0, 0, time.UTC))
	got, err := h.consent.Capture(t.Context(), alice, req)
	must(t, err)
	c, err := h.consent.Find(t.Context(), alice, got.Consent)
	must(t, err)
	if !c.Until.Equal(req.Until) || !c.Proxy.Until.Equal(req.Until) || c.Competence != nil {
		t.Errorf("read back: %+v %+v", c, c.Proxy)
	}
	if strings.Contains(h.Dump(t), "2031-08-1") {
		t.Error("the dump has the birthday")
	}
}

// LEG-21: an assessment outweighs the presumption, either way; who can decide
// does so alone, and for who cannot somebody has authority.
func TestWhoCanDecideDecidesAlone(t *testing.T) {
	t.Parallel()
	h := setup(t)
	yes, no := consent.Competent, consent.NotCompetent
	for _, c := range []struct {
		competence *consent.Competence
		proxy, ok  bool
	}{
		{nil, false, true}, {nil, true, true},
		{&consent.Competence{Presumed: yes}, false, true}, {&consent.Competence{Presumed: yes}, true, false},
		{&consent.Competence{Presumed: no}, false, false}, {&consent.Competence{Presumed: no}, true, true},
		{&consent.Competence{Presumed: no, Assessed: yes}, false, true}, {&consent.Competence{Presumed: no, Assessed: yes}, true, false},
		{&consent.Competence{Presumed: yes, Assessed: no}, false, false}, {&consent.Competence{Presumed: yes, Assessed: no}, true, true},
		{&consent.Competence{Assessed: yes}, false, true}, {&consent.Competence{Assessed: no}, true, true},
		{&consent.Competence{}, false, false}, {&consent.Competence{Assessed: "11 years"}, false, false},
	} {
		req := h.yes(alice, "gp-people")
		if req.Competence = c.competence; c.proxy {
			req.Proxy = h.parent(h.now.AddDate(0, 1, 0))
		}
		_, err := h.consent.Capture(t.Context(), alice, req)
		if c.ok {
			must(t, err)
		} else {
			wantFault(t, err, fault.Invalid)
		}
	}
}

func TestAProxyIsOfAClosedListAndInTime(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for pointer, change := range map[string]func(*consent.Proxy){
		"/proxy/authority": func(p *consent.Proxy) { p.Authority = identifier },
		"/proxy/evidence":  func(p *consent.Proxy) { p.Evidence = identifier },
		"/proxy/until":     func(p *consent.Proxy) { p.Until = *h.now },
	} {
		req := h.yes(alice, "gp-people")
		req.Proxy = h.parent(h.now.AddDate(0, 1, 0))
		change(req.Proxy)
		_, err := h.consent.Capture(t.Context(), alice, req)
		if seen := wantFault(t, err, fault.Invalid); !strings.Contains(seen, pointer) || strings.Contains(err.Error(), identifier) {
			t.Errorf("%s: %s", pointer, seen)
		}
	}
	if h.count("consent.consents") != 0 || h.count("consent.proxies") != 0 {
		t.Error("a refused capture left something")
	}
}

// PUB-10, LEG-21: a proxy may answer a request.
func TestAProxyGivesWhatWasAskedFor(t *testing.T) {
	t.Parallel()
	h := setup(t)
	asked, ends := h.ask(alice, "gp-people"), h.now.AddDate(0, 3, 0)
	answer := given
	answer.Proxy, answer.Competence = h.parent(ends), &consent.Competence{Presumed: consent.NotCompetent}
	got, err := h.consent.Answer(t.Context(), alice, asked.Request, answer)
	must(t, err)
	c, err := h.consent.Find(t.Context(), alice, got.Consent)
	must(t, err)
	if !c.Until.Equal(ends) || c.Proxy == nil || c.Competence == nil {
		t.Errorf("read back: %+v", c)
	}
	refusal := consent.Answer{Outcome: consent.WasRefused, Evidence: consent.Electronic, Proxy: h.parent(ends)}
	_, err = h.consent.Answer(t.Context(), alice, h.ask(alice, "gp-people").Request, refusal)
	wantFault(t, err, fault.Invalid)
}

// LEG-21: what is presumed is the law profile's to say, for the jurisdiction; the
// age kept is the law's, and none is kept where somebody assessed the person.
func TestCompetenceIsPresumedByTheLawProfile(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for name, c := range map[string]struct {
		law  []decide.Presumption
		said consent.Competence
		from int // 0: refused
	}{
		"a presumption":                   {[]decide.Presumption{{From: 16}}, consent.Competence{Presumed: consent.Competent}, 16},
		"of another jurisdiction":         {[]decide.Presumption{{From: 12, Jurisdictions: []string{"Scotland"}}}, consent.Competence{Presumed: consent.Competent}, 0},
		"of this one":                     {[]decide.Presumption{{From: 12, Jurisdictions: []string{"England"}}, {From: 16}}, consent.Competence{Presumed: consent.Competent}, 12},
		"none":                            {nil, consent.Competence{Presumed: consent.Competent}, 0},
		"none, and an assessment besides": {nil, consent.Competence{Presumed: consent.NotCompetent, Assessed: consent.Competent}, 0},
	} {
		caller := alice
		caller.Terms = terms()
		caller.Terms.Partnership.Jurisdiction, caller.Terms.Profile.Competence = "England", c.law
		req := h.yes(alice, "gp-people")
		req.Competence = &c.said
		got, err := h.consent.Capture(t.Context(), caller, req)
		if c.from == 0 {
			if seen := wantFault(t, err, fault.Invalid); !strings.Contains(seen, "/competence/presumed") {
				t.Errorf("%s: %s", name, seen)
			}
			continue
		}
		must(t, err)
		kept, err := h.consent.Find(t.Context(), alice, got.Consent)
		must(t, err)
		if kept.Competence.From != c.from {
			t.Errorf("%s: presumed from %d, want %d", name, kept.Competence.From, c.from)
		}
	}
	req := h.yes(alice, "gp-people")
	req.Competence = &consent.Competence{Assessed: consent.Competent}
	got, err := h.consent.Capture(t.Context(), alice, req)
	must(t, err)
	kept, err := h.consent.Find(t.Context(), alice, got.Consent)
	must(t, err)
	if kept.Competence.From != 0 || req.Competence.From != 0 {
		t.Error("an assessment keeps an age")
	}
}
