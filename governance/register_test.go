package governance_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance"
	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

func TestNewWantsAllItNeeds(t *testing.T) {
	t.Parallel()
	h := empty(t)
	good := governance.Config{DB: h.db, Keys: h.keys, Now: time.Now}
	one := governance.ServiceDescription{Duty: "d", Function: "f", Responsible: "r", Status: "s", Address: "a"}
	for name, c := range map[string]governance.Config{
		"no database": {Keys: h.keys, Now: time.Now}, "no keys": {DB: h.db, Now: time.Now}, "no clock": {DB: h.db, Keys: h.keys},
		"half a description": {DB: h.db, Keys: h.keys, Now: time.Now, Services: []governance.ServiceDescription{{Duty: "d"}}},
		"a duty twice":       {DB: h.db, Keys: h.keys, Now: time.Now, Services: []governance.ServiceDescription{one, one}},
	} {
		if _, err := governance.New(c); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := governance.New(good); err != nil {
		t.Error(err)
	}
	if got := h.Services(t.Context()); len(got) != 1 || got[0].Responsible != "Riverside Council" || got[0].Status != "controller" {
		t.Errorf("services %+v, want what the configuration says", got)
	}
}

func TestAnAdministratorRegistersTheirOwn(t *testing.T) {
	t.Parallel()
	h := setup(t)
	r := registration("dora")
	r.Providers = []ident.Provider{"hub-team", "gp-desk"}
	u, err := h.Register(t.Context(), ada, "gp", r)
	must(t, err)
	if u.Practitioner != "dora" || u.Source != governance.Delegated || !u.From.Equal(h.now()) || u.Until != nil ||
		!slices.Equal(u.Providers, []ident.Provider{"gp-desk", "hub-team"}) {
		t.Errorf("registered as %+v", u)
	}
	h.wantSeen("everyone", "subject-of-dora", "dora@gp practitioner gp-desk,hub-team")
	from, until := h.now().Add(time.Hour), h.now().Add(2*time.Hour)
	r = registration("temp")
	r.From, r.Until = &from, &until
	_, err = h.Register(t.Context(), ada, "gp", r)
	must(t, err)
	h.wantSeen("everyone", "subject-of-temp", "")
	_, err = h.SignIn(t.Context(), h.identity("everyone", "subject-of-temp"))
	wantKind(t, err, fault.NotRegistered)
	h.pass(time.Hour)
	h.wantSeen("everyone", "subject-of-temp", "temp@gp practitioner gp-desk")
	h.pass(time.Hour)
	h.wantSeen("everyone", "subject-of-temp", "")
}

func TestNobodyRegistersForAnotherAgency(t *testing.T) {
	t.Parallel()
	h := setup(t)
	before := h.contents()
	r := registration("dora")
	for _, c := range []decide.Caller{sol, olive, alice, caller("x", "office", "governance-officer", "agency-administrator")} {
		_, err := h.Register(t.Context(), c, "gp", r)
		wantKind(t, err, fault.Forbidden)
		_, err = h.End(t.Context(), c, "gp", "alice")
		wantKind(t, err, fault.Forbidden)
	}
	_, err := h.Register(t.Context(), ada, "nowhere", r)
	wantKind(t, err, fault.Forbidden)
	if h.contents() != before {
		t.Error("a refusal left something behind")
	}
}

func TestWhatARegistrationMayNotSay(t *testing.T) {
	t.Parallel()
	h := setup(t)
	_, err := h.Register(t.Context(), ada, "gp", registration("dora"))
	must(t, err)
	before := h.contents()
	past, soon, later := h.now().Add(-time.Hour), h.now().Add(time.Hour), h.now().Add(2*time.Hour)
	for _, c := range []struct {
		name    string
		kind    fault.Kind
		pointer string
		change  func(*governance.Registration)
	}{
		{"the officer's role", fault.Invalid, "/roles/1", func(r *governance.Registration) { r.Roles = []string{"practitioner", "governance-officer"} }},
		{"one's own role", fault.Invalid, "/roles/0", func(r *governance.Registration) { r.Roles = []string{"agency-administrator"} }},
		{"no such role", fault.Invalid, "/roles/0", func(r *governance.Registration) { r.Roles = []string{"wizard"} }},
		{"no role", fault.Invalid, "/roles", func(r *governance.Registration) { r.Roles = nil }},
		{"another agency's provider", fault.Invalid, "/providers/0", func(r *governance.Registration) { r.Providers = []ident.Provider{"school-office"} }},
		{"no such provider", fault.Invalid, "/providers/0", func(r *governance.Registration) { r.Providers = []ident.Provider{"wizards"} }},
		{"no such issuer", fault.Invalid, "/issuer", func(r *governance.Registration) { r.Issuer = "nobody" }},
		{"another agency's issuer", fault.Invalid, "/issuer", func(r *governance.Registration) { r.Issuer = "school-login" }},
		{"no subject", fault.Invalid, "/subject", func(r *governance.Registration) { r.Subject = "" }},
		{"an end in the past", fault.Invalid, "/until", func(r *governance.Registration) { r.Until = &past }},
		{"an end before the beginning", fault.Invalid, "/until", func(r *governance.Registration) { r.From, r.Until = &later, &soon }},
		{"a code that is taken", fault.Conflict, "/practitioner", func(r *governance.Registration) { r.Practitioner = "dora" }},
		{"another agency's code", fault.Conflict, "/practitioner", func(r *governance.Registration) { r.Practitioner = "sol" }},
		{"a sign-in that is taken", fault.Conflict, "/subject", func(r *governance.Registration) { r.Subject = "subject-of-sol" }},
	} {
		r := registration("eve")
		c.change(&r)
		_, err := h.Register(t.Context(), ada, "gp", r)
		f := wantKind(t, err, c.kind)
		if len(f.Fields) != 1 || f.Fields[0].Pointer != c.pointer {
			t.Errorf("%s: %+v, want %s", c.name, f.Fields, c.pointer)
		}
		for _, secret := range []string{"sol", "school", "wizard", "nobody", "subject-of"} {
			if strings.Contains(f.Detail, secret) {
				t.Errorf("%s: %q echoes what was sent or says whose it is", c.name, f.Detail)
			}
		}
	}
	if h.contents() != before {
		t.Error("a refusal left something behind")
	}
}

func TestOneSignInIsRegisteredOnceHoweverManyAsk(t *testing.T) {
	t.Parallel()
	h := setup(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() {
			r := registration(ident.Practitioner(fmt.Sprint("eve-", i)))
			r.Subject = "subject-of-eve"
			_, errs[i] = h.Register(t.Context(), ada, "gp", r)
		})
	}
	wg.Wait()
	var ok int
	for _, err := range errs {
		if err == nil {
			ok++
		} else if fault.KindOf(err) != fault.Conflict {
			t.Errorf("%v, want Conflict", err)
		}
	}
	if ok != 1 {
		t.Errorf("registered %d times, want once", ok)
	}
}

