package localissuer

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/fame-hub/fame/internal/govuk"
)

// SignIn lets people sign in at a site with the issuer (authorization code with PKCE).
type SignIn struct {
	Client       string   // the one site's client_id, and the audience of what it is given
	RedirectURIs []string // where people are sent back to, compared letter by letter
	// People may sign in by pressing a button, as in a demonstration everybody plays
	// everybody. Where there are none, one shows a token that `fame token` has printed:
	// that is, that one can read the key.
	People []Person
	Now    func() time.Time
}

// Person is somebody of a demonstration.
type Person struct{ Name, Title string }

const (
	codeLife  = time.Minute
	tokenLife = time.Hour
	mostCodes = 1000
)

type signIn struct {
	SignIn
	issuer *Issuer
	path   string

	mu    sync.Mutex
	codes map[string]grant
}

type grant struct {
	subject, redirect, challenge, nonce string
	until                               time.Time
}

// SignInHandler serves what Handler does, and the pages on which people sign in at one
// site.
func (i *Issuer) SignInHandler(path string, s SignIn) http.Handler {
	h := &signIn{SignIn: s, issuer: i, path: path, codes: map[string]grant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+path+"/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		d := i.discovery()
		d["authorization_endpoint"], d["token_endpoint"] = i.url+"/authorize", i.url+"/token"
		d["response_types_supported"], d["code_challenge_methods_supported"] = []string{"code"}, []string{"S256"}
		write(w, d)
	})
	mux.Handle("GET "+path+"/keys", i.Handler(path))
	mux.HandleFunc("GET "+path+"/govuk.css", govuk.Style)
	mux.HandleFunc("GET "+path+"/authorize", h.page)
	c := http.NewCrossOriginProtection()
	mux.Handle("POST "+path+"/authorize", c.Handler(http.HandlerFunc(h.choose)))
	mux.HandleFunc("POST "+path+"/token", h.token)
	return mux
}

// asked are the members of a request to sign in that this issuer reads.
type asked struct{ Redirect, State, Nonce, Challenge string }

func (h *signIn) asked(q url.Values) (asked, bool) {
	a := asked{q.Get("redirect_uri"), q.Get("state"), q.Get("nonce"), q.Get("code_challenge")}
	return a, q.Get("client_id") == h.Client && slices.Contains(h.RedirectURIs, a.Redirect) && q.Get("response_type") == "code" &&
		q.Get("code_challenge_method") == "S256" && len(a.Challenge) == 43 && len(a.State) <= 256 && len(a.Nonce) <= 256
}

