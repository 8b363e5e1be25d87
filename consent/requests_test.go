package consent_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// reasoned is somebody under terms with reasons.
func reasoned(c decide.Caller) decide.Caller {
	t := terms()
	t.Codes.Reasons = []decide.Code{{Code: "risk-to-child"}, {Code: "subject-asked"}}
	c.Terms = t.Index()
	return c
}

func (h *hub) ask(c decide.Caller, column ident.Column) consent.Asked {
	h.t.Helper()
	req := h.yes(c, column)
	req.Evidence, req.Wording = "", ""
	got, err := h.consent.Ask(h.t.Context(), c, req)
	must(h.t, err)
	return got
}

func (h *hub) open(c decide.Caller, column ident.Column) []consent.OpenRequest {
	h.t.Helper()
	got, err := h.consent.ListRequests(h.t.Context(), c, column, 100)
	must(h.t, err)
	return got
}

var given = consent.Answer{Outcome: consent.WasGiven, Evidence: consent.SignedForm, Wording: "leaflet-v3"}

// PUB-10: a request waits for the column's members, and given captures what was
// asked for, for the same handle, with the act of the capture as its answer.
func TestAGivenRequestIsTheConsentThatWasAskedFor(t *testing.T) {
	t.Parallel()
	h := setup(t)
	asked := h.ask(alice, "gp-people")
	if h.count("consent.consents") != 0 {
		t.Fatal("asking is not given consent")
	}
	list := h.open(rita, "gp-people")
	if len(list) != 1 || list[0].ID != asked.Request || list[0].AskedBy != "alice" || list[0].Purposes[0] != "support" {
		t.Fatalf("the list is %+v", list)
	}
	*h.now = h.now.Add(time.Hour)
	got, err := h.consent.Answer(t.Context(), alice, asked.Request, given)
	must(t, err)
	c, err := h.consent.Find(t.Context(), alice, got.Consent)
	must(t, err)
	if !c.From.Equal(*h.now) || !c.Until.Equal(list[0].Until) || c.Wording != "leaflet-v3" || !c.Explicit || c.Audience.Names[0] != "school" {
		t.Errorf("the consent is %+v", c)
	}
	var same bool
	must(t, h.admin.QueryRowContext(t.Context(), `
		select r.handle_id = c.handle_id and a.act_id = c.act_id and act.kind = 'capture' and c.handle_id = $2
		  from consent.requests r join consent.answers a using (request_id)
		  join consent.consents c on c.consent_id = a.consent_id join consent.acts act on act.act_id = a.act_id
		 where r.request_id = $1`, asked.Request, list[0].Handle).Scan(&same))
	if !same {
		t.Error("the request, its answer and the consent do not fit")
	}
	if left := h.open(alice, "gp-people"); len(left) != 0 {
		t.Errorf("an answered request is still open: %+v", left)
	}
}

// LEG-12, LEG-13, LEG-15: a refusal and a reason not to ask are acts, make no
// consent, and bar nothing by themselves.
func TestARefusalAndNotAskingAreRecordedAndBarNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	who := reasoned(alice)
	for kind, answer := range map[string]consent.Answer{
		"refuse":    {Outcome: consent.WasRefused, Evidence: consent.SpokenAndNoted},
		"not-asked": {Outcome: consent.WasNotAsked, Reason: "risk-to-child"},
	} {
		asked := h.ask(who, "gp-people")
		got, err := h.consent.Answer(t.Context(), who, asked.Request, answer)
		must(t, err)
		if !got.Consent.IsZero() || h.count("consent.consents") != 0 {
			t.Errorf("%s: made a consent", kind)
		}
		var l leaf.Leaf
		var pending bool
		must(t, h.admin.QueryRowContext(t.Context(), `
			select a.commitment, a.sealed, k.wrapped, exists (select from ledger.pending p where p.commitment = a.commitment)
			  from consent.acts a join consent.content_keys k on k.record_id = a.act_id where a.act_id = $1 and a.kind = $2`,
			got.Act, kind).Scan(&l.Commitment, &l.Sealed, &l.WrappedKey, &pending))
		var record map[string]any
		must(t, leaf.Open(t.Context(), h.keys, consent.RecordsKey, got.Act, l, &record))
		if !pending || record["request"] != asked.Request.String() || answer.Reason != "" && record["reason"] != answer.Reason {
			t.Errorf("%s: pending %t, record %v", kind, pending, record)
		}
	}
	again := h.ask(who, "gp-people")
	_, err := h.consent.Answer(t.Context(), who, again.Request, given)
	must(t, err)
}

