// Package migrate brings a database to the schema and the grants of this
// release, and makes the logins of a hub.
//
// It runs as an administrator, never as a duty. It owns the schema "migration",
// whose one table says which migrations a database has; every role may read
// that, since every process reports it on /readyz.
//
// Roles belong to the whole cluster and databases do not, so two databases that
// migrate at once meet in the catalogues: what fails for that reason alone is
// tried again.
package migrate
