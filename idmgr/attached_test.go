package idmgr_test

import (
	"testing"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// attach has the manager be attached to these columns alone, none for all.
func (h *hub) attach(columns ...ident.Column) {
	h.Helper()
	t := *h.terms
	t.Managers = append([]decide.Idmgr{}, t.Managers...)
	for i := range t.Managers {
		if t.Managers[i].Code == manager {
			t.Managers[i].Columns = columns
		}
	}
	h.terms = t.Index()
}

// IDM-06: a manager that is attached to columns makes links for them, and shows their
// members theirs; of a column that it is not attached to it takes and tells nothing, from
// the next request on, and what it holds is there again when it is attached again.
func TestAManagerReceivesNothingOfAColumnToWhichItIsNotAttached(t *testing.T) {
	h := setup(t)
	h.attach(school.column, clinic.column)
	link, pupil, patient := h.linked()
	_, err := h.ask(link, patient)
	h.must(err)
	to := h.opening(ident.NewHandle())
	to.To = gp.column
	_, err = h.Open(t.Context(), h.as("ms-okafor"), to)
	h.wants(err, fault.Invalid)
	before := h.count()
	for name, columns := range map[string][]ident.Column{"the asker's": {school.column}, "the opener's": {clinic.column}} {
		h.attach(columns...)
		_, err := h.ask(link, patient)
		switch name {
		case "the asker's":
			h.wants(err, fault.Forbidden)
			_, err = h.Links(t.Context(), h.as("nurse-tran"), clinic.column)
			h.wants(err, fault.Forbidden)
			_, err = h.Effects(t.Context(), h.as("nurse-tran"), clinic.column, false)
			h.wants(err, fault.Forbidden)
		case "the opener's":
			h.wants(err, fault.NotKnown) // as a link that is none
			_, err = h.Open(t.Context(), h.as("ms-okafor"), h.opening(pupil))
			h.wants(err, fault.Forbidden)
		}
	}
	if n := h.count() - before; n != 1 { // the question that was told nothing
		t.Errorf("%d records", n)
	}
	h.attach(school.column, clinic.column)
	_, err = h.ask(link, patient)
	h.must(err)
}
