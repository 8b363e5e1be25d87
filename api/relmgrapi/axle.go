package relmgrapi

import (
	"context"
	"encoding/hex"
	"log/slog"
	"time"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/relmgr"
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

// LookUpForPeer is relmgr.Service.LookUpForPeer.
func (h handlers) LookUpForPeer(ctx context.Context, req *oas.PeerRequest) (*oas.LookUpAnswer, error) {
	terms, err := h.terms(ctx)
	if err != nil {
		return nil, err
	}
	a, err := h.service.LookUpForPeer(ctx, terms, api.StatementOf(ctx), string(req.Message))
	if err != nil {
		return nil, err
	}
	out := &oas.LookUpAnswer{Outcome: oas.LookUpAnswerOutcome(a.Outcome), Evaluated: a.Evaluated, Proof: a.Proof}
	if a.Because != "" {
		out.Because = oas.NewOptString(a.Because)
	}
	if a.Bits > 0 {
		out.Bits = oas.NewOptInt(a.Bits)
	}
	for _, row := range a.Rows {
		out.Rows = append(out.Rows, row)
	}
	if a.More {
		out.More = oas.NewOptBool(true)
	}
	if a.Commitment != nil {
		out.Commitment = oas.NewOptCommitment(oas.Commitment(hex.EncodeToString(a.Commitment)))
	}
	return out, nil
}

// lookUpsEvery is how often tags of private look-ups are made: as long as whoever has been
// published a moment ago is not found by one.
const lookUpsEvery = 2 * time.Second

// tendLookUps makes tags and turns epochs, until ctx ends.
func tendLookUps(ctx context.Context, service *relmgr.Service, edge *api.Edge, log *slog.Logger) {
	tick := time.NewTicker(lookUpsEvery)
	defer tick.Stop()
	for {
		terms, err := edge.Terms(ctx)
		if err == nil {
			err = service.TendLookUps(ctx, terms)
		}
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "tags of private look-ups cannot be made", "cause", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
