package web

import (
	"slices"

	"github.com/fame-hub/fame/api/federationoas"
)

// Disputes between this hub and others (TRU-10), for governance officers. They are about hubs,
// never about a person.
const disputesPath = "/governance/disputes"

func disputeRoutes(practitioner adder) {
	practitioner(disputesPath, forOfficers(showDisputes), nil)
	officers := func(path string, blank func(*visit) (*page, *form, error), do func(*visit, *form) (string, error)) {
		show, act := asking(blank, do)
		practitioner(path, forOfficers(show), forOfficers(act))
	}
	officers("/governance/hubs/{peer}/dispute", filingForm, fileDispute)
	officers(disputesPath+"/{dispute}/answer", plainly(page{Title: "Answer a dispute with another hub", Lead: []string{
		"Once. The other hub is told the outcome, and both hubs keep a record of it.",
	}}, func(v *visit) *form {
		return &form{Action: v.r.URL.Path, Button: "Answer it", Fields: []*field{
			{Name: "outcome", Label: "What came of it?", Kind: choice, Missing: "Select what came of it", Options: worded(federationoas.DisputeAnswerOutcome("").AllValues())},
			reasonField(v.t, "Why?"),
		}}
	}), answerDispute)
}

// disputeWords are how a dispute stands, beside what plainWords has.
var disputeWords = map[federationoas.DisputeOutcome]string{
	federationoas.DisputeOutcomeReturned: "Returned: the other hub takes no disputes", federationoas.DisputeOutcomeDiscarded: "Discarded: the other hub takes no disputes",
	federationoas.DisputeOutcomeEscalated: "Escalated: the other hub takes no disputes itself",
}

func showDisputes(v *visit) error {
	pg := &page{Title: "Disputes with other hubs", Done: v.flash(), Empty: "Nothing was disputed with another hub.", Links: []link{
		{Text: "Dispute something with another hub", Href: Prefix + "/governance/hubs"}, backToGovernance,
	}, Lead: []string{"Newest first. Whom it was filed against has 28 days to answer, once. Both hubs keep a record of it."}}
	if v.p.Duties.Federation == "" {
		pg.Links = []link{backToGovernance}
		return v.show(pg)
	}
	g, err := v.federation()
	if err != nil {
		return err
	}
	got, err := g.ListDisputes(v.ctx, federationoas.ListDisputesParams{Limit: federationoas.NewOptInt(100)})
	if err != nil {
		return err
	}
	for i := range got.Disputes {
		pg.Cards = append(pg.Cards, v.disputeCard(&got.Disputes[i]))
	}
	return v.show(pg)
}

func (v *visit) disputeCard(d *federationoas.Dispute) card {
	here := d.Filed == federationoas.DisputeFiledHere
	c := card{Title: hubName(string(d.Hub)) + ": " + lower(plain(string(d.About))), Tag: "Waiting", Rows: []row{
		{Key: "Filed", Values: []string{map[bool]string{true: "by us", false: "by them"}[here] + ", " + when(d.At)}},
		{Key: "Why", Values: []string{title(v.t.Codes.Reasons, string(d.Reason))}},
	}}
	if m, ok := d.Message.Get(); ok {
		c.Rows = append(c.Rows, row{Key: "About the message", Values: []string{m}})
	}
	if o, ok := d.Outcome.Get(); ok {
		words := disputeWords[o]
		if words == "" {
			words = plain(string(o))
		}
		c.Tag = "Ended"
		c.Rows = append(c.Rows, row{Key: "Outcome", Values: []string{words + ", " + when(d.Ended.Value)}})
		if reason, ok := d.OutcomeReason.Get(); ok {
			c.Rows = append(c.Rows, row{Key: "Why so", Values: []string{title(v.t.Codes.Reasons, string(reason))}})
		}
	} else {
		if d.Due.Before(v.p.Now()) {
			c.Tag = "Overdue"
		}
		c.Rows = append(c.Rows, row{Key: "To be answered by", Values: []string{whenDay(d.Due)}})
		if !here {
			c.Links = append(c.Links, link{Text: "Answer it", Href: Prefix + disputesPath + "/" + string(d.Dispute) + "/answer"})
		}
	}
	if since, ok := d.Refused.Get(); ok {
		c.Lines = append(c.Lines, "The other hub refuses to be told of it since "+when(since)+". It is told again each day, for 28 days, and then no more: speak to its officers.")
	} else if !d.Told {
		c.Lines = append(c.Lines, "The other hub has not been told yet. It is as soon as it can be reached.")
	}
	return c
}

func filingForm(v *visit) (*page, *form, error) {
	pg := &page{Title: "Dispute something with another hub", Lead: []string{
		"Its governance officers are told, and have 28 days to answer. It is about what that hub did, never about a person.",
	}}
	if v.p.Duties.Federation != "" {
		g, err := v.federation()
		if err != nil {
			return nil, nil, err
		}
		met, err := g.ListPeers(v.ctx)
		if err != nil {
			return nil, nil, err
		}
		if i := slices.IndexFunc(met.Peers, func(p federationoas.Peer) bool { return string(p.Peer) == v.r.PathValue("peer") }); i >= 0 {
			pg.Caption = hubName(met.Peers[i].Entity)
		}
	}
	return pg, &form{Action: v.r.URL.Path, Button: "File the dispute", Fields: []*field{
		{Name: "about", Label: "What is it about?", Kind: choice, Missing: "Select what it is about", Options: worded(federationoas.DisputeFilingAbout("").AllValues())},
		{Name: "exchange", Label: "Which exchange is it about?", Hint: "Its id in this hub's book of what went between the two. Leave it empty where it is about none.", Optional: true, Max: 36},
		reasonField(v.t, "Why?"),
	}}, nil
}

func fileDispute(v *visit, f *form) (string, error) {
	g, err := v.federation()
	if err != nil {
		return "", err
	}
	filing := &federationoas.DisputeFiling{About: federationoas.DisputeFilingAbout(f.get("about")), Reason: federationoas.Code(f.get("reason"))}
	if id := f.get("exchange"); id != "" {
		filing.Exchange.SetTo(federationoas.ID(id))
	}
	_, err = g.FileDispute(v.ctx, filing, federationoas.FileDisputeParams{Peer: federationoas.ID(v.r.PathValue("peer"))})
	return v.said("The dispute is filed. The other hub is told.", disputesPath), err
}

func answerDispute(v *visit, f *form) (string, error) {
	g, err := v.federation()
	if err != nil {
		return "", err
	}
	_, err = g.AnswerDispute(v.ctx, &federationoas.DisputeAnswer{Outcome: federationoas.DisputeAnswerOutcome(f.get("outcome")), Reason: federationoas.Code(f.get("reason"))},
		federationoas.AnswerDisputeParams{Dispute: federationoas.ID(v.r.PathValue("dispute"))})
	return v.said("The dispute is answered. The other hub is told.", disputesPath), err
}
