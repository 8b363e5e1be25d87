package federation_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
)

// relaying makes hubs of those names peers in force, with which it is agreed who passes on.
func (a axled) relaying(relays func(name string) []string, names ...string) {
	a.t.Helper()
	for _, name := range names {
		agreed := a.agreement()
		agreed.Relays = relays(name)
		c, err := a.Invite(a.t.Context(), officer(), a.other.Entity(name), &agreed)
		a.must(err)
		_, err = a.Confirm(a.t.Context(), officer(), c.Peer.ID, c.Peer.Digest.String(), c.Peer.Fingerprints)
		a.must(err)
		a.theirs(name, agreed)
	}
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(s[:])
}

// FED-35: what a peer has passed on goes to the hub that it names and to no other, once each by both
// agreements, by a way that ends; whatever is wrong with it, the answer is that of a hub that has
// heard nothing, and both ends of what was passed on are on record.
func TestAHubPassesOnByItsAgreementsAndByWaysThatEnd(t *testing.T) {
	a := withAxles(t, func(w http.ResponseWriter, _ *http.Request) {
		t.Error("a question that was not for this hub was put to its relmgr")
		w.WriteHeader(http.StatusInternalServerError)
	})
	a.relaying(func(name string) []string {
		switch name {
		case "plain":
			return nil
		case "above":
			return []string{a.other.Entity(name)} // passes on, and is passed nothing on to
		case "next":
			return []string{here, a.other.Entity(name)}
		}
		return []string{here}
	}, "leaf", "next", "plain", "above")
	var got []attest.AxleRelay
	back := "bbbb.bbbb.bbbb.bbbb.bbbb"
	a.other.PassesBack(back)
	a.other.Takes(func(name, signed string) (string, int) {
		m := a.opened(name, signed)
		if m.Kind != "relay" || m.Relay == nil || name != "next" {
			t.Errorf("%s was sent %+v", name, m)
			return "", http.StatusUnprocessableEntity
		}
		got = append(got, *m.Relay)
		answer := federation.AxleAnswer{Claims: a.claims(here), ReplyTo: m.ID, Outcome: "passed-on", Providers: []federation.AxleProvider{}, Carried: sum(back)}
		return a.other.Says(t, name, attest.TypAxleAnswer, answer, a.sealedFor()), http.StatusOK
	})
	const inner = "aaaa.aaaa.aaaa.aaaa.aaaa"
	relay := func(from string, r attest.AxleRelay) (string, string) {
		t.Helper()
		m := attest.AxleMessage{Claims: a.claims(here), Kind: "relay", Version: 1, Relay: &r}
		sealed, carried, err := a.Relay(t.Context(), a.other.Says(t, from, attest.TypAxleMessage, m, a.sealedFor()), inner)
		a.must(err)
		return sealed, carried
	}
	next, further := a.other.Entity("next"), a.other.Entity("further")
	sealed, carried := relay("leaf", attest.AxleRelay{Path: []string{next, further}, Hops: 1, Carried: sum(inner)})
	if carried != back || len(got) != 1 || got[0].Hops != 2 || len(got[0].Path) != 1 || got[0].Path[0] != further || got[0].Carried != sum(inner) {
		t.Fatalf("%q, %+v", carried, got)
	}
	for name, c := range map[string]struct {
		from string
		r    attest.AxleRelay
	}{
		"what is carried is something else":     {"leaf", attest.AxleRelay{Path: []string{next}, Hops: 1, Carried: sum("else")}},
		"a peer that was not agreed to":         {"plain", attest.AxleRelay{Path: []string{next}, Hops: 1, Carried: sum(inner)}},
		"to a peer that was not agreed to":      {"leaf", attest.AxleRelay{Path: []string{a.other.Entity("plain")}, Hops: 1, Carried: sum(inner)}},
		"to a peer that passes on, itself":      {"leaf", attest.AxleRelay{Path: []string{a.other.Entity("above")}, Hops: 1, Carried: sum(inner)}},
		"to nobody's peer":                      {"leaf", attest.AxleRelay{Path: []string{further}, Hops: 1, Carried: sum(inner)}},
		"back to where it came from":            {"leaf", attest.AxleRelay{Path: []string{a.other.Entity("leaf")}, Hops: 1, Carried: sum(inner)}},
		"in a circle":                           {"leaf", attest.AxleRelay{Path: []string{next, here}, Hops: 1, Carried: sum(inner)}},
		"by one hub twice":                      {"leaf", attest.AxleRelay{Path: []string{next, further, next}, Hops: 1, Carried: sum(inner)}},
		"by too many":                           {"leaf", attest.AxleRelay{Path: []string{next, further}, Hops: 3, Carried: sum(inner)}},
		"as if nobody had had it":               {"leaf", attest.AxleRelay{Path: []string{next}, Hops: 0, Carried: sum(inner)}},
		"for this hub, of one that passes none": {"leaf", attest.AxleRelay{Hops: 2, Carried: sum(inner)}},
		"for this hub, and sealed for another":  {"above", attest.AxleRelay{Hops: 2, Carried: sum(inner)}},
	} {
		s, carried := relay(c.from, c.r)
		if carried != "" || len(got) != 1 || len(s) != len(sealed) {
			t.Errorf("%s: %q, %d sent, %d bytes of %d", name, carried, len(got), len(s), len(sealed))
		}
	}
	if _, _, err := a.Relay(t.Context(), a.other.Says(t, "leaf", attest.TypAxleMessage, attest.AxleMessage{Claims: a.claims(here), Kind: "enquiry", Version: 1}, a.sealedFor()), inner); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a question with something to pass on: %v", err)
	}
	// Suspended, nothing of its is passed on from the next message on.
	for _, p := range must(a.Peers(t.Context())) {
		if p.Entity == next {
			_, err := a.Suspend(t.Context(), officer(), p.ID, "work-ended")
			a.must(err)
		}
	}
	if _, carried := relay("leaf", attest.AxleRelay{Path: []string{next}, Hops: 1, Carried: sum(inner)}); carried != "" || len(got) != 1 {
		t.Error("it was passed on to a hub that is suspended")
	}
	var in, out int
	a.must(a.base.Admin(t).QueryRow("select count(*) filter (where not outgoing), count(*) filter (where outgoing) from federation.exchanges where kind = 'relay' and outcome = 'passed-on'").Scan(&in, &out))
	if in != 1 || out != 1 {
		t.Errorf("%d in and %d out are on record", in, out)
	}
}

