package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/governance/partnership"
)

type approveCommand struct {
	File   string `arg:"" help:"The approval, YAML: an ApprovalRequest of openapi.yaml. - reads standard input."`
	signIn `embed:""`
}

// Run has the authority approve an import or a batch of correlations.
func (c *approveCommand) Run(ctx context.Context, all *cli, out *printer) error {
	text, err := readFile(c.File)
	if err != nil {
		return err
	}
	js, _, err := partnership.FromYAML(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	var req relmgroas.ApprovalRequest
	if err := req.UnmarshalJSON(js); err != nil {
		return fmt.Errorf("%s: write an ApprovalRequest as openapi.yaml describes it: %w", c.File, err)
	}
	p, err := c.person(all.Dir)
	if err != nil {
		return err
	}
	act, err := p.relmgr.ApproveImport(ctx, &req, relmgroas.ApproveImportParams{})
	if err != nil {
		return told(err)
	}
	what := "relationships"
	if req.Deed.Value == relmgroas.ApprovalRequestDeedCorrelate {
		what = "correlations"
	}
	out.say("Approved: up to %d %s until %s.", req.Relationships, what, req.Until.Format(time.RFC3339))
	out.say("Somebody else of your agency imports them: fame import FILE --approval %s", act.Act)
	return out.result(act)
}

type importCommand struct {
	File     string        `arg:"" help:"CSV with a header, or NDJSON where its name ends in .ndjson or .jsonl." type:"existingfile"`
	Approval string        `help:"The approval that fame approve gave." required:""`
	Part     int           `help:"Lines in one request." default:"1000" hidden:""`
	Patience time.Duration `help:"How long to go on asking a hub that does not answer." default:"2m"`
	signIn   `embed:""`
}

const (
	partBytes = 600 << 10 // of the file in a part: less than a body may have
	inFlight  = 3         // parts under way at a time
)

// Run imports the file. Whoever dies, this command, the hub or its database, the
// same command goes on where it stopped.
func (c *importCommand) Run(ctx context.Context, all *cli, out *printer) error {
	p, err := c.person(all.Dir)
	if err != nil {
		return err
	}
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, file)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	i := &importing{client: p.relmgr, part: max(1, min(c.Part, 1000)), patience: c.Patience, out: out, again: sha256.New(), bar: newBar(os.Stderr, size, all.JSON)}
	defer i.bar.end()
	if err := i.insist(ctx, func() (err error) {
		i.start, err = p.relmgr.StartImport(ctx, &relmgroas.ImportRequest{
			Approval: relmgroas.ID(c.Approval), File: hex.EncodeToString(sum.Sum(nil)),
		})
		return err
	}); err != nil {
		return err
	}
	if i.start.Next > 1 {
		out.say("Going on from line %d.", i.start.Next)
	}
	extension := strings.ToLower(filepath.Ext(c.File))
	form := publications
	if i.start.Deed == relmgroas.ImportDeedCorrelate {
		form, i.part = correlations, min(i.part, 100)
	}
	if i.lines, err = newLines(io.TeeReader(file, i.again), form, extension == ".ndjson" || extension == ".jsonl"); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if err := i.run(ctx); err != nil {
		return err
	}
	if hex.EncodeToString(i.again.Sum(nil)) != hex.EncodeToString(sum.Sum(nil)) {
		return errors.New("the file has changed while it was read: import it again, as it is now")
	}
	return i.report(ctx, c.Approval, hex.EncodeToString(sum.Sum(nil)))
}

// importing is one run of the command.
type importing struct {
	client   *relmgroas.Client
	part     int // lines in a request
	patience time.Duration
	out      *printer
	start    *relmgroas.Import
	lines    *lines
	again    hash.Hash // of the file as it was read
	bar      *bar
	wrong    int // lines that were not sent
	reported bool
}

// chunk is a part on its way, and up to which byte of the file it reaches.
type chunk struct {
	relmgroas.ImportPartRequest
	end int64
}

// run sends what the hub has not dealt with, in parts.
func (i *importing) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := make(chan chunk)
	var senders sync.WaitGroup
	for range inFlight {
		senders.Go(func() {
			for part := range parts {
				if err := i.insist(ctx, func() error {
					_, err := i.client.ImportPart(ctx, &part.ImportPartRequest, relmgroas.ImportPartParams{Import: i.start.Import})
					return err
				}); err != nil {
					cancel(err)
					return
				}
				i.bar.done(part.end)
			}
		})
	}
	err := i.cut(ctx, parts)
	close(parts)
	senders.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// cut makes parts of the lines that the hub has not dealt with. Each begins where
