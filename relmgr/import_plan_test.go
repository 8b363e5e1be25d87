package relmgr_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A part of a file is looked for by its identifiers, however many its column holds: where the
// planner knew the column to be the only one, it joined each with all of the column's, and a
// second file never came in.
func TestAPartIsLookedForByItsIdentifiersAlone(t *testing.T) {
	t.Parallel()
	p := pgtest.New(t)
	admin, db := p.Admin(t), p.DB(t, "relmgr")
	tx, err := admin.Begin()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"set local session_replication_role = replica",
		`insert into relmgr.handles (handle_id, column_id, token, token_epoch, sealed, wrapped_key, wrapped_by, row_id)
		   select gen_random_uuid(), 'gp-riverside', sha256(n::text::bytea), 1, '', '', 'agency/riverside-gp/1', gen_random_uuid() from generate_series(1, 20000) n`,
		"analyze relmgr.handles",
	} {
		if _, err := tx.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	var a relmgrdb.FindHandlesParams
	for n := range 1000 {
		sum := sha256.Sum256(fmt.Append(nil, -n))
		a.Places, a.ColumnIds, a.Tokens, a.TokensB = append(a.Places, int32(n)), append(a.ColumnIds, "gp-riverside"), append(a.Tokens, sum[:]), append(a.TokensB, []byte{})
	}
	rows, err := db.Query("explain "+relmgrdb.FindHandles, pq.Array(a.Places), pq.Array(a.ColumnIds), pq.Array(a.Tokens), pq.Array(a.TokensB))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, " Cond: ") && strings.Contains(line, "h.column_id") && !strings.Contains(line, "h.handle_id") {
			t.Errorf("it joins by the column alone: %.200s", strings.TrimSpace(line))
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}
