package attest

import (
	"context"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// TypPass is the type of a Pass.
const TypPass = "fame-pass+jwt"

// PassLife is how long a pass lives.
const PassLife = 5 * time.Minute

// Pass is a hub's word to the registrar of another for one of its practitioners: who asks, for
// which agency, in which role and for what, in the names that hubs share
// (docs/decisions/0111). It says nothing of whom is asked about.
type Pass struct {
	Claims
	Practitioner ident.Practitioner `json:"practitioner"`
	Agency       ident.Agency       `json:"agency"`
	Role         string             `json:"role"`
	Purpose      string             `json:"purpose"`
}

// PassAudience is whom a pass to a hub's registrar is for.
func PassAudience(hub string) string { return hub + "/registrar" }

// VerifyPass returns the pass that token carries for the audience, or an error as Verify does.
func (v *Verifier) VerifyPass(ctx context.Context, token, audience string) (p Pass, err error) {
	if err = v.Verify(ctx, token, Expect{TypPass, audience, PassLife}, &p); err == nil && (p.Practitioner == "" || p.Agency == "" || p.Role == "" || p.Purpose == "") {
		err = refused("the pass lacks a claim")
	}
	return p, err
}
