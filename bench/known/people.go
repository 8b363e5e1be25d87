package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

const (
	askersColumn = "social-care"
	// epoch is that of the keys which relmgr makes first.
	epoch = 1
)

// side is one of the two columns that know everybody.
type side struct {
	column        ident.Column
	agency        ident.Agency
	format        string // of an identifier
	practitioner  string
	keyOf, wrapBy seal.KeyID
}

// digits are those of an identifier's number: more than Riverside's own columns
// have, for there are more rows.
const digits = 8

var sides = [2]side{
	{column: askersColumn, agency: "riverside-social-care", format: "LMN-%08d", practitioner: "mr-lindqvist",
		keyOf: seal.ColumnKey(askersColumn, epoch), wrapBy: seal.AgencyKey("riverside-social-care", epoch)},
	{column: "gp-riverside", agency: "riverside-gp", format: "GP-%08d", practitioner: "dr-patel",
		keyOf: seal.ColumnKey("gp-riverside", epoch), wrapBy: seal.AgencyKey("riverside-gp", epoch)},
}

// load fills the index with what publishing and correlating each person would
// leave, but for the sealed content of acts, which is noise: no enquiry reads
// it. Tokens, sealed identifiers and their keys are the service's own.
func (h *hub) load(ctx context.Context, rows int) error {
	for _, s := range sides { // the service makes its keys and keeps their check values
		token, err := h.issuer.token(s.practitioner, h.now())
		if err != nil {
			return err
		}
		status, body, err := h.post(ctx, "/relmgr/v1/handles", token, map[string]string{
			"column": string(s.column), "identifier": fmt.Sprintf(s.format, 0),
		})
		if err != nil || status/100 != 2 {
			return fmt.Errorf("ask for a handle in %s: %d %s %w", s.column, status, body, err)
		}
	}
	if _, err := h.admin.ExecContext(ctx, staging); err != nil {
		return err
	}
	const most = 5000
	for from := 1; from <= rows; from += most {
		if err := h.stage(ctx, from, min(from+most-1, rows)); err != nil {
			return err
		}
	}
	if err := h.spread(ctx); err != nil {
		return err
	}
	debug.FreeOSMemory() // what loading took is no part of what serving takes
	return nil
}

// staging holds a row of the index in one line, and what pgbench needs. Its
// audit trail has the columns of relmgr.enquiries that say who asked about whom,
// when and why, and one index.
const staging = `
create schema bench;
grant usage on schema bench to fame_relmgr;
create table bench.people (n int primary key, token bytea not null);
grant select on bench.people to fame_relmgr;
create table bench.audit (
  audit_id uuid primary key, at timestamptz not null, practitioner_id text not null, agency_id text not null, role text not null,
  column_id text not null, person int not null, purpose text not null, reason text not null, concerning text not null,
  terms_version bigint not null
);
grant insert on bench.audit to fame_relmgr;
create unlogged table bench.staged (
  n int not null, side int not null, row_id uuid not null, correlation uuid not null,
  handle uuid not null, token bytea not null, sealed bytea not null, wrapped bytea not null,
  capture uuid not null default gen_random_uuid(), consent uuid not null default gen_random_uuid(),
  publication uuid not null default gen_random_uuid(), published uuid not null default gen_random_uuid(),
  correlated uuid not null default gen_random_uuid()
);`

// stage makes the handles of some rows.
func (h *hub) stage(ctx context.Context, from, to int) error {
	var (
		n, which                  []int64
		row, correlation, handle  []string
		tokens, identifiers, keys [][]byte
	)
	for i := from; i <= to; i++ {
		r, act := ident.NewRow().String(), ident.NewAct().String()
		for k, s := range sides {
			identifier, id := fmt.Sprintf(s.format, i), ident.NewHandle()
			token, err := seal.Token(ctx, h.relmgr.Keys, s.keyOf, s.column, identifier)
			if err != nil {
				return err
			}
			dek := seal.NewDEK()
			sealed, err := seal.Seal(dek, id[:], []byte(identifier))
			if err != nil {
				return err
			}
			wrapped, err := h.relmgr.Keys.Wrap(ctx, s.wrapBy, id[:], dek)
			if err != nil {
				return err
			}
			n, which = append(n, int64(i)), append(which, int64(k))
			row, correlation, handle = append(row, r), append(correlation, act), append(handle, id.String())
			tokens, identifiers, keys = append(tokens, token[:]), append(identifiers, sealed), append(keys, wrapped)
		}
	}
	_, err := h.admin.ExecContext(ctx, `insert into bench.staged (n, side, row_id, correlation, handle, token, sealed, wrapped)
		select * from unnest($1::int[], $2::int[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bytea[], $7::bytea[], $8::bytea[])`,
		pq.Array(n), pq.Array(which), pq.Array(row), pq.Array(correlation), pq.Array(handle),
		pq.Array(tokens), pq.Array(identifiers), pq.Array(keys))
	return err
}

// who are the columns of the makers of acts, beside a staged line.
const who = `(values (0, 'social-care', 'riverside-social-care', 'mr-lindqvist', 'social-worker', 'agency/riverside-social-care/1'),
  (1, 'gp-riverside', 'riverside-gp', 'dr-patel', 'gp', 'agency/riverside-gp/1')) w (side, column_id, agency_id, practitioner_id, role, wrapped_by) using (side)`

