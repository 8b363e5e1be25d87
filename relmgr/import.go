package relmgr

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// An import publishes many relationships of the caller's own columns, each line
// by an act and a decision of its own, as Publish would. A part is stored whole or
// not at all, and the primary key of a line keeps it from being stored twice: a
// client, this process and PostgreSQL may die at any instant, and whoever comes
// back asks where the import stands and goes on from there.

// Import says how far the import of a file has come.
type Import struct {
	ID                 ident.ImportID
	Deed               decide.Deed // what the approval covers
	Next               int         // the first line that has not been dealt with
	Published, Refused int
}

// Line is one line of the file that holds a relationship.
type Line struct {
	Line int
	Own
	Role     string
	Offers   []Offer
	Consents []ident.ConsentID
}

// Part is the lines from First to Last. Lines holds those with a relationship, or
// Paired those with a correlation, in order; what else stood there was not sent.
type Part struct {
	First, Last int
	Lines       []Line
	Paired      []PairedLine
}

// check wants the part's own lines, each once, in the order of the file.
func (p *Part) check() error {
	if p.Last < p.First {
		return fault.At("/last", "end the part where it begins, or later")
	}
	if len(p.Lines) > 0 && len(p.Paired) > 0 {
		return fault.At("/correlations", "give relationships or correlations, as the approval has it")
	}
	last := p.First - 1
	inOrder := func(member string, i, line int) error {
		if line <= last || line > p.Last {
			return fault.At(fmt.Sprintf("/%s/%d/line", member, i), "give the part's own lines, each once, in the order of the file")
		}
		last = line
		return nil
	}
	for i, l := range p.Lines {
		if err := inOrder("relationships", i, l.Line); err != nil {
			return err
		}
	}
	for i, l := range p.Paired {
		if err := inOrder("correlations", i, l.Line); err != nil {
			return err
		}
	}
	return nil
}

// LineRefusal says why a line made no act: always for what the line says
// or what the caller's own side has done, never for another's.
type LineRefusal string

// The refusals.
const (
	BadColumn       LineRefusal = "column"
	BadIdentifier   LineRefusal = "identifier"
	BadRole         LineRefusal = "role"
	BadTransactions LineRefusal = "transactions"
	BadContact      LineRefusal = "contact"
	BadConsents     LineRefusal = "consents"
	AgainstWishes   LineRefusal = "wishes"
	Published       LineRefusal = "published"
)

// Explain says where in the line, and what to write there. It repeats nothing.
func (r LineRefusal) Explain() (pointer, detail string) {
	switch r {
	case BadColumn:
		return "/column", "name a column that the approval covers and that you are a member of"
	case BadIdentifier:
		return "/identifier", "write it as its column does"
	case BadRole:
		return "/role", "name a role of the partnership's list"
	case BadTransactions:
		return "/offers", "name transactions of the partnership's list"
	case BadContact:
		return "/offers", "name a contact route of the column"
	case BadConsents:
		return "/consents", "name consents in force that were captured for this very identifier and cover the approved decision"
	case AgainstWishes:
		return "/identifier", "this person has refused: decide about them by themselves"
	case BadPairing:
		return "/pairing", "give the code of another identifier as it was read out, or a registrar's statement: one of the two"
	case BadStatement:
		return "/statement", "give a statement that a registrar of this partnership signed for this hub and for now, as sure as the agreement asks for"
	case Unusable:
		return "/pairing", "the pairing cannot be used: ask the other side to open a new one, and for its code or a new statement on it"
	default:
		return "/identifier", "your column publishes this relationship already"
	}
}

// Imported is what came of one line: a receipt, or a refusal.
type Imported struct {
	Line int
	Receipt
	Refused LineRefusal
}

