package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/ogen-go/ogen/validate"

	"github.com/fame-hub/fame/api"
	"github.com/fame-hub/fame/api/registraroas"
	relmgroas "github.com/fame-hub/fame/api/relmgroas"
)

// maxLine is how long a line of a file may be.
const maxLine = 16 << 10

// form is what the lines of a file hold, and how that is told. The header of a CSV
// may name its columns, and must name those that it needs; transactions and consents
// hold codes and ids between spaces. Who has several offers for one person, or several
// names, writes NDJSON.
type form struct {
	columns, needs       []string
	members              string // of a line of NDJSON
	most                 int    // in one request
	deed, made, madeNone string
}

var (
	publications = &form{
		columns: []string{"column", "identifier", "role", "offer", "transactions", "contact", "consents"},
		needs:   []string{"column", "identifier", "role", "offer", "contact"},
		members: "column, identifier, role, offers and perhaps consents",
		most:    1000, deed: "published", made: "relationships are published", madeNone: "published nothing",
	}
	correlations = &form{
		columns: []string{"column", "identifier", "pairing", "statement", "consents"},
		needs:   []string{"column", "identifier"},
		members: "column, identifier, pairing or statement, and perhaps consents",
		most:    100, deed: "published", made: "correlations are recorded", madeNone: "correlated nothing",
	}
	registrations = &form{
		columns: []string{"given", "family", "name", "birth", "within", "birthplace", "sex", "house", "street", "locality", "region", "postcode",
			"phone", "email", "scheme", "number", "source"},
		members: "items",
		most:    1000, deed: "entered", made: "people are entered", madeNone: "entered nobody",
	}
)

// lines reads relationships, correlations or people from a file, each from a line of
// its own, in memory that does not grow with the file. It never repeats what stands
// there: a typing error may be somebody's name.
type lines struct {
	in     *bufio.Reader
	form   *form
	json   bool
	header []string // of a CSV
	number int      // of the line read last
	bytes  int64    // read so far
}

// entry is a line that holds something: a relationship, a correlation or a person, or
// what is wrong with it.
type entry struct {
	number int
	form   *form
	line   relmgroas.ImportLine
	paired relmgroas.CorrelationLine
	person registraroas.EntryLine
	wrong  string
}

// newLines reads the header of a CSV. What it returns as an error is wrong with
// the file as a whole.
func newLines(in io.Reader, f *form, json bool) (*lines, error) {
	l := &lines{in: bufio.NewReaderSize(in, maxLine+2), form: f, json: json}
	start, _ := l.in.Peek(3)
	switch {
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return nil, errors.New("the file is UTF-16: save it as UTF-8")
	case bytes.Equal(start, []byte("\ufeff")): // as spreadsheets write it
		n, _ := l.in.Discard(3) // they have been looked at: they are there
		l.bytes = int64(n)
	}
	if json {
		return l, nil
	}
	text, wrong, err := l.read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if wrong == "" {
		l.header, wrong = fields(text)
	}
	if wrong != "" {
		return nil, errors.New("line 1: " + wrong)
	}
	for i, name := range l.header {
		if !slices.Contains(f.columns, name) || slices.Contains(l.header[:i], name) {
			return nil, fmt.Errorf("line 1: field %d of the header cannot be used: name each once, separated by commas, from %s", i+1, strings.Join(f.columns, ", "))
		}
	}
	for _, name := range f.needs {
		if !slices.Contains(l.header, name) {
			return nil, fmt.Errorf("line 1: the header lacks %s: name in it, separated by commas, %s", name, strings.Join(f.columns, ", "))
		}
	}
	return l, nil
}

// next returns the next line that is not empty, and io.EOF behind the last.
func (l *lines) next() (entry, error) {
	for {
		text, wrong, err := l.read()
		if err != nil && (!errors.Is(err, io.EOF) || len(text) == 0 && wrong == "") {
			return entry{}, err
		}
		if wrong == "" && len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		e := entry{wrong: wrong}
		if wrong == "" && l.json {
			e = l.object(text)
		} else if wrong == "" {
			e = l.record(text)
		}
		e.number, e.form = l.number, l.form
		e.line.Line, e.paired.Line, e.person.Line = l.number, l.number, l.number
		switch {
		case e.wrong != "":
		case l.form == correlations:
			e.wrong = invalid(&e.paired)
		case l.form == registrations:
			e.wrong = invalid(&e.person)
		default:
			e.wrong = invalid(&e.line)
		}
		return e, nil
	}
}

