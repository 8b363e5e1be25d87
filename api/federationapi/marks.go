package federationapi

import (
	"context"
	"encoding/hex"

	oas "github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/federation"
)

// IssueMark is federation.Service.IssueMark.
func (h handlers) IssueMark(ctx context.Context, req *oas.MarkIssue) (*oas.MarkChange, error) {
	return markChange(h.service.IssueMark(ctx, caller(ctx), string(req.Kind), string(req.Subject), req.Until))
}

// RevokeMark is federation.Service.RevokeMark.
func (h handlers) RevokeMark(ctx context.Context, req *oas.PeerReason, params oas.RevokeMarkParams) (*oas.MarkChange, error) {
	id, err := actID("/mark", params.Mark)
	if err != nil {
		return nil, err
	}
	return markChange(h.service.RevokeMark(ctx, caller(ctx), id, string(req.Reason)))
}

func markChange(c federation.MarkChange, err error) (*oas.MarkChange, error) {
	if err != nil {
		return nil, err
	}
	return &oas.MarkChange{
		Mark: oas.ID(c.Mark.String()), Type: c.Type, Subject: oas.EntityId(c.Subject), Until: c.Expires.UTC(), Status: oas.MarkChangeStatus(c.Status),
		Act: oas.ID(c.Act.String()), Commitment: oas.Commitment(hex.EncodeToString(c.Commitment)),
	}, nil
}
