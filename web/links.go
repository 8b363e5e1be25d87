package web

import (
	"crypto/rand"
	"net/url"
	"slices"
	"strconv"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/api/relmgroas"
)

// A private link (IDM-01 to IDM-03) leads from one of the caller's own identifiers to one
// other service, for one purpose, until an end. It is made, heard, asked through, renewed
// and ended here; the index knows nothing of it.

type adder = func(path string, show, act func(*visit) error)

type formAdder = func(path string, blank func(*visit) (*page, *form, error), do func(*visit, *form) (string, error))

func linkRoutes(practitioner adder, asks formAdder) {
	practitioner("/links", showOwnLinks, nil)
	asks("/links/open", plainly(page{Title: "Make a private link", Lead: []string{
		"It passes one thing on, to one other service, for one purpose, until an end. Nothing is published and nobody else is told. The other side types a code that you read to them.",
	}}, func(v *visit) *form { return linkForm(v, nil) }), openLink)
	asks("/links/accept", plainly(page{Title: "Take up a private link", Lead: []string{"Somebody has read you the code of a private link. You bring the identifier that your own records have of the same person; they are not told it."}}, acceptForm), acceptLink)
	asks("/links/{manager}/{link}/ask", throughForm, askThrough)
	asks("/links/{manager}/{link}/renew", renewForm, renewLink)
	asks("/links/{manager}/{link}/end", plainly(page{Title: "End a private link", Lead: []string{"It ends at once: the next question is told nothing."}}, func(v *visit) *form {
		return &form{Action: v.r.URL.Path, Button: "End it", Warning: true, Fields: onlyReason(v)}
	}), endLink)
	practitioner("/told/{told}", showTold, nil)
}

// told is a page that an act has led to, as long as the session lasts.
type told struct {
	id string
	pg page
}

// tell keeps a page, and returns where it is.
func (s *session) tell(pg page) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := told{rand.Text(), pg}
	s.told = append([]told{one}, s.told[:min(len(s.told), mostAnswers-1)]...)
	return "/told/" + one.id
}

func showTold(v *visit) error {
	v.s.mu.Lock()
	at := slices.IndexFunc(v.s.told, func(t told) bool { return t.id == v.r.PathValue("told") })
	var pg page
	if at >= 0 {
		pg = v.s.told[at].pg
	}
	v.s.mu.Unlock()
	if at < 0 {
		return gone
	}
	return v.show(&pg)
}

// idmgr is the identity manager that an address names, by its place in the list.
func (v *visit) idmgr(manager string) (*idmgroas.Client, error) {
	n, err := strconv.Atoi(manager)
	if err != nil || n < 0 || n >= len(v.p.Duties.Idmgrs) {
		return nil, notThere
	}
	return idmgroas.NewClient(v.p.Duties.Idmgrs[n], bearer.Idmgr(v.who.token), idmgroas.WithClient(v.p.client))
}

// managerField asks which identity manager keeps the link: not where there is one.
func (v *visit) managerField() *field {
	f := &field{Name: "manager", Label: "Who keeps it?", Kind: choice, Missing: "Select who keeps the link"}
	for n, at := range v.p.Duties.Idmgrs {
		text := at
		if u, err := url.Parse(at); err == nil {
			text = u.Host
		}
		f.Options = append(f.Options, option{Value: strconv.Itoa(n), Text: text})
	}
	return oneChoice(f)
}

func (v *visit) proofOf(f *form) (idmgroas.LinkProof, error) {
	r, err := v.relmgr()
	if err != nil {
		return "", err
	}
	h, err := r.FindHandle(v.ctx, &relmgroas.HandleRequest{Column: relmgroas.Code(f.get("column")), Identifier: relmgroas.LocalIdentifier(f.get("identifier"))})
	if err != nil {
		return "", err
	}
	return idmgroas.LinkProof(h.Proofs.Idmgr), nil
}

