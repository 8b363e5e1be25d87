package attest

import (
	"context"
	"errors"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

const (
	// TypRecognition is the type of a Recognition.
	TypRecognition = "fame-recognition+jwt"
	// TypSubject is the type of a Subject.
	TypSubject = "fame-subject+jwt"
)

// Recognition is a registrar's word to one practitioner about whom it has
// recognised, for one hub's relationship manager and for one use there. It says
// nothing of the person in clear: the hub's secret of the subject is encrypted to
// the audience (Recipients, Opener). Times are cut to whole seconds.
type Recognition struct {
	Issuer       string // the registrar's code; set by VerifyRecognition
	Audience     string
	Practitioner ident.Practitioner // who asked, and alone may use it
	Agency       ident.Agency
	Level        string   // of confidence
	Types        []string // the kinds of recognition data used
	Secret       string   // compact JWE
	IssuedAt     time.Time
	Expires      time.Time
	ID           ident.RecognitionID // drawn when signing, if zero
}

type recognitionClaims struct {
	Issuer       string              `json:"iss,omitempty"`
	Audience     string              `json:"aud"`
	IssuedAt     int64               `json:"iat"`
	NotBefore    int64               `json:"nbf"`
	Expires      int64               `json:"exp"`
	ID           ident.RecognitionID `json:"jti"`
	Practitioner ident.Practitioner  `json:"practitioner"`
	Agency       ident.Agency        `json:"agency"`
	Level        string              `json:"level"`
	Types        []string            `json:"types"`
	Secret       string              `json:"secret"`
}

func (c recognitionClaims) complete() bool {
	return !c.ID.IsZero() && c.Practitioner != "" && c.Agency != "" && c.Level != "" && len(c.Types) > 0 && c.Secret != ""
}

// SignRecognition signs a recognition. Every field but Issuer and ID must be set.
func (s *Signer) SignRecognition(ctx context.Context, r Recognition) (string, error) {
	if r.ID.IsZero() {
		r.ID = ident.NewRecognition()
	}
	c := recognitionClaims{
		Issuer: r.Issuer, Audience: r.Audience, IssuedAt: r.IssuedAt.Unix(), NotBefore: r.IssuedAt.Unix(), Expires: r.Expires.Unix(),
		ID: r.ID, Practitioner: r.Practitioner, Agency: r.Agency, Level: r.Level, Types: r.Types, Secret: r.Secret,
	}
	if !c.complete() {
		return "", errors.New("attest: not signed: a recognition names a practitioner, an agency, a level, types of recognition data and an encrypted secret")
	}
	return s.Sign(ctx, TypRecognition, c)
}

// VerifyRecognition returns the recognition that token carries for the audience,
// or an error as Verify does. One that was to live for longer than maxLifetime is
// refused. Who brings it, whether it was used before, and whether the level and the
// types are known is the caller's to check; the secret is still closed.
func (v *Verifier) VerifyRecognition(ctx context.Context, token, audience string, maxLifetime time.Duration) (Recognition, error) {
	var c recognitionClaims
	if err := v.Verify(ctx, token, Expect{TypRecognition, audience, maxLifetime}, &c); err != nil {
		return Recognition{}, err
	}
	if !c.complete() {
		return Recognition{}, refused("the recognition lacks a claim")
	}
	return Recognition{
		Issuer: c.Issuer, Audience: c.Audience, Practitioner: c.Practitioner, Agency: c.Agency, Level: c.Level, Types: c.Types, Secret: c.Secret,
		IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), Expires: time.Unix(c.Expires, 0).UTC(), ID: c.ID,
	}, nil
}

// Subject is a registrar's word that its bearer is the subject whose secret of the
// hub it carries, encrypted to the audience: what a person who has signed in shows
// the relationship manager. It serves until it expires.
type Subject struct {
	Issuer   string // the registrar's code; set by VerifySubject
	Audience string
	Level    string // of confidence in who the subject is
	ACR      string // how strongly the subject signed in (decide.SignIn)
	Secret   string // compact JWE
	// Authority is by what right somebody else has signed in and acts for the subject,
	// and Scope how far; empty for the subject in person.
	Authority string
	Scope     []string
	IssuedAt  time.Time
	Expires   time.Time
	ID        ident.RecognitionID // drawn when signing, if zero
}

type subjectClaims struct {
	Issuer    string              `json:"iss,omitempty"`
	Audience  string              `json:"aud"`
	IssuedAt  int64               `json:"iat"`
	NotBefore int64               `json:"nbf"`
	Expires   int64               `json:"exp"`
	ID        ident.RecognitionID `json:"jti"`
	Level     string              `json:"level"`
	ACR       string              `json:"acr"`
	Secret    string              `json:"secret"`
	Authority string              `json:"authority,omitempty"`
	Scope     []string            `json:"scope,omitempty"`
}

func (c subjectClaims) complete() bool {
	return !c.ID.IsZero() && c.Level != "" && c.ACR != "" && c.Secret != "" && (c.Authority == "") == (len(c.Scope) == 0)
}

// SignSubject signs a statement of who has signed in. Every field but Issuer and
// ID must be set.
func (s *Signer) SignSubject(ctx context.Context, p Subject) (string, error) {
	if p.ID.IsZero() {
		p.ID = ident.NewRecognition()
	}
	c := subjectClaims{
		Issuer: p.Issuer, Audience: p.Audience, IssuedAt: p.IssuedAt.Unix(), NotBefore: p.IssuedAt.Unix(), Expires: p.Expires.Unix(),
		ID: p.ID, Level: p.Level, ACR: p.ACR, Secret: p.Secret, Authority: p.Authority, Scope: p.Scope,
	}
	if !c.complete() {
		return "", errors.New("attest: not signed: a subject's statement names a level, how they signed in and an encrypted secret, and an authority with its scope or neither")
	}
	return s.Sign(ctx, TypSubject, c)
}

// VerifySubject returns who has signed in for the audience, or an error as Verify
// does. One that was to live for longer than maxLifetime is refused.
func (v *Verifier) VerifySubject(ctx context.Context, token, audience string, maxLifetime time.Duration) (Subject, error) {
	var c subjectClaims
	if err := v.Verify(ctx, token, Expect{TypSubject, audience, maxLifetime}, &c); err != nil {
		return Subject{}, err
	}
	if !c.complete() {
		return Subject{}, refused("the subject's statement lacks a claim")
	}
	return Subject{
		Issuer: c.Issuer, Audience: c.Audience, Level: c.Level, ACR: c.ACR, Secret: c.Secret, Authority: c.Authority, Scope: c.Scope,
		IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), Expires: time.Unix(c.Expires, 0).UTC(), ID: c.ID,
	}, nil
}
