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

	"github.com/fame-hub/fame/api/bearer"
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
		return bearer.Told(err)
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
	to := &publishing{client: p.relmgr, approval: c.Approval}
	return importFile(ctx, c.File, to, c.Part, c.Patience, all.JSON, out)
}

// importFile has the lines of a file dealt with.
func importFile(ctx context.Context, name string, to destination, part int, patience time.Duration, quiet bool, out *printer) error {
	file, err := os.Open(name)
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
	i := &importing{to: to, patience: patience, out: out, again: sha256.New(), bar: newBar(os.Stderr, size, quiet)}
	defer i.bar.end()
	if err := i.start(ctx, hex.EncodeToString(sum.Sum(nil))); err != nil {
		return err
	}
	if i.stands.next > 1 {
		out.say("Going on from line %d.", i.stands.next)
	}
	i.part = max(1, min(part, i.stands.form.most))
	extension := strings.ToLower(filepath.Ext(name))
	if i.lines, err = newLines(io.TeeReader(file, i.again), i.stands.form, extension == ".ndjson" || extension == ".jsonl"); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := i.run(ctx); err != nil {
		return err
	}
	if hex.EncodeToString(i.again.Sum(nil)) != hex.EncodeToString(sum.Sum(nil)) {
		return errors.New("the file has changed while it was read: import it again, as it is now")
	}
	return i.report(ctx, hex.EncodeToString(sum.Sum(nil)))
}

// destination is who takes what a file holds: relmgr what is published or
// correlated, the registrar people.
type destination interface {
	// start begins the import of a file, by its SHA-256, or finds where it stopped.
	start(ctx context.Context, file string) (stands, error)
	// send has the lines of a part dealt with.
	send(ctx context.Context, part *chunk) error
	// refusals are lines that made no act, behind the one given, and whether there are more.
	refusals(ctx context.Context, after int) (page []refusal, more bool, err error)
}

// stands is where an import stands.
type stands struct {
	id            string
	form          *form
	next          int // the first line that has not been dealt with
	made, refused int
}

// refusal is why a line made no act.
type refusal struct {
	line int
	why  string
}

// chunk is a part on its way, and up to which byte of the file it reaches.
type chunk struct {
	first, last int
	entries     []entry // that say something
	end         int64
}

// publishing is relmgr's end of an import.
type publishing struct {
	client   *relmgroas.Client
	approval string
	of       relmgroas.ID
}

func (p *publishing) start(ctx context.Context, file string) (stands, error) {
	i, err := p.client.StartImport(ctx, &relmgroas.ImportRequest{Approval: relmgroas.ID(p.approval), File: file})
	if err != nil {
		return stands{}, err
	}
	p.of = i.Import
	form := publications
	if i.Deed == relmgroas.ImportDeedCorrelate {
		form = correlations
	}
	return stands{id: string(i.Import), form: form, next: i.Next, made: i.Published, refused: i.Refused}, nil
}

func (p *publishing) send(ctx context.Context, part *chunk) error {
	r := relmgroas.ImportPartRequest{First: part.first, Last: part.last}
	for _, e := range part.entries {
		if e.form == correlations {
			r.Correlations = append(r.Correlations, e.paired)
		} else {
			r.Relationships = append(r.Relationships, e.line)
		}
	}
	_, err := p.client.ImportPart(ctx, &r, relmgroas.ImportPartParams{Import: p.of})
	return err
}

func (p *publishing) refusals(ctx context.Context, after int) ([]refusal, bool, error) {
	params := relmgroas.ListImportRefusalsParams{Import: p.of, Limit: relmgroas.NewOptInt(1000)}
	if after > 0 {
		params.After = relmgroas.NewOptInt(after)
	}
	page, err := p.client.ListImportRefusals(ctx, params)
	if err != nil {
		return nil, false, err
	}
	var all []refusal
	for _, r := range page.Refusals {
		all = append(all, refusal{r.Line, r.Pointer + ": " + r.Detail})
	}
	return all, page.Next.Set, nil
}

// importing is one run of the command.
type importing struct {
	to       destination
	part     int // lines in a request
	patience time.Duration
	out      *printer
	stands   stands
	lines    *lines
	again    hash.Hash // of the file as it was read
	bar      *bar
	wrong    int // lines that were not sent
	reported bool
}

// start asks where the import of the file stands.
func (i *importing) start(ctx context.Context, file string) error {
	return i.insist(ctx, func() (err error) {
		i.stands, err = i.to.start(ctx, file)
		return err
	})
}

// run sends what the hub has not dealt with, in parts.
func (i *importing) run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := make(chan *chunk)
	var senders sync.WaitGroup
	for range inFlight {
		senders.Go(func() {
			for part := range parts {
				if err := i.insist(ctx, func() error { return i.to.send(ctx, part) }); err != nil {
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
func (i *importing) cut(ctx context.Context, parts chan<- *chunk) error {
	part := &chunk{first: i.stands.next}
	from := i.lines.bytes
	send := func() error {
		part.last, part.end = i.lines.number, i.lines.bytes
		if part.last < part.first { // the hub has all of it
			return nil
		}
		select {
		case parts <- part:
		case <-ctx.Done():
			return ctx.Err()
		}
		from, part = i.lines.bytes, &chunk{first: part.last + 1}
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
		if e.number < part.first {
			from = i.lines.bytes
			continue
		}
		if e.wrong == "" {
			part.entries = append(part.entries, e)
		}
		if len(part.entries) == i.part || i.lines.bytes-from > partBytes {
			if err := send(); err != nil {
				return err
			}
		}
	}
}

// refused tells of a line that made no act.
func (i *importing) refused(line int, why string) {
	if !i.reported {
		i.out.say("Lines that %s:", i.stands.form.madeNone)
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
		err = bearer.Told(err)
		if p, ok := errors.AsType[*bearer.Problem](err); ok && p.Status != http.StatusServiceUnavailable && p.Status != http.StatusTooManyRequests {
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
func (i *importing) report(ctx context.Context, file string) error {
	i.bar.end()
	if err := i.start(ctx, file); err != nil {
		return err
	}
	for after, more := 0, i.stands.refused > 0; more; {
		var page []refusal
		if err := i.insist(ctx, func() (err error) {
			page, more, err = i.to.refusals(ctx, after)
			return err
		}); err != nil {
			return err
		}
		for _, r := range page {
			i.refused(r.line, r.why)
			after = r.line
		}
	}
	none := i.stands.refused + i.wrong
	i.out.say("%d %s. %d lines %s.", i.stands.made, i.stands.form.made, none, i.stands.form.madeNone)
	if err := i.out.result(map[string]any{
		"import": i.stands.id, i.stands.form.deed: i.stands.made, "refused": i.stands.refused, "malformed": i.wrong,
	}); err != nil {
		return err
	}
	if none > 0 {
		return fmt.Errorf("%d lines %s: correct them, and import them in a file of their own", none, i.stands.form.madeNone)
	}
	return nil
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