// ownLink is a link as one of the caller's columns sees it.
type ownLink struct {
	idmgroas.Link
	column string
}

// ownLinks are those of a column at one manager, the newest first.
func (v *visit) ownLinks(manager string) (all []ownLink, err error) {
	m, err := v.idmgr(manager)
	if err != nil {
		return nil, err
	}
	for _, c := range v.t.own(v.who.in, v.p.Now()) {
		got, err := m.ListLinks(v.ctx, idmgroas.ListLinksParams{Column: idmgroas.Code(c.ID)})
		if err != nil {
			return nil, err
		}
		for _, one := range got.Links {
			all = append(all, ownLink{one, c.ID})
		}
	}
	return all, nil
}

func (v *visit) linkHere() (ownLink, error) {
	all, err := v.ownLinks(v.r.PathValue("manager"))
	if err != nil {
		return ownLink{}, err
	}
	for _, one := range all {
		if string(one.Link.Link) == v.r.PathValue("link") {
			return one, nil
		}
	}
	return ownLink{}, notThere
}

var linkStates = map[idmgroas.LinkState]string{
	idmgroas.LinkStateWaiting: "Waiting for the other side", idmgroas.LinkStateLive: "In use", idmgroas.LinkStateEnded: "Ended", idmgroas.LinkStateOver: "Over",
}

func showOwnLinks(v *visit) error {
	pg := &page{Title: "Private links", Done: v.flash(), Empty: "Your services have no private links.", Lead: []string{
		"A private link lets two services speak about one person, for one purpose, until an end. It is in no list that others can ask, and the index does not know of it.",
	}, Buttons: []link{{Text: "Make a private link", Href: Prefix + "/links/open"}}, Links: []link{{Text: "Somebody has read me a code", Href: Prefix + "/links/accept"}}}
	for n := range v.p.Duties.Idmgrs {
		all, err := v.ownLinks(strconv.Itoa(n))
		if err != nil {
			return err
		}
		for _, one := range all {
			pg.Cards = append(pg.Cards, v.linkCard(one, Prefix+"/links/"+strconv.Itoa(n)+"/"+string(one.Link.Link)))
		}
	}
	return v.show(pg)
}

func (v *visit) linkCard(one ownLink, at string) card {
	c := card{Title: "Nobody yet", Tag: linkStates[one.State], Rows: []row{{Key: "Your service", Values: []string{v.t.columnTitle(one.column)}}}}
	if w, ok := one.With.Get(); ok {
		c.Title = w.Provider
		c.Rows = append(c.Rows, row{Key: "Agency", Values: []string{w.Agency}})
		c.Rows = append(c.Rows, linkContact(w)...)
	} else if one.Side == idmgroas.LinkSideAccepted {
		c.Title = "A link that you took up"
	}
	c.Rows = append(c.Rows,
		row{Key: "For", Values: []string{title(v.t.Codes.Purposes, string(one.Purpose))}},
		row{Key: "About", Values: []string{join(titles(v.t.Codes.Aspects, one.Aspects))}}, row{Key: "Until", Values: []string{when(one.Until)}})
	if n, ok := one.UsesLeft.Get(); ok {
		c.Rows = append(c.Rows, row{Key: "Questions left", Values: []string{strconv.Itoa(n)}})
	}
	if why, ok := one.Reason.Get(); ok {
		c.Rows = append(c.Rows, row{Key: "Why it ended", Values: []string{title(v.t.Codes.Reasons, string(why))}})
	}
	if one.State != idmgroas.LinkStateLive && one.State != idmgroas.LinkStateWaiting {
		return c
	}
	if one.Side == idmgroas.LinkSideAccepted {
		c.Links = append(c.Links, link{Text: "Ask who is at the other end", Href: at + "/ask"})
	} else {
		c.Links = append(c.Links, link{Text: "Renew it", Href: at + "/renew"})
	}
	c.Links = append(c.Links, link{Text: "End it", Href: at + "/end"})
	return c
}

