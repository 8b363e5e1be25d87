package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/pg"
)

// looking is a search for secrets, each with what it is.
func looking(secrets map[string]string) *hubtest.Search {
	s := new(hubtest.Search)
	for secret, what := range secrets {
		if len(secret) > 60 {
			s.ForText(what, secret)
		} else {
			s.For(what, secret)
		}
	}
	return s
}

var anyCode = regexp.MustCompile(`"code":"([0-9A-Z ]{11})"`)

// everySecret is what everybody in the town has known, typed or read out: the
// identifiers and names of its people, pairing codes, tokens and proofs.
func (w *town) everySecret(t *testing.T) map[string]string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	all, codes, proofs := map[string]string{}, 0, 0
	for secret, what := range w.secrets {
		all[secret] = what
	}
	for _, wire := range w.wires {
		for _, e := range wire.All() {
			for _, m := range anyCode.FindAllSubmatch(e.Received, -1) {
				all[string(m[1])], all[strings.ReplaceAll(string(m[1]), " ", "")] = "a pairing code", "a pairing code"
				codes++
			}
			_, body, _ := bytes.Cut(e.Received, []byte("\r\n\r\n"))
			var handle struct {
				Proofs struct{ Consent, Idmgr string }
			}
			if json.Unmarshal(body, &handle) == nil && handle.Proofs.Consent != "" {
				all[handle.Proofs.Consent], all[handle.Proofs.Idmgr] = "a proof of a handle", "a proof of a handle"
				proofs++
			}
		}
	}
	if codes < 20 || proofs < 50 {
		t.Fatalf("only %d pairing codes and %d proofs were seen: the town has hardly lived", codes, proofs)
	}
	return all
}

// E2E-27, without private links (DCP-02, DCP-03, DCP-04,
// IDX-04): Go runs tests in the order of their files, so the stories of this
// town have been told by now; this one tells all of Riverside's beside them. Then somebody steals the database's dump, its files and every log:
// there is no identifier, name, code, token or proof in any of them.
func TestE2E27ADatabaseAdministratorLooksInside(t *testing.T) {
	w := everyday(t)
	people, err := riverside.People()
	if err != nil {
		t.Fatal(err)
	}
	teller := w.storyteller()
	for _, p := range people {
		if err := teller.relate(t.Context(), w.keepSecret(p)); err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
	}
	if err := chapters(t.Context(), teller, new(telling), &printer{out: new(bytes.Buffer)}); err != nil {
		t.Fatalf("the demo's questions: %v", err)
	}
	secrets := w.everySecret(t)
	const planted = "GP-77777"
	secrets[planted] = "a planted identifier"
	search := looking(secrets)
	t.Logf("%d secrets in %d forms", len(secrets), search.Size())

	// The search finds what stands in the database, in clear and as bytes ...
	admin := w.Admin(t)
	for _, q := range []string{"create table relmgr.planted (a text, b bytea)", "insert into relmgr.planted values ('GP-77777', null)"} {
		if _, err := admin.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	wantPlanted(t, "text", search.In("the dump", w.Postgres.Dump(t, w.Name)))
	if _, err := admin.ExecContext(t.Context(), "update relmgr.planted set a = null, b = $1", []byte("x"+planted)); err != nil {
		t.Fatal(err)
	}
	wantPlanted(t, "bytes", search.In("the dump", w.Postgres.Dump(t, w.Name)))
	if _, err := admin.ExecContext(t.Context(), "drop table relmgr.planted"); err != nil {
		t.Fatal(err)
	}
	// ... and in the files, where what was dropped still stands.
	if _, err := admin.ExecContext(t.Context(), "checkpoint"); err != nil {
		t.Fatal(err)
	}
	files, size, err := search.InFiles(w.Postgres.Data())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d MB of files searched", size>>20)
	wantPlanted(t, "files", files)
	delete(secrets, planted)
	search = looking(secrets)

	dump := w.Postgres.Dump(t, w.Name)
	if !bytes.Contains(dump, []byte("COPY relmgr.handles")) || !bytes.Contains(dump, []byte("COPY consent.consents")) || !bytes.Contains(dump, []byte("COPY governance.terms")) || !bytes.Contains(dump, []byte("COPY registrar.profiles")) {
		t.Fatal("the dump is not of the whole database")
	}
	report := func(found []hubtest.Found) {
		t.Helper()
		for _, f := range found {
			if f.What != "a planted identifier" {
				t.Error(f)
			}
		}
	}
	report(search.In("the dump", dump))
	report(files)
	for _, d := range w.Duties() {
		text := d.Log.Bytes()
		if !bytes.Contains(text, []byte(`"msg":"listening"`)) {
			t.Errorf("%s has logged nothing: %s", d.Name, text)
		}
		report(search.In("the log of "+d.Name, text))
	}
	if text := w.Postgres.Log.Bytes(); !bytes.Contains(text, []byte("database system is ready")) {
		t.Error("PostgreSQL has logged nothing")
	} else {
		report(search.In("PostgreSQL's log", text))
	}
	wantPlanted(t, "a log", looking(map[string]string{planted: "a planted identifier"}).In("a log", append(w.Relmgr.Log.Bytes(), hex.EncodeToString([]byte(planted))...)))

	w.verifies(t)

	// The whole matrix is internal/archtest's; here a few, with the logins of a
	// running hub.
	for _, wall := range []struct{ duty, query string }{
		{"consent", "select 1 from relmgr.handles"},
		{"consent", "select 1 from relmgr.enquiries"},
		{"consent", "update consent.acts set at = now()"},
		{"governance", "select 1 from relmgr.handles"},
		{"governance", "select 1 from consent.consents"},
		{"relmgr", "select 1 from consent.consents"},
		{"relmgr", "select 1 from governance.practitioners"},
		{"relmgr", "select 1 from ledger.pending"},
		{"relmgr", "delete from relmgr.acts"},
		{"relmgr", "update relmgr.enquiries set at = now()"},
	} {
		if _, err := w.As(t, wall.duty).ExecContext(t.Context(), wall.query); !pg.CrossedWall(err) {
			t.Errorf("%s may %s: %v", wall.duty, wall.query, err)
		}
	}
	for _, may := range []struct{ duty, query string }{
		{"relmgr", "select 1 from relmgr.handles"}, {"consent", "select 1 from consent.consents"}, {"governance", "select 1 from governance.acts"},
	} {
		if _, err := w.As(t, may.duty).ExecContext(t.Context(), may.query); err != nil {
			t.Errorf("%s may not %s: %v", may.duty, may.query, err)
		}
	}
}

func wantPlanted(t *testing.T, where string, found []hubtest.Found) {
	t.Helper()
	for _, f := range found {
		if f.What == "a planted identifier" {
			return
		}
	}
	t.Errorf("what was planted in %s is not found, so the search proves nothing", where)
}
