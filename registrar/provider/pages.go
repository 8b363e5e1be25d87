package provider

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	stdstrings "strings"
	"time"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/govuk"
	"github.com/fame-hub/fame/registrar"
)

//go:embed pages static
var files embed.FS

type pages struct {
	templates map[string]*template.Template
	assets    fs.FS
}

func readPages() (*pages, error) {
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return nil, err
	}
	all := &pages{templates: map[string]*template.Template{}}
	for _, name := range names {
		short := stdstrings.TrimPrefix(name, "pages/")
		if short == "layout.html" {
			continue
		}
		t, err := template.ParseFS(files, "pages/layout.html", name)
		if err != nil {
			return nil, err
		}
		all.templates[short] = t
	}
	all.assets, err = fs.Sub(files, "static")
	return all, err
}

// view is all that a page shows.
type view struct {
	Title  string
	Prefix string
	Status int

	Action string // where its form goes
	FormTo string // the site that the form may end up at
	Site   string // the agency's, where one sent the person
	Need   string // an acr
	Say    string

	Error string
	Field string // the field that Error is about
	Wait  time.Duration

	Number      string // as typed, or one's own
	Code        string
	Options     string // for the device, JSON
	Ceremony    string
	OnlyPasskey bool

	Seed           string
	SeedPicture    template.URL
	Authenticators []registrar.Authenticator
	MayEnrol       bool
	HasSecret      bool
	HasCode        bool
	HasPasskey     bool
	Passkeys       bool // whether devices can be asked at all
}

// show renders a page: under a policy that runs no script and takes no style but its
// own, lets no other site frame it, and sends its form nowhere else.
func (p *Provider) show(w http.ResponseWriter, r *http.Request, name string, v *view) error {
	v.Prefix = p.prefix
	var b bytes.Buffer
	if err := p.pages.templates[name].ExecuteTemplate(&b, "layout", v); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self' "+
		v.FormTo+"; base-uri 'none'; frame-ancestors 'none'")
	// With no-referrer a browser sends Origin: null, and could not be told from another site's.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)")
	if v.Wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(v.Wait.Seconds())+1))
		v.Status = http.StatusTooManyRequests
	}
	if v.Status == 0 {
		v.Status = http.StatusOK
		if v.Error != "" {
			v.Status = http.StatusBadRequest
		}
	}
	w.WriteHeader(v.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.Bytes()) // the browser may be gone
	}
	return nil
}

// say shows a page that says one thing.
func (p *Provider) say(w http.ResponseWriter, r *http.Request, status int, title, what string) {
	if err := p.show(w, r, "say.html", &view{Title: title, Say: what, Status: status}); err != nil {
		http.Error(w, title, status)
	}
}

func (p *Provider) fail(w http.ResponseWriter, r *http.Request, status int, title, what string) {
	p.say(w, r, status, title, what)
}

// failWith shows what went wrong, without its cause.
func (p *Provider) failWith(w http.ResponseWriter, r *http.Request, err error) {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		switch f.Kind {
		case fault.NotKnown:
			p.fail(w, r, http.StatusNotFound, "There is nothing here", "Go back to the site that sent you here and begin again.")
			return
		case fault.Unavailable:
			w.Header().Set("Retry-After", "2")
			p.fail(w, r, http.StatusServiceUnavailable, "Try again in a moment", "The service is busy. Nothing of what you sent has been lost or used.")
			return
		}
	}
	var known goidc.Error
	if errors.As(err, &known) && known.StatusCode() < 500 {
		p.fail(w, r, http.StatusBadRequest, "This sign-in cannot go on", "The site that sent you here asked for something that is not served, or it was too long ago. Go back there and begin again.")
		return
	}
	p.Logger.ErrorContext(r.Context(), "a sign-in page failed", "cause", safely(err))
	p.fail(w, r, http.StatusInternalServerError, "Sorry, there is a problem with the service", "Try again later.")
}

// static serves the style and the one script.
func (p *Provider) static(w http.ResponseWriter, r *http.Request) {
	name := stdstrings.TrimPrefix(r.URL.Path, "/static/")
	if name == "govuk.css" {
		govuk.Style(w, r)
		return
	}
	text, err := fs.ReadFile(p.pages.assets, name)
	if err != nil {
		p.fail(w, r, http.StatusNotFound, "There is nothing here", "See the address again.")
		return
	}
	kind := map[bool]string{true: "text/css; charset=utf-8", false: "text/javascript; charset=utf-8"}[stdstrings.HasSuffix(name, ".css")]
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Cache-Control", "public, max-age=3600")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(text)
}
