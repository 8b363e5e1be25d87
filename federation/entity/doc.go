// Package entity is OpenID Federation 1.1 (openid.net/specs/openid-federation-1_1.html)
// as far as hubs need it: entity statements, the keys they bring, metadata policies,
// constraints, trust marks and trust chains.
//
// It owns no table and knows no peer: statements in, what they come to out. The clock
// and whatever fetches are handed in. Everything that it reads is somebody else's and
// bounded: in size, depth and number; what it cannot understand it refuses. No
// error repeats what a statement says.
package entity
