package governance_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/governance"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/seal"
)

func asFault(err error, f **fault.Error) bool { return errors.As(err, f) }

func TestInitGivesAHubOneWhoCanGovern(t *testing.T) {
	t.Parallel()
	h := empty(t)
	if _, err := h.Read(t.Context(), olive); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("read before init: %v, want Unavailable", err)
	}
	h.initialise()
	h.wantSeen("governor", "subject-of-olive", "governor@governance-office governance-officer ")
	in, err := h.Read(t.Context(), olive)
	must(t, err)
	if in.Version != 1 || in.Document.Partnership.Name != "Riverside" {
		t.Errorf("version %d of %q, want version 1 of Riverside", in.Version, in.Document.Partnership.Name)
	}
	if _, err := partnership.Parse(text(in.Document), h.now()); err != nil {
		t.Errorf("the first document is not one: %v", err)
	}
	page, err := h.Acts(t.Context(), olive, ident.ActID{}, 10)
	must(t, err)
	if len(page.Acts) != 1 || page.Acts[0].Kind != "initialise" || page.Acts[0].Practitioner != "governor" {
		t.Errorf("acts %+v, want one initialise by governor", page.Acts)
	}
}

func TestInitIsRefusedTwice(t *testing.T) {
	t.Parallel()
	h := setup(t)
	must(t, h.keys.Destroy(t.Context(), governance.RecordsKey))
	before := h.contents()
	g := governance.Governor{Issuer: "https://id.example", Audience: "fame", Subject: "somebody"}
	wantKind(t, h.Initialise(t.Context(), g, hubURL, "Again"), fault.Conflict)
	if h.contents() != before {
		t.Error("the refused init wrote something")
	}
	if _, err := h.keys.Check(t.Context(), governance.RecordsKey); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("the refused init made the lost key anew: %v", err)
	}
}

