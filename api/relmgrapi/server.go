package relmgrapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/relmgr"
)

// Prefix is where the duty is served.
const Prefix = "/relmgr/v1"

// decidedByOthers are the operations whose answer another party's state decides.
var decidedByOthers = []oas.OperationName{
	oas.EnquireOperation, oas.AnswerPeerOperation, oas.LookUpForPeerOperation, oas.ReadAsOfOperation, oas.CorrelateOperation, oas.ConfirmSamePersonOperation,
	oas.KeepApartOperation, oas.DisputeIdentityOperation, oas.RequestContactOperation, oas.FindMyHandlesOperation, oas.ListNoticesOperation,
	oas.ListMyRelationshipsOperation, oas.ListMyEnquiriesOperation, oas.ListMyActsOperation, oas.ListMyDecisionsOperation, oas.ListWaitingOperation, oas.TieOperation, oas.TakeLetterOperation,
}

// New serves the duty behind the edge, by a clock.
func New(edge *api.Edge, service *relmgr.Service, now func() time.Time) (http.Handler, error) {
	server, err := oas.NewServer(problems{handlers{service, edge.Terms}, edge}, security{edge},
		oas.WithErrorHandler(edge.ErrorHandler), oas.WithNotFound(edge.NotFound),
		oas.WithMethodNotAllowed(edge.MethodNotAllowed), oas.WithMiddleware(api.OnTheBeat(now, decidedByOthers...)))
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

// once binds a request to its idempotency key: its caller, its operation, what
// stands in its path, and its body in canonical order.
func (h handlers) once(ctx context.Context, operation oas.OperationName, key oas.OptString, body json.Marshaler, path ...string) *relmgr.Service {
	if !key.Set {
		return h.service
	}
	text, err := body.MarshalJSON()
	if err != nil { // decoded a moment ago, so it encodes
		panic(err)
	}
	return h.service.Once(caller(ctx).Practitioner, operation+strings.Join(path, "/"), key.Value, text)
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

// HandleSignedIn lets in who bears a registrar's statement, for relmgr to judge.
func (s security) HandleSignedIn(ctx context.Context, operation oas.OperationName, t oas.SignedIn) (context.Context, error) {
	return s.edge.Bearing(ctx, operation, t.Token)
}

// HandlePeer lets in who bears a voucher of the federation duty, for relmgr to judge.
func (s security) HandlePeer(ctx context.Context, operation oas.OperationName, t oas.Peer) (context.Context, error) {
	return s.edge.Bearing(ctx, operation, t.Token)
}

// HandleSubject lets in who bears relmgr's proof of their handles.
func (s security) HandleSubject(ctx context.Context, operation oas.OperationName, t oas.Subject) (context.Context, error) {
	return s.edge.SecureSubject(ctx, operation, t.Token)
}
