package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/govuk"
)

// Prefix is where the portal is served.
const Prefix = "/portal"

// Duties says where each duty is served. Each URL is without a path.
type Duties struct {
	Relmgr     string   `yaml:"relmgr"`
	Consent    string   `yaml:"consent"`
	Governance string   `yaml:"governance"`
	Registrar  string   `yaml:"registrar"`
	Idmgrs     []string `yaml:"idmgrs"`
	Federation string   `yaml:"federation,omitempty"` // "": the hub asks no other hub
}

// Agency is an issuer at which practitioners sign in.
type Agency struct {
	Name   string `yaml:"name"`  // in addresses: letters, digits and hyphens
	Title  string `yaml:"title"` // what people call it
	Issuer string `yaml:"issuer"`
	Client string `yaml:"client"`
	Secret string `yaml:"secret,omitempty"` // of a confidential client
	// Access has the access token be sent to the duties, where that is the one that is
	// made for the hub. Otherwise it is the ID token.
	Access bool     `yaml:"access,omitempty"`
	Scopes []string `yaml:"scopes,omitempty"` // beside openid
}

// Registrar is the OpenID Provider at which people sign in as themselves. The portal is
// one of its relying parties, marked portal in the partnership document.
type Registrar struct {
	Title  string
	Issuer string
	Client string
	Signer *attest.Signer // of the portal's assertions, as Client
}

// Config is what the portal stands on.
type Config struct {
	Public    string // the address at which browsers reach it, without a path
	Hub       string // the hub's name, as people know it
	Duties    Duties
	Agencies  []Agency
	Registrar *Registrar    // nil: nobody signs in as themselves
	Idle      time.Duration // how long nothing may happen. Zero: 15 minutes
	Now       func() time.Time
	Logger    *slog.Logger
	Transport http.RoundTripper // nil: the default one
	// Guide are people and a story for whoever tries a demonstration.
	Guide *Guide
}

// Portal serves everything below Prefix.
type Portal struct {
	Config
	origin    string
	secure    bool
	client    *http.Client
	elsewhere *http.Client // of other hubs
	sessions  *sessions
	flows     box
	parties   map[string]*party
	terms     termsCache
	pages     pages
	mux       *http.ServeMux
	forms     []string
}

// Forms are the paths to which forms are posted, as patterns of net/http: for tests that
// try every one.
func (p *Portal) Forms() []string { return slices.Clone(p.forms) }

// maxForm is the most that a form may have.
const maxForm = 64 << 10

// New returns a portal, or an error that says what its configuration lacks.
func New(c Config) (*Portal, error) {
	at, err := url.Parse(c.Public)
	if err != nil || at.Host == "" || at.Path != "" {
		return nil, errors.New("portal: set public: the address at which browsers reach it, as https://host")
	}
	if c.Duties.Relmgr == "" || c.Duties.Consent == "" || c.Duties.Governance == "" || c.Now == nil || c.Logger == nil {
		return nil, errors.New("portal: set where relmgr, consent and governance are served, Now and Logger")
	}
	if len(c.Agencies) == 0 && c.Registrar == nil {
		return nil, errors.New("portal: name an issuer under sign_in, or nobody can sign in")
	}
	if c.Idle == 0 {
		c.Idle = 15 * time.Minute
	}
	p := &Portal{
		Config: c, origin: at.Scheme + "://" + at.Host, secure: at.Scheme == "https", parties: map[string]*party{},
		client: &http.Client{Timeout: 20 * time.Second, Transport: c.Transport}, elsewhere: toOthers(c.Transport), sessions: newSessions(c.Now, c.Idle), flows: newBox(),
	}
	for _, a := range c.Agencies {
		if !plainName(a.Name) || a.Name == registrarName || p.parties[a.Name] != nil || a.Issuer == "" || a.Client == "" {
			return nil, errors.New("portal: each issuer under sign_in needs a name of its own, of small letters, digits and hyphens, an issuer and a client")
		}
		p.parties[a.Name] = &party{Agency: a}
	}
	if r := c.Registrar; r != nil {
		p.parties[registrarName] = &party{
			Agency: Agency{Name: registrarName, Title: r.Title, Issuer: r.Issuer, Client: r.Client, Scopes: []string{"recognition"}}, signer: r.Signer,
		}
	}
	if p.pages, err = readPages(); err != nil {
		return nil, err
	}
	p.mux = p.routes()
	return p, nil
}

