package idmgrapi

import (
	"context"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/idmgroas"
)

// HandleSubject lets in who bears relmgr's proof of their handles for this duty.
func (h handlers) HandleSubject(ctx context.Context, operation oas.OperationName, t oas.Subject) (context.Context, error) {
	return h.edge.SecureSubject(ctx, operation, t.Token)
}

func (h handlers) ListMyLinks(ctx context.Context) (*oas.MyLinks, error) {
	who, _ := api.SubjectOf(ctx)
	all, err := h.service.MyLinks(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &oas.MyLinks{Links: make([]oas.MyLink, len(all))}
	for i, l := range all {
		shown := oas.MyLink{
			Link: oas.ID(l.ID.String()), Column: oas.Code(l.Column), Side: oas.MyLinkSideAccepted, State: oas.MyLinkState(l.State),
			Purpose: oas.Code(l.Purpose), Aspects: codes(l.Aspects), Until: l.Until, UsesLeft: left(l.Left),
		}
		if l.Opened {
			shown.Side = oas.MyLinkSideOpened
		}
		if l.With != nil {
			shown.With = oas.NewOptLinkParty(party(*l.With))
		}
		out.Links[i] = shown
	}
	return out, nil
}
