package federationapi

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/registers"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// New serves the duty behind the edge.
func New(edge *api.Edge, service *federation.Service, axles *federation.Axles, now func() time.Time) (http.Handler, error) {
	h := handlers{service, edge, axles}
	server, err := oas.NewServer(h, h, oas.WithErrorHandler(edge.ErrorHandler), oas.WithNotFound(edge.NotFound),
		oas.WithMethodNotAllowed(edge.MethodNotAllowed), oas.WithMiddleware(api.OnTheBeat(now, oas.ReceiveMessageOperation)))
	if err != nil {
		return nil, err
	}
	return edge.Handler(federation.Prefix, server), nil
}

// handlers is oas.Handler over the service, one method each.
type handlers struct {
	service *federation.Service
	edge    *api.Edge
	axles   *federation.Axles // nil: the configuration names no relmgr
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

func (h handlers) ListPeers(ctx context.Context) (*oas.Peers, error) {
	all, err := h.service.Peers(ctx)
	if err != nil {
		return nil, err
	}
	out := &oas.Peers{Peers: make([]oas.Peer, len(all))}
	for i, p := range all {
		out.Peers[i] = peer(p)
	}
	return out, nil
}

func (h handlers) InvitePeer(ctx context.Context, req *oas.PeerInvitation) (*oas.PeerChange, error) {
	var proposed *federation.Agreement
	if a, ok := req.Agreement.Get(); ok {
		proposed = &federation.Agreement{
			Code: string(a.Code), Title: a.Title, Purposes: plain(a.Purposes), Roles: plain(a.Roles), Minutes: a.Minutes, Until: a.Until, Relays: plain(a.Relays),
		}
	}
	return change(h.service.Invite(ctx, caller(ctx), string(req.Entity), proposed))
}

func (h handlers) ConfirmPeer(ctx context.Context, req *oas.PeerConfirmation, params oas.ConfirmPeerParams) (*oas.PeerChange, error) {
	id, err := peerID(params.Peer)
	if err != nil {
		return nil, err
	}
	return change(h.service.Confirm(ctx, caller(ctx), id, string(req.Agreement), plain(req.Fingerprints)))
}

func (h handlers) SuspendPeer(ctx context.Context, req *oas.PeerReason, params oas.SuspendPeerParams) (*oas.PeerChange, error) {
	id, err := peerID(params.Peer)
	if err != nil {
		return nil, err
	}
	return change(h.service.Suspend(ctx, caller(ctx), id, string(req.Reason)))
}

func (h handlers) ReadmitPeer(ctx context.Context, req *oas.PeerReason, params oas.ReadmitPeerParams) (*oas.PeerChange, error) {
	id, err := peerID(params.Peer)
	if err != nil {
		return nil, err
	}
	return change(h.service.Readmit(ctx, caller(ctx), id, string(req.Reason)))
}

func (h handlers) LeavePeer(ctx context.Context, req *oas.PeerReason, params oas.LeavePeerParams) (*oas.PeerChange, error) {
	id, err := peerID(params.Peer)
	if err != nil {
		return nil, err
	}
	return change(h.service.Leave(ctx, caller(ctx), id, string(req.Reason)))
}

func peer(p federation.PeerState) oas.Peer {
	a := p.Agreement
	return oas.Peer{
		Peer: oas.ID(p.ID.String()), Entity: p.Entity, State: oas.PeerState(p.State), Theirs: oas.PeerTheirs(p.Theirs), Since: p.Since,
		Fingerprints: p.Fingerprints, Digest: p.Digest.String(),
		Agreement: oas.PeerAgreement{
			Code: oas.Code(a.Code), Title: a.Title, Purposes: codes(a.Purposes), Roles: codes(a.Roles), Minutes: a.Minutes, Until: a.Until, Relays: hubs(a.Relays),
		},
	}
}

func change(c federation.Change, err error) (*oas.PeerChange, error) {
	if err != nil {
		return nil, err
	}
	return &oas.PeerChange{Peer: peer(c.Peer), Act: oas.ID(c.Act.String()), Commitment: oas.Commitment(hex.EncodeToString(c.Commitment))}, nil
}

func peerID(id oas.ID) (ident.PeerID, error) {
	p, err := ident.ParsePeer(string(id))
	if err != nil {
		f := fault.At("/peer", "write an id as this service gave it")
		f.Kind = fault.Malformed
		return p, f
	}
	return p, nil
}

func hubs(in []string) (out []oas.Hub) {
	for _, h := range in {
		out = append(out, oas.Hub(h))
	}
	return out
}

func codes(in []string) []oas.Code {
	out := make([]oas.Code, len(in))
	for i, c := range in {
		out[i] = oas.Code(c)
	}
	return out
}

func plain[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, c := range in {
		out[i] = string(c)
	}
	return out
}

func (h handlers) AdmitRegistrar(ctx context.Context, req *oas.RegistrarAdmission) (*oas.RegistrarChange, error) {
	return entry(h.service.Admit(ctx, caller(ctx), ident.Registrar(req.Registrar), federation.Admission{
		Usage: string(req.Usage),
		Floor: registers.Floor{RecallPerMille: req.Floor.RecallPerMille, LatencyMS: req.Floor.LatencyMs, ErrorsPerMille: req.Floor.ErrorsPerMille},
	}))
}

func (h handlers) PublishQuality(ctx context.Context, req *oas.RegistrarQuality, params oas.PublishQualityParams) (*oas.RegistrarChange, error) {
	return entry(h.service.PublishQuality(ctx, caller(ctx), ident.Registrar(params.Registrar), registers.Quality{
		RecallPerMille: req.RecallPerMille, LatencyMS: req.LatencyMs, ErrorsPerMille: req.ErrorsPerMille, PerMinute: req.PerMinute, Measured: req.Measured,
	}))
}

func (h handlers) RemoveRegistrar(ctx context.Context, req *oas.PeerReason, params oas.RemoveRegistrarParams) (*oas.RegistrarChange, error) {
	return entry(h.service.Remove(ctx, caller(ctx), ident.Registrar(params.Registrar), string(req.Reason)))
}

func entry(c federation.EntryChange, err error) (*oas.RegistrarChange, error) {
	if err != nil {
		return nil, err
	}
	return &oas.RegistrarChange{
		Registrar: oas.Code(c.Registrar), Status: oas.RegistrarChangeStatus(c.Status), Since: c.Since, Act: oas.ID(c.Act.String()),
		Commitment: oas.Commitment(hex.EncodeToString(c.Commitment)),
	}, nil
}

// SearchDirectory is federation.Service.Directory.
func (h handlers) SearchDirectory(ctx context.Context, params oas.SearchDirectoryParams) (*oas.Directory, error) {
	all, complete, err := h.service.Directory(ctx, federation.Sought{
		Kind: string(params.Kind.Or("")), Area: string(params.Area.Or("")), Reach: string(params.Reach.Or("")),
	})
	if err != nil {
		return nil, err
	}
	out := &oas.Directory{Complete: complete, Entries: make([]oas.DirectoryEntry, len(all))}
	for i, e := range all {
		v := oas.DirectoryEntry{Kind: oas.DirectoryEntryKind(e.Kind), Hub: oas.Hub(e.Hub), Address: e.Address, Title: e.Title, Areas: codes(e.Areas)}
		if e.Responsible != nil {
			v.Function, v.Responsible = oas.NewOptString(e.Function), oas.NewOptResponsible(oas.Responsible(*e.Responsible))
		}
		if e.Status != "" {
			v.Status = oas.NewOptDirectoryEntryStatus(oas.DirectoryEntryStatus(e.Status))
		}
		if e.Reach != "" {
			v.Reach = oas.NewOptReach(oas.Reach(e.Reach))
		}
		out.Entries[i] = v
	}
	return out, nil
}
