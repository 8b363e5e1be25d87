package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// wantOutcome checks a command's exit code and what it told people.
func wantOutcome(t *testing.T, o hubtest.Outcome, code int, says ...string) {
	t.Helper()
	if o.Code != code {
		t.Fatalf("exit %d, want %d\n%s%s", o.Code, code, o.Stdout, o.Stderr)
	}
	for _, s := range says {
		if !strings.Contains(o.Stdout+o.Stderr, s) {
			t.Errorf("nothing says %q:\n%s%s", s, o.Stdout, o.Stderr)
		}
	}
}

// wantJSON checks that a command printed one JSON document and nothing else.
func wantJSON(t *testing.T, o hubtest.Outcome, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(o.Stdout), into); err != nil || o.Code != 0 {
		t.Fatalf("exit %d, %v:\n%s%s", o.Code, err, o.Stdout, o.Stderr)
	}
}

// QRY-01, QRY-03, LEG-01: `fame ask` asks for people and for programs, takes
// the identifier from its standard input so that no shell keeps it, and says
// what stopped a question.
func TestFameAsk(t *testing.T) {
	w := everyday(t)
	who := w.known("Olive Jacks", map[ident.Column]string{"gp-riverside": "GP-60701", "social-care": "LMN-60701"})
	who.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}}
	w.relate(t, who)
	ask := func(who, input string, more ...string) hubtest.Outcome {
		t.Helper()
		return hubtest.Fame(t, input, append([]string{"ask", "--url", w.Relmgr.URL, "--token", w.token(t, who), "--column", "social-care", "--reason", "working-with-person"}, more...)...)
	}
	wantOutcome(t, ask("mr-lindqvist", "", "--purpose", "co-ordinate-care", "LMN-60701"), 0,
		"Riverside Surgery (General practitioner)", "will co-ordinate for joint-assessment, medication-review: telephone 01632 960101")
	for name, o := range map[string]hubtest.Outcome{
		"an argument":    ask("mr-lindqvist", "", "--purpose", "co-ordinate-care", "--json", "LMN-60701"),
		"standard input": ask("mr-lindqvist", "LMN-60701\n", "--purpose", "co-ordinate-care", "--json"),
	} {
		var raw json.RawMessage
		wantJSON(t, o, &raw)
		a := new(relmgroas.Answer)
		if err := a.UnmarshalJSON(raw); err != nil {
			t.Fatal(err)
		}
		wantTold(t, a, "riverside-surgery")
		if a.Known != "yes" || strings.Contains(o.Stdout+o.Stderr, "60701") {
			t.Errorf("with %s: %s", name, o.Stdout+o.Stderr)
		}
	}
	wantOutcome(t, ask("mr-lindqvist", "", "--purpose", "co-ordinate-care", "LMN-60702"), 0, "e have nothing we can tell you")
	wantOutcome(t, ask("clerk-ito", "", "--column", "gp-riverside", "--purpose", "co-ordinate-care", "--json", "GP-60701"), 1, "fame: A step of the decision failed", "step 1:", "docs/problems.md#decision-refused")
	wantOutcome(t, ask("dr-patel", "", "--purpose", "co-ordinate-care", "LMN-60701"), 1, "You may not do this", "not a member of that column")
	wantOutcome(t, ask("nobody-at-all", "", "--purpose", "co-ordinate-care", "LMN-60701"), 1, "not in the register of users")
	wrong := ask("mr-lindqvist", "", "--purpose", "co-ordinate-care", "LMN-6070l")
	wantOutcome(t, wrong, 1, "/identifier: write it as your column does, for example LMN-12345")
	if strings.Contains(wrong.Stdout+wrong.Stderr, "6070l") {
		t.Errorf("what was sent is repeated: %s", wrong.Stderr)
	}
	wantOutcome(t, ask("mr-lindqvist", "", "--purpose", "co-ordinate-care", "--concerning", "whoever", "LMN-60701"), 80, "--concerning must be one of")
	wantOutcome(t, hubtest.Fame(t, "", "ask", "--column", "social-care", "LMN-60701"), 80, "missing flags")
	wantOutcome(t, hubtest.Fame(t, "", "no-such-command"), 80, "unexpected argument")
	wantOutcome(t, hubtest.Fame(t, "", "ask", "--url", "http://"+hubtest.FreePort(t), "--token", "x", "--column", "c", "--purpose", "p", "--reason", "r", "i"), 1, "the hub could not be asked")
	nowhere := filepath.Join(t.TempDir(), "none")
	wantOutcome(t, hubtest.Fame(t, "", "--dir", nowhere, "ask", "--column", "c", "--purpose", "p", "--reason", "r", "i"), 1, "no hub in", "fame init")
}

