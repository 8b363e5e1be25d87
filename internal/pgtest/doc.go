// Package pgtest lends each test a database of its own, on a real PostgreSQL,
// with the production schema, grants and logins. For tests only.
//
// Each test process runs one private server, in memory where there is room.
// Its data is a copy of a template that the first process makes (initdb,
// migrations, logins) and all later ones share, so long as neither sql/ nor
// PostgreSQL changes; a test's database is a clone of the template's. The
// server ends with the process, and the next process removes what it leaves.
//
// Where PostgreSQL is missing a test is skipped, loudly; where CI is set it
// fails, for a wall that is not tested is no wall.
package pgtest
