package edgetest_test

import (
	"context"
	"database/sql"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/cmd/fame/verify"
	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/relmgr"
)

// everything is a hub in which every operation has done its work, and whose log
// has all of it.
func everything(t *testing.T) *bench {
	t.Helper()
	b := newBench(t)
	b.sequence()
	b.repaired()
	for _, op := range b.contract.operations {
		b.send(b.good[op.id]) // one may stand in the way of another: the coverage below says what is missing
	}
	related(b.hub, "LMN-73947", "GP-73947", agreed{}) // what stays joined,
	code, _ := b.pair("dr-patel", "gp-riverside", "GP-73948")
	b.ok("mr-lindqvist", "POST", "/relmgr/v1/keep-aparts", object{"column": "social-care", "identifier": "LMN-73947", "pairing": code, "reason": "subject-asked"})
	code, _ = b.pair("dr-patel", "gp-riverside", "GP-73948") // barred,
	b.correlate("mr-lindqvist", "social-care", "LMN-73947", code)
	b.hub.dispute("mr-lindqvist", "social-care", "LMN-73947") // and disputed
	b.ok("mr-lindqvist", "POST", "/relmgr/v1/correlations", b.byStatement("mr-lindqvist", "social-care", "LMN-73949",
		b.stated(b.reference("dr-patel", "gp-riverside", "GP-73949"), b.reference("mr-lindqvist", "social-care", "LMN-73949"))))
	batch := b.approving()
	batch["deed"] = "correlate"
	approval := b.ok("dr-lund", "POST", "/relmgr/v1/approvals", batch)["act"]
	bulk := b.ok("dr-brandt", "POST", "/relmgr/v1/imports", object{"approval": approval, "file": strings.Repeat("e", 64)})["import"].(string)
	code, _ = b.pair("mr-lindqvist", "social-care", "LMN-73951")
	b.ok("dr-brandt", "POST", "/relmgr/v1/imports/"+bulk+"/parts", object{"first": 1, "last": 4, "correlations": []object{
		{"line": 2, "column": "gp-riverside", "identifier": "GP-73951", "pairing": code}, {"line": 3, "column": "gp-riverside", "identifier": "GP-73951", "pairing": code}}})
	b.hub.ask("LMN-73947", "")
	b.hub.ask("LMN-00046", "")
	b.strangers()
	b.stoppedAlongAnAxle()
	b.divided()
	b.rare()
	b.noticed()
	b.keptByLaw()
	if b.manages(b.now().AddDate(0, 0, 90), 30) == 0 {
		t.Fatal("the manager has nothing to forget")
	}
	b.sequence()
	return b
}

// rare leaves what a step stopped, what was told of an earlier date about a child,
// and what is seldom said of a consent.
func (b *bench) rare() {
	b.t.Helper()
	for _, r := range b.stopped() {
		b.send(r.request)
	}
	earlier := b.ok("mr-lindqvist", "POST", "/relmgr/v1/as-of-enquiries", object{
		"column": "social-care", "identifier": "LMN-00046", "as_of": b.until(-time.Minute), "purpose": "co-ordinate-care",
		"reason": "working-with-person", "concerning": "child", "transaction": "joint-assessment", "case": "2026/0412"})["act"].(string)
	b.ok("ms-novak", "POST", "/relmgr/v1/as-of-enquiries/"+earlier+"/approval", object{"reason": "risk-of-harm"})
	b.ok("mr-lindqvist", "GET", "/relmgr/v1/as-of-enquiries/"+earlier+"/answer", nil)
	asked := b.toAsk("dr-patel", b.gpProof)
	for _, a := range []answer{
		b.send(b.but("captureConsent", object{"assessed": "not-competent"}, "competence")),
		b.send(request{as: "dr-patel", method: "POST", target: "/consent/v1/requests/" + asked + "/answer",
			body: encode(b.t, object{"answer": "not-asked", "reason": "risk-of-harm"})}),
	} {
		if a.status != 201 {
			b.t.Fatalf("%d %s", a.status, a.body)
		}
	}
}

