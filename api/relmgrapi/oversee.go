package relmgrapi

import (
	"context"

	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/relmgr"
)

func (h handlers) Oversee(ctx context.Context, params oas.OverseeParams) (*oas.Oversight, error) {
	got, err := h.service.Oversee(ctx, caller(ctx), params.From, params.Until)
	if err != nil {
		return nil, err
	}
	out := &oas.Oversight{Least: relmgr.LeastPeople, Disclosures: make([]oas.OversightDisclosuresItem, len(got.Disclosures)), Waiting: make([]oas.OversightWaitingItem, len(got.Waiting))}
	for i, d := range got.Disclosures {
		out.Disclosures[i] = oas.OversightDisclosuresItem{Purpose: oas.Code(d.Purpose), Ground: oas.Ground(d.Ground), People: int(d.People)}
	}
	for i, w := range got.Waiting {
		out.Waiting[i] = oas.OversightWaitingItem{
			Agency: oas.Code(w.AgencyID), Enquiries: int(w.Enquiries), EnquiriesOverdue: int(w.EnquiriesOverdue), Overrides: int(w.Overrides), OverridesOverdue: int(w.OverridesOverdue),
		}
	}
	return out, nil
}
