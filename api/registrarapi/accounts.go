package registrarapi

import (
	"context"
	"encoding/hex"

	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

// IssueEnrolmentCode is registrar.Accounts.IssueCode.
func (h *handler) IssueEnrolmentCode(ctx context.Context, req *registraroas.KeepingRequest, params registraroas.IssueEnrolmentCodeParams) (*registraroas.EnrolmentCode, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	made, err := h.accounts.IssueCode(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject), string(req.Reason))
	if err != nil {
		return nil, err
	}
	return &registraroas.EnrolmentCode{
		Code: made.Code.Grouped(), Until: made.Until, Act: registraroas.ID(made.Act.String()),
		Commitment: registraroas.Commitment(hex.EncodeToString(made.Commitment)),
	}, nil
}

// ListAuthenticators is registrar.Accounts.Authenticators.
func (h *handler) ListAuthenticators(ctx context.Context, params registraroas.ListAuthenticatorsParams) (*registraroas.Authenticators, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	all, err := h.accounts.Authenticators(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject))
	if err != nil {
		return nil, err
	}
	out := &registraroas.Authenticators{Authenticators: []registraroas.Authenticator{}}
	for _, a := range all {
		one := registraroas.Authenticator{
			Authenticator: registraroas.ID(a.ID.String()), Kind: registraroas.AuthenticatorKind(a.Kind), EnrolledAt: a.EnrolledAt,
		}
		if !a.RevokedAt.IsZero() {
			one.RevokedAt = registraroas.NewOptDateTime(a.RevokedAt)
		}
		out.Authenticators = append(out.Authenticators, one)
	}
	return out, nil
}

// RevokeAuthenticator is registrar.Accounts.Revoke.
func (h *handler) RevokeAuthenticator(ctx context.Context, req *registraroas.KeepingRequest, params registraroas.RevokeAuthenticatorParams) (*registraroas.RegistrarReceipt, error) {
	id, err := ident.ParseAuthenticator(string(params.Authenticator))
	if err != nil {
		return nil, fault.New(fault.NotKnown, "there is no authenticator that you may know of under this id")
	}
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.accounts.Revoke(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject), id, string(req.Reason))
	})
}

// ListSecurityEvents is registrar.Accounts.SecurityEvents.
func (h *handler) ListSecurityEvents(ctx context.Context, params registraroas.ListSecurityEventsParams) (*registraroas.SecurityEvents, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	all, err := h.accounts.SecurityEvents(ctx, caller, params.Since)
	if err != nil {
		return nil, err
	}
	out := &registraroas.SecurityEvents{Events: []registraroas.SecurityEvent{}}
	for _, e := range all {
		out.Events = append(out.Events, registraroas.SecurityEvent{Kind: registraroas.SecurityEventKind(e.Kind), At: e.At})
	}
	return out, nil
}