// the one before ended, so that together they are the whole file.
func (i *importing) cut(ctx context.Context, parts chan<- chunk) error {
	part := chunk{ImportPartRequest: relmgroas.ImportPartRequest{First: i.start.Next}}
	from := i.lines.bytes
	send := func() error {
		part.Last, part.end = i.lines.number, i.lines.bytes
		if part.Last < part.First { // the hub has all of it
			return nil
		}
		select {
		case parts <- part:
		case <-ctx.Done():
			return ctx.Err()
		}
		from, part = i.lines.bytes, chunk{ImportPartRequest: relmgroas.ImportPartRequest{First: part.Last + 1}}
		return nil
	}
	for {
		e, err := i.lines.next()
		if errors.Is(err, io.EOF) {
			return send()
		} else if err != nil {
			return err
		}
		if e.wrong != "" {
			i.wrong++
			i.refused(e.number, e.wrong)
		}
		if e.number < part.First {
			from = i.lines.bytes
			continue
		}
		switch {
		case e.wrong != "":
		case i.lines.form == correlations:
			part.Correlations = append(part.Correlations, e.paired)
		default:
			part.Relationships = append(part.Relationships, e.line)
		}
		if len(part.Relationships)+len(part.Correlations) == i.part || i.lines.bytes-from > partBytes {
			if err := send(); err != nil {
				return err
			}
		}
	}
}

// refused tells of a line that made no act.
func (i *importing) refused(line int, why string) {
	if !i.reported {
		i.out.say("Lines that %s nothing:", i.did())
		i.reported = true
	}
	i.bar.clear()
	i.out.say("  line %d: %s", line, why)
}

// insist does something until the hub has answered it, for as long as patience
// lasts: it may be restarting, or its database, or have too much to do.
func (i *importing) insist(ctx context.Context, do func() error) error {
	until := time.Now().Add(i.patience)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := do()
		if err == nil {
			return nil
		}
		err = told(err)
		if p, ok := errors.AsType[*problem](err); ok && p.Status != http.StatusServiceUnavailable && p.Status != http.StatusTooManyRequests {
			return err
		}
		if time.Now().After(until) {
			return fmt.Errorf("%w: run the same command again when the hub is back, and it goes on from there", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// report tells what came of the file, this time and before.
func (i *importing) report(ctx context.Context, approval, file string) error {
	i.bar.end()
	if err := i.insist(ctx, func() (err error) {
		i.start, err = i.client.StartImport(ctx, &relmgroas.ImportRequest{Approval: relmgroas.ID(approval), File: file})
		return err
	}); err != nil {
		return err
	}
	params := relmgroas.ListImportRefusalsParams{Import: i.start.Import, Limit: relmgroas.NewOptInt(1000)}
	for more := i.start.Refused > 0; more; {
		var page *relmgroas.ImportRefusals
		if err := i.insist(ctx, func() (err error) {
			page, err = i.client.ListImportRefusals(ctx, params)
			return err
		}); err != nil {
			return err
		}
		for _, r := range page.Refusals {
			i.refused(r.Line, r.Pointer+": "+r.Detail)
		}
		params.After, more = page.Next, page.Next.Set
	}
	i.out.say("%d %s. %d lines %s nothing.", i.start.Published, i.done(), i.start.Refused+i.wrong, i.did())
	if err := i.out.result(map[string]any{
		"import": i.start.Import, "published": i.start.Published, "refused": i.start.Refused, "malformed": i.wrong,
	}); err != nil {
		return err
	}
	if n := i.start.Refused + i.wrong; n > 0 {
		return fmt.Errorf("%d lines %s nothing: correct them, and import them in a file of their own", n, i.did())
	}
	return nil
}

// did is what each line of the import does, in the past.
func (i *importing) did() string {
	if i.start.Deed == relmgroas.ImportDeedCorrelate {
		return "correlated"
	}
	return "published"
}

func (i *importing) done() string {
	if i.start.Deed == relmgroas.ImportDeedCorrelate {
		return "correlations are recorded"
	}
	return "relationships are published"
}

// bar shows on a terminal how far the import is.
type bar struct {
	out   *os.File // nil: nobody looks
	size  int64
	from  time.Time
	at    atomic.Int64
	mu    sync.Mutex
	shown time.Time
}

func newBar(out *os.File, size int64, quiet bool) *bar {
	b := &bar{size: max(size, 1), from: time.Now()}
	if info, err := out.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && !quiet {
		b.out = out
	}
	return b
}

// done notes that the file is dealt with up to a byte, as far as is known.
func (b *bar) done(end int64) {
	for at := b.at.Load(); end > at && !b.at.CompareAndSwap(at, end); at = b.at.Load() {
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out == nil || time.Since(b.shown) < 100*time.Millisecond {
		return
	}
	b.shown = time.Now()
	share := float64(b.at.Load()) / float64(b.size)
	left := time.Duration(float64(time.Since(b.from)) * (1 - share) / share).Round(time.Second)
	const width = 40
	full := int(share * width)
	fmt.Fprintf(b.out, "\r[%s%s] %3.0f%%  %v left ", strings.Repeat("#", full), strings.Repeat(" ", width-full), 100*share, left)
}

// clear makes room for a line of its own.
func (b *bar) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.out != nil && !b.shown.IsZero() {
		fmt.Fprint(b.out, "\r\033[K")
	}
}

func (b *bar) end() { b.clear() }
