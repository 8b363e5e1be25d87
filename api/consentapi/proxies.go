package consentapi

import (
	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/consent"
)

func proxyOf(in consentoas.OptProxy) *consent.Proxy {
	p, ok := in.Get()
	if !ok {
		return nil
	}
	return &consent.Proxy{Authority: consent.Authority(p.Authority), Evidence: consent.AuthorityEvidence(p.Evidence), Until: p.Until}
}

func competenceOf(in consentoas.OptCompetence) *consent.Competence {
	c, ok := in.Get()
	if !ok {
		return nil
	}
	return &consent.Competence{Presumed: consent.Ability(c.Presumed.Or("")), Assessed: consent.Ability(c.Assessed.Or(""))}
}

// decidedBy says in a consent who decided.
func decidedBy(out *consentoas.Consent, c consent.Consent) {
	if p := c.Proxy; p != nil {
		out.Proxy.SetTo(consentoas.Proxy{
			Authority: consentoas.ProxyAuthority(p.Authority), Evidence: consentoas.ProxyEvidence(p.Evidence), Until: p.Until,
		})
	}
	if k := c.Competence; k != nil {
		var said consentoas.Competence
		if k.Presumed != "" {
			said.Presumed.SetTo(consentoas.CompetencePresumed(k.Presumed))
		}
		if k.Assessed != "" {
			said.Assessed.SetTo(consentoas.CompetenceAssessed(k.Assessed))
		}
		out.Competence.SetTo(said)
	}
}
