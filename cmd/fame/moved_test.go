package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fame-hub/fame/internal/hubtest"
	"github.com/fame-hub/fame/internal/ident"
)

// XCU-03: a partnership is taken out of one PostgreSQL with the tool that comes with it, put
// into an empty one of another cluster, and served there by a fresh installation that is
// given its keys and its configuration: it answers as it did, to the byte.
func TestAPartnershipMovesToAFreshInstallation(t *testing.T) {
	w := everyday(t)
	who := w.known("Ada Moss", map[ident.Column]string{"gp-riverside": "GP-60730", "social-care": "LMN-60730", "school-pastoral": "S060730"})
	who.Correlates = [][2]ident.Column{{"gp-riverside", "social-care"}, {"social-care", "school-pastoral"}}
	w.relate(t, who)
	questions := []struct {
		as          string
		column      ident.Column
		identifier  string
		transaction string
	}{
		{"mr-lindqvist", "social-care", "LMN-60730", ""}, {"mr-lindqvist", "social-care", "LMN-60730", "medication-review"}, {"dr-patel", "gp-riverside", "GP-60730", ""},
		{"ms-okafor", "school-pastoral", "S060730", ""}, {"pc-dunne", "police-riverside", "P/6073/26", ""},
	}
	var before []answer
	for _, q := range questions {
		_, raw := w.ask(t, q.as, q.column, q.identifier, q.transaction)
		before = append(before, raw)
	}

	elsewhere := hubtest.NewPostgres(t)
	elsewhere.Make(t, "everyday")
	admin := elsewhere.Admin(t, "postgres")
	relmgr := w.Config(t, "relmgr")
	own := relmgr.Database
	for _, statement := range []string{ // as fame init makes them, once for a cluster
		"create role fame_governance nologin", "create role fame_relmgr nologin", "create role fame_consent nologin", "create role fame_registrar nologin",
		"create role fame_idmgr nologin", "create role fame_federation nologin",
		"create role everyday_relmgr login in role fame_relmgr password '" + between(own, "password='", "'") + "'",
	} {
		if _, err := admin.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	elsewhere.Load(t, "everyday", w.Postgres.Dump(t, "everyday"))

	relmgr.Database = strings.Replace(own, between(own, "host='", "'"), between(elsewhere.AdminDSN("everyday"), "host='", "'"), 1)
	if relmgr.Database == own {
		t.Fatal("the other cluster is reached in the same way")
	}
	relmgr.Listen, relmgr.Metrics = hubtest.FreePort(t), ""
	moved := w.Another(t, "relmgr-moved", relmgr)
	moved.WaitReady(t)
	for i, q := range questions {
		raw := w.send(t, q.as, http.MethodPost, moved.URL+"/relmgr/v1/enquiries", enquiry(q.column, q.identifier, q.transaction))
		wantSame(t, "answers before and after the move", before[i], raw)
	}
}

// between is what stands between the first before and the after that follows it.
func between(s, before, after string) string {
	_, rest, _ := strings.Cut(s, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}
