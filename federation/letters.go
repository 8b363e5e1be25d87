package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/internal/attest"
)

// A letter is what a duty of one hub has to tell the same duty of another: that a tie or a
// link has its other side, or has ended (docs/decisions/0101). Federation collects it,
// carries it until the other hub has taken it, and keeps nothing of it but what
// its book has of every message. The duty that wrote it says how long that goes on.

// lettersEvery is how often duties are asked for letters. A hub that has not taken one is
// left alone for tellEvery.
const lettersEvery = time.Second

type letter struct{ id, hub, body string }

// replied is what another hub said to a letter that it has taken.
type replied struct{ id, reply string }

// desk is a duty of this hub that writes and takes letters.
type desk interface {
	// collect says which letters were taken, and returns those that are still to be told.
	collect(ctx context.Context, taken []replied) ([]letter, error)
	// take hands over a peer's message with a letter, and returns what is replied.
	take(ctx context.Context, peer Peer, message string) (string, error)
}

// RunLetters carries letters until ctx ends.
func (a *Axles) RunLetters(ctx context.Context) {
	tick := time.NewTicker(lettersEvery)
	defer tick.Stop()
	for {
		a.CarryLetters(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// CarryLetters is one round of RunLetters. A hub that is away stops no other.
func (a *Axles) CarryLetters(ctx context.Context) {
	for duty, d := range a.desks {
		letters, err := d.collect(ctx, a.taken[duty])
		if err != nil {
			if ctx.Err() == nil {
				a.s.log.WarnContext(ctx, "letters to other hubs cannot be collected", "duty", duty, "cause", err.Error())
			}
			continue
		}
		a.taken[duty] = nil
		for _, l := range letters {
			if a.s.clock().Before(a.awayUntil[l.hub]) {
				continue
			}
			reply, err := a.deliver(ctx, duty, l)
			if err != nil {
				a.awayUntil[l.hub] = a.s.clock().Add(tellEvery)
				a.s.log.InfoContext(ctx, "a peer has not taken a letter", "hub", l.hub, "cause", err.Error())
				continue
			}
			a.taken[duty] = append(a.taken[duty], replied{l.id, reply})
		}
	}
}

// deliver tells a peer what a letter says, and returns what it replies. One that knows no
// letters will not learn of it.
func (a *Axles) deliver(ctx context.Context, duty string, l letter) (reply string, err error) {
	within, cancel := context.WithTimeout(ctx, a.deadline)
	defer cancel()
	answer, sent, err := a.carry(within, l.hub, attest.AxleMessage{Kind: kindLetter, Version: hubVersion, Letter: &attest.AxleLetter{Duty: duty, ID: l.id, Body: l.body}})
	if err != nil {
		return "", err
	}
	if !slices.Contains([]string{taken, returned, discarded, escalated}, answer.Outcome) {
		return "", fmt.Errorf("the other hub answers %s", answer.Outcome)
	}
	return answer.Reply, a.keepExchanges(ctx, true, exchange{hub: l.hub, kind: kindLetter, message: sent, outcome: answer.Outcome})
}

// letterHere hands a peer's letter to the duty that it is for.
func (a *Axles) letterHere(ctx context.Context, peer Peer, m attest.AxleMessage, message string) (AxleAnswer, error) {
	d, ok := a.desks[m.Letter.Duty]
	if !ok {
		return a.notUnderstood(ctx, peer, m, message)
	}
	reply, err := d.take(ctx, peer, message)
	return AxleAnswer{Outcome: taken, Reply: reply}, err
}

// relmgrDesk is relmgr's.
type relmgrDesk struct{ a *Axles }

func (d relmgrDesk) client(ctx context.Context, peer Peer, what string) (*relmgroas.Client, error) {
	voucher, err := d.a.voucher(ctx, "relmgr", peer, what)
	if err != nil {
		return nil, err
	}
	return relmgroas.NewClient(d.a.relmgr, asFederation(voucher), relmgroas.WithClient(d.a.inside))
}

func (d relmgrDesk) collect(ctx context.Context, taken []replied) (out []letter, err error) {
	relmgr, err := d.client(ctx, Peer{Entity: d.a.s.hub}, "letters")
	if err != nil {
		return nil, err
	}
	ids := []relmgroas.ID{}
	for _, t := range taken {
		ids = append(ids, relmgroas.ID(t.id))
	}
	said, err := relmgr.CollectLetters(ctx, &relmgroas.LettersTaken{Taken: ids})
	if err != nil {
		return nil, err
	}
	for _, l := range said.Letters {
		out = append(out, letter{string(l.Letter), string(l.Hub), l.Body})
	}
	return out, nil
}

func (d relmgrDesk) take(ctx context.Context, peer Peer, message string) (string, error) {
	relmgr, err := d.client(ctx, peer, message)
	if err != nil {
		return "", err
	}
	return "", insideFault(relmgr.TakeLetter(ctx, &relmgroas.PeerRequest{Message: relmgroas.AxleToken(message)}))
}

// idmgrDesk is that of the hub's identity managers: whose link a letter is about they alone
// know, and each is given all.
type idmgrDesk struct {
	a    *Axles
	urls []string
}

func (d idmgrDesk) client(ctx context.Context, url string, peer Peer, what string) (*idmgroas.Client, error) {
	voucher, err := d.a.voucher(ctx, "idmgr", peer, what)
	if err != nil {
		return nil, err
	}
	return idmgroas.NewClient(url, toIdmgr(voucher), idmgroas.WithClient(d.a.inside))
}

func (d idmgrDesk) collect(ctx context.Context, taken []replied) (out []letter, err error) {
	req := &idmgroas.LettersTold{Told: []idmgroas.LettersToldToldItem{}}
	for _, t := range taken {
		req.Told = append(req.Told, idmgroas.LettersToldToldItem{Letter: idmgroas.ID(t.id), Reply: t.reply})
	}
	for _, url := range d.urls {
		manager, err := d.client(ctx, url, Peer{Entity: d.a.s.hub}, "letters")
		if err != nil {
			return nil, err
		}
		said, err := manager.CollectLinkLetters(ctx, req)
		if err != nil {
			return nil, err
		}
		for _, l := range said.Letters {
			out = append(out, letter{string(l.Letter), string(l.Hub), l.Body})
		}
	}
	return out, nil
}

func (d idmgrDesk) take(ctx context.Context, peer Peer, message string) (reply string, err error) {
	for _, url := range d.urls {
		manager, err := d.client(ctx, url, peer, message)
		if err != nil {
			return "", err
		}
		said, err := manager.TakeLinkLetter(ctx, &idmgroas.PeerRequest{Message: idmgroas.AxleToken(message)})
		if err != nil {
			return "", insideFault(err)
		}
		if said.Reply != "" {
			reply = said.Reply
		}
	}
	return reply, nil
}

// toIdmgr bears a voucher, as idmgr's generated client asks for it.
type toIdmgr string

// Peer bears it.
func (v toIdmgr) Peer(context.Context, idmgroas.OperationName) (idmgroas.Peer, error) {
	return idmgroas.Peer{Token: string(v)}, nil
}

// Oidc is of no use here: nobody asks as a practitioner.
func (toIdmgr) Oidc(context.Context, idmgroas.OperationName) (idmgroas.Oidc, error) {
	return idmgroas.Oidc{}, errors.ErrUnsupported
}

// Subject is of no use here.
func (toIdmgr) Subject(context.Context, idmgroas.OperationName) (idmgroas.Subject, error) {
	return idmgroas.Subject{}, errors.ErrUnsupported
}
