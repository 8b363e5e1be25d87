package governance_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/internal/seal"
)

const hubURL = "https://hub.example"

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

type hub struct {
	*pgtest.Hub
	*governance.Service
	t     *testing.T
	db    *sql.DB // as governance
	admin *sql.DB
	keys  *seal.File
	clock *atomic.Pointer[time.Time]
}

// empty is a hub before fame init.
func empty(t *testing.T) *hub {
	t.Helper()
	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	must(t, err)
	p := pgtest.New(t)
	h := &hub{Hub: p, t: t, db: p.DB(t, "governance"), admin: p.Admin(t), keys: keys, clock: new(atomic.Pointer[time.Time])}
	h.clock.Store(&noon)
	h.Service, err = governance.New(governance.Config{
		DB: h.db, Keys: keys, Now: func() time.Time { return *h.clock.Load() }, Hub: hubURL,
		Services: []governance.ServiceDescription{{Duty: "governance", Function: "keeps the register of users",
			Responsible: "Riverside Council", Status: "controller", Address: hubURL + "/governance/v1"}},
	})
	must(t, err)
	return h
}

// setup is a hub with doc in force, a minute after init.
func setup(t *testing.T) *hub {
	t.Helper()
	h := empty(t)
	h.initialise()
	h.pass(time.Minute)
	h.apply(doc())
	h.pass(time.Minute)
	return h
}

func (h *hub) initialise() {
	h.t.Helper()
	must(h.t, h.Initialise(h.t.Context(), governance.Governor{
		Issuer: "https://id.example", Audience: "fame", Subject: "subject-of-olive"}, hubURL, "Riverside"))
}

// pass lets time go by.
func (h *hub) pass(d time.Duration) {
	later := h.clock.Load().Add(d)
	h.clock.Store(&later)
}

func (h *hub) now() time.Time { return *h.clock.Load() }

func (h *hub) apply(d partnership.Document) governance.Change {
	h.t.Helper()
	c, err := h.Apply(h.t.Context(), olive, text(d), false)
	must(h.t, err)
	return c
}

func text(d partnership.Document) []byte {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err)
	}
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind fault.Kind) *fault.Error {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("got %v, want %s", err, kind)
	}
	var f *fault.Error
	if !asFault(err, &f) || f.Detail == "" {
		t.Fatalf("got %v, want a fault that says what to do", err)
	}
	return f
}

func caller(name ident.Practitioner, agency ident.Agency, roles ...string) decide.Caller {
	return decide.Caller{Actor: decide.Actor{Practitioner: name, Agency: agency, Roles: roles}}
}

// The people of doc.
var (
	olive = caller("olive", "office", "governance-officer")
	ada   = caller("ada", "gp", "agency-administrator")
	sol   = caller("sol", "school", "agency-administrator")
	alice = caller("alice", "gp", "practitioner")
)

func practitioner(id ident.Practitioner, agency ident.Agency, role string, providers ...ident.Provider) partnership.Practitioner {
	return partnership.Practitioner{ID: id, Agency: agency, Issuer: "everyone", Subject: "subject-of-" + string(id),
		Roles: []string{role}, Providers: append([]ident.Provider{}, providers...)}
}

