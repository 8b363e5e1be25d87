package federation

import (
	"context"
	"errors"
	"slices"

	"github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/lookup"
)

// What came of the steps of a private look-up, and of a message that nobody answered.
const (
	evaluated = "evaluated"
	lookedUp  = "looked-up"
	matched   = "matched"
	noAnswer  = "no-answer"
	// notCovered is of a hub that is not asked, since by its own word it knows nobody by such
	// an identifier.
	notCovered = "not-covered"
)

// mostPages of one bucket are asked for: one of more is no honest hub's.
const mostPages = 64

// LookedUp is what another hub says to one step of a private look-up.
type LookedUp struct {
	Evaluated []byte       `json:"evaluated,omitempty"`
	Proof     []byte       `json:"proof,omitempty"`
	Bits      int          `json:"bits,omitempty"`
	Rows      []lookup.Row `json:"rows,omitempty"`
	More      bool         `json:"more,omitempty"`
}

// bounded reports whether it is one that a hub of this version says: a longer prefix would
// tell it more of whom it was about.
func (l *LookedUp) bounded() bool {
	return l == nil || l.Bits >= 0 && l.Bits <= lookup.MostBits && len(l.Rows) <= lookup.BucketSize
}

var (
	errNoLookUps = errors.New("the hub states no key of private look-ups")
	errNoStep    = errors.New("the answer is none to that step")
)

// lookUp asks a hub privately: it learns how many bits of a tag that is nobody's to it, if
// the person is not there. ask reports whether the identified question follows: there is
// something to tell, and it was ordered. A hub that does not use the key which it states is
// not believed, and no identifier is sent to it.
func (a *Axles) lookUp(ctx context.Context, o attest.AxleOrder, tell func(attest.AxleMessage) (AxleAnswer, error)) (answer AxleAnswer, ask bool, err error) {
	peer, err := a.s.Peer(ctx, o.Hub)
	if err != nil {
		return answer, false, err
	}
	if peer.LookUp == nil { // it may have begun since it was seen
		a.s.forget(o.Hub)
		if peer, err = a.s.Peer(ctx, o.Hub); err != nil {
			return answer, false, err
		}
	}
	if peer.LookUp == nil {
		return answer, false, errNoLookUps
	}
	asker, err := lookup.Ask(peer.LookUp.PublicKey, []lookup.Identifier{{Scheme: o.LookUp.Scheme, Number: o.LookUp.Identifier}})
	if err != nil {
		return answer, false, err
	}
	step := func(s attest.AxleStep) (AxleAnswer, error) {
		s.Epoch = peer.LookUp.Epoch
		return tell(attest.AxleMessage{Question: o.LookUp.Question, LookUp: &s})
	}
	if answer, err = step(attest.AxleStep{Blinded: asker.Blinded()[0]}); err != nil || answer.LookUp == nil {
		return answer, false, err
	}
	values, err := asker.Values([][]byte{answer.LookUp.Evaluated}, answer.LookUp.Proof)
	if errors.Is(err, lookup.ErrProof) {
		a.s.log.WarnContext(ctx, "a peer did not use the key of private look-ups that it states", "hub", o.Hub)
	}
	if err != nil {
		return answer, false, err
	}
	if answer.LookUp.Bits == 0 {
		return answer, false, errNoStep
	}
	prefix, found := values[0].Tag.Prefix(answer.LookUp.Bits), false
	for page := range mostPages {
		if answer, err = step(attest.AxleStep{Prefix: prefix, Page: page}); err != nil || answer.LookUp == nil {
			return answer, false, err
		}
		_, here := values[0].Open(answer.LookUp.Rows)
		if found = found || here; !answer.LookUp.More {
			break
		}
	}
	answer.Outcome, answer.LookUp = "answered", nil
	if found && o.Question == "" {
		answer.Outcome = matched
	}
	return answer, found && o.Question != "", nil
}

// lookedUpHere is what this hub's relmgr says to a step of another hub's look-up.
func (a *Axles) lookedUpHere(ctx context.Context, peer Peer, m attest.AxleMessage, message string) (AxleAnswer, error) {
	said, err := askRelmgr(ctx, a, peer, message, (*relmgroas.Client).LookUpForPeer)
	if err != nil {
		return AxleAnswer{}, err
	}
	if said.Outcome == relmgroas.LookUpAnswerOutcomeNotUnderstood {
		return a.notUnderstood(ctx, peer, m, message)
	}
	answer := AxleAnswer{Outcome: string(said.Outcome), Because: said.Because.Or(""), Commitment: string(said.Commitment.Or(""))}
	if slices.Contains([]string{evaluated, lookedUp}, answer.Outcome) {
		answer.LookUp = &LookedUp{Evaluated: said.Evaluated, Proof: said.Proof, Bits: said.Bits.Or(0), More: said.More.Or(false)}
		for _, row := range said.Rows {
			answer.LookUp.Rows = append(answer.LookUp.Rows, row)
		}
	}
	return answer, nil
}
