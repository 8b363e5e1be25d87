package registrarapi

import (
	"context"
	"encoding/hex"

	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

// SetApart is registrar.Service.SetApart.
func (h *handler) SetApart(ctx context.Context, req *registraroas.TaskReason, params registraroas.SetApartParams) (*registraroas.RegistrarReceipt, error) {
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.SetApart(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject), string(req.Reason))
	})
}

// ConfirmApart is registrar.Service.ConfirmApart.
func (h *handler) ConfirmApart(ctx context.Context, req *registraroas.TaskReason, params registraroas.ConfirmApartParams) (*registraroas.RegistrarReceipt, error) {
	record, err := ident.ParseAct(string(params.Record))
	if err != nil {
		return nil, err
	}
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.ConfirmApart(ctx, caller, ident.Register(params.Register), record, string(req.Reason))
	})
}

// RegisterApart is registrar.Service.RegisterApart.
func (h *handler) RegisterApart(ctx context.Context, req *registraroas.RegistrationRequest, params registraroas.RegisterApartParams) (*registraroas.Registration, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	record, err := ident.ParseAct(string(params.Record))
	if err != nil {
		return nil, err
	}
	items, err := convert[[]registrar.Item](req.Items)
	if err != nil {
		return nil, err
	}
	made, err := h.service.RegisterApart(ctx, caller, ident.Register(params.Register), record, items)
	if err != nil {
		return nil, err
	}
	return registrationOf(made), nil
}

// OpenApart is registrar.Service.OpenApart.
func (h *handler) OpenApart(ctx context.Context, req *registraroas.TaskReason, params registraroas.OpenApartParams) (*registraroas.OpenedApart, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	record, err := ident.ParseAct(string(params.Record))
	if err != nil {
		return nil, err
	}
	o, err := h.service.OpenApart(ctx, caller, ident.Register(params.Register), record, string(req.Reason))
	if err != nil {
		return nil, err
	}
	out := &registraroas.OpenedApart{Act: registraroas.ID(o.Act.String()), Commitment: registraroas.Commitment(hex.EncodeToString(o.Commitment))}
	if o.Was != "" {
		out.Was.SetTo(registraroas.SubjectReference(o.Was))
	}
	if o.Is != "" {
		out.Is.SetTo(registraroas.SubjectReference(o.Is))
	}
	return out, nil
}
