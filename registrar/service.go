package registrar

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
	"github.com/fame-hub/fame/registrar/match"
	"github.com/fame-hub/fame/registrar/signin"
)

// The duty's keys. MakeKeys makes them.
const (
	RecordsKey  seal.KeyID = "duty/registrar/records"    // seals acts
	SubjectsKey seal.KeyID = "duty/registrar/subjects/1" // wraps the data keys of people
	TokensKey   seal.KeyID = "duty/registrar/tokens/1"   // of the tokens by which people are found
	EntriesKey  seal.KeyID = "duty/registrar/entries"    // of what agencies call entries
	// LastingKey is of what is found again however often the key of tokens is replaced.
	LastingKey seal.KeyID = "duty/registrar/lasting"
	// HubSecretsKey derives what a hub's relationship manager knows a person by.
	HubSecretsKey seal.KeyID = "duty/registrar/hub-secrets/1"
)

// SigningKey is the key that a registrar signs with. Its public half stands in the
// partnership document.
func SigningKey(code ident.Registrar) seal.KeyID {
	return seal.KeyID("sign/registrar/" + string(code) + "/1")
}

// ProviderKey is the key that a registrar's OpenID Provider signs with in an epoch: no
// key of its statements, so that neither is ever taken for the other. The newest one
// that is there signs, and all that are there are published.
func ProviderKey(code ident.Registrar, epoch int) seal.KeyID {
	return seal.KeyID("sign/openid/" + string(code) + "/" + strconv.Itoa(epoch))
}

// MakeKeys makes what is missing of the duty's keys.
func MakeKeys(ctx context.Context, keys seal.Provider, code ident.Registrar) error {
	for _, k := range []struct {
		id   seal.KeyID
		kind seal.KeyKind
	}{
		{RecordsKey, seal.KindWrap}, {SubjectsKey, seal.KindWrap}, {TokensKey, seal.KindMAC}, {LastingKey, seal.KindMAC}, {EntriesKey, seal.KindMAC}, {HubSecretsKey, seal.KindMAC},
		{AccountsKey, seal.KindWrap}, {ApartKey, seal.KindWrap}, {PairsKey, seal.KindMAC}, {signin.SecretsKey, seal.KindMAC}, {signin.NamesKey, seal.KindMAC},
		{ProviderKey(code, 1), seal.KindSign},
		{SigningKey(code), seal.KindSign},
	} {
		if _, _, err := keys.Ensure(ctx, k.id, k.kind); err != nil {
			return err
		}
	}
	return nil
}

// MakeLaterKeys makes the keys that a hub of an earlier release has none of, and that
// nothing was sealed under before.
func MakeLaterKeys(ctx context.Context, keys seal.Provider) error {
	if _, _, err := keys.Ensure(ctx, ApartKey, seal.KindWrap); err != nil {
		return err
	}
	if _, _, err := keys.Ensure(ctx, LastingKey, seal.KindMAC); err != nil {
		return err
	}
	_, _, err := keys.Ensure(ctx, PairsKey, seal.KindMAC)
	return err
}

// Config is what the duty needs. All but StandIn, SecondLevel and Recipients is required.
type Config struct {
	// Registrar is whose registers are served: a code of the partnership document.
	Registrar ident.Registrar
	// StandIn is the registrar whose process this is, where it stands in for Registrar:
	// Keys is then a copy of the other's. Empty where it serves its own.
	StandIn ident.Registrar
	// DB is open as the registrar role.
	DB *sql.DB
	// Keys holds what MakeKeys makes.
	Keys seal.Provider
	// Now is the clock.
	Now func() time.Time
	// SecondLevel are the registers of somebody else's that items can be checked
	// against, by name: the URL of each. It may be empty (REG-05).
	SecondLevel map[string]string
	// Registerer takes the duty's metrics.
	Registerer prometheus.Registerer
	// Recipients are the keys that recognitions are encrypted to: the relationship
	// manager's. Without any, nobody is given one to carry.
	Recipients attest.Recipients
}

// Service is the registrar duty. It is safe for concurrent use.
type Service struct {
	registrar ident.Registrar
	standIn   ident.Registrar
	db        *sql.DB
	queries   *registrardb.Queries
	keys      seal.Provider
	clock     func() time.Time
	meter     *meter
	models    models
	reading   atomic.Int32 // the epoch that the last look-up was by

	secondLevel map[string]string
	client      *http.Client
	signer      *attest.Signer
	to          attest.Recipients
}

