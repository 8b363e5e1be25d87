// Package archtest holds the architecture as tests: who may import whom, what
// a process contains, which libraries are used and why, what every package
// says of itself, and what each duty's role may do in the database.
//
// Each rule carries its reason, and each has a test that proves it can fail:
// a rule of imports is fed a fabricated import graph, a wall of the database is
// opened in a clone and must be reported. A rule about a package that does not
// exist yet has nothing to check.
//
// It holds tests only and no program contains it. With -update the test
// TestSchemaSQLIsCurrent writes sql/schema.sql instead of comparing it.
package archtest
