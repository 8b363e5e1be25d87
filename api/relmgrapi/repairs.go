package relmgrapi

import (
	"context"
	"log/slog"
	"time"

	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/relmgr"
)

// ListRepairs is relmgr.Service.ListRepairs.
func (h handlers) ListRepairs(ctx context.Context, params oas.ListRepairsParams) (*oas.Repairs, error) {
	list, err := h.service.ListRepairs(ctx, caller(ctx), params.Limit.Or(50), why(params.Purpose, params.Reason))
	if err != nil {
		return nil, err
	}
	return &oas.Repairs{Repairs: suspended(list)}, nil
}

func suspended(list []relmgr.SuspendedAct) []oas.SuspendedAct {
	out := make([]oas.SuspendedAct, len(list))
	for n, r := range list {
		out[n] = oas.SuspendedAct{
			Repair: oas.ID(r.Repair.String()), At: r.At, Suspends: oas.ID(r.Suspends.String()), Kind: oas.SuspendedActKind(r.Kind),
		}
	}
	return out
}

// repairEvery is how often it is looked what registrars have found to be wrong.
const repairEvery = 15 * time.Second

// repair suspends what rests on registrars' mistakes, lifts what was taken
// back, and carries out rulings, until ctx ends.
func repair(ctx context.Context, service *relmgr.Service, log *slog.Logger) {
	tick := time.NewTicker(repairEvery)
	defer tick.Stop()
	for {
		taken, err := service.TakeRepairs(ctx)
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "what registrars found to be wrong cannot be taken up", "cause", err.Error())
		} else if taken > 0 {
			log.InfoContext(ctx, "took up what registrars found to be wrong, or took back", "records", taken)
		}
		ruled, err := service.TakeRulings(ctx)
		if err != nil && ctx.Err() == nil {
			log.ErrorContext(ctx, "rulings cannot be carried out", "cause", err.Error())
		} else if ruled > 0 {
			log.InfoContext(ctx, "carried out rulings", "rulings", ruled)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
