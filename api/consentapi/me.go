package consentapi

import (
	"context"
	"database/sql"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/consent"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// HandleSubject lets in who bears relmgr's proof of their handles for this duty.
func (h *handler) HandleSubject(ctx context.Context, operation consentoas.OperationName, t consentoas.Subject) (context.Context, error) {
	return h.edge.SecureSubject(ctx, operation, t.Token)
}

// subjectOf returns who asks as themself. Behind HandleSubject there is always somebody.
func subjectOf(ctx context.Context) (decide.Subject, error) {
	who, ok := api.SubjectOf(ctx)
	if !ok {
		return who, fault.New(fault.Internal, "consentapi: no subject: wire the operation through HandleSubject")
	}
	return who, nil
}

// ListMyWord is consent.Service.ListMine.
func (h *handler) ListMyWord(ctx context.Context) (*consentoas.MyWord, error) {
	who, err := subjectOf(ctx)
	if err != nil {
		return nil, err
	}
	m, err := h.service.ListMine(ctx, who)
	if err != nil {
		return nil, err
	}
	out := &consentoas.MyWord{Consents: []consentoas.MyConsent{}, Exclusions: []consentoas.MyExclusion{}, Blocks: []consentoas.MyBlock{}, Erased: []consentoas.MyErased{}}
	for _, c := range m.Consents {
		v := consentoas.MyConsent{
			Consent: consentoas.ID(c.ConsentID.String()), Handle: consentoas.ID(c.HandleID.String()), Column: consentoas.Code(c.ColumnID), Explicit: c.Explicit,
			Audience: audienceTo(decide.Audience{Kind: decide.AudienceKind(c.AudienceKind), Names: c.Audience}), Purposes: codes(c.Purposes), Aspects: codes(c.Aspects),
			From: c.StartsAt.UTC(), Until: c.EndsAt.UTC(), Withdrawn: optTime(c.WithdrawnAt), Evidence: c.Evidence, Wording: consentoas.Code(c.Wording),
			ByMyself: consent.ByThePerson(c.PractitionerID),
		}
		if c.Understanding != "" {
			v.Understanding = consentoas.NewOptUnderstanding(consentoas.Understanding(c.Understanding))
		}
		if c.ProxyAuthority != "" {
			v.Proxy = consentoas.NewOptString(c.ProxyAuthority)
		}
		if c.Held != "" {
			v.Held = consentoas.NewOptMyHeld(consentoas.MyHeld{State: consentoas.MyHeldState(c.Held)})
			if c.HeldFor != "" {
				v.Held.Value.Reason = consentoas.NewOptCode(consentoas.Code(c.HeldFor))
			}
		}
		out.Consents = append(out.Consents, v)
	}
	for _, e := range m.Exclusions {
		out.Exclusions = append(out.Exclusions, consentoas.MyExclusion{
			Exclusion: consentoas.ID(e.ExclusionID.String()), Handle: consentoas.ID(e.HandleID.String()), Agency: consentoas.Code(e.Excluded), From: e.StartsAt.UTC(), Ended: optTime(e.EndedAt),
		})
	}
	for _, b := range m.Blocks {
		out.Blocks = append(out.Blocks, consentoas.MyBlock{
			Block: consentoas.ID(b.BlockID.String()), Handle: consentoas.ID(b.HandleID.String()), Reach: consentoas.MyBlockReach(b.Reach), Warning: consentoas.Code(b.Warning),
			From: b.StartsAt.UTC(), Ended: optTime(b.EndedAt),
		})
	}
	for _, e := range m.Erased {
		out.Erased = append(out.Erased, consentoas.MyErased{
			What: consentoas.MyErasedWhat(e.What), Handle: consentoas.ID(e.HandleID.String()), From: e.StartsAt.UTC(), Ended: e.EndedAt.UTC(), Erased: e.ErasedAt.UTC(),
		})
	}
	return out, nil
}

func optTime(t sql.NullTime) consentoas.OptDateTime {
	if !t.Valid {
		return consentoas.OptDateTime{}
	}
	return consentoas.NewOptDateTime(t.Time.UTC())
}

// GiveConsent is consent.Service.Give.
func (h *handler) GiveConsent(ctx context.Context, req *consentoas.GiveConsentRequest) (*consentoas.ConsentReceipt, error) {
	who, handle, err := ofMine(ctx, req.Handle)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Give(ctx, who, handle, consent.Request{
		Explicit: req.Explicit, Audience: audienceOf(req.Audience), Purposes: texts(req.Purposes), Aspects: texts(req.Aspects), Until: req.Until, Wording: string(req.Wording),
	})
	if err != nil {
		return nil, err
	}
	return consentReceipt(got.Consent, got.Receipt), nil
}

// ofMine is who asks, and the handle that they name.
func ofMine(ctx context.Context, handle consentoas.ID) (decide.Subject, ident.HandleID, error) {
	who, err := subjectOf(ctx)
	if err != nil {
		return who, ident.HandleID{}, err
	}
	id, err := idOf[ident.HandleID](handle)
	return who, id, err
}

// TakeBackConsent is consent.Service.TakeBack.
func (h *handler) TakeBackConsent(ctx context.Context, params consentoas.TakeBackConsentParams) (*consentoas.ConsentReceipt, error) {
	who, err := subjectOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := idOf[ident.ConsentID](params.Consent)
	if err != nil {
		return nil, err
	}
	got, err := h.service.TakeBack(ctx, who, id)
	if err != nil {
		return nil, err
	}
	return consentReceipt(id, got), nil
}

// HideRelationship is consent.Service.Hide.
func (h *handler) HideRelationship(ctx context.Context, req *consentoas.HideRequest) (*consentoas.BlockReceipt, error) {
	who, handle, err := ofMine(ctx, req.Handle)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Hide(ctx, who, handle, consent.Reach(req.Reach), string(req.Warning))
	if err != nil {
		return nil, err
	}
	return blockReceipt(got.Block, got.Receipt), nil
}

// ShowRelationship is consent.Service.Show.
func (h *handler) ShowRelationship(ctx context.Context, params consentoas.ShowRelationshipParams) (*consentoas.BlockReceipt, error) {
	who, err := subjectOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := idOf[ident.BlockID](params.Block)
	if err != nil {
		return nil, err
	}
	got, err := h.service.Show(ctx, who, id)
	if err != nil {
		return nil, err
	}
	return blockReceipt(id, got), nil
}

// LeaveOutAgency is consent.Service.LeaveOut.
func (h *handler) LeaveOutAgency(ctx context.Context, req *consentoas.LeaveOutRequest) (*consentoas.ExclusionReceipt, error) {
	who, handle, err := ofMine(ctx, req.Handle)
	if err != nil {
		return nil, err
	}
	got, err := h.service.LeaveOut(ctx, who, handle, ident.Agency(req.Agency))
	if err != nil {
		return nil, err
	}
	return exclusionReceipt(got.Exclusion, got.Receipt), nil
}

// LetInAgency is consent.Service.LetIn.
func (h *handler) LetInAgency(ctx context.Context, params consentoas.LetInAgencyParams) (*consentoas.ExclusionReceipt, error) {
	who, err := subjectOf(ctx)
	if err != nil {
		return nil, err
	}
	id, err := idOf[ident.ExclusionID](params.Exclusion)
	if err != nil {
		return nil, err
	}
	got, err := h.service.LetIn(ctx, who, id)
	if err != nil {
		return nil, err
	}
	return exclusionReceipt(id, got), nil
}
