package pg

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/lib/pq"
)

// Defaults of a Pool. Six duties in one process stay within PostgreSQL's
// default of 100 connections, and lib/pq is at its fastest near 8 a pool
// on two cores.
const (
	DefaultMaxOpen          = 12
	DefaultStatementTimeout = 10 * time.Second

	connectTimeout  = 10 * time.Second
	idleTransaction = time.Minute
	defaultName     = "fame"
)

// Pool says how a database is opened. The zero Pool is what a duty wants.
type Pool struct {
	// Application is shown in pg_stat_activity. Empty: what the DSN says,
	// else "fame".
	Application string
	// StatementTimeout bounds every statement. Zero: what the DSN says, else
	// DefaultStatementTimeout. Negative: no bound, for migrations.
	StatementTimeout time.Duration
	// MaxOpen bounds the connections. Zero: DefaultMaxOpen.
	MaxOpen int
}

// Open opens the database of dsn with the default Pool.
func Open(ctx context.Context, dsn string) (*sql.DB, error) {
	return OpenPool(ctx, dsn, Pool{})
}

// OpenPool opens the database of dsn and waits for one answer from it, ten
// seconds at most. The error is Unavailable while the database is away, and
// never holds the DSN, which has a password in it.
func OpenPool(ctx context.Context, dsn string, pool Pool) (*sql.DB, error) {
	cfg, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	switch {
	case pool.Application != "":
		cfg.ApplicationName = pool.Application
	case cfg.ApplicationName == "" || cfg.ApplicationName == "pqgo": // lib/pq's own default
		cfg.ApplicationName = defaultName
	}
	set := cfg.Runtime
	if set == nil {
		set = map[string]string{}
		cfg.Runtime = set
	}
	set["search_path"] = ""
	set["timezone"] = "UTC"
	set["default_transaction_isolation"] = "read committed"
	// A plan is kept for as long as nobody analyses its table. One made while a
	// table was a page long reads all of it, references included, until it has a
	// hundred thousand (docs/decisions/0073).
	set["enable_seqscan"] = "off"
	set["jit"] = "off" // what must scan all the same would look dear enough to compile
	set["idle_in_transaction_session_timeout"] = milliseconds(idleTransaction)
	switch _, given := set["statement_timeout"]; {
	case pool.StatementTimeout > 0:
		set["statement_timeout"] = milliseconds(pool.StatementTimeout)
	case pool.StatementTimeout < 0:
		set["statement_timeout"] = "0"
	case !given:
		set["statement_timeout"] = milliseconds(DefaultStatementTimeout)
	}
	cfg.BinaryParameters = true // one message to and fro for a statement that is not prepared, in place of two
	if cfg.ConnectTimeout <= 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	connector, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, errUnreadableDSN
	}

	db := sql.OpenDB(connector)
	most := pool.MaxOpen
	if most <= 0 {
		most = DefaultMaxOpen
	}
	db.SetMaxOpenConns(most)
	db.SetMaxIdleConns(most) // the default of 2 reconnects under any load
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour)

	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("open the database: %w", Fault(err))
	}
	return db, nil
}

var errUnreadableDSN = fault.New(fault.Internal,
	"the database's address cannot be read: write it as postgres://user:password@host/database, "+
		"or as host=/directory user=… password=… dbname=… with values in single quotes")

// parse reads dsn. What lib/pq says about a DSN that it cannot read quotes it,
// password and all, so only what it says about the environment is passed on.
func parse(dsn string) (pq.Config, error) {
	cfg, err := pq.NewConfig(dsn)
	if err == nil {
		return cfg, nil
	}
	if _, err := pq.NewConfig("host=localhost user=fame"); err != nil {
		return pq.Config{}, fmt.Errorf("a PG… environment variable is in the way: unset it: %w", err)
	}
	return pq.Config{}, errUnreadableDSN
}

func milliseconds(d time.Duration) string {
	return strconv.FormatInt(max(d.Milliseconds(), 1), 10)
}