// StartImport returns the import of a file, known by its SHA-256, under an
// approval of the caller's agency. However often it is called it is one import.
func (s *Service) StartImport(ctx context.Context, who decide.Caller, ref ident.ReferenceID, file [32]byte) (i Import, err error) {
	defer fault.Wrap(&err, "relmgr.StartImport")
	p, err := s.q.FindApproval(ctx, s.db, relmgrdb.FindApprovalParams{ReferenceID: ref, AgencyID: who.Agency})
	if errors.Is(err, sql.ErrNoRows) {
		return Import{}, fault.New(fault.NotKnown, "no approval of your agency has that reference: it is the act that POST /relmgr/v1/approvals gave")
	} else if err != nil {
		return Import{}, pg.Fault(err)
	}
	if err := s.standing(ctx, s.db, who, approval{p.ApprovalID, p.PractitionerID, p.Columns, p.EndsAt}, s.stamp()); err != nil {
		return Import{}, err
	}
	hash, err := s.keys.mac(ctx, importsKey, hex.EncodeToString(file[:]))
	if err != nil {
		return Import{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		id, err := s.q.OpenImport(ctx, tx, relmgrdb.OpenImportParams{ImportID: ident.NewImport(), ApprovalID: p.ApprovalID, FileHash: hash})
		if errors.Is(err, sql.ErrNoRows) { // another has just made it
			return pg.ErrRetry
		} else if err != nil {
			return err
		}
		stands, err := s.q.ShowImport(ctx, tx, id)
		i = Import{ID: id, Deed: cmp.Or(decide.Deed(p.Deed), decide.Publishing), Next: int(stands.Next), Published: int(stands.Published), Refused: int(stands.Refused)}
		return err
	})
	return i, err
}

// ListImportRefusals lists the lines after a line that published nothing.
func (s *Service) ListImportRefusals(ctx context.Context, who decide.Caller, id ident.ImportID, after, limit int) (out []Imported, more bool, err error) {
	defer fault.Wrap(&err, "relmgr.ListImportRefusals")
	if _, err := s.importing(ctx, s.db, who, id, s.stamp()); err != nil {
		return nil, false, err
	}
	rows, err := s.q.ListImportRefusals(ctx, s.db, relmgrdb.ListImportRefusalsParams{ImportID: id, After: int32(after), PageSize: int32(limit) + 1})
	if err != nil {
		return nil, false, pg.Fault(err)
	}
	for _, r := range rows[:min(len(rows), limit)] {
		out = append(out, Imported{Line: int(r.Line), Refused: LineRefusal(r.Refused)})
	}
	return out, len(rows) > limit, nil
}

// importing is an import of the caller's agency under an approval that stands.
func (s *Service) importing(ctx context.Context, db relmgrdb.DBTX, who decide.Caller, id ident.ImportID, at time.Time) (relmgrdb.FindImportRow, error) {
	i, err := s.q.FindImport(ctx, db, relmgrdb.FindImportParams{ImportID: id, AgencyID: who.Agency})
	if errors.Is(err, sql.ErrNoRows) {
		return i, fault.New(fault.NotKnown, "no import of your agency has that id: start it with POST /relmgr/v1/imports")
	} else if err != nil {
		return i, pg.Fault(err)
	}
	return i, s.standing(ctx, db, who, approval{i.ApprovalID, i.PractitionerID, i.Columns, i.EndsAt}, at)
}

