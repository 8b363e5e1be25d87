package registrar

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// Register describes a register: whose it is, whom it is for, how it is overseen and
// what it undertakes (REG-02, REG-18, REG-19, REG-20, REG-24).
type Register struct {
	ID        ident.Register  `json:"register"`
	Registrar ident.Registrar `json:"registrar"`
	Agency    ident.Agency    `json:"-"` // that answers for it now, by the partnership document
	Title     string          `json:"title"`
	Contact   string          `json:"contact"`
	Scope     string          `json:"scope"`
	// Criterion says whom it holds, where that says something about them (REG-19).
	Criterion string `json:"criterion,omitempty"`
	// SelfRegistered: its entries are an agency's own list (REG-18).
	SelfRegistered bool `json:"self_registered"`
	// Serves lists the agencies that may ask it; none: all members (REG-09).
	Serves     []ident.Agency `json:"serves"`
	Governance *Governance    `json:"governance,omitempty"`
	Levels     *Levels        `json:"levels,omitempty"`
	// CoveredBy is who stands in for its registrar now, and tells so.
	CoveredBy ident.Registrar `json:"-"`
	// Conforming: it publishes its governance, with a review that is still to come
	// (REG-24).
	Conforming bool `json:"-"`
}

// Governance is how a register is overseen (REG-24).
type Governance struct {
	Overseer  string `json:"overseer"`
	Inclusion string `json:"inclusion"`
	Appeal    string `json:"appeal"`
	Review    string `json:"review"` // a day, as 2027-06-30
}

// Levels are what the registrar undertakes (REG-20).
type Levels struct {
	LatencyMS      int `json:"latency_ms"`
	ErrorsPerMille int `json:"errors_per_mille"`
	PerMinute      int `json:"per_minute"`
}

// CreateRegister opens a register of this registrar. Errors: Forbidden for all who do
// not keep its registers, Invalid, Conflict where the code is taken.
func (s *Service) CreateRegister(ctx context.Context, caller decide.Caller, r Register) (receipt Receipt, err error) {
	defer fault.Wrap(&err, "registrar.CreateRegister")
	at := s.now()
	role, err := s.mayKeep(caller)
	if err != nil {
		return Receipt{}, err
	}
	var c checks
	for i, a := range r.Serves {
		c.that(caller.Terms.FindAgency(a, at) != nil, "name a member agency", "/serves/%d", i)
	}
	if g := r.Governance; g != nil {
		day, err := time.Parse(time.DateOnly, g.Review)
		c.that(err == nil && day.After(at), "write a day that is still to come, as 2027-06-30", "/governance/review")
	}
	if err := c.fault(); err != nil {
		return Receipt{}, err
	}
	r.Registrar = s.registrar
	if r.Serves == nil {
		r.Serves = []ident.Agency{}
	}
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		a := s.Begin(createRegister, caller, role, at)
		a.Deed = deed{Register: &r}
		if receipt, err = s.Append(ctx, tx, &a); err != nil {
			return err
		}
		n, err := s.queries.InsertRegister(ctx, tx, registerRow(a.ID, &r))
		if err == nil && n == 0 {
			err = fault.New(fault.Conflict, "there is a register under this code already: choose another")
		}
		return err
	})
	return receipt, err
}

// Registers are those that serve the caller's agency, by their codes. One that does
// not is as one that does not exist, for its criterion may say whom it holds (REG-19).
func (s *Service) Registers(ctx context.Context, caller decide.Caller) (all []Register, err error) {
	defer fault.Wrap(&err, "registrar.Registers")
	return s.registers(ctx, s.db, caller, "")
}

// served is one register that serves the caller's agency, or NotKnown.
func (s *Service) served(ctx context.Context, db registrardb.DBTX, caller decide.Caller, id ident.Register) (Register, error) {
	all, err := s.registers(ctx, db, caller, id)
	if err == nil && len(all) == 0 {
		err = notThere("register")
	}
	if err != nil {
		return Register{}, err
	}
	return all[0], nil
}

func (s *Service) registers(ctx context.Context, db registrardb.DBTX, caller decide.Caller, only ident.Register) ([]Register, error) {
	r := caller.Terms.FindRegistrar(string(s.registrar))
	if r == nil {
		return nil, nil
	}
	rows, err := s.queries.ListRegisters(ctx, db, registrardb.ListRegistersParams{Registrar: s.registrar, Register: string(only)})
	if err != nil {
		return nil, pg.Fault(err)
	}
	answersFor, err := s.standsInFor(ctx, db)
	if err != nil {
		return nil, err
	}
	var all []Register
	for i := range rows {
		one := registerOf(&rows[i])
		if one.CoveredBy = s.standIn; !answersFor(one.ID) {
			continue
		}
		one.Conforming = one.Governance != nil && one.Governance.Review >= s.now().Format(time.DateOnly)
		if one.Agency = r.Agency; caller.Agency == r.Agency || len(one.Serves) == 0 || slices.Contains(one.Serves, caller.Agency) {
			all = append(all, one)
		}
	}
	return all, nil
}

func registerRow(act ident.ActID, r *Register) registrardb.InsertRegisterParams {
	row := registrardb.InsertRegisterParams{
		RegisterID: r.ID, Registrar: r.Registrar, ActID: act, Title: r.Title, Contact: r.Contact, Scope: r.Scope,
		Criterion: r.Criterion, SelfRegistered: r.SelfRegistered, Serves: make([]string, len(r.Serves)),
	}
	for i, a := range r.Serves {
		row.Serves[i] = string(a)
	}
	if g := r.Governance; g != nil {
		row.Overseer, row.Inclusion, row.Appeal, row.ReviewOn = g.Overseer, g.Inclusion, g.Appeal, g.Review
	}
	if l := r.Levels; l != nil {
		row.LatencyMs, row.ErrorsPerMille, row.PerMinute = int32(l.LatencyMS), int32(l.ErrorsPerMille), int32(l.PerMinute)
	}
	return row
}

func registerOf(row *registrardb.ListRegistersRow) Register {
	r := Register{
		ID: row.RegisterID, Registrar: row.Registrar, Title: row.Title, Contact: row.Contact, Scope: row.Scope,
		Criterion: row.Criterion, SelfRegistered: row.SelfRegistered,
	}
	for _, a := range row.Serves {
		r.Serves = append(r.Serves, ident.Agency(a))
	}
	if row.Overseer != "" {
		r.Governance = &Governance{Overseer: row.Overseer, Inclusion: row.Inclusion, Appeal: row.Appeal, Review: row.ReviewOn}
	}
	if row.LatencyMs != 0 {
		r.Levels = &Levels{LatencyMS: int(row.LatencyMs), ErrorsPerMille: int(row.ErrorsPerMille), PerMinute: int(row.PerMinute)}
	}
	return r
}
