package idmgrapi

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/idmgr"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// Prefix is where the duty is served.
const Prefix = "/idmgr/v1"

// New serves the duty behind the edge.
func New(edge *api.Edge, service *idmgr.Service, now func() time.Time) (http.Handler, error) {
	h := handlers{service, edge}
	server, err := oas.NewServer(h, h, oas.WithErrorHandler(edge.ErrorHandler), oas.WithNotFound(edge.NotFound),
		oas.WithMethodNotAllowed(edge.MethodNotAllowed), oas.WithMiddleware(api.OnTheBeat(now, decidedByOthers...)))
	if err != nil {
		return nil, err
	}
	return edge.Handler(Prefix, server), nil
}

// decidedByOthers are the operations whose answer another party's state decides, or
// whether there is anything at all.
var decidedByOthers = []oas.OperationName{
	oas.AcceptLinkOperation, oas.AskThroughLinkOperation, oas.RenewLinkOperation, oas.EndLinkOperation, oas.ListLinksOperation, oas.NotifyThroughLinkOperation, oas.TakeLinkLetterOperation,
	oas.WithdrawGrantOperation, oas.WithdrawWithholdingOperation, oas.ListCasesOperation, oas.RuleOnCaseOperation, oas.AppealCaseOperation,
}

// handlers is oas.Handler over the service, one method each.
type handlers struct {
	service *idmgr.Service
	edge    *api.Edge
}

// NewError is the problem of whatever a handler returns.
func (h handlers) NewError(ctx context.Context, err error) *oas.ProblemStatusCode {
	res := new(oas.ProblemStatusCode)
	res.StatusCode = h.edge.Problem(ctx, err, &res.Response)
	return res
}

// HandleOidc verifies the token and resolves the actor.
func (h handlers) HandleOidc(ctx context.Context, operation oas.OperationName, t oas.Oidc) (context.Context, error) {
	return h.edge.Secure(ctx, operation, t.Token)
}

// caller is who asks: the edge has put them there before any handler runs.
func caller(ctx context.Context) decide.Caller {
	who, _ := api.Caller(ctx)
	return who
}

func (h handlers) OpenLink(ctx context.Context, req *oas.LinkRequest) (*oas.OpenedLink, error) {
	o, err := h.service.Open(ctx, caller(ctx), opening(req))
	if err != nil {
		return nil, err
	}
	return &oas.OpenedLink{
		Link: oas.ID(o.Link.String()), Code: oas.PairingCode(o.Code), Expires: o.Ends, Act: oas.ID(o.Act.String()), Commitment: commitment(o.Commitment),
	}, nil
}

func (h handlers) AcceptLink(ctx context.Context, req *oas.AcceptanceRequest) (*oas.LinkReceipt, error) {
	link, r, err := h.service.Accept(ctx, caller(ctx), idmgr.Acceptance{
		Proof: string(req.Proof), Code: string(req.Code), Reason: string(req.Reason), Hub: string(req.Hub.Or("")), Purpose: string(req.Purpose.Or("")), Until: req.Until.Or(time.Time{}),
	})
	return receipt(link, r, err)
}

func (h handlers) RenewLink(ctx context.Context, req *oas.LinkRequest, params oas.RenewLinkParams) (*oas.LinkReceipt, error) {
	link, err := ident.ParseLink(string(params.Link))
	if err != nil {
		return nil, malformed("/link")
	}
	r, err := h.service.Renew(ctx, caller(ctx), link, opening(req))
	return receipt(link, r, err)
}

func (h handlers) EndLink(ctx context.Context, req *oas.LinkEndRequest, params oas.EndLinkParams) (*oas.LinkReceipt, error) {
	link, err := ident.ParseLink(string(params.Link))
	if err != nil {
		return nil, malformed("/link")
	}
	r, err := h.service.End(ctx, caller(ctx), link, string(req.Reason))
	return receipt(link, r, err)
}

