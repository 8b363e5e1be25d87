package edgetest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fame-hub/fame/federation/entity"
)

// seedMark is a mark that is given.
func seedMark(subject string) object {
	return object{"kind": "floor-kept", "subject": subject, "until": "2026-12-01T00:00:00Z"}
}

// marksGood has a mark given that can be taken back, and makes the good requests about marks.
func (b *bench) marksGood() {
	b.t.Helper()
	var subject string
	for _, p := range b.ok("dr-patel", "GET", "/federation/v1/peers", nil)["peers"].([]any) {
		if p := p.(object); p["state"] == "confirmed" {
			subject = p["entity"].(string)
		}
	}
	given := b.ok("gov-ellis", "POST", "/federation/v1/marks", seedMark(subject))["mark"].(string)
	b.revoked = b.ok("gov-ellis", "POST", "/federation/v1/marks", seedMark(subject))["mark"].(string)
	b.ok("gov-ellis", "POST", "/federation/v1/marks/"+b.revoked+"/revocation", object{"reason": "work-ended"})
	b.good["issueMark"] = request{as: "gov-ellis", target: "/federation/v1/marks", body: encode(b.t, seedMark(subject))}
	b.good["revokeMark"] = request{as: "gov-ellis", target: "/federation/v1/marks/" + given + "/revocation", body: encode(b.t, object{"reason": "work-ended"})}
}

// marks are ones that nobody may give, or that are none.
func (b *bench) marks(add func(string, string, request, ...string)) {
	for _, op := range []string{"issueMark", "revokeMark"} {
		add(op+": by somebody who is no governance officer", "forbidden", b.as(op, "dr-patel"))
	}
	add("issueMark: to no peer", "invalid", b.but("issueMark", "https://"+marker+".example", "subject"))
	add("issueMark: to an end that is past", "invalid", b.but("issueMark", "2020-01-01T00:00:00Z", "until"))
	add("issueMark: for good", "invalid", b.but("issueMark", "2099-01-01T00:00:00Z", "until"))
	add("revokeMark: one that is none", "not-known", b.good["revokeMark"].at("/federation/v1/marks/"+seedID+"/revocation"), seedID)
	add("revokeMark: a reason of no list", "invalid", b.but("revokeMark", marker, "reason"))
	add("revokeMark: a second time", "conflict", b.good["revokeMark"].at("/federation/v1/marks/"+b.revoked+"/revocation"), b.revoked)
}

func init() { //nolint:gochecknoinits // a topic adds its own to the one list of what tells nothing
	for _, op := range []string{"issueMark", "revokeMark"} {
		tellsNothing[op] = "about a hub: knows no subject"
		ofOfficers[op] = "what the hub says of others is its officers' to say"
	}
}

// A mark is had, listed and judged by whoever asks, in the forms of OpenID Federation; what is asked in another way is
// refused, and nothing of it comes back.
func TestMarksAreStatedToWhoeverAsks(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	kind := hubID + "/names/marks/floor-kept"
	q := "trust_mark_type=" + url.QueryEscape(kind)
	status, media, text := b.statedAt(http.MethodGet, "/federation/v1/trust-mark-list?"+q)
	if status != http.StatusOK || media != "application/json" || strings.Count(text, `"`) != 2 {
		t.Fatalf("%d %s %s", status, media, text)
	}
	subject := strings.Trim(text, `["]`)
	status, media, mark := b.statedAt(http.MethodGet, "/federation/v1/trust-mark?"+q+"&sub="+url.QueryEscape(subject))
	if status != http.StatusOK || media != entity.MarkContentType {
		t.Fatalf("%d %s %s", status, media, mark)
	}
	asks := func(media, body string) (int, string, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/federation/v1/trust-mark-status", strings.NewReader(body))
		b.must(err)
		r.Header.Set("Content-Type", media)
		resp, err := b.client.Do(r)
		b.must(err)
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		b.must(err)
		return resp.StatusCode, resp.Header.Get("Content-Type"), string(text)
	}
	const form = "application/x-www-form-urlencoded"
	status, media, said := asks(form, "trust_mark="+mark)
	_, _, config := b.statedAt(http.MethodGet, entity.WellKnown)
	own, err := entity.OpenConfiguration(config, hubID, b.now())
	b.must(err)
	if got, err := entity.OpenStatus(said, hubID, mark, *own.Keys, b.now()); err != nil || status != http.StatusOK || media != entity.StatusContentType || got != entity.MarkActive {
		t.Errorf("%d %s %q %v", status, media, got, err)
	}
	for _, c := range []struct {
		media, body string
		want        int
	}{
		{form, "trust_mark=" + marker, 404}, {form, "trust_mark=", 404}, {form, "", 400}, {form, "trust_mark=a&trust_mark=b", 400}, {form, "trust_mark=a&x=" + marker, 400}, {form, "%zz", 400},
		{"application/json", `{"trust_mark":"` + marker + `"}`, 400}, {form, "trust_mark=" + strings.Repeat("a", 70<<10), 400}, {form, "trust_mark=%00%ff", 404},
	} {
		status, media, text := asks(c.media, c.body)
		if status != c.want || media != "application/problem+json" || strings.Contains(text, marker) {
			t.Errorf("%.60s: %d %s %s, want %d", c.body, status, media, text, c.want)
		}
	}
	for target, want := range map[string]int{
		"/federation/v1/trust-mark?" + q: 400, "/federation/v1/trust-mark?" + q + "&sub=" + marker: 404, "/federation/v1/trust-mark?trust_mark_type=" + marker + "&sub=" + marker: 404,
		"/federation/v1/trust-mark-list": 400, "/federation/v1/trust-mark-list?trust_mark_type=" + marker: 404, "/federation/v1/trust-mark-list?" + q + "&x=1": 400, "/federation/v1/trust-mark-status": 405,
		"/federation/v1/trust-mark-list?" + q + "&sub=%00": 400,
	} {
		status, media, text := b.statedAt(http.MethodGet, target)
		if status != want || media != "application/problem+json" || strings.Contains(text, marker) {
			t.Errorf("%s: %d %s %s, want %d", target, status, media, text, want)
		}
	}
}
