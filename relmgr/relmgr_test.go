package relmgr_test

import (
	"database/sql"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/relmgr"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// bundle is a relationship manager on a database of its own, as the production
// role, with the Riverside terms.
type bundle struct {
	*relmgr.Service
	hub   *pgtest.Hub
	admin *sql.DB
	terms *decide.Terms
	keys  seal.Provider
	now   *atomic.Int64 // unix microseconds
}

func setup(t *testing.T) *bundle {
	t.Helper()
	t.Parallel()
	b := &bundle{hub: pgtest.New(t), terms: riversideTerms(t), now: new(atomic.Int64)}
	b.admin = b.hub.Admin(t)
	// What consent publishes is made up here, and made up anew; the duty itself cannot.
	if _, err := b.admin.Exec("alter table consent.consents disable trigger only_what_goes"); err != nil {
		t.Fatal(err)
	}
	b.now.Store(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC).UnixMicro())
	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	if err != nil {
		t.Fatal(err)
	}
	b.keys = keys
	b.Service = b.another(t)
	return b
}

// another is a second process of the duty on the same database and keys.
func (b *bundle) another(t *testing.T) *relmgr.Service {
	t.Helper()
	s, err := relmgr.New(t.Context(), relmgr.Config{DB: b.hub.DB(t, "relmgr"), Keys: b.keys, Now: b.clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func (b *bundle) clock() time.Time     { return time.UnixMicro(b.now.Load()) }
func (b *bundle) wait(d time.Duration) { b.now.Add(d.Microseconds()) }
func (b *bundle) until() time.Time     { return b.clock().AddDate(1, 0, 0) }
func (b *bundle) count(t *testing.T, query string) (n int) {
	t.Helper()
	if err := b.admin.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

var riversideTerms = func() func(t *testing.T) *decide.Terms {
	var once sync.Once
	var terms *decide.Terms
	var err error
	return func(t *testing.T) *decide.Terms {
		t.Helper()
		once.Do(func() {
			var js []byte
			if js, _, err = partnership.FromYAML(riverside.Partnership()); err != nil {
				return
			}
			var doc partnership.Document
			if doc, err = partnership.Parse(js, time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)); err == nil {
				terms = doc.Terms(1)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		return terms
	}
}()

// The people who act in these tests, as the register of users would have them.
func (b *bundle) as(name string) decide.Caller {
	people := map[string]decide.Actor{
		"gp":            {Practitioner: "dr-patel", Agency: "riverside-gp", Roles: []string{"gp"}, Providers: []ident.Provider{"riverside-surgery"}},
		"guardian":      {Practitioner: "dr-lund", Agency: "riverside-gp", Roles: []string{"caldicott-guardian"}},
		"gp-manager":    {Practitioner: "dr-brandt", Agency: "riverside-gp", Roles: []string{"gp", "relationship-manager"}, Providers: []ident.Provider{"riverside-surgery"}},
		"lead":          {Practitioner: "ms-novak", Agency: "riverside-social-care", Roles: []string{"social-worker", "safeguarding-lead"}, Providers: []ident.Provider{"childrens-assessment"}},
		"gp-lead":       {Practitioner: "dr-brandt", Agency: "riverside-gp", Roles: []string{"gp", "safeguarding-lead"}, Providers: []ident.Provider{"riverside-surgery"}},
		"patel":         {Practitioner: "dr-patel", Agency: "riverside-gp", Roles: []string{"gp"}, Providers: []ident.Provider{"dr-patel-list"}},
		"patel-manager": {Practitioner: "dr-patel", Agency: "riverside-gp", Roles: []string{"relationship-manager"}, Providers: []ident.Provider{"dr-patel-list"}},
		"gp-second":     {Practitioner: "dr-second", Agency: "riverside-gp", Roles: []string{"safeguarding-lead"}, Providers: []ident.Provider{"riverside-surgery"}},
		"clerk":         {Practitioner: "clerk-ito", Agency: "riverside-gp", Roles: []string{"clerk"}, Providers: []ident.Provider{"riverside-surgery"}},
		"social":        {Practitioner: "mr-lindqvist", Agency: "riverside-social-care", Roles: []string{"social-worker", "relationship-manager"}, Providers: []ident.Provider{"childrens-assessment"}},
		"early-help":    {Practitioner: "mr-lindqvist", Agency: "riverside-social-care", Roles: []string{"social-worker", "relationship-manager"}, Providers: []ident.Provider{"childrens-assessment", "early-help"}},
		"plain":         {Practitioner: "ms-plain", Agency: "riverside-social-care", Roles: []string{"social-worker"}, Providers: []ident.Provider{"childrens-assessment"}},
		"school":        {Practitioner: "ms-okafor", Agency: "hillside-school", Roles: []string{"teacher", "relationship-manager"}, Providers: []ident.Provider{"school-pastoral-lead"}},
		"police":        {Practitioner: "sgt-adeyemi", Agency: "riverside-police", Roles: []string{"police-officer", "relationship-manager"}, Providers: []ident.Provider{"police-safeguarding"}},
		"clinic":        {Practitioner: "nurse-tran", Agency: "bridge-clinic", Roles: []string{"clinic-nurse", "relationship-manager"}, Providers: []ident.Provider{"bridge-street-clinic"}},
		"shelter":       {Practitioner: "sam-shelter", Agency: "night-shelter", Roles: []string{"shelter-worker"}, Providers: []ident.Provider{"night-shelter"}},
	}
	return decide.Caller{Actor: people[name], Terms: b.terms}
}

// power is one that the agency's kind holds under the children's agreement.
var power = map[ident.Column]string{
	"gp-riverside": "children-act-2004-s10", "gp-patel": "children-act-2004-s10", "school-pastoral": "education-act-2002-s175", "social-care": "children-act-2004-s10",
	"police-riverside": "children-act-2004-s10", "clinic-bridge": "children-act-2004-s10",
}

// consent puts a consent where relmgr reads it, as the consent duty would.
func (b *bundle) consent(t *testing.T, handle ident.HandleID, explicit bool, audience ...string) ident.ConsentID {
	t.Helper()
	id, act := ident.NewConsent(), ident.NewAct()
	kind, list := "partnership", "{}"
	if len(audience) > 0 {
		kind, list = "agencies", "{"+audience[0]+"}"
	}
	for _, q := range []struct {
		text string
		args []any
	}{
		{`insert into consent.acts (act_id, kind, at, practitioner_id, agency_id, role, terms_version, commitment, sealed)
		  values ($1, 'capture', $2, 'x', 'x', 'gp', 1, '\x00', '\x00')`, []any{act, b.clock()}},
		{`insert into consent.consents (consent_id, act_id, handle_id, column_id, agency_id, explicit, audience_kind, audience,
		  purposes, aspects, starts_at, ends_at, evidence, wording)
		  values ($1, $2, $3, 'x', 'x', $4, $5, $6, '{co-ordinate-care,safeguarding,direct-care}', '{relationship}', $7, $8, 'signed-form', 'v1')`,
			[]any{id, act, handle, explicit, kind, list, b.clock().Add(-time.Minute), b.until()}},
	} {
		if _, err := b.admin.Exec(q.text, q.args...); err != nil {
			t.Fatal(err)
		}
	}
	return id
}

func (b *bundle) withdraw(t *testing.T, id ident.ConsentID) {
	t.Helper()
	_, err := b.admin.Exec(`insert into consent.withdrawals (consent_id, act_id, at, evidence)
		select consent_id, act_id, $2, 'signed-form' from consent.consents where consent_id = $1`, id, b.clock())
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) exclude(t *testing.T, handle ident.HandleID, agency string) {
	t.Helper()
	_, err := b.admin.Exec(`insert into consent.exclusions (exclusion_id, act_id, handle_id, agency_id, excluded, starts_at, evidence)
		select $1, act_id, $2, 'x', $3, $4, 'signed-form' from consent.acts limit 1`, ident.NewExclusion(), handle, agency, b.clock())
	if err != nil {
		t.Fatal(err)
	}
}

// own is one person's identifier in a column.
func own(column ident.Column, identifier string) relmgr.Own {
	return relmgr.Own{Column: column, Identifier: relmgr.Identifier(identifier)}
}

// handle is the caller's handle for an identifier.
func (b *bundle) handle(t *testing.T, who string, o relmgr.Own) ident.HandleID {
	t.Helper()
	p, err := b.FindHandle(t.Context(), b.as(who), o)
	if err != nil {
		t.Fatal(err)
	}
	return p.Handle
}

// proposal rests on a consent captured for the handle just now.
func (b *bundle) proposal(t *testing.T, who string, o relmgr.Own) relmgr.Proposal {
	t.Helper()
	p := relmgr.Proposal{
		Agreement: "riverside-children", Power: power[o.Column], Purposes: []string{"co-ordinate-care"},
		Aspects: []string{"relationship"}, Audience: decide.Audience{Kind: decide.ToPartnership, Names: []string{}},
		Necessary: true, Safeguards: true, Aim: "protect-health", Ground: decide.ExplicitConsent,
		Conditions: decide.Conditions{Ordinary: b.terms.Profile.Ordinary[0].Code}, Until: b.until(),
	}
	if o.Column == "shelter" {
		p.Agreement, p.Power = "riverside-homeless", "charity-objects"
	}
	if o.Column == "clinic-bridge" {
		p.Conditions.Sensitive = b.terms.Profile.Sensitive[0].Code
	}
	p.Consents = []ident.ConsentID{b.consent(t, b.handle(t, who, o), true)}
	return p
}

func (b *bundle) relationship(t *testing.T, who string, o relmgr.Own) relmgr.Relationship {
	t.Helper()
	role := map[string]string{"gp": "gp", "patel": "gp", "social": "social-worker", "school": "teacher", "police": "police-officer", "clinic": "clinic-nurse", "shelter": "shelter-worker"}[who]
	return relmgr.Relationship{
		Own: o, Role: role, Mode: decide.WithConsent, Reason: "working-with-person",
		Offers:   []relmgr.Offer{{Kind: "will-co-ordinate", Transactions: []string{"joint-assessment"}, Contact: "desk"}},
		Proposal: b.proposal(t, who, o),
	}
}

func (b *bundle) publish(t *testing.T, who string, o relmgr.Own) relmgr.Receipt {
	t.Helper()
	r, err := b.Publish(t.Context(), b.as(who), b.relationship(t, who, o))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// correlate has one side read out a code and the other use it.
func (b *bundle) correlate(t *testing.T, caller string, x relmgr.Own, other string, y relmgr.Own) relmgr.Receipt {
	t.Helper()
	p, err := b.OpenPairing(t.Context(), b.as(other), y, b.proposal(t, other, y))
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.Correlate(t.Context(), b.as(caller), b.correlation(t, caller, x, p.Code))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (b *bundle) correlation(t *testing.T, caller string, x relmgr.Own, code string) relmgr.Correlation {
	t.Helper()
	return relmgr.Correlation{Own: x, Code: code, Mode: decide.WithConsent, Reason: "same-person-found", Proposal: b.proposal(t, caller, x)}
}

func (b *bundle) ask(t *testing.T, who string, o relmgr.Own, transaction string) relmgr.Answer {
	t.Helper()
	a, err := b.Enquire(t.Context(), b.as(who), relmgr.Question{
		Own: o, Purpose: "co-ordinate-care", Reason: "working-with-person", Concerning: "child", Transaction: transaction,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// told lists the providers of an answer.
func told(a relmgr.Answer) []string {
	out := []string{}
	for _, p := range a.Providers {
		out = append(out, string(p.ID))
	}
	return out
}

func wantKind(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Fatalf("got %v, want a fault of kind %s", err, kind)
	}
}

func wantTold(t *testing.T, a relmgr.Answer, want ...string) {
	t.Helper()
	got := told(a)
	if len(got) != len(want) {
		t.Fatalf("told of %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("told of %v, want %v", got, want)
		}
	}
}

var (
	gpChild     = own("gp-riverside", "GP-00042")
	socialChild = own("social-care", "LMN-00042")
)

// looking is why a test reads what is recorded.
var looking = relmgr.Why{Purpose: "co-ordinate-care", Reason: "working-with-person"}
