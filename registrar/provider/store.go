package provider

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

func jsonUnmarshal(text []byte, into any) error { return json.Unmarshal(text, into) }

// store keeps what go-oidc has to remember, in the database. Where go-oidc reads,
// checks and saves, what it saves is compared with what is there: of two at once one
// wins.
type store struct{ p *Provider }

var (
	_ goidc.GrantManager  = (*store)(nil)
	_ goidc.AuthManager   = (*store)(nil)
	_ goidc.LogoutManager = (*store)(nil)
)

// stored marks a request that has been in the database.
const stored = "stored"

// SaveSession implements goidc.AuthManager. A request that waits is kept; one that has
// its answer is taken out, by whoever comes first.
func (s *store) SaveSession(ctx context.Context, as *goidc.AuthnSession) error {
	if as.Status == goidc.StatusPending {
		as.Store[stored] = true
		// A hint at who is to sign in may be personal, and nothing uses it.
		as.LoginHint, as.IDTokenHint = "", ""
		body, err := json.Marshal(as)
		if err != nil {
			return err
		}
		return s.p.Accounts.KeepSignIn(ctx, as.ID, body, time.Unix(int64(as.ExpiresAt), 0))
	}
	first, err := s.p.Accounts.EndSignIn(ctx, as.ID)
	if err == nil && !first && as.Store[stored] == true {
		err = errors.New("provider: this request has its answer")
	}
	return err
}

// Session implements goidc.AuthManager.
func (s *store) Session(ctx context.Context, id string) (*goidc.AuthnSession, error) {
	body, err := s.p.Accounts.FindSignIn(ctx, id)
	if err != nil {
		return nil, missing(err)
	}
	as := new(goidc.AuthnSession)
	return as, json.Unmarshal(body, as)
}

// SaveGrant implements goidc.GrantManager: a new grant, or what became of one.
func (s *store) SaveGrant(ctx context.Context, g *goidc.Grant) error {
	switch {
	case g.RevokedAt != 0:
		account, _ := accountOf(g)
		return s.p.Accounts.RevokeGrant(ctx, g.ID, g.AuthCodeConsumedAt != 0, account)
	case g.AuthCodeConsumedAt != 0:
		err := s.p.Accounts.Redeem(ctx, g.ID)
		if fault.KindOf(err) == fault.Conflict {
			return goidc.WrapError(goidc.ErrorCodeInvalidGrant, "invalid grant", err)
		}
		return err
	}
	account, err := accountOf(g)
	if err != nil {
		return err
	}
	grant := registrar.Grant{ID: g.ID, Code: g.AuthCode, Account: account, Until: s.p.Now().Add((codeLife + tokenLife) * time.Second)}
	for _, a := range textsOf(g.Store[inAuthenticators]) {
		id, err := ident.ParseAuthenticator(a)
		if err != nil {
			return err
		}
		grant.Authenticators = append(grant.Authenticators, id)
	}
	kept := *g
	kept.AuthCode = "" // its hash is how the grant is found
	kept.AuthParams.LoginHint, kept.AuthParams.IDTokenHint = "", ""
	if grant.Body, err = json.Marshal(&kept); err != nil {
		return err
	}
	return s.p.Accounts.MakeGrant(ctx, grant)
}

// Grant implements goidc.GrantManager.
func (s *store) Grant(ctx context.Context, id string) (*goidc.Grant, error) {
	return s.grant(ctx, id, "")
}

// GrantByAuthCode implements goidc.AuthManager.
func (s *store) GrantByAuthCode(ctx context.Context, code string) (*goidc.Grant, error) {
	return s.grant(ctx, "", code)
}

func (s *store) grant(ctx context.Context, id, code string) (*goidc.Grant, error) {
	found, err := s.p.Accounts.FindGrant(ctx, id, code)
	if err != nil {
		return nil, missing(err)
	}
	g := new(goidc.Grant)
	if err := json.Unmarshal(found.Body, g); err != nil {
		return nil, err
	}
	g.AuthCode = code
	if found.Redeemed {
		g.AuthCodeConsumedAt = g.CreatedAt
	}
	if found.Revoked {
		g.RevokedAt = g.CreatedAt
	}
	return g, nil
}

// SaveToken implements goidc.GrantManager.
func (s *store) SaveToken(ctx context.Context, t *goidc.Token) error {
	kept := *t
	kept.ID = ""
	body, err := json.Marshal(&kept)
	if err != nil {
		return err
	}
	return s.p.Accounts.KeepToken(ctx, t.ID, t.GrantID, body, time.Unix(int64(t.ExpiresAt), 0))
}

// Token implements goidc.GrantManager.
func (s *store) Token(ctx context.Context, id string) (*goidc.Token, error) {
	body, err := s.p.Accounts.FindToken(ctx, id)
	if err != nil {
		return nil, missing(err)
	}
	t := new(goidc.Token)
	err = json.Unmarshal(body, t)
	t.ID = id
	return t, err
}

// SaveLogoutSession implements goidc.LogoutManager.
func (s *store) SaveLogoutSession(ctx context.Context, ls *goidc.LogoutSession) error {
	if ls.Status != goidc.StatusPending {
		_, err := s.p.Accounts.EndSignIn(ctx, "leave\x00"+ls.ID)
		return err
	}
	body, err := json.Marshal(ls)
	if err != nil {
		return err
	}
	return s.p.Accounts.KeepSignIn(ctx, "leave\x00"+ls.ID, body, time.Unix(int64(ls.ExpiresAt), 0))
}

// LogoutSession implements goidc.LogoutManager.
func (s *store) LogoutSession(ctx context.Context, id string) (*goidc.LogoutSession, error) {
	body, err := s.p.Accounts.FindSignIn(ctx, "leave\x00"+id)
	if err != nil {
		return nil, missing(err)
	}
	ls := new(goidc.LogoutSession)
	return ls, json.Unmarshal(body, ls)
}

// missing is what go-oidc calls what is not there.
func missing(err error) error {
	if fault.KindOf(err) == fault.NotKnown {
		return goidc.ErrNotFound
	}
	return err
}

func accountOf(g *goidc.Grant) (ident.AccountID, error) {
	text, _ := g.Store[inAccount].(string)
	return ident.ParseAccount(text)
}

// textsOf are those of a list that may have been through JSON.
func textsOf(list any) (all []string) {
	switch list := list.(type) {
	case []string:
		return list
	case []any:
		for _, one := range list {
			if text, ok := one.(string); ok {
				all = append(all, text)
			}
		}
	}
	return all
}