// strangers leaves anchors, one of them taken back, and questions about people whom
// a registrar recognised, one with what was used before. It brings the anchors to
// another key.
func (b *bench) strangers() {
	b.t.Helper()
	b.attach("dr-patel", "gp-riverside", "GP-00046", "Ivo Moor")
	b.withdrawAct("dr-patel", b.attach("dr-patel", "gp-riverside", "GP-73947", "Ivo Moor"))
	s, err := relmgr.New(b.t.Context(), relmgr.Config{DB: b.base.DB(b.t, "relmgr"), Keys: b.keys["relmgr"], Now: b.now})
	b.must(err)
	defer s.Close()
	b.must(s.RotateAnchors(b.t.Context(), func(string, int, int) {}))
	for range 2 {
		q := toAsk(asked{}, object{"recognition": b.recognised(asker, "Ivo Moor"), "emergency": true, "reason": "risk-of-harm"})
		delete(q, "identifier")
		b.ok(asker, "POST", "/relmgr/v1/enquiries", q)
		b.send(request{as: asker, method: "POST", target: "/relmgr/v1/enquiries", body: encode(b.t, q)})
	}
}

// sequence runs the sequencer until nothing waits.
func (b *bench) sequence() {
	b.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); b.parts["governance"].Run(ctx) }()
	for n := 1; n > 0; time.Sleep(20 * time.Millisecond) {
		b.must(b.admin.QueryRow("select count(*) from ledger.pending").Scan(&n))
	}
	stop()
	<-ended
}

// verified runs fame verify over the hub, each duty as its own role.
func (b *bench) verified() *verify.Result {
	b.t.Helper()
	vkey, err := ledger.VerifierKey(b.t.Context(), b.keys["governance"], hubID)
	b.must(err)
	duty := func(name string) verify.Duty {
		if b.readers[name] == nil {
			b.readers[name] = b.base.DB(b.t, name)
		}
		return verify.Duty{DB: b.readers[name], Keys: b.keys[name]}
	}
	registrars := map[string]seal.Provider{}
	if keys := b.keys["registrar"]; keys != nil {
		registrars[registrarCode], registrars[millCode] = keys, keys
	}
	r, err := verify.Run(b.t.Context(), verify.Hub{
		Governance: duty("governance"), Relmgr: duty("relmgr"), Consent: duty("consent"), Registrar: duty("registrar"), Registrars: registrars, Idmgr: duty("idmgr"), Federation: duty("federation"), Manager: managerCode, VerifierKey: vkey,
	}, func(string) {})
	b.must(err)
	return r
}

// ACT-03, ACT-09, invariants 1 and 7: after all that the operations can do the
// acts come to exactly the index, every record has its leaf and opens to what
// it committed to, and the tree is the signed one.
func TestWhatTheOperationsLeaveBehindVerifies(t *testing.T) {
	t.Parallel()
	b := everything(t)
	r := b.verified()
	for _, f := range r.Findings {
		t.Error(f)
	}
	total := 0
	for _, n := range r.Records {
		total += n
	}
	if r.Size == 0 || int(r.Size) != total || r.Opened+r.Erased != total || r.Erased != 4+b.erasedWords()+b.forgotten() || r.Pending != 0 || r.Checkpoints == 0 || r.Handles < 10 || len(r.Unopened) != 0 || len(r.Records) != 11 {
		t.Errorf("verified %+v", r)
	}
	// DCP-11, invariant 7: a content whose key no act erased is missed, by name.
	var missing string
	b.must(b.admin.QueryRow(`delete from relmgr.content_keys where record_id = (select a.act_id from relmgr.acts a
		join relmgr.content_keys k on k.record_id = a.act_id order by random() limit 1) returning record_id`).Scan(&missing))
	if r = b.verified(); len(r.Findings) != 1 || r.Findings[0].Place != "relmgr act "+missing {
		t.Errorf("without the key of act %s: %v", missing, r.Findings)
	}
}

