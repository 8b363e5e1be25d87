// Package process is what every duty's process is made of: a configuration
// file, a pool opened as the duty's own role, its keys, its logger and its
// metrics.
//
// A duty's cmd/ main hands Main its name and its Wire function and is done.
// `fame up` opens the same processes in one: there the database's walls hold
// between duties, and those of code and keys do not.
//
// It knows no duty: what a duty is made of is its Wire's to say.
package process
