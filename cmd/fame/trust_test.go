package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// E2E-12, TRU-07, PAR-07: trust in a member is withdrawn while everybody asks. Its next
// request fails, and nobody is told of it from then on; others notice nothing, neither an
// error nor another answer. Readmitted under another model, it begins with what it
// agrees to anew; its history is there.
func TestE2E12TrustInAMemberIsWithdrawnUnderLoad(t *testing.T) {
	w := newTown(t, cluster(t), "withdrawal").explained(t)
	who := w.known("Otto Brill", map[ident.Column]string{"school-pastoral": "S061202", "gp-riverside": "GP-61202", "social-care": "LMN-61202"})
	who.Correlates = [][2]ident.Column{{"school-pastoral", "social-care"}, {"gp-riverside", "social-care"}}
	w.relate(t, who)
	told, _ := w.ask(t, "mr-lindqvist", "social-care", "LMN-61202", "")
	wantTold(t, told, "school-pastoral-lead", "riverside-surgery")

	// Others ask all the time: the surgery about the same person and about a stranger.
	others := map[string]map[string]any{
		"dr-patel": enquiry("gp-riverside", "GP-61202", ""), "pc-dunne": enquiry("police-riverside", "P/6120/26", ""),
	}
	stop, stopped := make(chan struct{}), new(sync.WaitGroup)
	var mu sync.Mutex
	asked, wrong := map[string]int{}, []string{}
	for name, q := range others {
		w.signedIn(t, name)
		text, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		token := w.token(t, name)
		stopped.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				status, body := posted(w.Relmgr.URL+"/relmgr/v1/enquiries", token, string(text))
				mu.Lock()
				asked[name]++
				if status != http.StatusOK || name == "dr-patel" && !strings.Contains(body, `"childrens-assessment"`) {
					wrong = append(wrong, name+" "+body)
				}
				mu.Unlock()
			}
		})
	}
	some := func(n int) {
		t.Helper()
		mu.Lock()
		before := asked["dr-patel"]
		mu.Unlock()
		for range 600 {
			mu.Lock()
			enough := asked["dr-patel"] >= before+n
			mu.Unlock()
			if enough {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatal("the others no longer ask")
	}
	some(20)
	w.ask(t, "ms-okafor", "school-pastoral", "S061202", "")
	w.change(t, func(doc map[string]any) {
		withCode(list(doc, "agencies"), "hillside-school")["ends"] = time.Now().Add(-time.Second).UTC().Format(time.RFC3339)
	})
	w.send(t, "ms-okafor", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/enquiries", enquiry("school-pastoral", "S061202", "")).problem(t, http.StatusForbidden)
	told, _ = w.ask(t, "mr-lindqvist", "social-care", "LMN-61202", "")
	wantTold(t, told, "riverside-surgery")
	some(20)

	// Readmitted under another agreement, which wants both sides to confirm.
	w.change(t, func(doc map[string]any) {
		children := withCode(list(doc, "agreements"), "riverside-children")
		parties := children["parties"].([]any)
		joint := map[string]any{}
		for k, v := range children {
			joint[k] = v
		}
		joint["code"], joint["parties"], joint["modes"] = "school-on-both-sides", []any{"hillside-school", "riverside-social-care"}, []any{"joint", "supplier-with-consent"}
		children["parties"] = slices.DeleteFunc(slices.Clone(parties), func(p any) bool { return p == "hillside-school" })
		doc["agreements"] = append(list(doc, "agreements"), joint)
	})
	a, _ := w.ask(t, "ms-okafor", "school-pastoral", "S061202", "")
	if !a.Published || len(a.Providers) > 0 { // its own publication is there, and stands under nothing now
		t.Errorf("readmitted, the school is told %+v", a)
	}
	told, _ = w.ask(t, "mr-lindqvist", "social-care", "LMN-61202", "")
	wantTold(t, told, "riverside-surgery")
	var handle struct{ Handle string }
	w.done(t, "ms-okafor", http.MethodPost, "/handles", map[string]any{"column": "school-pastoral", "identifier": "S061202"}, &handle)
	var history struct{ Acts []struct{ Kind string } }
	w.done(t, "ms-okafor", http.MethodGet, "/acts?purpose=co-ordinate-care&reason=working-with-person&handle="+handle.Handle, nil, &history)
	if len(history.Acts) < 2 {
		t.Errorf("its history is %+v", history)
	}
	some(20)
	close(stop)
	stopped.Wait()
	if len(wrong) > 0 {
		t.Errorf("%d of %v answers of others went wrong: %.300s", len(wrong), asked, wrong[0])
	}
	wantWhole(t, w.Admin(t))
}

// posted sends a question, and returns what came.
func posted(url, token, body string) (status int, answer string) {
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := res.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return res.StatusCode, b.String()
		}
	}
}

// QRY-13, issue "notices": the process that sends a notice is killed while the agency's
// server keeps it waiting, after what made the notice was worked off. Nothing is lost:
// started again it sends the same one, and it can be read once it has arrived.
func TestANoticeOutlivesTheProcessThatSendsIt(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a beat and for the second try: two minutes")
	}
	w := newTown(t, cluster(t), "notices").explained(t)
	arrived, let := make(chan string, 8), make(chan struct{})
	var once sync.Once
	release := func() { once.Do(func() { close(let) }) }
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var batch []struct{ ID string }
		if err := json.NewDecoder(r.Body).Decode(&batch); err == nil && len(batch) == 1 {
			arrived <- batch[0].ID
		} else {
			arrived <- "no batch of one"
		}
		<-let
	}))
	defer server.Close()
	defer release()
	w.change(t, func(doc map[string]any) {
		doc["settings"].(map[string]any)["notice_minutes"] = 1
		withCode(list(doc, "agencies"), "riverside-gp")["webhook"] = server.URL + "/notices"
	})
	// The surgery wants to be informed, and social care joins later.
	who := w.known("Otto Brill", map[ident.Column]string{"gp-riverside": "GP-61203", "social-care": "LMN-61203"})
	who.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}}
	w.relate(t, who)
	next := func(within time.Duration) string {
		t.Helper()
		select {
		case id := <-arrived:
			return id
		case <-time.After(within):
			t.Fatalf("nothing was sent within %v", within)
			return ""
		}
	}
	first := next(2 * time.Minute)
	w.Relmgr.Kill(t)
	w.Relmgr.Start(t)
	if again := next(3 * time.Minute); again != first {
		t.Errorf("sent %s, and then %s", first, again)
	}
	release()
	var page struct {
		Notices []struct {
			Notice, Identifier string
			Providers          []struct{ Provider string }
		}
	}
	w.done(t, "dr-patel", http.MethodGet, "/notices?column=gp-riverside&purpose=co-ordinate-care&reason=working-with-person", nil, &page)
	if len(page.Notices) != 1 || page.Notices[0].Notice != first || page.Notices[0].Identifier != "GP-61203" || page.Notices[0].Providers[0].Provider != "childrens-assessment" {
		t.Errorf("read: %+v, sent %s", page, first)
	}
	if dump := string(w.Postgres.Dump(t, w.Hub.Name)); strings.Contains(dump, "GP-61203") {
		t.Error("the identifier is in the dump")
	}
}
