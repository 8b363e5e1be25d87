package ledger

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/transparency-dev/formats/proof"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"github.com/fame-hub/fame/governance/internal/governancedb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/internal/seal"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const hubURL = "https://hub.example"

// hub is a database with a log in it.
type hub struct {
	*Log
	t     *testing.T
	base  *pgtest.Hub
	db    *sql.DB // as governance
	admin *sql.DB
	keys  *seal.File
	now   func() time.Time
	made  int
}

func keyFile(t *testing.T) *seal.File {
	t.Helper()
	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	must(t, err)
	return keys
}

func setup(t *testing.T) *hub {
	t.Helper()
	h := &hub{t: t, base: pgtest.New(t), keys: keyFile(t), now: time.Now}
	h.db, h.admin = h.base.DB(t, "governance"), h.base.Admin(t)
	h.Log = h.open(nil)
	return h
}

func (h *hub) open(metrics prometheus.Registerer) *Log {
	h.t.Helper()
	l, err := New(h.t.Context(), Config{DB: h.db, Keys: h.keys, Now: h.now, Hub: hubURL, Logger: slog.New(slog.DiscardHandler), Metrics: metrics})
	must(h.t, err)
	return l
}

// put leaves n commitments in the inbox, as a duty does.
func (h *hub) put(n int) {
	h.t.Helper()
	for range n {
		_, err := h.base.DB(h.t, "consent").Exec("insert into ledger.pending values ($1)", leafOf(h.made))
		must(h.t, err)
		h.made++
	}
}

// flood leaves n commitments in the inbox at once.
func (h *hub) flood(n int) {
	h.t.Helper()
	_, err := h.admin.Exec("insert into ledger.pending select sha256(int8send(i)) from generate_series($1::bigint, $2::bigint) i", h.made, h.made+n-1)
	must(h.t, err)
	h.made += n
}

func (h *hub) sequence() int {
	h.t.Helper()
	n, alone, err := h.Sequence(h.t.Context())
	must(h.t, err)
	if !alone {
		h.t.Fatal("somebody else holds the lock")
	}
	return n
}

func (h *hub) count(query string, args ...any) (n int) {
	h.t.Helper()
	must(h.t, h.admin.QueryRow(query, args...).Scan(&n))
	return n
}

