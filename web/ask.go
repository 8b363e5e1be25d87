package web

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/relmgroas"
)

// asked is an enquiry and its answer, as long as the session lasts.
type asked struct {
	At         time.Time
	Column     string
	Identifier string
	Purpose    string
	Emergency  bool
	Answer     *relmgroas.Answer
	Elsewhere  []elsewhere
	Contacted  string // by which of the asker's routes holders were asked to call
}

// columnField asks in which of their columns somebody acts.
func (v *visit) columnField() *field {
	f := &field{Name: "column", Label: "Which of your services are you asking for?", Kind: choice, Missing: "Select which of your services you are asking for"}
	for _, c := range v.t.own(v.who.in, v.p.Now()) {
		f.Options = append(f.Options, option{Value: c.ID, Text: v.t.columnTitle(c.ID), Hint: "Its identifiers look like " + c.Example})
	}
	return oneChoice(f)
}

func (v *visit) identifierField() *field {
	hint := "What your own records call them."
	if own := v.t.own(v.who.in, v.p.Now()); len(own) == 1 {
		hint += " It looks like " + own[0].Example + "."
	}
	return &field{Name: "identifier", Label: "Identifier", Hint: hint, Kind: text, Width: 20, Missing: "Enter the identifier that your own records have"}
}

func purposeField(t *terms, under []agreement, label string) *field {
	return oneChoice(&field{
		Name: "purpose", Label: label, Kind: choice,
		Options: only(t.Codes.Purposes, gather(under, func(a agreement) []string { return a.Purposes })), Missing: "Select what you need it for",
	})
}

func reasonField(t *terms, label string) *field {
	return &field{Name: "reason", Label: label, Kind: pick, Options: options(t.Codes.Reasons), Missing: "Select a reason"}
}

// askForm asks what a practitioner wants to know (QRY-01, QRY-02, QRY-06).
func askForm(v *visit) *form {
	under := v.t.may(v.who.in, "enquire", "emergency")
	f := &form{Action: Prefix + "/ask", Button: "Ask", Fields: []*field{
		v.columnField(),
		v.identifierField(),
		purposeField(v.t, under, "What do you need it for?"),
		reasonField(v.t, "Why do you need to know?"),
		{Name: "concerning", Label: "Whom is it about?", Kind: choice, Missing: "Select whom it is about",
			Options: []option{{Value: "child", Text: "A child"}, {Value: "adult", Text: "An adult"}, {Value: "unborn", Text: "An unborn child"}, {Value: "not-known", Text: "I do not know"}}},
		{Name: "transaction", Label: "What do you want to do together?", Hint: "Leave it as it is to see everybody who works with them.", Kind: pick, Optional: true, Options: options(v.t.Codes.Transactions)},
		{Name: "case", Label: "Case or referral in your own records", Hint: "Some agreements need it where you have not published that you work with them.", Kind: text, Optional: true, Width: 20},
	}}
	if len(v.t.may(v.who.in, "emergency")) > 0 {
		f.Fields = append(f.Fields, &field{Name: "emergency", Kind: yes, Optional: true, Label: "This is an emergency: life or limb is at risk",
			Hint: "You are asked once more before anything is done. What people have hidden may be shown, and somebody else reviews that you asked."})
	}
	if hubs := hubsField(v, under); hubs != nil {
		f.Fields = append(f.Fields, hubs)
	}
	return f
}

var askPage = page{Title: "Who else works with this person?", Lead: []string{
	"You ask by the identifier of your own service. Nobody is shown it. Every question is recorded, and the person may see that you asked and why.",
}}

func showAsk(v *visit) error {
	pg := askPage
	return v.ask(&pg, askForm(v))
}