// LEG-29: ten years on, all that has ended is erased by acts that name it, and the
// hub still verifies: it is as those acts left it.
func TestWhatRetentionLeavesBehindVerifies(t *testing.T) {
	t.Parallel()
	b := everything(t)
	before := b.verified().Erased
	s, err := relmgr.New(t.Context(), relmgr.Config{DB: b.base.DB(t, "relmgr"), Keys: b.keys["relmgr"], Now: func() time.Time { return b.now().AddDate(10, 0, 0) }})
	b.must(err)
	defer s.Close()
	done, err := s.Retain(t.Context())
	b.must(err)
	town, err := registrar.New(registrar.Config{Registrar: registrarCode, DB: b.base.DB(t, "registrar"), Keys: b.keys["registrar"],
		Now: func() time.Time { return b.now().AddDate(10, 0, 0) }, Registerer: prometheus.NewRegistry()})
	b.must(err)
	asked, err := town.Retain(t.Context(), &decide.Terms{Version: 1, Settings: decide.Settings{KeepEnquiriesDays: 400}})
	b.must(err)
	done.Records += asked
	words, err := consent.New(consent.Config{DB: b.base.DB(t, "consent"), Keys: b.keys["consent"], Proofs: attest.NewVerifier("", nil, b.now),
		Now: func() time.Time { return b.now().AddDate(10, 0, 0) }})
	b.must(err)
	said, err := words.Retain(t.Context(), &decide.Terms{Version: 1, Settings: decide.Settings{KeepConsentsDays: 400}})
	b.must(err)
	done.Records += said + b.manages(b.now().AddDate(10, 0, 0), 400)
	b.sequence()
	r := b.verified()
	for _, f := range r.Findings {
		t.Error(f)
	}
	if done.Identifiers == 0 || asked == 0 || said < 10 || done.Records <= asked+said || done.IdempotencyKeys != 0 || r.Erased < before+done.Records+done.Identifiers {
		t.Errorf("%+v was erased, and %d records are: %d before", done, r.Erased, before)
	}
}

// What waits for its position is no finding.
func TestACommitmentThatWaitsIsNoFinding(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.sequence()
	b.ok("dr-patel", "POST", "/relmgr/v1/handles", object{"column": "gp-riverside", "identifier": gpIdentifier})
	b.hub.ask("LMN-00046", "")
	if r := b.verified(); len(r.Findings) != 0 || r.Pending != 1 {
		t.Errorf("what waits for its position: %+v", r)
	}
}

