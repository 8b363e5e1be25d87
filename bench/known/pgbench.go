package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/fame-hub/fame/internal/pg/migrate"
	"github.com/fame-hub/fame/internal/pg/private"
)

//go:embed pgbench.sql
var script string

// queries is where the product's read stands, from the repository's root.
const queries = "sql/queries/relmgr/enquiries.sql"

// readRows is the enquiry's read as sqlc is given it. It is taken from the
// repository that this runs in, wherever in it that is.
func readRows() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(queries)))
		if err == nil {
			return cutQuery(string(text), "ReadRows")
		}
		if filepath.Dir(dir) == dir {
			return "", fmt.Errorf("%s is not here: type `go run ./bench/known` in a clone of the repository", queries)
		}
		dir = filepath.Dir(dir)
	}
}

// cutQuery is one named query of a file of sqlc's, without its comments, in
// which there may be semicolons.
func cutQuery(text, name string) (string, error) {
	var lines []string
	ours := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(line, "-- name: "):
			ours = strings.HasPrefix(line, "-- name: "+name+" ")
		case !ours || strings.HasPrefix(strings.TrimSpace(line), "--"):
		case strings.HasSuffix(line, ";"):
			return strings.Join(append(lines, strings.TrimSuffix(line, ";")), "\n"), nil
		default:
			lines = append(lines, line)
		}
	}
	return "", fmt.Errorf("%s has no query %s", queries, name)
}

// Both reads for row number one, as plain statements. A parameter of the
// product's read that is not known here is an error.
func reads(product string) (ours, theirs string, err error) {
	const token = "(select p.token from bench.people p where p.n = 1)"
	at := "'" + day.Format(time.RFC3339) + "'"
	ours = strings.NewReplacer(
		"sqlc.arg(numbers)", "array[0]", "sqlc.arg(column_ids)", "array['"+askersColumn+"']",
		"sqlc.arg(tokens)", "array["+token+"]", "sqlc.arg(tokens_b)", "array[null]", "sqlc.arg(ats)", "array["+at+"]",
	).Replace(product)
	if strings.Contains(ours, "@") || strings.Contains(ours, "sqlc.") {
		return "", "", errors.New("the enquiry's read has a new parameter: give it a value in bench/known/pgbench.go, and pgbench.sql its like")
	}
	_, theirs, _ = strings.Cut(script, "begin;")
	theirs, _, _ = strings.Cut(theirs, ";\n")
	theirs = strings.NewReplacer(":column_id", "'"+askersColumn+"'", ":at", at, ":n)", "1)").Replace(theirs)
	return ours, theirs, nil
}

// pgbench runs the yardstick as the same role as the hub's own process.
type pgbench struct {
	server   *private.Server
	script   string // its file
	rows     int
	password string
	db       *database
}

// newPgbench writes the script. It refuses where there is no pgbench.
func newPgbench(ctx context.Context, server *private.Server, path string, rows int) (*pgbench, error) {
	if out, err := server.Tool(ctx, "pgbench", "--version").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pgbench is missing beside PostgreSQL's other programs: type `sudo apt-get install -y postgresql`, "+
			"or, where it is a package of its own, `sudo dnf install -y postgresql-contrib`: %w %s", err, bytes.TrimSpace(out))
	}
	return &pgbench{server: server, script: path, rows: rows}, os.WriteFile(path, []byte(script), 0o600)
}

// everything puts one of all that a read can find on the row of number one.
const everything = `
insert into consent.exclusions select gen_random_uuid(), gen_random_uuid(), handle_id, 'riverside-gp', 'hillside-school', at, 'signed-form' from one;
insert into consent.blocks select gen_random_uuid(), gen_random_uuid(), handle_id, 'riverside-gp', 'block', 'none', at, 'signed-form' from one;
insert into relmgr.keep_aparts select gen_random_uuid(), handle_id, gen_random_uuid() from one;
insert into relmgr.disputes select gen_random_uuid(), handle_id from one limit 1;
insert into consent.withdrawals select dc.consent_id, gen_random_uuid(), at, 'signed-form'
  from one join relmgr.cells using (handle_id) join relmgr.decision_consents dc using (decision_id) limit 1;`

