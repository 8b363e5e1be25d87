// Package web is the portal: the pages on which practitioners, relationship managers,
// registrars, governance officers and the people themselves use a hub. One portal
// belongs to one hub.
//
// It is a client. It asks the duties through the operations of openapi.yaml and nothing
// else, as whoever has signed in: practitioners at their agency's issuer, with a token
// that the duties check themselves; a person at the registrar, whose statement it takes
// to relmgr and whose proofs it then carries to each duty. It decides nothing that a
// duty decides, and what a duty refuses it shows in the duty's words.
//
// It keeps sessions in memory and has no database (docs/decisions/0088): a browser holds
// a random number. Every page works without a script, by keyboard, at 320 pixels and in
// print, under a policy that lets nothing run and asks no other host for anything. Every
// form is declared once (form.go), so that each shows its mistakes in one summary,
// keeps what was typed, is sent once however often it is pressed, and outlives a session
// that ends in the middle.
//
// It must never keep what it shows, log what is typed, or import a duty.
package web
