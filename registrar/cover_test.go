package registrar_test

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/registrar/match"
)

// FED-20: a registrar stands in only where the partnership says so and one of its own
// keepers has taken responsibility, until the end that they gave; it answers as the
// register's own would, says so, and changes nothing.
func TestARegistrarStandsInUntilTheEndOfTheAct(t *testing.T) {
	t.Parallel()
	h := setup(t)
	h.open("town")
	known := []registrar.Item{name("Zsófia", "Ådahl"), born("1987-04-05"), number("passport", "ZZ7391739")}
	h.enter("town", known...)
	own := h.ask("town", known...)
	spare, err := registrar.New(registrar.Config{
		Registrar: "county", StandIn: "spare", DB: h.db, Keys: h.keys, Now: func() time.Time { return *h.now }, Registerer: prometheus.NewRegistry(),
	})
	must(t, err)
	with := func(c decide.Caller, coveredBy ...string) decide.Caller {
		terms := *c.Terms
		terms.Registrars = []decide.Registrar{
			{Code: "county", Agency: "council", Roles: []string{"keeper"}, CoveredBy: coveredBy}, {Code: "spare", Agency: "gp", Roles: []string{"keeper"}},
		}
		c.Terms = terms.Index()
		return c
	}
	until := noon.Add(time.Hour)
	cover := func(c decide.Caller, until time.Time) error {
		_, err := spare.Cover(t.Context(), c, "town", until, "asked")
		return err
	}
	ask := func() (registrar.Recognition, error) {
		return spare.Recognise(t.Context(), with(doctor, "spare"), "town", why, known)
	}
	wantKind(t, cover(with(gpKeep), until), fault.Forbidden)          // the document does not list it
	wantKind(t, cover(with(keeper, "spare"), until), fault.Forbidden) // who keeps the other's registers
	wantKind(t, cover(with(gpKeep, "spare"), noon), fault.Invalid)
	wantKind(t, cover(with(gpKeep, "spare"), noon.AddDate(0, 0, 8)), fault.Invalid)
	_, err = h.registrar.Cover(t.Context(), keeper, "town", until, "asked")
	wantKind(t, err, fault.NotKnown) // nobody stands in for themselves
	_, err = ask()
	wantKind(t, err, fault.NotKnown)
	must(t, cover(with(gpKeep, "spare"), until))
	r, err := ask()
	must(t, err)
	if r.Outcome != match.Determined || r.CoveredBy != "spare" || r.Entry != own.Entry || r.Confidence != own.Confidence || own.CoveredBy != "" {
		t.Errorf("the stand-in answers %+v, the registrar %+v", r, own)
	}
	*h.now = until
	_, err = ask()
	wantKind(t, err, fault.NotKnown)
	if n := h.count("select count(*) from registrar.acts where kind = 'cover' and practitioner_id = 'gil'"); n != 1 {
		t.Errorf("%d acts of cover", n)
	}
}
