package registrar

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/match"
)

// An import enters many people, each by an act of their own, as Register would. A part
// is stored whole or not at all, and the primary key of a line keeps it from being
// stored twice: a client, this process and PostgreSQL may die at any instant, and
// whoever comes back asks where the import stands and goes on from there.

const approveImport = "approve-import"

// Approval is what a keeper approves: how many people are entered from files, until
// when (ACT-04).
type Approval struct {
	People int
	Until  time.Time
	Reason string
}

// approvedImport is an approval, as its act commits to it.
type approvedImport struct {
	Register ident.Register `json:"register"`
	People   int            `json:"people"`
	Until    time.Time      `json:"until"`
}

// importedLine is where a person who was entered stood, and who approved that.
type importedLine struct {
	Import     ident.ImportID     `json:"import"`
	Line       int                `json:"line"`
	Approval   ident.ActID        `json:"approval"`
	ApprovedBy ident.Practitioner `json:"approved_by"`
}

// Import says how far the import of a file has come.
type Import struct {
	ID               ident.ImportID
	Next             int // the first line that has not been dealt with
	Entered, Refused int
}

// ImportLine is one line of the file that holds a person.
type ImportLine struct {
	Line  int    `json:"line"`
	Items []Item `json:"items"`
}

// ImportPart is the lines from First to Last. Lines holds those with a person, in
// order; what else stood there was not sent.
type ImportPart struct {
	First, Last int
	Lines       []ImportLine
}

// LineRefusal is why a line entered nobody: where in it, and what to write there. It
// repeats nothing of it.
type LineRefusal struct {
	Line            int
	Pointer, Detail string
}

// ApproveImport records that people may be entered from files, by somebody else who
// keeps the register. Errors: Forbidden, NotKnown, Invalid.
func (s *Service) ApproveImport(ctx context.Context, caller decide.Caller, id ident.Register, approval Approval) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.ApproveImport")
	at := s.now()
	role, err := s.opens(ctx, caller, id, approval.Reason, func(c *checks) {
		c.that(approval.Until.After(at), "name a time that is still to come", "/until")
	})
	if err != nil {
		return Receipt{}, err
	}
	until := exact(approval.Until)
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a := s.Begin(approveImport, caller, role, at)
		a.Deed = deed{Approved: &approvedImport{id, approval.People, until}, Reason: approval.Reason}
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		return s.queries.InsertApproval(ctx, tx, registrardb.InsertApprovalParams{
			ApprovalID: a.ID, RegisterID: id, People: int32(approval.People), EndsAt: until,
		})
	})
	return receipt, err
}

// approved is an approval under which somebody imports now.
type approved struct {
	id   ident.ActID
	by   ident.Practitioner
	ends time.Time
}

// standing refuses what the approval does not let the caller do now.
func (a approved) standing(caller decide.Caller, at time.Time) error {
	switch {
	case a.by == caller.Practitioner:
		return fault.New(fault.Forbidden, "an import takes two people: have somebody else who keeps the register import what you approved")
	case !at.Before(a.ends):
		return fault.New(fault.Forbidden, "the approval has ended: have the import approved anew")
	}
	return nil
}

// StartImport returns the import of a file, known by its SHA-256, under an approval.
// However often it is called it is one import. Errors: Forbidden, NotKnown.
func (s *Service) StartImport(ctx context.Context, caller decide.Caller, id ident.Register, approval ident.ActID, file [32]byte) (i Import, err error) {
	defer fault.Wrap(&err, "registrar.StartImport")
	if err := s.keeps(ctx, caller, id); err != nil {
		return Import{}, err
	}
	found, err := s.queries.FindImportApproval(ctx, s.db, registrardb.FindImportApprovalParams{ApprovalID: approval, RegisterID: id})
	if errors.Is(err, sql.ErrNoRows) {
		return Import{}, fault.New(fault.NotKnown, "there is no such approval for this register: it is the act that POST approvals of the register gave")
	} else if err != nil {
		return Import{}, pg.Fault(err)
	}
	if err := (approved{found.ApprovalID, found.PractitionerID, found.EndsAt}).standing(caller, s.now()); err != nil {
		return Import{}, err
	}
	hash, err := s.lasting(ctx, "fame/import/1\x00"+hex.EncodeToString(file[:]), func(mac []byte) (bool, error) {
		return s.queries.HasImport(ctx, s.db, registrardb.HasImportParams{ApprovalID: approval, FileHash: mac})
	})
	if err != nil {
		return Import{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		one, err := s.queries.OpenImport(ctx, tx, registrardb.OpenImportParams{ImportID: ident.NewImport(), ApprovalID: approval, FileHash: hash})
		if errors.Is(err, sql.ErrNoRows) { // another has just made it
			return pg.ErrRetry
		} else if err != nil {
			return err
		}
		stands, err := s.queries.ShowImport(ctx, tx, one)
		i = Import{ID: one, Next: int(stands.Next), Entered: int(stands.Entered), Refused: int(stands.Refused)}
		return err
	})
	return i, err
}