func TestWhoeverIsEndedIsGoneAtOnceAndStaysGone(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ctx := t.Context()
	_, err := h.Register(ctx, ada, "gp", registration("dora"))
	must(t, err)
	mapped, err := h.SignIn(ctx, h.identity("county", "c1", "gp-staff"))
	must(t, err)
	h.pass(time.Minute)
	for code, signIn := range map[ident.Practitioner]governance.Identity{
		"alice":             h.identity("everyone", "subject-of-alice", "gp-staff"),
		"dora":              h.identity("everyone", "subject-of-dora", "gp-staff"),
		mapped.Practitioner: h.identity("county", "c1", "gp-staff"),
	} {
		first, err := h.End(ctx, ada, "gp", code)
		must(t, err)
		if first.Until == nil || !first.Until.Equal(h.now()) || len(first.Roles) != 0 {
			t.Errorf("%s is shown as %+v, want ended now", code, first)
		}
		h.wantSeen(signIn.Issuer, signIn.Subject, "")
		acts := h.count("governance.acts")
		second, err := h.End(ctx, ada, "gp", code)
		must(t, err)
		if fmt.Sprintf("%+v", *second.Until) != fmt.Sprintf("%+v", *first.Until) || second.Practitioner != first.Practitioner {
			t.Errorf("the second time %s is shown as %+v, want %+v", code, second, first)
		}
		_, err = h.SignIn(ctx, signIn)
		f := wantKind(t, err, fault.NotRegistered)
		_, err = h.SignIn(ctx, h.identity("county", "nobody at all"))
		if g := wantKind(t, err, fault.NotRegistered); g.Detail != f.Detail {
			t.Errorf("%q tells that somebody was ended; others hear %q", f.Detail, g.Detail)
		}
		if n := h.count("governance.acts"); n != acts {
			t.Errorf("%d acts more, want none", n-acts)
		}
	}
	for _, code := range []ident.Practitioner{"nobody", "sol"} {
		_, err := h.End(ctx, ada, "gp", code)
		wantKind(t, err, fault.NotKnown)
	}

	moved := registration("dora-2") // they come back, to another agency, by a decision of its administrator
	moved.Subject, moved.Providers = "subject-of-dora", []ident.Provider{"school-office"}
	_, err = h.Register(ctx, sol, "school", moved)
	must(t, err)
	h.wantSeen("everyone", "subject-of-dora", "dora-2@school practitioner school-office")
}

