package registrar_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pgtest"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func terms() *decide.Terms {
	return (&decide.Terms{
		Version:    3,
		Agencies:   []decide.Agency{{ID: "council"}, {ID: "gp"}, {ID: "school"}},
		Registrars: []decide.Registrar{{Code: "county", Agency: "council", Roles: []string{"keeper"}}},
		Codes: decide.Codes{
			Reasons: []decide.Code{{Code: "asked"}}, Purposes: []decide.Code{{Code: "support"}},
		},
		Agreements: []decide.Agreement{{
			Code: "all", Parties: []ident.Agency{"council", "gp", "school"}, Purposes: []string{"support"},
			Roles: decide.AgreementRoles{Enquire: []string{"worker"}},
		}},
	}).Index()
}

func caller(name ident.Practitioner, agency ident.Agency, roles ...string) decide.Caller {
	return decide.Caller{Actor: decide.Actor{Practitioner: name, Agency: agency, Roles: roles}, Terms: terms()}
}

// The people.
var (
	keeper = caller("kim", "council", "keeper")
	other  = caller("lee", "council", "keeper")
	clerk  = caller("cas", "council", "worker")
	doctor = caller("dee", "gp", "worker")
	gpKeep = caller("gil", "gp", "keeper") // of an agency that answers for no registrar
	tutor  = caller("tom", "school", "worker")
)

type hub struct {
	*pgtest.Hub
	t         *testing.T
	db        *sql.DB // as registrar
	admin     *sql.DB
	keys      *seal.File
	now       *time.Time
	births    *births
	registrar *registrar.Service
}

func setup(t *testing.T) *hub {
	t.Helper()
	dir := t.TempDir()
	keys, err := seal.CreateFile(filepath.Join(dir, "keys"), filepath.Join(dir, "identity"))
	must(t, err)
	must(t, registrar.MakeKeys(t.Context(), keys, "county"))
	p, clock := pgtest.New(t), noon
	h := &hub{Hub: p, t: t, db: p.DB(t, "registrar"), admin: p.Admin(t), keys: keys, now: &clock}
	h.births = newBirths(t)
	h.registrar, err = registrar.New(registrar.Config{
		SecondLevel: map[string]string{"births": h.births.URL, "away": "http://127.0.0.1:1"},
		Registrar:   "county", DB: h.db, Keys: keys, Now: func() time.Time { return *h.now }, Registerer: prometheus.NewRegistry()})
	must(t, err)
	return h
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != kind {
		t.Errorf("got %v, want %s", err, kind)
	}
}

// pointers are the places that a refusal names.
func pointers(err error) (all []string) {
	if f, ok := errors.AsType[*fault.Error](err); ok {
		for _, field := range f.Fields {
			all = append(all, field.Pointer)
		}
	}
	return all
}

// open makes a register that serves everybody, or those named.
func (h *hub) open(id ident.Register, serves ...ident.Agency) {
	h.t.Helper()
	_, err := h.registrar.CreateRegister(h.t.Context(), keeper, registrar.Register{
		ID: id, Title: "People", Contact: "desk", Scope: "all", Serves: serves,
	})
	must(h.t, err)
}

// enter registers somebody.
func (h *hub) enter(id ident.Register, items ...registrar.Item) registrar.Entry {
	h.t.Helper()
	made, err := h.registrar.Register(h.t.Context(), keeper, id, items)
	must(h.t, err)
	return made.Entry
}

func name(given, family string) registrar.Item {
	return registrar.Item{Source: "person", Name: &registrar.Name{Given: given, Family: family}}
}

func born(date string) registrar.Item {
	return registrar.Item{Source: "document", Birth: &registrar.Birth{Date: date}}
}

func (h *hub) count(query string, args ...any) (n int) {
	h.t.Helper()
	must(h.t, h.admin.QueryRowContext(h.t.Context(), query, args...).Scan(&n))
	return n
}
