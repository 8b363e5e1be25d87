package ledger

import (
	"strings"
	"testing"
)

// A checkpoint's body has one form: what is read writes itself again, extension
// lines aside.
func FuzzCheckpoint(f *testing.F) {
	root := "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
	for _, text := range []string{
		"example.com/behind-the-sofa\n20852163\n" + root, "a\n0\n" + root, "a\n01\n" + root, "a\n1\n" + root + "more\n", "a\n1\n" + root + "\n",
		"a\n-1\n" + root, "\n1\n" + root, "a\n1\nAAAA\n", "a\n99999999999999999999\n" + root, "a\n1\n" + root + "no end",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCheckpoint(text)
		if err != nil {
			return
		}
		rest, ok := strings.CutPrefix(text, c.text())
		if !ok || c.origin == "" || c.size < 0 {
			t.Errorf("%q is read as %+v", text, c)
		}
		for line := range strings.Lines(rest) {
			if line == "\n" || !strings.HasSuffix(line, "\n") {
				t.Errorf("%q has the extension line %q", text, line)
			}
		}
	})
}
