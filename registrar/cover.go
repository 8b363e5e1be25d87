package registrar

import (
	"context"
	"database/sql"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// A registrar covers for another whose process or site is down (FED-20): the partnership
// document says which may (covered_by), its process holds a copy of the other's keys,
// and one who keeps its own registers takes responsibility by an act, until an end.
// Meanwhile it recognises people by the other's register, in the other's name, and says
// so. It changes nothing there: entries wait for who answers for them, so that nobody
// is entered twice. docs/decisions/0053.

const cover = "cover"

// longestCover bounds for how long one act lets a registrar stand in.
const longestCover = 7 * 24 * time.Hour

// covered is for whom somebody stands in, as the act commits to it.
type covered struct {
	Register ident.Register  `json:"register"`
	StandIn  ident.Registrar `json:"stand_in"`
	Until    time.Time       `json:"until"`
}

// Cover records that this service stands in for the registrar of a register until then.
// Errors: Forbidden for all who do not keep the stand-in's registers, NotKnown, Invalid.
func (s *Service) Cover(ctx context.Context, caller decide.Caller, id ident.Register, until time.Time, reason string) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.Cover")
	at := s.now()
	role, err := s.mayKeep(caller)
	if err != nil {
		return Receipt{}, err
	}
	until = exact(until)
	var c checks
	c.that(decide.Has(caller.Terms.Codes.Reasons, reason), "name one of the partnership's reasons", "/reason")
	c.that(until.After(at) && !until.After(at.Add(longestCover)), "name a time that is still to come, a week ahead at most", "/until")
	if err := c.fault(); err != nil {
		return Receipt{}, err
	}
	if is, err := s.Keeps(ctx, id); err != nil {
		return Receipt{}, err
	} else if !is || s.standIn == "" {
		return Receipt{}, notThere("register that this registrar is set up to stand in for")
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a := s.Begin(cover, caller, role, at)
		a.Deed = deed{Covers: &covered{id, s.standIn, until}, Reason: reason}
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		return s.queries.InsertCover(ctx, tx, registrardb.InsertCoverParams{ActID: a.ID, RegisterID: id, StandIn: string(s.standIn), EndsAt: until})
	})
	return receipt, err
}

// Keeps reports whether the register is one of this registrar's.
func (s *Service) Keeps(ctx context.Context, id ident.Register) (bool, error) {
	rows, err := s.queries.ListRegisters(ctx, s.db, registrardb.ListRegistersParams{Registrar: s.registrar, Register: string(id)})
	return len(rows) > 0, pg.Fault(err)
}

// standsInFor is which registers this service answers for now; of its own registrar's, all.
func (s *Service) standsInFor(ctx context.Context, db registrardb.DBTX) (func(ident.Register) bool, error) {
	if s.standIn == "" {
		return func(ident.Register) bool { return true }, nil
	}
	rows, err := s.queries.ListCovered(ctx, db, registrardb.ListCoveredParams{StandIn: string(s.standIn), At: s.now()})
	if err != nil {
		return nil, pg.Fault(err)
	}
	covered := map[ident.Register]bool{}
	for _, id := range rows {
		covered[id] = true
	}
	return func(id ident.Register) bool { return covered[id] }, nil
}
