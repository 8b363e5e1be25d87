// Package api is the edge that every duty's HTTP handler stands behind: it
// authenticates the caller, resolves the actor, bounds and checks the request,
// and turns errors into RFC 9457 problems. It serves no route of its own and
// knows no duty; of the database it reads what governance publishes
// (published_users, _roles, _memberships, _terms) and nothing else.
//
// A duty's api/<duty>api package makes its handler so:
//
//	type Handler struct {
//		edge *api.Edge
//		...
//	}
//
//	func New(edge *api.Edge, duty *relmgr.Service) (http.Handler, error) {
//		h := &Handler{edge, duty}
//		server, err := relmgroas.NewServer(h, h,
//			relmgroas.WithErrorHandler(edge.ErrorHandler),
//			relmgroas.WithNotFound(edge.NotFound),
//			relmgroas.WithMethodNotAllowed(edge.MethodNotAllowed))
//		if err != nil {
//			return nil, err
//		}
//		return edge.Handler("/relmgr/v1", server), nil
//	}
//
//	func (h *Handler) HandleOidc(ctx context.Context, op relmgroas.OperationName, t relmgroas.Oidc) (context.Context, error) {
//		return h.edge.Secure(ctx, string(op), t.Token) // governance's signIn: AuthenticateOnly
//	}
//
//	func (h *Handler) NewError(ctx context.Context, err error) *relmgroas.ProblemStatusCode {
//		res := new(relmgroas.ProblemStatusCode)
//		res.StatusCode = h.edge.Problem(ctx, err, &res.Response)
//		return res
//	}
//
//	func (h *Handler) Enquire(ctx context.Context, req *relmgroas.EnquiryRequest) (*relmgroas.Answer, error) {
//		caller, ok := api.Caller(ctx) // always there behind Secure
//		...
//	}
//
// A request passes, in this order: its id, the answer's security headers, a
// deadline, the limit of its address, the look-up of its operation in
// openapi.yaml, the shape of its Authorization header, the checks of path,
// query and body; then the generated server, which calls Secure before it
// decodes the body; then the duty. A failure at any of them is a problem.
//
// The edge must never log or answer with what the caller sent: no path, query
// or body, no token, no address. Logs name the operation, the request's id and
// the practitioner's code.
package api
