package registrarapi

import (
	"context"
	"encoding/hex"
	"slices"

	"maps"

	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

// taskOf reads a task's id. The generated code has checked its form.
func taskOf(id registraroas.ID) (ident.TaskID, error) {
	task, err := ident.ParseTask(string(id))
	if err != nil {
		err = fault.New(fault.Malformed, "write the id as the worklist has it").Because(err)
	}
	return task, err
}

// itemsOf reads the ids of items.
func itemsOf(ids []registraroas.ID) (all []ident.ItemID, err error) {
	for _, i := range ids {
		id, err := ident.ParseItem(string(i))
		if err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	return all, nil
}

// receipted runs what makes one act.
func receipted(ctx context.Context, do func(decide.Caller) (registrar.Receipt, error)) (*registraroas.RegistrarReceipt, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	receipt, err := do(caller)
	if err != nil {
		return nil, err
	}
	return receiptOf(receipt), nil
}

// EraseSubject is registrar.Service.Erase.
func (h *handler) EraseSubject(ctx context.Context, req *registraroas.SubjectErasureRequest, params registraroas.EraseSubjectParams) (*registraroas.SubjectErasureCertificate, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	z, err := h.service.Erase(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject), string(req.Obligation.Or("")), string(req.Reason))
	if err != nil {
		return nil, err
	}
	out := &registraroas.SubjectErasureCertificate{
		Act: registraroas.ID(z.Act.String()), Commitment: registraroas.Commitment(hex.EncodeToString(z.Commitment)), Register: registraroas.Code(z.Register),
		At: z.At, Records: z.Records, CompleteAt: z.CompleteAt, Certificate: z.Certificate,
	}
	if z.Obligation != "" {
		out.Obligation = registraroas.NewOptObligation(registraroas.Obligation(z.Obligation))
	}
	return out, nil
}

// ShieldSubject is registrar.Service.Shield.
func (h *handler) ShieldSubject(ctx context.Context, req *registraroas.ShieldRequest, params registraroas.ShieldSubjectParams) (*registraroas.RegistrarReceipt, error) {
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.Shield(ctx, caller, ident.Register(params.Register), registrar.Entry(params.Subject), req.Shielded, string(req.Reason))
	})
}

// ReportToRegistrar is registrar.Service.Report.
func (h *handler) ReportToRegistrar(ctx context.Context, req *registraroas.RegisterReport, params registraroas.ReportToRegistrarParams) (*registraroas.RegistrarReceipt, error) {
	r := registrar.Report{
		Kind: registrar.TaskKind(req.Kind), Entry: registrar.Entry(req.Subject.Or("")), Other: registrar.Entry(req.Other.Or("")), Reason: string(req.Reason),
	}
	if id, ok := req.Recognition.Get(); ok {
		var err error
		if r.Recognition, err = ident.ParseRecognition(string(id)); err != nil {
			return nil, err
		}
	}
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.Report(ctx, caller, ident.Register(params.Register), r)
	})
}

// TakeTask is registrar.Service.Take.
func (h *handler) TakeTask(ctx context.Context, req *registraroas.TaskReason, params registraroas.TakeTaskParams) (*registraroas.RegistrarReceipt, error) {
	task, err := taskOf(params.Task)
	if err != nil {
		return nil, err
	}
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.Take(ctx, caller, ident.Register(params.Register), task, string(req.Reason))
	})
}

// ResolveTask is registrar.Service.Resolve.
func (h *handler) ResolveTask(ctx context.Context, req *registraroas.ResolutionRequest, params registraroas.ResolveTaskParams) (*registraroas.RegistrarReceipt, error) {
	task, err := taskOf(params.Task)
	if err != nil {
		return nil, err
	}
	r := registrar.Resolution{Outcome: string(req.Outcome), Survivor: registrar.Entry(req.Survivor.Or("")), Reason: string(req.Reason)}
	if r.Items, err = itemsOf(req.Items); err != nil {
		return nil, err
	}
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.Resolve(ctx, caller, ident.Register(params.Register), task, r)
	})
}