func doAsk(v *visit) error {
	pg, f := askPage, askForm(v)
	if !f.read(v.values) {
		return v.again(&pg, f)
	}
	emergency := f.get("emergency") == "yes"
	if emergency && v.values.Get("sure") != "yes" {
		return v.secondThought(f)
	}
	q := &relmgroas.EnquiryRequest{
		Column: relmgroas.Code(f.get("column")), Identifier: relmgroas.NewOptLocalIdentifier(relmgroas.LocalIdentifier(f.get("identifier"))),
		Purpose: relmgroas.Code(f.get("purpose")), Reason: relmgroas.Code(f.get("reason")), Concerning: relmgroas.EnquiryRequestConcerning(f.get("concerning")),
	}
	if t := f.get("transaction"); t != "" {
		q.Transaction = relmgroas.NewOptCode(relmgroas.Code(t))
	}
	if c := f.get("case"); c != "" {
		q.Case = relmgroas.NewOptCaseReference(relmgroas.CaseReference(c))
	}
	if emergency {
		q.Emergency = relmgroas.NewOptBool(true)
	}
	if f.get("elsewhere") == "yes" {
		q.Scope.SetTo(relmgroas.EnquiryRequestScopeFederation)
	}
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	a, err := r.Enquire(v.ctx, q)
	if err != nil {
		return v.refused(&pg, f, err, map[string]string{"scope": "elsewhere"})
	}
	one := asked{At: v.p.Now(), Column: f.get("column"), Identifier: f.get("identifier"), Purpose: f.get("purpose"), Emergency: emergency, Answer: a}
	for _, o := range a.Orders {
		one.Elsewhere = append(one.Elsewhere, elsewhere{Hub: string(o.Hub)})
	}
	v.s.remember(one)
	if err := v.askHubs(a.ID, a.Orders); err != nil {
		return err
	}
	return v.to(Prefix + "/enquiries/" + string(a.ID))
}

// secondThought asks once more before an emergency (QRY-05).
func (v *visit) secondThought(f *form) error {
	again := &form{Action: f.Action, Button: "Yes, this is an emergency: ask now", Warning: true, Fields: []*field{{Name: "sure", Kind: hidden, Values: []string{"yes"}}}}
	for _, one := range f.Fields {
		kept := *one
		kept.Kind = hidden
		again.Fields = append(again.Fields, &kept)
	}
	pg := &page{Title: "Is this an emergency?", Warn: "You are about to see past what people have chosen to hide.", Lead: []string{
		"Ask in an emergency only where somebody's life or limb is at risk and there is no time to ask them, or those who work with them.",
		"Your agency's reviewers look at every emergency, whether or not it finds anything, and the person may be told that you declared one.",
	}, Form: again.numbered(), Links: []link{{Text: "No, go back and ask without it", Href: Prefix + "/ask"}}}
	return v.show(pg)
}

// showEnquiries lists what was asked in this session: the hub keeps all of it, the portal
// what it must to show the answer again.
func showEnquiries(v *visit) error {
	pg := &page{Title: "My enquiries", Lead: []string{"What you have asked since you signed in. The hub keeps a record of every question for good; this list ends when you sign out."},
		Empty: "You have asked nothing yet.", Links: []link{{Text: "What I asked earlier", Href: Prefix + "/enquiries/earlier"}, {Text: "Ask", Href: Prefix + "/ask"}}}
	for _, a := range v.s.recent() {
		c := card{Title: a.Identifier, Href: Prefix + "/enquiries/" + string(a.Answer.ID), Rows: []row{
			{Key: "Asked", Values: []string{when(a.At)}}, {Key: "For", Values: []string{title(v.t.Codes.Purposes, a.Purpose)}}, {Key: "Answer", Values: []string{summary(a.Answer)}},
		}}
		if a.Emergency {
			c.Tag = "Emergency"
		}
		pg.Cards = append(pg.Cards, c)
	}
	return v.show(pg)
}

func summary(a *relmgroas.Answer) string {
	switch n := len(a.Providers); n {
	case 0:
		return "Nothing that you can be told"
	case 1:
		return "One to contact"
	default:
		return strconv.Itoa(n) + " to contact"
	}
}

var gone = &bearer.Problem{Type: ours, Status: http.StatusNotFound, Title: "This answer is no longer here", Detail: "Answers are shown until you sign out. Ask again: it is recorded as a new question."}

