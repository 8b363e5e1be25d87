package consent_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// offline verifies a receipt with nothing but the published key set.
func offline(t *testing.T, published []byte, token string) map[string]any {
	t.Helper()
	var keys jose.JSONWebKeySet
	must(t, json.Unmarshal(published, &keys))
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	must(t, err)
	header := jws.Signatures[0].Header
	if header.ExtraHeaders["typ"] != consent.TypReceipt {
		t.Errorf("typ %v", header.ExtraHeaders["typ"])
	}
	found := keys.Key(header.KeyID)
	if len(found) != 1 {
		t.Fatalf("the published set has %d keys of this kid", len(found))
	}
	payload, err := jws.Verify(found[0])
	must(t, err)
	var claims map[string]any
	must(t, json.Unmarshal(payload, &claims))
	return claims
}

// PUB-05, PUB-12, LEG-14: a receipt says what was agreed to and what became of
// it, names nobody, and is verified without the hub.
func TestAReceiptIsVerifiedWithThePublishedKeysAlone(t *testing.T) {
	t.Parallel()
	h := setup(t)
	set, err := attest.PublicKeys(t.Context(), h.keys, consent.ReceiptsKey)
	must(t, err)
	published, err := json.Marshal(set)
	must(t, err)
	given := h.capture(alice, "gp-people")
	var handle string
	must(t, h.admin.QueryRowContext(t.Context(), "select handle_id from consent.consents").Scan(&handle))

	first, err := h.consent.Receipt(t.Context(), amir, given.Consent)
	must(t, err)
	claims := offline(t, published, first.JWS)
	text, err := json.Marshal(claims)
	must(t, err)
	for _, want := range []string{
		`"record_id":"` + given.Consent.String() + `"`, `"lawful_basis":"explicit-consent"`, `"pii_controllers":["gp"]`,
		`"purposes":[{"purpose":"support","title":"support"}]`, `{"pii_type":"involvement"`, `"privacy_notice":"leaflet-v3"`,
		`"recipient_third_parties":{"kind":"agencies","names":["school"]}`, `"event_state":"given"`, `"evidence":"signed-form"`,
		`"validity_until":"2027-03-02T12:00:00Z"`, `"schema_version":"ISO/IEC TS 27560:2023; fame 1"`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the receipt lacks %s: %s", want, text)
		}
	}
	for _, never := range []string{handle, "pii_principal_id", "alice", "gp-people"} {
		if strings.Contains(string(text), never) {
			t.Errorf("the receipt has %s", never)
		}
	}
	if first.State != consent.Given || claims["exp"] != nil || claims["aud"] != nil {
		t.Errorf("state %s: %s", first.State, text)
	}

	*h.now = h.now.Add(time.Hour)
	_, err = h.consent.Withdraw(t.Context(), alice, given.Consent, consent.SpokenAndNoted)
	must(t, err)
	second, err := h.consent.Receipt(t.Context(), alice, given.Consent)
	must(t, err)
	after := offline(t, published, second.JWS)
	events := after["events"].([]any)
	last := events[len(events)-1].(map[string]any)
	if second.State != consent.Withdrawn || last["event_state"] != "withdrawn" || last["evidence"] != "spoken-and-noted" || last["event_time"] != "2026-03-02T13:00:00Z" {
		t.Errorf("the receipt of a withdrawn consent says %v", last)
	}
	if after["receipt_id"] == claims["receipt_id"] {
		t.Error("two receipts have one id")
	}
	// A changed byte is seen.
	parts := strings.Split(second.JWS, ".")
	parts[1] = strings.Split(first.JWS, ".")[1]
	jws, err := jose.ParseSignedCompact(strings.Join(parts, "."), []jose.SignatureAlgorithm{jose.ES256})
	must(t, err)
	var keys jose.JSONWebKeySet
	must(t, json.Unmarshal(published, &keys))
	if _, err := jws.Verify(keys.Keys[0]); err == nil {
		t.Error("another receipt's claims verify")
	}
}

// A receipt goes to those who may read the consent, and a receipt passes for no
// proof.
func TestAReceiptIsForThoseWhoMayFindTheConsent(t *testing.T) {
	t.Parallel()
	h := setup(t)
	given := h.capture(alice, "gp-people")
	_, theirs := h.consent.Receipt(t.Context(), sue, given.Consent)
	_, nobodys := h.consent.Receipt(t.Context(), sue, ident.NewConsent())
	if wantFault(t, theirs, fault.NotKnown) != wantFault(t, nobodys, fault.NotKnown) {
		t.Error("another agency's and nobody's differ")
	}
	receipt, err := h.consent.Receipt(t.Context(), alice, given.Consent)
	must(t, err)
	req := h.yes(alice, "gp-people")
	req.Proof = receipt.JWS
	_, err = h.consent.Capture(t.Context(), alice, req)
	wantFault(t, err, fault.Invalid)
}

func TestAHubWithoutTheKeyIssuesNoReceipt(t *testing.T) {
	t.Parallel()
	h := setup(t)
	given := h.capture(alice, "gp-people")
	must(t, h.keys.Destroy(t.Context(), consent.ReceiptsKey))
	_, err := h.consent.Receipt(t.Context(), alice, given.Consent)
	wantFault(t, err, fault.NotServed)
}
