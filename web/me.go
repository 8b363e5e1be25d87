package web

import (
	"bytes"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/api/export"
	"github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/api/relmgroas"
)

// mine asks each duty with each of a person's proofs: who is known to many has several.
func (v *visit) mine(ask func(r *relmgroas.Client, c *consentoas.Client) error) error {
	for _, proof := range v.who.proofs {
		r, err := v.relmgrAs(proof.Relmgr)
		if err != nil {
			return err
		}
		c, err := v.consentAs(proof.Consent)
		if err != nil {
			return err
		}
		if err := ask(r, c); err != nil {
			return err
		}
	}
	return nil
}

// known is a relationship of the person's, and what asks as the person about it.
type known struct {
	relmgroas.MyRelationship
	relmgr  *relmgroas.Client
	consent *consentoas.Client
}

// whose is who it is, once.
func (k known) whose() string {
	if k.Title == k.AgencyName {
		return k.Title
	}
	return k.Title + ", " + k.AgencyName
}

func (v *visit) relationships() (all []known, err error) {
	err = v.mine(func(r *relmgroas.Client, c *consentoas.Client) error {
		got, err := r.ListMyRelationships(v.ctx)
		if err != nil {
			return err
		}
		for _, one := range got.Relationships {
			all = append(all, known{one, r, c})
		}
		return nil
	})
	return all, err
}

// asker is who asked: somebody of another hub is named there alone.
func asker(e relmgroas.MyEnquiry) string {
	if e.Hub.Set {
		return "Somebody of the hub " + string(e.Hub.Value)
	}
	return string(e.Practitioner)
}

var notThere = &bearer.Problem{Type: ours, Status: http.StatusNotFound, Title: "Page not found", Detail: "It may have ended, or not be yours. Begin again at the start page."}

// relationship is the one that the address names.
func (v *visit) relationship() (known, error) {
	all, err := v.relationships()
	if err != nil {
		return known{}, err
	}
	at := slices.IndexFunc(all, func(k known) bool { return string(k.Handle) == v.r.PathValue("handle") })
	if at < 0 {
		return known{}, notThere
	}
	return all[at], nil
}

func titles[T ~string](list []code, codes []T) (all []string) {
	for _, c := range codes {
		all = append(all, title(list, string(c)))
	}
	return all
}

func (v *visit) audience(a relmgroas.Audience) string {
	const everybody = "Every member of the partnership that is a party to the agreement"
	switch {
	case a.Partnership.Set:
		return everybody
	case len(a.Peers) > 0:
		hubs := []string{everybody}
		for _, one := range a.Peers {
			hubs = append(hubs, "the hub "+string(one))
		}
		return join(hubs)
	case len(a.Agencies) > 0:
		var names []string
		for _, one := range a.Agencies {
			names = append(names, v.t.agencyName(string(one)))
		}
		return join(names)
	}
	var names []string
	for _, one := range a.Columns {
		names = append(names, v.t.columnTitle(string(one)))
	}
	return join(names)
}

// showMe is the start page of somebody who has signed in as themself (SUB-01, SUB-09).
func showMe(v *visit) error {
	pg := &page{Title: "What is held about you", Lead: []string{
		"The index says who works with you. It never holds their records: ask each of them for those.",
	}}
	if v.who.acting != nil {
		pg.Title = "What is held about the person for whom you act"
	} else {
		pg.Lead = append(pg.Lead, "As long as you can decide for yourself, nobody can sign in here for you.")
	}
	for _, n := range v.nav() {
		pg.Cards = append(pg.Cards, card{Title: n.Text, Href: n.Href, Lines: []string{n.Why}})
	}
	if !v.who.sensitive && v.who.acting == nil {
		pg.Links = append(pg.Links, link{Text: "Show sensitive services too, such as a clinic (you sign in again, with a code or a passkey)", Href: Prefix + "/sign-in/" + registrarName + "?sensitive=yes&to=" + Prefix + "/me"})
	}
	return v.show(pg)
}

