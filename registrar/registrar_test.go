package registrar_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/fame-hub/fame/governance/ledger/leaf"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/registrar"
)

// REG-02: a register has one registrar, who must be one of the partnership, and is
// opened by those who keep its registers.
func TestARegisterHasOneRegistrarWhoAnswersForIt(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	all, err := h.registrar.Registers(t.Context(), doctor)
	must(t, err)
	if len(all) != 1 || all[0].Registrar != "county" || all[0].Agency != "council" || all[0].Contact != "desk" || all[0].Conforming {
		t.Errorf("the register is described as %+v", all)
	}
	r := registrar.Register{ID: "more", Title: "More", Contact: "desk", Scope: "all"}
	for _, c := range []struct {
		name string
		of   func() error
		kind fault.Kind
	}{
		{"of the agency, without the role", func() error { _, err := h.registrar.CreateRegister(t.Context(), clerk, r); return err }, fault.Forbidden},
		{"with the role, of another agency", func() error { _, err := h.registrar.CreateRegister(t.Context(), gpKeep, r); return err }, fault.Forbidden},
		{"of a registrar that is none", func() error {
			nobody := keeper
			nobody.Terms = terms()
			nobody.Terms.Registrars = nil
			_, err := h.registrar.CreateRegister(t.Context(), nobody, r)
			return err
		}, fault.Forbidden},
		{"under a code that is taken", func() error {
			r := r
			r.ID = "town"
			_, err := h.registrar.CreateRegister(t.Context(), keeper, r)
			return err
		}, fault.Conflict},
	} {
		t.Run(c.name, func(t *testing.T) { wantKind(t, c.of(), c.kind) })
	}
	if n := h.count("select count(*) from registrar.acts"); n != 1 {
		t.Errorf("%d acts, want the one that opened the register", n)
	}
}

// REG-24: a register that does not say who oversees it is shown as not conforming,
// and one whose review is past too. REG-19: one that does not serve an agency is as
// one that does not exist.
func TestARegisterShowsItsGovernanceToThoseWhomItServes(t *testing.T) {
	t.Parallel()
	h := setup(t)
	_, err := h.registrar.CreateRegister(t.Context(), keeper, registrar.Register{
		ID: "children", Title: "Children", Contact: "desk", Scope: "all", Criterion: "children", Serves: []ident.Agency{"school"},
		Governance: &registrar.Governance{Overseer: "board", Inclusion: "all", Appeal: "board", Review: "2027-01-01"},
		Levels:     &registrar.Levels{LatencyMS: 50, ErrorsPerMille: 1, PerMinute: 60},
	})
	must(t, err)
	all, err := h.registrar.Registers(t.Context(), tutor)
	must(t, err)
	if len(all) != 1 || !all[0].Conforming || all[0].Criterion != "children" || all[0].Levels.PerMinute != 60 || all[0].Governance.Appeal != "board" {
		t.Errorf("the school is shown %+v", all)
	}
	*h.now = noon.AddDate(1, 0, 0)
	if all, err = h.registrar.Registers(t.Context(), tutor); err != nil || all[0].Conforming {
		t.Errorf("after the review was due: %+v, %v", all, err)
	}
	if all, err = h.registrar.Registers(t.Context(), doctor); err != nil || len(all) != 0 {
		t.Errorf("the practice, which it does not serve, is shown %+v, %v", all, err)
	}
}

// REG-03, REG-04, REG-11, REG-12: a name, or a year, is enough; each item comes back
// with its source and dates.
func TestAPersonIsEnteredWithWhatIsKnown(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	seen := noon.AddDate(-1, 0, 0)
	year := registrar.Item{Source: "person", Birth: &registrar.Birth{Date: "1971", Within: 3}}
	face := registrar.Item{Source: "document", VerifiedAt: &seen, Biometric: &registrar.Biometric{Method: "face", Reference: "vault/1"}}
	for _, items := range [][]registrar.Item{{name("Yusuf", "")}, {year}, {name("Zsófia", "Ådahl"), name("索菲亚", ""), year, face}} {
		entry := h.enter("town", items...)
		p, err := h.registrar.Look(t.Context(), keeper, "town", entry, "asked")
		must(t, err)
		if p.Entry != entry || !p.RegisteredAt.Equal(noon) || len(p.Items) != len(items) {
			t.Errorf("entered %+v, found %+v", items, p)
		}
		for _, k := range p.Items {
			if k.Source == "" || !k.RecordedAt.Equal(noon) || k.ID.IsZero() || (k.Kind == "biometric") != (k.VerifiedAt != nil && k.VerifiedAt.Equal(seen)) {
				t.Errorf("an item is %+v", k)
			}
			if got := registrar.TypeOf(k.Kind); got != map[bool]string{true: "biometric", false: "demographic"}[k.Kind == "biometric"] {
				t.Errorf("a %s is %s", k.Kind, got)
			}
		}
	}
	// Looking is an act.
	if n := h.count("select count(*) from registrar.acts where kind = 'look' and practitioner_id = 'kim' and role = 'keeper'"); n != 3 {
		t.Errorf("%d acts of looking, want 3", n)
	}
}

