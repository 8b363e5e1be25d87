package relmgr_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// batch approves correlations of the surgery's, and starts their import.
func (b *bundle) batch(t *testing.T, correlations int, spoil func(*relmgr.Approval)) relmgr.Import {
	t.Helper()
	a := b.approval(correlations)
	a.Deed, a.Reason = decide.Correlating, "same-person-found"
	if spoil != nil {
		spoil(&a)
	}
	i, err := b.StartImport(t.Context(), b.as("gp-manager"), b.approve(t, a), [32]byte{9})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// paired are lines from first on, with codes that social care has opened.
func (b *bundle) paired(t *testing.T, first, n int) relmgr.Part {
	t.Helper()
	p := relmgr.Part{First: first, Last: first + n - 1}
	for l := first; l < first+n; l++ {
		p.Paired = append(p.Paired, b.pairedLine(t, l))
	}
	return p
}

func gpOf(line int) relmgr.Own     { return own("gp-riverside", fmt.Sprintf("GP-%05d", line)) }
func socialOf(line int) relmgr.Own { return own("social-care", fmt.Sprintf("LMN-%05d", line)) }

func (b *bundle) pairedLine(t *testing.T, line int) relmgr.PairedLine {
	t.Helper()
	return relmgr.PairedLine{Line: line, Own: gpOf(line), Code: b.pairing(t, "social", socialOf(line)).Code}
}

// shown is the one act of a kind that somebody is shown on their own handle.
func (b *bundle) shown(t *testing.T, who string, o relmgr.Own, kind relmgr.Kind) (one relmgr.Shown) {
	t.Helper()
	acts, _, err := b.ListActs(t.Context(), b.as(who), b.handle(t, who, o), ident.ReferenceID{}, 50, looking)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, a := range acts {
		if a.Kind == kind {
			one, n = a, n+1
		}
	}
	if n != 1 {
		t.Fatalf("%s is shown %d acts of kind %s, want one", who, n, kind)
	}
	return one
}

func (b *bundle) sendPaired(t *testing.T, i relmgr.Import, p relmgr.Part) []relmgr.Imported {
	t.Helper()
	out, err := b.ImportPart(t.Context(), b.as("gp-manager"), i.ID, p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ACT-04, IDX-05, IDX-08, AUT-09: a batch of codes and statements is as many acts
// as it has lines, each with its own decision, the named importer and the authority
// who approved it, and each joins what a correlation by itself would join.
func TestEachLineOfABatchIsACorrelationThatCitesItsApproval(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	p := b.paired(t, 1, 8)
	p.Last = 12
	theirs, ours := b.pairing(t, "social", socialOf(10)), b.pairing(t, "gp-manager", gpOf(10))
	p.Paired = append(p.Paired, relmgr.PairedLine{Line: 10, Own: gpOf(10), Statement: b.statement(t, county, theirs.Reference, ours.Reference)})
	for _, n := range []int{3, 10} {
		b.publish(t, "social", socialOf(n))
	}
	i := b.batch(t, 9, nil)
	if i.Deed != decide.Correlating {
		t.Errorf("the import is of deed %q", i.Deed)
	}
	out := b.sendPaired(t, i, p)
	if len(out) != 9 {
		t.Fatalf("%d outcomes, want 9", len(out))
	}
	for _, o := range out {
		if o.Refused != "" || o.Act.IsZero() || len(o.Commitment) != 32 {
			t.Fatalf("line %d came to %+v", o.Line, o)
		}
	}
	for what, query := range map[string]string{
		"acts":              `select count(*) from relmgr.acts where kind = 'correlate' and mode = 'imposed' and practitioner_id = 'dr-brandt' and approval_id = (select approval_id from relmgr.approvals)`,
		"decisions":         `select count(distinct d.decision_id) from relmgr.decisions d join relmgr.acts a using (act_id) where a.kind = 'correlate' and d.outcome = 'permitted'`,
		"correlations":      `select count(*) from relmgr.correlations`,
		"commitments":       `select count(*) from ledger.pending p join relmgr.acts a on a.commitment = p.commitment where a.kind = 'correlate'`,
		"lines":             `select count(*) from relmgr.import_lines l join relmgr.acts a on a.act_id = l.act_id where a.kind = 'correlate'`,
		"subjects to tell":  `select count(*) from relmgr.tellings where told`,
		"other-side notice": `select count(*) from relmgr.act_references r join relmgr.acts a using (act_id) where a.kind = 'correlate' and r.agency_id = 'riverside-social-care'`,
	} {
		if n := b.count(t, query); n != 9 {
			t.Errorf("%d %s, want 9", n, what)
		}
	}
	for _, n := range []int{3, 10} {
		wantTold(t, b.ask(t, "gp", gpOf(n), ""), "childrens-assessment")
	}
	shown, err := b.FindAct(t.Context(), b.as("gp"), out[2].Act, looking)
	if err != nil {
		t.Fatal(err)
	}
	if shown.ApprovedBy != "dr-lund" || shown.Approval.IsZero() || shown.Practitioner != "dr-brandt" || shown.Decision == nil {
		t.Errorf("the act is shown as %+v, want it to cite who approved it", shown)
	}
	if i = b.batchStands(t, i); i.Next != 13 || i.Published != 9 || i.Refused != 0 {
		t.Errorf("the import stands at %+v", i)
	}
}

func (b *bundle) batchStands(t *testing.T, i relmgr.Import) relmgr.Import {
	t.Helper()
	var ref string
	if err := b.admin.QueryRow(`select r.reference_id from relmgr.act_references r join relmgr.imports i on i.approval_id = r.act_id where i.import_id = $1`, i.ID).Scan(&ref); err != nil {
		t.Fatal(err)
	}
	approval, err := ident.ParseReference(ref)
	if err != nil {
		t.Fatal(err)
	}
	again, err := b.StartImport(t.Context(), b.as("gp-manager"), approval, [32]byte{9})
	if err != nil || again.ID != i.ID {
		t.Fatalf("%v, %v", again, err)
	}
	return again
}

// IDX-03, A-13: a line is told what it says wrong, or that its pairing cannot be
// used, and no line keeps another from being dealt with.
func TestALineOfABatchIsToldItsTypingErrorAlone(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	p := b.paired(t, 1, 14)
	expired := b.pairing(t, "social", socialOf(21)).Code
	b.wait(time.Duration(b.terms.Settings.PairingMinutes) * time.Minute)
	for n := range p.Paired {
		p.Paired[n].Code = b.pairing(t, "social", socialOf(n+1)).Code
	}
	at := func(line int) *relmgr.PairedLine { return &p.Paired[line-1] }
	misheard := []byte(at(2).Code)
	misheard[0] = "23"[boolInt(misheard[0] == '2')]
	at(2).Code = string(misheard)
	at(3).Column = "social-care"
	at(4).Identifier = "GP-000O4"
	at(5).Code = ""
	at(6).Statement = "a.b.c"
	at(7).Code, at(7).Statement = "", "a.b.c"
	at(8).Code = at(1).Code
	at(9).Code = expired
	at(10).Code = relmgr.NewCode()
	at(11).Code = b.pairing(t, "gp-manager", gpOf(11)).Code
	at(12).Code, at(12).Statement = "", b.statement(t, county, "AZ4LT3QK5W2M7HXJ6BDR2UNVEC", "BZ4LT3QK5W2M7HXJ6BDR2UNVEC")
	at(13).Column, at(13).Identifier = "gp-patel", "PT0001" // not the approval's
	want := []relmgr.LineRefusal{"", relmgr.BadPairing, relmgr.BadColumn, relmgr.BadIdentifier, relmgr.BadPairing, relmgr.BadPairing, relmgr.BadStatement,
		relmgr.Unusable, relmgr.Unusable, relmgr.Unusable, relmgr.BadPairing, relmgr.Unusable, relmgr.BadColumn, ""}
	i := b.batch(t, 14, nil)
	for range 2 { // what was told first is told again
		for n, o := range b.sendPaired(t, i, p) {
			if o.Refused != want[n] || (o.Refused == "") == o.Act.IsZero() {
				t.Errorf("line %d came to %q, want %q", n+1, o.Refused, want[n])
			}
			if pointer, detail := o.Refused.Explain(); o.Refused != "" && (pointer == "" || detail == "" || detail == "your column publishes this relationship already") {
				t.Errorf("%q is not explained", o.Refused)
			}
		}
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind in ('correlate', 'refuse')`); n != 2 {
		t.Errorf("%d acts, want those of two lines", n)
	}
	if i = b.batchStands(t, i); i.Next != 15 || i.Published != 2 || i.Refused != 12 {
		t.Errorf("the import stands at %+v", i)
	}
}

// ACT-04: an approval covers one deed, so many lines, an importer who may correlate,
// and no longer than it stands; lines that come to nothing count, so that codes
// cannot be guessed in bulk.
func TestNothingIsCorrelatedBeyondTheApproval(t *testing.T) {
	b := setup(t)
	a := b.approval(3)
	a.Deed, a.Mode = decide.Correlating, decide.BySubject
	_, err := b.ApproveImport(t.Context(), b.as("guardian"), a)
	wantKind(t, err, fault.Invalid)
	send := func(who string, i relmgr.Import, p relmgr.Part) error {
		_, err := b.ImportPart(t.Context(), b.as(who), i.ID, p)
		return err
	}
	publishing := b.start(t, b.approve(t, b.approval(5)), 1)
	wantKind(t, send("gp-manager", publishing, b.paired(t, 1, 1)), fault.Invalid)
	i := b.batch(t, 3, nil)
	wantKind(t, send("gp-manager", i, lines(1, 1)), fault.Invalid)
	mixed := lines(1, 1)
	mixed.Paired = b.paired(t, 1, 1).Paired
	wantKind(t, send("gp-manager", i, mixed), fault.Invalid)
	before := b.count(t, `select count(*) from relmgr.acts`)
	p := b.paired(t, 1, 2)
	before += 2
	wantKind(t, send("gp-lead", i, p), fault.DecisionRefused) // may impose, and not correlate
	if n := b.count(t, `select count(*) from relmgr.acts`); n != before+1 {
		t.Errorf("a part whose importer may not correlate left %d acts, want its one refusal", n-before)
	}
	p.Paired[1].Code = relmgr.NewCode()
	b.sendPaired(t, i, p)
	wantKind(t, send("gp-manager", i, b.paired(t, 3, 2)), fault.Forbidden)
	if i = b.batchStands(t, i); i.Next != 4 || i.Published != 2 || i.Refused != 1 {
		t.Errorf("beyond its approval the import stands at %+v", i)
	}
	for n, spoil := range []func(*relmgr.Part){
		func(p *relmgr.Part) { p.Paired[0], p.Paired[1] = p.Paired[1], p.Paired[0] },
		func(p *relmgr.Part) { p.Paired[1].Line = p.Paired[0].Line },
		func(p *relmgr.Part) { p.Paired[1].Line = p.Last + 1 },
		func(p *relmgr.Part) { p.Last = p.First - 1 },
	} {
		p := b.paired(t, 30, 3)
		spoil(&p)
		if err := send("gp-manager", i, p); fault.KindOf(err) != fault.Invalid {
			t.Errorf("part %d out of order: %v, want Invalid", n, err)
		}
	}
	a = b.approval(3)
	a.Deed, a.Reason = decide.Correlating, "same-person-found"
	ref := b.approve(t, a)
	i, err = b.StartImport(t.Context(), b.as("gp-manager"), ref, [32]byte{9})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.WithdrawAct(t.Context(), b.as("guardian"), ref, "entered-by-mistake", ""); err != nil {
		t.Fatal(err)
	}
	wantKind(t, send("gp-manager", i, b.paired(t, 40, 1)), fault.Forbidden)
	i = b.batch(t, 3, nil)
	b.wait(25 * time.Hour)
	wantKind(t, send("gp-manager", i, b.paired(t, 41, 1)), fault.Forbidden)
}

// ACT-04: lines that were passed over as empty are not sent later, so that nothing
// comes in beside what the approval counts; of correlations nor of relationships.
func TestALineThatWasPassedOverIsNotSentLater(t *testing.T) {
	b := setup(t)
	i := b.batch(t, 1, nil)
	b.sendPaired(t, i, relmgr.Part{First: 1, Last: 1})
	b.sendPaired(t, i, relmgr.Part{First: 2, Last: 2})
	for n := 1; n < 3; n++ {
		_, err := b.ImportPart(t.Context(), b.as("gp-manager"), i.ID, b.paired(t, n, 1))
		wantKind(t, err, fault.Conflict)
	}
	i = b.start(t, b.approve(t, b.approval(1)), 1)
	b.send(t, i, relmgr.Part{First: 1, Last: 5})
	_, err := b.ImportPart(t.Context(), b.as("gp-lead"), i.ID, lines(1, 5))
	wantKind(t, err, fault.Conflict)
	if n := b.count(t, `select count(*) from relmgr.acts where kind in ('publish', 'correlate')`); n != 0 {
		t.Errorf("%d acts beside what was counted", n)
	}
}

// ACT-04: an approval that ends, or is withdrawn, in the midst of a part stops the
// lines that are left; and it covers its own columns alone, also for somebody who is
// a member of others.
func TestAnApprovalCoversEachLineByItself(t *testing.T) {
	b := setup(t)
	i := b.batch(t, 5, func(a *relmgr.Approval) { a.Until = b.clock().Add(5 * time.Minute) })
	p := b.paired(t, 1, 3)
	late, err := relmgr.New(t.Context(), relmgr.Config{DB: b.hub.DB(t, "relmgr"), Keys: b.keys, Now: func() time.Time {
		if b.count(t, `select count(*) from relmgr.import_lines`) > 0 {
			return b.clock().Add(5 * time.Minute)
		}
		return b.clock()
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(late.Close)
	_, err = late.ImportPart(t.Context(), b.as("gp-manager"), i.ID, p)
	wantKind(t, err, fault.Forbidden)
	if n := b.count(t, `select count(*) from relmgr.acts where kind = 'correlate'`); n != 1 {
		t.Errorf("%d lines were correlated, want the one before the approval ended", n)
	}
	both := b.as("gp-manager")
	both.Providers = append(both.Providers, "dr-patel-list")
	p.Paired[1].Own = own("gp-patel", "PT0001")
	out, err := b.ImportPart(t.Context(), both, i.ID, p)
	if err != nil || out[1].Refused != relmgr.BadColumn || out[2].Refused != "" {
		t.Errorf("%+v, %v", out, err)
	}
}

// Whether a correlation is in force, waits, or is barred by a keep-apart of
// others, its line is told the same; a batch can be joint, and each line waits.
func TestALineIsToldNothingOfTheOtherSide(t *testing.T) {
	b := setup(t)
	p := b.paired(t, 1, 3)
	b.publish(t, "social", socialOf(1))
	b.publish(t, "social", socialOf(2))
	if _, err := b.KeepApart(t.Context(), b.as("social"), relmgr.Apart{Own: socialOf(1), Code: b.pairing(t, "gp-manager", gpOf(1)).Code, Reason: "subject-asked"}); err != nil {
		t.Fatal(err)
	}
	out := b.sendPaired(t, b.batch(t, 3, nil), p)
	for _, o := range out {
		if o.Refused != "" || o.Act.IsZero() {
			t.Errorf("line %d came to %+v", o.Line, o)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.barred`); n != 1 {
		t.Errorf("%d correlations are barred, want the one of the first line", n)
	}
	wantTold(t, b.ask(t, "gp", gpOf(1), ""))
	wantTold(t, b.ask(t, "gp", gpOf(2), ""), "childrens-assessment")

	i := b.batch(t, 1, func(a *relmgr.Approval) { a.Mode = decide.Joint })
	b.publish(t, "social", socialOf(7))
	if o := b.sendPaired(t, i, b.paired(t, 7, 1)); o[0].Refused != "" || o[0].Act.IsZero() {
		t.Errorf("a joint line came to %+v", o[0])
	}
	wantTold(t, b.ask(t, "gp", gpOf(7), ""))
	waits := b.shown(t, "social", socialOf(7), relmgr.Correlate)
	if !waits.Approval.IsZero() || waits.ApprovedBy != "" {
		t.Errorf("the other side is shown who approved it: %+v", waits)
	}
	must(t)(b.ConfirmSamePerson(t.Context(), b.as("social"), waits.Act, "same-person-found"))
	wantTold(t, b.ask(t, "gp", gpOf(7), ""), "childrens-assessment")
}

// LEG-14, PUB-12: what a person has said stops their line alone, and is recorded:
// a consent that is missing, and a refusal.
func TestALineOfABatchRestsOnWhatItsPersonHasSaid(t *testing.T) {
	b := setup(t)
	i := b.batch(t, 4, func(a *relmgr.Approval) {
		a.Mode, a.Ground, a.Proposal.Reason = decide.WithConsent, decide.ExplicitConsent, ""
	})
	p := b.paired(t, 1, 3)
	p.Paired[0].Consents = []ident.ConsentID{b.consent(t, b.handle(t, "gp", gpOf(1)), true)}
	p.Paired[2].Consents = p.Paired[0].Consents // another person's
	for n, want := range []relmgr.LineRefusal{"", relmgr.BadConsents, relmgr.BadConsents} {
		if out := b.sendPaired(t, i, p); out[n].Refused != want {
			t.Errorf("line %d came to %q, want %q", n+1, out[n].Refused, want)
		}
	}
	i = b.batch(t, 4, nil)
	p = b.paired(t, 11, 2)
	b.withdraw(t, b.consent(t, b.handle(t, "gp", gpOf(11)), true))
	for n, want := range []relmgr.LineRefusal{relmgr.AgainstWishes, ""} {
		if out := b.sendPaired(t, i, p); out[n].Refused != want {
			t.Errorf("line %d came to %q, want %q", n+11, out[n].Refused, want)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind = 'refuse'`); n != 3 {
		t.Errorf("%d refusals are recorded, want 3", n)
	}
}

// AUT-09: where the agreement asks for a statement, a line with a code is told so,
// and its refusal is recorded; the others are dealt with.
func TestABatchUnderAnAgreementThatAsksForStatements(t *testing.T) {
	b := setup(t)
	county := b.withRegistrar(t, "county-register")
	p := b.paired(t, 1, 3)
	theirs, ours := b.pairing(t, "social", socialOf(2)), b.pairing(t, "gp-manager", gpOf(2))
	p.Paired[1] = relmgr.PairedLine{Line: 2, Own: gpOf(2), Statement: b.statement(t, county, theirs.Reference, ours.Reference)}
	i := b.batch(t, 3, nil)
	b.demand("riverside-children", decide.HighConfidence)
	for n, o := range b.sendPaired(t, i, p) {
		if want := []relmgr.LineRefusal{relmgr.BadStatement, "", relmgr.BadStatement}[n]; o.Refused != want {
			t.Errorf("line %d came to %q, want %q", n+1, o.Refused, want)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind = 'refuse'`); n != 2 {
		t.Errorf("%d refusals are recorded, want 2", n)
	}
}

// Invariants 1 and 6: however often and by however many at once a batch is sent,
// however it is cut, and wherever whoever sends it dies, each line is one act.
func TestALineOfABatchIsDealtWithOnce(t *testing.T) {
	b := setup(t)
	const many = 12
	i := b.batch(t, 100, nil)
	p := b.paired(t, 1, many)
	p.Last++ // an empty line at the end
	const senders = 4
	outs := make([][]relmgr.Imported, senders)
	var wg sync.WaitGroup
	for n := range senders {
		wg.Go(func() {
			var err error
			if outs[n], err = b.ImportPart(t.Context(), b.as("gp-manager"), i.ID, p); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, out := range outs {
		if len(out) != many {
			t.Fatalf("%d outcomes, want %d", len(out), many)
		}
		for n := range out {
			if out[n].Act != outs[0][n].Act || out[n].Refused != "" {
				t.Fatalf("one line was answered with two acts, or refused: %+v", out[n])
			}
		}
	}
	if again := b.batchStands(t, i); again.Next != many+2 || again.Published != many || again.Refused != 0 {
		t.Errorf("the import stands at %+v", again)
	}

	// Whoever is cut off after any of its statements is gone on from there.
	rest := b.paired(t, many+2, 6)
	for n := 0; ; n++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*2*time.Millisecond)
		_, err := b.ImportPart(ctx, b.as("gp-manager"), i.ID, rest)
		cancel()
		if err == nil {
			break
		}
	}
	b.sendPaired(t, i, relmgr.Part{First: many + 1, Last: rest.Last, Paired: rest.Paired}) // cut elsewhere
	if again := b.batchStands(t, i); again.Next != rest.Last+1 || again.Published != many+6 || again.Refused != 0 {
		t.Errorf("the import stands at %+v", again)
	}
	for what, query := range map[string]string{
		"acts":         `select count(*) from relmgr.acts where kind = 'correlate'`,
		"correlations": `select count(*) from relmgr.correlations`,
		"lines":        `select count(*) from relmgr.import_lines where act_id is not null`,
		"codes used":   `select count(*) from relmgr.pairings_used`,
	} {
		if n := b.count(t, query); n != many+6 {
			t.Errorf("%d %s, want %d", n, what, many+6)
		}
	}
}
