package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/fame-hub/fame/api/bearer"
	consentoas "github.com/fame-hub/fame/api/consentoas"
	relmgroas "github.com/fame-hub/fame/api/relmgroas"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/serve"
	"github.com/fame-hub/fame/web"
)

type demoCommand struct {
	Once   bool   `help:"Print the story and stop, instead of serving afterwards."`
	Listen string `help:"Where to serve; port 0 takes a free one." default:"127.0.0.1:8400"`
}

// Run makes a new hub in a directory of its own, loads Riverside into it, tells
// the story, and serves until it is told to stop. Nothing is left behind.
func (c *demoCommand) Run(ctx context.Context, out *printer) (err error) {
	dir, err := os.MkdirTemp("", "fame-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // as root the database runs as another user
		return err
	}
	listen, err := freePort(c.Listen)
	if err != nil {
		return err
	}
	h := hub{dir: filepath.Join(dir, "hub"), hubFile: hubFile{Name: "riverside", Hub: "http://" + listen, Listen: listen, Private: true}}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	started := time.Now()
	out.say("Making a hub for the Riverside partnership. Everybody and everything in it is synthetic.")
	err = h.serve(ctx, serving{fresh: true, log: serve.Logger(os.Stderr, slog.LevelError), title: "Riverside Partnership", people: players, guide: guide(), ready: func() error {
		told, err := tell(ctx, h, out)
		if err != nil {
			return err
		}
		told.Seconds = time.Since(started).Seconds()
		out.say("\nTold in %.1f s.", told.Seconds)
		if err := out.result(told); err != nil {
			return err
		}
		if c.Once {
			stop()
			return nil
		}
		return afterwards(ctx, h, out)
	}})
	return err
}

// afterwards says what to do next, while the hub goes on serving.
func afterwards(ctx context.Context, h hub, out *printer) error {
	s := &storyteller{now: time.Now, as: signedIn(h)}
	number, err := s.enrol(ctx, h)
	if err != nil {
		return fmt.Errorf("enrol the person who signs in as themself: %w", err)
	}
	out.say("\nOpen %s%s/ in a browser. Sign in as, for example:", h.Hub, web.Prefix)
	for _, p := range players {
		out.say("  %s", p.Title)
	}
	out.say("or as yourself, with the registrar, as %s %s: sign-in number %s, password \"%s\"", member.given, member.family, number, member.password)
	out.say("\nThe hub goes on serving at %s until Ctrl-C. In another terminal:", h.Hub)
	out.say("  export FAME_DIR=%s", h.dir)
	out.say("  bin/fame ask --as mr-lindqvist --column social-care --purpose co-ordinate-care --reason working-with-person LMN-00042")
	out.say("  bin/fame ask --as clerk-ito --column gp-riverside --purpose co-ordinate-care --reason working-with-person GP-00042")
	out.say("  curl -s -H \"Authorization: Bearer $(bin/fame token --as gov-ellis)\" %s/governance/v1/services", h.Hub)
	return nil
}

