package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/relmgroas"
)

// A file of relationships is published under an approval of somebody else (ACT-04), line by
// line, while whoever sent it watches. Lines are counted as `fame import` counts them, and
// the import is the hub's: either goes on where the other stopped.

const (
	importsPath = "/imports"
	maxFile     = 4 << 20 // larger ones are for `fame import`
	importPart  = 500     // lines in one request
	longestRun  = time.Hour
	mostRefused = 200 // lines that a page tells of
)

func importRoutes(practitioner adder, asks formAdder) {
	asks(importsPath, uploadPage, upload)
	practitioner(importsPath+"/{import}", showImport, nil)
	asks("/approve", plainly(page{Title: "Approve an upload", Lead: []string{
		"You decide what somebody else of your agency may publish from a file: for which services, how many, and on which four steps. It publishes nothing by itself. Where the ground is consent, each line brings its own.",
	}}, approveForm), approve)
}

// approveForm: which columns of the caller's agency, how many, until when, on what.
func approveForm(v *visit) *form {
	columns := &field{Name: "columns", Label: "For which services?", Kind: several, Missing: "Select at least one service"}
	for _, c := range v.t.Columns {
		if c.Agency == string(v.who.in.Agency) && (c.Closes == nil || v.p.Now().Before(*c.Closes)) {
			columns.Options = append(columns.Options, option{Value: c.ID, Text: v.t.columnTitle(c.ID)})
		}
	}
	ends := &field{Name: "ends", Label: "Until when may it be uploaded?", Kind: date, Hint: "For example, 27 3 2027."}
	ends.setDay(v.p.Now().AddDate(0, 0, 14))
	f := decided(&form{Action: Prefix + "/approve", Button: "Approve", Fields: []*field{
		columns, {Name: "relationships", Label: "How many may be published?", Kind: text, Width: 10, Max: 9, Missing: "Enter how many may be published"}, ends, reasonField(v.t, "Why?"),
	}}, v, "approve", "publish")
	f.Fields = slices.DeleteFunc(f.Fields, func(one *field) bool { return one.Name == "evidence" || one.Name == "consent" })
	f.judge = func(f *form) {
		if n, err := strconv.Atoi(f.get("relationships")); f.get("relationships") != "" && (err != nil || n < 1) {
			f.wrong("relationships", "How many may be published must be a number")
		}
		judgeAudience(f)
	}
	return f
}

func approve(v *visit, f *form) (string, error) {
	r, err := v.relmgr()
	if err != nil {
		return "", err
	}
	d, m := steps(f)
	n, _ := strconv.Atoi(f.get("relationships")) // the form has judged it
	got, err := r.ApproveImport(v.ctx, &relmgroas.ApprovalRequest{
		Columns: codes[relmgroas.Code](f.many("columns")), Mode: m, Reason: relmgroas.Code(f.get("reason")), Relationships: n, Until: f.day("ends"), Decision: d,
	}, relmgroas.ApproveImportParams{IdempotencyKey: v.sentOnce()})
	if err != nil {
		return "", err
	}
	return v.s.tell(page{Title: "Approved", Done: []string{"It is approved."}, Lead: []string{"Give the number below to whoever uploads the file. It must be somebody else of your agency. To end the approval, undo it."},
		Cards: []card{{Title: "The approval", Rows: []row{{Key: "Number", Values: []string{string(got.Act)}}}, Links: []link{{Text: "Undo it", Href: Prefix + "/acts/" + string(got.Act) + "/undo"}}}}}), nil
}

// importing is an import on its way.
type importing struct {
	id relmgroas.ID
	at time.Time

	mu                         sync.Mutex
	lines, done, made, refused int
	wrong                      []lineWrong // that the portal itself could not read
	ended                      bool
	stopped                    string // why it went no further
}

type lineWrong struct {
	line int
	why  string
}

func uploadPage(v *visit) (*page, *form, error) {
	pg := &page{Title: "Publish from a file", Lead: []string{
		"A CSV file with one relationship in each line. Its first line names the columns: column, identifier, role, offer, transactions, contact, and consents where the ground is consent. Somebody else of your agency has approved it, and has given you its number.",
		"The same file under the same approval is one upload: if it stops, send it again, and it goes on from there.",
	}}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	for _, one := range v.s.imports {
		pg.Cards = append(pg.Cards, one.card(Prefix+importsPath+"/"+string(one.id)))
	}
	return pg, &form{Action: Prefix + importsPath, Button: "Send the file", File: true, at: map[string]string{}, Fields: []*field{
		{Name: "approval", Label: "Number of the approval", Kind: text, Width: 30, Missing: "Enter the number of the approval"},
		{Name: "file", Label: "The file", Hint: "CSV, as UTF-8, at most 4 MB. It is chosen anew each time.", Kind: file},
	}}, nil
}

func (i *importing) card(at string) card {
	i.mu.Lock()
	defer i.mu.Unlock()
	c := card{Title: "Sent on " + when(i.at), Href: at, Tag: "Under way", Rows: []row{{Key: "Lines dealt with", Values: []string{strconv.Itoa(i.done) + " of " + strconv.Itoa(i.lines)}}}}
	switch {
	case i.stopped != "":
		c.Tag = "Stopped"
	case i.ended:
		c.Tag = "Done"
	}
	return c
}

