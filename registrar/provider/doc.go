// Package provider is the registrar's OpenID Provider and the pages on which people
// sign in and look after what they sign in with.
//
// Agencies are its relying parties: authorization code with PKCE (S256 alone), signed
// assertions in place of client secrets, redirect addresses compared letter by letter,
// and for each agency a sub of its own (REG-25). It says how somebody signed in (acr,
// amr) and takes a request for more (acr_values, AUT-14), for newer (max_age, prompt)
// or for nothing to be asked (prompt=none). Its access tokens are opaque and open its
// own userinfo alone: no duty accepts them.
//
// The protocol is go-oidc's (github.com/luikyv/go-oidc, decision 0040), which nothing
// outside op.go and store.go knows; what it keeps between two requests is in the
// database, sealed. Pages need no script, save for passkeys, and no page has any
// inline.
//
// It must never see what a register holds of a person: an account, and how they
// proved to be its owner, is all that it asks for.
package provider
