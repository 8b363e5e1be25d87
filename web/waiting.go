package web

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/fame-hub/fame/api/relmgroas"
)

// What a relationship manager works through: what is disputed, joint, proposed or there twice in
// the columns of their own (IDX-18, ACT-06, PUB-03, IDX-12), with the evidence of both sides.

func waitingRoutes(practitioner adder, asks formAdder) {
	practitioner("/enquiries/earlier", showEarlier, nil)
	asks("/waiting", plainly(page{Title: "What waits", Lead: []string{
		"People of your services who are disputed, joined together with another agency, or published together with themselves, where somebody has still to say a word, and people whom a service of yours seems to have twice. That you look is recorded.",
	}}, func(v *visit) *form {
		return &form{Action: Prefix + "/waiting", Button: "Show what waits", Fields: []*field{
			purposeField(v.t, v.t.may(v.who.in, "correlate", "publish", "impose"), "What do you need it for?"), reasonField(v.t, "Why do you need to know?"),
		}}
	}), func(_ *visit, f *form) (string, error) {
		return "/waiting/list?" + url.Values{"purpose": {f.get("purpose")}, "reason": {f.get("reason")}}.Encode(), nil
	})
	practitioner("/waiting/list", showWaitingList, nil)
	asks("/dispute", plainly(page{Title: "It may be two people", Lead: []string{
		"You doubt that what others know of this person is of the same one. What joins your identifier to others answers nobody until somebody of your agency says what holds.",
	}}, func(v *visit) *form {
		return &form{Action: Prefix + "/dispute", Button: "Dispute it", Fields: []*field{v.columnField(), v.identifierField(), reasonField(v.t, "Why do you doubt it?")}}
	}), dispute)
	practitioner("/waiting/{column}/{act}", showEvidence, nil)
	asks("/waiting/{column}/{act}/settle", settleForm, settle)
	asks("/waiting/{column}/{act}/confirm", plainly(page{Title: "They are the same person", Lead: []string{
		"The other agency has said that the person they know and the person you know are one. From your word on it is in force where nothing of another party stands against it, and you answer for it with them.",
	}}, func(v *visit) *form {
		return &form{Action: v.r.URL.RequestURI(), Button: "Confirm it", Fields: onlyReason(v)}
	}), confirm)
}

// showEarlier lists what somebody has asked, in sessions of before too: the hub keeps it,
// and what they were told is gone.
func showEarlier(v *visit) error {
	pg := &page{Title: "What I asked earlier", Empty: "You have asked nothing.", Lead: []string{
		"Newest first. What you were told is not kept, since it may not be told any more: ask again to see it, which is recorded as a new question.",
	}}
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	own := v.t.own(v.who.in, v.p.Now())
	column := v.r.URL.Query().Get("column")
	if column == "" && len(own) > 0 {
		column = own[0].ID
	}
	if column == "" {
		return v.show(pg)
	}
	if len(own) > 1 {
		pg.Caption = v.t.columnTitle(column)
		for _, c := range own {
			if c.ID != column {
				pg.Links = append(pg.Links, link{Text: "What I asked for " + v.t.columnTitle(c.ID), Href: v.r.URL.Path + "?column=" + url.QueryEscape(c.ID)})
			}
		}
	}
	params := relmgroas.ListRecentParams{Column: relmgroas.Code(column), Limit: relmgroas.NewOptInt(20)}
	if from := v.r.URL.Query().Get("from"); from != "" {
		params.Cursor.SetTo(relmgroas.Cursor(from))
	}
	got, err := r.ListRecent(v.ctx, params)
	if err != nil {
		return err
	}
	for _, one := range got.Enquiries {
		c := card{Title: one.Identifier.Or("Nobody whom your service has an identifier of"), Rows: []row{
			{Key: "Asked", Values: []string{when(one.At), v.age(one.At)}}, {Key: "For", Values: []string{title(v.t.Codes.Purposes, string(one.Purpose))}},
			{Key: "Why", Values: []string{title(v.t.Codes.Reasons, string(one.Reason))}}, {Key: "About", Values: []string{plain(string(one.Concerning))}},
		}}
		switch {
		case one.Step.Set:
			c.Tag = "Refused at step " + strconv.Itoa(one.Step.Value)
		case one.Emergency:
			c.Tag = "Emergency"
		}
		if !one.Step.Set {
			c.Links = []link{{Text: "Replies to my contact request", Href: Prefix + "/enquiries/" + string(one.Enquiry)}}
		}
		pg.Cards = append(pg.Cards, c)
	}
	if next, ok := got.Next.Get(); ok {
		pg.Links = append([]link{{Text: "Show older ones", Href: v.r.URL.Path + "?" + url.Values{"column": {column}, "from": {string(next)}}.Encode()}}, pg.Links...)
	}
	pg.Links = append(pg.Links, link{Text: "Ask", Href: Prefix + "/ask"})
	return v.show(pg)
}

