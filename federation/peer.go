package federation

import (
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// Peer is another hub that may be asked and answered now.
type Peer struct {
	ID        ident.PeerID
	Entity    string // its address: the issuer of what it signs
	Agreement Agreement
	Digest    Digest
	// Keys verify what it signs as itself.
	Keys attest.KeySet
	// Encryption is what messages to it are encrypted to.
	Encryption attest.Recipients
	LogKey     string     // verifies its log's checkpoints
	LookUp     *LookUpKey // nil: it takes no private look-ups
	Coverage   *Coverage  // nil: it does not say
	Endpoints  Endpoints
	// Expires is until when its statements hold: ask again from then on.
	Expires time.Time

	stated entity.Keys // Keys, as it states them

	// Path is through whom it is reached, itself the last; none of a peer. Chain is then
	// what shows what it is, its configuration first (docs/decisions/0105).
	Path  []string
	Chain []string
}

// seen is what a peer states, as it was last seen, and what this side's decision was when
// it was.
type seen struct {
	ordinal int32
	peer    Peer
}

// met is what a hub states of itself, and of this hub where it does.
type met struct {
	config *entity.Statement
	keys   entity.Keys
	set    attest.KeySet
	hub    hubMetadata
	to     attest.Recipients

	agreement *Agreement // nil: nothing is stated about this hub
	digest    Digest
	expires   time.Time
}

// meet reads what a hub states, of itself and of this hub. With pinned keys it must be one of
// those that signed, and what it states is kept: while the hub is away that stands in, as
// long as it has not expired (FED-12). Errors are package entity's, and errNoHub.
func (s *Service) meet(ctx context.Context, id string, pinned *entity.Keys) (m met, err error) {
	now := s.now()
	text, err := s.client.Configuration(ctx, id)
	if errors.Is(err, entity.ErrGone) {
		err = errors.Join(entity.ErrAway, err) // where a hub was, there may be one again
	}
	if text, err = s.orKept(ctx, id, id, text, err, pinned != nil); err != nil {
		return m, err
	}
	if m.config, err = entity.OpenConfiguration(text, id, now); err != nil {
		return m, err
	}
	if pinned != nil {
		if _, err := pinned.Verify(text, entity.Typ); err != nil {
			return m, err
		}
		if err := s.keep(ctx, id, id, text, m.config.Ends()); err != nil {
			return m, err
		}
	}
	m.keys, m.expires = *m.config.Keys, m.config.Ends()
	if m.set, err = keySet(m.keys); err != nil {
		return m, err
	}
	if m.hub, m.to, err = metadataOf(m.config); err != nil {
		return m, err
	}
	text, err = s.client.About(ctx, m.config, s.hub)
	if errors.Is(err, entity.ErrGone) {
		return m, pg.Fault(s.q.ForgetStatement(ctx, s.db, federationdb.ForgetStatementParams{Issuer: id, Subject: s.hub}))
	}
	if text, err = s.orKept(ctx, id, s.hub, text, err, pinned != nil); err != nil {
		return m, err
	}
	about, err := entity.OpenAbout(text, id, s.hub, m.keys, now)
	if err != nil {
		return m, err
	}
	a, d, err := agreementOf(about.Agreement)
	if err != nil || about.Keys == nil {
		return m, errNoHub
	}
	// While the key changes the other side may not have seen the next one yet, or that the one
	// before is over.
	if own, err := s.identity(ctx); err != nil {
		return m, err
	} else if !about.Keys.Within(own.known) {
		return m, errNoHub
	}
	m.agreement, m.digest = &a, d
	if about.Ends().Before(m.expires) {
		m.expires = about.Ends()
	}
	// However long the other side lets its word live, here it is no longer than agreed.
	if bound := time.Unix(about.IssuedAt, 0).Add(a.Bound()); bound.Before(m.expires) {
		m.expires = bound
	}
	if pinned != nil {
		err = s.keep(ctx, id, s.hub, text, m.expires)
	}
	return m, err
}

// orKept is what was fetched, or what was kept where nothing could be.
func (s *Service) orKept(ctx context.Context, issuer, subject, text string, err error, may bool) (string, error) {
	if !may || !errors.Is(err, entity.ErrAway) {
		return text, err
	}
	kept, missing := s.q.FindStatement(ctx, s.db, federationdb.FindStatementParams{Issuer: issuer, Subject: subject, Now: s.now()})
	if missing != nil {
		return "", err
	}
	return kept, nil
}

// keep keeps a statement that was verified.
func (s *Service) keep(ctx context.Context, issuer, subject, text string, ends time.Time) error {
	return pg.Fault(s.q.KeepStatement(ctx, s.db, federationdb.KeepStatementParams{Issuer: issuer, Subject: subject, Statement: text, ExpiresAt: ends}))
}

// Peer returns a hub that may be asked and answered now, itself or through others. Every
// other, whatever the reason, is Forbidden; one whose statements have run out and who
// cannot be reached is Unavailable.
func (s *Service) Peer(ctx context.Context, id string) (_ Peer, err error) {
	defer fault.Wrap(&err, "federation.Peer")
	p, err := s.direct(ctx, id)
	if fault.KindOf(err) == fault.Forbidden {
		return s.beyond(ctx, id, "")
	}
	return p, err
}

// direct is Peer of a hub that both sides have confirmed.
func (s *Service) direct(ctx context.Context, id string) (_ Peer, err error) {
	row, err := s.q.FindPeer(ctx, s.db, id)
	if errors.Is(err, sql.ErrNoRows) {
		return Peer{}, errNoPeer()
	}
	if err != nil {
		return Peer{}, pg.Fault(err)
	}
	if !inForce(row.Ours) {
		return Peer{}, errNoPeer()
	}
	if p, ok := s.known(row); ok {
		return p, nil
	}
	found, err, _ := s.asking.Do(id, func() (any, error) {
		// Whoever waits for this may outlive whoever asked first.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookTimeout)
		defer cancel()
		return s.look(ctx, row)
	})
	if err != nil {
		return Peer{}, err
	}
	return found.(Peer), nil
}

// lookTimeout bounds one look at a peer.
const lookTimeout = 8 * time.Second

func errNoPeer() error {
	return fault.New(fault.Forbidden, "this hub and that one have no agreement in force: ask a governance officer of the partnership")
}

// known is the peer as it was last seen, while that holds: nothing has been done about it
// since, and neither statement nor agreement is over.
func (s *Service) known(row federationdb.FederationPeersInForce) (Peer, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, ok := s.seen[row.EntityID]
	return k.peer, ok && k.ordinal == row.Ordinal && s.now().Before(k.peer.Expires)
}

// forget has a peer looked at anew by whoever asks next.
func (s *Service) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seen, id)
	delete(s.met, id+" ")
}

