package federationapi

import (
	"context"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/federationoas"
)

// HandleSignedIn lets in who bears a registrar's statement, for relmgr to judge.
func (h handlers) HandleSignedIn(ctx context.Context, operation oas.OperationName, t oas.SignedIn) (context.Context, error) {
	return h.edge.Bearing(ctx, operation, t.Token)
}

// ReadUsage is federation.Axles.Usage.
func (h handlers) ReadUsage(ctx context.Context) (*oas.UsageFeed, error) {
	if h.axles == nil {
		return nil, noAxles()
	}
	u, err := h.axles.Usage(ctx, api.StatementOf(ctx))
	if err != nil {
		return nil, err
	}
	out := &oas.UsageFeed{Hub: oas.Hub(u.Hub), Title: u.Title, More: u.More, Usage: make([]oas.Usage, len(u.Enquiries))}
	for i, e := range u.Enquiries {
		out.Usage[i] = oas.Usage{
			At: e.At.UTC(), AgencyName: e.AgencyName, Role: e.Role, Purpose: e.Purpose, Reason: e.Reason, Emergency: e.Emergency, ToldOf: e.ToldOf, Commitment: oas.Commitment(e.Commitment),
		}
		if e.From != "" {
			out.Usage[i].From = oas.NewOptString(e.From)
		}
	}
	return out, nil
}
