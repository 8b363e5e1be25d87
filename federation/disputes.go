package federation

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// A dispute between two hubs (TRU-10): the governance officers of one file it against the
// other, whose officers answer it once. Both hubs record it by acts of their own. What one
// has to tell the other is a row until that one has taken it, so that nothing is lost
// by a crash or while the other is away; what is told twice is taken once.

// The steps of a dispute.
const (
	fileDispute   = "file-dispute"
	seeDispute    = "see-dispute" // the other side has filed it
	answerDispute = "answer-dispute"
	seeAnswer     = "see-answer" // the other side has ended it
)

// Where a dispute was filed.
const (
	filedHere  = "here"
	filedThere = "there"
)

// taken is what a hub answers to a dispute or its outcome that it has recorded.
const taken = "taken"

// usedBefore is the answer to what can be said once and was, overQuota to what is more than
// may be said.
const (
	usedBefore = "used-before"
	overQuota  = "over-quota"
)

const (
	// DisputeLives is how long the other side has to answer: four weeks, so that a month
	// does not end, on whatever weekday it was filed, before somebody has looked.
	DisputeLives = 28 * 24 * time.Hour
	// tellEvery is how often a hub is told again what it has not taken, as long as it is
	// away; tellRefusing, how often one that refuses it, for as long as a dispute lives, and
	// then never.
	tellEvery    = 15 * time.Second
	tellRefusing = 24 * time.Hour
	// MostOpenDisputes is how many one hub may have open against another: people answer them.
	MostOpenDisputes = 20
)

// What a dispute may be about, and how it may be answered. Others are not understood.
var (
	disputeMatters  = []string{"agreement-breached", "wrong-answer", "no-answer", "conduct"}
	disputeOutcomes = []string{"upheld", "dismissed", "settled"}
)

// disputeStep is what an act says that files a dispute, here or there.
type disputeStep struct {
	Dispute ident.ActID `json:"dispute"`
	Hub     string      `json:"hub"` // the other one
	Filed   string      `json:"filed"`
	About   string      `json:"about"`
	Message []byte      `json:"message,omitempty"` // hash of the exchange that it is about
	Reason  string      `json:"reason"`
	At      time.Time   `json:"at"`
	Due     time.Time   `json:"due"`
}

// disputeEnd is what an act says that ends one.
type disputeEnd struct {
	Dispute ident.ActID `json:"dispute"`
	Outcome string      `json:"outcome"`
	Reason  string      `json:"reason,omitempty"`
}

// Dispute is one between this hub and another, as it stands here.
type Dispute struct {
	ID      ident.ActID
	Hub     string
	Filed   string // here, there
	About   string
	Message []byte // hash of the message that it is about; empty: of none
	Reason  string
	At, Due time.Time
	// Told is whether the other hub has taken what this one had to tell it.
	Told bool
	// Refused is since when it refuses to; zero where it does not.
	Refused time.Time
	// Outcome is upheld, dismissed or settled; or returned, discarded or escalated by a hub
	// that knows no disputes. Empty: it waits.
	Outcome, OutcomeReason string
	Ended                  time.Time
}

// DisputeChange is a dispute as a step left it, and the step's record.
type DisputeChange struct {
	Receipt
	Dispute Dispute
}

