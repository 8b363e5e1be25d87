package export

import (
	_ "embed"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/api/relmgroas"
)

//go:embed page.html
var text string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"day": func(t time.Time) string { return t.Format("2 January 2006, 15:04 UTC") },
	"list": func(c []relmgroas.Code) string {
		out := make([]string, len(c))
		for i, v := range c {
			out[i] = string(v)
		}
		return strings.Join(out, ", ")
	},
	"words": func(c []consentoas.Code) string {
		out := make([]string, len(c))
		for i, v := range c {
			out[i] = string(v)
		}
		return strings.Join(out, ", ")
	},
}).Parse(text))

// WriteHTML writes it for people: one page that needs no script and no network.
func (e *Export) WriteHTML(w io.Writer) error { return page.Execute(w, e) }
