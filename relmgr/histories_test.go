package relmgr_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	"github.com/lib/pq"
	"pgregory.net/rapid"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// timeline is a process of the duty with a clock of its own, so that histories
// side by side on one database do not move each other's time.
type timeline struct {
	*bundle
	s   *relmgr.Service
	now atomic.Int64
}

func (b *bundle) timeline(t *testing.T) *timeline {
	t.Helper()
	l := &timeline{bundle: b}
	l.now.Store(b.now.Load())
	s, err := relmgr.New(t.Context(), relmgr.Config{DB: b.hub.DB(t, "relmgr"), Keys: b.keys, Now: l.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	l.s = s
	return l
}

func (l *timeline) clock() time.Time { return time.UnixMicro(l.now.Load()).UTC() }

// world is six identifiers that no other history names, with two consents each.
type world struct {
	*timeline
	owns     [people]relmgr.Own
	handles  [people]ident.HandleID
	consents [2 * people]ident.ConsentID
	act      ident.ActID // of consent, under which all its records stand
}

var worlds atomic.Int64

func (l *timeline) world(ctx context.Context) (*world, error) {
	w := &world{timeline: l, act: ident.NewAct()}
	n := int(worlds.Add(1))
	if n%200 == 100 { // as autovacuum would: plans made for empty tables read them whole
		if _, err := l.admin.ExecContext(ctx, "analyze"); err != nil {
			return nil, err
		}
	}
	ids, of, ends := []string{}, []string{}, []string{}
	for x := range people {
		w.owns[x] = []relmgr.Own{
			own("social-care", fmt.Sprintf("LMN-%05d", 2*n+x/3)), own("gp-riverside", fmt.Sprintf("GP-%05d", 2*n+x/3)),
			own("school-pastoral", fmt.Sprintf("S%06d", 2*n+x/3)),
		}[columnOf(x)]
		p, err := l.s.FindHandle(ctx, l.as(managers[columnOf(x)]), w.owns[x])
		if err != nil {
			return nil, err
		}
		w.handles[x] = p.Handle
		for i, life := range []time.Duration{longLife, shortLife} {
			w.consents[2*x+i] = ident.NewConsent()
			ids, of = append(ids, w.consents[2*x+i].String()), append(of, p.Handle.String())
			ends = append(ends, l.clock().Add(life).Format(time.RFC3339Nano))
		}
	}
	_, err := l.admin.ExecContext(ctx, `with a as (
		  insert into consent.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
		  values ($1, 'capture', $2, 'x', 'x', 'gp', 1, '\x00', '\x00') returning act_id)
		insert into consent.consents (consent_id, act_id, handle_id, column_id, agency_id, explicit, audience_kind, audience,
		  purposes, aspects, starts_at, ends_at, evidence, wording)
		select unnest($3::text[])::uuid, a.act_id, unnest($4::text[])::uuid, 'x', 'x', true, 'partnership', '{}',
		  '{co-ordinate-care}', '{relationship}', $2::timestamptz - interval '1 minute', unnest($5::text[])::timestamptz, 'signed-form', 'v1' from a`,
		w.act, l.clock(), pq.Array(ids), pq.Array(of), pq.Array(ends))
	return w, err
}

// proposal rests on one of the identifier's two consents.
func (w *world) proposal(x int, short bool) relmgr.Proposal {
	return relmgr.Proposal{
		Agreement: "riverside-children", Power: power[w.owns[x].Column], Purposes: []string{"co-ordinate-care"},
		Aspects: []string{"relationship"}, Audience: decide.Audience{Kind: decide.ToPartnership, Names: []string{}},
		Necessary: true, Safeguards: true, Aim: "protect-health", Ground: decide.ExplicitConsent,
		Consents:   []ident.ConsentID{w.consents[consentOf(x, short)]},
		Conditions: decide.Conditions{Ordinary: w.terms.Profile.Ordinary[0].Code}, Until: w.clock().Add(longLife),
	}
}

// reference is how the agency of a column knows an act that another knows by key.
func (w *world) reference(ctx context.Context, key string, column int) (ref ident.ReferenceID, err error) {
	err = w.admin.QueryRowContext(ctx, `select o.reference_id from relmgr.act_references r
		join relmgr.act_references o on o.act_id = r.act_id and o.agency_id = $2 where r.reference_id = $1`, key, agencies[column]).Scan(&ref)
	return ref, err
}

// do does one thing to the real index. said and key are as in model.step; err is
// anything that no model foresees.
func (w *world) do(ctx context.Context, o op) (said, key string, err error) {
	done := func(r relmgr.Receipt, err error) (string, string, error) {
		if kind := fault.KindOf(err); err != nil && kind != fault.Internal && kind != fault.Unavailable {
			return string(kind), "", nil
		}
		return "done", r.Act.String(), err
	}
	as := func(column int) decide.Caller { return w.as(managers[column]) }
	record := func(text string, args ...any) (string, string, error) {
		_, err := w.admin.ExecContext(ctx, text, args...)
		return "done", "", err
	}
	var ref ident.ReferenceID
	if o.do == "settle" || o.do == "confirm" || o.do == "undo" || o.do == "keep its ends apart" {
		if ref, err = w.reference(ctx, o.act, o.by); err != nil {
			return "", "", err
		}
	}
	switch o.do {
	case "publish":
		return done(w.s.Publish(ctx, as(columnOf(o.x)), relmgr.Relationship{
			Own: w.owns[o.x], Role: [3]string{"social-worker", "gp", "teacher"}[columnOf(o.x)], Mode: decide.WithConsent, Reason: "working-with-person",
			Offers:   []relmgr.Offer{{Kind: "will-co-ordinate", Transactions: []string{"joint-assessment"}, Contact: "desk"}},
			Proposal: w.proposal(o.x, o.short),
		}))
	case "pair":
		p, err := w.s.OpenPairing(ctx, as(columnOf(o.y)), w.owns[o.y], w.proposal(o.y, o.short))
		said, _, err = done(relmgr.Receipt{}, err)
		return said, p.Code, err
	case "correlate":
		mode := decide.WithConsent
		if o.joint {
			mode = decide.Joint
		}
		return done(w.s.Correlate(ctx, as(columnOf(o.x)), relmgr.Correlation{
			Own: w.owns[o.x], Code: o.act, Mode: mode, Reason: "same-person-found", Proposal: w.proposal(o.x, o.short),
		}))
	case "keep apart":
		return done(w.s.KeepApart(ctx, as(columnOf(o.x)), relmgr.Apart{Own: w.owns[o.x], Code: o.act, Reason: "subject-asked"}))
	case "keep its ends apart":
		return done(w.s.KeepApart(ctx, as(o.by), relmgr.Apart{Correlations: []ident.ReferenceID{ref}, Reason: "subject-asked"}))
	case "dispute":
		return done(w.s.DisputeIdentity(ctx, as(columnOf(o.x)), w.owns[o.x], "not-the-same-person"))
	case "settle":
		hold := []ident.ReferenceID{}
		for _, k := range o.holds {
			h, err := w.reference(ctx, k, o.by)
			if err != nil {
				return "", "", err
			}
			hold = append(hold, h)
		}
		return done(w.s.SettleDispute(ctx, as(o.by), ref, hold, "same-person-found"))
	case "confirm":
		return done(w.s.ConfirmSamePerson(ctx, as(o.by), ref, "same-person-found"))
	case "undo":
		switch o.kind {
		case relmgr.Withdraw:
			return done(w.s.WithdrawAct(ctx, as(o.by), ref, "entered-by-mistake", ""))
		case relmgr.Separate:
			return done(w.s.Separate(ctx, as(o.by), []ident.ReferenceID{ref}, "not-the-same-person"))
		default:
			return done(w.s.SetStatus(ctx, as(o.by), ref, o.kind, "work-ended", nil))
		}
	case "withdraw consent":
		return record(`insert into consent.withdrawals (consent_id, act_id, at, evidence) values ($1, $2, $3, 'signed-form') on conflict do nothing`,
			w.consents[consentOf(o.x, o.short)], w.act, w.clock())
	case "hide":
		return record(`insert into consent.blocks (block_id, act_id, handle_id, agency_id, reach, warning, starts_at, evidence)
			values ($1, $2, $3, 'x', $4, 'w1', $5, 'signed-form')`, ident.NewBlock(), w.act, w.handles[o.x], o.reach, w.clock())
	case "exclude":
		return record(`insert into consent.exclusions (exclusion_id, act_id, handle_id, agency_id, excluded, starts_at, evidence)
			values ($1, $2, $3, 'x', $4, $5, 'signed-form')`, ident.NewExclusion(), w.act, w.handles[o.x], agencies[o.by], w.clock())
	case "wait":
		w.now.Add((shortLife + time.Minute).Microseconds())
		return "done", "", nil
	case "ask":
		q := relmgr.Question{Own: w.owns[o.x], Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Emergency: o.urgent}
		if o.urgent {
			q.Reason = "risk-of-harm"
		}
		a, err := w.s.Enquire(ctx, as(columnOf(o.x)), q)
		return strings.Join(told(a), " "), "", err
	case "look":
		return w.look(ctx)
	}
	panic(o.do)
}

// look lists what is stored of this world, by its makers' references.
func (w *world) look(ctx context.Context) (said, key string, err error) {
	handles := []string{}
	for _, h := range w.handles {
		handles = append(handles, h.String())
	}
	err = w.admin.QueryRowContext(ctx, `with mine as (
		  select distinct a.act_id, r.reference_id from relmgr.act_handles ah
		    join relmgr.acts a on a.act_id = ah.act_id
		    join relmgr.act_references r on r.act_id = a.act_id and r.agency_id = a.agency_id
		   where ah.handle_id = any($1::text[]::uuid[]))
		select coalesce((select string_agg(reference_id::text, ' ' order by reference_id::text) from mine
		          where act_id in (select act_id from relmgr.cells union select act_id from relmgr.correlations
		                           union select act_id from relmgr.keep_aparts union select act_id from relmgr.disputes)), '')
		    || ' | ' || coalesce((select string_agg(reference_id::text, ' ' order by reference_id::text) from mine
		                           where act_id in (select act_id from relmgr.barred)), '')`, pq.Array(handles)).Scan(&said)
	return said, "", err
}

// rows compares the rows stored with the model's components.
func (w *world) rows(m *model) error {
	var row [people]string
	for x, h := range w.handles {
		if err := w.admin.QueryRow(`select row_id from relmgr.handles where handle_id = $1`, h).Scan(&row[x]); err != nil {
			return err
		}
	}
	for x := range people {
		in := m.component(x, func(string) bool { return true })
		for y := range people {
			if in[y] != (row[x] == row[y]) {
				return fmt.Errorf("identifiers %d and %d share a row: %v, and are connected: %v", x, y, row[x] == row[y], in[y])
			}
		}
	}
	return nil
}

// chooser draws numbers: rapid's, or a writer's own.
type chooser func(n int, what string) int

// next draws something to do that makes sense to somebody who knows these acts.
func next(choose chooser, m *model) op {
	of := func(kinds ...relmgr.Kind) (keys []string) {
		for _, k := range m.order {
			if len(kinds) == 0 || slices.Contains(kinds, m.acts[k].kind) {
				keys = append(keys, k)
			}
		}
		return keys
	}
	pick := func(keys []string) string { return keys[choose(len(keys), "act")] }
	codes := slices.Sorted(func(yield func(string) bool) {
		for c := range m.codes {
			if !yield(c) {
				return
			}
		}
	})
	o := op{x: choose(people, "x"), short: choose(4, "short") == 0}
	n := choose(20, "what")
	switch {
	case n < 2 && len(of()) > 0, n < 5 && len(m.order) > 6:
		o.do, o.kind, o.act = "undo", relmgr.Withdraw, pick(of())
	case n < 6 && len(of(relmgr.Correlate)) > 0:
		o.do, o.kind, o.act = "undo", relmgr.Separate, pick(of(relmgr.Correlate))
	case n < 7 && len(of(relmgr.Publish)) > 0:
		o.do, o.act = "undo", pick(of(relmgr.Publish))
		o.kind = []relmgr.Kind{relmgr.Suspend, relmgr.End, relmgr.AskedInError}[choose(3, "status")]
	case n < 8 && len(of(relmgr.Correlate)) > 0:
		o.do, o.act = "keep its ends apart", pick(of(relmgr.Correlate))
	case n < 9 && len(of(relmgr.Dispute)) > 0:
		o.do, o.act = "settle", pick(of(relmgr.Dispute))
	case n < 9 && len(of(relmgr.Correlate)) > 0:
		o.do, o.act = "confirm", pick(of(relmgr.Correlate))
	case n < 10:
		o.do = "dispute"
	case n < 11:
		o.do = []string{"withdraw consent", "hide", "exclude", "wait"}[choose(4, "which")]
		o.reach, o.by = []string{"block", "creator-only"}[choose(2, "reach")], choose(3, "agency")
		return o
	case n < 14:
		o.do = "publish"
	default:
		if len(codes) == 0 {
			o.do, o.y = "pair", choose(people, "y")
			return o
		}
		o.act = codes[choose(len(codes), "code")]
		if o.do, o.joint = "correlate", choose(6, "joint") == 0; choose(5, "apart") == 0 {
			o.do = "keep apart"
		}
		for columnOf(o.x) == columnOf(m.codes[o.act].b) {
			o.x = (o.x + 1) % people
		}
		return o
	}
	a := m.acts[o.act]
	switch o.by = a.by; {
	case o.do == "confirm":
		o.by = columnOf(a.b) // the other side is whose code was used
	case a.kind == relmgr.Correlate && choose(2, "side") == 0:
		o.by = columnOf(a.b)
	}
	if o.do == "settle" {
		o.holds = m.correlations(a.a)
		if len(o.holds) > 0 && choose(2, "drop") == 0 {
			o.drop = o.holds[choose(len(o.holds), "which")]
			o.holds = slices.DeleteFunc(o.holds, func(k string) bool { return k == o.drop })
		}
	}
	return o
}

// IDX-02, IDX-10, IDX-12, IDX-18, ACT-07, PUB-08, QRY-11, invariants 1, 3 and 5:
// after any history of publications, correlations, keep-aparts, disputes,
// settlements, suspensions, lapses, withdrawals and withdrawals of those, each
// enquiry is told what the plain model says, and rows and projection are the
// model's. Histories run side by side on one database, each on its own people
// and clock. `make histories` makes 10,000 of them.
func TestEveryHistoryIsWhatThePlainModelSays(t *testing.T) {
	b := setup(t)
	sideBySide := 1
	if thorough() {
		sideBySide = 4
	}
	t.Run("side by side", func(t *testing.T) {
		for n := range sideBySide {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				t.Parallel()
				l := b.timeline(t)
				rapid.Check(t, func(rt *rapid.T) { l.history(t.Context(), rt) })
			})
		}
	})
	rowsAreComponents(t, b.admin)
}

