// Package ledger is the hub's log: one RFC 6962 Merkle tree over the salted
// commitments of every act and enquiry of every duty, in the formats of C2SP
// (tlog-checkpoint, tlog-tiles, tlog-proof), so that whoever holds a checkpoint
// can tell whether anything was altered, removed or put in later (ACT-09).
//
// Duties put commitments into ledger.pending in the transactions that make
// them. The sequencer (Log.Run), alone under one lock whatever the number of
// processes, takes them out in the order of their values, which tells nothing,
// and writes leaves, tiles and a signed checkpoint in one transaction: killed
// at any moment it leaves the old tree or the new one, and what was not taken
// still waits. It signs no tree that does not grow out of the last it signed.
//
// It is a witness too (C2SP tlog-witness): it cosigns the checkpoints of peers'
// logs that grew out of the last it has cosigned, keeps what does not fit, and
// has witnesses cosign its own.
//
// It must never see the content of an act: a leaf is a salted hash, made by
// package leaf.
package ledger