// keeps refuses whoever does not keep the register.
func (s *Service) keeps(ctx context.Context, caller decide.Caller, id ident.Register) error {
	if _, err := s.mayKeep(caller); err != nil {
		return err
	}
	_, err := s.served(ctx, s.db, caller, id)
	return err
}

// importing is an import into the register under an approval that stands.
func (s *Service) importing(ctx context.Context, db registrardb.DBTX, caller decide.Caller, id ident.Register, of ident.ImportID, at time.Time) (approved, error) {
	i, err := s.queries.FindImport(ctx, db, registrardb.FindImportParams{ImportID: of, RegisterID: id})
	if errors.Is(err, sql.ErrNoRows) {
		return approved{}, fault.New(fault.NotKnown, "there is no such import into this register: start it with POST imports of the register")
	} else if err != nil {
		return approved{}, pg.Fault(err)
	}
	a := approved{i.ApprovalID, i.PractitionerID, i.EndsAt}
	return a, a.standing(caller, at)
}

// ImportRefusals lists the lines after a line that entered nobody. Errors: Forbidden,
// NotKnown.
func (s *Service) ImportRefusals(ctx context.Context, caller decide.Caller, id ident.Register, of ident.ImportID, after, limit int) (all []LineRefusal, more bool, err error) {
	defer fault.Wrap(&err, "registrar.ImportRefusals")
	if err := s.keeps(ctx, caller, id); err != nil {
		return nil, false, err
	}
	if _, err := s.importing(ctx, s.db, caller, id, of, s.now()); err != nil {
		return nil, false, err
	}
	rows, err := s.queries.ListImportRefusals(ctx, s.db, registrardb.ListImportRefusalsParams{ImportID: of, After: int32(after), Most: int32(limit) + 1})
	if err != nil {
		return nil, false, pg.Fault(err)
	}
	for _, r := range rows[:min(len(rows), limit)] {
		all = append(all, LineRefusal{int(r.Line), r.Pointer, r.Detail})
	}
	return all, len(rows) > limit, nil
}

// check wants the part's own lines, each once, in the order of the file.
func (p *ImportPart) check() error {
	if p.Last < p.First {
		return fault.At("/last", "end the part where it begins, or later")
	}
	last := p.First - 1
	for n, l := range p.Lines {
		if l.Line <= last || l.Line > p.Last {
			return fault.At(fmt.Sprintf("/entries/%d/line", n), "give the part's own lines, each once, in the order of the file")
		}
		last = l.Line
	}
	return nil
}

// ImportPart enters the people of a part who have not been dealt with, and says how
// many of its lines entered somebody, now or before. Errors: Forbidden, NotKnown,
// Invalid, Conflict where the part had another end before.
func (s *Service) ImportPart(ctx context.Context, caller decide.Caller, id ident.Register, of ident.ImportID, part ImportPart) (entered, refused int, err error) {
	defer fault.Wrap(&err, "registrar.ImportPart")
	at := s.now()
	role, err := s.mayKeep(caller)
	if err != nil {
		return 0, 0, err
	}
	if err := part.check(); err != nil {
		return 0, 0, err
	}
	if _, err := s.served(ctx, s.db, caller, id); err != nil {
		return 0, 0, err
	}
	for again := true; again && err == nil; {
		entered, refused, again, err = s.importPart(ctx, caller, role, at, id, of, part)
	}
	return entered, refused, err
}

