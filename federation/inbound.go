package federation

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
)

// The kinds of message that this version knows.
const (
	kindEnquiry    = "enquiry"
	kindLookUp     = "look-up"
	kindEscalation = "escalation"
	kindDispute    = "dispute"
	kindLetter     = "letter"
)

// Receive takes what another hub sent, and returns this hub's answer, sealed for it. Who
// is no peer in force, and what no peer signed for this hub and for now, gets the one
// refusal, whatever was wrong; to everybody else there is an answer, in one size and on
// one beat, found or not found. Errors: Invalid for that refusal; Unavailable, where
// nothing was taken.
func (a *Axles) Receive(ctx context.Context, envelope string) (_ string, err error) {
	defer fault.Wrap(&err, "federation.Receive")
	return a.take(ctx, envelope, a.s.direct)
}

// Relay is Receive of a message that has what comes beside it passed on: with the answer to
// the message is what came back, none where it was not passed on or not answered.
func (a *Axles) Relay(ctx context.Context, envelope, carried string) (sealed, back string, err error) {
	defer fault.Wrap(&err, "federation.Relay")
	message, peer, m, err := a.verified(ctx, envelope, a.s.direct)
	if err != nil {
		return "", "", err
	}
	if m.Kind != kindRelay || m.Version != hubVersion || m.Relay == nil {
		return "", "", notTaken(nil)
	}
	answer, back := a.relayed(ctx, peer, *m.Relay, carried)
	sealed, err = a.says(ctx, peer, m, message, answer)
	return sealed, back, err
}

// take answers what is sealed for this hub, of whoever who makes a peer.
func (a *Axles) take(ctx context.Context, envelope string, who func(context.Context, string) (Peer, error)) (string, error) {
	message, peer, m, err := a.verified(ctx, envelope, who)
	if err != nil {
		return "", err
	}
	answer, err := a.answer(ctx, peer, m, message)
	if err != nil {
		return "", err
	}
	return a.says(ctx, peer, m, message, answer)
}

// verified opens a message and verifies it under the keys of whom who makes a peer.
func (a *Axles) verified(ctx context.Context, envelope string, who func(context.Context, string) (Peer, error)) (message string, peer Peer, m attest.AxleMessage, err error) {
	if message, err = a.opener.Unseal(ctx, envelope); err != nil {
		return "", peer, m, notTaken(err)
	}
	hub, typ, err := attest.Claimed(message)
	if err != nil || typ != attest.TypAxleMessage {
		return "", peer, m, notTaken(err)
	}
	peer, err = who(ctx, hub)
	if fault.KindOf(err) == fault.Forbidden {
		return "", peer, m, notTaken(err)
	} else if err != nil {
		return "", peer, m, err
	}
	err = attest.NewVerifier(peer.Entity, peer.Keys.Fixed, a.s.clock).Verify(ctx, message, attest.Expect{Typ: attest.TypAxleMessage, Audience: a.s.hub, MaxLifetime: attest.AxleLife}, &m)
	if err != nil {
		return "", peer, m, notTaken(err)
	}
	return message, peer, m, nil
}

// says records what came of a message, and seals the answer to it.
func (a *Axles) says(ctx context.Context, peer Peer, m attest.AxleMessage, message string, answer AxleAnswer) (string, error) {
	at := a.s.clock().UTC()
	answer.Claims = attest.Claims{Audience: peer.Entity, IssuedAt: at.Unix(), Expires: at.Add(time.Minute).Unix(), ID: rand.Text()}
	answer.ReplyTo = m.ID
	if answer.Providers == nil {
		answer.Providers = []AxleProvider{}
	}
	// Who asked may be gone: what was taken is recorded all the same.
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.deadline)
	defer cancel()
	if err := a.keepExchanges(keep, false, exchange{hub: peer.Entity, kind: known(m.Kind), message: message, outcome: answer.Outcome, commitment: answer.Commitment}); err != nil {
		return "", err
	}
	signer, err := a.s.signer(ctx)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(ctx, attest.TypAxleAnswer, answer)
	if err != nil {
		return "", err
	}
	return peer.Encryption.Seal(signed)
}

// known is a kind as it is recorded: what this version does not know is not repeated.
func known(kind string) string {
	if slices.Contains([]string{kindEnquiry, kindLookUp, kindEscalation, kindDispute, kindLetter, kindRelay}, kind) {
		return kind
	}
	return "unknown"
}

// notTaken is the one refusal of what is no message of a peer's.
func notTaken(cause error) error {
	return fault.At("/message", "send what a peer in force has signed and sealed for this hub, within its life").Because(cause)
}

