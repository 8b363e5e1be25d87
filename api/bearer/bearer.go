package bearer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/api/federationoas"
	"github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/api/idmgroas"
	"github.com/fame-hub/fame/api/registraroas"
	"github.com/fame-hub/fame/api/relmgroas"
)

// Each is a bearer as one duty's client takes it: a practitioner's token, or, for the
// operations of a person who has signed in, the registrar's statement or relmgr's proof.
type (
	Relmgr     string
	Consent    string
	Governance string
	Registrar  string
	Idmgr      string
	Federation string
)

// Oidc bears a practitioner's token.
func (b Relmgr) Oidc(context.Context, relmgroas.OperationName) (relmgroas.Oidc, error) {
	return relmgroas.Oidc{Token: string(b)}, nil
}

// SignedIn bears a registrar's statement of who has signed in.
func (b Relmgr) SignedIn(context.Context, relmgroas.OperationName) (relmgroas.SignedIn, error) {
	return relmgroas.SignedIn{Token: string(b)}, nil
}

// Subject bears relmgr's proof of somebody's handles.
func (b Relmgr) Subject(context.Context, relmgroas.OperationName) (relmgroas.Subject, error) {
	return relmgroas.Subject{Token: string(b)}, nil
}

// Peer is refused: nobody but the federation duty asks for a hub.
func (Relmgr) Peer(context.Context, relmgroas.OperationName) (relmgroas.Peer, error) {
	return relmgroas.Peer{}, errors.ErrUnsupported
}

// Oidc bears a practitioner's token.
func (b Consent) Oidc(context.Context, consentoas.OperationName) (consentoas.Oidc, error) {
	return consentoas.Oidc{Token: string(b)}, nil
}

// Subject bears relmgr's proof of somebody's handles.
func (b Consent) Subject(context.Context, consentoas.OperationName) (consentoas.Subject, error) {
	return consentoas.Subject{Token: string(b)}, nil
}

// Oidc bears a practitioner's token.
func (b Governance) Oidc(context.Context, governanceoas.OperationName) (governanceoas.Oidc, error) {
	return governanceoas.Oidc{Token: string(b)}, nil
}

// Oidc bears a practitioner's token.
func (b Registrar) Oidc(context.Context, registraroas.OperationName) (registraroas.Oidc, error) {
	return registraroas.Oidc{Token: string(b)}, nil
}

// Peer bears a pass of a practitioner's own hub to another's registrar.
func (b Registrar) Peer(context.Context, registraroas.OperationName) (registraroas.Peer, error) {
	return registraroas.Peer{Token: string(b)}, nil
}

// Oidc bears a practitioner's token.
func (b Idmgr) Oidc(context.Context, idmgroas.OperationName) (idmgroas.Oidc, error) {
	return idmgroas.Oidc{Token: string(b)}, nil
}

// Subject bears relmgr's proof of somebody's handles.
func (b Idmgr) Subject(context.Context, idmgroas.OperationName) (idmgroas.Subject, error) {
	return idmgroas.Subject{Token: string(b)}, nil
}

// Peer is refused: nobody but the federation duty asks for a hub.
func (Idmgr) Peer(context.Context, idmgroas.OperationName) (idmgroas.Peer, error) {
	return idmgroas.Peer{}, errors.ErrUnsupported
}

// Oidc bears a practitioner's token.
func (b Federation) Oidc(context.Context, federationoas.OperationName) (federationoas.Oidc, error) {
	return federationoas.Oidc{Token: string(b)}, nil
}

// SignedIn bears a registrar's statement of who has signed in.
func (b Federation) SignedIn(context.Context, federationoas.OperationName) (federationoas.SignedIn, error) {
	return federationoas.SignedIn{Token: string(b)}, nil
}

// Problem is an RFC 9457 problem of any duty.
type Problem struct {
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

// Error is one line of it.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// Told turns a generated client's error into the problem inside it. Any other error
// means that the duty was not reached, and is kept as it is.
func Told(err error) error {
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
	} else if e, ok := errors.AsType[*federationoas.ProblemStatusCode](err); ok {
		body = &e.Response
	} else {
		return fmt.Errorf("the hub could not be asked: %w", err)
	}
	text, err := body.MarshalJSON()
	if err != nil {
		return err
	}
	p := new(Problem)
	if err := json.Unmarshal(text, p); err != nil {
		return err
	}
	return p
}