// covered are the tables of which every column is flipped, a row of each.
var covered = []string{
	"governance.acts", "governance.content_keys", "consent.acts", "consent.content_keys", "consent.consents", "consent.withdrawals",
	"consent.exclusions", "consent.inclusions", "consent.blocks", "consent.unblocks", "consent.requests", "consent.answers",
	"consent.proxies", "consent.competences", "consent.reviews", "consent.erasures", "consent.erased",
	"relmgr.acts", "relmgr.content_keys", "relmgr.enquiries", "relmgr.disclosures", "relmgr.decisions", "relmgr.decision_consents",
	"relmgr.act_handles", "relmgr.undoings", "relmgr.barred", "relmgr.confirmations", "relmgr.as_of_approvals", "relmgr.offers", "relmgr.pairings", "relmgr.pairings_used", "relmgr.statements",
	"relmgr.contact_requests", "relmgr.deliveries", "relmgr.replies", "relmgr.review_outcomes", "relmgr.moves", "relmgr.declarations",
	"relmgr.tellings", "relmgr.silences", "relmgr.retractions", "relmgr.complaints", "relmgr.complaint_steps", "relmgr.objections", "relmgr.rulings", "relmgr.override_outcomes",
	"relmgr.approvals", "relmgr.import_lines", "relmgr.erasures", "relmgr.erased",
	"relmgr.anchors", "relmgr.attachments", "relmgr.ties", "relmgr.recognitions_used", "relmgr.peer_requests",
	"relmgr.cells", "relmgr.correlations", "relmgr.keep_aparts", "relmgr.disputes", "relmgr.handles",
	"registrar.acts", "registrar.content_keys", "registrar.registers", "registrar.subjects", "registrar.items", "registrar.entries", "registrar.superseded",
	"registrar.recognitions", "registrar.checks", "registrar.failed_checks",
	"registrar.common_clients", "registrar.common_answers", "registrar.assessments", "registrar.representatives", "registrar.representatives_ended",
	"registrar.enrolment_codes", "registrar.enrolment_codes_used", "registrar.accounts", "registrar.authenticators", "registrar.authenticators_revoked",
	"idmgr.records", "idmgr.content_keys",
	"idmgr.acts", "idmgr.rule_sets", "idmgr.rules", "idmgr.activations", "idmgr.effects", "idmgr.withdrawals", "idmgr.cases", "idmgr.case_steps",
	"registrar.resolutions", "registrar.reopenings", "registrar.shields", "registrar.unshields", "registrar.erasures", "registrar.erased",
	"registrar.import_approvals", "registrar.import_lines", "registrar.set_apart", "registrar.apart_confirmed", "registrar.apart_opened", "registrar.apart",
	"registrar.covers",
	"federation.book", "federation.exchanges", "federation.unknown_messages", "federation.disputes", "federation.dispute_ends", "federation.marks", "federation.acts", "federation.content_keys", "federation.peers", "federation.agreements", "federation.registrars",
	"relmgr.repairs", "idmgr.case_references", "idmgr.erased",
	"ledger.leaves", "ledger.tiles", "ledger.checkpoints", "ledger.pending",
	"governance.terms",
}

// uncovered are columns of those tables that no record covers, each with why.
var uncovered = map[string]string{
	"relmgr.handles.token":               "a look-up value: it opens nothing, and the identifier beside it is sealed to its handle",
	"relmgr.handles.token_b":             "a look-up value of another epoch: likewise",
	"relmgr.handles.token_epoch":         "which of the look-up values is the newest",
	"relmgr.handles.sealed":              "opens under the agency's own key alone",
	"relmgr.handles.wrapped_key":         "opens under the agency's own key alone",
	"relmgr.handles.wrapped_by":          "names the key of the agency",
	"relmgr.import_lines.refused":        "a line that published nothing left no record, unless a step stopped it",
	"idmgr.records.position":             "the order in which records were written",
	"relmgr.offers.ordinal":              "the order in which offers were written",
	"relmgr.pairings.pairing_id":         "random, and used up",
	"relmgr.pairings.code_hash":          "of a code that lives for minutes",
	"relmgr.pairings.reference_hash":     "of a reference that lives for minutes",
	"relmgr.ties.code_hash":              "of a code that lives for minutes",
	"relmgr.ties.code_ends":              "of a code that lives for minutes",
	"relmgr.handles.column_id":           "of a published handle it is its cell's too",
	"relmgr.pairings.ends_at":            "of a code that lives for minutes",
	"relmgr.contact_requests.agreements": "follows from the terms of its time",
	"consent.requests.asked_at":          "of one that relmgr wanted it is the time of relmgr's act",
	"relmgr.complaints.at":               "follows from the act",
	"relmgr.complaint_steps.at":          "follows from the act",
	"relmgr.complaint_steps.reason":      "follows from the act",
	"relmgr.complaint_steps.step":        "follows from the act's kind",
	"relmgr.tellings.handle_id":          "follows from the act that it tells of",
	"relmgr.tellings.agency_id":          "follows from the act",
	"relmgr.tellings.at":                 "follows from the act",
	"relmgr.objections.agency_id":        "follows from the act objected to",
	"relmgr.objections.at":               "follows from the act",
	"relmgr.objections.due_at":           "follows from the law profile of its time",
	"registrar.import_lines.pointer":     "a line that entered nobody left no record",
	"registrar.import_lines.detail":      "likewise",
	"registrar.set_apart.wrapped":        "opens under the registrar's key, in the record's place alone",
	"registrar.enrolment_codes.token":    "of a code that lives for minutes",
	"registrar.common_clients.token":     "of a code that lives for minutes",
	"registrar.accounts.token":           "a look-up value: who changes it has its owner not found, and nobody let in without what proves them",
	"registrar.accounts.sealed":          "opens under the registrar's key, in the account's place alone",
	"registrar.accounts.wrapped_key":     "opens under the registrar's key, in the account's place alone",
	"ledger.checkpoints.at":              "when it was signed, for people: that others saw it then is what their cosignatures say",
	"relmgr.barred.barred_in":            "covered where a later act barred; an act that bars itself is in its own record",
}

