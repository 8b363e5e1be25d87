package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// requirement is one line of docs/requirements.tsv.
type requirement struct{ id, mark string }

// requirements reads the table: the id first, then whether it is CORE.
func requirements(t *testing.T) (all []requirement) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "docs", "requirements.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		f := strings.Split(line, "\t")
		if i == 0 {
			if len(f) < 2 || f[0] != "id" || f[1] != "mark" {
				t.Fatal("docs/requirements.tsv does not begin with the columns id and mark")
			}
			continue
		}
		if len(f) < 2 {
			t.Fatalf("docs/requirements.tsv:%d: %q has no mark", i+1, line)
		}
		all = append(all, requirement{f[0], f[1]})
	}
	return all
}

// idPattern finds ids in prose (IDX-04) and in names (TestE2E01, TestIDX04).
func idPattern(all []requirement) *regexp.Regexp {
	var families []string
	for _, r := range all {
		family, _, _ := strings.Cut(r.id, "-")
		if !slices.Contains(families, family) {
			families = append(families, family)
		}
	}
	any := "(?:" + strings.Join(families, "|") + ")"
	return regexp.MustCompile(`\b(` + any + `)-(\d{2,3})\b|(?:\bTest|\bFuzz|\bBenchmark|_)(` + any + `)(\d{2})`)
}

// idsIn lists the ids that a text names.
func idsIn(text string, pattern *regexp.Regexp) (ids []string) {
	for _, m := range pattern.FindAllStringSubmatch(text, -1) {
		ids = append(ids, m[1]+m[3]+"-"+m[2]+m[4])
	}
	return ids
}

// named says which tests name which ids: a test names what its name, its
// comment and its body do; the rest of a file speaks for the whole file.
func named(t *testing.T, place, text string, pattern *regexp.Regexp) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	s := parse(t, filepath.Dir(place), filepath.Base(place), text)
	offset := func(p token.Pos) int { return s.set.Position(p).Offset }
	rest := []byte(text)
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !testName.MatchString(f.Name.Name) {
			continue
		}
		from, to := offset(f.Pos()), offset(f.End())
		if f.Doc != nil {
			from = offset(f.Doc.Pos())
		}
		for _, id := range idsIn(text[from:to], pattern) {
			out[id] = append(out[id], s.pkg+"."+f.Name.Name)
		}
		for i := from; i < to; i++ {
			rest[i] = ' '
		}
	}
	for _, id := range idsIn(string(rest), pattern) {
		out[id] = append(out[id], place)
	}
	return out
}

var testName = regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)([A-Z_]|$)`)

// unknown lists ids that tests name and the table does not have.
func unknown(by map[string][]string, all []requirement) (breaches []violation) {
	for _, id := range slices.Sorted(maps.Keys(by)) {
		if !slices.ContainsFunc(all, func(r requirement) bool { return r.id == id }) {
			breaches = append(breaches, breach("%s names %s, which docs/requirements.tsv does not have", by[id][0], id))
		}
	}
	return breaches
}

// TestTrace shows which requirement is named by which test. One that no test
// names is shown, not failed: what is built is a release's to say.
func TestTrace(t *testing.T) {
	all := requirements(t)
	pattern := idPattern(all)
	by := map[string][]string{}
	g := load(t)
	for _, p := range g.paths() {
		for _, name := range g[p].TestFiles {
			if name == "trace_test.go" {
				continue // its ids are made up
			}
			text, err := os.ReadFile(filepath.Join(g[p].Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for id, tests := range named(t, p+"/"+name, string(text), pattern) {
				by[id] = append(by[id], tests...)
			}
		}
	}
	var table strings.Builder
	for _, mark := range []string{"CORE", "STORY", "EXTENDED"} {
		var covered int
		var open []string
		for _, r := range all {
			if r.mark != mark {
				continue
			}
			if tests := by[r.id]; tests != nil {
				covered++
				slices.Sort(tests)
				fmt.Fprintf(&table, "%-8s %-9s %s\n", r.id, r.mark, strings.Join(slices.Compact(tests), ", "))
			} else if mark != "EXTENDED" {
				open = append(open, r.id)
			}
		}
		fmt.Fprintf(&table, "%s: %d named by a test, %d not\n", mark, covered, count(all, mark)-covered)
		if len(open) > 0 {
			fmt.Fprintf(&table, "  not: %s\n", wrap(open))
		}
	}
	t.Logf("requirements and the tests that name them\n%s", table.String())
	report(t, "an id that is mistyped traces nothing", unknown(by, all))
}

func count(all []requirement, mark string) (n int) {
	for _, r := range all {
		if r.mark == mark {
			n++
		}
	}
	return n
}

func wrap(words []string) string {
	var lines []string
	for group := range slices.Chunk(words, 14) {
		lines = append(lines, strings.Join(group, " "))
	}
	return strings.Join(lines, "\n       ")
}

func TestTraceCanFail(t *testing.T) {
	t.Parallel()
	all := []requirement{{"IDX-04", "CORE"}, {"E2E-01", "STORY"}}
	text := "package x\n// A helper for IDX" + "-04.\nfunc help() {}\n// Says IDX" + "-77.\nfunc TestE2E" + "01TellsIt() { /* SHA-256 */ }\nfunc TestsomeE2E" + "02() {}\n"
	by := named(t, "relmgr/x_test.go", text, idPattern(all))
	if got := by["E2E"+"-01"]; len(got) != 1 || got[0] != "relmgr.TestE2E"+"01TellsIt" {
		t.Errorf("the story is named by %q", got)
	}
	if got := by["IDX"+"-04"]; len(got) != 1 || got[0] != "relmgr/x_test.go" {
		t.Errorf("the helper's id is named by %q", got)
	}
	mustReport(t, unknown(by, all), "relmgr.TestE2E"+"01TellsIt names IDX"+"-77")
}
