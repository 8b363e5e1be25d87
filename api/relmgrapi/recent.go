package relmgrapi

import (
	"context"

	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/internal/ident"
)

func (h handlers) ListRecent(ctx context.Context, params oas.ListRecentParams) (*oas.RecentPage, error) {
	var after ident.EnquiryID
	if c, ok := params.Cursor.Get(); ok {
		var err error
		if after, err = ident.ParseEnquiry(string(c)); err != nil {
			return nil, malformed("/cursor")
		}
	}
	all, next, err := h.service.ListRecent(ctx, caller(ctx), ident.Column(params.Column), after, params.Limit.Or(50))
	if err != nil {
		return nil, err
	}
	page := &oas.RecentPage{Enquiries: make([]oas.RecentEnquiry, len(all))}
	for i, one := range all {
		e := oas.RecentEnquiry{
			Enquiry: oas.ID(one.ID.String()), At: one.At, Purpose: oas.Code(one.Purpose), Reason: oas.Code(one.Reason),
			Concerning: oas.RecentEnquiryConcerning(one.Concerning), Emergency: one.Emergency,
		}
		if one.Identifier != "" {
			e.Identifier.SetTo(string(one.Identifier))
		}
		if one.Transaction != "" {
			e.Transaction.SetTo(oas.Code(one.Transaction))
		}
		if one.StoppedAt > 0 {
			e.Step.SetTo(one.StoppedAt)
		}
		page.Enquiries[i] = e
	}
	if !next.IsZero() {
		page.Next.SetTo(oas.Cursor(next.String()))
	}
	return page, nil
}

func (h handlers) ListWaiting(ctx context.Context, params oas.ListWaitingParams) (*oas.WaitingList, error) {
	all, more, err := h.service.ListWaiting(ctx, caller(ctx), ident.Column(params.Column), why(params.Purpose, params.Reason))
	if err != nil {
		return nil, err
	}
	list := &oas.WaitingList{Waiting: make([]oas.WaitingListWaitingItem, len(all)), Complete: !more}
	for i, one := range all {
		list.Waiting[i] = oas.WaitingListWaitingItem{Act: oas.ID(one.Act.String()), What: oas.WaitingListWaitingItemWhat(one.What), At: one.At, Handle: oas.ID(one.Handle.String()), Identifier: string(one.Identifier)}
		if w := one.Twin; w != nil {
			list.Waiting[i].Twin.SetTo(oas.WaitingListWaitingItemTwin{Act: oas.ID(w.Act.String()), Handle: oas.ID(w.Handle.String()), Identifier: string(w.Identifier)})
		}
	}
	return list, nil
}
