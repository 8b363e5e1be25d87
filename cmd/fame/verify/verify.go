package verify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
)

// Duty is where one duty's data is read.
type Duty struct {
	DB   *sql.DB       // opened as the duty's own role, or as one that may read more
	Keys seal.Provider // nil: its records are not opened
}

// Hub is what is verified.
type Hub struct {
	Governance, Relmgr, Consent, Registrar, Idmgr, Federation Duty
	// Registrars are the keys of each registrar of the hub, by its code: several may
	// share the duty's tables, each with a key file of its own. Registrar has none.
	Registrars map[string]seal.Provider
	// Manager is the identity manager whose keys are Idmgr's. The journal holds the
	// records of all managers of the hub: where there are others, theirs stay shut.
	Manager string
	// VerifierKey is the public key of the log (C2SP signed-note).
	VerifierKey string
	// Witnesses are the public keys of those who cosign it, as far as they are
	// known: cosignatures of others are not checked.
	Witnesses []string
}

// Finding is one place where the hub is not what it says.
type Finding struct {
	Place string `json:"place"` // such as "leaf 17", or "relmgr act" with its id
	What  string `json:"what"`
}

func (f Finding) String() string { return f.Place + ": " + f.What }

// Result is what was checked and what was found. Findings stand in the order in
// which the hub is checked, so the first is the first broken place.
type Result struct {
	Size        int64          `json:"size"` // leaves of the log
	Root        string         `json:"root"` // in base64, as the newest checkpoint has it
	Checkpoints int64          `json:"checkpoints"`
	Pending     int64          `json:"pending"`  // commitments without a position yet
	Records     map[string]int `json:"records"`  // how many of each kind
	Opened      int            `json:"opened"`   // and how many of them were opened
	Erased      int            `json:"erased"`   // whose contents an act erased
	Unopened    []string       `json:"unopened"` // the duties, and registrars, without keys
	Shut        int            `json:"shut"`     // private records that may be another identity manager's
	Handles     int            `json:"handles"`  // of the replayed index
	Findings    []Finding      `json:"findings"`
	More        bool           `json:"more"` // there are findings that are not listed
}

// mostFindings bounds the list: a hub that is broken everywhere is broken.
const mostFindings = 100

// errEnough ends a check that has found more than anybody reads.
var errEnough = errors.New("verify: enough found")

// Run verifies the hub. An error says that it could not, not that something was
// found. tell is told what is being checked.
func Run(ctx context.Context, h Hub, tell func(string)) (*Result, error) {
	v := &verification{hub: h, Result: Result{Records: map[string]int{}, Unopened: []string{}, Findings: []Finding{}}}
	if err := v.begin(ctx); err != nil {
		return nil, fmt.Errorf("verify: %w", pg.Fault(err))
	}
	defer v.end()
	for _, check := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"the log: leaves, tiles and checkpoints", v.checkLog},
		{"that every record has its leaf and every leaf its record", v.checkCoverage},
		{"the records", v.checkRecords},
		{"the index against the acts", v.checkIndex},
	} {
		tell(check.what)
		if err := check.do(ctx); errors.Is(err, errEnough) {
			v.More = true
			break
		} else if err != nil {
			return nil, fmt.Errorf("verify %s: %w", check.what, pg.Fault(err))
		}
	}
	return &v.Result, nil
}

type verification struct {
	Result
	hub      Hub
	covered  int64 // the size of the last good checkpoint
	managers int   // identity managers that have recorded something
	// registrars are those that the partnership document has ever named.
	registrars map[string]bool

	governance, relmgr, consent, registrar, idmgr, federation *sql.Tx
}

// begin opens one snapshot for all duties. Any role may take over the snapshot
// of another's transaction in the same database.
func (v *verification) begin(ctx context.Context) error {
	var snapshot string
	for _, d := range []struct {
		tx **sql.Tx
		db *sql.DB
	}{{&v.governance, v.hub.Governance.DB}, {&v.relmgr, v.hub.Relmgr.DB}, {&v.consent, v.hub.Consent.DB}, {&v.registrar, v.hub.Registrar.DB}, {&v.idmgr, v.hub.Idmgr.DB}, {&v.federation, v.hub.Federation.DB}} {
		tx, err := d.db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
		if err != nil {
			v.end()
			return err
		}
		*d.tx = tx
		if snapshot == "" {
			err = tx.QueryRowContext(ctx, "select pg_export_snapshot()").Scan(&snapshot)
		} else {
			_, err = tx.ExecContext(ctx, "set transaction snapshot '"+snapshot+"'")
		}
		if err == nil {
			// It takes as long as it takes, and one waits while another is read.
			_, err = tx.ExecContext(ctx, "set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0")
		}
		if err != nil {
			v.end()
			return err
		}
	}
	return nil
}

func (v *verification) end() {
	for _, tx := range []*sql.Tx{v.governance, v.relmgr, v.consent, v.registrar, v.idmgr, v.federation} {
		if tx != nil {
			_ = tx.Rollback()
		}
	}
}

// found records a finding.
func (v *verification) found(place, format string, args ...any) error {
	if len(v.Findings) == mostFindings {
		return errEnough
	}
	v.Findings = append(v.Findings, Finding{place, fmt.Sprintf(format, args...)})
	return nil
}

// cursor reads a query a page at a time, so that several can be read side by
// side in one transaction, and none has to fit into memory.
type cursor[T any] struct {
	tx   *sql.Tx
	name string
	scan func(*sql.Rows, *T) error
	page []T
	next int
	done bool
}

const pageSize = 2000

func open[T any](ctx context.Context, tx *sql.Tx, name, query string, scan func(*sql.Rows, *T) error) (*cursor[T], error) {
	_, err := tx.ExecContext(ctx, "declare "+name+" no scroll cursor for "+query)
	return &cursor[T]{tx: tx, name: name, scan: scan}, err
}

// peek returns the next row without taking it, nil at the end.
func (c *cursor[T]) peek(ctx context.Context) (*T, error) {
	if c.next == len(c.page) && !c.done {
		if err := c.fetch(ctx); err != nil {
			return nil, err
		}
	}
	if c.next == len(c.page) {
		return nil, nil
	}
	return &c.page[c.next], nil
}

// take returns the next row, nil at the end.
func (c *cursor[T]) take(ctx context.Context) (*T, error) {
	row, err := c.peek(ctx)
	if row != nil {
		c.next++
	}
	return row, err
}

func (c *cursor[T]) fetch(ctx context.Context) error {
	rows, err := c.tx.QueryContext(ctx, fmt.Sprintf("fetch %d from %s", pageSize, c.name))
	if err != nil {
		return err
	}
	defer rows.Close()
	c.page, c.next = c.page[:0:0], 0
	for rows.Next() {
		var row T
		if err := c.scan(rows, &row); err != nil {
			return err
		}
		c.page = append(c.page, row)
	}
	c.done = len(c.page) < pageSize
	return rows.Err()
}

// all reads a whole query.
func all[T any](ctx context.Context, tx *sql.Tx, query string, scan func(*sql.Rows, *T) error) ([]T, error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var row T
		if err := scan(rows, &row); err != nil {
			return nil, err
		}
		out = append(out, row)
	}
	return out, rows.Err()
}