// importPart enters the people of a part. again: a key was replaced meanwhile, and
// nothing was stored.
func (s *Service) importPart(ctx context.Context, caller decide.Caller, role string, at time.Time, id ident.Register, of ident.ImportID, part ImportPart) (entered, refused int, again bool, err error) {
	// What depends on the lines alone is made before the transaction, and once: it is
	// what an import takes most of its time for.
	by, _, err := s.subjectsKey(ctx)
	if err != nil {
		return 0, 0, false, err
	}
	e, err := s.epochs(ctx, s.db)
	if err != nil {
		return 0, 0, false, err
	}
	people, err := s.people(ctx, id, by, e, part.Lines, at)
	if err != nil {
		return 0, 0, false, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		entered, refused = 0, 0
		now, err := s.hold(ctx, tx)
		if err != nil {
			return err
		}
		newest, _, err := s.subjectsKey(ctx)
		if err != nil {
			return err
		}
		if again = now != e || newest != by; again {
			return nil
		}
		approval, err := s.importing(ctx, tx, caller, id, of, at)
		if err != nil {
			return err
		}
		done, err := s.queries.ListImportLines(ctx, tx, registrardb.ListImportLinesParams{ImportID: of, First: int32(part.First), Last: int32(part.Last)})
		if err != nil {
			return err
		}
		todo := slices.Clone(people)
		for _, d := range done {
			todo = slices.DeleteFunc(todo, func(p *person) bool { return p.line == int(d.Line) })
			if d.Entered {
				entered++
			} else {
				refused++
			}
		}
		fresh, wrong, err := s.enterAll(ctx, tx, caller, role, at, id, of, approval, by, e, todo)
		if err != nil {
			return err
		}
		entered, refused = entered+fresh, refused+wrong
		return s.finishPart(ctx, tx, approval, registrardb.InsertImportPartParams{
			ImportID: of, FirstLine: int32(part.First), LastLine: int32(part.Last), Entered: int32(fresh), Refused: int32(wrong), ApprovalID: approval.id,
		})
	})
	return entered, refused, again, err
}

// person is one who is to be entered, sealed, or why not.
type person struct {
	line        int
	wrong       *fault.Field
	subject     ident.Subject
	key         []byte // wrapped
	items       []sealedItem
	profile     []byte
	tokens      []int64
	identifiers []claimed
}

// claimed is an identifier of a person's.
type claimed struct {
	slots
	item int // which of the items it is
}

// people seals what the lines hold, or says what is wrong with it.
func (s *Service) people(ctx context.Context, id ident.Register, by seal.KeyID, e epochs, lines []ImportLine, at time.Time) ([]*person, error) {
	all := make([]*person, len(lines))
	for n, l := range lines {
		p := &person{line: l.Line}
		all[n] = p
		var c checks
		c.items(l.Items, at)
		if len(c) > 0 {
			p.wrong = &c[0]
			continue
		}
		var dek seal.DEK
		p.subject, dek = ident.NewSubject(), seal.NewDEK()
		var err error
		if p.key, err = s.keys.Wrap(ctx, by, p.subject[:], dek); err != nil {
			return nil, err
		}
		if p.items, err = sealItems(dek, p.subject, l.Items); err != nil {
			return nil, err
		}
		record := recordOf(l.Items)
		text, err := json.Marshal(record)
		if err != nil {
			return nil, err
		}
		if p.profile, err = seal.Seal(dek, p.subject[:], text); err != nil {
			return nil, err
		}
		if p.tokens, err = s.tokens(ctx, id, match.Normalise(record).Keys(), e); err != nil {
			return nil, err
		}
		for n, i := range l.Items {
			if i.Identifier == nil {
				continue
			}
			tokens, err := s.slots(ctx, id, i.Identifier, e)
			if err != nil {
				return nil, err
			}
			p.identifiers = append(p.identifiers, claimed{tokens, n})
		}
	}
	return all, nil
}

// unclaimed refuses those who have an identifier that is another's, of this part or of
// before (REG-10).
func (s *Service) unclaimed(ctx context.Context, tx *sql.Tx, todo []*person) error {
	var all registrardb.TakenIdentifiersParams
	for _, p := range todo {
		for _, c := range p.identifiers {
			all.Odd, all.Even = append(all.Odd, c.odd), append(all.Even, c.even)
		}
	}
	if len(all.Odd) == 0 {
		return nil
	}
	found, err := s.queries.TakenIdentifiers(ctx, tx, all)
	if err != nil {
		return err
	}
	taken := map[string]bool{}
	for _, t := range found {
		taken[string(t)] = true // of whichever slot
	}
	for _, p := range todo {
		if p.wrong != nil {
			continue
		}
		own := map[string]bool{}
		for _, c := range p.identifiers {
			odd, even := string(c.odd), string(c.even)
			if taken[odd] || taken[even] || own[odd] || own[even] {
				p.wrong = &fault.Field{
					Pointer: "/items/" + strconv.Itoa(c.item) + "/identifier",
					Detail:  "another entry has this identifier, or it stands here twice: recognise the person first, or find out whose it is",
				}
				break
			}
			for _, token := range []string{odd, even} {
				if token != "" {
					own[token] = true
				}
			}
		}
		if p.wrong == nil {
			maps.Copy(taken, own)
		}
	}
	return nil
}