// verify takes the hub's login and checks that one transaction works, and that
// its read finds line for line what the product's does: of a row as most are,
// and of one that has everything, for which it is rolled back.
func (b *pgbench) verify(ctx context.Context, h *hub, product string) error {
	b.password = h.passwords["relmgr"]
	out, err := b.command(ctx, "-c", "1", "-t", "1").CombinedOutput()
	if err != nil {
		return fmt.Errorf("pgbench: %w: %s", err, bytes.TrimSpace(out))
	}
	ours, theirs, err := reads(product)
	if err != nil {
		return err
	}
	tx, err := h.admin.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, c := range []struct {
		prepare string
		lines   int // own, two cells, two sides; then one more of each kind for both handles
	}{{"", 5}, {"set local session_replication_role = replica; create temp table one on commit drop as " +
		"select h.handle_id, '" + day.Format(time.RFC3339) + "'::timestamptz as at from relmgr.handles o join relmgr.handles h using (row_id) " +
		"where o.token = (select p.token from bench.people p where p.n = 1);" + everything, 11}} {
		if _, err := tx.ExecContext(ctx, c.prepare); err != nil {
			return err
		}
		var lines, differing int
		err := tx.QueryRowContext(ctx, `with a as (select to_jsonb(o) - 'number' as line from (`+ours+`) o), b as (select to_jsonb(t) as line from (`+theirs+`) t)
			select (select count(*) from a), (select count(*) from ((table a except all table b) union all (table b except all table a)) x)`).Scan(&lines, &differing)
		if err != nil {
			return err
		}
		if lines != c.lines || differing > 0 {
			return fmt.Errorf("the product's read finds %d lines, for %d, and pgbench's differs in %d: mend bench/known/pgbench.sql", lines, c.lines, differing)
		}
	}
	return nil
}

// command is pgbench with what every run of it has.
func (b *pgbench) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := b.server.Tool(ctx, "pgbench", append([]string{
		"-M", "prepared", "-n", "-U", migrate.Login(hubName, "relmgr"), "-f", b.script,
		"-D", "rows=" + strconv.Itoa(b.rows), "-D", "column_id=" + askersColumn, "-D", "at=" + day.Format(time.RFC3339),
	}, append(args, hubName)...)...)
	// PostgreSQL plans a prepared statement anew five times before it settles for
	// the generic plan, as it does for this one. The hub's few connections are
	// past that; 64 new ones would spend seconds there.
	cmd.Env = append(cmd.Env, "PGPASSWORD="+b.password, "PGOPTIONS=-c plan_cache_mode=force_generic_plan")
	return cmd
}

// patience is how long pgbench may take to connect and plan before it counts.
const patience = time.Minute

// run is how many transactions a second pgbench does, once all its clients have
// connected and planned their statements: on a busy machine that takes seconds.
func (b *pgbench) run(ctx context.Context, clients, seconds int) (asked, error) {
	limit := int(patience.Seconds()) + seconds
	cmd := b.command(ctx, "-j", strconv.Itoa(min(2, clients)), "-c", strconv.Itoa(clients), "-T", strconv.Itoa(limit), "-P", "1")
	said, err := cmd.StderrPipe()
	if err != nil {
		return asked{}, err
	}
	if err := cmd.Start(); err != nil {
		return asked{}, err
	}
	r, err := counted(said, clients, float64(seconds), func() (db, client time.Duration) {
		s, _ := readStat(fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid))
		return b.db.cpu(), s.own
	})
	// It has done what was wanted of it, or failed: either way it is to end now.
	_ = cmd.Process.Signal(os.Interrupt)
	_, _ = io.Copy(io.Discard, said)
	_ = cmd.Wait() // says that it was interrupted
	return r, errors.Join(ctx.Err(), err)
}

var progress = regexp.MustCompile(`^progress: ([0-9.]+) s, ([0-9.]+) tps, .*, ([0-9]+) failed`)

// counted reads pgbench's progress as it comes. It counts from the line by which
// the clients have done two transactions each, for so many seconds, and asks at
// both ends what the processors did. On a busy machine lines come late and say
// of how long they speak.
func counted(said io.Reader, clients int, seconds float64, used func() (db, client time.Duration)) (r asked, err error) {
	var before, done, length, sum float64
	var db, client time.Duration
	var other []string
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		found := progress.FindStringSubmatch(lines.Text())
		if found == nil {
			other = append(other, lines.Text())
			continue
		}
		at, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			return asked{}, err
		}
		tps, err := strconv.ParseFloat(found[2], 64)
		if err != nil {
			return asked{}, err
		}
		if found[3] != "0" {
			return asked{}, fmt.Errorf("pgbench: %s transactions failed", found[3])
		}
		span := at - before
		if done >= float64(2*clients) {
			length, sum = length+span, sum+span*tps
		}
		before, done = at, done+span*tps
		if length >= seconds-0.05 && sum > 0 { // a line may come a little early
			dbEnd, clientEnd := used()
			return asked{Throughput: sum / length, Counted: int(sum), DBCPU: dbEnd - db, CPU: clientEnd - client}, nil
		}
		if length == 0 {
			db, client = used()
		}
	}
	return asked{}, fmt.Errorf("pgbench ended too early, or got nothing done: %s", strings.Join(other, "; "))
}
