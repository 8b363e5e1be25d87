// Package registrar is the duty that recognises people.
//
// It owns registers of subjects, which hold recognition data and nothing else
// (REG-08): demographic items, references to biometric ones, each with its source
// and dates; performative ones (secrets, tokens) are package signin's. It never sees
// a row, a relationship, or what an agency calls a person: it says who somebody is,
// never who works with them.
//
// A process serves one registrar of the partnership document, and that one's registers
// alone. Those who hold one of its roles, at the agency that answers for it, keep
// them; whoever may enquire at an agency that a register serves may ask it.
//
// What is known of a person is encrypted above the database under a data key of the
// person's own, which SubjectsKey wraps; people are found by keyed tokens (HMAC), and
// package match compares. A subject's id never leaves: each agency has a reference of
// its own for an entry (REG-25), an HMAC under EntriesKey.
//
// Accounts is how people sign in (AUT-01): what they enrolled, by a code that a
// keeper's act made, and their sessions, which hold while what they rest on is in
// force. What is revoked leaves nothing that could prove it. Package signin is the
// pure part, package provider the OpenID Provider and its pages.
//
// Each method is one transaction with its act inside. An act keeps ids, codes and
// times in clear; the whole of it is committed to the ledger and sealed under
// RecordsKey. It names items by the hash of what is sealed, so that destroying a
// person's key erases all of them and breaks no act (erase.go). The keys of tokens and of
// people's data keys rotate while registers are used (rotate.go, rewrap.go).
package registrar
