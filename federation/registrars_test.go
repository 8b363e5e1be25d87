package federation_test

import (
	"sync"
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/federation"
	"github.com/fame-hub/fame/federation/registers"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// keeper keeps the registers of the registrar town.
func keeper() decide.Caller {
	c := officer()
	c.Practitioner, c.Agency, c.Roles, c.Terms = "ms-abara", "county", []string{"register-officer"}, registrarTerms()
	return c
}

// registrarTerms are a partnership with two registrars.
func registrarTerms() *decide.Terms {
	key := decide.PublicKey{Kid: "a", Kty: "EC", Crv: "P-256", X: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", Y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
	return (&decide.Terms{
		Version: 3, Partnership: decide.Partnership{Name: "Riverside"},
		Codes:     decide.Codes{Reasons: []decide.Code{{Code: "work-ended"}}, Transactions: []decide.Code{{Code: "joint-assessment"}}},
		Providers: []decide.Provider{{ID: "gp", Kind: decide.Unit}},
		Registrars: []decide.Registrar{
			{Code: "town", Title: "The town's register", Agency: "county", Roles: []string{"register-officer"}, Keys: []decide.PublicKey{key}},
			{Code: "mill", Title: "The mill's register", Agency: "county", Roles: []string{"register-officer"}, Keys: []decide.PublicKey{key}},
		},
	}).Index()
}

var floor = registers.Floor{RecallPerMille: 900, LatencyMS: 50, ErrorsPerMille: 10}

func (b *bundle) admit(id ident.Registrar) {
	b.t.Helper()
	c := officer()
	c.Terms = registrarTerms()
	_, err := b.Admit(b.t.Context(), c, id, federation.Admission{Usage: here + "/federation/v1/usage", Floor: floor})
	b.must(err)
}

// register is the hub's register as another hub reads it.
func (b *bundle) register() *registers.Register {
	b.t.Helper()
	text, err := b.Registrars(b.t.Context(), "")
	b.must(err)
	r, err := registers.Open([]string{text}, here, b.own(), b.now())
	b.must(err)
	return r
}

func quality(recall int) registers.Quality {
	return registers.Quality{RecallPerMille: recall, LatencyMS: 20, ErrorsPerMille: 1, PerMinute: 6000, Measured: 500}
}

// E2E-13, FED-08, FED-18: a registrar below its floor is flagged, then suspended, and readmitted
// when it is at it again; each is an act, and every status stays to be seen.
func TestARegistrarBelowItsFloorIsFlaggedSuspendedAndReadmitted(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	b.admit("town")
	for _, step := range []struct {
		recall int
		want   string
	}{{950, registers.Admitted}, {899, registers.Flagged}, {899, registers.Suspended}, {100, registers.Suspended}, {900, registers.Admitted}, {1, registers.Flagged}, {901, registers.Admitted}} {
		b.pass(time.Minute)
		c, err := b.PublishQuality(ctx, keeper(), "town", quality(step.recall))
		b.must(err)
		r := b.register()
		if c.Status != step.want || len(r.Entries) != 1 || r.Entries[0].Status != step.want || r.Entries[0].Quality.RecallPerMille != step.recall || r.Entries[0].Keys == nil {
			t.Fatalf("at %d: %s, %+v; want %s", step.recall, c.Status, r.Entries, step.want)
		}
	}
	var acts int
	b.must(b.base.Admin(t).QueryRow("select count(*) from federation.acts where kind in ('flag-registrar', 'suspend-registrar', 'readmit-registrar')").Scan(&acts))
	if acts != 5 {
		t.Errorf("%d acts", acts)
	}
	out := officer()
	out.Terms = registrarTerms()
	_, err := b.Remove(ctx, out, "town", "work-ended")
	b.must(err)
	if e := b.register().Entries[0]; e.Status != registers.Removed || e.Keys != nil {
		t.Errorf("%+v", e)
	}
	_, err = b.PublishQuality(ctx, keeper(), "town", quality(950))
	b.wants(fault.NotKnown, err)
	b.admit("town")
	if e := b.register().Entries[0]; e.Status != registers.Admitted {
		t.Errorf("%+v", e)
	}
}

// A registrar is admitted by an officer, with a feed, once, and its figures are its keepers' own.
func TestWhoIsNotAdmitted(t *testing.T) {
	b := setup(t)
	ctx := t.Context()
	c := officer()
	c.Terms = registrarTerms()
	on := federation.Admission{Usage: here + "/federation/v1/usage", Floor: floor}
	_, err := b.Admit(ctx, keeper(), "town", on)
	b.wants(fault.Forbidden, err)
	_, err = b.Admit(ctx, c, "nobody", on)
	b.wants(fault.Invalid, err)
	_, err = b.Admit(ctx, c, "town", federation.Admission{Floor: floor})
	b.wants(fault.Invalid, err)
	_, err = b.PublishQuality(ctx, keeper(), "town", quality(950))
	b.wants(fault.NotKnown, err)
	b.admit("town")
	_, err = b.Admit(ctx, c, "town", on)
	b.wants(fault.Conflict, err)
	_, err = b.PublishQuality(ctx, c, "town", quality(950))
	b.wants(fault.Forbidden, err)
	elsewhere := keeper()
	elsewhere.Agency = "another"
	_, err = b.PublishQuality(ctx, elsewhere, "town", quality(950))
	b.wants(fault.Forbidden, err)
	_, err = b.Remove(ctx, keeper(), "town", "work-ended")
	b.wants(fault.Forbidden, err)
}

// Two figures at once: the one comes after the other, and both count.
func TestOfFiguresAtOnceEachComesAfterTheOther(t *testing.T) {
	b := setup(t)
	b.admit("town")
	var done sync.WaitGroup
	for range 6 {
		done.Go(func() {
			if _, err := b.PublishQuality(t.Context(), keeper(), "town", quality(1)); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	var flagged, suspended int
	b.must(b.base.Admin(t).QueryRow("select count(*) filter (where step = 'flag-registrar'), count(*) filter (where step = 'suspend-registrar') from federation.registrars").Scan(&flagged, &suspended))
	if flagged != 1 || suspended != 1 {
		t.Errorf("flagged %d times, suspended %d times", flagged, suspended)
	}
}

// FED-01: what lies below another hub's address is not another hub.
func TestSpacesThatOverlapAreNoTwoHubs(t *testing.T) {
	b := setup(t)
	b.confirmed("mill")
	a := b.agreement()
	_, err := b.Invite(t.Context(), officer(), b.other.Entity("mill")+"/wheel", &a)
	b.wants(fault.Invalid, err)
	_, err = b.Invite(t.Context(), officer(), here+"/mill", &a)
	b.wants(fault.Invalid, err)
}

// FED-02, FED-03: the chain that shows what a peer is, and by which key, verifies with this hub
// as its anchor, until an officer's act suspends it; of nobody else anything is looked up.
func TestAPeerIsResolvedAndNobodyElse(t *testing.T) {
	b := setup(t)
	ctx, name := t.Context(), b.other.Entity("mill")
	b.confirmed("mill")
	b.theirs("mill", b.agreement())
	text, err := b.Resolve(ctx, name, here)
	b.must(err)
	if _, err := b.own().Verify(text, federation.ResolveTyp); err != nil {
		t.Error(err)
	}
	before := b.other.Asked("stranger")
	_, err = b.Resolve(ctx, b.other.Entity("stranger"), here)
	b.wants(fault.NotKnown, err)
	_, err = b.Resolve(ctx, name, name)
	b.wants(fault.NotKnown, err)
	if b.other.Asked("stranger") != before {
		t.Error("a stranger was asked because somebody asked for it")
	}
	for _, p := range must(b.Peers(ctx)) {
		if p.Entity == name {
			_, err := b.Suspend(ctx, officer(), p.ID, "work-ended")
			b.must(err)
		}
	}
	_, err = b.Resolve(ctx, name, here)
	b.wants(fault.NotKnown, err)
	var acts int
	b.must(b.base.Admin(t).QueryRow("select count(*) from federation.acts a join federation.peers p using (act_id) where a.kind = 'suspend' and p.entity_id = $1", name).Scan(&acts))
	if acts != 1 {
		t.Errorf("%d acts", acts)
	}
}
