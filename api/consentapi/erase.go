package consentapi

import (
	"context"
	"encoding/hex"

	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/consent"
)

// EraseWord is consent.Service.Erase.
func (h *handler) EraseWord(ctx context.Context, req *consentoas.WordErasureRequest) (*consentoas.WordErasureCertificate, error) {
	who, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	z, err := h.service.Erase(ctx, who, consent.Erasure{
		Proof: string(req.Proof), Reason: string(req.Reason), Evidence: consent.Evidence(req.Evidence.Or("")), Obligation: string(req.Obligation.Or("")),
	})
	if err != nil {
		return nil, err
	}
	out := &consentoas.WordErasureCertificate{
		Act: consentoas.ID(z.Act.String()), Commitment: consentoas.Commitment(hex.EncodeToString(z.Commitment)), Column: consentoas.Code(z.Column), At: z.At,
		Records: z.Records, CompleteAt: z.CompleteAt, Certificate: z.Certificate,
	}
	if z.Obligation != "" {
		out.Obligation = consentoas.NewOptObligation(consentoas.Obligation(z.Obligation))
	}
	return out, nil
}
