package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/federationoas"
	relmgroas "github.com/fame-hub/fame/api/relmgroas"
)

type askCommand struct {
	Column      string `help:"Your own column." required:""`
	Identifier  string `arg:"" optional:"" help:"What your column calls the person. Leave it out to be asked for it: then it is not in your shell's history."`
	Purpose     string `help:"Why the partnership lets you ask." required:""`
	Reason      string `help:"Why you need to know." required:""`
	Concerning  string `help:"Whom it is about." enum:"child,adult,unborn,not-known" default:"not-known"`
	Transaction string `help:"With whom can I do this? Left out: who else works with the person?"`
	Case        string `help:"What your own records call the case that the question is for."`
	Scope       string `help:"How far the question goes: your own agency, the partnership, or other hubs too." enum:"agency,partnership,federation" default:"partnership"`
	signIn      `embed:""`
}

// Run asks, and says what recorded decisions allow the asker to know.
func (c *askCommand) Run(ctx context.Context, all *cli, out *printer) error {
	identifier := c.Identifier
	if identifier == "" {
		fmt.Fprint(os.Stderr, "Identifier: ")
		line, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil && line == "" {
			return errors.New("no identifier was given")
		}
		identifier = strings.TrimRight(line, "\r\n")
	}
	p, err := c.person(all.Dir)
	if err != nil {
		return err
	}
	q := &relmgroas.EnquiryRequest{
		Column: relmgroas.Code(c.Column), Identifier: relmgroas.NewOptLocalIdentifier(relmgroas.LocalIdentifier(identifier)), Purpose: relmgroas.Code(c.Purpose),
		Reason: relmgroas.Code(c.Reason), Concerning: relmgroas.EnquiryRequestConcerning(c.Concerning),
	}
	if c.Transaction != "" {
		q.Transaction = relmgroas.NewOptCode(relmgroas.Code(c.Transaction))
	}
	if c.Case != "" {
		q.Case = relmgroas.NewOptCaseReference(relmgroas.CaseReference(c.Case))
	}
	q.Scope.SetTo(relmgroas.EnquiryRequestScope(c.Scope))
	a, err := p.relmgr.Enquire(ctx, q)
	if err != nil {
		return bearer.Told(err)
	}
	out.answer(a)
	if len(a.Orders) == 0 {
		return out.result(a)
	}
	said, err := c.askPeers(ctx, all.Dir, a.Orders)
	if err != nil {
		return err
	}
	out.peers(said)
	return out.result(map[string]any{"answer": a, "hubs": said.Hubs, "complete": said.Complete})
}

// askPeers has federation send the orders.
func (c *askCommand) askPeers(ctx context.Context, dir string, orders []relmgroas.AxleOrder) (*federationoas.PeersSay, error) {
	url, token, err := c.whoAndWhere(dir)
	if err != nil {
		return nil, err
	}
	client, err := federationoas.NewClient(url, bearer.Federation(token), federationoas.WithClient(&http.Client{Timeout: 30 * time.Second}))
	if err != nil {
		return nil, err
	}
	q := new(federationoas.PeerQuestions)
	for _, o := range orders {
		q.Orders = append(q.Orders, federationoas.AxleToken(o.Order))
	}
	said, err := client.AskPeers(ctx, q)
	if err != nil {
		return nil, bearer.Told(err)
	}
	return said, nil
}

// peers tells in words what each hub says.
func (p *printer) peers(said *federationoas.PeersSay) {
	for _, h := range said.Hubs {
		switch {
		case !h.Answered:
			p.say("  %s has not answered.", h.Hub)
		case h.Outcome.Value == "matched":
			p.say("  %s has something to tell: ask there, under the agreement with it.", h.Hub)
		case len(h.Providers) == 0:
			p.say("  %s has nothing that it can tell you%s.", h.Hub, because(h.Because))
		default:
			p.say("  %s:", h.Hub)
		}
		for _, v := range h.Providers {
			p.say("    %s: %s %s, %s", v.AgencyName, v.Contact.Kind, v.Contact.Value, v.Contact.Hours)
		}
	}
}

func because(why federationoas.OptString) string {
	if why.Set {
		return ": " + why.Value
	}
	return ""
}

// answer tells an answer in words.
func (p *printer) answer(a *relmgroas.Answer) {
	p.say("%s%s.", strings.ToUpper(a.Meaning[:1]), a.Meaning[1:])
	for _, v := range a.Providers {
		p.say("  %s (%s), %s", v.Title, v.Role, v.AgencyName)
		for _, o := range v.Offers {
			what := ""
			if len(o.Transactions) > 0 {
				what = " for " + join(o.Transactions)
			}
			p.say("    %s%s: %s %s, %s", offerWords.Replace(string(o.Kind)), what, o.Contact.Kind, o.Contact.Value, o.Contact.Hours)
		}
	}
}

// offerWords turn an offer's code into words, in which co-ordinate keeps its
// hyphen.
var offerWords = strings.NewReplacer("co-ordinate", "co-ordinate", "-", " ")

func join(codes []relmgroas.Code) string {
	out := make([]string, len(codes))
	for i, c := range codes {
		out[i] = string(c)
	}
	return strings.Join(out, ", ")
}
