package edgetest_test

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lib/pq"
)

// observed is everything that an asker, or somebody who watches the database's
// traffic, the metrics or the logs, could compare of two requests.
type observed struct {
	status     int
	headers    []string // sorted, without Date, X-Request-Id and Content-Length
	body       string   // with what is drawn anew each time masked
	length     int      // of the body before that, times aside
	statements []string // of all duties, in order
	metrics    []string // what moved, by how much
	logs       []string // lines, without times and request ids
	wrote      []string // tables, each with how many rows more; nil where it is not compared
}

// What is drawn anew for each answer: ids, commitments, proofs, codes; and what
// the clock and the version of the terms say, which every request moves on.
var (
	instant   = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+Z`)
	version   = regexp.MustCompile(`"terms_version":\d+`)
	signature = regexp.MustCompile(`eyJ[\w-]+\.[\w-]+\.[\w-]+`)
	drawn     = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64}|[0-9a-f]{32}|"[0-9A-Z]{3} [0-9A-Z]{3} [0-9A-Z]{3}"|"[A-Z2-7]{26}"|"LMN-[0-9]{5}"`)
)

func masked(text string) string { return drawn.ReplaceAllString(timeless(text), "…") }

// timeless leaves out times, whose fraction is as long as it happens to be, and
// statements that are signed over times.
func timeless(text string) string {
	return signature.ReplaceAllString(version.ReplaceAllString(instant.ReplaceAllString(text, "when"), `"terms_version":0`), "signed")
}

// differences says in what two observations differ. It is the oracle.
func differences(a, b observed) (found []string) {
	note := func(what string, x, y any) { found = append(found, fmt.Sprintf("%s: %v / %v", what, x, y)) }
	if a.status != b.status {
		note("status", a.status, b.status)
	}
	if a.body != b.body {
		note("body", a.body, b.body)
	}
	if a.length != b.length {
		note("length", a.length, b.length)
	}
	for _, list := range []struct {
		what string
		a, b []string
	}{
		{"headers", a.headers, b.headers}, {"statements", a.statements, b.statements}, {"metrics", a.metrics, b.metrics},
		{"logs", a.logs, b.logs}, {"written", a.wrote, b.wrote},
	} {
		if !slices.Equal(list.a, list.b) {
			x, y := apart(list.a, list.b)
			note(list.what, strings.Join(x, " | "), strings.Join(y, " | "))
		}
	}
	return found
}

// apart leaves out what two lists begin and end with alike.
func apart(a, b []string) (x, y []string) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	return a, b
}

// watched is a hub of which every duty's statements are heard.
func watched(t testing.TB, s setting) (*hub, *listener) {
	t.Helper()
	l := new(listener)
	s.open = func(h *hub, duty string) *sql.DB { return overheard(t, h.base.DSN(duty), l) }
	h := newHub(t, s)
	h.handle("mr-lindqvist", "early-help", "EH-0000") // a column's key is made when it is first used
	return h, l
}

