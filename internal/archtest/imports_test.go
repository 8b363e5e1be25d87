package archtest

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// duties are those of the hub, built or not. The portal is not one of them: it
// is a client of theirs.
var duties = []string{"registrar", "relmgr", "idmgr", "consent", "federation", "governance"}

// built are the duties whose package and process must exist.
var built = []string{"relmgr", "consent", "governance", "registrar", "idmgr", "federation"}

// shared is what duties have of one another, by design.
var shared = []string{"consent/decide", "governance/ledger/leaf"}

// testsOnly never reach a program.
var testsOnly = []string{"internal/archtest", "internal/pgtest", "internal/hubtest", "internal/edgetest", "internal/npmtest", "internal/browsertest"}

// layer is one line of the import table: packages that match, and what of ours
// they may import.
type layer struct {
	name  string
	of    func(p string) bool
	may   func(p, imported string) bool
	why   string
	wrong string // a fabricated line that must be reported ...
	right string // ... and one that must not
}

// layers is the table. The first that matches a package holds.
var layers = []layer{
	{
		name: "tests only", of: func(p string) bool { return underAny(p, testsOnly...) },
		may: func(p, to string) bool {
			return p == "internal/hubtest" || leafOrOwn(p, to) || to == "sql" || to == "internal/npmtest"
		},
		why:   "pgtest brings a database and must not drag a duty into every test; hubtest wires whole hubs and may import them",
		wrong: "internal/pgtest: relmgr", right: "internal/hubtest: relmgr",
	},
	{
		name: "leaves", of: func(p string) bool { return under(p, "internal") },
		may:   func(p, to string) bool { return leafOrOwn(p, to) || p == "internal/pg/migrate" && to == "sql" },
		why:   "what every duty stands on knows no duty; package migrate alone carries the schema",
		wrong: "internal/pg: consent/decide", right: "internal/pg/migrate: internal/pg sql",
	},
	{
		name: "consent/decide", of: is("consent/decide"),
		may:   func(_, to string) bool { return to == "internal/ident" || to == "internal/fault" },
		why:   "the four steps are pure: terms and facts in, an answer out; every duty imports them, so they import next to nothing",
		wrong: "consent/decide: internal/pg", right: "consent/decide: internal/ident",
	},
	{
		name: "governance/ledger/leaf", of: is("governance/ledger/leaf"),
		may:   func(_, to string) bool { return leaf(to) },
		why:   "every duty leaves commitments and so imports this package: whatever it imports is in every process",
		wrong: "governance/ledger/leaf: governance", right: "governance/ledger/leaf: internal/seal",
	},
	{
		name: "duties", of: func(p string) bool { return underAny(p, duties...) },
		may: func(p, to string) bool {
			return leafOrOwn(p, to) || slices.Contains(shared, to) || dutyOf(p) == "federation" && oas(to)
		},
		why:   "siblings never import each other: what one must know of another travels as a signed token or as rows that the owner publishes",
		wrong: "relmgr: registrar", right: "relmgr: internal/pg consent/decide governance/ledger/leaf relmgr/internal/relmgrdb",
	},
	{
		name: "generated HTTP", of: oas,
		may:   func(_, _ string) bool { return false },
		why:   "types, client and server of a duty are written by ogen from openapi.yaml alone, so that a client needs nothing else of ours",
		wrong: "api/relmgroas: internal/ident", right: "api/relmgroas:",
	},
	{
		name: "handlers", of: func(p string) bool { return handlerOf(p) != "" },
		may: func(p, to string) bool {
			d := handlerOf(p)
			return to == "." || to == "api" || to == "api/"+d+"oas" || under(to, d) || leaf(to) || to == "consent/decide"
		},
		why:   "a handler decodes, calls one method of its own duty and encodes; calling two duties is for the portal or the fame command",
		wrong: "api/relmgrapi: consent", right: "api/relmgrapi: api api/relmgroas relmgr internal/ident consent/decide",
	},
	{
		name: "what callers of several duties share", of: func(p string) bool { return p == "api/bearer" || p == "api/export" },
		may:   func(_, to string) bool { return oas(to) || to == "api/bearer" },
		why:   "the portal and the fame command ask every duty, and each of the others one",
		wrong: "api/export: api", right: "api/export: api/bearer api/relmgroas api/consentoas",
	},
	{
		name: "the edge", of: func(p string) bool { return under(p, "api") },
		may: func(p, to string) bool {
			return to == "." || leafOrOwn(p, to) && !oas(to) && handlerOf(to) == "" || to == "consent/decide"
		},
		why:   "the edge is in every process: a duty in it would be in all of them",
		wrong: "api: relmgr", right: "api: internal/pg api/internal/edgedb consent/decide",
	},
	{
		name: "demo", of: func(p string) bool { return under(p, "demo") },
		may: func(p, to string) bool {
			return to == "governance/partnership" || to == "internal/ident" || under(to, "demo")
		},
		why:   "a demonstration is data for the partnership document's own reader; typed ids are the words it is written in",
		wrong: "demo/riverside: relmgr", right: "demo/riverside: governance/partnership internal/ident",
	},
	{
		name: "the portal", of: func(p string) bool { return under(p, "web") },
		may: func(p, to string) bool {
			return leafOrOwn(p, to) || oas(to) || to == "api/bearer" || to == "api/export"
		},
		why:   "the portal is a client of the duties, as the person who signed in, and has no database",
		wrong: "web: relmgr", right: "web: api/relmgroas internal/serve",
	},
	{
		name: "programs", of: func(p string) bool { return underAny(p, "cmd", "bench") },
		may: func(p, to string) bool {
			return !under(to, "cmd") || under(to, program(p)) || under(to, "cmd/internal")
		},
		why:   "a program wires what it runs; `fame` alone holds several duties, and asks nothing of the code of another program",
		wrong: "cmd/relmgr: cmd/consent/wiring", right: "cmd/relmgr: relmgr api/relmgrapi internal/serve cmd/relmgr/wiring",
	},
	{
		name: "what is embedded", of: func(p string) bool { return p == "." || p == "sql" },
		may:   func(_, _ string) bool { return false },
		why:   "files of the repository that programs carry: they hold no logic",
		wrong: ".: internal/pg", right: ".:",
	},
}

