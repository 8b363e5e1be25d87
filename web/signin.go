package web

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/internal/attest"
)

// registrarName is the registrar's in addresses.
const registrarName = "registrar"

// party is an issuer at which one signs in. What it says of itself is read when
// somebody first does, so that the portal starts while an issuer is away.
type party struct {
	Agency
	signer *attest.Signer

	mu       sync.Mutex
	provider *oidc.Provider
}

func (a *party) discovered(ctx context.Context) (*oidc.Provider, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.provider == nil {
		found, err := oidc.NewProvider(ctx, a.Issuer)
		if err != nil {
			return nil, err
		}
		a.provider = found
	}
	return a.provider, nil
}

// flow is a sign-in that has begun: the browser keeps it, sealed.
type flow struct {
	Party     string    `json:"p"`
	State     string    `json:"s"`
	Nonce     string    `json:"n"`
	Verifier  string    `json:"v"`
	To        string    `json:"t"` // the page to go on to
	Sensitive bool      `json:"x,omitempty"`
	Until     time.Time `json:"u"`
}

const flowLife = 30 * time.Minute

// chooseSignIn lists where one signs in.
func (p *Portal) chooseSignIn(w http.ResponseWriter, r *http.Request) {
	v := p.visit(w, r)
	pg := &page{Title: "Sign in to " + p.Hub, SignIn: true}
	if r.URL.Query().Get("ended") != "" {
		pg.Notice = "You were signed out because nothing happened for a while. What you had typed is kept: sign in again and it is there, not yet sent."
	}
	to := ""
	if next := ownPath(r.URL.Query().Get("to")); next != "" {
		to = "?to=" + url.QueryEscape(next)
	}
	for _, a := range p.Agencies {
		pg.Buttons = append(pg.Buttons, link{Text: a.Title, Href: Prefix + "/sign-in/" + a.Name + to})
	}
	if p.Registrar != nil {
		pg.Own = &link{Text: "Sign in with " + p.Registrar.Title, Href: Prefix + "/sign-in/" + registrarName + to}
	}
	if p.Guide != nil {
		pg.Links = append(pg.Links, link{Text: "Who can sign in here, and a story to follow", Href: Prefix + "/guide"})
	}
	v.finish(v.show(pg))
}

// ownPath is a path of the portal's own that was given in an address, "" for any other.
func ownPath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, Prefix+"/") || path.Clean(u.Path) != strings.TrimSuffix(u.Path, "/") || strings.ContainsAny(to, "\\\r\n") {
		return ""
	}
	return u.RequestURI()
}