// mineNav are a person's own pages.
var mineNav = []link{
	{Text: "Who knows me", Href: Prefix + "/me/relationships", Why: "Which services work with you, on what ground, and whom they tell."},
	{Text: "Who asked", Href: Prefix + "/me/enquiries", Why: "Who asked about you, why, and what they were told."},
	{Text: "What I allowed", Href: Prefix + "/me/consents", Why: "What you agreed to, what you have hidden and whom you left out. You can change each."},
	{Text: "What was done", Href: Prefix + "/me/acts", Why: "Everything that was recorded about you in the index, newest first."},
	{Text: "What was decided", Href: Prefix + "/me/decisions", Why: "Each decision about you, and how it answered the four questions of the law."},
	{Text: "Private links", Href: Prefix + "/me/links", Why: "Links between two services that stand on your word and are in no list of others."},
	{Text: "Complaints", Href: Prefix + "/me/complaints", Why: "What you complained of, and what became of it."},
	{Text: "Take a copy", Href: Prefix + "/me/copy", Why: "All of this in one file."},
}

func showRelationships(v *visit) error {
	all, err := v.relationships()
	if err != nil {
		return err
	}
	pg := &page{Title: "Who knows me", Empty: "No service has something of you in the index that can be shown to you here.", Done: v.flash(), Lead: []string{
		"A service is here where a registrar has recognised you. There may be others, which you can ask.",
	}}
	for _, k := range all {
		c := card{Title: k.Title, Rows: []row{{Key: "Agency", Values: []string{k.AgencyName}}}}
		at := Prefix + "/me/relationships/" + string(k.Handle)
		if !k.Published {
			c.Tag = "Told to nobody"
			c.Lines = []string{"They know you, and nobody who asks is told so."}
		} else {
			c.Tag = "In the index"
			c.Rows = append(c.Rows, row{Key: "As your", Values: []string{title(v.t.Codes.Roles, k.Role.Or(""))}},
				row{Key: "Why it may", Values: []string{strings.Replace(plain(string(k.Ground.Or(""))), "The person has", "You have", 1)}},
				row{Key: "For", Values: []string{join(titles(v.t.Codes.Purposes, k.Purposes))}},
				row{Key: "They tell", Values: []string{v.audience(k.Audience.Or(relmgroas.Audience{}))}})
			if k.Until.Set {
				c.Rows = append(c.Rows, row{Key: "Until", Values: []string{whenDay(k.Until.Value)}})
			}
			if k.Mode.Or("") == relmgroas.ModeImposed && k.Act.Set && v.who.mayDecide() {
				c.Lines = append(c.Lines, "This was decided without your consent. You can object, and the agency has to answer within 28 days.")
				c.Links = append(c.Links, link{Text: "Object", Href: Prefix + "/me/objections/" + string(k.Act.Value)})
			}
		}
		if k.Mode.Or("") == relmgroas.ModeJoint && !k.Published && k.Act.Set && v.who.mayDecide() {
			c.Links = append(c.Links, link{Text: "Confirm what they want to publish together with you", Href: Prefix + "/me/confirmations/" + string(k.Act.Value)})
		}
		if v.who.mayDecide() {
			c.Links = append(c.Links, link{Text: "Hide it", Href: at + "/hide"}, link{Text: "Leave an agency out", Href: at + "/leave-out"},
				link{Text: "Agree to something", Href: at + "/agree"}, link{Text: "Complain, or say that it is wrong", Href: at + "/complain"})
		}
		pg.Cards = append(pg.Cards, c)
	}
	return v.show(pg)
}

// more leads to the next page of a list.
func (v *visit) more(pg *page, next relmgroas.OptCursor, proof int) {
	if next.Set {
		pg.Links = append(pg.Links, link{Text: "Show older ones", Href: fmt.Sprintf("%s?from=%s&of=%d", v.r.URL.Path, next.Value, proof)})
	} else if proof+1 < len(v.who.proofs) {
		pg.Links = append(pg.Links, link{Text: "Show those of your other services", Href: fmt.Sprintf("%s?of=%d", v.r.URL.Path, proof+1)})
	}
}

// part is which part of a list the address asks for.
func (v *visit) part() (r *relmgroas.Client, cursor relmgroas.OptCursor, proof int, err error) {
	q := v.r.URL.Query()
	if from := q.Get("from"); len(from) == 36 {
		cursor.SetTo(relmgroas.Cursor(from))
	}
	if _, err := fmt.Sscanf(q.Get("of"), "%d", &proof); err != nil || proof < 0 || proof >= len(v.who.proofs) {
		proof = 0
	}
	if len(v.who.proofs) == 0 {
		return nil, cursor, 0, notThere
	}
	r, err = v.relmgrAs(v.who.proofs[proof].Relmgr)
	return r, cursor, proof, err
}

