package registrarapi

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

// Prefix is where the duty is served.
const Prefix = "/registrar/v1"

// Config is what the handlers stand on. All of it but Covered is required.
type Config struct {
	Service  *registrar.Service
	Covered  []*registrar.Service // of the registrars that this one stands in for
	Accounts *registrar.Accounts
	Edge     *api.Edge // with the registrar role's database
}

// New returns the handler of everything below Prefix, edge included.
func New(c Config) (http.Handler, error) {
	if c.Service == nil || c.Accounts == nil || c.Edge == nil {
		return nil, errors.New("registrarapi: set Service, Accounts and Edge")
	}
	h := &handler{c.Service, c.Covered, c.Accounts, c.Edge}
	server, err := registraroas.NewServer(h, h,
		registraroas.WithErrorHandler(c.Edge.ErrorHandler),
		registraroas.WithNotFound(c.Edge.NotFound),
		registraroas.WithMethodNotAllowed(c.Edge.MethodNotAllowed))
	if err != nil {
		return nil, err
	}
	return c.Edge.Handler(Prefix, server), nil
}

// handler has one method per operation of registraroas.Handler.
type handler struct {
	service  *registrar.Service
	covered  []*registrar.Service
	accounts *registrar.Accounts
	edge     *api.Edge
}

var (
	_ registraroas.Handler         = (*handler)(nil)
	_ registraroas.SecurityHandler = (*handler)(nil)
)

// HandleOidc finds the caller of every operation.
func (h *handler) HandleOidc(ctx context.Context, operation registraroas.OperationName, t registraroas.Oidc) (context.Context, error) {
	return h.edge.Secure(ctx, operation, t.Token)
}

// NewError is every problem's way out.
func (h *handler) NewError(ctx context.Context, err error) *registraroas.ProblemStatusCode {
	res := new(registraroas.ProblemStatusCode)
	res.StatusCode = h.edge.Problem(ctx, err, &res.Response)
	return res
}

// answering is the service that recognises people by a register: its registrar's, or
// one that may stand in for it. All else about a register is its registrar's alone.
func (h *handler) answering(ctx context.Context, id ident.Register) (*registrar.Service, error) {
	for _, s := range h.covered {
		if is, err := s.Keeps(ctx, id); err != nil || is {
			return s, err
		}
	}
	return h.service, nil
}

// CoverRegister is registrar.Service.Cover.
func (h *handler) CoverRegister(ctx context.Context, req *registraroas.CoverRequest, params registraroas.CoverRegisterParams) (*registraroas.RegistrarReceipt, error) {
	service, err := h.answering(ctx, ident.Register(params.Register))
	if err != nil {
		return nil, err
	}
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return service.Cover(ctx, caller, ident.Register(params.Register), req.Until, string(req.Reason))
	})
}

func callerOf(ctx context.Context) (decide.Caller, error) {
	caller, ok := api.Caller(ctx)
	if !ok {
		return decide.Caller{}, fault.New(fault.Internal, "registrarapi: no caller: wire the operation through HandleOidc")
	}
	return caller, nil
}

// convert turns a generated type into the duty's, or back, whose JSON names the
// same members.
func convert[T any](from any) (to T, err error) {
	text, err := json.Marshal(from)
	if err == nil {
		err = json.Unmarshal(text, &to)
	}
	if err != nil {
		err = errors.New("registrarapi: a type and its schema differ") // what it holds may be of a person
	}
	return to, err
}

func receiptOf(r registrar.Receipt) *registraroas.RegistrarReceipt {
	return &registraroas.RegistrarReceipt{
		Act: registraroas.ID(r.Act.String()), Commitment: registraroas.Commitment(hex.EncodeToString(r.Commitment)),
	}
}

// CreateRegister is registrar.Service.CreateRegister.
func (h *handler) CreateRegister(ctx context.Context, req *registraroas.RegisterRequest) (*registraroas.RegistrarReceipt, error) {
	r, err := convert[registrar.Register](req)
	if err != nil {
		return nil, err
	}
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.CreateRegister(ctx, caller, r)
	})
}

// ListRegisters is registrar.Service.Registers.
func (h *handler) ListRegisters(ctx context.Context) (*registraroas.Registers, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	all, err := h.service.Registers(ctx, caller)
	if err != nil {
		return nil, err
	}
	for _, s := range h.covered {
		more, err := s.Registers(ctx, caller)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	out := &registraroas.Registers{Registers: []registraroas.Register{}}
	for i := range all {
		out.Registers = append(out.Registers, registerOf(&all[i]))
	}
	return out, nil
}

// RegisterSubject is registrar.Service.Register.
func (h *handler) RegisterSubject(ctx context.Context, req *registraroas.RegistrationRequest, params registraroas.RegisterSubjectParams) (*registraroas.Registration, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	items, err := convert[[]registrar.Item](req.Items)
	if err != nil {
		return nil, err
	}
	made, err := h.service.Register(ctx, caller, ident.Register(params.Register), items)
	if err != nil {
		return nil, err
	}
	return registrationOf(made), nil
}

func registrationOf(made registrar.Registered) *registraroas.Registration {
	return &registraroas.Registration{
		Subject: registraroas.SubjectReference(made.Entry), Act: registraroas.ID(made.Act.String()),
		Commitment: registraroas.Commitment(hex.EncodeToString(made.Commitment)),
	}
}

// FindSubject is registrar.Service.Look.
func (h *handler) FindSubject(ctx context.Context, params registraroas.FindSubjectParams) (*registraroas.Subject, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	p, err := h.service.Look(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject), string(params.Reason))
	if err != nil {
		return nil, err
	}
	return subjectOf(p)
}

