package relmgr

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/spoken"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Pairing is a code for the other side of a telephone call.
type Pairing struct {
	Code string // in groups of three, as it is read out
	// Reference is for a registrar, who states with it whose pairings are of one
	// person. It is not stored either.
	Reference string
	Ends      time.Time
	// Commitment is what the ledger keeps of the act that opened it.
	Commitment []byte
}

// OpenPairing records the caller's side of a correlation to come, and returns
// a code for it. The code itself is not stored.
func (s *Service) OpenPairing(ctx context.Context, who decide.Caller, o Own, p Proposal) (pairing Pairing, err error) {
	defer fault.Wrap(&err, "relmgr.OpenPairing")
	at := s.stamp()
	code, reference := spoken.NewCode(), rand.Text()
	hash, err := s.keys.mac(ctx, pairingKey, string(code))
	if err != nil {
		return Pairing{}, err
	}
	referenceHash, err := s.keys.mac(ctx, pairingKey, reference)
	if err != nil {
		return Pairing{}, err
	}
	ends := at.Add(time.Duration(who.Terms.Settings.PairingMinutes) * time.Minute)
	var refused error
	var commitment []byte
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		refused = nil // the closure may run again
		h, err := s.own(ctx, tx, who, o, at)
		if err != nil {
			return err
		}
		v, err := s.hold(ctx, tx, who, h, decide.Pairing, modeFor(p.Ground), p, at)
		if err != nil {
			return err
		}
		if v.StoppedAt() > 0 {
			refused, err = s.refuseOrAsk(ctx, tx, who, modeFor(p.Ground), &h, v, at)
			return err
		}
		if err := s.keep(ctx, tx, &h); err != nil {
			return err
		}
		v.Handle = h.handle
		d := begin(who, Pair, v.Role, at)
		d.Agreement, d.Ground, d.Handles, d.Decisions = v.Agreement, v.Ground, []ident.HandleID{h.handle}, []sided{v}
		receipt, err := s.record(ctx, tx, d)
		if err != nil {
			return err
		}
		commitment = receipt.Commitment
		if err := s.q.OpenPairing(ctx, tx, relmgrdb.OpenPairingParams{
			PairingID: ident.NewPairing(), ActID: d.Act, CodeHash: hash, ReferenceHash: referenceHash, HandleID: h.handle, DecisionID: v.ID,
			AgencyID: who.Agency, EndsAt: ends,
		}); err != nil {
			return pg.Fault(err)
		}
		return nil
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return Pairing{}, err
	}
	return Pairing{Code: code.Grouped(), Reference: reference, Ends: ends, Commitment: commitment}, nil
}

// modeFor is the mode that a side's ground implies.
func modeFor(g decide.Ground) decide.Mode {
	if g.OnConsent() {
		return decide.WithConsent
	}
	return decide.Imposed
}

// normalise returns the canonical code, or a fault for one that was misheard.
func normalise(code string) (string, error) {
	c, ok := spoken.ParseCode(code)
	if !ok {
		return "", fault.At("/pairing", "the code was misheard or mistyped: ask for it to be read out again")
	}
	return string(c), nil
}

// withOther carries out an act on the caller's identifier and the one behind a
// code. Call it when the caller's own side has been decided: an earlier request
// with the same idempotency key is answered first, since it has used the code.
// Nothing correlates by a code that was opened under an agreement which asks for
// a registrar's statement.
func (s *Service) withOther(ctx context.Context, tx *sql.Tx, d *deed, h *held, terms *decide.Terms, code string) (Receipt, error) {
	if receipt, done, err := s.earlier(ctx, tx); err != nil || done {
		return receipt, err
	}
	p, err := s.openPairing(ctx, tx, code, d.At)
	if err != nil {
		return Receipt{}, err
	}
	if err := s.keep(ctx, tx, h); err != nil {
		return Receipt{}, err
	}
	if h.handle == p.HandleID {
		return Receipt{}, fault.At("/pairing", "the code is for this very identifier: pair it with another one")
	}
	if d.Kind == Correlate && terms.StatementLevel(p.Agreement) != "" {
		return Receipt{}, unusable()
	}
	d.join(h, p.HandleID, p.PairingID, p.ActID, p.AgencyID)
	return s.enact(ctx, tx, d)
}

// join makes the deed one on the caller's identifier and the other side's.
func (d *deed) join(h *held, other ident.HandleID, used ident.PairingID, opened ident.ActID, agency ident.Agency) {
	for i := range d.Decisions {
		d.Decisions[i].Handle = h.handle
	}
	d.Handles, d.pairs = []ident.HandleID{h.handle, other}, [][2]ident.HandleID{{h.handle, other}}
	d.Pairing, d.uses = opened, used
	d.shownTo = append(d.shownTo, agency)
}

// openPairing finds the pairing of a code that can still be used.
func (s *Service) openPairing(ctx context.Context, tx *sql.Tx, code string, at time.Time) (relmgrdb.FindPairingRow, error) {
	code, err := normalise(code)
	if err != nil {
		return relmgrdb.FindPairingRow{}, err
	}
	hash, err := s.keys.mac(ctx, pairingKey, code)
	if err != nil {
		return relmgrdb.FindPairingRow{}, err
	}
	p, err := s.q.FindPairing(ctx, tx, relmgrdb.FindPairingParams{CodeHash: hash, Now: at})
	if errors.Is(err, sql.ErrNoRows) {
		return p, unusable()
	} else if err != nil {
		return p, pg.Fault(err)
	}
	return p, nil
}