func TestInitRefusesWhatMakesNoDocument(t *testing.T) {
	t.Parallel()
	h := empty(t)
	good := governance.Governor{Issuer: "https://id.example", Audience: "fame", Subject: "s"}
	for name, g := range map[string]governance.Governor{
		"an issuer that is no address": {Issuer: "id", Audience: "fame", Subject: "s"},
		"no subject":                   {Issuer: "https://id.example", Audience: "fame"},
		"a code that is none":          {Issuer: "https://id.example", Audience: "fame", Subject: "s", Practitioner: "The Governor"},
	} {
		if err := h.Initialise(t.Context(), g, hubURL, "Riverside"); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
	wantKind(t, h.Initialise(t.Context(), good, "https://other.example", "Riverside"), fault.Invalid)
	if n := h.count("governance.acts"); n != 0 {
		t.Errorf("%d acts, want none", n)
	}
}

func TestApplyNeedsTheGovernanceRole(t *testing.T) {
	t.Parallel()
	h := setup(t)
	before := h.contents()
	for _, c := range []decide.Caller{ada, alice, caller("nobody", "office")} {
		_, err := h.Apply(t.Context(), c, text(doc()), false)
		if f := wantKind(t, err, fault.Forbidden); !strings.Contains(f.Detail, "governance-officer") {
			t.Errorf("%q does not say which role", f.Detail)
		}
	}
	if h.contents() != before {
		t.Error("a refusal left something behind")
	}
}

func TestApplyPassesOnWhatParseSays(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := doc()
	d.Practitioners = without(d.Practitioners, "olive")
	_, err := h.Apply(t.Context(), olive, text(d), false)
	if f := wantKind(t, err, fault.Invalid); len(f.Fields) == 0 || !strings.HasPrefix(f.Fields[0].Pointer, "/practitioners") {
		t.Errorf("%+v, want /practitioners: nobody could govern", f.Fields)
	}
	other := doc()
	other.Partnership.Hub = "https://other.example"
	_, err = h.Apply(t.Context(), olive, text(other), false)
	wantKind(t, err, fault.Invalid)
	_, err = h.Apply(t.Context(), olive, []byte("{"), false)
	wantKind(t, err, fault.Invalid)
}

func TestApplyIsOneActAndOneVersion(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := doc()
	d.Agencies[1].Name = "Surgery of the North"
	ch := h.apply(d)
	if !ch.Applied || ch.Version != 3 || ch.Act.IsZero() || len(ch.Commitment) != 32 {
		t.Fatalf("%+v, want version 3 with its act", ch)
	}
	want := []partnership.Change{{Change: "replace", Pointer: "/agencies/gp/name", From: `"Surgery"`, To: `"Surgery of the North"`}}
	if !slices.Equal(ch.Changes, want) {
		t.Errorf("changes %+v, want %+v", ch.Changes, want)
	}
	if n, m := h.count("governance.acts"), h.count("governance.terms"); n != 3 || m != 3 {
		t.Errorf("%d acts and %d versions, want 3 and 3", n, m)
	}
	h.wantSeen("everyone", "subject-of-alice", "alice@gp practitioner gp-desk")
}

func TestApplyOfWhatIsInForceIsNoAct(t *testing.T) {
	t.Parallel()
	h := setup(t)
	before := h.contents()
	ch := h.apply(doc())
	if ch.Applied || ch.Version != 2 || !ch.Act.IsZero() || len(ch.Changes) != 0 {
		t.Errorf("%+v, want nothing applied at version 2", ch)
	}
	in, err := h.Read(t.Context(), olive)
	must(t, err)
	if ch := h.apply(in.Document); ch.Applied {
		t.Errorf("what was read changes %+v when it is applied", ch.Changes)
	}
	if h.contents() != before {
		t.Error("something was written")
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	before := h.contents()
	d := doc()
	d.Practitioners = append(without(d.Practitioners, "alice"), practitioner("bob", "school", "receptionist"))
	d.Practitioners[1].Roles = []string{"receptionist"}
	dry, err := h.Apply(t.Context(), olive, text(d), true)
	must(t, err)
	if dry.Applied || dry.Version != 2 || len(dry.Changes) == 0 || !dry.Act.IsZero() {
		t.Errorf("%+v, want changes and nothing applied", dry)
	}
	if h.contents() != before {
		t.Error("the dry run wrote something")
	}
	if real := h.apply(d); !slices.Equal(real.Changes, dry.Changes) {
		t.Errorf("applied %+v, but the dry run said %+v", real.Changes, dry.Changes)
	}
}

func TestLeaversAreGoneAtOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := doc()
	d.Practitioners = without(d.Practitioners, "alice")
	h.apply(d)
	h.wantSeen("everyone", "subject-of-alice", "")
	_, err := h.SignIn(t.Context(), h.identity("everyone", "subject-of-alice"))
	wantKind(t, err, fault.NotRegistered)

	h.pass(time.Hour)
	h.apply(doc())
	h.wantSeen("everyone", "subject-of-alice", "alice@gp practitioner gp-desk")
	var rows, open int
	must(t, h.admin.QueryRow(`select count(*), count(*) filter (where ends_at is null) from governance.roles_held
		where practitioner_id = 'alice'`).Scan(&rows, &open))
	if rows != 2 || open != 1 {
		t.Errorf("%d periods of which %d open, want the old one kept and a new one", rows, open)
	}
}

func TestRolesMembershipsDatesAndSignInsFollowTheDocument(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := doc()
	next, end := h.now().Add(24*time.Hour), h.now().Add(48*time.Hour)
	d.Practitioners[3].Roles = []string{"receptionist", "practitioner"}
	d.Practitioners[3].Providers = []ident.Provider{"hub-team"}
	d.Practitioners[3].Ends = &end
	d.Practitioners = append(d.Practitioners, practitioner("bob", "school", "receptionist"))
	d.Practitioners[4].Starts = &next
	h.apply(d)
	h.wantSeen("everyone", "subject-of-alice", "alice@gp practitioner,receptionist hub-team")
	h.wantSeen("everyone", "subject-of-bob", "")
	var since time.Time
	must(t, h.admin.QueryRow(`select starts_at from governance.roles_held
		where practitioner_id = 'alice' and role = 'practitioner'`).Scan(&since))
	if !since.Equal(noon.Add(time.Minute)) {
		t.Errorf("a role that stays began at %v, want when it was first given", since)
	}
	must(t, h.admin.QueryRow(`select starts_at from governance.roles_held
		where practitioner_id = 'alice' and role = 'receptionist'`).Scan(&since))
	if !since.Equal(h.now()) {
		t.Errorf("a new role began at %v, want now: nothing is dated back", since)
	}
	if ch := h.apply(d); ch.Applied {
		t.Errorf("the same document again changes %+v", ch.Changes)
	}
	h.pass(25 * time.Hour)
	h.wantSeen("everyone", "subject-of-bob", "bob@school receptionist ")
	h.pass(25 * time.Hour)
	h.wantSeen("everyone", "subject-of-alice", "")
	d.Practitioners[4].Starts = nil
	d.Practitioners[4].Subject = "another subject"
	h.apply(d)
	h.wantSeen("everyone", "subject-of-bob", "")
	h.wantSeen("everyone", "another subject", "bob@school receptionist ")

	d.Issuers[0].Name = "all"
	for i := range d.Practitioners {
		d.Practitioners[i].Issuer = "all"
	}
	h.apply(d)
	h.wantSeen("everyone", "another subject", "")
	h.wantSeen("all", "another subject", "bob@school receptionist ")
}

func TestAnotherAgencyIsAnotherTermOfOffice(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.pass(time.Minute)
	d := doc()
	d.Practitioners[3].Agency, d.Practitioners[3].Providers = "school", []ident.Provider{"school-office"}
	h.apply(d)
	h.wantSeen("everyone", "subject-of-alice", "alice@school practitioner school-office")
	var periods int
	must(t, h.admin.QueryRow(`select count(*) from governance.roles_held where practitioner_id = 'alice'`).Scan(&periods))
	if periods != 2 {
		t.Errorf("%d periods, want the role at the old agency ended and one at the new begun", periods)
	}
}

func TestAnEndCanBeMoved(t *testing.T) {
	t.Parallel()
	h := setup(t)
	end, d := h.now().Add(time.Hour), doc()
	bob := practitioner("bob", "gp", "receptionist", "gp-desk")
	bob.Ends = &end
	d.Practitioners = append(d.Practitioners, bob)
	h.apply(d)
	d.Practitioners[4].Ends = nil
	h.apply(d)
	h.pass(2 * time.Hour)
	h.wantSeen("everyone", "subject-of-bob", "bob@gp receptionist gp-desk")
	past := h.now().Add(-time.Minute)
	d.Practitioners[3].Ends = &past // as if not listed
	ch := h.apply(d)
	h.wantSeen("everyone", "subject-of-alice", "")
	if len(ch.Changes) != 1 || ch.Changes[0].Change != "remove" || ch.Changes[0].Pointer != "/practitioners/alice" {
		t.Errorf("%+v, want alice removed", ch.Changes)
	}
	if ch := h.apply(d); ch.Applied {
		t.Errorf("again: %+v", ch.Changes)
	}
}

func TestWhatStaysKeepsItsOwnEnd(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := doc()
	d.Issuers[1].Mappings[1].Providers = []ident.Provider{"hub-team"} // receptionists, for four hours
	h.apply(d)
	_, err := h.SignIn(t.Context(), h.identity("county", "c1", "gp-staff", "gp-front"))
	must(t, err)
	h.pass(time.Minute)
	d.Providers = d.Providers[:2]
	d.Issuers[1].Mappings[1].Providers = []ident.Provider{}
	d.Issuers[2].Mappings[0].Providers = []ident.Provider{}
	h.apply(d)
	if got := h.seen("county", "c1"); !strings.HasSuffix(got, "@gp practitioner,receptionist gp-desk") {
		t.Errorf("seen as %q, want both roles still", got)
	}
	h.pass(5 * time.Hour)
	if got := h.seen("county", "c1"); !strings.HasSuffix(got, "@gp practitioner gp-desk") {
		t.Errorf("seen as %q, want the four hours to be over", got)
	}
}

func TestASignInGoesOverToAnotherCode(t *testing.T) {
	t.Parallel()
	h := setup(t)
	d := doc()
	d.Practitioners[3].ID = "alice-smith"
	h.apply(d)
	h.wantSeen("everyone", "subject-of-alice", "alice-smith@gp practitioner gp-desk")
	h.pass(time.Minute)
	h.apply(doc())
	h.wantSeen("everyone", "subject-of-alice", "alice@gp practitioner gp-desk")

	swapped := doc()
	swapped.Practitioners[1].Subject, swapped.Practitioners[3].Subject = "subject-of-alice", "subject-of-ada"
	h.pass(time.Minute)
	h.apply(swapped)
	h.wantSeen("everyone", "subject-of-alice", "ada@gp agency-administrator ")
	h.wantSeen("everyone", "subject-of-ada", "alice@gp practitioner gp-desk")
}

func TestHiddenSubjectsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	h := setup(t)
	in, err := h.Read(t.Context(), olive)
	must(t, err)
	for _, p := range in.Document.Practitioners {
		if p.Subject != governance.Hidden(p.ID) {
			t.Errorf("%s is read with a subject", p.ID)
		}
	}
	in.Document.Practitioners[1].Roles = []string{"receptionist"} // alice; ada is first
	h.apply(in.Document)
	h.wantSeen("everyone", "subject-of-alice", "alice@gp receptionist gp-desk")

	for name, change := range map[string]func(*partnership.Document){
		"somebody new":   func(d *partnership.Document) { d.Practitioners[1].ID = "new" },
		"another issuer": func(d *partnership.Document) { d.Practitioners[1].Issuer = "county" },
		"a moved issuer": func(d *partnership.Document) { d.Issuers[0].Issuer = "https://new.example" },
		"a sign-in given to two": func(d *partnership.Document) {
			d.Practitioners[0].Subject = "subject-of-alice"
		},
	} {
		again, err := h.Read(t.Context(), olive)
		must(t, err)
		change(&again.Document)
		_, err = h.Apply(t.Context(), olive, text(again.Document), false)
		if f := wantKind(t, err, fault.Invalid); len(f.Fields) == 0 || !strings.HasSuffix(f.Fields[0].Pointer, "/subject") {
			t.Errorf("%s: %+v, want the subject asked for", name, f.Fields)
		}
	}
	others, err := h.Read(t.Context(), alice)
	must(t, err)
	if len(others.Document.Practitioners) != 0 {
		t.Error("the register of users is shown to somebody who does not govern")
	}
}