func upload(v *visit, f *form) (string, error) {
	in, _, err := v.r.FormFile("file")
	if err != nil { // there is none
		f.wrong("file", "Select a file")
		return "", nil
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > maxFile:
		f.wrong("file", "The file must be 4 MB or smaller: send it in parts, or use `fame import`")
		return "", nil
	}
	lines, wrong, err := readLines(text)
	if err != nil {
		f.wrong("file", sentence(err.Error()))
		return "", nil
	}
	r, err := v.relmgr()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	got, err := r.StartImport(v.ctx, &relmgroas.ImportRequest{Approval: relmgroas.ID(f.get("approval")), File: hex.EncodeToString(sum[:])})
	if err != nil {
		return "", err
	}
	if got.Deed != relmgroas.ImportDeedPublish {
		f.wrong("approval", "This approval is for joining records: use `fame import`")
		return "", nil
	}
	last := bytes.Count(text, []byte("\n"))
	if !bytes.HasSuffix(text, []byte("\n")) {
		last++
	}
	one := &importing{id: got.Import, at: v.p.Now(), lines: last - 1, done: min(got.Next, last+1) - 2, made: got.Published, refused: got.Refused, wrong: wrong}
	one.done = max(one.done, 0)
	v.s.mu.Lock()
	v.s.imports = append([]*importing{one}, slices.DeleteFunc(v.s.imports, func(i *importing) bool { return i.id == one.id })...)
	v.s.imports = v.s.imports[:min(len(v.s.imports), mostAnswers)]
	v.s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(v.ctx), longestRun)
	go func() {
		defer cancel()
		one.run(ctx, r, lines, got.Next, last)
	}()
	return importsPath + "/" + string(one.id), nil
}

// run has what the hub has not dealt with be dealt with, part by part.
func (i *importing) run(ctx context.Context, r *relmgroas.Client, lines []relmgroas.ImportLine, next, last int) {
	for first := next; first <= last; {
		q := &relmgroas.ImportPartRequest{First: first, Last: min(first+importPart-1, last)}
		for _, l := range lines {
			if l.Line >= q.First && l.Line <= q.Last {
				q.Relationships = append(q.Relationships, l)
			}
		}
		got, err := patiently(ctx, func() (*relmgroas.ImportedPart, error) {
			return r.ImportPart(ctx, q, relmgroas.ImportPartParams{Import: i.id})
		})
		if err != nil {
			i.stop(err)
			return
		}
		i.mu.Lock()
		i.done = q.Last - 1
		for _, l := range got.Lines {
			if l.Act.Set {
				i.made++
			} else {
				i.refused++
			}
		}
		i.mu.Unlock()
		first = q.Last + 1
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ended, i.done = true, i.lines
}

// patiently asks again while a duty is busy or restarting.
func patiently[T any](ctx context.Context, ask func() (T, error)) (got T, err error) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		if got, err = ask(); err == nil {
			return got, nil
		}
		err = bearer.Told(err)
		if p, ok := errors.AsType[*bearer.Problem](err); ok && p.Status != http.StatusTooManyRequests && p.Status != http.StatusServiceUnavailable {
			return got, err
		}
		select {
		case <-ctx.Done():
			return got, err
		case <-time.After(pause):
		}
	}
}

func (i *importing) stop(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopped = "The hub does not answer."
	if p, ok := errors.AsType[*bearer.Problem](err); ok {
		i.stopped = sentence(p.Title)
		if p.Detail != "" {
			i.stopped += ": " + p.Detail
		}
	}
}

