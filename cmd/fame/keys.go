package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/fame-hub/fame/internal/attest"
	"github.com/fame-hub/fame/internal/ident"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/seal"
	"github.com/fame-hub/fame/registrar"
	"github.com/fame-hub/fame/relmgr"
)

// keysCommand keeps the keys of relmgr and of the registrar, on a hub that runs or one
// that does not. It works with each duty's own key file and database role.
type keysCommand struct {
	List      keysListCommand      `cmd:"" help:"List the keys, and when those that are retired may be destroyed."`
	Rotate    keysRotateCommand    `cmd:"" help:"Bring a column to its next token key, or carry on a rotation that was stopped."`
	Anchors   keysAnchorsCommand   `cmd:"" help:"Bring all anchors, by which recognised people are found, to their next key, or carry on what was stopped."`
	Agreement keysAgreementCommand `cmd:"" help:"Make the next key that registrars encrypt recognitions to, and publish it to the hub's own."`
	Rewrap    keysRewrapCommand    `cmd:"" help:"Bring an agency to its next wrapping key, or carry on what was stopped."`
	Hub       keysHubCommand       `cmd:"" help:"Begin the change of the key that other hubs know this one by. It takes itself to its end; peers follow."`
	Records   keysRecordsCommand   `cmd:"" help:"Bring the index's records to their next wrapping key, or carry on what was stopped."`
	People    keysPeopleCommand    `cmd:"" help:"Bring what the registrar knows of people to its next wrapping key, or carry on what was stopped."`
	Tokens    keysTokensCommand    `cmd:"" help:"Bring the tokens by which the registrar finds people to their next key, or carry on what was stopped."`
	Revoke    keysRevokeCommand    `cmd:"" help:"Destroy an agency's wrapping keys, now and for good: what it calls people can be read by nobody any more."`
	Destroy   keysDestroyCommand   `cmd:"" help:"Destroy the retired keys that no backup needs any more."`
}

type keysAgreementCommand struct{}

// Run makes the key. The index reads what is encrypted to it at once, and what was
// encrypted to those before; a registrar encrypts to it from its next start on.
func (c *keysAgreementCommand) Run(ctx context.Context, all *cli, out *printer) error {
	h, err := openHub(all.Dir)
	if err != nil {
		return err
	}
	file := h.path("keys", "recognitions.jwks")
	err = withKeys(ctx, all, func(s *relmgr.Service) error {
		to, err := s.RotateAgreement(ctx)
		if err != nil {
			return err
		}
		return attest.WriteKeySet(file, to)
	})
	if err != nil {
		return err
	}
	out.say("%s has the new key first. Start the registrars again, and give it to those that run elsewhere.", file)
	return out.result(map[string]any{"file": file})
}

// withDuty opens a duty's database and key file for upkeep. On a private PostgreSQL,
// whose passwords are new at each start, the superuser takes the duty's role.
func withDuty(ctx context.Context, all *cli, duty string, do func(process.Config, *sql.DB, seal.Provider) error) error {
	h, err := openHub(all.Dir)
	if err != nil {
		return err
	}
	c, err := process.Load(h.path(duty+".yaml"), duty)
	if err != nil {
		return err
	}
	if h.Private {
		dsn, stop, err := h.reachPrivate(ctx)
		if err != nil {
			return err
		}
		defer stop()
		c.Database = dsn + " role='fame_" + duty + "'"
	}
	keys, err := seal.OpenFile(c.Keys, c.Identity)
	if err != nil {
		return err
	}
	db, err := pg.OpenPool(ctx, c.Database, pg.Pool{Application: "fame keys", MaxOpen: 2, StatementTimeout: 10 * time.Minute})
	if err != nil {
		return err
	}
	defer db.Close()
	return do(c, db, keys)
}

// withKeys runs what a command does with relmgr's keys.
func withKeys(ctx context.Context, all *cli, do func(*relmgr.Service) error) error {
	return withDuty(ctx, all, "relmgr", func(_ process.Config, db *sql.DB, keys seal.Provider) error {
		s, err := relmgr.New(ctx, relmgr.Config{DB: db, Keys: keys, Now: time.Now})
		if err != nil {
			return err
		}
		defer s.Close()
		return do(s)
	})
}

