package partnership

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/yamldoc"
)

// MaxSize is the size of the largest document that is read, in bytes.
const MaxSize = yamldoc.MaxSize

// FromYAML turns the file that people write into the JSON that Parse reads, as
// yamldoc.JSON says.
func FromYAML(text []byte) (js []byte, lines func(pointer string) int, err error) {
	return yamldoc.JSON(text)
}

// maxProblems is how many problems one refusal lists; more than that are
// mended in several rounds.
const maxProblems = 50

// Parse reads a partnership document and says whether it can be applied at that
// instant. What is wrong comes as one *fault.Error of kind Invalid whose Fields
// say where, in reading order, and what to write there instead. Structure is
// judged first, meaning only in a document whose structure is right.
func Parse(text []byte, at time.Time) (Document, error) {
	value, problems := decode(text)
	if len(problems) == 0 {
		problems = structure(value)
	}
	if len(problems) > 0 {
		return Document{}, refusal(problems)
	}
	var doc Document
	if err := json.Unmarshal(text, &doc); err != nil {
		return Document{}, fmt.Errorf("partnership: a document that fits the schema does not fit the types: %w", err)
	}
	doc.complete()
	if problems = check(&doc, at); len(problems) > 0 {
		return Document{}, refusal(problems)
	}
	return doc, nil
}

// refusal makes one fault of the problems, the first fifty of them.
func refusal(problems []fault.Field) *fault.Error {
	inReadingOrder(problems)
	n := len(problems)
	err := fault.New(fault.Invalid, "the partnership document needs changes in %d places", n)
	if n == 1 {
		err.Detail = "the partnership document needs a change in one place"
	}
	if n > maxProblems {
		problems = problems[:maxProblems]
		err.Detail += fmt.Sprintf("; the first %d are listed", maxProblems)
	}
	err.Fields = problems
	return err
}
