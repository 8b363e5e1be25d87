package registrar

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar/internal/registrardb"
)

// A practitioner of another hub asks with a pass that their hub has signed
// (docs/decisions/0111). What federation publishes says which hubs those are, by which keys they are
// known and what was agreed with each.

// aPeer stands where an agency of the partnership would, in the record of what was asked from
// another hub.
const aPeer = "a-peer"

// peerAsking is who asked from another hub, sealed in the record.
type peerAsking struct {
	Hub          string             `json:"hub"`
	Agency       ident.Agency       `json:"agency"`
	Practitioner ident.Practitioner `json:"practitioner"`
}

// RecogniseForPeer is Recognise, asked by a practitioner of a peer that takes this registrar's
// word, under this partnership's agreements that name that hub. They are given no
// reference of the person. Errors are Recognise's, and Unauthenticated for what is no pass
// of such a peer's for this hub and now.
func (s *Service) RecogniseForPeer(ctx context.Context, terms *decide.Terms, token string, id ident.Register, asking Asking, given []Item) (r Recognition, err error) {
	defer fault.Wrap(&err, "registrar.RecogniseForPeer")
	began, at := s.clock(), s.now()
	defer func() { s.meter.observe(id, s.clock().Sub(began), err) }()
	pass, hub, agreed, err := s.passed(ctx, terms, token)
	if err != nil {
		return Recognition{}, err
	}
	role, rolesKnown := decide.LocalOf(terms.Codes.Roles, pass.Role)
	purpose, purposeKnown := decide.LocalOf(terms.Codes.Purposes, pass.Purpose)
	if !rolesKnown || !purposeKnown || asking.Purpose != purpose {
		return Recognition{}, fault.At("/purpose", "ask for the purpose that the pass was given for, by its name here")
	}
	if !decide.Has(terms.Codes.Reasons, asking.Reason) {
		return Recognition{}, fault.At("/reason", "name one of the partnership's reasons")
	}
	by := terms.AskedBy(decide.FromPeer{Hub: hub, Role: role, Purpose: purpose, Reason: asking.Reason, Agreed: agreed}, at)
	if by.StoppedAt() > 0 {
		return Recognition{}, fault.New(fault.Forbidden, "this partnership does not let your hub ask so: %s", by.Because())
	}
	form, err := evidence(given)
	if err != nil {
		return Recognition{}, err
	}
	// Each of them has a limit of their own, as the partnership's have, by a name that is nobody's here.
	sum := sha256.Sum256([]byte(hub + "\n" + string(pass.Practitioner)))
	caller := decide.Caller{Actor: decide.Actor{Practitioner: ident.Practitioner("p-" + hex.EncodeToString(sum[:12])), Agency: aPeer, Roles: []string{role}}, Terms: terms}
	asking.From = &peerAsking{Hub: hub, Agency: pass.Agency, Practitioner: pass.Practitioner}
	r, subject, err := s.compare(ctx, caller, role, id, asking, form, given, at)
	if err != nil || subject.IsZero() {
		return r, err
	}
	to, err := s.hubs(ctx, terms)
	if err != nil {
		return Recognition{}, err
	}
	r.Statement, r.Elsewhere, err = s.stateRecognition(ctx, asker{hub, pass.Practitioner, pass.Agency}, to, r, subject, at)
	return r, err
}

// passed verifies a pass, and says of which hub it is and what was agreed with that one, in this
// partnership's codes.
func (s *Service) passed(ctx context.Context, terms *decide.Terms, token string) (p attest.Pass, hub string, agreed decide.Agreed, err error) {
	refused := func(because error) (attest.Pass, string, decide.Agreed, error) {
		return p, "", agreed, fault.New(fault.Unauthenticated, "this takes a pass of a peer that takes this registrar's word: your own hub's federation duty gives one").Because(because)
	}
	if hub, _, err = attest.Claimed(token); err != nil {
		return refused(err)
	}
	row, err := s.queries.FindAdmitting(ctx, s.db, registrardb.FindAdmittingParams{Registrar: string(s.registrar), Hub: hub})
	if errors.Is(err, sql.ErrNoRows) {
		return refused(err)
	} else if err != nil {
		return p, "", agreed, pg.Fault(err)
	}
	keys, err := attest.ParseKeySet([]byte(row.Keys))
	if err == nil {
		p, err = attest.NewVerifier(hub, keys.Fixed, s.clock).VerifyPass(ctx, token, attest.PassAudience(terms.Partnership.Hub))
	}
	if err != nil {
		return refused(err)
	}
	var said struct{ Purposes, Roles []string }
	if err := json.Unmarshal([]byte(row.Document), &said); err != nil {
		return p, "", agreed, err
	}
	return p, hub, decide.Agreed{Purposes: ours(terms.Codes.Purposes, said.Purposes), Roles: ours(terms.Codes.Roles, said.Roles)}, nil
}

// ours are the partnership's own codes of what the officers of two hubs have agreed.
func ours(list []decide.Code, shared []string) (local []string) {
	for _, code := range shared {
		if here, ok := decide.LocalOf(list, code); ok {
			local = append(local, here)
		}
	}
	return local
}