func showAskers(v *visit) error {
	r, cursor, proof, err := v.part()
	if err != nil {
		return err
	}
	got, err := r.ListMyEnquiries(v.ctx, relmgroas.ListMyEnquiriesParams{Sensitive: relmgroas.NewOptBool(v.who.sensitive), Cursor: cursor, Limit: relmgroas.NewOptInt(25)})
	if err != nil {
		return err
	}
	pg := &page{Title: "Who asked about me", Empty: "Nobody has asked about you.", Lead: []string{"Newest first. That you look here is recorded nowhere."}}
	for _, e := range got.Enquiries {
		told := []string{"Nothing"}
		if len(e.ToldOf) > 0 {
			told = nil
			for _, c := range e.ToldOf {
				told = append(told, v.t.columnTitle(string(c)))
			}
		}
		c := card{Title: e.AgencyName, Rows: []row{
			{Key: "When", Values: []string{when(e.At)}}, {Key: "Who", Values: []string{asker(e) + ", " + lower(title(v.t.Codes.Roles, e.Role))}},
			{Key: "What for", Values: []string{title(v.t.Codes.Purposes, string(e.Purpose))}}, {Key: "Why", Values: []string{title(v.t.Codes.Reasons, string(e.Reason))}},
			{Key: "They were told of", Values: told},
		}}
		if e.Emergency {
			c.Tag = "Emergency"
		} else if e.Reads.Set {
			c.Tag = "Read: " + lower(plain(e.Reads.Value))
		}
		pg.Cards = append(pg.Cards, c)
	}
	v.more(pg, got.Next, proof)
	if len(v.who.elsewhere) > 0 {
		pg.Links = append(pg.Links, link{Text: "Who asked at other hubs", Href: Prefix + elsewherePath})
	}
	return v.show(pg)
}

func showActs(v *visit) error {
	r, cursor, proof, err := v.part()
	if err != nil {
		return err
	}
	got, err := r.ListMyActs(v.ctx, relmgroas.ListMyActsParams{Sensitive: relmgroas.NewOptBool(v.who.sensitive), Cursor: cursor, Limit: relmgroas.NewOptInt(25)})
	if err != nil {
		return err
	}
	pg := &page{Title: "What was done", Empty: "Nothing was done about you.", Lead: []string{"Newest first. Nothing here can be changed or removed; what is undone is undone by a new act."}}
	for _, a := range got.Acts {
		c := card{Title: plain(string(a.Kind)), Rows: []row{
			{Key: "When", Values: []string{when(a.At)}}, {Key: "Who", Values: []string{string(a.Practitioner) + ", " + lower(title(v.t.Codes.Roles, a.Role)) + ", " + a.AgencyName}},
		}}
		if a.Mode.Set {
			c.Rows = append(c.Rows, row{Key: "By", Values: []string{plain(string(a.Mode.Value))}})
		}
		if a.Reason.Set {
			c.Rows = append(c.Rows, row{Key: "Why", Values: []string{title(v.t.Codes.Reasons, string(a.Reason.Value))}})
		}
		if a.Ground.Set {
			c.Rows = append(c.Rows, row{Key: "On the ground", Values: []string{plain(string(a.Ground.Value))}})
		}
		pg.Cards = append(pg.Cards, c)
	}
	v.more(pg, got.Next, proof)
	return v.show(pg)
}

// stepWords are the four questions of a decision (LEG-01) in a few words.
var stepWords = map[int]string{
	1: "May the agency do this?", 2: "Is it needed, and in proportion?", 3: "Is confidence kept, or outweighed?", 4: "Does data protection law allow it?",
}

