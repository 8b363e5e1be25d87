// Package private runs a PostgreSQL of its own from the binaries that the
// machine has, for `fame up`, `fame demo` and the tests.
//
// The server belongs to the process that starts it and to one directory. It
// listens on a Unix socket that no other user reaches, asks everyone for a
// password (SCRAM-SHA-256), never runs as root, and ends with its parent.
//
// Its log holds no value of any row: PostgreSQL writes them into ERROR lines,
// so those are not logged at all; start, stop and crash are.
//
// It knows neither schema nor duties; package migrate brings those.
package private