// What cannot be so is refused with its place, and nothing of it is kept.
func TestWhatCannotBeSoIsRefused(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	tomorrow := noon.AddDate(0, 0, 1)
	_, err := h.registrar.Register(t.Context(), keeper, "town", []registrar.Item{
		{Source: "person"}, born("2001-02-29"), {Source: "person", Sex: "male", Phone: "01632 960 001"}, {Source: "person", Sex: "male", VerifiedAt: &tomorrow},
	})
	wantKind(t, err, fault.Invalid)
	if got := pointers(err); !slices.Equal(got, []string{"/items/0", "/items/1/birth/date", "/items/2", "/items/3/verified_at"}) {
		t.Errorf("the refusal names %q", got)
	}
	for _, c := range []struct {
		by   func() error
		kind fault.Kind
	}{
		{func() error {
			_, err := h.registrar.Register(t.Context(), clerk, "town", []registrar.Item{name("Ada", "")})
			return err
		}, fault.Forbidden},
		{func() error {
			_, err := h.registrar.Register(t.Context(), keeper, "city", []registrar.Item{name("Ada", "")})
			return err
		}, fault.NotKnown},
	} {
		wantKind(t, c.by(), c.kind)
	}
	if n := h.count("select count(*) from registrar.subjects"); n != 0 {
		t.Errorf("%d people were entered", n)
	}
}

// REG-25, DCP-03: an entry is known by a reference of its agency's alone; the
// database holds nothing of the person in clear.
func TestTheDatabaseHoldsNothingOfAPersonInClear(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	entry := h.enter("town", name("Featherstonehaugh", "Quux"))
	_, err := h.registrar.Look(t.Context(), gpKeep, "town", entry, "asked")
	wantKind(t, err, fault.Forbidden)
	rows, err := h.admin.QueryContext(t.Context(), `select i.sealed, a.sealed, i.subject_id from registrar.items i join registrar.acts a using (act_id)`)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var item, act []byte
		var subject ident.Subject
		must(t, rows.Scan(&item, &act, &subject))
		if bytes.Contains(item, []byte("Feather")) || bytes.Contains(act, []byte("Feather")) || string(entry) == subject.String() {
			t.Error("something of the person stands in clear")
		}
	}
	must(t, rows.Err())
}

// ACT-03: an act commits to what stands in clear of it, and opens to that.
func TestAnActOpensToItsCommitment(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	made, err := h.registrar.Register(t.Context(), keeper, "town", []registrar.Item{name("Ada", "Byron")})
	must(t, err)
	var l leaf.Leaf
	must(t, h.admin.QueryRowContext(t.Context(), `select a.commitment, a.sealed, k.wrapped from registrar.acts a
		join registrar.content_keys k on k.record_id = a.act_id where a.act_id = $1`, made.Act).Scan(&l.Commitment, &l.Sealed, &l.WrappedKey))
	var said struct {
		Practitioner, Agency, Role string
		Deed                       struct {
			Entered []struct{ Register string }
			Items   []struct{ Kind string }
		}
	}
	must(t, leaf.Open(t.Context(), h.keys, registrar.RecordsKey, made.Act, l, &said))
	if !bytes.Equal(l.Commitment, made.Commitment) || said.Practitioner != "kim" || said.Agency != "council" || said.Role != "keeper" ||
		len(said.Deed.Items) != 1 || said.Deed.Entered[0].Register != "town" {
		t.Errorf("the act says %+v", said)
	}
	if n := h.count("select count(*) from ledger.pending where commitment = $1", made.Commitment); n != 1 {
		t.Error("the act has no leaf")
	}
	// And nobody may change it: not the duty itself.
	for _, q := range []string{"update registrar.acts set at = now()", "delete from registrar.items", "select 1 from relmgr.handles", "select 1 from ledger.pending"} {
		if _, err := h.db.ExecContext(t.Context(), q); !pg.CrossedWall(err) {
			t.Errorf("the registrar may %s: %v", q, err)
		}
	}
}