func is(name string) func(string) bool { return func(p string) bool { return p == name } }

func leaf(p string) bool { return under(p, "internal") && !underAny(p, testsOnly...) }

// leafOrOwn: a leaf, or a package of the importer's own tree.
func leafOrOwn(p, to string) bool {
	own, _, _ := strings.Cut(p, "/")
	return leaf(to) || own != "internal" && under(to, own)
}

func oas(p string) bool { return under(p, "api") && strings.HasSuffix(p, "oas") }

// handlerOf is the duty that package p serves, "" when it serves none.
func handlerOf(p string) string {
	name, ok := strings.CutSuffix(strings.TrimPrefix(p, "api/"), "api")
	if !ok || !under(p, "api") || !slices.Contains(duties, name) {
		return ""
	}
	return name
}

// dutyOf is the duty that p belongs to: its package, its handlers.
func dutyOf(p string) string {
	if d := handlerOf(p); d != "" {
		return d
	}
	first, _, _ := strings.Cut(p, "/")
	if slices.Contains(duties, first) {
		return first
	}
	return ""
}

// program is the cmd/x that p is or belongs to.
func program(p string) string {
	parts := strings.SplitN(p, "/", 3)
	return path.Join(parts[:min(2, len(parts))]...)
}

// checkLayers holds the code's imports against the table.
func checkLayers(g graph) (all []violation) {
	for _, p := range g.paths() {
		at := slices.IndexFunc(layers, func(l layer) bool { return l.of(p) })
		if at < 0 {
			all = append(all, breach("package %s is in no layer: say in internal/archtest/imports_test.go what it may import", p))
			continue
		}
		for _, to := range g[p].Imports {
			if g.ours(to) && !layers[at].may(p, to) {
				all = append(all, breach("%s imports %s, which %s may not: %s", p, to, layers[at].name, layers[at].why))
			}
		}
	}
	return all
}

func TestImportTable(t *testing.T) {
	t.Parallel()
	report(t, "design: the layout of the repository", checkLayers(load(t)))
}

func TestImportTableCanFail(t *testing.T) {
	t.Parallel()
	for _, l := range layers {
		if got := only(checkLayers(fabricate(l.wrong)), l.wrong); len(got) != 1 {
			t.Errorf("%s: %q was reported %d times, want once", l.name, l.wrong, len(got))
		}
		if got := only(checkLayers(fabricate(l.right)), l.right); len(got) != 0 {
			t.Errorf("%s: %q was reported: %q", l.name, l.right, got)
		}
	}
	mustReport(t, checkLayers(fabricate("misc:")), "misc is in no layer")
}

