package hubtest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/hubtest"
)

const secret = "P/0042/26" // nobody's identifier

func looking() *hubtest.Search {
	s := new(hubtest.Search)
	s.For("a police identifier", secret)
	s.For("a shelter's", "bed-7")
	s.ForText("a token", "eyJhbGciOi.J9.sig")
	return s
}

// DCP-03: a search that finds nothing proves something only if it finds each
// form of what is there.
func TestASearchFindsASecretInEveryFormThatHidesNothing(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte(secret))
	for name, text := range map[string]string{
		"in clear":                      "COPY x (y) FROM stdin;\nrow " + secret + "\n",
		"at the end":                    "row " + secret,
		"in another case":               "p/0042/26",
		"in hexadecimal":                "\\x00" + hex.EncodeToString([]byte(secret)) + "ff",
		"in upper-case hexadecimal":     strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"in base 64":                    base64.StdEncoding.EncodeToString([]byte(secret)),
		"in base 64 at another offset":  base64.StdEncoding.EncodeToString([]byte("x" + secret + "y")),
		"in base 64 at a third":         base64.URLEncoding.EncodeToString([]byte("xy" + secret + "zz")),
		"in base 64 inside bytes":       "\\x" + hex.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte("_"+secret)))),
		"escaped for a URL":             "GET /acts?identifier=P%2F0042%2F26",
		"escaped for JSON":              `{"identifier":"P\/0042\/26"}`,
		"hashed without a key":          "\\x" + hex.EncodeToString(sum[:]),
		"hashed without a key, as text": base64.RawURLEncoding.EncodeToString(sum[:]),
		"in UTF-16":                     "P\x00/\x000\x000\x004\x002\x00/\x002\x006\x00",
	} {
		if len(looking().In("a text", []byte(text))) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
	if len(looking().In("a text", []byte("Bearer eyJhbGciOi.J9.sig"))) == 0 {
		t.Error("a token is not found")
	}
}

// A random id may hold a short identifier by chance; that is no leak, and the
// same identifier beside it is.
func TestASearchIsNotDeceivedByRandomIDs(t *testing.T) {
	t.Parallel()
	ids := "0190a3f4-6bed-7a5b-9c7d-2f8e1b3a5d60\t0190a3f4-6c1e-4a5b-9bed-7f8e1b3a5d60"
	if found := looking().In("ids", []byte(ids)); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	if len(looking().In("ids", []byte(ids+"\tbed-7\t"))) != 1 {
		t.Error("the identifier beside the ids is not found")
	}
	noise := bytes.Repeat([]byte("\\x0badc0de P/0042/27 bed-x GP\n"), 1000)
	if found := looking().In("noise", noise); len(found) > 0 {
		t.Errorf("found %v", found)
	}
}

func TestASearchReadsEveryFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"a/b/deep": "x" + secret, "top": "nothing"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, size, err := looking().InFiles(dir)
	if err != nil || size != int64(len("x"+secret+"nothing")) {
		t.Fatalf("read %d bytes: %v", size, err)
	}
	if !slices.ContainsFunc(found, func(f hubtest.Found) bool { return f.Where == "a/b/deep" }) {
		t.Errorf("found %v", found)
	}
}
