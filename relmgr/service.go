package relmgr

import (
	"context"
	"database/sql"
	"errors"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/batch"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr/internal/relmgrdb"
)

// Keys of the duty itself; those of columns and agencies are made when they
// are first used.
const (
	recordsKey = seal.KeyID("duty/relmgr/records")
	pairingKey = seal.KeyID("duty/relmgr/pairings")
	sampleKey  = seal.KeyID("duty/relmgr/samples")
	importsKey = seal.KeyID("duty/relmgr/imports")

	recognitionKey = seal.KeyID("duty/relmgr/recognitions")
	// AgreementKey is the first that registrars encrypt a subject's secret of this hub to.
	AgreementKey = seal.KeyID("agree/relmgr/1")
	// SigningKey signs the proofs of handles that other duties accept.
	SigningKey = seal.KeyID("sign/relmgr/1")
	// Issuer is who those proofs come from.
	Issuer = "relmgr"
)

// Config is what a Service is built from. DB, Keys and Now are required.
type Config struct {
	DB   *sql.DB // logged in as the relmgr role
	Keys seal.Provider
	Now  func() time.Time
	// Gate is what the reads of enquiries share with the edge's look-ups; nil makes one.
	Gate batch.Gate
	// Federation trusts what the hub's own federation duty signs; nil: there is none.
	Federation *attest.Verifier
	// Metrics counts emergencies; nil counts nothing.
	Metrics prometheus.Registerer
}

// Service is the relationship manager. Each method is one transaction with its
// act inside, which enquiries share with those that are asked at the same time;
// all are safe for concurrent use.
type Service struct {
	db         *sql.DB
	read       relmgrdb.DBTX // the same, through prepared statements: the enquiry's read and append
	rows       *batch.Asker[place, row]
	append     *appender
	q          *relmgrdb.Queries
	keys       *keyring
	proofs     *attest.Signer
	federation *attest.Verifier
	opener     *atomic.Pointer[attest.Opener]
	now        func() time.Time
	schemes    *atomic.Int64 // the version of the terms whose schemes this process has heard
	once       []byte        // hash of an idempotency key, nil for none
	// emergencies counts those declared, found or not: it moves with the asker's
	// word alone, so it tells nothing of anybody asked about.
	emergencies prometheus.Counter
	retained    prometheus.Gauge // when retention last ran to its end; until then, when the process began
	notified    prometheus.Gauge // when all changes had last been worked off; until then, when the process began
	complaints  prometheus.Gauge // 1 while one is not acknowledged in time
	undelivered prometheus.Gauge // 1 while notices are sent in vain: how many would tell
}

// New builds the service and confirms that the keys are those that this
// database was filled with. It refuses another key file. Whoever builds one
// closes it.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.DB == nil || c.Keys == nil || c.Now == nil {
		return nil, errors.New("relmgr.New: DB, Keys and Now are required")
	}
	s := &Service{
		db: c.DB, read: pg.Prepare(c.DB), q: relmgrdb.New(), now: c.Now,
		keys:   &keyring{keys: c.Keys, db: c.DB, q: relmgrdb.New()},
		proofs: attest.NewSigner(c.Keys, SigningKey, Issuer), federation: c.Federation,
		opener: new(atomic.Pointer[attest.Opener]), schemes: new(atomic.Int64),
		emergencies: promauto.With(c.Metrics).NewCounter(prometheus.CounterOpts{
			Name: "fame_emergencies_total",
			Help: "Emergencies declared and recorded, whether or not they found anything.",
		}),
		retained: promauto.With(c.Metrics).NewGauge(prometheus.GaugeOpts{
			Name: "fame_retention_completed_timestamp_seconds",
			Help: "When this process last erased all that was past its time; before the first time, when it began.",
		}),
	}
	s.notified = promauto.With(c.Metrics).NewGauge(prometheus.GaugeOpts{
		Name: "fame_notices_completed_timestamp_seconds",
		Help: "When this process last made the notices of all that had changed; before the first time, when it began.",
	})
	s.undelivered = promauto.With(c.Metrics).NewGauge(prometheus.GaugeOpts{
		Name: "fame_notices_undelivered",
		Help: "1 while notices have been sent to an agency's address in vain for more than half an hour.",
	})
	s.complaints = promauto.With(c.Metrics).NewGauge(prometheus.GaugeOpts{
		Name: "fame_complaints_overdue",
		Help: "1 while a person's complaint has not been acknowledged within 30 days.",
	})
	s.retained.Set(float64(c.Now().Unix()))
	s.notified.Set(float64(c.Now().Unix()))
	if err := s.keys.confirmAll(ctx); err != nil {
		return nil, err
	}
	for id, kind := range map[seal.KeyID]seal.KeyKind{pairingKey: seal.KindMAC, sampleKey: seal.KindMAC, importsKey: seal.KindMAC, SigningKey: seal.KindSign,
		recognitionKey: seal.KindMAC, AgreementKey: seal.KindAgree} {
		if err := s.keys.ensure(ctx, id, kind); err != nil {
			return nil, err
		}
	}
	if err := s.keys.hear(ctx); err != nil {
		return nil, err
	}
	if err := s.openAll(ctx); err != nil {
		return nil, err
	}
	gate := c.Gate
	if gate == nil {
		gate = batch.NewGate()
	}
	s.rows = batch.New(mostPlaces, gate, func(ctx context.Context, places []place) ([]row, error) {
		return s.readRows(ctx, s.read, places)
	})
	s.append = newAppender(func(ctx context.Context, p relmgrdb.RecordEnquiriesParams) ([]ident.EnquiryID, error) {
		return s.q.RecordEnquiries(ctx, s.read, p)
	})
	return s, nil
}

// Close ends the service when no more is asked of it: enquiries that wait to be
// recorded are, and later ones are Unavailable. Close the pool after it.
func (s *Service) Close() { s.append.close() }

// column returns a column that the caller may act for. A column that is not
// there, is closed or is somebody else's gives one answer (COL-03, QRY-06).
func (s *Service) column(who decide.Caller, id ident.Column, at time.Time) (*decide.Column, error) {
	c := who.Terms.FindColumn(id, at)
	if c == nil || !who.MemberOf(c) {
		return nil, fault.New(fault.Forbidden, "you are not a member of that column: name a column that your agency has put you in")
	}
	return c, nil
}

// stamp is the instant of one method, in the precision that Postgres keeps.
func (s *Service) stamp() time.Time { return s.now().UTC().Truncate(time.Microsecond) }
