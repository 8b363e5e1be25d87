package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// ReplyKind is what a holder answers to a contact request.
type ReplyKind string

// The replies. The first two tell the asker of the holder.
const (
	Share    ReplyKind = "share"
	CallMe   ReplyKind = "call-me"
	NotShare ReplyKind = "not-share"
)

// Inbox says which contact requests of a column to list.
type Inbox struct {
	Column    ident.Column
	Escalated bool // overdue ones only, for those who hold a higher role
	Why       Why  // of a read of escalated ones
	After     ident.DeliveryID
	Limit     int
}

// Delivered is a contact request as one holder is shown it.
type Delivered struct {
	Delivery   ident.DeliveryID
	Handle     ident.HandleID
	Identifier Identifier // the holder's own
	Asker      Party
	Purpose    string
	Concerning string
	// Transaction is what the asker asked about, empty for nothing in particular.
	Transaction string
	// At is when the request reached this holder: no other holder has the same
	// time, and it is not when the asker made it.
	At, Due   time.Time
	Escalated bool
	Replied   bool
}

// ListContactRequests shows the requests that have reached a column of the
// caller's by now, newest first, after the one of the cursor; next is zero on
// the last page. Each names the person as the holder does, never as the asker
// does (DCP-11). Escalated ones are for practitioners of the controlling agency
// in a higher role, whether or not they are members of the column; their read is
// recorded as an enquiry first.
func (s *Service) ListContactRequests(ctx context.Context, who decide.Caller, in Inbox) (requests []Delivered, next ident.DeliveryID, err error) {
	defer fault.Wrap(&err, "relmgr.ListContactRequests")
	at := s.stamp()
	look := s.column
	if in.Escalated || in.Why != (Why{}) {
		if err := in.Why.check(who.Terms); err != nil {
			return nil, next, err
		}
	}
	if in.Escalated {
		look = s.overseen
	}
	c, err := look(who, in.Column, at)
	if err != nil {
		return nil, next, err
	}
	rows, err := s.q.ListDeliveries(ctx, s.db, relmgrdb.ListDeliveriesParams{
		ColumnID: string(c.ID), At: at, Overdue: in.Escalated, FromStart: in.After.IsZero(), AfterDelivery: ident.UntypedID(in.After),
		PageSize: int32(in.Limit) + 1,
	})
	if err != nil {
		return nil, next, pg.Fault(err)
	}
	if len(rows) > in.Limit {
		rows = rows[:in.Limit]
		next = rows[in.Limit-1].DeliveryID
	}
	var shown []ident.DeliveryID
	for _, r := range rows {
		asker := who.Terms.FindColumn(r.Asker, at)
		if asker == nil {
			continue // nobody is there to be contacted any more
		}
		p := party(who.Terms, asker, r.Contact)
		if p == nil {
			continue
		}
		id, err := s.keys.open(ctx, c, sealed{r.HandleID, r.Sealed, r.WrappedKey, r.WrappedBy})
		if err != nil {
			return nil, next, err
		}
		shown = append(shown, r.DeliveryID)
		requests = append(requests, Delivered{
			Delivery: r.DeliveryID, Handle: r.HandleID, Identifier: id, Asker: *p, Purpose: r.Purpose, Concerning: r.Concerning,
			Transaction: r.Transaction, At: r.DeliverAt.UTC(), Due: r.DueAt.UTC(), Replied: r.Replied,
			Escalated: !r.Replied && !at.Before(r.DueAt),
		})
	}
	if in.Escalated {
		if err := s.recordRead(ctx, who, reading{Reads: readContacts, Column: c.ID, Shown: texts(shown)}, in.Why, at); err != nil {
			return nil, ident.DeliveryID{}, err
		}
	}
	return requests, next, nil
}