// waits says what each kind of case waits for, and in which order they are dealt with: what
// is disputed answers nobody.
var waits = []struct {
	what        relmgroas.WaitingListWaitingItemWhat
	name, words string
}{
	{relmgroas.WaitingListWaitingItemWhatDisputed, "Disputed", "Somebody of your agency says that it may be two people. What joins them answers nobody until you say what holds."},
	{relmgroas.WaitingListWaitingItemWhatToConfirm, "To confirm", "Another agency says that they know the same person, together with you. It is not in force before you say so too."},
	{relmgroas.WaitingListWaitingItemWhatProposed, "Proposed", "You said that another agency knows the same person. They have still to say so too."},
	{relmgroas.WaitingListWaitingItemWhatPublished, "Published together", "It is published together with the person, who has still to say yes."},
	{relmgroas.WaitingListWaitingItemWhatDuplicate, "Duplicate", "Your service knows them under two identifiers, which are joined through whom you are told of. Either it is one person and one relationship is to end, or it is two people and what joins them is wrong."},
}

// longWait is after how long what waits is pressing, whatever it is.
const longWait = 7 * 24 * time.Hour

// waitingCase is one of them, in one of the caller's columns.
type waitingCase struct {
	relmgroas.WaitingListWaitingItem
	column string
	rank   int
}

func (v *visit) waiting(column string) ([]waitingCase, bool, error) {
	r, err := v.relmgr()
	if err != nil {
		return nil, false, err
	}
	q := v.r.URL.Query()
	got, err := r.ListWaiting(v.ctx, relmgroas.ListWaitingParams{Column: relmgroas.Code(column), Purpose: relmgroas.Code(q.Get("purpose")), Reason: relmgroas.Code(q.Get("reason"))})
	if err != nil {
		return nil, false, err
	}
	var all []waitingCase
	for _, w := range got.Waiting {
		rank := 0
		for n, k := range waits {
			if k.what == w.What {
				rank = n
			}
		}
		all = append(all, waitingCase{w, column, rank})
	}
	return all, got.Complete, nil
}

func showWaitingList(v *visit) error {
	pg := &page{Title: "What waits", Done: v.flash(), Empty: "Nothing waits.", Lead: []string{"What is disputed first, since it answers nobody; then the oldest."},
		Links: []link{{Text: "Say that somebody may be two people", Href: Prefix + "/dispute"}}}
	var all []waitingCase
	for _, c := range v.t.own(v.who.in, v.p.Now()) {
		some, complete, err := v.waiting(c.ID)
		if err != nil {
			return err
		}
		if !complete {
			pg.Notice = "There is more than is shown here. Deal with the oldest first."
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b waitingCase) int { return cmp.Or(cmp.Compare(a.rank, b.rank), a.At.Compare(b.At)) })
	counts := table{Title: "How much waits", Head: []string{"What", "How many", "The oldest"}}
	for n, k := range waits {
		of := slices.DeleteFunc(slices.Clone(all), func(c waitingCase) bool { return c.rank != n })
		oldest := "None"
		if len(of) > 0 {
			oldest = v.days(of[0].At)
		}
		counts.Lines = append(counts.Lines, line{Name: k.name, Cells: []string{strconv.Itoa(len(of)), oldest}})
	}
	pg.Tables = []table{counts}
	for _, one := range all {
		at, query := Prefix+"/waiting/"+one.column+"/"+string(one.Act), "?"+v.r.URL.RawQuery
		if twin, ok := one.Twin.Get(); ok {
			pg.Cards = append(pg.Cards, v.duplicate(one, twin))
			continue
		}
		c := card{Title: one.Identifier, Tag: waits[one.rank].name, Lines: []string{waits[one.rank].words}, Rows: []row{
			{Key: "Your service", Values: []string{v.t.columnTitle(one.column)}}, {Key: "Since", Values: []string{whenDay(one.At), v.days(one.At)}}, {Key: "Priority", Values: []string{v.priority(one)}},
		}}
		c.Links = append(c.Links, link{Text: "Look at the evidence", Href: at + query})
		switch one.rank {
		case 0:
			c.Links = append(c.Links, link{Text: "Say what holds", Href: at + "/settle" + query})
		case 1:
			c.Links = append(c.Links, link{Text: "They are the same person", Href: at + "/confirm" + query})
		}
		c.Links = append(c.Links, link{Text: "Undo it", Href: Prefix + "/acts/" + string(one.Act) + "/undo"})
		pg.Cards = append(pg.Cards, c)
	}
	return v.show(pg)
}

