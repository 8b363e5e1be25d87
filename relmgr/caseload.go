package relmgr

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// A handle that moves to another column takes everything that names it along:
// its publication with the decision of whoever took it, its correlations, the
// person's consents, blocks and exclusions, and what was delivered for it. Only
// what the person is called changes, and who may act.

// Caseload is a set of relationships that one column of an agency hands over to
// another, such as those of a practitioner who leaves.
type Caseload struct {
	From, To ident.Column
	Reason   string
	Items    []CaseloadItem
}

// CaseloadItem is one relationship: what the person is called in the column that
// hands it over and in the one that takes it, empty for the same.
type CaseloadItem struct {
	Identifier, As Identifier
}

// moved is what one move did to its handle.
type moved struct {
	Handle  ident.HandleID `json:"handle"`
	From    ident.Column   `json:"from"`
	To      ident.Column   `json:"to"`
	Swapped ident.HandleID `json:"swapped,omitzero"`
}

// moving is one item on its way.
type moving struct {
	there, here       ident.HandleID // in the column that hands over; in the one that takes, zero for none
	oldToken, token   tokens
	identifier, given Identifier
}

// MoveCaseload hands relationships over, all or none, each by an act of its own.
// The caller is a member of the column that takes them and holds a role that
// may correlate; both columns are controlled by the caller's agency, and the one
// that hands over may be closed or its named person gone. Nothing is disclosed
// to more than before: each decision stays as it was taken, and a relationship
// cannot leave a sensitive column or enter one. With an idempotency key a batch
// that was carried out answers with its receipts; a batch that was not, starts
// over.
func (s *Service) MoveCaseload(ctx context.Context, who decide.Caller, c Caseload) (receipts []Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.MoveCaseload")
	at := s.stamp()
	from, to, role, err := s.mayMove(who, c, at)
	if err != nil {
		return nil, err
	}
	items := make([]moving, len(c.Items))
	for i, it := range c.Items {
		if items[i], err = moves(from, to, it); err != nil {
			return nil, inItem(err, i)
		}
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) (err error) {
		var done bool
		if receipts, done, err = s.earlierMoves(ctx, tx, len(items)); err != nil || done {
			return err
		}
		if err := s.holdStill(ctx, tx, from, to, items); err != nil {
			return err
		}
		if err := s.movable(ctx, tx, to, items); err != nil {
			return err
		}
		for i := range items {
			d := begin(who, Move, role, at)
			d.Reason, d.Handles = c.Reason, []ident.HandleID{items[i].there}
			d.Moved = &moved{Handle: items[i].there, From: from.ID, To: to.ID, Swapped: items[i].here}
			r, err := s.item(i).record(ctx, tx, d)
			if err != nil {
				return err
			}
			receipts = append(receipts, r)
			if err := s.move(ctx, tx, d, from, to, items[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if kind := fault.KindOf(err); err != nil && (kind == fault.Invalid || kind == fault.Conflict) {
		// The same batch may have come first, and moved them since this one looked.
		if first, done, lookErr := s.earlierMoves(ctx, s.db, len(items)); lookErr == nil && done {
			return first, nil
		}
	}
	if err != nil {
		return nil, err
	}
	return receipts, nil
}

// mayMove checks what depends on the caller and the terms alone.
func (s *Service) mayMove(who decide.Caller, c Caseload, at time.Time) (from, to *decide.Column, role string, err error) {
	if err := declaredReason(who.Terms, c.Reason); err != nil {
		return nil, nil, "", err
	}
	roles := editors(who, Correlate)
	role, ok := who.RoleAmong(roles)
	if !ok {
		return nil, nil, "", fault.New(fault.Forbidden, "moving a caseload needs one of the roles %v", roles)
	}
	if to, err = s.column(who, c.To, at); err != nil {
		return nil, nil, "", err
	}
	from = who.Terms.Column(c.From)
	switch {
	case from == nil || from.Agency != who.Agency || to.Agency != who.Agency:
		return nil, nil, "", fault.New(fault.Forbidden, "a caseload moves inside your agency: name two columns that it controls")
	case from.ID == to.ID:
		return nil, nil, "", fault.At("/to", "name another column than the one that hands over")
	case from.Sensitive != to.Sensitive:
		return nil, nil, "", fault.At("/to", "one of the columns is sensitive and the other is not: publish each relationship anew, with a decision for it")
	}
	return from, to, role, nil
}

func moves(from, to *decide.Column, it CaseloadItem) (m moving, err error) {
	if it.As == "" {
		it.As = it.Identifier
	}
	m.identifier, m.given = it.Identifier, it.As
	if err := it.Identifier.check(from); err != nil {
		return m, err
	}
	if it.As.check(to) != nil {
		return m, fault.At("/as", "write what your column will call the person, for example %s", to.Example)
	}
	return m, nil
}

// inItem says in which item of a batch a value cannot be used.
func inItem(err error, i int) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	at := *f
	at.Fields = slices.Clone(f.Fields)
	for j := range at.Fields {
		at.Fields[j].Pointer = fmt.Sprintf("/relationships/%d%s", i, at.Fields[j].Pointer)
	}
	return &at
}

// item is the service with the idempotency key of one act of a batch.
func (s *Service) item(i int) *Service {
	if s.once == nil {
		return s
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint32(bytes.Clone(s.once), uint32(i)))
	bound := *s
	bound.once = sum[:]
	return &bound
}

// earlierMoves returns what an earlier batch with the key came to. A batch is one
// transaction, so its first act stands for all.
func (s *Service) earlierMoves(ctx context.Context, db relmgrdb.DBTX, n int) (receipts []Receipt, done bool, err error) {
	for i := range n {
		r, done, err := s.item(i).earlier(ctx, db)
		if err != nil || !done {
			return nil, false, err
		}
		receipts = append(receipts, r)
	}
	return receipts, true, nil
}

// holdStill finds the handles of the batch and locks their rows, and them against
// anybody who refers to them: which column a handle is in stands still then. If
// it cannot have them now, or they have moved meanwhile, everything starts over.
func (s *Service) holdStill(ctx context.Context, tx *sql.Tx, from, to *decide.Column, items []moving) error {
	var all []ident.HandleID
	want := map[ident.HandleID]tokens{}
	find := func(c *decide.Column, identifier Identifier) (tokens, ident.HandleID, error) {
		t, found, err := s.find(ctx, tx, c, identifier)
		if err != nil || found.IsZero() {
			return t, found, err
		}
		if _, twice := want[found]; twice { // moved between two looks
			return t, found, pg.ErrRetry
		}
		all = append(all, found)
		want[found] = t
		return t, found, nil
	}
	var err error
	for i := range items {
		m := &items[i]
		if slices.ContainsFunc(items[:i], func(o moving) bool { return o.given == m.given || o.identifier == m.identifier }) {
			return inItem(fault.At("/as", "name each person once, and no two the same"), i)
		}
		if m.oldToken, m.there, err = find(from, m.identifier); err != nil {
			return inItem(err, i)
		}
		if m.there.IsZero() {
			return inItem(notPublished(), i)
		}
		if m.token, m.here, err = find(to, m.given); err != nil {
			return inItem(err, i)
		}
	}
	if _, err := s.lockRows(ctx, tx, all); err != nil {
		return err
	}
	held, err := s.q.HoldStill(ctx, tx, texts(all))
	if err != nil {
		if pg.Busy(err) {
			return pg.ErrRetry
		}
		return pg.Fault(err)
	}
	for _, h := range held {
		if !want[h.HandleID].finds(h.Token, h.TokenB) { // a token is of one column
			return pg.ErrRetry
		}
	}
	return nil
}

func notPublished() error {
	return fault.At("/identifier", "name a relationship that the column publishes, or has suspended")
}

// movable checks what the caller's own agency knows of both columns.
func (s *Service) movable(ctx context.Context, tx *sql.Tx, to *decide.Column, items []moving) error {
	var there, here []ident.HandleID
	for _, m := range items {
		there = append(there, m.there)
		if !m.here.IsZero() {
			here = append(here, m.here)
		}
	}
	offers, err := s.q.ListMovable(ctx, tx, texts(there))
	if err != nil {
		return pg.Fault(err)
	}
	used, err := s.q.ListUsed(ctx, tx, texts(here))
	if err != nil {
		return pg.Fault(err)
	}
	for i, m := range items {
		mine := func(o relmgrdb.ListMovableRow) bool { return o.HandleID == m.there }
		if !slices.ContainsFunc(offers, mine) {
			return inItem(notPublished(), i)
		}
		if slices.ContainsFunc(offers, func(o relmgrdb.ListMovableRow) bool { return mine(o) && to.Route(o.Contact) == nil }) {
			return inItem(fault.At("/identifier", "it is offered by a contact route that your column lacks: have the route added, or publish the relationship anew"), i)
		}
		if slices.Contains(used, m.here) {
			f := fault.New(fault.Conflict, "your column has a history of its own for somebody of that name: correlate the two instead")
			f.Fields = []fault.Field{{Pointer: "/as", Detail: f.Detail}}
			return inItem(f, i)
		}
	}
	return nil
}

// move gives the handle its new place, and the handle that was there, without
// any history, the old one. Only one row of a column can have a token, so that
// one steps aside first.
func (s *Service) move(ctx context.Context, tx *sql.Tx, d *deed, from, to *decide.Column, m moving) error {
	if err := s.q.RecordMove(ctx, tx, relmgrdb.RecordMoveParams{
		ActID: d.Act, HandleID: m.there, FromColumn: from.ID, ToColumn: to.ID, Swapped: m.here,
	}); err != nil {
		return pg.Fault(err)
	}
	if !m.here.IsZero() {
		aside, nobody := m.token, sha256.Sum256(m.here[:])
		if aside.a != nil {
			aside.a = nobody[:]
		}
		if aside.b != nil {
			aside.b = nobody[:]
		}
		if err := s.settle(ctx, tx, m.here, to, aside, m.given); err != nil {
			return err
		}
	}
	if err := s.settle(ctx, tx, m.there, to, m.token, m.given); err != nil {
		return err
	}
	if !m.here.IsZero() {
		if err := s.settle(ctx, tx, m.here, from, m.oldToken, m.identifier); err != nil {
			return err
		}
	}
	if err := s.q.MoveCell(ctx, tx, relmgrdb.MoveCellParams{HandleID: m.there, ColumnID: to.ID}); err != nil {
		return pg.Fault(err)
	}
	return nil
}

// settle puts a handle in a column, with the identifier sealed anew.
func (s *Service) settle(ctx context.Context, tx *sql.Tx, h ident.HandleID, c *decide.Column, t tokens, identifier Identifier) error {
	p, err := s.keys.sealFor(ctx, c, h, string(identifier))
	if err != nil {
		return err
	}
	if err := s.q.MoveHandle(ctx, tx, relmgrdb.MoveHandleParams{
		HandleID: h, ColumnID: c.ID, Token: t.a, TokenB: t.b, TokenEpoch: t.writing, Sealed: p.sealed, WrappedKey: p.wrappedKey, WrappedBy: p.wrappedBy,
	}); err != nil {
		return s.stale(err, c.ID)
	}
	return nil
}
