package federation

import (
	"context"

	"github.com/fame-hub/fame/federation/entity"
	"github.com/fame-hub/fame/federation/internal/federationdb"
	"github.com/fame-hub/fame/internal/fault"
)

// What a resolve response is called.
const (
	ResolveTyp         = "resolve-response+jwt"
	ResolveContentType = "application/" + ResolveTyp
)

// resolved is a resolve response (OpenID Federation 1.1, section 8.3).
type resolved struct {
	Issuer   string          `json:"iss"`
	Subject  string          `json:"sub"`
	IssuedAt int64           `json:"iat"`
	Expires  int64           `json:"exp"`
	Metadata entity.Metadata `json:"metadata"`
	Chain    []string        `json:"trust_chain"`
}

// Resolve is what a peer in force is, or a hub that is reached through one, with this hub as the
// anchor, and the chain that shows it. Whoever else is asked about is not known: nobody
// has this hub fetch what they like.
func (s *Service) Resolve(ctx context.Context, subject, anchor string) (text string, err error) {
	defer fault.Wrap(&err, "federation.Resolve")
	unknown := fault.New(fault.NotKnown, "name a peer in force (GET %s/list) and this hub as the trust anchor", Prefix)
	if anchor != s.hub {
		return "", unknown
	}
	peer, err := s.Peer(ctx, subject)
	if fault.KindOf(err) == fault.Forbidden {
		return "", unknown
	} else if err != nil {
		return "", err
	}
	now := s.now()
	if len(peer.Path) > 0 {
		config, err := entity.ReadStatement(peer.Chain[0])
		if err != nil {
			return "", err
		}
		return s.signs(ctx, ResolveTyp, resolved{
			Issuer: s.hub, Subject: subject, IssuedAt: now.Unix(), Expires: peer.Expires.Unix(), Metadata: config.Metadata, Chain: peer.Chain,
		})
	}
	theirs, err := s.q.FindStatement(ctx, s.db, federationdb.FindStatementParams{Issuer: subject, Subject: subject, Now: now})
	if err != nil {
		return "", unknown
	}
	about, err := s.About(ctx, subject)
	if err != nil {
		return "", err
	}
	own, err := s.Configuration(ctx)
	if err != nil {
		return "", err
	}
	hub, err := s.identity(ctx)
	if err != nil {
		return "", err
	}
	chain, err := entity.Verify([]string{theirs, about, own}, entity.Anchor{Entity: s.hub, Keys: hub.stated}, now)
	if err != nil {
		return "", err
	}
	return s.signs(ctx, ResolveTyp, resolved{
		Issuer: s.hub, Subject: subject, IssuedAt: now.Unix(), Expires: chain.Expires.Unix(), Metadata: chain.Metadata, Chain: chain.Statements,
	})
}
