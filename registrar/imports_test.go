package registrar_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/match"
)

// approve has the first keeper approve an import of so many, and the second start one.
func (h *hub) approve(id ident.Register, people int) (ident.ActID, ident.ImportID) {
	h.t.Helper()
	receipt, err := h.registrar.ApproveImport(h.t.Context(), keeper, id, registrar.Approval{People: people, Until: noon.AddDate(0, 1, 0), Reason: "asked"})
	must(h.t, err)
	i, err := h.registrar.StartImport(h.t.Context(), other, id, receipt.Act, [32]byte{1})
	must(h.t, err)
	return receipt.Act, i.ID
}

func lineOf(n int, items ...registrar.Item) registrar.ImportLine {
	return registrar.ImportLine{Line: n, Items: items}
}

func numbered(value string) registrar.Item {
	return registrar.Item{Source: "document", Identifier: &registrar.Identifier{Scheme: "passport", Value: value}}
}

// ACT-04, REG-10: nobody is entered from a file without an approval by somebody else who keeps the
// register; each line is an act of its own that cites it; a line that cannot be is
// told with its place, and the others are entered and found.
func TestAnImportTakesTwoAndEntersEachLineByAnActOfItsOwn(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	h.enter("town", name("Ada", "Lovell"), numbered("P1"))
	approval, bulk := h.approve("town", 4)
	part := registrar.ImportPart{First: 1, Last: 9, Lines: []registrar.ImportLine{
		lineOf(2, name("Bertram", "Quayle"), born("1961-07-23"), registrar.Item{Source: "person", Address: &registrar.Address{House: "7", Lines: "Mill Lane", Postcode: "ZZ1 1ZZ"}}),
		lineOf(3, name("Cora", "Mint"), born("2001-02-30")),
		lineOf(4, name("Dan", "Mint"), numbered("P1")),
		lineOf(5, name("Eve", "Mint"), numbered("P2")),
		lineOf(6, name("Fay", "Mint"), numbered("P2")),
		lineOf(8, name("Gil", "Mint"), numbered("P3"), numbered("P3")),
		lineOf(9, name("Hal", "Mint"), numbered("P3")),
	}}
	for name, err := range map[string]error{
		"by who approved it": func() error {
			_, _, err := h.registrar.ImportPart(t.Context(), keeper, "town", bulk, part)
			return err
		}(),
		"started by who approved it": func() error {
			_, err := h.registrar.StartImport(t.Context(), keeper, "town", approval, [32]byte{1})
			return err
		}(),
		"by who keeps no register": func() error {
			_, _, err := h.registrar.ImportPart(t.Context(), clerk, "town", bulk, part)
			return err
		}(),
	} {
		t.Run(name, func(t *testing.T) { wantKind(t, err, fault.Forbidden) })
	}
	_, err := h.registrar.StartImport(t.Context(), other, "town", ident.NewAct(), [32]byte{1})
	wantKind(t, err, fault.NotKnown)
	_, _, err = h.registrar.ImportPart(t.Context(), other, "town", ident.NewImport(), part)
	wantKind(t, err, fault.NotKnown)
	before := h.count("select count(*) from registrar.acts")
	for range 2 { // sent again, it is what it was
		entered, refused, err := h.registrar.ImportPart(t.Context(), other, "town", bulk, part)
		must(t, err)
		if entered != 3 || refused != 4 {
			t.Errorf("%d were entered and %d refused, want 3 and 4", entered, refused)
		}
	}
	if n := h.count("select count(*) from registrar.acts") - before; n != 3 {
		t.Errorf("%d acts, want one for each who was entered", n)
	}
	all, more, err := h.registrar.ImportRefusals(t.Context(), other, "town", bulk, 0, 2)
	must(t, err)
	if !more || len(all) != 2 || all[0].Line != 3 || all[0].Pointer != "/items/1/birth/date" || all[1].Line != 4 || all[1].Pointer != "/items/1/identifier" {
		t.Errorf("the first page of refusals is %+v", all)
	}
	for _, r := range all {
		if strings.Contains(r.Detail, "2001") || strings.Contains(r.Detail, "P1") {
			t.Errorf("a refusal repeats what stood there: %s", r.Detail)
		}
	}
	stands, err := h.registrar.StartImport(t.Context(), other, "town", approval, [32]byte{1})
	must(t, err)
	if stands.ID != bulk || stands.Next != 10 || stands.Entered != 3 || stands.Refused != 4 {
		t.Errorf("the import stands at %+v", stands)
	}
	// The act says where the person stood and who approved that.
	rows, err := h.admin.QueryContext(t.Context(), `select a.act_id, a.commitment, a.sealed, k.wrapped from registrar.import_lines l
		join registrar.acts a on a.act_id = l.act_id join registrar.content_keys k on k.record_id = a.act_id where l.import_id = $1`, bulk)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var act ident.ActID
		var l leaf.Leaf
		must(t, rows.Scan(&act, &l.Commitment, &l.Sealed, &l.WrappedKey))
		var said struct {
			Kind, Practitioner string
			Deed               struct {
				Imported struct {
					Approval   ident.ActID
					ApprovedBy string `json:"approved_by"`
					Line       int
				}
			}
		}
		must(t, leaf.Open(t.Context(), h.keys, registrar.RecordsKey, act, l, &said))
		if i := said.Deed.Imported; said.Kind != "register" || said.Practitioner != "lee" || i.Approval != approval || i.ApprovedBy != "kim" || i.Line == 0 {
			t.Errorf("an act says %+v", said)
		}
	}
	must(t, rows.Err())
	found, err := h.registrar.Recognise(t.Context(), doctor, "town", why, []registrar.Item{
		name("Bertram", "Quayle"), born("1961-07-23"), {Address: &registrar.Address{House: "7", Lines: "Mill Lane", Postcode: "ZZ1 1ZZ"}}})
	must(t, err)
	if found.Outcome != match.Determined {
		t.Errorf("who was imported is %s", found.Outcome)
	}
	// And the approval covers one more.
	_, _, err = h.registrar.ImportPart(t.Context(), other, "town", bulk, registrar.ImportPart{First: 10, Last: 11, Lines: []registrar.ImportLine{
		lineOf(10, name("Ida", "Mint")), lineOf(11, name("Joy", "Mint"))}})
	wantKind(t, err, fault.Forbidden)
	*h.now = noon.AddDate(0, 2, 0)
	_, _, err = h.registrar.ImportPart(t.Context(), other, "town", bulk, registrar.ImportPart{First: 10, Last: 10, Lines: []registrar.ImportLine{lineOf(10, name("Ida", "Mint"))}})
	wantKind(t, err, fault.Forbidden)
	if n := h.count("select count(*) from registrar.subjects"); n != 4 {
		t.Errorf("the register holds %d, want 4", n)
	}
}

