package relmgr

import (
	"context"
	"database/sql"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
)

// Proofs are what other duties accept as proof of a handle, one per duty.
type Proofs struct {
	Handle  ident.HandleID
	Consent string // compact JWS for the consent duty
	Idmgr   string // compact JWS for identity managers
	Expires time.Time
}

// FindHandle returns relmgr's id for an identifier of the caller's own column,
// making it if there was none, with proofs of it. The answer and the work are
// the same whether or not anything is published.
func (s *Service) FindHandle(ctx context.Context, who decide.Caller, o Own) (p Proofs, err error) {
	defer fault.Wrap(&err, "relmgr.FindHandle")
	at := s.stamp()
	var h held
	err = pg.InTx(ctx, s.db, func(tx *sql.Tx) error {
		if h, err = s.own(ctx, tx, who, o, at); err != nil {
			return err
		}
		return s.keep(ctx, tx, &h)
	})
	if err != nil {
		return Proofs{}, err
	}
	p = Proofs{Handle: h.handle, Expires: at.Add(time.Duration(who.Terms.Settings.HandleProofMins) * time.Minute).Truncate(time.Second)}
	for audience, out := range map[string]*string{"consent": &p.Consent, "idmgr": &p.Idmgr} {
		*out, err = s.proofs.SignHandleProof(ctx, attest.HandleProof{
			Audience: audience, Subject: who.Practitioner, Handle: h.handle, Column: h.column.ID, Agency: h.column.Agency,
			IssuedAt: at, Expires: p.Expires,
		})
		if err != nil {
			return Proofs{}, err
		}
	}
	return p, nil
}
