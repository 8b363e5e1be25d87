package federation

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/federation/registers"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// The steps of a peer.
const (
	invite       = "invite"
	confirm      = "confirm"
	seeConfirmed = "see-confirmed" // the other side's statement was seen
	seeEnded     = "see-ended"     // ... and is not there any more
	renewKeys    = "renew-keys"    // the peer stated other keys, signed with one that was known
	suspend      = "suspend"
	readmit      = "readmit"
	leave        = "leave"
)

// inForce reports whether this side has confirmed and not ended it.
func inForce(ours string) bool { return ours == confirm || ours == readmit }

// PeerState is how a peer stands.
type PeerState struct {
	ID           ident.PeerID
	Entity       string
	State        string // invited, confirmed, suspended, left
	Theirs       string // not-seen, confirmed, ended
	Since        time.Time
	Fingerprints []string
	Agreement    Agreement
	Digest       Digest
}

func stateOf(r federationdb.FederationPeersInForce) (p PeerState, err error) {
	p = PeerState{ID: r.PeerID, Entity: r.EntityID, Since: r.Since, Theirs: "not-seen"}
	p.State = map[string]string{invite: "invited", confirm: "confirmed", readmit: "confirmed", suspend: "suspended", leave: "left"}[r.Ours]
	switch {
	case r.Theirs == seeConfirmed && slices.Equal(r.TheirAgreement, r.Agreement):
		p.Theirs = "confirmed"
	case r.Theirs == seeEnded:
		p.Theirs = "ended"
	}
	keys, err := entity.ParseKeys([]byte(r.Keys))
	if err != nil {
		return p, err
	}
	p.Fingerprints = keys.Fingerprints()
	p.Agreement, p.Digest, err = agreementOf([]byte(r.Document))
	return p, err
}

