package registrar_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/match"
)

// births is a register of births at the edge of the world, which says what a test has
// it say.
type births struct {
	*httptest.Server
	says func(http.ResponseWriter, map[string]string)
}

func newBirths(t *testing.T) *births {
	t.Helper()
	b := &births{says: func(w http.ResponseWriter, _ map[string]string) { http.Error(w, "away", http.StatusServiceUnavailable) }}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked map[string]string
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.URL.Path != "/v1/births/check" {
			t.Errorf("asked %s: %v", r.URL.Path, err)
		}
		b.says(w, asked)
	}))
	t.Cleanup(b.Close)
	return b
}

// entry has the register say that one entry confirms whoever is called so.
func (b *births) entry(given, reference string) {
	b.says = func(w http.ResponseWriter, asked map[string]string) {
		_ = json.NewEncoder(w).Encode(map[string]any{"confirmed": asked["given"] == given, "reference": reference})
	}
}

func (h *hub) check(entry registrar.Entry, against string) registrar.Checked {
	h.t.Helper()
	made, err := h.registrar.CheckItem(h.t.Context(), keeper, "town", entry, h.items(entry, "birth")[0].ID, against, "asked")
	must(h.t, err)
	return made
}

// REG-05: what a second-level register confirms stands with the item; one that fails,
// says nonsense, redirects or is away has confirmed nothing.
func TestARegisterThatFailsConfirmsNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	entry := h.enter("town", name("Ada", "Byron"), born("1990-12-31"))
	for what, says := range map[string]func(http.ResponseWriter, map[string]string){
		"it fails": func(w http.ResponseWriter, _ map[string]string) { w.WriteHeader(http.StatusInternalServerError) },
		"it says no": func(w http.ResponseWriter, _ map[string]string) {
			_, _ = w.Write([]byte(`{"confirmed":false,"reference":"B1"}`))
		},
		"it says nonsense":      func(w http.ResponseWriter, _ map[string]string) { _, _ = w.Write([]byte(`<html>`)) },
		"it says nothing of it": func(w http.ResponseWriter, _ map[string]string) { _, _ = w.Write([]byte(`{"confirmed":true}`)) },
		"it sends elsewhere": func(w http.ResponseWriter, _ map[string]string) {
			w.Header().Set("Location", h.births.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
	} {
		h.births.says = says
		if got := h.check(entry, "births"); got.Outcome != registrar.NotConfirmed {
			t.Errorf("%s: %+v", what, got)
		}
	}
	if got := h.check(entry, "away"); got.Outcome != registrar.NotConfirmed {
		t.Errorf("it is away: %+v", got)
	}
	h.births.entry("Ada", "B1")
	if got := h.check(entry, "births"); got.Outcome != registrar.Confirmed {
		t.Errorf("it confirms: %+v", got)
	}
	p := h.look("town", entry)
	last := p.Checks[len(p.Checks)-1]
	if len(p.Checks) != 7 || p.Flagged || h.count("select count(*) from registrar.checks where outcome = 'confirmed'") != 1 || last.Against == "" || last.At.IsZero() {
		t.Errorf("the entry shows %+v", p.Checks)
	}
	_, err := h.registrar.CheckItem(t.Context(), keeper, "town", entry, h.items(entry, "name")[0].ID, "births", "asked")
	wantKind(t, err, fault.Invalid)
	_, err = h.registrar.CheckItem(t.Context(), keeper, "town", entry, h.items(entry, "birth")[0].ID, "marriages", "asked")
	wantKind(t, err, fault.Invalid)
}

// REG-17: an entry of the other register was mistyped: everybody who was confirmed by
// it is listed and flagged, and their confidence falls until they are verified again.
// Two who say so at once make one act.
func TestWhatRestedOnAMistypedEntryIsListedAndFlagged(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	seen := noon.AddDate(0, -1, 0)
	enter := func(given, number string) registrar.Entry {
		n := name(given, "Byron")
		n.Source, n.VerifiedAt = "document", &seen
		b := born("1990-12-31")
		b.VerifiedAt = &seen
		return h.enter("town", n, b, registrar.Item{Source: "document", Identifier: &registrar.Identifier{Scheme: "passport", Value: number}})
	}
	one, two, apart := enter("Ada", "AA0000001"), enter("Ida", "AA0000002"), enter("Eda", "AA0000003")
	h.births.entry("Ada", "B1")
	first := h.check(one, "births")
	h.births.entry("Ida", "B1")
	h.check(two, "births")
	h.births.entry("Eda", "B2")
	h.check(apart, "births")
	if c := h.look("town", one).Confidence; c != match.Medium {
		t.Fatalf("a confirmed entry is of confidence %s", c)
	}
	var listed, refused atomic.Int32
	done := make(chan struct{})
	for range 2 {
		go func() {
			defer func() { done <- struct{}{} }()
			made, err := h.registrar.FailCheck(t.Context(), keeper, "town", first.Check, "asked")
			if err != nil {
				wantKind(t, err, fault.Conflict)
				refused.Add(1)
				return
			}
			listed.Add(int32(len(made.Entries)))
		}()
	}
	<-done
	<-done
	if listed.Load() != 2 || refused.Load() != 1 {
		t.Errorf("%d entries were listed, %d refused", listed.Load(), refused.Load())
	}
	for entry, flagged := range map[registrar.Entry]bool{one: true, two: true, apart: false} {
		p := h.look("town", entry)
		if p.Flagged != flagged || (p.Confidence == match.Low) != flagged || flagged && !p.NextReview.Equal(noon) {
			t.Errorf("flagged %v: %s, review %v", p.Flagged, p.Confidence, p.NextReview)
		}
	}
	given := []registrar.Item{name("Ada", "Byron"), born("1990-12-31"), number("passport", "AA0000001")}
	if r := h.ask("town", given...); r.Outcome != match.Determined || r.Confidence != match.Medium {
		t.Errorf("recognised by what is flagged: %+v", r)
	}
	must(t, h.change("town", one, registrar.Change{Kind: registrar.Verify, Supersedes: []ident.ItemID{h.items(one, "birth")[0].ID}}))
	if p := h.look("town", one); p.Flagged || p.Confidence != match.Medium {
		t.Errorf("verified again: %+v", p)
	}
	if r := h.ask("town", given...); r.Confidence != match.High {
		t.Errorf("recognised after it was verified again: %+v", r)
	}
	_, err := h.registrar.FailCheck(t.Context(), keeper, "town", ident.NewCheck(), "asked")
	wantKind(t, err, fault.NotKnown)
}