func (l *timeline) history(ctx context.Context, rt *rapid.T) {
	w, err := l.world(ctx)
	if err != nil {
		rt.Fatalf("%v", err)
	}
	m := newModel(w.clock())
	choose := func(n int, what string) int { return rapid.IntRange(0, n-1).Draw(rt, what) }
	try := func(o op) {
		said, key, err := w.do(ctx, o)
		if err != nil {
			rt.Fatalf("%+v: %v", o, err)
		}
		if want := m.step(o, key); said != want {
			rt.Fatalf("%+v: said %q, and the model says %q", o, said, want)
		}
	}
	for range choose(12, "steps") + 1 {
		try(next(choose, m))
		try(op{do: "ask", x: choose(people, "asker")})
	}
	for x := range people {
		try(op{do: "ask", x: x, urgent: columnOf(x) != 2 && choose(2, "urgent") == 0})
	}
	try(op{do: "look"})
	if err := w.rows(m); err != nil {
		rt.Fatalf("%v", err)
	}
}

// thorough says that a longer run was asked for.
func thorough() bool { return os.Getenv("FAME_THOROUGH") != "" }

// heard is what came of an operation.
type heard struct{ said, key string }

// oneOrder: porcupine looks for one in which the plain model says what was said.
var oneOrder = porcupine.Model{
	Step: func(state, in, out any) (bool, any) {
		m := state.(*model).clone()
		said := m.step(in.(op), out.(heard).key)
		return said == out.(heard).said, m
	},
	Equal: func(a, b any) bool { return a.(*model).print() == b.(*model).print() },
}

