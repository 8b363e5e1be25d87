// Package consentapi serves the consent duty's part of openapi.yaml,
// /consent/v1: consents, requests for them and their receipts, exclusions,
// blocks, the withdrawal of each, and dry runs of a decision.
//
// One operation is one method of consent.Service; a handler turns the
// generated types into the duty's and back, and decides nothing. Who is
// asking, and what is wrong with the form of a request, is the edge's to say
// (package api).
//
// It imports the consent duty alone and must never import another.
package consentapi