// ImportPart publishes the relationships of a part, or makes its correlations, that
// have not been dealt with, and returns what came of each line, now or before. A
// step that stops the importer rather than a line stops the part, and leaves one
// refusal.
func (s *Service) ImportPart(ctx context.Context, who decide.Caller, id ident.ImportID, p Part) (out []Imported, err error) {
	defer fault.Wrap(&err, "relmgr.ImportPart")
	if err := p.check(); err != nil {
		return nil, err
	}
	if len(p.Paired) > 0 {
		return s.correlatePart(ctx, who, id, p)
	}
	at := s.stamp()
	var refused error
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		refused = nil
		i, err := s.importing(ctx, tx, who, id, at)
		if err != nil {
			return err
		}
		if i.Deed != "" && len(p.Lines) > 0 {
			return fault.At("/relationships", "the approval covers correlations: have the relationships approved")
		}
		b := bulk{who: who, at: at, of: i, id: id}
		if out, err = s.dealtWith(ctx, tx, who, id, &p, &b); err != nil {
			return err
		}
		if err := s.choose(ctx, tx, &b); err != nil {
			return err
		}
		if v := b.stopped; v != nil {
			refused, err = s.refuse(ctx, tx, who, decide.Mode(i.Mode), *v, at)
			return err
		}
		done, err := s.publishAll(ctx, tx, &b)
		if err != nil {
			return err
		}
		out = append(out, done...)
		slices.SortFunc(out, func(a, b Imported) int { return a.Line - b.Line })
		return s.finish(ctx, tx, &b, p)
	})
	if err == nil {
		err = refused
	}
	return out, err
}

// bulk is a part on its way into the index.
type bulk struct {
	who decide.Caller
	at  time.Time
	id  ident.ImportID
	of  relmgrdb.FindImportRow
	// proposal is the approved decision.
	proposal Proposal
	todo     []*candidate
	// stopped is a decision that no line could pass.
	stopped *sided
}

// candidate is a line that has not been dealt with before.
type candidate struct {
	Line
	held
	found    bool // whether the identifier had a handle
	said     personal
	refused  LineRefusal
	decision sided
}

// dealtWith returns what came of the part's lines before, and leaves the others
// to do.
func (s *Service) dealtWith(ctx context.Context, tx *sql.Tx, who decide.Caller, id ident.ImportID, p *Part, b *bulk) ([]Imported, error) {
	out, err := s.linesDone(ctx, tx, who, id, p.First, p.Last)
	if err != nil {
		return nil, err
	}
	seen := map[int]bool{}
	for _, o := range out {
		seen[o.Line] = true
	}
	for _, l := range p.Lines {
		if !seen[l.Line] {
			b.todo = append(b.todo, &candidate{Line: l})
		}
	}
	return out, nil
}

// linesDone are the lines of a stretch that have been dealt with.
func (s *Service) linesDone(ctx context.Context, db relmgrdb.DBTX, who decide.Caller, id ident.ImportID, first, last int) ([]Imported, error) {
	rows, err := s.q.ListImportLines(ctx, db, relmgrdb.ListImportLinesParams{
		AgencyID: who.Agency, ImportID: id, First: int32(first), Last: int32(last),
	})
	if err != nil {
		return nil, pg.Fault(err)
	}
	out := []Imported{}
	for _, r := range rows {
		out = append(out, Imported{
			Line: int(r.Line), Receipt: Receipt{Act: r.ReferenceID, Commitment: r.Commitment}, Refused: LineRefusal(r.Refused),
		})
	}
	return out, nil
}