// only keeps what is said of the package that a fabricated line begins with.
func only(all []violation, line string) []violation {
	p, _, _ := strings.Cut(line, ":")
	return slices.DeleteFunc(all, func(v violation) bool { return !strings.HasPrefix(string(v), p+" imports") })
}

// checkProcesses: a duty's process contains no sibling. It is the wall of code.
func checkProcesses(g graph) (all []violation) {
	for _, d := range duties {
		cmd := "cmd/" + d
		if !g.ours(cmd) {
			continue
		}
		for _, dep := range g.deps(cmd) {
			sibling := dutyOf(dep)
			if oas(dep) && dep != "api/"+d+"oas" && d != "federation" {
				sibling = strings.TrimSuffix(path.Base(dep), "oas")
			}
			if sibling != "" && sibling != d && !slices.Contains(shared, dep) {
				all = append(all, breach("the process %s contains %s: %s", cmd, dep, g.why(cmd, dep)))
			}
		}
	}
	return all
}

func TestNoProcessContainsASibling(t *testing.T) {
	t.Parallel()
	report(t, "one duty, one process: a fault in one shows nothing of another", checkProcesses(load(t)))
}

func TestNoProcessContainsASiblingCanFail(t *testing.T) {
	t.Parallel()
	mustReport(t, checkProcesses(fabricate("cmd/relmgr: api relmgr", "api: registrar consent/decide governance/ledger/leaf")),
		"cmd/relmgr contains registrar: cmd/relmgr -> api -> registrar")
	mustReport(t, checkProcesses(fabricate("cmd/relmgr: api/consentapi", "cmd/federation: federation api/relmgroas")),
		"cmd/relmgr contains api/consentapi")
	mustReport(t, checkProcesses(fabricate("cmd/consent: api/relmgroas")), "cmd/consent contains api/relmgroas")
}

// checkPortal: the portal's process is a client, whatever the pages come to show.
func checkPortal(g graph) (all []violation) {
	if !g.ours("cmd/portal") {
		return nil
	}
	for _, dep := range g.deps("cmd/portal") {
		if !oas(dep) && (dutyOf(dep) != "" || underAny(dep, "internal/pg", "consent", "sql")) {
			all = append(all, breach("the process cmd/portal contains %s: %s", dep, g.why("cmd/portal", dep)))
		}
	}
	return all
}

func TestThePortalHasNoDutyAndNoDatabase(t *testing.T) {
	t.Parallel()
	report(t, "whoever breaks into the pages has what those see who are signed in, and nothing else", checkPortal(load(t)))
}

func TestThePortalHasNoDutyAndNoDatabaseCanFail(t *testing.T) {
	t.Parallel()
	mustReport(t, checkPortal(fabricate("cmd/portal: web internal/process", "internal/process: internal/pg", "web: relmgr api/relmgroas consent/decide")),
		"cmd/portal contains internal/pg", "cmd/portal contains relmgr", "cmd/portal contains consent/decide")
}

// checkExist: what is built stays built.
func checkExist(g graph) (all []violation) {
	for _, d := range built {
		for _, p := range []string{d, "cmd/" + d, "api/" + d + "api", "api/" + d + "oas"} {
			if !g.ours(p) {
				all = append(all, breach("package %s is missing", p))
			}
		}
	}
	if !g.ours("cmd/fame") {
		all = append(all, breach("package cmd/fame is missing"))
	}
	return all
}

func TestEveryBuiltDutyHasItsProcess(t *testing.T) {
	t.Parallel()
	report(t, "without its process a duty's wall of code has nothing to hold", checkExist(load(t)))
}

func TestEveryBuiltDutyHasItsProcessCanFail(t *testing.T) {
	t.Parallel()
	mustReport(t, checkExist(fabricate(
		"relmgr:", "cmd/relmgr:", "api/relmgrapi:", "api/relmgroas:",
		"consent:", "api/consentapi:", "api/consentoas:",
		"registrar:", "cmd/registrar:", "api/registrarapi:", "api/registraroas:",
		"idmgr:", "cmd/idmgr:", "api/idmgrapi:", "api/idmgroas:",
		"federation:", "cmd/federation:", "api/federationapi:", "api/federationoas:",
		"governance:", "cmd/governance:", "api/governanceapi:", "api/governanceoas:", "cmd/fame:")),
		"cmd/consent is missing")
}