// Peers lists the hubs that this hub has met, in the order of their addresses (FED-26).
func (s *Service) Peers(ctx context.Context) (all []PeerState, err error) {
	defer fault.Wrap(&err, "federation.Peers")
	rows, err := s.q.ListPeers(ctx, s.db)
	if err != nil {
		return nil, pg.Fault(err)
	}
	all = make([]PeerState, len(rows))
	for i, r := range rows {
		if all[i], err = stateOf(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Change is a peer as a step left it, and the step's record.
type Change struct {
	Receipt
	Peer PeerState
}

// Invite reads what another hub states of itself and proposes an agreement, or takes the
// one that the other side has confirmed. It asks and answers nothing yet: the keys are
// kept as they were shown, for two people to compare.
func (s *Service) Invite(ctx context.Context, c decide.Caller, id string, proposed *Agreement) (_ Change, err error) {
	defer fault.Wrap(&err, "federation.Invite")
	if err := needOfficer(c); err != nil {
		return Change{}, err
	}
	if entity.CheckID(id) != nil || id == s.hub {
		return Change{}, fault.At("/entity", "write the https address of another hub, as its configuration has it; http is for this machine alone")
	}
	if entity.CheckID(s.hub) != nil {
		return Change{}, fault.New(fault.Conflict, "give this hub an https address first: other hubs know it by it")
	}
	if err := s.apart(ctx, id); err != nil {
		return Change{}, err
	}
	met, err := s.meet(ctx, id, nil)
	if err != nil {
		return Change{}, told(err)
	}
	agreed, digest, err := s.agreeing(id, proposed, met)
	if err != nil {
		return Change{}, err
	}
	document, err := agreed.canonical()
	if err != nil {
		return Change{}, err
	}
	keys, err := json.Marshal(met.keys)
	if err != nil {
		return Change{}, err
	}
	a := s.by(c, invite, officer)
	a.Peer = &peerStep{Entity: id, Agreement: digest.String(), Document: string(document), Keys: string(keys)}
	return s.step(ctx, a, id, func(*federationdb.FederationPeersInForce) error { return nil })
}

// apart refuses a hub whose space and another's would overlap (FED-01).
func (s *Service) apart(ctx context.Context, id string) error {
	rows, err := s.q.ListPeers(ctx, s.db)
	if err != nil {
		return pg.Fault(err)
	}
	if registers.Overlap(id, s.hub) || slices.ContainsFunc(rows, func(r federationdb.FederationPeersInForce) bool {
		return r.EntityID != id && registers.Overlap(id, r.EntityID)
	}) {
		return fault.At("/entity", "that address lies below another hub's, or another's below it: no two hubs share a space")
	}
	return nil
}

// agreeing is the agreement of an invitation.
func (s *Service) agreeing(id string, proposed *Agreement, met met) (a Agreement, d Digest, err error) {
	switch {
	case met.agreement != nil && proposed == nil:
		a = *met.agreement
	case proposed == nil:
		return a, d, fault.At("/agreement", "propose an agreement: the other side has confirmed none that could be taken")
	default:
		a = *proposed
	}
	if err := a.check(s.now()); err != nil {
		return a, d, err
	}
	for i, hub := range a.Relays {
		if hub != s.hub && hub != id {
			return a, d, fault.At(fmt.Sprintf("/agreement/relays/%d", i), "name one of the two hubs, or both: nobody else agrees here to pass questions on")
		}
	}
	if d, err = a.Digest(); err != nil {
		return a, d, err
	}
	if met.agreement != nil && met.digest != d {
		return a, d, fault.At("/agreement", "the other side has confirmed another agreement: leave yours out to be shown theirs, or have them end it")
	}
	return a, d, nil
}

// Confirm confirms a peer, by the fingerprints and the agreement that somebody compared
// with the other side's.
func (s *Service) Confirm(ctx context.Context, c decide.Caller, id ident.PeerID, digest string, fingerprints []string) (_ Change, err error) {
	defer fault.Wrap(&err, "federation.Confirm")
	if err := needOfficer(c); err != nil {
		return Change{}, err
	}
	p, err := s.found(ctx, id)
	if err != nil {
		return Change{}, err
	}
	a := s.by(c, confirm, officer)
	a.Peer = &peerStep{Entity: p.EntityID, Agreement: digest}
	return s.step(ctx, a, p.EntityID, func(was *federationdb.FederationPeersInForce) error {
		now, err := stateOf(*was)
		if err != nil {
			return err
		}
		compared := slices.Sorted(slices.Values(fingerprints))
		switch {
		case was.Ours != invite:
			return fault.New(fault.Conflict, "invite the hub first: what was invited is confirmed once")
		case now.Digest.String() != digest:
			return fault.At("/agreement", "this is not the agreement of the newest invitation: compare it again")
		case !slices.Equal(compared, now.Fingerprints):
			return fault.At("/fingerprints", "these are not the fingerprints of the newest invitation, all of them: compare them again with the other side")
		}
		return now.Agreement.check(s.now())
	})
}

// Suspend suspends a peer: it is asked and answered nothing from the next request on.
func (s *Service) Suspend(ctx context.Context, c decide.Caller, id ident.PeerID, reason string) (_ Change, err error) {
	defer fault.Wrap(&err, "federation.Suspend")
	return s.turn(ctx, c, id, suspend, reason, inForce, "only a confirmed peer is suspended")
}

// Readmit takes a suspension back, on the agreement and the keys that were confirmed.
func (s *Service) Readmit(ctx context.Context, c decide.Caller, id ident.PeerID, reason string) (_ Change, err error) {
	defer fault.Wrap(&err, "federation.Readmit")
	return s.turn(ctx, c, id, readmit, reason, func(ours string) bool { return ours == suspend }, "only a suspended peer is readmitted")
}

// Leave ends what was agreed with a peer.
func (s *Service) Leave(ctx context.Context, c decide.Caller, id ident.PeerID, reason string) (_ Change, err error) {
	defer fault.Wrap(&err, "federation.Leave")
	return s.turn(ctx, c, id, leave, reason, func(ours string) bool { return ours != leave }, "it has ended already")
}

func (s *Service) turn(ctx context.Context, c decide.Caller, id ident.PeerID, kind, reason string, may func(ours string) bool, otherwise string) (Change, error) {
	if err := needOfficer(c); err != nil {
		return Change{}, err
	}
	if err := needReason(c, reason); err != nil {
		return Change{}, err
	}
	p, err := s.found(ctx, id)
	if err != nil {
		return Change{}, err
	}
	a := s.by(c, kind, officer)
	a.Peer, a.Reason = &peerStep{Entity: p.EntityID}, reason
	return s.step(ctx, a, p.EntityID, func(was *federationdb.FederationPeersInForce) error {
		if !may(was.Ours) {
			return fault.New(fault.Conflict, "%s", otherwise)
		}
		return nil
	})
}

func (s *Service) found(ctx context.Context, id ident.PeerID) (federationdb.FederationPeersInForce, error) {
	p, err := s.q.FindPeerByID(ctx, s.db, id)
	if errors.Is(err, sql.ErrNoRows) {
		return p, fault.New(fault.NotKnown, "name a peer as GET %s/peers has it", Prefix)
	}
	return p, pg.Fault(err)
}

// step makes the next step of a peer, after every step before it: the act, its record
// and its line, or nothing. may is given the peer as it stands; only an invitation begins
// one.
func (s *Service) step(ctx context.Context, a *act, id string, may func(*federationdb.FederationPeersInForce) error) (out Change, err error) {
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if err := s.q.WaitForTurn(ctx, tx); err != nil {
			return err
		}
		was, err := s.q.FindPeer(ctx, tx, id)
		switch {
		case errors.Is(err, sql.ErrNoRows) && a.Kind == invite:
			was.PeerID = ident.NewPeer()
		case err != nil:
			return err
		default:
			if err := may(&was); err != nil {
				return err
			}
		}
		step := *a.Peer
		step.Peer, step.Step, step.Ordinal = was.PeerID, a.Kind, was.Ordinal+1
		made := *a
		made.Peer = &step
		if out.Receipt, err = s.record(ctx, tx, &made); err != nil {
			return err
		}
		if err := s.append(ctx, tx, made); err != nil {
			return err
		}
		now, err := s.q.FindPeer(ctx, tx, id)
		if err != nil {
			return err
		}
		out.Peer, err = stateOf(now)
		return err
	})
	return out, err
}

// append writes the line of a peer's step.
func (s *Service) append(ctx context.Context, tx *sql.Tx, a act) error {
	p := federationdb.AppendPeerParams{
		ActID: a.Act, PeerID: a.Peer.Peer, EntityID: a.Peer.Entity, Ordinal: a.Peer.Ordinal, Step: a.Peer.Step,
		Keys: sql.NullString{String: a.Peer.Keys, Valid: a.Peer.Keys != ""},
	}
	if a.Peer.Agreement != "" {
		digest, err := digestOf(a.Peer.Agreement)
		if err != nil {
			return err
		}
		p.Agreement = digest[:]
		if a.Peer.Document != "" {
			if err := s.q.KeepAgreement(ctx, tx, federationdb.KeepAgreementParams{Digest: digest[:], Document: a.Peer.Document}); err != nil {
				return err
			}
		}
	}
	return s.q.AppendPeer(ctx, tx, p)
}

// told is what an officer is told of a hub that could not be met.
func told(err error) error {
	switch {
	case errors.Is(err, entity.ErrAway), errors.Is(err, entity.ErrGone):
		return fault.At("/entity", "nothing is stated at that address now: have the other side look whether its hub is served there").Because(err)
	case errors.Is(err, entity.ErrRefused), errors.Is(err, errNoHub):
		return fault.At("/entity", "what is stated at that address is no hub's, or cannot be relied on: have the other side look at its log").Because(err)
	}
	return err
}

// keySet reads the keys of a hub: ours are all of one kind.
func keySet(keys entity.Keys) (attest.KeySet, error) {
	b, err := json.Marshal(keys)
	if err != nil {
		return attest.KeySet{}, err
	}
	set, err := attest.ParseKeySet(b)
	if err != nil {
		return attest.KeySet{}, errNoHub
	}
	return set, nil
}