// New returns the duty, or an error that says what the Config lacks.
func New(c Config) (*Service, error) {
	switch {
	case !isCode(string(c.Registrar)):
		return nil, errors.New("registrar: set Registrar: its code in the partnership document")
	case c.DB == nil:
		return nil, errors.New("registrar: set DB: open the database as the registrar role")
	case c.Keys == nil:
		return nil, errors.New("registrar: set Keys: the provider that MakeKeys has been called with")
	case c.Now == nil:
		return nil, errors.New("registrar: set Now: the clock, such as time.Now")
	case c.Registerer == nil:
		return nil, errors.New("registrar: set Registerer: where metrics are registered")
	}
	m, err := newMeter(c.Registerer)
	if err != nil {
		return nil, err
	}
	return &Service{
		registrar: c.Registrar, standIn: c.StandIn, db: c.DB, queries: registrardb.New(), keys: c.Keys, clock: c.Now, meter: m,
		models: models{held: map[ident.Register]*match.Model{}}, secondLevel: c.SecondLevel,
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		signer: attest.NewSigner(c.Keys, SigningKey(c.Registrar), string(c.Registrar)), to: c.Recipients,
	}, nil
}

// now is the instant of one request, as exact as the database keeps it.
func (s *Service) now() time.Time { return exact(s.clock()) }

func exact(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// mayKeep returns the role in which the caller keeps this registrar's registers:
// one that the partnership document lists for it, at the agency that answers for
// it. It depends on the caller and the terms alone: Forbidden says why.
func (s *Service) mayKeep(caller decide.Caller) (string, error) {
	r := caller.Terms.FindRegistrar(string(s.registrar))
	if r == nil {
		return "", fault.New(fault.Forbidden, "the partnership document names no registrar %s: have it added under registrars", s.registrar)
	}
	if s.standIn != "" {
		if r = caller.Terms.FindRegistrar(string(s.standIn)); r == nil || !slices.Contains(caller.Terms.FindRegistrar(string(s.registrar)).CoveredBy, string(s.standIn)) {
			return "", fault.New(fault.Forbidden, "the partnership document does not list %s under covered_by of the registrar %s", s.standIn, s.registrar)
		}
	}
	if caller.Agency == r.Agency {
		if role, ok := caller.RoleAmong(r.Roles); ok {
			return role, nil
		}
	}
	return "", fault.New(fault.Forbidden, "this is for those who keep the register: hold a role that the partnership document lists "+
		"for the registrar, at the agency that answers for it")
}

// opens lets the caller begin what one who keeps a register does with it, for a reason,
// and returns their role. What else is wrong with the request more finds, so that one
// answer names every place. Errors: Forbidden, Invalid, NotKnown, in this order.
func (s *Service) opens(ctx context.Context, caller decide.Caller, id ident.Register, reason string, more ...func(*checks)) (role string, err error) {
	if role, err = s.mayKeep(caller); err != nil {
		return "", err
	}
	var c checks
	c.that(decide.Has(caller.Terms.Codes.Reasons, reason), "name one of the partnership's reasons", "/reason")
	for _, check := range more {
		check(&c)
	}
	if err := c.fault(); err != nil {
		return "", err
	}
	_, err = s.served(ctx, s.db, caller, id)
	return role, err
}

// notThere is the answer about a register or an entry that is none, or none that the
// caller may know of.
func notThere(what string) error {
	return fault.New(fault.NotKnown, "there is no %s that you may know of under this code or reference", what)
}

// isCode reports what the database's domain governance.code accepts.
func isCode(s string) bool {
	for _, r := range []byte(s) {
		if r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 63 && s[0] != '-'
}

// checks gathers what is wrong with a request, so that one answer names every place.
// It keeps pointers and advice, never values.
type checks []fault.Field

func (c *checks) that(ok bool, advice, pointer string, args ...any) {
	if !ok {
		*c = append(*c, fault.Field{Pointer: fmt.Sprintf(pointer, args...), Detail: advice})
	}
}

// fault is nil when nothing was found, else Invalid.
func (c checks) fault() error {
	if len(c) == 0 {
		return nil
	}
	f := fault.New(fault.Invalid, "correct what is listed under errors")
	f.Fields = c
	return f
}
