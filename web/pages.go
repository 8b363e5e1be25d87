package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/internal/govuk"
)

//go:embed pages static
var files embed.FS

type pages struct {
	page   *template.Template
	static map[string]http.Handler
}

func readPages() (p pages, err error) {
	if p.page, err = template.New("portal").Funcs(template.FuncMap{"inc": func(n int) int { return n + 1 }}).ParseFS(files, "pages/*.html"); err != nil {
		return p, err
	}
	p.static = map[string]http.Handler{}
	for name, kind := range map[string]string{"portal.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"} {
		text, err := fs.ReadFile(files, "static/"+name)
		if err != nil {
			return p, err
		}
		p.static[name] = govuk.Static(kind, text)
	}
	return p, nil
}

// link leads somewhere.
type link struct {
	Text, Href string
	Why        string
	Here       bool
}

// row is one line of a card.
type row struct {
	Key    string
	Values []string
	Href   string // where the value leads, as tel: or a page
}

// card is one thing of a list.
type card struct {
	Title string
	Href  string
	Tag   string
	Lines []string
	Rows  []row
	Links []link
	Forms []*form
	Bars  []*bars
}

// table is a list whose columns are compared. In a narrow window each line becomes a block.
type table struct {
	Title string
	Head  []string
	Lines []line
	Empty string // where there are no lines
}

// line is one of a table: what it is about, and the cells beside it.
type line struct {
	Name, Href string
	Tag        string // beside the name
	Cells      []string
}

// page is all that a page shows. One template shows every page.
type page struct {
	Title   string
	Caption string
	Notice  string   // what to know before reading
	Done    []string // what has just been done
	Code    string   // to be read out
	Lead    []string
	Form    *form
	Warn    string
	Cards   []card
	Empty   string // where there are no cards
	Steps   []string
	Links   []link
	Buttons []link
	Own     *link
	SignIn  bool
	Circle  *circle
	Bars    *bars
	Tables  []table
	Before  []table // above the form
	After   *form   // a form below the rest
	AfterIs string
	Status  int

	// Of the whole portal.
	Hub  string
	Who  string
	Nav  []link
	Mine bool
	For  string // for whom they act, "" for themself
}

// visit is one request, by whoever makes it.
type visit struct {
	p   *Portal
	w   http.ResponseWriter
	r   *http.Request
	ctx context.Context
	s   *session
	who *user // nil: nobody has signed in
	t   *terms

	values url.Values // of a form that was sent
	done   func(to string)
	number string
	saying string // what the act has done, for the page that it leads to
}

func (p *Portal) visit(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{p: p, w: w, r: r, ctx: r.Context()}
	if s, open := p.sessions.find(p.read(r, sessionCookie)); open {
		v.s, v.who = s, s.user()
	}
	return v
}

// aPractitioner and aPerson are who pages are for.
type audience int

const (
	aPractitioner audience = iota
	aPerson
)

// as serves a page to whoever has signed in and is meant. Others sign in first: what
// they had typed is kept for them, and not sent.
func (p *Portal) as(who audience, serve func(*visit) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := contextOf(r)
		defer cancel()
		v := &visit{p: p, w: w, r: r, ctx: ctx}
		if r.Method == http.MethodPost {
			values, err := post(r)
			if err != nil {
				p.say(w, r, http.StatusRequestEntityTooLarge, "That is too much for one form", "Nothing was done. Go back, and send less at a time.")
				return
			}
			v.values = values
		}
		s, open := p.sessions.find(p.read(r, sessionCookie))
		if !open {
			p.signInFirst(v, s)
			return
		}
		v.s, v.who = s, s.user()
		if (v.who.party == registrarName) != (who == aPerson) {
			p.say(w, r, http.StatusForbidden, "This page is not for you", "It is for others than you have signed in as. The start page shows what you can do.")
			return
		}
		err := v.once(serve)
		if err != nil && isExpired(err) {
			p.sessions.expire(s)
			p.signInFirst(v, s)
			return
		}
		v.finish(err)
	}
}

// once has a form that is sent twice act once: whoever comes second is led to where the
// first was.
func (v *visit) once(serve func(*visit) error) error {
	if err := v.readTerms(); err != nil {
		return err
	}
	if v.r.Method != http.MethodPost {
		return serve(v)
	}
	if number := numberOf(v.values); number != "" {
		first, to, done := v.s.first(number)
		if !first && to != "" {
			http.Redirect(v.w, v.r, to, http.StatusSeeOther)
			return nil
		}
		if first {
			v.number = number
			led := ""
			v.done = func(to string) { led = to }
			defer func() { done(led) }()
		}
	}
	return serve(v)
}

