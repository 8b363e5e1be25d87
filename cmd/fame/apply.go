package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-faster/jx"

	"github.com/fame-hub/fame/api/bearer"
	governanceoas "github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/governance/partnership"
)

type applyCommand struct {
	File   string `short:"f" help:"The partnership document, YAML; - reads standard input." required:"" type:"path"`
	DryRun bool   `help:"Show what would change, and change nothing."`
	signIn `embed:""`
}

// Run sends the document to governance. What is wrong with it comes back with
// the file's name and line.
func (c *applyCommand) Run(ctx context.Context, all *cli, out *printer) error {
	text, err := readFile(c.File)
	if err != nil {
		return err
	}
	document, lines, err := partnership.FromYAML(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	p, err := c.person(all.Dir)
	if err != nil {
		return err
	}
	change, err := p.apply(ctx, document, c.DryRun)
	if told, ok := errors.AsType[*bearer.Problem](err); ok && len(told.Errors) > 0 {
		for _, e := range told.Errors {
			out.say("%s:%d: %s: %s", c.File, lines(e.Pointer), e.Pointer, e.Detail)
		}
		return fmt.Errorf("%d places of %s cannot be used as they stand", len(told.Errors), c.File)
	}
	if err != nil {
		return err
	}
	for _, d := range change.Changes {
		switch d.Change {
		case governanceoas.TermChangeChangeAdd:
			out.say("+ %s %s", d.Pointer, d.To.Or(""))
		case governanceoas.TermChangeChangeRemove:
			out.say("- %s %s", d.Pointer, d.From.Or(""))
		default:
			out.say("~ %s %s -> %s", d.Pointer, d.From.Or(""), d.To.Or(""))
		}
	}
	switch {
	case change.Applied:
		out.say("Applied %d changes: version %d is in force from now on.", len(change.Changes), change.Version)
	case len(change.Changes) == 0:
		out.say("Nothing differs from version %d.", change.Version)
	default:
		out.say("%d changes would be applied to version %d. Nothing has changed.", len(change.Changes), change.Version)
	}
	return out.result(change)
}

// apply puts a partnership document.
func (p *person) apply(ctx context.Context, document []byte, dryRun bool) (*governanceoas.PartnershipChange, error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(document, &raw); err != nil {
		return nil, errors.New("write the partnership document as a mapping at its top level")
	}
	body := governanceoas.PartnershipDocument{}
	for k, v := range raw {
		body[k] = jx.Raw(v)
	}
	change, err := p.governance.ApplyPartnership(ctx, body, governanceoas.ApplyPartnershipParams{DryRun: governanceoas.NewOptBool(dryRun)})
	return change, bearer.Told(err)
}
