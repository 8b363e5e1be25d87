package registrarapi

import (
	"context"
	"encoding/hex"

	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

// AskCommonClient is registrar.Service.AskCommon.
func (h *handler) AskCommonClient(ctx context.Context, req *registraroas.CommonClientRequest) (*registraroas.CommonClientAsked, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	q, err := convert[registrar.CommonAsk](req)
	if err != nil {
		return nil, err
	}
	made, err := h.service.AskCommon(ctx, caller, q)
	if err != nil {
		return nil, err
	}
	return &registraroas.CommonClientAsked{
		Act: registraroas.ID(made.Act.String()), Code: registraroas.PairingCode(made.Code), Expires: made.Until,
		Commitment: registraroas.Commitment(hex.EncodeToString(made.Commitment)),
	}, nil
}

// AnswerCommonClient is registrar.Service.AnswerCommon.
func (h *handler) AnswerCommonClient(ctx context.Context, req *registraroas.CommonClientAnswerRequest) (*registraroas.CommonClient, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	q, err := convert[registrar.CommonAsk](req)
	if err != nil {
		return nil, err
	}
	c, err := h.service.AnswerCommon(ctx, caller, string(req.Code), q)
	if err != nil {
		return nil, err
	}
	return commonOf(c), nil
}

// OutcomeOfCommonClient is registrar.Service.OutcomeOfCommon.
func (h *handler) OutcomeOfCommonClient(ctx context.Context, params registraroas.OutcomeOfCommonClientParams) (*registraroas.CommonClient, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	act, err := ident.ParseAct(string(params.Act))
	if err != nil {
		return nil, fault.New(fault.NotKnown, "you have asked nothing of this id")
	}
	c, err := h.service.OutcomeOfCommon(ctx, caller, act)
	if err != nil {
		return nil, err
	}
	return commonOf(c), nil
}

func commonOf(c registrar.Common) *registraroas.CommonClient {
	out := &registraroas.CommonClient{Answer: registraroas.CommonClientAnswer(c.Answer)}
	if r := c.Right; r != nil {
		right := registraroas.Right{Agreement: registraroas.Code(r.Agreement), Purpose: registraroas.Code(r.Purpose)}
		for _, p := range r.Powers {
			right.Powers = append(right.Powers, registraroas.Code(p))
		}
		for _, a := range r.Aspects {
			right.Aspects = append(right.Aspects, registraroas.Code(a))
		}
		out.Right.SetTo(right)
	}
	if c.Statement != "" {
		out.Statement.SetTo(registraroas.CommonClientStatement(c.Statement))
	}
	if len(c.Commitment) > 0 {
		out.Commitment.SetTo(registraroas.Commitment(hex.EncodeToString(c.Commitment)))
	}
	return out
}
