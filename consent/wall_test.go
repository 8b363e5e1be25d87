package consent_test

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/internal/seal"
)

// What the role may not do, whatever the code says.
func TestTheRoleCannotRewriteLookAsideOrReachOthers(t *testing.T) {
	t.Parallel()
	h := setup(t)
	given := h.capture(alice, "gp-people")
	byProxy := h.yes(alice, "gp-people")
	h.byProxy(&byProxy)
	byProxy.Competence = &consent.Competence{Assessed: consent.NotCompetent}
	_, err := h.consent.Capture(t.Context(), alice, byProxy)
	must(t, err)
	_, err = h.consent.Withdraw(t.Context(), alice, given.Consent, consent.SignedForm)
	must(t, err)
	h.exclude(alice, "gp-people", "police")
	statements := []string{
		"select * from ledger.pending", "select 1 from ledger.pending", "delete from ledger.pending", "update ledger.pending set commitment = commitment",
		"insert into ledger.pending (commitment) values ('\\x00') returning commitment",
		"update consent.content_keys set wrapped = ''",
		"select * from relmgr.handles", "select * from relmgr.cells", "select * from relmgr.enquiries", "select * from governance.terms",
		"select * from governance.practitioners", "create table consent.extra (x int)", "create table public.extra (x int)",
	}
	for _, table := range []string{"acts", "consents", "withdrawals", "exclusions", "inclusions", "blocks", "unblocks", "requests", "answers", "reviews", "erasures", "erased"} {
		statements = append(statements, "update consent."+table+" set act_id = act_id", "delete from consent."+table, "truncate consent."+table)
	}
	for _, table := range []string{"proxies", "competences"} {
		statements = append(statements, "update consent."+table+" set consent_id = consent_id", "delete from consent."+table, "truncate consent."+table)
	}
	// What is blanked is blanked with its key, and never before.
	statements = append(statements, "update consent.consents set purposes = '{}'", "update consent.exclusions set excluded = 'erased', evidence = 'erased'",
		"update consent.withdrawals set evidence = 'erased'", "delete from consent.proxies where true", "delete from consent.competences where true",
		"with k as (delete from consent.content_keys) update consent.consents set wording = 'another'")
	for _, s := range statements {
		_, err := h.db.ExecContext(t.Context(), s)
		if e := pq.As(err, "42501"); e == nil {
			t.Errorf("%s: %v, want insufficient privilege", s, err)
		}
	}
}

