package partnership

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fame-hub/fame/internal/fault"
)

var (
	escapeToken   = strings.NewReplacer("~", "~0", "/", "~1")
	unescapeToken = strings.NewReplacer("~1", "/", "~0", "~")
)

// pointer joins the tokens into an RFC 6901 pointer.
func pointer(tokens ...any) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(escapeToken.Replace(fmt.Sprint(t)))
	}
	return b.String()
}

// tokens splits a pointer, undoing the escapes.
func tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	parts := strings.Split(pointer[1:], "/")
	for i := range parts {
		parts[i] = unescapeToken.Replace(parts[i])
	}
	return parts
}

// sections is the order in which a document is read from top to bottom.
var sections = []string{
	"partnership", "settings", "issuers", "registrars", "managers", "codes", "agencies", "providers", "columns", "powers", "bars",
	"agreements", "recourse", "services", "practitioners",
}

// inReadingOrder sorts problems as they stand in a document, so that whoever
// mends the file goes through it once.
func inReadingOrder(problems []fault.Field) {
	slices.SortStableFunc(problems, func(a, b fault.Field) int {
		ta, tb := tokens(a.Pointer), tokens(b.Pointer)
		for i := range min(len(ta), len(tb)) {
			if c := compareTokens(i, ta[i], tb[i]); c != 0 {
				return c
			}
		}
		return cmp.Compare(len(ta), len(tb))
	})
}

func compareTokens(depth int, a, b string) int {
	if depth == 0 {
		return cmp.Or(cmp.Compare(slices.Index(sections, a), slices.Index(sections, b)), cmp.Compare(a, b))
	}
	na, aErr := strconv.Atoi(a)
	nb, bErr := strconv.Atoi(b)
	if aErr == nil && bErr == nil {
		return cmp.Compare(na, nb)
	}
	return cmp.Compare(a, b)
}
