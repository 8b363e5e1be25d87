package consent

import (
	"context"
	"errors"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// proved returns the handle that a proof of relmgr's names for the caller, and
// its column.
//
// The proof must be for this duty, in time, about the caller in person and at
// the agency of now, and for an open column of which the caller is a member
// now: a membership that has ended since it was signed counts for nothing.
// Every failure is the same Invalid, which tells nothing of the reason; the log
// has it.
func (s *Service) proved(ctx context.Context, caller decide.Caller, token string, at time.Time) (ident.HandleID, *decide.Column, error) {
	proof, err := s.proofs.VerifyHandleProof(ctx, token, ProofAudience)
	if errors.Is(err, attest.ErrStatement) {
		return ident.HandleID{}, nil, errProof().Because(err)
	}
	if err != nil {
		return ident.HandleID{}, nil, err
	}
	column, err := caller.Brings(proof.Subject, proof.Agency, proof.Column, at)
	if err != nil {
		return ident.HandleID{}, nil, errProof().Because(err)
	}
	return proof.Handle, column, nil
}

func errProof() *fault.Error {
	return fault.At("/proof", "ask POST /relmgr/v1/handles for a new proof")
}