// verified reads a checkpoint with nothing of ours but the public key.
func (h *hub) verified(signed []byte) (size uint64, root []byte) {
	h.t.Helper()
	v, err := note.NewVerifier(h.VerifierKey())
	must(h.t, err)
	n, err := note.Open(signed, note.VerifierList(v))
	must(h.t, err)
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != "hub.example/log/v1" {
		h.t.Fatalf("the checkpoint is %q", n.Text)
	}
	root, err = base64.StdEncoding.DecodeString(lines[2])
	must(h.t, err)
	for _, d := range lines[1] {
		size = size*10 + uint64(d-'0')
	}
	return size, root
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ACT-09, design.md section 5: what was put in has a position, a proof that
// another's code verifies with the public key alone, and is in the inbox no more;
// every tree grew out of the one before.
func TestEveryCommitmentHasAProofAndEveryTreeGrowsOutOfTheLast(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ctx := t.Context()
	if _, err := h.Checkpoint(ctx); fault.KindOf(err) != fault.NotKnown {
		t.Errorf("an empty log has a checkpoint: %v", err)
	}
	type head struct {
		size uint64
		root []byte
	}
	var heads []head
	for _, n := range []int{1, 1, 3, 250, 2, 300, 700} {
		h.flood(n)
		if got := h.sequence(); got != n {
			t.Fatalf("%d leaves added, want %d", got, n)
		}
		signed, err := h.Checkpoint(ctx)
		must(t, err)
		size, root := h.verified(signed)
		if int(size) != h.made {
			t.Fatalf("the tree has %d leaves, want %d", size, h.made)
		}
		heads = append(heads, head{size, root})
	}
	if h.count("select count(*) from ledger.pending") != 0 {
		t.Error("something still waits")
	}
	for i := range h.made {
		if i%7 != 0 && i < h.made-5 {
			continue
		}
		text, err := h.Inclusion(ctx, [32]byte(leafOf(i)))
		must(t, err)
		var p proof.TLogProof
		must(t, p.Unmarshal(text))
		size, root := h.verified(p.Checkpoint)
		path := make([][]byte, len(p.Hashes))
		for i := range p.Hashes {
			path[i] = p.Hashes[i][:]
		}
		must(t, merkle.VerifyInclusion(rfc6962.DefaultHasher, p.Index, size, rfc6962.DefaultHasher.HashLeaf(leafOf(i)), path, root))
		if merkle.VerifyInclusion(rfc6962.DefaultHasher, p.Index, size, rfc6962.DefaultHasher.HashLeaf(leafOf(i+1)), path, root) == nil {
			t.Fatal("the proof proves another commitment too")
		}
	}
	last := heads[len(heads)-1]
	for _, from := range heads {
		body, err := h.Consistency(ctx, int64(from.size))
		must(t, err)
		lines, _, _ := bytes.Cut(body, []byte("\n\n"))
		var path [][]byte
		for i, line := range strings.Split(string(lines), "\n") {
			if i == 0 {
				continue
			}
			hash, err := base64.StdEncoding.DecodeString(line)
			must(t, err)
			path = append(path, hash)
		}
		must(t, merkle.VerifyConsistency(rfc6962.DefaultHasher, from.size, last.size, path, from.root, last.root))
	}
	for _, size := range []int64{-1, int64(last.size) + 1} {
		if _, err := h.Consistency(ctx, size); fault.KindOf(err) != fault.Invalid {
			t.Errorf("consistency from %d: %v, want Invalid", size, err)
		}
	}
	if _, err := h.Inclusion(ctx, [32]byte(leafOf(h.made))); fault.KindOf(err) != fault.NotKnown {
		t.Errorf("a commitment that nobody made: %v, want NotKnown", err)
	}
	h.put(1)
	if _, err := h.Inclusion(ctx, [32]byte(leafOf(h.made-1))); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("a commitment that waits: %v, want Unavailable", err)
	}
}

// The order of leaves is that of their values: neither the order of commits nor
// a clock that jumps back is in it.
func TestTheOrderOfLeavesTellsNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	for i, at := range []time.Time{noon, noon.Add(-48 * time.Hour), noon.Add(time.Hour)} {
		h.now = func() time.Time { return at }
		h.Log = h.open(nil) // as another process, whose clock is another
		h.put(40)
		if got := h.sequence(); got != 40 {
			t.Fatal(got)
		}
		if n := h.count(`select count(*) from (select commitment, lag(commitment) over (order by position) as before from ledger.leaves
			where position >= $1) x where before > commitment`, 40*i); n != 0 {
			t.Errorf("batch %d: %d leaves are out of the order of their values", i, n)
		}
	}
	if n := h.count("select count(*) from ledger.checkpoints c join ledger.checkpoints d on d.number = c.number + 1 where d.size <= c.size"); n != 0 {
		t.Errorf("%d checkpoints are not larger than the one before", n)
	}
}

