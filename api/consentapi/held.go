package consentapi

import (
	"context"

	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/internal/ident"
)

// ListHeld is consent.Service.ListHeld.
func (h *handler) ListHeld(ctx context.Context, params consentoas.ListHeldParams) (*consentoas.HeldParts, error) {
	who, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	all, err := h.service.ListHeld(ctx, who, ident.Column(params.Column))
	if err != nil {
		return nil, err
	}
	out := &consentoas.HeldParts{Held: make([]consentoas.HeldPart, len(all))}
	for i, p := range all {
		out.Held[i] = consentoas.HeldPart{
			Consent: consentoas.ID(p.Consent.String()), Handle: consentoas.ID(p.Handle.String()), From: p.From,
			Authority: string(p.Authority),
		}
		if p.Withheld != "" {
			out.Held[i].Withheld = consentoas.NewOptCode(consentoas.Code(p.Withheld))
		}
	}
	return out, nil
}

// ReviewHeld is consent.Service.Review.
func (h *handler) ReviewHeld(ctx context.Context, req *consentoas.HeldReview, params consentoas.ReviewHeldParams) (*consentoas.ConsentReceipt, error) {
	who, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := idOf[ident.ConsentID](params.Consent)
	if err != nil {
		return nil, err
	}
	r, err := h.service.Review(ctx, who, id, string(req.Outcome), string(req.Reason))
	if err != nil {
		return nil, err
	}
	return consentReceipt(id, r), nil
}
