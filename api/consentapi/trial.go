package consentapi

import (
	"context"
	"time"

	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
)

// TryDecision is consent.Service.TryDecision.
func (h *handler) TryDecision(ctx context.Context, req *consentoas.DryRunRequest) (*consentoas.DryRun, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	tried, err := h.service.TryDecision(caller, trialOf(req))
	if err != nil {
		return nil, err
	}
	return dryRunOf(tried), nil
}

func trialOf(req *consentoas.DryRunRequest) (t consent.Trial) {
	if a, ok := req.Asker.Get(); ok {
		t.Column, t.Role = ident.Column(a.Column), string(a.Role.Or(""))
		t.Asker = &decide.Question{
			Purpose: string(a.Purpose), Reason: string(a.Reason), Transaction: string(a.Transaction.Or("")), Emergency: a.Emergency.Or(false),
		}
	}
	if d, ok := req.Holder.Get(); ok {
		t.Column, t.Role = ident.Column(d.Column), string(d.Role.Or(""))
		t.Holder = &decide.Proposal{
			Deed: decide.Deed(d.Deed.Or(consentoas.HolderTrialDeedPublish)), Mode: decide.Mode(d.Mode),
			Agreement: string(d.Agreement), Power: string(d.Power), Purposes: texts(d.Purposes), Aspects: texts(d.Aspects),
			Audience: audienceOf(d.Audience), Necessary: d.Proportionality.Necessary, Safeguards: d.Proportionality.Safeguards,
			Aim: string(d.Proportionality.Aim), Ground: decide.Ground(d.Ground), Reason: string(d.Reason.Or("")),
			Conditions: decide.Conditions{Ordinary: string(d.Conditions.Ordinary), Sensitive: string(d.Conditions.Sensitive.Or(""))},
			Until:      d.Until, Review: d.Proportionality.Review.Or(time.Time{}), Concerning: decide.Concerning(d.Concerning.Or("")),
			Welfare: d.Welfare.Or(false), Detriment: decide.Detriment(d.Detriment.Or("")), Order: string(d.Order.Or("")),
			Refused: d.Refused.Or(false), CreatorOnly: d.Hidden.Or(false),
			Confidence: decide.Confidence(d.Statement.Or("")),
		}
		if o, ok := d.Override.Get(); ok {
			t.Holder.Override = &decide.Override{Risk: string(o.Risk.Or("")), Telling: decide.Telling(o.Telling.Or(""))}
		}
		for _, c := range d.Consents {
			t.Holder.Consents = append(t.Holder.Consents, decide.Consent{
				Explicit: c.Explicit, Audience: audienceOf(c.Audience), Purposes: texts(c.Purposes), Aspects: texts(c.Aspects), Ends: c.Until,
			})
		}
	}
	return t
}

func dryRunOf(t consent.Tried) *consentoas.DryRun {
	out := &consentoas.DryRun{
		Permitted: t.Permitted(), TermsVersion: t.TermsVersion, Profile: consentoas.Code(t.Profile), Agreements: codes(t.Agreements),
	}
	for i, s := range t.Steps {
		step := consentoas.Step{Step: s.Number, Question: t.Questions[i], Answer: consentoas.StepAnswer(s.Answer)}
		if s.Because != "" {
			step.Because.SetTo(s.Because)
		}
		out.Steps = append(out.Steps, step)
	}
	if t.Role != "" {
		out.Role.SetTo(t.Role)
	}
	if a := t.Asks; a != nil {
		asks := consentoas.ProfileAsks{Orders: codes(a.Orders)}
		if a.ReviewDays > 0 {
			asks.ReviewDays.SetTo(a.ReviewDays)
		}
		if a.OverrideDays > 0 {
			asks.OverrideDays.SetTo(a.OverrideDays)
		}
		if a.Duty != "" {
			asks.Duty.SetTo(a.Duty)
		}
		if p := a.Presumption; p != nil {
			asks.CompetentFrom.SetTo(p.From)
			asks.Competence.SetTo(p.Citation)
		}
		out.Asks.SetTo(asks)
	}
	if t.Discloses {
		out.Discloses.SetTo(consentoas.WouldDisclose{
			Audience: audienceTo(t.Audience), Purposes: codes(t.Purposes), Aspects: codes(t.Aspects), Until: t.Until,
		})
	}
	return out
}

// ReceiptOfConsent is consent.Service.Receipt.
func (h *handler) ReceiptOfConsent(ctx context.Context, params consentoas.ReceiptOfConsentParams) (*consentoas.SignedReceipt, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := idOf[ident.ConsentID](params.Consent)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Receipt(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return &consentoas.SignedReceipt{
		Consent: consentoas.ID(id.String()), State: consentoas.SignedReceiptState(got.State), Receipt: got.JWS,
	}, nil
}