func (v *visit) readTerms() error {
	if v.who.party == registrarName {
		v.t = v.p.words()
		return nil
	}
	g, err := v.governance()
	if err != nil {
		return err
	}
	v.t, err = v.p.readTerms(v.ctx, g)
	return err
}

// to ends an act: the browser goes on to a page that can be loaded again.
func (v *visit) to(path string) error {
	if v.done != nil {
		v.done(path)
	}
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// isExpired reports whether a duty no longer takes what somebody signed in with.
func isExpired(err error) bool {
	p, ok := errors.AsType[*bearer.Problem](bearer.Told(err))
	return ok && p.Status == http.StatusUnauthorized
}

// signInFirst keeps what was typed and sends whoever typed it to sign in.
func (p *Portal) signInFirst(v *visit, s *session) {
	back, ended := v.r.URL.RequestURI(), ""
	if s != nil {
		ended = "&ended=yes"
		if v.values != nil {
			s.keepDraft(&draft{path: v.r.URL.Path, values: v.values})
		}
		if s.who.party == registrarName && v.r.Method == http.MethodGet {
			// The registrar still knows them: nobody has to do anything.
			http.Redirect(v.w, v.r, Prefix+"/sign-in/"+registrarName+"?to="+url.QueryEscape(back), http.StatusSeeOther)
			return
		}
	}
	http.Redirect(v.w, v.r, Prefix+"/sign-in?to="+url.QueryEscape(back)+ended, http.StatusSeeOther)
}

// ask shows a form, with what was typed into it before a session ended.
func (v *visit) ask(pg *page, f *form) error {
	v.resume(pg, f)
	pg.Form = f.numbered()
	return v.show(pg)
}

// resume fills in what was typed into a form before a session ended.
func (v *visit) resume(pg *page, f *form) {
	if typed := v.s.takeDraft(v.r.URL.Path); typed != nil {
		f.fill(typed)
		pg.Notice = "You were signed out before this was sent. What you typed is still here, and nothing has been done: look at it, and send it."
	}
}

// again shows a form with what is wrong in it.
func (v *visit) again(pg *page, f *form) error {
	pg.Form, pg.Status = f.numbered(), http.StatusUnprocessableEntity
	return v.show(pg)
}

// refused shows a form again with what a duty said is wrong; any other error is passed on.
func (v *visit) refused(pg *page, f *form, err error, at map[string]string) error {
	err = bearer.Told(err)
	p, ok := errors.AsType[*bearer.Problem](err)
	if !ok || p.Status == http.StatusUnauthorized || p.Status >= 500 || p.Status == http.StatusTooManyRequests {
		return err
	}
	f.refused(p, at)
	return v.again(pg, f)
}

// finish shows what went wrong, without its cause.
func (v *visit) finish(err error) {
	if err == nil {
		return
	}
	if p, ok := errors.AsType[*bearer.Problem](bearer.Told(err)); ok && p.Status != 0 {
		if p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable {
			v.w.Header().Set("Retry-After", "2")
			v.p.say(v.w, v.r, p.Status, "Try again in a moment", "The hub is busy. Nothing of what you sent has been lost or done.")
			return
		}
		v.p.say(v.w, v.r, p.Status, sentence(p.Title), sentence(p.Detail))
		return
	}
	v.p.fail(v.w, v.r, err)
}

// fail is for what nobody expected.
func (p *Portal) fail(w http.ResponseWriter, r *http.Request, err error) {
	p.Logger.ErrorContext(r.Context(), "a page failed", "path", Prefix, "cause", kindOf(err))
	p.say(w, r, http.StatusBadGateway, "Sorry, there is a problem with the service", "A part of the hub does not answer. Try again in a few minutes.")
}

// kindOf is what may be logged of an error: never an address that was asked, which may
// hold what somebody asked for.
func kindOf(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Op + ": " + u.Err.Error()
	}
	return err.Error()
}

// say shows a page that says one thing.
func (p *Portal) say(w http.ResponseWriter, r *http.Request, status int, title, what string) {
	v := p.visit(w, r)
	pg := &page{Title: title, Lead: strings.Split(what, "\n"), Status: status, Links: []link{{Text: "Go to the start page", Href: Prefix + "/"}}}
	if err := v.show(pg); err != nil {
		http.Error(w, title, status)
	}
}

