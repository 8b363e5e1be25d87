package archtest

import (
	"context"
	"database/sql"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/internal/pgtest"
)

// users says who runs the generated queries of a directory: the duty itself,
// and for the edge every duty that is built.
var users = map[string][]string{
	"relmgr/internal/relmgrdb":         {"relmgr"},
	"consent/internal/consentdb":       {"consent"},
	"governance/internal/governancedb": {"governance"},
	"registrar/internal/registrardb":   {"registrar"},
	"idmgr/internal/idmgrdb":           {"idmgr"},
	"federation/internal/federationdb": {"federation"},
	"api/internal/edgedb":              {"relmgr", "consent", "governance", "registrar", "idmgr", "federation"},
}

// query is one constant of a *.sql.go file.
type query struct{ name, text string }

// queriesOf reads the generated queries of a directory.
func queriesOf(t *testing.T, dir string) (all []query) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root(t), dir, "*.sql.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parse(t, dir, filepath.Base(f), string(text)).file.Decls {
			consts, ok := d.(*ast.GenDecl)
			if !ok || consts.Tok != token.CONST {
				continue
			}
			for _, spec := range consts.Specs {
				value, ok := spec.(*ast.ValueSpec)
				if !ok || len(value.Values) != 1 {
					continue
				}
				lit, ok := value.Values[0].(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					continue
				}
				text, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(text, "-- name: ") {
					all = append(all, query{value.Names[0].Name, text})
				}
			}
		}
	}
	return all
}

// explain asks PostgreSQL for the plan of a query, as whoever conn is. PREPARE
// alone checks no rights; to explain a prepared statement does, and runs nothing.
func explain(ctx context.Context, conn *sql.Conn, text string) (plan string, err error) {
	if _, err := conn.ExecContext(ctx, "prepare wall as "+text); err != nil {
		return "", err
	}
	defer func() { _, _ = conn.ExecContext(ctx, "deallocate wall") }()
	var parameters int
	err = conn.QueryRowContext(ctx, "select cardinality(parameter_types) from pg_prepared_statements where name = 'wall'").Scan(&parameters)
	if err != nil {
		return "", err
	}
	execute := "explain execute wall"
	if parameters > 0 {
		execute += "(" + strings.Repeat("null, ", parameters-1) + "null)"
	}
	rows, err := conn.QueryContext(ctx, execute)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return "", err
		}
		plan += line + "\n"
	}
	return plan, rows.Err()
}

// as is one connection as a duty, planning without looking at the parameters:
// a plan for NULLs would leave out what can then return nothing.
func as(t *testing.T, h *pgtest.Hub, duty string) *sql.Conn {
	t.Helper()
	conn, err := h.DB(t, duty).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := conn.ExecContext(t.Context(), "set plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	return conn
}

func TestEveryQueryIsPermittedToItsDuty(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	for dir, duties := range users {
		queries := queriesOf(t, dir)
		if len(queries) == 0 {
			t.Errorf("%s has no generated query: is this still the place?", dir)
		}
		for _, duty := range duties {
			conn := as(t, h, duty)
			for _, q := range queries {
				if _, err := explain(t.Context(), conn, q.text); err != nil {
					t.Errorf("%s runs %s of %s: %v: grant it in sql/roles.sql, or ask less", duty, q.name, dir, err)
				}
			}
		}
	}
}

func TestEveryGeneratedDirectoryHasAnOwnerHere(t *testing.T) {
	t.Parallel()
	for p := range load(t) {
		if strings.HasSuffix(p, "db") && strings.Contains(p, "/internal/") && users[p] == nil {
			t.Errorf("%s holds generated queries: say in internal/archtest/queries_test.go which duty runs them", p)
		}
	}
}

// A query over a sibling's table compiles and prepares; explaining it must not
// pass, or the test above proves nothing.
func TestAQueryOverASiblingsTableIsRefused(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	for _, planted := range []struct{ duty, text string }{
		{"relmgr", "select wording from consent.consents where consent_id = $1"},
		{"relmgr", "select c.act_id from relmgr.cells c where exists (select from consent.acts a where a.act_id = c.act_id) and c.handle_id = $1"},
		{"relmgr", "update relmgr.acts set kind = $1 where act_id = $2"},
		{"consent", "select identity.handle_id from relmgr.handles identity where $1::boolean is null"},
		{"relmgr", "select count(*) from ledger.pending"},
		{"consent", "insert into ledger.pending (commitment) values ($1) returning commitment"},
		{"consent", "select * from consent.acts for update"},
	} {
		_, err := explain(t.Context(), as(t, h, planted.duty), planted.text)
		if pq.As(err, "42501") == nil {
			t.Errorf("%s may run %q: %v, want insufficient privilege", planted.duty, planted.text, err)
		}
	}
	if _, err := explain(t.Context(), as(t, h, "consent"), "select consent_id from consent.consents where consent_id = $1"); err != nil {
		t.Errorf("consent may not read its own consents: %v", err)
	}
}

// scans are the queries that may look through a whole table: what runs now and
// then and is after most of it.
var scans = map[string]string{
	"CountRecords": "a rotation's progress", "CountWrapped": "a rotation's progress",
	"CountReplays": "a sweep of what is kept for a day", "DeleteReplays": "a sweep of what is kept for a day",
	"EraseContents": "an erasure, of what is kept for a day",
	"TakeOut":       "the closing of a column", "DestroyColumn": "the closing of a column",
	"ListEnded": "retention, of erasures", "ListExpired": "retention, of erasures",
	"NextSampleWeek":   "an agency's first week",
	"ForgetWhatIsOver": "a sweep of what lives for minutes", "ForgetGrants": "a sweep of what lives for minutes",
	"CountOutcomes":    "figures of a register",
	"BeginLookUpEpoch": "a month's epoch of private look-ups", "HearSchemes": "a column that is given a scheme",
}

// A plan is made once and kept while its tables grow: what has no index then
// takes longer with each line, and nobody notices before it is a million.
func TestNoQueryLooksThroughAWholeTable(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	seen := map[string]bool{}
	for dir, duties := range users {
		conn := as(t, h, duties[0])
		var off string
		if err := conn.QueryRowContext(t.Context(), "show enable_seqscan").Scan(&off); err != nil || off != "off" {
			t.Fatalf("scans are %s for a duty, %v", off, err)
		}
		for _, q := range queriesOf(t, dir) {
			plan, err := explain(t.Context(), conn, q.text)
			if err != nil {
				t.Errorf("%s: %v", q.name, err)
			}
			if !strings.Contains(strings.ReplaceAll(plan, "Seq Scan on anchor_epochs", "a line an epoch"), "Seq Scan") {
				continue
			}
			if seen[q.name] = true; scans[q.name] == "" {
				t.Errorf("%s of %s looks through a whole table: give it an index, or say in internal/archtest/queries_test.go why that is right\n%s", q.name, dir, plan)
			}
		}
	}
	for name := range scans {
		if !seen[name] {
			t.Errorf("%s has an index now: take it out of internal/archtest/queries_test.go", name)
		}
	}
}
