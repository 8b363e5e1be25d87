package relmgr

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// What the index would have told somebody on an earlier date is asked by one
// person, approved by another of the agency, and read by the first alone
// (design.md section 11). Asking and approving are acts; reading is an enquiry.

// The kinds of both acts.
const (
	AskAsOf     Kind = "ask-as-of"
	ApproveAsOf Kind = "approve-as-of"
)

const (
	approveWithin = 72 * time.Hour // of asking
	readWithin    = 24 * time.Hour // of the approval
)

// Earlier is a question about an earlier date.
type Earlier struct {
	Own
	AsOf        time.Time
	Purpose     string
	Reason      string
	Concerning  string
	Transaction string
	Case        Case
}

// question is the same, asked now.
func (e Earlier) question() Question {
	return Question{
		Own: e.Own, Purpose: e.Purpose, Reason: e.Reason, Concerning: e.Concerning, Transaction: e.Transaction, Case: e.Case,
	}
}

// asOf is what an act that asks records of the question, beside its reason.
type asOf struct {
	AsOf        time.Time    `json:"as_of"`
	Column      ident.Column `json:"column"`
	Purpose     string       `json:"purpose"`
	Concerning  string       `json:"concerning"`
	Transaction string       `json:"transaction,omitempty"`
	Case        Case         `json:"case,omitempty"`
}

// AskAsOf records that the caller asks what the index would have told them of one
// of their own identifiers at an earlier instant. The caller's own steps are taken
// as for an enquiry, with today's membership and terms, and a refusal is explained
// and recorded like one. What it returns, and the work, say nothing of anybody.
func (s *Service) AskAsOf(ctx context.Context, who decide.Caller, e Earlier) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.AskAsOf")
	at := s.stamp()
	e.AsOf = e.AsOf.UTC().Truncate(time.Microsecond)
	q := e.question()
	if err := asked(who.Terms, q); err != nil {
		return Receipt{}, err
	}
	if _, err := s.termsAt(ctx, who, e.AsOf, at); err != nil {
		return Receipt{}, err
	}
	c, err := s.column(who, q.Column, at)
	if err != nil {
		return Receipt{}, err
	}
	if err := q.Identifier.check(c); err != nil {
		return Receipt{}, err
	}
	r, err := s.readOwn(ctx, c, q.Identifier, at)
	if err != nil {
		return Receipt{}, err
	}
	put := q.put(c)
	put.NoCase = q.Case == "" && !r.holds(who.Terms, at)
	asking := who.Terms.Ask(who.Actor, put, at)
	if asking.StoppedAt() > 0 {
		return Receipt{}, s.refuseEnquiry(ctx, who, enquiry{
			Enquiry: ident.NewEnquiry(), At: at, Practitioner: who.Practitioner, Agency: who.Agency, Column: c.ID, AsOf: &e.AsOf,
			Purpose: q.Purpose, Reason: q.Reason, Concerning: q.Concerning, Transaction: q.Transaction, Case: q.Case,
			Decision: asking.Decision, Disclosed: []disclosure{},
		})
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		h, err := s.own(ctx, tx, who, e.Own, at)
		if err != nil {
			return err
		}
		if err := s.keep(ctx, tx, &h); err != nil {
			return err
		}
		d := begin(who, AskAsOf, asking.Role, at)
		d.Reason, d.Handles, d.Asking = e.Reason, []ident.HandleID{h.handle}, &asking.Decision
		d.AsOf = &asOf{AsOf: e.AsOf, Column: c.ID, Purpose: e.Purpose, Concerning: e.Concerning, Transaction: e.Transaction, Case: e.Case}
		receipt, err = s.record(ctx, tx, d)
		return err
	})
	return receipt, err
}

// termsAt returns the terms that were in force at an earlier instant.
func (s *Service) termsAt(ctx context.Context, who decide.Caller, then, now time.Time) (*decide.Terms, error) {
	if !then.Before(now) {
		return nil, fault.At("/as_of", "name an instant that has passed: ask POST /relmgr/v1/enquiries what is so now")
	}
	v, err := s.q.FindTermsAt(ctx, s.db, then)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.At("/as_of", "name an instant since the hub began")
	} else if err != nil {
		return nil, pg.Fault(err)
	}
	if v.Version == who.Terms.Version {
		return who.Terms, nil
	}
	t := new(decide.Terms)
	if err := json.Unmarshal(v.Document, t); err != nil {
		return nil, err
	}
	t.Version = v.Version
	return t.Index(), nil
}