func showAnswer(v *visit) error {
	a, ok := v.s.answer(v.r.PathValue("enquiry"))
	if !ok {
		return v.showReplies()
	}
	pg := &page{Title: "People to contact", Caption: a.Identifier}
	if len(a.Answer.Providers) == 0 {
		pg.Title = "Nothing that we can tell you"
		pg.Warn = sentence(a.Answer.Meaning) + "."
		pg.Lead = append(pg.Lead, "This does not mean that nobody works with this person. Somebody may, and not be free to say so to you.")
	}
	if a.Emergency {
		pg.Lead = append(pg.Lead, "You declared an emergency. Your agency's reviewers have been given it to look at.")
	}
	for _, one := range a.Answer.Providers {
		pg.Cards = append(pg.Cards, v.providerCard(one))
	}
	if len(a.Elsewhere) > 0 {
		showHubsOf(pg, a)
	}
	if len(a.Answer.Providers) > 1 {
		pg.Circle = circleOf(a.Answer.Providers)
	}
	if !a.Answer.Published {
		pg.Lead = append(pg.Lead, "Your own service has not published that it works with this person, so others who ask are not told of you.")
	}
	for _, to := range a.Answer.Recourse {
		pg.Lead = append(pg.Lead, "If you think this is wrong, turn to "+to+".")
	}
	if a.Contacted == "" {
		pg.After, pg.AfterIs = contactForm(v, a).numbered(), "Ask everybody who works with them to contact you"
	} else if err := v.replies(pg, a); err != nil {
		return err
	}
	pg.Links = append(pg.Links, link{Text: "Ask about somebody else", Href: Prefix + "/ask"})
	return v.show(pg)
}

func (v *visit) providerCard(one relmgroas.AnsweredProvider) card {
	c := card{Title: one.Title, Tag: plain(string(one.Kind)), Rows: []row{
		{Key: "Agency", Values: []string{one.AgencyName}}, {Key: "Their role", Values: []string{title(v.t.Codes.Roles, one.Role)}},
	}}
	for i, o := range one.Offers {
		offer := plain(string(o.Kind))
		if len(o.Transactions) > 0 {
			var with []string
			for _, t := range o.Transactions {
				with = append(with, lower(title(v.t.Codes.Transactions, string(t))))
			}
			offer += ": " + join(with)
		}
		c.Rows = append(c.Rows, row{Key: "Offers", Values: []string{offer}})
		if i+1 == len(one.Offers) || one.Offers[i+1].Contact != o.Contact { // a route that several share is said once
			c.Rows = append(c.Rows, contactRow(o.Contact))
		}
	}
	return c
}

func contactRow(c relmgroas.Contact) row {
	r := row{Key: plain(string(c.Kind)), Values: []string{c.Value, c.Hours}}
	if c.Confirmed != "" {
		r.Values = append(r.Values, "Confirmed by the agency on "+c.Confirmed)
	}
	switch c.Kind {
	case relmgroas.ContactKindTelephone:
		r.Href = "tel:" + c.Value
	case relmgroas.ContactKindEmail:
		r.Href = "mailto:" + c.Value
	}
	return r
}

// contactForm asks to be contacted, beside every answer: what reaches whom is never told
// (QRY-11).
func contactForm(v *visit, a asked) *form {
	f := &form{Action: Prefix + "/enquiries/" + string(a.Answer.ID) + "/contact", Button: "Send the contact request", Intro: []string{
		"Whoever works with this person is asked to get in touch with you, also those we cannot tell you of. They decide whether to. You are not told whom it reaches.",
	}}
	var of []column
	if c := v.t.column(a.Column); c != nil {
		of = append(of, *c)
	}
	f.Fields = []*field{contactField(of)}
	return f
}

func contactPage(a asked) *page {
	return &page{Title: "Ask to be contacted", Caption: a.Identifier, Links: []link{{Text: "Back to the answer", Href: Prefix + "/enquiries/" + string(a.Answer.ID)}}}
}

func showContact(v *visit) error {
	a, ok := v.s.answer(v.r.PathValue("enquiry"))
	if !ok {
		return gone
	}
	return v.ask(contactPage(a), contactForm(v, a))
}