// IDX-14, COL-04: `fame apply` shows what would change and changes nothing with
// --dry-run, and names the file and line of what cannot be used.
func TestFameApply(t *testing.T) {
	w := everyday(t)
	apply := func(document []byte, more ...string) (hubtest.Outcome, string) {
		t.Helper()
		name := w.file(t, document)
		return hubtest.Fame(t, "", append([]string{"apply", "--url", w.Governance.URL, "--token", w.token(t, "gov-ellis"), "-f", name}, more...)...), name
	}
	var before, after struct {
		Applied bool
		Version int64
		Changes []struct{ Change, Pointer, From, To string }
	}
	o, _ := apply(w.document, "--json")
	wantJSON(t, o, &before)
	if before.Applied || len(before.Changes) > 0 || before.Version < 2 {
		t.Errorf("the document in force differs from itself: %s", o.Stdout)
	}
	o, _ = apply(w.document)
	wantOutcome(t, o, 0, fmt.Sprintf("Nothing differs from version %d.", before.Version))

	changed := bytes.Replace(w.document, []byte(`"01632 960101"`), []byte(`"01632 960191"`), 1)
	o, _ = apply(changed, "--dry-run")
	wantOutcome(t, o, 0, `~ /columns/gp-riverside/contacts/desk/value "01632 960101" -> "01632 960191"`,
		fmt.Sprintf("1 changes would be applied to version %d. Nothing has changed.", before.Version))
	o, _ = apply(w.document, "--json", "--dry-run")
	wantJSON(t, o, &after)
	if after.Version != before.Version || len(after.Changes) > 0 {
		t.Errorf("the dry run changed something: %s", o.Stdout)
	}

	// As YAML, in the partnership's own hand: what is wrong is at a line.
	text := strings.Split(string(bytes.ReplaceAll(riverside.Partnership(), []byte("http://127.0.0.1:8400/issuer"), []byte(w.issuer.URL()))), "\n")
	at := 0
	for i, line := range text {
		if strings.Contains(line, "pattern: \"LMN-") {
			text[i], at = strings.Replace(line, "[0-9]{5}", "[0-9{5}", 1), i+1
		}
	}
	if at == 0 {
		t.Fatal("the partnership has no such line")
	}
	o, name := apply([]byte(strings.Join(text, "\n")))
	wantOutcome(t, o, 1, fmt.Sprintf("%s:%d: /columns/3/pattern: ", name, at), "cannot be used as they stand")
	text[at-1] = strings.Replace(text[at-1], "[0-9{5}", "[0-9]{5}", 1)
	text[at] = "    sample: \"LMN-12345\""
	o, name = apply([]byte(strings.Join(text, "\n")))
	wantOutcome(t, o, 1, fmt.Sprintf("%s:%d: ", name, at+1))
	o, name = apply([]byte("partnership: [\n"))
	wantOutcome(t, o, 1, name)
	o, _ = apply([]byte("x: 1"), "--token", w.token(t, "dr-patel"))
	if o.Code == 0 {
		t.Error("a GP applied a partnership document")
	}
	wantOutcome(t, hubtest.Fame(t, "", "apply", "--url", w.Governance.URL, "--token", w.token(t, "dr-patel"), "-f", w.file(t, w.document)), 1, "You may not do this")
	wantOutcome(t, hubtest.Fame(t, string(w.document), "apply", "--url", w.Governance.URL, "--token", w.token(t, "gov-ellis"), "-f", "-"), 0, "Nothing differs")
	wantOutcome(t, hubtest.Fame(t, "", "apply", "--url", w.Governance.URL, "--token", "x", "-f", filepath.Join(t.TempDir(), "none.yaml")), 1, "no such file")
}

// IDX-16: every duty of the build says who is responsible for it, what it does and
// where it is.
func TestEveryDutyIsDescribed(t *testing.T) {
	t.Parallel()
	described := map[string]bool{}
	for _, s := range (hub{hubFile: hubFile{Hub: "http://127.0.0.1:1"}}).services() {
		described[s.Duty] = s.Function != "" && s.Responsible != "" && s.Status != "" && strings.HasSuffix(s.Address, "/"+s.Duty+"/v1")
	}
	for _, duty := range duties {
		if !described[duty] {
			t.Errorf("%s is not described, or half", duty)
		}
	}
}

// Receipts of consents are for others to verify: `fame init` publishes the
// public half of the consent duty's key, and no other key.
func TestFameInitPublishesTheKeysOfReceipts(t *testing.T) {
	w := everyday(t)
	receipts, err := attest.LoadKeySet(filepath.Join(w.Dir, "keys", "receipts.jwks"))
	if err != nil {
		t.Fatal(err)
	}
	handles, err := attest.LoadKeySet(filepath.Join(w.Dir, "keys", "handles.jwks"))
	if err != nil {
		t.Fatal(err)
	}
	if r, h := receipts.KeyIDs(), handles.KeyIDs(); len(r) != 1 || slices.Contains(h, r[0]) {
		t.Errorf("receipts are signed with %v, handle proofs with %v", r, h)
	}
}

