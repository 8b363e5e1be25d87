package main

import (
	"context"
	"errors"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/federationoas"
)

type peersDisputeCommand struct {
	Hub      string `arg:"" help:"The peer's address."`
	About    string `help:"What it is about: agreement-breached, wrong-answer, no-answer or conduct." enum:"agreement-breached,wrong-answer,no-answer,conduct" required:""`
	Exchange string `help:"The exchange with that hub that it is about, by its id in this hub's book."`
	Reason   string `help:"Why, by a code of the partnership's reasons." required:""`
	signIn   `embed:""`
}

// Run files a dispute against a peer (TRU-10).
func (c *peersDisputeCommand) Run(ctx context.Context, all *cli, out *printer) error {
	hub, err := c.federation(all.Dir)
	if err != nil {
		return err
	}
	p, err := find(ctx, hub, c.Hub)
	if err != nil {
		return err
	}
	if p == nil {
		return errors.New("this hub has not met that one: fame peers list shows whom it has")
	}
	req := &federationoas.DisputeFiling{About: federationoas.DisputeFilingAbout(c.About), Reason: federationoas.Code(c.Reason)}
	if c.Exchange != "" {
		req.Exchange = federationoas.NewOptID(federationoas.ID(c.Exchange))
	}
	done, err := hub.FileDispute(ctx, req, federationoas.FileDisputeParams{Peer: p.Peer})
	if err != nil {
		return bearer.Told(err)
	}
	out.dispute(&done.Dispute)
	return out.result(done)
}

type peersDisputesCommand struct {
	signIn `embed:""`
}

// Run lists what is and was disputed with other hubs.
func (c *peersDisputesCommand) Run(ctx context.Context, all *cli, out *printer) error {
	hub, err := c.federation(all.Dir)
	if err != nil {
		return err
	}
	list, err := hub.ListDisputes(ctx, federationoas.ListDisputesParams{Limit: federationoas.NewOptInt(100)})
	if err != nil {
		return bearer.Told(err)
	}
	for _, d := range list.Disputes {
		out.dispute(&d)
	}
	if len(list.Disputes) == 0 {
		out.say("Nothing was disputed with another hub.")
	}
	return out.result(list)
}

type peersAnswerCommand struct {
	Dispute string `arg:"" help:"The dispute, by the id that fame peers disputes shows."`
	Outcome string `help:"How it ends: upheld, dismissed or settled." enum:"upheld,dismissed,settled" required:""`
	Reason  string `help:"Why, by a code of the partnership's reasons." required:""`
	signIn  `embed:""`
}

// Run answers a dispute that another hub has filed, once.
func (c *peersAnswerCommand) Run(ctx context.Context, all *cli, out *printer) error {
	hub, err := c.federation(all.Dir)
	if err != nil {
		return err
	}
	done, err := hub.AnswerDispute(ctx, &federationoas.DisputeAnswer{Outcome: federationoas.DisputeAnswerOutcome(c.Outcome), Reason: federationoas.Code(c.Reason)},
		federationoas.AnswerDisputeParams{Dispute: federationoas.ID(c.Dispute)})
	if err != nil {
		return bearer.Told(err)
	}
	out.dispute(&done.Dispute)
	return out.result(done)
}

func (p *printer) dispute(d *federationoas.Dispute) {
	whose, told := "filed against", "knows what there is to know"
	if d.Filed == federationoas.DisputeFiledThere {
		whose = "filed by"
	}
	switch {
	case d.Refused.Set:
		told = "refuses to be told since " + d.Refused.Value.Format(time.RFC3339)
	case !d.Told:
		told = "has not been told yet"
	}
	p.say("%s  %s %s at %s, about %s, for %s; that hub %s", d.Dispute, whose, d.Hub, d.At.Format(time.RFC3339), d.About, d.Reason, told)
	if outcome, ok := d.Outcome.Get(); ok {
		p.say("  %s at %s", outcome, d.Ended.Value.Format(time.RFC3339))
	} else {
		p.say("  no outcome yet, due by %s", d.Due.Format(time.RFC3339))
	}
}
