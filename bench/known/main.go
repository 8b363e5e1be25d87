// Known measures how many enquiries a second one machine answers: "is this
// person known to you, who else works with them?", the hub's hottest path.
//
// It measures the relationship manager as it ships, over HTTP on loopback, with
// sign-in, the four steps, the one read and the durable append, against pgbench
// on the same PostgreSQL with fsync on: prepared statements that do the same
// read by a random token, and one INSERT into an audit table, in a transaction.
// That is about the least that a plain index with an audit trail would do, so
// pgbench is a yardstick and no ceiling: it writes one short row where the hub
// writes the enquiry, its key, its commitment and what it disclosed. Its read is
// in the form that is fastest for one row at a time, and compared with the
// product's, line by line, before anything is measured. Two things are not the
// same: pgbench looks its token up in a table of its own first, since it cannot
// make one, which adds a twentieth to the pages that the read touches; and its
// clients speak no HTTP.
//
// The hub is private and synthetic: Riverside with 64 more social workers, who
// each ask about a random one of the rows, and each row has two correlated
// handles, both published with a decision, a live consent and an offer. Every
// answer must list the surgery, or the run fails.
//
// Type, in a clone of the repository:
//
//	go run ./bench/known [-rows 500000] [-rounds 5] [-seconds 3] [-clients 1,8,32,64] [-dir DIR] [-cpuprofile FILE] [-statements]
//	go run ./bench/known -growth [-rows 5000000] [-small 50000] [-rounds 5] [-seconds 3] [-dir DIR]
//	go run ./bench/known -effects 10 [-rows 100000] [-rounds 5] [-seconds 3] [-clients 32] [-dir DIR]
//	go run ./bench/known -timing [-rows 500000] [-calls 10000] [-dir DIR]
//
// In each round both are measured at each number of clients, one after the
// other, and who is first changes from round to round. The clients of the hub
// are not counted for their first second, pgbench's until each has done two
// transactions: new connections plan their statements first. pgbench's are told
// to settle for the generic plan at once, as the hub's few connections have done
// long since. A round ends at half load: requests come at random (Poisson) at
// half the round's best throughput, spread over the most clients, and latency
// counts from when a request was due, so that a slow answer is not hidden by the
// wait that it causes.
//
// The table goes to stderr. The last line of stdout is JSON, its figures medians
// over the rounds: ratio compares both at the most clients, ratio_best compares
// the hub there with pgbench at its best. A figure of a machine that does other
// work (load_before says how much it did), or whose disk does not honour fsync,
// says nothing.
//
// -effects gives half of the people effects of as many identity managers, and compares the
// processor time of enquiries about them with that of those about the other half.
//
// -growth compares the median latency of eight clients at two sizes. -timing has
// one client ask about people of whom nothing may be told, since consent is
// withdrawn, and of whom nothing is there, in an order of chance: auc says how
// well the time of an answer tells the two apart, 0.5 being not at all.
//
// The profile is of this process, which is the hub's: the clients have one of
// their own.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/private"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	work := func() error { return run(ctx, os.Args[1:], os.Stdout, os.Stderr) }
	if slices.Equal(os.Args[1:], []string{clientsCommand}) {
		work = func() error { return serveClients(ctx, os.Stdin, os.Stdout) }
	}
	if slices.Equal(os.Args[1:], []string{timingCommand}) {
		work = func() error { return serveTiming(ctx, os.Stdin, os.Stdout) }
	}
	if err := work(); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "known:", err)
		stop()
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	rows, rounds int
	seconds      int
	clients      []int
	dir, profile string
	statements   bool
	timing       bool
	calls        int
	growth       bool
	small        int
	effects      int
}

const (
	// mostRows is what the identifiers have room for: number 0 is asked for only
	// to have the service make its keys.
	mostRows = 99_999_999
	// mostClients leaves connections of the server to the hub and to us.
	mostClients = 150
)

