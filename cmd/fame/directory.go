package main

import (
	"context"
	"strings"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/federationoas"
)

// peersPublishedCommand searches the directory: what this hub and its peers publish.
type peersPublishedCommand struct {
	Kind   string `help:"Services or registrars alone." enum:"service,registrar," default:""`
	Area   string `help:"Registrars of people who live there."`
	Reach  string `help:"Registrars of that level: sub-regional, regional or national." enum:"sub-regional,regional,national," default:""`
	signIn `embed:""`
}

// Run lists what is published, the nearest level of registrars first.
func (c *peersPublishedCommand) Run(ctx context.Context, all *cli, out *printer) error {
	hub, err := c.federation(all.Dir)
	if err != nil {
		return err
	}
	var p federationoas.SearchDirectoryParams
	if c.Kind != "" {
		p.Kind = federationoas.NewOptSearchDirectoryKind(federationoas.SearchDirectoryKind(c.Kind))
	}
	if c.Area != "" {
		p.Area = federationoas.NewOptCode(federationoas.Code(c.Area))
	}
	if c.Reach != "" {
		p.Reach = federationoas.NewOptReach(federationoas.Reach(c.Reach))
	}
	found, err := hub.SearchDirectory(ctx, p)
	if err != nil {
		return bearer.Told(err)
	}
	for _, e := range found.Entries {
		out.say("%s  %s %q", e.Address, e.Kind, e.Title)
		if r, ok := e.Responsible.Get(); ok {
			out.say("  %s", e.Function.Or(""))
			out.say("  owned by %s; designed by %s; operated by %s; capacity %s; performance %s", r.Ownership, r.Design, r.Operation, r.Capacity, r.Performance)
		}
		if s, ok := e.Status.Get(); ok {
			out.say("  %s, %s %s", s, e.Reach.Or("level not stated"), strings.Join(areasOf(e.Areas), ", "))
		}
	}
	if len(found.Entries) == 0 {
		out.say("Nothing of the kind is published.")
	}
	if !found.Complete {
		out.say("A hub has not answered: what it publishes is not listed.")
	}
	return out.result(found)
}

func areasOf(in []federationoas.Code) []string {
	out := make([]string, len(in))
	for i, c := range in {
		out[i] = string(c)
	}
	return out
}
