package web

import (
	"github.com/fame-hub/fame/api/bearer"
	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/api/relmgroas"
)

func (v *visit) relmgrAs(token string) (*relmgroas.Client, error) {
	return relmgroas.NewClient(v.p.Duties.Relmgr, bearer.Relmgr(token), relmgroas.WithClient(v.p.client))
}

func (v *visit) relmgr() (*relmgroas.Client, error) { return v.relmgrAs(v.who.token) }

func (v *visit) consentAs(token string) (*consentoas.Client, error) {
	return consentoas.NewClient(v.p.Duties.Consent, bearer.Consent(token), consentoas.WithClient(v.p.client))
}

func (v *visit) governance() (*governanceoas.Client, error) {
	return governanceoas.NewClient(v.p.Duties.Governance, bearer.Governance(v.who.token), governanceoas.WithClient(v.p.client))
}

func (v *visit) federation() (*federationoas.Client, error) {
	return federationoas.NewClient(v.p.Duties.Federation, bearer.Federation(v.who.token), federationoas.WithClient(v.p.client))
}

// ours is the type of a problem that the portal itself states.
const ours = "portal"
