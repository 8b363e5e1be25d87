package federationapi

import (
	"context"
	"encoding/hex"

	oas "github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// FileDispute is federation.Axles.FileDispute.
func (h handlers) FileDispute(ctx context.Context, req *oas.DisputeFiling, params oas.FileDisputeParams) (*oas.DisputeChange, error) {
	if h.axles == nil {
		return nil, noAxles()
	}
	peer, err := peerID(params.Peer)
	if err != nil {
		return nil, err
	}
	var exchange ident.ActID
	if id, ok := req.Exchange.Get(); ok {
		if exchange, err = actID("/exchange", id); err != nil {
			return nil, err
		}
	}
	return disputeChange(h.axles.FileDispute(ctx, caller(ctx), peer, string(req.About), exchange, string(req.Reason)))
}

// AnswerDispute is federation.Axles.AnswerDispute.
func (h handlers) AnswerDispute(ctx context.Context, req *oas.DisputeAnswer, params oas.AnswerDisputeParams) (*oas.DisputeChange, error) {
	if h.axles == nil {
		return nil, noAxles()
	}
	id, err := actID("/dispute", params.Dispute)
	if err != nil {
		return nil, err
	}
	return disputeChange(h.axles.AnswerDispute(ctx, caller(ctx), id, string(req.Outcome), string(req.Reason)))
}

// ListDisputes is federation.Service.Disputes.
func (h handlers) ListDisputes(ctx context.Context, params oas.ListDisputesParams) (*oas.Disputes, error) {
	list, err := h.service.Disputes(ctx, caller(ctx), params.Limit.Or(50))
	if err != nil {
		return nil, err
	}
	out := &oas.Disputes{Disputes: make([]oas.Dispute, len(list))}
	for i, d := range list {
		out.Disputes[i] = dispute(d)
	}
	return out, nil
}

func actID(at string, id oas.ID) (ident.ActID, error) {
	a, err := ident.ParseAct(string(id))
	if err != nil {
		f := fault.At(at, "write an id as this service gave it")
		f.Kind = fault.Malformed
		return a, f
	}
	return a, nil
}

func dispute(d federation.Dispute) oas.Dispute {
	out := oas.Dispute{
		Dispute: oas.ID(d.ID.String()), Hub: oas.Hub(d.Hub), Filed: oas.DisputeFiled(d.Filed), About: oas.DisputeAbout(d.About), Reason: oas.Code(d.Reason),
		At: d.At, Due: d.Due, Told: d.Told,
	}
	if len(d.Message) > 0 {
		out.Message = oas.NewOptString(hex.EncodeToString(d.Message))
	}
	if !d.Refused.IsZero() {
		out.Refused = oas.NewOptDateTime(d.Refused)
	}
	if d.Outcome != "" {
		out.Outcome, out.Ended = oas.NewOptDisputeOutcome(oas.DisputeOutcome(d.Outcome)), oas.NewOptDateTime(d.Ended)
	}
	if d.OutcomeReason != "" {
		out.OutcomeReason = oas.NewOptCode(oas.Code(d.OutcomeReason))
	}
	return out
}

func disputeChange(c federation.DisputeChange, err error) (*oas.DisputeChange, error) {
	if err != nil {
		return nil, err
	}
	return &oas.DisputeChange{Dispute: dispute(c.Dispute), Act: oas.ID(c.Act.String()), Commitment: oas.Commitment(hex.EncodeToString(c.Commitment))}, nil
}