// choose decides each line: by what it says, by whether its column publishes it
// already, and by the four steps.
func (s *Service) choose(ctx context.Context, tx *sql.Tx, b *bulk) error {
	if err := json.Unmarshal(b.of.Proposal, &b.proposal); err != nil {
		return err
	}
	p := b.proposal
	if known(b.who.Terms, p) != nil || !decide.Has(b.who.Terms.Codes.Reasons, b.of.Reason) {
		return outdatedApproval()
	}
	columns := map[ident.Column]*decide.Column{}
	for _, id := range b.of.Columns {
		if c, err := s.column(b.who, ident.Column(id), b.at); err == nil {
			columns[c.ID] = c
		}
	}
	for _, c := range b.todo {
		if c.refused = c.check(b.who.Terms, columns[c.Column]); c.refused != "" {
			continue
		}
		t, err := s.keys.tokens(ctx, columns[c.Column], string(c.Identifier))
		if err != nil {
			return err
		}
		c.held = held{column: columns[c.Column], tokens: t, identifier: c.Identifier}
	}
	if err := s.look(ctx, tx, b); err != nil {
		return err
	}
	var named []ident.ConsentID
	for _, c := range b.todo {
		named = append(named, c.Consents...)
	}
	consents, err := s.q.ListConsents(ctx, tx, texts(named))
	if err != nil {
		return pg.Fault(err)
	}
	for _, c := range b.todo {
		if c.refused != "" {
			continue
		}
		p.Consents, c.said.consents = c.Consents, facts(c.Consents, consents, c.handle)
		c.decision = sided{ID: ident.NewDecision(), Handle: c.handle, Consents: c.Consents, Decision: b.who.Terms.Hold(
			b.who.Actor, proposalOf(c.column, decide.Publishing, decide.Mode(b.of.Mode), p, c.said), b.at)}
		stopped := c.decision.StoppedAt()
		switch {
		case stopped == 0:
		case stopped == decide.StepConfidentiality && p.Ground.OnConsent():
			c.refused = BadConsents
		case stopped == decide.StepConfidentiality && c.said.refused:
			c.refused = AgainstWishes
		default:
			b.stopped = &c.decision
			return nil
		}
	}
	return nil
}

func outdatedApproval() error {
	return fault.New(fault.Invalid, "the approval names what the partnership has given up: have the import approved anew")
}

// check refuses what cannot be published, whatever anybody else has done.
func (l *Line) check(t *decide.Terms, c *decide.Column) LineRefusal {
	switch {
	case c == nil:
		return BadColumn
	case l.Identifier.check(c) != nil:
		return BadIdentifier
	case !decide.Has(t.Codes.Roles, l.Role):
		return BadRole
	}
	for _, o := range l.Offers {
		if !decide.HasAll(t.Codes.Transactions, o.Transactions) {
			return BadTransactions
		}
		if c.Route(o.Contact) == nil {
			return BadContact
		}
	}
	return ""
}

// look finds the handles that the lines' identifiers have, and refuses what is
// published already, by an earlier line too.
func (s *Service) look(ctx context.Context, tx *sql.Tx, b *bulk) error {
	var p relmgrdb.FindHandlesParams
	type identifier struct {
		column ident.Column
		token  [32]byte
	}
	earlier := map[identifier]bool{}
	for i, c := range b.todo {
		if c.refused != "" {
			continue
		}
		own := identifier{c.column.ID, [32]byte(c.tokens.read())}
		if earlier[own] {
			c.refused = Published
			continue
		}
		earlier[own] = true
		p.Places, p.ColumnIds, p.Tokens = append(p.Places, int32(i)), append(p.ColumnIds, string(c.column.ID)), append(p.Tokens, c.tokens.a)
		p.TokensB = append(p.TokensB, c.tokens.b)
	}
	rows, err := s.q.FindHandles(ctx, tx, p)
	if err != nil {
		return pg.Fault(err)
	}
	for _, r := range rows {
		c := b.todo[r.Place]
		c.handle, c.found = r.HandleID, true
		c.said.refused = r.Refused
		if r.Published {
			c.refused = Published
		}
	}
	return nil
}