// AskedAsOf is a question about an earlier date that waits for approval.
type AskedAsOf struct {
	Act          ident.ReferenceID
	At, Due      time.Time
	Practitioner ident.Practitioner
	Role         string
	Column       ident.Column
	AsOf         time.Time
	Purpose      string
	Reason       string
	Concerning   string
	Transaction  string
	Case         Case
}

// ListAsOf lists what people of the caller's agency ask about earlier dates and
// nobody has approved, oldest first, after the one of the cursor; next is zero on
// the last page. Nobody is shown their own. The read is recorded as an enquiry
// first.
func (s *Service) ListAsOf(ctx context.Context, who decide.Caller, after ident.ReferenceID, limit int, why Why) (out []AskedAsOf, next ident.ReferenceID, err error) {
	defer fault.Wrap(&err, "relmgr.ListAsOf")
	at := s.stamp()
	role, err := reviewing(who)
	if err != nil {
		return nil, next, err
	}
	if err := why.check(who.Terms); err != nil {
		return nil, next, err
	}
	if !after.IsZero() {
		if _, err := s.findAsOf(ctx, s.db, who, after); fault.KindOf(err) == fault.NotKnown {
			return nil, next, fault.At("/cursor", "give the next of the page before")
		} else if err != nil {
			return nil, next, err
		}
	}
	rows, err := s.q.ListAsOf(ctx, s.db, relmgrdb.ListAsOfParams{
		AgencyID: who.Agency, Since: at.Add(-approveWithin), Reader: string(who.Practitioner), FromStart: after.IsZero(),
		AfterReference: ident.UntypedID(after), PageSize: int32(limit) + 1,
	})
	if err != nil {
		return nil, next, pg.Fault(err)
	}
	if len(rows) > limit {
		rows = rows[:limit]
		next = rows[limit-1].ReferenceID
	}
	var shown []ident.ActID
	for _, r := range rows {
		d, err := s.openAsOf(ctx, r.ActID, leaf.Leaf{Commitment: r.Commitment, Sealed: r.Sealed, WrappedKey: r.WrappedKey})
		if fault.KindOf(err) == fault.NotKnown { // erased
			continue
		} else if err != nil {
			return nil, next, err
		}
		out = append(out, AskedAsOf{
			Act: r.ReferenceID, At: r.At.UTC(), Due: r.At.UTC().Add(approveWithin), Practitioner: r.PractitionerID, Role: r.Role, Column: d.AsOf.Column,
			AsOf: d.AsOf.AsOf, Purpose: d.AsOf.Purpose, Reason: d.Reason, Concerning: d.AsOf.Concerning, Transaction: d.AsOf.Transaction, Case: d.AsOf.Case,
		})
		shown = append(shown, r.ActID)
	}
	if err := s.recordRead(ctx, who, reading{Role: role, Reads: readReviews, List: listAsOf, Shown: texts(shown)}, why, at); err != nil {
		return nil, ident.ReferenceID{}, err
	}
	return out, next, nil
}

// findAsOf finds what one of the caller's agency asks about an earlier date.
func (s *Service) findAsOf(ctx context.Context, db relmgrdb.DBTX, who decide.Caller, ref ident.ReferenceID) (relmgrdb.FindAsOfRow, error) {
	a, err := s.q.FindAsOf(ctx, db, relmgrdb.FindAsOfParams{ReferenceID: ref, AgencyID: who.Agency})
	if errors.Is(err, sql.ErrNoRows) {
		return a, unknownAsOf()
	} else if err != nil {
		return a, pg.Fault(err)
	}
	return a, nil
}

func unknownAsOf() error {
	return fault.New(fault.NotKnown, "no question about an earlier date has that reference: ask it with POST /relmgr/v1/as-of-enquiries")
}

// openAsOf reads the record of an act that asks. One that is erased is one that
// does not exist.
func (s *Service) openAsOf(ctx context.Context, act ident.ActID, l leaf.Leaf) (*deed, error) {
	if len(l.WrappedKey) == 0 {
		return nil, unknownAsOf()
	}
	d := new(deed)
	if err := leaf.Open(ctx, s.keys.keys, recordsKey, act, l, d); err != nil {
		return nil, err
	}
	return d, nil
}

