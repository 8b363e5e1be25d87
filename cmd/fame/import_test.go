package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fame-hub/fame/internal/hubtest"
)

// approvalOf is what the surgery's Caldicott guardian approves.
func approvalOf(relationships int) string {
	return fmt.Sprintf(`
columns: [gp-riverside]
mode: imposed
reason: risk-of-harm
relationships: %[1]d
until: %[2]s
decision:
  agreement: riverside-children
  power: children-act-2004-s10
  purposes: [co-ordinate-care]
  aspects: [relationship]
  audience: { partnership: true }
  proportionality: { necessary: true, safeguards: true, aim: protect-health }
  ground: significant-harm
  reason: risk-of-harm
  conditions: { ordinary: art6-public-task }
  until: %[2]s
`, relationships, time.Now().AddDate(0, 6, 0).UTC().Format(time.RFC3339))
}

// approved has the guardian approve an import, with the fame tool.
func (w *town) approved(t *testing.T, relationships int) string {
	t.Helper()
	o := hubtest.Fame(t, approvalOf(relationships), "--json", "approve", "--url", w.Relmgr.URL, "--token", w.token(t, "dr-lund"), "-")
	var act struct{ Act string }
	if err := json.Unmarshal([]byte(o.Stdout), &act); err != nil || o.Code != 0 {
		t.Fatalf("fame approve: %d %v\n%s%s", o.Code, err, o.Stdout, o.Stderr)
	}
	return act.Act
}

// bulkFile writes a CSV of n relationships, with some that cannot be published,
// and returns the lines of those.
func bulkFile(t *testing.T, from, n int) (name string, wrong []int) {
	t.Helper()
	var b strings.Builder
	b.WriteString("column,identifier,role,offer,transactions,contact\n")
	for i := range n {
		identifier := fmt.Sprintf("GP-%05d", from+i)
		switch i % 997 {
		case 100: // told by the hub
			identifier, wrong = fmt.Sprintf("GP-%06d", from+i), append(wrong, i+2)
		case 200: // told by the client
			identifier, wrong = "=1+1", append(wrong, i+2)
		case 300: // the same person as in the line before
			identifier, wrong = fmt.Sprintf("GP-%05d", from+i-1), append(wrong, i+2)
		}
		fmt.Fprintf(&b, "gp-riverside,%s,gp,will-co-ordinate,joint-assessment,desk\n", identifier)
	}
	name = filepath.Join(t.TempDir(), "surgery.csv")
	if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return name, wrong
}