// ReopenTask is registrar.Service.Reopen.
func (h *handler) ReopenTask(ctx context.Context, req *registraroas.TaskReason, params registraroas.ReopenTaskParams) (*registraroas.RegistrarReceipt, error) {
	task, err := taskOf(params.Task)
	if err != nil {
		return nil, err
	}
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.Reopen(ctx, caller, ident.Register(params.Register), task, string(req.Reason))
	})
}

// ListTasks is registrar.Service.Worklist.
func (h *handler) ListTasks(ctx context.Context, params registraroas.ListTasksParams) (*registraroas.Tasks, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	open := params.State.Or(registraroas.ListTasksStateOpen) == registraroas.ListTasksStateOpen
	counts, tasks, err := h.service.Worklist(ctx, caller, ident.Register(params.Register), open, string(params.Reason))
	if err != nil {
		return nil, err
	}
	out := &registraroas.Tasks{Open: []registraroas.TasksOpenItem{}, Tasks: []registraroas.Task{}}
	for _, c := range counts {
		out.Open = append(out.Open, registraroas.TasksOpenItem{Kind: registraroas.TaskKind(c.Kind), Count: c.Open, Oldest: c.Oldest})
	}
	for _, t := range tasks {
		out.Tasks = append(out.Tasks, taskTo(&t))
	}
	return out, nil
}

func taskTo(t *registrar.Task) registraroas.Task {
	to := registraroas.Task{
		Task: registraroas.ID(t.ID.String()), Kind: registraroas.TaskKind(t.Kind), Subjects: []registraroas.SubjectReference{},
		FoundAt: t.FoundAt, Priority: t.Priority,
	}
	for _, e := range t.Entries {
		to.Subjects = append(to.Subjects, registraroas.SubjectReference(e))
	}
	if !t.Recognition.IsZero() {
		to.Recognition.SetTo(registraroas.ID(t.Recognition.String()))
	}
	if t.Owner != "" {
		to.Owner.SetTo(registraroas.Code(t.Owner))
	}
	if t.Outcome != "" {
		to.Outcome.SetTo(t.Outcome)
	}
	if t.Compared != nil {
		to.Compared.SetTo(comparedTo(t.Compared))
	}
	return to
}

// OutcomeOfRecognition is registrar.Service.OutcomeOf.
func (h *handler) OutcomeOfRecognition(ctx context.Context, params registraroas.OutcomeOfRecognitionParams) (*registraroas.RecognitionDecided, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := ident.ParseRecognition(string(params.Recognition))
	if err != nil {
		return nil, err
	}
	service, err := h.answering(ctx, ident.Register(params.Register))
	if err != nil {
		return nil, err
	}
	o, err := service.OutcomeOf(ctx, caller, ident.Register(params.Register), id)
	if err != nil {
		return nil, err
	}
	out := &registraroas.RecognitionDecided{
		Outcome: registraroas.RecognitionDecidedOutcome(o.Outcome), Confidence: registraroas.RecognitionConfidence(o.Confidence),
	}
	if o.Decided != "" {
		out.Decided.SetTo(registraroas.RecognitionDecidedDecided(o.Decided))
	}
	if o.Entry != "" {
		out.Subject.SetTo(registraroas.SubjectReference(o.Entry))
	}
	return out, nil
}

// RegisterQuality is registrar.Service.Quality.
func (h *handler) RegisterQuality(ctx context.Context, params registraroas.RegisterQualityParams) (*registraroas.RegisterQuality, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	q, err := h.service.Quality(ctx, caller, ident.Register(params.Register))
	if err != nil {
		return nil, err
	}
	out := &registraroas.RegisterQuality{
		Counts: []registraroas.RegisterQualityCountsItem{}, Measured: q.Measured, LatencyP95Ms: float64(q.LatencyP95.Microseconds()) / 1000,
		ErrorsPerMille: q.ErrorsPerMille, Breach: q.Breach,
	}
	out.Recall = []registraroas.RegisterQualityRecallItem{}
	for _, r := range q.Recall {
		out.Recall = append(out.Recall, registraroas.RegisterQualityRecallItem{Of: r.Of, Share: r.Share, Tried: r.Tried})
	}
	for _, what := range slices.Sorted(maps.Keys(q.Counts)) {
		out.Counts = append(out.Counts, registraroas.RegisterQualityCountsItem{What: what, Count: q.Counts[what]})
	}
	return out, nil
}