// look asks the other side, records what has changed there, and remembers it.
func (s *Service) look(ctx context.Context, row federationdb.FederationPeersInForce) (Peer, error) {
	pinned, err := entity.ParseKeys([]byte(row.Keys))
	if err != nil {
		return Peer{}, err
	}
	m, err := s.meet(ctx, row.EntityID, &pinned)
	switch {
	case errors.Is(err, entity.ErrAway), errors.Is(err, entity.ErrGone):
		f := fault.New(fault.Unavailable, "the other hub does not answer now")
		f.RetryAfter = retryAway
		return Peer{}, f.Because(err)
	case errors.Is(err, entity.ErrRefused), errors.Is(err, errNoHub):
		s.log.WarnContext(ctx, "a peer states what cannot be relied on", "peer", row.PeerID.String(), "cause", err.Error())
		return Peer{}, errNoPeer()
	case err != nil:
		return Peer{}, err
	}
	ordinal, err := s.noted(ctx, row, m, pinned)
	if err == nil {
		err = s.admitted(ctx, row.EntityID, m.hub.Recognitions)
	}
	if err != nil {
		return Peer{}, err
	}
	agreed, digest, err := agreementOf([]byte(row.Document))
	if err != nil {
		return Peer{}, err
	}
	if m.agreement == nil || m.digest != digest || !agreed.Until.After(s.now()) {
		return Peer{}, errNoPeer()
	}
	if agreed.Until.Before(m.expires) {
		m.expires = agreed.Until
	}
	p := Peer{
		ID: row.PeerID, Entity: row.EntityID, Agreement: agreed, Digest: digest, Keys: m.set, Encryption: m.to, LogKey: m.hub.LogKey, LookUp: m.hub.LookUp, Coverage: m.hub.Coverage,
		Endpoints: m.hub.Endpoints, Expires: m.expires, stated: m.keys,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[row.EntityID] = seen{ordinal, p}
	return p, nil
}

const retryAway = 5 * time.Second

// noted records what has changed on the other side, as the hub's own acts: that it confirmed
// or ended, and that it states other keys, which one that was known has signed. It
// returns the ordinal of the peer's newest step.
func (s *Service) noted(ctx context.Context, row federationdb.FederationPeersInForce, m met, pinned entity.Keys) (int32, error) {
	c, err := s.byHub(ctx)
	if err != nil {
		return 0, err
	}
	note := func(kind string, step peerStep) error {
		step.Entity = row.EntityID
		a := s.by(c, kind, theObserver)
		a.Peer = &step
		_, err := s.step(ctx, a, row.EntityID, func(was *federationdb.FederationPeersInForce) error {
			row.Ordinal = was.Ordinal
			if noted(was, kind, step) {
				return errNoted
			}
			return nil
		})
		if errors.Is(err, errNoted) {
			return nil
		}
		if err == nil {
			row.Ordinal++
		}
		return err
	}
	switch {
	case m.agreement != nil && (row.Theirs != seeConfirmed || !slices.Equal(row.TheirAgreement, m.digest[:])):
		err = s.noteConfirmed(ctx, m, note)
	case m.agreement == nil && row.Theirs == seeConfirmed:
		err = note(seeEnded, peerStep{})
	}
	if err == nil && !m.keys.Same(pinned) {
		var keys []byte
		if keys, err = json.Marshal(m.keys); err == nil {
			err = note(renewKeys, peerStep{Keys: string(keys)})
		}
	}
	return row.Ordinal, err
}

// noteConfirmed notes that the other side has confirmed an agreement; one that this side
// has never proposed is no news of this axle.
func (s *Service) noteConfirmed(ctx context.Context, m met, note func(string, peerStep) error) error {
	_, err := s.q.FindAgreement(ctx, s.db, m.digest[:])
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return pg.Fault(err)
	}
	return note(seeConfirmed, peerStep{Agreement: m.digest.String()})
}

// errNoted says that another process has noted the same.
var errNoted = fault.New(fault.Conflict, "noted already")

func noted(was *federationdb.FederationPeersInForce, kind string, step peerStep) bool {
	switch kind {
	case renewKeys:
		return was.Keys == step.Keys
	case seeConfirmed:
		return was.Theirs == seeConfirmed && hex.EncodeToString(was.TheirAgreement) == step.Agreement
	}
	return was.Theirs == kind
}

func digestOf(text string) (d Digest, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(d) {
		return d, fault.At("/agreement", "write the digest of the agreement: 64 digits and small letters a to f")
	}
	return Digest(b), nil
}
