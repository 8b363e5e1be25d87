// Package attest signs and verifies statements: compact JWS (RFC 7515) with
// JWT claims (RFC 7519), ES256 only, each of one type, from one issuer, for one
// audience, for minutes.
//
// A Signer signs with a key that never leaves its seal.Provider. A Verifier
// trusts one issuer and that issuer's KeySet, so that one issuer's key never
// speaks for another. Verify accepts exactly what Sign writes and nothing that
// JOSE allows beside it: the header holds alg, kid and typ and no more, so there
// is no crit, no embedded or linked key and no choice of algorithm.
//
// What only one party may read of a statement (HubSecret) is encrypted to that
// party's Recipients, and an Opener opens it with a key that never leaves its
// seal.Provider either: compact JWE (RFC 7516), ECDH-ES+A256KW and A256GCM only.
//
// A statement that is refused gives ErrStatement with a reason for the log; the
// caller chooses the fault, and shows the reason to nobody. No error carries
// what the statement holds.
//
// Signatures are not unique: one statement may travel under two texts. What is
// to be used once is remembered by its ID, never by its text.
package attest
