package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	f_note "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/fame-hub/fame/governance/internal/governancedb"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
)

const (
	// interval is how often the sequencer looks into the inbox: a commitment has
	// its position within a second (design.md section 5).
	interval = 400 * time.Millisecond
	// mostLeaves bounds one batch: on a machine that an import keeps busy four times as
	// many took longer than a statement may (bench/README.md), and what is cancelled is begun anew.
	mostLeaves = 2048
)

// Config is what a Log is made of. The first five are required, and Alarm where
// there are Peers.
type Config struct {
	DB      *sql.DB       // of governance's role
	Keys    seal.Provider // holds LogKey, or gets it
	Now     func() time.Time
	Hub     string // the hub's identifier, a URL
	Logger  *slog.Logger
	Metrics prometheus.Registerer

	// Peers are the public keys of the logs that this hub witnesses, each by the
	// name of its log (C2SP signed-note).
	Peers []string
	// Witnesses cosign this hub's checkpoints; Quorum is how many of them have to.
	Witnesses []Witness
	Quorum    int
	// Alarm records a split view.
	Alarm Alarm
}

// Log is the hub's log. It is safe for concurrent use, also by several
// processes on one database.
type Log struct {
	db     *sql.DB
	q      *governancedb.Queries
	now    func() time.Time
	log    *slog.Logger
	origin string
	signer *noteSigner

	peers     map[string]note.Verifier // by origin
	cosigner  *cosigner
	alarm     Alarm
	witnesses []*asked
	quorum    int
	client    *http.Client

	size     prometheus.Gauge
	failures prometheus.Counter
	splits   prometheus.Counter

	mu          sync.Mutex
	caughtUp    time.Time // when the last pass began that left nothing waiting
	failing     bool      // as last logged
	witnessedAt time.Time // when a quorum was last seen on the newest checkpoint
}

// New opens the log, and makes LogKey for one without a checkpoint. It refuses a
// key that did not sign the newest checkpoint.
func New(ctx context.Context, c Config) (*Log, error) {
	if c.DB == nil || c.Keys == nil || c.Now == nil || c.Hub == "" || c.Logger == nil {
		return nil, errors.New("ledger: give a database, keys, a clock, the hub's identifier and a logger")
	}
	l := &Log{db: c.DB, q: governancedb.New(), now: c.Now, log: c.Logger, origin: OriginOf(c.Hub), caughtUp: c.Now()}
	newest, err := l.q.FindCheckpoint(ctx, l.db)
	fresh := errors.Is(err, sql.ErrNoRows)
	switch {
	case fresh:
		if _, _, err := c.Keys.Ensure(ctx, LogKey, seal.KindNote); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, pg.Fault(err)
	}
	if l.signer, err = newNoteSigner(ctx, c.Keys, LogKey, l.origin); err != nil {
		return nil, err
	}
	if !fresh {
		if _, err := open(newest.Note, l.origin, l.signer); err != nil {
			return nil, fmt.Errorf("ledger: the newest checkpoint is not signed by the key of this key file, or is of a hub of another name: restore what belongs to this database: %w", err)
		}
	}
	if err := l.meet(ctx, c); err != nil {
		return nil, err
	}
	metrics := promauto.With(c.Metrics)
	l.splits = metrics.NewCounter(prometheus.CounterOpts{
		Name: "fame_log_split_views_total", Help: "Sights of a log, a peer's or this hub's own, that tells two stories.",
	})
	if l.quorum > 0 {
		metrics.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "fame_log_witness_lag_seconds", Help: "For how long the newest checkpoint has been without a quorum of witnesses.",
		}, func() float64 { return l.WitnessLag().Seconds() })
	}
	l.size = metrics.NewGauge(prometheus.GaugeOpts{
		Name: "fame_log_size", Help: "Leaves of the newest checkpoint that this process has signed or seen.",
	})
	l.size.Set(float64(newest.Size))
	l.failures = metrics.NewCounter(prometheus.CounterOpts{
		Name: "fame_log_failures_total", Help: "Passes of the sequencer that failed.",
	})
	metrics.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "fame_log_lag_seconds", Help: "For how long at most a commitment has waited for its position.",
	}, func() float64 { return l.Lag().Seconds() })
	return l, nil
}

