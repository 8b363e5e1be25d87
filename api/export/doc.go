// Package export composes what the duties answer a person about themself into one
// file: the duties never meet, so whoever asks as the person brings it together
// (design.md section 2). It holds what every list of theirs holds, whole, and nothing
// else: what the person is lawfully not told of is in none of them.
package export