func TestEndReachesWhoeverHasExpired(t *testing.T) {
	t.Parallel()
	h := setup(t)
	u, err := h.SignIn(t.Context(), h.identity("county", "c1", "gp-staff"))
	must(t, err)
	h.pass(9 * time.Hour)
	ended, err := h.End(t.Context(), ada, "gp", u.Practitioner)
	must(t, err)
	if !ended.Until.Equal(*u.Until) {
		t.Errorf("ended %v, want the earlier end kept: %v", ended.Until, u.Until)
	}
	_, err = h.SignIn(t.Context(), h.identity("county", "c1", "gp-staff"))
	wantKind(t, err, fault.NotRegistered)
}

func TestTheLastWhoCanGovernStays(t *testing.T) {
	t.Parallel()
	h := setup(t)
	both := caller("olive", "office", "governance-officer", "agency-administrator")
	_, err := h.End(t.Context(), both, "office", "olive")
	wantKind(t, err, fault.Conflict)
	d := doc()
	d.Practitioners = append(d.Practitioners, practitioner("oscar", "office", "governance-officer"))
	h.apply(d)
	_, err = h.End(t.Context(), both, "office", "olive")
	must(t, err)
	_, err = h.End(t.Context(), both, "office", "oscar")
	wantKind(t, err, fault.Conflict)
}

