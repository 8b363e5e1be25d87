package relmgr

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// OfferKind is what a provider says it stands ready for (PUB-01, 000:3923).
type OfferKind string

// Offer is a standing statement about a person, in closed codes only.
type Offer struct {
	Kind         OfferKind `json:"kind"`
	Transactions []string  `json:"transactions"`
	Contact      string    `json:"contact"`
}

// Relationship is what is published: that the caller's column knows a person.
type Relationship struct {
	Own
	Role   string // by which the provider knows the person (PUB-02)
	Mode   decide.Mode
	Reason string
	Offers []Offer
	// Evidence is of an act of the subject, which needs it. Since is from when the
	// relationship has been, nil for not said (IDX-15).
	Evidence Evidence
	Since    *time.Time
	// Telling is of an imposed act, nil for one of which the subject is told.
	Telling *Telling
	Proposal
}

// Publish places an identifier in the index, with its offers and its standing
// decision: a disclosure in itself (IDX-08). Of two who publish one identifier
// at once, one succeeds and the other gets Conflict.
func (s *Service) Publish(ctx context.Context, who decide.Caller, r Relationship) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.Publish")
	at := s.stamp()
	if err := evidenced(r.Mode, r.Evidence); err != nil {
		return Receipt{}, err
	}
	if err := r.Telling.check(r.Mode, at); err != nil {
		return Receipt{}, err
	}
	from, err := since(r.Since, at)
	if err != nil {
		return Receipt{}, err
	}
	var refused error
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		refused = nil // the closure may run again
		h, err := s.own(ctx, tx, who, r.Own, at)
		if err != nil {
			return err
		}
		if err := offered(who.Terms, h.column, r); err != nil {
			return err
		}
		v, err := s.hold(ctx, tx, who, h, decide.Publishing, r.Mode, r.Proposal, at)
		if err != nil {
			return err
		}
		if v.StoppedAt() > 0 {
			refused, err = s.refuseOrAsk(ctx, tx, who, r.Mode, &h, v, at)
			return err
		}
		var done bool
		if receipt, done, err = s.earlier(ctx, tx); err != nil || done {
			return err
		}
		if err := s.keep(ctx, tx, &h); err != nil {
			return err
		}
		v.Handle = h.handle
		d := begin(who, Publish, v.Role, at)
		d.Mode, d.Reason, d.Agreement, d.Ground = r.Mode, r.Reason, v.Agreement, v.Ground
		d.Evidence, d.Since = r.Evidence, from
		d.Handles, d.Decisions, d.Offers, d.ProviderRole = []ident.HandleID{h.handle}, []sided{v}, r.Offers, r.Role
		d.Telling = toldOf(r.Mode, r.Telling)
		if receipt, err = s.record(ctx, tx, d); err != nil {
			return err
		}
		if err := s.toTell(ctx, tx, d, d.Act, h.handle); err != nil {
			return err
		}
		return s.place(ctx, tx, d)
	})
	if err == nil && refused != nil {
		return Receipt{}, refused
	}
	return s.orEarlier(ctx, receipt, err)
}

// place writes the projection of a publishing act: its cell and its offers.
func (s *Service) place(ctx context.Context, tx *sql.Tx, d *deed) error {
	if v := d.Decisions[0]; d.Mode != decide.Joint { // which waits for the person (PUB-03)
		err := s.q.PlaceCell(ctx, tx, relmgrdb.PlaceCellParams{
			HandleID: v.Handle, ActID: d.Act, DecisionID: v.ID, Role: d.ProviderRole,
		})
		if pg.Constraint(err) == "cells_pkey" {
			return alreadyPublished()
		} else if err != nil {
			return pg.Fault(err)
		}
	}
	for i, o := range d.Offers {
		if err := s.q.RecordOffer(ctx, tx, relmgrdb.RecordOfferParams{
			ActID: d.Act, Ordinal: int16(i), Kind: string(o.Kind), Transactions: o.Transactions, Contact: o.Contact,
		}); err != nil {
			return pg.Fault(err)
		}
	}
	return nil
}

func alreadyPublished() error {
	return fault.New(fault.Conflict, "your column already publishes this relationship: withdraw the act that published it first")
}

// offered refuses codes that are not the partnership's, or not the column's.
func offered(t *decide.Terms, c *decide.Column, r Relationship) error {
	if !decide.Has(t.Codes.Roles, r.Role) {
		return fault.At("/role", "name a role of the partnership's list")
	}
	if err := declaredReason(t, r.Reason); err != nil {
		return err
	}
	for i, o := range r.Offers {
		if !decide.HasAll(t.Codes.Transactions, o.Transactions) {
			return fault.At(fmt.Sprintf("/offers/%d/transactions", i), "name transactions of the partnership's list")
		}
		if c.Route(o.Contact) == nil {
			return fault.At(fmt.Sprintf("/offers/%d/contact", i), "name a contact route of your column")
		}
	}
	return nil
}
