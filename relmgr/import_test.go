package relmgr_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// approval lets the surgery import, imposed on the ground of significant harm.
func (b *bundle) approval(relationships int) relmgr.Approval {
	return relmgr.Approval{
		Columns: []ident.Column{"gp-riverside"}, Mode: decide.Imposed, Reason: "risk-of-harm", Relationships: relationships,
		Until: b.clock().Add(24 * time.Hour),
		Proposal: relmgr.Proposal{
			Agreement: "riverside-children", Power: power["gp-riverside"], Purposes: []string{"co-ordinate-care"},
			Aspects: []string{"relationship"}, Audience: decide.Audience{Kind: decide.ToPartnership, Names: []string{}},
			Necessary: true, Safeguards: true, Aim: "protect-health", Ground: decide.SignificantHarm, Reason: "risk-of-harm",
			Conditions: decide.Conditions{Ordinary: "art6-public-task"}, Until: b.until(),
		},
	}
}

func (b *bundle) approve(t *testing.T, a relmgr.Approval) ident.ReferenceID {
	t.Helper()
	r, err := b.ApproveImport(t.Context(), b.as("guardian"), a)
	if err != nil {
		t.Fatal(err)
	}
	return r.Act
}

func (b *bundle) start(t *testing.T, approval ident.ReferenceID, file byte) relmgr.Import {
	t.Helper()
	i, err := b.StartImport(t.Context(), b.as("gp-lead"), approval, [32]byte{file})
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// lines are relationships of the surgery, on the file's lines from first to last.
func lines(first, last int) relmgr.Part {
	p := relmgr.Part{First: first, Last: last}
	for n := first; n <= last; n++ {
		p.Lines = append(p.Lines, line(n, fmt.Sprintf("GP-%05d", n)))
	}
	return p
}

func line(n int, identifier string) relmgr.Line {
	return relmgr.Line{
		Line: n, Own: own("gp-riverside", identifier), Role: "gp",
		Offers: []relmgr.Offer{{Kind: "will-co-ordinate", Transactions: []string{"joint-assessment"}, Contact: "desk"}},
	}
}

func (b *bundle) send(t *testing.T, i relmgr.Import, p relmgr.Part) []relmgr.Imported {
	t.Helper()
	out, err := b.ImportPart(t.Context(), b.as("gp-lead"), i.ID, p)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// ACT-04, IDX-08, LEG-01: a hundred lines under an approval are a hundred acts,
// each with its decision, its commitment and the authority that approved it; and
// they answer enquiries as what was published one by one does.
func TestEachLineOfAnImportIsItsOwnActAndCitesTheApproval(t *testing.T) {
	b := setup(t)
	i := b.start(t, b.approve(t, b.approval(100)), 1)
	out := b.send(t, i, lines(1, 100))
	if len(out) != 100 {
		t.Fatalf("%d outcomes, want 100", len(out))
	}
	for n, o := range out {
		if o.Line != n+1 || o.Refused != "" || o.Act.IsZero() || len(o.Commitment) != 32 {
			t.Fatalf("line %d came to %+v", n+1, o)
		}
	}
	for what, query := range map[string]string{
		"acts":         `select count(*) from relmgr.acts where kind = 'publish' and approval_id = (select approval_id from relmgr.approvals)`,
		"decisions":    `select count(distinct d.decision_id) from relmgr.decisions d join relmgr.cells c on c.decision_id = d.decision_id and c.act_id = d.act_id`,
		"cells":        `select count(*) from relmgr.cells c join relmgr.handles h on h.handle_id = c.handle_id join relmgr.act_handles a on a.act_id = c.act_id`,
		"offers":       `select count(*) from relmgr.offers o join relmgr.cells c on c.act_id = o.act_id`,
		"content keys": `select count(*) from relmgr.content_keys k join relmgr.cells c on c.act_id = k.record_id`,
		"commitments":  `select count(*) from ledger.pending p join relmgr.acts a on a.commitment = p.commitment where a.kind = 'publish'`,
	} {
		if n := b.count(t, query); n != 100 {
			t.Errorf("%d %s, want 100", n, what)
		}
	}
	shown, err := b.FindAct(t.Context(), b.as("gp"), out[41].Act, looking)
	if err != nil {
		t.Fatal(err)
	}
	if shown.ApprovedBy != "dr-lund" || shown.Approval.IsZero() || shown.Practitioner != "dr-brandt" || shown.Decision == nil {
		t.Errorf("the act is shown as %+v, want it to cite who approved it", shown)
	}
	b.correlate(t, "social", socialChild, "gp", gpChild)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
}

// ACT-04: nothing is imported without an approval in force, by somebody else, of
// the agency that controls the columns, for as many as it covers.
func TestNothingIsImportedBeyondItsApproval(t *testing.T) {
	b := setup(t)
	for name, c := range map[string]struct {
		who   string
		spoil func(*relmgr.Approval)
		kind  fault.Kind
	}{
		"by nobody who may":    {"gp", func(*relmgr.Approval) {}, fault.DecisionRefused},
		"another's column":     {"guardian", func(a *relmgr.Approval) { a.Columns = []ident.Column{"social-care"} }, fault.Forbidden},
		"over":                 {"guardian", func(a *relmgr.Approval) { a.Until = b.clock() }, fault.Invalid},
		"joint":                {"guardian", func(a *relmgr.Approval) { a.Mode = decide.Joint }, fault.Invalid},
		"disproportionate":     {"guardian", func(a *relmgr.Approval) { a.Necessary = false }, fault.DecisionRefused},
		"no power":             {"guardian", func(a *relmgr.Approval) { a.Power = "children-act-1989-s47" }, fault.DecisionRefused},
		"a reason of no list":  {"guardian", func(a *relmgr.Approval) { a.Reason = "no-such" }, fault.Invalid},
		"with consents":        {"guardian", func(a *relmgr.Approval) { a.Consents = []ident.ConsentID{ident.NewConsent()} }, fault.Invalid},
		"for no longer column": {"guardian", func(a *relmgr.Approval) { a.Columns = []ident.Column{"no-such"} }, fault.Forbidden},
	} {
		a := b.approval(10)
		c.spoil(&a)
		if _, err := b.ApproveImport(t.Context(), b.as(c.who), a); fault.KindOf(err) != c.kind {
			t.Errorf("an approval %s: %v, want %s", name, err, c.kind)
		}
	}
	if b.count(t, `select count(*) from relmgr.approvals`) != 0 {
		t.Fatal("a refused approval was stored")
	}
	_, err := b.StartImport(t.Context(), b.as("gp-lead"), ident.NewReference(), [32]byte{})
	wantKind(t, err, fault.NotKnown)

	ref := b.approve(t, b.approval(10))
	_, err = b.StartImport(t.Context(), b.as("lead"), ref, [32]byte{}) // of another agency
	wantKind(t, err, fault.NotKnown)
	_, err = b.StartImport(t.Context(), b.as("guardian"), ref, [32]byte{})
	wantKind(t, err, fault.Forbidden)

	i := b.start(t, ref, 1)
	_, err = b.ImportPart(t.Context(), b.as("lead"), i.ID, lines(1, 5))
	wantKind(t, err, fault.NotKnown)
	before := b.count(t, `select count(*) from relmgr.acts`)
	_, err = b.ImportPart(t.Context(), b.as("gp"), i.ID, lines(1, 5)) // may publish, and not impose
	wantKind(t, err, fault.DecisionRefused)
	if n := b.count(t, `select count(*) from relmgr.acts`); n != before+1 {
		t.Errorf("a part whose importer may not decide left %d acts, want its one refusal", n-before)
	}
	_, err = b.ImportPart(t.Context(), b.as("gp-lead"), i.ID, lines(1, 11))
	wantKind(t, err, fault.Forbidden)
	b.send(t, i, lines(1, 10))
	_, err = b.ImportPart(t.Context(), b.as("gp-lead"), b.start(t, ref, 2).ID, lines(11, 11)) // another file, the same approval
	wantKind(t, err, fault.Forbidden)
	if n := b.count(t, `select count(*) from relmgr.cells`); n != 10 {
		t.Errorf("%d cells, want the 10 that are approved", n)
	}

	ref = b.approve(t, b.approval(10))
	i = b.start(t, ref, 1)
	if _, err := b.WithdrawAct(t.Context(), b.as("guardian"), ref, "entered-by-mistake", ""); err != nil {
		t.Fatal(err)
	}
	_, err = b.ImportPart(t.Context(), b.as("gp-lead"), i.ID, lines(20, 20))
	wantKind(t, err, fault.Forbidden)
	_, err = b.WithdrawAct(t.Context(), b.as("gp-lead"), b.approve(t, b.approval(10)), "entered-by-mistake", "")
	wantKind(t, err, fault.Forbidden)
	i = b.start(t, b.approve(t, b.approval(10)), 1)
	b.wait(25 * time.Hour)
	_, err = b.ImportPart(t.Context(), b.as("gp-lead"), i.ID, lines(20, 20))
	wantKind(t, err, fault.Forbidden)
}

// Invariants 1 and 2: a line is dealt with once, however often and by however
// many it is sent, in parts that arrive in any order; what was told first is told
// again, and the import says where to go on.
func TestALineIsImportedOnceHoweverOftenItIsSent(t *testing.T) {
	b := setup(t)
	ref := b.approve(t, b.approval(1000))
	i := b.start(t, ref, 7)
	if i.Next != 1 {
		t.Errorf("a new import goes on from line %d, want 1", i.Next)
	}
	second := b.send(t, i, lines(11, 20))
	if again := b.start(t, ref, 7); again.ID != i.ID || again.Next != 1 || again.Published != 10 {
		t.Errorf("with a gap before the only part the import stands at %+v, want line 1 of the same", again)
	}
	const many = 4
	var wg sync.WaitGroup
	outs := make([][]relmgr.Imported, many)
	for n := range many {
		wg.Go(func() {
			var err error
			if outs[n], err = b.ImportPart(t.Context(), b.as("gp-lead"), i.ID, lines(1, 10)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, out := range outs {
		for n := range out {
			if out[n].Act != outs[0][n].Act || out[n].Refused != "" {
				t.Fatalf("one line was answered with two acts, or refused: %+v", out[n])
			}
		}
	}
	for n, o := range b.send(t, i, lines(11, 20)) {
		if o.Act != second[n].Act {
			t.Error("a line that was sent again was answered with another act")
		}
	}
	if again := b.start(t, ref, 7); again.Next != 21 || again.Published != 20 {
		t.Errorf("the import stands at %+v, want line 21 with 20 published", again)
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind = 'publish'`); n != 20 {
		t.Errorf("%d publishing acts, want 20", n)
	}
	// Overlapping parts, cut elsewhere: what is new in them is done, what is not is not.
	b.send(t, i, lines(15, 25))
	if n := b.count(t, `select count(*) from relmgr.cells`); n != 25 {
		t.Errorf("%d cells, want 25", n)
	}
	_, err := b.ImportPart(t.Context(), b.as("gp-lead"), i.ID, lines(11, 21))
	wantKind(t, err, fault.Conflict)
}

// IDX-03, A-13: what is wrong with a line is told by its number, repeats nothing,
// and keeps no other line from being imported.
func TestATypingErrorRefusesItsLineAlone(t *testing.T) {
	b := setup(t)
	b.publish(t, "gp", own("gp-riverside", "GP-00777"))
	i := b.start(t, b.approve(t, b.approval(100)), 1)
	p := lines(1, 9)
	p.Lines[1].Identifier = "GP-000O2"
	p.Lines[2].Column = "social-care"
	p.Lines[3].Role = "no-such"
	p.Lines[4].Offers[0].Transactions = []string{"no-such"}
	p.Lines[5].Offers[0].Contact = "no-such"
	p.Lines[6].Identifier = "GP-00001" // as line 1
	p.Lines[7].Identifier = "GP-00777"
	out := b.send(t, i, p)
	want := []relmgr.LineRefusal{"", relmgr.BadIdentifier, relmgr.BadColumn, relmgr.BadRole, relmgr.BadTransactions, relmgr.BadContact, relmgr.Published, relmgr.Published, ""}
	for n, o := range out {
		if o.Refused != want[n] || (o.Refused == "") == o.Act.IsZero() {
			t.Errorf("line %d came to %q, want %q", n+1, o.Refused, want[n])
		}
	}
	refused, more, err := b.ListImportRefusals(t.Context(), b.as("gp-lead"), i.ID, 3, 3)
	if err != nil || !more || len(refused) != 3 || refused[0].Line != 4 || refused[2].Line != 6 {
		t.Errorf("the refusals after line 3 are %+v, %v, %v", refused, more, err)
	}
	if b.start(t, b.approve(t, b.approval(1)), 1).ID == i.ID {
		t.Error("two approvals share one import")
	}
	for n, spoil := range []func(*relmgr.Part){
		func(p *relmgr.Part) { p.Lines[0], p.Lines[1] = p.Lines[1], p.Lines[0] },
		func(p *relmgr.Part) { p.Lines[1].Line = p.Lines[0].Line },
		func(p *relmgr.Part) { p.Lines[4].Line = p.Last + 1 },
		func(p *relmgr.Part) { p.Last = p.First - 1 },
	} {
		p := lines(31, 35)
		spoil(&p)
		if _, err := b.ImportPart(t.Context(), b.as("gp-lead"), i.ID, p); fault.KindOf(err) != fault.Invalid {
			t.Errorf("part %d out of order: %v, want Invalid", n, err)
		}
	}
}

// PUB-12, LEG-15: what a person has said is not overridden in bulk, and the
// refusal of the step is recorded.
func TestALineDoesNotOverrideWhatItsPersonHasSaid(t *testing.T) {
	b := setup(t)
	p := lines(1, 3)
	b.withdraw(t, b.consent(t, b.handle(t, "gp", p.Lines[1].Own), true))
	out := b.send(t, b.start(t, b.approve(t, b.approval(100)), 1), p)
	for n, want := range []relmgr.LineRefusal{"", relmgr.AgainstWishes, ""} {
		if out[n].Refused != want {
			t.Errorf("line %d came to %q, want %q", n+1, out[n].Refused, want)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind = 'refuse'`); n != 1 {
		t.Errorf("%d refusals are recorded, want 1", n)
	}
}

// LEG-14, PUB-12: where the ground is consent, each line brings its own, for the
// very identifier; one without is refused alone, and its refusal is recorded.
func TestALineOnConsentNeedsTheConsentOfItsPerson(t *testing.T) {
	b := setup(t)
	a := b.approval(100)
	a.Mode, a.Ground, a.Reason, a.Proposal.Reason = decide.WithConsent, decide.ExplicitConsent, "working-with-person", ""
	i := b.start(t, b.approve(t, a), 1)
	p := lines(1, 4)
	consents := map[int]ident.ConsentID{}
	for n := range p.Lines {
		consents[n] = b.consent(t, b.handle(t, "gp", p.Lines[n].Own), true)
	}
	p.Lines[0].Consents = []ident.ConsentID{consents[0]}
	p.Lines[2].Consents = []ident.ConsentID{consents[3]} // another person's
	p.Lines[3].Consents = []ident.ConsentID{consents[3]}
	for n, want := range []relmgr.LineRefusal{"", relmgr.BadConsents, relmgr.BadConsents, ""} {
		if out := b.send(t, i, p); out[n].Refused != want {
			t.Errorf("line %d came to %q, want %q", n+1, out[n].Refused, want)
		}
	}
	if n := b.count(t, `select count(*) from relmgr.acts where kind = 'refuse'`); n != 2 {
		t.Errorf("%d refusals are recorded, want 2", n)
	}
	b.correlate(t, "social", socialChild, "gp", p.Lines[0].Own)
	wantTold(t, b.ask(t, "social", socialChild, ""), "riverside-surgery")
	b.withdraw(t, consents[0])
	wantTold(t, b.ask(t, "social", socialChild, ""))
}