// duplicate shows both identifiers side by side, with what can be done about it.
func (v *visit) duplicate(one waitingCase, twin relmgroas.WaitingListWaitingItemTwin) card {
	c := card{Title: one.Identifier + " and " + twin.Identifier, Tag: waits[one.rank].name, Lines: []string{waits[one.rank].words}, Rows: []row{
		{Key: "Your service", Values: []string{v.t.columnTitle(one.column)}}, {Key: "Known as", Values: []string{one.Identifier, twin.Identifier}},
		{Key: "Since", Values: []string{whenDay(one.At), v.days(one.At)}}, {Key: "Priority", Values: []string{v.priority(one)}},
	}}
	c.Links = append(c.Links, link{Text: "Take out what joins " + one.Identifier, Href: Prefix + "/acts/" + string(one.Act) + "/undo"})
	if twin.Act != one.Act {
		c.Links = append(c.Links, link{Text: "Take out what joins " + twin.Identifier, Href: Prefix + "/acts/" + string(twin.Act) + "/undo"})
	}
	history := func(handle relmgroas.ID) string {
		return Prefix + "/history/" + string(handle) + "?" + v.r.URL.RawQuery
	}
	c.Links = append(c.Links, link{Text: "End the relationship of " + one.Identifier, Href: history(one.Handle)}, link{Text: "End the relationship of " + twin.Identifier, Href: history(twin.Handle)})
	c.Links = append(c.Links, link{Text: "It may be two people", Href: Prefix + "/dispute"})
	return c
}

func (v *visit) priority(one waitingCase) string {
	switch long := v.p.Now().Sub(one.At) > longWait; {
	case one.rank == 0:
		return "High: it answers nobody"
	case long:
		return "High: it has waited for more than a week"
	case one.rank == 1:
		return "Medium: another agency waits for you"
	case one.Twin.Set:
		return "Medium: your service has them twice"
	}
	return "Low: you wait for somebody else"
}

// caseHere is the case that the address names.
func (v *visit) caseHere() (waitingCase, error) {
	all, _, err := v.waiting(v.r.PathValue("column"))
	if err != nil {
		return waitingCase{}, err
	}
	for _, one := range all {
		if string(one.Act) == v.r.PathValue("act") {
			return one, nil
		}
	}
	return waitingCase{}, notThere
}

// showEvidence is what each side has said, as far as the caller's agency is shown it: what
// the other side's decision rests on is the other side's.
func showEvidence(v *visit) error {
	one, err := v.caseHere()
	if err != nil {
		return err
	}
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	q := v.r.URL.Query()
	a, err := r.FindAct(v.ctx, relmgroas.FindActParams{Act: one.Act, Purpose: relmgroas.Code(q.Get("purpose")), Reason: relmgroas.Code(q.Get("reason"))})
	if err != nil {
		return err
	}
	pg := &page{Title: "The evidence", Caption: one.Identifier + ", " + lower(waits[one.rank].name), Lead: []string{waits[one.rank].words},
		Links: []link{{Text: "Back to what waits", Href: Prefix + "/waiting/list?" + v.r.URL.RawQuery}}}
	mine, theirs := map[string]string{}, map[string]string{}
	side := mine
	if !a.Own {
		side = theirs
	}
	side["Who said it"] = v.t.agencyName(string(a.Agency))
	if p, ok := a.Practitioner.Get(); ok {
		side["Who said it"] += ", " + string(p)
	}
	side["When"] = map[bool]string{true: when(a.At), false: whenDay(a.At)}[a.Own]
	if a.Mode.Set {
		side["By"] = plain(string(a.Mode.Value))
	}
	if a.Reason.Set {
		side["Why"] = title(v.t.Codes.Reasons, string(a.Reason.Value))
	}
	if d, ok := a.Decision.Get(); ok { // one's own
		if g, ok := d.Ground.Get(); ok {
			mine["Ground"] = plain(string(g))
		}
		mine["For"] = join(titles(v.t.Codes.Purposes, d.Purposes))
		if until, ok := d.Until.Get(); ok {
			mine["Until"] = whenDay(until)
		}
	}
	if s, ok := a.Statement.Get(); ok {
		var types []string
		for _, t := range s.Types {
			types = append(types, lower(plain(string(t))))
		}
		mine["A registrar says"] = plain(string(s.Level)) + " confidence, from " + join(types)
		theirs["A registrar says"] = mine["A registrar says"]
	}
	t := table{Title: "Side by side", Head: []string{"What", "Your side", "The other side"}}
	for _, what := range []string{"Who said it", "When", "By", "Why", "Ground", "For", "Until", "A registrar says"} {
		if mine[what] != "" || theirs[what] != "" {
			t.Lines = append(t.Lines, line{Name: what, Cells: []string{cmp.Or(mine[what], "Nothing"), cmp.Or(theirs[what], "Not told")}})
		}
	}
	pg.Tables = []table{t}
	if one.rank == 1 {
		pg.Buttons = []link{{Text: "They are the same person", Href: Prefix + "/waiting/" + one.column + "/" + string(one.Act) + "/confirm?" + v.r.URL.RawQuery}}
	}
	return v.show(pg)
}

