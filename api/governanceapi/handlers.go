package governanceapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// Prefix is where the duty is served.
const Prefix = "/governance/v1"

// Config is what the handlers stand on. Both are required.
type Config struct {
	Service *governance.Service
	Edge    *api.Edge // with the governance role's database, and with MaxBodies
}

// MaxBodies is what the Edge must let through: a partnership document is
// larger than any other body.
func MaxBodies() map[string]int64 {
	return map[string]int64{"applyPartnership": partnership.MaxSize}
}

// New returns the handler of everything below Prefix, edge included.
func New(c Config) (http.Handler, error) {
	if c.Service == nil || c.Edge == nil {
		return nil, errors.New("governanceapi: set Service and Edge")
	}
	h := &handler{c.Service, c.Edge}
	server, err := governanceoas.NewServer(h, h,
		governanceoas.WithErrorHandler(c.Edge.ErrorHandler),
		governanceoas.WithNotFound(c.Edge.NotFound),
		governanceoas.WithMethodNotAllowed(c.Edge.MethodNotAllowed))
	if err != nil {
		return nil, err
	}
	return c.Edge.Handler(Prefix, server), nil
}

// handler has one method per operation of governanceoas.Handler.
type handler struct {
	service *governance.Service
	edge    *api.Edge
}

var (
	_ governanceoas.Handler         = (*handler)(nil)
	_ governanceoas.SecurityHandler = (*handler)(nil)
)

// HandleOidc finds the caller of every operation; whoever signs in need not be
// registered yet.
func (h *handler) HandleOidc(ctx context.Context, operation governanceoas.OperationName, t governanceoas.Oidc) (context.Context, error) {
	if operation == governanceoas.SignInOperation {
		return h.edge.AuthenticateOnly(ctx, operation, t.Token)
	}
	return h.edge.Secure(ctx, operation, t.Token)
}

// NewError is every problem's way out.
func (h *handler) NewError(ctx context.Context, err error) *governanceoas.ProblemStatusCode {
	res := new(governanceoas.ProblemStatusCode)
	res.StatusCode = h.edge.Problem(ctx, err, &res.Response)
	return res
}

// ReadPartnership is governance.Service.Read.
func (h *handler) ReadPartnership(ctx context.Context) (*governanceoas.PartnershipInForce, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	in, err := h.service.Read(ctx, caller)
	if err != nil {
		return nil, err
	}
	return inForce(in)
}

// ApplyPartnership is governance.Service.Apply.
func (h *handler) ApplyPartnership(ctx context.Context, req governanceoas.PartnershipDocument, params governanceoas.ApplyPartnershipParams) (*governanceoas.PartnershipChange, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	document, err := req.MarshalJSON()
	if err != nil {
		return nil, err
	}
	change, err := h.service.Apply(ctx, caller, document, params.DryRun.Or(false))
	if err != nil {
		return nil, err
	}
	return changeOf(change), nil
}

// ListServices is governance.Service.Services and Shared.
func (h *handler) ListServices(ctx context.Context) (*governanceoas.Services, error) {
	shared, err := h.service.Shared(ctx)
	if err != nil {
		return nil, err
	}
	return servicesOf(h.service.Services(ctx), shared), nil
}

// ReadDataMap is governance.Service.DataMap.
func (h *handler) ReadDataMap(ctx context.Context) (*governanceoas.DataMap, error) {
	all, err := h.service.DataMap(ctx)
	if err != nil {
		return nil, err
	}
	return dataMapOf(all), nil
}

// SignIn is governance.Service.SignIn.
func (h *handler) SignIn(ctx context.Context) (*governanceoas.User, error) {
	id, ok := api.IdentityOf(ctx)
	if !ok {
		return nil, fault.New(fault.Internal, "governanceapi: no identity: wire the operation through HandleOidc")
	}
	user, err := h.service.SignIn(ctx, governance.Identity(id))
	if err != nil {
		return nil, err
	}
	return userOf(user), nil
}

// ListPractitioners is governance.Service.Practitioners.
func (h *handler) ListPractitioners(ctx context.Context, params governanceoas.ListPractitionersParams) (*governanceoas.Users, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	users, err := h.service.Practitioners(ctx, caller, ident.Agency(params.Agency))
	if err != nil {
		return nil, err
	}
	return usersOf(users), nil
}

// RegisterPractitioner is governance.Service.Register.
func (h *handler) RegisterPractitioner(ctx context.Context, req *governanceoas.PractitionerRequest, params governanceoas.RegisterPractitionerParams) (*governanceoas.User, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	user, err := h.service.Register(ctx, caller, ident.Agency(params.Agency), registrationOf(req))
	if err != nil {
		return nil, err
	}
	return userOf(user), nil
}

// EndPractitioner is governance.Service.End.
func (h *handler) EndPractitioner(ctx context.Context, params governanceoas.EndPractitionerParams) (*governanceoas.User, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	user, err := h.service.End(ctx, caller, ident.Agency(params.Agency), ident.Practitioner(params.Practitioner))
	if err != nil {
		return nil, err
	}
	return userOf(user), nil
}

// ListGovernanceActs is governance.Service.Acts.
func (h *handler) ListGovernanceActs(ctx context.Context, params governanceoas.ListGovernanceActsParams) (*governanceoas.GovernanceActPage, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	cursor, err := cursorOf(params.Cursor)
	if err != nil {
		return nil, err
	}
	page, err := h.service.Acts(ctx, caller, cursor, params.Limit.Or(50))
	if err != nil {
		return nil, err
	}
	return pageOf(page), nil
}

// callerOf returns who asks. Behind Secure there is always somebody.
func callerOf(ctx context.Context) (decide.Caller, error) {
	caller, ok := api.Caller(ctx)
	if !ok {
		return decide.Caller{}, fault.New(fault.Internal, "governanceapi: no caller: wire the operation through HandleOidc")
	}
	return caller, nil
}