func plainName(s string) bool {
	return s != "" && len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// ServeHTTP serves what is below Prefix. What a page of another site sends is not taken:
// the browser says so (Fetch Metadata, or Origin where there is none), and the cookie's
// SameSite is the second line.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'self'; script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "no-store")
	c := http.NewCrossOriginProtection()
	_ = c.AddTrustedOrigin(p.origin) // New has parsed it; behind a proxy, Host may be another
	c.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.say(w, r, http.StatusForbidden, "This did not come from our own page", "Go back to the portal and begin again. Nothing was done.")
	}))
	most := int64(maxForm)
	if r.URL.Path == Prefix+tryPath {
		most = maxDocument
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	c.Handler(p.mux).ServeHTTP(w, r)
}

// routes is the list of all pages.
func (p *Portal) routes() *http.ServeMux {
	mux := http.NewServeMux()
	at := func(pattern string, h http.HandlerFunc) {
		method, path, _ := strings.Cut(pattern, " ")
		if method == http.MethodPost {
			p.forms = append(p.forms, Prefix+path)
		}
		mux.HandleFunc(method+" "+Prefix+path, h)
	}
	mux.HandleFunc("GET "+Prefix, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, Prefix+"/", http.StatusSeeOther)
	})
	mux.HandleFunc(Prefix+"/", func(w http.ResponseWriter, r *http.Request) {
		p.say(w, r, http.StatusNotFound, "Page not found", "If you typed the address, check it. If you followed a link, begin again at the start page.")
	})
	for name, file := range p.pages.static {
		mux.Handle("GET "+Prefix+"/static/"+name, file)
	}
	at("GET /static/govuk.css", govuk.Style)

	at("GET /{$}", p.home)
	at("GET /guide", p.guide)
	at("GET /sign-in", p.chooseSignIn)
	at("GET /sign-in/{party}", p.beginSignIn)
	at("GET /sign-in/{party}/back", p.finishSignIn)
	at("POST /sign-out", p.signOut)

	practitioner := func(path string, show func(*visit) error, act func(*visit) error) {
		at("GET "+path, p.as(aPractitioner, show))
		if act != nil {
			at("POST "+path, p.as(aPractitioner, act))
		}
	}
	asks := func(path string, blank func(*visit) (*page, *form, error), do func(*visit, *form) (string, error)) {
		show, act := asking(blank, do)
		practitioner(path, show, act)
	}
	practitioner("/ask", showAsk, doAsk)
	practitioner("/enquiries", showEnquiries, nil)
	practitioner("/enquiries/{enquiry}", showAnswer, nil)
	practitioner("/enquiries/{enquiry}/contact", showContact, doContact)
	practitioner("/inbox", showInbox, nil)
	show, act := simple(page{Title: "Do not answer a contact request", Lead: []string{"Whoever asks never hears that it reached you. Your reason is recorded with your name."}},
		declineFields, "Do not answer", "Recorded. Nobody is told.", "/inbox", false, decline)
	practitioner("/inbox/{column}/{delivery}/decline", show, act)
	asks("/inbox/{column}/{delivery}/share", share, doShare)
	asks("/publish", plainly(publishPage, publishForm), publish)
	asks("/pair", plainly(pairPage, pairForm), pair)
	practitioner("/pair/code", showCode, nil)
	asks("/join", plainly(joinPage, joinForm), joinRecords)
	practitioner("/done", showDone, nil)
	asks("/history", plainly(historyPage, historyForm), findHistory)
	practitioner("/history/{handle}", showTimeline, nil)
	show, act = simple(page{Title: "Undo an act", Lead: []string{"Its effect ends, and both the act and its undoing stay in the history. Undoing that restores it."}},
		onlyReason, "Undo it", "It is undone.", "/done", true, undoAct)
	practitioner("/acts/{act}/undo", show, act)
	show, act = simple(page{Title: "Suspend or end what you published"}, statusFields, "Record it", "Recorded.", "/done", true, setStatus)
	practitioner("/acts/{act}/status", show, act)
	practitioner("/recognise", showRecognise, doRecognise)
	practitioner("/recognise/{found}", showFound, doFound)
	practitioner("/registers", showQuality, nil)
	registerRoutes(practitioner, asks)
	linkRoutes(practitioner, asks)
	importRoutes(practitioner, asks)
	waitingRoutes(practitioner, asks)

	practitioner("/reviews", showReviews, doReviews)
	practitioner("/reviews/waiting", showWaiting, nil)
	judge := page{Title: "Say what you make of it", Lead: []string{"Once, and under your name. What was not justified of an override ends at once."}}
	show, act = simple(judge, outcomeFields, "Record it", "Recorded.", "/done", false, judgeEnquiry)
	practitioner("/reviews/enquiries/{review}", show, act)
	show, act = simple(judge, outcomeFields, "Record it", "Recorded.", "/done", false, judgeOverride)
	practitioner("/reviews/overrides/{act}", show, act)

	practitioner("/governance", forOfficers(showGovernance), nil)
	practitioner("/governance/acts", forOfficers(showGovernanceActs), nil)
	practitioner(oversightPath, forOfficers(showOversight), forOfficers(doOversight))
	practitioner("/governance/due", forOfficers(showDue), nil)
	practitioner("/governance/hubs", forOfficers(showHubs), nil)
	disputeRoutes(practitioner)
	practitioner("/governance/registrars", forOfficers(showRegistrars), nil)
	practitioner(tryPath, forOfficers(showTry), forOfficers(doTry))
	practitioner("/complaints", showOpenComplaints, nil)
	show, act = simple(page{Title: "Acknowledge a complaint", Lead: []string{"The person is told that you have it."}}, onlyReason, "Acknowledge it", "Acknowledged. The person is told.", "/complaints", false, acknowledge)
	practitioner("/complaints/{complaint}/acknowledge", show, act)
	show, act = simple(page{Title: "Answer a complaint", Lead: []string{"Once. The person is told the outcome."}}, answerFields, "Answer it", "Answered. The person is told.", "/complaints", false, answerComplaint)
	practitioner("/complaints/{complaint}/answer", show, act)

	mine := func(path string, show func(*visit) error, act func(*visit) error) {
		at("GET /me"+path, p.as(aPerson, show))
		if act != nil {
			at("POST /me"+path, p.as(aPerson, act))
		}
	}
	mine("", showMe, nil)
	mine(strings.TrimPrefix(forPath, "/me"), showFor, doFor)
	mine("/relationships", showRelationships, nil)
	mine("/enquiries", showAskers, nil)
	mine(strings.TrimPrefix(elsewherePath, "/me"), showElsewhere, nil)
	mine("/acts", showActs, nil)
	mine("/decisions", showDecided, nil)
	mine("/consents", showWord, nil)
	mine("/links", showLinks, nil)
	mine("/complaints", showComplaints, nil)
	mine("/copy", showCopy, nil)
	mine("/copy/my-data.html", sendCopy, nil)
	mine("/copy/my-data.json", sendCopy, nil)
	about := func(path string, form func(*visit, known) *form, on func(known) *page, do func(*visit, known, *form) error, done, then string) {
		show, act := mineForm(form, on, do, done, then, nil)
		mine("/relationships/{handle}/"+path, deciding(show), deciding(act))
	}
	about("hide", hideForm, hidePage, doHide, "It is hidden from now on.", "/me/consents")
	about("leave-out", leaveOutForm, leaveOutPage, doLeaveOut, "They are left out from now on.", "/me/consents")
	about("agree", agreeForm, agreePage, doAgree, "What you agreed to is in force from now on.", "/me/consents")
	about("complain", complainForm, complainPage, doComplain, "Your complaint has been sent.", "/me/complaints")
	end := func(path, done string, pg page, act func(*visit, *consentoas.Client, string) error) {
		show, do := ending("id", pg, done, act)
		mine(path+"/{id}/end", deciding(show), deciding(do))
	}
	end("/consents", "You have taken it back.", page{Title: "Take it back", Lead: []string{"What rested on your agreement ends at once. What rests on another ground does not."}},
		func(v *visit, c *consentoas.Client, id string) error {
			_, err := c.TakeBackConsent(v.ctx, consentoas.TakeBackConsentParams{Consent: consentoas.ID(id)})
			return err
		})
	end("/blocks", "It may be told of again.", page{Title: "Let it be told of again", Lead: []string{"From then on the service's own decision says who is told."}},
		func(v *visit, c *consentoas.Client, id string) error {
			_, err := c.ShowRelationship(v.ctx, consentoas.ShowRelationshipParams{Block: consentoas.ID(id)})
			return err
		})
	end("/exclusions", "They are let in again.", page{Title: "Let them in again", Lead: []string{"From then on they are told what the decisions of those who know you allow."}},
		func(v *visit, c *consentoas.Client, id string) error {
			_, err := c.LetInAgency(v.ctx, consentoas.LetInAgencyParams{Exclusion: consentoas.ID(id)})
			return err
		})
	mine("/objections/{act}", deciding(showObject), deciding(doObject))
	mine("/confirmations/{act}", deciding(showConfirm), deciding(doConfirm))
	return mux
}

