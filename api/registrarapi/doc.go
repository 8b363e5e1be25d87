// Package registrarapi serves the registrar duty's part of openapi.yaml,
// /registrar/v1: registers and the people in them.
//
// One operation is one method of registrar.Service; a handler turns the generated
// types into the duty's and back, and decides nothing. Who is asking, and what is
// wrong with the form of a request, is the edge's to say (package api).
//
// It imports the registrar duty alone and must never import another.
package registrarapi