// beginSignIn sends the browser to the issuer (OpenID Connect Core 1.0 section 3.1.2.1,
// with PKCE as RFC 7636 has it).
func (p *Portal) beginSignIn(w http.ResponseWriter, r *http.Request) {
	at := p.parties[r.PathValue("party")]
	if at == nil {
		p.say(w, r, http.StatusNotFound, "Page not found", "Nobody signs in there. Begin again at the start page.")
		return
	}
	ctx, cancel := contextOf(r)
	defer cancel()
	provider, err := at.discovered(oidc.ClientContext(ctx, p.client))
	if err != nil {
		p.Logger.WarnContext(ctx, "an issuer cannot be reached", "issuer", at.Issuer, "cause", err.Error())
		p.say(w, r, http.StatusServiceUnavailable, "Sign-in is not available", "The place where you sign in does not answer. Try again in a few minutes.")
		return
	}
	f := flow{
		Party: at.Name, State: rand.Text(), Nonce: rand.Text(), Verifier: rand.Text() + rand.Text(), To: ownPath(r.URL.Query().Get("to")),
		Until: p.Now().Add(flowLife), Sensitive: at.signer != nil && r.URL.Query().Get("sensitive") == "yes",
	}
	sealed, err := p.flows.seal(f)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	http.SetCookie(w, p.cookie(flowCookie, sealed, flowLife))
	sum := sha256.Sum256([]byte(f.Verifier))
	q := url.Values{
		"response_type": {"code"}, "client_id": {at.Client}, "redirect_uri": {p.back(at.Name)}, "scope": {strings.Join(append([]string{"openid"}, at.Scopes...), " ")},
		"state": {f.State}, "nonce": {f.Nonce}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if f.Sensitive {
		q.Set("acr_values", "two-factors")
	}
	where := provider.Endpoint().AuthURL
	join := map[bool]string{true: "&", false: "?"}[strings.Contains(where, "?")]
	http.Redirect(w, r, where+join+q.Encode(), http.StatusSeeOther)
}

func (p *Portal) back(party string) string { return p.origin + Prefix + "/sign-in/" + party + "/back" }

// RedirectURI is where the registrar sends people back to, for the partnership document.
func RedirectURI(public string) string {
	return public + Prefix + "/sign-in/" + registrarName + "/back"
}

// finishSignIn takes what the issuer sends back.
func (p *Portal) finishSignIn(w http.ResponseWriter, r *http.Request) {
	var f flow
	q := r.URL.Query()
	err := p.flows.open(p.read(r, flowCookie), &f)
	http.SetCookie(w, p.cookie(flowCookie, "", -time.Second))
	at := p.parties[r.PathValue("party")]
	if err != nil || at == nil || f.Party != at.Name || f.State != q.Get("state") || p.Now().After(f.Until) {
		p.say(w, r, http.StatusBadRequest, "This sign-in cannot go on", "It was begun too long ago, or in another browser. Sign in again.")
		return
	}
	if q.Get("error") != "" {
		p.say(w, r, http.StatusForbidden, "You are not signed in", "The place where you sign in did not let you in, or you changed your mind. You can sign in again.")
		return
	}
	ctx, cancel := contextOf(r)
	defer cancel()
	who, err := p.redeem(oidc.ClientContext(ctx, p.client), at, f, q.Get("code"))
	if err != nil {
		p.notSignedIn(w, r, err)
		return
	}
	old, _ := p.sessions.find(p.read(r, sessionCookie))
	s := p.sessions.begin(who)
	if old != nil {
		// What the same person had typed and was told stays theirs; what somebody else had is gone.
		if old.who.party == who.party && old.who.subject == who.subject {
			old.mu.Lock()
			s.kept = old.kept
			old.mu.Unlock()
			if old.wasActing() {
				f.To = Prefix + forPath // for whom is asked again: nobody goes on for another, or for themself, unawares
			}
		}
		p.sessions.end(old.id)
	}
	http.SetCookie(w, p.cookie(sessionCookie, s.id, longest))
	if f.To == "" {
		f.To = Prefix + "/"
	}
	http.Redirect(w, r, f.To, http.StatusSeeOther)
}

// notSignedIn says why in words, and logs what is nobody's secret.
func (p *Portal) notSignedIn(w http.ResponseWriter, r *http.Request, err error) {
	if told, ok := errors.AsType[*bearer.Problem](err); ok {
		if told.Status == http.StatusForbidden && told.Type != ours {
			p.say(w, r, http.StatusForbidden, "You are not in the register of users", "You have signed in, but nobody has registered you with this hub, or your time in it is over. Ask your agency's administrator.")
			return
		}
		p.say(w, r, told.Status, told.Title, told.Detail)
		return
	}
	p.Logger.WarnContext(r.Context(), "a sign-in failed", "cause", err.Error())
	p.say(w, r, http.StatusBadGateway, "You are not signed in", "The place where you sign in gave an answer that cannot be used. Try again; if it goes on, tell your administrator.")
}

// redeem turns a code into who has signed in.
func (p *Portal) redeem(ctx context.Context, at *party, f flow, code string) (*user, error) {
	provider, err := at.discovered(ctx)
	if err != nil {
		return nil, err
	}
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.back(at.Name)}, "client_id": {at.Client}, "code_verifier": {f.Verifier},
	}
	if at.Secret != "" {
		form.Set("client_secret", at.Secret)
	}
	endpoint := provider.Endpoint().TokenURL
	if at.signer != nil { // RFC 7523 section 3
		now := p.Now()
		assertion, err := at.signer.Sign(ctx, "JWT", attest.Claims{
			Issuer: at.Client, Subject: at.Client, Audience: at.Issuer, IssuedAt: now.Unix(), Expires: now.Add(time.Minute).Unix(), ID: rand.Text(),
		})
		if err != nil {
			return nil, err
		}
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	}
	var tokens struct {
		ID     string `json:"id_token"`
		Access string `json:"access_token"`
	}
	if err := p.call(ctx, http.MethodPost, endpoint, "", form, &tokens); err != nil {
		return nil, err
	}
	id, err := provider.Verifier(&oidc.Config{ClientID: at.Client, Now: p.Now}).Verify(ctx, tokens.ID)
	if err != nil {
		return nil, err
	}
	if id.Nonce != f.Nonce {
		return nil, errors.New("the ID token was made for another sign-in")
	}
	if at.signer != nil {
		return p.asThemself(ctx, at, provider.UserInfoEndpoint(), tokens.Access, id, f.Sensitive)
	}
	who := &user{party: at.Name, subject: id.Subject, token: tokens.ID, until: id.Expiry}
	if at.Access {
		who.token = tokens.Access
	}
	g, err := governanceoas.NewClient(p.Duties.Governance, bearer.Governance(who.token), governanceoas.WithClient(p.client))
	if err != nil {
		return nil, err
	}
	in, err := g.SignIn(ctx)
	if err != nil {
		return nil, bearer.Told(err)
	}
	who.in, who.Name = *in, string(in.Practitioner)
	return who, nil
}