// `fame migrate` finds nothing to do on a hub of this release, and changes no
// password: the duties go on.
func TestFameMigrate(t *testing.T) {
	w := everyday(t)
	var done struct {
		Hub     string
		Version int
	}
	wantJSON(t, hubtest.Fame(t, "", "--dir", w.Dir, "--json", "migrate", "--database", w.Postgres.AdminDSN(w.Name)), &done)
	if done.Hub != w.Name || done.Version < 4 {
		t.Errorf("%+v", done)
	}
	wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "migrate"), 1, "give --database")
	w.As(t, "relmgr")
	// A hub is made once: what is there is not overwritten.
	again := hubtest.Fame(t, "", "--dir", w.Dir, "init", "--governor", "https://login.example#x", "--database", w.Postgres.AdminDSN(w.Name))
	wantOutcome(t, again, 1, "there is a hub in")
	wantOutcome(t, hubtest.Fame(t, "", "--dir", filepath.Join(t.TempDir(), "new"), "init", "--governor", "nobody"), 1, "ISSUER#SUBJECT")
	wantOutcome(t, hubtest.Fame(t, "", "--dir", w.Dir, "token", "--as", "mr-lindqvist"), 1, "no local issuer")
}

// `fame up` makes a hub on a PostgreSQL of its own, tokens come from its
// local issuer, and what was done is there when it is stopped, migrated and
// started again.
func TestFameUpTokenAndMigrate(t *testing.T) {
	at := hubtest.FreePort(t)
	h := hub{dir: filepath.Join(hubtest.Dir(t, "up"), "hub"), hubFile: hubFile{Hub: "http://" + at, Listen: at}}
	up := hubtest.FameProcess(t, h.Hub, "--dir", h.dir, "up", "--listen", at)
	up.Start(t)
	in := func(args ...string) hubtest.Outcome {
		return hubtest.Fame(t, "", append([]string{"--dir", h.dir}, args...)...)
	}

	var token struct{ Token string }
	wantJSON(t, in("token", "--as", "governor", "--json"), &token)
	if plain := in("token", "--as", "governor"); plain.Code != 0 || strings.Count(plain.Stdout, ".") != 2 || strings.Count(token.Token, ".") != 2 {
		t.Errorf("a token is %s", plain.Stdout)
	}
	document, err := riversideDocument(h)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "partnership.json")
	if err := os.WriteFile(file, document, 0o600); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, in("apply", "--token", token.Token, "-f", file), 0, "version 2 is in force from now on")
	ask := []string{"ask", "--as", "mr-lindqvist", "--column", "social-care", "--purpose", "co-ordinate-care", "--reason", "working-with-person", "LMN-60801"}
	wantOutcome(t, in(ask...), 0, "nothing we can tell you")
	// The sequencer runs here too, and the hub is verified while it is up ...
	hubtest.Eventually(t, "the log has a checkpoint of all three", func() error {
		if signed := fetched(t, h.Hub+"/log/v1/checkpoint"); !strings.HasPrefix(signed, at+"/log/v1\n3\n") {
			return errors.New(signed)
		}
		return nil
	})
	wantOutcome(t, in("verify"), 0, "The log has 3 leaves", "Nothing is broken.")
	up.Stop(t)
	wantOutcome(t, in("verify"), 0, "Nothing is broken.") // ... and while it is not
	wantOutcome(t, in(ask...), 1, "the hub could not be asked")
	wantOutcome(t, in("migrate"), 0, "has schema version")
	up.Start(t)
	wantOutcome(t, in(ask...), 0, "nothing we can tell you")
	second := hubtest.Fame(t, "", "--dir", h.dir, "up")
	wantOutcome(t, second, 1, "cannot serve on "+at)
	up.Stop(t)
	if !bytes.Contains(up.Log.Bytes(), []byte("the wall of keys")) {
		t.Errorf("`fame up` does not say which walls do not hold: %s", up.Log.Bytes())
	}
}

// QRY-01, QRY-02, QRY-03: `fame demo --once --json` tells its story to
// programs, with nothing else on its output, and ends with 0.
func TestFameDemo(t *testing.T) {
	hubtest.Dir(t, "demo")
	o := hubtest.Fame(t, "", "demo", "--once", "--json", "--listen", hubtest.FreePort(t))
	var told telling
	wantJSON(t, o, &told)
	if told.Relationships < 30 || told.Correlations < 10 || len(told.Answers) < 8 || len(told.Refusals) != 2 || told.Seconds <= 0 {
		t.Errorf("the story is short: %s", o.Stdout)
	}
	if a := told.Answers[0]; a.Known != "yes" || len(a.Providers) != 3 {
		t.Errorf("the first answer is %+v", a)
	}
	if o.Stderr != "" {
		t.Errorf("there is something to complain about: %s", o.Stderr)
	}
}