// meet prepares for whom this hub witnesses, and who witnesses it.
func (l *Log) meet(ctx context.Context, c Config) (err error) {
	if _, _, err := c.Keys.Ensure(ctx, WitnessKey, seal.KindNote); err != nil {
		return err
	}
	if l.cosigner, err = newCosigner(ctx, c.Keys, c.Hub, c.Now); err != nil {
		return err
	}
	if len(c.Peers) > 0 && c.Alarm == nil {
		return errors.New("ledger: a witness needs an Alarm")
	}
	l.alarm, l.quorum, l.peers, l.witnessedAt = c.Alarm, c.Quorum, map[string]note.Verifier{}, c.Now()
	for _, key := range c.Peers {
		v, err := note.NewVerifier(key)
		if err != nil {
			v, err = f_note.NewVerifierForCosignatureV1(key) // ML-DSA-44
		}
		if err != nil {
			return fmt.Errorf("ledger: the key of a peer's log cannot be read: %w", err)
		}
		if l.peers[v.Name()] != nil || v.Name() == l.origin {
			return fmt.Errorf("ledger: give one key for each peer's log, and none for this hub's own: %s", v.Name())
		}
		l.peers[v.Name()] = v
	}
	for _, w := range c.Witnesses {
		a, err := newAsked(w)
		if err != nil {
			return fmt.Errorf("ledger: %w", err)
		}
		l.witnesses = append(l.witnesses, a)
	}
	if len(c.Witnesses) > 0 && c.Quorum < 1 || c.Quorum < 0 || c.Quorum > len(c.Witnesses) {
		return fmt.Errorf("ledger: say how many of the %d witnesses have to cosign", len(c.Witnesses))
	}
	l.client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return nil
}

// WitnessLag is for how long the newest checkpoint has been without a quorum.
func (l *Log) WitnessLag() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now().Sub(l.witnessedAt)
}

// Origin names the log.
func (l *Log) Origin() string { return l.origin }

// VerifierKey is the public key of the log, in the form of C2SP signed-note.
func (l *Log) VerifierKey() string { return l.signer.vkey }

// Lag is for how long at most a commitment has waited: the time since a pass
// began that left nothing waiting. A sequencer that fails, or is kept out by
// another that is stuck, lags more and more.
func (l *Log) Lag() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now().Sub(l.caughtUp)
}

