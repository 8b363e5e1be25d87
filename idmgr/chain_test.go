package idmgr_test

import (
	"testing"

	"github.com/fame-hub/fame/internal/fault"
	"github.com/fame-hub/fame/internal/ident"
)

// IDM-02, IDM-08: links do not chain. Whoever is linked to somebody who is linked to somebody
// else learns of the one that they accepted, each with a word of the person's own, and by
// no means who stands behind.
func TestLinksDoNotChain(t *testing.T) {
	h := setup(t)
	first, pupil, patient := h.linked()
	o := h.opening(pupil)
	o.Proof, o.To, o.Proposal.Power = h.proof("nurse-tran", clinic, patient), gp.column, "children-act-2004-s10"
	o.Proposal.Conditions.Sensitive = "art9-explicit-consent"
	opened, err := h.Open(t.Context(), h.as("nurse-tran"), o)
	h.must(err)
	known := ident.NewHandle()
	proof := h.proof("dr-patel", gp, known)
	a := h.acceptance(opened.Code, patient)
	a.Proof = proof
	second, _, err := h.Accept(t.Context(), h.as("dr-patel"), a)
	h.must(err)
	told, err := h.Ask(t.Context(), h.as("dr-patel"), second, proof, "co-ordinate-care", "working-with-person")
	h.must(err)
	if told.Provider.ID != "bridge-street-clinic" {
		t.Errorf("the surgery is told of %+v", told)
	}
	_, err = h.Ask(t.Context(), h.as("dr-patel"), first, proof, "co-ordinate-care", "working-with-person")
	h.wants(err, fault.NotKnown)
	links, err := h.Links(t.Context(), h.as("dr-patel"), gp.column)
	h.must(err)
	if len(links) != 1 || links[0].ID != second || links[0].With.Provider.ID != "bridge-street-clinic" {
		t.Errorf("the surgery sees %+v", links)
	}
	// The first one's end is no end of the second, nor the other way.
	_, err = h.End(t.Context(), h.as("ms-okafor"), first, "working-with-person")
	h.must(err)
	_, err = h.Ask(t.Context(), h.as("dr-patel"), second, proof, "co-ordinate-care", "working-with-person")
	h.must(err)
}
