package edgetest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/registers"
)

// statedAt asks the hub without a token.
func (h *hub) statedAt(method, target string) (status int, media, body string) {
	h.t.Helper()
	h.clock.pass(step)
	r, err := http.NewRequestWithContext(h.t.Context(), method, h.url+target, nil)
	h.must(err)
	resp, err := h.client.Do(r)
	h.must(err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	h.must(err)
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(text)
}

// FED-08, FED-26, TRU-07: what a hub states to whoever asks is signed, whole and about peers in
// force alone; what is asked in another way is refused, and nothing of it comes back.
func TestWhatAHubStatesToWhoeverAsks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	status, media, text := b.statedAt(http.MethodGet, entity.WellKnown)
	if status != http.StatusOK || media != entity.ContentType {
		t.Fatalf("%d %s", status, media)
	}
	own, err := entity.OpenConfiguration(text, hubID, b.now())
	b.must(err)
	status, media, text = b.statedAt(http.MethodGet, "/federation/v1/list")
	var peers []string
	b.must(json.Unmarshal([]byte(text), &peers))
	slices.SortFunc(peers, func(a, b string) int { return strings.Compare(path.Base(b), path.Base(a)) })
	if status != http.StatusOK || media != "application/json" || len(peers) != 2 || !strings.HasSuffix(peers[0], "/confirmed") || !strings.HasSuffix(peers[1], "/asking") {
		t.Errorf("%d %s %v", status, media, peers)
	}
	status, media, text = b.statedAt(http.MethodGet, "/federation/v1/fetch?sub="+url.QueryEscape(peers[0]))
	if s, err := entity.OpenAbout(text, hubID, peers[0], *own.Keys, b.now()); err != nil || status != http.StatusOK || media != entity.ContentType || s.Keys == nil || len(s.Agreement) == 0 {
		t.Errorf("%d %s %v", status, media, err)
	}
	status, media, text = b.statedAt(http.MethodGet, "/federation/v1/registrars")
	r, err := registers.Open([]string{text}, hubID, *own.Keys, b.now())
	if err != nil || status != http.StatusOK || media != registers.ContentType || len(r.Entries) != 1 || !slices.Contains(r.Services, hubID+"/names/services/relmgr") {
		t.Errorf("%d %s %+v %v", status, media, r, err)
	}
	status, media, text = b.statedAt(http.MethodGet, "/federation/v1/historical-keys")
	if _, err := own.Keys.Verify(text, federation.HistoricalTyp); err != nil || status != http.StatusOK || media != federation.HistoricalContentType {
		t.Errorf("%d %s %v", status, media, err)
	}
	status, media, text = b.statedAt(http.MethodGet, "/federation/v1/reach")
	if _, err := own.Keys.Verify(text, federation.ReachTyp); err != nil || status != http.StatusOK || media != federation.ReachContentType {
		t.Errorf("%d %s %v", status, media, err)
	}
	for target, want := range map[string]int{
		"/federation/v1/reach?x=" + marker: 400,
		"/federation/v1/historical-keys?x": 400, "/federation/v1/fetch": 400, "/federation/v1/fetch?sub=a&sub=b": 400, "/federation/v1/fetch?sub=" + marker + "&x=1": 400, "/federation/v1/fetch?sub=" + marker: 404,
		"/federation/v1/fetch?sub=%00": 400, "/federation/v1/fetch?sub=%ff": 400, "/federation/v1/fetch?sub=" + strings.Repeat("a", 3000): 400, "/federation/v1/fetch?%zz": 400,
		"/federation/v1/list?x": 400, "/federation/v1/registrars?cursor=" + marker: 404, "/federation/v1/registrars?cursor=a&cursor=b": 400,
		"/federation/v1/resolve?sub=" + marker: 400, "/federation/v1/resolve?sub=" + marker + "&trust_anchor=" + url.QueryEscape(hubID): 404,
		"/federation/v1/resolve?sub=https://127.0.0.1:1&trust_anchor=" + marker: 404,
		entity.WellKnown + "?x=" + marker:                                       400, entity.WellKnown + "/" + marker: 404, "/federation/v1/fetch/" + marker: 404,
	} {
		status, media, text := b.statedAt(http.MethodGet, target)
		if status != want || media != "application/problem+json" || strings.Contains(text, marker) {
			t.Errorf("%s: %d %s %s, want %d", target, status, media, text, want)
		}
	}
	if status, _, _ := b.statedAt(http.MethodPost, entity.WellKnown); status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", status)
	}
}
