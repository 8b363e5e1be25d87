package federation_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
)

// An own key changes by overlap: the next is stated for longer than any peer keeps a statement
// before it signs, and the one before for as long after; then it is history, with its end.
// A peer in force stays one all the time, whether it has seen the next key yet or not. Of two
// who begin a change at once both begin the same one.
func TestTheHubsOwnKeyChangesByOverlap(t *testing.T) {
	b := setup(t)
	b.confirmed("mill")
	b.theirs("mill", b.agreement())
	first := b.own()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if _, err := federation.RollKey(t.Context(), b.base.DB(t, "federation"), b.keys, b.now()); err != nil && fault.KindOf(err) != fault.Conflict {
				t.Error(err)
			}
		})
	}
	all.Wait()
	configuration := func() (signed string, stated entity.Keys) {
		text, err := b.Configuration(t.Context())
		b.must(err)
		s, err := entity.OpenConfiguration(text, here, b.now())
		b.must(err)
		head, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[0])
		b.must(err)
		var h struct{ Kid string }
		b.must(json.Unmarshal(head, &h))
		return h.Kid, *s.Keys
	}
	inForce := func(when string) {
		t.Helper()
		if _, err := b.Peer(t.Context(), b.other.Entity("mill")); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
	signed, both := configuration()
	if len(both.IDs()) != 2 || !first.Within(both) || signed != first.IDs()[0] {
		t.Fatalf("stated %v, signed by %s, want the first of %v", both.IDs(), signed, first.IDs())
	}
	inForce("before the peer has seen the next key")
	if _, err := federation.RollKey(t.Context(), b.base.DB(t, "federation"), b.keys, b.now()); fault.KindOf(err) != fault.Conflict {
		t.Errorf("another change before the end of this: %v", err)
	}
	b.pass(24*time.Hour + 59*time.Minute)
	if signed, _ = configuration(); signed != first.IDs()[0] {
		t.Error("the next key signs before every peer has seen it")
	}
	b.pass(2 * time.Minute)
	b.theirs("mill", b.agreement()) // it has seen both
	if signed, both = configuration(); signed == first.IDs()[0] || len(both.IDs()) != 2 {
		t.Errorf("signed by %s, stated %v", signed, both.IDs())
	}
	inForce("signed by the next")
	b.pass(25 * time.Hour) // and has not seen yet that the first is over
	signed, stated := configuration()
	if len(stated.IDs()) != 1 || first.Within(stated) || signed != stated.IDs()[0] {
		t.Errorf("stated %v", stated.IDs())
	}
	inForce("with the next alone")
	// After a restart too, and by a key file that has the key.
	b.Service = b.open(b.keys)
	if again, _ := configuration(); again != signed {
		t.Error("another key after a restart")
	}
	text, err := b.HistoricalKeys(t.Context())
	b.must(err)
	said, err := stated.Verify(text, federation.HistoricalTyp)
	b.must(err)
	var history struct {
		Issuer string `json:"iss"`
		Keys   []struct {
			Kid string `json:"kid"`
			Exp int64  `json:"exp"`
			D   string `json:"d"`
		} `json:"keys"`
	}
	b.must(json.Unmarshal(said, &history))
	if history.Issuer != here || len(history.Keys) != 1 || history.Keys[0].Kid != first.IDs()[0] || history.Keys[0].Exp > b.now().Unix() || history.Keys[0].D != "" {
		t.Errorf("%s", said)
	}
	if _, err := federation.RollKey(t.Context(), b.base.DB(t, "federation"), b.keys, b.now()); err != nil {
		t.Errorf("the next change: %v", err)
	}
	if set, err := attest.PublicKeys(t.Context(), b.keys, "sign/federation/2", "sign/federation/3"); err != nil || !slices.Contains(stated.IDs(), signed) {
		t.Errorf("%v %v", set, err)
	}
}