// Run sequences, and has witnesses cosign, until ctx is done. A pass that fails is tried again at the next
// tick: nothing is lost meanwhile, what waits waits in the database.
func (l *Log) Run(ctx context.Context) {
	var witnesses sync.WaitGroup
	defer witnesses.Wait()
	if len(l.witnesses) > 0 {
		witnesses.Go(func() { l.cosign(ctx) })
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		l.pass(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// pass sequences until nothing waits.
func (l *Log) pass(ctx context.Context) {
	began := l.now()
	for {
		n, alone, err := l.Sequence(ctx)
		if ctx.Err() != nil {
			return
		}
		l.tell(ctx, err)
		if err != nil || !alone {
			return
		}
		if n < mostLeaves {
			l.mu.Lock()
			l.caughtUp = began
			l.mu.Unlock()
			return
		}
	}
}

// tell logs when the sequencer begins to fail and when it has ended.
func (l *Log) tell(ctx context.Context, err error) {
	l.mu.Lock()
	was := l.failing
	l.failing = err != nil
	l.mu.Unlock()
	switch {
	case err != nil:
		l.failures.Inc()
		if !was {
			l.log.ErrorContext(ctx, "the sequencer cannot go on", "alert", "log-stopped", "cause", err.Error())
		}
	case was:
		l.log.InfoContext(ctx, "the sequencer goes on")
	}
}

// Sequence gives positions to what waits, mostLeaves at most, and signs the tree
// that they make: all in one transaction, so that whatever ends it half-way
// leaves the tree and the inbox as they were. It returns how many leaves it
// added, and false where another process was at it.
//
// Two at once: one works, the other is told false and has changed nothing. Two
// after each other: the second reads, under the lock, what the first has left,
// and can only add to that. An error means that nothing was signed.
func (l *Log) Sequence(ctx context.Context) (leaves int, alone bool, err error) {
	defer fault.Wrap(&err, "ledger.Sequence")
	if waits, err := l.q.HasPending(ctx, l.db); err != nil || !waits {
		return 0, err == nil, pg.Fault(err)
	}
	var size int64
	err = pg.InTx(ctx, l.db, func(tx *sql.Tx) error {
		if alone, err = l.q.LockLog(ctx, tx); err != nil || !alone {
			return err
		}
		leaves, size, err = l.grow(ctx, tx)
		return err
	})
	if err == nil && leaves > 0 {
		l.size.Set(float64(size))
	}
	return leaves, alone, err
}

// grow adds a batch to the tree. The caller holds the lock.
func (l *Log) grow(ctx context.Context, tx *sql.Tx) (leaves int, size int64, err error) {
	number, e, err := l.newest(ctx, tx)
	if err != nil {
		return 0, 0, err
	}
	taken, err := l.q.TakePending(ctx, tx, governancedb.TakePendingParams{Most: mostLeaves, Base: e.size})
	if err != nil || len(taken) == 0 {
		return 0, e.size, err
	}
	commitments := make([][]byte, len(taken))
	for _, t := range taken {
		commitments[t.Position-e.size] = t.Commitment
	}
	for _, c := range commitments {
		e.add(tlog.RecordHash(c))
	}
	var put governancedb.PutTilesParams
	for id := range e.changed {
		put.Levels, put.Numbers, put.Contents = append(put.Levels, id.level), append(put.Numbers, id.number), append(put.Contents, e.tiles[id])
	}
	if err := l.q.PutTiles(ctx, tx, put); err != nil {
		return 0, 0, err
	}
	cp := checkpoint{l.origin, e.size, e.root()}
	signed, err := signNote(cp.text(), l.signer)
	if err != nil {
		return 0, 0, err
	}
	return len(taken), e.size, l.q.AddCheckpoint(ctx, tx, governancedb.AddCheckpointParams{
		Number: number + 1, Size: cp.size, Root: cp.root[:], Note: signed, At: l.now().UTC(),
	})
}

// newest is the number of the newest checkpoint and the edge of its tree. It
// believes nothing: the note must be signed by the log's own key, and the tiles
// must hash to its root.
func (l *Log) newest(ctx context.Context, tx *sql.Tx) (number int64, e *edge, err error) {
	row, err := l.q.FindCheckpoint(ctx, tx)
	if errors.Is(err, sql.ErrNoRows) {
		e, err = newEdge(0, tlog.Hash{}, map[tileID][]byte{})
		return 0, e, err
	} else if err != nil {
		return 0, nil, err
	}
	cp, err := open(row.Note, l.origin, l.signer)
	if err != nil {
		return 0, nil, err
	}
	if cp.size != row.Size || string(cp.root[:]) != string(row.Root) {
		return 0, nil, fmt.Errorf("ledger: checkpoint %d is stored with another size or root than its note says", row.Number)
	}
	var of governancedb.ListTilesParams
	for id := range edgeTiles(cp.size) {
		of.Levels, of.Numbers = append(of.Levels, id.level), append(of.Numbers, id.number)
	}
	rows, err := l.q.ListTiles(ctx, tx, of)
	if err != nil {
		return 0, nil, err
	}
	tiles := make(map[tileID][]byte, len(rows))
	for _, t := range rows {
		tiles[tileID{t.Level, t.Number}] = t.Hashes
	}
	e, err = newEdge(cp.size, cp.root, tiles)
	return row.Number, e, err
}
