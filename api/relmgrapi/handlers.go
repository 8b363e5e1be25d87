package relmgrapi

import (
	"context"
	"encoding/hex"

	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

// handlers is oas.Handler over the service, one method each.
type handlers struct {
	service *relmgr.Service
	terms   func(context.Context) (*decide.Terms, error) // of the request
}

func (h handlers) FindHandle(ctx context.Context, req *oas.HandleRequest) (*oas.Handle, error) {
	who := caller(ctx)
	p, err := h.service.FindHandle(ctx, who, own(req.Column, req.Identifier))
	if err != nil {
		return nil, err
	}
	return &oas.Handle{
		Handle: oas.ID(p.Handle.String()),
		Proofs: oas.HandleProofs{Consent: p.Consent, Idmgr: p.Idmgr, Expires: p.Expires},
	}, nil
}

func (h handlers) PublishRelationship(ctx context.Context, req *oas.RelationshipRequest, params oas.PublishRelationshipParams) (*oas.ActReceipt, error) {
	who := caller(ctx)
	p, err := proposal(req.Decision)
	if err != nil {
		return nil, err
	}
	r, err := h.once(ctx, oas.PublishRelationshipOperation, params.IdempotencyKey, req).Publish(ctx, who, relmgr.Relationship{
		Own: own(req.Column, req.Identifier), Role: string(req.Role), Mode: decide.Mode(req.Mode),
		Reason: string(req.Reason), Offers: offers(req.Offers), Evidence: relmgr.Evidence(req.Evidence.Or("")), Since: since(req.Since),
		Telling: notTold(req.NotTold), Proposal: p,
	})
	return receipt(r, err)
}

func (h handlers) ApproveImport(ctx context.Context, req *oas.ApprovalRequest, params oas.ApproveImportParams) (*oas.ActReceipt, error) {
	p, err := proposal(req.Decision)
	if err != nil {
		return nil, err
	}
	a := relmgr.Approval{
		Mode: decide.Mode(req.Mode), Reason: string(req.Reason), Relationships: req.Relationships, Until: req.Until, Proposal: p,
	}
	if req.Deed.Value == oas.ApprovalRequestDeedCorrelate {
		a.Deed = decide.Correlating
	}
	for _, c := range req.Columns {
		a.Columns = append(a.Columns, ident.Column(c))
	}
	r, err := h.once(ctx, oas.ApproveImportOperation, params.IdempotencyKey, req).ApproveImport(ctx, caller(ctx), a)
	return receipt(r, err)
}

func (h handlers) StartImport(ctx context.Context, req *oas.ImportRequest) (*oas.Import, error) {
	approval, err := ident.ParseReference(string(req.Approval))
	if err != nil {
		return nil, malformed("/approval")
	}
	var file [32]byte
	if _, err := hex.Decode(file[:], []byte(req.File)); err != nil {
		return nil, malformed("/file")
	}
	i, err := h.service.StartImport(ctx, caller(ctx), approval, file)
	if err != nil {
		return nil, err
	}
	return &oas.Import{Import: oas.ID(i.ID.String()), Deed: oas.ImportDeed(i.Deed), Next: i.Next, Published: i.Published, Refused: i.Refused}, nil
}

func (h handlers) ImportPart(ctx context.Context, req *oas.ImportPartRequest, params oas.ImportPartParams) (*oas.ImportedPart, error) {
	id, err := ident.ParseImport(string(params.Import))
	if err != nil {
		return nil, malformed("/import")
	}
	p, err := part(req)
	if err != nil {
		return nil, err
	}
	lines, err := h.service.ImportPart(ctx, caller(ctx), id, p)
	if err != nil {
		return nil, err
	}
	return imported(lines), nil
}

func (h handlers) ListImportRefusals(ctx context.Context, params oas.ListImportRefusalsParams) (*oas.ImportRefusals, error) {
	id, err := ident.ParseImport(string(params.Import))
	if err != nil {
		return nil, malformed("/import")
	}
	lines, more, err := h.service.ListImportRefusals(ctx, caller(ctx), id, params.After.Or(0), params.Limit.Or(100))
	if err != nil {
		return nil, err
	}
	out := &oas.ImportRefusals{Refusals: make([]oas.ImportRefusalsRefusalsItem, len(lines))}
	for i, l := range lines {
		pointer, detail := l.Refused.Explain()
		out.Refusals[i] = oas.ImportRefusalsRefusalsItem{Line: l.Line, Pointer: pointer, Detail: detail}
	}
	if more {
		out.Next = oas.NewOptInt(lines[len(lines)-1].Line)
	}
	return out, nil
}

func (h handlers) OpenPairing(ctx context.Context, req *oas.PairingRequest) (*oas.Pairing, error) {
	who := caller(ctx)
	p, err := proposal(req.Decision)
	if err != nil {
		return nil, err
	}
	pairing, err := h.service.OpenPairing(ctx, who, own(req.Column, req.Identifier), p)
	if err != nil {
		return nil, err
	}
	return &oas.Pairing{Code: oas.PairingCode(pairing.Code), Reference: oas.PairingReference(pairing.Reference), Expires: pairing.Ends, Commitment: oas.Commitment(hex.EncodeToString(pairing.Commitment))}, nil
}

func (h handlers) Correlate(ctx context.Context, req *oas.CorrelationRequest, params oas.CorrelateParams) (*oas.ActReceipt, error) {
	who := caller(ctx)
	p, err := proposal(req.Decision)
	if err != nil {
		return nil, err
	}
	r, err := h.once(ctx, oas.CorrelateOperation, params.IdempotencyKey, req).Correlate(ctx, who, relmgr.Correlation{
		Own: own(req.Column, req.Identifier), Code: string(req.Pairing.Or("")), Statement: string(req.Statement.Or("")), Mode: decide.Mode(req.Mode),
		Reason: string(req.Reason), Evidence: relmgr.Evidence(req.Evidence.Or("")), Telling: notTold(req.NotTold), Proposal: p,
	})
	return receipt(r, err)
}

func (h handlers) RecordObjection(ctx context.Context, req *oas.ObjectionRequest, params oas.RecordObjectionParams) (*oas.ActReceipt, error) {
	ref, err := reference(params.Act)
	if err != nil {
		return nil, err
	}
	s := h.once(ctx, oas.RecordObjectionOperation, params.IdempotencyKey, req, string(params.Act))
	r, err := s.RecordObjection(ctx, caller(ctx), ref, string(req.Reason), relmgr.Evidence(req.Evidence))
	return receipt(r, err)
}

func (h handlers) ReviewTelling(ctx context.Context, req *oas.TellingRequest, params oas.ReviewTellingParams) (*oas.ActReceipt, error) {
	ref, err := reference(params.Act)
	if err != nil {
		return nil, err
	}
	s := h.once(ctx, oas.ReviewTellingOperation, params.IdempotencyKey, req, string(params.Act))
	r, err := s.ReviewTelling(ctx, caller(ctx), ref, notTold(req.NotTold), string(req.Reason))
	return receipt(r, err)
}

func (h handlers) ListUntold(ctx context.Context, params oas.ListUntoldParams) (*oas.UntoldList, error) {
	list, err := h.service.ListUntold(ctx, caller(ctx), params.Limit.Or(50), why(params.Purpose, params.Reason))
	if err != nil {
		return nil, err
	}
	out := &oas.UntoldList{Acts: make([]oas.Untold, len(list))}
	for i, u := range list {
		out.Acts[i] = oas.Untold{
			Act: oas.ID(u.Act.String()), Kind: oas.UntoldKind(u.Kind), At: u.At, Practitioner: oas.Code(u.Practitioner), Role: oas.Code(u.Role),
			Risk: oas.Risk(u.Risk), ReviewBy: u.ReviewBy, Overdue: u.Overdue,
		}
	}
	return out, nil
}

func (h handlers) ListObjections(ctx context.Context, params oas.ListObjectionsParams) (*oas.Objections, error) {
	list, err := h.service.ListObjections(ctx, caller(ctx), params.Limit.Or(50), why(params.Purpose, params.Reason))
	if err != nil {
		return nil, err
	}
	out := &oas.Objections{Objections: make([]oas.Objection, len(list))}
	for i, o := range list {
		out.Objections[i] = oas.Objection{
			Objection: oas.ID(o.Objection.String()), Imposed: oas.ID(o.Imposed.String()), Kind: oas.ObjectionKind(o.Kind),
			Agreement: optCode(o.Agreement), At: o.At, Due: o.Due, Overdue: o.Overdue,
		}
	}
	return out, nil
}

func (h handlers) RuleOnObjection(ctx context.Context, req *oas.RulingRequest, params oas.RuleOnObjectionParams) (*oas.ActReceipt, error) {
	ref, err := reference(params.Act)
	if err != nil {
		return nil, err
	}
	s := h.once(ctx, oas.RuleOnObjectionOperation, params.IdempotencyKey, req, string(params.Act))
	r, err := s.RuleOnObjection(ctx, caller(ctx), ref, string(req.Outcome), string(req.Reason))
	return receipt(r, err)
}

// returnedPage is how many people a page of a closed column holds.
const returnedPage = 1000

func (h handlers) ReturnColumn(ctx context.Context, req *oas.ReturnRequest, params oas.ReturnColumnParams) (*oas.ReturnedPage, error) {
	var after ident.HandleID
	if c, ok := req.Cursor.Get(); ok {
		var err error
		if after, err = ident.ParseHandle(string(c)); err != nil {
			return nil, malformed("/cursor")
		}
	}
	held, next, err := h.service.ReturnColumn(ctx, caller(ctx), ident.Column(params.Column), string(req.Reason), after, returnedPage)
	if err != nil {
		return nil, err
	}
	page := &oas.ReturnedPage{Held: make([]oas.HeldRelationship, len(held))}
	for i, r := range held {
		page.Held[i] = oas.HeldRelationship{Handle: oas.ID(r.Handle.String()), Identifier: string(r.Identifier), Published: r.Published}
		if r.Published {
			page.Held[i].Role, page.Held[i].Purposes, page.Held[i].Until = optCode(r.Role), codes(r.Purposes), oas.NewOptDateTime(r.Until)
		}
	}
	if !next.IsZero() {
		page.Next = oas.NewOptCursor(oas.Cursor(next.String()))
	}
	return page, nil
}

func (h handlers) DestroyColumn(ctx context.Context, req *oas.DestructionRequest, params oas.DestroyColumnParams) (*oas.Certificate, error) {
	c, err := h.service.DestroyColumn(ctx, caller(ctx), ident.Column(params.Column), string(req.Reason))
	if err != nil {
		return nil, err
	}
	return &oas.Certificate{
		Act: oas.ID(c.Act.String()), Commitment: oas.Commitment(hex.EncodeToString(c.Commitment)), Column: oas.Code(c.Column),
		ReturnedAt: c.ReturnedAt, At: c.At, Handles: c.Handles, Relationships: c.Relationships,
	}, nil
}

func (h handlers) EraseRelationship(ctx context.Context, req *oas.ErasureRequest, params oas.EraseRelationshipParams) (*oas.ErasureCertificate, error) {
	e := relmgr.Erasure{Own: own(req.Column, req.Identifier), Reason: string(req.Reason), Evidence: relmgr.Evidence(req.Evidence.Or(""))}
	if k, ok := req.Keeps.Get(); ok {
		e.Keeps, e.Obligation = string(k.What), string(k.Obligation)
	}
	c, err := h.once(ctx, oas.EraseRelationshipOperation, params.IdempotencyKey, req).Erase(ctx, caller(ctx), e)
	if err != nil {
		return nil, err
	}
	out := &oas.ErasureCertificate{
		Act: oas.ID(c.Act.String()), Commitment: oas.Commitment(hex.EncodeToString(c.Commitment)), Column: oas.Code(c.Column), At: c.At,
		Records: c.Records, CompleteAt: c.CompleteAt, Certificate: c.Certificate,
	}
	if c.Keeps != "" {
		out.Keeps = oas.NewOptKeptFromErasure(oas.KeptFromErasure{
			What: oas.KeptFromErasureWhat(c.Keeps), Obligation: oas.Obligation(c.Obligation),
		})
	}
	return out, nil
}

func (h handlers) MoveCaseload(ctx context.Context, req *oas.CaseloadRequest, params oas.MoveCaseloadParams) (*oas.ActReceipts, error) {
	c := relmgr.Caseload{From: ident.Column(req.From), To: ident.Column(req.To), Reason: string(req.Reason)}
	for _, r := range req.Relationships {
		c.Items = append(c.Items, relmgr.CaseloadItem{Identifier: relmgr.Identifier(r.Identifier), As: relmgr.Identifier(r.As.Or(""))})
	}
	moved, err := h.once(ctx, oas.MoveCaseloadOperation, params.IdempotencyKey, req).MoveCaseload(ctx, caller(ctx), c)
	return receipts(moved, err)
}

func (h handlers) Separate(ctx context.Context, req *oas.SeparationRequest, params oas.SeparateParams) (*oas.ActReceipt, error) {
	who := caller(ctx)
	refs, err := references(req.Correlations)
	if err != nil {
		return nil, err
	}
	r, err := h.once(ctx, oas.SeparateOperation, params.IdempotencyKey, req).Separate(ctx, who, refs, string(req.Reason))
	return receipt(r, err)
}

func (h handlers) WithdrawAct(ctx context.Context, req *oas.ActWithdrawalRequest, params oas.WithdrawActParams) (*oas.ActReceipt, error) {
	who := caller(ctx)
	ref, err := reference(params.Act)
	if err != nil {
		return nil, err
	}
	r, err := h.once(ctx, oas.WithdrawActOperation, params.IdempotencyKey, req, string(params.Act)).WithdrawAct(ctx, who, ref, string(req.Reason), relmgr.Evidence(req.Evidence.Or("")))
	return receipt(r, err)
}

func (h handlers) ConfirmSamePerson(ctx context.Context, req *oas.WithdrawalRequest, params oas.ConfirmSamePersonParams) (*oas.ActReceipt, error) {
	ref, err := reference(params.Act)
	if err != nil {
		return nil, err
	}
	r, err := h.once(ctx, oas.ConfirmSamePersonOperation, params.IdempotencyKey, req, string(params.Act)).ConfirmSamePerson(ctx, caller(ctx), ref, string(req.Reason))
	return receipt(r, err)
}

func (h handlers) KeepApart(ctx context.Context, req *oas.KeepApartRequest, params oas.KeepApartParams) (*oas.ActReceipt, error) {
	refs, err := references(req.Correlations)
	if err != nil {
		return nil, err
	}
	r, err := h.once(ctx, oas.KeepApartOperation, params.IdempotencyKey, req).KeepApart(ctx, caller(ctx), relmgr.Apart{
		Own: own(req.Column.Or(""), req.Identifier.Or("")), Code: string(req.Pairing.Or("")), Correlations: refs,
		Reason: string(req.Reason),
	})
	return receipt(r, err)
}

func (h handlers) DisputeIdentity(ctx context.Context, req *oas.DisputeRequest, params oas.DisputeIdentityParams) (*oas.ActReceipt, error) {
	r, err := h.once(ctx, oas.DisputeIdentityOperation, params.IdempotencyKey, req).DisputeIdentity(ctx, caller(ctx), own(req.Column, req.Identifier), string(req.Reason))
	return receipt(r, err)
}

func (h handlers) SettleDispute(ctx context.Context, req *oas.SettlementRequest, params oas.SettleDisputeParams) (*oas.ActReceipt, error) {
	ref, err := reference(params.Act)
	if err != nil {
		return nil, err
	}
	holds, err := references(req.Holds)
	if err != nil {
		return nil, err
	}
	r, err := h.once(ctx, oas.SettleDisputeOperation, params.IdempotencyKey, req, string(params.Act)).SettleDispute(ctx, caller(ctx), ref, holds, string(req.Reason))
	return receipt(r, err)
}

func (h handlers) SetRelationshipStatus(ctx context.Context, req *oas.StatusRequest, params oas.SetRelationshipStatusParams) (*oas.ActReceipt, error) {
	ref, err := reference(params.Act)
	if err != nil {
		return nil, err
	}
	r, err := h.once(ctx, oas.SetRelationshipStatusOperation, params.IdempotencyKey, req, string(params.Act)).SetStatus(ctx, caller(ctx), ref, relmgr.Kind(req.Status), string(req.Reason), since(req.Since))
	return receipt(r, err)
}

func (h handlers) FindAct(ctx context.Context, params oas.FindActParams) (*oas.Act, error) {
	who := caller(ctx)
	ref, err := reference(params.Act)
	if err != nil {
		return nil, err
	}
	a, err := h.service.FindAct(ctx, who, ref, why(params.Purpose, params.Reason))
	if err != nil {
		return nil, err
	}
	shown := act(a)
	return &shown, nil
}

func (h handlers) ListActs(ctx context.Context, params oas.ListActsParams) (*oas.ActPage, error) {
	who := caller(ctx)
	handle, err := ident.ParseHandle(string(params.Handle))
	if err != nil {
		return nil, malformed("/handle")
	}
	var after ident.ReferenceID
	if c, ok := params.Cursor.Get(); ok {
		if after, err = ident.ParseReference(string(c)); err != nil {
			return nil, malformed("/cursor")
		}
	}
	acts, next, err := h.service.ListActs(ctx, who, handle, after, params.Limit.Or(50), why(params.Purpose, params.Reason))
	if err != nil {
		return nil, err
	}
	page := &oas.ActPage{Acts: make([]oas.Act, len(acts))}
	for i, a := range acts {
		page.Acts[i] = act(a)
	}
	if !next.IsZero() {
		page.Next = oas.NewOptCursor(oas.Cursor(next.String()))
	}
	return page, nil
}

func (h handlers) AttachAnchor(ctx context.Context, req *oas.AnchorRequest, params oas.AttachAnchorParams) (*oas.ActReceipt, error) {
	r, err := h.once(ctx, oas.AttachAnchorOperation, params.IdempotencyKey, req).AttachAnchor(ctx, caller(ctx), relmgr.Attachment{
		Own: own(req.Column, req.Identifier), Recognition: string(req.Recognition), Reason: string(req.Reason),
	})
	return receipt(r, err)
}

func (h handlers) Enquire(ctx context.Context, req *oas.EnquiryRequest) (*oas.Answer, error) {
	who := caller(ctx)
	var elsewhere map[string]string
	if len(req.Elsewhere) > 0 {
		elsewhere = map[string]string{}
	}
	for _, at := range req.Elsewhere {
		elsewhere[string(at.Hub)] = string(at.Recognition)
	}
	a, err := h.service.Enquire(ctx, who, relmgr.Question{
		Own: own(req.Column, req.Identifier.Or("")), Recognition: string(req.Recognition.Or("")), Purpose: string(req.Purpose), Reason: string(req.Reason),
		Concerning: string(req.Concerning), Transaction: string(req.Transaction.Or("")),
		Emergency: req.Emergency.Or(false), Case: relmgr.Case(req.Case.Or("")), Scope: scope(req.Scope), Grant: req.Grant.Or(""), Elsewhere: elsewhere,
	})
	if err != nil {
		return nil, err
	}
	return answer(a), nil
}

func scope(asked oas.OptEnquiryRequestScope) relmgr.Scope {
	switch asked.Value {
	case oas.EnquiryRequestScopeAgency:
		return relmgr.OfTheAgency
	case oas.EnquiryRequestScopeFederation:
		return relmgr.OfTheFederation
	default:
		return ""
	}
}

func (h handlers) ListReviews(ctx context.Context, params oas.ListReviewsParams) (*oas.ReviewPage, error) {
	var after ident.ReviewID
	if c, ok := params.Cursor.Get(); ok {
		var err error
		if after, err = ident.ParseReview(string(c)); err != nil {
			return nil, malformed("/cursor")
		}
	}
	list, next, err := h.service.ListReviews(ctx, caller(ctx), after, params.Limit.Or(50), why(params.Purpose, params.Reason))
	if err != nil {
		return nil, err
	}
	page := &oas.ReviewPage{Reviews: make([]oas.Review, len(list))}
	for i, r := range list {
		page.Reviews[i] = review(r)
	}
	if !next.IsZero() {
		page.Next = oas.NewOptCursor(oas.Cursor(next.String()))
	}
	return page, nil
}

func (h handlers) JudgeEnquiry(ctx context.Context, req *oas.ReviewOutcomeRequest, params oas.JudgeEnquiryParams) (*oas.ActReceipt, error) {
	id, err := ident.ParseReview(string(params.Review))
	if err != nil {
		return nil, malformed("/review")
	}
	r, err := h.once(ctx, oas.JudgeEnquiryOperation, params.IdempotencyKey, req, string(params.Review)).JudgeEnquiry(ctx, caller(ctx), id, string(req.Outcome), string(req.Reason))
	return receipt(r, err)
}

func (h handlers) AskAsOf(ctx context.Context, req *oas.AsOfRequest, params oas.AskAsOfParams) (*oas.ActReceipt, error) {
	return receipt(h.once(ctx, oas.AskAsOfOperation, params.IdempotencyKey, req).AskAsOf(ctx, caller(ctx), relmgr.Earlier{
		Own: own(req.Column, req.Identifier), AsOf: req.AsOf, Purpose: string(req.Purpose), Reason: string(req.Reason),
		Concerning: string(req.Concerning), Transaction: string(req.Transaction.Or("")), Case: relmgr.Case(req.Case.Or("")),
	}))
}

func (h handlers) ListAsOf(ctx context.Context, params oas.ListAsOfParams) (*oas.AsOfPage, error) {
	var after ident.ReferenceID
	if c, ok := params.Cursor.Get(); ok {
		var err error
		if after, err = ident.ParseReference(string(c)); err != nil {
			return nil, malformed("/cursor")
		}
	}
	list, next, err := h.service.ListAsOf(ctx, caller(ctx), after, params.Limit.Or(50), why(params.Purpose, params.Reason))
	if err != nil {
		return nil, err
	}
	page := &oas.AsOfPage{Asked: make([]oas.AsOf, len(list))}
	for i, a := range list {
		page.Asked[i] = oas.AsOf{
			Act: oas.ID(a.Act.String()), At: a.At, Due: a.Due, Practitioner: oas.Code(a.Practitioner), Role: oas.Code(a.Role),
			Column: oas.Code(a.Column), AsOf: a.AsOf, Purpose: oas.Code(a.Purpose), Reason: oas.Code(a.Reason), Concerning: a.Concerning,
		}
		if a.Transaction != "" {
			page.Asked[i].Transaction = oas.NewOptCode(oas.Code(a.Transaction))
		}
		if a.Case != "" {
			page.Asked[i].Case = oas.NewOptString(string(a.Case))
		}
	}
	if !next.IsZero() {
		page.Next = oas.NewOptCursor(oas.Cursor(next.String()))
	}
	return page, nil
}

func (h handlers) ApproveAsOf(ctx context.Context, req *oas.WithdrawalRequest, params oas.ApproveAsOfParams) (*oas.ActReceipt, error) {
	ref, err := reference(params.Act)
	if err != nil {
		return nil, err
	}
	return receipt(h.once(ctx, oas.ApproveAsOfOperation, params.IdempotencyKey, req, string(params.Act)).ApproveAsOf(ctx, caller(ctx), ref, string(req.Reason)))
}

func (h handlers) ReadAsOf(ctx context.Context, params oas.ReadAsOfParams) (*oas.Answer, error) {
	ref, err := reference(params.Act)
	if err != nil {
		return nil, err
	}
	a, err := h.service.ReadAsOf(ctx, caller(ctx), ref)
	if err != nil {
		return nil, err
	}
	return answer(a), nil
}

func (h handlers) DeclareInterest(ctx context.Context, req *oas.DeclarationRequest) (*oas.DeclarationReceipt, error) {
	return declared(h.service.Declare(ctx, caller(ctx), own(req.Column, req.Identifier), relmgr.Interest(req.Interest), ident.Practitioner(req.Practitioner.Or(""))))
}

func (h handlers) EndDeclaration(ctx context.Context, req *oas.WithdrawalRequest, params oas.EndDeclarationParams) (*oas.DeclarationReceipt, error) {
	id, err := ident.ParseDeclaration(string(params.Declaration))
	if err != nil {
		return nil, malformed("/declaration")
	}
	return declared(h.service.EndDeclaration(ctx, caller(ctx), id, string(req.Reason)))
}

func (h handlers) RequestContact(ctx context.Context, req *oas.ContactRequest, params oas.RequestContactParams) (*oas.ContactRequested, error) {
	enquiry, err := ident.ParseEnquiry(string(params.Enquiry))
	if err != nil {
		return nil, malformed("/enquiry")
	}
	r, err := h.service.RequestContact(ctx, caller(ctx), enquiry, string(req.Contact))
	if err != nil {
		return nil, err
	}
	return &oas.ContactRequested{Request: oas.ID(r.Act.String()), Commitment: oas.Commitment(hex.EncodeToString(r.Commitment))}, nil
}

func (h handlers) ListContactReplies(ctx context.Context, params oas.ListContactRepliesParams) (*oas.ContactReplies, error) {
	enquiry, err := ident.ParseEnquiry(string(params.Enquiry))
	if err != nil {
		return nil, malformed("/enquiry")
	}
	replies, err := h.service.ListContactReplies(ctx, caller(ctx), enquiry)
	if err != nil {
		return nil, err
	}
	out := &oas.ContactReplies{Replies: make([]oas.ContactReply, len(replies))}
	for i, r := range replies {
		out.Replies[i] = contactReply(r)
	}
	return out, nil
}

func (h handlers) ListContactRequests(ctx context.Context, params oas.ListContactRequestsParams) (*oas.DeliveryPage, error) {
	in := relmgr.Inbox{Column: ident.Column(params.Column), Escalated: params.Escalated.Or(false), Limit: params.Limit.Or(50), Why: why(params.Purpose.Or(""), params.Reason.Or(""))}
	if c, ok := params.Cursor.Get(); ok {
		var err error
		if in.After, err = ident.ParseDelivery(string(c)); err != nil {
			return nil, malformed("/cursor")
		}
	}
	requests, next, err := h.service.ListContactRequests(ctx, caller(ctx), in)
	if err != nil {
		return nil, err
	}
	page := &oas.DeliveryPage{Requests: make([]oas.DeliveredRequest, len(requests))}
	for i, r := range requests {
		page.Requests[i] = delivered(r)
	}
	if !next.IsZero() {
		page.Next = oas.NewOptCursor(oas.Cursor(next.String()))
	}
	return page, nil
}

func (h handlers) ReplyToContactRequest(ctx context.Context, req *oas.ContactReplyRequest, params oas.ReplyToContactRequestParams) (*oas.ActReceipt, error) {
	delivery, err := ident.ParseDelivery(string(params.Delivery))
	if err != nil {
		return nil, malformed("/delivery")
	}
	reply := relmgr.ContactReply{
		Delivery: delivery, Reply: relmgr.ReplyKind(req.Reply), Reason: string(req.Reason),
		Detriment: decide.Detriment(req.Detriment), Contact: string(req.Contact.Or("")),
	}
	if d, ok := req.Decision.Get(); ok {
		p, err := proposal(d)
		if err != nil {
			return nil, err
		}
		reply.Proposal = &p
	}
	r, err := h.service.ReplyToContact(ctx, caller(ctx), reply)
	return receipt(r, err)
}

func (h handlers) ListDecisions(ctx context.Context, params oas.ListDecisionsParams) (*oas.DecisionPage, error) {
	which := relmgr.Reliance{
		State: relmgr.DecisionState(params.State.Or(oas.ListDecisionsStateSuspended)), RestsOn: string(params.RestsOn.Or("")), Limit: params.Limit.Or(50),
	}
	if cursor, ok := params.Cursor.Get(); ok {
		var err error
		if which.After, err = ident.ParseDecision(string(cursor)); err != nil || which.After.IsZero() {
			return nil, malformed("/cursor")
		}
	}
	list, next, err := h.service.ListDecisions(ctx, caller(ctx), which, why(params.Purpose, params.Reason))
	if err != nil {
		return nil, err
	}
	out := &oas.DecisionPage{Decisions: make([]oas.ReliedDecision, len(list))}
	for i, d := range list {
		out.Decisions[i] = relied(d)
	}
	if !next.IsZero() {
		out.Next = oas.NewOptCursor(oas.Cursor(next.String()))
	}
	return out, nil
}

func (h handlers) JudgeOverride(ctx context.Context, req *oas.ReviewOutcomeRequest, params oas.JudgeOverrideParams) (*oas.ActReceipt, error) {
	act, err := reference(params.Act)
	if err != nil {
		return nil, err
	}
	r, err := h.once(ctx, oas.JudgeOverrideOperation, params.IdempotencyKey, req, string(params.Act)).JudgeOverride(ctx, caller(ctx), act, string(req.Outcome), string(req.Reason))
	return receipt(r, err)
}