// spread puts the staged lines where they belong. $1 is when, $2 noise, $3 the
// four steps, each where a statement has use for it.
func (h *hub) spread(ctx context.Context) error {
	noise := make([]byte, 512)
	rand.Read(noise)
	steps, err := json.Marshal([]decide.Step{
		{Number: 1, Answer: decide.Passed}, {Number: 2, Answer: decide.Passed}, {Number: 3, Answer: decide.Passed}, {Number: 4, Answer: decide.Passed},
	})
	if err != nil {
		return err
	}
	const (
		act      = `select %s, %s, $1::timestamptz, practitioner_id, agency_id, %s, 2, sha256(uuid_send(%s)), $2::bytea from bench.staged join ` + who
		acts     = `insert into relmgr.acts (act_id, kind, at, practitioner_id, agency_id, role, mode, reason, agreement, ground, provider_role, terms_version, commitment, sealed) `
		decision = `insert into relmgr.decisions (decision_id, act_id, handle_id, practitioner_id, agency_id, outcome, steps, agreement, power, ground, purposes, aspects, audience_kind, audience, until, terms_version, profile, mode, aim, review_at, ordinary)
			select %s, %s, handle, practitioner_id, agency_id, 'permitted', $2::jsonb, 'riverside-children', 'children-act-2004-s10', 'explicit-consent',
			  '{co-ordinate-care}', '{relationship}', 'partnership', '{}', $1::timestamptz + interval '1 year', 2, 'uk-current',
			  'supplier-with-consent', 'protect-health', $1::timestamptz + interval '1 year', 'art6-public-task' from bench.staged join ` + who
	)
	statements := []struct {
		text string
		args []any
	}{
		{`set local session_replication_role = replica`, nil}, // every reference is right by construction
		{`insert into relmgr.handles (handle_id, column_id, token, sealed, wrapped_key, wrapped_by, row_id)
			select handle, column_id, token, sealed, wrapped, wrapped_by, row_id from bench.staged join ` + who, nil},
		{`insert into consent.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed) ` +
			fmt.Sprintf(act, "capture", "'capture'", "role", "capture"), []any{day, noise}},
		{`insert into consent.consents (consent_id, act_id, handle_id, column_id, agency_id, explicit, audience_kind, audience, purposes, aspects, starts_at, ends_at, evidence, wording)
			select consent, capture, handle, column_id, agency_id, true, 'partnership', '{}', '{co-ordinate-care}', '{relationship}',
			  $1::timestamptz - interval '1 day', $1::timestamptz + interval '1 year', 'signed-form', 'v1' from bench.staged join ` + who, []any{day}},
		{acts + fmt.Sprintf(act, "publication", "'publish'", "role, 'supplier-with-consent', 'working-with-person', 'riverside-children', 'explicit-consent', role", "publication"), []any{day, noise}},
		{acts + fmt.Sprintf(act, "correlation", "'correlate'", "role, 'supplier-with-consent', 'same-person-found', 'riverside-children', 'explicit-consent', null", "correlation") + ` where side = 0`, []any{day, noise}},
		{`insert into relmgr.content_keys (record_id, wrapped) select publication, wrapped from bench.staged`, nil},
		{`insert into relmgr.content_keys (record_id, wrapped) select correlation, wrapped from bench.staged where side = 0`, nil},
		{`insert into relmgr.act_handles (act_id, handle_id) select publication, handle from bench.staged union all select correlation, handle from bench.staged`, nil},
		{`insert into relmgr.act_references (reference_id, act_id, agency_id)
			select gen_random_uuid(), publication, agency_id from bench.staged join ` + who, nil},
		{`insert into relmgr.act_references (reference_id, act_id, agency_id)
			select gen_random_uuid(), correlation, agency_id from bench.staged join ` + who, nil},
		{fmt.Sprintf(decision, "published", "publication"), []any{day, string(steps)}},
		{fmt.Sprintf(decision, "correlated", "correlation"), []any{day, string(steps)}},
		{`insert into relmgr.decision_consents (decision_id, consent_id) select published, consent from bench.staged union all select correlated, consent from bench.staged`, nil},
		{`insert into relmgr.cells (handle_id, act_id, decision_id, column_id, role) select handle, publication, published, column_id, role from bench.staged join ` + who, nil},
		{`insert into relmgr.offers (act_id, ordinal, kind, transactions, contact) select publication, 0, 'will-co-ordinate', '{joint-assessment}', 'desk' from bench.staged`, nil},
		{`insert into relmgr.correlations (act_id, handle_a, handle_b, decision_a, decision_b)
			select a.correlation, a.handle, b.handle, a.correlated, b.correlated from bench.staged a join bench.staged b using (correlation) where a.side = 0 and b.side = 1`, nil},
		{`insert into bench.people (n, token) select n, token from bench.staged where side = 0`, nil},
		{`drop table bench.staged`, nil},
	}
	tx, err := h.admin.BeginTx(ctx, &sql.TxOptions{})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for i, s := range statements {
		if _, err := tx.ExecContext(ctx, s.text, s.args...); err != nil {
			return fmt.Errorf("load, statement %d: %w", i, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	for _, text := range []string{"vacuum analyse", "checkpoint"} {
		if _, err := h.admin.ExecContext(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// post sends one request that is not measured.
func (h *hub) post(ctx context.Context, path, token string, body any) (status int, answer []byte, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+h.address+path, bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}
