// Package ident holds the typed identifiers of the hub, so that an act can
// never be passed where a handle belongs.
//
// Two kinds exist. Random ids (handles, acts, decisions, enquiries, consents,
// exclusions, rows) are version 4 UUIDs: they carry neither time nor order,
// since order tells what time tells. Codes (agencies, columns, providers,
// practitioners, purposes) are the short names that a partnership's own file
// declares.
//
// The package must never hold what a provider calls a subject: a local
// identifier is relmgr's alone and has no type here.
package ident
