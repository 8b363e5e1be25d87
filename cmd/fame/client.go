package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/fame-hub/fame/api/bearer"
	consentoas "github.com/fame-hub/fame/api/consentoas"
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
	var p person
	var err error
	if p.relmgr, err = relmgroas.NewClient(relmgr, bearer.Relmgr(token), relmgroas.WithClient(client)); err != nil {
		return nil, errors.New("the hub's URL cannot be used: write it as http://host:port")
	}
	if p.consent, err = consentoas.NewClient(consent, bearer.Consent(token), consentoas.WithClient(client)); err != nil {
		return nil, err
	}
	if p.registrar, err = registraroas.NewClient(governance, bearer.Registrar(token), registraroas.WithClient(client)); err != nil {
		return nil, err
	}
	p.governance, err = governanceoas.NewClient(governance, bearer.Governance(token), governanceoas.WithClient(client))
	return &p, err
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