// withPeople runs what a command does with the registrar's keys.
func withPeople(ctx context.Context, all *cli, do func(*registrar.Service) error) error {
	return withDuty(ctx, all, "registrar", func(c process.Config, db *sql.DB, keys seal.Provider) error {
		s, err := registrar.New(registrar.Config{Registrar: ident.Registrar(c.Registrar), DB: db, Keys: keys, Now: time.Now, Registerer: prometheus.NewRegistry()})
		if err != nil {
			return err
		}
		return do(s)
	})
}

// withEither runs what a command does with the keys of both, or of the one whose
// configuration is in the directory.
func withEither(ctx context.Context, all *cli, index func(*relmgr.Service) error, people func(*registrar.Service) error) error {
	h, err := openHub(all.Dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(h.path("relmgr.yaml")); err == nil || !errors.Is(err, fs.ErrNotExist) {
		if err := withKeys(ctx, all, index); err != nil {
			return err
		}
	}
	if _, err := os.Stat(h.path("registrar.yaml")); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return withPeople(ctx, all, people)
}

// progress tells each step of a rotation, a tenth of it at a time.
func (p *printer) progress() relmgr.Progress {
	var last string
	return func(step string, done, of int) {
		line := fmt.Sprintf("%s %3d %%", step, 100)
		if of > 0 {
			line = fmt.Sprintf("%s %3d %% of %d", step, done*10/of*10, of)
		}
		if line != last {
			p.say("%s", line)
			last = line
		}
	}
}

type keysListCommand struct{}

// keyLine is a key as it is listed.
type keyLine struct {
	Key          seal.KeyID `json:"key"`
	State        string     `json:"state"`
	DestroyAfter *time.Time `json:"destroy_after,omitempty"`
}

// Run lists the keys.
func (c *keysListCommand) Run(ctx context.Context, all *cli, out *printer) error {
	lines := []keyLine{}
	add := func(id seal.KeyID, revoked, destroyed, retired bool, after time.Time) {
		l := keyLine{Key: id, State: "in use"}
		switch {
		case revoked:
			l.State = "revoked"
		case destroyed:
			l.State = "destroyed"
		case retired:
			l.State, l.DestroyAfter = "retired", &after
			out.say("%-40s %s, to be destroyed after %s", l.Key, l.State, after.Format(time.DateOnly))
		}
		if l.DestroyAfter == nil {
			out.say("%-40s %s", l.Key, l.State)
		}
		lines = append(lines, l)
	}
	err := withEither(ctx, all, func(s *relmgr.Service) error {
		keys, err := s.Keys(ctx)
		for _, k := range keys {
			add(k.ID, k.Revoked, k.Destroyed, k.Retired, k.DestroyAfter)
		}
		return err
	}, func(s *registrar.Service) error {
		keys, err := s.Keys(ctx)
		for _, k := range keys {
			add(k.ID, false, k.Destroyed, k.Retired, k.DestroyAfter)
		}
		return err
	})
	if err != nil {
		return err
	}
	return out.result(lines)
}

type keysRotateCommand struct {
	Column string `arg:"" help:"The column."`
}

// Run rotates the token key of a column.
func (c *keysRotateCommand) Run(ctx context.Context, all *cli, out *printer) error {
	return withKeys(ctx, all, func(s *relmgr.Service) error {
		if err := s.RotateTokens(ctx, ident.Column(c.Column), out.progress()); err != nil {
			return err
		}
		out.say("Column %s looks people up by its new key. The old one is kept as long as backups are: see fame keys list.", c.Column)
		return out.result(map[string]string{"column": c.Column})
	})
}

type keysAnchorsCommand struct{}

// Run brings all anchors to their next key.
func (c *keysAnchorsCommand) Run(ctx context.Context, all *cli, out *printer) error {
	return withKeys(ctx, all, func(s *relmgr.Service) error {
		if err := s.RotateAnchors(ctx, out.progress()); err != nil {
			return err
		}
		out.say("Anchors are found by their next key. Those before it are kept: recognitions are brought to the newest through all of them.")
		return out.result(map[string]any{"anchors": true})
	})
}

type keysRewrapCommand struct {
	Agency string `arg:"" help:"The agency."`
}

// Run rotates the wrapping key of an agency.
func (c *keysRewrapCommand) Run(ctx context.Context, all *cli, out *printer) error {
	return withKeys(ctx, all, func(s *relmgr.Service) error {
		if err := s.Rewrap(ctx, ident.Agency(c.Agency), out.progress()); err != nil {
			return err
		}
		out.say("What the columns of %s call people is under its new key. The old one is kept as long as backups are: see fame keys list.", c.Agency)
		return out.result(map[string]string{"agency": c.Agency})
	})
}

type keysRecordsCommand struct{}

// Run rotates the key that wraps the keys of contents.
func (c *keysRecordsCommand) Run(ctx context.Context, all *cli, out *printer) error {
	return withKeys(ctx, all, func(s *relmgr.Service) error {
		if err := s.RewrapRecords(ctx, out.progress()); err != nil {
			return err
		}
		out.say("What the index recorded is under its new key. The old one is kept as long as backups are: see fame keys list.")
		return out.result(map[string]bool{"records": true})
	})
}

type keysPeopleCommand struct{}

// Run rotates the key that wraps the keys of people.
func (c *keysPeopleCommand) Run(ctx context.Context, all *cli, out *printer) error {
	return withPeople(ctx, all, func(s *registrar.Service) error {
		tell := out.progress()
		if err := s.RewrapSubjects(ctx, func(done, of int) { tell("people", done, of) }); err != nil {
			return err
		}
		out.say("What the registrar knows of people is under its new key. The old one is kept as long as backups are: see fame keys list.")
		return out.result(map[string]bool{"people": true})
	})
}

type keysTokensCommand struct{}

// Run rotates the key of the tokens by which people are found.
func (c *keysTokensCommand) Run(ctx context.Context, all *cli, out *printer) error {
	return withPeople(ctx, all, func(s *registrar.Service) error {
		if err := s.RotateTokens(ctx, registrar.Progress(out.progress())); err != nil {
			return err
		}
		out.say("The registrar finds people by its new key. The old one is kept as long as backups are: see fame keys list.")
		return out.result(map[string]bool{"tokens": true})
	})
}

type keysRevokeCommand struct {
	Agency string `arg:"" help:"The agency."`
	Yes    bool   `help:"Do it: there is no way back."`
}

// Run revokes an agency's keys.
func (c *keysRevokeCommand) Run(ctx context.Context, all *cli, out *printer) error {
	if !c.Yes {
		return fmt.Errorf("this makes everything that the columns of %s call people unreadable, for good: add --yes if that is wanted", c.Agency)
	}
	return withKeys(ctx, all, func(s *relmgr.Service) error {
		if err := s.RevokeAgency(ctx, ident.Agency(c.Agency)); err != nil {
			return err
		}
		out.say("The keys of %s are destroyed. Destroy their backups too. `fame keys rewrap %s` gives it a new key to begin again with.", c.Agency, c.Agency)
		return out.result(map[string]string{"agency": c.Agency})
	})
}

type keysDestroyCommand struct {
	Early []string `help:"A retired key to destroy before its time: backups from before it was retired cannot be used any more." placeholder:"KEY"`
}

// Run destroys retired keys.
func (c *keysDestroyCommand) Run(ctx context.Context, all *cli, out *printer) error {
	var early [2][]seal.KeyID // of relmgr, of the registrar
	for _, k := range c.Early {
		n := 0
		if strings.HasPrefix(k, "duty/registrar/") {
			n = 1
		}
		early[n] = append(early[n], seal.KeyID(k))
	}
	destroyed := []seal.KeyID{}
	told := func(gone []seal.KeyID, err error) error {
		for _, k := range gone {
			out.say("destroyed %s", k)
		}
		destroyed = append(destroyed, gone...)
		return err
	}
	err := withEither(ctx, all, func(s *relmgr.Service) error { return told(s.DestroyRetired(ctx, early[0]...)) },
		func(s *registrar.Service) error { return told(s.DestroyRetired(ctx, early[1]...)) })
	if err != nil {
		return err
	}
	out.say("%d keys destroyed. Destroy them in the backups of the key file too.", len(destroyed))
	return out.result(map[string]any{"destroyed": destroyed})
}