func TestClaimsRegisterWhoSignsIn(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ctx := t.Context()
	u, err := h.SignIn(ctx, h.identity("county", "c1", "other", "gp-staff", 7, "gp-front"))
	must(t, err)
	if !regexp.MustCompile(`^m-[0-9a-f]{16}$`).MatchString(string(u.Practitioner)) || u.Agency != "gp" || u.Source != governance.Claims ||
		!slices.Equal(u.Roles, []string{"practitioner", "receptionist"}) || !u.Until.Equal(h.now().Add(8*time.Hour)) {
		t.Errorf("registered as %+v", u)
	}
	h.wantSeen("county", "c1", string(u.Practitioner)+"@gp practitioner,receptionist gp-desk")
	page, err := h.Acts(ctx, olive, ident.ActID{}, 1)
	must(t, err)
	if a := page.Acts[0]; a.Kind != "sign-in" || a.Practitioner != u.Practitioner || a.Agency != "gp" || a.Role != "practitioner" {
		t.Errorf("the act is %+v, want a sign-in by themselves", a)
	}
	h.pass(5 * time.Hour)
	h.wantSeen("county", "c1", string(u.Practitioner)+"@gp practitioner gp-desk")
	again, err := h.SignIn(ctx, h.identity("county", "c1", "gp-staff", "gp-front"))
	must(t, err)
	if again.Practitioner != u.Practitioner || !again.Until.Equal(h.now().Add(8*time.Hour)) || !again.From.Equal(u.From) {
		t.Errorf("refreshed as %+v, want the same person for longer", again)
	}
	h.wantSeen("county", "c1", string(u.Practitioner)+"@gp practitioner,receptionist gp-desk")
	h.pass(7 * time.Hour)
	h.wantSeen("county", "c1", string(u.Practitioner)+"@gp practitioner gp-desk")
	h.pass(2 * time.Hour)
	h.wantSeen("county", "c1", "")
	later, err := h.SignIn(ctx, h.identity("county", "c1", "gp-staff"))
	must(t, err)
	if later.Practitioner != u.Practitioner || !later.From.Equal(h.now()) {
		t.Errorf("after it had ended: %+v, want the same person from now on", later)
	}

	h.pass(time.Minute)
	moved, err := h.SignIn(ctx, h.identity("county", "c1", "school-staff"))
	must(t, err)
	h.wantSeen("county", "c1", string(moved.Practitioner)+"@school practitioner school-office")
	h.pass(time.Minute)
	acts := h.count("governance.acts")
	for range 2 {
		_, err = h.SignIn(ctx, h.identity("county", "c1", "none of them"))
		wantKind(t, err, fault.NotRegistered)
		h.wantSeen("county", "c1", "")
	}
	if n := h.count("governance.acts"); n != acts+1 {
		t.Errorf("%d acts, want one for what ended", n-acts)
	}
	back, err := h.SignIn(ctx, governance.Identity{Issuer: "county", Subject: "c1", Claims: map[string]any{"groups": "gp-staff"}, Expires: h.now().Add(time.Hour)})
	must(t, err)
	if back.Practitioner != u.Practitioner {
		t.Errorf("back as %s, want %s: no person ended them", back.Practitioner, u.Practitioner)
	}
}

func TestClaimsThatMapToNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	before := h.contents()
	for name, id := range map[string]governance.Identity{
		"no claims":              {Issuer: "county", Subject: "s", Expires: h.now().Add(time.Hour)},
		"another value":          h.identity("county", "s", "gp"),
		"a claim of a map":       {Issuer: "county", Subject: "s", Claims: map[string]any{"groups": map[string]any{"gp-staff": true}}, Expires: h.now().Add(time.Hour)},
		"an issuer without maps": h.identity("everyone", "s", "gp-staff"),
		"no such issuer":         h.identity("nobody", "s", "gp-staff"),
	} {
		if _, err := h.SignIn(t.Context(), id); fault.KindOf(err) != fault.NotRegistered {
			t.Errorf("%s: %v, want NotRegistered", name, err)
		}
	}
	expired := h.identity("county", "s", "gp-staff")
	expired.Expires = h.now()
	_, err := h.SignIn(t.Context(), expired)
	wantKind(t, err, fault.Unauthenticated)
	if h.contents() != before {
		t.Error("something was written")
	}
}

func TestWhoeverWasRegisteredByAPersonIsOnlyTold(t *testing.T) {
	t.Parallel()
	h := setup(t)
	_, err := h.Register(t.Context(), ada, "gp", governance.Registration{Practitioner: "dora", Issuer: "county", Subject: "c5",
		Roles: []string{"receptionist"}})
	must(t, err)
	before := h.contents()
	u, err := h.SignIn(t.Context(), h.identity("county", "c5", "gp-staff"))
	must(t, err)
	if u.Practitioner != "dora" || !slices.Equal(u.Roles, []string{"receptionist"}) || u.Source != governance.Delegated {
		t.Errorf("signed in as %+v, want dora as registered", u)
	}
	u, err = h.SignIn(t.Context(), h.identity("everyone", "subject-of-alice"))
	must(t, err)
	if u.Practitioner != "alice" || u.Source != governance.ByHand {
		t.Errorf("signed in as %+v, want alice", u)
	}
	if h.contents() != before {
		t.Error("something was written")
	}
}

