package governance

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance/internal/governancedb"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
)

// The two roles that every partnership has. No administrator can grant them.
const (
	officer       = partnership.GovernanceOfficer
	administrator = partnership.AgencyAdministrator
)

// RecordsKey is the key under which this duty's acts are sealed. Initialise
// makes it and nothing else here does: where it is missing, the key file is not
// the one that belongs to the database.
const RecordsKey seal.KeyID = "duty/governance/records"

// Config is what a Service needs.
type Config struct {
	DB   *sql.DB          // opened as the duty's own role
	Keys seal.Provider    // holds RecordsKey, once Initialise has run
	Now  func() time.Time // the clock
	// Hub is the hub's identifier. Where it is given, no document of another
	// hub can be applied.
	Hub string
	// Services describes the duties of this build (IDX-16).
	Services []ServiceDescription
}

// ServiceDescription says who is responsible for a duty, what it does and
// where it is (IDX-16), and whether as controller or as processor (DCP-01).
type ServiceDescription struct {
	Duty        string
	Function    string
	Responsible string
	Status      string
	Address     string
}

// Service is the duty. It is safe for concurrent use, also by several
// processes on one database.
type Service struct {
	db       *sql.DB
	q        *governancedb.Queries
	keys     seal.Provider
	clock    func() time.Time
	hub      string
	services []ServiceDescription
}

// New refuses a Config that lacks something, and a service that is described
// in part or twice.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Keys == nil || c.Now == nil {
		return nil, errors.New("governance: give a database, keys and a clock")
	}
	var duties []string
	for _, d := range c.Services {
		if d.Duty == "" || d.Function == "" || d.Responsible == "" || d.Status == "" || d.Address == "" {
			return nil, errors.New("governance: describe each duty in full: duty, function, responsible, status and address")
		}
		if slices.Contains(duties, d.Duty) {
			return nil, errors.New("governance: describe each duty once")
		}
		duties = append(duties, d.Duty)
	}
	return &Service{
		db: c.DB, q: governancedb.New(), keys: c.Keys, clock: c.Now,
		hub: c.Hub, services: slices.Clone(c.Services),
	}, nil
}

// Services describes the duties of this build (IDX-16, DCP-01).
func (s *Service) Services(context.Context) []ServiceDescription { return slices.Clone(s.services) }

// SharedService is something that members share: a duty of the hub, or what the
// document lists beside. Nobody's name is missing in Responsible (FED-34).
type SharedService struct {
	Code, Title, Function string
	Published             bool // to other hubs
	Responsible           Responsible
}

// Responsible names who answers for each part of a service (000:4242).
type Responsible struct{ Ownership, Design, Operation, Capacity, Performance string }

// Shared lists all that members share, the hub's duties first. For a duty that the
// document does not list whoever the configuration names answers in every part.
func (s *Service) Shared(ctx context.Context) (all []SharedService, err error) {
	defer fault.Wrap(&err, "governance.Shared")
	t, err := s.termsIn(ctx, s.db)
	if err != nil {
		return nil, err
	}
	listed := slices.Clone(t.Services)
	for _, d := range s.services {
		one := SharedService{Code: d.Duty, Title: d.Duty, Function: d.Function, Responsible: Responsible{d.Responsible, d.Responsible, d.Responsible, d.Responsible, d.Responsible}}
		if i := slices.IndexFunc(listed, func(l decide.SharedService) bool { return l.Code == d.Duty }); i >= 0 {
			one, listed = shared(t, listed[i]), slices.Delete(listed, i, i+1)
		}
		all = append(all, one)
	}
	for _, l := range listed {
		all = append(all, shared(t, l))
	}
	return all, nil
}

func shared(t *decide.Terms, l decide.SharedService) SharedService {
	r := l.Responsible
	return SharedService{Code: l.Code, Title: l.Title, Function: l.Function, Published: l.Published, Responsible: Responsible{
		t.AgencyName(r.Ownership), t.AgencyName(r.Design), t.AgencyName(r.Operation), t.AgencyName(r.Capacity), t.AgencyName(r.Performance),
	}}
}

// now is the clock at the grain of the database, so that what is compared in
// memory is what is stored.
func (s *Service) now() time.Time { return exact(s.clock()) }

func exact(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// change runs fn in the one transaction of a change, after every change before
// it has ended. It gives fn the instant of the change.
func (s *Service) change(ctx context.Context, fn func(tx *sql.Tx, now time.Time) error) error {
	return pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if err := s.q.LockRegister(ctx, tx); err != nil {
			return err
		}
		return fn(tx, s.now())
	})
}

// needOfficer refuses whoever is no governance officer.
func needOfficer(c decide.Caller) error {
	if slices.Contains(c.Roles, officer) {
		return nil
	}
	return fault.New(fault.Forbidden, "this needs the role %s: ask a governance officer of the partnership", officer)
}

// needAdministrator refuses whoever does not administer that very agency: what
// a member may not devolve, nobody does for it (DCP-09).
func needAdministrator(c decide.Caller, agency ident.Agency) error {
	if c.Agency == agency && slices.Contains(c.Roles, administrator) {
		return nil
	}
	return fault.New(fault.Forbidden,
		"this needs the role %s at that very agency: ask an administrator of the agency", administrator)
}
