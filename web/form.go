package web

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/fame-hub/fame/api/bearer"
)

// kind is how a field is asked.
type kind string

const (
	text    kind = "text"    // one line
	choice  kind = "choice"  // one of few: radios
	pick    kind = "list"    // one of many: a select
	several kind = "several" // some: checkboxes
	yes     kind = "yes"     // one checkbox
	date    kind = "date"    // day, month, year
	long    kind = "long"    // several lines
	file    kind = "file"
	hidden  kind = "hidden"
	heading kind = "heading" // asks nothing
)

// option is one thing to choose.
type option struct{ Value, Text, Hint string }

// field is one question of a form.
type field struct {
	Name, Label, Hint string
	Kind              kind
	Options           []option
	Optional          bool
	Max               int // characters; zero: 64
	Width             int // of a text box, in characters; of several lines, how many
	Missing           string
	Secret            bool // never shown again

	Values []string
	Error  string
}

// Value is the first value.
func (f *field) Value() string {
	if len(f.Values) == 0 {
		return ""
	}
	return f.Values[0]
}

// Has reports whether an option is chosen.
func (f *field) Has(v string) bool { return slices.Contains(f.Values, v) }

// Part is a part of a date.
func (f *field) Part(n int) string {
	if n < len(f.Values) {
		return f.Values[n]
	}
	return ""
}

// Focus is the id of the element that a mistake leads to.
func (f *field) Focus() string {
	switch f.Kind {
	case choice, several:
		if len(f.Options) > 0 {
			return f.Name + "-1"
		}
	case date:
		return f.Name + "-day"
	}
	return f.Name
}

// mistake is one line of the summary of what is wrong.
type mistake struct{ Text, Href string }

// form is what a page asks. It is declared once, shown, read and shown again by the same
// few functions, so that no form of the portal forgets a part of it.
type form struct {
	Action   string
	Button   string
	Warning  bool // what the button does cannot be taken back
	Once     string
	Fields   []*field
	Mistakes []mistake
	Intro    []string
	File     bool // a file comes with it

	judge func(*form)       // finds mistakes that several fields make together
	at    map[string]string // under which names it asks what a duty's members are called
}

// oneChoice answers what has one answer only: it is not asked.
func oneChoice(f *field) *field {
	if len(f.Options) == 1 && !f.Optional {
		f.Kind, f.Values = hidden, []string{f.Options[0].Value}
	}
	return f
}

func (f *form) field(name string) *field {
	for _, one := range f.Fields {
		if one.Name == name {
			return one
		}
	}
	return nil
}

// get is what a field was answered.
func (f *form) get(name string) string {
	if one := f.field(name); one != nil {
		return strings.TrimSpace(one.Value())
	}
	return ""
}

// many is what several were answered.
func (f *form) many(name string) []string {
	if one := f.field(name); one != nil {
		return one.Values
	}
	return nil
}

// day is the date that a field was answered, at the end of the day.
func (f *form) day(name string) time.Time {
	if one := f.field(name); one != nil {
		if t, ok := dateOf(one.Values); ok {
			return t
		}
	}
	return time.Time{}
}

func dateOf(v []string) (time.Time, bool) {
	if len(v) != 3 {
		return time.Time{}, false
	}
	var n [3]int
	for i, s := range v {
		var err error
		if n[i], err = strconv.Atoi(strings.TrimSpace(s)); err != nil {
			return time.Time{}, false
		}
	}
	t := time.Date(n[2], time.Month(n[1]), n[0], 23, 59, 0, 0, time.UTC)
	return t, t.Day() == n[0] && int(t.Month()) == n[1] && n[2] >= 1900 && n[2] <= 2200
}

// setDay fills a date in.
func (f *field) setDay(t time.Time) {
	f.Values = []string{strconv.Itoa(t.Day()), strconv.Itoa(int(t.Month())), strconv.Itoa(t.Year())}
}

// fill takes values in as they were typed, and judges nothing.
func (f *form) fill(v url.Values) {
	for _, one := range f.Fields {
		switch {
		case one.Kind == heading:
		case one.Kind == date:
			if v.Has(one.Name + "-day") {
				one.Values = []string{v.Get(one.Name + "-day"), v.Get(one.Name + "-month"), v.Get(one.Name + "-year")}
			}
		case one.Kind == several:
			one.Values = slices.Clone(v[one.Name])
		case v.Has(one.Name):
			one.Values = []string{v.Get(one.Name)}
		case one.Kind == yes:
			one.Values = nil
		}
	}
}

