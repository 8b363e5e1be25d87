package spoken

import (
	"strings"
	"testing"
)

// A code that is heard with slips is told from one, and comes back as it was drawn
// however it is written.
func TestACodeIsReadAsItWasDrawnOrNotAtAll(t *testing.T) {
	for range 1000 {
		c := NewCode()
		for _, heard := range []string{string(c), c.Grouped(), strings.ToLower(c.Grouped()), strings.ReplaceAll(c.Grouped(), " ", "-"), strings.ReplaceAll(string(c), "0", "o")} {
			if got, ok := ParseCode(heard); !ok || got != c {
				t.Fatalf("%q is read as %q, %v; want %q", heard, got, ok, c)
			}
		}
		for i := range c {
			wrong := []byte(c)
			wrong[i] = alphabet[(strings.IndexByte(alphabet, wrong[i])+1)%len(alphabet)]
			if _, ok := ParseCode(string(wrong)); ok {
				t.Fatalf("%q is taken for a code, with a slip in %q", wrong, c)
			}
		}
	}
	for _, none := range []string{"", "4K7", "UUUUUUUUU", "4K7M2P9XTT", "4K7 M2P 9X!"} {
		if _, ok := ParseCode(none); ok {
			t.Errorf("%q is taken for a code", none)
		}
	}
}