// publishAll seals and stores what was chosen, in one statement.
func (s *Service) publishAll(ctx context.Context, tx *sql.Tx, b *bulk) ([]Imported, error) {
	out := []Imported{}
	q := relmgrdb.RecordImportParams{
		ImportID: b.id, Kind: string(Publish), At: b.at, PractitionerID: b.who.Practitioner, AgencyID: b.who.Agency,
		Mode: sql.NullString{String: b.of.Mode, Valid: true}, Reason: b.of.Reason, TermsVersion: b.who.Terms.Version,
		ApprovalID: b.of.ApprovalID, Role: b.who.AnyRole(), Agreement: b.proposal.Agreement, Power: b.proposal.Power,
		Ground: sql.NullString{String: string(b.proposal.Ground), Valid: true}, Profile: b.who.Terms.Profile.ID,
		Aim: b.proposal.Aim, Ordinary: b.proposal.Conditions.Ordinary, Sensitive: b.proposal.Conditions.Sensitive,
		Detriment: string(b.proposal.Detriment), Told: decide.Mode(b.of.Mode) == decide.Imposed, Steps: pg.JSON("[]"),
	}
	// In the order of identifiers: two parts with the same ones then wait for each
	// other in one order, and the order on disk is not that of the file.
	slices.SortFunc(b.todo, func(x, y *candidate) int {
		return cmp.Or(cmp.Compare(x.Column, y.Column), bytes.Compare(x.tokens.read(), y.tokens.read()), x.Line.Line-y.Line.Line)
	})
	for _, c := range b.todo {
		if c.refused != "" {
			if c.decision.StoppedAt() > 0 { // a step is recorded, a typing error is not
				if _, err := s.refuse(ctx, tx, b.who, decide.Mode(b.of.Mode), c.decision, b.at); err != nil {
					return nil, err
				}
			}
			q.RefusedLines, q.RefusedWhy = append(q.RefusedLines, int32(c.Line.Line)), append(q.RefusedWhy, string(c.refused))
			out = append(out, Imported{Line: c.Line.Line, Refused: c.refused})
			continue
		}
		receipt, err := s.enter(ctx, b, c, &q)
		if err != nil {
			return nil, err
		}
		out = append(out, Imported{Line: c.Line.Line, Receipt: receipt})
	}
	err := s.q.RecordImport(ctx, tx, q)
	switch pg.Constraint(err) {
	case "act_handles_handle_id_fkey", "decisions_handle_id_fkey", "cells_handle_id_fkey", "cells_pkey", "import_lines_pkey":
		return nil, pg.ErrRetry // another was first: read again
	}
	return out, s.stale(err, columnsOf(b.todo)...)
}

