// Package pg opens the hub's database, runs its transactions and reads its
// errors. It owns no table and knows no duty.
//
// Every connection has an empty search_path, so a query that forgets its
// schema fails at its first run; it speaks UTC, reads committed rows and has
// a statement timeout.
//
// It must never pass on what PostgreSQL says about a failed statement: those
// messages quote rows. Fault keeps the SQLSTATE and the constraint's name and
// drops the rest.
//
// Packages beneath it start a private server (private), bring a database to
// the schema of this release (migrate), and lend isolated databases to tests
// (internal/pgtest).
package pg