func parse(args []string, stderr io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("known", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&o.rows, "rows", 500_000, "rows of the index, each of two handles")
	flags.IntVar(&o.rounds, "rounds", 5, "rounds of measurements")
	flags.IntVar(&o.seconds, "seconds", 3, "seconds that each measurement counts")
	clients := flags.String("clients", "1,8,32,64", "numbers of concurrent clients")
	flags.StringVar(&o.dir, "dir", "", "an existing directory to make the hub's own in (default: the system's temporary one)")
	flags.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile of the measurements to this file")
	flags.BoolVar(&o.statements, "statements", false, "have PostgreSQL note what each statement takes, which itself takes time, and print it")
	flags.BoolVar(&o.timing, "timing", false, "ask whether time tells what is hidden from what is absent, and nothing else")
	flags.IntVar(&o.calls, "calls", 10_000, "enquiries of -timing")
	flags.BoolVar(&o.growth, "growth", false, "compare latency at two sizes, and nothing else; -rows is the larger one, 5000000 if not given")
	flags.IntVar(&o.small, "small", 50_000, "rows of the smaller index of -growth")
	flags.IntVar(&o.effects, "effects", 0, "compare enquiries that meet the effects of as many managers with those that meet none, and nothing else")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, errors.New("it takes flags only")
	}
	if given := false; o.growth {
		flags.Visit(func(f *flag.Flag) { given = given || f.Name == "rows" })
		if !given {
			o.rows = 5_000_000
		}
	}
	if o.timing && (o.calls < 100 || o.rows < 2*timed) || o.growth && (o.small < 1 || o.small >= o.rows) || o.timing && o.growth {
		return o, fmt.Errorf("-timing wants 100 calls and %d rows, -growth fewer rows in -small, and they do not go together", 2*timed)
	}
	if o.effects < 0 || o.effects > 0 && (o.rows < 2 || o.timing || o.growth) {
		return o, errors.New("-effects wants a number of managers and two rows, and goes with neither -timing nor -growth")
	}
	if o.rows < 1 || o.rows > mostRows {
		return o, fmt.Errorf("-rows: give 1 to %d", mostRows)
	}
	if o.rounds < 1 || o.seconds < 1 {
		return o, errors.New("-rounds and -seconds: give 1 or more")
	}
	for text := range strings.SplitSeq(*clients, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > mostClients {
			return o, fmt.Errorf("-clients: give numbers from 1 to %d with commas between", mostClients)
		}
		o.clients = append(o.clients, n)
	}
	slices.Sort(o.clients)
	o.clients = slices.Compact(o.clients)
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "fame-known-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // as root the database runs as another user
		return err
	}
	before := loadAverage()
	if before > 0.5 {
		fmt.Fprintf(stderr, "the load average is %.2f: what follows will say little\n", before)
	}
	s, err := newSetting(ctx, o, dir, o.rows, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	var result any
	switch {
	case o.timing:
		if err := s.hub.conceal(ctx); err != nil {
			return err
		}
		r, err := s.askers.time(ctx, o.calls)
		if err != nil {
			return err
		}
		r.LoadBefore = before
		result = r
	case o.growth:
		small, err := newSetting(ctx, o, dir, o.small, stderr)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, small.close()) }()
		r, err := compare(ctx, o, small, s, stderr)
		if err != nil {
			return err
		}
		r.LoadBefore = before
		result = r
	case o.effects > 0:
		r, err := s.effects(ctx, o, stderr)
		if err != nil {
			return err
		}
		r.LoadBefore = before
		result = r
	default:
		r, err := s.against(ctx, o, stderr)
		if err != nil {
			return err
		}
		r.Rows, r.CPUs, r.LoadBefore = o.rows, runtime.NumCPU(), before
		r.round()
		result = r
	}
	return json.NewEncoder(stdout).Encode(result)
}

// setting is a hub of some size on a PostgreSQL of its own, and those who ask it.
type setting struct {
	server *private.Server
	db     *database
	hub    *hub
	askers *askers
	dir    string
}

func newSetting(ctx context.Context, o options, dir string, rows int, stderr io.Writer) (_ *setting, err error) {
	s := &setting{dir: filepath.Join(dir, strconv.Itoa(rows))}
	if err := os.Mkdir(s.dir, 0o711); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	started := time.Now()
	if s.server, err = startDatabase(ctx, filepath.Join(s.dir, "postgres"), o.statements); err != nil {
		return nil, err
	}
	if s.db, err = newDatabase(filepath.Join(s.dir, "postgres")); err != nil {
		return nil, err
	}
	if s.hub, err = newHub(ctx, s.server, s.dir); err != nil {
		return nil, err
	}
	if err := s.hub.load(ctx, rows); err != nil {
		return nil, err
	}
	if s.askers, err = s.hub.askers(rows); err != nil {
		return nil, err
	}
	if err := s.askers.verify(ctx); err != nil {
		return nil, err
	}
	fmt.Fprintf(stderr, "%d CPUs; %d rows of two handles made in %.0f s\n", runtime.NumCPU(), rows, time.Since(started).Seconds())
	return s, nil
}