func columnsOf(all []*candidate) (out []ident.Column) {
	for _, c := range all {
		out = append(out, c.Column)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// enter seals a line's handle and its act, and adds them to the statement.
func (s *Service) enter(ctx context.Context, b *bulk, c *candidate, q *relmgrdb.RecordImportParams) (Receipt, error) {
	if !c.found {
		h, err := s.keys.newHandle(ctx, c.column, c.tokens, string(c.identifier))
		if err != nil {
			return Receipt{}, err
		}
		c.handle = h.HandleID
		q.NewHandles, q.NewColumns = append(q.NewHandles, h.HandleID.String()), append(q.NewColumns, string(h.ColumnID))
		q.NewTokens, q.NewContents = append(q.NewTokens, h.Token), append(q.NewContents, h.Sealed)
		q.NewWrappedKeys, q.NewWrappedBy = append(q.NewWrappedKeys, h.WrappedKey), append(q.NewWrappedBy, h.WrappedBy)
		q.NewRows = append(q.NewRows, h.RowID.String())
		q.NewTokensB, q.NewTokenEpochs = append(q.NewTokensB, h.TokenB), append(q.NewTokenEpochs, h.TokenEpoch)
	}
	v := c.decision
	v.Handle = c.handle
	d := begin(b.who, Publish, v.Role, b.at)
	d.Mode, d.Reason, d.Agreement, d.Ground = decide.Mode(b.of.Mode), b.of.Reason, v.Agreement, v.Ground
	d.Handles, d.Decisions, d.Offers, d.ProviderRole = []ident.HandleID{c.handle}, []sided{v}, c.Offers, c.Role
	d.Telling = toldOf(d.Mode, nil) // of what is imposed in bulk, everybody is told
	d.Approval, d.ApprovedBy, d.Import, d.Line = b.of.ApprovalID, b.of.PractitionerID, b.id, c.Line.Line
	l, err := s.leafOf(ctx, d.Act, d)
	if err != nil {
		return Receipt{}, err
	}
	steps, err := json.Marshal(v.Steps)
	if err != nil {
		return Receipt{}, err
	}
	receipt := Receipt{Act: ident.NewReference(), Commitment: l.Commitment}
	q.Role, q.Steps = v.Role, steps // whoever imports decides in one role for all lines alike
	q.ActIds, q.Contents = append(q.ActIds, d.Act.String()), append(q.Contents, l.Sealed)
	q.WrappedKeys, q.Commitments = append(q.WrappedKeys, l.WrappedKey), append(q.Commitments, l.Commitment)
	q.References, q.DecisionIds = append(q.References, receipt.Act.String()), append(q.DecisionIds, v.ID.String())
	q.HandleIds, q.ColumnIds = append(q.HandleIds, c.handle.String()), append(q.ColumnIds, string(c.column.ID))
	q.ProviderRoles, q.Lines = append(q.ProviderRoles, c.Role), append(q.Lines, int32(c.Line.Line))
	q.Purposes, q.Aspects = append(q.Purposes, array(v.Purposes)), append(q.Aspects, array(v.Aspects))
	q.AudienceKinds, q.Audiences = append(q.AudienceKinds, string(v.Audience.Kind)), append(q.Audiences, array(v.Audience.Names))
	q.Untils, q.Reviews = append(q.Untils, v.Until), append(q.Reviews, v.Review)
	for _, id := range c.Consents {
		q.RestingDecisions, q.RestingConsents = append(q.RestingDecisions, v.ID.String()), append(q.RestingConsents, id.String())
	}
	for i, o := range c.Offers {
		q.OfferActs, q.OfferOrdinals = append(q.OfferActs, d.Act.String()), append(q.OfferOrdinals, int16(i))
		q.OfferKinds, q.OfferContacts = append(q.OfferKinds, string(o.Kind)), append(q.OfferContacts, o.Contact)
		q.OfferTransactions = append(q.OfferTransactions, array(o.Transactions))
	}
	return receipt, nil
}

// array is a list as PostgreSQL writes it: arrays of arrays have one width, so
// lists travel as text.
func array(list []string) string {
	text, err := pq.StringArray(list).Value()
	if err != nil || text == nil {
		return "{}"
	}
	return text.(string)
}

// finish records that the part is dealt with, if the approval covers it.
func (s *Service) finish(ctx context.Context, tx *sql.Tx, b *bulk, p Part) error {
	q := relmgrdb.RecordImportPartParams{ImportID: b.id, ApprovalID: b.of.ApprovalID, FirstLine: int32(p.First), LastLine: int32(p.Last)}
	for _, c := range b.todo {
		if c.refused == "" {
			q.Published++
		} else {
			q.Refused++
		}
	}
	return s.recordPart(ctx, tx, q)
}

// recordPart records a part that is dealt with, if the approval covers it. It is
// the last that its transaction does.
func (s *Service) recordPart(ctx context.Context, tx *sql.Tx, q relmgrdb.RecordImportPartParams) error {
	if err := s.q.LockApproval(ctx, tx, ident.UntypedID(q.ApprovalID)); err != nil {
		return pg.Fault(err)
	}
	found, err := s.q.FindImportPart(ctx, tx, relmgrdb.FindImportPartParams{ImportID: q.ImportID, FirstLine: q.FirstLine})
	switch {
	case err == nil && found == q.LastLine && q.Published == 0 && q.Refused == 0:
		return nil // all of it was dealt with before
	case err == nil:
		return fault.New(fault.Conflict, "a part from that line on had another end or other lines: start the import again, and go on from its next line")
	case !errors.Is(err, sql.ErrNoRows):
		return pg.Fault(err)
	}
	n, err := s.q.RecordImportPart(ctx, tx, q)
	if err != nil {
		return pg.Fault(err)
	}
	if n == 0 {
		return fault.New(fault.Forbidden, "the approval covers fewer than that: have more approved")
	}
	return nil
}