// Many sequencers on one database, and writers beside them: one tree, nothing
// lost, nothing twice.
func TestSequencersAtOnceMakeOneTree(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ctx, stop := context.WithCancel(t.Context())
	var sequencers, writers sync.WaitGroup
	for range 4 {
		l := h.open(nil)
		sequencers.Go(func() {
			for ctx.Err() == nil {
				if _, _, err := l.Sequence(ctx); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	for w := range 4 {
		db := h.base.DB(t, "consent")
		writers.Go(func() {
			for i := range 100 {
				if _, err := db.Exec("insert into ledger.pending values ($1)", leafOf(1000*w+i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	stop()
	sequencers.Wait()
	h.sequence()
	if n, m := h.count("select count(*) from ledger.leaves"), h.count("select count(distinct commitment) from ledger.leaves"); n != 400 || m != 400 {
		t.Errorf("%d leaves, %d of them different, want 400", n, m)
	}
	signed, err := h.Checkpoint(t.Context())
	must(t, err)
	if size, _ := h.verified(signed); size != 400 {
		t.Errorf("the tree has %d leaves", size)
	}
	if _, err := h.Consistency(t.Context(), int64(h.count("select min(size) from ledger.checkpoints"))); err != nil {
		t.Error(err)
	}
}

// A sequencer that dies anywhere leaves the tree and the inbox as they were, and
// the next one goes on from there. Every statement is cut off once.
func TestASequencerThatDiesLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.put(3)
	h.sequence()
	before, err := h.Checkpoint(t.Context())
	must(t, err)
	h.put(5)
	for _, where := range []string{
		"before delete on ledger.pending", "before insert on ledger.leaves", "before insert on ledger.tiles", "after update on ledger.tiles",
		"before insert on ledger.checkpoints", "after insert on ledger.checkpoints",
	} {
		_, err := h.admin.Exec(`create function public.die() returns trigger language plpgsql as
			'begin perform pg_terminate_backend(pg_backend_pid()); return new; end'; create trigger die ` + where + ` for each row execute function public.die()`)
		must(t, err)
		if _, _, err := h.Sequence(t.Context()); err == nil {
			t.Errorf("%s: it went on", where)
		}
		table := where[strings.LastIndex(where, " ")+1:]
		_, err = h.admin.Exec("drop trigger die on " + table + "; drop function public.die()")
		must(t, err)
		after, err := h.Checkpoint(t.Context())
		must(t, err)
		if !bytes.Equal(before, after) || h.count("select count(*) from ledger.pending") != 5 || h.count("select count(*) from ledger.leaves") != 3 {
			t.Errorf("%s: something was left behind", where)
		}
	}
	if got := h.sequence(); got != 5 {
		t.Errorf("%d leaves were added afterwards, want 5", got)
	}
}

// What is signed is never on top of a tree that was tampered with.
func TestASequencerStopsAtATamperedTree(t *testing.T) {
	t.Parallel()
	for name, statement := range map[string]string{
		"a tile":            "alter table ledger.tiles disable trigger all; update ledger.tiles set hashes = overlay(hashes placing '\\x00' from 9 for 1)",
		"a missing tile":    "delete from ledger.tiles",
		"a root":            "update ledger.checkpoints set root = sha256('x')",
		"a size":            "update ledger.checkpoints set size = size + 1",
		"a note":            "update ledger.checkpoints set note = replace(note, E'\\n3\\n', E'\\n2\\n')",
		"a note's hub":      "update ledger.checkpoints set note = replace(note, 'hub.example', 'hub.exampel')",
		"a leaf over again": "insert into ledger.leaves values (3, sha256('x'))",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := setup(t)
			h.put(3)
			h.sequence()
			_, err := h.admin.Exec(statement)
			must(t, err)
			h.put(1)
			if _, _, err := h.Sequence(t.Context()); err == nil {
				t.Error("it went on")
			}
			if h.count("select count(*) from ledger.pending") != 1 || h.count("select count(*) from ledger.checkpoints") != 1 {
				t.Error("it left something behind")
			}
		})
	}
}

// A tile grows and does nothing else, whoever writes.
func TestATileOnlyGrows(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.put(3)
	h.sequence()
	for _, set := range []string{
		"substring(hashes for 64)", "overlay(hashes placing '\\x00' from 9 for 1)", "sha256('x') || substring(hashes from 33)",
	} {
		if _, err := h.db.Exec("update ledger.tiles set hashes = " + set); err == nil {
			t.Errorf("a tile became %s", set)
		}
	}
	if _, err := h.db.Exec("update ledger.tiles set hashes = hashes || sha256('x')"); err != nil {
		t.Errorf("a tile does not grow: %v", err)
	}
}

// A log is opened with the key that signed it, or not at all.
func TestALogRefusesAnotherKeyAndAnotherName(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.put(1)
	h.sequence()
	config := Config{DB: h.db, Keys: h.keys, Now: h.now, Hub: hubURL, Logger: slog.New(slog.DiscardHandler)}
	if _, err := New(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	renamed, lost, other := config, config, config
	renamed.Hub = "https://other.example"
	lost.Keys = keyFile(t)
	fresh := keyFile(t)
	_, _, err := fresh.Ensure(t.Context(), LogKey, seal.KindNote)
	must(t, err)
	other.Keys = fresh
	for name, c := range map[string]Config{"another name": renamed, "no key": lost, "another key": other, "nothing": {}} {
		if _, err := New(t.Context(), c); err == nil {
			t.Errorf("opened with %s", name)
		}
	}
	if _, err := lost.Keys.Check(t.Context(), LogKey); err == nil {
		t.Error("a key was made for a log that has one")
	}
}

// The lag grows while the sequencer is kept out, and ends when it has caught up.
func TestTheLagTellsOfASequencerThatStands(t *testing.T) {
	t.Parallel()
	h := setup(t)
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	h.now = func() time.Time { return at }
	registry := prometheus.NewRegistry()
	l := h.open(registry)
	tx, err := h.db.Begin()
	must(t, err)
	_, err = tx.Exec("select pg_advisory_xact_lock(1717660005, 2)")
	must(t, err)
	h.put(2)
	at = at.Add(7 * time.Second)
	l.pass(t.Context())
	if l.Lag() != 7*time.Second {
		t.Errorf("kept out for 7 s it lags %v", l.Lag())
	}
	must(t, tx.Rollback())
	l.pass(t.Context())
	if l.Lag() != 0 || testutil.ToFloat64(l.size) != 2 {
		t.Errorf("caught up it lags %v, size %v", l.Lag(), testutil.ToFloat64(l.size))
	}
	if n, err := testutil.GatherAndCount(registry, "fame_log_size", "fame_log_lag_seconds", "fame_log_failures_total"); err != nil || n != 3 {
		t.Errorf("%d metrics (%v), want 3", n, err)
	}
}

// Run goes on until it is told to stop, and takes what comes meanwhile.
func TestRunTakesWhatComes(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); h.Run(ctx) }()
	h.put(3)
	for h.count("select count(*) from ledger.leaves") != 3 {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	<-ended
}

// ACT-09: whoever asks for a proof while the sequencer takes the commitment is told
// to ask again, or gets it: never that the log has no such commitment.
func TestACommitmentThatIsBeingPlacedIsNeverDenied(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ctx, stop := context.WithCancel(t.Context())
	var sequencer, askers sync.WaitGroup
	sequencer.Go(func() {
		for ctx.Err() == nil {
			if _, _, err := h.Sequence(ctx); err != nil && ctx.Err() == nil {
				t.Error(err)
			}
		}
	})
	for a := range 4 {
		db := h.base.DB(t, "consent")
		askers.Go(func() {
			for i := range 200 {
				leaf := leafOf(1000*a + i)
				if _, err := db.Exec("insert into ledger.pending values ($1)", leaf); err != nil {
					t.Error(err)
					return
				}
				err := error(fault.New(fault.Unavailable, ""))
				for fault.KindOf(err) == fault.Unavailable {
					_, err = h.Inclusion(t.Context(), [32]byte(leaf))
				}
				if err != nil {
					t.Errorf("the proof of what was put in: %v", err)
				}
			}
		})
	}
	askers.Wait()
	stop()
	sequencer.Wait()
}

// A proof must not cost more the longer the log is: the place of a commitment is
// found by its index, whatever the planner thinks of walking along positions.
func TestAPlaceIsFoundByItsCommitment(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.flood(20_000)
	for h.sequence() > 0 {
	}
	// As nobody has analysed the table yet: that is when it is tempted.
	rows, err := h.db.Query("explain "+governancedb.FindPosition, leafOf(19_999))
	must(t, err)
	defer rows.Close()
	var plan strings.Builder
	for rows.Next() {
		var line string
		must(t, rows.Scan(&line))
		plan.WriteString(line + "\n")
	}
	must(t, rows.Err())
	if !strings.Contains(plan.String(), "leaves_by_commitment") {
		t.Errorf("the plan is\n%s", plan.String())
	}
}
