// Import measures how fast a file of relationships comes into the index.
//
// It measures the product as it ships: `fame up` serves a hub on its private
// PostgreSQL with fsync on, and `fame import` reads a CSV and sends it, each line
// decided by the four steps, sealed, and stored as an act of its own with its
// handle, its decision, its commitment, its cell and its offer; the ledger takes
// the commitments into its tree meanwhile. The yardstick is COPY of the very rows
// that the import stored into the same tables, with the same indexes and
// constraints, in a database beside it: the least that storing them can cost,
// without any deciding or sealing.
//
// Type, in a clone of the repository:
//
//	go run ./bench/import [-lines 1000000] [-rounds 5] [-dir DIR]
//
// In each round both store as many relationships more as -lines says, one after
// the other, each behind a checkpoint. Both databases grow alike.
//
// The table goes to stderr. The last line of stdout is JSON, its figures medians
// over the rounds: ratio is the time of COPY over that of the import, ratio_cpu
// the same of the processors' time that all processes took, which other work on
// the machine changes less. The import may use several processors, COPY uses one.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/migrate"
	"github.com/fame-hub/fame/internal/pg/private"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "import:", err)
		stop()
		os.Exit(1)
	}
}

// report is the last line of stdout.
type report struct {
	Lines         int     `json:"lines"`
	Rounds        int     `json:"rounds"`
	Import        float64 `json:"import_seconds"`
	Copy          float64 `json:"copy_seconds"`
	PerSecond     float64 `json:"import_per_second"`
	CopyPerSecond float64 `json:"copy_per_second"`
	Ratio         float64 `json:"ratio"`
	ImportCPU     float64 `json:"import_cpu_seconds"` // hub, client and PostgreSQL
	CopyCPU       float64 `json:"copy_cpu_seconds"`   // PostgreSQL
	RatioCPU      float64 `json:"ratio_cpu"`
	ClientRSS     float64 `json:"client_rss_mib"` // the most of any round
	HubRSS        float64 `json:"hub_rss_mib"`
	CPUs          int     `json:"cpus"`
	LoadBefore    string  `json:"load_before"`
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("import", flag.ContinueOnError)
	flags.SetOutput(stderr)
	lines := flags.Int("lines", 1_000_000, "relationships in each round")
	rounds := flags.Int("rounds", 5, "rounds")
	parent := flags.String("dir", "", "an existing directory to make the hub's own in (default: the system's temporary one)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 || *lines < 1 || *rounds < 1 || *lines**rounds > 999_999_999 {
		return errors.New("give flags only, with 1 line and 1 round or more, and less than a thousand million lines in all")
	}
	load, _ := os.ReadFile("/proc/loadavg")
	dir, err := os.MkdirTemp(*parent, "fame-import-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // as root the database runs as another user
		return err
	}
	b := &bench{dir: dir, hub: filepath.Join(dir, "hub"), stderr: stderr}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.start(ctx); err != nil {
		return err
	}
	var all []round
	fmt.Fprintf(stderr, "%5s %10s %8s %8s %7s %9s %9s\n", "round", "import s", "copy s", "ratio", "lines/s", "import cpu", "copy cpu")
	for n := range *rounds {
		r, err := b.round(ctx, n, *lines)
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "%5d %10.1f %8.1f %8.2f %7.0f %9.1f %9.1f\n", n+1, r.wall, r.copyWall, r.copyWall/r.wall, float64(*lines)/r.wall, r.cpu, r.copyCPU)
		all = append(all, r)
	}
	median := func(of func(round) float64) float64 {
		var v []float64
		for _, r := range all {
			v = append(v, of(r))
		}
		slices.Sort(v)
		return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
	}
	out := report{
		Lines: *lines, Rounds: *rounds, CPUs: runtime.NumCPU(), LoadBefore: string(bytes.TrimSpace(load)),
		Import: median(func(r round) float64 { return r.wall }), Copy: median(func(r round) float64 { return r.copyWall }),
		PerSecond:     median(func(r round) float64 { return float64(*lines) / r.wall }),
		CopyPerSecond: median(func(r round) float64 { return float64(*lines) / r.copyWall }),
		Ratio:         median(func(r round) float64 { return r.copyWall / r.wall }),
		ImportCPU:     median(func(r round) float64 { return r.cpu }), CopyCPU: median(func(r round) float64 { return r.copyCPU }),
		RatioCPU:  median(func(r round) float64 { return r.copyCPU / r.cpu }),
		ClientRSS: slices.MaxFunc(all, func(a, b round) int { return int(a.clientRSS - b.clientRSS) }).clientRSS,
		HubRSS:    slices.MaxFunc(all, func(a, b round) int { return int(a.hubRSS - b.hubRSS) }).hubRSS,
	}
	return json.NewEncoder(stdout).Encode(out)
}

// bench is a hub and a database beside it.
type bench struct {
	dir, hub string
	address  string
	stderr   io.Writer
	up       *exec.Cmd
	ended    chan error
	admin    *sql.DB // of the hub's database
	yard     *sql.DB // of the yardstick's
	data     string  // PostgreSQL's own directory
}

