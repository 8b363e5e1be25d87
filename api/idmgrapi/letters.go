package idmgrapi

import (
	"context"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/idmgr"
)

// HandlePeer lets in who bears a voucher of the federation duty, for the manager to judge.
func (h handlers) HandlePeer(ctx context.Context, operation oas.OperationName, t oas.Peer) (context.Context, error) {
	return h.edge.Bearing(ctx, operation, t.Token)
}

// CollectLinkLetters is idmgr.Service.Letters.
func (h handlers) CollectLinkLetters(ctx context.Context, req *oas.LettersTold) (*oas.Letters, error) {
	terms, err := h.edge.Terms(ctx)
	if err != nil {
		return nil, err
	}
	told := make([]idmgr.Told, len(req.Told))
	for i, t := range req.Told {
		told[i] = idmgr.Told{Letter: string(t.Letter), Reply: t.Reply}
	}
	letters, err := h.service.Letters(ctx, terms, api.StatementOf(ctx), told)
	if err != nil {
		return nil, err
	}
	out := &oas.Letters{Letters: make([]oas.Letter, len(letters))}
	for i, l := range letters {
		out.Letters[i] = oas.Letter{Letter: oas.ID(l.ID.String()), Hub: oas.Hub(l.Hub), Body: l.Body}
	}
	return out, nil
}

// TakeLinkLetter is idmgr.Service.TakeLetter.
func (h handlers) TakeLinkLetter(ctx context.Context, req *oas.PeerRequest) (*oas.LetterReply, error) {
	terms, err := h.edge.Terms(ctx)
	if err != nil {
		return nil, err
	}
	said, err := h.service.TakeLetter(ctx, terms, api.StatementOf(ctx), string(req.Message))
	return &oas.LetterReply{Reply: said}, err
}
