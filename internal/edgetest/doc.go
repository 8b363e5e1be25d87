// Package edgetest holds tests only: it makes a whole hub in one process, all
// three duties wired by their own Wire functions on a real PostgreSQL as the
// production roles, and judges it from outside, over HTTP.
//
// What it judges is the edge of the hub as somebody who sends nonsense, forges
// tokens or compares answers would meet it: every operation of openapi.yaml
// against bad input, refusals that must not be told apart, bodies that a fuzzer
// makes, and tokens of an OpenID Provider that is not ours. It owns no code that
// a program could contain, and must never be imported.
package edgetest