// ApproveAsOf is the second person's word that a question about an earlier date
// may be answered: somebody else of the agency, in a role that reviews. Of two who
// approve at once, one succeeds and the other gets Conflict.
func (s *Service) ApproveAsOf(ctx context.Context, who decide.Caller, ref ident.ReferenceID, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.ApproveAsOf")
	at := s.stamp()
	role, err := judging(who, reason)
	if err != nil {
		return Receipt{}, err
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a, err := s.findAsOf(ctx, tx, who, ref)
		if err != nil {
			return err
		}
		if a.PractitionerID == who.Practitioner {
			return fault.New(fault.Forbidden, "somebody else of your agency approves what you ask")
		}
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		if !at.Before(a.At.Add(approveWithin)) {
			return fault.New(fault.Conflict, "this was not approved in time: have it asked anew")
		}
		d := begin(who, ApproveAsOf, role, at)
		d.Reason, d.Allows = reason, a.ActID
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		err = s.q.ApproveAsOf(ctx, tx, relmgrdb.ApproveAsOfParams{Approves: a.ActID, ActID: d.Act})
		if pg.Constraint(err) == "as_of_approvals_pkey" {
			return fault.New(fault.Conflict, "somebody has approved this already")
		} else if err != nil {
			return pg.Fault(err)
		}
		return nil
	})
	return s.orEarlier(ctx, receipt, err)
}

// ReadAsOf answers what its caller asked about an earlier date, once it is
// approved and for a day. Membership of the column and the caller's own steps are
// judged as of now. What is told is what was to be told then, less everything that
// is hidden today, so that hidden and absent look the same here too (QRY-11). Each
// read is an enquiry, durable before the answer.
func (s *Service) ReadAsOf(ctx context.Context, who decide.Caller, ref ident.ReferenceID) (_ Answer, err error) {
	defer fault.Wrap(&err, "relmgr.ReadAsOf")
	at := s.stamp()
	a, err := s.findAsOf(ctx, s.db, who, ref)
	if err != nil {
		return Answer{}, err
	}
	if a.PractitionerID != who.Practitioner {
		return Answer{}, unknownAsOf()
	}
	c, err := s.column(who, a.ColumnID, at)
	if err != nil {
		return Answer{}, unknownAsOf()
	}
	switch {
	case !a.ApprovedAt.Valid:
		return Answer{}, fault.New(fault.Conflict, "nobody has approved this yet: have it approved, or ask anew after 72 hours")
	case !at.Before(a.ApprovedAt.Time.Add(readWithin)):
		return Answer{}, fault.New(fault.Conflict, "the time to read this is over: ask anew")
	}
	d, err := s.openAsOf(ctx, a.ActID, leaf.Leaf{Commitment: a.Commitment, Sealed: a.Sealed, WrappedKey: a.WrappedKey})
	if err != nil {
		return Answer{}, err
	}
	then, err := s.termsAt(ctx, who, d.AsOf.AsOf, at)
	if err != nil {
		return Answer{}, err
	}
	h, err := s.readHistory(ctx, a.HandleID, d.AsOf.AsOf, at)
	if err != nil {
		return Answer{}, err
	}
	q := Question{Own: Own{Column: c.ID}, Purpose: d.AsOf.Purpose, Reason: d.Reason, Concerning: d.AsOf.Concerning, Transaction: d.AsOf.Transaction, Case: d.AsOf.Case}
	asking := who.Terms.Ask(who.Actor, q.put(c), at)
	if asking.StoppedAt() > 0 {
		return Answer{}, s.refuseEnquiry(ctx, who, enquiry{
			Enquiry: ident.NewEnquiry(), At: at, Practitioner: who.Practitioner, Agency: who.Agency, Column: c.ID, AsOf: &d.AsOf.AsOf,
			Purpose: q.Purpose, Reason: q.Reason, Concerning: q.Concerning, Transaction: q.Transaction, Case: q.Case,
			Decision: asking.Decision, Disclosed: []disclosure{},
		})
	}
	past := view{terms: then, at: d.AsOf.AsOf}
	if was := then.FindColumn(h.place(a.HandleID).then, past.at); was != nil {
		past.asking = then.Ask(who.Actor, q.put(was), past.at)
	} else {
		past.asking.Column = c // under no agreement: it is told nothing
	}
	var told Answer
	var disclosed []disclosure
	told.Published = h.published()
	told.Providers, disclosed = h.tell(past, view{who.Terms, asking, at}, q.Transaction)
	r := reading{
		Role: asking.Role, Reads: readAsOf, Column: c.ID, Handle: a.HandleID, Concerning: q.Concerning, Transaction: q.Transaction,
		Asks: a.ActID, Decision: &asking.Decision, Disclosed: disclosed,
	}
	told.ID, told.Commitment, err = s.recordReading(ctx, who, r, Why{q.Purpose, q.Reason}, at)
	if err != nil {
		return Answer{}, err
	}
	return told, nil
}
