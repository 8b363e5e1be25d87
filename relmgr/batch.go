package relmgr

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// An approved batch correlates what each of its lines names by a pairing code or a
// registrar's statement: by an act, a decision and a transaction of its own, as
// Correlate would. What came of a line is stored with its act, so whoever dies in
// between has lost nothing that was done, and what was not is sent again.

// PairedLine is one line of the file that brings two identifiers together.
type PairedLine struct {
	Line int
	Own
	Code, Statement string // one of the two
	Consents        []ident.ConsentID
}

// The refusals of a correlation.
const (
	BadPairing   LineRefusal = "pairing"
	BadStatement LineRefusal = "statement"
	// Unusable is PairingUnusable: whatever is wrong with what a code or a statement
	// names, it is told alike.
	Unusable LineRefusal = "unusable"
)

// batched is the line of an approved batch on which a correlation stands.
type batched struct {
	id   ident.ImportID
	of   relmgrdb.FindImportRow
	line int
}

// sign has the act cite its approval.
func (b *batched) sign(d *deed) {
	if b != nil {
		d.Approval, d.ApprovedBy, d.Import, d.Line = b.of.ApprovalID, b.of.PractitionerID, b.id, b.line
	}
}

// correlatePart deals with the lines of a part one after the other. What stops
// the importer rather than a line stops there; the lines before it are done.
func (s *Service) correlatePart(ctx context.Context, who decide.Caller, id ident.ImportID, p Part) ([]Imported, error) {
	at := s.stamp()
	of, err := s.importing(ctx, s.db, who, id, at)
	if err != nil {
		return nil, err
	}
	if decide.Deed(of.Deed) != decide.Correlating {
		return nil, fault.At("/correlations", "the approval covers relationships to publish: have the batch approved")
	}
	var proposal Proposal
	if err := json.Unmarshal(of.Proposal, &proposal); err != nil {
		return nil, err
	}
	if known(who.Terms, proposal) != nil || !decide.Has(who.Terms.Codes.Reasons, of.Reason) {
		return nil, outdatedApproval()
	}
	out, err := s.linesDone(ctx, s.db, who, id, p.First, p.Last)
	if err != nil {
		return nil, err
	}
	seen := map[int]bool{}
	for _, o := range out {
		seen[o.Line] = true
	}
	for _, l := range p.Paired {
		if seen[l.Line] {
			continue
		}
		o, err := s.correlateLine(ctx, who, batched{id, of, l.Line}, l, proposal)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	slices.SortFunc(out, func(a, b Imported) int { return a.Line - b.Line })
	return out, s.pass(ctx, id, p)
}

// correlateLine deals with one line, unless another request has meanwhile.
func (s *Service) correlateLine(ctx context.Context, who decide.Caller, b batched, l PairedLine, p Proposal) (Imported, error) {
	p.Consents = l.Consents
	c := Correlation{
		Own: l.Own, Code: l.Code, Statement: l.Statement, Mode: decide.Mode(b.of.Mode), Reason: b.of.Reason, Proposal: p, line: &b,
	}
	out, why := Imported{Line: l.Line}, BadColumn
	_, err := s.column(who, c.Column, s.stamp())
	if err == nil && slices.Contains(b.of.Columns, string(c.Column)) {
		out.Receipt, out.Refused, err = s.correlateListed(ctx, who, c)
		why = refusalOf(err)
	}
	if why != "" { // nothing of it is stored by now
		out = Imported{Line: l.Line, Refused: why}
		err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error { return s.settleLine(ctx, tx, who, &b, ident.ActID{}, why) })
	}
	if err != nil {
		if done, lookErr := s.linesDone(ctx, s.db, who, b.id, l.Line, l.Line); lookErr == nil && len(done) == 1 {
			return done[0], nil // another was first, and may have used the pairing up
		}
	}
	return out, err
}

// correlateListed is Correlate for a line: what came of it is stored with its act,
// or with the refusal of the step that stopped it.
func (s *Service) correlateListed(ctx context.Context, who decide.Caller, c Correlation) (receipt Receipt, why LineRefusal, err error) {
	at := s.stamp()
	stated, err := s.onWhat(ctx, who, &c)
	if err != nil {
		return Receipt{}, "", err
	}
	var refused error
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		refused = nil // the closure may run again
		made, err := s.correlate(ctx, tx, who, c, stated, at)
		if err != nil {
			return err
		}
		receipt, why = made.receipt, c.why(who.Terms, &made.decision)
		if made.decision.StoppedAt() > 0 {
			if refused, err = s.refuse(ctx, tx, who, c.Mode, made.decision, at); err != nil || why == "" {
				return err
			}
			refused = nil
		}
		return s.settleLine(ctx, tx, who, c.line, made.act, why)
	})
	if err == nil {
		err = refused
	}
	return receipt, why, err
}

// settleLine stores what came of a line, if the approval stands and covers it.
func (s *Service) settleLine(ctx context.Context, tx *sql.Tx, who decide.Caller, b *batched, act ident.ActID, why LineRefusal) error {
	if _, err := s.importing(ctx, tx, who, b.id, s.stamp()); err != nil {
		return err
	}
	n, err := s.q.RecordImportLine(ctx, tx, relmgrdb.RecordImportLineParams{
		ImportID: b.id, Line: int32(b.line), ActID: ident.UntypedID(act), Refused: string(why),
	})
	if err != nil {
		return pg.Fault(err)
	}
	if n == 0 {
		return fault.New(fault.Conflict, "the line has been dealt with")
	}
	part := relmgrdb.RecordImportPartParams{ImportID: b.id, ApprovalID: b.of.ApprovalID, FirstLine: int32(b.line), LastLine: int32(b.line)}
	if why == "" {
		part.Published = 1
	} else {
		part.Refused = 1
	}
	return s.recordPart(ctx, tx, part)
}

// pass records that what lies between the lines of a part holds nothing.
func (s *Service) pass(ctx context.Context, id ident.ImportID, p Part) error {
	q := relmgrdb.PassLinesParams{ImportID: id}
	next := p.First
	for _, l := range append(slices.Clone(p.Paired), PairedLine{Line: p.Last + 1}) {
		if l.Line > next {
			q.Firsts, q.Lasts = append(q.Firsts, int32(next)), append(q.Lasts, int32(l.Line-1))
		}
		next = l.Line + 1
	}
	return pg.Fault(s.q.PassLines(ctx, s.db, q))
}

// why says what of the line stopped its decision, "" where no line could pass.
func (c *Correlation) why(t *decide.Terms, v *sided) LineRefusal {
	switch {
	case v.StoppedAt() == decide.StepPower && v.Role != "" && !c.confidence.Reaches(t.StatementLevel(c.Agreement)):
		return BadStatement
	case v.StoppedAt() != decide.StepConfidentiality:
		return ""
	case c.Ground.OnConsent():
		return BadConsents
	case v.against:
		return AgainstWishes
	}
	return ""
}

// refusalOf is what a fault says of a line, "" where it says nothing of it.
func refusalOf(err error) LineRefusal {
	f, ok := errors.AsType[*fault.Error](err)
	switch {
	case !ok:
		return ""
	case f.Kind == fault.PairingUnusable:
		return Unusable
	case f.Kind == fault.Invalid && len(f.Fields) == 1:
		return map[string]LineRefusal{"/pairing": BadPairing, "/statement": BadStatement, "/identifier": BadIdentifier}[f.Fields[0].Pointer]
	}
	return ""
}
