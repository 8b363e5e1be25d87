package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	consentoas "github.com/fame-hub/fame/api/consentoas"
	"github.com/fame-hub/fame/api/federationoas"
	governanceoas "github.com/fame-hub/fame/api/governanceoas"
	"github.com/fame-hub/fame/api/registraroas"
	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/migrate"
)

// signIn is how a command says who asks, and of which hub.
type signIn struct {
	URL   string `help:"Where the hub is served. Left out: where fame up serves the hub of --dir." env:"FAME_URL"`
	As    string `help:"Sign in at the hub's local issuer as this person." xor:"who"`
	Token string `help:"A token of an issuer that the partnership names." env:"FAME_TOKEN" xor:"who"`
}

// person is a signed-in person's clients, one per duty.
type person struct {
	relmgr     *relmgroas.Client
	consent    *consentoas.Client
	governance *governanceoas.Client
	registrar  *registraroas.Client
}

// person signs in.
func (s signIn) person(dir string) (*person, error) {
	url, token, err := s.whoAndWhere(dir)
	if err != nil {
		return nil, err
	}
	return newPerson(url, url, url, token)
}

// whoAndWhere is the hub's URL and the token of who asks.
func (s signIn) whoAndWhere(dir string) (url, token string, err error) {
	url, token = s.URL, s.Token
	if url != "" && token != "" {
		return url, token, nil
	}
	h, err := openHub(dir)
	if err != nil {
		return "", "", fmt.Errorf("%w (or give --url and --token)", err)
	}
	if url == "" {
		url = "http://" + h.Listen
	}
	if token == "" {
		if s.As == "" {
			return "", "", errors.New("say who you are: --as NAME at the local issuer, or --token")
		}
		token, err = h.token(s.As, time.Now())
	}
	return url, token, err
}

// token signs a token at the hub's local issuer.
func (h hub) token(subject string, at time.Time) (string, error) {
	if !h.hasLocalIssuer() {
		return "", errors.New("this hub has no local issuer: only one that `fame up` or `fame demo` made has; sign in at the partnership's own issuer")
	}
	issuer, err := h.issuer()
	if err != nil {
		return "", err
	}
	return issuer.Token(subject, audience, at, time.Hour, nil)
}

// newPerson signs in at duties that may each be served elsewhere.
func newPerson(relmgr, consent, governance, token string) (*person, error) {
	client := &http.Client{Timeout: 30 * time.Second}
	auth := bearer(token)
	var p person
	var err error
	if p.relmgr, err = relmgroas.NewClient(relmgr, auth.relmgr(), relmgroas.WithClient(client)); err != nil {
		return nil, errors.New("the hub's URL cannot be used: write it as http://host:port")
	}
	if p.consent, err = consentoas.NewClient(consent, auth.consent(), consentoas.WithClient(client)); err != nil {
		return nil, err
	}
	if p.registrar, err = registraroas.NewClient(governance, auth.registrar(), registraroas.WithClient(client)); err != nil {
		return nil, err
	}
	p.governance, err = governanceoas.NewClient(governance, auth.governance(), governanceoas.WithClient(client))
	return &p, err
}

// bearer is a token, as each generated client asks for it.
type bearer string

type (
	relmgrAuth     struct{ token string }
	consentAuth    struct{ token string }
	governanceAuth struct{ token string }
	registrarAuth  struct{ token string }
)

func (b bearer) relmgr() relmgrAuth         { return relmgrAuth{string(b)} }
func (b bearer) consent() consentAuth       { return consentAuth{string(b)} }
func (b bearer) governance() governanceAuth { return governanceAuth{string(b)} }
func (b bearer) registrar() registrarAuth   { return registrarAuth{string(b)} }

func (a relmgrAuth) Oidc(context.Context, relmgroas.OperationName) (relmgroas.Oidc, error) {
	return relmgroas.Oidc{Token: a.token}, nil
}

// SignedIn is for who bears a registrar's statement in place of a token.
func (a relmgrAuth) SignedIn(context.Context, relmgroas.OperationName) (relmgroas.SignedIn, error) {
	return relmgroas.SignedIn{Token: a.token}, nil
}

// Subject is for who bears relmgr's proof of their handles.
func (a relmgrAuth) Subject(context.Context, relmgroas.OperationName) (relmgroas.Subject, error) {
	return relmgroas.Subject{Token: a.token}, nil
}

func (relmgrAuth) Peer(context.Context, relmgroas.OperationName) (relmgroas.Peer, error) {
	return relmgroas.Peer{}, errors.ErrUnsupported
}

func (a consentAuth) Oidc(context.Context, consentoas.OperationName) (consentoas.Oidc, error) {
	return consentoas.Oidc{Token: a.token}, nil
}

// Subject is for who bears relmgr's proof of their handles for this duty.
func (a consentAuth) Subject(context.Context, consentoas.OperationName) (consentoas.Subject, error) {
	return consentoas.Subject{Token: a.token}, nil
}

func (a governanceAuth) Oidc(context.Context, governanceoas.OperationName) (governanceoas.Oidc, error) {
	return governanceoas.Oidc{Token: a.token}, nil
}

func (a registrarAuth) Oidc(context.Context, registraroas.OperationName) (registraroas.Oidc, error) {
	return registraroas.Oidc{Token: a.token}, nil
}

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

// Error is one line of it.
func (p *problem) Error() string { return p.Title + ": " + p.Detail }

// told turns a generated client's error into the problem inside it. Other
// errors mean that the hub was not reached.
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
	} else if e, ok := errors.AsType[*federationoas.ProblemStatusCode](err); ok {
		body = &e.Response
	} else {
		return fmt.Errorf("the hub could not be asked: %w", err)
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

type tokenCommand struct {
	As string `help:"Whose token." required:""`
}

// Run prints a token that is good for an hour.
func (c *tokenCommand) Run(all *cli, out *printer) error {
	h, err := openHub(all.Dir)
	if err != nil {
		return err
	}
	token, err := h.token(c.As, time.Now())
	if err != nil {
		return err
	}
	out.say("%s", token)
	return out.result(map[string]string{"token": token})
}

// migrateOnly brings a database to this release's schema and says which it is.
func migrateOnly(ctx context.Context, admin string) (int64, error) {
	if err := migrate.Up(ctx, admin); err != nil {
		return 0, err
	}
	db, err := pg.Open(ctx, admin)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	have, _, err := migrate.Version(ctx, db)
	return have, err
}

// readFile reads a file that the caller names, - being standard input.
func readFile(path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(path)
}
