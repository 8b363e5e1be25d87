package archtest

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/internal/pg/migrate"
	"github.com/fame-hub/fame/internal/pgtest"
)

// walls is what each duty's role may do, whole: a relation in a line of its
// own, and what stands in none is refused. A right on some columns names them.
// sql/roles.sql grants; this says what it must come to.
const walls = `
# The ledger's inbox: put in, never look. The sequencer alone takes out, and writes the tree.
ledger.pending                  *           insert
ledger.pending                  governance  select insert delete
ledger.leaves                   governance  select insert
ledger.checkpoints              governance  select insert
ledger.tiles                    governance  select insert update(hashes)
ledger.witnessed                governance  select insert update(size,root,note)
ledger.cosignatures             governance  select insert
ledger.split_views              governance  select insert

# What governance publishes to every duty.
governance.published_users       *          select
governance.published_roles       *          select
governance.published_memberships *          select
governance.published_terms       *          select

# Acts and terms are never changed; the register of users is kept up to date.
governance.acts                 governance  select insert
governance.terms                governance  select insert
governance.content_keys         governance  select insert delete
governance.practitioners        governance  select insert update(agency_id,issuer,subject_hash,source,starts_at,ends_at,act_id)
governance.roles_held           governance  select insert update(ends_at,act_id)
governance.memberships          governance  select insert update(ends_at,act_id)

# Consents and exclusions are acts: what ends one is another row. What they say goes with its key, and a trigger holds it to that.
consent.acts                    consent     select insert
consent.consents                consent     select insert update(explicit,audience_kind,audience,purposes,aspects,evidence,wording,understanding)
consent.withdrawals             consent     select insert update(evidence)
consent.exclusions              consent     select insert update(excluded,evidence)
consent.inclusions              consent     select insert update(evidence)
consent.blocks                  consent     select insert update(warning,evidence)
consent.unblocks                consent     select insert update(evidence)
consent.requests                consent     select insert update(explicit,audience_kind,audience,purposes,aspects)
consent.answers                 consent     select insert update(reason)
consent.proxies                 consent     select insert delete
consent.competences             consent     select insert delete
consent.reviews                 consent     select insert update(reason)
consent.content_keys            consent     select insert delete
consent.erasures                consent     select insert
consent.erased                  consent     select insert
consent.over                    consent     select
consent.still_there             consent     select
consent.said                    consent     select
# Terms and life of a consent, without its evidence.
consent.published_consents      relmgr      select
consent.published_exclusions    relmgr      select
consent.published_blocks        relmgr      select
consent.published_refusals      relmgr      select
consent.published_changes       relmgr      select
consent.published_erased        relmgr      select

# Registers of people: what is known of them is sealed, and never changed but replaced.
registrar.act_kinds             registrar   select
registrar.acts                  registrar   select insert
registrar.registers             registrar   select insert
registrar.subjects              registrar   select insert
registrar.items                 registrar   select insert
registrar.superseded            registrar   select insert
registrar.entries               registrar   select insert
registrar.models                registrar   select insert
registrar.recognitions          registrar   select insert
registrar.common_clients        registrar   select insert
registrar.common_answers        registrar   select insert
registrar.unsound               registrar   select
registrar.assessments           registrar   select insert
registrar.representatives       registrar   select insert
registrar.erased                registrar   select insert
registrar.erasures              registrar   select insert
registrar.representatives_ended registrar   select insert
registrar.checks                registrar   select insert
registrar.failed_checks         registrar   select insert
registrar.resolutions           registrar   select insert
registrar.reopenings            registrar   select insert
registrar.shields               registrar   select insert
registrar.unshields             registrar   select insert
registrar.tasks                 registrar   select insert update(owner)
registrar.import_approvals      registrar   select insert
registrar.imports               registrar   select insert
registrar.import_parts          registrar   select insert
registrar.import_lines          registrar   select insert
registrar.set_apart             registrar   select insert update(wrapped)
registrar.apart_confirmed       registrar   select insert
registrar.apart_opened          registrar   select insert
registrar.apart                 registrar   select insert
registrar.covers                registrar   select insert
registrar.decided               registrar   select
registrar.merges                registrar   select
registrar.shielded              registrar   select
registrar.published_repairs     relmgr      select
registrar.unsearched            registrar   select insert update delete
registrar.tokens                registrar   select insert update delete
registrar.profiles              registrar   select insert update delete
registrar.identifiers           registrar   select insert update delete
registrar.token_epochs          registrar   select insert update
registrar.retired_keys          registrar   select insert
registrar.content_keys          registrar   select insert delete
registrar.subject_keys          registrar   select insert update(wrapped,wrapped_by) delete
# Signing in: what proves somebody goes when it is revoked, and so does what is over.
registrar.accounts              registrar   select insert
registrar.enrolment_codes       registrar   select insert
registrar.enrolment_codes_used  registrar   select insert
registrar.authenticators        registrar   select insert
registrar.authenticators_revoked registrar  select insert
registrar.security_events       registrar   select insert
registrar.authenticators_in_force registrar select insert update(hash,last_step,sign_count) delete
registrar.sessions              registrar   select insert delete
registrar.ceremonies            registrar   select insert delete
registrar.throttles             registrar   select insert update(failures,at) delete
registrar.sign_ins              registrar   select insert update(sealed,wrapped_key) delete
registrar.grants                registrar   select insert update(redeemed,revoked) delete
registrar.access_tokens         registrar   select insert delete
registrar.assertions_used       registrar   select insert delete

# Private links: one table of envelopes, which every identity manager reads and opens its own of.
idmgr.records                   idmgr       select insert
idmgr.content_keys              idmgr       select insert delete
idmgr.key_checks                idmgr       select insert
# What managers publish, by acts, and the projection of what is in force; cases, step by step.
idmgr.acts                      idmgr       select insert
idmgr.rule_sets                 idmgr       select insert
idmgr.rules                     idmgr       select insert
idmgr.activations               idmgr       select insert
idmgr.effects                   idmgr       select insert update(audience_kind,audience,purposes,reasons,until,live,yields_to)
idmgr.withdrawals               idmgr       select insert
idmgr.cases                     idmgr       select insert update(agencies)
idmgr.case_steps                idmgr       select insert update(reason)
idmgr.case_references           idmgr       select insert
idmgr.docket                    idmgr       select
idmgr.erased                    idmgr       select insert
idmgr.cases_over                idmgr       select
idmgr.effects_told              idmgr       select
idmgr.published_effects         relmgr      select
idmgr.published_changes         relmgr      select
idmgr.published_grants          relmgr      select
idmgr.published_rulings         relmgr      select
# What has become due, and how often what was asked: no person, no handle.
relmgr.escalations              idmgr       select
relmgr.asked                    idmgr       select
relmgr.clashes                  relmgr      select insert

# Peers by acts, and copies of what they state.
federation.acts                 federation  select insert
federation.agreements           federation  select insert
federation.peers                federation  select insert
federation.peers_in_force       federation  select
federation.registrars           federation  select insert
federation.registrars_in_force  federation  select
federation.content_keys         federation  select insert delete
federation.statements           federation  select insert update(statement,expires_at) delete
federation.hub_keys             federation  select insert
federation.suspended_registrars relmgr      select
federation.admitted_elsewhere   federation  select insert update(known_as,jwks,minutes) delete
federation.admitting            registrar   select
federation.book                 federation  select insert
federation.exchanges            federation  select insert
federation.unknown_messages     federation  select insert
federation.disputes             federation  select insert
federation.dispute_ends         federation  select insert
federation.marks                federation  select insert
federation.dispute_letters      federation  select insert update(next_at,refused_at) delete

# What is to be asked for: a handle and the terms, no identifier.
relmgr.consent_wanted           consent     select
# Of which handles something is under review, and which are erased, nothing of it.
relmgr.gone_handles             consent     select
relmgr.under_review             consent     select

# The truth of the index is append only ...
relmgr.acts                     relmgr      select insert
relmgr.act_handles              relmgr      select insert
relmgr.act_references           relmgr      select insert
relmgr.undoings                 relmgr      select insert
relmgr.decisions                relmgr      select insert
relmgr.decision_consents        relmgr      select insert
relmgr.enquiries                relmgr      select insert
relmgr.disclosures              relmgr      select insert
relmgr.pairings                 relmgr      select insert
relmgr.pairings_used            relmgr      select insert
relmgr.statements               relmgr      select insert
relmgr.barred                   relmgr      select insert
relmgr.confirmations            relmgr      select insert
relmgr.reviews                  relmgr      select insert
relmgr.repairs                  relmgr      select insert delete
relmgr.review_outcomes          relmgr      select insert
relmgr.declarations             relmgr      select insert
relmgr.samples                  relmgr      select insert
relmgr.replays                  relmgr      select insert delete
relmgr.contact_requests         relmgr      select insert
relmgr.deliveries               relmgr      select insert
relmgr.replies                  relmgr      select insert
relmgr.moves                    relmgr      select insert
relmgr.tellings                 relmgr      select insert
relmgr.to_tell                  relmgr      select
relmgr.concealed                relmgr      select
relmgr.objections               relmgr      select insert
relmgr.rulings                  relmgr      select insert
relmgr.exports                  relmgr      select insert
relmgr.destructions             relmgr      select insert
relmgr.approvals                relmgr      select insert
relmgr.imports                  relmgr      select insert
relmgr.import_parts             relmgr      select insert
relmgr.import_lines             relmgr      select insert
relmgr.as_of_approvals          relmgr      select insert
relmgr.retractions              relmgr      select insert
relmgr.silences                 relmgr      select insert
relmgr.complaints               relmgr      select insert
relmgr.complaint_steps          relmgr      select insert
relmgr.changes                  relmgr      select insert update(at) delete
relmgr.heard                    relmgr      select insert delete
relmgr.lapses                   relmgr      select update(looked,previous)
relmgr.notices                  relmgr      select insert update(read_at,next_at,tries,gone) delete
relmgr.erasures                 relmgr      select insert
relmgr.erased                   relmgr      select insert
relmgr.key_checks               relmgr      select insert
relmgr.retired_keys             relmgr      select insert
relmgr.offers                   relmgr      select insert delete
relmgr.override_outcomes        relmgr      select insert
relmgr.override_uses            relmgr      select insert
relmgr.content_keys             relmgr      select insert update(wrapped) delete
relmgr.record_epochs            relmgr      select insert
# ... and the projection is rebuilt as acts come.
relmgr.handles                  relmgr      select insert update(column_id,token,sealed,wrapped_key,wrapped_by,row_id,token_b,token_epoch)
relmgr.token_epochs             relmgr      select insert update
relmgr.wrapping_epochs          relmgr      select insert update
relmgr.anchors                  relmgr      select insert update(epoch,value) delete
relmgr.attachments              relmgr      select insert update(live)
relmgr.anchor_epochs            relmgr      select update(epoch)
relmgr.recognitions_used        relmgr      select insert
relmgr.peer_requests            relmgr      select insert
relmgr.ties                     relmgr      select insert update(live,code_hash) delete
relmgr.tie_references           relmgr      select insert update(wrapped) delete
relmgr.letters                  relmgr      select insert delete
relmgr.look_up_columns          relmgr      select insert update(scheme) delete
relmgr.look_up_epochs           relmgr      select insert update(published) delete
relmgr.look_up_tags             relmgr      select insert update(place,sealed,wrapped) delete
relmgr.look_up_due              relmgr      select insert update delete
relmgr.asked_on                 relmgr      select insert update(used) delete
# The key of private look-ups: what federation publishes, and no tag.
relmgr.look_up_key              federation  select
relmgr.cells                    relmgr      select insert update delete
relmgr.correlations             relmgr      select insert update delete
relmgr.keep_aparts              relmgr      select insert update delete
relmgr.disputes                 relmgr      select insert update delete
relmgr.duplicates               relmgr      select insert delete

# goose's table: /readyz of every process reads which migration is in place.
migration.versions              *           select
`

