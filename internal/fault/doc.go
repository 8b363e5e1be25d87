// Package fault gives every error of the hub one kind of a small closed set.
//
// Services return faults; api/problem.go turns a kind into an RFC 9457 problem
// in one table; anything that is not a fault is Internal and says nothing.
// A fault's detail says what to do next and never carries what the caller
// sent, nor any identifier of a person.
package fault
