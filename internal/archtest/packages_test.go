package archtest

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// source is one Go file of ours.
type source struct {
	pkg  string // the package's path
	name string // the file's
	file *ast.File
	set  *token.FileSet
}

// at says where in the file, for a message.
func (s source) at(p token.Pos) string {
	position := s.set.Position(p)
	return filepath.Join(s.pkg, s.name) + ":" + strconv.Itoa(position.Line)
}

// sources parses the code of every package, tests and generated files left out.
func sources(t *testing.T, g graph) (all []source) {
	t.Helper()
	for _, p := range g.paths() {
		for _, name := range g[p].GoFiles {
			text, err := os.ReadFile(filepath.Join(g[p].Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if s := parse(t, p, name, string(text)); !ast.IsGenerated(s.file) {
				all = append(all, s)
			}
		}
	}
	return all
}

func parse(t *testing.T, pkg, name, text string) source {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return source{pkg, name, file, set}
}

// checkDocs: each package opens with doc.go, which says what it owns and what
// it never touches. Programs and generated packages speak for themselves.
func checkDocs(files []source) (all []violation) {
	byPackage := map[string][]source{}
	var order []string
	for _, s := range files {
		if byPackage[s.pkg] == nil {
			order = append(order, s.pkg)
		}
		byPackage[s.pkg] = append(byPackage[s.pkg], s)
	}
	for _, p := range order {
		of := byPackage[p]
		if of[0].file.Name.Name == "main" {
			continue
		}
		at := slices.IndexFunc(of, func(s source) bool { return s.name == "doc.go" })
		if at < 0 || of[at].file.Doc == nil {
			all = append(all, breach("package %s has no doc.go with a package comment: write what it owns and what it never touches", p))
			continue
		}
		text := of[at].file.Doc.Text()
		if !strings.HasPrefix(text, "Package "+of[at].file.Name.Name+" ") {
			all = append(all, breach("the comment of package %s does not begin with \"Package %s\"", p, of[at].file.Name.Name))
		}
		if sentences(text) < 2 {
			all = append(all, breach("the comment of package %s is one sentence (%q): say what it never touches too", p, new(doc.Package).Synopsis(text)))
		}
		for i, s := range of {
			if i != at && s.file.Doc != nil {
				all = append(all, breach("package %s has a second package comment in %s: keep the one in doc.go", p, s.name))
			}
		}
	}
	return all
}

var sentence = regexp.MustCompile(`[.!?:]["')]*(\s|$)`)

func sentences(text string) int { return len(sentence.FindAllString(text, -1)) }

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	report(t, "architecture prose that no test reads goes stale; what stands beside the code is read", checkDocs(sources(t, load(t))))
}

func TestEveryPackageSaysWhatItIsCanFail(t *testing.T) {
	t.Parallel()
	mustReport(t, checkDocs([]source{
		parse(t, "none", "x.go", "package none"),
		parse(t, "elsewhere", "x.go", "// Package elsewhere is. It does.\npackage elsewhere"),
		parse(t, "short", "doc.go", "// Package short is one sentence.\npackage short"),
		parse(t, "odd", "doc.go", "// This is odd. Very.\npackage odd"),
		parse(t, "twice", "doc.go", "// Package twice is. It does.\npackage twice"),
		parse(t, "twice", "x.go", "// Package twice again.\npackage twice"),
		parse(t, "fine", "doc.go", "// Package fine is. It does.\npackage fine"),
		parse(t, "cmd/x", "main.go", "package main"),
	}),
		"none has no doc.go", "elsewhere has no doc.go", "short is one sentence", "odd does not begin", "twice has a second")
}

// clockAllowed are the packages that read the clock themselves, and why. All
// others are given Now, so that a test can say what time it is.
var clockAllowed = map[string]string{
	"internal/pg":          "deadlines of retries",
	"internal/pg/migrate":  "how long to wait for another process's migration",
	"internal/pg/private":  "how long to wait for a server to end",
	"internal/pgtest":      "for tests only; the age of templates",
	"internal/hubtest":     "for tests only",
	"internal/archtest":    "for tests only",
	"internal/serve":       "how old the last readiness check is, how long a request took",
	"internal/process":     "hands time.Now to what it wires",
	"internal/seal":        "when the key file was last read; no decision or record holds it",
	"internal/localissuer": "first steps only: the life of a token for one's own machine",
}

// checkClock: nobody reads the clock but programs and those above.
func checkClock(files []source) (all []violation) {
	for _, s := range files {
		if clockAllowed[s.pkg] != "" || underAny(s.pkg, "cmd", "bench") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Until"}, sel.Sel.Name) {
				all = append(all, breach("%s: time.%s: take Now func() time.Time in the configuration instead", s.at(sel.Pos()), sel.Sel.Name))
			}
			return true
		})
	}
	return all
}