// home is the start page: what somebody who has signed in can do, or where to sign in.
func (p *Portal) home(w http.ResponseWriter, r *http.Request) {
	v := p.visit(w, r)
	if v.who == nil {
		p.chooseSignIn(w, r)
		return
	}
	if v.who.party == registrarName {
		http.Redirect(w, r, Prefix+"/me", http.StatusSeeOther)
		return
	}
	if err := v.readTerms(); err != nil {
		if isExpired(bearer.Told(err)) {
			p.sessions.expire(v.s)
			p.signInFirst(v, v.s)
			return
		}
		v.finish(err)
		return
	}
	pg := &page{Title: "What do you want to do?"}
	for _, n := range v.nav() {
		pg.Cards = append(pg.Cards, card{Title: n.Text, Href: n.Href, Lines: []string{n.Why}})
	}
	if p.Guide != nil {
		pg.Links = append(pg.Links, link{Text: "The story to follow", Href: Prefix + "/guide"})
	}
	v.finish(v.show(pg))
}

// guide tells whoever tries a demonstration who is in it and what to do.
func (p *Portal) guide(w http.ResponseWriter, r *http.Request) {
	if p.Guide == nil {
		p.say(w, r, http.StatusNotFound, "Page not found", "This hub is not a demonstration.")
		return
	}
	v := p.visit(w, r)
	pg := &page{Title: p.Guide.Title, Lead: p.Guide.Lead, Links: []link{{Text: "Begin: sign in as somebody of the story", Href: Prefix + "/sign-in"}}}
	if v.who != nil {
		pg.Lead = append(slices.Clone(pg.Lead), "To be somebody else, sign out, and sign in as them.")
		pg.Links = []link{{Text: "Go to the start page", Href: Prefix + "/"}}
	}
	for _, c := range p.Guide.People {
		pg.Cards = append(pg.Cards, card{Title: c.Title, Lines: c.Lines})
	}
	pg.Steps = p.Guide.Steps
	v.finish(v.show(pg))
}

// Guide is a demonstration's people and its story.
type Guide struct {
	Title  string
	Lead   []string
	People []GuideCard
	Steps  []string
}

// GuideCard is one of them.
type GuideCard struct {
	Title string
	Lines []string
}

// contextOf bounds what one page asks of the duties.
func contextOf(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(r.Context(), 15*time.Second)
}
