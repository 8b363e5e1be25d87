package federation

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
)

// The duty's keys.
const (
	RecordsKey seal.KeyID = "duty/federation/records" // KindWrap: its acts are sealed under it
	SigningKey seal.KeyID = "sign/federation/1"       // KindSign: what the hub is known by among hubs
	OpenerKey  seal.KeyID = "agree/federation/1"      // KindAgree: what peers encrypt to
)

// MakeKeys makes the duty's keys where they are missing.
func MakeKeys(ctx context.Context, keys seal.Provider) error {
	for id, kind := range map[seal.KeyID]seal.KeyKind{RecordsKey: seal.KindWrap, SigningKey: seal.KindSign, OpenerKey: seal.KindAgree} {
		if _, _, err := keys.Ensure(ctx, id, kind); err != nil {
			return fmt.Errorf("federation: key %s: %w", id, err)
		}
	}
	return nil
}

// Config is what the duty needs. All but Recognitions is required.
type Config struct {
	// Hub is the hub's identifier among hubs: the address at which it is served.
	Hub    string
	DB     *sql.DB       // opened as the federation role
	Keys   seal.Provider // holds what MakeKeys makes
	Now    func() time.Time
	Logger *slog.Logger
	// Terms are the partnership's of now.
	Terms func(context.Context) (*decide.Terms, error)
	// Client fetches what others state.
	Client *entity.Fetcher
	// LogKey is the verifier key of the hub's log (C2SP signed-note).
	LogKey string
	// Recognitions are relmgr's keys that registrars encrypt to. Without any, this hub takes no
	// other hub's registrar's word of a person.
	Recognitions attest.Recipients
}

// Service is the duty. It is safe for concurrent use, also by several processes on one
// database.
type Service struct {
	hub    string
	db     *sql.DB
	q      *federationdb.Queries
	keys   seal.Provider
	clock  func() time.Time
	log    *slog.Logger
	terms  func(context.Context) (*decide.Terms, error)
	client *entity.Fetcher
	logKey string
	sealed attest.Recipients // what it is encrypted to

	toRelmgr attest.Recipients

	asking singleflight.Group // one look at a peer at a time
	mu     sync.Mutex
	seen   map[string]seen // what peers state, by address

	registers map[string]read       // what peers publish, by address
	reached   map[string]heardReach // whom peers pass on to, by address
	met       map[string]metBeyond  // whom they were shown to be
}

// New opens the duty. A key file with other keys than peers know the hub by is refused.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.DB == nil || c.Keys == nil || c.Now == nil || c.Logger == nil || c.Terms == nil || c.Client == nil || c.LogKey == "" {
		return nil, errors.New("federation: give a database, keys, a clock, a logger, the terms, a client and the log's key")
	}
	if entity.CheckID(c.Hub) != nil {
		c.Logger.WarnContext(ctx, "other hubs cannot reach this one: its address is neither https nor this machine's")
	}
	s := &Service{
		hub: c.Hub, db: c.DB, q: federationdb.New(), keys: c.Keys, clock: c.Now, log: c.Logger, terms: c.Terms, client: c.Client, logKey: c.LogKey,
		seen: map[string]seen{}, registers: map[string]read{}, reached: map[string]heardReach{}, met: map[string]metBeyond{}, toRelmgr: c.Recognitions,
	}
	set, err := attest.PublicKeys(ctx, c.Keys, SigningKey)
	if err != nil {
		return nil, fmt.Errorf("federation: %w", err)
	}
	if err := s.confirmKey(ctx, SigningKey, "sig", set); err != nil {
		return nil, err
	}
	if err := s.confirmNext(ctx); err != nil {
		return nil, err
	}
	if s.sealed, err = attest.RecipientKeys(ctx, c.Keys, OpenerKey); err != nil {
		return nil, fmt.Errorf("federation: %w", err)
	}
	if err = s.confirmKey(ctx, OpenerKey, "enc", s.sealed); err != nil {
		return nil, err
	}
	return s, nil
}

// confirmKey stores what the hub is known by, the first time, and holds the key file to
// it from then on. Two processes that race hold the same file, or one is refused.
func (s *Service) confirmKey(ctx context.Context, id seal.KeyID, use string, set json.Marshaler) error {
	jwk, err := set.MarshalJSON()
	if err != nil {
		return err
	}
	if err := s.q.KeepHubKey(ctx, s.db, federationdb.KeepHubKeyParams{KeyID: string(id), Use: use, Jwk: string(jwk), At: s.now()}); err != nil {
		return pg.Fault(err)
	}
	known, err := s.q.FindHubKey(ctx, s.db, string(id))
	if err != nil {
		return pg.Fault(err)
	}
	if known != string(jwk) {
		return fmt.Errorf("federation: key %s: %w", id, seal.ErrKeyChanged)
	}
	return nil
}

// confirmNext holds the key file to the keys that the hub has changed to since.
func (s *Service) confirmNext(ctx context.Context) error {
	rows, err := s.q.ListHubKeys(ctx, s.db)
	if err != nil {
		return pg.Fault(err)
	}
	for _, r := range rows[1:] {
		set, err := attest.PublicKeys(ctx, s.keys, seal.KeyID(r.KeyID))
		if err != nil {
			return fmt.Errorf("federation: key %s: %w", r.KeyID, err)
		}
		if err := s.confirmKey(ctx, seal.KeyID(r.KeyID), "sig", set); err != nil {
			return err
		}
	}
	return nil
}

// Hub is the hub's identifier among hubs.
func (s *Service) Hub() string { return s.hub }

func (s *Service) now() time.Time { return s.clock().UTC().Truncate(time.Microsecond) }

// The hub itself, where it records what it saw: no person signs in as it.
const (
	theHub      = "the-hub"
	theObserver = "federation"
)

// byHub is the hub as an actor, on the terms of now.
func (s *Service) byHub(ctx context.Context) (decide.Caller, error) {
	terms, err := s.terms(ctx)
	if err != nil {
		return decide.Caller{}, err
	}
	return decide.Caller{Actor: decide.Actor{Practitioner: theHub, Agency: theHub, Roles: []string{theObserver}}, Terms: terms}, nil
}

// Receipt names a record and the commitment under which the ledger keeps it.
type Receipt struct {
	Act        ident.ActID
	Commitment []byte // 32 bytes
}