// FileDispute files a dispute against a peer; exchange, where it is not zero, is the line of
// the book that it is about. The peer is told by Run. Errors: Forbidden, NotKnown, Invalid;
// Conflict against a hub with which nothing is agreed, or with MostOpenDisputes open against
// it.
func (a *Axles) FileDispute(ctx context.Context, c decide.Caller, peer ident.PeerID, about string, exchange ident.ActID, reason string) (out DisputeChange, err error) {
	defer fault.Wrap(&err, "federation.FileDispute")
	if err := needOfficer(c); err != nil {
		return out, err
	}
	if err := needReason(c, reason); err != nil {
		return out, err
	}
	if !slices.Contains(disputeMatters, about) {
		return out, fault.At("/about", "say what it is about by one of the codes of the contract")
	}
	p, err := a.s.found(ctx, peer)
	if err != nil {
		return out, err
	}
	act := a.s.by(c, fileDispute, officer)
	filed := act.At.Truncate(time.Second)
	act.Dispute = &disputeStep{Dispute: ident.NewAct(), Hub: p.EntityID, Filed: filedHere, About: about, Reason: reason, At: filed, Due: filed.Add(DisputeLives)}
	if exchange != (ident.ActID{}) {
		act.Dispute.Message, err = a.s.q.FindExchangeWith(ctx, a.s.db, federationdb.FindExchangeWithParams{ExchangeID: ident.UntypedID(exchange), Hub: p.EntityID})
		if errors.Is(err, sql.ErrNoRows) {
			return out, fault.At("/exchange", "name an exchange with that hub, as this hub's book has it, or none")
		} else if err != nil {
			return out, pg.Fault(err)
		}
	}
	err = pg.InTx(ctx, a.s.db, func(tx *sql.Tx) error {
		if err := a.s.q.WaitForTurn(ctx, tx); err != nil {
			return err
		}
		now, err := a.s.q.FindPeer(ctx, tx, p.EntityID)
		if err != nil {
			return err
		}
		if now.Ours == invite || now.Ours == leave {
			return fault.New(fault.Conflict, "a dispute is with a hub with which there is an agreement: confirm it first")
		}
		if full, err := a.s.full(ctx, tx, p.EntityID, filedHere); err != nil {
			return err
		} else if full {
			return fault.New(fault.Conflict, "%d disputes with that hub wait for its outcome: wait for one of them", MostOpenDisputes)
		}
		if out, err = a.s.dispute(ctx, tx, act); err != nil {
			return err
		}
		out.Dispute.Told = false
		return a.s.q.WriteDisputeLetter(ctx, tx, act.Dispute.Dispute)
	})
	if err != nil {
		return DisputeChange{}, err
	}
	a.tellSoon()
	return out, nil
}

// full reports whether as many disputes with a hub wait as may, of those filed there or here.
func (s *Service) full(ctx context.Context, tx *sql.Tx, hub, filed string) (bool, error) {
	n, err := s.q.CountOpenDisputes(ctx, tx, federationdb.CountOpenDisputesParams{Hub: hub, Filed: filed})
	return n >= MostOpenDisputes, err
}

// dispute records that one is filed.
func (s *Service) dispute(ctx context.Context, tx *sql.Tx, act *act) (out DisputeChange, err error) {
	d := act.Dispute
	if out.Receipt, err = s.record(ctx, tx, act); err != nil {
		return out, err
	}
	err = s.q.AppendDispute(ctx, tx, federationdb.AppendDisputeParams{
		DisputeID: d.Dispute, ActID: act.Act, Hub: d.Hub, Filed: d.Filed, About: d.About, MessageHash: d.Message, Reason: d.Reason, FiledAt: d.At, DueAt: d.Due,
	})
	if err != nil {
		return out, err
	}
	row, err := s.q.FindDispute(ctx, tx, d.Dispute)
	out.Dispute = disputeOf(federationdb.ListDisputesRow(row))
	return out, err
}

// end records the one outcome of a dispute.
func (s *Service) end(ctx context.Context, tx *sql.Tx, act *act) (out DisputeChange, err error) {
	e := act.DisputeEnd
	if out.Receipt, err = s.record(ctx, tx, act); err != nil {
		return out, err
	}
	if err := s.q.EndDispute(ctx, tx, federationdb.EndDisputeParams{DisputeID: e.Dispute, ActID: act.Act, Outcome: e.Outcome, Reason: e.Reason}); err != nil {
		return out, err
	}
	row, err := s.q.FindDispute(ctx, tx, e.Dispute)
	out.Dispute = disputeOf(federationdb.ListDisputesRow(row))
	return out, err
}