func TestUsersOfOtherSourcesFollowTheTerms(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ctx := t.Context()
	_, err := h.SignIn(ctx, h.identity("county", "c1", "gp-staff", "gp-front"))
	must(t, err)
	_, err = h.SignIn(ctx, h.identity("county", "c2", "school-staff"))
	must(t, err)
	_, err = h.SignIn(ctx, h.identity("school-login", "c1", "teachers"))
	must(t, err)
	r := registration("dora")
	r.Roles, r.Providers = []string{"receptionist"}, []ident.Provider{"gp-desk", "hub-team"}
	_, err = h.Register(ctx, ada, "gp", r)
	must(t, err)
	h.pass(time.Minute)

	d := doc() // no receptionists any more, no team
	d.Codes.Roles = d.Codes.Roles[:3]
	d.Issuers[1].Mappings = slices.Delete(d.Issuers[1].Mappings, 1, 2)
	d.Providers = d.Providers[:2]
	d.Issuers[2].Mappings[0].Providers = []ident.Provider{"school-office"}
	h.apply(d)
	if got := h.seen("county", "c1"); !strings.HasSuffix(got, "@gp practitioner gp-desk") {
		t.Errorf("c1 is seen as %q, want a practitioner only", got)
	}
	h.wantSeen("everyone", "subject-of-dora", "") // no role is left
	if got := h.seen("school-login", "c1"); !strings.HasSuffix(got, "@school practitioner school-office") {
		t.Errorf("the teacher is seen as %q, want no team", got)
	}
	h.pass(5 * time.Hour) // the receptionist's hours would be over, the practitioner's are not
	if got := h.seen("county", "c1"); !strings.HasSuffix(got, "@gp practitioner gp-desk") {
		t.Errorf("c1 is seen as %q, want the mapping's own hours kept", got)
	}

	d.Issuers[2].Issuer = "https://new-school.example" // other people may have the same subjects there
	h.apply(d)
	h.wantSeen("school-login", "c1", "")
	u, err := h.SignIn(ctx, h.identity("school-login", "c1", "teachers"))
	must(t, err)
	var n int
	must(t, h.admin.QueryRow(`select count(*) from governance.practitioners where issuer = 'school-login'`).Scan(&n))
	if n != 2 || u.Source != governance.Claims {
		t.Errorf("%d registrations, want the stranger under a code of their own", n)
	}

	d.Agencies, d.Providers = d.Agencies[:2], d.Providers[:1] // the school leaves
	d.Practitioners = without(d.Practitioners, "sol")
	d.Issuers = d.Issuers[:2]
	d.Issuers[1].Mappings = d.Issuers[1].Mappings[:1]
	h.apply(d)
	h.wantSeen("county", "c2", "")
	h.wantSeen("school-login", "c1", "")
	if got := h.seen("county", "c1"); got == "" {
		t.Error("somebody of an agency that stays was ended")
	}
}

