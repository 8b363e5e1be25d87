package archtest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/pgtest"
)

// mapped holds a data map to the tables that there are.
func mapped(text string, tables []string) (all []violation) {
	var seen []string
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 6 || slices.Contains(f, "") {
			all = append(all, breach("%q: write six members, none of them empty", line))
		}
		if len(f) != 6 {
			continue
		}
		if f[3] != "" && !slices.Contains([]string{"column", "actor", "register", "manager", "hub"}, f[3]) {
			all = append(all, breach("%s is controlled by %q, which means nothing", f[1], f[3]))
		}
		for _, table := range strings.Fields(f[4]) {
			seen = append(seen, f[0]+"."+table)
		}
	}
	for _, table := range tables {
		if n := len(slices.DeleteFunc(slices.Clone(seen), func(s string) bool { return s != table })); n != 1 {
			all = append(all, breach("%s stands in governance/data-map.tsv %d times: name it once, in the category whose controller answers for it", table, n))
		}
	}
	for _, table := range seen {
		if !slices.Contains(tables, table) {
			all = append(all, breach("governance/data-map.tsv names %s, which the database does not have", table))
		}
	}
	return all
}

// tablesOf lists the tables of a hub's database.
func tablesOf(t *testing.T) (tables []string) {
	t.Helper()
	rows, err := pgtest.New(t).Admin(t).QueryContext(t.Context(), `
		select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
		 where c.relkind in ('r', 'p', 'f') and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema' order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := rows.Err(); err != nil || len(tables) == 0 {
		t.Fatalf("%d tables: %v", len(tables), err)
	}
	return tables
}

// DCP-06: every stored category of data names its controller, and no table stands
// outside of one.
func TestEveryTableHasAController(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(root(t), "governance", "data-map.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	tables := tablesOf(t)
	report(t, "whoever the data is about must find whom to ask", mapped(string(text), tables))

	mustReport(t, mapped(string(text), append(tables, "relmgr.warehouse")), "relmgr.warehouse stands in governance/data-map.tsv 0 times")
	mustReport(t, mapped(strings.Replace(string(text), "\tcolumn\t", "\t\t", 1), tables), "none of them empty")
	mustReport(t, mapped(string(text)+"relmgr\tmore\tperson\thub\tcells\tTwice\n", tables), "relmgr.cells stands in governance/data-map.tsv 2 times")
}

// ofSeveral are the lists of people that are not of one column, and why they are no
// warehouse.
var ofSeveral = map[string]string{
	"listCases": "only what is before that adjudicator, that keeper or that column, and a handle of another's column opens nothing",
}

// checkNoWarehouse reports the operations of a duty that answer with what columns
// call people, a list of them, and are not asked for one column.
func checkNoWarehouse(c contract, duty string) (all []violation) {
	c.operations(duty, func(id string, operation node) {
		if security, ok := operation["security"].([]any); ok && len(security) > 0 {
			if _, own := security[0].(node)["oidc"]; !own {
				return // a person's own
			}
		}
		responses, _ := operation["responses"].(node)
		var lists bool
		for status, response := range responses {
			if !strings.HasPrefix(status, "2") {
				continue
			}
			of, _ := c.follow(response.(node))
			for _, schema := range bodyOf(of) {
				lists = lists || c.listsPeople(schema, false, map[string]bool{})
			}
		}
		if lists && !c.takesColumn(operation) && ofSeveral[id] == "" {
			all = append(all, breach("%s lists what columns call people and is not asked for one column: a member would carry away what others know", id))
		}
	})
	return all
}

// listsPeople reports whether a list within the schema has an identifier or a handle of somebody.
func (c contract) listsPeople(n node, within bool, seen map[string]bool) bool {
	n, name := c.follow(n)
	if key := fmt.Sprint(name, within); name != "" {
		if seen[key] {
			return false
		}
		seen[key] = true
	}
	if properties, ok := n["properties"].(node); ok {
		for field, of := range properties {
			if within && (field == "identifier" || field == "handle") || c.listsPeople(of.(node), within, seen) {
				return true
			}
		}
	}
	if of, ok := n["items"].(node); ok && c.listsPeople(of, true, seen) {
		return true
	}
	if of, ok := n["additionalProperties"].(node); ok && c.listsPeople(of, true, seen) {
		return true
	}
	for _, several := range []string{"oneOf", "allOf", "anyOf"} {
		of, _ := n[several].([]any)
		for _, one := range of {
			if c.listsPeople(one.(node), within, seen) {
				return true
			}
		}
	}
	return false
}

// takesColumn reports whether a request names the one column that it is about.
func (c contract) takesColumn(operation node) bool {
	parameters, _ := operation["parameters"].([]any)
	for _, p := range parameters {
		of, _ := c.follow(p.(node))
		if of["name"] == "column" && of["required"] == true {
			return true
		}
	}
	var takes bool
	for _, schema := range bodyOf(operation["requestBody"]) {
		c.members(schema, map[string]bool{}, func(m member) {
			required, _ := m.parent["required"].([]any)
			takes = takes || m.field == "column" && slices.Contains(required, any("column"))
		})
	}
	return takes
}

// DCP-08: there is no common data warehouse. Nothing lists people across columns to
// anybody but themselves, and no table or view holds what two columns call somebody.
func TestThereIsNoWarehouse(t *testing.T) {
	t.Parallel()
	c := loadContract(t)
	open := func() (all []violation) {
		for _, duty := range []string{"relmgr", "consent", "idmgr"} {
			all = append(all, checkNoWarehouse(c, duty)...)
		}
		return all
	}
	report(t, "an index says who works with whom, one person at a time", open())

	bounded := 0
	for _, methods := range c.doc["paths"].(node) {
		for _, of := range methods.(node) {
			operation, _ := of.(node)
			parameters, _ := operation["parameters"].([]any)
			operation["parameters"] = slices.DeleteFunc(slices.Clone(parameters), func(p any) bool {
				of, _ := c.follow(p.(node))
				return of["name"] == "column"
			})
			bounded += len(open())
			operation["parameters"] = parameters
		}
	}
	if bounded < 5 {
		t.Errorf("only %d operations list more people when they are not asked for a column: what is looked for has another name now", bounded)
	}
}
