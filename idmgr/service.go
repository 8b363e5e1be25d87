package idmgr

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/idmgr/internal/idmgrdb"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/prometheus/client_golang/prometheus"
)

// ProofAudience is the audience of the proofs of handles that this duty accepts.
const ProofAudience = "idmgr"

// RecordsKey is the KindWrap key under which a manager's records are sealed.
func RecordsKey(m ident.Idmgr) seal.KeyID { return seal.KeyID("manager/" + string(m) + "/records") }

// SigningKey is the KindSign key of a manager's grants.
func SigningKey(m ident.Idmgr) seal.KeyID { return seal.KeyID("sign/manager/" + string(m) + "/1") }

// Config is what the duty needs. All of it but Federation and Metrics is required.
type Config struct {
	// Manager is who this process is: a code of the partnership document.
	Manager ident.Idmgr
	// DB is open as the idmgr role.
	DB *sql.DB
	// Keys holds the manager's own key and no other manager's. New makes it where the
	// database has never known it.
	Keys seal.Provider
	// Proofs trusts relmgr's key for proofs of handles, and only that.
	Proofs *attest.Verifier
	// Federation trusts what the hub's own federation duty signs; nil: links stay within
	// the hub.
	Federation *attest.Verifier
	// Now is the clock.
	Now func() time.Time
	// Metrics has the cases that wait; nil counts nothing.
	Metrics prometheus.Registerer
}

// Service is one identity manager. It is safe for concurrent use, and several
// processes may be the same manager.
type Service struct {
	manager ident.Idmgr
	journal *journal
	q       *idmgrdb.Queries
	proofs  *attest.Verifier
	signer  *attest.Signer
	clock   func() time.Time

	federation *attest.Verifier
	docket     docket
}

// New opens a manager: it reads what the manager has recorded. A key file that
// holds another key than the database knows is refused, for to that key all the
// manager's records would be somebody else's.
func New(ctx context.Context, c Config) (*Service, error) {
	switch {
	case c.Manager == "":
		return nil, errors.New("idmgr: set Manager: its code in the partnership document")
	case c.DB == nil:
		return nil, errors.New("idmgr: set DB: open the database as the idmgr role")
	case c.Keys == nil:
		return nil, errors.New("idmgr: set Keys: the provider of the manager's own key")
	case c.Proofs == nil:
		return nil, errors.New("idmgr: set Proofs: the verifier of relmgr's proofs of handles")
	case c.Now == nil:
		return nil, errors.New("idmgr: set Now: the clock, such as time.Now")
	}
	q := idmgrdb.New()
	if err := confirm(ctx, c, q); err != nil {
		return nil, fmt.Errorf("idmgr: key %s: %w", RecordsKey(c.Manager), err)
	}
	if _, _, err := c.Keys.Ensure(ctx, SigningKey(c.Manager), seal.KindSign); err != nil {
		return nil, fmt.Errorf("idmgr: key %s: %w", SigningKey(c.Manager), err)
	}
	s := &Service{
		manager: c.Manager, q: q, proofs: c.Proofs, signer: attest.NewSigner(c.Keys, SigningKey(c.Manager), string(c.Manager)), clock: c.Now, federation: c.Federation,
		docket: newDocket(c.Metrics),
		journal: &journal{db: c.DB, q: q, keys: c.Keys, key: RecordsKey(c.Manager), links: map[ident.LinkID]*link{}, codes: map[string]ident.LinkID{},
			fars: map[far]ident.LinkID{}, letters: map[ident.ActID]pending{}, waiting: map[ident.ActID]*string{}},
	}
	return s, s.journal.read(ctx)
}

// confirm makes the manager's key where the database has none, and holds it to its
// check value. Two processes that race end with one key file's key.
func confirm(ctx context.Context, c Config, q *idmgrdb.Queries) error {
	id := RecordsKey(c.Manager)
	known, err := q.FindKeyCheck(ctx, c.DB, c.Manager)
	if errors.Is(err, sql.ErrNoRows) {
		check, _, err := c.Keys.Ensure(ctx, id, seal.KindWrap)
		if err != nil {
			return err
		}
		if err := q.KeepKeyCheck(ctx, c.DB, idmgrdb.KeepKeyCheckParams{Manager: c.Manager, CheckValue: check}); err != nil {
			return pg.Fault(err)
		}
		if known, err = q.FindKeyCheck(ctx, c.DB, c.Manager); err != nil {
			return pg.Fault(err)
		}
		if !bytes.Equal(known, check) {
			return seal.ErrKeyChanged
		}
		return nil
	}
	if err != nil {
		return pg.Fault(err)
	}
	return seal.Confirm(ctx, c.Keys, id, known)
}

// Manager is who this service is.
func (s *Service) Manager() ident.Idmgr { return s.manager }

// now is the instant of one request, as exact as times are kept.
func (s *Service) now() time.Time { return exact(s.clock()) }

func exact(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// serves refuses where the partnership has no such manager any more: from the next
// request on nothing is linked and no link answers (TRU).
func (s *Service) serves(t *decide.Terms) error {
	if t.FindManager(s.manager) == nil {
		return fault.New(fault.Forbidden, "the partnership document names no identity manager %s: have it added under managers", s.manager)
	}
	return nil
}

// attached refuses what is about a column to which the manager is not attached: it
// receives nothing of it, from the next request on (IDM-06).
func (s *Service) attached(t *decide.Terms, column ident.Column) error {
	if m := t.FindManager(s.manager); m != nil && !m.Serves(column) {
		return fault.New(fault.Forbidden, "this identity manager is not attached to that column: turn to another, or have it attached under managers in the partnership document")
	}
	return nil
}

// side is a handle that somebody brought.
type side struct {
	Handle ident.HandleID `json:"handle"`
	Column ident.Column   `json:"column"`
	Agency ident.Agency   `json:"agency"`
}

// proved returns what a proof of relmgr's says that the caller brings, and its
// column: as for consent, the caller in person, at their agency of now, and a
// member of the open column now. Every failure is the same Invalid.
func (s *Service) proved(ctx context.Context, who decide.Caller, token string, at time.Time) (side, *decide.Column, error) {
	proof, err := s.proofs.VerifyHandleProof(ctx, token, ProofAudience)
	unusable := fault.At("/proof", "ask POST /relmgr/v1/handles for a new proof")
	if errors.Is(err, attest.ErrStatement) {
		return side{}, nil, unusable.Because(err)
	} else if err != nil {
		return side{}, nil, err
	}
	column, err := who.Brings(proof.Subject, proof.Agency, proof.Column, at)
	if err != nil {
		return side{}, nil, unusable.Because(err)
	}
	if err := s.attached(who.Terms, column.ID); err != nil {
		return side{}, nil, err
	}
	return side{proof.Handle, column.ID, column.Agency}, column, nil
}

// Receipt names a record and the commitment under which the ledger keeps it.
type Receipt struct {
	Act        ident.ActID
	Commitment []byte // 32 bytes
}