func TestOnePersonSigningInTwiceAtOnceIsOnePerson(t *testing.T) {
	t.Parallel()
	h := setup(t)
	var wg sync.WaitGroup
	codes := make([]ident.Practitioner, 8)
	for i := range codes {
		wg.Go(func() {
			u, err := h.SignIn(t.Context(), h.identity("county", "c1", "gp-staff"))
			if err != nil {
				t.Error(err)
			}
			codes[i] = u.Practitioner
		})
	}
	wg.Wait()
	if slices.Sort(codes); codes[0] != codes[7] {
		t.Errorf("one person has the codes %v", codes)
	}
}

func TestWhoMayListPractitioners(t *testing.T) {
	t.Parallel()
	h := setup(t)
	_, err := h.End(t.Context(), ada, "gp", "alice")
	must(t, err)
	_, err = h.Register(t.Context(), ada, "gp", registration("dora"))
	must(t, err)
	for _, c := range []decide.Caller{ada, olive} {
		users, err := h.Practitioners(t.Context(), c, "gp")
		must(t, err)
		if len(users) != 2 || users[0].Practitioner != "ada" || users[1].Practitioner != "dora" {
			t.Errorf("%s is shown %+v, want ada and dora", c.Practitioner, users)
		}
	}
	for _, c := range []decide.Caller{sol, alice} {
		_, err := h.Practitioners(t.Context(), c, "gp")
		wantKind(t, err, fault.Forbidden)
	}
}

func TestActsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	h := setup(t)
	for i := range 7 { // all of one instant: the order must still be one
		_, err := h.Register(t.Context(), ada, "gp", registration(ident.Practitioner(fmt.Sprint("p", i))))
		must(t, err)
	}
	var all []governance.Act
	var cursor ident.ActID
	for pages := 0; ; pages++ {
		page, err := h.Acts(t.Context(), olive, cursor, 2)
		must(t, err)
		all = append(all, page.Acts...)
		if cursor = page.Next; cursor.IsZero() {
			if pages != 4 {
				t.Errorf("%d full pages, want 4", pages)
			}
			break
		}
	}
	seen := map[ident.ActID]bool{}
	for i, a := range all {
		seen[a.ID] = true
		if i > 0 && a.At.After(all[i-1].At) {
			t.Errorf("act %d is newer than the one before", i)
		}
	}
	if len(all) != 9 || len(seen) != 9 || all[8].Kind != "initialise" {
		t.Errorf("%d acts of which %d differ, want 9 down to initialise", len(all), len(seen))
	}
	_, err := h.Acts(t.Context(), ada, ident.ActID{}, 10)
	wantKind(t, err, fault.Forbidden)
	_, err = h.Acts(t.Context(), olive, ident.NewAct(), 10)
	wantKind(t, err, fault.Invalid)
}

// everything makes one act of each kind.
func everything(h *hub) {
	h.t.Helper()
	ctx := h.t.Context()
	_, err := h.Register(ctx, ada, "gp", registration("dora"))
	must(h.t, err)
	_, err = h.SignIn(ctx, h.identity("county", "subject-of-carl", "gp-staff"))
	must(h.t, err)
	_, err = h.End(ctx, ada, "gp", "dora")
	must(h.t, err)
	h.pass(time.Minute)
	d := doc()
	d.Practitioners[3].Subject = "subject-of-alice-since-march"
	d.Practitioners = append(d.Practitioners, practitioner("zoe", "school", "practitioner"))
	h.apply(d)
}

