package consentapi

import (
	"context"
	"errors"
	"net/http"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// Prefix is where the duty is served.
const Prefix = "/consent/v1"

// Config is what the handlers stand on. Both are required.
type Config struct {
	Service *consent.Service
	Edge    *api.Edge // with the consent role's database
}

// New returns the handler of everything below Prefix, edge included.
func New(c Config) (http.Handler, error) {
	if c.Service == nil || c.Edge == nil {
		return nil, errors.New("consentapi: set Service and Edge")
	}
	h := &handler{c.Service, c.Edge}
	server, err := consentoas.NewServer(h, h,
		consentoas.WithErrorHandler(c.Edge.ErrorHandler),
		consentoas.WithNotFound(c.Edge.NotFound),
		consentoas.WithMethodNotAllowed(c.Edge.MethodNotAllowed))
	if err != nil {
		return nil, err
	}
	return c.Edge.Handler(Prefix, server), nil
}

// handler has one method per operation of consentoas.Handler.
type handler struct {
	service *consent.Service
	edge    *api.Edge
}

var (
	_ consentoas.Handler         = (*handler)(nil)
	_ consentoas.SecurityHandler = (*handler)(nil)
)

// HandleOidc finds the caller of every operation.
func (h *handler) HandleOidc(ctx context.Context, operation consentoas.OperationName, t consentoas.Oidc) (context.Context, error) {
	return h.edge.Secure(ctx, operation, t.Token)
}

// NewError is every problem's way out.
func (h *handler) NewError(ctx context.Context, err error) *consentoas.ProblemStatusCode {
	res := new(consentoas.ProblemStatusCode)
	res.StatusCode = h.edge.Problem(ctx, err, &res.Response)
	return res
}

// CaptureConsent is consent.Service.Capture.
func (h *handler) CaptureConsent(ctx context.Context, req *consentoas.ConsentRequest) (*consentoas.ConsentReceipt, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Capture(ctx, caller, consent.Request{
		Proof:    string(req.Proof),
		Explicit: req.Explicit,
		Audience: audienceOf(req.Audience),
		Purposes: texts(req.Purposes),
		Aspects:  texts(req.Aspects),
		Until:    req.Until,
		Evidence: consent.Evidence(req.Evidence),
		Wording:  string(req.Wording),

		Understanding: consent.Understanding(req.Understanding.Or("")), Proxy: proxyOf(req.Proxy), Competence: competenceOf(req.Competence),
	})
	if err != nil {
		return nil, err
	}
	return consentReceipt(got.Consent, got.Receipt), nil
}

// FindConsent is consent.Service.Find.
func (h *handler) FindConsent(ctx context.Context, params consentoas.FindConsentParams) (*consentoas.Consent, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := idOf[ident.ConsentID](params.Consent)
	if err != nil {
		return nil, err
	}
	c, err := h.service.Find(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return consentOf(c), nil
}

// WithdrawConsent is consent.Service.Withdraw.
func (h *handler) WithdrawConsent(ctx context.Context, req *consentoas.ConsentWithdrawalRequest, params consentoas.WithdrawConsentParams) (*consentoas.ConsentReceipt, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := idOf[ident.ConsentID](params.Consent)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Withdraw(ctx, caller, id, consent.Evidence(req.Evidence))
	if err != nil {
		return nil, err
	}
	return consentReceipt(id, got), nil
}

// ExcludeAgency is consent.Service.Exclude.
func (h *handler) ExcludeAgency(ctx context.Context, req *consentoas.ExclusionRequest) (*consentoas.ExclusionReceipt, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Exclude(ctx, caller, consent.ExclusionRequest{
		Proof:    string(req.Proof),
		Agency:   ident.Agency(req.Agency),
		Evidence: consent.Evidence(req.Evidence),
	})
	if err != nil {
		return nil, err
	}
	return exclusionReceipt(got.Exclusion, got.Receipt), nil
}

// WithdrawExclusion is consent.Service.Include.
func (h *handler) WithdrawExclusion(ctx context.Context, req *consentoas.ConsentWithdrawalRequest, params consentoas.WithdrawExclusionParams) (*consentoas.ExclusionReceipt, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := idOf[ident.ExclusionID](params.Exclusion)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Include(ctx, caller, id, consent.Evidence(req.Evidence))
	if err != nil {
		return nil, err
	}
	return exclusionReceipt(id, got), nil
}

// callerOf returns who asks. Behind HandleOidc there is always somebody.
func callerOf(ctx context.Context) (decide.Caller, error) {
	caller, ok := api.Caller(ctx)
	if !ok {
		return decide.Caller{}, fault.New(fault.Internal, "consentapi: no caller: wire the operation through HandleOidc")
	}
	return caller, nil
}

// BlockRelationship is consent.Service.Block.
func (h *handler) BlockRelationship(ctx context.Context, req *consentoas.BlockRequest) (*consentoas.BlockReceipt, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Block(ctx, caller, consent.BlockRequest{
		Proof: string(req.Proof), Reach: consent.Reach(req.Reach), Warning: string(req.Warning), Evidence: consent.Evidence(req.Evidence),
	})
	if err != nil {
		return nil, err
	}
	return blockReceipt(got.Block, got.Receipt), nil
}

// WithdrawBlock is consent.Service.Unblock.
func (h *handler) WithdrawBlock(ctx context.Context, req *consentoas.ConsentWithdrawalRequest, params consentoas.WithdrawBlockParams) (*consentoas.BlockReceipt, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := idOf[ident.BlockID](params.Block)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Unblock(ctx, caller, id, consent.Evidence(req.Evidence))
	if err != nil {
		return nil, err
	}
	return blockReceipt(id, got), nil
}