// AnswerDispute ends a dispute that another hub has filed against this one. That one is told
// by Run. Errors: Forbidden, NotKnown, Invalid; Conflict for one that was filed here or has
// its outcome.
func (a *Axles) AnswerDispute(ctx context.Context, c decide.Caller, id ident.ActID, outcome, reason string) (out DisputeChange, err error) {
	defer fault.Wrap(&err, "federation.AnswerDispute")
	if err := needOfficer(c); err != nil {
		return out, err
	}
	if err := needReason(c, reason); err != nil {
		return out, err
	}
	if !slices.Contains(disputeOutcomes, outcome) {
		return out, fault.At("/outcome", "answer by one of the outcomes of the contract")
	}
	act := a.s.by(c, answerDispute, officer)
	act.DisputeEnd = &disputeEnd{Dispute: id, Outcome: outcome, Reason: reason}
	err = pg.InTx(ctx, a.s.db, func(tx *sql.Tx) error {
		if err := a.s.q.WaitForTurn(ctx, tx); err != nil {
			return err
		}
		was, err := a.s.q.FindDispute(ctx, tx, id)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return fault.New(fault.NotKnown, "name a dispute as GET %s/disputes has it", Prefix)
		case err != nil:
			return err
		case was.Filed == filedHere:
			return fault.New(fault.Conflict, "it was filed here: the other hub's officers answer it")
		case was.Outcome != "":
			return fault.New(fault.Conflict, "it has its outcome: a dispute is answered once")
		}
		if out, err = a.s.end(ctx, tx, act); err != nil {
			return err
		}
		out.Dispute.Told = false
		return a.s.q.WriteDisputeLetter(ctx, tx, id)
	})
	if err != nil {
		return DisputeChange{}, err
	}
	a.tellSoon()
	return out, nil
}

// Disputes lists what is and was disputed with other hubs, newest first, for governance
// officers.
func (s *Service) Disputes(ctx context.Context, who decide.Caller, limit int) (list []Dispute, err error) {
	defer fault.Wrap(&err, "federation.Disputes")
	if err := needOfficer(who); err != nil {
		return nil, err
	}
	rows, err := s.q.ListDisputes(ctx, s.db, int32(limit))
	for _, r := range rows {
		list = append(list, disputeOf(r))
	}
	return list, pg.Fault(err)
}

func disputeOf(r federationdb.ListDisputesRow) Dispute {
	d := Dispute{
		ID: r.DisputeID, Hub: r.Hub, Filed: r.Filed, About: r.About, Message: r.MessageHash, Reason: r.Reason, At: r.FiledAt.UTC(), Due: r.DueAt.UTC(),
		Told: !r.Untold, Outcome: r.Outcome, OutcomeReason: r.OutcomeReason,
	}
	if r.Outcome != "" {
		d.Ended = r.EndedAt.UTC()
	}
	if r.RefusedAt.Valid {
		d.Refused = r.RefusedAt.Time.UTC()
	}
	return d
}