func showDecided(v *visit) error {
	r, cursor, proof, err := v.part()
	if err != nil {
		return err
	}
	got, err := r.ListMyDecisions(v.ctx, relmgroas.ListMyDecisionsParams{Sensitive: relmgroas.NewOptBool(v.who.sensitive), Cursor: cursor, Limit: relmgroas.NewOptInt(25)})
	if err != nil {
		return err
	}
	pg := &page{Title: "What was decided", Empty: "Nothing was decided about you.", Lead: []string{"Each decision answers four questions, in this order, and stops at the first that is answered no."}}
	for _, d := range got.Decisions {
		c := card{Title: d.AgencyName, Tag: map[bool]string{true: "Allowed", false: "Refused"}[d.Permitted], Rows: []row{
			{Key: "When", Values: []string{when(d.At)}}, {Key: "Who", Values: []string{string(d.Practitioner)}}, {Key: "For", Values: []string{join(titles(v.t.Codes.Purposes, d.Purposes))}},
		}}
		for _, s := range d.Steps {
			answer := map[relmgroas.StepAnswer]string{relmgroas.StepAnswerPassed: "Yes", relmgroas.StepAnswerFailed: "No", relmgroas.StepAnswerNotAsked: "Not asked"}[s.Answer]
			c.Rows = append(c.Rows, row{Key: stepWords[s.Step], Values: []string{answer}})
		}
		pg.Cards = append(pg.Cards, c)
	}
	v.more(pg, got.Next, proof)
	return v.show(pg)
}

func showWord(v *visit) error {
	pg := &page{Title: "What I allowed", Done: v.flash(), Empty: "You have agreed to nothing, hidden nothing and left nobody out.", Lead: []string{"Everything here is in force at once when you change it."}}
	names, words := map[relmgroas.ID]string{}, []*consentoas.MyWord{}
	var both errgroup.Group // each answer leaves on a beat
	both.Go(func() error {
		all, err := v.relationships()
		for _, k := range all {
			names[k.Handle] = k.whose()
		}
		return err
	})
	both.Go(func() error {
		return v.mine(func(_ *relmgroas.Client, c *consentoas.Client) error {
			word, err := c.ListMyWord(v.ctx)
			words = append(words, word)
			return err
		})
	})
	if err := both.Wait(); err != nil {
		return err
	}
	for _, word := range words {
		for _, one := range word.Consents {
			ended := one.Withdrawn.Set || one.Until.Before(v.p.Now())
			k := card{Title: "Agreed: " + names[relmgroas.ID(one.Handle)], Tag: map[bool]string{true: "Ended", false: "In force"}[ended], Rows: []row{
				{Key: "For", Values: []string{join(titles(v.t.Codes.Purposes, one.Purposes))}}, {Key: "About", Values: []string{join(titles(v.t.Codes.Aspects, one.Aspects))}},
				{Key: "From", Values: []string{whenDay(one.From)}}, {Key: "Until", Values: []string{whenDay(one.Until)}},
				{Key: "Recorded", Values: []string{map[bool]string{true: "By you, here", false: plain(one.Evidence)}[one.ByMyself]}},
			}}
			if u, ok := one.Understanding.Get(); ok {
				k.Rows = append(k.Rows, row{Key: "How it was made sure that it was understood", Values: []string{plain(string(u))}})
			}
			if held, ok := one.Held.Get(); ok {
				k.Lines = append(k.Lines, map[consentoas.MyHeldState]string{
					consentoas.MyHeldStateWaiting:  "Somebody else agreed for you. The agency that recorded it looks at it before it tells you by what right.",
					consentoas.MyHeldStateWithheld: "Somebody else agreed for you. The agency that recorded it leaves out by what right.",
				}[held.State])
			}
			if one.Proxy.Set {
				k.Lines = append(k.Lines, "Somebody else agreed for you, by authority: "+lower(plain(one.Proxy.Value))+".")
			}
			if !ended && v.who.mayDecide() {
				k.Links = []link{{Text: "Take it back", Href: Prefix + "/me/consents/" + string(one.Consent) + "/end"}}
			}
			pg.Cards = append(pg.Cards, k)
		}
		for _, one := range word.Blocks {
			k := card{Title: "Hidden: " + names[relmgroas.ID(one.Handle)], Tag: map[bool]string{true: "Ended", false: "In force"}[one.Ended.Set], Rows: []row{
				{Key: "Hidden from", Values: []string{map[bool]string{true: "Everybody outside the agency, always", false: "Everybody, except in a recorded emergency"}[one.Reach == consentoas.MyBlockReachCreatorOnly]}},
				{Key: "From", Values: []string{whenDay(one.From)}},
			}}
			if !one.Ended.Set && v.who.mayDecide() {
				k.Links = []link{{Text: "Let it be told of again", Href: Prefix + "/me/blocks/" + string(one.Block) + "/end"}}
			}
			pg.Cards = append(pg.Cards, k)
		}
		for _, one := range word.Exclusions {
			k := card{Title: "Left out: " + v.t.agencyName(string(one.Agency)), Tag: map[bool]string{true: "Ended", false: "In force"}[one.Ended.Set], Rows: []row{{Key: "From", Values: []string{whenDay(one.From)}}}}
			if !one.Ended.Set && v.who.mayDecide() {
				k.Links = []link{{Text: "Let them in again", Href: Prefix + "/me/exclusions/" + string(one.Exclusion) + "/end"}}
			}
			pg.Cards = append(pg.Cards, k)
		}
		for _, one := range word.Erased {
			pg.Cards = append(pg.Cards, card{
				Title: map[consentoas.MyErasedWhat]string{consentoas.MyErasedWhatConsent: "Agreed: ", consentoas.MyErasedWhatExclusion: "Left somebody out: ", consentoas.MyErasedWhatBlock: "Hidden: "}[one.What] + names[relmgroas.ID(one.Handle)],
				Tag:   "Erased", Rows: []row{{Key: "From", Values: []string{whenDay(one.From)}}, {Key: "Until", Values: []string{whenDay(one.Ended)}}, {Key: "Erased", Values: []string{whenDay(one.Erased)}}},
			})
		}
	}
	return v.show(pg)
}

