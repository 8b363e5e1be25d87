// Package ledger is the hub's append-only log of commitments. What is built
// of it so far is the leaf that every act and enquiry of every duty leaves in
// ledger.pending (package leaf); the tree, its tiles and checkpoints take the
// leaves out of there.
//
// It must never see the content of an act: a leaf is a salted hash.
package ledger
