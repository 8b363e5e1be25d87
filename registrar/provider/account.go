package provider

import (
	"bytes"
	"encoding/base64"
	"html/template"
	"image/png"
	"net/http"
	"slices"

	"github.com/pquerna/otp"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/signin"
)

// account serves the pages on which a person looks after what they sign in with.
func (p *Provider) account(w http.ResponseWriter, r *http.Request) {
	if err := p.accountPage(w, r); err != nil {
		p.failWith(w, r, err)
	}
}

var errNothingHere = fault.New(fault.NotKnown, "there is no such page")

func (p *Provider) accountPage(w http.ResponseWriter, r *http.Request) error {
	if r.URL.Path != "/account" && r.URL.Path != "/account/code" {
		return errNothingHere
	}
	v := &view{Title: "How you sign in", Action: p.prefix + "/account", Passkeys: p.Accounts.HasPasskeys()}
	ticket := p.ticket(r)
	post := r.Method == http.MethodPost
	if post && r.PostFormValue("step") == "sign-out" {
		if err := p.Accounts.SignOut(r.Context(), ticket); err != nil {
			return err
		}
		p.dropTicket(w)
		p.say(w, r, http.StatusOK, "You are signed out", "You can close this page.")
		return nil
	}
	if post {
		if next, err := p.prove(r, v); err != nil {
			return err
		} else if next != "" {
			ticket = next
			p.keepTicket(w, next)
		}
	}
	session, signedIn, err := p.session(r, ticket)
	if err != nil {
		return err
	}
	if signedIn && !p.Accounts.MayEnrol(session) && session.Level() < signin.TwoFactors {
		return p.ask(w, r, v, session, true, signin.TwoFactors)
	}
	if !signedIn {
		if r.URL.Path == "/account/code" || v.Field == "enrolment" {
			v.Title, v.Action = "Enter the code from the registrar", p.prefix+"/account/code"
			return p.show(w, r, "enrol.html", v)
		}
		if err := p.askForPasskey(r, v); err != nil {
			return err
		}
		v.Title = "Sign in"
		return p.show(w, r, "sign-in.html", v)
	}
	v.MayEnrol = p.Accounts.MayEnrol(session)
	if post {
		if done, err := p.change(w, r, v, &ticket); err != nil || done {
			return err
		}
		if session, signedIn, err = p.session(r, ticket); err != nil {
			return err
		}
		if !signedIn {
			p.dropTicket(w)
			p.say(w, r, http.StatusOK, "You are signed out", "What you were signed in with has been removed.")
			return nil
		}
	}
	return p.overview(w, r, v, session, ticket)
}

// change carries out what a person asked for. A page of its own may come first.
func (p *Provider) change(w http.ResponseWriter, r *http.Request, v *view, ticket *registrar.Ticket) (done bool, err error) {
	ctx := r.Context()
	next := registrar.Ticket("")
	switch r.PostFormValue("step") {
	case "new-secret":
		if r.PostFormValue("secret") != r.PostFormValue("again") {
			v.Error, v.Field = "The two passwords are not the same", "new-secret"
			return false, nil
		}
		next, err = p.Accounts.EnrolSecret(ctx, *ticket, r.PostFormValue("secret"))
		v.Field = "new-secret"
	case "app": // show a seed
		if !v.MayEnrol {
			return false, nil
		}
		return true, p.showSeed(w, r, v, signin.NewSeed())
	case "new-app":
		seed, ok := signin.ParseSeed(r.PostFormValue("seed"))
		if !ok {
			return false, nil
		}
		next, err = p.Accounts.EnrolSeed(ctx, *ticket, seed, r.PostFormValue("code"))
		if err = v.refused(err); err != nil {
			return false, err
		}
		if v.Error != "" {
			v.Field = "new-app"
			return true, p.showSeed(w, r, v, seed)
		}
	case "new-passkey":
		next, err = p.Accounts.EnrolKey(ctx, *ticket, registrar.Ticket(r.PostFormValue("ceremony")), []byte(r.PostFormValue("answer")))
		v.Field = "new-passkey"
	case "remove":
		id, parsed := ident.ParseAuthenticator(r.PostFormValue("authenticator"))
		if parsed != nil {
			return false, nil
		}
		err = p.Accounts.RevokeOwn(ctx, *ticket, id)
		v.Field = "remove"
	default:
		return false, nil
	}
	if err := v.refused(err); err != nil {
		return false, err
	}
	if next != "" {
		*ticket = next
		p.keepTicket(w, next)
	}
	return false, nil
}

// overview shows what a person has.
func (p *Provider) overview(w http.ResponseWriter, r *http.Request, v *view, s registrar.Session, t registrar.Ticket) error {
	number, err := p.Accounts.Number(r.Context(), s)
	if err != nil {
		return err
	}
	v.Number = number.Grouped()
	all, err := p.Accounts.Enrolled(r.Context(), s)
	if err != nil {
		return err
	}
	v.Authenticators = slices.DeleteFunc(all, func(a registrar.Authenticator) bool { return !a.RevokedAt.IsZero() })
	for _, a := range v.Authenticators {
		v.HasSecret = v.HasSecret || a.Kind == registrar.SecretKind
		v.HasCode = v.HasCode || a.Kind == registrar.OneTimeCodeKind
		v.HasPasskey = v.HasPasskey || a.Kind == registrar.PasskeyKind
	}
	v.MayEnrol = p.Accounts.MayEnrol(s)
	if v.MayEnrol && v.Passkeys {
		options, ceremony, err := p.Accounts.AskForKey(r.Context(), t)
		if err != nil {
			return err
		}
		v.Options, v.Ceremony = string(options), string(ceremony)
	}
	return p.show(w, r, "account.html", v)
}

// showSeed shows a seed to be typed or photographed. Until a code of it comes back it
// is nobody's.
func (p *Provider) showSeed(w http.ResponseWriter, r *http.Request, v *view, seed signin.Seed) error {
	key, err := otp.NewKeyFromURL(seed.URI("Registrar", "Sign in"))
	if err != nil {
		return err
	}
	drawn, err := key.Image(240, 240)
	if err != nil {
		return err
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, drawn); err != nil {
		return err
	}
	v.Title, v.Seed, v.SeedPicture = "Set up an app that shows codes", seed.Spelt(), template.URL("data:image/png;base64,"+base64.StdEncoding.EncodeToString(picture.Bytes()))
	return p.show(w, r, "app.html", v)
}