// round is what one round came to, in seconds and MiB.
type round struct{ wall, copyWall, cpu, copyCPU, clientRSS, hubRSS float64 }

const name = "importing" // of the hub and its database

// start builds the tool, brings a hub up, applies Riverside with longer
// identifiers and without limits, and makes the database of the yardstick.
func (b *bench) start(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(b.dir, "fame"), "./cmd/fame").CombinedOutput(); err != nil {
		return fmt.Errorf("build fame: %w: %s", err, out)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	b.address = l.Addr().String()
	l.Close()
	log, err := os.Create(filepath.Join(b.dir, "up.log"))
	if err != nil {
		return err
	}
	b.up, b.ended = b.fame(context.WithoutCancel(ctx), "up", "--name", name, "--listen", b.address), make(chan error, 1)
	b.up.Stdout, b.up.Stderr = log, log
	if err := b.up.Start(); err != nil {
		return err
	}
	go func() { b.ended <- b.up.Wait() }()
	if err := b.ready(ctx); err != nil {
		return err
	}
	text := riverside.Partnership()
	for _, change := range [][2]string{
		{"http://127.0.0.1:8400/issuer", "http://" + b.address + "/issuer"}, {"https://riverside.fame.example", "http://" + b.address},
		{`"GP-[0-9]{5}"`, `"GP-[0-9]{9}"`}, {`"GP-12345"`, `"GP-123456789"`}, {"requests_per_minute: 600", "requests_per_minute: 100000"},
	} {
		text = bytes.ReplaceAll(text, []byte(change[0]), []byte(change[1]))
	}
	file := filepath.Join(b.dir, "partnership.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	if out, err := b.fame(ctx, "apply", "--as", "governor", "-f", file).CombinedOutput(); err != nil {
		return fmt.Errorf("fame apply: %w: %s", err, out)
	}
	return b.databases(ctx)
}

func (b *bench) databases(ctx context.Context) error {
	dsn, err := private.RunningDSN(filepath.Join(b.hub, "postgres"), name)
	if err != nil {
		return err
	}
	pool := pg.Pool{Application: "bench", StatementTimeout: -1, MaxOpen: 2}
	if b.admin, err = pg.OpenPool(ctx, dsn, pool); err != nil {
		return err
	}
	if err := b.admin.QueryRowContext(ctx, "show data_directory").Scan(&b.data); err != nil {
		return err
	}
	if _, err := b.admin.ExecContext(ctx, "create database yardstick"); err != nil {
		return err
	}
	if dsn, err = private.RunningDSN(filepath.Join(b.hub, "postgres"), "yardstick"); err != nil {
		return err
	}
	if err := migrate.Up(ctx, dsn); err != nil {
		return err
	}
	b.yard, err = pg.OpenPool(ctx, dsn, pool)
	return err
}

// fame is a command of the tool on this hub.
func (b *bench) fame(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(b.dir, "fame"), append([]string{"--dir", b.hub}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	return cmd
}

func (b *bench) ready(ctx context.Context) error {
	for range 600 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.address+"/healthz", nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
			return nil
		}
		select {
		case err := <-b.ended:
			log, _ := os.ReadFile(filepath.Join(b.dir, "up.log"))
			b.up = nil
			return fmt.Errorf("fame up: %w: %s", err, log)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return errors.New("fame up does not answer")
}

func (b *bench) close() (err error) {
	for _, db := range []*sql.DB{b.admin, b.yard} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	if b.up != nil {
		err = errors.Join(err, b.up.Process.Signal(syscall.SIGTERM), <-b.ended)
	}
	return err
}

const approval = `
columns: [gp-riverside]
mode: imposed
reason: risk-of-harm
relationships: %d
until: 2099-01-01T00:00:00Z
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
  until: 2099-01-01T00:00:00Z
`

// round imports a file and copies what that stored.
func (b *bench) round(ctx context.Context, n, lines int) (r round, err error) {
	approve := b.fame(ctx, "--json", "approve", "--as", "dr-lund", "-")
	approve.Stdin, approve.Stderr = strings.NewReader(fmt.Sprintf(approval, lines)), b.stderr
	text, err := approve.Output()
	if err != nil {
		return r, fmt.Errorf("fame approve: %w", err)
	}
	var act struct{ Act string }
	if err := json.Unmarshal(text, &act); err != nil {
		return r, err
	}
	file := filepath.Join(b.dir, "people.csv")
	if err := write(file, n*lines, lines); err != nil {
		return r, err
	}
	if _, err := b.admin.ExecContext(ctx, "checkpoint"); err != nil {
		return r, err
	}
	cpu, from := tree(b.up.Process.Pid), time.Now()
	cmd := b.fame(ctx, "--json", "import", "--as", "dr-brandt", "--approval", act.Act, file)
	cmd.Stderr = b.stderr
	if text, err = cmd.Output(); err != nil {
		return r, fmt.Errorf("fame import: %w", err)
	}
	r.wall = time.Since(from).Seconds()
	r.cpu = tree(b.up.Process.Pid) - cpu + cmd.ProcessState.UserTime().Seconds() + cmd.ProcessState.SystemTime().Seconds()
	r.clientRSS = float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss) / 1024
	r.hubRSS = peak(b.up.Process.Pid)
	var told struct{ Published int }
	if err := json.Unmarshal(text, &told); err != nil || told.Published != lines {
		return r, fmt.Errorf("fame import published %d of %d (%w)", told.Published, lines, err)
	}
	return b.copy(ctx, act.Act, lines, r)
}

