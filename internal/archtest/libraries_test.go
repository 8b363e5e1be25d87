package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// libraries are the modules of others that our code imports, each with the
// reason. A new one needs a record in docs/decisions/ first.
var libraries = map[string]string{
	"filippo.io/age":                        "0004: the key file is sealed with it",
	"github.com/alecthomas/kong":            "0005: the command line",
	"github.com/cloudflare/circl":           "0096: the function of private look-ups, RFC 9497",
	"github.com/coreos/go-oidc/v3":          "0001: fixed; verifies tokens of identity providers",
	"github.com/go-faster/errors":           "0002: ogen's generated code uses it",
	"github.com/go-faster/jx":               "0002: ogen's generated code uses it; also reads a body's members, which encoding/json hides",
	"github.com/go-jose/go-jose/v4":         "0001: fixed; signs and verifies statements",
	"github.com/go-webauthn/webauthn":       "0041: passkeys",
	"github.com/gowebpki/jcs":               "0006: canonical JSON, so that a commitment has one reading",
	"github.com/luikyv/go-oidc":             "0040: the registrar's OpenID Provider",
	"github.com/mozillazg/go-unidecode":     "0011: names of any script in one alphabet",
	"github.com/lib/pq":                     "0001: fixed; the database driver",
	"github.com/ogen-go/ogen":               "0002: the run-time half of the generated HTTP code",
	"github.com/pquerna/otp":                "0041: one-time codes",
	"github.com/pressly/goose/v3":           "0003: applies the migrations",
	"github.com/prometheus/client_golang":   "0001: fixed; metrics",
	"github.com/santhosh-tekuri/jsonschema": "0005: says where a partnership document is wrong",
	"github.com/transparency-dev/formats":   "0017: the log's formats: checkpoints, cosignatures, proofs",
	"github.com/transparency-dev/merkle":    "0017: proofs of the log, verified by other code than made them",
	"golang.org/x/crypto":                   "0041: argon2id, for secrets",
	"golang.org/x/mod":                      "0017: signed notes and the log's tiles and proofs",
	"golang.org/x/sync":                     "0006: singleflight, so that a burst fetches keys once; errgroup, where a page asks several duties",
	"golang.org/x/sys":                      "0073: timers of the kernel, for the beat",
	"golang.org/x/text":                     "0011: Unicode's normal forms, before names are compared",
	"golang.org/x/time":                     "0006: rate limits",
	"gopkg.in/yaml.v3":                      "0005: reads documents that people write, with line numbers",
}

// testLibraries are imported by tests alone.
var testLibraries = map[string]string{
	"github.com/anishathalye/porcupine":  "0006: whether concurrent histories have an order",
	"github.com/chromedp/cdproto":        "0040: the sign-in pages in a real browser, in tests",
	"github.com/chromedp/chromedp":       "0040: the sign-in pages in a real browser, in tests",
	"github.com/descope/virtualwebauthn": "0041: devices that make passkeys, in tests",
	"pgregory.net/rapid":                 "0006: property tests with shrinking",
}

// libraryOf is the entry that an import belongs to.
func libraryOf(imported string, of map[string]string) string {
	for module := range of {
		if under(imported, module) {
			return module
		}
	}
	return ""
}

// foreign reports whether an import is neither ours nor the standard library's.
func foreign(g graph, imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !g.ours(imported) && strings.Contains(first, ".")
}

// checkLibraries holds what is imported against the lists.
func checkLibraries(g graph) (all []violation) {
	for _, p := range g.paths() {
		for _, to := range g[p].Imports {
			if foreign(g, to) && libraryOf(to, libraries) == "" && (!underAny(p, testsOnly...) || libraryOf(to, testLibraries) == "") {
				all = append(all, breach("%s imports %s: write docs/decisions/NNNN-title.md first, then name it in internal/archtest/libraries_test.go", p, to))
			}
		}
		for _, to := range g[p].Tests {
			if foreign(g, to) && libraryOf(to, libraries) == "" && libraryOf(to, testLibraries) == "" {
				all = append(all, breach("the tests of %s import %s: write docs/decisions/NNNN-title.md first, then name it in internal/archtest/libraries_test.go", p, to))
			}
		}
	}
	return all
}

func TestEveryLibraryHasAReason(t *testing.T) {
	t.Parallel()
	report(t, "each library is somebody else's code in every process that holds people's index", checkLibraries(load(t)))
}

func TestEveryLibraryHasAReasonCanFail(t *testing.T) {
	t.Parallel()
	g := fabricate("relmgr: example.org/left-pad github.com/lib/pq/pqerror fmt", "consent: pgregory.net/rapid", "internal/edgetest: pgregory.net/rapid")
	g["governance"] = pkg{Tests: []string{"example.org/mock", "pgregory.net/rapid"}}
	mustReport(t, checkLibraries(g), "relmgr imports example.org/left-pad", "consent imports pgregory.net/rapid", "the tests of governance import example.org/mock")
}

// checkReasons: a reason names its record, and the record exists.
func checkReasons(reasons map[string]string, records []string) (all []violation) {
	for module, reason := range reasons {
		number, _, _ := strings.Cut(reason, ":")
		if !slices.ContainsFunc(records, func(r string) bool { return strings.HasPrefix(r, number+"-") }) {
			all = append(all, breach("%s is here for %q, and docs/decisions/ has no such record", module, reason))
		}
	}
	return all
}

func TestReasonsNameTheirRecord(t *testing.T) {
	t.Parallel()
	var records []string
	files, err := filepath.Glob(filepath.Join(root(t), "docs", "decisions", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`^\d{4}-[a-z0-9-]+\.md$`)
	for _, f := range files {
		records = append(records, filepath.Base(f))
		if !name.MatchString(filepath.Base(f)) {
			t.Errorf("docs/decisions/%s: name it NNNN-title.md", filepath.Base(f))
		}
		if text, err := os.ReadFile(f); err != nil || !strings.Contains(string(text), "What would change our mind") {
			t.Errorf("docs/decisions/%s does not say what would change our mind (%v)", filepath.Base(f), err)
		}
	}
	report(t, "a decision without its reason is made again every year", checkReasons(libraries, records))
	report(t, "a decision without its reason is made again every year", checkReasons(testLibraries, records))
}

func TestReasonsNameTheirRecordCanFail(t *testing.T) {
	t.Parallel()
	mustReport(t, checkReasons(map[string]string{"a": "0001: x", "b": "0777: y"}, []string{"0001-fixed.md"}), "b is here for")
}
