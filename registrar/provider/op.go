package provider

import (
	"context"
	"crypto"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/signin"
)

// Lives, in seconds. A code is redeemed at once or not at all; an access token is for
// one call of userinfo.
const (
	requestLife = 30 * 60
	codeLife    = 60
	tokenLife   = 5 * 60
	idTokenLife = 5 * 60
	assertLife  = 5 * 60
	mostEpochs  = 8
)

// scopeRecognition asks userinfo for the statement that the hub's duties accept.
var scopeRecognition = goidc.NewScope("recognition")

// newOP makes the protocol's machine of the terms. It is cheap.
func (p *Provider) newOP(terms *decide.Terms) (http.Handler, error) {
	policy := goidc.NewPolicy("sign-in", p.begin, p.authenticate)
	leave := goidc.NewLogoutPolicy("sign-out", func(*http.Request, *goidc.LogoutSession) bool { return true }, p.leave)
	store := &store{p}
	op, err := provider.New(p.issuer, store, p.keySet,
		provider.WithAuthCodeGrant(store),
		provider.WithSignerFunc(p.signer),
		provider.WithScopes(goidc.ScopeOpenID, scopeRecognition),
		provider.WithOpenIDScopeRequired(),
		provider.WithIDTokenSignatureAlgs(goidc.ES256),
		provider.WithIDTokenLifetime(idTokenLife),
		provider.WithPKCERequired(goidc.CodeChallengeMethodSHA256),
		provider.WithTokenAuthnMethods(goidc.AuthnMethodPrivateKeyJWT),
		provider.WithPrivateKeyJWTSignatureAlgs(goidc.ES256),
		provider.WithJWTLifetime(assertLife),
		provider.WithConsumeJTIFunc(func(ctx context.Context, jti string) error {
			return p.Accounts.UseAssertion(ctx, jti, p.Now().Add(2*assertLife*time.Second))
		}),
		provider.WithIssuerResponseParameter(),
		provider.WithSubIdentifierTypes(goidc.SubIdentifierPairwise),
		// The subject of a session is what the agency calls them already.
		provider.WithPairwiseSubjectFunc(func(_ context.Context, sub string, _ *goidc.Client) string { return sub }),
		provider.WithACRs(goidc.ACR(signin.OneFactor.String()), goidc.ACR(signin.TwoFactors.String()), goidc.ACR(signin.PhishingResistant.String())),
		provider.WithTokenOptions(func(context.Context, *goidc.Grant, *goidc.Client) goidc.TokenOptions {
			return goidc.NewOpaqueTokenOptions(tokenLife)
		}),
		provider.WithIDTokenClaims(func(_ context.Context, g *goidc.Grant) map[string]any { return claimsOf(g) }),
		provider.WithUserInfoClaims(p.userinfo),
		provider.WithAuthTimeout(requestLife),
		provider.WithAuthCodeLifetime(codeLife),
		provider.WithPolicies(policy),
		provider.WithLogout(store, func(w http.ResponseWriter, r *http.Request, _ *goidc.LogoutSession) error {
			p.say(w, r, http.StatusOK, "You are signed out", "You can close this page.")
			return nil
		}),
		provider.WithLogoutPolicies(leave),
		provider.WithRenderErrorFunc(func(w http.ResponseWriter, r *http.Request, err error) error {
			p.failWith(w, r, err)
			return nil
		}),
		provider.WithHandleErrorFunc(func(ctx context.Context, err error) {
			p.Logger.LogAttrs(ctx, slog.LevelInfo, "sign-in refused", slog.String("cause", safely(err)))
		}),
		provider.WithHTTPClientFunc(func(context.Context) *http.Client { return &http.Client{Transport: nowhere{}} }),
		provider.WithStaticClients(&goidc.Client{ID: "-"}, p.clients(terms)...),
	)
	if err != nil {
		return nil, err
	}
	return withoutOldHints(op.Handler()), nil
}

// clients are the relying parties that there are now.
func (p *Provider) clients(terms *decide.Terms) (all []*goidc.Client) {
	r := terms.FindRegistrar(string(p.Registrar))
	if r == nil {
		return nil
	}
	for i := range r.RelyingParties {
		one := &r.RelyingParties[i]
		if terms.FindAgency(one.Agency, p.Now()) == nil {
			continue
		}
		var keys goidc.JSONWebKeySet
		for _, k := range one.Keys {
			if jwk, err := webKey(k); err == nil {
				keys.Keys = append(keys.Keys, jwk)
			}
		}
		scopes := "openid"
		if one.Portal {
			scopes += " " + scopeRecognition.ID
		}
		all = append(all, &goidc.Client{ID: one.Client, ClientMeta: goidc.ClientMeta{
			Name: one.Title, ApplicationType: goidc.ApplicationTypeWeb,
			RedirectURIs: one.RedirectURIs, PostLogoutRedirectURIs: one.SignedOutURIs,
			GrantTypes: []goidc.GrantType{goidc.GrantAuthorizationCode}, ResponseTypes: []goidc.ResponseType{goidc.ResponseTypeCode},
			ScopeIDs: scopes, SubIdentifierType: goidc.SubIdentifierPairwise, JWKS: &keys,
			TokenAuthnMethod: goidc.AuthnMethodPrivateKeyJWT, TokenAuthnSigAlg: goidc.ES256, IDTokenSigAlg: goidc.ES256,
		}})
	}
	return all
}

func webKey(k decide.PublicKey) (jose.JSONWebKey, error) {
	var jwk jose.JSONWebKey
	err := jwk.UnmarshalJSON([]byte(`{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":` + strconv.Quote(k.Kid) + `,"x":` + strconv.Quote(k.X) + `,"y":` + strconv.Quote(k.Y) + `}`))
	return jwk, err
}