// Invariant 2, REG-10: parts that are sent at once, twice each and with the same
// identifiers among them, enter each line once and each identifier once.
func TestPartsThatAreSentAtOnceEnterEachLineAndIdentifierOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	_, bulk := h.approve("town", 1000)
	const parts, size = 4, 20
	var senders sync.WaitGroup
	for n := range 2 * parts {
		n %= parts
		senders.Go(func() {
			p := registrar.ImportPart{First: 1 + n*size, Last: (n + 1) * size}
			for i := range size {
				p.Lines = append(p.Lines, lineOf(p.First+i, name("Same", fmt.Sprintf("Name%d", i)), numbered(fmt.Sprint(i%10))))
			}
			for until := time.Now().Add(time.Minute); ; {
				_, _, err := h.registrar.ImportPart(t.Context(), other, "town", bulk, p)
				if err == nil {
					return
				}
				if fault.KindOf(err) != fault.Unavailable || time.Now().After(until) {
					t.Error(err)
					return
				}
			}
		})
	}
	senders.Wait()
	if n := h.count("select count(*) from registrar.subjects"); n != 10 {
		t.Errorf("%d were entered, want one for each of 10 identifiers", n)
	}
	if n := h.count("select count(*) from registrar.import_lines where import_id = $1", bulk); n != parts*size {
		t.Errorf("%d lines are on record, want %d", n, parts*size)
	}
	if n := h.count("select sum(entered + refused) from registrar.import_parts where import_id = $1", bulk); n != parts*size {
		t.Errorf("the parts count %d lines, want %d", n, parts*size)
	}
}

// A file of hundreds of people of one name and date costs what as many strangers do: the
// search reads no block that is full, puts nothing before anybody, and names nobody.
func TestHundredsOfOneNameAreEnteredAndPutNothingBeforeAnybody(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	const many, size = 400, 200
	_, bulk := h.approve("town", many)
	for first := 1; first < many; first += size {
		p := registrar.ImportPart{First: first, Last: first + size - 1}
		for n := range size {
			p.Lines = append(p.Lines, lineOf(first+n, name("John", "Smith"), born("1980-01-01")))
		}
		entered, refused, err := h.registrar.ImportPart(t.Context(), other, "town", bulk, p)
		must(t, err)
		if entered != size || refused != 0 {
			t.Errorf("%d were entered, %d refused", entered, refused)
		}
	}
	h.search()
	if tasks := h.tasks(true); len(tasks) != 0 {
		t.Errorf("%d tasks were put", len(tasks))
	}
	if r := h.ask("town", name("John", "Smith"), born("1980-01-01")); r.Outcome != match.UnderDetermined || r.Entry != "" {
		t.Errorf("one of them is %+v", r)
	}
	if n := h.count("select count(*) from registrar.unsearched"); n != 0 {
		t.Errorf("%d are still to be searched for", n)
	}
}
