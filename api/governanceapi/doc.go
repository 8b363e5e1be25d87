// Package governanceapi serves the governance duty's part of openapi.yaml,
// /governance/v1: the partnership, the services, sign-ins, the practitioners of
// each agency, and governance's acts.
//
// One operation is one method of governance.Service; a handler turns the
// generated types into the duty's and back, and decides nothing. Who is
// asking, and what is wrong with the form of a request, is the edge's to say
// (package api). Signing in alone is open to people who are not registered.
//
// It imports the governance duty alone and must never import another.
package governanceapi