func (s *setting) close() (err error) {
	if s.hub != nil {
		err = s.hub.close()
	}
	if s.server != nil {
		err = errors.Join(err, s.server.Stop())
	}
	return err
}

// against measures the hub against pgbench.
func (s *setting) against(ctx context.Context, o options, stderr io.Writer) (report, error) {
	read, err := readRows()
	if err != nil {
		return report{}, err
	}
	says, err := private.Version(ctx)
	if err != nil {
		return report{}, err
	}
	bench, err := newPgbench(ctx, s.server, filepath.Join(s.dir, "pgbench.sql"), o.rows)
	if err != nil {
		return report{}, err
	}
	bench.db = s.db
	if err := bench.verify(ctx, s.hub, read); err != nil {
		return report{}, err
	}
	if o.statements {
		if err := s.hub.noteStatements(ctx); err != nil {
			return report{}, err
		}
	}
	r, err := measure(ctx, o, s.askers, bench, s.db, stderr)
	if err == nil && o.statements {
		err = s.hub.printStatements(ctx, stderr)
	}
	r.Postgres = says
	return r, err
}

// growthReport is the last line of stdout with -growth.
type growthReport struct {
	Growth     float64 `json:"growth"` // p50 at the larger size by p50 at the smaller
	Small      float64 `json:"small_p50_ms"`
	Large      float64 `json:"large_p50_ms"`
	SmallRows  int     `json:"small_rows"`
	LargeRows  int     `json:"large_rows"`
	SmallCPU   float64 `json:"small_cpu_us_db"`
	LargeCPU   float64 `json:"large_cpu_us_db"`
	LoadBefore float64 `json:"load_before"`
}

// compare has growthClients ask both, one after the other, round by round.
func compare(ctx context.Context, o options, small, large *setting, out io.Writer) (growthReport, error) {
	const growthClients = 8
	r := growthReport{SmallRows: small.askers.Rows, LargeRows: large.askers.Rows}
	l := load{Clients: growthClients, Length: time.Duration(o.seconds) * time.Second}
	var growths, p50s, p50l, dbs, dbl []float64
	for round := range o.rounds {
		var got [2]asked
		for i := range got {
			at := (i + round) % 2 // who is first changes
			var err error
			s := []*setting{small, large}[at]
			if got[at], err = s.askers.put(ctx, l, s.db); err != nil {
				return r, err
			}
		}
		growths, p50s, p50l = append(growths, got[1].P50/got[0].P50), append(p50s, got[0].P50), append(p50l, got[1].P50)
		dbs, dbl = append(dbs, got[0].each(got[0].DBCPU)), append(dbl, got[1].each(got[1].DBCPU))
		fmt.Fprintf(out, "round %d: p50 %.2f ms at %d rows, %.2f ms at %d\n", round+1, got[0].P50, r.SmallRows, got[1].P50, r.LargeRows)
	}
	r.Growth, r.Small, r.Large, r.SmallCPU, r.LargeCPU = median(growths), median(p50s), median(p50l), median(dbs), median(dbl)
	return r, nil
}

