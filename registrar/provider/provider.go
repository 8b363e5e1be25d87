package provider

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
)

// Prefix is where the provider of a registrar is served.
func Prefix(code ident.Registrar) string { return "/registrar/openid/" + string(code) }

// Config is what the provider stands on. All of it is required.
type Config struct {
	Accounts  *registrar.Accounts
	Registrar ident.Registrar
	Hub       string // the hub's address, as browsers see it
	Terms     func(context.Context) (*decide.Terms, error)
	Keys      seal.Provider // holds the signing keys
	Now       func() time.Time
	Logger    *slog.Logger
	// From is whose address a request counts for. The zero prefix: nobody's.
	From func(*http.Request) netip.Prefix
}

// Provider serves one registrar's relying parties and the people who sign in at them.
type Provider struct {
	Config
	issuer string
	origin string
	prefix string
	pages  *pages

	mu      sync.Mutex
	version int64 // of the terms that op was made of
	op      http.Handler
}

// New returns a provider, or an error that says what its configuration lacks.
func New(c Config) (*Provider, error) {
	if c.Accounts == nil || c.Terms == nil || c.Keys == nil || c.Now == nil || c.Logger == nil || c.From == nil || c.Registrar == "" {
		return nil, errors.New("provider: set Accounts, Registrar, Terms, Keys, Now, Logger and From")
	}
	at, err := url.Parse(c.Hub)
	if err != nil || at.Host == "" {
		return nil, errors.New("provider: set Hub: the address that browsers reach the hub at")
	}
	p := &Provider{Config: c, prefix: Prefix(c.Registrar), origin: at.Scheme + "://" + at.Host, version: -1}
	p.issuer = strings.TrimSuffix(c.Hub, "/") + p.prefix
	p.pages, err = readPages()
	return p, err
}

// Issuer is the provider's identifier.
func (p *Provider) Issuer() string { return p.issuer }

// Operation names what a request asks for, for the edge's limits and log, and the
// method that it may use: that of the request, if it is one that is served.
func (p *Provider) Operation(r *http.Request) (name, method string) {
	rest, ok := strings.CutPrefix(r.URL.Path, p.prefix)
	if !ok {
		return "", ""
	}
	first, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/")
	name, ok = operations[first]
	if !ok {
		return "", ""
	}
	get := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch name {
	case "openidToken":
		return name, http.MethodPost
	case "openidDiscovery", "openidKeys", "signInAsset":
		if !get {
			return name, http.MethodGet
		}
	default:
		if !get && r.Method != http.MethodPost {
			return name, http.MethodGet
		}
	}
	return name, r.Method
}

// operations are what is served, by the first segment of the path.
var operations = map[string]string{
	".well-known": "openidDiscovery", "jwks": "openidKeys", "authorize": "openidAuthorize", "token": "openidToken",
	"userinfo": "openidUserinfo", "logout": "openidLogout", "account": "signInPages", "static": "signInAsset",
}

// ServeHTTP serves what is below Prefix. What a page of another site sends is not
// taken, save a request to sign in.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.guard(http.HandlerFunc(p.route)).ServeHTTP(w, r)
}

// guard refuses what a browser says another site sent (Fetch Metadata, or Origin where
// there is none). The cookies' SameSite is the second line.
func (p *Provider) guard(next http.Handler) http.Handler {
	c := http.NewCrossOriginProtection()
	_ = c.AddTrustedOrigin(p.origin) // behind a proxy, Host may be another
	c.AddInsecureBypassPattern("POST " + p.prefix + "/authorize")
	c.AddInsecureBypassPattern("POST " + p.prefix + "/logout")
	c.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.fail(w, r, http.StatusForbidden, "This did not come from our own page", "Go back to the site that sent you here and begin again.")
	}))
	return c.Handler(next)
}

func (p *Provider) route(w http.ResponseWriter, r *http.Request) {
	r2 := r.Clone(r.Context())
	r2.URL.Path = strings.TrimPrefix(r.URL.Path, p.prefix)
	switch first, _, _ := strings.Cut(strings.TrimPrefix(r2.URL.Path, "/"), "/"); first {
	case "static":
		p.static(w, r2)
	case "account":
		p.account(w, r2)
	default:
		op, err := p.current(r.Context())
		if err != nil {
			p.failWith(w, r, err)
			return
		}
		op.ServeHTTP(w, r2)
	}
}

// current is the provider of the partnership's terms as they are now: an agency that
// is taken out is no relying party from the next request on.
func (p *Provider) current(ctx context.Context) (http.Handler, error) {
	terms, err := p.Terms(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.op == nil || p.version != terms.Version {
		op, err := p.newOP(terms)
		if err != nil {
			return nil, err
		}
		p.op, p.version = op, terms.Version
	}
	return p.op, nil
}

// party is the relying party of that client_id, nil if there is none now.
func (p *Provider) party(terms *decide.Terms, client string) *decide.RelyingParty {
	r := terms.FindRegistrar(string(p.Registrar))
	if r == nil {
		return nil
	}
	for i := range r.RelyingParties {
		if one := &r.RelyingParties[i]; one.Client == client && terms.FindAgency(one.Agency, p.Now()) != nil {
			return one
		}
	}
	return nil
}
