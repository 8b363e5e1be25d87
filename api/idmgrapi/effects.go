package idmgrapi

import (
	"context"
	"time"

	oas "github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/idmgr"
	"github.com/fame-hub/fame/internal/ident"
)

func (h handlers) DraftRules(ctx context.Context, req *oas.RulesRequest) (*oas.DraftedRules, error) {
	rules := make([]decide.Rule, len(req.Rules))
	for i, r := range req.Rules {
		to, err := audience(r.Audience)
		if err != nil {
			return nil, err
		}
		rules[i] = decide.Rule{
			Code: string(r.Rule), Withhold: r.Effect == oas.RuleEffectWithhold, Audience: to, Purposes: texts(r.Purposes), Reasons: texts(r.Reasons),
			Authority: string(r.Authority), Until: r.Until,
		}
	}
	d, err := h.service.DraftRules(ctx, caller(ctx), rules, string(req.Reason))
	if err != nil {
		return nil, err
	}
	out := &oas.DraftedRules{
		Version: int(d.Version), Predicted: make([]oas.Prediction, len(d.Predicted)), Act: oas.ID(d.Act.String()), Commitment: commitment(d.Commitment),
	}
	for i, p := range d.Predicted {
		out.Predicted[i] = oas.Prediction{
			Column: oas.Code(p.Column), Purpose: oas.Code(p.Purpose), Reason: oas.Code(p.Reason), Emergency: p.Emergency,
			Enquiries: p.Enquiries, Now: codes(p.Now), Then: codes(p.Then),
		}
	}
	return out, nil
}

func (h handlers) ActivateRules(ctx context.Context, req *oas.ReasonRequest, params oas.ActivateRulesParams) (*oas.IdmgrReceipt, error) {
	return acted(h.service.ActivateRules(ctx, caller(ctx), int32(params.Version), string(req.Reason)))
}

func (h handlers) ListRules(ctx context.Context) (*oas.RuleSets, error) {
	all, err := h.service.RuleSets(ctx, caller(ctx))
	if err != nil {
		return nil, err
	}
	out := &oas.RuleSets{Manager: oas.Code(h.service.Manager()), Versions: make([]oas.RuleSet, len(all))}
	for i, s := range all {
		shown := oas.RuleSet{Version: int(s.Version), InEffect: s.InEffect, At: s.At, By: oas.Code(s.By), Rules: make([]oas.Rule, len(s.Rules))}
		if s.LiveBy != "" {
			shown.LiveAt, shown.LiveBy = oas.NewOptDateTime(s.LiveAt), oas.NewOptCode(oas.Code(s.LiveBy))
		}
		for j, r := range s.Rules {
			shown.Rules[j] = oas.Rule{
				Rule: oas.Code(r.Code), Effect: oas.RuleEffectGrant, Audience: shownAudience(r.Audience), Purposes: codes(r.Purposes), Reasons: codes(r.Reasons),
				Authority: oas.RuleAuthority(r.Authority), Until: r.Until,
			}
			if r.Withhold {
				shown.Rules[j].Effect = oas.RuleEffectWithhold
			}
		}
		out.Versions[i] = shown
	}
	return out, nil
}

func (h handlers) GrantAccess(ctx context.Context, req *oas.GrantRequest) (*oas.MadeEffect, error) {
	return made(h.service.Grant(ctx, caller(ctx), idmgr.GrantRequest{
		Proof: string(req.Proof), Rule: string(req.Rule), Proposal: proposal(req.Decision, req.Aspects, req.Until), Agreed: agreed(req.Agreed),
		Evidence: string(req.Evidence.Or("")),
	}))
}

func (h handlers) WithholdAccess(ctx context.Context, req *oas.WithholdingRequest) (*oas.MadeEffect, error) {
	return made(h.service.Withhold(ctx, caller(ctx), idmgr.WithholdingRequest{
		Proof: string(req.Proof), Rule: string(req.Rule), Until: req.Until, Reason: string(req.Reason), Evidence: string(req.Evidence.Or("")),
	}))
}

func (h handlers) ListGrants(ctx context.Context, params oas.ListGrantsParams) (*oas.Effects, error) {
	return effects(h.service.Effects(ctx, caller(ctx), ident.Column(params.Column), false))
}

func (h handlers) ListWithholdings(ctx context.Context, params oas.ListWithholdingsParams) (*oas.Effects, error) {
	return effects(h.service.Effects(ctx, caller(ctx), ident.Column(params.Column), true))
}

func (h handlers) WithdrawGrant(ctx context.Context, req *oas.ReasonRequest, params oas.WithdrawGrantParams) (*oas.IdmgrReceipt, error) {
	return h.withdraw(ctx, string(params.Effect), false, string(req.Reason))
}