func linkContact(p idmgroas.LinkParty) []row {
	c, ok := p.Contact.Get()
	if !ok {
		return nil
	}
	r := contactRow(relmgroas.Contact{Kind: relmgroas.ContactKind(c.Kind), Value: c.Value, Hours: c.Hours})
	return []row{r}
}

// linkForm asks for a link's terms and its holder's four steps. Where it is renewed it
// leads where it led.
func linkForm(v *visit, renews *ownLink) *form {
	to := &field{Name: "to", Label: "To which other service?", Kind: pick, Missing: "Select the service that it leads to"}
	var own []column
	for _, c := range v.t.Columns {
		closed := c.Closes != nil && !v.p.Now().Before(*c.Closes)
		switch {
		case closed:
		case slices.ContainsFunc(v.t.own(v.who.in, v.p.Now()), func(o column) bool { return o.ID == c.ID }):
			own = append(own, c)
		default:
			to.Options = append(to.Options, option{Value: c.ID, Text: v.t.columnTitle(c.ID) + ", " + v.t.agencyName(c.Agency)})
		}
	}
	f := &form{Action: v.r.URL.Path, Button: "Make the link", judge: judgeLink, at: map[string]string{
		"proof": "identifier", "conditions": "ordinary", "proportionality": "aim", "agreed": "evidence", "reason": "imposed", "purposes": "purpose",
	}}
	f.Fields = []*field{
		v.managerField(), v.columnField(), v.identifierField(), oneChoice(to), contactField(own),
		{Name: "uses", Label: "How often may they ask?", Hint: "A number. Left out, as often as they need until it ends.", Kind: text, Optional: true, Width: 4, Max: 4},
	}
	if len(v.t.may(v.who.in, "publish")) == 0 {
		f.Intro = []string{"No agreement lets your role make one: it is for those who may publish."}
	}
	for _, one := range decisionFields(v, "publish", "impose") {
		switch one.Name {
		case "audience", "agencies", "consent": // it leads to one column, and the word for it is kept with it
			continue
		case "purposes":
			one = purposeField(v.t, v.t.may(v.who.in, "publish", "impose"), "For what one purpose?")
		case "aspects":
			one.Label = "What may be passed on?"
		case "until":
			one.Label = "Until when?"
			one.setDay(v.p.Now().AddDate(0, 3, 0))
		case "evidence":
			f.Fields = append(f.Fields, one, &field{Name: "competent", Kind: yes, Optional: true, Label: "I have found them able to decide this for themselves", Hint: "Needed where the person consented."})
			continue
		}
		f.Fields = append(f.Fields, one)
	}
	f.Fields = append(f.Fields,
		&field{Name: "concerning", Label: "Whom is it about?", Kind: choice, Missing: "Select whom it is about", Options: []option{{Value: "child", Text: "A child"}, {Value: "adult", Text: "An adult"}}},
		&field{Name: "welfare", Kind: yes, Optional: true, Label: "I have considered the child's safety and welfare", Hint: "Needed where it is about a child."})
	if renews == nil {
		return f
	}
	f.Button = "Renew it"
	f.field("manager").Kind, f.field("manager").Values = hidden, []string{v.r.PathValue("manager")}
	f.field("column").Kind, f.field("column").Values = hidden, []string{renews.column}
	f.field("purpose").Values = []string{string(renews.Purpose)}
	f.field("aspects").Values = nil
	for _, a := range renews.Aspects {
		f.field("aspects").Values = append(f.field("aspects").Values, string(a))
	}
	if w, ok := renews.With.Get(); ok {
		to.Options = slices.DeleteFunc(to.Options, func(o option) bool { return o.Text != w.Provider+", "+w.Agency })
		oneChoice(to)
	}
	return f
}