func TestTheRegisterCanSayOtherwise(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ctx := t.Context()
	_, err := h.Register(ctx, ada, "gp", registration("dora"))
	must(t, err)
	u, err := h.SignIn(ctx, h.identity("county", "c1", "gp-staff"))
	must(t, err)
	_, err = h.End(ctx, ada, "gp", "alice")
	must(t, err)
	h.pass(time.Minute)
	before := h.contents()

	still := func(p partnership.Practitioner) partnership.Document {
		d := doc()
		d.Practitioners = append(without(d.Practitioners, "alice"), p)
		return d
	}
	taken := practitioner("dora", "gp", "practitioner")
	taken.Subject = "somebody else"
	same := practitioner("dora-2", "gp", "practitioner")
	same.Subject = "subject-of-dora"
	for name, d := range map[string]partnership.Document{
		"somebody ended by name":      doc(),
		"an agency's code":            still(taken),
		"an agency's sign-in":         still(same),
		"the code of somebody mapped": still(practitioner(u.Practitioner, "gp", "practitioner")),
	} {
		for _, dry := range []bool{true, false} {
			_, err := h.Apply(ctx, olive, text(d), dry)
			if fault.KindOf(err) != fault.Conflict {
				t.Errorf("%s, dry %v: %v, want Conflict", name, dry, err)
			} else if f := wantKind(t, err, fault.Conflict); f.Fields[0].Pointer == "" || strings.Contains(f.Error(), "subject-of") {
				t.Errorf("%s: %v", name, f)
			}
		}
	}
	if h.contents() != before {
		t.Error("a conflict left something behind")
	}

	mine := practitioner("carol", "gp", "receptionist") // whoever came by claims is now registered by hand
	mine.Issuer, mine.Subject = "county", "c1"
	h.apply(still(mine))
	h.wantSeen("county", "c1", "carol@gp receptionist ")
	if got, err := h.SignIn(ctx, h.identity("county", "c1", "gp-staff")); err != nil || got.Practitioner != "carol" {
		t.Errorf("signs in as %+v (%v), want carol", got, err)
	}
	again := practitioner("alice-2", "gp", "practitioner") // a new code is a registration anew
	again.Subject = "subject-of-alice"
	h.apply(still(again))
	h.wantSeen("everyone", "subject-of-alice", "alice-2@gp practitioner ")
}

