// Package spoken draws and reads codes that one person says to another: random, of
// one use, minutes to live, behind a rate limit. What is misheard is told from a code
// before anything is looked up.
//
// It owns no state, and never learns what a code is for.
package spoken
