package federation

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"

	"github.com/fame-hub/fame/internal/attest"
)

// What is passed on between hubs is sealed for the hub that it is for and stays so: who passes it
// on learns from which hub it comes, for which it is, and that an answer came. Each hub on the way
// verifies the one before it, decides whether it passes on, and records both ends.

const (
	kindRelay = "relay"
	passed    = "passed-on" // and what was answered came back
)

var errNotPassed = errors.New("it was not passed on, or not answered")

// bring brings what is sealed for a peer to it, straight or through others, and returns
// what it answers, sealed for this hub.
func (a *Axles) bring(ctx context.Context, peer Peer, sealed string) (string, error) {
	if len(peer.Path) == 0 {
		reply, _, err := a.exchange(ctx, peer.Entity, sealed, "")
		return reply, err
	}
	return a.passOn(ctx, peer.Path, 0, sealed)
}

// passOn has the first hub of a path bring what is sealed for the last one there, and returns
// what that answers. Both that and its failing are recorded before anybody hears.
func (a *Axles) passOn(ctx context.Context, path []string, hops int, sealed string) (reply string, err error) {
	next := path[0]
	e := exchange{hub: next, kind: kindRelay, outcome: noAnswer}
	defer func() {
		keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.deadline)
		defer cancel()
		err = errors.Join(err, a.keepExchanges(keep, true, e))
	}()
	if a.leftAlone(next) {
		return "", errNotPassed
	}
	peer, err := a.s.direct(ctx, next)
	if err != nil {
		return "", err
	}
	if !peer.Agreement.relaysAt(next) && len(path) > 1 || hops > 0 && !peer.Agreement.relaysAt(a.s.hub) {
		return "", errNotPassed
	}
	m := attest.AxleMessage{Kind: kindRelay, Version: hubVersion, Relay: &attest.AxleRelay{Path: path[1:], Hops: hops + 1, Carried: sumOf(sealed)}}
	m, e.message, err = a.signed(ctx, next, m)
	if err != nil {
		return "", err
	}
	header, err := peer.Encryption.Seal(e.message)
	if err != nil {
		return "", err
	}
	answered, carried, err := a.exchange(ctx, next, header, sealed)
	var answer AxleAnswer
	if err == nil {
		answer, err = a.opened(ctx, peer, m, answered)
	}
	if ctx.Err() == nil {
		a.heard(next, err == nil || errors.Is(err, errRefused)) // one that refuses is there
	}
	switch {
	case err != nil:
		return "", err
	case answer.Outcome != passed || answer.Carried != sumOf(carried):
		return "", errNotPassed
	}
	e.outcome = passed
	return carried, nil
}

// relayed does what a peer asks by a message that carries another: passes that on to the next hub, or
// takes it, where it is for this one. Whatever goes wrong from here on, the peer hears the
// same: it was not answered.
func (a *Axles) relayed(ctx context.Context, peer Peer, r attest.AxleRelay, carried string) (answer AxleAnswer, reply string) {
	var err error
	ways := append([]string{a.s.hub, peer.Entity}, r.Path...)
	slices.Sort(ways)
	switch {
	case r.Carried != sumOf(carried) || r.Hops < 1 || r.Hops+len(r.Path) > mostBetween || len(slices.Compact(ways)) != len(r.Path)+2:
		err = errNotPassed
	case len(r.Path) == 0 && peer.Agreement.relaysAt(peer.Entity):
		reply, err = a.take(ctx, carried, func(ctx context.Context, hub string) (Peer, error) { return a.s.beyond(ctx, hub, peer.Entity) })
	case len(r.Path) > 0 && peer.Agreement.relaysAt(a.s.hub):
		reply, err = a.passOn(ctx, r.Path, r.Hops, carried)
	default:
		err = errNotPassed
	}
	if err != nil {
		a.s.log.InfoContext(ctx, "a message was not passed on", "from", peer.Entity, "cause", err.Error())
		return AxleAnswer{Outcome: noAnswer}, ""
	}
	return AxleAnswer{Outcome: passed, Carried: sumOf(reply)}, reply
}

func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