// inTurn says whether a table or a column is tried: a quarter of them, always the
// same, or all where FAME_THOROUGH is set (make flips).
func inTurn(name string) bool {
	h := fnv.New32a()
	h.Write([]byte(name))
	return thorough() || h.Sum32()%4 == 0
}

// ACT-09, issue "The ledger": one flipped byte in any stored act, enquiry,
// decision, commitment, tile or checkpoint is found.
func TestOneFlippedByteOfAnyKindIsFound(t *testing.T) {
	t.Parallel()
	b := everything(t)
	b.hub.ask("LMN-00046", "") // a commitment that waits
	b.must(b.admin.QueryRow("select 1").Scan(new(int)))
	if r := b.verified(); len(r.Findings) > 0 {
		t.Fatalf("before anything was flipped: %v", r.Findings)
	}
	b.open()
	flipped := 0
	for _, table := range covered {
		for _, c := range b.columns(table) {
			if uncovered[table+"."+c.name] != "" || !inTurn(table+"."+c.name) {
				continue
			}
			for _, flip := range c.flips(t) {
				undo, ok := b.flip(table, c, flip)
				if !ok {
					t.Errorf("%s.%s: no row has anything to flip", table, c.name)
					continue
				}
				r := b.verified()
				undo()
				flipped++
				if len(r.Findings) == 0 {
					t.Errorf("%s.%s: nobody noticed %s", table, c.name, flip)
				} else if testing.Verbose() {
					t.Logf("%s.%s: %s", table, c.name, r.Findings[0])
				}
			}
		}
	}
	// Whatever stopped a question, the role that stands there is of the record.
	var refused []string
	b.must(b.admin.QueryRow("select array_agg(enquiry_id::text) from relmgr.enquiries where stopped_at is not null").Scan(pq.Array(&refused)))
	for _, id := range refused {
		set := func(to string) {
			_, err := b.admin.Exec("update relmgr.enquiries set role = "+to+" where enquiry_id = $1", id)
			b.must(err)
		}
		set("'b' || role")
		if r := b.verified(); len(r.Findings) == 0 {
			t.Error("nobody noticed another role of a question that was stopped")
		}
		set("substr(role, 2)")
		flipped++
	}
	// A clash that never was, which would become a case.
	_, err := b.admin.Exec("insert into relmgr.clashes values (gen_random_uuid(), gen_random_uuid(), now())")
	b.must(err)
	if r := b.verified(); len(r.Findings) != 2 || !strings.HasPrefix(r.Findings[0].Place, "clash of grant ") {
		t.Errorf("a clash that never was: %v", r.Findings)
	}
	_, err = b.admin.Exec("delete from relmgr.clashes")
	b.must(err)
	// A disclosure that nobody asked for: no reference keeps it out.
	_, err = b.admin.Exec("insert into relmgr.disclosures values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid())")
	b.must(err)
	if r := b.verified(); len(r.Findings) != 1 || !strings.HasPrefix(r.Findings[0].Place, "enquiry ") {
		t.Errorf("a disclosure that nobody asked for: %v", r.Findings)
	}
	_, err = b.admin.Exec("delete from relmgr.disclosures d where not exists (select from relmgr.enquiries e where e.enquiry_id = d.enquiry_id)")
	b.must(err)
	if r := b.verified(); len(r.Findings) > 0 {
		t.Errorf("after everything was put back: %v", r.Findings)
	}
	t.Logf("%d flips", flipped)
}