// The duty has no place to put an identifier: these are all its columns. One
// that is added is judged here.
func TestNoTableOfTheDutyHasRoomForAnIdentifier(t *testing.T) {
	t.Parallel()
	h := setup(t)
	rows, err := h.admin.QueryContext(t.Context(), `select table_name || '.' || column_name || ' ' || coalesce(domain_name, udt_name)
		from information_schema.columns where table_schema = 'consent'`)
	must(t, err)
	defer rows.Close()
	var got []string
	for rows.Next() {
		var s string
		must(t, rows.Scan(&s))
		got = append(got, s)
	}
	must(t, rows.Err())
	slices.Sort(got)
	want := strings.Split(strings.TrimSpace(`
acts.act_id uuid
acts.agency_id code
acts.at timestamptz
acts.commitment bytea
acts.kind text
acts.practitioner_id code
acts.role code
acts.sealed bytea
acts.terms_version int8
answers.act_id uuid
answers.answer text
answers.at timestamptz
answers.consent_id uuid
answers.reason code
answers.request_id uuid
blocks.act_id uuid
blocks.agency_id code
blocks.block_id uuid
blocks.evidence text
blocks.handle_id uuid
blocks.reach text
blocks.starts_at timestamptz
blocks.warning code
competences.assessed text
competences.consent_id uuid
competences.presumed text
competences.presumed_from int2
consents.act_id uuid
consents.agency_id code
consents.aspects _text
consents.audience _text
consents.audience_kind text
consents.column_id code
consents.consent_id uuid
consents.ends_at timestamptz
consents.evidence text
consents.explicit bool
consents.handle_id uuid
consents.purposes _text
consents.starts_at timestamptz
consents.understanding text
consents.wording code
content_keys.record_id uuid
content_keys.wrapped bytea
erased.act_id uuid
erased.commitment bytea
erased.rest bytea
erasures.act_id uuid
erasures.agency_id code
erasures.column_id code
erasures.complete_at timestamptz
erasures.handle_id uuid
erasures.obligation text
erasures.reason code
exclusions.act_id uuid
exclusions.agency_id code
exclusions.evidence text
exclusions.excluded code
exclusions.exclusion_id uuid
exclusions.handle_id uuid
exclusions.starts_at timestamptz
inclusions.act_id uuid
inclusions.at timestamptz
inclusions.evidence text
inclusions.exclusion_id uuid
over.ended_at timestamptz
over.handle_id uuid
over.thing_id uuid
proxies.authority text
proxies.consent_id uuid
proxies.ends_at timestamptz
proxies.evidence text
published_blocks.block_id uuid
published_blocks.ended_at timestamptz
published_blocks.handle_id uuid
published_blocks.reach text
published_blocks.starts_at timestamptz
published_changes.act_id uuid
published_changes.at timestamptz
published_changes.handle_id uuid
published_consents.aspects _text
published_consents.audience _text
published_consents.audience_kind text
published_consents.consent_id uuid
published_consents.ends_at timestamptz
published_consents.explicit bool
published_consents.handle_id uuid
published_consents.purposes _text
published_consents.starts_at timestamptz
published_consents.withdrawn_at timestamptz
published_erased.ended_at timestamptz
published_erased.handle_id uuid
published_erased.starts_at timestamptz
published_exclusions.ended_at timestamptz
published_exclusions.excluded code
published_exclusions.exclusion_id uuid
published_exclusions.handle_id uuid
published_exclusions.starts_at timestamptz
published_refusals.at timestamptz
published_refusals.handle_id uuid
requests.act_id uuid
requests.agency_id code
requests.asked_at timestamptz
requests.aspects _text
requests.audience _text
requests.audience_kind text
requests.column_id code
requests.ends_at timestamptz
requests.explicit bool
requests.handle_id uuid
requests.purposes _text
requests.request_id uuid
reviews.act_id uuid
reviews.at timestamptz
reviews.consent_id uuid
reviews.outcome text
reviews.reason code
said.act_id uuid
said.thing_id uuid
still_there.handle_id uuid
still_there.thing_id uuid
unblocks.act_id uuid
unblocks.at timestamptz
unblocks.block_id uuid
unblocks.evidence text
withdrawals.act_id uuid
withdrawals.at timestamptz
withdrawals.consent_id uuid
withdrawals.evidence text
`), "\n")
	if !slices.Equal(got, want) {
		t.Errorf("the duty's columns are\n%s", strings.Join(got, "\n"))
	}
}

// Even when a caller puts an identifier wherever text is taken, none is kept.
func TestADumpHoldsNoIdentifier(t *testing.T) {
	t.Parallel()
	h := setup(t)
	// relmgr's side: the token that the hub would look the person up by.
	_, _, err := h.keys.Ensure(t.Context(), seal.ColumnKey("gp-people", 1), seal.KindMAC)
	must(t, err)
	token, err := seal.Token(t.Context(), h.keys, seal.ColumnKey("gp-people", 1), "gp-people", identifier)
	must(t, err)

	given := h.capture(alice, "gp-people")
	_, err = h.consent.Withdraw(t.Context(), alice, given.Consent, consent.SignedForm)
	must(t, err)
	h.exclude(alice, "gp-people", "police")
	for _, change := range []func(*consent.Request){
		func(r *consent.Request) { r.Proof = identifier },
		func(r *consent.Request) { r.Wording = identifier },
		func(r *consent.Request) { r.Evidence = identifier },
		func(r *consent.Request) { r.Purposes = []string{identifier} },
		func(r *consent.Request) { r.Aspects = []string{identifier} },
		func(r *consent.Request) { r.Audience.Names = []string{identifier} },
	} {
		req := h.yes(alice, "gp-people")
		change(&req)
		if _, err := h.consent.Capture(t.Context(), alice, req); err == nil || strings.Contains(err.Error(), identifier) {
			t.Errorf("taken, or repeated: %v", err)
		}
	}
	dump := strings.ToLower(h.Dump(t))
	for _, secret := range []string{identifier, strings.ToLower(identifier), string(token[:]), hex.EncodeToString(token[:])} {
		if strings.Contains(dump, strings.ToLower(secret)) {
			t.Error("the dump holds the identifier or its token")
		}
	}
	if !strings.Contains(dump, given.Consent.String()) {
		t.Error("the dump lacks the consent: this test looks in the wrong place")
	}
}
