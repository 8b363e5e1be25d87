package provider

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"

	"github.com/luikyv/go-oidc/pkg/goidc"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/registrar"
)

type agencyID = ident.Agency

// The cookies. __Host- keeps each to this host and to secure connections, a browser's
// own machine among them; Lax lets them come along when an agency sends the person
// here, and with no page of another site's making.
func (p *Provider) ticketCookie() string  { return "__Host-fame-" + string(p.Registrar) }
func (p *Provider) browserCookie() string { return "__Host-fame-" + string(p.Registrar) + "-browser" }

func cookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
}

// ticket is what the browser holds of a session, "" for nothing.
func (p *Provider) ticket(r *http.Request) registrar.Ticket {
	c, err := r.Cookie(p.ticketCookie())
	if err != nil || len(c.Value) > 64 {
		return ""
	}
	return registrar.Ticket(c.Value)
}

func (p *Provider) keepTicket(w http.ResponseWriter, t registrar.Ticket) {
	http.SetCookie(w, cookie(p.ticketCookie(), string(t), int(registrar.SessionLife.Seconds())))
}

func (p *Provider) dropTicket(w http.ResponseWriter) {
	http.SetCookie(w, cookie(p.ticketCookie(), "", -1))
}

// session is who holds the ticket, if anybody does now.
func (p *Provider) session(r *http.Request, t registrar.Ticket) (registrar.Session, bool, error) {
	if t == "" {
		return registrar.Session{}, false, nil
	}
	s, err := p.Accounts.FindSession(r.Context(), t)
	if err != nil && fault.KindOf(err) == fault.Unauthenticated {
		return registrar.Session{}, false, nil
	}
	return s, err == nil, err
}

// sameBrowser marks the browser that begins a request, and knows it again.
func (p *Provider) sameBrowser(w http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, back bool) bool {
	have := ""
	if c, err := r.Cookie(p.browserCookie()); err == nil {
		have = c.Value
	}
	if !back {
		if len(have) != 26 {
			have = rand.Text()
			http.SetCookie(w, cookie(p.browserCookie(), have, 0))
		}
		as.Store[inBrowser] = hashed(have)
		return true
	}
	want, _ := as.Store[inBrowser].(string)
	return subtle.ConstantTimeCompare([]byte(hashed(have)), []byte(want)) == 1
}

func hashed(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