// ending asks before something of the person's word is taken back. Every duty's own
// proof is tried: what is not about the proof's handles is not known to it.
func ending(what string, pg page, done string, act func(*visit, *consentoas.Client, string) error) (show, do func(*visit) error) {
	blank := func(v *visit) *form {
		return &form{Action: v.r.URL.Path, Button: pg.Title}
	}
	show = func(v *visit) error {
		p := pg
		return v.ask(&p, blank(v))
	}
	do = func(v *visit) error {
		p, f := pg, blank(v)
		var last error = notThere
		for _, proof := range v.who.proofs {
			c, err := v.consentAs(proof.Consent)
			if err != nil {
				return err
			}
			if last = bearer.Told(act(v, c, v.r.PathValue(what))); last == nil {
				v.s.say(done)
				return v.to(Prefix + "/me/consents")
			}
		}
		return v.refused(&p, f, last, nil)
	}
	return show, do
}

// flash is what was done just now, said once on the page that follows.
func (v *visit) flash() []string {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	said := v.s.said
	v.s.said = nil
	return said
}

func (s *session) say(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = []string{what}
}

func hideForm(_ *visit, k known) *form {
	return &form{Action: Prefix + "/me/relationships/" + string(k.Handle) + "/hide", Button: "Hide it", Fields: []*field{
		{Name: "reach", Label: "From whom?", Kind: choice, Missing: "Select from whom it is hidden", Options: []option{
			{Value: "block", Text: "Everybody, except in an emergency", Hint: "Where somebody's life or limb is at risk they may see it. That is recorded and looked at."},
			{Value: "creator-only", Text: "Everybody outside " + k.AgencyName + ", always"},
		}},
		{Name: "understood", Label: "I have read what hiding it may cost me", Kind: yes, Missing: "Tick the box to say that you have read what it may cost you"},
	}}
}

func hidePage(k known) *page {
	return &page{Title: "Hide this service", Caption: k.whose(), Warn: "Others who work with you will not know that this service does. They may miss something that matters to your health or safety.",
		Lead: []string{"You can change your mind at any time, under What I allowed."}}
}

// mineForm is a form about one relationship of the person's.
func mineForm(about func(*visit, known) *form, on func(known) *page, do func(*visit, known, *form) error, done, then string, at map[string]string) (show, act func(*visit) error) {
	show = func(v *visit) error {
		k, err := v.relationship()
		if err != nil {
			return err
		}
		return v.ask(on(k), about(v, k))
	}
	act = func(v *visit) error {
		k, err := v.relationship()
		if err != nil {
			return err
		}
		f := about(v, k)
		if !f.read(v.values) {
			return v.again(on(k), f)
		}
		if err := do(v, k, f); err != nil {
			return v.refused(on(k), f, err, at)
		}
		v.s.say(done)
		return v.to(Prefix + then)
	}
	return show, act
}