// asThemself takes the registrar's statement of who has signed in to relmgr, and keeps
// what it gives: the proofs, never the statement.
func (p *Portal) asThemself(ctx context.Context, at *party, userinfo, access string, id *oidc.IDToken, sensitive bool) (*user, error) {
	var said struct {
		Recognition string      `json:"recognition"`
		Needs       bool        `json:"needs_representative"`
		Represents  []statedFor `json:"represents"`
		Elsewhere   []statedAt  `json:"elsewhere"`
	}
	if err := p.call(ctx, http.MethodGet, userinfo, access, nil, &said); err != nil {
		return nil, err
	}
	if said.Recognition == "" {
		if said.Needs {
			return nil, cannotAlone()
		}
		return nil, &bearer.Problem{Type: ours, Status: http.StatusForbidden, Title: "This cannot be shown to you",
			Detail: "The registrar knows who you are, and says nothing to this hub. Sign in again; if it goes on, ask the registrar."}
	}
	who := &user{party: at.Name, subject: id.Subject, Name: "You", sensitive: sensitive, until: p.Now().Add(longest), elsewhere: said.Elsewhere}
	return who, p.takeProofs(ctx, said.Recognition, said.Represents, who)
}

// call asks an issuer. Nothing of what was sent is in an error.
func (p *Portal) call(ctx context.Context, method, address, token string, form url.Values, into any) error {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("the issuer names an address that cannot be used")
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := p.client.Do(r)
	if err != nil {
		return errors.New("the issuer does not answer")
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return errors.New("the issuer's answer broke off")
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the issuer answered %d", resp.StatusCode)
	}
	if json.Unmarshal(text, into) != nil {
		return errors.New("the issuer's answer cannot be read")
	}
	return nil
}

// signOut ends the session here, and says where it may go on elsewhere.
func (p *Portal) signOut(w http.ResponseWriter, r *http.Request) {
	s, _ := p.sessions.find(p.read(r, sessionCookie))
	pg := &page{Title: "You are signed out", Lead: []string{"What you saw is gone from this browser's session. On a shared computer, close the window too."}}
	if s != nil {
		p.sessions.end(s.id)
		if s.who.party == registrarName {
			pg.Lead = append(pg.Lead, "You may still be signed in at the registrar.")
			pg.Links = append(pg.Links, link{Text: "Sign out at the registrar too", Href: p.parties[registrarName].Issuer + "/account"})
		} else {
			pg.Lead = append(pg.Lead, "You may still be signed in at your agency: sign out there as you usually do.")
		}
	}
	pg.Links = append(pg.Links, link{Text: "Sign in again", Href: Prefix + "/"})
	http.SetCookie(w, p.cookie(sessionCookie, "", -time.Second))
	v := &visit{p: p, w: w, r: r}
	v.finish(v.show(pg))
}
