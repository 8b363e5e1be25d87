// Package idmgr is the identity manager. Nothing of it is built yet: its
// schema, its database role and the walls around them stand, relmgr already
// signs the proofs of handles that it will accept, and this text says what may
// come in.
//
// It will own private, specific, expiring links between two handles that the
// parties bring, grants and withholdings, and the cases that come of their
// clashes.
//
// It must never see a row, nor another manager's links; the index must never see
// a link (IDM-07).
package idmgr
