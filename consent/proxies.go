package consent

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/consent/internal/consentdb"
	"github.com/fame-hub/fame/internal/ident"
)

// Authority says by what right somebody decides for a person.
type Authority string

// The authorities, as in openapi.yaml.
const (
	ParentalResponsibility Authority = "parental-responsibility"
	SpecialGuardian        Authority = "special-guardian"
	LocalAuthorityCare     Authority = "local-authority-care"
	LastingPower           Authority = "lasting-power-of-attorney"
	CourtAppointedDeputy   Authority = "court-appointed-deputy"
)

var authorities = []Authority{ParentalResponsibility, SpecialGuardian, LocalAuthorityCare, LastingPower, CourtAppointedDeputy}

// AuthorityEvidence says how an authority was shown.
type AuthorityEvidence string

// The kinds of evidence of an authority, as in openapi.yaml.
const (
	DocumentSeen    AuthorityEvidence = "document-seen"
	RegisterChecked AuthorityEvidence = "register-checked"
	OwnRecords      AuthorityEvidence = "own-records"
	StatedAndNoted  AuthorityEvidence = "stated-and-noted"
)

var authorityEvidence = []AuthorityEvidence{DocumentSeen, RegisterChecked, OwnRecords, StatedAndNoted}

// Proxy is that somebody else decided for the person. Who stays in the
// agency's own records.
type Proxy struct {
	Authority Authority         `json:"authority"`
	Evidence  AuthorityEvidence `json:"evidence"`
	// Until is when the authority ends, where that is before the consent would;
	// else the consent's own end. A later one is not kept: parental
	// responsibility ends on a birthday.
	Until time.Time `json:"until"`
}

// Ability says whether a person can decide for themselves.
type Ability string

// The abilities.
const (
	Competent    Ability = "competent"
	NotCompetent Ability = "not-competent"
)

// Competence is what was known of the person's ability to decide: what the law
// profile's age presumes, and what somebody assessed, either or both (LEG-21).
// It has no place for an age.
type Competence struct {
	Presumed Ability `json:"presumed,omitempty"`
	Assessed Ability `json:"assessed,omitempty"`
	// From is the age from which the law profile presumed it then, set by
	// Capture where something is presumed: the law's, never the person's.
	From int `json:"from,omitempty"`
}

// outcome is the assessment, or else the presumption that it would have
// rebutted.
func (c *Competence) outcome() Ability {
	if c.Assessed != "" {
		return c.Assessed
	}
	return c.Presumed
}

// proxy checks who decided: a person who can decide does so alone, one who
// cannot needs somebody with authority.
func (c *checks) proxy(p *Proxy, k *Competence, terms *decide.Terms, at time.Time) {
	if p != nil {
		c.that(slices.Contains(authorities, p.Authority), "/proxy/authority", fmt.Sprintf("name one of %v", authorities))
		c.that(slices.Contains(authorityEvidence, p.Evidence), "/proxy/evidence", fmt.Sprintf("say how the authority was shown: one of %v", authorityEvidence))
		c.that(exact(p.Until).After(at), "/proxy/until", "name a time that is still to come: an authority that has ended gives no consent")
	}
	if k == nil {
		return
	}
	known := []Ability{"", Competent, NotCompetent}
	c.that(k.outcome() != "" && slices.Contains(known, k.Presumed) && slices.Contains(known, k.Assessed),
		"/competence", "write what is presumed, what was assessed or both, each competent or not-competent")
	c.that(k.Presumed == "" || terms.Presumes() != nil, "/competence/presumed", "the law profile presumes nothing here: write what was assessed")
	c.that(p == nil || k.outcome() != Competent, "/proxy", "somebody who can decide does so alone: leave the proxy out")
	c.that(p != nil || k.outcome() != NotCompetent, "/proxy", "say by what authority somebody else decided for the person")
}

// narrow ends what was agreed to with the proxy's authority, and keeps no
// later end of that than it needs.
func (a *agreed) narrow(p *Proxy, k *Competence, terms *decide.Terms) {
	if k != nil {
		kept := *k
		if law := terms.Presumes(); kept.Presumed != "" && law != nil {
			kept.From = law.From
		}
		a.Competence = &kept
	}
	if p == nil {
		return
	}
	kept := *p
	kept.Until = exact(p.Until)
	if kept.Until.After(a.Until) {
		kept.Until = a.Until
	}
	a.Proxy, a.Until = &kept, kept.Until
}

// storeProxy puts who decided beside the consent.
func (s *Service) storeProxy(ctx context.Context, tx *sql.Tx, id ident.ConsentID, a *agreed) error {
	if p := a.Proxy; p != nil {
		err := s.queries.InsertProxy(ctx, tx, consentdb.InsertProxyParams{
			ConsentID: id, Authority: string(p.Authority), Evidence: string(p.Evidence), EndsAt: p.Until,
		})
		if err != nil {
			return err
		}
	}
	if k := a.Competence; k != nil {
		return s.queries.InsertCompetence(ctx, tx, consentdb.InsertCompetenceParams{
			ConsentID: id,
			Presumed:  sql.NullString{String: string(k.Presumed), Valid: k.Presumed != ""},
			Assessed:  sql.NullString{String: string(k.Assessed), Valid: k.Assessed != ""},

			PresumedFrom: sql.NullInt16{Int16: int16(k.From), Valid: k.From > 0},
		})
	}
	return nil
}

// proxyOf and competenceOf read them back, nil for none.
func proxyOf(row *consentdb.FindConsentRow) *Proxy {
	if !row.ProxyAuthority.Valid {
		return nil
	}
	return &Proxy{
		Authority: Authority(row.ProxyAuthority.String), Evidence: AuthorityEvidence(row.ProxyEvidence.String),
		Until: row.ProxyEndsAt.Time.UTC(),
	}
}

func competenceOf(row *consentdb.FindConsentRow) *Competence {
	if !row.PresumedCompetence.Valid && !row.AssessedCompetence.Valid {
		return nil
	}
	return &Competence{Presumed: Ability(row.PresumedCompetence.String), Assessed: Ability(row.AssessedCompetence.String), From: int(row.PresumedFrom.Int16)}
}