// read takes in what was sent, and reports whether the form can be used. What cannot is
// in its summary of mistakes, with what was typed kept. It is the portal's own check, so
// that somebody need not wait for a duty to hear of an empty field: the duties judge all
// of it again.
func (f *form) read(v url.Values) bool {
	f.fill(v)
	for _, one := range f.Fields {
		if msg := one.judge(); msg != "" {
			f.wrong(one.Name, msg)
		}
	}
	if f.judge != nil {
		f.judge(f)
	}
	return len(f.Mistakes) == 0
}

func (f *field) judge() string {
	if f.Kind == heading || f.Kind == file {
		return ""
	}
	given := slices.DeleteFunc(slices.Clone(f.Values), func(s string) bool { return strings.TrimSpace(s) == "" })
	if len(given) == 0 {
		if f.Optional {
			return ""
		}
		return f.missing()
	}
	most := f.Max
	if most == 0 {
		most = 64
	}
	switch f.Kind {
	case date:
		if _, ok := dateOf(f.Values); !ok {
			return f.named() + " must be a real date, such as 27 3 2027"
		}
		return ""
	case choice, pick, several:
		for _, g := range given {
			if !slices.ContainsFunc(f.Options, func(o option) bool { return o.Value == g }) {
				return f.missing()
			}
		}
		return ""
	case yes:
		if given[0] != "yes" {
			return f.missing()
		}
		return ""
	}
	switch s := given[0]; {
	case !utf8.ValidString(s):
		return f.named() + " holds characters that cannot be read: type it again"
	case utf8.RuneCountInString(s) > most:
		return fmt.Sprintf("%s must be %d characters or fewer", f.named(), most)
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f || isBidi(r) }):
		return f.named() + " holds characters that cannot be seen: type it instead of copying it"
	}
	return ""
}

// isBidi: characters that change the direction of writing, with which one text is made
// to look like another.
func isBidi(r rune) bool {
	return r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func (f *field) missing() string {
	switch {
	case f.Missing != "":
		return f.Missing
	case f.Kind == choice || f.Kind == pick || f.Kind == several:
		return "Select " + lower(f.named())
	case f.Kind == yes:
		return "Tick the box: " + lower(f.named())
	}
	return "Enter " + lower(f.named())
}

// named is the field in a sentence: its label without what ends a question.
func (f *field) named() string { return strings.TrimRight(f.Label, "?: ") }

func lower(s string) string {
	if s == "" || len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// wrong adds a mistake, at a field or at none.
func (f *form) wrong(name, msg string) {
	m := mistake{Text: msg}
	if one := f.field(name); one != nil {
		if one.Error == "" {
			one.Error = msg
		}
		if one.Kind != hidden {
			m.Href = "#" + one.Focus()
		}
	}
	f.Mistakes = append(f.Mistakes, m)
}

// refused adds what a duty said was wrong. Members of a request that the form asks under
// another name are in at.
func (f *form) refused(p *bearer.Problem, at map[string]string) {
	for _, e := range p.Errors {
		name := ""
		for _, part := range strings.Split(strings.TrimPrefix(e.Pointer, "/"), "/") {
			if to, ok := at[part]; ok {
				part = to
			}
			if f.field(part) != nil {
				name = part
			}
		}
		f.wrong(name, sentence(e.Detail))
	}
	if len(p.Errors) == 0 {
		msg := p.Title
		if p.Detail != "" {
			msg += ": " + p.Detail
		}
		f.wrong("", sentence(msg))
	}
}

// numbered gives the form the number by which it is sent once.
func (f *form) numbered() *form {
	f.Once = rand.Text()
	for _, one := range f.Fields {
		if one.Secret {
			one.Values = nil
		}
	}
	return f
}

// post reads what was sent, within bounds.
func post(r *http.Request) (url.Values, error) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		err := r.ParseMultipartForm(maxFile + maxForm) // all of it in memory: no file is left on the disk
		return r.PostForm, err
	}
	err := r.ParseForm()
	return r.PostForm, err
}

// numberOf is the number of a form that was sent, "" where it is none of ours.
func numberOf(v url.Values) string {
	n := v.Get("once")
	if len(n) != 26 || strings.Trim(n, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" {
		return ""
	}
	return n
}
