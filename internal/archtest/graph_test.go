package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fame-hub/fame/internal/pgtest"
)

const module = "github.com/fame-hub/fame"

func TestMain(m *testing.M) { pgtest.Main(m) }

// pkg is one of our packages. Import paths of our own are relative to the
// module ("relmgr", "internal/pg"; "." is the root); others are as written.
type pkg struct {
	Name      string
	Dir       string
	GoFiles   []string
	TestFiles []string
	Imports   []string // of the code
	Tests     []string // of its tests, the code's own left out
}

// graph is our packages by path. Tests of rules make their own.
type graph map[string]pkg

// violation is one breach of a rule, in words that say what to do.
type violation string

func breach(format string, args ...any) violation { return violation(fmt.Sprintf(format, args...)) }

// ours reports whether an import is of this module.
func (g graph) ours(path string) bool { _, ok := g[path]; return ok }

// paths lists our packages in order.
func (g graph) paths() []string {
	var all []string
	for p := range g {
		all = append(all, p)
	}
	slices.Sort(all)
	return all
}

// deps is what a program of package p contains of ours, p left out.
func (g graph) deps(p string) []string {
	seen := map[string]bool{p: true}
	queue := []string{p}
	for len(queue) > 0 {
		for _, to := range g[queue[0]].Imports {
			if g.ours(to) && !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
		queue = queue[1:]
	}
	delete(seen, p)
	var all []string
	for d := range seen {
		all = append(all, d)
	}
	slices.Sort(all)
	return all
}

// why is one chain of imports from p to dep, for a message.
func (g graph) why(p, dep string) string {
	from := map[string]string{p: ""}
	queue := []string{p}
	for len(queue) > 0 && from[dep] == "" {
		for _, to := range g[queue[0]].Imports {
			if _, seen := from[to]; !seen && g.ours(to) {
				from[to] = queue[0]
				queue = append(queue, to)
			}
		}
		queue = queue[1:]
	}
	chain := []string{dep}
	for at := from[dep]; at != ""; at = from[at] {
		chain = append(chain, at)
	}
	slices.Reverse(chain)
	return strings.Join(chain, " -> ")
}

// fabricate makes a graph from "package: imports" lines, for tests of rules.
func fabricate(lines ...string) graph {
	g := graph{}
	for _, line := range lines {
		p, imports, _ := strings.Cut(line, ":")
		node := pkg{Name: path.Base(p), GoFiles: []string{"x.go"}, Imports: strings.Fields(imports)}
		if strings.HasPrefix(p, "cmd/") && strings.Count(p, "/") == 1 {
			node.Name = "main"
		}
		g[p] = node
	}
	for _, node := range g {
		for _, to := range node.Imports {
			if first, _, _ := strings.Cut(to, "/"); !g.ours(to) && !strings.Contains(first, ".") {
				g[to] = pkg{Name: path.Base(to), GoFiles: []string{"x.go"}}
			}
		}
	}
	return g
}

var (
	loadOnce sync.Once
	loaded   graph
	loadErr  error
)

// load asks the go command for the graph of this checkout.
func load(t *testing.T) graph {
	t.Helper()
	loadOnce.Do(func() {
		if loadErr = watch(root(t)); loadErr == nil {
			loaded, loadErr = list(root(t))
		}
	})
	if loadErr != nil {
		t.Fatal(loadErr)
	}
	return loaded
}

// watch opens every directory of the checkout: go test answers from its cache
// as long as what a test itself opened is unchanged, and knows nothing of what
// the go command opened for it.
func watch(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() && !slices.Contains(notOurs, e.Name()) {
			err = errors.Join(err, watch(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// notOurs are directories that hold nothing of the repository.
var notOurs = []string{".git", "bin", "node_modules", ".cache", ".fame"}

func list(dir string) (graph, error) {
	var out, complaint bytes.Buffer
	cmd := exec.Command("go", "list", "-json=ImportPath,Name,Dir,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, complaint.String())
	}
	g := graph{}
	for dec := json.NewDecoder(&out); ; {
		var p struct {
			ImportPath, Name, Dir                        string
			GoFiles, CgoFiles, TestGoFiles, XTestGoFiles []string
			Imports, TestImports, XTestImports           []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return g, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		node := pkg{
			Name: p.Name, Dir: p.Dir,
			GoFiles:   append(p.GoFiles, p.CgoFiles...),
			TestFiles: append(p.TestGoFiles, p.XTestGoFiles...),
			Imports:   relative(p.Imports),
		}
		for _, imported := range relative(append(p.TestImports, p.XTestImports...)) {
			if !slices.Contains(node.Imports, imported) && imported != short(p.ImportPath) {
				node.Tests = append(node.Tests, imported)
			}
		}
		slices.Sort(node.Tests)
		node.Tests = slices.Compact(node.Tests)
		g[short(p.ImportPath)] = node
	}
}

func short(importPath string) string {
	if importPath == module {
		return "."
	}
	return strings.TrimPrefix(importPath, module+"/")
}

func relative(paths []string) []string {
	var all []string
	for _, p := range paths {
		all = append(all, short(p))
	}
	return all
}

// root is the directory of go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above this test: run it inside the checkout")
		}
		dir = filepath.Dir(dir)
	}
}

// under reports whether p is dir or lies below it.
func under(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// underAny reports whether p is one of dirs or lies below one.
func underAny(p string, dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return under(p, dir) })
}

// report fails t once for each breach.
func report(t *testing.T, why string, all []violation) {
	t.Helper()
	for _, v := range all {
		t.Errorf("%s\n\twhy: %s", v, why)
	}
}

// mustReport fails t unless a rule found what was planted, and nothing else.
func mustReport(t *testing.T, got []violation, planted ...string) {
	t.Helper()
	for _, want := range planted {
		if !slices.ContainsFunc(got, func(v violation) bool { return strings.Contains(string(v), want) }) {
			t.Errorf("the rule did not report %q; it reported %q", want, got)
		}
	}
	if len(got) != len(planted) {
		t.Errorf("the rule reported %d breaches, want %d: %q", len(got), len(planted), got)
	}
}
