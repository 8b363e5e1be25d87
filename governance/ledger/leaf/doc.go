// Package leaf makes what an act or an enquiry leaves behind: a salted
// commitment for the ledger and a sealed copy of the record for its duty.
//
// The commitment is SHA-256 over a domain string, a 32-byte salt and the
// record in JCS canonical form (RFC 8785). Salt and record are sealed under a
// data key of their own; deleting that key erases the content and makes the
// commitment unguessable, while the tree above stays whole (design.md
// section 9).
//
// It is shared by all duties on purpose. It holds no SQL: each duty inserts
// the leaf in its own transaction, into its own tables and ledger.pending.
package leaf
