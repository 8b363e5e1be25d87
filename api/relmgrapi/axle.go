package relmgrapi

import (
	"context"
	"encoding/hex"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/relmgroas"
)

// AnswerPeer is relmgr.Service.AnswerPeer.
func (h handlers) AnswerPeer(ctx context.Context, req *oas.PeerRequest) (*oas.PeerAnswer, error) {
	terms, err := h.terms(ctx)
	if err != nil {
		return nil, err
	}
	a, err := h.service.AnswerPeer(ctx, terms, api.StatementOf(ctx), string(req.Message))
	if err != nil {
		return nil, err
	}
	out := &oas.PeerAnswer{Outcome: oas.PeerAnswerOutcome(a.Outcome), Providers: make([]oas.PeerProvider, len(a.Providers))}
	for i, p := range a.Providers {
		out.Providers[i] = oas.PeerProvider{AgencyName: p.AgencyName, Contact: contact(p.Contact)}
	}
	if a.Because != "" {
		out.Because = oas.NewOptString(a.Because)
	}
	if a.Commitment != nil {
		out.Commitment = oas.NewOptCommitment(oas.Commitment(hex.EncodeToString(a.Commitment)))
	}
	return out, nil
}