// show renders a page, compressed where the browser takes that.
func (v *visit) show(pg *page) error {
	pg.Hub = v.p.Hub
	if v.who != nil {
		pg.Who, pg.Nav, pg.Mine = v.who.Name, v.nav(), v.who.party == registrarName
		if v.who.acting != nil {
			pg.For = v.who.acting.Whose()
		}
	}
	var b bytes.Buffer
	if err := v.p.pages.page.ExecuteTemplate(&b, "page.html", pg); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	if pg.Status == 0 {
		pg.Status = http.StatusOK
	}
	if strings.Contains(v.r.Header.Get("Accept-Encoding"), "gzip") && !pg.Mine && v.who == nil {
		// Pages that hold what somebody typed beside what is secret are not compressed,
		// so that their length says nothing of either.
		h.Set("Content-Encoding", "gzip")
		v.w.WriteHeader(pg.Status)
		z := gzip.NewWriter(v.w)
		_, _ = z.Write(b.Bytes()) // the browser may be gone
		_ = z.Close()
		return nil
	}
	v.w.WriteHeader(pg.Status)
	_, _ = v.w.Write(b.Bytes()) // the browser may be gone
	return nil
}

// has reports whether somebody has one of the roles.
func (u *user) has(roles ...string) bool {
	return slices.ContainsFunc(u.in.Roles, func(r governanceoas.Code) bool { return slices.Contains(roles, string(r)) })
}

// nav is what whoever has signed in can do, by their roles: the duties decide what they
// may.
func (v *visit) nav() (all []link) {
	add := func(text, path, why string) {
		at := Prefix + path
		all = append(all, link{Text: text, Href: at, Why: why, Here: v.r.URL.Path == at || strings.HasPrefix(v.r.URL.Path, at+"/")})
	}
	if v.who.party == registrarName {
		for _, n := range mineNav {
			add(n.Text, strings.TrimPrefix(n.Href, Prefix), n.Why)
		}
		if len(v.who.represents) > 0 {
			add("Whose file", forPath, "Choose whose file you look at: your own, or that of somebody for whom you have authority.")
		}
		return all
	}
	if v.t == nil {
		v.t = v.p.words()
	}
	if len(v.who.in.Providers) > 0 {
		add("Ask", "/ask", "Who else works with the person I know?")
		add("My enquiries", "/enquiries", "What I have asked since I signed in, and answers to contact requests.")
		add("Contact requests", "/inbox", "Others ask you to get in touch about somebody whom you work with.")
		if len(v.t.may(v.who.in, "publish", "impose")) > 0 {
			add("Publish", "/publish", "Let others know that you work with somebody, and what you offer.")
		}
		if len(v.t.may(v.who.in, "publish", "correlate", "impose")) > 0 {
			add("Telephone code", "/pair", "You are on the telephone with another agency about the same person: read them a code.")
		}
		if len(v.t.may(v.who.in, "correlate")) > 0 {
			add("Join", "/join", "Somebody has read you a code: join what they know with what you know.")
		}
		if len(v.t.may(v.who.in, "publish")) > 0 {
			add("Upload", importsPath, "Publish many relationships from a file, under an approval.")
		}
		if len(v.t.may(v.who.in, "publish")) > 0 && len(v.p.Duties.Idmgrs) > 0 {
			add("Private links", "/links", "Pass one thing on to one other service, for one purpose. Nobody else is told.")
		}
		if len(v.t.may(v.who.in, "correlate", "publish")) > 0 {
			add("Waiting", "/waiting", "Who is disputed, or joined or published together with somebody who has still to agree.")
		}
		add("History", "/history", "What has been done about one of your own identifiers, and undo it.")
		add("Recognise", "/recognise", "Somebody whom your own records do not have: ask a register who it is.")
	}
	if len(v.t.may(v.who.in, "approve")) > 0 {
		add("Approve uploads", "/approve", "Decide what others of your agency may publish from a file.")
	}
	if len(v.t.may(v.who.in, "review")) > 0 {
		add("Reviews", "/reviews", "Emergencies and overrides that wait for somebody to look at them.")
	}
	if v.who.has(v.t.keepers(string(v.who.in.Agency))...) {
		add("Registers", "/registers", "How sound the registers are that you keep.")
	}
	if v.who.has(governanceOfficer) {
		add("Partnership", "/governance", "The partnership as applied, its agreements, who is responsible, and the log.")
		add("Complaints", "/complaints", "What people complained of, and nobody has answered.")
	}
	return all
}
