// Package federation is how hubs meet: the hub's own statements, its peers and what was
// agreed with each, the register of registrars, and what goes between them: enquiries
// along axles (outbound.go, inbound.go), letters that duties write to each other (letters.go), what nobody understands (recourse.go) and what
// the hubs dispute with each other (disputes.go).
// Statements themselves are package entity's, the register's form is package registers',
// and the protocol of private look-ups is package lookup's (lookup.go).
//
// A hub's identifier among hubs is its address (process.Config.Hub). What it states of
// itself and of its peers is OpenID Federation 1.1 (docs/decisions/0080): there is no
// centre, each hub is the trust anchor of its own, and both sides of an axle have confirmed
// one agreement by acts of their governance officers.
//
// What the rest of the duty can rely on:
//
//   - Service.Peer gives another hub if, and only if, it may be asked and answered now:
//     confirmed here, the same agreement seen to be confirmed there, neither suspended nor
//     over. How this side stands is read from the database each time, so that a
//     suspension holds from the next request on; what the other side states is kept until
//     it expires, at most the agreement's minutes, also while that side is away.
//   - Peer.Keys verify what the peer signs as itself (attest.NewVerifier with Keys.Fixed and
//     Peer.Entity as the issuer); Peer.Encryption is what messages to it are encrypted to.
//     OpenerKey opens what was encrypted to this hub; what it signs with changes by the
//     clock (keys.go).
//   - Peer.Agreement is to be a required argument of whatever answers: purposes and roles
//     outside it do not cross, and until its end.
//
// It must never see anything that is not in a request or its answer, and an answer is
// decided by the answering hub's own policy alone (FED-31). No table of its own knows a
// person (FED-09).
package federation