// judgeLink are mistakes that several fields make together.
func judgeLink(f *form) {
	if onConsent(f.get("ground")) {
		if f.get("evidence") == "" {
			f.wrong("evidence", "Select how they consented")
		}
		if f.get("competent") != "yes" {
			f.wrong("competent", "Tick the box if you found them able to decide this: if not, use another ground")
		}
	} else if f.get("ground") != "" && f.get("imposed") == "" {
		f.wrong("imposed", "Select why it is shared without their consent")
	}
	if f.get("concerning") == "child" && f.get("welfare") != "yes" {
		f.wrong("welfare", "Tick the box if you have considered the child's safety and welfare")
	}
	if u := f.get("uses"); u != "" {
		if n, err := strconv.Atoi(u); err != nil || n < 1 || n > 1000 {
			f.wrong("uses", "How often they may ask must be a number from 1 to 1000")
		}
	}
}

func (v *visit) linkRequest(f *form) (*idmgroas.Client, *idmgroas.LinkRequest, error) {
	m, err := v.idmgr(f.get("manager"))
	if err != nil {
		return nil, nil, err
	}
	proof, err := v.proofOf(f)
	if err != nil {
		return nil, nil, err
	}
	q := &idmgroas.LinkRequest{
		Proof: proof, To: idmgroas.NewOptCode(idmgroas.Code(f.get("to"))), Contact: idmgroas.Code(f.get("contact")), Purpose: idmgroas.Code(f.get("purpose")), Aspects: codes[idmgroas.Code](f.many("aspects")), Until: f.day("until"),
		Decision: idmgroas.LinkDecision{
			Agreement: idmgroas.Code(f.get("agreement")), Power: idmgroas.Code(f.get("power")), Ground: idmgroas.Ground(f.get("ground")),
			Proportionality: idmgroas.Proportionality{Necessary: true, Safeguards: true, Aim: idmgroas.Code(f.get("aim"))},
			Conditions:      idmgroas.Conditions{Ordinary: idmgroas.Code(f.get("ordinary"))}, Concerning: idmgroas.NewOptConcerning(idmgroas.Concerning(f.get("concerning"))),
		},
	}
	if s := f.get("sensitive"); s != "" {
		q.Decision.Conditions.Sensitive = idmgroas.NewOptCode(idmgroas.Code(s))
	}
	if f.get("welfare") == "yes" {
		q.Decision.Welfare = idmgroas.NewOptBool(true)
	}
	if n, err := strconv.Atoi(f.get("uses")); err == nil {
		q.Uses = idmgroas.NewOptInt(n)
	}
	if onConsent(f.get("ground")) {
		q.Agreed = idmgroas.NewOptLinkAgreed(idmgroas.LinkAgreed{Evidence: idmgroas.LinkAgreedEvidence(f.get("evidence")), Wording: "portal-link-1", Competent: true})
	} else {
		q.Decision.Reason = idmgroas.NewOptCode(idmgroas.Code(f.get("imposed")))
	}
	return m, q, nil
}

func openLink(v *visit, f *form) (string, error) {
	m, q, err := v.linkRequest(f)
	if err != nil {
		return "", err
	}
	got, err := m.OpenLink(v.ctx, q)
	if err != nil {
		return "", err
	}
	v.s.keepCode(spokenCode{string(got.Code), got.Expires, "where they take up a private link", "/links"})
	return "/pair/code", nil
}

func renewForm(v *visit) (*page, *form, error) {
	one, err := v.linkHere()
	if err != nil {
		return nil, nil, err
	}
	return &page{Title: "Renew a private link", Lead: []string{"It gets new terms, by a fresh decision of yours. It leads where it led, about the same person: enter the identifier that it was made with."}}, linkForm(v, &one), nil
}

func renewLink(v *visit, f *form) (string, error) {
	m, q, err := v.linkRequest(f)
	if err != nil {
		return "", err
	}
	_, err = m.RenewLink(v.ctx, q, idmgroas.RenewLinkParams{Link: idmgroas.ID(v.r.PathValue("link"))})
	return v.said("It has new terms from now on.", "/links"), err
}