// overseen returns a column whose escalated requests the caller may see.
func (s *Service) overseen(who decide.Caller, id ident.Column, at time.Time) (*decide.Column, error) {
	c := who.Terms.FindColumn(id, at)
	if c == nil || c.Agency != who.Agency {
		return nil, fault.New(fault.Forbidden, "what has escalated stays inside its agency: name a column that your agency controls")
	}
	var roles []string
	for _, a := range who.Terms.Agreements {
		if slices.Contains(a.Parties, who.Agency) && who.Terms.FindAgreement(a.Code, at) != nil {
			roles = append(roles, a.Roles.Impose...)
		}
	}
	slices.Sort(roles)
	if _, ok := who.RoleAmong(roles); !ok {
		return nil, fault.New(fault.Forbidden, "what has escalated is for one of the roles %v", slices.Compact(roles))
	}
	return c, nil
}

// ContactReply is a holder's answer. Share and CallMe need a route of the
// holder's column and a decision; NotShare takes neither.
type ContactReply struct {
	Delivery  ident.DeliveryID
	Reply     ReplyKind
	Reason    string
	Detriment decide.Detriment
	Contact   string
	Proposal  *Proposal
}

// ReplyToContact records what the holder answers, as an act of a member of the
// column, or of somebody in a higher role once the request is overdue. Sharing
// is a disclosure: its decision passes the four steps and tells this asker, or
// nothing is recorded but the refusal. Of two who answer at once, one succeeds
// and the other gets Conflict.
func (s *Service) ReplyToContact(ctx context.Context, who decide.Caller, r ContactReply) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.ReplyToContact")
	at := s.stamp()
	if err := complete(who.Terms, r); err != nil {
		return Receipt{}, err
	}
	var refused error
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		refused = nil
		v, err := s.q.FindDelivery(ctx, tx, relmgrdb.FindDeliveryParams{DeliveryID: r.Delivery, At: at})
		if errors.Is(err, sql.ErrNoRows) {
			return unknownDelivery()
		} else if err != nil {
			return pg.Fault(err)
		}
		c, asker := s.answers(who, v, at), who.Terms.FindColumn(v.Asker, at)
		switch {
		case c == nil || asker == nil:
			return unknownDelivery()
		case v.Replied:
			return alreadyReplied()
		case r.Detriment == decide.NotConsidered && who.Terms.Bound(c, v.Purpose, decide.Concerning(v.Concerning), at) != "":
			return fault.At("/detriment", "a duty to share binds your column: answer the question of whether sharing would be more detrimental, and record what you found")
		case r.Reply != NotShare && c.Route(r.Contact) == nil:
			return fault.At("/contact", "name a contact route of your column")
		}
		d := begin(who, Reply, "", at)
		d.Reason, d.Delivery, d.Reply, d.Detriment, d.Contact = r.Reason, r.Delivery, r.Reply, r.Detriment, r.Contact
		d.Handles = []ident.HandleID{v.HandleID}
		if r.Reply == NotShare {
			err = declines(who, d)
		} else {
			to := decide.Asking{Column: asker, Purpose: v.Purpose, Agreements: v.Agreements}
			refused, err = s.shares(ctx, tx, who, d, telling{held{column: c, handle: v.HandleID}, *r.Proposal, to})
		}
		if err != nil || refused != nil {
			return err
		}
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		p := relmgrdb.RecordReplyParams{
			DeliveryID: r.Delivery, ActID: d.Act, Reply: string(r.Reply), Reason: r.Reason, Detriment: string(r.Detriment), Contact: r.Contact,
		}
		for _, side := range d.Decisions {
			p.DecisionID = side.ID
		}
		if err := s.q.RecordReply(ctx, tx, p); pg.Constraint(err) == "replies_pkey" {
			return alreadyReplied()
		} else if err != nil {
			return pg.Fault(err)
		}
		return nil
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Receipt{}, err
	}
	return receipt, nil
}