// ACT-04, XCU-04, XCU-07, invariants 1, 2 and 6: what an agency's own system has written out joins it
// to the index, and while the file is imported the client,
// relmgr and PostgreSQL are killed with -9 at moments that nobody chose. Run
// again, the same command goes on; at the end each line of the file has been
// published once, by an act that cites its approval, or is told as wrong.
func TestAnImportSurvivesTheDeathOfEverythingItRunsOn(t *testing.T) {
	w := fragile(t)
	const many = 4000
	approval := w.approved(t, many)
	file, wrong := bulkFile(t, 20_000, many)
	args := []string{"import", "--url", w.Relmgr.URL, "--token", w.token(t, "dr-brandt"), "--approval", approval, "--part", "50", file}
	admin := w.Admin(t)
	parts := func() (n int) {
		// PostgreSQL may be away for a moment.
		hubtest.Eventually(t, "the parts are counted", func() error {
			return admin.QueryRowContext(t.Context(), `select count(*) from relmgr.import_parts p join relmgr.imports i on i.import_id = p.import_id
				join relmgr.act_references r on r.act_id = i.approval_id where r.reference_id = $1`, approval).Scan(&n)
		})
		return n
	}
	var client *hubtest.Process
	interrupted := 0
	for kill := range 8 {
		if client == nil {
			client = hubtest.FameProcess(t, "", args...)
			client.Begin(t)
		}
		from := parts()
		hubtest.Eventually(t, "the import goes on", func() error {
			if n := parts(); n < from+3 {
				return fmt.Errorf("%d parts, as many as before or hardly more", n)
			}
			return nil
		})
		time.Sleep(rand.N(30 * time.Millisecond))
		switch kill {
		case 1, 4:
			w.Relmgr.Kill(t)
			w.Relmgr.Start(t)
		case 3, 6:
			w.Postgres.Kill(t)
			time.Sleep(rand.N(100 * time.Millisecond))
			w.Postgres.Start(t)
			w.Relmgr.WaitReady(t)
		default:
			client.Kill(t)
			client = nil
		}
		if parts() < many/50 {
			interrupted++
		}
	}
	if client != nil {
		client.Kill(t)
	}
	if interrupted < 8 {
		t.Errorf("%d kills came before the import was over, want all 8", interrupted)
	}
	o := hubtest.Fame(t, "", args...)
	want := fmt.Sprintf("%d relationships are published. %d lines published nothing.", many-len(wrong), len(wrong))
	if o.Code != 1 || !strings.Contains(o.Stdout, want) || !strings.Contains(o.Stdout, "Going on from line") {
		t.Errorf("fame import: %d\n%s%s", o.Code, o.Stdout, o.Stderr)
	}
	told := regexp.MustCompile(`(?m)^  line \d+: `).FindAllString(o.Stdout, -1)
	for _, line := range wrong {
		if !strings.Contains(o.Stdout, fmt.Sprintf("  line %d: ", line)) {
			t.Errorf("line %d is not told", line)
		}
	}
	if len(told) != len(wrong) {
		t.Errorf("%d lines are told as wrong, want %d", len(told), len(wrong))
	}
	for what, query := range map[string]string{
		"acts that cite the approval":   `select count(*) from relmgr.acts a where a.kind = 'publish' and a.approval_id = (select act_id from relmgr.act_references where reference_id = $1)`,
		"published handles":             `select count(distinct c.handle_id) from relmgr.cells c join relmgr.acts a on a.act_id = c.act_id where a.approval_id = (select act_id from relmgr.act_references where reference_id = $1)`,
		"decisions":                     `select count(*) from relmgr.decisions d join relmgr.acts a on a.act_id = d.act_id where a.approval_id = (select act_id from relmgr.act_references where reference_id = $1)`,
		"published lines of the file":   `select count(distinct l.line) from relmgr.import_lines l join relmgr.acts a on a.act_id = l.act_id where a.approval_id = (select act_id from relmgr.act_references where reference_id = $1)`,
		"references that are shown":     `select count(*) from relmgr.act_references r join relmgr.acts a on a.act_id = r.act_id where a.approval_id = (select act_id from relmgr.act_references where reference_id = $1)`,
		"content keys of what was done": `select count(*) from relmgr.content_keys k join relmgr.acts a on a.act_id = k.record_id where a.approval_id = (select act_id from relmgr.act_references where reference_id = $1)`,
	} {
		var n int
		if err := admin.QueryRow(query, approval).Scan(&n); err != nil {
			t.Fatal(err)
		}
		if n != many-len(wrong) {
			t.Errorf("%d %s, want %d", n, what, many-len(wrong))
		}
	}
	wantWhole(t, admin)

	// Once more from the start: nothing is left to do.
	before := parts()
	if again := hubtest.Fame(t, "", args...); !strings.Contains(again.Stdout, want) || parts() != before {
		t.Errorf("the import was run again after its end: %d parts more, and it said\n%s", parts()-before, again.Stdout)
	}
}

