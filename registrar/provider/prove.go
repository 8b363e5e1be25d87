package provider

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	stdstrings "strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/signin"
)

// begin starts an agency's request: there is one way to sign in.
func (p *Provider) begin(_ *http.Request, as *goidc.AuthnSession, _ *goidc.Client) bool {
	as.Store = map[string]any{inBegan: p.Now().UTC().Format(time.RFC3339Nano)}
	return true
}

// authenticate decides what comes next of an agency's request, each time that the
// browser comes by: an answer for the agency, or a page for the person. What is stored
// decides, not the page before.
func (p *Provider) authenticate(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, c *goidc.Client) (goidc.Status, error) {
	ctx := r.Context()
	terms, err := p.Terms(ctx)
	if err != nil {
		return p.pend(w, r, err)
	}
	party := p.party(terms, c.ID)
	if party == nil {
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeUnauthorizedClient, "this client is no relying party any more")
	}
	// The browser that began is the one that goes on, and nobody else's.
	back := r.PathValue("callback") != ""
	if !p.sameBrowser(w, r, as, back) {
		p.fail(w, r, http.StatusForbidden, "This sign-in was begun elsewhere", "Go back to the site that sent you here and begin again.")
		return goidc.StatusPending, nil
	}
	v := &view{Title: "Sign in", Action: p.prefix + "/authorize/" + as.ID, Site: party.Title, FormTo: originOf(as.RedirectURI)}
	ticket := p.ticket(r)
	if back && r.Method == http.MethodPost {
		if r.PostFormValue("step") == "cancel" {
			return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeAccessDenied, "the person did not sign in")
		}
		if next, err := p.prove(r, v); err != nil {
			return p.pend(w, r, err)
		} else if next != "" {
			ticket = next
			p.keepTicket(w, next)
		}
	}
	need := levelNeeded(string(party.Level), as.ACRValues)
	session, signedIn, err := p.session(r, ticket)
	if err != nil {
		return p.pend(w, r, err)
	}
	enough := signedIn && session.Level() >= need && p.newEnough(session, as)
	switch {
	case enough && v.Error == "":
		return p.release(r, as, party.Agency, session, ticket)
	case as.Prompt == goidc.PromptTypeNone && signedIn && p.newEnough(session, as):
		return goidc.StatusFailure, goidc.NewError("unmet_authentication_requirements", "more is needed than how the person has signed in")
	case as.Prompt == goidc.PromptTypeNone:
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCodeLoginRequired, "nobody is signed in")
	}
	return p.pend(w, r, p.ask(w, r, v, session, signedIn, need))
}

// pend answers with a page, or with what went wrong, and waits for the browser.
func (p *Provider) pend(w http.ResponseWriter, r *http.Request, err error) (goidc.Status, error) {
	if err != nil {
		p.failWith(w, r, err)
	}
	return goidc.StatusPending, nil
}

// ask shows the page of what is still missing: the code after the secret, more than
// the person has, or everything.
func (p *Provider) ask(w http.ResponseWriter, r *http.Request, v *view, session registrar.Session, signedIn bool, need signin.Level) error {
	v.Need = need.String()
	if signedIn && session.Level() == signin.OneFactor && need > signin.OneFactor {
		kinds, err := p.Accounts.CanUse(r.Context(), session)
		if err != nil {
			return err
		}
		if need == signin.TwoFactors && slices.Contains(kinds, registrar.OneTimeCodeKind) && session.At.Add(9*time.Minute).After(p.Now()) {
			v.Title = "Enter a code from your app"
			return p.show(w, r, "code.html", v)
		}
		if !slices.Contains(kinds, registrar.PasskeyKind) {
			v.Title = "You need a stronger way to sign in"
			return p.show(w, r, "stronger.html", v)
		}
	}
	if err := p.askForPasskey(r, v); err != nil {
		return err
	}
	v.OnlyPasskey = need == signin.PhishingResistant
	return p.show(w, r, "sign-in.html", v)
}

// askForPasskey puts a question for the person's device on the page.
func (p *Provider) askForPasskey(r *http.Request, v *view) error {
	options, ceremony, err := p.Accounts.AskForProof(r.Context())
	if fault.KindOf(err) == fault.NotServed && err != nil {
		return nil
	}
	v.Options, v.Ceremony = string(options), string(ceremony)
	return err
}