// write makes a CSV of relationships with identifiers of their own.
func write(file string, first, lines int) error {
	var b bytes.Buffer
	b.WriteString("column,identifier,role,offer,transactions,contact\n")
	for i := range lines {
		fmt.Fprintf(&b, "gp-riverside,GP-%09d,gp,will-co-ordinate,joint-assessment medication-review,desk\n", first+i)
	}
	return os.WriteFile(file, b.Bytes(), 0o600)
}

// tables are what an import writes, in the order in which they refer to each
// other, each with the rows of one approval ($1).
var tables = []struct{ name, rows string }{
	{"relmgr.handles", `select h.* from relmgr.handles h join relmgr.act_handles n using (handle_id) join relmgr.acts a using (act_id) where a.approval_id = %s`},
	{"relmgr.acts", `select a.* from relmgr.acts a where a.approval_id = %s`},
	{"relmgr.content_keys", `select k.* from relmgr.content_keys k join relmgr.acts a on a.act_id = k.record_id where a.approval_id = %s`},
	{"ledger.pending", `select a.commitment from relmgr.acts a where a.approval_id = %s`},
	{"relmgr.act_handles", `select n.* from relmgr.act_handles n join relmgr.acts a using (act_id) where a.approval_id = %s`},
	{"relmgr.act_references", `select r.* from relmgr.act_references r join relmgr.acts a using (act_id) where a.approval_id = %s`},
	{"relmgr.decisions", `select d.* from relmgr.decisions d join relmgr.acts a using (act_id) where a.approval_id = %s`},
	{"relmgr.cells", `select c.* from relmgr.cells c join relmgr.acts a using (act_id) where a.approval_id = %s`},
	{"relmgr.offers", `select o.* from relmgr.offers o join relmgr.acts a using (act_id) where a.approval_id = %s`},
	{"relmgr.import_lines", `select l.* from relmgr.import_lines l join relmgr.acts a using (act_id) where a.approval_id = %s`},
}

// copy stores the same rows in the database of the yardstick.
func (b *bench) copy(ctx context.Context, reference string, lines int, r round) (round, error) {
	var act string
	if err := b.admin.QueryRowContext(ctx, `select act_id from relmgr.act_references where reference_id = $1`, reference).Scan(&act); err != nil {
		return r, err
	}
	file := func(table string) string { return pq.QuoteLiteral(filepath.Join(b.data, "yardstick."+table)) }
	for _, t := range tables {
		rows := fmt.Sprintf(t.rows, pq.QuoteLiteral(act)+"::uuid")
		if _, err := b.admin.ExecContext(ctx, "copy ("+rows+") to "+file(t.name)); err != nil {
			return r, fmt.Errorf("%s: %w", t.name, err)
		}
	}
	if _, err := b.yard.ExecContext(ctx, "checkpoint"); err != nil {
		return r, err
	}
	cpu, from := tree(b.up.Process.Pid), time.Now()
	tx, err := b.yard.BeginTx(ctx, nil)
	if err != nil {
		return r, err
	}
	defer tx.Rollback()
	for _, t := range tables {
		done, err := tx.ExecContext(ctx, "copy "+t.name+" from "+file(t.name))
		if err != nil {
			return r, fmt.Errorf("%s: %w", t.name, err)
		}
		if n, err := done.RowsAffected(); err != nil || n != int64(lines) {
			return r, fmt.Errorf("%s: copied %d rows of %d (%w)", t.name, n, lines, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return r, err
	}
	r.copyWall, r.copyCPU = time.Since(from).Seconds(), tree(b.up.Process.Pid)-cpu
	return r, nil
}

// tree is how many seconds of processor a process and all below it have taken,
// those that have ended included.
func tree(root int) (seconds float64) {
	parents := map[int]int{}
	taken := map[int]float64{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:])) // from field 3
		parents[pid], _ = strconv.Atoi(f[1])
		for _, field := range f[11:15] { // utime, stime, and of children waited for
			ticks, _ := strconv.ParseFloat(field, 64)
			taken[pid] += ticks / 100
		}
	}
	for pid := range parents {
		for at := pid; at > 1; at = parents[at] {
			if at == root {
				seconds += taken[pid]
				break
			}
		}
	}
	return seconds
}

// peak is the most memory that a process has had, in MiB.
func peak(pid int) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, _ := strconv.ParseFloat(strings.Fields(kib)[0], 64)
			return n / 1024
		}
	}
	return 0
}