func dispute(v *visit, f *form) (string, error) {
	r, err := v.relmgr()
	if err != nil {
		return "", err
	}
	_, err = r.DisputeIdentity(v.ctx, &relmgroas.DisputeRequest{Column: relmgroas.Code(f.get("column")), Identifier: relmgroas.LocalIdentifier(f.get("identifier")), Reason: relmgroas.Code(f.get("reason"))},
		relmgroas.DisputeIdentityParams{IdempotencyKey: v.sentOnce()})
	return v.said("It is disputed. It waits for somebody of your agency to say what holds.", "/done"), err
}

func confirm(v *visit, f *form) (string, error) {
	r, err := v.relmgr()
	if err != nil {
		return "", err
	}
	_, err = r.ConfirmSamePerson(v.ctx, &relmgroas.WithdrawalRequest{Reason: relmgroas.Code(f.get("reason"))}, relmgroas.ConfirmSamePersonParams{Act: actID(v), IdempotencyKey: v.sentOnce()})
	return v.said("You have confirmed it.", "/waiting/list?"+v.r.URL.RawQuery), err
}

// settleForm asks which of a disputed identifier's correlations hold.
func settleForm(v *visit) (*page, *form, error) {
	one, err := v.caseHere()
	if err != nil {
		return nil, nil, err
	}
	r, err := v.relmgr()
	if err != nil {
		return nil, nil, err
	}
	q := v.r.URL.Query()
	acts, err := r.ListActs(v.ctx, relmgroas.ListActsParams{Handle: one.Handle, Purpose: relmgroas.Code(q.Get("purpose")), Reason: relmgroas.Code(q.Get("reason")), Limit: relmgroas.NewOptInt(100)})
	if err != nil {
		return nil, nil, err
	}
	holds := &field{Name: "holds", Label: "Which of these hold?", Hint: "What you leave out is separated.", Kind: several, Optional: true}
	for _, a := range acts.Acts {
		if a.Kind == relmgroas.ActKindCorrelate && !a.Withdrawn.Or(false) {
			holds.Options = append(holds.Options, option{Value: string(a.Act), Text: "Said to be the same person by " + v.t.agencyName(string(a.Agency)) + " on " + whenDay(a.At)})
		}
	}
	pg := &page{Title: "Say what holds", Caption: one.Identifier, Lead: []string{"The dispute ends with this. What holds answers again, and what does not is ended by this act of yours."}}
	f := &form{Action: v.r.URL.RequestURI(), Button: "Settle it", Fields: []*field{reasonField(v.t, "Why?")}}
	if len(holds.Options) > 0 {
		f.Fields = slices.Insert(f.Fields, 0, holds)
	} else {
		pg.Lead = append(pg.Lead, "Nothing joins them to anybody.")
	}
	return pg, f, nil
}

func settle(v *visit, f *form) (string, error) {
	r, err := v.relmgr()
	if err != nil {
		return "", err
	}
	q := &relmgroas.SettlementRequest{Holds: codes[relmgroas.ID](f.many("holds")), Reason: relmgroas.Code(f.get("reason"))}
	if q.Holds == nil {
		q.Holds = []relmgroas.ID{}
	}
	_, err = r.SettleDispute(v.ctx, q, relmgroas.SettleDisputeParams{Act: actID(v), IdempotencyKey: v.sentOnce()})
	return v.said("It is settled.", "/waiting/list?"+v.r.URL.RawQuery), err
}