func TestTheClockIsPassedIn(t *testing.T) {
	t.Parallel()
	report(t, "expiry, withdrawal and validity are decided by the clock: a test must be able to set it", checkClock(sources(t, load(t))))
}

func TestTheClockIsPassedInCanFail(t *testing.T) {
	t.Parallel()
	text := "package x\nimport \"time\"\nvar a = time.Now()\nfunc f() time.Duration { return time.Since(a) }"
	mustReport(t, checkClock([]source{parse(t, "relmgr", "x.go", text), parse(t, "cmd/fame", "x.go", text), parse(t, "internal/serve", "x.go", text)}),
		"relmgr/x.go:3", "relmgr/x.go:4")
}

// checkInit: all wiring is read from top to bottom.
func checkInit(files []source) (all []violation) {
	for _, s := range files {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				all = append(all, breach("%s: func init: call it from where it is needed", s.at(f.Pos())))
			}
		}
	}
	return all
}

func TestNothingHappensByImporting(t *testing.T) {
	t.Parallel()
	report(t, "what runs because something was imported is found by nobody", checkInit(sources(t, load(t))))
}

func TestNothingHappensByImportingCanFail(t *testing.T) {
	t.Parallel()
	mustReport(t, checkInit([]source{parse(t, "x", "x.go", "package x\nfunc init() {}\ntype T int\nfunc (T) init() {}")}), "x/x.go:2")
}

// shunned are names that say nothing, or another word than the glossary's.
var shunned = map[string]string{
	"util": "name it after what it does", "utils": "name it after what it does",
	"common": "name it after what it does", "core": "name it after what it does",
	"helper": "name it after what it does", "helpers": "name it after what it does",
	"misc": "name it after what it does", "base": "name it after what it does",
	"models": "each duty has its own words", "types": "each duty has its own words",
	"lib": "name it after what it does", "shared": "name it after what it does",
	"manager": "name the duty", "impl": "name what it is",
}

// shunnedEnds are ends of type names.
var shunnedEnds = map[string]string{
	"Manager": "name the duty or what it keeps",
	"Impl":    "name what it is; the interface belongs to who consumes it",
	"Helper":  "name what it does",
	"Util":    "name what it does",
	"Utils":   "name what it does",
}

// shunnedTypes are types that the glossary calls otherwise.
var shunnedTypes = map[string]string{
	"Person": "a subject", "Patient": "a subject", "Client": "a subject", "Tenant": "an agency or a column",
	"Merge": "a correlation", "GoldenRecord": "a row", "Cluster": "a row",
}

// speakers are packages where such a word is not the glossary's: the people of
// a demonstration are persons to it, and an HTTP client is a client.
var speakers = []string{"demo", "cmd", "web", "internal", "bench"}

// checkNames holds package and type names against the glossary.
func checkNames(files []source) (all []violation) {
	seen := map[string]bool{}
	for _, s := range files {
		if instead := shunned[s.file.Name.Name]; instead != "" && !seen[s.pkg] {
			seen[s.pkg] = true
			all = append(all, breach("package %s is called %s: %s", s.pkg, s.file.Name.Name, instead))
		}
		for _, d := range s.file.Decls {
			types, ok := d.(*ast.GenDecl)
			if !ok || types.Tok != token.TYPE {
				continue
			}
			for _, spec := range types.Specs {
				name := spec.(*ast.TypeSpec).Name
				for end, instead := range shunnedEnds {
					if strings.HasSuffix(name.Name, end) {
						all = append(all, breach("%s: type %s: %s", s.at(name.Pos()), name.Name, instead))
					}
				}
				if instead := shunnedTypes[name.Name]; instead != "" && !underAny(s.pkg, speakers...) {
					all = append(all, breach("%s: type %s: the glossary says %s", s.at(name.Pos()), name.Name, instead))
				}
			}
		}
	}
	return all
}

func TestNamesAreTheGlossarys(t *testing.T) {
	t.Parallel()
	report(t, "one word, one meaning, one identifier", checkNames(sources(t, load(t))))
}

func TestNamesAreTheGlossarysCanFail(t *testing.T) {
	t.Parallel()
	mustReport(t, checkNames([]source{
		parse(t, "internal/util", "x.go", "package util"),
		parse(t, "relmgr", "x.go", "package relmgr\ntype RowManager struct{}\ntype (\n\tServiceImpl int\n\tPatient int\n\tRow int\n)"),
		parse(t, "cmd/fame", "x.go", "package main\ntype Client struct{}"),
	}), "internal/util is called util", "RowManager", "ServiceImpl", "type Patient")
}
