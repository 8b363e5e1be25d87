package relmgr

import (
	"context"
	"database/sql"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// Correlation states that the caller's identifier and the one behind a pairing
// code, or in a registrar's statement, are the same individual.
type Correlation struct {
	Own
	Code      string
	Statement string // of a registrar; either this or Code
	Mode      decide.Mode
	Reason    string
	// Evidence is of an act of the subject, which needs it.
	Evidence Evidence
	// Telling is of an imposed act, nil for one of which the subject is told.
	Telling *Telling
	Proposal

	line *batched // nil for one that is correlated by itself
}

// Correlate places two identifiers on one row, by an act of a named person
// whose role the agreement lets correlate (IDX-05). The caller's own side is
// decided, and refused with reasons, before the code or what a statement names
// is looked up. Of two who use one code or statement at once, one succeeds and the
// other gets PairingUnusable.
func (s *Service) Correlate(ctx context.Context, who decide.Caller, c Correlation) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "relmgr.Correlate")
	at := s.stamp()
	stated, err := s.onWhat(ctx, who, &c)
	if err != nil {
		return Receipt{}, err
	}
	if err := declaredReason(who.Terms, c.Reason); err != nil {
		return Receipt{}, err
	}
	if err := evidenced(c.Mode, c.Evidence); err != nil {
		return Receipt{}, err
	}
	if err := c.Telling.check(c.Mode, at); err != nil {
		return Receipt{}, err
	}
	var refused error
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		refused = nil // the closure may run again
		made, err := s.correlate(ctx, tx, who, c, stated, at)
		if err == nil && made.decision.StoppedAt() > 0 {
			refused, err = s.refuseOrAsk(ctx, tx, who, c.Mode, &made.held, made.decision, at)
		}
		receipt = made.receipt
		return err
	})
	if err == nil && refused != nil {
		return Receipt{}, refused
	}
	return s.orEarlier(ctx, receipt, err)
}

// correlated is what a correlation came to: its act, or a decision that a step
// stopped.
type correlated struct {
	held     held
	decision sided
	act      ident.ActID
	receipt  Receipt
}

// correlate decides the caller's own side, and does the rest unless a step stops it.
func (s *Service) correlate(ctx context.Context, tx *sql.Tx, who decide.Caller, c Correlation, stated *stated, at time.Time) (made correlated, err error) {
	h := &made.held
	if *h, err = s.own(ctx, tx, who, c.Own, at); err != nil {
		return made, err
	}
	v, err := s.hold(ctx, tx, who, *h, decide.Correlating, c.Mode, c.Proposal, at)
	if made.decision = v; err != nil || v.StoppedAt() > 0 {
		return made, err
	}
	d := begin(who, Correlate, v.Role, at)
	d.Mode, d.Reason, d.Agreement, d.Ground = c.Mode, c.Reason, v.Agreement, v.Ground
	d.Evidence, d.Decisions = c.Evidence, []sided{v}
	d.Telling = toldOf(c.Mode, c.Telling)
	c.line.sign(d)
	made.act = d.Act
	if stated != nil {
		made.receipt, err = s.withStated(ctx, tx, d, h, who.Terms, stated)
	} else {
		made.receipt, err = s.withOther(ctx, tx, d, h, who.Terms, c.Code)
	}
	if err != nil || len(d.Handles) == 0 { // an earlier request made it
		return made, err
	}
	return made, s.toTell(ctx, tx, d, d.Act, h.handle)
}

func unusable() error {
	return fault.New(fault.PairingUnusable, "the pairing cannot be used: ask the other side to open a new one, and for its code or a new statement on it")
}