// cell is one place of the matrix.
type cell struct{ relation, duty string }

// matrix says what is permitted; a cell that is missing permits nothing.
type matrix map[cell]string

// expected reads walls.
func expected(t *testing.T, text string) (m matrix, relations []string) {
	t.Helper()
	m = matrix{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		if len(f) < 3 || f[1] != "*" && !slices.Contains(migrate.Duties, f[1]) {
			t.Fatalf("walls: %q is not: relation, duty or *, rights", line)
		}
		relations = append(relations, f[0])
		for _, duty := range migrate.Duties {
			if f[1] == "*" || f[1] == duty {
				m[cell{f[0], duty}] = strings.Join(f[2:], " ")
			}
		}
	}
	return m, relations
}

// relation is a table or view of the hub with its columns in their order.
type relation struct {
	name    string
	columns []string
}

// relations lists what the database has: every table and view outside
// PostgreSQL's own schemas.
func relations(t *testing.T, h *pgtest.Hub) (all []relation) {
	t.Helper()
	rows, err := h.Admin(t).QueryContext(t.Context(), `
		select n.nspname || '.' || c.relname,
		       array(select quote_ident(a.attname) from pg_attribute a
		              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum)
		  from pg_class c join pg_namespace n on n.oid = c.relnamespace
		 where c.relkind in ('r', 'p', 'v', 'm', 'f')
		   and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
		 order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r relation
		if err := rows.Scan(&r.name, pq.Array(&r.columns)); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// tried is what one role may do to one relation, each right tried for
// real: on no row, and in an order that needs no other right.
func tried(ctx context.Context, conn *sql.Conn, r relation) (may []string, err error) {
	try := func(format string, args ...any) (bool, error) {
		_, err := conn.ExecContext(ctx, fmt.Sprintf(format, args...))
		switch {
		case err == nil:
			return true, nil
		case pq.As(err, "42501") != nil: // insufficient privilege
			return false, nil
		case pq.As(err, "0A000") != nil: // truncate: permitted, were it not for a foreign key
			return true, nil
		case pq.As(err, "55000", "42809") != nil: // a view that nobody can write through
			return false, nil
		}
		return false, fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
	}
	// column says which columns a statement is permitted for: all, some, none.
	column := func(verb, format string) error {
		var some []string
		for _, c := range r.columns {
			ok, err := try(format, r.name, c)
			if err != nil {
				return err
			}
			if ok {
				some = append(some, c)
			}
		}
		switch len(some) {
		case 0:
		case len(r.columns):
			may = append(may, verb)
		default:
			may = append(may, verb+"("+strings.Join(some, ",")+")")
		}
		return nil
	}
	if err := column("select", "select %[2]s from %[1]s where false"); err != nil {
		return nil, err
	}
	if err := column("insert", "insert into %[1]s (%[2]s) select null where false"); err != nil {
		return nil, err
	}
	if err := column("update", "update %[1]s set %[2]s = null where false"); err != nil {
		return nil, err
	}
	for _, whole := range []struct{ verb, format string }{
		{"delete", "delete from %s where false"}, {"truncate", "truncate %s"},
	} {
		ok, err := try(whole.format, r.name)
		if err != nil {
			return nil, err
		}
		if ok {
			may = append(may, whole.verb)
		}
	}
	return may, nil
}

// measure tries the whole matrix, each duty through its own login.
func measure(t *testing.T, h *pgtest.Hub, all []relation) matrix {
	t.Helper()
	m := matrix{}
	for _, duty := range migrate.Duties {
		conn, err := h.DB(t, duty).Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range all {
			may, err := tried(t.Context(), conn, r)
			if err != nil {
				t.Fatalf("%s on %s: %v", duty, r.name, err)
			}
			if len(may) > 0 {
				m[cell{r.name, duty}] = strings.Join(may, " ")
			}
		}
		conn.Close()
	}
	return m
}

// differ compares two matrices and says which cell differs and how.
func differ(want, have matrix) (all []violation) {
	cells := maps.Clone(want)
	maps.Copy(cells, have)
	for c := range cells {
		if want[c] != have[c] {
			all = append(all, breach("%s on %s: permitted is [%s], expected [%s]", c.duty, c.relation, have[c], want[c]))
		}
	}
	slices.Sort(all)
	return all
}

// show prints the matrix, a letter for each right.
func (m matrix) show(all []relation) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-34s", "")
	for _, duty := range migrate.Duties {
		fmt.Fprintf(&b, " %-10s", duty)
	}
	for _, r := range all {
		fmt.Fprintf(&b, "\n%-34s", r.name)
		for _, duty := range migrate.Duties {
			letters := ""
			for _, right := range []string{"select", "insert", "update", "delete", "truncate"} {
				switch found := m[cell{r.name, duty}]; {
				case strings.Contains(found, right+"("):
					letters += right[:1]
				case strings.Contains(found, right):
					letters += strings.ToUpper(right[:1])
				default:
					letters += "-"
				}
			}
			fmt.Fprintf(&b, " %-10s", letters)
		}
	}
	return b.String()
}

// DCP-01, DCP-05, FED-11: each duty has credentials of its own, and what they open is written
// here. Those that carry others' data, the log and the federation, open none of it.
func TestWalls(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	all := relations(t, h)
	want, named := expected(t, walls)
	for _, r := range all {
		if !slices.Contains(named, r.name) {
			t.Errorf("%s stands in no line of walls: say who may do what to it", r.name)
		}
	}
	for _, name := range named {
		if !slices.ContainsFunc(all, func(r relation) bool { return r.name == name }) {
			t.Errorf("walls names %s, which the database does not have", name)
		}
	}
	have := measure(t, h, all)
	t.Logf("what each role may do (S select, I insert, U update, D delete, T truncate; small: on some columns)\n%s", have.show(all))
	report(t, "one duty, one role: what a stolen process can reach is what its role may", differ(want, have))
}

// Each of these opens or closes one wall in a database of its own; the matrix
// must name that cell and no other.
func TestWallsCanFail(t *testing.T) {
	t.Parallel()
	want, _ := expected(t, walls)
	for _, planted := range []struct{ name, statement, report string }{
		{"a sibling reads", "grant select on governance.acts to fame_consent", "consent on governance.acts: permitted is [select], expected []"},
		{"a sibling reads one column", "grant select (issuer) on governance.practitioners to fame_relmgr", "relmgr on governance.practitioners: permitted is [select(issuer)], expected []"},
		{"a duty rewrites its acts", "grant update on relmgr.acts to fame_relmgr", "relmgr on relmgr.acts: permitted is [select insert update], expected [select insert]"},
		{"a duty empties a table", "grant truncate on consent.acts to fame_consent", "consent on consent.acts: permitted is [select insert truncate], expected [select insert]"},
		{"a duty looks into the inbox", "grant select on ledger.pending to fame_consent", "consent on ledger.pending: permitted is [select insert], expected [insert]"},
		{"a duty loses its inbox", "revoke insert on ledger.pending from fame_relmgr", "relmgr on ledger.pending: permitted is [], expected [insert]"},
	} {
		t.Run(planted.name, func(t *testing.T) {
			t.Parallel()
			h := pgtest.New(t)
			if _, err := h.Admin(t).ExecContext(t.Context(), planted.statement); err != nil {
				t.Fatal(err)
			}
			mustReport(t, differ(want, measure(t, h, relations(t, h))), planted.report)
		})
	}
}

// No duty may make anything of its own: what it made would be its to grant.
func TestNoDutyMakesTables(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	if _, err := h.Admin(t).ExecContext(t.Context(), "create schema open; grant all on schema open to public"); err != nil {
		t.Fatal(err)
	}
	var seen bool
	for _, duty := range migrate.Duties {
		db := h.DB(t, duty)
		for _, schema := range append([]string{"public", "ledger", "migration", "open"}, migrate.Duties...) {
			_, err := db.ExecContext(t.Context(), "create table "+schema+".made_by_"+duty+" (x int)")
			switch {
			case schema == "open":
				seen = seen || err == nil
			case pq.As(err, "42501") == nil:
				t.Errorf("%s makes a table in schema %s: %v, want insufficient privilege", duty, schema, err)
			}
		}
		for _, statement := range []string{"create schema made_by_" + duty, "create role made_by_" + duty, "set role fame_admin"} {
			if _, err := db.ExecContext(t.Context(), statement); pq.As(err, "42501") == nil {
				t.Errorf("%s: %s: %v, want insufficient privilege", duty, statement, err)
			}
		}
	}
	if !seen {
		t.Error("nobody could make a table in a schema open to all: this test cannot fail")
	}
}

// Nor does one duty become another, although their group roles stand side by side.
func TestNoDutyBecomesAnother(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	for _, duty := range migrate.Duties {
		db := h.DB(t, duty)
		for _, other := range migrate.Duties {
			_, err := db.ExecContext(t.Context(), "set role fame_"+other)
			if got := err == nil; got != (other == duty) {
				t.Errorf("%s becomes fame_%s: %v", duty, other, err)
			}
			if _, err := db.ExecContext(t.Context(), "reset role"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A function that runs as its owner is a door through every wall.
func TestNoFunctionRunsAsItsOwner(t *testing.T) {
	t.Parallel()
	h := pgtest.New(t)
	db := h.Admin(t)
	const doors = `select count(*) from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where p.prosecdef and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'`
	var n int
	if err := db.QueryRowContext(t.Context(), doors).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d functions are security definer (%v): let the caller's own rights decide", n, err)
	}
	if _, err := db.ExecContext(t.Context(), "create function ledger.door() returns int security definer language sql as 'select 1'"); err != nil {
		t.Fatal(err)
	}
	if err := db.QueryRowContext(t.Context(), doors).Scan(&n); err != nil || n != 1 {
		t.Errorf("a planted door was counted %d times (%v): this test cannot fail", n, err)
	}
}
