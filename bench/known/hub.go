package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/fame-hub/fame/api/relmgrapi"
	"github.com/fame-hub/fame/consent/decide"
	"github.com/fame-hub/fame/demo/riverside"
	"github.com/fame-hub/fame/governance"
	"github.com/fame-hub/fame/governance/partnership"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/migrate"
	"github.com/fame-hub/fame/internal/pg/private"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/internal/serve"
)

const (
	hubName = "known" // of the database, and before the logins
	hubID   = "https://riverside.fame.example"
	// practitioners are how many social workers ask.
	practitioners = 64
	// mostManagers is how many identity managers the partnership lists.
	mostManagers = 20
)

// day is when everything here happens: Riverside's agreements are in force.
var day = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)

// hub is a relationship manager as its own process would run it, with
// Riverside applied.
type hub struct {
	dir       string
	admin     *sql.DB
	passwords map[string]string
	issuer    *issuer
	relmgr    *process.Process
	address   string // host:port
	now       func() time.Time
	closers   []func() error
}

// newHub makes the database, applies Riverside and serves.
func newHub(ctx context.Context, server *private.Server, dir string) (_ *hub, err error) {
	started := time.Now()
	h := &hub{dir: dir, passwords: map[string]string{}, now: func() time.Time { return day.Add(time.Since(started)) }}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	if err := h.migrate(ctx, server); err != nil {
		return nil, err
	}
	if h.issuer, err = newIssuer(ctx); err != nil {
		return nil, err
	}
	h.closers = append(h.closers, h.issuer.close)
	dsn := func(duty string) string { return server.DSN(hubName, migrate.Login(hubName, duty), h.passwords[duty]) }
	if err := h.govern(ctx, dsn("governance")); err != nil {
		return nil, fmt.Errorf("governance: %w", err)
	}
	return h, h.serve(ctx, dsn("relmgr"))
}

// close undoes what newHub did, the last first.
func (h *hub) close() (err error) {
	for i := len(h.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, h.closers[i]())
	}
	h.closers = nil
	return err
}

// migrate makes the database and the duties' logins.
func (h *hub) migrate(ctx context.Context, server *private.Server) error {
	first, err := pg.Open(ctx, server.AdminDSN("postgres"))
	if err != nil {
		return err
	}
	defer first.Close()
	if _, err := first.ExecContext(ctx, "create database "+hubName); err != nil {
		return err
	}
	admin := server.AdminDSN(hubName)
	if err := migrate.Up(ctx, admin); err != nil {
		return err
	}
	for _, duty := range migrate.Duties {
		h.passwords[duty] = rand.Text()
	}
	if err := migrate.EnsureLogins(ctx, admin, hubName, h.passwords); err != nil {
		return err
	}
	// Loading has statements of many seconds.
	h.admin, err = pg.OpenPool(ctx, admin, pg.Pool{Application: "known", StatementTimeout: -1, MaxOpen: 2})
	if err == nil {
		h.closers = append(h.closers, h.admin.Close)
	}
	return err
}

// makeKeys makes a duty's key file and says where it and its identity are.
func (h *hub) makeKeys(duty string) (keys seal.Provider, file, identity string, err error) {
	file, identity = filepath.Join(h.dir, duty+".keys"), filepath.Join(h.dir, duty+".identity")
	keys, err = seal.CreateFile(file, identity)
	return keys, file, identity, err
}

// govern initialises governance and applies Riverside as its governor.
func (h *hub) govern(ctx context.Context, dsn string) error {
	keys, _, _, err := h.makeKeys("governance")
	if err != nil {
		return err
	}
	db, err := pg.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := governance.New(governance.Config{DB: db, Keys: keys, Now: h.now, Hub: hubID})
	if err != nil {
		return err
	}
	governor := governance.Governor{Issuer: h.issuer.url, Audience: audience, Subject: "governor", Practitioner: "governor"}
	if err := s.Initialise(ctx, governor, hubID, hubName); err != nil {
		return err
	}
	document, err := h.document()
	if err != nil {
		return err
	}
	_, err = s.Apply(ctx, decide.Caller{Actor: decide.Actor{
		Practitioner: governor.Practitioner, Agency: "governance-office", Roles: []string{"governance-officer"},
	}}, document, false)
	return err
}