// Whole rows that are gone are named too.
func TestARowThatIsGoneIsFound(t *testing.T) {
	t.Parallel()
	b := everything(t)
	b.open()
	for _, table := range covered {
		// Of a case's references those of its parties are missed, and not of who may hear of it.
		if slices.Contains([]string{"ledger.pending", "relmgr.handles", "governance.terms", "idmgr.case_references"}, table) || !inTurn(table) {
			continue
		}
		tx, err := b.admin.Begin()
		b.must(err)
		_, err = tx.Exec("set local session_replication_role = replica")
		b.must(err)
		which := ""
		if strings.HasSuffix(table, ".import_lines") { // a line that made no act left no record
			which = " where act_id is not null"
		}
		_, err = tx.Exec("create table public.gone as select * from " + table + " x" + which + " order by x::text limit 1")
		b.must(err)
		_, err = tx.Exec("delete from " + table + " x using public.gone g where x = (g::text)::" + table)
		b.must(err)
		b.must(tx.Commit())
		if r := b.verified(); len(r.Findings) == 0 {
			t.Errorf("%s: nobody noticed that a row is gone", table)
		} else if testing.Verbose() {
			t.Logf("%s: %s", table, r.Findings[0])
		}
		tx, err = b.admin.Begin()
		b.must(err)
		_, err = tx.Exec("set local session_replication_role = replica; insert into " + table + " select * from public.gone; drop table public.gone")
		b.must(err)
		b.must(tx.Commit())
	}
}

// Without a duty's keys its records stay shut, and the result says so; what the
// log and the replay tell is told all the same.
func TestVerifyingWithoutKeysSaysWhatItCouldNotCheck(t *testing.T) {
	t.Parallel()
	b := everything(t)
	for _, duty := range []string{"governance", "relmgr", "consent", "registrar", "idmgr"} {
		keys := b.keys[duty]
		if duty == "governance" {
			continue // its key file also names the log's public key, which others are given
		}
		delete(b.keys, duty)
		r := b.verified()
		want := []string{duty}
		if duty == "registrar" { // each has a key file of its own
			want = []string{duty + " " + registrarCode, duty + " " + millCode}
		}
		if len(r.Findings) != 0 || !slices.Equal(r.Unopened, want) {
			t.Errorf("without the keys of %s: %+v", duty, r)
		}
		b.keys[duty] = keys
	}
}

// open lifts the checks that a superuser with a grudge would lift too.
func (b *bench) open() {
	b.t.Helper()
	rows, err := b.admin.Query(`select conrelid::regclass::text, conname from pg_constraint where contype in ('c', 'f') and conrelid <> 0`)
	b.must(err)
	defer rows.Close()
	var drops []string
	for rows.Next() {
		var table, name string
		b.must(rows.Scan(&table, &name))
		drops = append(drops, fmt.Sprintf("alter table %s drop constraint %s", table, pq.QuoteIdentifier(name)))
	}
	b.must(rows.Err())
	for _, d := range drops {
		_, err := b.admin.Exec(d)
		b.must(err)
	}
	_, err = b.admin.Exec("alter table ledger.tiles disable trigger all")
	b.must(err)
}

type column struct{ name, kind string }

func (b *bench) columns(table string) (out []column) {
	b.t.Helper()
	rows, err := b.admin.Query(`select attname, format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null) from pg_attribute a join pg_type t on t.oid = a.atttypid
		where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`, table)
	b.must(err)
	defer rows.Close()
	for rows.Next() {
		var c column
		b.must(rows.Scan(&c.name, &c.kind))
		out = append(out, c)
	}
	b.must(rows.Err())
	if len(out) == 0 {
		b.t.Fatalf("%s has no columns", table)
	}
	return out
}

