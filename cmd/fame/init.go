package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/fame-hub/fame/internal/pg/migrate"
)

// audience is what tokens of the local issuer name as theirs.
const audience = "fame"

type initCommand struct {
	Governor string `help:"Who may apply the first partnership document, as ISSUER#SUBJECT." required:"" placeholder:"ISSUER#SUBJECT"`
	Audience string `help:"What the issuer's tokens name as their audience." default:"fame"`
	Hub      string `help:"The hub's identifier: the URL at which it will be reached." default:"http://127.0.0.1:8400"`
	Name     string `help:"The hub's short name, which prefixes its database roles." default:"hub"`
	Listen   string `help:"Where fame up serves this hub." default:"127.0.0.1:8400"`
	Database string `help:"An administrator's connection string to the hub's own, empty database. Left out: a private PostgreSQL in the hub's directory." env:"FAME_DATABASE"`
}

// Run makes a hub that is not running yet.
func (c *initCommand) Run(ctx context.Context, all *cli, out *printer) (err error) {
	issuer, subject, ok := strings.Cut(c.Governor, "#")
	if !ok || issuer == "" || subject == "" {
		return errors.New("write --governor as ISSUER#SUBJECT, for example https://login.example.org#6f1d2c")
	}
	h := hub{dir: all.Dir, hubFile: hubFile{Name: c.Name, Hub: c.Hub, Listen: c.Listen, Private: c.Database == ""}}
	admin := c.Database
	if h.Private {
		server, err := h.startPrivate(ctx, io.Discard)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		admin = server.AdminDSN(h.Name)
	}
	if err := newHub(ctx, h, admin, governor{issuer: issuer, subject: subject, audience: c.Audience}); err != nil {
		return err
	}
	out.say("A hub is in %s. Keep keys/*.identity apart from keys/*.keys, and both out of the database's backups.", h.dir)
	if h.Private {
		out.say("Run it with: fame --dir %s up", h.dir)
	} else {
		for _, duty := range duties {
			out.say("Run its duty with: %s --config %s", duty, h.path(duty+".yaml"))
		}
		out.say("Run its pages with: portal --config %s", h.path("portal.yaml"))
	}
	out.say("Then the governor applies the partnership: fame apply -f partnership.yaml --token TOKEN")
	return out.result(map[string]any{"dir": h.dir, "hub": h.Hub, "private": h.Private})
}

type migrateCommand struct {
	Database string `help:"An administrator's connection string to the hub's database; not needed for a private one." env:"FAME_DATABASE"`
}

// Run migrates the hub's database. Logins and their passwords stay as
// they are; a duty that the release brings gets its own.
func (c *migrateCommand) Run(ctx context.Context, all *cli, out *printer) (err error) {
	h, err := openHub(all.Dir)
	if err != nil {
		return err
	}
	admin := c.Database
	if h.Private {
		server, err := h.startPrivate(ctx, io.Discard)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.Stop()) }()
		admin = server.AdminDSN(h.Name)
	}
	if admin == "" {
		return errors.New("give --database: an administrator's connection string to the hub's database")
	}
	version, err := migrateOnly(ctx, admin)
	if err != nil {
		return err
	}
	// Duties that this release brings have no login whose password anybody knows.
	missing, err := h.missing()
	if err != nil {
		return err
	}
	passwords := map[string]string{}
	for _, duty := range missing {
		passwords[duty] = rand.Text()
	}
	if err := migrate.EnsureLogins(ctx, admin, h.Name, passwords); err != nil {
		return fmt.Errorf("make the new duties' logins: %w", err)
	}
	if err := h.makeDuties(ctx, admin, passwords); err != nil {
		return err
	}
	for _, duty := range missing {
		out.say("This release brings the duty %s: run it with: %s --config %s", duty, duty, h.path(duty+".yaml"))
	}
	out.say("The database of hub %q has schema version %d.", h.Name, version)
	return out.result(map[string]any{"hub": h.Name, "version": version})
}