// ChangeSubject is registrar.Service.Change.
func (h *handler) ChangeSubject(ctx context.Context, req *registraroas.SubjectChangeRequest, params registraroas.ChangeSubjectParams) (*registraroas.RegistrarReceipt, error) {
	items, err := convert[[]registrar.Item](req.Items)
	if err != nil {
		return nil, err
	}
	change := registrar.Change{Kind: registrar.ChangeKind(req.Change), Reason: string(req.Reason), Items: items}
	if change.Supersedes, err = itemsOf(req.Supersedes); err != nil {
		return nil, err
	}
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.Change(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject), change)
	})
}

// Recognise is registrar.Service.Recognise.
func (h *handler) Recognise(ctx context.Context, req *registraroas.RecognitionRequest, params registraroas.RecogniseParams) (*registraroas.Recognition, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	given, err := convert[[]registrar.Item](req.Evidence)
	if err != nil {
		return nil, err
	}
	service, err := h.answering(ctx, ident.Register(params.Register))
	if err != nil {
		return nil, err
	}
	r, err := service.Recognise(ctx, caller, ident.Register(params.Register), askingOf(req.Purpose, req.Reason, req.Case), given)
	if err != nil {
		return nil, err
	}
	return recognitionOf(&r), nil
}

// ExplainRecognition is registrar.Service.Explain.
func (h *handler) ExplainRecognition(ctx context.Context, params registraroas.ExplainRecognitionParams) (*registraroas.RecognitionExplained, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := ident.ParseRecognition(string(params.Recognition))
	if err != nil {
		return nil, err
	}
	e, err := h.service.Explain(ctx, caller, ident.Register(params.Register), id, string(params.Reason))
	if err != nil {
		return nil, err
	}
	return explanationOf(&e)
}

// CheckRecord is registrar.Service.CheckRecord.
func (h *handler) CheckRecord(ctx context.Context, req *registraroas.RecordCheckRequest, params registraroas.CheckRecordParams) (*registraroas.RecordCheck, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	given, err := convert[[]registrar.Item](req.Evidence)
	if err != nil {
		return nil, err
	}
	service, err := h.answering(ctx, ident.Register(params.Register))
	if err != nil {
		return nil, err
	}
	c, err := service.CheckRecord(ctx, caller, ident.Register(params.Register), registrar.Entry(req.Subject), askingOf(req.Purpose, req.Reason, req.Case), given)
	if err != nil {
		return nil, err
	}
	return &registraroas.RecordCheck{
		Answer: registraroas.RecordCheckAnswer(c.Answer), Confidence: registraroas.RecognitionConfidence(c.Confidence),
		Commitment: registraroas.Commitment(hex.EncodeToString(c.Commitment)),
	}, nil
}

// CheckItem is registrar.Service.CheckItem.
func (h *handler) CheckItem(ctx context.Context, req *registraroas.ItemCheckRequest, params registraroas.CheckItemParams) (*registraroas.ItemCheckReceipt, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	item, err := ident.ParseItem(string(req.Item))
	if err != nil {
		return nil, err
	}
	made, err := h.service.CheckItem(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject), item, string(req.Against), string(req.Reason))
	if err != nil {
		return nil, err
	}
	return &registraroas.ItemCheckReceipt{
		Check: registraroas.ID(made.Check.String()), Outcome: registraroas.CheckOutcome(made.Outcome),
		Commitment: registraroas.Commitment(hex.EncodeToString(made.Commitment)),
	}, nil
}

// FailCheck is registrar.Service.FailCheck.
func (h *handler) FailCheck(ctx context.Context, req *registraroas.CheckFailureRequest, params registraroas.FailCheckParams) (*registraroas.CheckFailure, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	check, err := ident.ParseCheck(string(params.Check))
	if err != nil {
		return nil, err
	}
	made, err := h.service.FailCheck(ctx, caller, ident.Register(params.Register), check, string(req.Reason))
	if err != nil {
		return nil, err
	}
	out := &registraroas.CheckFailure{Subjects: []registraroas.SubjectReference{}, Commitment: registraroas.Commitment(hex.EncodeToString(made.Commitment))}
	for _, e := range made.Entries {
		out.Subjects = append(out.Subjects, registraroas.SubjectReference(e))
	}
	return out, nil
}
