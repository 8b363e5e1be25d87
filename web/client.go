package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/api/relmgroas"
)

// bearer is a token, as each generated client asks for it. A person's own operations
// take what they bear in place of a practitioner's token.
type bearer string

type (
	relmgrAuth     string
	consentAuth    string
	governanceAuth string
	registrarAuth  string
	idmgrAuth      string
)

func (b bearer) relmgr() relmgrAuth         { return relmgrAuth(b) }
func (b bearer) consent() consentAuth       { return consentAuth(b) }
func (b bearer) governance() governanceAuth { return governanceAuth(b) }
func (b bearer) registrar() registrarAuth   { return registrarAuth(b) }
func (b bearer) idmgr() idmgrAuth           { return idmgrAuth(b) }

func (a relmgrAuth) Oidc(context.Context, relmgroas.OperationName) (relmgroas.Oidc, error) {
	return relmgroas.Oidc{Token: string(a)}, nil
}

func (a relmgrAuth) SignedIn(context.Context, relmgroas.OperationName) (relmgroas.SignedIn, error) {
	return relmgroas.SignedIn{Token: string(a)}, nil
}

func (a relmgrAuth) Subject(context.Context, relmgroas.OperationName) (relmgroas.Subject, error) {
	return relmgroas.Subject{Token: string(a)}, nil
}

func (relmgrAuth) Peer(context.Context, relmgroas.OperationName) (relmgroas.Peer, error) {
	return relmgroas.Peer{}, errors.ErrUnsupported
}

func (a consentAuth) Oidc(context.Context, consentoas.OperationName) (consentoas.Oidc, error) {
	return consentoas.Oidc{Token: string(a)}, nil
}

func (a consentAuth) Subject(context.Context, consentoas.OperationName) (consentoas.Subject, error) {
	return consentoas.Subject{Token: string(a)}, nil
}

func (a governanceAuth) Oidc(context.Context, governanceoas.OperationName) (governanceoas.Oidc, error) {
	return governanceoas.Oidc{Token: string(a)}, nil
}

func (a registrarAuth) Oidc(context.Context, registraroas.OperationName) (registraroas.Oidc, error) {
	return registraroas.Oidc{Token: string(a)}, nil
}

func (a idmgrAuth) Oidc(context.Context, idmgroas.OperationName) (idmgroas.Oidc, error) {
	return idmgroas.Oidc{Token: string(a)}, nil
}

func (a idmgrAuth) Subject(context.Context, idmgroas.OperationName) (idmgroas.Subject, error) {
	return idmgroas.Subject{Token: string(a)}, nil
}

func (v *visit) relmgrAs(token string) (*relmgroas.Client, error) {
	return relmgroas.NewClient(v.p.Duties.Relmgr, bearer(token).relmgr(), relmgroas.WithClient(v.p.client))
}

func (v *visit) relmgr() (*relmgroas.Client, error) { return v.relmgrAs(v.who.token) }

func (v *visit) consentAs(token string) (*consentoas.Client, error) {
	return consentoas.NewClient(v.p.Duties.Consent, bearer(token).consent(), consentoas.WithClient(v.p.client))
}

func (v *visit) governance() (*governanceoas.Client, error) {
	return governanceoas.NewClient(v.p.Duties.Governance, bearer(v.who.token).governance(), governanceoas.WithClient(v.p.client))
}

// ours is the type of a problem that the portal itself states.
const ours = "portal"

// problem is an RFC 9457 problem of any duty.
type problem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Detail  string `json:"detail"`
	Request string `json:"request"`
	Step    int    `json:"step"`
	Errors  []struct {
		Pointer string `json:"pointer"`
		Detail  string `json:"detail"`
	} `json:"errors"`
}

func (p *problem) Error() string { return p.Title + ": " + p.Detail }

// told turns a generated client's error into the problem inside it. Any other error
// means that the duty was not reached, and is kept as it is.
func told(err error) error {
	if err == nil {
		return nil
	}
	var body json.Marshaler
	if e, ok := errors.AsType[*relmgroas.ProblemStatusCode](err); ok {
		body = &e.Response
	} else if e, ok := errors.AsType[*consentoas.ProblemStatusCode](err); ok {
		body = &e.Response
	} else if e, ok := errors.AsType[*governanceoas.ProblemStatusCode](err); ok {
		body = &e.Response
	} else if e, ok := errors.AsType[*registraroas.ProblemStatusCode](err); ok {
		body = &e.Response
	} else if e, ok := errors.AsType[*idmgroas.ProblemStatusCode](err); ok {
		body = &e.Response
	} else {
		return fmt.Errorf("a duty could not be asked: %w", err)
	}
	text, err := body.MarshalJSON()
	if err != nil {
		return err
	}
	p := new(problem)
	if err := json.Unmarshal(text, p); err != nil {
		return err
	}
	return p
}