func doHide(v *visit, k known, f *form) error {
	_, err := k.consent.HideRelationship(v.ctx, &consentoas.HideRequest{Handle: consentoas.ID(k.Handle), Reach: consentoas.HideRequestReach(f.get("reach")), Warning: "portal-hide-1"})
	return err
}

// leaveOutForm lists the partnership's agencies; before the portal has read of them, those
// that know the person or have asked.
func leaveOutForm(v *visit, k known) *form {
	f := &field{Name: "agency", Label: "Which agency?", Kind: pick, Missing: "Select the agency to leave out"}
	add := func(id, name string) {
		if id != string(k.Agency) && !slices.ContainsFunc(f.Options, func(o option) bool { return o.Value == id }) {
			f.Options = append(f.Options, option{Value: id, Text: name})
		}
	}
	for _, a := range v.t.Agencies {
		add(a.ID, a.Name)
	}
	if len(v.t.Agencies) == 0 {
		_ = v.mine(func(r *relmgroas.Client, _ *consentoas.Client) error { // fewer to choose from, if a list fails
			if known, err := r.ListMyRelationships(v.ctx); err == nil {
				for _, one := range known.Relationships {
					add(string(one.Agency), one.AgencyName)
				}
			}
			asked, err := r.ListMyEnquiries(v.ctx, relmgroas.ListMyEnquiriesParams{Limit: relmgroas.NewOptInt(100)})
			if err == nil {
				for _, one := range asked.Enquiries {
					add(string(one.Agency), one.AgencyName)
				}
			}
			return err
		})
	}
	return &form{Action: Prefix + "/me/relationships/" + string(k.Handle) + "/leave-out", Button: "Leave them out", Fields: []*field{f}}
}

func leaveOutPage(k known) *page {
	return &page{Title: "Leave an agency out", Caption: k.whose(), Lead: []string{
		"That agency is told nothing of you by anybody who is linked with this service, and nobody is told of it. You can let them in again under What I allowed.",
	}}
}

func doLeaveOut(v *visit, k known, f *form) error {
	_, err := k.consent.LeaveOutAgency(v.ctx, &consentoas.LeaveOutRequest{Handle: consentoas.ID(k.Handle), Agency: consentoas.Code(f.get("agency"))})
	return err
}

func agreeForm(v *visit, k known) *form {
	until := &field{Name: "until", Label: "Until when?", Kind: date, Hint: "For example, 27 3 2027."}
	until.setDay(v.p.Now().AddDate(1, 0, 0))
	purposes, aspects := options(v.t.Codes.Purposes), options(v.t.Codes.Aspects)
	if len(purposes) == 0 {
		purposes, aspects = worded(k.Purposes), worded(k.Aspects)
	}
	return &form{Action: Prefix + "/me/relationships/" + string(k.Handle) + "/agree", Button: "I agree", Fields: []*field{
		{Name: "purposes", Label: "For what may they tell others that they work with you?", Kind: several, Options: purposes, Missing: "Select at least one thing that you agree to"},
		{Name: "aspects", Label: "What may they tell?", Kind: several, Options: aspects, Missing: "Select at least one thing that they may tell"},
		until,
		{Name: "understood", Label: "I understand what they may tell, to whom and until when", Hint: "If you do not, ask the service, or somebody whom you trust, before you agree.", Kind: yes, Missing: "Tick the box to say that you understand what you agree to"},
	}}
}

func agreePage(k known) *page {
	return &page{Title: "Agree to something", Caption: k.whose(), Lead: []string{
		"This lets the service tell the partnership's members what you choose, for what you choose, until the day you choose. It does not have to. You can take it back at any time, and nothing is worse for you if you say no.",
	}}
}