// startDatabase starts a PostgreSQL with a gibibyte of shared buffers, as a
// machine of a hub this large would be given.
func startDatabase(ctx context.Context, dir string, statements bool) (*private.Server, error) {
	server, err := private.Start(ctx, private.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	db, err := pg.Open(ctx, server.AdminDSN("postgres"))
	if err == nil {
		_, err = db.ExecContext(ctx, "alter system set shared_buffers = '1GB'")
		if statements {
			_, errStatements := db.ExecContext(ctx, "alter system set shared_preload_libraries = 'pg_stat_statements'")
			err = errors.Join(err, errStatements)
		}
		err = errors.Join(err, db.Close())
	}
	if err = errors.Join(err, server.Stop()); err != nil {
		return nil, err
	}
	return private.Start(ctx, private.Config{Dir: dir})
}

// report is the last line of stdout.
type report struct {
	Throughput float64 `json:"throughput"`         // enquiries a second at the most clients
	Pgbench    float64 `json:"pgbench_throughput"` // transactions a second there
	Ratio      float64 `json:"ratio"`
	RatioBest  float64 `json:"ratio_best"` // against pgbench at its best number of clients
	P50        float64 `json:"p50_ms"`     // at half load
	P99        float64 `json:"p99_ms"`
	HalfLoad   float64 `json:"half_load"` // enquiries a second
	RSS        float64 `json:"rss_mib"`   // of the hub's process, the most after any measurement
	Rounds     int     `json:"rounds"`
	Rows       int     `json:"rows"`
	Clients    int     `json:"clients"` // the most
	CPUs       int     `json:"cpus"`
	LoadBefore float64 `json:"load_before"` // the load average of a minute; 0 where the system does not say
	Postgres   string  `json:"postgres"`
	costs
	ByClients []concurrency `json:"by_clients"`
}

// costs are microseconds of the processors, of one enquiry and of one
// transaction of pgbench. Unlike throughput they say something on a machine that
// does other work too.
type costs struct {
	App           float64 `json:"cpu_us_app"`
	DB            float64 `json:"cpu_us_db"`
	Clients       float64 `json:"cpu_us_clients"`
	PgbenchDB     float64 `json:"pgbench_cpu_us_db"`
	PgbenchClient float64 `json:"pgbench_cpu_us_clients"`
	Ratio         float64 `json:"cpu_ratio"` // of the sums: pgbench's by ours
}

// concurrency is both at one number of clients.
type concurrency struct {
	Clients    int     `json:"clients"`
	Throughput float64 `json:"throughput"`
	Pgbench    float64 `json:"pgbench_throughput"`
	Ratio      float64 `json:"ratio"`
	P50        float64 `json:"p50_ms"`
	P99        float64 `json:"p99_ms"`
	costs
}

func (c *costs) all() []*float64 {
	return []*float64{&c.App, &c.DB, &c.Clients, &c.PgbenchDB, &c.PgbenchClient, &c.Ratio}
}

// round leaves two digits behind the point: more would be noise.
func (r *report) round() {
	values := []*float64{&r.Throughput, &r.Pgbench, &r.Ratio, &r.RatioBest, &r.P50, &r.P99, &r.HalfLoad, &r.RSS}
	for i := range r.ByClients {
		c := &r.ByClients[i]
		values = append(values, &c.Throughput, &c.Pgbench, &c.Ratio, &c.P50, &c.P99)
		values = append(values, c.costs.all()...)
	}
	values = append(values, r.costs.all()...)
	for _, v := range values {
		*v = math.Round(*v*100) / 100
	}
}

// measure warms both up, runs the rounds and prints the table as it grows.
func measure(ctx context.Context, o options, a *askers, bench *pgbench, db *database, out io.Writer) (_ report, err error) {
	most, length := o.clients[len(o.clients)-1], time.Duration(o.seconds)*time.Second
	if _, err := a.put(ctx, load{Clients: most, Length: time.Second}, db); err != nil {
		return report{}, err
	}
	if _, err := bench.run(ctx, most, 1); err != nil {
		return report{}, err
	}
	if o.profile != "" {
		file, err := os.Create(o.profile)
		if err != nil {
			return report{}, err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return report{}, err
		}
		defer pprof.StopCPUProfile()
	}
	all := map[int][]concurrency{}
	var ratios, bests, halves, p50s, p99s []float64
	r := report{Rounds: o.rounds, Clients: most}
	fmt.Fprintf(out, "\n%6s %8s %12s %9s %9s %12s %7s   %s\n", "round", "clients", "enquiries/s", "p50 ms", "p99 ms", "pgbench tx/s", "ratio",
		"CPU µs: app db clients | pgbench's db client | ratio")
	line := func(round string, c concurrency) {
		fmt.Fprintf(out, "%6s %8d %12.0f %9.2f %9.2f %12.0f %7.2f   %7.0f %5.0f %4.0f | %5.0f %4.0f | %.2f\n", round, c.Clients, c.Throughput, c.P50, c.P99, c.Pgbench, c.Ratio,
			c.App, c.DB, c.costs.Clients, c.PgbenchDB, c.PgbenchClient, c.costs.Ratio)
	}
	for round := range o.rounds {
		var best, bestPgbench float64
		var at concurrency
		for i, clients := range o.clients {
			at = concurrency{Clients: clients}
			ours := func() error {
				got, err := a.put(ctx, load{Clients: clients, Length: length}, db)
				at.Throughput, at.P50, at.P99 = got.Throughput, got.P50, got.P99
				at.App, at.DB, at.costs.Clients = got.each(got.HubCPU), got.each(got.DBCPU), got.each(got.CPU)
				return err
			}
			theirs := func() error {
				got, err := bench.run(ctx, clients, o.seconds)
				at.Pgbench, at.PgbenchDB, at.PgbenchClient = got.Throughput, got.each(got.DBCPU), got.each(got.CPU)
				return err
			}
			first, second := ours, theirs
			if (round+i)%2 == 1 {
				first, second = second, first
			}
			if err := first(); err != nil {
				return report{}, err
			}
			if err := second(); err != nil {
				return report{}, err
			}
			at.Ratio = at.Throughput / at.Pgbench
			at.costs.Ratio = (at.PgbenchDB + at.PgbenchClient) / (at.App + at.DB + at.costs.Clients)
			best, bestPgbench = max(best, at.Throughput), max(bestPgbench, at.Pgbench)
			all[clients] = append(all[clients], at)
			r.RSS = max(r.RSS, residentMiB())
			line(strconv.Itoa(round+1), at)
		}
		ratios, bests = append(ratios, at.Ratio), append(bests, at.Throughput/bestPgbench)
		half, err := a.put(ctx, load{Clients: most, Length: length, Rate: best / 2}, db)
		if err != nil {
			return report{}, err
		}
		halves, p50s, p99s = append(halves, half.Throughput), append(p50s, half.P50), append(p99s, half.P99)
		fmt.Fprintf(out, "%6d %8s %12.0f %9.2f %9.2f\n", round+1, "half", half.Throughput, half.P50, half.P99)
	}
	for _, clients := range o.clients {
		c := concurrency{
			Clients:    clients,
			Throughput: medianOf(all[clients], func(c concurrency) float64 { return c.Throughput }),
			Pgbench:    medianOf(all[clients], func(c concurrency) float64 { return c.Pgbench }),
			Ratio:      medianOf(all[clients], func(c concurrency) float64 { return c.Ratio }),
			P50:        medianOf(all[clients], func(c concurrency) float64 { return c.P50 }),
			P99:        medianOf(all[clients], func(c concurrency) float64 { return c.P99 }),
		}
		for i, v := range c.costs.all() {
			*v = medianOf(all[clients], func(c concurrency) float64 { return *c.costs.all()[i] })
		}
		line("median", c)
		r.ByClients = append(r.ByClients, c)
		r.Throughput, r.Pgbench, r.costs = c.Throughput, c.Pgbench, c.costs
	}
	r.Ratio, r.RatioBest = median(ratios), median(bests)
	r.HalfLoad, r.P50, r.P99 = median(halves), median(p50s), median(p99s)
	fmt.Fprintf(out, "%6s %8s %12.0f %9.2f %9.2f\n\n", "median", "half", r.HalfLoad, r.P50, r.P99)
	fmt.Fprintf(out, "at %d clients %.2f times pgbench there, %.2f times pgbench at its best\n", most, r.Ratio, r.RatioBest)
	return r, nil
}

// median is the middle of the values, 0 where there are none.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	if len(v) == 0 {
		return 0
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

func medianOf[T any](all []T, value func(T) float64) float64 {
	v := make([]float64, len(all))
	for i, one := range all {
		v[i] = value(one)
	}
	return median(v)
}

// loadAverage is what the machine did in the last minute, 0 where the system has
// no /proc.
func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return load
}

// residentMiB is the memory of this process, 0 where the system has no /proc.
func residentMiB() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return float64(pages) * float64(os.Getpagesize()) / (1 << 20)
}