// showImport is how far an import is, and which lines published nothing. One of an earlier
// session shows the lines alone.
func showImport(v *visit) error {
	id := relmgroas.ID(v.r.PathValue("import"))
	v.s.mu.Lock()
	at := slices.IndexFunc(v.s.imports, func(i *importing) bool { return i.id == id })
	var one *importing
	if at >= 0 {
		one = v.s.imports[at]
	}
	v.s.mu.Unlock()
	r, err := v.relmgr()
	if err != nil {
		return err
	}
	got, err := r.ListImportRefusals(v.ctx, relmgroas.ListImportRefusalsParams{Import: id, Limit: relmgroas.NewOptInt(mostRefused)})
	if err != nil {
		return err
	}
	pg := &page{Title: "A file that was sent", Links: []link{{Text: "Send a file", Href: Prefix + importsPath}}}
	var wrong []lineWrong
	if one == nil {
		pg.Lead = []string{"You sent it before you signed in. If it has not ended, send the same file again under the same approval: it goes on where it stopped."}
	} else {
		one.mu.Lock()
		wrong = one.wrong
		share := 100
		if one.lines > 0 {
			share = 100 * one.done / one.lines
		}
		pg.Bars = &bars{Title: strconv.Itoa(one.done) + " of " + strconv.Itoa(one.lines) + " lines have been dealt with", Of: []bar{
			{Name: "Dealt with, in percent", N: share, Width: share}, {Name: "Published", N: one.made, Width: 100 * one.made / max(one.lines, 1)},
			{Name: "Not published", N: one.refused + len(one.wrong), Width: 100 * (one.refused + len(one.wrong)) / max(one.lines, 1)},
		}}
		switch {
		case one.stopped != "":
			pg.Warn = "It has stopped. " + one.stopped + " Send the same file again, and it goes on from there."
		case one.ended:
			pg.Done = []string{"All of the file has been dealt with."}
		default:
			pg.Notice = "It is under way. It goes on when you leave this page."
			pg.Buttons = []link{{Text: "Look again", Href: v.r.URL.Path}}
		}
		one.mu.Unlock()
	}
	for _, l := range got.Refusals {
		wrong = append(wrong, lineWrong{l.Line, fieldOf(l.Pointer) + l.Detail})
	}
	slices.SortStableFunc(wrong, func(a, b lineWrong) int { return a.line - b.line })
	if len(wrong) > 0 {
		t := table{Title: "Lines that published nothing", Head: []string{"Line", "What to write instead"}}
		for _, l := range wrong[:min(len(wrong), mostRefused)] {
			t.Lines = append(t.Lines, line{Name: strconv.Itoa(l.line), Cells: []string{sentence(l.why)}})
		}
		if got.Next.Set || len(wrong) > mostRefused {
			t.Lines = append(t.Lines, line{Name: "More", Cells: []string{"There are more. Correct these first."}})
		}
		pg.Tables = []table{t}
		pg.Lead = append(pg.Lead, "Correct the lines below, and send them in a file of their own.")
	}
	return v.show(pg)
}

// fieldOf is where in a line something is wrong, in words.
func fieldOf(pointer string) string {
	if p := strings.Trim(pointer, "/"); p != "" {
		return strings.SplitN(p, "/", 2)[0] + ": "
	}
	return ""
}

// readLines reads what a CSV says. Nothing that stands there is repeated, and what a
// spreadsheet would take for a formula is refused: it has changed the file before, or would
// change whoever opens it.
func readLines(text []byte) (all []relmgroas.ImportLine, wrong []lineWrong, err error) {
	if !utf8.Valid(text) {
		return nil, nil, errors.New("save the file as UTF-8")
	}
	var header []string
	number := 0
	for one := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		one = strings.TrimRight(one, "\r\n")
		if strings.TrimSpace(one) == "" && header != nil {
			continue
		}
		record, why := recordOf(one)
		if header == nil {
			if header = record; why == "" {
				why = headerWrong(header)
			}
			if why != "" {
				return nil, nil, errors.New("line 1: " + why)
			}
			continue
		}
		if why == "" && len(record) != len(header) {
			why = fmt.Sprintf("the line has %d fields, and the header %d", len(record), len(header))
		}
		var l relmgroas.ImportLine
		if why == "" {
			l, why = lineOf(number, header, record)
		}
		if why != "" {
			wrong = append(wrong, lineWrong{number, why})
			continue
		}
		all = append(all, l)
	}
	if header == nil {
		return nil, nil, errors.New("the file is empty")
	}
	return all, wrong, nil
}

var importColumns = []string{"column", "identifier", "role", "offer", "transactions", "contact", "consents"}

func headerWrong(header []string) string {
	for i, name := range header {
		if !slices.Contains(importColumns, name) || slices.Contains(header[:i], name) {
			return "field " + strconv.Itoa(i+1) + " of it cannot be used: name each once, separated by commas, from " + strings.Join(importColumns, ", ")
		}
	}
	for _, name := range []string{"column", "identifier", "role", "offer", "contact"} {
		if !slices.Contains(header, name) {
			return "it lacks " + name
		}
	}
	return ""
}

func recordOf(one string) (record []string, wrong string) {
	r := csv.NewReader(strings.NewReader(one))
	r.FieldsPerRecord = -1
	record, err := r.Read()
	if err != nil {
		return nil, "the line is no CSV: double the quotes inside a quoted field"
	}
	return record, ""
}

func lineOf(number int, header, record []string) (l relmgroas.ImportLine, wrong string) {
	l.Line = number
	var offer relmgroas.OfferRequest
	for i, name := range header {
		v := record[i]
		if v != "" && strings.ContainsRune("=+-@", rune(v[0])) {
			return l, name + ": begins as a formula of a spreadsheet does: correct it"
		}
		switch name {
		case "column":
			l.Column = relmgroas.Code(v)
		case "identifier":
			l.Identifier = relmgroas.LocalIdentifier(v)
		case "role":
			l.Role = relmgroas.Code(v)
		case "offer":
			offer.Kind = relmgroas.OfferKind(v)
		case "transactions":
			offer.Transactions = codes[relmgroas.Code](strings.Fields(v))
		case "contact":
			offer.Contact = relmgroas.Code(v)
		case "consents":
			l.Consents = codes[relmgroas.ID](strings.Fields(v))
		}
	}
	l.Offers = []relmgroas.OfferRequest{offer}
	if l.Validate() != nil {
		return l, "a field is empty, too long, given twice or of another form than it has to be"
	}
	return l, ""
}