func doAgree(v *visit, k known, f *form) error {
	req := &consentoas.GiveConsentRequest{Handle: consentoas.ID(k.Handle), Explicit: true, Audience: consentoas.Audience{Partnership: consentoas.NewOptAudiencePartnership(true)}, Until: f.day("until"), Wording: "portal-agree-1"}
	for _, c := range f.many("purposes") {
		req.Purposes = append(req.Purposes, consentoas.Code(c))
	}
	for _, c := range f.many("aspects") {
		req.Aspects = append(req.Aspects, consentoas.Code(c))
	}
	_, err := k.consent.GiveConsent(v.ctx, req)
	return err
}

func complainForm(_ *visit, k known) *form {
	return &form{Action: Prefix + "/me/relationships/" + string(k.Handle) + "/complain", Button: "Send the complaint", Fields: []*field{
		{Name: "topic", Label: "What is it about?", Kind: choice, Missing: "Select what it is about",
			Options: worded([]string{"rectification", "sharing", "refusal", "access", "conduct", "other"})},
	}}
}

func complainPage(k known) *page {
	return &page{Title: "Complain, or say that it is wrong", Caption: k.whose(), Lead: []string{
		"It goes to the partnership's governance officers, not to the agency. They tell you within 30 days that they have it, and then what came of it. You can also turn to the Information Commissioner at any time.",
	}}
}

func doComplain(v *visit, k known, f *form) error {
	_, err := k.relmgr.Complain(v.ctx, &relmgroas.ComplaintRequest{Handle: k.Handle, Topic: relmgroas.ComplaintRequestTopic(f.get("topic"))})
	return err
}