// keySet is the public half of every signing key that there is: an old one is
// published until it is destroyed.
func (p *Provider) keySet(ctx context.Context) (set goidc.JSONWebKeySet, err error) {
	for epoch := 1; epoch <= mostEpochs; epoch++ {
		public, err := p.Keys.Public(ctx, registrar.ProviderKey(p.Registrar, epoch))
		if errors.Is(err, seal.ErrDestroyed) {
			continue
		}
		if errors.Is(err, seal.ErrNoKey) {
			break
		}
		if err != nil {
			return set, err
		}
		jwk := jose.JSONWebKey{Key: public, Algorithm: string(goidc.ES256), Use: "sig"}
		thumb, err := jwk.Thumbprint(crypto.SHA256)
		if err != nil {
			return set, err
		}
		jwk.KeyID = base64.RawURLEncoding.EncodeToString(thumb)
		set.Keys = append(set.Keys, jwk)
	}
	if len(set.Keys) == 0 {
		return set, errors.New("provider: no signing key: make " + string(registrar.ProviderKey(p.Registrar, 1)))
	}
	return set, nil
}

// signer signs with the newest key. The key stays where it is.
func (p *Provider) signer(ctx context.Context, _ goidc.SignatureAlgorithm) (string, crypto.Signer, error) {
	set, err := p.keySet(ctx)
	if err != nil {
		return "", nil, err
	}
	for epoch := mostEpochs; epoch >= 1; epoch-- {
		s, err := p.Keys.Signer(ctx, registrar.ProviderKey(p.Registrar, epoch))
		if errors.Is(err, seal.ErrNoKey) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		return set.Keys[len(set.Keys)-1].KeyID, joseSigner{s}, nil
	}
	return "", nil, seal.ErrNoKey
}

// joseSigner signs as JOSE wants it: go-oidc passes on what a signer returns, and ours
// return ASN.1 (RFC 7518 section 3.4).
type joseSigner struct{ crypto.Signer }

func (s joseSigner) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	der, err := s.Signer.Sign(rand, digest, opts)
	if err != nil {
		return nil, err
	}
	var sig struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &sig); err != nil || len(rest) > 0 {
		return nil, errors.New("provider: the signature is not one of ECDSA")
	}
	return append(sig.R.FillBytes(make([]byte, 32)), sig.S.FillBytes(make([]byte, 32))...), nil
}

// nowhere is where the provider sends requests of its own: it makes none.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("provider: the provider asks nobody")
}

// The members of a grant's and a request's store.
const (
	inAccount        = "account"
	inAuthenticators = "authenticators"
	inTime           = "auth_time"
	inACR            = "acr"
	inAMR            = "amr"
	inTicket         = "ticket"
	inBrowser        = "browser"
	inBegan          = "began"
)

// claimsOf are those of an ID token beyond the protocol's.
func claimsOf(g *goidc.Grant) map[string]any {
	return map[string]any{
		goidc.ClaimAuthTime: g.Store[inTime], goidc.ClaimACR: g.Store[inACR], goidc.ClaimAMR: g.Store[inAMR],
	}
}

// userinfo is what a token opens: who, and where it was asked for, the statement to the
// hub's duties of who has signed in, made now.
func (p *Provider) userinfo(ctx context.Context, g *goidc.Grant) map[string]any {
	claims := map[string]any{}
	if !strings.Contains(" "+g.Scopes+" ", " "+scopeRecognition.ID+" ") {
		return claims
	}
	ticket, _ := g.Store[inTicket].(string)
	session, err := p.Accounts.FindSession(ctx, registrar.Ticket(ticket))
	if err != nil {
		return claims
	}
	said, err := p.Accounts.StateSubject(ctx, session)
	if err != nil {
		p.Logger.WarnContext(ctx, "no statement of who signed in", "cause", safely(err))
		return claims
	}
	if said.Own != "" {
		claims[scopeRecognition.ID] = said.Own
	}
	if said.NeedsRepresentative {
		claims["needs_representative"] = true
	}
	if len(said.Elsewhere) > 0 {
		claims["elsewhere"] = said.Elsewhere
	}
	if len(said.For) > 0 {
		claims["represents"] = said.For
	}
	return claims
}

// safely is what may be logged of an error of the protocol: never what was sent.
func safely(err error) string {
	var known goidc.Error
	if errors.As(err, &known) {
		return string(known.Code)
	}
	if kind := fault.KindOf(err); kind != fault.Internal {
		return string(kind)
	}
	return err.Error()
}

// withoutOldHints has a sign-out go on though its ID token has expired, as OpenID
// Connect RP-Initiated Logout 1.0 section 2 asks: go-oidc refuses it. The hint says
// whose site asks, no more: people are asked before they are signed out.
func withoutOldHints(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/logout" {
			_ = r.ParseForm()
			if hint := r.Form.Get("id_token_hint"); hint != "" {
				client := r.Form.Get("client_id")
				if client == "" {
					client = audienceOf(hint)
				}
				for _, form := range []url.Values{r.Form, r.PostForm} {
					if form != nil {
						form.Del("id_token_hint")
					}
				}
				q := r.URL.Query()
				q.Del("id_token_hint")
				if r.Method == http.MethodPost {
					r.PostForm.Set("client_id", client)
					r.Form.Set("client_id", client)
				} else {
					q.Set("client_id", client)
				}
				r.URL.RawQuery = q.Encode()
			}
		}
		next.ServeHTTP(w, r)
	})
}

// audienceOf reads for which client an ID token says it was made.
func audienceOf(token string) string {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return ""
	}
	var claims struct {
		Audience string `json:"aud"`
	}
	if jsonUnmarshal(jws.UnsafePayloadWithoutVerification(), &claims) != nil {
		return ""
	}
	return claims.Audience
}