func TestEveryActIsCommittedAndOpens(t *testing.T) {
	t.Parallel()
	h := setup(t)
	everything(h)
	rows, err := h.admin.Query(`select a.act_id, a.kind, a.sealed, a.commitment, k.wrapped, p.commitment is not null,
		a.practitioner_id from governance.acts a left join governance.content_keys k on k.record_id = a.act_id
		left join ledger.pending p on p.commitment = a.commitment`)
	must(t, err)
	defer rows.Close()
	kinds := map[string]int{}
	for rows.Next() {
		var id ident.ActID
		var kind, who string
		var l leaf.Leaf
		var pending bool
		must(t, rows.Scan(&id, &kind, &l.Sealed, &l.Commitment, &l.WrappedKey, &pending, &who))
		kinds[kind]++
		if !pending {
			t.Errorf("the commitment of a %s is not in the ledger's inbox", kind)
		}
		var record map[string]any
		must(t, leaf.Open(t.Context(), h.keys, governance.RecordsKey, id, l, &record))
		b, err := json.Marshal(record)
		must(t, err)
		if strings.Contains(string(b), "subject-of") {
			t.Errorf("the record of a %s has a subject in it: %s", kind, b)
		}
		if record["act"] != id.String() || record["kind"] != kind || record["practitioner"] != who || record["content"] == nil {
			t.Errorf("the record of a %s is %s", kind, b)
		}
	}
	must(t, rows.Err())
	want := map[string]int{"initialise": 1, "apply": 2, "register-practitioner": 1, "sign-in": 1, "end-practitioner": 1}
	if fmt.Sprint(kinds) != fmt.Sprint(want) {
		t.Errorf("acts %v, want %v", kinds, want)
	}
	if n, m := h.count("ledger.pending"), h.count("governance.acts"); n != m {
		t.Errorf("%d commitments for %d acts", n, m)
	}
}

func TestAnActTooLargeForOneRecordIsCommittedByHash(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := doc()
	for i := range 1200 {
		d.Providers = append(d.Providers, decide.Provider{ID: ident.Provider(fmt.Sprint("unit-", i)), Kind: decide.Unit, Title: "One of many units", Agency: "gp"})
	}
	ch := h.apply(d)
	if !ch.Applied || len(ch.Changes) != 1200 {
		t.Fatalf("%d changes applied: %v", len(ch.Changes), ch.Applied)
	}
	var l leaf.Leaf
	must(t, h.admin.QueryRow(`select a.sealed, a.commitment, k.wrapped from governance.acts a
		join governance.content_keys k on k.record_id = a.act_id where a.act_id = $1`, ch.Act).Scan(&l.Sealed, &l.Commitment, &l.WrappedKey))
	var record struct {
		Content struct {
			Count int    `json:"count"`
			Sum   string `json:"changes_sha256"`
		} `json:"content"`
	}
	must(t, leaf.Open(t.Context(), h.keys, governance.RecordsKey, ch.Act, l, &record))
	if record.Content.Count != 1200 || len(record.Content.Sum) != 64 {
		t.Errorf("%+v, want the count and the hash", record.Content)
	}
}

func TestNoSubjectStandsInTheDatabase(t *testing.T) {
	t.Parallel()
	h := setup(t)
	everything(h)
	dump := h.Dump(t)
	if !strings.Contains(dump, "alice") {
		t.Fatal("the dump lacks what it should have")
	}
	for _, form := range []string{"subject-of", hex.EncodeToString([]byte("subject-of")), "hidden"} {
		if strings.Contains(dump, form) {
			t.Errorf("a subject stands in the dump as %q", form)
		}
	}
}

func TestTheRoleCannotRewriteWhatHappened(t *testing.T) {
	t.Parallel()
	h := setup(t)
	everything(h)
	for _, s := range []string{
		"update governance.acts set kind = kind", "delete from governance.acts", "truncate governance.acts",
		"update governance.terms set version = version", "delete from governance.terms",
		"delete from governance.practitioners", "update governance.practitioners set practitioner_id = practitioner_id",
		"delete from governance.roles_held", "update governance.roles_held set role = role, starts_at = starts_at",
		"delete from governance.memberships", "update governance.memberships set provider_id = provider_id",
		"update governance.content_keys set wrapped = ''", "update ledger.pending set commitment = commitment",
		"update ledger.leaves set position = position", "delete from ledger.leaves", "update ledger.checkpoints set note = note",
		"delete from ledger.checkpoints", "update ledger.tiles set level = level", "delete from ledger.tiles",
		"select * from relmgr.handles", "select * from consent.consents", "create table governance.extra (x int)",
	} {
		if _, err := h.db.Exec(s); pq.As(err, "42501") == nil {
			t.Errorf("%s: %v, want insufficient privilege", s, err)
		}
	}
}
