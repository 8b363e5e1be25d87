package consent

import (
	"database/sql"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
)

// consentRow is the row of a capture's record.
func consentRow(r *record) consentdb.InsertConsentParams {
	return consentdb.InsertConsentParams{
		ConsentID: r.Consent, ActID: r.Act, HandleID: r.Handle, ColumnID: r.Agreed.Column, AgencyID: r.Held,
		Explicit: r.Agreed.Explicit, AudienceKind: string(r.Agreed.Audience.Kind), Audience: r.Agreed.Audience.Names,
		Purposes: r.Agreed.Purposes, Aspects: r.Agreed.Aspects, StartsAt: r.At, EndsAt: r.Agreed.Until,
		Evidence: string(r.Evidence), Wording: r.Agreed.Wording,
		Understanding: sql.NullString{String: string(r.Agreed.Understanding), Valid: r.Agreed.Understanding != ""},
	}
}

// consentOf is what a stored consent says. It leaves the handle behind.
func consentOf(row consentdb.FindConsentRow) Consent {
	c := Consent{
		ID: row.ConsentID, Explicit: row.Explicit,
		Audience: decide.Audience{Kind: decide.AudienceKind(row.AudienceKind), Names: row.Audience},
		Purposes: row.Purposes, Aspects: row.Aspects, From: row.StartsAt.UTC(), Until: row.EndsAt.UTC(),
		Evidence: Evidence(row.Evidence), Wording: row.Wording, Understanding: Understanding(row.Understanding.String), CapturedBy: row.AgencyID, Commitment: row.Commitment,
	}
	c.Proxy, c.Competence = proxyOf(&row), competenceOf(&row)
	if row.WithdrawnAt.Valid {
		c.Withdrawn, c.WithdrawnBy = row.WithdrawnAt.Time.UTC(), Evidence(row.WithdrawalEvidence.String)
		c.WithdrawnCommitment = row.WithdrawalCommitment
	}
	return c
}

// exclusionRow is the row of an exclusion's record.
func exclusionRow(r *record) consentdb.InsertExclusionParams {
	return consentdb.InsertExclusionParams{
		ExclusionID: r.Exclusion, ActID: r.Act, HandleID: r.Handle, AgencyID: r.Held, Excluded: r.Excluded,
		StartsAt: r.At, Evidence: string(r.Evidence),
	}
}
