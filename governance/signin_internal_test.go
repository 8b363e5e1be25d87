package governance

import (
	"testing"
	"time"

	"github.com/fame-hub/fame/consent/decide"
)

// Parse refuses such a document; the terms of an older version need not have
// passed today's Parse.
func TestAnIssuerMapsNobodyToAnotherAgencyNorToAFormerOne(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	id := Identity{Issuer: "school-login", Claims: map[string]any{"groups": []any{"staff"}}}
	staff := decide.Mapping{Claim: "groups", Value: "staff", Agency: "gp", Roles: []string{"practitioner"}, Hours: 1}
	terms := func(issuer decide.Issuer, gp decide.Agency) *decide.Terms {
		issuer.Name, issuer.Mappings, gp.ID = "school-login", []decide.Mapping{staff}, "gp"
		return (&decide.Terms{Issuers: []decide.Issuer{issuer}, Agencies: []decide.Agency{gp}}).Index()
	}
	if _, ok := mapped(terms(decide.Issuer{}, decide.Agency{}), id, now); !ok {
		t.Fatal("an issuer for any agency maps nobody")
	}
	if _, ok := mapped(terms(decide.Issuer{Agency: "school"}, decide.Agency{}), id, now); ok {
		t.Error("the school's issuer speaks for the surgery")
	}
	if _, ok := mapped(terms(decide.Issuer{}, decide.Agency{Ends: &now}), id, now); ok {
		t.Error("somebody enters for an agency that has left")
	}
}