// observe sends a request, and notes all that can be compared. rows asks for
// what was written, too.
func (h *hub) observe(l *listener, r request, rows bool) observed {
	h.t.Helper()
	h.token(r.as) // before anything is heard
	h.warm()
	var before map[string]content
	if rows {
		before = h.snapshot()
	}
	measured := h.measure()
	h.logs.take()
	l.take()
	if r.plant != nil {
		r.plant()
	}
	a := h.send(r)
	o := observed{
		status: a.status, body: masked(string(a.body)), length: len(timeless(string(a.body))), statements: l.take(),
		logs: lines(h.t, h.logs.take()), metrics: moved(measured, h.measure()),
	}
	for name, values := range a.header {
		// Content-Length is the length, which is compared without times.
		if name != "Date" && name != "X-Request-Id" && name != "Content-Length" {
			o.headers = append(o.headers, name+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(o.headers)
	if rows {
		// A handle is made for an identifier never seen: that much the asker's own
		// enquiry decides, and the statement that makes it is the same.
		o.wrote = slices.DeleteFunc(written(before, h.snapshot()), func(w string) bool { return w == "relmgr.handles +1" })
	}
	return o
}

// warm has each duty verify the token and read the terms, as it would have to if
// the scene had moved the clock or changed the terms.
func (h *hub) warm() {
	h.t.Helper()
	h.ask("LMN-00000", "")
	h.ok("mr-lindqvist", "GET", "/consent/v1/requests?column=social-care&limit=1", nil)
	h.ok("mr-lindqvist", "GET", "/governance/v1/services", nil)
}

// measure is what all metrics of all duties say. How long something took is no
// part of it: that is not what this test compares.
func (h *hub) measure() map[string]float64 {
	h.t.Helper()
	out := map[string]float64{}
	for duty, registry := range h.registries {
		families, err := registry.Gather()
		h.must(err)
		for _, f := range families {
			for _, m := range f.GetMetric() {
				name := duty + " " + f.GetName()
				for _, l := range m.GetLabel() {
					name += " " + l.GetValue()
				}
				switch {
				case m.GetHistogram() != nil:
					out[name] = float64(m.GetHistogram().GetSampleCount())
				case m.GetSummary() != nil:
					out[name] = float64(m.GetSummary().GetSampleCount())
				case strings.HasSuffix(f.GetName(), "_seconds"):
				default:
					out[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetUntyped().GetValue()
				}
			}
		}
	}
	return out
}

func moved(before, after map[string]float64) []string {
	out := []string{}
	for name, now := range after {
		if was := before[name]; was != now {
			out = append(out, fmt.Sprintf("%s %+g", name, now-was))
		}
	}
	slices.Sort(out)
	return out
}

// lines are log lines without what differs between any two.
func lines(t testing.TB, text string) []string {
	t.Helper()
	out := []string{}
	for line := range strings.Lines(text) {
		var fields object
		if err := json.Unmarshal(bytes.TrimSpace([]byte(line)), &fields); err != nil {
			t.Fatalf("a log line is not JSON: %v", err)
		}
		for _, name := range []string{"time", "request", "ms"} {
			delete(fields, name)
		}
		out = append(out, masked(string(encode(t, fields))))
	}
	return out
}

// listener hears which statements a pool runs.
type listener struct {
	mu    sync.Mutex
	texts []string
}

func (l *listener) hear(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.texts = append(l.texts, strings.Join(strings.Fields(text), " "))
}

func (l *listener) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer func() { l.texts = nil }()
	return l.texts
}

// overheard opens a duty's database as pg.Open does, with a listener in between.
func overheard(t testing.TB, dsn string, l *listener) *sql.DB {
	t.Helper()
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Runtime = map[string]string{"search_path": "", "timezone": "UTC", "default_transaction_isolation": "read committed"}
	cfg.BinaryParameters = true
	inner, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(connector{inner, l})
	db.SetMaxOpenConns(12)
	db.SetMaxIdleConns(12)
	t.Cleanup(func() { db.Close() })
	return db
}

type connector struct {
	driver.Connector
	l *listener
}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return connection{inner.(pqConn), c.l}, nil
}

// pqConn is what database/sql uses of lib/pq's connections.
type pqConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type connection struct {
	pqConn
	l *listener
}

func (c connection) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.l.hear(text)
	return c.pqConn.ExecContext(ctx, text, args)
}

func (c connection) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.l.hear(text)
	return c.pqConn.QueryContext(ctx, text, args)
}

func (c connection) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.l.hear("begin")
	return c.pqConn.BeginTx(ctx, o)
}

// PrepareContext is not heard: a connection prepares a statement when it first
// runs it, and that depends on the pool. Its executions are.
func (c connection) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	inner, err := c.pqConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return statement{inner.(pqStmt), text, c.l}, nil
}

type pqStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type statement struct {
	pqStmt
	text string
	l    *listener
}

func (s statement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.l.hear(s.text)
	return s.pqStmt.ExecContext(ctx, args)
}

func (s statement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.l.hear(s.text)
	return s.pqStmt.QueryContext(ctx, args)
}