// doc: gp and school share a team; the county's claims say who works for either,
// the school's own issuer speaks for the school alone.
func doc() partnership.Document {
	one := func(codes ...string) []decide.Code {
		list := []decide.Code{}
		for _, c := range codes {
			list = append(list, decide.Code{Code: c, Title: c})
		}
		return list
	}
	mapping := func(value string, agency ident.Agency, role string, hours int, providers ...ident.Provider) decide.Mapping {
		return decide.Mapping{Claim: "groups", Value: value, Agency: agency, Roles: []string{role},
			Providers: append([]ident.Provider{}, providers...), Hours: hours}
	}
	return partnership.Document{
		Partnership: decide.Partnership{Hub: hubURL, Name: "Riverside", Jurisdiction: "England", LawProfile: "uk-current"},
		Settings:    decide.Settings{PairingMinutes: 10, StatementMinutes: 10, HandleProofMins: 10, RequestsPerMinute: 600, ReviewSamplePercent: 1, BackupDays: 30},
		Issuers: []decide.Issuer{
			{Name: "everyone", Issuer: "https://id.example", Audience: "fame"},
			{Name: "county", Issuer: "https://county.example", Audience: "fame", Mappings: []decide.Mapping{
				mapping("gp-staff", "gp", "practitioner", 8, "gp-desk"),
				mapping("gp-front", "gp", "receptionist", 4),
				mapping("school-staff", "school", "practitioner", 8, "school-office"),
			}},
			{Name: "school-login", Issuer: "https://school.example", Audience: "fame", Agency: "school", Mappings: []decide.Mapping{
				mapping("teachers", "school", "practitioner", 8, "school-office", "hub-team"),
			}},
		},
		Codes: decide.Codes{Purposes: one("support"), Aspects: one("involvement"), Transactions: one(), Reasons: one("referral"),
			Aims: one("welfare"), Roles: one("governance-officer", "agency-administrator", "practitioner", "receptionist")},
		Agencies: []decide.Agency{{ID: "office", Name: "Office", Kind: "governance"},
			{ID: "gp", Name: "Surgery", Kind: "health"}, {ID: "school", Name: "School", Kind: "education"}},
		Providers: []decide.Provider{
			{ID: "gp-desk", Kind: decide.Unit, Title: "Desk", Agency: "gp"},
			{ID: "school-office", Kind: decide.Unit, Title: "Office", Agency: "school"},
			{ID: "hub-team", Kind: decide.Team, Title: "Team", Agency: "gp", Agencies: []ident.Agency{"school"}},
		},
		Registrars: []decide.Registrar{}, Managers: []decide.Idmgr{}, Recourse: []decide.Level{}, Services: []decide.SharedService{}, Columns: []decide.Column{}, Powers: []decide.Power{}, Bars: []decide.Bar{}, Agreements: []decide.Agreement{},
		Practitioners: []partnership.Practitioner{
			practitioner("olive", "office", "governance-officer"),
			practitioner("ada", "gp", "agency-administrator"),
			practitioner("sol", "school", "agency-administrator"),
			practitioner("alice", "gp", "practitioner", "gp-desk"),
		},
	}
}

// registration is one that ada may make.
func registration(code ident.Practitioner) governance.Registration {
	return governance.Registration{Practitioner: code, Issuer: "everyone", Subject: "subject-of-" + string(code),
		Roles: []string{"practitioner"}, Providers: []ident.Provider{"gp-desk"}}
}

func (h *hub) identity(issuer, subject string, groups ...any) governance.Identity {
	return governance.Identity{Issuer: issuer, Subject: subject, Claims: map[string]any{"groups": groups}, Expires: h.now().Add(time.Hour)}
}

// seen is whom another duty, relmgr, sees behind a sign-in now: code, agency,
// roles and providers, or nothing.
func (h *hub) seen(issuer, subject string) string {
	h.t.Helper()
	hash := sha256.Sum256([]byte(issuer + "\x00" + subject))
	var who, roles, providers sql.NullString
	err := h.DB(h.t, "relmgr").QueryRow(`
		select u.practitioner_id || '@' || u.agency_id,
		       (select string_agg(r.role, ',' order by r.role) from governance.published_roles r
		         where r.practitioner_id = u.practitioner_id and r.starts_at <= $3 and (r.ends_at is null or $3 < r.ends_at)),
		       (select string_agg(m.provider_id, ',' order by m.provider_id) from governance.published_memberships m
		         where m.practitioner_id = u.practitioner_id and m.starts_at <= $3 and (m.ends_at is null or $3 < m.ends_at))
		  from governance.published_users u
		 where u.issuer = $1 and u.subject_hash = $2 and u.starts_at <= $3 and (u.ends_at is null or $3 < u.ends_at)`,
		issuer, hash[:], h.now()).Scan(&who, &roles, &providers)
	if errors.Is(err, sql.ErrNoRows) {
		return ""
	}
	must(h.t, err)
	return who.String + " " + roles.String + " " + providers.String
}

func (h *hub) wantSeen(issuer, subject, want string) {
	h.t.Helper()
	if got := h.seen(issuer, subject); got != want {
		h.t.Errorf("%s of %s is seen as %q, want %q", subject, issuer, got, want)
	}
}

// contents is every row of every table that governance may write.
func (h *hub) contents() string {
	h.t.Helper()
	var b strings.Builder
	for _, table := range []string{"governance.acts", "governance.content_keys", "governance.terms", "governance.practitioners",
		"governance.roles_held", "governance.memberships", "ledger.pending"} {
		var rows sql.NullString
		var n int
		must(h.t, h.admin.QueryRow(`select count(*), string_agg(t::text, E'\n' order by t::text) from `+table+` t`).Scan(&n, &rows))
		fmt.Fprintf(&b, "%s %d\n%s\n", table, n, rows.String)
	}
	return b.String()
}

func (h *hub) count(table string) (n int) {
	h.t.Helper()
	must(h.t, h.admin.QueryRow(`select count(*) from `+table).Scan(&n))
	return n
}

func without(list []partnership.Practitioner, id ident.Practitioner) []partnership.Practitioner {
	return slices.DeleteFunc(slices.Clone(list), func(p partnership.Practitioner) bool { return p.ID == id })
}