// read returns a line without its end. A line that is wrong as such comes without
// its text.
func (l *lines) read() (text []byte, wrong string, err error) {
	text, err = l.in.ReadSlice('\n')
	if len(text) == 0 && err != nil {
		return nil, "", err
	}
	l.number++
	l.bytes += int64(len(text))
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			var more []byte
			more, err = l.in.ReadSlice('\n')
			l.bytes += int64(len(more))
		}
		return nil, fmt.Sprintf("the line is longer than %d bytes", maxLine), err
	}
	text = bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))
	if !utf8.Valid(text) {
		return nil, "a byte is not UTF-8: save the file as UTF-8", err
	}
	if why := api.Harm(string(text)); why != "" {
		return nil, why + " stands in the line: remove it", err
	}
	return text, "", err
}

// fields splits a line of a CSV (RFC 4180). No field holds a line's end.
func fields(text []byte) (record []string, wrong string) {
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord = -1
	record, err := r.Read()
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, fmt.Sprintf("the line is no CSV (%v at character %d): double the quotes inside a quoted field", p.Err, p.Column)
	} else if err != nil {
		return nil, "the line is no CSV"
	}
	return record, ""
}

// record reads a line of a CSV. What a spreadsheet would take for a formula is
// refused: it has changed the file before, or would change whoever opens it.
func (l *lines) record(text []byte) (e entry) {
	record, wrong := fields(text)
	if wrong != "" {
		return entry{wrong: wrong}
	}
	if len(record) != len(l.header) {
		return entry{wrong: fmt.Sprintf("the line has %d fields, and the header %d", len(record), len(l.header))}
	}
	var offer relmgroas.OfferRequest
	said := map[string]string{}
	for i, name := range l.header {
		v := record[i]
		if v != "" && strings.ContainsRune("=+-@", rune(v[0])) && (name != "phone" || v[0] != '+') {
			return entry{wrong: "/" + name + ": begins as a formula of a spreadsheet does: correct it, or write the file as NDJSON"}
		}
		said[name] = v
		switch name {
		case "column":
			e.line.Column, e.paired.Column = relmgroas.Code(v), relmgroas.Code(v)
		case "identifier":
			e.line.Identifier, e.paired.Identifier = relmgroas.LocalIdentifier(v), relmgroas.LocalIdentifier(v)
		case "role":
			e.line.Role = relmgroas.Code(v)
		case "offer":
			offer.Kind = relmgroas.OfferKind(v)
		case "transactions":
			for _, t := range strings.Fields(v) {
				offer.Transactions = append(offer.Transactions, relmgroas.Code(t))
			}
		case "contact":
			offer.Contact = relmgroas.Code(v)
		case "consents":
			for _, c := range strings.Fields(v) {
				e.line.Consents, e.paired.Consents = append(e.line.Consents, relmgroas.ID(c)), append(e.paired.Consents, relmgroas.ID(c))
			}
		case "pairing":
			if v != "" {
				e.paired.Pairing.SetTo(relmgroas.PairingCode(v))
			}
		case "statement":
			if v != "" {
				e.paired.Statement.SetTo(relmgroas.CommonClientStatement(v))
			}
		}
	}
	e.line.Offers = []relmgroas.OfferRequest{offer}
	if l.form == registrations {
		e.person.Items, e.wrong = itemsOf(said)
	}
	return e
}

// object reads a line of NDJSON: an ImportLine, a CorrelationLine or an EntryLine of
// openapi.yaml without its line.
func (l *lines) object(text []byte) (e entry) {
	text = bytes.TrimSpace(text)
	if api.CheckJSON(text) != nil || text[0] != '{' {
		return entry{wrong: "the line is not one JSON object with each member once"}
	}
	numbered := append([]byte(`{"line":`+strconv.Itoa(l.number)+`,`), text[1:]...)
	var err error
	var line int
	switch l.form {
	case correlations:
		err = e.paired.UnmarshalJSON(numbered)
		line = e.paired.Line
	case registrations:
		err = e.person.UnmarshalJSON(numbered)
		line = e.person.Line
	default:
		err = e.line.UnmarshalJSON(numbered)
		line = e.line.Line
	}
	if err != nil || line != l.number {
		return entry{wrong: "the line does not have the members " + l.form.members + ", and no others"}
	}
	return e
}

// invalid says where a line is not what openapi.yaml asks for.
func invalid(l interface{ Validate() error }) string {
	err := l.Validate()
	if err == nil {
		return ""
	}
	where := pointerOf(err)
	if where != "" {
		where += ": "
	}
	return where + "empty, too long, given twice or of another form than openapi.yaml has for it"
}

// pointerOf is where in the line the first of what is wrong stands (RFC 6901).
func pointerOf(err error) string {
	v, ok := errors.AsType[*validate.Error](err)
	if !ok || len(v.Fields) == 0 {
		return ""
	}
	return "/" + strings.Trim(v.Fields[0].Name, "[]") + pointerOf(v.Fields[0].Error)
}