var signInPage = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en" class="govuk-template"><head><meta charset="utf-8"><title>{{if .Error}}Error: {{end}}Local sign-in</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="{{.Path}}/govuk.css"><link rel="icon" href="data:,"></head>
<body class="govuk-template__body"><div class="govuk-width-container"><main class="govuk-main-wrapper">
{{if .Error}}<div class="govuk-error-summary" tabindex="-1"><div role="alert"><h2 class="govuk-error-summary__title">There is a problem</h2><div class="govuk-error-summary__body"><ul class="govuk-list govuk-error-summary__list"><li><a href="#proof">{{.Error}}</a></li></ul></div></div></div>{{end}}
<h1 class="govuk-heading-l">Local sign-in</h1>
<p class="govuk-body">This page stands for your agency's own sign-in. It exists for trying FAME on one machine, and asks for no password.</p>
<form method="post" action="{{.Path}}/authorize">
{{with .Asked}}<input type="hidden" name="redirect_uri" value="{{.Redirect}}"><input type="hidden" name="state" value="{{.State}}"><input type="hidden" name="nonce" value="{{.Nonce}}"><input type="hidden" name="code_challenge" value="{{.Challenge}}"><input type="hidden" name="code_challenge_method" value="S256"><input type="hidden" name="response_type" value="code">{{end}}
<input type="hidden" name="client_id" value="{{.Client}}">
{{if .People}}
<h2 class="govuk-heading-m">Who do you want to be?</h2>
{{range .People}}<p class="govuk-body"><button class="govuk-button govuk-button--secondary" type="submit" name="person" value="{{.Name}}">{{.Title}}</button></p>{{end}}
{{else}}
<div class="govuk-form-group"><label class="govuk-label govuk-label--s" for="proof">Token</label><div class="govuk-hint" id="proof-hint">What <code>fame token --as NAME</code> prints on the machine of the hub.</div>
<textarea class="govuk-textarea" id="proof" name="proof" rows="5" spellcheck="false" autocomplete="off" aria-describedby="proof-hint"></textarea></div>
<button class="govuk-button" type="submit">Sign in</button>
{{end}}
</form></main></div></body></html>`))

func (h *signIn) page(w http.ResponseWriter, r *http.Request) {
	a, ok := h.asked(r.URL.Query())
	if !ok {
		http.Error(w, "This request to sign in cannot be used: begin again at the site that sent you here.", http.StatusBadRequest)
		return
	}
	h.show(w, http.StatusOK, a, "")
}

func (h *signIn) show(w http.ResponseWriter, status int, a asked, wrong string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = signInPage.Execute(w, map[string]any{"Path": h.path, "Asked": a, "Client": h.Client, "People": h.People, "Error": wrong}) // the reader has gone
}

// choose ends a sign-in: with a code, for whom the button or the token names.
func (h *signIn) choose(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "This is too much.", http.StatusRequestEntityTooLarge)
		return
	}
	a, ok := h.asked(r.PostForm)
	if !ok {
		http.Error(w, "This request to sign in cannot be used: begin again at the site that sent you here.", http.StatusBadRequest)
		return
	}
	subject := r.PostForm.Get("person")
	if len(h.People) == 0 {
		if subject, ok = h.reads(strings.TrimSpace(r.PostForm.Get("proof"))); !ok {
			h.show(w, http.StatusUnprocessableEntity, a, "Paste a token that fame token has printed within the hour")
			return
		}
	} else if !slices.ContainsFunc(h.People, func(p Person) bool { return p.Name == subject }) {
		h.show(w, http.StatusUnprocessableEntity, a, "Choose somebody")
		return
	}
	code := rand.Text()
	h.mu.Lock()
	for c, g := range h.codes {
		if len(h.codes) >= mostCodes || h.Now().After(g.until) {
			delete(h.codes, c)
		}
	}
	h.codes[code] = grant{subject, a.Redirect, a.Challenge, a.Nonce, h.Now().Add(codeLife)}
	h.mu.Unlock()
	http.Redirect(w, r, a.Redirect+"?"+url.Values{"code": {code}, "state": {a.State}, "iss": {h.issuer.url}}.Encode(), http.StatusSeeOther)
}

// reads reports whom a token of this issuer names, if it is good now.
func (h *signIn) reads(token string) (string, bool) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return "", false
	}
	var c jwt.Claims
	if parsed.Claims(h.issuer.key.Public(), &c) != nil ||
		c.ValidateWithLeeway(jwt.Expected{Issuer: h.issuer.url, AnyAudience: jwt.Audience{h.Client}, Time: h.Now()}, 0) != nil {
		return "", false
	}
	return c.Subject, c.Subject != ""
}

// token gives a code's token to whoever shows what the code was asked for with, once.
func (h *signIn) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	_ = r.ParseForm() // what cannot be read has no code
	h.mu.Lock()
	g, ok := h.codes[r.PostForm.Get("code")]
	delete(h.codes, r.PostForm.Get("code"))
	h.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	proof := base64.RawURLEncoding.EncodeToString(sum[:])
	if !ok || h.Now().After(g.until) || r.PostForm.Get("redirect_uri") != g.redirect || r.PostForm.Get("grant_type") != "authorization_code" ||
		r.PostForm.Get("client_id") != h.Client || subtle.ConstantTimeCompare([]byte(proof), []byte(g.challenge)) != 1 {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
		return
	}
	token, err := h.issuer.Token(g.subject, h.Client, h.Now(), tokenLife, map[string]any{"nonce": g.nonce})
	if err != nil {
		http.Error(w, "The issuer cannot sign.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	write(w, map[string]any{"access_token": token, "id_token": token, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds())})
}