func (h handlers) AskThroughLink(ctx context.Context, req *oas.LinkEnquiryRequest) (*oas.LinkAnswer, error) {
	link, err := ident.ParseLink(string(req.Link))
	if err != nil {
		return nil, malformed("/link")
	}
	a, err := h.service.Ask(ctx, caller(ctx), link, string(req.Proof), string(req.Purpose), string(req.Reason))
	if err != nil {
		return nil, err
	}
	return &oas.LinkAnswer{
		With: party(a.Party), Purpose: oas.Code(a.Purpose), Aspects: codes(a.Aspects), Until: a.Until, UsesLeft: left(a.Left),
		Commitment: commitment(a.Commitment),
	}, nil
}

func (h handlers) ListLinks(ctx context.Context, params oas.ListLinksParams) (*oas.Links, error) {
	all, err := h.service.Links(ctx, caller(ctx), ident.Column(params.Column))
	if err != nil {
		return nil, err
	}
	out := &oas.Links{Links: make([]oas.Link, len(all))}
	for i, l := range all {
		shown := oas.Link{
			Link: oas.ID(l.ID.String()), Handle: oas.ID(l.Handle.String()), Side: oas.LinkSideAccepted, State: oas.LinkState(l.State),
			Purpose: oas.Code(l.Purpose), Aspects: codes(l.Aspects), Until: l.Until, UsesLeft: left(l.Left),
		}
		if l.Opened {
			shown.Side = oas.LinkSideOpened
		}
		if l.With != nil {
			shown.With = oas.NewOptLinkParty(party(*l.With))
		}
		if l.Reason != "" {
			shown.Reason = oas.NewOptCode(oas.Code(l.Reason))
		}
		for _, n := range l.Notices {
			shown.Notices = append(shown.Notices, oas.LinkNotice{Event: oas.Code(n.Event), At: n.At})
		}
		out.Links[i] = shown
	}
	return out, nil
}

func (h handlers) NotifyThroughLink(ctx context.Context, req *oas.LinkNotification, params oas.NotifyThroughLinkParams) (*oas.LinkReceipt, error) {
	link, err := ident.ParseLink(string(params.Link))
	if err != nil {
		return nil, malformed("/link")
	}
	id, err := ident.ParseNotice(string(req.Notification))
	if err != nil {
		return nil, malformed("/notification")
	}
	r, err := h.service.Notify(ctx, caller(ctx), link, string(req.Proof), id, string(req.Event))
	return receipt(link, r, err)
}

func opening(req *oas.LinkRequest) idmgr.Opening {
	o := idmgr.Opening{
		Proof: string(req.Proof), To: ident.Column(req.To.Or("")), Contact: string(req.Contact), Uses: req.Uses.Or(0), Notify: texts(req.Notify),
		Proposal: proposal(req.Decision, req.Aspects, req.Until), Agreed: agreed(req.Agreed),
	}
	o.Hub, o.Proposal.Purpose = string(req.Hub.Or("")), string(req.Purpose)
	return o
}

func receipt(link ident.LinkID, r idmgr.Receipt, err error) (*oas.LinkReceipt, error) {
	if err != nil {
		return nil, err
	}
	return &oas.LinkReceipt{Link: oas.ID(link.String()), Act: oas.ID(r.Act.String()), Commitment: commitment(r.Commitment)}, nil
}

func party(p idmgr.Party) oas.LinkParty {
	out := oas.LinkParty{Provider: p.Provider.Title, Kind: string(p.Provider.Kind), Agency: p.Agency}
	if c := p.Contact; c != nil {
		out.Contact = oas.NewOptLinkContact(oas.LinkContact{Kind: c.Kind, Value: c.Value, Hours: c.Hours})
	}
	return out
}

func left(uses int) oas.OptInt {
	if uses < 0 {
		return oas.OptInt{}
	}
	return oas.NewOptInt(uses)
}

func codes(in []string) []oas.Code {
	out := make([]oas.Code, len(in))
	for i, c := range in {
		out[i] = oas.Code(c)
	}
	return out
}

func commitment(c []byte) oas.Commitment { return oas.Commitment(hex.EncodeToString(c)) }

func malformed(pointer string) error {
	f := fault.At(pointer, "write an id as this service gave it")
	f.Kind = fault.Malformed
	return f
}