// flips are expressions that change a value by a byte, or as little as its type
// allows; $ stands for the column.
func (c column) flips(t *testing.T) []string {
	switch c.kind {
	case "bytea":
		return []string{"set_byte($, octet_length($) / 2, get_byte($, octet_length($) / 2) # 1)"}
	case "text":
		return []string{"overlay($ placing case when left($, 1) = 'b' then 'c' else 'b' end from 1 for 1)"}
	case "uuid":
		return []string{"overlay($::text placing case when right($::text, 1) = '0' then '1' else '0' end from 36 for 1)::uuid"}
	case "timestamp with time zone":
		return []string{"$ + interval '1 microsecond'"}
	case "bigint", "integer", "smallint":
		return []string{"$ + 1000"}
	case "boolean":
		return []string{"not $"}
	case "uuid[]":
		return []string{"$ || gen_random_uuid()"}
	case "text[]":
		return []string{"$ || '{zz}'::text[]"}
	case "jsonb":
		switch c.name {
		case "proposal":
			return []string{`jsonb_set($, '{aim}', '"zz"')`}
		case "steps":
			return []string{`jsonb_set($, '{0,answer}', '"failed"')`, `jsonb_set($, '{3,step}', '9')`}
		}
		return []string{`$ || '{"partnership": {}}'`}
	}
	t.Fatalf("%s is of type %s: say how to flip it", c.name, c.kind)
	return nil
}

// flip changes one row, and returns what puts it back.
func (b *bench) flip(table string, c column, flip string) (undo func(), ok bool) {
	b.t.Helper()
	set := strings.ReplaceAll(flip, "$", pq.QuoteIdentifier(c.name))
	where := c.name + " is not null"
	switch {
	case c.kind == "text":
		where = c.name + " <> ''"
	case strings.HasSuffix(table, ".import_lines"): // a line that made no act left no record
		where += " and act_id is not null"
	case table+"."+c.name == "relmgr.handles.row_id": // which row a handle alone is on says nothing
		where = "handle_id in (select handle_a from relmgr.correlations)"
	case table+"."+c.name == "relmgr.import_lines.line": // nor does one that left no act
		where = "act_id is not null"
	case table+"."+c.name == "relmgr.handles.handle_id": // nor does one that nothing was ever done with
		where = "handle_id in (select handle_id from relmgr.cells)"
	}
	where += " and " + set + " is distinct from " + c.name
	tx, err := b.admin.Begin()
	b.must(err)
	_, err = tx.Exec("set local session_replication_role = replica")
	b.must(err)
	_, err = tx.Exec("create table public.was as select * from " + table + " where " + where + " order by random() limit 1")
	b.must(err)
	var n int
	b.must(tx.QueryRow("select count(*) from public.was").Scan(&n))
	if something := map[string]string{"text": "'b'", "uuid": "gen_random_uuid()", "timestamp with time zone": "now()"}[c.kind]; n == 0 && something != "" {
		// Nobody in this hub has said anything there: something is put in.
		var res sql.Result
		res, err = tx.Exec("insert into public.was select * from " + table + " where " + c.name + " is null order by random() limit 1")
		b.must(err)
		count, err := res.RowsAffected()
		b.must(err)
		n, set = int(count), something
	}
	if n == 0 {
		b.must(tx.Rollback())
		return nil, false
	}
	_, err = tx.Exec("delete from " + table + " x using public.was w where x = (w::text)::" + table)
	b.must(err)
	_, err = tx.Exec("create table public.new as select * from public.was; update public.new set " + c.name + " = " + set + "; insert into " + table + " select * from public.new")
	b.must(err)
	b.must(tx.Commit())
	return func() {
		tx, err := b.admin.Begin()
		b.must(err)
		_, err = tx.Exec("set local session_replication_role = replica")
		b.must(err)
		var res sql.Result
		res, err = tx.Exec("delete from " + table + " x using public.new w where x = (w::text)::" + table)
		b.must(err)
		if n, _ := res.RowsAffected(); n != 1 {
			b.t.Fatalf("%s: %d rows were put back", table, n)
		}
		_, err = tx.Exec("insert into " + table + " select * from public.was; drop table public.was, public.new")
		b.must(err)
		b.must(tx.Commit())
	}, true
}
