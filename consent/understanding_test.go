package consent_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
)

// PUB-11: where the partnership asks for it, a consent says how whoever recorded
// it made sure that the person understood, in what is read back and in the
// receipt; an answer to a request says so as well.
func TestWhoeverRecordsAConsentSaysHowItWasUnderstood(t *testing.T) {
	t.Parallel()
	h := setup(t)
	careful := alice
	asks := terms()
	asks.Settings.NeedsUnderstanding = true
	careful.Terms = asks.Index()

	req := h.yes(careful, "gp-people")
	_, err := h.consent.Capture(t.Context(), careful, req)
	misunderstood(t, err)
	req.Understanding = "nodded"
	_, err = h.consent.Capture(t.Context(), alice, req)
	misunderstood(t, err)
	if n := h.count("consent.consents"); n != 0 {
		t.Fatalf("%d consents were captured", n)
	}
	req.Understanding = consent.ToldBack
	got, err := h.consent.Capture(t.Context(), careful, req)
	must(t, err)
	c, err := h.consent.Find(t.Context(), careful, got.Consent)
	must(t, err)
	if c.Understanding != consent.ToldBack {
		t.Errorf("read back: %q", c.Understanding)
	}
	receipt, err := h.consent.Receipt(t.Context(), careful, got.Consent)
	must(t, err)
	set, err := attest.PublicKeys(t.Context(), h.keys, consent.ReceiptsKey)
	must(t, err)
	keys, err := json.Marshal(set)
	must(t, err)
	if event := offline(t, keys, receipt.JWS)["events"].([]any)[0].(map[string]any); event["understanding"] != "told-back" {
		t.Errorf("the receipt says %v", event)
	}

	asked := h.ask(alice, "gp-people")
	_, err = h.consent.Answer(t.Context(), careful, asked.Request, given)
	misunderstood(t, err)
	understood := given
	understood.Understanding = consent.WithInterpreter
	answered, err := h.consent.Answer(t.Context(), careful, asked.Request, understood)
	must(t, err)
	c, err = h.consent.Find(t.Context(), alice, answered.Consent)
	must(t, err)
	if c.Understanding != consent.WithInterpreter {
		t.Errorf("read back of what was asked for: %q", c.Understanding)
	}
	_, err = h.consent.Answer(t.Context(), alice, h.ask(alice, "gp-people").Request,
		consent.Answer{Outcome: consent.WasRefused, Evidence: consent.SignedForm, Understanding: consent.ToldBack})
	misunderstood(t, err)
}

func misunderstood(t *testing.T, err error) {
	t.Helper()
	if got := wantFault(t, err, fault.Invalid); !strings.Contains(got, "[{/understanding ") {
		t.Errorf("%s", got)
	}
}
