package hubtest

import (
	stdcontext "context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/attest"
)

// Taker is what a hub does with a message that was sealed for it: the body of its answer,
// or the status of a refusal.
type Taker func(name, signed string) (sealed string, status int)

// Takes has the hubs take messages from now on.
func (o *OtherHub) Takes(take Taker) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.take = take
}

// PassesBack has the hubs send this beside every answer from now on.
func (o *OtherHub) PassesBack(carried string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.carried = carried
}

// Signer signs as the hub of that name, with the key that it states now.
func (o *OtherHub) Signer(name string) *attest.Signer {
	o.mu.Lock()
	defer o.mu.Unlock()
	return attest.NewSigner(o.keys, o.signs, o.Entity(name))
}

// Says is a statement of that hub, sealed for another.
func (o *OtherHub) Says(t testing.TB, name, typ string, claims any, to attest.Recipients) string {
	t.Helper()
	signed, err := o.Signer(name).Sign(stdcontext.Background(), typ, claims)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := to.Seal(signed)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// serveMessage opens a message and has it taken, as slowly as that may be.
func (o *OtherHub) serveMessage(w http.ResponseWriter, r *http.Request) bool {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	o.mu.Lock()
	take, carried := o.take, o.carried
	o.mu.Unlock()
	if take == nil || rest != "federation/v1/messages" {
		return false
	}
	var body struct {
		Message string `json:"message"`
	}
	opener, err := attest.NewOpener(r.Context(), o.keys, otherOpens)
	if err == nil {
		err = json.NewDecoder(r.Body).Decode(&body)
	}
	var signed string
	if err == nil {
		signed, err = opener.Unseal(r.Context(), body.Message)
	}
	if err != nil {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return true
	}
	answer, status := take(name, signed)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	said := map[string]string{"message": answer}
	if carried != "" {
		said["carried"] = carried
	}
	_ = json.NewEncoder(w).Encode(said) // the asker may be gone
	return true
}