// disputed takes a dispute that a peer files, or the outcome of one that this hub has
// filed. The same again records nothing, nor does one more than a peer may have open, which is
// over-quota. What it is about, its reason
// and its outcome are of lists: another is not understood, but that an outcome whose
// reason this partnership has no name for is an outcome all the same.
func (a *Axles) disputed(ctx context.Context, peer Peer, m attest.AxleMessage, message string) (answer AxleAnswer, err error) {
	said := m.Dispute
	id, err := ident.ParseAct(said.Dispute)
	if err != nil {
		return answer, notTaken(err)
	}
	hub, err := a.s.byHub(ctx)
	if err != nil {
		return answer, err
	}
	reason, named := decide.LocalOf(hub.Terms.Codes.Reasons, said.Reason)
	if !named {
		reason = ""
	}
	if said.Outcome != "" {
		if !slices.Contains(disputeOutcomes, said.Outcome) {
			return a.notUnderstood(ctx, peer, m, message)
		}
		act := a.s.by(hub, seeAnswer, theObserver)
		act.DisputeEnd = &disputeEnd{Dispute: id, Outcome: said.Outcome, Reason: reason}
		return a.seeEnd(ctx, peer.Entity, act)
	}
	if !named || !slices.Contains(disputeMatters, said.About) {
		return a.notUnderstood(ctx, peer, m, message)
	}
	hash, err := hex.DecodeString(said.Message)
	if err != nil || len(hash) != 0 && len(hash) != sha256.Size {
		return answer, notTaken(err)
	}
	if len(hash) == 0 {
		hash = nil
	}
	act := a.s.by(hub, seeDispute, theObserver)
	// No later than now, and no earlier than that it is due now, whatever its clock says.
	filed := time.Unix(min(max(said.At, act.At.Add(-DisputeLives).Unix()), act.At.Unix()), 0).UTC()
	act.Dispute = &disputeStep{Dispute: id, Hub: peer.Entity, Filed: filedThere, About: said.About, Message: hash, Reason: reason, At: filed, Due: filed.Add(DisputeLives)}
	answer.Outcome = taken
	err = pg.InTx(ctx, a.s.db, func(tx *sql.Tx) error {
		if err := a.s.q.WaitForTurn(ctx, tx); err != nil {
			return err
		}
		was, err := a.s.q.FindDispute(ctx, tx, id)
		if errors.Is(err, sql.ErrNoRows) {
			full, err := a.s.full(ctx, tx, peer.Entity, filedThere)
			if err != nil {
				return err
			} else if full {
				answer.Outcome = overQuota
				return nil
			}
			_, err = a.s.dispute(ctx, tx, act)
			return err
		}
		if err == nil && (was.Hub != peer.Entity || was.Filed != filedThere || was.About != said.About) {
			return notTaken(errors.New("its id is another dispute's"))
		}
		return err
	})
	return answer, err
}

// seeEnd records how another hub has ended a dispute that was filed here, once: whatever
// comes after it is used-before, also the same again.
func (a *Axles) seeEnd(ctx context.Context, hub string, act *act) (answer AxleAnswer, err error) {
	e := act.DisputeEnd
	answer.Outcome = taken
	err = pg.InTx(ctx, a.s.db, func(tx *sql.Tx) error {
		if err := a.s.q.WaitForTurn(ctx, tx); err != nil {
			return err
		}
		was, err := a.s.q.FindDispute(ctx, tx, e.Dispute)
		switch {
		case errors.Is(err, sql.ErrNoRows) || err == nil && (was.Hub != hub || was.Filed != filedHere):
			return notTaken(errors.New("no such dispute was filed against that hub"))
		case err != nil:
			return err
		case was.Outcome != "":
			answer.Outcome = usedBefore
			return nil
		}
		if _, err := a.s.end(ctx, tx, act); err != nil {
			return err
		}
		return a.s.q.DropDisputeLetter(ctx, tx, e.Dispute)
	})
	return answer, err
}

// tellSoon has Run tell other hubs what was written, without waiting for its turn.
func (a *Axles) tellSoon() {
	select {
	case a.written <- struct{}{}:
	default:
	}
}

// Run tells other hubs what they are to know of disputes, again until they have taken it,
// and says which disputes are overdue, until ctx ends.
func (a *Axles) Run(ctx context.Context) {
	for next := time.NewTimer(0); ; next.Reset(tellEvery) {
		select {
		case <-ctx.Done():
			return
		case <-a.written:
		case <-next.C:
		}
		if err := a.TendDisputes(ctx); err != nil && ctx.Err() == nil {
			a.s.log.WarnContext(ctx, "disputes cannot be looked after", "cause", err.Error())
		}
	}
}