// freePort replaces port 0, and falls back to a free port where the default one
// is taken.
func freePort(listen string) (string, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		host, _, splitErr := net.SplitHostPort(listen)
		if splitErr != nil {
			return "", errors.New("write --listen as host:port, for example 127.0.0.1:8400")
		}
		if l, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err != nil {
			return "", err
		}
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// telling is the story for programs.
type telling struct {
	Relationships int      `json:"relationships"`
	Correlations  int      `json:"correlations"`
	Answers       []asked  `json:"answers"`
	Refusals      []string `json:"refusals"`
	Seconds       float64  `json:"seconds"`
}

type asked struct {
	Asker     string   `json:"asker"`
	Column    string   `json:"column"`
	Question  string   `json:"question"`
	Known     string   `json:"known"`
	Providers []string `json:"providers"`
}

// tell loads Riverside and asks the three questions as different people.
func tell(ctx context.Context, h hub, out *printer) (*telling, error) {
	document, err := riversideDocument(h)
	if err != nil {
		return nil, err
	}
	s := &storyteller{now: time.Now, consents: map[relmgroas.LocalIdentifier]consentoas.ID{}, as: signedIn(h)}
	governor, err := s.as("governor")
	if err != nil {
		return nil, err
	}
	if _, err := governor.apply(ctx, document, false); err != nil {
		return nil, fmt.Errorf("apply the partnership: %w", err)
	}
	people, err := riverside.People()
	if err != nil {
		return nil, err
	}
	told := new(telling)
	for _, p := range people {
		if err := s.relate(ctx, p); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		told.Relationships += len(p.Publishes)
		told.Correlations += len(p.Correlates)
	}
	out.say("Loaded: %d people in eight columns of six agencies, %d relationships published, %d correlations.",
		len(people), told.Relationships, told.Correlations)
	out.say("Names stay in the agencies' own files; the hub has never seen one.")
	return told, chapters(ctx, s, told, out)
}

// signedIn signs people in at the hub's local issuer, once each.
func signedIn(h hub) func(string) (*person, error) {
	known := map[string]*person{}
	return func(name string) (*person, error) {
		if p := known[name]; p != nil {
			return p, nil
		}
		token, err := h.token(name, time.Now())
		if err != nil {
			return nil, err
		}
		url := "http://" + h.Listen
		known[name], err = newPerson(url, url, url, token)
		return known[name], err
	}
}

// riversideDocument is the partnership document with this hub's own address and
// issuer in it.
func riversideDocument(h hub) ([]byte, error) {
	text := bytes.ReplaceAll(riverside.Partnership(), []byte("http://127.0.0.1:8400/issuer"), []byte(h.localIssuer()))
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	setScalar(&doc, h.Hub, "partnership", "hub")
	setScalar(&doc, "6000", "settings", "requests_per_minute") // one machine plays everybody
	var b bytes.Buffer
	if err := yaml.NewEncoder(&b).Encode(&doc); err != nil {
		return nil, err
	}
	registrars, err := h.registrars()
	if err != nil {
		return nil, err
	}
	b.Write(registrars)
	js, _, err := partnership.FromYAML(b.Bytes())
	return js, err
}

// registrars is the part of the document that lists the hub's own registrar, with the
// keys that fame init wrote for it.
func (h hub) registrars() ([]byte, error) {
	set, err := os.ReadFile(h.path("keys", "registrar.jwks"))
	if err != nil {
		return nil, err
	}
	var keys, portal struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(set, &keys); err != nil {
		return nil, errors.New("keys/registrar.jwks is not a set of keys: restore it")
	}
	if set, err = os.ReadFile(h.path("keys", "portal.jwks")); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(set, &portal); err != nil {
		return nil, errors.New("keys/portal.jwks is not a set of keys: remove it")
	}
	return yaml.Marshal(map[string]any{"registrars": []any{map[string]any{
		"code": string(registrarCode), "title": "Riverside's register of people", "agency": "riverside-social-care",
		"roles": []string{"register-officer"}, "keys": keys.Keys,
		"relying_parties": []any{map[string]any{
			"client": portalClient, "title": "The pages of the Riverside Partnership", "agency": "riverside-governance", "portal": true, "level": "one-factor",
			"redirect_uris": []string{web.RedirectURI(h.Hub)}, "keys": portal.Keys,
		}},
	}}})
}

// setScalar changes one value of a YAML document in place.
func setScalar(n *yaml.Node, value string, path ...string) {
	if n.Kind == yaml.DocumentNode {
		n = n.Content[0]
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value != path[0] {
			continue
		}
		if len(path) == 1 {
			n.Content[i+1].Value = value
			return
		}
		setScalar(n.Content[i+1], value, path[1:]...)
	}
}

// question is one of the story's, with what it shows.
type question struct {
	asker       string
	column      ident.Column
	identifier  string
	transaction string
	why         string
}

// chapters asks as different people, and says who sees what and why.
func chapters(ctx context.Context, s *storyteller, told *telling, out *printer) error {
	out.say("\n1. Is this person known to you? Who else is working with them?")
	for _, q := range []question{
		{"mr-lindqvist", "social-care", "LMN-00042", "", "the surgery, the school and the police each decided to tell the partnership, with her consent"},
		{"dr-patel", "gp-riverside", "GP-00042", "", "the same child under the surgery's own number; nobody is shown another's"},
		{"sam-shelter", "shelter", "bed-7", "", "a man with one name and no number; the clinic is sensitive, so this needed his explicit consent"},
		{"ms-okafor", "school-pastoral", "S000014", "", "the clinic knows this girl too, uncorrelated by her own choice"},
		{"ms-okafor", "school-pastoral", "S999999", "", "a number that nobody else knows: of others, the answer says exactly the same"},
		{"dr-patel", "gp-riverside", "GP-00101", "", "he has excluded the police: they are not seen ..."},
		{"pc-dunne", "police-riverside", "P/0101/26", "", "... and do not see"},
	} {
		if err := s.tellAnswer(ctx, q, told, out); err != nil {
			return err
		}
	}
	out.say("\n2. With whom can I engage in a medication review about the child I know as LMN-00042?")
	if err := s.tellAnswer(ctx, question{"mr-lindqvist", "social-care", "LMN-00042", "medication-review", "only the surgery offers it"}, told, out); err != nil {
		return err
	}
	out.say("\n3. What the asker's own side stops is explained:")
	if err := s.tellRefusal(ctx, question{asker: "clerk-ito", column: "gp-riverside", identifier: "GP-00042"}, told, out); err != nil {
		return err
	}
	if err := s.tellRefusal(ctx, question{asker: "mr-lindqvist", column: "gp-riverside", identifier: "GP-00042"}, told, out); err != nil {
		return err
	}
	out.say("\n4. Consent is withdrawn, as easily as it was given; the next question feels it:")
	if err := s.withdraw(ctx, "dr-patel", "GP-00121"); err != nil {
		return err
	}
	return s.tellAnswer(ctx, question{"mr-lindqvist", "social-care", "LMN-00121", "", "the surgery's side of the correlation rested on that consent; the school is still told"}, told, out)
}

func (s *storyteller) tellAnswer(ctx context.Context, q question, told *telling, out *printer) error {
	a, err := s.ask(ctx, q.asker, q.column, q.identifier, q.transaction)
	if err != nil {
		return fmt.Errorf("%s asks: %w", q.asker, err)
	}
	out.say("\n  %s asks about %s in %s", q.asker, q.identifier, q.column)
	nested := &printer{out: indented{out.out}, json: out.json}
	nested.answer(a)
	out.say("    why: %s", q.why)
	done := asked{Asker: q.asker, Column: string(q.column), Question: "who else works with the person", Known: string(a.Known), Providers: []string{}}
	if q.transaction != "" {
		done.Question = "with whom can I engage in " + q.transaction
	}
	for _, p := range a.Providers {
		done.Providers = append(done.Providers, string(p.Provider))
	}
	told.Answers = append(told.Answers, done)
	return nil
}

func (s *storyteller) tellRefusal(ctx context.Context, q question, told *telling, out *printer) error {
	_, err := s.ask(ctx, q.asker, q.column, q.identifier, "")
	p, ok := errors.AsType[*bearer.Problem](err)
	if !ok {
		return fmt.Errorf("%s was not refused: %w", q.asker, err)
	}
	out.say("\n  %s asks in %s", q.asker, q.column)
	out.say("    %s", p.Title)
	out.say("    %s", p.Detail)
	told.Refusals = append(told.Refusals, q.asker+": "+p.Detail)
	return nil
}

// indented puts what is printed under its question.
type indented struct{ io.Writer }

func (w indented) Write(b []byte) (int, error) {
	for _, line := range bytes.SplitAfter(b, []byte("\n")) {
		if len(line) > 0 {
			if _, err := w.Writer.Write(append([]byte("    "), line...)); err != nil {
				return 0, err
			}
		}
	}
	return len(b), nil
}
