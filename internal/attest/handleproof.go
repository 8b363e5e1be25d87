package attest

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

const (
	// TypHandleProof is the type of a HandleProof.
	TypHandleProof = "fame-handle-proof+jwt"
	// MaxHandleProofLife is the longest that a HandleProof may live.
	MaxHandleProofLife = 15 * time.Minute
)

// HandleProof says that relmgr made a handle for a practitioner who is a member
// of its column, and to which duty it says so. It is what consent and idmgr
// accept as proof of a handle. Times are cut to whole seconds.
type HandleProof struct {
	Issuer   string // set by VerifyHandleProof; the signer's own when signing
	Audience string
	Subject  ident.Practitioner
	Handle   ident.HandleID
	Column   ident.Column
	Agency   ident.Agency
	IssuedAt time.Time
	Expires  time.Time
	ID       string // drawn when signing, if empty
}

type handleProofClaims struct {
	Claims
	Handle ident.HandleID `json:"handle"`
	Column ident.Column   `json:"column"`
	Agency ident.Agency   `json:"agency"`
}

func (c handleProofClaims) complete() bool {
	return c.Subject != "" && c.ID != "" && !c.Handle.IsZero() && c.Column != "" && c.Agency != ""
}

// SignHandleProof signs a proof. Every field but Issuer and ID must be set.
func (s *Signer) SignHandleProof(ctx context.Context, p HandleProof) (string, error) {
	if p.ID == "" {
		p.ID = rand.Text()
	}
	c := handleProofClaims{
		Claims: Claims{
			Issuer: p.Issuer, Subject: string(p.Subject), Audience: p.Audience,
			IssuedAt: p.IssuedAt.Unix(), NotBefore: p.IssuedAt.Unix(), Expires: p.Expires.Unix(), ID: p.ID,
		},
		Handle: p.Handle, Column: p.Column, Agency: p.Agency,
	}
	if !c.complete() {
		return "", errors.New("attest: not signed: a handle proof names a practitioner, a handle, a column and an agency")
	}
	if c.Expires-c.IssuedAt > int64(MaxHandleProofLife/time.Second) {
		return "", errors.New("attest: not signed: a handle proof lives for 15 minutes at the most")
	}
	return s.Sign(ctx, TypHandleProof, c)
}

// VerifyHandleProof returns the proof that token carries for the audience, or
// an error as Verify does.
func (v *Verifier) VerifyHandleProof(ctx context.Context, token, audience string) (HandleProof, error) {
	var c handleProofClaims
	err := v.Verify(ctx, token, Expect{TypHandleProof, audience, MaxHandleProofLife}, &c)
	if err != nil {
		return HandleProof{}, err
	}
	if !c.complete() {
		return HandleProof{}, refused("the handle proof lacks a claim")
	}
	return HandleProof{
		Issuer: c.Issuer, Audience: c.Audience, Subject: ident.Practitioner(c.Subject),
		Handle: c.Handle, Column: c.Column, Agency: c.Agency,
		IssuedAt: time.Unix(c.IssuedAt, 0).UTC(), Expires: time.Unix(c.Expires, 0).UTC(), ID: c.ID,
	}, nil
}