func showComplaints(v *visit) error {
	pg := &page{Title: "Complaints", Done: v.flash(), Empty: "You have not complained."}
	if v.who.mayDecide() {
		pg.Links = []link{{Text: "Complain about a service that knows you", Href: Prefix + "/me/relationships"}}
	}
	err := v.mine(func(r *relmgroas.Client, _ *consentoas.Client) error {
		got, err := r.ListMyComplaints(v.ctx)
		if err != nil {
			return err
		}
		for _, one := range got.Complaints {
			c := card{Title: plain(one.Topic), Tag: "Sent", Rows: []row{{Key: "About", Values: []string{v.t.columnTitle(string(one.Column)) + ", " + one.AgencyName}}, {Key: "Sent", Values: []string{when(one.At)}},
				{Key: "You hear by", Values: []string{whenDay(one.AcknowledgeBy)}}}}
			if !one.Acknowledged.Set && !one.Answered.Set {
				c.Rows[len(c.Rows)-1].Values = append(c.Rows[len(c.Rows)-1].Values, daysLeft(one.AcknowledgeBy, v.p.Now()))
			}
			if one.Acknowledged.Set {
				c.Tag = "They have it"
			}
			if one.Answered.Set {
				c.Tag = plain(string(one.Outcome.Or("")))
				c.Rows = append(c.Rows, row{Key: "Answered", Values: []string{when(one.Answered.Value)}}, row{Key: "Why", Values: []string{title(v.t.Codes.Reasons, string(one.Reason.Or("")))}})
			}
			pg.Cards = append(pg.Cards, c)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.show(pg)
}

// daysLeft is how long they have yet to say that they have a complaint (SUB-08).
func daysLeft(by, now time.Time) string {
	switch days := int(by.Sub(now).Hours() / 24); {
	case by.Before(now):
		return "They are late. You can turn to the Information Commissioner."
	case days == 0:
		return "Less than a day is left."
	default:
		return counted(days, "day is left.", "days are left.")
	}
}

func showLinks(v *visit) error {
	pg := &page{Title: "Private links", Empty: "No private link stands on your word.", Lead: []string{"A private link lets two services speak about you for one purpose, until an end. It is in no list that others can ask."}}
	for _, proof := range v.who.proofs {
		for _, url := range v.p.Duties.Idmgrs {
			m, err := idmgroas.NewClient(url, bearer.Idmgr(proof.Idmgr), idmgroas.WithClient(v.p.client))
			if err != nil {
				return err
			}
			got, err := m.ListMyLinks(v.ctx)
			if err != nil {
				return err
			}
			for _, one := range got.Links {
				pg.Cards = append(pg.Cards, card{Title: v.t.columnTitle(string(one.Column)), Tag: plain(string(one.State)), Rows: []row{
					{Key: "For", Values: []string{title(v.t.Codes.Purposes, string(one.Purpose))}}, {Key: "About", Values: []string{join(titles(v.t.Codes.Aspects, one.Aspects))}},
					{Key: "Until", Values: []string{whenDay(one.Until)}},
				}})
			}
		}
	}
	return v.show(pg)
}

// actForm is a form about an act that the address names.
func objectForm(v *visit) *form {
	return &form{Action: v.r.URL.Path, Button: "Object", Fields: []*field{reasonOf(v, "Why do you object?")}}
}

// reasonOf asks for a reason; where the partnership's words are not at hand, the one
// that fits somebody speaking for themself.
func reasonOf(v *visit, label string) *field {
	f := reasonField(v.t, label)
	if len(f.Options) == 0 {
		f.Options = worded([]string{"subject-asked"})
	}
	return f
}

var objectPage = page{Title: "Object to what was imposed", Lead: []string{"The agency that decided without your consent has to look at it again, and answers within 28 days."}}

func showObject(v *visit) error { pg := objectPage; return v.ask(&pg, objectForm(v)) }

func doObject(v *visit) error {
	pg, f := objectPage, objectForm(v)
	if !f.read(v.values) {
		return v.again(&pg, f)
	}
	return v.asMyself(&pg, f, "Your objection is recorded. The agency answers within 28 days.", func(r *relmgroas.Client) error {
		_, err := r.ObjectAsMyself(v.ctx, &relmgroas.MyObjectionRequest{Act: relmgroas.ID(v.r.PathValue("act")), Reason: relmgroas.Code(f.get("reason"))})
		return err
	})
}

var confirmPage = page{Title: "Confirm what is published together with you", Lead: []string{"The agency wants to be found as working with you, and asks you to be its publisher too. From then on it is in the index."}}

func confirmForm(v *visit) *form { return &form{Action: v.r.URL.Path, Button: "Confirm"} }

func showConfirm(v *visit) error { pg := confirmPage; return v.ask(&pg, confirmForm(v)) }

func doConfirm(v *visit) error {
	pg := confirmPage
	return v.asMyself(&pg, confirmForm(v), "You have confirmed it.", func(r *relmgroas.Client) error {
		_, err := r.ConfirmAsMyself(v.ctx, &relmgroas.MyConfirmationRequest{Act: relmgroas.ID(v.r.PathValue("act"))})
		return err
	})
}

// asMyself does something about an act with whichever proof the act is about.
func (v *visit) asMyself(pg *page, f *form, done string, do func(*relmgroas.Client) error) error {
	var last error = notThere
	for _, proof := range v.who.proofs {
		r, err := v.relmgrAs(proof.Relmgr)
		if err != nil {
			return err
		}
		if last = bearer.Told(do(r)); last == nil {
			v.s.say(done)
			return v.to(Prefix + "/me/relationships")
		}
	}
	return v.refused(pg, f, last, nil)
}

// showCopy offers all of it as one file, to read or for another program (SUB-01).
func showCopy(v *visit) error {
	return v.show(&page{Title: "Take a copy", Lead: []string{
		"Everything that you can see here, in one file. It is made when you ask for it, and we keep no copy of the copy.",
		"Whoever has the file can read it. Keep it where others cannot.",
	}, Buttons: []link{{Text: "A page to read", Href: Prefix + "/me/copy/my-data.html"}, {Text: "A file for another program (JSON)", Href: Prefix + "/me/copy/my-data.json"}}})
}

// sendCopy is that file.
func sendCopy(v *visit) error {
	if v.signInAgain() {
		return nil
	}
	e, err := export.By(v.ctx, export.Duties{Relmgr: v.p.Duties.Relmgr, Consent: v.p.Duties.Consent, Idmgrs: v.p.Duties.Idmgrs, Client: v.p.client}, v.who.proofs, v.who.sensitive, v.p.Now())
	if err != nil {
		return err
	}
	v.addElsewhere(e)
	var text bytes.Buffer
	name := path.Base(v.r.URL.Path)
	write, media := e.WriteJSON, "application/json"
	if name == "my-data.html" {
		write, media = e.WriteHTML, "text/html; charset=utf-8"
	}
	if err := write(&text); err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", media)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = v.w.Write(text.Bytes()) // the browser may be gone
	return nil
}
