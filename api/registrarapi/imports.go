package registrarapi

import (
	"context"
	"encoding/hex"
	"errors"

	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

// ApproveEntries is registrar.Service.ApproveImport.
func (h *handler) ApproveEntries(ctx context.Context, req *registraroas.EntriesApprovalRequest, params registraroas.ApproveEntriesParams) (*registraroas.RegistrarReceipt, error) {
	return receipted(ctx, func(caller decide.Caller) (registrar.Receipt, error) {
		return h.service.ApproveImport(ctx, caller, ident.Register(params.Register), registrar.Approval{
			People: req.People, Until: req.Until, Reason: string(req.Reason),
		})
	})
}

// StartEntries is registrar.Service.StartImport.
func (h *handler) StartEntries(ctx context.Context, req *registraroas.ImportRequest, params registraroas.StartEntriesParams) (*registraroas.EntriesImport, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	approval, err := ident.ParseAct(string(req.Approval))
	if err != nil {
		return nil, err
	}
	file, err := hex.DecodeString(req.File)
	if err != nil || len(file) != 32 {
		return nil, errors.New("registrarapi: a SHA-256 is not what openapi.yaml says")
	}
	i, err := h.service.StartImport(ctx, caller, ident.Register(params.Register), approval, [32]byte(file))
	if err != nil {
		return nil, err
	}
	return &registraroas.EntriesImport{Import: registraroas.ID(i.ID.String()), Next: i.Next, Entered: i.Entered, Refused: i.Refused}, nil
}

// EnterPart is registrar.Service.ImportPart.
func (h *handler) EnterPart(ctx context.Context, req *registraroas.EntriesPartRequest, params registraroas.EnterPartParams) (*registraroas.EntriesPart, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	of, err := ident.ParseImport(string(params.Import))
	if err != nil {
		return nil, err
	}
	lines, err := convert[[]registrar.ImportLine](req.Entries)
	if err != nil {
		return nil, err
	}
	entered, refused, err := h.service.ImportPart(ctx, caller, ident.Register(params.Register), of, registrar.ImportPart{First: req.First, Last: req.Last, Lines: lines})
	if err != nil {
		return nil, err
	}
	return &registraroas.EntriesPart{Entered: entered, Refused: refused}, nil
}

// ListEntryRefusals is registrar.Service.ImportRefusals.
func (h *handler) ListEntryRefusals(ctx context.Context, params registraroas.ListEntryRefusalsParams) (*registraroas.ImportRefusals, error) {
	caller, err := callerOf(ctx)
	if err != nil {
		return nil, err
	}
	of, err := ident.ParseImport(string(params.Import))
	if err != nil {
		return nil, err
	}
	all, more, err := h.service.ImportRefusals(ctx, caller, ident.Register(params.Register), of, params.After.Or(0), params.Limit.Or(100))
	if err != nil {
		return nil, err
	}
	out := &registraroas.ImportRefusals{Refusals: []registraroas.ImportRefusalsRefusalsItem{}}
	for _, r := range all {
		out.Refusals = append(out.Refusals, registraroas.ImportRefusalsRefusalsItem{Line: r.Line, Pointer: r.Pointer, Detail: r.Detail})
	}
	if more {
		out.Next.SetTo(all[len(all)-1].Line)
	}
	return out, nil
}
