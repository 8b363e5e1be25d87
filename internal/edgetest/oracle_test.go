package edgetest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"
)

// observed is everything that an asker, or somebody who watches the database's
// traffic, could compare of two enquiries.
type observed struct {
	status     int
	headers    []string // sorted, without Date and X-Request-Id
	body       string   // with what is drawn anew each time masked
	length     int      // of the body before that
	statements []string // in order
	wrote      []string // tables, each with how many rows more
}

// Drawn anew for each answer: the enquiry's id and its commitment, and the
// request's id in a problem.
var drawn = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{64}|[0-9a-f]{32}`)

// differences says in what two observations differ. It is the oracle.
func differences(a, b observed) (found []string) {
	note := func(what string, x, y any) { found = append(found, fmt.Sprintf("%s: %v / %v", what, x, y)) }
	if a.status != b.status {
		note("status", a.status, b.status)
	}
	if !slices.Equal(a.headers, b.headers) {
		note("headers", a.headers, b.headers)
	}
	if a.body != b.body {
		note("body", a.body, b.body)
	}
	if a.length != b.length {
		note("length", a.length, b.length)
	}
	if !slices.Equal(a.statements, b.statements) {
		note("statements", strings.Join(a.statements, " | "), strings.Join(b.statements, " | "))
	}
	if !slices.Equal(a.wrote, b.wrote) {
		note("written", a.wrote, b.wrote)
	}
	return found
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

// scene is one reason for which an asker is told nothing. It prepares the index
// around social care's identifier. A later way to hide is one scene more.
type scene struct {
	name string
	// prepare makes what is to be hidden, and returns what hides it: nil where
	// what was made is hidden from the start. In between there is something to
	// tell, and the test asks.
	prepare     func(h *hub, social, gp string) (hide func())
	transaction string // asked for, where the scene is about one
	// known says that there is something to tell: the oracle must see it.
	known bool
}

// related publishes the surgery's relationship and correlates it with social
// care's identifier. It returns what a scene may take back.
func related(h *hub, social, gp string, a agreed) (published, publishedOn, correlated, correlatedOn string) {
	published, publishedOn = h.publish("dr-patel", "gp-riverside", gp, a)
	correlated, correlatedOn = joined(h, social, gp)
	return published, publishedOn, correlated, correlatedOn
}

func joined(h *hub, social, gp string) (correlated, correlatedOn string) {
	code, _ := h.pair("dr-patel", "gp-riverside", gp)
	return h.correlate("mr-lindqvist", "social-care", social, code)
}

func (h *hub) withdrawConsent(as, consent string) {
	h.t.Helper()
	h.ok(as, "POST", "/consent/v1/consents/"+consent+"/withdrawal", object{"evidence": "spoken-and-noted"})
}

func (h *hub) withdrawAct(as, act string) {
	h.t.Helper()
	h.ok(as, "POST", "/relmgr/v1/acts/"+act+"/withdrawal", object{"reason": "work-ended"})
}

var scenes = []scene{
	{name: "an identifier never seen", prepare: func(*hub, string, string) func() { return nil }},
	{name: "a handle that nothing is correlated with", prepare: func(h *hub, social, _ string) func() {
		h.handle("mr-lindqvist", "social-care", social)
		return nil
	}},
	{name: "asked about before", prepare: func(h *hub, social, _ string) func() {
		h.ask(social, "")
		return nil
	}},
	{name: "the other side's relationship published, and not correlated", prepare: func(h *hub, social, gp string) func() {
		h.handle("mr-lindqvist", "social-care", social)
		h.publish("dr-patel", "gp-riverside", gp, agreed{})
		return nil
	}},
	{name: "correlated, and nothing published", prepare: func(h *hub, social, gp string) func() {
		joined(h, social, gp)
		return nil
	}},
	{name: "the consent of the other side's publication withdrawn", prepare: func(h *hub, social, gp string) func() {
		_, consent, _, _ := related(h, social, gp, agreed{})
		return func() { h.withdrawConsent("dr-patel", consent) }
	}},
	{name: "the consent of the other side's pairing withdrawn", prepare: func(h *hub, social, gp string) func() {
		h.publish("dr-patel", "gp-riverside", gp, agreed{})
		code, consent := h.pair("dr-patel", "gp-riverside", gp)
		h.correlate("mr-lindqvist", "social-care", social, code)
		return func() { h.withdrawConsent("dr-patel", consent) }
	}},
	{name: "the consent of one's own correlation withdrawn", prepare: func(h *hub, social, gp string) func() {
		_, _, _, consent := related(h, social, gp, agreed{})
		return func() { h.withdrawConsent("mr-lindqvist", consent) }
	}},
	{name: "the other side's publication withdrawn", prepare: func(h *hub, social, gp string) func() {
		published, _, _, _ := related(h, social, gp, agreed{})
		return func() { h.withdrawAct("dr-patel", published) }
	}},
	{name: "the asker's agency excluded, at the other side", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.exclude("dr-patel", "gp-riverside", gp, "riverside-social-care") }
	}},
	{name: "the other agency excluded, at the asker's side", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.exclude("mr-lindqvist", "social-care", social, "riverside-gp") }
	}},
	{name: "an audience of another agency", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{audience: object{"agencies": []string{"hillside-school"}}})
		return nil
	}},
	{name: "an audience of another column", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{audience: object{"columns": []string{"early-help"}}})
		return nil
	}},
	{name: "the correlation withdrawn by its maker", prepare: func(h *hub, social, gp string) func() {
		_, _, correlated, _ := related(h, social, gp, agreed{})
		return func() { h.withdrawAct("mr-lindqvist", correlated) }
	}},
	{name: "separated", prepare: func(h *hub, social, gp string) func() {
		_, _, correlated, _ := related(h, social, gp, agreed{})
		return func() {
			h.ok("mr-lindqvist", "POST", "/relmgr/v1/separations", object{"correlations": []string{correlated}, "reason": "not-the-same-person"})
		}
	}},
	{name: "published for another purpose", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{purpose: "safeguarding"})
		return nil
	}},
	{name: "the standing decision lapsed", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{life: time.Minute})
		return func() { h.clock.pass(2 * time.Minute) }
	}},
	{name: "a transaction that nobody offers", transaction: "hospital-discharge", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return nil
	}},
	{name: "two other columns on the row, both hidden", prepare: func(h *hub, social, gp string) func() {
		_, consent, _, _ := related(h, social, gp, agreed{})
		school := "S9" + gp[len(gp)-5:]
		published, _ := h.publish("ms-okafor", "school-pastoral", school, agreed{})
		code, _ := h.pair("ms-okafor", "school-pastoral", school)
		h.correlate("mr-lindqvist", "social-care", social, code)
		return func() {
			h.withdrawConsent("dr-patel", consent)
			h.withdrawAct("ms-okafor", published)
		}
	}},
	{name: "blocked by the person", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.block("dr-patel", "gp-riverside", gp, "block") }
	}},
	{name: "creator-only", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.block("dr-patel", "gp-riverside", gp, "creator-only") }
	}},
	{name: "disputed by the asker's side", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.dispute("mr-lindqvist", "social-care", social) }
	}},
	{name: "disputed by the other side", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() { h.dispute("dr-patel", "gp-riverside", gp) }
	}},
	{name: "suspended by the other side", prepare: func(h *hub, social, gp string) func() {
		published, _, _, _ := related(h, social, gp, agreed{})
		return func() {
			h.ok("dr-patel", "POST", "/relmgr/v1/relationships/"+published+"/status", object{"status": "suspend", "reason": "work-ended"})
		}
	}},
	{name: "kept apart, and the correlation barred", prepare: func(h *hub, social, gp string) func() {
		h.publish("dr-patel", "gp-riverside", gp, agreed{})
		code, _ := h.pair("dr-patel", "gp-riverside", gp)
		h.ok("mr-lindqvist", "POST", "/relmgr/v1/keep-aparts", object{"column": "social-care", "identifier": social, "pairing": code, "reason": "subject-asked"})
		joined(h, social, gp)
		return nil
	}},
	{name: "kept apart on one row", prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return func() {
			code, _ := h.pair("dr-patel", "gp-riverside", gp)
			h.ok("mr-lindqvist", "POST", "/relmgr/v1/keep-aparts", object{"column": "social-care", "identifier": social, "pairing": code, "reason": "subject-asked"})
		}
	}},
	{name: "joint, and not confirmed", prepare: func(h *hub, social, gp string) func() {
		h.publish("dr-patel", "gp-riverside", gp, agreed{})
		code, _ := h.pair("dr-patel", "gp-riverside", gp)
		consent := h.consent("mr-lindqvist", "social-care", social, agreed{})
		c := h.correlation("social-care", social, code, consent)
		c["mode"] = "joint"
		h.ok("mr-lindqvist", "POST", "/relmgr/v1/correlations", c)
		return nil
	}},
	{name: "CONTROL: somebody is known", known: true, prepare: func(h *hub, social, gp string) func() {
		related(h, social, gp, agreed{})
		return nil
	}},
}

// ask asks about one of social care's identifiers.
func (h *hub) ask(social, transaction string) answer {
	h.t.Helper()
	q := object{
		"column": "social-care", "identifier": social, "purpose": "co-ordinate-care", "reason": "working-with-person", "concerning": "not-known",
	}
	if transaction != "" {
		q["transaction"] = transaction
	}
	return h.send(request{as: "mr-lindqvist", method: "POST", target: "/relmgr/v1/enquiries", body: encode(h.t, q)})
}

// observe asks, and notes all that can be compared.
func (h *hub) observe(l *listener, social, transaction string) observed {
	h.t.Helper()
	h.token("mr-lindqvist") // before anything is heard
	h.warm()
	before := h.snapshot()
	l.take()
	a := h.ask(social, transaction)
	o := observed{status: a.status, body: drawn.ReplaceAllString(string(a.body), "…"), length: len(a.body), statements: l.take()}
	for name, values := range a.header {
		if name != "Date" && name != "X-Request-Id" {
			o.headers = append(o.headers, name+": "+strings.Join(values, ", "))
		}
	}
	slices.Sort(o.headers)
	// A handle is made for an identifier never seen: that much the asker's own
	// enquiry decides, and the statement that makes it is the same.
	o.wrote = slices.DeleteFunc(written(before, h.snapshot()), func(w string) bool { return w == "relmgr.handles +1" })
	return o
}

// warm has relmgr verify the token and read the terms, as it would have to if
// the scene had moved the clock.
func (h *hub) warm() { h.t.Helper(); h.ask("LMN-00000", "") }

// QRY-11, PUB-07, PUB-12, IDX-12, COL-03: whatever the reason for which nothing
// is told, the answer, its headers and the statements behind it are the same;
// and a known provider is seen by the comparison.
func TestWhatIsHiddenCannotBeToldFromWhatIsNotThere(t *testing.T) {
	t.Parallel()
	l := new(listener)
	h := newHub(t, setting{open: func(h *hub, duty string) *sql.DB {
		if duty == "relmgr" {
			return overheard(t, h.base.DSN(duty), l)
		}
		return h.base.DB(t, duty)
	}})
	var first observed
	controls := 0
	for i, s := range scenes {
		social, gp := fmt.Sprintf("LMN-%05d", 50_000+i), fmt.Sprintf("GP-%05d", 50_000+i)
		if hide := s.prepare(h, social, gp); hide != nil {
			if a := h.ask(social, s.transaction); !strings.Contains(string(a.body), `"known":"yes"`) {
				t.Errorf("%s: there is nothing to hide: %d %s", s.name, a.status, a.body)
			}
			hide()
		}
		seen := h.observe(l, social, s.transaction)
		if i == 0 {
			first = seen
			if seen.status != 200 || !strings.Contains(seen.body, `"known":"nothing-to-tell"`) {
				t.Fatalf("%s: %+v", s.name, seen)
			}
			if len(seen.statements) < 3 || !slices.Contains(seen.wrote, "relmgr.enquiries +1") {
				t.Fatalf("nothing was overheard: %+v", seen)
			}
		}
		found := differences(first, seen)
		switch {
		case s.known:
			controls++
			if !strings.Contains(strings.Join(found, "\n"), "body:") || !strings.Contains(seen.body, "riverside-surgery") {
				t.Errorf("%s, and the comparison reports %v", s.name, found)
			}
		case len(found) > 0:
			t.Errorf("%s can be told from %s:\n%s", s.name, scenes[0].name, strings.Join(found, "\n"))
		}
	}
	if controls == 0 {
		t.Error("no scene has anybody known: nothing shows that the comparison can fail")
	}
}

// QRY-11: where an agreement asks for a case, the refusal of a question without
// one depends on the asker's own column alone: it is the same whoever is known
// elsewhere, shown or hidden.
func TestAskingForACaseTellsNothingOfOthers(t *testing.T) {
	t.Parallel()
	l := new(listener)
	h := newHub(t, setting{
		open: func(h *hub, duty string) *sql.DB {
			if duty == "relmgr" {
				return overheard(t, h.base.DSN(duty), l)
			}
			return h.base.DB(t, duty)
		},
		document: func(doc map[string]any) {
			for _, a := range doc["agreements"].([]any) {
				a.(map[string]any)["needs_case"] = true
			}
		},
	})
	var first observed
	for i, s := range scenes {
		social, gp := fmt.Sprintf("LMN-%05d", 60_000+i), fmt.Sprintf("GP-%05d", 60_000+i)
		if hide := s.prepare(h, social, gp); hide != nil {
			hide()
		}
		seen := h.observe(l, social, s.transaction)
		if i == 0 {
			if first = seen; seen.status != 403 || !strings.Contains(seen.body, "name the case") || !slices.Contains(seen.wrote, "relmgr.enquiries +1") {
				t.Fatalf("%s: %+v", s.name, seen)
			}
		}
		if found := differences(first, seen); len(found) > 0 {
			t.Errorf("%s can be told from %s:\n%s", s.name, scenes[0].name, strings.Join(found, "\n"))
		}
	}
}

// QRY-11: the comparison finds a difference in every part of what it compares.
func TestTheComparisonOfRefusalsCanFail(t *testing.T) {
	t.Parallel()
	same := func() observed {
		return observed{200, []string{"A: 1"}, "{}", 2, []string{"select 1"}, []string{"relmgr.enquiries +1"}}
	}
	if got := differences(same(), same()); len(got) != 0 {
		t.Fatalf("the same differ in %v", got)
	}
	for part, change := range map[string]func(*observed){
		"status":     func(o *observed) { o.status = 403 },
		"headers":    func(o *observed) { o.headers = []string{"A: 1", "B: 2"} },
		"body":       func(o *observed) { o.body = "{ }" },
		"length":     func(o *observed) { o.length++ },
		"statements": func(o *observed) { o.statements = append(o.statements, "select 2") },
		"written":    func(o *observed) { o.wrote = nil },
	} {
		other := same()
		change(&other)
		if got := differences(same(), other); len(got) != 1 || !strings.HasPrefix(got[0], part+":") {
			t.Errorf("another %s is reported as %v", part, got)
		}
	}
}
