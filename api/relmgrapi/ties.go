package relmgrapi

import (
	"context"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// Tie is relmgr.Service.TieTo.
func (h handlers) Tie(ctx context.Context, req *oas.TieRequest) (*oas.Tie, error) {
	p, err := proposal(req.Decision)
	if err != nil {
		return nil, err
	}
	tied, err := h.service.TieTo(ctx, caller(ctx), relmgr.Tying{
		Own: own(req.Column, req.Identifier), Hub: string(req.Hub), Code: string(req.Code.Or("")), Reason: string(req.Reason), Proposal: p,
	})
	if err != nil {
		return nil, err
	}
	out := &oas.Tie{Act: oas.ID(tied.Act.String()), Commitment: oas.Commitment(hex.EncodeToString(tied.Commitment))}
	if tied.Code != "" {
		out.Code, out.Expires = oas.NewOptPairingCode(oas.PairingCode(tied.Code)), oas.NewOptDateTime(tied.Ends)
	}
	return out, nil
}

// CollectLetters is relmgr.Service.Letters.
func (h handlers) CollectLetters(ctx context.Context, req *oas.LettersTaken) (*oas.Letters, error) {
	taken := make([]string, len(req.Taken))
	for i, id := range req.Taken {
		taken[i] = string(id)
	}
	letters, err := h.service.Letters(ctx, api.StatementOf(ctx), taken)
	if err != nil {
		return nil, err
	}
	out := &oas.Letters{Letters: make([]oas.Letter, len(letters))}
	for i, l := range letters {
		out.Letters[i] = oas.Letter{Letter: oas.ID(l.ID.String()), Hub: oas.Hub(l.Hub), Body: l.Body}
	}
	return out, nil
}

// TakeLetter is relmgr.Service.TakeLetter.
func (h handlers) TakeLetter(ctx context.Context, req *oas.PeerRequest) error {
	terms, err := h.terms(ctx)
	if err != nil {
		return err
	}
	return h.service.TakeLetter(ctx, terms, api.StatementOf(ctx), string(req.Message))
}

// tiesEvery is how often a page of ties is looked at: what ends one by itself the other hub
// is told so much later, and what was at its end before.
const tiesEvery = 2 * time.Second

// tendTies ends ties whose decision does not stand any more, until ctx ends.
func tendTies(ctx context.Context, service *relmgr.Service, edge *api.Edge, log *slog.Logger) {
	tick := time.NewTicker(tiesEvery)
	defer tick.Stop()
	var after ident.UntypedID
	for {
		terms, err := edge.Terms(ctx)
		if err == nil {
			after, err = service.TendTies(ctx, terms, after)
		}
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "ties to other hubs cannot be looked after", "cause", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