func doContact(v *visit) error {
	a, ok := v.s.answer(v.r.PathValue("enquiry"))
	if !ok {
		return gone
	}
	f := contactForm(v, a)
	if !f.read(v.values) {
		return v.again(contactPage(a), f)
	}
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	if _, err = r.RequestContact(v.ctx, &relmgroas.ContactRequest{Contact: relmgroas.Code(f.get("contact"))}, relmgroas.RequestContactParams{Enquiry: a.Answer.ID}); err != nil {
		return v.refused(contactPage(a), f, err, nil)
	}
	v.s.contacted(string(a.Answer.ID), f.get("contact"))
	return v.to(Prefix + "/enquiries/" + string(a.Answer.ID))
}

// showReplies is what an answer's address shows in a later session: the answer is gone,
// the replies to its contact request are not. The hub says whose enquiry it was.
func (v *visit) showReplies() error {
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	got, err := r.ListContactReplies(v.ctx, relmgroas.ListContactRepliesParams{Enquiry: relmgroas.ID(v.r.PathValue("enquiry"))})
	if p, ok := errors.AsType[*bearer.Problem](bearer.Told(err)); ok && p.Status < http.StatusInternalServerError && p.Status != http.StatusUnauthorized {
		return gone
	}
	if err != nil {
		return err
	}
	pg := &page{Title: "Replies to your contact request", Lead: []string{"The answer itself was shown until you signed out. Ask again to see it: that is recorded as a new question."},
		Empty: "Nobody has replied. Whoever is not free to say so looks the same as nobody.", Links: []link{{Text: "Ask", Href: Prefix + "/ask"}}}
	for _, one := range got.Replies {
		pg.Cards = append(pg.Cards, replyCard(one))
	}
	return v.show(pg)
}

func replyCard(one relmgroas.ContactReply) card {
	return card{Title: one.Title, Tag: plain(string(one.Reply)), Rows: []row{{Key: "Agency", Values: []string{one.AgencyName}}, contactRow(one.Contact)}}
}

// replies are those of holders who share or want to be called. One who has not answered
// and one who is not there look the same.
func (v *visit) replies(pg *page, a asked) error {
	pg.Done = append(pg.Done, "Your contact request has been sent. It reaches each of them at a time of its own, within half an hour. Whoever works with this person and may get in touch will use the route you chose.")
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	got, err := r.ListContactReplies(v.ctx, relmgroas.ListContactRepliesParams{Enquiry: a.Answer.ID})
	if err != nil {
		return err
	}
	for _, one := range got.Replies {
		pg.Cards = append(pg.Cards, replyCard(one))
	}
	if len(got.Replies) == 0 {
		pg.Lead = append(pg.Lead, "Nobody has replied yet. Keep this page's address: replies come in days, and it shows them to you when you have signed in again.")
	}
	return nil
}

func (s *session) contacted(id, route string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.answers {
		if string(s.answers[i].Answer.ID) == id {
			s.answers[i].Contacted = route
		}
	}
}

// circle is the picture of who works with somebody: they in the middle, the providers
// around them. All that it says stands in the list as well.
type circle struct {
	Width, Height, X, Y int
	Centre, Says        string // what is in the middle, and the picture in words
	Around              []spot
}

type spot struct {
	X, Y          int
	Title, Agency string
	Faint         bool // the line to it is broken
}

func circleOf(all []relmgroas.AnsweredProvider) *circle {
	var around []spot
	for _, one := range all {
		around = append(around, spot{Title: one.Title, Agency: one.AgencyName})
	}
	return inCircle("Person", "A picture of the people to contact, around the person. The list above says the same.", around)
}

func inCircle(centre, says string, around []spot) *circle {
	c := &circle{Width: 640, Height: 400, X: 320, Y: 200, Centre: centre, Says: says}
	for i, one := range around {
		at := 2*math.Pi*float64(i)/float64(len(around)) - math.Pi/2
		c.Around = append(c.Around, spot{X: c.X + int(220*math.Cos(at)), Y: c.Y + int(150*math.Sin(at)), Title: short(one.Title), Agency: short(one.Agency), Faint: one.Faint})
	}
	return c
}

func short(s string) string {
	if r := []rune(s); len(r) > 22 {
		return string(r[:21]) + "…"
	}
	return s
}

// bars is a chart of counts, drawn here: no script draws anything.
type bars struct {
	Title string
	Of    []bar
}

type bar struct {
	Name     string
	N, Width int
}
