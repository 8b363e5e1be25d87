// Package batch puts the questions that many ask at the same time as one.
//
// A statement of the database costs far more than what it looks up, so whatever
// waits when the last statement returns is one statement (design.md section 10).
// One who asks alone waits for nobody.
//
// It owns no state but who waits, and never looks at what is asked or answered.
package batch
