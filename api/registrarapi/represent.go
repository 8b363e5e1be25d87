package registrarapi

import (
	"context"

	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

// AssessCompetence is registrar.Service.Assess.
func (h *handler) AssessCompetence(ctx context.Context, req *registraroas.CompetenceRequest, params registraroas.AssessCompetenceParams) (*registraroas.RegistrarReceipt, error) {
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.Assess(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject), registrar.Assessment{
			Competent: req.Competent, Until: req.Until, Reason: string(req.Reason),
		})
	})
}

// RecordRepresentative is registrar.Service.RecordRepresentative.
func (h *handler) RecordRepresentative(ctx context.Context, req *registraroas.RepresentativeRequest, params registraroas.RecordRepresentativeParams) (*registraroas.RegistrarReceipt, error) {
	r := registrar.Representation{
		Representative: registrar.Entry(req.Representative), Authority: string(req.Proxy.Authority), Evidence: string(req.Proxy.Evidence),
		Until: req.Proxy.Until, Reason: string(req.Reason),
	}
	for _, s := range req.Scope {
		r.Scope = append(r.Scope, string(s))
	}
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.RecordRepresentative(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject), r)
	})
}

// EndRepresentative is registrar.Service.EndRepresentative.
func (h *handler) EndRepresentative(ctx context.Context, req *registraroas.RepresentativeEndRequest, params registraroas.EndRepresentativeParams) (*registraroas.RegistrarReceipt, error) {
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.EndRepresentative(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject), registrar.Entry(req.Representative), string(req.Reason))
	})
}