func TestTwoAppliesAtOnce(t *testing.T) {
	t.Parallel()
	h := setup(t)
	run := func(docs ...partnership.Document) (out []governance.Change) {
		t.Helper()
		out = make([]governance.Change, len(docs))
		errs := make([]error, len(docs))
		var wg sync.WaitGroup
		for i := range docs {
			wg.Go(func() { out[i], errs[i] = h.Apply(t.Context(), olive, text(docs[i]), false) })
		}
		wg.Wait()
		must(t, errors.Join(errs...))
		return out
	}

	same := doc()
	same.Partnership.Name = "Riverside and Hillside"
	var applied int
	for _, c := range run(same, same, same, same) {
		if c.Version != 3 {
			t.Errorf("version %d in force, want 3", c.Version)
		}
		if c.Applied {
			applied++
		}
	}
	if applied != 1 {
		t.Errorf("the same document was applied %d times, want once", applied)
	}

	var docs []partnership.Document
	for i := range 4 {
		d := doc()
		d.Partnership.Name = fmt.Sprint("Partnership ", i)
		d.Practitioners = append(d.Practitioners, practitioner(ident.Practitioner(fmt.Sprint("p", i)), "gp", "practitioner"))
		docs = append(docs, d)
	}
	last := 0
	seen := map[int64]bool{}
	out := run(docs...)
	for i, c := range out {
		if !c.Applied || c.Version < 4 || seen[c.Version] {
			t.Errorf("%+v, want each document in a version of its own", c)
		}
		if seen[c.Version] = true; c.Version == 7 {
			last = i
		}
	}
	in, err := h.Read(t.Context(), olive)
	must(t, err)
	if in.Document.Partnership.Name != docs[last].Partnership.Name || len(in.Document.Practitioners) != 5 {
		t.Errorf("in force is %q with %d practitioners, want what came last, whole",
			in.Document.Partnership.Name, len(in.Document.Practitioners))
	}
}

