package idmgrapi

import (
	"context"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/internal/ident"
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

func (h handlers) EndMyLink(ctx context.Context, params oas.EndMyLinkParams) (*oas.LinkReceipt, error) {
	link, err := ident.ParseLink(string(params.Link))
	if err != nil {
		return nil, malformed("/link")
	}
	who, _ := api.SubjectOf(ctx)
	r, err := h.service.EndMine(ctx, who, link)
	return receipt(link, r, err)
}

func (h handlers) ListMyEffects(ctx context.Context) (*oas.MyEffects, error) {
	who, _ := api.SubjectOf(ctx)
	effects, cases, err := h.service.MyEffects(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &oas.MyEffects{Effects: make([]oas.MyEffect, len(effects)), Cases: make([]oas.MyCase, len(cases))}
	for i, e := range effects {
		out.Effects[i] = oas.MyEffect{
			Effect: oas.ID(e.Effect.String()), Kind: oas.MyEffectKindGrant, Manager: oas.Code(e.Manager), Column: oas.Code(e.Column), Rule: oas.Code(e.Rule),
			Authority: oas.MyEffectAuthority(e.Authority), Starts: e.Starts, Until: e.Until, Audience: shownAudience(e.Audience),
			Purposes: codes(e.Purposes), Reasons: codes(e.Reasons), State: oas.MyEffectState(e.State), Overruled: e.Overruled,
		}
		if e.Withhold {
			out.Effects[i].Kind = oas.MyEffectKindWithhold
		}
	}
	for i, c := range cases {
		out.Cases[i] = oas.MyCase{
			Case: oas.ID(c.Case.String()), State: oas.MyCaseState(c.State), Level: c.Level, Opened: c.Opened, Due: c.Due, Words: c.Words,
		}
		if c.Outcome != "" {
			out.Cases[i].Outcome = oas.NewOptMyCaseOutcome(oas.MyCaseOutcome(c.Outcome))
		}
	}
	return out, nil
}
