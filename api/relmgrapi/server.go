package relmgrapi

import (
	"context"
	"net/http"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/relmgr"
)

// Prefix is where the duty is served.
const Prefix = "/relmgr/v1"

// New serves the duty behind the edge.
func New(edge *api.Edge, service *relmgr.Service) (http.Handler, error) {
	server, err := oas.NewServer(problems{handlers{service}, edge}, security{edge},
		oas.WithErrorHandler(edge.ErrorHandler), oas.WithNotFound(edge.NotFound),
		oas.WithMethodNotAllowed(edge.MethodNotAllowed))
	if err != nil {
		return nil, err
	}
	return edge.Handler(Prefix, server), nil
}

// caller is who asks: the edge has put them there before any handler runs.
func caller(ctx context.Context) decide.Caller {
	who, _ := api.Caller(ctx)
	return who
}

// problems adds to the handlers what every operation shares.
type problems struct {
	handlers
	edge *api.Edge
}

// NewError is the problem of whatever a handler returns.
func (p problems) NewError(ctx context.Context, err error) *oas.ProblemStatusCode {
	res := new(oas.ProblemStatusCode)
	res.StatusCode = p.edge.Problem(ctx, err, &res.Response)
	return res
}

// security hands tokens to the edge.
type security struct{ edge *api.Edge }

// HandleOidc verifies the token and resolves the actor.
func (s security) HandleOidc(ctx context.Context, operation oas.OperationName, t oas.Oidc) (context.Context, error) {
	return s.edge.Secure(ctx, operation, t.Token)
}
