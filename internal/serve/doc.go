// Package serve runs a process's HTTP servers: the public one with the
// handler, /healthz and /readyz, and a private one with /metrics where an
// address is given. It also makes the process's logger.
//
// It knows no duty, no database and no partnership; what readiness means is
// handed to it as checks. What it shows to anybody on /readyz is the checks'
// names and what to do, never an error's own words.
package serve
