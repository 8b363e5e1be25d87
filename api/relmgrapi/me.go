package relmgrapi

import (
	"context"

	"github.com/fame-hub/fame/api"
	oas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/relmgr"
)

func (h handlers) FindMyHandles(ctx context.Context, params oas.FindMyHandlesParams) (*oas.MyHandles, error) {
	m := relmgr.Mine{Statement: api.StatementOf(ctx), Sensitive: params.Sensitive.Or(false)}
	if c, ok := params.Cursor.Get(); ok {
		var err error
		if m.After, err = ident.ParseHandle(string(c)); err != nil {
			return nil, malformed("/cursor")
		}
	}
	terms, err := h.terms(ctx)
	if err != nil {
		return nil, err
	}
	p, err := h.service.FindMine(ctx, terms, m)
	if err != nil {
		return nil, err
	}
	out := &oas.MyHandles{Proofs: oas.MyHandlesProofs{Relmgr: p.Relmgr, Consent: p.Consent, Idmgr: p.Idmgr}, Expires: p.Expires}
	if !p.Next.IsZero() {
		out.Next = oas.NewOptCursor(oas.Cursor(p.Next.String()))
	}
	return out, nil
}