// What a hub states that it passes on to is whom it has agreed that with, and stops with that.
func TestAHubStatesWhomItPassesOnTo(t *testing.T) {
	a := withAxles(t, func(http.ResponseWriter, *http.Request) {})
	a.relaying(func(name string) []string {
		return map[string][]string{"leaf": {here}, "other": {here}, "plain": nil, "above": {a.other.Entity("above")}}[name]
	}, "leaf", "other", "plain", "above")
	reached := func() (all []string) {
		t.Helper()
		text, err := a.Reach(t.Context())
		a.must(err)
		payload, err := a.own().Verify(text, federation.ReachTyp)
		a.must(err)
		var said struct {
			Hubs []struct {
				Hub  string
				Path []string
			}
		}
		a.must(json.Unmarshal(payload, &said))
		for _, h := range said.Hubs {
			if len(h.Path) != 1 || h.Path[0] != h.Hub {
				t.Errorf("%+v", h)
			}
			all = append(all, strings.TrimPrefix(h.Hub, a.other.URL+"/"))
		}
		return all
	}
	if got := strings.Join(reached(), " "); got != "leaf other" {
		t.Errorf("%q", got)
	}
	for _, p := range must(a.Peers(t.Context())) {
		if p.Entity == a.other.Entity("other") {
			_, err := a.Suspend(t.Context(), officer(), p.ID, "work-ended")
			a.must(err)
		}
	}
	if got := strings.Join(reached(), " "); got != "leaf" {
		t.Errorf("%q", got)
	}
	a.pass(400 * 24 * time.Hour)
	if got := reached(); len(got) != 0 {
		t.Errorf("when all that was agreed is over: %q", got)
	}
	// Nobody but the two agrees for them.
	agreed := a.agreement()
	agreed.Until = a.now().Add(time.Hour)
	agreed.Relays = []string{a.other.Entity("plain")}
	_, err := a.Invite(t.Context(), officer(), a.other.Entity("new"), &agreed)
	a.wants(fault.Invalid, err)
}
