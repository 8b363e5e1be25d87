package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// XCU-07: with consent and governance stopped, people are still asked
// about, and what rests on another ground than consent is still published. What
// needs the stopped duty fails, and comes back with it.
func TestEnquiriesGoOnWithoutTheOtherDuties(t *testing.T) {
	w := fragile(t)
	who := w.known("Mary Hart", map[ident.Column]string{"gp-riverside": "GP-60301", "social-care": "LMN-60301"})
	who.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}}
	w.relate(t, who)
	_, before := w.ask(t, "mr-lindqvist", "social-care", "LMN-60301", "")

	w.Consent.Stop(t)
	w.Governance.Stop(t)
	a, during := w.ask(t, "mr-lindqvist", "social-care", "LMN-60301", "")
	wantTold(t, a, "riverside-surgery")
	wantSame(t, "an answer with and without the other duties", before, during)
	if status, body := w.Relmgr.Readyz(t); status != http.StatusOK {
		t.Errorf("relmgr is not ready without the others: %d %s", status, body)
	}
	imposed := riverside.Person{Imposed: "significant-harm", Reason: "risk-of-harm", Identifiers: map[ident.Column]string{"school-pastoral": "S060301"}}
	if _, err := w.storyteller().publish(t.Context(), imposed, offering["school-pastoral"]); err != nil {
		t.Errorf("what needs no consent is not published: %v", err)
	}
	asked := w.known("Mary Hart again", map[ident.Column]string{"gp-riverside": "GP-60302"})
	if err := w.storyteller().relate(t.Context(), asked); err == nil {
		t.Error("a consent was captured while nobody serves consents")
	}
	w.Consent.Start(t)
	w.Governance.Start(t)
	w.relate(t, asked)
}

// XCU-06: when the database is stopped, /readyz says 503 and what is missing,
// and questions get a clean 503 that says when to come back; when the database
// is there again so is every duty, without a restart.
func TestADutyWithoutItsDatabaseSaysSoAndComesBack(t *testing.T) {
	w := fragile(t)
	a, _ := w.ask(t, "mr-lindqvist", "social-care", "LMN-60303", "")
	wantTold(t, a)
	for how, end := range map[string]func(testing.TB){"stopped": w.Postgres.Stop, "killed": w.Postgres.Kill} {
		end(t)
		for _, d := range w.Duties() {
			var body string
			hubtest.Eventually(t, d.Name+" says that it is not ready", func() (err error) { // its last word may be a second old
				var status int
				if status, body = d.Readyz(t); status != http.StatusServiceUnavailable {
					return errStillReady(status)
				}
				return nil
			})
			var report struct {
				Ready  bool
				Checks []struct {
					Name, Do string
					OK       bool
				}
			}
			if err := json.Unmarshal([]byte(body), &report); err != nil {
				t.Fatal(err)
			}
			named := false
			for _, c := range report.Checks {
				named = named || strings.HasSuffix(c.Name, " database") && !c.OK && c.Do != ""
			}
			if report.Ready || !named {
				t.Errorf("%s: %s does not say that the database is missing: %s", how, d.Name, body)
			}
			for _, leak := range []string{"password", "/dev/shm", w.Postgres.Data(), "fame_admin", "SQLSTATE"} {
				if strings.Contains(body, leak) {
					t.Errorf("%s: /readyz of %s shows %q: %s", how, d.Name, leak, body)
				}
			}
		}
		for url, body := range map[string]any{
			w.Relmgr.URL + "/relmgr/v1/enquiries": enquiry("social-care", "LMN-60303", ""),
			w.Relmgr.URL + "/relmgr/v1/handles":   map[string]any{"column": "social-care", "identifier": "LMN-60303"},
		} {
			for range 3 {
				got := w.send(t, "mr-lindqvist", http.MethodPost, url, body)
				p := got.problem(t, http.StatusServiceUnavailable)
				wait, err := strconv.Atoi(got.header.Get("Retry-After"))
				if err != nil || wait < 1 || wait > 60 || p.Detail == "" || p.Type != "docs/problems.md#unavailable" {
					t.Errorf("%s: Retry-After %q, %s", how, got.header.Get("Retry-After"), got.body)
				}
			}
		}
		w.Postgres.Start(t)
		for _, d := range w.Duties() {
			d.WaitReady(t)
		}
		again, _ := w.ask(t, "mr-lindqvist", "social-care", "LMN-60303", "")
		wantTold(t, again)
	}
	wantWhole(t, w.Admin(t))
}

type errStillReady int

func (e errStillReady) Error() string { return "it answers " + strconv.Itoa(int(e)) }
