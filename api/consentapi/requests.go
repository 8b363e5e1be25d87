package consentapi

import (
	"context"
	"encoding/hex"

	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/internal/ident"
)

// RequestConsent is consent.Service.Ask.
func (h *handler) RequestConsent(ctx context.Context, req *consentoas.AskConsentRequest) (*consentoas.ConsentRequestReceipt, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Ask(ctx, caller, consent.Request{
		Proof: string(req.Proof), Explicit: req.Explicit, Audience: audienceOf(req.Audience),
		Purposes: texts(req.Purposes), Aspects: texts(req.Aspects), Until: req.Until,
	})
	if err != nil {
		return nil, err
	}
	return &consentoas.ConsentRequestReceipt{
		Request: consentoas.ID(got.Request.String()), Act: consentoas.ID(got.Act.String()),
		Commitment: consentoas.Commitment(hex.EncodeToString(got.Commitment)),
	}, nil
}

// ListConsentRequests is consent.Service.ListRequests.
func (h *handler) ListConsentRequests(ctx context.Context, params consentoas.ListConsentRequestsParams) (*consentoas.ConsentRequests, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	open, err := h.service.ListRequests(ctx, caller, ident.Column(params.Column), params.Limit.Or(50))
	if err != nil {
		return nil, err
	}
	out := &consentoas.ConsentRequests{Requests: make([]consentoas.OpenConsentRequest, len(open))}
	for i, r := range open {
		out.Requests[i] = consentoas.OpenConsentRequest{
			Request: consentoas.ID(r.ID.String()), Handle: consentoas.ID(r.Handle.String()), Explicit: r.Explicit,
			Audience: audienceTo(r.Audience), Purposes: codes(r.Purposes), Aspects: codes(r.Aspects), Until: r.Until,
			AskedAt: r.AskedAt, AskedBy: consentoas.Code(r.AskedBy),
		}
	}
	return out, nil
}

// AnswerConsentRequest is consent.Service.Answer.
func (h *handler) AnswerConsentRequest(ctx context.Context, req *consentoas.ConsentAnswer, params consentoas.AnswerConsentRequestParams) (*consentoas.ConsentAnswerReceipt, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := idOf[ident.RequestID](params.Request)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Answer(ctx, caller, id, consent.Answer{
		Outcome: consent.Outcome(req.Answer), Reason: string(req.Reason.Or("")),
		Evidence: consent.Evidence(req.Evidence.Or("")), Wording: string(req.Wording.Or("")),
		Understanding: consent.Understanding(req.Understanding.Or("")), Proxy: proxyOf(req.Proxy), Competence: competenceOf(req.Competence),
	})
	if err != nil {
		return nil, err
	}
	out := &consentoas.ConsentAnswerReceipt{
		Request: params.Request, Answer: consentoas.ConsentAnswerReceiptAnswer(req.Answer), Act: consentoas.ID(got.Act.String()),
		Commitment: consentoas.Commitment(hex.EncodeToString(got.Commitment)),
	}
	if !got.Consent.IsZero() {
		out.Consent.SetTo(consentoas.ID(got.Consent.String()))
	}
	return out, nil
}