// document is Riverside with this hub's issuer, more social workers, longer
// identifiers, and no limit that a measurement could meet.
func (h *hub) document() ([]byte, error) {
	text := bytes.ReplaceAll(riverside.Partnership(), []byte("http://127.0.0.1:8400/issuer"), []byte(h.issuer.url))
	for _, prefix := range []string{"LMN", "GP"} {
		text = bytes.ReplaceAll(text, []byte(`"`+prefix+`-[0-9]{5}"`), fmt.Appendf(nil, `"%s-[0-9]{%d}"`, prefix, digits))
		text = bytes.ReplaceAll(text, []byte(`"`+prefix+`-12345"`), fmt.Appendf(nil, `"%s-%0*d"`, prefix, digits, 12345))
	}
	js, _, err := partnership.FromYAML(text)
	if err != nil {
		return nil, err
	}
	var doc map[string]any
	if err := json.Unmarshal(js, &doc); err != nil {
		return nil, err
	}
	doc["partnership"].(map[string]any)["hub"] = hubID
	for _, a := range doc["agreements"].([]any) { // so that managers' grants count
		a.(map[string]any)["trust"] = map[string]any{"model": "four-cornered"}
	}
	for i := range mostManagers {
		doc["managers"] = append(doc["managers"].([]any), map[string]any{
			"code": fmt.Sprintf("bench-%d", i+1), "title": "A manager", "agency": "night-shelter", "purpose": "To be met", "appeal": "Nobody"})
	}
	doc["settings"].(map[string]any)["requests_per_minute"] = 100_000
	people := doc["practitioners"].([]any)
	for i := range practitioners {
		people = append(people, map[string]any{
			"id": practitioner(i), "agency": "riverside-social-care", "issuer": "local", "subject": practitioner(i),
			"roles": []string{"social-worker"}, "providers": []string{"childrens-assessment"},
		})
	}
	doc["practitioners"] = people
	return json.Marshal(doc)
}

func practitioner(i int) string { return fmt.Sprintf("bench-%02d", i+1) }

// serve runs relmgr's process on loopback. Its log, a line for each request as
// in production, goes to a file.
func (h *hub) serve(ctx context.Context, dsn string) error {
	_, file, identity, err := h.makeKeys("relmgr")
	if err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(h.dir, "relmgr.log"))
	if err != nil {
		return err
	}
	h.closers = append(h.closers, out.Close)
	p, err := process.Open(ctx, process.Config{
		Duty: "relmgr", Hub: hubID, Listen: "127.0.0.1:0", BehindProxy: true, Database: dsn, Keys: file, Identity: identity,
	}, serve.Logger(out, slog.LevelInfo), process.NewRegistry())
	if err != nil {
		return err
	}
	h.closers = append(h.closers, p.Close)
	p.Now, h.relmgr = h.now, p
	part, err := relmgrapi.Wire(ctx, p)
	if err != nil {
		return err
	}
	// Not ctx: a Ctrl-C ends the measurement first, then the server.
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	listening, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- serve.Run(serving, serve.Config{
			Listen: p.Config.Listen, Ready: append(p.Ready(), part.Ready...), Registry: p.Registry, Logger: p.Logger,
			Handler:     serve.Mount(http.NotFoundHandler(), map[string]http.Handler{part.Prefix: part.Handler}),
			OnListening: func(a serve.Addresses) { listening <- a.Public.String() },
		})
	}()
	h.closers = append(h.closers, func() error { stop(); return <-ended })
	select {
	case h.address = <-listening:
		return nil
	case err := <-ended:
		ended <- err
		return err
	}
}
