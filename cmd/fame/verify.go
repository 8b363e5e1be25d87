package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/fame-hub/fame/cmd/fame/verify"
	"github.com/fame-hub/fame/governance/ledger"
	"github.com/fame-hub/fame/internal/pg"
	"github.com/fame-hub/fame/internal/pg/private"
	"github.com/fame-hub/fame/internal/process"
	"github.com/fame-hub/fame/internal/seal"
)

type verifyCommand struct {
	Hub     verifyHubCommand     `cmd:"" default:"withargs" help:"Check the hub's records and index against its log. It reads only."`
	Receipt verifyReceiptCommand `cmd:"" help:"Check a receipt of a consent, offline, with the hub's public keys alone."`
}

type verifyHubCommand struct {
	LogKey string `help:"The log's public key. Left out: the hub's own, which proves less than a copy that you keep." type:"existingfile"`
}

// errBroken ends the command with exit code 1; what was found has been said.
var errBroken = errors.New("the hub is not what its log says: the first place that is listed is the first that is broken")

// Run verifies the hub of the directory.
func (c *verifyHubCommand) Run(ctx context.Context, all *cli, out *printer) error {
	h, err := openHub(all.Dir)
	if err != nil {
		return err
	}
	v, done, err := h.openToVerify(ctx, c.LogKey)
	if err != nil {
		return err
	}
	defer done()
	r, err := verify.Run(ctx, v, func(what string) { out.say("checking %s ...", what) })
	if err != nil {
		return err
	}
	out.verified(r)
	if err := out.result(r); err != nil {
		return err
	}
	if len(r.Findings) > 0 {
		return errBroken
	}
	return nil
}

func (p *printer) verified(r *verify.Result) {
	p.say("")
	p.say("The log has %d leaves under %d checkpoints; %d commitments wait for their position.", r.Size, r.Checkpoints, r.Pending)
	total := 0
	for _, n := range r.Records {
		total += n
	}
	p.say("%d records, %d of them opened; %d handles in the index.", total, r.Opened, r.Handles)
	if r.Erased > 0 {
		p.say("%d records have no content any more: an act erased it, and stands in the log.", r.Erased)
	}
	if len(r.Unopened) > 0 {
		p.say("NOT CHECKED, for want of keys: what the records of %s say.", strings.Join(r.Unopened, ", "))
	}
	for _, f := range r.Findings {
		p.say("BROKEN  %s", f)
	}
	switch {
	case r.More:
		p.say("... and more.")
	case len(r.Findings) == 0:
		p.say("Nothing is broken.")
	}
}

// openToVerify opens the hub's duties for reading, each as its own role and with
// its keys where they are at hand. On a private PostgreSQL, whose passwords are
// new at each start, it reads as the superuser, in transactions that cannot
// write.
func (h hub) openToVerify(ctx context.Context, logKey string) (v verify.Hub, done func(), err error) {
	var closers []func()
	done = func() {
		for _, f := range closers {
			f()
		}
	}
	defer func() {
		if err != nil {
			done()
		}
	}()
	admin := ""
	if h.Private {
		var stop func()
		if admin, stop, err = h.reachPrivate(ctx); err != nil {
			return v, done, err
		}
		closers = append(closers, stop)
	}
	for duty, to := range map[string]*verify.Duty{"governance": &v.Governance, "relmgr": &v.Relmgr, "consent": &v.Consent, "registrar": &v.Registrar, "idmgr": &v.Idmgr, "federation": &v.Federation} {
		c, err := process.Load(h.path(duty+".yaml"), duty)
		if err != nil {
			return v, done, err
		}
		if duty == "idmgr" {
			v.Manager = c.Manager
		}
		if admin != "" {
			c.Database = admin
		}
		for _, w := range c.Log.Witnesses {
			v.Witnesses = append(v.Witnesses, w.Key)
		}
		if to.DB, err = pg.OpenPool(ctx, c.Database, pg.Pool{Application: "fame verify", MaxOpen: 2}); err != nil {
			return v, done, err
		}
		db := to.DB
		closers = append([]func(){func() { db.Close() }}, closers...)
		if duty == "registrar" { // each has a key file of its own
			continue
		}
		if to.Keys, err = keysAtHand(c.Keys, c.Identity); err != nil {
			return v, done, err
		}
	}
	if v.Registrars, err = h.registrarKeys(); err != nil {
		return v, done, err
	}
	if logKey == "" {
		logKey = h.path("keys", "log.vkey")
	}
	text, err := os.ReadFile(logKey)
	switch {
	case err == nil:
		v.VerifierKey = strings.TrimSpace(string(text))
	case errors.Is(err, fs.ErrNotExist) && v.Governance.Keys != nil: // a hub from before the log
		v.VerifierKey, err = ledger.VerifierKey(ctx, v.Governance.Keys, h.Hub)
	}
	if err != nil {
		err = fmt.Errorf("the log's public key: %w: give a copy with --log-key", err)
	}
	return v, done, err
}

// keysAtHand opens a key file, nil where there is none.
func keysAtHand(file, identity string) (seal.Provider, error) {
	keys, err := seal.OpenFile(file, identity)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return keys, err
}

// registrarKeys are the keys of every registrar whose configuration is in the hub's
// directory, under whatever name, and of those that one of them stands in for.
func (h hub) registrarKeys() (map[string]seal.Provider, error) {
	files, err := filepath.Glob(h.path("*.yaml"))
	if err != nil {
		return nil, err
	}
	out := map[string]seal.Provider{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var is struct{ Duty string }
		if yaml.Unmarshal(text, &is) != nil || is.Duty != "registrar" {
			continue
		}
		c, err := process.Load(file, "registrar")
		if err != nil {
			return nil, err
		}
		for _, r := range append([]process.Cover{{Registrar: c.Registrar, Keys: c.Keys, Identity: c.Identity}}, c.Covers...) {
			if out[r.Registrar] != nil {
				continue
			}
			keys, err := keysAtHand(r.Keys, r.Identity)
			if err != nil {
				return nil, err
			}
			if keys != nil {
				out[r.Registrar] = keys
			}
		}
	}
	return out, nil
}

// reachPrivate is how the superuser reaches the hub's own PostgreSQL, which it
// starts where no other process runs it.
func (h hub) reachPrivate(ctx context.Context) (dsn string, stop func(), err error) {
	if dsn, err := private.RunningDSN(h.path("postgres"), h.Name); err == nil {
		if db, err := pg.Open(ctx, dsn); err == nil {
			db.Close()
			return dsn, func() {}, nil
		}
	}
	server, err := h.startPrivate(ctx, io.Discard)
	if err != nil {
		return "", nil, err
	}
	return server.AdminDSN(h.Name), func() { _ = server.Stop() }, nil
}