// enterAll stores what came of the lines, in one statement, and counts it.
func (s *Service) enterAll(ctx context.Context, tx *sql.Tx, caller decide.Caller, role string, at time.Time, id ident.Register, of ident.ImportID,
	approval approved, by seal.KeyID, e epochs, people []*person,
) (made, refused int, err error) {
	todo := make([]*person, len(people)) // what is refused here may not be when it is tried again
	for n, p := range people {
		one := *p
		todo[n] = &one
	}
	if err := s.unclaimed(ctx, tx, todo); err != nil {
		return 0, 0, err
	}
	// In the order of identifiers, so that two parts with the same ones wait for each
	// other in one order.
	slices.SortStableFunc(todo, func(a, b *person) int { return bytes.Compare(a.first(), b.first()) })
	q := registrardb.EnterAllParams{
		Kind: register, At: at, Registrar: string(s.registrar), Practitioner: string(caller.Practitioner), Agency: string(caller.Agency), Role: role,
		TermsVersion: caller.Terms.Version, RegisterID: string(id), WrappedBy: string(by), ImportID: ident.UntypedID(of),
		Oldest: int32(e.reading), Newest: int32(e.writing),
	}
	for _, p := range todo {
		if p.wrong != nil {
			refused++
			q.RefusedLines = append(q.RefusedLines, int32(p.line))
			q.Pointers, q.Details = append(q.Pointers, p.wrong.Pointer), append(q.Details, p.wrong.Detail)
			continue
		}
		made++
		a := s.Begin(register, caller, role, at)
		a.Deed = deed{
			Entered: []entered{{id, p.subject}}, Items: p.items,
			Imported: &importedLine{of, p.line, approval.id, approval.by},
		}
		l, err := leaf.Of(ctx, s.keys, RecordsKey, a.ID, &a)
		if err != nil {
			return 0, 0, err
		}
		subject := p.subject.String()
		q.ActIds, q.Contents = append(q.ActIds, a.ID.String()), append(q.Contents, l.Sealed)
		q.WrappedKeys, q.Commitments = append(q.WrappedKeys, l.WrappedKey), append(q.Commitments, l.Commitment)
		q.Subjects, q.SubjectKeys = append(q.Subjects, subject), append(q.SubjectKeys, p.key)
		q.Profiles, q.Lines = append(q.Profiles, p.profile), append(q.Lines, int32(p.line))
		for _, i := range p.items {
			q.ItemIds, q.ItemSubjects = append(q.ItemIds, i.Item.String()), append(q.ItemSubjects, subject)
			q.ItemKinds, q.ItemContents = append(q.ItemKinds, i.Kind), append(q.ItemContents, i.body)
		}
		for _, t := range p.tokens {
			q.Tokens, q.TokenSubjects = append(q.Tokens, t), append(q.TokenSubjects, subject)
		}
		for _, c := range p.identifiers {
			q.Odd, q.Even = append(q.Odd, c.odd), append(q.Even, c.even)
			q.IdentifierItems = append(q.IdentifierItems, p.items[c.item].Item.String())
		}
	}
	err = s.queries.EnterAll(ctx, tx, q)
	switch pg.Constraint(err) {
	case "one_person_per_identifier", "one_person_per_identifier_b", "import_lines_pkey":
		return 0, 0, pg.ErrRetry // another was first: read again
	}
	return made, refused, err
}

// first is the lowest of the person's identifiers.
func (p *person) first() (token []byte) {
	for _, c := range p.identifiers {
		for _, slot := range [][]byte{c.odd, c.even} {
			if slot != nil && (token == nil || bytes.Compare(slot, token) < 0) {
				token = slot
			}
		}
	}
	return token
}

// finishPart records that the part is dealt with, if the approval covers it.
func (s *Service) finishPart(ctx context.Context, tx *sql.Tx, approval approved, q registrardb.InsertImportPartParams) error {
	if err := s.queries.LockApproval(ctx, tx, ident.UntypedID(approval.id)); err != nil {
		return err
	}
	last, err := s.queries.FindImportPart(ctx, tx, registrardb.FindImportPartParams{ImportID: q.ImportID, FirstLine: q.FirstLine})
	switch {
	case err == nil && last == q.LastLine && q.Entered == 0 && q.Refused == 0:
		return nil // all of it was dealt with before
	case err == nil:
		return fault.New(fault.Conflict, "a part from that line on had another end or other lines: start the import again, and go on from its next line")
	case !errors.Is(err, sql.ErrNoRows):
		return err
	}
	n, err := s.queries.InsertImportPart(ctx, tx, q)
	if err == nil && n == 0 {
		err = fault.New(fault.Forbidden, "the approval covers fewer people than that: have more approved")
	}
	return err
}
