package attest

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

const (
	// TypSubjectProof is the type of a SubjectProof.
	TypSubjectProof = "fame-subject-proof+jwt"
	// MaxSubjectHandles is how many handles one proof names: what fits a header.
	MaxSubjectHandles = 40
)

// SubjectProof is relmgr's word to one duty that its bearer is the person of these
// handles, as a registrar has said. It names nothing else of them, and has nothing in
// common with the proof for another duty but the handles. Times are cut to whole
// seconds.
type SubjectProof struct {
	Issuer    string // set by VerifySubjectProof; the signer's own when signing
	Audience  string
	Registrar string
	Level     string          // of confidence in who the person is
	ACR       string          // how strongly they signed in
	Authority string          // by which somebody else acts for them; empty in person
	Scope     []string        // of that authority
	Handles   []SubjectHandle // MaxSubjectHandles at the most; may be none
	IssuedAt  time.Time
	Expires   time.Time
	ID        string // drawn when signing, if empty
}

// SubjectHandle is a handle and its column.
type SubjectHandle struct {
	Handle ident.HandleID `json:"handle"`
	Column ident.Column   `json:"column"`
}

type subjectProofClaims struct {
	Claims
	Registrar string          `json:"registrar"`
	Level     string          `json:"level"`
	ACR       string          `json:"acr"`
	Authority string          `json:"authority,omitempty"`
	Scope     []string        `json:"scope,omitempty"`
	Handles   []SubjectHandle `json:"handles"`
}

func (c subjectProofClaims) complete() bool {
	for _, h := range c.Handles {
		if h.Handle.IsZero() || h.Column == "" {
			return false
		}
	}
	return c.ID != "" && c.Registrar != "" && c.Level != "" && c.ACR != "" && (c.Authority == "") == (len(c.Scope) == 0) && c.Handles != nil && len(c.Handles) <= MaxSubjectHandles
}

// SignSubjectProof signs a proof. Every field but Issuer and ID must be set.
func (s *Signer) SignSubjectProof(ctx context.Context, p SubjectProof) (string, error) {
	if p.ID == "" {
		p.ID = rand.Text()
	}
	c := subjectProofClaims{
		Claims: Claims{
			Issuer: p.Issuer, Audience: p.Audience, IssuedAt: p.IssuedAt.Unix(), NotBefore: p.IssuedAt.Unix(), Expires: p.Expires.Unix(), ID: p.ID,
		},
		Registrar: p.Registrar, Level: p.Level, ACR: p.ACR, Authority: p.Authority, Scope: p.Scope, Handles: p.Handles,
	}
	if !c.complete() {
		return "", errors.New("attest: not signed: a subject's proof names a registrar, a level, how they signed in and handles with their columns")
	}
	if c.Expires-c.IssuedAt > int64(MaxHandleProofLife/time.Second) {
		return "", errors.New("attest: not signed: a subject's proof lives for 15 minutes at the most")
	}
	return s.Sign(ctx, TypSubjectProof, c)
}

// VerifySubjectProof returns the proof that token carries for the audience, or an
// error as Verify does. Whether the level and the ACR are known, and whether the
// columns are open, is the caller's to check.
func (v *Verifier) VerifySubjectProof(ctx context.Context, token, audience string) (SubjectProof, error) {
	var c subjectProofClaims
	if err := v.Verify(ctx, token, Expect{TypSubjectProof, audience, MaxHandleProofLife}, &c); err != nil {
		return SubjectProof{}, err
	}
	if !c.complete() {
		return SubjectProof{}, refused("the subject's proof lacks a claim")
	}
	return SubjectProof{
		Issuer: c.Issuer, Audience: c.Audience, Registrar: c.Registrar, Level: c.Level, ACR: c.ACR, Authority: c.Authority, Scope: c.Scope, Handles: c.Handles,
		IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), Expires: time.Unix(c.Expires, 0).UTC(), ID: c.ID,
	}, nil
}
