package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/lib/pq"
)

func TestEveryKindIsMappedAndDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/problems.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := make(map[string]string)
	for _, s := range strings.Split(string(text), "\n## ")[1:] {
		name, body, _ := strings.Cut(s, "\n")
		sections[name] = body
	}
	titles := make(map[string]bool)
	for _, k := range fault.Kinds {
		p := ProblemOf(fault.New(k, "do this"), "r")
		if p.Type != "docs/problems.md#"+string(k) || p.Status < 400 || p.Title == "" || titles[p.Title] {
			t.Errorf("%s: %+v", k, p)
		}
		titles[p.Title] = true
		if body := sections[string(k)]; !strings.Contains(body, "**What to do:**") || !strings.Contains(body, status(p.Status)) {
			t.Errorf("docs/problems.md has no section %s with its status and what to do", k)
		}
		if (p.Detail == "") != (k == fault.Internal) {
			t.Errorf("%s: detail %q", k, p.Detail)
		}
		delete(sections, string(k))
	}
	for name := range sections {
		t.Errorf("docs/problems.md explains %s, which no kind is", name)
	}
}

func status(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

func TestProblemsFitTheGeneratedTypes(t *testing.T) {
	t.Parallel()
	f := fault.At("/column", "say which")
	f.Step = 3
	want, err := json.Marshal(ProblemOf(f, "r"))
	if err != nil {
		t.Fatal(err)
	}
	for name, into := range map[string]interface {
		json.Marshaler
		json.Unmarshaler
	}{"relmgr": new(relmgroas.Problem), "consent": new(consentoas.Problem), "governance": new(governanceoas.Problem)} {
		if err := into.UnmarshalJSON(want); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got, err := into.MarshalJSON(); err != nil || string(got) != string(want) {
			t.Errorf("%s: %v\n%s\n%s", name, err, got, want)
		}
	}
}

func TestWriteProblemSetsTheHeadersOfTheKind(t *testing.T) {
	t.Parallel()
	busy := fault.New(fault.Unavailable, "try again")
	busy.RetryAfter = 1500 * time.Millisecond
	for _, c := range []struct {
		err           error
		status        int
		header, value string
	}{
		{fault.New(fault.Unauthenticated, "sign in"), 401, "WWW-Authenticate", "Bearer"},
		{busy, 503, "Retry-After", "2"},
		{fault.New(fault.RateLimited, "wait"), 429, "Retry-After", "1"},
		{fault.New(fault.Forbidden, "no"), 403, "WWW-Authenticate", ""},
		{errors.New("row (LMN-00042) is bad"), 500, "Retry-After", ""},
		{&pq.Error{Code: "57014", Message: "row (LMN-00042)"}, 503, "Retry-After", "1"},
	} {
		w := httptest.NewRecorder()
		WriteProblem(w, httptest.NewRequest(http.MethodGet, "/", nil), c.err)
		h := w.Header()
		if w.Code != c.status || h.Get(c.header) != c.value || h.Get("Cache-Control") != "no-store" ||
			h.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v: %d %v", c.err, w.Code, h)
		}
		if strings.Contains(w.Body.String(), "LMN") {
			t.Errorf("the problem repeats data: %s", w.Body)
		}
	}
}