// complete refuses what does not make a reply, before anything is looked up.
func complete(t *decide.Terms, r ContactReply) error {
	if err := declaredReason(t, r.Reason); err != nil {
		return err
	}
	switch shares := r.Reply != NotShare; {
	case shares && r.Contact == "":
		return fault.At("/contact", "say how the asker can reach you: name a contact route of your column")
	case shares && r.Proposal == nil:
		return fault.At("/decision", "this tells the asker that you work with the person: give the decision that it rests on")
	case !shares && r.Contact != "":
		return fault.At("/contact", "leave it out: nothing is shared")
	case !shares && r.Proposal != nil:
		return fault.At("/decision", "leave it out: nothing is shared")
	}
	return nil
}

// answers returns the column for which the caller may answer a delivery, nil
// for none.
func (s *Service) answers(who decide.Caller, v relmgrdb.FindDeliveryRow, at time.Time) *decide.Column {
	if c, err := s.column(who, v.ColumnID, at); err == nil {
		return c
	}
	if at.Before(v.DueAt) {
		return nil
	}
	c, _ := s.overseen(who, v.ColumnID, at)
	return c
}

// declines completes the act of a holder who does not share.
func declines(who decide.Caller, d *deed) error {
	roles := editors(who, Reply)
	role, ok := who.RoleAmong(roles)
	if !ok {
		return fault.New(fault.Forbidden, "answering needs one of the roles %v", roles)
	}
	d.Role = role
	return nil
}

// telling is what a holder who shares puts to the four steps, and for whom.
type telling struct {
	held
	Proposal
	to decide.Asking
}

// shares completes the act of a holder who tells the asker of itself. refused is
// what to tell the caller where a step stopped it; the refusal is recorded then.
func (s *Service) shares(ctx context.Context, tx *sql.Tx, who decide.Caller, d *deed, o telling) (refused, err error) {
	mode := modeFor(o.Ground)
	o.Detriment = d.Detriment // weighed once, for the reply and its decision
	v, err := s.hold(ctx, tx, who, o.held, decide.Publishing, mode, o.Proposal, d.At)
	if err != nil {
		return nil, err
	}
	if v.StoppedAt() > 0 {
		return s.refuse(ctx, tx, who, mode, v, d.At)
	}
	now := decide.Standing{
		Column: o.column.ID, Agreement: v.Agreement, Power: v.Power, Ground: v.Ground, Purposes: v.Purposes,
		Audience: v.Audience, Until: v.Until, Consented: true, Mode: v.Mode, Aspects: v.Aspects, Conditions: v.Conditions, Review: v.Review,
	}
	if !who.Terms.Discloses(now, &o.to, d.At) {
		return nil, fault.At("/decision", "decide for this asker: its column or agency as audience, the purpose that it asks for, an agreement under which it may ask")
	}
	d.Role, d.Mode, d.Agreement, d.Ground, d.Decisions = v.Role, mode, v.Agreement, v.Ground, []sided{v}
	return nil, nil
}

// promised is the decision that a reply rests on, as it stands now.
func promised(r relmgrdb.ListRepliesRow) decide.Standing {
	return decide.Standing{
		Column: r.ColumnID, Agreement: r.Agreement, Power: r.Power, Ground: decide.Ground(r.Ground), Purposes: r.Purposes,
		Audience: decide.Audience{Kind: decide.AudienceKind(r.AudienceKind), Names: r.Audience}, Until: r.Until, Consented: r.Consented,
		Mode: decide.Mode(r.Mode), Aspects: r.Aspects, Conditions: decide.Conditions{Ordinary: r.Ordinary, Sensitive: r.Sensitive},
		Review: r.ReviewAt, Risk: r.Risk,
	}
}

func unknownDelivery() error {
	return fault.New(fault.NotKnown, "no contact request has reached you under that id: list them with GET /relmgr/v1/contact-requests")
}

func alreadyReplied() error {
	return fault.New(fault.Conflict, "this contact request has been answered: list them with GET /relmgr/v1/contact-requests")
}