// answer is what this hub says to a verified message.
func (a *Axles) answer(ctx context.Context, peer Peer, m attest.AxleMessage, message string) (AxleAnswer, error) {
	if m.Version == hubVersion && m.Kind == kindLookUp {
		return a.lookedUpHere(ctx, peer, m, message)
	}
	if m.Version == hubVersion && m.Kind == kindDispute && m.Dispute != nil {
		return a.disputed(ctx, peer, m, message)
	}
	if m.Version == hubVersion && m.Kind == kindLetter && m.Letter != nil {
		return a.letterHere(ctx, peer, m, message)
	}
	if m.Version != hubVersion || m.Kind != kindEnquiry {
		return a.notUnderstood(ctx, peer, m, message)
	}
	said, err := askRelmgr(ctx, a, peer, message, (*relmgroas.Client).AnswerPeer)
	if err != nil {
		return AxleAnswer{}, err
	}
	if said.Outcome == relmgroas.PeerAnswerOutcomeNotUnderstood {
		return a.notUnderstood(ctx, peer, m, message)
	}
	answer := AxleAnswer{Outcome: string(said.Outcome), Because: said.Because.Or(""), Commitment: string(said.Commitment.Or(""))}
	for _, p := range said.Providers {
		c := p.Contact
		answer.Providers = append(answer.Providers, AxleProvider{p.AgencyName, decide.ContactRoute{
			Kind: string(c.Kind), Value: c.Value, Hours: c.Hours, Confirmed: c.Confirmed,
		}})
	}
	return answer, nil
}

// askRelmgr is the one call between duties (design.md section 2): the peer's request with
// this duty's voucher for it, narrowed by what the hubs have agreed.
func askRelmgr[T any](ctx context.Context, a *Axles, peer Peer, message string, call func(*relmgroas.Client, context.Context, *relmgroas.PeerRequest) (*T, error)) (*T, error) {
	voucher, err := a.voucher(ctx, "relmgr", peer, message)
	if err != nil {
		return nil, err
	}
	relmgr, err := relmgroas.NewClient(a.relmgr, asFederation(voucher), relmgroas.WithClient(a.inside))
	if err != nil {
		return nil, err
	}
	said, err := call(relmgr, ctx, &relmgroas.PeerRequest{Message: relmgroas.AxleToken(message)})
	return said, insideFault(err)
}

// voucher is this duty's word to another of its hub for a peer's message.
func (a *Axles) voucher(ctx context.Context, duty string, peer Peer, message string) (string, error) {
	keys, err := json.Marshal(peer.Keys)
	if err != nil {
		return "", err
	}
	hub, err := a.s.identity(ctx)
	if err != nil {
		return "", err
	}
	sum, at := sha256.Sum256([]byte(message)), a.s.clock().UTC()
	return attest.NewSigner(a.s.keys, hub.key, "federation").Sign(ctx, attest.TypAxleVoucher, attest.AxleVoucher{
		Claims: attest.Claims{Audience: duty, IssuedAt: at.Unix(), Expires: at.Add(time.Minute).Unix(), ID: rand.Text()},
		Hub:    peer.Entity, Keys: keys, Message: base64.RawURLEncoding.EncodeToString(sum[:]), Purposes: peer.Agreement.Purposes, Roles: peer.Agreement.Roles,
	})
}

// insideFault is what another hub is told of a duty's refusal, or of its absence.
func insideFault(err error) error {
	status := 0
	if p, ok := errors.AsType[*relmgroas.ProblemStatusCode](err); ok {
		status = p.StatusCode
	} else if p, ok := errors.AsType[*idmgroas.ProblemStatusCode](err); ok {
		status = p.StatusCode
	}
	if status == http.StatusBadRequest || status == http.StatusUnprocessableEntity {
		return notTaken(err) // the agency's signature, or its question
	}
	if err != nil {
		f := fault.New(fault.Unavailable, "this hub cannot answer now: ask again")
		f.RetryAfter = time.Second
		return f.Because(err)
	}
	return nil
}

// asFederation bears a voucher, as the generated client asks for it.
type asFederation string

// Peer bears it.
func (v asFederation) Peer(context.Context, relmgroas.OperationName) (relmgroas.Peer, error) {
	return relmgroas.Peer{Token: string(v)}, nil
}

// Oidc is of no use here: nobody asks as a practitioner.
func (asFederation) Oidc(context.Context, relmgroas.OperationName) (relmgroas.Oidc, error) {
	return relmgroas.Oidc{}, errors.ErrUnsupported
}

// SignedIn is of no use here.
func (asFederation) SignedIn(context.Context, relmgroas.OperationName) (relmgroas.SignedIn, error) {
	return relmgroas.SignedIn{}, errors.ErrUnsupported
}

// Subject is of no use here.
func (asFederation) Subject(context.Context, relmgroas.OperationName) (relmgroas.Subject, error) {
	return relmgroas.Subject{}, errors.ErrUnsupported
}
