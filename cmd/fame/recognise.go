package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/registraroas"
)

// recogniseCommand asks registers of any registrars who somebody is (FED-30).
type recogniseCommand struct {
	Evidence string        `arg:"" optional:"" type:"existingfile" help:"A file with what is known, as openapi.yaml's RecognitionRequest.evidence: a JSON list. Left out: the standard input."`
	Register []string      `help:"A register's URL, such as https://hub.example/registrar/v1/registers/town, or the code of one of the hub's own registrar. Once for each." required:""`
	Purpose  string        `help:"Why the partnership lets you ask." required:""`
	Reason   string        `help:"Why you need to know." required:""`
	Case     string        `help:"What your own records call the case."`
	Wait     time.Duration `help:"How long a registrar may take." default:"10s"`
	signIn   `embed:""`
}

// Together is what several registers' findings come to. None outweighs another, and
// nothing is averaged.
type together string

// The outcomes. Registrars that do not answer are left out of it, and said to be.
const (
	allDetermined  together = "determined"       // whoever finds somebody, nobody excludes everybody
	theyDisagree   together = "disagreement"     // one finds somebody whom another excludes
	nobodySays     together = "under-determined" // more is needed
	everybodyElse  together = "over-determined"  // all exclude everybody
	nobodyAnswered together = "no-answer"
)

// finding is one register's part.
type finding struct {
	Register string                    `json:"register"`
	Found    *registraroas.Recognition `json:"found,omitempty"`
	Failed   string                    `json:"failed,omitempty"`
}

// combined is every part, and what they come to.
type combined struct {
	Outcome together `json:"outcome"`
	// Complete says that every register has answered.
	Complete bool      `json:"complete"`
	Parts    []finding `json:"parts"`
}

// combine looks at the parts without weighing them against each other: two registrars
// have no number in common, so nobody can say that they mean one person.
func combine(parts []finding) combined {
	c := combined{Outcome: nobodyAnswered, Complete: true, Parts: parts}
	has := func(outcome registraroas.RecognitionOutcome) bool {
		return slices.ContainsFunc(parts, func(f finding) bool { return f.Found != nil && f.Found.Outcome == outcome })
	}
	found, excluded := has(registraroas.RecognitionOutcomeDetermined), has(registraroas.RecognitionOutcomeOverDetermined)
	switch {
	case found && excluded:
		c.Outcome = theyDisagree
	case found:
		c.Outcome = allDetermined
	case has(registraroas.RecognitionOutcomeUnderDetermined):
		c.Outcome = nobodySays
	case excluded:
		c.Outcome = everybodyElse
	}
	c.Complete = !slices.ContainsFunc(parts, func(f finding) bool { return f.Found == nil })
	return c
}

// Run asks all registers at once. One that does not answer keeps no other from being
// shown; only where none answers is it an error.
func (c *recogniseCommand) Run(ctx context.Context, all *cli, out *printer) error {
	q, err := c.request()
	if err != nil {
		return err
	}
	url, token, err := c.whoAndWhere(all.Dir)
	if err != nil {
		return err
	}
	parts := make([]finding, len(c.Register))
	var asking sync.WaitGroup
	for n, register := range c.Register {
		asking.Go(func() { parts[n] = c.ask(ctx, url, token, register, q) })
	}
	asking.Wait()
	together := combine(parts)
	for _, p := range together.Parts {
		out.finding(p)
	}
	out.say("Together: %s.", strings.ReplaceAll(string(together.Outcome), "-", " "))
	if err := out.result(together); err != nil {
		return err
	}
	if together.Outcome == nobodyAnswered {
		return errors.New("no registrar has answered")
	}
	return nil
}

func (c *recogniseCommand) request() (*registraroas.RecognitionRequest, error) {
	from := io.Reader(os.Stdin)
	if c.Evidence != "" {
		file, err := os.Open(c.Evidence)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		from = file
	}
	q := &registraroas.RecognitionRequest{Purpose: registraroas.Code(c.Purpose), Reason: registraroas.Code(c.Reason)}
	if err := json.NewDecoder(io.LimitReader(from, 64<<10)).Decode(&q.Evidence); err != nil {
		return nil, errors.New("the evidence is no JSON list of what openapi.yaml calls Evidence")
	}
	if c.Case != "" {
		q.Case = registraroas.NewOptCaseReference(registraroas.CaseReference(c.Case))
	}
	return q, nil
}

// ask is one register's part.
func (c *recogniseCommand) ask(ctx context.Context, url, token, register string, q *registraroas.RecognitionRequest) finding {
	f := finding{Register: register}
	base, code, named := strings.Cut(register, "/registrar/v1/registers/")
	if !named {
		base, code = url, register
	}
	ctx, cancel := context.WithTimeout(ctx, c.Wait)
	defer cancel()
	client, err := registraroas.NewClient(base, bearer.Registrar(token))
	if err == nil {
		f.Found, err = client.Recognise(ctx, q, registraroas.RecogniseParams{Register: registraroas.Code(code)})
	}
	if err != nil {
		f.Found, f.Failed = nil, bearer.Told(err).Error()
	}
	return f
}

// finding tells one register's part in words.
func (p *printer) finding(f finding) {
	if f.Found == nil {
		p.say("%s: no answer (%s)", f.Register, f.Failed)
		return
	}
	p.say("%s: %s, confidence %s", f.Register, strings.ReplaceAll(string(f.Found.Outcome), "-", " "), f.Found.Confidence)
	if f.Found.SelfRegistered {
		p.say("  an agency's own list")
	}
	if subject, ok := f.Found.Subject.Get(); ok {
		p.say("  your reference there: %s", subject)
	}
	for _, h := range f.Found.Helps {
		p.say("  would help: %s", strings.ReplaceAll(string(h), "-", " "))
	}
}
