package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
)

// E2E-25 (FED-20, FED-21, REG-10): two registrars, of which one covers for the other, each
// a process with keys of its own. The one is killed under load; who keeps the
// other's registers takes responsibility by an act, and it recognises the same people
// by the same references, marked as cover, with recognitions that the index takes; it
// enters nobody. When the one is back it answers for itself, nobody stands there twice,
// and the hub verifies.
func TestE2E25ARegistrarFailsAndAnotherCovers(t *testing.T) {
	w := newTown(t, cluster(t), "covered")
	own := w.Config(t, "registrar")
	dir := hubtest.Dir(t, "stand-in")
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	if err := registrar.MakeKeys(t.Context(), keys, "stand-in"); err != nil {
		t.Fatal(err)
	}
	set, err := attest.PublicKeys(t.Context(), keys, registrar.SigningKey("stand-in"))
	if err != nil {
		t.Fatal(err)
	}
	second := own
	second.Listen, second.Registrar = hubtest.FreePort(t), "stand-in"
	second.Keys, second.Identity = filepath.Join(dir, "keys"), filepath.Join(dir, "identity")
	second.Covers = []process.Cover{{Registrar: string(registrarCode), Keys: own.Keys, Identity: own.Identity}}
	spare := w.Another(t, "stand-in", second)

	w.tellRegistrar(t, "ms-abara", "/registers", map[string]any{"register": "people", "title": "People", "contact": "desk", "scope": "All", "self_registered": false})
	person := func() []map[string]any {
		return []map[string]any{
			{"name": map[string]any{"given": "Ottoline", "family": "Fennimore"}}, {"birth": map[string]any{"date": "1951-02-03"}},
			{"identifier": map[string]any{"scheme": "passport", "value": "ZC7391739"}},
		}
	}
	items := person()
	for _, i := range items {
		i["source"] = "document"
	}
	w.tellRegistrar(t, "ms-abara", "/registers/people/subjects", map[string]any{"items": items})
	asking := map[string]any{"purpose": "co-ordinate-care", "reason": "working-with-person", "evidence": person()}
	ask := func(at *hubtest.Process) (status int, said map[string]any) {
		a, err := w.trySend(t.Context(), "dr-patel", http.MethodPost, at.URL+"/registrar/v1/registers/people/recognitions", mustJSON(t, asking))
		if err != nil {
			return 0, nil
		}
		_ = json.Unmarshal(a.body, &said)
		return a.status, said
	}
	status, before := ask(w.Registrar)
	if status != http.StatusOK || before["outcome"] != "determined" || before["covered_by"] != nil {
		t.Fatalf("before anything failed: %d %v", status, before)
	}
	until := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	cover := func(who string) int {
		return w.send(t, who, http.MethodPost, spare.URL+"/registrar/v1/registers/people/covers", map[string]any{"until": until, "reason": "risk-of-harm"}).status
	}
	if got := cover("dr-lund"); got != http.StatusForbidden {
		t.Errorf("without a word in the partnership document the stand-in covers: %d", got)
	}
	var doc map[string]any
	if err := json.Unmarshal(w.document, &doc); err != nil {
		t.Fatal(err)
	}
	var jwks map[string]any
	if err := json.Unmarshal(mustJSON(t, set), &jwks); err != nil {
		t.Fatal(err)
	}
	listed := doc["registrars"].([]any)
	listed[0].(map[string]any)["covered_by"] = []string{"stand-in"}
	doc["registrars"] = append(listed, map[string]any{"code": "stand-in", "title": "The surgery's register", "agency": "riverside-gp", "roles": []string{"caldicott-guardian"}, "keys": jwks["keys"]})
	w.apply(t, "gov-ellis", mustJSON(t, doc))
	if status, said := ask(spare); status != http.StatusNotFound {
		t.Errorf("before anybody took responsibility the stand-in answers %d %v", status, said)
	}
	if got := cover("ms-abara"); got != http.StatusForbidden {
		t.Errorf("who keeps the other registers takes responsibility for the stand-in: %d", got)
	}

	// Under load, of people who ask the one and then the other.
	var answered, byCover, unanswered atomic.Int32
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 3 {
		load.Go(func() {
			for n := 0; n < 40; n++ {
				select {
				case <-stop:
					return
				case <-time.After(20 * time.Millisecond):
				}
				status, said := ask(w.Registrar)
				if status != http.StatusOK {
					status, said = ask(spare)
				}
				switch {
				case status == http.StatusOK && (said["outcome"] != "determined" || said["subject"] != before["subject"]):
					t.Errorf("under load the answer is %v", said)
				case status == http.StatusOK && said["covered_by"] == "stand-in":
					byCover.Add(1)
				case status == http.StatusOK:
					answered.Add(1)
				default:
					unanswered.Add(1)
				}
			}
		})
	}
	hubtest.Eventually(t, "the first answers", func() error {
		if answered.Load() < 5 {
			return fmt.Errorf("%d answers", answered.Load())
		}
		return nil
	})
	w.Registrar.Kill(t)
	if got := cover("dr-lund"); got != http.StatusCreated {
		t.Fatalf("taking responsibility is answered %d", got)
	}
	hubtest.Eventually(t, "the stand-in answers", func() error {
		if byCover.Load() < 5 {
			return fmt.Errorf("%d answers", byCover.Load())
		}
		return nil
	})
	close(stop)
	load.Wait()

	// Its recognitions are the register's own: the index finds who was known by them.
	status, said := ask(spare)
	if status != http.StatusOK || said["covered_by"] != "stand-in" || said["recognition"] == nil {
		t.Fatalf("the stand-in answers %d %v", status, said)
	}
	if a := w.send(t, "dr-patel", http.MethodPost, w.Relmgr.URL+"/relmgr/v1/enquiries", map[string]any{
		"column": "gp-riverside", "recognition": said["recognition"], "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "adult", "case": "2026/1",
	}); a.status != http.StatusOK {
		t.Errorf("the index takes its recognition: %d %s", a.status, a.body)
	}
	for path, body := range map[string]any{
		"/registers/people/subjects": map[string]any{"items": items}, "/registers/people/reports": map[string]any{"kind": "overlay", "subject": before["subject"], "reason": "risk-of-harm"},
	} {
		for _, who := range []string{"dr-lund", "ms-abara"} {
			if a := w.send(t, who, http.MethodPost, spare.URL+"/registrar/v1"+path, body); a.status != http.StatusNotFound && a.status != http.StatusForbidden {
				t.Errorf("%s has the stand-in change the register at %s: %d %s", who, path, a.status, a.body)
			}
		}
	}
	w.Registrar.Start(t)
	if status, said := ask(w.Registrar); status != http.StatusOK || said["subject"] != before["subject"] || said["covered_by"] != nil {
		t.Errorf("when it is back it answers %d %v", status, said)
	}
	var people, acts int
	if err := w.Admin(t).QueryRow("select (select count(*) from registrar.subjects), (select count(*) from registrar.acts where kind = 'cover' and practitioner_id = 'dr-lund')").Scan(&people, &acts); err != nil {
		t.Fatal(err)
	}
	if people != 1 || acts != 1 {
		t.Errorf("%d people and %d acts of cover, want one of each", people, acts)
	}
	t.Logf("%d answers by the registrar, %d by the stand-in, %d by neither", answered.Load(), byCover.Load(), unanswered.Load())

	// ACT-03, ACT-09: what the stand-in does in its own name is sealed under keys of its
	// own, and verified by them.
	if a := w.send(t, "dr-lund", http.MethodPost, spare.URL+"/registrar/v1/registers", map[string]any{
		"register": "patients", "title": "Patients", "contact": "desk", "scope": "The surgery's", "self_registered": false,
	}); a.status != http.StatusCreated {
		t.Fatalf("a register of the stand-in's own: %d %s", a.status, a.body)
	}
	var told struct {
		Findings []any
		Unopened []string
	}
	wantJSON(t, hubtest.Fame(t, "", "--dir", w.Dir, "--json", "verify"), &told)
	if len(told.Findings)+len(told.Unopened) != 0 {
		t.Errorf("with the keys of both registrars: %+v", told)
	}
	if err := os.Rename(second.Keys, second.Keys+".away"); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "verify"), 0, "NOT CHECKED", "what the records of registrar stand-in say")
	if err := os.Rename(second.Keys+".away", second.Keys); err != nil {
		t.Fatal(err)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
