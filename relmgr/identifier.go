package relmgr

import (
	"log/slog"
	"regexp"
	"sync"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
)

// Identifier is what one provider calls a person. It prints as a mask whatever
// prints it.
type Identifier string

// String masks the identifier.
func (Identifier) String() string { return "[identifier]" }

// GoString masks the identifier.
func (Identifier) GoString() string { return "[identifier]" }

// LogValue masks the identifier.
func (Identifier) LogValue() slog.Value { return slog.StringValue("[identifier]") }

// patterns holds compiled column patterns; governance has checked that they
// compile.
var patterns sync.Map // string → *regexp.Regexp

// check refuses an identifier that does not look like one of the column's, so
// that a typing error is caught before it becomes a person (COL, design.md
// section 3). It is used byte for byte: relmgr never rewrites an agency's
// identifiers (IDX-03).
func (id Identifier) check(c *decide.Column) error {
	re, ok := patterns.Load(c.Pattern)
	if !ok {
		compiled, err := regexp.Compile(`\A(?:` + c.Pattern + `)\z`)
		if err != nil {
			return fault.New(fault.Internal, "the column's pattern cannot be used").Because(err)
		}
		re, _ = patterns.LoadOrStore(c.Pattern, compiled)
	}
	if !re.(*regexp.Regexp).MatchString(string(id)) {
		return fault.At("/identifier", "write it as your column does, for example %s", c.Example)
	}
	return nil
}
