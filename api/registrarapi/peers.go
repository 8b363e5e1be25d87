package registrarapi

import (
	"context"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

// HandlePeer lets in who bears a pass of another hub's, for the registrar to judge.
func (h *handler) HandlePeer(ctx context.Context, operation registraroas.OperationName, t registraroas.Peer) (context.Context, error) {
	return h.edge.Bearing(ctx, operation, t.Token)
}

// RecogniseForPeer is registrar.Service.RecogniseForPeer.
func (h *handler) RecogniseForPeer(ctx context.Context, req *registraroas.RecognitionRequest, params registraroas.RecogniseForPeerParams) (*registraroas.Recognition, error) {
	terms, err := h.edge.Terms(ctx)
	if err != nil {
		return nil, err
	}
	given, err := convert[[]registrar.Item](req.Evidence)
	if err != nil {
		return nil, err
	}
	service, err := h.answering(ctx, ident.Register(params.Register))
	if err != nil {
		return nil, err
	}
	r, err := service.RecogniseForPeer(ctx, terms, api.StatementOf(ctx), ident.Register(params.Register), askingOf(req.Purpose, req.Reason, req.Case), given)
	if err != nil {
		return nil, err
	}
	return recognitionOf(&r), nil
}