// The change fails at each table in turn and at the commit itself: nothing of
// it stays, and the same call goes through once the failure is gone.
func TestAChangeThatFailsHalfWayLeavesNothing(t *testing.T) {
	t.Parallel()
	h := setup(t)
	ctx := t.Context()
	_, err := h.Register(ctx, ada, "gp", registration("dora"))
	must(t, err)
	h.pass(time.Minute)
	_, err = h.admin.Exec(`create function public.fail() returns trigger language plpgsql as
		$$ begin raise exception 'power cut'; end $$; grant usage on schema public to public`)
	must(t, err)
	d := doc()
	d.Practitioners = append(without(d.Practitioners, "alice"), practitioner("bob", "school", "receptionist", "school-office"))
	changes := map[string]func() error{
		"apply":    func() error { _, err := h.Apply(ctx, olive, text(d), false); return err },
		"register": func() error { _, err := h.Register(ctx, ada, "gp", registration("eve")); return err },
		"end":      func() error { _, err := h.End(ctx, ada, "gp", "dora"); return err },
		"sign-in":  func() error { _, err := h.SignIn(ctx, h.identity("county", "c9", "gp-staff")); return err },
	}
	writes := map[string][]string{
		"apply": {"acts", "content_keys", "terms", "practitioners", "roles_held", "memberships", "pending"}, "register": {"acts", "practitioners", "roles_held", "memberships", "pending"},
		"end": {"acts", "practitioners", "roles_held", "pending"}, "sign-in": {"acts", "content_keys", "practitioners", "memberships", "pending"},
	}
	for _, name := range []string{"sign-in", "end", "register", "apply"} {
		before := h.contents()
		for _, table := range writes[name] {
			for _, when := range []string{"after insert or update on %s for each row", "after insert or update on %s deferrable initially deferred for each row"} {
				schema, kind := "governance.", "trigger"
				if table == "pending" {
					schema = "ledger."
				}
				if strings.Contains(when, "deferred") {
					kind = "constraint trigger"
				}
				_, err := h.admin.Exec("create " + kind + " fail " + fmt.Sprintf(when, schema+table) + " execute function public.fail()")
				must(t, err)
				if err := changes[name](); fault.KindOf(err) != fault.Internal || strings.Contains(err.Error(), "subject-of") {
					t.Errorf("%s, %s: %v, want an Internal fault", name, table, err)
				}
				_, err = h.admin.Exec("drop trigger fail on " + schema + table)
				must(t, err)
				if h.contents() != before {
					t.Fatalf("%s failed at %s and left something behind", name, table)
				}
			}
		}
		if err := changes[name](); err != nil {
			t.Errorf("%s: %v, want it to go through", name, err)
		}
	}
}
