// Package signin holds what proves that somebody is who they say: secrets,
// one-time codes, passkeys, the number and the codes that a person types, how
// strong each is, and how long a guesser has to wait (AUT-01, AUT-13, AUT-14).
//
// It is pure but for the keys that it is handed: no database, no clock of its own.
// What it makes to be stored gives nothing away: a secret is a salted slow hash
// under a key that the database never holds, a passkey is a public key, and what a
// person types is looked up by a keyed hash (REG-07). Seeds of one-time codes have
// to be known to be checked: their owner seals them.
//
// It must never see who a subject is, a register's data, or what an agency calls
// them.
package signin
