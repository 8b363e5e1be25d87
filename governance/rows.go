package governance

import (
	"database/sql"
	"time"

	"github.com/fame-hub/fame/governance/internal/governancedb"
	"github.com/fame-hub/fame/internal/ident"
)

func actOf(r governancedb.ListActsRow) Act {
	return Act{
		ID: r.ActID, Kind: r.Kind, At: r.At.UTC(), Practitioner: r.PractitionerID, Agency: r.AgencyID, Role: r.Role,
		Version: r.TermsVersion, Commitment: r.Commitment,
	}
}

func (u registered) user() User {
	return User{
		Practitioner: u.PractitionerID, Agency: u.AgencyID, Roles: u.Roles, Providers: providers(u.Providers),
		From: u.StartsAt.UTC(), Until: endOf(u.EndsAt), Source: u.source(),
	}
}

// entry is the row as it stands, so that a change need say only what differs.
func (u registered) entry() entry {
	end := endOf(u.EndsAt)
	return entry{
		Practitioner: u.PractitionerID, Agency: u.AgencyID, Issuer: u.Issuer, Hash: u.SubjectHash, Source: u.source(),
		From: u.StartsAt, Until: end, Roles: until(u.Roles, end), Providers: until(providers(u.Providers), end),
	}
}

func providers(codes []string) []ident.Provider {
	out := make([]ident.Provider, len(codes))
	for i, c := range codes {
		out[i] = ident.Provider(c)
	}
	return out
}

func nullTime(t *time.Time) sql.NullTime {
	if t == nil {
		return sql.NullTime{}
	}
	return sql.NullTime{Time: *t, Valid: true}
}

func endOf(t sql.NullTime) *time.Time {
	if !t.Valid {
		return nil
	}
	return exactly(&t.Time)
}

// exactly is exact for a time that may be none.
func exactly(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := exact(*t)
	return &at
}

func sameTime(a, b *time.Time) bool {
	return a == b || a != nil && b != nil && a.Equal(*b)
}