// checkGenerated: a duty's queries are reached from inside the duty alone. Go's
// own rule of internal packages says the same, as long as they stay in place.
func checkGenerated(g graph) (all []violation) {
	for _, p := range g.paths() {
		if !strings.HasSuffix(p, "db") || !slices.Contains(strings.Split(p, "/"), "internal") {
			continue
		}
		owner := strings.TrimSuffix(path.Base(p), "db")
		if owner == "edge" {
			owner = "api"
		}
		if p != owner+"/internal/"+path.Base(p) {
			all = append(all, breach("the queries %s are not inside their owner: move them to %s/internal/", p, owner))
		}
		for _, user := range g.paths() {
			if slices.Contains(append(slices.Clone(g[user].Imports), g[user].Tests...), p) && !under(user, owner) {
				all = append(all, breach("%s reaches into the queries %s", user, p))
			}
		}
	}
	return all
}

func TestGeneratedQueriesStayInside(t *testing.T) {
	t.Parallel()
	report(t, "the generated query is the repository: whoever imports it has the duty's tables", checkGenerated(load(t)))
}

func TestGeneratedQueriesStayInsideCanFail(t *testing.T) {
	t.Parallel()
	mustReport(t, checkGenerated(fabricate("api/relmgrapi: relmgr/internal/relmgrdb")), "api/relmgrapi reaches into")
	mustReport(t, checkGenerated(fabricate("internal/relmgrdb:")), "internal/relmgrdb are not inside their owner")
}

// checkTestsOnly: what exists for tests is in no program, and in no package
// that a program could contain.
func checkTestsOnly(g graph) (all []violation) {
	for _, p := range g.paths() {
		for _, to := range g[p].Imports {
			if underAny(to, testsOnly...) && !underAny(p, testsOnly...) {
				all = append(all, breach("%s imports %s outside its tests", p, to))
			}
		}
	}
	return all
}

func TestTestHelpersReachNoProgram(t *testing.T) {
	t.Parallel()
	report(t, "pgtest makes servers without durability and with known passwords", checkTestsOnly(load(t)))
}

func TestTestHelpersReachNoProgramCanFail(t *testing.T) {
	t.Parallel()
	mustReport(t, checkTestsOnly(fabricate("relmgr: internal/pgtest", "internal/hubtest: internal/pgtest")), "relmgr imports internal/pgtest")
}

// checkTestImports: a duty's tests may bring a partnership and people, no sibling.
func checkTestImports(g graph) (all []violation) {
	for _, p := range g.paths() {
		d := dutyOf(p)
		if d == "" {
			continue
		}
		for _, to := range g[p].Tests {
			sibling := dutyOf(to)
			if sibling != "" && sibling != d && !slices.Contains(shared, to) && to != "governance/partnership" {
				all = append(all, breach("the tests of %s import %s: test the two together through internal/hubtest", p, to))
			}
		}
	}
	return all
}

func TestTestsOfADutyNeedNoSibling(t *testing.T) {
	t.Parallel()
	report(t, "a duty that cannot be tested alone is not apart", checkTestImports(load(t)))
}

func TestTestsOfADutyNeedNoSiblingCanFail(t *testing.T) {
	t.Parallel()
	g := fabricate("relmgr:", "consent:", "governance/partnership:")
	g["relmgr"] = pkg{Tests: []string{"consent", "governance/partnership"}}
	mustReport(t, checkTestImports(g), "the tests of relmgr import consent")
}

// checkLocalIssuer: the sign-in of first steps is in the fame command alone, and
// in benches, which are no part of a hub.
func checkLocalIssuer(g graph) (all []violation) {
	for _, p := range g.paths() {
		for _, to := range g[p].Imports {
			if path.Base(to) == "localissuer" && !underAny(p, "cmd/fame", "bench") && !underAny(p, testsOnly...) {
				all = append(all, breach("%s imports the local issuer, which cmd/fame alone may", p))
			}
		}
	}
	return all
}

func TestLocalIssuerIsInFameAlone(t *testing.T) {
	t.Parallel()
	report(t, "it signs tokens for whoever can read its key file: no duty's process may be able to", checkLocalIssuer(load(t)))
}

func TestLocalIssuerIsInFameAloneCanFail(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"internal/localissuer", "cmd/fame/internal/localissuer"} {
		mustReport(t, checkLocalIssuer(fabricate("cmd/relmgr: internal/serve", "internal/serve: "+at, "cmd/fame: "+at)),
			"internal/serve imports the local issuer")
	}
}
