package api

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/fame-hub/fame/api/internal/edgedb"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/batch"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/prometheus/client_golang/prometheus"
)

// Defaults of a Config.
const (
	DefaultMaxBody          = 64 << 10
	DefaultTimeout          = 10 * time.Second
	DefaultAddressPerMinute = 6000

	// MaxPart is how many bytes a part of an import may have, at whichever duty.
	MaxPart = 1 << 20

	limitedClients = 10_000 // of each kind, remembered at a time
)

// Config says what an Edge is made of. The first five are required.
type Config struct {
	DB         *sql.DB // of the duty's own role
	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer
	OpenAPI    []byte // fame.OpenAPI

	// MaxBody is how many bytes a body may have. Zero: DefaultMaxBody.
	MaxBody int64
	// MaxBodies sets another limit for single operations, by operationId.
	MaxBodies map[string]int64
	// Timeout bounds every request. Zero: DefaultTimeout.
	Timeout time.Duration
	// AddressPerMinute is how many requests one address may send before anybody
	// knows whose they are. Zero: DefaultAddressPerMinute. Negative: no limit,
	// for a process behind a proxy that sets its own.
	AddressPerMinute int
	// Gate is that of the duty's own statements. Nil: one of the Edge's own.
	Gate batch.Gate
	// Transport reaches the issuers. Nil: a copy of http.DefaultTransport.
	Transport http.RoundTripper
}

// Edge is what every request passes before its duty sees it. One Edge serves
// one duty, with that duty's database role; it is safe for concurrent use.
type Edge struct {
	now           func() time.Time
	log           *slog.Logger
	contract      *contract
	maxBody       int64
	maxBodies     map[string]int64
	timeout       time.Duration
	perAddress    int
	metrics       *metrics
	authenticator *Authenticator
	db            edgedb.DBTX
	q             *edgedb.Queries
	users         *batch.Asker[sought, edgedb.FindUsersRow]
	terms         *termsCache
	addresses     *limits[netip.Prefix]
	people        *limits[[sha256.Size]byte]
	unnamed       bool
	subjectDuty   string
	subjectProofs *attest.Verifier // nil: no person has business here as themself
}

// NameNobody has the log of requests leave out who sent them, for a duty where that
// two people turned to it would tell something. Call it before serving.
func (e *Edge) NameNobody() { e.unnamed = true }

// New makes an Edge. It refuses a Config that lacks what is required, names
// operations that openapi.yaml does not have, or has a negative bound. It asks
// neither the database nor any issuer.
func New(c Config) (*Edge, error) {
	if c.DB == nil || c.Now == nil || c.Logger == nil || c.Registerer == nil || len(c.OpenAPI) == 0 {
		return nil, errors.New("api: an Edge needs DB, Now, Logger, Registerer and OpenAPI")
	}
	if c.MaxBody < 0 || c.Timeout < 0 {
		return nil, errors.New("api: MaxBody and Timeout cannot be negative")
	}
	law, err := readContract(c.OpenAPI)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	for id, limit := range c.MaxBodies {
		if !law.has(id) || limit <= 0 {
			return nil, fmt.Errorf("api: MaxBodies: %s must be an operation of openapi.yaml, with a positive limit", id)
		}
	}
	counters, err := newMetrics(c.Registerer)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	transport := c.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	db, q := pg.Prepare(c.DB), edgedb.New()
	gate := c.Gate
	if gate == nil {
		gate = batch.NewGate()
	}
	e := &Edge{
		now: c.Now, log: c.Logger, contract: law, metrics: counters,
		maxBody: orElse(c.MaxBody, DefaultMaxBody), maxBodies: c.MaxBodies,
		timeout: orElse(c.Timeout, DefaultTimeout), perAddress: orElse(c.AddressPerMinute, DefaultAddressPerMinute),
		authenticator: NewAuthenticator(c.Now, c.Logger, transport),
		db:            db, q: q, terms: &termsCache{db: db, q: q},
		addresses: newLimits[netip.Prefix](limitedClients), people: newLimits[[sha256.Size]byte](limitedClients),
	}
	e.users = batch.New(mostSought, gate, e.findUsers)
	return e, nil
}

func orElse[T comparable](given, otherwise T) T {
	var zero T
	if given == zero {
		return otherwise
	}
	return given
}

// Problem fills the problem of a duty's generated code and returns its status.
// It is the whole of a duty's NewError:
//
//	res := new(relmgroas.ProblemStatusCode)
//	res.StatusCode = edge.Problem(ctx, err, &res.Response)
//	return res
//
// The headers that belong to the problem follow by themselves.
func (e *Edge) Problem(ctx context.Context, err error, into json.Unmarshaler) int {
	f := faultOf(err, e.contract.knows)
	req := requestOf(ctx)
	req.answer(ctx, f, err)
	p := problemOf(f, req.id)
	text, err := json.Marshal(p)
	if err == nil {
		err = into.UnmarshalJSON(text)
	}
	if err != nil { // openapi.yaml and Problem have parted: the test compares them
		req.answer(ctx, fault.New(fault.Internal, "the problem does not fit the generated type"), err)
		return http.StatusInternalServerError
	}
	return p.Status
}

// ErrorHandler is for the generated server's WithErrorHandler: what goes wrong
// between the duty and the wire, decoding and validation above all, becomes a
// problem that names places by the contract's own names.
func (e *Edge) ErrorHandler(_ context.Context, w http.ResponseWriter, r *http.Request, err error) {
	writeFault(w, r, faultOf(err, e.contract.knows), err)
}

// NotFound is for WithNotFound.
func (e *Edge) NotFound(w http.ResponseWriter, r *http.Request) {
	WriteProblem(w, r, fault.New(fault.NotKnown, "see openapi.yaml for the paths that are served"))
}

// MethodNotAllowed is for WithMethodNotAllowed; allowed lists the methods.
func (e *Edge) MethodNotAllowed(w http.ResponseWriter, r *http.Request, allowed string) {
	h := w.Header()
	for _, name := range []string{"Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Accept-Post", "Accept-Patch"} {
		h.Del(name) // no page of another origin has business here
	}
	h.Set("Allow", strings.ReplaceAll(strings.ReplaceAll(allowed, " ", ""), ",", ", "))
	f := fault.New(fault.Malformed, "use one of the methods that the Allow header lists")
	req := requestOf(r.Context())
	req.answer(r.Context(), f, f)
	p := problemOf(f, req.id)
	p.Status = http.StatusMethodNotAllowed
	writeJSON(w, req, p, f)
}