// A request has one answer, also when many come at once.
func TestARequestHasOneAnswer(t *testing.T) {
	t.Parallel()
	h := setup(t)
	who := reasoned(alice)
	asked := h.ask(who, "gp-people")
	refusal := consent.Answer{Outcome: consent.WasRefused, Evidence: consent.SpokenAndNoted}
	var wait sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wait.Go(func() {
			answer := given
			if i%2 == 1 {
				answer = refusal
			}
			_, errs[i] = h.consent.Answer(t.Context(), who, asked.Request, answer)
		})
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			wantFault(t, err, fault.Conflict)
		}
	}
	if won != 1 || h.count("consent.answers") != 1 || h.count("consent.acts") != 2 || h.count("ledger.pending") != 2 {
		t.Errorf("%d answers, %d acts", won, h.count("consent.acts"))
	}
}

// A request is the column's own: to all others it is as one that nobody made.
func TestARequestIsForItsColumnsMembers(t *testing.T) {
	t.Parallel()
	h := setup(t)
	asked := h.ask(alice, "gp-people")
	for name, who := range map[string]decide.Caller{"another agency": sue, "a colleague of no team": amir} {
		_, theirs := h.consent.Answer(t.Context(), who, asked.Request, given)
		_, nobodys := h.consent.Answer(t.Context(), who, ident.NewRequest(), given)
		if wantFault(t, theirs, fault.NotKnown) != wantFault(t, nobodys, fault.NotKnown) {
			t.Errorf("%s: theirs and nobody's differ", name)
		}
		for _, column := range []ident.Column{"gp-people", "gp-old", "nowhere"} {
			_, err := h.consent.ListRequests(t.Context(), who, column, 10)
			wantFault(t, err, fault.Forbidden)
		}
	}
	_, err := h.consent.Answer(t.Context(), rita, asked.Request, given)
	wantFault(t, err, fault.Forbidden)
	_, err = h.consent.Ask(t.Context(), rita, h.yes(rita, "gp-people"))
	wantFault(t, err, fault.Forbidden)
	bad := h.yes(alice, "gp-people")
	bad.Purposes = []string{identifier}
	_, err = h.consent.Ask(t.Context(), alice, bad)
	wantFault(t, err, fault.Invalid)
	bad = h.yes(alice, "gp-people")
	bad.Proof = h.proof(sue, "school-roll")
	_, err = h.consent.Ask(t.Context(), alice, bad)
	wantFault(t, err, fault.Invalid)
}

// What was asked for may lapse, or stop being possible, before it is answered.
func TestARequestThatIsOverCannotBeGiven(t *testing.T) {
	t.Parallel()
	h := setup(t)
	asked := h.ask(alice, "gp-people")
	*h.now = h.now.AddDate(1, 0, 1)
	if left := h.open(alice, "gp-people"); len(left) != 0 {
		t.Errorf("a request that is over is still open: %+v", left)
	}
	_, err := h.consent.Answer(t.Context(), alice, asked.Request, given)
	wantFault(t, err, fault.Invalid)
	if h.count("consent.answers") != 0 || h.count("consent.acts") != 1 {
		t.Error("a refused answer left something")
	}
}

func TestAnAnswerBringsWhatItsOutcomeNeeds(t *testing.T) {
	t.Parallel()
	h := setup(t)
	who := reasoned(alice)
	asked := h.ask(who, "gp-people")
	for pointer, answer := range map[string]consent.Answer{
		"/answer":        {Outcome: identifier},
		"/evidence":      {Outcome: consent.WasGiven, Wording: "leaflet-v3"},
		"/wording":       {Outcome: consent.WasGiven, Evidence: consent.Electronic, Wording: identifier},
		"/reason":        {Outcome: consent.WasNotAsked},
		"/reason ":       {Outcome: consent.WasNotAsked, Reason: identifier},
		"/reason  ":      {Outcome: consent.WasGiven, Evidence: consent.Electronic, Wording: "leaflet-v3", Reason: "risk-to-child"},
		"/evidence ":     {Outcome: consent.WasRefused},
		"/evidence  ":    {Outcome: consent.WasNotAsked, Reason: "risk-to-child", Evidence: consent.Electronic},
		"/wording ":      {Outcome: consent.WasRefused, Evidence: consent.Electronic, Wording: "leaflet-v3"},
		"/reason   ":     {Outcome: consent.WasRefused, Evidence: consent.Electronic, Reason: identifier},
		"/wording      ": {Outcome: consent.WasNotAsked, Reason: "risk-to-child", Wording: "leaflet-v3"},
	} {
		_, err := h.consent.Answer(t.Context(), who, asked.Request, answer)
		if seen := wantFault(t, err, fault.Invalid); !strings.Contains(seen, strings.TrimSpace(pointer)) || strings.Contains(err.Error(), identifier) {
			t.Errorf("%s: %s", pointer, seen)
		}
	}
}
