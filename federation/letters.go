package federation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/internal/attest"
)

// A letter is what a duty of one hub has to tell the same duty of another: that a tie or a
// link has its other side, or has ended (docs/decisions/0101). Federation collects it,
// carries it until the other hub has taken it, and keeps nothing of it but what
// its book has of every message. The duty that wrote it says how long that goes on.

// lettersEvery is how often duties are asked for letters. A hub that has not taken one is
// left alone for tellEvery.
const lettersEvery = 2 * time.Second

type letter struct{ id, hub, body string }

// desk is a duty of this hub that writes and takes letters.
type desk interface {
	// collect says which letters were taken, and returns those that are still to be told.
	collect(ctx context.Context, taken []string) ([]letter, error)
	// take hands over a peer's message with a letter.
	take(ctx context.Context, peer Peer, message string) error
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
			if err := a.deliver(ctx, duty, l); err != nil {
				a.awayUntil[l.hub] = a.s.clock().Add(tellEvery)
				a.s.log.InfoContext(ctx, "a peer has not taken a letter", "hub", l.hub, "cause", err.Error())
				continue
			}
			a.taken[duty] = append(a.taken[duty], l.id)
		}
	}
}

// deliver tells a peer what a letter says. One that knows no letters will not learn of it.
func (a *Axles) deliver(ctx context.Context, duty string, l letter) error {
	within, cancel := context.WithTimeout(ctx, a.deadline)
	defer cancel()
	answer, sent, err := a.carry(within, l.hub, attest.AxleMessage{Kind: kindLetter, Version: hubVersion, Letter: &attest.AxleLetter{Duty: duty, ID: l.id, Body: l.body}})
	if err != nil {
		return err
	}
	if !slices.Contains([]string{taken, returned, discarded, escalated}, answer.Outcome) {
		return fmt.Errorf("the other hub answers %s", answer.Outcome)
	}
	return a.keepExchanges(ctx, true, exchange{hub: l.hub, kind: kindLetter, message: sent, outcome: answer.Outcome})
}

// letterHere hands a peer's letter to the duty that it is for.
func (a *Axles) letterHere(ctx context.Context, peer Peer, m attest.AxleMessage, message string) (AxleAnswer, error) {
	d, ok := a.desks[m.Letter.Duty]
	if !ok {
		return a.notUnderstood(ctx, peer, m, message)
	}
	return AxleAnswer{Outcome: taken}, d.take(ctx, peer, message)
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

func (d relmgrDesk) collect(ctx context.Context, taken []string) (out []letter, err error) {
	relmgr, err := d.client(ctx, Peer{Entity: d.a.s.hub}, "letters")
	if err != nil {
		return nil, err
	}
	ids := []relmgroas.ID{}
	for _, id := range taken {
		ids = append(ids, relmgroas.ID(id))
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

func (d relmgrDesk) take(ctx context.Context, peer Peer, message string) error {
	relmgr, err := d.client(ctx, peer, message)
	if err != nil {
		return err
	}
	return insideFault(relmgr.TakeLetter(ctx, &relmgroas.PeerRequest{Message: relmgroas.AxleToken(message)}))
}
