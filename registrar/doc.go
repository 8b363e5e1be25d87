// Package registrar is the duty that recognises and authenticates people.
// Of it only package match is built, which compares people and decides: its
// schema, its database role and the walls around them stand, and this text says
// what may come in.
//
// It will own registers of subjects (recognition data only: demographic,
// biometric reference, performative), authentication, and signed recognitions.
//
// It must never see a row, a relationship, or what an agency calls a person: it
// says who somebody is, never who works with them (REG-08).
package registrar
