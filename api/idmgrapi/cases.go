package idmgrapi

import (
	"context"

	oas "github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/idmgr"
	"github.com/fame-hub/fame/internal/ident"
)

func (h handlers) ListCases(ctx context.Context) (*oas.Cases, error) {
	all, err := h.service.Cases(ctx, caller(ctx))
	if err != nil {
		return nil, err
	}
	out := &oas.Cases{Cases: make([]oas.Case, len(all))}
	for i, c := range all {
		out.Cases[i] = shownCase(c)
	}
	return out, nil
}

func (h handlers) RuleOnCase(ctx context.Context, req *oas.CaseRulingRequest, params oas.RuleOnCaseParams) (*oas.IdmgrReceipt, error) {
	ref, err := ident.ParseReference(string(params.Case))
	if err != nil {
		return nil, malformed("/case")
	}
	return acted(h.service.Rule(ctx, caller(ctx), ref, string(req.Outcome), string(req.Reason)))
}

func (h handlers) AppealCase(ctx context.Context, req *oas.AppealRequest, params oas.AppealCaseParams) (*oas.IdmgrReceipt, error) {
	ref, err := ident.ParseReference(string(params.Case))
	if err != nil {
		return nil, malformed("/case")
	}
	return acted(h.service.Appeal(ctx, caller(ctx), ref, string(req.Reason), string(req.Evidence.Or(""))))
}

func shownCase(c idmgr.Case) oas.Case {
	out := oas.Case{
		Case: oas.ID(c.Case.String()), As: oas.CaseAs(c.As), Source: oas.CaseSource(c.Source), State: oas.CaseState(c.State), Level: c.Level,
		Opened: c.Opened, Due: c.Due, Words: c.Words,
	}
	if c.Outcome != "" {
		out.Outcome = oas.NewOptCaseOutcome(oas.CaseOutcome(c.Outcome))
	}
	if !c.Grant.IsZero() {
		out.Grant, out.Withholding = oas.NewOptID(oas.ID(c.Grant.String())), oas.NewOptID(oas.ID(c.Against.String()))
	}
	if !c.Handle.IsZero() {
		out.Handle = oas.NewOptID(oas.ID(c.Handle.String()))
	}
	for _, m := range c.By {
		out.Managers = append(out.Managers, oas.Code(m))
	}
	for _, st := range c.Steps {
		shown := oas.CaseStep{Kind: oas.CaseStepKind(st.Kind), Level: st.Level, At: st.At, Due: st.Due, Agency: oas.Code(st.Agency)}
		if st.Outcome != "" {
			shown.Outcome = oas.NewOptCaseStepOutcome(oas.CaseStepOutcome(st.Outcome))
		}
		if st.Reason != "" {
			shown.Reason = oas.NewOptCode(oas.Code(st.Reason))
		}
		out.Steps = append(out.Steps, shown)
	}
	return out
}