// ACT-04, IDX-08, invariants 1, 2 and 6: a batch of codes is correlated with the
// tool, while the client, relmgr and PostgreSQL are killed with -9. Run again, the
// same command goes on; each code has been used by one act that cites the approval,
// what cannot be used is told by its line, and the hub verifies.
func TestABatchOfCodesSurvivesTheDeathOfEverythingItRunsOn(t *testing.T) {
	w := fragile(t)
	const many = 120
	o := hubtest.Fame(t, strings.Replace(approvalOf(many), "columns:", "deed: correlate\ncolumns:", 1), "--json", "approve", "--url", w.Relmgr.URL, "--token", w.token(t, "dr-lund"), "-")
	var approval struct{ Act string }
	if err := json.Unmarshal([]byte(o.Stdout), &approval); err != nil || o.Code != 0 || !strings.Contains(o.Stderr+o.Stdout, approval.Act) {
		t.Fatalf("fame approve: %d %v\n%s%s", o.Code, err, o.Stdout, o.Stderr)
	}
	decision := w.proposal(t, "social-care")
	var b strings.Builder
	b.WriteString("column,identifier,pairing\n")
	wrong := map[int]bool{}
	for i := range many {
		if i == 50 {
			b.WriteString("\n") // an empty line
		}
		line := strings.Count(b.String(), "\n") + 1
		var p struct{ Code string }
		w.done(t, "mr-lindqvist", http.MethodPost, "/pairings", map[string]any{
			"column": "social-care", "identifier": fmt.Sprintf("LMN-%05d", 30_000+i), "decision": decision}, &p)
		identifier := fmt.Sprintf("GP-%05d", 30_000+i)
		switch i % 40 {
		case 11: // told by the hub
			identifier, wrong[line] = identifier+"0", true
		case 12: // nobody has opened it
			p.Code, wrong[line] = "000 000 000", true
		case 13: // told by the client
			p.Code, wrong[line] = "=1+1", true
		}
		fmt.Fprintf(&b, "gp-riverside,%s,%s\n", identifier, p.Code)
	}
	file := filepath.Join(t.TempDir(), "batch.csv")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"import", "--url", w.Relmgr.URL, "--token", w.token(t, "dr-brandt"), "--approval", approval.Act, "--part", "4", file}
	admin := w.Admin(t)
	cited := func(table, on string) (n int) {
		// PostgreSQL may be away for a moment.
		hubtest.Eventually(t, table+" are counted", func() error {
			return admin.QueryRowContext(t.Context(), `select count(*) from `+table+` x join relmgr.acts a on a.act_id = x.`+on+`
				where a.kind = 'correlate' and a.approval_id = (select act_id from relmgr.act_references where reference_id = $1)`, approval.Act).Scan(&n)
		})
		return n
	}
	var client *hubtest.Process
	for kill := range 5 {
		if client == nil {
			client = hubtest.FameProcess(t, "", args...)
			client.Begin(t)
		}
		from := cited("relmgr.acts", "act_id")
		hubtest.Eventually(t, "the batch goes on", func() error {
			if n := cited("relmgr.acts", "act_id"); n < from+3 {
				return fmt.Errorf("%d acts, as many as before or hardly more", n)
			}
			return nil
		})
		switch kill {
		case 1:
			w.Relmgr.Kill(t)
			w.Relmgr.Start(t)
		case 3:
			w.Postgres.Kill(t)
			w.Postgres.Start(t)
			w.Relmgr.WaitReady(t)
		default:
			client.Kill(t)
			client = nil
		}
	}
	if client != nil {
		client.Kill(t)
	}
	o = hubtest.Fame(t, "", args...)
	want := fmt.Sprintf("%d correlations are recorded. %d lines correlated nothing.", many-len(wrong), len(wrong))
	if o.Code != 1 || !strings.Contains(o.Stdout, want) || !strings.Contains(o.Stdout, "Going on from line") {
		t.Errorf("fame import: %d\n%s%s", o.Code, o.Stdout, o.Stderr)
	}
	for line := range wrong {
		if !strings.Contains(o.Stdout, fmt.Sprintf("  line %d: ", line)) {
			t.Errorf("line %d is not told", line)
		}
	}
	if told := strings.Count(o.Stdout, "\n  line "); told != len(wrong) {
		t.Errorf("%d lines are told as wrong, want %d", told, len(wrong))
	}
	for table, on := range map[string]string{
		"relmgr.acts": "act_id", "relmgr.correlations": "act_id", "relmgr.import_lines": "act_id", "relmgr.pairings_used": "act_id",
		"relmgr.decisions": "act_id", "relmgr.content_keys": "record_id",
	} {
		if n := cited(table, on); n != many-len(wrong) {
			t.Errorf("%d %s, want %d", n, table, many-len(wrong))
		}
	}
	wantWhole(t, admin)
	w.verifies(t)
}