// prove takes what a page sent. What does not prove anything is said on the next one.
func (p *Provider) prove(r *http.Request, v *view) (next registrar.Ticket, err error) {
	ctx, from := r.Context(), p.From(r)
	switch step := r.PostFormValue("step"); step {
	case "secret":
		v.Number = r.PostFormValue("number")
		next, err = p.Accounts.ProveBySecret(ctx, v.Number, r.PostFormValue("secret"), from)
		v.Field = "number"
	case "code":
		next, err = p.Accounts.ProveByCode(ctx, p.ticket(r), r.PostFormValue("code"), from)
		v.Field = "code"
	case "passkey":
		next, err = p.Accounts.ProveByKey(ctx, registrar.Ticket(r.PostFormValue("ceremony")), []byte(r.PostFormValue("answer")), from)
		v.Field = "passkey"
	case "enrolment":
		next, err = p.Accounts.UseCode(ctx, r.PostFormValue("code"), from)
		v.Field = "enrolment"
	default:
		return "", nil
	}
	return next, v.refused(err)
}

// refused puts what the person can do something about on the page.
func (v *view) refused(err error) error {
	f, ok := errors.AsType[*fault.Error](err)
	if !ok {
		return err
	}
	switch f.Kind {
	case fault.Unauthenticated, fault.Invalid, fault.Forbidden, fault.NotKnown:
		v.Error = capital(f.Detail)
	case fault.RateLimited:
		v.Error = "Too many tries have failed. Wait " + inWords(f.RetryAfter) + ", or use something else to sign in with, or ask the registrar for a code"
		v.Wait = f.RetryAfter
	default:
		return err
	}
	return nil
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return stdstrings.ToUpper(s[:1]) + s[1:]
}

func inWords(d time.Duration) string {
	if d <= time.Minute {
		return strconv.Itoa(int(math.Ceil(d.Seconds()))) + " seconds"
	}
	return strconv.Itoa(int(math.Ceil(d.Minutes()))) + " minutes"
}

// levelNeeded is the least that will do: that of the relying party, and of acr_values
// the lowest, since any of them is acceptable.
func levelNeeded(least, acrValues string) signin.Level {
	need, ok := signin.ParseLevel(least)
	if !ok {
		need = signin.TwoFactors
	}
	asked := signin.NoLevel
	for acr := range stdstrings.FieldsSeq(acrValues) {
		if l, ok := signin.ParseLevel(acr); ok && (asked == signin.NoLevel || l < asked) {
			asked = l
		}
	}
	return max(need, asked)
}

// newEnough reports whether a proof is as new as the agency asks (max_age), or was
// made for this request (prompt=login).
func (p *Provider) newEnough(s registrar.Session, as *goidc.AuthnSession) bool {
	text, _ := as.Store[inBegan].(string)
	began, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return false
	}
	prompts := stdstrings.Fields(string(as.Prompt))
	switch {
	case !s.At.Before(began):
		return true
	case slices.Contains(prompts, "login") || slices.Contains(prompts, "select_account"):
		return false
	case as.MaxAuthnAgeSecs != nil:
		return p.Now().Sub(s.At) <= time.Duration(*as.MaxAuthnAgeSecs)*time.Second
	}
	return true
}

// release answers the agency: the act first, then what it is told.
func (p *Provider) release(r *http.Request, as *goidc.AuthnSession, agency agencyID, s registrar.Session, t registrar.Ticket) (goidc.Status, error) {
	entry, err := p.Accounts.Release(r.Context(), s, agency, as.ClientID)
	if err != nil {
		return goidc.StatusFailure, goidc.WrapError("server_error", "try again", err)
	}
	as.Subject, as.GrantedScopes = string(entry), as.Scopes
	var authenticators []string
	for _, a := range s.Authenticators {
		authenticators = append(authenticators, a.String())
	}
	as.Store[inAccount], as.Store[inAuthenticators] = s.Account.String(), authenticators
	as.Store[inTime], as.Store[inACR], as.Store[inAMR], as.Store[inTicket] = s.At.Unix(), s.Level().String(), signin.AMR(s.Methods), string(t)
	return goidc.StatusSuccess, nil
}

// leave asks whether a person wants to be signed out, since any site can send them
// here, and does it.
func (p *Provider) leave(w http.ResponseWriter, r *http.Request, ls *goidc.LogoutSession) (goidc.Status, error) {
	ticket := p.ticket(r)
	if ticket == "" {
		return goidc.StatusSuccess, nil
	}
	if r.PathValue("callback") == "" || r.Method != http.MethodPost {
		v := &view{Title: "Do you want to sign out?", Action: p.prefix + "/logout/" + ls.ID, FormTo: originOf(ls.PostLogoutRedirectURI)}
		if err := p.show(w, r, "sign-out.html", v); err != nil {
			p.failWith(w, r, err)
		}
		return goidc.StatusPending, nil
	}
	if r.PostFormValue("step") != "stay" {
		if err := p.Accounts.SignOut(r.Context(), ticket); err != nil {
			p.failWith(w, r, err)
			return goidc.StatusPending, nil
		}
		p.dropTicket(w)
	}
	return goidc.StatusSuccess, nil
}

// originOf is where a form may end up, for the page's policy: a browser that follows
// it there would refuse otherwise.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}