// Invariant 3 under concurrency: what eight writers in two processes are told
// while they act on six people, and what is stored in the end, is what the plain
// model says of some order of their acts that fits when each began and ended.
// Writers whom contention turned away changed nothing.
func TestEightWritersAreToldOfOneOrderOfTheirActs(t *testing.T) {
	b := setup(t)
	l := b.timeline(t)
	other := b.another(t)
	rounds := 12
	if thorough() {
		rounds = 100
	}
	for round := range rounds {
		w, err := l.world(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		there := *w
		there.timeline = &timeline{bundle: l.bundle, s: other}
		there.now.Store(l.now.Load())
		h := &record{model: newModel(w.clock())}
		var all sync.WaitGroup
		for n := range 8 {
			rng := rand.New(rand.NewPCG(uint64(round), uint64(n)))
			mine := []*world{w, &there}[n%2]
			all.Go(func() {
				for range 6 {
					h.write(t, n, mine, func(n int, _ string) int { return rng.IntN(n) })
				}
			})
		}
		all.Wait()
		for x := range people {
			h.try(t, 8, w, op{do: "ask", x: x})
		}
		h.try(t, 8, w, op{do: "look"})
		order := oneOrder
		order.Init = func() any { return newModel(w.clock()) }
		switch porcupine.CheckOperationsTimeout(order, h.operations, time.Minute) {
		case porcupine.Illegal:
			for _, o := range h.operations {
				t.Logf("%d %d-%d %+v %v", o.ClientId, o.Call, o.Return, o.Input, o.Output)
			}
			t.Fatalf("round %d: no order of these acts gives what was said", round)
		case porcupine.Unknown:
			t.Logf("round %d: no order found or excluded within a minute", round)
		}
	}
	rowsAreComponents(t, b.admin)
}

// record is what writers did, and what each may know of when it chooses.
type record struct {
	mu         sync.Mutex
	model      *model // of acts that have ended, in the order in which they did: to choose from, not to judge
	operations []porcupine.Operation
}

func (h *record) write(t *testing.T, client int, w *world, choose chooser) {
	h.mu.Lock()
	o := next(choose, h.model)
	h.mu.Unlock()
	switch o.do {
	case "settle", "wait": // they depend on more than the writer can know
		o = op{do: "ask", x: o.x}
	}
	h.try(t, client, w, o)
	if choose(2, "ask") == 0 {
		h.try(t, client, w, op{do: "ask", x: choose(people, "x")})
	}
}

func (h *record) try(t *testing.T, client int, w *world, o op) {
	began := time.Now()
	said, key, err := w.do(t.Context(), o)
	ended := time.Now()
	if err != nil {
		if fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%+v: %v", o, err)
		}
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.operations = append(h.operations, porcupine.Operation{
		ClientId: client, Input: o, Output: heard{said, key}, Call: began.UnixNano(), Return: ended.UnixNano(),
	})
	if key != "" && said == "done" {
		h.model.step(o, key)
	}
}