func (h handlers) WithdrawWithholding(ctx context.Context, req *oas.ReasonRequest, params oas.WithdrawWithholdingParams) (*oas.IdmgrReceipt, error) {
	return h.withdraw(ctx, string(params.Effect), true, string(req.Reason))
}

func (h handlers) withdraw(ctx context.Context, id string, withholding bool, reason string) (*oas.IdmgrReceipt, error) {
	effect, err := ident.ParseEffect(id)
	if err != nil {
		return nil, malformed("/effect")
	}
	return acted(h.service.WithdrawEffect(ctx, caller(ctx), effect, withholding, reason))
}

func acted(r idmgr.Receipt, err error) (*oas.IdmgrReceipt, error) {
	if err != nil {
		return nil, err
	}
	return &oas.IdmgrReceipt{Act: oas.ID(r.Act.String()), Commitment: commitment(r.Commitment)}, nil
}

func made(m idmgr.Made, err error) (*oas.MadeEffect, error) {
	if err != nil {
		return nil, err
	}
	out := &oas.MadeEffect{Effect: oas.ID(m.Effect.String()), Until: m.Until, Act: oas.ID(m.Act.String()), Commitment: commitment(m.Commitment)}
	if m.Token != "" {
		out.Token = oas.NewOptString(m.Token)
	}
	return out, nil
}

func effects(all []idmgr.Standing, err error) (*oas.Effects, error) {
	if err != nil {
		return nil, err
	}
	out := &oas.Effects{Effects: make([]oas.Effect, len(all))}
	for i, e := range all {
		out.Effects[i] = oas.Effect{
			Effect: oas.ID(e.Effect.String()), Handle: oas.ID(e.Handle.String()), Rule: oas.Code(e.Rule), Version: int(e.Version), Starts: e.Starts,
			Audience: shownAudience(e.Audience), Purposes: codes(e.Purposes), Reasons: codes(e.Reasons), Until: e.Until,
			State: oas.EffectState(e.State), Overruled: e.Overruled,
		}
	}
	return out, nil
}

// audience reads one member of three.
func audience(a oas.Audience) (decide.Audience, error) {
	switch {
	case a.Partnership.Set:
		return decide.Audience{Kind: decide.ToPartnership, Names: []string{}}, nil
	case len(a.Agencies) > 0:
		return decide.Audience{Kind: decide.ToAgencies, Names: texts(a.Agencies)}, nil
	case len(a.Columns) > 0:
		return decide.Audience{Kind: decide.ToColumns, Names: texts(a.Columns)}, nil
	}
	return decide.Audience{}, malformed("/audience")
}

func shownAudience(a decide.Audience) (out oas.Audience) {
	switch a.Kind {
	case decide.ToAgencies:
		out.Agencies = codes(a.Names)
	case decide.ToColumns:
		out.Columns = codes(a.Names)
	default:
		out.Partnership = oas.NewOptAudiencePartnership(true)
	}
	return out
}

func texts(in []oas.Code) []string {
	out := make([]string, len(in))
	for i, c := range in {
		out[i] = string(c)
	}
	return out
}

// proposal is a decision's, for these aspects and until then.
func proposal(d oas.LinkDecision, aspects []oas.Code, until time.Time) idmgr.Proposal {
	p := idmgr.Proposal{
		Agreement: string(d.Agreement), Power: string(d.Power), Aspects: texts(aspects), Until: until,
		Necessary: d.Proportionality.Necessary, Safeguards: d.Proportionality.Safeguards, Aim: string(d.Proportionality.Aim),
		Ground: decide.Ground(d.Ground), Reason: string(d.Reason.Or("")), Review: d.Proportionality.Review.Or(time.Time{}),
		Conditions: decide.Conditions{Ordinary: string(d.Conditions.Ordinary), Sensitive: string(d.Conditions.Sensitive.Or(""))},
		Concerning: decide.Concerning(d.Concerning.Or("")), Welfare: d.Welfare.Or(false), Detriment: decide.Detriment(d.Detriment.Or("")),
	}
	if order, ok := d.Order.Get(); ok {
		p.Order, p.OrderReference = string(order.Kind), order.Reference
	}
	return p
}

func agreed(a oas.OptLinkAgreed) *idmgr.Agreed {
	if a, ok := a.Get(); ok {
		out := &idmgr.Agreed{Evidence: string(a.Evidence), Wording: string(a.Wording), Competent: a.Competent}
		if p, ok := a.Proxy.Get(); ok {
			out.Proxy = &idmgr.Proxy{Authority: string(p.Authority), Evidence: string(p.Evidence), Until: p.Until}
		}
		return out
	}
	return nil
}
