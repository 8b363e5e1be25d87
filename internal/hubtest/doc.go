// Package hubtest runs whole hubs for tests as partnerships run them: the built
// programs, one process per duty with its own configuration, keys and database
// login, on a PostgreSQL that belongs to the test. For tests only.
//
// A hub is what `fame init` makes of an empty database. The package starts,
// kills and stops processes, keeps everything that they log and everything that
// goes over the wire, and searches it for what must not be there. It knows no
// partnership and no story: who asks what is the tests' to say.
//
// Programs are built once per test process, with the race detector where the
// test has it. All ends with Main; what a killed test leaves ends with it, and
// the next test process removes its files.
//
// Where PostgreSQL is missing a test is skipped, loudly; where CI is set it
// fails, for a story that is not told proves nothing.
package hubtest