func acceptForm(v *visit) *form {
	return &form{Action: v.r.URL.Path, Button: "Take it up", at: map[string]string{"proof": "identifier"}, Fields: []*field{
		v.managerField(), v.columnField(), v.identifierField(),
		{Name: "code", Label: "The code that was read out to you", Hint: "Nine letters and digits. Spaces and capitals do not matter.", Kind: text, Width: 10, Max: 24, Missing: "Enter the code that was read out to you"},
		reasonField(v.t, "Why do you take it up?"),
	}}
}

func acceptLink(v *visit, f *form) (string, error) {
	m, err := v.idmgr(f.get("manager"))
	if err != nil {
		return "", err
	}
	proof, err := v.proofOf(f)
	if err != nil {
		return "", err
	}
	_, err = m.AcceptLink(v.ctx, &idmgroas.AcceptanceRequest{Proof: proof, Code: idmgroas.PairingCode(f.get("code")), Reason: idmgroas.Code(f.get("reason"))})
	return v.said("You have taken it up. Ask who is at the other end when you need to.", "/links"), err
}

func throughForm(v *visit) (*page, *form, error) {
	one, err := v.linkHere()
	if err != nil {
		return nil, nil, err
	}
	f := &form{Action: v.r.URL.Path, Button: "Ask", at: map[string]string{"proof": "identifier"}, Fields: []*field{
		{Name: "column", Kind: hidden, Values: []string{one.column}}, v.identifierField(),
		{Name: "purpose", Kind: hidden, Values: []string{string(one.Purpose)}}, reasonField(v.t, "Why do you need to know?"),
	}}
	return &page{Title: "Who is at the other end?", Caption: v.t.columnTitle(one.column), Lead: []string{
		"For: " + lower(title(v.t.Codes.Purposes, string(one.Purpose))) + ". The question is recorded, and counted where the link has a number of questions.",
	}}, f, nil
}

func askThrough(v *visit, f *form) (string, error) {
	m, err := v.idmgr(v.r.PathValue("manager"))
	if err != nil {
		return "", err
	}
	proof, err := v.proofOf(f)
	if err != nil {
		return "", err
	}
	a, err := m.AskThroughLink(v.ctx, &idmgroas.LinkEnquiryRequest{Link: idmgroas.ID(v.r.PathValue("link")), Proof: proof, Purpose: idmgroas.Code(f.get("purpose")), Reason: idmgroas.Code(f.get("reason"))})
	if err != nil {
		return "", err
	}
	c := card{Title: a.With.Provider, Tag: plain(a.With.Kind), Rows: append([]row{{Key: "Agency", Values: []string{a.With.Agency}}}, linkContact(a.With)...)}
	c.Rows = append(c.Rows, row{Key: "For", Values: []string{title(v.t.Codes.Purposes, string(a.Purpose))}}, row{Key: "About", Values: []string{join(titles(v.t.Codes.Aspects, a.Aspects))}}, row{Key: "Until", Values: []string{when(a.Until)}})
	if n, ok := a.UsesLeft.Get(); ok {
		c.Rows = append(c.Rows, row{Key: "Questions left", Values: []string{strconv.Itoa(n)}})
	}
	return v.s.tell(page{Title: "At the other end", Caption: f.get("identifier"), Cards: []card{c}, Links: []link{{Text: "Private links", Href: Prefix + "/links"}}}), nil
}

func endLink(v *visit, f *form) (string, error) {
	m, err := v.idmgr(v.r.PathValue("manager"))
	if err != nil {
		return "", err
	}
	_, err = m.EndLink(v.ctx, &idmgroas.LinkEndRequest{Reason: idmgroas.Code(f.get("reason"))}, idmgroas.EndLinkParams{Link: idmgroas.ID(v.r.PathValue("link"))})
	return v.said("It has ended.", "/links"), err
}
