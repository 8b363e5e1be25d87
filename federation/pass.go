package federation

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/fault"
)

// Pass is this hub's word for a practitioner to another hub's registrar: the agreement under which
// they ask is in force and names that hub, and the officers of both have agreed on the purpose and
// the role. What they know of a stranger they tell that registrar alone. Errors: Invalid,
// Forbidden, Unavailable.
func (s *Service) Pass(ctx context.Context, who decide.Caller, hub, purpose string) (token string, expires time.Time, err error) {
	defer fault.Wrap(&err, "federation.Pass")
	at := s.now()
	if !decide.Has(who.Terms.Codes.Purposes, purpose) {
		return "", at, fault.At("/purpose", "name one of the partnership's purposes")
	}
	var roles []string // that may enquire so at that hub, as this side has it
	for i := range who.Terms.Agreements {
		a := who.Terms.FindAgreement(who.Terms.Agreements[i].Code, at)
		if a != nil && slices.Contains(a.Parties, who.Agency) && slices.Contains(a.Purposes, purpose) && slices.Contains(a.Peers, hub) {
			roles = append(roles, a.Roles.Enquire...)
		}
	}
	if _, ok := who.RoleAmong(roles); !ok {
		return "", at, fault.New(fault.Forbidden, "other hubs' registers are for those who may enquire for this purpose under an agreement in force, to which your agency is a party and which names that hub")
	}
	peer, err := s.Peer(ctx, hub)
	if err != nil {
		return "", at, err
	}
	codes := who.Terms.Codes
	role, ok := who.RoleAmong(slices.DeleteFunc(roles, func(r string) bool { return !slices.Contains(peer.Agreement.Roles, decide.SharedOf(codes.Roles, r)) }))
	if !ok || !slices.Contains(peer.Agreement.Purposes, decide.SharedOf(codes.Purposes, purpose)) {
		return "", at, fault.New(fault.Forbidden, "what the two hubs have agreed does not cover your role and that purpose: ask a governance officer of the partnership")
	}
	signer, err := s.signer(ctx)
	if err != nil {
		return "", at, err
	}
	expires = at.Add(attest.PassLife).Truncate(time.Second)
	token, err = signer.Sign(ctx, attest.TypPass, attest.Pass{
		Claims:       attest.Claims{Audience: attest.PassAudience(hub), IssuedAt: at.Unix(), NotBefore: at.Unix(), Expires: expires.Unix(), ID: rand.Text()},
		Practitioner: who.Practitioner, Agency: who.Agency, Role: decide.SharedOf(codes.Roles, role), Purpose: decide.SharedOf(codes.Purposes, purpose),
	})
	return token, expires, err
}