// TendDisputes is one round of Run. A hub that is away stops no other, and is tried once a
// round.
func (a *Axles) TendDisputes(ctx context.Context) (err error) {
	defer fault.Wrap(&err, "federation.TendDisputes")
	overdue, err := a.s.q.ListOverdueDisputes(ctx, a.s.db, a.s.now())
	if err != nil {
		return pg.Fault(err)
	}
	for _, d := range overdue {
		if !a.alerted[d.DisputeID] {
			a.alerted[d.DisputeID] = true
			a.s.log.ErrorContext(ctx, "a dispute between hubs has not been answered in time", "alert", "dispute-overdue", "dispute", d.DisputeID.String(), "filed", d.Filed)
		}
	}
	letters, err := a.s.q.ListDisputeLetters(ctx, a.s.db, a.s.now())
	if err != nil {
		return pg.Fault(err)
	}
	away := map[string]bool{}
	for _, id := range letters {
		d, err := a.s.q.FindDispute(ctx, a.s.db, id)
		if err != nil {
			return pg.Fault(err)
		}
		if away[d.Hub] {
			continue
		}
		err = a.tell(ctx, d)
		if err == nil {
			continue
		}
		a.s.log.InfoContext(ctx, "a peer has not taken what it is to know of a dispute", "hub", d.Hub, "cause", err.Error())
		if !errors.Is(err, errRefused) && fault.KindOf(err) != fault.Forbidden {
			away[d.Hub] = true
			continue
		}
		if err := a.refusedBy(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

// refusedBy notes that a hub does not take what it is told of a dispute, or that nothing is
// in force with it by which it could be told, and says so once of each.
func (a *Axles) refusedBy(ctx context.Context, d federationdb.FindDisputeRow) error {
	at := a.s.now()
	first, err := a.s.q.NoteRefusal(ctx, a.s.db, federationdb.NoteRefusalParams{DisputeID: d.DisputeID, Now: at, Again: at.Add(tellRefusing), Worth: at.Add(-DisputeLives)})
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it was taken meanwhile
	}
	if err == nil && first {
		a.s.log.ErrorContext(ctx, "a peer refuses what it is to know of a dispute", "alert", "dispute-refused", "dispute", d.DisputeID.String(), "filed", d.Filed)
	}
	return pg.Fault(err)
}

// tell tells the other hub of a dispute that was filed here, or how one was answered here.
func (a *Axles) tell(ctx context.Context, d federationdb.FindDisputeRow) error {
	hub, err := a.s.byHub(ctx)
	if err != nil {
		return err
	}
	reasons := hub.Terms.Codes.Reasons
	said := attest.AxleDispute{Dispute: d.DisputeID.String(), Outcome: d.Outcome, Reason: decide.SharedOf(reasons, d.OutcomeReason)}
	if d.Filed == filedHere {
		said = attest.AxleDispute{
			Dispute: d.DisputeID.String(), About: d.About, Message: hex.EncodeToString(d.MessageHash), Reason: decide.SharedOf(reasons, d.Reason), At: d.FiledAt.Unix(),
		}
	}
	within, cancel := context.WithTimeout(ctx, a.deadline)
	defer cancel()
	answer, _, err := a.carry(within, d.Hub, attest.AxleMessage{Kind: kindDispute, Version: hubVersion, Dispute: &said})
	switch {
	case err != nil:
		return err
	case answer.Outcome == taken || answer.Outcome == usedBefore:
		return pg.Fault(a.s.q.DropDisputeLetter(ctx, a.s.db, d.DisputeID))
	case d.Filed == filedHere && slices.Contains([]string{returned, discarded, escalated}, answer.Outcome):
		act := a.s.by(hub, seeAnswer, theObserver)
		act.DisputeEnd = &disputeEnd{Dispute: d.DisputeID, Outcome: answer.Outcome}
		_, err := a.seeEnd(ctx, d.Hub, act)
		return err
	}
	return fmt.Errorf("%w: %s", errRefused, answer.Outcome)
}
