// Package federation judges this repository's OpenID Federation by others: the metadata
// policy vectors that Connect2id published, and go-oidfed/lib as a partner in both
// directions. It is a module of its own, so that what they need never reaches go.mod; nothing of
// it is in a program.
package federation
