package attest

import (
	"context"
	"time"

	"github.com/fame-hub/fame/internal/ident"
)

// TypErasure is the type of a signed certificate of an erasure (SUB-06).
const TypErasure = "fame-erasure-certificate+jwt"

// ErasureCertificate certifies what a duty erased, or why a law keeps it, and names nobody:
// of an identifier the agency and its column, of an entry the register. It has neither aud
// nor exp: whoever asked keeps it.
type ErasureCertificate struct {
	Issuer     string         `json:"iss"`
	IssuedAt   int64          `json:"iat"`
	Act        string         `json:"act"`
	Commitment string         `json:"commitment"` // in hexadecimal
	Agency     ident.Agency   `json:"agency,omitempty"`
	Column     ident.Column   `json:"column,omitempty"`
	Register   ident.Register `json:"register,omitempty"`
	ErasedAt   time.Time      `json:"erased_at"`
	Records    int            `json:"records"` // that lost their contents
	Keeps      string         `json:"keeps,omitempty"`
	Obligation string         `json:"obligation,omitempty"`
	CompleteAt time.Time      `json:"complete_at"` // when no backup holds it any more
}

// SignErasure signs a certificate of an erasure.
func (s *Signer) SignErasure(ctx context.Context, c ErasureCertificate) (string, error) {
	return s.SignLasting(ctx, TypErasure, c)
}
